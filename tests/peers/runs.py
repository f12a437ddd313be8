"""The runs: which client, over which wire, with which kind of key; each with an account of its own."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE
from typing import Any, Final

import attrs
import trio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from trio_binance.sandbox import Sandbox
from trio_binance.sandbox.accounts import Account
from trio_binance.sandbox.keys import Key
from trio_binance.sandbox.serve import FUNDS

DEADLINE: Final = 120.0
"""Seconds for a run; its steps have shorter ones of their own."""
ROOT: Final = Path(__file__).parents[2]
PEERS: Final = {"python-binance": "python_binance", "binance-sdk-spot": "sdk_spot", "ccxt": "ccxt_pro"}
"""Environments, and the adapters that run in them."""
KEYS: Final = ("HMAC", "ED25519", "RSA")
WAYS: Final = ("rest", "ws_api")


@attrs.frozen
class Run:
    """One client's play."""

    peer: str
    way: str
    key_type: str

    @property
    def name(self) -> str:
        """The name of its key and its account."""
        return f"{self.peer}-{self.way}-{self.key_type}".lower()


@attrs.define
class Played:
    """What came of a run."""

    run: Run
    version: str = ""
    steps: list[str] = attrs.field(factory=list)
    """The steps that went well."""
    failed: str = ""
    """The step that went wrong, and how."""
    facts: dict[str, Any] | None = None
    notes: list[str] = attrs.field(factory=list)
    """What the client itself gets wrong."""
    complaints: str = ""
    """What it wrote to standard error."""

    def take(self, line: dict[str, Any]) -> None:
        """Take note of a line that the client printed."""
        self.version = line.get("version", self.version)
        self.facts = line.get("facts", self.facts)
        if "note" in line:
            self.notes.append(line["note"])
        if line.get("ok"):
            self.steps.append(line["step"])
        elif "step" in line:
            self.failed = f"{line['step']}: {line['why']}"


def all_runs() -> Iterator[Run]:
    """Return every client with every wire and every kind of key."""
    for peer in PEERS:
        for way in WAYS:
            for key_type in KEYS:
                yield Run(peer, way, key_type)


def make_secret(key_type: str) -> str:
    """Return a new secret: of an HMAC key, or a private key as PEM."""
    if key_type == "HMAC":
        return "a-secret-that-nobody-has-but-this-run"
    private = Ed25519PrivateKey.generate() if key_type == "ED25519" else generate_private_key(65537, 2048)
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def register(sandbox: Sandbox, run: Run, secret: str) -> Account:
    """Open the run's account on the exchange, known by its key."""
    account = sandbox.market.open_account(run.name, FUNDS)
    key = Key.hmac(run.name, secret, account) if run.key_type == "HMAC" else Key.asymmetric(run.name, secret, account)
    sandbox.exchange.keys[run.name] = key
    return account


async def play(sandbox: Sandbox, run: Run, python: Path, secret: str, key_file: Path) -> Played:
    """Let the client play in its own environment."""
    await trio.Path(key_file).write_text(secret)
    environment = sandbox.environment
    assert environment.ws_api_url is not None
    job = {
        "rest": environment.rest_url,
        "streams": environment.stream_url,
        "ws_api": environment.ws_api_url,
        "way": run.way,
        "key_type": run.key_type,
        "api_key": run.name,
        "secret": secret,
        "key_file": str(key_file),
    }
    played = Played(run)
    if not await trio.Path(python).exists():
        played.failed = "it is not installed"
        return played
    with trio.move_on_after(DEADLINE) as scope:
        async with trio.open_nursery() as nursery:
            await _talk(nursery, [str(python), "-m", f"tests.peers.clients.{PEERS[run.peer]}"], job, played)
    if scope.cancelled_caught:
        played.failed = f"killed after {DEADLINE:g} s"
    elif played.facts is None and not played.failed:
        played.failed = (played.complaints.strip().splitlines() or ["it said nothing"])[-1]
    return played


async def _talk(nursery: trio.Nursery, command: list[str], job: dict[str, str], played: Played) -> None:
    process: trio.Process = await nursery.start(_start, command)
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    nursery.start_soon(_complain, process.stderr, played)
    await process.stdin.send_all(json.dumps(job).encode() + b"\n")
    said = b"".join([bytes(part) async for part in process.stdout])
    for line in said.splitlines():
        if line.startswith(b"{"):
            played.take(json.loads(line))


async def _start(command: list[str], *, task_status: trio.TaskStatus[trio.Process]) -> None:
    direct = {**os.environ, "NO_PROXY": "*", "no_proxy": "*"}
    await trio.run_process(
        command, stdin=PIPE, stdout=PIPE, stderr=PIPE, check=False, cwd=ROOT, env=direct, task_status=task_status
    )


async def _complain(stream: trio.abc.ReceiveStream, played: Played) -> None:
    async for part in stream:
        played.complaints += bytes(part).decode(errors="replace")
