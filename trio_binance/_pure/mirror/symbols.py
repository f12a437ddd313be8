"""The symbols: on which of them something happens, and up to where their orders and fills are all known."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import attrs

from trio_binance.models import as_microseconds

from .watermarks import Watermark

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trio_binance.models import AccountFill


@final
@attrs.define(eq=False)
class Symbol:
    """What is known of one symbol."""

    orders: Watermark
    trades: Watermark
    active_us: int = 0
    """When something was heard of it last, by the exchange's clock."""

    def note_order(self, order_id: int, created_us: int) -> None:
        """Note an order that is known."""
        self.orders.note(order_id, created_us)

    def note_trade(self, fill: AccountFill) -> None:
        """Note a fill that is known; what smart order routing gave is no trade."""
        if fill.allocation_id is None:
            self.trades.note(fill.trade_id, as_microseconds(fill.time))


@final
class Symbols:
    """The symbols that matter to one account."""

    def __init__(self) -> None:
        self._symbols: dict[str, Symbol] = {}

    def get(self, name: str, since_us: int) -> Symbol:
        """Return a symbol; of one that is new nothing was missed up to ``since_us``."""
        found = self._symbols.get(name)
        if found is None:
            found = self._symbols[name] = Symbol(Watermark(since_us), Watermark(since_us))
        return found

    def touch(self, name: str, since_us: int, server_us: int) -> Symbol:
        """Return a symbol on which something happens."""
        found = self.get(name, since_us)
        found.active_us = server_us
        return found

    def begin(self, since_us: int) -> None:
        """Note that events flow for the first time: what was before is of no interest."""
        for symbol in self._symbols.values():
            symbol.orders.on_complete(since_us)
            symbol.trades.on_complete(since_us)

    def forget(self, name: str) -> None:
        """Forget a symbol."""
        self._symbols.pop(name, None)

    def chosen(self, active_us: int | None, busy: set[str]) -> Iterator[tuple[str, Symbol]]:
        """Return all symbols, or those of which something was heard since then, and those that are busy."""
        for name, symbol in sorted(self._symbols.items()):
            if active_us is None or symbol.active_us >= active_us or name in busy:
                yield name, symbol
