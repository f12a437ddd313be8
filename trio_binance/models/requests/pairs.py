"""The pairs: two legs of which one takes the profit and the other stops the loss, and how they must stand."""

from __future__ import annotations

from decimal import Decimal

from trio_binance.errors import InvalidArgument
from trio_binance.models.enums import Side

from .legs import PairLeg, StopLeg, TakeProfitLeg
from .terms import Resting


def check_pair(side: Side, first: tuple[str, PairLeg], second: tuple[str, PairLeg]) -> None:
    """Refuse two legs that cannot cancel each other.

    "One leg LIMIT_MAKER, TAKE_PROFIT or TAKE_PROFIT_LIMIT, the other STOP_LOSS or STOP_LOSS_LIMIT": the first refusal
    is that of -1168, and what -1196 to -1199 make of two legs of one kind.
    """
    stops = [isinstance(leg, StopLeg) for _, leg in (first, second)]
    if stops[0] == stops[1]:
        place, leg = second
        wanted = "takes the profit" if stops[0] else "stops the loss"
        raise InvalidArgument(place, leg, f"one of the two {wanted}: {first[1].type} and {leg.type} do the same")
    (profit, stop) = (second, first) if stops[0] else (first, second)
    _check_prices(side, profit, stop)


def _check_prices(side: Side, profit: tuple[str, PairLeg], stop: tuple[str, PairLeg]) -> None:
    """Refuse prices between which no market price fits.

    SELL: the price of LIMIT_MAKER and TAKE_PROFIT_LIMIT, or the stop price of TAKE_PROFIT > last price > the stop price
    of the stop loss; BUY the other way round ("The relationship of the prices for the orders is not correct."). The
    WebSocket API's text turns TAKE_PROFIT in a BUY round, against REST's and -1198: a copy of its line for SELL.
    """
    place, leg = profit
    field = "stop_price" if isinstance(leg, TakeProfitLeg) else "price"
    above, below = _told(leg, field), _told(stop[1], "stop_price")
    if above is None or below is None:
        return
    if side is Side.BUY:
        above, below = below, above
    if above <= below:
        word = "above" if side is Side.SELL else "below"
        told = f"in a {side} list it lies {word} the stop price of the stop loss"
        raise InvalidArgument(f"{place}.{field}", _told(leg, field), f"{told}, {_told(stop[1], 'stop_price'):f}")


def _told(leg: PairLeg, field: str) -> Decimal | None:
    """Return a price that can be told without the market: not that of a peg, nor the start of a trailing stop."""
    if field == "price" and isinstance(leg, Resting) and leg.peg_price_type is not None:
        return None
    value: Decimal | None = getattr(leg, field)
    return value


def check_places(side: Side, above: PairLeg, below: PairLeg) -> None:
    """Refuse a pair that stands upside down.

    Above a SELL stand LIMIT_MAKER (-1166) and take profit (-1199), below it the stop loss (-1197); around a BUY the
    other way (-1165, -1198, -1196).
    """
    place = "below" if side is Side.SELL else "above"
    for name, leg in (("above", above), ("below", below)):
        if isinstance(leg, StopLeg) and name != place:
            raise InvalidArgument(name, leg, f"{leg.type} of a {side} stands {place}")
