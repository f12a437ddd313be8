"""The door of the WebSocket API: a request frame in, frames out; every operation of REST, and the session methods."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, final

from trio_binance.config import KeyType

from .desk import Call, Desk
from .envelope import BadFrame, WsRequest, read_frame
from .frames import dump
from .gate import may_use
from .keys import Key
from .operations import BY_METHOD, SESSION_OPERATIONS, Operation
from .refusals import Refusal, bad, illegal, missing
from .timeunits import answer_in_us

if TYPE_CHECKING:
    from typing import TypeAlias

    from .events import Json
    from .gate import Claim
    from .wssession import WsSession

    Method: TypeAlias = Callable[[WsSession, Call, Key | None], tuple[Json, list[str]]]
    """A session method: gives its result, and event frames to send before the answer."""


@final
class WsDoor:
    """Answers the frames of connections to the WebSocket API."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._methods: dict[str, Method] = {
            "session.logon": self._log_on,
            "session.status": self._status,
            "session.logout": self._log_out,
            "session.subscriptions": self._subscriptions,
            "userDataStream.subscribe": self._subscribe,
            "userDataStream.subscribe.signature": self._subscribe_signed,
            "userDataStream.unsubscribe": self._unsubscribe,
        }

    def answer(
        self, session: WsSession, text: str, received_us: int, now_us: int, *, forwarded_us: int | None = None
    ) -> list[str]:
        """Return the frames that answer a frame received at ``received_us`` and executed at ``now_us``."""
        try:
            request = read_frame(text)
        except BadFrame as bad_frame:
            return [self._refuse_frame(session, bad_frame, now_us)]
        # "Request format": the method may carry the version as a prefix, v3/order.place.
        operation = BY_METHOD.get(request.method.removeprefix("v3/"))
        if operation is None:
            error = BadFrame(bad(-1020, "This operation is not supported."), request.id)
            return [self._refuse_frame(session, error, now_us)]
        try:
            claim = _claim(session, operation, request)
        except Refusal as refusal:
            return [self._refuse_frame(session, BadFrame(refusal, request.id), now_us)]
        if isinstance(claim, Key) and not may_use(claim, session.address):
            return self._revoke(session, now_us)
        call = Call(operation, request.params, claim, session.address, received_us, now_us, "ws_api", forwarded_us)
        return self._serve(session, request, call)

    def _serve(self, session: WsSession, request: WsRequest, call: Call) -> list[str]:
        events: list[str] = []
        try:
            if call.operation in SESSION_OPERATIONS:
                result, events = self._perform(session, call)
            else:
                result = self._desk.answer(call)
        except Refusal as refusal:
            body = _answered_error(call, refusal)
        else:
            body = {"status": 200, "result": _shaped(call, self._in_unit(session, call, result))}
        shown = session.shows_limits if request.shows_limits is None else request.shows_limits
        limits = {"rateLimits": self._limits(call)} if shown else {}
        return [*events, dump({"id": request.id, **body, **limits})]

    @staticmethod
    def _in_unit(session: WsSession, call: Call, result: Json) -> Json:
        return answer_in_us(call.operation.name, result) if session.microseconds else result

    def _limits(self, call: Call) -> list[Json]:
        # "Rate limits": a response shows the limits that its request touched.
        weight = self._desk.meter.weight.row(call.address, call.now_us)
        if not call.operation.orders:
            return [weight]
        return [*self._desk.order_rows(self._desk.account_of(call.claim), call.now_us), weight]

    def _refuse_frame(self, session: WsSession, error: BadFrame, now_us: int) -> str:
        refusal = error.refusal
        try:
            self._desk.meter.take_request(session.address, 1, now_us, rest=False)
        except Refusal as over:
            refusal = over
        return dump({"id": error.id, **_error(refusal)})

    def _revoke(self, session: WsSession, now_us: int) -> list[str]:
        # "Session Authentication": when the key of a session became invalid, the next request that needs it is
        # answered with id null, and the session is not authenticated any more.
        refusal = Refusal(401, -2015, "Invalid API-key, IP, or permissions for action.")
        return [*session.log_out(now_us), dump({"id": None, **_error(refusal)})]

    def _perform(self, session: WsSession, call: Call) -> tuple[Json, list[str]]:
        self._desk.meter.take_request(call.address, call.operation.weight({}), call.now_us, rest=False)
        key = self._desk.admit(call)
        return self._methods[call.operation.name](session, call, key)

    @staticmethod
    def _log_on(session: WsSession, call: Call, key: Key | None) -> tuple[Json, list[str]]:
        assert key is not None
        if key.key_type is not KeyType.ED25519:
            # "Session Authentication": Ed25519 keys only.
            raise Refusal(401, -2015, "Invalid API-key, IP, or permissions for action.")
        session.log_on(key, call.now_us)
        return session.status(call.now_us), []

    @staticmethod
    def _status(session: WsSession, call: Call, _key: Key | None) -> tuple[Json, list[str]]:
        return session.status(call.now_us), []

    @staticmethod
    def _log_out(session: WsSession, call: Call, _key: Key | None) -> tuple[Json, list[str]]:
        events = session.log_out(call.now_us)
        return session.status(call.now_us), events

    @staticmethod
    def _subscriptions(session: WsSession, _call: Call, _key: Key | None) -> tuple[Json, list[str]]:
        return [{"subscriptionId": number} for number in session.subscriptions], []

    @staticmethod
    def _subscribe(session: WsSession, _call: Call, _key: Key | None) -> tuple[Json, list[str]]:
        if session.key is None:
            raise Refusal(401, -1002, "You are not authorized to execute this request.")
        return {"subscriptionId": session.subscribe(session.key.account, by_logon=True)}, []

    @staticmethod
    def _subscribe_signed(session: WsSession, _call: Call, key: Key | None) -> tuple[Json, list[str]]:
        assert key is not None
        return {"subscriptionId": session.subscribe(key.account, by_logon=False)}, []

    @staticmethod
    def _unsubscribe(session: WsSession, call: Call, _key: Key | None) -> tuple[Json, list[str]]:
        text = call.params.get("subscriptionId")
        if text is not None and not (text.isascii() and text.isdigit()):
            raise illegal("subscriptionId", "^[0-9]{1,20}$")
        return {}, session.unsubscribe(None if text is None else int(text), call.now_us)


def _claim(session: WsSession, operation: Operation, request: WsRequest) -> Claim | Key:
    """Return what proves whose a request is: its own key and signature, or else the key of the session."""
    claim = request.claim
    if operation.name == "userDataStream.subscribe" and session.key is not None:
        return session.key
    if not operation.signed:
        return claim
    if session.key is not None and operation not in SESSION_OPERATIONS and not (claim.api_key or claim.signature):
        return session.key
    if not claim.api_key:
        raise missing("apiKey")
    return claim


def _shaped(call: Call, result: Json) -> Json:
    # "Place new order using SOR": the WebSocket API answers with an array, REST with its one object.
    return [result] if call.operation.name == "POST /api/v3/sor/order" else result


def _answered_error(call: Call, refusal: Refusal) -> dict[str, Json]:
    # "Reference price": that a symbol never had one is told with status 200, the error inside the result.
    if call.operation.name == "GET /api/v3/referencePrice" and refusal.code == -2043:
        return {"status": 200, "result": {"code": refusal.code, "msg": refusal.msg}}
    return _error(refusal)


def _error(refusal: Refusal) -> dict[str, Json]:
    error: dict[str, Json] = {"code": refusal.code, "msg": refusal.msg}
    if refusal.data:
        error["data"] = dict(refusal.data)
    return {"status": refusal.status, "error": error}
