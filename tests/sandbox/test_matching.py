"""Matching: against a plain reference, and money that is never made nor lost."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_binance.sandbox.accounts import Account
from trio_binance.sandbox.commission import Rates, Tariff
from trio_binance.sandbox.orders import BUY, SELL, Order
from trio_binance.sandbox.venue import Venue

from .economy import START, UNIT, empty_venue, limit, trader

MODES = ["NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT"]


class Reference:
    """Price-time priority over one unsorted list: slow and plain."""

    def __init__(self) -> None:
        self.resting: list[dict[str, Any]] = []
        self.fills: list[tuple[int, int, int, int]] = []

    def submit(self, order: dict[str, Any]) -> None:
        if order["tif"] == "FOK" and self.fillable(order) < order["left"]:
            return
        while order["left"] and (maker := self.best_for(order)):
            both = min(order["left"], maker["left"])
            if maker["owner"] != order["owner"] or order["stp"] == "NONE":
                self.fills.append((order["id"], maker["id"], maker["price"], both))
                taken = given = both
            else:
                mode = order["stp"]
                taken = order["left"] if mode in ("EXPIRE_TAKER", "EXPIRE_BOTH") else both if mode == "DECREMENT" else 0
                given = maker["left"] if mode in ("EXPIRE_MAKER", "EXPIRE_BOTH") else both if mode == "DECREMENT" else 0
            order["left"] -= taken
            maker["left"] -= given
            if not maker["left"]:
                self.resting.remove(maker)
        if order["left"] and order["tif"] == "GTC":
            self.resting.append(order)

    def facing(self, order: dict[str, Any]) -> list[dict[str, Any]]:
        sign = 1 if order["side"] == BUY else -1
        facing = [
            maker
            for maker in self.resting
            if maker["side"] != order["side"] and (maker["price"] - order["price"]) * sign <= 0
        ]
        return sorted(facing, key=lambda maker: (maker["price"] * sign, maker["id"]))

    def best_for(self, order: dict[str, Any]) -> dict[str, Any] | None:
        return next(iter(self.facing(order)), None)

    def fillable(self, order: dict[str, Any]) -> int:
        found = 0
        for maker in self.facing(order):
            if maker["owner"] == order["owner"] and order["stp"] != "NONE":
                if order["stp"] == "EXPIRE_MAKER":
                    continue
                break
            found += maker["left"]
        return found


@attrs.frozen
class Step:
    owner: int
    side: str
    price: int
    quantity: int
    tif: str
    stp: str
    cancel: int


steps = st.builds(
    Step,
    st.integers(0, 2),
    st.sampled_from([BUY, SELL]),
    st.integers(95, 105),
    st.integers(1, 9),
    st.sampled_from(["GTC", "GTC", "GTC", "IOC", "FOK"]),
    st.sampled_from(MODES),
    st.integers(0, 9),
)


def check_money(venue: Venue, traders: list[Account], fees: dict[str, int], orders: list[Order]) -> None:
    for asset, total in (("BTC", 3 * 10**6 * UNIT), ("USDT", 3 * 10**9 * UNIT)):
        held = sum(account.balance(asset).free + account.balance(asset).locked for account in traders)
        assert held + fees.get(asset, 0) == total
    for account in traders:
        open_orders = [order for order in orders if order.is_open and order.account is account]
        for asset, side in (("BTC", SELL), ("USDT", BUY)):
            assert account.balance(asset).free >= 0
            assert account.balance(asset).locked == sum(order.locked for order in open_orders if order.side == side)
    bid, ask = venue.book.best_bid(), venue.book.best_ask()
    assert bid is None or ask is None or bid < ask


@given(st.lists(steps, min_size=1, max_size=40))
def test_the_engine_fills_as_the_reference_does_and_keeps_all_money(plan: list[Step]) -> None:
    venue, _, fees = empty_venue()
    traders = [trader(uid) for uid in range(3)]
    reference = Reference()
    orders: list[Order] = []
    fills: list[tuple[int, int, int, int]] = []
    for number, step in enumerate(plan, 1):
        order = limit(traders[step.owner], step.side, step.price, step.quantity, step.tif, step.stp)
        made, _ = venue.matcher.submit(order, START + number)
        fills += [
            (fill.taker.id, fill.maker.id, fill.price // UNIT, fill.quantity // UNIT) for fill in made if fill.maker
        ]
        orders.append(order)
        reference.submit(
            {"id": number, "owner": step.owner, "left": step.quantity}
            | {name: getattr(step, name) for name in ("side", "price", "tif", "stp")}
        )
        check_money(venue, traders, fees, orders)
        if step.cancel == 0 and reference.resting:
            gone = reference.resting.pop(0)
            venue.matcher.cancel(orders[gone["id"] - 1], "cancel", START + number)
            check_money(venue, traders, fees, orders)
    assert fills == reference.fills
    left = {order["id"]: order["left"] * UNIT for order in reference.resting}
    assert {order.id: order.remaining for order in orders if order.is_open} == left
    for price, total in (level for side in venue.book.levels(99) for level in side):
        assert total == sum(order.remaining for order in orders if order.is_open and order.price == price)


def test_trades_of_one_taker_at_one_price_are_one_aggregate() -> None:
    venue, _, _ = empty_venue()
    maker, taker = trader(0), trader(1)
    for price in (100, 100, 101):
        venue.matcher.submit(limit(maker, SELL, price, 1), START)
    venue.matcher.submit(limit(taker, BUY, 101, 3), START)
    tape = venue.tape
    assert len(tape) == 3
    assert [tape.agg_range(agg) for agg in range(tape.first_agg_id, tape.next_agg_id)] == [
        (tape.first_id, tape.first_id + 1),
        (tape.first_id + 2, tape.first_id + 2),
    ]
    venue.matcher.submit(limit(maker, SELL, 101, 1), START)
    venue.matcher.submit(limit(taker, BUY, 101, 1), START)
    assert tape.next_agg_id - tape.first_agg_id == 3


def test_a_better_price_gives_the_difference_back() -> None:
    venue, _, _ = empty_venue()
    maker, taker = trader(0), trader(1)
    venue.matcher.submit(limit(maker, SELL, 90, 1), START)
    order = limit(taker, BUY, 100, 3)
    venue.matcher.submit(order, START)
    assert order.locked == 200 * UNIT
    assert taker.balance("USDT").free == (10**9 - 290) * UNIT
    assert taker.balance("BTC").free == (10**6 + 1) * UNIT - UNIT // 1000


def test_commission_comes_out_of_what_is_received() -> None:
    venue, _, fees = empty_venue()
    maker, taker = trader(0), trader(1)
    maker.tariff = Tariff(Rates(maker=50_000))
    venue.matcher.submit(limit(maker, BUY, 100, 1), START)
    [fill], _ = venue.matcher.submit(limit(taker, SELL, 100, 1), START)
    assert fill.maker_fee == (50_000, "BTC")
    assert fill.taker_fee == (10_000_000, "USDT")
    assert fees == {"BTC": 50_000, "USDT": 10_000_000}


@pytest.mark.parametrize(
    ("tif", "reason"), [("IOC", "UNFILLED_IOC_QUANTITY_EXPIRED"), ("FOK", "UNFILLED_FOK_ORDER_EXPIRED")]
)
def test_what_cannot_rest_expires_and_unlocks(tif: str, reason: str) -> None:
    venue, _, _ = empty_venue()
    account = trader(1)
    order = limit(account, BUY, 100, 1, tif)
    venue.matcher.submit(order, START)
    assert (order.status, order.expiry_reason, order.locked) == ("EXPIRED", reason, 0)
    assert account.balance("USDT").locked == 0


def market_order(account: Account, side: str, quantity: int, stp: str = "NONE") -> Order:
    return Order(account, "BTCUSDT", side, "MARKET", "GTC", quantity * UNIT, client_id="id", stp=stp)


def test_a_market_order_that_runs_dry_expires() -> None:
    venue, _, _ = empty_venue()
    maker, taker = trader(0), trader(1)
    venue.matcher.submit(limit(maker, SELL, 100, 2), START)
    order = market_order(taker, BUY, 5)
    assert venue.book.price_of(order) == 200 * UNIT
    venue.matcher.submit(order, START)
    assert (order.status, order.executed, order.expiry_reason) == ("EXPIRED", 2 * UNIT, "INSUFFICIENT_LIQUIDITY")
    assert taker.balance("USDT").locked == 0


def test_a_market_buy_gives_back_what_it_did_not_need() -> None:
    venue, _, _ = empty_venue()
    venue.matcher.submit(limit(trader(0), SELL, 100, 2), START)
    taker = trader(1)
    order = market_order(taker, BUY, 2)
    venue.matcher.submit(order, START)
    assert order.status == "FILLED"
    assert taker.balance("USDT").free == (10**9 - 200) * UNIT
    assert taker.balance("USDT").locked == 0


def test_a_market_buy_never_spends_what_it_has_not() -> None:
    """Self-trade prevention can push a taker to prices that the check of its funds did not see."""
    venue, _, _ = empty_venue()
    poor = trader(1, quote=150)
    venue.matcher.submit(limit(poor, SELL, 100, 1), START)
    venue.matcher.submit(limit(trader(0), SELL, 200, 1), START)
    order = market_order(poor, BUY, 1, "EXPIRE_MAKER")
    venue.matcher.submit(order, START)
    assert (order.status, order.executed) == ("EXPIRED", 0)
    assert poor.balance("USDT").free == 150 * UNIT


def test_price_of_stops_where_the_order_is_full() -> None:
    venue, _, _ = empty_venue()
    for price in (100, 200, 300):
        venue.matcher.submit(limit(trader(0), SELL, price, 1), START)
    assert venue.book.price_of(market_order(trader(1), BUY, 2)) == 300 * UNIT


@pytest.mark.parametrize(
    ("mode", "taker_status", "maker_status", "prevented"),
    [
        ("EXPIRE_TAKER", "EXPIRED_IN_MATCH", "NEW", (5, 0)),
        ("EXPIRE_MAKER", "NEW", "EXPIRED_IN_MATCH", (0, 2)),
        ("EXPIRE_BOTH", "EXPIRED_IN_MATCH", "EXPIRED_IN_MATCH", (5, 2)),
        ("DECREMENT", "NEW", "EXPIRED_IN_MATCH", (2, 2)),
    ],
)
def test_self_trades_are_prevented_by_the_takers_mode(
    mode: str, taker_status: str, maker_status: str, prevented: tuple[int, int]
) -> None:
    venue, _, _ = empty_venue()
    account = trader(1)
    maker, taker = limit(account, SELL, 100, 2), limit(account, BUY, 100, 5, stp=mode)
    venue.matcher.submit(maker, START)
    fills, matches = venue.matcher.submit(taker, START)
    assert not fills
    assert [match.mode for match in matches] == [mode]
    assert (taker.status, maker.status) == (taker_status, maker_status)
    assert (taker.prevented, maker.prevented) == tuple(part * UNIT for part in prevented)


def test_expiring_an_order_for_the_exchange_unlocks_it() -> None:
    venue, _, _ = empty_venue()
    account = trader(1)
    order = limit(account, SELL, 100, 2)
    venue.matcher.submit(order, START)
    venue.matcher.expire(order, "EXCHANGE_CANCELED", START)
    assert (order.status, order.expiry_reason) == ("EXPIRED", "EXCHANGE_CANCELED")
    assert account.balance("BTC").locked == 0
    assert venue.book.best_ask() is None
