from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
import trio
import trio.testing

from tests._client.orders import QUANTITY, SYMBOL, account_of, below, every_list, resting
from tests._client.world import World, open_world
from trio_binance._pure.limits import LimitKind
from trio_binance.errors import (
    AmendRejected,
    ApiError,
    BinanceError,
    CancelRejected,
    FilterError,
    InvalidArgument,
    OrderRejected,
    OrderUnresolved,
    Outcome,
    PartialFailure,
    RateLimited,
)
from trio_binance.models import (
    CancelReplaceMode,
    CancelRestriction,
    CancelResult,
    LimitMakerOrder,
    OrderFull,
    OrderStatus,
    ReplacedAck,
    ReplacedFull,
    ReplacedResult,
    Side,
)
from trio_binance.sandbox.faults import Answer, Bend, FaultSchedule, OnRequest, Reset, Timed


async def test_cancelling_can_be_restricted_to_a_state(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world() as world:
        placed = (await world.bx.trading.place(resting(world))).unwrap()
        with pytest.raises(CancelRejected):
            await world.bx.trading.cancel(
                "BTCUSDT", order_id=placed.order_id, cancel_restrictions="ONLY_PARTIALLY_FILLED"
            )
        await world.bx.trading.cancel("BTCUSDT", order_id=placed.order_id, cancel_restrictions="ONLY_NEW")


async def test_all_open_orders_go_at_once_and_none_is_no_error(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world() as world:
        trading = world.bx.trading
        placed = [(await trading.place(resting(world, 500 + step))).unwrap() for step in range(3)]
        cancelled = await trading.cancel_open_orders("BTCUSDT")
        assert {report.order_id for report in cancelled if isinstance(report, CancelResult)} == {
            report.order_id for report in placed
        }
        assert await trading.cancel_open_orders("BTCUSDT") == []


async def test_another_refusal_of_cancelling_is_an_error(autojump_clock: trio.testing.MockClock) -> None:
    answer = Answer.error(400, -2011, "Order was not canceled due to cancel restrictions.")
    faults = FaultSchedule((OnRequest(1, Bend.say(answer), "/api/v3/openOrders"),))
    async with open_world(faults=faults) as world:
        with pytest.raises(CancelRejected, match="restrictions"):
            await world.bx.trading.cancel_open_orders("BTCUSDT")


async def test_a_cancellation_that_failed_names_the_order_it_was_of(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world() as world:
        with pytest.raises(CancelRejected) as caught:
            await world.bx.trading.cancel(SYMBOL, client_order_id="nobody", new_client_order_id="c-1")
        assert caught.value.client_order_id == "nobody"
        with pytest.raises(CancelRejected) as caught:
            await world.bx.trading.cancel(SYMBOL, order_id=987_654)
        assert caught.value.client_order_id is None


async def test_a_cancellation_has_a_name_of_its_own(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world() as world:
        trading = world.bx.trading
        for wanted in ("c-1", None):
            placed = (await trading.place(resting(world))).unwrap()
            gone = await trading.cancel(SYMBOL, order_id=placed.order_id, new_client_order_id=wanted)
            assert isinstance(gone, CancelResult)
            assert gone.orig_client_order_id == placed.client_order_id
            assert gone.client_order_id == wanted or (wanted is None and gone.client_order_id.startswith("tb-"))


@pytest.mark.parametrize("option", [{"cancel_restrictions": "ONLY_OLD"}, {"cancel_restrictions": ""}])
async def test_a_restriction_is_a_word_of_the_exchange(
    option: dict[str, str], autojump_clock: trio.testing.MockClock
) -> None:
    async with open_world(ready=False) as world:
        with pytest.raises(InvalidArgument, match=r"cancel_restrictions=.*expected one of ONLY_NEW"):
            await world.bx.trading.cancel(SYMBOL, order_id=1, **option)


async def test_an_order_without_a_name_cannot_be_changed(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world() as world:
        trading, order = world.bx.trading, resting(world)
        for asking, text in (
            (trading.cancel(SYMBOL), "give order_id or client_order_id"),
            (trading.amend_keep_priority(SYMBOL, new_qty=1), "give order_id or client_order_id"),
            (trading.cancel_replace(order), "give cancel_order_id or cancel_client_order_id"),
        ):
            with pytest.raises(InvalidArgument, match=text):
                await asking


# ------------------------------------------------------------------------------------------------- cancel-replace


@pytest.mark.parametrize("prefer", ["rest", "ws_api"])
async def test_one_order_gives_way_to_another(prefer: str, autojump_clock: trio.testing.MockClock) -> None:
    async with open_world(prefer=prefer) as world:
        trading = world.bx.trading
        old = (await trading.place(resting(world))).unwrap()
        done = await trading.cancel_replace(resting(world, 900), cancel_order_id=old.order_id)
        assert type(done) is ReplacedFull
        assert isinstance(done.cancel_response, CancelResult)
        assert (done.cancel_response.order_id, done.cancel_response.status) == (old.order_id, OrderStatus.CANCELED)
        assert (done.new_order_response.price, done.new_order_response.fills) == (below(world, 900), ())
        [left] = await world.bx.account.open_orders()
        assert left.client_order_id == done.new_order_response.client_order_id


async def test_the_new_order_is_told_in_the_form_that_was_asked_for(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world() as world:
        trading = world.bx.trading
        last = ((await trading.place(resting(world))).unwrap()).client_order_id
        for word, kind in (("ACK", ReplacedAck), ("RESULT", ReplacedResult), ("FULL", ReplacedFull)):
            options: dict[str, Any] = {"new_order_resp_type": word, "cancel_new_client_order_id": f"c-{word}"}
            done = await trading.cancel_replace(resting(world), cancel_client_order_id=last, **options)
            assert type(done) is kind
            assert isinstance(done.cancel_response, CancelResult)
            assert done.cancel_response.client_order_id == f"c-{word}"
            assert done.new_order_response is not None
            last = done.new_order_response.client_order_id


async def test_one_half_that_failed_is_told_with_both_halves(autojump_clock: trio.testing.MockClock) -> None:
    """The order that was to be cancelled is gone, the new one would trade at once although it must not."""
    async with open_world() as world:
        trading = world.bx.trading
        old = (await trading.place(resting(world))).unwrap()
        eager = LimitMakerOrder(SYMBOL, Side.BUY, quantity=QUANTITY, price=below(world, -100), client_order_id="new")
        with pytest.raises(PartialFailure) as caught:
            await trading.cancel_replace(eager, cancel_order_id=old.order_id)
        error = caught.value
        assert (error.outcome, error.client_order_id) == (Outcome.PARTIAL, "new")
        assert error.report is not None
        assert isinstance(error.report.cancel_response, CancelResult)
        assert await world.bx.account.open_orders() == []


async def test_what_was_not_there_to_cancel_keeps_the_new_order_away_unless_told_otherwise(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_world() as world:
        trading = world.bx.trading
        with pytest.raises(OrderRejected) as refused:
            await trading.cancel_replace(resting(world), cancel_client_order_id="nobody")
        assert refused.value.outcome is Outcome.REJECTED
        assert await world.bx.account.open_orders() == []
        with pytest.raises(PartialFailure) as caught:
            await trading.cancel_replace(
                resting(world),
                cancel_client_order_id="nobody",
                cancel_replace_mode=CancelReplaceMode.ALLOW_FAILURE,
                order_rate_limit_exceeded_mode="CANCEL_ONLY",
                cancel_restrictions=CancelRestriction.ONLY_NEW,
            )
        [left] = await world.bx.account.open_orders()
        assert left.client_order_id == caught.value.client_order_id


async def test_a_lost_answer_is_found_out_for_both_halves(autojump_clock: trio.testing.MockClock) -> None:
    faults = FaultSchedule((OnRequest(1, Bend.lost(executed=True), "/api/v3/order/cancelReplace"),))
    async with open_world(faults=faults) as world:
        old = (await world.bx.trading.place(resting(world))).unwrap()
        told = await world.bx.trading.cancel_replace(resting(world, 900), cancel_order_id=old.order_id)
        assert isinstance(told.cancel_response, CancelResult)
        assert told.cancel_response.order_id == old.order_id
        assert isinstance(told, ReplacedFull)
        [there] = await world.bx.account.open_orders(SYMBOL)
        assert isinstance(told.new_order_response, OrderFull)
        assert (there.order_id, there.price) == (told.new_order_response.order_id, below(world, 900))


REFUSED = Answer.error(400, -1013, "Filter failure: LOT_SIZE")


@pytest.mark.parametrize(
    ("answer", "kind", "outcome"),
    [(REFUSED, FilterError, Outcome.REJECTED), (Answer(429, b"<html>"), OrderUnresolved, Outcome.UNKNOWN)],
)
async def test_every_error_of_a_replacement_tells_of_both_halves(
    answer: Answer, kind: type[BinanceError], outcome: Outcome, autojump_clock: trio.testing.MockClock
) -> None:
    faults = FaultSchedule((OnRequest(1, Bend.say(answer), "/api/v3/order/cancelReplace"),))
    async with open_world(faults=faults) as world:
        with pytest.raises(kind) as caught:
            await world.bx.trading.cancel_replace(resting(world), cancel_order_id=1)
        assert (caught.value.cancel_outcome, caught.value.new_order_outcome) == (outcome, outcome)
        assert caught.value.report is None
        assert isinstance(caught.value.__cause__, RateLimited) == (outcome is Outcome.UNKNOWN)


async def test_a_replacement_that_was_not_sent_touched_neither(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world() as world:
        with pytest.raises(InvalidArgument) as caught:
            await world.bx.trading.cancel_replace(resting(world))
        assert (caught.value.cancel_outcome, caught.value.new_order_outcome) == (Outcome.NOT_SENT, Outcome.NOT_SENT)


async def test_what_cannot_be_found_out_says_what_is_in_doubt(autojump_clock: trio.testing.MockClock) -> None:
    cancels = ["DELETE /api/v3/order", "DELETE /api/v3/openOrders", "DELETE /api/v3/orderList"]
    reset = (Timed(0.0, Reset()),)  # the witness goes with the answer
    faults = tuple(OnRequest(1, Bend.lost(executed=False), path, deeds=reset) for path in cancels)
    async with open_world(faults=FaultSchedule(faults)) as world:
        trading = world.bx.trading
        await trading.place(resting(world, client_order_id="old"))
        with pytest.raises(OrderUnresolved, match="the cancellation of order old may have taken effect"):
            await trading.cancel(SYMBOL, client_order_id="old")
        with pytest.raises(OrderUnresolved, match="the request DELETE /api/v3/openOrders may have taken effect"):
            await trading.cancel_open_orders(SYMBOL)
        with pytest.raises(OrderUnresolved, match="the cancellation of list mine may have taken effect"):
            await trading.cancel_order_list(SYMBOL, list_client_order_id="mine")
        assert len(trading.unsettled) == 3


async def test_only_an_order_takes_the_place_of_another(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world() as world:
        order: Any
        for order in (None, every_list(world)["place_oco"]):
            with pytest.raises(TypeError, match="order: expected a request such as LimitOrder"):
                await world.bx.trading.cancel_replace(order, cancel_order_id=1)
        with pytest.raises(InvalidArgument, match="cancel_replace_mode='SOMETIMES'"):
            await world.bx.trading.cancel_replace(resting(world), cancel_order_id=1, cancel_replace_mode="SOMETIMES")


# ----------------------------------------------------------------------------------------------------- amendments


@pytest.mark.parametrize("prefer", ["rest", "ws_api"])
async def test_an_order_is_made_smaller_and_keeps_its_place(
    prefer: str, autojump_clock: trio.testing.MockClock
) -> None:
    async with open_world(prefer=prefer) as world:
        trading = world.bx.trading
        placed = (await trading.place(resting(world))).unwrap()
        smaller = await trading.amend_keep_priority(
            SYMBOL, client_order_id=placed.client_order_id, new_qty=Decimal("0.0006"), new_client_order_id="smaller"
        )
        assert (smaller.amended_order.order_id, smaller.amended_order.qty) == (placed.order_id, Decimal("0.0006"))
        assert smaller.amended_order.client_order_id == "smaller"
        assert account_of(world).locked("USDT") == Decimal("0.0006") * below(world)
        again = await trading.amend_keep_priority(SYMBOL, order_id=placed.order_id, new_qty="0.0005")
        assert again.amended_order.client_order_id.startswith("tb-")
        told = await world.bx.account.order_amendments(SYMBOL, order_id=placed.order_id)
        assert [(one.orig_qty, one.new_qty) for one in told] == [
            (QUANTITY, Decimal("0.0006")),
            (Decimal("0.0006"), Decimal("0.0005")),
        ]
        later = await world.bx.account.order_amendments(
            SYMBOL, order_id=placed.order_id, from_execution_id=told[1].execution_id, limit=1
        )
        assert later == [told[1]]


async def test_an_order_cannot_grow(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world() as world:
        placed = (await world.bx.trading.place(resting(world))).unwrap()
        with pytest.raises(ApiError) as caught:
            await world.bx.trading.amend_keep_priority(
                SYMBOL, order_id=placed.order_id, new_qty=1, new_client_order_id="bigger"
            )
        assert (caught.value.outcome, caught.value.client_order_id) == (Outcome.REJECTED, "bigger")


@pytest.mark.parametrize(
    ("quantity", "error", "text"),
    [
        (0.5, TypeError, r'new_qty=0\.5: a float is not exact; write Decimal\("0\.5"\)'),
        (Decimal(0), InvalidArgument, "new_qty=.*greater than 0"),
        (None, InvalidArgument, "newQty=None"),
    ],
)
async def test_a_new_quantity_is_an_exact_positive_number(
    quantity: Any, error: type[Exception], text: str, autojump_clock: trio.testing.MockClock
) -> None:
    async with open_world(ready=False) as world:
        with pytest.raises(error, match=text):
            await world.bx.trading.amend_keep_priority(SYMBOL, order_id=1, new_qty=quantity)


def weight_of(world: World) -> int:
    """Return how much of the minute's weight is used, as far as the connector knows."""
    rows = world.bx.statistics().limits.rules
    [used] = [row.used for row in rows if row.rule.kind is LimitKind.REQUEST_WEIGHT]
    return used


@pytest.mark.parametrize(("status", "cost"), [("NEW", 4), ("PARTIALLY_FILLED", 4), ("EXPIRED", 0)])
async def test_an_amendment_costs_nothing_when_the_order_expires_by_it(
    status: str, cost: int, autojump_clock: trio.testing.MockClock
) -> None:
    """The answer tells no count of the exchange's, so that only what the row says is counted."""
    amended = {
        "symbol": SYMBOL,
        "orderId": 1,
        "orderListId": -1,
        "origClientOrderId": "old",
        "clientOrderId": "new",
        "price": "1.00",
        "qty": "5.00",
        "executedQty": "0.00",
        "preventedQty": "0.00",
        "quoteOrderQty": "0.00",
        "cumulativeQuoteQty": "0.00",
        "status": status,
        "timeInForce": "GTC",
        "type": "LIMIT",
        "side": "BUY",
        "workingTime": 1,
        "selfTradePreventionMode": "NONE",
    }
    answer = {"transactTime": 1, "executionId": 2, "amendedOrder": amended}
    bend = Bend.say(Answer(200, json.dumps(answer).encode()))
    faults = FaultSchedule((OnRequest(1, bend, "/api/v3/order/amend/keepPriority"),))
    async with open_world(faults=faults) as world:
        await trio.sleep(30)  # the clock has measured all it wants
        await world.bx.general.ping()
        before = weight_of(world)
        await world.bx.trading.amend_keep_priority(SYMBOL, order_id=1, new_qty=5, new_client_order_id="new")
        assert weight_of(world) - before == cost


async def test_a_refused_amendment_is_an_amendment_that_was_refused(autojump_clock: trio.testing.MockClock) -> None:
    answer = Answer.error(400, -2038, "The requested order amendment was rejected.")
    faults = FaultSchedule((OnRequest(1, Bend.say(answer), "/api/v3/order/amend/keepPriority"),))
    async with open_world(faults=faults) as world:
        with pytest.raises(AmendRejected):
            await world.bx.trading.amend_keep_priority(SYMBOL, order_id=1, new_qty=1)
