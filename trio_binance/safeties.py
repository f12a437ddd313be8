"""The safety net: what this connector may not do, whatever it is told; refused before anything is signed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

import attrs

from ._decimals import check_decimal
from ._util import exact_repr
from .errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

Number: TypeAlias = Decimal | int | str
"""What can be given as an exact number; a float cannot."""

_PREFIX = "BINANCE_SAFETY_"
_FLAGS = {"true": True, "false": False}


def _refuse(name: str, value: object, reason: str) -> NoReturn:
    raise ConfigError(f"safety: {name}={exact_repr(value)}: {reason}")


def _amount(name: str, value: Any) -> Decimal:
    try:
        amount = check_decimal(name, value)
    except (TypeError, ValueError) as exc:
        raise ConfigError(f"safety: {exc}") from None
    if amount <= 0:
        _refuse(name, value, "expected a positive number")
    return amount


def _to_most(value: Number | Mapping[str, Number] | None) -> Decimal | Mapping[str, Decimal] | None:
    if value is None:
        return None
    if not isinstance(value, Mapping):
        return _amount("max_notional", value)
    if not value:
        _refuse("max_notional", value, "it names no asset and no symbol, so that every order would be refused")
    return MappingProxyType(
        {_word("max_notional", key): _amount(f"max_notional[{key}]", each) for key, each in value.items()}
    )


def _word(name: str, value: Any) -> str:
    # "btcusdt" is a stream's word: here it would fit no symbol, and all would be refused.
    if not isinstance(value, str) or not value or value != value.strip().upper():
        _refuse(name, value, 'expected symbols or assets in capitals, such as "BTCUSDT"')
    return value


def _to_symbols(value: Iterable[str] | None) -> frozenset[str] | None:
    if value is None:
        return None
    if isinstance(value, str) or not isinstance(value, Iterable):
        _refuse("symbols", value, 'expected several, such as {"BTCUSDT"}')
    if not (symbols := frozenset(_word("symbols", each) for each in value)):
        _refuse("symbols", value, "it allows nothing; dry_run is meant for that")
    return symbols


def _whole(instance: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    del instance
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value <= 0):
        _refuse(attribute.name, value, "expected a positive whole number")


def _flag(instance: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    del instance
    if not isinstance(value, bool):
        _refuse(attribute.name, value, "expected true or false")


def _seconds(instance: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    del instance
    if value is None:
        return
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value < float("inf"):
        _refuse(attribute.name, value, "expected a positive number of seconds")


@attrs.frozen(kw_only=True)
class Safety:
    """What this connector refuses to send, with ``SafetyRefused``, before anything is signed or noted.

    It guards against slips of a program, not against one that means to lose money: it counts and weighs requests one by
    one, and knows nothing of other programs with the same account. Cancellations and amendments, which only take from
    what is open, pass every rule but ``dry_run``. ``bx.call`` cannot be judged: with any of the rules it may only ask,
    and cancel.

    Args:
        max_notional: the most that one request may move, in quote asset: one number for whatever quote asset that is,
            or a mapping. A mapping's keys are symbols, which count first, and quote assets; what it does not name is
            refused. An order is weighed at the worst price that is plain beforehand: the price of a BUY, the stop
            price, and the higher of best ask and last trade for everything that may sell higher or has no price at all.
            Where that price is not to be had, the order is refused. Of an order list all orders count that can be
            filled together.
        max_open_orders: so many orders of this connector may be open at once; each leg of a list is one, and so is one
            in doubt, be it of an earlier run. What that run knew to be open is not counted.
        symbols: the symbols on which something may be placed. Cancelled may be everywhere.
        dry_run: whether everything that changes something is refused, cancellations too; ``bx.trading.test`` is none of
            it.
        cancel_on_exit: at the end of the block, however it ends, what this connector has placed is cancelled, for so
            many seconds. SIGTERM and SIGHUP end Python without ending any block, unless they are caught.
    """

    max_notional: Decimal | Mapping[str, Decimal] | None = attrs.field(default=None, converter=_to_most, hash=False)
    max_open_orders: int | None = attrs.field(default=None, validator=_whole)
    symbols: frozenset[str] | None = attrs.field(default=None, converter=_to_symbols)
    dry_run: bool = attrs.field(default=False, validator=_flag)
    cancel_on_exit: float | None = attrs.field(default=None, validator=_seconds)

    @property
    def has_rules(self) -> bool:
        """Whether there is anything by which a placement is judged."""
        return self.dry_run or any(rule is not None for rule in (self.max_notional, self.max_open_orders, self.symbols))

    @staticmethod
    def variables() -> frozenset[str]:
        """Return the names of the ``BINANCE_SAFETY_*`` variables."""
        return frozenset(f"{_PREFIX}{name.upper()}" for name in _READERS)

    @classmethod
    def from_env(cls, values: Mapping[str, str]) -> Safety | None:
        """Return what the ``BINANCE_SAFETY_*`` variables say, ``None`` without any.

        Raises:
            ConfigError: a value cannot be used, or a variable is none of them; the message names it.
        """
        found = {name: value for name, value in values.items() if name.startswith(_PREFIX)}
        fields: dict[str, Any] = {}
        for variable, text in found.items():
            field = variable.removeprefix(_PREFIX).lower()
            if variable not in cls.variables():
                # A rule that nobody reads is no rule: better to be told before the first order.
                raise ConfigError(f"{variable}: unknown; expected one of {', '.join(sorted(cls.variables()))}")
            try:
                fields[field] = _READERS[field](text.strip())
                cls(**{field: fields[field]})
            except ConfigError as exc:
                raise ConfigError(f"{variable}: {exc}") from None
        return cls(**fields) if fields else None

    @classmethod
    def from_table(cls, where: str, table: Any) -> Safety:
        """Return what a table of a file says.

        Raises:
            ConfigError: a key or its value cannot be used; the message names it.
        """
        if not isinstance(table, dict):
            raise ConfigError(f"{where}: expected a table")
        if unknown := sorted(table.keys() - _READERS.keys()):
            raise ConfigError(f"{where}.{unknown[0]}: unknown key; expected {', '.join(_READERS)}")
        return cls(**table)


def _read_most(text: str) -> Any:
    """Return ``1000``, or ``USDT=1000, BTC=0.02`` as a mapping."""
    if "=" not in text:
        return text
    pairs = [pair.partition("=") for pair in text.split(",")]
    keys = [key.strip() for key, _, _ in pairs]
    if len(set(keys)) < len(keys):
        _refuse("max_notional", text, "one is named twice")
    return dict(zip(keys, (value.strip() for _, _, value in pairs), strict=True))


def _read_whole(text: str) -> Any:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else text


def _read_seconds(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return text


_READERS: Mapping[str, Callable[[str], Any]] = {
    "max_notional": _read_most,
    "max_open_orders": _read_whole,
    "symbols": lambda text: [symbol.strip() for symbol in text.split(",")],
    "dry_run": lambda text: _FLAGS.get(text.lower(), text),
    "cancel_on_exit": _read_seconds,
}
"""From the text of a variable to what ``Safety`` takes; what cannot be read stays text, and is refused there."""
