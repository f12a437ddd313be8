"""The configuration: which exchange, whose key, how careful; frozen, checked when built, secrets masked."""

from __future__ import annotations

import enum
import os
import stat
import tomllib
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, TypeVar
from urllib.parse import SplitResult, urlsplit

import attrs

from .errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


T = TypeVar("T")

_KEY_FILE_MAX = 64 * 2**10
_RECV_WINDOW_MAX_MS = 60_000
_WIRES = ("rest", "ws_api")


class KeyType(enum.Enum):
    """The three kinds of API key."""

    HMAC = "HMAC"
    RSA = "RSA"
    ED25519 = "Ed25519"


class Overflow(enum.Enum):
    """What a feed does when its consumer is slower than the stream and the buffer is full."""

    DROP_OLDEST = "drop_oldest"
    """Drop the oldest waiting item and count it."""
    LATEST = "latest"
    """Keep only the newest item of each symbol."""
    FAIL = "fail"
    """End the feed with ``FeedOverflow``."""


class InsecureKeyFileWarning(UserWarning):
    """A key file can be read by others on this machine."""


class Secret:
    """Bytes that never show: no repr, str, format, log or pickle contains them; ``reveal()`` is the one way out."""

    __slots__ = ("_value",)

    def __init__(self, value: bytes) -> None:
        self._value = value

    def reveal(self) -> bytes:
        """Return the bytes."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self

    def __reduce__(self) -> str:
        """Refuse: a pickled secret is a secret in a file."""
        raise TypeError("a Secret cannot be pickled")


def mask(api_key: str) -> str:
    """Return the key's first four characters and nothing more: enough to tell two keys apart."""
    return f"{api_key[:4]}***" if len(api_key) > 8 else "***"


@attrs.frozen(repr=False)
class Credentials:
    """An API key and what signs for it. Build it with ``hmac``, ``rsa`` or ``ed25519``; its repr shows no secret."""

    api_key: str
    key_type: KeyType
    secret: Secret
    passphrase: Secret | None = None

    def __attrs_post_init__(self) -> None:
        _check_type("key_type", self.key_type, KeyType)
        _check_type("secret", self.secret, Secret)
        _check_type("passphrase", self.passphrase, (Secret, type(None)))
        if (
            not _text("api_key", self.api_key)
            or not self.api_key.isascii()
            or not self.api_key.isprintable()
            or " " in self.api_key
        ):
            raise ConfigError("api_key: expected printable ASCII without spaces")
        if not self.secret.reveal():
            raise ConfigError("secret: empty")

    def __repr__(self) -> str:
        return f"Credentials({self.key_type.value}, api_key={mask(self.api_key)!r})"

    @classmethod
    def hmac(cls, api_key: str, secret: str) -> Self:
        """Return credentials of an HMAC key: the secret is the text the exchange showed once."""
        return cls(_text("api_key", api_key).strip(), KeyType.HMAC, _secret("secret", _text("secret", secret).strip()))

    @classmethod
    def ed25519(cls, api_key: str, pem: str | bytes | Path, *, passphrase: str | None = None) -> Self:
        """Return credentials of an Ed25519 key, the recommended kind; ``pem`` is PKCS#8 text or its file."""
        return cls._asymmetric(KeyType.ED25519, api_key, pem, passphrase)

    @classmethod
    def rsa(cls, api_key: str, pem: str | bytes | Path, *, passphrase: str | None = None) -> Self:
        """Return credentials of an RSA key; ``pem`` is PKCS#8 text or its file."""
        return cls._asymmetric(KeyType.RSA, api_key, pem, passphrase)

    @classmethod
    def _asymmetric(cls, key_type: KeyType, api_key: str, pem: str | bytes | Path, passphrase: str | None) -> Self:
        if isinstance(pem, Path):
            pem = read_key_file(pem)
        data = Secret(pem) if isinstance(pem, bytes) else _secret("pem", pem)
        if b"-----BEGIN" not in data.reveal():
            raise ConfigError("pem: not a PEM text; to read a file give pathlib.Path(...)")
        unlock = None if passphrase is None else _secret("passphrase", passphrase)
        return cls(_text("api_key", api_key).strip(), key_type, data, unlock)


def _text(name: str, value: object) -> str:
    """Return ``value`` if it is text: a variable that is not set comes as ``None``. The error does not show it."""
    if not isinstance(value, str):
        raise ConfigError(f"{name}: expected text, not {type(value).__name__}")
    return value


def _secret(name: str, value: object) -> Secret:
    try:
        return Secret(_text(name, value).encode())
    except UnicodeEncodeError:
        # Raised below, outside of this block: the codec's own error quotes the whole secret.
        pass
    raise ConfigError(f"{name}: cannot be written in UTF-8")


def read_key_file(path: Path) -> bytes:
    """Return the bytes of a key file, warning when others on this machine can read it.

    Raises:
        ConfigError: the file cannot be read; the message names it, never its content.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            data = file.read(_KEY_FILE_MAX + 1)
    except OSError as exc:
        raise ConfigError(f"key file {str(path)!r}: {exc.strerror}") from exc
    if len(data) > _KEY_FILE_MAX:
        raise ConfigError(f"key file {str(path)!r}: longer than {_KEY_FILE_MAX} bytes; not a key")
    _warn_if_readable(path, mode, stacklevel=5)
    return data


def _warn_if_readable(path: Path, mode: int, stacklevel: int) -> None:
    if os.name == "posix" and mode & (stat.S_IRGRP | stat.S_IROTH):
        warnings.warn(
            f"{path} can be read by others (mode {stat.S_IMODE(mode):o}); run: chmod 600 {path}",
            InsecureKeyFileWarning,
            stacklevel=stacklevel,
        )


def _check_url(schemes: tuple[str, ...], *, path: bool = False) -> Callable[[Any, attrs.Attribute[Any], Any], None]:
    def check(_instance: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        parts = _split_url(attribute.name, value)
        if parts.username or parts.password:
            raise ConfigError(f"{attribute.name}: a URL must not carry a password")
        if parts.scheme not in schemes or not parts.hostname:
            raise ConfigError(f"{attribute.name}={value!r}: expected a URL starting with {' or '.join(schemes)}://")
        if parts.query or parts.fragment or (parts.path and not path):
            raise ConfigError(f"{attribute.name}={value!r}: expected {'no query' if path else 'a host without a path'}")

    return check


def _split_url(name: str, value: object) -> SplitResult:
    """Split a URL strictly: ``urlsplit`` alone drops line breaks without a word and reads a port when asked for it."""
    text = _text(name, value)
    if text.isascii() and text.isprintable() and " " not in text:
        try:
            parts = urlsplit(text)
            if parts.port != 0:
                return parts
        except ValueError:
            # Raised below; what urlsplit says of it is not clearer.
            pass
    raise ConfigError(f"{name}={text!r}: not a URL")


def _strip_slash(value: Any) -> Any:
    return value.rstrip("/") if isinstance(value, str) else value


def _check_type(name: str, value: object, kind: type | tuple[type, ...]) -> None:
    """Refuse what is no ``kind``; the error names the types and not the value, which may be a secret."""
    if not isinstance(value, kind):
        wanted = kind if isinstance(kind, type) else kind[0]
        raise ConfigError(f"{name}: expected {wanted.__name__}, not {type(value).__name__}")


def _instance_of(*kinds: type) -> Callable[[Any, attrs.Attribute[Any], Any], None]:
    return lambda _instance, attribute, value: _check_type(attribute.name, value, kinds)


@attrs.frozen
class Environment:
    """A set of hosts that belong together. A key of one environment is never sent to another.

    ``rest_url`` has no path (``https://api.binance.com``), ``stream_url`` neither, ``ws_api_url`` has its full path.
    """

    name: str = attrs.field(validator=_instance_of(str))
    rest_url: str = attrs.field(converter=_strip_slash, validator=_check_url(("https", "http")))
    stream_url: str = attrs.field(converter=_strip_slash, validator=_check_url(("wss", "ws")))
    ws_api_url: str | None = attrs.field(
        default=None, validator=attrs.validators.optional(_check_url(("wss", "ws"), path=True))
    )
    takes_keys: bool = True

    PRODUCTION: ClassVar[Environment]
    MARKET_DATA_ONLY: ClassVar[Environment]
    TESTNET: ClassVar[Environment]
    DEMO: ClassVar[Environment]
    US: ClassVar[Environment]

    @classmethod
    def presets(cls) -> Mapping[str, Environment]:
        """Return the exchange's own environments by name."""
        presets = (cls.PRODUCTION, cls.MARKET_DATA_ONLY, cls.TESTNET, cls.DEMO, cls.US)
        return {environment.name: environment for environment in presets}


Environment.PRODUCTION = Environment(
    "production", "https://api.binance.com", "wss://stream.binance.com:9443", "wss://ws-api.binance.com:443/ws-api/v3"
)
Environment.MARKET_DATA_ONLY = Environment(
    "market_data_only", "https://data-api.binance.vision", "wss://data-stream.binance.vision", takes_keys=False
)
Environment.TESTNET = Environment(
    "testnet",
    "https://testnet.binance.vision",
    "wss://stream.testnet.binance.vision",
    "wss://ws-api.testnet.binance.vision/ws-api/v3",
)
Environment.DEMO = Environment(
    "demo", "https://demo-api.binance.com", "wss://demo-stream.binance.com", "wss://demo-ws-api.binance.com/ws-api/v3"
)
Environment.US = Environment(
    "us", "https://api.binance.us", "wss://stream.binance.us:9443", "wss://ws-api.binance.us:443/ws-api/v3"
)
_SANDBOX = Environment("sandbox", "http://sandbox.invalid", "ws://sandbox.invalid", "ws://sandbox.invalid/ws-api/v3")
_REPLAY = Environment("replay", "http://replay.invalid", "ws://replay.invalid", takes_keys=False)


def _positive(_instance: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 < value < float("inf"):
        raise ConfigError(f"{attribute.name}={value!r}: expected a positive number")


def _seconds(default: float) -> Any:
    return attrs.field(default=default, validator=_positive, kw_only=True)


def _whole(_instance: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise ConfigError(f"{attribute.name}={value!r}: expected a positive whole number")


def _within_recv_window(_instance: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    # "The value cannot be greater than 60000" (rest-api.md, "Timing security")
    if value > _RECV_WINDOW_MAX_MS:
        raise ConfigError(f"{attribute.name}={value!r}: the exchange takes at most {_RECV_WINDOW_MAX_MS}")


def _count(default: int, *checks: Callable[[Any, attrs.Attribute[Any], Any], None]) -> Any:
    return attrs.field(default=default, validator=[_whole, *checks], kw_only=True)


@attrs.frozen
class Tuning:
    """Every deadline, size and pace the connector uses; seconds unless the name says otherwise."""

    connect_timeout: float = _seconds(5.0)
    request_timeout: float = _seconds(15.0)
    """From the first byte sent to the last byte received; longer than the exchange's own 10 s engine timeout."""
    close_timeout: float = _seconds(2.0)
    shutdown_timeout: float = _seconds(5.0)
    ping_timeout: float = _seconds(10.0)
    subscribe_timeout: float = _seconds(10.0)
    silence: float = _seconds(30.0)
    """Silence on a connection that should speak, after which it is checked by a ping and a REST ping."""
    recv_window_ms: int = _count(5000, _within_recv_window)
    clock_interval: float = _seconds(300.0)
    clock_samples: int = _count(5)
    backoff_base: float = _seconds(1.0)
    backoff_cap: float = _seconds(60.0)
    backoff_stable: float = _seconds(60.0)
    """A connection that lived this long resets the backoff."""
    restart_limit: int = _count(5)
    restart_period: float = _seconds(10.0)
    breaker_failures: int = _count(5)
    breaker_probes: int = _count(3)
    breaker_open: float = _seconds(10.0)
    connection_lifetime: float = _seconds(23.5 * 3600)
    """The exchange cuts every connection after 24 h; ours is replaced before, with jitter."""
    buffer: int = _count(1000)
    """Default size of a feed's buffer, in items."""
    streams_per_connection: int = _count(1024)
    messages_per_second: int = _count(5)
    connections_per_5_min: int = _count(300)
    rest_connections: int = _count(20)
    max_message_bytes: int = _count(16 * 2**20)
    max_body_bytes: int = _count(64 * 2**20)


@attrs.frozen
class SandboxSpec:
    """What ``BinanceConfig.sandbox`` asks of the embedded exchange."""

    seed: int = 0
    epoch_ms: int | None = None
    """Server time at the start; ``None`` takes the machine's."""
    activity: float = attrs.field(default=20.0, validator=_positive)
    """Events of the market makers a second and symbol, on average."""


@attrs.frozen
class ReplaySpec:
    """What ``BinanceConfig.replay`` asks of the player."""

    path: Path
    speed: float | None = attrs.field(default=None, validator=attrs.validators.optional(_positive))
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

    environment: Environment = attrs.field(validator=_instance_of(Environment))
    credentials: Credentials | None = attrs.field(default=None, validator=_instance_of(Credentials, type(None)))
    prefer: Literal["rest", "ws_api"] = attrs.field(default="rest", validator=_one_wire, kw_only=True)
    tuning: Tuning = attrs.field(factory=Tuning, validator=_instance_of(Tuning), kw_only=True)
    hooks: tuple[Callable[[Any], None], ...] = attrs.field(
        default=(), converter=_to_tuple, validator=_callables, kw_only=True
    )
    embedded: SandboxSpec | ReplaySpec | None = attrs.field(
        default=None, validator=_instance_of(SandboxSpec, ReplaySpec, type(None)), kw_only=True
    )
    """Set by ``sandbox`` and ``replay``: the exchange to run inside this process."""

    def __attrs_post_init__(self) -> None:
        if self.credentials is not None and not self.environment.takes_keys:
            raise ConfigError(f"credentials: the environment {self.environment.name!r} takes no keys")

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
        return cls(_SANDBOX, embedded=spec, **settings)

    @classmethod
    def replay(cls, path: str | os.PathLike[str], *, speed: float | None = None, **settings: Any) -> BinanceConfig:
        """Return a configuration that plays a recorded session over the same wire.

        Args:
            path: a ``*.session.jsonl`` or ``*.session.jsonl.gz`` file.
            speed: times the recording's own pace; ``None`` plays as fast as the consumers take it, losing nothing.
            **settings: any other field of ``BinanceConfig``.
        """
        spec = ReplaySpec(Path(path), speed)
        if not spec.path.is_file():
            raise ConfigError(f"path={str(path)!r}: no such file")
        return cls(_REPLAY, embedded=spec, **settings)

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
            _warn_if_readable(file, file.stat().st_mode, stacklevel=3)
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
    path = folder / _expand(_text("binance.credentials.private_key_file", table["private_key_file"]))
    return _with_key_file(table["api_key"], table.get("key_type", "ed25519"), path, table.get("passphrase"))
