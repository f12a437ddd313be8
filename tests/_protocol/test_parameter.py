from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_binance._protocol.parameter import Kind, Need, Param
from trio_binance.errors import InvalidArgument
from trio_binance.models import KlineInterval, Side, as_datetime

TEXT, WHOLE, MOMENT, NUMBER, FLAG, WORD, TEXTS = (Param("aParam", kind, words=Side) for kind in Kind)
WINDOW = Param("windowSize", Kind.TEXT, form="[1-7]d|[1-9]h")
UTC = datetime.UTC


@pytest.mark.parametrize(
    ("param", "value", "written"),
    [
        (TEXT, "BTCUSDT", "BTCUSDT"),
        (TEXT, "币安人生USDT", "币安人生USDT"),
        (WINDOW, "7d", "7d"),
        (WHOLE, 0, 0),
        (WHOLE, -1, -1),
        (MOMENT, 1_790_000_000_000, 1_790_000_000_000),
        (MOMENT, 1_790_000_000_000_001, 1_790_000_000_000_001),
        (MOMENT, datetime.datetime(2026, 1, 2, tzinfo=UTC), 1_767_312_000_000),
        (MOMENT, datetime.datetime(2026, 1, 2, microsecond=5000, tzinfo=UTC), 1_767_312_000_005),
        (MOMENT, datetime.datetime(2026, 1, 2, microsecond=5001, tzinfo=UTC), 1_767_312_000_005_001),
        (NUMBER, Decimal("0.10"), Decimal("0.10")),
        (NUMBER, "0.10", Decimal("0.10")),
        (NUMBER, 3, Decimal(3)),
        (FLAG, True, True),
        (FLAG, False, False),
        (WORD, Side.BUY, "BUY"),
        (WORD, "SELL", "SELL"),
        (TEXTS, ["A", "B"], ("A", "B")),
        (TEXTS, iter(("A", "B")), ("A", "B")),
        (TEXTS, [Side.BUY], ("BUY",)),
    ],
)
def test_a_value_is_written_exactly(param: Param, value: object, written: object) -> None:
    found = param.accept(value)
    assert (found, type(found)) == (written, type(written))


@pytest.mark.parametrize("kind", Kind)
def test_none_is_left_out(kind: Kind) -> None:
    assert Param("x", kind, words=Side).accept(None) is None


@pytest.mark.parametrize("param", [TEXT, WHOLE, MOMENT, NUMBER, FLAG, WORD, TEXTS])
def test_a_float_is_a_type_error_that_names_the_argument(param: Param) -> None:
    with pytest.raises(TypeError, match=r"^a_param=0\.5: "):
        param.accept(0.5)


@pytest.mark.parametrize(
    ("param", "value"),
    [
        (TEXT, 7),
        (TEXT, b"BTCUSDT"),
        (WHOLE, "7"),
        (WHOLE, True),
        (WHOLE, Decimal(7)),
        (MOMENT, "2026-01-02"),
        (MOMENT, True),
        (MOMENT, datetime.date(2026, 1, 2)),
        (NUMBER, True),
        (NUMBER, None.__class__),
        (FLAG, 1),
        (FLAG, "true"),
        (WORD, 1),
        (WORD, None.__class__),
        (TEXTS, 7),
    ],
)
def test_another_type_is_one_too(param: Param, value: Any) -> None:
    with pytest.raises(TypeError, match=r"^a_param="):
        param.accept(value)


@pytest.mark.parametrize(
    ("param", "value", "text"),
    [
        (TEXT, "", "a_param='': expected a name"),
        (WINDOW, "8d", "window_size='8d': expected the form"),
        (WINDOW, "1d\n", "window_size="),
        (MOMENT, datetime.datetime(2026, 1, 2), "a datetime needs a time zone"),  # noqa: DTZ001
        (NUMBER, Decimal(0), "a_param=Decimal\\('0'\\): must be greater than 0"),
        (NUMBER, "-1", "must be greater than 0"),
        (NUMBER, Decimal("NaN"), "not finite"),
        (NUMBER, "1e3", "not a plain decimal number"),
        (WORD, "buy", "a_param='buy': expected one of BUY, SELL"),
        (WORD, KlineInterval.DAY_1, "a_param='1d'"),
        (TEXTS, "BTCUSDT", "a_param='BTCUSDT': expected a list of names"),
        (TEXTS, [], "expected at least one name"),
        (TEXTS, [""], "no empty one"),
        (TEXTS, ["A", 7], "no empty one"),
    ],
)
def test_a_value_that_cannot_be_right_is_refused_by_name(param: Param, value: Any, text: str) -> None:
    with pytest.raises(InvalidArgument, match=text) as caught:
        param.accept(value)
    assert caught.value.field == param.field


@given(st.datetimes(datetime.datetime(1974, 1, 1), datetime.datetime(2100, 1, 1)), st.integers(-14, 14))  # noqa: DTZ001
def test_a_moment_comes_back_as_it_was_given(moment: datetime.datetime, hours: int) -> None:
    aware = moment.replace(tzinfo=datetime.timezone(datetime.timedelta(hours=hours)))
    written = MOMENT.accept(aware)
    assert isinstance(written, int)
    assert as_datetime(written) == aware


def test_our_name_of_a_parameter_follows_the_wires_unless_it_is_told() -> None:
    names = ("symbol", "newClientOrderId", "pegOffsetValue", "limit")
    assert [Param(name, Kind.TEXT).field for name in names] == [
        "symbol",
        "new_client_order_id",
        "peg_offset_value",
        "limit",
    ]
    assert Param("origClientOrderId", Kind.TEXT, Need.ONE_OF, field="client_order_id").field == "client_order_id"
