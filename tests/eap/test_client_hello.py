"""Telling a whole ClientHello from anything else, before it costs a TLS connection."""

from __future__ import annotations

import ssl
import struct
import warnings
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nacd.eap import client_hello
from nacd.errors import BadEap


def hello(low=ssl.TLSVersion.TLSv1_2, high=ssl.TLSVersion.TLSv1_3):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version, context.maximum_version = low, high
    outward = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), outward, server_hostname="radius.contoso.test")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return outward.read()


HELLO = hello()


@pytest.mark.parametrize(
    ("flight", "versions"),
    [
        (HELLO, ("TLS 1.2", "TLS 1.3")),
        (hello(high=ssl.TLSVersion.TLSv1_2), ("TLS 1.2",)),
        (hello(low=ssl.TLSVersion.TLSv1, high=ssl.TLSVersion.TLSv1_1), ("TLS 1.1",)),
    ],
)
def test_offered_versions_are_read(flight, versions):
    assert client_hello.read(flight).versions == versions


def test_a_list_of_versions_of_no_octets_lists_none_and_the_legacy_version_counts():
    listed = b"\x00\x2b\x00\x05\x04\x03\x04\x03\x03"
    assert HELLO.count(listed) == 1
    empty = HELLO.replace(listed, listed[:2] + b"\x00\x00" + listed[4:])
    assert client_hello.read(empty).versions == ("TLS 1.2",)


def test_a_hello_may_be_spread_over_records():
    body = HELLO[5:]
    records = b"".join(
        b"\x16\x03\x01" + struct.pack("!H", len(part)) + part for part in (body[:7], body[7:50], body[50:])
    )
    assert client_hello.read(records) == client_hello.read(HELLO)


@pytest.mark.parametrize("cut", [1, 4, 5, 8, 100, len(HELLO) - 1])
def test_a_hello_that_is_not_whole_is_refused(cut):
    with pytest.raises(BadEap):
        client_hello.read(HELLO[:cut])


@pytest.mark.parametrize(
    ("flight", "reason"),
    [
        (b"", "no ClientHello"),
        (b"GET / HTTP/1.1\r\n\r\n", "no TLS handshake record"),
        (b"\x15\x03\x03\x00\x02\x02\x28", "began with a TLS alert"),
        (b"\x16\x03\x01\x00\x04\x02\x00\x00\x00", "message 2 instead of a ClientHello"),
        (b"\x16\x03\x01\x00\x00", "record of 0 octets"),
        (b"\x16\x03\x01\x00\x05\x01\x00\x00\x09x", "5 of 13 octets"),
        (b"\x16\x03\x01\x00\x02\x01\x00", "no ClientHello"),
    ],
)
def test_what_is_no_hello_is_refused_with_the_reason(flight, reason):
    with pytest.raises(BadEap, match=reason):
        client_hello.read(flight)


@settings(max_examples=200)
@given(octets=st.binary(max_size=80), at=st.integers(0, len(HELLO)))
def test_no_octets_do_more_than_be_refused(octets, at):
    for flight in (octets, HELLO[:at] + octets + HELLO[at + len(octets) :]):
        with suppress(BadEap):
            assert isinstance(client_hello.read(flight).versions, tuple)
