"""What the package knows: of a type the path of every field that its codec has a name for."""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Iterator
from typing import Any, get_args, get_origin

from trio_binance._codec.converter import Dialect, own_fields
from trio_binance.models import Levels, Model

_ARRAYS = (list, tuple)


def paths(kind: Any, dialect: Dialect, at: str = "") -> Iterator[str]:
    """Return the path of every field of a type, as ``documents.paths`` tells those of an example."""
    origin = get_origin(kind)
    if origin is typing.Union or isinstance(kind, types.UnionType):
        for member in get_args(kind):
            yield from paths(member, dialect, at)
    elif kind is Levels:
        yield f"{at}[]"
    elif origin in _ARRAYS:
        yield from _array(get_args(kind)[0], dialect, at)
    elif isinstance(kind, type) and issubclass(kind, Model):
        yield from _model(kind, dialect, at)
    elif kind is not types.NoneType:
        yield at


def _array(item: Any, dialect: Dialect, at: str) -> Iterator[str]:
    yield f"{at}[]"
    yield from (path for path in paths(item, dialect, f"{at}[]") if path != f"{at}[][]")


def _model(kind: type[Model], dialect: Dialect, at: str) -> Iterator[str]:
    dot: Callable[[str], str] = lambda name: f"{at}.{name}" if at else name  # noqa: E731
    if tag := dialect.tag_of(kind):
        yield dot(tag[0])
    for field in own_fields(kind):
        yield from paths(field.type, dialect, dot(dialect.name_of(kind, field.name)))
