"""The environments: hosts that belong together, the exchange's own as presets."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import SplitResult, urlsplit

import attrs

from ._checks import check_text, instance_of
from .errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ._checks import Validator


def _check_url(schemes: tuple[str, ...], *, path: bool = False) -> Validator:
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
    text = check_text(name, value)
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


def _strip_slashes(value: Any) -> Any:
    return tuple(map(_strip_slash, value)) if isinstance(value, list | tuple) else value


def _mirrors(schemes: tuple[str, ...], *, path: bool = False) -> Any:
    check = attrs.validators.deep_iterable(_check_url(schemes, path=path), instance_of(tuple))
    return attrs.field(default=(), converter=_strip_slashes, validator=check, kw_only=True)


def _to_names(value: Any) -> Any:
    return frozenset(value) if isinstance(value, list | tuple | set) else value


@attrs.frozen
class Environment:
    """A set of hosts that belong together. A key of one environment is never sent to another.

    ``rest_url`` has no path (``https://api.binance.com``), ``stream_url`` neither, ``ws_api_url`` has its full path.
    Mirrors have the same form and stand in, one after the other, for a host that cannot be reached.
    """

    name: str = attrs.field(validator=instance_of(str))
    rest_url: str = attrs.field(converter=_strip_slash, validator=_check_url(("https", "http")))
    stream_url: str = attrs.field(converter=_strip_slash, validator=_check_url(("wss", "ws")))
    ws_api_url: str | None = attrs.field(
        default=None, validator=attrs.validators.optional(_check_url(("wss", "ws"), path=True))
    )
    takes_keys: bool = True
    rest_mirrors: tuple[str, ...] = _mirrors(("https", "http"))
    stream_mirrors: tuple[str, ...] = _mirrors(("wss", "ws"))
    ws_api_mirrors: tuple[str, ...] = _mirrors(("wss", "ws"), path=True)
    offers: frozenset[str] | None = attrs.field(
        default=None, converter=_to_names, validator=instance_of(frozenset, type(None)), kw_only=True, repr=False
    )
    """The REST operations that it serves (``"GET /api/v3/depth"``); ``None``: all of them."""

    def __attrs_post_init__(self) -> None:
        if self.ws_api_mirrors and self.ws_api_url is None:
            raise ConfigError("ws_api_mirrors: mirrors of nothing, for ws_api_url is missing")

    @property
    def rest_urls(self) -> tuple[str, ...]:
        """The REST host and its mirrors."""
        return (self.rest_url, *self.rest_mirrors)

    @property
    def stream_urls(self) -> tuple[str, ...]:
        """The host of the streams and its mirrors."""
        return (self.stream_url, *self.stream_mirrors)

    @property
    def ws_api_urls(self) -> tuple[str, ...]:
        """The WebSocket API and its mirrors; empty where there is none."""
        return () if self.ws_api_url is None else (self.ws_api_url, *self.ws_api_mirrors)

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


_MARKET_DATA = (
    "aggTrades", "avgPrice", "depth", "exchangeInfo", "klines", "ping", "ticker", "ticker/24hr", "ticker/bookTicker",
    "ticker/price", "time", "trades", "uiKlines",
)  # fmt: skip
"""What the market-data-only host serves (faqs/market_data_only.md)."""

Environment.PRODUCTION = Environment(
    "production",
    "https://api.binance.com",
    "wss://stream.binance.com:9443",
    "wss://ws-api.binance.com:443/ws-api/v3",
    # "api1-api4: better performance, less stability" (rest-api.md, "General API Information"): these come last.
    rest_mirrors=("https://api-gcp.binance.com", *(f"https://api{number}.binance.com" for number in range(1, 5))),
    stream_mirrors=("wss://stream.binance.com:443",),
    ws_api_mirrors=("wss://ws-api.binance.com:9443/ws-api/v3",),
)
Environment.MARKET_DATA_ONLY = Environment(
    "market_data_only",
    "https://data-api.binance.vision",
    "wss://data-stream.binance.vision",
    takes_keys=False,
    offers=frozenset(f"GET /api/v3/{path}" for path in _MARKET_DATA),
)
Environment.TESTNET = Environment(
    "testnet",
    "https://testnet.binance.vision",
    "wss://stream.testnet.binance.vision",
    "wss://ws-api.testnet.binance.vision/ws-api/v3",
    rest_mirrors=("https://api1.testnet.binance.vision",),
    stream_mirrors=("wss://stream.testnet.binance.vision:9443",),
    ws_api_mirrors=("wss://ws-api.testnet.binance.vision:9443/ws-api/v3",),
)
Environment.DEMO = Environment(
    "demo",
    "https://demo-api.binance.com",
    "wss://demo-stream.binance.com",
    "wss://demo-ws-api.binance.com/ws-api/v3",
    stream_mirrors=("wss://demo-stream.binance.com:9443",),
)
Environment.US = Environment(
    "us", "https://api.binance.us", "wss://stream.binance.us:9443", "wss://ws-api.binance.us:443/ws-api/v3"
)
SANDBOX = Environment("sandbox", "http://sandbox.invalid", "ws://sandbox.invalid", "ws://sandbox.invalid/ws-api/v3")
"""The embedded exchange's: names that no resolver knows, for nothing of it goes over a network."""
REPLAY = Environment("replay", "http://replay.invalid", "ws://replay.invalid", takes_keys=False)
"""The player's of recorded sessions; the same."""


def check_key_may_go(environment: Environment) -> None:
    """Refuse to send a key in plain text over a network, or the key of one environment to another.

    Raises:
        ConfigError: the message names the URL.
    """
    owners = set()
    for name, url in _keyed_urls(environment):
        host = urlsplit(url).hostname or ""
        if url.startswith(("http://", "ws://")) and not _stays_here(host):
            raise ConfigError(f"{name}={url!r}: a key does not travel in plain text; use https:// or wss://")
        owners |= {preset.name for preset in Environment.presets().values() if host in _hosts(preset)}
    if len(owners) > 1:
        raise ConfigError(f"rest_url, ws_api_url: hosts of different environments, {' and '.join(sorted(owners))}")


def _keyed_urls(environment: Environment) -> Iterator[tuple[str, str]]:
    """Give the URLs that a key may travel to, each with the name of its setting."""
    for wire, urls in (("rest", environment.rest_urls), ("ws_api", environment.ws_api_urls)):
        for place, url in enumerate(urls):
            yield f"{wire}_mirrors" if place else f"{wire}_url", url


def _hosts(environment: Environment) -> set[str | None]:
    return {urlsplit(url).hostname for _, url in _keyed_urls(environment)}


def _stays_here(host: str) -> bool:
    """Tell whether a host is this machine, or none at all (RFC 6761, ".invalid")."""
    if host == "localhost" or host.endswith((".localhost", ".invalid")):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
