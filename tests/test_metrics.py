"""The metrics: what Prometheus is told."""

from __future__ import annotations

import importlib
import sys

import pytest
import trio
import trio.testing
from prometheus_client import CollectorRegistry

from trio_binance._client.open import open_binance
from trio_binance.config import BinanceConfig
from trio_binance.metrics import PrometheusMetrics


async def test_events_are_counted_and_statistics_are_gauges(autojump_clock: trio.testing.MockClock) -> None:
    registry = CollectorRegistry()
    metrics = PrometheusMetrics(registry)
    async with open_binance(BinanceConfig.sandbox(seed=7, epoch_ms=1_790_000_000_000, hooks=(metrics,))) as bx:
        metrics.watch(bx)
        await bx.wait_ready()
        async with bx.streams.trades("BTCUSDT") as feed:
            await feed.receive()
        assert registry.get_sample_value("trio_binance_events_total", {"event": "clock_synced"}) == 1
        environment = {"environment": "sandbox"}
        assert registry.get_sample_value("trio_binance_clock_synced", environment) == 1
        assert registry.get_sample_value("trio_binance_streams_feeds", environment) == 0
        shard = {**environment, "name": "streams:1"}
        assert (registry.get_sample_value("trio_binance_streams_shards_messages", shard) or 0) >= 1
        weight = {**environment, "kind": "REQUEST_WEIGHT", "interval_ms": "60000"}
        assert registry.get_sample_value("trio_binance_limits_rules_rule_limit", weight) == 6000
        assert (registry.get_sample_value("trio_binance_limits_rules_used", weight) or 0) > 0
        samples = [
            (sample.name, *sorted(sample.labels.items())) for one in registry.collect() for sample in one.samples
        ]
        assert len(samples) == len(set(samples))


def test_without_the_extra_its_import_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "trio_binance.metrics")
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(ImportError, match=r"pip install 'trio-binance-connector\[metrics\]'"):
        importlib.import_module("trio_binance.metrics")


async def test_nothing_is_asked_of_the_connector_before_prometheus_asks() -> None:
    registry = CollectorRegistry()
    PrometheusMetrics(registry)
    assert [family.name for family in registry.collect()] == ["trio_binance_events"]
