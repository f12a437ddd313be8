"""The backfill: what the exchange can be asked for when a stream did not bring it, kind by kind.

Everything asked for here leaves a quarter of the weight to others, and waits for that if need be. The exchange answers
from a database that may lag behind its streams: an answer says what is there, never that there is no more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, final

import attrs

from trio_binance._protocol.catalogue import market
from trio_binance._pure.contiguity import Candles, Ids
from trio_binance.errors import RequestError, UnknownSymbol
from trio_binance.models import (
    AggTrade,
    AggTradeEvent,
    Candle,
    Kline,
    KlineEvent,
    KlineInterval,
    RecoveredAggTradeEvent,
    RecoveredKlineEvent,
    RecoveredTradeEvent,
    TickerType,
    Trade,
    TradeEvent,
    as_milliseconds,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trio_binance._protocol.operation import Operation
    from trio_binance._pure.contiguity import Ask, Places, Quiet

    from .clock import Clock
    from .limiter import Limiter
    from .router import Router

E = TypeVar("E")
R = TypeVar("R")

PAGE = 1000
"""The most rows of an answer ("limit", of trades, aggregate trades and candles alike)."""
TICKERS = 20
"""So many symbols cost a weight of 2, and one more twenty times that ("24hr ticker price change statistics")."""
_LATE_MS = 2000
"""A candle that has not been told as closed so long after its end was lost; streams of candles speak every 2 s."""


@attrs.frozen
class Page(Generic[E]):
    """An answer: items from the place asked for on, as far as they are known; ``full`` if there may be more."""

    items: list[E]
    full: bool


@attrs.frozen
class Finding:
    """There is more of a quiet series than came: up to ``head``, if that is known. Or less: it was begun anew."""

    symbol: str
    head: int | None = None
    is_anew: bool = False


class Backfill(Protocol[E]):
    """What the exchange can be asked for, of one kind of items."""

    @property
    def places(self) -> Places[E]:
        """Where such items stand in their series."""
        ...

    async def page(self, ask: Ask) -> Page[E]:
        """Ask for items. Raises ``BinanceError``. Cancelled: nothing happened."""
        ...

    async def newer(self, quiet: Sequence[Quiet[E]]) -> list[Finding]:
        """Find out of which quiet series the exchange knows more. Raises ``BinanceError``."""
        ...


@final
class Desk:
    """Where questions are asked, with an eye on the weight."""

    def __init__(self, router: Router, limiter: Limiter, clock: Clock) -> None:
        self._router = router
        self._limiter = limiter
        self._clock = clock

    async def ask(self, operation: Operation[R], **arguments: object) -> R:
        """Ask, once there is weight to spare. Raises ``BinanceError``."""
        params = operation.write(**arguments)
        operation.check(params)
        async with self._limiter.spare(operation.weight(params)):
            return await self._router.call(operation, params)

    async def last_trades(self, symbols: Sequence[str]) -> dict[str, int]:
        """Return the id of the last trade of each symbol that had one within a day. Weight 2 for twenty."""
        known: dict[str, int] = {}
        for start in range(0, len(symbols), TICKERS):
            known |= await self._some_last_trades(symbols[start : start + TICKERS])
        return known

    async def _some_last_trades(self, symbols: Sequence[str]) -> dict[str, int]:
        try:
            tickers: Any = await self.ask(market.TICKER_24HR, symbols=list(symbols), type=TickerType.MINI)
        except RequestError:
            # One that is not listed any more must not keep the others from being looked at.
            half = len(symbols) // 2
            if half == 0:
                return {}
            return await self._some_last_trades(symbols[:half]) | await self._some_last_trades(symbols[half:])
        return {ticker.symbol: ticker.last_id for ticker in tickers if ticker.last_id >= 0}

    async def first_unknown(self, symbols: Sequence[str]) -> UnknownSymbol | None:
        """Return the exchange's word on one of these symbols that it does not know. Weight 2 for twenty that it knows.

        Raises ``BinanceError`` where it did not say.
        """
        for start in range(0, len(symbols), TICKERS):
            some = symbols[start : start + TICKERS]
            try:
                await self.ask(market.TICKER_24HR, symbols=list(some), type=TickerType.MINI)
            except RequestError as exc:
                if len(some) == 1:
                    return _named(exc, some[0])
                for symbol in some:  # It does not say which.
                    if (unknown := await self.first_unknown([symbol])) is not None:
                        return unknown
        return None

    def server_ms(self) -> int:
        """Return the server's time."""
        return self._clock.server_ms()


def _named(exc: RequestError, symbol: str) -> UnknownSymbol:
    """Return the error with the symbol in its words, or raise it if it is another."""
    if not isinstance(exc, UnknownSymbol):
        raise exc
    exc.message = f"{symbol}: {exc.message}"
    return exc


def _compared(quiet: Sequence[Quiet[Any]], newest: Callable[[Quiet[Any]], tuple[int, int] | None]) -> list[Finding]:
    """Return of which series the exchange has more, or less, than came: ``newest`` tells its last id and ours."""
    found = []
    for series in quiet:
        pair = newest(series)
        if pair is not None and pair[0] != pair[1]:
            found.append(Finding(series.symbol, pair[0], is_anew=pair[0] < pair[1]))
    return found


@final
class Trades:
    """Single trades, by id. Weight 25 for 1000. Source: GET /api/v3/historicalTrades."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.places: Places[TradeEvent] = Ids("trade_id")

    async def page(self, ask: Ask) -> Page[TradeEvent]:
        """Ask for trades."""
        limit = _limit(ask)
        rows = await self._desk.ask(market.HISTORICAL_TRADES, symbol=ask.symbol, from_id=ask.first, limit=limit)
        return Page([_trade(ask.symbol, row) for row in rows], len(rows) >= limit)

    async def newer(self, quiet: Sequence[Quiet[TradeEvent]]) -> list[Finding]:
        """Compare the last ids."""
        known = await self._desk.last_trades([series.symbol for series in quiet])

        def newest(series: Quiet[TradeEvent]) -> tuple[int, int] | None:
            last = known.get(series.symbol)
            return None if last is None else (last, series.edge - 1)

        return _compared(quiet, newest)


@final
class AggTrades:
    """Aggregate trades, by id. Weight 4 for 1000. Source: GET /api/v3/aggTrades."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.places: Places[AggTradeEvent] = Ids("agg_trade_id")

    async def page(self, ask: Ask) -> Page[AggTradeEvent]:
        """Ask for aggregate trades."""
        limit = _limit(ask)
        rows = await self._desk.ask(market.AGG_TRADES, symbol=ask.symbol, from_id=ask.first, limit=limit)
        return Page([_agg_trade(ask.symbol, row) for row in rows], len(rows) >= limit)

    async def newer(self, quiet: Sequence[Quiet[AggTradeEvent]]) -> list[Finding]:
        """Compare the ids of the last single trades: those of aggregate trades are told nowhere in short.

        Of a series of which nothing was had yet the last aggregate trade is asked for, at a weight of 4.
        """
        known = await self._desk.last_trades([series.symbol for series in quiet if series.last is not None])

        def newest(series: Quiet[AggTradeEvent]) -> tuple[int, int] | None:
            last = known.get(series.symbol)
            return None if last is None or series.last is None else (last, series.last.last_trade_id)

        found = [attrs.evolve(found, head=None) for found in _compared(quiet, newest)]
        return found + [each for series in quiet if series.last is None for each in await self._beside(series)]

    async def _beside(self, series: Quiet[AggTradeEvent]) -> list[Finding]:
        try:
            rows = await self._desk.ask(market.AGG_TRADES, symbol=series.symbol, limit=1)
        except RequestError:  # Not listed any more, which must not keep the others from being looked at.
            return []
        return _compared([series], lambda _: (rows[-1].agg_trade_id, series.edge - 1) if rows else None)


@final
class Klines:
    """Closed candles, by time. Weight 2 for 1000. Source: GET /api/v3/klines."""

    def __init__(self, desk: Desk, interval: KlineInterval, time_zone: str | None = None) -> None:
        self._desk = desk
        self._interval = interval
        # "timeZone": hours ("0", "8", "4") or hours and minutes ("-1:00", "05:45"), and never a plus.
        self._time_zone = None if time_zone is None else time_zone.removeprefix("+")
        self.places: Places[KlineEvent] = Candles()

    async def page(self, ask: Ask) -> Page[KlineEvent]:
        """Ask for candles; one is known to be closed when there is a later one beside it."""
        limit = PAGE if ask.count is None else min(PAGE, ask.count + 2)
        rows = await self._desk.ask(
            market.KLINES,
            symbol=ask.symbol,
            interval=self._interval,
            start_time=ask.first,
            time_zone=self._time_zone,
            limit=limit,
        )
        return Page([_kline(ask.symbol, self._interval, row) for row in rows[:-1]], len(rows) >= limit)

    async def newer(self, quiet: Sequence[Quiet[KlineEvent]]) -> list[Finding]:
        """Look at the clock: a candle whose time is over must have closed."""
        now = self._desk.server_ms()
        return [
            Finding(series.symbol) for series in quiet if as_milliseconds(series.edge + series.stride) + _LATE_MS <= now
        ]


def _limit(ask: Ask) -> int:
    return PAGE if ask.count is None else min(PAGE, ask.count)


def _trade(symbol: str, row: Trade) -> TradeEvent:
    return RecoveredTradeEvent(
        event_time=row.time,
        symbol=symbol,
        trade_id=row.id,
        price=row.price,
        quantity=row.qty,
        trade_time=row.time,
        is_buyer_maker=row.is_buyer_maker,
        is_best_match=row.is_best_match,
        extra=row.extra,
    )


def _agg_trade(symbol: str, row: AggTrade) -> AggTradeEvent:
    return RecoveredAggTradeEvent(
        event_time=row.trade_time,
        symbol=symbol,
        agg_trade_id=row.agg_trade_id,
        price=row.price,
        quantity=row.quantity,
        first_trade_id=row.first_trade_id,
        last_trade_id=row.last_trade_id,
        trade_time=row.trade_time,
        is_buyer_maker=row.is_buyer_maker,
        is_best_match=row.is_best_match,
        extra=row.extra,
    )


def _kline(symbol: str, interval: KlineInterval, row: Kline) -> KlineEvent:
    candle = Candle(
        open_time=row.open_time,
        close_time=row.close_time,
        symbol=symbol,
        interval=interval,
        first_trade_id=-1,
        last_trade_id=-1,
        open_price=row.open_price,
        close_price=row.close_price,
        high_price=row.high_price,
        low_price=row.low_price,
        volume=row.volume,
        trade_count=row.trade_count,
        is_closed=True,
        quote_volume=row.quote_volume,
        taker_buy_volume=row.taker_buy_volume,
        taker_buy_quote_volume=row.taker_buy_quote_volume,
        unused=row.unused,
    )
    return RecoveredKlineEvent(event_time=row.close_time, symbol=symbol, candle=candle, extra=row.extra)
