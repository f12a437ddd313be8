"""The account: balances, commission rates and own trades."""

from __future__ import annotations

from decimal import Decimal

import attrs

from .enums import AccountType, AllocationType, Permission, SelfTradePreventionMode
from .filters import Filter
from .values import Model, Timestamp


@attrs.frozen(weakref_slot=False, repr=False)
class Balance(Model):
    """What the account has of an asset; ``locked`` is bound in open orders."""

    asset: str
    free: Decimal
    locked: Decimal


@attrs.frozen(weakref_slot=False, repr=False)
class CommissionRates(Model):
    """Commission as a fraction of what is received: 0.001 is a tenth of a percent."""

    maker: Decimal
    taker: Decimal
    buyer: Decimal
    seller: Decimal


@attrs.frozen(weakref_slot=False, repr=False)
class Account(Model):
    """The account. The integer commissions are basis points, of old; ``commission_rates`` are exact.

    The fields that may be ``None`` were added over the years; binance.us does not send all of them. The last two are
    told in SBE alone, ``trade_group_id`` also by faqs/stp_faq.md: for an account in a group, -1 for none.
    """

    maker_commission: int
    taker_commission: int
    buyer_commission: int
    seller_commission: int
    can_trade: bool
    can_withdraw: bool
    can_deposit: bool
    update_time: Timestamp
    account_type: AccountType
    balances: tuple[Balance, ...]
    permissions: tuple[Permission, ...]
    commission_rates: CommissionRates | None = None
    brokered: bool | None = None
    require_self_trade_prevention: bool | None = None
    prevent_sor: bool | None = None
    uid: int | None = None
    trade_group_id: int | None = None
    reduce_only_assets: tuple[str, ...] | None = None


@attrs.frozen(weakref_slot=False, repr=False)
class AccountTrade(Model):
    """A trade of the account; ``order_list_id`` is -1 unless the order is part of a list."""

    symbol: str
    id: int
    order_id: int
    order_list_id: int
    price: Decimal
    qty: Decimal
    quote_qty: Decimal
    commission: Decimal
    commission_asset: str
    time: Timestamp
    is_buyer: bool
    is_maker: bool
    is_best_match: bool


@attrs.frozen(weakref_slot=False, repr=False)
class CommissionDiscount(Model):
    """The reduction of the standard commission when it is paid in ``discount_asset``.

    ``discount`` is the fraction by which the commission shrinks: at 0.25 three quarters of it are paid.
    """

    enabled_for_account: bool
    enabled_for_symbol: bool
    discount_asset: str
    discount: Decimal


@attrs.frozen(weakref_slot=False, repr=False)
class AccountCommission(Model):
    """The commission rates of the account on one symbol; ``special_commission`` came in 2025."""

    symbol: str
    standard_commission: CommissionRates
    tax_commission: CommissionRates
    discount: CommissionDiscount
    special_commission: CommissionRates | None = None


@attrs.frozen(weakref_slot=False, repr=False)
class MakerTakerRates(Model):
    """The commission rates of one order, by the role it takes."""

    maker: Decimal
    taker: Decimal


@attrs.frozen(weakref_slot=False, repr=False)
class OrderTestResult(Model):
    """What a test order answers: nothing, or the commission rates when those were asked for.

    ``special_commission_for_order`` is not told for an order with smart order routing.
    """

    standard_commission_for_order: MakerTakerRates | None = None
    special_commission_for_order: MakerTakerRates | None = None
    tax_commission_for_order: MakerTakerRates | None = None
    discount: CommissionDiscount | None = None


@attrs.frozen(weakref_slot=False, repr=False)
class AccountPreventedMatch(Model):
    """A match that self-trade prevention stopped, as a query tells it; ``trade_group_id`` is -1 for none.

    Which of the quantities is told depends on the mode: the maker's, the taker's or both. ``maker_symbol`` was added
    later.
    """

    symbol: str
    prevented_match_id: int
    taker_order_id: int
    maker_order_id: int
    trade_group_id: int
    self_trade_prevention_mode: SelfTradePreventionMode
    price: Decimal
    transact_time: Timestamp
    maker_symbol: str | None = None
    maker_prevented_quantity: Decimal | None = None
    taker_prevented_quantity: Decimal | None = None


@attrs.frozen(weakref_slot=False, repr=False)
class Allocation(Model):
    """What smart order routing gave to an order in the place of a trade; ``order_list_id`` as in ``AccountTrade``.

    SBE alone tells the sources.
    """

    symbol: str
    allocation_id: int
    allocation_type: AllocationType
    order_id: int
    order_list_id: int
    price: Decimal
    qty: Decimal
    quote_qty: Decimal
    commission: Decimal
    commission_asset: str
    time: Timestamp
    is_buyer: bool
    is_maker: bool
    is_allocator: bool
    source_symbol: str | None = None
    source_trade_id: int | None = None
    source_allocation_id: int | None = None


@attrs.frozen(weakref_slot=False, repr=False)
class AccountFilters(Model):
    """The filters that hold for the account on one symbol: what exchange information tells, and the account's own."""

    exchange_filters: tuple[Filter, ...]
    symbol_filters: tuple[Filter, ...]
    asset_filters: tuple[Filter, ...]
