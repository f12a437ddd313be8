"""The command line called in this process, as a person calls it."""

from __future__ import annotations

import sys
from collections.abc import Callable

import attrs
import pytest

from trio_binance._cli.app import main


@attrs.frozen
class Result:
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


Cli = Callable[..., Result]


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Cli:
    """Return a function that runs ``trio-binance`` with arguments; colours and keys of the machine are left out."""
    for name in ("BINANCE_API_KEY", "BINANCE_API_SECRET", "BINANCE_ENVIRONMENT", "FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)

    def run(*argv: str) -> Result:
        monkeypatch.setattr(sys, "argv", ["trio-binance", *argv])
        with pytest.raises(SystemExit) as caught:
            main()
        out, err = capfd.readouterr()
        assert isinstance(caught.value.code, int)
        return Result(caught.value.code, out, err)

    return run
