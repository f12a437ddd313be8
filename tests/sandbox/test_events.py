"""Events: they go out in the order in which they happened."""

from __future__ import annotations

from trio_binance.sandbox.events import Outlet, StreamEvent, UserEvent

from .economy import trader


def test_an_outlet_keeps_the_order() -> None:
    outlet, account = Outlet(), trader(1)
    outlet.stream("a@trade", {"t": 1})
    outlet.user(UserEvent(account, {"e": "x"}))
    assert outlet.waiting == [StreamEvent("a@trade", {"t": 1}), UserEvent(account, {"e": "x"})]
