"""The errors: the tree says by whose fault, the outcome says what became of the request."""

from __future__ import annotations

import copy
import inspect
import pickle
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from trio_binance import errors
from trio_binance.errors import (
    ApiError,
    Banned,
    BeyondHorizon,
    BinanceError,
    BookTooThin,
    BreakerOpen,
    ClockUnsynced,
    ConfigError,
    ConnectError,
    ConnectionLost,
    ConnectorClosed,
    CredentialsRequired,
    DeadlineExceeded,
    DecodeError,
    DuplicateOrder,
    FeedOverflow,
    GatewayError,
    InvalidArgument,
    JournalBroken,
    JournalFailed,
    LimitExceeded,
    NetworkError,
    OrderAbsent,
    OrderRejected,
    Outcome,
    PartialFailure,
    ProtocolError,
    RegionBlocked,
    RequestError,
    SafetyRefused,
    ServerError,
    ServiceCrashed,
    StreamTerminated,
    SubscriptionRefused,
    TimestampError,
    TLSError,
)
from trio_binance.models import CancelReplaceReport, CancelReplaceResult, ErrorReport

CLASSES = [c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, BinanceError)]
API_CLASSES = [c for c in CLASSES if issubclass(c, ApiError)]
OTHER_ARGUMENTS: dict[type[BinanceError], tuple[tuple[object, ...], dict[str, object]]] = {
    InvalidArgument: (("price", "x", "not a number"), {}),
    BreakerOpen: (("later",), {"retry_at": 5.0}),
    ConnectionLost: (("gone",), {"code": 1006, "reason": "bye", "outcome": Outcome.NOT_SENT}),
    ProtocolError: (("odd",), {"payload": b"<html>"}),
    DecodeError: (("odd",), {"path": "$.price", "model": "Trade", "payload": "{}"}),
    SubscriptionRefused: (("no",), {"streams": ["a@trade"], "code": 2}),
    FeedOverflow: (("slow",), {"streams": ["a@trade"]}),
    BookTooThin: (("thin",), {"available": Decimal("1.50")}),
    OrderAbsent: ((), {"client_order_id": "mine", "evidence": "why"}),
    SafetyRefused: (("op", "symbols", "no"), {"value": 5, "limit": 3, "advice": "less"}),
    JournalFailed: ((Path("a.journal"), "full"), {}),
    JournalBroken: ((3, "damaged"), {"path": Path("a.journal")}),
    BeyondHorizon: (("far",), {"available": Decimal("1.50"), "horizon": None}),
}


def make(cls: type[Any]) -> BinanceError:
    if issubclass(cls, ApiError):
        return cls("no", status=400, code=-1, operation="op", data={"a": 1}, retry_at=3.0)
    arguments, settings = OTHER_ARGUMENTS.get(cls, (("text",), {}))
    made: BinanceError = cls(*arguments, **settings)
    return made


def test_the_tree_in_the_module_s_docstring_is_the_tree() -> None:
    drawn: dict[str, str] = {}
    path: list[str] = []
    for line in (inspect.getdoc(errors) or "").splitlines():
        if match := re.match(r"^ {4}(?P<bars>(?:[│├└─ ]{4})*)(?P<name>[A-Z]\w+) ", line):
            depth = len(match["bars"]) // 4
            path[depth:] = [match["name"]]
            drawn[match["name"]] = path[depth - 1] if depth else "Exception"
    assert drawn == {cls.__name__: cls.__bases__[0].__name__ for cls in CLASSES}


@pytest.mark.parametrize("cls", CLASSES)
def test_every_error_says_what_became_of_the_request_and_has_its_sentence(cls: type[BinanceError]) -> None:
    assert isinstance(make(cls).outcome, Outcome)
    assert cls.__doc__


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("again", [lambda e: pickle.loads(pickle.dumps(e)), copy.copy, copy.deepcopy])
def test_every_error_survives_a_pickle_and_a_copy_whole(cls: type[BinanceError], again: Any) -> None:
    error = make(cls)
    error.add_note("while testing")
    twin = again(error)
    assert type(twin) is cls
    assert str(twin) == str(error)
    assert vars(twin) == vars(error)
    assert twin.args == error.args


@pytest.mark.parametrize(
    ("cls", "outcome"),
    [
        (ConfigError, Outcome.NOT_SENT),
        (CredentialsRequired, Outcome.NOT_SENT),
        (ConnectorClosed, Outcome.NOT_SENT),
        (BreakerOpen, Outcome.NOT_SENT),
        (LimitExceeded, Outcome.NOT_SENT),
        (ClockUnsynced, Outcome.NOT_SENT),
        (NetworkError, Outcome.UNKNOWN),
        (ConnectError, Outcome.NOT_SENT),
        (TLSError, Outcome.NOT_SENT),
        (ConnectionLost, Outcome.UNKNOWN),
        (DeadlineExceeded, Outcome.UNKNOWN),
        (RequestError, Outcome.REJECTED),
        (OrderRejected, Outcome.REJECTED),
        (DuplicateOrder, Outcome.UNKNOWN),
        (TimestampError, Outcome.REJECTED),
        (Banned, Outcome.REJECTED),
        (PartialFailure, Outcome.PARTIAL),
        (GatewayError, Outcome.UNKNOWN),
        (ServerError, Outcome.UNKNOWN),
        (ProtocolError, Outcome.UNKNOWN),
        (StreamTerminated, Outcome.NOT_SENT),
        (ServiceCrashed, Outcome.UNKNOWN),
    ],
)
def test_a_lost_answer_is_unknown_and_a_refusal_is_definite(cls: type[Any], outcome: Outcome) -> None:
    assert cls.outcome is outcome


def test_an_outcome_can_be_told_where_more_is_known() -> None:
    assert ConnectionLost("before the first byte", outcome=Outcome.NOT_SENT).outcome is Outcome.NOT_SENT
    assert ConnectionLost("later").outcome is Outcome.UNKNOWN


def test_mistakes_of_the_caller_are_value_errors_too() -> None:
    assert issubclass(ConfigError, ValueError)
    assert issubclass(InvalidArgument, ValueError)


def test_an_invalid_argument_names_field_value_and_reason() -> None:
    error = InvalidArgument("price", "1e5", "no exponent")
    assert str(error) == "price='1e5': no exponent"
    assert (error.field, error.value, error.reason) == ("price", "1e5", "no exponent")


@pytest.mark.parametrize("value", ["x" * 10**6, 10**5000, [10**5000]], ids=["text", "int", "list"])
def test_a_huge_invalid_argument_is_shown_in_part(value: object) -> None:
    assert len(str(InvalidArgument("price", value, "too long"))) < 140


def test_an_api_error_tells_operation_number_words_and_what_to_do() -> None:
    error = DuplicateOrder("Duplicate order sent.", status=400, code=-2010, operation="order.place")
    assert str(error) == (
        "order.place: -2010 Duplicate order sent. [status 400, unknown] "
        "(query the order by its client id; do not send it again)"
    )
    assert str(RegionBlocked("no", status=451)) == "no [HTTP 451, rejected] (this will not pass by itself)"
    assert error.data == {}


@pytest.mark.parametrize("cls", API_CLASSES)
def test_every_answer_of_the_exchange_comes_with_advice(cls: type[ApiError]) -> None:
    assert cls.advice
    assert cls.advice in str(make(cls))


def test_an_error_with_two_halves_tells_both_with_the_exchange_s_words() -> None:
    error = PartialFailure("partly failed", status=409, code=-2021)
    error.report = CancelReplaceReport(
        CancelReplaceResult.SUCCESS, CancelReplaceResult.FAILURE, None, ErrorReport(-2010, "Order would trigger.")
    )
    assert "cancel:" not in str(error)
    error.cancel_outcome, error.new_order_outcome = Outcome.DONE, Outcome.REJECTED
    assert str(error).startswith(
        "-2021 partly failed [HTTP 409, partial] cancel: done; new order: rejected, -2010 Order would trigger. ("
    )
    twin = pickle.loads(pickle.dumps(error))
    assert (twin.report, str(twin)) == (error.report, str(error))


def test_an_error_that_leaves_an_order_in_doubt_says_so_and_what_to_do() -> None:
    error = ConnectionLost("the line broke")
    assert str(error) == "the line broke"
    error.at_stake = "request DELETE /api/v3/openOrders"
    assert str(error) == (
        "the line broke [unknown: the request DELETE /api/v3/openOrders may have taken effect; "
        "find out before sending it again]"
    )
    error.at_stake, error.client_order_id = "order", "tb-1"
    wanted = "the line broke [unknown: the order with client id tb-1 may stand; query it, do not send it again]"
    assert str(error) == wanted
    assert str(pickle.loads(pickle.dumps(error))) == wanted
    assert wanted in repr(error)
    error.outcome = Outcome.NOT_SENT
    assert str(error) == "the line broke"


def test_an_error_of_the_line_tells_of_both_halves_that_they_are_in_doubt() -> None:
    error = ConnectionLost("the line broke")
    error.at_stake, error.client_order_id = "new order", "tb-1"
    error.cancel_outcome = error.new_order_outcome = Outcome.UNKNOWN
    assert str(error) == (
        "the line broke cancel: unknown; new order: unknown "
        "[unknown: the new order with client id tb-1 may stand; query it, do not send it again]"
    )


@pytest.mark.parametrize("cls", CLASSES)
def test_the_repr_of_an_error_tells_all_that_its_str_does_on_one_line(cls: type[BinanceError]) -> None:
    error = make(cls)
    assert repr(error).startswith(f"{cls.__name__}(")
    assert str(error) in repr(error)
    assert repr(BinanceError("two\nlines")) == r"BinanceError('two\nlines')"


def test_a_protocol_error_keeps_the_start_of_what_was_sent() -> None:
    assert len(ProtocolError("odd", payload=b"x" * 10**6).payload) == 200
