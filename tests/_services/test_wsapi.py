"""The WebSocket API: every request comes to an end, whatever becomes of the connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trio
import trio.testing

from tests._services.helpers_streams import Lab, open_lab
from trio_binance._protocol.catalogue.session import SUBSCRIBE_SIGNATURE
from trio_binance._protocol.catalogue.trading import PLACE
from trio_binance._protocol.wsapi import Event
from trio_binance._services import wsapi as module
from trio_binance._services.conditions import Status
from trio_binance._services.events import BanStarted, ConnectionLost, ConnectionRenewed, Reconnected, ServiceCrashed
from trio_binance._services.wsline import refusal
from trio_binance._services.wsnews import LinkDown, LinkUp, SessionLost
from trio_binance.errors import (
    AuthError,
    Banned,
    BinanceError,
    DeadlineExceeded,
    DecodeError,
    GatewayError,
    OrderRejected,
    Outcome,
    ServerError,
)
from trio_binance.errors import ConnectionLost as Lost
from trio_binance.sandbox.faults import DialTrouble, Timed
from trio_binance.sandbox.network import DialFault
from trio_binance.sandbox.pipe import Link

if TYPE_CHECKING:
    from trio.testing import MockClock

SHUTDOWN = '{"event":{"e":"serverShutdown","E":1}}'
EVENT = '{"subscriptionId":0,"event":{"e":"x","E":1}}'


def api(*faults: Any, **settings: Any) -> Any:
    return open_lab(*faults, run="wsapi", activity=1e-6, **settings)


async def connected(lab: Lab) -> None:
    while not lab.ws_api.usable:
        await trio.sleep(0.01)


async def outcome_of(lab: Lab, outcomes: list[Any], method: str = "ping") -> None:
    try:
        outcomes.append(await lab.ws_api.line.request(method, {}))
    except BinanceError as exc:
        outcomes.append(exc)


async def test_requests_in_flight_get_their_own_answers_in_any_order(autojump_clock: MockClock) -> None:
    async with api() as lab:
        await connected(lab)
        lab.line("wsapi").blackhole("out")  # the exchange hears nothing: we answer
        answers: dict[int, Any] = {}

        async def ask(number: int) -> None:
            answers[number] = await lab.ws_api.line.request("ping", {})

        async with trio.open_nursery() as nursery:
            for number in range(1, 6):
                nursery.start_soon(ask, number)
                await trio.sleep(0.1)
            assert lab.ws_api.statistics().in_flight == 5
            for number in (3, 5, 1, 2, 4):
                lab.server("ws_api").text(f'{{"id":{number},"status":200,"result":{number}}}')
        assert {number: answer.result for number, answer in answers.items()} == {n: b"%d" % n for n in range(1, 6)}
        figures = lab.ws_api.statistics()
        assert (figures.requests, figures.in_flight, figures.strays, figures.connects) == (5, 0, 0, 1)


async def test_a_request_without_a_connection_is_not_sent(autojump_clock: MockClock) -> None:
    async with api(Timed(0.0, DialTrouble(DialFault.REFUSE, 5.0))) as lab:
        await trio.sleep(0.5)
        assert lab.status() is Status.DEGRADED
        with pytest.raises(Lost) as caught:
            await lab.ws_api.line.request("ping", {})
        assert caught.value.outcome is Outcome.NOT_SENT
        await connected(lab)
        assert (await lab.ws_api.line.request("ping", {})).status == 200
        assert lab.status() is Status.READY


async def test_every_request_in_flight_is_unknown_at_once_when_the_connection_breaks(
    autojump_clock: MockClock,
) -> None:
    async with api() as lab:
        await connected(lab)
        lab.line("wsapi").blackhole("out")
        outcomes: list[Any] = []
        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(outcome_of, lab, outcomes)
            await trio.sleep(1)
            lab.line("wsapi").reset()
        assert trio.current_time() < 1.5
        assert [type(exc) for exc in outcomes] == [Lost] * 3
        assert {exc.outcome for exc in outcomes} == {Outcome.UNKNOWN}
        await connected(lab)
        assert (await lab.ws_api.line.request("ping", {})).status == 200


async def test_an_answer_that_came_before_the_break_counts(autojump_clock: MockClock) -> None:
    async with api() as lab:
        await connected(lab)
        lab.line("wsapi").blackhole("out")
        outcomes: list[Any] = []
        async with trio.open_nursery() as nursery:
            nursery.start_soon(outcome_of, lab, outcomes)
            await trio.sleep(1)
            lab.server("ws_api").text('{"id":1,"status":200,"result":{}}')
            lab.server("ws_api").close(1001)
        assert outcomes[0].status == 200


@pytest.mark.parametrize("how", ["told that it is gone", "in the midst of a ban", "hung up on"])
async def test_an_answer_that_has_come_is_handed_over_before_the_end_is_told(
    how: str, autojump_clock: MockClock
) -> None:
    async with api() as lab:
        await connected(lab)
        lab.line("wsapi").blackhole("out")
        outcomes: list[Any] = []
        with lab.ws_api.listen() as items:
            assert await items.receive() == LinkUp(1)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(outcome_of, lab, outcomes)
                await trio.sleep(1)
                socket = lab.ws_api.line.socket
                ban = b'{"id":null,"status":418,"error":{"code":-1003,"msg":"banned"}}'
                come = [b'{"id":1,"status":200,"result":{}}', EVENT.encode()]
                socket._inbox.put([ban, *come] if "ban" in how else come)
                if how == "told that it is gone":
                    lab.ws_api.on_lost("gone", socket)
                if how == "hung up on":
                    nursery.start_soon(lab.ws_api._link._present.hang_up, lab.ws_api, 0.0)
            assert outcomes[0].status == 200
            assert isinstance(await items.receive(), Event)
            assert isinstance(await items.receive(), LinkDown)


async def test_a_request_has_a_deadline_and_its_late_answer_is_a_stray(autojump_clock: MockClock) -> None:
    async with api() as lab:
        await connected(lab)
        lab.line("wsapi").blackhole("in", trio.current_time() + 18)
        started = trio.current_time()
        with pytest.raises(DeadlineExceeded) as caught:
            await lab.ws_api.line.request("ping", {})
        assert trio.current_time() - started == pytest.approx(lab.tuning.request_timeout)
        assert caught.value.outcome is Outcome.UNKNOWN
        await trio.sleep(5)
        assert lab.ws_api.statistics().strays == 1
        assert lab.ws_api.statistics().in_flight == 0


async def test_a_cancelled_request_leaves_nothing_behind(autojump_clock: MockClock) -> None:
    async with api() as lab:
        await connected(lab)
        for steps in range(12):
            with trio.CancelScope() as scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(cancel_after, steps, scope)
                    await lab.ws_api.line.request("ping", {})
                    nursery.cancel_scope.cancel()
            assert lab.ws_api.statistics().in_flight == 0
        assert (await lab.ws_api.line.request("ping", {})).status == 200
        assert not lab.seen(ConnectionLost)


async def test_a_request_that_had_no_turn_yet_is_not_sent(autojump_clock: MockClock) -> None:
    async with api() as lab:
        await connected(lab)
        lab.line("wsapi").blackhole("out")
        lab.line("wsapi").shape(Link(window=1), "out")
        outcomes: list[Any] = []
        async with trio.open_nursery() as nursery:
            for _ in range(2):
                nursery.start_soon(outcome_of, lab, outcomes)
                await trio.sleep(1)
            with trio.move_on_after(1):
                await lab.ws_api.line.request("ping", {})
            lab.line("wsapi").reset()
        assert {exc.outcome for exc in outcomes} == {Outcome.UNKNOWN, Outcome.NOT_SENT}


async def test_a_request_that_was_given_up_before_its_turn_is_never_sent(autojump_clock: MockClock) -> None:
    async with api() as lab:
        await connected(lab)
        lab.line("wsapi").shape(Link(window=1, pace=0.01), "out")
        outcomes: list[Any] = []
        async with trio.open_nursery() as nursery:
            nursery.start_soon(outcome_of, lab, outcomes, "ping")
            await trio.sleep(0.01)
            with trio.move_on_after(0.05):
                await lab.ws_api.line.request("time", {})
        await trio.sleep(1)
        assert outcomes[0].status == 200
        assert (await lab.ws_api.line.request("ping", {})).status == 200
        assert lab.ws_api.statistics().strays == 0


async def cancel_after(steps: int, scope: trio.CancelScope) -> None:
    for _ in range(steps):
        await trio.lowlevel.checkpoint()
    scope.cancel()


async def test_what_nobody_asked_for_is_counted_and_hurts_nobody(autojump_clock: MockClock) -> None:
    async with api() as lab:
        await connected(lab)
        for text in ("{", "[]", '{"id":77,"status":200}', '{"id":"x","status":200}', '{"id":null,"status":400}', EVENT):
            lab.server("ws_api").text(text)
        assert (await lab.ws_api.line.request("ping", {})).status == 200
        figures = lab.ws_api.statistics()
        assert (figures.strays, figures.events, figures.connects) == (5, 1, 1)


async def test_a_shutdown_lets_the_answers_in_flight_come_while_new_requests_go_elsewhere(
    autojump_clock: MockClock,
) -> None:
    async with api() as lab:
        await connected(lab)
        lab.line("wsapi").blackhole("out")
        old, outcomes = lab.server("ws_api"), list[Any]()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(outcome_of, lab, outcomes)
            await trio.sleep(1)
            old.text(SHUTDOWN)
            await trio.sleep(0.5)
            assert (await lab.ws_api.line.request("ping", {})).status == 200
            assert lab.ws_api.statistics().in_flight == 1
            assert not lab.seen(ConnectionRenewed)
            old.text('{"id":1,"status":200,"result":{}}')
        assert outcomes[0].status == 200
        await lab.wait_for(ConnectionRenewed)
        assert not lab.seen(Reconnected)
        assert not lab.seen(ConnectionLost)


async def test_a_connection_that_is_silent_since_an_unanswered_request_is_not_to_be_used(
    autojump_clock: MockClock,
) -> None:
    async with api() as lab:
        await connected(lab)
        lab.line("wsapi").blackhole("both")
        outcomes: list[Any] = []
        await outcome_of(lab, outcomes)
        assert outcomes[0].outcome is Outcome.UNKNOWN
        assert not lab.ws_api.usable
        await lab.wait_for(Reconnected)
        await connected(lab)
        assert (await lab.ws_api.line.request("ping", {})).status == 200


async def test_a_connection_that_spoke_since_an_unanswered_request_may_be_used(autojump_clock: MockClock) -> None:
    async with api() as lab:
        await connected(lab)
        lab.line("wsapi").blackhole("out")
        outcomes: list[Any] = []
        async with trio.open_nursery() as nursery:
            nursery.start_soon(outcome_of, lab, outcomes)
            await trio.sleep(5)
            lab.server("ws_api").text(EVENT)
        assert outcomes[0].outcome is Outcome.UNKNOWN
        assert lab.ws_api.usable


async def test_a_shutdown_gives_an_answer_the_ten_seconds_that_the_matching_engine_may_take(
    autojump_clock: MockClock,
) -> None:
    async with api() as lab:
        await connected(lab)
        lab.line("wsapi").blackhole("out")
        old, outcomes = lab.server("ws_api"), list[Any]()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(outcome_of, lab, outcomes)
            await trio.sleep(1)
            old.text(SHUTDOWN)
            await trio.sleep(9)
            old.text('{"id":1,"status":200,"result":{}}')
        assert outcomes[0].status == 200


async def test_a_slow_logon_of_the_successor_costs_what_is_in_flight_none_of_its_time(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    async with api() as lab:
        await connected(lab)
        asked: list[float] = []

        async def slow(_line: Any) -> None:
            asked.append(trio.current_time())
            await trio.sleep(60)

        monkeypatch.setattr(lab.ws_api._logon, "log_on", slow)
        lab.line("wsapi").blackhole("out")
        old, outcomes = lab.server("ws_api"), list[Any]()
        old.text(SHUTDOWN)
        async with trio.open_nursery() as nursery:
            await trio.sleep(lab.tuning.replacement_wait - 0.5)
            assert lab.ws_api.line.epoch == 1
            nursery.start_soon(outcome_of, lab, outcomes)
            await trio.sleep(1)
            assert lab.ws_api.line.epoch == 2
            await trio.sleep(13)
            old.text('{"id":1,"status":200,"result":{}}')
        assert outcomes[0].status == 200
        await lab.wait_for(ConnectionRenewed)
        # The first time in haste, and once more beside the requests that are signed meanwhile.
        assert asked == [pytest.approx(0, abs=0.1), pytest.approx(lab.tuning.replacement_wait, abs=0.1)]


async def test_a_shutdown_does_not_wait_for_ever(autojump_clock: MockClock) -> None:
    async with api() as lab:
        await connected(lab)
        lab.line("wsapi").blackhole("out")
        outcomes: list[Any] = []
        async with trio.open_nursery() as nursery:
            nursery.start_soon(outcome_of, lab, outcomes)
            await trio.sleep(1)
            lab.server("ws_api").text(SHUTDOWN)
        assert outcomes[0].outcome is Outcome.UNKNOWN
        assert trio.current_time() == pytest.approx(lab.tuning.request_timeout, abs=0.1)


async def test_the_listener_is_told_of_everything_in_order(autojump_clock: MockClock) -> None:
    async with api() as lab:
        await connected(lab)
        with lab.ws_api.listen() as items:
            assert await items.receive() == LinkUp(1)
            lab.server("ws_api").text(EVENT)
            assert isinstance(await items.receive(), Event)
            lab.server("ws_api").text('{"id":null,"status":401,"error":{"code":-2015,"msg":"Invalid API-key."}}')
            revoked = await items.receive()
            assert isinstance(revoked, SessionLost)
            assert (revoked.epoch, revoked.error.code) == (1, -2015)
            heard = trio.current_time()
            await trio.sleep(10)
            lab.line("wsapi").reset()
            down = await items.receive()
            assert isinstance(down, LinkDown)
            assert down.epoch == 1
            assert down.silent_since == pytest.approx(heard, abs=0.01)
            assert await items.receive() == LinkUp(2)


async def test_a_listener_that_comes_before_the_connection_is_told_of_it(autojump_clock: MockClock) -> None:
    async with api() as lab:
        with lab.ws_api.listen() as items:
            assert await items.receive() == LinkUp(1)


async def test_events_that_nobody_takes_are_given_up_loudly(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    monkeypatch.setattr(module, "EVENTS", 5)
    async with api() as lab:
        await connected(lab)
        with lab.ws_api.listen() as items:
            for _ in range(8):
                lab.server("ws_api").text(EVENT)
            assert "nobody takes" in (await lab.wait_for(ConnectionLost)).reason
            await lab.wait_for(Reconnected)
            await connected(lab)
            told = [items.receive_nowait() for _ in range(7)]
            assert isinstance(told[-2], LinkDown)
            assert told[-1] == LinkUp(2)


async def test_a_ban_stops_the_world(autojump_clock: MockClock) -> None:
    async with api() as lab:
        await connected(lab)
        error = '{"code":-1003,"msg":"banned","data":{"serverTime":1000,"retryAfter":101000}}'
        lab.server("ws_api").text(f'{{"id":null,"status":418,"error":{error}}}')
        await lab.wait_for(Reconnected)
        assert lab.seen(BanStarted)[0].status == 418
        assert lab.dialled[1] >= 100


async def test_requests_in_flight_fail_when_the_service_is_stopped(autojump_clock: MockClock) -> None:
    outcomes: list[Any] = []
    async with trio.open_nursery() as nursery:
        async with api() as lab:
            await connected(lab)
            lab.line("wsapi").blackhole("out")
            nursery.start_soon(outcome_of, lab, outcomes)
            await trio.sleep(1)
    assert outcomes[0].outcome is Outcome.UNKNOWN
    assert not lab.ws_api.usable


@pytest.mark.parametrize(
    ("error", "wait"),
    [
        ({"code": -1003, "msg": "x", "data": {"serverTime": 5000, "retryAfter": 65000}}, 60),
        ({"code": -1003, "msg": "x", "data": {"retryAfter": 1_790_000_000_000}}, 120),
        ({"code": -1003, "msg": "x", "data": 3}, 120),
        ("nonsense", 120),
    ],
)
async def test_a_ban_tells_when_to_come_back(error: object, wait: float, autojump_clock: MockClock) -> None:
    await trio.lowlevel.checkpoint()
    banned = refusal(SUBSCRIBE_SIGNATURE, 418, error)
    assert isinstance(banned, Banned)
    assert banned.retry_at == pytest.approx(trio.current_time() + wait)
    refused = refusal(SUBSCRIBE_SIGNATURE, 401, {"code": -2015, "msg": "x"})
    assert isinstance(refused, AuthError)
    assert refused.retry_at is None


async def test_when_the_successor_breaks_requests_go_back_to_the_one_that_still_stands(
    autojump_clock: MockClock,
) -> None:
    async with api() as lab:
        await connected(lab)
        lab.line("wsapi").blackhole("in")
        outcomes: list[Any] = []
        with lab.ws_api.listen() as items:
            assert await items.receive() == LinkUp(1)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(outcome_of, lab, outcomes)
                await trio.sleep(1)
                lab.ws_api._link.renew()
                while lab.ws_api.line.epoch == 1:
                    await trio.sleep(0.1)
                lab.line("wsapi").reset()
                await lab.wait_for(ConnectionLost)
                assert lab.ws_api.line.epoch == 1
                assert lab.ws_api.connected
            assert outcomes[0].outcome is Outcome.UNKNOWN
            await lab.wait_for(ConnectionRenewed)
            down = await items.receive()
            assert isinstance(down, LinkDown)
            assert (down.epoch, await items.receive()) == (1, LinkUp(3))


async def test_calls_do_not_go_out_on_a_connection_in_doubt_and_not_all_wait_for_its_proof(
    autojump_clock: MockClock,
) -> None:
    async with api() as lab:
        await connected(lab)
        lab.line("wsapi").blackhole("both")
        outcomes: list[Any] = []
        await outcome_of(lab, outcomes)
        began = trio.current_time()
        with pytest.raises(Lost, match="does not answer") as caught:
            await lab.ws_api.wait_line()
        assert caught.value.outcome is Outcome.NOT_SENT
        assert trio.current_time() - began == pytest.approx(lab.tuning.replacement_wait)
        began = trio.current_time()
        with pytest.raises(Lost, match="does not answer"):
            await lab.ws_api.wait_line()
        assert trio.current_time() == began
        lost = await lab.wait_for(ConnectionLost)
        assert lost.at == pytest.approx(15 + lab.tuning.ping_timeout, abs=0.1)


async def test_one_that_proves_itself_is_used_again_at_once(autojump_clock: MockClock) -> None:
    async with api() as lab:
        await connected(lab)
        lab.line("wsapi").blackhole("both", trio.current_time() + 18)
        outcomes: list[Any] = []
        await outcome_of(lab, outcomes)
        line = await lab.ws_api.wait_line()
        assert line.epoch == 1
        assert trio.current_time() == pytest.approx(18, abs=0.5)
        assert (await line.request("ping", {})).status == 200
        assert not lab.seen(ConnectionLost)


async def test_a_connection_is_made_when_it_is_wanted(autojump_clock: MockClock) -> None:
    def prepare(lab: Lab) -> None:
        lab.ws_api._demanded = trio.Event()  # as one that is not eager

    async with api(prepare=prepare) as lab:
        await trio.sleep(100)
        assert lab.ws_api.statistics().connects == 0
        with pytest.raises(Lost, match="not connected"):
            await lab.ws_api.wait_line()
        lab.ws_api.demand()
        lab.ws_api.demand()
        assert (await (await lab.ws_api.wait_line()).request("ping", {})).status == 200
        assert lab.ws_api.statistics().connects == 1


async def test_an_error_without_id_that_says_nothing_of_the_key_is_a_stray(autojump_clock: MockClock) -> None:
    async with api() as lab:
        await connected(lab)
        lab.server("ws_api").text('{"id":null,"status":500,"error":{"code":-1000,"msg":"?"}}')
        assert (await lab.ws_api.line.request("ping", {})).status == 200
        assert lab.ws_api.statistics().strays == 1


async def test_an_error_without_an_id_that_holds_a_fraction_is_no_crash(autojump_clock: MockClock) -> None:
    async with api() as lab:
        await connected(lab)
        lab.server("ws_api").text('{"id":null,"status":400,"error":{"retry":0.5}}')
        lab.server("ws_api").text('{"id":null,"status":401,"error":{"code":-2015,"msg":"no","data":{"x":1e400}}}')
        await trio.sleep(1)
        assert (await lab.ws_api.line.request("ping", {})).status == 200
        assert lab.ws_api.statistics().connects == 1


ODD_ANSWERS: list[tuple[str, type[BinanceError], Outcome]] = [
    ('"status":400,"error":{"code":-2010,"msg":"no","data":{"at":0.5}}', OrderRejected, Outcome.REJECTED),
    ('"status":400,"error":{"code":-2010,"msg":"no","data":{"at":1e400}}', GatewayError, Outcome.UNKNOWN),
    ('"status":400,"error":{"code":-2010.0,"msg":"no"}', GatewayError, Outcome.UNKNOWN),
    ('"status":500,"error":[[0.5]],"rateLimits":[{"count":1e400}]', ServerError, Outcome.UNKNOWN),
    ('"status":200,"result":{"price":1e400}', DecodeError, Outcome.UNKNOWN),
    ('"status":"400","error":{"code":-2010,"msg":"no"}', DeadlineExceeded, Outcome.UNKNOWN),
    (f'"status":4{"0" * 5000}', DeadlineExceeded, Outcome.UNKNOWN),
]


@pytest.mark.parametrize(("said", "cls", "outcome"), ODD_ANSWERS, ids=lambda value: str(value)[:40])
async def test_an_order_whose_answer_is_odd_ends_with_a_typed_error_and_no_crash(
    said: str, cls: type[BinanceError], outcome: Outcome, autojump_clock: MockClock
) -> None:
    caught: list[BinanceError] = []

    async def place(lab: Lab) -> None:
        try:
            await lab.router.call(PLACE, {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "1"})
        except BinanceError as exc:
            caught.append(exc)

    async with open_lab(run="rest clock wsapi", activity=1e-6, prefer="ws_api", session_logon=False) as lab:
        await connected(lab)
        await trio.sleep(5)
        lab.line("wsapi").blackhole("out")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(place, lab)
            await trio.sleep(1)
            lab.server("ws_api").text(f'{{"id":{lab.ws_api.line.latest},{said}}}')
        assert (type(caught[0]), caught[0].outcome) == (cls, outcome)
        assert "float" not in repr(getattr(caught[0], "data", ""))
        assert (lab.ws_api.statistics().connects, lab.seen(ServiceCrashed)) == (1, [])
