"""The market room of the facade: books, trades, candles and reference prices, asked for once."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from trio_binance._protocol.catalogue import market

from .tickers import Tickers

if TYPE_CHECKING:
    from trio_binance.models import (
        AggTrade,
        AveragePrice,
        BlockTrade,
        Depth,
        Kline,
        KlineInterval,
        ReferencePrice,
        ReferencePriceCalculation,
        SymbolStatus,
        Trade,
    )

    from .room import Moment


@final
class Market(Tickers):
    """``bx.market``. Every method may raise any ``BinanceError`` and can be cancelled without a trace.

    Lists come oldest first. Without times they hold the newest items; from ``start_time`` on the oldest, up to
    ``limit``; with ``end_time`` alone the newest before it. A ``symbol_status`` that is not the symbol's is an error
    (-1220).
    """

    async def depth(self, symbol: str, *, limit: int = 100, symbol_status: SymbolStatus | str | None = None) -> Depth:
        """Return the order book, best levels first, up to 5000 a side.

        Weight 5 up to 100 levels, 25 up to 500, 50 up to 1000, 250 above. Security: none. Source: GET /api/v3/depth,
        depth (memory).
        """
        return await self._ask(market.DEPTH, symbol=symbol, limit=limit, symbol_status=symbol_status)

    async def trades(self, symbol: str, *, limit: int = 500) -> list[Trade]:
        """Return the newest trades, up to 1000.

        Weight 25. Security: none. Source: GET /api/v3/trades, trades.recent (memory).
        """
        return await self._ask(market.TRADES, symbol=symbol, limit=limit)

    async def historical_trades(self, symbol: str, *, from_id: int | None = None, limit: int = 500) -> list[Trade]:
        """Return trades from an id on, up to 1000; the newest without an id.

        Weight 25. Security: none. Source: GET /api/v3/historicalTrades, trades.historical (database),
        which may lag behind the stream.
        """
        return await self._ask(market.HISTORICAL_TRADES, symbol=symbol, from_id=from_id, limit=limit)

    async def historical_block_trades(self, symbol: str, *, from_id: int, limit: int = 500) -> list[BlockTrade]:
        """Return block trades from an id of theirs on, up to 1000.

        Weight 25. Security: none. Source: GET /api/v3/historicalBlockTrades, blockTrades.historical (database).
        """
        return await self._ask(market.HISTORICAL_BLOCK_TRADES, symbol=symbol, from_id=from_id, limit=limit)

    async def agg_trades(
        self,
        symbol: str,
        *,
        from_id: int | None = None,
        start_time: Moment | None = None,
        end_time: Moment | None = None,
        limit: int = 500,
    ) -> list[AggTrade]:
        """Return aggregate trades, up to 1000: from an id on, or by times, which exclude the id.

        Weight 4. Security: none. Source: GET /api/v3/aggTrades, trades.aggregate (database).
        """
        return await self._ask(
            market.AGG_TRADES,
            symbol=symbol,
            from_id=from_id,
            start_time=start_time,
            end_time=end_time,
            limit=limit,
        )

    async def klines(
        self,
        symbol: str,
        *,
        interval: KlineInterval | str,
        start_time: Moment | None = None,
        end_time: Moment | None = None,
        time_zone: str | None = None,
        limit: int = 500,
    ) -> list[Kline]:
        """Return candles, up to 1000; the last one may still be open.

        ``time_zone`` moves their boundaries, ``"8"`` or ``"-1:00"``, from -12:00 to +14:00; the times of the call and
        of the candles stay UTC.

        Weight 2. Security: none. Source: GET /api/v3/klines, klines (database).
        """
        return await self._ask(
            market.KLINES,
            symbol=symbol,
            interval=interval,
            start_time=start_time,
            end_time=end_time,
            time_zone=time_zone,
            limit=limit,
        )

    async def ui_klines(
        self,
        symbol: str,
        *,
        interval: KlineInterval | str,
        start_time: Moment | None = None,
        end_time: Moment | None = None,
        time_zone: str | None = None,
        limit: int = 500,
    ) -> list[Kline]:
        """Return candles whose values the exchange has altered for display in charts; otherwise as ``klines``.

        Weight 2. Security: none. Source: GET /api/v3/uiKlines, uiKlines (database).
        """
        return await self._ask(
            market.UI_KLINES,
            symbol=symbol,
            interval=interval,
            start_time=start_time,
            end_time=end_time,
            time_zone=time_zone,
            limit=limit,
        )

    async def avg_price(self, symbol: str) -> AveragePrice:
        """Return the average price of the last minutes.

        Weight 2. Security: none. Source: GET /api/v3/avgPrice, avgPrice (memory).
        """
        return await self._ask(market.AVG_PRICE, symbol=symbol)

    async def reference_price(self, symbol: str) -> ReferencePrice:
        """Return the price that a symbol's execution rules and filters are measured by; ``None`` while it is unset.

        Weight 2. Security: none. Source: GET /api/v3/referencePrice, referencePrice (memory).

        Raises:
            RequestError: -2043: the symbol never had one.
        """
        return await self._ask(market.REFERENCE_PRICE, symbol=symbol)

    async def reference_price_calculation(
        self, symbol: str, *, symbol_status: SymbolStatus | str | None = None
    ) -> ReferencePriceCalculation:
        """Return how the reference price of a symbol is calculated; ``match`` on the class.

        Weight 2. Security: none. Source: GET /api/v3/referencePrice/calculation, referencePrice.calculation (memory).

        Raises:
            RequestError: -2043: it is not calculated.
        """
        return await self._ask(market.REFERENCE_PRICE_CALCULATION, symbol=symbol, symbol_status=symbol_status)
