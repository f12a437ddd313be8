"""The schedule: what goes wrong and when, as data."""

from __future__ import annotations

import attrs

from .triggers import Fault


@attrs.frozen
class FaultSchedule:
    """What goes wrong, and when."""

    faults: tuple[Fault, ...] = ()

    def __add__(self, other: FaultSchedule) -> FaultSchedule:
        """Return both together."""
        return FaultSchedule((*self.faults, *other.faults))
