"""The figures: how careful the mirror of the account is, and what it has been through."""

from __future__ import annotations

import attrs


@attrs.frozen
class MirrorTerms:
    """How careful the mirror is; seconds."""

    lag: float
    """How far behind the matching engine a query may be."""
    grace: float
    """How long the stream may take to bring what a query knows already."""
    audit: float
    """From one audit to the next."""
    history: int
    """Of orders that are done so many are kept."""


@attrs.frozen
class MirrorStatistics:
    """What the mirror of the account holds and has been through."""

    live: bool
    orders: int
    open_orders: int
    fills: int
    """Fills that were told."""
    rounds: int
    """Rounds of questions that came to their end, the audits among them."""
    audits: int
    asking: int
    """Questions of the present round that are not answered yet, as far as they are known."""
    failures: int
    """Rounds that ended because an answer could not be had."""
    recovered: int
    """Events that were told because a query knew what the stream did not bring."""
    repeated: int
    """Events of the stream that told nothing new."""
    losses: int
    """Times at which an event was found to have been lost on a connection that stood."""
    given_up: int
    """Times at which something could not be recovered."""
