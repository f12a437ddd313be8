"""The injector: each fault strikes what it names, when it says, and nothing else."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing
from wsproto.events import RejectConnection, Request, TextMessage

from trio_binance.errors import ConnectError, InvalidArgument
from trio_binance.sandbox.faults import (
    Answer,
    Bend,
    BlackHole,
    CloseSockets,
    DialTrouble,
    Ending,
    LoseEvents,
    OnDial,
    OnHandshake,
    OnRequest,
    Reset,
    SendRaw,
    ServerShutdown,
    Slow,
    Timed,
    random_schedule,
)
from trio_binance.sandbox.injector import Injector
from trio_binance.sandbox.network import DialFault, MemoryNetwork
from trio_binance.sandbox.pipe import Link

from .test_faults import schedule
from .test_wire import Peer, ask, get, open_house

if TYPE_CHECKING:
    from trio.testing import MockClock


async def test_requests_are_counted_per_path() -> None:
    faults = schedule(
        OnRequest(2, Bend.say(Answer.html(500)), "/api/v3/order"), OnRequest(4, Bend.say(Answer.html(501)))
    )
    async with open_house(faults=faults) as house:
        requests = [get(f"/api/v3/{name}") for name in ("order?a", "ping", "order?b", "order?c", "order?d")]
        replies = await ask(await house.dial(), *requests)
    assert [response.status_code for response, _ in replies] == [200, 200, 500, 501, 200]


async def test_handshakes_are_refused_delayed_or_lost(autojump_clock: MockClock) -> None:
    faults = schedule(
        OnHandshake(1, Bend.say(Answer.limited("5"))),
        OnHandshake(2, Bend.late(7)),
        OnHandshake(3, Bend.lost(executed=False, ending=Ending.EOF)),
    )
    async with open_house(faults=faults) as house:
        peer = Peer(await house.dial())
        await peer.send(Request(host="exchange", target="/ws"))
        refused = await peer.event()
        assert isinstance(refused, RejectConnection)
        assert refused.status_code == 429
        await house.web_socket()
        assert trio.current_time() == pytest.approx(7)
        stream = await house.dial()
        await stream.send_all(Peer(stream).protocol.send(Request(host="exchange", target="/ws")))
        assert await stream.receive_some() == b""
        await (await house.web_socket()).send(TextMessage("well again"))


async def test_dials_fail_by_number_and_for_a_while(autojump_clock: MockClock) -> None:
    faults = schedule(OnDial(2, DialFault.REFUSE), Timed(10, DialTrouble(DialFault.DNS, 5)))
    async with open_house(faults=faults) as house:
        await house.dial()
        with pytest.raises(ConnectError, match="refused"):
            await house.dial()
        await trio.sleep(12)
        with pytest.raises(ConnectError, match="does not resolve"):
            await house.dial()
        await trio.sleep(5)
        await house.dial()


async def test_everybody_is_reset(autojump_clock: MockClock) -> None:
    async with open_house(faults=schedule(Timed(10, Reset()))) as house:
        stream, peer = await house.dial(), await house.web_socket()
        await trio.sleep(11)
        for broken in (stream, peer.stream):
            with pytest.raises(trio.BrokenResourceError):
                await broken.receive_some()
        await house.web_socket()


async def test_a_black_hole_opens_and_closes(autojump_clock: MockClock) -> None:
    async with open_house(faults=schedule(Timed(10, BlackHole("in", 20)))) as house:
        stream = await house.dial()
        await ask(stream, get())
        await trio.sleep(11)
        await ask(stream, get())
        assert trio.current_time() == pytest.approx(30)


async def test_connections_are_slow_for_a_while(autojump_clock: MockClock) -> None:
    async with open_house(faults=schedule(Timed(10, Slow(Link(latency=2), 20)))) as house:
        stream = await house.dial()
        took = []
        for start in (5, 15, 40):
            await trio.sleep_until(start)
            await ask(stream, get())
            took.append(trio.current_time() - start)
        assert took == pytest.approx([0, 4, 0])
        await house.dial()
        assert trio.current_time() == pytest.approx(40)


async def test_raw_bytes_come_out_of_every_socket(autojump_clock: MockClock) -> None:
    async with open_house(faults=schedule(Timed(1, SendRaw(b"\x83\x00")))) as house:
        one, two = await house.web_socket(), await house.web_socket()
        assert await one.stream.receive_some() == await two.stream.receive_some() == b"\x83\x00"


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ("/ws/a@trade", '{"e":"serverShutdown","E":1700000001000}'),
        ("/stream", '{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1700000001000}}'),
        ("/ws-api/v3", '{"event":{"e":"serverShutdown","E":1700000001000}}'),
    ],
)
async def test_a_shutdown_is_announced_in_the_form_of_each_house(
    target: str, text: str, autojump_clock: MockClock
) -> None:
    async with open_house(faults=schedule(Timed(1, ServerShutdown(lead=10)))) as house:
        peer = await house.web_socket(target)
        assert await peer.text() == text
        assert await peer.closed() == (1001, "server shutdown")
        assert trio.current_time() == pytest.approx(11)


async def test_every_nth_event_is_lost_for_a_while_and_no_answer(autojump_clock: MockClock) -> None:
    async with open_house(faults=schedule(Timed(1, LoseEvents(2, 5)))) as house:
        peer = await house.web_socket("/stream")
        [socket] = house.driver.sockets
        for second in (0, 2, 4, 7):
            await trio.sleep_until(second)
            for data in (f"{second}1", f"{second}2"):
                socket.text(f'{{"stream":"a@trade","data":{data}}}')
            socket.text(f'{{"id":{second}}}')
        heard = [await peer.text() for _ in range(10)]
    assert [text for text in heard if "id" in text] == [f'{{"id":{second}}}' for second in (0, 2, 4, 7)]
    assert [text[-3:-1] for text in heard if "id" not in text] == ["01", "02", "21", "41", "71", "72"]


async def test_sockets_are_closed_with_a_code(autojump_clock: MockClock) -> None:
    async with open_house(faults=schedule(Timed(1, CloseSockets(1012, "restart")))) as house:
        assert await (await house.web_socket()).closed() == (1012, "restart")


async def test_without_a_network_only_the_wire_is_struck(autojump_clock: MockClock) -> None:
    class Nobody:
        sockets = ()

        def now_us(self) -> int:
            return 0

        def advance_us(self, by: int) -> None: ...

        def settle(self) -> None: ...

        def flush(self) -> None: ...

    faults = (Timed(1, Reset()), Timed(1, BlackHole()), Timed(1, Slow(Link(latency=1), 1)))
    injector = Injector(schedule(*faults), None)
    with trio.move_on_after(5):
        await injector.run(Nobody())
    assert [struck.fault for struck in injector.struck] == list(faults)


def test_an_injector_is_the_gate_of_its_network() -> None:
    network = MemoryNetwork()
    injector = Injector(schedule(), network)
    assert network.dial_gate == injector.on_dial


@pytest.mark.parametrize("seed", range(20))
async def test_under_any_schedule_nothing_leaks_and_nothing_crashes(seed: int, autojump_clock: MockClock) -> None:
    faults = random_schedule(random.Random(seed), seconds=60, count=20, requests=20)
    async with open_house(faults=faults) as house:
        house.exchange.pings = True
        with trio.move_on_after(90):
            while True:
                with trio.move_on_after(5):
                    try:
                        await ask(await house.dial(), get())
                        peer = await house.web_socket()
                        await peer.send(TextMessage("hello"))
                        await peer.event()
                    except Exception:
                        pass
                await trio.sleep(1)
        for stream in house.network.open_streams:
            await stream.aclose()
        await trio.testing.wait_all_tasks_blocked()


@pytest.mark.parametrize("name", ["POST /api/v3/order", "order.place"])
async def test_a_fault_may_name_an_operation_by_either_wire(name: str) -> None:
    injector = Injector(schedule(OnRequest(2, Bend.say(Answer.html(500)), name)), None)
    orders = [("POST", "/api/v3/order"), ("GET", "/api/v3/order?a"), ("POST", "/api/v3/order/test")]
    assert [injector.on_request(*each) for each in orders] == [None] * 3
    assert injector.on_request("POST", "/api/v3/order") == Bend.say(Answer.html(500))


@pytest.mark.parametrize(
    "name", ["order.plaice", "", "POST /api/v3/orders", "/api/v3/nothing", "/api/v4", "session.login", "/ws-api/v3"]
)
def test_a_fault_that_could_never_strike_is_refused(name: str) -> None:
    with pytest.raises(InvalidArgument, match="no request of the exchange is called so"):
        OnRequest(1, Bend.late(1), name)
