"""The backfill: what is asked of the exchange, at which price, and how its answers become events."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any, cast

import pytest

from trio_binance._protocol.catalogue import market
from trio_binance._pure.contiguity import Ask, Quiet
from trio_binance._services.backfill import AggTrades, Desk, Finding, Klines, Trades
from trio_binance.errors import RequestError, UnknownSymbol
from trio_binance.models import (
    AggTrade,
    AggTradeEvent,
    Candle,
    Extra,
    Kline,
    KlineEvent,
    KlineInterval,
    MiniTicker,
    RecoveredAggTradeEvent,
    RecoveredKlineEvent,
    RecoveredTradeEvent,
    Trade,
    TradeEvent,
)

ONE, TWO = Decimal("1.00"), Decimal("2.50")


class Exchange:
    """Takes the place of router, limiter and clock; answers by path."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.asked: list[dict[str, Any]] = []
        self.spared: list[int] = []
        self.now = 0

    async def call(self, operation: Any, params: dict[str, Any]) -> Any:
        assert len(self.spared) == len(self.asked) + 1
        self.asked.append({name: value for name, value in params.items() if value is not None})
        return self.answers[operation.path.rpartition("/")[2]](params)

    @asynccontextmanager
    async def spare(self, weight: int) -> AsyncIterator[None]:
        self.spared.append(weight)
        yield

    def server_ms(self) -> int:
        return self.now

    def desk(self) -> Desk:
        everyone = cast("Any", self)
        return Desk(everyone, everyone, everyone)


def trade(number: int) -> Trade:
    return Trade(
        id=number, price=ONE, qty=TWO, quote_qty=TWO, time=7, is_buyer_maker=True, is_best_match=False, extra=MORE
    )


def agg_trade(number: int) -> AggTrade:
    return AggTrade(
        agg_trade_id=number,
        price=ONE,
        quantity=TWO,
        first_trade_id=10 * number,
        last_trade_id=10 * number + 9,
        trade_time=7,
        is_buyer_maker=True,
        is_best_match=False,
    )


def kline(open_time: int, length: int = 60_000) -> Kline:
    return Kline(open_time, ONE, TWO, ONE, TWO, TWO, open_time + length - 1, TWO, 3, ONE, TWO, "0")


def ticker(symbol: str, last_id: int) -> MiniTicker:
    return MiniTicker(symbol, ONE, ONE, ONE, ONE, ONE, ONE, 1, 2, last_id, last_id, 1)


def ask(first: int, count: int | None = None) -> Ask:
    return Ask("BTCUSDT", first, None if count is None else first + count - 1, count, 60.0)


MORE = Extra({"new": 1})


# -------------------------------------------------------------------------------------------------------- pages


async def test_trades_are_asked_for_by_id_and_no_more_than_are_missing() -> None:
    exchange = Exchange(historicalTrades=lambda params: [trade(params["fromId"]), trade(params["fromId"] + 1)])
    trades = Trades(exchange.desk())
    page = await trades.page(ask(5, 3))
    assert exchange.asked == [{"symbol": "BTCUSDT", "fromId": 5, "limit": 3}]
    assert exchange.spared == [25]
    assert page.items[0] == RecoveredTradeEvent(7, "BTCUSDT", 5, ONE, TWO, 7, True, False, extra=MORE)
    assert [trades.places.of(item) for item in page.items] == [
        ("BTCUSDT", 5, 5, True, 0),
        ("BTCUSDT", 6, 6, True, 0),
    ]
    assert not page.full
    assert (await trades.page(ask(5, 2))).full


@pytest.mark.parametrize("count", [None, 1000, 5000])
async def test_a_page_is_at_most_a_thousand(count: int | None) -> None:
    exchange = Exchange(
        historicalTrades=lambda _: [trade(1)] * 1000,
        aggTrades=lambda _: [agg_trade(1)] * 999,
        klines=lambda _: [kline(0)] * 1000,
    )
    desk = exchange.desk()
    pages = [await kind.page(ask(0, count)) for kind in (Trades(desk), AggTrades(desk), Klines(desk, MINUTE))]
    assert [params["limit"] for params in exchange.asked] == [1000] * 3
    assert [page.full for page in pages] == [True, False, True]


async def test_aggregate_trades_are_asked_for_by_their_own_ids() -> None:
    exchange = Exchange(aggTrades=lambda params: [agg_trade(params["fromId"])])
    trades = AggTrades(exchange.desk())
    page = await trades.page(ask(5, 1))
    assert exchange.asked == [{"symbol": "BTCUSDT", "fromId": 5, "limit": 1}]
    assert exchange.spared == [4]
    assert page.items == [RecoveredAggTradeEvent(7, "BTCUSDT", 5, ONE, TWO, 50, 59, 7, True, False)]
    assert trades.places.of(page.items[0]) == ("BTCUSDT", 5, 5, True, 0)
    assert page.full


MINUTE = KlineInterval.MINUTE_1


async def test_candles_are_closed_once_a_later_one_is_there() -> None:
    exchange = Exchange(klines=lambda params: [kline(params["startTime"]), kline(params["startTime"] + 60_000)])
    candles = Klines(exchange.desk(), MINUTE)
    page = await candles.page(ask(120_000, 1))
    assert exchange.asked == [{"symbol": "BTCUSDT", "interval": "1m", "startTime": 120_000, "limit": 3}]
    assert exchange.spared == [2]
    candle = Candle(120_000, 179_999, "BTCUSDT", MINUTE, -1, -1, ONE, TWO, TWO, ONE, TWO, 3, True, TWO, ONE, TWO, "0")
    assert page.items == [RecoveredKlineEvent(179_999, "BTCUSDT", candle)]
    assert candles.places.of(page.items[0]) == ("BTCUSDT", 120_000, 179_999, True, 179_999)
    assert not page.full


async def test_no_candle_is_no_candle() -> None:
    exchange = Exchange(klines=lambda _: [])
    assert (await Klines(exchange.desk(), MINUTE).page(ask(0))).items == []


async def test_candles_of_another_time_zone_are_asked_for_in_its_days() -> None:
    exchange = Exchange(klines=lambda _: [])
    await Klines(exchange.desk(), KlineInterval.DAY_1, "+08:00").page(ask(0))
    assert exchange.asked[0]["timeZone"] == "08:00"


# ---------------------------------------------------------------------------------------------------- what is new


def quiet(symbol: str, edge: int, last: Any = None, stride: int = 1) -> Quiet[Any]:
    return Quiet(symbol, edge, stride, last)


async def test_of_which_symbols_there_are_newer_trades_is_asked_for_twenty_at_a_time() -> None:
    def tickers(params: dict[str, Any]) -> list[MiniTicker]:
        return [ticker(symbol, int(symbol[1:])) for symbol in params["symbols"]]

    exchange = Exchange(**{"24hr": tickers})
    trades = Trades(exchange.desk())
    # The last trade of S7 is 7: the next is 8.
    series = [quiet(f"S{number}", 8) for number in range(45)]
    found = {finding.symbol: finding for finding in await trades.newer(series)}
    assert len(found) == 44
    assert found["S9"] == Finding("S9", 9)
    assert found["S6"] == Finding("S6", 6, is_anew=True)
    assert [len(params["symbols"]) for params in exchange.asked] == [20, 20, 5]
    assert exchange.asked[0]["type"] == "MINI"
    assert exchange.spared == [2, 2, 2]


async def test_a_symbol_that_is_gone_keeps_no_other_from_being_looked_at() -> None:
    def tickers(params: dict[str, Any]) -> list[MiniTicker]:
        if "GONE" in params["symbols"]:
            raise UnknownSymbol("Invalid symbol.", status=400, code=-1121)
        return [ticker(symbol, 5) for symbol in params["symbols"]]

    exchange = Exchange(**{"24hr": tickers})
    names = ["A", "B", "GONE", "C", "D"]
    found = await Trades(exchange.desk()).newer([quiet(symbol, 5) for symbol in names])
    assert sorted(finding.symbol for finding in found) == ["A", "B", "C", "D"]


async def test_a_symbol_without_a_trade_for_a_day_is_not_judged() -> None:
    exchange = Exchange(**{"24hr": lambda _: [ticker("A", -1)]})
    assert await Trades(exchange.desk()).newer([quiet("A", 5)]) == []
    last = RecoveredAggTradeEvent(7, "A", 5, ONE, TWO, 50, 59, 7, True, False)
    assert await AggTrades(exchange.desk()).newer([quiet("A", 5, last)]) == []


async def test_newer_aggregate_trades_show_by_the_single_trades_they_are_made_of() -> None:
    exchange = Exchange(**{"24hr": lambda _: [ticker("A", 60), ticker("B", 59), ticker("C", 7), ticker("D", 7)]})
    last = RecoveredAggTradeEvent(7, "A", 5, ONE, TWO, 50, 59, 7, True, False)
    found = await AggTrades(exchange.desk()).newer([quiet(symbol, 6, last) for symbol in "ABC"])
    assert found == [Finding("A"), Finding("C", is_anew=True)]


async def test_where_no_aggregate_trade_was_had_yet_the_last_one_is_asked_for() -> None:
    def newest(params: dict[str, Any]) -> list[AggTrade]:
        if params["symbol"] == "GONE":
            raise UnknownSymbol("Invalid symbol.", status=400, code=-1121)
        return [] if params["symbol"] == "NONE" else [AggTrade(5, ONE, TWO, 50, 59, 7, True, True)]

    exchange = Exchange(aggTrades=newest)
    series = [quiet("A", 5), quiet("GONE", 5), quiet("NONE", 5), quiet("C", 1_000_000), quiet("D", 6)]
    found = await AggTrades(exchange.desk()).newer(series)
    assert found == [Finding("A", 5), Finding("C", 5, is_anew=True)]
    assert exchange.asked[0] == {"symbol": "A", "limit": 1}


@pytest.mark.parametrize("unit", [1, 1000])
async def test_a_candle_that_must_have_closed_two_seconds_ago_is_missing(unit: int) -> None:
    exchange = Exchange()
    candles = Klines(exchange.desk(), MINUTE)
    opened = 1_790_000_040_000
    series = [quiet("A", opened * unit, stride=60_000 * unit)]
    exchange.now = opened + 61_999
    assert await candles.newer(series) == []
    exchange.now = opened + 62_000
    assert await candles.newer(series) == [Finding("A")]


def test_what_is_recovered_is_what_it_would_have_been() -> None:
    for kind, base in (
        (RecoveredTradeEvent, TradeEvent),
        (RecoveredAggTradeEvent, AggTradeEvent),
        (RecoveredKlineEvent, KlineEvent),
    ):
        assert issubclass(kind, base)
        assert (kind.recovered, base.recovered) == (True, False)


def test_the_prices_are_those_of_the_catalogue() -> None:
    assert [op.weight({}) for op in (market.HISTORICAL_TRADES, market.AGG_TRADES, market.KLINES)] == [25, 4, 2]


async def test_the_first_symbol_that_is_none_is_found() -> None:
    def answer(params: dict[str, Any]) -> Any:
        if "NOPE" in params["symbols"]:
            raise UnknownSymbol("Invalid symbol.", status=400, code=-1121)
        if "ODD" in params["symbols"]:
            raise RequestError("Illegal characters.", status=400, code=-1100)

    exchange = Exchange(**{"24hr": answer})
    many = [f"S{number}" for number in range(25)]
    assert await exchange.desk().first_unknown(many) is None
    assert exchange.spared == [2, 2]
    found = await exchange.desk().first_unknown([*many, "NOPE"])
    assert found is not None
    assert found.message == "NOPE: Invalid symbol."
    assert len(exchange.spared) == 2 + 2 + 6
    assert await exchange.desk().first_unknown([]) is None
    with pytest.raises(RequestError, match="Illegal"):
        await exchange.desk().first_unknown(["ODD"])
