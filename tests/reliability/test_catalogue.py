"""The catalogue: every order, HTTP and session fault has a name, and is scripted or said to be somebody else's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import SHARED
from trio_binance.errors import InvalidArgument
from trio_binance.sandbox import Elsewhere, FaultSchedule, OnRequest, Scripted, catalogue
from trio_binance.sandbox.faults.named.orders import ORDERS

IDS = [f"{letter}{number:02}" for letter, last in (("O", 30), ("H", 30), ("A", 9)) for number in range(1, last + 1)]
ELSEWHERE = {
    "O28": "the client's process",
    "O29": "the client's disk",
    "O30": "client ids",
    "A04": "session.logon",
    "A09": "one request id",
}


def test_every_fault_of_the_tables_has_an_entry_and_no_other() -> None:
    assert sorted(catalogue) == sorted(IDS)


def test_what_is_not_the_exchanges_is_said_with_its_reason() -> None:
    found = {name: entry for name, entry in catalogue.items() if isinstance(entry, Elsewhere)}
    assert found.keys() == ELSEWHERE.keys()
    for name, start in ELSEWHERE.items():
        assert start in found[name].what
        assert found[name].reason


@pytest.mark.parametrize("name", [name for name in IDS if name not in ELSEWHERE])
def test_every_other_fault_can_be_scripted_at_any_request(name: str) -> None:
    entry = catalogue[name]
    assert isinstance(entry, Scripted)
    first, third = FaultSchedule.of(name), FaultSchedule.of(name, nth=3)
    assert first == FaultSchedule(entry())
    numbers = [[fault.number for fault in made.faults if isinstance(fault, OnRequest)] for made in (first, third)]
    assert len(numbers[0]) == len(first.faults)
    assert [number + 2 for number in numbers[0]] == numbers[1]
    assert min(numbers[0]) == 1


@pytest.mark.parametrize("name", [name for name in IDS if name not in ELSEWHERE])
def test_every_fault_strikes_something_else_than_what_happens_anyway(name: str) -> None:
    for fault in FaultSchedule.of(name).faults:
        assert isinstance(fault, OnRequest)
        assert fault.deeds or fault.bend != OnRequest(1).bend


def test_a_fault_may_be_aimed_at_another_operation_and_at_one_wire() -> None:
    [fault] = FaultSchedule.of("O01", on="sor.order.place", wire="ws_api").faults
    assert isinstance(fault, OnRequest)
    assert (fault.path, fault.wire) == ("POST /api/v3/sor/order", "ws_api")


@pytest.mark.parametrize("name", ["O31", "o01", "", "N01"])
def test_a_fault_that_has_no_name_is_refused_with_all_that_have(name: str) -> None:
    with pytest.raises(InvalidArgument, match=r"expected one of O01, O02"):
        FaultSchedule.of(name)


def test_an_option_that_a_fault_does_not_have_is_refused() -> None:
    with pytest.raises(TypeError, match="colour"):
        FaultSchedule.of("O01", colour="blue")


def test_schedules_add_up() -> None:
    both = FaultSchedule.of("O01") + FaultSchedule.of("O09")
    assert both.faults == FaultSchedule.of("O01").faults + FaultSchedule.of("O09").faults


def test_nobody_can_change_the_catalogue() -> None:
    with pytest.raises(TypeError):
        catalogue["O01"] = ORDERS["O02"]  # type: ignore[index]


def test_the_ids_are_those_of_the_list_that_they_come_from() -> None:
    path = Path(SHARED) / "design" / "reliability.md"
    if not path.is_file():
        pytest.skip("no list of faults beside this checkout")
    listed = re.findall(r"^\| ([OHA]\d\d) \|", path.read_text("utf-8"), re.MULTILINE)
    assert sorted(listed) == sorted(IDS)
