"""Checks: what the rules of a symbol say of a request before it is sent, in words and in numbers."""

from __future__ import annotations

from decimal import Decimal

import attrs

from trio_binance._util import fields_repr


@attrs.frozen(weakref_slot=False)
class Violation:
    """A rule that the request breaks.

    ``filter`` is the filter's name ("PRICE_FILTER"), or that of the field of ``SymbolInfo`` which states the rule
    ("iceberg_allowed"), or "balance" for what the account cannot pay. ``field`` is the path to the field of the request
    that breaks it ("price", "pending.stop_price"); what the exchange counts has names of its own ("open_orders").
    ``value`` is what stands there. ``allowed`` is what could stand there instead, everything else being as it is: the
    nearest values below and above that no rule of this field refuses, or the words that are accepted; empty where no
    other value would help.
    """

    filter: str = attrs.field(converter=str)
    field: str
    value: Decimal | int | str
    reason: str
    allowed: tuple[Decimal | int | str, ...] = ()

    def __repr__(self) -> str:
        return fields_repr(self)

    def __str__(self) -> str:
        hint = f" (would pass: {', '.join(map(plain, self.allowed))})" if self.allowed else ""
        return f"{self.filter}: {self.field}={plain(self.value)} {self.reason}{hint}"


@attrs.frozen(weakref_slot=False)
class Unchecked:
    """A rule that applies to the request, and that could not be judged: ``reason`` tells what is not known."""

    filter: str = attrs.field(converter=str)
    field: str
    reason: str

    def __str__(self) -> str:
        return f"{self.filter}: {self.field} unchecked, {self.reason}"


@attrs.frozen(weakref_slot=False)
class OrderCheck:
    """What the rules say of a request; nothing was sent.

    ``violations`` are what the exchange would refuse it for. ``unchecked`` is what nobody here can judge: the exchange
    will. ``advice`` is what it would accept, and then end unfilled: the execution rules of the symbol.
    """

    violations: tuple[Violation, ...] = ()
    unchecked: tuple[Unchecked, ...] = ()
    advice: tuple[Violation, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether no rule that could be judged is broken; see ``unchecked`` for the others."""
        return not self.violations

    def __str__(self) -> str:
        lines = [*self.violations, *(f"advice: {found}" for found in self.advice), *self.unchecked]
        return "\n".join(map(str, lines)) or "nothing to object"


def plain(value: Decimal | int | str) -> str:
    """Return a number in plain notation, never with an exponent, and a word as it is."""
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
