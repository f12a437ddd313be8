"""The rulebook: what it asks for before it judges, and what it keeps."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import attrs
import pytest
import trio
import trio.testing

from tests._client.world import open_world
from tests._pure.filters.builders import LOTS, TICKS, limit, market, symbol
from tests._pure.filters.test_counts import OTOCO, report
from trio_binance._services.rulebook import Rulebook
from trio_binance.config import Tuning
from trio_binance.errors import (
    ConnectionLost,
    CredentialsRequired,
    GatewayError,
    InvalidArgument,
    NoData,
    ProtocolError,
    RequestError,
    UnknownSymbol,
)
from trio_binance.models import (
    Account,
    AccountFilters,
    AveragePrice,
    Balance,
    BookTicker,
    ExchangeInfo,
    ExchangeMaxNumOrdersFilter,
    ExecutionRules,
    Filter,
    MarketOrder,
    MaxAssetFilter,
    MaxNumOrderAmendsFilter,
    MaxNumOrdersFilter,
    MaxPositionFilter,
    OrderAmendment,
    PegPriceType,
    PercentPriceFilter,
    PriceRangeRule,
    PriceTicker,
    ReferencePrice,
    Side,
    SymbolExecutionRules,
)

D = Decimal
PERCENT = PercentPriceFilter(D("1.5"), D("0.5"), 5)
LATEST = PercentPriceFilter(D("1.5"), D("0.5"), 0)
RANGE = PriceRangeRule(D("1.1"), D("0.9"), D("1.1"), D("0.9"))
NO_REFERENCE = NoData("This symbol doesn't have a reference price.", status=400, code=-2043)
NOT_THERE = GatewayError("Not Found", status=404)


def info_of(*filters: Filter, exchange: tuple[Filter, ...] = (), **fields: Any) -> ExchangeInfo:
    return ExchangeInfo("UTC", 1, (), exchange, (symbol(*filters, **fields),))


class FakeRouter:
    """Answers by path, each with a value or an error, and writes down who asked for what."""

    def __init__(self, info: ExchangeInfo, **answers: Any) -> None:
        self.asked: list[str] = []
        self.params: list[Mapping[str, Any]] = []
        self.answers: dict[str, Any] = {
            "exchangeInfo": info,
            "executionRules": ExecutionRules((SymbolExecutionRules("BTCUSDT", ()),)),
            "referencePrice": NO_REFERENCE,
            "avgPrice": AveragePrice(5, D(100)),
            **answers,
        }

    async def call(self, operation: Any, params: Mapping[str, Any]) -> Any:
        name = operation.path.removeprefix("/api/v3/")
        self.asked.append(name)
        self.params.append(params)
        await trio.sleep(1)
        answer = self.answers[name]
        if isinstance(answer, Exception):
            raise answer
        return answer(params) if callable(answer) else answer


def world(*filters: Filter, exchange: Any = (), **answers: Any) -> tuple[FakeRouter, Rulebook]:
    router = FakeRouter(info_of(*filters, exchange=exchange), **answers)
    return router, Rulebook(router, Tuning(rules_max_age=60.0))  # type: ignore[arg-type]


# ------------------------------------------------------------------------------------------------------ what is kept


def balances(btc: str, usdt: str = "12.50") -> Account:
    rates: Any = {"can_trade": True, "can_withdraw": True, "can_deposit": True, "permissions": ()}
    commissions: Any = dict.fromkeys(
        ("maker_commission", "taker_commission", "buyer_commission", "seller_commission"), 10
    )
    held = (Balance("BTC", D(btc), D(0)), Balance("USDT", D(usdt), D(1000)))
    return Account(update_time=1, account_type="SPOT", balances=held, **rates, **commissions)  # type: ignore[arg-type]


RICH = balances("1000", "1000000")
"""An account that can pay for everything."""


async def test_the_rules_of_a_symbol_are_asked_for_once_and_kept_for_a_while(
    autojump_clock: trio.testing.MockClock,
) -> None:
    router, rulebook = world(TICKS)
    found = await rulebook.symbol("BTCUSDT")
    assert (found.symbol, found.filters) == ("BTCUSDT", (TICKS,))
    await rulebook.snap(limit())
    await trio.sleep(58)
    await rulebook.symbol("BTCUSDT")
    assert router.asked == ["exchangeInfo"]
    assert router.params == [{"symbol": "BTCUSDT"}]
    await trio.sleep(2)
    await rulebook.symbol("BTCUSDT")
    assert router.asked == ["exchangeInfo"] * 2


async def test_everybody_who_asks_at_once_shares_one_call_and_a_cancelled_one_fails_nobody(
    autojump_clock: trio.testing.MockClock,
) -> None:
    router, rulebook = world(TICKS, LOTS, PERCENT)
    found: list[bool] = []

    async def ask() -> None:
        found.append((await rulebook.check(limit())).ok)

    async with trio.open_nursery() as nursery:
        with trio.CancelScope() as first:
            nursery.start_soon(ask)
            nursery.start_soon(ask)
            await trio.testing.wait_all_tasks_blocked()
            first.cancel()
        nursery.start_soon(ask)
    assert found == [True] * 3
    assert router.asked == ["exchangeInfo", "executionRules", "referencePrice", "avgPrice"]


async def test_what_changed_is_asked_for_anew_once_it_is_forgotten(autojump_clock: trio.testing.MockClock) -> None:
    router, rulebook = world(TICKS, PERCENT, myFilters=AccountFilters((), (), ()), account=RICH)
    await rulebook.check(limit(), account=True)
    rulebook.forget("BTCUSDT")
    rulebook.forget("ETHUSDT")
    router.asked.clear()
    await rulebook.check(limit(), account=True)
    assert router.asked == ["exchangeInfo", "executionRules", "myFilters", "referencePrice", "avgPrice", "account"]


async def test_a_symbol_that_the_exchange_does_not_know_is_an_error_and_not_kept(
    autojump_clock: trio.testing.MockClock,
) -> None:
    router, rulebook = world(exchangeInfo=UnknownSymbol("Invalid symbol.", status=400, code=-1121))
    for _ in range(2):
        with pytest.raises(UnknownSymbol):
            await rulebook.symbol("NOSUCH")
    assert len(router.asked) == 2
    router.answers["exchangeInfo"] = ExchangeInfo("UTC", 1, (), (), ())
    with pytest.raises(ProtocolError, match="tells nothing of NOSUCH"):
        await rulebook.symbol("NOSUCH")


# ---------------------------------------------------------------------------------------------------- what is needed


async def test_a_check_asks_for_nothing_that_no_rule_needs(autojump_clock: trio.testing.MockClock) -> None:
    router, rulebook = world(TICKS, LOTS)
    found = await rulebook.check(limit(price="100.001"))
    assert [one.filter for one in found.violations] == ["PRICE_FILTER"]
    assert [one.filter for one in found.unchecked] == ["MAX_ASSET", "balance"]
    assert router.asked == ["exchangeInfo", "executionRules"]


async def test_without_a_reference_price_the_average_is_asked_for_and_prices_are_never_kept(
    autojump_clock: trio.testing.MockClock,
) -> None:
    router, rulebook = world(PERCENT)
    assert not (await rulebook.check(limit(price=151))).ok
    router.answers["avgPrice"] = AveragePrice(5, D(110))
    assert (await rulebook.check(limit(price=151))).ok
    # that a symbol never had a reference price is kept as the rules are
    assert router.asked == ["exchangeInfo", "executionRules", "referencePrice", "avgPrice", "avgPrice"]
    await trio.sleep(60)
    router.asked.clear()
    await rulebook.check(limit())
    assert "referencePrice" in router.asked


async def test_a_reference_price_that_is_set_makes_the_average_needless(autojump_clock: trio.testing.MockClock) -> None:
    router, rulebook = world(PERCENT, referencePrice=ReferencePrice("BTCUSDT", D(1000), 1))
    assert not (await rulebook.check(limit(price=151))).ok
    assert "avgPrice" not in router.asked


async def test_a_reference_price_that_is_unset_for_now_is_asked_for_each_time(
    autojump_clock: trio.testing.MockClock,
) -> None:
    router, rulebook = world(PERCENT, referencePrice=ReferencePrice("BTCUSDT", None, 1))
    for _ in range(2):
        await rulebook.check(limit())
    assert router.asked.count("referencePrice") == router.asked.count("avgPrice") == 2


async def test_a_filter_of_zero_minutes_goes_by_the_last_price(autojump_clock: trio.testing.MockClock) -> None:
    router, rulebook = world(LATEST, **{"ticker/price": PriceTicker("BTCUSDT", D(10))})
    assert (await rulebook.check(limit(price=15))).ok
    assert router.asked[-1] == "ticker/price"


async def test_an_average_of_other_minutes_leaves_the_filter_unchecked(autojump_clock: trio.testing.MockClock) -> None:
    _, rulebook = world(PERCENT, avgPrice=AveragePrice(1, D(100)))
    found = await rulebook.check(limit(price=10**6))
    assert ("PERCENT_PRICE", "for want of the average price") in [(one.filter, one.reason) for one in found.unchecked]


async def test_the_book_is_asked_for_where_a_peg_follows_it(autojump_clock: trio.testing.MockClock) -> None:
    best = BookTicker("BTCUSDT", D(40), D(1), D(50), D(1))
    router, rulebook = world(TICKS, PERCENT, **{"ticker/bookTicker": best})
    found = await rulebook.check(limit(price=None, peg_price_type=PegPriceType.PRIMARY_PEG))
    assert [(one.filter, one.value) for one in found.violations] == [("PERCENT_PRICE", D(40))]
    assert router.asked[-1] == "ticker/bookTicker"


async def test_execution_rules_are_kept_and_their_prices_are_not(autojump_clock: trio.testing.MockClock) -> None:
    rules = ExecutionRules((SymbolExecutionRules("BTCUSDT", (RANGE,)), SymbolExecutionRules("ETHUSDT", ())))
    router, rulebook = world(
        executionRules=rules,
        referencePrice=ReferencePrice("BTCUSDT", D(100), 1),
        **{"ticker/bookTicker": BookTicker("BTCUSDT", D(99), D(1), D(111), D(1))},
    )
    for _ in range(2):
        found = await rulebook.check(market(quantity=1))
        assert [one.filter for one in found.advice] == ["PRICE_RANGE"]
        assert found.ok
    assert router.asked.count("executionRules") == 1
    assert router.asked.count("ticker/bookTicker") == 2


async def test_what_an_older_exchange_does_not_offer_is_left_unchecked(autojump_clock: trio.testing.MockClock) -> None:
    router, rulebook = world(
        PERCENT, executionRules=NOT_THERE, referencePrice=NOT_THERE, myFilters=NOT_THERE, account=RICH
    )
    found = await rulebook.check(limit(), account=True)
    assert [one.filter for one in found.unchecked] == ["MAX_ASSET", "PRICE_RANGE"]
    assert found.ok
    assert (await rulebook.check(limit(price=151))).violations != ()
    assert router.asked.count("referencePrice") == 1


@pytest.mark.parametrize("path", ["executionRules", "referencePrice", "avgPrice"])
async def test_a_question_that_fails_fails_the_check(path: str, autojump_clock: trio.testing.MockClock) -> None:
    _, rulebook = world(PERCENT, **{path: ConnectionLost("gone")})
    with pytest.raises(ConnectionLost):
        await rulebook.check(limit())
    _, rulebook = world(PERCENT, **{path: GatewayError("", status=408)})
    with pytest.raises(GatewayError):
        await rulebook.check(limit())


# ------------------------------------------------------------------------------------------------------- the account


async def test_the_account_is_asked_only_on_request(autojump_clock: trio.testing.MockClock) -> None:
    router, rulebook = world(MaxNumOrdersFilter(5), MaxPositionFilter(D(5)), exchange=(ExchangeMaxNumOrdersFilter(9),))
    found = await rulebook.check(limit())
    assert {one.filter for one in found.unchecked} == {
        "MAX_NUM_ORDERS",
        "MAX_POSITION",
        "EXCHANGE_MAX_NUM_ORDERS",
        "MAX_ASSET",
        "balance",
    }
    assert router.asked == ["exchangeInfo", "executionRules"]


async def test_with_the_account_its_filters_orders_and_balances_are_judged(
    autojump_clock: trio.testing.MockClock,
) -> None:
    mine = AccountFilters((), (MaxNumOrdersFilter(1),), (MaxAssetFilter("BTC", D("0.5")),))
    router, rulebook = world(
        MaxNumOrdersFilter(200),
        MaxPositionFilter(D(5)),
        myFilters=mine,
        openOrders=[report(orig_qty=D(2))],
        account=balances("2.5"),
    )
    found = await rulebook.check(limit(), account=True)
    assert [(one.filter, one.value) for one in found.violations] == [
        ("MAX_POSITION", D(1)),
        ("MAX_NUM_ORDERS", 2),
        ("MAX_ASSET", D(1)),
        ("balance", D(1)),
    ]
    assert str(found.violations[-1]) == "balance: quantity=1.000 needs 100 USDT, free 12.50 (would pass: 0.12500000)"
    assert found.unchecked == ()
    # one question serves the count and the position, and one the position and the payment
    assert router.asked == ["exchangeInfo", "executionRules", "myFilters", "openOrders", "account"]
    await rulebook.check(limit(), account=True)
    assert router.asked.count("myFilters") == 1
    assert router.asked.count("openOrders") == 2


async def test_where_a_filter_counts_all_symbols_one_question_serves_the_symbol_too(
    autojump_clock: trio.testing.MockClock,
) -> None:
    router, rulebook = world(
        MaxNumOrdersFilter(2),
        exchange=(ExchangeMaxNumOrdersFilter(3),),
        myFilters=AccountFilters((), (), ()),
        openOrders=[report(), report(symbol="ETHUSDT"), report(symbol="ETHUSDT")],
        account=RICH,
    )
    found = await rulebook.check(limit(), account=True)
    assert [(one.field, one.value) for one in found.violations] == [("exchange_open_orders", 4)]
    assert router.asked.count("openOrders") == 1
    assert router.params[router.asked.index("openOrders")] == {}


async def test_without_a_key_the_account_cannot_be_asked(autojump_clock: trio.testing.MockClock) -> None:
    _, rulebook = world(myFilters=CredentialsRequired("needs a key"))
    with pytest.raises(CredentialsRequired):
        await rulebook.check(limit(), account=True)


# -------------------------------------------------------------------------------------------- lists, amendments, snap


async def test_a_list_is_checked_and_snapped_leg_by_leg(autojump_clock: trio.testing.MockClock) -> None:
    _, rulebook = world(TICKS, LOTS)
    oblique = attrs.evolve(OTOCO, working=attrs.evolve(OTOCO.working, price="100.001"), pending_quantity="0.0101")
    found = await rulebook.check(oblique)
    assert [one.field for one in found.violations] == ["working.price", "pending_quantity"]
    snapped = await rulebook.snap(oblique)
    assert (str(snapped.working.price), str(snapped.pending_quantity)) == ("100.00", "0.010")
    assert (await rulebook.check(snapped)).ok


async def test_an_order_that_replaces_another_needs_its_own_permission(autojump_clock: trio.testing.MockClock) -> None:
    _, rulebook = world(exchangeInfo=info_of(cancel_replace_allowed=False))
    assert (await rulebook.check(limit())).ok
    found = await rulebook.check(limit(), replaces=True)
    assert [one.filter for one in found.violations] == ["cancel_replace_allowed"]


async def test_the_caller_may_choose_the_rounding_of_prices(autojump_clock: trio.testing.MockClock) -> None:
    _, rulebook = world(TICKS)
    assert (await rulebook.snap(limit(price="1.001"))).price == D("1.00")
    assert (await rulebook.snap(limit(price="1.001"), rounding="ROUND_UP")).price == D("1.01")
    with pytest.raises(InvalidArgument, match=r"what would pass is 0\.01"):
        await rulebook.snap(limit(price="0.001"))


async def test_an_amendment_is_checked_with_the_amendments_so_far(autojump_clock: trio.testing.MockClock) -> None:
    router, rulebook = world(LOTS, MaxNumOrderAmendsFilter(1), **{"order/amendments": [amendment()]})
    order = report(order_id=42)
    found = await rulebook.check_amendment(order, "0.5", account=True)
    assert [(one.filter, one.value) for one in found.violations] == [("MAX_NUM_ORDER_AMENDS", 2)]
    assert router.params[-1] == {"symbol": "BTCUSDT", "orderId": 42, "limit": 1000}
    found = await rulebook.check_amendment(order, D("0.5005"))
    assert [one.filter for one in found.violations] == ["LOT_SIZE"]
    assert [one.filter for one in found.unchecked] == ["MAX_NUM_ORDER_AMENDS"]
    with pytest.raises(TypeError, match="a float is not exact"):
        await rulebook.check_amendment(order, 0.5)  # type: ignore[arg-type]


def amendment() -> OrderAmendment:
    return OrderAmendment("BTCUSDT", 42, 1, "old", "new", D(2), D(1), 1)


async def test_what_is_no_request_is_refused_before_anything_is_asked(autojump_clock: trio.testing.MockClock) -> None:
    router, rulebook = world()
    wrong: Any = "BUY BTCUSDT"
    with pytest.raises(TypeError, match="expected an order or an order list, not str"):
        await rulebook.check(wrong)
    with pytest.raises(TypeError):
        await rulebook.snap(wrong)
    assert router.asked == []


# ----------------------------------------------------------------------------------------------- the embedded exchange


async def test_what_passes_here_the_embedded_exchange_accepts_and_what_does_not_it_refuses(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_world() as world:
        rulebook = Rulebook(world.bx._engine.router, world.bx.config.tuning)
        best = await world.bx.market.book_ticker("BTCUSDT")
        crooked = MarketOrder("BTCUSDT", Side.BUY, quantity="0.0012345678")
        found = await rulebook.check(crooked)
        assert [one.filter for one in found.violations] == ["base_asset_precision", "LOT_SIZE"]
        with pytest.raises(RequestError, match="too much precision"):
            await world.bx.trading.test(crooked)
        snapped = await rulebook.snap(limit(quantity="0.00123456", price=best.bid_price + D("0.001")))
        assert (await rulebook.check(snapped, account=True)).ok
        placed = (await world.bx.trading.place(snapped)).unwrap()
        assert placed.price == snapped.price
        shrunk = await rulebook.check_amendment(placed, "0.001", account=True)
        assert shrunk.ok
