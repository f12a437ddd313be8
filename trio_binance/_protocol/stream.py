"""The subscriptions of one stream connection: what is wanted against what the exchange confirmed, sans-IO.

    want / unwant ──> queued ──next_message()──> asked ──on_reply()──> confirmed
                         ^                         │
                         └── refused in a crowd: asked again in halves, until only the culprit is refused

A lost connection forgets everything but the wish: ``on_connected`` queues all that is wanted again.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, final

import attrs
import msgspec

from trio_binance._codec.jsontext import decode, encode
from trio_binance.errors import DecodeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

BATCH = 200
"""Names in one SUBSCRIBE: about 5 KB; 1024 streams are asked for with six messages."""

SHUTDOWN_STREAM = "!serverShutdown"
"""What the exchange calls its own farewell on a combined connection; it comes whether it is subscribed to or not."""


class Verb(enum.Enum):
    """What a control message asks."""

    SUBSCRIBE = "SUBSCRIBE"
    UNSUBSCRIBE = "UNSUBSCRIBE"


@attrs.frozen
class Confirmed:
    """The exchange sends these streams from now on."""

    streams: tuple[str, ...]


@attrs.frozen
class Refused:
    """The exchange does not send this stream; ``code`` and ``message`` are its words."""

    stream: str
    code: int | None
    message: str


@attrs.frozen
class Ignored:
    """A control message that answers nothing we asked; counted, nothing more."""

    reason: str


Effect = Confirmed | Refused | Ignored


@attrs.define
class _Asked:
    number: int
    verb: Verb
    streams: tuple[str, ...]
    overdue_at: float


@final
class Subscriptions:
    """What one connection shall carry. All methods are instantaneous; ``now`` is ``trio.current_time()``."""

    def __init__(self, *, timeout: float, first_id: int = 1) -> None:
        self._timeout = timeout
        self._next_id = first_id
        self._wanted: dict[str, None] = {}
        self._queue: list[tuple[Verb, tuple[str, ...]]] = []
        self._asked: dict[int, _Asked] = {}
        self._confirmed: set[str] = set()
        self._nameless: list[Mapping[str, object]] = []
        """Refusals that do not say what they refuse; always fewer than there are open questions."""

    @property
    def wanted(self) -> tuple[str, ...]:
        """Every stream that is wanted, in the order of the wishes."""
        return tuple(self._wanted)

    @property
    def confirmed(self) -> frozenset[str]:
        """Every stream the exchange has confirmed on the present connection."""
        return frozenset(self._confirmed)

    @property
    def complete(self) -> bool:
        """Whether everything wanted is confirmed."""
        return self._confirmed >= self._wanted.keys()

    @property
    def deadline(self) -> float:
        """When the oldest unanswered message is overdue."""
        return min((asked.overdue_at for asked in self._asked.values()), default=float("inf"))

    @property
    def has_messages(self) -> bool:
        """Whether ``next_message`` has something to send."""
        return bool(self._queue)

    def want(self, streams: Iterable[str]) -> None:
        """Wish for streams; those already wanted stay as they are."""
        new = tuple(name for name in dict.fromkeys(streams) if name not in self._wanted)
        self._wanted.update(dict.fromkeys(new))
        self._enqueue(Verb.SUBSCRIBE, new)

    def unwant(self, streams: Iterable[str]) -> None:
        """Drop a wish; a stream that was never asked for is simply forgotten."""
        gone = [name for name in dict.fromkeys(streams) if name in self._wanted]
        for name in gone:
            del self._wanted[name]
        never_asked = {name for verb, names in self._queue if verb is Verb.SUBSCRIBE for name in names}
        self._queue = [(verb, kept) for verb, names in self._queue if (kept := self._still(verb, names))]
        self._confirmed.difference_update(gone)
        self._enqueue(Verb.UNSUBSCRIBE, tuple(name for name in gone if name not in never_asked))

    def _still(self, verb: Verb, names: tuple[str, ...]) -> tuple[str, ...]:
        return names if verb is Verb.UNSUBSCRIBE else tuple(name for name in names if name in self._wanted)

    def _enqueue(self, verb: Verb, streams: tuple[str, ...], size: int = BATCH) -> None:
        self._queue += [(verb, streams[start : start + size]) for start in range(0, len(streams), size)]

    def on_connected(self) -> None:
        """Ask for everything again: a new connection carries nothing."""
        self._queue.clear()
        self._asked.clear()
        self._nameless.clear()
        self._confirmed.clear()
        self._enqueue(Verb.SUBSCRIBE, self.wanted)

    def next_message(self, now: float) -> str | None:
        """Return the next control message to send, or ``None``; the caller paces (5 messages a second).

        Nothing more is asked until it is clear whom a refusal without an id meant.
        """
        if not self._queue or self._nameless:
            return None
        verb, streams = self._queue.pop(0)
        number, self._next_id = self._next_id, self._next_id + 1
        self._asked[number] = _Asked(number, verb, streams, now + self._timeout)
        return encode({"method": verb.value, "params": list(streams), "id": number}).decode()

    def on_reply(self, frame: bytes) -> list[Effect]:
        """Take a control message of the exchange and return what it means."""
        try:
            reply = decode(frame)
        except DecodeError:
            return [Ignored("not JSON")]
        if not isinstance(reply, dict):
            return [Ignored("not an object")]
        error, number = _error_of(reply), reply.get("id")
        if number is None and error is not None and self._asked:
            self._nameless.append(error)
            return self._refuse_rest()
        asked = self._asked.pop(number, None) if type(number) is int else None  # true is no 1
        if asked is None:
            told = repr(number) if isinstance(number, int | str | None) else type(number).__name__
            return [Ignored(f"answers nothing we asked (id {told})"[:80])]
        effects = self._settle(asked) if error is None else self._refuse(asked, error)
        return [*effects, *self._refuse_rest()]

    def _refuse_rest(self) -> list[Effect]:
        """Refuse what is still open once there are as many refusals without an id: everything else was answered.

        Nearly all refusals of the documents carry no id (web-socket-streams.md, "Error Messages").
        """
        if len(self._nameless) < len(self._asked):
            return []
        pairs = list(zip(self._asked.values(), self._nameless, strict=True))
        self._asked.clear()
        self._nameless.clear()
        return [effect for asked, error in pairs for effect in self._refuse(asked, error)]

    def _settle(self, asked: _Asked) -> list[Effect]:
        if asked.verb is Verb.UNSUBSCRIBE:
            return []
        undone = self._given_up_after(asked)
        streams = tuple(name for name in asked.streams if name in self._wanted and name not in undone)
        self._confirmed.update(streams)
        return [Confirmed(streams)] if streams else []

    def _given_up_after(self, asked: _Asked) -> set[str]:
        """Return what is unsubscribed later than a message; where it is wanted all the same, it is asked for again."""
        later = [names for verb, names in self._queue if verb is Verb.UNSUBSCRIBE]
        others = self._asked.values()
        later += [each.streams for each in others if each.verb is Verb.UNSUBSCRIBE and each.number > asked.number]
        return {name for names in later for name in names}

    def _refuse(self, asked: _Asked, error: Mapping[str, object]) -> list[Effect]:
        streams = tuple(name for name in asked.streams if name in self._wanted)
        if asked.verb is Verb.UNSUBSCRIBE or not streams:
            return []
        if len(asked.streams) > 1:
            self._enqueue(Verb.SUBSCRIBE, streams, (len(streams) + 1) // 2)
            return []
        del self._wanted[streams[0]]
        code, words = error.get("code"), error.get("msg")
        return [Refused(streams[0], code if type(code) is int else None, words if isinstance(words, str) else "")]

    def overdue(self, now: float) -> tuple[str, ...]:
        """Return the streams whose SUBSCRIBE was not answered in time; the connection is then not to be trusted."""
        late = [asked.streams for asked in self._asked.values() if asked.overdue_at <= now]
        return tuple(name for streams in late for name in streams)


def _error_of(reply: Mapping[str, object]) -> Mapping[str, object] | None:
    """Return the error a control reply tells, in either of its forms: ``{"error": {...}}`` or its fields bare."""
    error = reply.get("error")
    if isinstance(error, dict):
        return error
    return reply if "code" in reply else None


class _Event(msgspec.Struct):
    e: str = ""


class _Shutdown(_Event):
    event: _Event = msgspec.field(default_factory=_Event)


def is_shutdown(data: bytes) -> bool:
    """Tell whether an event is ``serverShutdown``: "connect anew at once"; it has no fixed lead time.

    It comes bare, or wrapped as events of the WebSocket API are.
    """
    if b"serverShutdown" not in data:
        return False
    try:
        told = msgspec.json.decode(data, type=_Shutdown)
        return "serverShutdown" in (told.e, told.event.e)
    except (ValueError, RecursionError):  # not UTF-8 is no DecodeError
        return False
