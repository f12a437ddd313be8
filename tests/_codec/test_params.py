"""Requests become the parameters of the documents."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

from trio_binance._codec import params
from trio_binance.models import LimitMakerOrder, LimitOrder, MarketOrder, Side


def test_the_parameters_of_a_limit_order_stand_in_the_order_of_the_documents() -> None:
    order = LimitOrder("BTCUSDT", Side.BUY, quantity=Decimal("0.01"), price=Decimal(61000))
    assert list(params.order_params(order).items()) == [
        ("symbol", "BTCUSDT"),
        ("side", "BUY"),
        ("type", "LIMIT"),
        ("timeInForce", "GTC"),
        ("quantity", "0.01"),
        ("price", "61000"),
    ]


def test_every_parameter_is_sent_as_text() -> None:
    order = LimitMakerOrder(
        "A",
        "SELL",
        quantity=Decimal("1E+2"),
        price=Decimal("1E-8"),
        iceberg_qty=Decimal("1.50"),
        client_order_id="id-1",
        strategy_id=0,
        strategy_type=1_000_000,
        new_order_resp_type="FULL",
        self_trade_prevention_mode="NONE",
        peg_price_type="PRIMARY_PEG",
        peg_offset_type="PRICE_LEVEL",
        peg_offset_value=3,
    )
    assert params.order_params(order) == {
        "symbol": "A",
        "side": "SELL",
        "type": "LIMIT_MAKER",
        "quantity": "100",
        "price": "0.00000001",
        "newClientOrderId": "id-1",
        "strategyId": "0",
        "strategyType": "1000000",
        "icebergQty": "1.50",
        "newOrderRespType": "FULL",
        "selfTradePreventionMode": "NONE",
        "pegPriceType": "PRIMARY_PEG",
        "pegOffsetValue": "3",
        "pegOffsetType": "PRICE_LEVEL",
    }
    assert all(type(value) is str for value in params.order_params(order).values())


def test_a_market_order_sends_one_quantity() -> None:
    assert list(params.order_params(MarketOrder("A", Side.BUY, quote_order_qty=Decimal("10.50")))) == [
        "symbol",
        "side",
        "type",
        "quoteOrderQty",
    ]


def test_the_order_is_that_of_the_documents(spec: Path) -> None:
    rows = json.loads((spec / "rest.json").read_text())["endpoints"]
    (row,) = [row for row in rows if (row["method"], row["path"]) == ("POST", "/api/v3/order")]
    names = [param["name"] for param in row["params"]]
    ours = [wire for wire, _ in params._ORDER_PARAMS]
    assert ours == [name for name in names if name in ours]
    assert set(names) - set(ours) == {"stopPrice", "trailingDelta", "recvWindow", "timestamp"}
