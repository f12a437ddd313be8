"""The link whose connections overlap, and its mirrors: made before it is broken, and called where it can be reached."""

from __future__ import annotations

from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
import trio
import trio.testing

from tests._services.helpers_streams import Highest, Lab, open_lab
from tests._services.test_link import Guest, yes
from trio_binance._protocol.operation import Lane
from trio_binance._pure.limits import Cost
from trio_binance._services.events import (
    BanStarted,
    Connected,
    ConnectFailed,
    ConnectionLost,
    ConnectionRenewed,
    MirrorChanged,
    Reconnected,
)
from trio_binance._services.link import Link
from trio_binance.config import Tuning
from trio_binance.sandbox.faults import Answer, Bend, DialTrouble, OnDial, OnHandshake, Timed
from trio_binance.sandbox.network import DialFault
from trio_binance.sandbox.serve import _serve

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from trio.testing import MockClock

    from trio_binance._services.socket import Socket


class Twofold(Guest):
    """A tenant of a link whose connections overlap: knows which of them stand."""

    def __init__(self) -> None:
        super().__init__()
        self.standing: list[Socket] = []
        self.most = 0
        self.goodbyes: list[Socket] = []

    async def serve(self, socket: Socket) -> None:
        self.standing.append(socket)
        self.most = max(self.most, len(self.standing))
        try:
            await super().serve(socket)
        finally:
            self.standing.remove(socket)

    async def retire(self, socket: Socket) -> None:
        assert self.standing[-1:] != [socket]  # cancelled, both may be gone
        self.goodbyes.append(socket)
        await super().retire(socket)


@asynccontextmanager
async def overlapping(*faults: Any, **settings: Any) -> AsyncIterator[tuple[Lab, Link, Twofold]]:
    async with open_lab(*faults, activity=0.01, **settings) as lab:
        lab.rng, lab.ping_exchange = Highest(), yes
        link, guest = lab.make_link(overlaps=True), Twofold()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(link.run, guest)
            await lab.wait_for(Connected)
            await trio.testing.wait_all_tasks_blocked()
            yield lab, link, guest
            nursery.cancel_scope.cancel()


async def test_a_connection_goes_when_its_successor_stands(autojump_clock: MockClock) -> None:
    async with overlapping(tuning=Tuning(connection_lifetime=100.0)) as (lab, link, guest):
        await lab.wait_for(ConnectionRenewed, 3, within=400)
        assert (guest.most, link.connects) == (2, 4)
        assert guest.goodbyes == guest.sockets[:3]
        assert [round(moment) for moment in guest.retired] == [100, 200, 300]
        assert "24 h" in lab.seen(ConnectionRenewed)[0].reason
        assert (lab.seen(Reconnected), lab.seen(ConnectionLost)) == ([], [])
        assert [round(moment) for moment, _ in guest.lost] == [100, 200, 300]


async def test_it_goes_on_for_as_long_as_no_successor_can_be_made(autojump_clock: MockClock) -> None:
    tuning = Tuning(connection_lifetime=100.0)
    async with overlapping(Timed(90.0, DialTrouble(DialFault.REFUSE, 200.0)), tuning=tuning) as (lab, _, guest):
        await lab.wait_for(ConnectFailed, 3)
        assert guest.standing == guest.sockets[:1]
        assert guest.lost == []
        await lab.wait_for(ConnectionRenewed)
        assert guest.goodbyes == guest.sockets[:1]
        assert lab.seen(ConnectionLost) == []


async def test_one_that_breaks_while_its_successor_is_made_is_lost(autojump_clock: MockClock) -> None:
    async with overlapping() as (lab, link, guest):
        lab.network.dial_fault = DialFault.REFUSE
        link.renew()
        await lab.wait_for(ConnectFailed)
        lab.line("link").reset()
        lost = await lab.wait_for(ConnectionLost)
        assert [reason for _, reason in guest.lost] == [lost.reason]
        lab.network.dial_fault = None
        again = await lab.wait_for(Reconnected)
        assert again.reason == lost.reason
        assert again.after == pytest.approx(again.at - lost.at)
        await trio.testing.wait_all_tasks_blocked()
        assert (link.connects, guest.most, lab.seen(ConnectionRenewed)) == (2, 1, [])


async def test_one_that_goes_as_it_was_told_to_is_no_loss(autojump_clock: MockClock) -> None:
    async with overlapping() as (lab, link, guest):
        link.renew()
        lab.server().close(1001)
        await lab.wait_for(ConnectionRenewed)
        assert lab.seen(ConnectionLost) == []
        assert link.connects == 2
        assert len(guest.lost) == 1


async def test_whoever_is_being_replaced_may_be_told_so_again(autojump_clock: MockClock) -> None:
    async with overlapping() as (lab, link, guest):
        guest.retiring = 5.0
        old = guest.sockets[0]
        link.renew(old)
        link.renew(old)
        await trio.sleep(1)
        link.renew(old)
        await lab.wait_for(ConnectionRenewed)
        await trio.sleep(20)
        assert link.connects == 2
        assert lab.seen(ConnectionRenewed)[0].at == pytest.approx(5.0, abs=0.1)


async def test_retiring_is_cut_off_when_it_takes_long_and_delays_nobody(autojump_clock: MockClock) -> None:
    async with overlapping(tuning=Tuning(request_timeout=3.0)) as (lab, link, guest):
        guest.retiring = 1000.0
        link.renew()
        await trio.sleep(1)
        link.renew()
        await trio.sleep(1.5)  # for the second is sent away young
        assert link.connects == 3
        assert len(guest.standing) == 3
        await lab.wait_for(ConnectionRenewed, 2)
        assert len(guest.standing) == 1
        assert trio.current_time() == pytest.approx(5.0, abs=0.3)


async def test_connections_that_are_sent_away_young_do_not_chase_each_other(autojump_clock: MockClock) -> None:
    async with overlapping() as (lab, link, _):
        for _number in range(20):
            link.renew()
            await trio.sleep(1)
        assert link.connects < 8
        assert lab.seen(ConnectionLost) == []


@pytest.mark.slow
async def test_cancelled_at_any_moment_of_a_replacement_nothing_stays(autojump_clock: MockClock) -> None:
    for steps in range(0, 60, 3):
        async with overlapping() as (_, link, _):
            link.renew()
            for _number in range(steps):
                await trio.lowlevel.checkpoint()
        # open_lab looks for connections that are still open


# ------------------------------------------------------------------------------------------------------- mirrors


@asynccontextmanager
async def mirrored(*faults: Any, **settings: Any) -> AsyncIterator[tuple[Lab, Link]]:
    async with open_lab(*faults, activity=0.01, **settings) as lab:
        mirror = lab.network.listen("b.invalid", 80)
        base = lab.config.environment.stream_url

        async def serve_mirror() -> None:
            await trio.serve_listeners(partial(_serve, lab.sandbox.driver), [mirror])

        link = Link(
            "link",
            [f"{base}/stream", "ws://b.invalid/stream", "ws://nobody.invalid/stream"],
            cost=Cost(raw=0, connections=1),
            lane=Lane.MARKET,
            dialer=lab.network,
            limiter=lab.limiter,
            tuning=lab.tuning,
            observer=lab.observer,
            rng=Highest(),
            ping_exchange=yes,
        )
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve_mirror)
            nursery.start_soon(link.run, Guest())
            yield lab, link
            nursery.cancel_scope.cancel()


def changes(lab: Lab) -> list[tuple[str, str]]:
    return [(event.old.split("/")[2], event.new.split("/")[2]) for event in lab.seen(MirrorChanged)]


async def test_a_host_that_cannot_be_reached_is_stood_in_for_by_the_next(autojump_clock: MockClock) -> None:
    async with mirrored(OnDial(1, DialFault.REFUSE)) as (lab, _):
        await lab.wait_for(Connected)
        assert changes(lab) == [("sandbox.invalid", "b.invalid")]
        assert lab.seen(ConnectFailed)[0].retry_in == 1.0


async def test_the_hosts_take_turns(autojump_clock: MockClock) -> None:
    faults = (OnDial(number, DialFault.REFUSE) for number in (1, 2))
    async with mirrored(*faults) as (lab, _):
        await lab.wait_for(Connected)
        assert changes(lab) == [
            ("sandbox.invalid", "b.invalid"),
            ("b.invalid", "nobody.invalid"),
            ("nobody.invalid", "sandbox.invalid"),
        ]


async def test_the_first_host_comes_back_with_a_later_connection(autojump_clock: MockClock) -> None:
    tuning = Tuning(mirror_return=50.0)
    async with mirrored(OnDial(1, DialFault.REFUSE), tuning=tuning) as (lab, link):
        await lab.wait_for(Connected)
        dialled = lab.network.dials
        await trio.sleep(60)
        link.renew()
        await lab.wait_for(Reconnected)
        assert (lab.network.dials - dialled, len(changes(lab))) == (1, 1)
        assert lab.sandbox.driver.sockets[-1].kind == "stream"


@pytest.mark.parametrize("answer", [Answer.limited("5"), Answer.limited("5", banned=True), Answer.waf()])
async def test_whoever_is_sent_away_does_not_come_in_by_another_door(answer: Answer, autojump_clock: MockClock) -> None:
    async with mirrored(OnHandshake(1, Bend.say(answer))) as (lab, _):
        await lab.wait_for(Connected, within=1000)
        assert changes(lab) == []
        assert len(lab.seen(BanStarted)) == 1
