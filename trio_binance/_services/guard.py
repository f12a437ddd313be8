"""The guard: asks the safety rules about every request that changes something, before it is noted, signed or sent.

admit ──> dry run, symbol, count ──> place reserved ──> price asked for, if it has none ──> worth ──> may be sent
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, final

import trio

from trio_binance._codec.params import list_from_params, order_from_params
from trio_binance._protocol.catalogue import OPERATIONS, account, market
from trio_binance._pure.filters.legs import legs_of
from trio_binance._pure.intents import Kind
from trio_binance._pure.safety import (
    Facts,
    Lack,
    OwnOrders,
    Proposal,
    ids_of,
    judge_standing,
    judge_worth,
    lacks,
    places_of,
)
from trio_binance.errors import BinanceError, ConnectorClosed, SafetyRefused
from trio_binance.models import CancelReplaceMode, MirrorState, Ticker24h, is_done

from .shelf import Shelf

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from decimal import Decimal

    from trio_binance._pure.intents import Intent, Settle
    from trio_binance._pure.safety import OwnOrder, Reason
    from trio_binance._pure.safety.own import Key
    from trio_binance.config import Safety
    from trio_binance.models import OrderStatusReport, SymbolInfo

    from .mirror import Mirror
    from .router import Router

PRICE_MAX_AGE = 2.0
"""Seconds for which the market's price of a symbol is kept."""
LOOK_INTERVAL = 5.0
"""No oftener the exchange is asked which of our orders have ended: a program that is refused may try for ever."""
_GROWTH = 64
"""So many orders are taken up before it is looked which have ended."""

_STOP = CancelReplaceMode.STOP_ON_FAILURE
_OF_THE_CANCELLATION = frozenset(
    {
        *("cancelReplaceMode", "cancelOrderId", "cancelOrigClientOrderId", "cancelNewClientOrderId"),
        *("cancelRestrictions", "orderRateLimitExceededMode"),
    }
)
"""The parameters of a cancel-replace that are none of its new order's."""


@final
class Guard:
    """The safety of one connector, and the list of the orders that are its own.

    Args:
        safety: the rules.
        router: by which prices, and orders of which nobody tells, are asked for.
        symbol_of: from a symbol's name to its rules, for its quote asset: ``Rulebook.symbol``.
        mirror: of the account, if there is one: it knows without being asked which orders have ended.
    """

    def __init__(
        self,
        safety: Safety,
        router: Router,
        *,
        symbol_of: Callable[[str], Awaitable[SymbolInfo]],
        mirror: Mirror | None = None,
    ) -> None:
        self._safety = safety
        self._router = router
        self._symbol_of = symbol_of
        self._mirror = mirror
        self._own = OwnOrders()
        self._closed = False
        self._grown = 0
        self._looked_at = float("-inf")
        self._changed = trio.Event()
        self._prices: Shelf[Decimal | None] = Shelf(PRICE_MAX_AGE)
        self._quotes: Shelf[str] = Shelf(float("inf"))

    @property
    def is_dry(self) -> bool:
        """Whether nothing is to be changed at all."""
        return self._safety.dry_run

    # -------------------------------------------------------------------------------------------------- admission

    async def admit(self, intent: Intent) -> None:
        """Return when a request may be sent; what it places counts as open from now on, until ``on_settled``.

        Weight 2 where the price of its symbol is needed and older than two seconds, 20 once a symbol for its quote
        asset, 4 for each open order where there seem to be too many and the mirror cannot tell. Cancelled: nothing was
        admitted. A request that is not opened after all is to be given up with ``release``.

        Raises:
            SafetyRefused: a rule forbids it, or cannot be judged.
            ConnectorClosed: it would place something, and the connector is on its way out.
        """
        if self._closed and intent.places:
            raise ConnectorClosed(f"{intent.operation}: the connector closes, and cancels what it has placed")
        self._look_now_and_then()
        if not self._safety.has_rules:
            self._own.reserve(intent)
            return
        proposal = self._proposal(intent)
        await self._admit_standing(intent, proposal)
        # Reserved before anything waits: two placements at once cannot both take the last place.
        self._own.reserve(intent)
        try:
            _refuse(proposal.operation, judge_worth(self._safety, proposal, await self._facts(proposal)))
        except BaseException:
            self.release(intent.intent_id)
            raise

    async def _admit_standing(self, intent: Intent, proposal: Proposal) -> None:
        reasons = judge_standing(self._safety, proposal, self._own.count)
        if any(reason.rule == "max_open_orders" for reason in reasons):
            await self._look_closely()
            proposal = self._proposal(intent)
            reasons = judge_standing(self._safety, proposal, self._own.count)
        _refuse(proposal.operation, reasons)

    def admit_call(self, method: str, path: str) -> None:
        """Let a request pass that no catalogue describes, so that no rule can judge it: it may ask, and cancel.

        Raises:
            SafetyRefused: it may change more than that.
        """
        if method == "GET" or not self._safety.has_rules:
            return
        name = f"{method} {path}"
        known = OPERATIONS.get(name)
        if known is not None and not known.changes_state:
            return
        if self._safety.dry_run:
            _refuse(name, judge_standing(self._safety, Proposal(name), 0))
        if method != "DELETE":
            rules = [rule for rule in ("max_notional", "max_open_orders", "symbols") if getattr(self._safety, rule)]
            told = f"{', '.join(rules)}: what goes out by bx.call cannot be judged"
            raise SafetyRefused(name, rules[0], told, advice="the methods of bx.trading can be")

    def close(self) -> None:
        """Admit nothing from now on that places something."""
        self._closed = True

    # --------------------------------------------------------------------------------------------- our own orders

    def release(self, intent_id: str) -> None:
        """Give up a request that was admitted and is not sent, or of which nothing is open any more."""
        self._own.release(intent_id)
        self.poke()

    def on_settled(self, intent: Intent, settle: Settle) -> None:
        """Take note of a verdict."""
        self._own.on_settled(intent, settle)
        self.poke()

    def open_orders(self) -> tuple[OwnOrder, ...]:
        """Return the orders and lists of this connector that may be open, the oldest first."""
        self._look()
        return self._own.all()

    def is_open(self, intent_id: str) -> bool:
        """Tell whether something of a request may be open."""
        return self._own.get(intent_id) is not None

    async def changed(self) -> None:
        """Return when something may have changed of them. Cancelled: nothing happened."""
        await self._changed.wait()

    def poke(self) -> None:
        """Wake whoever waits for a change."""
        self._changed.set()
        self._changed = trio.Event()

    def _look_now_and_then(self) -> None:
        """Keep the list short, at a cost that is the same for every order however many there are."""
        self._grown += 1
        if self._grown > _GROWTH:
            self._look()

    def _look(self) -> None:
        self._own.look(self._find)
        self._grown = -self._own.count

    def _find(self, symbol: str, number: int | None, name: str | None) -> OrderStatusReport | None:
        record = None if self._mirror is None else self._mirror.ledger.records.find(symbol, number, name)
        return None if record is None else record.order

    async def _look_closely(self) -> None:
        """Have it asked which of our orders have ended, where nobody tells of it. Any failure leaves them open."""
        self._look()
        now = trio.current_time()
        if now < self._looked_at + LOOK_INTERVAL:
            return
        self._looked_at = now
        # A mirror that is right knows what is open; what it does not know it may have forgotten since.
        is_live = self._mirror is not None and self._mirror.state is MirrorState.LIVE
        async with trio.open_nursery() as nursery:
            for own, key in self._own.accepted():
                if not is_live or self._find(own.symbol, *ids_of(key)) is None:
                    nursery.start_soon(self._look_at, own, key)

    async def _look_at(self, own: OwnOrder, key: Key) -> None:
        number, name = ids_of(key)
        question = account.ORDER.write(symbol=own.symbol, order_id=number, client_order_id=name)
        with suppress(BinanceError):
            order = await self._router.call(account.ORDER, question)
            # A copy of the exchange may be behind, but what has ended there has ended.
            if is_done(order):
                self._own.on_order(own.intent_id, key)

    # ------------------------------------------------------------------------------------------ what there is to ask

    def _proposal(self, intent: Intent) -> Proposal:
        if not intent.places:
            return Proposal(intent.operation, intent.symbol)
        params = {name: value for name, value in intent.params.items() if name not in _OF_THE_CANCELLATION}
        if intent.kind is Kind.LIST:
            legs = legs_of(list_from_params(intent.operation.removeprefix("POST "), params))
        else:
            legs = legs_of(order_from_params(params))
        return Proposal(intent.operation, intent.symbol, legs, places_of(intent), self._frees(intent))

    def _frees(self, intent: Intent) -> int:
        """Return how many of our open orders are gone if the intent's own is placed."""
        if intent.kind is not Kind.CANCEL_REPLACE or intent.text("cancelReplaceMode") != _STOP:
            return 0
        number, name = intent.number("cancelOrderId"), intent.text("cancelOrigClientOrderId")
        return int(self._own.is_own(intent.symbol, number, name))

    async def _facts(self, proposal: Proposal) -> Facts:
        """Return what the worth is judged by; where it is not to be had, the request is refused."""
        symbol, lacking = proposal.symbol, lacks(self._safety, proposal)
        try:
            return Facts(
                await self._prices.get(symbol, lambda: self._ask_price(symbol)) if Lack.REFERENCE in lacking else None,
                await self._quotes.get(symbol, lambda: self._ask_quote(symbol))
                if Lack.QUOTE_ASSET in lacking
                else None,
            )
        except ConnectorClosed:
            raise
        except BinanceError as exc:
            asked_for = " and ".join(sorted(lack.value for lack in lacking))
            told = f"max_notional: the {asked_for} of {symbol} could not be asked for: {exc}"
            raise SafetyRefused(
                proposal.operation, "max_notional", told, advice="a BUY with a price needs no other"
            ) from exc

    async def _ask_price(self, symbol: str) -> Decimal | None:
        """Return the highest of last trade, best bid and best ask, ``None`` where there is none of them."""
        ticker = await self._router.call(market.TICKER_24HR, market.TICKER_24HR.write(symbol=symbol))
        assert isinstance(ticker, Ticker24h)
        return max(ticker.last_price, ticker.bid_price, ticker.ask_price) or None

    async def _ask_quote(self, symbol: str) -> str:
        return (await self._symbol_of(symbol)).quote_asset


def _refuse(operation: str, reasons: Sequence[Reason]) -> None:
    """Raise what there is to say against a request, if there is anything."""
    if reasons:
        first = reasons[0]
        told = [reason.told for reason in reasons]
        raise SafetyRefused(operation, first.rule, *told, value=first.value, limit=first.limit, advice=first.advice)
