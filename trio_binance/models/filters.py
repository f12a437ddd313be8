"""The filters: the rules that the exchange checks an order against, a closed union plus the unknown ones."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar, TypeAlias

import attrs

from trio_binance._util import exact_repr

from .enums import FilterType
from .values import Model


@attrs.frozen(weakref_slot=False, repr=False)
class PriceFilter(Model):
    """The price grid: ``tick_size`` is its step; a bound (or step) of 0 is switched off."""

    filter_type: ClassVar[FilterType] = FilterType.PRICE_FILTER
    min_price: Decimal
    max_price: Decimal
    tick_size: Decimal


@attrs.frozen(weakref_slot=False, repr=False)
class PercentPriceFilter(Model):
    """How far a price may lie from the average (or reference) price, as factors."""

    filter_type: ClassVar[FilterType] = FilterType.PERCENT_PRICE
    multiplier_up: Decimal
    multiplier_down: Decimal
    avg_price_mins: int


@attrs.frozen(weakref_slot=False, repr=False)
class PercentPriceBySideFilter(Model):
    """How far a price may lie from the average (or reference) price, as factors of each side."""

    filter_type: ClassVar[FilterType] = FilterType.PERCENT_PRICE_BY_SIDE
    bid_multiplier_up: Decimal
    bid_multiplier_down: Decimal
    ask_multiplier_up: Decimal
    ask_multiplier_down: Decimal
    avg_price_mins: int


@attrs.frozen(weakref_slot=False, repr=False)
class LotSizeFilter(Model):
    """The quantity grid: ``step_size`` is its step."""

    filter_type: ClassVar[FilterType] = FilterType.LOT_SIZE
    min_qty: Decimal
    max_qty: Decimal
    step_size: Decimal


@attrs.frozen(weakref_slot=False, repr=False)
class MinNotionalFilter(Model):
    """The least worth of an order in quote asset. The last two are ``None`` in answers from before 2019."""

    filter_type: ClassVar[FilterType] = FilterType.MIN_NOTIONAL
    min_notional: Decimal
    apply_to_market: bool | None = None
    avg_price_mins: int | None = None


@attrs.frozen(weakref_slot=False, repr=False)
class NotionalFilter(Model):
    """The least and greatest worth of an order in quote asset."""

    filter_type: ClassVar[FilterType] = FilterType.NOTIONAL
    min_notional: Decimal
    apply_min_to_market: bool
    max_notional: Decimal
    apply_max_to_market: bool
    avg_price_mins: int


@attrs.frozen(weakref_slot=False, repr=False)
class IcebergPartsFilter(Model):
    """Into how many parts an iceberg order may fall."""

    filter_type: ClassVar[FilterType] = FilterType.ICEBERG_PARTS
    limit: int


@attrs.frozen(weakref_slot=False, repr=False)
class MarketLotSizeFilter(Model):
    """The quantity grid of MARKET orders."""

    filter_type: ClassVar[FilterType] = FilterType.MARKET_LOT_SIZE
    min_qty: Decimal
    max_qty: Decimal
    step_size: Decimal


@attrs.frozen(weakref_slot=False, repr=False)
class MaxNumOrdersFilter(Model):
    """How many orders may be open on the symbol."""

    filter_type: ClassVar[FilterType] = FilterType.MAX_NUM_ORDERS
    max_num_orders: int


@attrs.frozen(weakref_slot=False, repr=False)
class MaxNumAlgoOrdersFilter(Model):
    """How many stop and take-profit orders may be open on the symbol."""

    filter_type: ClassVar[FilterType] = FilterType.MAX_NUM_ALGO_ORDERS
    max_num_algo_orders: int


@attrs.frozen(weakref_slot=False, repr=False)
class MaxNumIcebergOrdersFilter(Model):
    """How many iceberg orders may be open on the symbol."""

    filter_type: ClassVar[FilterType] = FilterType.MAX_NUM_ICEBERG_ORDERS
    max_num_iceberg_orders: int


@attrs.frozen(weakref_slot=False, repr=False)
class MaxPositionFilter(Model):
    """How much of the base asset an account may hold, open buy orders included."""

    filter_type: ClassVar[FilterType] = FilterType.MAX_POSITION
    max_position: Decimal


@attrs.frozen(weakref_slot=False, repr=False)
class TrailingDeltaFilter(Model):
    """The bounds of a trailing delta, in basis points."""

    filter_type: ClassVar[FilterType] = FilterType.TRAILING_DELTA
    min_trailing_above_delta: int
    max_trailing_above_delta: int
    min_trailing_below_delta: int
    max_trailing_below_delta: int


@attrs.frozen(weakref_slot=False, repr=False)
class MaxNumOrderAmendsFilter(Model):
    """How often one order may be amended."""

    filter_type: ClassVar[FilterType] = FilterType.MAX_NUM_ORDER_AMENDS
    max_num_order_amends: int


@attrs.frozen(weakref_slot=False, repr=False)
class MaxNumOrderListsFilter(Model):
    """How many order lists may be open on the symbol."""

    filter_type: ClassVar[FilterType] = FilterType.MAX_NUM_ORDER_LISTS
    max_num_order_lists: int


@attrs.frozen(weakref_slot=False, repr=False)
class ExchangeMaxNumOrdersFilter(Model):
    """How many orders may be open on the whole exchange."""

    filter_type: ClassVar[FilterType] = FilterType.EXCHANGE_MAX_NUM_ORDERS
    max_num_orders: int


@attrs.frozen(weakref_slot=False, repr=False)
class ExchangeMaxNumAlgoOrdersFilter(Model):
    """How many stop and take-profit orders may be open on the whole exchange."""

    filter_type: ClassVar[FilterType] = FilterType.EXCHANGE_MAX_NUM_ALGO_ORDERS
    max_num_algo_orders: int


@attrs.frozen(weakref_slot=False, repr=False)
class ExchangeMaxNumIcebergOrdersFilter(Model):
    """How many iceberg orders may be open on the whole exchange."""

    filter_type: ClassVar[FilterType] = FilterType.EXCHANGE_MAX_NUM_ICEBERG_ORDERS
    max_num_iceberg_orders: int


@attrs.frozen(weakref_slot=False, repr=False)
class ExchangeMaxNumOrderListsFilter(Model):
    """How many order lists may be open on the whole exchange."""

    filter_type: ClassVar[FilterType] = FilterType.EXCHANGE_MAX_NUM_ORDER_LISTS
    max_num_order_lists: int


@attrs.frozen(weakref_slot=False, repr=False)
class MaxAssetFilter(Model):
    """How much of an asset one order may move."""

    filter_type: ClassVar[FilterType] = FilterType.MAX_ASSET
    asset: str
    limit: Decimal


@attrs.frozen(weakref_slot=False, repr=False)
class UnknownFilter(Model):
    """A filter of a type that this version does not know; its fields are in ``extra``, as the exchange wrote them."""

    filter_type: str

    def __repr__(self) -> str:
        return f"UnknownFilter({self.filter_type!r}, extra={exact_repr(dict(self.extra))})"


KNOWN_FILTERS = (
    PriceFilter,
    PercentPriceFilter,
    PercentPriceBySideFilter,
    LotSizeFilter,
    MinNotionalFilter,
    NotionalFilter,
    IcebergPartsFilter,
    MarketLotSizeFilter,
    MaxNumOrdersFilter,
    MaxNumAlgoOrdersFilter,
    MaxNumIcebergOrdersFilter,
    MaxPositionFilter,
    TrailingDeltaFilter,
    MaxNumOrderAmendsFilter,
    MaxNumOrderListsFilter,
    ExchangeMaxNumOrdersFilter,
    ExchangeMaxNumAlgoOrdersFilter,
    ExchangeMaxNumIcebergOrdersFilter,
    ExchangeMaxNumOrderListsFilter,
    MaxAssetFilter,
)
"""Every filter that the documents describe."""

Filter: TypeAlias = (
    PriceFilter
    | PercentPriceFilter
    | PercentPriceBySideFilter
    | LotSizeFilter
    | MinNotionalFilter
    | NotionalFilter
    | IcebergPartsFilter
    | MarketLotSizeFilter
    | MaxNumOrdersFilter
    | MaxNumAlgoOrdersFilter
    | MaxNumIcebergOrdersFilter
    | MaxPositionFilter
    | TrailingDeltaFilter
    | MaxNumOrderAmendsFilter
    | MaxNumOrderListsFilter
    | ExchangeMaxNumOrdersFilter
    | ExchangeMaxNumAlgoOrdersFilter
    | ExchangeMaxNumIcebergOrdersFilter
    | ExchangeMaxNumOrderListsFilter
    | MaxAssetFilter
    | UnknownFilter
)
"""Any filter; ``match`` on the class."""
