"""A connector to Binance Spot for Trio: structured, exact, supervised.

async with open_binance(BinanceConfig.sandbox(seed=7)) as bx:
    await bx.wait_ready()
    async with bx.streams.trades("BTCUSDT") as feed:
        async for trade in feed: ...
"""

# The house, from the roof down; a lower floor never imports a higher one.
#
#   _cli                             the command line
#   _client                          the facade: open_binance and the rooms of bx
#   sandbox | _services              the embedded exchange | what waits: every file one service or one awaitable thing
#   _protocol                        conversations without I/O: operations as data, calls, replies, subscriptions
#   _codec                           wire <-> models, never through float
#   _pure                            decisions: signing, time, limits, breaker, backoff, restarts
#   models                           the domain: frozen attrs classes
#   config, errors, _util            what everyone needs

from typing import TYPE_CHECKING

from ._client.account import AccountRoom as AccountRoom
from ._client.books import Books as Books
from ._client.client import Binance as Binance
from ._client.client import Statistics as Statistics
from ._client.general import General as General
from ._client.market import Market as Market
from ._client.mirror import AccountView as AccountView
from ._client.open import open_binance as open_binance
from ._client.room import Moment as Moment
from ._client.session import Session as Session
from ._client.streams import Streams as Streams
from ._client.tracking import TrackedOrder as TrackedOrder
from ._client.trading import Trading as Trading
from ._services.conditions import Status as Status
from ._services.feed import Feed as Feed
from ._services.feed import TellingFeed as TellingFeed
from ._services.keeper import BookStatistics as BookStatistics
from ._services.keptbook import KeptBook as KeptBook
from ._services.keptbook import KeptBooks as KeptBooks
from ._services.pipe import FeedStatistics as FeedStatistics
from ._util import fixup_module_metadata
from .config import BinanceConfig as BinanceConfig
from .config import JournalSpec as JournalSpec
from .config import Overflow as Overflow
from .config import ReplaySpec as ReplaySpec
from .config import Safety as Safety
from .config import SandboxSpec as SandboxSpec
from .credentials import Credentials as Credentials
from .credentials import InsecureKeyFileWarning as InsecureKeyFileWarning
from .credentials import KeyType as KeyType
from .environments import Environment as Environment
from .errors import AmendRejected as AmendRejected
from .errors import ApiError as ApiError
from .errors import AuthError as AuthError
from .errors import Banned as Banned
from .errors import BeyondHorizon as BeyondHorizon
from .errors import BinanceError as BinanceError
from .errors import Blocked as Blocked
from .errors import BookTooThin as BookTooThin
from .errors import BreakerOpen as BreakerOpen
from .errors import CancelRejected as CancelRejected
from .errors import CancelRestricted as CancelRestricted
from .errors import ClockUnsynced as ClockUnsynced
from .errors import ConfigError as ConfigError
from .errors import ConnectError as ConnectError
from .errors import ConnectionLost as ConnectionLost
from .errors import ConnectorClosed as ConnectorClosed
from .errors import CredentialsRequired as CredentialsRequired
from .errors import DeadlineExceeded as DeadlineExceeded
from .errors import DecodeError as DecodeError
from .errors import DuplicateOrder as DuplicateOrder
from .errors import FeedOverflow as FeedOverflow
from .errors import FilterError as FilterError
from .errors import GatewayError as GatewayError
from .errors import InsufficientBalance as InsufficientBalance
from .errors import InvalidArgument as InvalidArgument
from .errors import InvalidOrder as InvalidOrder
from .errors import JournalBroken as JournalBroken
from .errors import JournalFailed as JournalFailed
from .errors import LimitExceeded as LimitExceeded
from .errors import MarketClosed as MarketClosed
from .errors import NetworkError as NetworkError
from .errors import NoData as NoData
from .errors import NoLiquidity as NoLiquidity
from .errors import NotAdmitted as NotAdmitted
from .errors import NothingToAmend as NothingToAmend
from .errors import NothingToCancel as NothingToCancel
from .errors import NotPermitted as NotPermitted
from .errors import NotServed as NotServed
from .errors import NotSupported as NotSupported
from .errors import OrderAbsent as OrderAbsent
from .errors import OrderArchived as OrderArchived
from .errors import OrderRejected as OrderRejected
from .errors import OrderUnresolved as OrderUnresolved
from .errors import Outcome as Outcome
from .errors import PartialFailure as PartialFailure
from .errors import ProtocolError as ProtocolError
from .errors import RateLimited as RateLimited
from .errors import RegionBlocked as RegionBlocked
from .errors import RequestError as RequestError
from .errors import SafetyRefused as SafetyRefused
from .errors import ServerError as ServerError
from .errors import ServiceCrashed as ServiceCrashed
from .errors import StreamError as StreamError
from .errors import StreamTerminated as StreamTerminated
from .errors import SubscriptionConflict as SubscriptionConflict
from .errors import SubscriptionRefused as SubscriptionRefused
from .errors import TimestampError as TimestampError
from .errors import TLSError as TLSError
from .errors import TooManyAmends as TooManyAmends
from .errors import TooManyOpenOrders as TooManyOpenOrders
from .errors import TooManyOrders as TooManyOrders
from .errors import UnknownOrder as UnknownOrder
from .errors import UnknownSymbol as UnknownSymbol
from .errors import UsageError as UsageError
from .errors import WouldMatch as WouldMatch
from .errors import WouldTrigger as WouldTrigger
from .models import Absent as Absent
from .models import Accepted as Accepted
from .models import Account as Account
from .models import AccountCommission as AccountCommission
from .models import AccountFill as AccountFill
from .models import AccountFilters as AccountFilters
from .models import AccountPosition as AccountPosition
from .models import AccountPreventedMatch as AccountPreventedMatch
from .models import AccountTrade as AccountTrade
from .models import AccountType as AccountType
from .models import AggTrade as AggTrade
from .models import AggTradeEvent as AggTradeEvent
from .models import Allocation as Allocation
from .models import AllocationType as AllocationType
from .models import AmendedOrder as AmendedOrder
from .models import AmendedOrderList as AmendedOrderList
from .models import AmendResult as AmendResult
from .models import AnyTicker24h as AnyTicker24h
from .models import AnyWindowTicker as AnyWindowTicker
from .models import ArithmeticMeanCalculation as ArithmeticMeanCalculation
from .models import AveragePrice as AveragePrice
from .models import AvgPriceEvent as AvgPriceEvent
from .models import Balance as Balance
from .models import BalanceUpdate as BalanceUpdate
from .models import BlockTrade as BlockTrade
from .models import BlockTradeEvent as BlockTradeEvent
from .models import BookReader as BookReader
from .models import BookState as BookState
from .models import BookTicker as BookTicker
from .models import BookTickerEvent as BookTickerEvent
from .models import BookView as BookView
from .models import CalculationType as CalculationType
from .models import CancelHalf as CancelHalf
from .models import CancelledOrderList as CancelledOrderList
from .models import CancelReplaceMode as CancelReplaceMode
from .models import CancelReplaceReport as CancelReplaceReport
from .models import CancelReplaceResult as CancelReplaceResult
from .models import CancelResponse as CancelResponse
from .models import CancelRestriction as CancelRestriction
from .models import CancelResult as CancelResult
from .models import Candle as Candle
from .models import CommissionDiscount as CommissionDiscount
from .models import CommissionRates as CommissionRates
from .models import ContingencyType as ContingencyType
from .models import Depth as Depth
from .models import DepthUpdateEvent as DepthUpdateEvent
from .models import Dropped as Dropped
from .models import ErrorReport as ErrorReport
from .models import EventStreamTerminated as EventStreamTerminated
from .models import Evidence as Evidence
from .models import ExchangeInfo as ExchangeInfo
from .models import ExchangeMaxNumAlgoOrdersFilter as ExchangeMaxNumAlgoOrdersFilter
from .models import ExchangeMaxNumIcebergOrdersFilter as ExchangeMaxNumIcebergOrdersFilter
from .models import ExchangeMaxNumOrderListsFilter as ExchangeMaxNumOrderListsFilter
from .models import ExchangeMaxNumOrdersFilter as ExchangeMaxNumOrdersFilter
from .models import ExecutionReport as ExecutionReport
from .models import ExecutionRule as ExecutionRule
from .models import ExecutionRules as ExecutionRules
from .models import ExecutionRuleType as ExecutionRuleType
from .models import ExecutionType as ExecutionType
from .models import ExpiryReason as ExpiryReason
from .models import ExternalCalculation as ExternalCalculation
from .models import ExternalLockUpdate as ExternalLockUpdate
from .models import Fill as Fill
from .models import Filter as Filter
from .models import FilterType as FilterType
from .models import Gap as Gap
from .models import GapReason as GapReason
from .models import IcebergPartsFilter as IcebergPartsFilter
from .models import Kline as Kline
from .models import KlineEvent as KlineEvent
from .models import KlineInterval as KlineInterval
from .models import Leg as Leg
from .models import LegacyOcoOrder as LegacyOcoOrder
from .models import Level as Level
from .models import Levels as Levels
from .models import LimitLeg as LimitLeg
from .models import LimitMakerLeg as LimitMakerLeg
from .models import LimitMakerOrder as LimitMakerOrder
from .models import LimitOrder as LimitOrder
from .models import ListedLeg as ListedLeg
from .models import ListedOrder as ListedOrder
from .models import ListOrderStatus as ListOrderStatus
from .models import ListStatus as ListStatus
from .models import ListStatusType as ListStatusType
from .models import LotSizeFilter as LotSizeFilter
from .models import MakerTakerRates as MakerTakerRates
from .models import MarketLeg as MarketLeg
from .models import MarketLotSizeFilter as MarketLotSizeFilter
from .models import MarketOrder as MarketOrder
from .models import MatchType as MatchType
from .models import MaxAssetFilter as MaxAssetFilter
from .models import MaxNumAlgoOrdersFilter as MaxNumAlgoOrdersFilter
from .models import MaxNumIcebergOrdersFilter as MaxNumIcebergOrdersFilter
from .models import MaxNumOrderAmendsFilter as MaxNumOrderAmendsFilter
from .models import MaxNumOrderListsFilter as MaxNumOrderListsFilter
from .models import MaxNumOrdersFilter as MaxNumOrdersFilter
from .models import MaxPositionFilter as MaxPositionFilter
from .models import MiniTicker as MiniTicker
from .models import MiniTickerEvent as MiniTickerEvent
from .models import MinNotionalFilter as MinNotionalFilter
from .models import MirrorState as MirrorState
from .models import NewOrderHalf as NewOrderHalf
from .models import NewOrderRespType as NewOrderRespType
from .models import Note as Note
from .models import NotionalFilter as NotionalFilter
from .models import OcoOrder as OcoOrder
from .models import OpenRequest as OpenRequest
from .models import OpocoOrder as OpocoOrder
from .models import OpoOrder as OpoOrder
from .models import OrderAck as OrderAck
from .models import OrderAmendment as OrderAmendment
from .models import OrderCapacity as OrderCapacity
from .models import OrderCheck as OrderCheck
from .models import OrderFull as OrderFull
from .models import OrderList as OrderList
from .models import OrderListAck as OrderListAck
from .models import OrderListFull as OrderListFull
from .models import OrderListRequest as OrderListRequest
from .models import OrderListResponse as OrderListResponse
from .models import OrderListResult as OrderListResult
from .models import OrderRateLimitExceededMode as OrderRateLimitExceededMode
from .models import OrderRejectReason as OrderRejectReason
from .models import OrderRequest as OrderRequest
from .models import OrderResponse as OrderResponse
from .models import OrderResult as OrderResult
from .models import OrderState as OrderState
from .models import OrderStatus as OrderStatus
from .models import OrderStatusReport as OrderStatusReport
from .models import OrderTerms as OrderTerms
from .models import OrderTestResult as OrderTestResult
from .models import OrderType as OrderType
from .models import OtocoOrder as OtocoOrder
from .models import OtoOrder as OtoOrder
from .models import PairLeg as PairLeg
from .models import PartialDepthEvent as PartialDepthEvent
from .models import PegOffsetType as PegOffsetType
from .models import PegPriceType as PegPriceType
from .models import PercentPriceBySideFilter as PercentPriceBySideFilter
from .models import PercentPriceFilter as PercentPriceFilter
from .models import Permission as Permission
from .models import Placement as Placement
from .models import PreventedMatch as PreventedMatch
from .models import PriceFilter as PriceFilter
from .models import PriceRangeRule as PriceRangeRule
from .models import PriceTicker as PriceTicker
from .models import ProfitLeg as ProfitLeg
from .models import RateLimit as RateLimit
from .models import RateLimitInterval as RateLimitInterval
from .models import RateLimitType as RateLimitType
from .models import RateLimitUsage as RateLimitUsage
from .models import RecoveredAggTradeEvent as RecoveredAggTradeEvent
from .models import RecoveredKlineEvent as RecoveredKlineEvent
from .models import RecoveredTradeEvent as RecoveredTradeEvent
from .models import ReferencePrice as ReferencePrice
from .models import ReferencePriceCalculation as ReferencePriceCalculation
from .models import ReferencePriceEvent as ReferencePriceEvent
from .models import Rejected as Rejected
from .models import Replaced as Replaced
from .models import ReplacedAck as ReplacedAck
from .models import ReplacedFull as ReplacedFull
from .models import ReplacedResult as ReplacedResult
from .models import RollingTickerEvent as RollingTickerEvent
from .models import RollingWindow as RollingWindow
from .models import SelfTradePreventionMode as SelfTradePreventionMode
from .models import ServerShutdownEvent as ServerShutdownEvent
from .models import ServerTime as ServerTime
from .models import SessionStatus as SessionStatus
from .models import Side as Side
from .models import SorInfo as SorInfo
from .models import StopLeg as StopLeg
from .models import StopLossLeg as StopLossLeg
from .models import StopLossLimitLeg as StopLossLimitLeg
from .models import StopLossLimitOrder as StopLossLimitOrder
from .models import StopLossOrder as StopLossOrder
from .models import StreamEvent as StreamEvent
from .models import Subscription as Subscription
from .models import SymbolExecutionRules as SymbolExecutionRules
from .models import SymbolInfo as SymbolInfo
from .models import SymbolStatus as SymbolStatus
from .models import TakeProfitLeg as TakeProfitLeg
from .models import TakeProfitLimitLeg as TakeProfitLimitLeg
from .models import TakeProfitLimitOrder as TakeProfitLimitOrder
from .models import TakeProfitOrder as TakeProfitOrder
from .models import Ticker24h as Ticker24h
from .models import TickerEvent as TickerEvent
from .models import TickerType as TickerType
from .models import TimeInForce as TimeInForce
from .models import Timestamp as Timestamp
from .models import Trade as Trade
from .models import TradeEvent as TradeEvent
from .models import TrailingDeltaFilter as TrailingDeltaFilter
from .models import Unchecked as Unchecked
from .models import UnknownCalculation as UnknownCalculation
from .models import UnknownEvent as UnknownEvent
from .models import UnknownExecutionRule as UnknownExecutionRule
from .models import UnknownFilter as UnknownFilter
from .models import UnknownUserEvent as UnknownUserEvent
from .models import Unresolved as Unresolved
from .models import UserEvent as UserEvent
from .models import Violation as Violation
from .models import WindowTicker as WindowTicker
from .models import WorkingFloor as WorkingFloor
from .models import WorkingLeg as WorkingLeg
from .models import as_datetime as as_datetime
from .models import as_microseconds as as_microseconds
from .models import as_milliseconds as as_milliseconds
from .models import average_price as average_price
from .models import is_done as is_done
from .models import remaining as remaining
from .proxies import Proxy as Proxy
from .proxies import ProxyKind as ProxyKind
from .tuning import TimeUnit as TimeUnit
from .tuning import Tuning as Tuning

__version__: str

# Type checkers must not see it: they would take any misspelt name for one that it knows.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> str:
        """Return ``__version__``: read from the installed distribution when somebody asks, not at every import."""
        if name != "__version__":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib.metadata import PackageNotFoundError, version

        try:
            return version("trio-binance-connector")
        except PackageNotFoundError:
            return "unknown"


fixup_module_metadata(__name__, globals())
del TYPE_CHECKING, fixup_module_metadata
