"""The streams: subscribed once for all who want them, again after every loss, and for nobody longer than wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trio
import trio.testing

from tests._services.helpers_streams import Lab, open_lab
from trio_binance._codec.stream import decoder_for
from trio_binance._services import shard as shard_module
from trio_binance._services.conditions import Status
from trio_binance._services.events import (
    Connected,
    ConnectionLost,
    ConnectionRenewed,
    Dropped,
    GapSeen,
    Reconnected,
    ServiceCrashed,
    ServiceRestarted,
    SubscriptionLost,
    SubscriptionRestored,
    Undecodable,
)
from trio_binance.config import Overflow
from trio_binance.errors import BinanceError, ConnectorClosed, FeedOverflow, InvalidArgument, SubscriptionRefused
from trio_binance.models import AggTradeEvent, TradeEvent
from trio_binance.sandbox.driver import text_frame
from trio_binance.sandbox.faults import BlackHole, CloseSockets, Reset, ServerShutdown, Timed
from trio_binance.sandbox.sessions import RequestError, StreamSession

if TYPE_CHECKING:
    from trio.testing import MockClock

BTC, ETH = "btcusdt@trade", "ethusdt@trade"


def trade(number: int, stream: str = BTC, **changes: Any) -> str:
    symbol = stream.partition("@")[0].upper()
    row = f'"e":"trade","E":1,"s":"{symbol}","t":{number},"p":"1.0","q":"2.0","T":1,"m":true,"M":true'
    return f'{{"stream":"{stream}","data":{{{changes.get("row", row)}}}}}'


BAD = "bad"


@pytest.fixture
def bad_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the exchange refuse every stream with ``BAD`` in its name."""
    subscribe = StreamSession._subscribe

    def refuse(self: StreamSession, names: Any, request_id: Any) -> None:
        if any(BAD in name for name in names):
            raise RequestError(2, "Invalid request: no such stream", id=request_id)
        return subscribe(self, names, request_id)

    monkeypatch.setattr(StreamSession, "_subscribe", refuse)


def quiet() -> Any:
    """Return a laboratory whose market says almost nothing: the tests say it."""
    return open_lab(run="streams", activity=1e-6)


async def settle() -> None:
    await trio.sleep(0.5)


@pytest.mark.parametrize("name", ["\ud800@trade", "a\nb@trade", "x" * 100_000])
async def test_a_name_that_could_cost_the_other_streams_their_socket_is_refused_at_once(
    name: str, autojump_clock: MockClock
) -> None:
    async with quiet() as lab:
        with pytest.raises(InvalidArgument, match="printable"):
            async with lab.open(BTC, name):
                pass
        assert lab.streams.statistics().shards == ()


async def test_feeds_of_one_stream_share_it_and_the_last_one_out_unsubscribes(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    decoded: list[bytes] = []
    original = decoder_for

    def counting(name: str) -> Any:
        decode = original(name)

        def counted(data: bytes) -> Any:
            decoded.append(data)
            return decode(data)

        return counted

    monkeypatch.setattr(shard_module, "decoder_for", counting)
    async with quiet() as lab:
        async with lab.open(BTC) as one:
            async with lab.open(BTC, ETH) as two:
                lab.server().text(trade(1))
                assert (await one.receive()) is (await two.receive())
                assert len(decoded) == 1
                assert lab.streams.statistics().feeds == 2
            await settle()
            assert lab.carried() == {BTC}
        await settle()
        assert lab.carried() == set()
        assert len(lab.shards) == 1
        [shard] = lab.streams.statistics().shards
        assert (shard.streams, shard.confirmed, shard.connects) == (0, 0, 1)


async def test_feeds_opened_together_share_one_socket_and_few_messages(autojump_clock: MockClock) -> None:
    async with quiet() as lab, trio.open_nursery() as nursery:

        async def hold(number: int) -> None:
            async with lab.open(f"s{number}@trade", f"t{number}@trade"):
                opened.append(trio.current_time())
                await trio.sleep_forever()

        opened: list[float] = []
        for number in range(150):
            nursery.start_soon(hold, number)
        await trio.sleep(5)
        assert len(opened) == 150
        assert max(opened) < 1.5
        assert len(lab.shards) == 1
        nursery.cancel_scope.cancel()


async def test_more_streams_than_a_socket_carries_go_to_a_second_one(autojump_clock: MockClock) -> None:
    names = [f"s{number}@trade" for number in range(1030)]
    async with quiet() as lab:
        async with lab.open(*names, BTC, BTC) as feed:
            assert [len(shard.routes) for shard in lab.shards] == [1024, 7]
            for socket in lab.sandbox.driver.sockets:
                socket.text(trade(1))
            assert (await feed.receive()).trade_id == 1
            async with lab.open(names[0], BTC, "new@trade"):
                assert [len(shard.routes) for shard in lab.shards] == [1024, 8]
        await settle()
        assert lab.carried() == set()


@pytest.mark.usefixtures("bad_names")
async def test_a_refused_stream_raises_at_open_and_ends_only_that_subscriber(autojump_clock: MockClock) -> None:
    async with quiet() as lab, lab.open(BTC) as good:
        with pytest.raises(SubscriptionRefused) as caught:
            async with lab.open(BTC, "bad@trade", ETH):
                pytest.fail("entered")
        assert (caught.value.streams, caught.value.code) == (("bad@trade",), 2)
        [lost] = lab.seen(SubscriptionLost)
        assert lost.stream == "bad@trade"
        await trio.sleep(2)
        assert lab.carried() == {BTC}
        lab.server().text(trade(5))
        assert (await good.receive()).trade_id == 5


@pytest.mark.usefixtures("bad_names")
async def test_a_refusal_that_comes_after_everyone_left_concerns_nobody(autojump_clock: MockClock) -> None:
    async def hold(*names: str) -> None:
        async with lab.open(*names):
            await trio.sleep_forever()

    more = (ETH, "btcusdt@aggTrade", "ethusdt@aggTrade", "btcusdt@depth")
    async with quiet() as lab, lab.open(BTC):
        await trio.sleep(2)
        lab.line().blackhole("in", trio.current_time() + 0.5)
        async with trio.open_nursery() as nursery:
            with trio.move_on_after(0.2):
                async with trio.open_nursery() as leaving:
                    leaving.start_soon(hold, "bad@trade")
                    for name in more:  # the last of them has to wait, and so has our UNSUBSCRIBE
                        await trio.sleep(0.01)
                        nursery.start_soon(hold, name)
            await trio.sleep(5)
            assert lab.carried() == {BTC, *more}
            nursery.cancel_scope.cancel()
        assert not lab.seen(ConnectionLost)
        assert not lab.seen(SubscriptionLost)


async def test_everything_is_subscribed_again_after_a_loss_also_what_was_added_meanwhile(
    autojump_clock: MockClock,
) -> None:
    async with open_lab(Timed(10.0, Reset()), run="streams", activity=1e-6) as lab:
        async with lab.open(BTC):
            await lab.wait_for(ConnectionLost)
            assert lab.status() is Status.DEGRADED
            async with lab.open(BTC, ETH) as feed:
                assert lab.status() is Status.READY
                assert lab.carried() == {BTC, ETH}
                [restored] = lab.seen(SubscriptionRestored)
                assert restored.streams == 2
                lab.server().text(trade(1, ETH))
                assert (await feed.receive()).symbol == "ETHUSDT"


async def test_a_socket_that_nobody_wants_any_more_is_not_degraded(autojump_clock: MockClock) -> None:
    async with open_lab(Timed(10.0, Reset()), run="streams", activity=1e-6) as lab:
        async with lab.open(BTC):
            await lab.wait_for(ConnectionLost)
            assert lab.status() is Status.DEGRADED
        assert lab.status() is Status.READY
        await lab.wait_for(Reconnected)
        assert lab.status() is Status.READY


async def test_a_loss_without_any_stream_is_no_degradation(autojump_clock: MockClock) -> None:
    async with open_lab(Timed(10.0, Reset()), run="streams", activity=1e-6) as lab:
        async with lab.open(BTC):
            pass
        await lab.wait_for(Reconnected)
        assert lab.status() is Status.READY


async def test_a_confirmation_that_comes_after_everyone_left_concerns_nobody(autojump_clock: MockClock) -> None:
    async def hold(name: str) -> None:
        async with lab.open(name):
            await trio.sleep_forever()

    async with quiet() as lab, lab.open(BTC):
        await trio.sleep(2)
        lab.line().blackhole("in", trio.current_time() + 0.5)
        with trio.move_on_after(0.2):
            async with trio.open_nursery() as leaving:
                for name in (ETH, "a@trade", "b@trade", "c@trade", "d@trade"):
                    await trio.sleep(0.01)
                    leaving.start_soon(hold, name)
        await trio.sleep(5)
        assert lab.carried() == {BTC}
        assert lab.shards[0].statistics().confirmed == 1


async def test_a_stream_given_up_and_wanted_again_at_once_is_not_asked_for_again(autojump_clock: MockClock) -> None:
    async with quiet() as lab:
        async with lab.open(BTC):
            pass
        started = trio.current_time()
        async with lab.open(BTC) as feed:
            assert trio.current_time() == pytest.approx(started, abs=0.1)
            lab.server().text(trade(1))
            await feed.receive()


async def test_an_unanswered_question_condemns_the_connection(autojump_clock: MockClock) -> None:
    async with quiet() as lab, lab.open(BTC):
        lab.line().blackhole("out")
        started = trio.current_time()
        async with lab.open(ETH):
            [lost] = lab.seen(ConnectionLost)
            assert "unanswered" in lost.reason
            assert 10 <= lost.at - started < 13
            assert lab.carried() == {BTC, ETH}


@pytest.mark.parametrize("text", ["{", '{"stream":"btcusdt@trade","data":{"e":"trade"}}', trade(2, row='"e":"x"')])
async def test_what_cannot_be_decoded_is_counted_and_told_and_hurts_nobody(
    text: str, autojump_clock: MockClock
) -> None:
    async with quiet() as lab, lab.open(BTC) as feed:
        lab.server().text(text)
        lab.server().text(trade(1))
        while not isinstance(event := await feed.receive(), TradeEvent):
            pass
        assert event.trade_id == 1
        if "x" not in text:
            assert lab.shards[0].statistics().undecodable == len(lab.seen(Undecodable)) == 1
        assert lab.shards[0].statistics().connects == 1


async def test_strays_are_counted(autojump_clock: MockClock) -> None:
    async with quiet() as lab, lab.open(BTC):
        for text in (trade(1, ETH), '{"result":null,"id":99}', "[]", '{"result":null,"id":1}'):
            lab.server().text(text)
        await settle()
        figures = lab.shards[0].statistics()
        assert figures.strays + figures.undecodable == 4


AGG = '"e":"aggTrade","E":1,"s":"BTCUSDT","a":{0},"p":"1.0","q":"2.0","f":1,"l":1,"T":1,"m":true,"M":true'
DEPTH = '"e":"depthUpdate","E":1,"s":"BTCUSDT","U":{0},"u":{0},"b":[],"a":[]'


@pytest.mark.parametrize(
    ("stream", "row"), [(BTC, None), ("btcusdt@aggTrade", AGG), ("btcusdt@depth", DEPTH)], ids=["t", "a", "u"]
)
@pytest.mark.parametrize(("after", "gap"), [(8, None), (9, (8, 8)), (20, (8, 19))])
async def test_a_gap_is_told_after_a_reconnection_exactly_when_ids_are_missing(
    stream: str, row: str | None, after: int, gap: tuple[int, int] | None, autojump_clock: MockClock
) -> None:
    def event(number: int) -> str:
        return trade(number, stream, **({"row": row.replace("{0}", str(number))} if row else {}))

    async with quiet() as lab, lab.open(stream) as feed:
        lab.server().text(event(1))
        lab.server().text(event(7))  # a hole while connected is not ours to explain
        await settle()
        lab.line().reset()
        await lab.wait_for(SubscriptionRestored)
        lab.server().text(event(after))
        lab.server().text(event(after + 1))
        for _ in range(4):
            await feed.receive()
        assert [(seen.stream, seen.first, seen.last) for seen in lab.seen(GapSeen)] == (
            [] if gap is None else [(stream, *gap)]
        )


async def test_after_a_loss_a_host_that_lags_has_nothing_told_again(autojump_clock: MockClock) -> None:
    async with quiet() as lab, lab.open(BTC) as feed:
        lab.server().text(trade(4))
        lab.server().text(trade(5))
        await settle()
        lab.line().reset()
        await lab.wait_for(SubscriptionRestored)
        for number in (3, 4, 7, 8):
            lab.server().text(trade(number))
        assert [(await feed.receive()).trade_id for _ in range(4)] == [4, 5, 7, 8]
        assert [(seen.first, seen.last) for seen in lab.seen(GapSeen)] == [(6, 6)]


@pytest.mark.parametrize(("wait", "told"), [(5.0, [5, 9]), (12.0, [5, 1, 9])])
async def test_a_host_that_counts_anew_is_not_taken_for_one_that_lags_for_long(
    wait: float, told: list[int], autojump_clock: MockClock
) -> None:
    async with quiet() as lab, lab.open(BTC) as feed:
        lab.server().text(trade(5))
        await settle()
        lab.line().reset()
        await lab.wait_for(SubscriptionRestored)
        await trio.sleep(wait)
        lab.server().text(trade(1))
        lab.server().text(trade(9))
        assert [(await feed.receive()).trade_id for _ in told] == told


async def test_streams_without_ids_tell_no_gap(autojump_clock: MockClock) -> None:
    name = "btcusdt@avgPrice"
    row = '"e":"avgPrice","E":1,"s":"BTCUSDT","i":"5m","w":"1.0","T":1'
    async with quiet() as lab, lab.open(name) as feed:
        lab.server().text(trade(0, name, row=row))
        await feed.receive()
        lab.line().reset()
        await lab.wait_for(SubscriptionRestored)
        lab.server().text(trade(0, name, row=row))
        await feed.receive()
        assert not lab.seen(GapSeen)


async def test_a_slow_consumer_delays_nobody_and_is_told_what_it_lost(autojump_clock: MockClock) -> None:
    async with quiet() as lab, lab.open(BTC, buffer=3) as slow, lab.open(BTC) as fast:
        for number in range(1, 11):
            lab.server().text(trade(number))
        assert [(await fast.receive()).trade_id for _ in range(10)] == list(range(1, 11))
        assert [(await slow.receive()).trade_id for _ in range(3)] == [8, 9, 10]
        assert sum(event.count for event in lab.seen(Dropped)) == 7 == lab.streams.statistics().dropped
        await trio.sleep(200)  # the exchange cuts who does not answer its pings
        assert lab.shards[0].statistics().connects == 1


async def test_latest_keeps_the_newest_of_each_symbol(autojump_clock: MockClock) -> None:
    async with quiet() as lab, lab.open(BTC, ETH, overflow=Overflow.LATEST) as feed:
        for number in range(1, 6):
            lab.server().text(trade(number))
            lab.server().text(trade(number + 100, ETH))
        await settle()
        assert {(await feed.receive()).trade_id for _ in range(2)} == {5, 105}


async def test_fail_ends_the_feed_with_an_error_and_the_subscription(autojump_clock: MockClock) -> None:
    async with quiet() as lab, lab.open(BTC, buffer=2, overflow=Overflow.FAIL) as feed:
        for _ in range(3):
            for number in range(3):
                lab.server().text(trade(number))
            await settle()
        assert lab.carried() == set()
        assert (await feed.receive()).trade_id == 0
        await feed.receive()
        with pytest.raises(FeedOverflow):
            await feed.receive()


async def test_what_comes_with_a_shutdown_is_still_delivered_and_the_connection_renewed(
    autojump_clock: MockClock,
) -> None:
    async with quiet() as lab, lab.open(BTC) as feed:
        shutdown = '{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1}}'
        for text in (trade(1), shutdown, trade(2)):
            lab.server().text(text)
        assert [(await feed.receive()).trade_id for _ in range(2)] == [1, 2]
        await lab.wait_for(ConnectionRenewed)
        await lab.wait_for(SubscriptionRestored)
        assert not lab.seen(ConnectionLost)


@pytest.mark.parametrize("fault", [ServerShutdown(0.0), ServerShutdown(10.0), CloseSockets(1001), Reset()])
async def test_the_market_goes_on_after_any_end_of_a_connection(fault: Any, autojump_clock: MockClock) -> None:
    async with open_lab(Timed(5.0, fault), run="streams") as lab, lab.open(BTC) as feed:
        await lab.wait_for(SubscriptionRestored, within=30)
        last = 0
        with trio.fail_after(60):
            while trio.current_time() < 20:
                trade_id = (await feed.receive()).trade_id
                assert trade_id > last
                last = trade_id


async def test_a_busy_stream_that_falls_silent_is_replaced_and_a_quiet_one_is_not(autojump_clock: MockClock) -> None:
    async with quiet() as lab:
        lab.ping_exchange = yes
        async with lab.open(BTC, ETH):
            for number in range(100):
                lab.server().text(trade(number))
                await trio.sleep(0.1)
            await lab.wait_for(ConnectionLost, within=60)
            assert "zombie" in lab.seen(ConnectionLost)[0].reason
            await trio.sleep(200)
            assert len(lab.seen(ConnectionLost)) == 1


async def test_silence_after_the_busy_stream_was_given_up_means_nothing(autojump_clock: MockClock) -> None:
    async with quiet() as lab:
        lab.ping_exchange = yes
        async with lab.open(ETH):
            async with lab.open(BTC):
                for number in range(100):
                    lab.server().text(trade(number))
                    await trio.sleep(0.1)
            await trio.sleep(200)
            assert not lab.seen(ConnectionLost)


async def yes() -> bool:
    await trio.lowlevel.checkpoint()
    return True


async def test_a_crash_of_a_shard_is_repaired_and_its_feeds_survive(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    def crash(_data: bytes) -> Any:
        raise ZeroDivisionError("a bug")

    async with quiet() as lab, lab.open(BTC) as feed, lab.open(ETH):
        lab.server().text(trade(1))
        await feed.receive()
        routes = lab.shards[0].routes
        good, routes[ETH].decode = routes[ETH].decode, crash
        lab.server().text(trade(2))
        lab.server().text(trade(9, ETH))
        await lab.wait_for(ServiceCrashed)
        routes[ETH].decode = good
        await lab.wait_for(ServiceRestarted)
        await lab.wait_for(SubscriptionRestored)
        lab.server().text(trade(4))
        assert [(await feed.receive()).trade_id for _ in range(2)] == [2, 4]
        assert [(gap.first, gap.last) for gap in lab.seen(GapSeen)] == [(3, 3)]


async def test_sockets_come_back_when_the_whole_service_is_run_again(autojump_clock: MockClock) -> None:
    async with open_lab(activity=1e-6) as lab:
        async with trio.open_nursery() as nursery:
            scope = trio.CancelScope()

            async def run(task_status: Any) -> None:
                with scope:
                    await lab.streams.run(task_status=task_status)

            await nursery.start(lambda task_status: run(task_status))
            async with lab.open(BTC) as feed:
                lab.server().text(trade(1))
                await feed.receive()
                scope.cancel()
                await settle()
                assert lab.network.open_streams == ()
                scope = trio.CancelScope()
                await nursery.start(lambda task_status: run(task_status))
                await lab.wait_for(SubscriptionRestored)
                lab.server().text(trade(3))
                await feed.receive()
                assert [(gap.first, gap.last) for gap in lab.seen(GapSeen)] == [(2, 2)]
            nursery.cancel_scope.cancel()


@pytest.mark.parametrize("error", [None, BinanceError("crashed")])
async def test_feeds_end_with_the_connector_and_openings_fail(
    error: BinanceError | None, autojump_clock: MockClock
) -> None:
    async with quiet() as lab, lab.open(BTC) as feed:
        lab.line().blackhole()
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def waits() -> None:
                with pytest.raises(ConnectorClosed):
                    async with lab.open(ETH):
                        pytest.fail("entered")

            await settle()
            lab.streams.end(error)
        with pytest.raises(trio.EndOfChannel if error is None else BinanceError):
            await feed.receive()
        assert feed.end_reason == ("ended" if error is None else "crashed")
        with pytest.raises(ConnectorClosed):
            async with lab.open(BTC):
                pytest.fail("entered")


async def test_nothing_stays_subscribed_whenever_open_is_cancelled(autojump_clock: MockClock) -> None:
    async with quiet() as lab:
        for steps in range(60):
            with trio.CancelScope() as scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(cancel_after, steps, scope)
                    async with lab.open(BTC, ETH):
                        scope.cancel()
            assert lab.streams.statistics().feeds == 0
            assert all(not shard.routes for shard in lab.shards)
        await trio.sleep(5)
        assert lab.carried() == set()
        async with lab.open(BTC) as feed:
            lab.server().text(trade(1))
            await feed.receive()


async def cancel_after(steps: int, scope: trio.CancelScope) -> None:
    for _ in range(steps):
        await trio.lowlevel.checkpoint()
    scope.cancel()


async def test_a_replay_loses_nothing_to_a_slow_consumer_and_ends_with_the_recording(
    autojump_clock: MockClock,
) -> None:
    def lossless(lab: Lab) -> None:
        lab.lossless = True

    async with open_lab(run="streams", activity=1e-6, prepare=lossless) as lab:
        async with lab.open(BTC, buffer=2) as feed, lab.open(BTC, buffer=2) as leaver:
            for number in range(50):
                lab.server().text(trade(number))
            lab.server().close(1000)
            got = []
            async for event in feed:
                got.append(event.trade_id)
                await trio.sleep(5)
                if len(got) == 1:
                    await leaver.aclose()
            assert got == list(range(50))
            assert lab.shards[0].finished
        async with lab.open(BTC):
            assert len(lab.shards) == 2
        assert len(lab.seen(Connected)) == 2
        assert lab.streams.statistics().dropped == 0


async def test_a_replay_cut_in_the_middle_keeps_what_was_decoded(autojump_clock: MockClock) -> None:
    def lossless(lab: Lab) -> None:
        lab.lossless = True

    async with open_lab(run="streams", activity=1e-6, prepare=lossless) as lab:
        async with lab.open(BTC, buffer=2) as feed:
            lab.server().text(trade(1))
            assert (await feed.receive()).trade_id == 1
            lab.server().send_raw(b"".join(text_frames(trade(number) for number in range(2, 7))))
            await settle()
            lab.shards[0]._link.renew()  # ignored: a recording is never renewed
            lab.line().reset()
            got = [(await feed.receive()).trade_id for _ in range(5)]
            assert got == [2, 3, 4, 5, 6]


def text_frames(texts: Any) -> list[bytes]:
    return [text_frame(text.encode()) for text in texts]


async def test_a_black_hole_is_noticed_and_the_feed_goes_on(autojump_clock: MockClock) -> None:
    async with open_lab(Timed(5.0, BlackHole()), run="rest clock streams") as lab:
        async with lab.open("btcusdt@aggTrade") as feed:
            lost = await lab.wait_for(ConnectionLost)
            assert lost.at < 80
            await lab.wait_for(SubscriptionRestored)
            with trio.fail_after(30):
                while not lab.seen(GapSeen):
                    assert isinstance(await feed.receive(), AggTradeEvent)
