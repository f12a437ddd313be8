"""REST: answers to models and back, by example."""

from __future__ import annotations

import gc
import json
from decimal import Decimal

import pytest

from trio_binance._codec import rest
from trio_binance.errors import DecodeError
from trio_binance.models import (
    AccountFilters,
    AggTrade,
    AnyTicker24h,
    AnyWindowTicker,
    ArithmeticMeanCalculation,
    AveragePrice,
    Balance,
    Depth,
    ExchangeInfo,
    ExchangeMaxNumOrdersFilter,
    ExecutionRules,
    ExternalCalculation,
    Extra,
    Filter,
    FilterType,
    Kline,
    Level,
    LotSizeFilter,
    MaxAssetFilter,
    MiniTicker,
    PriceRangeRule,
    ReferencePrice,
    ReferencePriceCalculation,
    ServerTime,
    SessionStatus,
    Ticker24h,
    Trade,
    UnknownCalculation,
    UnknownFilter,
    WindowTicker,
)

from .answers import check


def test_names_follow_the_rule() -> None:
    assert rest.camel("cummulative_quote_qty") == "cummulativeQuoteQty"
    assert rest.camel("symbol") == "symbol"


TRADE = {
    "id": 28457,
    "price": "4.00000100",
    "qty": "12.00000000",
    "quoteQty": "48.000012",
    "time": 1499865549590,
    "isBuyerMaker": True,
    "isBestMatch": True,
}


def test_a_trade_is_exact() -> None:
    (trade,) = check([TRADE], list[Trade])
    assert str(trade.price) == "4.00000100"
    assert trade.time == 1499865549590
    assert trade.is_buyer_maker is True


def test_an_aggregate_trade_is_written_in_letters() -> None:
    raw = {"a": 26129, "p": "0.016", "q": "4.7", "f": 27781, "l": 27782, "T": 1498793709153, "m": True, "M": False}
    found = check(raw, AggTrade)
    assert found == AggTrade(26129, Decimal("0.016"), Decimal("4.7"), 27781, 27782, 1498793709153, True, False)


KLINE = [1499040000000, "1", "4", "0.5", "2.00", "148.1", 1499644799999, "2434.1", 308, "1756.8", "28.4", "0"]


def test_a_candle_is_an_array() -> None:
    found = check(KLINE, Kline)
    assert (found.open_time, found.open_price, found.high_price) == (1499040000000, Decimal(1), Decimal(4))
    assert (found.close_price, found.trade_count, found.unused) == (Decimal("2.00"), 308, "0")


def test_a_longer_array_keeps_its_end() -> None:
    found = check([*KLINE, "new", None], Kline)
    assert found.extra == {"12": "new", "13": None}


def test_a_shorter_array_is_refused() -> None:
    with pytest.raises(DecodeError) as caught:
        rest.structure(json.dumps([KLINE[:-1]]).encode(), list[Kline])
    assert caught.value.path == "[0].unused"


def test_a_candle_that_is_no_array_is_refused() -> None:
    with pytest.raises(DecodeError, match="expected list"):
        rest.structure(b"{}", Kline)


def test_depth_keeps_its_text_and_makes_decimals() -> None:
    depth = check({"lastUpdateId": 1, "bids": [["4.0", "431.00"], ["3", "0"]], "asks": []}, Depth)
    assert depth.bids[0] == Level(Decimal(4), Decimal(431))
    assert not depth.asks


MINI = {
    "symbol": "A",
    "openPrice": "9",
    "highPrice": "10",
    "lowPrice": "1",
    "lastPrice": "4",
    "volume": "8",
    "quoteVolume": "15",
    "openTime": 1,
    "closeTime": 2,
    "firstId": -1,
    "lastId": -1,
    "count": 0,
}
WINDOW = {**MINI, **dict.fromkeys(("priceChange", "priceChangePercent", "weightedAvgPrice"), "-1.5")}
DAY = {**WINDOW, **dict.fromkeys(("prevClosePrice", "lastQty", "bidPrice", "bidQty", "askPrice", "askQty"), "1.50")}


def test_a_ticker_is_told_by_its_shape() -> None:
    assert [type(found) for found in check([MINI, DAY], list[AnyTicker24h])] == [MiniTicker, Ticker24h]
    assert [type(found) for found in check([MINI, WINDOW], list[AnyWindowTicker])] == [MiniTicker, WindowTicker]


def test_a_reference_price_may_be_unset() -> None:
    body = {"symbol": "A", "referencePrice": None, "timestamp": 1}
    found = check(body, ReferencePrice)
    assert found == ReferencePrice("A", None, 1)
    assert not found.extra
    assert check({**body, "referencePrice": "10.00"}, ReferencePrice).reference_price == Decimal(10)


def test_a_calculation_is_told_by_its_type() -> None:
    mean = {"symbol": "A", "calculationType": "ARITHMETIC_MEAN", "bucketCount": 10, "bucketWidthMs": 1000}
    external = {"symbol": "A", "calculationType": "EXTERNAL", "externalCalculationId": 42}
    unknown = {"symbol": "A", "calculationType": "MEDIAN", "window": "5m"}
    found = check([mean, external, unknown], list[ReferencePriceCalculation])
    assert found[:2] == [ArithmeticMeanCalculation("A", 10, 1000), ExternalCalculation("A", 42)]
    assert found[2] == UnknownCalculation("A", "MEDIAN", extra=Extra({"window": "5m"}))
    assert repr(found[2]) == "UnknownCalculation('A', 'MEDIAN', extra={'window': '5m'})"


def test_an_execution_rule_is_told_by_its_type() -> None:
    ranged = {"ruleType": "PRICE_RANGE", "bidLimitMultUp": "1.0001", "askLimitMultDown": "0.9999"}
    body = {"symbolRules": [{"symbol": "A", "rules": [ranged, {"ruleType": "NAP", "hours": 2}]}]}
    (rules,) = check(body, ExecutionRules).symbol_rules
    assert rules.rules[0] == PriceRangeRule(Decimal("1.0001"), None, None, Decimal("0.9999"))
    assert repr(rules.rules[1]) == "UnknownExecutionRule('NAP', extra={'hours': 2})"


def test_filters_of_an_account_are_filters() -> None:
    body = {
        "exchangeFilters": [{"filterType": "EXCHANGE_MAX_NUM_ORDERS", "maxNumOrders": 1000}],
        "symbolFilters": [{"filterType": "T_PLUS_SELL", "endTime": -1}],
        "assetFilters": [{"filterType": "MAX_ASSET", "asset": "JPY", "limit": "1000000.00000000"}],
    }
    found = check(body, AccountFilters)
    assert found.exchange_filters == (ExchangeMaxNumOrdersFilter(1000),)
    assert found.asset_filters == (MaxAssetFilter("JPY", Decimal(1_000_000)),)
    assert type(found.symbol_filters[0]) is UnknownFilter  # no document but the schema of SBE has this one


def test_a_session_tells_no_key_when_nobody_is_logged_on() -> None:
    body = {
        "apiKey": None,
        "authorizedSince": None,
        "connectedSince": 1,
        "returnRateLimits": False,
        "serverTime": 2,
    }
    assert check(body, SessionStatus) == SessionStatus(None, None, 1, False, 2)
    assert not check({**body, "userDataStream": True}, SessionStatus).extra
    assert check({**body, "userDataStream": None}, SessionStatus).user_data_stream is None
    found = check({**body, "apiKey": "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"}, SessionStatus)
    assert "vmPUZE6" not in repr(found)


def test_an_unknown_filter_survives() -> None:
    body = {"filterType": "SOME_NEW_FILTER_2027", "someLimit": "1.50000000", "n": 3}
    found = check(body, Filter)
    assert type(found) is UnknownFilter
    assert found.filter_type == "SOME_NEW_FILTER_2027"
    assert found.extra == {"someLimit": "1.50000000", "n": 3}


def test_a_known_filter_is_its_class() -> None:
    body = {"filterType": "LOT_SIZE", "minQty": "0.001", "maxQty": "100.0", "stepSize": "0.001"}
    assert check(body, Filter) == LotSizeFilter(Decimal("0.001"), Decimal(100), Decimal("0.001"))


def test_a_filter_of_the_wrong_type_is_refused() -> None:
    with pytest.raises(DecodeError, match="filterType='LOT_SIZE', not 'X'"):
        rest.structure(b'{"filterType":"X","minQty":"1","maxQty":"1","stepSize":"1"}', LotSizeFilter)


def test_unknown_fields_and_words_survive_at_every_depth() -> None:
    body = {
        "symbol": "A",
        "status": "SLEEPING",
        "baseAsset": "A",
        "baseAssetPrecision": 8,
        "quoteAsset": "B",
        "quotePrecision": 8,
        "orderTypes": ["LIMIT", "MAGIC"],
        "icebergAllowed": True,
        "filters": [{"filterType": "ICEBERG_PARTS", "limit": 10, "news": {"deep": ["1", None]}}],
        "permissionSets": [["SPOT", "TRD_GRP_999"]],
        "magicAllowed": True,
    }
    info = {"timezone": "UTC", "serverTime": 1, "rateLimits": [], "exchangeFilters": [], "symbols": [body], "hello": 1}
    found = check(info, ExchangeInfo)
    assert found.extra == {"hello": 1}
    (symbol,) = found.symbols
    assert repr(symbol.status) == "SymbolStatus('SLEEPING')"
    assert [repr(word) for word in symbol.order_types] == ["OrderType.LIMIT", "OrderType('MAGIC')"]
    assert [type(word) for word in rest.unstructure(symbol)["orderTypes"]] == [str, str]
    assert symbol.extra == {"magicAllowed": True}
    assert symbol.filters[0].extra == {"news": {"deep": ["1", None]}}
    assert symbol.filters[0].filter_type is FilterType.ICEBERG_PARTS
    assert found.sors is None


def test_a_null_where_a_field_may_be_absent_is_kept() -> None:
    found = check({"mins": 5, "price": "1.0", "closeTime": None}, AveragePrice)
    assert found.close_time is None
    assert found.extra == {"closeTime": None}
    assert not check({"mins": 5, "price": "1.0"}, AveragePrice).extra


def test_a_parsed_answer_is_structured_as_well() -> None:
    assert rest.from_json({"asset": "A", "free": "1.0", "locked": "0"}, Balance) == Balance("A", Decimal(1), Decimal(0))


@pytest.mark.parametrize("enabled", [True, False])
def test_a_huge_answer_leaves_the_collector_as_it_was(enabled: bool) -> None:
    raw = json.dumps([TRADE] * 8000).encode()
    before = gc.isenabled()
    (gc.enable if enabled else gc.disable)()
    try:
        assert len(rest.structure(raw, list[Trade])) == 8000
        assert gc.isenabled() is enabled
        with pytest.raises(DecodeError):
            rest.structure(raw, ServerTime)
        assert gc.isenabled() is enabled
    finally:
        (gc.enable if before else gc.disable)()
