"""The configuration: what is wrong is said when it is built, and no secret is ever shown."""

from __future__ import annotations

import copy
import os
import pickle
import traceback
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from trio_binance.config import (
    BinanceConfig,
    Credentials,
    Environment,
    InsecureKeyFileWarning,
    KeyType,
    Overflow,
    ReplaySpec,
    SandboxSpec,
    Secret,
    Tuning,
    mask,
    read_key_file,
)
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


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "key.pem"
    path.write_text(PEM)
    path.chmod(0o600)
    return path


def toml(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "binance.toml"
    path.write_text(text, "utf-8")
    path.chmod(mode)
    return path


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


# ---------------------------------------------------------------------------------------------- environments


def test_the_presets_are_the_exchange_s_own() -> None:
    presets = Environment.presets()
    assert list(presets) == ["production", "market_data_only", "testnet", "demo", "us"]
    assert all(each.rest_url.startswith("https://") for each in presets.values())
    assert all(each.stream_url.startswith("wss://") for each in presets.values())
    assert not Environment.MARKET_DATA_ONLY.takes_keys
    assert Environment.MARKET_DATA_ONLY.ws_api_url is None


def test_a_slash_too_many_is_forgiven() -> None:
    lab = Environment("lab", "http://127.0.0.1:8001/", "ws://[::1]:8002/", "ws://127.0.0.1:8003/ws-api/v3")
    assert (lab.rest_url, lab.stream_url) == ("http://127.0.0.1:8001", "ws://[::1]:8002")


BAD_HOSTS = [
    "", "api.binance.com", "ftp://api.binance.com", "https://", "https://api.binance.com/api", "https://a.b?x=1",
    "https://a.b#x", "https://a.b:99999", "https://a.b:0", "https://a.b:x", "https://[::1", "https://a b", "https://ä.b",
    "https://a.b\r\nX-Evil: 1", " https://a.b", None, 5, b"https://a.b",
]  # fmt: skip


@pytest.mark.parametrize("url", BAD_HOSTS, ids=ascii)
def test_a_url_that_cannot_work_is_refused_by_name(url: Any) -> None:
    assert "rest_url" in refusal(lambda: Environment("lab", url, "ws://a.b"))
    if url is not None:
        assert "ws_api_url" in refusal(lambda: Environment("lab", "http://a.b", "ws://a.b", url))


def test_each_url_has_its_own_scheme_and_shape() -> None:
    assert "stream_url" in refusal(lambda: Environment("lab", "http://a.b", "http://a.b"))
    assert "stream_url" in refusal(lambda: Environment("lab", "http://a.b", "wss://stream.binance.com:9443/ws"))
    assert "no query" in refusal(lambda: Environment("lab", "http://a.b", "ws://a.b", "ws://a.b/ws-api/v3?x=1"))
    assert "name" in refusal(lambda: Environment(None, "http://a.b", "ws://a.b"))  # type: ignore[arg-type]


def test_a_password_in_a_url_is_refused_and_not_shown() -> None:
    for url in (f"https://user:{CANARY}@a.b", f"https://{CANARY}@a.b", f"gopher://user:{CANARY}@a.b/x"):
        assert "password" in refusal(lambda url=url: Environment("lab", url, "ws://a.b"))  # type: ignore[misc]


# ---------------------------------------------------------------------------------------------------- tuning


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf"), "5", None, True])
def test_a_deadline_is_a_positive_number(value: Any) -> None:
    assert "connect_timeout=" in refusal(lambda: Tuning(connect_timeout=value))


@pytest.mark.parametrize("value", [0, -1, 5.0, "5", None, True])
def test_a_count_is_a_positive_whole_number(value: Any) -> None:
    assert "buffer=" in refusal(lambda: Tuning(buffer=value))
    assert "recv_window_ms=" in refusal(lambda: Tuning(recv_window_ms=value))


def test_the_receive_window_is_at_most_a_minute() -> None:
    assert Tuning(recv_window_ms=60_000).recv_window_ms == 60_000
    assert "60000" in refusal(lambda: Tuning(recv_window_ms=60_001))


# --------------------------------------------------------------------------------------------- configurations


def test_a_configuration_needs_no_more_than_an_environment() -> None:
    config = BinanceConfig(Environment.PRODUCTION)
    assert (config.credentials, config.prefer, config.hooks, config.embedded) == (None, "rest", (), None)
    assert config.tuning == Tuning()


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"prefer": "fix"}, "prefer"),
        ({"prefer": None}, "prefer"),
        ({"tuning": {}}, "tuning"),
        ({"credentials": (KEY, CANARY)}, "credentials"),
        ({"environment": "production"}, "environment"),
        ({"hooks": print}, "hooks"),
        ({"hooks": [print, 5]}, "hooks"),
        ({"embedded": 5}, "embedded"),
    ],
)
def test_a_setting_of_a_wrong_kind_is_refused_by_name(settings: dict[str, Any], name: str) -> None:
    assert name in refusal(lambda: BinanceConfig(**{"environment": Environment.TESTNET, **settings}))


def test_hooks_are_kept_in_order() -> None:
    hooks: list[Any] = [print, repr]
    assert BinanceConfig(Environment.TESTNET, hooks=hooks).hooks == tuple(hooks)


def test_an_environment_without_accounts_takes_no_key() -> None:
    assert "takes no keys" in refusal(
        lambda: BinanceConfig(Environment.MARKET_DATA_ONLY, Credentials.hmac(KEY, CANARY))
    )


def test_the_sandbox_needs_nothing() -> None:
    config = BinanceConfig.sandbox(seed=7, epoch_ms=5, activity=1.5, prefer="ws_api")
    assert config.embedded == SandboxSpec(7, 5, 1.5)
    assert config.credentials is not None
    assert config.prefer == "ws_api"
    assert config.environment.name == "sandbox"
    assert BinanceConfig.sandbox(credentials=None).credentials is None
    with pytest.raises(TypeError, match="environment"):
        BinanceConfig.sandbox(environment=Environment.TESTNET)
    assert "activity" in refusal(lambda: BinanceConfig.sandbox(activity=0))


def test_a_replay_plays_a_file_that_is_there(tmp_path: Path) -> None:
    session = tmp_path / "x.session.jsonl"
    assert "no such file" in refusal(lambda: BinanceConfig.replay(session))
    session.touch()
    config = BinanceConfig.replay(str(session), speed=2.0)
    assert config.embedded == ReplaySpec(session, 2.0)
    assert config.environment.name == "replay"
    assert "speed" in refusal(lambda: BinanceConfig.replay(session, speed=-1))


def test_the_ways_to_overflow_are_three() -> None:
    assert [each.value for each in Overflow] == ["drop_oldest", "latest", "fail"]


# ----------------------------------------------------------------------------------------------- from_env


def test_an_empty_environment_is_production_without_a_key() -> None:
    config = BinanceConfig.from_env({"BINANCE_API_KEY": "", "PATH": "/bin"})
    assert config == BinanceConfig(Environment.PRODUCTION)


def test_the_process_environment_is_read_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("BINANCE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("BINANCE_ENVIRONMENT", " TestNet ")
    assert BinanceConfig.from_env().environment is Environment.TESTNET


def test_variables_give_environment_key_and_wire() -> None:
    config = BinanceConfig.from_env(
        {
            "BINANCE_ENVIRONMENT": "DEMO",
            "BINANCE_API_KEY": KEY,
            "BINANCE_API_SECRET": CANARY,
            "BINANCE_KEY_TYPE": "HMAC",
            "BINANCE_PREFER": "WS_API",
        }
    )
    assert config == BinanceConfig(Environment.DEMO, Credentials.hmac(KEY, CANARY), prefer="ws_api")


def test_settings_in_code_win_over_variables() -> None:
    assert BinanceConfig.from_env({"BINANCE_PREFER": "ws_api"}, prefer="rest").prefer == "rest"


@pytest.mark.parametrize(
    ("named", "kind"), [(None, KeyType.ED25519), ("Ed25519", KeyType.ED25519), ("RSA", KeyType.RSA)]
)
def test_a_key_file_is_ed25519_unless_said_otherwise(key_file: Path, named: str | None, kind: KeyType) -> None:
    variables = {"BINANCE_API_KEY": KEY, "BINANCE_PRIVATE_KEY_FILE": str(key_file)}
    if named is not None:
        variables |= {"BINANCE_KEY_TYPE": named, "BINANCE_PRIVATE_KEY_PASSPHRASE": CANARY}
    credentials = BinanceConfig.from_env(variables).credentials
    assert credentials is not None
    assert credentials.key_type is kind
    assert credentials.passphrase == (Secret(CANARY.encode()) if named else None)


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"BINANCE_ENVIRONMENT": "moon"}, "BINANCE_ENVIRONMENT='moon'"),
        ({"BINANCE_PREFER": "fix"}, "BINANCE_PREFER='fix'"),
        ({"BINANCE_API_SECRET": CANARY}, "BINANCE_API_KEY: missing"),
        ({"BINANCE_PRIVATE_KEY_FILE": "/x"}, "BINANCE_API_KEY: missing"),
        ({"BINANCE_API_KEY": KEY}, "BINANCE_API_SECRET or BINANCE_PRIVATE_KEY_FILE: missing"),
        ({"BINANCE_API_KEY": KEY, "BINANCE_API_SECRET": CANARY, "BINANCE_PRIVATE_KEY_FILE": "/x"}, "give one of them"),
        ({"BINANCE_API_KEY": KEY, "BINANCE_API_SECRET": CANARY, "BINANCE_KEY_TYPE": "rsa"}, "BINANCE_KEY_TYPE"),
        ({"BINANCE_API_KEY": KEY, "BINANCE_PRIVATE_KEY_FILE": "/x", "BINANCE_KEY_TYPE": "dsa"}, "key_type='dsa'"),
        ({"BINANCE_API_KEY": KEY, "BINANCE_PRIVATE_KEY_FILE": "/no/such/file"}, "/no/such/file"),
        ({"BINANCE_API_KEY": KEY, "BINANCE_PRIVATE_KEY_FILE": "~no-such-user-here/k"}, "no-such-user-here"),
        ({"BINANCE_ENVIRONMENT": "market_data_only", "BINANCE_API_KEY": KEY, "BINANCE_API_SECRET": CANARY}, "no keys"),
    ],
)
def test_a_variable_that_cannot_be_used_is_named(variables: dict[str, str], said: str) -> None:
    assert said in refusal(lambda: BinanceConfig.from_env(variables))


def test_an_unknown_setting_is_refused() -> None:
    assert "bogus" in refusal(lambda: BinanceConfig.from_env({}, bogus=1))


# ---------------------------------------------------------------------------------------------- from_toml


def test_a_file_gives_all_of_it(tmp_path: Path) -> None:
    path = toml(
        tmp_path,
        f"""
        [binance]
        environment = "Testnet"
        prefer = "ws_api"
        credentials = {{ api_key = "{KEY}", secret = "{CANARY}" }}
        [binance.tuning]
        recv_window_ms = 3000
        connect_timeout = 2
        """,
    )
    config = BinanceConfig.from_toml(path, hooks=[print])
    assert config == BinanceConfig(
        Environment.TESTNET,
        Credentials.hmac(KEY, CANARY),
        prefer="ws_api",
        tuning=Tuning(recv_window_ms=3000, connect_timeout=2),
        hooks=(print,),
    )


def test_an_environment_of_one_s_own_is_a_table(tmp_path: Path) -> None:
    path = toml(tmp_path, '[binance.environment]\nname="lab"\nrest_url="http://a.b"\nstream_url="ws://a.b"')
    assert BinanceConfig.from_toml(str(path)).environment == Environment("lab", "http://a.b", "ws://a.b")


def test_an_empty_table_is_production(tmp_path: Path) -> None:
    assert BinanceConfig.from_toml(toml(tmp_path, "[binance]")) == BinanceConfig(Environment.PRODUCTION)


def test_a_key_file_is_found_beside_the_file_that_names_it(tmp_path: Path, key_file: Path) -> None:
    path = toml(
        tmp_path,
        f"""[binance.credentials]
        api_key = "{KEY}"
        private_key_file = "{key_file.name}"
        key_type = "rsa"
        passphrase = "{CANARY}"
        """,
        mode=0o644,
    )
    assert BinanceConfig.from_toml(path).credentials == Credentials.rsa(KEY, PEM, passphrase=CANARY)


def test_a_file_with_a_secret_that_others_can_read_is_warned_of(tmp_path: Path) -> None:
    text = f'[binance]\ncredentials = {{ api_key = "{KEY}", secret = "{CANARY}" }}'
    with pytest.warns(InsecureKeyFileWarning, match="chmod 600") as caught:
        BinanceConfig.from_toml(toml(tmp_path, text, mode=0o604))
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        BinanceConfig.from_toml(toml(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no table [binance]"),
        ("binance = 5", "no table [binance]"),
        ("[binance]\nx = ", "binance.toml: "),
        ("[binance]\nenvironments = 'x'", "binance.environments: unknown key"),
        ("[binance]\nenvironment = 'moon'", "binance.environment='moon'"),
        ("[binance]\nenvironment = ['x']", "binance.environment=['x']"),
        ("[binance]\nenvironment = { name = 'x' }", "binance.environment: "),
        ("[binance]\nenvironment = { name = 'x', rest_url = 'x', stream_url = 'ws://a.b' }", "rest_url='x'"),
        ("[binance]\nprefer = 'fix'", "prefer='fix'"),
        ("[binance]\nprefer = 5", "prefer=5"),
        ("[binance]\ntuning = 5", "binance.tuning: expected a table"),
        ("[binance]\ntuning = { speed = 5 }", "speed"),
        ("[binance]\ntuning = { buffer = -5 }", "buffer=-5"),
        ("[binance]\ncredentials = 5", "binance.credentials: expected a table"),
        ("[binance]\ncredentials = {}", "binance.credentials: expected a table with api_key"),
        ("[binance]\ncredentials = { api_key = 5 }", "binance.credentials: expected a table with api_key"),
        ("[binance]\ncredentials = { api_key = 'k' }", "give secret or private_key_file"),
        ("[binance]\ncredentials = { api_key = 'k', secret = 's', private_key_file = 'f' }", "give secret or"),
        ("[binance]\ncredentials = { api_key = 'k', secret = 5 }", "secret: expected text"),
        ("[binance]\ncredentials = { api_key = 'k', private_key_file = 5 }", "private_key_file: expected text"),
        ("[binance]\ncredentials = { api_key = 'k', private_key_file = 'f', key_type = 5 }", "key_type=5"),
        ("[binance]\ncredentials = { api_key = 'k', private_key_file = 'key.pem', passphrase = 5 }", "passphrase: "),
        (f"[binance]\ncredentials = {{ api_key = 'k', secrets = '{CANARY}' }}", "binance.credentials.secrets"),
        (f"[binance]\ncredentials = {{ api_key = 'k', secret = '{CANARY}", "binance.toml: "),
    ],
)
def test_whatever_cannot_be_used_in_a_file_is_named(tmp_path: Path, key_file: Path, text: str, said: str) -> None:
    path = toml(tmp_path, text)
    assert key_file.parent == tmp_path
    assert said in refusal(lambda: BinanceConfig.from_toml(path))


def test_a_file_that_cannot_be_read_is_named_and_not_quoted(tmp_path: Path) -> None:
    assert "nothing.toml" in refusal(lambda: BinanceConfig.from_toml(tmp_path / "nothing.toml"))
    path = tmp_path / "latin.toml"
    path.write_bytes(f"secret = '{CANARY}".encode() + b"\xe4'")
    assert "not UTF-8 at byte 21" in refusal(lambda: BinanceConfig.from_toml(path))


def test_settings_in_code_win_over_the_file(tmp_path: Path) -> None:
    path = toml(tmp_path, "[binance]\nprefer = 'ws_api'\ntuning = { buffer = 5 }")
    config = BinanceConfig.from_toml(path, prefer="rest", tuning=Tuning(buffer=7))
    assert (config.prefer, config.tuning.buffer) == ("rest", 7)
