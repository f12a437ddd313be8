"""The mender: one gapless feed, from the streams' end to the consumer's, and the task that sees to what is missing."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Generic, TypeVar, final

import trio

from trio_binance._pure.contiguity import Bounds, Contiguity
from trio_binance.config import Overflow
from trio_binance.errors import (
    ApiError,
    BinanceError,
    Blocked,
    BreakerOpen,
    NetworkError,
    ProtocolError,
    RateLimited,
    ServerError,
    StreamTerminated,
    UnknownSymbol,
)
from trio_binance.models import Gap

from .events import GapFilled, GapLeft

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from trio_binance._pure.contiguity import Ask, ContiguityStatistics, Filled, Quiet
    from trio_binance.tuning import Tuning

    from .backfill import Backfill, Finding
    from .feed import FeedSink
    from .observe import Observer

E = TypeVar("E")

QUESTIONS = 4
"""The most questions of one feed at the same time."""
_SOON = 2.0
"""So long after a stream is carried again it has shown whether anything was missed, or is quiet."""
_MAY_WORK_LATER = (NetworkError, ServerError, RateLimited, Blocked, BreakerOpen, ProtocolError)


@final
class Mender(Generic[E]):
    """A ``Sink`` that hands on what is in good order, and a task that gets what is missing.

    Args:
        sink: of the feed; what it has no room for waits, or is asked for again later.
        backfill: whom to ask.
        streams: the streams' names, by symbol.
        first_unknown: finds out which of some symbols the exchange does not know.
        tuning: how much is spent on a hole.
        observer: told what became of holes.
        overflow: ``FAIL`` has the feed fail once it is full, as any other.
        starts: where to begin, by symbol; ``exact`` if that is the place of an item.
    """

    def __init__(
        self,
        sink: FeedSink[E | Gap],
        backfill: Backfill[E],
        streams: Mapping[str, str],
        *,
        first_unknown: Callable[[Sequence[str]], Awaitable[UnknownSymbol | None]],
        tuning: Tuning,
        observer: Observer,
        overflow: Overflow,
        starts: Mapping[str, int],
        exact: bool,
    ) -> None:
        self._sink = sink
        self._backfill = backfill
        self._streams = streams
        self._first_unknown = first_unknown
        self._tuning = tuning
        self._observer = observer
        self._fails = overflow is Overflow.FAIL
        bounds = Bounds(
            grace=tuning.gapless_grace,
            timeout=tuning.gapless_timeout,
            items=tuning.gapless_items,
            waiting=max(1, tuning.gapless_waiting // len(streams)),
            questions=QUESTIONS,
        )
        self._machine: Contiguity[E] = Contiguity(backfill.places, bounds, starts=starts, exact=exact)
        self._changed = trio.Event()
        """Set when the task has something to do before its time."""
        self._carried = trio.Event()
        self._eased = trio.Event()
        self._wakes_at = float("inf")
        self._wants_room = False
        self._is_tended = self._is_ending = False
        self._doubts: dict[str, tuple[int, float]] = {}
        """Of symbols that the exchange seems to count anew: the place that comes next, and since when."""
        buffer = sink.room
        # Half of the buffer is for what the streams bring, so that one symbol's history does not hold up the others.
        self._reserve = buffer // 2
        self._portion = max(1, buffer // 4)

    def statistics(self) -> ContiguityStatistics:
        """Return the figures of the feed."""
        return self._machine.statistics()

    # ------------------------------------------------------------------------------------------- what comes

    @property
    def ended(self) -> bool:
        """Whether nothing is taken any more."""
        return self._sink.ended

    @property
    def room(self) -> int:
        """How many items can be taken and handed out without any being asked for again."""
        return min(self._sink.room, self._machine.room)

    def deliver(self, batch: Sequence[E]) -> int:
        """Take what a stream brought; nothing of it is lost."""
        sink, machine = self._sink, self._machine
        room, count = sink.room, len(batch)
        passed = machine.pass_by(batch) if count <= room else 0
        if passed == count:
            sink.deliver(batch)
            return 0
        out: list[E | Gap] = [*batch[:passed]]
        out += machine.on_batch(batch[passed:], room - passed, trio.current_time(), reserve=self._reserve)
        sink.deliver(out)
        if self._fails and machine.is_overflown:
            sink.overflow()
        self._call_task()
        return 0

    def _call_task(self) -> None:
        """Wake the task, if it would sleep for too long."""
        machine = self._machine
        if machine.deadline < self._wakes_at or (machine.is_ready and not self._wants_room):
            self._changed.set()

    async def wait_room(self) -> None:
        """Wait until an item can be taken and handed out, or nothing is taken any more."""
        await self._sink.wait_room()
        while self._machine.room <= 0 and not self._sink.ended:
            await self._eased.wait()

    def on_carried(self) -> None:
        """Look soon whether anything was missed of symbols that stay quiet."""
        self._carried.set()

    def on_lost(self, reason: str) -> None:
        """Do nothing: what comes next shows what was missed."""

    def end(self, error: BinanceError | None = None) -> None:
        """End the feed; when in order, then with what is missing got before, or told missing."""
        if error is None and self._is_tended and self._machine.is_troubled:
            self._is_ending = True
            self._changed.set()
            return
        self._flow(self._sink.room)
        self._sink.end(error)

    def leave(self) -> None:
        """Take note that the consumer has left: the task ends."""
        self._changed.set()

    # ------------------------------------------------------------------------------------------- the task

    async def tend(self) -> None:
        """Get what is missing, until the feed ends. Cancelled: another run goes on."""
        self._is_tended = True
        self._machine.forget_questions(trio.current_time())
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._audit)
                nursery.start_soon(self._doubt_silence)
                while not self._sink.ended:
                    await self._tend_once(nursery)
                nursery.cancel_scope.cancel(reason="the feed has ended")
        finally:
            self._is_tended = False

    async def _tend_once(self, nursery: trio.Nursery) -> None:
        """Hand out what there is room for, ask what is to be asked, and wait until that has changed."""
        machine, sink = self._machine, self._sink
        self._changed = trio.Event()
        self._wakes_at, self._wants_room = float("inf"), False
        self._flow(sink.room - self._reserve)
        if sink.room > self._reserve:
            for ask in machine.on_timer(trio.current_time()):
                nursery.start_soon(self._ask, ask)
            self._wakes_at = machine.deadline
        elif machine.is_troubled:
            self._wants_room = True
            sink.want_room(self._changed, self._reserve + self._portion)
        if self._is_ending and not machine.is_troubled:
            sink.end(None)
            return
        with trio.move_on_at(self._wakes_at):
            await self._changed.wait()

    def _flow(self, room: int) -> None:
        """Hand out what is ready, and tell what became of holes."""
        self._sink.deliver(self._machine.take(room, trio.current_time()))
        for news in self._machine.take_news():
            self._tell(news)
        self._eased.set()
        self._eased = trio.Event()

    def _tell(self, news: Gap | Filled) -> None:
        now, stream = self._observer.now(), self._streams.get(news.symbol, news.symbol)
        if isinstance(news, Gap):
            self._observer.emit(GapLeft(now, stream=stream, first=news.first, last=news.last, reason=news.reason.value))
        else:
            self._observer.emit(GapFilled(now, stream=stream, count=news.count))

    async def _ask(self, ask: Ask) -> None:
        page, refused = None, False
        with trio.move_on_at(ask.give_up_at):
            try:
                page = await self._backfill.page(ask)
            except BinanceError as exc:
                refused = _is_final(exc)
        now = trio.current_time()
        if page is None:
            self._machine.on_failure(ask, now, refused=refused)
        else:
            self._machine.on_page(ask, page.items, now, full=page.full)
        self._changed.set()

    # ------------------------------------------------------------------------------------------ silence

    async def _doubt_silence(self) -> None:
        """Have the feed fail if nothing comes of a symbol because there is none: a stream of any name is accepted."""
        await trio.sleep(_SOON)
        while unheard := [symbol for symbol in self._streams if not self._machine.has_heard(symbol)]:
            with suppress(BinanceError):  # Nobody knows yet.
                unknown = await self._first_unknown(unheard)
                if unknown is not None:
                    self._sink.end(unknown)
                    self._changed.set()
                return
            await trio.sleep(self._tuning.gapless_audit)

    async def _audit(self) -> None:
        """Look now and then, and whenever a stream is carried again, whether the exchange knows more than came."""
        while True:
            with trio.move_on_after(self._tuning.gapless_audit):
                await self._carried.wait()
                self._carried = trio.Event()
                self._machine.quiet()
                await trio.sleep(_SOON)
            await self._look()

    async def _look(self) -> None:
        quiet = {series.symbol: series for series in self._machine.quiet()}
        findings: list[Finding] = []
        with trio.move_on_after(self._tuning.gapless_timeout):
            with suppress(BinanceError):  # The next look may do better.
                findings = await self._backfill.newer(list(quiet.values())) if quiet else []
        for found in findings:
            if found.is_anew:
                self._doubt(quiet[found.symbol])
            else:
                self._machine.look(found.symbol, trio.current_time(), found.head)
        self._changed.set()

    def _doubt(self, series: Quiet[E]) -> None:
        """End the feed once it is sure that the exchange counts anew, as a test network does now and then."""
        now, symbol, edge = trio.current_time(), series.symbol, series.edge
        doubted, since = self._doubts.get(symbol, (-1, now))
        if doubted != edge:
            since = now
        self._doubts[symbol] = edge, since
        if now - since >= self._tuning.gapless_audit:
            stream = self._streams.get(symbol, symbol)
            late = "what was to be the first" if series.last is None else "what came last"
            what = f"{stream}: the exchange counts anew; it knows of nothing so late as {late}"
            self._sink.end(StreamTerminated(what, streams=(stream,)))


def _is_final(exc: BinanceError) -> bool:
    """Tell whether to ask again would be answered the same."""
    if isinstance(exc, ApiError) and exc.status in (404, 408):
        # What is not there will not be there; a gateway that waited for too long may not have to another time.
        return exc.status == 404
    return not isinstance(exc, _MAY_WORK_LATER)
