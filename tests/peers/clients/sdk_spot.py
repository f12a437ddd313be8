"""binance-sdk-spot: the exchange's own SDK, its REST or its WebSocket API client, and its streams."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from binance_common.configuration import (
    ConfigurationRestAPI,
    ConfigurationWebSocketAPI,
    ConfigurationWebSocketStreams,
)
from binance_common.errors import ClientError, Error
from binance_sdk_spot.spot import Spot
from binance_sdk_spot.websocket_api.models import ExecutionReport, OutboundAccountPosition

from .scenario import ASSETS, SYMBOL, Balances, Fill, Job, Order, Told, main, note


class SdkSpot:
    package = "binance-sdk-spot"

    def __init__(self, job: Job) -> None:
        self._job = job
        self._ws = job.way == "ws_api"
        key = {"api_secret": job.secret} if job.key_type == "HMAC" else {"private_key": job.secret}
        spot = Spot(
            ConfigurationRestAPI(api_key=job.api_key, base_path=job.rest, timeout=5000, **key),
            ConfigurationWebSocketAPI(api_key=job.api_key, stream_url=job.ws_api, **key),
            ConfigurationWebSocketStreams(stream_url=job.streams),
        )
        self._rest: Any = spot.rest_api
        self._api: Any = spot.websocket_api
        self._streams: Any = spot.websocket_streams

    async def open(self) -> None:
        await self._api.create_connection()
        if self._job.key_type == "ED25519":
            answer = _result(await self._api.session_logon())
            assert answer.api_key == self._job.api_key

    async def close(self) -> None:
        await self._api.close_connection(close_session=True)

    async def rules(self) -> tuple[str, str]:
        if self._ws:
            note('its model of the answer to exchangeInfo lacks "result"; read from what it did not know')
            answer = (await self._api.exchange_info(symbol=SYMBOL)).data()
            filters = answer.additional_properties["result"]["symbols"][0]["filters"]
        else:
            filters = [_plain(entry) for entry in self._rest.exchange_info(symbol=SYMBOL).data().symbols[0].filters]
        by_name = {entry["filterType"]: entry for entry in filters}
        return by_name["PRICE_FILTER"]["tickSize"], by_name["LOT_SIZE"]["stepSize"]

    async def best(self) -> tuple[str, str]:
        found = (
            _result(await self._api.ticker_book(symbol=SYMBOL))
            if self._ws
            else self._rest.ticker_book_ticker(symbol=SYMBOL).data()
        )
        found = _plain(found)
        return found["bidPrice"], found["askPrice"]

    async def watch_best(self) -> tuple[str, str]:
        seen: asyncio.Queue[Any] = asyncio.Queue()
        await self._streams.create_connection()
        try:
            stream = await self._streams.book_ticker(symbol=SYMBOL)
            stream.on("message", seen.put_nowait)
            found = _plain(await seen.get())
            return found["b"], found["a"]
        finally:
            await self._streams.close_connection(close_session=True)

    async def listen(self, told: Told) -> None:
        def hear(message: Any) -> None:
            event = message.actual_instance
            if isinstance(event, ExecutionReport):
                told.statuses[event.i] = event.X
                if event.x == "TRADE":
                    told.fills.append(Fill(event.t, event.i, event.L, event.l, event.n, event.N))
            elif isinstance(event, OutboundAccountPosition):
                told.balances.update({row.a: (row.f, row.l) for row in event.B})

        logged_on = self._job.key_type == "ED25519"
        subscribe = (
            self._api.user_data_stream_subscribe if logged_on else self._api.user_data_stream_subscribe_signature
        )
        (await subscribe()).stream.on("message", hear)

    async def limit(self, side: str, quantity: str, price: str, client_id: str) -> Order:
        return await self._place(
            side, "LIMIT", client_id, quantity=float(quantity), price=float(price), time_in_force="GTC"
        )

    async def market(self, side: str, quantity: str, client_id: str) -> Order:
        return await self._place(side, "MARKET", client_id, quantity=float(quantity))

    async def _place(self, side: str, kind: str, client_id: str, **terms: Any) -> Order:
        if self._ws:
            sent = await self._api.order_place(SYMBOL, side, kind, new_client_order_id=client_id, **terms)
            return _order(_result(sent))
        return _order(self._rest.new_order(SYMBOL, side, kind, new_client_order_id=client_id, **terms).data())

    async def order(self, order_id: int) -> Order:
        if self._ws:
            return _order(_result(await self._api.order_status(SYMBOL, order_id=order_id)))
        return _order(self._rest.get_order(SYMBOL, order_id=order_id).data())

    async def open_orders(self) -> list[Order]:
        if self._ws:
            return [_order(row) for row in _result(await self._api.open_orders_status(symbol=SYMBOL))]
        return [_order(row) for row in self._rest.get_open_orders(symbol=SYMBOL).data()]

    async def cancel(self, order_id: int) -> Order:
        if self._ws:
            return _order(_result(await self._api.order_cancel(SYMBOL, order_id=order_id)))
        return _order(self._rest.delete_order(SYMBOL, order_id=order_id).data())

    async def replace(self, order: Order, quantity: str, price: str) -> Order:
        ask = self._api.order_cancel_replace if self._ws else self._rest.order_cancel_replace
        terms = {"quantity": float(quantity), "price": float(price), "time_in_force": "GTC"}
        asked = {"side": "BUY", "type": "LIMIT", "cancel_replace_mode": "STOP_ON_FAILURE", "cancel_order_id": order.id}
        answer = ask(symbol=SYMBOL, **asked, **terms)
        return _order((_result(await answer) if self._ws else answer.data()).new_order_response)

    async def pair(self, quantity: str, above: str, below: str) -> tuple[int, list[Order]]:
        ask = self._api.order_list_place_oco if self._ws else self._rest.order_list_oco
        answer = ask(
            symbol=SYMBOL,
            side="SELL",
            quantity=float(quantity),
            above_type="LIMIT_MAKER",
            above_price=float(above),
            below_type="STOP_LOSS_LIMIT",
            below_stop_price=float(below),
            below_price=float(below),
            below_time_in_force="GTC",
        )
        placed = _result(await answer) if self._ws else answer.data()
        return placed.order_list_id, [_order(row) for row in placed.order_reports]

    async def cancel_pair(self, list_id: int) -> list[Order]:
        ask = self._api.order_list_cancel if self._ws else self._rest.delete_order_list
        answer = ask(SYMBOL, order_list_id=list_id)
        ended = _result(await answer) if self._ws else answer.data()
        # The reports have the id of the cancellation, and its model of them on this wire no other.
        names = {order.order_id: order.client_order_id for order in ended.orders}
        return [replace(_order(row), client_id=names[row.order_id]) for row in ended.order_reports]

    async def refusal(self, order_id: int) -> int:
        try:
            await self.cancel(order_id)
        except (ClientError, Error) as error:
            return int(getattr(error, "status_code", None) or 0)
        return 0

    async def fills(self) -> list[Fill]:
        found = _result(await self._api.my_trades(SYMBOL)) if self._ws else self._rest.my_trades(SYMBOL).data()
        return [Fill(row.id, row.order_id, row.price, row.qty, row.commission, row.commission_asset) for row in found]

    async def balances(self) -> Balances:
        found = _result(await self._api.account_status()) if self._ws else self._rest.get_account().data()
        return {row.asset: (row.free, row.locked) for row in found.balances if row.asset in ASSETS}


def _plain(model: Any) -> Any:
    """Return a model as the JSON that it was made of."""
    model = getattr(model, "actual_instance", None) or model
    return model if isinstance(model, dict) else model.to_dict()


def _result(answer: Any) -> Any:
    """Return the result of a WebSocket API answer, or raise what it says instead."""
    data = answer.data()
    if isinstance(data, dict) and "error" in data:
        raise RefusedError(data["error"])
    data = getattr(data, "actual_instance", None) or data
    return data.result


class RefusedError(Error):  # type: ignore[misc]
    """It returns errors of the WebSocket API as an answer of another shape."""

    def __init__(self, error: Any) -> None:
        super().__init__(str(error))
        self.status_code = error["code"] if isinstance(error, dict) else None


def _order(row: Any) -> Order:
    client_id = getattr(row, "orig_client_order_id", None) or row.client_order_id
    return Order(row.order_id, client_id, row.status, row.executed_qty, row.cummulative_quote_qty)


if __name__ == "__main__":
    main(SdkSpot)
