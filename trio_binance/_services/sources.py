"""The sources: what the exchange is asked for while an order is checked; rules are kept, prices are always fresh."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, final

import trio

from trio_binance._protocol.catalogue import account, general, market
from trio_binance.errors import ApiError, NoData
from trio_binance.models import BookTicker, PriceTicker

from .shelf import Shelf

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping
    from decimal import Decimal

    from trio_binance._protocol.operation import Operation, Value
    from trio_binance.models import (
        AccountFilters,
        AveragePrice,
        Balance,
        ExchangeInfo,
        ExecutionRule,
        OrderStatusReport,
    )

    from .router import Router

V = TypeVar("V")

_NOT_THERE = 404
_MOST_ROWS = 1000


@final
class Sources:
    """One method a question; whoever asks while the same question is under way shares its answer.

    Every method may raise any ``BinanceError``. Cancelled: nothing changed, and nobody else is.
    """

    def __init__(self, router: Router, max_age: float) -> None:
        self._router = router
        self._max_age = max_age
        self._rules: Shelf[Any] = Shelf(max_age)
        self._fresh: Shelf[Any] = Shelf()
        self._unset: dict[str, float] = {}

    def forget(self, symbol: str) -> None:
        """Have everything that is kept of a symbol asked for anew."""
        for operation in (general.EXCHANGE_INFO, general.EXECUTION_RULES, account.MY_FILTERS):
            self._rules.forget(_key(operation, symbol))
        self._unset.pop(symbol, None)

    async def info(self, symbol: str) -> ExchangeInfo:
        """Return the rules of a symbol, and those of the whole exchange. Weight 20 when they are not known."""
        return await self._kept(general.EXCHANGE_INFO, symbol)

    async def execution_rules(self, symbol: str) -> tuple[ExecutionRule, ...] | None:
        """Return its execution rules, ``None`` where the exchange has no such thing. Weight 2 when not known."""
        answer = await _where_offered(self._kept(general.EXECUTION_RULES, symbol))
        if answer is None:
            return None
        return tuple(rule for one in answer.symbol_rules if one.symbol == symbol for rule in one.rules)

    async def account_filters(self, symbol: str) -> AccountFilters | None:
        """Return the filters as they hold for the account. Weight 40 when not known."""
        return await _where_offered(self._kept(account.MY_FILTERS, symbol))

    async def reference_price(self, symbol: str) -> Decimal | None:
        """Return its reference price, ``None`` while it has none. Weight 2.

        That a symbol never had one (-2043) is kept as long as a rule is.
        """
        if trio.current_time() < self._unset.get(symbol, float("-inf")) + self._max_age:
            return None
        try:
            answer = await _where_offered(self._asked(market.REFERENCE_PRICE, symbol))
        except NoData:
            answer = None
        if answer is None:
            self._unset[symbol] = trio.current_time()
            return None
        return answer.reference_price

    async def average_price(self, symbol: str) -> AveragePrice:
        """Return its weighted average price, and over how many minutes. Weight 2."""
        return await self._asked(market.AVG_PRICE, symbol)

    async def last_price(self, symbol: str) -> Decimal:
        """Return the price of its last trade. Weight 2."""
        answer = await self._asked(market.PRICE_TICKER, symbol)
        assert isinstance(answer, PriceTicker)  # one symbol, one ticker
        return answer.price

    async def best_prices(self, symbol: str) -> BookTicker:
        """Return the best prices of its book. Weight 2."""
        answer = await self._asked(market.BOOK_TICKER, symbol)
        assert isinstance(answer, BookTicker)
        return answer

    async def open_orders(self, symbol: str | None) -> list[OrderStatusReport]:
        """Return the account's open orders on a symbol (weight 6), or on all of them (weight 80)."""
        return await self._asked(account.OPEN_ORDERS, symbol)

    async def balances(self) -> tuple[Balance, ...]:
        """Return the account's balances. Weight 20."""
        answer = await self._asked(account.ACCOUNT, None, omitZeroBalances=True)
        return answer.balances

    async def amendments(self, symbol: str, order_id: int) -> int:
        """Return how often an order was amended, up to a thousand times. Weight 4."""
        found = await self._asked(account.ORDER_AMENDMENTS, symbol, orderId=order_id, limit=_MOST_ROWS)
        return len(found)

    # ----------------------------------------------------------------------------------------------- how it is asked

    async def _kept(self, operation: Operation[V], symbol: str) -> V:
        return await self._ask(self._rules, operation, symbol, {})

    async def _asked(self, operation: Operation[V], symbol: str | None, **more: Value) -> V:
        return await self._ask(self._fresh, operation, symbol, more)

    async def _ask(
        self, shelf: Shelf[Any], operation: Operation[V], symbol: str | None, more: Mapping[str, Value]
    ) -> V:
        params: dict[str, Value] = {"symbol": symbol, **more} if symbol is not None else dict(more)
        operation.check(params)
        key = _key(operation, *map(str, params.values()))
        answer: V = await shelf.get(key, lambda: self._router.call(operation, params))
        return answer


def _key(operation: Operation[Any], *values: str) -> str:
    return " ".join((operation.name, *values))


async def _where_offered(question: Awaitable[V]) -> V | None:
    """Return the answer, ``None`` where the exchange has no such question: an older one, binance.us for one."""
    try:
        return await question
    except ApiError as exc:
        if exc.status != _NOT_THERE:
            raise
        return None
