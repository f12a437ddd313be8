"""ccxt: its unified methods over REST or over the WebSocket API, and the watch methods of ccxt.pro."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import ccxt.pro

from .scenario import ASSETS, Balances, Fill, Job, Order, Told, main, note

SYMBOL = "BTC/USDT"
STATUSES = {"open": "NEW", "closed": "FILLED", "canceled": "CANCELED"}


class Ccxt:
    package = "ccxt"

    def __init__(self, job: Job) -> None:
        self._ws = job.way == "ws_api"
        self._tasks: list[asyncio.Task[None]] = []
        # What is not Spot (margin pairs, the wallet's list of currencies) is asked of other hosts: nothing must leave.
        options = {"fetchMarkets": {"types": ["spot"]}, "fetchMargins": False, "fetchCurrencies": False}
        self._exchange = ccxt.pro.binance({"apiKey": job.api_key, "secret": job.secret, "options": options})
        # "Overriding exchange properties": the addresses are entries of urls["api"].
        urls = self._exchange.urls["api"]
        urls |= {name: job.rest for name, url in urls.items() if isinstance(url, str)}
        urls["public"] = urls["private"] = f"{job.rest}/api/v3"
        # It tells spot markets by "//stream" in the address, as the exchange's own begins; here it is a user's name.
        urls["ws"]["spot"] = f"{job.streams.replace('//', '//stream@')}/ws"
        urls["ws"]["ws-api"]["spot"] = job.ws_api

    async def open(self) -> None:
        await self._exchange.load_markets()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await self._exchange.close()

    async def rules(self) -> tuple[str, str]:
        precision = self._exchange.market(SYMBOL)["precision"]
        return _text(precision["price"]), _text(precision["amount"])

    async def best(self) -> tuple[str, str]:
        if self._ws:
            note("fetch_ticker_ws and fetch_order_book_ws refuse spot markets; asked by REST")
        found = await self._exchange.fetch_ticker(SYMBOL)
        return _text(found["bid"]), _text(found["ask"])

    async def watch_best(self) -> tuple[str, str]:
        found = (await self._exchange.watch_bids_asks([SYMBOL]))[SYMBOL]
        return _text(found["bid"]), _text(found["ask"])

    async def listen(self, told: Told) -> None:
        def on_orders(orders: Any) -> None:
            told.statuses |= {int(order["id"]): STATUSES[order["status"]] for order in orders}

        def on_trades(trades: Any) -> None:
            told.fills.extend(_fill(trade) for trade in trades)

        def on_balance(balance: Any) -> None:
            told.balances |= _balances(balance)

        watches = (
            (self._exchange.watch_orders, on_orders),
            (self._exchange.watch_my_trades, on_trades),
            (self._exchange.watch_balance, on_balance),
        )
        for watch, take in watches:
            self._tasks.append(asyncio.create_task(self._hear(watch, take)))
        await asyncio.sleep(1)  # there is no telling when it has subscribed

    async def _hear(self, watch: Callable[[], Awaitable[Any]], take: Callable[[Any], None]) -> None:
        while True:
            take(await watch())

    async def limit(self, side: str, quantity: str, price: str, client_id: str) -> Order:
        place = self._exchange.create_order_ws if self._ws else self._exchange.create_order
        extra = {"newClientOrderId": client_id}
        return _order(await place(SYMBOL, "limit", side.lower(), float(quantity), float(price), extra))

    async def market(self, side: str, quantity: str, client_id: str) -> Order:
        place = self._exchange.create_order_ws if self._ws else self._exchange.create_order
        extra = {"newClientOrderId": client_id}
        return _order(await place(SYMBOL, "market", side.lower(), float(quantity), None, extra))

    async def order(self, order_id: int) -> Order:
        ask = self._exchange.fetch_order_ws if self._ws else self._exchange.fetch_order
        return _order(await ask(str(order_id), SYMBOL))

    async def open_orders(self) -> list[Order]:
        ask = self._exchange.fetch_open_orders_ws if self._ws else self._exchange.fetch_open_orders
        return [_order(row) for row in await ask(SYMBOL)]

    async def cancel(self, order_id: int) -> Order:
        cancel = self._exchange.cancel_order_ws if self._ws else self._exchange.cancel_order
        return _order(await cancel(str(order_id), SYMBOL))

    async def replace(self, order: Order, quantity: str, price: str) -> Order:
        edit = self._exchange.edit_order_ws if self._ws else self._exchange.edit_order
        return _order(await edit(str(order.id), SYMBOL, "limit", "buy", float(quantity), float(price)))

    async def pair(self, quantity: str, above: str, below: str) -> tuple[int, list[Order]]:
        note("it has no method for order lists; placed and cancelled by its implicit REST methods")
        terms = {
            "symbol": self._exchange.market(SYMBOL)["id"],
            "side": "SELL",
            "quantity": quantity,
            "aboveType": "LIMIT_MAKER",
            "abovePrice": above,
            "belowType": "STOP_LOSS_LIMIT",
            "belowStopPrice": below,
            "belowPrice": below,
            "belowTimeInForce": "GTC",
        }
        placed = await self._exchange.private_post_orderlist_oco(terms)
        return int(placed["orderListId"]), self._orders(placed)

    async def cancel_pair(self, list_id: int) -> list[Order]:
        terms = {"symbol": self._exchange.market(SYMBOL)["id"], "orderListId": list_id}
        return self._orders(await self._exchange.private_delete_orderlist(terms))

    def _orders(self, answer: Any) -> list[Order]:
        return [_order(self._exchange.parse_order(row)) for row in answer["orderReports"]]

    async def refusal(self, order_id: int) -> int:
        try:
            await self.cancel(order_id)
        except ccxt.OrderNotFound as error:
            # The exchange's own answer follows the client's name in the text of the error.
            answer = json.loads(str(error).removeprefix("binance "))
            return int(answer.get("error", answer)["code"])
        return 0

    async def fills(self) -> list[Fill]:
        ask = self._exchange.fetch_my_trades_ws if self._ws else self._exchange.fetch_my_trades
        return [_fill(row) for row in await ask(SYMBOL)]

    async def balances(self) -> Balances:
        if not self._ws:
            return _balances(await self._exchange.fetch_balance())
        note("fetch_balance_ws finds no spot balance in a whole answer; read from its info")
        rows = (await self._exchange.fetch_balance_ws())["info"]["balances"]
        return {row["asset"]: (row["free"], row["locked"]) for row in rows}


def _text(number: float) -> str:
    """Return the decimal that a float was read from; the exchange's have fewer digits than a float can tell apart."""
    return f"{Decimal(repr(number)):f}"


def _order(row: Any) -> Order:
    # In the answer to a cancellation its clientOrderId is the id of the cancellation.
    client_id = row["info"].get("origClientOrderId") or row["clientOrderId"]
    return Order(int(row["id"]), client_id, STATUSES[row["status"]], _text(row["filled"]), _text(row["cost"]))


def _fill(row: Any) -> Fill:
    price, amount, fee = row["price"], row["amount"], row["fee"]
    return Fill(int(row["id"]), int(row["order"]), _text(price), _text(amount), _text(fee["cost"]), fee["currency"])


def _balances(found: Any) -> Balances:
    return {asset: (_text(found[asset]["free"]), _text(found[asset]["used"])) for asset in ASSETS if asset in found}


if __name__ == "__main__":
    main(Ccxt)
