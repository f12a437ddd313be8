"""The transport over streams in memory: its connections, its deadline and its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import httpx
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from tests._services.helpers_http import (
    OK,
    URL,
    Dialer,
    Line,
    Peer,
    StuckLine,
    drip,
    fails,
    hang,
    reply,
    send,
    serve,
    transport_over,
)
from trio_binance.errors import (
    BinanceError,
    ConnectError,
    ConnectionLost,
    ConnectorClosed,
    DeadlineExceeded,
    InvalidArgument,
    Outcome,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


async def test_the_answer_tells_when_it_was_sent_and_received(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    """Times are Trio's: the first byte out, after the wait for a connection, and the last byte in."""

    class SlowDialer(Dialer):
        async def connect(self, host: str, port: int, *, tls: bool) -> trio.abc.Stream:
            await trio.sleep(1)
            return await super().connect(host, port, tls=tls)

    async def script(peer: Peer) -> None:
        await peer.request()
        await trio.sleep(2)
        await peer.send(OK[:-1])
        await trio.sleep(3)
        await peer.send(OK[-1:])

    async with transport_over(SlowDialer(nursery, script)) as transport:
        begun = trio.current_time()
        times = (await send(transport)).extensions
    assert [times["sent_at"] - begun, times["received_at"] - begun] == pytest.approx([1, 6])


@pytest.mark.parametrize(
    ("url", "dialled"),
    [
        ("http://exchange.test", ("exchange.test", 80, False)),
        ("https://exchange.test", ("exchange.test", 443, True)),
        ("https://exchange.test:9443", ("exchange.test", 9443, True)),
    ],
)
async def test_it_dials_what_the_url_says(url: str, dialled: tuple[str, int, bool], nursery: trio.Nursery) -> None:
    dialer = Dialer(nursery, serve)
    async with transport_over(dialer, url) as transport:
        await transport.handle_async_request(httpx.Request("GET", url + "/x"))
    assert dialer.dialled == [dialled]


async def test_a_connection_is_used_again(nursery: trio.Nursery) -> None:
    """Two requests one after the other take one connection, closed at the end."""
    dialer = Dialer(nursery, serve)
    async with transport_over(dialer) as transport:
        for _ in range(3):
            await send(transport, "POST", body=b"x")
        statistics = transport.statistics()
        assert attrs.asdict(statistics) == {
            "requests": 3,
            "open": 1,
            "idle": 1,
            "opened": 1,
            "reused": 2,
            "failures": 0,
        }
    assert dialer.open == 0


async def test_the_newest_connection_is_used_first(nursery: trio.Nursery) -> None:
    """Last in, first out: the others are left to grow old and be closed."""
    used: list[int] = []

    def numbered(number: int) -> Callable[[Peer], Awaitable[None]]:
        async def script(peer: Peer) -> None:
            while await peer.request():
                used.append(number)
                await trio.lowlevel.checkpoint()
                await peer.send(OK)

        return script

    dialer = Dialer(nursery, numbered(0), numbered(1), numbered(2))
    async with transport_over(dialer) as transport:
        async with trio.open_nursery() as requests:
            for _ in range(3):
                requests.start_soon(send, transport)
        newest = dialer.lines.index(transport._idle[-1].connection.stream)  # type: ignore[arg-type]
        used.clear()
        for _ in range(3):
            await send(transport)
    assert used == [newest] * 3


async def test_no_more_connections_than_tuned_and_nobody_is_forgotten(nursery: trio.Nursery) -> None:
    """Requests beyond the limit wait for one another and are all answered."""
    dialer = Dialer(nursery, *[serve] * 30)
    async with transport_over(dialer, rest_connections=3) as transport:
        async with trio.open_nursery() as requests:
            for _ in range(30):
                requests.start_soon(send, transport)
        assert transport.statistics().opened <= 3
        assert transport.statistics().requests == 30


@pytest.mark.parametrize(
    "data",
    [
        reply(b"{}", "Connection: close"),
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: Close\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    ],
    ids=["Connection: close", "HTTP/1.0", "chunked and close"],
)
async def test_h24_a_connection_the_peer_will_close_is_not_kept(data: bytes, nursery: trio.Nursery) -> None:
    async def script(peer: Peer) -> None:
        await peer.answer(data)
        await trio.sleep_forever()

    dialer = Dialer(nursery, script, serve)
    async with transport_over(dialer) as transport:
        assert (await send(transport)).content == b"{}"
        assert dialer.open == 0
        assert (await send(transport, "POST")).content == b"{}"
        assert transport.statistics().opened == 2


# ---------------------------------------------------------------------------- what goes wrong before the first byte


async def test_n01_a_refused_connection_is_not_sent(nursery: trio.Nursery) -> None:
    async with transport_over(Dialer(nursery)) as transport:
        error = await fails(transport, "POST")
        assert isinstance(error, ConnectError)
        assert error.outcome is Outcome.NOT_SENT
        assert transport.statistics().failures == 1


async def test_waiting_for_a_free_connection_ends_with_the_deadline_and_is_not_sent(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    """With every connection busy the request never leaves, and its error says so."""
    async with transport_over(Dialer(nursery, hang), rest_connections=1, request_timeout=10) as transport:
        begun = trio.current_time()
        nursery.start_soon(fails, transport, "POST")
        await wait_all_tasks_blocked()
        error = await fails(transport, "POST")
    assert isinstance(error, DeadlineExceeded)
    assert error.outcome is Outcome.NOT_SENT
    assert trio.current_time() - begun == pytest.approx(10)


async def test_an_order_or_a_cancel_never_waits_behind_questions_that_hang(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    async with transport_over(Dialer(nursery, hang, serve), rest_connections=1) as transport:
        begun = trio.current_time()
        nursery.start_soon(fails, transport)
        await wait_all_tasks_blocked()
        await send(transport, "DELETE")
        assert trio.current_time() == begun


@pytest.mark.parametrize(
    ("connect_timeout", "kind", "after"), [(5.0, ConnectError, 5.0), (30.0, DeadlineExceeded, 10.0)]
)
async def test_a_dial_that_hangs_ends_with_the_first_deadline_and_is_not_sent(
    connect_timeout: float, kind: type[BinanceError], after: float, autojump_clock: MockClock
) -> None:
    class Hanging:
        async def connect(self, host: str, port: int, *, tls: bool) -> trio.abc.Stream:
            await trio.sleep_forever()

    async with transport_over(Hanging(), request_timeout=10, connect_timeout=connect_timeout) as transport:
        error = await fails(transport, "POST")
    assert type(error) is kind
    assert error.outcome is Outcome.NOT_SENT
    assert trio.current_time() == pytest.approx(after)


@pytest.mark.parametrize("url", ["http://other.test/x", "https://exchange.test/x", "http://exchange.test:81/x"])
async def test_z07_a_request_for_another_host_is_refused(url: str, nursery: trio.Nursery) -> None:
    """A key of this host is never sent to another, nor in plain text where TLS was meant."""
    dialer = Dialer(nursery, serve)
    async with transport_over(dialer) as transport:
        with pytest.raises(InvalidArgument, match="not the host"):
            await transport.handle_async_request(httpx.Request("GET", url + "?signature=CANARY"))
    assert dialer.dialled == []


async def test_what_http_cannot_carry_is_refused_without_repeating_it(nursery: trio.Nursery) -> None:
    dialer = Dialer(nursery, serve)
    async with transport_over(dialer) as transport:
        request = httpx.Request("GET", URL + "/x", headers={"X-MBX-APIKEY": "CANARY\r\nX: y"})
        with pytest.raises(InvalidArgument, match="cannot be written") as caught:
            await transport.handle_async_request(request)
    assert "CANARY" not in repr((caught.value, caught.value.__cause__, caught.value.__context__, vars(caught.value)))
    assert dialer.dialled == []


async def test_after_its_end_nothing_is_sent(nursery: trio.Nursery) -> None:
    dialer = Dialer(nursery, serve)
    async with transport_over(dialer) as transport:
        await transport.aclose()
        error = await fails(transport)
    assert isinstance(error, ConnectorClosed)
    assert error.outcome is Outcome.NOT_SENT
    assert dialer.dialled == []


async def test_a_connection_that_comes_after_the_end_is_closed(nursery: trio.Nursery) -> None:
    """Closed while a request dials: it is not sent and its fresh connection does not stay."""

    class ClosingDialer(Dialer):
        async def connect(self, host: str, port: int, *, tls: bool) -> trio.abc.Stream:
            line = await super().connect(host, port, tls=tls)
            await transport.aclose()
            return line

    dialer = ClosingDialer(nursery, serve)
    async with transport_over(dialer) as transport:
        error = await fails(transport, "POST")
        assert isinstance(error, ConnectorClosed)
        assert error.outcome is Outcome.NOT_SENT
        assert dialer.open == 0


@pytest.mark.parametrize(
    ("script", "line"),
    [(drip, Line), (hang, Line), (hang, StuckLine)],
    ids=["N11 drip", "N09 silence", "N12 no window"],
)
async def test_one_deadline_covers_the_whole_request(
    script: Callable[[Peer], Awaitable[None]], line: type[Line], nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    """A byte a second keeps no request alive, nor does a window that stays shut; UNKNOWN, connection closed."""
    dialer = Dialer(nursery, script, line=line)
    async with transport_over(dialer, request_timeout=15) as transport:
        begun = trio.current_time()
        error = await fails(transport, "POST")
        assert trio.current_time() - begun == pytest.approx(15)
        assert isinstance(error, DeadlineExceeded)
        assert error.outcome is Outcome.UNKNOWN
        assert str(error) == "POST /x: no answer within 15 s"
        assert dialer.open == 0


async def test_a_request_in_flight_when_the_transport_is_closed_is_unknown(nursery: trio.Nursery) -> None:
    dialer = Dialer(nursery, hang)
    async with transport_over(dialer) as transport:
        errors: list[BinanceError] = []

        async def request() -> None:
            errors.append(await fails(transport, "POST"))

        nursery.start_soon(request)
        await wait_all_tasks_blocked()
        await transport.aclose()
        await wait_all_tasks_blocked()
    [error] = errors
    assert isinstance(error, ConnectionLost)
    assert error.outcome is Outcome.UNKNOWN
    assert dialer.open == 0


async def test_an_answer_that_comes_as_the_transport_closes_is_given_all_the_same(nursery: trio.Nursery) -> None:
    """A whole answer is never thrown away, and its connection not kept."""

    class ClosingLine(Line):
        async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
            data = await super().receive_some(max_bytes)
            await transport.aclose()
            return data

    dialer = Dialer(nursery, serve, line=ClosingLine)
    async with transport_over(dialer) as transport:
        assert (await send(transport, "POST")).content == b"{}"
        assert dialer.open == transport.statistics().idle == 0


async def test_a_stream_that_cannot_even_be_closed_spoils_no_answer(nursery: trio.Nursery) -> None:
    """What goes wrong when closing concerns nobody any more."""

    class UnclosableLine(Line):
        async def aclose(self) -> None:
            await super().aclose()
            raise OSError(5, "Input/output error")

    async def script(peer: Peer) -> None:
        await peer.answer(reply(b"{}", "Connection: close"))

    async with transport_over(Dialer(nursery, script, hang, line=UnclosableLine)) as transport:
        assert (await send(transport, "POST")).content == b"{}"
        nursery.start_soon(fails, transport)
        await wait_all_tasks_blocked()


async def test_closing_waits_for_no_stream(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    """A stream that does not wake its reader when closed keeps nobody waiting."""

    class DeafLine(Line):
        async def aclose(self) -> None:
            self.closed = True

    dialer = Dialer(nursery, serve, line=DeafLine)
    async with transport_over(dialer) as transport:
        await send(transport)
        begun = trio.current_time()
    assert trio.current_time() == begun
    assert dialer.open == 0
