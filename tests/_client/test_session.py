from __future__ import annotations

import pytest
import trio.testing
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests._client.world import EPOCH_MS, config_of, open_world
from trio_binance._client.open import open_binance
from trio_binance.config import BinanceConfig, Credentials, Environment, SandboxSpec
from trio_binance.errors import CredentialsRequired, NotServed, Outcome
from trio_binance.models import SessionStatus, Subscription
from trio_binance.sandbox.serve import open_sandbox


async def test_the_status_tells_since_when_the_connection_stands(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world() as world:
        told = await world.bx.session.status()
        assert isinstance(told, SessionStatus)
        assert told.connected_since <= told.server_time
        assert told.user_data_stream is True


async def test_subscriptions_are_those_of_the_connectors_own_feed(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world() as world:
        [subscription] = await world.bx.session.subscriptions()
        assert isinstance(subscription, Subscription)


async def test_a_key_that_is_not_ed25519_cannot_log_on(autojump_clock: trio.testing.MockClock) -> None:
    """That of the embedded exchange is an HMAC one."""
    async with open_world() as world:
        with pytest.raises(CredentialsRequired, match="Ed25519") as caught:
            await world.bx.session.logon()
        assert caught.value.outcome is Outcome.NOT_SENT


async def test_logging_out_leaves_the_connection_and_its_events(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world() as world:
        told = await world.bx.session.logout()
        assert told.api_key is None
        assert len(await world.bx.session.subscriptions()) == 1
        assert (await world.bx.session.status()).connected_since == told.connected_since


@pytest.mark.parametrize("prefer", ["rest", "ws_api"])
async def test_a_connection_is_made_for_who_asks_about_it(prefer: str, autojump_clock: trio.testing.MockClock) -> None:
    """Without a key nothing else needs one."""
    async with open_world(credentials=None, prefer=prefer) as world:
        told = await world.bx.session.status()
        assert (told.api_key, told.authorized_since) == (None, None)
        assert await world.bx.session.subscriptions() == []
        with pytest.raises(CredentialsRequired):
            await world.bx.session.logon()


async def test_a_session_needs_an_environment_with_a_websocket_api(autojump_clock: trio.testing.MockClock) -> None:
    plain = config_of().environment
    environment = Environment("plain", plain.rest_url, plain.stream_url)
    async with open_sandbox(SandboxSpec(7, EPOCH_MS, 1.0), credentials=None) as sandbox:
        async with open_binance(BinanceConfig(environment), dialer=sandbox.dialer) as bx:
            with pytest.raises(NotServed, match="no WebSocket API"):
                await bx.session.status()


async def test_an_ed25519_key_logs_on_and_out_and_trades_meanwhile(autojump_clock: trio.testing.MockClock) -> None:
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    credentials = Credentials.ed25519("an-ed25519-key", pem)
    async with open_world(credentials=credentials, prefer="ws_api", session_logon=False) as world:
        session = world.bx.session
        assert (await session.status()).api_key is None
        assert (await session.logon()).api_key == "an-ed25519-key"
        assert (await session.status()).authorized_since is not None
        assert (await world.bx.account.status()).can_trade
        assert (await session.logout()).api_key is None
        assert (await world.bx.account.status()).can_trade
