"""The words of the exchange, as open enums: a value that is not listed here survives and says so."""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class OpenEnum(StrEnum):
    """An enum that never refuses: an unlisted value becomes a member of its own, ``is_known`` is then ``False``.

    The exchange adds words without notice ("CANCEL_ONLY" appeared overnight); a connector that raises at one is down.
    Compares, hashes and prints as its text. Unlisted members are not registered: they live as long as they are used,
    two of the same text are equal, but compare with ``==``, not ``is``.
    """

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        member = str.__new__(cls, value)
        member._name_ = member._value_ = value
        return member

    @property
    def is_known(self) -> bool:
        """Whether the documents of the exchange list this value."""
        return type(self)._value2member_map_.get(self._value_) is self

    def __repr__(self) -> str:
        return f"{type(self).__name__}.{self.name}" if self.is_known else f"{type(self).__name__}({self.value!r})"

    __hash__ = str.__hash__


class SymbolStatus(OpenEnum):
    """Whether a symbol trades. In ``CANCEL_ONLY`` orders can be cancelled and amended, not placed."""

    TRADING = "TRADING"
    END_OF_DAY = "END_OF_DAY"
    HALT = "HALT"
    BREAK = "BREAK"
    CANCEL_ONLY = "CANCEL_ONLY"


class Permission(OpenEnum):
    """What an account may trade, and what a symbol asks of it; the trading groups are named TRD_GRP_nnn."""

    SPOT = "SPOT"
    MARGIN = "MARGIN"
    LEVERAGED = "LEVERAGED"
    TRD_GRP_002 = "TRD_GRP_002"
    TRD_GRP_003 = "TRD_GRP_003"
    TRD_GRP_004 = "TRD_GRP_004"
    TRD_GRP_005 = "TRD_GRP_005"
    TRD_GRP_006 = "TRD_GRP_006"
    TRD_GRP_007 = "TRD_GRP_007"
    TRD_GRP_008 = "TRD_GRP_008"
    TRD_GRP_009 = "TRD_GRP_009"
    TRD_GRP_010 = "TRD_GRP_010"
    TRD_GRP_011 = "TRD_GRP_011"
    TRD_GRP_012 = "TRD_GRP_012"
    TRD_GRP_013 = "TRD_GRP_013"
    TRD_GRP_014 = "TRD_GRP_014"
    TRD_GRP_015 = "TRD_GRP_015"
    TRD_GRP_016 = "TRD_GRP_016"
    TRD_GRP_017 = "TRD_GRP_017"
    TRD_GRP_018 = "TRD_GRP_018"
    TRD_GRP_019 = "TRD_GRP_019"
    TRD_GRP_020 = "TRD_GRP_020"
    TRD_GRP_021 = "TRD_GRP_021"
    TRD_GRP_022 = "TRD_GRP_022"
    TRD_GRP_023 = "TRD_GRP_023"
    TRD_GRP_024 = "TRD_GRP_024"
    TRD_GRP_025 = "TRD_GRP_025"


class AccountType(OpenEnum):
    """The kind of account."""

    SPOT = "SPOT"


class Side(OpenEnum):
    """The side of an order."""

    BUY = "BUY"
    SELL = "SELL"


class OrderType(OpenEnum):
    """The type of an order."""

    LIMIT = "LIMIT"
    MARKET = "MARKET"
    STOP_LOSS = "STOP_LOSS"
    STOP_LOSS_LIMIT = "STOP_LOSS_LIMIT"
    TAKE_PROFIT = "TAKE_PROFIT"
    TAKE_PROFIT_LIMIT = "TAKE_PROFIT_LIMIT"
    LIMIT_MAKER = "LIMIT_MAKER"


class TimeInForce(OpenEnum):
    """How long an order lives: good til cancelled, immediate or cancel, fill or kill."""

    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"


class OrderStatus(OpenEnum):
    """Where an order stands. ``EXPIRED_IN_MATCH``: ended by self-trade prevention; ``PENDING_CANCEL`` is unused."""

    NEW = "NEW"
    PENDING_NEW = "PENDING_NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    PENDING_CANCEL = "PENDING_CANCEL"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    EXPIRED_IN_MATCH = "EXPIRED_IN_MATCH"


class ExecutionType(OpenEnum):
    """What happened to an order, in an execution report."""

    NEW = "NEW"
    CANCELED = "CANCELED"
    REPLACED = "REPLACED"
    REJECTED = "REJECTED"
    TRADE = "TRADE"
    EXPIRED = "EXPIRED"
    TRADE_PREVENTION = "TRADE_PREVENTION"


class OrderRejectReason(OpenEnum):
    """Why an order was rejected."""

    NONE = "NONE"
    INSUFFICIENT_BALANCES = "INSUFFICIENT_BALANCES"
    STOP_PRICE_WOULD_TRIGGER_IMMEDIATELY = "STOP_PRICE_WOULD_TRIGGER_IMMEDIATELY"
    WOULD_MATCH_IMMEDIATELY = "WOULD_MATCH_IMMEDIATELY"
    OCO_BAD_PRICES = "OCO_BAD_PRICES"


class ExpiryReason(OpenEnum):
    """Why an order expired."""

    NONE = "NONE"
    REJECTED = "REJECTED"
    EXCHANGE_CANCELED = "EXCHANGE_CANCELED"
    OCO_TRIGGER = "OCO_TRIGGER"
    OTO_PHASE_ONE_EXPIRED = "OTO_PHASE_ONE_EXPIRED"
    UNFILLED_IOC_QUANTITY_EXPIRED = "UNFILLED_IOC_QUANTITY_EXPIRED"
    UNFILLED_FOK_ORDER_EXPIRED = "UNFILLED_FOK_ORDER_EXPIRED"
    INSUFFICIENT_LIQUIDITY = "INSUFFICIENT_LIQUIDITY"
    EXECUTION_RULE_PRICE_RANGE_EXCEEDED = "EXECUTION_RULE_PRICE_RANGE_EXCEEDED"


class NewOrderRespType(OpenEnum):
    """How much the answer to a placement tells."""

    ACK = "ACK"
    RESULT = "RESULT"
    FULL = "FULL"


class SelfTradePreventionMode(OpenEnum):
    """Which of two orders of the same owner gives way when they would match."""

    NONE = "NONE"
    EXPIRE_MAKER = "EXPIRE_MAKER"
    EXPIRE_TAKER = "EXPIRE_TAKER"
    EXPIRE_BOTH = "EXPIRE_BOTH"
    DECREMENT = "DECREMENT"
    TRANSFER = "TRANSFER"


class PegPriceType(OpenEnum):
    """What a pegged price follows: the best price of the own side, or of the other."""

    PRIMARY_PEG = "PRIMARY_PEG"
    MARKET_PEG = "MARKET_PEG"


class PegOffsetType(OpenEnum):
    """The unit of a pegged price's distance."""

    PRICE_LEVEL = "PRICE_LEVEL"


class WorkingFloor(OpenEnum):
    """Where an order works: on the book of its symbol, or through smart order routing."""

    EXCHANGE = "EXCHANGE"
    SOR = "SOR"


class OrderCapacity(OpenEnum):
    """For whom an order is placed: for oneself, or for somebody else. SBE alone tells it."""

    PRINCIPAL = "PRINCIPAL"
    AGENCY = "AGENCY"


class MatchType(OpenEnum):
    """How an allocation came to be."""

    ONE_PARTY_TRADE_REPORT = "ONE_PARTY_TRADE_REPORT"
    AUTO_MATCH = "AUTO_MATCH"


class ContingencyType(OpenEnum):
    """What ties the orders of a list: one cancels the other, one triggers the other."""

    OCO = "OCO"
    OTO = "OTO"


class ListStatusType(OpenEnum):
    """What happened to an order list."""

    RESPONSE = "RESPONSE"
    EXEC_STARTED = "EXEC_STARTED"
    UPDATED = "UPDATED"
    ALL_DONE = "ALL_DONE"


class ListOrderStatus(OpenEnum):
    """Where an order list stands."""

    EXECUTING = "EXECUTING"
    ALL_DONE = "ALL_DONE"
    REJECT = "REJECT"


class RateLimitType(OpenEnum):
    """What a rate limit counts."""

    REQUEST_WEIGHT = "REQUEST_WEIGHT"
    ORDERS = "ORDERS"
    RAW_REQUESTS = "RAW_REQUESTS"
    CONNECTIONS = "CONNECTIONS"


class RateLimitInterval(OpenEnum):
    """The unit of a rate limit's window."""

    SECOND = "SECOND"
    MINUTE = "MINUTE"
    HOUR = "HOUR"
    DAY = "DAY"


class KlineInterval(OpenEnum):
    """The length of a candle. Weeks begin on Monday; ``MONTH_1`` is written "1M", ``MINUTE_1`` "1m"."""

    SECOND_1 = "1s"
    MINUTE_1 = "1m"
    MINUTE_3 = "3m"
    MINUTE_5 = "5m"
    MINUTE_15 = "15m"
    MINUTE_30 = "30m"
    HOUR_1 = "1h"
    HOUR_2 = "2h"
    HOUR_4 = "4h"
    HOUR_6 = "6h"
    HOUR_8 = "8h"
    HOUR_12 = "12h"
    DAY_1 = "1d"
    DAY_3 = "3d"
    WEEK_1 = "1w"
    MONTH_1 = "1M"


class RollingWindow(OpenEnum):
    """The length of the window of a ticker's stream."""

    HOUR_1 = "1h"
    HOUR_4 = "4h"
    DAY_1 = "1d"


class FilterType(OpenEnum):
    """The rule that a filter states."""

    PRICE_FILTER = "PRICE_FILTER"
    PERCENT_PRICE = "PERCENT_PRICE"
    PERCENT_PRICE_BY_SIDE = "PERCENT_PRICE_BY_SIDE"
    LOT_SIZE = "LOT_SIZE"
    MIN_NOTIONAL = "MIN_NOTIONAL"
    NOTIONAL = "NOTIONAL"
    ICEBERG_PARTS = "ICEBERG_PARTS"
    MARKET_LOT_SIZE = "MARKET_LOT_SIZE"
    MAX_NUM_ORDERS = "MAX_NUM_ORDERS"
    MAX_NUM_ALGO_ORDERS = "MAX_NUM_ALGO_ORDERS"
    MAX_NUM_ICEBERG_ORDERS = "MAX_NUM_ICEBERG_ORDERS"
    MAX_POSITION = "MAX_POSITION"
    TRAILING_DELTA = "TRAILING_DELTA"
    MAX_NUM_ORDER_AMENDS = "MAX_NUM_ORDER_AMENDS"
    MAX_NUM_ORDER_LISTS = "MAX_NUM_ORDER_LISTS"
    EXCHANGE_MAX_NUM_ORDERS = "EXCHANGE_MAX_NUM_ORDERS"
    EXCHANGE_MAX_NUM_ALGO_ORDERS = "EXCHANGE_MAX_NUM_ALGO_ORDERS"
    EXCHANGE_MAX_NUM_ICEBERG_ORDERS = "EXCHANGE_MAX_NUM_ICEBERG_ORDERS"
    EXCHANGE_MAX_NUM_ORDER_LISTS = "EXCHANGE_MAX_NUM_ORDER_LISTS"
    MAX_ASSET = "MAX_ASSET"


class CancelRestriction(OpenEnum):
    """In which state alone an order may be cancelled."""

    ONLY_NEW = "ONLY_NEW"
    ONLY_PARTIALLY_FILLED = "ONLY_PARTIALLY_FILLED"


class CancelReplaceMode(OpenEnum):
    """Whether the new order is placed when the cancellation fails."""

    STOP_ON_FAILURE = "STOP_ON_FAILURE"
    ALLOW_FAILURE = "ALLOW_FAILURE"


class CancelReplaceResult(OpenEnum):
    """What became of one half of a cancel-and-replace."""

    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"
    NOT_ATTEMPTED = "NOT_ATTEMPTED"


class OrderRateLimitExceededMode(OpenEnum):
    """What a cancel-and-replace does when the order limit is used up."""

    DO_NOTHING = "DO_NOTHING"
    CANCEL_ONLY = "CANCEL_ONLY"


class TickerType(OpenEnum):
    """How much a ticker tells."""

    FULL = "FULL"
    MINI = "MINI"


class AllocationType(OpenEnum):
    """Where an allocation comes from."""

    SOR = "SOR"


class ExecutionRuleType(OpenEnum):
    """The kind of an execution rule."""

    PRICE_RANGE = "PRICE_RANGE"


class CalculationType(OpenEnum):
    """How a reference price is calculated."""

    ARITHMETIC_MEAN = "ARITHMETIC_MEAN"
    EXTERNAL = "EXTERNAL"
