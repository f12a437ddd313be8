from __future__ import annotations

from typing import Any

import pytest
import trio.testing

from tests._client.orders import SYMBOL, account_of, every_list
from tests._client.world import open_world
from trio_binance.errors import ApiError, InvalidArgument
from trio_binance.models import (
    Accepted,
    CancelledOrderList,
    CancelResult,
    ListOrderStatus,
    MarketOrder,
    OrderListAck,
    OrderListFull,
    OrderListResult,
    OrderStatus,
    Side,
)
from trio_binance.sandbox.faults import Answer, Bend, FaultSchedule, OnRequest

METHODS = ("place_oco", "place_oto", "place_otoco", "place_opo", "place_opoco", "place_legacy_oco")
PATHS = {
    "place_oco": "/api/v3/orderList/oco",
    "place_oto": "/api/v3/orderList/oto",
    "place_otoco": "/api/v3/orderList/otoco",
    "place_opo": "/api/v3/orderList/opo",
    "place_opoco": "/api/v3/orderList/opoco",
    "place_legacy_oco": "/api/v3/order/oco",
}


@pytest.mark.parametrize("prefer", ["rest", "ws_api"])
@pytest.mark.parametrize("method", METHODS)
async def test_a_list_is_placed_asked_for_and_cancelled_by_its_names(
    method: str, prefer: str, autojump_clock: trio.testing.MockClock
) -> None:
    async with open_world(prefer=prefer) as world:
        bx, request = world.bx, every_list(world)[method]
        placed = (await getattr(bx.trading, method)(request)).unwrap()
        assert type(placed) is OrderListFull
        assert len(placed.orders) == len(placed.order_reports) == request.orders
        names = {report.client_order_id for report in placed.order_reports} | {placed.list_client_order_id}
        assert len(names) == request.orders + 1
        assert all(name.startswith("tb-") for name in names)

        found = await bx.account.order_list(list_client_order_id=placed.list_client_order_id)
        assert found == await bx.account.order_list(order_list_id=placed.order_list_id)
        assert (found.orders, found.list_order_status) == (placed.orders, ListOrderStatus.EXECUTING)
        assert await bx.account.open_order_lists() == [found]

        gone = await bx.trading.cancel_order_list(SYMBOL, list_client_order_id=placed.list_client_order_id)
        assert {report.order_id for report in gone.order_reports} == {report.order_id for report in placed.orders}
        assert await bx.account.open_order_lists() == []
        [kept] = await bx.account.all_order_lists()
        assert (kept.order_list_id, kept.list_order_status) == (placed.order_list_id, ListOrderStatus.ALL_DONE)
        assert account_of(world).locked("USDT") == account_of(world).locked("BTC") == 0


@pytest.mark.parametrize("method", METHODS)
async def test_a_list_is_told_in_the_form_that_was_asked_for(
    method: str, autojump_clock: trio.testing.MockClock
) -> None:
    async with open_world() as world:
        place = getattr(world.bx.trading, method)
        for word, kind in (("ACK", OrderListAck), ("RESULT", OrderListResult), ("FULL", OrderListFull)):
            placed = (await place(every_list(world)[method], new_order_resp_type=word)).unwrap()
            assert type(placed) is kind
            await world.bx.trading.cancel_order_list(SYMBOL, order_list_id=placed.order_list_id)
        with pytest.raises(InvalidArgument, match="new_order_resp_type='ALL'"):
            await place(every_list(world)[method], new_order_resp_type="ALL")


@pytest.mark.parametrize("method", METHODS)
async def test_only_a_list_of_its_kind_can_be_placed(method: str, autojump_clock: trio.testing.MockClock) -> None:
    async with open_world() as world:
        lists = every_list(world)
        kind = type(lists.pop(method)).__name__
        others: list[Any] = [*lists.values(), MarketOrder(SYMBOL, Side.BUY, quantity=1), None, {}]
        for other in others:
            with pytest.raises(TypeError, match=rf"^order: expected a request such as {kind}, not"):
                await getattr(world.bx.trading, method)(other)


@pytest.mark.parametrize("method", METHODS)
async def test_a_list_whose_answer_is_lost_is_found_by_its_name_and_placed_once(
    method: str, autojump_clock: trio.testing.MockClock
) -> None:
    faults = FaultSchedule((OnRequest(1, Bend.lost(executed=True), PATHS[method]),))
    async with open_world(faults=faults) as world:
        outcome = await getattr(world.bx.trading, method)(every_list(world)[method])
        assert isinstance(outcome, Accepted)
        assert not outcome.answered
        assert outcome.client_order_id == outcome.order.list_client_order_id
        found = await world.bx.account.order_list(list_client_order_id=outcome.client_order_id)
        assert [one.order_list_id for one in await world.bx.account.open_order_lists()] == [found.order_list_id]
        assert found.order_list_id == outcome.order.order_list_id


async def test_names_of_ones_own_are_kept(autojump_clock: trio.testing.MockClock) -> None:
    faults = FaultSchedule((OnRequest(2, Bend.say(Answer.error(400, -2010, "No.")), "/api/v3/orderList/oco"),))
    async with open_world(faults=faults) as world:
        request = every_list(world, list_client_order_id="mine")["place_oco"]
        placed = (await world.bx.trading.place_oco(request)).unwrap()  # type: ignore[arg-type]
        assert placed.list_client_order_id == "mine"
        with pytest.raises(ApiError) as caught:
            (await world.bx.trading.place_oco(request)).unwrap()  # type: ignore[arg-type]
        assert caught.value.client_order_id == "mine"


async def test_a_list_goes_with_any_of_its_orders_and_with_all_orders(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world() as world:
        trading = world.bx.trading
        placed = (await trading.place_oco(every_list(world)["place_oco"])).unwrap()  # type: ignore[arg-type]
        gone = await trading.cancel(SYMBOL, order_id=placed.orders[0].order_id)
        assert isinstance(gone, CancelledOrderList)
        assert gone.order_list_id == placed.order_list_id
        (await trading.place_oco(every_list(world)["place_oco"])).unwrap()  # type: ignore[arg-type]
        [single] = [(await trading.place(MarketOrder(SYMBOL, Side.BUY, quantity="0.001"))).unwrap()]
        assert single.status is OrderStatus.FILLED
        reports = await trading.cancel_open_orders(SYMBOL)
        assert [type(report) for report in reports] == [CancelledOrderList]


async def test_a_list_without_a_name_cannot_be_cancelled_or_asked_for(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world(ready=False) as world:
        calls: list[Any] = [
            world.bx.trading.cancel_order_list(SYMBOL),
            world.bx.account.order_list(),
        ]
        for call in calls:
            with pytest.raises(InvalidArgument, match="order_list_id=None: give order_list_id or list_client_order_id"):
                await call


async def test_a_cancellation_of_a_list_that_failed_names_the_list(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world() as world:
        with pytest.raises(ApiError) as caught:
            await world.bx.trading.cancel_order_list(SYMBOL, list_client_order_id="nobody", new_client_order_id="c-1")
        assert caught.value.client_order_id == "nobody"


async def test_lists_of_every_state_are_found_from_an_id_or_by_time(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world() as world:
        bx, began = world.bx, world.bx.server_time_ms()
        for _ in range(3):
            placed = (await bx.trading.place_oco(every_list(world)["place_oco"])).unwrap()  # type: ignore[arg-type]
            cancelled = await bx.trading.cancel_order_list(SYMBOL, order_list_id=placed.order_list_id)
            assert all(isinstance(report, CancelResult) for report in cancelled.order_reports)
        everything = await bx.account.all_order_lists()
        assert len(everything) == 3
        assert await bx.account.all_order_lists(from_id=everything[1].order_list_id) == everything[1:]
        assert (
            await bx.account.all_order_lists(start_time=began - 10, end_time=began + 60_000, limit=2) == everything[:2]
        )
        with pytest.raises(InvalidArgument, match="cannot be given together with fromId"):
            await bx.account.all_order_lists(from_id=1, start_time=began)
