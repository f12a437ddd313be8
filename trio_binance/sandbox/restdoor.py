"""The REST door: an HTTP request in, an HTTP answer out, with the headers that tell what was used."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING, Final, final

from .desk import Call, Desk
from .frames import RestReply, dump
from .gate import Form, read_form
from .operations import BY_NAME, PATHS, Operation
from .refusals import Refusal
from .timeunits import answer_in_us, wants_microseconds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .events import Json
    from .frames import RestRequest

_JSON: Final = ("Content-Type", "application/json;charset=UTF-8")
_HTML: Final = (
    b"<html><head><title>404 Not Found</title></head><body><center><h1>404 Not Found</h1></center></body></html>"
)


@final
class RestDoor:
    """Answers REST requests."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def answer(
        self, request: RestRequest, received_us: int, now_us: int, *, forwarded_us: int | None = None
    ) -> RestReply:
        """Return the answer to a request received at ``received_us`` and executed at ``now_us``."""
        path = request.target.partition("?")[0]
        operation = BY_NAME.get(f"{request.method} {path}")
        if operation is None:
            return _no_such_path(request, path, now_us)
        try:
            microseconds = _unit(request.headers)
            form = self._read(request, operation, now_us)
            call = Call(operation, form.params, form.claim, request.address, received_us, now_us, "rest", forwarded_us)
            result = self._desk.answer(call)
        except Refusal as refusal:
            return self._refuse(request, refusal, now_us)
        body = answer_in_us(operation.name, result) if microseconds else result
        return _reply(200, body, [*self._used(request, now_us), *self._orders(form, operation, now_us)], now_us)

    def _read(self, request: RestRequest, operation: Operation, now_us: int) -> Form:
        try:
            return read_form(request)
        except Refusal:
            self._desk.meter.take_request(request.address, operation.weight({}), now_us, rest=True)
            raise

    def _refuse(self, request: RestRequest, refusal: Refusal, now_us: int) -> RestReply:
        return refusal_reply(refusal, now_us, self._used(request, now_us))

    def _used(self, request: RestRequest, now_us: int) -> list[tuple[str, str]]:
        weight = self._desk.meter.weight
        used = str(weight.count(request.address, now_us))
        return [("X-MBX-USED-WEIGHT", used), (f"X-MBX-USED-WEIGHT-{weight.limit.label}", used)]

    def _orders(self, form: Form, operation: Operation, now_us: int) -> list[tuple[str, str]]:
        # "Unfilled Order Count": every successful order response has these headers; rejected ones need not.
        if not operation.orders:
            return []
        account = self._desk.account_of(form.claim)
        return [
            (f"X-MBX-ORDER-COUNT-{counter.limit.label}", str(counter.count(account, now_us)))
            for counter in reversed(self._desk.meter.orders)
        ]


def refusal_reply(refusal: Refusal, now_us: int, headers: Sequence[tuple[str, str]] = ()) -> RestReply:
    """Return a refusal as an HTTP answer; 429 and 418 say in Retry-After how many seconds to stay away."""
    data = dict(refusal.data or {})
    retry_ms, _ = data.pop("retryAfter", None), data.pop("serverTime", None)
    if isinstance(retry_ms, int):
        # "IP Limits": Retry-After comes with 418 and 429 and counts seconds.
        headers = [*headers, ("Retry-After", str(max(-(-(retry_ms * 1000 - now_us) // 1_000_000), 1)))]
    if refusal.status == 404:
        return RestReply(404, (_date(now_us), *headers))
    body = {"code": refusal.code, "msg": refusal.msg}
    return _reply(refusal.status, {**body, "data": data} if data else body, headers, now_us)


def _reply(status: int, body: Json, headers: Sequence[tuple[str, str]], now_us: int) -> RestReply:
    return RestReply(status, (_JSON, _date(now_us), *headers), dump(body).encode())


def _date(now_us: int) -> tuple[str, str]:
    return "Date", format_datetime(datetime.fromtimestamp(now_us // 1_000_000, UTC), usegmt=True)


def _unit(headers: Mapping[str, str]) -> bool:
    if headers.get("accept", "").strip() == "application/sbe":
        # The embedded exchange speaks JSON; the real one answers so when SBE alone is accepted and switched off.
        raise Refusal(406, -1155, "SBE is not enabled.")
    return wants_microseconds(headers.get("x-mbx-time-unit"))


def _no_such_path(request: RestRequest, path: str, now_us: int) -> RestReply:
    if path in PATHS:
        return RestReply(405, (_date(now_us),))
    # CHANGELOG 2023-12-04: the HTML body comes only to those who accept text/html.
    if "text/html" in request.headers.get("accept", ""):
        return RestReply(404, (("Content-Type", "text/html"), _date(now_us)), _HTML)
    return RestReply(404, (_date(now_us),))
