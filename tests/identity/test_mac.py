import hashlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nacd.identity.mac import NotMac, parse, parse_called, password_matches, spellings
from nacd.values import AccessRequest, ChapResponse, MacAddress, NoCredential, OtherCredential, PapPassword, Secret

MAC = MacAddress("00-50-B6-AA-BB-CC")
macs = (
    st.binary(min_size=6, max_size=6)
    .filter(lambda b: b not in (bytes(6), b"\xff" * 6))
    .map(lambda b: MacAddress(b.hex("-").upper()))
)


@pytest.mark.parametrize(
    "text",
    [
        "0050.b6aa.bbcc",
        "0050b6aabbcc",
        "00-50-B6-AA-BB-CC",
        "00:50:b6:aa:bb:cc",
        "00.50.b6.aa.bb.cc",
        "00 50 b6 aa bb cc",
        "0050B6-AABBCC",
        "0050-b6aa-bbcc",
        " 00:50:B6:AA:BB:CC ",
        "0050b6aabbcc\0",
    ],
)
def test_every_spelling_of_a_mac_is_the_same_mac(text: str) -> None:
    assert parse(text) == MAC


@pytest.mark.parametrize(
    "text",
    [
        "",
        "alice",
        "192.0.2.10",
        "2001:db8::1",
        "00-50-B6-AA-BB",
        "00-50-B6-AA-BB-CC-DD",
        "00-50:B6-AA:BB-CC",
        "0050b6aabbcg",
        "00-50-B6-AA-BB-CC:corp",
        "٠٠50b6aabbcc",
        "00-00-00-00-00-00",
        "ffffffffffff",
        "00" * 5000,
    ],
)
def test_anything_else_is_no_mac_and_says_why(text: str) -> None:
    found = parse(text)
    assert isinstance(found, NotMac)
    assert found.reason


@pytest.mark.parametrize(
    "text",
    [
        "00-50-B6-AA-BB-CC:corp",
        "00:50:b6:aa:bb:cc:corp",
        "0050b6aabbcc:a:b",
        "0050.b6aa.bbcc:x",
        "0050b6aabbcc",
        "0050b6-aabbcc",
    ],
)
def test_a_called_station_id_may_carry_the_ssid_behind_the_mac(text: str) -> None:
    assert parse_called(text) == MAC


def test_a_called_station_id_that_is_an_address_is_no_mac() -> None:
    assert isinstance(parse_called("192.0.2.1"), NotMac)


@given(macs)
def test_each_spelling_of_a_mac_is_read_back_as_that_mac(mac: MacAddress) -> None:
    forms = spellings(mac)
    assert len(set(forms)) == len(forms)
    assert all(parse(form) == mac for form in forms)


@given(st.text(max_size=40))
def test_any_text_is_a_mac_or_not_one(text: str) -> None:
    assert isinstance(parse(text), MacAddress | NotMac)
    assert isinstance(parse_called(text), MacAddress | NotMac)


@pytest.mark.parametrize("password", ["0050b6aabbcc", "00-50-B6-AA-BB-CC", "0050.B6AA.BBCC"])
def test_a_pap_password_that_spells_the_mac_matches(request_of: Callable[..., AccessRequest], password: str) -> None:
    request = request_of(credential=PapPassword(password=Secret(password.encode())))
    assert password_matches(request, MAC)


@pytest.mark.parametrize("password", [b"", b"secret", b"0050b6aabbcd", b"0050B6aabbcc", b"\xff\xfe"])
def test_any_other_pap_password_does_not(request_of: Callable[..., AccessRequest], password: bytes) -> None:
    assert not password_matches(request_of(credential=PapPassword(password=Secret(password))), MAC)


def test_a_chap_response_over_the_mac_matches(request_of: Callable[..., AccessRequest]) -> None:
    digest = hashlib.md5(b"\x07" + b"00:50:b6:aa:bb:cc" + b"challenge").digest()
    good = ChapResponse(identifier=7, response=digest, challenge=b"challenge")
    assert password_matches(request_of(credential=good), MAC)
    for bad in (
        ChapResponse(identifier=8, response=digest, challenge=b"challenge"),
        ChapResponse(identifier=7, response=digest, challenge=b"other"),
        ChapResponse(identifier=7, response=digest[:-1], challenge=b"challenge"),
        ChapResponse(identifier=7, response=b"", challenge=b""),
    ):
        assert not password_matches(request_of(credential=bad), MAC)


@pytest.mark.parametrize("credential", [NoCredential(), OtherCredential(method="MS-CHAPv2")])
def test_no_password_and_foreign_methods_do_not_match(
    request_of: Callable[..., AccessRequest], credential: object
) -> None:
    assert not password_matches(request_of(credential=credential), MAC)


def test_no_password_stays_in_the_memory_of_macs(request_of: Callable[..., AccessRequest]) -> None:
    parse.cache_clear()
    password_matches(request_of(credential=PapPassword(password=Secret(b"correct-horse"))), MAC)
    assert parse.cache_info().currsize == 0
