"""One run: intents amid trouble, and what was said of each of them, held to what the exchange has done."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

import attrs
import trio
import trio.testing

from tests._client.world import EPOCH_MS, World, open_world
from trio_binance._services.orderevents import OutcomeFound, OutcomeRevised, OutcomeUnresolved
from trio_binance.config import Credentials
from trio_binance.errors import BinanceError, Outcome
from trio_binance.models import Absent, Accepted, OcoOrder, OtoOrder, Placement, Rejected, Unresolved
from trio_binance.sandbox.market import Market
from trio_binance.sandbox.symbols import SYMBOLS

from .plan import SYMBOL, Deed, Plan, plan_of, request_of

CALM = 260.0
"""Seconds after the last request until everything is known that can be."""
FOUNDED = ("the user stream broke", "no user stream watches")
"""What an honest "unresolved" can rest on: a witness that was not there."""


@attrs.define
class Score:
    """What was said of all intents of a run, and what of it was wrong."""

    seed: int
    said: Counter[str] = attrs.Factory(Counter)
    struck: int = 0
    duplicates: list[str] = attrs.Factory(list)
    """There more than once."""
    ghosts: list[str] = attrs.Factory(list)
    """Said to have had no effect, but there, and nobody was alarmed."""
    phantoms: list[str] = attrs.Factory(list)
    """Said to be there, but not there."""
    unfounded: list[str] = attrs.Factory(list)
    """Said to be unknown although every witness could be heard."""
    alarms: int = 0
    seconds: float = 0.0

    @property
    def is_right(self) -> bool:
        """Whether nothing was wrong."""
        return not (self.duplicates or self.ghosts or self.phantoms or self.unfounded)


class Run:
    """Does what a plan says, and notes what is said of each deed."""

    def __init__(self, world: World, plan: Plan) -> None:
        self.world = world
        self.plan = plan
        self.said: dict[str, str] = {}
        self.evidence: dict[str, str] = {}

    async def live(self) -> None:
        async with trio.open_nursery() as nursery:
            for deed in self.plan.deeds:
                nursery.start_soon(self._do, deed)
        await trio.sleep(CALM)
        self._hear_late()

    async def _do(self, deed: Deed) -> None:
        await trio.sleep(deed.at)
        with trio.CancelScope() as scope:
            if deed.left_after is not None:
                scope.deadline = trio.current_time() + deed.left_after
            try:
                self.said[deed.name] = await (self._place(deed) if deed.cancels is None else self._cancel(deed))
            except BinanceError as exc:
                self._note_error(deed, exc)
        if scope.cancelled_caught:
            self.said[deed.name] = "not sent"  # unless the hooks say that it was in doubt
            if deed.name in {request.client_order_id for request in self.world.bx.trading.unsettled}:
                self.said[deed.name] = "left in doubt"

    async def _place(self, deed: Deed) -> str:
        book = self.world.sandbox.market.book(SYMBOL)
        request: Any = request_of(deed, book.bids[0][0], book.asks[0][0])
        trading = self.world.bx.trading
        outcome: Placement[Any]
        if isinstance(request, OcoOrder):
            outcome = await trading.place_oco(request)
        elif isinstance(request, OtoOrder):
            outcome = await trading.place_oto(request)
        else:
            outcome = await trading.place(request, new_order_resp_type="RESULT")
        self.evidence[deed.name] = str(outcome.evidence)
        match outcome:
            case Accepted():
                return "accepted"
            case Absent():
                return "absent"
            case Rejected():
                return "rejected"
            case Unresolved():
                # Known to be there, but its report could not be had in time: no copy had it yet.
                return "accepted, untold" if "accepted: it took effect" in outcome.evidence else "unresolved"

    async def _cancel(self, deed: Deed) -> str:
        await self.world.bx.trading.cancel(SYMBOL, client_order_id=deed.cancels, new_client_order_id=deed.name)
        return "accepted"

    def _note_error(self, deed: Deed, exc: BinanceError) -> None:
        self.evidence[deed.name] = str(getattr(exc, "evidence", exc))
        told = {Outcome.NOT_SENT: "not sent", Outcome.REJECTED: "rejected", Outcome.UNKNOWN: "unresolved"}
        self.said[deed.name] = told[exc.outcome]

    def _hear_late(self) -> None:
        """Take what the hooks were told after the callers had gone: it counts in the place of what was said before."""
        names = {deed.cancels: deed.name for deed in self.plan.deeds if deed.cancels is not None}
        for event in self.world.events:
            if isinstance(event, OutcomeFound | OutcomeUnresolved):
                name = self._name_of(event, names)
                self.said[name] = event.verdict if isinstance(event, OutcomeFound) else "unresolved"
                if isinstance(event, OutcomeUnresolved):
                    self.evidence[name] = event.evidence

    @staticmethod
    def _name_of(event: OutcomeFound | OutcomeUnresolved, cancelled: dict[str, str]) -> str:
        return cancelled[event.client_order_id] if event.operation.startswith("DELETE") else event.client_order_id


def truth_of(world: World) -> tuple[Counter[str], set[str]]:
    """Return how often the exchange has orders or lists of each client id, and which of them were cancelled."""
    [key] = world.sandbox.exchange.keys.values()
    there, cancelled, lists = Counter[str](), set[str](), dict[int, str]()
    for order in key.account.blotter(SYMBOL).orders.values():
        there[order.client_id] += 1
        if order.status == "CANCELED":
            cancelled.add(order.client_id)
        if order.order_list is not None:
            lists[order.order_list.id] = order.order_list.client_id
    there.update(lists.values())
    return there, cancelled


def judge(run: Run, score: Score) -> None:
    """Hold what was said to the truth."""
    there, cancelled = truth_of(run.world)
    revised = {event.client_order_id for event in run.world.events if isinstance(event, OutcomeRevised)}
    score.alarms = len(revised)
    for deed in run.plan.deeds:
        said = run.said[deed.name]
        score.said[said] += 1
        had_effect = there[deed.name] > 0 if deed.cancels is None else deed.cancels in cancelled
        if there[deed.name] > 1:
            score.duplicates.append(deed.name)
        if said in ("rejected", "absent", "not sent") and had_effect and deed.name not in revised:
            score.ghosts.append(deed.name)
        if said == "accepted" and not had_effect:
            score.phantoms.append(deed.name)
        if said in ("unresolved", "left in doubt") and not any(
            word in run.evidence.get(deed.name, "") for word in FOUNDED
        ):
            score.unfounded.append(deed.name)


async def run(seed: int, living: Callable[[World, Plan], Run] = Run, **options: Any) -> Score:
    """Live through a run and judge it."""
    started = time.perf_counter()
    plan, score = plan_of(seed, **options), Score(seed)
    market = Market(seed, EPOCH_MS * 1000, 0.3, SYMBOLS[:1])
    credentials = Credentials.hmac("k" * 64, "s" * 64)
    async with open_world(
        market=market, faults=plan.faults, prefer=plan.prefer, credentials=credentials, seed=seed
    ) as world:
        lived = living(world, plan)
        await lived.live()
        judge(lived, score)
        score.struck = len(world.sandbox.faults.struck)
        assert set(world.sandbox.market.audit().values()) == {Decimal(0)}
    score.seconds = time.perf_counter() - started
    return score


def run_in_no_time(seed: int, living: Callable[[World, Plan], Run] = Run, **options: Any) -> Score:
    """Live through a run under a clock that jumps."""
    return trio.run(partial(run, seed, living, **options), clock=trio.testing.MockClock(autojump_threshold=0))
