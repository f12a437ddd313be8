"""The environments: hosts that belong together, the exchange's own as presets."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import SplitResult, urlsplit

import attrs

from ._checks import check_text, instance_of
from .errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

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


@attrs.frozen
class Environment:
    """A set of hosts that belong together. A key of one environment is never sent to another.

    ``rest_url`` has no path (``https://api.binance.com``), ``stream_url`` neither, ``ws_api_url`` has its full path.
    """

    name: str = attrs.field(validator=instance_of(str))
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
    for name in ("rest_url", "ws_api_url"):
        url = getattr(environment, name)
        host = urlsplit(url).hostname or "" if url else ""
        if host and url.startswith(("http://", "ws://")) and not _stays_here(host):
            raise ConfigError(f"{name}={url!r}: a key does not travel in plain text; use https:// or wss://")
        owners |= {preset.name for preset in Environment.presets().values() if host in _hosts(preset)}
    if len(owners) > 1:
        raise ConfigError(f"rest_url, ws_api_url: hosts of different environments, {' and '.join(sorted(owners))}")


def _hosts(environment: Environment) -> set[str | None]:
    return {urlsplit(url).hostname for url in (environment.rest_url, environment.ws_api_url) if url}


def _stays_here(host: str) -> bool:
    """Tell whether a host is this machine, or none at all (RFC 6761, ".invalid")."""
    if host == "localhost" or host.endswith((".localhost", ".invalid")):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
