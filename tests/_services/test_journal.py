"""The journal: what is noted outlives the program, one connector has the file, and whoever waits shares the disk."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st

from tests._pure.intents.makers import START_MS, stamp
from tests._services.helpers_journal import PATH, open_journal, opened, settled
from tests.disk import MemoryDisk
from trio_binance._pure.intents import Ledger, Record, records
from trio_binance._services.disk import Disk
from trio_binance._services.journal import Journal
from trio_binance.config import JournalSpec
from trio_binance.errors import JournalBroken, JournalFailed, Outcome


def ids(journal: Journal) -> list[str]:
    return [one.intent.intent_id for one in journal.remembered]


async def remembered(spec: JournalSpec, disk: Disk | None = None) -> list[str]:
    async with open_journal(spec, disk=disk) as journal:
        return ids(journal)


def open_files() -> set[str]:
    found = set()
    for name in os.listdir("/proc/self/fd"):
        try:
            found.add(os.readlink(f"/proc/self/fd/{name}"))
        except FileNotFoundError:
            continue
    return found


@pytest.fixture
def spec(tmp_path: Path) -> JournalSpec:
    return JournalSpec(tmp_path / "a.journal")


# ------------------------------------------------------------------------------------------------------- there and back


@pytest.mark.parametrize("fsync", ["always", "os"])
async def test_what_was_noted_is_remembered_by_the_next_run(spec: JournalSpec, fsync: Any) -> None:
    spec = JournalSpec(spec.path, fsync)
    async with open_journal(spec, run="run 1", at_ms=START_MS) as journal:
        assert journal.remembered == ()
        journal.note(opened("a"), records.sending("i-a", stamp(), START_MS))
        await journal.wait_durable(journal.note(opened("b"), settled("b")))
    async with open_journal(spec, run="run 2", at_ms=START_MS) as journal:
        [one] = journal.remembered
        assert (one.intent.intent_id, one.stamps) == ("i-a", (stamp(),))
        assert one.intent.params["quantity"] == "0.10"
    lines = spec.path.read_text("utf-8").splitlines()
    assert [line.split('"')[5] for line in lines] == ["started", "opened", "sending", "opened", "settled", "started"]
    assert '"id":"run 2"' in lines[-1]


async def test_in_memory_nothing_is_remembered_and_waiting_is_one_checkpoint() -> None:
    async with open_journal(None) as journal, trio.open_nursery() as nursery:
        await nursery.start(journal.run)
        assert journal.remembered == ()
        assert [journal.note(opened("a")), journal.note(opened("a"))] == [1, 2]
        with trio.testing.assert_checkpoints():
            await journal.wait_durable(2)
        told = journal.statistics()
        assert (told.path, told.size, told.noted, told.failed) == (None, 0, 2, None)
        nursery.cancel_scope.cancel()


async def test_positions_grow_and_one_that_is_durable_is_waited_for_at_once(spec: JournalSpec) -> None:
    async with open_journal(spec) as journal:
        first, second = journal.note(opened("a")), journal.note(opened("b"))
        assert first < second
        await journal.wait_durable(second)
        synced = journal.statistics().synced
        await journal.wait_durable(first)
        assert journal.statistics().synced == synced == 1


async def test_many_who_wait_at_once_share_two_calls_of_the_disk() -> None:
    disk = MemoryDisk()

    async def place(number: int) -> None:
        await journal.wait_durable(journal.note(opened(str(number))))

    async with open_journal(JournalSpec(PATH), disk=disk) as journal:
        async with trio.open_nursery() as nursery:
            for number in range(20):
                nursery.start_soon(place, number)
        assert journal.statistics().synced <= 2
        assert len(ids_after_power_cut(disk)) == 20


def ids_after_power_cut(disk: MemoryDisk) -> set[str]:
    """Return what is remembered for certain: whatever the disk may be after it."""
    ledgers = [Ledger.read([bytes(left.names[PATH].data)]) for left in disk.after_power_cuts()]
    return set.intersection(*({one.intent.intent_id for one in ledger.remembered} for ledger in ledgers))


async def test_who_trusts_the_operating_system_never_has_the_disk_wait() -> None:
    disk, calls = MemoryDisk(), list[str]()
    disk.before = calls.append
    async with open_journal(JournalSpec(PATH, "os"), disk=disk) as journal:
        with trio.testing.assert_checkpoints():
            await journal.wait_durable(journal.note(opened("a")))
        assert await remembered(JournalSpec(PATH), disk.after_kill()) == ["i-a"]
    assert "sync" not in calls


# -------------------------------------------------------------------------------------------------------------- opening


async def test_a_journal_is_for_its_owner_alone(spec: JournalSpec) -> None:
    spec.path.touch(0o666)
    spec.path.chmod(0o666)
    umask = os.umask(0)
    try:
        for path in (spec.path, spec.path.with_name("new")):
            await remembered(JournalSpec(path))
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
    finally:
        os.umask(umask)


async def test_no_two_connectors_have_the_same_journal(spec: JournalSpec, tmp_path: Path) -> None:
    (tmp_path / "linked").symlink_to(tmp_path)
    async with open_journal(spec) as journal:
        for path in (spec.path, tmp_path / "linked" / "a.journal"):
            with pytest.raises(JournalFailed, match=r"a\.journal: another connector has it open; end that one, or"):
                await remembered(JournalSpec(path))
        journal.note(opened("a"))
    assert await remembered(spec) == ["i-a"]


async def test_no_two_connectors_have_the_same_journal_while_it_is_written_anew(spec: JournalSpec) -> None:
    async with open_journal(spec) as journal, trio.open_nursery() as nursery:
        nursery.start_soon(journal.run)
        await grow(journal)
        with pytest.raises(JournalFailed, match="another connector has it open"):
            await remembered(spec)
        nursery.cancel_scope.cancel()


async def test_a_file_that_was_written_anew_while_it_was_being_opened_is_opened_again(spec: JournalSpec) -> None:
    class Late(Disk):
        tries = 0

        def lock(self, fd: int) -> None:
            self.tries += 1
            if self.tries < times:
                spec.path.with_name("other").write_bytes(b"")
                os.replace(spec.path.with_name("other"), spec.path)
            super().lock(fd)

    times = 3
    before = open_files()
    async with open_journal(spec, disk=(disk := Late())) as journal:
        journal.note(opened("a"))
    assert disk.tries == 3
    assert await remembered(spec) == ["i-a"]
    times = 1000
    with pytest.raises(JournalFailed, match="it is replaced again and again"):
        await remembered(spec, Late())
    assert open_files() == before


async def test_a_file_that_went_away_while_it_was_being_opened_is_made_again(spec: JournalSpec) -> None:
    class Late(Disk):
        gone = False

        def lock(self, fd: int) -> None:
            if not self.gone:
                self.gone = True
                spec.path.unlink()
            super().lock(fd)

    async with open_journal(spec, disk=Late()) as journal:
        journal.note(opened("a"))
    assert await remembered(spec) == ["i-a"]


def make_link(path: Path) -> None:
    path.with_name("other").touch()
    path.symlink_to(path.with_name("other"))


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (make_link, "it is a symbolic link: name the file itself"),
        (make_pipe, "it is no file; name one, or a name that is free"),
        (Path.mkdir, "Is a directory; name a file in it"),
    ],
)
async def test_what_is_no_file_is_refused(spec: JournalSpec, make: Callable[[Path], None], reason: str) -> None:
    make(spec.path)
    before = open_files()
    with pytest.raises(JournalFailed, match=reason) as caught:
        await remembered(spec)
    assert (caught.value.path, caught.value.outcome) == (spec.path, Outcome.NOT_SENT)
    assert open_files() == before


async def test_a_folder_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(JournalFailed, match=r"a\.journal: No such file or directory; make its folder first"):
        await remembered(JournalSpec(tmp_path / "nowhere" / "a.journal"))


async def test_where_files_cannot_be_locked_there_is_none(spec: JournalSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trio_binance._services.journalfile._CAN_LOCK", False)
    with pytest.raises(JournalFailed, match="leave it out"):
        await remembered(spec)
    assert not spec.path.exists()


async def test_a_damaged_journal_is_left_as_it_is(spec: JournalSpec) -> None:
    damaged = records.write(opened("a")) + b"?" + records.write(opened("b"))
    spec.path.write_bytes(damaged)
    spec.path.chmod(0o640)
    heir = spec.path.with_name("a.journal.heir")
    heir.write_bytes(b"left over")
    with pytest.raises(JournalBroken, match=r"a\.journal, line 2: damaged") as caught:
        await remembered(spec)
    assert (caught.value.line, caught.value.path) == (2, spec.path)
    assert (spec.path.read_bytes(), heir.read_bytes()) == (damaged, b"left over")
    assert stat.S_IMODE(spec.path.stat().st_mode) == 0o640
    spec.path.write_bytes(records.write(opened("a")))
    assert await remembered(spec) == ["i-a"]  # so its lock is gone
    assert not heir.exists()


WHOLE = records.write(opened("a")), records.write(opened("b")), records.write(settled("a", "币"))
TEXT = b"".join(WHOLE)


@given(st.integers(0, len(TEXT)), st.integers(0, 40), st.booleans())
@settings(max_examples=60)
def test_wherever_it_was_cut_it_is_good_and_written_on(end: int, zeros: int, again: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        spec = JournalSpec(Path(folder) / "a.journal", "os")
        spec.path.write_bytes(TEXT[:end] + b"\0" * zeros)
        lines = [whole for number, whole in enumerate(WHOLE) if sum(map(len, WHOLE[: number + 1])) <= end]
        good = [["i-a"], ["i-a", "i-b"], ["i-b"]][len(lines) - 1] if lines else []

        async def reopen() -> None:
            async with open_journal(spec) as journal:
                assert ids(journal) == good
                assert spec.path.read_bytes().startswith(b"".join(lines) + b'{"v":1,"kind":"started"')
                journal.note(opened("c"))
            assert await remembered(spec) == [*good, "i-c"]

        trio.run(reopen)


# ------------------------------------------------------------------------------------------------------- written anew


async def grow(journal: Journal, times: int = 40, prefix: str = "") -> None:
    """Note much that is over, and wait until it has been written anew."""
    before = journal.statistics().written_anew
    for number in range(times):
        journal.note(opened(f"{prefix}{number}"), settled(f"{prefix}{number}", "x" * 2_000))
    while journal.statistics().written_anew == before:
        await trio.lowlevel.checkpoint()


async def test_a_file_is_written_anew_when_most_of_it_is_over(spec: JournalSpec) -> None:
    async with open_journal(spec) as journal, trio.open_nursery() as nursery:
        nursery.start_soon(journal.run)
        journal.note(opened("a"))
        for round in range(3):
            await grow(journal, prefix=f"{round}-")
        assert spec.path.stat().st_size == journal.statistics().size < 20_000
        assert stat.S_IMODE(spec.path.stat().st_mode) == 0o600
        await journal.wait_durable(journal.note(opened("b")))
        nursery.cancel_scope.cancel()
    assert await remembered(spec) == ["i-a", "i-b"]
    assert os.listdir(spec.path.parent) == ["a.journal"]


async def test_a_long_file_is_written_anew_by_the_next_run(spec: JournalSpec) -> None:
    async with open_journal(spec) as journal:
        for number in range(40):
            journal.note(opened(str(number)), settled(str(number), "x" * 2_000))
    assert spec.path.stat().st_size > 80_000
    async with open_journal(spec) as journal, trio.open_nursery() as nursery:
        nursery.start_soon(journal.run)
        while not journal.statistics().written_anew:
            await trio.lowlevel.checkpoint()
        nursery.cancel_scope.cancel()
    assert spec.path.stat().st_size < 1_000


# ------------------------------------------------------------------------------------------------------------- failures


class Bad(Disk):
    """A disk of this machine whose calls fail when told to."""

    def __init__(self) -> None:
        self.full = self.tired = False
        self.short: int | None = None

    def write(self, fd: int, data: bytes) -> int:
        if self.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(fd, data[: self.short])

    def sync(self, fd: int) -> None:
        if self.tired:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        super().sync(fd)


async def test_on_a_full_disk_nothing_more_is_noted_until_it_is_opened_anew(spec: JournalSpec) -> None:
    disk = Bad()
    async with open_journal(spec, disk=disk) as journal:
        before = journal.note(opened("a"))
        disk.full = True
        for _ in range(2):
            with pytest.raises(JournalFailed, match="No space left on device; make room on the disk; until") as caught:
                journal.note(opened("b"))
            assert caught.value.outcome is Outcome.NOT_SENT
            disk.full = False
        assert "make room" in str(journal.statistics().failed)
        with pytest.raises(JournalFailed):
            await journal.wait_durable(before)  # it was not asked for before
    assert await remembered(spec) == ["i-a"]


async def test_what_was_written_in_part_is_an_error_and_cut_off_by_the_next_run(spec: JournalSpec) -> None:
    disk = Bad()
    async with open_journal(spec, disk=disk) as journal:
        journal.note(opened("a"))
        disk.short = 50
        with pytest.raises(JournalFailed, match=r"50 of [0-9]+ bytes were written"):
            journal.note(opened("b"))
        disk.short = None
        with pytest.raises(JournalFailed, match="50 of"):
            journal.note(opened("c"))
    assert await remembered(spec) == ["i-a"]


async def test_what_the_disk_has_refused_once_is_not_asked_for_again(spec: JournalSpec) -> None:
    disk, failed = Bad(), list[str]()
    async with open_journal(spec, disk=disk) as journal:

        async def place(name: str) -> None:
            with pytest.raises(JournalFailed, match="Input/output error; look at the disk") as caught:
                await journal.wait_durable(journal.note(opened(name)))
            failed.append(str(caught.value))

        durable = journal.note(opened("a"))
        await journal.wait_durable(durable)
        disk.tired = True
        async with trio.open_nursery() as nursery:
            for name in "bcd":
                nursery.start_soon(place, name)
        disk.tired = False
        await place("e")
        await journal.wait_durable(durable)
    assert len(failed) == 4


async def test_what_cannot_be_written_is_refused_and_what_is_written_by_half_ends_it(spec: JournalSpec) -> None:
    async with open_journal(spec) as journal:
        odd = Record("opened", START_MS, "i-x", {"price": 0.5})
        with pytest.raises(TypeError, match="no exact JSON"):
            journal.note(odd)
        journal.note(opened("a"))
        with pytest.raises(JournalFailed, match="a record cannot be written: float has no exact JSON"):
            journal.note(opened("b"), odd)
        with pytest.raises(JournalFailed):
            journal.note(opened("c"))
    assert await remembered(spec) == ["i-a"]


async def test_a_journal_that_is_closed_takes_nothing(spec: JournalSpec) -> None:
    async with open_journal(spec) as journal:
        position = journal.note(opened("a"))
    with pytest.raises(JournalFailed, match="it is closed"):
        journal.note(opened("b"))
    with pytest.raises(JournalFailed, match="it is closed"):
        await journal.wait_durable(position)


# ------------------------------------------------------------------------------------------------------------ the end


class Slow(Disk):
    """A disk that syncs when it is let."""

    def __init__(self) -> None:
        self.may = threading.Event()
        self.may.set()
        self.asked = threading.Event()
        self.told: list[str] = []

    def sync(self, fd: int) -> None:
        self.asked.set()
        assert self.may.wait(10)
        super().sync(fd)
        self.told.append("synced")

    def close(self, fd: int) -> None:
        self.told.append("closed")
        super().close(fd)

    async def let(self) -> None:
        """Let it, when all others wait."""
        await trio.testing.wait_all_tasks_blocked()
        self.may.set()


async def test_it_closes_when_the_disk_has_answered(spec: JournalSpec) -> None:
    before, disk = open_files(), Slow()

    async def place(journal: Journal) -> None:
        with pytest.raises(JournalFailed, match="it is closed"):
            await journal.wait_durable(journal.note(opened("a")))
            await journal.wait_durable(journal.note(opened("b")))

    async with trio.open_nursery() as nursery:
        async with open_journal(spec, disk=disk) as journal:
            disk.may.clear()
            disk.asked.clear()
            nursery.start_soon(place, journal)
            await trio.to_thread.run_sync(disk.asked.wait)
            nursery.start_soon(disk.let)
        assert open_files() == before
    assert disk.told == ["synced", "synced", "closed"]


async def test_who_is_cancelled_while_the_disk_works_leaves_the_others_what_it_says(spec: JournalSpec) -> None:
    disk = Slow()
    async with open_journal(spec, disk=disk) as journal:
        disk.may.clear()
        disk.asked.clear()
        first, second = journal.note(opened("a")), journal.note(opened("b"))
        async with trio.open_nursery() as nursery, trio.open_nursery() as others:
            nursery.start_soon(journal.wait_durable, first)
            await trio.to_thread.run_sync(disk.asked.wait)
            others.start_soon(journal.wait_durable, second)
            await trio.testing.wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
            disk.may.set()
        assert journal.statistics().synced == 1
