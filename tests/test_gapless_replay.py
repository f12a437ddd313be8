"""Recorded trades, played over sockets with messages lost, repeated and swapped: every one comes, in order, once."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, TypeAlias
from urllib.parse import parse_qs, urlsplit

import pytest
import trio
from trio.testing import MockClock

from tests.sessions import START_NS, Record, read, write
from trio_binance._client.open import open_binance
from trio_binance.config import BinanceConfig, ReplaySpec, Tuning
from trio_binance.models import Gap, GapReason
from trio_binance.sandbox.faults import FaultSchedule, Reset, Timed
from trio_binance.sandbox.frames import RestReply, RestRequest
from trio_binance.sandbox.recording import JSON_HEADERS
from trio_binance.sandbox.replay import ReplayExchange
from trio_binance.sandbox.serve import open_replay

pytestmark = pytest.mark.slow  # whole runs of everything: measuring them takes four times as long

ETHUSDT = "hftbacktest/ethusdt.session.jsonl.gz"
STREAM = '{"stream":"ethusdt@trade"'

Bend: TypeAlias = Callable[[list[Record]], list[Record]]


def own_session(count: int = 3000) -> list[Record]:
    """Return a session of our own, a trade every ten milliseconds."""
    records = []
    for number in range(count):
        time = START_NS // 10**6 + 10 * number
        data = {"e": "trade", "E": time, "s": "ETHUSDT", "t": 5000 + number, "p": f"{2000 + number % 7}.50000000"}
        data |= {"q": f"0.{number % 9 + 1}0000000", "T": time, "m": number % 2 == 0, "M": True}
        raw = json.dumps({"stream": "ethusdt@trade", "data": data}, separators=(",", ":"))
        records.append({"t_ns": time * 10**6, "kind": "ws", "raw": raw})
    return records


@pytest.fixture(params=["own", pytest.param("recorded", marks=[pytest.mark.recordings, pytest.mark.slow])])
def session(request: pytest.FixtureRequest) -> list[Record]:
    """Return the trades of a session."""
    if request.param == "own":
        return own_session()
    path: Path = request.getfixturevalue("recordings")
    return [record for record in read(path / ETHUSDT) if record["raw"].startswith(STREAM)]


def row_of(record: Record) -> dict[str, Any]:
    """Return a trade as GET historicalTrades lists it."""
    data = json.loads(record["raw"])["data"]
    quote = Decimal(data["p"]) * Decimal(data["q"])
    row = {"id": data["t"], "price": data["p"], "qty": data["q"], "quoteQty": f"{quote:f}", "time": data["T"]}
    return row | {"isBuyerMaker": data["m"], "isBestMatch": data["M"]}


async def play(
    session: list[Record],
    bent: list[Record],
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    database: bool = True,
    speed: float | None = None,
    faults: FaultSchedule | None = None,
) -> list[Any]:
    """Return what a gapless feed brings of a session that was bent; old trades can be asked for, or not."""
    rows = [row_of(record) for record in session]
    first_id = rows[0]["id"]
    answer = ReplayExchange.rest

    def rest(self: ReplayExchange, request: RestRequest, now_us: int, **more: Any) -> RestReply:
        parts = urlsplit(request.target)
        if not database or not parts.path.endswith("/historicalTrades"):
            return answer(self, request, now_us, **more)
        wish = {name: values[0] for name, values in parse_qs(parts.query).items()}
        start = max(0, int(wish["fromId"]) - first_id)
        return RestReply(200, JSON_HEADERS, json.dumps(rows[start : start + int(wish["limit"])]).encode())

    monkeypatch.setattr(ReplayExchange, "rest", rest)
    file = write(path / "bent.session.jsonl", bent)
    heard: list[Any] = []
    async with open_replay(ReplaySpec(file, speed=speed), faults=faults) as replay:
        # A recording that lacks an answer says so each time: that must not open the circuit breaker.
        config = BinanceConfig.replay(file, speed=speed, tuning=Tuning(breaker_failures=10**6))
        async with open_binance(config, dialer=replay.dialer) as bx:
            async with bx.streams.trades("ETHUSDT", gapless=True) as feed:
                with trio.fail_after(3600):
                    async for item in feed:
                        heard += [item]
    return heard


def check(heard: Sequence[Any], session: list[Record], first: int = 0, last: int | None = None) -> None:
    """Compare what was heard, whichever way it came, with what was recorded."""
    rows = [row_of(record) for record in session][first:last]
    found = [
        (item.trade_id, item.price, item.quantity, item.trade_time, item.is_buyer_maker, item.is_best_match)
        for item in heard
    ]
    truth = [
        (row["id"], Decimal(row["price"]), Decimal(row["qty"]), row["time"], row["isBuyerMaker"], row["isBestMatch"])
        for row in rows
    ]
    assert found == truth


def some_lost(records: list[Record]) -> list[Record]:
    """Lose one in twenty, and now and then a hundred in a row, but neither the first nor the last."""
    rng = Random(11)
    kept, skip = records[:1], 0
    for record in records[1:-1]:
        skip = 100 if rng.random() < 0.001 else max(0, skip - 1)
        if not skip and rng.random() > 0.05:
            kept.append(record)
    return kept + records[-1:]


def repeated_and_swapped(records: list[Record]) -> list[Record]:
    """Tell some twice, at once or later, and some before the one that they follow."""
    rng = Random(12)
    bent = list(records)
    for _ in range(len(records) // 20):
        at = rng.randrange(1, len(bent) - 20)
        bent.insert(at + rng.randrange(0, 15), bent[at])
        at = rng.randrange(1, len(bent) - 1)
        bent[at], bent[at + 1] = bent[at + 1], bent[at]
    return bent


@pytest.mark.parametrize(
    "bend", [some_lost, repeated_and_swapped, lambda records: some_lost(repeated_and_swapped(records))]
)
async def test_what_was_lost_on_the_way_is_there_all_the_same(
    bend: Bend, session: list[Record], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    bent = bend(session)
    heard = await play(session, bent, tmp_path, monkeypatch)
    came = {json.loads(record["raw"])["data"]["t"] for record in bent}
    check(heard, session)
    assert {item.trade_id for item in heard if not item.recovered} == came
    assert sum(item.recovered for item in heard) == len(session) - len(came)


async def test_where_nothing_can_be_asked_for_the_gaps_are_what_was_lost(
    session: list[Record], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    bent = some_lost(session)
    heard = await play(session, bent, tmp_path, monkeypatch, database=False)
    trades = [item for item in heard if not isinstance(item, Gap)]
    gaps = [item for item in heard if isinstance(item, Gap)]
    assert [item.trade_id for item in trades] == [json.loads(record["raw"])["data"]["t"] for record in bent]
    assert {gap.reason for gap in gaps} == {GapReason.REFUSED}
    missing = [number for gap in gaps for number in range(gap.first, gap.last + 1)]
    lost = {row_of(record)["id"] for record in session} - {item.trade_id for item in trades}
    assert sorted(missing) == missing == sorted(lost)


async def test_a_lost_connection_leaves_no_hole(
    session: list[Record], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    faults = FaultSchedule((Timed(8.0, Reset()), Timed(16.0, Reset())))
    heard = await play(session, session, tmp_path, monkeypatch, speed=1.0, faults=faults)
    check(heard, session)
    assert 0 < sum(item.recovered for item in heard) < len(session) // 2
