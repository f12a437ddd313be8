"""The choice: which purpose a part of an intent has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .intent import Kind, Part
from .many import AllCancelled
from .single import Amended, Cancelled, Listed, Placed

if TYPE_CHECKING:
    from .intent import Intent
    from .purposes import Purpose


def purpose_of(intent: Intent, part: Part) -> Purpose:
    """Return what a part of an intent is to bring about."""
    if part is Part.NEW_ORDER or intent.kind in (Kind.PLACE, Kind.SOR):
        return Placed(intent)
    if part is Part.CANCEL or intent.kind is Kind.CANCEL:
        return Cancelled(intent)
    if intent.kind is Kind.AMEND:
        return Amended(intent)
    return Listed(intent) if intent.kind is Kind.LIST else AllCancelled(intent)
