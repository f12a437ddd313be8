"""Reference: the price of a symbol that rules refer to, and the range within which a taker may trade around it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import attrs

from .numbers import text

if TYPE_CHECKING:
    from .tape import Tape

MULTIPLIER = 10_000
"""Multipliers of a price range count ten-thousandths."""


@attrs.frozen
class PriceRange:
    """The execution rule PRICE_RANGE: how far from the reference price a taker may trade, in ten-thousandths."""

    bid_up: int
    bid_down: int
    ask_up: int
    ask_down: int

    def row(self) -> dict[str, str]:
        """Return the rule as GET executionRules lists it."""
        return {
            "ruleType": "PRICE_RANGE",
            "bidLimitMultUp": multiplier(self.bid_up),
            "bidLimitMultDown": multiplier(self.bid_down),
            "askLimitMultUp": multiplier(self.ask_up),
            "askLimitMultDown": multiplier(self.ask_down),
        }

    def around(self, reference: int, *, buys: bool) -> tuple[int, int]:
        """Return the lowest and the highest price at which a taker of that side may trade."""
        down, up = (self.bid_down, self.bid_up) if buys else (self.ask_down, self.ask_up)
        return -(-reference * down // MULTIPLIER), reference * up // MULTIPLIER


def multiplier(value: int) -> str:
    """Return ten-thousandths as text."""
    return f"{value // MULTIPLIER}.{value % MULTIPLIER:04d}"


@attrs.frozen
class PercentPrice:
    """The filter PERCENT_PRICE_BY_SIDE: how far from the reference price an order's price may be; in ten-thousandths.

    With ``by_side`` off it is PERCENT_PRICE, which has the bounds of bids for all.
    """

    bid_up: int = 50_000
    bid_down: int = 2_000
    ask_up: int = 50_000
    ask_down: int = 2_000
    by_side: bool = True

    @property
    def name(self) -> str:
        """What the filter is called."""
        return "PERCENT_PRICE_BY_SIDE" if self.by_side else "PERCENT_PRICE"

    def allows(self, price: int, reference: int, *, buys: bool) -> bool:
        """Return whether an order of that side may have this price."""
        bids = buys or not self.by_side
        down, up = (self.bid_down, self.bid_up) if bids else (self.ask_down, self.ask_up)
        return reference * down <= price * MULTIPLIER <= reference * up

    def row(self, minutes: int) -> dict[str, Any]:
        """Return the filter as exchangeInfo lists it."""
        bounds = {"multiplierUp": multiplier(self.bid_up), "multiplierDown": multiplier(self.bid_down)}
        if self.by_side:
            bounds = {
                "bidMultiplierUp": multiplier(self.bid_up),
                "bidMultiplierDown": multiplier(self.bid_down),
                "askMultiplierUp": multiplier(self.ask_up),
                "askMultiplierDown": multiplier(self.ask_down),
            }
        return {"filterType": self.name, **bounds, "avgPriceMins": minutes}


@attrs.frozen
class ArithmeticMean:
    """A reference price that is the moving average of trade prices over buckets of time."""

    buckets: int
    width_us: int

    def row(self) -> dict[str, Any]:
        """Return the calculation as GET referencePrice/calculation shows it."""
        width_ms = self.width_us // 1000
        return {"calculationType": "ARITHMETIC_MEAN", "bucketCount": self.buckets, "bucketWidthMs": width_ms}

    def price(self, tape: Tape, now_us: int) -> int:
        """Return the mean, the oldest bucket prorated, division truncating; the last price when nothing traded."""
        running = now_us // self.width_us * self.width_us
        oldest = running - self.buckets * self.width_us
        # The running bucket fills as the oldest drains: together they always make a whole one.
        fresh = self.width_us - (now_us - running)
        total = count = 0
        for at in range(tape.at_or_after(oldest) - tape.first_id, len(tape)):
            share = fresh if tape.times[at] < oldest + self.width_us else self.width_us
            total += tape.prices[at] * share
            count += share
        return total // count if count else tape.last_price()


@final
class External:
    """A reference price that comes from outside: here it is set by hand, or not."""

    def __init__(self, calculation_id: int) -> None:
        self._id = calculation_id
        self.value: int | None = None

    def row(self) -> dict[str, Any]:
        """Return the calculation as GET referencePrice/calculation shows it."""
        return {"calculationType": "EXTERNAL", "externalCalculationId": self._id}

    def price(self, _tape: Tape, _now_us: int) -> int | None:
        """Return the price that was set last."""
        return self.value


@final
class Reference:
    """The reference price of one symbol that has one, now or at times."""

    def __init__(self, symbol: str, tape: Tape, source: ArithmeticMean | External) -> None:
        self._symbol = symbol
        self._tape = tape
        self.source = source

    def price(self, now_us: int) -> int | None:
        """Return the price, ``None`` while there is none."""
        return self.source.price(self._tape, now_us)

    def shown(self, now_us: int) -> str | None:
        """Return the price as text."""
        price = self.price(now_us)
        return None if price is None else text(price)

    def view(self, now_us: int) -> dict[str, Any]:
        """Return GET referencePrice."""
        return {"symbol": self._symbol, "referencePrice": self.shown(now_us), "timestamp": now_us // 1000}

    def calculation(self) -> dict[str, Any]:
        """Return GET referencePrice/calculation."""
        return {"symbol": self._symbol, **self.source.row()}

    def event(self, now_us: int) -> dict[str, Any]:
        """Return the payload of ``<symbol>@referencePrice``."""
        return {"e": "referencePrice", "s": self._symbol, "r": self.shown(now_us), "t": now_us // 1000}
