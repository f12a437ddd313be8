"""JSON text: bytes to plain values and back, exactly; a number with a fraction is a ``Decimal``, never a ``float``."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TypeAlias

import msgspec

from trio_binance._pure.decimals import parse_number, to_text
from trio_binance.errors import DecodeError

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | Decimal | bool | None"
"""What JSON can say."""

_decode = msgspec.json.Decoder(float_hook=parse_number).decode
_encode = msgspec.json.Encoder().encode


def decode(raw: bytes) -> Json:
    """Return the value that ``raw`` writes; of a key that comes twice the last counts.

    Raises ``DecodeError`` for anything that is not one whole JSON value in UTF-8, nested too deeply (some hundred
    levels), or holding a number that takes more than 64 characters when written out.
    """
    try:
        value: Json = _decode(raw)
    except (msgspec.MsgspecError, ValueError, RecursionError) as exc:
        reason, _, path = str(exc).rstrip("`").partition(" - at `$")
        raise DecodeError(f"not JSON: {reason}{path and ' at '}{path}", path=path, payload=bytes(raw)) from None
    return value


def encode(value: object) -> bytes:
    """Return the JSON text of ``value``; a ``Decimal`` becomes a quoted text in plain notation, its scale kept.

    Raises ``TypeError`` for a ``float`` or anything else that JSON cannot say exactly.
    """
    return _encode(_plain(value))


def _plain(value: object) -> object:
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, Decimal):
        return to_text(value)
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    raise TypeError(f"{type(value).__name__} has no exact JSON: {value!r}")
