"""The mirrors: the next one stands in, and the first comes back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from trio_binance._pure.mirrors import Mirrors

ABC = ("https://a", "https://b", "https://c")


def test_the_first_is_called_until_it_cannot_be_reached() -> None:
    mirrors = Mirrors(ABC, return_after=600.0)
    assert mirrors.current(0.0) == "https://a"
    assert mirrors.on_unreachable("https://a", 5.0) == "https://b"
    assert mirrors.current(5.0) == mirrors.current(604.0) == "https://b"


def test_each_hands_over_to_the_next_and_the_last_to_the_first() -> None:
    mirrors = Mirrors(ABC, return_after=600.0)
    called = [mirrors.current(0.0)]
    for _ in range(4):
        called.append(mirrors.on_unreachable(called[-1], 1.0) or "")
    assert called == ["https://a", "https://b", "https://c", "https://a", "https://b"]


def test_many_that_failed_at_once_are_one_failure() -> None:
    mirrors = Mirrors(ABC, return_after=600.0)
    assert {mirrors.on_unreachable("https://a", 1.0) for _ in range(20)} == {"https://b"}
    assert mirrors.current(1.0) == "https://b"


def test_the_first_is_tried_again_after_a_while_however_often_the_others_changed() -> None:
    mirrors = Mirrors(ABC, return_after=600.0)
    mirrors.on_unreachable("https://a", 100.0)
    mirrors.on_unreachable("https://b", 500.0)
    assert mirrors.current(699.0) == "https://c"
    assert mirrors.current(700.0) == "https://a"
    assert mirrors.on_unreachable("https://a", 701.0) == "https://b"
    assert mirrors.current(1300.0) == "https://b"
    assert mirrors.current(1301.0) == "https://a"


def test_a_host_without_mirrors_is_called_for_ever() -> None:
    mirrors = Mirrors(ABC[:1], return_after=600.0)
    assert mirrors.on_unreachable("https://a", 1.0) is None
    assert mirrors.current(2.0) == "https://a"


@given(st.lists(st.tuples(st.sampled_from((*ABC, "https://nobody")), st.floats(0.0, 500.0)), max_size=30))
def test_whatever_happens_it_is_one_of_them_and_not_the_one_that_just_failed(failures: list[tuple[str, float]]) -> None:
    mirrors, now = Mirrors(ABC, return_after=600.0), 0.0
    for url, seconds in failures:
        now += seconds
        before = mirrors.current(now)
        after = mirrors.on_unreachable(url, now)
        assert after in ABC
        assert after == mirrors.current(now)
        assert after != url
        assert (after == before) == (url != before)
