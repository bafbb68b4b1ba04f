from __future__ import annotations

import pytest

from nacd.config.policy_text import ProfileText, attribute_name


@pytest.mark.parametrize(
    "name",
    [
        "Service-Type",
        "service-type",
        "Cisco-Privilege-Level",
        "Management-Privilege-Level",
        "ASA-Privilege-Level",
        "Aruba-Admin-Role",
        "PaloAlto-Admin-Role",
        "Fortinet-Access-Profile",
        "Juniper-Local-User-Name",
        "HP-Privilege-Level",
        "HP-Command-String",
        "Arista-User-Role",
        "Login-Service",
        "Callback-Number",
    ],
)
def test_attributes_that_open_the_nas_itself_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="nacd opens the network only"):
        attribute_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "EAP-Message",
        "Message-Authenticator",
        "State",
        "Proxy-State",
        "MS-MPPE-Send-Key",
        "MS-MPPE-Recv-Key",
        "eap-key-name",
    ],
)
def test_attributes_of_the_protocol_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="belongs to the protocol"):
        attribute_name(name)


@pytest.mark.parametrize(
    ("name", "words"), [("Session-Timeout", "`session_timeout: 8h`"), ("Termination-Action", "`termination`")]
)
def test_an_attribute_that_has_an_intention_points_to_it(name: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        attribute_name(name)


def test_other_attributes_pass_with_or_without_a_tag() -> None:
    assert attribute_name("Filter-Id") == ("Filter-Id", 0)
    assert attribute_name("Tunnel-Private-Group-Id:1") == ("Tunnel-Private-Group-Id", 1)
    assert attribute_name("Acct-Interim-Interval") == ("Acct-Interim-Interval", 0)
    assert attribute_name("Aruba-User-Role") == ("Aruba-User-Role", 0)
    assert attribute_name("Class") == ("Class", 0)
    for wrong in ("Filter Id", "Filter-Id:0", "Filter-Id:32", ""):
        with pytest.raises(ValueError, match="is no attribute name"):
            attribute_name(wrong)


@pytest.mark.parametrize("value", ["shell:priv-lvl=15", "Shell : roles=network-admin", "priv-lvl=15"])
def test_an_av_pair_that_grants_a_shell_is_refused(section, value: str) -> None:
    (said,) = section(ProfileText, f'attributes: {{Cisco-AVPair: ["ip:inacl#1=permit ip any any", "{value}"]}}\n')
    assert "grants administrative access" in said
    assert said.startswith("1:61:")


def test_every_intention(section) -> None:
    profile = section(
        ProfileText,
        "vlan: 120\nacl: A\ndacl: [permit ip any any]\nredirect: {url: 'https://x/', acl: R}\nsgt: 20\nrole: r\n"
        "group_policy: g\nsession_timeout: 8h\ntermination: end\nattributes: {Filter-Id: x, Class: [a, 5]}\n"
        "optional: {vlan: GUEST}\n",
    )
    assert (profile.vlan, profile.optional.vlan, profile.dacl) == ("120", "GUEST", ("permit ip any any",))
    assert profile.attributes == {"Filter-Id": ("x",), "Class": ("a", 5)}
    assert profile.session_timeout.total_seconds() == 28800


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("vlan: 0", "`0` is no VLAN"),
        ("vlan: 4095", "from 1 to 4094"),
        ("vlan: '0012'", "`0012` is no VLAN"),
        ("vlan: true", "`true` is a boolean"),
        ("sgt: 1", "no security group tag"),
        ("session_timeout: 0s", "outside `1s`"),
        ("session_timeout: 1s500ms", "whole seconds"),
        ("redirect: {url: 'ftp://x'}", "must begin with `http://`"),
        ("redirect: {url: 'https://u:p@x'}", "must not carry"),
        ("dacl: permit ip any any", "a list is wanted"),
        ("dacl: []", "at least one is needed"),
        ("optional: {attributes: {Class: x}}", "cannot be optional"),
        ("filter_id: x", "write `acl`"),
        ("attributes: {Filter-Id: 1.5}", "is a number and text is wanted"),
        ("attributes: {Filter-Id: -1}", "is no number that an attribute can hold"),
    ],
)
def test_intentions_that_cannot_be(section, text: str, words: str) -> None:
    (said,) = section(ProfileText, text + "\n")
    assert words in said
