"""cryptofeed: its C order book, fed as its Binance exchange feeds it, with the decoder that it uses."""

from __future__ import annotations

from decimal import Decimal
from importlib.metadata import version
from typing import Any

import ledger
from order_book import OrderBook

try:
    import msgspec

    decode: Any = msgspec.json.decode
except ImportError:  # before its third version
    from yapic import json

    decode = json.loads


class Kept:
    """An order book of Decimals."""

    def __init__(self, snapshot: bytes) -> None:
        told = decode(snapshot)
        self._book = OrderBook()
        self._book.bids = {Decimal(price): Decimal(quantity) for price, quantity in told["bids"]}
        self._book.asks = {Decimal(price): Decimal(quantity) for price, quantity in told["asks"]}

    def take(self, frame: bytes) -> None:
        """Decode an event and apply it."""
        told = decode(frame)["data"]
        self._apply(self._book.bids, told["b"])
        self._apply(self._book.asks, told["a"])

    @staticmethod
    def _apply(side: Any, rows: list[Any]) -> None:
        for row in rows:
            price, quantity = Decimal(row[0]), Decimal(row[1])
            if quantity == 0:
                if price in side:
                    del side[price]
            else:
                side[price] = quantity

    def best(self) -> tuple[object, object]:
        """Return both levels; up to version 0.6 it sorts its keys again after each change."""
        return self._book.bids.index(0), self._book.asks.index(0)

    def prices(self) -> tuple[str, str]:
        """Return the best prices as plain numbers."""
        bid, ask = self._book.bids.index(0), self._book.asks.index(0)
        return f"{bid[0].normalize():f}", f"{ask[0].normalize():f}"


if __name__ == "__main__":
    ledger.main(Kept, f"{version('order-book')} of cryptofeed {version('cryptofeed')}")
