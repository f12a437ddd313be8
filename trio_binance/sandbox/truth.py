"""The truth: all that happened to an account, exact and without doors, and whether all money is still there."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import attrs

from .numbers import parse, to_decimal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from decimal import Decimal

    from .accounts import Account, Allocation, Blotter, OwnTrade
    from .orders import Order


@attrs.frozen
class TrueOrder:
    """An order as the matching engine knows it now, whatever anybody was told of it. Times in microseconds."""

    symbol: str
    order_id: int
    client_order_id: str
    client_order_ids: tuple[str, ...]
    """Every client id that it ever had, the first one first: an amendment gives it another."""
    order_list_id: int
    """-1 for an order of no list."""
    side: str
    type: str
    status: str
    price: Decimal
    """The price at which it works, pegged or not; 0 for none."""
    quantity: Decimal
    executed: Decimal
    spent: Decimal
    """What its fills came to, in the quote asset."""
    is_open: bool
    created_us: int
    updated_us: int


@attrs.frozen
class TrueFill:
    """A fill of an order. Time in microseconds."""

    symbol: str
    trade_id: int
    """-1 for what smart order routing allotted: ``allocation_id`` tells those apart."""
    order_id: int
    price: Decimal
    quantity: Decimal
    quote: Decimal
    commission: Decimal
    commission_asset: str
    is_buyer: bool
    is_maker: bool
    time_us: int
    allocation_id: int | None = None


@attrs.frozen
class TrueBalance:
    """An asset of an account."""

    free: Decimal
    locked: Decimal


def true_orders(account: Account) -> tuple[TrueOrder, ...]:
    """Return every order that the matching engine ever accepted of an account, by symbol and rising id."""
    return tuple(_order(order) for _, blotter in _blotters(account) for order in blotter.orders.values())


def _order(order: Order) -> TrueOrder:
    former = tuple(row["origClientOrderId"] for row in order.amendments)
    return TrueOrder(
        order.symbol,
        order.id,
        order.client_id,
        tuple(dict.fromkeys((*former, order.client_id))),
        order.list_id,
        order.side,
        order.kind,
        order.status,
        to_decimal(order.price),
        to_decimal(order.quantity),
        to_decimal(order.executed),
        to_decimal(order.spent),
        order.is_open,
        order.created_us,
        order.updated_us,
    )


def true_fills(account: Account) -> tuple[TrueFill, ...]:
    """Return every fill of an account's orders: by symbol, trades before allocations, each in the order of time."""
    return tuple(fill for symbol, blotter in _blotters(account) for fill in _fills(symbol, blotter))


def _fills(symbol: str, blotter: Blotter) -> Iterator[TrueFill]:
    rows: list[OwnTrade | Allocation] = [*blotter.trades, *blotter.allocations]
    for row in rows:
        view = row.view
        price, quantity, quote, paid = (parse(view[name]) for name in ("price", "qty", "quoteQty", "commission"))
        yield TrueFill(
            symbol,
            view.get("id", -1),
            row.order_id,
            to_decimal(price),
            to_decimal(quantity),
            to_decimal(quote),
            to_decimal(paid),
            view["commissionAsset"],
            view["isBuyer"],
            view["isMaker"],
            row.time_us,
            view.get("allocationId"),
        )


def true_balances(account: Account) -> dict[str, TrueBalance]:
    """Return what an account has, by asset; assets of which it never had any too."""
    return {
        asset: TrueBalance(to_decimal(held.free), to_decimal(held.locked)) for asset, held in account.balances.items()
    }


def discrepancies(account: Account, assets: Mapping[str, tuple[str, str]]) -> Iterator[str]:
    """Return, in words, where the books of an account do not agree with each other; nothing when all is right.

    Its balances are what it brought, and its fills have moved, less commission; what is locked, is locked for its open
    orders or outside; and each order has executed what its fills say. ``assets`` are base and quote of every symbol.
    """
    held = account.balances.items()
    yield from _unlike("held of", _moved(account, assets), {asset: each.free + each.locked for asset, each in held})
    yield from _unlike("locked of", _locks(account, assets), {asset: each.locked for asset, each in held})
    yield from (f"free of {asset}: {to_decimal(each.free):f}" for asset, each in held if each.free < 0)
    executed: Counter[str] = Counter()
    for fill in true_fills(account):
        executed[f"{fill.symbol} order {fill.order_id}"] += _atoms(fill.quantity)
    orders = {f"{order.symbol} order {order.order_id}": _atoms(order.executed) for order in true_orders(account)}
    yield from _unlike("executed of", executed, orders)


def _unlike(what: str, expected: Mapping[str, int], found: Mapping[str, int]) -> Iterator[str]:
    for name in dict.fromkeys((*expected, *found)):
        should, does = to_decimal(expected.get(name, 0)), to_decimal(found.get(name, 0))
        if should != does:
            yield f"{what} {name}: {does:f}, and not {should:f}"


def _moved(account: Account, assets: Mapping[str, tuple[str, str]]) -> Counter[str]:
    held = Counter(account.brought)
    for fill in true_fills(account):
        base, quote = assets[fill.symbol]
        sign = 1 if fill.is_buyer else -1
        held[base] += sign * _atoms(fill.quantity)
        held[quote] -= sign * _atoms(fill.quote)
        held[fill.commission_asset] -= _atoms(fill.commission)
    return held


def _locks(account: Account, assets: Mapping[str, tuple[str, str]]) -> Counter[str]:
    locked = Counter(account.outside)
    for symbol, blotter in _blotters(account):
        base, quote = assets[symbol]
        for order in blotter.open.values():
            locked[quote if order.buys else base] += order.locked
    return locked


def _atoms(amount: Decimal) -> int:
    return parse(f"{amount:f}")


def _blotters(account: Account) -> list[tuple[str, Blotter]]:
    return sorted(account.blotters.items())
