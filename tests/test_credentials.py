"""The credentials: no secret is ever shown, and what cannot be a key is refused by name."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import attrs
import pytest

from tests.canaries import CANARY, KEY, PEM, refusal, write_key_file
from trio_binance.config import BinanceConfig
from trio_binance.credentials import Credentials, InsecureKeyFileWarning, KeyType, Secret, mask, read_key_file
from trio_binance.environments import Environment


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    return write_key_file(tmp_path)


# --------------------------------------------------------------------------------------------------- secrets


def test_a_secret_never_shows() -> None:
    secret = Secret(CANARY.encode())
    shown = [repr(secret), str(secret), f"{secret}", f"{secret!s:>30}", "%s %r" % (secret, secret), repr([secret])]  # noqa: UP031 - one of the ways it could show
    shown += [str(attrs.asdict(Credentials.hmac(KEY, CANARY))), str(dir(secret))]
    assert CANARY not in "".join(shown)
    assert secret.reveal() == CANARY.encode()
    assert not hasattr(secret, "__dict__")


def test_a_secret_cannot_be_pickled_but_its_owner_can_be_copied() -> None:
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(BinanceConfig(Environment.TESTNET, Credentials.hmac(KEY, CANARY)))
    config = BinanceConfig(Environment.TESTNET, Credentials.hmac(KEY, CANARY))
    assert copy.deepcopy(config) == copy.copy(config) == config
    secret = Secret(b"x")
    assert copy.copy(secret) is secret


def test_secrets_are_equal_by_value() -> None:
    assert Secret(b"a") == Secret(b"a") != Secret(b"b")
    assert hash(Secret(b"a")) == hash(Secret(b"a"))
    assert Secret(b"a") != b"a"


def test_a_key_is_shown_by_its_first_four_characters() -> None:
    assert mask(KEY) == "vmPU***"
    assert mask("12345678") == "***"
    shown = repr(BinanceConfig(Environment.TESTNET, Credentials.rsa(KEY, PEM, passphrase=CANARY)))
    assert "Credentials(RSA, api_key='vmPU***')" in shown
    assert CANARY not in shown
    assert KEY not in shown


# ----------------------------------------------------------------------------------------------- credentials


def test_each_kind_of_credentials_says_its_kind() -> None:
    hmac = Credentials.hmac(f" {KEY}\n", f" {CANARY}\n")
    assert (hmac.api_key, hmac.key_type, hmac.secret.reveal()) == (KEY, KeyType.HMAC, CANARY.encode())
    rsa = Credentials.rsa(KEY, PEM.encode(), passphrase="p")
    assert (rsa.key_type, rsa.secret.reveal(), rsa.passphrase) == (KeyType.RSA, PEM.encode(), Secret(b"p"))
    assert Credentials.ed25519(KEY, PEM).key_type is KeyType.ED25519


@pytest.mark.parametrize("api_key", ["", "two words", "schlüssel", "a\nb", "a\x00b", None, 5, b"x"])
def test_an_api_key_that_no_header_can_carry_is_refused(api_key: Any) -> None:
    assert "api_key" in refusal(lambda: Credentials.hmac(api_key, CANARY))


@pytest.mark.parametrize("secret", ["", "  \n", None, 5, f"\ud800{CANARY}"])
def test_a_secret_that_is_missing_is_refused_by_name(secret: Any) -> None:
    assert "secret: " in refusal(lambda: Credentials.hmac(KEY, secret))


def test_a_pem_must_be_one() -> None:
    for pem in ("/home/me/key.pem", CANARY, b"", None, 7, f"\ud800{CANARY}"):
        assert "pem: " in refusal(lambda pem=pem: Credentials.ed25519(KEY, pem))  # type: ignore[misc]
    assert "pathlib.Path" in refusal(lambda: Credentials.ed25519(KEY, "key.pem"))
    assert "passphrase: " in refusal(lambda: Credentials.rsa(KEY, PEM, passphrase=5))  # type: ignore[arg-type]


def test_the_constructor_itself_checks_its_types() -> None:
    assert "secret: expected Secret" in refusal(lambda: Credentials(KEY, KeyType.HMAC, CANARY))  # type: ignore[arg-type]
    assert "key_type" in refusal(lambda: Credentials(KEY, "HMAC", Secret(b"x")))  # type: ignore[arg-type]
    assert "passphrase" in refusal(lambda: Credentials(KEY, KeyType.RSA, Secret(b"x"), CANARY))  # type: ignore[arg-type]


def test_a_key_is_read_from_its_file(key_file: Path) -> None:
    assert read_key_file(key_file) == PEM.encode()
    assert Credentials.ed25519(KEY, key_file).secret.reveal() == PEM.encode()


def test_a_key_file_that_others_can_read_is_warned_of_where_it_was_asked_for(key_file: Path) -> None:
    key_file.chmod(0o640)
    with pytest.warns(InsecureKeyFileWarning, match=r"mode 640.*chmod 600") as caught:
        Credentials.rsa(KEY, key_file)
    assert caught[0].filename == __file__
    assert CANARY not in str(caught[0].message)


def test_a_key_file_that_cannot_be_a_key_is_refused_by_name(tmp_path: Path) -> None:
    assert "nothing" in refusal(lambda: read_key_file(tmp_path / "nothing"))
    assert "directory" in refusal(lambda: read_key_file(tmp_path))
    (tmp_path / "big").write_bytes(CANARY.encode() * 10_000)
    assert "65536 bytes" in refusal(lambda: read_key_file(tmp_path / "big"))
