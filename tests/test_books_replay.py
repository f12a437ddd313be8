"""Recorded sessions, played over sockets: each book ends as the exchange's did, whatever went wrong meanwhile."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import trio
from trio.testing import MockClock

from tests.sessions import (
    Played,
    Record,
    depth_event,
    is_snapshot,
    own_session,
    play,
    read,
    references,
    sha256,
    snapshot_record,
    unlike_tickers,
    write,
)
from trio_binance._client.open import open_binance
from trio_binance.config import BinanceConfig
from trio_binance.models import BookState
from trio_binance.sandbox.faults import Bend as Bent
from trio_binance.sandbox.faults import OnRequest, Reset, Timed

pytestmark = pytest.mark.slow  # whole runs of everything: measuring them takes four times as long

SESSIONS = [
    "hftbacktest/ethusdt",
    "cryptofeed/r20210405",
    "cryptofeed/r20211012",
    "cryptofeed/us20210814",
    "cryptofeed/us20211012",
]
Bend: TypeAlias = Callable[[list[Record], str], list[Record]]


@pytest.mark.recordings
@pytest.mark.parametrize("name", SESSIONS)
async def test_every_recorded_book_ends_as_it_did_and_shows_the_best_prices_that_the_exchange_told(
    name: str, recordings: Path, autojump_clock: MockClock
) -> None:
    path = recordings / f"{name}.session.jsonl.gz"
    expected = json.loads((recordings / f"{name}.expected.json").read_text())
    books = expected.get("books") or {expected["symbol"]: expected["book"]}
    records = read(path)
    played = await play(path, *books)
    for symbol, truth in books.items():
        found = played[symbol]
        assert sha256(found.view) == truth["final"]["sha256"]
        assert found.view.update_id == truth["last_u"]
        assert found.statistics.applied == truth["applied"]
        assert (found.statistics.snapshots, found.statistics.useless, found.statistics.gaps) == (1, 0, 0)
        compared, different = unlike_tickers(records, symbol, found.tops)
        assert different == []
        assert compared >= truth["book_vs_bookTicker"]["compared_events"]


# ------------------------------------------------------------------------------------------------ what goes wrong


@pytest.fixture(params=["own", pytest.param("recorded", marks=pytest.mark.recordings)])
def session(request: pytest.FixtureRequest) -> tuple[list[Record], str]:
    """Return a session and the symbol of a busy book in it."""
    if request.param == "own":
        return own_session(), "ABCD"
    path: Path = request.getfixturevalue("recordings")
    return read(path / "cryptofeed/r20210405.session.jsonl.gz"), "MANAUSDT"


async def bent(session: tuple[list[Record], str], tmp_path: Path, bend: Bend, **settings: Any) -> Played:
    """Play a session that was bent, and hold its end to the end of the straight one."""
    records, symbol = session
    *_, (_, _, truth) = references(records, symbol)
    path = write(tmp_path / "bent.session.jsonl", bend(records, symbol))
    played = (await play(path, symbol, **settings))[symbol]
    assert played.view.update_id == truth.update_id
    assert dict(played.view.bids(beyond=True)) == truth.bids
    assert dict(played.view.asks(beyond=True)) == truth.asks
    _, different = unlike_tickers(records, symbol, played.tops)
    assert different == []
    return played


def straight(records: list[Record], symbol: str) -> list[Record]:
    return records


async def test_a_session_of_our_own_is_kept_like_a_recorded_one(
    session: tuple[list[Record], str], tmp_path: Path, autojump_clock: MockClock
) -> None:
    played = await bent(session, tmp_path, straight)
    assert (played.statistics.snapshots, played.statistics.gaps, played.statistics.resyncs) == (1, 0, 0)


def with_snapshots(records: list[Record], symbol: str, places: set[int]) -> list[Record]:
    """Return the records with a fresh snapshot after each of these events of the symbol."""
    answers = [
        (place + 1, snapshot_record(record, symbol, book.answer()))
        for number, (place, record, book) in enumerate(references(records, symbol))
        if number in places
    ]
    found = list(records)
    for place, answer in reversed(answers):
        found.insert(place, answer)
    return found


async def test_a_lost_event_makes_the_book_stale_until_a_new_snapshot_and_the_end_is_the_same(
    session: tuple[list[Record], str], tmp_path: Path, autojump_clock: MockClock
) -> None:
    def bend(records: list[Record], symbol: str) -> list[Record]:
        places = [place for place, record in enumerate(records) if depth_event(record, symbol)]
        bent = with_snapshots(records, symbol, {150, 151, 152, 160, 200, 250, 300})
        bent.remove(records[places[150]])
        return bent

    played = await bent(session, tmp_path, bend)
    assert (played.statistics.gaps, played.statistics.resyncs) == (1, 1)
    stale = [update_id for update_id, state in played.states if state is BookState.STALE]
    assert stale
    assert len(set(stale)) == 1


async def test_a_snapshot_that_is_too_old_is_asked_for_again(
    session: tuple[list[Record], str], tmp_path: Path, autojump_clock: MockClock
) -> None:
    def bend(records: list[Record], symbol: str) -> list[Record]:
        place, first = next((at, found) for at, one in enumerate(records) if (found := depth_event(one, symbol)))
        old = json.dumps({"lastUpdateId": first["U"] - 2, "bids": [["0.5", "1"]], "asks": []})
        return [*records[:place], snapshot_record(records[place], symbol, old), *records[place:]]

    played = await bent(session, tmp_path, bend, speed=1.0, grace=0.5)
    # Found out by what waits for it, or by the first event after it where that is late.
    assert played.statistics.useless + played.statistics.gaps >= 1
    assert played.statistics.snapshots >= 2


async def test_repeated_events_change_nothing(
    session: tuple[list[Record], str], tmp_path: Path, autojump_clock: MockClock
) -> None:
    def bend(records: list[Record], symbol: str) -> list[Record]:
        bent: list[Record] = []
        events: list[Record] = []
        for record in records:
            bent.append(record)
            if depth_event(record, symbol):
                events.append(record)
                bent += events[-1:] + events[-7:-5]
        return bent

    played = await bent(session, tmp_path, bend)
    assert (played.statistics.snapshots, played.statistics.gaps) == (1, 0)
    assert played.statistics.dropped > 100


async def test_after_a_lost_connection_a_new_snapshot_is_joined_and_the_end_is_the_same(
    session: tuple[list[Record], str], tmp_path: Path, autojump_clock: MockClock
) -> None:
    def bend(records: list[Record], symbol: str) -> list[Record]:
        return with_snapshots(records, symbol, set(range(0, 400, 4)))

    played = await bent(session, tmp_path, bend, faults=[Timed(15.0, Reset())], speed=1.0)
    assert played.statistics.resyncs == 1
    assert played.statistics.snapshots >= 2


async def test_a_recording_waits_for_the_snapshot_with_what_has_no_place_yet(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    records = own_session(events=700)
    late = OnRequest(1, Bent.late(9.0), "/api/v3/depth")
    played = await bent((records, "ABCD"), tmp_path, straight, faults=[late])
    assert (played.statistics.snapshots, played.statistics.gaps) == (1, 0)


async def test_changes_of_a_recording_end_with_it(tmp_path: Path, autojump_clock: MockClock) -> None:
    path = write(tmp_path / "own.session.jsonl", own_session())
    async with open_binance(BinanceConfig.replay(path)) as bx, bx.books.open_many("ABCD") as books:
        found = [book.update_id async for book in books.changes()]
        assert found == sorted(found)
        assert books["ABCD"].state is BookState.CLOSED
        with pytest.raises(trio.EndOfChannel):
            await books["ABCD"].wait_live()
        with pytest.raises(trio.EndOfChannel):
            await books.wait_live()


def test_the_sessions_are_what_they_are_taken_for(session: tuple[list[Record], str]) -> None:
    records, symbol = session
    assert sum(is_snapshot(record, symbol) for record in records) == 1
    events = [event for record in records if (event := depth_event(record, symbol))]
    assert len(events) > 300
    assert all(after["U"] == before["u"] + 1 for before, after in pairwise(events))
