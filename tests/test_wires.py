"""Two wires, the whole connector and the whole exchange: the same results, and nothing lost that was planned."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any, Literal

import attrs
import pytest
import trio
import trio.testing

from tests._client.world import World, open_world
from tests._services.helpers_router import KEY, PEM
from trio_binance._client.client import Binance
from trio_binance._services.events import (
    ConnectionLost,
    ConnectionRenewed,
    KeyRefused,
    LoggedOff,
    LoggedOn,
    Reconnected,
)
from trio_binance.config import Credentials, TimeUnit, Tuning
from trio_binance.errors import AuthError, BinanceError, OrderAbsent, OrderUnresolved, Outcome
from trio_binance.models import (
    Accepted,
    ExecutionReport,
    KlineInterval,
    LimitOrder,
    MarketOrder,
    OrderFull,
    Side,
    as_milliseconds,
)
from trio_binance.sandbox.faults import Fault, FaultSchedule, OnRequest, random_schedule
from trio_binance.sandbox.frames import RestReply
from trio_binance.sandbox.network import MemoryStream
from trio_binance.sandbox.pipe import Link

pytestmark = pytest.mark.slow  # whole runs of everything: measuring them takes four times as long

ED25519 = Credentials.ed25519(KEY, PEM)
UNITS = tuple(TimeUnit)
Wire = Literal["rest", "ws_api"]

Question = Callable[[Binance], Awaitable[object]]


def resting(client_order_id: str) -> LimitOrder:
    return LimitOrder(
        "BTCUSDT", Side.BUY, quantity=Decimal("0.00100"), price=Decimal("20000.00"), client_order_id=client_order_id
    )


async def placed(bx: Binance, order: LimitOrder | MarketOrder) -> OrderFull:
    return (await bx.trading.place(order)).unwrap()


QUESTIONS: dict[str, Question] = {
    "exchange_info": lambda bx: bx.general.exchange_info(symbol="BTCUSDT"),
    "depth": lambda bx: bx.market.depth("BTCUSDT", limit=10),
    "trades": lambda bx: bx.market.trades("BTCUSDT", limit=5),
    "agg_trades": lambda bx: bx.market.agg_trades("BTCUSDT", limit=5),
    "klines": lambda bx: bx.market.klines("BTCUSDT", interval=KlineInterval.MINUTE_1, limit=3),
    "avg_price": lambda bx: bx.market.avg_price("BTCUSDT"),
    "ticker": lambda bx: bx.market.ticker_24hr("BTCUSDT"),
    "book_tickers": lambda bx: bx.market.book_ticker(symbols=["BTCUSDT", "ETHUSDT"]),
    "place": lambda bx: placed(bx, resting("first")),
    "fill": lambda bx: placed(bx, MarketOrder("ETHUSDT", Side.SELL, quantity=Decimal("0.1"), client_order_id="second")),
    "order": lambda bx: bx.account.order("BTCUSDT", client_order_id="first"),
    "open_orders": lambda bx: bx.account.open_orders("BTCUSDT"),
    "cancel": lambda bx: bx.trading.cancel("BTCUSDT", client_order_id="first"),
    "all_orders": lambda bx: bx.account.all_orders("ETHUSDT"),
    "my_trades": lambda bx: bx.account.my_trades("ETHUSDT"),
    "account": lambda bx: bx.account.status(),
    "commission": lambda bx: bx.account.commission("BTCUSDT"),
    "order_rate_limits": lambda bx: bx.account.order_rate_limits(),
}


def plain(value: Any) -> Any:
    """Return an answer as plain data."""
    if attrs.has(type(value)):
        return {field.name: plain(getattr(value, field.name)) for field in attrs.fields(type(value))}
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


def in_milliseconds(value: Any) -> Any:
    """Return plain data with every moment of it in milliseconds."""
    if isinstance(value, dict):
        return {name: in_milliseconds(item) for name, item in value.items()}
    if isinstance(value, list):
        return [in_milliseconds(item) for item in value]
    return as_milliseconds(value) if type(value) is int else value


def moments(value: Any) -> list[int]:
    """Return every number of plain data that is a moment of this century."""
    if isinstance(value, dict | list):
        items = value.values() if isinstance(value, dict) else value
        return [moment for item in items for moment in moments(item)]
    return [value] if type(value) is int and value > 10**12 else []


async def answers(prefer: Wire, unit: TimeUnit) -> dict[str, Any]:
    found: dict[str, Any] = {}
    settings: dict[str, Any] = {"prefer": prefer, "time_unit": unit, "fallback": False, "credentials": ED25519}
    async with open_world(activity=1e-6, **settings) as world:
        for name, ask in QUESTIONS.items():
            found[name] = plain(await ask(world.bx))
        assert world.bx.statistics().clock.uncertainty_us <= (2 if unit is TimeUnit.MICROSECOND else 600)
    return found


async def test_both_wires_answer_the_same_in_both_units(autojump_clock: trio.testing.MockClock) -> None:
    told = {(prefer, unit): await answers(prefer, unit) for prefer in ("rest", "ws_api") for unit in UNITS}
    same = {wire: in_milliseconds(each) for wire, each in told.items()}
    for name in QUESTIONS:
        if name == "exchange_info":  # "rateLimits" has RAW_REQUESTS on REST and CONNECTIONS on the other
            for each in same.values():
                del each[name]["rate_limits"]
        assert [same[wire][name] for wire in same] == [same["rest", TimeUnit.MILLISECOND][name]] * 4, name
    for (_, unit), each in told.items():
        raw = moments(each)
        assert len(raw) > 20
        assert {moment > 10**14 for moment in raw} == {unit is TimeUnit.MICROSECOND}


@pytest.mark.parametrize("unit", UNITS)
async def test_streams_and_account_events_tell_moments_in_the_unit_that_was_asked_for(
    unit: TimeUnit, autojump_clock: trio.testing.MockClock
) -> None:
    async with open_world(time_unit=unit, activity=20.0) as world, world.bx.account.events() as events:
        async with world.bx.streams.trades("BTCUSDT") as feed:
            trade = await feed.receive()
        placed = (await world.bx.trading.place(MarketOrder("BTCUSDT", Side.BUY, quantity=Decimal("0.00100")))).unwrap()
        report = await events.receive()
        assert isinstance(report, ExecutionReport)
        times = [trade.event_time, trade.trade_time, report.event_time, report.transaction_time, placed.transact_time]
        assert {moment > 10**14 for moment in times} == {unit is TimeUnit.MICROSECOND}
        assert all(abs(as_milliseconds(moment) - world.bx.server_time_ms()) < 2000 for moment in times)


# -------------------------------------------------------------------------------------------- planned replacement


async def ask_for_ever(world: World, outcomes: list[Any]) -> None:
    while True:
        try:
            outcomes.append(await world.bx.general.time())
        except BinanceError as exc:
            outcomes.append(exc)
        await trio.sleep(0.5)  # the weight of a minute has to last


async def place_for_ever(world: World, outcomes: dict[str, Any]) -> None:
    number = 0
    while True:
        number += 1
        name = f"n-{number}"
        outcomes[name] = None
        try:
            outcomes[name] = (await world.bx.trading.place(resting(name))).unwrap()
        except BinanceError as exc:
            outcomes[name] = exc
        await trio.sleep(0.25)  # and so the orders of ten seconds


def renewals(world: World) -> list[str]:
    """Return which connections were renewed."""
    return sorted(event.connection for event in world.events if isinstance(event, ConnectionRenewed))


def failed(outcomes: Any) -> list[BinanceError]:
    return [outcome for outcome in outcomes if isinstance(outcome, BinanceError)]


@pytest.mark.parametrize("lead", [1.0, 10.0])
@pytest.mark.parametrize("credentials", [ED25519, Credentials.hmac(KEY, "secret")], ids=["session", "signed"])
async def test_no_request_fails_and_no_order_doubles_because_of_a_planned_replacement(
    credentials: Credentials, lead: float, autojump_clock: trio.testing.MockClock
) -> None:
    settings: dict[str, Any] = {"prefer": "ws_api", "fallback": False, "credentials": credentials, "activity": 1e-6}
    async with open_world(**settings) as world:
        assert world.sandbox.network is not None
        world.sandbox.network.link = Link(latency=0.06)
        line_of(world).shape(Link(latency=0.06))
        questions: list[Any] = []
        orders: dict[str, Any] = {}
        async with trio.open_nursery() as nursery:
            for _ in range(50):
                nursery.start_soon(ask_for_ever, world, questions)
            nursery.start_soon(place_for_ever, world, orders)
            await trio.sleep(random.Random(lead).uniform(2, 3))
            world.sandbox.exchange.announce_shutdown(int(lead * 1e6))
            world.sandbox.driver.flush()
            await trio.sleep(lead + 2)
            nursery.cancel_scope.cancel()
        await trio.sleep(1)
        assert failed(questions) == []
        assert failed(orders.values()) == []
        assert len(questions) > 200
        assert renewals(world) == ["wsapi", "wsapi:events"]
        assert (world.count(ConnectionLost), world.count(Reconnected)) == (0, 0)
        placed = Counter(order.client_order_id for order in await world.bx.account.all_orders("BTCUSDT", limit=1000))
        assert set(placed.values()) == {1}
        assert {name for name, outcome in orders.items() if isinstance(outcome, OrderFull)} <= placed.keys()
        told = world.bx.statistics().ws_api
        assert told is not None
        assert told.logged_on == (credentials is ED25519)


async def test_fifty_in_flight_at_the_moment_of_a_replacement_are_all_answered(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_world(prefer="ws_api", fallback=False, credentials=ED25519, activity=1e-6) as world:
        line_of(world).shape(Link(latency=1.0))
        outcomes: list[Any] = []

        async def ask(number: int) -> None:
            try:
                if number % 5:
                    outcomes.append(await world.bx.market.depth("BTCUSDT", limit=5))
                else:
                    outcomes.append((await world.bx.trading.place(resting(f"n-{number}"))).unwrap())
            except BinanceError as exc:
                outcomes.append(exc)

        async with trio.open_nursery() as nursery:
            for number in range(50):
                nursery.start_soon(ask, number)
            await trio.sleep(0.1)
            told = world.bx.statistics().ws_api
            assert told is not None
            assert told.in_flight == 50
            world.sandbox.exchange.announce_shutdown(int(10e6))
            world.sandbox.driver.flush()
        assert failed(outcomes) == []
        assert len(outcomes) == 50
        assert len(await world.bx.account.open_orders("BTCUSDT")) == 10


async def test_a_connection_is_replaced_before_its_day_is_over_and_nobody_notices(
    autojump_clock: trio.testing.MockClock,
) -> None:
    tuning = Tuning(connection_lifetime=100.0)
    settings: dict[str, Any] = {
        "prefer": "ws_api",
        "fallback": False,
        "credentials": ED25519,
        "activity": 1e-6,
        "tuning": tuning,
    }
    async with open_world(**settings) as world:
        for number in range(110):
            placed = (await world.bx.trading.place(resting(f"n-{number}"))).unwrap()
            await world.bx.trading.cancel("BTCUSDT", order_id=placed.order_id)
            await trio.sleep(3)
        # The events have a connection of their own, which needs no session.
        assert renewals(world) == ["wsapi"] * 3 + ["wsapi:events"] * 3
        assert world.count(LoggedOn) == 3 + 1
        assert world.count(ConnectionLost) == 0


# ---------------------------------------------------------------------------------------------------- accidents


def line_of(world: World) -> MemoryStream:
    """Return our end of the connection to the WebSocket API that requests go out on."""
    assert world.bx._engine.ws_api is not None
    stream = world.bx._engine.ws_api.line.socket._tap._transport
    assert isinstance(stream, MemoryStream)
    return stream


async def outcomes_of(world: World, *names: str) -> dict[str, Any]:
    """Place resting orders of these names at once; return what became of each."""
    outcomes: dict[str, Any] = {}

    async def one(name: str) -> None:
        try:
            outcomes[name] = (await world.bx.trading.place(resting(name))).unwrap()
        except BinanceError as exc:
            outcomes[name] = exc

    async with trio.open_nursery() as nursery:
        for name in names:
            nursery.start_soon(one, name)
    return outcomes


async def test_an_order_whose_answer_is_lost_is_found_and_never_sent_again(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_world(prefer="ws_api", activity=1e-6) as world:
        line_of(world).blackhole("in", trio.current_time() + 1000)
        outcome = await world.bx.trading.place(resting("mine"))
        assert isinstance(outcome, Accepted)
        assert not outcome.answered
        [found] = await world.bx.account.open_orders("BTCUSDT")
        assert (found.client_order_id, found.order_id) == ("mine", outcome.order.order_id)
        await trio.sleep(60)
        assert [order.client_order_id for order in await world.bx.account.all_orders("BTCUSDT")] == ["mine"]
        assert (await outcomes_of(world, "next"))["next"].client_order_id == "next"  # over the new connection


async def test_of_twenty_orders_in_flight_when_the_connection_is_cut_each_is_placed_once_or_not_at_all(
    autojump_clock: trio.testing.MockClock,
) -> None:
    names = [f"n-{number}" for number in range(20)]
    for after in (0.05, 0.25, 0.45):
        async with open_world(prefer="ws_api", activity=1e-6, credentials=ED25519) as world:
            line = line_of(world)
            line.shape(Link(latency=0.2, jitter=0.1))

            async def cut(line: MemoryStream = line, after: float = after) -> None:
                await trio.sleep(after)
                line.reset()

            async with trio.open_nursery() as nursery:
                nursery.start_soon(cut)
                outcomes = await outcomes_of(world, *names)
            assert {type(exc) for exc in failed(outcomes.values())} <= {OrderAbsent, OrderUnresolved}
            assert world.bx.statistics().breaker.opened == 0
            await trio.sleep(5)
            placed = Counter(order.client_order_id for order in await world.bx.account.all_orders("BTCUSDT"))
            assert set(placed.values()) <= {1}
            assert {name for name, outcome in outcomes.items() if isinstance(outcome, OrderFull)} == placed.keys()
            assert (await outcomes_of(world, "again"))["again"].client_order_id == "again"


async def test_an_order_waits_for_the_new_connection_and_a_question_does_not(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_world(prefer="ws_api", activity=1e-6) as world:
        line_of(world).reset()
        await trio.sleep(0)
        began = trio.current_time()
        await world.bx.market.depth("BTCUSDT", limit=5)
        assert trio.current_time() == began
        placed = (await outcomes_of(world, "mine"))["mine"]
        assert isinstance(placed, OrderFull)
        assert trio.current_time() - began <= 1.1  # the first delay of a backoff


async def test_when_no_connection_comes_an_order_is_not_sent(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world(prefer="ws_api", activity=1e-6) as world:
        refuse_websockets(world)
        line_of(world).reset()
        began = trio.current_time()
        lost = (await outcomes_of(world, "mine"))["mine"]
        assert isinstance(lost, BinanceError)
        assert lost.outcome is Outcome.NOT_SENT
        assert trio.current_time() - began == pytest.approx(5.0, abs=0.1)
        began = trio.current_time()
        assert (await outcomes_of(world, "mine"))["mine"].outcome is Outcome.NOT_SENT
        assert trio.current_time() - began < 0.1  # nobody waits twice for the same loss
        assert await world.bx.account.all_orders("BTCUSDT") == []
        await world.bx.trading.cancel_open_orders("BTCUSDT")


def refuse_websockets(world: World) -> None:
    """Have every handshake refused from now on."""
    connect = world.sandbox.exchange.connect

    def refuse(kind: Any, *arguments: Any) -> Any:
        return RestReply(503) if kind == "ws_api" else connect(kind, *arguments)

    world.sandbox.exchange.connect = refuse  # type: ignore[method-assign, assignment]


async def test_a_revoked_key_places_nothing_and_every_call_says_so(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world(prefer="ws_api", activity=1e-6, credentials=ED25519) as world:
        assert isinstance((await outcomes_of(world, "before"))["before"], OrderFull)
        world.sandbox.exchange.keys[KEY].revoked = True
        outcomes = await outcomes_of(world, *"abcdefgh")
        # The signed ones are refused by name; of the session's last one it is not said that it was meant.
        unsure = [outcome for outcome in outcomes.values() if isinstance(outcome, OrderUnresolved)]
        refused = [outcome for outcome in outcomes.values() if isinstance(outcome, AuthError)]
        assert len(unsure) <= 1
        assert len(unsure) + len(refused) == 8
        assert {outcome.outcome for outcome in refused} == {Outcome.REJECTED}
        assert world.count(LoggedOff) == 1
        assert world.count(KeyRefused) >= 1
        world.sandbox.exchange.keys[KEY].revoked = False
        assert [order.client_order_id for order in await world.bx.account.all_orders("BTCUSDT")] == ["before"]
        assert isinstance((await outcomes_of(world, "after"))["after"], OrderFull)


async def test_limits_that_are_not_told_are_kept_all_the_same(autojump_clock: trio.testing.MockClock) -> None:
    settings: dict[str, Any] = {"prefer": "ws_api", "fallback": False, "return_rate_limits": False, "activity": 1e-6}
    async with open_world(**settings) as world:
        assert not (await world.bx.session.status()).return_rate_limits
        for _ in range(400):
            await world.bx.market.depth("BTCUSDT", limit=500)  # 25 each: more than a minute's weight
        assert world.bx.statistics().limits.put_off > 0
        assert trio.current_time() > 40  # the end of the first minute, on the exchange's clock


@pytest.mark.parametrize("seed", range(int(os.environ.get("TRIO_BINANCE_SEEDS", "6"))))
async def test_whatever_goes_wrong_no_order_doubles_and_none_that_was_refused_exists(
    seed: int, autojump_clock: trio.testing.MockClock
) -> None:
    rng = random.Random(seed)
    faults = FaultSchedule(tuple(_late(fault) for fault in random_schedule(rng, seconds=60, count=14).faults))
    settings: dict[str, Any] = {"prefer": rng.choice(["rest", "ws_api"]), "fallback": seed % 3 > 0}
    settings["credentials"] = rng.choice([ED25519, Credentials.hmac(KEY, "secret")])
    async with open_world(faults=faults, activity=1e-6, **settings) as world:
        orders: dict[str, Any] = {}
        with trio.move_on_after(90):
            async with trio.open_nursery() as nursery:
                for worker in range(3):
                    nursery.start_soon(place_some, world, orders, f"w{worker}", rng.uniform(0.5, 2.0))
        unsure = {name for name, outcome in orders.items() if outcome is None}  # cancelled in the middle
        await trio.sleep(600)  # bans and breakers end, and what was late has come
        with trio.fail_after(4 * 86_400):  # the longest ban has three days
            placed = Counter(order.client_order_id for order in await all_of(world))
        assert set(placed.values()) <= {1}
        for name, outcome in orders.items():
            if isinstance(outcome, OrderFull):
                assert placed[name] == 1, name
            elif isinstance(outcome, BinanceError) and outcome.outcome in (Outcome.NOT_SENT, Outcome.REJECTED):
                assert placed[name] == 0, (name, outcome)
        assert len(orders) - len(unsure) > 50
        await trio.sleep(120)  # who else had waited for the same has its turn
        # But for what asks, now and then, what became of the orders that could not be found out.
        assert world.bx._engine.limiter.waiting <= len(world.bx.trading.unsettled)


def _late(fault: Fault) -> Fault:
    """Let the connector come up first: faults of the first requests strike later ones."""
    return attrs.evolve(fault, number=fault.number + 20) if isinstance(fault, OnRequest) else fault


async def place_some(world: World, orders: dict[str, Any], worker: str, pause: float) -> None:
    for number in range(60):
        name = f"{worker}-{number}"
        orders[name] = None
        try:
            orders[name] = (await world.bx.trading.place(resting(name))).unwrap()
        except BinanceError as exc:
            orders[name] = exc
        await trio.sleep(pause)


async def all_of(world: World) -> list[Any]:
    while True:
        try:
            return await world.bx.account.all_orders("BTCUSDT", limit=1000)
        except BinanceError:
            await trio.sleep(10)
