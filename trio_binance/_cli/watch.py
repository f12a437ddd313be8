"""The watch command: a stream, one event a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import attrs
import trio

from trio_binance._client.open import open_binance
from trio_binance._codec import stream as codec
from trio_binance._codec.jsontext import encode
from trio_binance._pure.decimals import to_text
from trio_binance.errors import ApiError, BinanceError, RequestError
from trio_binance.models import (
    AggTradeEvent,
    AvgPriceEvent,
    BlockTradeEvent,
    BookTickerEvent,
    DepthUpdateEvent,
    KlineEvent,
    KlineInterval,
    MiniTickerEvent,
    PartialDepthEvent,
    ReferencePriceEvent,
    RollingTickerEvent,
    SymbolStatus,
    TickerEvent,
    TradeEvent,
)

from .notices import notice
from .output import clock_text, fail, tell, write
from .plain import describe_top, describe_trade

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from contextlib import AbstractAsyncContextManager
    from decimal import Decimal

    from trio_binance._client.client import Binance
    from trio_binance._services.events import Event
    from trio_binance._services.feed import Feed
    from trio_binance.config import BinanceConfig
    from trio_binance.models import Candle, Level

StreamName: TypeAlias = Literal[
    "trades",
    "agg_trades",
    "block_trades",
    "book_ticker",
    "depth",
    "klines",
    "mini_ticker",
    "ticker",
    "rolling_ticker",
    "avg_price",
    "reference_price",
    "all_mini_tickers",
    "all_rolling_tickers",
]
"""As the methods of ``bx.streams`` are called; ``depth`` with levels is ``partial_depth``."""
LevelCount: TypeAlias = Literal[5, 10, 20]
WindowName: TypeAlias = Literal["1h", "4h", "1d"]
ZoneName: TypeAlias = Literal["+08:00"]

_OPTIONS: dict[str, tuple[StreamName, ...]] = {
    "interval": ("klines",),
    "time_zone": ("klines",),
    "levels": ("depth",),
    "window": ("rolling_ticker", "all_rolling_tickers"),
}
"""Which streams have which option."""


def _upper(symbols: Sequence[str]) -> tuple[str, ...]:
    return tuple(symbol.upper() for symbol in symbols)


@attrs.frozen
class Wish:
    """What to watch, and the options of ``_OPTIONS``; ``levels`` asks for the top of the book and not its changes."""

    symbols: tuple[str, ...] = attrs.field(converter=_upper)
    stream: StreamName = "trades"
    interval: str | None = None
    levels: LevelCount | None = None
    window: WindowName | None = None
    time_zone: ZoneName | None = None
    json: bool = False
    seconds: float | None = None

    def flaw(self) -> str | None:
        """Return what cannot be granted, naming the option and its value, or ``None``."""
        of_all = self.stream.startswith("all_")
        if of_all and self.symbols:
            return f"SYMBOL {self.symbols[0]}: --stream {self.stream} is of all symbols, give none"
        if not of_all and not self.symbols:
            return "SYMBOL: give at least one, such as BTCUSDT"
        if self.interval is not None and not KlineInterval(self.interval).is_known:
            return f"--interval {self.interval}: expected one of {', '.join(KlineInterval)}"
        for name, streams in _OPTIONS.items():
            value, option = getattr(self, name), name.replace("_", "-")
            if value is not None and self.stream not in streams:
                return f"--{option} {value}: only for --stream {' or '.join(streams)}, not {self.stream}"
        return None

    def open(self, bx: Binance) -> AbstractAsyncContextManager[Feed[Any]]:
        """Return the feed of the stream."""
        method = self.stream if self.levels is None else "partial_depth"
        feed: AbstractAsyncContextManager[Feed[Any]] = getattr(bx.streams, method)(*self.symbols, **self._arguments())
        return feed

    def _arguments(self) -> dict[str, object]:
        match self.stream:
            case "klines":
                return {"interval": self.interval or "1m", "time_zone": self.time_zone}
            case "rolling_ticker" | "all_rolling_tickers":
                return {"window": self.window or "1h"}
            case "depth" if self.levels is not None:
                return {"levels": self.levels}
            case _:
                return {}


async def show(config: BinanceConfig, wish: Wish) -> int:
    """Print events until cancelled, or for so many seconds; a lost connection is told of and comes back by itself.

    Returns 1 when a symbol is unknown, or when in those seconds the exchange could not be reached.
    """
    subscribed = False
    async with open_binance(attrs.evolve(config, hooks=(*config.hooks, _tell_of))) as bx:
        with trio.move_on_after(float("inf") if wish.seconds is None else wish.seconds):
            opening = wish.open(bx)
            if wish.symbols and (flaw := await _check_symbols(bx, wish.symbols)):
                return fail(flaw, 1)
            async with opening as feed:
                subscribed = True
                async for batch in feed.batches():
                    await write(*map(_to_json if wish.json else describe, _one_by_one(batch)))
    if not subscribed:
        return fail(f"{config.environment.name}: not reached within {wish.seconds:g} s", 1)
    return 0


def _one_by_one(events: Iterable[Any]) -> Iterator[Any]:
    """Return events, and those that came together in a tuple, each by itself."""
    for event in events:
        yield from event if isinstance(event, tuple) else (event,)


def _tell_of(event: Event) -> None:
    if told := notice(event):
        tell(told)


async def _check_symbols(bx: Binance, symbols: Sequence[str]) -> str | None:
    """Return which symbol does not exist, or ``None``.

    The exchange confirms the stream of a symbol that does not exist, and then says nothing: ask it beforehand. An
    exchange that cannot be asked is no reason not to listen to it.
    """
    name = bx.config.environment.name
    try:
        with trio.fail_after(bx.config.tuning.connect_timeout + 1):
            info = await bx.general.exchange_info(symbols=symbols)
    except RequestError as exc:
        return await _which_unknown(bx, symbols) or f"SYMBOL {', '.join(symbols)}: {exc}"
    except BinanceError as exc:
        tell(f"{name}: symbols not checked: {exc}")
    except trio.TooSlowError:
        tell(f"{name}: symbols not checked: no answer within {bx.config.tuning.connect_timeout + 1:g} s")
    else:
        for found in info.symbols:
            if found.status != SymbolStatus.TRADING:
                tell(f"{found.symbol} does not trade at the moment: {found.status}")
    return None


async def _which_unknown(bx: Binance, symbols: Sequence[str]) -> str | None:
    """Ask for each alone: the answer to a question about several does not name the one at fault."""
    for symbol in symbols:
        try:
            await bx.general.exchange_info(symbol=symbol)
        except ApiError as exc:
            return f"SYMBOL {symbol}: {bx.config.environment.name} has none of this name ({exc.message})"
    return None


# ----------------------------------------------------------------------------------------------------- lines


def _to_json(event: Any) -> str:
    return encode(codec.unstructure(event)).decode()


def describe(event: object) -> str:
    """Return an event as one line for people, every number in its exact text."""
    match event:
        case TradeEvent() | AggTradeEvent() | BlockTradeEvent():
            return describe_trade(event)
        case BookTickerEvent():
            return describe_top(event)
        case KlineEvent():
            return _describe_candle(event.candle)
        case DepthUpdateEvent():
            changes = f"bids {_levels(event.bids)}  asks {_levels(event.asks)}"
            head = f"{clock_text(event.event_time)}  {event.symbol:<10}"
            return f"{head}  {event.first_update_id}..{event.last_update_id}  {changes}"
        case PartialDepthEvent():
            return f"{event.symbol:<10}  bids {_levels(event.bids)}  asks {_levels(event.asks)}"
        case MiniTickerEvent() | TickerEvent() | RollingTickerEvent():
            return _describe_ticker(event)
        case AvgPriceEvent():
            head = f"{clock_text(event.event_time)}  {event.symbol:<10}"
            return f"{head}  average {to_text(event.average_price)} over {event.interval}"
        case ReferencePriceEvent():
            price = "none" if event.reference_price is None else to_text(event.reference_price)
            return f"{clock_text(event.timestamp)}  {event.symbol:<10}  reference {price}"
        case _:
            return str(event)


def _describe_candle(candle: Candle) -> str:
    prices = _prices(candle.open_price, candle.high_price, candle.low_price, candle.close_price)
    state = "closed" if candle.is_closed else "open"
    head = f"{clock_text(candle.open_time)}  {candle.symbol:<10}  {candle.interval}"
    return f"{head}  {prices}  volume {to_text(candle.volume)}  {state}"


def _describe_ticker(ticker: MiniTickerEvent | TickerEvent | RollingTickerEvent) -> str:
    window = ticker.window if isinstance(ticker, RollingTickerEvent) else "24h"
    head = f"{clock_text(ticker.event_time)}  {ticker.symbol:<10}  {window}"
    last = ticker.close_price if isinstance(ticker, MiniTickerEvent) else ticker.last_price
    told = _prices(ticker.open_price, ticker.high_price, ticker.low_price, last)
    line = f"{head}  {told}  volume {to_text(ticker.volume)}"
    return line if isinstance(ticker, MiniTickerEvent) else f"{line}  {to_text(ticker.price_change_percent)}%"


def _prices(*prices: Decimal) -> str:
    """Return open, high, low and close."""
    return "  ".join(f"{name} {to_text(price)}" for name, price in zip("ohlc", prices, strict=True))


def _levels(levels: Sequence[Level]) -> str:
    """Return the first level and how many more there are; a quantity of 0 is how the exchange says that it is gone."""
    if not levels:
        return "-"
    quantity = to_text(levels[0].quantity) if levels[0].quantity else "gone"
    first = f"{quantity} @ {to_text(levels[0].price)}"
    return first if len(levels) == 1 else f"{first} (+{len(levels) - 1})"
