"""The scenario: what every client does on the exchange, by whatever way it does such things.

An adapter translates it into its client's own public calls, and their answers into the plain facts below. The facts are
printed as lines of JSON; whoever runs the exchange holds them to the truth.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from decimal import ROUND_DOWN, Decimal
from importlib.metadata import version
from typing import Any, Final, Protocol, TypeVar

SYMBOL: Final = "BTCUSDT"
ASSETS: Final = ("BTC", "USDT")
DEADLINE: Final = 15.0
"""Seconds for one step; some clients hang."""
PATIENCE: Final = 2.0
"""Seconds for its farewell; one of them waits ten for a last message."""
UNKNOWN_ORDER: Final = -2011
"""The code of a cancellation that finds no open order."""

T = TypeVar("T")


@dataclass
class Job:
    """Where the exchange is, and whose key to use in what way."""

    rest: str
    """``http://host:port``"""
    streams: str
    """``ws://host:port``"""
    ws_api: str
    """``ws://host:port/ws-api/v3``"""
    way: str
    """How the requests travel: ``rest`` or ``ws_api``."""
    key_type: str
    """``HMAC``, ``ED25519`` or ``RSA``."""
    api_key: str
    secret: str
    """The secret of an HMAC key, else the private key as PEM."""
    key_file: str
    """A file with the private key."""


@dataclass
class Order:
    """An order as a client sees it; numbers as text."""

    id: int
    client_id: str
    status: str
    executed: str
    spent: str


@dataclass
class Fill:
    """A fill as a client sees it."""

    id: int
    order_id: int
    price: str
    quantity: str
    fee: str
    fee_asset: str


Balances = dict[str, tuple[str, str]]
"""Free and locked of each asset."""


@dataclass
class Told:
    """What the account's events have told so far."""

    statuses: dict[int, str] = field(default_factory=dict)
    """The latest status of each order."""
    fills: list[Fill] = field(default_factory=list)
    balances: Balances = field(default_factory=dict)


class Client(Protocol):
    """What an adapter can do; each a call or two of the client's own public API."""

    package: str

    async def open(self) -> None:
        """Connect."""

    async def close(self) -> None:
        """Let everything go."""

    async def rules(self) -> tuple[str, str]:
        """Return tick and step of the symbol, from exchangeInfo."""

    async def best(self) -> tuple[str, str]:
        """Return the best bid and ask."""

    async def watch_best(self) -> tuple[str, str]:
        """Return the best bid and ask from a market stream."""

    async def listen(self, told: Told) -> None:
        """Subscribe to the account's events; from now on ``told`` is kept up to date."""

    async def limit(self, side: str, quantity: str, price: str, client_id: str) -> Order:
        """Place a LIMIT order, GTC."""

    async def market(self, side: str, quantity: str, client_id: str) -> Order:
        """Place a MARKET order."""

    async def order(self, order_id: int) -> Order:
        """Query an order."""

    async def open_orders(self) -> list[Order]:
        """Query the open orders of the symbol."""

    async def cancel(self, order_id: int) -> Order:
        """Cancel an order."""

    async def replace(self, order: Order, quantity: str, price: str) -> Order:
        """Cancel a LIMIT order to buy and place another in one request; return the new one."""

    async def pair(self, quantity: str, above: str, below: str) -> tuple[int, list[Order]]:
        """Place an OCO to sell, a LIMIT_MAKER above and a STOP_LOSS_LIMIT below; return its id and its orders."""

    async def cancel_pair(self, list_id: int) -> list[Order]:
        """Cancel an OCO; return its orders."""

    async def refusal(self, order_id: int) -> int:
        """Cancel an order that is not open; return the code of the error that the client raises."""

    async def fills(self) -> list[Fill]:
        """Query the account's fills on the symbol."""

    async def balances(self) -> Balances:
        """Query the balances of ``ASSETS``."""


class Failed(Exception):
    """A step went wrong; it is reported already."""


def say(**facts: Any) -> None:
    """Print a line for whoever runs the exchange."""
    print(json.dumps(facts), flush=True)


def note(text: str) -> None:
    """Tell what the client itself gets wrong, on any exchange, and what was done about it."""
    say(note=text)


async def step(name: str, work: Awaitable[T], check: Callable[[T], object] = lambda _: True) -> T:
    """Do a step in its time and report it.

    Raises:
        Failed: it raised, took too long, or its result does not pass the check.
    """
    begun = time.monotonic()
    try:
        async with asyncio.timeout(DEADLINE):
            result = await work
        if not check(result):
            raise AssertionError(f"got {result!r}")
    except Exception as error:
        traceback.print_exc()  # to standard error
        why = f"nothing within {DEADLINE:g} s" if isinstance(error, TimeoutError) else repr(error)
        say(step=name, ok=False, why=why[:300])
        raise Failed from error
    say(step=name, ok=True, ms=round(1000 * (time.monotonic() - begun)))
    return result


async def play(client: Client) -> None:
    """Play the scenario.

    Raises:
        Failed: a step went wrong; those after it are not tried.
    """
    told = Told()
    await step("connect", client.open())
    tick, _ = await step("exchange info", client.rules())
    bid, _ = await step("best prices", client.best(), _is_market)
    await step("market stream", client.watch_best(), _is_market)
    await step("subscribe to account", client.listen(told))

    def at(ratio: str) -> str:
        return f"{(Decimal(bid) * Decimal(ratio)).quantize(Decimal(tick).normalize(), ROUND_DOWN):f}"

    ended = await rest(client, at)
    ended += await pair(client, at)
    bought = await step("market order", client.market("BUY", "0.5", "peer-market"), _has("FILLED"))
    sold = await step("crossing limit", client.limit("SELL", "0.4", at("0.97"), "peer-crossing"), _has("FILLED"))
    offered = await step("filled as maker", made(client, told))
    await step("events of fills", heard(told, bought, sold, offered[-1]))
    await tell(client, told, [*ended, bought, sold], offered)


def _is_market(best: tuple[str, str]) -> bool:
    return 0 < Decimal(best[0]) < Decimal(best[1])


def _has(*statuses: str) -> Callable[[Order | list[Order]], bool]:
    """Return a check of the statuses of one order, or of several in any order."""

    def check(orders: Order | list[Order]) -> bool:
        every = orders if isinstance(orders, list) else [orders]
        return sorted(order.status for order in every) == sorted(statuses)

    return check


async def rest(client: Client, at: Callable[[str], str]) -> list[Order]:
    """Place an order that rests, find it, replace it and cancel what replaced it; return how they ended."""
    resting = await step("place limit", client.limit("BUY", "0.01", at("0.8"), "peer-resting"), _has("NEW"))
    await step("query", client.order(resting.id), _has("NEW"))
    await step("open orders", client.open_orders(), lambda orders: [order.id for order in orders] == [resting.id])
    replaced = await step(
        "cancel and replace",
        client.replace(resting, "0.02", at("0.79")),
        lambda order: order.status == "NEW" and order.id != resting.id,
    )
    cancelled = await step("cancel", client.cancel(replaced.id), _has("CANCELED"))
    await step("error of a refusal", client.refusal(replaced.id), lambda code: code == UNKNOWN_ORDER)
    return [await step("query the replaced", client.order(resting.id), _has("CANCELED")), cancelled]


async def pair(client: Client, at: Callable[[str], str]) -> list[Order]:
    """Place a pair of orders of which one cancels the other, find both and cancel them; return how they ended."""
    list_id, _ = await step(
        "place a pair", client.pair("0.01", at("1.2"), at("0.9")), lambda placed: _has("NEW", "NEW")(placed[1])
    )
    await step("both are open", client.open_orders(), _has("NEW", "NEW"))
    return await step("cancel the pair", client.cancel_pair(list_id), _has("CANCELED", "CANCELED"))


async def tell(client: Client, told: Told, answered: list[Order], offered: list[Order]) -> None:
    """Query everything and say it; ``answered`` are orders as they ended, by the answers to requests."""
    every = [*answered, *offered]
    orders = await step("query again", asyncio.gather(*(client.order(order.id) for order in every)))
    fills = await step("query fills", client.fills())
    balances = await step("query balances", client.balances())
    say(
        facts={
            "answered": [asdict(order) for order in answered],
            "orders": [asdict(order) for order in orders],
            "fills": [asdict(fill) for fill in fills],
            "told": asdict(told),
            "balances": balances,
        }
    )


async def made(client: Client, told: Told) -> list[Order]:
    """Offer at the middle of the market until somebody takes; return the orders that it took, the filled one last."""
    offered: list[Order] = []
    while True:
        bid, ask = map(Decimal, await client.best())
        middle = f"{((bid + ask) / 2).quantize(Decimal('0.01'), ROUND_DOWN):f}"
        offered.append(await client.limit("BUY", "0.002", middle, f"peer-offer-{len(offered)}"))
        for _ in range(20):
            if told.statuses.get(offered[-1].id) == "FILLED":
                return offered
            await asyncio.sleep(0.05)
        await client.refusal(offered[-1].id)  # the market has moved away from it, or somebody takes it just now


async def heard(told: Told, *orders: Order) -> None:
    """Wait until the events have told of every fill, and of the balances after."""
    while not all(told.statuses.get(order.id) == "FILLED" for order in orders):
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.5)  # for the balances, and for what should not come twice


def main(make: Callable[[Job], Client]) -> None:
    """Play the scenario with the job on standard input; exit with 1 when a step went wrong."""
    job = Job(**json.loads(sys.stdin.readline()))
    try:
        asyncio.run(asyncio.wait_for(whole(make, job), 8 * DEADLINE))
    except Failed:
        sys.exit(1)


async def whole(make: Callable[[Job], Client], job: Job) -> None:
    client = make(job)
    say(version=version(client.package))
    try:
        await play(client)
    finally:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(client.close(), PATIENCE)
