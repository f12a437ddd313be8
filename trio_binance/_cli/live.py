"""The live view: the demo's picture on a terminal, repainted in place, fitted to its width and height."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self, final

from rich.console import Group
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from .output import clock_text, number
from .plain import side_of

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from .picture import Picture, Step

BEGIN_FRAME, END_FRAME = "\x1b[?2026h", "\x1b[?2026l"
"""Have the terminal show a frame only when it is whole ("synchronized output"); others ignore it."""
WIDE: Final = 140
"""Columns from which trades stand beside the rest; below, under it."""
ROOMY: Final = 70
"""Columns for all there is to show; below, what matters less goes, so that numbers keep every digit."""
STORY_ROWS: Final = 7
SIDE_STYLE: Final = {"buy": "green", "sell": "red"}
STATUS_STYLE: Final = {"READY": "bold green", "DEGRADED": "bold yellow"}
WORD_STYLE: Final = {"sent": "cyan", "fill": "green", "FILLED": "bold green", "NEW": "cyan"}


@final
class LiveView:
    """Paints the picture; the last one stays on the screen."""

    def __init__(self, picture: Picture, console: Console) -> None:
        self._picture = picture
        self._console = console
        self._live = Live(console=console, auto_refresh=False, redirect_stdout=False, redirect_stderr=False)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        """Give the terminal back as it was, with its cursor."""
        self._live.stop()

    async def refresh(self) -> None:
        """Paint the picture as it is now."""
        width, height = self._console.size
        file = self._console.file
        file.write(BEGIN_FRAME)
        self._live.update(paint(self._picture, width, height), refresh=True)
        file.write(END_FRAME)
        file.flush()


def paint(picture: Picture, width: int, height: int) -> RenderableType:
    """Return the picture for a terminal of this size; its own height never changes, so that nothing jumps."""
    inner = width - 4
    rest: list[RenderableType] = [_tops(picture, inner)]
    if picture.story is not None:
        rest += [Text(), _heading("one order"), _story(picture, inner)]
    tops_rows = max(len(picture.tops), 1) + 1
    rest_rows = tops_rows + (2 + STORY_ROWS if picture.story is not None else 0)
    body: RenderableType
    if width >= WIDE:
        body = Table.grid(padding=(0, 4))
        body.add_row(_trades(picture, inner, max(rest_rows - 1, 3)), Group(*rest))
    else:
        # A frame, the status, a blank line before the trades, their heading, and one line for the cursor.
        body = Group(*rest, Text(), _trades(picture, inner, max(height - rest_rows - 7, 3)))
    notice = Text(picture.notices[-1], "yellow", no_wrap=True, overflow="ellipsis") if picture.notices else Text()
    title = Text(picture.title, "bold")
    return Panel(Group(_status(picture, inner), notice, body), title=title, border_style="cyan", width=width)


def _heading(text: str) -> Text:
    return Text(text, "bold cyan")


def _status(picture: Picture, width: int) -> RenderableType:
    line = Text.assemble(
        (picture.status, STATUS_STYLE.get(picture.status, "dim")),
        f"   {picture.rate:,.0f} messages/s",
        f"   {picture.counts.total():,} in all",
        no_wrap=True,
        overflow="ellipsis",
    )
    if picture.offset:
        line.append(f"   clock {picture.offset}", "dim")
    if picture.seconds is None or width < 90:
        return line
    elapsed = min(picture.elapsed, picture.seconds)
    row = Table.grid(padding=(0, 2), expand=True)
    row.add_column(ratio=1)
    row.add_column(justify="right")
    row.add_column(width=16)
    row.add_row(line, f"{elapsed:.0f} of {picture.seconds:g} s", ProgressBar(picture.seconds, elapsed, width=16))
    return row


def _columns(*names: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold cyan")
    for name in names:
        is_number = name.startswith(("quantity", "price", "bid", "ask"))
        table.add_column(name, justify="right" if is_number else "left", no_wrap=True)
    return table


def _trades(picture: Picture, width: int, rows: int) -> Table:
    """Return the latest trades, newest first, in a table always ``rows`` high; the time goes when it is narrow."""
    timed = width >= ROOMY
    table = _columns(*(("trades (UTC)",) if timed else ()), "symbol", "side", "quantity", "price")
    shown = list(reversed(picture.trades))[:rows]
    for trade in shown:
        side = side_of(trade)
        style = SIDE_STYLE[side]
        cells = [Text(trade.symbol), Text(side, style), number(trade.quantity), number(trade.price, style)]
        table.add_row(*([Text(clock_text(trade.trade_time), "dim")] if timed else []), *cells)
    for _ in range(rows - len(shown)):
        table.add_row("")
    return table


def _tops(picture: Picture, width: int) -> Table:
    """Return the best bid and ask of each symbol; the quantities go when it is narrow."""
    sized = width >= ROOMY
    names = ("bid quantity", "bid", "ask", "ask quantity") if sized else ("bid", "ask")
    table = _columns("top of book" if sized else "book", *names)
    for symbol, top in sorted(picture.tops.items()):
        prices = [number(top.bid_price, "green"), number(top.ask_price, "red")]
        cells = [number(top.bid_quantity), *prices, number(top.ask_quantity)] if sized else prices
        table.add_row(symbol, *cells)
    if not picture.tops:
        table.add_row(Text("waiting for the first prices", "dim"))
    return table


def _story(picture: Picture, width: int) -> RenderableType:
    """Return the steps of the order, always ``STORY_ROWS`` high."""
    steps = picture.story.steps if picture.story is not None else []
    # Of a long story, how it began and how it ends.
    shown = steps if len(steps) <= STORY_ROWS else [steps[0], *steps[-(STORY_ROWS - 1) :]]
    rows = [_step(step, width) for step in shown]
    return Group(*rows, *[Text()] * (STORY_ROWS - len(rows)))


def _step(step: Step, width: int) -> Text:
    text = Text(no_wrap=True, overflow="ellipsis")
    if width >= ROOMY:
        text.append(f"+{step.after_ms:.1f} ms".rjust(11) + "  ", "dim")
    text.append(f"{step.word:<8}", WORD_STYLE.get(step.word, ""))
    text.append(f"{step.told:<28}")
    return text.append(f"  {step.done}", "dim")
