"""What the tests of the doors share: a market that obeys, keys, and a client that signs."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote, urlencode

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from trio_binance.sandbox.accounts import Account
from trio_binance.sandbox.events import StreamEvent, UserEvent
from trio_binance.sandbox.exchange import Exchange
from trio_binance.sandbox.frames import Output, RestReply, RestRequest, Text
from trio_binance.sandbox.keys import Key
from trio_binance.sandbox.rules import Rules

if TYPE_CHECKING:
    from trio_binance.sandbox.market import Market

START_US = 1_800_000_000_000_000
"""The start of a day, a minute, a ten seconds."""
START_US -= START_US % 86_400_000_000
ADDRESS = "10.0.0.1"
SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
ED25519 = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ED25519_PEM = ED25519.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


class ObedientMarket:
    """A market that answers what it is told to, and remembers what it was asked."""

    def __init__(self) -> None:
        self.wanted: set[str] = set()
        self.calls: list[tuple[str, dict[str, str], Account | None, int]] = []
        self.answers: dict[str, Callable[[Mapping[str, str]], Any]] = {}
        self.events: list[StreamEvent | UserEvent] = []
        self.deadline_us = 2**62
        self.timers: list[int] = []

    def call(self, operation: str, params: Mapping[str, str], account: Account | None, now_us: int) -> Any:
        self.calls.append((operation, dict(params), account, now_us))
        answer = self.answers.get(operation)
        return {"time": now_us // 1000} if answer is None else answer(params)

    def on_timer(self, now_us: int) -> None:
        self.timers.append(now_us)
        self.deadline_us = 2**62

    def take_events(self) -> list[StreamEvent | UserEvent]:
        events, self.events = self.events, []
        return events

    def stream_exists(self, name: str) -> bool:
        return name.startswith(("btcusdt@", "ethusdt@", "!"))


class House:
    """An exchange around an obedient market, with an HMAC key of one account and an Ed25519 key of another."""

    def __init__(self, **rules: int) -> None:
        self.market = ObedientMarket()
        self.alice, self.bob = Account("hmac-key", 1), Account("ed-key", 2)
        keys = {
            "hmac-key": Key.hmac("hmac-key", SECRET, self.alice),
            "ed-key": Key.asymmetric("ed-key", ED25519_PEM, self.bob),
        }
        self.exchange = Exchange(cast("Market", self.market), keys=keys, rules=Rules(**rules), start_us=START_US)

    def get(
        self, target: str, *, now_us: int = START_US, address: str = ADDRESS, method: str = "GET", **headers: str
    ) -> RestReply:
        """Send a public request."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.exchange.rest(RestRequest(method, target, named, b"", address), now_us)

    def signed(
        self, operation: str, now_us: int = START_US, *, received_us: int | None = None, **params: object
    ) -> RestReply:
        """Send a request signed with the HMAC key, stamped now unless it has a timestamp."""
        method, path = operation.split(" ")
        query = urlencode({"timestamp": now_us // 1000, **params}, quote_via=quote)
        target = f"{path}?{query}&signature={sign(query.encode())}"
        request = RestRequest(method, target, {"x-mbx-apikey": "hmac-key"}, b"", ADDRESS)
        return self.exchange.rest(request, now_us, received_us=received_us)

    def order(self, now_us: int = START_US, **params: object) -> RestReply:
        """Place an order over REST."""
        chosen: dict[str, Any] = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", **params}
        return self.signed("POST /api/v3/order", now_us, **chosen)

    def dial(self, kind: Any, target: str, now_us: int = START_US, address: str = ADDRESS) -> int:
        """Open a connection that must be taken."""
        connection = self.exchange.connect(kind, target, address, now_us)
        assert isinstance(connection, int), connection
        return connection

    def ask(self, connection: int, request: object, now_us: int = START_US) -> list[Any]:
        """Send a JSON request and return every frame that this made the exchange send to the connection."""
        text = request if isinstance(request, str) else json.dumps(request)
        self.exchange.on_text(connection, text, now_us)
        return texts(self.exchange.take_output(), connection)

    def call(self, connection: int, method: str, now_us: int = START_US, **params: object) -> Any:
        """Ask the WebSocket API and return the one answer."""
        (answer,) = self.ask(connection, {"id": 1, "method": method, "params": params}, now_us)
        return answer

    def log_on(self, connection: int, now_us: int = START_US) -> Any:
        """Log a session on with the Ed25519 key."""
        return self.call(connection, "session.logon", now_us, **ed_signed(timestamp=now_us // 1000))


def texts(output: list[Output], connection: int) -> list[Any]:
    """Return the JSON of the text frames for one connection."""
    return [json.loads(frame.text) for frame in output if isinstance(frame, Text) and frame.connection == connection]


def sign(payload: bytes) -> str:
    """Return the HMAC signature of ``payload``."""
    return hmac.new(SECRET.encode(), payload, hashlib.sha256).hexdigest()


def _payload(params: Mapping[str, object]) -> bytes:
    return "&".join(f"{name}={params[name]}" for name in sorted(params)).encode()


def ed_signed(**params: object) -> dict[str, Any]:
    """Return parameters of the WebSocket API signed with the Ed25519 key."""
    named = {"apiKey": "ed-key", **params}
    return {**named, "signature": base64.b64encode(ED25519.sign(_payload(named))).decode()}


def hmac_signed(**params: object) -> dict[str, Any]:
    """Return parameters of the WebSocket API signed with the HMAC key."""
    named = {"apiKey": "hmac-key", **params}
    return {**named, "signature": sign(_payload(named))}


def body(reply: RestReply) -> Any:
    """Return the JSON of a reply."""
    return json.loads(reply.body)


def refused(reply: RestReply) -> tuple[int, int]:
    """Return status and code of a refusal."""
    return reply.status, body(reply)["code"]
