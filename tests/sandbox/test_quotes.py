"""Quotes: the public requests, shaped as documented and equal to the truth."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from trio_binance.sandbox.market import Market
from trio_binance.sandbox.refusals import Refusal

from .economy import SECOND, START, ask, quiet_market

MINUTE = 60 * SECOND


@pytest.fixture(scope="module")
def market() -> Market:
    """A market with ten seconds of trading behind it."""
    lively = Market(3, START, 20.0)
    lively.on_timer(START + 10 * SECOND)
    return lively


NOW = START + 10 * SECOND


def get(market: Market, path: str, **params: Any) -> Any:
    return ask(market, f"GET /api/v3/{path}", None, NOW, **params)


def test_ping_and_time(market: Market) -> None:
    assert get(market, "ping") == {}
    assert get(market, "time") == {"serverTime": NOW // 1000}


def test_exchange_info_has_the_documented_shape(market: Market, spec: Any) -> None:
    documented = next(
        endpoint["responses"][0]["body"]
        for endpoint in json.loads((spec / "rest.json").read_text())["endpoints"]
        if endpoint["path"] == "/api/v3/exchangeInfo"
    )
    info = get(market, "exchangeInfo")
    assert list(info) == list(documented)
    for symbol in info["symbols"]:
        assert list(symbol) == list(documented["symbols"][0])


def test_exchange_info_is_chosen_by_symbol_permission_or_status(market: Market) -> None:
    def names(**params: Any) -> list[str]:
        return [symbol["symbol"] for symbol in get(market, "exchangeInfo", **params)["symbols"]]

    assert names() == ["BTCUSDT", "ETHUSDT", "BNBUSDT", "SOLUSDT", "ETHBTC", "BTCUSDC"]
    assert names(symbol="ETHBTC") == ["ETHBTC"]
    assert names(symbols='["ETHBTC","BTCUSDT"]') == ["ETHBTC", "BTCUSDT"]
    assert names(permissions="MARGIN") == []
    assert names(permissions='["SPOT","MARGIN"]') == names()
    assert names(symbolStatus="HALT") == []
    [symbol] = get(market, "exchangeInfo", symbol="ETHBTC", showPermissionSets="false")["symbols"]
    assert symbol["permissionSets"] == []


@pytest.mark.parametrize(
    ("path", "params", "code"),
    [
        ("exchangeInfo", {"symbol": "NOPE"}, -1121),
        ("exchangeInfo", {"symbols": '["BTCUSDT","NOPE"]'}, -1121),
        ("exchangeInfo", {"symbols": '["BTCUSDT","BTCUSDT"]'}, -1151),
        ("exchangeInfo", {"symbol": "BTCUSDT", "symbols": '["BTCUSDT"]'}, -1128),
        ("exchangeInfo", {"symbol": "BTCUSDT", "symbolStatus": "HALT"}, -1128),
        ("depth", {}, -1102),
        ("depth", {"symbol": "btcusdt"}, -1100),
        ("depth", {"symbol": "BTCUSDT", "symbolStatus": "HALT"}, -1220),
        ("depth", {"symbol": "BTCUSDT", "symbolStatus": "DEAD"}, -1122),
        ("klines", {"symbol": "BTCUSDT"}, -1102),
        ("klines", {"symbol": "BTCUSDT", "interval": "7m"}, -1120),
        ("klines", {"symbol": "BTCUSDT", "interval": "1m", "timeZone": "15"}, -1130),
        ("aggTrades", {"symbol": "BTCUSDT", "fromId": 1, "startTime": 1}, -1128),
        ("ticker", {}, -1102),
        ("ticker", {"symbol": "BTCUSDT", "windowSize": "8d"}, -1130),
        ("ticker", {"symbol": "BTCUSDT", "type": "HALF"}, -1139),
        ("ticker/tradingDay", {}, -1102),
        ("ticker/price", {"symbol": "BTCUSDT", "symbols": '["BTCUSDT"]'}, -1128),
        ("ticker/price", {"symbols": '["NOPE"]'}, -1121),
    ],
)
def test_bad_questions_are_refused(market: Market, path: str, params: dict[str, Any], code: int) -> None:
    with pytest.raises(Refusal) as caught:
        get(market, path, **params)
    assert caught.value.code == code


def test_depth_is_the_top_of_the_book(market: Market) -> None:
    truth = market.book("BTCUSDT")
    depth = get(market, "depth", symbol="BTCUSDT", limit=7)
    assert list(depth) == ["lastUpdateId", "bids", "asks"]
    assert depth["lastUpdateId"] == truth.update_id
    assert depth["bids"] == [[str(price), str(quantity)] for price, quantity in truth.bids[:7]]
    assert depth["asks"] == [[str(price), str(quantity)] for price, quantity in truth.asks[:7]]
    assert len(get(market, "depth", symbol="BTCUSDT", limit=5000)["bids"]) == len(truth.bids) >= 200


def test_trades_come_newest_or_from_an_id(market: Market) -> None:
    truth = market.trades("BTCUSDT")
    newest = get(market, "trades", symbol="BTCUSDT", limit=5)
    assert [row["id"] for row in newest] == [trade.id for trade in truth[-5:]]
    assert list(newest[0]) == ["id", "price", "qty", "quoteQty", "time", "isBuyerMaker", "isBestMatch"]
    first = truth[10].id
    some = get(market, "historicalTrades", symbol="BTCUSDT", fromId=first, limit=3)
    assert [row["id"] for row in some] == [first, first + 1, first + 2]
    assert get(market, "historicalTrades", symbol="BTCUSDT", fromId=0, limit=1)[0]["id"] == truth[0].id
    assert get(market, "historicalTrades", symbol="BTCUSDT", fromId=truth[-1].id + 1) == []
    assert (some[0]["price"], some[0]["qty"]) == (str(truth[10].price), str(truth[10].quantity))


def test_aggregate_trades_cover_the_trades_without_holes(market: Market) -> None:
    rows = get(market, "aggTrades", symbol="BTCUSDT", limit=1000)
    truth = {trade.id: trade for trade in market.trades("BTCUSDT")}
    for row in rows:
        covered = [truth[number] for number in range(row["f"], row["l"] + 1)]
        assert {str(trade.price) for trade in covered} == {row["p"]}
        assert str(sum(trade.quantity for trade in covered)) == row["q"]
        assert {trade.buyer_is_maker for trade in covered} == {row["m"]}
    assert all(after["f"] == before["l"] + 1 for before, after in itertools.pairwise(rows))
    assert list(rows[0]) == ["a", "p", "q", "f", "l", "T", "m", "M"]


def test_aggregate_trades_are_paged_by_id_and_time(market: Market) -> None:
    rows = get(market, "aggTrades", symbol="BTCUSDT", limit=1000)
    first = rows[20]

    def ids(**params: Any) -> list[int]:
        return [row["a"] for row in get(market, "aggTrades", symbol="BTCUSDT", **params)]

    assert ids(fromId=first["a"], limit=3) == [row["a"] for row in rows[20:23]]
    inside = [row["a"] for row in rows if first["T"] <= row["T"] <= rows[40]["T"]]
    assert ids(startTime=first["T"], endTime=rows[40]["T"]) == inside
    assert ids(startTime=first["T"], limit=2) == inside[:2]
    assert ids(endTime=rows[40]["T"], limit=2) == inside[-2:]


def test_klines_equal_the_trades(market: Market) -> None:
    truth = market.trades("ETHUSDT")
    for row in get(market, "klines", symbol="ETHUSDT", interval="1m", limit=5):
        inside = [trade for trade in truth if row[0] <= trade.time_us // 1000 <= row[6]]
        assert row[8] == len(inside)
        if inside:
            assert row[5] == str(sum(trade.quantity for trade in inside))
            assert row[7] == str(sum(trade.quote_quantity for trade in inside))
            assert (row[1], row[4]) == (str(inside[0].price), str(inside[-1].price))
    assert (
        get(market, "uiKlines", symbol="ETHUSDT", interval="1d", timeZone="8", limit=1)[0][0] % 86_400_000 == 57_600_000
    )


def test_there_is_a_past_for_a_thousand_candles(market: Market) -> None:
    rows = get(market, "klines", symbol="BTCUSDT", interval="1m", limit=1000)
    assert len(rows) == 1000
    assert all(after[0] == before[0] + 60_000 for before, after in itertools.pairwise(rows))


def test_tickers_are_objects_for_one_symbol_and_arrays_for_more(market: Market) -> None:
    for path in ("ticker/24hr", "ticker/price", "ticker/bookTicker"):
        assert get(market, path, symbol="BTCUSDT")["symbol"] == "BTCUSDT"
        assert [row["symbol"] for row in get(market, path, symbols='["ETHBTC"]')] == ["ETHBTC"]
        assert len(get(market, path)) == 6
        assert get(market, path, symbolStatus="HALT") == []
    for path in ("ticker", "ticker/tradingDay"):
        assert get(market, path, symbol="BTCUSDT")["symbol"] == "BTCUSDT"
        assert len(get(market, path, symbols='["ETHBTC","BTCUSDT"]', type="MINI")) == 2


@pytest.mark.parametrize(
    "path", ["ticker/24hr", "ticker/tradingDay", "ticker", "ticker/price", "ticker/bookTicker", "avgPrice"]
)
def test_tickers_have_the_documented_fields(market: Market, spec: Any, path: str) -> None:
    endpoints = json.loads((spec / "rest.json").read_text())["endpoints"]
    [endpoint] = [endpoint for endpoint in endpoints if endpoint["path"] == f"/api/v3/{path}"]
    by_label = {response["label"]: response["body"] for response in endpoint["responses"]}
    label = next(iter(by_label))
    assert list(get(market, path, symbol="BTCUSDT")) == list(by_label[label])
    if "MINI, symbol" in by_label:
        assert list(get(market, path, symbol="BTCUSDT", type="MINI")) == list(by_label["MINI, symbol"])


def test_best_prices_and_last_price_are_the_truth(market: Market) -> None:
    best = get(market, "ticker/bookTicker", symbol="SOLUSDT")
    book = market.book("SOLUSDT")
    assert (best["bidPrice"], best["askQty"]) == (str(book.bids[0][0]), str(book.asks[0][1]))
    assert get(market, "ticker/price", symbol="SOLUSDT")["price"] == str(market.trades("SOLUSDT")[-1].price)


def test_the_trading_day_begins_at_local_midnight(market: Market) -> None:
    day = get(market, "ticker/tradingDay", symbol="BTCUSDT", timeZone="8")
    assert day["openTime"] % 86_400_000 == 57_600_000
    assert day["closeTime"] == day["openTime"] + 86_399_999
    inside = [trade for trade in market.trades("BTCUSDT") if trade.time_us // 1000 >= day["openTime"]]
    assert day["count"] == len(inside)


def test_a_window_of_minutes_counts_its_trades(market: Market) -> None:
    row = get(market, "ticker", symbol="BTCUSDT", windowSize="30m")
    inside = [trade for trade in market.trades("BTCUSDT") if trade.time_us // 1000 >= row["openTime"]]
    assert row["count"] == len(inside)
    assert row["openTime"] % 60_000 == 0
    assert 1_800_000 <= row["closeTime"] - row["openTime"] < 1_860_000


def test_a_quiet_market_still_answers() -> None:
    quiet = quiet_market()
    assert ask(quiet, "GET /api/v3/avgPrice", None, START + 600 * MINUTE, symbol="BTCUSDT")["mins"] == 5


def test_a_database_that_lags_knows_neither_the_newest_trades_nor_how_a_candle_ended() -> None:
    now = START + 101 * SECOND  # a minute has begun a second ago
    market = Market(3, START, 20.0)
    market.on_timer(now)

    def get(path: str, **params: Any) -> Any:
        return ask(market, f"GET /api/v3/{path}", None, now, symbol="BTCUSDT", **params)

    first = market.trades("BTCUSDT")[-500].id
    everything = get("historicalTrades", fromId=first, limit=1000)
    market.replica_lag_us = 2 * SECOND
    older = [trade for trade in everything if trade["time"] < (now - 2 * SECOND) // 1000]
    assert 0 < len(older) < len(everything)
    assert get("historicalTrades", fromId=first, limit=1000) == older
    assert get("historicalTrades", limit=2) == older[-2:]
    assert get("trades", limit=2) == everything[-2:]
    sums = get("aggTrades", limit=2)
    assert older[-20]["id"] < sums[-1]["l"] <= older[-1]["id"]
    known, part = get("klines", interval="1m", limit=2)
    assert (part[0], part[8]) == (known[6] + 1, sum(trade["time"] >= part[0] for trade in older))
    market.replica_lag_us = 0
    whole, _ = get("klines", interval="1m", limit=2)
    assert whole[0] == part[0]
    assert whole[8] > part[8]
