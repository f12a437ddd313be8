"""The journal: whatever ends the program, and between whichever two calls of the system, nothing is lost."""

from __future__ import annotations

import errno
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio
import trio.testing

from tests._services.helpers_journal import PATH, open_journal, opened, settled
from tests.disk import MemoryDisk
from trio_binance._pure.intents import Ledger
from trio_binance._services.journal import Journal
from trio_binance.config import JournalSpec
from trio_binance.errors import JournalFailed

ROUNDS = 18
WORDS = "x" * 7_000
"""What makes a journal of a few orders worth to be written anew."""


@attrs.define
class Story:
    """What has been asked of a journal, what it took, and what it called durable: names of orders."""

    asked: set[str] = attrs.field(factory=set)
    noted: set[str] = attrs.field(factory=set)
    durable: set[str] = attrs.field(factory=set)
    over_asked: set[str] = attrs.field(factory=set)
    over_noted: set[str] = attrs.field(factory=set)
    over_durable: set[str] = attrs.field(factory=set)

    def open(self, journal: Journal, name: str) -> int:
        self.asked.add(name)
        position = journal.note(opened(name))
        self.noted.add(name)
        return position

    def end(self, journal: Journal, name: str) -> int:
        self.over_asked.add(name)
        position = journal.note(settled(name, WORDS))
        self.over_noted.add(name)
        return position

    def check(self, disk: MemoryDisk, told: set[str], over: set[str]) -> None:
        """All that was told and may not be over is there; nothing is that was never asked for, or surely is over."""
        ledger = Ledger.read([bytes(disk.names[PATH].data)] if PATH in disk.names else [])
        there = {one.intent.intent_id[2:] for one in ledger.remembered}
        assert told - self.over_asked <= there <= self.asked - over

    def check_kill(self, disk: MemoryDisk) -> None:
        self.check(disk.after_kill(), self.noted, self.over_noted)

    def check_power_cuts(self, disk: MemoryDisk) -> None:
        for left in disk.after_power_cuts():
            self.check(left, self.durable, self.over_durable)


async def trade(journal: Journal, story: Story, first: int = 0, step: int = 1) -> None:
    """Place orders one after another; most are over soon."""
    for number in range(first, ROUNDS, step):
        name = f"order-{number}"
        await journal.wait_durable(story.open(journal, name))
        story.durable.add(name)
        if number % 5:
            await journal.wait_durable(story.end(journal, name))
            story.over_durable.add(name)


async def run(disk: MemoryDisk, fsync: Any, story: Story, traders: int = 1) -> None:
    async with open_journal(JournalSpec(PATH, fsync), disk=disk) as journal:
        async with trio.open_nursery() as nursery:
            await nursery.start(journal.run)
            async with trio.open_nursery() as market:
                for first in range(traders):
                    market.start_soon(trade, journal, story, first, traders)
            nursery.cancel_scope.cancel()


@pytest.mark.parametrize("traders", [1, 3])
@pytest.mark.parametrize("fsync", ["always", "os"])
def test_between_any_two_calls_of_the_system_nothing_is_lost(fsync: str, traders: int) -> None:
    disk, story, calls = MemoryDisk(), Story(), list[str]()

    def look(call: str) -> None:
        calls.append(call)
        story.check_kill(disk)
        if fsync == "always":
            story.check_power_cuts(disk)

    disk.before = look
    trio.run(run, disk, fsync, story, traders)
    assert calls.count("rename") == 1
    assert not disk.open_files
    assert [*disk.names] == [PATH]
    look("the end")


@pytest.mark.parametrize("fsync", ["always", "os"])
def test_what_is_noted_between_any_two_calls_that_write_it_anew_is_not_lost(fsync: Any) -> None:
    """The calls are made in a thread: what is noted meanwhile is noted by another, who waits for it as well."""
    disk, story, extra = MemoryDisk(), Story(), list[str]()

    async def wait(journal: Journal, name: str, position: int) -> None:
        await journal.wait_durable(position)
        story.durable.add(name)

    async def main() -> None:
        async with open_journal(JournalSpec(PATH, fsync), disk=disk) as journal, trio.open_nursery() as nursery:

            def meddle(call: str) -> None:
                story.check_kill(disk)
                if call != "write" and len(extra) < 60:
                    extra.append(f"extra-{len(extra)}")
                    nursery.start_soon(wait, journal, extra[-1], story.open(journal, extra[-1]))
                    story.check_kill(disk)
                if fsync == "always":
                    story.check_power_cuts(disk)

            await nursery.start(journal.run)
            disk.before = meddle
            await trade(journal, story)
            await trio.testing.wait_all_tasks_blocked()
            assert journal.statistics().written_anew >= 1
            disk.before = lambda _call: None
            nursery.cancel_scope.cancel()

    trio.run(main)
    story.check_kill(disk)
    assert len(extra) > 5


def calls_of(fsync: str) -> list[str]:
    disk, calls = MemoryDisk(), list[str]()
    disk.before = calls.append
    trio.run(run, disk, fsync, Story())
    return calls


FAULTS = (errno.ENOSPC, errno.EIO, "short")


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("fsync", ["always", "os"])
def test_whichever_call_fails_it_fails_closed_or_goes_on_and_loses_nothing(fsync: str, fault: Any) -> None:
    steps = [number for number, call in enumerate(calls_of(fsync)) if fault != "short" or call == "write"]
    endings: set[bool] = set()
    for step in steps:
        disk, story = MemoryDisk(), Story()
        endings.add(spoilt(disk, fsync, story, step, fault))
        story.check_kill(disk)
        if fsync == "always":
            story.check_power_cuts(disk)
        assert not disk.open_files
        left = disk.after_kill()
        trio.run(run_again, left)
        assert [*left.names] == [PATH]
    assert True in endings


def spoilt(disk: MemoryDisk, fsync: str, story: Story, step: int, fault: Any) -> bool:
    """Run with one call that fails; return whether that was the end of the run."""
    calls = 0

    def fail(_call: str) -> None:
        nonlocal calls
        calls += 1
        if calls == step + 1 and fault == "short":
            disk.short = 7
        elif calls == step + 1:
            raise OSError(fault, os.strerror(fault))

    disk.before = fail
    try:
        trio.run(run, disk, fsync, story)
    except (JournalFailed, BaseExceptionGroup) as exc:
        if not is_failure(exc):
            raise
        return True
    finally:
        disk.before = lambda _call: None
    return False


def is_failure(exc: BaseException) -> bool:
    if isinstance(exc, BaseExceptionGroup):
        return all(map(is_failure, exc.exceptions))
    return isinstance(exc, JournalFailed)


async def run_again(disk: MemoryDisk) -> None:
    async with open_journal(JournalSpec(PATH), disk=disk) as journal:
        await journal.wait_durable(journal.note(opened("the next run")))


class OneFile(MemoryDisk):
    """A disk that does not take the first text of a second file."""

    refuse: Callable[[str], None]

    def write(self, fd: int, data: bytes) -> int:
        if not self.open_files[fd].inode.data and len(self.open_files) == 2:
            self.refuse("text")
        return super().write(fd, data)


@pytest.mark.parametrize("call", ["open", "lock", "keep_private", "text", "sync"])
def test_where_the_disk_takes_no_second_file_it_goes_on_with_the_first(call: str) -> None:
    disk, story, failed = OneFile(), Story(), list[str]()

    async def main() -> None:
        async with open_journal(JournalSpec(PATH, "os"), disk=disk) as journal, trio.open_nursery() as nursery:

            def fail(each: str) -> None:
                if each == call and not failed and (call == "open" or len(disk.open_files) == 2):
                    failed.append(call)
                    raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))

            await nursery.start(journal.run)
            disk.before = disk.refuse = fail
            await trade(journal, story)
            await trio.testing.wait_all_tasks_blocked()
            told = journal.statistics()
            assert (told.written_anew, told.kept_long, told.failed) == (0 if call in ("text", "sync") else 1, 1, None)
            assert [*disk.names] == [PATH]
            for number in range(12):
                name = f"later-{number}"
                story.open(journal, name)
                story.end(journal, name)
            await trio.testing.wait_all_tasks_blocked()
            assert journal.statistics().written_anew >= 1
            nursery.cancel_scope.cancel()

    trio.run(main)
    story.check_kill(disk)
    assert failed == [call]


def test_once_it_has_failed_it_takes_nothing_whatever_else_goes_on() -> None:
    """The disk is full for a moment, while the file is written anew: the heir lacks a line that the file has."""
    disk, story = MemoryDisk(), Story()

    async def main() -> None:
        async with open_journal(JournalSpec(PATH), disk=disk) as journal, trio.open_nursery() as nursery:
            await nursery.start(journal.run)
            writes = 0

            def fail(call: str) -> None:
                nonlocal writes
                if call == "write" and len(disk.open_files) == 2:
                    writes += 1
                    if writes == 3:  # the text, a line to the file, the same to the heir
                        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

            def meddle(call: str) -> None:
                fail(call)
                if call == "sync" and len(disk.open_files) == 2 and writes == 1:
                    with pytest.raises(JournalFailed):
                        story.open(journal, "meanwhile")

            disk.before = meddle
            with pytest.raises(JournalFailed):
                await trade(journal, story)
            await trio.testing.wait_all_tasks_blocked()
            assert journal.statistics().written_anew == 0
            nursery.cancel_scope.cancel()

    trio.run(main)
    story.check_kill(disk)
    assert [*disk.names] == [PATH]
    assert not disk.open_files


# -------------------------------------------------------------------------------------------------------- cancellation


@attrs.define(eq=False)
class AtStep(trio.abc.Instrument):
    """Cancels a scope at one step of all tasks."""

    scope: trio.CancelScope
    at: int
    steps: int = 0

    def before_task_step(self, task: object) -> None:
        self.steps += 1
        if self.steps == self.at:
            self.scope.cancel()


@pytest.mark.parametrize("fsync", ["always", "os"])
def test_cancelled_at_any_step_it_leaves_no_file_open_and_loses_nothing(fsync: str) -> None:
    def run_until(step: int) -> int:
        disk, story = MemoryDisk(), Story()

        async def main() -> int:
            with trio.CancelScope() as scope:
                counter = AtStep(scope, step)
                trio.lowlevel.add_instrument(counter)
                await run(disk, fsync, story)
            return counter.steps

        steps = trio.run(main)
        assert not disk.open_files
        assert {*disk.names} <= {PATH}
        story.check_kill(disk)
        if fsync == "always":
            story.check_power_cuts(disk)
        return steps

    steps = run_until(0)
    for step in range(1, steps, 3):
        run_until(step)


# ---------------------------------------------------------------------------------------------------------- kill -9

PROGRAM = """
import os, sys, trio
from tests._services.helpers_journal import open_journal, opened, settled
from trio_binance.config import JournalSpec

async def trade(journal, name):
    number = 0
    while True:
        number += 1
        order = f"{name}-{number}"
        await journal.wait_durable(journal.note(opened(order)))
        print("+", order, flush=True)
        if number % 10:
            print("-", order, flush=True)
            journal.note(settled(order, "x" * 7_000))

async def main(path, name, fsync):
    print(os.getpid(), flush=True)
    async with open_journal(JournalSpec(path, fsync)) as journal, trio.open_nursery() as nursery:
        nursery.start_soon(journal.run)
        for each in range(4):
            nursery.start_soon(trade, journal, f"{name}-{each}")

for line in sys.stdin:
    if not os.fork():
        trio.run(main, *line.rstrip().split("|"))
    os.wait()
    print("killed", flush=True)
"""


def life(program: subprocess.Popen[str], path: Path, name: str, fsync: str, number: int) -> list[str]:
    """Let the program run in a process of its own, kill it when it has told so many lines; return all that it told."""
    told, asked = program.stdout, program.stdin
    assert told is not None
    assert asked is not None
    print(path, name, fsync, sep="|", file=asked, flush=True)
    pid = int(told.readline())
    lines = [told.readline() for _ in range(number)]
    os.kill(pid, signal.SIGKILL)
    return [line.strip() for line in (*lines, *iter(told.readline, "killed\n"))]


async def lives(program: subprocess.Popen[str], path: Path) -> None:
    lot, told, over = random.Random(5), set[str](), set[str]()
    for number in range(8):
        lines = life(program, path, f"life-{number}", "os" if number % 2 else "always", lot.randint(1, 120))
        told |= {line[2:] for line in lines if line[0] == "+"}
        over |= {line[2:] for line in lines if line[0] == "-"}
        async with open_journal(JournalSpec(path)) as journal:
            there = {one.intent.intent_id[2:] for one in journal.remembered}
        assert told - over <= there
        assert len(there) <= len(told - over) + 8 * (number + 1)  # and of each task what it had not told of yet
        assert os.listdir(path.parent) == ["a.journal"]


def test_whoever_kills_it_and_whenever_what_it_called_durable_is_there(tmp_path: Path) -> None:
    command, root = [sys.executable, "-c", PROGRAM], Path(__file__).parents[2]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=root, text=True) as program:
        try:
            trio.run(lives, program, tmp_path / "a.journal")
        finally:
            program.kill()
