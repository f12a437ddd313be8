"""The shards: which socket carries which stream. A stream that is carried stays where it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Sequence, Sized
    from typing import Protocol

    class Carried(Container[str], Sized, Protocol):
        """The names that a socket carries."""


def place(names: Iterable[str], carried: Sequence[Carried], *, limit: int) -> list[list[str]]:
    """Return what each socket is to carry of these names, sockets that have to be made last.

    A name that is carried already is carried there. The others fill the fullest socket that has room, then the next,
    so that as few sockets as possible are made and those that empty run empty.

    Args:
        names: each is placed once.
        carried: what each socket carries.
        limit: "A single connection can listen to a maximum of 1024 streams." A socket above it gets nothing new.
    """
    places: list[list[str]] = [[] for _ in carried]
    homeless: list[str] = []
    for name in dict.fromkeys(names):
        home = next((place for place, names_there in zip(places, carried, strict=True) if name in names_there), None)
        (homeless if home is None else home).append(name)
    for number in sorted(range(len(carried)), key=lambda each: -len(carried[each])):
        room = max(limit - len(carried[number]), 0)
        places[number] += homeless[:room]
        homeless = homeless[room:]
    return places + [homeless[start : start + limit] for start in range(0, len(homeless), limit)]
