"""Client order ids: what the exchange and the journal need of them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_binance._pure.ids import ClientOrderIds
from trio_binance.errors import InvalidArgument

BOOTS = st.integers(0, 2**64 - 1)
ALLOWED = re.compile(r"[A-Za-z0-9_-]{1,36}")


@given(BOOTS)
def test_every_id_is_what_the_exchange_accepts(boot: int) -> None:
    ids = ClientOrderIds("longname", boot)
    for _ in range(50):
        assert ALLOWED.fullmatch(ids.next_id())


def test_a_year_of_orders_still_fits() -> None:
    ids = ClientOrderIds("longname", 2**64 - 1)
    ids._numbers = iter([10**11])  # type: ignore[assignment]
    assert ALLOWED.fullmatch(ids.next_id())


@given(BOOTS, BOOTS)
def test_two_runs_never_share_an_id(one: int, other: int) -> None:
    a, b = ClientOrderIds("tb", one), ClientOrderIds("tb", other)
    first, second = {a.next_id() for _ in range(100)}, {b.next_id() for _ in range(100)}
    assert len(first) == 100
    assert one == other or first.isdisjoint(second)


@given(BOOTS)
def test_no_word_can_be_spelled_by_the_digits(boot: int) -> None:
    own = ClientOrderIds("z", boot).next_id().removeprefix("z-")
    assert not re.search(r"[aeiouyAEIOUY]", own)
    assert "--" not in own


def test_the_same_boot_gives_the_same_ids() -> None:
    assert [ClientOrderIds("tb", 7).next_id(), ClientOrderIds("tb", 7).next_id()] == ["tb-00000000000007-1"] * 2


@pytest.mark.parametrize("prefix", ["", "toolongname", "a b", "ä", "a--b", "-a", "a-", "a.b", "a\n", "１"])
def test_a_prefix_that_the_exchange_or_its_firewall_refuses_is_refused_here(prefix: str) -> None:
    with pytest.raises(InvalidArgument, match=r"^prefix="):
        ClientOrderIds(prefix, 0)


@pytest.mark.parametrize("prefix", ["x", "X", "x-AB12", "X-a-b"])
def test_a_prefix_of_the_exchange_s_partners_is_refused(prefix: str) -> None:
    with pytest.raises(InvalidArgument, match="partners"):
        ClientOrderIds(prefix, 0)


@pytest.mark.parametrize("prefix", ["select", "DROP", "a-or", "union_1", "x_And_y"])
def test_a_prefix_with_a_word_of_sql_is_refused(prefix: str) -> None:
    with pytest.raises(InvalidArgument, match="firewall"):
        ClientOrderIds(prefix, 0)


def test_a_prefix_that_merely_contains_such_letters_is_fine() -> None:
    assert ClientOrderIds("orchid", 0).next_id().startswith("orchid-")


@pytest.mark.parametrize("boot", [-1, 2**64])
def test_boot_bits_beyond_64_are_refused(boot: int) -> None:
    with pytest.raises(InvalidArgument, match=r"^boot="):
        ClientOrderIds("tb", boot)


def test_ours_are_told_from_those_of_others_in_this_run_and_earlier_ones() -> None:
    ids = ClientOrderIds("tb", 1)
    assert ids.owns(ids.next_id())
    assert ids.owns(ClientOrderIds("tb", 2).next_id())
    for other in (ClientOrderIds("tb-x", 1).next_id(), "web_123", "tb-1", "", "tb-00000000000007-1 "):
        assert not ids.owns(other)


def test_the_repr_tells_the_run() -> None:
    assert repr(ClientOrderIds("tb", 1)) == "ClientOrderIds('tb-00000000000001-')"
