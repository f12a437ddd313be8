"""The outcomes: what became of a placement, as far as that can be known."""

from __future__ import annotations

from typing import Generic, NoReturn, TypeAlias, TypeVar

import attrs

from trio_binance._util import raise_saving_context
from trio_binance.errors import BinanceError, OrderUnresolved

from .evidence import Evidence

R = TypeVar("R", covariant=True)


@attrs.frozen
class Accepted(Generic[R]):
    """It took effect: the exchange said so, or it was seen there.

    ``order`` is the exchange's answer. Where that was lost (``answered`` is false) it is put together from what was
    found: the order as the exchange tells it now, and its fills.
    """

    order: R
    evidence: Evidence = attrs.field(repr=False)
    client_order_id: str
    """Of the order, or of the list."""
    intent_id: str = attrs.field(repr=False)
    answered: bool = True

    def unwrap(self) -> R:
        """Return the order."""
        return self.order


@attrs.frozen
class Rejected:
    """The exchange refused it, for good: nothing was executed. ``error`` says why, and is what ``unwrap`` raises."""

    error: BinanceError
    evidence: Evidence = attrs.field(repr=False)
    client_order_id: str
    intent_id: str = attrs.field(repr=False)

    def unwrap(self) -> NoReturn:
        """Raise the error."""
        raise_saving_context(self.error)


@attrs.frozen
class Absent(Rejected):
    """The answer was lost, and it had no effect; it can have none any more.

    That is what three witnesses agree on: the exchange's clock, a query, and the account's own events. It is well
    founded but no proof, for the exchange bounds neither its delays nor those of its queries. Should it take effect
    all the same, the hook event ``OutcomeRevised`` says so, for 24 hours.
    """


@attrs.frozen
class Unresolved:
    """It is not known yet what became of it, and ``reason`` says why. It may stand: do not send it again.

    It goes on being found out: ``bx.trading.wait_resolved`` waits for that.
    """

    reason: str
    evidence: Evidence = attrs.field(repr=False)
    client_order_id: str
    intent_id: str = attrs.field(repr=False)

    def unwrap(self) -> NoReturn:
        """Raise ``OrderUnresolved``."""
        raise OrderUnresolved(
            self.reason,
            client_order_id=self.client_order_id,
            evidence=str(self.evidence),
            intent_id=self.intent_id,
        )


Placement: TypeAlias = Accepted[R] | Rejected | Unresolved
"""What a placement comes to, once it has left."""


@attrs.frozen
class OpenRequest:
    """A request that changes something, of which it is not known what became of it, or was not when it was found.

    Args:
        operation: its REST name, such as "POST /api/v3/order", whichever wire it took.
        symbol: what it concerns.
        client_order_id: of the order that it places, of a list the list's; of a change that of the order it changes,
            "" where that was named by its order id.
        client_order_ids: of all orders that it places; none of a cancellation.
        intent_id: names it in the journal, and for ``bx.trading.wait_resolved``.
    """

    operation: str
    symbol: str
    client_order_id: str
    client_order_ids: tuple[str, ...] = attrs.field(repr=False)
    intent_id: str = attrs.field(repr=False)
