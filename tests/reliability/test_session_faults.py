"""Session faults: each of the catalogue strikes a connection to the WebSocket API as it is described."""

from __future__ import annotations

import json

import pytest
import trio
from trio.testing import MockClock
from wsproto.events import TextMessage

from trio_binance.sandbox import FaultSchedule

from .trader import SYMBOL, Trader, open_trader

of = FaultSchedule.of
ORDER = {"symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.001"}


async def send_order(trader: Trader, number: int) -> int:
    return await trader.send("order.place", **ORDER, price=trader.price(), newClientOrderId=f"mine-{number}")


@pytest.mark.parametrize("executed", [True, False])
async def test_a01_a_connection_is_lost_with_requests_pending(executed: bool, autojump_clock: MockClock) -> None:
    async with open_trader(of("A01", nth=2, pending=3, executed=executed)) as trader:
        assert (await trader.ws("time")).status == 200
        for number in range(3):
            await send_order(trader, number)
        assert (await trader.answer(2)).line == "eof"
        assert trio.current_time() == pytest.approx(1)
        assert not trader.orders
        await trio.sleep(2)
        assert len(trader.orders) == (3 if executed else 0)


@pytest.mark.parametrize("status, code", [(400, -1021), (400, -1022), (401, -2015)])
async def test_a02_a_logon_is_refused_once(status: int, code: int, autojump_clock: MockClock) -> None:
    async with open_trader(of("A02", status=status, code=code, msg="No.")) as trader:
        assert (await trader.log_on()).refusal == (status, code)
        assert (await trader.log_on()).status == 200


async def test_a03_a_session_is_revoked_and_its_streams_end(autojump_clock: MockClock) -> None:
    async with open_trader(of("A03", nth=3)) as trader:
        await trader.log_on()
        await trader.ws("userDataStream.subscribe")
        assert trader.peer is not None
        await send_unsigned(trader)
        heard = await trader.answer(None)
        assert (heard.refusal, heard.frame["id"]) == ((401, -2015), None)
        assert [event["event"]["e"] for event in trader.events] == ["eventStreamTerminated"]
        assert (await trader.ws("session.status")).data["apiKey"] is None
        assert (await trader.log_on()).refusal == (401, -2015)
        await trio.sleep(6)
        assert (await trader.log_on()).status == 200


async def send_unsigned(trader: Trader) -> None:
    """Send a request that leans on the session's logon."""
    assert trader.peer is not None
    stamp = trader.sandbox.now_us() // 1000
    frame = {"id": 99, "method": "account.status", "params": {"timestamp": stamp}}
    await trader.peer.send(TextMessage(json.dumps(frame)))


async def test_a05_an_address_is_banned_and_its_connection_closed(autojump_clock: MockClock) -> None:
    async with open_trader(of("A05", nth=2, retry_after="120")) as trader:
        assert (await trader.ws("time")).status == 200
        heard = await trader.ws("time")
        assert heard.refusal == (418, -1003)
        assert heard.data["data"]["retryAfter"] - trader.sandbox.now_us() // 1000 == pytest.approx(120_000, abs=10)
        assert (await trader.answer(None)).line == "closed"


async def test_a06_an_answer_does_not_tell_the_limits(autojump_clock: MockClock) -> None:
    async with open_trader(of("A06")) as trader:
        assert "rateLimits" not in (await trader.ws("time")).frame
        assert "rateLimits" in (await trader.ws("time")).frame


SUBSCRIBING = ["userDataStream.subscribe", "userDataStream.subscribe.signature"]


@pytest.mark.parametrize("method", SUBSCRIBING)
@pytest.mark.parametrize("code", [-2042, -1191])
async def test_a07_a_connection_takes_no_more_subscriptions(method: str, code: int, autojump_clock: MockClock) -> None:
    async with open_trader(of("A07", code=code)) as trader:
        await trader.log_on()
        assert (await trader.ws(method)).refusal == (400, code)
        assert (await trader.ws(method)).status == 200


@pytest.mark.parametrize("method", SUBSCRIBING)
async def test_a08_a_subscription_is_called_active_already_and_is(method: str, autojump_clock: MockClock) -> None:
    async with open_trader(of("A08")) as trader:
        await trader.log_on()
        assert (await trader.ws(method)).refusal == (400, -2035)
        assert (await trader.ws("session.subscriptions")).data == [{"subscriptionId": 0}]


async def test_a08_a_subscription_that_ends_is_called_not_active(autojump_clock: MockClock) -> None:
    async with open_trader(of("A08", on="userDataStream.unsubscribe")) as trader:
        await trader.subscribe()
        heard = await trader.ws("userDataStream.unsubscribe", subscriptionId=0)
        assert (heard.refusal, heard.data["msg"]) == ((400, -2036), "User Data Stream subscription not active.")
        assert (await trader.ws("session.subscriptions")).data == []


@pytest.mark.parametrize("name", ["A04", "A09"])
def test_what_is_the_connectors_own_is_refused_with_the_reason(name: str) -> None:
    with pytest.raises(ValueError, match="not the exchange's: the connector"):
        of(name)
