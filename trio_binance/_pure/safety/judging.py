"""The judging: what the configured safety has to say of a request, with what would pass."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor
from typing import TYPE_CHECKING

import attrs

from trio_binance._pure.filters.grid import decimal_of
from trio_binance._pure.filters.legs import Leg

from .worth import needs_reference, price_of, worth_of

if TYPE_CHECKING:
    from trio_binance.config import Safety

_DECIMALS = 8
"""No quantity of the exchange has more."""


class Lack(enum.Enum):
    """What has to be asked for before a request can be weighed."""

    REFERENCE = "price"
    QUOTE_ASSET = "quote asset"


@attrs.frozen
class Proposal:
    """A request that changes something, as the rules look at it.

    ``legs`` are the orders that it places, none where it only cancels or amends; ``takes`` is how many of them may stay
    open. ``frees`` is how many of ours make way: one for a cancel-replace that places nothing where the other stays.
    """

    operation: str
    symbol: str = ""
    legs: tuple[Leg, ...] = ()
    takes: int = 0
    frees: int = 0


@attrs.frozen
class Facts:
    """What is known at that moment: the market's price of the symbol, and its quote asset."""

    reference: Decimal | None = None
    quote_asset: str | None = None


@attrs.frozen
class Reason:
    """Why a request is refused: the rule is a field of ``Safety``."""

    rule: str
    told: str
    value: Decimal | int | None = None
    limit: Decimal | int | None = None
    advice: str = ""


def judge_standing(safety: Safety, proposal: Proposal, open_orders: int) -> list[Reason]:
    """Return the reasons to refuse a request that can be given without asking anybody.

    Cancellations and amendments are refused by ``dry_run`` only: they take from what is open, and who wants out of a
    symbol that is no longer allowed must not be held. ``dry_run`` refuses them too, for they would end real orders of
    the account, placed by another program or an earlier run.
    """
    reasons = [_by_dry_run(safety), _by_symbol(safety, proposal), _by_count(safety, proposal, open_orders)]
    return [reason for reason in reasons if reason is not None]


def _by_dry_run(safety: Safety) -> Reason | None:
    if not safety.dry_run:
        return None
    return Reason("dry_run", "dry_run: it would change something", advice="bx.trading.test and check change nothing")


def _by_symbol(safety: Safety, proposal: Proposal) -> Reason | None:
    if not proposal.legs or safety.symbols is None or proposal.symbol in safety.symbols:
        return None
    allowed = ", ".join(sorted(safety.symbols))
    return Reason("symbols", f"symbols: {proposal.symbol} is none of those allowed", advice=f"allowed: {allowed}")


def _by_count(safety: Safety, proposal: Proposal, open_orders: int) -> Reason | None:
    most = safety.max_open_orders
    then = open_orders + proposal.takes - proposal.frees
    # What cannot stay open is not counted: out of a position one comes by MARKET, however many orders are open.
    if most is None or proposal.takes <= proposal.frees or then <= most:
        return None
    told = f"max_open_orders: {then} orders of this connector would be open, {most} may be"
    return Reason("max_open_orders", told, then, most, "cancel one, or wait until one has ended")


# ------------------------------------------------------------------------------------------------------- the worth


def lacks(safety: Safety, proposal: Proposal) -> frozenset[Lack]:
    """Return what has to be asked for to judge the worth of a request."""
    most = safety.max_notional
    if most is None or not proposal.legs:
        return frozenset()
    wanted = {Lack.REFERENCE} if needs_reference(proposal.legs) else set()
    if isinstance(most, Mapping) and proposal.symbol not in most:
        wanted.add(Lack.QUOTE_ASSET)
    return frozenset(wanted)


def judge_worth(safety: Safety, proposal: Proposal, facts: Facts) -> list[Reason]:
    """Return the reason to refuse what a request is worth, if there is one; what cannot be told is one."""
    if safety.max_notional is None or not proposal.legs:
        return []
    most = _most(safety.max_notional, proposal.symbol, facts.quote_asset)
    if most is None:
        told = f"max_notional: it names neither {proposal.symbol} nor its quote asset, {facts.quote_asset or 'unknown'}"
        return [Reason("max_notional", told, advice="give it a limit, if it is to be traded")]
    worth = worth_of(proposal.legs, facts.reference)
    if worth is None:
        told = f"max_notional: what it is worth cannot be told, for no price of {proposal.symbol} is known"
        return [Reason("max_notional", told, limit=most, advice="a BUY with a price needs no other")]
    if worth <= most:
        return []
    unit = facts.quote_asset or "of quote asset"
    shown = _rounded(worth)
    told = f"max_notional: worth {shown:f} {unit}, more than {most:f}"
    return [Reason("max_notional", told, shown, most, _advice(proposal.legs, most, facts.reference))]


def _most(most: Decimal | Mapping[str, Decimal], symbol: str, quote_asset: str | None) -> Decimal | None:
    if not isinstance(most, Mapping):
        return most
    return most.get(symbol, None if quote_asset is None else most.get(quote_asset))


def _rounded(worth: Fraction) -> Decimal:
    """Return a worth for people to read, rounded up, so that what is too much never looks like what is allowed."""
    return decimal_of(Fraction(ceil(worth * 10**_DECIMALS), 10**_DECIMALS))


def _advice(legs: tuple[Leg, ...], most: Decimal, reference: Decimal | None) -> str:
    leg, *others = legs
    if others:
        return "all its orders count that can be filled together"
    if leg.quote_order_qty is not None:
        return f"quote_order_qty up to {most:f} would pass"
    price = price_of(leg, reference)
    assert price is not None
    quantity = decimal_of(Fraction(floor(Fraction(most) / price * 10**_DECIMALS), 10**_DECIMALS))
    return f"at {_rounded(price):f} a quantity up to {quantity:f} would pass"
