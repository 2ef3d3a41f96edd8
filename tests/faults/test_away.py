"""A mail server that is not to be had (F18, F20, F21): mails wait, and nobody is blamed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.faults.account import Keep, count
from tests.faults.house import CONNECTIONS, OF_ALL, House, furnish, people
from tests.faults.length import either
from tests.faults.witness import Witness, until
from tests.flow.daemon import Daemon
from tests.peers import registry
from tests.peers.certificate import Certificate, make_certificate
from tests.peers.record import Delivery
from tests.peers.sink import Sink, SinkOptions
from tests.peers.trouble import Phase, Trouble

Crowd = Callable[[int], Path]
PEOPLE = 120
RATE = 40  # mails a second
SMARTHOST = "smarthost.example.org"


async def test_down_until_a_webinar_has_begun(tmp_path: Path, crowd: Crowd, keep: Keep) -> None:
    """Its reminders are dropped, those of another go out, and not all at once."""
    loop = asyncio.get_running_loop()
    async with Witness(tmp_path) as witness:
        house = furnish(tmp_path, witness, crowd(PEOPLE), outbound=f"messages_per_second = {RATE}")
        await witness.close()
        started = loop.time()
        async with Daemon(house) as daemon:
            time_to_plan = 3 * (loop.time() - started)
            soon = timedelta(seconds=either(1.0, 600.0) + time_to_plan)
            begins = datetime.now(UTC) + soon
            await house.webinar("soon", soon)
            await until(lambda: datetime.now(UTC) > begins)
            await witness.listen()
            up = loop.time()
            await until(lambda: house.states().get("sent") == PEOPLE, house.states)
            seconds = loop.time() - up
            await until(lambda: house.states().keys() <= {"sent", "expired"}, house.states)
            assert await daemon.stop() == 0
        assert house.rows("SELECT count(*) FROM bounce") == [(0,)]
        at_most = RATE * (1 + seconds) + CONNECTIONS  # a second's mails may leave at once
        assert at_most >= PEOPLE
        assert (await witness.look()).most_connections <= CONNECTIONS
        dropped = house.states().get("expired", 0)
        what = f"down; {dropped} reminders dropped"
        keep(count("F18", what, owed=people(PEOPLE), deliveries=witness.deliveries()))


async def test_a_name_that_does_not_resolve_and_then_flips(
    tmp_path: Path, crowd: Crowd, keep: Keep
) -> None:
    number, other = 300, "::1" if has_ipv6() else "127.0.0.2"
    async with Witness(tmp_path) as witness:
        outbound = f'host = "{SMARTHOST}"'
        house = furnish(tmp_path, witness, crowd(number), outbound=outbound)
        await witness.trouble(Trouble(phase=Phase.DOT, delay_seconds=0.01))
        resolve(tmp_path, "")
        async with Daemon(house, run_by=own_names(tmp_path)) as daemon:
            await until(lambda: log(house).count("outbox.paused") >= 2, lambda: log(house)[-999:])
            untouched = f"SELECT DISTINCT state, attempts, doubts FROM outbox WHERE {OF_ALL}"
            await until(lambda: house.rows(untouched) == [("queued", 0, 0)], house.states)
            resolve(tmp_path, witness.host)
            await until(lambda: witness.count() >= number // 3, lambda: log(house)[-999:])
            resolve(tmp_path, other)
            await witness.close()
            await witness.listen(other)
            await house.until_sent(number)
            assert await daemon.stop() == 0
        assert house.rows("SELECT count(*) FROM bounce") == [(0,)]
        keep(
            count(
                "F20",
                f"no address, then {witness.host}, then {other}",
                owed=people(number),
                deliveries=witness.deliveries(),
                bound=CONNECTIONS,
            )
        )


def own_names(folder: Path) -> tuple[str, ...]:
    """What lets a program have `/etc/hosts` to itself: a mount that nobody else sees."""
    mount = f'mount --bind {folder / "hosts"} /etc/hosts && exec "$@"'
    command = ("unshare", "--mount", *(("--map-root-user",) if os.geteuid() else ()), "sh", "-c")
    trial = subprocess.run([*command, mount, "sh", "true"], capture_output=True, check=False)
    if trial.returncode:
        registry.missing("unshare", trial.stderr.decode("utf-8", "replace").strip())
    return (*command, mount, "sh")


def resolve(folder: Path, address: str) -> None:
    """Let the mail server's name have this address from now on, or none."""
    line = f"{address} {SMARTHOST}\n" if address else ""
    (folder / "hosts").write_text(f"127.0.0.1 localhost\n{line}", encoding="ascii")


def has_ipv6() -> bool:
    """Whether one can listen at ::1."""
    with contextlib.suppress(OSError), socket.create_server(("::1", 0), family=socket.AF_INET6):
        return True
    return False


async def test_nothing_is_said_in_clear(
    tmp_path: Path, crowd: Crowd, keep: Keep, certificate: Certificate
) -> None:
    """STARTTLS is not offered, then refused, then shows an old certificate, then all is well."""
    old = make_certificate(folder_for(tmp_path, "old"), valid_for=timedelta(days=-1))
    secure = SinkOptions(tls=certificate.server_context())
    outbound = f'security = "starttls"\nca_file = "{certificate.cert_file}"'
    async with Sink(SinkOptions()) as sink:
        house = House(tmp_path, sink.port, outbound=outbound)
        (tmp_path / "mailer.db").write_bytes(crowd(PEOPLE).read_bytes())
        async with Daemon(house) as daemon:
            await alarm(house, 1)
            sink.options = replace(secure, tls=old.server_context())
            await alarm(house, 2)
            sink.options = secure
            await house.until_states(sent=PEOPLE)
            assert await daemon.stop() == 0
        assert house.rows("SELECT count(*) FROM bounce") == [(0,)]
        assert {mail.over_tls for mail in sink.transactions} == {True}
        assert sink.violations == []
        deliveries = [
            Delivery(message_id=mail.message_id, recipient=address, outcome=mail.outcome)
            for mail in sink.accepted
            for address in mail.addresses
        ]
        keep(count("F21", "TLS that fails", owed=people(PEOPLE), deliveries=deliveries))


async def alarm(house: House, times: int) -> None:
    """Until all sending waits for the n-th time, and a person is called."""

    def alarms() -> int:
        return sum("outbox.paused" in line and "error" in line for line in log(house).splitlines())

    await until(lambda: alarms() >= times, lambda: log(house)[-999:])


def log(house: House) -> str:
    return (house.folder / "log").read_text("utf-8", "replace")


def folder_for(parent: Path, name: str) -> Path:
    made = parent / name
    made.mkdir()
    return made
