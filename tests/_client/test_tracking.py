"""Orders that are tracked: from wherever they stand to their end, with everything that becomes of them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs
import pytest
import trio
import trio.testing

from tests._client.world import World, open_world
from tests.usertrouble import Mute
from trio_binance._client.open import open_binance
from trio_binance.config import Safety
from trio_binance.errors import (
    ConnectorClosed,
    CredentialsRequired,
    InsufficientBalance,
    InvalidArgument,
    SafetyRefused,
)
from trio_binance.models import (
    ExecutionReport,
    ExecutionType,
    ExpiryReason,
    LimitMakerLeg,
    LimitOrder,
    ListStatus,
    MarketOrder,
    OcoOrder,
    OrderStatus,
    Rejected,
    Side,
    StopLossLeg,
    StopLossOrder,
)

BTC = "BTCUSDT"
QUANTITY = Decimal("0.00100")


def below(world: World) -> Decimal:
    """Return a price at which nobody sells."""
    return Decimal(world.sandbox.market.book(BTC).bids[0][0] - 1000)


async def rest(world: World, name: str | None = None, **options: Any) -> int:
    order = LimitOrder(BTC, Side.BUY, quantity=QUANTITY, price=below(world), client_order_id=name, **options)
    return int((await world.bx.trading.place(order)).unwrap().order_id)


async def test_an_order_that_is_placed_later_is_followed_from_its_birth_to_its_last_fill(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_world() as world, world.bx.trading.track(BTC, client_order_id="mine") as tracked:
        assert (tracked.order, tracked.is_done, tracked.average_price, tracked.remaining) == (None, False, None, None)
        assert "not known yet" in repr(tracked)
        order = MarketOrder(BTC, Side.BUY, quantity="0.50000", client_order_id="mine")
        placed = (await world.bx.trading.place(order)).unwrap()
        done = await tracked.wait_done()
        assert (done.status, done.executed_qty) == (OrderStatus.FILLED, placed.executed_qty)
        assert [fill.trade_id for fill in tracked.fills] == [fill.trade_id for fill in placed.fills]
        assert tracked.average_price == placed.cummulative_quote_qty / placed.executed_qty
        assert tracked.fees == {"BTC": sum(fill.commission for fill in placed.fills)}
        assert (tracked.remaining, tracked.prevented, tracked.has_all_fills) == (Decimal(0), Decimal(0), True)
        updates = [update async for update in tracked]
        assert [update.execution_type for update in updates if isinstance(update, ExecutionReport)] == [
            ExecutionType.NEW,
            *[ExecutionType.TRADE] * len(placed.fills),
        ]
        assert "FILLED" in repr(tracked)


@pytest.mark.parametrize("by", ["order_id", "client_order_id"])
async def test_an_order_that_rests_is_found_by_either_id_and_followed_through_amendment_and_cancel(
    by: str, autojump_clock: trio.testing.MockClock
) -> None:
    async with open_world() as world:
        number = await rest(
            world,
            "mine",
        )
        ids: dict[str, Any] = {by: number if by == "order_id" else "mine"}
        async with world.bx.trading.track(BTC, **ids) as tracked:
            assert tracked.order is not None
            assert tracked.order.order_id == number
            assert tracked.remaining == QUANTITY
            await world.bx.trading.amend_keep_priority(BTC, order_id=number, new_qty="0.00050")
            await world.bx.trading.cancel(BTC, order_id=number)
            done = await tracked.wait_done()
            assert (done.status, done.orig_qty) == (OrderStatus.CANCELED, Decimal("0.00050"))
            kinds = [update.execution_type async for update in tracked if isinstance(update, ExecutionReport)]
            assert kinds[-2:] == [ExecutionType.REPLACED, ExecutionType.CANCELED]
            [amendment] = tracked.amendments
            assert amendment.original_client_order_id == "mine"
            assert done.client_order_id == amendment.client_order_id


async def test_an_order_of_before_the_connector_is_asked_for_with_all_of_its_fills(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_world() as world:
        placed = (await world.bx.trading.place(MarketOrder(BTC, Side.BUY, quantity="0.50000"))).unwrap()
        await trio.sleep(10)
        async with open_binance(world.bx.config, dialer=world.sandbox.dialer) as later:
            async with later.trading.track(BTC, order_id=placed.order_id) as tracked:
                assert (await tracked.wait_done()).status is OrderStatus.FILLED
                assert [fill.trade_id for fill in tracked.fills] == [fill.trade_id for fill in placed.fills]
                assert tracked.has_all_fills
                assert [update async for update in tracked] == []


async def test_it_goes_on_across_a_lost_connection_and_learns_what_happened_meanwhile(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_world() as world:
        mute = Mute(world)
        async with world.bx.trading.track(BTC, client_order_id="mine") as tracked:
            await rest(world, "mine")
            assert (await anext(tracked)).recovered is False
            mute.on()
            await world.bx.trading.cancel(BTC, client_order_id="mine")
            assert world.sandbox.network is not None
            world.sandbox.network.reset_all()
            await trio.sleep(0)
            mute.off()
            assert (await tracked.wait_done()).status is OrderStatus.CANCELED
            [last] = [update async for update in tracked]
            assert isinstance(last, ExecutionReport)
            assert (last.recovered, last.execution_type) == (True, ExecutionType.CANCELED)
            assert (last.client_order_id, last.original_client_order_id) == ("mine", "mine")


async def test_a_stop_that_is_triggered_is_the_same_order(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world() as world:
        ask = world.sandbox.market.book(BTC).asks[0][0]
        async with world.bx.trading.track(BTC, client_order_id="stop") as tracked:
            order = StopLossOrder(BTC, Side.BUY, quantity=QUANTITY, stop_price=ask + 5, client_order_id="stop")
            await world.bx.trading.place(order)
            await anext(tracked)
            before = tracked.is_triggered
            await world.bx.trading.place(MarketOrder(BTC, Side.BUY, quantity="1.00000"))
            with trio.fail_after(3600):
                done = await tracked.wait_done()
            assert done.status is OrderStatus.FILLED
            assert (before, tracked.is_triggered) == (False, True)
            reports = [update async for update in tracked if isinstance(update, ExecutionReport)]
            assert {report.order_id for report in reports} == {done.order_id}


async def test_the_legs_of_a_list_are_told_with_it(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world() as world:
        bid, ask = (side[0][0] for side in (world.sandbox.market.book(BTC).bids, world.sandbox.market.book(BTC).asks))
        oco = OcoOrder(
            BTC,
            Side.SELL,
            quantity=QUANTITY,
            above=LimitMakerLeg(price=ask + 1000, client_order_id="above"),
            below=StopLossLeg(stop_price=bid - 1000, client_order_id="below"),
        )
        async with world.bx.trading.track(BTC, client_order_id="above") as tracked:
            placed = (await world.bx.trading.place_oco(oco)).unwrap()
            await world.bx.trading.cancel_order_list(BTC, order_list_id=placed.order_list_id)
            await tracked.wait_done()
            await trio.sleep(1)
            assert [leg.status for leg in tracked.legs] == [OrderStatus.CANCELED] * 2
            assert tracked.order_list is not None
            assert tracked.order_list.order_list_id == placed.order_list_id
            updates = [update async for update in tracked]
            assert any(isinstance(update, ListStatus) for update in updates)
            assert world.bx.account.mirror.order_list(placed.order_list_id)[1] == tracked.legs


async def test_an_order_that_expires_says_why(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world() as world, world.bx.trading.track(BTC, client_order_id="mine") as tracked:
        order = LimitOrder(
            BTC, Side.BUY, quantity=QUANTITY, price=below(world), time_in_force="FOK", client_order_id="mine"
        )
        await world.bx.trading.place(order)
        assert (await tracked.wait_done()).status is OrderStatus.EXPIRED
        assert tracked.expiry_reason == ExpiryReason.UNFILLED_FOK_ORDER_EXPIRED


async def test_what_self_trade_prevention_took_away_is_told(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world(activity=0.01) as world:
        book = world.sandbox.market.book(BTC)
        price = (book.bids[0][0] + book.asks[0][0]) / 2 // Decimal("0.01") * Decimal("0.01")
        options: dict[str, Any] = {"quantity": QUANTITY, "price": price}
        await world.bx.trading.place(LimitOrder(BTC, Side.BUY, **options))
        async with world.bx.trading.track(BTC, client_order_id="taker") as tracked:
            order = LimitOrder(
                BTC, Side.SELL, self_trade_prevention_mode="EXPIRE_TAKER", client_order_id="taker", **options
            )
            await world.bx.trading.place(order)
            assert (await tracked.wait_done()).status is OrderStatus.EXPIRED_IN_MATCH
            assert tracked.prevented == QUANTITY


async def test_whoever_waits_for_an_order_is_told_that_the_connector_closes(
    autojump_clock: trio.testing.MockClock,
) -> None:
    waiting = trio.Event()

    async def wait(tracked: Any, *, by_iteration: bool) -> None:
        with pytest.raises(ConnectorClosed):
            await (anext(tracked) if by_iteration else tracked.wait_done())

    async with trio.open_nursery() as nursery:
        async with open_world() as world:
            opening = world.bx.trading.track(BTC, client_order_id="never")
            tracked = await opening.__aenter__()
            nursery.start_soon(lambda: wait(tracked, by_iteration=True))
            nursery.start_soon(lambda: wait(tracked, by_iteration=False))
            await trio.testing.wait_all_tasks_blocked()
            waiting.set()
    with pytest.raises(ConnectorClosed):
        await anext(tracked)
    await opening.__aexit__(None, None, None)


async def test_tracking_needs_a_key_a_symbol_and_an_id(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world(credentials=None) as world:
        with pytest.raises(CredentialsRequired, match="tracking"):
            world.bx.trading.track(BTC, order_id=1)
        with pytest.raises(InvalidArgument):
            world.bx.trading.track("B/C", order_id=1)
        with pytest.raises(InvalidArgument, match="order_id or client_order_id"):
            world.bx.trading.track(BTC)
        with pytest.raises(CredentialsRequired):
            _ = world.bx.account.mirror


async def test_nothing_of_a_tracking_stays_behind(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world() as world:
        number = await rest(world)
        async with world.bx.trading.track(BTC, order_id=number):
            assert world.bx.account.mirror.statistics().feeds == 1
        assert world.bx.account.mirror.statistics().feeds == 0
        assert world.bx._engine.mirror is not None
        assert world.bx._engine.mirror.ledger.records.wanted == set()


async def test_an_order_that_was_refused_is_not_waited_for(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world() as world:
        for name, follow in {"dear": lambda tracked: tracked.wait_done(), "dearest": anext}.items():
            async with world.bx.trading.track("BTCUSDT", client_order_id=name) as tracked:
                order = LimitOrder(BTC, Side.BUY, quantity=QUANTITY, price=below(world), client_order_id=name)
                refused = await world.bx.trading.place(attrs.evolve(order, quantity=Decimal(90)))
                assert isinstance(refused, Rejected)
                with pytest.raises(InsufficientBalance), trio.fail_after(5):
                    await follow(tracked)
                await rest(world, name)
                await world.bx.trading.cancel("BTCUSDT", client_order_id=name)
                assert (await tracked.wait_done()).status == "CANCELED"


async def test_an_order_that_was_not_sent_is_not_waited_for_either(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world(safety=Safety(max_open_orders=1)) as world:
        await rest(world, "first")
        async with world.bx.trading.track("BTCUSDT", client_order_id="second") as tracked:
            for _ in range(2):
                with pytest.raises(SafetyRefused):
                    await rest(world, "second")
                with pytest.raises(SafetyRefused), trio.fail_after(5):
                    await tracked.wait_done()
