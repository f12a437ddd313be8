"""The tape: ids without holes, aggregates, forgetting."""

from __future__ import annotations

from decimal import Decimal

import pytest

from trio_binance.sandbox import tape as tapes
from trio_binance.sandbox.tape import Tape

from .economy import START, UNIT


def record(tape: Tape, time_us: int, price: int, taker: int, *, buyer_is_maker: bool = False) -> int:
    buyer, seller = (1, taker) if buyer_is_maker else (taker, 1)
    return tape.add(
        time_us, price * UNIT, UNIT, price * UNIT, buyer=buyer, seller=seller, buyer_is_maker=buyer_is_maker
    )


def test_ids_rise_by_one_from_the_first() -> None:
    tape = Tape(100, 7)
    assert [record(tape, START, 5, taker) for taker in (11, 12)] == [100, 101]
    assert (tape.next_id, tape.next_agg_id, len(tape)) == (102, 9, 2)
    assert tape.trade(101) == tapes.Trade(101, Decimal(5), Decimal(1), Decimal(5), START, False, 12, 1)
    assert tape.last_price() == 5 * UNIT


def test_a_new_taker_price_or_side_begins_an_aggregate() -> None:
    tape = Tape(0, 0)
    record(tape, START, 5, 11)
    record(tape, START, 5, 11)
    record(tape, START, 6, 11)
    record(tape, START, 6, 12)
    record(tape, START, 6, 13, buyer_is_maker=True)
    assert [tape.agg_range(agg) for agg in range(4)] == [(0, 1), (2, 2), (3, 3), (4, 4)]
    assert tape.agg_of(1) == 1


def test_trades_are_found_by_time() -> None:
    tape = Tape(50, 0)
    for offset in (0, 10, 10, 20):
        record(tape, START + offset, 5, offset)
    assert [tape.at_or_after(START + offset) for offset in (-1, 0, 5, 10, 11, 21)] == [50, 50, 51, 51, 53, 54]
    assert [tape.index(trade_id) for trade_id in (0, 50, 52, 99)] == [0, 0, 2, 4]


def test_too_old_trades_are_forgotten_by_whole_aggregates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tapes, "KEPT", 10)
    tape = Tape(100, 0)
    for number in range(11):
        assert tape.excess() is None
        record(tape, START + number, 5, number // 2)
    cut = tape.excess()
    assert cut == 102
    tape.forget_before(cut)
    assert (tape.first_id, tape.first_agg_id, len(tape)) == (102, 1, 9)
    assert tape.agg_range(1) == (102, 103)
    assert tape.trade(102).time_us == START + 2
