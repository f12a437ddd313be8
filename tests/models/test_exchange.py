"""The exchange's limits, symbols and filters."""

from __future__ import annotations

from decimal import Decimal

import pytest

from trio_binance.models import (
    KNOWN_FILTERS,
    ExchangeInfo,
    FilterType,
    LotSizeFilter,
    PriceFilter,
    RateLimit,
    RateLimitInterval,
    RateLimitType,
    RateLimitUsage,
    SymbolInfo,
    SymbolStatus,
    UnknownFilter,
)

WEIGHT = RateLimitType.REQUEST_WEIGHT
PRICE = PriceFilter(Decimal(1), Decimal(2), Decimal("0.1"))
SYMBOL = SymbolInfo("BTCUSDT", SymbolStatus.TRADING, "BTC", 8, "USDT", 8, (), True, (PRICE,))


@pytest.mark.parametrize(
    "interval,count,expected",
    [
        ("SECOND", 10, 10_000),
        ("MINUTE", 5, 300_000),
        ("HOUR", 1, 3_600_000),
        ("DAY", None, 86_400_000),
        ("WEEK", 1, None),
    ],
)
def test_a_limit_knows_its_window(interval: str, count: int | None, expected: int | None) -> None:
    assert RateLimit(WEIGHT, RateLimitInterval(interval), 50, count).interval_ms == expected


def test_a_used_limit_knows_its_window() -> None:
    assert RateLimitUsage(RateLimitType.ORDERS, RateLimitInterval.SECOND, 10, 50, 3).interval_ms == 10_000


def test_a_symbol_finds_its_filters_by_class() -> None:
    assert SYMBOL.filter(PriceFilter) is PRICE
    assert SYMBOL.filter(LotSizeFilter) is None


def test_the_exchange_finds_a_symbol_by_name() -> None:
    info = ExchangeInfo("UTC", 0, (), (), (SYMBOL,))
    assert info.find("BTCUSDT") is SYMBOL
    assert info.find("ETHUSDT") is None


def test_every_known_filter_has_its_own_type() -> None:
    assert {kind.filter_type for kind in KNOWN_FILTERS} == set(FilterType)
    assert len(KNOWN_FILTERS) == 20


def test_an_unknown_filter_shows_its_fields() -> None:
    assert repr(UnknownFilter("NEW", extra={"n": 3})) == "UnknownFilter('NEW', extra={'n': 3})"
