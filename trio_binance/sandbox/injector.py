"""The injector: carries out a schedule of faults, on the network and on the wire, each at its time or its number."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Literal, Protocol, assert_never, final

import trio

from .faults import (
    BlackHole,
    CloseSockets,
    DialTrouble,
    LoseEvents,
    OnDial,
    OnHandshake,
    OnRequest,
    Reset,
    SendRaw,
    ServerShutdown,
    Slow,
    Timed,
)
from .pipe import Link

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from .faults import Bend, FaultSchedule
    from .network import Dial, DialFault, MemoryNetwork, MemoryStream


class HousePort(Protocol):
    """What faults need of the running exchange."""

    @property
    def sockets(self) -> Sequence[SocketPort]:
        """The WebSockets that are open."""
        ...

    def now_us(self) -> int:
        """Return the exchange's time in microseconds."""
        ...


class SocketPort(Protocol):
    """What faults need of a WebSocket on the server's side."""

    @property
    def kind(self) -> Literal["stream", "ws_api"]:
        """Which house it is in."""
        ...

    @property
    def target(self) -> str:
        """What the client asked for in its handshake."""
        ...

    def send_raw(self, data: bytes) -> None:
        """Send bytes as they are."""
        ...

    def text(self, text: str) -> None:
        """Send a text message."""
        ...

    def lose(self, every: int) -> None:
        """Lose every n-th event from now on; with 0 none."""
        ...

    def close(self, code: int | None, reason: str) -> None:
        """Send a close frame after all that waits."""
        ...


@final
class Injector:
    """Carries out a schedule: the network and the wire ask it what to do, ``run`` does what is due by time.

    Args:
        schedule: what goes wrong.
        network: whose connections are struck; ``None`` on real sockets, where only HTTP and WebSocket faults strike.
    """

    def __init__(self, schedule: FaultSchedule, network: MemoryNetwork | None) -> None:
        self._timed = tuple(fault for fault in schedule.faults if isinstance(fault, Timed))
        self._requests = _Counted(fault for fault in schedule.faults if isinstance(fault, OnRequest))
        self._handshakes = _Counted(fault for fault in schedule.faults if isinstance(fault, OnHandshake))
        self._dials = {fault.number: fault.fault for fault in schedule.faults if isinstance(fault, OnDial)}
        self._dial_trouble: DialFault | None = None
        self._network = network
        self._link = Link() if network is None else network.link
        if network is not None:
            network.dial_gate = self.on_dial

    def on_dial(self, dial: Dial) -> DialFault | None:
        """Return what becomes of a dial."""
        return self._dials.get(dial.number, self._dial_trouble)

    def on_request(self, method: str, target: str) -> Bend | None:
        """Count a request and return what is done to it."""
        return self._requests.count(target, f"{method} {target.partition('?')[0]}")

    def on_handshake(self, target: str) -> Bend | None:
        """Count a handshake and return what is done to it."""
        return self._handshakes.count(target)

    async def run(self, house: HousePort) -> None:
        """Do what the schedule says at its time; returns after the last of it. Cancelled, the rest is left undone."""
        start = trio.current_time()
        agenda = [
            (start + fault.at + after, step) for fault in self._timed for after, step in self._steps(fault, house)
        ]
        for moment, step in sorted(agenda, key=lambda entry: entry[0]):
            await trio.sleep_until(moment)
            step()

    def _steps(self, fault: Timed, house: HousePort) -> list[tuple[float, Callable[[], None]]]:
        """Return what a deed consists of: at its time, and some seconds after it."""
        match fault.deed:
            case DialTrouble(trouble, seconds):
                return [(0.0, partial(self._trouble_dials, trouble)), (seconds, partial(self._trouble_dials, None))]
            case Slow(link, seconds):
                return [(0.0, partial(self._shape, link)), (seconds, partial(self._shape, self._link))]
            case Reset() | BlackHole() as deed:
                return [(0.0, partial(self._strike, deed))]
            case SendRaw(data):
                return [(0.0, partial(_each, house, lambda socket: socket.send_raw(data)))]
            case LoseEvents(every, seconds):
                return [
                    (0.0, partial(_each, house, lambda socket: socket.lose(every))),
                    (seconds, partial(_each, house, lambda socket: socket.lose(0))),
                ]
            case CloseSockets(code, reason):
                return [(0.0, partial(_each, house, lambda socket: socket.close(code, reason)))]
            case ServerShutdown(lead):
                told: list[SocketPort] = []
                return [(0.0, partial(_announce_shutdown, house, told)), (lead, partial(_leave, told))]
            case never:
                assert_never(never)

    def _trouble_dials(self, fault: DialFault | None) -> None:
        self._dial_trouble = fault

    def _strike(self, deed: Reset | BlackHole) -> None:
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


@final
class _Counted:
    """Counts what passes by, per path or operation that some fault names, and finds the one whose number has come."""

    def __init__(self, faults: Iterable[OnRequest | OnHandshake]) -> None:
        self._bends = {(fault.path, fault.number): fault.bend for fault in faults}
        self._seen = dict.fromkeys((path for path, _ in self._bends), 0)

    def count(self, target: str, operation: str = "") -> Bend | None:
        found: Bend | None = None
        for path in self._seen:
            if target.startswith(path) or path == operation:
                self._seen[path] += 1
                found = found or self._bends.get((path, self._seen[path]))
        return found


def _each(house: HousePort, act: Callable[[SocketPort], None]) -> None:
    for socket in house.sockets:
        act(socket)


def _announce_shutdown(house: HousePort, told: list[SocketPort]) -> None:
    event = f'{{"e":"serverShutdown","E":{house.now_us() // 1000}}}'
    told += house.sockets
    _each(house, lambda socket: socket.text(_shutdown_text(socket, event)))


def _leave(told: list[SocketPort]) -> None:
    """Close the sockets that were told; whoever connected since stays."""
    for socket in told:
        socket.close(1001, "server shutdown")


def _shutdown_text(socket: SocketPort, event: str) -> str:
    # web-socket-streams.md, web-socket-api.md "serverShutdown": three shapes, none of them needs a subscription.
    if socket.kind == "ws_api":
        return f'{{"event":{event}}}'
    if socket.target.startswith("/stream"):
        return f'{{"stream":"!serverShutdown","data":{event}}}'
    return event
