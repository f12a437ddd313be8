"""The socket's end: however it comes about, it is told once and as it was, and nothing is left open."""

from __future__ import annotations

import struct
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing
from wsproto.events import CloseConnection, Event

from tests._protocol.test_frames import CLOSE, PING, TEXT, frame
from trio_binance._services.socket import open_socket
from trio_binance.errors import ConnectionLost, DeadlineExceeded, Outcome

from .peers import TUNING, URL, Exchange, Peer, connected_to, exchange_that, loss_told_by, polite

if TYPE_CHECKING:
    from trio.testing import MockClock


# ---------------------------------------------------------------------------------------------------- the end


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1011, 1012, 1013, 3000, 4999])
@pytest.mark.parametrize("reason", ["", "so long"])
async def test_w05_a_close_frame_is_told_with_code_and_reason_after_the_messages_before_it(
    code: int, reason: str, autojump_clock: MockClock
) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept()
        goodbye = frame(CLOSE, struct.pack("!H", code) + reason.encode())
        await peer.send(frame(TEXT, b"a"), frame(TEXT, b"b"), goodbye, frame(TEXT, b"never"))

    error, messages = await loss_told_by(script)
    assert messages == [b"a", b"b"]
    assert (error.code, error.reason) == (code, reason or None)
    assert type(error.code) is int


async def test_w05_a_close_frame_without_a_code_is_1005(autojump_clock: MockClock) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept(first=frame(CLOSE))

    error, _ = await loss_told_by(script)
    assert (error.code, error.reason) == (1005, None)


async def test_w06_a_peer_that_closes_but_keeps_tcp_open_is_answered_and_hung_up_on(autojump_clock: MockClock) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept(first=frame(CLOSE, struct.pack("!H", 1001)))
        answered.append(await peer.next_event())
        answered.append(await peer.next_event())

    answered: list[Event | None] = []
    async with connected_to(script) as (socket, line):
        with pytest.raises(ConnectionLost):
            await socket.receive()
        await trio.testing.wait_all_tasks_blocked()
        assert line.closed  # at once, not when the block ends
        assert isinstance(answered[0], CloseConnection)
        assert answered[1] is None
    assert trio.current_time() == 0


@pytest.mark.parametrize("how", ["eof", "reset"])
async def test_w07_a_line_that_breaks_is_1006_after_the_messages_before_it(how: str, autojump_clock: MockClock) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept()
        await trio.sleep(1)
        peer.line.reset = how == "reset"
        await peer.send(frame(TEXT, b"last words"))
        await peer.stream.aclose()

    error, messages = await loss_told_by(script)
    assert messages == [b"last words"]
    assert (error.code, error.reason) == (1006, None)
    assert error.outcome is Outcome.UNKNOWN
    assert "without a close frame" in str(error) if how == "eof" else "reset" in str(error)


async def test_w08_a_black_hole_ends_pings_and_closing_by_their_deadlines(autojump_clock: MockClock) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept()
        await trio.sleep_forever()

    async with connected_to(script) as (socket, _):
        with pytest.raises(DeadlineExceeded, match="no answer to a ping within 10 s"):
            await socket.ping()
        assert trio.current_time() == 10
    assert trio.current_time() == 12


async def test_w08_a_peer_that_has_stopped_reading_ends_sending_by_its_deadline(autojump_clock: MockClock) -> None:
    async with connected_to(polite) as (socket, line):
        line.stuck = True
        with pytest.raises(ConnectionLost, match="took nothing for 10 s"):
            await socket.send("x")
        assert trio.current_time() == 10
        with pytest.raises(ConnectionLost):
            await socket.receive()
    assert trio.current_time() == 10


async def test_w08_closing_on_a_peer_that_has_stopped_reading(autojump_clock: MockClock) -> None:
    async with connected_to(polite) as (_, line):
        line.stuck = True
    assert trio.current_time() == 2


# ----------------------------------------------------------------------------------------------------- closing


async def test_after_the_block_the_socket_says_that_we_closed_it_and_hands_nothing_over(
    autojump_clock: MockClock,
) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept(first=frame(TEXT, b"not taken in time"))
        await peer.be_polite()

    async with connected_to(script) as (socket, line):
        await trio.testing.wait_all_tasks_blocked()
        assert socket.statistics().waiting_bytes > 0
    assert line.closed
    with pytest.raises(ConnectionLost, match="closed by us") as caught:
        await socket.receive()
    assert caught.value.code == 1000
    with pytest.raises(ConnectionLost, match="closed by us"):
        await socket.send("x")


async def test_pings_and_messages_that_cross_our_close_frame_do_no_harm(autojump_clock: MockClock) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept()
        while not isinstance(await peer.next_event(), CloseConnection):
            pass
        await peer.send(frame(PING, b"crossing"), frame(TEXT, b"crossing"))
        await trio.sleep(1)
        await peer.send(frame(CLOSE, struct.pack("!H", 1000)))

    async with connected_to(script):
        pass
    assert trio.current_time() == 1


@pytest.mark.parametrize("crash", [ZeroDivisionError("in the hook"), ExceptionGroup("", [ZeroDivisionError()])])
async def test_a_crash_of_the_tasks_beneath_is_a_lost_connection_with_its_cause(
    crash: Exception, autojump_clock: MockClock
) -> None:
    def explode() -> None:
        raise crash

    async def script(peer: Peer) -> None:
        await peer.accept(first=frame(TEXT, b"first") + frame(PING))

    async with connected_to(script, on_message=explode) as (socket, _):
        assert await socket.receive() == [b"first"]
        with pytest.raises(ConnectionLost, match="ZeroDivisionError") as caught:
            await socket.receive()
        assert isinstance(caught.value.__cause__, ZeroDivisionError)
        assert caught.value.code == 1006


@pytest.mark.parametrize("error", [KeyError("mine"), ExceptionGroup("mine", [KeyError()])])
async def test_what_the_block_raises_leaves_as_it_is_after_a_proper_goodbye(
    error: Exception, autojump_clock: MockClock
) -> None:
    heard: list[Event] = []

    async def script(peer: Peer) -> None:
        await peer.accept()
        heard.extend(await peer.be_polite())

    with pytest.raises(type(error)) as caught:
        async with connected_to(script):
            raise error
    assert caught.value is error
    assert isinstance(heard[-1], CloseConnection)


async def test_a_cancelled_block_still_says_goodbye_but_not_for_long(autojump_clock: MockClock) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.next_event()
        await trio.sleep_forever()

    async with exchange_that(script) as exchange:
        with trio.move_on_after(3) as scope:
            async with open_socket(URL, exchange, tuning=TUNING) as socket:
                await socket.receive()
        assert scope.cancelled_caught
        assert trio.current_time() == 5


async def test_a_receiver_elsewhere_is_told_when_the_block_ends(autojump_clock: MockClock) -> None:
    async with exchange_that(polite) as exchange, trio.open_nursery() as nursery:
        async with open_socket(URL, exchange, tuning=TUNING) as socket:

            @nursery.start_soon
            async def receive() -> None:
                with pytest.raises(ConnectionLost, match="closed by us"):
                    await socket.receive()

            await trio.testing.wait_all_tasks_blocked()


def test_ctrl_c_inside_of_the_connection_leaves_as_such() -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    async def main() -> None:
        async def script(peer: Peer) -> None:
            await peer.accept(first=frame(PING))

        async with trio.open_nursery() as nursery:
            exchange = Exchange(nursery, script)
            try:
                async with open_socket(URL, exchange, tuning=TUNING, on_message=interrupt) as socket:
                    await socket.receive()
            finally:
                assert exchange.lines[0].closed
                nursery.cancel_scope.cancel()

    with pytest.RaisesGroup(KeyboardInterrupt):
        trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


class CancelAt(trio.abc.Instrument):
    """Cancels a scope at the n-th step of any task."""

    def __init__(self, step: int) -> None:
        self.left = step
        self.scope: trio.CancelScope | None = None

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        if self.scope is None:
            return
        self.left -= 1
        if self.left == 0:
            self.scope.cancel()


def test_cancelled_at_any_step_nothing_is_left_open_and_it_does_not_take_long() -> None:
    async def script(peer: Peer) -> None:
        with suppress(AssertionError, trio.BrokenResourceError):  # the client may hang up at any step
            await peer.accept(first=frame(TEXT, b"1") + frame(PING, b"p"))
            await peer.be_polite()

    async def scenario(instrument: CancelAt) -> bool:
        async with exchange_that(script) as exchange:
            with trio.CancelScope() as scope:
                instrument.scope = scope
                async with open_socket(URL, exchange, tuning=TUNING) as socket:
                    await socket.receive()
                    await socket.send("hello")
                    with trio.move_on_after(1):
                        await socket.ping()
            instrument.scope = None
        assert trio.current_time() <= 1 + TUNING.close_timeout
        return not scope.cancelled_caught and instrument.left > 0

    for step in range(1, 400):
        instrument = CancelAt(step)
        clock = trio.testing.MockClock(autojump_threshold=0)
        if trio.run(scenario, instrument, clock=clock, instruments=[instrument]):
            break
    else:
        raise AssertionError("the scenario never came to its end")
    assert step > 25
