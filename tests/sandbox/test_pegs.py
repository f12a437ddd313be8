"""Pegs and icebergs: prices taken from the book, and orders that show a part of themselves."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from trio_binance.sandbox.market import Market
from trio_binance.sandbox.refusals import Refusal

from .economy import START, ask, bare_market, customer, place, strike, user_events

FUNDS = {"USDT": "500000", "BTC": "5"}


def quoted_market() -> tuple[Market, int]:
    """Return a market with three bids and three asks ten dollars apart, and the price between them."""
    market = bare_market()
    price = int(market.trades("BTCUSDT")[-1].price)
    maker = customer(market, "maker", USDT="1000000", BTC="10")
    for away in (10, 20, 30):
        place(market, maker, price=price - away, quantity="1")
        place(market, maker, side="SELL", price=price + away, quantity="1")
    market.take_events()
    return market, price


@pytest.mark.parametrize(
    ("side", "params", "away"),
    [
        ("BUY", {"pegPriceType": "PRIMARY_PEG"}, -10),
        ("SELL", {"pegPriceType": "PRIMARY_PEG", "pegOffsetType": "PRICE_LEVEL", "pegOffsetValue": 2}, 30),
        ("BUY", {"pegPriceType": "PRIMARY_PEG", "pegOffsetType": "PRICE_LEVEL", "pegOffsetValue": 1}, -20),
    ],
)
def test_a_pegged_order_enters_at_a_level_of_the_book(side: str, params: dict[str, Any], away: int) -> None:
    market, price = quoted_market()
    account = customer(market, **FUNDS)
    order = place(market, account, side=side, quantity="0.5", **params)
    assert (order["status"], order["price"], order["peggedPrice"]) == ("NEW", "0.00000000", f"{price + away}.00000000")
    assert order["pegPriceType"] == "PRIMARY_PEG"
    assert ("pegOffsetType" in order) == ("pegOffsetType" in params)
    report = user_events(market)[0]
    assert (report["gP"], report["gp"], report["p"]) == ("PRIMARY_PEG", f"{price + away}.00000000", "0.00000000")
    shown = ask(market, "GET /api/v3/order", account, symbol="BTCUSDT", orderId=order["orderId"])
    assert (shown["price"], shown["peggedPrice"]) == ("0.00000000", f"{price + away}.00000000")
    assert account.locked("USDT" if side == "BUY" else "BTC") == Decimal("0.5") * (
        (price + away) if side == "BUY" else 1
    )


def test_a_market_peg_takes_the_other_side() -> None:
    market, price = quoted_market()
    peg: dict[str, Any] = {"pegPriceType": "MARKET_PEG", "pegOffsetType": "PRICE_LEVEL", "pegOffsetValue": 1}
    order = place(market, customer(market, **FUNDS), quantity="1.5", timeInForce="IOC", **peg)
    assert [fill["price"] for fill in order["fills"]] == [f"{price + 10}.00000000", f"{price + 20}.00000000"]
    assert order["status"] == "FILLED"


def test_a_peg_beyond_the_book_is_refused() -> None:
    market, _ = quoted_market()
    peg: dict[str, Any] = {"pegPriceType": "PRIMARY_PEG", "pegOffsetType": "PRICE_LEVEL", "pegOffsetValue": 3}
    with pytest.raises(Refusal) as caught:
        place(market, customer(market, **FUNDS), quantity="1", **peg)
    assert (caught.value.code, caught.value.msg) == (-2010, "Order book liquidity is too low for this pegged order.")


def test_a_pegged_stop_takes_its_price_when_it_is_triggered() -> None:
    market, price = quoted_market()
    account = customer(market, **FUNDS)
    stop: dict[str, Any] = {"type": "STOP_LOSS_LIMIT", "side": "SELL", "timeInForce": "GTC", "stopPrice": price - 5}
    order = place(market, account, quantity="0.5", pegPriceType="PRIMARY_PEG", newOrderRespType="RESULT", **stop)
    assert "peggedPrice" not in order
    strike(market, price - 5)
    shown = ask(market, "GET /api/v3/order", account, symbol="BTCUSDT", orderId=order["orderId"])
    assert (shown["status"], shown["peggedPrice"]) == ("NEW", f"{price + 10}.00000000")


def test_a_pegged_stop_that_finds_no_level_expires_rejected() -> None:
    market, price = quoted_market()
    account = customer(market, **FUNDS)
    stop: dict[str, Any] = {"type": "STOP_LOSS_LIMIT", "timeInForce": "GTC", "stopPrice": price + 5, "price": price + 5}
    peg: dict[str, Any] = {"pegPriceType": "PRIMARY_PEG", "pegOffsetType": "PRICE_LEVEL", "pegOffsetValue": 9}
    order = place(market, account, quantity="0.5", **stop, **peg)
    assert account.locked("USDT") > 0
    strike(market, price + 5)
    shown = ask(market, "GET /api/v3/order", account, symbol="BTCUSDT", orderId=order["orderId"])
    assert (shown["status"], shown["expiryReason"]) == ("EXPIRED", "REJECTED")
    assert account.locked("USDT") == 0


# ---------------------------------------------------------------------------------------------------------- icebergs


def shown_ask(market: Market) -> str:
    return str(market.book("BTCUSDT").asks[0][1])


def test_the_book_shows_one_slice_at_a_time_and_sends_the_next_to_the_back() -> None:
    market = bare_market()
    price = int(market.trades("BTCUSDT")[-1].price)
    hidden, plain = customer(market, **FUNDS), customer(market, **FUNDS)
    iceberg = place(market, hidden, side="SELL", price=price, quantity="2.5", icebergQty="1")
    other = place(market, plain, side="SELL", price=price, quantity="1")
    assert iceberg["icebergQty"] == "1.00000000"
    assert user_events(market)[0]["F"] == "1.00000000"
    assert shown_ask(market) == "2.00000000"
    assert hidden.locked("BTC") == Decimal("2.5")
    buyer = customer(market, USDT="1000000")
    bought = place(market, buyer, price=price, quantity="1.4")
    assert len(bought["fills"]) == 2
    queries = [(hidden, iceberg), (plain, other)]
    executed = [
        ask(market, "GET /api/v3/order", account, symbol="BTCUSDT", orderId=order["orderId"])["executedQty"]
        for account, order in queries
    ]
    assert executed == ["1.00000000", "0.40000000"]  # the second slice stands behind the plain order
    assert shown_ask(market) == "1.60000000"
    place(market, buyer, price=price, quantity="1.6")
    assert shown_ask(market) == "0.50000000"
    assert all(amount == 0 for amount in market.audit().values())


def test_an_amendment_takes_from_what_an_iceberg_hides_first() -> None:
    market = bare_market()
    price = int(market.trades("BTCUSDT")[-1].price)
    account = customer(market, **FUNDS)
    order = place(market, account, side="SELL", price=price, quantity="2", icebergQty="0.5")
    query = {"symbol": "BTCUSDT", "orderId": order["orderId"]}
    for quantity, shown in (("1", "0.50000000"), ("0.2", "0.20000000")):
        ask(market, "PUT /api/v3/order/amend/keepPriority", account, **query, newQty=quantity)
        assert shown_ask(market) == shown
    ask(market, "DELETE /api/v3/order", account, **query)
    assert market.book("BTCUSDT").asks == ()


def test_fill_or_kill_finds_what_icebergs_hide() -> None:
    market = bare_market()
    price = int(market.trades("BTCUSDT")[-1].price)
    place(market, customer(market, **FUNDS), START, side="SELL", price=price, quantity="2", icebergQty="0.5")
    taken = place(market, customer(market, **FUNDS), price=price, quantity="2", timeInForce="FOK")
    assert (taken["status"], len(taken["fills"])) == ("FILLED", 4)
