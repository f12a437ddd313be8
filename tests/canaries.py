"""A key that is none, and what proves that an error shows nothing of its secret."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from trio_binance.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
CANARY = "canary-7f3a"
PEM = f"-----BEGIN PRIVATE KEY-----\n{CANARY}\n-----END PRIVATE KEY-----\n"


def refusal(build: Callable[[], object]) -> str:
    """Return all that is printed of the ConfigError that ``build`` raises, and what it is chained to."""
    with pytest.raises(ConfigError) as caught:
        build()
    error: BaseException | None = caught.value
    said = ""
    while error is not None:
        # A traceback quotes lines of source, which here are full of canaries; the texts are what matters.
        said += "".join(traceback.format_exception_only(error)) + repr(error) + repr(vars(error))
        error = error.__cause__ or error.__context__
    assert CANARY not in said
    return said


def write_key_file(folder: Path) -> Path:
    """Write the PEM to a file that nobody else can read, and return it."""
    path = folder / "key.pem"
    path.write_text(PEM)
    path.chmod(0o600)
    return path
