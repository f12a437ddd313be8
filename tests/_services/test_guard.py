"""The guard: refuses before anything is noted or signed, asks for what it lacks, and never lets two take one place."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import attrs
import pytest
import trio
import trio.testing

from trio_binance._codec.params import list_params, order_params
from trio_binance._protocol.catalogue import account, market
from trio_binance._pure.intents import Accepted, Intent, NotSent, OrderSighting, Part, Settle
from trio_binance._services.guard import LOOK_INTERVAL, PRICE_MAX_AGE, Guard
from trio_binance.config import Safety
from trio_binance.errors import ConnectionLost, ConnectorClosed, Outcome, SafetyRefused, UsageError
from trio_binance.models import (
    Evidence,
    LimitLeg,
    LimitMakerLeg,
    LimitOrder,
    MarketOrder,
    MirrorState,
    OrderStatus,
    OtoOrder,
    Side,
    Ticker24h,
)

WHY = Evidence(())
REPLACE = "POST /api/v3/order/cancelReplace"


def ticker(last: str = "100", bid: str = "99", ask: str = "101") -> Ticker24h:
    values: dict[str, Any] = {field.name: Decimal(0) for field in attrs.fields(Ticker24h)}
    prices = {"last_price": Decimal(last), "bid_price": Decimal(bid), "ask_price": Decimal(ask)}
    return Ticker24h(**{**values, **prices, "symbol": "BTCUSDT"})


class Exchange:
    """A router whose answers are told beforehand, and the records of a mirror."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.answers: dict[str, Any] = {
            market.TICKER_24HR.name: ticker(),
            account.ORDER.name: SimpleNamespace(status=OrderStatus.NEW),
        }
        self.state = MirrorState.LIVE
        self.orders: dict[int | str, OrderStatus] = {}
        self.takes = 0.5

    async def call(self, operation: Any, params: Any) -> Any:
        self.asked.append((operation.name, {name: value for name, value in params.items() if value is not None}))
        await trio.sleep(self.takes)
        answer = self.answers[operation.name]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def symbol(self, name: str) -> Any:
        await trio.sleep(self.takes)
        self.asked.append(("symbol", {"symbol": name}))
        return SimpleNamespace(quote_asset="USDT")

    @property
    def ledger(self) -> Any:
        return SimpleNamespace(records=self)

    def find(self, _symbol: str, number: int | None, name: str | None) -> Any:
        status = self.orders.get(number if number is not None else name or "")
        return None if status is None else SimpleNamespace(order=SimpleNamespace(status=status))


@pytest.fixture
def exchange() -> Exchange:
    return Exchange()


def guard_of(exchange: Any, *, mirror: bool = False, **rules: Any) -> Guard:
    return Guard(Safety(**rules), exchange, symbol_of=exchange.symbol, mirror=exchange if mirror else None)


def limit(number: int = 1, *, price: str = "100", side: Side = Side.BUY, quantity: str = "1") -> Intent:
    order = LimitOrder("BTCUSDT", side, quantity=quantity, price=price, client_order_id=f"order-{number}")
    return Intent(f"i{number}", "POST /api/v3/order", {**order_params(order), "newOrderRespType": "FULL"})


def at_market(number: int = 1, quantity: str = "1", side: Side = Side.SELL) -> Intent:
    order = MarketOrder("BTCUSDT", side, quantity=quantity, client_order_id=f"order-{number}")
    return Intent(f"i{number}", "POST /api/v3/order", order_params(order))


def replacing(target: int, mode: str = "STOP_ON_FAILURE", number: int = 9) -> Intent:
    params = {**limit(number).params, "cancelReplaceMode": mode, "cancelOrderId": target}
    return Intent(f"i{number}", REPLACE, {**params, "cancelNewClientOrderId": "x"})


def accept(guard: Guard, intent: Intent, number: int, status: OrderStatus = OrderStatus.NEW) -> None:
    part = Part.NEW_ORDER if intent.operation == REPLACE else Part.WHOLE
    seen = OrderSighting(intent.symbol, number, (intent.name,), status)
    guard.on_settled(intent, Settle(intent.intent_id, part, Accepted(seen, WHY)))


async def refused(guard: Guard, intent: Intent) -> SafetyRefused:
    with pytest.raises(SafetyRefused) as caught:
        await guard.admit(intent)
    assert caught.value.outcome is Outcome.NOT_SENT
    assert isinstance(caught.value, UsageError)
    assert not guard.is_open(intent.intent_id)
    return caught.value


# ------------------------------------------------------------------------------------------------------- the worth


async def test_a_buy_with_a_price_is_judged_without_asking(exchange: Exchange) -> None:
    guard = guard_of(exchange, max_notional=100)
    await guard.admit(limit(price="100"))
    error = await refused(guard, limit(2, price="100.01"))
    assert (error.rule, error.value, error.limit) == ("max_notional", Decimal("100.01"), 100)
    assert str(error) == (
        "POST /api/v3/order: refused by safety: max_notional: worth 100.01 of quote asset, more than 100 "
        "(at 100.01 a quantity up to 0.9999 would pass)"
    )
    assert exchange.asked == []


async def test_a_sell_far_below_the_market_is_worth_the_market_s_price(
    exchange: Exchange, autojump_clock: trio.testing.MockClock
) -> None:
    guard = guard_of(exchange, max_notional=100)
    assert (await refused(guard, limit(price="1", side=Side.SELL))).value == 101
    assert exchange.asked == [(market.TICKER_24HR.name, {"symbol": "BTCUSDT"})]


async def test_a_price_is_asked_for_once_and_kept_for_a_moment(
    exchange: Exchange, autojump_clock: trio.testing.MockClock
) -> None:
    guard = guard_of(exchange, max_notional=101)
    async with trio.open_nursery() as nursery:
        for number in range(5):
            nursery.start_soon(guard.admit, at_market(number))
    assert len(exchange.asked) == 1
    exchange.answers[market.TICKER_24HR.name] = ticker(last="102")
    await guard.admit(at_market(6))
    await trio.sleep(PRICE_MAX_AGE)
    assert (await refused(guard, at_market(7))).value == 102


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (ticker("0", "0", "0"), "no price of BTCUSDT is known"),
        (ConnectionLost("gone"), "the price of BTCUSDT could not be asked for: gone"),
    ],
    ids=["nothing", "lost"],
)
async def test_where_there_is_no_price_it_is_refused(
    exchange: Exchange, autojump_clock: trio.testing.MockClock, answer: Any, said: str
) -> None:
    exchange.answers[market.TICKER_24HR.name] = answer
    assert said in str(await refused(guard_of(exchange, max_notional=10**9), at_market()))


async def test_a_closed_connector_says_so(exchange: Exchange, autojump_clock: trio.testing.MockClock) -> None:
    exchange.answers[market.TICKER_24HR.name] = ConnectorClosed("closed")
    with pytest.raises(ConnectorClosed):
        await guard_of(exchange, max_notional=10**9).admit(at_market())


async def test_the_quote_asset_is_asked_for_once(exchange: Exchange, autojump_clock: trio.testing.MockClock) -> None:
    guard = guard_of(exchange, max_notional={"USDT": 100})
    await guard.admit(limit())
    await trio.sleep(10 * PRICE_MAX_AGE)
    assert "worth 101 USDT, more than 100" in str(await refused(guard, limit(2, price="101")))
    assert exchange.asked == [("symbol", {"symbol": "BTCUSDT"})]


async def test_of_a_list_all_that_can_be_filled_together_counts(exchange: Exchange) -> None:
    order = OtoOrder(
        "BTCUSDT",
        working_side=Side.BUY,
        working_quantity=1,
        working=LimitLeg(price=100, client_order_id="a"),
        pending_side=Side.SELL,
        pending_quantity=1,
        pending=LimitMakerLeg(price=110, client_order_id="b"),
        list_client_order_id="l",
    )
    intent = Intent("i1", "POST /api/v3/orderList/oto", {**list_params(order), "newOrderRespType": "FULL"})
    await guard_of(exchange, max_notional=210).admit(intent)
    assert (await refused(guard_of(exchange, max_notional=209), intent)).value == 210
    assert (await refused(guard_of(exchange, max_open_orders=1), intent)).value == 2


# ------------------------------------------------------------------------------------------------------- the count


async def test_two_placements_at_once_do_not_both_take_the_last_place(
    exchange: Exchange, autojump_clock: trio.testing.MockClock
) -> None:
    guard = guard_of(exchange, max_open_orders=1, max_notional=1000)
    ends: list[str] = []

    async def place(number: int) -> None:
        try:
            await guard.admit(limit(number, side=Side.SELL))
        except SafetyRefused as exc:
            ends.append(exc.rule)
        else:
            ends.append("admitted")

    async with trio.open_nursery() as nursery:
        for number in range(3):
            nursery.start_soon(place, number)
    assert sorted(ends) == ["admitted", "max_open_orders", "max_open_orders"]


async def test_what_is_refused_or_cancelled_or_not_sent_gives_its_place_back(
    exchange: Exchange, autojump_clock: trio.testing.MockClock
) -> None:
    guard = guard_of(exchange, max_open_orders=1, max_notional=101)
    await refused(guard, limit(1, price="102"))
    with trio.move_on_after(0.1) as scope:
        await guard.admit(limit(2, side=Side.SELL))
    assert scope.cancelled_caught
    assert guard.open_orders() == ()
    await guard.admit(limit(3))
    guard.on_settled(limit(3), Settle("i3", Part.WHOLE, NotSent("no", WHY)))
    await guard.admit(limit(4))
    guard.release("i4")
    await guard.admit(limit(5))


async def test_what_ends_at_once_needs_no_place(exchange: Exchange) -> None:
    guard = guard_of(exchange, max_open_orders=1)
    await guard.admit(limit(1))
    await guard.admit(at_market(2))
    assert [own.intent_id for own in guard.open_orders()] == ["i1"]


async def test_an_order_makes_way_for_the_one_that_takes_its_place(exchange: Exchange) -> None:
    guard = guard_of(exchange, mirror=True, max_open_orders=1)
    await guard.admit(limit(1))
    accept(guard, limit(1), 11)
    exchange.orders[11] = OrderStatus.NEW
    assert (await refused(guard, replacing(11, "ALLOW_FAILURE"))).rule == "max_open_orders"
    assert (await refused(guard, replacing(12))).rule == "max_open_orders"
    await guard.admit(replacing(11))
    accept(guard, replacing(11), 12)
    exchange.orders[11] = OrderStatus.CANCELED
    assert [own.number for own in guard.open_orders()] == [12]


async def test_the_mirror_tells_which_orders_have_ended(exchange: Exchange) -> None:
    guard = guard_of(exchange, mirror=True, max_open_orders=1)
    await guard.admit(limit(1))
    accept(guard, limit(1), 11)
    exchange.orders[11] = OrderStatus.PARTIALLY_FILLED
    await refused(guard, limit(2))
    exchange.orders[11] = OrderStatus.FILLED
    await guard.admit(limit(3))
    assert exchange.asked == []


@pytest.mark.parametrize("mirror", [None, MirrorState.STALE, MirrorState.LIVE], ids=str)
async def test_where_nobody_tells_of_an_end_the_exchange_is_asked(
    exchange: Exchange, autojump_clock: trio.testing.MockClock, mirror: MirrorState | None
) -> None:
    exchange.state = mirror or MirrorState.LIVE
    guard = guard_of(exchange, mirror=mirror is not None, max_open_orders=1)
    await guard.admit(limit(1))
    accept(guard, limit(1), 11)
    await refused(guard, limit(2))
    exchange.answers[account.ORDER.name] = SimpleNamespace(status=OrderStatus.FILLED)
    await refused(guard, limit(3))
    assert exchange.asked == [(account.ORDER.name, {"symbol": "BTCUSDT", "orderId": 11})]
    await trio.sleep(LOOK_INTERVAL)
    await guard.admit(limit(4))


async def test_a_question_that_fails_leaves_the_order_open(
    exchange: Exchange, autojump_clock: trio.testing.MockClock
) -> None:
    guard = guard_of(exchange, max_open_orders=1)
    await guard.admit(limit(1))
    accept(guard, limit(1), 11)
    exchange.answers[account.ORDER.name] = ConnectionLost("gone")
    assert (await refused(guard, limit(2))).rule == "max_open_orders"


async def test_the_list_stays_short_although_nobody_looks_at_it(exchange: Exchange) -> None:
    guard = guard_of(exchange, mirror=True, cancel_on_exit=1)
    for number in range(1000):
        await guard.admit(limit(number))
        accept(guard, limit(number), number)
        exchange.orders[number] = OrderStatus.FILLED
        assert len(guard._own.all()) < 200
    assert guard.open_orders() == ()


# ------------------------------------------------------------------------------------------------ everything else


@pytest.mark.parametrize("operation", ["DELETE /api/v3/order", "PUT /api/v3/order/amend/keepPriority"])
async def test_what_takes_away_passes_every_rule_but_a_dry_run(exchange: Exchange, operation: str) -> None:
    intent = Intent("i1", operation, {"symbol": "ETHUSDT", "orderId": 5})
    await guard_of(exchange, symbols={"BTCUSDT"}, max_notional="0.01", max_open_orders=1).admit(intent)
    assert (await refused(guard_of(exchange, dry_run=True), intent)).rule == "dry_run"


async def test_a_symbol_that_is_not_allowed_is_refused_before_anything_is_asked(exchange: Exchange) -> None:
    guard = guard_of(exchange, symbols={"ETHUSDT"}, max_notional=1, dry_run=True)
    error = await refused(guard, at_market())
    assert [reason.split(":")[0] for reason in error.reasons] == ["dry_run", "symbols"]
    assert exchange.asked == []


async def test_who_is_leaving_places_nothing_and_cancels(exchange: Exchange) -> None:
    guard = guard_of(exchange, cancel_on_exit=1)
    guard.close()
    with pytest.raises(ConnectorClosed):
        await guard.admit(limit())
    await guard.admit(Intent("i2", "DELETE /api/v3/order", {"symbol": "BTCUSDT", "orderId": 5}))


@pytest.mark.parametrize(
    ("rules", "method", "path", "rule"),
    [
        ({"cancel_on_exit": 1}, "POST", "/api/v3/order", None),
        ({"dry_run": True}, "GET", "/api/v3/order", None),
        ({"dry_run": True}, "POST", "/api/v3/order/test", None),
        ({"dry_run": True}, "POST", "/api/v3/order", "dry_run"),
        ({"dry_run": True}, "DELETE", "/api/v3/order", "dry_run"),
        ({"dry_run": True}, "PUT", "/api/v3/anything", "dry_run"),
        ({"max_notional": 1, "symbols": ["A"]}, "POST", "/api/v3/order", "max_notional"),
        ({"symbols": ["A"]}, "POST", "/api/v3/anything", "symbols"),
        ({"max_open_orders": 1}, "DELETE", "/api/v3/openOrders", None),
        ({"max_open_orders": 1}, "PUT", "/api/v3/anything", "max_open_orders"),
    ],
)
def test_what_cannot_be_judged_may_only_ask_and_cancel(
    exchange: Exchange, rules: dict[str, Any], method: str, path: str, rule: str | None
) -> None:
    guard = guard_of(exchange, **rules)
    if rule is None:
        guard.admit_call(method, path)
        return
    with pytest.raises(SafetyRefused) as caught:
        guard.admit_call(method, path)
    assert caught.value.rule == rule


async def test_who_waits_is_told_of_every_change(exchange: Exchange) -> None:
    guard = guard_of(exchange, cancel_on_exit=1)
    told = 0

    async def watch() -> None:
        nonlocal told
        while True:
            await guard.changed()
            told += 1

    changes: list[Callable[[], None]] = [
        lambda: accept(guard, limit(), 1),
        lambda: guard.release("i1"),
        guard.poke,
    ]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch)
        for change in changes:
            await trio.testing.wait_all_tasks_blocked()
            change()
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert told == 3
