"""The publisher: streams equal to the truth, shaped as documented, and nothing that nobody wants."""

from __future__ import annotations

import itertools
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trio_binance.sandbox.candles import INTERVALS, next_open
from trio_binance.sandbox.events import StreamEvent
from trio_binance.sandbox.market import Market
from trio_binance.sandbox.publisher import depth_view
from trio_binance.sandbox.symbols import SYMBOLS

from .economy import SECOND, START, ask, customer, place, quiet_market, stream_events

NAMES = [
    "trade",
    "aggTrade",
    "bookTicker",
    "depth",
    "depth@100ms",
    "depth5",
    "depth20@100ms",
    "kline_1s",
    "kline_1m",
    "kline_1h@+08:00",
    "miniTicker",
    "ticker",
    "ticker_1h",
    "avgPrice",
]


def lively(activity: float = 20.0, symbols: int = 1, seed: int = 5) -> Market:
    return Market(seed, START + 123_456, activity, SYMBOLS[:symbols])


def run(market: Market, seconds: float, *streams: str) -> dict[str, list[Any]]:
    market.wanted |= set(streams)
    market.on_timer(START + 123_456 + int(seconds * SECOND))
    found: dict[str, list[Any]] = {name: [] for name in streams}
    for event in market.take_events():
        assert isinstance(event, StreamEvent)
        found[event.stream].append(event.data)
    return found


def test_what_nobody_wants_is_not_made() -> None:
    market = lively()
    assert run(market, 5) == {}


@pytest.mark.parametrize("kind", NAMES)
def test_events_have_the_documented_fields_in_order(kind: str, spec: Any) -> None:
    template = kind
    for window in ("1h",):
        template = template.replace(f"ticker_{window}", "ticker_<window_size>")
    for interval in ("1s", "1m", "1h"):
        template = template.replace(f"kline_{interval}", "kline_<interval>")
    for depth in ("depth5", "depth20"):
        template = template.replace(depth, "depth<levels>")
    streams = json.loads((spec / "streams.json").read_text())["streams"]
    [documented] = [stream for stream in streams if f"<symbol>@{template}" in stream["templates"]]
    events = run(lively(), 4, f"btcusdt@{kind}")[f"btcusdt@{kind}"]
    body = documented["example"]["body"]
    assert events
    for event in events:
        assert list(event) == list(body)
        if "k" in body:
            assert list(event["k"]) == list(body["k"])
        if "e" in body:
            assert event["e"] == documented["event_type"].split(",")[0].replace("<window>", "1h")


def test_every_trade_is_told_once_and_in_order() -> None:
    market = lively()
    first = market.trades("BTCUSDT")[-1].id + 1
    found = run(market, 20, "btcusdt@trade", "btcusdt@aggTrade")
    truth = [trade for trade in market.trades("BTCUSDT") if trade.id >= first]
    told = [(row["t"], row["p"], row["q"], row["m"], row["T"]) for row in found["btcusdt@trade"]]
    assert told == [(t.id, str(t.price), str(t.quantity), t.buyer_is_maker, t.time_us // 1000) for t in truth]
    aggs = found["btcusdt@aggTrade"]
    assert [number for row in aggs for number in range(row["f"], row["l"] + 1)] == [trade.id for trade in truth]
    ids = [row["a"] for row in aggs]
    assert ids == list(range(ids[0], ids[0] + len(ids)))
    assert sum(Decimal(row["q"]) for row in aggs) == sum(trade.quantity for trade in truth)


def test_the_book_ticker_speaks_only_when_the_best_changes() -> None:
    market = lively()
    told = run(market, 20, "btcusdt@bookTicker")["btcusdt@bookTicker"]
    bests = [(row["b"], row["B"], row["a"], row["A"]) for row in told]
    assert len(bests) > 20
    assert all(before != after for before, after in itertools.pairwise(bests))
    book = market.book("BTCUSDT")
    assert bests[-1] == tuple(str(value) for level in (book.bids[0], book.asks[0]) for value in level)


def apply(book: dict[str, dict[str, str]], event: Any) -> None:
    for side in ("b", "a"):
        for price, quantity in event[side]:
            if Decimal(quantity) == 0:
                book[side].pop(price, None)
            else:
                book[side][price] = quantity


def as_dicts(market: Market) -> dict[str, dict[str, str]]:
    book = market._venues["BTCUSDT"].book
    view = depth_view(book, 10_000)
    return {"b": dict(view["bids"]), "a": dict(view["asks"])}


plans = st.lists(st.tuples(st.sampled_from(["BUY", "SELL"]), st.integers(1, 20), st.booleans()), max_size=8)


@settings(max_examples=20)
@given(st.integers(0, 9), plans, st.sampled_from(["btcusdt@depth", "btcusdt@depth@100ms"]))
def test_diffs_applied_to_a_snapshot_are_the_book_at_every_update(
    seed: int, plan: list[tuple[str, int, bool]], name: str
) -> None:
    market = Market(seed, START, 10.0, SYMBOLS[:1])
    account = customer(market, USDT="1000000", BTC="20")
    market.wanted.add(name)
    now, last_u = START, None
    book: dict[str, dict[str, str]] = {}
    for side, tenths, cancel in [*plan, ("BUY", 25, False)]:
        for _ in range(tenths):
            now += 100_000
            market.on_timer(now)
            for event in stream_events(market, name):
                if last_u is None:
                    # Everything before the first event is in the snapshot taken now: the book at u.
                    book = as_dicts(market)
                else:
                    assert event["U"] == last_u + 1
                    apply(book, event)
                last_u = event["u"]
                assert last_u == market._venues["BTCUSDT"].book.update_id
                assert book == as_dicts(market)
                assert event["E"] * 1000 == now
        best = market.book("BTCUSDT").asks[0][0]
        place(market, account, now, side=side, quantity="0.05", price=best, selfTradePreventionMode="NONE")
        if cancel and account.blotter("BTCUSDT").open:
            ask(market, "DELETE /api/v3/openOrders", account, now, symbol="BTCUSDT")
    assert last_u is not None


def test_diffs_join_across_a_snapshot_taken_in_between() -> None:
    market = lively()
    name = "btcusdt@depth"
    run(market, 2, name)
    market.on_timer(START + 2_700_000)
    snapshot = market.book("BTCUSDT")
    book = as_dicts(market)
    market.on_timer(START + 6_000_000)
    events = stream_events(market, name)
    kept = [event for event in events if event["u"] > snapshot.update_id]
    assert kept[0]["U"] <= snapshot.update_id + 1 <= kept[0]["u"]
    for event in kept:
        apply(book, event)
    assert (kept[-1]["u"], book) == (market.book("BTCUSDT").update_id, as_dicts(market))


def test_a_stream_wanted_again_carries_on_without_the_time_between() -> None:
    market = lively()
    name = "btcusdt@depth@100ms"
    before = run(market, 2, name)[name]
    market.wanted.discard(name)
    assert run(market, 30) == {}
    after = run(market, 32, name)[name]
    assert after[0]["U"] > before[-1]["u"] + 1
    assert all(b["U"] == a["u"] + 1 for a, b in itertools.pairwise(after))
    assert len(after[0]["b"]) + len(after[0]["a"]) < 20


def test_depth_says_nothing_when_nothing_changed() -> None:
    market = quiet_market()
    market.wanted |= {"btcusdt@depth", "btcusdt@depth@100ms", "btcusdt@depth5"}
    market.on_timer(START + 10 * SECOND)
    assert [event.stream for event in market.take_events() if isinstance(event, StreamEvent)] == ["btcusdt@depth5"]


def test_partial_depth_is_the_top_of_the_book() -> None:
    market = lively()
    last = run(market, 5, "btcusdt@depth10@100ms")["btcusdt@depth10@100ms"][-1]
    view = market.book("BTCUSDT")
    if last["lastUpdateId"] == view.update_id:
        assert last["bids"] == [[str(price), str(quantity)] for price, quantity in view.bids[:10]]
    assert len(last["bids"]) == len(last["asks"]) == 10


@pytest.mark.parametrize("suffix", ["", "@+08:00"])
@pytest.mark.parametrize("interval", ["1s", "1m", "3m"])
def test_every_candle_closes_once_without_holes_and_equals_the_trades(interval: str, suffix: str) -> None:
    market = lively(0.5)
    name = f"btcusdt@kline_{interval}{suffix}"
    events = run(market, 600, name)[name]
    closed = [event["k"] for event in events if event["k"]["x"]]
    assert len(closed) >= 3
    for before, after in itertools.pairwise(closed):
        assert after["t"] == before["T"] + 1
        assert after["t"] * 1000 == next_open(interval, before["t"] * 1000)
    truth = market.trades("BTCUSDT")
    for candle in closed:
        inside = [trade for trade in truth if candle["t"] <= trade.time_us // 1000 <= candle["T"]]
        assert candle["n"] == len(inside)
        assert Decimal(candle["v"]) == sum(trade.quantity for trade in inside)
        if inside:
            prices = [trade.price for trade in inside]
            values = (prices[0], prices[-1], max(prices), min(prices))
            assert tuple(Decimal(candle[letter]) for letter in "ochl") == values
            assert (candle["f"], candle["L"]) == (inside[0].id, inside[-1].id)
        else:
            assert candle["o"] == candle["c"]
            assert (candle["f"], candle["L"]) == (-1, -1)
    times = [event["E"] for event in events]
    assert times == sorted(times)
    assert all(time % (1000 if interval == "1s" else 2000) == 0 for time in times if interval != "1s")


def test_all_intervals_run_together() -> None:
    names = [f"btcusdt@kline_{interval}" for interval in INTERVALS]
    found = run(lively(), 4, *names)
    for name in names:
        assert found[name]
        rows = [event["k"] for event in found[name]]
        assert {row["i"] for row in rows} == {name.split("_")[1]}


def test_a_kline_equals_the_one_that_rest_tells() -> None:
    market = lively()
    name = "btcusdt@kline_1h"
    last = run(market, 30.6, name)[name][-1]
    [row] = ask(market, "GET /api/v3/klines", None, START + 30_723_456, symbol="BTCUSDT", interval="1h", limit=1)
    assert (row[0], row[6]) == (last["k"]["t"], last["k"]["T"])
    assert row[8] >= last["k"]["n"] > 0
    assert row[1] == last["k"]["o"]


def test_tickers_for_all_carry_only_what_changed() -> None:
    market = lively(0.2, 3)
    found = run(market, 60, "!miniTicker@arr", "!ticker_1h@arr", "btcusdt@miniTicker")
    sizes = [len(batch) for batch in found["!miniTicker@arr"]]
    assert max(sizes) <= 3
    assert min(sizes) < 3
    alone = [row for batch in found["!miniTicker@arr"] for row in batch if row["s"] == "BTCUSDT"]
    assert alone == found["btcusdt@miniTicker"]
    assert {row["e"] for batch in found["!ticker_1h@arr"] for row in batch} == {"1hTicker"}


def test_the_ticker_stream_equals_rest() -> None:
    market = lively()
    last = run(market, 9.9, "btcusdt@ticker")["btcusdt@ticker"][-1]
    assert last["E"] % 1000 == 0
    inside = [trade for trade in market.trades("BTCUSDT") if last["O"] <= trade.time_us / 1000 <= last["C"]]
    assert (last["n"], last["F"], last["L"]) == (len(inside), inside[0].id, inside[-1].id)
    assert Decimal(last["v"]) == sum(trade.quantity for trade in inside)
    assert Decimal(last["h"]) == max(trade.price for trade in inside)
