"""The journal: whatever is written is read again, wherever it is cut, and no damage goes unnoticed."""

from __future__ import annotations

import json
from decimal import Decimal
from http import HTTPStatus
from itertools import count
from typing import Any, get_args
from zlib import crc32

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests._pure.intents.makers import OWNER, START_MS, cancellation, placement, stamp
from tests.strategies import requests as made
from trio_binance._codec import params as codec
from trio_binance._codec.params import list_from_params, list_params, order_from_params, order_params, with_client_ids
from trio_binance._pure.intents import (
    Absent,
    Accepted,
    Intent,
    Ledger,
    NotSent,
    OrderSighting,
    Owner,
    Part,
    Record,
    Rejected,
    Remembered,
    Settle,
    Unresolved,
    Verdict,
    records,
)
from trio_binance._pure.intents.intent import KINDS
from trio_binance.errors import JournalBroken
from trio_binance.models import Evidence, Note, OrderListRequest, OrderRequest, OrderStatus

PATHS = {kind: path for path, (kind, _) in codec._LISTS.items()}
WHY = Evidence((Note(START_MS, "about to be sent"), Note(None, 'a "quoted" note\n\\ 币', 3)))
SEEN = OrderSighting("BTCUSDT", 7, ("mine",), OrderStatus.NEW)
VERDICTS: tuple[Verdict, ...] = (
    Accepted(SEEN, WHY),
    Rejected(-2010, "Account has insufficient balance.", None, WHY),
    Rejected(None, "refused", None, WHY),
    NotSent("connection refused", WHY),
    Absent(None, WHY),
    Unresolved("the user stream broke", WHY),
)
REPLACE = Intent("i-replace", "POST /api/v3/order/cancelReplace", {"symbol": "BTCUSDT", "newClientOrderId": "new"})


texts = st.text(st.characters(exclude_categories=()))
"""Also such as no wire can carry."""


def settled(told: Verdict, intent: Intent | None = None, part: Part = Part.WHOLE) -> Record:
    return records.settled(Settle((intent or placement()).intent_id, part, told), START_MS + 9)


def write(*some: Record) -> bytes:
    return b"".join(map(records.write, some))


def read(text: bytes) -> tuple[Remembered, ...]:
    return Ledger.read([text]).remembered


LIFE = (
    records.started("run 1", OWNER, START_MS),
    records.opened(placement(), START_MS),
    records.sending("i-mine", stamp(), START_MS),
    records.left("i-mine", START_MS),
    records.opened(cancellation(), START_MS),
    settled(Absent(None, WHY)),
)

# ------------------------------------------------------------------------------------------------------- there and back


def intent_of(path: str, params: dict[str, Any], **more: Any) -> Intent:
    return Intent("i-1", f"POST {path}", params, **more)


def test_of_a_run_that_just_ended_the_open_intents_are_remembered() -> None:
    first, second = read(write(*LIFE))
    assert (first.intent.intent_id, second.intent.intent_id) == ("i-mine", "i-cancel")
    assert first.stamps == (stamp(),)
    assert first.verdicts == {Part.WHOLE: Absent(None, WHY)}
    assert first.settled_ms == START_MS + 9
    assert (second.stamps, second.verdicts) == ((), {})


@given(made.orders)
def test_every_order_is_read_as_it_was_written(request: OrderRequest) -> None:
    request = with_client_ids(request, map(str, count()).__next__)
    [one] = read(write(records.opened(intent_of("/api/v3/order", {**order_params(request)}), START_MS)))
    assert order_from_params(one.intent.params) == request
    assert str(order_from_params(one.intent.params)) == str(request)


@given(made.order_lists)
def test_every_order_list_is_read_as_it_was_written(request: OrderListRequest) -> None:
    path, request = PATHS[type(request)], with_client_ids(request, map("_{}_".format, count()).__next__)
    [one] = read(write(records.opened(intent_of(path, {**list_params(request)}), START_MS)))
    assert list_from_params(path, one.intent.params) == request
    assert str(list_from_params(path, one.intent.params)) == str(request)


def test_every_kind_of_request_has_been_tried() -> None:
    assert {*PATHS} == set(get_args(OrderListRequest))
    assert {f"POST {path}" for path in PATHS.values()} <= set(KINDS)


@pytest.mark.parametrize("operation", KINDS)
def test_every_operation_is_read_as_it_was_written(operation: str) -> None:
    params: dict[str, Any] = {"symbol": "币安人生USDT", "orderId": 7, "newQty": "1.00", "more": ("a", "b"), "yes": True}
    params |= {"newClientOrderId": "c", "listClientOrderId": "l", "aboveClientOrderId": "a"}
    intent = Intent("i-1", operation, params, stamp(), (7, 8))
    [one] = read(write(records.opened(intent, START_MS)))
    assert one.intent == intent
    assert one.stamps == (stamp(),)


@pytest.mark.parametrize("told", VERDICTS)
def test_every_verdict_is_read_as_it_was_written_but_for_what_was_seen(told: Verdict) -> None:
    told_of_half = settled(told, REPLACE, Part.CANCEL)
    [one] = read(write(records.opened(REPLACE, START_MS), told_of_half))
    expected = attrs.evolve(told, sighting=None) if isinstance(told, Accepted | Rejected | Absent) else told
    assert one.verdicts == {Part.CANCEL: expected}


def test_the_one_who_started_last_owns_what_a_journal_says() -> None:
    other = Owner.of("testnet", "another key")
    ledger = Ledger.read([write(*LIFE)])
    assert ledger.owner == OWNER
    assert ledger.put(records.started("run 2", other, START_MS)) == ledger.lines()[0]
    assert ledger.owner == other
    again = Ledger.read([ledger.compact()])
    assert (again.owner, again.remembered) == (other, ledger.remembered)
    assert again.lines()[0].count(b'"environment":"testnet","key":"' + other.key.encode()) == 1


def test_a_journal_may_not_say_whose_it_is() -> None:
    nobody = Record("started", START_MS, "run 1")
    assert Ledger().owner is Ledger.read([b""]).owner is Ledger.read([write(nobody, *LIFE[1:])]).owner is None


def test_an_owner_is_known_by_its_environment_and_twelve_digits_of_its_key() -> None:
    assert Owner.of("testnet", "CANARY") == Owner("testnet", "fe0344af3e43")
    assert "CANARY" not in repr(Owner.of("testnet", "CANARY"))
    assert str(Owner.of("testnet", "CANARY")) == "'testnet' (key fe0344af3e43)"
    assert str(Owner.of("testnet", None)) == "'testnet' (no key)"


def test_what_was_seen_can_be_read_by_eye() -> None:
    line = json.loads(records.write(settled(Accepted(SEEN, WHY))))
    assert (line["orderId"], line["status"]) == (7, "NEW")


def test_the_line_is_as_documented() -> None:
    intent = Intent("i-1", "POST /api/v3/order", {"newClientOrderId": "c", "quantity": Decimal("0.10")}, stamp())
    body = (
        b'{"v":1,"kind":"opened","t":1700000000000,"id":"i-1","op":"POST /api/v3/order","symbol":"",'
        b'"wire":"rest","timestamp":1700000001000,"recvWindow":5000,"params":{"newClientOrderId":"c","quantity":"0.10"}'
    )
    assert records.write(records.opened(intent, START_MS)) == b'%b,"crc":"%08x"}\n' % (body, crc32(body))


def test_there_is_no_secret_in_a_journal() -> None:
    intent = placement(signature="CANARY", apiKey="CANARY")
    assert b"CANARY" not in write(records.opened(intent, START_MS))


@pytest.mark.parametrize("value", (0.1, Decimal, None.__class__, b"x"))
def test_what_json_cannot_say_exactly_is_not_written(value: Any) -> None:
    with pytest.raises(TypeError, match="no exact JSON"):
        records.write(Record("odd", START_MS, "i", {"value": value}))


def test_a_time_with_a_fraction_is_not_written() -> None:
    moment: Any = 1.5
    with pytest.raises(TypeError, match=r"t: 1\.5 is no whole number"):
        records.write(Record("left", moment, "i"))


def test_a_body_cannot_say_what_every_line_says() -> None:
    with pytest.raises(ValueError, match="crc and v: a field of every line"):
        records.write(Record("odd", START_MS, "i", {"v": 2, "crc": "", "more": 1}))


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([*OrderStatus, HTTPStatus.OK])
    | st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9, places=8)
    | texts,
    lambda inner: st.lists(inner) | st.tuples(inner) | st.dictionaries(texts | st.integers(), inner),
    max_leaves=12,
)


@given(texts, texts, st.dictionaries(texts.map("_{}".format), anything))
def test_what_is_taken_note_of_is_what_is_read(kind: str, name: str, body: dict[str, Any]) -> None:
    line, told = records.written(Record(kind, START_MS, name, body))
    again = records.read(line[:-1], 1)
    assert again == told
    assert repr(again) == repr(told)


def test_a_text_that_no_wire_can_carry_does_no_harm() -> None:
    [one] = read(write(records.opened(placement(name="\ud800"), START_MS)))
    assert one.intent.text("newClientOrderId") == "?"


# --------------------------------------------------------------------------------------------------- what is over


@pytest.mark.parametrize("told", VERDICTS[:4])
def test_what_is_accepted_rejected_or_not_sent_is_over(told: Verdict) -> None:
    assert read(write(records.opened(placement(), START_MS), settled(told))) == ()


@pytest.mark.parametrize("told", VERDICTS[4:])
def test_a_tombstone_is_remembered_until_it_expires_or_is_revived(told: Verdict) -> None:
    start = write(records.opened(placement(), START_MS), settled(told))
    assert len(read(start)) == 1
    assert read(start + write(records.expired("i-mine", START_MS))) == ()
    assert read(start + write(settled(Accepted(SEEN, WHY)))) == ()


def test_a_cancel_replace_is_over_with_its_second_half() -> None:
    start = write(records.opened(REPLACE, START_MS), settled(VERDICTS[0], REPLACE, Part.CANCEL))
    assert len(read(start)) == 1
    assert read(start + write(settled(VERDICTS[1], REPLACE, Part.NEW_ORDER))) == ()


def test_open_is_what_nobody_was_told_of_as_a_whole() -> None:
    tombstone, unsent = read(write(*LIFE))
    assert (tombstone.is_open, unsent.is_open) == (False, True)
    start = write(records.opened(REPLACE, START_MS), settled(VERDICTS[0], REPLACE, Part.CANCEL))
    halves: dict[Verdict, bool] = {Unresolved("who knows", WHY): True, Absent(None, WHY): False}
    assert [read(start)[0].is_open] == [True]
    for told, is_open in halves.items():
        [half] = read(start + write(settled(told, REPLACE, Part.NEW_ORDER)))
        assert half.is_open is is_open


def test_of_many_stamps_the_first_and_the_last_to_be_honoured_are_remembered() -> None:
    stamps = [stamp(1.0), stamp(9.0), stamp(5.0), stamp(9.0)]
    start = write(records.opened(placement(), START_MS))
    [one] = read(start + write(*(records.sending("i-mine", each, START_MS) for each in stamps)))
    assert one.stamps == (stamp(1.0), stamp(9.0))


def test_a_stamp_told_at_the_opening_is_the_first() -> None:
    intent = Intent("i-mine", "POST /api/v3/order", placement().params, stamp())
    start = write(records.opened(intent, START_MS))
    ledger = Ledger.read([start + write(records.sending("i-mine", stamp(9.0), START_MS))])
    [one] = ledger.remembered
    assert one.stamps == (stamp(), stamp(9.0))
    assert len(ledger.lines()) == 2


def test_what_is_told_of_an_intent_that_is_over_is_let_pass() -> None:
    assert read(write(records.sending("i-9", stamp(), START_MS), settled(VERDICTS[0]))) == ()


# --------------------------------------------------------------------------------------------------------- the end


@pytest.mark.parametrize("pieces", (1, 7, 1000))
def test_it_is_read_in_pieces_of_any_size(pieces: int) -> None:
    text = write(*LIFE)
    ledger = Ledger.read([text[at : at + pieces] for at in range(0, len(text), pieces)])
    assert ledger.remembered == read(text)
    assert (ledger.size, ledger.torn) == (len(text), 0)


def test_cut_at_any_byte_it_says_what_its_whole_lines_say() -> None:
    text = write(*LIFE)
    for cut in range(len(text)):
        whole = text[: text.rfind(b"\n", 0, cut) + 1]
        ledger = Ledger.read([text[:cut]])
        assert ledger.remembered == read(whole)
        assert (ledger.size, ledger.torn) == (len(whole), cut - len(whole))


def test_a_hole_of_zeros_at_the_end_is_passed_over() -> None:
    text, last = write(*LIFE[:-1]), write(LIFE[-1])
    for hole in (b"\0" * 4096, last[:30] + b"\0" * 30 + last[60:], last[:30] + b"\0" * 512):
        ledger = Ledger.read([text + hole])
        assert ledger.remembered == read(text)
        assert (ledger.size, ledger.torn) == (len(text), len(hole))


def test_a_hole_of_zeros_elsewhere_is_damage() -> None:
    first, rest = write(LIFE[0]), write(*LIFE[1:])
    with pytest.raises(JournalBroken, match="line 1: damaged: it has a hole"):
        Ledger.read([first[:30] + b"\0" * 30 + first[60:] + rest])


def noticed(text: bytes) -> int | None:
    """Return the line at which damage is noticed, -1 for a torn end."""
    try:
        return -1 if Ledger.read([text]).torn else None
    except JournalBroken as exc:
        return exc.line


@given(st.data())
def test_no_flipped_bit_goes_unnoticed(data: st.DataObject) -> None:
    text = bytearray(write(*LIFE))
    at = data.draw(st.integers(0, len(text) - 1))
    text[at] ^= 1 << data.draw(st.integers(0, 7))
    assert noticed(bytes(text)) in (write(*LIFE)[:at].count(b"\n") + 1, -1)


def test_not_one_flipped_bit_of_a_journal_goes_unnoticed() -> None:
    text = write(*LIFE[1:4])
    for at in range(len(text)):
        for bit in range(8):
            damaged = bytearray(text)
            damaged[at] ^= 1 << bit
            assert noticed(bytes(damaged)) is not None


def test_a_line_whose_end_is_something_else_is_no_torn_line() -> None:
    text = bytearray(write(*LIFE))
    text[-1] = ord("*")
    with pytest.raises(JournalBroken, match="line 6: damaged: there is more after its end"):
        Ledger.read([bytes(text)])


def test_damage_in_the_middle_names_the_line() -> None:
    lines = write(*LIFE).splitlines(keepends=True)
    lines[2] = lines[2].replace(b"5000", b"6000")
    with pytest.raises(JournalBroken, match="journal, line 3: damaged: the checksum does not fit") as caught:
        Ledger.read([b"".join(lines)])
    assert (caught.value.line, caught.value.reason) == (3, "damaged: the checksum does not fit")


def test_an_endless_line_is_damage() -> None:
    with pytest.raises(JournalBroken, match="line 1: longer than any line is"):
        Ledger.read([b"x" * 2_000_000])


# ------------------------------------------------------------------------------------------------------ other writers


def signed(body: bytes) -> bytes:
    return b'%b,"crc":"%08x"}\n' % (body, crc32(body))


@pytest.mark.parametrize(
    "body,reason",
    (
        (b"[1", "no JSON"),
        (b'{"v":1,"kind":"left","t":1.5,"id":"i"', "no JSON"),
        (b'{"v":1,"kind":"left","t":NaN,"id":"i"', "no JSON"),
        (b'{"v":2,"kind":"left","t":1,"id":"i"', "version 2; this program reads version 1"),
        (b'{"v":true,"kind":"left","t":1,"id":"i"', "v: expected int"),
        (b'{"v":1,"t":1,"id":"i"', "kind: expected str"),
        (
            b'{"v":1,"kind":"opened","t":1,"id":"i","op":"GET /api/v3/order","params":{}',
            "no intent: operation=",
        ),
        (b'{"v":1,"kind":"started","t":1,"id":"i","environment":"testnet"', "key: expected str"),
        (b'{"v":1,"kind":"started","t":1,"id":"i","environment":1,"key":""', "environment: expected str"),
        (b'{"v":1,"kind":"opened","t":1,"id":"i","op":"POST /api/v3/order","params":{"a":null}', "params.a: no value"),
        (b'{"v":1,"kind":"opened","t":1,"id":"i","op":"POST /api/v3/order","params":{"a":[1]}', "params.a: no value"),
        (b'{"v":1,"kind":"opened","t":1,"id":"i","targets":["a"],"params":{}', "targets: expected a list of int"),
    ),
)
def test_what_no_writer_of_this_version_writes_is_refused(body: bytes, reason: str) -> None:
    with pytest.raises(JournalBroken, match=f"line 1: {reason}"):
        Ledger.read([signed(body)])


@pytest.mark.parametrize(
    "more,reason",
    (
        (b'"part":"third","verdict":"absent","why":[]', "part: no part of an intent"),
        (b'"part":"whole","verdict":"maybe","why":[]', "verdict: 'maybe' is none"),
        (b'"part":"whole","verdict":"rejected","why":[]', "code: expected int or NoneType"),
        (b'"part":"whole","verdict":"absent","why":[["now","x",1]]', "why: expected notes"),
    ),
)
def test_a_verdict_that_is_none_is_refused(more: bytes, reason: str) -> None:
    text = write(records.opened(placement(), START_MS))
    with pytest.raises(JournalBroken, match=f"line 2: {reason}"):
        Ledger.read([text + signed(b'{"v":1,"kind":"settled","t":1,"id":"i-mine",' + more)])


def test_a_line_that_is_no_object_is_refused() -> None:
    body = b'["a","crc",{"x":1'
    text = b'%b,"crc":"%08x"}]\n' % (body, crc32(body))
    with pytest.raises(JournalBroken, match="line 1: damaged"):
        Ledger.read([text])
    with pytest.raises(JournalBroken, match="line 4: no JSON object"):
        records.Fields([], 4)


def test_an_intent_opened_twice_is_damage() -> None:
    line = write(records.opened(placement(), START_MS))
    with pytest.raises(JournalBroken, match="line 2: id: an intent of this id is open"):
        Ledger.read([line + line])


def test_kinds_that_are_not_known_survive() -> None:
    line = write(Record("weather", START_MS, "sunny", {"more": [1, {"a": None}]}))
    ledger = Ledger.read([line + write(*LIFE)])
    assert line in ledger.lines()
    assert line in Ledger.read([ledger.compact()]).lines()


# -------------------------------------------------------------------------------------------------------- its size

histories = st.lists(
    st.tuples(
        st.integers(0, 3), st.sampled_from(("opened", "sending", "left", "settled", "expired", "odd", "started"))
    ).flatmap(lambda told: st.tuples(st.just(told), st.sampled_from(VERDICTS), st.integers(0, 20))),
    max_size=30,
)


def happened(history: list[Any]) -> tuple[Ledger, bytes]:
    """Return a ledger in which all this was written, as far as it can be, and the journal."""
    ledger, known, text = Ledger(), set(), b""
    for (number, kind), told, at in history:
        intent = placement(f"id-{number}")
        match kind:
            case "opened" if intent.intent_id not in known:
                text += ledger.put(records.opened(intent, START_MS))
            case "sending":
                text += ledger.put(records.sending(intent.intent_id, stamp(at), START_MS))
            case "left":
                text += ledger.put(records.left(intent.intent_id, START_MS))
            case "settled":
                text += ledger.put(settled(told, intent))
            case "expired":
                text += ledger.put(records.expired(intent.intent_id, START_MS))
            case "started":
                text += ledger.put(records.started("run", Owner("sandbox", str(number)), START_MS))
            case "odd":
                text += ledger.put(Record("odd", START_MS, "x"))
        known = {one.intent.intent_id for one in ledger.remembered}
    return ledger, text


@given(histories)
def test_who_reads_a_journal_knows_what_its_writer_knew(history: list[Any]) -> None:
    ledger, text = happened(history)
    again = Ledger.read([text])
    assert again.remembered == ledger.remembered
    assert repr(again.remembered) == repr(ledger.remembered)
    assert (again.owner, again.lines(), again.size) == (ledger.owner, ledger.lines(), ledger.size)


@given(histories)
def test_written_anew_it_says_the_same_and_no_line_is_too_many(history: list[Any]) -> None:
    ledger, _ = happened(history)
    before, owner, lines = ledger.remembered, ledger.owner, ledger.lines()
    again = Ledger.read([ledger.compact()])
    assert again.remembered == ledger.remembered == before
    assert again.owner == ledger.owner == owner
    assert again.lines() == lines
    assert ledger.size == again.size == sum(map(len, lines))
    for number in range(len(lines)):
        fewer = b"".join([*lines[:number], *lines[number + 1 :]])
        less = Ledger.read([fewer])
        assert (less.remembered, less.lines()) != (before, lines)


def test_a_journal_is_worth_to_be_written_anew_when_most_of_it_is_over() -> None:
    ledger = Ledger()
    text = b""
    for number in range(2000):
        intent = placement(f"id-{number}")
        text += ledger.put(records.opened(intent, START_MS))
        text += ledger.put(settled(VERDICTS[0], intent))
        assert ledger.is_bloated == (len(text) > 65_536)
    assert ledger.size == len(text)
    assert ledger.compact() == b""
    assert (ledger.size, ledger.is_bloated) == (0, False)


def test_a_journal_of_open_intents_is_not_bloated() -> None:
    ledger = Ledger()
    for number in range(1000):
        ledger.put(records.opened(placement(f"id-{number}"), START_MS))
    assert ledger.size > 65_536
    assert not ledger.is_bloated
