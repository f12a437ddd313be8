"""The gate: reads the parameters of a request, and lets it pass only complete, in time, signed by a known key."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote_plus

import attrs

from .refusals import Refusal, bad, illegal, missing, one_of

if TYPE_CHECKING:
    from .frames import RestRequest
    from .keys import Key
    from .operations import Operation

OLDEST_US: Final = 1_483_228_800_000_000
"""No timestamp lies before 2017 (CHANGELOG 2024-12-09)."""
AHEAD_US: Final = 1_000_000
"""How far a request's timestamp may be ahead of the exchange's clock."""
_API_KEY: Final = re.compile(r"[\x21-\x7e]{1,256}")
_INTEGER: Final = re.compile(r"[0-9]{1,20}")
_WINDOW: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,3})?")


@attrs.frozen
class Claim:
    """What a request shows to prove whose it is: the bytes that were signed, and the signature."""

    api_key: str | None
    signature: str | None = attrs.field(repr=False)
    payload: bytes = attrs.field(repr=False)
    encoded: bool = True
    """False when the payload has bytes that should have been percent-encoded."""


@attrs.frozen
class Form:
    """The parameters of a REST request, signature taken out, and the claim that comes with them."""

    params: dict[str, str]
    claim: Claim


def read_form(request: RestRequest) -> Form:
    """Return the parameters of a REST request.

    Raises:
        Refusal: a parameter is sent twice (-1101) or is not percent-encoded UTF-8 (-1100).
    """
    query = _as_bytes(request.target.partition("?")[2])
    body = _body(request)
    in_query, in_body = _parse(query), _parse(body)
    # "General Information on Endpoints": of a parameter sent in both, the one in the query string is used.
    params = {**in_body, **in_query}
    payload = _without_signature(query) + _without_signature(body)
    claim = Claim(request.headers.get("x-mbx-apikey"), params.pop("signature", None), payload, payload.isascii())
    return Form(params, claim)


def _as_bytes(text: str) -> bytes:
    # A target that was not percent-encoded keeps its bytes, whatever characters stood for them.
    return text.encode("utf-8", "surrogateescape")


def _body(request: RestRequest) -> bytes:
    # "General Information on Endpoints": a GET takes its parameters from the query string only.
    kind = request.headers.get("content-type", "application/x-www-form-urlencoded")
    return request.body if request.method != "GET" and kind.startswith("application/x-www-form-urlencoded") else b""


def _without_signature(query: bytes) -> bytes:
    return b"&".join(piece for piece in query.split(b"&") if not piece.startswith(b"signature="))


def _parse(query: bytes) -> dict[str, str]:
    params: dict[str, str] = {}
    for piece in query.split(b"&"):
        if not piece:
            continue
        name, value = _decode(piece)
        if name in params:
            raise bad(-1101, "Duplicate values for a parameter detected.")
        params[name] = value
    return params


def _decode(piece: bytes) -> tuple[str, str]:
    name, _, value = piece.partition(b"=")
    try:
        return unquote_plus(name.decode(), errors="strict"), unquote_plus(value.decode(), errors="strict")
    except UnicodeDecodeError:
        raise bad(-1100, "Illegal characters found in a parameter.") from None


def check_names(operation: Operation, params: Mapping[str, str]) -> None:
    """Raise the refusal of parameters that are unknown, empty or missing."""
    unread = params.keys() - operation.known
    if unread and len(params) > len(operation.known):
        text = f"Too many parameters; expected '{len(operation.known)}' and received '{len(params)}'."
        raise bad(-1101, text)
    if unread:
        text = f"read '{len(params) - len(unread)}' parameter(s) but was sent '{len(params)}'."
        raise bad(-1104, f"Not all sent parameters were read; {text}")
    for name in operation.required:
        if not params.get(name):
            raise missing(name)
    for first, second in operation.one_of:
        if not params.get(first) and not params.get(second):
            raise one_of(first, second)
    _refuse_empty(params.items())


def _refuse_empty(items: Iterable[tuple[str, str]]) -> None:
    for name, value in items:
        if not value:
            raise bad(-1105, f"Parameter '{name}' was empty.")


def authenticate(claim: Claim, keys: Mapping[str, Key], address: str, *, trade: bool) -> Key:
    """Return the key of a claim, its signature verified.

    Raises:
        Refusal: 401 -2014 or -2015 for the key, 400 -1102 without a signature, 400 -1022 when it does not match.
    """
    key = find_key(claim.api_key, keys, address, trade=trade)
    if not claim.signature:
        raise missing("signature")
    # CHANGELOG 2025-12-17: payloads are percent-encoded before they are signed, or else -1022.
    if not claim.encoded or not key.verifies(claim.payload, claim.signature):
        raise bad(-1022, "Signature for this request is not valid.")
    return key


def find_key(api_key: str | None, keys: Mapping[str, Key], address: str, *, trade: bool) -> Key:
    """Return a registered key that may be used from this address, for trading if ``trade``, or raise 401."""
    if api_key is None or not _API_KEY.fullmatch(api_key):
        raise Refusal(401, -2014, "API-key format invalid.")
    key = keys.get(api_key)
    if key is None or not may_use(key, address) or (trade and not key.can_trade):
        raise Refusal(401, -2015, "Invalid API-key, IP, or permissions for action.")
    return key


def may_use(key: Key, address: str) -> bool:
    """Return whether the key is alive and may be used from this address."""
    return not key.revoked and (key.addresses is None or address in key.addresses)


@attrs.frozen
class Stamp:
    """When a signed request was made and how long it is good for, in microseconds."""

    timestamp_us: int
    window_us: int

    def check(self, server_us: int) -> None:
        """Raise -1021 when the request is too early or too late at this moment of the exchange's clock."""
        # "Timing security": timestamp < serverTime + 1 s, and serverTime - timestamp <= recvWindow.
        if self.timestamp_us >= server_us + AHEAD_US:
            raise bad(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
        if server_us - self.timestamp_us > self.window_us:
            raise bad(-1021, "Timestamp for this request is outside of the recvWindow.")


def read_stamp(params: Mapping[str, str]) -> Stamp:
    """Return the stamp of a signed request; a timestamp may be in milliseconds or microseconds.

    Raises:
        Refusal: -1102 when it is missing or out of range, -1100 when it is no number.
    """
    text = params.get("timestamp")
    if not text:
        raise missing("timestamp")
    stamp_us = time_us("timestamp", text)
    if stamp_us < OLDEST_US:
        raise missing("timestamp")
    return Stamp(stamp_us, _window_us(params.get("recvWindow", "5000")))


def time_us(name: str, text: str) -> int:
    """Return a time parameter in microseconds; 15 digits and more are microseconds already."""
    if not _INTEGER.fullmatch(text):
        raise illegal(name, "^[0-9]{1,20}$")
    value = int(text)
    return value if value >= 10**14 else value * 1000


def _window_us(text: str) -> int:
    # "Timing security": up to three decimals, no more than 60000.
    if not _WINDOW.fullmatch(text):
        raise illegal("recvWindow", "^[0-9]+(.[0-9]{1,3})?$")
    whole, _, decimals = text.partition(".")
    window_us = int(whole) * 1000 + int(decimals.ljust(3, "0"))
    if window_us > 60_000_000:
        raise bad(-1102, "'recvWindow' contains unexpected value. Cannot be greater than 60000.")
    return window_us


def market_params(params: Mapping[str, str], now_us: int) -> dict[str, str]:
    """Return the parameters the market reads: security ones left out, times in milliseconds within the known range."""
    kept = {name: text for name, text in params.items() if name not in ("timestamp", "recvWindow")}
    for name in kept.keys() & {"startTime", "endTime"}:
        # CHANGELOG 2024-12-09: startTime and endTime out of range are adjusted, not refused.
        clamped = min(max(time_us(name, kept[name]), OLDEST_US), now_us + 10 * AHEAD_US)
        kept[name] = str(clamped // 1000)
    return kept
