"""Reads the machine-readable part of a delivery report (RFC 3464 §2, RFC 6533 §3).

Gives one value per recipient, in the order of the report, and decides nothing about them. Reads
what is broken too: fields in the wrong place or type, blank lines where none belong, recipients
without type or domain.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

# Not as wide as RFC 5321 allows: marks before an address belong to the text.
ADDRESS = re.compile(
    r"(?:\"[^\"\s<>@]{1,64}\"|(?<![^\s<>()\[\]\",:;@\\|'*`’‘“„”])[^\s<>()\[\]\",:;@\\|'*`’‘“„”]"
    r"[^\s<>()\[\]\",:;@\\|]{0,127})@"
    r"[^\W_](?:[\w.-]{0,252}[^\W_])?",
)
FIELDS_READ = 4_000

_FIELD = re.compile(
    r"[ \t]{0,4}(original-recipient|final-recipient|x-actual-recipient|x-original-to|action"
    r"|status"
    r"|diagnostic-code|x-supplementary-info|remote-mta|x-postfix-sender|reporting-mta"
    r"|arrival-date"
    r"|last-attempt-date|final-log-id|will-retry-until|x-display-name|original-envelope-id"
    r"|localized-diagnostic|received-from-mta)[ \t]*:(.*)",
    re.IGNORECASE,
)
_RECIPIENT_FIELDS = ("final-recipient", "original-recipient", "x-actual-recipient", "x-original-to")
_OUTCOME_FIELDS = ("action", "status", "diagnostic-code")
_HEX_CHARACTER = re.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}")
_XTEXT = re.compile(r"\+(2B|3D)")


class Action(StrEnum):
    """What became of a recipient (RFC 3464 §2.3.3)."""

    FAILED = "failed"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    RELAYED = "relayed"
    EXPANDED = "expanded"


SUCCESSFUL = frozenset({Action.DELIVERED, Action.RELAYED, Action.EXPANDED})


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipientStatus:
    """What a report says of one recipient. ``address`` has no domain where the report has none."""

    address: str
    action: Action | None
    status: str
    diagnostic: str
    original: str = ""  # as the sender spelled it, where the report says so


def read_status(text: str) -> tuple[RecipientStatus, ...]:
    """The recipients of a delivery status, whatever kind of text it stands in."""
    groups = _groups(_fields(text))
    read = (_recipient(group) for group in groups)
    return tuple(recipient for recipient in read if recipient is not None)


def final_recipients(text: str) -> tuple[str, ...]:
    """Addresses in the Final-Recipient fields of a receipt (RFC 8098 §3.2.4)."""
    found = (address_in(value) for name, value in _fields(text) if name == "final-recipient")
    return tuple(filter(None, found))


def address_in(value: str) -> str:
    """The mailbox in the value of a recipient field; empty when there is none."""
    value = _HEX_CHARACTER.sub(_character, value)
    kind, semicolon, rest = value.partition(";")
    if semicolon and "@" not in kind:
        value = rest
    value = value.replace("&lt;", "<").replace("&gt;", ">").strip()
    if value.startswith(("@", "<@")) and ":" in value:  # a source route, RFC 5321 appendix C
        value = value.partition(":")[2]
    found = ADDRESS.search(value)
    return found.group() if found else ""


def _character(found: re.Match[str]) -> str:
    code = int(found.group(1), 16)
    return chr(code) if 0x20 < code < 0xD800 or 0xE000 <= code < 0x110000 else ""


def _fields(text: str) -> Iterator[tuple[str, str]]:
    """Known fields, unfolded; a blank line is given as an empty name."""
    name, value = "", ""
    for line in (line[:2_000].rstrip() for line in text.split("\n", FIELDS_READ)[:FIELDS_READ]):
        found = _FIELD.match(line)
        if found:
            if name:
                yield name, value
            name, value = found.group(1).lower(), found.group(2).strip()
        elif name and line[:1] in (" ", "\t") and len(value) < 8_000:
            value = f"{value} {line.strip()}".strip()
        elif name and line and name == "diagnostic-code" and len(value) < 8_000 and ":" not in line:
            value = f"{value} {line.strip()}"  # folded without the space that folding needs
        else:
            if name:
                yield name, value
                name, value = "", ""
            if not line:
                yield "", ""
    if name:
        yield name, value


def _groups(fields: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    """Fields by recipient. A group ends at a blank line or where a field comes a second time."""
    groups: list[dict[str, str]] = []
    early: dict[str, str] = {}
    current: dict[str, str] = {}
    for name, value in fields:
        if not name or name in current:
            _close(current, groups, early)
            current = {}
        if name:
            current[name] = value
    _close(current, groups, early)
    return groups


def _close(group: dict[str, str], groups: list[dict[str, str]], early: dict[str, str]) -> None:
    """Take a group in. What belongs to a recipient but stands apart, after a stray blank line,
    goes to the one above, or ``early`` to the first."""
    if any(name in group for name in _RECIPIENT_FIELDS[:3]):
        groups.append({**early, **group})
        early.clear()
        return
    theirs = {name: group[name] for name in _OUTCOME_FIELDS if name in group}
    if groups and theirs:
        for name, value in group.items():
            groups[-1].setdefault(name, value)
    else:
        early.update(theirs)


def _recipient(group: dict[str, str]) -> RecipientStatus | None:
    values = [group[name] for name in _RECIPIENT_FIELDS if group.get(name)]
    if not values or not ("action" in group or "status" in group or "diagnostic-code" in group):
        return None
    found = [address for address in map(address_in, values) if address]
    whole = [address for address in found if "." in address.rpartition("@")[2]]
    address = (whole or found or [_bare(values[0])])[0]
    diagnostic = group.get("diagnostic-code", "") or group.get("x-supplementary-info", "")
    status = re.search(r"\d\.\d{1,3}\.\d{1,3}", group.get("status", ""))
    return RecipientStatus(
        address=_XTEXT.sub(lambda found: chr(int(found.group(1), 16)), address),
        action=_action(group.get("action", ""), group.get("status", "")),
        status=status.group() if status else "",
        original=address_in(group.get("original-recipient", "")),
        diagnostic=f"{diagnostic} {group.get('status', '').partition('(')[2]}".strip(),
    )


def _bare(value: str) -> str:
    return value.rpartition(";")[2].strip(" <>\"'")[:320]


def _action(said: str, status: str) -> Action | None:
    word = said.strip().lower()
    for action in Action:
        if word.startswith(action.value[:5]):
            return action
    if word.startswith(("fail", "expire", "bounce", "reject", "undeliver", "perm", "error")):
        return Action.FAILED
    match status.strip()[:1]:
        case "2":
            return Action.DELIVERED
        case "5":
            return Action.FAILED
        case "4":
            return Action.DELAYED if not word else Action.FAILED
        case _:
            return Action.FAILED if word else None
