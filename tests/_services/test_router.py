"""The router: one call from its parameters to its value."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs

import pytest
import trio
import trio.testing

from tests._services.helpers_router import ACK, OK, ORDER, WALL_US, Step, World
from trio_binance._protocol.catalogue import account, general, market, session, trading
from trio_binance._protocol.operation import Operation, Security
from trio_binance._protocol.weights import fixed
from trio_binance._pure.limits import LimitKind
from trio_binance._services.conditions import Ready, Status
from trio_binance._services.events import (
    BanStarted,
    BreakerChanged,
    KeyRefused,
    MirrorChanged,
    StatusChanged,
)
from trio_binance._services.router import RestService
from trio_binance.config import Environment
from trio_binance.errors import (
    AuthError,
    Banned,
    BinanceError,
    BreakerOpen,
    ClockUnsynced,
    ConnectError,
    ConnectionLost,
    ConnectorClosed,
    CredentialsRequired,
    LimitExceeded,
    NotServed,
    Outcome,
    PartialFailure,
    RateLimited,
    ServerError,
    TimestampError,
    TooManyOrders,
)
from trio_binance.models import ServerTime


async def test_a_call_goes_out_and_its_answer_comes_back_typed(autojump_clock: trio.testing.MockClock) -> None:
    world = World((200, OK))
    assert await world.router.call(general.TIME, {}) == ServerTime(1700000070000)
    assert [(sent.method, sent.target) for sent in world.http.sent] == [("GET", "/api/v3/time")]
    assert world.http.sent[0].headers == {}


async def test_a_signed_call_carries_key_stamp_and_signature(autojump_clock: trio.testing.MockClock) -> None:
    world = World((200, ACK))
    await trio.sleep(2.5)
    await world.router.call(trading.PLACE, ORDER)
    form = parse_qs(world.http.sent[0].body.decode())
    assert form["quantity"] == ["1.00"]
    assert form["recvWindow"] == ["5000"]
    assert 0 <= 1_700_000_072_500 - int(form["timestamp"][0]) < 100
    assert len(form["signature"][0]) == 64
    assert world.http.sent[0].headers["X-MBX-APIKEY"] == "k" * 64


async def test_a_signed_call_is_signed_after_it_waited_for_the_limits(autojump_clock: trio.testing.MockClock) -> None:
    world = World((200, ACK))
    world.limiter.stop_the_world(14.0, 429)
    await world.router.call(trading.PLACE, ORDER)
    assert trio.current_time() >= 14.0
    timestamp = int(parse_qs(world.http.sent[0].body.decode())["timestamp"][0])
    assert world.clock.server_ms() - timestamp < 100


async def test_without_a_key_a_signed_call_is_refused_before_anything_is_sent() -> None:
    world = World((200, ACK), key=None)
    with pytest.raises(CredentialsRequired, match="POST /api/v3/order"):
        await world.router.call(trading.PLACE, ORDER)
    assert world.http.sent == []


async def test_a_signed_call_waits_for_server_time_but_not_for_ever(autojump_clock: trio.testing.MockClock) -> None:
    world = World((200, ACK), synced=False)
    await world.router.call(trading.PLACE, ORDER)
    assert trio.current_time() == pytest.approx(world.config.tuning.request_timeout)


async def test_a_closed_connector_says_so() -> None:
    world = World((200, OK))
    world.router.close()
    with pytest.raises(ConnectorClosed):
        await world.router.call(general.TIME, {})


async def test_a_connector_that_closes_meanwhile_says_so(autojump_clock: trio.testing.MockClock) -> None:
    world = World(ConnectorClosed("the HTTP client is closed"))
    world.http.latency = 1.0

    async def close() -> None:
        await trio.sleep(0.5)
        world.router.close()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(close)
        with pytest.raises(ConnectorClosed, match="GET /api/v3/time"):
            await world.router.call(general.TIME, {})


@pytest.mark.parametrize("script", [None, ConnectorClosed("the HTTP client is closed")])
async def test_while_the_rest_service_restarts_nothing_is_sent(
    script: Step | None, autojump_clock: trio.testing.MockClock
) -> None:
    world = World(script or (200, OK))
    if script is None:
        world.router.rest.http = None
    with pytest.raises(ConnectError) as caught:
        await world.router.call(trading.PLACE, ORDER)
    assert caught.value.outcome is Outcome.NOT_SENT
    assert world.used(LimitKind.ORDERS) == 0


async def test_a_trading_request_that_succeeds_costs_no_weight_and_one_order(
    autojump_clock: trio.testing.MockClock,
) -> None:
    world = World((200, ACK))
    await world.router.call(trading.PLACE, ORDER)
    assert world.used(LimitKind.REQUEST_WEIGHT) == 0
    assert world.used(LimitKind.ORDERS) == 1
    assert world.used(LimitKind.RAW_REQUESTS) == 1


async def test_a_request_that_was_never_sent_costs_nothing(autojump_clock: trio.testing.MockClock) -> None:
    world = World(ConnectError("no route"))
    with pytest.raises(ConnectError):
        await world.router.call(trading.PLACE, ORDER)
    assert world.used(LimitKind.ORDERS) == 0
    assert world.used(LimitKind.RAW_REQUESTS) == 0


async def test_used_weight_is_adopted_from_the_answer(autojump_clock: trio.testing.MockClock) -> None:
    world = World((200, OK, {"x-mbx-used-weight-1m": "77"}))
    await world.router.call(general.TIME, {})
    assert world.used(LimitKind.REQUEST_WEIGHT) == 77


async def test_limits_are_adopted_from_exchange_info(autojump_clock: trio.testing.MockClock) -> None:
    limit = {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 1200}
    info = {"timezone": "UTC", "serverTime": 1, "rateLimits": [limit], "exchangeFilters": [], "symbols": []}
    world = World((200, json.dumps(info).encode()))
    await world.router.call(general.EXCHANGE_INFO, {})
    rules = {rule.rule.kind: rule.rule.limit for rule in world.limiter.statistics().rules}
    assert rules[LimitKind.REQUEST_WEIGHT] == 1200


@pytest.mark.parametrize("failure", [ConnectionLost("reset"), (503, b"")])
async def test_a_read_that_failed_is_asked_once_more(failure: Step, autojump_clock: trio.testing.MockClock) -> None:
    world = World(failure, (200, OK))
    await world.router.call(general.TIME, {})
    assert len(world.http.sent) == 2
    world = World(failure)
    with pytest.raises(BinanceError):
        await world.router.call(general.TIME, {})
    assert len(world.http.sent) == 2


@pytest.mark.parametrize("failure", [ConnectionLost("reset"), (503, b""), (504, b'{"code":-1007,"msg":""}')])
async def test_an_order_is_never_sent_twice(failure: Step, autojump_clock: trio.testing.MockClock) -> None:
    world = World(failure, (200, ACK))
    with pytest.raises(BinanceError) as caught:
        await world.router.call(trading.PLACE, ORDER)
    assert caught.value.outcome is Outcome.UNKNOWN
    assert len(world.http.sent) == 1


async def test_a_refused_timestamp_is_signed_anew_once_after_the_clock_was_measured(
    autojump_clock: trio.testing.MockClock,
) -> None:
    refusal = (400, b'{"code":-1021,"msg":"Timestamp for this request is outside of the recvWindow."}')
    world = World(refusal, (200, ACK))

    async def measure() -> None:
        while True:
            await world.clock.wait_due()
            await trio.sleep(0.01)
            now = trio.current_time()
            world.clock.on_sample(now, now, WALL_US + 9_000_000 + round(now * 1e6))

    await trio.sleep(1)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(measure)
        await world.router.call(trading.PLACE, ORDER)
        nursery.cancel_scope.cancel()
    first, second = (int(parse_qs(sent.body.decode())["timestamp"][0]) for sent in world.http.sent)
    assert 8_000 < second - first < 10_000


async def test_a_timestamp_refused_twice_or_a_clock_that_cannot_be_measured_is_an_error(
    autojump_clock: trio.testing.MockClock,
) -> None:
    refusal = (400, b'{"code":-1021,"msg":"Timestamp ..."}')
    with pytest.raises(TimestampError) as caught:
        await World(refusal).router.call(account.ACCOUNT, {})
    assert isinstance(caught.value.__cause__, ClockUnsynced)
    world = World(refusal)

    async def measure() -> None:
        while True:
            await world.clock.wait_due()
            await trio.sleep(0.01)
            now = trio.current_time()
            world.clock.on_sample(now, now, WALL_US + round(now * 1e6))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(measure)
        with pytest.raises(TimestampError):
            await world.router.call(account.ACCOUNT, {})
        nursery.cancel_scope.cancel()
    assert len(world.http.sent) == 2


LATE_STAMP = (400, b'{"code":-1021,"msg":"Timestamp ..."}')


@pytest.mark.parametrize(
    "second",
    [ConnectError("no way"), ConnectorClosed("closed"), ConnectionLost("gone", outcome=Outcome.NOT_SENT)],
    ids=lambda exc: type(exc).__name__,
)
@pytest.mark.parametrize("operation", [trading.PLACE, account.ACCOUNT], ids=["order", "question"])
async def test_a_second_try_that_was_held_back_is_told_as_the_refusal_of_the_first(
    operation: Any, second: BinanceError, autojump_clock: trio.testing.MockClock
) -> None:
    world = World(LATE_STAMP, second)
    asked: list[Any] = []

    async def ask() -> None:
        with pytest.raises(TimestampError) as caught:
            await world.router.call(operation, ORDER if operation is trading.PLACE else {})
        asked.append(caught.value)

    await trio.sleep(1)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask)
        await trio.testing.wait_all_tasks_blocked()
        now = trio.current_time()
        world.clock.on_sample(now, now, WALL_US + round(now * 1e6))
    assert asked[0].outcome is Outcome.REJECTED
    cause = asked[0].__cause__
    assert cause is not None
    assert cause.outcome is Outcome.NOT_SENT
    assert cause.__context__ is not asked[0]


async def test_a_second_try_that_got_lost_is_told_as_it_is(autojump_clock: trio.testing.MockClock) -> None:
    world = World(LATE_STAMP, ConnectionLost("reset"))
    await trio.sleep(1)
    async with trio.open_nursery() as nursery:

        async def measure() -> None:
            while True:
                await world.clock.wait_due()
                await trio.sleep(0.01)
                now = trio.current_time()
                world.clock.on_sample(now, now, WALL_US + round(now * 1e6))

        nursery.start_soon(measure)
        with pytest.raises(ConnectionLost) as caught:
            await world.router.call(trading.PLACE, ORDER)
        nursery.cancel_scope.cancel()
    assert caught.value.outcome is Outcome.UNKNOWN


async def test_a_ban_stops_everything_until_it_is_over(autojump_clock: trio.testing.MockClock) -> None:
    world = World((418, b'{"code":-1003,"msg":"banned"}', {"retry-after": "120"}), (200, OK))
    with pytest.raises(Banned) as caught:
        await world.router.call(general.TIME, {})
    assert caught.value.retry_at == pytest.approx(trio.current_time() + 120)
    await world.router.call(general.TIME, {})
    assert world.http.sent[1].at - world.http.sent[0].at >= 120
    assert len(world.told(BanStarted)) == 1


async def test_a_ban_does_not_send_an_order_hours_later_but_a_cancel_and_a_question_wait(
    autojump_clock: trio.testing.MockClock,
) -> None:
    world = World((418, b'{"code":-1003,"msg":""}', {"retry-after": "3600"}), (200, OK))
    with pytest.raises(Banned):
        await world.router.call(general.TIME, {})
    with pytest.raises(LimitExceeded) as caught:
        await world.router.call(trading.PLACE, ORDER)
    assert caught.value.outcome is Outcome.NOT_SENT
    assert caught.value.retry_at == pytest.approx(trio.current_time() + 3600, abs=1)
    started = trio.current_time()
    await world.router.call(general.TIME, {})
    assert trio.current_time() - started >= 3600


async def test_a_ban_shows_in_the_status_until_the_exchange_answers_again(
    autojump_clock: trio.testing.MockClock,
) -> None:
    world = World((418, b'{"code":-1003,"msg":"banned"}', {"retry-after": "120"}), (200, OK))
    world.board.set("rest", Ready())
    with pytest.raises(Banned):
        await world.router.call(general.TIME, {})
    assert "status 418" in world.board.reasons["limits"]
    await world.router.sample_time()
    assert world.board.status is Status.READY
    assert [(event.old, event.new) for event in world.told(StatusChanged)][-2:] == [
        (Status.READY, Status.DEGRADED),
        (Status.DEGRADED, Status.READY),
    ]


async def test_what_became_of_an_order_can_be_asked_past_an_open_breaker(
    autojump_clock: trio.testing.MockClock,
) -> None:
    world = World((503, b""))
    await fail_until_open(world)
    opened_at = trio.current_time()
    await trio.sleep(4)
    with pytest.raises(BreakerOpen) as caught:
        await world.router.call(trading.PLACE, ORDER)
    assert caught.value.retry_at == pytest.approx(opened_at + 10, abs=0.1)
    with pytest.raises(ServerError):
        await world.router.call(account.ORDER, {"symbol": "BTCUSDT", "origClientOrderId": "mine"})


async def test_too_many_orders_stop_orders_and_nothing_else(autojump_clock: trio.testing.MockClock) -> None:
    world = World((429, b'{"code":-1015,"msg":"Too many new orders."}', {"retry-after": "7"}), (200, OK), (200, ACK))
    with pytest.raises(TooManyOrders):
        await world.router.call(trading.PLACE, ORDER)
    await world.router.call(general.TIME, {})
    await world.router.call(trading.PLACE, ORDER)
    assert world.http.sent[1].at - world.http.sent[0].at < 1
    assert world.http.sent[2].at - world.http.sent[0].at >= 7


async def test_a_cancel_replace_whose_new_order_was_one_too_many_stops_orders_and_nothing_else(
    autojump_clock: trio.testing.MockClock,
) -> None:
    data = b'{"cancelResult":"SUCCESS","newOrderResult":"FAILURE"}'
    body = b'{"code":-2021,"msg":"Order cancel-replace partially failed.","data":' + data + b"}"
    world = World((429, body, {"retry-after": "7"}), (200, OK), (200, ACK), (409, body), (200, ACK))
    with pytest.raises(PartialFailure):
        await world.router.call(trading.PLACE, ORDER)
    await world.router.call(general.TIME, {})
    await world.router.call(trading.PLACE, ORDER)
    assert world.http.sent[1].at - world.http.sent[0].at < 1
    assert world.http.sent[2].at - world.http.sent[0].at >= 7
    with pytest.raises(PartialFailure):
        await world.router.call(trading.PLACE, ORDER)
    await world.router.call(trading.PLACE, ORDER)
    assert world.http.sent[4].at - world.http.sent[3].at < 1


async def test_a_refused_key_is_told(autojump_clock: trio.testing.MockClock) -> None:
    world = World((401, b'{"code":-2015,"msg":"Invalid API-key, IP, or permissions for action."}'))
    with pytest.raises(AuthError):
        await world.router.call(account.ACCOUNT, {})
    assert [event.code for event in world.told(KeyRefused)] == [-2015]


async def fail_until_open(world: World) -> None:
    for _ in range(5):
        with pytest.raises(ServerError):
            await world.router.call(trading.PLACE, ORDER)


async def test_five_failures_open_the_breaker_and_nothing_is_sent_but_cancels(
    autojump_clock: trio.testing.MockClock,
) -> None:
    world = World((503, b""))
    await fail_until_open(world)
    assert "breaker" in world.board.reasons["rest"]
    sent = len(world.http.sent)
    with pytest.raises(BreakerOpen) as caught:
        await world.router.call(trading.PLACE, ORDER)
    assert caught.value.outcome is Outcome.NOT_SENT
    assert len(world.http.sent) == sent
    with pytest.raises(ServerError):
        await world.router.call(trading.CANCEL, {"symbol": "BTCUSDT", "orderId": 1})
    assert len(world.http.sent) == sent + 1


@pytest.mark.parametrize(
    "answer", [(400, b'{"code":-1121,"msg":"Invalid symbol."}'), (429, b'{"code":-1015,"msg":""}')]
)
async def test_refusals_and_limits_are_no_failures(
    answer: tuple[int, bytes], autojump_clock: trio.testing.MockClock
) -> None:
    world = World(answer)
    for _ in range(8):
        with pytest.raises(BinanceError):
            await world.router.call(trading.PLACE, ORDER)
    assert world.told(BreakerChanged) == []


async def test_cancellation_is_no_failure(autojump_clock: trio.testing.MockClock) -> None:
    world = World((200, OK))
    world.http.latency = 5.0
    for _ in range(8):
        with trio.move_on_after(1):
            await world.router.call(general.TIME, {})
    assert world.told(BreakerChanged) == []


async def test_pings_close_the_breaker_again_once_three_are_answered(autojump_clock: trio.testing.MockClock) -> None:
    world = World(*[(503, b"")] * 6, (429, b'{"code":-1003,"msg":""}', {"retry-after": "2"}), (200, b"{}"))
    await fail_until_open(world)
    started = trio.current_time()
    with trio.move_on_after(40):
        await world.router.look_after_rest()
    assert world.http.sent[-1].at - started >= 20  # open for 10 s, one failed probe, open for 10 s again
    states = [(event.old, event.new) for event in world.told(BreakerChanged)]
    assert states == [
        ("closed", "open"),
        ("open", "half open"),
        ("half open", "open"),
        ("open", "half open"),
        ("half open", "closed"),
    ]
    assert {sent.target for sent in world.http.sent[5:]} == {"/api/v3/ping"}
    assert world.board.status is Status.READY
    assert world.router.statistics()["rest"].opened == 2


async def test_a_probe_that_is_refused_is_not_repeated_at_once(autojump_clock: trio.testing.MockClock) -> None:
    world = World(*[(503, b"")] * 5, (404, b"<html>no such page</html>"))
    await fail_until_open(world)
    with trio.move_on_after(60):
        await world.router.look_after_rest()
    assert 1 <= len(world.http.sent[5:]) <= 6


async def test_a_ban_that_tells_an_absurd_moment_is_still_a_typed_refusal(
    autojump_clock: trio.testing.MockClock,
) -> None:
    world = World((429, b'{"code":-1003,"msg":""}', {"retry-after": "Dec 31 31 23:59:59 99999999999999 GMT -0000"}))
    with pytest.raises(RateLimited):
        await world.router.call(general.TIME, {})
    assert len(world.told(BanStarted)) == 1


async def test_a_cancelled_probe_gives_its_place_back(autojump_clock: trio.testing.MockClock) -> None:
    world = World(*[(503, b"")] * 5, (200, b"{}"))
    await fail_until_open(world)
    world.http.latency = 5.0
    with trio.move_on_after(12):
        await world.router.look_after_rest()
    assert world.router.statistics()["rest"].probing == 0
    world.http.latency = 0.0
    await world.router.rest.health.probe(lambda: world.router._ping(world.router.rest))
    assert world.router.statistics()["rest"].state.value == "closed"


async def test_time_is_sampled_past_an_open_breaker_and_a_ban_heeded(autojump_clock: trio.testing.MockClock) -> None:
    world = World((200, OK), (418, b'{"code":-1003,"msg":""}', {"retry-after": "120"}))
    sent_at, received_at, server_us, unit_us = await world.router.sample_time()
    assert (sent_at, server_us, unit_us) == (received_at, 1700000070000000, 1000)
    with pytest.raises(RateLimited):
        await world.router.sample_time()
    assert len(world.told(BanStarted)) == 1


async def test_whether_the_exchange_answers_at_all(autojump_clock: trio.testing.MockClock) -> None:
    world = World((200, OK))
    assert await world.router.ping_exchange()
    world.http.latency = 60.0
    assert not await world.router.ping_exchange()
    world.http.latency = 0.0
    world.http.script = [ConnectError("no route")]
    assert not await world.router.ping_exchange()


class NoDialer:
    async def connect(self, host: str, port: int, *, tls: bool) -> trio.abc.Stream:
        await trio.lowlevel.checkpoint()
        raise ConnectError(f"{host}:{port}: no route")


async def test_the_service_holds_the_client_while_it_runs_and_probes(autojump_clock: trio.testing.MockClock) -> None:
    world = World((503, b""))
    service = RestService(world.router, world.config, NoDialer(), world.board, world.router._observer)
    async with trio.open_nursery() as nursery:
        await nursery.start(service.run)
        assert world.board.status is Status.READY
        for _ in range(5):
            with pytest.raises(ConnectError):
                await world.router.call(trading.PLACE, ORDER)
        await trio.sleep(25)
        assert world.router.statistics()["rest"].opened >= 2
        nursery.cancel_scope.cancel()
    assert world.router.rest.http is None


async def test_the_service_tells_when_it_calls_a_mirror(autojump_clock: trio.testing.MockClock) -> None:
    world = World()
    service = RestService(world.router, world.config, NoDialer(), world.board, world.router._observer)
    async with trio.open_nursery() as nursery:
        await nursery.start(service.run)
        with pytest.raises(ConnectError):
            await world.router.call(trading.PLACE, ORDER)
        nursery.cancel_scope.cancel()
    first, second = world.told(MirrorChanged)
    assert (first.connection, first.old, first.new) == ("rest", *Environment.PRODUCTION.rest_urls[:2])
    assert (second.old, second.new) == Environment.PRODUCTION.rest_urls[1:3]


async def test_what_an_environment_does_not_serve_is_refused_before_anything_is_sent() -> None:
    world = World(environment=Environment.MARKET_DATA_ONLY, key=None)
    refused: list[tuple[Operation[Any], Any]] = [
        (market.HISTORICAL_TRADES, {"symbol": "BTCUSDT"}),
        (trading.PLACE, ORDER),
    ]
    for operation, params in refused:
        with pytest.raises(NotServed, match=rf"{operation.name}.*'market_data_only'") as caught:
            await world.router.call(operation, params)
        assert caught.value.outcome is Outcome.NOT_SENT
    with pytest.raises(NotServed, match=r"session\.status"):
        await world.router.session_call(session.STATUS, {})
    assert world.http.sent == []
    await world.router.call(general.TIME, {})
    unknown: Operation[Any] = Operation("GET", "/api/v3/news", None, Security.NONE, fixed(1), Any)
    await world.router.call(unknown, {})
    assert len(world.http.sent) == 2
