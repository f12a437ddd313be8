"""The injector: carries out a schedule of faults, on the network and on the wire, each at its time or its number."""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING, TypeAlias, assert_never, final

import attrs
import trio

from trio_binance.errors import InvalidArgument

from .agenda import Agenda
from .bending import HANDSHAKE, BentFrame, Passing, read_request
from .faults.bends import Bend
from .faults.deeds import (
    BlackHole,
    CloseSockets,
    CutSockets,
    DialTrouble,
    LoseEvents,
    Reset,
    SendRaw,
    ServerShutdown,
    Slow,
)
from .faults.schedule import FaultSchedule
from .faults.triggers import OnDial, OnHandshake, OnRequest, Spell, Timed
from .mischief import Mischief
from .operations import BY_METHOD, BY_NAME
from .pipe import Link

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .exchange import Exchange
    from .faults.deeds import Deed, LineDeed
    from .faults.triggers import Fault
    from .mischief import Undo
    from .network import Dial, DialFault, MemoryNetwork, MemoryStream
    from .ports import HousePort, SocketPort

_PLAIN = Bend()
_LINE = (DialTrouble, Reset, BlackHole, Slow, SendRaw, LoseEvents, ServerShutdown, CloseSockets, CutSockets)
Counted: TypeAlias = "OnRequest | OnHandshake"


@attrs.frozen
class Struck:
    """A fault that has struck, and when by the Trio clock."""

    at: float
    fault: Fault


@final
class Injector:
    """Carries out schedules: the network and the wire ask it what to do, ``run`` does what is due by time.

    Args:
        schedule: what goes wrong.
        network: whose connections are struck; ``None`` on real sockets, where only HTTP and WebSocket faults strike.
        exchange: whose market and accounts are struck; ``None`` where there is none, as in a recording.
    """

    def __init__(
        self, schedule: FaultSchedule, network: MemoryNetwork | None, exchange: Exchange | None = None
    ) -> None:
        self.struck: list[Struck] = []
        """What has struck, in order; requests and handshakes, moments and dials."""
        self._network = network
        self._exchange = exchange
        self._house: HousePort | None = None
        self._mischief: Mischief | None = None
        self._agenda = Agenda()
        self._counted: list[_Counted] = []
        self._spells: list[Spell] = []
        self._dials: dict[int, OnDial] = {}
        self._dial_trouble: DialFault | None = None
        self._link = Link() if network is None else network.link
        self._others_gate: Callable[[Dial], DialFault | None] | None = None
        self._waiting: list[Timed | Spell] = []
        if network is not None:
            self._others_gate, network.dial_gate = network.dial_gate, self.on_dial
        self.add(schedule)

    def add(self, *faults: Fault | FaultSchedule) -> None:
        """Add faults to what goes wrong; they count, and their time runs, from now on.

        Raises:
            InvalidArgument: a deed is done to an exchange, and there is none.
        """
        flat = [each for some in faults for each in (some.faults if isinstance(some, FaultSchedule) else (some,))]
        self._refuse_impossible(flat)
        counted = [fault for fault in flat if isinstance(fault, OnRequest | OnHandshake)]
        if counted:
            self._counted.append(_Counted(counted))
        dialled = 0 if self._network is None else self._network.dials
        self._dials |= {dialled + fault.number: fault for fault in flat if isinstance(fault, OnDial)}
        self._waiting += (fault for fault in flat if isinstance(fault, Timed | Spell))
        if self._house is not None:
            self._start()

    def clear(self) -> None:
        """Forget what has not struck yet, and end what lasts: all is well again."""
        self._counted.clear()
        self._waiting.clear()
        self._dials.clear()
        self._agenda.cut_short()

    def _refuse_impossible(self, faults: list[Fault]) -> None:
        deeds = [fault.deed for fault in faults if isinstance(fault, Timed)]
        deeds += [timed.deed for fault in faults if isinstance(fault, OnRequest) for timed in fault.deeds]
        for deed in deeds:
            if self._exchange is None and not isinstance(deed, _LINE):
                raise InvalidArgument("faults", deed, "there is no exchange here that this could be done to")

    # ----------------------------------------------------------------------------------------- what passes by

    def on_dial(self, dial: Dial) -> DialFault | None:
        """Return what becomes of a dial."""
        fault = self._dials.pop(dial.number, None)
        if fault is not None:
            self._note(fault)
            return fault.fault
        if self._dial_trouble is None and self._others_gate is not None:
            return self._others_gate(dial)
        return self._dial_trouble

    def on_request(self, method: str, target: str) -> Bend | None:
        """Count a REST request, do the deeds that it brings, and return what is done to it."""
        name = f"{method} {target.partition('?')[0]}"
        security = BY_NAME[name].security if name in BY_NAME else ""
        return self._strike(Passing("rest", target, name, security))

    def on_handshake(self, target: str) -> Bend | None:
        """Count a handshake and return what is done to it."""
        return self._strike(Passing(HANDSHAKE, target))

    def on_frame(self, socket: SocketPort, text: str) -> bool:
        """Count a request of the WebSocket API; return whether it is seen to, and not the exchange's business."""
        request = read_request(text) if socket.kind == "ws_api" and (self._counted or self._spells) else None
        if request is None or request[1] not in BY_METHOD:
            return False
        operation = BY_METHOD[request[1]]
        bend = self._strike(Passing("ws_api", "", operation.name, operation.security))
        if bend is None or self._exchange is None or self._house is None:
            return False
        execute = self._exchange.held(socket.number, text, self._house.now_us())
        if execute is None:
            return False
        BentFrame(bend, request[0], socket, execute, self._house).begin(self.later)
        return True

    def later(self, seconds: float, step: Callable[[], object]) -> None:
        """Do something after some seconds, whoever may be gone by then; at once for 0."""
        self._agenda.later(seconds, step)

    def _strike(self, passing: Passing) -> Bend | None:
        struck: list[Counted | Spell] = [fault for group in self._counted for fault in group.count(passing)]
        if passing.wire != HANDSHAKE:
            struck += (spell for spell in self._spells if passing.is_meant(spell.path, spell.wire))
        for fault in struck:
            self._note(fault)
            for timed in fault.deeds if isinstance(fault, OnRequest) else ():
                self._agenda.later(timed.at, partial(self._do, timed.deed))
        return next((fault.bend for fault in struck if fault.bend != _PLAIN), None)

    def _note(self, fault: Fault) -> None:
        self.struck.append(Struck(trio.current_time(), fault))

    # ---------------------------------------------------------------------------------------------- by the time

    async def run(self, house: HousePort) -> None:
        """Do what the schedule says at its time, for ever. Cancelled, the rest is left undone."""
        self._house = house
        self._mischief = None if self._exchange is None else Mischief(self._exchange, house)
        self._start()
        await self._agenda.run()

    def _start(self) -> None:
        waiting, self._waiting = self._waiting, []
        for fault in waiting:
            self._agenda.later(fault.at, partial(self._begin, fault))

    def _begin(self, fault: Timed | Spell) -> None:
        self._note(fault)
        if isinstance(fault, Timed):
            self._do(fault.deed)
        else:
            self._spells.append(fault)
            self._agenda.later(fault.seconds, partial(self._spells.remove, fault), ends=True)

    def _do(self, deed: Deed) -> None:
        undo = self._do_to_line(deed) if isinstance(deed, _LINE) else self._mischief and self._mischief.do(deed)
        if undo is not None:
            seconds, step = undo
            self._agenda.later(seconds, step, ends=True)

    def _do_to_line(self, deed: LineDeed) -> Undo:
        match deed:
            case DialTrouble(trouble, seconds):
                self._dial_trouble = trouble
                return seconds, partial(self._trouble_dials, None)
            case Slow(link, seconds):
                self._shape(link)
                return seconds, partial(self._shape, self._link)
            case LoseEvents(every, seconds):
                self._each(lambda socket: socket.lose(every))
                return seconds, lambda: self._each(lambda socket: socket.lose(0))
            case ServerShutdown(lead):
                return lead, self._announce_shutdown()
            case Reset() | BlackHole():
                self._strike_line(deed)
            case SendRaw(data):
                self._each(lambda socket: socket.send_raw(data))
            case CloseSockets(code, reason, kind):
                self._each(lambda socket: socket.close(code, reason), kind)
            case CutSockets(kind):
                self._each(lambda socket: socket.cut(), kind)
            case never:
                assert_never(never)
        return None

    def _trouble_dials(self, fault: DialFault | None) -> None:
        self._dial_trouble = fault

    def _strike_line(self, deed: Reset | BlackHole) -> None:
        for stream in self._clients():
            if isinstance(deed, Reset):
                stream.reset()
            else:
                stream.blackhole(deed.direction, trio.current_time() + deed.seconds)

    def _shape(self, link: Link) -> None:
        if self._network is not None:
            self._network.link = link
        for stream in self._clients():
            stream.shape(link)

    def _clients(self) -> list[MemoryStream]:
        streams = () if self._network is None else self._network.open_streams
        return [stream for stream in streams if stream.side == "client"]

    def _each(self, act: Callable[[SocketPort], None], kind: str | None = None) -> None:
        for socket in () if self._house is None else self._house.sockets:
            if kind in (None, socket.kind):
                act(socket)

    def _announce_shutdown(self) -> Callable[[], None]:
        """Tell every WebSocket; return what closes those that were told: whoever connects meanwhile stays."""
        assert self._house is not None
        told = tuple(self._house.sockets)
        event = f'{{"e":"serverShutdown","E":{self._house.now_us() // 1000}}}'
        self._each(lambda socket: socket.text(_shutdown_text(socket, event)))

        def leave() -> None:
            for socket in told:
                socket.close(1001, "server shutdown")

        return leave


@final
class _Counted:
    """Counts what passes by, by what the faults added at one time are aimed at, and finds those whose number came."""

    def __init__(self, faults: Iterable[Counted]) -> None:
        self._faults: dict[tuple[str, str], dict[int, list[Counted]]] = defaultdict(lambda: defaultdict(list))
        for fault in faults:
            wire = fault.wire if isinstance(fault, OnRequest) else HANDSHAKE
            self._faults[wire, fault.path][fault.number].append(fault)
        self._seen = dict.fromkeys(self._faults, 0)

    def count(self, passing: Passing) -> list[Counted]:
        found: list[Counted] = []
        for aim in self._seen:
            wire, path = aim
            if passing.is_meant(path, wire):
                self._seen[aim] += 1
                found += self._faults[aim].get(self._seen[aim], ())
        return found


def _shutdown_text(socket: SocketPort, event: str) -> str:
    # web-socket-streams.md, web-socket-api.md "serverShutdown": three shapes, none of them needs a subscription.
    if socket.kind == "ws_api":
        return f'{{"event":{event}}}'
    if socket.target.startswith("/stream"):
        return f'{{"stream":"!serverShutdown","data":{event}}}'
    return event
