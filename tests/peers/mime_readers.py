"""postal-mime and mailparser, which mail programs in browsers and on servers read with: what they
find in a mail. Ends of line are told as LF, as one of them reads them so.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import cast

from tests.peers import npm

POSTAL_MIME = "postal-mime@4.0.0"
MAILPARSER = "mailparser@3.14.2"
_READ = """
import fs from "node:fs";
IMPORT
const lines = (text) => (text ?? "").replaceAll("\\r\\n", "\\n").trimEnd();
const octets = (one) =>
  Buffer.from(
    Buffer.from(one.content).toString("latin1").replaceAll("\\r\\n", "\\n"), "latin1");
const files = (all) =>
  all.map((one) => [TYPE, one.filename ?? "", octets(one).toString("base64")]);
const mails = JSON.parse(fs.readFileSync(0, "utf8")).map((mail) => Buffer.from(mail, "base64"));
const found = [];
for (const mail of mails) {
  const read = await READ;
  const { subject, text, html, attachments } = read;
  found.push({ subject, text: lines(text), html: lines(html), files: files(attachments) });
}
process.stdout.write(JSON.stringify(found));
"""
_BY_POSTAL_MIME = (
    _READ.replace("IMPORT", 'import PostalMime from "postal-mime";')
    .replace("READ", "PostalMime.parse(mail)")
    .replace("TYPE", "one.mimeType")
)
_PLAINLY = "{ skipHtmlToText: true, skipTextToHtml: true, skipImageLinks: true }"
_BY_MAILPARSER = (
    _READ.replace("IMPORT", 'import { simpleParser } from "mailparser";')
    .replace("READ", f"simpleParser(mail, {_PLAINLY})")
    .replace("TYPE", "one.contentType")
)

Found = dict[str, object]  # subject, text, html, and of each file its type, name and base64


def by_postal_mime(folder: Path, mails: list[bytes]) -> list[Found]:
    """What each mail says."""
    return _asked(folder, POSTAL_MIME, _BY_POSTAL_MIME, mails)


def by_mailparser(folder: Path, mails: list[bytes]) -> list[Found]:
    """What each mail says."""
    return _asked(folder, MAILPARSER, _BY_MAILPARSER, mails)


def _asked(folder: Path, package: str, script: str, mails: list[bytes]) -> list[Found]:
    question = [base64.b64encode(mail).decode() for mail in mails]
    return cast(list[Found], npm.ask(folder, package, script, question))
