"""The balances: what the account has of each asset, as it was told last; "balances are absolute", the latest wins."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple, final

import attrs

from trio_binance.models import AccountPosition, Balance, as_microseconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trio_binance.models import Account

_ZERO = Decimal(0)
_FOREVER = float("inf")


class _Held(NamedTuple):
    balance: Balance
    at_us: int
    told_at: int
    """The same moment as the exchange wrote it."""

    @property
    def amounts(self) -> tuple[Decimal, Decimal]:
        return self.balance.free, self.balance.locked


@final
class Balances:
    """The balances of one account. Moments of the exchange are in microseconds, ``due`` and ``now`` are ours."""

    def __init__(self) -> None:
        self._held: dict[str, _Held] = {}
        self._found: dict[str, _Held] = {}
        """What a query told and the stream did not."""
        self._due = _FOREVER

    @property
    def due(self) -> float:
        """When something is to be told."""
        return self._due if self._found else _FOREVER

    @property
    def now(self) -> Mapping[str, Balance]:
        """What was told last, of every asset of which there is any."""
        return {asset: held.balance for asset, held in self._held.items() if any(held.amounts)}

    @property
    def is_settled(self) -> bool:
        """Whether all that is known was told."""
        return not self._found

    def on_position(self, event: AccountPosition) -> AccountPosition | None:
        """Take an event of the stream; return what of it is news."""
        at_us = as_microseconds(event.last_update_time)
        fresh = [balance for balance in event.balances if not self._is_known(balance, at_us)]
        for balance in fresh:
            held = self._held[balance.asset] = _Held(balance, at_us, event.last_update_time)
            found = self._found.get(balance.asset)
            if found is not None and (found.amounts == held.amounts or found.at_us <= at_us):
                del self._found[balance.asset]
        if len(fresh) == len(event.balances):
            return event
        return attrs.evolve(event, balances=tuple(fresh)) if fresh else None

    def _is_known(self, balance: Balance, at_us: int) -> bool:
        """Tell whether this was told before, or something later was."""
        held = self._held.get(balance.asset)
        if held is None or held.at_us < at_us:
            return False
        return held.at_us > at_us or held.amounts == (balance.free, balance.locked)

    def on_query(self, account: Account, due: float, *, known_us: int, since_us: int) -> bool:
        """Take what a query tells, which leaves out assets of which there is nothing; return whether it was news.

        Args:
            account: the answer.
            due: when it is told, unless the stream tells it before.
            known_us: the answer knows all that happened up to then.
            since_us: what changed up to then is not told: it was so before our time.
        """
        at_us = as_microseconds(account.update_time)
        listed = {balance.asset: balance for balance in account.balances}
        for asset in listed.keys() | self._held.keys():
            balance = listed.get(asset) or Balance(asset, _ZERO, _ZERO)
            self._on_asset(_Held(balance, at_us, account.update_time), due, known_us, since_us)
        return bool(self._found)

    def _on_asset(self, said: _Held, due: float, known_us: int, since_us: int) -> None:
        asset, held = said.balance.asset, self._held.get(said.balance.asset)
        if held is not None and held.amounts == said.amounts:
            self._found.pop(asset, None)
        elif said.at_us <= since_us or (held is None and not any(said.amounts)):
            if held is None or held.at_us <= known_us:
                self._held[asset] = said
        elif held is None or said.at_us > held.at_us or held.at_us <= known_us:
            self._due = min(self.due, due)
            self._found[asset] = said

    def settle(self, now: float) -> list[AccountPosition]:
        """Return what is due to be told."""
        if now < self.due:
            return []
        found, self._found = self._found, {}
        self._held |= found
        at = max(held.told_at for held in found.values())
        balances = tuple(found[asset].balance for asset in sorted(found))
        return [AccountPosition(at, at, balances, recovered=True)]
