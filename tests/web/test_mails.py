"""The links in real mails lead to pages that do what the mail says (U1, U3, S13)."""

from __future__ import annotations

import email
import email.policy
import re
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage

from mailer.store import people
from mailer.store.people import State
from tests.message.lint import lint
from tests.outbox_reader import text
from tests.web.place import BASE, Place
from tests.world import ANA, letter, mail_in, send_all

LINK = re.compile(rf"{BASE}(/([cuprj])/[a-z2-7]{{26}})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """The personal links in a mail's text by their page, and its fields for leaving."""

    links: dict[str, str]
    unsubscribe: str
    post: str

    @property
    def one_click(self) -> str:
        """The path that a mail program sends its click to."""
        found = LINK.search(self.unsubscribe)
        assert found
        return found[1]


async def sent(place: Place) -> list[Mail]:
    """Send what is due: the new mails."""
    folder = place.parts.config.outbound.maildir / "new"
    before = set(folder.iterdir()) if folder.exists() else set()
    await send_all(place.parts)
    return [read(file.read_bytes()) for file in sorted(set(folder.iterdir()) - before)]


def read(content: bytes) -> Mail:
    """A mail as it went out, which has no fault."""
    wire = re.sub(rb"\r?\n", b"\r\n", content)
    assert lint(wire.split(b"\r\n", 2)[2]) == []  # behind the two lines with the envelope
    message = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    links = {page: path for path, page in LINK.findall(text(message))}
    return Mail(
        links=links,
        unsubscribe=str(message["List-Unsubscribe"]),
        post=str(message["List-Unsubscribe-Post"]),
    )


async def test_from_the_first_mail_to_the_last_by_links_alone(either: Place) -> None:
    browser = either.browser
    await mail_in(
        either.parts, letter("ana@example.net", "webinars@lists.example.org", "subscribe")
    )
    (asked,) = await sent(either)
    assert asked.post == "List-Unsubscribe=One-Click"
    seal = (await browser.get(asked.links["c"])).hidden("seal")
    assert (await browser.post(asked.links["c"], {"seal": seal})).status == 200

    (welcome,) = await sent(either)
    assert welcome.unsubscribe.startswith(f"<{BASE}{welcome.links['u']}>, <mailto:")
    assert (await browser.get(welcome.links["p"])).status == 200

    webinar = await either.webinar()
    either.clock.advance_to(webinar.starts_at - timedelta(days=13))
    await either.parts.planner.tick()
    (announced,) = await sent(either)
    seal = (await browser.get(announced.links["r"])).hidden("seal")
    done = await browser.post(announced.links["r"], {"seal": seal, "do": "register"})
    assert "You are registered." in done.words

    (registered,) = await sent(either)
    assert (await browser.get(registered.links["j"])).headers["location"] == webinar.join_url

    clicked = await browser.post(registered.one_click, {"List-Unsubscribe": "One-Click"})
    assert clicked.status == 200
    ana = await either.parts.store.read(lambda c: people.find(c, "copyright", ANA.key))
    assert ana is not None
    assert ana.state is State.UNSUBSCRIBED
    record = await either.parts.store.read(lambda c: people.consents(c, ana.id))
    assert [(one.act, one.channel) for one in record] == [
        ("asked", "mail"),
        ("confirmed", "web"),
        ("left", "web"),
    ]
