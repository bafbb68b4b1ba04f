"""A request is one form, to the octet; everything else is refused with a word and never repeated."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nacd.actions.request import Request, Unreadable, read
from nacd.store.handover import request

GUID = "2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"
TENANTS = {"intune", "Büro"}


@pytest.mark.parametrize("verb", ["sync", "notify"])
@pytest.mark.parametrize("tenant", sorted(TENANTS))
def test_what_the_daemon_hands_over_is_read(verb: str, tenant: str) -> None:
    assert read(request(verb, GUID, tenant), TENANTS) == Request(verb=verb, device=GUID, tenant=tenant)


@pytest.mark.parametrize("verb", ["lock", "retire", "wipe", "show", "SYNC", "", ["sync"], None, 1])
def test_no_other_verb_exists(verb: object) -> None:
    octets = json.dumps({"verb": verb, "device": GUID, "tenant": "intune"}).encode()
    assert read(octets, TENANTS) == Unreadable(reason="another verb than sync and notify")


@pytest.mark.parametrize(
    "device",
    [GUID.upper(), "{" + GUID + "}", "00000000-0000-0000-0000-000000000000", "", "../x", GUID + "\n", None, 1, [GUID]],
)
def test_a_device_is_an_intune_id_in_its_one_spelling(device: object) -> None:
    octets = json.dumps({"verb": "sync", "device": device, "tenant": "intune"}).encode()
    assert read(octets, TENANTS) == Unreadable(reason="`device` is no Intune device id in lower case")


@pytest.mark.parametrize("tenant", ["", "other", None, 1, ["intune"], {"intune": 1}])
def test_a_tenant_is_one_of_ours(tenant: object) -> None:
    octets = json.dumps({"verb": "sync", "device": GUID, "tenant": tenant}).encode()
    assert read(octets, TENANTS) == Unreadable(reason="no tenant of this name in actions.yaml")


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (b"", "no json"),
        (b"\xff\xfe", "no json"),
        (b"[" * 512, "no json"),
        (b"null", "not the three keys `verb`, `device`, `tenant`"),
        (b"{}", "not the three keys `verb`, `device`, `tenant`"),
        (b'{"verb": "sync", "device": "x"}', "not the three keys `verb`, `device`, `tenant`"),
        (b'{"verb":"sync","device":"x","tenant":"y","force":1}', "not the three keys `verb`, `device`, `tenant`"),
        (b'{"verb":"sync","verb":"sync","device":"x","tenant":"y"}', "a key stands twice"),
        (b" " * 513, "longer than 512 octets"),
    ],
)
def test_everything_else_is_refused_with_a_word(octets: bytes, reason: str) -> None:
    assert read(octets, TENANTS) == Unreadable(reason=reason)


@given(octets=st.binary(max_size=600))
@settings(max_examples=300)
def test_any_octets_are_read_or_refused(octets: bytes) -> None:
    assert isinstance(read(octets, TENANTS), Unreadable)


@given(
    found=st.dictionaries(
        st.sampled_from(["verb", "device", "tenant", "x"]),
        st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda each: st.lists(each, max_size=3)),
    )
)
@settings(max_examples=300)
def test_any_json_is_read_or_refused(found: dict[str, object]) -> None:
    assert isinstance(read(json.dumps(found).encode(), TENANTS), Unreadable)
