"""The schedule: what goes wrong and when, as data."""

from __future__ import annotations

import attrs

from trio_binance.errors import InvalidArgument

from .named import Elsewhere, catalogue
from .triggers import Fault


@attrs.frozen
class FaultSchedule:
    """What goes wrong, and when."""

    faults: tuple[Fault, ...] = ()

    @classmethod
    def of(cls, name: str, *, nth: int = 1, **options: object) -> FaultSchedule:
        """Return the schedule of a fault of the ``catalogue``: ``FaultSchedule.of("O04", nth=3)``.

        Args:
            name: in the catalogue.
            nth: which request it strikes, counted from 1.
            options: ``on`` and ``wire`` as in ``OnRequest``, and what the fault has besides.

        Raises:
            InvalidArgument: there is no fault of this name, or it is not the exchange's to bring about.
        """
        entry = catalogue.get(name)
        if entry is None:
            raise InvalidArgument("name", name, f"expected one of {', '.join(catalogue)}")
        if isinstance(entry, Elsewhere):
            raise InvalidArgument("name", name, f"not the exchange's: {entry.reason}")
        return cls(entry(nth=nth, **options))

    def __add__(self, other: FaultSchedule) -> FaultSchedule:
        """Return both together."""
        return FaultSchedule((*self.faults, *other.faults))
