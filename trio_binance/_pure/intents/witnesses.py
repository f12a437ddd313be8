"""The witnesses: who was asked when, on the exchange's clock, for what speaks against an effect; see ``table``."""

from __future__ import annotations

from typing import final

import attrs

from .terms import NEVER


@final
@attrs.define(eq=False)
class Witnesses:
    """What the witnesses of one claim have said last. All times are in milliseconds of the exchange's clock."""

    watch: int | None = None
    """The time of the user stream in which it was sent; 0 when nothing unbroken reaches back to that."""
    denied_ms: float = -NEVER
    """When the query was asked that did not show it."""
    missing_ms: float = -NEVER
    """When the query was asked that said that nothing of its name exists."""
    not_open_ms: float = -NEVER
    """When the matching engine was asked, and had nothing to cancel."""
    assured_ms: float = -NEVER
    """When the user stream's connection was pinged, and answered."""

    def on_denied(self, asked_ms: float, *, missing: bool = False) -> None:
        """Take note of a query that did not show it."""
        self.denied_ms = max(self.denied_ms, asked_ms)
        if missing:
            self.missing_ms = max(self.missing_ms, asked_ms)

    def is_assured(self, fence_ms: float) -> bool:
        """Tell whether the user stream has watched from the first byte until past the fence."""
        return bool(self.watch) and self.assured_ms > fence_ms

    def agree(self, fence_ms: float, *, rests: bool, lag_ms: float) -> bool:
        """Tell whether two witnesses agree that there is nothing, after the fence as the first."""
        return self.denied_ms > fence_ms and (self.is_assured(fence_ms) or self._engine_agrees(fence_ms, rests, lag_ms))

    def _engine_agrees(self, fence_ms: float, rests: bool, lag_ms: float) -> bool:
        # What is not open may have been filled: a query must have been asked when no copy lags any more.
        return rests and self.not_open_ms > fence_ms and self.missing_ms - self.not_open_ms >= lag_ms

    def what_is_missing(self, fence_ms: float) -> str:
        """Return why they do not agree."""
        if not self.watch:
            return "the user stream does not reach back, without a hole, to when it was sent"
        if not self.is_assured(fence_ms):
            return "the user stream has not answered since the fence"
        return "no query was answered since the fence"
