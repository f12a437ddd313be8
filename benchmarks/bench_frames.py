"""Frames: what a message costs from the socket to its consumer, through the frame tap and through trio-websocket.

Run as ``python benchmarks/bench_frames.py``; it takes some ten seconds. Everything happens in memory, in one process,
and the transport is always ready: what is measured is our processor time, nothing of the network's. Every round runs
every way once, in turn, so that a machine that slows down slows them all; the table shows medians of the rounds, and
of the ratios within each round.
"""

from __future__ import annotations

import base64
import gc
import hashlib
import json
import re
import statistics
import time
from typing import TYPE_CHECKING, Any, cast

import trio
import trio_websocket

from trio_binance._services.socket import open_socket
from trio_binance.config import Tuning
from trio_binance.errors import ConnectionLost

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

ROUNDS = 7
BYTES_A_ROUND = 24_000_000
SLOW_SHARE = 12
"""trio-websocket gets this much less to do: it is that much slower, and its figure no worse for it."""


def _levels(count: int) -> list[list[str]]:
    return [[f"{60_000 + index / 100:.8f}", f"{index * 37 % 1000 / 1000:.8f}"] for index in range(count)]


def _message(stream: str, data: dict[str, object]) -> bytes:
    return json.dumps({"stream": stream, "data": data}, separators=(",", ":")).encode()


MESSAGES = {
    "aggTrade": _message(
        "btcusdt@aggTrade",
        {"e": "aggTrade", "E": 1753185600123, "s": "BTCUSDT", "a": 3264810562, "p": "60123.45000000",
         "q": "0.00412000", "f": 4201833551, "l": 4201833552, "T": 1753185600122, "m": True, "M": True},
    ),
    "bookTicker": _message(
        "btcusdt@bookTicker",
        {"u": 62345678901, "s": "BTCUSDT", "b": "60123.44000000", "B": "3.18350000", "a": "60123.45000000",
         "A": "1.20470000"},
    ),
    "depth20": _message("btcusdt@depth20", {"lastUpdateId": 1, "bids": _levels(20), "asks": _levels(20)}),
    "depth200": _message("btcusdt@depth", {"U": 1, "u": 2, "b": _levels(200), "a": _levels(200)}),
}  # fmt: skip


def _frame(payload: bytes) -> bytes:
    size = len(payload)
    return (bytes((0x81, size)) if size < 126 else b"\x81\x7e" + size.to_bytes(2, "big")) + payload


class Blast(trio.abc.Stream):
    """A transport that answers the handshake and then has all the frames there at once, and a close frame."""

    def __init__(self, frames: bytes) -> None:
        self._data = frames + b"\x88\x02\x03\xe8"
        self._at = 0
        self._head = b""
        self._asked = False

    async def connect(self, host: str, port: int, *, tls: bool) -> trio.abc.Stream:  # noqa: ARG002 - a dialer
        await trio.lowlevel.checkpoint()
        return self

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await trio.lowlevel.checkpoint()
        if not self._asked:
            key = re.search(rb"(?i)sec-websocket-key: *(\S+)", bytes(data))
            assert key is not None
            token = hashlib.sha1(key[1] + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11", usedforsecurity=False).digest()
            head = b"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n"
            self._head = head % base64.b64encode(token)
            self._asked = True

    async def wait_send_all_might_not_block(self) -> None:
        await trio.lowlevel.checkpoint()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        await trio.lowlevel.checkpoint()
        if self._head:
            head, self._head = self._head, b""
            return head
        chunk = self._data[self._at : self._at + (max_bytes or 65536)]
        self._at += len(chunk)
        return chunk

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()


async def by_tap(stream: Blast) -> int:
    """Count the messages that ``open_socket`` hands over."""
    count = 0
    async with open_socket("ws://bench.test/stream", stream, tuning=Tuning()) as socket:
        try:
            while True:
                count += len(await socket.receive())
        except ConnectionLost:
            return count


async def _by_get_message(stream: Blast, **options: Any) -> int:
    count = 0
    async with trio.open_nursery() as nursery:
        connection = await trio_websocket.wrap_client_stream(
            nursery, cast("Any", stream), "bench.test", "/stream", **options
        )
        try:
            while True:
                await connection.get_message()
                count += 1
        except trio_websocket.ConnectionClosed:
            nursery.cancel_scope.cancel()
    return count


async def by_trio_websocket(stream: Blast) -> int:
    """Count the messages of ``get_message`` as everybody calls it."""
    return await _by_get_message(stream)


async def by_trio_websocket_tuned(stream: Blast) -> int:
    """Count them with the best settings that it has."""
    return await _by_get_message(stream, receive_buffer_size=2**16, message_queue_size=512)


WAYS: dict[str, tuple[Callable[[Blast], Awaitable[int]], int]] = {
    "trio-websocket": (by_trio_websocket, SLOW_SHARE),
    "trio-websocket, 64 KiB reads, queue of 512": (by_trio_websocket_tuned, SLOW_SHARE),
    "open_socket over the frame tap": (by_tap, 1),
}


def _microseconds(way: Callable[[Blast], Awaitable[int]], frame: bytes, count: int) -> float:
    stream = Blast(frame * count)
    gc.collect()
    started = time.process_time()
    counted = trio.run(way, stream)
    elapsed = time.process_time() - started
    assert counted == count
    return elapsed / count * 1e6


def measure() -> dict[str, dict[str, list[float]]]:
    """Return microseconds a message: by kind, by way, a figure a round."""
    results: dict[str, dict[str, list[float]]] = {kind: {name: [] for name in WAYS} for kind in MESSAGES}
    for _ in range(ROUNDS):
        for kind, payload in MESSAGES.items():
            frame = _frame(payload)
            for name, (way, share) in WAYS.items():
                count = max(BYTES_A_ROUND // share // max(len(frame), 600), 100)
                results[kind][name].append(_microseconds(way, frame, count))
    return results


def main() -> None:
    """Print the table."""
    print(f"{'message':24}{'way':46}{'us/message':>11}{'ratio':>9}{'lowest':>8}")
    for kind, by_way in measure().items():
        reference = by_way["trio-websocket"]
        for name, figures in by_way.items():
            ratios = [slow / fast for slow, fast in zip(reference, figures, strict=True)]
            label = f"{kind} ({len(MESSAGES[kind])} B)"
            print(
                f"{label:24}{name:46}{statistics.median(figures):11.2f}"
                f"{statistics.median(ratios):8.1f}x{min(ratios):7.1f}x"
            )


if __name__ == "__main__":
    main()
