"""What a placement came to, in tests that are about something else."""

from __future__ import annotations

from typing import Any


def order_of(outcome: Any) -> Any:
    """Return the order that was placed; raises where it was not."""
    return outcome.unwrap() if hasattr(outcome, "unwrap") else outcome
