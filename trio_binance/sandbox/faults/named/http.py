"""HTTP faults: what stands between a request and its answer. Aimed at an operation, they strike both wires."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trio_binance.sandbox.faults.bends import Answer, Bend, Edit, Ending
from trio_binance.sandbox.faults.deeds import Deed, FillOrders, SetStatus, UseUpOrders, UseUpWeight
from trio_binance.sandbox.faults.triggers import Faults, OnRequest, Wire

from .entries import INSTANT, PLACE, REPLACE, SYMBOL, Entry, Scripted, bent, brought

if TYPE_CHECKING:
    from collections.abc import Mapping

REST = "/"
_WEIGHT = "X-MBX-USED-WEIGHT"
_NO_LIMITS = Edit("rateLimits", None, frame=True)


def _refused(status: int = 400, code: int = -1013, msg: str = "Filter failure: LOT_SIZE") -> Bend:
    return Bend.say(Answer.error(status, code, msg))


def _unauthorized(code: int = -2015) -> Bend:
    return _refused(401, code, "Invalid API-key, IP, or permissions for action.")


def _page(status: int = 404) -> Bend:
    return Bend.say(Answer.html(status))


def _no_code(status: int = 408, executed: bool = False) -> Bend:
    return Bend(executed, answer=Answer(status))


def _half(cancelled: bool = True, symbol: str = SYMBOL) -> tuple[Deed, ...]:
    return (SetStatus(symbol, "HALT", INSTANT),) if cancelled else (FillOrders(symbol),)


def _banned(retry_after: str | None = "120", ending: Ending = Ending.KEEP) -> Bend:
    return Bend.say(Answer.limited(retry_after, banned=True), ending)


def _limited(retry_after: str | None = None, banned: bool = False) -> Bend:
    return Bend.say(Answer.limited(retry_after, banned=banned))


def _odd_date(retry_after: str = "Fri, 01 Jan 2027 00:00:00 GMT", banned: bool = False) -> Bend:
    return _limited(retry_after, banned)


def _server_error(status: int = 503, code: int = -1000, executed: bool = False) -> Bend:
    return Bend(executed, answer=Answer.error(status, code, "An unknown error occurred while processing the request."))


def _server_page(status: int = 502, empty: bool = False, executed: bool = False) -> Bend:
    return Bend(executed, answer=Answer(status) if empty else Answer.html(status))


def _redirected(location: str = "http://elsewhere.invalid/", status: int = 302) -> Bend:
    return Bend.say(Answer.redirect(location, status))


def _all_but(missing: int) -> int | None:
    return -missing if missing else None


def _cut(missing: int = 10, ending: Ending = Ending.EOF) -> Bend:
    return Bend(cut_at=_all_but(missing), ending=ending)


def _cut_without_length(missing: int = 10) -> Bend:
    return Bend(cut_at=_all_but(missing), ending=Ending.EOF, framing="close")


def _cut_chunk(missing: int = 10) -> Bend:
    return Bend(cut_at=_all_but(missing), ending=Ending.EOF, framing="chunked")


def _not_json(empty: bool = False, executed: bool = True) -> Bend:
    return Bend(executed, answer=Answer(200) if empty else Answer.html(200))


def _closed(executed: bool = False) -> Bend:
    return Bend.lost(executed=executed, ending=Ending.EOF)


def _many_headers(size: int = 200_000, count: int = 1) -> Bend:
    return Bend(headers=tuple((f"x-padding-{number}", "x" * size) for number in range(count)))


def _garbage(raw: bytes = b"\x00\x16garbage\r\n\r\n", ending: Ending = Ending.EOF) -> Bend:
    return Bend(raw=raw, ending=ending)


def _large(size: int = 64 * 2**20) -> Bend:
    return Bend(answer=Answer.json('{"padding":"%s"}' % ("x" * size)))


def _weight(used: int = 5900) -> Bend:
    told = tuple((name, str(used)) for name in (_WEIGHT, f"{_WEIGHT}-1M"))
    return Bend(headers=told, edits=(Edit("rateLimits.-1.count", str(used), frame=True),))


def _weight_falls(nth: int, on: str = REST, wire: Wire = "any", high: int = 3000, low: int = 10) -> Faults:
    return OnRequest(nth, _weight(high), on, wire), OnRequest(nth + 1, _weight(low), on, wire)


def _mutated(missing: str | None = None, null: str | None = None, double: str | None = None) -> Bend:
    edits = [Edit("neverHeardOf", '{"of":[1,null]}')]
    edits += (Edit(name) for name in (missing,) if name is not None)
    edits += (Edit(name, "null") for name in (null,) if name is not None)
    edits += (Edit(name, '"another"', again=True) for name in (double,) if name is not None)
    return Bend.edited(*edits)


HTTP: Final[Mapping[str, Entry]] = {
    "H01": bent("refused with a code of the exchange", REST, _refused),
    "H02": bent("401: the key is not good for it", REST, _unauthorized),
    "H03": bent("403 of the firewall, a page", REST, lambda: Bend.say(Answer.waf())),
    "H04": bent("404, 405, 413, 414, 415 with a page", REST, _page),
    "H05": bent("408, or another 4xx without a code of the exchange", REST, _no_code),
    "H06": brought("409 of cancelReplace, either half", REPLACE, _half),
    "H07": bent("418: banned, with Retry-After", REST, _banned),
    "H08": brought("429: the weight of this minute is used up", REST, lambda: (UseUpWeight(),)),
    "H09": brought("429, -1015: the unfilled orders of this window are used up", PLACE, lambda: (UseUpOrders(),)),
    "H10": bent("429 or 418 without Retry-After", REST, _limited),
    "H11": bent("Retry-After that is a date, negative, huge or garbage", REST, _odd_date),
    "H12": bent("451: not from this region", REST, lambda: Bend.say(Answer.html(451))),
    "H13": bent("5xx with a code of the exchange", REST, _server_error),
    "H14": bent("5xx with a page, or empty", REST, _server_page),
    "H15": bent("3xx to another host", REST, _redirected),
    "H16": bent("the body is shorter than announced", REST, _cut),
    "H17": bent("the body ends with the connection, and is cut", REST, _cut_without_length),
    "H18": bent("the body comes in chunks, and is cut", REST, _cut_chunk),
    "H19": bent("200 with a page, or empty", REST, _not_json),
    "H20": bent("says gzip and is not", REST, lambda: Bend(headers=(("content-encoding", "gzip"),))),
    "H21": bent("a second answer that nobody asked for", REST, Bend.twice),
    "H22": bent("the connection is closed as the request comes", REST, _closed),
    "H23": bent("headers of 100 KiB and more, or a thousand of them", REST, _many_headers),
    "H24": bent("no HTTP/1.1 at all", REST, _garbage),
    "H25": bent("a body larger than any", REST, _large),
    "H26": bent(
        "the used weight is not told",
        REST,
        lambda: Bend(headers=(("x-mbx-used-weight", None),), edits=(_NO_LIMITS,)),
    ),
    "H27": bent("more weight is used than by us", REST, _weight),
    "H28": Scripted("the used weight goes down from one answer to the next", _weight_falls),
    "H29": bent(
        "the unfilled orders are not told",
        PLACE,
        lambda: Bend(headers=(("x-mbx-order-count", None),), edits=(_NO_LIMITS,)),
    ),
    "H30": bent("fields that are unknown, missing, null or there twice", PLACE, _mutated),
}
