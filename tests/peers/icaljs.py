"""ical.js, which several calendar programs read with: what it finds in a calendar file."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from tests.peers import npm

PACKAGE = "ical.js@2.2.1"
READ = """
import fs from "node:fs";
import ICAL from "ical.js";
const utc = (time) => time.convertToZone(ICAL.Timezone.utcTimezone).toString();
const events = JSON.parse(fs.readFileSync(0, "utf8")).map((content) => {
  const top = new ICAL.Component(ICAL.parse(content));
  for (const zone of top.getAllSubcomponents("vtimezone")) ICAL.TimezoneService.register(zone);
  const inner = top.getFirstSubcomponent("vevent");
  const event = new ICAL.Event(inner);
  return {
    method: top.getFirstPropertyValue("method"),
    uid: event.uid,
    sequence: event.sequence,
    starts_at: utc(event.startDate),
    ends_at: utc(event.endDate),
    status: inner.getFirstPropertyValue("status"),
    summary: event.summary,
    description: event.description ?? "",
    organizer: event.organizer,
    attendees: inner.getAllProperties("attendee").map((one) => one.getFirstValue()),
  };
});
process.stdout.write(JSON.stringify(events));
"""


def read(folder: Path, contents: list[bytes]) -> list[dict[str, object]]:
    """The one event of each calendar file."""
    found = npm.ask(folder, PACKAGE, READ, [content.decode() for content in contents])
    return cast(list[dict[str, object]], found)
