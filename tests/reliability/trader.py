"""A bare trader: speaks to the embedded exchange byte by byte on either wire, and tells what it heard, and what not."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote, urlencode

import attrs
import h11
import trio
from wsproto.events import CloseConnection, TextMessage
from wsproto.utilities import LocalProtocolError

from tests.sandbox.doors import ED25519, ED25519_PEM, ed_signed
from tests.sandbox.test_wire import Peer
from trio_binance.config import Credentials, SandboxSpec
from trio_binance.sandbox import FaultSchedule, Market, Sandbox, open_sandbox
from trio_binance.sandbox.accounts import Account
from trio_binance.sandbox.operations import BY_METHOD, BY_NAME
from trio_binance.sandbox.orders import Order
from trio_binance.sandbox.symbols import SYMBOLS

SYMBOL = "BTCUSDT"
PATIENCE = 60.0
"""Seconds after which nobody waits for an answer any more."""
WIRES = ("rest", "ws_api")


@attrs.define
class Heard:
    """What came back: ``line`` says what became of the connection (open, eof, reset, closed, silence)."""

    line: str = "open"
    status: int | None = None
    headers: dict[str, str] = attrs.field(factory=dict)
    text: str = ""
    frame: Any = None
    """The whole frame of the WebSocket API."""

    @property
    def data(self) -> Any:
        """The JSON of an HTTP body, the result of the WebSocket API, or the error of either."""
        if self.frame is None:
            return json.loads(self.text)
        return self.frame.get("result", self.frame.get("error"))

    @property
    def refusal(self) -> tuple[int | None, int]:
        return self.status, self.data["code"]


@attrs.define
class Trader:
    """Places, cancels and asks, on REST or on the WebSocket API."""

    sandbox: Sandbox
    wire: str
    peer: Peer | None = None
    events: list[Any] = attrs.field(factory=list)
    """What came on the WebSocket unasked."""
    _ids: Any = attrs.field(factory=lambda: itertools.count(1))

    @property
    def account(self) -> Account:
        [key] = self.sandbox.exchange.keys.values()
        return key.account

    @property
    def orders(self) -> list[Order]:
        """The orders that there really are."""
        return list(self.account.blotter(SYMBOL).orders.values())

    def price(self, off: int = 1000) -> str:
        """Return a price at which nobody sells."""
        return f"{self.sandbox.market.book(SYMBOL).bids[0][0] - off:f}"

    async def place(self, **params: Any) -> Heard:
        chosen = {"symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.001"}
        chosen |= {"price": self.price(), "newClientOrderId": "mine"}
        return await self.call("POST /api/v3/order", **{**chosen, **params})

    async def market(self, **params: Any) -> Heard:
        chosen = {"symbol": SYMBOL, "side": "BUY", "type": "MARKET", "quantity": "0.001", "newClientOrderId": "mine"}
        return await self.call("POST /api/v3/order", **{**chosen, **params})

    async def cancel(self, **params: Any) -> Heard:
        return await self.call("DELETE /api/v3/order", **{"symbol": SYMBOL, "origClientOrderId": "mine", **params})

    async def query(self, **params: Any) -> Heard:
        return await self.call("GET /api/v3/order", **{"symbol": SYMBOL, "origClientOrderId": "mine", **params})

    async def replace(self, **params: Any) -> Heard:
        chosen = {"symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.001"}
        chosen |= {"price": self.price(900), "newClientOrderId": "next", "cancelOrigClientOrderId": "mine"}
        return await self.call("POST /api/v3/order/cancelReplace", **{**chosen, **params})

    async def call(self, operation: str, **params: Any) -> Heard:
        """Ask, and wait for the answer for as long as anybody would."""
        if self.wire == "rest":
            return await self.rest(operation, **params)
        return await self.ws(BY_NAME[operation].method if operation in BY_NAME else operation, **params)

    # ------------------------------------------------------------------------------------------------ REST

    async def dial(self) -> trio.abc.Stream:
        host = self.sandbox.environment.rest_url.removeprefix("http://")
        return await self.sandbox.dialer.connect(host, 80, tls=False)

    async def rest(self, operation: str, **params: Any) -> Heard:
        method, path = operation.split(" ")
        query = urlencode(params, quote_via=quote)
        if BY_NAME[operation].signed:
            query = urlencode({**params, "timestamp": self.sandbox.now_us() // 1000}, quote_via=quote)
            query += "&signature=" + quote(base64.b64encode(ED25519.sign(query.encode())).decode(), safe="")
        head = f"{method} {path}?{query} HTTP/1.1\r\nHost: e\r\nX-MBX-APIKEY: ed-key\r\n\r\n"
        async with await self.dial() as stream:
            return await hear(stream, head.encode())

    # ----------------------------------------------------------------------------------- the WebSocket API

    async def ws(self, method: str, **params: Any) -> Heard:
        """Ask on a WebSocket, a new one where the last is gone."""
        try:
            return await self.answer(await self.send(method, **params))
        except (trio.BrokenResourceError, LocalProtocolError):
            await self._gone("reset")  # it was gone before the request: nothing has left
            return await self.answer(await self.send(method, **params))

    async def send(self, method: str, **params: Any) -> int:
        if self.peer is None:
            self.peer = Peer(await self.dial())
            await self.peer.shake_hands("/ws-api/v3")
        operation = BY_METHOD[method]
        if operation.signed:
            params = ed_signed(**params, timestamp=self.sandbox.now_us() // 1000)
        request_id: int = next(self._ids)
        frame = {"id": request_id, "method": method, "params": params}
        await self.peer.send(TextMessage(json.dumps(frame)))
        return request_id

    async def answer(self, request_id: int | None) -> Heard:
        """Wait for the answer with this id."""
        with trio.move_on_after(PATIENCE):
            return await self._next(request_id)
        return Heard("silence")

    async def _next(self, request_id: int | None) -> Heard:
        assert self.peer is not None
        text = ""
        while True:
            try:
                event = await self.peer.event()
            except trio.BrokenResourceError:
                return await self._gone("reset")
            if isinstance(event, CloseConnection):
                return await self._gone("eof" if int(event.code) == 1006 else "closed")
            if not isinstance(event, TextMessage):
                continue
            text += event.data
            if not event.message_finished:
                continue
            whole, text = text, ""
            try:
                frame = json.loads(whole)
            except ValueError:
                return Heard(text=whole)
            if frame.get("id", "none") == request_id:
                return Heard("open", frame["status"], {}, whole, frame)
            self.events.append(frame)

    async def _gone(self, line: str) -> Heard:
        assert self.peer is not None
        await self.peer.stream.aclose()
        self.peer = None
        return Heard(line)

    async def log_on(self) -> Heard:
        return await self.ws("session.logon")

    async def subscribe(self) -> Heard:
        return await self.ws("userDataStream.subscribe.signature")

    async def watch(self, seconds: float) -> list[Any]:
        """Collect what comes on the WebSocket for some seconds."""
        with trio.move_on_after(seconds):
            await self._next(None)
        return self.events

    async def aclose(self) -> None:
        if self.peer is not None:
            await self.peer.stream.aclose()


async def hear(stream: trio.abc.Stream, request: bytes) -> Heard:
    """Send a request as bytes and return what comes back."""
    client, heard = h11.Connection(h11.CLIENT, max_incomplete_event_size=2**20), Heard()
    client.send(h11.Request(method=request.split(b" ", 1)[0], target="/", headers=[("host", "e")]))
    client.send(h11.EndOfMessage())
    with trio.move_on_after(PATIENCE) as scope:
        try:
            await stream.send_all(request)
            while not isinstance(event := client.next_event(), h11.EndOfMessage):
                if event is h11.NEED_DATA:
                    data = await stream.receive_some()
                    heard.line = heard.line if data else "eof"
                    client.receive_data(bytes(data))
                    if not data and heard.status is None:
                        return heard
                elif isinstance(event, h11.Response):
                    heard.status = event.status_code
                    heard.headers = {name.decode(): value.decode() for name, value in event.headers}
                elif isinstance(event, h11.Data):
                    heard.text += bytes(event.data).decode("utf-8", "replace")
        except h11.RemoteProtocolError as error:
            heard.line = f"broken: {error}"
        except trio.BrokenResourceError:
            heard.line = "reset"
    if scope.cancelled_caught:
        heard.line = "silence"
    elif client.their_state is not h11.DONE and heard.line == "open":
        heard.line = "eof"
    return heard


@asynccontextmanager
async def open_trader(
    faults: FaultSchedule | None = None, wire: str = "rest", *, seed: int = 7, activity: float = 1.0
) -> AsyncIterator[Trader]:
    """Run an exchange and a bare trader that has its key."""
    credentials = Credentials.ed25519("ed-key", ED25519_PEM)
    epoch_ms = 1_790_000_000_000
    market = Market(seed, epoch_ms * 1000, activity, SYMBOLS[:1])  # one symbol opens six times as fast as six
    spec = SandboxSpec(seed=seed, activity=activity, epoch_ms=epoch_ms)
    async with open_sandbox(spec, credentials=credentials, market=market, faults=faults) as sandbox:
        trader = Trader(sandbox, wire)
        try:
            yield trader
        finally:
            await trader.aclose()
