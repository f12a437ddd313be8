"""The docstrings of the rooms: each method says what it costs, who may ask, and where the exchange documents it."""

from __future__ import annotations

import re

import pytest

from trio_binance import AccountRoom, General, Market, Session, Trading
from trio_binance._protocol.catalogue import OPERATIONS, session
from trio_binance._protocol.operation import Security

SOURCES = {
    "Memory": "(memory)",
    "Database": "(database)",
    "Memory => Database": "(memory, then database)",
    "Matching Engine": "(matching engine)",
}
SECURITY = {Security.NONE: "none", Security.TRADE: "TRADE", Security.USER_DATA: "USER_DATA"}
WORDS = {
    f"{room.__name__}.{name}": re.sub(r"\s+", " ", getattr(room, name).__doc__ or "")
    for room in (General, Market, Trading, AccountRoom, Session)
    for name in dir(room)
    if not name.startswith("_")
}


@pytest.mark.parametrize("name", [name for name in OPERATIONS if not name.startswith("userDataStream")])
def test_the_method_of_an_operation_says_all_that_its_row_does(name: str) -> None:
    row = OPERATIONS[name]
    names = f"{name}, {row.ws_method}" if row.path else name
    [doc] = [doc for doc in WORDS.values() if f"Source: {names} {SOURCES[row.source]}" in doc]
    asks = "a signature" if row is session.LOGON else SECURITY[row.security]
    assert f"Security: {asks}." in doc
    costs = {row.weight({}), row.weight({"symbol": "A"}), row.weight({"computeCommissionRates": True})}
    told = re.search(r"Weight ([^.]*)\.", doc)
    assert told is not None
    assert costs <= {int(number) for number in re.findall(r"\d+", told[1])}
    if row.orders:
        assert f"{('one', 'two', 'three')[row.orders - 1]} unfilled order" in told[1]
    if row.free.value != "never":
        assert "(0 when" in told[1]
