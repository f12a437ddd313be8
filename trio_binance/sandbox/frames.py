"""What passes the doors of the embedded exchange: requests and replies of REST, and what a connection is sent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypeAlias

import attrs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .events import Json


def dump(value: Json) -> str:
    """Return the JSON text of ``value`` as the exchange writes it: no spaces, any script unescaped."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


@attrs.frozen
class RestRequest:
    """An HTTP request as received: ``headers`` have lower-case names, ``target`` is path and query, untouched."""

    method: str
    target: str
    headers: Mapping[str, str] = attrs.field(factory=dict)
    body: bytes = b""
    address: str = "127.0.0.1"


@attrs.frozen
class RestReply:
    """An HTTP answer. Framing headers (Content-Length, Connection) are left to whoever writes it to the wire."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """Return the first header of this name, in any case, or ``None``."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


@attrs.frozen
class Text:
    """A text frame for a connection."""

    connection: int
    text: str


@attrs.frozen
class Ping:
    """A ping frame for a connection; the pong has to bring ``payload`` back."""

    connection: int
    payload: bytes


@attrs.frozen
class Close:
    """A close frame for a connection; the exchange has forgotten the connection already."""

    connection: int
    code: int
    reason: str


@attrs.frozen
class Cut:
    """The end of a connection without a close frame; the exchange has forgotten the connection already."""

    connection: int


Output: TypeAlias = Text | Ping | Close | Cut
