"""The configuration: which exchange, whose key, how careful; frozen, checked when built, secrets masked."""

from __future__ import annotations

import enum
import os
import stat
import tomllib
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, TypeVar
from urllib.parse import urlsplit

import attrs

from .errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


T = TypeVar("T")


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
        if not self.api_key or not self.api_key.isascii() or not self.api_key.isprintable() or " " in self.api_key:
            raise ConfigError("api_key: expected printable ASCII without spaces")
        if not self.secret.reveal():
            raise ConfigError("secret: empty")

    def __repr__(self) -> str:
        return f"Credentials({self.key_type.value}, api_key={mask(self.api_key)!r})"

    @classmethod
    def hmac(cls, api_key: str, secret: str) -> Self:
        """Return credentials of an HMAC key: the secret is the text the exchange showed once."""
        return cls(api_key.strip(), KeyType.HMAC, Secret(secret.strip().encode()))

    @classmethod
    def ed25519(cls, api_key: str, pem: str | bytes | Path, *, passphrase: str | None = None) -> Self:
        """Return credentials of an Ed25519 key, the kind the exchange recommends; ``pem`` is PKCS#8 text or its file."""
        return cls._asymmetric(KeyType.ED25519, api_key, pem, passphrase)

    @classmethod
    def rsa(cls, api_key: str, pem: str | bytes | Path, *, passphrase: str | None = None) -> Self:
        """Return credentials of an RSA key; ``pem`` is PKCS#8 text or its file."""
        return cls._asymmetric(KeyType.RSA, api_key, pem, passphrase)

    @classmethod
    def _asymmetric(cls, key_type: KeyType, api_key: str, pem: str | bytes | Path, passphrase: str | None) -> Self:
        if isinstance(pem, Path):
            pem = read_key_file(pem)
        data = pem.encode() if isinstance(pem, str) else pem
        if b"-----BEGIN" not in data:
            raise ConfigError("pem: not a PEM text; to read a file give pathlib.Path(...)")
        return cls(api_key.strip(), key_type, Secret(data), None if passphrase is None else Secret(passphrase.encode()))


def read_key_file(path: Path) -> bytes:
    """Return the bytes of a key file, warning when others on this machine can read it.

    Raises:
        ConfigError: the file cannot be read; the message names it, never its content.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            data = file.read()
    except OSError as exc:
        raise ConfigError(f"key file {str(path)!r}: {exc.strerror}") from exc
    if os.name == "posix" and mode & (stat.S_IRGRP | stat.S_IROTH):
        warnings.warn(
            f"{path} can be read by others (mode {stat.S_IMODE(mode):o}); run: chmod 600 {path}",
            InsecureKeyFileWarning,
            stacklevel=4,
        )
    return data


def _check_url(schemes: tuple[str, ...]) -> Callable[[Any, attrs.Attribute[Any], Any], None]:
    def check(_instance: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        if value is None:
            return
        parts = urlsplit(value)
        if parts.scheme not in schemes or not parts.hostname:
            raise ConfigError(f"{attribute.name}={value!r}: expected a URL starting with {' or '.join(schemes)}://")
        if parts.username or parts.password:
            raise ConfigError(f"{attribute.name}: a URL must not carry a password")

    return check


@attrs.frozen
class Environment:
    """A set of hosts that belong together. A key of one environment is never sent to another.

    ``rest_url`` has no path (``https://api.binance.com``), ``stream_url`` neither, ``ws_api_url`` has its full path.
    """

    name: str
    rest_url: str = attrs.field(validator=_check_url(("https", "http")))
    stream_url: str = attrs.field(validator=_check_url(("wss", "ws")))
    ws_api_url: str | None = attrs.field(default=None, validator=_check_url(("wss", "ws")))
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


def _count(default: int) -> Any:
    return attrs.field(default=default, validator=[attrs.validators.instance_of(int), _positive], kw_only=True)


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
    recv_window_ms: int = _count(5000)
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


@attrs.frozen
class BinanceConfig:
    """Everything ``open_binance`` needs to know.

    ``prefer`` is the wire that calls take where both serve. ``hooks`` are called, in order and without waiting, with
    every frozen event of ``trio_binance.observe``; one that raises is logged and goes on being called.
    """

    environment: Environment
    credentials: Credentials | None = None
    prefer: Literal["rest", "ws_api"] = attrs.field(
        default="rest", validator=attrs.validators.in_(("rest", "ws_api")), kw_only=True
    )
    tuning: Tuning = attrs.field(factory=Tuning, kw_only=True)
    hooks: tuple[Callable[[Any], None], ...] = attrs.field(default=(), converter=tuple, kw_only=True)
    embedded: SandboxSpec | ReplaySpec | None = attrs.field(default=None, kw_only=True)
    """Set by ``sandbox`` and ``replay``: the exchange to run inside this process."""

    def __attrs_post_init__(self) -> None:
        if self.credentials is not None and not self.environment.takes_keys:
            raise ConfigError(f"credentials: the environment {self.environment.name!r} takes no keys")

    @classmethod
    def sandbox(
        cls, *, seed: int = 0, epoch_ms: int | None = None, activity: float = 20.0, **settings: Any
    ) -> BinanceConfig:
        """Return a configuration of the embedded exchange: in memory, no network, a funded account, the same
        market for the same seed.

        Args:
            seed: everything random in the exchange comes from it.
            epoch_ms: server time at the start in milliseconds; by default this machine's time.
            activity: events of the market makers a second and symbol, on average.
            **settings: any other field of ``BinanceConfig``.
        """  # noqa: D205
        spec = SandboxSpec(seed, epoch_ms, activity)
        settings.setdefault("credentials", Credentials.hmac("sandbox-key-of-a-funded-account", "sandbox-secret"))
        return cls(settings.pop("environment", _SANDBOX), embedded=spec, **settings)

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
        return cls(settings.pop("environment", _REPLAY), embedded=spec, **settings)

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
        name = values.get("BINANCE_ENVIRONMENT", "production").lower()
        if name not in Environment.presets():
            raise ConfigError(f"BINANCE_ENVIRONMENT={name!r}: expected one of {', '.join(Environment.presets())}")
        if "BINANCE_PREFER" in values:
            settings.setdefault("prefer", values["BINANCE_PREFER"].lower())
        return _build(Environment.presets()[name], _credentials_from_env(values), settings)

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
        try:
            document = tomllib.loads(file.read_text("utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
            raise ConfigError(f"{file}: {exc}") from exc
        table = document.get("binance")
        if not isinstance(table, dict):
            raise ConfigError(f"{file}: no table [binance]")
        return _from_table(table, file.parent, settings)


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
        return Credentials.hmac(api_key, secret)
    if key_file:
        passphrase = values.get("BINANCE_PRIVATE_KEY_PASSPHRASE")
        return _with_key_file(api_key, values.get("BINANCE_KEY_TYPE", "ed25519"), Path(key_file), passphrase)
    raise ConfigError("BINANCE_API_SECRET or BINANCE_PRIVATE_KEY_FILE: missing, though BINANCE_API_KEY is given")


def _with_key_file(api_key: str, key_type: str, path: Path, passphrase: str | None) -> Credentials:
    makers = {"ed25519": Credentials.ed25519, "rsa": Credentials.rsa}
    if key_type.lower() not in makers:
        raise ConfigError(f"key_type={key_type!r}: expected ed25519 or rsa")
    return makers[key_type.lower()](api_key, path.expanduser(), passphrase=passphrase)


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
    elif environment in Environment.presets():
        chosen = Environment.presets()[environment]
    else:
        raise ConfigError(f"binance.environment={environment!r}: expected one of {', '.join(Environment.presets())}")
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
    if isinstance(table.get("secret"), str):
        return Credentials.hmac(table["api_key"], table["secret"])
    if isinstance(table.get("private_key_file"), str):
        path = folder / Path(table["private_key_file"]).expanduser()
        return _with_key_file(table["api_key"], table.get("key_type", "ed25519"), path, table.get("passphrase"))
    raise ConfigError("binance.credentials: give secret or private_key_file")
