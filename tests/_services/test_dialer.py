"""The dialer over real sockets on the loopback interface, with names, addresses and certificates of our own."""

from __future__ import annotations

import datetime
import socket
import ssl
import struct
from typing import TYPE_CHECKING, Any

import pytest
import trio
import trustme

from trio_binance._services.dialer import TcpDialer, shared_ssl_context
from trio_binance.errors import ConnectError, Outcome, TLSError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

AUTHORITY = trustme.CA()
NAME = "exchange.test"


def client_context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    return context


def server_context(*names: str, authority: trustme.CA = AUTHORITY, **settings: Any) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*(names or (NAME,)), **settings).configure_cert(context)
    return context


def tls_dialer(connect_timeout: float = 5.0) -> TcpDialer:
    return TcpDialer(connect_timeout=connect_timeout, ssl_context=client_context())


class Resolver(trio.abc.HostnameResolver):
    """Names of our own; ``None`` is a name that nobody knows, an empty list one whose answer never comes."""

    def __init__(self, names: dict[str, list[str] | None]) -> None:
        self.names = names

    async def getaddrinfo(
        self, host: Any, port: Any, family: Any = 0, type: Any = 0, proto: Any = 0, flags: Any = 0
    ) -> Any:
        addresses = self.names[host.decode()]
        if addresses is None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        if not addresses:
            await trio.sleep_forever()
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    async def getnameinfo(self, sockaddr: Any, flags: int) -> tuple[str, str]:
        raise NotImplementedError


class Sockets(trio.abc.SocketFactory):
    """Real sockets, remembered."""

    def __init__(self) -> None:
        self.made: list[Any] = []

    def socket(self, family: Any = None, type: Any = None, proto: Any = None) -> Any:
        made = socket.socket(family, type, proto)
        self.made.append(made)
        return trio.socket.from_stdlib_socket(made)

    @property
    def open(self) -> list[Any]:
        return [each for each in self.made if each.fileno() != -1]


@pytest.fixture
def sockets() -> Iterator[Sockets]:
    """Every socket the dialer makes."""
    factory = Sockets()
    yield factory
    assert factory.open == []


async def listen(nursery: trio.Nursery, handler: Callable[[trio.SocketStream], Awaitable[None]]) -> int:
    """Serve on 127.0.0.1 and return the port."""
    [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port: int = listener.socket.getsockname()[1]
    nursery.start_soon(trio.serve_listeners, handler, [listener])
    return port


def speaking_tls(context: ssl.SSLContext) -> Callable[[trio.SocketStream], Awaitable[None]]:
    """A server that answers each read with the same bytes over TLS, and survives clients that refuse it."""

    async def handler(raw: trio.SocketStream) -> None:
        stream = trio.SSLStream(raw, context, server_side=True, https_compatible=True)
        try:
            while data := await stream.receive_some():
                await stream.send_all(data)
        except trio.BrokenResourceError:
            pass
        finally:
            await trio.aclose_forcefully(stream)

    return handler


async def echo(stream: trio.SocketStream) -> None:
    async with stream:
        async for data in stream:
            await stream.send_all(data)


async def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


def names(**known: list[str] | None) -> None:
    trio.socket.set_custom_hostname_resolver(Resolver({key.replace("_", "."): value for key, value in known.items()}))


async def refused(dialer: TcpDialer, host: str, port: int, *, tls: bool = False) -> ConnectError:
    with pytest.raises(ConnectError) as caught:
        await dialer.connect(host, port, tls=tls)
    assert caught.value.outcome is Outcome.NOT_SENT
    return caught.value


async def test_connects_over_tcp_without_nagles_delay(nursery: trio.Nursery) -> None:
    """A plain stream carries bytes both ways, and small writes leave at once."""
    port = await listen(nursery, echo)
    stream = await TcpDialer(connect_timeout=5).connect("127.0.0.1", port, tls=False)
    async with stream:
        await stream.send_all(b"hello")
        assert await stream.receive_some() == b"hello"
        assert isinstance(stream, trio.SocketStream)
        assert stream.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def test_connects_over_tls_naming_the_host(nursery: trio.Nursery) -> None:
    """The name is sent (SNI) and must be the certificate's; TLS is 1.2 or newer; a reply arrives."""
    names(exchange_test=["127.0.0.1"])
    seen: list[str | None] = []
    context = server_context()
    context.sni_callback = lambda _object, name, _context: seen.append(name)
    port = await listen(nursery, speaking_tls(context))
    stream = await tls_dialer().connect(NAME, port, tls=True)
    async with stream:
        await stream.send_all(b"hello")
        assert await stream.receive_some() == b"hello"
    assert seen == [NAME]


async def test_n01_nobody_listens_is_not_sent(sockets: Sockets) -> None:
    """A refused connection names host, port and the system's reason."""
    trio.socket.set_custom_socket_factory(sockets)
    port = await free_port()
    error = await refused(TcpDialer(connect_timeout=5), "127.0.0.1", port)
    assert f"127.0.0.1:{port}" in str(error)
    assert "refused" in str(error)
    assert isinstance(error.__cause__, OSError)


async def test_n02_the_second_address_serves_when_the_first_refuses(nursery: trio.Nursery) -> None:
    """Happy eyeballs: a name with one dead address is no error."""
    port = await listen(nursery, echo)
    names(exchange_test=["127.0.0.2", "127.0.0.1"])
    async with await TcpDialer(connect_timeout=5).connect(NAME, port, tls=False) as stream:
        assert isinstance(stream, trio.SocketStream)
        assert stream.socket.getpeername()[0] == "127.0.0.1"


async def test_every_address_that_failed_is_told() -> None:
    """When all addresses refuse, the message has each of them."""
    names(exchange_test=["127.0.0.2", "127.0.0.3"])
    error = await refused(TcpDialer(connect_timeout=5), NAME, await free_port())
    assert "127.0.0.2" in str(error)
    assert "127.0.0.3" in str(error)


async def test_n03_an_unknown_name_is_not_sent() -> None:
    names(exchange_test=None)
    error = await refused(TcpDialer(connect_timeout=5), NAME, 443)
    assert str(error) == "exchange.test:443: Name or service not known"


@pytest.mark.parametrize(("host", "port"), [("." + NAME, 80), ("ü" * 80, 80), ("127.0.0.1", 70_000)])
async def test_what_is_no_address_is_a_connect_error(host: str, port: int) -> None:
    """A name that cannot be encoded and a port that cannot be are errors of the same kind, not of the codec."""
    assert "not an address" in str(await refused(TcpDialer(connect_timeout=5), host, port))


async def test_n04_the_deadline_covers_a_name_lookup_that_hangs(autojump_clock: trio.testing.MockClock) -> None:
    names(exchange_test=[])
    begun = trio.current_time()
    error = await refused(TcpDialer(connect_timeout=5), NAME, 443, tls=True)
    assert trio.current_time() - begun == pytest.approx(5)
    assert str(error) == "exchange.test:443: no connection within 5 s"


async def test_n05_the_deadline_covers_a_connection_that_hangs(
    mock_clock: trio.testing.MockClock, sockets: Sockets, nursery: trio.Nursery
) -> None:
    """A peer whose queue is full never answers SYN; the deadline ends it and the socket is closed."""
    trio.socket.set_custom_socket_factory(sockets)
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        occupied = [socket.socket() for _ in range(4)]
        for each in occupied:
            each.setblocking(False)
            each.connect_ex(full.getsockname())
        nursery.start_soon(_advance, mock_clock, 5.0)
        error = await refused(TcpDialer(connect_timeout=5), *full.getsockname())
        for each in occupied:
            each.close()
    assert "no connection within 5 s" in str(error)


async def _advance(clock: trio.testing.MockClock, seconds: float) -> None:
    await trio.testing.wait_all_tasks_blocked(0.02)
    clock.jump(seconds)


async def test_the_deadline_covers_a_handshake_that_hangs(
    mock_clock: trio.testing.MockClock, nursery: trio.Nursery, sockets: Sockets
) -> None:
    """A peer that accepts and says nothing is left, and its socket closed."""

    async def silence(stream: trio.SocketStream) -> None:
        async with stream:
            await stream.receive_some()
            await trio.sleep_forever()

    port = await listen(nursery, silence)
    trio.socket.set_custom_socket_factory(sockets)
    nursery.start_soon(_advance, mock_clock, 5.0)
    assert "no connection within 5 s" in str(await refused(tls_dialer(), "127.0.0.1", port, tls=True))


@pytest.mark.parametrize("how", ["reset", "end", "garbage"])
async def test_n14_a_broken_handshake_is_a_tls_error_and_never_plain(
    how: str, nursery: trio.Nursery, sockets: Sockets
) -> None:
    """Whatever ends the handshake, there is one attempt, no fallback, and no socket left."""
    accepted = 0

    async def handler(stream: trio.SocketStream) -> None:
        nonlocal accepted
        accepted += 1
        await stream.receive_some()
        if how == "reset":
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if how == "garbage":
            await stream.send_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await stream.aclose()

    port = await listen(nursery, handler)
    trio.socket.set_custom_socket_factory(sockets)
    error = await refused(tls_dialer(), "127.0.0.1", port, tls=True)
    assert isinstance(error, TLSError)
    assert error.__cause__ is not None
    assert accepted == 1


@pytest.mark.parametrize(
    ("context", "reason"),
    [
        (server_context("other.test"), "Hostname mismatch"),
        (server_context(not_after=datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)), "certificate has expired"),
        (server_context(authority=trustme.CA()), "unable to get local issuer certificate"),
    ],
    ids=["wrong host", "expired", "unknown authority"],
)
async def test_n15_a_certificate_that_does_not_hold_is_refused(
    context: ssl.SSLContext, reason: str, nursery: trio.Nursery, sockets: Sockets
) -> None:
    """The peer must prove who it is; the reason is OpenSSL's and nothing stays open."""
    names(exchange_test=["127.0.0.1"])
    port = await listen(nursery, speaking_tls(context))
    trio.socket.set_custom_socket_factory(sockets)
    error = await refused(tls_dialer(), NAME, port, tls=True)
    assert isinstance(error, TLSError)
    assert reason in str(error)


async def test_an_old_version_of_tls_is_refused(nursery: trio.Nursery) -> None:
    """A peer that speaks TLS 1.1 at best gets no connection."""
    context = server_context("127.0.0.1")
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        context.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    port = await listen(nursery, speaking_tls(context))
    assert isinstance(await refused(tls_dialer(), "127.0.0.1", port, tls=True), TLSError)


async def test_n16_an_end_without_close_notify_is_an_end(nursery: trio.Nursery) -> None:
    """HTTP servers close TCP alone; whether a message was cut short is for its own framing to tell."""

    async def handler(raw: trio.SocketStream) -> None:
        stream = trio.SSLStream(raw, server_context("127.0.0.1"), server_side=True)
        await stream.do_handshake()
        await stream.send_all(b"cut")
        await raw.aclose()

    port = await listen(nursery, handler)
    async with await tls_dialer().connect("127.0.0.1", port, tls=True) as stream:
        assert [await stream.receive_some(), await stream.receive_some()] == [b"cut", b""]


async def test_a_name_no_certificate_can_have_is_a_tls_error(nursery: trio.Nursery, sockets: Sockets) -> None:
    """OpenSSL's refusal of a name is mapped like any other, after the connection was made."""
    names(**{"": ["127.0.0.1"]})
    port = await listen(nursery, echo)
    trio.socket.set_custom_socket_factory(sockets)
    assert isinstance(await refused(tls_dialer(), "", port, tls=True), TLSError)


async def test_an_interrupt_in_the_handshake_closes_the_socket(nursery: trio.Nursery, sockets: Sockets) -> None:
    """Whatever leaves the handshake, Ctrl-C included, leaves no socket."""

    class Interrupting:
        def wrap_bio(self, *_: object, **__: object) -> None:
            raise KeyboardInterrupt

    context: Any = Interrupting()
    port = await listen(nursery, echo)
    trio.socket.set_custom_socket_factory(sockets)
    with pytest.raises(KeyboardInterrupt):
        await TcpDialer(connect_timeout=5, ssl_context=context).connect("127.0.0.1", port, tls=True)


def test_z05_the_shared_context_checks_certificates_and_names() -> None:
    """One context for all dialers, made once, that accepts nothing older than TLS 1.2."""
    context = shared_ssl_context()
    assert context is shared_ssl_context()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2


async def test_the_shared_context_is_what_a_dialer_uses_by_default(nursery: trio.Nursery) -> None:
    """It does not know our authority, so the connection is refused for that very reason."""
    port = await listen(nursery, speaking_tls(server_context("127.0.0.1")))
    error = await refused(TcpDialer(connect_timeout=5), "127.0.0.1", port, tls=True)
    assert "certificate" in str(error)


@pytest.mark.parametrize("store", ["none", "empty folder", "folder"])
def test_a_machine_without_authorities_takes_certifis(store: str, tmp_path: Any, monkeypatch: Any) -> None:
    """Slim containers have no store of authorities; httpx brings one along."""
    capath: Any = None if store == "none" else str(tmp_path)
    paths = ssl.get_default_verify_paths()._replace(capath=capath)
    if store == "folder":
        (tmp_path / "0a775a30.0").touch()
    empty = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    monkeypatch.setattr(ssl, "create_default_context", lambda: empty)
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: paths)
    made = shared_ssl_context.__wrapped__()
    assert (made.cert_store_stats()["x509_ca"] > 50) is (store != "folder")


@pytest.mark.parametrize("tls", [False, True])
def test_cancelled_at_any_step_it_leaves_no_socket(tls: bool) -> None:
    """Dial with a cancellation at the first step, the second, ... until one comes too late."""
    certificate = server_context("127.0.0.1")

    class Canceller(trio.abc.Instrument):
        def __init__(self, steps: int) -> None:
            self.left = steps
            self.scope = trio.CancelScope()
            self.task: trio.lowlevel.Task | None = None

        def before_task_step(self, task: trio.lowlevel.Task) -> None:
            if task is self.task:
                self.left -= 1
                if self.left == 0:
                    self.scope.cancel()

    async def dial(canceller: Canceller) -> bool:
        factory = Sockets()
        async with trio.open_nursery() as nursery:
            port = await listen(nursery, speaking_tls(certificate) if tls else echo)
            trio.socket.set_custom_socket_factory(factory)
            canceller.task = trio.lowlevel.current_task()
            with canceller.scope:
                stream = await tls_dialer().connect("127.0.0.1", port, tls=tls)
                await trio.aclose_forcefully(stream)
            canceller.task = None
            trio.socket.set_custom_socket_factory(None)
            nursery.cancel_scope.cancel()
        assert factory.made or canceller.left <= 0
        assert factory.open == []
        return canceller.left <= 0

    steps = 1
    while True:
        canceller = Canceller(steps)
        if not trio.run(dial, canceller, instruments=[canceller]):
            break
        steps += 1
        assert steps < 200
    assert steps > 4
