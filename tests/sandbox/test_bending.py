"""Bending: an answer's JSON says something else exactly where it was told to, and nowhere else."""

from __future__ import annotations

import json

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from trio_binance.sandbox.bending import bent_frames, bent_reply, edited, framed, read_request, reset_stream
from trio_binance.sandbox.faults import Answer, Bend, Edit, Keep
from trio_binance.sandbox.frames import RestReply, dump

ORDER = '{"symbol":"BTCUSDT","fills":[{"price":"1.0"},{"price":"2.0"}],"price":"0.00000000"}'
FRAME = f'{{"id":1,"status":200,"result":{ORDER},"rateLimits":[{{"count":1}},{{"count":2}}]}}'


@pytest.mark.parametrize(
    "edit, expected",
    [
        (Edit("price", '"3"'), ORDER.replace('"0.00000000"', '"3"')),
        (Edit("price", "1e999"), ORDER.replace('"0.00000000"', "1e999")),
        (Edit("price"), ORDER.replace(',"price":"0.00000000"', "")),
        (Edit("fills.0.price", "null"), ORDER.replace('"1.0"', "null")),
        (Edit("fills.-1.price", "NaN"), ORDER.replace('"2.0"', "NaN")),
        (Edit("fills.1"), ORDER.replace(',{"price":"2.0"}', "")),
        (Edit("fills.0", "7"), ORDER.replace('{"price":"1.0"}', "7")),
        (Edit("symbol", '"X"', again=True), ORDER[:-1] + ',"symbol":"X"}'),
        (Edit("new", '{"a":[1]}'), ORDER[:-1] + ',"new":{"a":[1]}}'),
        (Edit("fills.2.price", "1"), ORDER),
        (Edit("fills.first.price", "1"), ORDER),
        (Edit("symbol.price", "1"), ORDER),
        (Edit("nothing"), ORDER),
        (Edit("nothing.here", "1"), ORDER),
        (Edit("rateLimits", "1", frame=True), ORDER),
        (Keep(("symbol", "nothing")), '{"symbol":"BTCUSDT"}'),
    ],
)
def test_a_field_is_set_taken_out_or_there_twice(edit: Edit | Keep, expected: str) -> None:
    assert edited(ORDER, [edit]) == expected
    if not (isinstance(edit, Edit) and edit.frame):
        assert edited(FRAME, [edit], in_frame=True) == FRAME.replace(ORDER, expected)


def test_a_field_of_the_whole_frame_is_edited_on_the_websocket_api_alone() -> None:
    edit = Edit("rateLimits.-1.count", "7", frame=True)
    assert edited(FRAME, [edit], in_frame=True) == FRAME.replace('"count":2', '"count":7')
    assert edited(FRAME, [edit]) == FRAME


@pytest.mark.parametrize("text", ["<html>", "", "[1]", "7"])
def test_what_is_no_object_stays_as_it_is(text: str) -> None:
    assert edited(text, [Edit("a", "1"), Keep(())]) == text


def test_an_error_of_the_websocket_api_is_edited_in_its_error() -> None:
    frame = '{"id":1,"status":400,"error":{"code":-1,"msg":"a"}}'
    assert edited(frame, [Edit("code", "-2")], in_frame=True) == frame.replace("-1", "-2")


@given(
    st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.dictionaries(st.text(), inner))
)
def test_without_edits_nothing_changes(value: object) -> None:
    text = dump(value)
    assert json.loads(edited(text, [])) == value or "\\u0000" in text or "\\u0001" in text


def test_headers_are_set_added_and_taken_out_by_the_start_of_their_names() -> None:
    reply = RestReply(200, (("X-A-1", "1"), ("X-A-2", "2"), ("Date", "now")), b"{}")
    bend = Bend(headers=(("x-a", None), ("date", "never"), ("X-New", "")))
    assert bent_reply(bend, reply).headers == (("date", "never"), ("X-New", ""))
    assert bent_reply(Bend(headers=(("x-a", "3"),)), reply).headers == (*reply.headers, ("x-a", "3"))


def test_bytes_that_are_no_text_survive() -> None:
    reply = RestReply(200, (), b"\xff\x00")
    assert bent_reply(Bend(edits=(Edit("a", "1"),)), reply).body == b"\xff\x00"


def test_a_body_ends_in_chunks_or_with_the_connection() -> None:
    reply = RestReply(200, (("a", "b"),), b"12345")
    assert framed(reply, "close") == b"HTTP/1.1 200 close\r\na: b\r\nconnection: close\r\n\r\n12345"
    head = b"HTTP/1.1 200 chunked\r\na: b\r\ntransfer-encoding: chunked\r\n\r\n"
    assert framed(reply, "chunked") == head + b"2\r\n12\r\n3\r\n345\r\n0\r\n\r\n"


TOLD = '"code":-1003,"msg":"Too much request weight used."'
BANNED = f'{{"id":7,"status":418,"error":{{{TOLD},"data":{{"serverTime":1000,"retryAfter":4000}}}}}}'


@pytest.mark.parametrize(
    "answer, frame",
    [
        (Answer.error(503, -1007, "T"), '{"id":7,"status":503,"error":{"code":-1007,"msg":"T"}}'),
        (Answer.json('{"a":1}'), '{"id":7,"status":200,"result":{"a":1}}'),
        (Answer.json("[1]", 201), '{"id":7,"status":201,"result":[1]}'),
        (Answer.html(502), "<html><body><h1>502</h1></body></html>"),
        (Answer(504), ""),
        (
            Answer.limited("3", banned=True),
            BANNED,
        ),
        (
            Answer.limited("soon"),
            '{"id":7,"status":429,"error":{"code":-1003,"msg":"Too much request weight used."}}',
        ),
    ],
)
def test_an_http_answer_is_told_as_the_websocket_api_would(answer: Answer, frame: str) -> None:
    assert bent_frames(Bend(answer=answer), ["event", "own"], 7, 1_000_000) == ["event", frame]


@pytest.mark.parametrize("own, other", [(1, "1000000001"), ("abc", '"not-abc"'), (None, '"not-None"')])
def test_an_answer_goes_to_an_id_that_nobody_asked_under(own: object, other: str) -> None:
    frame = dump({"id": own, "status": 200})
    [sent] = bent_frames(Bend.misaddressed(), [frame], own, 0)
    assert sent == f'{{"id":{other},"status":200}}'


@pytest.mark.parametrize(
    "text, expected",
    [
        ('{"id":1,"method":"v3/time"}', (1, "time")),
        ('{"id":"a","method":"order.place","params":{}}', ("a", "order.place")),
        ('{"id":1,"method":7}', None),
        ("[1]", None),
        ("{", None),
        ("[" * 100_000, None),
    ],
)
def test_a_request_frame_is_known_by_its_method(text: str, expected: object) -> None:
    assert read_request(text) == expected


async def test_a_real_socket_is_reset_too() -> None:
    [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
    client = await trio.open_tcp_stream(*listener.socket.getsockname()[:2])
    server = await listener.accept()
    async with listener, client:
        reset_stream(server)
        await server.aclose()
        with pytest.raises(trio.BrokenResourceError):
            await client.receive_some()
