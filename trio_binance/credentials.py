"""The credentials: an API key, what signs for it, and the file it may lie in; no secret is ever shown."""

from __future__ import annotations

import enum
import os
import stat
import warnings
from pathlib import Path
from typing import Self

import attrs

from ._checks import check_text, check_type
from .errors import ConfigError

_KEY_FILE_MAX = 64 * 2**10


class KeyType(enum.Enum):
    """The three kinds of API key."""

    HMAC = "HMAC"
    RSA = "RSA"
    ED25519 = "Ed25519"


class InsecureKeyFileWarning(UserWarning):
    """A key file can be read by others on this machine."""


class Secret:
    """Bytes that never show: no repr, str, format, log or pickle contains them; ``reveal()`` is the one way out."""

    __slots__ = ("_value",)

    def __init__(self, value: bytes) -> None:
        self._value = value

    def reveal(self) -> bytes:
        """Return the bytes."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self

    def __reduce__(self) -> str:
        """Refuse: a pickled secret is a secret in a file."""
        raise TypeError("a Secret cannot be pickled")


def mask(api_key: str) -> str:
    """Return the key's first four characters and nothing more: enough to tell two keys apart."""
    return f"{api_key[:4]}***" if len(api_key) > 8 else "***"


@attrs.frozen(repr=False)
class Credentials:
    """An API key and what signs for it. Build it with ``hmac``, ``rsa`` or ``ed25519``; its repr shows no secret."""

    api_key: str
    key_type: KeyType
    secret: Secret
    passphrase: Secret | None = None

    def __attrs_post_init__(self) -> None:
        check_type("key_type", self.key_type, KeyType)
        check_type("secret", self.secret, Secret)
        check_type("passphrase", self.passphrase, (Secret, type(None)))
        if (
            not check_text("api_key", self.api_key)
            or not self.api_key.isascii()
            or not self.api_key.isprintable()
            or " " in self.api_key
        ):
            raise ConfigError("api_key: expected printable ASCII without spaces")
        if not self.secret.reveal():
            raise ConfigError("secret: empty")

    def __repr__(self) -> str:
        return f"Credentials({self.key_type.value}, api_key={mask(self.api_key)!r})"

    @classmethod
    def hmac(cls, api_key: str, secret: str) -> Self:
        """Return credentials of an HMAC key: the secret is the text the exchange showed once."""
        key = check_text("api_key", api_key).strip()
        return cls(key, KeyType.HMAC, _secret("secret", check_text("secret", secret).strip()))

    @classmethod
    def ed25519(cls, api_key: str, pem: str | bytes | Path, *, passphrase: str | None = None) -> Self:
        """Return credentials of an Ed25519 key, the recommended kind; ``pem`` is PKCS#8 text or its file."""
        return cls._asymmetric(KeyType.ED25519, api_key, pem, passphrase)

    @classmethod
    def rsa(cls, api_key: str, pem: str | bytes | Path, *, passphrase: str | None = None) -> Self:
        """Return credentials of an RSA key; ``pem`` is PKCS#8 text or its file."""
        return cls._asymmetric(KeyType.RSA, api_key, pem, passphrase)

    @classmethod
    def _asymmetric(cls, key_type: KeyType, api_key: str, pem: str | bytes | Path, passphrase: str | None) -> Self:
        if isinstance(pem, Path):
            pem = read_key_file(pem)
        data = Secret(pem) if isinstance(pem, bytes) else _secret("pem", pem)
        if b"-----BEGIN" not in data.reveal():
            raise ConfigError("pem: not a PEM text; to read a file give pathlib.Path(...)")
        unlock = None if passphrase is None else _secret("passphrase", passphrase)
        return cls(check_text("api_key", api_key).strip(), key_type, data, unlock)


def _secret(name: str, value: object) -> Secret:
    try:
        return Secret(check_text(name, value).encode())
    except UnicodeEncodeError:
        # Raised below, outside of this block: the codec's own error quotes the whole secret.
        pass
    raise ConfigError(f"{name}: cannot be written in UTF-8")


def read_key_file(path: Path) -> bytes:
    """Return the bytes of a key file, warning when others on this machine can read it.

    Raises:
        ConfigError: the file cannot be read; the message names it, never its content.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            data = file.read(_KEY_FILE_MAX + 1)
    except OSError as exc:
        raise ConfigError(f"key file {str(path)!r}: {exc.strerror}") from exc
    if len(data) > _KEY_FILE_MAX:
        raise ConfigError(f"key file {str(path)!r}: longer than {_KEY_FILE_MAX} bytes; not a key")
    warn_if_readable(path, mode, stacklevel=5)
    return data


def warn_if_readable(path: Path, mode: int, stacklevel: int) -> None:
    """Warn with ``InsecureKeyFileWarning`` of a file whose mode lets others read it.

    Args:
        path: the file; it is not touched.
        mode: its ``st_mode``.
        stacklevel: how far up the caller is whose line the warning names; this function's own is 1.
    """
    if os.name == "posix" and mode & (stat.S_IRGRP | stat.S_IROTH):
        warnings.warn(
            f"{path} can be read by others (mode {stat.S_IMODE(mode):o}); run: chmod 600 {path}",
            InsecureKeyFileWarning,
            stacklevel=stacklevel,
        )
