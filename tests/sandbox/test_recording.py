"""The recording: read exactly, known before it is played, and every line that is none is named."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import pytest
import trio

from trio_binance.errors import ConfigError
from trio_binance.sandbox.recording import Record, Session, answer_key, read_records, read_session, target_streams

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

START = 1_700_000_000


def ws(t: object, stream: str, data: str) -> dict[str, object]:
    return {"t": str(t), "kind": "ws", "raw": f'{{"stream":"{stream}","data":{data}}}'}


def http(t: object, url: str, raw: str) -> dict[str, object]:
    return {"t": str(t), "kind": "http", "method": "GET", "url": f"https://api.binance.com{url}", "raw": raw}


LINES: list[dict[str, object]] = [
    ws(f"{START}.5", "ab@trade", '{"t":1,"p":"1.00"}'),
    http(f"{START}.75", "/api/v1/depth?symbol=AB&limit=1000", '{"lastUpdateId":1}'),
    ws(f"{START + 1}.25", "ab@depth", '{"u" : 2, "b":[]}'),
    http(f"{START + 2}", "/api/v3/depth?symbol=AB&limit=1000", '{"lastUpdateId":3}'),
    ws(f"{START + 10}.123456789", "ab@trade", '{"t":2,"p":"1.10","x":"€"}'),
]


def write(path: Path, lines: list[dict[str, object]]) -> Path:
    text = "".join(json.dumps(line) + "\n" for line in lines).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


def test_times_are_read_exactly() -> None:
    assert Record("ws", t="1617647603.4249449").time_ns == 1_617_647_603_424_944_900
    assert Record("ws", t="1617647603").time_ns == Record("ws", t=1617647603).time_ns == 1_617_647_603_000_000_000
    assert Record("ws", t="1.1234567899").time_ns == 1_123_456_789
    assert Record("ws", t_ns=1723161254024619568).time_ns == 1_723_161_254_024_619_568
    for wrong in (None, "", "1e9", "-1", "1.", "nan"):
        with pytest.raises(ValueError, match="expected seconds"):
            _ = Record("ws", t=wrong).time_ns


@pytest.mark.parametrize("name", ["plain.jsonl", "packed.jsonl.gz"])
async def test_a_recording_is_known_before_it_is_played(tmp_path: Path, name: str) -> None:
    session = await read_session(write(tmp_path / name, LINES))
    assert session.records == 5
    assert session.streams == {"ab@trade", "ab@depth"}
    assert session.first_ns == START * 10**9 + 500_000_000
    assert session.last_ns == START * 10**9 + 10_123_456_789
    assert list(session.answers) == [("GET", "/depth", "AB")]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b'{"t":"1","kind":"ws","raw":"', "line 3"),
        (b"not json\n", "line 3"),
        (b'{"t":"soon","kind":"ws","raw":""}\n', "line 3: t='soon'"),
        (b'{"t":1.5,"kind":"ws","raw":""}\n', "line 3"),
        (b'{"t":"1","kind":"smoke"}\n', "line 3"),
        (b'{"t":"1","kind":"ws","raw":"\xff"}\n', "line 3"),
        (b'{"t":"1","kind":"http","url":"/api/v3/x","raw_file":"gone.json"}\n', "line 3.*gone.json"),
        (b"\n", "line 3"),
    ],
)
async def test_a_line_that_is_no_record_is_named(tmp_path: Path, line: bytes, says: str) -> None:
    path = write(tmp_path / "broken.jsonl", LINES[:2])
    path.write_bytes(path.read_bytes() + line)
    with pytest.raises(ConfigError, match=rf"broken\.jsonl, {says}"):
        await read_session(path)


async def test_a_file_cut_off_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "cut.jsonl.gz", [ws(i, "a@trade", str(i)) for i in range(5000)])
    path.write_bytes(path.read_bytes()[:-3000])
    with pytest.raises(ConfigError, match=r"cut\.jsonl\.gz: unreadable after line \d+"):
        await read_session(path)
    path.write_bytes(b"this is no gzip")
    with pytest.raises(ConfigError, match="after line 0"):
        await read_session(path)


async def test_an_empty_or_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no records"):
        await read_session(write(tmp_path / "empty.jsonl", []))
    with pytest.raises(ConfigError, match="gone"):
        list(read_records(tmp_path / "gone.jsonl"))


async def test_reading_can_be_cancelled(tmp_path: Path) -> None:
    path = write(tmp_path / "long.jsonl", [ws(i, "a@trade", "1") for i in range(1000)])
    with trio.CancelScope() as scope:
        scope.cancel()
        await read_session(path)
    assert scope.cancelled_caught


async def test_the_first_answer_of_a_kind_is_kept_and_a_raw_connection_names_its_one_stream(tmp_path: Path) -> None:
    lines: list[dict[str, object]] = [
        {"t": "1", "kind": "connect", "url": "wss://stream.binance.com:9443/ws/ab@trade"},
        {"t": "2", "kind": "ws", "raw": '{"t":1}'},
        http(3, "/api/v1/depth?symbol=ab", "first"),
        http(4, "/api/v3/depth?symbol=AB&limit=5", "second"),
    ]
    session = await read_session(write(tmp_path / "raw.jsonl", lines))
    assert (session.bare_stream, session.streams) == ("ab@trade", {"ab@trade"})
    assert session.answers[("GET", "/depth", "AB")].body == b"first"
    lines[0]["url"] = "wss://stream.binance.com:9443/stream?streams=ab@trade"
    assert (await read_session(write(tmp_path / "combined.jsonl", lines))).bare_stream == ""


def test_a_message_is_told_apart_by_its_envelope_and_stands_as_it_was(tmp_path: Path) -> None:
    session = Session(tmp_path / "x.jsonl", bare_stream="ab@trade")
    combined = b'{"stream":"cd@depth","data":{"u" : 2}}'
    assert session.split(combined) == ("cd@depth", combined, b'{"u" : 2}')
    assert session.split(b'{"t": 1}') == ("ab@trade", b'{"stream":"ab@trade","data":{"t": 1}}', b'{"t": 1}')


@pytest.mark.parametrize(("name", "pack"), [("answer.json", bytes), ("answer.json.gz", gzip.compress)])
def test_an_answer_may_lie_beside_the_recording(tmp_path: Path, name: str, pack: Callable[[bytes], bytes]) -> None:
    (tmp_path / name).write_bytes(pack(b'{"a":1}'))
    session = Session(tmp_path / "x.jsonl")
    assert session.load(Record("http", raw_file=name, status=418)).body == b'{"a":1}'
    assert session.load(Record("http", raw="here", status=418)).status == 418
    assert session.load(Record("http")).body == b""


def test_addresses_and_requests_are_matched_by_what_they_ask_for() -> None:
    assert target_streams("/ws/a@trade/b%40depth") == (["a@trade", "b@depth"], False)
    assert target_streams("wss://x/stream?streams=a@trade/b@depth") == (["a@trade", "b@depth"], True)
    assert target_streams("/ws") == ([], False)
    assert target_streams("/stream") == ([], True)
    assert answer_key("GET", "https://x/api/v1/depth?symbol=ab") == answer_key("GET", "/api/v3/depth?symbol=AB&limit=5")
    assert answer_key("GET", "/sapi/v1/system/status") == ("GET", "/system/status", "")
