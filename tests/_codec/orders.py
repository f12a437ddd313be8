"""Answers about orders, in small: what the tests put together."""

from __future__ import annotations

from typing import Any

ACK: dict[str, Any] = {"symbol": "A", "orderId": 28, "orderListId": -1, "clientOrderId": "x", "transactTime": 1}
RESULT: dict[str, Any] = ACK | {
    "price": "0.00",
    "origQty": "10",
    "executedQty": "10",
    "cummulativeQuoteQty": "10",
    "status": "FILLED",
    "timeInForce": "GTC",
    "type": "MARKET",
    "side": "SELL",
}
CONDITIONAL: dict[str, Any] = {
    "icebergQty": "0.00000000",
    "preventedMatchId": 0,
    "preventedQuantity": "1.200000",
    "stopPrice": "23500.00000000",
    "strategyId": 37463720,
    "strategyType": 1000000,
    "trailingDelta": 10,
    "trailingTime": -1,
    "usedSor": True,
    "workingFloor": "SOR",
    "pegPriceType": "PRIMARY_PEG",
    "pegOffsetType": "PRICE_LEVEL",
    "pegOffsetValue": 5,
    "peggedPrice": "87523.83710000",
    "expiryReason": "INSUFFICIENT_LIQUIDITY",
    "workingTime": -1,
    "selfTradePreventionMode": "NONE",
    "orderCapacity": "PRINCIPAL",
}
FILL: dict[str, Any] = {"price": "4", "qty": "1", "commission": "4", "commissionAsset": "USDT", "tradeId": 56}
CANCELLED: dict[str, Any] = RESULT | {"origClientOrderId": "o", "status": "CANCELED"}
LIST: dict[str, Any] = {
    "orderListId": 1,
    "contingencyType": "OTO",
    "listStatusType": "EXEC_STARTED",
    "listOrderStatus": "EXECUTING",
    "listClientOrderId": "l",
    "transactionTime": 2,
    "symbol": "A",
    "orders": [{"symbol": "A", "orderId": 28, "clientOrderId": "x"}],
}
