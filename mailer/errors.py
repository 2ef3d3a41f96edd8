"""The errors that a caller cannot continue with.

Expected outcomes (a refused recipient, an unknown token) are values, not errors::

    MailerError
    ├── ConfigError       (ValueError)      the configuration does not hold; lists every fault
    ├── ProgrammeError    (ValueError)      a programme file or a change of it cannot be taken
    ├── UnknownWebinar    (LookupError)     no webinar has this id; names the nearest
    ├── ChangeRefused     (ValueError)      a change of the programme that makes no sense; says why
    ├── AnnouncementError (ValueError)      what an organiser wrote cannot be taken
    ├── AnnouncementRefused (ValueError)    a step an announcement cannot take now; says why
    ├── PeopleError       (ValueError)      an address list or a person's data cannot be taken
    ├── PersonRefused     (ValueError)      a change of a person that cannot be; says why
    ├── TemplateFault     (ValueError)      a template cannot be rendered; names file and line
    ├── SchemaTooOld      (RuntimeError)    the database wants `db upgrade`
    ├── SchemaTooNew      (RuntimeError)    the database was upgraded by a newer version
    ├── ZonesTooOld       (RuntimeError)    the times stored here are by newer rules of the zones
    ├── WrongOwner        (PermissionError) another user owns the database file
    ├── AlreadyServing    (RuntimeError)    another daemon works on this SQLite file
    └── StoreUnavailable  (OSError)         the database does not answer now
"""

from __future__ import annotations

from dataclasses import dataclass


class MailerError(Exception):
    """Base of all errors of this package; its text is one clear line for the operator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing wrong with what somebody wrote: where it is, what was found, what is expected."""

    where: str
    found: str
    expected: str
    hint: str = ""

    def __str__(self) -> str:
        line = f"{self.where}: found {self.found}, expected {self.expected}"
        return f"{line} ({self.hint})" if self.hint else line


class FaultyInput(MailerError, ValueError):
    """Input with one or more faults, all of them reported at once."""

    def __init__(self, source: str, faults: tuple[Fault, ...]) -> None:
        super().__init__(source, faults)
        self.source = source
        self.faults = faults

    def __str__(self) -> str:
        return "\n".join(f"{self.source}: {fault}" for fault in self.faults)


class ConfigError(FaultyInput):
    """The configuration does not hold."""


class ProgrammeError(FaultyInput):
    """A programme file, or a change to the programme, cannot be taken; nothing was stored."""


class UnknownWebinar(MailerError, LookupError):
    """No webinar of the series has this id."""


class ChangeRefused(MailerError, ValueError):
    """A change of the programme that makes no sense as things stand; nothing was stored."""


class AnnouncementError(FaultyInput):
    """What an organiser wrote cannot be taken; nothing was queued."""


class AnnouncementRefused(MailerError, ValueError):
    """A step that an announcement cannot take as things stand; nothing was changed."""


class PeopleError(FaultyInput):
    """A list of addresses, or a person's data, cannot be taken; nothing was stored."""


class PersonRefused(MailerError, ValueError):
    """A change of a person that cannot be; nothing was changed."""


class TemplateFault(MailerError, ValueError):
    """A template cannot be rendered."""

    def __init__(self, template: str, line: int | None, cause: str) -> None:
        super().__init__(template, line, cause)
        self.template = template
        self.line = line
        self.cause = cause

    def __str__(self) -> str:
        place = f"{self.template}, line {self.line}" if self.line else self.template
        return f"template {place}: {self.cause}"


class SchemaTooOld(MailerError, RuntimeError):
    """The database has an older schema than this program: run `mailer db upgrade`."""


class SchemaTooNew(MailerError, RuntimeError):
    """The database has a newer schema than this program knows: install the newer version."""


class ZonesTooOld(MailerError, RuntimeError):
    """The instants in the database are by newer rules of the time zones than this program has."""


class WrongOwner(MailerError, PermissionError):
    """Another user owns the database file; writing would leave files its daemon cannot use."""


class AlreadyServing(MailerError, RuntimeError):
    """Another daemon works on this SQLite file."""


class StoreUnavailable(MailerError, OSError):
    """The database does not answer now; the same call may succeed later."""
