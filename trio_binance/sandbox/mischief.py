"""Mischief: does to the exchange, its market and its accounts what a schedule of faults says."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, TypeAlias, assert_never, final

import attrs

from .faults.deeds import (
    CancelOrders,
    ChangeFilters,
    DrainBook,
    EndUserStreams,
    ExpireOrders,
    FillOrders,
    ForeignOrder,
    JumpClock,
    ReplicaLag,
    RevokeKeys,
    SetStatus,
    TakeFunds,
    UseUpOrders,
    UseUpWeight,
)
from .numbers import from_decimal
from .orders import BUY, SELL, WORKING, Order
from .refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from .exchange import Exchange
    from .faults.deeds import FloorDeed
    from .ports import HousePort
    from .venue import Venue

Undo: TypeAlias = "tuple[float, Callable[[], None]] | None"
"""After how many seconds something is undone, and by what."""

_IN_TURN = 5
"""How often a resting order is taken again: an iceberg shows one slice at a time."""


@final
class Mischief:
    """Does deeds to an exchange, and says how they are undone."""

    def __init__(self, exchange: Exchange, house: HousePort) -> None:
        self._exchange = exchange
        self._market = exchange.market
        self._house = house
        self._lags: list[float] = []
        self._own_lag_us = self._market.replica_lag_us

    def do(self, deed: FloorDeed) -> Undo:
        """Do a deed now. What others hear of it they hear at once."""
        undo = self._do(deed)
        self._house.settle()
        return undo

    def _do(self, deed: FloorDeed) -> Undo:
        match deed:
            case RevokeKeys(seconds):
                return seconds, self._revoke()
            case ReplicaLag() | SetStatus() | ChangeFilters() | TakeFunds():
                return deed.seconds, self._change(deed)
            case EndUserStreams():
                self._exchange.end_user_streams()
            case JumpClock(by):
                self._house.advance_us(round(by * 1e6))
            case UseUpOrders():
                self._use_up_orders()
            case UseUpWeight(address):
                counter = self._exchange.meter.weight
                counter.add(address, counter.limit.limit, self._now())
            case FillOrders() | ExpireOrders() | CancelOrders() | DrainBook() | ForeignOrder():
                self._trade(deed)
            case never:
                assert_never(never)
        return None

    def _now(self) -> int:
        return self._house.now_us()

    # ------------------------------------------------------------------------------------------- for a while

    def _change(self, deed: ReplicaLag | SetStatus | ChangeFilters | TakeFunds) -> Callable[[], None]:
        match deed:
            case ReplicaLag(lag):
                self._lags.append(lag)
                self._lag()
                return partial(self._catch_up, lag)
            case SetStatus(symbol, status):
                before = self._market.venue(symbol).status
                self._market.set_status(symbol, status, self._now())
                return lambda: self._market.set_status(symbol, before, self._now())
            case ChangeFilters(symbol, tick, step):
                rules = self._market.venue(symbol).symbol
                new_tick = rules.tick if tick is None else from_decimal(tick)
                new_step = rules.step if step is None else from_decimal(step)
                self._market.set_rules(attrs.evolve(rules, tick=new_tick, step=new_step), self._now())
                return lambda: self._market.set_rules(rules, self._now())
            case TakeFunds(asset):
                return self._take_funds(asset)

    def _lag(self) -> None:
        self._market.replica_lag_us = max([self._own_lag_us, *(round(lag * 1e6) for lag in self._lags)])

    def _catch_up(self, lag: float) -> None:
        self._lags.remove(lag)
        self._lag()

    def _revoke(self) -> Callable[[], None]:
        keys = [key for key in self._exchange.keys.values() if not key.revoked]

        def mark(revoked: bool) -> None:
            for key in keys:
                key.revoked = revoked

        mark(True)
        return lambda: mark(False)

    def _take_funds(self, asset: str) -> Callable[[], None]:
        taken = [(account, account.free(asset)) for account in self._market.customers]

        def lock(sign: int) -> None:
            for account, amount in taken:
                self._market.lock_outside(account, asset, sign * amount, self._now())

        lock(1)
        return lambda: lock(-1)

    # -------------------------------------------------------------------------------------------------- at once

    def _use_up_orders(self) -> None:
        shortest = min(self._exchange.meter.orders, key=lambda counter: counter.limit.interval_us)
        for account in self._market.customers:
            shortest.add(account, shortest.limit.limit, self._now())

    def _trade(self, deed: FillOrders | ExpireOrders | CancelOrders | DrainBook | ForeignOrder) -> None:
        venue, now_us = self._market.venue(deed.symbol), self._now()
        match deed:
            case FillOrders():
                self._fill(venue, now_us)
            case ExpireOrders(symbol):
                self._market.expire_orders(symbol, now_us)
            case CancelOrders(symbol):
                self._for_each_customer("DELETE /api/v3/openOrders", {"symbol": symbol})
            case DrainBook():
                _drain(venue, now_us)
            case ForeignOrder():
                self._for_each_customer("POST /api/v3/order", _foreign(deed))

    def _for_each_customer(self, operation: str, params: dict[str, str]) -> None:
        for account in self._market.customers:
            with suppress(Refusal):  # one who cannot pay places nothing, one without orders cancels none
                self._market.call(operation, params, account, self._now())

    def _fill(self, venue: Venue, now_us: int) -> None:
        for account in self._market.customers:
            for order in list(account.blotter(venue.symbol.name).open.values()):
                for _ in range(_IN_TURN if order.phase == WORKING else 0):
                    _take(venue, order, now_us)
                    venue.settle(now_us)


def _take(venue: Venue, order: Order, now_us: int) -> None:
    """Let a passer-by trade with an order, and with all that stands before it."""
    if not order.is_open:
        return
    side = SELL if order.buys else BUY
    taker = Order(venue.house[1], order.symbol, side, "LIMIT", "IOC", 0, order.price)
    for maker in venue.book.facing(taker):
        taker.quantity += maker.remaining
        if maker is order:
            venue.matcher.submit(taker, now_us)
            return


def _drain(venue: Venue, now_us: int) -> None:
    for side in (BUY, SELL):
        anybody = Order(venue.house[1], venue.symbol.name, side, "MARKET", "IOC", 0)
        for order in list(venue.book.facing(anybody)):
            if order.account.house:
                venue.matcher.cancel(order, "", now_us)
    venue.settle(now_us)


def _foreign(deed: ForeignOrder) -> dict[str, str]:
    params = {"symbol": deed.symbol, "side": deed.side, "quantity": f"{deed.quantity:f}"}
    if deed.price is None:
        return {**params, "type": "MARKET"}
    return {**params, "type": "LIMIT", "timeInForce": "GTC", "price": f"{deed.price:f}"}
