"""The general room of the facade: is the exchange there, what time is it, what does it trade."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from trio_binance._protocol.catalogue import general

from .checks import names_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trio_binance._services.router import Router
    from trio_binance.models import ExchangeInfo, ServerTime, SymbolStatus


@final
class General:
    """``bx.general``. Every method may raise any ``BinanceError`` and can be cancelled without a trace."""

    def __init__(self, router: Router) -> None:
        self._router = router

    async def ping(self) -> None:
        """Ask whether the exchange answers. Weight 1. Source: GET /api/v3/ping."""
        await self._router.call(general.PING, {})

    async def time(self) -> ServerTime:
        """Return the exchange's time in milliseconds. Weight 1. Source: GET /api/v3/time."""
        return await self._router.call(general.TIME, {})

    async def exchange_info(
        self,
        *,
        symbol: str | None = None,
        symbols: Sequence[str] | None = None,
        permissions: Sequence[str] | None = None,
        show_permission_sets: bool | None = None,
        symbol_status: SymbolStatus | str | None = None,
    ) -> ExchangeInfo:
        """Return limits, symbols and their filters; everything when nothing is named. Weight 20.

        Source: GET /api/v3/exchangeInfo.
        """
        return await self._router.call(
            general.EXCHANGE_INFO,
            {
                "symbol": symbol,
                "symbols": names_of("symbols", symbols),
                "permissions": names_of("permissions", permissions),
                "showPermissionSets": show_permission_sets,
                "symbolStatus": symbol_status,
            },
        )
