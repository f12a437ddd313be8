"""The gate lets pass what is complete, in time and signed, and nothing else."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from trio_binance.config import KeyType
from trio_binance.sandbox.accounts import Account
from trio_binance.sandbox.envelope import read_frame
from trio_binance.sandbox.frames import RestRequest
from trio_binance.sandbox.gate import (
    OLDEST_US,
    Stamp,
    authenticate,
    check_names,
    market_params,
    read_form,
    read_stamp,
    time_us,
)
from trio_binance.sandbox.keys import Key
from trio_binance.sandbox.operations import BY_NAME
from trio_binance.sandbox.refusals import Refusal

from .doors import ADDRESS, ED25519, ED25519_PEM, SECRET, START_US, House, body, ed_signed, refused, sign

OWNER = Account("key", 1)
DEPTH = BY_NAME["GET /api/v3/depth"]
ORDER = BY_NAME["POST /api/v3/order"]


def code(function: Any, *args: Any, **kwargs: Any) -> int:
    with pytest.raises(Refusal) as caught:
        function(*args, **kwargs)
    return caught.value.code


def vectors(recordings: Path, api: str) -> list[dict[str, Any]]:
    found = json.loads((recordings / "signatures" / "vectors.json").read_text("utf-8"))
    chosen = [vector for vector in found if vector["api"] == api and "payload" in vector]
    assert chosen
    return chosen


def flipped(signature: str) -> str:
    last = "0" if signature[-1] != "0" else "1"
    return signature[:-1] + last


def test_official_rest_vectors_are_accepted_and_one_flipped_digit_is_refused(recordings: Path) -> None:
    for vector in vectors(recordings, "REST"):
        keys = {vector["apiKey"]: Key.hmac(vector["apiKey"], vector["secret"], OWNER)}
        for signature, good in ((vector["signature"], True), (flipped(vector["signature"]), False)):
            target = f"/api/v3/order?{vector['payload']}&signature={signature}"
            claim = read_form(RestRequest("POST", target, {"x-mbx-apikey": vector["apiKey"]})).claim
            if good:
                assert authenticate(claim, keys, ADDRESS, trade=True) is keys[vector["apiKey"]]
            else:
                assert code(authenticate, claim, keys, ADDRESS, trade=True) == -1022


WS_SAMPLE = {
    "symbol": "BTCUSDT",
    "side": "SELL",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.01000000",
    "price": "52000.00",
    "recvWindow": 100,
    "timestamp": 1645423376532,
    "apiKey": "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A",
    "signature": "aa1b5712c094bc4e57c05a1a5c1fd8d88dcd628338ea863fec7b88e59fe2db24",
}


def test_the_official_sample_of_the_websocket_api_is_accepted_and_a_changed_price_is_not() -> None:
    keys = {str(WS_SAMPLE["apiKey"]): Key.hmac(str(WS_SAMPLE["apiKey"]), SECRET, OWNER)}
    for price, good in (("52000.00", True), ("52000.0", False)):
        frame = {"id": 1, "method": "order.place", "params": {**WS_SAMPLE, "price": price}}
        claim = read_frame(json.dumps(frame)).claim
        if good:
            authenticate(claim, keys, ADDRESS, trade=True)
        else:
            assert code(authenticate, claim, keys, ADDRESS, trade=True) == -1022


def test_every_verifiable_vector_of_the_documents_is_accepted(spec: Path) -> None:
    chosen = [
        vector
        for vector in json.loads((spec / "signing.json").read_text("utf-8"))["vectors"]
        if vector.get("verified") is True and vector["key_type"] == "HMAC" and "payload" in vector
    ]
    assert len(chosen) > 4
    for vector in chosen:
        key = Key.hmac("k", vector["secret"], OWNER)
        payload = vector["payload"].encode()
        assert key.verifies(payload, vector["signature"]), vector["id"]
        assert not key.verifies(payload[:-1] + bytes([payload[-1] ^ 1]), vector["signature"]), vector["id"]


def test_numbers_are_signed_as_they_were_written() -> None:
    request = read_frame('{"id":1,"method":"m","params":{"b":50.0,"a":50,"c":true,"d":["x",1.50]}}')
    assert request.claim.payload == b'a=50&b=50.0&c=true&d=["x",1.50]'


def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def test_an_rsa_key_verifies_pkcs1_v15_signatures() -> None:
    private = rsa_key()
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    key = Key.asymmetric("key", public, OWNER)
    signature = base64.b64encode(private.sign(b"a=1", padding.PKCS1v15(), hashes.SHA256())).decode()
    assert key.key_type is KeyType.RSA
    assert key.verifies(b"a=1", signature)
    assert not key.verifies(b"a=2", signature)


def test_an_ed25519_key_verifies_and_refuses_garbage() -> None:
    key = Key.asymmetric("key", ED25519_PEM.decode(), OWNER)
    signature = base64.b64encode(ED25519.sign(b"a=1")).decode()
    assert key.key_type is KeyType.ED25519
    assert key.verifies(b"a=1", signature)
    assert not any(key.verifies(b"a=1", bad) for bad in ("", "?", "é", "AAAA", signature.swapcase()))


def test_an_encrypted_private_key_needs_its_passphrase() -> None:
    pem = ED25519.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"open"))
    assert Key.asymmetric("key", pem, OWNER, passphrase="open").key_type is KeyType.ED25519


def test_keys_of_another_kind_are_refused() -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    secret = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for pem in (public, secret):
        with pytest.raises(ValueError, match="Ed25519 or RSA"):
            Key.asymmetric("key", pem, OWNER)


def test_hmac_signatures_are_not_case_sensitive_and_the_key_shows_no_secret() -> None:
    key = Key.hmac("abcdefghij", "secret-text", OWNER)
    assert Key.hmac("k", SECRET, OWNER).verifies(b"a=1", sign(b"a=1").upper())
    assert repr(key) == "Key(HMAC, abcd***)"


@given(st.binary(max_size=60), st.integers(0, 59), st.integers(1, 255))
def test_one_changed_byte_breaks_the_signature(payload: bytes, where: int, mask: int) -> None:
    key = Key.hmac("key", SECRET, OWNER)
    assert key.verifies(payload, sign(payload))
    if payload:
        changed = bytearray(payload)
        changed[where % len(payload)] ^= mask
        assert not key.verifies(bytes(changed), sign(payload))


@pytest.mark.parametrize(
    ("query", "body_text", "payload"),
    [
        ("a=1&signature=x", "", b"a=1"),
        ("signature=x&a=1", "", b"a=1"),
        ("a=1&signature=x&b=2", "", b"a=1&b=2"),
        ("a=1", "b=2&signature=x", b"a=1b=2"),
        ("", "b=2&signature=x", b"b=2"),
        ("a=1&signature=x", "b=2", b"a=1b=2"),
    ],
)
def test_the_payload_is_query_and_body_without_the_signature(query: str, body_text: str, payload: bytes) -> None:
    form = read_form(RestRequest("POST", f"/api/v3/order?{query}", {}, body_text.encode()))
    assert form.claim.payload == payload
    assert form.claim.signature == "x"
    assert "signature" not in form.params


def test_the_query_wins_over_the_body() -> None:
    form = read_form(RestRequest("POST", "/api/v3/order?a=query", {}, b"a=body&b=body"))
    assert form.params == {"a": "query", "b": "body"}


def test_a_get_has_no_parameters_in_its_body_and_json_bodies_are_not_read() -> None:
    assert read_form(RestRequest("GET", "/api/v3/depth?a=1", {}, b"b=2")).params == {"a": "1"}
    assert read_form(RestRequest("POST", "/x", {"content-type": "application/json"}, b"b=2")).params == {}


def test_a_parameter_sent_twice_is_refused() -> None:
    assert code(read_form, RestRequest("GET", "/api/v3/depth?a=1&a=2")) == -1101


def test_a_parameter_that_is_not_utf8_is_refused() -> None:
    assert code(read_form, RestRequest("GET", "/api/v3/depth?symbol=%FF")) == -1100
    assert code(read_form, RestRequest("POST", "/api/v3/order", {}, b"symbol=\xff")) == -1100


def test_a_plus_is_a_space_so_an_unencoded_base64_signature_does_not_verify() -> None:
    assert read_form(RestRequest("GET", "/x?signature=a+b&c=%2B")).claim.signature == "a b"


def test_a_payload_that_was_not_percent_encoded_is_refused_though_its_signature_matches() -> None:
    house = House()
    query = f"symbol=１２３&side=BUY&type=MARKET&timestamp={START_US // 1000}"
    for sent, expected in ((query, (400, -1022)), (query.replace("１２３", "%EF%BC%91"), None)):
        target = f"/api/v3/order?{sent}&signature={sign(sent.encode())}"
        reply = house.exchange.rest(RestRequest("POST", target, {"x-mbx-apikey": "hmac-key"}), START_US)
        assert reply.status == 200 if expected is None else refused(reply) == expected


def test_unread_missing_and_empty_parameters_have_their_codes() -> None:
    assert code(check_names, DEPTH, {"symbol": "A", "color": "red"}) == -1104
    assert code(check_names, DEPTH, {"symbol": "A", "limit": "1", "symbolStatus": "BREAK", "color": "red"}) == -1101
    assert code(check_names, DEPTH, {"limit": "1"}) == -1102
    assert code(check_names, DEPTH, {"symbol": ""}) == -1102
    assert code(check_names, DEPTH, {"symbol": "A", "limit": ""}) == -1105
    check_names(DEPTH, {"symbol": "A", "limit": "1"})


def test_one_of_two_parameters_is_enough_and_none_is_not() -> None:
    query = BY_NAME["GET /api/v3/order"]
    signed = {"symbol": "A", "timestamp": "1"}
    check_names(query, {**signed, "orderId": "1"})
    check_names(query, {**signed, "origClientOrderId": "x"})
    with pytest.raises(Refusal, match="Param 'orderId' or 'origClientOrderId' must be sent"):
        check_names(query, signed)


def test_the_message_names_what_is_missing() -> None:
    with pytest.raises(Refusal, match=r"Mandatory parameter 'side' was not sent, was empty/null, or malformed\."):
        check_names(ORDER, {"symbol": "A", "type": "MARKET", "timestamp": "1"})


NOW_MS = START_US // 1000


def stamp(timestamp: object, window: object = 5000) -> Stamp:
    return read_stamp({"timestamp": str(timestamp), "recvWindow": str(window)})


@given(st.integers(-70_000_000, 2_000_000), st.integers(0, 60_000_000))
def test_a_request_is_in_time_exactly_between_its_window_and_a_second_ahead(offset: int, window_us: int) -> None:
    window = f"{window_us // 1000}.{window_us % 1000:03}"
    made = stamp(START_US + offset, window)
    if offset < 1_000_000 and -offset <= window_us:
        made.check(START_US)
    else:
        assert code(made.check, START_US) == -1021


def test_the_two_messages_of_1021_tell_early_from_late() -> None:
    with pytest.raises(Refusal, match="was 1000ms ahead of the server's time"):
        stamp(NOW_MS + 1000).check(START_US)
    with pytest.raises(Refusal, match="is outside of the recvWindow"):
        stamp(NOW_MS - 5001).check(START_US)
    stamp(NOW_MS + 999).check(START_US)
    stamp(NOW_MS - 5000).check(START_US)


def test_timestamps_may_be_in_microseconds() -> None:
    assert stamp(START_US).timestamp_us == stamp(NOW_MS).timestamp_us == START_US


def test_the_window_is_five_seconds_unless_said_otherwise_and_takes_three_decimals() -> None:
    assert read_stamp({"timestamp": str(NOW_MS)}).window_us == 5_000_000
    assert stamp(NOW_MS, "6000.346").window_us == 6_000_346
    assert stamp(NOW_MS, "0.5").window_us == 500


@pytest.mark.parametrize(
    ("window", "expected"), [("60000.001", -1102), ("60001", -1102), ("1.2345", -1100), ("-1", -1100)]
)
def test_a_window_too_long_or_too_fine_is_refused(window: str, expected: int) -> None:
    assert code(stamp, NOW_MS, window) == expected


@pytest.mark.parametrize(
    ("timestamp", "expected"), [("", -1102), ("soon", -1100), ("1.5", -1100), ("1483228799999", -1102)]
)
def test_a_timestamp_that_is_none_is_refused(timestamp: str, expected: int) -> None:
    assert code(read_stamp, {"timestamp": timestamp}) == expected


def test_the_market_gets_times_in_milliseconds_clamped_to_the_known_range() -> None:
    params = {"symbol": "A", "timestamp": "1", "recvWindow": "2", "startTime": "1", "endTime": str(START_US * 10)}
    assert market_params(params, START_US) == {
        "symbol": "A",
        "startTime": str(OLDEST_US // 1000),
        "endTime": str(NOW_MS + 10_000),
    }
    assert market_params({"startTime": str(START_US + 1)}, START_US) == {"startTime": str(NOW_MS)}
    assert code(time_us, "startTime", "yesterday") == -1100


def test_a_request_without_a_key_with_an_odd_or_an_unknown_one_is_refused() -> None:
    house = House()
    target = f"/api/v3/account?timestamp={NOW_MS}&signature=00"
    for headers, expected in (
        ({}, (401, -2014)),
        ({"x-mbx-apikey": "with space"}, (401, -2014)),
        ({"x-mbx-apikey": "nobody"}, (401, -2015)),
        ({"x-mbx-apikey": "hmac-key"}, (400, -1022)),
    ):
        assert refused(house.exchange.rest(RestRequest("GET", target, headers), START_US)) == expected


def test_a_signature_is_mandatory() -> None:
    house = House()
    request = RestRequest("GET", f"/api/v3/account?timestamp={NOW_MS}", {"x-mbx-apikey": "hmac-key"})
    assert body(house.exchange.rest(request, START_US))["msg"].startswith("Mandatory parameter 'signature'")


def test_a_key_may_be_revoked_tied_to_addresses_or_barred_from_trading() -> None:
    house = House()
    key = house.exchange.keys["hmac-key"]
    assert house.order().status == 200
    key.can_trade = False
    assert refused(house.order()) == (401, -2015)
    assert house.signed("GET /api/v3/account").status == 200
    key.addresses = frozenset({"10.9.9.9"})
    assert refused(house.signed("GET /api/v3/account")) == (401, -2015)
    key.addresses = frozenset({ADDRESS})
    assert house.signed("GET /api/v3/account").status == 200
    key.revoked = True
    assert refused(house.signed("GET /api/v3/account")) == (401, -2015)


def test_the_market_gets_no_security_parameters() -> None:
    house = House()
    house.order(quantity="1", recvWindow=100)
    operation, params, account, now_us = house.market.calls[0]
    assert operation == "POST /api/v3/order"
    assert params == {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "1"}
    assert (account, now_us) == (house.alice, START_US)


def test_a_queued_request_is_checked_again_before_the_engine_and_counts_as_an_order() -> None:
    house = House()
    late_us = START_US + 3_000_000
    reply = house.order(late_us, received_us=START_US, timestamp=NOW_MS, recvWindow=2000)
    assert refused(reply) == (400, -1021)
    assert house.market.calls == []
    rows = body(house.signed("GET /api/v3/rateLimit/order", late_us))
    assert [row["count"] for row in rows] == [1, 1]


def test_a_request_late_on_arrival_counts_no_order() -> None:
    house = House()
    assert refused(house.order(START_US + 6_000_000, timestamp=NOW_MS)) == (400, -1021)
    rows = body(house.signed("GET /api/v3/rateLimit/order", START_US + 6_000_000))
    assert [row["count"] for row in rows] == [0, 0]


def test_an_ed25519_order_over_the_websocket_api_needs_no_logon() -> None:
    house = House()
    connection = house.dial("ws_api", "/ws-api/v3")
    answer = house.call(connection, "order.status", **ed_signed(symbol="BTCUSDT", orderId=1, timestamp=NOW_MS))
    assert answer["status"] == 200
