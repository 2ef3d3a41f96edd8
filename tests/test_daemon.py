"""The daemon takes up a new configuration while it runs: SIGHUP, ports that stay open, faults."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

from tests.flow.daemon import Daemon, Home, wish
from tests.peers.client import Client
from tests.peers.sink import Sink


async def ready(daemon: Daemon) -> str:
    """The next line that says so."""
    assert daemon.process.stdout is not None
    async with asyncio.timeout(20):
        return (await daemon.process.stdout.readline()).decode().strip()


async def logged(daemon: Daemon, action: str) -> str:
    """The log, once it has a line with this action."""
    async with asyncio.timeout(20):
        while action not in (log := await daemon.complaint()):  # noqa: ASYNC110 - a file
            await asyncio.sleep(0.02)
    return log


def rewrite(home: Home, old: str, new: str) -> None:
    path = home.folder / "config.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


async def test_a_new_mail_server_is_taken_up_behind_the_same_ports(
    tmp_path: Path, sink: Sink
) -> None:
    async with Sink() as other:
        home = Home(folder=tmp_path, sink_port=sink.port)
        async with Daemon(home) as daemon:
            await daemon.deliver(wish("ana@example.net"))
            await sink.wait_for(1)
            rewrite(home, f"port = {sink.port}", f"port = {other.port}")
            daemon.process.send_signal(signal.SIGHUP)
            assert await ready(daemon) == daemon.ready
            said = await daemon.deliver(wish("bob@example.net"))
            assert said.startswith("250"), said
            (mail,) = await other.wait_for(1)
            assert mail.recipients[0].address == "bob@example.net"
            assert await daemon.stop() == 0
    assert len(sink.accepted) == 1


async def test_what_does_not_hold_changes_nothing(tmp_path: Path, sink: Sink) -> None:
    home = Home(folder=tmp_path, sink_port=sink.port)
    async with Daemon(home) as daemon:
        rewrite(home, f"port = {sink.port}", "port = 0")
        daemon.process.send_signal(signal.SIGHUP)
        assert "outbound.port" in await logged(daemon, "config.refused")
        assert (await daemon.deliver(wish("ana@example.net"))).startswith("250")
        await sink.wait_for(1)
        assert await daemon.stop() == 0


async def test_what_cannot_be_opened_gives_way_to_what_was_there(
    tmp_path: Path, sink: Sink
) -> None:
    """A port that somebody else has: the service before goes on."""
    home = Home(folder=tmp_path, sink_port=sink.port)
    async with Daemon(home) as daemon:
        rewrite(home, 'smtp = "127.0.0.1:0"', f'smtp = "127.0.0.1:{sink.port}"')
        daemon.process.send_signal(signal.SIGHUP)
        await logged(daemon, "config.failed")
        assert await ready(daemon) == daemon.ready
        assert (await daemon.deliver(wish("ana@example.net"))).startswith("250")
        await sink.wait_for(1)
        assert await daemon.stop() == 0


async def test_nobody_is_refused_and_nothing_taken_is_lost_meanwhile(
    tmp_path: Path, sink: Sink
) -> None:
    """Clients come all the time while the daemon goes over ten times. One that is talking is sent
    away with 421 and comes again, as mail servers do; none finds a closed port."""
    home = Home(folder=tmp_path, sink_port=sink.port)
    taken: list[str] = []
    over = asyncio.Event()

    async def come(name: str) -> None:
        number = 0
        while not over.is_set():
            number += 1
            author = f"{name}{number}@example.net"
            async with Client("127.0.0.1", daemon.ports["smtp"]) as client:
                try:
                    await client.greet()
                    said = await client.mail(author, ["webinars@lists.example.org"], wish(author))
                except ConnectionError:
                    continue
                if said[-1].code == 250:
                    taken.append(author)

    async with Daemon(home) as daemon:
        async with asyncio.TaskGroup() as group:
            for name in ("a", "b", "c"):
                group.create_task(come(name))
            for _ in range(10):
                daemon.process.send_signal(signal.SIGHUP)
                assert await ready(daemon) == daemon.ready
            over.set()
        assert await daemon.stop() == 0
    stored = {str(key) for (key,) in home.rows("SELECT address_key FROM subscriber")}
    assert set(taken) <= stored
    assert taken


async def test_it_ends_as_before_after_it_went_over(tmp_path: Path, sink: Sink) -> None:
    home = Home(folder=tmp_path, sink_port=sink.port)
    async with Daemon(home) as daemon:
        daemon.process.send_signal(signal.SIGHUP)
        daemon.process.send_signal(signal.SIGTERM)
        assert await daemon.stop() == 0
