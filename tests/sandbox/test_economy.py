"""The whole economy as a state machine: whatever customers send, the books stay true."""

from __future__ import annotations

import contextlib
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from trio_binance.sandbox.accounts import Account
from trio_binance.sandbox.market import Market, UserEvent
from trio_binance.sandbox.orders import CONTINGENT, WAITING, WORKING
from trio_binance.sandbox.refusals import Refusal

from .economy import START, ask, bare_market, customer

AMEND = "PUT /api/v3/order/amend/keepPriority"
SIDES = st.sampled_from(["BUY", "SELL"])
TICKS = st.integers(-20, 20)
SIZES = st.integers(1, 30)
MODES = st.sampled_from(["NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT", "TRANSFER"])
ACCOUNTS = st.integers(0, 2)
SYMBOLS = ("BTCUSDT", "BTCUSDC")


class Economy(RuleBasedStateMachine):
    """Three customers, two of them in a trade group, on two books that smart order routing joins."""

    @initialize(seed=st.integers(0, 3))
    def open(self, seed: int) -> None:
        self.market: Market = bare_market(seed, "BTCUSDC", "BNBUSDT")
        funds = {"BTC": "0.2", "USDT": "15000", "USDC": "15000", "BNB": "0.01"}
        self.accounts = [customer(self.market, str(number), **funds) for number in range(3)]
        self.accounts[1].tariff = attrs.evolve(self.accounts[1].tariff, pays_in_bnb=True)
        self.market.set_trade_group(1, *self.accounts[:2])
        self.now = START
        self.middle = int(self.market.trades("BTCUSDT")[-1].price)

    def send(self, operation: str, owner: int, **params: Any) -> Any:
        self.now += 1_000
        with contextlib.suppress(Refusal):
            return ask(self.market, operation, self.accounts[owner], self.now, **params)

    def price(self, ticks: int) -> int:
        return self.middle + 10 * ticks

    @staticmethod
    def size(hundredths: int) -> str:
        return f"0.{hundredths:03d}"

    @rule(
        owner=ACCOUNTS,
        symbol=st.sampled_from(SYMBOLS),
        side=SIDES,
        ticks=TICKS,
        size=SIZES,
        tif=st.sampled_from(["GTC", "GTC", "GTC", "IOC", "FOK"]),
        slices=st.sampled_from([None, None, 2, 5]),
        stp=MODES,
    )
    def limit(
        self, owner: int, symbol: str, side: str, ticks: int, size: int, tif: str, slices: int | None, stp: str
    ) -> None:
        iceberg = {"icebergQty": self.size(max(1, size // slices))} if slices and tif == "GTC" else {}
        self.send(
            "POST /api/v3/order",
            owner,
            symbol=symbol,
            side=side,
            type="LIMIT",
            timeInForce=tif,
            price=self.price(ticks),
            quantity=self.size(size),
            selfTradePreventionMode=stp,
            **iceberg,
        )

    @rule(owner=ACCOUNTS, side=SIDES, size=SIZES, stp=MODES, routed=st.booleans())
    def market_order(self, owner: int, side: str, size: int, stp: str, routed: bool) -> None:
        path = "POST /api/v3/sor/order" if routed else "POST /api/v3/order"
        common = {"symbol": "BTCUSDT", "side": side, "type": "MARKET", "selfTradePreventionMode": stp}
        self.send(path, owner, quantity=self.size(size), **common)

    @rule(owner=ACCOUNTS, side=SIDES, ticks=TICKS, size=SIZES, tif=st.sampled_from(["GTC", "IOC", "FOK"]), stp=MODES)
    def routed(self, owner: int, side: str, ticks: int, size: int, tif: str, stp: str) -> None:
        common = {
            "symbol": "BTCUSDT",
            "side": side,
            "type": "LIMIT",
            "timeInForce": tif,
            "selfTradePreventionMode": stp,
        }
        self.send("POST /api/v3/sor/order", owner, price=self.price(ticks), quantity=self.size(size), **common)

    @rule(
        owner=ACCOUNTS,
        side=SIDES,
        kind=st.sampled_from(sorted(CONTINGENT)),
        ticks=TICKS,
        further=TICKS,
        size=SIZES,
        delta=st.sampled_from([None, None, 10, 30]),
        pegged=st.booleans(),
    )
    def contingent(
        self, owner: int, side: str, kind: str, ticks: int, further: int, size: int, delta: int | None, pegged: bool
    ) -> None:
        params: dict[str, Any] = {"side": side, "type": kind, "quantity": self.size(size)}
        params |= {"stopPrice": self.price(ticks)} if delta is None or ticks % 2 else {}
        params |= {} if delta is None else {"trailingDelta": delta}
        if kind.endswith("LIMIT"):
            params |= {"timeInForce": "GTC"}
            params |= {"pegPriceType": "PRIMARY_PEG"} if pegged else {"price": self.price(further)}
        self.send("POST /api/v3/order", owner, symbol="BTCUSDT", **params)

    @rule(owner=ACCOUNTS, side=SIDES, size=SIZES, peg=st.sampled_from(["PRIMARY_PEG", "MARKET_PEG"]))
    def pegged(self, owner: int, side: str, size: int, peg: str) -> None:
        common = {"symbol": "BTCUSDT", "side": side, "type": "LIMIT", "timeInForce": "GTC", "pegPriceType": peg}
        self.send("POST /api/v3/order", owner, quantity=self.size(size), **common)

    def pair(self, side: str, near: int, far: int, above: str = "above", below: str = "below") -> dict[str, Any]:
        """Return the two orders of an OCO around the last price."""
        last, sign = int(self.market.trades("BTCUSDT")[-1].price), 1 if side == "SELL" else -1
        goal, stop = (above, below) if side == "SELL" else (below, above)
        return {
            f"{goal}Type": "LIMIT_MAKER",
            f"{goal}Price": last + sign * 10 * near,
            f"{stop}Type": "STOP_LOSS" if far % 2 else "STOP_LOSS_LIMIT",
            f"{stop}StopPrice": last - sign * 10 * far,
            **({} if far % 2 else {f"{stop}Price": last - sign * 10 * (far + 1), f"{stop}TimeInForce": "GTC"}),
        }

    @rule(owner=ACCOUNTS, side=SIDES, near=st.integers(1, 9), far=st.integers(1, 9), size=SIZES)
    def oco(self, owner: int, side: str, near: int, far: int, size: int) -> None:
        legs = self.pair(side, near, far)
        self.send("POST /api/v3/orderList/oco", owner, symbol="BTCUSDT", side=side, quantity=self.size(size), **legs)

    @rule(
        owner=ACCOUNTS,
        kind=st.sampled_from(["oto", "otoco", "opo", "opoco"]),
        side=SIDES,
        ticks=TICKS,
        near=st.integers(1, 9),
        far=st.integers(1, 9),
        size=SIZES,
        market=st.booleans(),
    )
    def chain(self, owner: int, kind: str, side: str, ticks: int, near: int, far: int, size: int, market: bool) -> None:
        first = "BUY" if kind.startswith("opo") else side
        then = "SELL" if first == "BUY" else "BUY"
        params: dict[str, Any] = {
            "workingType": "LIMIT",
            "workingTimeInForce": "GTC",
            "workingSide": first,
            "workingPrice": self.price(ticks),
            "workingQuantity": self.size(size),
            "pendingSide": then,
        }
        params |= {"pendingQuantity": self.size(size)} if kind.startswith("oto") else {}
        if kind.endswith("co"):
            params |= self.pair(then, near, far, "pendingAbove", "pendingBelow")
        elif market:
            params |= {"pendingType": "MARKET"}
        else:
            params |= {"pendingType": "LIMIT", "pendingTimeInForce": "GTC", "pendingPrice": self.price(ticks + near)}
        self.send(f"POST /api/v3/orderList/{kind}", owner, symbol="BTCUSDT", **params)

    def open_order(self, owner: int, number: int) -> dict[str, Any] | None:
        orders = [order for symbol in SYMBOLS for order in self.accounts[owner].blotter(symbol).open.values()]
        if not orders:
            return None
        order = orders[number % len(orders)]
        return {"symbol": order.symbol, "orderId": order.id}

    @rule(owner=ACCOUNTS, number=st.integers(0, 9))
    def cancel(self, owner: int, number: int) -> None:
        query = self.open_order(owner, number)
        if query is not None:
            assert self.send("DELETE /api/v3/order", owner, **query)

    @rule(owner=ACCOUNTS, number=st.integers(0, 9), size=SIZES)
    def amend(self, owner: int, number: int, size: int) -> None:
        query = self.open_order(owner, number)
        if query is not None:
            self.send(AMEND, owner, **query, newQty=self.size(size))

    @rule(owner=ACCOUNTS)
    @precondition(lambda self: hasattr(self, "market"))
    def cancel_everything(self, owner: int) -> None:
        self.send("DELETE /api/v3/openOrders", owner, symbol="BTCUSDT")
        assert not self.accounts[owner].blotter("BTCUSDT").open

    # --------------------------------------------------------------------------------------------- what always holds

    @invariant()
    def no_money_is_made_or_lost(self) -> None:
        if hasattr(self, "market"):
            assert self.market.discrepancies() == ()

    @invariant()
    def what_is_locked_is_locked_for_open_orders(self) -> None:
        for account in getattr(self, "accounts", ()):
            locked: dict[str, int] = {}
            for symbol in SYMBOLS:
                for order in account.blotter(symbol).open.values():
                    asset = symbol[3:] if order.buys else "BTC"
                    assert order.locked >= 0
                    locked[asset] = locked.get(asset, 0) + order.locked
            for asset, balance in account.balances.items():
                assert balance.free >= 0
                assert balance.locked == locked.get(asset, 0), asset

    @invariant()
    def books_are_never_crossed_and_show_their_orders(self) -> None:
        for symbol in SYMBOLS if hasattr(self, "market") else ():
            venue = self.market._venues[symbol]
            bid, ask_ = venue.book.best_bid(), venue.book.best_ask()
            assert bid is None or ask_ is None or bid < ask_
            working = [order for order in self.orders(symbol) if order.is_open and order.phase == WORKING]
            for side, levels in (("BUY", venue.book.bids), ("SELL", venue.book.asks)):
                shown: dict[int, int] = {}
                for order in working:
                    if order.side == side:
                        assert 0 < order.shown <= order.remaining
                        shown[order.price] = shown.get(order.price, 0) + order.shown
                assert {price: level.total for price, level in levels.items()} == shown

    @invariant()
    def waiting_orders_wait_and_nothing_is_due(self) -> None:
        for symbol in SYMBOLS if hasattr(self, "market") else ():
            matcher = self.market._venues[symbol].matcher
            assert not matcher._due
            waiting = {order.id for order in self.orders(symbol) if order.is_open and order.phase == WAITING}
            assert matcher.stops.waiting.keys() == waiting
            for order in self.orders(symbol):
                assert order.working_us is not None or not order.executed
                assert 0 <= order.remaining <= order.quantity

    @invariant()
    def lists_are_open_as_long_as_one_of_their_orders_is(self) -> None:
        for account in getattr(self, "accounts", ()):
            for kept in account.lists.values():
                alive = any(order.is_open for order in kept.orders)
                assert (kept.status == "EXECUTING") == alive == (kept.id in account.open_lists)
                pair = [order for order in kept.orders if order is not kept.working]
                assert sum(order.executed > 0 for order in pair) <= 1

    @invariant()
    def the_last_position_told_is_the_truth(self) -> None:
        told: dict[tuple[Account, str], tuple[str, str]] = getattr(self, "told", {})
        self.told = told
        for event in self.market.take_events() if hasattr(self, "market") else ():
            if isinstance(event, UserEvent) and event.data["e"] == "outboundAccountPosition":
                for row in event.data["B"]:
                    told[event.account, row["a"]] = (row["f"], row["l"])
        for account in getattr(self, "accounts", ()):
            for asset in ("BTC", "USDT", "USDC", "BNB"):
                if (account, asset) in told:
                    assert told[account, asset] == (f"{account.free(asset):f}", f"{account.locked(asset):f}"), asset

    def orders(self, symbol: str) -> list[Any]:
        return [order for account in self.accounts for order in account.blotter(symbol).orders.values()]


Economy.TestCase.settings = settings(
    max_examples=30, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
TestEconomy = pytest.mark.slow(Economy.TestCase)
