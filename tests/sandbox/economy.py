"""What the tests of the economy share: a market nobody disturbs, an engine with an empty book, short requests."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from trio_binance.sandbox.accounts import Account
from trio_binance.sandbox.events import Outlet, StreamEvent, UserEvent
from trio_binance.sandbox.market import Market
from trio_binance.sandbox.orders import Order
from trio_binance.sandbox.symbols import SYMBOLS
from trio_binance.sandbox.venue import Venue

START = 1_700_000_000_000_000
SECOND = 1_000_000
UNIT = 10**8
QUIET = 1e-6
BTCUSDT = SYMBOLS[0]


def quiet_market(seed: int = 1) -> Market:
    """Return a market of BTCUSDT and ETHUSDT whose crowd has quoted and now sleeps for weeks."""
    return Market(seed, START, QUIET, SYMBOLS[:2])


def customer(market: Market, key: str = "key", **balances: str) -> Account:
    """Return a new account that holds some assets."""
    return market.open_account(key, {asset: Decimal(amount) for asset, amount in balances.items()})


def place(market: Market, account: Account, now_us: int = START, **params: Any) -> Any:
    """Place an order on BTCUSDT, a GTC LIMIT BUY if nothing else is said."""
    values: dict[str, Any] = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT"} | params
    if values["type"] == "LIMIT":
        values.setdefault("timeInForce", "GTC")
    return market.call("POST /api/v3/order", {name: str(value) for name, value in values.items()}, account, now_us)


def ask(market: Market, operation: str, account: Account | None = None, now_us: int = START, **params: Any) -> Any:
    """Send any request."""
    return market.call(operation, {name: str(value) for name, value in params.items()}, account, now_us)


def held(account: Account, asset: str) -> Any:
    """Return what of an asset is free and what is locked."""
    return account.free(asset), account.locked(asset)


def user_events(market: Market) -> list[Any]:
    """Take the waiting events and return those of accounts."""
    return [event.data for event in market.take_events() if isinstance(event, UserEvent)]


def stream_events(market: Market, name: str) -> list[Any]:
    """Take the waiting events and return those of one stream."""
    return [event.data for event in market.take_events() if isinstance(event, StreamEvent) and event.stream == name]


def empty_venue() -> tuple[Venue, Outlet, dict[str, int]]:
    """Return a venue of BTCUSDT without crowd, past or quotes, its outlet and its fees."""
    outlet, fees = Outlet(), dict[str, int]()
    nobody = Account("", 0, house=True)
    return Venue(BTCUSDT, 1, QUIET, (nobody, nobody), outlet, fees, lambda _: 0), outlet, fees


def trader(uid: int, base: int = 10**6, quote: int = 10**9) -> Account:
    """Return an account rich in both assets, in whole units."""
    account = Account(f"key {uid}", uid)
    account.balance("BTC").free = base * UNIT
    account.balance("USDT").free = quote * UNIT
    return account


def limit(account: Account, side: str, price: int, quantity: int, tif: str = "GTC", stp: str = "NONE") -> Order:
    """Return a LIMIT order of whole units, not yet submitted."""
    return Order(account, "BTCUSDT", side, "LIMIT", tif, quantity * UNIT, price * UNIT, "id", 0, stp)


def bare_market(seed: int = 1, *others: str) -> Market:
    """Return a market of BTCUSDT and others whose crowd has left: there stands only what the test puts there."""
    market = Market(seed, START, QUIET, [symbol for symbol in SYMBOLS if symbol.name in ("BTCUSDT", *others)])
    for name in market.symbols:
        clear(market, name)
    return market


def clear(market: Market, symbol: str) -> None:
    """Take all quotes of the crowd off a book."""
    venue = market._venues[symbol]
    for orders in venue.makers._resting:
        for order in orders:
            if order.is_open:
                venue.matcher.cancel(order, "", START)
    venue.settle(START)


def strike(
    market: Market, price: object, now_us: int = START, symbol: str = "BTCUSDT", quantity: str = "0.001"
) -> None:
    """Let two strangers trade at a price, which has to lie within the spread."""
    for side in ("SELL", "BUY"):
        stranger = customer(market, "stranger", USDT="1000000", USDC="1000000", BTC="10")
        placed = place(market, stranger, now_us, symbol=symbol, side=side, price=price, quantity=quantity)
    assert placed["status"] == "FILLED", placed


def reports(market: Market) -> list[tuple[str, str, int]]:
    """Take the waiting events and return (execution type, status, order id) of the execution reports."""
    return [(event["x"], event["X"], event["i"]) for event in user_events(market) if event["e"] == "executionReport"]
