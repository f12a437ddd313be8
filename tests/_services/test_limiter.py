"""The limiter: a fair queue in front of the exchange's limits."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import trio
import trio.testing

from trio_binance._protocol.operation import Lane
from trio_binance._protocol.reply import Usage
from trio_binance._pure.limits import Cost, LimitKind, Limits, Rule
from trio_binance._pure.timesync import ClockSync
from trio_binance._services.clock import Clock
from trio_binance._services.events import BanEnded, BanStarted, Event, RateLimitHit
from trio_binance._services.limiter import DEFAULT_RULES, Limiter
from trio_binance._services.observe import Observer
from trio_binance.errors import ConnectorClosed, LimitExceeded

EPOCH_US = 1_700_000_040_000_000  # a minute's start
MINUTE_MS = 60_000


def make_limiter(*rules: Rule) -> tuple[Limiter, list[Event]]:
    """Return a limiter whose server time starts with a minute, and the events it tells."""
    events: list[Event] = []
    observer = Observer((events.append,))
    clock = Clock(ClockSync(EPOCH_US, trio.current_time()), observer)
    return Limiter(Limits(rules or DEFAULT_RULES), clock, observer), events


def weight(limit: int) -> Rule:
    return Rule(LimitKind.REQUEST_WEIGHT, MINUTE_MS, limit)


async def test_what_fits_goes_at_once(autojump_clock: trio.testing.MockClock) -> None:
    limiter, _ = make_limiter(weight(10))
    started = trio.current_time()
    await limiter.acquire(Cost(weight=10), Lane.MARKET)
    assert trio.current_time() == started
    assert limiter.waiting == 0


async def test_what_does_not_fit_waits_for_the_servers_next_window(autojump_clock: trio.testing.MockClock) -> None:
    limiter, _ = make_limiter(weight(10))
    started = trio.current_time()
    await limiter.acquire(Cost(weight=10), Lane.MARKET)
    await limiter.acquire(Cost(weight=1), Lane.MARKET)
    assert 60.0 <= trio.current_time() - started <= 61.1


async def test_what_can_never_fit_is_refused(autojump_clock: trio.testing.MockClock) -> None:
    limiter, _ = make_limiter(weight(10))
    with pytest.raises(LimitExceeded):
        await limiter.acquire(Cost(weight=11), Lane.MARKET)
    assert limiter.waiting == 0


async def test_trading_goes_before_the_account_and_that_before_market_data(
    autojump_clock: trio.testing.MockClock,
) -> None:
    limiter, _ = make_limiter(weight(10))
    order: list[str] = []

    async def take(lane: Lane, name: str) -> None:
        await limiter.acquire(Cost(weight=10), lane)
        order.append(name)

    await limiter.acquire(Cost(weight=10), Lane.MARKET)
    async with trio.open_nursery() as nursery:
        for lane, name in [
            (Lane.MARKET, "candles"),
            (Lane.MARKET, "book"),
            (Lane.ACCOUNT, "balances"),
            (Lane.TRADING, "order"),
        ]:
            nursery.start_soon(take, lane, name)
            await trio.testing.wait_all_tasks_blocked()
    assert order == ["order", "balances", "candles", "book"]


async def test_an_order_that_waits_for_the_order_count_holds_up_no_market_data(
    autojump_clock: trio.testing.MockClock,
) -> None:
    limiter, _ = make_limiter(weight(10), Rule(LimitKind.ORDERS, 10_000, 1))
    started = trio.current_time()
    times: dict[str, float] = {}

    async def take(cost: Cost, lane: Lane, name: str) -> None:
        await limiter.acquire(cost, lane)
        times[name] = trio.current_time() - started

    await limiter.acquire(Cost(weight=1, orders=1), Lane.TRADING)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(take, Cost(weight=1, orders=1), Lane.TRADING, "order")
        await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(take, Cost(weight=1), Lane.MARKET, "book")
    assert times["book"] == 0.0
    assert 10.0 <= times["order"] <= 11.1


async def test_an_order_that_waited_for_weight_counts_in_the_window_in_which_it_goes(
    autojump_clock: trio.testing.MockClock,
) -> None:
    limiter, _ = make_limiter(weight(10), Rule(LimitKind.ORDERS, 10_000, 2))
    started = trio.current_time()
    sent: list[int] = []

    async def place() -> None:
        await limiter.acquire(Cost(weight=1, orders=1), Lane.TRADING)
        sent.append(int(trio.current_time() - started - 0.5) // 10)  # the guard band is behind the edge

    await limiter.acquire(Cost(weight=10), Lane.MARKET)
    async with trio.open_nursery() as nursery:
        for _ in range(6):  # taken in the first minute, two a window, they would all go at the second one's start
            nursery.start_soon(place)
            await trio.sleep(9)
    assert sent == [6, 6, 7, 7, 8, 8]


async def test_an_order_that_waits_for_weight_does_not_go_when_orders_are_stopped_meanwhile(
    autojump_clock: trio.testing.MockClock,
) -> None:
    limiter, _ = make_limiter(weight(10), Rule(LimitKind.ORDERS, 86_400_000, 2))
    started = trio.current_time()
    await limiter.acquire(Cost(weight=10), Lane.MARKET)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(limiter.acquire, Cost(weight=1, orders=1), Lane.TRADING)
        await trio.sleep(1)
        limiter.stop_orders(300)
    assert trio.current_time() - started >= 301


async def test_who_has_no_patience_leaves_the_line_when_a_ban_outlasts_it(
    autojump_clock: trio.testing.MockClock,
) -> None:
    limiter, _ = make_limiter(weight(10))
    await limiter.acquire(Cost(weight=10), Lane.MARKET)
    refused: list[float | None] = []

    async def place() -> None:
        with pytest.raises(LimitExceeded) as caught:
            await limiter.acquire(Cost(weight=1, orders=1), Lane.TRADING, patience=15)
        refused.append(caught.value.retry_at)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(place)
        await trio.sleep(1)
        limiter.stop_the_world(16, 429)
        await trio.sleep(0)
        nursery.start_soon(place)
    assert trio.current_time() == 1
    assert refused == pytest.approx([17, 17])
    assert limiter.waiting == 0
    await limiter.acquire(Cost(weight=1, orders=1), Lane.TRADING)
    limiter.stop_the_world(14, 429)
    await limiter.acquire(Cost(weight=1, orders=1), Lane.TRADING, patience=15)


async def test_market_data_does_not_take_the_weight_an_order_waits_for(autojump_clock: trio.testing.MockClock) -> None:
    limiter, _ = make_limiter(weight(10))
    order: list[str] = []

    async def take(cost: Cost, lane: Lane, name: str) -> None:
        await limiter.acquire(cost, lane)
        order.append(name)

    await limiter.acquire(Cost(weight=6), Lane.MARKET)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(take, Cost(weight=8), Lane.TRADING, "order")
        await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(take, Cost(weight=2), Lane.MARKET, "small")
    assert order == ["order", "small"]


async def test_a_cancelled_waiter_leaves_its_place_and_takes_nothing(autojump_clock: trio.testing.MockClock) -> None:
    limiter, _ = make_limiter(weight(10), Rule(LimitKind.ORDERS, 10_000, 2))
    await limiter.acquire(Cost(weight=10), Lane.MARKET)
    with trio.move_on_after(1):
        await limiter.acquire(Cost(weight=5, orders=1), Lane.TRADING)
    assert limiter.waiting == 0
    used = {rule.rule.kind: rule.used for rule in limiter.statistics().rules}
    assert used[LimitKind.ORDERS] == 0


async def test_a_cancelled_leader_lets_the_next_one_ask(autojump_clock: trio.testing.MockClock) -> None:
    limiter, _ = make_limiter(weight(10))
    await limiter.acquire(Cost(weight=5), Lane.MARKET)
    done = trio.Event()

    async def small() -> None:
        await limiter.acquire(Cost(weight=5), Lane.MARKET)
        done.set()

    scope = trio.CancelScope()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_acquire_until_cancelled, limiter, scope)
        await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(small)
        await trio.testing.wait_all_tasks_blocked()
        assert not done.is_set()
        scope.cancel()
        with trio.fail_after(1):
            await done.wait()


async def _acquire_until_cancelled(limiter: Limiter, scope: trio.CancelScope) -> None:
    with scope:
        await limiter.acquire(Cost(weight=9), Lane.TRADING)


async def test_what_was_not_spent_is_given_back_and_the_next_one_goes(autojump_clock: trio.testing.MockClock) -> None:
    limiter, _ = make_limiter(weight(10))
    taken = await limiter.acquire(Cost(weight=10), Lane.TRADING)
    limiter.refund(taken.weight_only)
    with trio.fail_after(1):
        await limiter.acquire(Cost(weight=10), Lane.MARKET)


async def test_the_exchanges_own_counts_are_adopted(autojump_clock: trio.testing.MockClock) -> None:
    limiter, _ = make_limiter(weight(10))
    await trio.sleep(20)
    started = trio.current_time()
    limiter.on_usage([Usage(LimitKind.REQUEST_WEIGHT, MINUTE_MS, 10)])
    await limiter.acquire(Cost(weight=1), Lane.MARKET)
    assert trio.current_time() - started >= 40.0


async def test_new_limits_wake_those_who_wait(autojump_clock: trio.testing.MockClock) -> None:
    limiter, _ = make_limiter(weight(10))
    await limiter.acquire(Cost(weight=10), Lane.MARKET)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(limiter.acquire, Cost(weight=10), Lane.MARKET)
        await trio.testing.wait_all_tasks_blocked()
        started = trio.current_time()
        limiter.on_rules([weight(20)])
    assert trio.current_time() == started


async def test_a_ban_stops_the_world_and_is_told_once_with_its_end(autojump_clock: trio.testing.MockClock) -> None:
    limiter, events = make_limiter()
    started = trio.current_time()
    limiter.stop_the_world(120.0, 418)
    limiter.stop_the_world(60.0, 418)
    costs: list[Callable[[], Cost]] = [lambda: Cost(weight=1), lambda: Cost(raw=0, connections=1)]
    async with trio.open_nursery() as nursery:
        for cost in costs:
            nursery.start_soon(limiter.acquire, cost(), Lane.TRADING)
    assert trio.current_time() - started >= 120.0
    limiter.on_answer()
    limiter.on_answer()
    assert [type(event) for event in events] == [BanStarted, BanEnded]
    assert isinstance(events[0], BanStarted)
    assert events[0].until == pytest.approx(started + 120.0)


async def test_too_many_orders_stop_orders_and_nothing_else(autojump_clock: trio.testing.MockClock) -> None:
    limiter, events = make_limiter()
    started = trio.current_time()
    limiter.stop_orders(5.0)
    await limiter.acquire(Cost(weight=1), Lane.TRADING)
    assert trio.current_time() == started
    await limiter.acquire(Cost(weight=1, orders=1), Lane.TRADING)
    assert trio.current_time() - started >= 5.0
    limiter.on_answer()
    assert [type(event) for event in events] == [RateLimitHit]


def used_weight(limiter: Limiter) -> int:
    (found,) = [each.used for each in limiter.statistics().rules if each.rule.kind is LimitKind.REQUEST_WEIGHT]
    return found


async def test_an_answer_settles_its_own_request_once_and_wakes_who_waits_for_the_room(
    autojump_clock: trio.testing.MockClock,
) -> None:
    limiter, _ = make_limiter(weight(20))
    await trio.sleep(20)
    first = await limiter.acquire(Cost(weight=5), Lane.MARKET)
    second = await limiter.acquire(Cost(weight=5), Lane.MARKET)
    limiter.on_usage([Usage(LimitKind.REQUEST_WEIGHT, MINUTE_MS, 12)], second)
    assert used_weight(limiter) == 17
    limiter.on_usage([Usage(LimitKind.REQUEST_WEIGHT, MINUTE_MS, 12)] * 2, second)
    assert used_weight(limiter) == 17
    async with trio.open_nursery() as nursery:
        nursery.start_soon(limiter.acquire, Cost(weight=8), Lane.MARKET)
        await trio.testing.wait_all_tasks_blocked()
        started = trio.current_time()
        limiter.on_usage([Usage(LimitKind.REQUEST_WEIGHT, MINUTE_MS, 7)], first)
        assert used_weight(limiter) == 12
    assert trio.current_time() == started


async def test_what_was_free_uncovers_no_other_request_on_its_way(autojump_clock: trio.testing.MockClock) -> None:
    limiter, _ = make_limiter(weight(20))
    await trio.sleep(20)
    free = await limiter.acquire(Cost(weight=5), Lane.TRADING)
    await limiter.acquire(Cost(weight=5), Lane.MARKET)
    limiter.on_usage([Usage(LimitKind.REQUEST_WEIGHT, MINUTE_MS, 10)], free)
    limiter.refund(free.weight_only)
    assert used_weight(limiter) == 15
    silent = await limiter.acquire(Cost(weight=5), Lane.TRADING)
    limiter.refund(silent.weight_only)  # an answer without a number: the refund alone takes it off
    assert used_weight(limiter) == 15


@pytest.mark.parametrize("wrong_us", [7_200_000_000, -18_030_000_000])
async def test_what_was_taken_before_the_time_was_known_is_given_back_where_it_is_counted_now(
    wrong_us: int, autojump_clock: trio.testing.MockClock
) -> None:
    observer = Observer(())
    clock = Clock(ClockSync(EPOCH_US + wrong_us, trio.current_time()), observer)
    limiter = Limiter(Limits([weight(20)]), clock, observer)
    await trio.sleep(35)
    taken = await limiter.acquire(Cost(weight=15), Lane.TRADING)
    now = trio.current_time()
    clock.on_sample(now, now, EPOCH_US + 35_000_000)
    limiter.on_usage([])
    assert used_weight(limiter) == 15
    limiter.on_usage([Usage(LimitKind.REQUEST_WEIGHT, MINUTE_MS, 18)], taken)
    assert used_weight(limiter) == 18
    await limiter.acquire(Cost(weight=2), Lane.TRADING)
    started = trio.current_time()
    await limiter.acquire(Cost(weight=1), Lane.TRADING)
    assert trio.current_time() - started == pytest.approx(25.5, abs=0.01)


async def test_who_waits_by_a_wrong_clock_asks_again_when_the_time_is_known(
    autojump_clock: trio.testing.MockClock,
) -> None:
    observer = Observer(())
    clock = Clock(ClockSync(EPOCH_US + 7_250_000_000, trio.current_time()), observer)
    limiter = Limiter(Limits([weight(10)]), clock, observer)
    await limiter.acquire(Cost(weight=10), Lane.MARKET)
    started = trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(limiter.acquire, Cost(weight=10), Lane.MARKET)
        await trio.sleep(1)
        clock.on_sample(started + 1, started + 1, EPOCH_US + 21_000_000)
        limiter.on_usage([])
    # By the wrong clock the minute ends in 10 s; truly in 40.
    assert trio.current_time() - started == pytest.approx(40.5, abs=0.01)


async def test_who_has_time_leaves_a_quarter_to_the_others(autojump_clock: trio.testing.MockClock) -> None:
    limiter, _ = make_limiter(weight(100))
    moments: list[float] = []
    started = trio.current_time()

    async def ask() -> None:
        async with limiter.spare(30):
            moments.append(round(trio.current_time() - started))
            await trio.sleep(1)
            await limiter.acquire(Cost(weight=30), Lane.MARKET)

    async with trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(ask)
        await trio.sleep(2)
        await limiter.acquire(Cost(weight=40), Lane.MARKET)
        assert trio.current_time() - started == 2.0
    # Two fit beside the quarter, also while they are under way; then it takes a new window for each two.
    assert sorted(moments) == [0, 0, 60, 60, 120]


async def test_who_has_time_is_sent_away_when_the_connector_is_closed(autojump_clock: trio.testing.MockClock) -> None:
    limiter, _ = make_limiter(weight(100))
    await limiter.acquire(Cost(weight=90), Lane.MARKET)

    async def ask() -> None:
        with pytest.raises(ConnectorClosed):
            async with limiter.spare(30):
                pytest.fail("there was nothing to spare")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask)
        await trio.testing.wait_all_tasks_blocked()
        started = trio.current_time()
        limiter.close()
    assert trio.current_time() == started
    await ask()


async def test_who_has_time_and_is_cancelled_takes_nothing(autojump_clock: trio.testing.MockClock) -> None:
    limiter, _ = make_limiter(weight(100))
    await limiter.acquire(Cost(weight=50), Lane.MARKET)
    with trio.move_on_after(1) as scope:
        async with limiter.spare(30):
            pytest.fail("there was nothing to spare")
    assert scope.cancelled_caught
    async with limiter.spare(25):
        pass
