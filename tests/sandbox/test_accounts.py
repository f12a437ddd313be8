"""Accounts: balances and blotters."""

from __future__ import annotations

from decimal import Decimal

from trio_binance.sandbox.accounts import Account

from .economy import limit, trader


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
    assert blotter.named["mine"] == [order]
