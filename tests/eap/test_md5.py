"""EAP-MD5 for MAB: spellings and the check."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nacd.eap import md5
from nacd.eap.message import EapCode, EapMessage
from nacd.values import AccessRequest, Nas

CHALLENGE = bytes(range(16))


def proof(password, identifier=3):
    value = hashlib.md5(bytes([identifier]) + password + CHALLENGE).digest()
    return EapMessage(code=EapCode.RESPONSE, identifier=identifier, method=4, body=b"\x10" + value + b"name")


def request(seen="aa-bb-cc-00-11-22", rule="mac"):
    nas = Nas(name="old", vendor="generic", eap_md5_mab=True, mab_password=rule)
    return AccessRequest(nas=nas, source="10.0.0.1", source_port=1, calling_station_id=seen)


SPELLED = "aabbcc001122 AABBCC001122 aa-bb-cc-00-11-22 AA:BB:CC:00:11:22 aabb.cc00.1122 aabbcc-001122 aabb-cc00-1122"
OTHER = ("", "ada", "aabbcc00112", "aabbcc0011223", "AA-BB-CC-00-11-22:corp", "host/aabbcc001122")


@pytest.mark.parametrize("text", SPELLED.split())
def test_every_usual_spelling_is_a_mac(text):
    assert md5.hex12(text) == "aabbcc001122"
    assert text.encode() in md5.spellings("aabbcc001122")


@pytest.mark.parametrize("text", OTHER)
def test_anything_else_is_none(text):
    assert md5.hex12(text) == ""


@given(mac=st.binary(min_size=6, max_size=6))
def test_every_spelling_we_take_as_password_names_the_same_mac(mac):
    for spelled in md5.spellings(mac.hex()):
        assert spelled.decode().lower().translate(str.maketrans("", "", "-:.")) == mac.hex()


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


def test_the_challenge_carries_its_size():
    assert md5.encode_challenge(CHALLENGE) == b"\x10" + CHALLENGE
