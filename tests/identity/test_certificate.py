from collections.abc import Callable

import pytest
from cryptography import x509
from hypothesis import given, settings
from hypothesis import strategies as st

from nacd.identity.certificate import FaultyCertificate, device, read
from nacd.identity.outcome import Absent, Bad, Found
from nacd.identity.rules import IdentityRules
from nacd.values import Assurance, CertificateFacts, Device, DeviceId, DeviceIdKind, IdentitySource

Facts = Callable[..., CertificateFacts]
Rules = Callable[..., IdentityRules]
Der = Callable[..., bytes]

SID = "tag:microsoft.com,2022-09-14:sid:S-1-5-21-1004336348-1177238915-682003330-512"
UPN = x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3")
TEMPLATE_NAME = x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2")
TEMPLATE = x509.ObjectIdentifier("1.3.6.1.4.1.311.21.8.1.2.3")


def _device(guid: str, kind: DeviceIdKind = DeviceIdKind.INTUNE) -> Device:
    return Device(id=DeviceId(guid=guid, kind=kind), source=IdentitySource.CERTIFICATE, assurance=Assurance.CERTIFICATE)


# -- naming ---------------------------------------------------------------------------------


def test_the_san_uri_of_an_asserting_ca_names_the_device(facts_of: Facts, rules_of: Rules, guid: str) -> None:
    found = device(facts_of(f"IntuneDeviceId://{guid}"), rules_of())
    assert isinstance(found, Found)
    assert found.identity == _device(guid)
    assert "`devices`" in found.detail


@pytest.mark.parametrize("place", ["first", "last", "joined first", "joined last"])
def test_the_strong_mapping_tag_does_not_disturb_wherever_it_stands(
    facts_of: Facts, rules_of: Rules, guid: str, place: str
) -> None:
    own = f"ID:Microsoft Endpoint Manager:GUID:{guid}"
    uris = {
        "first": (SID, own),
        "last": (own, SID),
        "joined first": (f"{SID}, {own}",),
        "joined last": (f"{own},{SID}",),
    }[place]
    found = device(facts_of(*uris), rules_of())
    assert isinstance(found, Found)
    assert found.identity == _device(guid)


def test_the_same_id_in_two_forms_is_fine(facts_of: Facts, rules_of: Rules, guid: str) -> None:
    found = device(facts_of(f"IntuneDeviceId://{guid.upper()}", f"ID:Intune:GUID:{{{guid}}}"), rules_of())
    assert isinstance(found, Found)
    assert found.identity == _device(guid)


def test_two_different_ids_are_bad(facts_of: Facts, rules_of: Rules, guid: str, other_guid: str) -> None:
    found = device(facts_of(f"IntuneDeviceId://{guid}", f"ID:Intune:GUID:{other_guid}"), rules_of())
    assert isinstance(found, Bad)
    assert guid in found.detail
    assert other_guid in found.detail


@pytest.mark.parametrize("tail", ["00000000-0000-0000-0000-000000000000", "{{DeviceId}}", "", "not-a-guid"])
def test_an_id_that_is_none_is_bad_even_beside_a_good_one(
    facts_of: Facts, rules_of: Rules, guid: str, tail: str
) -> None:
    assert isinstance(device(facts_of(f"IntuneDeviceId://{tail}"), rules_of()), Bad)
    assert isinstance(device(facts_of(f"IntuneDeviceId://{guid}", f"IntuneDeviceId://{tail}"), rules_of()), Bad)


def test_a_certificate_without_san_uris_or_with_unrelated_ones_is_absent(facts_of: Facts, rules_of: Rules) -> None:
    without = device(facts_of(), rules_of())
    unrelated = device(facts_of(SID, "https://example.com/"), rules_of())
    assert isinstance(without, Absent)
    assert isinstance(unrelated, Absent)
    assert "no SAN URI" in without.detail
    # The comma inside the tag splits it, which does no harm: neither half is a statement.
    assert "none of its 3 SAN URIs" in unrelated.detail


@pytest.mark.parametrize("uri", ["IntuneDeviceId://{guid}", "IntuneDeviceId://{{{{DeviceId}}}}"])
def test_a_ca_trusted_for_login_only_names_nothing_good_or_bad_and_the_detail_says_what_it_claims(
    facts_of: Facts, rules_of: Rules, guid: str, uri: str
) -> None:
    text = uri.format(guid=guid)
    for anchor in ("users", "never listed"):
        found = device(facts_of(text, anchor=anchor), rules_of())
        assert isinstance(found, Absent)
        assert "not for naming" in found.detail
        assert text in found.detail


def test_an_asserting_ca_names_only_from_the_templates_listed(facts_of: Facts, rules_of: Rules, guid: str) -> None:
    rules = rules_of(templates=frozenset({"1.2.3", "Devices"}))
    uri = f"IntuneDeviceId://{guid}"
    assert isinstance(device(facts_of(uri, templates=("1.2.3",)), rules), Found)
    assert isinstance(device(facts_of(uri, templates=("devices",)), rules), Found)
    for templates in ((), ("1.2.4",)):
        found = device(facts_of(uri, templates=templates), rules)
        assert isinstance(found, Absent)
        assert "template" in found.detail


def test_an_entra_id_is_named_as_such_under_a_configured_prefix(facts_of: Facts, rules_of: Rules, guid: str) -> None:
    found = device(facts_of(f"device://contoso/{guid}"), rules_of(entra_prefixes=("device://contoso/",)))
    assert isinstance(found, Found)
    assert found.identity == _device(guid, DeviceIdKind.ENTRA)


def test_beside_an_intune_id_the_entra_id_is_recorded_and_the_intune_id_wins(
    facts_of: Facts, rules_of: Rules, guid: str, other_guid: str
) -> None:
    facts = facts_of(f"device://contoso/{other_guid}", f"IntuneDeviceId://{guid}")
    found = device(facts, rules_of(entra_prefixes=("device://contoso/",)))
    assert isinstance(found, Found)
    assert found.identity == _device(guid)
    assert guid in found.detail
    assert other_guid in found.detail


def test_a_ca_names_only_in_the_registers_it_may_assert(facts_of: Facts, rules_of: Rules, guid: str) -> None:
    rules = rules_of(entra_prefixes=("device://contoso/",))
    found = device(facts_of(f"device://contoso/{guid}", anchor="intune-only"), rules)
    assert isinstance(found, Absent)
    assert f"may not assert entra id `{guid}`" in found.detail


def test_the_common_name_counts_only_when_configured(facts_of: Facts, rules_of: Rules, guid: str) -> None:
    facts = facts_of(common_name=guid.upper())
    assert isinstance(device(facts, rules_of()), Absent)
    found = device(facts, rules_of(cn_as_guid=True))
    assert isinstance(found, Found)
    assert found.identity == _device(guid)


def test_a_host_name_as_common_name_is_no_statement(facts_of: Facts, rules_of: Rules, guid: str) -> None:
    found = device(facts_of(f"IntuneDeviceId://{guid}", common_name="PC-1"), rules_of(cn_as_guid=True))
    assert isinstance(found, Found)


@pytest.mark.parametrize("text", ["{{DeviceId}}", "00000000-0000-0000-0000-000000000000"])
def test_a_common_name_that_was_to_be_an_id_and_is_none_is_bad(facts_of: Facts, rules_of: Rules, text: str) -> None:
    assert isinstance(device(facts_of(common_name=text), rules_of(cn_as_guid=True)), Bad)
    assert isinstance(device(facts_of(common_name=text), rules_of()), Absent)


def test_a_common_name_that_contradicts_the_san_is_bad(
    facts_of: Facts, rules_of: Rules, guid: str, other_guid: str
) -> None:
    facts = facts_of(f"IntuneDeviceId://{guid}", common_name=other_guid)
    assert isinstance(device(facts, rules_of(cn_as_guid=True)), Bad)


# -- reading --------------------------------------------------------------------------------


def _utf8(text: str) -> bytes:
    octets = text.encode()
    return b"\x0c" + (bytes([len(octets)]) if len(octets) < 128 else b"\x81" + bytes([len(octets)])) + octets


def test_all_facts_of_a_certificate_are_read(certificate_with: Der, guid: str) -> None:
    der = certificate_with(
        x509.UniformResourceIdentifier(SID),
        x509.UniformResourceIdentifier(f"ID:Microsoft Endpoint Manager:GUID:{guid}"),
        x509.DNSName("pc-1.example.com"),
        x509.RFC822Name("a@example.com"),
        x509.OtherName(UPN, _utf8("alice@example.com")),
        x509.OtherName(UPN, _utf8("a" * 150)),
        x509.OtherName(TEMPLATE, b"\x05\x00"),
        extensions=(
            x509.MSCertificateTemplate(TEMPLATE, 100, 1),
            x509.UnrecognizedExtension(TEMPLATE_NAME, b"\x1e\x06" + "PCs".encode("utf-16-be")),
        ),
        common_names=("Users", "PC-1"),
    )
    facts = read((der, b"an intermediate nobody reads"), "devices")
    assert type(facts) is CertificateFacts
    assert facts.subject == "CN=PC-1,CN=Users"
    assert facts.issuer == "CN=Devices"
    assert facts.serial == "abc"
    assert facts.common_name == "PC-1"
    assert len(facts.fingerprint) == 64
    assert facts.san_uris == (SID, f"ID:Microsoft Endpoint Manager:GUID:{guid}")
    assert facts.san_dns == ("pc-1.example.com",)
    assert facts.san_upns == ("alice@example.com", "a" * 150)
    assert facts.templates == (TEMPLATE.dotted_string, "PCs")
    assert facts.anchor == "devices"
    assert (facts.not_before, facts.not_after) == (1767225600.0, 1798761600.0)


@pytest.mark.parametrize(
    "san",
    [
        b"",
        b"\x30",
        b"\x30\x02\x86\x05",
        b"\x30\x03\x86\x01\xff",
        b"\x30\x80\x00\x00",
        b"\x30\x02\xa3\x00",
        b"garbage",
    ],
)
def test_a_broken_san_leaves_the_other_facts_and_makes_naming_end(
    certificate_with: Der, rules_of: Rules, san: bytes
) -> None:
    facts = read((certificate_with(san=san),), "devices")
    assert isinstance(facts, FaultyCertificate)
    assert facts.subject == "CN=PC-1"
    found = device(facts, rules_of(templates=frozenset({"1.2.3"})))
    assert isinstance(found, Bad)
    assert "cannot be read: extensions" in found.detail


def test_a_san_given_twice_makes_naming_end(certificate_with: Der, rules_of: Rules, guid: str) -> None:
    # Two different ids could hide in two extensions; the second's OID is written over a dummy of equal length.
    dummy = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.99"), b"\x30\x00")
    der = certificate_with(x509.UniformResourceIdentifier(f"IntuneDeviceId://{guid}"), extensions=(dummy,))
    facts = read((der.replace(b"\x55\x1d\x63", b"\x55\x1d\x11"),), "devices")
    assert isinstance(facts, FaultyCertificate)
    assert isinstance(device(facts, rules_of()), Bad)


@pytest.mark.parametrize(
    "octets", [b"", b"\x0c", b"\x0c\x05ab", b"\x0c\x01\xff", b"\x04\x01a", b"\x0c\x84\0\0\0\1a", b"\x0c\x82\x01"]
)
def test_a_broken_upn_is_a_fault(certificate_with: Der, octets: bytes) -> None:
    san = b"\x30" + bytes([len(octets) + 16]) + b"\xa0" + bytes([len(octets) + 14])
    san += b"\x06\x0a\x2b\x06\x01\x04\x01\x82\x37\x14\x02\x03" + b"\xa0" + bytes([len(octets)]) + octets
    facts = read((certificate_with(san=san),), "devices")
    assert isinstance(facts, FaultyCertificate)
    assert facts.san_upns in ((), ("",))


def test_more_names_than_can_be_looked_at_are_a_fault_since_one_could_hide(
    certificate_with: Der, rules_of: Rules, guid: str
) -> None:
    many = [x509.UniformResourceIdentifier(f"IntuneDeviceId://{guid}")] * 65
    assert isinstance(device(read((certificate_with(*many),), "devices"), rules_of()), Bad)
    long = x509.UniformResourceIdentifier("urn:" + "x" * 2000)
    facts = read((certificate_with(long),), "devices")
    assert isinstance(facts, FaultyCertificate)
    assert len(facts.san_uris[0]) == 1024


def test_a_broken_san_of_a_login_only_ca_is_absent_like_all_it_says(certificate_with: Der, rules_of: Rules) -> None:
    assert isinstance(device(read((certificate_with(san=b"garbage"),), "users"), rules_of()), Absent)


@pytest.mark.parametrize("chain", [(), (b"",), (b"\x30\x00",), (b"not a certificate",)])
def test_what_is_no_certificate_at_all_is_faulty_and_counts_as_expired(
    rules_of: Rules, chain: tuple[bytes, ...]
) -> None:
    facts = read(chain, "devices")
    assert isinstance(facts, FaultyCertificate)
    assert facts.not_after == 0.0
    assert isinstance(device(facts, rules_of()), Bad)


@settings(max_examples=80, deadline=None)
@given(octets=st.binary(max_size=64), other=st.binary(max_size=32), template=st.binary(max_size=32))
def test_any_octets_as_extensions_are_survived(
    certificate_with: Der, rules_of: Rules, octets: bytes, other: bytes, template: bytes
) -> None:
    unknown = (
        x509.UnrecognizedExtension(TEMPLATE_NAME, template),
        x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.311.21.7"), other),
    )
    facts = read((certificate_with(san=octets, extensions=unknown),), "devices")
    assert isinstance(device(facts, rules_of()), Absent | Bad)


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
@settings(max_examples=200, deadline=None)
@given(flips=st.lists(st.tuples(st.integers(min_value=0), st.integers(1, 255)), min_size=1, max_size=4))
def test_any_damage_to_a_certificate_is_survived(
    certificate_with: Der, rules_of: Rules, guid: str, flips: list[tuple[int, int]]
) -> None:
    octets = bytearray(_whole_certificate(certificate_with, guid))
    for position, mask in flips:
        octets[position % len(octets)] ^= mask
    facts = read((bytes(octets),), "devices")
    assert isinstance(device(facts, rules_of(cn_as_guid=True)), Found | Absent | Bad)


def _whole_certificate(certificate_with: Der, guid: str) -> bytes:
    return certificate_with(
        x509.UniformResourceIdentifier(f"IntuneDeviceId://{guid}"),
        x509.OtherName(UPN, _utf8("alice@example.com")),
        extensions=(x509.MSCertificateTemplate(TEMPLATE, 100, 1),),
    )


@settings(max_examples=80, deadline=None)
@given(uris=st.lists(st.text(max_size=60), max_size=5), common_name=st.text(max_size=60))
def test_any_text_in_a_certificate_gets_an_outcome(
    facts_of: Facts, rules_of: Rules, uris: list[str], common_name: str
) -> None:
    found = device(facts_of(*uris, common_name=common_name), rules_of(cn_as_guid=True, entra_prefixes=("device://",)))
    assert isinstance(found, Found | Absent | Bad)
    assert found.detail


_TENANT_ID = x509.ObjectIdentifier("1.2.840.113556.5.14")


@pytest.mark.parametrize("octets", [b"\x04\x10", b""])
def test_the_tenant_id_that_intune_writes_is_read_with_its_first_fields_reversed(
    certificate_with: Der, octets: bytes
) -> None:
    raw = bytes.fromhex("bb4397cb6891c64db17f766487518a6a")
    facts = read((certificate_with(extensions=(x509.UnrecognizedExtension(_TENANT_ID, octets + raw),)),), "ca")
    assert facts.tenant_ids == ("cb9743bb-9168-4dc6-b17f-766487518a6a",)


def test_a_tenant_id_of_another_length_is_a_fault(certificate_with: Der) -> None:
    facts = read((certificate_with(extensions=(x509.UnrecognizedExtension(_TENANT_ID, b"\x04\x05short"),)),), "ca")
    assert facts.tenant_ids == ()
    assert isinstance(facts, FaultyCertificate)
    assert "tenant id" in facts.faults[0]
