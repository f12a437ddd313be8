"""The envelope of the WebSocket API: a request frame taken apart, its parameters as the text that was signed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, NoReturn

import attrs

from .frames import dump
from .gate import Claim
from .refusals import Refusal, bad
from .wssession import read_flag

if TYPE_CHECKING:
    from .events import Json

_ID_LENGTH: Final = 36


class _Number(str):
    """A number exactly as it was written: ``50.0`` and ``50`` are signed differently."""

    __slots__ = ()


@attrs.frozen
class WsRequest:
    """A request frame: ``params`` are text, without ``apiKey``, ``signature`` and ``returnRateLimits``."""

    id: int | str | None
    method: str
    params: dict[str, str]
    claim: Claim
    shows_limits: bool | None


class BadFrame(Exception):
    """A frame that is no request; ``id`` is what can be echoed."""

    def __init__(self, refusal: Refusal, request_id: int | str | None) -> None:
        super().__init__(str(refusal))
        self.refusal = refusal
        self.id = request_id


def read_frame(text: str) -> WsRequest:
    """Return the request in a text frame.

    Raises:
        BadFrame: it is no JSON object with ``id``, ``method`` and ``params`` (-1135, -1102).
    """
    frame = _load(text)
    request_id = None
    try:
        request_id = _read_id(frame)
        method, raw = frame.get("method"), frame.get("params", {})
        if type(method) is not str:
            raise bad(-1135, "Invalid 'method' in JSON request; expected a string.")
        if not isinstance(raw, dict):
            raise bad(-1135, "Invalid 'params' in JSON request; expected an object.")
        params = {name: _text(name, value) for name, value in raw.items()}
        return _request(request_id, method, params)
    except Refusal as refusal:
        raise BadFrame(refusal, request_id) from None


def _request(request_id: int | str | None, method: str, params: dict[str, str]) -> WsRequest:
    signature = params.pop("signature", None)
    # "Sort the parameters in alphabetical order", as they are, UTF-8, no percent-encoding; apiKey is one of them.
    payload = "&".join(f"{name}={params[name]}" for name in sorted(params)).encode("utf-8", "surrogatepass")
    claim = Claim(params.pop("apiKey", None), signature, payload)
    shown = params.pop("returnRateLimits", None)
    return WsRequest(request_id, method, params, claim, None if shown is None else read_flag(shown))


def _load(text: str) -> dict[str, Json]:
    try:
        frame = json.loads(text, parse_int=_Number, parse_float=_Number, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        frame = None
    if not isinstance(frame, dict):
        raise BadFrame(bad(-1135, "Invalid JSON Request"), None)
    return frame


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _read_id(frame: dict[str, Json]) -> int | str | None:
    value = frame.get("id", False)
    if value is None:
        return None
    if isinstance(value, _Number) and value.lstrip("-").isdigit() and len(value) <= 20:
        return int(value)
    if type(value) is str and len(value) <= _ID_LENGTH:
        return value
    raise bad(-1135, "Invalid 'id' in JSON request; expected an integer, a string or null.")


def _text(name: str, value: Json) -> str:
    """Return a parameter's value as text: numbers as written, booleans in lower case, lists as JSON."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "[" + ",".join(str(item) if isinstance(item, _Number) else dump(item) for item in value) + "]"
    if value is None:
        return ""
    raise bad(-1135, f"JSON sent for parameter '{name}' is not valid")
