"""The faults: a schedule of what goes wrong and when, as data; the injector carries it out.

A schedule is made of frozen values of four kinds, by what triggers them: a moment (``Timed``), a dial (``OnDial``), a
REST request (``OnRequest``) or a WebSocket handshake (``OnHandshake``). Nothing in the code under test draws lots:
``random_schedule`` draws a whole schedule beforehand, so that a failing run can be shrunk by leaving faults out.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, TypeAlias

import attrs

from trio_binance.errors import InvalidArgument

from .network import DialFault, Direction
from .operations import BY_METHOD, BY_NAME, PATHS
from .pipe import Link

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

Headers: TypeAlias = tuple[tuple[str, str], ...]

_HTML = (("content-type", "text/html"),)
_JSON = (("content-type", "application/json;charset=UTF-8"),)
_FOREVER = 365 * 86400.0


class Ending(enum.Enum):
    """What happens to the connection after the answer, or after the part of it that was sent."""

    KEEP = "keep"
    EOF = "eof"
    RESET = "reset"
    SILENCE = "silence"
    """The connection stays open and nothing comes any more."""


_ENDINGS = (Ending.EOF, Ending.RESET, Ending.SILENCE)


@attrs.frozen
class Answer:
    """An HTTP answer in place of the exchange's; its length is announced by the wire."""

    status: int
    body: bytes = b""
    headers: Headers = ()

    @classmethod
    def waf(cls) -> Answer:
        """Return the firewall's 403: a page, not JSON."""
        return cls(403, b"<html><head><title>403 Forbidden</title></head><body>Request blocked.</body></html>", _HTML)

    @classmethod
    def error(cls, status: int, code: int, msg: str) -> Answer:
        """Return an error as the exchange writes them."""
        return cls(status, b'{"code":%d,"msg":"%s"}' % (code, msg.encode()), _JSON)

    @classmethod
    def limited(cls, retry_after: str | None, *, banned: bool = False) -> Answer:
        """Return 429, or 418 when banned; ``retry_after`` is the header's text as it is, ``None`` leaves it out."""
        answer = cls.error(418 if banned else 429, -1003, "Too much request weight used.")
        return answer if retry_after is None else attrs.evolve(answer, headers=(*_JSON, ("retry-after", retry_after)))

    @classmethod
    def html(cls, status: int) -> Answer:
        """Return a page of whatever stands in front of the exchange."""
        return cls(status, b"<html><body><h1>%d</h1></body></html>" % status, _HTML)

    @classmethod
    def redirect(cls, location: str, status: int = 302) -> Answer:
        """Return a redirection; nobody who carries a key may follow it."""
        return cls(status, b"", (("location", location),))


@attrs.frozen
class Bend:
    """What is done to one request.

    The request waits ``hold`` seconds, is ``executed`` or not, and its answer waits ``delay`` seconds. ``answer``
    replaces what the exchange said, ``raw`` the very bytes on the wire; ``cut_at`` sends only so many bytes.
    """

    executed: bool = True
    hold: float = 0.0
    delay: float = 0.0
    answer: Answer | None = None
    raw: bytes | None = None
    cut_at: int | None = None
    ending: Ending = Ending.KEEP

    @classmethod
    def say(cls, answer: Answer) -> Bend:
        """Answer this and never ask the exchange."""
        return cls(executed=False, answer=answer)

    @classmethod
    def late(cls, seconds: float) -> Bend:
        """Execute at once, answer later."""
        return cls(delay=seconds)

    @classmethod
    def lost(cls, *, executed: bool, ending: Ending = Ending.RESET) -> Bend:
        """Answer nothing at all."""
        return cls(executed=executed, cut_at=0, ending=ending)

    @classmethod
    def cut(cls, size: int, ending: Ending = Ending.EOF) -> Bend:
        """Execute, send the first bytes of the answer, then stop."""
        return cls(cut_at=size, ending=ending)


# ------------------------------------------------------------------------------------------------- at a moment


@attrs.frozen
class DialTrouble:
    """Every dial fails in this way for some seconds."""

    fault: DialFault
    seconds: float


@attrs.frozen
class Reset:
    """Every connection is reset."""


@attrs.frozen
class BlackHole:
    """Nothing passes on the connections of this moment; ``in`` and ``out`` as the client sees them."""

    direction: Direction = "both"
    seconds: float = _FOREVER


@attrs.frozen
class Slow:
    """The connections of this moment, and those made meanwhile, behave like ``link`` for some seconds."""

    link: Link
    seconds: float = _FOREVER


@attrs.frozen
class SendRaw:
    """These bytes go out on every WebSocket, frames or not."""

    data: bytes


@attrs.frozen
class LoseEvents:
    """Every n-th event that the market streams of this moment have to tell is lost, for some seconds."""

    every: int
    seconds: float = _FOREVER


@attrs.frozen
class ServerShutdown:
    """Every WebSocket is told ``serverShutdown`` and closed ``lead`` seconds later.

    web-socket-streams.md, changelog of 2026-06-09: there is no fixed lead time.
    """

    lead: float = 10.0


@attrs.frozen
class CloseSockets:
    """Every WebSocket is closed with this code; ``None`` sends a close frame without one."""

    code: int | None = 1001
    reason: str = ""


Deed: TypeAlias = DialTrouble | Reset | BlackHole | Slow | SendRaw | LoseEvents | ServerShutdown | CloseSockets


@attrs.frozen
class Timed:
    """Done so many seconds after the schedule started."""

    at: float
    deed: Deed


@attrs.frozen
class OnDial:
    """Done to the n-th dial, counted from 1."""

    number: int
    fault: DialFault


def _subject(name: str) -> str:
    """Return what a fault is aimed at: the start of a target, or an operation, which may go by its other name."""
    if name.startswith("/"):
        path = name.partition("?")[0]
        if any(known.startswith(path) or path.startswith(known) for known in PATHS):
            return name
    elif name in BY_NAME:
        return name
    elif name in BY_METHOD and BY_METHOD[name].name in BY_NAME:
        return BY_METHOD[name].name
    told = 'expected the start of a path ("/api/v3/order"), or an operation ("POST /api/v3/order", "order.place")'
    raise InvalidArgument("path", name, f"no request of the exchange is called so; {told}")


@attrs.frozen
class OnRequest:
    """Done to the n-th REST request, counted from 1 among those whose target starts with ``path``.

    Or, where ``path`` is an operation ("POST /api/v3/order", or "order.place" for the same one), among its requests.

    Raises:
        InvalidArgument: no request of the exchange is called so: the fault would never strike.
    """

    number: int
    bend: Bend
    path: str = attrs.field(default="/", converter=_subject)


@attrs.frozen
class OnHandshake:
    """Done to the n-th WebSocket handshake, counted from 1 among those whose target starts with ``path``."""

    number: int
    bend: Bend
    path: str = "/"


Fault: TypeAlias = Timed | OnDial | OnRequest | OnHandshake


@attrs.frozen
class FaultSchedule:
    """What goes wrong, and when."""

    faults: tuple[Fault, ...] = ()


# --------------------------------------------------------------------------------------------------- by chance


def random_schedule(rng: random.Random, *, seconds: float, count: int, requests: int = 100) -> FaultSchedule:
    """Return a schedule drawn from ``rng``; a random half of the kinds is left out, so that runs differ in character.

    Args:
        rng: the only source of chance; the same state gives the same schedule.
        seconds: timed faults lie within so many seconds.
        count: how many faults.
        requests: faults of requests strike one of the first so many.
    """
    kinds = rng.sample(_KINDS, (len(_KINDS) + 1) // 2)
    faults = [rng.choice(kinds)(rng, seconds, requests) for _ in range(count)]
    return FaultSchedule(tuple(faults))


Draw: TypeAlias = "Callable[[random.Random, float, int], Fault]"


def _timed(deed: Callable[[random.Random], Deed]) -> Draw:
    return lambda rng, seconds, _requests: Timed(rng.uniform(0, seconds), deed(rng))


def _bent(bend: Callable[[random.Random], Bend]) -> Draw:
    return lambda rng, _seconds, requests: OnRequest(rng.randint(1, requests), bend(rng))


def _handshake(bend: Callable[[random.Random], Bend]) -> Draw:
    return lambda rng, _seconds, requests: OnHandshake(rng.randint(1, max(1, requests // 10)), bend(rng))


_RETRY_AFTER = ("1", "3", "0", "-5", "60", "soon", "99999999999", "Fri, 01 Jan 2027 00:00:00 GMT", None)
_CODES = (-1000, -1001, -1006, -1007, -1008, -1016)
_KINDS: list[Draw] = [
    _timed(lambda _: Reset()),
    _timed(lambda rng: BlackHole(rng.choice(("in", "out", "both")), rng.uniform(1, 120))),
    _timed(lambda rng: DialTrouble(rng.choice(tuple(DialFault)), rng.uniform(1, 30))),
    _timed(
        lambda rng: Slow(Link(rng.uniform(0, 2), rng.uniform(0, 1), rng.choice((None, 1, 100))), rng.uniform(1, 60))
    ),
    _timed(lambda rng: ServerShutdown(rng.choice((0.0, 1.0, 10.0)))),
    _timed(lambda rng: CloseSockets(rng.choice((None, 1000, 1001, 1008, 1011, 1012, 1013)))),
    _timed(lambda rng: SendRaw(rng.randbytes(rng.randint(1, 64)))),
    _bent(lambda _: Bend.say(Answer.waf())),
    _bent(lambda rng: Bend.say(Answer.limited(rng.choice(_RETRY_AFTER)))),
    _bent(lambda rng: Bend.say(Answer.limited(rng.choice(_RETRY_AFTER), banned=True))),
    _bent(lambda rng: Bend(rng.random() < 0.5, answer=Answer.error(503, rng.choice(_CODES), "Unknown error."))),
    _bent(lambda rng: Bend(rng.random() < 0.5, answer=Answer.html(rng.choice((500, 502, 503, 504))))),
    _bent(lambda _: Bend.say(Answer.redirect("http://elsewhere.invalid/"))),
    _bent(lambda rng: Bend.late(rng.uniform(1, 30))),
    _bent(lambda rng: Bend(hold=rng.uniform(1, 30))),
    _bent(lambda rng: Bend.lost(executed=rng.random() < 0.5, ending=rng.choice(_ENDINGS))),
    _bent(lambda rng: Bend.cut(rng.randint(1, 400), rng.choice(_ENDINGS))),
    _handshake(lambda rng: Bend.say(rng.choice((Answer.waf(), Answer.html(503), Answer.limited("5"))))),
    _handshake(lambda rng: Bend.lost(executed=False, ending=rng.choice(_ENDINGS))),
]
