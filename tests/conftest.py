"""What every test may use: Hypothesis' profile, and the recordings of real traffic where they are at hand."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "tests",
    deadline=None,
    max_examples=int(os.environ.get("TRIO_BINANCE_EXAMPLES", "50")),
    derandomize="TRIO_BINANCE_EXAMPLES" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("tests")

SHARED = Path(os.environ.get("TRIO_BINANCE_SHARED", Path(__file__).resolve().parents[2] / "shared"))


@pytest.fixture(scope="session")
def recordings() -> Path:
    """Return the folder of recordings of real traffic, or skip where there is none."""
    folder = SHARED / "recordings"
    if not folder.is_dir():
        pytest.skip("no recordings beside this checkout")
    return folder


@pytest.fixture(scope="session")
def spec() -> Path:
    """Return the folder of facts from the exchange's documents, or skip where there is none."""
    folder = SHARED / "spec"
    if not folder.is_dir():
        pytest.skip("no facts from the exchange's documents beside this checkout")
    return folder
