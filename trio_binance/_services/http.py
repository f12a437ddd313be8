"""The HTTP client: one request in, one reply out, byte for byte as it was signed."""

from __future__ import annotations

import functools
import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, final

import attrs
import h11
import httpx
import trio

from trio_binance._util import raise_saving_context
from trio_binance.errors import ConfigError, ConnectorClosed, InvalidArgument, ProtocolError

from .transport import DialerTransport, HttpStatistics, pass_over

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping

    from trio_binance.config import Tuning

    from .dialer import Dialer

_METHOD = re.compile(r"[A-Z]+")
# Printable ASCII without space and #, neither of which a request line can carry, and no longer than httpx takes.
_TARGET = re.compile(r"/[!-\"$-~]{0,65000}")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[!-~]([ -~]*[!-~])?")
_FRAMING = frozenset(
    ("accept-encoding", "connection", "content-length", "expect", "host", "te", "transfer-encoding", "upgrade")
)
# Compression would let a small answer become a large one, and hides where a body was cut.
_STANDARD = (("User-Agent", "trio-binance-connector"), ("Accept", "application/json"), ("Accept-Encoding", "identity"))
_FOREIGN = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, h11.ProtocolError, UnicodeError)


@attrs.frozen
class HttpReply:
    """An answer, whatever its status.

    ``headers`` has lower-case names; a header that came twice has its values joined by ", ". ``sent_at`` and
    ``received_at`` are the ``trio.current_time()`` of the first byte out and the last byte in.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = attrs.field(repr=lambda body: f"<{len(body)} bytes>")
    sent_at: float
    received_at: float


class _NoCookies(httpx.Cookies):
    """Cookies that stay empty: the exchange's calls have no state but what is in them."""

    def extract_cookies(self, response: httpx.Response) -> None:
        """Keep nothing; to look for cookies would take a sixth of a request's time."""


class _Client(httpx.AsyncClient):
    """httpx's client without its memory."""

    _none = _NoCookies()

    @property
    def cookies(self) -> httpx.Cookies:
        """None at all."""
        return self._none

    @cookies.setter
    def cookies(self, cookies: object) -> None:
        """Keep nothing."""


@asynccontextmanager
async def open_http(
    base_url: str,
    dialer: Dialer,
    tuning: Tuning,
    *,
    mirrors: Iterable[str] = (),
    on_mirror: Callable[[str, str], None] = pass_over,
) -> AsyncIterator[HttpClient]:
    """Open a client for one host and its mirrors, and close all its connections at the end.

    Args:
        base_url: scheme, host and perhaps port (``https://api.binance.com``), no path.
        dialer: opens the connections; none is opened before the first request.
        tuning: ``request_timeout``, ``rest_connections``, ``max_body_bytes``, ``close_timeout``, ``mirror_return``.
        mirrors: URLs of hosts that serve the same, one after the other called when the present one cannot be reached.
        on_mirror: told of every such change: which host could not be reached, and which is called instead.

    Raises:
        ConfigError: ``base_url`` is no such URL.

    What the block raises leaves it as it is, never in a group.
    """
    origin, *others = map(_parse_origin, (base_url, *mirrors))
    error: BaseException | None = None
    try:
        async with trio.open_nursery() as nursery:
            transport = DialerTransport(origin, dialer, tuning, nursery, mirrors=others, on_mirror=on_mirror)
            # trust_env=False: no proxy, certificate or password of the environment's comes between us.
            async with _Client(transport=transport, trust_env=False, follow_redirects=False) as client:
                try:
                    yield HttpClient(client, transport, origin)
                except BaseException as exc:
                    error = exc
                    raise
    except BaseExceptionGroup:
        # The transport's watchers never raise: the group holds the block's own error and nothing else.
        assert error is not None
        raise_saving_context(error)


@final
class HttpClient:
    """Requests to one host. Any number of tasks may use it at once."""

    def __init__(self, client: httpx.AsyncClient, transport: DialerTransport, origin: httpx.URL) -> None:
        self._client = client
        self._transport = transport
        # A client uses a few dozen paths, and to parse a URL takes as long as to parse an answer.
        self._url = functools.lru_cache(256)(lambda path: origin.copy_with(path=path))

    async def request(
        self, method: str, target: str, *, body: bytes = b"", headers: Iterable[tuple[str, str]] = ()
    ) -> HttpReply:
        """Send one request and return the reply, whatever its status; a redirect is a reply and is not followed.

        Args:
            method: GET, POST, PUT or DELETE.
            target: path, ``?`` and query, already percent-encoded; these very characters go out.
            body: sent as it is, with its length.
            headers: names and values beside those of the transport (Host, Content-Length, Accept-Encoding, ...).

        Raises:
            InvalidArgument, ConnectorClosed, ConnectError: nothing was sent.
            DeadlineExceeded: no complete answer within ``tuning.request_timeout``, waiting for a free connection
                included; ``.outcome`` says whether anything was sent.
            ConnectionLost, ProtocolError: broken after the request began to go out; outcome UNKNOWN.

        No exception, nor its cause, holds the query, a header or a signature. Cancelled, it closes the connection it
        was using; the request may have been executed.
        """
        if self._client.is_closed:
            raise ConnectorClosed("the HTTP client is closed")
        request = self._build(method, target, body, headers)
        try:
            return _to_reply(await self._client.send(request))
        except _FOREIGN as exc:
            failure = type(exc).__name__
        # Raised out here, where httpx's exception, whose text and request may carry secrets, is no context.
        raise ProtocolError(f"{method} {_path(target)[:200]}: {failure}")

    def statistics(self) -> HttpStatistics:
        """Return the counts of requests and connections."""
        return self._transport.statistics()

    def _build(self, method: str, target: str, body: bytes, headers: Iterable[tuple[str, str]]) -> httpx.Request:
        if not _METHOD.fullmatch(method):
            raise InvalidArgument("method", method, "expected capital letters")
        path = _path(target)
        if not _TARGET.fullmatch(target):
            raise InvalidArgument("target", path[:200], "expected a path and a percent-encoded query, in ASCII")
        # httpx writes URLs its own way, and logs them at INFO. So it is given the path alone, and the transport the
        # target as it was signed.
        return httpx.Request(
            method,
            self._url(path),
            headers=[*_STANDARD, *map(_checked, headers)],
            content=body,
            extensions={"target": target.encode("ascii")},
        )


def _path(target: str) -> str:
    return target.partition("?")[0]


def _checked(header: tuple[str, str]) -> tuple[str, str]:
    name, value = header
    if not _NAME.fullmatch(name) or name.lower() in _FRAMING:
        raise InvalidArgument("headers", name, "not a header's name, or one that the transport sets")
    if not _VALUE.fullmatch(value):
        raise InvalidArgument("headers", name, "the value (not shown) is not printable ASCII")
    return header


def _to_reply(response: httpx.Response) -> HttpReply:
    headers: dict[str, str] = {}
    for raw_name, raw_value in response.headers.raw:
        name, value = raw_name.decode("ascii").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    times = response.extensions
    return HttpReply(response.status_code, headers, response.content, times["sent_at"], times["received_at"])


def _parse_origin(base_url: str) -> httpx.URL:
    try:
        url = httpx.URL(base_url)
    except (httpx.InvalidURL, TypeError) as exc:
        raise ConfigError(f"base_url={base_url!r}: {exc}") from exc
    if url.scheme not in ("http", "https") or not url.host or url.raw_path != b"/" or url.userinfo:
        raise ConfigError(f"base_url={base_url!r}: expected http:// or https://, a host and no path")
    return url
