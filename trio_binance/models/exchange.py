"""The exchange itself: its clock, its limits, its symbols and their rules.

Fields that the exchange added over the years are ``None`` where an answer lacks them: the documents mark them by date
in their changelog, binance.us follows later, and recordings of old answers must still be read.
"""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar, TypeAlias, TypeVar

import attrs

from trio_binance._util import exact_repr

from .enums import (
    ExecutionRuleType,
    OrderType,
    Permission,
    RateLimitInterval,
    RateLimitType,
    SelfTradePreventionMode,
    SymbolStatus,
)
from .filters import Filter
from .values import Model, Timestamp

F = TypeVar("F", bound=Model)

_MILLISECONDS = {
    RateLimitInterval.SECOND: 1_000,
    RateLimitInterval.MINUTE: 60_000,
    RateLimitInterval.HOUR: 3_600_000,
    RateLimitInterval.DAY: 86_400_000,
}


def _interval_ms(interval: RateLimitInterval, count: int | None) -> int | None:
    unit = _MILLISECONDS.get(interval)
    return None if unit is None else unit * (1 if count is None else count)


@attrs.frozen(weakref_slot=False, repr=False)
class ServerTime(Model):
    """The exchange's clock."""

    server_time: Timestamp


@attrs.frozen(weakref_slot=False, repr=False)
class RateLimit(Model):
    """So many requests, weights, orders or connections in a window. ``interval_num`` is ``None`` before 2019: one."""

    rate_limit_type: RateLimitType
    interval: RateLimitInterval
    limit: int
    interval_num: int | None = None

    @property
    def interval_ms(self) -> int | None:
        """The length of the window in milliseconds; ``None`` for a unit that this version does not know."""
        return _interval_ms(self.interval, self.interval_num)


@attrs.frozen(weakref_slot=False, repr=False)
class RateLimitUsage(Model):
    """A rate limit and how much of it the running window has used."""

    rate_limit_type: RateLimitType
    interval: RateLimitInterval
    interval_num: int
    limit: int
    count: int

    @property
    def interval_ms(self) -> int | None:
        """The length of the window in milliseconds; ``None`` for a unit that this version does not know."""
        return _interval_ms(self.interval, self.interval_num)


@attrs.frozen(weakref_slot=False, repr=False)
class SymbolInfo(Model):
    """A symbol: its assets, what may be done with it, and the filters that its orders must pass."""

    symbol: str
    status: SymbolStatus
    base_asset: str
    base_asset_precision: int
    quote_asset: str
    quote_precision: int
    order_types: tuple[OrderType, ...]
    iceberg_allowed: bool
    filters: tuple[Filter, ...]
    quote_asset_precision: int | None = None
    base_commission_precision: int | None = None
    quote_commission_precision: int | None = None
    oco_allowed: bool | None = None
    oto_allowed: bool | None = None
    opo_allowed: bool | None = None
    quote_order_qty_market_allowed: bool | None = None
    allow_trailing_stop: bool | None = None
    cancel_replace_allowed: bool | None = None
    amend_allowed: bool | None = None
    peg_instructions_allowed: bool | None = None
    is_spot_trading_allowed: bool | None = None
    is_margin_trading_allowed: bool | None = None
    permissions: tuple[Permission, ...] | None = None
    permission_sets: tuple[tuple[Permission, ...], ...] | None = None
    default_self_trade_prevention_mode: SelfTradePreventionMode | None = None
    allowed_self_trade_prevention_modes: tuple[SelfTradePreventionMode, ...] | None = None

    def filter(self, kind: type[F]) -> F | None:
        """Return the symbol's filter of this class, or ``None`` where it has none."""
        return next((found for found in self.filters if isinstance(found, kind)), None)


@attrs.frozen(weakref_slot=False, repr=False)
class SorInfo(Model):
    """The symbols that smart order routing joins for one base asset."""

    base_asset: str
    symbols: tuple[str, ...]


@attrs.frozen(weakref_slot=False, repr=False)
class ExchangeInfo(Model):
    """The rules of the exchange and of its symbols. ``sors`` is ``None`` where smart order routing is not offered."""

    timezone: str
    server_time: Timestamp
    rate_limits: tuple[RateLimit, ...]
    exchange_filters: tuple[Filter, ...]
    symbols: tuple[SymbolInfo, ...]
    sors: tuple[SorInfo, ...] | None = None

    def find(self, symbol: str) -> SymbolInfo | None:
        """Return the symbol of this name, or ``None``; it looks through the whole list."""
        return next((found for found in self.symbols if found.symbol == symbol), None)


@attrs.frozen(weakref_slot=False, repr=False)
class PriceRangeRule(Model):
    """How far from the reference price an order may trade as a taker, as factors of it.

    Where a factor is absent, that side is not limited in that direction, and nothing is while the symbol has no
    reference price. An order that would trade beyond expires with ``EXECUTION_RULE_PRICE_RANGE_EXCEEDED``.
    """

    rule_type: ClassVar[ExecutionRuleType] = ExecutionRuleType.PRICE_RANGE
    bid_limit_mult_up: Decimal | None = None
    bid_limit_mult_down: Decimal | None = None
    ask_limit_mult_up: Decimal | None = None
    ask_limit_mult_down: Decimal | None = None


@attrs.frozen(weakref_slot=False, repr=False)
class UnknownExecutionRule(Model):
    """A rule of a type that this version does not know; its fields are in ``extra``, as the exchange wrote them."""

    rule_type: str

    def __repr__(self) -> str:
        return f"UnknownExecutionRule({self.rule_type!r}, extra={exact_repr(dict(self.extra))})"


KNOWN_EXECUTION_RULES = (PriceRangeRule,)
"""Every execution rule that the documents describe."""

ExecutionRule: TypeAlias = PriceRangeRule | UnknownExecutionRule
"""Any execution rule; ``match`` on the class."""


@attrs.frozen(weakref_slot=False, repr=False)
class SymbolExecutionRules(Model):
    """The execution rules of one symbol."""

    symbol: str
    rules: tuple[ExecutionRule, ...]


@attrs.frozen(weakref_slot=False, repr=False)
class ExecutionRules(Model):
    """The rules that orders are held to while they trade, of each symbol that was asked for."""

    symbol_rules: tuple[SymbolExecutionRules, ...]
