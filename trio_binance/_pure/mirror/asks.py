"""The asks: what the exchange is to be asked so that nothing of the account is missing."""

from __future__ import annotations

from typing import TypeAlias

import attrs

PAGE = 1000
"""The most rows of an answer ("limit", of trades and of orders alike)."""


@attrs.frozen
class AskOpenOrders:
    """Which orders are open, of every symbol. Weight 80."""


@attrs.frozen
class AskBalances:
    """What the account has. Weight 20."""


@attrs.frozen
class AskOpenLists:
    """Which order lists are open. Weight 6."""


@attrs.frozen
class AskOrders:
    """The orders of a symbol from an id on, or those that changed between two moments (both ms). Weight 20."""

    symbol: str
    from_id: int | None = None
    start_ms: int | None = None
    end_ms: int | None = None


@attrs.frozen
class AskTrades:
    """The fills of a symbol from a trade's id on, or between two moments (both ms). Weight 20."""

    symbol: str
    from_id: int | None = None
    start_ms: int | None = None
    end_ms: int | None = None


@attrs.frozen
class AskOrder:
    """One order. Weight 4."""

    symbol: str
    order_id: int


@attrs.frozen
class AskNamedOrder:
    """One order by the client's id, and the exchange's where it is known too. Weight 4."""

    symbol: str
    order_id: int | None
    client_order_id: str | None


@attrs.frozen
class AskFills:
    """The fills of one order. Weight 5; of an order by smart order routing also its allocations, weight 20."""

    symbol: str
    order_id: int
    has_allocations: bool = False


@attrs.frozen
class AskList:
    """One order list. Weight 4."""

    order_list_id: int


Ask: TypeAlias = (
    AskOpenOrders | AskBalances | AskOpenLists | AskOrders | AskTrades | AskOrder | AskNamedOrder | AskFills | AskList
)
