"""python-binance: its DepthCache, exact, fed as its DepthCacheManager feeds it and read as its documentation has it."""

from __future__ import annotations

import json
from decimal import Decimal
from importlib.metadata import version
from typing import Any

import ledger
from binance.ws.depthcache import DepthCache


class Kept:
    """A depth cache of Decimals."""

    def __init__(self, snapshot: bytes) -> None:
        self._cache = DepthCache("BTCUSDT", conv_type=Decimal)
        told = json.loads(snapshot)
        self._apply(told["bids"], told["asks"])

    def take(self, frame: bytes) -> None:
        """Decode an event and apply it."""
        told = json.loads(frame)["data"]
        self._apply(told["b"], told["a"])

    def _apply(self, bids: list[Any], asks: list[Any]) -> None:
        for bid in bids:
            self._cache.add_bid(bid)
        for ask in asks:
            self._cache.add_ask(ask)

    def best(self) -> tuple[object, object]:
        """Return both levels: it sorts its side for each."""
        return self._cache.get_bids()[0], self._cache.get_asks()[0]

    def prices(self) -> tuple[str, str]:
        """Return the best prices as plain numbers."""
        bid, ask = self._cache.get_bids()[0], self._cache.get_asks()[0]
        return f"{bid[0].normalize():f}", f"{ask[0].normalize():f}"


if __name__ == "__main__":
    ledger.main(Kept, version("python-binance"))
