"""The frames: cutting, checked against wsproto, and the end of the handshake's answer."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import CloseConnection, Event, Message, Ping, Pong

from trio_binance._protocol.frames import Answer, FrameCutter, Violation

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

HEAD = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    mask: bool = False,
    width: int | None = None,
) -> bytes:
    """Return a frame; ``width`` forces a length of 0, 2 or 8 more bytes."""
    size = len(payload)
    if width is None:
        width = 0 if size < 126 else 2 if size < 2**16 else 8
    short = {0: size & 0x7F, 2: 126, 8: 127}[width]
    long = {0: b"", 2: struct.pack("!H", size & 0xFFFF), 8: struct.pack("!Q", size)}[width]
    head = bytes((fin << 7 | rsv << 4 | opcode, mask << 7 | short))
    return head + long + (b"\0\0\0\0" if mask else b"") + payload


def cut(chunks: Iterable[bytes], limit: int = 2**20) -> tuple[list[bytes], bytes, FrameCutter]:
    """Return all messages and all control frames of the chunks."""
    cutter = FrameCutter(limit)
    messages, through = [], b""
    for chunk in chunks:
        more, control = cutter.feed(chunk)
        messages += more
        through += control
    return messages, through, cutter


def chunked(data: bytes, sizes: Sequence[int]) -> list[bytes]:
    """Return ``data`` cut at these sizes, again and again."""
    chunks, at, turn = [], 0, 0
    while at < len(data):
        size = sizes[turn % len(sizes)]
        chunks.append(data[at : at + size])
        at, turn = at + size, turn + 1
    return chunks


# ------------------------------------------------------------------------------------ the cutter and its oracle

payloads = st.one_of(
    st.binary(max_size=12),
    st.text(max_size=40).map(str.encode),
    st.sampled_from(
        (b"\xff", "\u20ac".encode()[:2], b"\xed\xa0\x80", b"a" * 125, b"b" * 126, b"c" * 300, b"d" * 65536)
    ),
)
control_payloads = st.one_of(st.binary(max_size=125), st.just(b"e" * 126))
close_payloads = st.one_of(
    st.just(b""),
    st.binary(max_size=4),
    st.builds(
        lambda code, reason: struct.pack("!H", code) + reason,
        st.sampled_from((999, 1000, 1001, 1004, 1005, 1006, 1007, 1012, 1013, 1014, 1015, 2999, 3000, 4999, 5000)),
        st.one_of(st.just(b"bye"), st.just(b"\xff")),
    ),
)
whole_frames = st.builds(frame, st.sampled_from((TEXT, BINARY)), payloads)
control_frames = st.builds(frame, st.sampled_from((PING, PONG)), control_payloads)
odd_frames = st.builds(
    frame,
    st.sampled_from((0, TEXT, BINARY, 3, 7, PING, PONG, 11, 15)),
    payloads,
    fin=st.booleans(),
    rsv=st.sampled_from((0, 0, 0, 1, 2, 4)),
    mask=st.sampled_from((False, False, False, True)),
)
stretched_frames = st.builds(
    lambda opcode, width: frame(opcode, b"short", width=width),
    st.sampled_from((TEXT, BINARY, PING)),
    st.sampled_from((2, 8)),
)


@st.composite
def fragmented(draw: st.DrawFn) -> bytes:
    """Return a message in pieces, pings between them, cut anywhere: in the middle of a character, too."""
    opcode = draw(st.sampled_from((TEXT, BINARY)))
    payload = draw(payloads)
    cuts = sorted(draw(st.lists(st.integers(0, len(payload)), max_size=4)))
    pieces = [payload[a:b] for a, b in zip([0, *cuts], [*cuts, len(payload)], strict=True)]
    parts = []
    for number, piece in enumerate(pieces):
        parts.append(frame(0 if number else opcode, piece, fin=number == len(pieces) - 1))
        parts.append(draw(st.sampled_from((b"", b"", frame(PING, b"between")))))
    return b"".join(parts)


valid_streams = st.lists(st.one_of(whole_frames, whole_frames, fragmented(), control_frames), max_size=12).map(b"".join)
any_streams = st.lists(
    st.one_of(whole_frames, whole_frames, fragmented(), control_frames, odd_frames, stretched_frames,
              st.builds(frame, st.just(CLOSE), close_payloads)),
    max_size=12,
).map(b"".join)  # fmt: skip
chunk_sizes = st.lists(st.integers(1, 70_000) | st.integers(1, 9), min_size=1, max_size=6)

Verdict = tuple[list[bytes], list[tuple[str, bytes]], object]


def controls_of(events: Iterable[Event]) -> tuple[list[tuple[str, bytes]], CloseConnection | None]:
    seen, end = [], None
    for event in events:
        if isinstance(event, Ping | Pong):
            seen.append((type(event).__name__, bytes(event.payload)))
        elif isinstance(event, CloseConnection):
            end = event
    return seen, end


def by_wsproto(data: bytes) -> Verdict:
    """Return the oracle's opinion: messages, pings and pongs, and how it ended."""
    oracle = Connection(ConnectionType.CLIENT)
    oracle.receive_data(data)
    events = list(oracle.events())
    messages, parts = [], b""
    for event in events:
        if isinstance(event, Message):
            parts += event.data if isinstance(event.data, bytes) else event.data.encode()
            if event.message_finished:
                messages.append(parts)
                parts = b""
    controls, end = controls_of(events)
    if end is None:
        return messages, controls, None
    if oracle.state is ConnectionState.REMOTE_CLOSING:
        return messages, controls, ("closed", int(end.code), end.reason)
    return messages, controls, ("violated", int(end.code))


def by_us(chunks: Iterable[bytes]) -> Verdict:
    """Return our opinion, the control frames read by wsproto, which is who gets them."""
    messages, through, cutter = cut(chunks)
    reader = Connection(ConnectionType.CLIENT)
    reader.receive_data(through)
    controls, end = controls_of(reader.events())
    if cutter.violation is not None:
        assert end is None
        return messages, controls, ("violated", cutter.violation.code)
    if end is None:
        return messages, controls, None
    assert reader.state is ConnectionState.REMOTE_CLOSING
    return messages, controls, ("closed", int(end.code), end.reason)


@given(any_streams, chunk_sizes)
def test_the_same_frames_in_any_chunks_mean_what_wsproto_says_they_mean(data: bytes, sizes: list[int]) -> None:
    assert by_us(chunked(data, sizes)) == by_wsproto(data)


@given(valid_streams)
def test_whole_and_byte_by_byte_are_the_same(data: bytes) -> None:
    data = data[:5000]
    assert by_us([data]) == by_us(chunked(data, [1]))


@given(st.binary(max_size=60), chunk_sizes)
def test_any_bytes_at_all_give_the_same_in_any_chunks_and_never_an_exception(data: bytes, sizes: list[int]) -> None:
    assert by_us(chunked(data, sizes)) == by_us([data])


@given(st.integers(0, 400), st.integers(0, 400), st.integers(100, 300))
def test_a_message_over_the_limit_is_1009_whole_or_in_pieces(first: int, second: int, limit: int) -> None:
    whole = cut([frame(BINARY, b"x" * (first + second))], limit)[2].violation
    pieces = cut([frame(BINARY, b"x" * first, fin=False), frame(0, b"x" * second)], limit)[2].violation
    assert (whole is not None) == (pieces is not None) == (first + second > limit)
    assert whole is None or whole.code == 1009


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_a_frame_of_2_to_the_62_bytes_is_refused_by_its_header(opcode: int) -> None:
    cutter = FrameCutter(2**24)
    assert cutter.feed(bytes((0x80 | opcode, 127)) + (2**62).to_bytes(8, "big")) == ([], b"")
    assert cutter.violation == Violation(1009, "message over 16777216 bytes")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frame(BINARY, fin=False) + frame(BINARY), 1002),
        (frame(0), 1002),
        (frame(TEXT, b"x", mask=True), 1002),
        (frame(3), 1002),
        (frame(11), 1002),
        (frame(TEXT, rsv=4), 1002),
        (frame(PING, rsv=1), 1002),
        (frame(PING, fin=False), 1002),
        (frame(PING, b"x" * 126), 1002),
        (frame(PING, b"x" * 2, width=2), 1002),
        (bytes((0x80 | PING, 126)), 1002),
        (bytes((0x80 | BINARY, 127)) + (2**63).to_bytes(8, "big"), 1002),
        (frame(BINARY, b"x", width=8), 1002),
        (frame(CLOSE, b"\x03"), 1002),
        (frame(CLOSE, struct.pack("!H", 1006)), 1002),
        (frame(CLOSE, struct.pack("!H", 1000) + b"\xff"), 1007),
        (frame(TEXT, b"\xff"), 1007),
        (frame(TEXT, b"\xff", fin=False), 1007),
        (frame(TEXT, b"\xe2\x82", fin=False) + frame(0), 1007),
    ],
)
def test_a_peer_that_breaks_the_protocol_is_told_apart_by_code_and_what_came_before_is_kept(
    data: bytes, code: int
) -> None:
    messages, through, cutter = cut([frame(TEXT, b"before") + frame(PING, b"p") + data + frame(TEXT, b"after")])
    assert messages == [b"before"]
    assert through == frame(PING, b"p")
    assert cutter.violation is not None
    assert cutter.violation.code == code
    assert cutter.feed(frame(TEXT, b"later")) == ([], b"")


def test_nothing_after_a_close_frame_is_a_message() -> None:
    messages, through, cutter = cut([frame(TEXT, b"a") + frame(CLOSE) + frame(TEXT, b"b"), frame(TEXT, b"c")])
    assert (messages, through, cutter.closed, cutter.violation) == ([b"a"], frame(CLOSE), True, None)


def test_when_we_are_closing_only_the_peers_close_gets_through() -> None:
    cutter = FrameCutter(100)
    cutter.closing = True
    assert cutter.feed(frame(PING, b"x") + frame(PONG) + frame(CLOSE)) == ([], frame(CLOSE))
    assert (cutter.pings, cutter.pongs) == (1, 1)


def test_empty_fragments_without_end_cost_no_memory() -> None:
    cutter = FrameCutter(100)
    cutter.feed(frame(TEXT, b"", fin=False))
    for _ in range(100):
        assert cutter.feed(frame(0, b"", fin=False) * 100) == ([], b"")
    assert cutter.feed(frame(0, b"end")) == ([b"end"], b"")


def test_a_large_frame_in_tiny_reads_is_not_looked_at_with_each_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look copies what is held: 256 KiB in reads of 64 bytes would be half a gigabyte of copying."""
    looks = 0
    look = FrameCutter._cut

    def counted(cutter: FrameCutter, data: bytes, messages: list[bytes], through: bytearray) -> int:
        nonlocal looks
        looks += 1
        return look(cutter, data, messages, through)

    monkeypatch.setattr(FrameCutter, "_cut", counted)
    data = frame(BINARY, bytes(2**18))
    messages, _, _ = cut((data[at : at + 64] for at in range(0, len(data), 64)), 2**22)
    assert [len(message) for message in messages] == [2**18]
    assert looks <= 3


@pytest.mark.parametrize("before", [b"", frame(TEXT, b"before"), frame(PING, b"p") + frame(BINARY, b"x" * 200)])
@pytest.mark.parametrize("size", [3, 125, 126, 300, 2**16])
def test_a_frame_cut_after_its_header_is_looked_at_again_with_its_last_byte_and_not_before(
    before: bytes, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it begins in its read: waiting for a byte too many would delay it until the next message."""
    looks: list[int] = []
    look = FrameCutter._cut

    def noted(cutter: FrameCutter, data: bytes, messages: list[bytes], through: bytearray) -> int:
        looks.append(len(data))
        return look(cutter, data, messages, through)

    monkeypatch.setattr(FrameCutter, "_cut", noted)
    whole = frame(BINARY, b"y" * size)
    header = len(whole) - size
    cutter = FrameCutter(2**20)
    cutter.feed(before + whole[:header])
    for at in range(header, len(whole) - 1, max(1, size // 7)):
        cutter.feed(whole[at : min(at + max(1, size // 7), len(whole) - 1)])
    assert looks == [len(before) + header]
    assert cutter.feed(whole[-1:]) == ([b"y" * size], b"")
    assert looks == [len(before) + header, len(whole)]


# --------------------------------------------------------------------------------------------------- the answer


@given(chunk_sizes)
def test_the_end_of_the_handshake_is_found_in_any_chunks(sizes: list[int]) -> None:
    answer, http, rest = Answer(), b"", b""
    for chunk in chunked(HEAD + frame(TEXT, b"\r\n\r\nfirst"), sizes):
        if answer.upgraded:
            rest += chunk
        else:
            head, frames = answer.feed(chunk)
            http, rest = http + head, rest + frames
    assert (http, rest) == (HEAD, frame(TEXT, b"\r\n\r\nfirst"))
    assert answer.headers["upgrade"] == "websocket"


def test_bare_newlines_end_a_head_as_they_do_for_h11() -> None:
    assert Answer().feed(b"HTTP/1.1 101 x\n\n\x81") == (b"HTTP/1.1 101 x\n\n", b"\x81")


def test_a_refusal_goes_through_whole_and_the_start_of_its_body_is_kept() -> None:
    answer = Answer()
    first = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\n\r\nslow "
    assert answer.feed(first) == (first, b"")
    assert answer.feed(b"down" + b"!" * 9000) == (b"down" + b"!" * 9000, b"")
    assert (answer.status, answer.upgraded, answer.headers["retry-after"]) == (429, False, "7")
    assert answer.body.startswith(b"slow down!")
    assert len(answer.body) == 2000


def test_what_is_no_http_has_no_status() -> None:
    answer = Answer()
    answer.feed(b"SSH-2.0-OpenSSH\r\n\r\n")
    assert (answer.complete, answer.status, answer.start) == (True, 0, b"SSH-2.0-OpenSSH\r\n\r\n")
