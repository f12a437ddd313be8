"""The keys: three kinds that sign as others verify, and refusals that give nothing away."""

from __future__ import annotations

import pickle
import shutil
import subprocess
import traceback
from base64 import b64decode
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from trio_binance._pure.keys import _check_size, signer_for
from trio_binance.config import Credentials, KeyType, Secret
from trio_binance.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
CANARY = "canary-7f3a-of-the-secret"
RSA = rsa.generate_private_key(65537, 2048)
ED = Ed25519PrivateKey.generate()


def pem(
    key: rsa.RSAPrivateKey | Ed25519PrivateKey | ec.EllipticCurvePrivateKey,
    passphrase: str | None = None,
    form: PrivateFormat = PrivateFormat.PKCS8,
) -> str:
    lock = NoEncryption() if passphrase is None else BestAvailableEncryption(passphrase.encode())
    return key.private_bytes(Encoding.PEM, form, lock).decode()


def public_pem(key: rsa.RSAPrivateKey | Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def everything_said(error: BaseException) -> str:
    """Return all that a logger could print of an error and what it is chained to."""
    said = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    chain: list[BaseException] = [error]
    while linked := chain[-1].__cause__ or chain[-1].__context__:
        chain.append(linked)
    return said + "".join(f"{each!s}{each!r}{each.args!r}{vars(each)!r}" for each in chain)


def refusal(credentials: Credentials) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        signer_for(credentials)
    # Only frames of the package itself count: this test holds the secret.
    caught.value.__traceback__ = caught.tb.tb_next
    return caught.value


# ------------------------------------------------------------------------------------------------ signatures


@pytest.mark.parametrize(
    ("seed", "message", "signature"),
    [  # RFC 8032, section 7.1, tests 1 to 3
        ("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "",
         ("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
          "d25bf5f0595bbe24655141438e7a100b")),
        ("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", "72",
         ("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
          "387b2eaeb4302aeeb00d291612bb0c00")),
        ("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7", "af82",
         ("6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659"
          "4a7c15e9716ed28dc027beceea1ec40a")),
    ],
)  # fmt: skip
def test_ed25519_signs_as_rfc_8032_shows(seed: str, message: str, signature: str) -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed))
    signer = signer_for(Credentials.ed25519(KEY, pem(key)))
    assert b64decode(signer.sign(bytes.fromhex(message)), validate=True).hex() == signature


@given(st.binary(max_size=200))
def test_what_ed25519_signs_its_public_key_verifies(payload: bytes) -> None:
    signature = signer_for(Credentials.ed25519(KEY, pem(ED))).sign(payload)
    assert len(signature) == 88
    ED.public_key().verify(b64decode(signature, validate=True), payload)
    with pytest.raises(InvalidSignature):
        ED.public_key().verify(b64decode(signature), payload + b"!")


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_what_rsa_signs_its_public_key_verifies_with_pkcs1_v15_and_sha256(form: PrivateFormat) -> None:
    signer = signer_for(Credentials.rsa(KEY, pem(RSA, form=form)))
    signature = b64decode(signer.sign(b"a=1&b=2"), validate=True)
    RSA.public_key().verify(signature, b"a=1&b=2", padding.PKCS1v15(), SHA256())
    assert signer.sign(b"a=1&b=2") == signer.sign(b"a=1&b=2")


@pytest.mark.parametrize(("make", "key"), [(Credentials.rsa, RSA), (Credentials.ed25519, ED)], ids=["rsa", "ed25519"])
def test_an_encrypted_key_opens_with_its_passphrase(
    make: Callable[..., Credentials], key: rsa.RSAPrivateKey | Ed25519PrivateKey
) -> None:
    locked = signer_for(make(KEY, pem(key, CANARY), passphrase=CANARY))
    assert locked.sign(b"x") == signer_for(make(KEY, pem(key))).sign(b"x")


def test_an_empty_passphrase_is_none() -> None:
    assert signer_for(Credentials.ed25519(KEY, pem(ED), passphrase="")).sign(b"x")


def openssl(*arguments: str) -> bytes:
    tool = shutil.which("openssl")
    if tool is None:
        pytest.skip("no openssl on this machine")
    return subprocess.run([tool, *arguments], check=True, capture_output=True).stdout


def test_openssl_signs_with_hmac_as_we_do(tmp_path: Path) -> None:
    payload = tmp_path / "payload"
    payload.write_bytes(b"symbol=LTCBTC&timestamp=1499827319559")
    said = openssl("dgst", "-sha256", "-hmac", "the-secret", str(payload)).decode().split()[-1]
    assert signer_for(Credentials.hmac(KEY, "the-secret")).sign(payload.read_bytes()) == said


def test_openssl_signs_with_rsa_as_we_do(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(pem(RSA))
    (tmp_path / "payload").write_bytes(b"symbol=LTCBTC&timestamp=1499827319559")
    said = openssl("dgst", "-sha256", "-sign", str(tmp_path / "key"), str(tmp_path / "payload"))
    ours = signer_for(Credentials.rsa(KEY, pem(RSA))).sign((tmp_path / "payload").read_bytes())
    assert b64decode(ours) == said


def test_openssl_signs_with_ed25519_as_we_do(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(pem(ED))
    (tmp_path / "payload").write_bytes(b"symbol=LTCBTC&timestamp=1499827319559")
    said = openssl(
        "pkeyutl", "-sign", "-rawin", "-inkey", str(tmp_path / "key"), "-in", str(tmp_path / "payload")
    )  # fmt: skip
    ours = signer_for(Credentials.ed25519(KEY, pem(ED))).sign((tmp_path / "payload").read_bytes())
    assert b64decode(ours) == said


# -------------------------------------------------------------------------------------------------- refusals


def test_a_key_of_another_kind_is_named_together_with_what_to_use() -> None:
    assert "an RSA key (use Credentials.rsa)" in str(refusal(Credentials.ed25519(KEY, pem(RSA))))
    assert "an Ed25519 key (use Credentials.ed25519)" in str(refusal(Credentials.rsa(KEY, pem(ED))))
    curve = ec.generate_private_key(ec.SECP256R1())
    assert "does not take" in str(refusal(Credentials.rsa(KEY, pem(curve))))


def test_a_public_key_is_refused_as_such() -> None:
    assert "public key" in str(refusal(Credentials.rsa(KEY, public_pem(RSA))))
    assert "public key" in str(refusal(Credentials.ed25519(KEY, public_pem(ED))))


def test_a_certificate_and_an_openssh_key_are_refused_as_such() -> None:
    certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    assert "certificate" in str(refusal(Credentials.rsa(KEY, certificate)))
    openssh = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n"
    assert "PKCS#8" in str(refusal(Credentials.ed25519(KEY, openssh)))


def test_passphrases_are_asked_for_missed_and_found_superfluous() -> None:
    locked = pem(ED, CANARY)
    assert str(refusal(Credentials.ed25519(KEY, locked))).startswith("passphrase: the key is encrypted")
    wrong = Credentials.ed25519(KEY, locked, passphrase="not it")
    assert str(refusal(wrong)).startswith("passphrase: wrong")
    needless = Credentials.ed25519(KEY, pem(ED), passphrase=CANARY)
    assert str(refusal(needless)).startswith("passphrase: given")


def test_an_hmac_secret_that_is_a_pem_is_refused() -> None:
    assert "Credentials.ed25519" in str(refusal(Credentials.hmac(KEY, pem(ED))))


def test_an_rsa_key_of_a_size_that_the_exchange_does_not_take_is_refused() -> None:
    assert "1024 bits" in str(refusal(Credentials.rsa(KEY, pem(rsa.generate_private_key(65537, 1024)))))
    # Making a key of more than 4096 bits takes seconds; only its size is looked at.
    for bits in (2047, 4097):
        with pytest.raises(ConfigError, match=f"{bits} bits"):
            _check_size(SimpleNamespace(key_size=bits))  # type: ignore[arg-type]
    for bits in (2048, 4096):
        assert _check_size(SimpleNamespace(key_size=bits)).key_size == bits  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [KeyType.RSA, KeyType.ED25519])
@pytest.mark.parametrize(
    "text",
    [
        f"-----BEGIN PRIVATE KEY-----\n{CANARY}\n-----END PRIVATE KEY-----\n",
        f"-----BEGIN PRIVATE KEY-----\n{CANARY}",
        f"-----BEGIN ENCRYPTED PRIVATE KEY-----\n{CANARY}\n-----END ENCRYPTED PRIVATE KEY-----\n",
        f"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\n{CANARY}\n-----END RSA PRIVATE KEY-----\n",
        f"-----BEGIN {CANARY}-----\nAAAA\n-----END {CANARY}-----\n",
    ],
    ids=["damaged", "cut", "encrypted", "old encryption", "unknown label"],
)
@pytest.mark.parametrize("passphrase", [None, f"pass-{CANARY}"])
def test_no_refusal_gives_anything_away(kind: KeyType, text: str, passphrase: str | None) -> None:
    unlock = None if passphrase is None else Secret(passphrase.encode())
    error = refusal(Credentials(KEY, kind, Secret(text.encode()), unlock))
    said = everything_said(error)
    assert "canary" not in said
    assert KEY not in said
    assert error.__cause__ is None
    assert error.__context__ is None


def test_neither_a_wrong_kind_nor_a_wrong_passphrase_gives_anything_away() -> None:
    body = pem(RSA).splitlines()[3]
    assert body not in everything_said(refusal(Credentials.ed25519(KEY, pem(RSA))))
    assert body not in everything_said(refusal(Credentials.hmac(KEY, pem(RSA))))
    said = everything_said(refusal(Credentials.rsa(KEY, pem(RSA, "right"), passphrase=f"wrong-{CANARY}")))
    assert CANARY not in said


@pytest.mark.parametrize(
    "credentials",
    [Credentials.hmac(KEY, CANARY), Credentials.rsa(KEY, pem(RSA)), Credentials.ed25519(KEY, pem(ED))],
    ids=["hmac", "rsa", "ed25519"],
)
def test_a_signer_shows_the_start_of_its_key_and_no_more(credentials: Credentials) -> None:
    signer = signer_for(credentials)
    assert signer.api_key == KEY
    assert signer.key_type is credentials.key_type
    shown = f"{signer!r}{signer}{vars(signer)!r}".replace(f"'api_key': '{KEY}'", "")
    assert "vmPU***" in shown
    assert KEY not in shown
    assert CANARY not in shown
    with pytest.raises(TypeError):
        pickle.dumps(signer)
