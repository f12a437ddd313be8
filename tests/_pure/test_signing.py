"""Signatures: the exchange's own examples, and what must hold for every request."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_binance._pure.keys import signer_for
from trio_binance._pure.signing import encode_query, percent_encode, sign_query, sign_ws_api, ws_api_payload
from trio_binance.config import Credentials, KeyType
from trio_binance.errors import InvalidArgument

if TYPE_CHECKING:
    from pathlib import Path

# The example key of the exchange's documents (rest-api.md, "SIGNED Endpoint Examples").
API_KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
SIGNER = signer_for(Credentials.hmac(API_KEY, SECRET))

ORDER = [
    ("side", "BUY"),
    ("type", "LIMIT"),
    ("timeInForce", "GTC"),
    ("quantity", "1"),
    ("price", "0.1"),
    ("recvWindow", "5000"),
    ("timestamp", "1499827319559"),
]
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


class Echo:
    """A signer whose signature shows what it was given."""

    api_key = "the-key"
    key_type = KeyType.HMAC

    def sign(self, payload: bytes) -> str:
        return f"+/={payload.decode()}"


@pytest.mark.parametrize(
    ("symbol", "signature"),
    [
        ("LTCBTC", "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"),
        ("１２３４５６", "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3"),
    ],
)
def test_the_documents_rest_examples_come_out(symbol: str, signature: str) -> None:
    assert sign_query(encode_query([("symbol", symbol), *ORDER]), SIGNER) == signature


def test_a_connector_of_the_exchange_signs_query_and_body_without_a_separator() -> None:
    # binance-connector-java, TradeApiTest.newOrder
    signer = signer_for(Credentials.hmac("apiKey", "secretKey"))
    query, body = "timestamp=1736393892000", "symbol=BNBUSDT&side=BUY&type=MARKET"
    assert sign_query(query, signer, body) == sign_query(query + body, signer)
    assert sign_query(query, signer, body) != sign_query(f"{query}&{body}", signer)


@pytest.mark.parametrize(
    ("symbol", "price", "quantity", "recv_window", "side", "signature"),
    [
        ("BTCUSDT", "52000.00", "0.01000000", 100, "SELL",
         "aa1b5712c094bc4e57c05a1a5c1fd8d88dcd628338ea863fec7b88e59fe2db24"),
        ("１２３４５６", "0.10000000", "1.00000000", 5000, "BUY",
         "b33892ae8e687c939f4468c6268ddd4c40ac1af18ad19a064864c47bae0752cd"),
    ],
)  # fmt: skip
def test_the_documents_websocket_examples_come_out(
    symbol: str, price: str, quantity: str, recv_window: int, side: str, signature: str
) -> None:
    params = {
        "symbol": symbol,
        "side": side,
        "type": "LIMIT",
        "timeInForce": "GTC",
        "quantity": Decimal(quantity),
        "price": Decimal(price),
        "recvWindow": recv_window,
        "timestamp": 1645423376532,
    }
    signed = sign_ws_api(params, SIGNER)
    assert signed["signature"] == signature
    assert signed["apiKey"] == API_KEY
    assert signed["price"] == price


def test_a_logon_is_signed_as_the_documents_show() -> None:
    signed = sign_ws_api({"timestamp": 1649729878532}, SIGNER)
    assert signed["signature"] == "1cf54395b336b0a9727ef27d5d98987962bc47aca6e13fe978612d0adee066ed"


def test_every_reproducible_example_of_the_documents_comes_out(spec: Path) -> None:
    document = json.loads((spec / "signing.json").read_text("utf-8"))
    shown = [v for v in document["vectors"] if v["verified"] and v["key_type"] == "HMAC"]
    assert len(shown) == 19
    for vector in shown:
        signer = signer_for(Credentials.hmac(vector["api_key"], vector["secret"]))
        assert signer.sign(vector["payload"].encode()) == vector["signature"], vector["id"]
        if "params" in vector:
            assert sign_ws_api(vector["params"], signer)["signature"] == vector["signature"], vector["id"]
        elif "params_before_encoding" in vector:
            query = encode_query(parse_qsl(vector["params_before_encoding"]))
            assert query == vector["payload"]
            assert sign_query(query, signer) == vector["signature"]


def test_the_derived_query_plus_body_example_comes_out(spec: Path) -> None:
    document = json.loads((spec / "signing.json").read_text("utf-8"))
    (vector,) = [v for v in document["derived_vectors"] if v["id"] == "derived-rest-hmac-query-plus-body"]
    query, _, rest = vector["payload"].partition("quantity=")
    assert sign_query(query, SIGNER, f"quantity={rest}") == vector["signature"]


def test_every_recorded_vector_comes_out(recordings: Path) -> None:
    vectors = json.loads((recordings / "signatures" / "vectors.json").read_text("utf-8"))
    assert len(vectors) == 16
    for vector in vectors:
        signer = signer_for(Credentials.hmac(vector["apiKey"], vector["secret"]))
        assert sign_query(vector["payload"], signer) == vector["signature"], vector["id"]
        if "params" in vector:
            assert encode_query([(k, v) for k, v in vector["params"]]) == vector["payload"]


@given(TEXT)
def test_percent_encoding_keeps_only_the_unreserved_and_loses_nothing(text: str) -> None:
    encoded = percent_encode(text)
    assert encoded.isascii()
    assert not set(encoded) & set("&=+/ ?#\r\n:@,'\"<>")
    assert unquote(encoded, errors="strict") == text


def test_the_unreserved_characters_of_rfc_3986_stay_as_they_are() -> None:
    assert percent_encode("AZaz09-._~") == "AZaz09-._~"
    assert percent_encode(' /+="é') == "%20%2F%2B%3D%22%C3%A9"


@given(st.lists(st.tuples(TEXT.filter(bool), TEXT)))
def test_a_query_keeps_order_and_can_be_read_back(params: list[tuple[str, str]]) -> None:
    assert parse_qsl(encode_query(params), keep_blank_values=True, strict_parsing=bool(params)) == params


def test_a_value_that_utf8_cannot_write_is_refused_by_name() -> None:
    with pytest.raises(InvalidArgument, match=r"^symbol=") as caught:
        encode_query([("symbol", "\ud800")])
    assert caught.value.__context__ is None
    with pytest.raises(InvalidArgument):
        percent_encode("\udfff")
    with pytest.raises(InvalidArgument, match=r"^symbol=") as caught:
        ws_api_payload({"symbol": "\ud800"})
    assert caught.value.__context__ is None


def test_text_that_was_not_percent_encoded_is_not_signed() -> None:
    for query, body in (("symbol=é", ""), ("", "symbol=é")):
        with pytest.raises(InvalidArgument, match="percent-encode"):
            sign_query(query, SIGNER, body)


def test_a_base64_signature_is_percent_encoded_for_rest_and_plain_for_the_websocket_api() -> None:
    assert sign_query("a=1", Echo(), "b=2") == "%2B%2F%3Da%3D1b%3D2"
    assert sign_ws_api({"b": 2}, Echo())["signature"] == "+/=apiKey=the-key&b=2"


@given(st.dictionaries(TEXT, TEXT | st.integers(-(10**18), 10**18) | st.booleans()))
def test_the_websocket_payload_is_sorted_raw_utf8_of_all_but_the_signature(params: dict[str, object]) -> None:
    signed = sign_ws_api({**params, "signature": "an old one"}, Echo())
    names = sorted({*params, "apiKey"} - {"signature"})
    texts = {**params, "apiKey": "the-key"}
    wire = [f"{n}={str(texts[n]).lower() if isinstance(texts[n], bool) else texts[n]}" for n in names]
    assert signed["signature"] == "+/=" + "&".join(wire)


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9, places=12))
def test_what_is_signed_is_what_json_carries(value: Decimal) -> None:
    signed = sign_ws_api({"price": value, "live": True, "n": 5}, Echo())
    sent = json.loads(json.dumps(signed))
    text = f"apiKey=the-key&live=true&n=5&price={sent['price']}"
    assert signed["signature"] == f"+/={text}"
    assert "E" not in sent["price"]


@pytest.mark.parametrize("value", [0.1, None, ["BTCUSDT"], b"x"])
def test_a_value_without_one_text_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match=r"^price="):
        ws_api_payload({"price": value})
    with pytest.raises(TypeError, match=r"^price="):
        sign_ws_api({"price": value}, SIGNER)


def test_the_parameters_given_are_not_changed() -> None:
    params = {"timestamp": 1}
    sign_ws_api(params, SIGNER)
    assert params == {"timestamp": 1}
