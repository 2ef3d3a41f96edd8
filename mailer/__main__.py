"""The command `mailer`."""

from mailer.cli.main import main

if __name__ == "__main__":
    main()
