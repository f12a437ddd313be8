"""The transport's connections at rest: none that is dead or holds an answer nobody asked for meets the next request."""

from __future__ import annotations

import ssl
from typing import Any

import httpx
import pytest
import trio
import trustme
from trio.testing import MockClock, wait_all_tasks_blocked

from tests._services.helpers_http import (
    OK,
    Dialer,
    Line,
    Peer,
    closes_on_second,
    fails,
    reply,
    send,
    serve,
    transport_over,
)
from trio_binance._services.transport import IDLE_LIMIT
from trio_binance.errors import ConnectionLost, DeadlineExceeded, Outcome


async def test_an_idle_connection_is_closed_before_the_server_does(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    """After 20 s by Trio's clock, counted anew from each use, without any request to make it happen."""
    dialer = Dialer(nursery, serve)
    async with transport_over(dialer) as transport:
        await send(transport)
        await trio.sleep(IDLE_LIMIT - 1)
        await send(transport)
        await trio.sleep(IDLE_LIMIT - 1)
        assert dialer.open == 1
        await trio.sleep(2)
        assert dialer.open == transport.statistics().open == transport.statistics().idle == 0


@pytest.mark.parametrize("how", ["end", "reset"])
async def test_h22_a_connection_closed_at_rest_is_dropped_before_it_costs_a_request(
    how: str, nursery: trio.Nursery
) -> None:
    """The next POST goes out on a fresh one, once."""

    async def script(peer: Peer) -> None:
        await peer.answer()
        await getattr(peer, how)()

    dialer = Dialer(nursery, script, serve)
    async with transport_over(dialer) as transport:
        await send(transport)
        await wait_all_tasks_blocked()
        assert dialer.open == transport.statistics().open == 0
        assert (await send(transport, "POST")).status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_h22_a_trading_request_that_meets_the_close_is_unknown_and_not_repeated(
    method: str, nursery: trio.Nursery
) -> None:
    dialer = Dialer(nursery, closes_on_second, serve)
    async with transport_over(dialer) as transport:
        await send(transport)
        error = await fails(transport, method)
        assert isinstance(error, ConnectionLost)
        assert error.outcome is Outcome.UNKNOWN
        assert len(dialer.lines) == 1


async def test_h22_a_get_that_meets_the_close_is_sent_once_more_on_a_fresh_connection(nursery: trio.Nursery) -> None:
    dialer = Dialer(nursery, closes_on_second, serve)
    async with transport_over(dialer) as transport:
        await send(transport)
        assert (await send(transport)).status_code == 200
        assert len(dialer.lines) == 2
        assert transport.statistics().failures == 0


async def test_h22_a_get_is_repeated_only_once(nursery: trio.Nursery) -> None:
    """A fresh connection that dies as well is an error."""

    async def closes(peer: Peer) -> None:
        await peer.request()
        await peer.end()

    dialer = Dialer(nursery, closes_on_second, closes, serve)
    async with transport_over(dialer) as transport:
        await send(transport)
        error = await fails(transport)
        assert isinstance(error, ConnectionLost)
        assert error.__context__ is None
        assert len(dialer.lines) == 2


async def test_h22_a_get_whose_repetition_cannot_connect_was_sent_all_the_same(nursery: trio.Nursery) -> None:
    dialer = Dialer(nursery, closes_on_second)
    async with transport_over(dialer) as transport:
        await send(transport)
        assert (await fails(transport)).outcome is Outcome.UNKNOWN


async def test_h22_a_get_half_answered_is_not_repeated(nursery: trio.Nursery) -> None:
    async def script(peer: Peer) -> None:
        await peer.answer()
        await peer.answer(OK[:-1])
        await peer.end()

    dialer = Dialer(nursery, script, serve)
    async with transport_over(dialer) as transport:
        await send(transport)
        assert isinstance(await fails(transport), ConnectionLost)
        assert len(dialer.lines) == 1


class CrowdedLine(Line):
    """A connection on which a second segment has arrived by the time the first is read."""

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        data = await super().receive_some(max_bytes)
        if b"first" in data:
            inner: Any = self.inner
            inner.receive_stream.put_data(reply(b"stolen"))
        return data


@pytest.mark.parametrize(
    ("line", "behind"), [(Line, b"x"), (Line, reply(b"stolen")), (CrowdedLine, b"")], ids=["a byte", "along", "behind"]
)
async def test_h21_a_second_answer_nobody_asked_for_never_meets_the_next_request(
    line: type[Line], behind: bytes, nursery: trio.Nursery
) -> None:
    """Both the one that came along with the first and the one that comes right behind it."""

    async def script(peer: Peer) -> None:
        await peer.answer(reply(b"first") + behind)
        await trio.sleep_forever()

    async def next_script(peer: Peer) -> None:
        await peer.answer(reply(b"second"))

    dialer = Dialer(nursery, script, next_script, line=line)
    async with transport_over(dialer) as transport:
        assert (await send(transport)).content == b"first"
        assert (await send(transport, "POST")).content == b"second"
        assert dialer.open == 1


async def test_h21_a_late_second_answer_drops_the_connection_at_once(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    async def script(peer: Peer) -> None:
        await peer.answer()
        await trio.sleep(5)
        await peer.send(OK)
        await trio.sleep_forever()

    dialer = Dialer(nursery, script)
    async with transport_over(dialer) as transport:
        await send(transport)
        await trio.sleep(5.5)
        assert dialer.open == transport.statistics().idle == 0


class HoldingStream(Line):
    """Sends nothing until told, then all at once: several TLS records in one segment."""

    held: bytes | None = None

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        if self.held is None:
            await super().send_all(data)
        else:
            self.held += bytes(data)


async def test_h21_a_second_answer_hidden_in_tls_is_seen(nursery: trio.Nursery) -> None:
    """Two records in one segment: the second lies decrypted by nobody in our TLS buffer, and no socket is readable."""
    authority = trustme.CA()
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("exchange.test").configure_cert(server)
    authority.configure_trust(client)

    async def script(peer: Peer) -> None:
        wire = HoldingStream(peer.stream)
        peer.stream = trio.SSLStream(wire, server, server_side=True, https_compatible=True)
        await peer.request()
        wire.held = b""
        await peer.send(reply(b"first"))
        await peer.send(reply(b"stolen"))
        await wire.inner.send_all(wire.held)
        await trio.sleep_forever()

    async def next_script(peer: Peer) -> None:
        peer.stream = trio.SSLStream(peer.stream, server, server_side=True, https_compatible=True)
        for _ in range(2):
            await peer.answer(reply(b"second"))

    class TlsDialer(Dialer):
        async def connect(self, host: str, port: int, *, tls: bool) -> trio.abc.Stream:
            line = await super().connect(host, port, tls=tls)
            return trio.SSLStream(line, client, server_hostname=host, https_compatible=True)

    dialer = TlsDialer(nursery, script, next_script)
    async with transport_over(dialer, "https://exchange.test") as transport:
        bodies = []
        for _ in range(3):
            response = await transport.handle_async_request(httpx.Request("POST", "https://exchange.test/x"))
            bodies.append(await response.aread())
        assert bodies == [b"first", b"second", b"second"]
        assert transport.statistics().reused == 1


async def test_n18_where_one_connection_died_the_resting_ones_go_too(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    """A route that swallows everything costs one request, not one for each connection."""

    async def once(peer: Peer) -> None:
        await peer.request()
        await trio.sleep(1)
        await peer.send(OK)
        await peer.request()
        await trio.sleep_forever()

    dialer = Dialer(nursery, once, once, once, serve)
    async with transport_over(dialer) as transport:
        async with trio.open_nursery() as requests:
            for _ in range(3):
                requests.start_soon(send, transport)
        assert transport.statistics().idle == 3
        assert isinstance(await fails(transport, "POST"), DeadlineExceeded)
        await wait_all_tasks_blocked()
        assert dialer.open == 0
        assert (await send(transport, "POST")).status_code == 200
