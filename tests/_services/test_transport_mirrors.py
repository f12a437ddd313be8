"""The transport and the mirrors of its host: who cannot be reached is stood in for, and nothing is sent twice."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import attrs
import httpx
import pytest
import trio

from tests._services.helpers_http import Dialer, Peer, fails, hang, send, serve
from trio_binance._services.http import open_http
from trio_binance._services.transport import DialerTransport
from trio_binance.config import Tuning
from trio_binance.errors import ConfigError, ConnectError, ConnectionLost, Outcome, TLSError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from trio.testing import MockClock

FIRST = "http://exchange.test"
MIRRORS = ("https://b.test", "http://c.test:8080")


class Hosts(Dialer):
    """Gives connections to the hosts that are up; the others refuse, or do nothing at all."""

    down: dict[str, BaseException | None]

    async def connect(self, host: str, port: int, *, tls: bool) -> trio.abc.Stream:
        if host in self.down:
            self.dialled.append((host, port, tls))
            await trio.lowlevel.checkpoint()
            if (error := self.down[host]) is None:
                await trio.sleep_forever()
            else:
                raise error
        return await super().connect(host, port, tls=tls)

    @property
    def hosts(self) -> list[str]:
        return [host for host, _, _ in self.dialled]


def refusing(*names: str) -> dict[str, BaseException | None]:
    return {name: ConnectError(f"{name}: refused") for name in names}


@attrs.define
class Room:
    transport: DialerTransport
    dialer: Hosts
    changes: list[tuple[str, str]]


@asynccontextmanager
async def room(
    *scripts: Any, down: dict[str, BaseException | None], mirrors: tuple[str, ...] = MIRRORS, **tuning: Any
) -> AsyncIterator[Room]:
    async with trio.open_nursery() as nursery:
        dialer = Hosts(nursery, *(scripts or (serve,) * 10))
        dialer.down = down
        changes: list[tuple[str, str]] = []
        transport = DialerTransport(
            httpx.URL(FIRST),
            dialer,
            Tuning(**tuning),
            nursery,
            mirrors=[httpx.URL(url) for url in mirrors],
            on_mirror=lambda *change: changes.append(change),
        )
        yield Room(transport, dialer, changes)
        await transport.aclose()
        assert dialer.open == 0
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_request_goes_to_the_mirror_when_its_host_cannot_be_reached(method: str) -> None:
    heard: list[bytes] = []

    async def script(peer: Peer) -> None:
        heard.append(await peer.answer())

    async with room(script, down=refusing("exchange.test")) as here:
        await send(here.transport, method, body=b"" if method == "GET" else b"x=1")
        assert here.dialer.dialled == [("exchange.test", 80, False), ("b.test", 443, True)]
        assert here.changes == [(FIRST, MIRRORS[0])]
    assert b"host: b.test\r\n" in heard[0].lower()
    assert len(heard) == 1


async def test_a_mirror_is_told_its_own_name_and_port() -> None:
    heard: list[bytes] = []

    async def script(peer: Peer) -> None:
        heard.append(await peer.answer())
        heard.append(await peer.answer())

    async with room(script, down=refusing("exchange.test"), mirrors=MIRRORS[1:]) as here:
        await send(here.transport)
        await send(here.transport)
        assert here.transport.statistics().reused == 1
    assert all(b"host: c.test:8080\r\n" in head.lower() for head in heard)


async def test_later_requests_begin_with_the_mirror() -> None:
    async with room(hang, serve, down=refusing("exchange.test"), request_timeout=1) as here:
        with trio.move_on_after(0.01):
            await send(here.transport)
        await send(here.transport)
        assert here.dialer.hosts == ["exchange.test", "b.test", "b.test"]


async def test_one_mirror_is_tried_in_a_call_and_the_next_in_the_next() -> None:
    async with room(down=refusing("exchange.test", "b.test")) as here:
        error = await fails(here.transport, "POST")
        assert isinstance(error, ConnectError)
        assert error.outcome is Outcome.NOT_SENT
        assert here.dialer.hosts == ["exchange.test", "b.test"]
        await send(here.transport)
        assert here.dialer.hosts[2:] == ["c.test"]
        assert here.changes == [(FIRST, MIRRORS[0]), MIRRORS]


async def test_a_host_that_hangs_or_cannot_prove_who_it_is_is_not_reached_either(autojump_clock: MockClock) -> None:
    down: dict[str, BaseException | None] = {"exchange.test": None, "b.test": TLSError("b.test: expired")}
    async with room(down=down, connect_timeout=3, mirrors=("https://b.test", "https://c.test")) as here:
        assert isinstance(await fails(here.transport), TLSError)
        assert trio.current_time() == pytest.approx(3)
        await send(here.transport)
        assert here.dialer.dialled[-1] == ("c.test", 443, True)


async def test_the_first_host_is_tried_again_after_a_while(autojump_clock: MockClock) -> None:
    async with room(down=refusing("exchange.test"), mirror_return=100) as here:
        await send(here.transport)
        here.dialer.down = {}
        await trio.sleep(50)  # longer than a connection rests
        await send(here.transport)
        assert here.dialer.hosts[-1] == "b.test"
        await trio.sleep(50)
        await send(here.transport)
        assert here.dialer.hosts[-1] == "exchange.test"


async def test_what_was_sent_is_not_sent_to_a_mirror() -> None:
    async def close(peer: Peer) -> None:
        await peer.request()
        await peer.end()

    async with room(close, serve, down={}) as here:
        error = await fails(here.transport, "POST")
        assert isinstance(error, ConnectionLost)
        assert error.outcome is Outcome.UNKNOWN
        assert here.dialer.hosts == ["exchange.test"]
        assert here.changes == []


async def test_many_at_once_change_the_host_once() -> None:
    async with room(down=refusing("exchange.test")) as here:
        async with trio.open_nursery() as nursery:
            for _ in range(8):
                nursery.start_soon(send, here.transport)
        assert here.changes == [(FIRST, MIRRORS[0])]


async def test_a_client_calls_the_mirrors_it_was_given() -> None:
    async with trio.open_nursery() as nursery:
        dialer = Hosts(nursery, serve)
        dialer.down = refusing("exchange.test")
        async with open_http(FIRST, dialer, Tuning(), mirrors=MIRRORS) as client:
            assert (await client.request("POST", "/x", body=b"x=1")).status == 200
        with pytest.raises(ConfigError, match="ftp"):
            async with open_http(FIRST, dialer, Tuning(), mirrors=["ftp://b.test"]):
                pass
        nursery.cancel_scope.cancel()
