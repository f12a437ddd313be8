from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import trio.testing

from tests._client.world import EPOCH_MS, open_world
from trio_binance.errors import InvalidArgument, UnknownSymbol
from trio_binance.models import LotSizeFilter, PriceFilter, RateLimitType, SymbolStatus
from trio_binance.sandbox.rules import Rules

Atom = Decimal("0.00000001")


async def test_ping_answers_nothing(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world(credentials=None) as world:
        await world.bx.general.ping()


async def test_time_is_the_exchanges_own(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world(credentials=None) as world:
        told = await world.bx.general.time()
        assert told.server_time == world.sandbox.now_us() // 1000
        assert world.bx.server_time_ms() == pytest.approx(told.server_time, abs=2)
        assert told.server_time >= EPOCH_MS


async def test_exchange_info_tells_every_symbol_and_its_exact_filters(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world(credentials=None) as world:
        info = await world.bx.general.exchange_info()
        assert tuple(one.symbol for one in info.symbols) == world.sandbox.market.symbols
        for one in info.symbols:
            truth = world.sandbox.market._venues[one.symbol].symbol
            price, lot = one.filter(PriceFilter), one.filter(LotSizeFilter)
            assert price is not None
            assert lot is not None
            assert (price.tick_size, lot.step_size) == (truth.tick * Atom, truth.step * Atom)
            assert (one.base_asset, one.quote_asset) == (truth.base, truth.quote)


async def test_exchange_info_can_be_narrowed_in_each_documented_way(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world(credentials=None) as world:
        ask = world.bx.general.exchange_info
        assert [one.symbol for one in (await ask(symbol="ETHUSDT")).symbols] == ["ETHUSDT"]
        assert [one.symbol for one in (await ask(symbols=["BTCUSDT", "ETHUSDT"])).symbols] == ["BTCUSDT", "ETHUSDT"]
        everything = world.sandbox.market.symbols
        assert tuple(one.symbol for one in (await ask(permissions=["SPOT"])).symbols) == everything
        assert (await ask(symbol_status=SymbolStatus.HALT)).symbols == ()
        without = await ask(symbol="BTCUSDT", show_permission_sets=False)
        assert not without.symbols[0].permission_sets


async def test_what_exchange_info_tells_of_limits_is_obeyed_from_then_on(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_world(credentials=None, rules=Rules(weight_per_minute=1234)) as world:
        info = await world.bx.general.exchange_info(symbol="BTCUSDT")
        told = {limit.limit for limit in info.rate_limits if limit.rate_limit_type is RateLimitType.REQUEST_WEIGHT}
        assert told == {1234}
        assert 1234 in {row.rule.limit for row in world.bx.statistics().limits.rules}


@pytest.mark.parametrize("argument", ["symbols", "permissions"])
@pytest.mark.parametrize("value", ["BTCUSDT", [], [""], [7]])
async def test_a_list_of_names_is_a_list_and_not_empty(
    argument: str, value: Any, autojump_clock: trio.testing.MockClock
) -> None:
    """One name given as a text would be taken letter by letter; an empty list does not stand for everything."""
    async with open_world(credentials=None, ready=False) as world:
        with pytest.raises(InvalidArgument, match=argument) as caught:
            await world.bx.general.exchange_info(**{argument: value})
        assert (caught.value.field, caught.value.value) == (argument, value)


async def test_what_the_exchange_does_not_know_is_its_own_error(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world(credentials=None) as world:
        with pytest.raises(UnknownSymbol):
            await world.bx.general.exchange_info(symbol="NOPE")


async def test_arguments_that_exclude_each_other_are_refused_before_anything_is_sent(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_world(credentials=None, ready=False) as world:
        general = world.bx.general
        for asking in (
            general.exchange_info(symbol="BTCUSDT", symbols=["ETHUSDT"]),
            general.exchange_info(symbol="BTCUSDT", permissions=["SPOT"]),
            general.exchange_info(symbol="BTCUSDT", symbol_status=SymbolStatus.TRADING),
            general.execution_rules(symbol="BTCUSDT", symbol_status=SymbolStatus.TRADING),
        ):
            with pytest.raises(InvalidArgument, match="cannot be given together"):
                await asking


async def test_execution_rules_are_told_of_a_symbol_of_several_or_of_all(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_world(symbols=None, credentials=None) as world:
        ask = world.bx.general.execution_rules
        everything = {one.symbol: one for one in (await ask()).symbol_rules}
        for symbol, rules in everything.items():
            assert (await ask(symbol=symbol)).symbol_rules == (rules,)
        assert (await ask(symbols=list(everything))).symbol_rules == tuple(everything.values())
        assert {one.symbol for one in (await ask(symbol_status="TRADING")).symbol_rules} <= everything.keys()


@pytest.mark.parametrize("word", ["OPEN", "trading", ""])
async def test_a_word_that_the_exchange_does_not_have_is_refused_by_name(
    word: str, autojump_clock: trio.testing.MockClock
) -> None:
    async with open_world(credentials=None, ready=False) as world:
        with pytest.raises(InvalidArgument, match=r"symbol_status=.*expected one of TRADING"):
            await world.bx.general.exchange_info(symbol_status=word)
