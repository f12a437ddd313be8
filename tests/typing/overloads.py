"""What type checkers see: the type of every answer follows from the arguments. Never run: mypy and pyright read it.

``assert_type`` fails where a checker sees another type. Where a line must be an error it says so, and the checkers
complain should it not be one.
"""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

from typing import assert_type

from trio_binance import (
    Account,
    AccountFilters,
    AggTradeEvent,
    AmendResult,
    Binance,
    BookTicker,
    CancelledOrderList,
    CancelReplaceReport,
    CancelResult,
    Depth,
    Dropped,
    Gap,
    Kline,
    KlineEvent,
    LegacyOcoOrder,
    LimitMakerOrder,
    LimitOrder,
    MarketOrder,
    MiniTicker,
    NewOrderRespType,
    OcoOrder,
    OpocoOrder,
    OpoOrder,
    OrderAck,
    OrderFull,
    OrderList,
    OrderListAck,
    OrderListFull,
    OrderListResult,
    OrderResult,
    OrderStatusReport,
    OrderTestResult,
    OtocoOrder,
    OtoOrder,
    Overflow,
    Placement,
    PriceTicker,
    ReplacedAck,
    ReplacedFull,
    ReplacedResult,
    ServerTime,
    SessionStatus,
    Subscription,
    Ticker24h,
    TickerType,
    TradeEvent,
    WindowTicker,
)


async def one_ticker_or_many(bx: Binance) -> None:
    assert_type(await bx.market.ticker_24hr("BTCUSDT"), Ticker24h)
    assert_type(await bx.market.ticker_24hr(symbols=["BTCUSDT"]), list[Ticker24h])
    assert_type(await bx.market.ticker_24hr(), list[Ticker24h])
    assert_type(await bx.market.price_ticker("BTCUSDT"), PriceTicker)
    assert_type(await bx.market.price_ticker(symbols=["BTCUSDT"]), list[PriceTicker])
    assert_type(await bx.market.price_ticker(), list[PriceTicker])
    assert_type(await bx.market.book_ticker("BTCUSDT"), BookTicker)
    assert_type(await bx.market.book_ticker(symbols=["BTCUSDT"]), list[BookTicker])
    assert_type(await bx.market.book_ticker(), list[BookTicker])
    assert_type(await bx.market.trading_day_ticker("BTCUSDT"), WindowTicker)
    assert_type(await bx.market.trading_day_ticker(symbols=["BTCUSDT"]), list[WindowTicker])
    assert_type(await bx.market.rolling_ticker("BTCUSDT", window_size="4h"), WindowTicker)
    assert_type(await bx.market.rolling_ticker(symbols=["BTCUSDT"]), list[WindowTicker])


async def a_ticker_in_full_or_in_short(bx: Binance, kind: TickerType) -> None:
    assert_type(await bx.market.ticker_24hr("BTCUSDT", type=TickerType.FULL), Ticker24h)
    assert_type(await bx.market.ticker_24hr("BTCUSDT", type=TickerType.MINI), MiniTicker)
    assert_type(await bx.market.ticker_24hr("BTCUSDT", type="MINI"), MiniTicker)
    assert_type(await bx.market.ticker_24hr("BTCUSDT", type=kind), Ticker24h | MiniTicker)
    assert_type(await bx.market.ticker_24hr(symbols=["BTCUSDT"], type="FULL"), list[Ticker24h])
    assert_type(await bx.market.ticker_24hr(type=TickerType.MINI), list[MiniTicker])
    assert_type(await bx.market.ticker_24hr(type=kind), list[Ticker24h | MiniTicker])
    assert_type(await bx.market.trading_day_ticker("BTCUSDT", type=TickerType.MINI), MiniTicker)
    assert_type(await bx.market.trading_day_ticker("BTCUSDT", type=kind), WindowTicker | MiniTicker)
    assert_type(await bx.market.trading_day_ticker(symbols=["BTCUSDT"], type="MINI"), list[MiniTicker])
    assert_type(await bx.market.trading_day_ticker(symbols=["BTCUSDT"], type=kind), list[WindowTicker | MiniTicker])
    assert_type(await bx.market.rolling_ticker("BTCUSDT", type=TickerType.MINI), MiniTicker)
    assert_type(await bx.market.rolling_ticker("BTCUSDT", type=kind), WindowTicker | MiniTicker)
    assert_type(await bx.market.rolling_ticker(symbols=["BTCUSDT"], type="MINI"), list[MiniTicker])
    assert_type(await bx.market.rolling_ticker(symbols=["BTCUSDT"], type=kind), list[WindowTicker | MiniTicker])


async def a_placement(bx: Binance, order: LimitOrder | MarketOrder, word: NewOrderRespType) -> None:
    assert_type(await bx.trading.place(order), Placement[OrderFull])
    assert_type(await bx.trading.place(order, new_order_resp_type=NewOrderRespType.FULL), Placement[OrderFull])
    assert_type(await bx.trading.place(order, new_order_resp_type=NewOrderRespType.RESULT), Placement[OrderResult])
    assert_type(await bx.trading.place(order, new_order_resp_type=NewOrderRespType.ACK), Placement[OrderAck])
    assert_type(await bx.trading.place(order, new_order_resp_type="ACK"), Placement[OrderAck])
    assert_type(await bx.trading.place(order, new_order_resp_type=word), Placement[OrderAck | OrderResult | OrderFull])
    assert_type(await bx.trading.place_sor(order), Placement[OrderFull])
    assert_type(await bx.trading.place_sor(order, new_order_resp_type="RESULT"), Placement[OrderResult])
    assert_type(await bx.trading.place_sor(order, new_order_resp_type=NewOrderRespType.ACK), Placement[OrderAck])
    assert_type(
        await bx.trading.place_sor(order, new_order_resp_type=word), Placement[OrderAck | OrderResult | OrderFull]
    )
    assert_type(await bx.trading.test(order), OrderTestResult)
    assert_type(await bx.trading.test_sor(order, compute_commission_rates=True), OrderTestResult)
    assert_type(await bx.trading.snap(order), LimitOrder | MarketOrder)


async def a_change(bx: Binance, order: LimitMakerOrder, word: NewOrderRespType) -> None:
    assert_type(await bx.trading.cancel("BTCUSDT", order_id=1), CancelResult | CancelledOrderList)
    assert_type(await bx.trading.cancel_open_orders("BTCUSDT"), list[CancelResult | CancelledOrderList])
    assert_type(await bx.trading.amend_keep_priority("BTCUSDT", order_id=1, new_qty=1), AmendResult)
    assert_type(await bx.trading.snap(order), LimitMakerOrder)
    full = await bx.trading.cancel_replace(order, cancel_order_id=1)
    assert_type(full, ReplacedFull)
    assert_type(full.new_order_response, OrderFull)
    assert_type(full.cancel_response, CancelResult | CancelledOrderList)
    result = await bx.trading.cancel_replace(order, cancel_order_id=1, new_order_resp_type=NewOrderRespType.RESULT)
    assert_type(result, ReplacedResult)
    assert_type(result.new_order_response, OrderResult)
    ack = await bx.trading.cancel_replace(order, cancel_order_id=1, new_order_resp_type="ACK")
    assert_type(ack, ReplacedAck)
    assert_type(ack.new_order_response, OrderAck)
    told = await bx.trading.cancel_replace(order, cancel_order_id=1, new_order_resp_type=word)
    assert_type(told, CancelReplaceReport)


async def a_list(
    bx: Binance,
    oco: OcoOrder,
    oto: OtoOrder,
    otoco: OtocoOrder,
    opo: OpoOrder,
    opoco: OpocoOrder,
    old: LegacyOcoOrder,
    word: NewOrderRespType,
) -> None:
    assert_type(await bx.trading.place_oco(oco), Placement[OrderListFull])
    assert_type(await bx.trading.place_oto(oto), Placement[OrderListFull])
    assert_type(await bx.trading.place_otoco(otoco), Placement[OrderListFull])
    assert_type(await bx.trading.place_opo(opo), Placement[OrderListFull])
    assert_type(await bx.trading.place_opoco(opoco), Placement[OrderListFull])
    assert_type(await bx.trading.place_legacy_oco(old), Placement[OrderListFull])
    assert_type(
        await bx.trading.place_oco(oco, new_order_resp_type=NewOrderRespType.RESULT), Placement[OrderListResult]
    )
    assert_type(await bx.trading.place_oto(oto, new_order_resp_type="RESULT"), Placement[OrderListResult])
    assert_type(await bx.trading.place_otoco(otoco, new_order_resp_type="RESULT"), Placement[OrderListResult])
    assert_type(await bx.trading.place_opo(opo, new_order_resp_type="RESULT"), Placement[OrderListResult])
    assert_type(await bx.trading.place_opoco(opoco, new_order_resp_type="RESULT"), Placement[OrderListResult])
    assert_type(await bx.trading.place_legacy_oco(old, new_order_resp_type="RESULT"), Placement[OrderListResult])
    assert_type(await bx.trading.place_oco(oco, new_order_resp_type=NewOrderRespType.ACK), Placement[OrderListAck])
    assert_type(await bx.trading.place_oto(oto, new_order_resp_type="ACK"), Placement[OrderListAck])
    assert_type(await bx.trading.place_otoco(otoco, new_order_resp_type="ACK"), Placement[OrderListAck])
    assert_type(await bx.trading.place_opo(opo, new_order_resp_type="ACK"), Placement[OrderListAck])
    assert_type(await bx.trading.place_opoco(opoco, new_order_resp_type="ACK"), Placement[OrderListAck])
    assert_type(await bx.trading.place_legacy_oco(old, new_order_resp_type="ACK"), Placement[OrderListAck])
    any_of_three = await bx.trading.place_oco(oco, new_order_resp_type=word)
    assert_type(any_of_three, Placement[OrderListAck | OrderListResult | OrderListFull])
    assert_type(await bx.trading.cancel_order_list("BTCUSDT", order_list_id=1), CancelledOrderList)


async def a_gapless_feed_may_tell_of_gaps(bx: Binance, overflow: Overflow) -> None:
    async with (
        bx.streams.trades("BTCUSDT") as trades,
        bx.streams.trades("BTCUSDT", gapless=True, from_id=5) as all_trades,
    ):
        assert_type(await trades.receive(), TradeEvent)
        assert_type(await all_trades.receive(), TradeEvent | Gap)
        assert_type(await trades.telling().receive(), TradeEvent | Dropped)
    async with (
        bx.streams.agg_trades("BTCUSDT", overflow=overflow) as sums,
        bx.streams.agg_trades("BTCUSDT", "ETHUSDT", gapless=True, from_id={"BTCUSDT": 5}) as all_sums,
    ):
        assert_type(await sums.receive(), AggTradeEvent)
        assert_type(await all_sums.receive(), AggTradeEvent | Gap)
    async with (
        bx.streams.klines("BTCUSDT", interval="1m", gapless=False) as candles,
        bx.streams.klines("BTCUSDT", interval="1m", gapless=True, start_time=5) as all_candles,
    ):
        assert_type(await candles.receive(), KlineEvent)
        assert_type(await all_candles.receive(), KlineEvent | Gap)


async def what_has_one_shape(bx: Binance) -> None:
    assert_type(await bx.general.ping(), None)
    assert_type(await bx.general.time(), ServerTime)
    assert_type(await bx.market.depth("BTCUSDT"), Depth)
    assert_type(await bx.market.klines("BTCUSDT", interval="1m"), list[Kline])
    assert_type(await bx.account.status(), Account)
    assert_type(await bx.account.order("BTCUSDT", order_id=1), OrderStatusReport)
    assert_type(await bx.account.order_list(order_list_id=1), OrderList)
    assert_type(await bx.account.my_filters("BTCUSDT"), AccountFilters)
    assert_type(await bx.session.status(), SessionStatus)
    assert_type(await bx.session.subscriptions(), list[Subscription])


async def what_is_an_error(bx: Binance, oco: OcoOrder, order: LimitMakerOrder) -> None:
    await bx.market.ticker_24hr("BTCUSDT", symbols=["ETHUSDT"])  # type: ignore[call-overload]
    await bx.market.rolling_ticker()  # type: ignore[call-overload]
    bx.streams.trades("BTCUSDT", from_id=5)  # type: ignore[call-overload]
    await bx.market.klines("BTCUSDT", "1m")  # type: ignore[call-arg]
    await bx.market.historical_block_trades("BTCUSDT")  # type: ignore[call-arg]
    await bx.trading.place(oco)  # type: ignore[call-overload]
    await bx.trading.place_oto(oco)  # type: ignore[call-overload]
    await bx.trading.place_sor(order)  # type: ignore[call-overload]
