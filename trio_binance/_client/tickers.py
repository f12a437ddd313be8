"""The tickers: one for a symbol, a list for several or for all; in full or in short."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias, overload

from trio_binance._protocol.catalogue import market
from trio_binance.models import TickerType

from .room import Room

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trio_binance.models import (
        AnyTicker24h,
        AnyWindowTicker,
        BookTicker,
        MiniTicker,
        PriceTicker,
        SymbolStatus,
        Ticker24h,
        WindowTicker,
    )

Full: TypeAlias = Literal[TickerType.FULL, "FULL"]
Mini: TypeAlias = Literal[TickerType.MINI, "MINI"]


class Tickers(Room):
    """The part of ``bx.market`` whose answers take the shape of the question.

    ``symbol`` and ``symbols`` exclude each other. A ``symbol_status`` that is not the symbol's is an error (-1220)
    where one symbol is asked for; of several, those of another status are left out.
    """

    @overload
    async def ticker_24hr(
        self, symbol: str, *, type: Full = TickerType.FULL, symbol_status: SymbolStatus | str | None = None
    ) -> Ticker24h: ...
    @overload
    async def ticker_24hr(
        self, symbol: str, *, type: Mini, symbol_status: SymbolStatus | str | None = None
    ) -> MiniTicker: ...
    @overload
    async def ticker_24hr(
        self, symbol: str, *, type: TickerType | str, symbol_status: SymbolStatus | str | None = None
    ) -> AnyTicker24h: ...
    @overload
    async def ticker_24hr(
        self,
        *,
        symbols: Sequence[str] | None = None,
        type: Full = TickerType.FULL,
        symbol_status: SymbolStatus | str | None = None,
    ) -> list[Ticker24h]: ...
    @overload
    async def ticker_24hr(
        self, *, symbols: Sequence[str] | None = None, type: Mini, symbol_status: SymbolStatus | str | None = None
    ) -> list[MiniTicker]: ...
    @overload
    async def ticker_24hr(
        self,
        *,
        symbols: Sequence[str] | None = None,
        type: TickerType | str,
        symbol_status: SymbolStatus | str | None = None,
    ) -> list[AnyTicker24h]: ...
    async def ticker_24hr(
        self,
        symbol: str | None = None,
        *,
        symbols: Sequence[str] | None = None,
        type: TickerType | str = TickerType.FULL,
        symbol_status: SymbolStatus | str | None = None,
    ) -> AnyTicker24h | list[Ticker24h] | list[MiniTicker] | list[AnyTicker24h]:
        """Return the last 24 hours, rolling, of a symbol, of several, or of all.

        Weight 2 for up to 20 symbols, 40 for up to 100, 80 for more or all. Security: none. Source: GET
        /api/v3/ticker/24hr, ticker.24hr (memory).
        """
        return await self._ask(
            market.TICKER_24HR, symbol=symbol, symbols=symbols, type=type, symbol_status=symbol_status
        )

    @overload
    async def trading_day_ticker(
        self,
        symbol: str,
        *,
        time_zone: str | None = None,
        type: Full = TickerType.FULL,
        symbol_status: SymbolStatus | str | None = None,
    ) -> WindowTicker: ...
    @overload
    async def trading_day_ticker(
        self,
        symbol: str,
        *,
        time_zone: str | None = None,
        type: Mini,
        symbol_status: SymbolStatus | str | None = None,
    ) -> MiniTicker: ...
    @overload
    async def trading_day_ticker(
        self,
        symbol: str,
        *,
        time_zone: str | None = None,
        type: TickerType | str,
        symbol_status: SymbolStatus | str | None = None,
    ) -> AnyWindowTicker: ...
    @overload
    async def trading_day_ticker(
        self,
        *,
        symbols: Sequence[str],
        time_zone: str | None = None,
        type: Full = TickerType.FULL,
        symbol_status: SymbolStatus | str | None = None,
    ) -> list[WindowTicker]: ...
    @overload
    async def trading_day_ticker(
        self,
        *,
        symbols: Sequence[str],
        time_zone: str | None = None,
        type: Mini,
        symbol_status: SymbolStatus | str | None = None,
    ) -> list[MiniTicker]: ...
    @overload
    async def trading_day_ticker(
        self,
        *,
        symbols: Sequence[str],
        time_zone: str | None = None,
        type: TickerType | str,
        symbol_status: SymbolStatus | str | None = None,
    ) -> list[AnyWindowTicker]: ...
    async def trading_day_ticker(
        self,
        symbol: str | None = None,
        *,
        symbols: Sequence[str] | None = None,
        time_zone: str | None = None,
        type: TickerType | str = TickerType.FULL,
        symbol_status: SymbolStatus | str | None = None,
    ) -> AnyWindowTicker | list[WindowTicker] | list[MiniTicker] | list[AnyWindowTicker]:
        """Return the present trading day of a symbol, or of up to 100; ``time_zone`` says where it begins, or UTC.

        Weight 4 a symbol, 200 at most. Security: none. Source: GET /api/v3/ticker/tradingDay, ticker.tradingDay
        (database).
        """
        return await self._ask(
            market.TRADING_DAY_TICKER,
            symbol=symbol,
            symbols=symbols,
            time_zone=time_zone,
            type=type,
            symbol_status=symbol_status,
        )

    @overload
    async def rolling_ticker(
        self,
        symbol: str,
        *,
        window_size: str | None = None,
        type: Full = TickerType.FULL,
        symbol_status: SymbolStatus | str | None = None,
    ) -> WindowTicker: ...
    @overload
    async def rolling_ticker(
        self,
        symbol: str,
        *,
        window_size: str | None = None,
        type: Mini,
        symbol_status: SymbolStatus | str | None = None,
    ) -> MiniTicker: ...
    @overload
    async def rolling_ticker(
        self,
        symbol: str,
        *,
        window_size: str | None = None,
        type: TickerType | str,
        symbol_status: SymbolStatus | str | None = None,
    ) -> AnyWindowTicker: ...
    @overload
    async def rolling_ticker(
        self,
        *,
        symbols: Sequence[str],
        window_size: str | None = None,
        type: Full = TickerType.FULL,
        symbol_status: SymbolStatus | str | None = None,
    ) -> list[WindowTicker]: ...
    @overload
    async def rolling_ticker(
        self,
        *,
        symbols: Sequence[str],
        window_size: str | None = None,
        type: Mini,
        symbol_status: SymbolStatus | str | None = None,
    ) -> list[MiniTicker]: ...
    @overload
    async def rolling_ticker(
        self,
        *,
        symbols: Sequence[str],
        window_size: str | None = None,
        type: TickerType | str,
        symbol_status: SymbolStatus | str | None = None,
    ) -> list[AnyWindowTicker]: ...
    async def rolling_ticker(
        self,
        symbol: str | None = None,
        *,
        symbols: Sequence[str] | None = None,
        window_size: str | None = None,
        type: TickerType | str = TickerType.FULL,
        symbol_status: SymbolStatus | str | None = None,
    ) -> AnyWindowTicker | list[WindowTicker] | list[MiniTicker] | list[AnyWindowTicker]:
        """Return the last ``window_size`` of a symbol, or of up to 100: "1m" to "59m", "1h" to "23h", "1d" to "7d".

        A day unless told otherwise. The window begins at a full minute, so that it is up to a minute longer.

        Weight 4 a symbol, 200 at most. Security: none. Source: GET /api/v3/ticker, ticker (database).
        """
        return await self._ask(
            market.ROLLING_TICKER,
            symbol=symbol,
            symbols=symbols,
            window_size=window_size,
            type=type,
            symbol_status=symbol_status,
        )

    @overload
    async def price_ticker(self, symbol: str, *, symbol_status: SymbolStatus | str | None = None) -> PriceTicker: ...
    @overload
    async def price_ticker(
        self, *, symbols: Sequence[str] | None = None, symbol_status: SymbolStatus | str | None = None
    ) -> list[PriceTicker]: ...
    async def price_ticker(
        self,
        symbol: str | None = None,
        *,
        symbols: Sequence[str] | None = None,
        symbol_status: SymbolStatus | str | None = None,
    ) -> PriceTicker | list[PriceTicker]:
        """Return the latest price of a symbol, of several, or of all.

        Weight 2 for a symbol, 4 for a list. Security: none. Source: GET /api/v3/ticker/price, ticker.price (memory).
        """
        return await self._ask(market.PRICE_TICKER, symbol=symbol, symbols=symbols, symbol_status=symbol_status)

    @overload
    async def book_ticker(self, symbol: str, *, symbol_status: SymbolStatus | str | None = None) -> BookTicker: ...
    @overload
    async def book_ticker(
        self, *, symbols: Sequence[str] | None = None, symbol_status: SymbolStatus | str | None = None
    ) -> list[BookTicker]: ...
    async def book_ticker(
        self,
        symbol: str | None = None,
        *,
        symbols: Sequence[str] | None = None,
        symbol_status: SymbolStatus | str | None = None,
    ) -> BookTicker | list[BookTicker]:
        """Return the best bid and ask of a symbol, of several, or of all.

        Weight 2 for a symbol, 4 for a list. Security: none. Source: GET /api/v3/ticker/bookTicker, ticker.book
        (memory).
        """
        return await self._ask(market.BOOK_TICKER, symbol=symbol, symbols=symbols, symbol_status=symbol_status)
