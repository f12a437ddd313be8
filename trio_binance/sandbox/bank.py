"""The bank: opens accounts, moves money in and out of the exchange, and knows whether all of it is still there."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from .accounts import Account
from .commission import FREE
from .events import UserEvent
from .numbers import from_decimal, milliseconds, text, to_decimal
from .reports import position

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from decimal import Decimal

    from .events import Outlet

_HOUSE_UNITS = 10**12
"""What a house account has of every asset: enough for ever."""


@final
class Bank:
    """All accounts of the exchange."""

    def __init__(self, outlet: Outlet, assets: Iterable[str]) -> None:
        self._outlet = outlet
        self._assets = tuple(dict.fromkeys(assets))
        self._deposited: dict[str, int] = {}
        self.accounts: list[Account] = []
        self.fees: dict[str, int] = {}

    def open(self, api_key: str, balances: Mapping[str, Decimal], now_us: int) -> Account:
        """Open an account that holds ``balances``."""
        account = Account(api_key, 1_000 + len(self.accounts), updated_us=now_us)
        for asset in self._assets:
            account.balance(asset)
        self.accounts.append(account)
        for asset, amount in balances.items():
            self._credit(account, asset, from_decimal(amount))
        for asset in account.balances:
            account.note(asset, now_us)
        return account

    def house(self, now_us: int, *assets: str) -> Account:
        """Open an account of the house, rich for ever in some assets, which pays no commission."""
        account = self.open("", dict.fromkeys(assets or self._assets, to_decimal(_HOUSE_UNITS * 10**8)), now_us)
        account.house = True
        account.tariff = FREE
        return account

    def deposit(self, account: Account, asset: str, amount: Decimal, now_us: int) -> None:
        """Credit an account, or debit it by a negative amount."""
        atoms = from_decimal(amount)
        _check_free(account, asset, -atoms)
        self._credit(account, asset, atoms)
        self._tell(account, "balanceUpdate", asset, atoms, now_us)

    def lock(self, account: Account, asset: str, amount: Decimal, now_us: int) -> None:
        """Lock funds for a system outside the spot exchange, or unlock them by a negative amount."""
        atoms, balance = from_decimal(amount), account.balance(asset)
        _check_free(account, asset, atoms)
        if account.outside.get(asset, 0) + atoms < 0:
            raise ValueError(f"{asset}: so much is not locked outside")
        account.outside[asset] = account.outside.get(asset, 0) + atoms
        balance.free -= atoms
        balance.locked += atoms
        self._tell(account, "externalLockUpdate", asset, atoms, now_us)

    def _credit(self, account: Account, asset: str, atoms: int) -> None:
        account.bring(asset, atoms)
        self._deposited[asset] = self._deposited.get(asset, 0) + atoms

    def _tell(self, account: Account, event: str, asset: str, atoms: int, now_us: int) -> None:
        account.updated_us = now_us
        self._outlet.user(position(account, (asset,), now_us))
        now = milliseconds(now_us)
        self._outlet.user(UserEvent(account, {"e": event, "E": now, "a": asset, "d": text(atoms), "T": now}))

    def audit(self) -> dict[str, Decimal]:
        """Return for every asset what exists minus what was ever deposited: zero, or money was made or lost."""
        held: dict[str, int] = dict(self.fees)
        for account in self.accounts:
            for asset, balance in account.balances.items():
                held[asset] = held.get(asset, 0) + balance.free + balance.locked
        return {asset: to_decimal(atoms - self._deposited.get(asset, 0)) for asset, atoms in held.items()}


def _check_free(account: Account, asset: str, atoms: int) -> None:
    if account.balance(asset).free < atoms:
        raise ValueError(f"{asset}: cannot take {to_decimal(atoms)} from {account.free(asset)} free")
