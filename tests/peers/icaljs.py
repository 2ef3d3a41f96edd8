"""ical.js, which several calendar programs read with: what it finds in a calendar file.

Needs Node.js and npm; the package is fetched once in a run, into the run's folder.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tests.peers import registry

PACKAGE = "ical.js@2.2.1"
FETCH_SECONDS = 90
READ_SECONDS = 30
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
    node, npm = registry.require("node"), registry.require("npm")
    place = folder / "icaljs"
    script = place / "read.mjs"
    if not script.exists():
        place.mkdir(exist_ok=True)
        _fetch(npm, place)
        script.write_text(READ, encoding="utf-8")
    done = subprocess.run(
        [node, str(script)],
        input=json.dumps([content.decode() for content in contents]).encode(),
        capture_output=True,
        timeout=READ_SECONDS,
        check=True,
    )
    found: list[dict[str, object]] = json.loads(done.stdout)
    return found


def _fetch(npm: str, place: Path) -> None:
    command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"]
    try:
        subprocess.run(
            [*command, str(place), PACKAGE], capture_output=True, timeout=FETCH_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        registry.missing("ical.js", f"npm could not fetch it: {type(error).__name__}")
