"""Open enums: every documented word is a member, every other word survives."""

from __future__ import annotations

import copy
import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from trio_binance import models
from trio_binance._codec import user
from trio_binance._protocol.operation import Security
from trio_binance.models import KlineInterval, OpenEnum, OrderCapacity, OrderStatus, Permission, Side, SymbolStatus
from trio_binance.tuning import TimeUnit

NAMES = {
    "symbolStatus": "SymbolStatus",
    "permissions": "Permission",
    "orderStatus": "OrderStatus",
    "listStatusType": "ListStatusType",
    "listOrderStatus": "ListOrderStatus",
    "contingencyType": "ContingencyType",
    "allocationType": "AllocationType",
    "orderType": "OrderType",
    "newOrderRespType": "NewOrderRespType",
    "workingFloor": "WorkingFloor",
    "side": "Side",
    "timeInForce": "TimeInForce",
    "rateLimitType": "RateLimitType",
    "rateLimitInterval": "RateLimitInterval",
    "selfTradePreventionMode": "SelfTradePreventionMode",
    "executionType": "ExecutionType",
    "executionRuleType": "ExecutionRuleType",
    "expiryReason": "ExpiryReason",
    "klineInterval": "KlineInterval",
    "tickerType": "TickerType",
    "pegPriceType": "PegPriceType",
    "pegOffsetType": "PegOffsetType",
    "cancelReplaceMode": "CancelReplaceMode",
    "cancelReplaceResult": "CancelReplaceResult",
    "cancelRestrictions": "CancelRestriction",
    "orderRateLimitExceededMode": "OrderRateLimitExceededMode",
    "matchType": "MatchType",
    "calculationType": "CalculationType",
    "orderRejectReason": "OrderRejectReason",
    "filterType": "FilterType",
    "accountType": "AccountType",
    "tickerWindowStream": "RollingWindow",
}

ELSEWHERE: dict[str, set[Any]] = {
    "timeUnit": {unit.value for unit in TimeUnit} | {unit.value.lower() for unit in TimeUnit},
    "securityType": {security.value for security in Security},
    "userDataEvent": set(user._EVENTS),
}
"""Words that are no field of a model: of the configuration, of the catalogue, and those that tell a model by."""

OPEN_ENDED = {"dataSource", "streamMethod", "tickerWindowRequest"}
"""Words that only the requests know: texts of the catalogue, frames of the streams, and lengths by rule ("1m..59m")."""


def test_every_word_of_the_documents_is_known(spec: Path) -> None:
    enums = json.loads((spec / "enums.json").read_text())["enums"]
    for name, cls_name in NAMES.items():
        kind: type[OpenEnum] = getattr(models, cls_name)
        words = [*enums[name]["values"], *enums[name].get("values_elsewhere", [])]
        assert {member.value for member in kind} == set(words), name
    for name, ours in ELSEWHERE.items():
        assert ours == set(enums[name]["values"]), name
    assert {*NAMES, *ELSEWHERE, *OPEN_ENDED} == set(enums)
    assert len(enums) == 38


def test_every_enum_of_ours_has_the_words_of_a_document(spec: Path) -> None:
    """One more than the documents have: the capacity of an order, which the schema of SBE alone tells."""
    capacity = json.loads((spec / "sbe.json").read_text())["spot_schema"]["enums"]["orderCapacity"]["values"]
    told = {row["json"] for row in capacity.values()} - {"NON_REPRESENTABLE"}
    assert {member.value for member in OrderCapacity} == told
    assert {kind.__name__ for kind in OpenEnum.__subclasses__()} == {*NAMES.values(), "OrderCapacity"}


def test_a_known_word_is_its_member() -> None:
    assert Side("BUY") is Side.BUY
    assert Side.BUY.is_known
    assert repr(Side.BUY) == "Side.BUY"
    assert f"{Side.BUY}" == str(Side.BUY) == "BUY"


def test_an_unknown_word_survives() -> None:
    status = OrderStatus("FROZEN_2027")
    assert not status.is_known
    assert type(status) is OrderStatus
    assert {status.value, status, str(status)} == {"FROZEN_2027"}
    assert repr(status) == "OrderStatus('FROZEN_2027')"


def test_an_unknown_word_is_not_registered() -> None:
    """A peer that sends ever new words does not fill the memory."""
    OrderStatus("FROZEN_2027")
    assert "FROZEN_2027" not in OrderStatus.__members__
    assert "FROZEN_2027" not in [member.value for member in OrderStatus]


def test_two_unknown_words_are_equal_as_texts_are() -> None:
    assert OrderStatus("X") == OrderStatus("X")
    assert hash(OrderStatus("X")) == hash("X")
    assert OrderStatus("X") != OrderStatus("Y")


def test_the_name_of_a_member_is_not_its_word() -> None:
    """An interval "MINUTE_1" is none of the exchange's, although a member has this name."""
    assert KlineInterval("1m") is KlineInterval.MINUTE_1
    assert not KlineInterval("MINUTE_1").is_known
    assert hash(KlineInterval("1m")) == hash("1m")


def test_one_minute_is_not_one_month() -> None:
    assert KlineInterval("1M") is KlineInterval.MONTH_1
    assert KlineInterval("1m") != KlineInterval("1M")


@pytest.mark.parametrize("member", [Permission.SPOT, Permission("TRD_GRP_999"), SymbolStatus("")])
def test_words_survive_pickle_and_copy(member: OpenEnum) -> None:
    assert pickle.loads(pickle.dumps(member)) == member
    assert copy.deepcopy(member) == member


@pytest.mark.parametrize("value", [None, 1, 1.5, b"BUY", ["BUY"]])
def test_what_is_no_text_is_no_word(value: Any) -> None:
    with pytest.raises(ValueError, match="not a valid Side"):
        Side(value)
