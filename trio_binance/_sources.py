"""The sources of settings: ``BINANCE_*`` variables and the table ``[binance]`` of a TOML file."""

from __future__ import annotations

import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ._checks import check_text
from .credentials import Credentials
from .environments import Environment
from .errors import ConfigError
from .journals import JournalSpec
from .proxies import Proxy
from .safeties import Safety
from .tuning import TimeUnit, Tuning

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

T = TypeVar("T")

WIRES = ("rest", "ws_api")
_FLAGS = {"true": True, "false": False}
_SWITCHES = ("fallback", "session_logon", "return_rate_limits", "resolve_by_cancel")
_VARIABLES = frozenset(
    {
        *("BINANCE_ENVIRONMENT", "BINANCE_PREFER", "BINANCE_TIME_UNIT", "BINANCE_PROXY"),
        *("BINANCE_JOURNAL", "BINANCE_JOURNAL_FSYNC", "BINANCE_JOURNAL_ADOPT"),
        *(f"BINANCE_{switch.upper()}" for switch in _SWITCHES),
        *Safety.variables(),
    }
)
"""All that are read, but those of the key: without that nothing can be traded, and everybody hears why."""
_SHORT = {
    **dict.fromkeys(("BINANCE_ENV", "BINANCE_TESTNET"), "BINANCE_ENVIRONMENT"),
    **{name.replace("SAFETY_", ""): name for name in Safety.variables() if not name.endswith("_SYMBOLS")},
}
"""What would be taken for a variable of ours as well; but ``BINANCE_SYMBOLS`` is many a program's own."""
_ALIKE = 0.9
"""How much of a name must be as one of ours, by ``difflib``: a letter or two may be missing or wrong."""


def settings_from_env(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return what the ``BINANCE_*`` variables say; empty ones are not there.

    Raises:
        ConfigError: a variable's value cannot be used; the message names the variable, never a secret.
    """
    values = {key: value for key, value in environ.items() if value}
    _check_names(values)
    found: dict[str, Any] = {
        "environment": _preset("BINANCE_ENVIRONMENT", values.get("BINANCE_ENVIRONMENT", "production"))
    }
    if "BINANCE_PREFER" in values:
        found["prefer"] = _one_of("BINANCE_PREFER", values["BINANCE_PREFER"], WIRES)
    for switch in _SWITCHES:
        if (variable := f"BINANCE_{switch.upper()}") in values:
            found[switch] = _FLAGS[_one_of(variable, values[variable], _FLAGS)]
    if "BINANCE_TIME_UNIT" in values:
        found["time_unit"] = _unit("BINANCE_TIME_UNIT", values["BINANCE_TIME_UNIT"])
    if "BINANCE_PROXY" in values:
        found["proxy"] = _proxy_from_env(values)
    if "BINANCE_JOURNAL" in values:
        found["journal"] = JournalSpec.from_env(values)
    elif alone := {"BINANCE_JOURNAL_FSYNC", "BINANCE_JOURNAL_ADOPT"} & values.keys():
        raise ConfigError(f"BINANCE_JOURNAL: missing, though {min(alone)} is given")
    if (safety := Safety.from_env(values)) is not None:
        found["safety"] = safety
    found["credentials"] = _credentials_from_env(values)
    return found


def _check_names(values: Mapping[str, str]) -> None:
    """Refuse a variable that is none of ours but is all but called so: not read, it would mean production, or no limit.

    Others begin with ``BINANCE_`` as well, and are let be.
    """
    for name in sorted(key for key in values if key.startswith("BINANCE_") and key not in _VARIABLES):
        if near := [_SHORT[name]] if name in _SHORT else get_close_matches(name, _VARIABLES, n=1, cutoff=_ALIKE):
            raise ConfigError(f"{name}: there is no such variable; {near[0]} is meant, it seems")


def _one_of(where: str, value: object, expected: Iterable[str]) -> str:
    """Return the one of the expected words that a value is, whatever its case."""
    if not isinstance(value, str) or value.strip().lower() not in expected:
        raise ConfigError(f"{where}={value!r}: expected {' or '.join(expected)}")
    return value.strip().lower()


def _unit(where: str, value: object) -> TimeUnit:
    return TimeUnit(_one_of(where, value, [unit.value.lower() for unit in TimeUnit]).upper())


def _proxy_from_env(values: Mapping[str, str]) -> Proxy | None:
    if values["BINANCE_PROXY"].strip().lower() == "environment":
        return Proxy.from_environ(values)
    return Proxy.parse(values["BINANCE_PROXY"].strip(), name="BINANCE_PROXY")


def table_of(file: Path) -> dict[str, Any]:
    """Return the table ``[binance]`` of a TOML file.

    Raises:
        ConfigError: the file cannot be read, or has no such table; the message quotes nothing of it.
    """
    table = _read_toml(file).get("binance")
    if not isinstance(table, dict):
        raise ConfigError(f"{file}: no table [binance]")
    return table


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except OSError as exc:
        raise ConfigError(f"{file}: {exc.strerror}") from exc
    except UnicodeDecodeError as exc:
        reason = f"not UTF-8 at byte {exc.start}"
    except tomllib.TOMLDecodeError as exc:
        reason = str(exc)
    # Raised here, outside of the blocks above: those errors carry the whole text, and it may hold a secret.
    raise ConfigError(f"{file}: {reason}")


def _preset(where: str, name: object) -> Environment:
    presets = Environment.presets()
    if not isinstance(name, str) or name.strip().lower() not in presets:
        hint = "; the embedded exchange is BinanceConfig.sandbox()" if str(name).strip().lower() == "sandbox" else ""
        raise ConfigError(f"{where}={name!r}: expected one of {', '.join(presets)}{hint}")
    return presets[name.strip().lower()]


def _credentials_from_env(values: Mapping[str, str]) -> Credentials | None:
    api_key = values.get("BINANCE_API_KEY")
    secret, key_file = values.get("BINANCE_API_SECRET"), values.get("BINANCE_PRIVATE_KEY_FILE")
    if api_key is None:
        if secret or key_file:
            raise ConfigError("BINANCE_API_KEY: missing, though a secret is given")
        return None
    if secret and key_file:
        raise ConfigError("BINANCE_API_SECRET and BINANCE_PRIVATE_KEY_FILE: give one of them")
    if secret:
        if values.get("BINANCE_KEY_TYPE", "hmac").lower() != "hmac":
            raise ConfigError("BINANCE_KEY_TYPE: BINANCE_API_SECRET is of an HMAC key; give BINANCE_PRIVATE_KEY_FILE")
        return Credentials.hmac(api_key, secret)
    if key_file:
        passphrase = values.get("BINANCE_PRIVATE_KEY_PASSPHRASE")
        return _with_key_file(api_key, values.get("BINANCE_KEY_TYPE", "ed25519"), _expand(key_file), passphrase)
    raise ConfigError("BINANCE_API_SECRET or BINANCE_PRIVATE_KEY_FILE: missing, though BINANCE_API_KEY is given")


def _with_key_file(api_key: str, key_type: object, path: Path, passphrase: str | None) -> Credentials:
    makers = {"ed25519": Credentials.ed25519, "rsa": Credentials.rsa}
    if not isinstance(key_type, str) or key_type.lower() not in makers:
        raise ConfigError(f"key_type={key_type!r}: expected ed25519 or rsa")
    return makers[key_type.lower()](api_key, path, passphrase=passphrase)


def _expand(path: str) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError as exc:
        raise ConfigError(f"key file {path!r}: {exc}") from exc


_PLAIN_KEYS = {"prefer", *_SWITCHES}
_TOML_KEYS = _PLAIN_KEYS | {"environment", "time_unit", "proxy", "journal", "safety", "credentials", "tuning"}


def settings_from_table(table: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return what the table ``[binance]`` of a file in this folder says.

    Raises:
        ConfigError: a key or its value cannot be used.
    """
    if unknown := sorted(table.keys() - _TOML_KEYS):
        raise ConfigError(f"binance.{unknown[0]}: unknown key; expected {', '.join(sorted(_TOML_KEYS))}")
    found = {key: table[key] for key in sorted(_PLAIN_KEYS & table.keys())}
    environment = table.get("environment", "production")
    if isinstance(environment, dict):
        found["environment"] = _from_fields(Environment, environment, "binance.environment")
    else:
        found["environment"] = _preset("binance.environment", environment)
    if "time_unit" in table:
        found["time_unit"] = _unit("binance.time_unit", table["time_unit"])
    if "proxy" in table:
        found["proxy"] = Proxy.parse(table["proxy"], name="binance.proxy")
    if "journal" in table:
        found["journal"] = JournalSpec.from_table("binance.journal", table["journal"], folder)
    if "safety" in table:
        found["safety"] = Safety.from_table("binance.safety", table["safety"])
    if "tuning" in table:
        found["tuning"] = _from_fields(Tuning, table["tuning"], "binance.tuning")
    found["credentials"] = _credentials_from_table(table.get("credentials"), folder)
    return found


def _from_fields(cls: type[T], table: object, where: str) -> T:
    if not isinstance(table, dict):
        raise ConfigError(f"{where}: expected a table")
    try:
        return cls(**table)
    except ConfigError:
        raise
    except (TypeError, ValueError) as exc:
        raise ConfigError(f"{where}: {exc}") from exc


def _credentials_from_table(table: object, folder: Path) -> Credentials | None:
    if table is None:
        return None
    if not isinstance(table, dict) or not isinstance(table.get("api_key"), str):
        raise ConfigError("binance.credentials: expected a table with api_key")
    known = {"api_key", "secret", "private_key_file", "key_type", "passphrase"}
    if unknown := sorted(table.keys() - known):
        raise ConfigError(f"binance.credentials.{unknown[0]}: unknown key; expected {', '.join(sorted(known))}")
    if ("secret" in table) == ("private_key_file" in table):
        raise ConfigError("binance.credentials: give secret or private_key_file")
    if "secret" in table:
        return Credentials.hmac(table["api_key"], table["secret"])
    path = folder / _expand(check_text("binance.credentials.private_key_file", table["private_key_file"]))
    return _with_key_file(table["api_key"], table.get("key_type", "ed25519"), path, table.get("passphrase"))
