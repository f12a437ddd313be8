"""HTTP faults: each of the catalogue strikes as it is described; aimed at an operation, on both wires."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from trio.testing import MockClock

from tests.sandbox.test_wire import get
from trio_binance.sandbox import Ending, FaultSchedule

from .trader import WIRES, Heard, Trader, hear, open_trader

of = FaultSchedule.of
PLACE = "POST /api/v3/order"


async def after(faults: FaultSchedule, target: str = "/api/v3/time") -> tuple[Heard, Trader]:
    """Return what is heard of a REST request under some faults, and who heard it."""
    async with open_trader(faults) as trader:
        return await trader.rest(f"GET {target}"), trader


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize(
    "name, options, refusal",
    [
        ("H01", {}, (400, -1013)),
        ("H02", {}, (401, -2015)),
        ("H02", {"code": -2014}, (401, -2014)),
        ("H07", {}, (418, -1003)),
        ("H08", {}, (429, -1003)),
        ("H09", {}, (429, -1015)),
        ("H10", {}, (429, -1003)),
        ("H10", {"banned": True}, (418, -1003)),
        ("H13", {}, (503, -1000)),
        ("H13", {"status": 500, "code": -1001}, (500, -1001)),
        ("H13", {"code": -1016}, (503, -1016)),
    ],
)
async def test_an_order_is_refused_with_a_code_on_either_wire(
    wire: str, name: str, options: dict[str, Any], refusal: tuple[int, int], autojump_clock: MockClock
) -> None:
    async with open_trader(of(name, nth=2, on=PLACE, **options), wire) as trader:
        assert (await trader.place()).status == 200
        assert (await trader.place(newClientOrderId="next")).refusal == refusal
        assert len(trader.orders) == 1


@pytest.mark.parametrize(
    "name, options, status, start",
    [
        ("H03", {}, 403, "<html>"),
        ("H04", {}, 404, "<html>"),
        ("H04", {"status": 415}, 415, "<html>"),
        ("H05", {}, 408, ""),
        ("H12", {}, 451, "<html>"),
        ("H14", {}, 502, "<html>"),
        ("H14", {"empty": True, "status": 504}, 504, ""),
        ("H19", {}, 200, "<html>"),
        ("H19", {"empty": True}, 200, ""),
    ],
)
async def test_an_answer_is_no_json(
    name: str, options: dict[str, Any], status: int, start: str, autojump_clock: MockClock
) -> None:
    heard, _ = await after(of(name, **options))
    assert (heard.status, heard.line) == (status, "open")
    assert heard.text[: len(start) or None] == start


@pytest.mark.parametrize("name", ["H03", "H04", "H12", "H14", "H19"])
async def test_a_page_is_a_text_frame_that_is_no_json(name: str, autojump_clock: MockClock) -> None:
    async with open_trader(of(name, on=PLACE), "ws_api") as trader:
        assert (await trader.place()).text.startswith("<html>")


@pytest.mark.parametrize("name", ["H05", "H13", "H14", "H19"])
@pytest.mark.parametrize("executed", [True, False])
async def test_an_error_of_whatever_stands_in_front_says_nothing_of_what_was_executed(
    name: str, executed: bool, autojump_clock: MockClock
) -> None:
    async with open_trader(of(name, on=PLACE, executed=executed)) as trader:
        await trader.place()
        assert len(trader.orders) == executed


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("cancelled, halves", [(True, ["SUCCESS", "FAILURE"]), (False, ["FAILURE", "SUCCESS"])])
async def test_h06_one_half_of_a_replacement_is_done_and_the_other_is_not(
    wire: str, cancelled: bool, halves: list[str], autojump_clock: MockClock
) -> None:
    async with open_trader(of("H06", cancelled=cancelled), wire) as trader:
        await trader.place()
        heard = await trader.replace(cancelReplaceMode="ALLOW_FAILURE")
        assert heard.refusal == (409, -2021)
        assert [heard.data["data"][half] for half in ("cancelResult", "newOrderResult")] == halves


async def test_h07_a_ban_says_for_how_long_in_seconds_on_rest_and_until_when_on_the_websocket_api(
    autojump_clock: MockClock,
) -> None:
    heard, _ = await after(of("H07"))
    assert heard.headers["retry-after"] == "120"
    async with open_trader(of("H07", on=PLACE), "ws_api") as trader:
        heard = await trader.place()
        assert heard.data["data"]["retryAfter"] - trader.sandbox.now_us() // 1000 == pytest.approx(120_000, abs=10)


@pytest.mark.parametrize("name", ["H08", "H09"])
async def test_h08_h09_a_limit_is_told_with_its_time_and_over_after_it(name: str, autojump_clock: MockClock) -> None:
    async with open_trader(of(name, on=PLACE)) as trader:
        heard = await trader.place()
        await trio.sleep(int(heard.headers["retry-after"]))
        assert (await trader.place()).status == 200


@pytest.mark.parametrize("banned", [True, False])
async def test_h10_a_limit_does_not_say_for_how_long(banned: bool, autojump_clock: MockClock) -> None:
    heard, _ = await after(of("H10", banned=banned))
    assert "retry-after" not in heard.headers


@pytest.mark.parametrize("retry_after", ["Fri, 01 Jan 2027 00:00:00 GMT", "-5", "99999999999", "soon"])
async def test_h11_a_limit_says_something_odd(retry_after: str, autojump_clock: MockClock) -> None:
    heard, _ = await after(of("H11", retry_after=retry_after))
    assert (heard.status, heard.headers["retry-after"]) == (429, retry_after)


async def test_h15_a_request_is_sent_to_another_host(autojump_clock: MockClock) -> None:
    heard, _ = await after(of("H15"))
    assert (heard.status, heard.headers["location"]) == (302, "http://elsewhere.invalid/")


async def test_h16_a_body_is_shorter_than_announced(autojump_clock: MockClock) -> None:
    heard, _ = await after(of("H16"))
    assert heard.line.startswith("broken: peer closed connection without sending complete message body")
    assert len(heard.text) == int(heard.headers["content-length"]) - 10


async def test_h17_a_body_without_a_length_is_cut_and_nobody_can_tell(autojump_clock: MockClock) -> None:
    heard, _ = await after(of("H17"))
    assert (heard.status, heard.text, "content-length" in heard.headers) == (200, '{"serverTime":1790', False)
    whole, _ = await after(of("H17", missing=0))
    assert "serverTime" in whole.data


async def test_h18_a_body_in_chunks_is_cut(autojump_clock: MockClock) -> None:
    heard, _ = await after(of("H18"))
    assert heard.line.startswith("broken: peer closed connection without sending complete message body")
    whole, _ = await after(of("H18", missing=0))
    assert (whole.headers["transfer-encoding"], list(whole.data)) == ("chunked", ["serverTime"])


async def test_h20_an_answer_says_that_it_is_packed_and_is_not(autojump_clock: MockClock) -> None:
    heard, _ = await after(of("H20"))
    assert (heard.headers["content-encoding"], list(heard.data)) == ("gzip", ["serverTime"])


async def test_h21_a_second_answer_waits_for_the_next_request(autojump_clock: MockClock) -> None:
    async with open_trader(of("H21")) as trader, await trader.dial() as stream:
        await stream.send_all(get("/api/v3/time"))
        answers = bytes(await stream.receive_some())
        assert answers.count(b"HTTP/1.1 200") == 2
        half = len(answers) // 2
        assert answers[:half] == answers[half:]


async def test_h21_a_frame_comes_twice_and_the_request_is_executed_once(autojump_clock: MockClock) -> None:
    async with open_trader(of("H21", on=PLACE), "ws_api") as trader:
        first = await trader.place()
        assert (await trader.answer(1)).frame == first.frame
        assert len(trader.orders) == 1


async def test_h22_a_connection_is_closed_as_its_second_request_comes(autojump_clock: MockClock) -> None:
    async with open_trader(of("H22", nth=2)) as trader, await trader.dial() as stream:
        assert (await hear(stream, get())).status == 200
        assert (await hear(stream, get())).line == "eof"


async def test_h23_headers_are_larger_or_more_than_any(autojump_clock: MockClock) -> None:
    heard, _ = await after(of("H23"))
    assert len(heard.headers["x-padding-0"]) == 200_000
    heard, _ = await after(of("H23", size=1, count=1000))
    assert sum(name.startswith("x-padding-") for name in heard.headers) == 1000


@pytest.mark.parametrize(
    "raw", [b"\x00\x16garbage\r\n\r\n", b"220 mail.invalid ESMTP\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"]
)
async def test_h24_what_comes_is_not_http(raw: bytes, autojump_clock: MockClock) -> None:
    heard, _ = await after(of("H24", raw=raw))
    assert heard.line.startswith("broken: ")


@pytest.mark.parametrize("wire", WIRES)
async def test_h25_a_body_is_larger_than_any(wire: str, autojump_clock: MockClock) -> None:
    async with open_trader(of("H25", size=3_000_000, on="GET /api/v3/time"), wire) as trader:
        assert len((await trader.call("GET /api/v3/time")).text) > 3_000_000


@pytest.mark.parametrize("wire", WIRES)
async def test_h26_h29_what_was_used_is_not_told(wire: str, autojump_clock: MockClock) -> None:
    async with open_trader(of("H26", on=PLACE) + of("H29", nth=2), wire) as trader:
        for name in ("x-mbx-used-weight", "x-mbx-order-count"):
            heard = await trader.place(newClientOrderId=name)
            assert heard.status == 200
            assert not [header for header in heard.headers if header.startswith(name)]
            assert heard.frame is None or "rateLimits" not in heard.frame


def used(heard: Heard) -> int:
    """Return the weight that an answer says was used."""
    if heard.frame is None:
        return int(heard.headers["x-mbx-used-weight-1m"])
    [count] = [row["count"] for row in heard.frame["rateLimits"] if row["rateLimitType"] == "REQUEST_WEIGHT"]
    return int(count)


@pytest.mark.parametrize("wire", WIRES)
async def test_h27_others_at_this_address_use_more_than_we_do(wire: str, autojump_clock: MockClock) -> None:
    async with open_trader(of("H27", on=PLACE, used=5900), wire) as trader:
        assert used(await trader.place()) == 5900
        assert used(await trader.query()) < 100


@pytest.mark.parametrize("wire", WIRES)
async def test_h28_the_used_weight_goes_down(wire: str, autojump_clock: MockClock) -> None:
    async with open_trader(of("H28", on="GET /api/v3/time"), wire) as trader:
        assert [used(await trader.call("GET /api/v3/time")) for _ in range(2)] == [3000, 10]


@pytest.mark.parametrize("wire", WIRES)
async def test_h30_fields_are_unknown_missing_null_or_there_twice(wire: str, autojump_clock: MockClock) -> None:
    faults = of("H30", missing="orderId", null="price", double="symbol")
    async with open_trader(faults, wire) as trader:
        heard = await trader.place()
        assert "orderId" not in heard.data
        assert (heard.data["price"], heard.data["neverHeardOf"]) == (None, {"of": [1, None]})
        assert heard.text.count('"symbol":') == 2
        assert heard.data["symbol"] == "another"
        assert heard.data["clientOrderId"] == "mine"


async def test_an_http_fault_strikes_the_first_request_of_rest_unless_told_otherwise(
    autojump_clock: MockClock,
) -> None:
    async with open_trader(of("H13")) as trader:
        assert (await trader.ws("time")).status == 200
        assert (await trader.rest("GET /api/v3/time")).status == 503


async def test_a_body_that_is_cut_may_end_in_any_way(autojump_clock: MockClock) -> None:
    heard, _ = await after(of("H16", ending=Ending.SILENCE))
    assert heard.line == "silence"
    assert heard.text.startswith('{"serverTime"')
