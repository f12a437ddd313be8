"""The router of market events: which connections hear a stream, and the frame each of them gets."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from .frames import Text, dump
from .timeunits import event_in_us

if TYPE_CHECKING:
    from .events import Json, StreamEvent
    from .market import Market
    from .sessions import StreamSession


@final
class Router:
    """Keeps ``market.wanted`` equal to the streams that somebody hears, and writes their events once a shape."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._hearers: dict[str, dict[int, StreamSession]] = {}
        self._streams: dict[int, frozenset[str]] = {}

    def update(self, session: StreamSession) -> None:
        """Follow the streams a session has now."""
        number = session.connection
        before, after = self._streams.get(number, frozenset()), frozenset(session.streams)
        for name in before - after:
            self._drop(name, number)
        for name in after - before:
            self._add(name, session)
        self._streams[number] = after

    def remove(self, session: StreamSession) -> None:
        """Forget a session."""
        for name in self._streams.pop(session.connection, frozenset()):
            self._drop(name, session.connection)

    def deliver(self, event: StreamEvent) -> list[Text]:
        """Return an event's frames, one for each connection that hears its stream."""
        hearers = self._hearers.get(event.stream)
        if not hearers:
            return []
        written: dict[tuple[bool, bool], str] = {}
        frames = []
        for number, session in hearers.items():
            shape = session.combined, session.microseconds
            if shape not in written:
                written[shape] = self.frame(session, event.stream, event.data)
            frames.append(Text(number, written[shape]))
        return frames

    @staticmethod
    def frame(session: StreamSession, stream: str, data: Json) -> str:
        """Return an event as this session gets it: bare, or in the combined envelope."""
        shown = event_in_us(data) if session.microseconds else data
        return dump({"stream": stream, "data": shown} if session.combined else shown)

    def _add(self, name: str, session: StreamSession) -> None:
        self._hearers.setdefault(name, {})[session.connection] = session
        # A name that does not exist is subscribed without a complaint, and nothing ever comes.
        if self._market.stream_exists(name):
            self._market.wanted.add(name)

    def _drop(self, name: str, number: int) -> None:
        hearers = self._hearers[name]
        del hearers[number]
        if not hearers:
            del self._hearers[name]
            self._market.wanted.discard(name)
