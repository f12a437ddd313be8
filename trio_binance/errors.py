"""The errors: by whose fault it is, and what the caller can do next.

    BinanceError                     everything this package raises on purpose; ``.outcome``: what became of it
    ├── UsageError                   yours: nothing was sent; change the call
    │   ├── ConfigError              (ValueError) the configuration cannot work
    │   ├── InvalidArgument          (ValueError) an argument cannot be sent; ``.field`` and ``.value`` name it
    │   ├── CredentialsRequired      the operation needs a key that the configuration lacks
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
    │   │   ├── FilterError          -1013: a rule of the symbol forbids it
    │   │   ├── UnknownSymbol        -1121
    │   │   └── UnknownOrder         -2013, -2026: no such order (a weak witness: queries may lag)
    │   ├── OrderRejected            -2010, -2022 and kin: the matching engine said no
    │   │   ├── InsufficientBalance  the account lacks the funds
    │   │   ├── DuplicateOrder       an open order has this client id: query it, do not send again
    │   │   ├── CancelRejected       -2011
    │   │   └── AmendRejected        -2038
    │   ├── AuthError                -2014, -2015, -1022, 401: the key or its rights
    │   ├── TimestampError           -1021: the clock is resynced; the request was not executed
    │   ├── RateLimited              429: wait until ``.retry_at``
    │   │   ├── Banned               418
    │   │   └── TooManyOrders        -1015
    │   ├── Blocked                  403: the firewall in front of the exchange
    │   │   └── RegionBlocked        451
    │   ├── PartialFailure           409, -2021: one half was done; ``.data`` tells which
    │   └── ServerError              5xx, -1000, -1001, -1006, -1007, -1008, -1016: outcome UNKNOWN for an order
    ├── ProtocolError                the exchange's: an answer that breaks its own documents; ``.payload`` is its start
    │   └── DecodeError              a message that does not fit its model; ``.path`` names the field
    ├── StreamError                  a feed ended before its time
    │   ├── SubscriptionRefused      the exchange did not accept the stream's name
    │   ├── FeedOverflow             the consumer was slower than the stream and asked to be told so
    │   └── StreamTerminated         the exchange ended the subscription
    └── ServiceCrashed               a bug of ours, restarted too often; ``__cause__`` is the crash one too many

No error carries a secret, a signature or a signed URL.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, ClassVar

from ._util import shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Outcome(enum.Enum):
    """What became of a request whose call raised."""

    NOT_SENT = "not sent"
    """Not one byte left this machine. It may be sent again as it is."""
    REJECTED = "rejected"
    """The exchange answered no. It was not executed."""
    UNKNOWN = "unknown"
    """It may or may not have been executed. Find out before sending anything like it again."""
    PARTIAL = "partial"
    """One half of a two-part request was done, the other was not."""


class BinanceError(Exception):
    """The root of every error this package raises on purpose."""

    outcome: Outcome = Outcome.NOT_SENT
    client_order_id: str | None = None
    """The client id of the order that was being placed: ask for it when ``outcome`` is UNKNOWN."""

    def __init__(self, message: str, *, outcome: Outcome | None = None) -> None:
        super().__init__(message)
        self.message = message
        if outcome is not None:
            self.outcome = outcome

    def __repr__(self) -> str:
        """Hold all that ``str`` tells, on one line: it is what a log shows of an error."""
        return f"{type(self).__name__}({str(self)!r})"

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by state: subclasses take keyword arguments that ``Exception`` knows nothing of."""
        return (_rebuild, (type(self), self.args, self.__dict__.copy()))


def _rebuild(cls: type[BinanceError], args: tuple[object, ...], state: dict[str, object]) -> BinanceError:
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class UsageError(BinanceError):
    """The call cannot be made as it stands; nothing was sent."""


class ConfigError(UsageError, ValueError):
    """The configuration cannot work; the message names the setting and its value."""


class InvalidArgument(UsageError, ValueError):
    """An argument cannot be sent; ``field`` and ``value`` name it."""

    def __init__(self, field: str, value: object, reason: str) -> None:
        super().__init__(f"{field}={shown(value)}: {reason}")
        self.field = field
        self.value = value
        self.reason = reason


class CredentialsRequired(UsageError):
    """The operation is signed and the configuration holds no key, or one of a kind that cannot do it."""


class ConnectorClosed(UsageError):
    """The connector was used after its ``async with`` block had ended."""


class NotAdmitted(BinanceError):
    """We held the request back; it was not sent. ``retry_at`` is a ``trio.current_time()`` or ``None``."""

    def __init__(self, message: str, *, retry_at: float | None = None) -> None:
        super().__init__(message)
        self.retry_at = retry_at


class BreakerOpen(NotAdmitted):
    """The circuit breaker is open: the exchange failed several times in a row."""


class LimitExceeded(NotAdmitted):
    """The request alone is larger than a limit of the exchange, or the ban outlasts the caller's patience."""


class ClockUnsynced(NotAdmitted):
    """Server time is not known well enough to sign a request."""


class NetworkError(BinanceError):
    """The line between us and the exchange failed."""

    outcome = Outcome.UNKNOWN


class ConnectError(NetworkError):
    """No connection could be made; nothing was sent."""

    outcome = Outcome.NOT_SENT


class TLSError(ConnectError):
    """The peer could not prove who it is, or the handshake failed. There is no fallback to plain text."""


class ConnectionLost(NetworkError):
    """An open connection broke. ``code`` and ``reason`` are those of a WebSocket close frame, if there was one."""

    def __init__(
        self, message: str, *, code: int | None = None, reason: str | None = None, outcome: Outcome | None = None
    ) -> None:
        super().__init__(message, outcome=outcome)
        self.code = code
        self.reason = reason


class DeadlineExceeded(NetworkError):
    """The protocol's own deadline passed (connect, answer, ping, close)."""


class ApiError(BinanceError):
    """The exchange answered with an error.

    ``status`` is the HTTP status (or the WebSocket API's), ``code`` the exchange's number (``None`` where the answer
    carried none), ``message`` its text, ``data`` the rest of the error object, ``operation`` what was asked.
    """

    outcome = Outcome.REJECTED
    advice: ClassVar[str] = ""

    def __init__(
        self,
        message: str,
        *,
        status: int,
        code: int | None = None,
        operation: str = "",
        data: Mapping[str, object] | None = None,
        retry_at: float | None = None,
        outcome: Outcome | None = None,
    ) -> None:
        super().__init__(message, outcome=outcome)
        self.status = status
        self.code = code
        self.operation = operation
        self.data: Mapping[str, object] = data if data is not None else {}
        self.retry_at = retry_at

    def __str__(self) -> str:
        """Name the operation, the number and the exchange's own words, then what to do."""
        number = f"{self.code} " if self.code is not None else ""
        where = f"{self.operation}: " if self.operation else ""
        advice = f" ({self.advice})" if self.advice else ""
        return f"{where}{number}{self.message} [HTTP {self.status}, {self.outcome.value}]{advice}"


class RequestError(ApiError):
    """The request is wrong as it stands and was not executed."""


class FilterError(RequestError):
    """A filter of the symbol, the account or the exchange forbids the order; ``message`` names it."""


class UnknownSymbol(RequestError):
    """No such symbol."""


class UnknownOrder(RequestError):
    """No such order, says a query. Queries lag behind the matching engine: alone this proves nothing.

    ``outcome`` is that of the query, as with every error of a query: REJECTED says that the question was, and nothing
    about the order. Never send an order again because of it.
    """


class OrderRejected(ApiError):
    """The matching engine refused."""


class InsufficientBalance(OrderRejected):
    """The account lacks the funds."""


class DuplicateOrder(OrderRejected):
    """An *open* order has this client order id. Query it: your order may well be the one that is open."""

    outcome = Outcome.UNKNOWN
    advice = "query the order by its client id; do not send it again"


class CancelRejected(OrderRejected):
    """There was nothing to cancel: filled, cancelled or never placed. Query it to learn which."""


class AmendRejected(OrderRejected):
    """The amendment was refused."""


class AuthError(ApiError):
    """The key, its signature, its address or its permissions were refused."""

    advice = "check the key, its permissions, its IP list and that it belongs to this environment"


class TimestampError(ApiError):
    """The timestamp lay outside ``recvWindow``. It was not executed; the clock is synchronised again at once."""


class RateLimited(ApiError):
    """A limit of the exchange was exceeded. ``retry_at`` is the ``trio.current_time()`` at which to come back."""


class Banned(RateLimited):
    """This address is banned for ignoring earlier refusals; nothing is sent until ``retry_at``."""


class TooManyOrders(RateLimited):
    """The account's unfilled-order limit is exceeded."""


class Blocked(ApiError):
    """The firewall in front of the exchange refused the request."""


class RegionBlocked(Blocked):
    """The exchange does not serve this region."""

    advice = "this will not pass by itself"


class PartialFailure(ApiError):
    """One half of the request was done, the other was not; ``data`` holds both halves as the exchange told them."""

    outcome = Outcome.PARTIAL


class ServerError(ApiError):
    """The exchange failed. "It is important to NOT treat this as a failure": an order may have been executed."""

    outcome = Outcome.UNKNOWN
    advice = "the outcome of a trading request is unknown: query before repeating"


class ProtocolError(BinanceError):
    """The peer broke HTTP, WebSocket, JSON or the exchange's documents. ``payload`` is the start of what it sent."""

    outcome = Outcome.UNKNOWN

    def __init__(self, message: str, *, payload: bytes | str = b"", outcome: Outcome | None = None) -> None:
        super().__init__(message, outcome=outcome)
        self.payload = payload[:200]


class DecodeError(ProtocolError):
    """A message does not fit its model; ``path`` names the place, ``model`` the class."""

    def __init__(
        self,
        message: str,
        *,
        path: str = "",
        model: str = "",
        payload: bytes | str = b"",
        outcome: Outcome | None = None,
    ) -> None:
        super().__init__(message, payload=payload, outcome=outcome)
        self.path = path
        self.model = model


class StreamError(BinanceError):
    """A feed ended before its time; ``streams`` names the streams concerned."""

    def __init__(self, message: str, *, streams: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.streams = tuple(streams)


class SubscriptionRefused(StreamError):
    """The exchange did not accept the subscription."""

    def __init__(self, message: str, *, streams: Sequence[str] = (), code: int | None = None) -> None:
        super().__init__(message, streams=streams)
        self.code = code


class FeedOverflow(StreamError):
    """The consumer was slower than the stream and its buffer (``Overflow.FAIL``)."""


class StreamTerminated(StreamError):
    """The exchange ended the subscription for good."""


class ServiceCrashed(BinanceError):
    """A part of the connector crashed more often than its supervisor allows. A bug of ours: please report it."""

    outcome = Outcome.UNKNOWN
