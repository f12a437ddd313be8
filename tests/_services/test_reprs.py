"""What is on its way shows neither key nor signature, whoever prints it: a debugger, a crash, a log of locals."""

from __future__ import annotations

import gc
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
import trio

from tests._services.helpers_router import KEY, PEM
from tests._services.helpers_streams import open_lab
from trio_binance._protocol.catalogue import trading
from trio_binance.config import Credentials
from trio_binance.errors import BinanceError
from trio_binance.sandbox.faults import BlackHole, Timed

if TYPE_CHECKING:
    from trio.testing import MockClock

ORDER: dict[str, Any] = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "MARKET",
    "quantity": Decimal("0.01"),
    "newOrderRespType": "FULL",
}
SECRET = re.compile(r"signature['\"]?\s*[=:]|[A-Za-z0-9+/=%]{60,}")
OURS = ("trio_binance._services.", "trio_binance._protocol.", "trio_binance._pure.signing", "trio_binance._client.")


def shown() -> dict[str, str]:
    """Return what every object of ours that lives says of itself, by its class."""
    found: dict[str, str] = {}
    for thing in gc.get_objects():
        kind = type(thing)
        if kind.__module__.startswith(OURS) and "__repr__" in vars(kind):
            found.setdefault(f"{kind.__module__}.{kind.__qualname__}", "")
            found[f"{kind.__module__}.{kind.__qualname__}"] += repr(thing)
    return found


@pytest.mark.parametrize("credentials", [Credentials.hmac(KEY, "secret"), Credentials.ed25519(KEY, PEM)])
@pytest.mark.parametrize(("wire", "on_its_way"), [("rest", "http1.Call"), ("ws_api", "_Pending")])
async def test_an_order_on_its_way_shows_no_secret_in_any_repr(
    wire: Any, on_its_way: str, credentials: Credentials, autojump_clock: MockClock
) -> None:
    settings: Any = {"credentials": credentials, "prefer": wire, "fallback": False, "session_logon": False}
    async with open_lab(Timed(1.5, BlackHole("in")), run="rest clock wsapi", activity=1e-6, **settings) as lab:
        await lab.router.call(trading.PLACE, ORDER)
        await trio.sleep_until(2)

        async def place() -> None:
            with pytest.raises(BinanceError):
                await lab.router.call(trading.PLACE, ORDER)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(place)
            await trio.sleep(1)
            texts = shown()
        assert any(name.endswith(on_its_way) for name in texts)
        assert {name: text for name, text in texts.items() if SECRET.search(text)} == {}
