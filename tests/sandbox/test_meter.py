"""Windows, warnings, bans and unfilled order counts."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_binance.sandbox.meter import Counter, Meter
from trio_binance.sandbox.refusals import Refusal
from trio_binance.sandbox.rules import DAY_US, MINUTE_US, SECOND_US, RateLimit, Rules

from .doors import START_US

IP = "10.0.0.1"


def counter(interval: str = "SECOND", number: int = 10, limit: int = 5) -> Counter:
    return Counter(RateLimit("X", interval, number, limit))


def test_a_window_starts_from_nothing_at_its_edge_on_the_clock() -> None:
    count = counter()
    assert count.add("a", 3, START_US + 9_999_999) == 3
    assert count.end_us(START_US + 9_999_999) == START_US + 10_000_000
    assert count.add("a", 1, START_US + 10_000_000) == 1


@given(st.lists(st.tuples(st.integers(0, 60_000_000), st.sampled_from("ab"), st.integers(0, 9)), max_size=40))
def test_a_count_is_the_sum_of_its_own_window_and_key(entries: list[tuple[int, str, int]]) -> None:
    count = counter()
    seen: dict[tuple[int, str], int] = {}
    for offset, key, amount in sorted(entries):
        slot = offset // 10_000_000, key
        seen[slot] = seen.get(slot, 0) + amount
        assert count.add(key, amount, START_US + offset) == seen[slot]


@given(st.lists(st.integers(-9, 9), max_size=40))
def test_a_count_never_falls_below_zero(amounts: list[int]) -> None:
    count = counter()
    assert all(count.add("a", amount, START_US) >= 0 for amount in amounts)


@given(st.integers(0, DAY_US), st.lists(st.integers(1, 300), min_size=1, max_size=60))
def test_the_weight_admitted_in_a_minute_never_exceeds_its_limit(offset: int, weights: list[int]) -> None:
    meter = Meter(Rules(weight_per_minute=1000, warnings=100))
    admitted = 0
    for weight in weights:
        with suppress(Refusal):
            meter.take_request(IP, weight, START_US + offset, rest=True)
            admitted += weight
    assert admitted <= 1000


def refusal_of(meter: Meter, now_us: int, weight: int = 1, *, rest: bool = True) -> Refusal:
    with pytest.raises(Refusal) as caught:
        meter.take_request(IP, weight, now_us, rest=rest)
    return caught.value


def test_too_much_weight_is_refused_until_the_minute_is_over() -> None:
    meter = Meter(Rules(weight_per_minute=10))
    meter.take_request(IP, 10, START_US, rest=True)
    refusal = refusal_of(meter, START_US + SECOND_US)
    assert (refusal.status, refusal.code) == (429, -1003)
    assert "current limit is 10 request weight per 1 MINUTE" in refusal.msg
    assert refusal.data == {
        "serverTime": (START_US + SECOND_US) // 1000,
        "retryAfter": (START_US + MINUTE_US) // 1000,
    }
    meter.take_request(IP, 10, START_US + MINUTE_US, rest=True)


def test_other_addresses_are_not_touched() -> None:
    meter = Meter(Rules(weight_per_minute=10))
    meter.take_request(IP, 10, START_US, rest=True)
    meter.take_request("10.0.0.2", 10, START_US, rest=True)


def test_raw_requests_are_limited_on_rest_only() -> None:
    meter = Meter(Rules(raw_requests_per_5_min=2))
    for _ in range(5):
        meter.take_request(IP, 1, START_US, rest=False)
    for _ in range(2):
        meter.take_request(IP, 1, START_US, rest=True)
    refusal = refusal_of(meter, START_US)
    assert (refusal.status, refusal.code) == (429, -1003)
    assert "2 requests per 5 MINUTE" in refusal.msg


def test_who_ignores_the_warnings_is_banned_for_two_minutes_then_four() -> None:
    meter = Meter(Rules(weight_per_minute=10, warnings=2))
    now_us = START_US
    for length in (2, 4):
        meter.take_request(IP, 10, now_us, rest=True)
        assert [refusal_of(meter, now_us).status for _ in range(3)] == [429, 429, 418]
        assert meter.take_banned() == [IP]
        assert meter.take_banned() == []
        ban = refusal_of(meter, now_us + SECOND_US)
        until_us = now_us + length * MINUTE_US
        assert ban.status == 418
        assert ban.data is not None
        assert ban.data["retryAfter"] == until_us // 1000
        assert f"banned until {until_us // 1000}" in ban.msg
        assert refusal_of(meter, until_us - 1).status == 418
        now_us = until_us


def test_no_ban_is_longer_than_the_longest() -> None:
    meter = Meter(Rules(weight_per_minute=1, warnings=1, longest_ban_us=3 * MINUTE_US))
    now_us, lengths = START_US, []
    for _ in range(4):
        refusals = [refusal_of(meter, now_us, 2) for _ in range(2)]
        assert refusals[1].data is not None
        until_us = int(str(refusals[1].data["retryAfter"])) * 1000
        lengths.append((until_us - now_us) // MINUTE_US)
        now_us = until_us
    assert lengths == [2, 3, 3, 3]


def test_connections_are_counted_and_weigh() -> None:
    meter = Meter(Rules(connections_per_5_min=2))
    for _ in range(2):
        meter.take_connection(IP, 2, START_US)
    assert meter.weight.count(IP, START_US) == 4
    with pytest.raises(Refusal, match="Too many connection attempts from IP; current limit is 2 per '5 MINUTE'"):
        meter.take_connection(IP, 2, START_US)
    meter.take_connection(IP, 2, START_US + 5 * MINUTE_US)


def test_orders_must_fit_into_both_windows_and_a_full_day_leaves_the_short_one_alone() -> None:
    meter = Meter(Rules(orders_per_10_s=3, orders_per_day=4))
    meter.check_orders("me", 3, START_US)
    meter.add_orders("me", 3, START_US)
    with pytest.raises(Refusal, match="current limit is 3 orders per 10 SECOND") as caught:
        meter.check_orders("me", 1, START_US)
    assert (caught.value.status, caught.value.code) == (429, -1015)
    later_us = START_US + 10 * SECOND_US
    meter.check_orders("me", 1, later_us)
    with pytest.raises(Refusal, match="current limit is 4 orders per 1 DAY"):
        meter.check_orders("me", 2, later_us)
    assert [counter.count("me", later_us) for counter in meter.orders] == [3, 0]


def test_rules_refuse_nonsense() -> None:
    with pytest.raises(ValueError, match="weight_per_minute=0"):
        Rules(weight_per_minute=0)
