"""The transport: HTTP/1.1 requests of httpx over connections of our own dialer, kept alive and never shared half-read.

One place decides what became of a request that failed: it is NOT_SENT until its bytes are handed to a stream, and
UNKNOWN from then on, whatever happens. A connection goes back to the pool only after an answer that h11 calls complete,
with nothing behind it; while it rests there a task goes on reading it, so that a second answer nobody asked for, or the
end, takes it out of the pool and never meets the next request.
"""

from __future__ import annotations

import types
from contextlib import suppress
from typing import TYPE_CHECKING, Any, final

import attrs
import h11
import httpx
import trio

from trio_binance._pure.mirrors import Mirrors
from trio_binance.errors import (
    BinanceError,
    ConnectError,
    ConnectionLost,
    ConnectorClosed,
    DeadlineExceeded,
    InvalidArgument,
    NetworkError,
    Outcome,
)

from .http1 import Call, Connection

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from trio_binance.config import Tuning

    from .dialer import Dialer

IDLE_LIMIT = 20.0
"""Seconds an unused connection is kept: less than the exchange keeps it, for a request that meets the close is lost."""


def pass_over(unreachable: str, instead: str) -> None:
    """Tell nobody."""


@attrs.frozen
class HttpStatistics:
    """Counts since the start (``requests``, ``opened``, ``reused``, ``failures``) and now (``open``, ``idle``)."""

    requests: int
    open: int
    idle: int
    opened: int
    reused: int
    failures: int


@attrs.define(eq=False)
class _Idle:
    """A connection at rest and the task that reads it meanwhile."""

    connection: Connection
    scope: trio.CancelScope
    watch_ended: trio.Event = attrs.field(factory=trio.Event)
    taken: bool = False
    """A request wants it, and decides itself what becomes of it."""
    quiet: bool = False
    """The watch ended because we ended it: no bytes, no end and no error had arrived, none of which we asked for."""
    steps: int = 0
    """How often the reading has given way to other tasks."""

    @types.coroutine
    def read(self) -> Generator[Any, Any, None]:
        """Return when something has arrived, counting the steps until then."""
        reading = self.connection.stream.receive_some(1)
        sent = None
        with suppress(StopIteration):
            while True:
                wish = reading.send(sent)
                self.steps += 1
                sent = yield wish

    async def settle(self) -> None:
        """Return when all that had arrived was read: two turns of the scheduler passed without a step of ``read``."""
        # Cancelled any earlier, a stream that begins a read by giving way would not have looked.
        calm = 0
        while calm < 2 and not self.watch_ended.is_set():
            steps = self.steps
            await trio.lowlevel.checkpoint()
            calm = calm + 1 if steps == self.steps else 0


@final
class DialerTransport(httpx.AsyncBaseTransport):
    """httpx's transport over a ``Dialer``: one host, its connections kept and the newest used first.

    At most ``tuning.rest_connections`` GETs are under way at once, and as many requests of other methods beside them.

    A request's whole way, waiting for a free connection included, takes at most ``tuning.request_timeout`` seconds;
    httpx's own timeouts, which hold for one read each, do not apply. Every exception is one of ``trio_binance.errors``
    with its exact outcome, and shows method and path alone.

    Args:
        origin: scheme, host and port; a request for any other is refused, and with it a key sent astray.
        dialer: opens the connections.
        tuning: sizes and deadlines.
        nursery: where the tasks run that watch resting connections, none of which ever raises; closed after us.
        mirrors: hosts that serve the same, for when the origin cannot be reached.
        on_mirror: told when another host is called from now on: the one that could not be reached, and the new one.
    """

    def __init__(
        self,
        origin: httpx.URL,
        dialer: Dialer,
        tuning: Tuning,
        nursery: trio.Nursery,
        *,
        mirrors: Sequence[httpx.URL] = (),
        on_mirror: Callable[[str, str], None] = pass_over,
    ) -> None:
        self._origin = origin
        self._hosts = {str(url): url for url in (origin, *mirrors)}
        self._mirrors = Mirrors(tuple(self._hosts), return_after=tuning.mirror_return)
        self._on_mirror = on_mirror
        self._dialer = dialer
        self._tuning = tuning
        self._nursery = nursery
        self._reads = trio.Semaphore(tuning.rest_connections)
        self._writes = trio.Semaphore(tuning.rest_connections)
        self._open: set[Connection] = set()
        self._idle: list[_Idle] = []
        self._closed = False
        self._requests = self._opened = self._reused = self._failures = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request and return its complete answer, body included.

        The request's extension ``target`` (bytes), as in httpcore, goes out in place of the URL's path and query.
        The answer's ``sent_at`` and ``received_at`` are the ``trio.current_time()`` of first byte out and last in.
        A GET on a resting connection that dies before a byte of answer is sent once more, at once, on a fresh one;
        nothing else ever is.

        Raises:
            InvalidArgument, ConnectorClosed, ConnectError: nothing was sent.
            DeadlineExceeded: no complete answer in time. Its outcome says whether anything was sent.
            ConnectionLost, ProtocolError: the line, or the peer's HTTP, broke after the request began to go out.

        Cancelled, it closes the connection it was using; the request may have been executed.
        """
        call = await self._prepare(request)
        self._requests += 1
        try:
            with trio.move_on_after(self._tuning.request_timeout):
                # An order, and a cancel even more so, never waits behind questions that hang.
                async with self._reads if call.head.method == b"GET" else self._writes:
                    return await self._perform(call)
            raise DeadlineExceeded(f"{call.label}: no answer within {self._tuning.request_timeout:g} s")
        except BinanceError as exc:
            self._failures += 1
            exc.outcome = Outcome.NOT_SENT if call.sent_at is None else Outcome.UNKNOWN
            if isinstance(exc, NetworkError):
                self._purge()  # where one connection died the resting ones of the same route may be dead too
            raise

    async def aclose(self) -> None:
        """Close every connection; requests in flight fail with ``ConnectionLost``. Not stopped by cancellation."""
        self._closed = True
        self._purge()
        for connection in list(self._open):
            await self._discard(connection)

    def statistics(self) -> HttpStatistics:
        """Return the counts."""
        return HttpStatistics(
            self._requests, len(self._open), len(self._idle), self._opened, self._reused, self._failures
        )

    async def _prepare(self, request: httpx.Request) -> Call:
        label = f"{request.method} {request.url.path[:200]}"
        if request.url.netloc != self._origin.netloc or request.url.scheme != self._origin.scheme:
            raise InvalidArgument("url", f"{request.url.scheme}://{request.url.host}", "not the host of this transport")
        target = request.extensions.get("target", request.url.raw_path)
        with suppress(h11.LocalProtocolError):  # its text may quote a header's value
            head = h11.Request(method=request.method, target=target, headers=request.headers.raw)
            return Call(label, head, await request.aread())
        raise InvalidArgument("request", label, "cannot be written as HTTP/1.1")

    async def _perform(self, call: Call) -> httpx.Response:
        connection = await self._take_idle()
        if connection is not None:
            self._reused += 1
            try:
                return await self._exchange(connection, call)
            except ConnectionLost:
                # The peer closed it just as we sent. RFC 9112, "9.3.1. Retrying Requests": of its own accord a
                # client repeats idempotent methods only, and only where no part of an answer came.
                if call.head.method != b"GET" or call.heard:
                    raise
                self._purge()
        return await self._exchange(await self._dial(), call)

    async def _dial(self) -> Connection:
        """Return a connection to the present host, or to the next one: no byte of any request has left yet."""
        url = self._mirrors.current(trio.current_time())
        try:
            return await self._dial_host(url)
        except ConnectError:
            other = self._on_unreachable(url)
            if other is None:
                raise
        try:
            return await self._dial_host(other)
        except ConnectError:
            self._on_unreachable(other)  # the next call begins with another; this one has its deadline to keep
            raise

    def _on_unreachable(self, url: str) -> str | None:
        now = trio.current_time()
        before = self._mirrors.current(now)
        other = self._mirrors.on_unreachable(url, now)
        if other is not None and other != before:
            self._on_mirror(before, other)
        return other

    async def _dial_host(self, url: str) -> Connection:
        self._check_open()
        host = self._hosts[url]
        tls = host.scheme == "https"
        with trio.move_on_after(self._tuning.connect_timeout):
            stream = await self._dialer.connect(host.host, host.port or (443 if tls else 80), tls=tls)
            authority = None if host is self._origin else host.netloc
            connection = Connection(stream, self._tuning.max_body_bytes, authority)
            self._open.add(connection)
            self._opened += 1
            return connection
        raise ConnectError(f"{host.host}: no connection within {self._tuning.connect_timeout:g} s")

    def _check_open(self) -> None:
        if self._closed:
            raise ConnectorClosed("the HTTP client is closed")

    async def _exchange(self, connection: Connection, call: Call) -> httpx.Response:
        try:
            self._check_open()
            answer = await connection.exchange(call)
        except BaseException:
            await self._discard(connection)  # noqa: ASYNC102 - shields itself, with a deadline
            raise
        if self._closed or not connection.rearm():
            await self._discard(connection)
        else:
            # Shielded, since a block that is being cancelled may still clean up through us (cancel its orders, say).
            idle = _Idle(connection, trio.CancelScope(deadline=trio.current_time() + IDLE_LIMIT, shield=True))
            self._idle.append(idle)
            self._nursery.start_soon(self._watch, idle)
        return answer  # no cancellation reaches us between its last byte and here: a whole answer is never lost

    async def _watch(self, idle: _Idle) -> None:
        """Read a resting connection until a request takes it, something arrives, or it is too old or purged."""
        with idle.scope, suppress(Exception):  # whatever a stream says here, it is of no more use
            await idle.read()
        idle.quiet = idle.scope.cancelled_caught
        idle.watch_ended.set()
        if not idle.taken:
            self._idle = [other for other in self._idle if other is not idle]
            await self._discard(idle.connection)

    async def _take_idle(self) -> Connection | None:
        """Return the connection that rested last and is quiet, or None. Cancelled, it closes the one it looked at."""
        while self._idle:
            idle = self._idle.pop()
            idle.taken = True
            try:
                await idle.settle()
                idle.scope.cancel(reason="a request takes the connection")
                await idle.watch_ended.wait()
            except BaseException:
                await self._discard(idle.connection)  # noqa: ASYNC102 - shields itself, with a deadline
                raise
            if idle.quiet:
                return idle.connection
            await self._discard(idle.connection)
        return None

    def _purge(self) -> None:
        """Have every resting connection closed by the task that watches it."""
        purged, self._idle = self._idle, []
        for idle in purged:
            idle.scope.cancel(reason="the connections at rest are not to be trusted")

    async def _discard(self, connection: Connection) -> None:
        """Close a connection: at once and without manners, so it never waits and no cancellation stops it half-way."""
        self._open.discard(connection)
        with trio.move_on_after(self._tuning.close_timeout, shield=True), suppress(OSError, trio.BrokenResourceError):
            await trio.aclose_forcefully(connection.stream)
