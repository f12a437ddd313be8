"""The catalogue: a name for every order, HTTP and session fault, and how each is scripted."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from .entries import Elsewhere as Elsewhere
from .entries import Scripted as Scripted
from .http import HTTP
from .orders import ORDERS
from .sessions import SESSIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .entries import Entry

catalogue: Final[Mapping[str, Entry]] = MappingProxyType({**ORDERS, **HTTP, **SESSIONS})
"""Faults by name: O orders, H HTTP, A sessions of the WebSocket API."""
