"""The filter engine and the documents: every example of a filter, at its very bounds."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests._pure.filters.builders import check, limit, market, scene
from tests._pure.filters.test_counts import ALGO, OCO, report
from trio_binance._codec.rest import from_json
from trio_binance._pure.filters import OpenCounts, Prices, check_amendment
from trio_binance.models import Filter, OrderCheck, PriceRangeRule, Side, StopLossOrder

D = Decimal
AVERAGE = Prices(averages={1: D(100), 5: D(100)})

Verdicts = Iterator[tuple[OrderCheck, bool]]
"""What was found, and whether it should pass."""


def of_price(f: Any) -> Verdicts:
    for price, ok in (
        (f.min_price, True),
        (f.max_price, True),
        (f.min_price / 2, False),
        (f.max_price + f.tick_size, False),
        (f.min_price + f.tick_size / 2, False),
    ):
        yield check(limit(price=price), f), ok
        yield check(StopLossOrder("BTCUSDT", Side.SELL, quantity=1, stop_price=price), f), ok


def of_percent(f: Any) -> Verdicts:
    for side in (Side.BUY, Side.SELL):
        yield from _around(f, side, f.multiplier_down, f.multiplier_up)


def of_percent_by_side(f: Any) -> Verdicts:
    yield from _around(f, Side.BUY, f.bid_multiplier_down, f.bid_multiplier_up)
    yield from _around(f, Side.SELL, f.ask_multiplier_down, f.ask_multiplier_up)


def _around(f: Any, side: Side, down: Decimal, up: Decimal) -> Verdicts:
    least = D("0.00000001")
    for price, ok in ((100 * down, True), (100 * up, True), (100 * down - least, False), (100 * up + least, False)):
        yield check(limit(side, price=price), f, prices=AVERAGE), ok


def of_lots(f: Any, order: Callable[..., Any] = limit) -> Verdicts:
    for quantity, ok in (
        (f.min_qty, True),
        (f.max_qty, True),
        (f.min_qty / 2, False),
        (f.max_qty + f.step_size, False),
        (f.min_qty + f.step_size / 2, False),
    ):
        yield check(order(quantity=quantity), f), ok


def of_market_lots(f: Any) -> Verdicts:
    yield from of_lots(f, market)
    yield check(limit(quantity=f.max_qty * 2), f), True


def of_least_worth(f: Any) -> Verdicts:
    yield check(limit(price=f.min_notional, quantity=1), f), True
    yield check(limit(price=f.min_notional, quantity="0.99999999"), f), False
    yield check(market(quantity=f.min_notional / 100), f, prices=AVERAGE), True
    short = check(market(quantity=f.min_notional / 100 - D("0.00000001")), f, prices=AVERAGE)
    exempt = not getattr(f, "apply_to_market", getattr(f, "apply_min_to_market", True))
    yield short, exempt


def of_worth(f: Any) -> Verdicts:
    yield from of_least_worth(f)
    yield check(limit(price=f.max_notional, quantity=1), f), True
    yield check(limit(price=f.max_notional, quantity="1.00000001"), f), False
    yield check(market(quote_order_qty=f.max_notional + 1), f), not f.apply_max_to_market


def of_parts(f: Any) -> Verdicts:
    yield check(limit(quantity=f.limit, iceberg_qty=1), f), True
    yield check(limit(quantity=f.limit + 1, iceberg_qty=1), f), False


def of_position(f: Any) -> Verdicts:
    yield check(limit(quantity=1), f, position=f.max_position - 1), True
    yield check(limit(quantity="1.00000001"), f, position=f.max_position - 1), False
    yield check(limit(Side.SELL, quantity=9), f, position=f.max_position), True


def of_trail(f: Any) -> Verdicts:
    for side, least, most in (
        (Side.BUY, f.min_trailing_above_delta, f.max_trailing_above_delta),
        (Side.SELL, f.min_trailing_below_delta, f.max_trailing_below_delta),
    ):
        for delta, ok in ((least, True), (most, True), (least - 1, False), (most + 1, False)):
            yield check(StopLossOrder("BTCUSDT", side, quantity=1, trailing_delta=delta), f), ok


def of_count(request: Any, kind: str, limit_of: str) -> Callable[[Any], Verdicts]:
    def verdicts(f: Any) -> Verdicts:
        most = getattr(f, limit_of)
        for already, ok in ((most - 1, True), (most, False)):
            counts = OpenCounts(**{kind: already})
            rules: Any = {"exchange_filters": (f,)} if f.filter_type.startswith("EXCHANGE") else {}
            own = () if rules else (f,)
            yield check(request, *own, on_symbol=counts, on_exchange=counts, **rules), ok

    return verdicts


def of_amends(f: Any) -> Verdicts:
    for already, ok in ((f.max_num_order_amends - 1, True), (f.max_num_order_amends, False)):
        yield check_amendment(report(), D("0.5"), scene(f, amendments=already)), ok


def of_asset(f: Any) -> Verdicts:
    for fields in ({"base_asset": f.asset}, {"quote_asset": f.asset}):
        for quantity, ok in ((f.limit, True), (f.limit + 1, False)):
            yield check(limit(price=1, quantity=quantity), asset_filters=(f,), **fields), ok
    yield check(limit(price=1, quantity=f.limit + 1), asset_filters=(f,)), True


ICEBERG = limit(iceberg_qty=1)
CASES: dict[str, Callable[[Any], Verdicts]] = {
    "PRICE_FILTER": of_price,
    "PERCENT_PRICE": of_percent,
    "PERCENT_PRICE_BY_SIDE": of_percent_by_side,
    "LOT_SIZE": of_lots,
    "MIN_NOTIONAL": of_least_worth,
    "NOTIONAL": of_worth,
    "ICEBERG_PARTS": of_parts,
    "MARKET_LOT_SIZE": of_market_lots,
    "MAX_NUM_ORDERS": of_count(limit(), "orders", "max_num_orders"),
    "MAX_NUM_ALGO_ORDERS": of_count(ALGO, "algo", "max_num_algo_orders"),
    "MAX_NUM_ICEBERG_ORDERS": of_count(ICEBERG, "iceberg", "max_num_iceberg_orders"),
    "MAX_POSITION": of_position,
    "TRAILING_DELTA": of_trail,
    "MAX_NUM_ORDER_AMENDS": of_amends,
    "MAX_NUM_ORDER_LISTS": of_count(OCO, "lists", "max_num_order_lists"),
    "EXCHANGE_MAX_NUM_ORDERS": of_count(limit(), "orders", "max_num_orders"),
    "EXCHANGE_MAX_NUM_ALGO_ORDERS": of_count(ALGO, "algo", "max_num_algo_orders"),
    "EXCHANGE_MAX_NUM_ICEBERG_ORDERS": of_count(ICEBERG, "iceberg", "max_num_iceberg_orders"),
    "EXCHANGE_MAX_NUM_ORDER_LISTS": of_count(OCO, "lists", "max_num_order_lists"),
    "MAX_ASSET": of_asset,
}


@pytest.fixture(scope="module")
def facts(spec: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((spec / "filters.json").read_text())
    return found


def test_the_documents_name_the_filters_that_are_judged(facts: dict[str, Any]) -> None:
    assert [one["filterType"] for one in facts["filters"]] == list(CASES)


@pytest.mark.parametrize("kind", CASES)
def test_every_example_holds_at_its_bounds_and_not_beyond(kind: str, facts: dict[str, Any]) -> None:
    (body,) = (one["example"]["body"] for one in facts["filters"] if one["filterType"] == kind)
    rule = from_json(body, Filter)
    assert rule.filter_type == kind
    for number, (found, ok) in enumerate(CASES[kind](rule)):
        assert found.ok is ok, (number, found)
        assert {str(one.filter) for one in found.violations} == (set() if ok else {kind}), (number, found)


def test_the_execution_rule_of_the_documents_is_advice(facts: dict[str, Any]) -> None:
    (described,) = facts["execution_rules"]
    one = D("1.0001"), D("0.9999"), D("1.0001"), D("0.9999")
    rule = PriceRangeRule(*one)
    assert (described["ruleType"], len(described["fields"])) == (rule.rule_type, 4)
    for side, price, advised in (
        (Side.BUY, "9.9990", False),
        (Side.BUY, "9.9989", True),
        (Side.SELL, "10.0010", False),
        (Side.SELL, "10.0011", True),
    ):
        found = check(limit(side, price=price), execution_rules=(rule,), prices=Prices(reference=D("10.00")))
        assert (bool(found.advice), found.ok) == (advised, True)
