"""Order faults: each of the catalogue strikes as it is described, on REST and on the WebSocket API alike."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from trio_binance.sandbox import Ending, FaultSchedule
from trio_binance.sandbox.faults.named.orders import TIMEOUT

from .trader import SYMBOL, WIRES, Heard, Trader, open_trader

pytestmark = pytest.mark.parametrize("wire", WIRES)
of = FaultSchedule.of


def statuses(trader: Trader) -> list[str]:
    return [order.status for order in trader.orders]


def reports(events: list[Any]) -> list[dict[str, Any]]:
    """Return the execution reports among what came on a WebSocket."""
    told = [event["event"] for event in events if "subscriptionId" in event]
    return [event for event in told if event["e"] == "executionReport"]


def ack(heard: Heard) -> set[str]:
    return set(heard.data)


@pytest.mark.parametrize("ending", [Ending.EOF, Ending.RESET, Ending.SILENCE])
async def test_o01_an_order_is_accepted_and_its_answer_lost(
    wire: str, ending: Ending, autojump_clock: MockClock
) -> None:
    async with open_trader(of("O01", ending=ending), wire) as trader:
        assert (await trader.place()).line == ending.value
        assert statuses(trader) == ["NEW"]
        assert len(trader.sandbox.faults.struck) == 1


async def test_o01_on_the_websocket_api_the_answer_alone_can_be_lost(wire: str, autojump_clock: MockClock) -> None:
    async with open_trader(of("O01", ending=Ending.KEEP), wire) as trader:
        assert (await trader.place()).line == "silence"
        assert statuses(trader) == ["NEW"]
        if wire == "ws_api":
            assert (await trader.query()).status == 200
            assert trader.sandbox.exchange.connections == (1,)


async def test_o02_an_order_is_refused_and_its_answer_lost(wire: str, autojump_clock: MockClock) -> None:
    async with open_trader(of("O02"), wire) as trader:
        assert (await trader.place()).line == "reset"
        assert statuses(trader) == []
        await trio.sleep(1)
        assert (await trader.place()).status == 200


async def test_o03_an_order_is_never_received(wire: str, autojump_clock: MockClock) -> None:
    async with open_trader(of("O03", nth=2), wire) as trader:
        assert (await trader.place()).status == 200
        assert (await trader.place(newClientOrderId="other")).line == "reset"
        assert statuses(trader) == ["NEW"]


async def test_o04_an_order_is_executed_after_the_client_was_cut_off(wire: str, autojump_clock: MockClock) -> None:
    async with open_trader(of("O04", after=1.0, matching=3.0), wire) as trader:
        assert (await trader.place()).line == "reset"
        assert trio.current_time() == pytest.approx(1)
        assert statuses(trader) == []
        await trio.sleep(2.1)
        assert statuses(trader) == ["NEW"]


async def test_o04_an_order_is_executed_after_the_client_was_answered(wire: str, autojump_clock: MockClock) -> None:
    async with open_trader(of("O04", after=1.0, matching=3.0, answer=TIMEOUT), wire) as trader:
        assert (await trader.place()).refusal == (503, -1007)
        assert statuses(trader) == []
        await trio.sleep(2.1)
        assert statuses(trader) == ["NEW"]


@pytest.mark.parametrize("hold, matching, executed", [(5.5, 0.0, False), (4.5, 8.0, True), (0.0, 300.0, True)])
async def test_o04_an_order_older_than_its_window_is_not_let_into_the_engine_which_has_no_hurry(
    wire: str, hold: float, matching: float, executed: bool, autojump_clock: MockClock
) -> None:
    async with open_trader(of("O04", hold=hold, matching=matching), wire) as trader:
        await trader.place()
        await trio.sleep(hold + matching - 1.1)
        assert statuses(trader) == []
        await trio.sleep(2)
        assert len(trader.orders) == executed


@pytest.mark.parametrize("name, code", [("O05", -1007), ("O06", -1006)])
@pytest.mark.parametrize("executed", [True, False])
async def test_o05_o06_an_answer_says_unknown_of_what_was_executed_or_not(
    wire: str, name: str, code: int, executed: bool, autojump_clock: MockClock
) -> None:
    async with open_trader(of(name, executed=executed), wire) as trader:
        assert (await trader.place()).refusal == (503, code)
        assert len(trader.orders) == executed


async def test_o07_an_order_that_arrives_twice_is_accepted_twice_once_the_first_is_filled(
    wire: str, autojump_clock: MockClock
) -> None:
    async with open_trader(of("O07"), wire) as trader:
        assert (await trader.market()).status == 200
        assert statuses(trader) == ["FILLED", "FILLED"]
        assert {order.client_id for order in trader.orders} == {"mine"}


async def test_o08_an_order_that_arrives_twice_is_called_a_duplicate_while_the_first_is_open(
    wire: str, autojump_clock: MockClock
) -> None:
    async with open_trader(of("O08"), wire) as trader:
        heard = await trader.place()
        assert (heard.refusal, heard.data["msg"]) == ((400, -2010), "Duplicate order sent.")
        assert statuses(trader) == ["NEW"]


async def test_o09_queries_do_not_know_an_order_for_a_while(wire: str, autojump_clock: MockClock) -> None:
    async with open_trader(of("O09", lag=40.0, seconds=120.0), wire) as trader:
        assert (await trader.place()).status == 200
        await trio.sleep(39)
        assert (await trader.query()).refusal == (400, -2013)
        await trio.sleep(2)
        assert (await trader.query()).data["status"] == "NEW"


async def test_o09_a_lag_ends(wire: str, autojump_clock: MockClock) -> None:
    async with open_trader(of("O09", lag=40.0, seconds=10.0), wire) as trader:
        await trader.place()
        await trio.sleep(11)
        assert (await trader.query()).data["status"] == "NEW"


async def test_o10_a_filled_order_is_still_shown_as_open(wire: str, autojump_clock: MockClock) -> None:
    async with open_trader(of("O10", lag=1.0), wire) as trader:
        await trader.place()
        await trio.sleep(5)
        heard = await trader.call("GET /api/v3/openOrders", symbol=SYMBOL)
        assert [order["status"] for order in heard.data] == ["NEW"]
        assert statuses(trader) == ["FILLED"]
        await trio.sleep(2)
        assert (await trader.call("GET /api/v3/openOrders", symbol=SYMBOL)).data == []


async def test_o11_a_fill_comes_before_the_cancel(wire: str, autojump_clock: MockClock) -> None:
    async with open_trader(of("O11"), wire) as trader:
        await trader.place()
        assert (await trader.cancel()).refusal == (400, -2011)
        assert statuses(trader) == ["FILLED"]
        assert not any(trader.sandbox.market.audit().values())


async def test_o12_the_answer_to_a_cancel_is_lost(wire: str, autojump_clock: MockClock) -> None:
    async with open_trader(of("O12"), wire) as trader:
        await trader.place()
        assert (await trader.cancel()).line == "reset"
        assert statuses(trader) == ["CANCELED"]
        assert (await trader.cancel()).refusal == (400, -2011)


@pytest.mark.parametrize("mode", ["STOP_ON_FAILURE", "ALLOW_FAILURE"])
async def test_o13_the_cancel_is_done_and_the_new_order_refused(
    wire: str, mode: str, autojump_clock: MockClock
) -> None:
    async with open_trader(of("O13"), wire) as trader:
        await trader.place()
        heard = await trader.replace(cancelReplaceMode=mode)
        assert heard.refusal == (409, -2021)
        halves = heard.data["data"]
        assert (halves["cancelResult"], halves["newOrderResult"]) == ("SUCCESS", "FAILURE")
        assert statuses(trader) == ["CANCELED"]


@pytest.mark.parametrize(
    "mode, refusal, new",
    [("STOP_ON_FAILURE", (400, -2022), "NOT_ATTEMPTED"), ("ALLOW_FAILURE", (409, -2021), "SUCCESS")],
)
async def test_o14_the_cancel_fails_and_the_new_order_may_be_placed(
    wire: str, mode: str, refusal: tuple[int, int], new: str, autojump_clock: MockClock
) -> None:
    async with open_trader(of("O14"), wire) as trader:
        await trader.place()
        heard = await trader.replace(cancelReplaceMode=mode)
        assert heard.refusal == refusal
        assert (heard.data["data"]["cancelResult"], heard.data["data"]["newOrderResult"]) == ("FAILURE", new)
        assert statuses(trader) == (["FILLED", "NEW"] if new == "SUCCESS" else ["FILLED"])


async def test_o15_the_answer_to_a_replacement_is_lost(wire: str, autojump_clock: MockClock) -> None:
    async with open_trader(of("O15"), wire) as trader:
        await trader.place()
        assert (await trader.replace(cancelReplaceMode="STOP_ON_FAILURE")).line == "reset"
        assert statuses(trader) == ["CANCELED", "NEW"]


@pytest.mark.parametrize("mode, status", [("DO_NOTHING", "NEW"), ("CANCEL_ONLY", "CANCELED")])
async def test_o16_a_replacement_is_beyond_the_limit_of_orders(
    wire: str, mode: str, status: str, autojump_clock: MockClock
) -> None:
    async with open_trader(of("O16"), wire) as trader:
        await trader.place()
        heard = await trader.replace(cancelReplaceMode="STOP_ON_FAILURE", orderRateLimitExceededMode=mode)
        assert heard.refusal == (429, -1015 if mode == "DO_NOTHING" else -2021)
        assert statuses(trader) == [status]
        await trio.sleep(11)
        assert (await trader.place(newClientOrderId="later")).status == 200


async def test_o17_an_order_has_another_id_and_nobody_heard_of_it(wire: str, autojump_clock: MockClock) -> None:
    async with open_trader(of("O17"), wire) as trader:
        await trader.place(quantity="0.002")
        params = {"symbol": SYMBOL, "origClientOrderId": "mine", "newQty": "0.001"}
        assert (await trader.call("PUT /api/v3/order/amend/keepPriority", **params)).line == "reset"
        [order] = trader.orders
        assert order.client_id != "mine"


async def test_o18_another_program_cancels_under_an_id_of_its_own(wire: str, autojump_clock: MockClock) -> None:
    async with open_trader(of("O18"), wire) as trader:
        await trader.subscribe()
        await trader.place()
        _, gone = reports(await trader.watch(2))
        assert (gone["X"], gone["C"]) == ("CANCELED", "mine")
        assert gone["c"] != "mine"


async def test_o19_an_order_is_only_acknowledged(wire: str, autojump_clock: MockClock) -> None:
    async with open_trader(of("O19"), wire) as trader:
        heard = await trader.place(newOrderRespType="FULL")
        assert ack(heard) == {"symbol", "orderId", "orderListId", "clientOrderId", "transactTime"}
        assert ack(await trader.place(newClientOrderId="next")) > ack(heard)


@pytest.mark.parametrize("params", [{"timeInForce": "IOC"}, {"timeInForce": "FOK"}])
async def test_o20_an_order_that_finds_nobody_expires_at_once(
    wire: str, params: dict[str, str], autojump_clock: MockClock
) -> None:
    async with open_trader(of("O20"), wire) as trader:
        heard = await trader.place(**params, price=trader.price(-1000))
        assert (heard.status, heard.data["status"], heard.data["executedQty"]) == (200, "EXPIRED", "0.00000000")
        await trio.sleep(600)
        assert trader.sandbox.market.book(SYMBOL).bids, "the makers come back"
        assert not any(trader.sandbox.market.audit().values())


async def test_o21_the_working_leg_is_filled_and_the_pending_one_refused(wire: str, autojump_clock: MockClock) -> None:
    async with open_trader(of("O21"), wire) as trader:
        working = {"workingType": "LIMIT", "workingSide": "BUY", "workingQuantity": "0.001"}
        working |= {"workingPrice": trader.price(), "workingTimeInForce": "GTC"}
        pending = {"pendingType": "LIMIT", "pendingSide": "SELL", "pendingQuantity": "0.001"}
        pending |= {"pendingPrice": trader.price(-5000), "pendingTimeInForce": "GTC"}
        placed = await trader.call("POST /api/v3/orderList/oto", symbol=SYMBOL, **working, **pending)
        assert placed.status == 200
        assert statuses(trader) == ["NEW", "PENDING_NEW"]
        await trio.sleep(1.1)
        assert statuses(trader) == ["FILLED", "EXPIRED"]
        assert trader.orders[1].expiry_reason == "REJECTED"


async def test_o22_the_exchange_itself_ends_an_order(wire: str, autojump_clock: MockClock) -> None:
    async with open_trader(of("O22"), wire) as trader:
        await trader.subscribe()
        await trader.place()
        _, gone = reports(await trader.watch(2))
        assert (gone["x"], gone["X"], gone["c"]) == ("EXPIRED", "EXPIRED", "mine")
        assert trader.orders[0].expiry_reason == "EXCHANGE_CANCELED"


@pytest.mark.parametrize("status", ["HALT", "CANCEL_ONLY", "ON_THE_MOON"])
async def test_o23_a_symbol_does_not_trade_for_a_while(wire: str, status: str, autojump_clock: MockClock) -> None:
    async with open_trader(of("O23", nth=2, status=status, seconds=60.0), wire) as trader:
        await trader.place()
        heard = await trader.place(newClientOrderId="next")
        assert (heard.refusal, heard.data["msg"]) == ((400, -2010), "Market is closed.")
        info = await trader.call("GET /api/v3/exchangeInfo", symbol=SYMBOL)
        assert info.data["symbols"][0]["status"] == status
        assert (await trader.cancel()).status == 200
        await trio.sleep(61)
        assert (await trader.place(newClientOrderId="next")).status == 200


async def test_o24_filters_change_while_orders_come_in(wire: str, autojump_clock: MockClock) -> None:
    async with open_trader(of("O24", step=Decimal("0.01")), wire) as trader:
        assert (await trader.place()).refusal == (400, -1013)
        assert (await trader.place(quantity="0.01")).status == 200
        info = await trader.call("GET /api/v3/exchangeInfo", symbol=SYMBOL)
        [lot] = [each for each in info.data["symbols"][0]["filters"] if each["filterType"] == "LOT_SIZE"]
        assert Decimal(lot["stepSize"]) == Decimal("0.01")
        await trio.sleep(61)
        assert (await trader.place(newClientOrderId="next")).status == 200


async def test_o25_the_clock_has_jumped_and_the_order_is_too_old(wire: str, autojump_clock: MockClock) -> None:
    async with open_trader(of("O25"), wire) as trader:
        assert (await trader.place()).refusal == (400, -1021)
        assert statuses(trader) == []
        assert (await trader.place()).status == 200


async def test_o26_another_program_places_an_order(wire: str, autojump_clock: MockClock) -> None:
    async with open_trader(of("O26", side="SELL"), wire) as trader:
        await trader.subscribe()
        await trader.place()
        foreign = [report for report in reports(await trader.watch(2)) if report["c"] != "mine"]
        assert {(report["S"], report["o"]) for report in foreign} == {("SELL", "MARKET")}
        assert len(trader.orders) == 2


async def test_o27_an_archived_order_has_no_quote_quantity_or_is_gone(wire: str, autojump_clock: MockClock) -> None:
    async with open_trader(of("O27") + of("O27", nth=2, archived=True), wire) as trader:
        await trader.place()
        assert (await trader.query()).data["cummulativeQuoteQty"] == "-1.00000000"
        assert (await trader.query()).refusal == (400, -2026)
        assert (await trader.query()).data["cummulativeQuoteQty"] == "0.00000000"


@pytest.mark.parametrize("name", ["O28", "O29", "O30"])
def test_what_is_not_the_exchanges_is_refused_with_the_reason(wire: str, name: str) -> None:
    with pytest.raises(ValueError, match=r"not the exchange's: .*client"):
        of(name)
