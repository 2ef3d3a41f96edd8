#!/usr/bin/env python3
"""Set-up and checks of a checkout: `python3 dev.py COMMAND`, standard library alone.

    demo [--once]       the whole service at work on this machine; --once ends by itself
    test [ARGUMENT...]  every check; with arguments only pytest, with these
    bench [NAME]        the benchmarks behind docs/performance.md, or one of them
    faults [ARGUMENT]   the fault injection in its long form (pytest on tests/faults)
    pictures [LANGUAGE] every kind of mail and every page as seen, into docs/pictures; of one
                        language the mails, with the word pages the pages alone
    lock                makes both lock files anew from pyproject.toml

All but the last make `.venv` from the hash locks when it is missing or out of date.
This file stays readable for old Pythons, so that they can say that they are too old.
"""

import os
import sys

COMMANDS = ("demo", "test", "bench", "faults", "pictures", "lock")


def main(arguments):
    # type: (list[str]) -> int
    """Run one command; the exit code is 0 done, 1 failed, 2 usage or a part is lacking."""
    if sys.version_info < (3, 11):  # noqa: UP036 - this line is for those who run an older one
        found = ".".join(str(number) for number in sys.version_info[:3])
        sys.stderr.write("dev.py needs Python 3.11 or newer; this is %s\n" % found)  # noqa: UP031
        return 2
    if arguments and arguments[0] in ("-h", "--help"):
        sys.stdout.write(str(__doc__))
        return 0
    if not arguments or arguments[0] not in COMMANDS:
        sys.stderr.write(str(__doc__))
        return 2
    root = os.path.dirname(os.path.abspath(__file__))
    sys.path.insert(0, root)
    os.chdir(root)
    from tools import command  # only now is it known that it can be read

    return command.run(arguments[0], arguments[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
