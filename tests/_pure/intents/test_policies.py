"""The policies in use go wrong in a world in which ours does not."""

from __future__ import annotations

import pytest

from tests._pure.intents.policies import POLICIES, main, run

RUNS = 40


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("lag", (2.0, 40.0))
def test_a_policy_in_use_doubles_orders_or_loses_sight_of_them(policy: str, lag: float) -> None:
    assert run(policy, RUNS, lag).wrong > 0


def test_sent_again_an_order_is_there_twice() -> None:
    assert run("retry", RUNS, 2.0).duplicates > 0
    assert run("query", RUNS, 2.0).duplicates > 0


@pytest.mark.parametrize("lag", (2.0, 40.0))
def test_by_evidence_nothing_is_wrong_and_all_is_resolved_while_the_stream_stands(lag: float) -> None:
    score = run("evidence", RUNS, lag)
    assert (score.wrong, score.unresolved) == (0, 0)


def test_by_evidence_nothing_is_wrong_when_the_stream_is_cut() -> None:
    assert run("evidence", RUNS, 40.0, cut=True).wrong == 0


def test_the_figures_are_printed_as_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    main(1)
    assert "evidence" in capsys.readouterr().out
