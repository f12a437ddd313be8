"""An exchange on 127.0.0.1 for one client at a time, in a process of its own: what it costs is nobody's but its own.

``python loopback.py KIND --warm W --count N`` prints its port and serves until its standard input ends. Whoever names
or subscribes to a stream gets ``W`` messages of that kind, then, when they are digested and the snapshot of a book was
fetched, ``N`` more as fast as they are taken; every client gets the same ones.
"""

from __future__ import annotations

import argparse
import base64
import functools
import hashlib
import json
import random
import re
import socket
import sys
import threading
import time
from typing import TYPE_CHECKING, Final

import messages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

STREAMS: Final = {
    "aggTrade": "btcusdt@aggTrade",
    "bookTicker": "btcusdt@bookTicker",
    "kline": "btcusdt@kline_1m",
    "depth": "btcusdt@depth@100ms",
    "book": "btcusdt@depth@100ms",
}
DIGESTED = 0.5
"""Seconds after which a client has read its snapshot, and taken the messages that it gets warm with."""
WRITE_BYTES = 2**16
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10

EXCHANGE_INFO: Final = {
    "timezone": "UTC",
    "serverTime": messages.MOMENT,
    "rateLimits": [{"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000}],
    "exchangeFilters": [],
    "symbols": [
        {
            "symbol": "BTCUSDT", "status": "TRADING", "baseAsset": "BTC", "baseAssetPrecision": 8,
            "quoteAsset": "USDT", "quotePrecision": 8, "quoteAssetPrecision": 8, "baseCommissionPrecision": 8,
            "quoteCommissionPrecision": 8, "orderTypes": ["LIMIT", "MARKET"], "icebergAllowed": True,
            "ocoAllowed": True, "quoteOrderQtyMarketAllowed": True, "allowTrailingStop": True,
            "cancelReplaceAllowed": True, "isSpotTradingAllowed": True, "isMarginTradingAllowed": False,
            "filters": [
                {"filterType": "PRICE_FILTER", "minPrice": "0.01000000", "maxPrice": "1000000.00000000",
                 "tickSize": "0.01000000"},
                {"filterType": "LOT_SIZE", "minQty": "0.00001000", "maxQty": "9000.00000000",
                 "stepSize": "0.00001000"},
            ],
            "permissions": [], "permissionSets": [["SPOT"]],
            "defaultSelfTradePreventionMode": "NONE", "allowedSelfTradePreventionModes": ["NONE"],
        }
    ],
}  # fmt: skip


def _text(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """Return an unmasked frame (RFC 6455, 5.2)."""
    head, size = bytes((0x80 | opcode,)), len(payload)
    if size < 126:
        return head + bytes((size,)) + payload
    return head + (b"\x7e" + size.to_bytes(2, "big") if size < 2**16 else b"\x7f" + size.to_bytes(8, "big")) + payload


class Script:
    """What there is to say of a kind."""

    def __init__(self, kind: str, warm: int, count: int) -> None:
        rng = random.Random(7)
        book = messages.MovingBook(rng)
        events: dict[str, Callable[[int], dict[str, object]]] = {
            "aggTrade": functools.partial(messages.agg_trade, rng),
            "bookTicker": functools.partial(messages.book_ticker, rng),
            "kline": functools.partial(messages.kline, rng),
            "depth": lambda _: book.step(),
            "book": lambda _: book.step(),
        }
        self.needs_snapshot = kind == "book"
        self.snapshot = _text(book.snapshot()) if self.needs_snapshot else b"{}"
        self._stream = STREAMS[kind]
        self._warm = warm
        self._payloads = [_text(events[kind](number)) for number in range(warm + count)]

    @functools.cache  # noqa: B019 - it lives as long as the process
    def writes(self, *, combined: bool) -> tuple[bytes, bytes, list[bytes]]:
        """Return the first frame, the others to get warm, and the many, of about as many bytes as one read takes."""
        head, tail = (b'{"stream":"%b","data":' % self._stream.encode(), b"}") if combined else (b"", b"")
        frames = [frame(head + payload + tail) for payload in self._payloads]
        return frames[0], b"".join(frames[1 : self._warm]), list(_joined(frames[self._warm :]))


def _joined(frames: list[bytes]) -> Iterator[bytes]:
    waiting: list[bytes] = []
    size = 0
    for each in frames:
        waiting.append(each)
        size += len(each)
        if size >= WRITE_BYTES:
            yield b"".join(waiting)
            waiting, size = [], 0
    yield b"".join(waiting)


class Exchange:
    """Answers what clients ask before they stream, and streams."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.fetched = threading.Event()
        """A snapshot was fetched for the book that is streamed, or will be."""

    def answer(self, path: str) -> bytes:
        """Return the body for a request."""
        if path.startswith("/api/v3/depth"):
            self.fetched.set()
            return self.script.snapshot
        if path.startswith("/api/v3/exchangeInfo"):
            return _text(EXCHANGE_INFO)
        return _text({"serverTime": time.time_ns() // 10**6}) if path.startswith("/api/v3/time") else b"{}"

    def serve(self, connection: socket.socket) -> None:
        """Serve a connection to its end."""
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            with connection, connection.makefile("rb") as reader:
                while request := reader.readline().split():
                    headers = dict(_headers(reader))
                    path = request[1].decode()
                    if key := headers.get("sec-websocket-key"):
                        connection.sendall(_switching(key))
                        Line(self, connection, path).run(reader.read)
                        return
                    body = self.answer(path)
                    head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
                    connection.sendall((head % len(body)).encode() + body)
        except OSError:
            pass  # The client has what it wanted.


def _headers(reader: Iterator[bytes]) -> Iterator[tuple[str, str]]:
    for line in reader:
        if not line.strip():
            return
        name, _, value = line.decode().partition(":")
        yield name.lower(), value.strip()


def _switching(key: str) -> bytes:
    token = hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode(), usedforsecurity=False).digest()
    head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    return head + b"Sec-WebSocket-Accept: %s\r\n\r\n" % base64.b64encode(token)


class Line:
    """One WebSocket connection; the path tells whether messages are wrapped with their stream's name."""

    def __init__(self, exchange: Exchange, connection: socket.socket, path: str) -> None:
        self._exchange = exchange
        self._connection = connection
        self._combined = "/ws" not in path
        self._named = "@" in path
        self._writing = threading.Lock()
        self._begun = False

    def run(self, read: Callable[[int], bytes]) -> None:
        """Answer frames until the client closes."""
        if self._named:
            self._begin()
        while head := read(2):
            opcode, size = head[0] & 0x0F, head[1] & 0x7F
            if size > 125:
                size = int.from_bytes(read(2 if size == 126 else 8), "big")
            mask = read(4)
            payload = bytes(byte ^ mask[place % 4] for place, byte in enumerate(read(size)))
            if opcode == CLOSE:
                self._write(frame(payload, CLOSE))
                return
            if opcode == PING:
                self._write(frame(payload, PONG))
            elif opcode == TEXT and (found := re.search(rb'"id": ?("[^"]*"|\d+)', payload)):
                self._write(frame(b'{"result":null,"id":%b}' % found[1]))
                self._begin()

    def _write(self, data: bytes) -> None:
        with self._writing:
            self._connection.sendall(data)

    def _begin(self) -> None:
        if not self._begun:
            self._begun = True
            threading.Thread(target=self._stream, daemon=True).start()

    def _stream(self) -> None:
        first, warm, many = self._exchange.script.writes(combined=self._combined)
        try:
            self._write(first)  # Some ask for the snapshot only then.
            if self._exchange.script.needs_snapshot:
                self._exchange.fetched.wait()
                time.sleep(DIGESTED)
            self._write(warm)
            time.sleep(DIGESTED)
            for each in many:
                self._write(each)
        except OSError:
            pass  # The client has what it wanted.
        finally:
            self._exchange.fetched.clear()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=STREAMS)
    parser.add_argument("--warm", type=int, required=True)
    parser.add_argument("--count", type=int, required=True)
    chosen = parser.parse_args()
    exchange = Exchange(Script(chosen.kind, chosen.warm, chosen.count))
    server = socket.create_server(("127.0.0.1", 0), backlog=16)
    print(server.getsockname()[1], flush=True)

    def accept() -> None:
        while True:
            connection, _ = server.accept()
            threading.Thread(target=exchange.serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()
