"""The EAP header both ways."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nacd.eap import message
from nacd.eap.message import EapCode, EapMessage
from nacd.errors import BadEap


@settings(max_examples=50)
@given(
    identifier=st.integers(0, 255),
    method=st.integers(0, 255),
    body=st.binary(max_size=300),
    padding=st.binary(max_size=9),
)
def test_a_request_reads_back_and_octets_past_its_length_are_padding(identifier, method, body, padding):
    read = message.decode(message.encode_request(identifier, method, body) + padding)
    assert read == EapMessage(code=EapCode.REQUEST, identifier=identifier, method=method, body=body)


@settings(max_examples=200)
@given(octets=st.binary(max_size=40))
def test_any_octets_are_a_message_or_bad_eap(octets):
    with suppress(BadEap):
        read = message.decode(octets)
        assert read.identifier == octets[1]
        assert len(read.body) <= len(octets) - 4


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (b"", "shorter than its header"),
        (b"\x02\x01\x00", "shorter than its header"),
        (b"\x02\x01\x00\x03\x01", "length 3"),
        (b"\x02\x01\x00\x06\x01", "length 6 does not fit the 5 octets"),
        (b"\x00\x01\x00\x05\x01", "code 0"),
        (b"\x05\x01\x00\x05\x01", "code 5"),
        (b"\x02\x01\x00\x04", "Response without a type"),
        (b"\x03\x01\x00\x05\x01", "Success with a body"),
    ],
)
def test_octets_that_are_no_eap_packet_are_refused_with_the_reason(octets, reason):
    with pytest.raises(BadEap, match=reason):
        message.decode(octets)


def test_success_and_failure_carry_the_identifier():
    assert message.decode(message.encode_success(9)) == EapMessage(code=EapCode.SUCCESS, identifier=9)
    assert message.decode(message.encode_failure(9)) == EapMessage(code=EapCode.FAILURE, identifier=9)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"ada@contoso.test", "ada@contoso.test"),
        (b"@contoso.test", "@contoso.test"),
        (b"", ""),
        (b"\x30\x82\xff", "0\\x82\\xff"),
        ("grün".encode(), "grün"),
        (b"a\nb`c", "a\\x0ab\\x60c"),
    ],
)
def test_an_identity_is_text_fit_for_a_log_line(body, text):
    assert message.identity_text(body) == text


@settings(max_examples=50)
@given(body=st.binary(max_size=2000))
def test_no_identity_breaks_a_log_line(body):
    text = message.identity_text(body)
    assert len(text) <= 253
    assert text.isprintable()
    assert "`" not in text


def test_methods_have_names():
    assert message.method_name(25) == "PEAP"
    assert message.method_name(99) == "EAP method 99"


@pytest.mark.parametrize(
    ("octets", "names"),
    [
        (b"\x02\x07\x00\x05\x01", True),
        (b"\x02\x07\x00\x09\x01host", True),
        (b"\x01\x07\x00\x05\x01", False),
        (b"\x02\x07\x00\x06\x0d\x00", False),
        (b"\x02\x07\x00\x06", False),
        (b"", False),
    ],
)
def test_only_an_identity_response_names_a_peer(octets, names):
    assert message.names_its_peer(octets) is names
