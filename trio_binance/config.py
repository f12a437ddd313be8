"""The configuration: which exchange, whose key, how careful; frozen, checked when built, secrets masked."""

from __future__ import annotations

import enum
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import attrs

from ._checks import instance_of, member_of, positive
from ._sources import WIRES, settings_from_env, settings_from_table, table_of
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
from .journals import JournalSpec as JournalSpec
from .journals import to_journal
from .proxies import Proxy as Proxy
from .proxies import ProxyKind as ProxyKind
from .safeties import Safety as Safety
from .tuning import TimeUnit as TimeUnit
from .tuning import Tuning as Tuning

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Overflow(enum.Enum):
    """What a feed does when its consumer is slower than the stream and the buffer is full."""

    DROP_OLDEST = "drop_oldest"
    """Drop the oldest waiting item and count it; ``feed.telling()`` also tells where."""
    LATEST = "latest"
    """Keep only the newest item of each symbol; what it replaced is counted."""
    FAIL = "fail"
    """End the feed with ``FeedOverflow``."""


@attrs.frozen
class SandboxSpec:
    """What ``BinanceConfig.sandbox`` asks of the embedded exchange."""

    seed: int = attrs.field(default=0, validator=instance_of(int))
    epoch_ms: int | None = attrs.field(default=None, validator=instance_of(int, type(None)))
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
    if value not in WIRES:
        raise ConfigError(f"{attribute.name}={value!r}: expected {' or '.join(WIRES)}")


def _callables(_instance: Any, attribute: attrs.Attribute[Any], value: tuple[Any, ...]) -> None:
    for hook in value:
        if not callable(hook):
            raise ConfigError(f"{attribute.name}: {hook!r} cannot be called")


def _to_tuple(value: Any) -> tuple[Any, ...]:
    try:
        return tuple(value)
    except TypeError:
        raise ConfigError(f"hooks={value!r}: expected a sequence of functions") from None


def _to_proxy(value: Proxy | str | None) -> Proxy | None:
    return Proxy.parse(value) if isinstance(value, str) else value


def _flag(default: bool) -> Any:
    return attrs.field(default=default, validator=instance_of(bool), kw_only=True)


@attrs.frozen
class BinanceConfig:
    """Everything ``open_binance`` needs to know.

    ``prefer`` is the wire that calls take where both serve; where that is ``"ws_api"``, the account's events have
    another connection than the calls, so that what cuts an order off leaves who can tell its fate. ``hooks`` are
    called, in order and without waiting, with every frozen event of ``trio_binance.observe``; one that raises is
    logged and goes on being called.

    Args:
        fallback: whether what only asks, or cancels, takes the other wire when the preferred one is not there. It takes
            a connection that stands; none is opened for it. An order never leaves the preferred wire.
        time_unit: in which unit the exchange tells moments: of every answer, event and ``Timestamp``.
        session_logon: whether to log on where calls prefer the WebSocket API and the key is Ed25519: then requests are
            not signed.
        return_rate_limits: whether each answer of the WebSocket API tells what is used of the limits; otherwise one
            every ten seconds does. The limiter counts by itself all the same; what other programs of this address use
            it learns from the exchange.
        resolve_by_cancel: whether an order whose fate no other witness knows, as after a restart, may be cancelled to
            learn it.
        proxy: through whom every connection is made: a ``Proxy`` or its URL. The process' own variables are not looked
            at.
        journal: where what is placed is noted before it leaves: a ``JournalSpec``, or the path of its file. **Without
            it that is in memory**: should the program end, however it ends, while it is not known what became of an
            order, nobody remembers that there may be one. With it the next run finds out, before it places anything.
        safety: what is refused before it is signed, whatever the program asks for; without it nothing is.
        embedded: set by ``sandbox`` and ``replay``: the exchange to run inside this process.
    """

    environment: Environment = attrs.field(validator=instance_of(Environment))
    credentials: Credentials | None = attrs.field(default=None, validator=instance_of(Credentials, type(None)))
    prefer: Literal["rest", "ws_api"] = attrs.field(default="rest", validator=_one_wire, kw_only=True)
    fallback: bool = _flag(default=True)
    time_unit: TimeUnit = attrs.field(default=TimeUnit.MILLISECOND, validator=member_of(TimeUnit), kw_only=True)
    session_logon: bool = _flag(default=True)
    return_rate_limits: bool = _flag(default=True)
    resolve_by_cancel: bool = _flag(default=False)
    proxy: Proxy | None = attrs.field(
        default=None, converter=_to_proxy, validator=instance_of(Proxy, type(None)), kw_only=True
    )
    journal: JournalSpec | None = attrs.field(
        default=None, converter=to_journal, validator=instance_of(JournalSpec, type(None)), kw_only=True
    )
    safety: Safety | None = attrs.field(default=None, validator=instance_of(Safety, type(None)), kw_only=True)
    tuning: Tuning = attrs.field(factory=Tuning, validator=instance_of(Tuning), kw_only=True)
    hooks: tuple[Callable[[Any], None], ...] = attrs.field(
        default=(), converter=_to_tuple, validator=_callables, kw_only=True
    )
    embedded: SandboxSpec | ReplaySpec | None = attrs.field(
        default=None, validator=instance_of(SandboxSpec, ReplaySpec, type(None)), kw_only=True
    )

    def __attrs_post_init__(self) -> None:
        if self.credentials is not None and not self.environment.takes_keys:
            raise ConfigError(f"credentials: the environment {self.environment.name!r} takes no keys")
        if self.credentials is not None:
            check_key_may_go(self.environment)
        if self.embedded is not None and self.environment not in (SANDBOX, REPLAY):
            raise ConfigError(f"embedded: the environment {self.environment.name!r} is not run in this process")
        if self.embedded is not None and self.proxy is not None:
            raise ConfigError("proxy: what is run in this process is reached without one")

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
        """Return a configuration from ``BINANCE_*`` variables. **Without ``BINANCE_ENVIRONMENT`` it is PRODUCTION.**

        With a key that may trade, orders are then placed for real money: to practise, set ``BINANCE_ENVIRONMENT`` to
        testnet or demo, or take ``BinanceConfig.sandbox()``.

        ``BINANCE_ENVIRONMENT`` (production, market_data_only, testnet, demo, us; production by default),
        ``BINANCE_API_KEY`` with ``BINANCE_API_SECRET`` (HMAC) or ``BINANCE_PRIVATE_KEY_FILE`` and
        ``BINANCE_KEY_TYPE`` (ed25519, rsa; ed25519 by default), ``BINANCE_PRIVATE_KEY_PASSPHRASE``,
        ``BINANCE_PREFER`` (rest, ws_api), ``BINANCE_FALLBACK``, ``BINANCE_SESSION_LOGON``,
        ``BINANCE_RESOLVE_BY_CANCEL`` and ``BINANCE_RETURN_RATE_LIMITS`` (true, false), ``BINANCE_TIME_UNIT``
        (millisecond, microsecond),
        ``BINANCE_PROXY`` (a URL, or ``environment`` for that of ``HTTPS_PROXY`` or ``ALL_PROXY``),
        ``BINANCE_JOURNAL`` (the path of a file) with ``BINANCE_JOURNAL_FSYNC`` (always, os; always by default) and
        ``BINANCE_JOURNAL_ADOPT`` (true, false),
        ``BINANCE_SAFETY_MAX_NOTIONAL`` (a number, or ``USDT=1000,BTC=0.02``), ``BINANCE_SAFETY_MAX_OPEN_ORDERS``,
        ``BINANCE_SAFETY_SYMBOLS`` (``BTCUSDT,ETHUSDT``), ``BINANCE_SAFETY_DRY_RUN`` (true, false) and
        ``BINANCE_SAFETY_CANCEL_ON_EXIT`` (seconds).

        Raises:
            ConfigError: a variable's value cannot be used; the message names the variable, never a secret.
        """
        return _build(settings_from_env(os.environ if environ is None else environ), settings)

    @classmethod
    def from_toml(cls, path: str | os.PathLike[str], **settings: Any) -> BinanceConfig:
        """Return a configuration from the table ``[binance]`` of a TOML file.

        Keys: ``environment`` (a preset's name, or a table of ``Environment``'s fields), ``prefer``, ``fallback``,
        ``time_unit``, ``session_logon``, ``return_rate_limits``, ``resolve_by_cancel``,
        ``proxy`` (a URL), ``credentials`` (a table: ``api_key`` and ``secret``, or ``private_key_file`` relative to the
        file, ``key_type``, ``passphrase``),
        ``journal`` (a path relative to the file, or a table of ``JournalSpec``'s fields), ``safety`` (a table of
        ``Safety``'s fields; numbers with a fraction as texts), ``tuning`` (a table of ``Tuning``'s fields).

        Raises:
            ConfigError: the file cannot be read, or a key or its value cannot be used.
        """
        file = Path(path)
        table = table_of(file)
        config = _build(settings_from_table(table, file.parent), settings)
        if "secret" in table.get("credentials", {}) or (config.proxy is not None and config.proxy.password is not None):
            warn_if_readable(file, file.stat().st_mode, stacklevel=3)
        return config


def _build(found: dict[str, Any], settings: dict[str, Any]) -> BinanceConfig:
    """Return a configuration of what was found and what was given in code, which comes first."""
    try:
        return BinanceConfig(found.pop("environment"), **{**found, **settings})
    except ConfigError:
        raise
    except (TypeError, ValueError) as exc:
        raise ConfigError(f"configuration: {exc}") from exc
