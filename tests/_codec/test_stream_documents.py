"""The market streams of the documents and of recordings: everything goes there and back without losing a digit."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests._codec.frames import check, text
from trio_binance._codec import letters, stream
from trio_binance._codec.stream import decoder_for, split_combined
from trio_binance.errors import DecodeError
from trio_binance.models import (
    BookTickerEvent,
    Model,
    PartialDepthEvent,
    RollingTickerEvent,
    ServerShutdownEvent,
    UnknownEvent,
)


def names_of(row: dict[str, Any], symbol: str) -> Iterator[str]:
    """Return every stream that a row of the documents describes."""
    for template in row["templates"]:
        name = template.replace("<symbol>", symbol).replace("<window-size>", "<window_size>")
        for key, choices in (
            ("<interval>", row.get("interval_values", ())),
            ("<window_size>", row.get("window_values", ())),
            ("<levels>", row.get("level_values", ())),
        ):
            if key in name:
                yield from (name.replace(key, str(choice)) for choice in choices)
                break
        else:
            yield name


def whole(event: Any) -> bool:
    """Return whether every field of an event is known to its model."""
    inner = getattr(event, "candle", None)
    return not isinstance(event, UnknownEvent) and not event.extra and (inner is None or whole(inner))


@pytest.mark.parametrize("symbol", ["bnbbtc", "币安人生usdt"])
def test_every_stream_of_the_documents_is_known_by_each_of_its_names(spec: Path, symbol: str) -> None:
    rows = json.loads((spec / "streams.json").read_text())["streams"]
    bodies = {row["event_type"]: row["example"]["body"] for row in rows if not row["payload_is_array"]}
    assert len(rows) == 15
    known: set[str] = set()
    for row in rows:
        for name in names_of(row, symbol):
            window = name.removesuffix("@arr").rpartition("_")[2]
            body = row["example"]["body"]
            if row["payload_is_array"]:
                body = next(bodies[word] for word in bodies if word and word.split(",")[0] == row["event_type"])
            if "ticker_" in name:
                body = {**body, "e": f"{window}Ticker"}
            events = check(decoder_for(name), [body] if row["payload_is_array"] else body)
            for event in events if isinstance(events, tuple) else [events]:
                assert whole(event)
                word = letters.WORDS.get(type(event))
                assert word == (None if isinstance(event, RollingTickerEvent) else row["event_type"])
            known.add(name)
    assert len([name for name in known if not name.startswith("!")]) == 51
    assert len([name for name in known if name.startswith("!")]) == 1 + 3


def test_every_field_of_the_documents_is_one_of_its_model(spec: Path) -> None:
    for row in json.loads((spec / "streams.json").read_text())["streams"]:
        if not row["payload_is_array"]:
            told = {name for name in row["example"]["field_facts"] if "[" not in name and "." not in name}
            event = decoder_for(next(names_of(row, "x")))(text(row["example"]["body"]))
            assert isinstance(event, Model)
            written = {name for name in letters.NAMES[type(event)].values() if not name.startswith("@")}
            assert written | {"e"} == told | {"e", *(["k"] if row["event_type"] == "kline" else [])}


def test_a_shutdown_of_the_documents_is_heard_raw_and_combined(spec: Path) -> None:
    facts = json.loads((spec / "streams.json").read_text())
    (raw, combined) = [row["body"] for row in facts["server_shutdown"]["examples"]]
    assert check(decoder_for("!serverShutdown"), raw) == ServerShutdownEvent(1770123456789)
    assert split_combined(text(combined)) == ("!serverShutdown", text(combined["data"]))
    assert split_combined(text(raw)) == ("", text(raw))


SESSIONS = [
    "hftbacktest/ethusdt",
    "cryptofeed/r20210405",
    "cryptofeed/r20211012",
    "cryptofeed/us20210814",
    "cryptofeed/us20211012",
]


@pytest.mark.recordings
@pytest.mark.parametrize("session", SESSIONS)
def test_every_recorded_frame_survives_whole(recordings: Path, session: str) -> None:
    decoders: dict[str, stream.Decoder] = {}
    count = 0
    with gzip.open(recordings / f"{session}.session.jsonl.gz") as file:
        for line in file:
            record = msgspec.json.decode(line)
            if record["kind"] != "ws":
                continue
            raw = record["raw"].encode()
            name, data = split_combined(raw)
            decode = decoders.get(name) or decoders.setdefault(name, decoder_for(name))
            event: Any = decode(data)
            assert {"stream": name, "data": stream.unstructure(event)} == msgspec.json.decode(raw)
            assert whole(event)
            count += 1
    assert count > 200


def test_the_payloads_that_broke_peers_are_read(recordings: Path) -> None:
    cases = {
        row["id"]: row for row in map(json.loads, (recordings / "edge_cases/issues.jsonl").read_text().splitlines())
    }
    name, data = split_combined(cases["bookTicker-no-event-type"]["raw"].encode())
    assert isinstance(check(decoder_for(name), json.loads(data)), BookTickerEvent)
    assert isinstance(check(decoder_for("x@depth5"), json.loads(cases["partial-depth-raw"]["raw"])), PartialDepthEvent)
    assert split_combined(cases["stream-error"]["raw"].encode())[0] == ""


def documented(spec: Path, template: str) -> dict[str, Any]:
    """Return the documents' example of a stream of this template."""
    for row in json.loads((spec / "streams.json").read_text())["streams"]:
        if template in row["templates"]:
            body: dict[str, Any] = row["example"]["body"]
            return body
    raise AssertionError(template)


@pytest.mark.recordings
def test_what_the_official_connector_expects_of_a_stream_is_read(recordings: Path, spec: Path) -> None:
    """Its numbers were left out where they are decimals: those are taken from the documents."""
    count = 0
    with gzip.open(recordings / "connector_python/spot.jsonl.gz") as file:
        rows = [row for row in map(json.loads, file) if row["api"] == "ws-stream" and "stream_template" in row]
    for row in rows:
        template = row["stream_template"].removeprefix("/").replace("<windowSize>", "<window_size>")
        name = template.replace("<symbol>", "bnbusdt").replace("<interval>", "1s").replace("<window_size>", "1h")
        name = name.replace("<levels>", "5").replace("@<updateSpeed>", "@100ms")
        many = isinstance(row["response"], list)
        single = "<symbol>@miniTicker" if many else template.replace("@<updateSpeed>", "@100ms")
        for body in row["response"] if many else [row["response"]]:
            full = merged(documented(spec, single), body)
            events = check(decoder_for(name), [full] if many else full)
            assert all(map(whole, events if many else [events]))
            if full != body:
                with pytest.raises(DecodeError, match="missing"):
                    decoder_for(name)(text([body] if many else body))
        count += 1
    assert count == 8


def merged(full: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    """Return ``part`` with the fields that it lacks taken from ``full``, at every depth."""
    inner = {key: merged(full[key], value) for key, value in part.items() if isinstance(value, dict)}
    return {**full, **part, **inner}


@pytest.mark.recordings
def test_what_a_peer_expects_of_a_stream_is_read(recordings: Path) -> None:
    kinds = set()
    for line in (recordings / "binance_net/spot.jsonl").read_text().splitlines():
        for step in json.loads(line).get("steps", []):
            if "stream" not in step["json"]:
                continue
            name, data = split_combined(text(step["json"]))
            event = check(decoder_for(name), json.loads(data))
            if isinstance(event, UnknownEvent):
                assert name == "123"  # a listen key of the margin account
            else:
                # "buyer order id b and seller order id a were removed 2024-06-18"
                assert event.extra == ({"b": 88, "a": 50} if name.endswith("@trade") else {})
                kinds.add(type(event).__name__)
    assert kinds == {"AggTradeEvent", "MiniTickerEvent", "RollingTickerEvent", "TradeEvent"}
