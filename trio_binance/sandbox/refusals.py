"""Refusals: the exchange's "no", in its own numbers and words."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Mapping


@final
class Refusal(Exception):
    """An error answer: HTTP ``status``, the exchange's ``code`` and ``msg``, and ``data`` where it has halves."""

    def __init__(self, status: int, code: int, msg: str, data: Mapping[str, object] | None = None) -> None:
        super().__init__(f"{status} {code} {msg}")
        self.status = status
        self.code = code
        self.msg = msg
        self.data = data


NOT_FOUND = (404, 0, "Not Found")
REJECT_REASONS = {
    "Account has insufficient balance for requested action.": "INSUFFICIENT_BALANCES",
    "Order would trigger immediately.": "STOP_PRICE_WOULD_TRIGGER_IMMEDIATELY",
    "Order would immediately match and take.": "WOULD_MATCH_IMMEDIATELY",
    "The relationship of the prices for the orders is not correct.": "OCO_BAD_PRICES",
}
"""How an execution report calls what an error message says (Order update, reject reasons)."""


def bad(code: int, msg: str) -> Refusal:
    """Return a refusal with HTTP status 400, which most of them have."""
    return Refusal(400, code, msg)


def missing(name: str) -> Refusal:
    """Return -1102 for a mandatory parameter."""
    return bad(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def one_of(first: str, second: str) -> Refusal:
    """Return -1102 for two parameters of which one is mandatory."""
    return bad(-1102, f"Param '{first}' or '{second}' must be sent, but both were empty/null!")


def illegal(name: str, pattern: str) -> Refusal:
    """Return -1100 for a parameter with characters outside ``pattern``."""
    return bad(-1100, f"Illegal characters found in parameter '{name}'; legal range is '{pattern}'.")


def needless(name: str) -> Refusal:
    """Return -1106 for a parameter that the order type does not take."""
    return bad(-1106, f"Parameter '{name}' sent when not required.")


def filter_failure(name: str) -> Refusal:
    """Return -1013 for a filter of the symbol."""
    return bad(-1013, f"Filter failure: {name}")


def rejected(msg: str) -> Refusal:
    """Return -2010, the matching engine's own refusal of a new order."""
    return bad(-2010, msg)


def not_cancelled(msg: str = "Unknown order sent.") -> Refusal:
    """Return -2011, the matching engine's refusal of a cancel."""
    return bad(-2011, msg)
