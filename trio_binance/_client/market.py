"""The market room of the facade: books, trades, candles and prices, asked for once."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from trio_binance._protocol.catalogue import market

from .checks import names_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trio_binance._protocol.operation import Value
    from trio_binance._services.router import Router
    from trio_binance.models import (
        AggTrade,
        AveragePrice,
        BookTicker,
        Depth,
        Kline,
        KlineInterval,
        PriceTicker,
        Ticker24h,
        Trade,
    )


@final
class Market:
    """``bx.market``. Every method may raise any ``BinanceError`` and can be cancelled without a trace.

    Times are milliseconds (or microseconds) since 1970, as the exchange gives them.
    """

    def __init__(self, router: Router) -> None:
        self._router = router

    async def depth(self, symbol: str, *, limit: int = 100) -> Depth:
        """Return the order book, best levels first, up to 5000 a side.

        Weight 5 up to 100 levels, 25 up to 500, 50 up to 1000, 250 above. Source: GET /api/v3/depth.
        """
        return await self._router.call(market.DEPTH, {"symbol": symbol, "limit": limit})

    async def trades(self, symbol: str, *, limit: int = 500) -> list[Trade]:
        """Return the newest trades, oldest first, up to 1000. Weight 25. Source: GET /api/v3/trades."""
        return await self._router.call(market.TRADES, {"symbol": symbol, "limit": limit})

    async def historical_trades(self, symbol: str, *, from_id: int | None = None, limit: int = 500) -> list[Trade]:
        """Return trades from an id on, up to 1000; the newest without an id. Weight 25.

        Source: GET /api/v3/historicalTrades (a database: it may lag behind the stream).
        """
        params: dict[str, Value] = {"symbol": symbol, "limit": limit, "fromId": from_id}
        return await self._router.call(market.HISTORICAL_TRADES, params)

    async def agg_trades(
        self,
        symbol: str,
        *,
        from_id: int | None = None,
        start_time: int | None = None,
        end_time: int | None = None,
        limit: int = 500,
    ) -> list[AggTrade]:
        """Return aggregate trades, oldest first, up to 1000. Weight 4. Source: GET /api/v3/aggTrades."""
        params = {"symbol": symbol, "fromId": from_id, "startTime": start_time, "endTime": end_time, "limit": limit}
        return await self._router.call(market.AGG_TRADES, params)

    async def klines(
        self,
        symbol: str,
        interval: KlineInterval | str,
        *,
        start_time: int | None = None,
        end_time: int | None = None,
        time_zone: str | None = None,
        limit: int = 500,
    ) -> list[Kline]:
        """Return candles, oldest first, up to 1000; the last one may still be open. Weight 2.

        Source: GET /api/v3/klines.
        """
        params = {
            "symbol": symbol,
            "interval": interval,
            "startTime": start_time,
            "endTime": end_time,
            "timeZone": time_zone,
            "limit": limit,
        }
        return await self._router.call(market.KLINES, params)

    async def avg_price(self, symbol: str) -> AveragePrice:
        """Return the average price of the last minutes. Weight 2. Source: GET /api/v3/avgPrice."""
        return await self._router.call(market.AVG_PRICE, {"symbol": symbol})

    async def ticker_24hr(self, symbol: str) -> Ticker24h:
        """Return one symbol's statistics of the last 24 hours. Weight 2. Source: GET /api/v3/ticker/24hr."""
        return await self._router.call(market.TICKER_24HR, {"symbol": symbol})

    async def tickers_24hr(self, symbols: Sequence[str] | None = None) -> list[Ticker24h]:
        """Return the statistics of several symbols, or of all (weight 80). Source: GET /api/v3/ticker/24hr."""
        return await self._router.call(market.TICKERS_24HR, {"symbols": names_of("symbols", symbols)})

    async def price_ticker(self, symbol: str) -> PriceTicker:
        """Return one symbol's latest price. Weight 2. Source: GET /api/v3/ticker/price."""
        return await self._router.call(market.PRICE_TICKER, {"symbol": symbol})

    async def price_tickers(self, symbols: Sequence[str] | None = None) -> list[PriceTicker]:
        """Return the latest prices of several symbols, or of all. Weight 4. Source: GET /api/v3/ticker/price."""
        return await self._router.call(market.PRICE_TICKERS, {"symbols": names_of("symbols", symbols)})

    async def book_ticker(self, symbol: str) -> BookTicker:
        """Return one symbol's best bid and ask. Weight 2. Source: GET /api/v3/ticker/bookTicker."""
        return await self._router.call(market.BOOK_TICKER, {"symbol": symbol})

    async def book_tickers(self, symbols: Sequence[str] | None = None) -> list[BookTicker]:
        """Return the best bids and asks of several symbols, or of all. Weight 4.

        Source: GET /api/v3/ticker/bookTicker.
        """
        return await self._router.call(market.BOOK_TICKERS, {"symbols": names_of("symbols", symbols)})
