"""The configuration: which exchange, whose key, how careful; frozen, checked when built, secrets masked."""

from __future__ import annotations

import enum
import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import attrs

from ._checks import check_text, instance_of, positive
from .credentials import Credentials as Credentials
from .credentials import InsecureKeyFileWarning as InsecureKeyFileWarning
from .credentials import KeyType as KeyType
from .credentials import Secret as Secret
from .credentials import mask as mask
from .credentials import read_key_file as read_key_file
from .credentials import warn_if_readable
from .environments import REPLAY, SANDBOX, check_key_may_go
from .environments import Environment as Environment
from .errors import ConfigError
from .tuning import Tuning as Tuning

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")

_WIRES = ("rest", "ws_api")


class Overflow(enum.Enum):
    """What a feed does when its consumer is slower than the stream and the buffer is full."""

    DROP_OLDEST = "drop_oldest"
    """Drop the oldest waiting item and count it."""
    LATEST = "latest"
    """Keep only the newest item of each symbol."""
    FAIL = "fail"
    """End the feed with ``FeedOverflow``."""


@attrs.frozen
class SandboxSpec:
    """What ``BinanceConfig.sandbox`` asks of the embedded exchange."""

    seed: int = 0
    epoch_ms: int | None = None
    """Server time at the start; ``None`` takes the machine's."""
    activity: float = attrs.field(default=20.0, validator=positive)
    """Events of the market makers a second and symbol, on average."""


@attrs.frozen
class ReplaySpec:
    """What ``BinanceConfig.replay`` asks of the player."""

    path: Path
    speed: float | None = attrs.field(default=None, validator=attrs.validators.optional(positive))
    """Times real time; ``None`` is as fast as the consumers take it."""


def _one_wire(_instance: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if value not in _WIRES:
        raise ConfigError(f"{attribute.name}={value!r}: expected {' or '.join(_WIRES)}")


def _callables(_instance: Any, attribute: attrs.Attribute[Any], value: tuple[Any, ...]) -> None:
    for hook in value:
        if not callable(hook):
            raise ConfigError(f"{attribute.name}: {hook!r} cannot be called")


def _to_tuple(value: Any) -> tuple[Any, ...]:
    try:
        return tuple(value)
    except TypeError:
        raise ConfigError(f"hooks={value!r}: expected a sequence of functions") from None


@attrs.frozen
class BinanceConfig:
    """Everything ``open_binance`` needs to know.

    ``prefer`` is the wire that calls take where both serve. ``hooks`` are called, in order and without waiting, with
    every frozen event of ``trio_binance.observe``; one that raises is logged and goes on being called.
    """

    environment: Environment = attrs.field(validator=instance_of(Environment))
    credentials: Credentials | None = attrs.field(default=None, validator=instance_of(Credentials, type(None)))
    prefer: Literal["rest", "ws_api"] = attrs.field(default="rest", validator=_one_wire, kw_only=True)
    tuning: Tuning = attrs.field(factory=Tuning, validator=instance_of(Tuning), kw_only=True)
    hooks: tuple[Callable[[Any], None], ...] = attrs.field(
        default=(), converter=_to_tuple, validator=_callables, kw_only=True
    )
    embedded: SandboxSpec | ReplaySpec | None = attrs.field(
        default=None, validator=instance_of(SandboxSpec, ReplaySpec, type(None)), kw_only=True
    )
    """Set by ``sandbox`` and ``replay``: the exchange to run inside this process."""

    def __attrs_post_init__(self) -> None:
        if self.credentials is not None and not self.environment.takes_keys:
            raise ConfigError(f"credentials: the environment {self.environment.name!r} takes no keys")
        if self.credentials is not None:
            check_key_may_go(self.environment)
        if self.embedded is not None and self.environment not in (SANDBOX, REPLAY):
            raise ConfigError(f"embedded: the environment {self.environment.name!r} is not run in this process")

    @classmethod
    def sandbox(
        cls, *, seed: int = 0, epoch_ms: int | None = None, activity: float = 20.0, **settings: Any
    ) -> BinanceConfig:
        """Return a configuration of the embedded exchange: in memory, no network, no keys of yours.

        It has a funded account, and the same market for the same seed.

        Args:
            seed: everything random in the exchange comes from it.
            epoch_ms: server time at the start in milliseconds; by default this machine's time.
            activity: events of the market makers a second and symbol, on average.
            **settings: any other field of ``BinanceConfig``.
        """
        spec = SandboxSpec(seed, epoch_ms, activity)
        settings.setdefault("credentials", Credentials.hmac("sandbox-key-of-a-funded-account", "sandbox-secret"))
        return cls(SANDBOX, embedded=spec, **settings)

    @classmethod
    def replay(cls, path: str | os.PathLike[str], *, speed: float | None = None, **settings: Any) -> BinanceConfig:
        """Return a configuration that plays a recorded session over the same wire.

        A consumer that waits holds the player up, so nothing is lost; so does a feed that nobody reads. Read several
        feeds in tasks of their own, or open one feed over several streams with ``bx.streams.subscribe``.

        Args:
            path: a ``*.session.jsonl`` or ``*.session.jsonl.gz`` file.
            speed: times the recording's own pace; ``None`` plays as fast as the consumers take it, losing nothing.
            **settings: any other field of ``BinanceConfig``.
        """
        spec = ReplaySpec(Path(path), speed)
        if not spec.path.is_file():
            raise ConfigError(f"path={str(path)!r}: no such file")
        return cls(REPLAY, embedded=spec, **settings)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, **settings: Any) -> BinanceConfig:
        """Return a configuration from ``BINANCE_*`` variables.

        ``BINANCE_ENVIRONMENT`` (production, market_data_only, testnet, demo, us; production by default),
        ``BINANCE_API_KEY`` with ``BINANCE_API_SECRET`` (HMAC) or ``BINANCE_PRIVATE_KEY_FILE`` and
        ``BINANCE_KEY_TYPE`` (ed25519, rsa; ed25519 by default), ``BINANCE_PRIVATE_KEY_PASSPHRASE``,
        ``BINANCE_PREFER`` (rest, ws_api).

        Raises:
            ConfigError: a variable's value cannot be used; the message names the variable, never a secret.
        """
        values = {key: value for key, value in (os.environ if environ is None else environ).items() if value}
        environment = _preset("BINANCE_ENVIRONMENT", values.get("BINANCE_ENVIRONMENT", "production"))
        if "BINANCE_PREFER" in values:
            settings.setdefault("prefer", _wire("BINANCE_PREFER", values["BINANCE_PREFER"]))
        return _build(environment, _credentials_from_env(values), settings)

    @classmethod
    def from_toml(cls, path: str | os.PathLike[str], **settings: Any) -> BinanceConfig:
        """Return a configuration from the table ``[binance]`` of a TOML file.

        Keys: ``environment`` (a preset's name, or a table with ``name``, ``rest_url``, ``stream_url``,
        ``ws_api_url``), ``prefer``, ``credentials`` (a table: ``api_key`` and ``secret``, or ``private_key_file``
        relative to the file, ``key_type``, ``passphrase``), ``tuning`` (a table of ``Tuning``'s fields).

        Raises:
            ConfigError: the file cannot be read, or a key or its value cannot be used.
        """
        file = Path(path)
        table = _read_toml(file).get("binance")
        if not isinstance(table, dict):
            raise ConfigError(f"{file}: no table [binance]")
        config = _from_table(table, file.parent, settings)
        if "secret" in table.get("credentials", {}):
            warn_if_readable(file, file.stat().st_mode, stacklevel=3)
        return config


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except OSError as exc:
        raise ConfigError(f"{file}: {exc.strerror}") from exc
    except UnicodeDecodeError as exc:
        reason = f"not UTF-8 at byte {exc.start}"
    except tomllib.TOMLDecodeError as exc:
        reason = str(exc)
    # Raised here, outside of the blocks above: those errors carry the whole text, and it may hold a secret.
    raise ConfigError(f"{file}: {reason}")


def _preset(where: str, name: object) -> Environment:
    presets = Environment.presets()
    if not isinstance(name, str) or name.strip().lower() not in presets:
        raise ConfigError(f"{where}={name!r}: expected one of {', '.join(presets)}")
    return presets[name.strip().lower()]


def _wire(where: str, name: str) -> str:
    if name.strip().lower() not in _WIRES:
        raise ConfigError(f"{where}={name!r}: expected {' or '.join(_WIRES)}")
    return name.strip().lower()


def _build(environment: Environment, credentials: Credentials | None, settings: dict[str, Any]) -> BinanceConfig:
    settings.setdefault("credentials", credentials)
    try:
        return BinanceConfig(environment, **settings)
    except ConfigError:
        raise
    except (TypeError, ValueError) as exc:
        raise ConfigError(f"configuration: {exc}") from exc


def _credentials_from_env(values: Mapping[str, str]) -> Credentials | None:
    api_key = values.get("BINANCE_API_KEY")
    secret, key_file = values.get("BINANCE_API_SECRET"), values.get("BINANCE_PRIVATE_KEY_FILE")
    if api_key is None:
        if secret or key_file:
            raise ConfigError("BINANCE_API_KEY: missing, though a secret is given")
        return None
    if secret and key_file:
        raise ConfigError("BINANCE_API_SECRET and BINANCE_PRIVATE_KEY_FILE: give one of them")
    if secret:
        if values.get("BINANCE_KEY_TYPE", "hmac").lower() != "hmac":
            raise ConfigError("BINANCE_KEY_TYPE: BINANCE_API_SECRET is of an HMAC key; give BINANCE_PRIVATE_KEY_FILE")
        return Credentials.hmac(api_key, secret)
    if key_file:
        passphrase = values.get("BINANCE_PRIVATE_KEY_PASSPHRASE")
        return _with_key_file(api_key, values.get("BINANCE_KEY_TYPE", "ed25519"), _expand(key_file), passphrase)
    raise ConfigError("BINANCE_API_SECRET or BINANCE_PRIVATE_KEY_FILE: missing, though BINANCE_API_KEY is given")


def _with_key_file(api_key: str, key_type: object, path: Path, passphrase: str | None) -> Credentials:
    makers = {"ed25519": Credentials.ed25519, "rsa": Credentials.rsa}
    if not isinstance(key_type, str) or key_type.lower() not in makers:
        raise ConfigError(f"key_type={key_type!r}: expected ed25519 or rsa")
    return makers[key_type.lower()](api_key, path, passphrase=passphrase)


def _expand(path: str) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError as exc:
        raise ConfigError(f"key file {path!r}: {exc}") from exc


_TOML_KEYS = {"environment", "prefer", "credentials", "tuning"}


def _from_table(table: dict[str, Any], folder: Path, settings: dict[str, Any]) -> BinanceConfig:
    if unknown := sorted(table.keys() - _TOML_KEYS):
        raise ConfigError(f"binance.{unknown[0]}: unknown key; expected {', '.join(sorted(_TOML_KEYS))}")
    if "prefer" in table:
        settings.setdefault("prefer", table["prefer"])
    if "tuning" in table:
        settings.setdefault("tuning", _from_fields(Tuning, table["tuning"], "binance.tuning"))
    environment = table.get("environment", "production")
    if isinstance(environment, dict):
        chosen = _from_fields(Environment, environment, "binance.environment")
    else:
        chosen = _preset("binance.environment", environment)
    return _build(chosen, _credentials_from_table(table.get("credentials"), folder), settings)


def _from_fields(cls: type[T], table: object, where: str) -> T:
    if not isinstance(table, dict):
        raise ConfigError(f"{where}: expected a table")
    try:
        return cls(**table)
    except ConfigError:
        raise
    except (TypeError, ValueError) as exc:
        raise ConfigError(f"{where}: {exc}") from exc


def _credentials_from_table(table: object, folder: Path) -> Credentials | None:
    if table is None:
        return None
    if not isinstance(table, dict) or not isinstance(table.get("api_key"), str):
        raise ConfigError("binance.credentials: expected a table with api_key")
    known = {"api_key", "secret", "private_key_file", "key_type", "passphrase"}
    if unknown := sorted(table.keys() - known):
        raise ConfigError(f"binance.credentials.{unknown[0]}: unknown key; expected {', '.join(sorted(known))}")
    if ("secret" in table) == ("private_key_file" in table):
        raise ConfigError("binance.credentials: give secret or private_key_file")
    if "secret" in table:
        return Credentials.hmac(table["api_key"], table["secret"])
    path = folder / _expand(check_text("binance.credentials.private_key_file", table["private_key_file"]))
    return _with_key_file(table["api_key"], table.get("key_type", "ed25519"), path, table.get("passphrase"))
