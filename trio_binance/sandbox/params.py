"""Parameters: reading what a request sent, with the exchange's own words for what is wrong with it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from .numbers import DECIMAL_PATTERN, INTEGER_PATTERN, NotANumber, TooPrecise, parse, parse_integer
from .refusals import Refusal, bad, illegal, missing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

SYMBOL_PATTERN = r"^[\w\-._&&[^a-z]]{1,50}$"
SYMBOLS_PATTERN = r'^\["[\w\-._&&[^a-z]]{1,50}"(,"[\w\-._&&[^a-z]]{1,50}"){0,}\]$'
CLIENT_ID_PATTERN = "^[a-zA-Z0-9-_]{1,36}$"

_SYMBOL = re.compile(r"(?:[^\Wa-z]|[-.]){1,50}")
_CLIENT_ID = re.compile(r"[a-zA-Z0-9_-]{1,36}", re.ASCII)
_EARLIEST_US = 1_483_228_800_000_000
"""2017-01-01: times before it are moved up to it (CHANGELOG 2024-12-09)."""


class Params:
    """The parameters of one request, or of one order of several in it."""

    def __init__(self, values: Mapping[str, str], names: Mapping[str, str] | None = None) -> None:
        self._values = values
        self._names = {} if names is None else names

    def renamed(self, names: Mapping[str, str]) -> Params:
        """Return the same request with some parameters read under the names they have on the wire.

        An empty name means that the wire has no such parameter.
        """
        return Params(self._values, {**self._names, **names})

    def given(self, **values: str) -> Params:
        """Return the same request with parameters that its kind implies."""
        return Params({**self._values, **values}, self._names)

    def wire(self, name: str) -> str:
        """Return what a parameter is called on the wire, and so in messages about it."""
        return self._names.get(name, name)

    def text(self, name: str) -> str | None:
        """Return a parameter; ``None`` if it was not sent, -1105 if it was sent empty."""
        value = self._values.get(self.wire(name))
        if value == "":
            raise bad(-1105, f"Parameter '{self.wire(name)}' was empty.")
        return value

    def need(self, name: str) -> str:
        """Return a mandatory parameter; -1102 without it."""
        value = self.text(name)
        if value is None:
            raise missing(self.wire(name))
        return value

    def choice(self, name: str, allowed: Sequence[str], refusal: Callable[[], Refusal]) -> str | None:
        """Return a parameter that must be one of a few words."""
        value = self.text(name)
        if value is not None and value not in allowed:
            raise refusal()
        return value

    def amount(self, name: str) -> int | None:
        """Return a decimal number in atoms; -1100 for bad characters, -1111 for more than eight decimals."""
        value = self.text(name)
        if value is None:
            return None
        try:
            return parse(value)
        except TooPrecise:
            raise bad(-1111, f"Parameter '{self.wire(name)}' has too much precision.") from None
        except NotANumber:
            raise illegal(self.wire(name), DECIMAL_PATTERN) from None

    def integer(self, name: str) -> int | None:
        """Return an unsigned integer."""
        value = self.text(name)
        if value is None:
            return None
        try:
            return parse_integer(value)
        except NotANumber:
            raise illegal(self.wire(name), INTEGER_PATTERN) from None

    def limit(self, default: int, largest: int) -> int:
        """Return how many rows to answer with; more than the largest number means the largest."""
        value = self.integer("limit")
        if value == 0:
            raise bad(-1130, "Data sent for parameter 'limit' is not valid.")
        return default if value is None else min(value, largest)

    def flag(self, name: str, *, default: bool) -> bool:
        """Return a boolean."""
        refusal = bad(-1130, f"Data sent for parameter '{name}' is not valid.")
        value = self.choice(name, ("true", "false"), lambda: refusal)
        return default if value is None else value == "true"

    def time_us(self, name: str) -> int | None:
        """Return a time in microseconds; it may be sent in milliseconds or microseconds."""
        value = self.integer(name)
        if value is None:
            return None
        return max(_EARLIEST_US, value if value >= 10**14 else value * 1000)

    def times_us(self, longest_us: int | None = None) -> tuple[int | None, int | None]:
        """Return startTime and endTime; -1127 if they lie farther apart than allowed."""
        start, end = self.time_us("startTime"), self.time_us("endTime")
        if start is not None and end is not None and longest_us is not None and end - start > longest_us:
            raise bad(-1127, f"More than {longest_us // 3_600_000_000} hours between startTime and endTime.")
        return start, end

    def client_id(self, name: str) -> str | None:
        """Return a client order id; -1100 for characters or a length that none may have."""
        value = self.text(name)
        if value is not None and _CLIENT_ID.fullmatch(value) is None:
            raise illegal(self.wire(name), CLIENT_ID_PATTERN)
        return value

    def symbol(self, name: str = "symbol") -> str | None:
        """Return a symbol's name; -1100 for characters that none may have."""
        value = self.text(name)
        if value is not None and _SYMBOL.fullmatch(value) is None:
            raise illegal(self.wire(name), SYMBOL_PATTERN)
        return value

    def words(self, name: str) -> list[str] | None:
        """Return a JSON array of text, or one bare word; -1100 for anything else, -1151 for a word sent twice."""
        value = self.text(name)
        if value is None:
            return None
        try:
            found = json.loads(value) if value.startswith("[") else [value]
        except ValueError:
            raise illegal(self.wire(name), SYMBOLS_PATTERN) from None
        if not found or not all(isinstance(word, str) and _SYMBOL.fullmatch(word) for word in found):
            raise illegal(self.wire(name), SYMBOLS_PATTERN)
        if len(set(found)) != len(found):
            raise bad(-1151, "Symbol is present multiple times in the list.")
        return list(found)
