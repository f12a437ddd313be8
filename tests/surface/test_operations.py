"""The catalogue against the documents: nothing missing, nothing invented, and every price as it is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from trio_binance._protocol.catalogue import OPERATIONS

from . import operations

SNAPSHOT = operations.load()


def test_the_catalogue_has_every_operation_and_no_other() -> None:
    assert sorted(OPERATIONS) == sorted(SNAPSHOT)
    assert sum(bool(row.path) for row in OPERATIONS.values()) == 48
    assert sum(bool(row.ws_method) for row in OPERATIONS.values()) == 55


@pytest.mark.parametrize("name", SNAPSHOT)
def test_names_security_source_and_costs_are_those_of_the_documents(name: str) -> None:
    row, told = OPERATIONS[name], SNAPSHOT[name]
    assert (row.ws_method, row.security.value, row.signed) == (told["ws"], told["security"], told["signed"])
    assert row.orders == told["orders"]
    assert row.free.value == told["free"]
    # Of two methods of the session the documents tell no source.
    assert row.source == (told["source"] or "Memory")


@pytest.mark.parametrize(
    ("name", "sample"), [(name, sample) for name, row in SNAPSHOT.items() for sample in row["weights"]]
)
def test_a_request_costs_what_the_documents_say(name: str, sample: str) -> None:
    given, _, weight = sample.rpartition(": ")
    assert OPERATIONS[name].weight(operations.params_of(given)) == int(weight)


@pytest.mark.parametrize("name", SNAPSHOT)
def test_parameters_are_those_of_the_documents(name: str) -> None:
    ours = {param.name: f"{param.kind.value} {param.need.value.replace(' ', '-')}" for param in OPERATIONS[name].params}
    told = {param.split()[0]: " ".join(param.split()[1:3]) for param in SNAPSHOT[name]["params"]}
    assert ours == told


@pytest.mark.parametrize("name", SNAPSHOT)
def test_every_word_that_a_parameter_may_be_is_known(name: str) -> None:
    params = {param.name: param for param in OPERATIONS[name].params}
    for param, _, _, *words in map(str.split, SNAPSHOT[name]["params"]):
        for word in words:
            assert params[param].accept(word) == word


@pytest.mark.parametrize("name", SNAPSHOT)
def test_what_parameters_demand_of_each_other_is_what_the_documents_say(name: str) -> None:
    assert sorted({fact for rule in OPERATIONS[name].rules for fact in rule.facts()}) == SNAPSHOT[name]["rules"]


def test_the_snapshot_is_what_the_documents_say(spec: Path) -> None:
    assert operations.dumps(operations.from_documents(spec)) == operations.FILE.read_text("utf-8")
