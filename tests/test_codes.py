"""The error codes: the exchange's numbers and words become the class that says what to do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from trio_binance._codes import CLASS_BY_CODE, api_error_class, filter_named_by
from trio_binance.errors import (
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
    Outcome,
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
from trio_binance.models import FilterType

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("status", "code", "message", "cls"),
    [
        (400, -1013, "Filter failure: LOT_SIZE", FilterError),
        (400, -1013, "Invalid quantity.", RequestError),
        (400, -1121, "Invalid symbol.", UnknownSymbol),
        (400, -1100, "Illegal characters", RequestError),
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
        (400, None, "", GatewayError),
        (404, None, "", GatewayError),
        (405, None, "", GatewayError),
        (406, -1155, "SBE is not enabled.", RequestError),
        (408, None, "", GatewayError),
        (413, None, "", GatewayError),
        (414, None, "", GatewayError),
        (0, None, "", GatewayError),
    ],
)
def test_an_error_answer_becomes_the_class_that_says_what_to_do(
    status: int, code: int | None, message: str, cls: type[ApiError]
) -> None:
    assert api_error_class(status, code, message) is cls


# ----------------------------------------------------------------------------------------------------- by its words

WORDS: dict[int, dict[str, type[ApiError]]] = {
    -2010: {
        "Unknown order sent.": OrderRejected,
        "Duplicate order sent.": DuplicateOrder,
        "Market is closed.": MarketClosed,
        "This order type is not possible in this trading phase.": MarketClosed,
        "Limit orders require GTC for this phase.": MarketClosed,
        "Account has insufficient balance for requested action.": InsufficientBalance,
        "Market orders are not supported for this symbol.": NotSupported,
        "Iceberg orders are not supported for this symbol.": NotSupported,
        "Stop loss orders are not supported for this symbol.": NotSupported,
        "Stop loss limit orders are not supported for this symbol.": NotSupported,
        "Take profit orders are not supported for this symbol.": NotSupported,
        "Take profit limit orders are not supported for this symbol.": NotSupported,
        "OCO orders are not supported for this symbol": NotSupported,
        "OPO orders are not supported for this symbol.": NotSupported,
        "Quote order qty market orders are not support for this symbol.": NotSupported,
        "Trailing stop orders are not supported for this symbol.": NotSupported,
        "Pegged orders are not supported for this symbol.": NotSupported,
        "Order cancel-replace is not supported for this symbol.": NotSupported,
        "Orders of 2030 are not supported for this symbol.": NotSupported,
        "This symbol does not allow the specified self-trade prevention mode.": NotSupported,
        "Price * QTY is zero or less.": InvalidOrder,
        "IcebergQty exceeds QTY.": InvalidOrder,
        "Unsupported order combination": InvalidOrder,
        "Cancel order is invalid. Check origClOrdId and orderId.": InvalidOrder,
        "The relationship of the prices for the orders is not correct.": InvalidOrder,
        "This order type may not use pegged price.": InvalidOrder,
        "This price peg cannot be used with this order type.": InvalidOrder,
        "This action is disabled on this account.": NotPermitted,
        "This account may not place or cancel orders.": NotPermitted,
        "This symbol is not permitted for this account.": NotPermitted,
        "This symbol is restricted for this account.": NotPermitted,
        "Rest API trading is not enabled.": NotPermitted,
        "WebSocket API trading is not enabled.": NotPermitted,
        "FIX API trading is not enabled.": NotPermitted,
        "Order would trigger immediately.": WouldTrigger,
        "Order would immediately match and take.": WouldMatch,
        "Order book liquidity is less than LOT_SIZE filter minimum quantity.": NoLiquidity,
        "Order book liquidity is less than MARKET_LOT_SIZE filter minimum quantity.": NoLiquidity,
        "Order book liquidity is less than symbol minimum quantity.": NoLiquidity,
        "Order book liquidity is too low for this pegged order.": NoLiquidity,
        "Filter failure: MAX_POSITION": FilterError,
        "Words of 2030.": OrderRejected,
    },
    -2011: {
        "Unknown order sent.": NothingToCancel,
        "Order was not canceled due to cancel restrictions.": CancelRestricted,
        "Duplicate order sent.": CancelRejected,
        "This account may not place or cancel orders.": CancelRejected,
    },
    -2038: {
        "The requested action would change no state; rejecting": NothingToAmend,
        "Filter failure: MAX_NUM_ORDER_AMENDS": TooManyAmends,
        "Order amend is not supported for this symbol.": AmendRejected,
        "Order amend (quantity increase) is not supported.": AmendRejected,
        "Order amend (pending OPO order) is not supported.": AmendRejected,
    },
}


@pytest.mark.parametrize("code", WORDS)
def test_the_words_of_a_refused_order_tell_the_next_step(code: int) -> None:
    assert {words: api_error_class(400, code, words) for words in WORDS[code]} == WORDS[code]


@pytest.mark.parametrize("code", [-1010, -1013])
def test_the_same_words_come_under_other_numbers(code: int) -> None:
    fallback = CLASS_BY_CODE[code]
    wanted = {words: fallback if cls is OrderRejected else cls for words, cls in WORDS[-2010].items()}
    assert {words: api_error_class(400, code, words) for words in wanted} == wanted


def test_the_class_of_the_words_is_a_kind_of_the_number_s_class() -> None:
    for code, table in WORDS.items():
        for words, cls in table.items():
            assert issubclass(cls, FilterError if "Filter" in words and code != -2038 else CLASS_BY_CODE[code]), words


@pytest.mark.parametrize(
    ("name", "cls"),
    [
        ("PRICE_FILTER", FilterError),
        ("MAX_POSITION", FilterError),
        ("FILTER_OF_2030", FilterError),
        ("MAX_NUM_ORDERS", TooManyOpenOrders),
        ("MAX_NUM_ALGO_ORDERS", TooManyOpenOrders),
        ("MAX_NUM_ICEBERG_ORDERS", TooManyOpenOrders),
        ("MAX_NUM_ORDER_LISTS", TooManyOpenOrders),
        ("EXCHANGE_MAX_NUM_ORDERS", TooManyOpenOrders),
        ("EXCHANGE_MAX_NUM_ALGO_ORDERS", TooManyOpenOrders),
        ("EXCHANGE_MAX_NUM_ICEBERG_ORDERS", TooManyOpenOrders),
        ("EXCHANGE_MAX_NUM_ORDER_LISTS", TooManyOpenOrders),
        ("MAX_NUM_ORDER_AMENDS", TooManyAmends),
    ],
)
def test_a_filter_is_named_and_told_whether_room_or_the_order_is_lacking(name: str, cls: type[ApiError]) -> None:
    assert api_error_class(400, -1013, f"Filter failure: {name}") is cls
    assert filter_named_by(f"Filter failure: {name}") == name


def test_words_about_something_else_name_no_filter() -> None:
    assert filter_named_by("Market is closed.") is None
    assert filter_named_by("Filter failure: ") is None


# ---------------------------------------------------------------------------------------------------- by its number

ONLY_FIX = (-1033, -1035, *range(-1180, -1168), *range(-1189, -1181), -1190, -1191)
"""Numbers that only a FIX session answers with; this package speaks none."""

NUMBERS: dict[type[ApiError], tuple[int, ...]] = {
    RequestError: (
        *(-1014, -1020, -1013, -1151, -1158, -1160, -1165, -1166, -1168, -1194, -1196, -1197, -1198, -1199, -1210),
        *(-1100, -1101, -1102, -1103, -1104, -1105, -1106, -1108, -1111, -1114, -1115, -1116, -1117, -1118, -1119),
        *(-1120, -1122, -1125, -1127, -1128, -1130, -1134, -1135, -1139, -1145, -1211, -1222, -1223, -1224, -1225),
        *(-1152, -1153, -1155, -1161, -1221, -2039, *ONLY_FIX),
    ),
    ServerError: (-1000, -1001, -1006, -1007, -1008, -1016),
    AuthError: (-1002, -1022, -2014, -2015),
    RateLimited: (-1003, -1034, -1181),
    OrderRejected: (-1010, -2010, -2022),
    NoData: (-1112, -1220, -2016, -2043),
    SubscriptionConflict: (-2035, -2036, -2042),
    TooManyOrders: (-1015,),
    TimestampError: (-1021,),
    UnknownSymbol: (-1121,),
    UnknownOrder: (-2013,),
    OrderArchived: (-2026,),
    CancelRejected: (-2011,),
    AmendRejected: (-2038,),
    PartialFailure: (-2021,),
}


def test_every_number_has_its_class() -> None:
    wanted = {code: cls for cls, codes in NUMBERS.items() for code in codes}
    assert {code: api_error_class(400, code) for code in wanted} == wanted
    assert CLASS_BY_CODE.keys() - wanted.keys() == {-1131}  # named by the changelog of 2018 and still met


def test_numbers_of_an_unknown_outcome_are_unknown() -> None:
    assert {cls.outcome for cls in map(CLASS_BY_CODE.__getitem__, NUMBERS[ServerError])} == {Outcome.UNKNOWN}
    definite = {cls.outcome for code, cls in CLASS_BY_CODE.items() if cls not in (ServerError, PartialFailure)}
    assert definite == {Outcome.REJECTED}


# ------------------------------------------------------------------------------------------- held to the documents


@pytest.fixture(scope="module")
def errors(spec: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((spec / "errors.json").read_text("utf-8"))
    return found


def test_every_number_of_the_documents_is_in_the_table(errors: dict[str, Any]) -> None:
    codes = {each["code"] for each in errors["codes"]}
    assert len(codes) == 106
    assert codes == {code for codes in NUMBERS.values() for code in codes}
    assert {each["code"] for each in errors["codes"] if each["classification"]["fix_only"]} == {*ONLY_FIX, -1181}


def test_every_number_whose_outcome_may_be_unknown_is_unknown(errors: dict[str, Any]) -> None:
    for each in errors["codes"]:
        if each["classification"]["unknown_outcome"] != "no":
            assert CLASS_BY_CODE[each["code"]].outcome is Outcome.UNKNOWN, each["code"]


CLASSES: dict[str, type[ApiError] | tuple[type[ApiError], ...]] = {
    "auth": AuthError,
    "server": ServerError,
    "rate_limit": RateLimited,
    "connection_limit": RateLimited,
    "order_rate_limit": TooManyOrders,
    "time_sync": TimestampError,
    "order_reject": (OrderRejected, RequestError),
    "cancel_reject": CancelRejected,
    "amend_reject": AmendRejected,
    "partial": PartialFailure,
    "not_found": (UnknownOrder, RequestError),
    "no_data": NoData,
    "session_state": SubscriptionConflict,
    "session_limit": SubscriptionConflict,
    "client_bug": RequestError,
    "sbe": RequestError,
    "obsolete": RequestError,
    "fix_only": (RequestError, RateLimited),
}


def test_every_number_is_what_the_documents_class_it_as(errors: dict[str, Any]) -> None:
    for each in errors["codes"]:
        assert issubclass(CLASS_BY_CODE[each["code"]], CLASSES[each["classification"]["class"]]), each["code"]


REASONS: dict[str, set[type[ApiError]]] = {
    "not_found": {OrderRejected, NothingToCancel},
    "duplicate": {DuplicateOrder},
    "symbol_not_trading": {MarketClosed},
    "insufficient_balance": {InsufficientBalance},
    "feature_off_for_symbol": {NotSupported, AmendRejected},
    "bad_value": {InvalidOrder},
    "bad_price_relation": {InvalidOrder},
    "account_blocked": {NotPermitted, CancelRejected},
    "permission": {NotPermitted},
    "api_not_trade_enabled": {NotPermitted},
    "would_trigger": {WouldTrigger},
    "would_match": {WouldMatch},
    "cancel_restriction": {CancelRestricted},
    "liquidity": {NoLiquidity},
    "amend_not_possible": {AmendRejected, NothingToAmend},
}


def test_every_reason_of_the_documents_has_its_next_step(errors: dict[str, Any]) -> None:
    messages = errors["order_reject_messages"]
    assert len(messages) == 41
    for each in messages:
        ours = {table[each["msg"]] for table in WORDS.values() if each["msg"] in table}
        assert ours & REASONS[each["reason"]], each


def test_every_filter_of_the_documents_is_one_we_know(errors: dict[str, Any]) -> None:
    messages = errors["filter_failures"]["messages"]
    assert len(messages) == 18
    for each in messages:
        assert filter_named_by(each["msg"]) == each["filter"]
        assert FilterType(each["filter"]).is_known
        assert issubclass(api_error_class(400, -1013, each["msg"]), FilterError | TooManyAmends)
