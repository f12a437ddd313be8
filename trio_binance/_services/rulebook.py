"""The rulebook: what the rules say of a request, with whatever has to be found out before they can say it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, final

import attrs

from trio_binance._pure.decimals import check_decimal
from trio_binance._pure.filters import (
    Need,
    Prices,
    Scene,
    amendment_needs,
    check_amendment,
    check_order,
    check_rounding,
    counts_of,
    free_of,
    needs,
    position_of,
    snap_order,
)
from trio_binance.errors import ProtocolError
from trio_binance.models import OrderListRequest, OrderRequest

from .sources import Sources

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

    from trio_binance.config import Tuning
    from trio_binance.models import Balance, OrderCheck, OrderStatusReport, SymbolInfo
    from trio_binance.models.orders import OrderState

    from .router import Router

R = TypeVar("R", bound=OrderRequest | OrderListRequest)

_OF_ACCOUNT = frozenset(
    {
        Need.ACCOUNT_FILTERS,
        Need.OPEN_ON_EXCHANGE,
        Need.OPEN_ON_SYMBOL,
        Need.POSITION,
        Need.BALANCES,
        Need.AMENDMENTS,
    }
)
"""What is asked with a key, and only on request: it is dear."""


@final
class Rulebook:
    """What every check and every snap goes by.

    The rules of a symbol are asked for once and kept for ``tuning.rules_max_age`` seconds, as are its execution rules
    and, where asked for, the account's filters; prices and open orders are asked for each time. Everybody who asks for
    the same at the same time shares one call, and to cancel one of them leaves the others alone.
    """

    def __init__(self, router: Router, tuning: Tuning) -> None:
        self._sources = Sources(router, tuning.rules_max_age)

    async def symbol(self, name: str) -> SymbolInfo:
        """Return a symbol and its filters.

        Weight 20 when they are not known or too old, otherwise 0. Cancelled: nothing changed. Source: exchangeInfo.

        Raises:
            UnknownSymbol: the exchange does not know it.
        """
        return (await self._scene(name)).symbol

    def forget(self, name: str) -> None:
        """Have the rules of a symbol asked for anew: a refusal that a check did not foresee says that they changed."""
        self._sources.forget(name)

    async def snap(self, request: R, *, rounding: str | None = None) -> R:
        """Return the request with its numbers on the grids of its symbol, written with the decimals of the step.

        Quantities are rounded down; prices and stop prices of a BUY down and of a SELL up, so never to the worse,
        unless ``rounding``, one of ``decimal``'s modes, says otherwise. Of an order list, every leg.

        Weight as ``symbol``. Cancelled: nothing changed. Source: exchangeInfo.

        Raises:
            InvalidArgument: rounded, a number would be zero or beyond a bound; the reason names what would pass.
            UnknownSymbol: the exchange does not know the symbol.
        """
        check_rounding(rounding)
        return snap_order(request, await self.symbol(_checked(request).symbol), rounding=rounding)

    async def check(
        self, request: OrderRequest | OrderListRequest, *, account: bool = False, replaces: bool = False
    ) -> OrderCheck:
        """Return what the rules say of a request, which is not sent.

        Args:
            request: an order, or an order list, whose legs are checked one by one.
            account: whether to ask for what only a key can: the account's own filters (weight 40, kept), its balances
                (20) and, where a filter counts them, its open orders (6, or 80 where one counts those of all symbols).
                Without it those filters, and whether it can pay, are ``unchecked``.
            replaces: whether the order takes the place of another (cancelReplace).

        Weight 20 for the symbol and 2 for its execution rules when they are not known or too old, and 2 each for the
        reference price, the average price or the last price, and the best prices of the book, where a rule needs them.
        Cancelled: nothing changed. Source: exchangeInfo, executionRules, referencePrice, avgPrice, ticker/price,
        ticker/bookTicker; myFilters, openOrders, account.

        Raises:
            UnknownSymbol: the exchange does not know the symbol.
            CredentialsRequired: ``account`` without a key.
        """
        inquiry = _Inquiry(self._sources, await self._scene(_checked(request).symbol))
        await inquiry.complete(lambda scene: needs(request, scene), account=account)
        return check_order(request, inquiry.scene, replaces=replaces)

    async def check_amendment(
        self, order: OrderState, new_qty: Decimal | int | str, *, account: bool = False
    ) -> OrderCheck:
        """Return what the rules say of making an open order smaller; nothing is sent.

        Args:
            order: any report of the order.
            new_qty: what its quantity would be.
            account: whether to ask for the amendments so far (weight 4).

        Otherwise as ``check``. Source: also order/amendments.
        """
        quantity = check_decimal("new_qty", new_qty)
        inquiry = _Inquiry(self._sources, await self._scene(order.symbol), order.order_id)
        await inquiry.complete(lambda scene: amendment_needs(order, quantity, scene), account=account)
        return check_amendment(order, quantity, inquiry.scene)

    async def _scene(self, name: str) -> Scene:
        info = await self._sources.info(name)
        found = info.find(name)
        if found is None:
            raise ProtocolError(f"exchangeInfo of {name} tells nothing of {name}")
        return Scene(symbol=found, exchange_filters=info.exchange_filters)


def _checked(request: R) -> R:
    if not isinstance(request, OrderRequest | OrderListRequest):
        raise TypeError(f"request: expected an order or an order list, not {type(request).__name__}")
    return request


class _Inquiry:
    """One check's questions: what it lacks is asked for, thing by thing, until nothing is left that could be known."""

    def __init__(self, sources: Sources, scene: Scene, order_id: int = -1) -> None:
        self.scene = scene
        self._sources = sources
        self._name = scene.symbol.symbol
        self._order_id = order_id
        self._orders: list[OrderStatusReport] | None = None
        self._held: tuple[Balance, ...] | None = None
        self._answers = {
            Need.REFERENCE_PRICE: self._reference_price,
            Need.AVERAGE_PRICE: self._average_price,
            Need.LAST_PRICE: self._last_price,
            Need.BOOK: self._book,
            Need.EXECUTION_RULES: self._execution_rules,
            Need.ACCOUNT_FILTERS: self._account_filters,
            Need.OPEN_ON_EXCHANGE: self._open_on_exchange,
            Need.OPEN_ON_SYMBOL: self._open_on_symbol,
            Need.POSITION: self._position,
            Need.BALANCES: self._free,
            Need.AMENDMENTS: self._amendments,
        }

    async def complete(self, lacking: Callable[[Scene], frozenset[Need]], *, account: bool) -> None:
        """Ask for what ``lacking`` says of the scene, each thing once: an answer may raise the next question."""
        left = [need for need in Need if account or need not in _OF_ACCOUNT]
        while wanted := [need for need in left if need in lacking(self.scene)]:
            left.remove(wanted[0])
            await self._answers[wanted[0]]()

    async def _reference_price(self) -> None:
        reference = await self._sources.reference_price(self._name)
        self._learn_prices(reference=reference)

    async def _average_price(self) -> None:
        average = await self._sources.average_price(self._name)
        self._learn_prices(averages={average.mins: average.price})

    async def _last_price(self) -> None:
        self._learn_prices(last=await self._sources.last_price(self._name))

    async def _book(self) -> None:
        best = await self._sources.best_prices(self._name)
        self._learn(best_bid=best.bid_price, best_ask=best.ask_price)

    async def _execution_rules(self) -> None:
        self._learn(execution_rules=await self._sources.execution_rules(self._name))

    async def _account_filters(self) -> None:
        filters = await self._sources.account_filters(self._name)
        if filters is not None:
            self.scene = self.scene.with_account(filters)

    async def _open_on_exchange(self) -> None:
        everywhere = await self._sources.open_orders(None)
        self._orders = [order for order in everywhere if order.symbol == self._name]
        self._learn(on_exchange=counts_of(everywhere))

    async def _open_on_symbol(self) -> None:
        self._learn(on_symbol=counts_of(await self._open_orders()))

    async def _position(self) -> None:
        balances, orders = await self._balances(), await self._open_orders()
        self._learn(position=position_of(self.scene.symbol.base_asset, balances, orders))

    async def _free(self) -> None:
        self._learn(free=free_of(self.scene.symbol, await self._balances()))

    async def _balances(self) -> tuple[Balance, ...]:
        if self._held is None:
            self._held = await self._sources.balances()
        return self._held

    async def _amendments(self) -> None:
        self._learn(amendments=await self._sources.amendments(self._name, self._order_id))

    async def _open_orders(self) -> list[OrderStatusReport]:
        if self._orders is None:
            self._orders = await self._sources.open_orders(self._name)
        return self._orders

    def _learn(self, **facts: Any) -> None:
        self.scene = attrs.evolve(self.scene, **facts)

    def _learn_prices(self, **facts: Any) -> None:
        self._learn(prices=attrs.evolve(self.scene.prices or Prices(), **facts))
