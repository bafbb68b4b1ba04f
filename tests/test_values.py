"""The vocabulary: frozen, silent about secrets, valid by existing."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle

import pytest

from nacd import values
from nacd.values import (
    NIL_GUID,
    NO_SECRET,
    AccessRequest,
    Assurance,
    Decision,
    DeviceId,
    Effect,
    MacAddress,
    Nas,
    PapPassword,
    PeerAuthenticated,
    Secret,
)

GUID = "2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"
NAS = Nas(name="switch", vendor="generic")
WORD = "correct-horse"
VALUES = [kind for kind in vars(values).values() if isinstance(kind, type) and dataclasses.is_dataclass(kind)]


@pytest.mark.parametrize("kind", VALUES, ids=lambda kind: kind.__name__)
def test_every_value_is_frozen_and_has_no_room_for_more(kind: type) -> None:
    assert kind.__dataclass_params__.frozen  # type: ignore[attr-defined]
    assert "__dict__" not in dir(kind)


# -- secrets ------------------------------------------------------------------------------------


def test_a_secret_is_silent_wherever_it_is_printed() -> None:
    secret = Secret(WORD.encode())
    request = AccessRequest(nas=NAS, source="10.0.0.1", source_port=1, credential=PapPassword(password=secret))
    peer = PeerAuthenticated(
        chain=(),
        anchor="",
        tls_version="",
        cipher="",
        peer_identity="",
        msk=secret,
        session_id=b"",
        success=b"",
        failure=b"",
    )
    for shown in (repr(secret), str(secret), f"{secret}", repr(request), repr(peer), repr({"s": secret})):
        assert WORD not in shown
        assert "***" in shown


def test_a_secret_is_not_serialised() -> None:
    secret = Secret(WORD.encode())
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    with pytest.raises(TypeError):
        copy.deepcopy(secret)
    with pytest.raises(TypeError):
        json.dumps(secret)


def test_secrets_are_equal_by_their_octets_and_their_hash_tells_nothing() -> None:
    assert Secret(b"a") == Secret(b"a")
    assert Secret(b"a") != Secret(b"b")
    assert Secret(b"a") != b"a"
    assert hash(Secret(b"a")) == hash(Secret(b"b"))
    assert NO_SECRET.reveal() == b""


# -- names --------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["00-11-85-aa-bb-cc", "0011.85aa.bbcc", "00-11-85-AA-BB-CC\n", "00-11-85-AA-BB", ""])
def test_a_mac_address_has_one_spelling_only(text: str) -> None:
    with pytest.raises(ValueError, match="MAC"):
        MacAddress(text)


@pytest.mark.parametrize(
    ("text", "local"),
    [
        ("00-11-85-AA-BB-CC", False),
        ("02-11-85-AA-BB-CC", True),
        ("DA-A1-19-00-00-01", True),
        ("01-00-5E-00-00-01", False),
    ],
)
def test_a_made_up_mac_address_is_known_by_its_second_bit(text: str, local: bool) -> None:
    assert MacAddress(text).locally_administered is local
    assert MacAddress(text).hex12 == text.replace("-", "")


@pytest.mark.parametrize("guid", [NIL_GUID, GUID.upper(), f"{{{GUID}}}", GUID + "\n", GUID.replace("-", ""), ""])
def test_what_is_no_device_id_cannot_be_one(guid: str) -> None:
    with pytest.raises(ValueError, match="device id"):
        DeviceId(guid=guid)


def test_assurance_is_ordered_and_the_weakest_link_counts() -> None:
    assert min(Assurance.CERTIFICATE, Assurance.MAC, Assurance.VPN) is Assurance.MAC
    assert Assurance.NONE < Assurance.MAC < Assurance.VPN < Assurance.CERTIFICATE


@pytest.mark.parametrize(
    ("called", "ssid"),
    [
        ("02-00-5E-00-00-01:corp", "corp"),
        ("02:00:5e:00:00:01:corp:5", "corp:5"),
        ("02005e000001:corp", "corp"),
        ("02-00-5E-00-00-01", ""),
        ("02:00:5E:00:00:01", ""),
        ("+4930123456:corp", ""),
        ("", ""),
    ],
)
def test_the_ssid_follows_the_access_points_mac(called: str, ssid: str) -> None:
    request = AccessRequest(nas=NAS, source="10.0.0.1", source_port=1, called_station_id=called)
    assert request.ssid == ssid


def test_the_audit_session_id_is_found_among_the_pairs() -> None:
    pairs = ("mdm-tlv=x", "audit-session-id=0A0B=C", "audit-session-id=later")
    request = AccessRequest(nas=NAS, source="10.0.0.1", source_port=1, cisco_av_pairs=pairs)
    assert request.audit_session_id == "0A0B=C"
    assert dataclasses.replace(request, cisco_av_pairs=()).audit_session_id == ""


# -- decisions ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        {"rule": ""},
        {"reasons": ()},
        {"policy_digest": ""},
        {"profile": ""},
        {"effect": Effect.DENY},
    ],
)
def test_a_decision_without_rule_reasons_or_fitting_profile_cannot_be_built(wrong: dict[str, object]) -> None:
    whole: dict[str, object] = {
        "effect": Effect.ALLOW,
        "rule": "r",
        "profile": "p",
        "reasons": ("because",),
        "policy_digest": "d",
    }
    Decision(**whole)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"decision|allow"):
        Decision(**{**whole, **wrong})  # type: ignore[arg-type]
