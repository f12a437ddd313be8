"""The proxies: what a URL names, and that nobody learns from us who we are there."""

from __future__ import annotations

import pickle
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.canaries import CANARY, refusal
from trio_binance.credentials import Secret
from trio_binance.proxies import Proxy, ProxyKind


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://proxy.example:8080", "http://proxy.example:8080"),
        ("http://proxy.example", "http://proxy.example:80"),
        ("https://proxy.example/", "https://proxy.example:443"),
        ("socks5://127.0.0.1", "socks5://127.0.0.1:1080"),
        ("SOCKS5H://Proxy.example:9", "socks5://proxy.example:9"),
        ("http://[::1]:3128", "http://[::1]:3128"),
        (f"socks5://user:{CANARY}@proxy.example", "socks5://***@proxy.example:1080"),
    ],
)
def test_a_url_names_a_proxy_and_shows_no_login(url: str, shown: str) -> None:
    proxy = Proxy.parse(url)
    assert (str(proxy), repr(proxy)) == (shown, f"Proxy({shown!r})")
    assert Proxy.parse(url) == proxy


def test_kind_host_port_and_login_are_told_apart() -> None:
    proxy = Proxy.parse(f"https://us%40er:{CANARY}%3A%2F@Proxy.example:8443")
    assert (proxy.kind, proxy.host, proxy.port) == (ProxyKind.HTTPS, "proxy.example", 8443)
    assert proxy.username == Secret(b"us@er")
    assert proxy.password == Secret(f"{CANARY}:/".encode())
    assert Proxy.parse("http://a.b").username is None


@given(st.text(min_size=1, max_size=40).filter(lambda text: ":" not in text), st.text(min_size=1, max_size=40))
def test_any_login_goes_through_a_url(user: str, password: str) -> None:
    user, password = (text.encode("utf-8", "replace").decode() for text in (user, password))
    proxy = Proxy.parse(f"http://{quote(user, safe='')}:{quote(password, safe='')}@a.b")
    assert proxy.username is not None
    assert proxy.password is not None
    assert (proxy.username.reveal().decode(), proxy.password.reveal().decode()) == (user, password)


@pytest.mark.parametrize(
    "url",
    [
        "", "proxy.example:8080", "ftp://proxy.example", "http://", "http://a.b/path", "http://a.b?x=1", "http://a.b#x",
        "http://a.b:0", "http://a.b:99999", "http://a.b:x", "http://[::1", "http://a b", "http://ä.b",
        f"http://user:{CANARY}@a.b\r\nX: 1", f"http://user:{CANARY}@", f"socks4://user:{CANARY}@a.b",
        f"http://{CANARY}@a.b", f"http://:{CANARY}@a.b", "http://user:@a.b", f"http://us%3Aer:{CANARY}@a.b",
        f"socks5://us%C3%A9r:{CANARY}@a.b", f"socks5://user:{CANARY}%C3%A9@a.b", f"http://{'u' * 256}:{CANARY}@a.b",
        None, 5, CANARY.encode(),
    ],
    ids=ascii,
)  # fmt: skip
def test_what_is_no_url_of_a_proxy_is_refused_by_name_and_not_shown(url: Any) -> None:
    assert "proxy: " in refusal(lambda: Proxy.parse(url))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"kind": "http"}, "kind: expected ProxyKind"),
        ({"host": ""}, "no address"),
        ({"host": 5}, "host: expected text"),
        ({"port": "80"}, "port: expected int"),
        ({"port": 0}, "no address"),
        ({"username": Secret(b"user")}, "belong together"),
    ],
)
def test_a_proxy_is_checked_however_it_is_built(settings: dict[str, Any], said: str) -> None:
    assert said in refusal(lambda: Proxy(**{"kind": ProxyKind.HTTP, "host": "a.b", "port": 80, **settings}))


def test_a_login_is_not_put_into_a_pickle() -> None:
    assert pickle.loads(pickle.dumps(Proxy.parse("http://a.b"))) == Proxy.parse("http://a.b")
    with pytest.raises(TypeError, match="Secret"):
        pickle.dumps(Proxy.parse(f"http://user:{CANARY}@a.b"))


def test_the_variables_of_the_process_are_read_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    assert Proxy.from_environ() is None
    monkeypatch.setenv("all_proxy", "socks5://b.c")
    assert str(Proxy.from_environ()) == "socks5://b.c:1080"
    monkeypatch.setenv("HTTPS_PROXY", "a.b:3128")
    assert str(Proxy.from_environ()) == "http://a.b:3128"


def test_a_variable_that_names_no_proxy_is_named_and_not_shown() -> None:
    assert "HTTPS_PROXY: " in refusal(lambda: Proxy.from_environ({"HTTPS_PROXY": f"gopher://user:{CANARY}@a.b"}))
