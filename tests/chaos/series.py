"""Trades and candles held to the exchange's own tape."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Any

from trio_binance.models import Candle, Gap, KlineEvent
from trio_binance.sandbox.tape import Trade


def _in_order(heard: Iterable[Any], symbol: str, number: str) -> tuple[list[Any], list[Gap], dict[str, int]]:
    """Return what was heard of a symbol, once it is certain that each follows the one before: items, gaps, counts."""
    items, gaps = list[Any](), list[Gap]()
    counts = {"live": 0, "recovered": 0, "missing": 0}
    expected: int | None = None
    for item in heard:
        if item.symbol != symbol:
            continue
        is_gap = isinstance(item, Gap)
        first, last = (item.first, item.last) if is_gap else (getattr(item, number),) * 2
        assert expected is None or first == expected
        expected = last + 1
        (gaps if is_gap else items).append(item)
        counts["missing" if is_gap else "recovered" if item.recovered else "live"] += last + 1 - first
    return items, gaps, counts


def check_trades(heard: Iterable[Any], tape: Iterable[Trade], symbol: str) -> dict[str, int]:
    """Compare what was heard of a symbol with what was traded; return how much of it came in which way."""
    known = {trade.id: trade for trade in tape}
    items, gaps, counts = _in_order(heard, symbol, "trade_id")
    for gap in gaps:
        assert {*range(gap.first, gap.last + 1)} <= known.keys()
    for item in items:
        trade = known[item.trade_id]
        assert (item.price, item.quantity, item.is_buyer_maker, item.trade_time) == (
            trade.price,
            trade.quantity,
            trade.buyer_is_maker,
            trade.time_us // 1000,
        )
    return counts


def check_agg_trades(heard: Iterable[Any], tape: Iterable[Trade], symbol: str) -> dict[str, int]:
    """The same for aggregate trades: each is the trades that it names, and they follow one another."""
    known = {trade.id: trade for trade in tape}
    items, _, counts = _in_order(heard, symbol, "agg_trade_id")
    for item in items:
        parts = [known[number] for number in range(item.first_trade_id, item.last_trade_id + 1)]
        assert {(part.price, part.buyer_is_maker) for part in parts} == {(item.price, item.is_buyer_maker)}
        assert sum(part.quantity for part in parts) == item.quantity
    return counts


def folded(inside: Sequence[Trade]) -> tuple[Any, ...]:
    """Return the figures of the candle that trades make, computed from them alone."""
    prices = [trade.price for trade in inside]
    taken = [trade for trade in inside if not trade.buyer_is_maker]
    return (
        prices[0],
        max(prices),
        min(prices),
        prices[-1],
        sum((trade.quantity for trade in inside), Decimal(0)),
        sum((trade.quote_quantity for trade in inside), Decimal(0)),
        len(inside),
        sum((trade.quantity for trade in taken), Decimal(0)),
        sum((trade.quote_quantity for trade in taken), Decimal(0)),
    )


def figures(candle: Candle) -> tuple[Any, ...]:
    """Return the same of a candle that was told."""
    return (
        candle.open_price,
        candle.high_price,
        candle.low_price,
        candle.close_price,
        candle.volume,
        candle.quote_volume,
        candle.trade_count,
        candle.taker_buy_volume,
        candle.taker_buy_quote_volume,
    )


def check_candles(heard: list[KlineEvent], tape: Iterable[Trade], length: int) -> list[KlineEvent]:
    """Return the closed candles, once each of them has been compared with the trades, and their order is right."""
    traded: defaultdict[int, list[Trade]] = defaultdict(list)
    for trade in tape:
        traded[trade.time_us // 1000 // length].append(trade)
    for before, after in pairwise(heard):
        assert after.candle.open_time == before.candle.open_time + (length if before.candle.is_closed else 0)
        assert after.candle.is_closed or before.candle.is_closed or after.event_time > before.event_time
    closed = [event for event in heard if event.candle.is_closed]
    for event in closed:
        if trades := traded[event.candle.open_time // length]:
            assert figures(event.candle) == folded(trades)
        else:
            none = (0, Decimal(0), Decimal(0))
            assert (event.candle.trade_count, event.candle.volume, event.candle.quote_volume) == none
    return closed
