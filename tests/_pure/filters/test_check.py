"""The check of a whole request: held against the documents' formulas, and against what it proposes itself."""

from __future__ import annotations

from typing import Any

import attrs
from hypothesis import assume, given

from tests._pure.filters.builders import LOTS, TICKS, check, limit, scene
from tests._pure.filters.reference import broken
from tests._pure.filters.requests import requests, scenes
from tests._pure.filters.test_counts import OTOCO
from trio_binance._pure.filters import Scene, check_order
from trio_binance._pure.filters.check import LEG_RULES
from trio_binance._pure.filters.counts import COUNTERS
from trio_binance.errors import InvalidArgument
from trio_binance.models import (
    KNOWN_FILTERS,
    ExchangeMaxNumOrdersFilter,
    MaxNumOrderAmendsFilter,
    UnknownFilter,
)


def names(found: Any) -> set[str]:
    """Return the filters that are broken; the rules of precision are one."""
    return {"precision" if one.filter.endswith("_precision") else str(one.filter) for one in found}


def put(request: Any, path: str, value: Any) -> Any:
    """Return the request with another value at this path."""
    place, _, field = path.rpartition(".")
    if not place:
        return attrs.evolve(request, **{field: value})
    return attrs.evolve(request, **{place: attrs.evolve(getattr(request, place), **{field: value})})


def test_every_filter_of_the_documents_has_its_rule() -> None:
    judged = [*LEG_RULES, *COUNTERS, MaxNumOrderAmendsFilter]
    assert set(judged) == set(KNOWN_FILTERS)
    assert len(judged) == len(KNOWN_FILTERS) == 20


@given(requests, scenes())
def test_what_is_refused_and_what_passes_are_just_what_the_documents_formulas_say(request_: Any, known: Scene) -> None:
    found = check_order(request_, known)
    assert names(found.violations) == broken(request_, known)
    assert found.ok is not bool(found.violations)


@given(requests, scenes())
def test_whatever_is_proposed_passes_all_rules_of_its_field(request_: Any, known: Scene) -> None:
    for one in check_order(request_, known).violations:
        if "open_" in one.field:
            continue
        for value in one.allowed:
            try:
                changed = put(request_, one.field, value)
            except InvalidArgument:
                # the two prices of a pair may have come to stand on each other, which is no matter of one field
                assume(False)
            again = check_order(changed, known)
            assert [left for left in again.violations if left.field == one.field] == []


@given(requests, scenes())
def test_what_is_not_known_is_never_passed_in_silence(request_: Any, known: Scene) -> None:
    full = check_order(request_, known)
    blind = Scene(symbol=known.symbol, exchange_filters=known.exchange_filters)
    found = check_order(request_, blind)
    seen = names(found.violations) | {str(one.filter) for one in found.unchecked}
    assert names(full.violations) <= seen
    assert {str(one.filter) for one in full.unchecked} <= {str(one.filter) for one in found.unchecked}


def test_a_filter_of_an_unknown_type_is_told_wherever_it_stands() -> None:
    unknown = UnknownFilter("T_PLUS_SELL")
    for found in (
        check(limit(), unknown),
        check(limit(), exchange_filters=(unknown,)),
        check(OTOCO, asset_filters=(unknown,)),
    ):
        assert [(one.filter, one.reason) for one in found.unchecked] == [
            ("T_PLUS_SELL", "this version does not know the filter")
        ]
        assert found.ok


def test_each_leg_of_a_list_is_told_by_its_place() -> None:
    below: Any = OTOCO.below
    oblique = attrs.evolve(
        OTOCO,
        working=attrs.evolve(OTOCO.working, price="100.001"),
        below=attrs.evolve(below, stop_price="90.001"),
        pending_quantity="0.0001",
    )
    found = check(oblique, TICKS, LOTS)
    assert [(one.filter, one.field) for one in found.violations] == [
        ("PRICE_FILTER", "working.price"),
        ("PRICE_FILTER", "below.stop_price"),
        ("LOT_SIZE", "pending_quantity"),
    ]


def test_what_two_legs_share_is_told_once() -> None:
    found = check(attrs.evolve(OTOCO, pending_quantity="0.0001"), LOTS)
    assert len(found.violations) == 1


def test_the_filters_of_the_exchange_are_judged_beside_those_of_the_symbol() -> None:
    found = check_order(OTOCO, scene(TICKS, exchange_filters=(ExchangeMaxNumOrdersFilter(2),)))
    assert [one.filter for one in found.violations] == ["EXCHANGE_MAX_NUM_ORDERS"]
