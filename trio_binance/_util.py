"""Small manners shared by every floor: exceptions without false context, sealed classes, honest module names."""

from __future__ import annotations

import time
from contextlib import suppress
from decimal import Decimal
from secrets import randbits
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import attrs

if TYPE_CHECKING:
    from collections.abc import Mapping

T = TypeVar("T")

_LONGEST = 64
"""No number of the exchange has more digits."""


def wall_time_ns() -> int:
    """Return the machine's wall clock in nanoseconds; the one place in the program that reads it.

    Everything else derives wall time from an anchor and the running Trio clock, so that a mock clock rules
    signatures, rotations and candles too.
    """
    return time.time_ns()


def fresh_seed() -> int:
    """Return 64 unpredictable bits, to seed the injected generators; the one place that draws them."""
    return randbits(64)


def raise_saving_context(exc: BaseException) -> NoReturn:
    """Raise ``exc`` as it is: whatever is being handled at the moment does not become its context."""
    context = exc.__context__
    try:
        raise exc
    finally:
        exc.__context__ = context
        del exc, context


def exact_repr(value: object) -> str:
    """Return a value's repr with its numbers as the exchange writes them: of ``0.00000000`` Python makes ``0E-8``."""
    if type(value) is Decimal:
        # Written out, one with a huge exponent would fill the memory.
        short = value.is_finite() and abs(value.adjusted()) < _LONGEST and len(value.as_tuple().digits) < _LONGEST
        return f"Decimal('{value:f}')" if short else repr(value)
    if type(value) is tuple:
        return f"({', '.join(map(exact_repr, value))}{',' if len(value) == 1 else ''})"
    if type(value) is list:
        return f"[{', '.join(map(exact_repr, value))}]"
    if type(value) is dict:
        return f"{{{', '.join(f'{name!r}: {exact_repr(item)}' for name, item in value.items())}}}"
    return repr(value)


def fields_repr(instance: attrs.AttrsInstance) -> str:
    """Return the repr of an attrs object, as attrs would write it but for its numbers."""
    fields = [field.name for field in attrs.fields(type(instance)) if field.repr]
    told = ", ".join(f"{name}={exact_repr(getattr(instance, name))}" for name in fields)
    return f"{type(instance).__name__}({told})"


def shown(value: object) -> str:
    """Return the start of a value's repr; a bad argument may be long, or an int too long for Python to write."""
    try:
        text = exact_repr(value)
    except ValueError:
        text = f"<{type(value).__name__} too long to show>"
    return text if len(text) <= 100 else f"{text[:100]}..."


class NoPublicConstructor(type):
    """A metaclass for classes that only this package makes: calling one raises ``TypeError``.

    Use ``Class._create(...)`` inside the package.
    """

    def __call__(cls, *_args: object, **_kwargs: object) -> NoReturn:
        """Refuse: the user is handed such objects and does not make them."""
        raise TypeError(f"{cls.__module__}.{cls.__qualname__} has no public constructor")

    def _create(cls: type[T], *args: object, **kwargs: object) -> T:
        return super().__call__(*args, **kwargs)  # type: ignore[misc, no-any-return]


def fixup_module_metadata(module_name: str, namespace: Mapping[str, Any]) -> None:
    """Make every public name of ``namespace`` say that it lives in ``module_name``.

    Tracebacks, pickles and documentation then show ``trio_binance.X`` and not the private module that defines it.
    """
    public = [
        value
        for name, value in namespace.items()
        if not name.startswith("_")
        and str(getattr(value, "__module__", "")).startswith("trio_binance")
        and (isinstance(value, type) or callable(value))
    ]
    # All of them before any is moved: the annotations of a class are read in the modules of its bases as well.
    for value in public:
        _resolve_types(value)
    for value in public:
        value.__module__ = module_name


def _resolve_types(value: object) -> None:
    """Replace the annotations of an attrs class by what they name, while its own module can still be found.

    A class whose annotations name what only type checkers import keeps them as text.
    """
    if isinstance(value, type) and attrs.has(value):
        with suppress(NameError):
            attrs.resolve_types(value)
