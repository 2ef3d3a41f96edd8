"""No secret gets out (S22): a whole life of the daemon with secrets that are known, and then a look
at everything that it leaves: its log at DEBUG, every page, every list and report, the database, a
backup, what commands print, and the mails.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from tests.flow.daemon import Daemon, Home
from tests.peers.browser import Answer, Browser
from tests.peers.certificate import Certificate
from tests.peers.sink import Sink, SinkOptions
from tests.peers.trouble import Phase
from tests.world import letter

PASSWORD = "canary-of-the-smarthost"
KEY = b"canary-key-of-all-tokens-0123456"
SEALED = "canary-in-a-form"
ROOM = "https://meet.example.org/canary-of-the-room"
ADA, ZOE = "ada@example.org", "zoe@example.net"
SERIES = "webinars@lists.example.org"
MORE = """\
[web]
listen = "127.0.0.1:0"
base_url = "http://127.0.0.1:8080"
[dkim]
domain = "lists.example.org"
selector = "s1"
key_file = "dkim.pem"
[log]
level = "debug"
"""


@dataclass
class Found:
    """What came out of the daemon and of commands, by where it came out."""

    answers: dict[str, bytes] = field(default_factory=dict)
    commands: dict[str, bytes] = field(default_factory=dict)

    def keep(self, path: str, answer: Answer) -> Answer:
        head = "".join(f"{name}: {value}\n" for name, value in answer.headers.items())
        self.answers[f"{len(self.answers)} {path}"] = head.encode() + answer.body
        return answer


def made_home(folder: Path, sink: Sink, certificate: Certificate) -> tuple[Home, str]:
    """A daemon with a secret of each kind, and the middle of its DKIM key."""
    home = Home(folder, sink.port, more=MORE)
    key = ed25519.Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (folder / "dkim.pem").write_bytes(key)
    (folder / "password").write_text(PASSWORD)
    (folder / "tokens.key").write_bytes(KEY)
    for file in ("dkim.pem", "password", "tokens.key"):
        (folder / file).chmod(0o600)
    config = folder / "config.toml"
    given = (
        f'security = "starttls"\nca_file = "{certificate.cert_file}"\n'
        'username = "mailer"\npassword_file = "password"'
    )
    text = config.read_text().replace('security = "none"', given)
    text = text.replace('"organiser@example.org"', f'"{ADA}"')
    config.write_text(f'key_file = "tokens.key"\n{text}')
    return home, key.decode().splitlines()[1]


def link(content: bytes, page: str) -> str:
    """The path of a link of that kind in a mail."""
    part = message_from_bytes(content, policy=policy.default).get_body(("plain",))
    assert part is not None
    found = re.search(rf"/{page}/[a-z2-7]{{26}}", str(part.get_content()).replace("=\n", ""))
    assert found, part
    return found[0]


async def mail_to(sink: Sink, address: str, number: int) -> bytes:
    """The mail to somebody that came as their n-th."""
    await sink.wait_until(
        lambda: sum(address in one.addresses for one in sink.accepted) >= number, seconds=30
    )
    return [one.content for one in sink.accepted if address in one.addresses][number - 1]


@pytest.mark.timeout(180)
async def test_no_secret_gets_out(tmp_path: Path, certificate: Certificate) -> None:
    options = SinkOptions(
        tls=certificate.server_context(), credentials=("mailer", PASSWORD), auth_required=True
    )
    found = Found()
    async with Sink(options) as sink:
        home, dkim = made_home(tmp_path, sink, certificate)
        # A server that repeats what it was told.
        sink.trouble(Phase.AUTH, reply=f"454 4.7.0 later, {PASSWORD}", times=1)
        await command(
            *(found, home, "webinar", "add", "--title", "The Code", "--id", "iscc"),
            *("--starts", "2099-11-25T13:00", "--duration", "1h", "--join-url", ROOM),
        )
        async with Daemon(home) as daemon:
            browser = Browser(daemon.ports["web"])
            secrets = await life(found, home, daemon, browser, sink)
            log = await daemon.complaint()
            assert await daemon.stop() == 0
        for words in (("explain", ZOE), ("explain", ZOE, "--json"), ("subscriber", "list"),
                      ("subscriber", "export"), ("outbox",), ("plan",), ("webinar", "list"),
                      ("announcement", "list"), ("db", "backup", "copy.db"),
                      ("organiser", "link", "nobody@example.org")):  # fmt: skip
            await command(found, home, *words)
    kept = {one.name: one.read_bytes() for one in tmp_path.glob("*.db*")}
    assert set(kept) >= {"mailer.db", "copy.db"}
    mails = {f"mail {n}": one.content for n, one in enumerate(sink.accepted)}

    whole = {"the password": PASSWORD, "the key": KEY.decode(), "the DKIM key": dkim}
    everywhere = {**found.answers, **found.commands, **kept, **mails, "log": log.encode()}
    assert told(everywhere, whole) == []
    # Who holds a link sees it; what is kept and told holds none, nor a form's token or a cookie.
    assert told({**found.commands, **kept, "log": log.encode()}, secrets) == []
    cookies = {name: one for name, one in secrets.items() if name in ("cookie", "sign-in")}
    others = {path: body for path, body in found.answers.items() if "/admin/sign-in/" not in path}
    assert told(others, cookies) == []
    # The way into a meeting is kept, and shown to organisers and to who comes; no log has it.
    assert told({"log": log.encode()}, {"room": ROOM.rpartition("/")[2]}) == []
    assert log.count("page.served") > len(found.answers)


async def command(found: Found, home: Home, *words: str) -> None:
    code, out, err = await home.command(*words)
    found.commands[" ".join(words)] = out + err.encode() + str(code).encode()


def told(places: dict[str, bytes], secrets: dict[str, str]) -> list[tuple[str, str]]:
    """Which secret stands where."""
    return [
        (name, place)
        for place, content in places.items()
        for name, secret in secrets.items()
        if secret.lower().encode() in content.lower()
    ]


async def life(
    found: Found, home: Home, daemon: Daemon, browser: Browser, sink: Sink
) -> dict[str, str]:
    """Somebody subscribes and registers, an organiser looks at everything, much goes wrong; the
    secrets that were handed out on the way."""
    secrets: dict[str, str] = {}
    form = found.keep("/copyright/subscribe", await browser.get("/copyright/subscribe"))
    sent = {"seal": form.hidden("seal"), "address": ZOE}
    found.keep("subscribed", await browser.post("/copyright/subscribe", sent))
    confirm = link(await mail_to(sink, ZOE, 1), "c")
    secrets["confirm"] = confirm.rpartition("/")[2]
    page = await browser.get(confirm)
    secrets["seal"] = page.hidden("seal")
    await browser.post(confirm, {"seal": page.hidden("seal")})
    welcome = await mail_to(sink, ZOE, 2)
    for purpose in "pu":
        secrets[purpose] = link(welcome, purpose).rpartition("/")[2]
    prefer = link(welcome, "p")
    await organise(found, home, browser, secrets)
    # What goes wrong: tokens in the wrong place, forms without, pages that fail, mail to nobody.
    for token in (secrets[one] for one in ("confirm", "p", "u", "sign-in")):
        for path in (f"/{token}", f"/x/{token}", f"/copyright/w/{token}", f"/copyright?{token}"):
            found.keep("wrong", await browser.get(path))
            found.keep("wrong", await browser.post(path, {"seal": token, "address": token}))
        for local in (f"webinars+confirm-{token}", f"webinars+nothing-{token}", f"x-{token}"):
            to = f"{local}@lists.example.org"
            await daemon.deliver(letter("eve@example.com", to, token), to)
    found.keep("wrong", await browser.post(prefer, {"seal": SEALED, "do": SEALED}))
    page = await browser.get(prefer)
    await browser.post(prefer, {"seal": page.hidden("seal"), "do": "settings", "language": "fr"})
    data = {"seal": page.hidden("seal"), "do": "download"}
    found.keep("own data", await browser.post(prefer, data))
    return secrets


async def organise(found: Found, home: Home, browser: Browser, secrets: dict[str, str]) -> None:
    """Sign in, look at every page, sign out."""
    _, out, _ = await home.command("organiser", "link", ADA)
    path = "/" + out.decode().strip().split("/", 3)[3]
    secrets["sign-in"] = path.rpartition("/")[2]
    page = found.keep(path, await browser.get(path))
    entered = await browser.post(path, {"seal": page.hidden("seal")})
    cookie = entered.headers["set-cookie"].partition(";")[0]
    secrets["cookie"] = cookie.partition("=")[2]
    here = "/admin/copyright"
    for rest in ("", "/programme", "/programme/1", "/programme/1/edit", "/people", "/people/1",
                 "/people/export.csv", "/programme/1/registrations.csv", "/announcements",
                 "/announcements/1", "/announcements/1/mail.html", "/reports", "/health",
                 "/none", "/people/999"):  # fmt: skip
        found.keep(here + rest, await browser.get(here + rest, cookie=cookie))
    page = await browser.get(here, cookie=cookie)
    seal = page.seal("/admin/sign-out")
    secrets["organiser's seal"] = seal
    found.keep("refused", await browser.post(here, {"seal": seal}, cookie=cookie))
    left = await browser.post("/admin/sign-out", {"seal": seal}, cookie=cookie)
    assert left.status == 303
    found.keep("out", await browser.get(here, cookie=cookie))
    found.keep(path, await browser.get(path))
