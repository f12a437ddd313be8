"""The logon: connections that know whose they are, on the embedded exchange; and requests that are signed otherwise."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import trio
import trio.testing

from tests._services.helpers_router import KEY, PEM
from tests._services.helpers_streams import Lab, open_lab
from trio_binance._protocol.catalogue import account as of_account
from trio_binance._protocol.catalogue import session
from trio_binance._services.events import (
    Connected,
    ConnectionLost,
    ConnectionRenewed,
    KeyRefused,
    LoggedOff,
    LoggedOn,
    Reconnected,
    UserDataSubscribed,
)
from trio_binance.config import Credentials
from trio_binance.errors import AuthError, Outcome
from trio_binance.sandbox.pipe import Link
from trio_binance.sandbox.refusals import Refusal
from trio_binance.sandbox.wsdoor import WsDoor

if TYPE_CHECKING:
    from collections.abc import Callable

    from trio.testing import MockClock

ED25519 = Credentials.ed25519(KEY, PEM)
SHUTDOWN = '{"event":{"e":"serverShutdown","E":1}}'
ALL = "rest clock wsapi"


def lab_of(*faults: Any, run: str = ALL, credentials: Credentials = ED25519, **settings: Any) -> Any:
    settings = {"prefer": "ws_api", "fallback": False, **settings}
    return open_lab(*faults, run=run, activity=1e-6, credentials=credentials, **settings)


class Ear:
    """Hears what reaches the WebSocket API, and can refuse logons."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.heard: list[tuple[str, bool]] = []
        """Each method, and whether it came with a signature."""
        self.refusals: list[Refusal] = []
        self._logon: Callable[..., Any] = WsDoor._log_on
        original = WsDoor._perform
        ear = self

        def answer(door: WsDoor, session: Any, text: str, *times: int) -> list[str]:
            frame = json.loads(text)
            ear.heard.append((frame["method"], "signature" in frame.get("params", {})))
            return taken(door, session, text, *times)

        def perform(door: WsDoor, session: Any, call: Any) -> Any:
            if call.operation.name == "session.logon" and ear.refusals:
                raise ear.refusals.pop(0)
            return original(door, session, call)

        taken = WsDoor.answer
        monkeypatch.setattr(WsDoor, "answer", answer)
        monkeypatch.setattr(WsDoor, "_perform", perform)

    def signed(self, method: str) -> list[bool]:
        return [signed for name, signed in self.heard if name == method]


@pytest.fixture
def ear(monkeypatch: pytest.MonkeyPatch) -> Ear:
    return Ear(monkeypatch)


def logged_on(lab: Lab) -> bool:
    return lab.ws_api.statistics().logged_on


async def test_a_connection_is_logged_on_and_its_requests_are_not_signed(ear: Ear, autojump_clock: MockClock) -> None:
    async with lab_of() as lab:
        told = await lab.wait_for(LoggedOn)
        assert told.epoch == 1
        assert logged_on(lab)
        await lab.router.call(of_account.ACCOUNT, {})
        assert ear.heard == [("session.logon", True), ("account.status", False)]


async def test_until_it_is_logged_on_its_requests_are_signed(ear: Ear, autojump_clock: MockClock) -> None:
    def prepare(lab: Lab) -> None:
        lab.network.link = Link(latency=1.0)

    async with lab_of(prepare=prepare) as lab:
        await lab.wait_for(Connected)
        await lab.router.call(of_account.ACCOUNT, {})
        assert ear.signed("account.status") == [True]
        assert not lab.seen(KeyRefused)


async def test_every_new_connection_is_logged_on(ear: Ear, autojump_clock: MockClock) -> None:
    async with lab_of() as lab:
        await lab.wait_for(LoggedOn)
        lab.line("wsapi").reset()
        await lab.wait_for(Reconnected)
        assert (await lab.wait_for(LoggedOn, 2)).epoch == 2
        await lab.router.call(of_account.ACCOUNT, {})
        assert ear.signed("account.status") == [False]


async def test_a_successor_is_logged_on_before_it_takes_requests(ear: Ear, autojump_clock: MockClock) -> None:
    async with lab_of() as lab:
        await lab.wait_for(LoggedOn)
        lab.network.link = Link(latency=0.5)
        lab.server("ws_api").text(SHUTDOWN)
        while lab.ws_api.line.epoch == 1:
            assert logged_on(lab)
            await lab.router.call(of_account.ACCOUNT, {})
            await trio.sleep(0.05)
        assert logged_on(lab)
        await lab.router.call(of_account.ACCOUNT, {})
        assert set(ear.signed("account.status")) == {False}
        await lab.wait_for(ConnectionRenewed)
        assert not lab.seen(ConnectionLost)


@pytest.mark.parametrize(
    "settings",
    [
        {"credentials": Credentials.hmac(KEY, "secret")},
        {"session_logon": False},
        {"prefer": "rest", "fallback": True},
    ],
    ids=["hmac", "switched off", "rest preferred"],
)
async def test_nobody_is_logged_on_who_cannot_or_need_not_be(
    settings: dict[str, Any], ear: Ear, autojump_clock: MockClock
) -> None:
    async with lab_of(**settings) as lab:
        await lab.wait_for(Connected)
        await trio.sleep(20)
        await lab.router.call(of_account.ACCOUNT, {})
        assert not logged_on(lab)
        assert ear.signed("account.status") in ([True], [])


async def test_a_refused_key_is_told_and_requests_go_on_signed(ear: Ear, autojump_clock: MockClock) -> None:
    ear.refusals = [Refusal(401, -2015, "Invalid API-key, IP, or permissions for action.")]
    async with lab_of() as lab:
        refused = await lab.wait_for(KeyRefused)
        assert refused.code == -2015
        await lab.router.call(of_account.ACCOUNT, {})
        assert ear.heard == [("session.logon", True), ("account.status", True)]


async def test_a_late_stamp_is_signed_anew_once(ear: Ear, autojump_clock: MockClock) -> None:
    def prepare(lab: Lab) -> None:
        lab.network.link = Link(latency=0.01)  # or a measurement would be no younger than the stamp

    ear.refusals = [Refusal(400, -1021, "Timestamp for this request is outside of the recvWindow.")]
    async with lab_of(prepare=prepare) as lab:
        await lab.wait_for(LoggedOn)
        assert ear.signed("session.logon") == [True, True]


@pytest.mark.parametrize(
    "refusal", [Refusal(500, -1000, "oops"), Refusal(429, -1003, "Too much."), Refusal(400, -1021, "late")]
)
async def test_a_logon_that_fails_otherwise_is_left_to_the_next_connection(
    refusal: Refusal, ear: Ear, autojump_clock: MockClock
) -> None:
    ear.refusals = [refusal, refusal]
    async with lab_of() as lab:
        await trio.sleep(30)
        assert not logged_on(lab)
        assert not lab.seen(KeyRefused)
        await lab.router.call(of_account.ACCOUNT, {})
        assert ear.signed("account.status") == [True]
        ear.refusals = []
        lab.line("wsapi").reset()
        await lab.wait_for(LoggedOn)


async def test_a_logon_that_is_not_answered_does_not_stop_the_calls(autojump_clock: MockClock) -> None:
    async with lab_of() as lab:
        await lab.wait_for(LoggedOn)
        lab.line("wsapi").reset()
        await lab.wait_for(Reconnected)
        lab.line("wsapi").blackhole("in", trio.current_time() + 16)
        await trio.sleep(40)
        await lab.router.call(of_account.ACCOUNT, {})


async def test_a_logon_stands_in_the_line_of_the_limits(autojump_clock: MockClock) -> None:
    async with lab_of() as lab:
        await lab.wait_for(LoggedOn)
        used = max(rule.used for rule in lab.limiter.statistics().rules if rule.rule.kind.value == "REQUEST_WEIGHT")
        assert used >= 2 + 2  # the embedded exchange tells: connecting and logging on, beside asking the time


# ------------------------------------------------------------------------------------------------- a revoked key


def revoke(lab: Lab, *, revoked: bool = True) -> None:
    key = lab.sandbox.exchange.keys[KEY]
    key.revoked = revoked


async def test_a_key_that_is_revoked_ends_the_session_and_every_call_is_told(
    ear: Ear, autojump_clock: MockClock
) -> None:
    async with lab_of() as lab:
        await lab.wait_for(LoggedOn)
        revoke(lab)
        with pytest.raises(AuthError) as caught:
            await lab.router.call(of_account.ACCOUNT, {})
        assert (caught.value.outcome, caught.value.code, caught.value.status) == (Outcome.REJECTED, -2015, 401)
        assert caught.value.operation == "account.status"
        assert trio.current_time() < 10
        assert (await lab.wait_for(LoggedOff)).epoch == 1
        with pytest.raises(AuthError):
            await lab.router.call(of_account.ACCOUNT, {})
        assert ear.signed("account.status") == [False, True]
        assert ear.signed("session.logon") == [True, True]  # once more, in vain
        assert not lab.seen(ConnectionLost)
        revoke(lab, revoked=False)
        await lab.router.call(of_account.ACCOUNT, {})


async def test_a_session_that_ends_while_its_key_is_good_is_logged_on_again(
    ear: Ear, autojump_clock: MockClock
) -> None:
    async with lab_of() as lab:
        await lab.wait_for(LoggedOn)
        lab.server("ws_api").text('{"id":null,"status":401,"error":{"code":-2015,"msg":"Invalid API-key."}}')
        await lab.wait_for(LoggedOn, 2)
        await lab.router.call(of_account.ACCOUNT, {})
        assert ear.signed("account.status") == [False]


async def test_in_flight_requests_of_a_revoked_session_all_come_to_a_typed_end(autojump_clock: MockClock) -> None:
    async with lab_of() as lab:
        await lab.wait_for(LoggedOn)
        lab.network.link = Link(latency=0.2)
        lab.line("wsapi").shape(Link(latency=0.2))
        outcomes: list[Any] = []

        async def ask() -> None:
            try:
                outcomes.append(await lab.router.call(of_account.ACCOUNT, {}))
            except AuthError as exc:
                outcomes.append(exc)

        async with trio.open_nursery() as nursery:
            for _ in range(20):
                nursery.start_soon(ask)
            await trio.sleep(0.1)
            revoke(lab)
        assert len(outcomes) == 20
        assert all(isinstance(exc, AuthError) for exc in outcomes)
        assert trio.current_time() < 14


async def test_user_data_is_subscribed_by_signature_and_outlives_the_session(
    ear: Ear, autojump_clock: MockClock
) -> None:
    async with lab_of(run="rest clock wsapi userdata") as lab:
        await lab.wait_for(UserDataSubscribed)
        await lab.wait_for(LoggedOn)
        await lab.router.session_call(session.LOGOUT, {})
        assert (await lab.router.session_call(session.STATUS, {})).user_data_stream
        assert ear.signed("userDataStream.subscribe.signature") == [True]


# ---------------------------------------------------------------------------------------------- the user's hands


async def test_the_user_may_log_out_and_on_again(ear: Ear, autojump_clock: MockClock) -> None:
    async with lab_of() as lab:
        await lab.wait_for(LoggedOn)
        assert (await lab.router.session_call(session.LOGOUT, {})).api_key is None
        await lab.router.call(of_account.ACCOUNT, {})
        assert (await lab.router.session_call(session.STATUS, {})).api_key is None
        assert (await lab.router.session_call(session.LOGON, {})).api_key == KEY
        await lab.router.call(of_account.ACCOUNT, {})
        assert ear.signed("account.status") == [True, False]
        assert [type(event) for event in lab.events if isinstance(event, LoggedOn | LoggedOff)] == [
            LoggedOn,
            LoggedOff,
            LoggedOn,
        ]


async def test_the_user_may_log_a_connection_on_that_would_not_be(ear: Ear, autojump_clock: MockClock) -> None:
    async with lab_of(session_logon=False) as lab:
        await lab.wait_for(Connected)
        await lab.router.session_call(session.LOGON, {})
        await lab.router.call(of_account.ACCOUNT, {})
        assert ear.signed("account.status") == [False]


@pytest.mark.slow
async def test_cancelled_at_any_moment_of_the_logon_nothing_stays(autojump_clock: MockClock) -> None:
    for steps in range(0, 90, 5):
        async with lab_of():
            for _ in range(steps):
                await trio.lowlevel.checkpoint()
