"""The operations: their weights, their lanes, and that the catalogue agrees with the exchange's documents."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from trio_binance._protocol import catalogue
from trio_binance._protocol.operation import Lane, Operation, Security, Value, by_symbols, per_symbol

ROWS = {
    f"{room.__name__.rpartition('.')[2]}.{name}": row
    for room in (catalogue.general, catalogue.market, catalogue.trading, catalogue.account, catalogue.session)
    for name, row in vars(room).items()
    if isinstance(row, Operation)
}


@pytest.mark.parametrize(
    ("row", "params", "weight"),
    [
        ("market.DEPTH", {}, 5),
        ("market.DEPTH", {"limit": 100}, 5),
        ("market.DEPTH", {"limit": 101}, 25),
        ("market.DEPTH", {"limit": 1000}, 50),
        ("market.DEPTH", {"limit": 5000}, 250),
        ("market.DEPTH", {"limit": 9999}, 250),
        ("market.PRICE_TICKER", {"symbol": "A"}, 2),
        ("market.PRICE_TICKERS", {}, 4),
        ("market.TICKER_24HR", {"symbol": "A"}, 2),
        ("market.TICKERS_24HR", {"symbols": ("A",) * 20}, 2),
        ("market.TICKERS_24HR", {"symbols": ("A",) * 21}, 40),
        ("market.TICKERS_24HR", {"symbols": ("A",) * 101}, 80),
        ("market.TICKERS_24HR", {}, 80),
        ("account.OPEN_ORDERS", {"symbol": "A"}, 6),
        ("account.OPEN_ORDERS", {"symbol": None}, 80),
        ("account.MY_TRADES", {"orderId": 1}, 5),
        ("trading.TEST", {"computeCommissionRates": False}, 1),
        ("trading.TEST", {"computeCommissionRates": True}, 20),
        ("trading.PLACE", {}, 1),
    ],
)
def test_the_weight_follows_the_parameters(row: str, params: dict[str, Value], weight: int) -> None:
    assert ROWS[row].weight(params) == weight


def test_weights_by_symbol_have_a_cap() -> None:
    rule = per_symbol(4, 200)
    assert rule({"symbol": "A"}) == 4
    assert rule({"symbols": ("A",) * 10}) == 40
    assert rule({"symbols": ("A",) * 100}) == 200
    assert by_symbols((1, 2), everything=9)({"symbols": ("A", "B")}) == 9


def test_orders_go_before_the_account_and_that_before_market_data() -> None:
    assert ROWS["trading.CANCEL"].lane is Lane.TRADING
    assert ROWS["account.ACCOUNT"].lane is Lane.ACCOUNT
    assert ROWS["market.DEPTH"].lane is Lane.MARKET


def test_an_operation_is_named_as_people_name_it() -> None:
    assert ROWS["trading.PLACE"].name == "POST /api/v3/order"
    assert ROWS["session.SUBSCRIBE_SIGNATURE"].name == "userDataStream.subscribe.signature"


def test_only_cancels_pass_an_open_breaker_and_only_reads_leave_nothing_unknown() -> None:
    assert {name for name, row in ROWS.items() if row.cancels} == {"trading.CANCEL", "trading.CANCEL_OPEN_ORDERS"}
    assert {name for name, row in ROWS.items() if row.changes_state} == {
        "trading.PLACE",
        "trading.CANCEL",
        "trading.CANCEL_OPEN_ORDERS",
    }


def test_every_row_agrees_with_the_exchanges_documents(spec: Path) -> None:
    documents = {
        f"{entry['method']} {entry['path']}": entry
        for entry in json.loads((spec / "rest.json").read_text())["endpoints"]
    }
    for row in ROWS.values():
        if not row.path:
            continue
        entry = documents[row.name]
        assert row.ws_method == entry["ws_api_method"]
        assert row.security is Security[entry["security"]]
        assert row.orders == entry["unfilled_order_count"]
        assert row.source == " => ".join(entry["data_source"])
        assert row.free_on_success == ("success_override" in entry["weight"])
        if entry["weight"]["type"] == "fixed":
            assert row.weight({}) == entry["weight"]["weight"]
