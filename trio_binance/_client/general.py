"""The general room of the facade: is the exchange there, what time is it, what does it trade, and by which rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from trio_binance._protocol.catalogue import general

from .room import Room

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trio_binance.models import ExchangeInfo, ExecutionRules, ServerTime, SymbolStatus


@final
class General(Room):
    """``bx.general``. Every method may raise any ``BinanceError`` and can be cancelled without a trace."""

    async def ping(self) -> None:
        """Ask whether the exchange answers.

        Weight 1. Security: none. Source: GET /api/v3/ping, ping (memory).
        """
        await self._ask(general.PING)

    async def time(self) -> ServerTime:
        """Return the exchange's time.

        Weight 1. Security: none. Source: GET /api/v3/time, time (memory).
        """
        return await self._ask(general.TIME)

    async def exchange_info(
        self,
        *,
        symbol: str | None = None,
        symbols: Sequence[str] | None = None,
        permissions: Sequence[str] | None = None,
        show_permission_sets: bool | None = None,
        symbol_status: SymbolStatus | str | None = None,
    ) -> ExchangeInfo:
        """Return limits, symbols and their filters.

        Without arguments: all symbols that trade with SPOT, MARGIN or LEVERAGED permission. ``symbol``, ``symbols``
        and ``permissions`` exclude each other, ``symbol_status`` excludes ``symbol`` and ``symbols``. From then on
        the connector keeps to the limits that are told.

        Weight 20. Security: none. Source: GET /api/v3/exchangeInfo, exchangeInfo (memory).

        Raises:
            UnknownSymbol: one of the symbols does not exist; the whole request fails.
        """
        return await self._ask(
            general.EXCHANGE_INFO,
            symbol=symbol,
            symbols=symbols,
            permissions=permissions,
            show_permission_sets=show_permission_sets,
            symbol_status=symbol_status,
        )

    async def execution_rules(
        self,
        *,
        symbol: str | None = None,
        symbols: Sequence[str] | None = None,
        symbol_status: SymbolStatus | str | None = None,
    ) -> ExecutionRules:
        """Return the rules that orders are held to while they trade; at most one of the arguments is taken.

        Weight 2 a symbol, 40 at most and for all of them. Security: none. Source: GET /api/v3/executionRules,
        executionRules (memory).
        """
        return await self._ask(general.EXECUTION_RULES, symbol=symbol, symbols=symbols, symbol_status=symbol_status)
