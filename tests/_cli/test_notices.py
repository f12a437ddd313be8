"""The notices: what a person hears of the connector's events."""

from __future__ import annotations

import attrs
import pytest
import trio

from trio_binance._cli.notices import notice
from trio_binance._services import events
from trio_binance._services.events import Event

SAMPLES: dict[Event, str] = {
    events.ConnectFailed(
        1.0, "streams:1", 2, "host: refused", 0.5
    ): "not connected: host: refused; next attempt in 0.5",
    events.ConnectionLost(1.0, "streams:1", "reset", None): "connection lost: reset; reconnecting",
    events.Reconnected(1.0, "streams:1", 1, 2.5, "reset"): "connected again after 2.5 s",
    events.GapSeen(1.0, "btcusdt@trade", 5, 9): "btcusdt@trade: missed 5 to 9",
    events.Dropped(1.0, "btcusdt@trade", 7): "7 events dropped",
    events.Undecodable(1.0, "btcusdt@trade", "no price"): "skipped: no price",
    events.RateLimitHit(1.0, "REQUEST_WEIGHT", 1e9): "REQUEST_WEIGHT is used up; waiting",
    events.BanStarted(1.0, 0.0, 418): "(status 418) for 0 s",
    events.BanEnded(1.0): "serves us again",
    events.ClockStepped(1.0, 0, 1_500_000): "the server is +1500.0 ms from here",
    events.KeyRefused(1.0, -2015, "Invalid API-key"): "the key was refused: Invalid API-key",
    events.UserDataGap(1.0, 10.0, 12.0): "missed for 2.0 s",
    events.ServiceCrashed(1.0, "clock", 1, "boom"): "clock crashed, please report it: boom",
    events.OutcomeInDoubt(1.0, "op-1", "POST", "BTCUSDT", "mine", "reset"): "BTCUSDT mine: it is being found out",
    events.OutcomeUnresolved(1.0, "op-1", "POST", "whole", "BTCUSDT", "mine", "deaf", "-"): "nobody knows what became",
    events.OutcomeRevised(1.0, "op-1", "POST", "whole", "BTCUSDT", "mine", "absent", "-"): "taken for absent, but it",
    events.OrderLeftOpen(1.0, "BTCUSDT", "mine", 7, "no answer"): "BTCUSDT mine: may still be open: no answer",
    events.JournalLost(1.0, "orders.log: full"): "nothing more is placed: orders.log: full",
}


@pytest.mark.parametrize("event", SAMPLES, ids=lambda event: event.name)
async def test_what_concerns_a_person_is_said_in_one_line(event: Event) -> None:
    told = notice(event)
    assert told is not None
    assert SAMPLES[event] in told
    assert "\n" not in told


async def test_the_ordinary_course_of_things_is_not_worth_a_word() -> None:
    await trio.lowlevel.checkpoint()
    assert notice(events.Connected(1.0, "streams:1")) is None


async def test_every_warning_of_the_connector_is_told_or_left_out_on_purpose() -> None:
    await trio.lowlevel.checkpoint()
    told = {type(event) for event in SAMPLES}
    # No command keeps a book or opens a feed without gaps.
    silent = {
        "AccountStale",
        "BookStale",
        "GapLeft",
        "ServiceRestarted",
        "ServiceOverdue",
        "SubscriptionLost",
        "BreakerChanged",
        "LoggedOff",
        "MirrorChanged",
        "HookFailed",
    }
    kinds = [kind for kind in vars(events).values() if isinstance(kind, type) and attrs.has(kind)]
    warnings = {kind for kind in kinds if issubclass(kind, Event) and kind.level >= 30}
    assert {kind.__name__ for kind in warnings - told} == silent
