"""The player: a recording comes out of the wire as it went in, to whoever listens, at the pace that was asked for."""

from __future__ import annotations

import gzip
import json
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing
from wsproto.events import CloseConnection, RejectConnection, Request, TextMessage
from wsproto.events import Ping as PingEvent

from trio_binance.config import ReplaySpec
from trio_binance.errors import ConfigError
from trio_binance.sandbox.network import MemoryNetwork
from trio_binance.sandbox.pipe import Link
from trio_binance.sandbox.recording import read_records
from trio_binance.sandbox.serve import Replay, open_replay

from .test_recording import LINES, START, write, ws
from .test_wire import Peer, ask, get

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    return write(tmp_path / "small.session.jsonl", LINES)


@asynccontextmanager
async def play(
    path: Path, *, speed: float | None = None, link: Link | None = None, grace: float = 1.0
) -> AsyncIterator[Replay]:
    network = MemoryNetwork(link=link)
    async with open_replay(ReplaySpec(path, speed), network=network, grace=grace) as replay:
        yield replay
    assert [stream for stream in network.open_streams if stream.side == "server"] == []


async def listen(replay: Replay, target: str = "/stream?streams=ab@trade/ab@depth") -> Peer:
    assert replay.network is not None
    peer = Peer(await replay.network.connect("replay.invalid", 80, tls=False))
    await peer.shake_hands(target)
    return peer


async def rest(replay: Replay, target: str, *headers: str) -> tuple[int, bytes]:
    assert replay.network is not None
    stream = await replay.network.connect("replay.invalid", 80, tls=False)
    [(response, body)] = await ask(stream, get(target, *headers))
    await stream.aclose()
    return response.status_code, body


def raws(lines: list[dict[str, object]]) -> list[str]:
    return [str(line["raw"]) for line in lines if line["kind"] == "ws"]


async def hear_all(peer: Peer) -> list[str]:
    texts = [""]
    while not isinstance(event := await peer.event(), CloseConnection):
        if isinstance(event, TextMessage):
            texts[-1] += event.data
            texts += [""] * event.message_finished
    assert (event.code, event.reason) == (1000, "end of recording")
    return texts[:-1]


async def test_what_is_no_recording_is_refused_at_opening_with_the_line_at_fault(tmp_path: Path) -> None:
    (path := tmp_path / "broken.jsonl").write_bytes(b"not json\n")
    with pytest.raises(ConfigError, match=r"broken\.jsonl, line 1"):
        async with open_replay(ReplaySpec(path)):
            pass  # pragma: no cover


async def test_a_combined_listener_gets_every_message_as_it_was_received(recording: Path) -> None:
    async with play(recording) as replay:
        assert await hear_all(await listen(replay)) == raws(LINES)
        await replay.player.done.wait()
        assert replay.player.position == replay.player.total == 5


async def test_a_raw_listener_gets_only_the_data_with_its_spaces(recording: Path) -> None:
    async with play(recording) as replay:
        peer = await listen(replay, "/ws/ab@trade/ab%40depth")
        assert await hear_all(peer) == ['{"t":1,"p":"1.00"}', '{"u" : 2, "b":[]}', '{"t":2,"p":"1.10","x":"€"}']


async def test_a_listener_gets_what_it_subscribed_to(recording: Path) -> None:
    async with play(recording) as replay:
        one, two = await listen(replay, "/stream"), await listen(replay, "/ws")
        await one.send(TextMessage('{"method":"SUBSCRIBE","params":["ab@depth"],"id":1}'))
        assert await one.text() == '{"result":null,"id":1}'
        await two.send(TextMessage('{"method":"SUBSCRIBE","params":["ab@trade"],"id":"x"}'))
        assert await two.text() == '{"result":null,"id":"x"}'
        async with trio.open_nursery() as nursery:
            heard: dict[str, list[str]] = {}

            async def hear(name: str, peer: Peer) -> None:
                heard[name] = await hear_all(peer)

            nursery.start_soon(hear, "one", one)
            nursery.start_soon(hear, "two", two)
    assert heard == {"one": raws(LINES)[1:2], "two": ['{"t":1,"p":"1.00"}', '{"t":2,"p":"1.10","x":"€"}']}


async def test_subscriptions_are_told_and_given_up_and_properties_set(
    recording: Path, autojump_clock: trio.testing.MockClock
) -> None:
    async with play(recording, grace=100) as replay:
        peer = await listen(replay, "/ws/ab@trade")
        for request, answer in (
            ('{"method":"SUBSCRIBE","params":["c@trade","c@trade"],"id":1}', '{"result":null,"id":1}'),
            ('{"method":"LIST_SUBSCRIPTIONS","id":2}', '{"result":["ab@trade","c@trade"],"id":2}'),
            ('{"method":"UNSUBSCRIBE","params":["c@trade","d@trade"],"id":3}', '{"result":null,"id":3}'),
            ('{"method":"LIST_SUBSCRIPTIONS","id":4}', '{"result":["ab@trade"],"id":4}'),
            ('{"method":"GET_PROPERTY","params":["combined"],"id":5}', '{"result":false,"id":5}'),
            ('{"method":"SET_PROPERTY","params":["combined",true],"id":6}', '{"result":null,"id":6}'),
            ('{"method":"GET_PROPERTY","params":["combined"],"id":null}', '{"result":true,"id":null}'),
        ):
            await peer.send(TextMessage(request))
            assert await peer.text() == answer
        for request in ("{", '{"method":"SING","id":1}', '{"method":"SUBSCRIBE","id":1.5}'):
            await peer.send(TextMessage(request))
            assert json.loads(await peer.text())["code"] == 2
        assert await hear_all(peer) == [raws(LINES)[0], raws(LINES)[2]]


async def test_one_listener_of_two_hears_on_when_the_other_has_left(
    recording: Path, autojump_clock: trio.testing.MockClock
) -> None:
    async with play(recording, speed=1.0) as replay:
        leaver, stayer = await listen(replay, "/stream?streams=ab@trade"), await listen(replay)
        assert await leaver.text() == await stayer.text() == raws(LINES)[0]
        await leaver.stream.aclose()
        assert await hear_all(stayer) == raws(LINES)[1:]


async def test_it_starts_a_second_after_the_last_subscription_when_not_all_is_subscribed(
    recording: Path, autojump_clock: trio.testing.MockClock
) -> None:
    async with play(recording) as replay:
        await trio.sleep(100)
        assert not replay.player.started.is_set(), "nobody listens"
        peer = await listen(replay, "/stream?streams=ab@trade")
        await trio.sleep(0.9)
        await peer.send(TextMessage('{"method":"SUBSCRIBE","params":["other@trade"],"id":1}'))
        await peer.text()
        await trio.sleep(0.9)
        assert not replay.player.started.is_set()
        assert await peer.text() == raws(LINES)[0]
        assert trio.current_time() == pytest.approx(101.9)


async def test_at_a_speed_it_keeps_the_recordings_pace(recording: Path, autojump_clock: trio.testing.MockClock) -> None:
    async with play(recording, speed=2.0) as replay:
        peer = await listen(replay)
        moments = []
        for _ in range(3):
            await peer.text()
            moments.append(trio.current_time())
    assert moments == pytest.approx([0, 0.375, 9.623456789 / 2])


async def test_a_listener_after_the_end_is_told_so(recording: Path) -> None:
    async with play(recording) as replay:
        await hear_all(await listen(replay))
        await replay.player.done.wait()
        assert await hear_all(await listen(replay)) == []


async def test_a_quiet_listener_is_pinged_every_20_seconds(
    recording: Path, autojump_clock: trio.testing.MockClock
) -> None:
    async with play(recording, grace=1000) as replay:
        peer = await listen(replay, "/ws/ab@trade")
        moments = []
        for _ in range(3):
            event = await peer.event()
            assert isinstance(event, PingEvent)
            moments.append(trio.current_time())
            assert event.payload.decode() == str(replay.now_us() // 1000)
            await peer.send(event.response(), PingEvent(b"mine"))
            await peer.event()
    assert moments == pytest.approx([20, 40, 60])


async def test_each_listener_is_pinged_in_its_own_time(recording: Path, autojump_clock: trio.testing.MockClock) -> None:
    async with play(recording, grace=1000) as replay:
        early = await listen(replay, "/ws/ab@trade")
        await trio.sleep(5)
        late = await listen(replay, "/ws/ab@trade")
        await early.event()
        assert trio.current_time() == pytest.approx(20)
        await late.event()
        assert trio.current_time() == pytest.approx(25)


async def test_there_is_no_web_socket_api_and_no_other_path(recording: Path) -> None:
    async with play(recording) as replay:
        assert replay.network is not None
        for target in ("/ws-api/v3", "/other"):
            peer = Peer(await replay.network.connect("replay.invalid", 80, tls=False))
            await peer.send(Request(host="replay.invalid", target=target))
            event = await peer.event()
            assert isinstance(event, RejectConnection)
            assert event.status_code == 404


async def test_messages_without_a_stream_name_belong_to_the_raw_connection_they_came_on(tmp_path: Path) -> None:
    lines: list[dict[str, object]] = [
        {"t": "1", "kind": "connect", "url": "wss://stream.binance.com:9443/ws/ab@trade"},
        {"t": "2", "kind": "ws", "raw": '{"t":1}'},
    ]
    path = write(tmp_path / "raw.jsonl", lines)
    async with play(path) as replay:
        assert await hear_all(await listen(replay, "/stream?streams=ab@trade")) == [
            '{"stream":"ab@trade","data":{"t":1}}'
        ]
    async with play(path) as replay:
        assert await hear_all(await listen(replay, "/ws/ab@trade")) == ['{"t":1}']


async def test_messages_of_nobody_are_played_to_nobody(tmp_path: Path) -> None:
    lines: list[dict[str, object]] = [{"t": "1", "kind": "ws", "raw": '{"result":null,"id":1}'}, ws(2, "a@trade", "1")]
    async with play(write(tmp_path / "acks.jsonl", lines)) as replay:
        assert replay.exchange.session.streams == {"a@trade"}
        assert await hear_all(await listen(replay, "/stream?streams=a@trade")) == ['{"stream":"a@trade","data":1}']


async def test_a_slow_reader_holds_the_player_back_and_loses_nothing(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    lines = [ws(1, "a@trade", f'{{"t":{number},"pad":"{"x" * 200}"}}') for number in range(5000)]
    path = write(tmp_path / "long.jsonl", lines)
    async with play(path, link=Link(window=10_000)) as replay:
        peer = await listen(replay, "/stream?streams=a@trade")
        await trio.sleep(3600)
        assert 0 < replay.player.position < 2500
        assert not replay.player.done.is_set()
        assert await hear_all(peer) == raws(lines)


async def test_a_reader_that_leaves_does_not_stop_the_player(tmp_path: Path) -> None:
    lines = [ws(1, "a@trade", f'{{"t":{number},"pad":"{"x" * 200}"}}') for number in range(5000)]
    async with play(write(tmp_path / "long.jsonl", lines)) as replay:
        peer = await listen(replay, "/stream?streams=a@trade")
        await peer.text()
        await peer.stream.aclose()
        await replay.player.done.wait()
        assert replay.player.position == 5000


# ----------------------------------------------------------------------------------------------------- REST


async def test_an_answer_is_the_latest_at_the_playing_position_and_the_first_before_its_place(
    recording: Path, autojump_clock: trio.testing.MockClock
) -> None:
    async with play(recording, speed=1.0) as replay:
        depth = "/api/v3/depth?symbol=ab&limit=5000"
        assert await rest(replay, depth) == (200, b'{"lastUpdateId":1}')
        peer = await listen(replay)
        await trio.sleep(1)
        assert await rest(replay, depth) == (200, b'{"lastUpdateId":1}')
        await trio.sleep(1)
        assert await rest(replay, depth) == (200, b'{"lastUpdateId":3}')
        await hear_all(peer)
        assert await rest(replay, depth) == (200, b'{"lastUpdateId":3}')


async def test_time_is_the_recordings(recording: Path, autojump_clock: trio.testing.MockClock) -> None:
    async with play(recording, speed=1.0) as replay:
        assert await rest(replay, "/api/v3/time") == (200, b'{"serverTime":%d500}' % START)
        peer = await listen(replay)
        await trio.sleep(2)
        assert await rest(replay, "/api/v3/time") == (200, b'{"serverTime":%d000}' % (START + 2))
        await hear_all(peer)
        micro = await rest(replay, "/api/v3/time", "X-MBX-TIME-UNIT: MICROSECOND")
        assert micro == (200, b'{"serverTime":%d123456}' % (START + 10))


async def test_what_was_not_recorded_is_said_so(recording: Path) -> None:
    async with play(recording) as replay:
        assert await rest(replay, "/api/v3/ping") == (200, b"{}")
        assert await rest(replay, "/api/v3/klines?symbol=AB") == (404, b'{"code":-1000,"msg":"Not in this recording."}')
        assert await rest(replay, "/api/v3/depth?symbol=XY") == (400, b'{"code":-1121,"msg":"Invalid symbol."}')
        status, body = await rest(replay, "/api/v3/exchangeInfo")
        assert status == 200
        assert json.loads(body)["symbols"] == []


async def test_the_exchange_information_is_the_recorded_one_whole_or_in_part(tmp_path: Path) -> None:
    info = '{"timezone":"UTC", "symbols":[{"symbol":"AB", "x":1.00},{"symbol":"CD"},{"symbol":"EF"}]}'
    (tmp_path / "info.json.gz").write_bytes(gzip.compress(info.encode()))
    (tmp_path / "info.json").write_text(info)
    for name in ("info.json.gz", "info.json"):
        line: dict[str, object] = {"t": "1", "kind": "http", "url": "https://x/api/v3/exchangeInfo", "raw_file": name}
        path = write(tmp_path / "info.jsonl", [line, ws(2, "ab@trade", "1")])
        async with play(path) as replay:
            assert await rest(replay, "/api/v3/exchangeInfo") == (200, info.encode())
            one = await rest(replay, "/api/v3/exchangeInfo?symbol=AB")
            assert one == (200, b'{"timezone":"UTC","symbols":[{"symbol":"AB", "x":1.00}]}')
            two = await rest(replay, "/api/v3/exchangeInfo?symbols=%5B%22CD%22%2C%22EF%22%5D")
            assert [row["symbol"] for row in json.loads(two[1])["symbols"]] == ["CD", "EF"]


# --------------------------------------------------------------------------------------------- real traffic


@pytest.mark.slow
@pytest.mark.recordings
async def test_a_real_session_comes_out_byte_for_byte_and_fast(recordings: Path) -> None:
    path = recordings / "hftbacktest" / "ethusdt.session.jsonl.gz"
    expected = [record.raw for record in read_records(path) if record.kind == "ws"]
    async with play(path) as replay:
        peer = await listen(replay, f"/stream?streams={'/'.join(sorted(replay.exchange.session.streams))}")
        start = time.perf_counter()
        received = await wire_bytes(peer)
        rate = replay.player.total / (time.perf_counter() - start)
        print(f"replay: {rate:,.0f} records/s")
        assert replay.player.position == replay.player.total == 79_744
    # The server alone is measured: the client's frames are parsed afterwards.
    for part in received:
        peer.feed(part)
    assert await hear_all(peer) == expected
    assert rate > 5_000


async def wire_bytes(peer: Peer) -> list[bytes]:
    parts: list[bytes] = []
    while not parts or not parts[-1].endswith(b"end of recording"):
        parts.append(bytes(await peer.stream.receive_some()))
    return parts


@pytest.mark.recordings
@pytest.mark.parametrize("name", ["r20210405", "r20211012", "us20210814", "us20211012"])
async def test_every_real_session_is_heard_whole_by_wsproto(recordings: Path, name: str) -> None:
    path = recordings / "cryptofeed" / f"{name}.session.jsonl.gz"
    expected = [record.raw for record in read_records(path) if record.kind == "ws"]
    async with play(path) as replay:
        peer = await listen(replay, f"/stream?streams={'/'.join(sorted(replay.exchange.session.streams))}")
        assert await hear_all(peer) == expected
