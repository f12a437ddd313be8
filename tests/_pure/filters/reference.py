"""The rules once more, as naively as the documents write them: what the engine is held against.

Nothing is shared with the engine: no grid, no leg, no table. A rule is the formula of filters.md on plain numbers, and
``None`` where it says nothing of an order.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Context, Decimal, localcontext
from typing import Any

from trio_binance._pure.filters import OpenCounts, Scene
from trio_binance.models import OrderType, Side

_WIDE = Context(prec=300)
_ALGO = ("STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT")
_ABOVE = {("STOP_LOSS", "BUY"), ("STOP_LOSS_LIMIT", "BUY"), ("TAKE_PROFIT", "SELL"), ("TAKE_PROFIT_LIMIT", "SELL")}


def flat(request: Any) -> list[dict[str, Any]]:
    """Return the orders of a request as plain numbers; ``quantity`` is missing where nobody knows it yet."""
    names = ("price", "stop_price", "trailing_delta", "iceberg_qty", "quantity", "quote_order_qty")
    if not hasattr(request, "legs"):
        return [{"type": request.type, "side": request.side} | {one: getattr(request, one, None) for one in names}]
    return [
        {"type": leg.type, "side": side, "opo": quantity is None}
        | {one: getattr(leg, one, None) for one in names}
        | {"quantity": quantity}
        for _, leg, side, quantity in request.legs
    ]


def broken(request: Any, scene: Scene) -> set[str]:
    """Return the types of the filters that refuse the request, everything being known."""
    with localcontext(_WIDE):
        return set(_broken(request, scene))


def _broken(request: Any, scene: Scene) -> Iterator[str]:
    parts = flat(request)
    for one in (*scene.symbol.filters, *scene.exchange_filters, *(scene.asset_filters or ())):
        name = str(one.filter_type)
        if "MAX_NUM" in name:
            if not _within(name, one, parts, scene, is_list=hasattr(request, "legs")):
                yield name
        elif any(globals()[f"_{name.lower()}"](one, part, scene) is False for part in parts):
            yield name
    if any(_too_precise(part, scene) for part in parts):
        yield "precision"
    # what waits for a working order is paid for later
    if not all(_affordable(part, scene) for part in (parts[:1] if hasattr(request, "working") else parts)):
        yield "balance"


def _affordable(part: Any, scene: Scene) -> bool:
    assert scene.free is not None
    if part["side"] == Side.SELL:
        return part["quantity"] is None or bool(part["quantity"] <= scene.free.base)
    if part["quote_order_qty"] is not None:
        return bool(part["quote_order_qty"] <= scene.free.quote)
    price = part["price"] or (scene.best_ask if part["type"] == OrderType.MARKET else None)
    return price is None or bool(price * part["quantity"] <= scene.free.quote)


def _too_precise(part: Any, scene: Scene) -> bool:
    of_base = [part["quantity"], part["iceberg_qty"]]
    of_quote = [part["price"], part["stop_price"], part["quote_order_qty"]]
    places = (scene.symbol.base_asset_precision, scene.symbol.quote_asset_precision)
    pairs: Any = zip((of_base, of_quote), places, strict=True)
    return any(len(f"{value:f}".partition(".")[2]) > most for values, most in pairs for value in values if value)


def _step(value: Decimal, step: Decimal) -> bool:
    return step == 0 or value % step == 0


def _price_filter(f: Any, part: Any, scene: Scene) -> bool:
    found = [price for price in (part["price"], part["stop_price"]) if price is not None]
    return all(
        (f.min_price == 0 or price >= f.min_price)
        and (f.max_price == 0 or price <= f.max_price)
        and _step(price, f.tick_size)
        for price in found
    )


def _ref(mins: int, scene: Scene) -> Decimal:
    assert scene.prices is not None
    if scene.prices.reference is not None:
        return scene.prices.reference
    found = scene.prices.averages[mins] if mins else scene.prices.last
    assert found is not None
    return found


def _percent_price(f: Any, part: Any, scene: Scene) -> bool | None:
    return _between(f.multiplier_down, f.multiplier_up, f.avg_price_mins, part, scene)


def _percent_price_by_side(f: Any, part: Any, scene: Scene) -> bool | None:
    if part["side"] == Side.BUY:
        return _between(f.bid_multiplier_down, f.bid_multiplier_up, f.avg_price_mins, part, scene)
    return _between(f.ask_multiplier_down, f.ask_multiplier_up, f.avg_price_mins, part, scene)


def _between(down: Decimal, up: Decimal, mins: int, part: Any, scene: Scene) -> bool | None:
    if part["price"] is None or part.get("opo"):
        return None
    reference = _ref(mins, scene)
    return part["price"] >= reference * down and (up == 0 or part["price"] <= reference * up)


def _lot(f: Any, quantity: Decimal) -> bool:
    return quantity >= f.min_qty and (f.max_qty == 0 or quantity <= f.max_qty) and _step(quantity, f.step_size)


def _lot_size(f: Any, part: Any, scene: Scene) -> bool:
    return all(_lot(f, one) for one in (part["quantity"], part["iceberg_qty"]) if one is not None)


def _market_lot_size(f: Any, part: Any, scene: Scene) -> bool | None:
    if part["type"] != OrderType.MARKET or part["quantity"] is None:
        return None
    return _lot(f, part["quantity"])


def _worth(part: Any, mins: int | None, scene: Scene) -> Decimal | None:
    if part["quote_order_qty"] is not None:
        worth: Decimal = part["quote_order_qty"]
        return worth
    price = part["price"]
    if price is None and part["type"] == OrderType.MARKET and mins is not None:
        price = _ref(mins, scene)
    return None if price is None or part["quantity"] is None else price * part["quantity"]


def _min_notional(f: Any, part: Any, scene: Scene) -> bool | None:
    worth = _worth(part, f.avg_price_mins, scene)
    if worth is None or (part["type"] == OrderType.MARKET and not f.apply_to_market):
        return None
    return bool(worth >= f.min_notional)


def _notional(f: Any, part: Any, scene: Scene) -> bool | None:
    worth, market = _worth(part, f.avg_price_mins, scene), part["type"] == OrderType.MARKET
    if worth is None:
        return None
    least = worth >= f.min_notional or (market and not f.apply_min_to_market)
    most = f.max_notional == 0 or worth <= f.max_notional or (market and not f.apply_max_to_market)
    return bool(least and most)


def _iceberg_parts(f: Any, part: Any, scene: Scene) -> bool | None:
    if part["iceberg_qty"] is None or part["quantity"] is None:
        return None
    whole, rest = divmod(part["quantity"], part["iceberg_qty"])
    return bool(whole + (rest > 0) <= f.limit)


def _max_position(f: Any, part: Any, scene: Scene) -> bool | None:
    if part["side"] != Side.BUY or part["quantity"] is None or scene.position is None:
        return None
    return bool(scene.position + part["quantity"] <= f.max_position)


def _trailing_delta(f: Any, part: Any, scene: Scene) -> bool | None:
    delta = part["trailing_delta"]
    if delta is None:
        return None
    if (str(part["type"]), str(part["side"])) in _ABOVE:
        return bool(f.min_trailing_above_delta <= delta <= f.max_trailing_above_delta)
    return bool(f.min_trailing_below_delta <= delta <= f.max_trailing_below_delta)


def _max_asset(f: Any, part: Any, scene: Scene) -> bool | None:
    if f.asset == scene.symbol.base_asset:
        return None if part["quantity"] is None else bool(part["quantity"] <= f.limit)
    if f.asset == scene.symbol.quote_asset:
        worth = _worth(part, None, scene)
        return None if worth is None else bool(worth <= f.limit)
    return None


def _within(name: str, f: Any, parts: list[Any], scene: Scene, *, is_list: bool) -> bool:
    known = scene.on_exchange if name.startswith("EXCHANGE") else scene.on_symbol
    assert isinstance(known, OpenCounts)
    if "LISTS" in name:
        return not is_list or known.lists + 1 <= f.max_num_order_lists
    if "ALGO" in name:
        new = sum(str(part["type"]) in _ALGO for part in parts)
        return not new or bool(known.algo + new <= f.max_num_algo_orders)
    if "ICEBERG" in name:
        new = sum(part["iceberg_qty"] is not None for part in parts)
        return not new or bool(known.iceberg + new <= f.max_num_iceberg_orders)
    return bool(known.orders + len(parts) <= f.max_num_orders)
