"""One claim by itself: what its service never lets happen."""

from __future__ import annotations

import pytest

from tests._pure.intents.makers import SYMBOL, cancellation, docket, order, placement, sent
from trio_binance._pure.intents import Accepted, Forget, Intent, Part, Settle, Terms, facts
from trio_binance._pure.intents.agenda import Agenda
from trio_binance._pure.intents.claim import Claim
from trio_binance._pure.intents.table import Phase
from trio_binance._pure.intents.terms import Scene
from trio_binance.errors import InvalidArgument
from trio_binance.models import OrderStatus


def test_a_timer_means_nothing_to_what_is_not_on_its_way() -> None:
    claim = Claim(placement(), Part.WHOLE, Terms())
    assert claim.on_timer(Scene(0.0, 0.0)) == []
    assert claim.deadline(Scene(0.0, 0.0)) == float("inf")


def test_what_is_forgotten_learns_nothing_more() -> None:
    claim = Claim(placement(), Part.WHOLE, Terms())
    claim.phase = Phase.FORGOTTEN
    assert claim.on_fact(facts.Lost("late"), Scene(0.0, 0.0)) == []
    assert claim.evidence.notes == ()


def test_two_cancellations_of_one_order_have_each_a_fate() -> None:
    made = docket()
    first, second = cancellation(), Intent("i-second", "DELETE /api/v3/order", cancellation().params)
    for intent, now in ((first, 1.0), (second, 60.0)):
        sent(made, intent, now)
        made.on_fact(intent.intent_id, facts.Refused(-1013, "no"), now + 0.5)
    assert made.on_timer(130.0) == [Forget("i-cancel")]
    assert made.on_timer(200.0) == [Forget("i-second")]


def test_one_sighting_settles_all_that_it_concerns() -> None:
    made = docket()
    first, second = cancellation(), Intent("i-second", "DELETE /api/v3/order", cancellation().params)
    for intent in (first, second):
        sent(made, intent)
    effects = made.on_seen(order(OrderStatus.CANCELED), 2.0)
    assert [type(effect) for effect in effects] == [Settle, Settle]
    assert set(made.statistics().verdicts) == {Accepted.word}


@pytest.mark.parametrize(
    "operation,params",
    (
        ("POST /api/v3/order", {}),
        ("POST /api/v3/sor/order", {"newClientOrderId": ""}),
        ("POST /api/v3/order/cancelReplace", {"cancelOrderId": 7}),
        ("POST /api/v3/orderList/oco", {"aboveClientOrderId": "a"}),
        ("POST /api/v3/orderList/oco", {"listClientOrderId": "l", "aboveClientOrderId": ""}),
    ),
)
def test_what_could_not_be_found_again_is_no_intent(operation: str, params: dict[str, str]) -> None:
    with pytest.raises(InvalidArgument, match="cannot be asked for"):
        Intent("i", operation, {"symbol": SYMBOL, **params})


def test_an_agenda_that_is_always_changed_does_not_grow() -> None:
    agenda, claim = Agenda(), Claim(placement(), Part.WHOLE, Terms())
    for moment in range(1000):
        agenda.plan(claim, float(moment))
    assert len(agenda._heap) < 100
    assert agenda.deadline == 999.0
    assert agenda.take(998.0) == []
    assert agenda.take(999.0) == [claim]
    assert agenda.take(2000.0) == []
