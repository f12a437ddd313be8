"""The rules: what the parameters of one request demand of each other, as data that can be read, checked and printed.

They hold what the documents say of parameters as such. What makes an order of a type right is the requests' own matter:
they cannot be built wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import attrs

from trio_binance.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .parameter import Value


class Rule(Protocol):
    """Anything that can refuse a combination of parameters."""

    def check(self, params: Mapping[str, Value]) -> None:
        """Return, or raise ``InvalidArgument`` naming a parameter of the wire."""

    def facts(self) -> Iterator[str]:
        """Say what it demands, a sentence each, by the wire's names."""
        ...


def _given(params: Mapping[str, Value], names: tuple[str, ...]) -> list[str]:
    return [name for name in names if params.get(name) is not None]


@attrs.frozen
class OneOf:
    """At least one of these is there."""

    names: tuple[str, ...]

    def check(self, params: Mapping[str, Value]) -> None:
        """Refuse a request without any."""
        if not _given(params, self.names):
            raise InvalidArgument(self.names[0], None, f"give {' or '.join(self.names)}")

    def facts(self) -> Iterator[str]:
        """Name them."""
        yield f"one of {' '.join(self.names)}"


@attrs.frozen
class AtMostOne:
    """No two of these are there together."""

    names: tuple[str, ...]

    def check(self, params: Mapping[str, Value]) -> None:
        """Refuse a second one."""
        if len(found := _given(params, self.names)) > 1:
            raise InvalidArgument(found[1], params[found[1]], f"cannot be given together with {found[0]}")

    def facts(self) -> Iterator[str]:
        """Name them."""
        yield f"at most one of {' '.join(self.names)}"


@attrs.frozen
class Bars:
    """Where ``name`` is, none of the others are."""

    name: str
    others: tuple[str, ...]

    def check(self, params: Mapping[str, Value]) -> None:
        """Refuse one of the others beside it."""
        if params.get(self.name) is not None and (found := _given(params, self.others)):
            raise InvalidArgument(found[0], params[found[0]], f"cannot be given together with {self.name}")

    def facts(self) -> Iterator[str]:
        """Name it and the others."""
        yield f"{self.name} bars {' '.join(self.others)}"


@attrs.frozen
class Needs:
    """Where ``name`` is, the other is as well."""

    name: str
    other: str

    def check(self, params: Mapping[str, Value]) -> None:
        """Refuse it alone."""
        if params.get(self.name) is not None and params.get(self.other) is None:
            raise InvalidArgument(self.other, None, f"required with {self.name}")

    def facts(self) -> Iterator[str]:
        """Name both."""
        yield f"{self.name} needs {self.other}"


@attrs.frozen
class ByType:
    """What an order of each type demands: of every group at least one."""

    name: str
    demands: Mapping[str, tuple[tuple[str, ...], ...]]

    def check(self, params: Mapping[str, Value]) -> None:
        """Refuse an order that lacks what its type demands."""
        kind = str(params.get(self.name))
        for names in self.demands.get(kind, ()):
            if not _given(params, names):
                raise InvalidArgument(names[0], None, f"{self.name} {kind} needs {' or '.join(names)}")

    def facts(self) -> Iterator[str]:
        """Name every group of every type."""
        for kind, groups in self.demands.items():
            for names in groups:
                yield f"{self.name}={kind} needs {' or '.join(names)}"


@attrs.frozen
class OnlyWith:
    """``name`` is there for orders of these types only."""

    name: str
    type: str
    kinds: tuple[str, ...]

    def check(self, params: Mapping[str, Value]) -> None:
        """Refuse it with another type."""
        if params.get(self.name) is not None and params.get(self.type) not in self.kinds:
            reason = f"goes with {self.type} {', '.join(self.kinds)} only"
            raise InvalidArgument(self.name, params[self.name], reason)

    def facts(self) -> Iterator[str]:
        """Name it and the types."""
        yield f"{self.name} only with {self.type} {' '.join(sorted(self.kinds))}"


# -------------------------------------------------------------------------------------------- the types of orders

_STOPS = ("STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT")
_PRICED = ("LIMIT", "LIMIT_MAKER", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT")
_TERMS = {
    "LIMIT": "timeInForce price|pegPriceType",
    "LIMIT_MAKER": "price|pegPriceType",
    "STOP_LOSS": "stopPrice|trailingDelta",
    "STOP_LOSS_LIMIT": "timeInForce price|pegPriceType stopPrice|trailingDelta",
    "TAKE_PROFIT": "stopPrice|trailingDelta",
    "TAKE_PROFIT_LIMIT": "timeInForce price|pegPriceType stopPrice|trailingDelta",
}
"""The mandatory parameters of each type beside the quantity; a peg stands for a price ("Pegged orders")."""


def with_prefix(prefix: str, name: str) -> str:
    """Return a parameter's name on one leg of a list: ``"price"`` of the leg ``"above"`` is ``"abovePrice"``."""
    return prefix + name[0].upper() + name[1:] if prefix else name


def terms_of(prefix: str = "", *kinds: str, extra: str = "", market: str = "") -> ByType:
    """Return what the types of an order demand, or of a list's leg whose parameters start with ``prefix``.

    ``kinds`` are the types that it may have, by default all; ``extra`` is what all of them but MARKET need as well,
    ``market`` what that one does.
    """
    texts = {kind: f"{terms} {extra}" for kind, terms in _TERMS.items() if not kinds or kind in kinds}
    return ByType(
        with_prefix(prefix, "type"),
        {
            kind: tuple(tuple(with_prefix(prefix, name) for name in word.split("|")) for word in text.split())
            for kind, text in {**texts, "MARKET": market}.items()
        },
    )


def stop_price_rule(prefix: str = "") -> OnlyWith:
    """Return which types a stop price goes with."""
    return OnlyWith(with_prefix(prefix, "stopPrice"), with_prefix(prefix, "type"), _STOPS)


def price_rule(prefix: str) -> OnlyWith:
    """Return which types a leg's price goes with."""
    return OnlyWith(with_prefix(prefix, "price"), with_prefix(prefix, "type"), _PRICED)
