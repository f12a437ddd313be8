"""The user's own events: they flow, they flow again after every loss, and what was missed is told."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
import trio
import trio.testing

from tests._services.helpers_streams import Highest, Lab, open_lab
from trio_binance._services.conditions import Status
from trio_binance._services.events import (
    BanStarted,
    ConnectionRenewed,
    Dropped,
    KeyRefused,
    Reconnected,
    ServiceCrashed,
    Undecodable,
    UserDataGap,
    UserDataSubscribed,
)
from trio_binance._services.wsline import Line
from trio_binance._services.wsnews import LinkDown, LinkUp
from trio_binance.config import Overflow
from trio_binance.errors import AuthError, BinanceError, ConnectorClosed, FeedOverflow, Outcome
from trio_binance.errors import ConnectionLost as Lost
from trio_binance.models import BalanceUpdate, EventStreamTerminated, ExecutionReport
from trio_binance.sandbox.faults import Bend, BlackHole, CloseSockets, OnRequest, Reset, ServerShutdown, Timed
from trio_binance.sandbox.pipe import Link
from trio_binance.sandbox.refusals import Refusal
from trio_binance.sandbox.wsdoor import WsDoor

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from trio.testing import MockClock

ALL = "rest clock wsapi userdata"


def account(*faults: Any, **settings: Any) -> Any:
    return open_lab(*faults, run=ALL, activity=1e-6, **settings)


def events(
    lab: Lab, *, buffer: int = 100, overflow: Overflow = Overflow.DROP_OLDEST
) -> AbstractAsyncContextManager[Any]:
    return lab.mirror.open(buffer=buffer, overflow=overflow)


def balance(number: int = 1, subscription: int = 0) -> str:
    row = f'{{"e":"balanceUpdate","E":{number},"a":"BTC","d":"1.0","T":1}}'
    return f'{{"subscriptionId":{subscription},"event":{row}}}'


class Desk:
    """Refuses subscriptions as a test says: one refusal after the other, then none."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.refusals: list[Refusal | None] = []
        self.asked: list[float] = []
        self.forever: Refusal | None = None
        subscribe = WsDoor._subscribe_signed

        def refuse(session: Any, call: Any, key: Any) -> Any:
            self.asked.append(trio.current_time())
            refusal = self.refusals.pop(0) if self.refusals else self.forever
            if refusal is not None:
                raise refusal
            return subscribe(session, call, key)

        monkeypatch.setattr(WsDoor, "_subscribe_signed", staticmethod(refuse))


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(monkeypatch)


BAD_KEY = Refusal(401, -2015, "Invalid API-key, IP, or permissions for action.")
ACTIVE = Refusal(400, -2035, "User Data Stream subscription already active.")
WORN_OUT = Refusal(400, -2042, "Maximum subscription ID reached for this connection.")
LATE = Refusal(400, -1021, "Timestamp for this request is outside of the recvWindow.")


async def test_events_flow_to_every_feed(autojump_clock: MockClock) -> None:
    async with account() as lab, events(lab) as one, events(lab) as two:
        lab.server("ws_api").text(balance())
        for feed in (one, two):
            assert isinstance(await feed.receive(), BalanceUpdate)
        figures = lab.user_data.statistics()
        assert (figures.subscribed, figures.subscriptions, figures.events) == (True, 1, 1)
        assert lab.mirror.statistics().feeds == 2
        assert lab.status() is Status.READY


async def test_real_orders_are_told_of(autojump_clock: MockClock) -> None:
    from trio_binance._protocol.catalogue import trading

    async with account() as lab, events(lab) as feed:
        place = next(row for row in vars(trading).values() if getattr(row, "ws_method", "") == "order.place")
        params = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": Decimal("0.01")}
        await lab.router.call(place, params)
        assert isinstance(await feed.receive(), ExecutionReport)


@pytest.mark.parametrize("fault", [Reset(), CloseSockets(1001), ServerShutdown(0.0), BlackHole()])
async def test_the_subscription_comes_back_and_the_gap_is_told_from_a_minute_before_the_last_sign_of_life(
    fault: Any, autojump_clock: MockClock
) -> None:
    async with account(Timed(155.0, fault)) as lab, events(lab) as feed:
        await lab.wait_for(UserDataSubscribed, 2)
        [gap] = lab.seen(UserDataGap)
        # The exchange's ping at 140 s was the last of it; a farewell is a sign of life as well.
        last = 155.0 if isinstance(fault, CloseSockets | ServerShutdown) else 140.0
        assert gap.since == pytest.approx(last - 60, abs=0.6)
        assert gap.until == lab.seen(UserDataSubscribed)[1].at
        lab.server("ws_api").text(balance())
        assert isinstance(await feed.receive(), BalanceUpdate)
        assert lab.status() is Status.READY


@pytest.mark.parametrize("in_microseconds", [False, True])
@pytest.mark.parametrize("delay", [0, 30])
async def test_the_gap_begins_when_the_last_event_happened_and_not_when_it_came(
    delay: int, in_microseconds: bool, autojump_clock: MockClock
) -> None:
    async with account(Timed(155.0, Reset())) as lab, events(lab):
        await trio.sleep_until(150)
        written_us = lab.sandbox.now_us() - delay * 10**6
        lab.server("ws_api").text(balance(written_us if in_microseconds else written_us // 1000))
        await lab.wait_for(UserDataSubscribed, 2)
        [gap] = lab.seen(UserDataGap)
        assert gap.since == pytest.approx(150 - delay, abs=0.01)
        assert gap.since <= 150 - delay


async def test_a_terminated_stream_is_subscribed_again_after_a_while(desk: Desk, autojump_clock: MockClock) -> None:
    def prepare(lab: Lab) -> None:
        lab.user_data._backoff._rng = Highest()

    async with account(prepare=prepare) as lab, events(lab) as feed:
        await trio.sleep(10)
        lab.sandbox.exchange.end_user_streams()
        lab.sandbox.driver.flush()
        assert isinstance(await feed.receive(), EventStreamTerminated)
        await trio.testing.wait_all_tasks_blocked()
        assert lab.status() is Status.DEGRADED
        await lab.wait_for(UserDataSubscribed, 2)
        assert desk.asked[1] == pytest.approx(11, abs=0.1)
        assert lab.seen(UserDataGap)[0].since == pytest.approx(0, abs=0.1)  # nothing had come since the subscription
        lab.server("ws_api").text('{"subscriptionId":0,"event":{"e":"eventStreamTerminated","E":1}}')
        await trio.sleep(5)
        assert len(desk.asked) == 2  # that was the old one's
        lab.server("ws_api").text('{"subscriptionId":1,"event":{"e":"eventStreamTerminated","E":1}}')
        lab.server("ws_api").text('{"subscriptionId":1,"event":{"e":"eventStreamTerminated","E":1}}')
        await trio.sleep(10)
        assert len(desk.asked) in (3, 4)
        assert desk.asked[2] - desk.asked[1] >= 5 + 2  # the last one had not lived for a minute


async def test_a_revoked_session_is_subscribed_again(desk: Desk, autojump_clock: MockClock) -> None:
    async with account() as lab, events(lab):
        await trio.sleep(10)
        text = '{"id":null,"status":401,"error":{"code":-2015,"msg":"Invalid API-key."}}'
        lab.server("ws_api").text(text)
        await lab.wait_for(UserDataSubscribed, 2)  # "already active": adopted
        assert lab.seen(UserDataSubscribed)[1].subscription == 0
        assert len(desk.asked) == 2
        assert lab.seen(UserDataGap)


async def test_a_refused_key_is_told_once_and_not_hammered(desk: Desk, autojump_clock: MockClock) -> None:
    desk.forever = BAD_KEY
    async with account() as lab:
        with pytest.raises(AuthError):
            async with events(lab):
                pytest.fail("entered")
        await trio.sleep(600)
        assert lab.status() is Status.DEGRADED
        assert "-2015" in lab.board.reasons["userdata"] or "Invalid API-key" in lab.board.reasons["userdata"]
        assert [event.code for event in lab.seen(KeyRefused)] == [-2015]
        assert 8 < len(desk.asked) < 60
        with pytest.raises(AuthError):
            await lab.user_data.wait_subscribed()
        desk.forever = None
        await lab.wait_for(UserDataSubscribed)
        async with events(lab):
            assert lab.status() is Status.READY
        assert lab.mirror.statistics().feeds == 0


async def test_a_late_stamp_is_measured_once_and_tried_again_at_once(desk: Desk, autojump_clock: MockClock) -> None:
    def prepare(lab: Lab) -> None:
        lab.network.link = Link(latency=0.01)

    desk.refusals = [LATE]
    async with account(prepare=prepare) as lab, events(lab):
        assert len(desk.asked) == 2
        assert 0.02 < desk.asked[1] - desk.asked[0] < 0.5
        assert not lab.seen(KeyRefused)


async def test_stamps_that_are_always_late_are_not_hammered(desk: Desk, autojump_clock: MockClock) -> None:
    def prepare(lab: Lab) -> None:
        lab.network.link = Link(latency=0.01)  # or a measurement would be no younger than the stamp

    desk.forever = LATE
    async with account(prepare=prepare) as lab:
        await trio.sleep(600)
        assert len(desk.asked) < 60
        desk.forever = None
        await lab.wait_for(UserDataSubscribed)


async def test_a_clock_that_cannot_be_measured_is_no_crash(desk: Desk, autojump_clock: MockClock) -> None:
    desk.refusals = [LATE]
    faults = [OnRequest(number, Bend.lost(executed=False), "/api/v3/time") for number in range(2, 40)]
    async with account(*faults, fallback=False) as lab:
        await lab.wait_for(UserDataSubscribed)
        assert desk.asked[1] - desk.asked[0] >= lab.tuning.request_timeout
        assert not lab.seen(ServiceCrashed)


async def test_without_any_server_time_the_machines_own_will_do(autojump_clock: MockClock) -> None:
    async with open_lab(run="wsapi userdata", activity=1e-6) as lab, events(lab):
        assert trio.current_time() == pytest.approx(lab.tuning.request_timeout, abs=0.5)


@pytest.mark.parametrize("first", [Refusal(500, -1000, "oops"), Refusal(400, -1100, "no")])
async def test_other_refusals_are_tried_again(first: Refusal, desk: Desk, autojump_clock: MockClock) -> None:
    desk.refusals = [first]
    async with account() as lab, events(lab):
        assert len(desk.asked) == 2
        assert not lab.seen(KeyRefused)


async def test_a_limit_stops_the_world(desk: Desk, autojump_clock: MockClock) -> None:
    data = {"serverTime": 1000, "retryAfter": 61000}
    desk.refusals = [Refusal(429, -1003, "Too much request weight used.", data)]
    async with account() as lab, events(lab):
        assert lab.seen(BanStarted)[0].status == 429
        assert desk.asked[1] - desk.asked[0] >= 60


async def test_a_subscription_whose_answer_was_lost_is_left_for_one_on_a_new_connection(
    autojump_clock: MockClock,
) -> None:
    async with account() as lab, events(lab):
        lab.line("wsapi").reset()
        await lab.wait_for(Reconnected)
        lab.line("wsapi").blackhole("in", trio.current_time() + 17)
        await lab.wait_for(UserDataSubscribed, 2)
        assert lab.ws_api.line.epoch == 3
        assert trio.current_time() < 20
        lab.server("ws_api").text('{"subscriptionId":0,"event":{"e":"eventStreamTerminated","E":1}}')
        await lab.wait_for(UserDataSubscribed, 3)


@pytest.mark.parametrize("refusal", [ACTIVE, WORN_OUT], ids=["active", "worn-out"])
async def test_what_is_said_to_be_active_but_was_never_asked_for_is_no_subscription(
    refusal: Refusal, desk: Desk, autojump_clock: MockClock
) -> None:
    desk.refusals = [refusal]
    async with account() as lab, events(lab) as feed:
        [subscribed] = lab.seen(UserDataSubscribed)
        assert (subscribed.subscription, lab.user_data.connection, len(desk.asked)) == (0, 2, 2)
        assert (await lab.wait_for(ConnectionRenewed)).reason == "of no more use"
        assert lab.status() is Status.READY
        lab.server("ws_api").text(balance())
        assert isinstance(await feed.receive(), BalanceUpdate)


async def test_a_subscription_that_is_always_said_to_be_active_is_never_taken_for_one_and_not_hammered(
    desk: Desk, autojump_clock: MockClock
) -> None:
    desk.forever = ACTIVE
    async with account() as lab:
        await trio.sleep(600)
        assert lab.status() is Status.DEGRADED
        assert "already active" in lab.board.reasons["userdata"]
        assert 8 < len(lab.dialled) < 60
        assert not lab.seen(UserDataSubscribed)
        desk.forever = None
        await lab.wait_for(UserDataSubscribed)
        assert lab.status() is Status.READY


async def test_a_stream_that_was_told_to_have_ended_is_not_taken_for_active(
    desk: Desk, autojump_clock: MockClock
) -> None:
    async with account() as lab, events(lab):
        lab.server("ws_api").text('{"subscriptionId":0,"event":{"e":"eventStreamTerminated","E":1}}')
        await lab.wait_for(UserDataSubscribed, 2)  # the exchange thinks otherwise: -2035
        assert len(desk.asked) == 3
        assert lab.user_data.connection == 2


async def test_an_answer_without_a_subscription_is_no_crash(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    original = WsDoor._subscribe_signed
    answers: list[Any] = [({}, [])]
    monkeypatch.setattr(
        WsDoor,
        "_subscribe_signed",
        staticmethod(lambda session, call, key: answers.pop() if answers else original(session, call, key)),
    )
    async with account() as lab, events(lab):
        assert not lab.seen(ServiceCrashed)
        assert lab.user_data.statistics().subscriptions == 1


async def test_a_connection_that_goes_while_subscribing_costs_nothing(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    async with account() as lab, events(lab):
        await trio.sleep(5)  # the clock's first measurements cost something too
        used = lab.limiter.statistics().rules[0].used
        line = lab.ws_api.line

        async def not_sent(_line: Line, method: str, _params: Any) -> Any:
            lab.ws_api.on_lost("gone", line.socket)
            raise Lost(f"{method}: gone", outcome=Outcome.NOT_SENT)

        monkeypatch.setattr(Line, "request", not_sent)
        await lab.user_data._subscribe()
        await lab.user_data._subscribe()  # not connected: nothing happens
        assert lab.limiter.statistics().rules[0].used == used


async def test_stale_news_of_an_earlier_connection_changes_nothing(desk: Desk, autojump_clock: MockClock) -> None:
    async with account() as lab, events(lab):
        lab.line("wsapi").reset()
        await lab.wait_for(UserDataSubscribed, 2)
        for item in (LinkUp(1), LinkUp(2), LinkDown(1, "long ago", 0.0)):
            lab.ws_api._tell(item)
        await trio.sleep(5)
        assert len(desk.asked) == 2
        assert lab.user_data.statistics().subscribed


async def test_what_cannot_be_decoded_is_counted_and_told(autojump_clock: MockClock) -> None:
    async with account() as lab, events(lab) as feed:
        lab.server("ws_api").text('{"subscriptionId":0,"event":{"e":"balanceUpdate"}}')
        lab.server("ws_api").text(balance())
        assert isinstance(await feed.receive(), BalanceUpdate)
        assert lab.user_data.statistics().undecodable == len(lab.seen(Undecodable)) == 1


async def test_an_event_of_nobody_knows_which_of_two_subscriptions_is_told_as_a_gap(
    autojump_clock: MockClock,
) -> None:
    async with account() as lab, events(lab) as feed:
        lab.server("ws_api").text(balance(1, subscription=7))  # the user's own, by hand, of another account maybe
        lab.server("ws_api").text(balance(2).replace('"subscriptionId":0', '"subscriptionId":"?"'))
        lab.server("ws_api").text(balance(3))
        assert [(await feed.receive()).event_time for _ in range(2)] == [1, 3]
        assert "subscription" in lab.seen(Undecodable)[0].reason
        assert len(lab.seen(UserDataGap)) == 1
        lab.line("wsapi").reset()
        await lab.wait_for(UserDataSubscribed, 2)
        lab.server("ws_api").text(balance(4).replace('"subscriptionId":0', '"subscriptionId":"?"'))
        assert (await feed.receive()).event_time == 4  # a new connection: there is but one


@pytest.mark.parametrize("envelope", ['"subscriptionId":"0",', '"subscriptionId":0.0,', '"subscriptionId":9e999,', ""])
async def test_an_event_in_an_odd_envelope_is_delivered_like_any_other(
    envelope: str, autojump_clock: MockClock
) -> None:
    async with account() as lab, events(lab) as feed:
        lab.server("ws_api").text(balance().replace('"subscriptionId":0,', envelope))
        assert isinstance(await feed.receive(), BalanceUpdate)
        assert not lab.seen(UserDataGap)


@pytest.mark.parametrize(
    "text",
    ['{"subscriptionId":0,"event":{"e":"executionReport"', '{"subscriptionId":0,"event":{"e":"executionReport"}}'],
)
@pytest.mark.parametrize("quiet", [10.0, 1000.0])
async def test_what_may_have_been_an_event_and_cannot_be_read_is_a_gap(
    text: str, quiet: float, autojump_clock: MockClock
) -> None:
    async with account() as lab, events(lab) as feed:
        subscribed_at = trio.current_time()
        await trio.sleep(quiet)
        lab.server("ws_api").text(text)
        [gap] = [await lab.wait_for(UserDataGap)]
        assert len(lab.seen(Undecodable)) == lab.user_data.statistics().undecodable == 1
        assert gap.since == pytest.approx(max(subscribed_at, trio.current_time() - 60), abs=0.1)
        assert gap.until == trio.current_time()
        lab.server("ws_api").text(balance())
        assert isinstance(await feed.receive(), BalanceUpdate)


async def test_a_slow_consumer_is_told_what_it_lost(autojump_clock: MockClock) -> None:
    async with (
        account() as lab,
        events(lab, buffer=2) as slow,
        events(lab, buffer=2, overflow=Overflow.FAIL) as failing,
    ):
        for number in range(5):
            lab.server("ws_api").text(balance(number))
        await trio.sleep(1)
        assert [(await slow.receive()).event_time for _ in range(2)] == [3, 4]
        assert [(await failing.receive()).event_time for _ in range(2)] == [0, 1]
        with pytest.raises(FeedOverflow):
            await failing.receive()
        assert sum(event.count for event in lab.seen(Dropped)) == 4 == lab.mirror.statistics().dropped


async def test_a_service_that_is_run_again_tells_of_the_gap(autojump_clock: MockClock) -> None:
    async with open_lab(run="rest clock wsapi", activity=1e-6) as lab:
        for _ in range(2):
            async with trio.open_nursery() as nursery:
                await nursery.start(lambda task_status: lab.user_data.run(task_status=task_status))
                await lab.user_data.wait_subscribed()
                await trio.sleep(1)
                nursery.cancel_scope.cancel()
            await trio.sleep(5)
        assert [event.subscription for event in lab.seen(UserDataSubscribed)] == [0, 0]
        [gap] = lab.seen(UserDataGap)
        assert (gap.since, gap.until) == pytest.approx((0, 6), abs=0.1)


async def test_a_service_that_is_stopped_before_it_was_subscribed_missed_nothing(
    desk: Desk, autojump_clock: MockClock
) -> None:
    desk.forever = BAD_KEY
    async with account() as lab:
        await lab.wait_for(KeyRefused)
    assert not lab.seen(UserDataGap)


@pytest.mark.parametrize("error", [None, BinanceError("crashed")])
async def test_feeds_end_with_the_connector_and_openings_fail(
    error: BinanceError | None, desk: Desk, autojump_clock: MockClock
) -> None:
    async with account() as lab, events(lab) as feed:
        lab.user_data.end()
        lab.mirror.end(error)
        with pytest.raises(trio.EndOfChannel if error is None else BinanceError):
            await feed.receive()
        with pytest.raises(ConnectorClosed):
            async with events(lab):
                pytest.fail("entered")


async def test_who_waits_for_events_is_told_that_the_connector_closes(autojump_clock: MockClock) -> None:
    async with open_lab(run="", activity=1e-6) as lab:
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def waits() -> None:
                with pytest.raises(ConnectorClosed):
                    await lab.user_data.wait_subscribed()

            await trio.sleep(1)
            lab.user_data.end()


async def test_cancelled_at_any_step_open_leaves_nothing(autojump_clock: MockClock) -> None:
    async with account() as lab:
        for steps in range(30):
            with trio.CancelScope() as scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(cancel_after, steps, scope)
                    async with events(lab):
                        scope.cancel()
            assert lab.mirror.statistics().feeds == 0


async def cancel_after(steps: int, scope: trio.CancelScope) -> None:
    for _ in range(steps):
        await trio.lowlevel.checkpoint()
    scope.cancel()
