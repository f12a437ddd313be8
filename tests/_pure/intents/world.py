"""A small exchange to be afraid of, and a client that obeys the docket: what the tests hold its verdicts to.

The exchange executes late but within its documented bounds, answers queries from a copy that lags by up to 40 s, loses
requests and replies, cuts the user stream, sometimes long before anybody notices, and takes an id again once no open
order has it. All times are seconds of one run; everything that happens is drawn from a plan.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import count
from random import Random
from typing import Any

import attrs

from trio_binance._pure.intents import (
    Alarm,
    AskWitness,
    Effect,
    Forget,
    Intent,
    Intents,
    Kind,
    Ledger,
    ListQuery,
    ListSighting,
    OpenOrdersQuery,
    OrderQuery,
    OrderSighting,
    Owner,
    Part,
    Probe,
    Query,
    SendAgain,
    Settle,
    Sighting,
    Stamp,
    Terms,
    facts,
    records,
)
from trio_binance.models import ListOrderStatus, OrderStatus

START_MS = 1_700_000_000_000
OLD = 10_000
"""The ids of the orders that stood before the run are from here on."""


@attrs.frozen
class Trouble:
    """What happens to one request, in seconds."""

    never_sent: bool = False
    dropped: bool = False
    """It is lost on its way to the exchange."""
    refused: bool = False
    """The matching engine says no."""
    entering: float = 0.1
    """Until it is looked at for the last time before the engine: later than recvWindow it is refused."""
    engine: float = 0.0
    """How long the engine then takes; at most 10."""
    reply: float | None = 0.1
    """How long the reply takes, if it comes."""
    restamped: bool = False
    """The first time its stamp is refused (-1021), and it is sent with another."""
    patience: float = 10.0
    """How long the client waits for a reply; later it may still come."""


@attrs.frozen
class Deed:
    """One intent of a run, and what happens to it."""

    kind: Kind
    at: float
    trouble: Trouble
    gives_up: float | None = None
    """When the caller gives up, after it was sent."""
    fills: float | None = None
    """When the order that is placed, or the one to be cancelled, is filled: after its placement, or after ``at``."""
    rests: bool = True
    reused: OrderStatus | None = None
    """Where an older order of the same client id stands, if there is one."""
    targets: bool = False
    """Whether the client knows which orders are open."""
    again: Trouble = Trouble()
    """What happens when it is sent again."""


@attrs.frozen
class Cut:
    """The user stream brings nothing from ``at`` on, which is noticed and repaired later."""

    at: float
    noticed: float
    repaired: float


@attrs.frozen
class Plan:
    """All that happens in a run."""

    deeds: tuple[Deed, ...]
    cuts: tuple[Cut, ...] = ()
    seed: int = 0
    lag: float = 0.0
    """How far the queries lag at most."""
    steady: bool = False
    """Whether they always lag so far."""
    deaf: float = 0.0
    """How often a query fails."""
    restart_at: float | None = None
    recv_window_ms: int = 5_000
    error_ms: float = 0.0
    """How wrong the client's clock is, within what it knows of itself."""


@attrs.define(eq=False)
class Order:
    """An order, and all that it was: from when on, its status, its names, its quantity."""

    symbol: str
    order_id: int
    created: float
    list_id: int = -1
    states: list[tuple[float, OrderStatus, tuple[str, ...], Decimal]] = attrs.field(factory=list)
    cancel_id: str = ""

    def seen(self, at: float) -> OrderSighting | None:
        """Return what a copy of that time shows."""
        states = [state for state in self.states if state[0] <= at]
        if not states:
            return None
        _, status, names, quantity = states[-1]
        created_ms = START_MS + int(self.created * 1000)
        return OrderSighting(self.symbol, self.order_id, names[:1], status, quantity, created_ms, self.list_id)

    @property
    def status(self) -> OrderStatus:
        return self.states[-1][1]

    @property
    def is_open(self) -> bool:
        return self.status == OrderStatus.NEW


class Clockwork:
    """Things to do, by when they are due."""

    def __init__(self) -> None:
        self.now = 0.0
        self._todo: list[tuple[float, int, Callable[[], None]]] = []
        self._count = count()

    def at(self, moment: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._todo, (max(moment, self.now), next(self._count), action))

    def after(self, delay: float, action: Callable[[], None]) -> None:
        self.at(self.now + delay, action)

    def next_at(self) -> float:
        return self._todo[0][0] if self._todo else float("inf")

    def step(self) -> None:
        self.now, _, action = heapq.heappop(self._todo)
        action()


class Exchange:
    """The matching engine, its stream and its lagging copy."""

    def __init__(self, clock: Clockwork, plan: Plan, tell: Callable[[Sighting], None]) -> None:
        self.clock = clock
        self.plan = plan
        self.tell = tell
        self.rng = Random(plan.seed)
        self.orders: dict[int, Order] = {}
        self.lists: dict[str, list[Order]] = {}
        self._ids = count(1)
        self._old_ids = count(OLD)

    # ------------------------------------------------------------------------------------------------- the engine

    def find(self, symbol: str, order_id: int | None, name: str) -> Order | None:
        """Return the latest order of an id or of a name."""
        for order in reversed(self.orders.values()):
            names = order.states[-1][2]
            if order.symbol == symbol and (order.order_id == order_id or (order_id is None and name == names[0])):
                return order
        return None

    def place(self, symbol: str, name: str, deed: Deed | None = None, *, list_id: int = -1) -> Order | None:
        """Place an order; ``None``: "Duplicate order sent."."""
        found = self.find(symbol, None, name)
        if found is not None and found.is_open:
            return None
        order = Order(symbol, next(self._ids), self.clock.now, list_id)
        self.orders[order.order_id] = order
        self._note(order, OrderStatus.NEW, (name,), Decimal(10))
        if deed is not None and not deed.rests:
            self.end(order, OrderStatus.FILLED)
        elif deed is not None and deed.fills is not None:
            self.clock.after(deed.fills, lambda: self.end(order, OrderStatus.FILLED))
        return order

    def stand(self, symbol: str, name: str, status: OrderStatus = OrderStatus.NEW, *, list_id: int = -1) -> Order:
        """Return an order that has stood so for an hour."""
        placed = self.clock.now - 3600
        order = Order(symbol, next(self._old_ids), placed, list_id)
        order.states.append((placed, status, (name,), Decimal(10)))
        self.orders[order.order_id] = order
        return order

    def end(self, order: Order, status: OrderStatus, cancel_id: str = "") -> None:
        if order.is_open:
            order.cancel_id = cancel_id
            self._note(order, status, order.states[-1][2], order.states[-1][3])

    def amend(self, order: Order, name: str, quantity: Decimal) -> None:
        self._note(order, order.status, (name, *order.states[-1][2]), quantity)

    def _note(self, order: Order, status: OrderStatus, names: tuple[str, ...], quantity: Decimal) -> None:
        order.states.append((self.clock.now, status, names, quantity))
        created_ms = START_MS + int(order.created * 1000)
        self.emit(
            OrderSighting(
                order.symbol,
                order.order_id,
                names[:2],
                status,
                quantity,
                created_ms,
                order.list_id,
                order.cancel_id,
            )
        )

    def list_seen(self, symbol: str, name: str, at: float) -> ListSighting | None:
        legs = self.lists.get(name, [])
        if not legs or legs[0].created > at:
            return None
        ended = all(one is not None and one.has_ended for one in (leg.seen(at) for leg in legs))
        status = ListOrderStatus.ALL_DONE if ended else ListOrderStatus.EXECUTING
        ids = tuple(leg.order_id for leg in legs)
        return ListSighting(symbol, legs[0].list_id, name, status, ids, START_MS + int(legs[0].created * 1000))

    # ------------------------------------------------------------------------------------------------- the stream

    def is_cut(self, since: float, until: float) -> bool:
        return any(cut.at <= until and since <= cut.repaired for cut in self.plan.cuts)

    def emit(self, sighting: Sighting) -> None:
        emitted = self.clock.now
        arrives = emitted + self.rng.choice((0.01, 0.05, 0.5, 3.0))
        if not self.is_cut(emitted, arrives):
            self.clock.at(arrives, lambda: self.tell(sighting))

    # --------------------------------------------------------------------------------------------------- the copy

    def lagged(self) -> float:
        return self.clock.now - (1.0 if self.plan.steady else self.rng.choice((0.0, 0.5, 1.0))) * self.plan.lag

    def answer(self, question: OrderQuery | ListQuery | OpenOrdersQuery, asked_at: float) -> facts.Fact:
        at = self.lagged()
        if isinstance(question, OpenOrdersQuery):
            seen = [order.seen(at) for order in self.orders.values() if order.symbol == question.symbol]
            return facts.FoundOpen(tuple(one for one in seen if one and not one.has_ended), asked_at)
        found: Sighting | None
        if isinstance(question, ListQuery):
            name = question.name or next(
                name for name, legs in self.lists.items() if legs[0].list_id == question.order_list_id
            )
            found = self.list_seen(self.lists[name][0].symbol, name, at) if name in self.lists else None
        else:
            found = self._order_seen(question, at)
        return facts.NotFound(asked_at) if found is None else facts.Found(found, asked_at)

    def _order_seen(self, question: OrderQuery, at: float) -> OrderSighting | None:
        for order in reversed(self.orders.values()):
            seen = order.seen(at) if order.symbol == question.symbol else None
            by_name = seen is not None and question.order_id is None and seen.names[0] == question.client_order_id
            if seen is not None and (order.order_id == question.order_id or by_name):
                return seen
        return None


class World:
    """One run: an exchange, and a client that obeys its docket."""

    def __init__(self, plan: Plan, terms: Terms | None = None) -> None:
        self.plan = plan
        self.terms = terms or Terms()
        self.clock = Clockwork()
        self.rng = Random(f"{plan.seed}:client")
        self.exchange = Exchange(self.clock, plan, lambda sighting: self.obey(self.docket.on_seen(sighting, self.now)))
        self.docket = Intents(self.terms)
        self.ledger = Ledger()
        self.journal = b""
        self.run_number = 0
        self.connection = 0
        self.settled: dict[tuple[str, Part], list[Settle]] = {}
        self.alarms: list[Alarm] = []
        self.intents: dict[str, tuple[Intent, Deed]] = {}
        self.done: dict[str, set[Part]] = {}
        """What the engine has really done for each intent."""
        self.done_at: dict[str, float] = {}

    @property
    def now(self) -> float:
        return self.clock.now

    @property
    def server_ms(self) -> float:
        return START_MS + self.now * 1000

    # ------------------------------------------------------------------------------------------------- the client

    def play(self, until: float = 400.0) -> World:
        self._learn_clock()
        self._watch()
        for cut in self.plan.cuts:
            self.clock.at(cut.noticed, lambda: self.obey(self.docket.on_broken("reset", self.now)))
            self.clock.at(cut.repaired, self._watch)
        for number, deed in enumerate(self.plan.deeds):
            self.clock.at(deed.at, lambda number=number, deed=deed: self._do(number, deed))  # type: ignore[misc]
        if self.plan.restart_at is not None:
            self.clock.at(self.plan.restart_at, self._restart)
        while min(self.docket.deadline, self.clock.next_at()) <= until:
            if self.docket.deadline < self.clock.next_at():
                self.clock.now = max(self.docket.deadline, self.now)
                self.obey(self.docket.on_timer(self.now))
            else:
                self.clock.step()
        return self

    def _learn_clock(self) -> None:
        self.docket.on_clock(self.server_ms + self.plan.error_ms, abs(self.plan.error_ms), self.now)

    def _watch(self) -> None:
        if not self.exchange.is_cut(self.now + 1e-6, self.now + 1e-6):
            self.connection += 1
            self.obey(self.docket.on_watching(self.connection, self.now))

    def write(self, record: records.Record) -> None:
        self.journal += self.ledger.put(record)

    def _restart(self) -> None:
        """Die, leaving half a line, and come back."""
        self.run_number += 1
        self.ledger = Ledger.read([self.journal, b'{"v":1,"kind":"ope'])
        assert self.ledger.torn
        self.docket = Intents(self.terms)
        self.write(records.started(f"run {self.run_number}", Owner.of("sandbox", "a key"), int(self.server_ms)))
        self.obey(self.docket.restore(self.ledger.remembered, self.now))
        self._learn_clock()
        self._watch()

    def tell(self, run: int, intent_id: str, fact: facts.Fact, part: Part | None = None) -> None:
        """Tell the docket something; what was on its way to a process that died is lost with it."""
        if run == self.run_number:
            self.obey(self.docket.on_fact(intent_id, fact, self.now, part))

    def obey(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Query():
                    self._ask(effect)
                case AskWitness():
                    self._ping(effect.connection)
                case SendAgain():
                    self._send(effect.intent_id, self.intents[effect.intent_id][1].again)
                case Settle():
                    self.settled.setdefault((effect.intent_id, effect.part), []).append(effect)
                    self.write(records.settled(effect, int(self.server_ms)))
                case Alarm():
                    self.alarms.append(effect)
                case Forget():
                    self.write(records.expired(effect.intent_id, int(self.server_ms)))
                case Probe():
                    self._probe(effect)

    def _ask(self, query: Query) -> None:
        asked_at, run = self.now, self.run_number
        arrives = self.rng.choice((0.02, 0.2, 2.0))

        def answer() -> None:
            deaf = self.rng.random() < self.plan.deaf
            fact = facts.Unanswered("503") if deaf else self.exchange.answer(query.question, asked_at)
            self.clock.after(0.02, lambda: self.tell(run, query.intent_id, fact, query.part))

        self.clock.after(arrives, answer)

    def _probe(self, probe: Probe) -> None:
        asked_at, run = self.now, self.run_number
        name = self.intents[probe.intent_id][0].text("newClientOrderId")
        found = self.exchange.find(self.intents[probe.intent_id][0].symbol, None, name)
        orders = self.exchange.lists.get(probe.intent_id, [found] if found is not None else [])
        fact: facts.Fact = facts.NotOpen(asked_at)
        if any(order.is_open for order in orders):
            for order in orders:
                self.exchange.end(order, OrderStatus.CANCELED, "probe")
            seen = orders[0].seen(self.now)
            assert seen is not None
            fact = facts.Found(seen, asked_at)
        self.clock.after(0.05, lambda: self.tell(run, probe.intent_id, fact, probe.part))

    def _ping(self, connection: int) -> None:
        asked_at, arrives = self.now, self.now + 0.04
        if not self.exchange.is_cut(asked_at, arrives):
            self.clock.at(arrives, lambda: self.obey(self.docket.on_ping(connection, asked_at, self.now)))

    # ------------------------------------------------------------------------------------------------ the requests

    def _do(self, number: int, deed: Deed) -> None:
        intent = self._intent(number, deed)
        self.intents[intent.intent_id] = intent, deed
        self.done[intent.intent_id] = set()
        self.write(records.opened(intent, int(self.server_ms)))
        self.obey(self.docket.open(intent, self.now))
        if deed.gives_up is not None:
            run = self.run_number
            self.clock.after(deed.gives_up, lambda: self.tell(run, intent.intent_id, facts.GaveUp()))
        self._send(intent.intent_id, deed.trouble)

    def _intent(self, number: int, deed: Deed) -> Intent:
        symbol, name = f"S{number}USDT", f"id-{number}"
        params: dict[str, Any] = {"symbol": symbol}
        placing = params | {"type": "LIMIT" if deed.rests else "MARKET", "newClientOrderId": name}
        match deed.kind:
            case Kind.PLACE | Kind.SOR:
                if deed.reused is not None:
                    self.exchange.stand(symbol, name, deed.reused)
                path = "order" if deed.kind is Kind.PLACE else "sor/order"
                return Intent(name, f"POST /api/v3/{path}", placing)
            case Kind.LIST:
                params |= {"listClientOrderId": name, "aboveClientOrderId": f"{name}-a"}
                return Intent(name, "POST /api/v3/orderList/oco", params | {"belowClientOrderId": f"{name}-b"})
        old = self.exchange.stand(
            symbol, f"old-{number}", list_id=number + 1000 if deed.kind is Kind.CANCEL_LIST else -1
        )
        if deed.fills is not None:
            self.clock.after(deed.fills, lambda: self.exchange.end(old, OrderStatus.FILLED))
        targets = (old.order_id,) if deed.targets else ()
        match deed.kind:
            case Kind.CANCEL:
                params |= {"orderId": old.order_id, "newClientOrderId": name}
                return Intent(name, "DELETE /api/v3/order", params)
            case Kind.CANCEL_ALL:
                return Intent(name, "DELETE /api/v3/openOrders", params, targets=targets)
            case Kind.CANCEL_LIST:
                other = self.exchange.stand(symbol, f"other-{number}", list_id=old.list_id)
                if deed.fills is not None:
                    self.clock.after(deed.fills, lambda: self.exchange.end(other, OrderStatus.EXPIRED))
                self.exchange.lists[f"list-{number}"] = [old, other]
                params |= {"listClientOrderId": f"list-{number}", "newClientOrderId": name}
                return Intent(name, "DELETE /api/v3/orderList", params)
            case Kind.CANCEL_REPLACE:
                params = placing | {"cancelOrderId": old.order_id, "cancelNewClientOrderId": f"c-{number}"}
                return Intent(name, "POST /api/v3/order/cancelReplace", params)
            case _:
                params |= {"orderId": old.order_id, "newClientOrderId": name, "newQty": Decimal(5)}
                return Intent(name, "PUT /api/v3/order/amend/keepPriority", params)

    def _send(self, intent_id: str, trouble: Trouble) -> None:
        run = self.run_number
        stamp = Stamp(int(self.server_ms + self.plan.error_ms), self.plan.recv_window_ms, "rest")
        self.write(records.sending(intent_id, stamp, int(self.server_ms)))
        self.tell(run, intent_id, facts.Sending(stamp))
        if trouble.never_sent:
            self.clock.after(0.5, lambda: self.tell(run, intent_id, facts.NeverLeft("connection refused")))
            return
        self.tell(run, intent_id, facts.Left())
        if trouble.restamped:
            again = attrs.evolve(trouble, restamped=False)
            self.clock.after(0.3, lambda: self._send(intent_id, again) if run == self.run_number else None)
            return
        self.clock.after(trouble.patience, lambda: self.tell(run, intent_id, facts.Lost("no answer in time")))
        if not trouble.dropped:
            self.clock.after(trouble.entering, lambda: self._enter(run, intent_id, stamp, trouble))

    def _enter(self, run: int, intent_id: str, stamp: Stamp, trouble: Trouble) -> None:
        if self.server_ms > stamp.timestamp_ms + stamp.recv_window_ms:
            self._reply(run, intent_id, facts.Refused(-1021, "Timestamp outside of the recvWindow."), trouble)
        elif trouble.refused:
            self._reply(run, intent_id, facts.Refused(-2010, "Account has insufficient balance."), trouble)
        else:
            self.clock.after(trouble.engine, lambda: self._execute(run, intent_id, trouble))

    def _execute(self, run: int, intent_id: str, trouble: Trouble) -> None:
        intent, deed = self.intents[intent_id]
        self.done_at.setdefault(intent_id, self.now)
        self._reply(run, intent_id, self._effect(intent, deed), trouble)

    def _reply(self, run: int, intent_id: str, fact: facts.Fact, trouble: Trouble) -> None:
        if trouble.reply is not None:
            self.clock.after(trouble.reply, lambda: self.tell(run, intent_id, fact))

    def _effect(self, intent: Intent, deed: Deed) -> facts.Fact:
        """Let the engine do what was asked for; return its answer."""
        match intent.kind:
            case Kind.PLACE | Kind.SOR:
                return self._place(intent, deed)
            case Kind.LIST:
                return self._place_list(intent)
            case Kind.CANCEL:
                return self._cancel(intent, "orderId", intent.text("newClientOrderId"), Part.WHOLE)
            case Kind.CANCEL_REPLACE:
                cancel = self._cancel(intent, "cancelOrderId", intent.text("cancelNewClientOrderId"), Part.CANCEL)
                if isinstance(cancel, facts.Refused):
                    return facts.Halves(cancel, facts.Refused(None, "not attempted"))
                return facts.Halves(cancel, self._place(intent, deed, Part.NEW_ORDER))
            case Kind.CANCEL_ALL | Kind.CANCEL_LIST:
                mine = [one for one in self.exchange.orders.values() if one.symbol == intent.symbol and one.is_open]
                if not mine:
                    return facts.Refused(-2011, "Unknown order sent.", clashes=True)
                for order in mine:
                    self.exchange.end(order, OrderStatus.CANCELED, "engine")
                self.done[intent.intent_id].add(Part.WHOLE)
                return facts.Done()
            case _:
                return self._amend(intent)

    def _place(self, intent: Intent, deed: Deed, part: Part = Part.WHOLE) -> facts.Answer:
        order = self.exchange.place(intent.symbol, intent.text("newClientOrderId"), deed)
        if order is None:
            return facts.Refused(-2010, "Duplicate order sent.", clashes=True)
        self.done[intent.intent_id].add(part)
        return facts.Done(order.seen(self.now))

    def _place_list(self, intent: Intent) -> facts.Answer:
        name = intent.text("listClientOrderId")
        legs = [
            self.exchange.place(intent.symbol, leg, list_id=len(self.exchange.lists) + 7)
            for leg in intent.client_order_ids
        ]
        self.exchange.lists[name] = [leg for leg in legs if leg is not None]
        seen = self.exchange.list_seen(intent.symbol, name, self.now)
        assert seen is not None
        self.exchange.emit(seen)
        self.done[intent.intent_id].add(Part.WHOLE)
        return facts.Done(seen)

    def _cancel(self, intent: Intent, field: str, cancel_id: str, part: Part) -> facts.Answer:
        order = self.exchange.orders[int(intent.text(field))]
        if not order.is_open:
            return facts.Refused(-2011, "Unknown order sent.", clashes=intent.kind is Kind.CANCEL)
        self.exchange.end(order, OrderStatus.CANCELED, cancel_id)
        self.done[intent.intent_id].add(part)
        return facts.Done(order.seen(self.now))

    def _amend(self, intent: Intent) -> facts.Answer:
        order = self.exchange.orders[int(intent.text("orderId"))]
        if not order.is_open:
            return facts.Refused(-2038, "The order amend failed.")
        self.exchange.amend(order, intent.text("newClientOrderId"), Decimal(5))
        self.done[intent.intent_id].add(Part.WHOLE)
        return facts.Done(order.seen(self.now))

    # -------------------------------------------------------------------------------------------------- the truth

    def parts(self) -> Iterator[tuple[Intent, Deed, Part]]:
        for intent, deed in self.intents.values():
            for part in intent.parts:
                yield intent, deed, part

    def was_blind(self, intent: Intent, deed: Deed) -> bool:
        """Tell whether the user stream, or the process, broke while it could have borne witness."""
        # The fence moves with every cancellation sent again.
        last = deed.at + 120.0
        restarted = self.plan.restart_at is not None and deed.at <= self.plan.restart_at <= last
        return restarted or self.exchange.is_cut(deed.at, last)
