"""The table of an intent's fate: where it can stand, what can be learned then, and why that follows.

Theory of operation
===================

"It is important to NOT treat this as a failure operation" (rest-api.md, of 5XX): where the answer is lost, a request
may have been executed, may be executed yet, or never. Three things make that dangerous:

- a client order id is unique among *open* orders only. Sent again after it was filled, an order is filled twice. So
  nothing is ever sent again but the cancellation of one order by its order id, whose effect is the same however often
  it is sent: that of an order, by another's id or by none, is not, nor is an amendment or a cancellation of all;
- a query is answered by a copy of the exchange, which lags: seconds, and up to forty of them were seen. What it shows
  is true, and was once; of what it does not show ("Order does not exist.", -2013) nothing follows by itself;
- the exchange gives up answering after 10 s, not executing. What bounds it is ``timestamp + recvWindow``, checked
  just before the matching engine. The **fence** stands there, plus those 10 s, plus a margin: behind it nothing
  begins any more. Fences stand on the exchange's clock, of which we know a lower bound.

Therefore a sighting (by answer, stream or query) settles an intent at once, whenever it comes, and the lack of one
never does alone. ABSENT takes three witnesses that do not depend on each other:

1. the clock: the fence has passed;
2. a query *asked after that* which does not show it;
3. the user stream, if it stood on one connection since before the request was sent, was silent of it, and has
   answered a ping *sent after the fence*; or the matching engine, which said after the fence to a cancellation that
   nothing of this id is open (-2011). But what rests may have been filled by then, so that the query (2) must have
   been asked so late after that that no copy lags any more; and of what does not rest, -2011 says nothing.

Where a witness is missing, and a while after the fence nothing was seen, the honest answer is UNRESOLVED. It goes on
being watched: a sighting settles it, and so does a third witness that comes late.

Two refusals are none, and lead to CLASHED: "Duplicate order sent." says that an open order has this id, which is ours
if it was made after our request was stamped; "Unknown order sent." (-2011) after a cancellation whose first answer was
lost says that the order has ended, by that cancellation or by a fill. What is seen decides; where the stream proves
that nothing of ours happened, the refusal stands.

Refused, not sent, absent: should something be seen that this rules out, it is told as an alarm, and what was seen
counts. A cancellation and a placement in one request (cancel-replace) are two fates, each in this table.

Signals are what facts come to; the lower ones are drawn from sightings, from several facts, or from time alone:

    SENDING  stamped, about to leave    LOST     no answer, or a useless one   NOT_OPEN  -2011 to another's cancellation
    LEFT     the first byte has left    REFUSED  a definite no                 GAVE_UP   the caller waits no longer
    NEVER    no byte has left           CLASHED  a no to be looked into        RESTARTED a new process
    DENIED   a query does not show it   FAILED   a query was not answered
    ASSURED  a ping after the fence     BROKEN   the user stream has a hole
             came back

    DONE     it was seen to have taken effect
    MOOT     it was seen that it cannot take effect any more: filled before the cancellation
    PROVEN   three witnesses agree that it had no effect
    OVERDUE  nothing was heard of the answer until the fence
    SPENT    the patience after the fence is at its end
    EXPIRED  nobody need remember it

In the grid ``.`` is "stays as it is", and ``!`` is an alarm. What moves nothing by itself is weighed for PROVEN.
"""

from __future__ import annotations

import enum


class Phase(enum.Enum):
    """Where an intent stands."""

    __hash__ = object.__hash__  # each is one object; Enum's own hash is computed in Python, five times an order

    OPENED = "opened"
    """In the journal; not on its way."""
    SENDING = "sending"
    """It may be on its way."""
    IN_FLIGHT = "in flight"
    """It is on its way; the answer is waited for."""
    DOUBT = "in doubt"
    """What became of it is being found out."""
    CLASHED = "clashed"
    """It was refused in a way that leaves something to find out, which is being done."""
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    NOT_SENT = "not sent"
    ABSENT = "absent"
    UNRESOLVED = "unresolved"
    """What became of it could not be found out; it is watched."""
    FORGOTTEN = "forgotten"


class Signal(enum.Enum):
    """What can be learned of it."""

    __hash__ = object.__hash__

    SENDING = "about to be sent"
    LEFT = "the first byte left"
    NEVER = "no byte left"
    DONE = "it took effect"
    REFUSED = "refused"
    CLASHED = "refused, with something to find out"
    LOST = "no answer"
    MOOT = "it cannot take effect any more"
    DENIED = "a query does not show it"
    FAILED = "a query failed"
    NOT_OPEN = "a cancellation found nothing"
    ASSURED = "the user stream was silent past the fence"
    BROKEN = "the user stream broke"
    GAVE_UP = "the caller gave up"
    RESTARTED = "the process was started anew"
    PROVEN = "three witnesses agree that it had no effect"
    OVERDUE = "no answer until the fence"
    SPENT = "a witness was missing"
    EXPIRED = "long ago"


_GRID = """
          opened     sending    in_flight  doubt      clashed    accepted   rejected   not_sent   absent     unresolved
SENDING   sending    .          .          .          .          .          .          doubt!     .          .
LEFT      in_flight  in_flight  .          .          .          .          .          doubt!     .          .
NEVER     not_sent   not_sent   doubt      .          .          .          .          .          .          .
DONE      accepted   accepted   accepted   accepted   accepted   .          accepted!  accepted!  accepted!  accepted
REFUSED   rejected   rejected   rejected   rejected   rejected   .          .          rejected!  .          rejected
CLASHED   clashed    clashed    clashed    clashed    .          .          .          clashed!   .          clashed
LOST      doubt      doubt      doubt      .          .          .          .          doubt!     .          .
MOOT      .          .          .          absent     rejected   .          .          .          .          absent
DENIED    .          .          .          .          .          .          .          .          .          .
FAILED    .          .          .          .          .          .          .          .          .          .
ASSURED   .          .          .          .          .          .          .          .          .          .
BROKEN    .          .          .          .          .          .          .          .          .          .
NOT_OPEN  .          .          .          .          .          .          .          .          .          .
GAVE_UP   not_sent   doubt      doubt      .          .          .          .          .          .          .
RESTARTED not_sent   doubt      doubt      .          .          .          .          .          .          .
PROVEN    .          .          .          absent     rejected   .          .          .          .          absent
OVERDUE   .          doubt      doubt      .          .          .          .          .          .          .
SPENT     .          .          .          unresolved unresolved .          .          .          .          .
EXPIRED   .          .          .          .          .          forgotten  forgotten  forgotten  forgotten  forgotten
"""


def _read(grid: str) -> dict[Phase, dict[Signal, tuple[Phase, bool]]]:
    """Return the table that a grid draws: the next phase, and whether that is an alarm."""
    head, *rows = (line.split() for line in grid.strip().splitlines())
    phases = [Phase[name.upper()] for name in head]
    table: dict[Phase, dict[Signal, tuple[Phase, bool]]] = {phase: {} for phase in phases}
    for name, *cells in rows:
        for phase, cell in zip(phases, cells, strict=True):
            new = phase if cell == "." else Phase[cell.rstrip("!").upper()]
            table[phase][Signal[name]] = new, cell.endswith("!")
    table[Phase.FORGOTTEN] = dict.fromkeys(Signal, (Phase.FORGOTTEN, False))
    return table


TABLE = _read(_GRID)

WONDERING = frozenset({Phase.DOUBT, Phase.CLASHED, Phase.UNRESOLVED})
"""Where questions are asked."""
LIVE = frozenset({Phase.OPENED, Phase.SENDING, Phase.IN_FLIGHT}) | WONDERING
"""Where something is still to happen."""
SETTLED = frozenset({Phase.ACCEPTED, Phase.REJECTED, Phase.NOT_SENT, Phase.ABSENT, Phase.UNRESOLVED})
"""Where there is a verdict."""
RULED_OUT = frozenset({Phase.REJECTED, Phase.NOT_SENT, Phase.ABSENT})
"""Where the verdict says that there was no effect."""
