"""The truth beside what clients are told: every order, fill and balance, and that no money is made or lost."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs
import pytest
from trio.testing import MockClock

from trio_binance.config import Credentials, SandboxSpec
from trio_binance.sandbox import open_sandbox
from trio_binance.sandbox.market import Market
from trio_binance.sandbox.truth import TrueBalance, discrepancies, true_balances, true_fills, true_orders

from .economy import START, UNIT, ask, bare_market, customer, place

ASSETS = {"BTCUSDT": ("BTC", "USDT"), "BTCUSDC": ("BTC", "USDC")}
KEY = Credentials.hmac("a-key-for-tests", "a-secret-for-tests")


def traded() -> Market:
    """Return a market on which a customer was amended, filled, routed and cancelled."""
    market = bare_market(1, "BTCUSDC")
    account, other = customer(market, "key", USDT="10000", USDC="10000"), customer(market, "other", BTC="1")
    placed = place(market, account, price=60_000, quantity="0.02", newClientOrderId="first")
    amend: dict[str, Any] = {
        "symbol": "BTCUSDT",
        "orderId": placed["orderId"],
        "newQty": "0.01",
        "newClientOrderId": "second",
    }
    ask(market, "PUT /api/v3/order/amend/keepPriority", account, **amend)
    place(market, other, side="SELL", price=60_000, quantity="0.004")
    place(market, other, symbol="BTCUSDC", side="SELL", price=60_000, quantity="0.002")
    routed: dict[str, Any] = {
        "symbol": "BTCUSDT",
        "side": "BUY",
        "type": "LIMIT",
        "timeInForce": "IOC",
        "quantity": "0.002",
    }
    ask(market, "POST /api/v3/sor/order", account, price=60_500, **routed)
    return market


def test_every_order_is_told_with_all_its_names() -> None:
    market = traded()
    first, routed = true_orders(market.customers[0])
    assert first.client_order_id == "second"
    assert first.client_order_ids == ("first", "second")
    assert (first.status, first.is_open) == ("PARTIALLY_FILLED", True)
    assert (first.price, first.quantity, first.executed) == (Decimal(60_000), Decimal("0.01"), Decimal("0.004"))
    assert (first.spent, first.order_list_id, first.side, first.type) == (Decimal(240), -1, "BUY", "LIMIT")
    assert (routed.status, routed.is_open) == ("FILLED", False)


def test_every_fill_is_told_allocations_too() -> None:
    market = traded()
    trade, allocation = true_fills(market.customers[0])
    assert (trade.price, trade.quantity, trade.quote) == (Decimal(60_000), Decimal("0.004"), Decimal(240))
    assert (trade.commission, trade.commission_asset) == (Decimal("0.000004"), "BTC")
    assert (trade.is_buyer, trade.is_maker, trade.allocation_id) == (True, True, None)
    assert (allocation.trade_id, allocation.allocation_id, allocation.quantity) == (-1, 0, Decimal("0.002"))


def test_balances_are_told_as_they_are() -> None:
    balances = true_balances(traded().customers[0])
    assert balances["BTC"] == TrueBalance(Decimal("0.005994"), Decimal(0))
    assert balances["USDT"] == TrueBalance(Decimal(10_000 - 240 - 120 - 360), Decimal(360))


def test_books_that_agree_say_nothing() -> None:
    market = traded()
    account = market.customers[0]
    market.lock_outside(account, "USDT", Decimal(10), START)
    market.deposit(account, "BTC", Decimal(1), START)
    assert market.discrepancies() == ()


def test_money_from_nothing_and_money_that_is_gone_are_told() -> None:
    market = traded()
    account = market.customers[0]
    account.balance("USDT").free += UNIT
    assert market.discrepancies() == (
        "USDT: 1.00000000 made from nothing",
        "<Account 1005> held of USDT: 9641.00000000, and not 9640.00000000".replace("1005", str(account.uid)),
    )
    account.balance("USDT").free -= 20_000 * UNIT
    assert any("free of USDT: -" in word for word in market.discrepancies())


def test_a_lock_for_nothing_and_a_fill_that_was_lost_are_told() -> None:
    market = traded()
    account = market.customers[0]
    balance = account.balance("USDT")
    balance.free, balance.locked = balance.free - UNIT, balance.locked + UNIT
    account.blotter("BTCUSDT").trades.clear()
    words = list(discrepancies(account, ASSETS))
    assert "locked of USDT: 361.00000000, and not 360.00000000" in words
    assert any(word.startswith("executed of BTCUSDT order") for word in words)


async def test_a_sandbox_tells_the_truth_of_the_configured_account(autojump_clock: MockClock) -> None:
    async with open_sandbox(SandboxSpec(seed=7), credentials=KEY) as sandbox:
        account = sandbox.account
        assert sandbox.balances()["USDT"].free == 100_000
        assert (sandbox.orders(), sandbox.fills()) == ((), ())
        place(sandbox.market, account, sandbox.now_us(), type="MARKET", quantity="0.01")
        [order] = sandbox.orders()
        assert order.executed == sum(fill.quantity for fill in sandbox.fills()) == Decimal("0.01")
        other = customer(sandbox.market, "other", USDT="1")
        assert sandbox.orders(other) == ()
        assert sandbox.balances(other)["USDT"].free == 1
        assert sandbox.conserved()
        account.balance("BTC").free += 1
        assert not sandbox.conserved()
        assert len(sandbox.discrepancies()) == 2


async def test_a_sandbox_without_a_key_has_no_account_of_its_own(autojump_clock: MockClock) -> None:
    async with open_sandbox(SandboxSpec(seed=7), credentials=None) as sandbox:
        with pytest.raises(LookupError, match="without credentials"):
            sandbox.orders()


def test_what_a_trade_group_moves_among_its_accounts_is_no_discrepancy() -> None:
    market = bare_market()
    one, two = customer(market, "one", USDT="10000"), customer(market, "two", BTC="1")
    two.tariff = attrs.evolve(two.tariff, pays_in_bnb=True)
    market.set_trade_group(1, one, two)
    for account, side in ((one, "BUY"), (two, "SELL")):
        place(market, account, side=side, price=60_000, quantity="0.01", selfTradePreventionMode="TRANSFER")
    assert true_balances(one)["BTC"].free == Decimal("0.01")
    assert market.discrepancies() == ()
