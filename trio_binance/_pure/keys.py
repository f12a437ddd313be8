"""The keys: what signs, made from credentials; wrong kinds are refused in words that show no secret."""

from __future__ import annotations

import hmac
from base64 import b64encode
from typing import TYPE_CHECKING, final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from trio_binance.config import KeyType, mask
from trio_binance.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

    from trio_binance.config import Credentials, Secret

    from .signing import Signer


class _Key:
    """What the three kinds share: whose key it is, and a repr that shows no more than its start."""

    key_type: KeyType

    def __init__(self, api_key: str) -> None:
        self.api_key = api_key

    def __repr__(self) -> str:
        return f"{type(self).__name__}(api_key={mask(self.api_key)!r})"


@final
class HmacSigner(_Key):
    """HMAC-SHA256 in hex."""

    key_type = KeyType.HMAC

    def __init__(self, api_key: str, secret: Secret) -> None:
        super().__init__(api_key)
        self._secret = secret

    def sign(self, payload: bytes) -> str:
        """Return 64 hexadecimal digits."""
        return hmac.digest(self._secret.reveal(), payload, "sha256").hex()


@final
class RsaSigner(_Key):
    """RSASSA-PKCS1-v1_5 with SHA-256 in base64; "PSS is not supported" (api_key_types.md)."""

    key_type = KeyType.RSA

    def __init__(self, api_key: str, key: RSAPrivateKey) -> None:
        super().__init__(api_key)
        self._key = key

    def sign(self, payload: bytes) -> str:
        """Return base64 of as many bytes as the key has."""
        return b64encode(self._key.sign(payload, PKCS1v15(), SHA256())).decode()


@final
class Ed25519Signer(_Key):
    """Ed25519 in base64: the kind the exchange recommends, and the only one for ``session.logon``."""

    key_type = KeyType.ED25519

    def __init__(self, api_key: str, key: Ed25519PrivateKey) -> None:
        super().__init__(api_key)
        self._key = key

    def sign(self, payload: bytes) -> str:
        """Return 88 characters of base64."""
        return b64encode(self._key.sign(payload)).decode()


def signer_for(credentials: Credentials) -> Signer:
    """Return what signs for these credentials.

    Raises:
        ConfigError: the secret is not what the kind of key needs: a public key, an RSA key given as Ed25519, a wrong
            passphrase. Neither the error nor what it is chained to contains any of it.
    """
    if credentials.key_type is KeyType.HMAC:
        if b"-----BEGIN" in credentials.secret.reveal():
            raise ConfigError("secret: a PEM text is no HMAC secret; use Credentials.ed25519 or Credentials.rsa")
        return HmacSigner(credentials.api_key, credentials.secret)
    key = _load(credentials.secret, credentials.passphrase)
    if credentials.key_type is KeyType.RSA and isinstance(key, RSAPrivateKey):
        return RsaSigner(credentials.api_key, _check_size(key))
    if credentials.key_type is KeyType.ED25519 and isinstance(key, Ed25519PrivateKey):
        return Ed25519Signer(credentials.api_key, key)
    raise ConfigError(f"pem: {_kind(key)}, though the credentials say {credentials.key_type.value}")


def _check_size(key: RSAPrivateKey) -> RSAPrivateKey:
    # "2048 to 4096 bits" (testnet/general-info.md); api_key_types.md names the two ends only.
    if not 2048 <= key.key_size <= 4096:
        raise ConfigError(f"pem: an RSA key of {key.key_size} bits; the exchange takes 2048 to 4096")
    return key


def _kind(key: object) -> str:
    if isinstance(key, RSAPrivateKey):
        return "an RSA key (use Credentials.rsa)"
    if isinstance(key, Ed25519PrivateKey):
        return "an Ed25519 key (use Credentials.ed25519)"
    return "a key of a kind that the exchange does not take (it takes Ed25519 and RSA)"


_NOT_PRIVATE: Mapping[bytes, str] = {
    b"PUBLIC KEY-----": "a public key; the private one signs, the public one is for the exchange's web site",
    b"BEGIN CERTIFICATE": "a certificate; expected a private key",
    b"BEGIN OPENSSH": "an OpenSSH key; convert it to PKCS#8: ssh-keygen -p -m PKCS8 -f <file>",
}


def _load(pem: Secret, passphrase: Secret | None) -> PrivateKeyTypes:
    """Read a private key; whatever cryptography says of it stays inside, for it may quote what it read."""
    password = passphrase is not None and bool(passphrase.reveal())
    try:
        return load_pem_private_key(pem.reveal(), passphrase.reveal() if passphrase and password else None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # Raised below, outside of this block: nothing is chained to it.
        pass
    raise ConfigError(_why(pem, password=password))


def _why(pem: Secret, *, password: bool) -> str:
    for mark, reason in _NOT_PRIVATE.items():
        if mark in pem.reveal():
            return f"pem: {reason}"
    if b"ENCRYPTED" not in pem.reveal():
        return "passphrase: given, though the key is not encrypted" if password else "pem: not a PKCS#8 private key"
    return "passphrase: wrong, or the key is damaged" if password else "passphrase: the key is encrypted; give one"
