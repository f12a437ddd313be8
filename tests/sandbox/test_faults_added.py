"""Faults on a running exchange: added at any time, told when they strike, over when all is to be well again."""

from __future__ import annotations

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from tests.reliability.trader import SYMBOL, WIRES, open_trader
from trio_binance.errors import ConnectError, InvalidArgument
from trio_binance.sandbox import (
    Bend,
    CutSockets,
    DialFault,
    DialTrouble,
    Ending,
    EndUserStreams,
    FaultSchedule,
    JumpClock,
    OnDial,
    OnHandshake,
    OnRequest,
    ReplicaLag,
    Reset,
    RevokeKeys,
    SetStatus,
    Spell,
    Struck,
    TakeFunds,
    Timed,
)
from trio_binance.sandbox.agenda import Agenda
from trio_binance.sandbox.injector import Injector
from trio_binance.sandbox.network import MemoryNetwork

PLACE = "POST /api/v3/order"


@pytest.mark.parametrize("wire", WIRES)
async def test_faults_added_later_count_from_then_on(wire: str, autojump_clock: MockClock) -> None:
    async with open_trader(None, wire) as trader:
        await trader.place()
        trader.sandbox.faults.add(FaultSchedule.of("O03", nth=2), Timed(5, SetStatus(SYMBOL)))
        assert (await trader.place(newClientOrderId="a")).status == 200
        assert (await trader.place(newClientOrderId="b")).line == "reset"
        assert trader.sandbox.market.venue(SYMBOL).status == "TRADING"
        await trio.sleep(6)
        assert trader.sandbox.market.venue(SYMBOL).status == "HALT"


async def test_what_has_struck_is_told_with_its_moment(autojump_clock: MockClock) -> None:
    dial, shake = OnDial(1, DialFault.REFUSE), OnHandshake(1, Bend.late(2))
    late, lag = OnRequest(1, Bend.late(1), PLACE), Timed(7, ReplicaLag(1))
    never = OnRequest(5, Bend.late(1), PLACE)
    async with open_trader(FaultSchedule((late, lag, never, dial, shake))) as trader:
        with pytest.raises(ConnectError):
            await trader.dial()
        await trader.place()
        await trader.ws("time")
        await trio.sleep_until(10)
        assert trader.sandbox.faults.struck == [Struck(0, dial), Struck(0, late), Struck(1, shake), Struck(7, lag)]


@pytest.mark.parametrize("wire", WIRES)
async def test_a_spell_bends_every_request_of_a_while(wire: str, autojump_clock: MockClock) -> None:
    async with open_trader(FaultSchedule((Spell(10, 5, Bend(hold=2), "TRADE"),)), wire) as trader:
        took = []
        for start, name in ((0, "a"), (11, "b"), (14, "c"), (20, "d")):
            await trio.sleep_until(start)
            await trader.place(newClientOrderId=name)
            took.append(trio.current_time() - start)
        assert took == pytest.approx([0, 2, 2, 0])


async def test_all_is_well_again(autojump_clock: MockClock) -> None:
    faults = [Timed(1, SetStatus(SYMBOL)), Timed(1, ReplicaLag(40)), Timed(1, TakeFunds("BTC")), Timed(1, RevokeKeys())]
    faults += [Timed(1, DialTrouble(DialFault.HANG, 1000)), Timed(20, Reset()), Timed(20, JumpClock(100))]
    more = (Spell(1, 1000, Bend.lost(executed=False)), OnRequest(1, Bend.lost(executed=False), PLACE))
    async with open_trader(FaultSchedule((*faults, *more, OnDial(1, DialFault.REFUSE)))) as trader:
        sandbox = trader.sandbox
        await trio.sleep(5)
        assert sandbox.market.replica_lag_us == 40_000_000
        assert trader.account.free("BTC") == 0
        sandbox.faults.clear()
        assert (await trader.place()).status == 200
        assert (await trader.query()).status == 200
        assert trader.account.free("BTC") == 1
        at = sandbox.now_us()
        await trio.sleep(50)
        assert sandbox.now_us() - at == 50_000_000
        assert not any(sandbox.market.audit().values())


async def test_lags_overlap_and_the_longest_counts(autojump_clock: MockClock) -> None:
    faults = FaultSchedule((Timed(1, ReplicaLag(40, 10)), Timed(2, ReplicaLag(5, 20))))
    async with open_trader(faults) as trader:
        lags = []
        for moment in (0, 5, 15, 30):
            await trio.sleep_until(moment)
            lags.append(trader.sandbox.market.replica_lag_us // 10**6)
        assert lags == [0, 40, 5, 0]


async def test_streams_of_accounts_end_with_word_and_connections_without(autojump_clock: MockClock) -> None:
    async with open_trader() as trader:
        await trader.subscribe()
        trader.sandbox.faults.add(Timed(1, EndUserStreams()), Timed(2, CutSockets("stream")), Timed(3, CutSockets()))
        assert (await trader.answer(None)).line == "eof"
        assert trio.current_time() == pytest.approx(3)
        assert [event["event"]["e"] for event in trader.events] == ["eventStreamTerminated"]


async def test_deeds_of_a_request_are_done_even_where_nothing_is_done_to_it(autojump_clock: MockClock) -> None:
    deeds = (Timed(0, SetStatus(SYMBOL, "BREAK", 1)), Timed(5, SetStatus(SYMBOL, "HALT", 1)))
    async with open_trader(FaultSchedule((OnRequest(1, path="time", deeds=deeds),))) as trader:
        seen = []
        await trader.rest("GET /api/v3/time")
        for moment in (0.5, 3, 5.5, 8):
            await trio.sleep_until(moment)
            seen.append(trader.sandbox.market.venue(SYMBOL).status)
        assert seen == ["BREAK", "TRADING", "HALT", "TRADING"]


async def test_two_faults_of_one_request_are_both_counted_and_the_first_bend_is_done(autojump_clock: MockClock) -> None:
    lag = OnRequest(1, path=PLACE, deeds=(Timed(0, ReplicaLag(40)),))
    faults = FaultSchedule((lag, OnRequest(1, Bend.late(3), PLACE), OnRequest(1, Bend.late(9), "TRADE")))
    async with open_trader(faults) as trader:
        await trader.place()
        assert trio.current_time() == pytest.approx(3)
        assert trader.sandbox.market.replica_lag_us == 40_000_000
        assert len(trader.sandbox.faults.struck) == 3


async def test_a_request_of_the_websocket_api_is_answered_while_another_is_held(autojump_clock: MockClock) -> None:
    async with open_trader(FaultSchedule((OnRequest(1, Bend(hold=5), PLACE),)), "ws_api") as trader:
        first = await trader.send(
            "order.place", symbol=SYMBOL, side="BUY", type="MARKET", quantity="0.001", newClientOrderId="mine"
        )
        assert (await trader.ws("time")).status == 200
        assert trio.current_time() == pytest.approx(0)
        assert (await trader.answer(first)).data["status"] == "FILLED"
        assert trio.current_time() == pytest.approx(5)


async def test_an_answer_comes_before_the_events_of_its_request_unless_it_is_late(autojump_clock: MockClock) -> None:
    faults = FaultSchedule((OnRequest(2, Bend.twice(), PLACE), OnRequest(3, Bend.late(1), PLACE)))
    async with open_trader(faults, "ws_api") as trader:
        await trader.subscribe()
        first = []
        for name in ("a", "b", "c"):
            before = len(trader.events)
            await trader.market(newClientOrderId=name)
            first.append("answer" if len(trader.events) == before else "events")
            await trader.watch(1)
        assert first == ["answer", "answer", "events"]


@pytest.mark.parametrize("answer_id, expected", [("other", 1_000_000_001), ("null", None)])
async def test_an_answer_is_somebody_elses_or_nobodys(
    answer_id: str, expected: int | None, autojump_clock: MockClock
) -> None:
    bend = Bend.misaddressed(answer_id)  # type: ignore[arg-type]
    async with open_trader(FaultSchedule((OnRequest(1, bend, PLACE),)), "ws_api") as trader:
        await trader.send("order.place", symbol=SYMBOL, side="BUY", type="MARKET", quantity="0.001")
        heard = await trader.answer(expected)
        assert (heard.status, len(trader.orders)) == (200, 1)


@pytest.mark.parametrize("ending", [Ending.EOF, Ending.RESET, Ending.BAN, Ending.SILENCE])
async def test_a_connection_may_end_after_an_answer(ending: Ending, autojump_clock: MockClock) -> None:
    bend = Bend(ending=ending)
    async with open_trader(FaultSchedule((OnRequest(1, bend, "time"),)), "ws_api") as trader:
        assert (await trader.ws("time")).status == 200
        gone = await trader.answer(2) if ending is not Ending.SILENCE else await trader.ws("time")
        assert gone.line == ("closed" if ending is Ending.BAN else ending.value)


async def test_bytes_of_our_own_come_in_front_of_an_answer_or_in_its_place(autojump_clock: MockClock) -> None:
    hints, pong = Bend(before=b"HTTP/1.1 103 Early Hints\r\n\r\n"), Bend(before=b"\x8a\x00")
    faults = (OnRequest(1, hints, "time", "rest"), OnRequest(1, pong, "time", "ws_api"))
    raw = OnRequest(2, Bend(raw=b"\x81\x02hi"), "time", "ws_api")
    async with open_trader(FaultSchedule((*faults, raw)), "ws_api") as trader:
        assert (await trader.rest("GET /api/v3/time")).status == 200
        assert (await trader.ws("time")).status == 200
        assert (await trader.ws("time")).text == "hi"


async def test_a_bend_without_an_execution_is_an_unknown_error(autojump_clock: MockClock) -> None:
    async with open_trader(FaultSchedule((OnRequest(1, Bend(executed=False), PLACE),)), "ws_api") as trader:
        assert (await trader.place()).refusal == (503, -1000)
        assert trader.orders == []


@pytest.mark.parametrize("path, wire", [("/api/v3/order", "ws_api"), ("session.logon", "rest")])
def test_a_request_that_a_wire_does_not_know_is_refused(path: str, wire: str) -> None:
    with pytest.raises(InvalidArgument, match="never asked for there"):
        OnRequest(1, Bend.late(1), path, wire)  # type: ignore[arg-type]


def test_a_time_before_now_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="0 or more"):
        Bend(hold=-1)


def test_what_is_done_to_an_exchange_is_refused_where_there_is_none() -> None:
    injector = Injector(FaultSchedule(), None)
    for fault in (Timed(1, ReplicaLag(1)), OnRequest(1, path=PLACE, deeds=(Timed(0, SetStatus(SYMBOL)),))):
        with pytest.raises(InvalidArgument, match="there is no exchange here"):
            injector.add(fault)


async def test_a_network_that_has_a_gate_keeps_it() -> None:
    network = MemoryNetwork()
    network.dial_gate = lambda dial: DialFault.DNS if dial.host == "nowhere" else None
    network.listen("exchange", 80)
    Injector(FaultSchedule((OnDial(2, DialFault.REFUSE),)), network)
    with pytest.raises(ConnectError, match="does not resolve"):
        await network.connect("nowhere", 80, tls=False)
    with pytest.raises(ConnectError, match="refused"):
        await network.connect("exchange", 80, tls=False)
    with trio.move_on_after(0):
        await network.connect("exchange", 80, tls=False)


async def test_an_agenda_does_everything_in_its_turn(autojump_clock: MockClock) -> None:
    agenda, done = Agenda(), []
    agenda.later(3, lambda: done.append("third"))
    agenda.later(0, lambda: done.append("first"))
    with trio.move_on_after(10):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(agenda.run)
            await trio.sleep(1)
            agenda.later(1, lambda: done.append("second"))
            agenda.later(2, lambda: done.append("fourth"))
    assert done == ["first", "second", "third", "fourth"]
