"""Messages as the exchange sends them, for the benchmarks: no two alike, and the same ones for the same seed."""

from __future__ import annotations

import itertools
import random

MOMENT = 1_700_000_000_000
NOTHING = "0.00000000"


def price(ticks: int) -> str:
    """Return a price in the exchange's writing, of so many hundredths."""
    return f"{ticks // 100}.{ticks % 100:02d}000000"


def _price(rng: random.Random) -> str:
    return price(rng.randrange(6_100_000, 6_110_000))


def _quantity(rng: random.Random) -> str:
    return f"0.{rng.randrange(10**5):05d}000"


def agg_trade(rng: random.Random, number: int) -> dict[str, object]:
    moment = MOMENT + number
    head = {
        "e": "aggTrade",
        "E": moment,
        "s": "BTCUSDT",
        "a": 3 * 10**9 + number,
        "p": _price(rng),
        "q": _quantity(rng),
    }
    return head | {"f": 4 * 10**9, "l": 4 * 10**9 + 1, "T": moment, "m": rng.random() < 0.5, "M": True}


def book_ticker(rng: random.Random, number: int) -> dict[str, object]:
    sides = {"b": _price(rng), "B": _quantity(rng), "a": _price(rng), "A": _quantity(rng)}
    return {"u": 50 * 10**9 + number, "s": "BTCUSDT"} | sides


def kline(rng: random.Random, number: int) -> dict[str, object]:
    prices = {letter: _price(rng) for letter in "ochl"}
    volumes = {letter: f"{rng.randrange(10**4)}.{rng.randrange(10**8):08d}" for letter in "vqVQ"}
    candle = {"t": MOMENT, "T": MOMENT + 59_999, "s": "BTCUSDT", "i": "1m", "f": 4 * 10**9, "L": 4 * 10**9}
    candle |= prices | volumes | {"n": number, "x": False, "B": "0"}
    return {"e": "kline", "E": MOMENT + number, "s": "BTCUSDT", "k": candle}


def mini_ticker(rng: random.Random, number: int) -> dict[str, object]:
    """Return the ticker of one of many symbols, each of which is named in letters as real ones are."""
    symbol = "".join(chr(65 + number // 26**place % 26) for place in range(3)) + "USDT"
    head = {"e": "24hrMiniTicker", "E": MOMENT + number, "s": symbol}
    return head | {letter: _price(rng) for letter in "cohl"} | {letter: _quantity(rng) for letter in "vq"}


def rolling_ticker(rng: random.Random, number: int) -> dict[str, object]:
    """Return a ticker of which one in two has fallen."""
    sign = rng.choice(["", "-"])
    head = {"e": "1hTicker", "E": MOMENT + number, "s": "BTCUSDT"}
    change = {"p": f"{sign}{_quantity(rng)}", "P": f"{sign}{rng.randrange(10)}.{rng.randrange(1000):03d}"}
    sums = {letter: _price(rng) for letter in "ohlcw"} | {letter: _quantity(rng) for letter in "vq"}
    span = {"O": MOMENT, "C": MOMENT + 3_600_000 + number, "F": 4 * 10**9, "L": 4 * 10**9 + 1, "n": 2}
    return head | change | sums | span


def depth20(rng: random.Random, number: int) -> dict[str, object]:
    bids, asks = ([[_price(rng), _quantity(rng)] for _ in range(20)] for _ in range(2))
    return {"lastUpdateId": 50 * 10**9 + number, "bids": bids, "asks": asks}


class MovingBook:
    """A book that is full at first, one level a tick, and whose middle wanders; never crossed.

    Every step changes levels of both sides, most of them near the middle, and takes one in ten of them away.

    Args:
        rng: draws everything.
        levels: so many a side at first.
        changes: so many a side and step.
    """

    def __init__(self, rng: random.Random, *, levels: int = 5000, changes: int = 20) -> None:
        self._rng = rng
        self._levels = levels
        self._changes = changes
        self._middle = 6_000_000
        self._update_id = 60 * 10**9
        self._number = itertools.count()

    def snapshot(self) -> dict[str, object]:
        """Return the whole book as it is before the first step."""
        bids, asks = ([self._level(side, offset) for offset in range(self._levels)] for side in (-1, 1))
        return {"lastUpdateId": self._update_id, "bids": bids, "asks": asks}

    def step(self) -> dict[str, object]:
        """Return the next event: what changed since the one before."""
        moved = self._rng.choice((-1, 0, 0, 0, 1)) * self._rng.randrange(1, 4)
        self._middle += moved
        first, self._update_id = self._update_id + 1, self._update_id + 2 * self._changes
        ids = {"U": first, "u": self._update_id}
        head = {"e": "depthUpdate", "E": MOMENT + 100 * next(self._number), "s": "BTCUSDT"}
        return head | ids | {"b": self._change(-1, max(-moved, 0)), "a": self._change(1, max(moved, 0))}

    def _change(self, side: int, passed: int) -> list[list[str]]:
        """Return the changes of a side whose best levels, ``passed`` of them, the middle has run over."""
        gone = [self._level(side, -offset, NOTHING) for offset in range(passed, 0, -1)]
        offsets: set[int] = set()
        while len(offsets) < self._changes - passed:
            offsets.add(int(self._rng.expovariate(1 / 40)))
        return gone + [self._level(side, offset, NOTHING if self._rng.random() < 0.1 else None) for offset in offsets]

    def _level(self, side: int, offset: int, quantity: str | None = None) -> list[str]:
        best = self._middle if side > 0 else self._middle - 1
        return [price(best + side * offset), _quantity(self._rng) if quantity is None else quantity]
