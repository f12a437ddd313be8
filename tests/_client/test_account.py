from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import trio
import trio.testing

from tests._client.world import World, open_world
from trio_binance.config import Environment, Overflow
from trio_binance.errors import ConnectorClosed, CredentialsRequired, FeedOverflow, InvalidArgument, UnknownOrder
from trio_binance.models import (
    AccountPosition,
    ExecutionReport,
    LimitOrder,
    MarketOrder,
    MaxAssetFilter,
    OrderFull,
    OrderStatus,
    RateLimitType,
    Side,
)
from trio_binance.sandbox.serve import FUNDS

QUANTITY = Decimal("0.00100")


async def buy(world: World, **options: Any) -> OrderFull:
    placed = (await world.bx.trading.place(MarketOrder("BTCUSDT", Side.BUY, quantity=QUANTITY, **options))).unwrap()
    assert isinstance(placed, OrderFull)
    return placed


async def rest(world: World, **options: Any) -> int:
    price = world.sandbox.market.book("BTCUSDT").bids[0][0] - 1000
    order = LimitOrder("BTCUSDT", Side.BUY, quantity=QUANTITY, price=price, **options)
    return ((await world.bx.trading.place(order)).unwrap()).order_id


@pytest.mark.parametrize("prefer", ["rest", "ws_api"])
async def test_the_status_tells_every_balance_exactly(prefer: str, autojump_clock: trio.testing.MockClock) -> None:
    async with open_world(prefer=prefer) as world:
        told = {balance.asset: balance.free for balance in (await world.bx.account.status()).balances}
        assert {asset: told[asset] for asset in FUNDS} == FUNDS
        full = await world.bx.account.status(omit_zero_balances=True)
        assert {balance.asset for balance in full.balances} == set(FUNDS)
        assert full.can_trade


async def test_an_order_is_found_by_either_id(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world() as world:
        number = await rest(world, client_order_id="mine")
        account = world.bx.account
        for found in (
            await account.order("BTCUSDT", order_id=number),
            await account.order("BTCUSDT", client_order_id="mine"),
        ):
            assert (found.order_id, found.client_order_id, found.status) == (number, "mine", OrderStatus.NEW)
            assert (found.orig_qty, found.executed_qty) == (QUANTITY, Decimal(0))
        with pytest.raises(UnknownOrder):
            await account.order("BTCUSDT", client_order_id="nobody")
        with pytest.raises(InvalidArgument, match="give order_id or client_order_id"):
            await account.order("BTCUSDT")


async def test_open_orders_are_those_that_rest_of_one_symbol_or_all(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world() as world:
        number = await rest(world)
        await buy(world)
        account = world.bx.account
        assert [order.order_id for order in await account.open_orders()] == [number]
        assert [order.order_id for order in await account.open_orders("BTCUSDT")] == [number]
        assert await account.open_orders("ETHUSDT") == []


async def test_all_orders_of_every_state_can_be_listed(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world() as world:
        began = world.bx.server_time_ms()
        first, second = await rest(world), (await buy(world)).order_id
        account = world.bx.account
        assert [order.order_id for order in await account.all_orders("BTCUSDT")] == [first, second]
        assert [order.order_id for order in await account.all_orders("BTCUSDT", order_id=second)] == [second]
        window = await account.all_orders("BTCUSDT", start_time=began - 10, end_time=began + 60_000, limit=1)
        assert [order.order_id for order in window] == [first]


async def test_fills_are_those_of_the_placements_report(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world() as world:
        began = world.bx.server_time_ms()
        placed = await buy(world)
        await trio.sleep(1)
        account = world.bx.account
        fills = await account.my_trades("BTCUSDT", order_id=placed.order_id)
        assert [(fill.id, fill.price, fill.qty, fill.commission, fill.commission_asset) for fill in fills] == [
            (fill.trade_id, fill.price, fill.qty, fill.commission, fill.commission_asset) for fill in placed.fills
        ]
        assert await account.my_trades("BTCUSDT", from_id=fills[0].id, limit=10) == fills
        assert await account.my_trades("BTCUSDT", start_time=began - 10, end_time=began + 60_000) == fills


async def test_commission_rates_are_exact(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world() as world:
        rates = await world.bx.account.commission("BTCUSDT")
        assert rates.symbol == "BTCUSDT"
        placed = await buy(world)
        [fill, *_] = placed.fills
        assert fill.commission == fill.qty * rates.standard_commission.taker


async def test_filters_of_the_account_are_told_with_those_of_the_symbol(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_world() as world:
        told = await world.bx.account.my_filters("BTCUSDT")
        [symbol] = (await world.bx.general.exchange_info(symbol="BTCUSDT")).symbols
        assert {one.filter_type for one in symbol.filters} <= {one.filter_type for one in told.symbol_filters}
        assert all(isinstance(one, MaxAssetFilter) for one in told.asset_filters)


async def test_a_match_with_oneself_that_was_stopped_is_told_by_its_id_or_its_order(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_world(activity=0.01) as world:
        bid, ask = (
            side[0][0]
            for side in (world.sandbox.market.book("BTCUSDT").bids, world.sandbox.market.book("BTCUSDT").asks)
        )
        price = (bid + ask) / 2 // Decimal("0.01") * Decimal("0.01")
        assert bid < price < ask
        options: dict[str, Any] = {"quantity": QUANTITY, "price": price}
        (await world.bx.trading.place(LimitOrder("BTCUSDT", Side.BUY, **options))).unwrap()
        taker = (
            await world.bx.trading.place(
                LimitOrder("BTCUSDT", Side.SELL, self_trade_prevention_mode="EXPIRE_TAKER", **options)
            )
        ).unwrap()
        assert taker.status == OrderStatus.EXPIRED_IN_MATCH
        ask_for = world.bx.account.my_prevented_matches
        [match] = await ask_for("BTCUSDT", order_id=taker.order_id)
        assert (match.taker_order_id, match.price) == (taker.order_id, price)
        assert await ask_for("BTCUSDT", prevented_match_id=match.prevented_match_id) == [match]
        later = await ask_for(
            "BTCUSDT", order_id=taker.order_id, from_prevented_match_id=match.prevented_match_id + 1, limit=5
        )
        assert later == []


async def test_unfilled_orders_are_counted_as_the_exchange_counts_them(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world() as world:
        await rest(world)
        await rest(world)
        used = await world.bx.account.order_rate_limits()
        assert {(row.rate_limit_type, row.count) for row in used} == {(RateLimitType.ORDERS, 2)}
        assert {row.interval_ms for row in used} == {10_000, 86_400_000}


async def test_events_tell_of_the_order_and_of_the_balance(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world() as world, world.bx.account.events() as events:
        placed = await buy(world)
        seen = [await events.receive() for _ in range(2 + len(placed.fills))]
        reports = [event for event in seen if isinstance(event, ExecutionReport)]
        assert {report.order_id for report in reports} == {placed.order_id}
        assert [report.trade_id for report in reports[1:]] == [fill.trade_id for fill in placed.fills]
        positions = [event for event in seen if isinstance(event, AccountPosition)]
        [key] = world.sandbox.exchange.keys.values()
        told = {balance.asset: balance.free for balance in positions[-1].balances}
        assert told["BTC"] == key.account.free("BTC")


async def test_events_that_nobody_takes_end_the_feed_and_never_the_account(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_world() as world, world.bx.account.events(buffer=1) as events:
        await buy(world)
        await trio.sleep(1)
        await events.receive()
        with pytest.raises(FeedOverflow):
            await events.receive()
        async with world.bx.account.events(overflow=Overflow.DROP_OLDEST, buffer=1) as fresh:
            await buy(world)
            await trio.sleep(1)
            await fresh.receive()
            assert fresh.statistics().dropped > 0


async def test_events_need_a_key_and_a_websocket_api(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world(credentials=None) as world:
        with pytest.raises(CredentialsRequired, match="account events"):
            world.bx.account.events()
        account = world.bx.account
        for asking in (
            account.status(),
            account.order("BTCUSDT", order_id=1),
            account.order_list(order_list_id=1),
            account.all_order_lists(),
            account.open_order_lists(),
            account.order_amendments("BTCUSDT", order_id=1),
            account.my_prevented_matches("BTCUSDT", order_id=1),
            account.my_allocations("BTCUSDT"),
            account.my_filters("BTCUSDT"),
        ):
            with pytest.raises(CredentialsRequired):
                await asking


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"buffer": 0}, InvalidArgument, "buffer=0"),
        ({"buffer": 1.5}, TypeError, r"buffer=1\.5"),
        ({"buffer": True}, TypeError, "buffer=True"),
        ({"overflow": "fail"}, TypeError, "overflow='fail'"),
    ],
)
async def test_a_feeds_size_and_policy_are_checked_at_the_call(
    options: dict[str, Any], error: type[Exception], text: str, autojump_clock: trio.testing.MockClock
) -> None:
    async with open_world(ready=False) as world:
        with pytest.raises(error, match=text):
            world.bx.account.events(**options)
        with pytest.raises(error, match=text):
            world.bx.streams.trades("BTCUSDT", **options)


async def test_feeds_of_events_end_with_the_connector(autojump_clock: trio.testing.MockClock) -> None:
    """A task outside of the block would otherwise wait for ever, and so would one that comes too late."""
    async with open_world() as world:
        opening = world.bx.account.events()
        events = await opening.__aenter__()
    with pytest.raises(trio.EndOfChannel):
        await events.receive()
    await opening.__aexit__(None, None, None)
    with pytest.raises(ConnectorClosed):
        async with world.bx.account.events():
            raise AssertionError("entered")


def test_environments_without_a_websocket_api_exist() -> None:
    assert Environment.MARKET_DATA_ONLY.ws_api_url is None
