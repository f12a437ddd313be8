"""An API key as the exchange knows it: what verifies its signatures, whose account it opens and from where."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable
from typing import TYPE_CHECKING, Self, TypeAlias

import attrs
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from trio_binance.config import KeyType

if TYPE_CHECKING:
    from .accounts import Account

Verifier: TypeAlias = Callable[[bytes, str], bool]


@attrs.define(eq=False, repr=False)
class Key:
    """A registered key. Several keys may open one account; ``revoked`` may change at any time."""

    api_key: str
    key_type: KeyType
    account: Account
    _verifier: Verifier
    can_trade: bool = True
    addresses: frozenset[str] | None = None
    """The only addresses it may be used from; ``None`` for any."""
    revoked: bool = False

    def __repr__(self) -> str:
        return f"Key({self.key_type.value}, {self.api_key[:4]}***)"

    @classmethod
    def hmac(cls, api_key: str, secret: str, account: Account) -> Self:
        """Return an HMAC key; the exchange shares its secret."""
        return cls(api_key, KeyType.HMAC, account, _hmac_verifier(secret.encode()))

    @classmethod
    def asymmetric(cls, api_key: str, pem: str | bytes, account: Account, *, passphrase: str | None = None) -> Self:
        """Return an Ed25519 or RSA key from its public key, or from a private key whose public half is kept.

        Raises:
            ValueError: the text is no key, or one of another kind.
        """
        public = _public_key(pem.encode() if isinstance(pem, str) else pem, passphrase)
        if isinstance(public, Ed25519PublicKey):
            return cls(api_key, KeyType.ED25519, account, _ed25519_verifier(public))
        return cls(api_key, KeyType.RSA, account, _rsa_verifier(public))

    def verifies(self, payload: bytes, signature: str) -> bool:
        """Return whether ``signature`` is this key's for exactly these bytes."""
        return self._verifier(payload, signature)


def _public_key(pem: bytes, passphrase: str | None) -> Ed25519PublicKey | RSAPublicKey:
    if b"PRIVATE KEY" in pem:
        private = load_pem_private_key(pem, None if passphrase is None else passphrase.encode())
        if isinstance(private, Ed25519PrivateKey | RSAPrivateKey):
            return private.public_key()
    else:
        public = load_pem_public_key(pem)
        if isinstance(public, Ed25519PublicKey | RSAPublicKey):
            return public
    raise ValueError("pem: expected an Ed25519 or RSA key")


def _hmac_verifier(secret: bytes) -> Verifier:
    def verify(payload: bytes, signature: str) -> bool:
        # "HMAC signatures are not case-sensitive" (SIGNED Endpoint security).
        expected = hmac.new(secret, payload, hashlib.sha256).hexdigest()
        return hmac.compare_digest(expected.encode(), signature.lower().encode())

    return verify


def _ed25519_verifier(public: Ed25519PublicKey) -> Verifier:
    return _base64_verifier(public.verify)


def _rsa_verifier(public: RSAPublicKey) -> Verifier:
    return _base64_verifier(lambda data, payload: public.verify(data, payload, PKCS1v15(), hashes.SHA256()))


def _base64_verifier(check: Callable[[bytes, bytes], None]) -> Verifier:
    def verify(payload: bytes, signature: str) -> bool:
        try:
            check(base64.b64decode(signature, validate=True), payload)
        except (binascii.Error, ValueError, InvalidSignature):
            return False
        return True

    return verify
