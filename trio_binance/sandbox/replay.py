"""The player: a recorded session served over the same wire as the exchange, byte for byte.

A recording is read line by line, twice: once to know its streams and answers, once to play it. Nothing is ever
dropped: the player waits for whoever reads slowest.
"""

from __future__ import annotations

import math
from contextlib import closing
from typing import TYPE_CHECKING, Final, Literal, assert_never, final
from urllib.parse import parse_qs, urlsplit

import attrs
import msgspec
import trio

from .driver import text_frame
from .frames import Close, Output, Ping, RestReply, Text, dump
from .recording import JSON_HEADERS, answer_key, read_records, target_streams

if TYPE_CHECKING:
    from collections.abc import Callable

    from .driver import Driver, Kind
    from .events import Json
    from .frames import RestRequest
    from .recording import Key, Record, Session

END_REASON: Final = "end of recording"
PING_EVERY_US: Final = 20_000_000
_NEVER_US: Final = 2**62
_BATCH: Final = 256
_WAITING_LIMIT: Final = 256 * 1024


# ------------------------------------------------------------------------------------------------- the doors


@final
@attrs.define(eq=False)
class Listener:
    """A WebSocket of the player: what it is subscribed to, and whether its messages carry the stream's name."""

    number: int
    combined: bool
    next_ping_us: int
    streams: dict[str, None] = attrs.field(factory=dict)


@final
class ReplayExchange:
    """The doors of a recording, sans-IO, as the driver wants them.

    ``on_subscribed`` is called after each subscription, ``routes`` says who hears a stream.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.position: Record | None = None
        """The record played last."""
        self.answers: dict[Key, RestReply] = dict(session.answers)
        """The latest answers at the playing position; before its place, the first."""
        self.routes: dict[str, list[Listener]] = {}
        self.on_subscribed: Callable[[], None] = lambda: None
        self._listeners: dict[int, Listener] = {}
        self._opened = 0
        self._ended = False
        self._output: list[Output] = []

    @property
    def complete(self) -> bool:
        """Whether every stream of the recording has a listener."""
        return self.session.streams <= self.routes.keys()

    @property
    def deadline_us(self) -> int:
        """When the next ping is due."""
        return min((listener.next_ping_us for listener in self._listeners.values()), default=_NEVER_US)

    def take_output(self) -> list[Output]:
        """Return what is to be sent, once."""
        output, self._output = self._output, []
        return output

    def on_timer(self, now_us: int) -> None:
        """Ping whoever is due. General WSS information: a ping frame every 20 seconds."""
        for listener in self._listeners.values():
            if listener.next_ping_us <= now_us:
                listener.next_ping_us = now_us + PING_EVERY_US
                self._output.append(Ping(listener.number, str(now_us // 1000).encode()))

    def end(self) -> None:
        """Close every connection, and each new one at once."""
        self._ended = True
        for number in self._listeners:
            self._output.append(Close(number, 1000, END_REASON))

    # ---------------------------------------------------------------------------------------------- WebSocket

    def connect(self, kind: Kind, target: str, address: str, now_us: int) -> int | RestReply:
        """Open a connection; a recording has no WebSocket API."""
        del address
        if kind != "stream" or not urlsplit(target).path.startswith(("/ws", "/stream")):
            return _not_found()
        self._opened += 1
        names, combined = target_streams(target)
        listener = self._listeners[self._opened] = Listener(self._opened, combined, now_us + PING_EVERY_US)
        self._subscribe(listener, names)
        if self._ended:
            self._output.append(Close(self._opened, 1000, END_REASON))
        return self._opened

    def on_text(self, connection: int, text: str, now_us: int) -> None:
        """Take SUBSCRIBE, UNSUBSCRIBE, LIST_SUBSCRIPTIONS, SET_PROPERTY or GET_PROPERTY, and answer it."""
        del now_us
        try:
            request = _decode_control(text)
        except (msgspec.MsgspecError, UnicodeError) as exc:
            self._say(connection, {"code": 2, "msg": f"Invalid request: {exc}"})
            return
        result = self._obey(self._listeners[connection], request)
        self._say(connection, {"result": result, "id": request.id})

    def on_ping(self, connection: int, payload: bytes, now_us: int) -> None:
        """Nothing is limited here."""

    def on_pong(self, connection: int, payload: bytes, now_us: int) -> None:
        """A recording cuts nobody for being silent."""

    def on_closed(self, connection: int, now_us: int) -> None:
        """Forget a connection."""
        del now_us
        listener = self._listeners.pop(connection)
        self._unsubscribe(listener, list(listener.streams))

    def _say(self, connection: int, answer: Json) -> None:
        self._output.append(Text(connection, dump(answer)))

    def _obey(self, listener: Listener, request: _Control) -> Json:
        names = [name for name in request.params if isinstance(name, str)]
        match request.method:
            case "SUBSCRIBE":
                self._subscribe(listener, names)
            case "UNSUBSCRIBE":
                self._unsubscribe(listener, names)
            case "SET_PROPERTY":
                listener.combined = request.params[-1:] == [True]
            case "GET_PROPERTY":
                return listener.combined
            case "LIST_SUBSCRIPTIONS":
                return list(listener.streams)
            case never:
                assert_never(never)
        return None

    def _subscribe(self, listener: Listener, names: list[str]) -> None:
        for name in names:
            if name not in listener.streams:
                listener.streams[name] = None
                self.routes.setdefault(name, []).append(listener)
        if names:
            self.on_subscribed()

    def _unsubscribe(self, listener: Listener, names: list[str]) -> None:
        for name in names:
            if name in listener.streams:
                del listener.streams[name]
                self.routes[name].remove(listener)
                if not self.routes[name]:
                    del self.routes[name]

    # --------------------------------------------------------------------------------------------------- REST

    def rest(
        self, request: RestRequest, now_us: int, *, received_us: int | None = None, forwarded_us: int | None = None
    ) -> RestReply:
        """Answer with what was recorded: the latest at or before the playing position, or else the first."""
        del now_us, received_us, forwarded_us
        key = method, path, symbol = answer_key(request.method, request.target)
        micro = request.headers.get("x-mbx-time-unit", "").upper() == "MICROSECOND"
        time_ns = self.session.first_ns if self.position is None else self.position.time_ns
        time = time_ns // (1000 if micro else 1_000_000)
        if (method, path) == ("GET", "/ping"):
            return RestReply(200, JSON_HEADERS, b"{}")
        if (method, path) == ("GET", "/time"):
            return RestReply(200, JSON_HEADERS, dump({"serverTime": time}).encode())
        if (method, path) == ("GET", "/exchangeInfo"):
            return self._exchange_info(request.target, symbol, time)
        if key in self.answers:
            return self.answers[key]
        if symbol and any(known[:2] == key[:2] for known in self.answers):
            return RestReply(400, JSON_HEADERS, dump({"code": -1121, "msg": "Invalid symbol."}).encode())
        return _not_found()

    def _exchange_info(self, target: str, symbol: str, time: int) -> RestReply:
        recorded = self.answers.get(("GET", "/exchangeInfo", ""))
        if recorded is None:
            empty = {"timezone": "UTC", "serverTime": time, "rateLimits": [], "exchangeFilters": [], "symbols": []}
            return RestReply(200, JSON_HEADERS, dump(empty).encode())
        listed = parse_qs(urlsplit(target).query).get("symbols")
        if not symbol and listed is None:
            return recorded
        wanted = {symbol} if listed is None else set(_decode_names(listed[0]))
        return RestReply(200, JSON_HEADERS, _only_symbols(recorded.body, wanted))


class _Control(msgspec.Struct):
    method: Literal["SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY"]
    id: int | str | None
    params: list[str | bool] = []


class _Named(msgspec.Struct):
    symbol: str


_decode_control: Final = msgspec.json.Decoder(_Control).decode
_decode_names: Final = msgspec.json.Decoder(list[str]).decode
_decode_fields: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_list: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_named: Final = msgspec.json.Decoder(_Named).decode


def _only_symbols(body: bytes, wanted: set[str]) -> bytes:
    """Return an exchangeInfo with only these symbols, each as it was recorded."""
    fields = _decode_fields(body)
    kept = [bytes(raw) for raw in _decode_list(fields["symbols"]) if _decode_named(raw).symbol in wanted]
    fields["symbols"] = msgspec.Raw(b"[" + b",".join(kept) + b"]")
    return msgspec.json.encode(fields)


def _not_found() -> RestReply:
    return RestReply(404, JSON_HEADERS, dump({"code": -1000, "msg": "Not in this recording."}).encode())


# ------------------------------------------------------------------------------------------------ the player


@final
class Player:
    """Plays a recording to whoever is subscribed.

    Playing starts when every stream of the recording has a listener, or ``grace`` seconds after the last subscription
    when only some have. ``speed`` is times the recording's own pace, by the Trio clock; ``None`` is as fast as the
    slowest listener reads. ``position`` of ``total`` records are played; ``done`` is set when all is sent and closed.
    """

    def __init__(
        self, exchange: ReplayExchange, driver: Driver, *, speed: float | None = None, grace: float = 1.0
    ) -> None:
        self.position: int = 0
        self.total: int = exchange.session.records
        self.started: trio.Event = trio.Event()
        self.done: trio.Event = trio.Event()
        self._exchange = exchange
        self._session = exchange.session
        self._driver = driver
        self._speed = speed
        self._grace = grace
        self._news = trio.Event()
        self._pending: dict[int, list[bytes]] = {}
        exchange.on_subscribed = self._on_subscribed

    def _on_subscribed(self) -> None:
        self._news.set()

    async def run(self) -> None:
        """Wait for listeners, play, wait until all of it is sent, close the connections with 1000.

        Raises:
            ConfigError: the file has changed since it was first read and is no recording any more.
        """
        await self._wait_listeners()
        self.started.set()
        await self._play()
        for socket in self._driver.sockets:
            await socket.wait_below(0)
        self._exchange.end()
        self._driver.flush()
        self.done.set()

    async def _wait_listeners(self) -> None:
        while not self._exchange.complete:
            with trio.move_on_after(self._grace if self._exchange.routes else math.inf) as scope:
                await self._news.wait()
            if scope.cancelled_caught:
                return
            self._news = trio.Event()

    async def _play(self) -> None:
        start = trio.current_time()
        with closing(read_records(self._session.path)) as records:
            for self.position, record in enumerate(records, 1):
                if self._speed is not None:
                    await self._keep_pace(start + (record.time_ns - self._session.first_ns) / 1e9 / self._speed)
                self._pass(record)
                if self.position % _BATCH == 0:
                    await self._flush()
        await self._flush()

    async def _keep_pace(self, moment: float) -> None:
        if moment > trio.current_time():
            await self._flush()
            await trio.sleep_until(moment)

    def _pass(self, record: Record) -> None:
        self._exchange.position = record
        if record.kind == "ws":
            self._send((record.raw or "").encode())
        elif record.kind == "http":
            key = answer_key(record.method, record.url)
            self._exchange.answers[key] = self._session.load(record)

    def _send(self, raw: bytes) -> None:
        name, combined, data = self._session.split(raw)
        for listener in self._exchange.routes.get(name, ()):
            frames = self._pending.setdefault(listener.number, [])
            frames.append(text_frame(combined if listener.combined else data))

    async def _flush(self) -> None:
        """Send the batch, and wait until nobody has much left to read."""
        pending, self._pending = self._pending, {}
        sockets = [socket for number in pending if (socket := self._driver.socket(number)) is not None]
        for socket in sockets:
            socket.send_raw(b"".join(pending[socket.number]))
        for socket in sockets:
            await socket.wait_below(_WAITING_LIMIT)
        await trio.lowlevel.checkpoint()
