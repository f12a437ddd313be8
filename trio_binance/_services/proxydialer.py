"""The proxy dialer: the same way to the network, through somebody who connects us."""

from __future__ import annotations

import base64
import math
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, final

import h11
import trio

from trio_binance.errors import ConfigError, ConnectError
from trio_binance.proxies import ProxyKind

from .dialer import open_tcp, secure

if TYPE_CHECKING:
    import ssl

    from trio_binance.credentials import Secret
    from trio_binance.proxies import Proxy


@final
class ProxyDialer:
    """Dials through a proxy; TLS, where it is asked for, goes through it to the host and is none of its business.

    The host's name is looked up by the proxy.

    Args:
        proxy: whom to ask, and who we are there.
        connect_timeout: seconds for the connection to the proxy, its own, and the handshake together.
        ssl_context: what to prove host and proxy with; by default the one shared by every dialer of the process.

    Raises:
        ConfigError: it is a SOCKS proxy, and the package that speaks with those is not installed.
    """

    def __init__(self, proxy: Proxy, *, connect_timeout: float, ssl_context: ssl.SSLContext | None = None) -> None:
        self._proxy = proxy
        self._connect_timeout = connect_timeout
        self._ssl_context = ssl_context
        self._socks = _socks_client(proxy) if proxy.kind is ProxyKind.SOCKS5 else None

    async def connect(self, host: str, port: int, *, tls: bool) -> trio.abc.Stream:
        """Return an open stream to ``host``, encrypted if ``tls``.

        Raises:
            TLSError: the host, or a proxy that is asked by TLS, could not prove who it is.
            ConnectError: the proxy cannot be reached or refuses, or it all took longer than ``connect_timeout``.

        Cancelled, it leaves nothing open.
        """
        with trio.move_on_after(self._connect_timeout):
            tunnel = await self._ask_by_http(host, port) if self._socks is None else await self._ask_socks(host, port)
            return await secure(tunnel, host, port, self._ssl_context) if tls else tunnel
        raise self._error(host, port, f"no connection within {self._connect_timeout:g} s")

    def _error(self, host: str, port: int, reason: str) -> ConnectError:
        return ConnectError(f"{host}:{port} through {self._proxy}: {reason}")

    # -------------------------------------------------------------------------------------------------- CONNECT

    async def _ask_by_http(self, host: str, port: int) -> trio.abc.Stream:
        # python-socks takes the first piece of the answer for the whole of it: h11 knows where it ends.
        proxy = self._proxy
        stream: trio.abc.Stream = await open_tcp(proxy.host, proxy.port)
        if proxy.kind is ProxyKind.HTTPS:
            stream = await secure(stream, proxy.host, proxy.port, self._ssl_context)
        try:
            refusal = await self._exchange(stream, host, port)
        except (trio.BrokenResourceError, h11.ProtocolError):
            refusal = "the proxy hung up, or speaks no HTTP"
        except BaseException:
            await trio.aclose_forcefully(stream)
            raise
        if refusal:
            await trio.aclose_forcefully(stream)
            raise self._error(host, port, refusal)
        return stream

    async def _exchange(self, stream: trio.abc.Stream, host: str, port: int) -> str:
        """Ask for the connection and return why there is none, or nothing."""
        http = h11.Connection(h11.CLIENT)
        request = h11.Request(method="CONNECT", target=_authority(host, port), headers=self._headers(host, port))
        await stream.send_all((http.send(request) or b"") + (http.send(h11.EndOfMessage()) or b""))
        while not isinstance(event := http.next_event(), h11.Response):
            if event is h11.NEED_DATA:
                http.receive_data(bytes(await stream.receive_some()))
        if not 200 <= event.status_code < 300:
            known = event.status_code in HTTPStatus.__members__.values()
            phrase = f" {HTTPStatus(event.status_code).phrase}" if known else ""
            return f"the proxy answers {event.status_code}{phrase}"
        # Nobody but the host speaks from here on, and no host of ours does before it is spoken to.
        return "the proxy says more than it was asked" if any(http.trailing_data) else ""

    def _headers(self, host: str, port: int) -> list[tuple[str, str]]:
        headers = [("Host", _authority(host, port))]
        if self._proxy.username is not None and self._proxy.password is not None:
            login = b"%b:%b" % (self._proxy.username.reveal(), self._proxy.password.reveal())
            headers.append(("Proxy-Authorization", f"Basic {base64.b64encode(login).decode()}"))
        return headers

    # ---------------------------------------------------------------------------------------------------- SOCKS

    async def _ask_socks(self, host: str, port: int) -> trio.abc.Stream:
        from python_socks import ProxyError

        assert self._socks is not None
        try:
            socket = await self._socks.connect(host, port, timeout=math.inf)
        except (ProxyError, OSError, UnicodeError) as exc:
            raise self._error(host, port, str(exc)) from exc
        return trio.SocketStream(socket)


def _authority(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _socks_client(proxy: Proxy) -> Any:
    try:
        from python_socks import ProxyType
        from python_socks.async_.trio import Proxy as Client
    except ImportError as exc:
        reason = "a SOCKS proxy needs python-socks; run: pip install 'trio-binance-connector[proxy]'"
        raise ConfigError(f"proxy={str(proxy)!r}: {reason}") from exc
    # rdns: a name that is looked up here tells this network whom we talk to, and perhaps gets another answer.
    return Client(ProxyType.SOCKS5, proxy.host, proxy.port, _text(proxy.username), _text(proxy.password), rdns=True)


def _text(secret: Secret | None) -> str | None:
    return None if secret is None else secret.reveal().decode("ascii")
