"""The doctor command: is the exchange reachable, the clock right, what is used of the limits, what may the key do."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, TypeAlias, final

import attrs
import trio
from rich.table import Table
from rich.text import Text

from trio_binance._client.open import open_binance
from trio_binance._pure.decimals import to_text
from trio_binance._services.events import ConnectFailed
from trio_binance.config import mask
from trio_binance.errors import ApiError, AuthError, BinanceError, NetworkError, NotAdmitted
from trio_binance.models import MarketOrder, Side

from .output import console, is_watched, write

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from rich.console import Console

    from trio_binance._client.client import Binance
    from trio_binance._pure.limits import RuleStatistics
    from trio_binance._services.events import Event
    from trio_binance.config import BinanceConfig

PATIENCE = 20.0
"""Seconds for one check; longer than every deadline of the connector's own."""
QUIET = 5.0
"""Seconds for which a stream may say nothing and still be called well."""
OFFSET_LIMIT_MS = 500
MARKS = {True: "ok", False: "FAILED", None: "-"}
STYLES = {True: "green", False: "bold red", None: "dim"}
_UNITS = ((86_400_000, "day"), (3_600_000, "hour"), (60_000, "minute"), (1000, "second"))

Told: TypeAlias = "tuple[bool | None, str]"
"""Whether all is well, ``None`` where there was nothing to check, and what was found."""


@attrs.define(eq=False)
class Check:
    """One thing to look at, and what was found."""

    name: str
    look: Callable[[Binance], Awaitable[Told]]
    ok: bool | None = None
    told: str = "not reached"
    reached: bool = True
    """Whether the exchange said anything, be it no."""
    done: trio.Event = attrs.field(factory=trio.Event)

    async def run(self, bx: Binance) -> None:
        """Look; whatever goes wrong is what was found."""
        try:
            with trio.fail_after(PATIENCE):
                self.ok, self.told = await self.look(bx)
        except trio.TooSlowError:
            self.ok, self.told, self.reached = False, f"no answer within {PATIENCE:g} s", False
        except BinanceError as exc:
            self.ok, self.told = False, str(exc)
            self.reached = not isinstance(exc, NetworkError | NotAdmitted)
        self.done.set()


async def examine(config: BinanceConfig) -> int:
    """Run every check and tell what each found as soon as it and those above it are done; return 1 if one failed.

    Where REST is not reached, nothing else is tried: it would fail as well, and take its time for it.
    """
    dialling = _Dialling()
    config = attrs.evolve(config, hooks=(*config.hooks, dialling))
    first, last = Check("REST", _rest), Check("limits", _limits)
    middle = [
        Check("clock", _clock),
        Check("streams", dialling.check),
        Check("key", _key),
        Check("account events", _events),
    ]
    out = console()
    await write(f"{config.environment.name}: {config.environment.rest_url}, {config.environment.stream_url}")
    async with open_binance(config) as bx:
        # The line is timed alone; the limits come last, when all that is used of them is used.
        await first.run(bx)
        await _show(out, first)
        if not first.reached:
            for check in (*middle, last):
                await _show(out, check)
            return 1
        async with trio.open_nursery() as nursery:
            for check in middle:
                nursery.start_soon(check.run, bx)
            for check in middle:
                await check.done.wait()
                await _show(out, check)
        await last.run(bx)
        await _show(out, last)
    return 1 if any(check.ok is False for check in (first, *middle, last)) else 0


async def _show(out: Console, check: Check) -> None:
    if not is_watched(out):
        await write(f"{check.name:<14}  {MARKS[check.ok]:<6}  {check.told}")
        return
    # A row of its own for each, so that a long finding hangs under its beginning.
    row = Table.grid(padding=(0, 2, 0, 0))
    row.add_column(width=14)
    row.add_column(width=6)
    row.add_row(Text(check.name, "bold"), Text(MARKS[check.ok], STYLES[check.ok]), Text(check.told))
    out.print(row)


# ---------------------------------------------------------------------------------------------------- checks


async def _rest(bx: Binance) -> Told:
    await bx.general.ping()
    started = trio.current_time()
    await bx.general.ping()
    return True, f"answers within {(trio.current_time() - started) * 1000:.1f} ms"


async def _clock(bx: Binance) -> Told:
    while not (clock := bx.statistics().clock).synced:
        if clock.failures:
            return False, bx.status_reasons.get("clock", "server time unknown")
        await trio.sleep(0.05)
    offset, uncertainty = clock.offset_us / 1000, clock.uncertainty_us / 1000
    right = abs(offset) < OFFSET_LIMIT_MS
    advice = "" if right else "; set this machine's clock (requests are signed with server time all the same)"
    return right, f"the server is {offset:+.1f} ms from here, give or take {uncertainty:.1f} ms{advice}"


@final
class _Dialling:
    """The streams' way to the exchange: a hook that ends the attempt with the first failure's reason."""

    def __init__(self) -> None:
        self.scope = trio.CancelScope()
        self.reason = "not connected in time"

    def __call__(self, event: Event) -> None:
        if isinstance(event, ConnectFailed) and event.connection.startswith("streams"):
            self.reason = event.reason
            self.scope.cancel(reason=event.reason)

    async def check(self, bx: Binance) -> Told:
        """Subscribe to a stream and wait for its first event."""
        started = trio.current_time()
        subscribed = False
        self.scope.deadline = started + bx.config.tuning.connect_timeout + 1
        with self.scope:
            async with bx.streams.book_ticker("BTCUSDT") as feed:
                subscribed = True
                self.scope.deadline = trio.current_time() + QUIET
                event = await feed.receive()
                after = trio.current_time() - started
                best = f"{to_text(event.bid_price)} | {to_text(event.ask_price)}"
                return True, f"first event after {after:.2f} s: {event.symbol} {best}"
        return (True, f"subscribed to BTCUSDT; no event within {QUIET:g} s") if subscribed else (False, self.reason)


async def _limits(bx: Binance) -> Told:
    limits = bx.statistics().limits
    told = ", ".join(_used(rule) for rule in limits.rules if rule.rule.limit)
    return (False, f"{told}; sent away by the exchange for now") if limits.frozen_until else (True, told)


def _used(statistics: RuleStatistics) -> str:
    rule = statistics.rule
    unit_ms, unit = next((unit for unit in _UNITS if rule.interval_ms % unit[0] == 0), (1, "ms"))
    count = rule.interval_ms // unit_ms
    span = unit if count == 1 else f"{count} {unit}s"
    return f"{rule.kind.value.lower().replace('_', ' ')} {statistics.used:,} of {rule.limit:,} per {span}"


async def _key(bx: Binance) -> Told:
    credentials = bx.config.credentials
    if credentials is None:
        return None, "none given; set BINANCE_API_KEY and BINANCE_API_SECRET or BINANCE_PRIVATE_KEY_FILE"
    account = await bx.account.status(omit_zero_balances=True)
    may = [name for name in ("trade", "withdraw", "deposit") if getattr(account, f"can_{name}")]
    trading = "may trade" if await _may_trade(bx) else "may not trade, only read"
    told = f"{credentials.key_type.value} key {mask(credentials.api_key)} {trading}"
    return True, f"{told}; its account may {', '.join(may) or 'do nothing'}"


async def _may_trade(bx: Binance) -> bool:
    """Tell by a test order, which "creates and validates a new order but does not send it into the matching engine"."""
    try:
        await bx.trading.test(MarketOrder("BTCUSDT", Side.BUY, quote_order_qty=Decimal(100)))
    except AuthError:
        return False
    except ApiError as exc:
        if exc.status >= 500 or exc.status in (403, 418, 429, 451):
            raise
        # The key was let through to the order, which then was refused for reasons of its own.
    return True


async def _events(bx: Binance) -> Told:
    if bx.config.credentials is None:
        return None, "need a key"
    async with bx.account.events():
        return True, "subscribed"
