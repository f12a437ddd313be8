from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import attrs
import pytest
import trio
import trio.testing

from tests._client.orders import QUANTITY, account_of, below, every_list, resting
from tests._client.world import EPOCH_MS, open_world
from trio_binance._services.orderevents import OutcomeFound, OutcomeInDoubt
from trio_binance.errors import (
    CredentialsRequired,
    DecodeError,
    FilterError,
    InsufficientBalance,
    InvalidArgument,
    OrderAbsent,
    Outcome,
    ServerError,
)
from trio_binance.models import (
    Absent,
    Accepted,
    CancelResult,
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
from trio_binance.sandbox.symbols import SYMBOLS


@pytest.mark.parametrize("prefer", ["rest", "ws_api"])
async def test_a_taker_pays_exactly_what_the_book_asks(prefer: str, autojump_clock: trio.testing.MockClock) -> None:
    async with open_world(prefer=prefer) as world:
        had = {asset: account_of(world).free(asset) for asset in ("BTC", "USDT")}
        [(ask, _), *_] = world.sandbox.market.book("BTCUSDT").asks
        order = LimitOrder("BTCUSDT", Side.BUY, quantity=QUANTITY, price=ask, client_order_id="taker")
        placed = (await world.bx.trading.place(order)).unwrap()
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
            assert type((await world.bx.trading.place(order, new_order_resp_type=wanted)).unwrap()) is kind
        with pytest.raises(InvalidArgument, match="new_order_resp_type='SOME': expected one of ACK, RESULT, FULL"):
            (await world.bx.trading.place(order, new_order_resp_type="SOME")).unwrap()


async def test_an_order_for_money_spends_no_more_than_that(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world() as world:
        order = MarketOrder("BTCUSDT", Side.BUY, quote_order_qty=Decimal(100))
        placed = (await world.bx.trading.place(order)).unwrap()
        assert isinstance(placed, OrderFull)
        assert 0 < placed.cummulative_quote_qty <= Decimal(100)
        assert placed.orig_quote_order_qty == Decimal(100)


async def test_a_maker_rests_and_is_cancelled_by_either_id(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world() as world:
        trading = world.bx.trading
        for by in ("order_id", "client_order_id"):
            order = LimitMakerOrder("BTCUSDT", Side.BUY, quantity=QUANTITY, price=below(world))
            placed = (await trading.place(order)).unwrap()
            assert account_of(world).locked("USDT") == QUANTITY * below(world)
            name: dict[str, Any] = {by: getattr(placed, by)}
            cancelled = await trading.cancel("BTCUSDT", **name)
            assert isinstance(cancelled, CancelResult)
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
        ids = [((await trading.place(order)).unwrap()).client_order_id for _ in range(3)] + [
            trading.new_client_order_id()
        ]
        assert len(set(ids)) == 4
        assert all(number.startswith("tb") and len(number) <= 36 for number in ids)


async def test_what_never_reached_the_exchange_is_absent_when_three_witnesses_agree(
    autojump_clock: trio.testing.MockClock,
) -> None:
    faults = FaultSchedule((OnRequest(1, Bend.say(Answer.error(503, -1007, "Timeout.")), "/api/v3/order"),))
    async with open_world(faults=faults) as world:
        outcome = await world.bx.trading.place(resting(world, client_order_id="never-1"))
        assert isinstance(outcome, Absent)
        assert outcome.client_order_id == "never-1"
        for witness in ("-1007", "the fence has passed", "-2013", "the user stream was silent"):
            assert witness in outcome.evidence
        with pytest.raises(OrderAbsent) as caught:
            outcome.unwrap()
        assert (caught.value.outcome, caught.value.client_order_id) == (Outcome.REJECTED, "never-1")
        assert isinstance(caught.value.__cause__, ServerError)
        assert (world.count(OutcomeInDoubt), world.count(OutcomeFound)) == (1, 1)
        assert world.bx.trading.unsettled == ()


async def test_an_order_whose_answer_is_lost_is_found_and_placed_once(autojump_clock: trio.testing.MockClock) -> None:
    faults = FaultSchedule((OnRequest(1, Bend.lost(executed=True), "/api/v3/order"),))
    async with open_world(faults=faults) as world:
        order = LimitOrder("BTCUSDT", Side.BUY, quantity=QUANTITY, price=below(world), client_order_id="lost-1")
        outcome = await world.bx.trading.place(order)
        assert isinstance(outcome, Accepted)
        assert not outcome.answered
        assert (outcome.order.client_order_id, outcome.order.status) == ("lost-1", OrderStatus.NEW)
        assert type(outcome.order) is OrderFull
        [there] = await world.bx.account.open_orders()
        assert (there.client_order_id, there.order_id) == ("lost-1", outcome.order.order_id)


async def test_an_order_that_was_filled_is_found_with_its_fills(autojump_clock: trio.testing.MockClock) -> None:
    faults = FaultSchedule((OnRequest(1, Bend.lost(executed=True), "/api/v3/order"),))
    async with open_world(faults=faults) as world:
        outcome = await world.bx.trading.place(MarketOrder("BTCUSDT", Side.BUY, quantity=QUANTITY))
        assert isinstance(outcome, Accepted)
        assert outcome.order.status == OrderStatus.FILLED
        assert sum(fill.qty for fill in outcome.order.fills) == QUANTITY
        trades = await world.bx.account.my_trades("BTCUSDT", order_id=outcome.order.order_id)
        assert [fill.trade_id for fill in outcome.order.fills] == [trade.id for trade in trades]


async def test_what_the_rules_forbid_is_a_typed_refusal(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world() as world:
        place = world.bx.trading.place
        with pytest.raises(FilterError, match="LOT_SIZE"):
            (await place(MarketOrder("BTCUSDT", Side.BUY, quantity=Decimal("0.00100001")))).unwrap()
        with pytest.raises(InsufficientBalance):
            (await place(MarketOrder("BTCUSDT", Side.SELL, quantity=Decimal(2)))).unwrap()


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


# ------------------------------------------------------------------------------------------- smart order routing


@pytest.mark.parametrize("prefer", ["rest", "ws_api"])
async def test_smart_order_routing_fills_an_order_by_allocations(
    prefer: str, autojump_clock: trio.testing.MockClock
) -> None:
    async with open_world(symbols=None, prefer=prefer) as world:
        order = MarketOrder("BTCUSDT", Side.BUY, quantity=QUANTITY)
        placed = (await world.bx.trading.place_sor(order)).unwrap()
        assert type(placed) is OrderFull
        assert (placed.status, placed.used_sor, placed.working_floor) == (OrderStatus.FILLED, True, "SOR")
        told = await world.bx.account.my_allocations("BTCUSDT", order_id=placed.order_id)
        assert [(one.allocation_id, one.price, one.qty) for one in told] == [
            (fill.alloc_id, fill.price, fill.qty) for fill in placed.fills
        ]
        for word, kind in (("ACK", OrderAck), ("RESULT", OrderResult)):
            assert type((await world.bx.trading.place_sor(order, new_order_resp_type=word)).unwrap()) is kind


async def test_smart_order_routing_can_be_tested_and_refuses_what_it_does_not_take(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_world(symbols=None) as world:
        trading, order = world.bx.trading, resting(world)
        assert (await trading.test_sor(order)).standard_commission_for_order is None
        rates = await trading.test_sor(order, compute_commission_rates=True)
        assert rates.standard_commission_for_order is not None
        assert await world.bx.account.open_orders() == []
        maker: Any = LimitMakerOrder("BTCUSDT", Side.BUY, quantity=1, price=1)
        for call in (trading.place_sor, trading.test_sor):
            with pytest.raises(InvalidArgument, match="quote_order_qty"):
                await call(MarketOrder("BTCUSDT", Side.BUY, quote_order_qty=100))
            with pytest.raises(TypeError, match="such as LimitOrder or MarketOrder, not LimitMakerOrder"):
                await call(maker)


# --------------------------------------------------------------------------------------------- before it is sent


async def test_a_check_tells_what_the_exchange_would_refuse_and_a_snap_mends_it(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_world() as world:
        trading = world.bx.trading
        good = resting(world)
        assert (await trading.check(good)).violations == ()
        bad = LimitOrder("BTCUSDT", Side.BUY, quantity="0.00100001", price=below(world) + Decimal("0.001"))
        assert {one.filter for one in (await trading.check(bad)).violations} == {"LOT_SIZE", "PRICE_FILTER"}
        with pytest.raises(FilterError):
            (await trading.place(bad)).unwrap()
        mended = await trading.snap(bad)
        assert (mended.quantity, mended.price) == (QUANTITY, below(world))
        assert isinstance((await trading.place(mended)).unwrap(), OrderFull)
        dearer = await trading.snap(bad, rounding="ROUND_UP")
        assert (dearer.quantity, dearer.price) == (QUANTITY, below(world) + Decimal("0.01"))


async def test_a_check_looks_at_lists_and_with_a_key_at_the_account(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world() as world:
        for order in every_list(world).values():
            assert (await world.bx.trading.check(order, account=True)).violations == ()


async def test_a_check_looks_at_amendments(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world() as world:
        placed = (await world.bx.trading.place(resting(world))).unwrap()
        assert (await world.bx.trading.check_amendment(placed, "0.0005", account=True)).violations == ()
        assert (await world.bx.trading.check_amendment(placed, 1)).violations


async def test_a_check_with_the_account_tells_of_an_order_that_cannot_be_paid_for(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_world() as world:
        info = await world.bx.account.status()
        free = next(balance.free for balance in info.balances if balance.asset == "USDT")
        price = below(world)
        order = LimitOrder("BTCUSDT", Side.BUY, quantity=int(free / price) + 1, price=price)
        assert "balance" in {one.filter for one in (await world.bx.trading.check(order)).unchecked}
        found = await world.bx.trading.check(order, account=True)
        [wrong] = [one for one in found.violations if one.filter == "balance"]
        assert f" USDT, free {free:f}" in str(wrong)
        assert all(type(one.filter) is str for one in found.violations)


# ------------------------------------------------------------------------------------------ answers that are odd


async def test_an_answer_that_is_shorter_than_asked_proves_nothing(autojump_clock: trio.testing.MockClock) -> None:
    ack = {"symbol": "BTCUSDT", "orderId": 28, "orderListId": -1, "clientOrderId": "short-1", "transactTime": 1}
    faults = FaultSchedule((OnRequest(1, Bend.say(Answer(200, json.dumps(ack).encode())), "/api/v3/order"),))
    async with open_world(faults=faults) as world:
        outcome = await world.bx.trading.place(resting(world, client_order_id="short-1"))
        assert isinstance(outcome, Absent)
        assert isinstance(outcome.error.__cause__, DecodeError)
        assert '"orderId":28' in str(outcome.error.__cause__.payload).replace(" ", "")


async def test_a_longer_answer_than_asked_is_told_in_the_form_that_was_asked_for(
    autojump_clock: trio.testing.MockClock,
) -> None:
    long = {"symbol": "BTCUSDT", "orderId": 28, "orderListId": -1, "clientOrderId": "long-1", "transactTime": 1}
    faults = FaultSchedule(
        (OnRequest(1, Bend.say(Answer(200, json.dumps({**long, "status": "NEW"}).encode())), "/api/v3/order"),)
    )
    async with open_world(faults=faults) as world:
        told = (
            await world.bx.trading.place(resting(world, client_order_id="long-1"), new_order_resp_type="ACK")
        ).unwrap()
        assert type(told) is OrderAck
        assert told.extra == {"status": "NEW"}


async def test_without_credentials_nothing_can_be_traded(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world(credentials=None) as world:
        trading = world.bx.trading
        order = MarketOrder("BTCUSDT", Side.BUY, quantity=QUANTITY)
        for asking in (
            trading.place(order),
            trading.test(order),
            trading.cancel("BTCUSDT", order_id=1),
            trading.cancel_open_orders("BTCUSDT"),
            trading.place_sor(order),
            trading.test_sor(order),
            trading.cancel_replace(order, cancel_order_id=1),
            trading.amend_keep_priority("BTCUSDT", order_id=1, new_qty=1),
            trading.cancel_order_list("BTCUSDT", order_list_id=1),
            trading.place_oco(every_list(world)["place_oco"]),  # type: ignore[arg-type]
        ):
            with pytest.raises(CredentialsRequired, match="needs credentials") as caught:
                await asking
            assert caught.value.outcome is Outcome.NOT_SENT


async def test_after_a_refusal_by_a_filter_the_rules_are_asked_for_anew(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world() as world:
        trading, order = world.bx.trading, resting(world)
        assert (await trading.check(order)).ok
        dear = attrs.evolve(SYMBOLS[0], min_notional=10**17)
        world.sandbox.market.set_rules(dear, EPOCH_MS * 1000)
        assert (await trading.check(order)).ok  # the rules are kept
        with pytest.raises(FilterError, match="NOTIONAL"):
            (await trading.place(order)).unwrap()
        assert not (await trading.check(order)).ok
