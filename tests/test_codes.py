"""The error codes: the exchange's numbers and words become the class that says what to do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from trio_binance._codes import api_error_class
from trio_binance.errors import (
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
    Outcome,
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
    from pathlib import Path


@pytest.mark.parametrize(
    ("status", "code", "message", "cls"),
    [
        (400, -1013, "Filter failure: LOT_SIZE", FilterError),
        (400, -1121, "Invalid symbol.", UnknownSymbol),
        (400, -1100, "Illegal characters", RequestError),
        (400, -2010, "Account has insufficient balance for requested action.", InsufficientBalance),
        (400, -2010, "Duplicate order sent.", DuplicateOrder),
        (400, -2010, "Market is closed.", OrderRejected),
        (400, -1010, "Duplicate order sent.", DuplicateOrder),
        (400, -2011, "Unknown order sent.", CancelRejected),
        (400, -2011, "Duplicate order sent.", CancelRejected),
        (400, -2013, "Order does not exist.", UnknownOrder),
        (400, -1021, "Timestamp", TimestampError),
        (401, -2015, "Invalid API-key", AuthError),
        (401, None, "", AuthError),
        (400, -1022, "Signature", AuthError),
        (403, None, "<html>", Blocked),
        (403, -1021, "Timestamp", Blocked),
        (429, -1021, "Timestamp", RateLimited),
        (409, -2021, "Order cancel-replace partially failed.", PartialFailure),
        (409, None, "", PartialFailure),
        (429, -2021, "Order cancel-replace partially failed.", PartialFailure),
        (400, -2022, "Order cancel-replace failed.", OrderRejected),
        (429, -2022, "Order cancel-replace failed.", TooManyOrders),
        (429, -1003, "Too many requests", RateLimited),
        (429, -1015, "Too many new orders", TooManyOrders),
        (429, None, "", RateLimited),
        (418, -1003, "banned", Banned),
        (418, None, "", Banned),
        (451, 0, "Service unavailable from a restricted location", RegionBlocked),
        (500, -1000, "", ServerError),
        (503, -2010, "Duplicate order sent.", ServerError),
        (504, None, "", ServerError),
        (400, -1007, "Timeout", ServerError),
        (400, -99999, "new", ApiError),
        (408, None, "", ApiError),
    ],
)
def test_an_error_answer_becomes_the_class_that_says_what_to_do(
    status: int, code: int | None, message: str, cls: type[ApiError]
) -> None:
    assert api_error_class(status, code, message) is cls


CLASS_BY_CLASSIFICATION: dict[str, type[ApiError]] = {
    "auth": AuthError,
    "server": ServerError,
    "rate_limit": RateLimited,
    "order_rate_limit": TooManyOrders,
    "connection_limit": RateLimited,
    "time_sync": TimestampError,
    "cancel_reject": CancelRejected,
    "amend_reject": AmendRejected,
    "partial": PartialFailure,
    "client_bug": RequestError,
    "sbe": RequestError,
    "no_data": RequestError,
    "session_state": RequestError,
    "session_limit": RequestError,
}


def test_every_number_in_the_documents_has_its_class(spec: Path) -> None:
    for each in json.loads((spec / "errors.json").read_text("utf-8"))["codes"]:
        wanted = CLASS_BY_CLASSIFICATION.get(each["classification"]["class"])
        found = api_error_class(400, each["code"], (each["messages"] or [""])[0])
        if wanted is not None:
            assert issubclass(found, wanted), each["code"]
        if each["classification"]["unknown_outcome"] == "yes":
            assert found.outcome is Outcome.UNKNOWN, each["code"]
