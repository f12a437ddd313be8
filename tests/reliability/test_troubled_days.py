"""Troubled days: the same seed draws the same trouble, all of it happens, and none of it breaks the exchange."""

from __future__ import annotations

import random
from collections import Counter

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock

from trio_binance.sandbox import (
    ORDER_TROUBLE,
    OnRequest,
    ReplicaLag,
    Spell,
    Timed,
    random_order_faults,
)

from .trader import WIRES, open_trader


@given(st.integers(0, 2**32), st.floats(0, 1))
def test_the_same_seed_draws_the_same_day(seed: int, share: float) -> None:
    day = random_order_faults(random.Random(seed), share=share, requests=50)
    assert day == random_order_faults(random.Random(seed), share=share, requests=50)
    for fault in day.faults:
        if isinstance(fault, OnRequest):
            assert 1 <= fault.number <= 50
            assert fault.path == "TRADE"
        else:
            assert isinstance(fault, Timed | Spell)
            assert 0 <= fault.at <= 86_400


def test_a_day_has_as_much_trouble_as_it_was_asked_for() -> None:
    day = random_order_faults(random.Random(1), share=1.0, requests=300, lags=5, holds=6, cuts=7, longest_lag=40.0)
    kinds = Counter(type(fault).__name__ for fault in day.faults)
    assert kinds == {"OnRequest": 300, "Timed": 12, "Spell": 6}
    lags = [fault.deed.lag for fault in day.faults if isinstance(fault, Timed) and isinstance(fault.deed, ReplicaLag)]
    assert len(lags) == 5
    assert max(lags) <= 40
    quiet = random_order_faults(random.Random(1), share=0.0, lags=0, holds=0, cuts=0)
    assert quiet.faults == ()


def test_no_trouble_has_a_request_arrive_twice() -> None:
    """A duplicate is the client's doing or nobody's: whoever counts them must not find ours."""
    for seed in range(200):
        for draw in ORDER_TROUBLE.values():
            assert draw(random.Random(seed)).executions == 1


CERTAIN = {"not executed, the answer lost": (0,), "overloaded": (0,)}
CERTAIN |= dict.fromkeys(("executed, the answer lost", "answered late", "the answer cut", "answered twice"), (1,))
CERTAIN |= {"the answer of somebody else": (1,)}
"""What waits may become older than its window, and what a gateway says tells nothing."""


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("way", ORDER_TROUBLE)
async def test_every_way_strikes_an_order_and_leaves_one_or_none(
    way: str, wire: str, autojump_clock: MockClock
) -> None:
    for seed in range(2):
        async with open_trader(wire=wire) as trader:
            trader.sandbox.faults.add(OnRequest(1, ORDER_TROUBLE[way](random.Random(seed)), "TRADE"))
            await trader.market()
            await trio.sleep(60)
            assert len(trader.sandbox.faults.struck) == 1
            assert len(trader.orders) in CERTAIN.get(way, (0, 1))


@pytest.mark.parametrize("seed", range(4))
async def test_an_hour_of_trouble_neither_breaks_the_exchange_nor_makes_money(
    seed: int, autojump_clock: MockClock
) -> None:
    faults = random_order_faults(random.Random(seed), seconds=3600, requests=100, lags=5, holds=5, cuts=10)
    async with open_trader(faults, WIRES[seed % 2], seed=seed) as trader:
        for number in range(60):
            name = f"mine-{number}"
            await trader.place(newClientOrderId=name, price=trader.price(-50 if number % 2 else 200))
            await trader.query(origClientOrderId=name)
            await trader.cancel(origClientOrderId=name)
            await trio.sleep(30)
        await trio.sleep(60)
        assert len({order.client_id for order in trader.orders}) == len(trader.orders)
        assert not any(trader.sandbox.market.audit().values())
        assert len(trader.sandbox.faults.struck) > 40
