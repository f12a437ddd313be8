"""The embedded exchange: the doors around a market, sans-IO. Calls in; replies, frames and the next deadline out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal, final

from . import sessions, wssession
from .desk import Desk
from .events import StreamEvent, UserEvent
from .frames import Close, Cut, Output, Ping, RestReply, RestRequest, Text
from .keys import Key
from .lifeline import NEVER_US, Lifeline
from .refusals import Refusal
from .restdoor import RestDoor, refusal_reply
from .router import Router
from .rules import Rules
from .sessions import StreamSession
from .wsdoor import WsDoor
from .wssession import WsSession

if TYPE_CHECKING:
    from .market import Market
    from .meter import Meter

__all__ = ["Close", "Cut", "Exchange", "Key", "Output", "Ping", "RestReply", "RestRequest", "Rules", "Text"]

Session = StreamSession | WsSession


@final
class Exchange:
    """The doors of the exchange. Every time is its own clock in microseconds; nothing here waits or does I/O.

    Drive it so: hand in what arrives, call ``on_timer`` at ``deadline_us`` at the latest, and after every call send
    what ``take_output`` returns, in that order.
    """

    def __init__(self, market: Market, *, keys: Mapping[str, Key], rules: Rules | None = None, start_us: int) -> None:
        self.market = market
        self.rules: Rules = Rules() if rules is None else rules
        self.keys: dict[str, Key] = dict(keys)
        self.now_us: int = start_us
        """The latest moment it was told of."""
        self._desk = Desk(market, self.keys, self.rules)
        self._rest = RestDoor(self._desk)
        self._ws = WsDoor(self._desk)
        self._router = Router(market)
        self._sessions: dict[int, Session] = {}
        self._next_id = 1
        self._output: list[Output] = []

    @property
    def connections(self) -> tuple[int, ...]:
        """The ids of the open connections, oldest first."""
        return tuple(self._sessions)

    @property
    def meter(self) -> Meter:
        """What addresses and accounts have used of their limits."""
        return self._desk.meter

    @property
    def deadline_us(self) -> int:
        """When ``on_timer`` has to be called at the latest."""
        lifelines = (session.lifeline.deadline_us for session in self._sessions.values())
        return min(self.market.deadline_us, min(lifelines, default=NEVER_US))

    def take_output(self) -> list[Output]:
        """Return what has to be sent, in order; each frame is returned once."""
        output, self._output = self._output, []
        return output

    def rest(
        self, request: RestRequest, now_us: int, *, received_us: int | None = None, forwarded_us: int | None = None
    ) -> RestReply:
        """Return the answer to an HTTP request executed at ``now_us``.

        ``received_us`` is when it came in, if it waited in a queue of the exchange meanwhile: its timestamp is
        checked at both moments. ``forwarded_us`` is when it was checked for the second time, if it waited in the
        matching engine after that.
        """
        self._live(now_us)
        received_us = now_us if received_us is None else received_us
        reply = self._rest.answer(request, received_us, now_us, forwarded_us=forwarded_us)
        self._settle()
        return reply

    def connect(self, kind: Literal["stream", "ws_api"], target: str, address: str, now_us: int) -> int | RestReply:
        """Open a connection and return its id, or the HTTP answer that refuses the handshake."""
        self._live(now_us)
        try:
            self._desk.meter.take_connection(address, self.rules.connect_weight if kind == "ws_api" else 0, now_us)
            session = self._open(kind, target, address)
        except Refusal as refusal:
            self._settle()
            return refusal_reply(refusal, now_us)
        self._sessions[self._next_id] = session
        self._next_id += 1
        if isinstance(session, StreamSession):
            self._update(session)
        return session.connection

    def _open(self, kind: str, target: str, address: str) -> Session:
        lifeline = Lifeline(self.rules, self.now_us)
        if kind == "ws_api":
            wanted = wssession.read_target(target)
            return WsSession(self._next_id, wanted, address, lifeline, self.rules, self.now_us)
        return StreamSession(self._next_id, sessions.read_target(target), lifeline, self.rules.streams_per_connection)

    def on_text(self, connection: int, text: str, now_us: int, *, received_us: int | None = None) -> None:
        """Take a text frame; the answer is in the output. A connection that is gone is ignored."""
        self._live(now_us)
        session = self._sessions.get(connection)
        if isinstance(session, WsSession):
            received_us = now_us if received_us is None else received_us
            self._say(session, self._ws.answer(session, text, received_us, now_us))
        elif session is not None and self._allows(session):
            self._say(session, [session.answer(text)])
            self._update(session)
        self._settle()

    def held(self, connection: int, text: str, received_us: int) -> Callable[[int, int | None], list[str]] | None:
        """Take a request of the WebSocket API that waits in a queue: return what executes it, and gives its answer.

        What is returned takes ``now_us`` and ``forwarded_us`` of ``rest``. The request is executed even if its
        connection is gone by then. ``None`` for a connection that has no such requests.
        """
        session = self._sessions.get(connection)
        if not isinstance(session, WsSession):
            return None

        def execute(now_us: int, forwarded_us: int | None) -> list[str]:
            self._live(now_us)
            frames = self._ws.answer(session, text, received_us, now_us, forwarded_us=forwarded_us)
            self._settle()
            return frames

        return execute

    def on_ping(self, connection: int, payload: bytes, now_us: int) -> None:
        """Take a ping frame; the pong is the wire's business, the count is ours."""
        del payload
        self._count(connection, now_us)

    def on_pong(self, connection: int, payload: bytes, now_us: int) -> None:
        """Take a pong frame."""
        session = self._count(connection, now_us)
        if session is not None:
            session.lifeline.on_pong(payload)

    def on_closed(self, connection: int, now_us: int) -> None:
        """Forget a connection whose peer is gone."""
        self._live(now_us)
        self._forget(connection)
        self._settle()

    def on_timer(self, now_us: int) -> None:
        """Let the market live up to ``now_us``; ping, and end what is overdue."""
        self._live(now_us)
        for session in list(self._sessions.values()):
            self._tend(session)
        self._settle()

    def announce_shutdown(self, after_us: int | None = None) -> None:
        """Tell every connection ``serverShutdown``; end them all after ``after_us``, if given (0: at the next timer).

        CHANGELOG 2026-06-09 withdrew the promise of a fixed time between the two.
        """
        event = {"e": "serverShutdown", "E": self.now_us // 1000}
        for session in self._sessions.values():
            if isinstance(session, WsSession):
                self._say(session, [session.envelope(event)])
            else:
                self._say(session, [self._router.frame(session, "!serverShutdown", event)])
            if after_us is not None:
                session.lifeline.ends_by(self.now_us + after_us)

    def end_user_streams(self, account: object = None) -> None:
        """End the user data subscriptions of ``account``, or all: each is told ``eventStreamTerminated``."""
        for session in self._sessions.values():
            if isinstance(session, WsSession):
                ended = [n for n, kept in session.subscriptions.items() if account in (None, kept.account)]
                self._say(session, session.end(ended, self.now_us))

    def close(self, connection: int, code: int, reason: str) -> None:
        """End a connection with a close frame; one that is gone is ignored."""
        if self._forget(connection):
            self._output.append(Close(connection, code, reason))

    def _live(self, now_us: int) -> None:
        """Bring the market up to ``now_us`` and pass on what happened there, before anything else happens."""
        self.now_us = now_us
        if self.market.deadline_us <= now_us:
            self.market.on_timer(now_us)
        self._settle()

    def _settle(self) -> None:
        """Pass on what the market has to say, and show banned addresses out."""
        for event in self.market.take_events():
            if isinstance(event, StreamEvent):
                self._output.extend(self._router.deliver(event))
            else:
                self._tell_owner(event)
        for address in self._desk.meter.take_banned():
            # CHANGELOG 2023-03-13: connections of a banned address to the WebSocket API are closed.
            for session in list(self._sessions.values()):
                if isinstance(session, WsSession) and session.address == address:
                    self.close(session.connection, 1008, "IP banned")

    def _tell_owner(self, event: UserEvent) -> None:
        self._credit(event)
        for session in self._sessions.values():
            if isinstance(session, WsSession) and session.subscriptions:
                self._say(session, session.events(event.account, event.data))

    def _credit(self, event: UserEvent) -> None:
        # "How do filled orders affect the unfilled order count?": an order's first fill takes one off the count, the
        # first fill of a resting order more than one; later fills take off nothing.
        data = event.data
        if data.get("e") == "executionReport" and data.get("x") == "TRADE" and data.get("z") == data.get("l"):
            orders = self.rules.maker_credit if data.get("m") else 1
            self._desk.meter.add_orders(event.account, -orders, self.now_us)

    def _tend(self, session: Session) -> None:
        lifeline, now_us = session.lifeline, self.now_us
        if lifeline.ended(now_us):
            self.close(session.connection, 1001, "Connection lifetime is over")
        elif lifeline.overdue(now_us):
            # "General WSS information": no pong within a minute, no connection.
            self._forget(session.connection)
            self._output.append(Cut(session.connection))
        elif (payload := lifeline.take_ping(now_us)) is not None:
            self._output.append(Ping(session.connection, payload))

    def _count(self, connection: int, now_us: int) -> Session | None:
        self._live(now_us)
        session = self._sessions.get(connection)
        if isinstance(session, StreamSession) and not self._allows(session):
            return None
        return session

    def _allows(self, session: StreamSession) -> bool:
        if session.lifeline.allows_message(self.now_us):
            return True
        self.close(session.connection, 1008, "Too many requests")
        return False

    def _update(self, session: StreamSession) -> None:
        if session.crowded:
            self.close(session.connection, 1008, "Too many subscriptions")
        else:
            self._router.update(session)

    def _forget(self, connection: int) -> bool:
        session = self._sessions.pop(connection, None)
        if isinstance(session, StreamSession):
            self._router.remove(session)
        return session is not None

    def _say(self, session: Session, texts: list[str]) -> None:
        self._output.extend(Text(session.connection, text) for text in texts)
