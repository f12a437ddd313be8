"""The journal: what it remembers is asked for in the account that placed it, and in no other."""

from __future__ import annotations

import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from tests._client.world import config_of
from tests._pure.intents.makers import OWNER, START_MS
from tests._services.helpers_journal import open_journal, opened, settled
from tests.canaries import CANARY
from trio_binance._client.open import open_binance
from trio_binance._pure.intents import Ledger, Owner, Record, records
from trio_binance.config import Credentials, JournalSpec
from trio_binance.errors import JournalFailed, Outcome

NEW_KEY = Owner.of(OWNER.environment, "a new key")
ELSEWHERE = Owner.of("production", "a key")
KEYLESS = Owner.of(OWNER.environment, None)
UNDECIDED = records.write(opened("a"))
OVER = UNDECIDED + records.write(settled("a"))


def file_of(folder: Path, owner: Owner | None = OWNER, text: bytes = UNDECIDED) -> JournalSpec:
    """Return the journal that an earlier run of an owner has left."""
    spec = JournalSpec(folder / "a.journal")
    start = Record("started", START_MS, "") if owner is None else records.started("", owner, START_MS)
    spec.path.write_bytes(records.write(start) + text)
    spec.path.chmod(0o640)
    return spec


def owner_in(spec: JournalSpec) -> Owner | None:
    return Ledger.read([spec.path.read_bytes()]).owner


async def remembered(spec: JournalSpec, owner: Owner = OWNER) -> list[str]:
    async with open_journal(spec, owner=owner) as journal:
        return [one.intent.intent_id for one in journal.remembered]


async def refusal(spec: JournalSpec, owner: Owner) -> str:
    """Return why a journal was refused; it must have been left as it was, for its owner to have."""
    heir = spec.path.with_name("a.journal.heir")
    heir.write_bytes(b"left over")
    before = spec.path.read_bytes()
    with pytest.raises(JournalFailed) as caught:
        await remembered(spec, owner)
    assert type(caught.value) is JournalFailed
    assert (caught.value.outcome, caught.value.path) == (Outcome.NOT_SENT, spec.path)
    assert (spec.path.read_bytes(), heir.read_bytes()) == (before, b"left over")
    assert stat.S_IMODE(spec.path.stat().st_mode) == 0o640
    assert await remembered(spec) == ["i-a"]  # so its lock is gone
    return caught.value.reason


async def test_what_another_key_has_open_is_refused(tmp_path: Path) -> None:
    assert await refusal(file_of(tmp_path), NEW_KEY) == (
        f"it remembers 1 open or undecided requests of 'sandbox' (key {OWNER.key}), and this is 'sandbox' (key "
        f"{NEW_KEY.key}); use a journal of its own for each account, or JournalSpec(path, adopt=True) if this key has "
        "replaced that one of the same account"
    )


@pytest.mark.parametrize("adopt", (True, False))
async def test_what_another_environment_has_open_is_always_refused(tmp_path: Path, adopt: bool) -> None:
    spec = JournalSpec(file_of(tmp_path).path, adopt=adopt)
    reason = await refusal(spec, ELSEWHERE)
    assert f"requests of 'sandbox' (key {OWNER.key}), and this is 'production' (key {OWNER.key}); use" in reason
    assert "adopt" not in reason


@pytest.mark.parametrize("adopt", (True, False))
async def test_who_has_no_key_adopts_nothing(tmp_path: Path, adopt: bool) -> None:
    reason = await refusal(JournalSpec(file_of(tmp_path).path, adopt=adopt), KEYLESS)
    assert "and this is 'sandbox' (no key); use a journal" in reason
    assert "adopt" not in reason


@pytest.mark.parametrize("verdict", ("absent", "unresolved"))
async def test_what_is_undecided_or_may_come_back_counts_as_open(tmp_path: Path, verdict: str) -> None:
    told: dict[str, Any] = {"part": "whole", "verdict": verdict, "reason": "", "why": []}
    spec = file_of(tmp_path, text=UNDECIDED + records.write(Record("settled", START_MS, "i-a", told)))
    assert "it remembers 1 open or undecided" in await refusal(spec, NEW_KEY)


async def test_an_exchanged_key_of_the_same_account_is_adopted_once(tmp_path: Path) -> None:
    spec = file_of(tmp_path)
    assert await remembered(JournalSpec(spec.path, adopt=True), NEW_KEY) == ["i-a"]
    assert owner_in(spec) == NEW_KEY
    assert await remembered(spec, NEW_KEY) == ["i-a"]
    with pytest.raises(JournalFailed, match=f"of 'sandbox' .key {NEW_KEY.key}., and this is"):
        await remembered(spec)


@pytest.mark.parametrize("other", (NEW_KEY, ELSEWHERE, KEYLESS))
@pytest.mark.parametrize("text", (b"", OVER), ids=("empty", "over"))
async def test_a_journal_that_remembers_nothing_is_anybodys(tmp_path: Path, other: Owner, text: bytes) -> None:
    spec = file_of(tmp_path, text=text)
    async with open_journal(spec, owner=other) as journal:
        journal.note(opened("b"))
    assert await remembered(spec, other) == ["i-b"]
    with pytest.raises(JournalFailed, match="1 open or undecided"):
        await remembered(spec)


async def test_a_journal_that_does_not_say_whose_it_is_is_taken_over(tmp_path: Path) -> None:
    spec = file_of(tmp_path, None)
    assert await remembered(spec) == ["i-a"]
    assert owner_in(spec) == OWNER


async def test_a_journal_written_anew_is_still_its_owners(tmp_path: Path) -> None:
    spec = file_of(tmp_path)
    async with open_journal(spec) as journal, trio.open_nursery() as nursery:
        nursery.start_soon(journal.run)
        for number in range(40):
            journal.note(opened(str(number)), settled(str(number), "x" * 2_000))
        while not journal.statistics().written_anew:
            await trio.lowlevel.checkpoint()
        nursery.cancel_scope.cancel()
    assert spec.path.read_bytes().count(b'"started"') == 1
    assert owner_in(spec) == OWNER
    with pytest.raises(JournalFailed, match=OWNER.key):
        await remembered(spec, NEW_KEY)


# --------------------------------------------------------------------------------------------------- the whole system


@asynccontextmanager
async def connector(path: Path, api_key: str, **more: Any) -> AsyncIterator[None]:
    keys = Credentials.hmac(api_key, "secret")
    config = config_of(credentials=keys, journal=JournalSpec(path, "os", **more))
    async with open_binance(config):
        yield


async def test_a_connector_with_another_key_does_not_start_on_a_journal_and_shows_no_key(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    path, key, other = tmp_path / "a.journal", f"first-{CANARY}", f"second-{CANARY}"
    async with connector(path, key):
        pass
    with path.open("ab") as file:
        file.write(UNDECIDED)
    with pytest.raises(JournalFailed, match="use a journal of its own for each account") as caught:
        async with connector(path, other):
            raise AssertionError("it runs")
    assert Owner.of("sandbox", key).key in str(caught.value)
    async with connector(path, other, adopt=True):
        pass
    assert owner_in(JournalSpec(path)) == Owner.of("sandbox", other)
    for text in (path.read_text("utf-8"), str(caught.value), repr(caught.value), repr(owner_in(JournalSpec(path)))):
        assert CANARY not in text
