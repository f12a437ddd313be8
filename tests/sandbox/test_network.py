"""The network in memory: a stream like TCP's, its delays and its faults."""

from __future__ import annotations

import random
import time

import pytest
import trio
import trio.testing

from trio_binance.errors import ConnectError, Outcome, TLSError
from trio_binance.sandbox.network import Dial, DialFault, MemoryNetwork, MemoryStream
from trio_binance.sandbox.pipe import Link

Pair = tuple[MemoryStream, MemoryStream]


async def pair(network: MemoryNetwork | None = None) -> Pair:
    network = MemoryNetwork() if network is None else network
    listener = network.listen("host", 1)
    async with trio.open_nursery() as nursery:
        accepted: list[MemoryStream] = []

        async def accept() -> None:
            accepted.append(await listener.accept())

        nursery.start_soon(accept)
        client = await network.connect("HOST", 1, tls=True)
    await listener.aclose()
    return client, accepted[0]


async def slow_pair() -> Pair:
    return await pair(MemoryNetwork(random.Random(1), link=Link(latency=0.05, jitter=0.02, fragment=5000)))


async def clogged_pair() -> Pair:
    client, server = await pair(MemoryNetwork(link=Link(window=1)))
    await client.send_all(b"x")
    await server.send_all(b"x")
    return client, server


async def receive_exactly(stream: MemoryStream, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = await stream.receive_some()
        assert part, "ended early"
        data += part
    return data


async def test_it_is_a_half_closeable_stream_as_trio_understands_them() -> None:
    await trio.testing.check_half_closeable_stream(pair, clogged_pair)


async def test_it_still_is_one_with_latency_jitter_and_fragments(autojump_clock: trio.testing.MockClock) -> None:
    await trio.testing.check_half_closeable_stream(slow_pair, None)


async def test_a_dial_takes_a_round_trip(autojump_clock: trio.testing.MockClock) -> None:
    start = trio.current_time()
    await pair(MemoryNetwork(link=Link(latency=0.2)))
    assert trio.current_time() - start == pytest.approx(0.4)


async def test_a_full_window_stops_the_sender_until_the_reader_reads() -> None:
    client, server = await pair(MemoryNetwork(link=Link(window=10)))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(client.send_all, bytes(25))
        await trio.testing.wait_all_tasks_blocked()
        assert len(await server.receive_some()) == 10
        await trio.testing.wait_all_tasks_blocked()
        assert len(await server.receive_some()) == 10
        assert len(await server.receive_some()) == 5


async def test_a_reset_breaks_both_ends_at_once_even_those_that_wait() -> None:
    client, server = await pair(MemoryNetwork(link=Link(window=10)))

    async def sends() -> None:
        with pytest.raises(trio.BrokenResourceError):
            await client.send_all(bytes(100))

    async def receives() -> None:
        with pytest.raises(trio.BrokenResourceError):
            await client.receive_some()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(sends)
        nursery.start_soon(receives)
        await trio.testing.wait_all_tasks_blocked()
        server.reset()
    for stream in (client, server):
        with pytest.raises(trio.BrokenResourceError):
            await stream.receive_some()
        with pytest.raises(trio.BrokenResourceError):
            await stream.send_all(b"x")


async def test_reset_all_strikes_only_whom_the_predicate_names() -> None:
    network = MemoryNetwork()
    one, _ = await pair(network)
    two, _ = await pair(network)
    assert network.reset_all(lambda stream: stream.dial.number == 2 and stream.side == "client") == 1
    await one.send_all(b"alive")
    with pytest.raises(trio.BrokenResourceError):
        await two.send_all(b"dead")
    assert network.reset_all() == 4


@pytest.mark.parametrize(("direction", "deaf"), [("in", "client"), ("out", "server")])
async def test_a_black_hole_holds_one_direction_back_and_lets_go_in_order(
    direction: str, deaf: str, autojump_clock: trio.testing.MockClock
) -> None:
    client, server = await pair()
    hearing, silenced = (server, client) if deaf == "client" else (client, server)
    client.blackhole(direction, trio.current_time() + 300)  # type: ignore[arg-type]
    await hearing.send_all(b"one ")
    await hearing.send_all(b"two")
    await silenced.send_all(b"the other way")
    assert await hearing.receive_some() == b"the other way"
    with trio.move_on_after(299) as scope:
        await silenced.receive_some()
    assert scope.cancelled_caught
    assert await silenced.receive_some() == b"one two"
    assert trio.current_time() == pytest.approx(300)


async def test_a_black_hole_can_be_closed_again(autojump_clock: trio.testing.MockClock) -> None:
    client, server = await pair()
    client.blackhole()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(client.send_all, b"through")
        nursery.start_soon(receive_exactly, server, 7)
        await trio.sleep(60)
        client.blackhole(until=float("-inf"))
    assert trio.current_time() == pytest.approx(60)


async def test_behind_a_black_hole_nobody_learns_that_the_peer_left(autojump_clock: trio.testing.MockClock) -> None:
    client, server = await pair(MemoryNetwork(link=Link(window=100)))
    client.blackhole("in", trio.current_time() + 50)
    await server.aclose()
    await client.send_all(bytes(100))
    with pytest.raises(trio.BrokenResourceError):
        await client.send_all(b"the window is full now")
    assert trio.current_time() == pytest.approx(50)


async def test_word_that_the_peer_left_takes_the_latency(autojump_clock: trio.testing.MockClock) -> None:
    client, server = await pair(MemoryNetwork(link=Link(latency=1.0)))
    await server.aclose()
    await client.send_all(b"into the void")
    await trio.sleep(1.0)
    with pytest.raises(trio.BrokenResourceError):
        await client.send_all(b"x")


async def test_a_connection_can_be_slowed_down_while_it_is_open(autojump_clock: trio.testing.MockClock) -> None:
    client, server = await pair()
    client.shape(Link(latency=5.0), "out")
    await client.send_all(b"x")
    await server.receive_some()
    assert trio.current_time() == pytest.approx(5.0)


async def test_two_tasks_at_one_end_are_refused() -> None:
    client, _ = await pair()
    with pytest.RaisesGroup(trio.BusyResourceError):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.receive_some)
            nursery.start_soon(client.receive_some)


@pytest.mark.parametrize(
    ("fault", "error"),
    [(DialFault.REFUSE, ConnectError), (DialFault.DNS, ConnectError), (DialFault.TLS, TLSError)],
)
async def test_a_dial_fails_as_asked_and_sends_nothing(fault: DialFault, error: type[ConnectError]) -> None:
    network = MemoryNetwork()
    network.dial_fault = fault
    with pytest.raises(error) as caught:
        await network.connect("host", 1, tls=True)
    assert caught.value.outcome is Outcome.NOT_SENT
    assert not network.open_streams


async def test_a_dial_that_hangs_ends_with_the_callers_deadline(autojump_clock: trio.testing.MockClock) -> None:
    network = MemoryNetwork()
    network.dial_fault = DialFault.HANG
    with trio.move_on_after(5) as scope:
        await network.connect("host", 1, tls=False)
    assert scope.cancelled_caught


async def test_the_gate_sees_every_dial_and_chooses() -> None:
    network = MemoryNetwork()
    network.listen("host", 1)
    seen: list[Dial] = []

    def gate(dial: Dial) -> DialFault | None:
        seen.append(dial)
        return DialFault.REFUSE if dial.number == 2 else None

    network.dial_gate = gate
    await network.dialer("10.0.0.7").connect("host", 1, tls=True)
    with pytest.raises(ConnectError):
        await network.connect("host", 1, tls=False)
    assert seen == [Dial(1, "host", 1, True, "10.0.0.7"), Dial(2, "host", 1, False, "127.0.0.1")]


async def test_nobody_listens_means_refused_and_an_address_is_used_once() -> None:
    network = MemoryNetwork()
    with pytest.raises(ConnectError, match="nowhere:80: connection refused"):
        await network.connect("nowhere", 80, tls=False)
    network.listen("host", 1)
    with pytest.raises(OSError, match="in use"):
        network.listen("host", 1)


async def test_closing_a_listener_closes_whom_nobody_accepted_and_refuses_who_waits() -> None:
    network = MemoryNetwork()
    listener = network.listen("host", 1)
    clients = [await network.connect("host", 1, tls=False) for _ in range(128)]

    async def one_too_many() -> None:
        with pytest.raises(ConnectError):
            await network.connect("host", 1, tls=False)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(one_too_many)
        await trio.testing.wait_all_tasks_blocked()
        await listener.aclose()
    assert all([await client.receive_some() == b"" for client in clients])
    for client in clients:
        await client.aclose()
    assert not network.open_streams
    await network.listen("host", 1).aclose()


async def test_a_cancelled_dial_leaves_nothing_open(autojump_clock: trio.testing.MockClock) -> None:
    network = MemoryNetwork()
    network.listen("host", 1)
    clients = [await network.connect("host", 1, tls=False) for _ in range(128)]
    with trio.move_on_after(1) as scope:
        await network.connect("host", 1, tls=False)
    assert scope.cancelled_caught
    assert len(network.open_streams) == 2 * len(clients)


async def test_open_streams_are_those_that_nobody_closed() -> None:
    network = MemoryNetwork()
    client, server = await pair(network)
    assert list(network.open_streams) == [client, server]
    client.reset()
    assert list(network.open_streams) == [client, server], "a reset closes no file descriptor"
    assert repr(client) == "<MemoryStream 1 client host:1 reset>"
    client.close()
    await server.aclose()
    assert not list(network.open_streams)
    assert repr(client).endswith("closed>")


async def test_the_tap_sees_what_is_sent_by_whom() -> None:
    network = MemoryNetwork()
    client, server = await pair(network)
    seen: list[tuple[str, bytes]] = []
    network.tap = lambda stream, data: seen.append((stream.side, data))
    await client.send_all(b"hello")
    await server.send_all(b"")
    await server.send_all(bytearray(b"hi"))
    assert seen == [("client", b"hello"), ("server", b"hi")]


async def test_hundreds_of_megabytes_a_second_pass_without_delay() -> None:
    client, server = await pair()
    chunk, count = bytes(64 * 1024), 500
    start = time.perf_counter()
    async with trio.open_nursery() as nursery:

        async def send() -> None:
            for _ in range(count):
                await client.send_all(chunk)

        nursery.start_soon(send)
        await receive_exactly_counting(server, len(chunk) * count)
    rate = len(chunk) * count / (time.perf_counter() - start) / 1e6
    print(f"memory network: {rate:,.0f} MB/s")
    assert rate > 20


async def receive_exactly_counting(stream: MemoryStream, size: int) -> None:
    while size > 0:
        size -= len(await stream.receive_some())
