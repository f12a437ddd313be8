from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import Any, NoReturn

import pytest
import trio
import trio.testing

from tests._client.orders import every_list
from tests._client.world import World, open_world
from trio_binance._client.client import Binance
from trio_binance._protocol.catalogue import OPERATIONS
from trio_binance._protocol.operation import Operation
from trio_binance._services.conditions import Status
from trio_binance._services.router import Router
from trio_binance.errors import (
    ConnectorClosed,
    CredentialsRequired,
    InvalidArgument,
    Outcome,
    RequestError,
    ServerError,
)
from trio_binance.models import MarketOrder, OrderResult, OrderStatus, OrderType, Side, TimeInForce
from trio_binance.sandbox.faults import Answer, Bend, FaultSchedule, OnRequest


async def test_call_asks_anything_and_keeps_numbers_exact(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world(credentials=None) as world:
        answer = await world.bx.call("GET", "/api/v3/depth", {"symbol": "BTCUSDT", "limit": 5}, weight=5)
        [price, quantity] = answer["bids"][0]
        assert (Decimal(price), Decimal(quantity)) == world.sandbox.market.book("BTCUSDT").bids[0]
        named = await world.bx.call("GET", "/api/v3/ticker/price", params={"symbols": ["BTCUSDT", "ETHUSDT"]})
        assert [row["symbol"] for row in named] == ["BTCUSDT", "ETHUSDT"]
        assert await world.bx.call("GET", "/api/v3/ping") == {}


async def test_call_signs_when_asked_to(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world() as world:
        account = await world.bx.call("GET", "/api/v3/account", signed=True, weight=20)
        assert account["canTrade"] is True
        order: dict[str, Any] = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": Decimal("0.00100")}
        placed = await world.bx.call("POST", "/api/v3/order", order, signed=True)
        assert placed["status"] == "FILLED"
        with pytest.raises(RequestError, match=r"-2013|-11"):
            await world.bx.call("PUT", "/api/v3/order/amend/keepPriority", {"symbol": "BTCUSDT"}, signed=True)


async def test_call_never_sends_twice_what_may_change_something(autojump_clock: trio.testing.MockClock) -> None:
    """A GET that failed is asked again; a POST stays UNKNOWN."""
    answer = Answer.error(503, -1001, "Internal error.")
    faults = FaultSchedule(
        (OnRequest(1, Bend.say(answer), "/api/v3/avgPrice"), OnRequest(1, Bend.say(answer), "/api/v3/order"))
    )
    async with open_world(faults=faults) as world:
        assert (await world.bx.call("GET", "/api/v3/avgPrice", {"symbol": "BTCUSDT"}))["mins"] == 5
        order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.00100"}
        with pytest.raises(ServerError) as caught:
            await world.bx.call("POST", "/api/v3/order", order, signed=True)
        assert caught.value.outcome is Outcome.UNKNOWN
        assert await world.bx.account.all_orders("BTCUSDT") == []


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        (("get", "/api/v3/ping"), InvalidArgument, "method='get'"),
        (("PATCH", "/api/v3/ping"), InvalidArgument, "method='PATCH'"),
        (("GET", "api/v3/ping"), InvalidArgument, "path='api/v3/ping'"),
        (("GET", "/api/v3/ping?x=1"), InvalidArgument, "path="),
        (("GET", "/api/v3/ping#x"), InvalidArgument, "path="),
        (("GET", "/api/v3/ ping"), InvalidArgument, "path="),
        (("GET", "/api/v3/pïng"), InvalidArgument, "path="),
        (("GET", "/api/v3/ping\n"), InvalidArgument, "path="),
        (("GET", None), InvalidArgument, "path=None"),
        (("GET", "/api/v3/depth", {"limit": 0.5}), InvalidArgument, r"limit=0\.5"),
        (("GET", "/api/v3/depth", {"limit": {}}), InvalidArgument, "limit={}"),
    ],
)
async def test_what_call_cannot_send_is_named(
    arguments: Any, error: type[Exception], text: str, autojump_clock: trio.testing.MockClock
) -> None:
    async with open_world(credentials=None) as world:
        with pytest.raises(error, match=text):
            await world.bx.call(*arguments)


@pytest.mark.parametrize(("weight", "error"), [(-1, InvalidArgument), (0.5, TypeError), (True, TypeError)])
async def test_a_weight_is_a_whole_number(
    weight: Any, error: type[Exception], autojump_clock: trio.testing.MockClock
) -> None:
    async with open_world(credentials=None, ready=False) as world:
        with pytest.raises(error, match="weight="):
            await world.bx.call("GET", "/api/v3/ping", weight=weight)


async def test_a_signed_call_needs_credentials(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world(credentials=None) as world:
        with pytest.raises(CredentialsRequired):
            await world.bx.call("GET", "/api/v3/account", signed=True)


async def test_statistics_tell_of_every_part(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world() as world, world.bx.streams.trades("BTCUSDT"):
        told = world.bx.statistics()
        assert told.clock.samples > 0
        assert [shard.confirmed for shard in told.streams.shards] == [1]
        assert told.ws_api is not None
        assert told.ws_api.connects == 1
        assert told.user_data is not None
        assert told.user_data.subscribed
        names = [child.name for child in told.supervisor.children]
        services = ["rest", "streams", "clock", "wsapi", "userdata", "mirror", "books", "gapless", "journal", "orders"]
        assert names == services
        assert told.breaker.state.value == "closed"
        assert told.ws_api_breaker is not None
        assert told.ws_api_breaker.state.value == "closed"
        assert told.limits.admitted > 0
    async with open_world(credentials=None) as world:
        told = world.bx.statistics()
        assert told.user_data is None
        assert told.ws_api is not None
        assert told.ws_api.connects == 0


async def test_its_repr_tells_where_and_how_it_is(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world() as world:
        assert repr(world.bx) == "<Binance sandbox, READY>"
        assert (world.bx.status, world.bx.status_reasons) == (Status.READY, {})
    assert repr(world.bx) == "<Binance sandbox, CLOSED>"
    assert world.bx.status is Status.CLOSED


def test_only_open_binance_makes_one() -> None:
    Public: Any = Binance
    with pytest.raises(TypeError, match="no public constructor"):
        Public()


STANDING = OrderResult(
    symbol="BTCUSDT",
    order_id=1,
    client_order_id="standing",
    transact_time=1,
    price=Decimal(1),
    orig_qty=Decimal(2),
    executed_qty=Decimal(0),
    cummulative_quote_qty=Decimal(0),
    status=OrderStatus.NEW,
    time_in_force=TimeInForce.GTC,
    type=OrderType.LIMIT,
    side=Side.BUY,
)


ASKS_NOTHING = {
    "events",
    "inherited",
    "mirror",
    "new_client_order_id",
    "track",
    "unsettled",
    "wait_resolved",
    "wait_settled",
}


def every_call(world: World) -> dict[str, Any]:
    """Return a call of every method that asks the exchange, by room and name."""
    bx, order = world.bx, MarketOrder("BTCUSDT", Side.BUY, quantity=Decimal("0.001"))
    arguments: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
        "historical_block_trades": (("BTCUSDT",), {"from_id": 1}),
        "klines": (("BTCUSDT",), {"interval": "1m"}),
        "ui_klines": (("BTCUSDT",), {"interval": "1m"}),
        **dict.fromkeys(("place", "test", "place_sor", "test_sor", "check", "snap"), ((order,), {})),
        **{name: ((request,), {}) for name, request in every_list(world).items()},
        **dict.fromkeys(("cancel", "order", "order_amendments"), (("BTCUSDT",), {"order_id": 1})),
        "cancel_replace": ((order,), {"cancel_order_id": 1}),
        "amend_keep_priority": (("BTCUSDT",), {"order_id": 1, "new_qty": 1}),
        "check_amendment": ((STANDING, 1), {}),
        "cancel_order_list": (("BTCUSDT",), {"order_list_id": 1}),
        "order_list": ((), {"order_list_id": 1}),
    }
    bare = {"ping", "time", "exchange_info", "execution_rules", "status", "order_rate_limits"}
    bare |= {"all_order_lists", "open_order_lists", "logon", "logout", "subscriptions"}
    calls = {}
    for room in ("general", "market", "trading", "account", "session"):
        for name in dir(getattr(bx, room)):
            if not name.startswith("_") and name not in ASKS_NOTHING:
                given, named = arguments.get(name, (() if name in bare else ("BTCUSDT",), {}))
                calls[f"{room}.{name}"] = partial(getattr(getattr(bx, room), name), *given, **named)
    return {
        **calls,
        "wait_ready": bx.wait_ready,
        "call": lambda: bx.call("GET", "/api/v3/ping"),
        "call signed": lambda: bx.call("GET", "/api/v3/account", signed=True),
        "account.events": lambda: bx.account.events().__aenter__(),
        "trading.track": lambda: bx.trading.track("BTCUSDT", order_id=1).__aenter__(),
        "streams.trades": lambda: bx.streams.trades("BTCUSDT").__aenter__(),
        "streams.subscribe": lambda: bx.streams.subscribe("btcusdt@depth").__aenter__(),
    }


async def test_every_operation_of_the_catalogue_has_a_method_of_its_own(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All but the three that subscribe, which a feed of account events does."""
    asked: list[str] = []

    async def note(_router: Router, operation: Operation[Any], params: Any, _passage: Any = None) -> NoReturn:
        operation.check(params)
        asked.append(operation.name)
        raise ConnectorClosed("noted")

    async with open_world() as world:
        monkeypatch.setattr(Router, "call", note)
        monkeypatch.setattr(Router, "session_call", note)
        for call in every_call(world).values():
            if isinstance(call, partial):
                with pytest.raises(ConnectorClosed, match="noted"):
                    await call()
    subscribing = {name for name in OPERATIONS if name.startswith("userDataStream")}
    assert set(asked) == OPERATIONS.keys() - subscribing


@pytest.mark.parametrize("prefer", ["rest", "ws_api"])
async def test_nothing_works_nor_hangs_after_the_block(prefer: str, autojump_clock: trio.testing.MockClock) -> None:
    async with open_world(prefer=prefer) as world:
        calls = every_call(world)
    for call in calls.values():
        with trio.fail_after(0.001), pytest.raises(ConnectorClosed):
            await call()
    assert world.bx.server_time_ms() > 0
    assert world.bx.statistics().supervisor.children
    assert world.bx.config is not None


async def test_nothing_hangs_after_the_block_without_a_network_either(autojump_clock: trio.testing.MockClock) -> None:
    """The clock was never synchronised, so that a signed call would have waited for it."""
    async with open_world(ready=False) as world:
        calls = every_call(world)
    for call in calls.values():
        with trio.fail_after(0.001), pytest.raises(ConnectorClosed):
            await call()


async def test_who_waits_for_a_ban_to_end_hears_that_the_connector_is_closed(
    autojump_clock: trio.testing.MockClock,
) -> None:
    faults = FaultSchedule((OnRequest(1, Bend.say(Answer.limited("86400", banned=True)), "/api/v3/avgPrice"),))
    ended: list[float] = []

    async def ask(world: World) -> None:
        with pytest.raises(ConnectorClosed):
            await world.bx.market.depth("BTCUSDT")
        ended.append(trio.current_time())

    async with trio.open_nursery() as nursery:
        async with open_world(faults=faults) as world:
            with pytest.raises(Exception, match="418"):
                await world.bx.market.avg_price("BTCUSDT")
            nursery.start_soon(ask, world)
            await trio.sleep(5)
            began = trio.current_time()
    assert ended[0] - began < 5


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (0.5, r'write Decimal\("0.5"\)'),
        ([0.5], "cannot be sent"),
        (["a", 1], "cannot be sent"),
        (Decimal("NaN"), "not finite"),
        (object, "cannot be sent"),
    ],
)
async def test_a_value_that_call_cannot_send_is_refused_by_its_name(
    value: Any, reason: str, autojump_clock: trio.testing.MockClock
) -> None:
    async with open_world(credentials=None) as world:
        with pytest.raises(InvalidArgument, match=f"^limit=.*: .*{reason}"):
            await world.bx.call("GET", "/api/v3/depth", {"symbol": "BTCUSDT", "limit": value})
