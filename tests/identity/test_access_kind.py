import hashlib
from collections.abc import Callable

import pytest

from nacd.identity.access_kind import Refused, access_kind
from nacd.values import (
    AccessKind,
    AccessRequest,
    ChapResponse,
    NoCredential,
    OtherCredential,
    PapPassword,
    Secret,
)

Request = Callable[..., AccessRequest]
MAC = {"user_name": "0050b6aabbcc", "calling_station_id": "00-50-B6-AA-BB-CC"}


def _pap(text: str) -> PapPassword:
    return PapPassword(password=Secret(text.encode()))


@pytest.mark.parametrize("service", ["", "Framed", "Framed-User"])
def test_eap_on_a_port_is_dot1x(request_of: Request, service: str) -> None:
    request = request_of(service_type=service, has_eap=True, nas_port_type="Ethernet", user_name="host/pc-1")
    assert access_kind(request) is AccessKind.DOT1X


def test_eap_on_a_virtual_port_is_vpn(request_of: Request) -> None:
    assert access_kind(request_of(service_type="Framed", has_eap=True, nas_port_type="Virtual")) is AccessKind.VPN


@pytest.mark.parametrize("service", ["", "Framed-User", "Authenticate-Only", "Authorize-Only"])
@pytest.mark.parametrize("has_eap", [False, True])
def test_a_nas_that_authenticates_by_itself_is_a_vpn_and_its_password_is_not_looked_at(
    request_of: Request, service: str, has_eap: bool
) -> None:
    request = request_of(
        authentication="done_by_nas",
        service_type=service,
        has_eap=has_eap,
        nas_port_type="Async",
        user_name="alice",
        credential=_pap("anything"),
    )
    assert access_kind(request) is AccessKind.VPN


@pytest.mark.parametrize(
    "service",
    [
        "Login",
        "Login-User",
        "Callback-Login-User",
        "Callback-Framed-User",
        "Outbound-User",
        "Administrative-User",
        "NAS-Prompt-User",
        "NAS-Prompt",
        "Callback-NAS-Prompt",
        "Callback-Administrative",
        "Framed-Management",
        "99",
    ],
)
@pytest.mark.parametrize("authentication", ["eap", "done_by_nas"])
def test_a_request_for_anything_but_network_access_is_refused_naming_the_service_type(
    request_of: Request, service: str, authentication: str
) -> None:
    """Even with EAP and even when it looks like a MAB: an Accept would open the NAS's own console."""
    for fields in ({"has_eap": True}, {**MAC, "credential": _pap("0050b6aabbcc")}):
        found = access_kind(request_of(authentication=authentication, service_type=service, **fields))
        assert isinstance(found, Refused)
        assert found.code == "service_type"
        assert found.reason.startswith(f"Service-Type `{service}` is refused: ")


@pytest.mark.parametrize("port_type", ["Wireless-802.11", "Ethernet"])
def test_eap_at_a_port_is_8021x_though_the_access_point_calls_it_a_login(request_of: Request, port_type: str) -> None:
    request = request_of(service_type="Login-User", has_eap=True, nas_port_type=port_type, user_name="host/laptop")
    assert access_kind(request) is AccessKind.DOT1X


@pytest.mark.parametrize(
    "fields",
    [
        {"has_eap": True},
        {"has_eap": True, "nas_port_type": "Virtual"},
        {"has_eap": True, "nas_port_type": "Async"},
        {"has_eap": True, "nas_port_type": "Wireless-802.11", "authentication": "done_by_nas"},
        {"nas_port_type": "Ethernet", "credential": _pap("0050b6aabbcc"), **MAC},
    ],
)
def test_any_other_login_stays_one_on_the_nas_itself(request_of: Request, fields: dict[str, object]) -> None:
    found = access_kind(request_of(service_type="Login-User", **fields))
    assert isinstance(found, Refused)
    assert found.code == "service_type"


@pytest.mark.parametrize("service", ["Authenticate-Only", "Authorize-Only"])
def test_a_check_alone_is_refused_from_a_nas_that_does_not_authenticate_by_itself(
    request_of: Request, service: str
) -> None:
    found = access_kind(request_of(service_type=service, user_name="alice", credential=_pap("x")))
    assert isinstance(found, Refused)
    assert "done_by_nas" in found.reason


def test_a_nas_that_authenticates_by_itself_has_no_mab(request_of: Request) -> None:
    found = access_kind(request_of(authentication="done_by_nas", service_type="Call-Check", **MAC))
    assert isinstance(found, Refused)


@pytest.mark.parametrize("service", ["Call-Check", "Framed", ""])
def test_a_password_that_repeats_the_mac_on_both_names_is_mab(request_of: Request, service: str) -> None:
    request = request_of(service_type=service, credential=_pap("00:50:b6:aa:bb:cc"), **MAC)
    assert access_kind(request) is AccessKind.MAB


def test_mab_by_chap_is_checked(request_of: Request) -> None:
    digest = hashlib.md5(b"\x01" + b"0050b6aabbcc" + b"c" * 16).digest()
    good = ChapResponse(identifier=1, response=digest, challenge=b"c" * 16)
    bad = ChapResponse(identifier=2, response=digest, challenge=b"c" * 16)
    assert access_kind(request_of(service_type="Call-Check", credential=good, **MAC)) is AccessKind.MAB
    assert isinstance(access_kind(request_of(service_type="Call-Check", credential=bad, **MAC)), Refused)


def test_a_mab_with_another_password_is_refused_and_told_the_way_out_without_the_password(request_of: Request) -> None:
    found = access_kind(request_of(service_type="Call-Check", credential=_pap("hunter2"), **MAC))
    assert isinstance(found, Refused)
    assert found.code == "mab_password"
    assert "mab_password: any" in found.reason
    assert "hunter2" not in found.reason


@pytest.mark.parametrize("credential", [NoCredential(), _pap(""), _pap("hunter2")])
def test_a_nas_with_a_fixed_mab_password_may_send_any(request_of: Request, credential: object) -> None:
    for service in ("Call-Check", "Framed"):
        request = request_of(mab_password="any", service_type=service, credential=credential, **MAC)
        assert access_kind(request) is AccessKind.MAB


def test_an_unknown_mab_password_rule_is_the_strict_one(request_of: Request) -> None:
    assert isinstance(access_kind(request_of(mab_password="whatever", credential=_pap("x"), **MAC)), Refused)


def test_a_call_check_needs_no_password_but_a_request_that_only_looks_like_mab_does(request_of: Request) -> None:
    assert access_kind(request_of(service_type="Call-Check", **MAC)) is AccessKind.MAB
    found = access_kind(request_of(service_type="Framed", **MAC))
    assert isinstance(found, Refused)
    assert "without a password" in found.reason


def test_a_mab_by_a_method_nacd_does_not_speak_is_refused_by_name(request_of: Request) -> None:
    request = request_of(mab_password="any", credential=OtherCredential(method="MS-CHAPv2"), **MAC)
    found = access_kind(request)
    assert isinstance(found, Refused)
    assert "`MS-CHAPv2`" in found.reason


@pytest.mark.parametrize(
    ("user", "calling", "code"),
    [
        ("0050b6aabbcc", "00-50-B6-AA-BB-CD", "mab_mismatch"),
        ("0050b6aabbcc", "192.0.2.7", "mab_no_mac"),
        ("0050b6aabbcc", "", "mab_no_mac"),
        ("alice", "00-50-B6-AA-BB-CC", "mab_no_mac"),
        ("000000000000", "00-00-00-00-00-00", "mab_no_mac"),
    ],
)
def test_a_mab_names_one_mac_twice(request_of: Request, user: str, calling: str, code: str) -> None:
    request = request_of(
        service_type="Call-Check", user_name=user, calling_station_id=calling, credential=_pap("0050b6aabbcc")
    )
    found = access_kind(request)
    assert isinstance(found, Refused)
    assert found.code == code


def test_a_mac_as_user_name_elsewhere_than_on_its_own_port_is_refused(request_of: Request) -> None:
    request = request_of(user_name="0050b6aabbcc", calling_station_id="0050b6aabbcd", credential=_pap("0050b6aabbcc"))
    assert isinstance(access_kind(request), Refused)


def test_on_a_virtual_port_nothing_is_mab_by_its_looks(request_of: Request) -> None:
    request = request_of(nas_port_type="Virtual", credential=_pap("0050b6aabbcc"), **MAC)
    found = access_kind(request)
    assert isinstance(found, Refused)
    assert found.code == "no_access_kind"
    eap = request_of(nas_port_type="Virtual", has_eap=True, eap_md5_mab=True, **MAC)
    assert access_kind(eap) is AccessKind.VPN


def test_mab_by_eap_md5_is_mab_only_where_the_nas_is_marked(request_of: Request) -> None:
    assert access_kind(request_of(has_eap=True, eap_md5_mab=True, **MAC)) is AccessKind.MAB
    assert access_kind(request_of(has_eap=True, **MAC)) is AccessKind.DOT1X


@pytest.mark.parametrize("fields", [{"user_name": "host/pc-1"}, {"user_name": "0050b6aabbcd"}])
def test_a_supplicant_on_a_nas_with_eap_md5_mab_is_still_dot1x(request_of: Request, fields: dict[str, str]) -> None:
    request = request_of(has_eap=True, eap_md5_mab=True, **{**MAC, **fields})
    assert access_kind(request) is AccessKind.DOT1X


def test_a_call_check_by_eap_on_an_unmarked_nas_is_refused_with_the_setting(request_of: Request) -> None:
    found = access_kind(request_of(service_type="Call-Check", has_eap=True, **MAC))
    assert isinstance(found, Refused)
    assert "eap_md5_mab: true" in found.reason
    marked = request_of(service_type="Call-Check", has_eap=True, eap_md5_mab=True, **MAC)
    assert access_kind(marked) is AccessKind.MAB


@pytest.mark.parametrize("credential", [_pap("hunter2"), OtherCredential(method="MS-CHAPv2"), NoCredential()])
def test_a_users_password_is_never_checked_and_always_refused(request_of: Request, credential: object) -> None:
    found = access_kind(request_of(user_name="alice", calling_station_id="00-50-B6-AA-BB-CC", credential=credential))
    assert isinstance(found, Refused)
    assert "nacd checks no user passwords" in found.reason
    assert "hunter2" not in found.reason
