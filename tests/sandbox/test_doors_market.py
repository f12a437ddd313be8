"""The doors around the real market: what a client of the whole embedded exchange sees."""

from __future__ import annotations

import json
from decimal import Decimal
from itertools import pairwise
from typing import Any

from trio_binance.sandbox.exchange import Exchange
from trio_binance.sandbox.frames import Text
from trio_binance.sandbox.keys import Key
from trio_binance.sandbox.market import Market
from trio_binance.sandbox.rules import SECOND_US, Rules

from .doors import SECRET, START_US, House, body, hmac_signed, texts

NOW_MS = START_US // 1000
FUNDS = {"USDT": Decimal(1_000_000), "BTC": Decimal(10)}


class RealHouse(House):
    """The doors around a real market, with an HMAC key of a funded account."""

    def __init__(self, market: Market | None = None, **rules: int) -> None:
        self.real = Market(7, START_US, 20.0) if market is None else market
        self.alice = self.real.open_account("hmac-key", FUNDS)
        keys = {"hmac-key": Key.hmac("hmac-key", SECRET, self.alice)}
        self.exchange = Exchange(self.real, keys=keys, rules=Rules(**rules), start_us=START_US)

    def run(self, until_us: int) -> list[Any]:
        """Let time pass, timer by timer, and return the JSON of every text frame."""
        frames: list[Any] = []
        while self.exchange.deadline_us <= until_us:
            now_us = self.exchange.deadline_us
            self.exchange.on_timer(now_us)
            output = self.exchange.take_output()
            frames += [json.loads(frame.text) for frame in output if isinstance(frame, Text)]
        return frames

    def best_bid(self) -> Decimal:
        return self.real.book("BTCUSDT").bids[0][0]


def test_an_order_over_rest_is_seen_by_its_owner_over_the_websocket_api() -> None:
    house = RealHouse()
    connection = house.dial("ws_api", "/ws-api/v3")
    house.call(connection, "userDataStream.subscribe.signature", **hmac_signed(timestamp=NOW_MS))
    price = (house.best_bid() * Decimal("0.9")).quantize(Decimal("0.01"))
    reply = house.order(type="LIMIT", timeInForce="GTC", quantity="0.01000", price=str(price), newClientOrderId="mine")
    assert reply.status == 200, reply
    events = texts(house.exchange.take_output(), connection)
    kinds = [(frame["subscriptionId"], frame["event"]["e"]) for frame in events]
    assert (0, "executionReport") in kinds
    assert (0, "outboundAccountPosition") in kinds
    report = next(frame["event"] for frame in events if frame["event"]["e"] == "executionReport")
    assert (report["x"], report["c"], report["i"]) == ("NEW", "mine", body(reply)["orderId"])
    assert reply.header("x-mbx-order-count-10s") == "1"


def test_a_market_order_gets_its_place_in_the_count_back() -> None:
    house = RealHouse()
    reply = house.order(quantity="0.01000")
    assert body(reply)["status"] == "FILLED"
    rows = body(house.signed("GET /api/v3/rateLimit/order"))
    assert [row["count"] for row in rows] == [0, 0]


def test_streams_deliver_in_the_combined_envelope_and_only_what_was_asked() -> None:
    house = RealHouse()
    house.dial("stream", "/stream?streams=btcusdt@trade/btcusdt@depth@100ms/btcusdt@bookTicker")
    frames = house.run(START_US + 5 * SECOND_US)
    assert {frame["stream"] for frame in frames} == {
        "btcusdt@trade",
        "btcusdt@depth@100ms",
        "btcusdt@bookTicker",
    }
    depth = [frame["data"] for frame in frames if frame["stream"].endswith("@100ms")]
    assert all(later["U"] == earlier["u"] + 1 for earlier, later in pairwise(depth))


def test_the_depth_stream_joins_the_snapshot() -> None:
    house = RealHouse()
    house.dial("stream", "/ws/btcusdt@depth@100ms")
    house.run(START_US + SECOND_US)
    snapshot = body(house.get("/api/v3/depth?symbol=BTCUSDT&limit=5000", now_us=START_US + SECOND_US))
    events = house.run(START_US + 3 * SECOND_US)
    later = [event for event in events if event["u"] > snapshot["lastUpdateId"]]
    assert later
    assert later[0]["U"] <= snapshot["lastUpdateId"] + 1


def test_microseconds_are_a_thousand_times_the_milliseconds() -> None:
    coarse, fine = RealHouse(), RealHouse()
    coarse.dial("stream", "/ws/btcusdt@kline_1m")
    fine.dial("stream", "/ws/btcusdt@kline_1m?timeUnit=MICROSECOND")
    for one, other in zip(coarse.run(START_US + 5 * SECOND_US), fine.run(START_US + 5 * SECOND_US), strict=True):
        assert other["E"] == one["E"] * 1000
        assert (other["k"]["t"], other["k"]["T"]) == (one["k"]["t"] * 1000, one["k"]["T"] * 1000)


def test_a_quiet_market_asks_for_no_streams_when_nobody_listens() -> None:
    house = RealHouse()
    connection = house.dial("stream", "/ws/btcusdt@trade")
    assert house.real.wanted == {"btcusdt@trade"}
    house.exchange.on_closed(connection, START_US)
    assert house.real.wanted == set()
    assert house.run(START_US + SECOND_US) == []


def test_the_same_seed_gives_the_same_frames() -> None:
    runs = []
    for _ in range(2):
        house = RealHouse()
        house.dial("stream", "/stream?streams=btcusdt@trade/ethusdt@depth")
        runs.append(house.run(START_US + 3 * SECOND_US))
    assert runs[0] == runs[1]
    assert runs[0]
