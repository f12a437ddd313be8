"""The account's events without holes: by every way that a subscription ends, it comes back and nothing is missing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest
import trio
import trio.testing

from tests._client.world import EPOCH_MS, World, config_of, open_world
from tests.usertrouble import Mute, differences, true_fills
from trio_binance._client.open import open_binance
from trio_binance._services.conditions import Status
from trio_binance._services.events import AccountLive, AccountStale, UserDataGap, UserDataSubscribed
from trio_binance.config import Credentials, SandboxSpec, Tuning
from trio_binance.errors import ConnectorClosed
from trio_binance.models import (
    AccountPosition,
    CancelResult,
    EventStreamTerminated,
    ExecutionReport,
    ExecutionType,
    LimitMakerLeg,
    LimitOrder,
    ListStatus,
    MarketOrder,
    MirrorState,
    OcoOrder,
    OrderStatus,
    Side,
    StopLossLeg,
)
from trio_binance.sandbox.faults import Answer, Bend, FaultSchedule, OnRequest
from trio_binance.sandbox.keys import Key
from trio_binance.sandbox.ledger import Ledger
from trio_binance.sandbox.rules import Rules
from trio_binance.sandbox.serve import open_sandbox

BTC = "BTCUSDT"
QUANTITY = Decimal("0.00100")
QUIET: dict[str, Any] = {"activity": 0.05}


async def buy(bx: Any, quantity: Any = QUANTITY, **options: Any) -> Any:
    return (await bx.trading.place(MarketOrder(BTC, Side.BUY, quantity=quantity, **options))).unwrap()


async def rest(world: World, **options: Any) -> Any:
    price = world.sandbox.market.book(BTC).bids[0][0] - 1000
    order = LimitOrder(BTC, Side.BUY, quantity=QUANTITY, price=price, **options)
    return (await world.bx.trading.place(order)).unwrap()


@asynccontextmanager
async def heard(world: World) -> AsyncIterator[list[Any]]:
    """Collect the account's events while the block lasts."""
    told: list[Any] = []

    async def listen(events: Any) -> None:
        async for event in events:
            told.append(event)  # noqa: PERF401 - it is read while it grows

    async with world.bx.account.events() as events, trio.open_nursery() as nursery:
        nursery.start_soon(listen, events)
        yield told
        nursery.cancel_scope.cancel()


def fills_of(told: list[Any]) -> list[tuple[str, int]]:
    reports = [event for event in told if isinstance(event, ExecutionReport)]
    return [(one.symbol, one.trade_id) for one in reports if one.execution_type == ExecutionType.TRADE]


async def well_again(world: World) -> None:
    with trio.fail_after(300):
        await world.bx.account.mirror.wait_live()
    # The exchange sends an order's report and the balances after it as two messages: let the second arrive.
    await trio.sleep(1)
    assert differences(world) == []


# ------------------------------------------------------------------------------------------------- the mirror


async def test_it_is_live_a_lag_after_the_subscription_and_is_the_account(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_world(**QUIET) as world:
        mirror = world.bx.account.mirror
        assert (mirror.state, mirror.as_of) == (MirrorState.SYNCING, None)
        assert "syncing" in repr(mirror)
        placed = await rest(world)
        assert mirror.open_orders() == [] or mirror.open_orders()[0].order_id == placed.order_id
        await mirror.wait_live()
        assert trio.current_time() == pytest.approx(41, abs=2)
        assert (mirror.state, mirror.reason) == (MirrorState.LIVE, "")
        assert [order.order_id for order in mirror.open_orders(BTC)] == [placed.order_id]
        assert mirror.open_orders("ETHUSDT") == []
        by_name = mirror.order(BTC, client_order_id=placed.client_order_id)
        assert by_name == mirror.order(BTC, order_id=placed.order_id)
        assert by_name is not None
        assert mirror.order(BTC, order_id=77) is None
        bought = await buy(world.bx)
        with trio.fail_after(1):
            while len(mirror.fills(BTC, order_id=bought.order_id)) < len(bought.fills):
                await mirror.changed()
        assert [fill.trade_id for fill in mirror.fills(BTC)] == [fill.trade_id for fill in bought.fills]
        await well_again(world)
        assert mirror.as_of is not None
        assert mirror.as_of > EPOCH_MS
        figures = world.bx.statistics().account
        assert figures == mirror.statistics()
        assert figures is not None
        assert (figures.mirror.live, figures.mirror.recovered, figures.mirror.losses) == (True, 0, 0)
        assert world.count(AccountLive) == 1
    assert world.count(AccountStale) == 0  # that the block has ended is no news


async def test_an_audit_and_its_ping_keep_a_silent_account_fresh(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world(**QUIET) as world:
        await world.bx.account.mirror.wait_live()
        await trio.sleep(1000)
        as_of = world.bx.account.mirror.as_of
        assert as_of is not None
        assert as_of >= world.bx.server_time_ms() - 62_000
        figures = world.bx.statistics()
        assert figures.account is not None
        assert figures.account.mirror.audits >= 15
        assert max(rule.used for rule in figures.limits.rules) < 400


async def test_what_was_before_the_first_subscription_is_no_event(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world(**QUIET) as world:
        await world.bx.account.mirror.wait_live()
        await buy(world.bx)
        placed = await rest(world)
        await trio.sleep(10)
        async with open_binance(world.bx.config, dialer=world.sandbox.dialer) as later:
            async with later.account.events() as events:
                await later.account.mirror.wait_live()
                assert events.statistics().waiting == 0
                assert [order.order_id for order in later.account.mirror.open_orders()] == [placed.order_id]
                assert later.account.mirror.balances == world.bx.account.mirror.balances


async def test_who_waits_is_told_that_the_connector_closes(autojump_clock: trio.testing.MockClock) -> None:
    async def wait(waiting: Any) -> None:
        with pytest.raises(ConnectorClosed):
            while True:
                await waiting()

    async with trio.open_nursery() as nursery:
        async with open_world(**QUIET) as world:
            nursery.start_soon(wait, world.bx.account.mirror.wait_live)
            nursery.start_soon(wait, world.bx.account.mirror.changed)
            await trio.testing.wait_all_tasks_blocked()
    with pytest.raises(ConnectorClosed):
        await world.bx.account.mirror.changed()


# -------------------------------------------------------------------------- by every way it ends, it comes back


async def end_of_stream(world: World) -> None:
    world.sandbox.exchange.end_user_streams()
    world.sandbox.driver.flush()


async def lost_line(world: World) -> None:
    assert world.sandbox.network is not None
    world.sandbox.network.reset_all()


async def closed_by_the_exchange(world: World) -> None:
    for socket in world.sandbox.driver.sockets:
        socket.close(1001, "")


async def shutdown(world: World) -> None:
    world.sandbox.exchange.announce_shutdown(0)
    world.sandbox.driver.flush()


async def own_logout(world: World) -> None:
    await world.bx.session.logout()


async def revoked(world: World) -> None:
    [key] = world.sandbox.exchange.keys.values()
    key.revoked = True
    world.sandbox.exchange.end_user_streams()
    world.sandbox.driver.flush()
    await trio.sleep(20)
    key.revoked = False


ENDS = [end_of_stream, lost_line, closed_by_the_exchange, shutdown, own_logout, revoked]


@pytest.mark.parametrize("end", ENDS)
async def test_what_happened_while_nothing_was_subscribed_is_told_when_it_is_again(
    end: Any, autojump_clock: trio.testing.MockClock
) -> None:
    async with open_world(**QUIET) as world, heard(world) as told:
        await well_again(world)
        resting = await rest(world)
        await trio.sleep(5)
        told.clear()
        mute = Mute(world)
        mute.loses = lambda event: event["e"] != "eventStreamTerminated"
        gone = await world.bx.trading.cancel(BTC, order_id=resting.order_id)
        bought = await buy(world.bx, "0.30000")
        await end(world)
        mute.off()
        await trio.sleep(2)
        # At a shutdown the next connection stands before the first ends; a logout ends no subscription by signature.
        if end not in (shutdown, own_logout):
            assert world.bx.account.mirror.state is MirrorState.STALE
        with trio.fail_after(200):
            while world.bx.account.mirror.state is not MirrorState.LIVE or differences(world):
                await world.bx.account.mirror.changed()
        assert sorted(fills_of(told)) == [(BTC, fill.trade_id) for fill in bought.fills]
        reports = [event for event in told if isinstance(event, ExecutionReport)]
        assert all(report.recovered for report in reports)
        [cancelled] = [report for report in reports if report.execution_type == ExecutionType.CANCELED]
        assert isinstance(gone, CancelResult)
        assert cancelled.order_id == gone.order_id
        mine = [report for report in reports if report.order_id == bought.order_id]
        assert [report.execution_type for report in mine] == ["NEW", *["TRADE"] * len(bought.fills)]
        assert mine[-1].order_status is OrderStatus.FILLED
        [position] = [event for event in told if isinstance(event, AccountPosition)]
        assert position.recovered
        assert (EventStreamTerminated in map(type, told)) == (end in (end_of_stream, revoked))


async def test_a_connection_that_is_renewed_before_the_exchange_cuts_it_loses_nothing(
    autojump_clock: trio.testing.MockClock,
) -> None:
    short_day = Rules(lifetime_us=3600 * 10**6)
    async with (
        open_world(rules=short_day, tuning=Tuning(connection_lifetime=3400.0), **QUIET) as world,
        heard(world) as told,
    ):
        await well_again(world)
        for _ in range(75):
            await buy(world.bx)
            await trio.sleep(60)
        assert world.count(UserDataSubscribed) >= 2
        await well_again(world)
        assert sorted(fills_of(told)) == sorted(true_fills(world))


async def test_a_position_without_its_report_and_a_report_without_its_position_are_found_by_the_audit(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_world(**QUIET) as world, heard(world) as told:
        await well_again(world)
        for kind in ("executionReport", "outboundAccountPosition"):
            told.clear()
            mute = Mute(world)
            mute.loses = lambda event, kind=kind: event["e"] == kind  # type: ignore[misc]
            await buy(world.bx)
            mute.off()
            await trio.sleep(125)  # two periods
            assert [event for event in told if event.recovered]
            await well_again(world)
        assert sorted(fills_of(told)) or true_fills(world)
        assert world.count(AccountStale) == 2


async def test_order_lists_are_told_again_too(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world(**QUIET) as world, heard(world) as told:
        await well_again(world)
        book = world.sandbox.market.book(BTC)
        oco = OcoOrder(
            BTC,
            Side.SELL,
            quantity=QUANTITY,
            above=LimitMakerLeg(price=book.asks[0][0] + 1000),
            below=StopLossLeg(stop_price=book.bids[0][0] - 1000),
        )
        placed = (await world.bx.trading.place_oco(oco)).unwrap()
        await trio.sleep(1)
        told.clear()
        mute = Mute(world)
        mute.on()
        await world.bx.trading.cancel_order_list(BTC, order_list_id=placed.order_list_id)
        await lost_line(world)
        mute.off()
        await trio.sleep(1)
        await well_again(world)
        [over] = [event for event in told if isinstance(event, ListStatus)]
        assert (over.recovered, over.list_order_status, over.order_list_id) == (True, "ALL_DONE", placed.order_list_id)
        ended = [event for event in told if isinstance(event, ExecutionReport)]
        assert [report.order_status for report in ended] == [OrderStatus.CANCELED] * 2


async def test_an_order_of_somebody_else_is_told_as_well(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world(**QUIET) as world, heard(world) as told:
        await well_again(world)
        async with open_binance(world.bx.config, dialer=world.sandbox.dialer) as other:
            mute = Mute(world)
            mute.on()
            price = world.sandbox.market.book("ETHUSDT").bids[0][0] / 2
            order = LimitOrder("ETHUSDT", Side.BUY, quantity="0.0100", price=price // 1)
            placed = (await other.trading.place(order)).unwrap()
            await lost_line(world)
            mute.off()
        await trio.sleep(1)
        await well_again(world)
        assert [event.order_id for event in told if isinstance(event, ExecutionReport)] == [placed.order_id]


# ------------------------------------------------------------------------------------------- answers that fail


async def test_while_the_account_cannot_be_asked_for_it_is_said_that_it_is_not_right(
    autojump_clock: trio.testing.MockClock,
) -> None:
    faults = FaultSchedule(
        tuple(
            OnRequest(number, Bend.say(Answer.error(503, -1001, "no")), "/api/v3/openOrders") for number in range(3, 7)
        )
    )
    async with open_world(faults=faults, fallback=False, **QUIET) as world:
        assert world.bx.account.mirror.state is not MirrorState.LIVE
        with trio.fail_after(2000):
            while not world.bx.status_reasons:
                await trio.sleep(1)
        assert "could not be asked for" in world.bx.status_reasons["mirror"]
        assert world.bx.account.mirror.state is MirrorState.SYNCING
        await well_again(world)
        assert world.bx.status is Status.READY


async def test_a_key_that_ends_the_events_in_silence_does_not_leave_the_mirror_live(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_world(**QUIET) as world, heard(world) as told:
        await well_again(world)
        placed = await rest(world)
        await trio.sleep(1)
        told.clear()
        [key] = world.sandbox.exchange.keys.values()
        mute = Mute(world)
        mute.on()
        await world.bx.trading.cancel(BTC, order_id=placed.order_id)
        key.revoked = True
        await trio.sleep(300)
        assert world.bx.account.mirror.state is MirrorState.STALE
        assert "mirror" in world.bx.status_reasons
        key.revoked = False
        mute.off()
        await trio.sleep(120)
        await well_again(world)
        assert [event.order_status for event in told if isinstance(event, ExecutionReport)] == [OrderStatus.CANCELED]


async def test_what_cannot_be_recovered_is_told_by_a_hook(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: trio.testing.MockClock
) -> None:
    asked, forgetful = Ledger.my_trades, False
    monkeypatch.setattr(Ledger, "my_trades", lambda *about: [] if forgetful else asked(*about))
    async with open_world(**QUIET) as world, heard(world) as told:
        await well_again(world)
        forgetful = True
        mute = Mute(world)
        mute.on()
        await buy(world.bx)
        await lost_line(world)
        mute.off()
        await trio.sleep(1)
        gaps = world.count(UserDataGap)
        with trio.fail_after(300):
            await world.bx.account.mirror.wait_live()
        assert world.count(UserDataGap) == gaps + 1
        await trio.sleep(1)  # whoever listens has still to take what was recovered
        [nameless] = [event for event in told if isinstance(event, ExecutionReport) and event.last_executed_quantity]
        assert (nameless.trade_id, nameless.order_status) == (-1, OrderStatus.FILLED)


# --------------------------------------------------------------------------------------------- several accounts


async def test_two_accounts_in_one_process_hear_each_their_own(autojump_clock: trio.testing.MockClock) -> None:
    config = config_of(**QUIET)
    assert isinstance(config.embedded, SandboxSpec)
    second = Credentials.hmac("second-key" * 6 + "abcd", "another secret")
    async with open_sandbox(config.embedded, credentials=config.credentials) as sandbox:
        account = sandbox.market.open_account(second.api_key, {"USDT": Decimal(500_000)})
        sandbox.exchange.keys[second.api_key] = Key.hmac(second.api_key, "another secret", account)
        async with (
            open_binance(config, dialer=sandbox.dialer) as one,
            open_binance(config_of(credentials=second, **QUIET), dialer=sandbox.dialer) as two,
            one.account.events() as events_of_one,
            two.account.events() as events_of_two,
        ):
            mine, theirs = await buy(one, "0.00100"), await buy(two, "0.00200")
            await one.account.mirror.wait_live()
            await two.account.mirror.wait_live()
            for events, placed in ((events_of_one, mine), (events_of_two, theirs)):
                seen = [events.receive_nowait() for _ in range(events.statistics().waiting)]
                reports = [event for event in seen if isinstance(event, ExecutionReport)]
                assert {report.order_id for report in reports} == {placed.order_id}
            assert two.account.mirror.order(BTC, order_id=mine.order_id) is None
            assert set(two.account.mirror.balances) == {"USDT", "BTC"}
