"""The handshake: whom a URL names, what may be sent with the question, and what an answer other than yes means."""

from __future__ import annotations

import re
import string
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlsplit

import attrs
import trio

from trio_binance._codes import api_error_class
from trio_binance._protocol.reply import wait_from_retry_after
from trio_binance.errors import BinanceError, ConnectError, InvalidArgument, Outcome, ProtocolError

if TYPE_CHECKING:
    from trio_binance._protocol.frames import Answer

_REFUSALS: Final = frozenset((403, 418, 429, 451))
_PORTS: Final = {"ws": 80, "wss": 443}


@attrs.frozen
class Target:
    """What a URL says about whom to call and what to ask for."""

    tls: bool
    host: str
    port: int
    authority: str
    resource: str

    @classmethod
    def parse(cls, url: str) -> Target:
        """Return what a ``ws://`` or ``wss://`` URL says.

        Raises:
            InvalidArgument: it is none, or carries a login.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as exc:
            raise InvalidArgument("url", url, str(exc)) from exc
        if parts.scheme not in _PORTS or not parts.hostname or "@" in parts.netloc or not parts.netloc.isascii():
            raise InvalidArgument("url", url, "expected ws://host/path or wss://host/path")
        resource = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        # Symbols may be written in any script since 2025-12-15; what a URL can carry as it is stays as it is.
        encoded = quote(resource, safe=string.punctuation)
        return cls(parts.scheme == "wss", parts.hostname, port or _PORTS[parts.scheme], parts.netloc, encoded)


def encode_header(name: str, value: str) -> tuple[bytes, bytes]:
    """Return a header as it is sent.

    Raises:
        InvalidArgument: it cannot be sent; the message does not tell the value.
    """
    # Refused here, in words without the value: a header carries the API key, and h11's own refusal would quote it.
    if not name.isascii() or not value.isascii() or not (name + value).isprintable():
        raise InvalidArgument("headers", name, "not a header that can be sent")
    return name.encode("ascii"), value.encode("ascii")


def handshake_error(crash: BaseException, answer: Answer, peer: str) -> BinanceError:
    """Return what is told of a handshake that failed: who refused, or why it could not be understood.

    Args:
        crash: what the handshake raised.
        answer: what came from the peer, as far as it came.
        peer: whom we called, for the message.
    """
    if answer.complete and answer.status not in (0, 101):
        error = refusal(answer, peer)
    elif isinstance(crash, BinanceError):
        return crash
    else:
        error = ProtocolError(
            f"{peer}: answered the handshake with something else", payload=answer.start, outcome=Outcome.NOT_SENT
        )
    error.__cause__ = crash
    return error


def refusal(answer: Answer, peer: str) -> BinanceError:
    """Return the error that a refusal is: 403, 418, 429 and 451 have their own, with ``retry_at`` set."""
    said = re.sub(r"<[^>]*>|\s+", " ", answer.body.decode("utf-8", "replace")).strip()[:200]
    if answer.status not in _REFUSALS:
        return ConnectError(f"{peer}: handshake refused with HTTP {answer.status}: {said or 'no explanation'}")
    error = api_error_class(answer.status, None)(
        said or "no explanation", status=answer.status, operation=f"handshake with {peer}"
    )
    error.retry_at = trio.current_time() + _wait(answer)
    return error


def _wait(answer: Answer) -> float:
    """Return the seconds to stay away; the answer's own date is the server's clock that its ``Retry-After`` means."""
    try:
        server_ms = int(parsedate_to_datetime(answer.headers.get("date", "")).timestamp() * 1000)
    except (ValueError, OverflowError):
        server_ms = 0
    return wait_from_retry_after(answer.headers.get("retry-after"), answer.status, server_ms)
