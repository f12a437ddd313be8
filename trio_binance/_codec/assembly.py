"""The assembly line: generated code that builds a frozen model field by field, as fast as a mutable one.

A frozen class with slots pays for ``object.__setattr__`` at every field, three times the price of the whole rest. So a
model is filled as its *twin*, a class of the same layout that may be written, and becomes the model by ``__class__``.
This is the only place where that is done; nobody holds the twin before it is the frozen model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import attrs

from trio_binance.models import NO_EXTRA, Model


def _twin_of(cls: type[Model]) -> type[Any]:
    layout = {
        "__slots__": cls.__dict__["__slots__"],
        "__setattr__": object.__setattr__,
        "__delattr__": object.__delattr__,
    }
    return type(f"{cls.__name__}Twin", cls.__bases__, layout)


def assemble(
    cls: type[Model],
    target: str,
    values: Mapping[str, Iterable[str]],
    scope: dict[str, object],
    extra: str = "NO_EXTRA",
) -> list[str]:
    """Return the statements that leave in ``target`` a ``cls`` of the given values.

    Args:
        cls: the model.
        target: the name of a variable.
        values: of each field the statements that set it; ``{}`` in them stands for the field itself.
        scope: takes up the names that the statements use.
        extra: the expression for ``extra``.
    """
    name = cls.__name__
    scope.update({"new": object.__new__, "NO_EXTRA": NO_EXTRA, name: cls, f"{name}Twin": _twin_of(cls)})
    fields = [line.replace("{}", f"{target}.{field}") for field, lines in values.items() for line in lines]
    fields += [f"{target}.{field} = {default!r}" for field, default in _defaults(cls) if field not in values]
    return [f"{target} = new({name}Twin)", *fields, f"{target}.extra = {extra}", f"{target}.__class__ = {name}"]


def _defaults(cls: type[Model]) -> list[tuple[str, object]]:
    """Return what a model says of itself where the wire says nothing."""
    return [(field.name, field.default) for field in attrs.fields(cls) if field.name == "recovered"]


def compile_function(name: str, head: str, body: Iterable[str], scope: dict[str, object]) -> Callable[..., Any]:
    """Return the function ``def name(head): body`` that sees only ``scope``."""
    source = "\n    ".join([f"def {name}({head}):", *body])
    exec(compile(source, f"<{name}>", "exec"), scope)  # noqa: S102 - our own field tables are all that goes in
    function: Callable[..., Any] = scope[name]  # type: ignore[assignment]
    return function
