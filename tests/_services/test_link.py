"""The link: it comes back, at the pace and after the delays it should, and notices when it has been cut off."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
import trio
import trio.testing

from tests._services.helpers_streams import NO_PINGS, Highest, Lab, open_lab
from trio_binance._pure.limits import LimitKind, Rule
from trio_binance._services.events import (
    BanStarted,
    Connected,
    ConnectFailed,
    ConnectionLost,
    ConnectionRenewed,
    Reconnected,
)
from trio_binance._services.link import Link, first_of
from trio_binance.config import Tuning
from trio_binance.errors import BinanceError, DecodeError
from trio_binance.errors import ConnectionLost as Lost
from trio_binance.sandbox.faults import Answer, Bend, BlackHole, DialTrouble, OnHandshake, Reset, Timed
from trio_binance.sandbox.network import DialFault
from trio_binance.sandbox.rules import Rules

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from trio.testing import MockClock

    from trio_binance._services.socket import Socket


class Guest:
    """A tenant that takes everything and keeps the minutes."""

    def __init__(self) -> None:
        self.lost: list[tuple[float, str]] = []
        self.sockets: list[Socket] = []
        self.frames: list[bytes] = []
        self.busy = False
        self.retired: list[float] = []
        self.retiring = 0.0
        self.error: Exception | None = None

    async def serve(self, socket: Socket) -> None:
        self.sockets.append(socket)
        if self.error is not None:
            raise self.error
        while True:
            self.frames += await socket.receive()

    async def retire(self, socket: Socket) -> None:
        self.retired.append(trio.current_time())
        await trio.sleep(self.retiring)

    def should_speak(self) -> bool:
        return self.busy

    def on_lost(self, reason: str, socket: Socket | None) -> None:
        self.lost.append((trio.current_time(), reason))


async def yes() -> bool:
    await trio.lowlevel.checkpoint()
    return True


async def no() -> bool:
    await trio.lowlevel.checkpoint()
    return False


@asynccontextmanager
async def linked(
    *faults: Any,
    rng: Any = None,
    ping: Callable[[], Awaitable[bool]] = yes,
    ends: bool = False,
    **settings: Any,
) -> AsyncIterator[tuple[Lab, Link, Guest]]:
    """Run a link with a guest on it."""
    async with open_lab(*faults, activity=0.01, **settings) as lab:
        lab.rng = rng or lab.rng
        lab.ping_exchange = ping
        link, guest = lab.make_link(ends=ends), Guest()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(link.run, guest)
            yield lab, link, guest
            nursery.cancel_scope.cancel()


def rounded(times: list[float]) -> list[float]:
    return [round(moment, 2) for moment in times]


async def test_a_lost_connection_comes_back_and_is_told_of(autojump_clock: MockClock) -> None:
    async with linked(Timed(5.0, Reset()), rng=Highest()) as (lab, link, guest):
        again = await lab.wait_for(Reconnected)
        assert [event.attempt for event in lab.seen(Connected)] == [1]
        [lost] = lab.seen(ConnectionLost)
        assert (lost.connection, lost.code) == ("link", 1006)
        assert again.after == pytest.approx(1.0, abs=0.1)
        assert again.reason == lost.reason == guest.lost[0][1]
        await trio.testing.wait_all_tasks_blocked()
        assert link.connects == len(guest.sockets) == 2


async def test_attempts_that_fail_wait_longer_and_longer_up_to_the_cap(autojump_clock: MockClock) -> None:
    async with linked(Timed(0.0, DialTrouble(DialFault.REFUSE, 200.0)), rng=Highest()) as (lab, _, guest):
        await lab.wait_for(Connected, within=400)
        failed = lab.seen(ConnectFailed)
        assert [event.retry_in for event in failed] == [1, 2, 4, 8, 16, 32, 60, 60, 60]
        assert [event.attempt for event in failed] == list(range(1, 10))
        assert len(guest.lost) == 9
        assert lab.seen(Connected)[0].attempt == 10


async def test_the_delay_is_drawn_from_the_whole_range(autojump_clock: MockClock) -> None:
    async with linked(Timed(0.0, DialTrouble(DialFault.REFUSE, 3000.0))) as (lab, _, _):
        await lab.wait_for(ConnectFailed, 60, within=4000)
        delays = [event.retry_in for event in lab.seen(ConnectFailed)[6:]]
        assert all(0.05 <= delay <= 60 for delay in delays)
        assert min(delays) < 15 < 45 < max(delays)


@pytest.mark.parametrize(("lived", "delay"), [(59.0, 2.0), (61.0, 1.0)])
async def test_only_a_stable_connection_makes_the_delays_start_anew(
    lived: float, delay: float, autojump_clock: MockClock
) -> None:
    faults = (Timed(1.0, Reset()), Timed(2.0 + lived, Reset()))
    async with linked(*faults, rng=Highest()) as (lab, _, _):
        again = await lab.wait_for(Reconnected, 2)
        assert again.after == pytest.approx(delay, abs=0.01)


async def test_connections_wait_for_the_limit(autojump_clock: MockClock) -> None:
    limits = (Rule(LimitKind.CONNECTIONS, 300_000, 3),)
    async with linked(*(Timed(10.0 * n, Reset()) for n in (1, 2, 3)), rng=Highest(), limits=limits) as (lab, _, _):
        await lab.wait_for(Reconnected, 3, within=400)
        assert lab.dialled[2] < 60
        # EPOCH_MS lies 80 s before the end of a window of five minutes.
        window_ends = 300 - (1_790_000_000 % 300)
        assert window_ends <= lab.dialled[3] - lab.dialled[0] < window_ends + 2


@pytest.mark.parametrize(
    ("answer", "status", "wait"),
    [(Answer.limited("30"), 429, 30), (Answer.limited("100", banned=True), 418, 100), (Answer.waf(), 403, 300)],
)
async def test_who_is_sent_away_stays_away(answer: Answer, status: int, wait: float, autojump_clock: MockClock) -> None:
    async with linked(OnHandshake(1, Bend.say(answer)), rng=Highest()) as (lab, _, _):
        await lab.wait_for(Connected, within=400)
        [ban] = lab.seen(BanStarted)
        assert ban.status == status
        assert ban.until - lab.dialled[0] == pytest.approx(wait, abs=1.1)
        assert lab.dialled[1] - lab.dialled[0] >= wait
        assert len(lab.dialled) == 2


async def test_a_handshake_refused_otherwise_is_tried_again(autojump_clock: MockClock) -> None:
    async with linked(OnHandshake(1, Bend.say(Answer.html(503)))) as (lab, _, _):
        await lab.wait_for(Connected)
        [failed] = lab.seen(ConnectFailed)
        assert "503" in failed.reason
        assert not lab.seen(BanStarted)


async def test_a_connection_is_renewed_in_time_at_once_and_without_counting_as_a_failure(
    autojump_clock: MockClock,
) -> None:
    tuning = Tuning(connection_lifetime=100.0)
    async with linked(Timed(250.0, Reset()), rng=Highest(), tuning=tuning) as (lab, _, guest):
        await lab.wait_for(Reconnected, 2)
        assert [event.after for event in lab.seen(Reconnected)] == [pytest.approx(0.0), pytest.approx(0.0)]
        assert not lab.seen(ConnectionLost)
        assert rounded(guest.retired) == [100, 200]
        assert "24 h" in lab.seen(ConnectionRenewed)[0].reason
        assert (await lab.wait_for(Reconnected, 3)).after == pytest.approx(1.0)


async def test_connections_that_are_sent_away_young_are_replaced_at_once_the_first_time_only(
    autojump_clock: MockClock,
) -> None:
    async with linked(rng=Highest()) as (lab, link, _):
        for number in range(1, 4):
            await lab.wait_for(Connected if number == 1 else Reconnected, max(1, number - 1))
            link.renew()
        await lab.wait_for(Reconnected, 3)
        assert [event.after for event in lab.seen(Reconnected)] == [pytest.approx(n, abs=0.1) for n in (0, 1, 2)]
        await trio.sleep(100)
        link.renew()
        assert (await lab.wait_for(Reconnected, 4)).after == pytest.approx(0.0)


async def test_retiring_is_cut_off_when_it_takes_long(autojump_clock: MockClock) -> None:
    async with linked() as (lab, link, guest):
        await lab.wait_for(Connected)
        guest.retiring = 1000.0
        started = trio.current_time()
        link.renew()
        await lab.wait_for(Reconnected)
        assert trio.current_time() - started == pytest.approx(lab.tuning.request_timeout, abs=0.1)


async def test_a_quiet_connection_is_only_pinged(autojump_clock: MockClock) -> None:
    async with linked(rules=Rules(**NO_PINGS)) as (lab, link, guest):
        await trio.sleep(200)
        assert link.connects == 1
        assert 5 <= guest.sockets[0].statistics().frames_sent <= 6
        assert not lab.seen(ConnectionLost)


async def test_a_busy_connection_that_falls_silent_is_replaced(autojump_clock: MockClock) -> None:
    async with linked(ping=yes) as (lab, _, guest):
        guest.busy = True
        lost = await lab.wait_for(ConnectionLost)
        assert lost.at == pytest.approx(30, abs=0.5)
        assert "zombie" in lost.reason


async def test_a_busy_connection_is_kept_when_nothing_of_the_exchange_answers(autojump_clock: MockClock) -> None:
    async with linked(ping=no) as (_, link, guest):
        guest.busy = True
        await trio.sleep(200)
        assert link.connects == 1


async def test_a_busy_connection_that_speaks_while_it_is_checked_is_kept(autojump_clock: MockClock) -> None:
    async def speak() -> bool:
        lab_of[0].server().text('{"stream":"x","data":{}}')
        await trio.sleep(0.1)
        return True

    lab_of: list[Lab] = []
    async with linked(ping=speak) as (lab, link, guest):
        lab_of.append(lab)
        guest.busy = True
        await trio.sleep(100)
        assert link.connects == 1
        assert guest.frames


@pytest.mark.parametrize("direction", ["in", "out", "both"])
@pytest.mark.parametrize("alive", [True, False])
async def test_a_dead_connection_is_noticed_within_75_seconds(
    direction: Any, alive: bool, autojump_clock: MockClock
) -> None:
    ping = yes if alive else no
    async with linked(Timed(50.0, BlackHole(direction)), ping=ping, rules=Rules(**NO_PINGS)) as (lab, _, guest):
        lost = await lab.wait_for(ConnectionLost)
        assert 50 < lost.at < 50 + 75
        assert ("answers" if alive else "does not answer either") in lost.reason
        await lab.wait_for(Reconnected)
        assert guest.lost[0][0] == lost.at


async def test_a_connection_that_breaks_while_it_is_checked_is_lost_for_that_reason(autojump_clock: MockClock) -> None:
    faults = (Timed(10.0, BlackHole()), Timed(35.0, Reset()))
    async with linked(*faults, rules=Rules(**NO_PINGS)) as (lab, _, _):
        lost = await lab.wait_for(ConnectionLost)
        assert lost.at == pytest.approx(35)
        assert "ping" not in lost.reason


async def test_messages_go_out_no_faster_than_the_exchange_takes_them_and_no_slower(autojump_clock: MockClock) -> None:
    async with linked() as (lab, link, guest):
        await lab.wait_for(Connected)
        await trio.testing.wait_all_tasks_blocked()
        started = trio.current_time()
        for number in range(12):
            await link.send(guest.sockets[0], f'{{"method":"LIST_SUBSCRIPTIONS","id":{number}}}')
        took = trio.current_time() - started
        await trio.sleep(1)
        assert len(guest.frames) == 12
        assert 2.0 <= took < 2.5  # four at a time: the fifth place is a pong's
        assert link.connects == 1


async def test_pings_of_ours_and_pongs_count_as_messages(autojump_clock: MockClock) -> None:
    rules = Rules(ping_every_us=1_500_000)
    async with linked(rules=rules) as (lab, link, guest):
        await lab.wait_for(Connected)
        await trio.testing.wait_all_tasks_blocked()
        for number in range(40):
            await link.send(guest.sockets[0], f'{{"method":"LIST_SUBSCRIPTIONS","id":{number}}}')
        assert link.connects == 1
        assert guest.sockets[0].statistics().pings_answered > 4


async def test_the_end_of_a_recording_ends_the_run(autojump_clock: MockClock) -> None:
    async with open_lab(activity=0.01) as lab:
        link, guest = lab.make_link(ends=True), Guest()
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def hang_up() -> None:
                await lab.wait_for(Connected)
                lab.server().close(1001)
                await lab.wait_for(Reconnected)
                await trio.sleep(300)  # a consumer who takes his time is no reason for a check
                lab.server().close(1000)

            await link.run(guest)
        assert link.connects == 2
        assert len(guest.lost) == 1


async def test_a_crash_of_the_tenant_leaves_as_itself_and_the_next_run_goes_on(autojump_clock: MockClock) -> None:
    async with open_lab(activity=0.01) as lab:
        link, guest = lab.make_link(), Guest()
        guest.error = ZeroDivisionError("a bug")
        with pytest.raises(ZeroDivisionError):
            await link.run(guest)
        assert guest.lost[0][1] == "a bug"
        guest.error = None
        with trio.move_on_after(10):
            await link.run(guest)
        assert lab.seen(Reconnected)[0].reason == "a bug"
        with trio.move_on_after(10):
            await link.run(guest)
        assert lab.seen(Reconnected)[1].reason == "its service was stopped"


async def test_what_breaks_the_protocol_breaks_the_connection(autojump_clock: MockClock) -> None:
    async with open_lab(activity=0.01) as lab:
        link, guest = lab.make_link(), Guest()
        guest.error = DecodeError("nonsense")
        with trio.move_on_after(1000):
            await link.run(guest)
        assert len(lab.seen(ConnectionLost)) > 5


# -------------------------------------------------------------------------------------------- first_of


async def ends(value: BaseException | None, after: float = 0.0) -> None:
    await trio.sleep(after)
    if value is not None:
        raise value


async def raises_when_cancelled(value: BaseException) -> None:
    try:
        await trio.sleep_forever()
    finally:
        raise value


async def test_first_of_ends_with_the_first(autojump_clock: MockClock) -> None:
    await first_of(lambda: ends(None, 1), lambda: ends(Lost("late"), 2))
    assert trio.current_time() == pytest.approx(1)
    with pytest.raises(Lost, match="early") as caught:
        await first_of(lambda: ends(Lost("early"), 1), lambda: raises_when_cancelled(Lost("late")))
    assert caught.value.__context__ is None


@pytest.mark.parametrize("crash", [ValueError("a bug"), KeyboardInterrupt(), SystemExit(3)])
async def test_first_of_lets_crashes_and_interrupts_out_without_a_group(
    crash: BaseException, autojump_clock: MockClock
) -> None:
    with pytest.raises(type(crash)) as caught:
        await first_of(trio.sleep_forever, lambda: first_of(lambda: ends(crash), trio.sleep_forever))
    assert caught.value is crash


async def test_first_of_prefers_an_interrupt_to_a_crash_and_the_first_crash_to_others(
    autojump_clock: MockClock,
) -> None:
    with pytest.raises(KeyboardInterrupt):
        await first_of(lambda: ends(ValueError("a bug")), lambda: raises_when_cancelled(KeyboardInterrupt()))
    with pytest.raises(ValueError, match=r"first|second") as caught:
        await first_of(lambda: ends(ValueError("first")), lambda: raises_when_cancelled(ValueError("second")))
    assert "meanwhile ValueError" in caught.value.__notes__[0]


async def test_first_of_can_be_cancelled(autojump_clock: MockClock) -> None:

    with trio.move_on_after(1) as scope:
        await first_of(trio.sleep_forever, trio.sleep_forever)
    assert scope.cancelled_caught
    with trio.CancelScope() as scope:
        scope.cancel()
        with pytest.raises(BinanceError):
            await first_of(lambda: raises_when_cancelled(Lost("x")))
