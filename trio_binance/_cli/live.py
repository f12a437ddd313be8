"""The live view: what the demo shows, as tables on a terminal or as plain lines elsewhere."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, final

import attrs
from rich.columns import Columns
from rich.console import Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from .output import clock_text, line

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from trio_binance.models import BookTickerEvent, DepthUpdateEvent, TradeEvent

SHOWN_TRADES = 12


@attrs.define
class Totals:
    """How much was seen."""

    trades: int = 0
    book_tickers: int = 0
    depth_events: int = 0

    @property
    def messages(self) -> int:
        """All of it."""
        return self.trades + self.book_tickers + self.depth_events


@final
class Picture:
    """What there is to show; filled by the feeds, painted by ``View``."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.totals = Totals()
        self.trades: deque[TradeEvent] = deque(maxlen=SHOWN_TRADES)
        self.tops: dict[str, BookTickerEvent] = {}
        self.story: list[str] = []
        self.state = ""

    def on_trade(self, trade: TradeEvent) -> None:
        """Take a trade."""
        self.totals.trades += 1
        self.trades.append(trade)

    def on_top(self, top: BookTickerEvent) -> None:
        """Take a change of a best bid or ask."""
        self.totals.book_tickers += 1
        self.tops[top.symbol] = top

    def on_depth(self, _event: DepthUpdateEvent) -> None:
        """Take a change of a book."""
        self.totals.depth_events += 1

    def paint(self) -> RenderableType:
        """Return the picture as it is now."""
        sides = Columns([self._trades_table(), Group(self._tops_table(), self._story_panel())], padding=(0, 2))
        return Panel(Group(sides, Text(self.state, style="dim")), title=self.title, border_style="cyan")

    def _trades_table(self) -> Table:
        table = Table("time (UTC)", "symbol", "side", title="trades", title_justify="left")
        table.add_column("quantity", justify="right")
        table.add_column("price", justify="right")
        for trade in reversed(self.trades):
            side, style = ("sell", "red") if trade.is_buyer_maker else ("buy", "green")
            time = clock_text(trade.trade_time)
            table.add_row(time, trade.symbol, Text(side, style), f"{trade.quantity:f}", Text(f"{trade.price:f}", style))
        return table

    def _tops_table(self) -> Table:
        table = Table("symbol", title="top of book", title_justify="left")
        for name in ("bid quantity", "bid", "ask", "ask quantity"):
            table.add_column(name, justify="right")
        for symbol, top in sorted(self.tops.items()):
            bid, ask = Text(f"{top.bid_price:f}", "green"), Text(f"{top.ask_price:f}", "red")
            table.add_row(symbol, f"{top.bid_quantity:f}", bid, ask, f"{top.ask_quantity:f}")
        return table

    def _story_panel(self) -> RenderableType:
        return Panel("\n".join(self.story), title="one order", title_align="left") if self.story else Text("")


@final
class View:
    """Paints a picture several times a second; on no terminal it writes plain lines instead."""

    def __init__(self, picture: Picture, console: Console) -> None:
        self._picture = picture
        self._plain = not console.is_terminal
        self._live = None if self._plain else Live(picture.paint(), console=console, auto_refresh=False)
        self._told = 0
        self._last: TradeEvent | None = None

    def __enter__(self) -> View:
        if self._live is not None:
            self._live.start()
        else:
            line(self._picture.title)
        return self

    def __exit__(self, *_exc: object) -> None:
        self.refresh()
        if self._live is not None:
            self._live.stop()

    def refresh(self) -> None:
        """Show what is new."""
        if self._live is not None:
            self._live.update(self._picture.paint(), refresh=True)
            return
        picture = self._picture
        if picture.trades and picture.trades[-1] is not self._last:
            self._last = trade = picture.trades[-1]
            line(f"trade  {clock_text(trade.trade_time)} {trade.symbol} {trade.quantity:f} @ {trade.price:f}")
        for symbol, top in sorted(picture.tops.items()):
            line(f"book   {symbol} {top.bid_quantity:f} @ {top.bid_price:f} | {top.ask_price:f} @ {top.ask_quantity:f}")
        for told in picture.story[self._told :]:
            line(f"order  {told}")
        self._told = len(picture.story)
