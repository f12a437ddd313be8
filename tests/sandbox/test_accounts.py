"""Accounts: balances, blotters, and order counts in fixed windows."""

from __future__ import annotations

from decimal import Decimal

from trio_binance.sandbox.accounts import ORDER_WINDOWS_US, Account, OrderCount

from .economy import SECOND, START, limit, trader


def test_an_unknown_asset_is_an_empty_balance_that_stays_the_same() -> None:
    account = Account("key", 1)
    assert account.balance("X") is account.balance("X")
    assert account.free("X") == account.locked("X") == Decimal(0)
    assert repr(account) == "<Account 1>"
    assert repr(Account("", 2, house=True)) == "<Account 2 house>"


def test_a_blotter_finds_the_open_order_with_a_client_id() -> None:
    account = trader(1)
    blotter = account.blotter("BTCUSDT")
    assert blotter is account.blotter("BTCUSDT")
    order = limit(account, "BUY", 1, 1)
    order.id, order.client_id = 7, "mine"
    blotter.add(order)
    assert blotter.open_with("mine") is order
    del blotter.open[7]
    assert blotter.open_with("mine") is None
    assert blotter.open_with("other") is None
    assert blotter.newest["mine"] is order


def test_counts_live_in_fixed_windows_of_the_exchanges_clock() -> None:
    count, window = OrderCount(), 10 * SECOND
    aligned = START // window * window
    count.add(window, aligned + window - 1, 3)
    assert count.get(window, aligned + window - 1) == 3
    assert count.get(window, aligned + window) == 0


def test_credit_never_goes_below_zero() -> None:
    account = Account("key", 1)
    account.count_order(START)
    account.count_order(START, -5)
    assert [account.order_count.get(window, START) for window in ORDER_WINDOWS_US] == [0, 0]
