"""Calls on the WebSocket API leave the account's events a connection of their own: one breaks, the other tells."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
import trio.testing

from tests._client.orders import QUANTITY, account_of, resting
from tests._client.world import World, config_of, open_world, settle
from tests._services.helpers_router import KEY, PEM
from trio_binance._client.open import open_binance
from trio_binance._pure.limits import LimitKind
from trio_binance._services.conditions import Status
from trio_binance._services.events import (
    ConnectionLost,
    ConnectionRenewed,
    LoggedOn,
    ServiceCrashed,
    ServiceRestarted,
    UserDataSubscribed,
)
from trio_binance._services.wsapi import WsApi
from trio_binance.config import Credentials, Tuning
from trio_binance.models import Absent, Accepted, ExecutionReport, MarketOrder, Side
from trio_binance.sandbox import Bend, CutSockets, Fault, FaultSchedule, OnRequest, Timed
from trio_binance.sandbox.network import MemoryStream

PLACING = "POST /api/v3/order"
ED25519 = Credentials.ed25519(KEY, PEM)
HMAC = Credentials.hmac(KEY, "secret")
WIRES = pytest.mark.parametrize("credentials", [ED25519, HMAC], ids=["session", "signed"])


@asynccontextmanager
async def amid(*faults: Fault, **settings: Any) -> AsyncIterator[World]:
    settings = {"prefer": "ws_api", "activity": 1e-6, **settings}
    async with open_world(faults=FaultSchedule(faults), **settings) as world:
        yield world


def there(world: World, name: str) -> int:
    return sum(order.client_id == name for order in account_of(world).blotter("BTCUSDT").orders.values())


def calls(world: World) -> WsApi:
    ws_api = world.bx._engine.ws_api
    assert ws_api is not None
    return ws_api


def events_of(world: World) -> WsApi:
    ws_api = world.bx._engine.ws_api_events
    assert ws_api is not None
    return ws_api


def line(ws_api: WsApi) -> MemoryStream:
    """Return our end of a connection."""
    stream = ws_api.line.socket._tap._transport
    assert isinstance(stream, MemoryStream)
    return stream


def connections(world: World, kind: type[Any]) -> list[str]:
    """Return of which connections the hooks were told such an event, sorted."""
    told: list[Any] = [event for event in world.events if isinstance(event, kind)]
    return sorted(event.connection for event in told)


def connects(world: World) -> tuple[int, int]:
    """Return how many connections the calls and the events have had."""
    told = world.bx.statistics()
    assert told.ws_api is not None
    assert told.ws_api_events is not None
    return told.ws_api.connects, told.ws_api_events.connects


# ---------------------------------------------------------------------------------------------------- the witness


@WIRES
async def test_an_order_that_was_lost_with_the_connection_of_the_calls_is_absent_soon(
    credentials: Credentials, autojump_clock: trio.testing.MockClock
) -> None:
    async with amid(OnRequest(1, Bend.lost(executed=False), PLACING), credentials=credentials) as world:
        began = trio.current_time()
        outcome = await world.bx.trading.place(resting(world, client_order_id="lost"))
        assert isinstance(outcome, Absent)
        assert trio.current_time() - began < 21
        assert there(world, "lost") == 0
        assert connects(world) == (2, 1)
        assert connections(world, ConnectionLost) == ["wsapi"]
        assert world.count(UserDataSubscribed) == 1


@WIRES
async def test_an_order_that_was_executed_as_the_connection_of_the_calls_broke_is_seen_at_once(
    credentials: Credentials, autojump_clock: trio.testing.MockClock
) -> None:
    async with amid(OnRequest(1, Bend.lost(executed=True), PLACING), credentials=credentials) as world:
        began = trio.current_time()
        outcome = await world.bx.trading.place(MarketOrder("BTCUSDT", Side.BUY, quantity=QUANTITY))
        assert isinstance(outcome, Accepted)
        assert trio.current_time() - began < 0.5
        assert "the user stream shows" in outcome.evidence
        assert sum(fill.qty for fill in outcome.order.fills) == QUANTITY
        await trio.sleep(5)
        assert connections(world, ConnectionLost) == ["wsapi"]
        assert connects(world) == (2, 1)


async def test_a_cut_of_the_events_harms_no_call_and_they_come_back(autojump_clock: trio.testing.MockClock) -> None:
    async with amid() as world, world.bx.account.events() as feed:
        await trio.sleep(5)
        line(events_of(world)).reset()
        await trio.sleep(0)
        outcome = await world.bx.trading.place(resting(world, client_order_id="meanwhile"))
        assert isinstance(outcome, Accepted)
        assert outcome.answered
        with trio.fail_after(30):
            event = await feed.receive()
        assert isinstance(event, ExecutionReport)
        assert (event.client_order_id, event.recovered) == ("meanwhile", True)
        await world.bx.wait_ready()
        assert connects(world) == (1, 2)
        assert connections(world, ConnectionLost) == ["wsapi:events"]


async def test_when_both_are_cut_at_once_nobody_claims_to_have_seen_anything(
    autojump_clock: trio.testing.MockClock,
) -> None:
    lost = OnRequest(1, Bend(executed=False, hold=2.0), PLACING, "ws_api", (Timed(1.0, CutSockets("ws_api")),))
    async with amid(lost) as world:
        outcome = await world.bx.trading.place(resting(world, client_order_id="who-knows"))
        assert not isinstance(outcome, Absent)
        assert "the user stream broke" in outcome.evidence
        assert connections(world, ConnectionLost) == ["wsapi", "wsapi:events"]


# ----------------------------------------------------------------------------------------------- beside each other


@pytest.mark.parametrize("lead", [0.0, 10.0])
async def test_a_shutdown_of_the_server_replaces_both(lead: float, autojump_clock: trio.testing.MockClock) -> None:
    async with amid(credentials=ED25519) as world, world.bx.account.events() as feed:
        await trio.sleep(30)
        world.sandbox.exchange.announce_shutdown(int(lead * 1e6))
        world.sandbox.driver.flush()
        await trio.sleep(lead + 5)
        assert connections(world, ConnectionRenewed) == ["wsapi", "wsapi:events"]
        assert connections(world, ConnectionLost) == []
        assert connects(world) == (2, 2)
        await world.bx.wait_ready()
        assert isinstance(await world.bx.trading.place(resting(world, client_order_id="later")), Accepted)
        with trio.fail_after(1):
            event = await feed.receive()
        assert isinstance(event, ExecutionReport)
        assert not event.recovered


async def test_both_are_replaced_before_their_day_is_over_but_not_at_the_same_moment(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with amid(tuning=Tuning(connection_lifetime=1000.0), credentials=ED25519) as world:
        await trio.sleep(2500)
        told = [event for event in world.events if isinstance(event, ConnectionRenewed)]
        moments = {name: [event.at for event in told if event.connection == name] for name in ("wsapi", "wsapi:events")}
        assert [len(each) for each in moments.values()] == [2, 2]
        assert all(abs(one - other) > 1 for one, other in zip(*moments.values(), strict=True))
        assert world.count(ConnectionLost) == 0
        # Nobody logs on where only events come: whoever subscribes signs.
        assert world.count(LoggedOn) == 3


@pytest.mark.parametrize(("crashing", "peer"), [(calls, events_of), (events_of, calls)], ids=["calls", "events"])
async def test_a_crash_of_one_leaves_the_other_standing(
    crashing: Any, peer: Any, autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with amid() as world:
        before, crashed = peer(world).line, crashing(world)

        def crash(_item: Any) -> None:
            monkeypatch.undo()
            raise RuntimeError("a mistake of ours")

        monkeypatch.setattr(crashed.line, "take", crash)
        [server] = [each for each in world.sandbox.driver.sockets if each.number == number_of(world, crashed)]
        server.text("{}")
        await trio.sleep(5)
        assert [event.service for event in world.events if isinstance(event, ServiceCrashed)] == [crashed.name]
        assert [event.service for event in world.events if isinstance(event, ServiceRestarted)] == [crashed.name]
        assert peer(world).line is before
        await world.bx.wait_ready()
        assert isinstance(await world.bx.trading.place(resting(world, client_order_id="after")), Accepted)


def number_of(world: World, ws_api: WsApi) -> int:
    """Return the exchange's number of a connection: that of the calls was made first."""
    sockets = [each.number for each in world.sandbox.driver.sockets if each.kind == "ws_api"]
    return sockets[0 if ws_api is calls(world) else -1]


async def test_a_key_that_is_revoked_on_the_connection_of_the_calls_ends_the_events_as_well(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with amid(credentials=ED25519) as world:
        await trio.sleep(5)
        [server, _] = [each for each in world.sandbox.driver.sockets if each.kind == "ws_api"]
        error = {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}
        server.text(json.dumps({"id": None, "status": 401, "error": error}))
        await trio.sleep(0.1)
        assert world.bx.status is Status.DEGRADED
        assert "userdata" in world.bx.status_reasons
        await world.bx.wait_ready()  # it was the exchange's mistake: the subscription stands
        assert world.count(UserDataSubscribed) == 2
        assert connects(world) == (1, 1)


# ---------------------------------------------------------------------------------------------------- what is seen


async def test_being_ready_takes_both_and_who_lacks_what_is_told(autojump_clock: trio.testing.MockClock) -> None:
    class DeadEnd:
        async def connect(self, host: str, port: int, *, tls: bool) -> trio.abc.Stream:
            await trio.sleep_forever()
            raise AssertionError(f"{host}:{port} {tls}")

    async with open_binance(config_of(prefer="ws_api"), dialer=DeadEnd()) as bx:
        with trio.move_on_after(60) as patience:
            await bx.wait_ready()
        assert patience.cancelled_caught
        assert {"wsapi", "wsapi:events", "userdata"} <= set(bx.status_reasons)
    async with amid() as world:
        line(events_of(world)).reset()
        await settle()
        assert set(world.bx.status_reasons) == {"wsapi:events", "userdata"}


async def test_each_connection_is_paid_for(autojump_clock: trio.testing.MockClock) -> None:
    used: dict[str, int] = {}
    for prefer in ("rest", "ws_api"):
        async with amid(prefer=prefer) as world:
            rules = world.bx.statistics().limits.rules
            used[prefer] = next(rule.used for rule in rules if rule.rule.kind is LimitKind.CONNECTIONS)
    assert used == {"rest": 1, "ws_api": 2}


async def test_calls_by_rest_leave_the_events_and_the_rest_one_connection(
    autojump_clock: trio.testing.MockClock,
) -> None:
    for settings in ({"prefer": "rest"}, {"prefer": "ws_api", "credentials": None}):
        async with amid(**settings) as world:
            told = world.bx.statistics()
            assert told.ws_api is not None
            assert (told.ws_api.connects, told.ws_api_events) == (1, None)
            assert [each.kind for each in world.sandbox.driver.sockets] == ["ws_api"]


async def test_the_session_is_that_of_the_calls(autojump_clock: trio.testing.MockClock) -> None:
    async with amid(credentials=ED25519) as world, world.bx.account.events() as feed:
        session = world.bx.session
        assert await session.subscriptions() == []
        told = await session.status()
        assert (told.api_key, told.user_data_stream) == (KEY, False)
        await session.logout()
        assert isinstance(await world.bx.trading.place(resting(world, client_order_id="signed")), Accepted)
        with trio.fail_after(1):
            assert isinstance(await feed.receive(), ExecutionReport)
        assert world.count(UserDataSubscribed) == 1


@pytest.mark.parametrize("steps", [*range(0, 60, 4)])
async def test_left_at_any_step_nothing_of_either_is_left(steps: int, autojump_clock: trio.testing.MockClock) -> None:
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def cancel() -> None:
                for _ in range(steps):
                    await trio.lowlevel.checkpoint()
                scope.cancel()

            async with amid(ready=False):
                await trio.sleep_forever()
