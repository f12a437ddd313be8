"""The manners: what an error of the exchange asks of the whole connector, whoever met it."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import trio

from trio_binance.errors import ApiError, AuthError, PartialFailure, TooManyOrders

from .conditions import Degraded, Ready
from .events import KeyRefused

if TYPE_CHECKING:
    from .limiter import Limiter
    from .observe import Observer
    from .status import StatusBoard

_ORDERS_REST = 10.0
"""Seconds without an order when nobody says how many: the shorter of the windows that unfilled orders count in."""


@final
class Manners:
    """Does what an error of the exchange asks for, and notes when all is well again."""

    def __init__(self, limiter: Limiter, board: StatusBoard, observer: Observer) -> None:
        self._limiter = limiter
        self._board = board
        self._observer = observer
        self._sent_away = False

    def heed(self, exc: BaseException) -> None:
        """Do what an error asks of everybody: to stay away, to place no orders, to look after the key."""
        if not isinstance(exc, ApiError):
            return
        wait = None if exc.retry_at is None else exc.retry_at - trio.current_time()
        if isinstance(exc, TooManyOrders):
            self._limiter.stop_orders(wait if wait is not None else _ORDERS_REST)
        elif isinstance(exc, PartialFailure):
            if wait is not None:
                # 429 for a cancel-replace whose new order was one too many: the account's orders, not the address.
                self._limiter.stop_orders(wait)
        elif wait is not None:
            self._limiter.stop_the_world(wait, exc.status)
            self._board.set("limits", Degraded(f"sent away by the exchange for {wait:.0f} s (status {exc.status})"))
            self._sent_away = True
        elif isinstance(exc, AuthError):
            self._observer.emit(KeyRefused(self._observer.now(), code=exc.code, message=exc.message))

    def on_welcome(self) -> None:
        """Note that the exchange answers normally: whatever it had sent us away for is over."""
        self._limiter.on_answer()
        if self._sent_away:
            self._sent_away = False
            self._board.set("limits", Ready())
