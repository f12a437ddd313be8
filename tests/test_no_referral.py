"""No referral: nothing that is sent credits an order to anybody but the one whose key it is."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random

import pytest
import trio.testing

import trio_binance
from tests._client.orders import every_list, resting
from tests._client.world import World, open_world
from trio_binance import Binance
from trio_binance._protocol.catalogue import OPERATIONS
from trio_binance._pure.ids import ClientOrderIds
from trio_binance._services.router import Router

PACKAGE = Path(trio_binance.__file__).parent
REFERRAL = re.compile(
    r"broker|referr(?:al|er)|rebate|affiliate|agent.?(?:code|id)|ref.?code|tracking.?id", re.IGNORECASE
)
PARTNER_ID = re.compile(r"[\"']x-[A-Z0-9]{6,}\b")
"""What the exchange's partners put before their client order ids."""
OURS = re.compile(r"(?:tb|op)-[0-9a-z]{14}-[0-9a-z]+")


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_no_operation_knows_a_parameter_for_it(name: str) -> None:
    assert [param.name for param in OPERATIONS[name].params if REFERRAL.search(param.name)] == []


def test_no_line_of_the_package_speaks_of_it() -> None:
    found = [
        f"{path.relative_to(PACKAGE)}: {line.strip()}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for line in path.read_text("utf-8").splitlines()
        # "brokered" is a word of the exchange's own answer about an account.
        if PARTNER_ID.search(line) or REFERRAL.search(line.replace("brokered", ""))
    ]
    assert found == []


def test_our_ids_are_like_no_partner_s() -> None:
    boots = Random(7)
    for prefix in ("tb", "op"):
        ids = ClientOrderIds(prefix, boots.getrandbits(64))
        assert all(OURS.fullmatch(ids.next_id()) for _ in range(1000))


async def test_every_id_that_leaves_is_the_caller_s_or_ours(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: trio.testing.MockClock
) -> None:
    """What is placed, replaced, amended and cancelled without a name is named by us, and otherwise as it was."""
    sent: dict[str, set[str]] = {}
    call = Router.call

    async def keeping(self: Router, operation: object, params: object, *more: object) -> object:
        for name, value in params.items():  # type: ignore[attr-defined]
            if "lientOrderId" in name and value is not None:
                sent.setdefault(name, set()).add(str(value))
        return await call(self, operation, params, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(Router, "call", keeping)
    async with open_world() as world:
        await _trade(world.bx, world)
    assert {"newClientOrderId", "listClientOrderId", "cancelNewClientOrderId", "aboveClientOrderId"} <= sent.keys()
    names = set().union(*sent.values())
    assert "x-mine-to-choose" in names
    assert [name for name in names - {"x-mine-to-choose"} if not OURS.fullmatch(name)] == []


async def _trade(bx: Binance, world: World) -> None:
    for method, request in every_list(world).items():
        await getattr(bx.trading, method)(request)
        await bx.trading.cancel_open_orders(request.symbol)
    order = resting(world, client_order_id="x-mine-to-choose")
    await bx.trading.place(order)
    replaced = await bx.trading.cancel_replace(
        resting(world, 1100),
        cancel_client_order_id="x-mine-to-choose",
    )
    placed = replaced.new_order_response
    assert placed is not None
    await bx.trading.cancel(order.symbol, order_id=placed.order_id)
