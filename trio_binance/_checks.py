"""The checks of settings: each refuses with a ``ConfigError`` that names the setting, and shows no value of a secret's.

Those that take ``(instance, attribute, value)`` are validators of attrs classes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from .errors import ConfigError

if TYPE_CHECKING:
    import enum
    from collections.abc import Callable

    import attrs

Validator: TypeAlias = "Callable[[Any, attrs.Attribute[Any], Any], None]"
"""What attrs calls with the instance, the attribute and the value."""


def check_text(name: str, value: object) -> str:
    """Return ``value`` if it is text: a variable that is not set comes as ``None``.

    Raises:
        ConfigError: it is something else; the error shows its type only.
    """
    if not isinstance(value, str):
        raise ConfigError(f"{name}: expected text, not {type(value).__name__}")
    return value


def check_type(name: str, value: object, kind: type | tuple[type, ...]) -> None:
    """Refuse what is no ``kind``.

    Raises:
        ConfigError: it names the types and not the value, which may be a secret.
    """
    if not isinstance(value, kind):
        wanted = kind if isinstance(kind, type) else kind[0]
        raise ConfigError(f"{name}: expected {wanted.__name__}, not {type(value).__name__}")


def instance_of(*kinds: type) -> Validator:
    """Return a validator that refuses what is none of ``kinds``; its error names the first."""
    return lambda _instance, attribute, value: check_type(attribute.name, value, kinds)


def member_of(kind: type[enum.Enum]) -> Validator:
    """Return a validator that refuses what is no member of an enum; its error names them all. Not for secrets."""

    def check(_instance: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        if not isinstance(value, kind):
            raise ConfigError(f"{attribute.name}={value!r}: expected one of {', '.join(map(str, kind))}")

    return check


def positive(_instance: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    """Refuse what is no finite number above zero.

    Raises:
        ConfigError: it shows the value; not for secrets.
    """
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 < value < float("inf"):
        raise ConfigError(f"{attribute.name}={value!r}: expected a positive number")


def whole(_instance: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    """Refuse what is no whole number above zero.

    Raises:
        ConfigError: it shows the value; not for secrets.
    """
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise ConfigError(f"{attribute.name}={value!r}: expected a positive whole number")
