"""The proxy: through whom we reach the exchange; whoever it knows us as is never shown."""

from __future__ import annotations

import enum
import os
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit

import attrs

from ._checks import check_text, check_type
from .credentials import Secret
from .errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

_LONGEST_LOGIN = 255
"""Bytes of a user name or a password (RFC 1929: their length is told in one)."""

_VARIABLES = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")


class ProxyKind(enum.Enum):
    """How a proxy is asked for a connection."""

    HTTP = "http"
    """``CONNECT`` (RFC 9110, 9.3.6)."""
    HTTPS = "https"
    """The same, inside TLS to the proxy."""
    SOCKS5 = "socks5"
    """RFC 1928, with a user name and a password if there are (RFC 1929); needs the extra ``proxy``."""


_SCHEMES = {**{kind.value: kind for kind in ProxyKind}, "socks5h": ProxyKind.SOCKS5}
_PORTS = {ProxyKind.HTTP: 80, ProxyKind.HTTPS: 443, ProxyKind.SOCKS5: 1080}


@attrs.frozen(repr=False)
class Proxy:
    """A proxy for REST and WebSocket alike; build it with ``parse``. It resolves the exchange's names, not we.

    Its repr and every error show its address and neither user name nor password: some proxies keep a token in either.
    """

    kind: ProxyKind
    host: str
    port: int
    username: Secret | None = None
    password: Secret | None = None

    def __attrs_post_init__(self) -> None:
        check_type("kind", self.kind, ProxyKind)
        check_type("port", self.port, int)
        if not check_text("host", self.host) or not 0 < self.port < 65536:
            raise ConfigError(f"proxy: {self.host!r}:{self.port} is no address")
        if (self.username is None) != (self.password is None):
            raise ConfigError("proxy: a user name and a password belong together")
        for name, login in (("user name", self.username), ("password", self.password)):
            if login is None:
                continue
            if not 0 < len(login.reveal()) <= _LONGEST_LOGIN:
                raise ConfigError(f"proxy: expected a {name} of 1 to {_LONGEST_LOGIN} bytes")
            if self.kind is ProxyKind.SOCKS5 and not login.reveal().isascii():
                raise ConfigError(f"proxy: the {name} of a SOCKS proxy has to be ASCII")
        if self.username is not None and b":" in self.username.reveal():
            raise ConfigError("proxy: a user name cannot have a colon (RFC 7617)")

    @property
    def address(self) -> str:
        """Host and port, as in a URL."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def __str__(self) -> str:
        login = "" if self.username is None else "***@"
        return f"{self.kind.value}://{login}{self.address}"

    def __repr__(self) -> str:
        return f"Proxy({str(self)!r})"

    @classmethod
    def parse(cls, url: str, *, name: str = "proxy") -> Proxy:
        """Return the proxy that a URL names: ``http://``, ``https://``, ``socks5://`` or ``socks5h://``.

        User name and password stand before the host, percent-encoded where they need it.

        Args:
            url: ``scheme://[user:password@]host[:port]``.
            name: the setting, for the error.

        Raises:
            ConfigError: it is no such URL; the message does not show it.
        """
        parts = _split(check_text(name, url))
        if parts is None or parts.scheme not in _SCHEMES or not parts.hostname:
            expected = f"expected {', '.join(_SCHEMES)}"
            raise ConfigError(f"{name}: not the URL of a proxy ({expected}; the value is not shown)")
        kind = _SCHEMES[parts.scheme]
        username, password = (None if text is None else _login(text) for text in (parts.username, parts.password))
        return cls(kind, parts.hostname, parts.port or _PORTS[kind], username, password)

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] | None = None) -> Proxy | None:
        """Return the proxy that ``HTTPS_PROXY`` or else ``ALL_PROXY`` names, in large or small letters; or ``None``.

        They are read when this is called and at no other time.

        Raises:
            ConfigError: the value is no URL of a proxy; the message names the variable and does not show it.
        """
        values = os.environ if environ is None else environ
        for name in _VARIABLES:
            if url := values.get(name):
                return cls.parse(url if "://" in url else f"http://{url}", name=name)
        return None


def _split(text: str) -> SplitResult | None:
    """Split a URL strictly: nothing but scheme, login, host and port, and nothing that ``urlsplit`` would drop."""
    if text.isascii() and text.isprintable() and " " not in text:
        try:
            parts = urlsplit(text)
            if parts.port != 0 and parts.path in ("", "/") and not parts.query and not parts.fragment:
                return parts
        except ValueError:
            # Whoever asked refuses it; what urlsplit says of it would quote a part.
            pass
    return None


def _login(text: str) -> Secret:
    return Secret(unquote(text, errors="surrogateescape").encode("utf-8", "surrogateescape"))
