"""The environments: the exchange's own, and URLs that cannot work refused by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.canaries import CANARY, refusal
from trio_binance.config import BinanceConfig, Credentials, SandboxSpec
from trio_binance.environments import REPLAY, SANDBOX, Environment
from trio_binance.errors import ConfigError


def test_the_presets_are_the_exchange_s_own() -> None:
    presets = Environment.presets()
    assert list(presets) == ["production", "market_data_only", "testnet", "demo", "us"]
    assert all(each.rest_url.startswith("https://") for each in presets.values())
    assert all(each.stream_url.startswith("wss://") for each in presets.values())
    assert not Environment.MARKET_DATA_ONLY.takes_keys
    assert Environment.MARKET_DATA_ONLY.ws_api_url is None


def test_the_mirrors_are_those_of_the_documents(spec: Path) -> None:
    facts = json.loads((spec / "environments.json").read_text("utf-8"))
    presets = Environment.presets()
    for name, told in (("production", "production"), ("testnet", "testnet"), ("demo", "demo_mode")):
        assert set(presets[name].rest_urls) == set(facts[told]["rest"])
        assert set(map(with_port, presets[name].ws_api_urls)) == set(map(with_port, facts[told]["ws_api"]))
        streams = {url.removesuffix("/ws") for url in facts[told]["streams_raw"]}
        assert set(map(with_port, presets[name].stream_urls)) == set(map(with_port, streams))
    assert presets["market_data_only"].offers == frozenset(facts["market_data_only"]["rest_endpoints_listed"])


def with_port(url: str) -> str:
    parts = urlsplit(url)
    return url if parts.port else f"{parts.scheme}://{parts.hostname}:443{parts.path}"


def test_production_has_a_mirror_for_every_wire_and_market_data_a_list_of_what_it_serves() -> None:
    production = Environment.PRODUCTION
    assert production.rest_urls[:2] == ("https://api.binance.com", "https://api-gcp.binance.com")
    assert len(production.rest_urls) == 6
    assert [urlsplit(url).port for url in production.stream_urls] == [9443, 443]
    assert [urlsplit(url).port for url in production.ws_api_urls] == [443, 9443]
    assert Environment.MARKET_DATA_ONLY.ws_api_urls == ()
    assert "GET /api/v3/depth" in (Environment.MARKET_DATA_ONLY.offers or ())
    assert production.offers is None


def test_a_slash_too_many_is_forgiven() -> None:
    lab = Environment("lab", "http://127.0.0.1:8001/", "ws://[::1]:8002/", "ws://127.0.0.1:8003/ws-api/v3")
    assert (lab.rest_url, lab.stream_url) == ("http://127.0.0.1:8001", "ws://[::1]:8002")


BAD_HOSTS = [
    "", "api.binance.com", "ftp://api.binance.com", "https://", "https://api.binance.com/api", "https://a.b?x=1",
    "https://a.b#x", "https://a.b:99999", "https://a.b:0", "https://a.b:x", "https://[::1", "https://a b", "https://ä.b",
    "https://a.b\r\nX-Evil: 1", " https://a.b", None, 5, b"https://a.b",
]  # fmt: skip


@pytest.mark.parametrize("url", BAD_HOSTS, ids=ascii)
def test_a_url_that_cannot_work_is_refused_by_name(url: Any) -> None:
    assert "rest_url" in refusal(lambda: Environment("lab", url, "ws://a.b"))
    if url is not None:
        assert "ws_api_url" in refusal(lambda: Environment("lab", "http://a.b", "ws://a.b", url))


def test_each_url_has_its_own_scheme_and_shape() -> None:
    assert "stream_url" in refusal(lambda: Environment("lab", "http://a.b", "http://a.b"))
    assert "stream_url" in refusal(lambda: Environment("lab", "http://a.b", "wss://stream.binance.com:9443/ws"))
    assert "no query" in refusal(lambda: Environment("lab", "http://a.b", "ws://a.b", "ws://a.b/ws-api/v3?x=1"))
    assert "name" in refusal(lambda: Environment(None, "http://a.b", "ws://a.b"))  # type: ignore[arg-type]


def test_a_password_in_a_url_is_refused_and_not_shown() -> None:
    for url in (f"https://user:{CANARY}@a.b", f"https://{CANARY}@a.b", f"gopher://user:{CANARY}@a.b/x"):
        assert "password" in refusal(lambda url=url: Environment("lab", url, "ws://a.b"))  # type: ignore[misc]


def test_the_hosts_of_what_runs_in_this_process_resolve_nowhere() -> None:
    """RFC 2606 keeps ``.invalid`` for names that are never given away: no request of a sandbox can leak."""
    for inside in (SANDBOX, REPLAY):
        urls = [inside.rest_url, inside.stream_url, inside.ws_api_url or inside.rest_url]
        assert all((urlsplit(url).hostname or "").endswith(".invalid") for url in urls)
        assert inside.name not in Environment.presets()


def with_key(**urls: Any) -> BinanceConfig:
    return BinanceConfig(lab(**urls), Credentials.hmac("k" * 16, "secret"))


def lab(**urls: Any) -> Environment:
    given: dict[str, Any] = {"rest_url": "https://a.example", "stream_url": "wss://a.example", **urls}
    return Environment("lab", **given)


@pytest.mark.parametrize("url", BAD_HOSTS, ids=ascii)
def test_a_mirror_that_cannot_work_is_refused_by_name(url: Any) -> None:
    for name in ("rest_mirrors", "stream_mirrors", "ws_api_mirrors"):
        assert name in refusal(lambda name=name: lab(ws_api_url="wss://a.example/x", **{name: [url]}))  # type: ignore[misc]


def test_mirrors_are_several_and_of_something() -> None:
    assert "rest_mirrors" in refusal(lambda: lab(rest_mirrors="https://b.example"))
    assert "ws_api_mirrors" in refusal(lambda: lab(ws_api_mirrors=("wss://b.example/ws-api/v3",)))
    assert "offers" in refusal(lambda: lab(offers="GET /api/v3/ping"))


def test_a_key_never_travels_to_a_mirror_in_plain_text_or_of_another_environment() -> None:
    with pytest.raises(ConfigError, match=r"rest_mirrors=.*plain text"):
        with_key(rest_mirrors=["http://b.example"])
    with pytest.raises(ConfigError, match=r"ws_api_mirrors=.*plain text"):
        with_key(ws_api_url="wss://a.example/x", ws_api_mirrors=["ws://b.example/x"])
    with pytest.raises(ConfigError, match="production and testnet"):
        with_key(rest_url=Environment.PRODUCTION.rest_mirrors[0], rest_mirrors=Environment.TESTNET.rest_urls)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8001", "http://[::1]", "http://localhost:1", "https://a.example"])
def test_a_key_may_go_to_this_machine_or_through_tls(url: str) -> None:
    assert with_key(rest_url=url).environment.rest_url == url


@pytest.mark.parametrize(
    "urls",
    [
        {"rest_url": "http://a.example"},
        {"rest_url": "http://10.0.0.5:80"},
        {"ws_api_url": "ws://a.example/ws-api/v3"},
    ],
)
def test_a_key_never_travels_in_plain_text(urls: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="plain text"):
        with_key(**urls)
    assert BinanceConfig(lab(**urls)).credentials is None


def test_a_key_of_one_environment_is_not_sent_to_another() -> None:
    assert Environment.TESTNET.ws_api_url is not None
    with pytest.raises(ConfigError, match="production and testnet"):
        with_key(rest_url=Environment.PRODUCTION.rest_url, ws_api_url=Environment.TESTNET.ws_api_url)


def test_the_embedded_exchange_never_stands_in_for_a_real_one() -> None:
    with pytest.raises(ConfigError, match="embedded"):
        BinanceConfig(Environment.PRODUCTION, embedded=SandboxSpec())
