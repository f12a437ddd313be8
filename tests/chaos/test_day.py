"""A few hours of the days of trouble; ``nox -s chaos`` runs twenty whole days."""

from __future__ import annotations

import pytest
from trio.testing import MockClock

from .day import run_day


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(103, 104))
async def test_a_morning_of_trouble_loses_nothing_and_shows_no_wrong_book(seed: int, autojump_clock: MockClock) -> None:
    report = await run_day(seed, hours=2.0)
    assert report.missing == 0
    assert report.recovered
