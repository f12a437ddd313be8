"""The frame tap: the hand-over to the consumer, and the stream that trio-websocket sees."""

from __future__ import annotations

import struct

import pytest
import trio
import trio.testing

from tests._protocol.test_frames import BINARY, CLOSE, HEAD, PING, PONG, TEXT, frame
from trio_binance._services.frametap import FrameTap, Inbox, SocketStatistics
from trio_binance.errors import ConnectError

from .peers import Line

# ---------------------------------------------------------------------------------------------------- the inbox


async def test_batches_come_out_as_they_went_in_and_then_none() -> None:
    inbox = Inbox(1000)
    inbox.put([b"a", b"bb"])
    inbox.put([b"c"])
    inbox.end()
    inbox.put([b"too late"])
    assert [await inbox.take(), await inbox.take(), await inbox.take()] == [[b"a", b"bb"], [b"c"], None]
    assert (inbox.waiting_bytes, inbox.peak_bytes) == (0, 4 + 3 * 64)


async def test_taking_waits_for_a_batch_and_is_a_checkpoint_when_one_is_there(
    autojump_clock: trio.testing.MockClock,
) -> None:
    inbox = Inbox(1000)
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def put_later() -> None:
            await trio.sleep(3)
            inbox.put([b"late"])

        assert await inbox.take() == [b"late"]
        assert trio.current_time() == 3
    inbox.put([b"there"])
    with trio.testing.assert_checkpoints():
        await inbox.take()


async def test_a_cancelled_taker_takes_nothing() -> None:
    inbox = Inbox(1000)
    inbox.put([b"kept"])
    with trio.CancelScope() as scope:
        scope.cancel()
        await inbox.take()
    assert await inbox.take() == [b"kept"]


async def test_what_waits_can_be_taken_at_once_even_from_under_a_taker_who_then_goes_on_waiting() -> None:
    inbox = Inbox(1000)
    assert inbox.take_nowait() == []
    taken: list[object] = []
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def take() -> None:
            taken.append(await inbox.take())

        await trio.testing.wait_all_tasks_blocked()
        inbox.put([b"a", b"b"])
        inbox.put([b"c"])
        assert (inbox.take_nowait(), inbox.waiting_bytes) == ([b"a", b"b", b"c"], 0)
        await trio.testing.wait_all_tasks_blocked()
        assert taken == []
        inbox.put([b"d"])
    assert taken == [[b"d"]]


async def test_two_takers_at_once_are_a_bug_of_the_caller() -> None:
    inbox = Inbox(1000)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(inbox.take)
        await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(trio.BusyResourceError):
            await inbox.take()
        inbox.end()


async def test_room_is_waited_for_at_the_limit_and_comes_with_taking_with_the_end_and_with_leaving() -> None:
    for make_room in (Inbox.take, Inbox.end, Inbox.discard):
        inbox = Inbox(100)
        await inbox.wait_room()
        inbox.put([b"x" * 100])
        async with trio.open_nursery() as nursery:
            nursery.start_soon(inbox.wait_room)
            await trio.testing.wait_all_tasks_blocked()
            assert len(nursery.child_tasks) == 1
            if (result := make_room(inbox)) is not None:
                await result
            await trio.testing.wait_all_tasks_blocked()
            assert not nursery.child_tasks


# ------------------------------------------------------------------------------------------------------ the tap


class Wire:
    """A tap with its transport's far end in hand."""

    def __init__(self, limit: int = 2**20, *, upgraded: bool = True) -> None:
        near, self.far = trio.testing.memory_stream_pair()
        self.near = Line(near)
        self.inbox = Inbox(limit)
        self.sent = 0
        self.violations = 0
        self.tap = FrameTap(
            self.near,
            self.inbox,
            max_message_bytes=1000,
            write_timeout=10.0,
            on_frame_sent=self._count_sent,
            on_violation=self._count_violation,
        )
        self._upgraded = upgraded

    async def __aenter__(self) -> Wire:
        if self._upgraded:
            await self.tap.send_all(b"GET / HTTP/1.1\r\n\r\n")
            await self.far.receive_some()
            await self.far.send_all(HEAD)
            assert await self.tap.receive_some() == HEAD
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.tap.aclose()
        assert self.near.closed

    def _count_sent(self) -> None:
        self.sent += 1

    def _count_violation(self) -> None:
        self.violations += 1


async def test_frames_that_come_with_the_handshake_are_messages() -> None:
    async with Wire(upgraded=False) as wire:
        await wire.far.send_all(HEAD + frame(TEXT, b"first") + frame(PING, b"p") + frame(TEXT, b"second"))
        assert await wire.tap.receive_some() == HEAD + frame(PING, b"p")
        assert await wire.inbox.take() == [b"first", b"second"]


async def test_messages_of_one_read_are_one_batch_and_bypass_the_stream(autojump_clock: trio.testing.MockClock) -> None:
    async with Wire() as wire:
        await trio.sleep(5)
        await wire.far.send_all(frame(TEXT, b"a") + frame(BINARY, b"b"))
        with trio.move_on_after(1) as scope:
            await wire.tap.receive_some()
        assert scope.cancelled_caught
        assert await wire.inbox.take() == [b"a", b"b"]
        assert (wire.tap.messages, wire.tap.last_heard, wire.tap.last_data) == (2, 5, 5)
        await wire.far.send_all(frame(PONG))
        await wire.tap.receive_some()
        assert (wire.tap.last_heard, wire.tap.last_data, wire.tap.pongs, wire.tap.pings) == (6, 5, 1, 0)


async def test_messages_before_a_close_frame_are_handed_over_before_it() -> None:
    async with Wire() as wire:
        await wire.far.send_all(frame(TEXT, b"last") + frame(CLOSE, struct.pack("!H", 1001)))
        assert await wire.tap.receive_some() == frame(CLOSE, struct.pack("!H", 1001))
        assert wire.inbox.waiting_bytes > 0


async def test_no_more_is_returned_than_was_asked_for() -> None:
    async with Wire() as wire:
        await wire.far.send_all(frame(PING, b"12345"))
        with trio.testing.assert_checkpoints():
            assert await wire.tap.receive_some(3) == frame(PING, b"12345")[:3]
        with trio.testing.assert_checkpoints():
            assert await wire.tap.receive_some(100) == frame(PING, b"12345")[3:]


async def test_a_full_inbox_stops_the_reading_until_there_is_room() -> None:
    async with Wire(limit=100) as wire:
        await wire.far.send_all(frame(TEXT, b"x" * 100))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(wire.tap.receive_some)
            await trio.testing.wait_all_tasks_blocked()
            await wire.far.send_all(frame(PING))
            await trio.testing.wait_all_tasks_blocked()
            assert wire.tap.pings == 0
            await wire.inbox.take()
        assert wire.tap.pings == 1


@pytest.mark.parametrize("broken", [True, False])
async def test_a_line_that_ends_before_the_answer_is_an_error_that_trio_websocket_cannot_swallow(broken: bool) -> None:
    async with Wire(upgraded=False) as wire:
        await wire.far.send_all(HEAD[:20])
        await wire.tap.receive_some()
        await wire.far.aclose()
        wire.near.reset = broken
        with pytest.raises(ConnectError, match="before the handshake was answered"):
            await wire.tap.receive_some()


async def test_a_line_that_ends_later_ends_as_any_stream_and_says_why() -> None:
    async with Wire() as wire:
        await wire.far.aclose()
        assert await wire.tap.receive_some() == b""
        assert wire.tap.trouble == "the line ended without a close frame"
    async with Wire() as wire:
        wire.near.reset = True
        with pytest.raises(trio.BrokenResourceError):
            await wire.tap.receive_some()
        assert wire.tap.trouble == "the line was reset"


async def test_frames_of_ours_are_counted_the_handshake_is_not() -> None:
    async with Wire() as wire:
        assert wire.sent == 0
        await wire.tap.wait_send_all_might_not_block()
        await wire.tap.send_all(frame(PONG, mask=True))
        await wire.tap.send_all(frame(TEXT, mask=True))
        assert (wire.sent, wire.tap.frames_sent, wire.tap.pongs_sent) == (2, 2, 1)


async def test_once_we_are_closing_trio_websocket_hears_no_more_pings_and_the_figures_still_count_them() -> None:
    async with Wire() as wire:
        wire.tap.begin_closing()
        await wire.tap.send_all(frame(PONG, mask=True))
        await wire.far.send_all(frame(TEXT, b"abc") + frame(PING) + frame(PONG) + frame(CLOSE))
        assert await wire.tap.receive_some() == frame(CLOSE)
        assert wire.tap.statistics() == SocketStatistics(
            messages=1,
            bytes_received=len(HEAD) + 5 + 3 * 2,
            pings=1,
            pings_answered=1,
            pongs=1,
            frames_sent=1,
            waiting_bytes=3 + 64,
            peak_bytes=3 + 64,
            last_heard=wire.tap.last_heard,
        )


async def test_after_a_violation_nothing_is_read_and_the_stream_ends_with_our_close_frame() -> None:
    async with Wire() as wire:
        await wire.far.send_all(frame(PING, b"p") + frame(3))
        assert await wire.tap.receive_some() == frame(PING, b"p")
        assert (wire.violations, wire.tap.violation is not None) == (1, True)
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def read() -> None:
                assert await wire.tap.receive_some() == b""

            await trio.testing.wait_all_tasks_blocked()
            await wire.tap.send_all(frame(PONG, mask=True))
            await trio.testing.wait_all_tasks_blocked()
            assert nursery.child_tasks
            await wire.tap.send_all(frame(CLOSE, mask=True))


async def test_without_listeners_nobody_is_told() -> None:
    near, far = trio.testing.memory_stream_pair()
    tap = FrameTap(near, Inbox(1), max_message_bytes=1, write_timeout=1.0)
    await tap.send_all(b"GET")
    await tap.send_all(frame(CLOSE, mask=True))
    await far.send_all(HEAD + frame(3))
    assert await tap.receive_some() == HEAD
    assert await tap.receive_some() == b""
    await tap.aclose()


async def test_a_peer_that_takes_nothing_breaks_the_line_after_the_deadline(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with Wire() as wire:
        wire.near.stuck = True
        with pytest.raises(trio.BrokenResourceError, match="took nothing for 10 s"):
            await wire.tap.send_all(frame(TEXT, mask=True))
        assert trio.current_time() == 10
        with pytest.raises(trio.ClosedResourceError):
            await wire.tap.send_all(frame(TEXT, mask=True))


async def test_cancelled_before_the_first_byte_a_frame_was_not_sent_and_the_line_lives() -> None:
    async with Wire() as wire:
        with trio.CancelScope() as scope:
            scope.cancel()
            await wire.tap.send_all(frame(TEXT, mask=True))
        assert wire.sent == 0
        await wire.tap.send_all(frame(TEXT, mask=True))


async def test_cancelled_in_the_middle_of_a_frame_the_line_is_closed(autojump_clock: trio.testing.MockClock) -> None:
    async with Wire() as wire:
        wire.near.stuck = True
        with trio.move_on_after(1) as scope:
            await wire.tap.send_all(frame(TEXT, mask=True))
        assert scope.cancelled_caught
        assert wire.tap.trouble == "cancelled in the middle of a frame"
        with pytest.raises(trio.ClosedResourceError):
            await wire.near.send_all(b"x")


async def test_a_line_that_was_reset_is_told_to_the_sender() -> None:
    async with Wire() as wire:
        await wire.far.aclose()
        with pytest.raises(trio.BrokenResourceError):
            await wire.tap.send_all(frame(TEXT, mask=True))
        assert wire.tap.trouble == "the line was reset"
    async with Wire(upgraded=False) as wire:
        await wire.far.aclose()
        with pytest.raises(ConnectError):
            await wire.tap.send_all(b"GET / HTTP/1.1\r\n\r\n")
