"""The proxy dialer over real sockets on the loopback interface: through CONNECT and SOCKS5, in plain text and TLS."""

from __future__ import annotations

import sys
import traceback
from typing import Any
from urllib.parse import quote

import pytest
import trio

from tests._services.helpers_proxy import Speech, open_proxy
from tests._services.test_dialer import (
    NAME,
    Sockets,
    client_context,
    echo,
    free_port,
    listen,
    server_context,
    sockets,  # noqa: F401 - a fixture
    speaking_tls,
)
from tests.canaries import CANARY
from trio_binance._services.proxydialer import ProxyDialer
from trio_binance.errors import ConfigError, ConnectError, Outcome, TLSError
from trio_binance.proxies import Proxy

SPEECHES: tuple[Speech, ...] = ("http", "https", "socks5")
LOGIN = ("us er", CANARY)
WRONG = f"{quote('us er')}:wrong-{CANARY}"


def proxy_context() -> Any:
    return server_context("127.0.0.1")


def dialer_of(url: str, *, timeout: float = 5.0) -> ProxyDialer:
    return ProxyDialer(Proxy.parse(url), connect_timeout=timeout, ssl_context=client_context())


async def refused(dialer: ProxyDialer, host: str = NAME, port: int = 443, *, tls: bool = False) -> str:
    with pytest.raises(ConnectError) as caught:
        await dialer.connect(host, port, tls=tls)
    assert caught.value.outcome is Outcome.NOT_SENT
    said = "".join(traceback.format_exception_only(caught.value))
    assert CANARY not in said
    return said


@pytest.mark.parametrize("piece", [65536, 1])
@pytest.mark.parametrize("tls", [True, False])
@pytest.mark.parametrize("login", [None, LOGIN])
@pytest.mark.parametrize("speech", SPEECHES)
async def test_a_stream_goes_through_a_proxy_that_knows_the_name(
    speech: Speech, login: Any, tls: bool, piece: int, nursery: trio.Nursery
) -> None:
    port = await listen(nursery, speaking_tls(server_context()) if tls else echo)
    settings: dict[str, Any] = {"login": login, "context": proxy_context(), "piece": piece}
    async with open_proxy(speech, names={NAME: port}, **settings) as proxy:
        url = proxy.url(f"{quote(LOGIN[0])}:{LOGIN[1]}" if login else "")
        stream = await dialer_of(url).connect(NAME, 443, tls=tls)
        async with stream:
            await stream.send_all(b"hello")
            assert await stream.receive_some() == b"hello"
        assert proxy.asked == [(NAME, 443)]


async def test_an_address_is_asked_for_as_such(nursery: trio.Nursery) -> None:
    port = await listen(nursery, echo)
    for speech in ("http", "socks5"):
        async with open_proxy(speech) as proxy:
            async with await dialer_of(proxy.url()).connect("127.0.0.1", port, tls=False):
                assert proxy.asked == [("127.0.0.1", port)]
    async with open_proxy("http", names={"::1": port}) as proxy:
        async with await dialer_of(proxy.url()).connect("::1", 443, tls=False):
            assert proxy.asked == [("::1", 443)]


@pytest.mark.parametrize("speech", SPEECHES)
@pytest.mark.parametrize("login", ["", WRONG])
async def test_a_login_that_is_missing_or_wrong_is_refused_and_not_shown(speech: Speech, login: str) -> None:
    async with open_proxy(speech, login=LOGIN, context=proxy_context()) as proxy:
        said = await refused(dialer_of(proxy.url(login)))
        assert f"{NAME}:443 through {speech}://" in said
        if speech != "socks5":
            assert "407 Proxy Authentication Required" in said


@pytest.mark.parametrize(
    ("speech", "answer", "reason"),
    [
        ("http", b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", "502 Bad Gateway"),
        ("http", b"HTTP/1.1 599 Whatever\r\nContent-Length: 0\r\n\r\n", "answers 599"),
        ("http", b"HTTP/1.1 301 X\r\nLocation: http://elsewhere\r\n\r\n", "301"),
        ("http", b"SSH-2.0-OpenSSH\r\n", "speaks no HTTP"),
        ("http", b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", "more than it was asked"),
        ("http", b"HTTP/1.1 200", "hung up"),
        ("socks5", b"\x05\x05\x00", "refused"),
        ("socks5", b"\x04\x00\x00", "version"),
        ("socks5", b"\x05", "closed"),
    ],
)
async def test_a_proxy_that_does_not_connect_us_says_why(speech: Speech, answer: bytes, reason: str) -> None:
    async with open_proxy(speech, refuse_with=answer) as proxy:
        assert reason in await refused(dialer_of(proxy.url()))


async def test_a_proxy_may_say_something_before_it_answers(nursery: trio.Nursery) -> None:
    port = await listen(nursery, echo)
    granted = b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nVia: x\r\n\r\n"
    async with open_proxy("http", names={NAME: port}, granted=granted) as proxy:
        async with await dialer_of(proxy.url()).connect(NAME, 443, tls=False) as stream:
            await stream.send_all(b"x")
            assert await stream.receive_some() == b"x"


@pytest.mark.parametrize("speech", ["http", "https", "socks5"])
async def test_nobody_listens_where_the_proxy_should_be(speech: Speech, sockets: Sockets) -> None:  # noqa: F811
    trio.socket.set_custom_socket_factory(sockets)
    port = await free_port()
    assert str(port) in await refused(dialer_of(f"{speech}://user:{CANARY}@127.0.0.1:{port}"))


@pytest.mark.parametrize("speech", SPEECHES)
async def test_the_deadline_covers_a_proxy_that_says_nothing(
    speech: Speech,
    mock_clock: trio.testing.MockClock,
    nursery: trio.Nursery,
    sockets: Sockets,  # noqa: F811
) -> None:
    trio.socket.set_custom_socket_factory(sockets)

    async def mute(stream: trio.SocketStream) -> None:
        async with stream:
            while await stream.receive_some():
                pass

    async def advance() -> None:
        await trio.testing.wait_all_tasks_blocked(0.05)
        mock_clock.jump(5)

    port = await listen(nursery, mute)
    nursery.start_soon(advance)
    assert "no connection within 5 s" in await refused(dialer_of(f"{speech}://127.0.0.1:{port}"))
    await trio.testing.wait_all_tasks_blocked(0.05)


@pytest.mark.parametrize("speech", SPEECHES)
async def test_cancelled_at_any_step_it_leaves_nothing_open(
    speech: Speech,
    nursery: trio.Nursery,
    sockets: Sockets,  # noqa: F811
) -> None:
    port = await listen(nursery, speaking_tls(server_context()))
    async with open_proxy(speech, names={NAME: port}, context=proxy_context(), login=LOGIN) as proxy:
        dialer = dialer_of(proxy.url(f"{quote(LOGIN[0])}:{LOGIN[1]}"))
        trio.socket.set_custom_socket_factory(sockets)
        steps, whole = 0, False
        while not whole:
            scope = trio.CancelScope()
            trio.lowlevel.add_instrument(instrument := _CancelAt(trio.lowlevel.current_task(), steps, scope))
            with scope:
                async with await dialer.connect(NAME, 443, tls=True):
                    whole = True
            trio.lowlevel.remove_instrument(instrument)
            steps += 1
        assert steps > 5


class _CancelAt(trio.abc.Instrument):
    """Cancels a scope when its task is about to take the n-th step."""

    def __init__(self, task: Any, steps: int, scope: trio.CancelScope) -> None:
        self._task = task
        self._left = steps
        self._scope = scope

    def before_task_step(self, task: Any) -> None:
        if task is self._task:
            self._left -= 1
            if self._left < 0:
                self._scope.cancel()


async def test_the_host_has_to_prove_itself_through_a_proxy_too(nursery: trio.Nursery) -> None:
    port = await listen(nursery, speaking_tls(server_context("elsewhere.test")))
    for speech in SPEECHES:
        async with open_proxy(speech, names={NAME: port}, context=proxy_context()) as proxy:
            with pytest.raises(TLSError, match="TLS handshake failed"):
                await dialer_of(proxy.url()).connect(NAME, 443, tls=True)


async def test_a_proxy_that_is_asked_by_tls_has_to_prove_itself(nursery: trio.Nursery) -> None:
    async with open_proxy("https", context=server_context("elsewhere.test")) as proxy:
        with pytest.raises(TLSError, match=r"127\.0\.0\.1"):
            await dialer_of(proxy.url(f"user:{CANARY}")).connect(NAME, 443, tls=False)
        assert proxy.asked == []


async def test_a_name_that_cannot_be_written_is_a_connect_error() -> None:
    async with open_proxy("socks5") as proxy:
        await refused(dialer_of(proxy.url()), "ü" * 80)


def test_without_its_package_a_socks_proxy_is_refused_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "python_socks", None)
    with pytest.raises(ConfigError, match=r"socks5://\*\*\*@a\.b:1080.*trio-binance-connector\[proxy\]"):
        dialer_of(f"socks5://user:{CANARY}@a.b")
    dialer_of("http://a.b")
