"""Two wires, one call: which one is taken, what may move to the other, and what never does."""

from __future__ import annotations

import json
from typing import Any

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from tests._services.helpers_router import ACK, CANCEL, CANCELLED, KEY, OK, ORDER, PEM, Step, World, answer
from trio_binance._protocol.catalogue import account, general, market, session, trading
from trio_binance._protocol.operation import Operation
from trio_binance._protocol.wsapi import Answer
from trio_binance._pure.limits import LimitKind
from trio_binance._pure.signing import ws_api_payload
from trio_binance._services.events import BanStarted, BreakerChanged, KeyRefused, LoggedOff, LoggedOn
from trio_binance.config import Credentials, Environment, TimeUnit
from trio_binance.errors import (
    ApiError,
    AuthError,
    Banned,
    BinanceError,
    BreakerOpen,
    ClockUnsynced,
    ConnectError,
    ConnectionLost,
    CredentialsRequired,
    DeadlineExceeded,
    DecodeError,
    NotServed,
    Outcome,
    ServerError,
    TimestampError,
    UnknownSymbol,
)
from trio_binance.models import CancelResult, ServerTime

ED25519 = Credentials.ed25519(KEY, PEM)
DONE = answer(result=ACK)
LOST = ConnectionLost("reset")
NOT_SENT = ConnectionLost("gone", outcome=Outcome.NOT_SENT)
BUSY = answer(503, error={"code": -1008, "msg": "Server is currently overloaded."})
LIMITS = [{"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000, "count": 9}]
ME = {"apiKey": KEY, "authorizedSince": 1, "connectedSince": 1, "returnRateLimits": True, "serverTime": 1}
NOBODY = {**ME, "apiKey": None, "authorizedSince": None}


def status_of(told: dict[str, Any]) -> Answer:
    return answer(result=json.dumps({**told, "userDataStream": False}).encode())


# ------------------------------------------------------------------------------------------------ which wire


@pytest.mark.parametrize(("prefer", "wires"), [("rest", "RR"), ("ws_api", "WW")])
async def test_calls_take_the_wire_that_is_preferred(prefer: Any, wires: str) -> None:
    world = World((200, OK), (200, ACK), ws=[answer(), DONE], prefer=prefer)
    assert await world.router.call(general.TIME, {}) == ServerTime(1700000070000)
    assert (await world.router.call(trading.PLACE, ORDER)).client_order_id == "mine"
    assert world.wires == wires


async def test_a_call_of_the_websocket_api_is_signed_and_says_the_same() -> None:
    world = World(ws=[DONE], prefer="ws_api")
    await world.router.call(trading.PLACE, ORDER)
    [(method, params, by_session)] = world.line.requests
    assert method == "order.place"
    assert (params["quantity"], params["apiKey"]) == ("1.00", KEY)
    assert len(params["signature"]) == 64
    assert not by_session


@pytest.mark.parametrize("prefer", ["rest", "ws_api"])
async def test_an_operation_takes_the_wire_it_has(prefer: Any) -> None:
    world = World((200, OK), ws=[status_of(NOBODY)], prefer=prefer)
    assert (await world.router.session_call(session.STATUS, {})).api_key is None
    assert world.wires == "W"
    unknown: Operation[Any] = Operation("GET", "/api/v3/time", None, general.TIME.security, general.TIME.weight, Any)
    await world.router.call(unknown, {})
    assert world.wires == "RW"


async def test_without_a_second_wire_everything_takes_the_first() -> None:
    world = World((200, OK), prefer="ws_api")
    await world.router.call(general.TIME, {})
    assert world.wires == "R"
    with pytest.raises(NotServed):
        await world.router.session_call(session.STATUS, {})


@pytest.mark.parametrize(
    ("operation", "params", "body"),
    [(general.TIME, {}, OK), (trading.CANCEL, CANCEL, CANCELLED)],
    ids=["question", "cancel"],
)
async def test_what_asks_or_cancels_takes_the_other_wire_at_once_when_the_preferred_is_not_there(
    operation: Operation[Any], params: Any, body: bytes, autojump_clock: trio.testing.MockClock
) -> None:
    world = World((200, body), ws=[answer(result=body)], prefer="ws_api")
    world.ws_api.usable = False
    await world.router.call(operation, params)
    assert (world.wires, trio.current_time()) == ("R", 0)
    world = World((200, body), ws=[answer(result=body)], prefer="rest")
    world.router.rest.http = None
    await world.router.call(operation, params)
    assert (world.wires, trio.current_time()) == ("W", 0)


@pytest.mark.parametrize("prefer", ["rest", "ws_api"])
async def test_an_order_takes_the_preferred_wire_or_none(prefer: Any, autojump_clock: trio.testing.MockClock) -> None:
    world = World((200, ACK), ws=[DONE], prefer=prefer)
    world.ws_api.usable = False
    if prefer == "rest":
        world.router.rest.http, world.ws_api.usable = None, True
    with pytest.raises((ConnectError, ConnectionLost)) as caught:
        await world.router.call(trading.PLACE, ORDER)
    assert caught.value.outcome is Outcome.NOT_SENT
    assert world.wires == ""
    assert world.used(LimitKind.ORDERS) == 0


async def test_an_order_waits_a_little_for_a_connection_that_is_being_replaced(
    autojump_clock: trio.testing.MockClock,
) -> None:
    world = World(ws=[DONE], prefer="ws_api")
    world.ws_api.usable, world.ws_api.back_at = False, trio.current_time() + 2
    await world.router.call(trading.PLACE, ORDER)
    assert (world.wires, trio.current_time()) == ("W", 2)
    sent = int(str(world.line.requests[0][1]["timestamp"]))
    assert world.clock.server_ms() - sent < 100  # signed when it left, not before it waited


async def test_without_fallback_a_question_waits_like_an_order(autojump_clock: trio.testing.MockClock) -> None:
    world = World((200, OK), ws=[answer()], prefer="ws_api", fallback=False)
    world.ws_api.usable, world.ws_api.back_at = False, trio.current_time() + 2
    await world.router.call(general.TIME, {})
    assert (world.wires, trio.current_time()) == ("W", 2)


# --------------------------------------------------------------------------------------- what may move, what not


@pytest.mark.parametrize("failure", [LOST, NOT_SENT, DeadlineExceeded("late"), BUSY])
async def test_a_question_that_failed_is_asked_once_more_on_the_other_wire(failure: Any) -> None:
    world = World((200, OK), ws=[failure], prefer="ws_api")
    assert await world.router.call(general.TIME, {}) == ServerTime(1700000070000)
    assert world.wires == "RW"
    world = World((503, b""), ws=[failure], prefer="ws_api")
    with pytest.raises(BinanceError):
        await world.router.call(general.TIME, {})
    assert world.wires == "RW"


async def test_a_question_that_failed_without_another_wire_is_asked_once_more_on_the_same() -> None:
    for fallback, usable in ((False, True), (True, False)):
        world = World(LOST, (200, OK), ws=[answer()], fallback=fallback)
        world.ws_api.usable = usable
        await world.router.call(general.TIME, {})
        assert world.wires == "RR"


@pytest.mark.parametrize(
    ("rest", "ws", "prefer"),
    [
        (ConnectError("refused"), answer(result=CANCELLED), "rest"),
        ((200, CANCELLED), NOT_SENT, "ws_api"),
    ],
)
async def test_a_cancel_that_was_certainly_not_sent_takes_the_other_wire(rest: Any, ws: Any, prefer: Any) -> None:
    world = World(rest, ws=[ws], prefer=prefer)
    cancelled = await world.router.call(trading.CANCEL, CANCEL)
    assert isinstance(cancelled, CancelResult)
    assert cancelled.order_id == 1
    assert world.wires == "RW"


LINE_ERRORS = (
    LOST,
    NOT_SENT,
    DeadlineExceeded("late"),
    ConnectError("no"),
    DeadlineExceeded("x", outcome=Outcome.NOT_SENT),
)


@given(
    rest=st.sampled_from([*LINE_ERRORS, (503, b""), (200, b"<html>"), (200, ACK)]),
    ws=st.sampled_from([*LINE_ERRORS, BUSY, answer(result=b"[]"), DONE]),
    prefer=st.sampled_from(["rest", "ws_api"]),
    usable=st.booleans(),
    fallback=st.booleans(),
    operation=st.sampled_from([trading.PLACE, trading.CANCEL, trading.CANCEL_REPLACE, trading.AMEND_KEEP_PRIORITY]),
)
def test_nothing_that_changes_state_leaves_twice(
    rest: Step, ws: Any, prefer: Any, usable: bool, fallback: bool, operation: Operation[Any]
) -> None:
    async def run() -> None:
        world = World(rest, ws=[ws], prefer=prefer, fallback=fallback)
        world.ws_api.usable = usable
        params = ORDER if operation is trading.PLACE else CANCEL
        outcomes: list[Outcome] = []
        try:
            await world.router.call(operation, params)
        except BinanceError as exc:
            outcomes.append(exc.outcome)
        # What a scripted wire raises as NOT_SENT never left.
        left = len(world.http.sent) - (isinstance(rest, BinanceError) and rest.outcome is Outcome.NOT_SENT)
        left += len(world.line.requests) - (isinstance(ws, BinanceError) and ws.outcome is Outcome.NOT_SENT)
        assert left <= 1
        if not operation.cancels:
            assert set(world.wires) <= {prefer[0].upper()}
        if outcomes == [Outcome.NOT_SENT]:
            assert world.used(LimitKind.ORDERS) == 0

    trio.run(run, clock=trio.testing.MockClock(autojump_threshold=0))


async def test_a_refusal_is_the_same_on_both_wires_and_final() -> None:
    error = {"code": -1121, "msg": "Invalid symbol."}
    for prefer in ("rest", "ws_api"):
        world = World((400, b'{"code":-1121,"msg":"Invalid symbol."}'), ws=[answer(400, error=error)], prefer=prefer)
        with pytest.raises(UnknownSymbol, match="Invalid symbol"):
            await world.router.call(market.DEPTH, {"symbol": "NOPE"})
        assert len(world.wires) == 1


async def test_a_refused_timestamp_is_signed_anew_on_the_same_wire(autojump_clock: trio.testing.MockClock) -> None:
    late = answer(400, error={"code": -1021, "msg": "Timestamp for this request is outside of the recvWindow."})
    world = World((200, OK), ws=[late, DONE], prefer="ws_api")

    async def measure() -> None:
        while True:
            await world.clock.wait_due()
            await trio.sleep(0.01)
            now = trio.current_time()
            world.clock.on_sample(now, now, 1_700_000_070_000_000 + round(now * 1e6))

    await trio.sleep(1)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(measure)
        await world.router.call(trading.PLACE, ORDER)
        nursery.cancel_scope.cancel()
    assert world.wires == "WW"
    world = World((200, OK), ws=[late], prefer="ws_api")
    world.clock.on_sample(1.0, 1.0, 1)
    with pytest.raises(BinanceError):
        await world.router.call(trading.PLACE, ORDER)


async def test_an_answer_that_cannot_be_read_leaves_an_order_unknown_and_is_not_asked_for_again() -> None:
    world = World(ws=[answer(result=b'{"symbol":5}')], prefer="ws_api")
    with pytest.raises(DecodeError) as caught:
        await world.router.call(trading.PLACE, ORDER)
    assert caught.value.outcome is Outcome.UNKNOWN
    assert world.wires == "W"


# --------------------------------------------------------------------------------------------- limits and health


async def test_raw_requests_are_counted_for_rest_alone_and_weight_for_both() -> None:
    for prefer, raw in (("rest", 1), ("ws_api", 0)):
        world = World((200, OK), ws=[answer()], prefer=prefer)
        await world.router.call(general.TIME, {})
        assert world.used(LimitKind.RAW_REQUESTS) == raw
        assert world.used(LimitKind.REQUEST_WEIGHT) == 1


async def test_what_moves_to_the_other_wire_is_paid_for_as_often_as_it_left() -> None:
    world = World((200, OK), ws=[NOT_SENT], prefer="ws_api")
    await world.router.call(general.TIME, {})
    assert world.used(LimitKind.REQUEST_WEIGHT) == 1
    world = World((200, OK), ws=[LOST], prefer="ws_api")
    await world.router.call(general.TIME, {})
    assert world.used(LimitKind.REQUEST_WEIGHT) == 2


async def test_used_weight_is_adopted_from_the_answer() -> None:
    world = World(ws=[answer(rate_limits=LIMITS)], prefer="ws_api")
    await world.router.call(general.TIME, {})
    assert world.used(LimitKind.REQUEST_WEIGHT) == 9


async def test_an_order_on_the_websocket_api_costs_one_order_and_no_weight_when_it_succeeds() -> None:
    world = World(ws=[DONE], prefer="ws_api")
    await world.router.call(trading.PLACE, ORDER)
    assert (world.used(LimitKind.REQUEST_WEIGHT), world.used(LimitKind.ORDERS)) == (0, 1)


async def test_answers_that_are_to_tell_no_limits_tell_them_every_ten_seconds(
    autojump_clock: trio.testing.MockClock,
) -> None:
    script = [answer(rate_limits=LIMITS), *[answer()] * 9] * 3
    world = World(ws=script, prefer="ws_api", return_rate_limits=False)
    for _ in range(25):
        await world.router.call(general.TIME, {})
        await trio.sleep(1)
    asked = [number for number, (_, params, _) in enumerate(world.line.requests) if params.get("returnRateLimits")]
    assert asked == [0, 10, 20]
    world = World(ws=[answer()], prefer="ws_api")
    await world.router.call(general.TIME, {})
    assert world.line.requests[0][1] == {}


async def test_the_wish_to_know_the_limits_is_signed_like_everything_else() -> None:
    world = World(ws=[DONE], prefer="ws_api", return_rate_limits=False)
    await world.router.call(trading.PLACE, ORDER)
    params = dict(world.line.requests[0][1])
    assert params["returnRateLimits"] is True
    signature = params.pop("signature")
    del params["returnRateLimits"]
    assert world.router.seal.signer is not None
    assert world.router.seal.signer.sign(ws_api_payload(params)) != signature
    params["returnRateLimits"] = True
    assert world.router.seal.signer.sign(ws_api_payload(params)) == signature


@pytest.mark.parametrize("unit", [1, 1000])
async def test_a_ban_on_the_websocket_api_holds_for_both_wires_and_is_told_in_either_unit(
    unit: int, autojump_clock: trio.testing.MockClock
) -> None:
    data = {"serverTime": 1_700_000_070_000 * unit, "retryAfter": 1_700_000_080_000 * unit}
    banned = answer(418, error={"code": -1003, "msg": "banned", "data": data})
    world = World((200, OK), ws=[banned, answer()], prefer="ws_api")
    with pytest.raises(Banned) as caught:
        await world.router.call(market.DEPTH, {"symbol": "BTCUSDT"})
    assert caught.value.retry_at == pytest.approx(10.0, abs=0.01)
    world.ws_api.usable = False
    await world.router.call(general.TIME, {})
    assert world.http.sent[0].at >= 10
    assert len(world.told(BanStarted)) == 1


async def fail_until_open(world: World) -> None:
    for _ in range(5):
        with pytest.raises(ServerError):
            await world.router.call(trading.PLACE, ORDER)


async def test_each_wire_has_a_breaker_of_its_own(autojump_clock: trio.testing.MockClock) -> None:
    world = World((200, OK), ws=[BUSY], prefer="ws_api")
    await fail_until_open(world)
    change, *others = world.told(BreakerChanged)
    assert not others
    assert (change.wire, change.new) == ("ws_api", "open")
    assert "wsapi breaker" in world.board.reasons
    with pytest.raises(BreakerOpen):
        await world.router.call(trading.PLACE, ORDER)
    assert world.wires == "W" * 5
    await world.router.call(general.TIME, {})  # a question takes the other wire
    assert world.wires == "R" + "W" * 5
    states = {name: told.state.value for name, told in world.router.statistics().items()}
    assert states == {"rest": "closed", "ws_api": "open"}


async def test_questions_leave_an_open_breaker_on_rest_for_the_other_wire(
    autojump_clock: trio.testing.MockClock,
) -> None:
    world = World((503, b""), ws=[answer()])
    await fail_until_open(world)
    await world.router.call(general.TIME, {})
    assert world.wires == "R" * 5 + "W"
    world.ws_api.usable = False
    with pytest.raises(BreakerOpen):
        await world.router.call(general.TIME, {})


async def test_a_connection_that_broke_is_the_links_business_and_not_the_breakers(
    autojump_clock: trio.testing.MockClock,
) -> None:
    world = World(ws=[LOST], prefer="ws_api")
    for _ in range(20):
        with pytest.raises(ConnectionLost):
            await world.router.call(trading.PLACE, ORDER)
    assert world.told(BreakerChanged) == []
    world = World(ws=[DeadlineExceeded("late")], prefer="ws_api")
    for _ in range(5):
        with pytest.raises(DeadlineExceeded):
            await world.router.call(trading.PLACE, ORDER)
    assert len(world.told(BreakerChanged)) == 1


async def test_pings_close_the_breaker_of_the_websocket_api(autojump_clock: trio.testing.MockClock) -> None:
    world = World(ws=[*[BUSY] * 5, answer(result=b"{}")], prefer="ws_api")
    await fail_until_open(world)
    with trio.move_on_after(15):
        await world.ws_api.look_after()
    assert {method for method, _, _ in world.line.requests[5:]} == {"ping"}
    assert world.router.statistics()["ws_api"].state.value == "closed"
    assert "wsapi breaker" not in world.board.reasons


# --------------------------------------------------------------------------------------------------------- time


async def test_server_time_is_asked_for_on_the_other_wire_when_rest_does_not_answer() -> None:
    world = World(ConnectError("no route"), ws=[answer(result=b'{"serverTime":1700000070000123}')])
    _, _, server_us, unit_us = await world.router.sample_time()
    assert (server_us, unit_us) == (1_700_000_070_000_123, 1)
    assert not await world.router.ping_exchange()
    world.ws_api.usable = False
    with pytest.raises(ConnectError):
        await world.router.sample_time()
    world = World(ConnectError("no route"), ws=[answer()], fallback=False)
    with pytest.raises(ConnectError):
        await world.router.sample_time()


async def test_microseconds_are_asked_for_by_a_header_on_every_request_of_rest() -> None:
    world = World((200, b'{"serverTime":1700000070000123}'), (200, ACK), time_unit=TimeUnit.MICROSECOND)
    assert (await world.router.sample_time())[2:] == (1_700_000_070_000_123, 1)
    await world.router.call(trading.PLACE, ORDER)
    assert [sent.headers.get("X-MBX-TIME-UNIT") for sent in world.http.sent] == ["MICROSECOND"] * 2
    assert world.http.sent[1].headers["X-MBX-APIKEY"] == KEY
    world = World((200, OK))
    await world.router.call(general.TIME, {})
    assert world.http.sent[0].headers == {}


# ------------------------------------------------------------------------------------------------------ session


async def test_a_logged_on_connection_is_asked_without_key_and_signature_but_with_a_timestamp() -> None:
    world = World(ws=[DONE], prefer="ws_api", key=ED25519)
    world.line.logged_on_as = KEY
    await world.router.call(trading.PLACE, ORDER)
    [(_, params, by_session)] = world.line.requests
    assert by_session
    assert not params.keys() & {"apiKey", "signature"}
    assert params["recvWindow"] == 5000
    assert 0 <= world.clock.server_ms() - int(str(params["timestamp"])) < 100


async def test_a_connection_that_is_logged_on_as_somebody_else_is_asked_with_our_signature() -> None:
    world = World(ws=[DONE], prefer="ws_api", key=ED25519)
    world.line.logged_on_as = "somebody else"
    await world.router.call(trading.PLACE, ORDER)
    assert world.line.requests[0][1]["apiKey"] == KEY


async def test_what_the_user_asks_about_the_session_is_learnt() -> None:
    world = World(ws=[status_of(ME)], prefer="ws_api", key=ED25519)
    assert (await world.router.session_call(session.LOGON, {})).api_key == KEY
    [(method, params, by_session)] = world.line.requests
    assert (method, by_session) == ("session.logon", False)
    assert params.keys() == {"apiKey", "signature", "timestamp", "recvWindow"}
    views = [world.line.logged_on_as]
    world.line.script = [status_of(NOBODY)]
    await world.router.session_call(session.STATUS, {})
    assert [*views, world.line.logged_on_as] == [KEY, None]
    assert [type(event) for event in world.events if isinstance(event, LoggedOn | LoggedOff)] == [LoggedOn, LoggedOff]
    assert world.ws_api.demanded == 2


async def test_after_a_logout_requests_are_signed_from_the_moment_it_left(
    autojump_clock: trio.testing.MockClock,
) -> None:
    world = World(ws=[status_of(NOBODY), DONE], prefer="ws_api", key=ED25519)
    world.line.logged_on_as, world.line.latency = KEY, 1.0
    async with trio.open_nursery() as nursery:
        nursery.start_soon(world.router.session_call, session.LOGOUT, {})
        await trio.sleep(0.5)
        await world.router.call(trading.PLACE, ORDER)
    assert [params.get("apiKey") for _, params, _ in world.line.requests] == [None, KEY]
    assert len(world.told(LoggedOff)) == 1


def who_is_logged_on(world: World) -> str | None:
    return world.line.logged_on_as


@pytest.mark.parametrize(("first", "told"), [(session.STATUS, ME), (session.LOGON, ME)])
async def test_a_late_answer_does_not_undo_a_logout_that_was_asked_for_after_it(
    first: Any, told: dict[str, Any], autojump_clock: trio.testing.MockClock
) -> None:
    world = World(ws=[status_of(told), status_of(NOBODY)], prefer="ws_api", key=ED25519)
    world.line.logged_on_as, world.line.latency = KEY, 2.0
    async with trio.open_nursery() as nursery:
        nursery.start_soon(world.router.session_call, first, {})
        await trio.sleep(1)
        world.line.latency = 0.5
        await world.router.session_call(session.LOGOUT, {})
        assert who_is_logged_on(world) is None
    assert who_is_logged_on(world) is None
    assert len(world.told(LoggedOff)) == 1
    assert not world.told(LoggedOn)


async def test_a_late_answer_of_a_session_that_was_disowned_meanwhile_does_not_bring_it_back(
    autojump_clock: trio.testing.MockClock,
) -> None:
    world = World(ws=[status_of(ME)], prefer="ws_api", key=ED25519)
    world.line.logged_on_as, world.line.latency = KEY, 2.0
    assert world.router.ws is not None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(world.router.session_call, session.STATUS, {})
        await trio.sleep(1)
        refused = AuthError("Invalid API-key.", status=401, code=-2015)
        world.logon.on_disowned(world.line, refused)  # type: ignore[arg-type]
    assert who_is_logged_on(world) is None
    await world.router.session_call(session.STATUS, {})
    assert who_is_logged_on(world) == KEY


async def test_a_session_that_is_not_told_of_stays_as_it_was() -> None:
    world = World(ws=[answer(400, error={"code": -1000, "msg": "x"}), answer(result=b"[]")], key=ED25519)
    world.line.logged_on_as = KEY
    for _ in range(2):
        with pytest.raises(BinanceError):
            await world.router.session_call(session.STATUS, {})
    assert world.line.logged_on_as == KEY


@pytest.mark.parametrize("key", [Credentials.hmac(KEY, "secret"), None])
async def test_a_logon_with_another_kind_of_key_is_refused_here(key: Credentials | None) -> None:
    world = World(ws=[status_of(ME)], key=key)
    with pytest.raises(CredentialsRequired, match="Ed25519" if key else "credentials"):
        await world.router.session_call(session.LOGON, {})
    assert world.wires == ""


async def test_a_question_about_the_session_is_never_asked_twice() -> None:
    world = World(ws=[LOST])
    with pytest.raises(ConnectionLost):
        await world.router.session_call(session.STATUS, {})
    assert world.wires == "W"


async def test_an_unsigned_request_whose_session_ended_before_its_turn_is_refused_by_its_right_name() -> None:
    missing = answer(400, error={"code": -1102, "msg": "Mandatory parameter 'apiKey' was not sent."})

    world = World(ws=[missing], prefer="ws_api", key=ED25519)
    world.line.logged_on_as = KEY
    request = world.line.request

    async def lose_session(method: str, params: Any, **settings: bool) -> Answer:
        found = await request(method, params, **settings)
        world.line.logged_on_as = None
        return found

    world.line.request = lose_session  # type: ignore[method-assign]
    with pytest.raises(AuthError, match="logged off") as caught:
        await world.router.call(account.ACCOUNT, {})
    assert (caught.value.outcome, caught.value.code) == (Outcome.REJECTED, -1102)
    assert len(world.told(KeyRefused)) == 1
    with pytest.raises(ApiError) as signed:  # signed by now: then it is what it says
        await world.router.call(account.ACCOUNT, {})
    assert not isinstance(signed.value, AuthError)


async def test_a_timestamp_refused_by_a_session_is_a_timestamp_refused(
    autojump_clock: trio.testing.MockClock,
) -> None:
    world = World(ws=[answer(400, error={"code": -1021, "msg": "late"})], prefer="ws_api", key=ED25519)
    world.line.logged_on_as = KEY
    with pytest.raises(TimestampError) as caught:
        await world.router.call(account.ACCOUNT, {})
    assert isinstance(caught.value.__cause__, ClockUnsynced)  # measured again first, in vain here


async def test_market_data_only_has_one_wire_whatever_is_preferred() -> None:
    world = World((200, OK), environment=Environment.MARKET_DATA_ONLY, key=None, prefer="ws_api")
    await world.router.call(general.TIME, {})
    assert world.wires == "R"


SYMBOL = {"code": -1121, "msg": "Invalid symbol."}
HALVES = {"cancelResult": "SUCCESS", "newOrderResult": "FAILURE", "cancelResponse": None, "newOrderResponse": SYMBOL}


@pytest.mark.parametrize("prefer", ["rest", "ws_api"])
@pytest.mark.parametrize(
    ("operation", "body"),
    [
        (trading.PLACE, SYMBOL),
        (trading.CANCEL_REPLACE, {"code": -2021, "msg": "partly", "data": HALVES}),
        (trading.CANCEL_REPLACE, None),
        (market.REFERENCE_PRICE, None),
    ],
)
async def test_an_error_speaks_the_language_of_the_wire_that_brought_it(operation: Any, body: Any, prefer: Any) -> None:
    as_result = json.dumps(HALVES if operation is trading.CANCEL_REPLACE else SYMBOL).encode()
    told = answer(400, error=body) if body else answer(result=as_result)
    world = World((400, json.dumps(body).encode()) if body else (200, as_result), ws=[told], prefer=prefer)
    with pytest.raises(ApiError) as caught:
        await world.router.call(operation, ORDER if operation is not market.REFERENCE_PRICE else {"symbol": "X"})
    name, kind = (operation.name, "HTTP") if prefer == "rest" else (operation.ws_method, "status")
    assert caught.value.operation == name
    assert str(caught.value).startswith(f"{name}: ")
    assert f" [{kind} {400 if body else 200}, " in str(caught.value)


async def test_an_answer_to_another_request_is_named_by_its_wire() -> None:
    world = World(ws=[answer(result=ACK.replace(b"mine", b"other"))], prefer="ws_api")
    with pytest.raises(BinanceError, match=r"^order\.place: "):
        await world.router.call(trading.PLACE, ORDER)
