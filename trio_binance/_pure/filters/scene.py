"""The scene: what is known at the moment a request is checked; what it lacks is never taken for granted."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from enum import Enum

import attrs

from trio_binance.models import AccountFilters, ExecutionRule, Filter, PegPriceType, Side, SymbolInfo


class Need(Enum):
    """What a check lacks, that somebody could find out: in the order in which to do it, since one may spare another."""

    EXECUTION_RULES = "the symbol's execution rules"
    ACCOUNT_FILTERS = "the account's own filters"
    REFERENCE_PRICE = "the symbol's reference price"
    AVERAGE_PRICE = "the average price"
    LAST_PRICE = "the last price"
    BOOK = "the best prices of the book"
    OPEN_ON_EXCHANGE = "all open orders of the account"
    OPEN_ON_SYMBOL = "the account's open orders on the symbol"
    POSITION = "the account's balance and open buy orders"
    BALANCES = "the account's free balances"
    AMENDMENTS = "the amendments of the order so far"


@attrs.frozen(kw_only=True)
class Prices:
    """What a filter measures by. ``reference`` is ``None`` where the exchange has none: then others stand in for it.

    ``averages`` is by the minutes that they cover.
    """

    reference: Decimal | None = None
    averages: Mapping[int, Decimal] = attrs.field(factory=dict)
    last: Decimal | None = None

    def of_filter(self, avg_price_mins: int) -> Decimal | Need:
        """Return the price that a filter measures by, or what would have to be found out first.

        The reference price of the symbol if it is set; or else the weighted average of so many minutes; or else, when
        ``avgPriceMins`` is 0, the last price (filters.md).
        """
        if self.reference:
            return self.reference
        if avg_price_mins:
            return self.averages.get(avg_price_mins) or Need.AVERAGE_PRICE
        return self.last or Need.LAST_PRICE


@attrs.frozen(kw_only=True)
class OpenCounts:
    """How many orders of each kind are open; ``algo`` are those that wait for a stop price, ``lists`` order lists."""

    orders: int = 0
    algo: int = 0
    iceberg: int = 0
    lists: int = 0


@attrs.frozen(kw_only=True)
class Free:
    """How much of the symbol's two assets no open order has locked."""

    base: Decimal
    quote: Decimal


@attrs.frozen(kw_only=True)
class Scene:
    """Everything that a check may look at; ``None`` is what was not found out.

    ``position`` is free and locked base asset and the quantities of open buy orders. ``asset_filters`` are told to the
    account alone, by myFilters.
    """

    symbol: SymbolInfo
    exchange_filters: tuple[Filter, ...] = ()
    asset_filters: tuple[Filter, ...] | None = None
    execution_rules: tuple[ExecutionRule, ...] | None = None
    prices: Prices | None = None
    best_bid: Decimal | None = None
    best_ask: Decimal | None = None
    on_symbol: OpenCounts | None = None
    on_exchange: OpenCounts | None = None
    position: Decimal | None = None
    free: Free | None = None
    amendments: int | None = None

    def reference_price(self, avg_price_mins: int) -> Decimal | Need:
        """Return the price that a filter measures by, or what is needed to know it."""
        return Need.REFERENCE_PRICE if self.prices is None else self.prices.of_filter(avg_price_mins)

    def pegged_price(self, peg: PegPriceType, side: Side) -> Decimal | Need:
        """Return the price that a peg follows: the best of the order's own side, or of the other."""
        own = (side == Side.BUY) is (peg == PegPriceType.PRIMARY_PEG)
        return (self.best_bid if own else self.best_ask) or Need.BOOK

    def with_account(self, filters: AccountFilters) -> Scene:
        """Return the scene as the account sees it: its filters take the place of those of the same type."""
        return attrs.evolve(
            self,
            symbol=attrs.evolve(self.symbol, filters=_replaced(self.symbol.filters, filters.symbol_filters)),
            exchange_filters=_replaced(self.exchange_filters, filters.exchange_filters),
            asset_filters=filters.asset_filters,
        )


def _replaced(general: tuple[Filter, ...], own: tuple[Filter, ...]) -> tuple[Filter, ...]:
    kinds = {one.filter_type for one in own}
    return (*(one for one in general if one.filter_type not in kinds), *own)
