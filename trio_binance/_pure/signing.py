"""Signatures: the exact bytes that are signed, for REST and for the WebSocket API.

The two differ. REST signs the percent-encoded text in the order in which it is sent; the WebSocket API signs raw UTF-8
sorted by name, the key included (rest-api.md and web-socket-api.md, "SIGNED request security").
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote

from trio_binance.errors import InvalidArgument

from .decimals import to_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from trio_binance.config import KeyType


class Signer(Protocol):
    """What signs for an API key; its repr shows neither the secret nor the whole key."""

    @property
    def api_key(self) -> str:
        """The key that the exchange knows the account by."""
        ...

    @property
    def key_type(self) -> KeyType:
        """Which of the three kinds it is."""
        ...

    def sign(self, payload: bytes) -> str:
        """Return the signature: hex for HMAC, base64 for RSA and Ed25519; not percent-encoded."""
        ...


def percent_encode(text: str) -> str:
    """Return ``text`` in UTF-8 with all but the unreserved characters of RFC 3986 percent-encoded.

    Raises:
        InvalidArgument: a lone surrogate, which UTF-8 cannot write.
    """
    return _encode("text", text)


def _encode(name: str, text: str) -> str:
    try:
        return quote(text, safe="")
    except UnicodeEncodeError:
        pass
    raise InvalidArgument(name, text, "cannot be written in UTF-8")


def encode_query(params: Iterable[tuple[str, str]]) -> str:
    """Return ``name=value`` joined by ``&``, percent-encoded, in the order given: the text to sign and to send.

    Raises:
        InvalidArgument: a value with a lone surrogate; the error names the parameter.
    """
    return "&".join(f"{_encode(name, name)}={_encode(name, value)}" for name, value in params)


def sign_query(query: str, signer: Signer, body: str = "") -> str:
    """Return the signature of a REST request, percent-encoded as it stands in a URL or a form.

    Args:
        query: the encoded query string, exactly as it is sent.
        signer: whose key.
        body: the encoded body, exactly as it is sent; the two are joined without an ``&`` between them.

    Raises:
        InvalidArgument: the text was not percent-encoded. "Percent-encode before signing" has been mandatory since
            2026-01-15; the exchange answers -1022 to anything else.
    """
    payload = query + body
    if not payload.isascii():
        raise InvalidArgument("payload", payload, "percent-encode it before signing")
    return percent_encode(signer.sign(payload.encode("ascii")))


def ws_api_payload(params: Mapping[str, object]) -> bytes:
    """Return what is signed for a WebSocket API request: raw UTF-8, sorted by name, without ``signature``.

    Raises:
        TypeError: a value that has no text, such as a float.
        InvalidArgument: a lone surrogate; the error names the parameter.
    """
    pairs = (f"{name}={_ws_text(name, params[name])}" for name in sorted(params) if name != "signature")
    return b"&".join(_utf8(pair) for pair in pairs)


def _utf8(pair: str) -> bytes:
    try:
        return pair.encode()
    except UnicodeEncodeError:
        pass
    raise InvalidArgument(pair.partition("=")[0], pair.partition("=")[2], "cannot be written in UTF-8")


def _ws_value(name: str, value: object) -> str | int:
    """Return what JSON carries for a value, so that the text that is signed is the text that is sent."""
    if isinstance(value, str | int):
        return value
    if isinstance(value, Decimal):
        return to_text(value)
    raise TypeError(f"{name}={value!r}: a signed value must be text, a Decimal, an int or a bool")


def _ws_text(name: str, value: object) -> str:
    value = _ws_value(name, value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else to_text(value)


def sign_ws_api(params: Mapping[str, object], signer: Signer) -> dict[str, object]:
    """Return the ``params`` object to send: those given, JSON-ready, with ``apiKey`` and ``signature``.

    Raises:
        TypeError: a value that has no text, such as a float.
        InvalidArgument: a value that cannot be written in UTF-8.
    """
    signed: dict[str, object] = {name: _ws_value(name, value) for name, value in params.items()}
    signed["apiKey"] = signer.api_key
    signed["signature"] = signer.sign(ws_api_payload(signed))
    return signed
