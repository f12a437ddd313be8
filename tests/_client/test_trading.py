from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import trio
import trio.testing

from tests._client.world import World, open_world
from trio_binance.errors import (
    BinanceError,
    CredentialsRequired,
    FilterError,
    InsufficientBalance,
    InvalidArgument,
    Outcome,
    ServerError,
)
from trio_binance.models import (
    LimitMakerOrder,
    LimitOrder,
    MarketOrder,
    OrderAck,
    OrderFull,
    OrderResult,
    OrderStatus,
    Side,
    TimeInForce,
)
from trio_binance.sandbox.faults import Answer, Bend, FaultSchedule, OnRequest

QUANTITY = Decimal("0.00100")


def account_of(world: World) -> Any:
    [key] = world.sandbox.exchange.keys.values()
    return key.account


def below(world: World, step: int = 1000) -> Decimal:
    """Return a price at which nobody sells."""
    return world.sandbox.market.book("BTCUSDT").bids[0][0] - step


@pytest.mark.parametrize("prefer", ["rest", "ws_api"])
async def test_a_taker_pays_exactly_what_the_book_asks(prefer: str, autojump_clock: trio.testing.MockClock) -> None:
    async with open_world(prefer=prefer) as world:
        had = {asset: account_of(world).free(asset) for asset in ("BTC", "USDT")}
        [(ask, _), *_] = world.sandbox.market.book("BTCUSDT").asks
        order = LimitOrder("BTCUSDT", Side.BUY, quantity=QUANTITY, price=ask, client_order_id="taker")
        placed = await world.bx.trading.place(order)
        assert isinstance(placed, OrderFull)
        assert (placed.status, placed.client_order_id, placed.time_in_force) == (
            OrderStatus.FILLED,
            "taker",
            TimeInForce.GTC,
        )
        assert placed.cummulative_quote_qty == sum((fill.price * fill.qty for fill in placed.fills), Decimal(0))
        assert account_of(world).free("USDT") == had["USDT"] - placed.cummulative_quote_qty
        commission = sum((fill.commission for fill in placed.fills if fill.commission_asset == "BTC"), Decimal(0))
        assert account_of(world).free("BTC") == had["BTC"] + QUANTITY - commission
        assert set(world.sandbox.market.audit().values()) == {Decimal(0)}


async def test_each_kind_of_report_has_its_own_type(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world() as world:
        order = MarketOrder("BTCUSDT", Side.BUY, quantity=QUANTITY)
        for wanted, kind in (("ACK", OrderAck), ("RESULT", OrderResult), ("FULL", OrderFull)):
            assert type(await world.bx.trading.place(order, new_order_resp_type=wanted)) is kind
        with pytest.raises(InvalidArgument, match="new_order_resp_type='SOME': expected one of ACK, RESULT, FULL"):
            await world.bx.trading.place(order, new_order_resp_type="SOME")


async def test_an_order_for_money_spends_no_more_than_that(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world() as world:
        order = MarketOrder("BTCUSDT", Side.BUY, quote_order_qty=Decimal(100))
        placed = await world.bx.trading.place(order)
        assert isinstance(placed, OrderFull)
        assert 0 < placed.cummulative_quote_qty <= Decimal(100)
        assert placed.orig_quote_order_qty == Decimal(100)


async def test_a_maker_rests_and_is_cancelled_by_either_id(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world() as world:
        trading = world.bx.trading
        for by in ("order_id", "client_order_id"):
            order = LimitMakerOrder("BTCUSDT", Side.BUY, quantity=QUANTITY, price=below(world))
            placed = await trading.place(order)
            assert account_of(world).locked("USDT") == QUANTITY * below(world)
            name: dict[str, Any] = {by: getattr(placed, by)}
            cancelled = await trading.cancel("BTCUSDT", **name)
            assert (cancelled.order_id, cancelled.status) == (placed.order_id, OrderStatus.CANCELED)
            assert cancelled.orig_client_order_id == placed.client_order_id
            assert account_of(world).locked("USDT") == 0


async def test_a_test_order_changes_nothing(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world() as world:
        order = LimitOrder("BTCUSDT", Side.BUY, quantity=QUANTITY, price=below(world))
        plain = await world.bx.trading.test(order)
        assert plain.standard_commission_for_order is None
        rates = await world.bx.trading.test(order, compute_commission_rates=True)
        assert rates.standard_commission_for_order is not None
        assert isinstance(rates.standard_commission_for_order.taker, Decimal)
        assert await world.bx.account.open_orders() == []


async def test_every_order_gets_a_client_id_of_its_own(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world() as world:
        trading = world.bx.trading
        order = MarketOrder("BTCUSDT", Side.BUY, quantity=QUANTITY)
        ids = [(await trading.place(order)).client_order_id for _ in range(3)] + [trading.new_client_order_id()]
        assert len(set(ids)) == 4
        assert all(number.startswith("tb") and len(number) <= 36 for number in ids)


async def test_an_error_carries_the_client_id_of_its_order(autojump_clock: trio.testing.MockClock) -> None:
    faults = FaultSchedule((OnRequest(1, Bend.say(Answer.error(503, -1007, "Timeout.")), "/api/v3/order"),))
    async with open_world(faults=faults) as world:
        order = LimitOrder("BTCUSDT", Side.BUY, quantity=QUANTITY, price=below(world))
        with pytest.raises(ServerError) as caught:
            await world.bx.trading.place(order)
        assert caught.value.outcome is Outcome.UNKNOWN
        assert caught.value.client_order_id is not None
        with pytest.raises(BinanceError, match="-2013"):
            await world.bx.account.order("BTCUSDT", client_order_id=caught.value.client_order_id)


async def test_a_lost_answer_is_unknown_and_the_order_is_placed_once(autojump_clock: trio.testing.MockClock) -> None:
    faults = FaultSchedule((OnRequest(1, Bend.lost(executed=True), "/api/v3/order"),))
    async with open_world(faults=faults) as world:
        order = LimitOrder("BTCUSDT", Side.BUY, quantity=QUANTITY, price=below(world), client_order_id="lost-1")
        with pytest.raises(BinanceError) as caught:
            await world.bx.trading.place(order)
        assert (caught.value.outcome, caught.value.client_order_id) == (Outcome.UNKNOWN, "lost-1")
        assert [one.client_order_id for one in await world.bx.account.open_orders()] == ["lost-1"]


async def test_what_the_rules_forbid_is_a_typed_refusal(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world() as world:
        place = world.bx.trading.place
        with pytest.raises(FilterError, match="LOT_SIZE"):
            await place(MarketOrder("BTCUSDT", Side.BUY, quantity=Decimal("0.00100001")))
        with pytest.raises(InsufficientBalance):
            await place(MarketOrder("BTCUSDT", Side.SELL, quantity=Decimal(2)))


@pytest.mark.parametrize("given", [None, {"symbol": "BTCUSDT"}, "BUY"])
async def test_only_an_order_can_be_placed(given: Any, autojump_clock: trio.testing.MockClock) -> None:
    async with open_world(ready=False) as world:
        for call in (world.bx.trading.place, world.bx.trading.test):
            with pytest.raises(TypeError, match=f"LimitOrder.*not {type(given).__name__}"):
                await call(given)


async def test_a_float_is_no_price(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world(ready=False):
        with pytest.raises(TypeError, match=r"price=61000\.5.*Decimal"):
            LimitOrder("BTCUSDT", Side.BUY, quantity=QUANTITY, price=61000.5)  # type: ignore[arg-type]


async def test_without_credentials_nothing_can_be_traded(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world(credentials=None) as world:
        trading = world.bx.trading
        order = MarketOrder("BTCUSDT", Side.BUY, quantity=QUANTITY)
        for asking in (
            trading.place(order),
            trading.test(order),
            trading.cancel("BTCUSDT", order_id=1),
            trading.cancel_open_orders("BTCUSDT"),
        ):
            with pytest.raises(CredentialsRequired, match="needs credentials") as caught:
                await asking
            assert caught.value.outcome is Outcome.NOT_SENT
