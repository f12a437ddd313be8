"""The series: the streams whose items are counted, so that one sees what is missing, and can ask for it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, overload

from trio_binance._protocol.catalogue import market
from trio_binance._services.backfill import AggTrades, Klines, Trades
from trio_binance.config import Overflow
from trio_binance.errors import InvalidArgument
from trio_binance.models import KlineInterval, as_milliseconds
from trio_binance.tuning import TimeUnit

from .checks import check_count, check_feed
from .names import known_word, stream_names

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable
    from contextlib import AbstractAsyncContextManager

    from trio_binance._services.backfill import Backfill, Desk
    from trio_binance._services.feed import Feed
    from trio_binance._services.gapless import Gapless
    from trio_binance._services.streams import Streams as StreamsService
    from trio_binance.config import Tuning
    from trio_binance.models import AggTradeEvent, Gap, KlineEvent, TradeEvent

    from .room import Moment


class Series:
    """The base of ``bx.streams``: trades, aggregate trades and candles, gapless if so wished."""

    def __init__(
        self,
        service: StreamsService,
        tuning: Tuning,
        gapless: Gapless | None = None,
        time_unit: TimeUnit = TimeUnit.MILLISECOND,
    ) -> None:
        self._service = service
        self._tuning = tuning
        self._gapless = gapless
        self._time_unit = time_unit

    @overload
    def trades(
        self,
        *symbols: str,
        gapless: Literal[False] = False,
        buffer: int | None = None,
        overflow: Overflow = Overflow.DROP_OLDEST,
    ) -> AbstractAsyncContextManager[Feed[TradeEvent]]: ...
    @overload
    def trades(
        self,
        *symbols: str,
        gapless: Literal[True],
        from_id: int | Mapping[str, int] | None = None,
        buffer: int | None = None,
        overflow: Overflow = Overflow.DROP_OLDEST,
    ) -> AbstractAsyncContextManager[Feed[TradeEvent | Gap]]: ...
    def trades(
        self,
        *symbols: str,
        gapless: bool = False,
        from_id: int | Mapping[str, int] | None = None,
        buffer: int | None = None,
        overflow: Overflow = Overflow.DROP_OLDEST,
    ) -> AbstractAsyncContextManager[Feed[Any]]:
        """Open every single trade, in real time. Source: <symbol>@trade.

        With ``gapless`` every trade comes once, in the order of its ids, see ``Streams``; ``from_id`` is the first
        that is wanted (the last one you have, plus one), of the symbol or by symbol: what was before comes first.

        Entering waits as long as the exchange is not reached: bound it with ``trio.fail_after``, see ``Streams``.
        """
        names = stream_names(symbols, "trade")
        if not _is_gapless(gapless, from_id=from_id):
            return self._open(names, buffer, overflow)
        return self._open_gapless(symbols, names, Trades, _starts(symbols, from_id), buffer, overflow)

    @overload
    def agg_trades(
        self,
        *symbols: str,
        gapless: Literal[False] = False,
        buffer: int | None = None,
        overflow: Overflow = Overflow.DROP_OLDEST,
    ) -> AbstractAsyncContextManager[Feed[AggTradeEvent]]: ...
    @overload
    def agg_trades(
        self,
        *symbols: str,
        gapless: Literal[True],
        from_id: int | Mapping[str, int] | None = None,
        buffer: int | None = None,
        overflow: Overflow = Overflow.DROP_OLDEST,
    ) -> AbstractAsyncContextManager[Feed[AggTradeEvent | Gap]]: ...
    def agg_trades(
        self,
        *symbols: str,
        gapless: bool = False,
        from_id: int | Mapping[str, int] | None = None,
        buffer: int | None = None,
        overflow: Overflow = Overflow.DROP_OLDEST,
    ) -> AbstractAsyncContextManager[Feed[Any]]:
        """Open trades aggregated by taker order and price, in real time. Source: <symbol>@aggTrade.

        ``gapless`` and ``from_id`` as with ``trades``, by the ids of aggregate trades. They are cheaper to get: a
        weight of 4 for a thousand, and not of 25.

        Entering waits as long as the exchange is not reached: bound it with ``trio.fail_after``, see ``Streams``.
        """
        names = stream_names(symbols, "aggTrade")
        if not _is_gapless(gapless, from_id=from_id):
            return self._open(names, buffer, overflow)
        return self._open_gapless(symbols, names, AggTrades, _starts(symbols, from_id), buffer, overflow)

    @overload
    def klines(
        self,
        *symbols: str,
        interval: KlineInterval | str,
        time_zone: Literal["+08:00"] | None = None,
        gapless: Literal[False] = False,
        buffer: int | None = None,
        overflow: Overflow = Overflow.DROP_OLDEST,
    ) -> AbstractAsyncContextManager[Feed[KlineEvent]]: ...
    @overload
    def klines(
        self,
        *symbols: str,
        interval: KlineInterval | str,
        time_zone: Literal["+08:00"] | None = None,
        gapless: Literal[True],
        start_time: Moment | None = None,
        buffer: int | None = None,
        overflow: Overflow = Overflow.DROP_OLDEST,
    ) -> AbstractAsyncContextManager[Feed[KlineEvent | Gap]]: ...
    def klines(
        self,
        *symbols: str,
        interval: KlineInterval | str,
        time_zone: Literal["+08:00"] | None = None,
        gapless: bool = False,
        start_time: Moment | None = None,
        buffer: int | None = None,
        overflow: Overflow = Overflow.DROP_OLDEST,
    ) -> AbstractAsyncContextManager[Feed[Any]]:
        """Open candles while they form, every second for "1s" and every 2 s otherwise, and once when they close.

        With ``time_zone="+08:00"`` they begin with the days of UTC+8, and their times are those of UTC all the same.
        With ``gapless`` every candle closes once, in order, see ``Streams``; in between comes how the running one
        grows, and of that the newest is enough. ``start_time`` asks for the closed candles that begin from then on.
        Source: <symbol>@kline_<interval>, <symbol>@kline_<interval>@+08:00.

        Entering waits as long as the exchange is not reached: bound it with ``trio.fail_after``, see ``Streams``.
        """
        length = known_word("interval", interval, KlineInterval)
        if time_zone not in (None, "+08:00"):
            raise InvalidArgument("time_zone", time_zone, 'expected "+08:00", or None for UTC')
        kind = f"kline_{length}" if time_zone is None else f"kline_{length}@{time_zone}"
        names = stream_names(symbols, kind)
        if not _is_gapless(gapless, start_time=start_time):
            return self._open(names, buffer, overflow)
        start = self._start(start_time)
        starts = {} if start is None else dict.fromkeys(map(str.upper, symbols), start)
        make = partial(Klines, interval=length, time_zone=time_zone)
        return self._open_gapless(symbols, names, make, starts, buffer, overflow, exact=False)

    # ---------------------------------------------------------------------------------------------- opening

    def _open(
        self,
        names: Iterable[str],
        buffer: int | None,
        overflow: Overflow,
        key: Callable[[Any], Hashable] | None = None,
    ) -> AbstractAsyncContextManager[Any]:
        size = self._tuning.buffer if buffer is None else buffer
        check_feed(size, overflow)
        return self._service.open(
            tuple(dict.fromkeys(names)), buffer=size, overflow=overflow, key=key or _symbol, mixed=key is not None
        )

    def _open_gapless(
        self,
        symbols: tuple[str, ...],
        names: list[str],
        make: Callable[[Desk], Backfill[Any]],
        starts: Mapping[str, int],
        buffer: int | None,
        overflow: Overflow,
        *,
        exact: bool = True,
    ) -> AbstractAsyncContextManager[Any]:
        size = self._tuning.buffer if buffer is None else buffer
        check_feed(size, overflow)
        if overflow is Overflow.LATEST:
            raise InvalidArgument("overflow", overflow, "a gapless feed leaves nothing out; FAIL is the other choice")
        assert self._gapless is not None
        streams = dict(zip(map(str.upper, symbols), names, strict=True))
        return self._gapless.open(streams, make, buffer=size, overflow=overflow, starts=starts, exact=exact)

    def _start(self, start_time: Moment | None) -> int | None:
        """Return a moment in the unit of the events."""
        written = market.KLINES.write(start_time=start_time)["startTime"]
        if written is None:
            return None
        milliseconds = as_milliseconds(int(str(written)))
        return milliseconds * 1000 if self._time_unit is TimeUnit.MICROSECOND else milliseconds


def subject(event: Any) -> Hashable:
    """Return what an event is about: a trade never replaces a candle, nor a minute's candle an hour's."""
    if isinstance(event, tuple):
        # One of the arrays that tell of all symbols.
        return tuple, *((type(one), getattr(one, "window", None)) for one in event[:1])
    name = getattr(event, "symbol", None) or getattr(event, "stream", None)
    length = getattr(event, "window", None) or getattr(getattr(event, "candle", None), "interval", None)
    return type(event), name, length


def _symbol(event: Any) -> Hashable:
    """Return what an event is about in a feed of one kind, where its symbol says it."""
    try:
        symbol: Hashable = event.symbol
    except AttributeError:
        return subject(event)
    return symbol


def _is_gapless(gapless: object, **asked: object) -> bool:
    """Return the wish; refuse what goes with it where there is none."""
    if not isinstance(gapless, bool):
        raise TypeError(f"gapless={gapless!r}: expected a bool, not {type(gapless).__name__}")
    for field, value in asked.items():
        if value is not None and not gapless:
            raise InvalidArgument(field, value, "only a gapless feed can begin in the past: give gapless=True as well")
    return gapless


def _starts(symbols: tuple[str, ...], from_id: int | Mapping[str, int] | None) -> dict[str, int]:
    """Return where each symbol begins, by its name in capitals, as events tell it."""
    if from_id is None:
        return {}
    if not isinstance(from_id, Mapping):
        check_count("from_id", from_id, 0)
        if len({*symbols}) > 1:
            raise InvalidArgument("from_id", from_id, "ids are counted by symbol: give a mapping of symbols to ids")
        return {symbols[0].upper(): from_id}
    known = {*map(str.upper, symbols)}
    starts = {str(symbol).upper(): first for symbol, first in from_id.items()}
    for symbol, first in starts.items():
        check_count("from_id", first, 0)
        if symbol not in known:
            raise InvalidArgument("from_id", from_id, f"{symbol} is not among the symbols")
    return starts
