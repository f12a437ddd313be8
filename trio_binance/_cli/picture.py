"""The picture: what the demo has seen so far, filled by the feeds, shown by a view."""

from __future__ import annotations

from collections import Counter, deque
from typing import final

import attrs
import trio

from trio_binance._pure.decimals import to_text
from trio_binance.models import (
    AggTradeEvent,
    BookTickerEvent,
    DepthUpdateEvent,
    ExecutionReport,
    KlineEvent,
    OrderStatus,
    PartialDepthEvent,
    TradeEvent,
)

KEPT_TRADES = 50
RATE_SPAN = 2.0
_KINDS: dict[type, str] = {
    TradeEvent: "trades",
    AggTradeEvent: "aggregate trades",
    BookTickerEvent: "best prices",
    DepthUpdateEvent: "book changes",
    PartialDepthEvent: "book tops",
    KlineEvent: "candles",
}


@attrs.frozen
class Step:
    """A step in an order's life, ``after_ms`` milliseconds after it was sent."""

    after_ms: float
    word: str
    told: str
    done: str = ""
    """How much of it is filled."""


@final
class Story:
    """One order, from placement to fill."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.end = ""
        self._sent_at = 0.0

    def on_sent(self, told: str) -> None:
        """Take note that the order is on its way."""
        self._sent_at = trio.current_time()
        self._add("sent", told)

    def on_report(self, report: ExecutionReport) -> bool:
        """Take an event of the order; return whether it was the last one."""
        done = f"{to_text(report.cumulative_filled_quantity)} of {to_text(report.quantity)}"
        if report.trade_id < 0:
            self._add(f"{report.order_status}", f"order {report.order_id}", done)
        else:
            self._add("fill", f"{to_text(report.last_executed_quantity)} @ {to_text(report.last_executed_price)}", done)
        if report.order_status in (OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED):
            return False
        cost = f"for {to_text(report.cumulative_quote_quantity)}"
        if report.trade_id >= 0:
            self._add(f"{report.order_status}", cost, done)
        after_ms = self.steps[-1].after_ms
        what = f"{done} {report.symbol} {cost}"
        self.end = f"order {report.order_id} {report.order_status}: {what}, {after_ms:.1f} ms after it was sent"
        return True

    def _add(self, word: str, told: str, done: str = "") -> None:
        self.steps.append(Step((trio.current_time() - self._sent_at) * 1000, word, told, done))


@final
class Picture:
    """What there is to show. ``seconds`` is how long it is to last, ``None`` where nobody knows."""

    def __init__(self, title: str, seconds: float | None) -> None:
        self.title = title
        self.seconds = seconds
        self.started = trio.current_time()
        self.counts: Counter[str] = Counter()
        self.trades: deque[TradeEvent | AggTradeEvent] = deque(maxlen=KEPT_TRADES)
        self.tops: dict[str, BookTickerEvent] = {}
        self.story: Story | None = None
        self.status = ""
        self.offset = ""
        self.notices: list[str] = []
        self._marks: deque[tuple[float, int]] = deque([(self.started, 0)])

    @property
    def elapsed(self) -> float:
        """Seconds since it began."""
        return trio.current_time() - self.started

    @property
    def rate(self) -> float:
        """Messages a second, over the last two."""
        (since, before), total = self._marks[0], self.counts.total()
        return (total - before) / max(trio.current_time() - since, 0.001)

    def mark(self) -> None:
        """Remember how many messages came by now; call it every now and then."""
        now = trio.current_time()
        self._marks.append((now, self.counts.total()))
        while self._marks[1][0] <= now - RATE_SPAN:
            self._marks.popleft()

    def take(self, event: object) -> None:
        """Take an event of any stream."""
        self.counts[_KINDS.get(type(event), "others")] += 1
        if isinstance(event, TradeEvent | AggTradeEvent):
            self.trades.append(event)
        elif isinstance(event, BookTickerEvent):
            self.tops[event.symbol] = event

    def summary(self) -> str:
        """Return how much was seen, by kind."""
        total, elapsed = self.counts.total(), self.elapsed
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in self.counts.most_common())
        return f"{total:,} messages in {elapsed:.1f} s ({total / max(elapsed, 0.001):,.0f}/s): {kinds or 'none'}"
