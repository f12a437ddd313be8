"""The catalogue: every operation of the exchange we speak, one row each, by the room of the facade that offers it."""

from collections.abc import Mapping
from typing import Any

from trio_binance._protocol.operation import Operation

from . import account as account
from . import general as general
from . import market as market
from . import orderlists as orderlists
from . import session as session
from . import trading as trading

OPERATIONS: Mapping[str, Operation[Any]] = {
    row.name: row
    for room in (general, market, trading, orderlists, account, session)
    for row in vars(room).values()
    if isinstance(row, Operation)
}
"""All of them by name: 48 that both wires serve, 7 of the WebSocket API's own."""
