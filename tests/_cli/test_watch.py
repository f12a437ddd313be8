"""The watch command: every stream as lines or JSON, and word of what goes wrong."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, get_args

import attrs
import pytest
import trio
import trio.testing

from tests._codec.frames import BLOCK, REFERENCE, text
from trio_binance._cli import app as app_module
from trio_binance._cli import watch
from trio_binance._cli.watch import Wish, _check_symbols, describe, show
from trio_binance._client.streams import Streams
from trio_binance._codec.stream import decoder_for
from trio_binance.config import BinanceConfig, Environment, Tuning
from trio_binance.errors import RequestError, UnknownSymbol

from .conftest import Cli

PRICE = r"\d+\.\d{8}"
TIME = r"\d\d:\d\d:\d\d\.\d{3}"
CANDLE = f"o {PRICE}  h {PRICE}  l {PRICE}  c {PRICE}  volume {PRICE}"


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"stream": "trades"}, rf"\d\d:\d\d:\d\d\.\d{{3}}  BTCUSDT     (buy |sell) +{PRICE} @ {PRICE}"),
        ({"stream": "agg_trades"}, rf"\d\d:\d\d:\d\d\.\d{{3}}  BTCUSDT     (buy |sell) +{PRICE} @ {PRICE}"),
        ({"stream": "book_ticker"}, rf"BTCUSDT +{PRICE} @ {PRICE} +\| +{PRICE} @ {PRICE}"),
        (
            {"stream": "klines", "interval": "1s"},
            rf"\S+  BTCUSDT     1s  o {PRICE}  h {PRICE}  l {PRICE}  c {PRICE}  volume {PRICE}  (open|closed)",
        ),
        ({"stream": "klines"}, rf"\S+  BTCUSDT     1m  o {PRICE} .*  (open|closed)"),
        (
            {"stream": "klines", "interval": "1d", "time_zone": "+08:00"},
            rf"16:00:00\.000  BTCUSDT     1d  o {PRICE} .*  open",
        ),
        ({"stream": "mini_ticker"}, rf"{TIME}  BTCUSDT     24h  {CANDLE}"),
        ({"stream": "ticker"}, rf"{TIME}  BTCUSDT     24h  {CANDLE}  -?\d+\.\d+%"),
        ({"stream": "rolling_ticker"}, rf"{TIME}  BTCUSDT     1h  {CANDLE}  -?\d+\.\d+%"),
        ({"stream": "rolling_ticker", "window": "1d"}, rf"{TIME}  BTCUSDT     1d  {CANDLE}  -?\d+\.\d+%"),
        ({"stream": "avg_price"}, rf"{TIME}  BTCUSDT     average {PRICE} over 5m"),
        ({"stream": "all_mini_tickers"}, rf"{TIME}  \S+ +24h  {CANDLE}"),
        ({"stream": "all_rolling_tickers", "window": "4h"}, rf"{TIME}  \S+ +4h  {CANDLE}  -?\d+\.\d+%"),
        ({"stream": "depth"}, r"\S+  BTCUSDT     \d+\.\.\d+  bids .*  asks .*"),
        ({"stream": "depth", "levels": 5}, rf"BTCUSDT     bids {PRICE} @ {PRICE} \(\+4\)  asks {PRICE} @ .*"),
    ],
)
async def test_each_stream_is_printed_one_event_a_line(
    options: dict[str, Any],
    line: str,
    autojump_clock: trio.testing.MockClock,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    told: list[str] = []

    async def write(*lines: str) -> None:
        # Not in a thread as usual: the clock would jump over it.
        told.extend(lines)
        await trio.lowlevel.checkpoint()

    monkeypatch.setattr(watch, "write", write)
    symbols = () if options["stream"].startswith("all_") else ("btcusdt",)
    wish = Wish(symbols, seconds=4.0, **options)
    assert wish.flaw() is None
    assert await show(BinanceConfig.sandbox(), wish) == 0
    assert capfd.readouterr().err == ""
    assert told
    assert all(re.fullmatch(line, one) for one in told), told


def test_json_is_one_object_a_line_with_every_number_as_the_exchange_wrote_it(cli: Cli) -> None:
    result = cli("watch", "BTCUSDT", "ETHUSDT", "--env", "sandbox", "--json", "--seconds", "0.8")
    events = [json.loads(line) for line in result.lines]
    assert {event["s"] for event in events} == {"BTCUSDT", "ETHUSDT"}
    assert all(re.fullmatch(PRICE, event["p"]) for event in events)


def test_an_unknown_symbol_is_named(cli: Cli) -> None:
    result = cli("watch", "BTCUSDT", "NOPE", "--env", "sandbox")
    assert (result.code, result.out) == (1, "")
    assert result.err == "trio-binance: SYMBOL NOPE: sandbox has none of this name (Invalid symbol.)\n"


def decoded(stream: str, raw: bytes) -> Any:
    return decoder_for(stream)(raw)


def test_levels_that_are_gone_and_sides_that_did_not_change_are_told() -> None:
    one = decoded("btcusdt@depth", b'{"e":"depthUpdate","E":1,"s":"BTCUSDT","U":1,"u":2,"b":[["5.10","0.00"]],"a":[]}')
    assert describe(one) == "00:00:00.001  BTCUSDT     1..2  bids gone @ 5.10  asks -"


@pytest.mark.parametrize(
    ("stream", "body", "line"),
    [
        ("bazusd@referencePrice", REFERENCE, "17:41:03.917  BAZUSD      reference 1.00"),
        ("bazusd@referencePrice", {**REFERENCE, "r": None}, "17:41:03.917  BAZUSD      reference none"),
        ("bnbbtc@blockTrade", {**BLOCK, "T": 1}, "00:00:00.001  BNBBTC      sell          58.380 @ 0.052"),
        ("bnbbtc@blockTrade", {**BLOCK, "T": 10**15}, "01:46:40.000  BNBBTC      sell          58.380 @ 0.052"),
    ],
)
def test_what_the_embedded_exchange_has_no_occasion_to_say_has_its_line_too(
    stream: str, body: dict[str, Any], line: str
) -> None:
    assert describe(decoded(stream, text(body))) == line


def test_every_stream_that_can_be_watched_is_a_method_of_the_facade() -> None:
    for name in get_args(watch.StreamName):
        assert callable(getattr(Streams, name))
    methods = {name for name in dir(Streams) if not name.startswith("_")}
    assert methods - {"subscribe", "partial_depth", "add", "remove"} == set(get_args(watch.StreamName))


def test_the_tickers_of_all_symbols_are_one_object_a_line(cli: Cli) -> None:
    result = cli("watch", "--stream", "all_mini_tickers", "--env", "sandbox", "--json", "--seconds", "1.8")
    events = [json.loads(line) for line in result.lines]
    assert {event["e"] for event in events} == {"24hrMiniTicker"}
    assert (result.code, result.err) == (0, "")


def test_an_event_without_a_form_of_its_own_is_still_shown() -> None:
    assert "someday" in describe(decoded("x@someday", b'{"e":"someday"}'))


def test_a_wish_without_symbols_cannot_be_granted() -> None:
    assert Wish(()).flaw() == "SYMBOL: give at least one, such as BTCUSDT"


# ------------------------------------------------------------------------------------------- no exchange


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Return a function that has ``watch`` look at a port of this machine, with a short patience."""

    def look_at(port: int) -> None:
        environment = Environment("here", f"http://127.0.0.1:{port}", f"ws://127.0.0.1:{port}")
        tuning = Tuning(connect_timeout=0.3, request_timeout=0.5, backoff_base=0.1)
        monkeypatch.setattr(app_module, "public_config", lambda _env: BinanceConfig(environment, tuning=tuning))

    return look_at


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Return a port where connections are taken and nothing is ever said."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


def test_an_exchange_that_cannot_be_reached_is_told_of_and_fails(
    cli: Cli, at: Callable[[int], None], closed_port: int
) -> None:
    at(closed_port)
    result = cli("watch", "BTCUSDT", "--seconds", "1")
    assert (result.code, result.out) == (1, "")
    first, *middle, last = result.err.splitlines()
    assert first.startswith("trio-binance: here: symbols not checked: ")
    assert middle
    assert all(f"not connected: 127.0.0.1:{closed_port}" in line and "next attempt in" in line for line in middle)
    assert last == "trio-binance: here: not reached within 1 s"


def test_an_exchange_that_says_nothing_is_told_of_within_the_deadlines(
    cli: Cli, at: Callable[[int], None], silent_port: int
) -> None:
    at(silent_port)
    result = cli("watch", "BTCUSDT", "--seconds", "1.6")
    assert result.code == 1
    assert "symbols not checked: " in result.err


def test_ctrl_c_while_connecting_ends_at_once(cli: Cli, at: Callable[[int], None], silent_port: int) -> None:
    at(silent_port)
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    started = time.monotonic()
    result = cli("watch", "BTCUSDT")
    assert time.monotonic() - started < 1.3
    assert (result.code, result.out, result.err) == (130, "", "")


@attrs.define
class Asked:
    """An exchange that answers about symbols as it is told to."""

    answers: dict[str, Any]
    config: BinanceConfig = attrs.field(factory=BinanceConfig.sandbox)

    @property
    def general(self) -> Any:
        return self

    async def exchange_info(self, *, symbol: str | None = None, symbols: tuple[str, ...] | None = None) -> Any:
        await trio.lowlevel.checkpoint()
        answer = self.answers[symbol or "all"]
        if isinstance(answer, Exception):
            raise answer
        if answer == "silence":
            await trio.sleep_forever()
        return SimpleNamespace(symbols=[SimpleNamespace(symbol=symbols, status=answer)])


BAD = UnknownSymbol("Invalid symbol.", status=400, code=-1121)


@pytest.mark.parametrize(
    ("answers", "flaw", "told"),
    [
        ({"all": "TRADING"}, None, ""),
        ({"all": "BREAK"}, None, "('A', 'B') does not trade at the moment: BREAK"),
        ({"all": BAD, "A": "TRADING", "B": BAD}, "SYMBOL B: sandbox has none of this name (Invalid symbol.)", ""),
        ({"all": BAD, "A": "TRADING", "B": "TRADING"}, "SYMBOL A, B: -1121 Invalid symbol. [HTTP 400, rejected]", ""),
        ({"all": RequestError("Illegal characters", status=400), "A": BAD}, "SYMBOL A: sandbox has none", ""),
        ({"all": "silence"}, None, "sandbox: symbols not checked: no answer within 6 s"),
    ],
)
async def test_symbols_are_checked_because_the_exchange_confirms_the_stream_of_any(
    answers: dict[str, Any], flaw: str | None, told: str, autojump_clock: object, capfd: pytest.CaptureFixture[str]
) -> None:
    found = await _check_symbols(Asked(answers), ("A", "B"))  # type: ignore[arg-type]
    assert found == flaw or (found is not None and flaw is not None and found.startswith(flaw))
    assert capfd.readouterr().err == (f"trio-binance: {told}\n" if told else "")
