"""Bending: what becomes of an answer that a fault changes, as HTTP bytes and as frames of the WebSocket API."""

from __future__ import annotations

import json
import socket as sockets
import struct
from typing import TYPE_CHECKING, Any, Final, final

import attrs
import trio

from .driver import text_frame
from .faults.bends import Answer, Bend, Edit, Ending, Keep
from .frames import RestReply, dump
from .network import MemoryStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .events import Json
    from .faults.bends import Framing
    from .ports import HousePort, SocketPort

_UNKNOWN: Final = Answer.error(503, -1000, "An unknown error occurred while processing the request.")
_AGAIN, _LITERAL = "\x00", "\x01"
HANDSHAKE: Final = "handshake"
_OUT_FIRST = 0.001
"""Seconds that a frame has to leave before its connection ends."""


def forwarded(bend: Bend, now_us: int) -> int | None:
    """Return when a request that is executed now was forwarded to the matching engine, ``None`` for now."""
    return now_us - round(bend.matching * 1e6) if bend.matching else None


def reset_stream(stream: trio.abc.Stream) -> None:
    """Reset a connection; a real socket is told to reset it when it is closed."""
    if isinstance(stream, MemoryStream):
        stream.reset()
    elif isinstance(stream, trio.SocketStream):
        stream.socket.setsockopt(sockets.SOL_SOCKET, sockets.SO_LINGER, struct.pack("ii", 1, 0))


async def swallow(stream: trio.abc.Stream) -> None:
    """Read and answer nothing, until the peer gives up."""
    while await stream.receive_some():
        pass


# ------------------------------------------------------------------------------------------------------- JSON


def edited(text: str, edits: Iterable[Edit | Keep], *, in_frame: bool = False) -> str:
    """Return JSON text with its fields changed; text that is no JSON stays as it is."""
    try:
        frame = json.loads(text)
    except ValueError:
        return text
    inner = ("result" if "result" in frame else "error") if in_frame and isinstance(frame, dict) else None
    literals: list[str] = []
    for edit in edits:
        if isinstance(edit, Edit) and edit.frame and inner is None:
            continue
        root = frame if inner is None or (isinstance(edit, Edit) and edit.frame) else frame.get(inner)
        _apply(edit, root, literals)
    told = dump(frame).replace("\\u0000", "")
    for place, literal in enumerate(literals):
        told = told.replace(f'"\\u0001{place}"', literal)
    return told


def _apply(edit: Edit | Keep, root: Json, literals: list[str]) -> None:
    if isinstance(edit, Keep):
        for name in list(root) if isinstance(root, dict) else ():
            if name not in edit.fields:
                del root[name]
        return
    *way, last = edit.path.split(".")
    for step in way:
        root = _inside(root, step)
    _set(root, last, edit, literals)


def _inside(value: Json, step: str) -> Json:
    if isinstance(value, dict):
        return value.get(step)
    if isinstance(value, list) and -len(value) <= _place(step) < len(value):
        return value[_place(step)]
    return None


def _place(step: str) -> int:
    return int(step) if step.removeprefix("-").isdigit() else 2**31


def _set(holder: Json, name: str, edit: Edit, literals: list[str]) -> None:
    place: Any = _AGAIN + name if edit.again else name
    if isinstance(holder, list) and _inside(holder, name) is not None:
        place = _place(name)
    elif not isinstance(holder, dict) or (edit.text is None and name not in holder):
        return
    found: Any = holder
    if edit.text is None:
        del found[place]
        return
    found[place] = f"{_LITERAL}{len(literals)}"
    literals.append(edit.text)


# ------------------------------------------------------------------------------------------------------- HTTP


def bent_reply(bend: Bend, reply: RestReply) -> RestReply:
    """Return the answer that a bend makes of the exchange's."""
    if bend.answer is not None:
        reply = RestReply(bend.answer.status, bend.answer.headers, bend.answer.body)
    headers = reply.headers
    for name, value in bend.headers:
        headers = tuple(header for header in headers if not _is_meant(header[0], name, whole=value is not None))
        headers += () if value is None else ((name, value),)
    body = edited(reply.body.decode("utf-8", "surrogateescape"), bend.edits) if bend.edits else None
    return RestReply(reply.status, headers, reply.body if body is None else body.encode("utf-8", "surrogateescape"))


def _is_meant(header: str, name: str, *, whole: bool) -> bool:
    return header.lower() == name.lower() if whole else header.lower().startswith(name.lower())


def framed(reply: RestReply, framing: Framing) -> bytes:
    """Return an answer whose body is in chunks, or ends with the connection."""
    how = ("transfer-encoding", "chunked") if framing == "chunked" else ("connection", "close")
    lines = [f"HTTP/1.1 {reply.status} {framing}", *(f"{name}: {value}" for name, value in (*reply.headers, how))]
    body = reply.body
    if framing == "chunked":
        middle = len(body) // 2
        body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:middle], body[middle:], b""))
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


# ------------------------------------------------------------------------------------------- the WebSocket API


def read_request(text: str) -> tuple[Json, str] | None:
    """Return id and method of a request frame, ``None`` for anything else."""
    try:
        frame = json.loads(text)
    except (ValueError, RecursionError):
        return None
    method = frame.get("method") if isinstance(frame, dict) else None
    return (frame.get("id"), method.removeprefix("v3/")) if isinstance(method, str) else None


@final
class BentFrame:
    """A request of the WebSocket API that a fault has struck, until it is executed and answered.

    Args:
        bend: what is done to it.
        request_id: its id.
        socket: where it came from.
        execute: executes it at a time, forwarded at another, and returns the frames that answer it, the answer last.
        office: the exchange.
    """

    def __init__(
        self,
        bend: Bend,
        request_id: Json,
        socket: SocketPort,
        execute: Callable[[int, int | None], list[str]],
        office: HousePort,
    ) -> None:
        self._bend = bend
        self._id = request_id
        self._socket = socket
        self._execute = execute
        self._office = office
        self._frames = [_answer_frame(_UNKNOWN, request_id, office.now_us())]

    def begin(self, later: Callable[[float, Callable[[], None]], None]) -> None:
        """Let it be executed and answered in time; ``later`` does something so many seconds later, or at once."""
        bend = self._bend
        if bend.executed:
            later(bend.waits, self._act)
        answered_after = bend.waits + bend.delay if bend.answered_after is None else bend.answered_after
        later(answered_after, lambda: self._answer(later))

    def _act(self) -> None:
        self._office.settle()
        for _ in range(self._bend.executions):
            now_us = self._office.now_us()
            self._frames = self._execute(now_us, forwarded(self._bend, now_us))
        # An answer that leaves at once leaves before the events that it brought about.
        if self._bend.delay or self._bend.answered_after is not None:
            self._office.flush()

    def _answer(self, later: Callable[[float, Callable[[], None]], None]) -> None:
        bend = self._bend
        texts = bent_frames(bend, self._frames, self._id, self._office.now_us())
        data = b"".join(text_frame(text.encode("utf-8", "replace")) for text in texts)
        data = ((data if bend.raw is None else bend.raw) * bend.times)[: bend.cut_at]
        if bend.before + data:
            self._socket.send_raw(bend.before + data)
        self._office.flush()
        abrupt = data and bend.ending in (Ending.EOF, Ending.RESET)
        later(_OUT_FIRST if abrupt else 0.0, self._end)

    def _end(self) -> None:
        match self._bend.ending:
            case Ending.EOF:
                self._socket.cut()
            case Ending.RESET:
                self._socket.reset()
            case Ending.SILENCE:
                self._socket.mute()
            case Ending.BAN:
                self._socket.close(1008, "IP banned")
            case Ending.KEEP:
                pass


def bent_frames(bend: Bend, frames: list[str], request_id: Json, now_us: int) -> list[str]:
    """Return what a bend makes of the frames that answer a request; the last of them is the answer."""
    *events, answer = frames
    if bend.answer is not None:
        answer = _answer_frame(bend.answer, request_id, now_us)
    edits = [*bend.edits]
    if bend.answer_id != "own":
        edits.append(Edit("id", "null" if bend.answer_id == "null" else _other(request_id), frame=True))
    return [*events, edited(answer, edits, in_frame=True) if edits else answer]


def _other(request_id: Json) -> str:
    return str(request_id + 10**9) if isinstance(request_id, int) else dump(f"not-{request_id}"[:36])


def _answer_frame(answer: Answer, request_id: Json, now_us: int) -> str:
    """Return an HTTP answer as the WebSocket API would tell it."""
    text = answer.body.decode("utf-8", "replace")
    try:
        told = json.loads(text)
    except ValueError:
        return text
    if not isinstance(told, dict) or "code" not in told:
        return dump({"id": request_id, "status": answer.status, "result": told})
    # web-socket-api.md, "IP limits": an absolute time in milliseconds, where REST has seconds to wait.
    seconds = dict(answer.headers).get("retry-after", "")
    if seconds.isdigit():
        now_ms = now_us // 1000
        told = {**told, "data": {"serverTime": now_ms, "retryAfter": now_ms + int(seconds) * 1000}}
    return dump({"id": request_id, "status": answer.status, "error": told})


@attrs.frozen
class Passing:
    """A request, of a wire, or a handshake that passes the injector."""

    wire: str
    target: str = ""
    operation: str = ""
    security: str = ""

    def is_meant(self, path: str, wire: str) -> bool:
        """Return whether a fault aimed so means it."""
        if wire != self.wire and (wire != "any" or self.wire == HANDSHAKE):
            return False
        if path.startswith("/"):
            return self.target.startswith(path) and self.wire != "ws_api"
        return path in ("*", self.operation, self.security)
