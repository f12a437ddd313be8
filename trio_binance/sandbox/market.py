"""The market: the economy of the embedded exchange behind its doors, sans-IO and the same for the same seed.

    call(operation, params, account, now_us) -> Json    a request of either wire, already let in by the doors
    deadline_us, on_timer(now_us)                        market makers, candle closes, tickers, depth
    take_events() -> [StreamEvent | UserEvent]           what the doors have to pass on
    book(symbol), trades(symbol), audit()                oracles: the truth, for tests

Times are integer microseconds; JSON carries milliseconds. Only streams in ``wanted`` are made.
"""

from __future__ import annotations

from functools import partial
from random import Random
from typing import TYPE_CHECKING

import attrs

from .accounts import Account as Account
from .bank import Bank
from .changing import Changing
from .commission import bnb_price
from .events import Json as Json
from .events import Outlet
from .events import StreamEvent as StreamEvent
from .events import UserEvent as UserEvent
from .ledger import Ledger
from .listing import Listing
from .numbers import from_decimal, to_decimal
from .params import Params
from .publisher import FAST_US, SECOND_US, WINDOWS
from .quotes import Quotes
from .records import Records
from .reference import External
from .refusals import NOT_FOUND, bad
from .refusals import Refusal as Refusal
from .replica import Replica
from .routing import Routing
from .symbols import SORS, SYMBOLS
from .trading import Trading
from .truth import discrepancies
from .venue import Venue

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    from .symbols import Symbol
    from .tape import Trade

_NEVER_US = 2**63
_TO_ALL = {"mini": "!miniTicker@arr", "full": "", **{window: f"!ticker_{window}@arr" for window in WINDOWS}}


@attrs.frozen
class BookView:
    """A book at one update id: (price, quantity) of every level, best first."""

    update_id: int
    bids: tuple[tuple[Decimal, Decimal], ...]
    asks: tuple[tuple[Decimal, Decimal], ...]


class Market:
    """The economy of the embedded exchange.

    Args:
        seed: everything random comes from it.
        start_us: server time at the start.
        activity: events of the crowd a second and symbol, on average.
        symbols: what is traded.
    """

    def __init__(self, seed: int, start_us: int, activity: float, symbols: Sequence[Symbol] = SYMBOLS) -> None:
        if activity <= 0:
            raise ValueError(f"activity={activity!r}: expected a positive number")
        self._outlet = Outlet()
        self._bank = Bank(self._outlet, (asset for symbol in symbols for asset in (symbol.base, symbol.quote)))
        self._now = start_us
        self._venues: dict[str, Venue] = {}
        self._next_act: dict[str, int] = {}
        self._tuned_to: frozenset[str] = frozenset()
        self._ticker_kinds: list[str] = []
        for symbol in symbols:
            self._open_venue(symbol, seed, activity, start_us)
        self.replica: Replica = Replica()
        """The copy that answers queries: ``replica.drawn`` lets each be answered by another."""
        self._trading = Trading(self._venue_of, Random(f"{seed}:client ids"))
        self._quotes = Quotes(self._venue_of, self._venues, self.replica)
        self._private = {
            **Ledger(self._venue_of, self._venues, self.replica).operations,
            **Records(self._venue_of, self.replica).operations,
            **self._trading.operations,
            **Changing(self._venue_of, self._trading, self.replica).operations,
            **Listing(self._venue_of, self._trading).operations,
            **self._routing().operations,
        }
        self._streams = {name for venue in self._venues.values() for name in venue.publisher.names()}
        self._streams |= {name for name in _TO_ALL.values() if name}

    def _open_venue(self, symbol: Symbol, seed: int, activity: float, start_us: int) -> None:
        assets = symbol.base, symbol.quote
        house = self._bank.house(start_us, *assets), self._bank.house(start_us, *assets)
        price = partial(bnb_price, self._last_price)
        venue = Venue(symbol, seed, activity, house, self._outlet, self._bank.fees, self._fair, price)
        self._venues[symbol.name] = venue
        venue.open(start_us)
        self._next_act[symbol.name] = start_us + venue.makers.gap_us()

    def _routing(self) -> Routing:
        """Return smart order routing over the groups whose symbols are all here."""
        groups: dict[str, tuple[Venue, ...]] = {}
        for _, names in SORS:
            if all(name in self._venues for name in names):
                group = tuple(self._venues[name] for name in names)
                groups |= dict.fromkeys(names, group)
        return Routing(self._venue_of, groups, self._trading, self._bank.house(self._now))

    def _fair(self, symbol: str) -> int:
        return self._venues[symbol].makers.fair

    def _last_price(self, symbol: str) -> int | None:
        venue = self._venues.get(symbol)
        return None if venue is None else venue.tape.last_price()

    # ------------------------------------------------------------------------------------------------ the public

    @property
    def wanted(self) -> set[str]:
        """The streams that somebody hears; the doors add to it and take from it."""
        return self._outlet.wanted

    @wanted.setter
    def wanted(self, streams: set[str]) -> None:
        self._outlet.wanted = streams

    @property
    def replica_lag_us(self) -> int:
        """How far queries are behind the matching engine, at least; ten minutes at most."""
        return self.replica.lag_us

    @replica_lag_us.setter
    def replica_lag_us(self, lag_us: int) -> None:
        self.replica.lag_us = lag_us

    @property
    def symbols(self) -> tuple[str, ...]:
        """The names of the symbols."""
        return tuple(self._venues)

    def open_account(self, api_key: str, balances: Mapping[str, Decimal]) -> Account:
        """Open an account that holds ``balances``; the doors know it by its key."""
        return self._bank.open(api_key, balances, self._now)

    def deposit(self, account: Account, asset: str, amount: Decimal, now_us: int) -> None:
        """Credit an account, or debit it by a negative amount; its owner hears of it.

        Raises:
            ValueError: more would be taken than is free, or the amount has more than eight decimals.
        """
        self._advance(now_us)
        self._bank.deposit(account, asset, amount, now_us)

    def lock_outside(self, account: Account, asset: str, amount: Decimal, now_us: int) -> None:
        """Lock funds for a system outside the spot exchange, or unlock them by a negative amount; its owner hears.

        Raises:
            ValueError: more would be locked than is free, or unlocked than is locked so.
        """
        self._advance(now_us)
        self._bank.lock(account, asset, amount, now_us)

    def call(self, operation: str, params: Mapping[str, str], account: Account | None, now_us: int) -> Json:
        """Answer a request; ``operation`` is ``METHOD /path`` of REST.

        Raises:
            Refusal: the exchange says no: 404 for an operation that it lacks, 401 for a signed one without an account.
        """
        self._advance(now_us)
        self.replica.turn_to(operation)
        read = Params(params)
        public = self._quotes.operations.get(operation)
        if public is not None:
            return public(read, now_us)
        private = self._private.get(operation)
        if private is None:
            raise Refusal(*NOT_FOUND)
        if account is None:
            raise Refusal(401, -2015, "Invalid API-key, IP, or permissions for action.")
        return private(read, account, now_us)

    def _venue_of(self, params: Params) -> Venue:
        params.need("symbol")
        venue = self._venues.get(params.symbol() or "")
        if venue is None:
            raise bad(-1121, "Invalid symbol.")
        return venue

    def set_status(self, symbol: str, status: str, now_us: int) -> None:
        """Halt a symbol, or let it trade: any word is a status. Cancelling works in all, as no document denies it."""
        self._advance(now_us)
        self._venues[symbol].set_status(status)

    def set_rules(self, symbol: Symbol, now_us: int) -> None:
        """Change the rules of a symbol while it trades; resting orders stay as they are."""
        self._advance(now_us)
        self._venues[symbol.name].set_symbol(symbol)

    def set_reference_price(self, symbol: str, price: Decimal | None, now_us: int) -> None:
        """Set the reference price of a symbol that gets it from outside, or take it away.

        Raises:
            ValueError: the symbol makes its reference price itself, or never has one.
        """
        self._advance(now_us)
        reference = self._venues[symbol].reference
        if reference is None or not isinstance(reference.source, External):
            raise ValueError(f"{symbol}: its reference price does not come from outside")
        reference.source.value = None if price is None else from_decimal(price)

    def set_trade_group(self, group: int, *accounts: Account) -> None:
        """Let accounts belong to one trade group, whose members do not trade with each other."""
        for account in accounts:
            account.trade_group = group

    def venue(self, symbol: str) -> Venue:
        """Return the inside of a symbol."""
        return self._venues[symbol]

    @property
    def customers(self) -> tuple[Account, ...]:
        """The accounts that are not of the house."""
        return tuple(account for account in self._bank.accounts if not account.house)

    def expire_orders(self, symbol: str, now_us: int) -> None:
        """End all customers' open orders on a symbol for the exchange's own reasons (EXCHANGE_CANCELED)."""
        self._advance(now_us)
        venue = self._venues[symbol]
        for account in self._bank.accounts:
            for order in list(account.blotter(symbol).open.values()):
                if order.is_open:
                    venue.matcher.expire(order, "EXCHANGE_CANCELED", now_us)
        venue.settle(now_us)

    # ----------------------------------------------------------------------------------------------------- time

    @property
    def deadline_us(self) -> int:
        """When ``on_timer`` has something to do, at the latest."""
        return min(min(self._next_act.values()), self._next_pulse())

    def on_timer(self, now_us: int) -> None:
        """Let everything happen that is due by ``now_us``, each thing at its own time."""
        self._advance(now_us)

    def _advance(self, now_us: int) -> None:
        while True:
            name = min(self._next_act, key=self._next_act.__getitem__)
            act, pulse = self._next_act[name], self._next_pulse()
            due = min(act, pulse)
            if due > now_us:
                break
            self._now = due
            if pulse <= act:
                self._pulse(due)
            else:
                self._next_act[name] = self._venues[name].act(due)
        self._now = max(self._now, now_us)

    def _next_pulse(self) -> int:
        """Return when streams with a rhythm speak next: on whole seconds, or tenths when there is news for them."""
        wanted = self._outlet.wanted
        if not wanted and not self._tuned_to:
            return _NEVER_US
        news = any(venue.publisher.needs_fast_pulse() for venue in self._venues.values())
        if news or len(wanted) != len(self._tuned_to):
            return (self._now // FAST_US + 1) * FAST_US
        return (self._now // SECOND_US + 1) * SECOND_US

    def _retune(self) -> None:
        """Take note of which streams are wanted, so that a pulse looks at no other."""
        wanted = self._tuned_to = frozenset(self._outlet.wanted)
        publishers = [venue.publisher for venue in self._venues.values()]
        for publisher in publishers:
            publisher.retune()
        self._ticker_kinds = [
            kind
            for kind, to_all in _TO_ALL.items()
            if to_all in wanted or any(publisher.ticker_name(kind) in wanted for publisher in publishers)
        ]

    def _pulse(self, now_us: int) -> None:
        if self._outlet.wanted != self._tuned_to:
            self._retune()
        whole_second = now_us % SECOND_US == 0
        for venue in self._venues.values():
            venue.publisher.fast_pulse(now_us)
            if whole_second:
                venue.publisher.slow_pulse(now_us)
        if whole_second:
            self._pulse_tickers(now_us)

    def _pulse_tickers(self, now_us: int) -> None:
        for kind in self._ticker_kinds:
            to_all = _TO_ALL[kind]
            changed = [venue.publisher.tickers(kind, to_all, now_us) for venue in self._venues.values()]
            events = [event for event in changed if event is not None]
            if events and to_all in self._outlet.wanted:
                self._outlet.stream(to_all, events)

    # ---------------------------------------------------------------------------------------------- what happened

    def take_events(self) -> list[StreamEvent | UserEvent]:
        """Return what happened since the last call, in order."""
        events, self._outlet.waiting = self._outlet.waiting, []
        return events

    def stream_exists(self, name: str) -> bool:
        """Return whether there is a stream of that name; symbols are in lower case."""
        return name in self._streams

    # -------------------------------------------------------------------------------------------------- oracles

    def book(self, symbol: str) -> BookView:
        """Return the whole book of a symbol, exact, at its present update id."""
        book = self._venues[symbol].book
        bids, asks = book.levels(max(len(book.bids), len(book.asks)))
        return BookView(book.update_id, _exact(bids), _exact(asks))

    def trades(self, symbol: str) -> list[Trade]:
        """Return the trades of a symbol that are kept, oldest first."""
        tape = self._venues[symbol].tape
        return [tape.trade(trade_id) for trade_id in range(tape.first_id, tape.next_id)]

    def discrepancies(self) -> tuple[str, ...]:
        """Return, in words, where the books of the exchange and its customers disagree; nothing when all is right."""
        made = (f"{asset}: {amount:f} made from nothing" for asset, amount in self.audit().items() if amount)
        assets = {name: (venue.symbol.base, venue.symbol.quote) for name, venue in self._venues.items()}
        wrong = ((each, word) for each in self.customers for word in discrepancies(each, assets))
        return (*made, *(f"{account!r} {word}" for account, word in wrong))

    def audit(self) -> dict[str, Decimal]:
        """Return for every asset what exists minus what was ever deposited: zero, or money was made or lost."""
        return self._bank.audit()


def _exact(levels: list[tuple[int, int]]) -> tuple[tuple[Decimal, Decimal], ...]:
    return tuple((to_decimal(price), to_decimal(quantity)) for price, quantity in levels)
