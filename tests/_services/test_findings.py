"""What was seen of orders while it is found out what became of them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests._pure.mirror.makers import filled, order, trade_event
from trio_binance._pure.mirror.orders import order_from_report
from trio_binance._services import findings
from trio_binance._services.findings import Findings


def test_each_allocation_of_smart_order_routing_is_a_fill_though_none_has_a_trade() -> None:
    found, placed = Findings(), order()
    for number, quantity in ((1, "0.10"), (2, "0.20"), (2, "0.20")):
        event = trade_event(filled(placed, quantity), number, -1, quantity, allocation_id=number)
        found.on_report(event, order_from_report(event))
    fills = found.fills(placed.symbol, placed.order_id)
    assert [(fill.alloc_id, fill.qty) for fill in fills] == [(1, Decimal("0.10")), (2, Decimal("0.20"))]


def test_what_moved_further_replaces_what_lags_behind_and_not_the_other_way_round() -> None:
    found, placed = Findings(), order()
    later = filled(placed, "0.10")
    for report in (placed, later, placed):
        found.on_order(report)
    assert found.order(placed.symbol, placed.order_id) == later


def test_only_the_latest_orders_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(findings, "_MOST", 2)
    found = Findings()
    for number in (1, 2, 3):
        found.on_order(order(order_id=number))
    assert [found.order("BTCUSDT", number) is None for number in (1, 2, 3)] == [True, False, False]
