"""Quotes: the public requests about symbols, books, trades, candles and tickers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .candles import DAY_US, HOUR_US, INTERVALS, MINUTE_US, parse_offset_us
from .ledger import page
from .numbers import milliseconds, text
from .publisher import agg_view, depth_view
from .refusals import bad, missing, one_of
from .symbols import SORS, exchange_filters, exchange_info

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .params import Params
    from .reference import Reference
    from .refusals import Refusal
    from .replica import Replica
    from .tape import Tape
    from .venue import Venue

Answer = Any

STATUSES = ("TRADING", "HALT", "BREAK")
_WINDOW = re.compile(r"(?:([1-9]|[1-5][0-9])m|([1-9]|1[0-9]|2[0-3])h|([1-7])d)", re.ASCII)
_TRADE_LIMIT = 1000

RATE_LIMITS: list[dict[str, Any]] = [
    {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000},
    {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 50},
    {"rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": 160_000},
    {"rateLimitType": "RAW_REQUESTS", "interval": "MINUTE", "intervalNum": 5, "limit": 300_000},
]


class Quotes:
    """GET of everything that needs no account."""

    def __init__(self, venue_of: Callable[[Params], Venue], venues: Mapping[str, Venue], replica: Replica) -> None:
        self._venue_of = venue_of
        self._venues = venues
        self._replica = replica
        """The database that answers old trades and candles (REST, Data sources)."""
        self.operations: Mapping[str, Callable[[Params, int], Answer]] = {
            "GET /api/v3/ping": self.ping,
            "GET /api/v3/time": self.time,
            "GET /api/v3/exchangeInfo": self.exchange_info,
            "GET /api/v3/depth": self.depth,
            "GET /api/v3/trades": self.trades,
            "GET /api/v3/historicalTrades": self.historical_trades,
            "GET /api/v3/aggTrades": self.agg_trades,
            "GET /api/v3/klines": self.klines,
            "GET /api/v3/uiKlines": self.klines,
            "GET /api/v3/avgPrice": self.average_price,
            "GET /api/v3/ticker/24hr": self.day_ticker,
            "GET /api/v3/ticker/price": self.price_ticker,
            "GET /api/v3/ticker/bookTicker": self.book_ticker,
            "GET /api/v3/ticker": self.rolling_ticker,
            "GET /api/v3/ticker/tradingDay": self.trading_day,
            "GET /api/v3/historicalBlockTrades": self.block_trades,
            "GET /api/v3/executionRules": self.execution_rules,
            "GET /api/v3/referencePrice": self.reference_price,
            "GET /api/v3/referencePrice/calculation": self.reference_calculation,
        }

    def ping(self, _params: Params, _now_us: int) -> Answer:
        """Answer GET ping."""
        return {}

    def time(self, _params: Params, now_us: int) -> Answer:
        """Answer GET time."""
        return {"serverTime": milliseconds(now_us)}

    # -------------------------------------------------------------------------------------------------- symbols

    def exchange_info(self, params: Params, now_us: int) -> Answer:
        """Answer GET exchangeInfo."""
        chosen = [name for name in ("symbol", "symbols", "permissions") if params.text(name) is not None]
        wished = params.choice("symbolStatus", STATUSES, _invalid_status)
        if len(chosen) > 1 or (wished is not None and chosen and chosen[0] != "permissions"):
            raise bad(-1128, "Combination of optional parameters invalid.")
        permissions = params.words("permissions") if chosen == ["permissions"] else None
        venues = self._chosen(params) or list(self._venues.values())
        sets = params.flag("showPermissionSets", default=True)
        return {
            "timezone": "UTC",
            "serverTime": milliseconds(now_us),
            "rateLimits": [dict(limit) for limit in RATE_LIMITS],
            "exchangeFilters": exchange_filters(),
            "symbols": [
                exchange_info(venue.symbol, venue.status, permission_sets=sets)
                for venue in venues
                if (permissions is None or "SPOT" in permissions) and (wished is None or wished == venue.status)
            ],
            "sors": [
                {"baseAsset": base, "symbols": list(names)}
                for base, names in SORS
                if all(name in self._venues for name in names)
            ],
        }

    def _chosen(self, params: Params) -> list[Venue] | None:
        """Return the venues that ``symbol`` or ``symbols`` name, ``None`` for neither."""
        if params.text("symbol") is not None:
            return [self._venue_of(params)]
        names = params.words("symbols")
        if names is None:
            return None
        if not all(name in self._venues for name in names):
            raise bad(-1121, "Invalid symbol.")
        return [self._venues[name] for name in names]

    def _each(self, params: Params, answer: Callable[[Venue], Answer]) -> Answer:
        """Answer for one symbol with an object, for several or all with an array; only those of a wished status."""
        wished = params.choice("symbolStatus", STATUSES, _invalid_status)
        if params.text("symbol") is not None:
            if params.text("symbols") is not None:
                raise bad(-1128, "Combination of optional parameters invalid.")
            return answer(self._one(params))
        chosen = self._chosen(params)
        venues = self._venues.values() if chosen is None else chosen
        return [answer(venue) for venue in venues if wished is None or venue.status == wished]

    def _one(self, params: Params) -> Venue:
        """Return the venue of ``symbol``; -1220 if it is not in the wished status."""
        venue = self._venue_of(params)
        wished = params.choice("symbolStatus", STATUSES, _invalid_status)
        if wished is not None and wished != venue.status:
            raise bad(-1220, "The symbol's status does not match the requested symbolStatus.")
        return venue

    # ---------------------------------------------------------------------------------------------- book, trades

    def depth(self, params: Params, _now_us: int) -> Answer:
        """Answer GET depth."""
        venue = self._one(params)
        return depth_view(venue.book, params.limit(100, 5000))

    def trades(self, params: Params, _now_us: int) -> Answer:
        """Answer GET trades."""
        tape = self._venue_of(params).tape
        limit = params.limit(500, _TRADE_LIMIT)
        return [
            trade_view(tape, trade_id) for trade_id in range(max(tape.first_id, tape.next_id - limit), tape.next_id)
        ]

    def historical_trades(self, params: Params, now_us: int) -> Answer:
        """Answer GET historicalTrades: from an id, or the newest that the database knows."""
        tape = self._venue_of(params).tape
        limit, from_id = params.limit(500, _TRADE_LIMIT), params.integer("fromId")
        end = self._known(tape, now_us)
        start = max(tape.first_id, end - limit if from_id is None else from_id)
        return [trade_view(tape, trade_id) for trade_id in range(start, min(start + limit, end))]

    def _known(self, tape: Tape, now_us: int) -> int:
        """Return the id of the first trade that the database does not know yet."""
        return tape.at_or_after(self._replica.known_us(now_us)) if self._replica.behind_us else tape.next_id

    def agg_trades(self, params: Params, now_us: int) -> Answer:
        """Answer GET aggTrades: from an id, within times, or the newest."""
        tape = self._venue_of(params).tape
        limit, from_id = params.limit(500, _TRADE_LIMIT), params.integer("fromId")
        start_us, end_us = params.times_us()
        if from_id is not None and (start_us is not None or end_us is not None):
            raise bad(-1128, "Combination of optional parameters invalid.")
        # An aggregate trade is known once the one after it is, while the database lags: it may still grow.
        first, end = tape.first_agg_id, tape.agg_of(self._known(tape, now_us))
        end = max(first, end - (self._replica.behind_us > 0))
        if from_id is not None:
            first = max(first, from_id)
        if start_us is not None:
            first = tape.agg_of(tape.at_or_after(start_us))
        if end_us is not None:
            # endTime is in milliseconds and includes all of its last one.
            end = min(end, tape.agg_of(tape.at_or_after(end_us // 1000 * 1000 + 1000)))
        ids = page(range(first, end), limit, oldest=from_id is not None or start_us is not None)
        return [agg_view(tape, agg_id) for agg_id in ids]

    def klines(self, params: Params, now_us: int) -> Answer:
        """Answer GET klines and GET uiKlines; a database that lags ends them with a candle that it has in part."""
        venue = self._venue_of(params)
        params.need("interval")
        interval = params.choice("interval", INTERVALS, lambda: bad(-1120, "Invalid interval."))
        offset = _offset_us(params)
        start, end = params.times_us()
        assert interval is not None
        limit, known_us = params.limit(500, 1000), self._replica.known_us(now_us)
        found = venue.candles.klines(interval, offset, start, end, limit, known_us)
        if self._replica.behind_us and found and found[-1].closes_us > known_us:
            found[-1] = venue.candles.part(found[-1], known_us)
        return [candle.row() for candle in found]

    def block_trades(self, params: Params, _now_us: int) -> Answer:
        """Answer GET historicalBlockTrades."""
        venue, from_id = self._venue_of(params), params.integer("fromId")
        if from_id is None:
            raise missing("fromId")
        return [trade.row() for trade in venue.blocks.since(from_id, params.limit(500, 1000))]

    # -------------------------------------------------------------------------------------------- reference prices

    def execution_rules(self, params: Params, _now_us: int) -> Answer:
        """Answer GET executionRules: of the symbols that have any."""
        sent = [name for name in ("symbol", "symbols", "symbolStatus") if params.text(name) is not None]
        if len(sent) > 1:
            raise bad(-1128, "Combination of optional parameters invalid.")
        wished = params.choice("symbolStatus", STATUSES, _invalid_status)
        chosen = self._chosen(params)
        rules = [
            (venue.symbol.name, venue.symbol.price_range)
            for venue in (self._venues.values() if chosen is None else chosen)
            if wished is None or venue.status == wished
        ]
        return {"symbolRules": [{"symbol": name, "rules": [rule.row()]} for name, rule in rules if rule is not None]}

    def reference_price(self, params: Params, now_us: int) -> Answer:
        """Answer GET referencePrice."""
        return _reference(self._venue_of(params)).view(now_us)

    def reference_calculation(self, params: Params, _now_us: int) -> Answer:
        """Answer GET referencePrice/calculation."""
        return _reference(self._one(params)).calculation()

    # -------------------------------------------------------------------------------------------------- tickers

    def average_price(self, params: Params, now_us: int) -> Answer:
        """Answer GET avgPrice."""
        venue = self._venue_of(params)
        return {
            "mins": 5,
            "price": text(venue.tickers.average_price(now_us)),
            "closeTime": milliseconds(venue.tape.times[-1]),
        }

    def day_ticker(self, params: Params, now_us: int) -> Answer:
        """Answer GET ticker/24hr."""
        if _is_full(params):
            return self._each(params, lambda venue: venue.tickers.day_full(now_us))
        return self._each(params, lambda venue: venue.tickers.day_mini(now_us))

    def price_ticker(self, params: Params, _now_us: int) -> Answer:
        """Answer GET ticker/price."""
        return self._each(params, lambda venue: {"symbol": venue.symbol.name, "price": text(venue.tape.last_price())})

    def book_ticker(self, params: Params, _now_us: int) -> Answer:
        """Answer GET ticker/bookTicker."""
        return self._each(params, book_ticker_view)

    def rolling_ticker(self, params: Params, now_us: int) -> Answer:
        """Answer GET ticker, the rolling window."""
        _need_symbols(params)
        span_us, full = _window_us(params.text("windowSize") or "1d"), _is_full(params)
        return self._each(params, lambda venue: venue.tickers.rolling(span_us, now_us, full=full))

    def trading_day(self, params: Params, now_us: int) -> Answer:
        """Answer GET ticker/tradingDay."""
        _need_symbols(params)
        offset_us, full = _offset_us(params), _is_full(params)
        return self._each(params, lambda venue: venue.tickers.trading_day(offset_us, now_us, full=full))


def _reference(venue: Venue) -> Reference:
    if venue.reference is None:
        raise bad(-2043, "This symbol doesn't have a reference price.")
    return venue.reference


def _need_symbols(params: Params) -> None:
    if params.text("symbol") is None and params.text("symbols") is None:
        raise one_of("symbol", "symbols")


def _offset_us(params: Params) -> int:
    offset = parse_offset_us(params.text("timeZone") or "0")
    if offset is None:
        raise bad(-1130, "Data sent for parameter 'timeZone' is not valid.")
    return offset


def _invalid_status() -> Refusal:
    return bad(-1122, "Invalid symbolStatus.")


def _is_full(params: Params) -> bool:
    return params.choice("type", ("FULL", "MINI"), lambda: bad(-1139, "Invalid ticker type.")) != "MINI"


def _window_us(size: str) -> int:
    found = _WINDOW.fullmatch(size)
    if found is None:
        raise bad(-1130, "Data sent for parameter 'windowSize' is not valid.")
    minutes, hours, days = (int(number or 0) for number in found.groups())
    return minutes * MINUTE_US + hours * HOUR_US + days * DAY_US


def trade_view(tape: Tape, trade_id: int) -> dict[str, Any]:
    """Return a trade as GET trades lists it."""
    at = trade_id - tape.first_id
    return {
        "id": trade_id,
        "price": text(tape.prices[at]),
        "qty": text(tape.quantities[at]),
        "quoteQty": text(tape.quotes[at]),
        "time": milliseconds(tape.times[at]),
        "isBuyerMaker": bool(tape.buyer_is_maker[at]),
        "isBestMatch": True,
    }


def book_ticker_view(venue: Venue) -> dict[str, Any]:
    """Return the best prices as GET ticker/bookTicker lists them."""
    bid, bid_quantity, ask, ask_quantity = venue.book.best()
    return {
        "symbol": venue.symbol.name,
        "bidPrice": text(bid),
        "bidQty": text(bid_quantity),
        "askPrice": text(ask),
        "askQty": text(ask_quantity),
    }
