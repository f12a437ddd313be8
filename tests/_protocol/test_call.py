"""The call: parameters written for a wire, signed last."""

from __future__ import annotations

from decimal import Decimal
from urllib.parse import parse_qsl, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_binance._protocol.call import Stamp, rest_request, rest_text, ws_params, ws_value
from trio_binance._protocol.call import given as given_params
from trio_binance._protocol.catalogue import account, general, market, trading
from trio_binance._pure.keys import signer_for
from trio_binance.config import Credentials
from trio_binance.errors import InvalidArgument

# The HMAC example of the exchange's documents (rest-api.md, "Signed request examples").
CREDENTIALS = Credentials.hmac(
    "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A",
    "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j",
)
STAMP = Stamp(timestamp_ms=1499827319559, recv_window_ms=5000)


def test_a_signed_order_is_the_documents_own_example_byte_for_byte() -> None:
    request = rest_request(
        trading.PLACE,
        {
            "symbol": "LTCBTC",
            "side": "BUY",
            "type": "LIMIT",
            "timeInForce": "GTC",
            "quantity": Decimal(1),
            "price": Decimal("0.1"),
        },
        signer_for(CREDENTIALS),
        STAMP,
    )
    assert request.method == "POST"
    assert request.target == "/api/v3/order"
    assert request.body == (
        b"symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000"
        b"&timestamp=1499827319559&signature=c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"
    )
    assert dict(request.headers)["X-MBX-APIKEY"] == CREDENTIALS.api_key


def test_a_read_carries_its_parameters_in_the_query_and_no_key_unless_signed() -> None:
    request = rest_request(market.DEPTH, {"symbol": "这是测试币456", "limit": 5, "symbolStatus": None})
    assert unquote(request.target) == "/api/v3/depth?symbol=这是测试币456&limit=5"
    assert request.target.isascii()
    assert request.headers == ()
    assert rest_request(general.PING, {}).target == "/api/v3/ping"
    signed = rest_request(account.ACCOUNT, {}, signer_for(CREDENTIALS), STAMP)
    assert signed.target.startswith("/api/v3/account?recvWindow=5000&timestamp=1499827319559&signature=")


def test_the_repr_of_a_request_shows_no_key_and_no_signature() -> None:
    request = rest_request(account.ACCOUNT, {}, signer_for(CREDENTIALS), STAMP)
    assert CREDENTIALS.api_key not in repr(request)
    assert "signature" not in repr(request)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("1E-8"), "0.00000001"),
        (Decimal("1.00"), "1.00"),
        (10**21, "1" + "0" * 21),
        (True, "true"),
        (False, "false"),
        (("BTCUSDT", "ETHUSDT"), '["BTCUSDT","ETHUSDT"]'),
        ("GTC", "GTC"),
    ],
)
def test_a_parameter_is_written_plainly(value: object, text: str) -> None:
    assert rest_text("x", value) == text  # type: ignore[arg-type]


def test_what_cannot_be_sent_is_named() -> None:
    with pytest.raises(InvalidArgument, match="x=None"):
        rest_text("x", None)


def test_parameters_that_are_not_given_are_left_out_in_order() -> None:
    assert list(given_params({"b": 1, "a": None, "c": False})) == ["b", "c"]


def test_the_websocket_api_gets_json_values_and_decimals_as_text() -> None:
    assert ws_params({"limit": 5, "omit": True, "price": Decimal("1E-8"), "symbols": ("A",), "no": None}) == {
        "limit": 5,
        "omit": True,
        "price": "0.00000001",
        "symbols": ["A"],
    }
    assert ws_value("x", "text") == "text"


def test_a_request_of_a_session_is_stamped_and_shows_neither_key_nor_signature() -> None:
    params = ws_params({"symbol": "BTCUSDT"}, None, STAMP)
    assert list(params) == ["symbol", "recvWindow", "timestamp"]
    assert params["timestamp"] == STAMP.timestamp_ms


def test_a_signed_websocket_request_carries_key_stamp_and_signature() -> None:
    params = ws_params({"symbol": "BTCUSDT"}, signer_for(CREDENTIALS), STAMP)
    assert params["apiKey"] == CREDENTIALS.api_key
    assert params["timestamp"] == STAMP.timestamp_ms
    assert params["recvWindow"] == 5000
    assert isinstance(params["signature"], str)
    assert len(params["signature"]) == 64


@given(st.dictionaries(st.text(min_size=1, max_size=8), st.text(max_size=20), max_size=6))
def test_whatever_is_sent_arrives_as_it_was_meant(params: dict[str, str]) -> None:
    request = rest_request(market.DEPTH, params)
    query = request.target.partition("?")[2]
    assert dict(parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))) == params


@pytest.mark.parametrize("value", ["\ud800", ("BTCUSDT", "\ud800")])
def test_a_lone_surrogate_is_refused_by_name_on_either_wire(value: str | tuple[str, ...]) -> None:
    with pytest.raises(InvalidArgument, match="symbols"):
        rest_request(market.DEPTH, {"symbols": value})
    with pytest.raises(InvalidArgument, match="symbols"):
        ws_params({"symbols": value})
