"""EAP-MD5 for MAB: spellings and the check."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nacd.eap import md5
from nacd.eap.message import EapCode, EapMessage
from nacd.identity import mac
from nacd.values import AccessRequest, MacAddress, Nas

CHALLENGE = bytes(range(16))


def proof(password, identifier=3):
    value = hashlib.md5(bytes([identifier]) + password + CHALLENGE).digest()
    return EapMessage(code=EapCode.RESPONSE, identifier=identifier, method=4, body=b"\x10" + value + b"name")


def request(seen="aa-bb-cc-00-11-22", rule="mac"):
    nas = Nas(name="old", vendor="generic", eap_md5_mab=True, mab_password=rule)
    return AccessRequest(nas=nas, source="10.0.0.1", source_port=1, calling_station_id=seen)


SPELLED = "aabbcc001122 AABBCC001122 aa-bb-cc-00-11-22 AA:BB:CC:00:11:22 aabb.cc00.1122 aabbcc-001122 aabb-cc00-1122"
PADDED = ("aa bb cc 00 11 22", " aabbcc001122\0", "aabbcc:001122")
OTHER = ("", "ada", "aabbcc00112", "aabbcc0011223", "AA-BB-CC-00-11-22:corp", "host/aabbcc001122")
MIXED = ("00-1122:33-44:55", "aa-bb:cc-00:11-22", "aabb.cc00-1122", "aabbcc 001122", "aabb cc00 1122", "aa-bb-cc001122")
PLACEHOLDERS = ("000000000000", "00-00-00-00-00-00", "ff:ff:ff:ff:ff:ff", "FFFF.FFFF.FFFF")


@pytest.mark.parametrize("text", SPELLED.split())
def test_every_usual_spelling_is_a_mac(text):
    assert md5.hex12(text) == "aabbcc001122"
    assert text.encode() in md5.spellings("aabbcc001122")


@pytest.mark.parametrize("text", PADDED)
def test_a_mac_with_blanks_is_one_too(text):
    assert md5.hex12(text) == "aabbcc001122"


@pytest.mark.parametrize("text", OTHER + MIXED + PLACEHOLDERS)
def test_anything_else_is_none(text):
    assert md5.hex12(text) == ""


@given(
    text=st.from_regex(r"[ ]?([0f]{2}|aB|09)([-:. ]?([0f]{2}|aB|09)){5}[ \0]?", fullmatch=True)
    | st.sampled_from(SPELLED.split()).flatmap(lambda text: st.permutations(text).map("".join))
    | st.sampled_from((*SPELLED.split(), *PADDED, *OTHER, *MIXED, *PLACEHOLDERS))
)
def test_what_eap_md5_lets_in_is_what_identity_can_name(text):
    named = mac.parse(text)
    assert md5.hex12(text) == (named.hex12.lower() if isinstance(named, MacAddress) else "")


@given(octets=st.binary(min_size=6, max_size=6).filter(lambda octets: len(set(octets)) > 1))
def test_both_rooms_take_the_same_passwords(octets):
    named = mac.parse(octets.hex())
    assert set(md5.spellings(octets.hex())) == {text.encode() for text in mac.spellings(named)}


@given(octets=st.binary(min_size=6, max_size=6))
def test_every_spelling_we_take_as_password_names_the_same_mac(octets):
    for spelled in md5.spellings(octets.hex()):
        assert spelled.decode().lower().translate(str.maketrans("", "", "-:. ")) == octets.hex()


def judge(response, asked=None, identity="aabbcc001122"):
    asked = asked or request()
    return md5.judge(response, CHALLENGE, asked, identity, md5.accepted_passwords(asked, identity)).code


def test_the_right_password_is_fine_in_any_spelling():
    for password in md5.spellings("aabbcc001122"):
        assert judge(proof(password)) == ""


@pytest.mark.parametrize(
    "response",
    [
        proof(b"wrong"),
        proof(b"aabbcc001123"),
        EapMessage(code=EapCode.RESPONSE, identifier=3, method=4, body=b""),
        EapMessage(code=EapCode.RESPONSE, identifier=3, method=4, body=b"\x0f" + proof(b"aabbcc001122").body[1:]),
        EapMessage(code=EapCode.RESPONSE, identifier=4, method=4, body=proof(b"aabbcc001122").body),
    ],
)
def test_any_other_answer_is_refused(response):
    assert judge(response) == "md5_wrong_password"


def test_a_nas_may_take_any_password_but_never_another_mac():
    assert judge(proof(b"wrong"), request(rule="any")) == ""
    assert judge(proof(b"wrong"), request("aa-bb-cc-00-11-23", rule="any")) == "md5_mac_mismatch"
    assert judge(proof(b"aabbcc001122"), request("")) == "md5_mac_mismatch"
    nobody = "00-00-00-00-00-00"
    assert judge(proof(b"000000000000"), request(nobody, rule="any"), identity=nobody) == "md5_mac_mismatch"


def test_the_challenge_carries_its_size():
    assert md5.encode_challenge(CHALLENGE) == b"\x10" + CHALLENGE
