from __future__ import annotations

import pytest

from trio_binance._protocol.parameter import Value
from trio_binance._protocol.rules import (
    AtMostOne,
    Bars,
    Needs,
    OneOf,
    OnlyWith,
    Rule,
    price_rule,
    stop_price_rule,
    terms_of,
    with_prefix,
)
from trio_binance.errors import InvalidArgument
from trio_binance.models import OrderType

LEG = terms_of("above")


@pytest.mark.parametrize(
    ("rule", "params"),
    [
        (OneOf(("a", "b")), {"b": 1}),
        (OneOf(("a", "b")), {"a": 1, "b": 1}),
        (AtMostOne(("a", "b")), {}),
        (AtMostOne(("a", "b")), {"a": 1, "b": None}),
        (Bars("a", ("b", "c")), {"b": 1, "c": 1}),
        (Bars("a", ("b", "c")), {"a": 1, "c": None}),
        (Needs("a", "b"), {"b": 1}),
        (Needs("a", "b"), {"a": 1, "b": 1}),
        (OnlyWith("a", "type", ("LIMIT",)), {"type": "MARKET"}),
        (OnlyWith("a", "type", ("LIMIT",)), {"type": "LIMIT", "a": 1}),
        (OnlyWith("a", "type", ("LIMIT",)), {"type": OrderType.LIMIT, "a": 1}),
        (LEG, {"aboveType": "STOP_LOSS", "aboveTrailingDelta": 10}),
        (LEG, {"aboveType": OrderType.LIMIT_MAKER, "abovePegPriceType": "PRIMARY_PEG"}),
        (LEG, {"aboveType": "MARKET"}),
        (LEG, {"aboveType": "OF_TOMORROW"}),
        (LEG, {}),
    ],
)
def test_what_goes_together_passes(rule: Rule, params: dict[str, Value]) -> None:
    rule.check(params)


@pytest.mark.parametrize(
    ("rule", "params", "text"),
    [
        (OneOf(("a", "b")), {"a": None}, "a=None: give a or b"),
        (AtMostOne(("a", "b", "c")), {"c": 3, "b": 2}, "c=3: cannot be given together with b"),
        (Bars("a", ("b", "c")), {"a": 1, "c": 2}, "c=2: cannot be given together with a"),
        (Needs("a", "b"), {"a": 1}, "b=None: required with a"),
        (OnlyWith("a", "type", ("LIMIT",)), {"type": "MARKET", "a": 1}, "a=1: goes with type LIMIT only"),
        (OnlyWith("a", "type", ("LIMIT",)), {"a": 1}, "a=1: goes with type LIMIT only"),
        (
            LEG,
            {"aboveType": "STOP_LOSS"},
            "aboveStopPrice=None: aboveType STOP_LOSS needs aboveStopPrice or aboveTrail",
        ),
        (
            LEG,
            {"aboveType": "TAKE_PROFIT_LIMIT"},
            "aboveTimeInForce=None: aboveType TAKE_PROFIT_LIMIT needs aboveTimeIn",
        ),
        (
            LEG,
            {"aboveType": "LIMIT_MAKER"},
            "abovePrice=None: aboveType LIMIT_MAKER needs abovePrice or abovePegPriceTy",
        ),
    ],
)
def test_what_does_not_is_refused_by_the_wires_name(rule: Rule, params: dict[str, Value], text: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        rule.check(params)
    assert str(caught.value).startswith(text)


def test_every_rule_can_be_read() -> None:
    rules: tuple[Rule, ...] = (
        OneOf(("a", "b")),
        AtMostOne(("a", "b")),
        Bars("a", ("b", "c")),
        Needs("a", "b"),
        price_rule("above"),
        stop_price_rule(),
        terms_of("", "LIMIT", extra="quantity", market="quantity|quoteOrderQty"),
    )
    assert [fact for rule in rules for fact in rule.facts()] == [
        "one of a b",
        "at most one of a b",
        "a bars b c",
        "a needs b",
        "abovePrice only with aboveType LIMIT LIMIT_MAKER STOP_LOSS_LIMIT TAKE_PROFIT_LIMIT",
        "stopPrice only with type STOP_LOSS STOP_LOSS_LIMIT TAKE_PROFIT TAKE_PROFIT_LIMIT",
        "type=LIMIT needs timeInForce",
        "type=LIMIT needs price or pegPriceType",
        "type=LIMIT needs quantity",
        "type=MARKET needs quantity or quoteOrderQty",
    ]


def test_a_legs_parameters_begin_with_its_name() -> None:
    assert with_prefix("pendingAbove", "trailingDelta") == "pendingAboveTrailingDelta"
    assert with_prefix("", "trailingDelta") == "trailingDelta"
