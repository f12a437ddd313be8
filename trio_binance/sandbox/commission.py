"""Commission: what a fill costs each of its parties, out of what they receive or, at a discount, in BNB."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import attrs

from .numbers import SCALE, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from .accounts import Account
    from .orders import Order
    from .symbols import Symbol

    Price: TypeAlias = Callable[[str], int | None]
    """The price of one BNB in an asset, or of a symbol, in atoms; ``None`` where no market tells it."""

BNB = "BNB"
DISCOUNT = SCALE // 4
"""How much of the standard commission BNB saves.

The example of the Commission FAQ multiplies by it, and so takes a quarter; its text and REST, Query commission rates,
say that the commission is reduced by it. Here the text is believed: three quarters are paid.
"""


@attrs.frozen
class Rates:
    """Commission rates in atoms per unit received: one of the first two, and one of the last two, make a fill's."""

    maker: int = 0
    taker: int = 0
    buyer: int = 0
    seller: int = 0

    def of(self, *, maker: bool, buys: bool) -> int:
        """Return what a fill pays: "received amount * (taker + seller)" and so on (Commission FAQ)."""
        return (self.maker if maker else self.taker) + (self.buyer if buys else self.seller)

    def view(self) -> dict[str, str]:
        """Return the rates as answers show them."""
        return {name: text(rate) for name, rate in attrs.asdict(self).items()}

    def for_order(self, *, buys: bool) -> dict[str, str]:
        """Return the rates of an order of one side: a test order does not tell its buyer and seller rates apart."""
        return {"maker": text(self.of(maker=True, buys=buys)), "taker": text(self.of(maker=False, buys=buys))}


@attrs.frozen
class Tariff:
    """All that an account pays for its fills."""

    standard: Rates = Rates(100_000, 100_000)
    """0.1 percent for all."""
    special: Rates = Rates()
    tax: Rates = Rates()
    pays_in_bnb: bool = False
    """Whether the account wants to pay in BNB, as long as it has enough of it."""

    @property
    def kinds(self) -> tuple[tuple[str, Rates], ...]:
        """Return the three kinds of commission in the order in which answers tell them."""
        return ("standard", self.standard), ("special", self.special), ("tax", self.tax)

    def view(self, symbol: Symbol) -> dict[str, Any]:
        """Return the tariff as GET account/commission shows it."""
        return {f"{kind}Commission": rates.view() for kind, rates in self.kinds} | {"discount": self.discount(symbol)}

    def for_order(self, symbol: Symbol, *, buys: bool) -> dict[str, Any]:
        """Return what an order would pay, as a test order with ``computeCommissionRates`` answers."""
        rates = {f"{kind}CommissionForOrder": rates.for_order(buys=buys) for kind, rates in self.kinds}
        return rates | {"discount": self.discount(symbol)}

    def discount(self, symbol: Symbol) -> dict[str, Any]:
        """Return how BNB lowers the standard commission."""
        return {
            "enabledForAccount": self.pays_in_bnb,
            "enabledForSymbol": symbol.discount,
            "discountAsset": BNB,
            "discount": text(DISCOUNT),
        }


FREE = Tariff(Rates())
"""What the house pays: nothing."""


def commission(order: Order, received: int, asset: str, symbol: Symbol, bnb_price: Price, *, maker: bool) -> Fee:
    """Return atoms and asset of the commission for what a fill has brought.

    In BNB, if account and symbol want it and the account has enough of it free; else all of it from what was received.
    """
    tariff = order.account.tariff
    if tariff is FREE:
        return 0, asset
    parts = [received * rates.of(maker=maker, buys=order.buys) // SCALE for _, rates in tariff.kinds]
    if tariff.pays_in_bnb and symbol.discount:
        in_bnb = _in_bnb(parts, SCALE if asset == BNB else bnb_price(asset))
        if in_bnb is not None and (asset == BNB or in_bnb <= _free(order.account)):
            return in_bnb, BNB
    return sum(parts), asset


Fee: TypeAlias = "tuple[int, str]"


def _in_bnb(parts: list[int], price: int | None) -> int | None:
    """Return the parts in BNB: each converted, and the standard one, the first, lowered; the others never are."""
    if not price:
        return None
    standard, *others = (part * SCALE // price for part in parts)
    return standard * (SCALE - DISCOUNT) // SCALE + sum(others)


def bnb_price(last_price: Price, asset: str) -> int | None:
    """Return the price of BNB in an asset, from the last prices of symbols: of their own, or by way of USDT."""
    direct = last_price(BNB + asset)
    if direct is not None:
        return direct
    dollars, in_dollars = last_price(BNB + "USDT"), last_price(asset + "USDT")
    return dollars * SCALE // in_dollars if dollars and in_dollars else None


def _free(account: Account) -> int:
    return account.balance(BNB).free
