"""The doctor command: is the exchange reachable, the clock right, what is used of the limits, what may the key do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import trio
from rich.table import Table

from trio_binance._client.open import open_binance
from trio_binance.errors import BinanceError

from .output import console, line

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from trio_binance._client.client import Binance
    from trio_binance.config import BinanceConfig

PATIENCE = 20.0
"""Seconds for one check; longer than every deadline of the connector's own."""
OFFSET_LIMIT_MS = 500


@attrs.frozen
class Finding:
    """What one check found; ``ok`` is ``None`` where there was nothing to check."""

    check: str
    ok: bool | None
    told: str


async def examine(config: BinanceConfig) -> int:
    """Run every check and show the findings; return 1 when one failed."""
    findings: list[Finding] = []
    async with open_binance(config) as bx:
        for name, check in _checks(bx).items():
            findings.append(await _run(name, check))
    _show(config.environment.name, findings)
    return 1 if any(finding.ok is False for finding in findings) else 0


def _checks(bx: Binance) -> dict[str, Callable[[], Awaitable[Finding]]]:
    return {
        "REST": lambda: _rest(bx),
        "clock": lambda: _clock(bx),
        "streams": lambda: _streams(bx),
        "limits": lambda: _limits(bx),
        "key": lambda: _key(bx),
        "account events": lambda: _events(bx),
    }


async def _run(name: str, check: Callable[[], Awaitable[Finding]]) -> Finding:
    try:
        with trio.fail_after(PATIENCE):
            return await check()
    except trio.TooSlowError:
        return Finding(name, False, f"no answer within {PATIENCE:g} s")
    except BinanceError as exc:
        return Finding(name, False, str(exc))


async def _rest(bx: Binance) -> Finding:
    await bx.general.ping()
    started = trio.current_time()
    await bx.general.ping()
    return Finding("REST", True, f"answers within {(trio.current_time() - started) * 1000:.1f} ms")


async def _clock(bx: Binance) -> Finding:
    while not bx.statistics().clock.synced:
        await trio.sleep(0.05)
    clock = bx.statistics().clock
    offset, uncertainty = clock.offset_us / 1000, clock.uncertainty_us / 1000
    right = abs(offset) < OFFSET_LIMIT_MS
    advice = "" if right else "; this machine's clock is wrong (requests are signed with server time all the same)"
    return Finding("clock", right, f"server is {offset:+.1f} ms from here, known to {uncertainty:.1f} ms{advice}")


async def _streams(bx: Binance) -> Finding:
    info = await bx.general.exchange_info(symbol="BTCUSDT")
    symbol = info.symbols[0].symbol
    started = trio.current_time()
    async with bx.streams.book_ticker(symbol) as feed:
        with trio.move_on_after(PATIENCE / 2):
            await feed.receive()
            return Finding("streams", True, f"first {symbol} event after {trio.current_time() - started:.2f} s")
    return Finding("streams", True, f"subscribed to {symbol}; no event within {PATIENCE / 2:g} s")


async def _limits(bx: Binance) -> Finding:
    rules = bx.statistics().limits.rules
    told = ", ".join(f"{rule.rule.kind.value} {rule.used}/{rule.rule.limit}" for rule in rules if rule.rule.limit)
    return Finding("limits", True, told)


async def _key(bx: Binance) -> Finding:
    if bx.config.credentials is None:
        return Finding("key", None, "none given (BINANCE_API_KEY)")
    account = await bx.account.status(omit_zero_balances=True)
    may = [name for name in ("trade", "withdraw", "deposit") if getattr(account, f"can_{name}")]
    return Finding("key", True, f"{bx.config.credentials!r} may {', '.join(may) or 'only read'}")


async def _events(bx: Binance) -> Finding:
    if bx.config.credentials is None:
        return Finding("account events", None, "need a key")
    async with bx.account.events():
        return Finding("account events", True, "subscribed")


def _show(environment: str, findings: list[Finding]) -> None:
    out = console()
    marks = {True: "ok", False: "FAILED", None: "-"}
    if not out.is_terminal:
        for finding in findings:
            line(f"{finding.check}: {marks[finding.ok]}: {finding.told}")
        return
    table = Table("check", "", "finding", title=f"trio-binance doctor: {environment}", title_justify="left")
    styles = {True: "green", False: "bold red", None: "dim"}
    for finding in findings:
        table.add_row(finding.check, f"[{styles[finding.ok]}]{marks[finding.ok]}[/]", finding.told)
    out.print(table)
