"""The dialer: one way to the network, used by REST and WebSocket alike."""

from __future__ import annotations

import functools
import os
import ssl
from typing import Protocol, final

import certifi
import trio

from trio_binance.errors import ConnectError, TLSError


class Dialer(Protocol):
    """Whatever opens byte streams: the real network, or an embedded exchange's network in memory."""

    async def connect(self, host: str, port: int, *, tls: bool) -> trio.abc.Stream:
        """Return an open stream, the caller's to close.

        Raises:
            ConnectError: no connection; nothing was sent. ``TLSError`` where the peer could not prove who it is.

        Cancelled, it leaves nothing open.
        """
        ...


@final
class TcpDialer:
    """Dials over TCP with happy eyeballs, and TLS on top when asked; there is no way to less than what was asked.

    Args:
        connect_timeout: seconds for name lookup, connection and handshake together.
        ssl_context: what to prove the peer with; by default one context shared by every dialer of the process.
    """

    def __init__(self, *, connect_timeout: float, ssl_context: ssl.SSLContext | None = None) -> None:
        self._connect_timeout = connect_timeout
        self._ssl_context = ssl_context

    async def connect(self, host: str, port: int, *, tls: bool) -> trio.abc.Stream:
        """Return an open stream to ``host``, Nagle's algorithm off, encrypted if ``tls``.

        Raises:
            TLSError: the handshake failed, or the certificate is not the host's, expired or from nobody we know.
            ConnectError: the name is unknown, nobody listens, or it all took longer than ``connect_timeout``.

        Cancelled, it leaves nothing open. A name lookup goes on in its thread and its answer is dropped.
        """
        with trio.move_on_after(self._connect_timeout):
            stream = await open_tcp(host, port)
            return await secure(stream, host, port, self._ssl_context) if tls else stream
        raise ConnectError(f"{host}:{port}: no connection within {self._connect_timeout:g} s")


async def secure(
    stream: trio.abc.Stream, host: str, port: int, context: ssl.SSLContext | None = None
) -> trio.abc.Stream:
    """Return the stream inside TLS, the peer having proved to be ``host``; on any exception it is closed.

    Raises:
        TLSError: the handshake failed, or the certificate is not the host's, expired or from nobody we know.
    """
    try:
        # A peer that closes TCP without TLS' close_notify is common among HTTP servers; h11 and wsproto tell
        # themselves whether a message was cut short.
        secured = trio.SSLStream(stream, context or shared_ssl_context(), server_hostname=host, https_compatible=True)
        await secured.do_handshake()
    except (trio.BrokenResourceError, OSError, ValueError) as exc:
        await trio.aclose_forcefully(stream)
        raise TLSError(f"{host}:{port}: TLS handshake failed: {_tls_reason(exc)}") from exc
    except BaseException:
        await trio.aclose_forcefully(stream)
        raise
    return secured


async def open_tcp(host: str, port: int) -> trio.SocketStream:
    """Return a TCP stream, by happy eyeballs.

    Raises:
        ConnectError: the name is unknown, or nobody listens.
    """
    if not 0 < port < 65536:  # the system would take its lower 16 bits
        raise ConnectError(f"{host}:{port}: not an address: no such port")
    try:
        return await trio.open_tcp_stream(host, port)
    except OSError as exc:
        raise ConnectError(f"{host}:{port}: {_tcp_reason(exc)}") from exc
    except ValueError as exc:  # a name that cannot be encoded
        raise ConnectError(f"{host}:{port}: not an address: {exc}") from exc


def _tcp_reason(exc: OSError) -> str:
    """Say why each address failed: Trio puts one OSError for each into a group, as the cause of its own."""
    if isinstance(exc.__cause__, BaseExceptionGroup):
        return "; ".join(dict.fromkeys(str(each) for each in exc.__cause__.exceptions))
    return exc.strerror or str(exc)


def _tls_reason(exc: BaseException) -> str:
    """Say what OpenSSL said: Trio makes it the cause of its BrokenResourceError."""
    cause = exc.__cause__ or exc
    if isinstance(cause, ssl.SSLCertVerificationError):
        return cause.verify_message
    return str(cause) or "the peer closed the connection"


@functools.cache
def shared_ssl_context() -> ssl.SSLContext:
    """Return the process' one context for clients: certificates and host names checked, TLS 1.2 or newer.

    Made when first needed: reading the authorities takes tens of milliseconds.
    """
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    if not _system_has_authorities(context):
        context.load_verify_locations(certifi.where())
    return context


def _system_has_authorities(context: ssl.SSLContext) -> bool:
    """Tell whether this machine has a store of its own; a folder's certificates are loaded only when asked for."""
    if context.cert_store_stats()["x509_ca"]:
        return True
    folder: str | None = ssl.get_default_verify_paths().capath
    return bool(folder) and bool(os.listdir(folder))
