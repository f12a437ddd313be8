"""The error codes: which class an answer of the exchange becomes, by its number, its words and its status."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .errors import (
    AmendRejected,
    ApiError,
    AuthError,
    Banned,
    Blocked,
    CancelRejected,
    CancelRestricted,
    DuplicateOrder,
    FilterError,
    GatewayError,
    InsufficientBalance,
    InvalidOrder,
    MarketClosed,
    NoData,
    NoLiquidity,
    NothingToAmend,
    NothingToCancel,
    NotPermitted,
    NotSupported,
    OrderArchived,
    OrderRejected,
    PartialFailure,
    RateLimited,
    RegionBlocked,
    RequestError,
    ServerError,
    SubscriptionConflict,
    TimestampError,
    TooManyAmends,
    TooManyOpenOrders,
    TooManyOrders,
    UnknownOrder,
    UnknownSymbol,
    WouldMatch,
    WouldTrigger,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

# --------------------------------------------------------------------------------------------------- by its number

_REQUEST_CODES = (
    -1014, -1020, -1100, -1101, -1102, -1103, -1104, -1105, -1106, -1108, -1111, -1114, -1115, -1116, -1117, -1118,
    -1119, -1120, -1122, -1125, -1127, -1128, -1130, -1131, -1134, -1135, -1139, -1145, -1151, -1158, -1160, -1165,
    -1166, -1168, -1194, -1196, -1197, -1198, -1199, -1210, -1211, -1222, -1223, -1224, -1225,
    # Both ids of an order were sent and name two: the order of the one is there, so it is no "no such order".
    -2039,
)  # fmt: skip
_SBE_CODES = (-1152, -1153, -1155, -1161, -1221)
_FIX_CODES = (
    -1033, -1035, -1169, -1170, -1171, -1172, -1173, -1174, -1175, -1176, -1177, -1178, -1179, -1180, -1182, -1183,
    -1184, -1185, -1186, -1187, -1188, -1189, -1190, -1191,
)  # fmt: skip
"""They speak of the tags and sessions of FIX, which this package does not speak: met on REST or the WebSocket API,
against the documents, they still say that the request was refused as it stood."""

CLASS_BY_CODE: Mapping[int, type[ApiError]] = {
    **dict.fromkeys((*_REQUEST_CODES, *_SBE_CODES, *_FIX_CODES), RequestError),
    # errors.md: -1006 and -1007 "execution status unknown"; of the others it does not say that nothing was executed.
    **dict.fromkeys((-1000, -1001, -1006, -1007, -1008, -1016), ServerError),
    **dict.fromkeys((-1002, -1022, -2014, -2015), AuthError),
    **dict.fromkeys((-1003, -1034, -1181), RateLimited),
    # errors.md: -2021 "not both" halves of a cancel-replace failed, -2022 "both the cancellation and new order".
    **dict.fromkeys((-1010, -2010, -2022), OrderRejected),
    **dict.fromkeys((-1112, -1220, -2016, -2043), NoData),
    **dict.fromkeys((-2035, -2036, -2042), SubscriptionConflict),
    # "INVALID_MESSAGE: rejected by the API, did not reach the matching engine": mostly a filter, which its words tell.
    -1013: RequestError,
    -1015: TooManyOrders,
    -1021: TimestampError,
    -1121: UnknownSymbol,
    -2011: CancelRejected,
    -2013: UnknownOrder,
    -2021: PartialFailure,
    -2026: OrderArchived,
    -2038: AmendRejected,
}
"""The exchange's error numbers by what the caller can do next; a number that is missing falls back to its status."""

# ---------------------------------------------------------------------------------------------------- by its words
#
# errors.md, "Messages for -1010 ERROR_MSG_RECEIVED, -2010 NEW_ORDER_REJECTED, -2011 CANCEL_REJECTED, and -2038
# ORDER_AMEND_REJECTED". The number says who refused, the words why. -1013 has words of this table too.

_BY_WORDS: Mapping[int, Mapping[str, type[ApiError]]] = {
    -2010: {
        "Duplicate order sent": DuplicateOrder,
        "Account has insufficient balance for requested action": InsufficientBalance,
        "Market is closed": MarketClosed,
        # CHANGELOG 2023-03-13
        "This order type is not possible in this trading phase": MarketClosed,
        "Limit orders require GTC for this phase": MarketClosed,
        "Order would immediately match and take": WouldMatch,
        "Order would trigger immediately": WouldTrigger,
        "Order book liquidity is less than LOT_SIZE filter minimum quantity": NoLiquidity,
        "Order book liquidity is less than MARKET_LOT_SIZE filter minimum quantity": NoLiquidity,
        "Order book liquidity is less than symbol minimum quantity": NoLiquidity,
        "Order book liquidity is too low for this pegged order": NoLiquidity,
        "Price * QTY is zero or less": InvalidOrder,
        "IcebergQty exceeds QTY": InvalidOrder,
        "Unsupported order combination": InvalidOrder,
        "Cancel order is invalid. Check origClOrdId and orderId": InvalidOrder,
        "The relationship of the prices for the orders is not correct": InvalidOrder,
        "This order type may not use pegged price": InvalidOrder,
        "This price peg cannot be used with this order type": InvalidOrder,
        "This action is disabled on this account": NotPermitted,
        "This account may not place or cancel orders": NotPermitted,
        "This symbol is not permitted for this account": NotPermitted,
        "This symbol is restricted for this account": NotPermitted,
        "Rest API trading is not enabled": NotPermitted,
        "WebSocket API trading is not enabled": NotPermitted,
        "FIX API trading is not enabled": NotPermitted,
        # faqs/stp_faq.md
        "This symbol does not allow the specified self-trade prevention mode": NotSupported,
    },
    -2011: {
        "Unknown order sent": NothingToCancel,
        "Order was not canceled due to cancel restrictions": CancelRestricted,
    },
    -2038: {
        "The requested action would change no state; rejecting": NothingToAmend,
    },
}
_SAME_WORDS: Mapping[int, int] = {-1010: -2010, -1013: -2010}
_NOT_FOR_THIS_SYMBOL = re.compile(r"not support(ed)? for this symbol")
"""So end the words about a dozen kinds of orders; one of them lacks its "ed"."""

_FILTER_FAILURE = re.compile(r"Filter failure: (\w+)", re.ASCII)
_OPEN_AT_ONCE = re.compile(r"(EXCHANGE_)?MAX_NUM_(ALGO_|ICEBERG_)?ORDERS|(EXCHANGE_)?MAX_NUM_ORDER_LISTS")


def filter_named_by(message: str) -> str | None:
    """Return the filter that the words ``Filter failure: ...`` name."""
    match = _FILTER_FAILURE.match(message)
    return match[1] if match else None


def _by_words(code: int, message: str) -> type[ApiError] | None:
    """Return the class that the words of a refused order tell, more exactly than its number does."""
    table = _SAME_WORDS.get(code, code)
    if name := filter_named_by(message):
        if name == "MAX_NUM_ORDER_AMENDS":
            return TooManyAmends
        return TooManyOpenOrders if _OPEN_AT_ONCE.fullmatch(name) else FilterError
    if table == -2010 and _NOT_FOR_THIS_SYMBOL.search(message):
        return NotSupported
    return _BY_WORDS[table].get(message.rstrip("."))


# --------------------------------------------------------------------------------------------------- by its status

CLASS_BY_STATUS: Mapping[int, type[ApiError]] = {
    401: AuthError,
    403: Blocked,
    409: PartialFailure,
    418: Banned,
    429: RateLimited,
    451: RegionBlocked,
}

_ORDER_COUNT_CODES = (-1015, -2021, -2022)
"""With 429 these tell of the account's order count, not of the address's weight."""


def api_error_class(status: int, code: int | None, message: str = "") -> type[ApiError]:
    """Return the class for an error answer of the exchange: a ban first, then its number and words, then the status."""
    if status in (418, 451):
        return CLASS_BY_STATUS[status]
    if status >= 500:
        return ServerError
    if status == 403 or (status == 429 and code not in _ORDER_COUNT_CODES):
        # Whatever number a firewall or a limit carries with it: the address has to stay away.
        return CLASS_BY_STATUS[status]
    if status == 429 and code == -2022:
        # rest-api.md, "Cancel an existing order and send a new order": the order count is exceeded, nothing was done.
        return TooManyOrders
    if code is not None and code in CLASS_BY_CODE:
        refined = _by_words(code, message) if _SAME_WORDS.get(code, code) in _BY_WORDS else None
        return refined or CLASS_BY_CODE[code]
    return CLASS_BY_STATUS.get(status, GatewayError if code is None else ApiError)
