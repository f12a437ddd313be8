"""The market: its contract with the doors, and whole plans under which no money is made or lost."""

from __future__ import annotations

import contextlib
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trio_binance.sandbox import tape as tapes
from trio_binance.sandbox.market import Account, Market, Refusal, UserEvent
from trio_binance.sandbox.numbers import to_decimal
from trio_binance.sandbox.symbols import SYMBOLS

from .economy import QUIET, SECOND, START, UNIT, ask, customer, held, place, quiet_market


def test_an_activity_must_be_positive() -> None:
    with pytest.raises(ValueError, match="activity=0"):
        Market(1, START, 0)


def test_an_unknown_operation_is_not_found() -> None:
    with pytest.raises(Refusal) as caught:
        ask(quiet_market(), "GET /api/v3/nothing")
    assert caught.value.status == 404


def test_a_signed_operation_needs_an_account() -> None:
    with pytest.raises(Refusal) as caught:
        ask(quiet_market(), "GET /api/v3/account")
    assert (caught.value.status, caught.value.code) == (401, -2015)


def test_an_account_knows_its_key_and_its_money() -> None:
    market = quiet_market()
    account = customer(market, "my key", USDT="12.5")
    assert isinstance(account, Account)
    assert account.api_key == "my key"
    assert held(account, "USDT") == (Decimal("12.5"), Decimal(0))
    assert "key" not in repr(account)


def test_deposits_and_withdrawals_count_and_are_told() -> None:
    market = quiet_market()
    account = customer(market, USDT="10")
    market.deposit(account, "NEW", Decimal("0.5"), START)
    market.deposit(account, "USDT", Decimal(-4), START)
    assert (account.free("NEW"), account.free("USDT")) == (Decimal("0.5"), Decimal(6))
    events = [event.data["e"] for event in market.take_events() if isinstance(event, UserEvent)]
    assert events == ["outboundAccountPosition", "balanceUpdate"] * 2
    with pytest.raises(ValueError, match=r"cannot take 7\.0+ from 6\.0+ free"):
        market.deposit(account, "USDT", Decimal(-7), START)
    assert all(amount == 0 for amount in market.audit().values())


def test_funds_are_locked_and_unlocked_by_systems_outside() -> None:
    market = quiet_market()
    account = customer(market, USDT="10")
    market.lock_outside(account, "USDT", Decimal(4), START)
    assert held(account, "USDT") == (6, 4)
    market.lock_outside(account, "USDT", Decimal(-3), START)
    with pytest.raises(ValueError, match="not locked outside"):
        market.lock_outside(account, "USDT", Decimal(-2), START)
    with pytest.raises(ValueError, match="cannot take 10"):
        market.lock_outside(account, "USDT", Decimal(10), START)
    events = [event.data for event in market.take_events() if isinstance(event, UserEvent)]
    assert [event["e"] for event in events] == ["outboundAccountPosition", "externalLockUpdate"] * 2
    assert [event["d"] for event in events[1::2]] == ["4.00000000", "-3.00000000"]
    assert list(events[1]) == ["e", "E", "a", "d", "T"]
    assert all(amount == 0 for amount in market.audit().values())


def test_an_audit_finds_money_that_came_from_nowhere() -> None:
    market = quiet_market()
    customer(market).balance("BTC").free += UNIT
    assert market.audit()["BTC"] == 1


def test_streams_exist_by_their_exact_names() -> None:
    market = Market(1, START, QUIET)
    for name in (
        "btcusdt@trade",
        "ethbtc@kline_1M@+08:00",
        "solusdt@depth20@100ms",
        "!miniTicker@arr",
        "!ticker_4h@arr",
        "bnbusdt@referencePrice",
        "bnbusdt@blockTrade",
        "bnbusdt@ticker_1d",
    ):
        assert market.stream_exists(name)
    for name in ("BTCUSDT@trade", "dogeusdt@trade", "btcusdt@depth7", "btcusdt@kline_7m", "!ticker@arr", ""):
        assert not market.stream_exists(name)


def test_without_listeners_only_the_crowd_needs_time() -> None:
    market = quiet_market()
    assert market.deadline_us > START + 1000 * SECOND
    market.wanted = {"btcusdt@avgPrice"}
    assert market.wanted == {"btcusdt@avgPrice"}
    assert market.deadline_us == START + SECOND // 10
    market.on_timer(START + SECOND)
    assert market.deadline_us == START + 2 * SECOND
    market.wanted.clear()
    market.on_timer(START + 2 * SECOND)
    assert market.deadline_us > START + 1000 * SECOND


def test_time_never_runs_backwards() -> None:
    market = Market(1, START, 20.0, SYMBOLS[:1])
    market.on_timer(START + 10 * SECOND)
    deadline = market.deadline_us
    market.on_timer(START)
    assert market.deadline_us == deadline


def test_a_call_lets_the_time_before_it_pass_first() -> None:
    market = Market(1, START, 20.0, SYMBOLS[:1])
    before = len(market.trades("BTCUSDT"))
    rows = ask(market, "GET /api/v3/trades", None, START + 30 * SECOND, symbol="BTCUSDT", limit=1)
    assert len(market.trades("BTCUSDT")) > before
    assert rows[0]["time"] > START // 1000


def test_a_halted_symbol_stands_still_and_wakes_up() -> None:
    market = Market(1, START, 20.0, SYMBOLS[:1])
    market.set_status("BTCUSDT", "HALT", START)
    assert ask(market, "GET /api/v3/exchangeInfo")["symbols"][0]["status"] == "HALT"
    market.on_timer(START + 10 * SECOND)
    still = market.book("BTCUSDT")
    market.set_status("BTCUSDT", "TRADING", START + 10 * SECOND)
    market.on_timer(START + 20 * SECOND)
    assert market.book("BTCUSDT").update_id > still.update_id


def test_a_long_life_forgets_its_oldest_trades_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tapes, "KEPT", 200)
    market = Market(1, START, 20.0, SYMBOLS[:1])
    market.wanted |= {"btcusdt@ticker", "btcusdt@kline_1m"}
    market.on_timer(START + 60 * SECOND)
    trades = market.trades("BTCUSDT")
    assert 200 <= len(trades) < 240
    day = ask(market, "GET /api/v3/ticker/24hr", None, START + 60 * SECOND, symbol="BTCUSDT")
    assert day["count"] <= len(trades)
    assert Decimal(day["volume"]) == sum(trade.quantity for trade in trades[-day["count"] :])


steps = st.one_of(
    st.tuples(
        st.just("limit"), st.sampled_from(["BUY", "SELL"]), st.integers(-30, 30), st.sampled_from(["GTC", "IOC", "FOK"])
    ),
    st.tuples(st.just("market"), st.sampled_from(["BUY", "SELL"]), st.integers(1, 400), st.booleans()),
    st.tuples(st.just("cancel"), st.integers(0, 5)),
    st.tuples(st.just("amend"), st.integers(0, 5)),
    st.tuples(st.just("wait"), st.integers(1, 20)),
)


def perform(market: Market, account: Account, step: tuple[Any, ...], now: int) -> None:
    best_ask = market._venues["ETHBTC"].book.best_ask() or 0
    open_orders = list(account.blotter("ETHBTC").open.values())
    match step:
        case ("limit", side, ticks, tif):
            price = to_decimal(best_ask) + ticks * Decimal("0.00001")
            place(market, account, now, symbol="ETHBTC", side=side, quantity="0.3", price=price, timeInForce=tif)
        case ("market", side, hundredths, by_quote):
            size = {"quoteOrderQty" if by_quote else "quantity": Decimal(hundredths) / 100}
            place(market, account, now, symbol="ETHBTC", side=side, type="MARKET", **size)
        case ("cancel", index) if index < len(open_orders):
            ask(market, "DELETE /api/v3/order", account, now, symbol="ETHBTC", orderId=open_orders[index].id)
        case ("amend", index) if index < len(open_orders):
            half = open_orders[index].quantity // 20_000 * 10_000
            ask(
                market,
                "PUT /api/v3/order/amend/keepPriority",
                account,
                now,
                symbol="ETHBTC",
                orderId=open_orders[index].id,
                newQty=Decimal(half) / UNIT,
            )


@pytest.mark.slow
@settings(max_examples=25)
@given(st.integers(0, 5), st.lists(steps, max_size=30))
def test_no_plan_makes_or_loses_money_or_crosses_the_book(seed: int, plan: list[tuple[Any, ...]]) -> None:
    """On ETHBTC price times quantity has more than eight decimals: rounding is where money would go missing."""
    market = Market(seed, START, 5.0, [SYMBOLS[0], SYMBOLS[1], SYMBOLS[4]])
    accounts = [customer(market, str(number), BTC="2", ETH="30") for number in range(2)]
    now = START
    for number, step in enumerate(plan):
        now += step[1] * SECOND // 10 if step[0] == "wait" else 1_000
        market.on_timer(now)
        with contextlib.suppress(Refusal):
            perform(market, accounts[number % 2], step, now)
        bid, _, best_ask, _ = market._venues["ETHBTC"].book.best()
        assert bid < best_ask or best_ask == 0
        assert all(amount == 0 for amount in market.audit().values())
        for account in accounts:
            open_orders = account.blotter("ETHBTC").open.values()
            for asset, side in (("BTC", "BUY"), ("ETH", "SELL")):
                balance = account.balance(asset)
                assert balance.free >= 0
                assert balance.locked == sum(order.locked for order in open_orders if order.side == side)
    positions = [event for event in market.take_events() if isinstance(event, UserEvent)]
    for account in accounts:
        told = [e.data for e in positions if e.account is account and e.data["e"] == "outboundAccountPosition"]
        if told:
            last = {row["a"]: (Decimal(row["f"]), Decimal(row["l"])) for row in told[-1]["B"]}
            assert last == {asset: (account.free(asset), account.locked(asset)) for asset in ("ETH", "BTC")}
