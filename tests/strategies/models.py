"""Models of every class, made from the types of their fields: what the exchange may tell, and a little more.

A field is drawn by its type and by nothing else, so that a new model is covered when it is written; a type without a
strategy raises. Texts hold quotes, backslashes and all scripts; words are known ones and new ones; numbers have any
scale, any sign and the size of any id; what the documents call optional comes and goes; and every model may have
fields that no document names.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import types
from collections.abc import Iterable
from decimal import Decimal
from functools import cache
from typing import Any, Union, get_args, get_origin

from hypothesis import strategies as st

import trio_binance.models
from trio_binance._codec.converter import own_fields
from trio_binance.models import (
    NO_EXTRA,
    Extra,
    Kline,
    Levels,
    Model,
    OpenEnum,
    UnknownEvent,
    UnknownUserEvent,
)

Strategy = st.SearchStrategy[Any]

# ----------------------------------------------------------------------------------------------------------- leaves


@st.composite
def decimals(draw: st.DrawFn, least_scale: int = 0) -> Decimal:
    """Return an exact number in any scale: 0, 0.0 and -0.00000000 are three."""
    digits = draw(st.integers(0, 10**12) | st.integers(0, 10**24) | st.just(0))
    sign = draw(st.sampled_from(("", "", "", "-")))
    return Decimal(f"{sign}{digits}").scaleb(-draw(st.integers(least_scale, 18)))


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["BTCUSDT", "币安人生USDT", 'quo"te', "back\\slash", "\u2028", "1.0", "-1", "null", "0"]
)
new_words = st.text("ABCXYZ_09", max_size=6).map("NEW_".__add__)
integers = st.integers(-(2**63), 2**64) | st.sampled_from([0, -1, 1_700_000_000_000, 1_700_000_000_000_000, 10**30])

_level_texts = st.tuples(st.integers(0, 10**12).map(str), st.text("0123456789", max_size=8)).map(
    lambda parts: ".".join(parts) if parts[1] else parts[0]
)
levels = st.lists(st.tuples(_level_texts, _level_texts).map(list), max_size=3).map(Levels)

json_values: Strategy = st.recursive(
    st.none() | st.booleans() | integers | decimals(least_scale=1) | texts,
    lambda some: st.lists(some, max_size=2) | st.dictionaries(texts, some, max_size=2),
    max_leaves=4,
)
"""Whatever JSON can say, parsed: numbers with a fraction are Decimals."""

NEW_NAMES = ("newField", "a b", 'quo"te', "Ωmega", "_x9", "class", "self", "extra")
"""Names of fields that no document has, on any wire."""

_LEAVES: dict[Any, Strategy] = {
    bool: st.booleans(),
    int: integers,
    str: texts,
    Decimal: decimals(),
    Levels: levels,
    type(None): st.none(),
}


def words(kind: type[OpenEnum]) -> Strategy:
    """Return words that are listed, and words that are not."""
    return st.sampled_from(kind) | new_words.map(kind) | texts.map(kind)


@cache
def values(kind: Any) -> Strategy:
    """Return what a field of this type may hold."""
    if kind in _LEAVES:
        return _LEAVES[kind]
    if get_origin(kind) is tuple:
        return st.lists(values(get_args(kind)[0]), max_size=2).map(tuple)
    if get_origin(kind) in (Union, types.UnionType):
        return st.one_of([values(one) for one in get_args(kind)])
    if issubclass(kind, OpenEnum):
        return words(kind)
    if issubclass(kind, Model):
        return models(kind)
    raise TypeError(f"no strategy for {kind!r}")


# ----------------------------------------------------------------------------------------------------------- models


def extras(cls: type[Model]) -> Strategy:
    """Return fields that the model does not know; of one that is written as an array, places beyond its end."""
    if cls is Kline:
        beyond = len(own_fields(cls))
        return st.lists(json_values, max_size=2).map(
            lambda more: Extra({str(beyond + place): value for place, value in enumerate(more)})
        )
    return st.just(NO_EXTRA) | st.dictionaries(st.sampled_from(NEW_NAMES), json_values, max_size=2).map(Extra)


def _is_word_of_unknown(cls: type[Model], name: str) -> bool:
    """Tell whether a field holds the word that no class is made for; a known one would belong to another class."""
    return cls.__name__.startswith("Unknown") and name.endswith("_type")


def models(cls: type[Model], **given: Strategy) -> Strategy:
    """Return models of this very class; ``given`` are the fields that something else settles."""
    if cls is UnknownEvent:
        return st.builds(_unknown_event, texts, json_values)
    if cls is UnknownUserEvent:
        return st.dictionaries(texts, json_values).map(lambda value: UnknownUserEvent(_word(value), value))
    types_of: dict[str, Any] = {field.name: field.type for field in own_fields(cls)}
    fields = {name: new_words if _is_word_of_unknown(cls, name) else values(kind) for name, kind in types_of.items()}
    return st.builds(cls, **{**fields, "extra": extras(cls), **given})


def _unknown_event(stream: str, payload: object) -> UnknownEvent:
    return UnknownEvent(stream, _word(payload), payload)


def _word(payload: object) -> str | None:
    word = payload.get("e") if isinstance(payload, dict) else None
    return word if isinstance(word, str) else None


# ------------------------------------------------------------------------------------------------- every one of them


def _modules() -> Iterable[types.ModuleType]:
    package = trio_binance.models
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        yield importlib.import_module(found.name)


def every_model() -> tuple[type[Model], ...]:
    """Return every class of model that the package defines, exported or not."""
    found = {
        value: None
        for module in _modules()
        for value in vars(module).values()
        if inspect.isclass(value) and issubclass(value, Model) and value is not Model
    }
    return tuple(sorted(found, key=lambda cls: cls.__name__))


def every_union() -> dict[str, tuple[type[Model], ...]]:
    """Return every union of models that the package names, with its classes."""
    found: dict[str, tuple[type[Model], ...]] = {}
    for name, value in vars(trio_binance.models).items():
        if get_origin(value) in (Union, types.UnionType):
            kinds = tuple(one for one in get_args(value) if inspect.isclass(one) and issubclass(one, Model))
            if kinds:
                found[name] = kinds
    return found
