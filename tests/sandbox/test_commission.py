"""What fills cost: the three kinds of commission, and what BNB saves of the first."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs
import pytest

from trio_binance.sandbox.accounts import Account
from trio_binance.sandbox.commission import BNB, FREE, Rates, Tariff, commission
from trio_binance.sandbox.market import Market
from trio_binance.sandbox.orders import BUY, SELL
from trio_binance.sandbox.symbols import SYMBOLS

from .economy import BTCUSDT, QUIET, START, UNIT, ask, clear, customer, held, limit, place, trader, user_events

FAQ = Tariff(Rates(10, 20, 30, 40), Rates(1_000_000, 2_000_000, 3_000_000, 4_000_000), Rates(112, 114, 118, 116))
"""The rates of the example in the Commission FAQ."""
RECEIVED = 17_491_25000000
"""35,000 * 0.49975 USDT."""


def fee(account: Account, received: int, asset: str = "USDT", side: str = SELL, **changes: Any) -> tuple[int, str]:
    """Return the commission of a taker when BNB costs 260 USDT."""
    symbol = attrs.evolve(BTCUSDT, **changes)
    prices = {"USDT": 260 * UNIT}
    return commission(limit(account, side, 35_000, 1), received, asset, symbol, prices.get, maker=False)


def rich(bnb: int, *, pays_in_bnb: bool = True) -> Account:
    account = trader(1)
    account.tariff = attrs.evolve(FAQ, pays_in_bnb=pays_in_bnb)
    account.balance(BNB).free = bnb
    return account


def bnb_market() -> Market:
    """Return a market of BTCUSDT, BNBUSDT and ETHBTC with empty books."""
    market = Market(1, START, QUIET, [symbol for symbol in SYMBOLS if symbol.name in ("BTCUSDT", "BNBUSDT")])
    for name in market.symbols:
        clear(market, name)
    return market


def test_the_three_kinds_add_up_as_in_the_documents() -> None:
    standard, special, tax = 1_049_475, 1_049_47500000, 4_022_987
    assert fee(rich(0), RECEIVED) == (standard + special + tax, "USDT")
    assert fee(rich(10**9, pays_in_bnb=False), RECEIVED) == (standard + special + tax, "USDT")


def test_bnb_saves_a_quarter_of_the_standard_commission_and_nothing_of_the_rest() -> None:
    standard, special, tax = 4_036 * 3 // 4, 4_03644230, 15_473
    assert fee(rich(10 * UNIT), RECEIVED) == (standard + special + tax, BNB)


@pytest.mark.parametrize("bnb", [0, 4 * UNIT])
def test_who_has_not_enough_bnb_pays_the_whole_in_what_he_receives(bnb: int) -> None:
    assert fee(rich(bnb), RECEIVED)[1] == "USDT"


def test_a_symbol_may_give_no_discount_and_an_asset_have_no_price_in_bnb() -> None:
    assert fee(rich(10 * UNIT), RECEIVED, discount=False)[1] == "USDT"
    assert fee(rich(10 * UNIT), RECEIVED, "BTC", BUY) == fee(rich(0), RECEIVED, "BTC", BUY)


def test_who_buys_bnb_pays_out_of_it_at_the_discount() -> None:
    amount, asset = fee(rich(0), 1_000 * UNIT, BNB, BUY)
    assert asset == BNB
    assert amount == 1_000 * (20 + 30) * 3 // 4 + 1_000 * (5_000_000 + 114 + 118)


def test_the_house_pays_nothing() -> None:
    account = rich(0)
    account.tariff = FREE
    assert fee(account, RECEIVED) == (0, "USDT")


def test_a_fill_paid_in_bnb_moves_bnb_and_tells_so() -> None:
    market = bnb_market()
    taker, maker = customer(market, "taker", USDT="100000", BNB="1"), customer(market, "maker", BTC="1")
    taker.tariff = attrs.evolve(taker.tariff, pays_in_bnb=True)
    place(market, maker, side="SELL", price=60_000, quantity="0.5")
    market.take_events()
    placed = place(market, taker, price=60_000, quantity="0.5", newOrderRespType="FULL")
    bnb_in_btc = market.venue("BNBUSDT").tape.last_price() * UNIT // market.venue("BTCUSDT").tape.last_price()
    paid = Decimal(50_000 * UNIT // bnb_in_btc * 3 // 4) / UNIT
    [fill] = placed["fills"]
    assert (Decimal(fill["commission"]), fill["commissionAsset"]) == (paid, "BNB")
    assert held(taker, "BTC") == (Decimal("0.5"), 0)
    assert held(taker, "BNB") == (1 - paid, 0)
    events = user_events(market)
    [trade] = [event for event in events if event.get("x") == "TRADE" and event["s"] == "BTCUSDT" and not event["m"]]
    assert (trade["n"], trade["N"]) == (fill["commission"], "BNB")
    told = [{row["a"] for row in event["B"]} for event in events if event["e"] == "outboundAccountPosition"]
    assert {"BTC", "USDT", "BNB"} in told
    assert {"BTC", "USDT"} in told
    assert not any(market.audit().values())


def test_an_opo_sells_all_that_it_bought_when_its_commission_was_paid_in_bnb() -> None:
    market = bnb_market()
    buyer, seller = customer(market, "buyer", USDT="100000", BNB="1"), customer(market, "seller", BTC="1")
    buyer.tariff = attrs.evolve(buyer.tariff, pays_in_bnb=True)
    params: dict[str, Any] = {"symbol": "BTCUSDT", "workingType": "LIMIT", "workingSide": "BUY", "workingPrice": 60_000}
    params |= {"workingQuantity": "0.5", "workingTimeInForce": "GTC", "pendingType": "LIMIT", "pendingSide": "SELL"}
    params |= {"pendingPrice": 70_000, "pendingTimeInForce": "GTC"}
    ask(market, "POST /api/v3/orderList/opo", buyer, **params)
    place(market, seller, side="SELL", price=60_000, quantity="0.5")
    [pending] = ask(market, "GET /api/v3/openOrders", buyer)
    assert pending["origQty"] == "0.50000000"
    assert held(buyer, "BTC") == (0, Decimal("0.5"))
    assert not any(market.audit().values())


def test_the_rates_are_told_by_symbol_and_for_an_order() -> None:
    market = bnb_market()
    account = customer(market, USDT="100000")
    account.tariff = attrs.evolve(FAQ, pays_in_bnb=True)
    view = ask(market, "GET /api/v3/account/commission", account, symbol="BTCUSDT")
    assert view["taxCommission"] == {
        "maker": "0.00000112",
        "taker": "0.00000114",
        "buyer": "0.00000118",
        "seller": "0.00000116",
    }
    assert view["discount"]["enabledForAccount"] is True
    order: dict[str, Any] = {"side": "SELL", "type": "LIMIT", "timeInForce": "GTC", "price": 60_000, "quantity": 1}
    order |= {"symbol": "BTCUSDT", "computeCommissionRates": "true"}
    tested = ask(market, "POST /api/v3/order/test", account, **order)
    assert tested["taxCommissionForOrder"] == {"maker": "0.00000228", "taker": "0.00000230"}
    assert tested["discount"] == view["discount"]
    assert ask(market, "GET /api/v3/account", account)["commissionRates"]["seller"] == "0.00000040"
