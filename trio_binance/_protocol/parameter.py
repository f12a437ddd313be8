"""The parameter: one thing that an operation can be told, as data: its name, what it holds, and when it is needed."""

from __future__ import annotations

import datetime
import enum
import re
from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs

from trio_binance._decimals import check_decimal
from trio_binance.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trio_binance.models import OpenEnum

Value: TypeAlias = str | int | bool | Decimal | tuple[str, ...] | None
"""A parameter before it is written: ``None`` is left out, a tuple becomes a JSON array, a Decimal keeps its scale."""

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_MICROSECOND, _MILLISECOND = datetime.timedelta(microseconds=1), datetime.timedelta(milliseconds=1)


class Kind(enum.Enum):
    """What a parameter holds; the documents' INT and LONG are one here, and a moment is told from a number."""

    TEXT = "text"
    WHOLE = "whole"
    MOMENT = "moment"
    NUMBER = "number"
    FLAG = "flag"
    WORD = "word"
    TEXTS = "texts"


class Need(enum.Enum):
    """Whether a parameter has to be there. What ``CONDITIONAL`` and ``ONE_OF`` mean, the operation's rules say."""

    MANDATORY = "mandatory"
    OPTIONAL = "optional"
    CONDITIONAL = "conditional"
    ONE_OF = "one of"


def _snake(name: str) -> str:
    """Return our spelling of a wire's name: ``"orderId"`` is ``"order_id"``."""
    return _HUMP.sub("_", name).lower()


@attrs.frozen
class Param:
    """One parameter.

    ``name`` is the wire's, ``field`` what the facade calls it. ``words`` lists what a ``WORD`` may be, ``form`` is the
    pattern of a text.
    """

    name: str
    kind: Kind
    need: Need = Need.OPTIONAL
    words: type[OpenEnum] | None = attrs.field(default=None, kw_only=True)
    form: str | None = attrs.field(default=None, kw_only=True)
    field: str = attrs.field(default=attrs.Factory(lambda self: _snake(self.name), takes_self=True), kw_only=True)

    def accept(self, value: object) -> Value:
        """Return a caller's value as it is written; ``None`` stays ``None``.

        Raises:
            TypeError: a float, a bool for a number, or anything else of the wrong type; names ``field``.
            InvalidArgument: a value that the exchange cannot accept; names ``field`` and the value.
        """
        return None if value is None else _ACCEPT[self.kind](self, value)

    def expected(self, value: object, what: str) -> TypeError:
        """Return the error of a value that is of another type than ``what``."""
        return TypeError(f"{self.field}={value!r}: expected {what}, not {type(value).__name__}")


# ------------------------------------------------------------------------------------------- a value of each kind


def _text(param: Param, value: object) -> str:
    if not isinstance(value, str):
        raise param.expected(value, "a str")
    if not value or (param.form is not None and not re.fullmatch(param.form, value, re.ASCII)):
        raise InvalidArgument(param.field, value, f"expected the form {param.form}" if value else "expected a name")
    return str(value)


def _whole(param: Param, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise param.expected(value, "an int")
    return value


def _moment(param: Param, value: object) -> int:
    """Return milliseconds since 1970, or microseconds where a datetime has a part of a millisecond.

    "timestamp parameters may be in milliseconds or microseconds" (rest-api.md, "General API Information").
    """
    if not isinstance(value, datetime.datetime):
        if isinstance(value, bool) or not isinstance(value, int):
            raise param.expected(value, "an int, since 1970 in milliseconds or microseconds, or an aware datetime")
        return value
    if value.utcoffset() is None:
        raise InvalidArgument(param.field, value, "a datetime needs a time zone")
    since = value - _EPOCH
    return since // _MICROSECOND if since % _MILLISECOND else since // _MILLISECOND


def _number(param: Param, value: object) -> Decimal:
    number = check_decimal(param.field, value)
    if number <= 0:
        raise InvalidArgument(param.field, value, "must be greater than 0")
    return number


def _flag(param: Param, value: object) -> bool:
    if not isinstance(value, bool):
        raise param.expected(value, "a bool")
    return value


def _word(param: Param, value: object) -> str:
    """Return the enum's word: one that is sent must be right, other than one that is received."""
    assert param.words is not None
    if not isinstance(value, str):
        raise param.expected(value, f"a {param.words.__name__}")
    if not param.words(str(value)).is_known:
        raise InvalidArgument(param.field, str(value), f"expected one of {', '.join(param.words)}")
    return str(value)


def _texts(param: Param, value: object) -> tuple[str, ...]:
    """Return several names; ``None`` stands for all of them, which is not what an empty list means."""
    # A lone text can be iterated as well, letter by letter.
    if isinstance(value, str):
        raise InvalidArgument(param.field, value, "expected a list of names, not one name")
    if not isinstance(value, Iterable):
        raise param.expected(value, "a list of names")
    given = tuple(value)
    found = tuple(str(name) for name in given if isinstance(name, str) and name)
    if not found or len(found) < len(given):
        raise InvalidArgument(param.field, value, "expected at least one name, and no empty one")
    return found


_ACCEPT: Mapping[Kind, Any] = {
    Kind.TEXT: _text,
    Kind.WHOLE: _whole,
    Kind.MOMENT: _moment,
    Kind.NUMBER: _number,
    Kind.FLAG: _flag,
    Kind.WORD: _word,
    Kind.TEXTS: _texts,
}
