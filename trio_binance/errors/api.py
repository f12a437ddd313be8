"""The errors that the exchange answers with: its number, its words, and what can be done next."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from .root import BinanceError, Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trio_binance.models import FilterType


class ApiError(BinanceError):
    """The exchange answered with an error.

    ``status`` is the HTTP status (or the WebSocket API's), ``code`` the exchange's number (``None`` where the answer
    carried none), ``message`` its text, ``data`` the rest of the error object, ``operation`` what was asked, by its
    name on the wire that brought the answer (``POST /api/v3/order``, or ``order.place``), ``advice`` what to do next.
    """

    outcome = Outcome.REJECTED
    advice: ClassVar[str] = "the documents do not know this number: read the message"
    filter: FilterType | None = None
    """The filter that the message names, if it names one."""

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

    def _words(self) -> str:
        """Name the operation, the number and the exchange's own words, both halves if there are any, and what to do."""
        number = f"{self.code} " if self.code is not None else ""
        where = f"{self.operation}: " if self.operation else ""
        advice = f" ({self.advice})" if self.advice else ""
        status = f"{self._kind_of_status()} {self.status}"
        return f"{where}{number}{self.message} [{status}, {self.outcome.value}]{self._halves()}{advice}"

    def _kind_of_status(self) -> str:
        """Return whose status it is: what was asked by REST has a path in its name, or no name yet."""
        return "HTTP" if "/" in self.operation or not self.operation else "status"


class RequestError(ApiError):
    """The request is wrong as it stands and was not executed."""

    advice = "change the request: sent again as it is, it will be refused again"


class FilterError(RequestError):
    """A filter of the symbol, the account or the exchange forbids the order; ``filter`` names it."""

    advice = "change the price or quantity; bx.trading.check tells what would pass"


class TooManyOpenOrders(FilterError):
    """So many orders (or order lists, or orders of this kind) may be open at once, and are."""

    advice = "cancel some, or wait until some are filled"


class UnknownSymbol(RequestError):
    """No such symbol."""

    advice = "exchange_info lists the symbols of this environment"


class UnknownOrder(RequestError):
    """No such order, says a query. Queries lag behind the matching engine: alone this proves nothing.

    ``outcome`` is that of the query, as with every error of a query: REJECTED says that the question was, and nothing
    about the order. Never send an order again because of it.
    """

    advice = "queries may lag: ask again before believing it, and do not send the order again"


class OrderArchived(UnknownOrder):
    """The order was cancelled or expired without any fill more than 90 days ago, and can no longer be read."""

    advice = "it ended unfilled; there is nothing more to learn"


class NoData(ApiError):
    """A good question, but there is nothing to tell: no order in the book, no reference price, no trading window."""

    advice = "take it for an empty answer; there may be one later"


class SubscriptionConflict(ApiError):
    """The connection's user data subscriptions are not as the request supposes: there already, not there, or too many.

    "Maximum subscription ID reached for this connection" (-2042) only a new connection helps.
    """

    advice = "look at the connection's subscriptions, or connect anew"


class AuthError(ApiError):
    """The key, its signature, its address or its permissions were refused."""

    advice = "check the key, its permissions, its IP list and that it belongs to this environment"


class TimestampError(ApiError):
    """The timestamp lay outside ``recvWindow``. It was not executed; the clock is synchronised again at once."""

    advice = "send it again with a fresh timestamp"


class RateLimited(ApiError):
    """A limit of the exchange was exceeded. ``retry_at`` is the ``trio.current_time()`` at which to come back."""

    advice = "wait until retry_at"


class Banned(RateLimited):
    """This address is banned for ignoring earlier refusals; nothing is sent until ``retry_at``."""

    advice = "wait until retry_at: each request before prolongs the ban"


class TooManyOrders(RateLimited):
    """The account's unfilled-order limit is exceeded."""

    advice = "place no order until retry_at; cancels and filled orders give room"


class Blocked(ApiError):
    """The firewall in front of the exchange refused the request."""

    advice = "stay away until retry_at; then ask less, or look for words in the request that a firewall dislikes"


class RegionBlocked(Blocked):
    """The exchange does not serve this region."""

    advice = "this will not pass by itself"


class PartialFailure(ApiError):
    """Of a cancel-replace not both halves were done, or it is not known of both whether they were.

    ``cancel_outcome`` and ``new_order_outcome`` tell what became of each half, ``report`` holds what the exchange said
    of them. ``outcome`` is PARTIAL where both are known, else UNKNOWN.
    """

    outcome = Outcome.PARTIAL
    advice = "read both halves; query the order of one that is unknown"


class GatewayError(ApiError):
    """An answer without a number of the exchange: something on the way to it has answered, or cut it short.

    A wrong address, a proxy, a 404 in HTML, a 408: whether an order got through it does not say.
    """

    outcome = Outcome.UNKNOWN
    advice = "check the address and what lies on the way; query an order before repeating it"


class ServerError(ApiError):
    """The exchange failed. "It is important to NOT treat this as a failure": an order may have been executed."""

    outcome = Outcome.UNKNOWN
    advice = "the outcome of a trading request is unknown: query before repeating"
