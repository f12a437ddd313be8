"""The configuration: what is wrong is said when it is built, and no secret is ever shown."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.canaries import CANARY, KEY, PEM, refusal, write_key_file
from trio_binance import config, credentials, environments, journals, proxies, tuning
from trio_binance.config import (
    BinanceConfig,
    Credentials,
    Environment,
    InsecureKeyFileWarning,
    JournalSpec,
    KeyType,
    Overflow,
    Proxy,
    ReplaySpec,
    SandboxSpec,
    Secret,
    TimeUnit,
    Tuning,
)
from trio_binance.errors import ConfigError


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    return write_key_file(tmp_path)


def toml(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "binance.toml"
    path.write_text(text, "utf-8")
    path.chmod(mode)
    return path


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
        ({"fallback": "yes"}, "fallback"),
        ({"session_logon": None}, "session_logon"),
        ({"resolve_by_cancel": 1}, "resolve_by_cancel"),
        ({"return_rate_limits": 1}, "return_rate_limits"),
        ({"time_unit": "MICROSECOND"}, "time_unit"),
        ({"proxy": 5}, "proxy"),
        ({"journal": 5}, "journal: 5 is no path"),
        ({"journal": ""}, "journal: '.' names no file"),
        ({"journal": "a\0b"}, "names no file"),
        ({"journal": "a.heir"}, "names that end with .heir"),
        ({"proxy": f"gopher://user:{CANARY}@a.b"}, "proxy"),
    ],
)
def test_a_setting_of_a_wrong_kind_is_refused_by_name(settings: dict[str, Any], name: str) -> None:
    assert name in refusal(lambda: BinanceConfig(**{"environment": Environment.TESTNET, **settings}))


def test_the_wires_are_set_up_as_most_need_them() -> None:
    config = BinanceConfig(Environment.PRODUCTION)
    assert (config.prefer, config.fallback, config.session_logon, config.return_rate_limits) == ("rest",) + (True,) * 3
    assert config.time_unit is TimeUnit.MILLISECOND
    assert config.proxy is None


def test_a_proxy_is_given_as_itself_or_by_its_url_and_never_shown() -> None:
    url = f"socks5://user:{CANARY}@a.b"
    config = BinanceConfig(Environment.PRODUCTION, proxy=url)
    assert config.proxy == Proxy.parse(url)
    assert BinanceConfig(Environment.PRODUCTION, proxy=config.proxy) == config
    assert CANARY not in repr(config)
    assert "'socks5://***@a.b:1080'" in repr(config)


def test_what_runs_in_this_process_needs_no_proxy() -> None:
    assert "proxy: " in refusal(lambda: BinanceConfig.sandbox(proxy="http://a.b"))


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


def test_a_journal_is_named_by_its_path_and_kept_with_care() -> None:
    assert BinanceConfig(Environment.TESTNET).journal is None
    config = BinanceConfig(Environment.TESTNET, journal="orders.journal")
    assert config.journal == JournalSpec("orders.journal", "always") == JournalSpec(Path("orders.journal"))
    spec = JournalSpec("a", fsync="os")
    assert BinanceConfig(Environment.TESTNET, journal=spec).journal is spec
    assert not spec.adopt
    assert JournalSpec("a", adopt=True) != JournalSpec("a")
    assert "journal: adopt='yes': expected true or false" in refusal(lambda: JournalSpec("a", adopt="yes"))  # type: ignore[arg-type]
    assert "fsync='never': expected always or os" in refusal(lambda: JournalSpec("a", fsync="never"))  # type: ignore[arg-type]


# ----------------------------------------------------------------------------------------------- from_env


def test_an_empty_environment_is_production_without_a_key() -> None:
    config = BinanceConfig.from_env({"BINANCE_API_KEY": "", "PATH": "/bin"})
    assert config == BinanceConfig(Environment.PRODUCTION)


def test_the_process_environment_is_read_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("BINANCE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("BINANCE_ENVIRONMENT", " TestNet ")
    assert BinanceConfig.from_env().environment is Environment.TESTNET


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("BINANCE_ENVIRONEMENT", "BINANCE_ENVIRONMENT"),
        ("BINANCE_ENV", "BINANCE_ENVIRONMENT"),
        ("BINANCE_TESTNET", "BINANCE_ENVIRONMENT"),
        ("BINANCE_DRY_RUN", "BINANCE_SAFETY_DRY_RUN"),
        ("BINANCE_JOURNALL", "BINANCE_JOURNAL"),
        ("BINANCE_SAFTY_DRY_RUN", "BINANCE_SAFETY_DRY_RUN"),
        ("BINANCE_SAFETY_MAX_NOTIONALS", "BINANCE_SAFETY_MAX_NOTIONAL"),
    ],
)
def test_a_misspelt_variable_is_refused_instead_of_meaning_production_or_no_limit(name: str, meant: str) -> None:
    assert f"{name}: there is no such variable; {meant} is meant" in refusal(
        lambda: BinanceConfig.from_env({name: "testnet"})
    )


def test_variables_of_others_are_let_be() -> None:
    others = {
        "BINANCE_SECRET_KEY": "s",
        "BINANCE_SYMBOLS": "BTCUSDT",
        "BINANCE_US_API_KEY": "k",
        "BINANCE_TESTNET_URL": "u",
        "XBINANCE_JOURNAL": "x",
    }
    assert BinanceConfig.from_env(others).credentials is None


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


def test_variables_set_the_wires_up() -> None:
    config = BinanceConfig.from_env(
        {
            "BINANCE_FALLBACK": "False",
            "BINANCE_SESSION_LOGON": " false ",
            "BINANCE_RETURN_RATE_LIMITS": "TRUE",
            "BINANCE_TIME_UNIT": "Microsecond",
            "BINANCE_PROXY": " socks5://a.b ",
            "BINANCE_JOURNAL": "~/orders.journal",
            "BINANCE_JOURNAL_FSYNC": " OS ",
            "BINANCE_JOURNAL_ADOPT": " True ",
            "HTTPS_PROXY": "http://not.asked.for",
        }
    )
    assert config == BinanceConfig(
        Environment.PRODUCTION,
        fallback=False,
        session_logon=False,
        time_unit=TimeUnit.MICROSECOND,
        proxy="socks5://a.b",
        journal=JournalSpec(Path.home() / "orders.journal", "os", adopt=True),
    )


def test_the_proxy_of_other_programs_is_taken_when_asked_for() -> None:
    others = {"HTTPS_PROXY": "http://a.b:3128", "ALL_PROXY": "socks5://c.d"}
    assert BinanceConfig.from_env(others).proxy is None
    assert str(BinanceConfig.from_env({"BINANCE_PROXY": "Environment", **others}).proxy) == "http://a.b:3128"
    assert BinanceConfig.from_env({"BINANCE_PROXY": "environment"}).proxy is None


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
        ({"BINANCE_FALLBACK": "maybe"}, "BINANCE_FALLBACK='maybe': expected true or false"),
        ({"BINANCE_SESSION_LOGON": "1"}, "BINANCE_SESSION_LOGON='1'"),
        ({"BINANCE_TIME_UNIT": "second"}, "BINANCE_TIME_UNIT='second': expected millisecond or microsecond"),
        ({"BINANCE_PROXY": f"gopher://user:{CANARY}@a.b"}, "BINANCE_PROXY: "),
        ({"BINANCE_JOURNAL": "~no-such-user-here/k"}, "BINANCE_JOURNAL='~no-such-user-here/k'"),
        ({"BINANCE_JOURNAL": "a", "BINANCE_JOURNAL_FSYNC": "x"}, "fsync='x': expected always or os"),
        ({"BINANCE_JOURNAL": "a", "BINANCE_JOURNAL_ADOPT": "1"}, "adopt='1': expected true or false"),
        ({"BINANCE_JOURNAL_FSYNC": "os"}, "BINANCE_JOURNAL: missing, though BINANCE_JOURNAL_FSYNC"),
        ({"BINANCE_JOURNAL_ADOPT": "true"}, "BINANCE_JOURNAL: missing, though BINANCE_JOURNAL_ADOPT"),
        ({"BINANCE_PROXY": "environment", "ALL_PROXY": f"x://{CANARY}"}, "ALL_PROXY: "),
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


def test_an_environment_of_one_s_own_may_have_mirrors(tmp_path: Path) -> None:
    path = toml(
        tmp_path,
        """
        [binance.environment]
        name = "lab"
        rest_url = "http://a.b"
        stream_url = "ws://a.b"
        ws_api_url = "ws://a.b/ws-api/v3"
        rest_mirrors = ["http://c.d/", "http://e.f"]
        stream_mirrors = ["ws://c.d"]
        ws_api_mirrors = ["ws://c.d/ws-api/v3"]
        offers = ["GET /api/v3/ping"]
        """,
    )
    lab = BinanceConfig.from_toml(path).environment
    assert lab.rest_urls == ("http://a.b", "http://c.d", "http://e.f")
    assert lab.stream_urls == ("ws://a.b", "ws://c.d")
    assert lab.ws_api_urls == ("ws://a.b/ws-api/v3", "ws://c.d/ws-api/v3")
    assert lab.offers == frozenset(["GET /api/v3/ping"])


def test_a_file_sets_the_wires_up(tmp_path: Path) -> None:
    path = toml(
        tmp_path,
        """
        [binance]
        fallback = false
        session_logon = false
        return_rate_limits = false
        time_unit = "microsecond"
        proxy = "http://a.b:3128"
        """,
    )
    assert BinanceConfig.from_toml(path) == BinanceConfig(
        Environment.PRODUCTION,
        fallback=False,
        session_logon=False,
        return_rate_limits=False,
        time_unit=TimeUnit.MICROSECOND,
        proxy="http://a.b:3128",
    )


def test_a_journal_lies_beside_the_file_that_names_it(tmp_path: Path) -> None:
    path = toml(tmp_path, "[binance]\njournal = 'a.journal'")
    assert BinanceConfig.from_toml(path).journal == JournalSpec(tmp_path / "a.journal")
    path = toml(tmp_path, "[binance.journal]\npath = '/b.journal'\nfsync = 'os'\nadopt = true")
    assert BinanceConfig.from_toml(path).journal == JournalSpec("/b.journal", "os", adopt=True)


def test_a_file_with_the_password_of_a_proxy_that_others_can_read_is_warned_of(tmp_path: Path) -> None:
    path = toml(tmp_path, f"[binance]\nproxy = 'http://user:{CANARY}@a.b'", mode=0o644)
    with pytest.warns(InsecureKeyFileWarning, match="chmod 600"):
        BinanceConfig.from_toml(path)


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
        ("[binance]\nfallback = 'yes'", "fallback: expected bool"),
        ("[binance]\ntime_unit = 'second'", "binance.time_unit='second'"),
        ("[binance]\ntime_unit = 5", "binance.time_unit=5"),
        ("[binance]\nproxy = 5", "binance.proxy: expected text"),
        (f"[binance]\nproxy = 'gopher://user:{CANARY}@a.b'", "binance.proxy: not the URL"),
        ("[binance]\njournal = 5", "binance.journal: expected a path, or a table of path, fsync and adopt"),
        ("[binance]\njournal = { path = 5 }", "binance.journal: expected a path"),
        ("[binance]\njournal = { path = 'a', sync = 'os' }", "binance.journal: expected a path"),
        ("[binance]\njournal = { path = 'a', fsync = ['os'] }", "journal: fsync=['os']: expected always or os"),
        ("[binance]\njournal = { path = 'a', adopt = 'no' }", "journal: adopt='no': expected true or false"),
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


@pytest.mark.parametrize(
    ("part", "names"),
    [
        (credentials, "Credentials InsecureKeyFileWarning KeyType Secret mask read_key_file"),
        (environments, "Environment"),
        (journals, "JournalSpec"),
        (proxies, "Proxy ProxyKind"),
        (tuning, "TimeUnit Tuning"),
    ],
)
def test_the_parts_of_a_configuration_are_found_in_one_place(part: ModuleType, names: str) -> None:
    for name in names.split():
        assert getattr(config, name) is getattr(part, name)


@pytest.mark.parametrize("settings", [{"seed": "x"}, {"seed": 1.5}, {"epoch_ms": "now"}, {"activity": "much"}])
def test_a_sandbox_of_the_wrong_types_is_refused(settings: Any) -> None:
    with pytest.raises(ConfigError, match=next(iter(settings))):
        BinanceConfig.sandbox(**settings)


def test_a_word_for_a_member_of_an_enum_is_refused_with_the_members() -> None:
    with pytest.raises(ConfigError, match=r"time_unit='microsecond': expected one of TimeUnit.MILLISECOND, TimeUnit"):
        BinanceConfig.sandbox(time_unit="microsecond")


def test_the_embedded_exchange_is_no_environment_and_the_refusal_says_where_it_is() -> None:
    with pytest.raises(ConfigError, match=r"BINANCE_ENVIRONMENT='sandbox'.*BinanceConfig\.sandbox\(\)"):
        BinanceConfig.from_env({"BINANCE_ENVIRONMENT": "sandbox"})
