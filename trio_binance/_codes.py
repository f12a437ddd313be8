"""The error codes: which class an answer of the exchange becomes, by its number, its words and its status."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .errors import (
    AmendRejected,
    ApiError,
    AuthError,
    Banned,
    Blocked,
    CancelRejected,
    DuplicateOrder,
    FilterError,
    InsufficientBalance,
    OrderRejected,
    PartialFailure,
    RateLimited,
    RegionBlocked,
    RequestError,
    ServerError,
    TimestampError,
    TooManyOrders,
    UnknownOrder,
    UnknownSymbol,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

_REQUEST_CODES = (
    -1014, -1020, -1100, -1101, -1102, -1103, -1104, -1105, -1106, -1108, -1111, -1112, -1114, -1115, -1116, -1117,
    -1118, -1119, -1120, -1122, -1125, -1127, -1128, -1130, -1134, -1135, -1139, -1145, -1151, -1152, -1153, -1155,
    -1158, -1160, -1161, -1165, -1166, -1168, -1182, -1190, -1191, -1194, -1196, -1197, -1198, -1199, -1210, -1211,
    -1220, -1221, -1222, -1223, -1224, -1225, -2016, -2035, -2036, -2039, -2042, -2043,
)  # fmt: skip

CLASS_BY_CODE: Mapping[int, type[ApiError]] = {
    **dict.fromkeys(_REQUEST_CODES, RequestError),
    **dict.fromkeys((-1000, -1001, -1006, -1007, -1008, -1016), ServerError),
    **dict.fromkeys((-1002, -1022, -2014, -2015), AuthError),
    **dict.fromkeys((-1003, -1034), RateLimited),
    # errors.md: -2021 "not both" halves of a cancel-replace failed, -2022 "both the cancellation and new order".
    **dict.fromkeys((-1010, -2010, -2022), OrderRejected),
    **dict.fromkeys((-2013, -2026), UnknownOrder),
    -1013: FilterError,
    -1015: TooManyOrders,
    -1021: TimestampError,
    -1121: UnknownSymbol,
    -2021: PartialFailure,
    -2011: CancelRejected,
    -2038: AmendRejected,
}
"""The exchange's error numbers by what the caller can do next; a number that is missing falls back to its status."""

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

_CLASS_BY_MESSAGE: Mapping[str, type[ApiError]] = {
    # errors.md, "Messages for -1010 ERROR_MSG_RECEIVED, -2010 NEW_ORDER_REJECTED, ..."
    "Duplicate order sent.": DuplicateOrder,
    "Account has insufficient balance for requested action.": InsufficientBalance,
}


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
        found = CLASS_BY_CODE[code]
        return _CLASS_BY_MESSAGE.get(message, found) if found is OrderRejected else found
    return CLASS_BY_STATUS.get(status, ApiError)
