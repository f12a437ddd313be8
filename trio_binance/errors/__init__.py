"""The errors: by whose fault it is, and what the caller can do next.

    BinanceError                     everything this package raises on purpose; ``.outcome``: what became of it
    ├── UsageError                   yours: nothing was sent; change the call
    │   ├── ConfigError              (ValueError) the configuration cannot work
    │   ├── InvalidArgument          (ValueError) an argument cannot be sent; ``.field`` and ``.value`` name it
    │   ├── CredentialsRequired      the operation needs a key that the configuration lacks
    │   ├── NotServed                the environment does not serve the operation
    │   ├── SafetyRefused            the configured ``safety`` forbids it: ``.rule``, ``.value``, ``.limit``
    │   └── ConnectorClosed          used after its ``async with`` block ended
    ├── NotAdmitted                  ours: held back before the first byte; wait until ``.retry_at``
    │   ├── BreakerOpen              the exchange failed several times in a row
    │   ├── LimitExceeded            the request can never fit the exchange's limits
    │   └── ClockUnsynced            no trustworthy server time to sign with yet
    ├── NetworkError                 the line's
    │   ├── ConnectError             no connection: nothing was sent
    │   │   └── TLSError             the peer could not prove who it is
    │   ├── ConnectionLost           the line broke; what was in flight is UNKNOWN
    │   └── DeadlineExceeded         no answer in time; what was in flight is UNKNOWN
    ├── ApiError                     the exchange answered with an error: ``.status``, ``.code``, ``.message``
    │   ├── RequestError             the request is wrong; change it
    │   │   ├── FilterError          a rule of the symbol, account or exchange forbids the order; ``.filter`` names it
    │   │   │   └── TooManyOpenOrders    MAX_NUM_ORDERS and kin: so many may be open at once, and are
    │   │   ├── UnknownSymbol        -1121
    │   │   └── UnknownOrder         -2013: no such order (a weak witness: queries may lag)
    │   │       └── OrderArchived    -2026: it ended unfilled, more than 90 days ago
    │   ├── NoData                   -1112, -1220, -2016, -2043: a good question without an answer at present
    │   ├── SubscriptionConflict     -2035, -2036, -2042: the connection's subscriptions are not as supposed
    │   ├── OrderRejected            -1010, -2010, -2022: the order was refused
    │   │   ├── InsufficientBalance  the account lacks the funds
    │   │   ├── DuplicateOrder       an open order has this client id: query it, do not send again
    │   │   ├── MarketClosed         the symbol does not trade now, or not like that in this phase
    │   │   ├── WouldMatch           it would have taken, and was to make: price it further away
    │   │   ├── WouldTrigger         its stop price has been reached already
    │   │   ├── NoLiquidity          the book is too thin for it
    │   │   ├── InvalidOrder         it contradicts itself: change its kind, prices or quantities
    │   │   ├── NotSupported         the symbol does not take orders of this kind
    │   │   ├── NotPermitted         the account may not do this
    │   │   ├── CancelRejected       -2011
    │   │   │   ├── NothingToCancel  filled, cancelled or never placed: query it
    │   │   │   └── CancelRestricted     it is open, but not in the state that ``cancel_restrictions`` asks for
    │   │   └── AmendRejected        -2038
    │   │       ├── TooManyAmends    it was amended as often as an order may be: cancel and place anew
    │   │       └── NothingToAmend   it already is as asked for
    │   ├── AuthError                -1002, -1022, -2014, -2015, 401: the key or its rights
    │   ├── TimestampError           -1021: the clock is resynced; the request was not executed
    │   ├── RateLimited              -1003, -1034, 429: wait until ``.retry_at``
    │   │   ├── Banned               418
    │   │   └── TooManyOrders        -1015
    │   ├── Blocked                  403: the firewall in front of the exchange
    │   │   └── RegionBlocked        451
    │   ├── PartialFailure           -2021, 409: ``.cancel_outcome`` and ``.new_order_outcome`` tell the halves
    │   ├── GatewayError             400, 404, 408, ... without a number: not the exchange itself has answered
    │   └── ServerError              5xx, -1000, -1001, -1006, -1007, -1008, -1016: outcome UNKNOWN for an order
    ├── OrderUnresolved              what became of a request is not known: it may stand; ``.evidence``
    ├── OrderAbsent                  the answer was lost, and the request had no effect
    ├── JournalFailed                ours: the journal of intents cannot be kept: nothing was sent
    │   └── JournalBroken            it is damaged: ``.line``; look at it, and at the account, before it is put aside
    ├── ProtocolError                the exchange's: an answer that breaks its own documents; ``.payload`` is its start
    │   └── DecodeError              a message that does not fit its model; ``.path`` names the field
    ├── StreamError                  a feed ended before its time
    │   ├── SubscriptionRefused      the exchange did not accept the stream's name
    │   ├── FeedOverflow             the consumer was slower than the stream and asked to be told so
    │   └── StreamTerminated         the exchange ended the subscription
    ├── BookTooThin                  a book holds less than was asked for: ``.available``
    │   └── BeyondHorizon            less than that is known of it; there may be more
    └── ServiceCrashed               a bug of ours, restarted too often; ``__cause__`` is the crash one too many

No error carries a secret, a signature or a signed URL.
"""

from .api import ApiError as ApiError
from .api import AuthError as AuthError
from .api import Banned as Banned
from .api import Blocked as Blocked
from .api import FilterError as FilterError
from .api import GatewayError as GatewayError
from .api import NoData as NoData
from .api import OrderArchived as OrderArchived
from .api import PartialFailure as PartialFailure
from .api import RateLimited as RateLimited
from .api import RegionBlocked as RegionBlocked
from .api import RequestError as RequestError
from .api import ServerError as ServerError
from .api import SubscriptionConflict as SubscriptionConflict
from .api import TimestampError as TimestampError
from .api import TooManyOpenOrders as TooManyOpenOrders
from .api import TooManyOrders as TooManyOrders
from .api import UnknownOrder as UnknownOrder
from .api import UnknownSymbol as UnknownSymbol
from .books import BeyondHorizon as BeyondHorizon
from .books import BookTooThin as BookTooThin
from .journal import JournalBroken as JournalBroken
from .journal import JournalFailed as JournalFailed
from .line import ConnectError as ConnectError
from .line import ConnectionLost as ConnectionLost
from .line import DeadlineExceeded as DeadlineExceeded
from .line import DecodeError as DecodeError
from .line import FeedOverflow as FeedOverflow
from .line import NetworkError as NetworkError
from .line import ProtocolError as ProtocolError
from .line import StreamError as StreamError
from .line import StreamTerminated as StreamTerminated
from .line import SubscriptionRefused as SubscriptionRefused
from .line import TLSError as TLSError
from .orders import AmendRejected as AmendRejected
from .orders import CancelRejected as CancelRejected
from .orders import CancelRestricted as CancelRestricted
from .orders import DuplicateOrder as DuplicateOrder
from .orders import InsufficientBalance as InsufficientBalance
from .orders import InvalidOrder as InvalidOrder
from .orders import MarketClosed as MarketClosed
from .orders import NoLiquidity as NoLiquidity
from .orders import NothingToAmend as NothingToAmend
from .orders import NothingToCancel as NothingToCancel
from .orders import NotPermitted as NotPermitted
from .orders import NotSupported as NotSupported
from .orders import OrderAbsent as OrderAbsent
from .orders import OrderRejected as OrderRejected
from .orders import OrderUnresolved as OrderUnresolved
from .orders import TooManyAmends as TooManyAmends
from .orders import WouldMatch as WouldMatch
from .orders import WouldTrigger as WouldTrigger
from .ours import BreakerOpen as BreakerOpen
from .ours import ClockUnsynced as ClockUnsynced
from .ours import ConfigError as ConfigError
from .ours import ConnectorClosed as ConnectorClosed
from .ours import CredentialsRequired as CredentialsRequired
from .ours import InvalidArgument as InvalidArgument
from .ours import LimitExceeded as LimitExceeded
from .ours import NotAdmitted as NotAdmitted
from .ours import NotServed as NotServed
from .ours import SafetyRefused as SafetyRefused
from .ours import ServiceCrashed as ServiceCrashed
from .ours import UsageError as UsageError
from .root import BinanceError as BinanceError
from .root import Outcome as Outcome
