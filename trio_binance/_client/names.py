"""The names: symbols and words of the exchange as streams are named by them."""

from __future__ import annotations

import re
from typing import TypeVar

from trio_binance.errors import InvalidArgument
from trio_binance.models import OpenEnum

from .checks import check_text

_E = TypeVar("_E", bound=OpenEnum)

# Symbols may be of any script (CHANGELOG 2025-12-15).
_SYMBOL = re.compile(r"[^\s@/?]+")


def stream_names(symbols: tuple[str, ...], kind: str) -> list[str]:
    """Return stream names: "All symbols for streams are lowercase" (web-socket-streams.md, "General information")."""
    if not symbols:
        raise InvalidArgument("symbols", symbols, "give at least one symbol")
    for symbol in symbols:
        check_symbol(symbol)
    return [f"{symbol.lower()}@{kind}" for symbol in symbols]


def check_symbol(symbol: object) -> None:
    """Refuse what cannot be a symbol; whether there is such a one is the exchange's to tell."""
    check_text("symbols", symbol, _SYMBOL, 'expected a symbol such as "BTCUSDT"')


def known_word(field: str, value: object, kind: type[_E]) -> _E:
    """Return the word of the exchange; a stream of a word that it does not know would be silent for ever."""
    word = kind(value) if isinstance(value, str) else None
    if word is None or not word.is_known:
        raise InvalidArgument(field, value, f"expected one of {', '.join(kind)}")
    return word
