"""Bends: what is done to one request and to its answer, on REST and on the WebSocket API alike."""

from __future__ import annotations

import enum
from typing import Literal, TypeAlias

import attrs

from trio_binance.errors import InvalidArgument

Headers: TypeAlias = tuple[tuple[str, str], ...]
Framing: TypeAlias = Literal["length", "chunked", "close"]
AnswerId: TypeAlias = Literal["own", "other", "null"]

_HTML = (("content-type", "text/html"),)
_JSON = (("content-type", "application/json;charset=UTF-8"),)


class Ending(enum.Enum):
    """What happens to the connection after the answer, or after the part of it that was sent."""

    KEEP = "keep"
    EOF = "eof"
    RESET = "reset"
    SILENCE = "silence"
    """The connection stays open and nothing comes any more."""
    BAN = "ban"
    """A WebSocket is closed with a close frame (1008); HTTP knows no such thing and ends."""


@attrs.frozen
class Answer:
    """An HTTP answer in place of the exchange's; its length is announced by the wire.

    On the WebSocket API an error in the exchange's JSON becomes the ``error`` of an answer, JSON of a status below 300
    its ``result``; anything else is sent as a text frame as it is. ``retry-after`` becomes ``retryAfter`` there.
    """

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
    def json(cls, text: str, status: int = 200) -> Answer:
        """Return any JSON."""
        return cls(status, text.encode(), _JSON)

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
class Edit:
    """One field of an answer's JSON, made to say something else.

    ``path`` leads to it by names and places, ``fills.0.price``; ``-1`` is the last place. ``text`` is JSON in place of
    its value, ``None`` takes the field out. Where the path leads nowhere, nothing is changed.
    """

    path: str
    text: str | None = None
    again: bool = False
    """The field comes twice: as it was, and with the new value."""
    frame: bool = False
    """On the WebSocket API the path starts at the whole frame and not at its ``result`` or ``error``; REST has none."""


@attrs.frozen
class Keep:
    """Of an answer's JSON object only these fields are left."""

    fields: tuple[str, ...]


ENDINGS = (Ending.EOF, Ending.RESET, Ending.SILENCE)
"""How a line may end without a word."""


def _not_negative(_instance: object, attribute: attrs.Attribute[float], value: float | None) -> None:
    if value is not None and not value >= 0:
        raise InvalidArgument(attribute.name, value, "expected seconds, 0 or more")


@attrs.frozen
class Bend:
    """What is done to one request.

    The request waits ``hold`` seconds, is checked again, waits ``matching`` seconds in the matching engine, is
    ``executed`` or not, and its answer waits ``delay`` seconds more. What is older than its ``recvWindow`` when it is
    checked is refused; what was let in is executed however long that takes. With ``answered_after`` the answer does not
    wait for the execution: it leaves so long after the request came, and what happens to the connection then does not
    keep the request from being executed when its time comes.

    The answer is what the exchange said, or ``answer``; ``headers`` and ``edits`` change it; ``raw`` replaces the very
    bytes on the wire, ``before`` are sent in front of them; ``cut_at`` sends only so many bytes, or, negative, leaves
    out so many at the end. It is sent so many ``times``.
    """

    executed: bool = True
    hold: float = attrs.field(default=0.0, validator=_not_negative)
    delay: float = attrs.field(default=0.0, validator=_not_negative)
    answer: Answer | None = None
    raw: bytes | None = None
    cut_at: int | None = None
    ending: Ending = Ending.KEEP
    matching: float = attrs.field(default=0.0, validator=_not_negative, kw_only=True)
    answered_after: float | None = attrs.field(default=None, validator=_not_negative, kw_only=True)
    executions: int = attrs.field(default=1, kw_only=True)
    """How often the request arrives: something on the way may send it again."""
    headers: tuple[tuple[str, str | None], ...] = attrs.field(default=(), kw_only=True)
    """Headers to set; ``None`` takes out all whose name begins so. The WebSocket API has none."""
    edits: tuple[Edit | Keep, ...] = attrs.field(default=(), kw_only=True)
    before: bytes = attrs.field(default=b"", kw_only=True)
    times: int = attrs.field(default=1, kw_only=True)
    framing: Framing = attrs.field(default="length", kw_only=True)
    """How an HTTP body ends: by its announced length, in chunks, or with the connection."""
    answer_id: AnswerId = attrs.field(default="own", kw_only=True)
    """Whose the answer is on the WebSocket API: the request's, a request's that was never sent, or nobody's."""

    @classmethod
    def say(cls, answer: Answer, ending: Ending = Ending.KEEP) -> Bend:
        """Answer this and never ask the exchange."""
        return cls(executed=False, answer=answer, ending=ending)

    @classmethod
    def late(cls, seconds: float) -> Bend:
        """Execute at once, answer later."""
        return cls(delay=seconds)

    @classmethod
    def lost(cls, *, executed: bool, ending: Ending = Ending.RESET) -> Bend:
        """Answer nothing at all. On the WebSocket API ``Ending.KEEP`` loses the answer alone."""
        return cls(executed=executed, cut_at=0, ending=ending)

    @classmethod
    def cut(cls, size: int, ending: Ending = Ending.EOF) -> Bend:
        """Execute, send the first bytes of the answer, then stop."""
        return cls(cut_at=size, ending=ending)

    @classmethod
    def given_up(
        cls,
        after: float,
        hold: float = 0.0,
        answer: Answer | None = None,
        ending: Ending = Ending.KEEP,
        *,
        matching: float = 0.0,
    ) -> Bend:
        """Answer, or say nothing, after some seconds, while the request still waits; execute it when its time comes.

        The exchange's own timeout does so: "this does not always mean that the request failed in the Matching Engine".
        """
        nothing = 0 if answer is None else None
        return cls(hold=hold, matching=matching, answered_after=after, answer=answer, cut_at=nothing, ending=ending)

    @classmethod
    def twice(cls) -> Bend:
        """Send the answer twice."""
        return cls(times=2)

    @classmethod
    def misaddressed(cls, answer_id: AnswerId = "other") -> Bend:
        """Answer under the id of another request, or of none (WebSocket API)."""
        return cls(answer_id=answer_id)

    @classmethod
    def edited(cls, *edits: Edit | Keep) -> Bend:
        """Execute, and change what the exchange said."""
        return cls(edits=edits)

    @property
    def waits(self) -> float:
        """After how many seconds it is executed."""
        return self.hold + self.matching
