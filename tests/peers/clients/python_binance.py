"""python-binance: an AsyncClient with its REST or its WebSocket API calls, and the user socket of its manager."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from binance import AsyncClient, BinanceSocketManager
from binance.exceptions import BinanceAPIException

from .scenario import ASSETS, SYMBOL, Balances, Fill, Job, Order, Told, main


class PythonBinance:
    package = "python-binance"

    def __init__(self, job: Job) -> None:
        self._job = job
        self._ws = job.way == "ws_api"
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        job = self._job
        # "Using a custom endpoint": the addresses are attributes of the classes.
        AsyncClient.API_URL = f"{job.rest}/api"
        AsyncClient.WS_API_URL = job.ws_api
        BinanceSocketManager.STREAM_URL = f"{job.streams}/"
        if job.key_type == "HMAC":
            self._client = await AsyncClient.create(job.api_key, job.secret)
        else:
            self._client = await AsyncClient.create(job.api_key, private_key=Path(job.key_file))
        self._manager = BinanceSocketManager(self._client)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await self._client.close_connection()

    async def rules(self) -> tuple[str, str]:
        found: Any = None
        if self._ws:
            [found] = (await self._client.ws_get_exchange_info(symbol=SYMBOL))["symbols"]
        else:
            found = await self._client.get_symbol_info(SYMBOL)
        filters = {entry["filterType"]: entry for entry in found["filters"]}
        return filters["PRICE_FILTER"]["tickSize"], filters["LOT_SIZE"]["stepSize"]

    async def best(self) -> tuple[str, str]:
        ask = self._client.ws_get_orderbook_ticker if self._ws else self._client.get_orderbook_ticker
        found = await ask(symbol=SYMBOL)
        return found["bidPrice"], found["askPrice"]

    async def watch_best(self) -> tuple[str, str]:
        async with self._manager.symbol_book_ticker_socket(SYMBOL) as socket:
            found = await socket.recv()
            return found["b"], found["a"]

    async def listen(self, told: Told) -> None:
        socket = self._manager.user_socket()
        await socket.__aenter__()
        self._tasks.append(asyncio.create_task(self._hear(socket, told)))

    async def _hear(self, socket: Any, told: Told) -> None:
        while True:
            event = await socket.recv()
            if event["e"] == "executionReport":
                told.statuses[event["i"]] = event["X"]
                if event["x"] == "TRADE":
                    fill = Fill(event["t"], event["i"], event["L"], event["l"], event["n"], event["N"])
                    told.fills.append(fill)
            elif event["e"] == "outboundAccountPosition":
                told.balances |= {row["a"]: (row["f"], row["l"]) for row in event["B"]}

    async def limit(self, side: str, quantity: str, price: str, client_id: str) -> Order:
        place = self._client.ws_order_limit if self._ws else self._client.order_limit
        return _order(await place(symbol=SYMBOL, side=side, quantity=quantity, price=price, newClientOrderId=client_id))

    async def market(self, side: str, quantity: str, client_id: str) -> Order:
        place = self._client.ws_order_market if self._ws else self._client.order_market
        return _order(await place(symbol=SYMBOL, side=side, quantity=quantity, newClientOrderId=client_id))

    async def order(self, order_id: int) -> Order:
        ask = self._client.ws_get_order if self._ws else self._client.get_order
        return _order(await ask(symbol=SYMBOL, orderId=order_id))

    async def open_orders(self) -> list[Order]:
        ask = self._client.ws_get_open_orders if self._ws else self._client.get_open_orders
        return [_order(row) for row in await ask(symbol=SYMBOL)]

    async def cancel(self, order_id: int) -> Order:
        cancel = self._client.ws_cancel_order if self._ws else self._client.cancel_order
        return _order(await cancel(symbol=SYMBOL, orderId=order_id))

    async def replace(self, order: Order, quantity: str, price: str) -> Order:
        replace = self._client.ws_cancel_and_replace_order if self._ws else self._client.cancel_replace_order
        answer = await replace(
            symbol=SYMBOL,
            side="BUY",
            type="LIMIT",
            timeInForce="GTC",
            cancelReplaceMode="STOP_ON_FAILURE",
            cancelOrderId=order.id,
            quantity=quantity,
            price=price,
        )
        return _order(answer["newOrderResponse"])

    async def pair(self, quantity: str, above: str, below: str) -> tuple[int, list[Order]]:
        place = self._client.ws_create_oco_order if self._ws else self._client.create_oco_order
        placed = await place(
            symbol=SYMBOL,
            side="SELL",
            quantity=quantity,
            aboveType="LIMIT_MAKER",
            abovePrice=above,
            belowType="STOP_LOSS_LIMIT",
            belowStopPrice=below,
            belowPrice=below,
            belowTimeInForce="GTC",
        )
        return placed["orderListId"], [_order(row) for row in placed["orderReports"]]

    async def cancel_pair(self, list_id: int) -> list[Order]:
        cancel = self._client.ws_cancel_oco_order if self._ws else self._client.v3_delete_order_list
        return [_order(row) for row in (await cancel(symbol=SYMBOL, orderListId=list_id))["orderReports"]]

    async def refusal(self, order_id: int) -> int:
        try:
            await self.cancel(order_id)
        except BinanceAPIException as error:
            return int(error.code)
        return 0

    async def fills(self) -> list[Fill]:
        ask = self._client.ws_get_my_trades if self._ws else self._client.get_my_trades
        return [
            Fill(row["id"], row["orderId"], row["price"], row["qty"], row["commission"], row["commissionAsset"])
            for row in await ask(symbol=SYMBOL)
        ]

    async def balances(self) -> Balances:
        if not self._ws:
            rows = [await self._client.get_asset_balance(asset) for asset in ASSETS]
        else:
            rows = [row for row in (await self._client.ws_get_account())["balances"] if row["asset"] in ASSETS]
        return {row["asset"]: (row["free"], row["locked"]) for row in rows}


def _order(row: Any) -> Order:
    client_id = row.get("origClientOrderId") or row["clientOrderId"]
    return Order(row["orderId"], client_id, row["status"], row["executedQty"], row["cummulativeQuoteQty"])


if __name__ == "__main__":
    main(PythonBinance)
