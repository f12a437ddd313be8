"""Self-trade prevention: the scenarios of its FAQ, with the quantities that orders, answers and events tell."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from .economy import ask, bare_market, customer, place, user_events

PRICES = (60_002, 60_001, 60_000)


def maker(quantity: str, price: int = 60_000, stp: str = "NONE") -> dict[str, Any]:
    return {"side": "BUY", "quantity": quantity, "price": price, "selfTradePreventionMode": stp}


THREE = [maker(quantity, price) for quantity, price in zip(("0.12", "0.13", "0.81"), PRICES, strict=True)]
CASES: dict[str, tuple[Any, ...]] = {
    "A": ([maker("0.1")], ("0.1", "NONE"), ["FILLED"], "FILLED", [], None),
    "B": (
        THREE,
        ("0.3", "EXPIRE_MAKER"),
        ["EXPIRED_IN_MATCH"] * 3,
        "NEW",
        [(None, "0.12"), (None, "0.13"), (None, "0.81")],
        None,
    ),
    "C": (THREE, ("0.3", "EXPIRE_TAKER"), ["NEW"] * 3, "EXPIRED_IN_MATCH", [("0.3", None)], "0.3"),
    "D": (
        [maker("0.1")],
        ("0.3", "EXPIRE_BOTH"),
        ["EXPIRED_IN_MATCH"],
        "EXPIRED_IN_MATCH",
        [("0.3", "0.1")],
        "0.3",
    ),
    "E": (
        [maker("0.1", stp="EXPIRE_MAKER")],
        ("0.1", "EXPIRE_TAKER"),
        ["NEW"],
        "EXPIRED_IN_MATCH",
        [("0.1", None)],
        "0.1",
    ),
    "F": ([maker("0.1")], ("0.1", "EXPIRE_MAKER"), ["EXPIRED_IN_MATCH"], "EXPIRED", [(None, "0.1")], None),
    "G": ([maker("0.6")], ("0.2", "DECREMENT"), ["NEW"], "EXPIRED_IN_MATCH", [("0.2", "0.2")], "0.2"),
    "H": (
        [maker("0.6", stp="TRANSFER")],
        ("0.2", "TRANSFER"),
        ["NEW"],
        "EXPIRED_IN_MATCH",
        [("0.2", "0.2")],
        "0.2",
    ),
    "TRANSFER of the taker alone": (
        [maker("0.6", stp="EXPIRE_MAKER")],
        ("0.2", "TRANSFER"),
        ["NEW"],
        "EXPIRED_IN_MATCH",
        [("0.2", "0.2")],
        "0.2",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_scenarios_of_the_faq_end_as_it_says(name: str) -> None:
    makers, (quantity, mode), states, state, matches, prevented = CASES[name]
    market = bare_market()
    account = customer(market, USDT="100000", BTC="10")
    ids = [place(market, account, **order)["orderId"] for order in makers]
    market.take_events()
    kind: dict[str, Any] = {"type": "MARKET"} if name == "F" else {"price": 60_000}
    taken = place(market, account, side="SELL", quantity=quantity, selfTradePreventionMode=mode, **kind)
    rows = [ask(market, "GET /api/v3/order", account, symbol="BTCUSDT", orderId=order_id) for order_id in ids]
    assert ([row["status"] for row in rows], taken["status"]) == (states, state)
    told = taken.get("preventedMatches", [])
    pairs = [(match.get("takerPreventedQuantity"), match.get("makerPreventedQuantity")) for match in told]
    assert [tuple(part and Decimal(part) for part in pair) for pair in pairs] == [
        tuple(part and Decimal(part) for part in pair) for pair in matches
    ]
    assert [match["makerOrderId"] for match in told] == ids[: len(told)]
    assert [match["preventedMatchId"] for match in told] == list(range(len(told)))
    found = taken.get("preventedQuantity")
    assert (found and Decimal(found)) == (prevented and Decimal(prevented))
    for row in (*rows, taken):
        lost = Decimal(row.get("preventedQuantity", 0))
        assert Decimal(row["origQty"]) >= Decimal(row["executedQty"]) + lost
    assert market.discrepancies() == ()


def test_each_side_is_told_of_the_match_that_was_prevented() -> None:
    market = bare_market()
    one, two = customer(market, "one", USDT="100000"), customer(market, "two", BTC="10")
    market.set_trade_group(7, one, two)
    bought = place(market, one, **maker("0.6", stp="TRANSFER"))
    market.take_events()
    sold = place(market, two, side="SELL", quantity="0.2", price=60_000, selfTradePreventionMode="TRANSFER")
    assert (sold["tradeGroupId"], sold["preventedMatches"][0]["makerSymbol"]) == (7, "BTCUSDT")
    reports = [event for event in user_events(market) if event.get("x") == "TRADE_PREVENTION"]
    assert {report["i"]: report["X"] for report in reports} == {
        bought["orderId"]: "NEW",
        sold["orderId"]: "EXPIRED_IN_MATCH",
    }
    for report in reports:
        own, other = report["i"], report["U"]
        assert {own, other} == {bought["orderId"], sold["orderId"]}
        assert (report["u"], report["Cs"], report["v"]) == (7, "BTCUSDT", 0)
        assert (report["A"], report["B"], report["pl"]) == ("0.20000000",) * 3
        assert (report["pL"], report["pY"]) == ("60000.00000000", "12000.00000000")
        assert (report["l"], report["L"], report["Y"], report["t"]) == ("0.00000000",) * 3 + (-1,)
    [match] = ask(market, "GET /api/v3/myPreventedMatches", one, symbol="BTCUSDT", preventedMatchId=0)
    assert (match["tradeGroupId"], match["selfTradePreventionMode"]) == (7, "TRANSFER")
