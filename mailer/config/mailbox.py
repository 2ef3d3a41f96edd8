"""E-mail addresses in the configuration: checked by syntax (RFC 5321 §4.1.2), not by DNS."""

from __future__ import annotations

from email_validator import EmailNotValidError, validate_email


def normal_mailbox(text: str) -> str:
    """The address with its domain as lower-case A-label; ValueError if it is none.

    The local part keeps its spelling.
    """
    try:
        found = validate_email(
            text.strip(),
            check_deliverability=False,
            test_environment=True,  # `.test` is a domain like any other to a private network
            globally_deliverable=False,  # and so is a name without a dot
        )
    except EmailNotValidError as error:
        raise ValueError(str(error)) from error
    return f"{found.local_part}@{found.ascii_domain}"
