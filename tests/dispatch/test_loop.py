"""Both lanes together: order, pauses, the stop switch, faults of single rows, the end."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from mailer.dispatch import pausing as pausing_module
from mailer.dispatch.filling import Filling, Mould
from mailer.dispatch.loop import _shares
from mailer.errors import StoreUnavailable
from mailer.store import setting
from mailer.store.lease import Claimed
from mailer.store.outbox import Priority
from mailer.transport import maildir
from mailer.transport.maildir import MaildirTransport
from mailer.transport.outcome import Outgoing
from mailer.transport.source import Transport
from tests.dispatch.conftest import Ledger, Opening
from tests.peers.sink import Sink
from tests.peers.trouble import Drop
from tests.peers.trouble import Phase as At


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pausing_module, "WAITS", (0.05, 0.05))


@pytest.mark.parametrize(
    ("connections", "shares"),
    [(1, (1, 1)), (2, (1, 1)), (3, (2, 1)), (4, (2, 2)), (10, (2, 8)), (100, (2, 98))],
)
def test_answers_have_connections_that_bulk_may_not_take(
    connections: int, shares: tuple[int, int]
) -> None:
    assert _shares(connections) == shares


async def test_an_answer_goes_before_a_bulk_lane_that_is_stuck(opening: Opening) -> None:
    async with opening(connections=4) as ledger, Sink() as sink:
        sink.trouble(At.DOT, matching="^bulk", delay_seconds=1.0)
        await ledger.queue(100, name="bulk")
        async with ledger.sending(sink) as dispatch:
            await sink.wait_until(lambda: sink.open_connections >= 2)
            await ledger.queue(3, priority=Priority.ANSWER, name="answer")
            dispatch.nudge()
            await sink.wait_until(
                lambda: sum(mail.addresses[0].startswith("answer") for mail in sink.accepted) == 3,
                seconds=0.9,
            )


def readers(sink: Sink) -> list[str]:
    """Who got a mail; a letter to the operator apart."""
    got = [mail.addresses[0] for mail in sink.accepted]
    return [address for address in got if address.endswith("@example.net")]


@pytest.mark.parametrize(
    ("phase", "reply"),
    [(At.MAIL, "550 5.7.1 not from you"), (At.CONNECT, "554 go away"), (At.EHLO, "421 later")],
)
async def test_an_outage_pauses_everything_and_ends_by_itself(
    opening: Opening, phase: At, reply: str
) -> None:
    async with opening(connections=4) as ledger, Sink() as sink:
        sink.trouble(phase, reply=reply, times=3)
        await ledger.queue(10)
        await ledger.queue(3, priority=Priority.ANSWER, name="answer")
        async with ledger.sending(sink):
            await sink.wait_until(lambda: len(readers(sink)) == 13)
        assert {(await ledger.row(f"p{n}@example.net"))["attempts"] for n in range(10)} == {1}


async def test_while_the_server_is_away_only_probes_go_out(opening: Opening) -> None:
    async with opening(connections=10) as ledger, Sink() as sink:
        sink.trouble(At.CONNECT, reply="421 4.3.2 away")
        await ledger.queue(100)
        async with ledger.sending(sink):
            await sink.wait_until(lambda: sink.connections >= 10)
            at_first = sink.connections
            await asyncio.sleep(0.05)
            await asyncio.sleep(0.05)
            assert sink.connections - at_first <= 4
        assert await ledger.states() == {"queued": 100}


async def test_a_mail_that_makes_the_server_give_up_does_not_hold_up_the_others(
    opening: Opening,
) -> None:
    async with opening(connections=3) as ledger, Sink() as sink:
        sink.trouble(At.DOT, matching="^poison", reply="421 4.3.0 I am lost")
        await ledger.queue(1, name="poison")
        await ledger.queue(20)
        async with ledger.sending(sink):
            await sink.wait_for(20)
        assert await ledger.states() == {"sent": 20, "queued": 1}
        assert (await ledger.row("poison0@example.net"))["attempts"] == 1


async def test_a_reset_after_the_dot_is_in_doubt_and_repeated_with_the_same_identifier(
    opening: Opening,
) -> None:
    async with opening() as ledger, Sink() as sink:
        sink.trouble(At.DOT, drop=Drop.RESET, times=1)
        await ledger.queue(1)
        async with ledger.sending(sink) as dispatch:
            await sink.wait_until(lambda: sink.open_connections == 0 and sink.connections == 1)
            await ledger.until({"queued": 1})
            ledger.later(minutes=2)
            dispatch.nudge()
            await sink.wait_for(2)
        assert {mail.message_id for mail in sink.accepted} == {"<p0@lists.example.org>"}
        assert [mail.answered for mail in sink.accepted] == [False, True]
        row = await ledger.row()
        assert (row["state"], row["doubts"], row["attempts"]) == ("sent", 1, 2)


async def test_a_refused_recipient_fails_alone(opening: Opening) -> None:
    async with opening() as ledger, Sink() as sink:
        sink.trouble(At.RCPT, matching="p3@", reply="550 5.1.1 no such user")
        sink.trouble(At.RCPT, matching="p4@", reply="450 4.2.1 greylisted")
        await ledger.queue(6)
        async with ledger.sending(sink):
            await sink.wait_for(4)
        assert await ledger.states() == {"sent": 4, "failed": 1, "queued": 1}
        failed = await ledger.row("p3@example.net")
        assert (failed["reply_code"], failed["reply"]) == (550, "550 5.1.1 no such user")


async def test_bad_data_of_one_person_fails_that_row_only(opening: Opening) -> None:
    async with opening() as ledger, Sink() as sink:
        await ledger.queue(1, name="bad", data="{}")
        await ledger.queue(1, name="worse", data="\x00")
        await ledger.queue(5)
        async with ledger.sending(sink):
            await sink.wait_for(5)
        assert await ledger.states() == {"sent": 5, "failed": 2}
        assert str((await ledger.row("bad0@example.net"))["reason"]) != ""


async def test_no_address_gets_past_the_transport(opening: Opening) -> None:
    async with opening() as ledger, Sink() as sink:
        await ledger.queue(2)
        await ledger.change(recipient="u@x>\r\nRCPT TO:<z@example.org")
        await ledger.queue(1, name="good")
        async with ledger.sending(sink):
            await sink.wait_for(1)
        assert await ledger.states() == {"sent": 1, "failed": 2}
        assert [mail.addresses for mail in sink.accepted] == [("good0@example.net",)]


async def running(ledger: Ledger, transport: Transport, states: dict[str, int]) -> None:
    dispatch = ledger.dispatch(transport)
    task = asyncio.create_task(dispatch.run())
    await ledger.until(states)
    dispatch.stop()
    await task


async def test_a_fault_of_ours_in_handing_over_stops_nobody_else(
    opening: Opening, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = maildir._write

    def faulty(folder: Path, outgoing: Outgoing) -> str:
        if outgoing.recipient.startswith("p1@"):
            raise ZeroDivisionError("a fault of ours")
        return real(folder, outgoing)

    monkeypatch.setattr(maildir, "_write", faulty)
    async with opening() as ledger:
        await ledger.queue(4)
        await running(ledger, MaildirTransport(tmp_path / "out"), {"sent": 3, "queued": 1})
        assert await ledger.states() == {"sent": 3, "queued": 1}
        row = await ledger.row("p1@example.net")
        assert (row["doubts"], row["reply"]) == (1, "internal: ZeroDivisionError")


async def test_a_database_that_is_away_while_a_mail_is_made_costs_it_nothing(
    opening: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opening() as ledger, Sink() as sink:
        real, failures = Filling.mould, iter([True, True, False])

        async def away_at_first(self: Filling, row: Claimed) -> Mould:
            if next(failures, False):
                raise StoreUnavailable("away")
            return await real(self, row)

        monkeypatch.setattr(Filling, "mould", away_at_first)
        await ledger.queue(1)
        async with ledger.sending(sink):
            await sink.wait_for(1)
        row = await ledger.row()
        assert (row["state"], row["attempts"]) == ("sent", 1)


async def test_an_unforeseen_fault_in_filling_fails_that_row_only(
    opening: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opening() as ledger, Sink() as sink:
        real = Filling.fill

        def faulty(self: Filling, row: Claimed, mould: Mould) -> Outgoing:
            if row.recipient.startswith("p1@"):
                raise ZeroDivisionError
            return real(self, row, mould)

        monkeypatch.setattr(Filling, "fill", faulty)
        await ledger.queue(4)
        async with ledger.sending(sink):
            await sink.wait_for(3)
        assert await ledger.states() == {"sent": 3, "failed": 1}
        assert (await ledger.row("p1@example.net"))["reason"] == "internal: ZeroDivisionError"


async def test_the_stop_switch_holds_from_the_first_moment_and_lets_go(opening: Opening) -> None:
    async with opening() as ledger, Sink() as sink:
        await ledger.parts.store.write(lambda c: setting.put(c, setting.STOPPED, "yes"))
        await ledger.queue(5)
        async with ledger.sending(sink) as dispatch:
            await asyncio.sleep(0.05)
            await asyncio.sleep(0.05)
            assert sink.connections == 0
            await ledger.parts.store.write(lambda c: setting.remove(c, setting.STOPPED))
            await dispatch.look_at_switch()
            await sink.wait_for(5)


async def test_before_the_first_set_up_is_done_answers_leave_and_mail_to_many_waits(
    opening: Opening,
) -> None:
    async with opening() as ledger, Sink() as sink:
        await ledger.parts.store.write(lambda c: setting.put(c, setting.HELD, "first.run"))
        await ledger.queue(3)
        await ledger.queue(2, priority=Priority.ANSWER, name="a")
        async with ledger.sending(sink) as dispatch:
            answers = await sink.wait_for(2)
            assert {one.recipients[0].address for one in answers} == {
                "a0@example.net",
                "a1@example.net",
            }
            await asyncio.sleep(0.05)
            assert len(sink.accepted) == 2
            assert (await ledger.states())["queued"] == 3
            await ledger.parts.store.write(lambda c: setting.remove(c, setting.HELD))
            await dispatch.look_at_switch()
            await sink.wait_for(5)


async def test_the_stop_switch_stops_in_the_middle(opening: Opening) -> None:
    async with opening(connections=3) as ledger, Sink() as sink:
        sink.trouble(At.DOT, delay_seconds=0.02)
        await ledger.queue(200)
        async with ledger.sending(sink) as dispatch:
            await sink.wait_for(3)
            await ledger.parts.store.write(lambda c: setting.put(c, setting.STOPPED, "yes"))
            await dispatch.look_at_switch()
            count = len(sink.accepted)
            await asyncio.sleep(0.05)
            await asyncio.sleep(0.05)
            assert len(sink.accepted) <= count + 1  # what was under way
        states = await ledger.states()
        assert states == {"sent": len(sink.accepted), "queued": 200 - len(sink.accepted)}


async def test_cut_short_it_records_what_it_knows_and_only_the_rest_is_in_doubt(
    opening: Opening,
) -> None:
    async with opening(connections=4) as ledger, Sink() as sink:
        sink.trouble(At.DOT, matching="p[23]@", delay_seconds=30)
        await ledger.queue(20)
        dispatch = ledger.dispatch(ledger.transport(sink))
        task = asyncio.create_task(dispatch.run())
        await sink.wait_for(2)
        await sink.wait_until(lambda: len(sink.accepted) >= 2)
        await asyncio.sleep(0.05)
        dispatch.stop()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        answered = [mail for mail in sink.accepted if mail.addresses[0][:3] not in ("p2@", "p3@")]
        states = await ledger.states()
        assert states == {"sent": len(answered), "sending": 2, "queued": 18 - len(answered)}


async def test_draining_sends_everything_in_order_and_ends(
    opening: Opening, tmp_path: Path
) -> None:
    async with opening() as ledger:
        await ledger.queue(70)
        await ledger.queue(2, priority=Priority.ANSWER, name="answer")
        assert await ledger.dispatch(MaildirTransport(tmp_path / "out")).drain() == 72
        assert await ledger.states() == {"sent": 72}


async def test_draining_ends_even_if_nothing_can_leave(opening: Opening) -> None:
    async with opening() as ledger, Sink() as sink:
        sink.trouble(At.CONNECT, reply="554 5.7.1 go away")
        await ledger.queue(3)
        async with asyncio.timeout(5):
            await ledger.dispatch(ledger.transport(sink)).drain()
        assert await ledger.states() == {"queued": 3}
