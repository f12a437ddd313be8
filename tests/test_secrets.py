"""Nothing that is secret shows anywhere: not in a log, an error, a traceback, a repr, an event or a pickle."""

from __future__ import annotations

import copy
import io
import logging
import pickle
import random
import re
import traceback
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio
import trio.testing
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
)

from tests._client.world import World, open_world
from trio_binance._client.client import Binance
from trio_binance.config import Credentials, Tuning
from trio_binance.errors import AuthError, BinanceError, ServiceCrashed
from trio_binance.models import Accepted, LimitOrder, MarketOrder, Rejected, Side, Unresolved
from trio_binance.sandbox.faults import (
    Answer,
    Bend,
    Ending,
    FaultSchedule,
    OnHandshake,
    OnRequest,
    Reset,
    Timed,
    random_schedule,
)

API_KEY = "canaryAPIKEYcanaryAPIKEYcanaryAPIKEY"
SECRET = "canarySECRETcanarySECRETcanarySECRET"
PASSPHRASE = "canaryPASSPHRASEcanary"

_SIGNATURE = re.compile(r"(?i)signature[\"']?\s*[=:]\s*[\"']?(?!\*\*\*)[0-9a-z%+/]{16}")
_HEX = re.compile(r"(?i)\b[0-9a-f]{64}\b")
_LONG_BASE64 = re.compile(r"[A-Za-z0-9+/]{80,}={0,2}")


def ed25519() -> Credentials:
    """Return credentials whose key is locked by a passphrase."""
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(PASSPHRASE.encode()))
    return Credentials.ed25519(API_KEY, pem, passphrase=PASSPHRASE)


def hmac() -> Credentials:
    return Credentials.hmac(API_KEY, SECRET)


@attrs.define
class Net:
    """Catches every text that leaves the connector, and looks for canaries in it."""

    credentials: Credentials
    texts: list[str] = attrs.field(factory=list)
    errors: list[BaseException] = attrs.field(factory=list)

    def add(self, *objects: object) -> None:
        for one in objects:
            self.texts += [repr(one), str(one), f"{one}", f"{one!a}"]

    def add_error(self, error: BaseException) -> None:
        self.errors.append(error)
        self.add(error, error.args)
        self.texts += traceback.format_exception(error)
        for value in vars(error).values():
            self.add(value)
        if isinstance(error, BinanceError):
            self.texts.append(repr(pickle.dumps(error)))

    def canaries(self) -> Iterator[tuple[str, str]]:
        hidden = self.credentials.secret.reveal().decode()
        words = {API_KEY, SECRET, PASSPHRASE, *(line for line in hidden.splitlines() if len(line) > 20)}
        words.discard("-----BEGIN ENCRYPTED PRIVATE KEY-----")
        words.discard("-----END ENCRYPTED PRIVATE KEY-----")
        for text in self.texts:
            for word in words:
                if word in text:
                    yield word, text
            for pattern in (_SIGNATURE, _HEX, _LONG_BASE64):
                if found := pattern.search(text):
                    yield found.group(), text


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything that any logger writes at DEBUG, extra fields and tracebacks included."""
    written = io.StringIO()

    class Everything(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            written.write(f"{record.getMessage()} {record.__dict__!r}\n")
            if record.exc_info:
                written.write("".join(traceback.format_exception(*record.exc_info)))

    root, handler = logging.getLogger(), Everything(logging.DEBUG)
    names = ["", "trio_binance", "httpx", "httpcore", "h11", "trio", "trio-websocket", "wsproto", "hpack"]
    names += [name for name in logging.root.manager.loggerDict if name not in names]
    before = [(logging.getLogger(name), logging.getLogger(name).level) for name in names]
    for logger, _ in before:
        logger.setLevel(logging.DEBUG)
    root.addHandler(handler)
    try:
        yield written
    finally:
        root.removeHandler(handler)
        for logger, level in before:
            logger.setLevel(level)


def show(net: Net, world: World) -> None:
    """Show every public object there is."""
    bx: Binance = world.bx
    objects = [bx, bx.config, bx.config.credentials, bx.statistics(), bx.status, dict(bx.status_reasons)]
    rooms = [bx.general, bx.market, bx.trading, bx.account, bx.streams, bx._engine]
    net.add(*objects, *rooms, *(vars(room) for room in rooms if hasattr(room, "__dict__")), *world.events)
    net.add(*(attrs.asdict(event) for event in world.events if attrs.has(type(event))))


async def suffer(net: Net, world: World) -> None:
    """Make every kind of call, and catch what comes."""
    bx = world.bx
    market = MarketOrder("BTCUSDT", Side.BUY, quantity=Decimal("0.00100"))
    wrong: Any = {"price": 0.1}
    dear = MarketOrder("BTCUSDT", Side.SELL, quantity=Decimal(5))
    odd = LimitOrder("BTCUSDT", Side.BUY, quantity=Decimal("0.00100"), price=Decimal("0.123456789"))
    for call in (
        lambda: bx.trading.place(market),
        lambda: bx.trading.place(dear),
        lambda: bx.trading.place(odd),
        lambda: bx.trading.test(market, compute_commission_rates=True),
        lambda: bx.trading.cancel("BTCUSDT", order_id=1),
        lambda: bx.trading.cancel_open_orders("NOPE"),
        lambda: bx.account.status(),
        lambda: bx.account.order("BTCUSDT", client_order_id="none"),
        lambda: bx.account.my_trades("BTCUSDT"),
        lambda: bx.account.order_rate_limits(),
        lambda: bx.market.depth("NOPE"),
        lambda: bx.call("GET", "/api/v3/nothing", {"a": "b"}, signed=True),
        lambda: bx.call("DELETE", "/api/v3/nothing", signed=True),
        lambda: bx.call("POST", "/api/v3/order", wrong, signed=True),
    ):
        try:
            answer = await call()
            net.add(answer)
            if isinstance(answer, Accepted | Rejected | Unresolved):
                net.add(answer.evidence, answer.unwrap())
        except Exception as exc:
            net.add_error(exc)


def check(net: Net, log: io.StringIO, *, errors: int) -> None:
    net.texts.append(log.getvalue())
    assert len(net.errors) >= errors
    assert log.getvalue()
    assert next(net.canaries(), None) is None


# What the exchange, or whatever stands before it, may throw back at us, our own words among them.
ECHO = b"HTTP/1.1 200 OK\r\ncontent-length: 99999\r\n\r\nX-MBX-APIKEY: " + API_KEY.encode() + b" signature=" + b"a" * 64
FAULTS = FaultSchedule(
    (
        OnRequest(1, Bend.say(Answer.error(401, -2015, "Invalid API-key, IP, or permissions for action."))),
        OnRequest(3, Bend.say(Answer.html(502))),
        OnRequest(4, Bend.lost(executed=True)),
        OnRequest(5, Bend.cut(20)),
        OnRequest(6, Bend(raw=b"HTTP/9.9 garbage\r\n\r\n")),
        OnRequest(7, Bend.say(Answer.redirect("http://elsewhere.invalid/"))),
        OnRequest(8, Bend.say(Answer.waf())),
        OnRequest(9, Bend(raw=ECHO, ending=Ending.EOF)),
        OnRequest(11, Bend.say(Answer.error(400, -1022, "Signature for this request is not valid."))),
        OnRequest(12, Bend.say(Answer.limited("1"))),
        OnHandshake(2, Bend.say(Answer.waf())),
        OnHandshake(3, Bend.say(Answer.html(503))),
        Timed(60, Reset()),
    )
)


@pytest.mark.slow
@pytest.mark.parametrize("prefer", ["rest", "ws_api"])
@pytest.mark.parametrize("make", [hmac, ed25519])
async def test_a_session_with_every_kind_of_trouble_tells_no_secret(
    make: Any, prefer: str, log: io.StringIO, autojump_clock: trio.testing.MockClock
) -> None:
    net = Net(make())
    async with open_world(
        credentials=net.credentials, prefer=prefer, activity=0.2, faults=FAULTS, ready=False
    ) as world:
        async with world.bx.streams.trades("BTCUSDT") as feed:
            for _ in range(4):
                await suffer(net, world)
                await trio.sleep(400)
                net.add(feed, await feed.receive())
                show(net, world)
    show(net, world)
    await suffer(net, world)
    check(net, log, errors=20)


async def test_a_key_that_is_refused_on_both_wires_tells_nothing(
    log: io.StringIO, autojump_clock: trio.testing.MockClock
) -> None:
    net = Net(hmac())
    async with open_world(credentials=net.credentials, activity=0.2) as world:
        for key in world.sandbox.exchange.keys.values():
            key.revoked = True
        await suffer(net, world)
        assert world.sandbox.network is not None
        world.sandbox.network.reset_all()
        await trio.sleep(60)
        with pytest.raises(AuthError) as caught:
            async with world.bx.account.events():
                raise AssertionError("entered")
        net.add_error(caught.value)
        show(net, world)
    check(net, log, errors=8)


async def test_a_wrong_secret_tells_nothing_of_the_right_or_the_wrong_one(
    log: io.StringIO, autojump_clock: trio.testing.MockClock
) -> None:
    net = Net(hmac())
    async with open_world(credentials=net.credentials, activity=0.2, ready=False) as world:
        for key in world.sandbox.exchange.keys.values():
            key._verifier = lambda payload, signature: False
        await suffer(net, world)
        await trio.sleep(60)
        show(net, world)
        assert any("-1022" in text for text in net.texts)
    check(net, log, errors=8)


async def test_a_crash_tells_nothing(
    log: io.StringIO, monkeypatch: pytest.MonkeyPatch, autojump_clock: trio.testing.MockClock
) -> None:
    """Even when what crashes quotes the request it was working on."""
    net = Net(hmac())

    def crash(self: Any, *arguments: Any) -> None:
        raise ZeroDivisionError(f"a bug: X-MBX-APIKEY={API_KEY}&secret={SECRET}&signature={'ab' * 32}")

    with pytest.raises(ServiceCrashed) as caught:
        async with open_world(credentials=net.credentials, activity=0.2, tuning=Tuning(restart_limit=2)) as world:
            monkeypatch.setattr(type(world.bx._engine.clock), "on_sample", crash)
            for _ in range(3):
                world.bx._engine.clock._sync.demand(trio.current_time())
                world.bx._engine.clock._demand.set()
                await trio.sleep(1)
            await trio.sleep_forever()
    # The cause is the bug's own exception: its words are not ours. What we say of it, in log and events, is.
    net.add(caught.value, *world.events)
    check(net, log, errors=0)


@pytest.mark.parametrize("seed", range(3))
async def test_a_session_of_random_trouble_tells_no_secret(
    seed: int, log: io.StringIO, autojump_clock: trio.testing.MockClock
) -> None:
    faults = random_schedule(random.Random(seed), seconds=300, count=15, requests=40)
    net = Net(hmac())
    async with open_world(credentials=net.credentials, activity=0.2, faults=faults, ready=False) as world:
        with trio.move_on_after(2000):
            for _ in range(5):
                await suffer(net, world)
                await trio.sleep(60)
        show(net, world)
    check(net, log, errors=5)


@pytest.mark.parametrize("make", [hmac, ed25519])
def test_credentials_show_themselves_to_nobody(make: Any, tmp_path: Path) -> None:
    net = Net(make())
    net.add(net.credentials, net.credentials.secret, net.credentials.passphrase, copy.deepcopy(net.credentials))
    net.add(attrs.astuple(net.credentials, recurse=False)[1:], {"key": net.credentials})
    for refused in (net.credentials.secret, net.credentials):
        with pytest.raises(TypeError, match="pickled") as caught:
            pickle.dumps(refused)
        net.add_error(caught.value)
    assert next(net.canaries(), None) is None


def test_the_net_itself_catches_canaries() -> None:
    """A check that cannot fail shows nothing."""
    for text in (f"key {API_KEY}", f"?x=1&signature={'ab' * 32}", '{"signature": "Zm9vYmFyZm9vYmFyZm9v"}', PASSPHRASE):
        net = Net(hmac())
        net.add_error(ValueError(text))
        assert next(net.canaries(), None) is not None
