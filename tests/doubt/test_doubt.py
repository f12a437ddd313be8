"""A few runs of the many that ``nox -s doubt`` lives through."""

from __future__ import annotations

import pytest

from .rivals import rival_of
from .run import run_in_no_time


@pytest.mark.parametrize("seed", range(4))
def test_amid_trouble_nothing_is_doubled_nothing_is_lost_and_nothing_untrue_is_said(seed: int) -> None:
    score = run_in_no_time(seed)
    assert score.is_right, score
    assert score.struck > 0
    assert score.said.total() == 20


def test_the_trouble_is_enough_to_have_who_sends_again_place_orders_twice() -> None:
    scores = [run_in_no_time(seed, rival_of("retry")) for seed in range(6)]
    assert any(score.duplicates for score in scores), scores


def test_the_trouble_is_enough_to_have_who_polls_take_orders_for_rejected_that_are_there() -> None:
    scores = [run_in_no_time(seed, rival_of("poll")) for seed in range(6)]
    assert any(score.ghosts for score in scores), scores
