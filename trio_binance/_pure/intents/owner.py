"""The owner: whose intents a journal holds, so that nobody asks in one account for what was placed in another."""

from __future__ import annotations

from hashlib import sha256

import attrs

_DIGITS = 12


@attrs.frozen
class Owner:
    """An account as far as a connector knows it: the environment's name, and a digest of the API key, never the key.

    Args:
        environment: the environment's name.
        key: the first 12 hexadecimal digits of the key's SHA-256; empty without a key.
    """

    environment: str
    key: str

    @classmethod
    def of(cls, environment: str, api_key: str | None) -> Owner:
        """Return the owner of what is placed with a key."""
        return cls(environment, "" if api_key is None else sha256(api_key.encode()).hexdigest()[:_DIGITS])

    def __str__(self) -> str:
        return f"{self.environment!r} ({f'key {self.key}' if self.key else 'no key'})"

    def adopts(self, other: Owner) -> bool:
        """Tell whether the other may be the same account with a key since exchanged: of one environment, and a key."""
        return self.key != "" and self.environment == other.environment
