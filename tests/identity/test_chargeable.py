"""Chargeable-User-Identity: the same for one endpoint, another for every other, and telling nothing."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace

import pytest

from nacd.identity.chargeable import VALUE_LENGTH, chargeable_user_identity
from nacd.values import (
    AccessKind,
    Assurance,
    Device,
    DeviceId,
    DeviceIdKind,
    Endpoint,
    IdentitySource,
    MacAddress,
    Named,
    Secret,
    Unidentified,
)

KEY = Secret(bytes(range(32)))
GUID = "2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"
DEVICE = Device(id=DeviceId(guid=GUID), source=IdentitySource.CERTIFICATE, assurance=Assurance.CERTIFICATE)


def named(
    identity: Device | Endpoint | Unidentified, *, mac: str = "", user: str = "", access: AccessKind = AccessKind.DOT1X
) -> Named:
    return Named(access=access, identity=identity, attempts=(), mac=mac, user=user)


def endpoint(mac: str) -> Endpoint:
    return Endpoint(mac=MacAddress(mac))


LAPTOP = named(DEVICE, mac="00-1B-44-11-3A-B7", user="alice@example.test")
PRINTER = named(endpoint("00-11-85-AA-BB-CC"), mac="00-11-85-AA-BB-CC", access=AccessKind.MAB)
GUEST = named(Unidentified(reason="nothing names it"), user="alice@example.test")


def test_the_value_is_half_an_hmac_over_the_canonical_identity() -> None:
    wanted = hmac.new(bytes(range(32)), b"0:device intune " + GUID.encode(), hashlib.sha256).hexdigest()[:32]
    assert chargeable_user_identity(KEY, LAPTOP) == wanted
    assert len(wanted) == VALUE_LENGTH


def test_it_is_the_same_at_each_nas_port_and_by_each_way_in() -> None:
    elsewhere = named(DEVICE, mac="02-00-00-00-00-01", user="bob", access=AccessKind.VPN)
    assert chargeable_user_identity(KEY, elsewhere, user_name="x") == chargeable_user_identity(KEY, LAPTOP)


def test_two_endpoints_two_registers_two_sites_and_two_operators_have_different_values() -> None:
    entra = replace(DEVICE, id=DeviceId(guid=GUID, kind=DeviceIdKind.ENTRA))
    values = [
        chargeable_user_identity(KEY, LAPTOP),
        chargeable_user_identity(KEY, named(entra)),
        chargeable_user_identity(KEY, PRINTER),
        chargeable_user_identity(KEY, GUEST),
        chargeable_user_identity(Secret(bytes(32)), LAPTOP),
        chargeable_user_identity(KEY, LAPTOP, operator_name="1example.com"),
        chargeable_user_identity(KEY, LAPTOP, operator_name="1example.net"),
    ]
    assert len(set(values)) == len(values)


@pytest.mark.parametrize("who", [LAPTOP, PRINTER, GUEST])
def test_it_shows_nothing_of_the_device_the_mac_or_the_user(who: Named) -> None:
    value = chargeable_user_identity(KEY, who, user_name="alice")
    assert set(value) <= set("0123456789abcdef")
    for word in (GUID, GUID.replace("-", ""), "001b44113ab7", "001185aabbcc", "alice"):
        assert word not in value


def test_what_nothing_names_is_told_apart_by_its_mac_then_its_user_then_its_user_name() -> None:
    nothing = Unidentified(reason="nothing names it")
    by_mac = chargeable_user_identity(KEY, named(nothing, mac="00-11-85-AA-BB-CC", user="alice"))
    assert by_mac == chargeable_user_identity(KEY, PRINTER)
    by_user = chargeable_user_identity(KEY, named(nothing, user="Alice"), user_name="other")
    assert by_user == chargeable_user_identity(KEY, named(nothing), user_name="alice")
    assert by_user != chargeable_user_identity(KEY, named(nothing), user_name="bob")


def test_an_operator_name_cannot_pretend_to_be_part_of_an_identity() -> None:
    nothing = named(Unidentified(reason="nothing names it"))
    one = chargeable_user_identity(KEY, nothing, user_name="b", operator_name="user a")
    other = chargeable_user_identity(KEY, nothing, user_name="auser b", operator_name="")
    assert one != other
