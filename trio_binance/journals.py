"""The journal's place: in which file the intents of one account are kept, and when what is written counts as kept."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import attrs

from .errors import ConfigError

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

WAYS = ("always", "os")
_FLAGS = {"true": True, "false": False}
HEIR = ".heir"
"""What the file's name is followed by while it is written anew."""


def _path(value: str | os.PathLike[str]) -> Path:
    try:
        return Path(value)
    except TypeError:
        raise ConfigError(f"journal: {value!r} is no path") from None


def _names_a_file(_instance: Any, _attribute: attrs.Attribute[Any], path: Path) -> None:
    if not path.name or "\0" in str(path):
        raise ConfigError(f"journal: {str(path)!r} names no file")
    if path.name.endswith(HEIR):
        raise ConfigError(f"journal: {str(path)!r}: names that end with {HEIR} are those of journals being rewritten")


def _one_way(_instance: Any, _attribute: attrs.Attribute[Any], value: Any) -> None:
    if value not in WAYS:
        raise ConfigError(f"journal: fsync={value!r}: expected {' or '.join(WAYS)}")


def _flag(_instance: Any, _attribute: attrs.Attribute[Any], value: Any) -> None:
    if not isinstance(value, bool):
        raise ConfigError(f"journal: adopt={value!r}: expected {' or '.join(_FLAGS)}")


@attrs.frozen
class JournalSpec:
    """Where the journal of an account is kept. Each account, and each connector, has one of its own.

    The file is for its owner alone, and is made so. Its folder must be there, on a disk of this machine: the lock by
    which no two programs share a journal is not to be relied upon on a network's.

    Args:
        fsync: when an intent counts as kept: "always", when the disk says that it has it; "os", when the operating
            system has. What the operating system has survives the end of this program in any way, ``kill -9`` too; but
            not that the machine loses its power, or that its kernel fails.
        adopt: take the intents of another key for one's own: it was exchanged for this one, **of the same account**. A
            journal knows its environment and its key. Asked for in another account, orders that are open would be
            called absent; so a journal that remembers any of another key is refused otherwise, of another environment
            always. It is needed once, for the journal is of the new key then.
    """

    path: Path = attrs.field(converter=_path, validator=_names_a_file)
    fsync: Literal["always", "os"] = attrs.field(default="always", validator=_one_way)
    adopt: bool = attrs.field(default=False, validator=_flag, kw_only=True)

    @classmethod
    def from_table(cls, where: str, table: Any, folder: Path) -> JournalSpec:
        """Return what a file in this folder says: a path relative to it, or a table of this class's fields.

        Raises:
            ConfigError: it cannot be used; the message names the key.
        """
        fields = {"path": table} if isinstance(table, str) else table
        if not isinstance(fields, dict) or not _is_spec(fields):
            raise ConfigError(f"{where}: expected a path, or a table of path, fsync and adopt")
        return cls(**{**fields, "path": folder / _expand(where, fields["path"])})

    @classmethod
    def from_env(cls, values: Mapping[str, str]) -> JournalSpec:
        """Return what ``BINANCE_JOURNAL`` says, which is there, and its ``_FSYNC`` and ``_ADOPT``.

        Raises:
            ConfigError: it cannot be used.
        """
        fsync: Any = values.get("BINANCE_JOURNAL_FSYNC", "always").strip().lower()
        word = values.get("BINANCE_JOURNAL_ADOPT", "false").strip().lower()
        adopt: Any = _FLAGS.get(word, word)
        return cls(_expand("BINANCE_JOURNAL", values["BINANCE_JOURNAL"]), fsync, adopt=adopt)


def _is_spec(fields: dict[str, Any]) -> bool:
    return isinstance(fields.get("path"), str) and fields.keys() <= {"path", "fsync", "adopt"}


def to_journal(value: JournalSpec | str | os.PathLike[str] | None) -> JournalSpec | None:
    """Return what stands for a journal: itself, the path of its file, or ``None`` for one in memory.

    Raises:
        ConfigError: it is something else.
    """
    return value if value is None or isinstance(value, JournalSpec) else JournalSpec(value)


def _expand(where: str, path: str) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError as exc:
        raise ConfigError(f"{where}={path!r}: {exc}") from exc
