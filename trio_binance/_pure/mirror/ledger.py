"""The ledger: what is known of the account, from events and from answers, and what of it was not told yet.

What the stream brings is told at once, whatever is being asked for. What a query knows beyond it is told when the
stream has had time to bring it (``grace``), or at once where it happened before the stream could be trusted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from trio_binance.models import (
    AccountPosition,
    ExecutionReport,
    ListStatus,
    OrderList,
    OrderStatusReport,
    UserEvent,
    as_microseconds,
)

from .asks import (
    PAGE,
    Ask,
    AskFills,
    AskList,
    AskNamedOrder,
    AskOpenLists,
    AskOpenOrders,
    AskOrder,
    AskOrders,
    AskTrades,
)
from .balances import Balances
from .fills import fill_of_report, fill_of_row
from .lists import Lists
from .record import Record
from .records import OrderKey, Records
from .repeats import Repeats
from .symbols import Symbols

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trio_binance.models import Account, AccountFill

    from .rounds import Round


@final
class Ledger:
    """What is known of one account. Moments of the exchange are in microseconds, ``now`` and ``due`` are ours.

    Args:
        history: of orders that are done so many are kept.
        grace: seconds that the stream has to bring what a query knows already.
        lag_us: how far behind the matching engine a query may be.
    """

    def __init__(self, *, history: int, grace: float, lag_us: int) -> None:
        self.records: Records = Records(history)
        self.balances: Balances = Balances()
        self.lists: Lists = Lists(history)
        self.symbols: Symbols = Symbols()
        self.orphans: dict[OrderKey, list[AccountFill]] = {}
        """Fills of orders of which nothing else is known yet."""
        self.since_us = 0
        """When events flowed first: what was before is how things were, and is not told."""
        self.suspect_us = 0
        """What happened before may have been missed; the stream brings none of it any more."""
        self.clear_us = 0
        """Up to then nothing was missed, also of symbols of which nothing was heard."""
        self.fills: int = 0
        """Told so far."""
        self._repeats = Repeats()
        self._grace = grace
        self._lag_us = lag_us

    def _due(self, at_us: int, now: float) -> float:
        """Return when something that happened then is told, unless the stream brings it before."""
        return now if at_us <= self.suspect_us else now + self._grace

    # ------------------------------------------------------------------------------------------- the stream

    def on_event(self, event: UserEvent, now: float, server_us: int) -> UserEvent | None:
        """Take an event of the stream; return what is to be told, if it is news."""
        match event:
            case ExecutionReport():
                return self._on_report(event, now, server_us)
            case AccountPosition():
                return self.balances.on_position(event)
            case ListStatus():
                return self.lists.on_status(event)
            case _:
                return self._repeats.on_event(event)

    def _on_report(self, report: ExecutionReport, now: float, server_us: int) -> ExecutionReport | None:
        key = OrderKey(report.symbol, report.order_id)
        symbol = self.symbols.touch(report.symbol, self.clear_us, server_us)
        record, fill = self.records.get(key), fill_of_report(report)
        told: ExecutionReport | None = report
        if record is not None:
            told = record.on_report(report)
        elif symbol.orders.knows(report.order_id):
            return None  # of an order that is long over, and forgotten
        else:
            record = self._add(key, Record.of_report(report, self.since_us), now)
        symbol.note_order(report.order_id, as_microseconds(report.order_creation_time))
        if fill is not None:
            symbol.note_trade(fill)
            self.fills += told is not None
        self.records.note(key, record, now + self._grace)
        return told

    def _add(self, key: OrderKey, record: Record, now: float) -> Record:
        for fill in self.orphans.pop(key, ()):
            record.on_fill(fill, self._due(as_microseconds(fill.time), now), self.since_us)
        return self.records.add(key, record)

    # ------------------------------------------------------------------------------------------ the answers

    def on_answer(self, ask: Ask, answer: Any, asked_us: int, now: float, turn: Round) -> None:
        """Take an answer: the rows, or the one thing, that was asked for; ``turn`` takes up what follows from it.

        ``asked_us`` is when it was asked, rather too early than too late: what happened a lag before, it knows.
        """
        known_us = asked_us - self._lag_us
        rows: list[Any] = answer if isinstance(answer, list) else [answer]
        if isinstance(ask, AskOpenOrders | AskOrders | AskOrder | AskNamedOrder):
            for row in rows:
                self._on_order(row, known_us, now, turn)
        elif isinstance(ask, AskFills | AskTrades):
            for row in rows:
                self._on_fill(fill_of_row(row), now, turn)
        elif isinstance(ask, AskOpenLists | AskList):
            self._on_lists(rows, now)
        else:
            self._on_account(rows[0], known_us, now)
        if isinstance(ask, AskOpenOrders):
            self._look_for_absent(rows, known_us, turn)
        elif isinstance(ask, AskOpenLists):
            for number in set(self.lists.open) - {row.order_list_id for row in rows}:
                turn.add(AskList(number))

    def _on_order(self, row: OrderStatusReport, known_us: int, now: float, turn: Round) -> None:
        key, at_us = OrderKey(row.symbol, row.order_id), as_microseconds(row.update_time)
        self.symbols.get(row.symbol, self.clear_us).note_order(row.order_id, as_microseconds(row.time))
        record, due = self.records.get(key), self._due(at_us, now)
        if record is None:
            record = self._add(key, Record.of_query(row, self.since_us, due), now)
        elif at_us <= self.since_us and not record.is_heard:
            record.adopt(row)
        elif not record.on_query(row, due, is_late=record.at_us <= known_us):
            turn.contradictions.append(f"{row.symbol}: the order {row.order_id} is said to be {row.status}")
        self.records.note(key, record)
        if row.order_list_id >= 0 and row.order_list_id not in self.lists.told:
            turn.add(AskList(row.order_list_id))

    def _look_for_absent(self, rows: Sequence[OrderStatusReport], known_us: int, turn: Round) -> None:
        listed = {OrderKey(row.symbol, row.order_id) for row in rows}
        for key in self.records.open:
            # An audit does not wonder about what a copy may not know yet.
            if key not in listed and (turn.is_full or self.records[key].at_us <= known_us):
                turn.add(AskOrder(*key))

    def on_unknown(self, key: OrderKey, known_us: int, turn: Round) -> None:
        """Take note that the exchange does not know an order; it may simply not know it yet."""
        record = self.records.get(key)
        if record is None or record.at_us <= known_us:
            turn.contradictions.append(f"{key.symbol}: the order {key.order_id} is said not to exist")

    def _on_fill(self, fill: AccountFill, now: float, turn: Round) -> None:
        key, at_us = OrderKey(fill.symbol, fill.order_id), as_microseconds(fill.time)
        self.symbols.get(fill.symbol, self.clear_us).note_trade(fill)
        record = self.records.get(key)
        if record is not None:
            record.on_fill(fill, self._due(at_us, now), self.since_us)
            self.records.note(key, record)
        elif at_us > self.since_us:
            self.orphans.setdefault(key, []).append(fill)
            turn.add(AskOrder(*key))

    def _on_account(self, account: Account, known_us: int, now: float) -> None:
        due = self._due(as_microseconds(account.update_time), now)
        self.balances.on_query(account, due, known_us=known_us, since_us=self.since_us)

    def _on_lists(self, rows: Sequence[OrderList], now: float) -> None:
        for row in rows:
            due = self._due(as_microseconds(row.transaction_time), now)
            self.lists.on_query(row, due, since_us=self.since_us)

    def turn_page(self, ask: AskOrders | AskTrades, answer: Sequence[Any], turn: Round, server_us: int) -> None:
        """Ask on after a page, or note that a series is complete."""
        symbol = self.symbols.get(ask.symbol, self.clear_us)
        series = symbol.orders if isinstance(ask, AskOrders) else symbol.trades
        ids = [row.order_id if isinstance(row, OrderStatusReport) else row.id for row in answer]
        following = series.following(ask, max(ids) if len(ids) >= PAGE else None, server_us // 1000)
        if following is not None:
            turn.add(following)
        else:
            series.on_complete(turn.started_us - self._lag_us)

    def look_for_fills(self, turn: Round) -> None:
        """Ask for the fills of orders of which more was executed than the fills that are known."""
        for key in (*self.records.unsettled, *self.records.wanted):
            record = self.records.get(key)
            if record is not None and not (record.has_all_fills if key in self.records.wanted else record.is_whole):
                turn.add(AskFills(*key, has_allocations=bool(record.order.used_sor)))

    # ---------------------------------------------------------------------------------------------- telling

    @property
    def due(self) -> float:
        """When something is to be told."""
        return min(self.records.due, self.balances.due, self.lists.due)

    @property
    def is_settled(self) -> bool:
        """Whether all that is known was told, and nothing is known to be missing."""
        return self.problem is None

    @property
    def problem(self) -> str | None:
        """What is known to be missing, for people to read."""
        for key in self.records.unsettled:
            return f"{key.symbol}: the order {key.order_id} has fills or changes that are not known yet"
        for key in self.orphans:
            return f"{key.symbol}: fills of the order {key.order_id}, of which nothing else is known yet"
        if self.balances.is_settled and self.lists.is_settled:
            return None
        return "balances or order lists are not known yet"

    def settle(self, now: float, *, gives_up: bool = False) -> list[UserEvent]:
        """Return what is due to be told."""
        reports = self.records.settle(now, gives_up=gives_up)
        self.fills += sum(fill_of_report(report) is not None for report in reports)
        return [*reports, *self.lists.settle(now), *self.balances.settle(now)]
