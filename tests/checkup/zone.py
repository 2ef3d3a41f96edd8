"""A DNS of our own: the records of a few names, and names that do not answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mailer.checkup.lookup import Answer, Status

Records = Mapping[str, Sequence[str] | None]


@dataclass(slots=True)
class Zone:
    """``records`` by ``NAME KIND``, as ``lists.test MX``; None does not answer."""

    records: Records
    asked: list[str] = field(default_factory=list)

    async def look_up(self, name: str, kind: str) -> Answer:
        """The stub of mailer.checkup.lookup.Resolver."""
        key = f"{name.lower().rstrip('.')} {kind}"
        self.asked.append(key)
        if key in self.records:
            values = self.records[key]
            if values is None:
                return Answer(status=Status.FAILED, cause="LifetimeTimeout")
            return Answer(status=Status.FOUND, values=tuple(values))
        known = {one.partition(" ")[0] for one in self.records}
        status = Status.NO_DATA if key.partition(" ")[0] in known else Status.NO_NAME
        return Answer(status=status)
