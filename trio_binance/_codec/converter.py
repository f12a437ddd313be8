"""The dialect: one configured cattrs converter for one way of naming the fields, between plain values and models."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from itertools import chain
from types import NoneType
from typing import Any, TypeAlias, TypeVar, final, get_args, get_origin

import attrs
from cattrs import BaseValidationError, Converter, IterableValidationNote
from cattrs.cols import homogenous_tuple_structure_factory, list_structure_factory
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

from trio_binance._pure import decimals
from trio_binance.errors import DecodeError
from trio_binance.models import Extra, Levels, Model, OpenEnum

from .assembly import assemble, compile_function
from .jsontext import Json

T = TypeVar("T")
M = TypeVar("M", bound=Model)

Hook: TypeAlias = Callable[[Any, Any], Any]

OFF_WIRE = ("extra", "recovered")
"""What models have beside their fields on the wire: what is left over, and whether something came by another way."""

# ------------------------------------------------------------------------------------------------- strict leaves

_parse = lru_cache(maxsize=16_384)(decimals.parse)
"""The same texts return again and again ("0.00000000", tick sizes, prices)."""

_ROW = rf"-?[0-9]{{1,{decimals.MAX_LENGTH}}}(?:\.[0-9]{{1,{decimals.MAX_LENGTH}}})?\n"
_ROWS = re.compile(f"(?:{_ROW})*")


class Misfit(ValueError):
    """A value that does not fit; ``where`` names the place inside it."""

    def __init__(self, message: str, where: str = "") -> None:
        super().__init__(message)
        self.where = where


def _expect(kind: type, value: object) -> Misfit:
    return Misfit(f"expected {kind.__name__}, not {value!r:.80}")


def _decimal(value: Any, _: object) -> Decimal:
    if type(value) is str:
        return _parse(value)
    if type(value) is int or type(value) is Decimal:
        return Decimal(value)
    raise _expect(Decimal, value)


def _exactly(kind: type[T]) -> Callable[[Any, Any], T]:
    """Return a hook that converts nothing: ``"1"`` is no int, ``1`` is no bool, ``None`` is no text."""

    def hook(value: Any, _: object) -> T:
        if type(value) is not kind:
            raise _expect(kind, value)
        return value

    return hook


class Members(dict[str, OpenEnum]):
    """An enum by value, for one look-up; an unlisted value makes its member."""

    def __init__(self, kind: type[OpenEnum]) -> None:
        super().__init__({member.value: member for member in kind})
        self._kind = kind

    def __missing__(self, value: str) -> OpenEnum:
        if type(value) is not str:
            raise _expect(str, value)
        return self._kind(value)


def _enum(kind: type[OpenEnum]) -> Hook:
    members = Members(kind)
    return lambda value, _: members[value]


def _levels(value: Any, _: object) -> Levels:
    """Return the levels, every text of which is a plain decimal: one pass over all of them, no number made yet."""
    if type(value) is not list:
        raise _expect(list, value)
    if not all(type(row) is list and len(row) == 2 for row in value):
        raise Misfit("expected pairs of price and quantity")
    try:
        text = "\n".join(chain.from_iterable(value)) + "\n" if value else ""
    except TypeError:
        text = " "
    if not _ROWS.fullmatch(text) or text.count("\n") != 2 * len(value):
        raise _bad_level(value)
    return Levels(value)


def _bad_level(rows: list[list[object]]) -> Misfit:
    for index, row in enumerate(rows):
        for place, text in enumerate(row):
            if type(text) is not str or not _ROWS.fullmatch(f"{text}\n") or "\n" in text:
                return Misfit(f"not a plain decimal number: {text!r:.80}", f"[{index}][{place}]")
    raise AssertionError("a bad level was seen")


def _list_of(kind: Any, converter: Converter) -> Hook:
    """Return the hook of a list or tuple, which takes a list and nothing else that can be iterated."""
    make = homogenous_tuple_structure_factory if get_origin(kind) is tuple else list_structure_factory
    inner: Hook = make(kind, converter)

    def hook(value: Any, target: Any) -> Any:
        if type(value) is not list:
            raise _expect(list, value)
        return inner(value, target)

    return hook


# -------------------------------------------------------------------------------------------------- the dialect


def _is_list(kind: Any) -> bool:
    origin: object = get_origin(kind)
    return origin is list or origin is tuple


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Model)


@final
class Dialect:
    """How models are written on one wire.

    Args:
        name_of: the wire's name of a field.
        tag_of: the key and value that mark a class of model on the wire, if anything does.

    Nothing is lost: fields that a model does not know, and nulls where it would say nothing, are kept in ``extra``.
    """

    def __init__(
        self, name_of: Callable[[type[Model], str], str], tag_of: Callable[[type[Model]], tuple[str, str] | None]
    ) -> None:
        self.name_of = name_of
        self.tag_of = tag_of
        self._quick = self._make(detailed=False)
        self._detailed = self._make(detailed=True)

    def _make(self, *, detailed: bool) -> Converter:
        converter = Converter(detailed_validation=detailed, unstruct_collection_overrides={tuple: list})
        converter.register_structure_hook(Decimal, _decimal)
        for kind in (int, str, bool):
            converter.register_structure_hook(kind, _exactly(kind))
        # One by one: an enum of texts is a subclass of text, whose hook would serve it otherwise.
        for word in OpenEnum.__subclasses__():
            converter.register_structure_hook(word, _enum(word))
            converter.register_unstructure_hook(word, str)
        converter.register_structure_hook(Levels, _levels)
        converter.register_structure_hook_factory(_is_list)(_list_of)
        converter.register_structure_hook_factory(_is_model)(self._structure_hook)
        converter.register_unstructure_hook(Decimal, decimals.to_text)
        converter.register_unstructure_hook(Levels, Levels.to_wire)
        converter.register_unstructure_hook_factory(_is_model)(self._unstructure_hook)
        return converter

    def union(self, kind: Any, choose: Callable[[dict[str, Json]], type[Model]]) -> None:
        """Teach a union of models: ``choose`` tells by the shape of an object which of them it is.

        A null is taken for ``None`` where ``None`` is one of them.
        """
        nullable = NoneType in get_args(kind)
        for converter in (self._quick, self._detailed):
            converter.register_structure_hook(kind, _chooser(converter, choose, nullable))

    def rows(self, kind: type[Model]) -> None:
        """Teach a model that the wire writes as an array; its fields are named by their place, "0", "1", ..."""
        for converter in (self._quick, self._detailed):
            structure, unstructure = converter.get_structure_hook(kind), converter.get_unstructure_hook(kind)
            converter.register_structure_hook(kind, _from_row(structure))
            converter.register_unstructure_hook(kind, _to_row(unstructure))

    def _structure_hook(self, cls: type[M], converter: Converter) -> Hook:
        """Return the hook of a model: our own generated code, or cattrs' where the place of an error is sought."""
        names = {field.name: self.name_of(cls, field.name) for field in own_fields(cls)}
        tag = self.tag_of(cls)
        if not converter.detailed_validation:
            return _generate(cls, converter, names, tag)
        inner = make_dict_structure_fn(
            cls,
            converter,
            _cattrs_detailed_validation=True,
            **_overrides({name: override(rename=wire) for name, wire in names.items()} | _unwritten(cls)),
        )

        def hook(value: Any, target: Any) -> M:
            _check_shape(value, tag)
            return inner(value, target)

        return hook

    def _unstructure_hook(self, cls: type[M], converter: Converter) -> Callable[[M], dict[str, Any]]:
        tag = dict([found]) if (found := self.tag_of(cls)) else {}
        written = {
            field.name: override(rename=self.name_of(cls, field.name), omit_if_default=field.default is None)
            for field in own_fields(cls)
        }
        inner = make_dict_unstructure_fn(cls, converter, **_overrides(written | _unwritten(cls)))
        return lambda model: {**tag, **inner(model), **model.extra}

    def structure(self, value: Json, kind: Any) -> Any:
        """Return the model (or list of models) of class ``kind`` that ``value`` tells.

        Raises ``DecodeError`` whose ``path`` names the field that does not fit, as the model calls it.
        """
        try:
            return self._quick.structure(value, kind)
        except (KeyError, TypeError, ValueError):
            # Only the second look keeps account of the place: the first need not pay for it.
            raise self._explain(value, kind) from None

    def _explain(self, value: Json, kind: Any) -> DecodeError:
        model = kind.__name__ if isinstance(kind, type) else re.sub(r"\w+\.", "", str(kind))
        try:
            self._detailed.structure(value, kind)
        except (BaseValidationError, KeyError, TypeError, ValueError) as exc:
            path, reason = _first_leaf(exc)
            return DecodeError(f"{model}{path and ' at '}{path}: {reason}", path=path, model=model)
        raise AssertionError("both looks use the same rules")

    def unstructure(self, model: object) -> Any:
        """Return what the wire says for ``model``, the exact inverse of ``structure``."""
        return self._quick.unstructure(model)


def own_fields(cls: type[Model]) -> list[attrs.Attribute[Any]]:
    """Return the fields of a model that have a name on the wire, their types resolved."""
    return [field for field in attrs.fields(attrs.resolve_types(cls)) if field.name not in OFF_WIRE]


def _unwritten(cls: type[Model]) -> dict[str, Any]:
    return {field.name: override(omit=True) for field in attrs.fields(cls) if field.name in OFF_WIRE}


def _overrides(by_name: dict[str, Any]) -> dict[str, Any]:
    """Return the overrides as keyword arguments; cattrs' own arguments begin with an underscore, no field does."""
    return by_name


def _check_shape(value: Any, tag: tuple[str, str] | None) -> None:
    if type(value) is not dict:
        raise _expect(dict, value)
    if tag and value.get(tag[0]) != tag[1]:
        raise Misfit(f"expected {tag[0]}={tag[1]!r}, not {value.get(tag[0])!r:.80}")


def _generate(cls: type[Model], converter: Converter, names: dict[str, str], tag: tuple[str, str] | None) -> Hook:
    """Return generated code that checks and moves every field, and counts: one more in the object is an unknown one."""
    scope: dict[str, object] = {"check": _check_shape, "tag": tag, "expect": _expect}
    fields = own_fields(cls)
    optional = frozenset(names[field.name] for field in fields if field.default is None)
    known = frozenset(names.values()) | ({tag[0]} if tag else set())
    scope["keep"] = lambda model, value: _with_extra(model, value, known, optional)
    always = sum(field.default is attrs.NOTHING for field in fields) + (tag is not None)
    body = [
        "check(o, tag)",
        f"count = {always}",
        *assemble(cls, "x", {field.name: _lines(field, names, converter, scope) for field in fields}, scope),
        "return x if count == len(o) else keep(x, o)",
    ]
    return compile_function(f"structure_{cls.__name__}", "o, _", body, scope)


def _lines(
    field: attrs.Attribute[Any], names: dict[str, str], converter: Converter, scope: dict[str, object]
) -> list[str]:
    """Return the statements that check one field of the object ``o`` and set it."""
    key, kind = repr(names[field.name]), field.type
    if kind in (int, str, bool):
        word = kind.__name__
        take = [f"{{}} = v = o[{key}]", f"if type(v) is not {word}: raise expect({word}, v)"]
    else:
        scope[f"hook_{field.name}"], scope[f"type_{field.name}"] = converter.get_structure_hook(kind), kind
        take = [f"{{}} = hook_{field.name}(o[{key}], type_{field.name})"]
    if field.default is attrs.NOTHING:
        return take
    # A null where the documents say "absent" does not count, and is kept as an unknown field.
    there = f"o.get({key}) is not None" if field.default is None else f"{key} in o"
    return [
        f"if {there}:",
        *(f"    {line}" for line in [*take, "count += 1"]),
        "else:",
        f"    {{}} = {field.default!r}",
    ]


def _with_extra(model: M, value: dict[str, Json], known: frozenset[str], optional: frozenset[str]) -> M:
    unsaid = {name: item for name, item in value.items() if name not in known or (item is None and name in optional)}
    return attrs.evolve(model, extra=Extra(unsaid)) if unsaid else model


def _chooser(converter: Converter, choose: Callable[[dict[str, Json]], type[Model]], nullable: bool) -> Hook:
    def hook(value: Any, _: Any) -> Any:
        if value is None and nullable:
            return None
        if type(value) is not dict:
            raise _expect(dict, value)
        return converter.structure(value, choose(value))

    return hook


def _from_row(structure: Hook) -> Hook:
    def hook(value: Any, target: Any) -> Any:
        if type(value) is not list:
            raise _expect(list, value)
        return structure({str(place): item for place, item in enumerate(value)}, target)

    return hook


def _to_row(unstructure: Callable[[Any], dict[str, Json]]) -> Callable[[Any], list[Json]]:
    return lambda model: [item for _, item in sorted(unstructure(model).items(), key=lambda pair: int(pair[0]))]


def _first_leaf(error: BaseException) -> tuple[str, str]:
    """Return the path and the reason of the first thing that does not fit."""
    path = ""
    while isinstance(error, BaseValidationError):
        error = error.exceptions[0]
        for note in getattr(error, "__notes__", ()):
            path += f"[{note.index}]" if isinstance(note, IterableValidationNote) else f".{note.name}"
    reason = "missing" if isinstance(error, KeyError) else str(error)
    return path.lstrip(".") + getattr(error, "where", ""), reason
