"""The house: an exchange that anybody's client can talk to, in memory and on real sockets."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket as plain_socket
import struct
import urllib.parse
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import trio
import trio.testing
import trio_websocket
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from trio_binance.config import BinanceConfig, Credentials, ReplaySpec, SandboxSpec
from trio_binance.sandbox.faults import Answer, Bend, FaultSchedule, OnRequest, Reset, Timed
from trio_binance.sandbox.network import MemoryNetwork
from trio_binance.sandbox.serve import (
    FUNDS,
    LoopbackDialer,
    Sandbox,
    open_loopback,
    open_replay,
    open_sandbox,
    serve_loopback,
)

from .test_wire import Peer, ask, get

if TYPE_CHECKING:
    from pathlib import Path

    from trio.testing import MockClock

EPOCH_MS = 1_700_000_000_000
SPEC = SandboxSpec(seed=7, epoch_ms=EPOCH_MS)
HMAC = Credentials.hmac("a-key-for-tests", "a-secret-for-tests")


async def rest(sandbox: Sandbox, request: bytes) -> tuple[int, Any]:
    stream = await sandbox.dialer.connect("sandbox.invalid", 80, tls=False)
    [(response, body)] = await ask(stream, request)
    await stream.aclose()
    return response.status_code, json.loads(body)


def signed(sandbox: Sandbox, path: str) -> bytes:
    query = urllib.parse.urlencode({"timestamp": sandbox.now_us() // 1000})
    signature = hmac.new(HMAC.secret.reveal(), query.encode(), hashlib.sha256).hexdigest()
    return get(f"{path}?{query}&signature={signature}", f"X-MBX-APIKEY: {HMAC.api_key}")


async def test_time_starts_at_the_epoch_and_goes_with_the_clock(autojump_clock: MockClock) -> None:
    async with open_sandbox(SPEC, credentials=None) as sandbox:
        assert await rest(sandbox, get("/api/v3/time")) == (200, {"serverTime": EPOCH_MS})
        await trio.sleep(2)
        assert await rest(sandbox, get("/api/v3/time")) == (200, {"serverTime": EPOCH_MS + 2000})
        assert sandbox.now_us() == (EPOCH_MS + 2000) * 1000


async def test_without_an_epoch_it_is_the_machines_time() -> None:
    async with open_sandbox(SandboxSpec(), credentials=None) as sandbox:
        assert sandbox.now_us() > EPOCH_MS * 1000


async def test_it_lives_at_the_sandboxs_own_address() -> None:
    async with open_sandbox(SPEC, credentials=None) as sandbox:
        assert sandbox.environment == BinanceConfig.sandbox().environment
        assert sandbox.network is sandbox.dialer
        assert sandbox.exchange.market is sandbox.market


async def test_the_configured_key_opens_a_funded_account(autojump_clock: MockClock) -> None:
    async with open_sandbox(SPEC, credentials=HMAC) as sandbox:
        status, account = await rest(sandbox, signed(sandbox, "/api/v3/account"))
        assert status == 200
        held = {row["asset"]: Decimal(row["free"]) for row in account["balances"]}
        assert {asset: held[asset] for asset in FUNDS} == FUNDS


async def test_without_a_key_nobody_is_known(autojump_clock: MockClock) -> None:
    async with open_sandbox(SPEC, credentials=None) as sandbox:
        status, error = await rest(sandbox, signed(sandbox, "/api/v3/account"))
        assert (status, error["code"]) == (401, -2015)


async def test_an_ed25519_key_is_known_by_its_public_half() -> None:
    private = ed25519.Ed25519PrivateKey.generate()
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    async with open_sandbox(SPEC, credentials=Credentials.ed25519("a-key", pem)) as sandbox:
        signature = base64.b64encode(private.sign(b"payload")).decode()
        assert sandbox.exchange.keys["a-key"].verifies(b"payload", signature)
        assert not sandbox.exchange.keys["a-key"].verifies(b"another", signature)


async def test_an_rsa_key_may_be_sealed_with_a_passphrase() -> None:
    private = rsa.generate_private_key(65537, 2048)
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"open sesame"))
    credentials = Credentials.rsa("a-key", pem, passphrase="open sesame")
    async with open_sandbox(SPEC, credentials=credentials) as sandbox:
        signature = base64.b64encode(private.sign(b"payload", PKCS1v15(), hashes.SHA256())).decode()
        assert sandbox.exchange.keys["a-key"].verifies(b"payload", signature)


async def test_market_streams_flow(autojump_clock: MockClock) -> None:
    async with open_sandbox(SPEC, credentials=None) as sandbox:
        peer = Peer(await sandbox.dialer.connect("sandbox.invalid", 80, tls=False))
        await peer.shake_hands("/stream?streams=btcusdt@bookTicker")
        message = json.loads(await peer.text())
        assert message["stream"] == "btcusdt@bookTicker"
        assert message["data"]["s"] == "BTCUSDT"


async def test_faults_strike_an_exchange_too(autojump_clock: MockClock) -> None:
    faults = FaultSchedule((OnRequest(1, Bend.say(Answer.error(503, -1001, "Gone."))), Timed(1, Reset())))
    async with open_sandbox(SPEC, credentials=None, faults=faults) as sandbox:
        assert await rest(sandbox, get("/api/v3/time")) == (503, {"code": -1001, "msg": "Gone."})
        stream = await sandbox.dialer.connect("sandbox.invalid", 80, tls=False)
        with pytest.raises(trio.BrokenResourceError):
            await stream.receive_some()


async def test_the_blocks_error_leaves_as_itself() -> None:
    with pytest.raises(KeyError, match="mine"):
        async with open_sandbox(SPEC, credentials=None):
            raise KeyError("mine")


async def test_a_bug_of_the_exchange_leaves_as_itself(autojump_clock: MockClock) -> None:
    async def run() -> None:
        async with open_sandbox(SPEC, credentials=None) as sandbox:
            break_timer(sandbox)
            await trio.sleep_forever()

    with pytest.raises(ZeroDivisionError, match="a bug"):
        await run()


async def test_an_error_of_the_block_keeps_its_name_beside_a_bug_of_the_exchange(autojump_clock: MockClock) -> None:
    async def run() -> None:
        async with open_sandbox(SPEC, credentials=None) as sandbox:
            break_timer(sandbox)
            try:
                await trio.sleep_forever()
            finally:
                raise KeyError("mine")

    with pytest.raises(KeyError) as caught:
        await run()
    assert caught.value.__notes__ == ["meanwhile the sandbox failed: ZeroDivisionError('a bug')"]


async def test_a_cancelled_block_ends_quietly_and_leaks_nothing(autojump_clock: MockClock) -> None:
    network = MemoryNetwork()
    with trio.move_on_after(1) as scope:
        async with open_sandbox(SPEC, credentials=None, network=network):
            await network.connect("sandbox.invalid", 80, tls=False)
            await trio.sleep_forever()
    assert scope.cancelled_caught
    assert [stream.side for stream in network.open_streams] == ["client"]


def break_timer(sandbox: Sandbox) -> None:
    def fail(now_us: int) -> None:
        raise ZeroDivisionError("a bug")

    sandbox.driver._exchange.on_timer = fail  # type: ignore[method-assign]


async def test_plain_clients_reach_it_on_the_loopback() -> None:
    async with trio.open_nursery() as nursery:
        environment = await nursery.start(lambda **kw: serve_loopback(SandboxSpec(seed=7), **kw))
        async with httpx.AsyncClient(base_url=environment.rest_url) as client:
            reply = await client.get("/api/v3/depth", params={"symbol": "BTCUSDT", "limit": 5})
            assert reply.status_code == 200
            assert len(reply.json()["bids"]) == 5
            assert (await client.get("/nowhere")).status_code == 404
        url = f"{environment.stream_url}/ws/btcusdt@bookTicker"
        # Nobody takes what comes before the pong: there must be room for it, or the client reads no further.
        async with trio_websocket.open_websocket_url(url, message_queue_size=1000) as socket:
            with trio.fail_after(10):
                await socket.ping(b"hello")
                assert json.loads(await socket.get_message())["s"] == "BTCUSDT"
        assert environment.ws_api_url is not None
        async with trio_websocket.open_websocket_url(environment.ws_api_url) as socket:
            await socket.send_message('{"id":1,"method":"ping"}')
            with trio.fail_after(10):
                answer = json.loads(await socket.get_message())
            assert (answer["id"], answer["status"]) == (1, 200)
        nursery.cancel_scope.cancel()


async def test_the_loopback_has_a_dialer_too_and_faults() -> None:
    faults = FaultSchedule((OnRequest(1, Bend.say(Answer.waf())),))
    async with open_loopback(SPEC, faults=faults) as sandbox:
        assert isinstance(sandbox.dialer, LoopbackDialer)
        assert sandbox.network is None
        host, _, port = sandbox.environment.rest_url.removeprefix("http://").partition(":")
        stream = await sandbox.dialer.connect(host, int(port), tls=False)
        (first, _), (second, _) = await ask(stream, get("/api/v3/ping"), get("/api/v3/ping"))
        assert [first.status_code, second.status_code] == [403, 200]
        await stream.aclose()


async def test_a_replay_lives_at_its_own_address_with_faults(tmp_path: Path, autojump_clock: MockClock) -> None:
    path = tmp_path / "one.jsonl"
    path.write_text('{"t":"5","kind":"ws","raw":"{\\"stream\\":\\"a@trade\\",\\"data\\":1}"}\n')
    faults = FaultSchedule((OnRequest(1, Bend.say(Answer.waf())),))
    async with open_replay(ReplaySpec(path), faults=faults) as replay:
        assert replay.environment == BinanceConfig.replay(path).environment
        stream = await replay.dialer.connect("replay.invalid", 80, tls=False)
        [(response, _)] = await ask(stream, get("/api/v3/ping"))
        assert response.status_code == 403
        assert replay.now_us() == 5_000_000
        await stream.aclose()


async def test_a_client_that_is_gone_before_it_is_accepted_harms_nobody() -> None:
    async with open_loopback(SPEC) as sandbox:
        host, _, port = sandbox.environment.rest_url.removeprefix("http://").partition(":")
        with plain_socket.create_connection((host, int(port))) as ghost:
            ghost.setsockopt(plain_socket.SOL_SOCKET, plain_socket.SO_LINGER, struct.pack("ii", 1, 0))
        stream = await sandbox.dialer.connect(host, int(port), tls=False)
        [(response, _)] = await ask(stream, get("/api/v3/ping"))
        assert response.status_code == 200
        await stream.aclose()
