"""The leaving: at the end nothing of ours stays open untold, and it never takes longer than the grace."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio
import trio.testing

from tests._services.test_guard import Exchange, accept, guard_of, limit
from trio_binance._pure.intents import (
    Absent,
    Accepted,
    Intent,
    ListSighting,
    Part,
    Settle,
    Unresolved,
)
from trio_binance._services.events import OrderLeftOpen, OwnOrdersCancelled
from trio_binance._services.guard import Guard
from trio_binance._services.leaving import Leaving, leaving_clean
from trio_binance._services.observe import Observer
from trio_binance.errors import AuthError, BinanceError, ConnectionLost, NothingToCancel
from trio_binance.models import Evidence, ListOrderStatus

WHY = Evidence(())
GRACE = 10.0


def nothing_to_cancel() -> BinanceError:
    return NothingToCancel("Unknown order sent.", status=400, code=-2011, operation="op")


class Desk:
    """What cancels: by a script, order by order; keeps what it was asked for and how many asked at once."""

    def __init__(self, guard: Guard) -> None:
        self.guard = guard
        self.told: list[Any] = []
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.scripts: dict[Any, list[Callable[[], Awaitable[None]]]] = {}
        self.takes = 0.1
        self.busy = self.most = 0
        names = iter(range(10_000))
        observer = Observer((self.told.append,))
        self.leaving = Leaving(
            guard, self.change, next_id=lambda: f"cancel-{next(names)}", grace=GRACE, observer=observer
        )

    async def change(self, operation: Any, params: Any, /) -> Any:
        given = {name: value for name, value in params.items() if name not in ("symbol", "newClientOrderId")}
        self.asked.append((operation.name, given))
        self.busy += 1
        self.most = max(self.most, self.busy)
        try:
            await trio.sleep(self.takes)
        finally:
            self.busy -= 1
        script = self.scripts.get(next(iter(given.values())), [])
        if script:
            await script.pop(0)()

    def answer(self, target: Any, *errors: BinanceError | None) -> None:
        """Have the next cancellations of an order fail like this."""
        self.scripts[target] = [raising(error) for error in errors]

    @property
    def sum(self) -> tuple[int, int, int]:
        [event] = [event for event in self.told if isinstance(event, OwnOrdersCancelled)]
        return event.cancelled, event.ended, event.left

    @property
    def left(self) -> list[tuple[str, int | None, str]]:
        events = [event for event in self.told if isinstance(event, OrderLeftOpen)]
        return [(event.client_order_id, event.order_id, event.reason) for event in events]


def raising(error: BinanceError | None) -> Callable[[], Awaitable[None]]:
    async def script() -> None:
        if error is not None:
            raise error

    return script


@pytest.fixture
def desk() -> Desk:
    return Desk(guard_of(Exchange(), cancel_on_exit=GRACE))


async def place(desk: Desk, number: int, *, certain: bool = True) -> Intent:
    """Place an order whose id is ten times its number; otherwise it stays on its way."""
    await desk.guard.admit(limit(number))
    if certain:
        accept(desk.guard, limit(number), 10 * number)
    return limit(number)


async def place_list(desk: Desk, *, certain: bool) -> None:
    names = {"listClientOrderId": "list", "aboveClientOrderId": "a", "belowClientOrderId": "b"}
    intent = Intent("l1", "POST /api/v3/orderList/oco", {"symbol": "BTCUSDT", **names})
    await desk.guard.admit(intent)
    if certain:
        seen = ListSighting("BTCUSDT", 3, "list", ListOrderStatus.EXECUTING, (11, 12))
        desk.guard.on_settled(intent, Settle("l1", Part.WHOLE, Accepted(seen, WHY)))


async def test_without_orders_nothing_is_told(desk: Desk) -> None:
    await desk.leaving.cancel_own()
    assert desk.told == desk.asked == []


async def test_each_order_is_cancelled_once_by_its_id(desk: Desk, autojump_clock: trio.testing.MockClock) -> None:
    for number in (1, 2):
        await place(desk, number)
    await desk.leaving.cancel_own()
    assert sorted(desk.asked, key=str) == [("DELETE /api/v3/order", {"orderId": number}) for number in (10, 20)]
    assert desk.sum == (2, 0, 0)
    assert trio.current_time() == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("certain", "target"), [(True, {"orderListId": 3}), (False, {"listClientOrderId": "list"})], ids=str
)
async def test_a_list_is_cancelled_once_as_a_whole(
    desk: Desk, autojump_clock: trio.testing.MockClock, certain: bool, target: dict[str, Any]
) -> None:
    await place_list(desk, certain=certain)
    await desk.leaving.cancel_own()
    assert desk.asked == [("DELETE /api/v3/orderList", target)]
    assert desk.sum == (1, 0, 0)


async def test_many_are_cancelled_side_by_side_but_not_all_at_once(
    desk: Desk, autojump_clock: trio.testing.MockClock
) -> None:
    for number in range(1, 36):
        await place(desk, number)
    await desk.leaving.cancel_own()
    assert desk.sum == (35, 0, 0)
    assert desk.most == 10
    assert trio.current_time() == pytest.approx(0.4)


async def test_what_ended_meanwhile_is_no_failure(desk: Desk, autojump_clock: trio.testing.MockClock) -> None:
    await place(desk, 1)
    desk.answer(10, nothing_to_cancel())
    await desk.leaving.cancel_own()
    assert desk.sum == (0, 1, 0)
    assert desk.left == []


async def test_what_passes_is_tried_again(desk: Desk, autojump_clock: trio.testing.MockClock) -> None:
    await place(desk, 1)
    desk.answer(10, ConnectionLost("gone"), ConnectionLost("gone"), None)
    await desk.leaving.cancel_own()
    assert len(desk.asked) == 3
    assert desk.sum == (1, 0, 0)


async def test_what_does_not_pass_is_told_at_once(desk: Desk, autojump_clock: trio.testing.MockClock) -> None:
    await place(desk, 1)
    await place(desk, 2)
    desk.answer(10, AuthError("Invalid API-key", status=401, code=-2015, operation="op"))
    await desk.leaving.cancel_own()
    assert desk.sum == (1, 0, 1)
    [(name, number, reason)] = desk.left
    assert (name, number) == ("order-1", 10)
    assert "Invalid API-key" in reason
    assert trio.current_time() < 1


async def test_it_never_takes_longer_than_the_grace(desk: Desk, autojump_clock: trio.testing.MockClock) -> None:
    await place(desk, 1)
    await place(desk, 2)
    desk.scripts[10] = [trio.sleep_forever]
    desk.answer(20, *[ConnectionLost("gone")] * 1000)
    await desk.leaving.cancel_own()
    assert trio.current_time() == pytest.approx(GRACE)
    assert desk.sum == (0, 0, 2)
    assert [(name, reason.split(":")[0]) for name, _, reason in desk.left] == [
        ("order-1", "not answered in time"),
        ("order-2", "gone"),
    ]


async def test_what_is_on_its_way_is_cancelled_by_its_name_and_by_its_id_once_that_is_known(
    desk: Desk, autojump_clock: trio.testing.MockClock
) -> None:
    intent = await place(desk, 1, certain=False)
    desk.answer("order-1", nothing_to_cancel())
    async with trio.open_nursery() as nursery:
        nursery.start_soon(desk.leaving.cancel_own)
        await trio.sleep(5)
        assert desk.asked == [("DELETE /api/v3/order", {"origClientOrderId": "order-1"})]
        accept(desk.guard, intent, 10)
    assert desk.asked[1:] == [("DELETE /api/v3/order", {"orderId": 10})]
    assert desk.sum == (1, 0, 0)


async def test_what_turns_out_never_to_have_been_placed_is_let_go(
    desk: Desk, autojump_clock: trio.testing.MockClock
) -> None:
    intent = await place(desk, 1, certain=False)
    desk.answer("order-1", nothing_to_cancel())
    async with trio.open_nursery() as nursery:
        nursery.start_soon(desk.leaving.cancel_own)
        await trio.sleep(5)
        desk.guard.on_settled(intent, Settle("i1", Part.WHOLE, Absent(None, WHY)))
    assert trio.current_time() == pytest.approx(5)
    assert desk.sum == (0, 1, 0)


async def test_what_stays_in_doubt_is_told_of(desk: Desk, autojump_clock: trio.testing.MockClock) -> None:
    intent = await place(desk, 1, certain=False)
    desk.answer("order-1", nothing_to_cancel())
    desk.guard.on_settled(intent, Settle("i1", Part.WHOLE, Unresolved("who knows", WHY)))
    await desk.leaving.cancel_own()
    assert desk.left == [("order-1", None, "it is not known whether it stands")]
    assert trio.current_time() == pytest.approx(GRACE)


async def test_what_ends_while_it_is_tried_is_tried_no_more(desk: Desk, autojump_clock: trio.testing.MockClock) -> None:
    intent = await place(desk, 1)
    desk.answer(10, *[ConnectionLost("gone")] * 1000)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(desk.leaving.cancel_own)
        await trio.sleep(3)
        desk.guard.release(intent.intent_id)
    assert trio.current_time() < GRACE
    assert desk.sum == (0, 1, 0)


async def test_the_end_of_the_block_cancels_whatever_ended_it(
    desk: Desk, autojump_clock: trio.testing.MockClock
) -> None:
    with trio.move_on_after(1) as scope:
        async with leaving_clean(desk.leaving):
            await place(desk, 1)
            await trio.sleep_forever()
    assert scope.cancelled_caught
    assert desk.sum == (1, 0, 0)


async def test_an_error_of_the_block_passes_when_all_is_cancelled(
    desk: Desk, autojump_clock: trio.testing.MockClock
) -> None:
    with pytest.raises(ZeroDivisionError):
        async with leaving_clean(desk.leaving):
            await place(desk, 1)
            raise ZeroDivisionError
    assert desk.sum == (1, 0, 0)


async def test_without_a_wish_to_leave_clean_nothing_is_cancelled() -> None:
    async with leaving_clean(None):
        pass
