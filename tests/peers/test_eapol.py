"""EAP-TLS against the supplicant of wpa_supplicant's authors (eapol_test): who gets in, who does not, and why."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from nacd.sim.pki import COMPLIANT_GUID, NONCOMPLIANT_GUID

pytestmark = [pytest.mark.peer, pytest.mark.slow]

KINDS = ["p256", "rsa2048"]


@pytest.fixture(scope="module")
def nacd_with(launch: Any, certificates: Any) -> Callable[[str], Any]:
    """``nacd_with("rsa2048")``: a nacd whose own certificate has that kind of key."""
    running: dict[str, Any] = {}

    def give(kind: str) -> Any:
        if kind not in running:
            running[kind] = launch(server=certificates.server(kind))
        return running[kind]

    return give


@pytest.fixture(autouse=True)
def quiet_microsoft(microsoft: Any) -> Iterator[None]:
    """Each test finds the same two devices and no faults, whatever the one before did."""
    yield
    microsoft.clear_faults()


def vlan(output: str) -> str:
    """The VLAN in the last packet that eapol_test showed (RFC 2868: a tag octet before the text)."""
    lines = [line.strip() for line in output.splitlines()]
    shown = [lines[at + 1] for at, line in enumerate(lines) if "Tunnel-Private-Group-Id" in line]
    return bytes.fromhex(shown[-1].removeprefix("Value:").strip()).lstrip(bytes(range(0x20))).decode() if shown else ""


@pytest.mark.parametrize("tls", ["TLSv1.2", "TLSv1.3"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_compliant_device_gets_its_vlan_and_both_sides_hold_the_same_keys(
    nacd_with: Any, supplicant: Any, certificates: Any, kind: str, tls: str
) -> None:
    nacd = nacd_with(kind)
    seen = len(nacd.audit())
    network = supplicant.network(certificates.client(f"compliant-{kind}"), tls)
    result = supplicant.login(nacd.address(), network)
    assert result.accepted, result.output[-3000:]
    assert result.keys == (1, 0)
    assert result.versions == {tls}
    assert vlan(result.output) == "120"
    wanted = {"identity.id": COMPLIANT_GUID, "identity.source": "certificate", "compliance.state": "compliant"}
    wanted |= {"decision.rule": "compliant device", "decision.profile": "corporate", "eap.tls_version": tls}
    nacd.recorded({"code": "A1001I", "reply.code": "Access-Accept", **wanted}, since=seen)


def test_a_login_over_ipv6_ends_the_same_way(
    nacd_with: Any, supplicant: Any, certificates: Any, need_ipv6: None
) -> None:
    nacd = nacd_with("p256")
    seen = len(nacd.audit())
    network = supplicant.network(certificates.client("compliant-p256"))
    result = supplicant.login(nacd.address(ipv6=True), network)
    assert result.accepted, result.output[-3000:]
    assert result.keys == (1, 0)
    nacd.recorded(
        {"code": "A1001I", "nas.name": "lab6", "nas.source": "::1", "identity.id": COMPLIANT_GUID}, since=seen
    )


@pytest.mark.parametrize("tls", ["TLSv1.2", "TLSv1.3"])
def test_a_second_login_of_the_same_supplicant_is_a_full_handshake(
    nacd_with: Any, supplicant: Any, certificates: Any, tls: str
) -> None:
    """OpenSSL checks nothing on a resumed session, so there must be none."""
    network = supplicant.network(certificates.client("compliant-p256"), tls)
    result = supplicant.login(nacd_with("p256").address(), network, "-r1")
    assert result.accepted, result.output[-3000:]
    assert result.keys == (2, 0)
    # 1.3 says it twice a handshake; a resumed one would say 1
    assert len(result.handshakes) >= 2
    assert set(result.handshakes) == {"0"}


@pytest.mark.parametrize("size", [100, 300, 1024, 1398])
@pytest.mark.parametrize("tls", ["TLSv1.2", "TLSv1.3"])
def test_a_supplicant_may_cut_its_flight_into_fragments_of_any_size(
    nacd_with: Any, supplicant: Any, certificates: Any, tls: str, size: int
) -> None:
    network = supplicant.network(certificates.client("compliant-rsa2048"), tls, fragment_size=str(size))
    result = supplicant.login(nacd_with("rsa2048").address(), network)
    assert result.accepted, result.output[-3000:]
    assert result.keys == (1, 0)


def test_a_small_framed_mtu_makes_our_own_fragments_small(nacd_with: Any, supplicant: Any, certificates: Any) -> None:
    network = supplicant.network(certificates.client("compliant-rsa2048"))
    result = supplicant.login(nacd_with("rsa2048").address(), network, "-N12:d:200")
    assert result.accepted, result.output[-3000:]
    requests = re.findall(r"decapsulated EAP packet \(code=1 id=\d+ len=(\d+)\)", result.output)
    lengths = [int(length) for length in requests]
    assert len(lengths) > 5, result.output[-3000:]
    assert max(lengths) <= 200, lengths


def test_a_noncompliant_device_gets_the_quarantine_vlan(nacd_with: Any, supplicant: Any, certificates: Any) -> None:
    nacd = nacd_with("p256")
    seen = len(nacd.audit())
    network = supplicant.network(certificates.client("noncompliant"))
    result = supplicant.login(nacd.address(), network, mac="00:16:3e:44:55:66")
    assert result.accepted, result.output[-3000:]
    assert vlan(result.output) == "999"
    wanted = {"identity.id": NONCOMPLIANT_GUID, "compliance.state": "noncompliant", "endpoint.mac": "00-16-3E-44-55-66"}
    wanted |= {"decision.rule": "fix your device", "decision.profile": "quarantine"}
    nacd.recorded({"code": "A1001I", **wanted}, since=seen)


def test_a_device_that_intune_does_not_know_gets_the_quarantine_vlan(
    nacd_with: Any, supplicant: Any, certificates: Any
) -> None:
    nacd = nacd_with("p256")
    seen = len(nacd.audit())
    result = supplicant.login(nacd.address(), supplicant.network(certificates.client("unknown")))
    assert result.accepted, result.output[-3000:]
    assert vlan(result.output) == "999"
    wanted = {"compliance.state": "not_managed", "decision.profile": "quarantine"}
    nacd.recorded({"code": "A1001I", **wanted}, since=seen)


def test_an_outage_of_intune_is_a_state_that_the_policy_decides_on(
    launch: Any, microsoft: Any, supplicant: Any, certificates: Any
) -> None:
    nacd = launch()
    microsoft.fault("outage", mode="503")
    result = supplicant.login(nacd.address(), supplicant.network(certificates.client("compliant-p256")))
    assert result.accepted, result.output[-3000:]
    assert vlan(result.output) == "999"
    wanted = {"compliance.state": "unavailable", "decision.profile": "quarantine"}
    nacd.recorded({"code": "A1001I", "decision.rule": "intune unreachable", **wanted})


def test_a_certificate_of_the_users_ca_names_no_device_even_with_a_guid_in_it(
    nacd_with: Any, supplicant: Any, certificates: Any
) -> None:
    nacd = nacd_with("p256")
    seen = len(nacd.audit())
    result = supplicant.login(nacd.address(), supplicant.network(certificates.client("user")))
    assert vlan(result.output) != "120"
    record = nacd.recorded({"certificate.common_name": "alice", "certificate.anchor": "users-ca"}, since=seen)
    # She logs in, and what is named is the endpoint by its MAC: no word of hers names the compliant laptop.
    assert record["identity"]["kind"] == "endpoint"
    assert record["identity"]["source"] == "mac"
    assert record["decision"]["rule"] != "compliant device"


@pytest.mark.parametrize("tls", ["TLSv1.2", "TLSv1.3"])
@pytest.mark.parametrize(
    ("name", "failure", "subject", "why"),
    [
        ("expired", "certificate_expired", "CN=laptop-old", "expired on 20"),
        ("stranger", "unknown_ca", "CN=laptop-strange", "issued by `CN=lab strangers root,"),
        ("server-eku", "wrong_eku", "CN=laptop-one", "is for serverAuth only; issue it with clientAuth"),
    ],
)
def test_a_bad_client_certificate_is_refused_and_the_audit_record_says_what_is_wrong(
    nacd_with: Any, supplicant: Any, certificates: Any, name: str, failure: str, subject: str, why: str, tls: str
) -> None:
    nacd = nacd_with("p256")
    seen = len(nacd.audit())
    # Refusals that look alike are counted, not repeated: each case comes from a port of its own.
    mac = f"00:16:3e:{len(name):02x}:00:{tls[-1]:0>2}"
    result = supplicant.login(nacd.address(), supplicant.network(certificates.client(name), tls), mac=mac)
    assert not result.accepted
    assert "FAILURE" in result.output
    wanted = {"code": "A1003W", "eap.failure": failure, "certificate.subject": subject}
    nacd.recorded({**wanted, "why": re.compile(re.escape(why))}, since=seen)
    assert nacd.audit("A1001I") == [each for each in nacd.audit()[:seen] if each["code"] == "A1001I"]


def test_a_supplicant_without_a_certificate_is_refused(nacd_with: Any, supplicant: Any, certificates: Any) -> None:
    nacd = nacd_with("p256")
    seen = len(nacd.audit())
    network = supplicant.network(None, "", eap="TTLS", phase2='"auth=PAP"', password='"secret"')
    result = supplicant.login(nacd.address(), network, mac="00:16:3e:77:00:01")
    assert not result.accepted
    wanted = {"code": "A1003W", "eap.failure": "method_refused", "why": re.compile("asks for EAP-TTLS")}
    nacd.recorded(wanted, since=seen)


def test_a_peap_supplicant_is_refused_and_the_audit_record_names_peap(nacd_with: Any, supplicant: Any) -> None:
    nacd = nacd_with("p256")
    seen = len(nacd.audit())
    network = supplicant.network(None, "", eap="PEAP", phase2='"auth=MSCHAPV2"', password='"secret"')
    result = supplicant.login(nacd.address(), network, mac="00:16:3e:77:00:02")
    assert not result.accepted
    assert "FAILURE" in result.output
    wanted = {"code": "A1003W", "eap.failure": "method_refused", "why": re.compile("asks for PEAP")}
    nacd.recorded({**wanted, "eap.peer_identity": "host/laptop-one"}, since=seen)


@pytest.mark.parametrize("tls", ["TLSv1.2", "TLSv1.3"])
def test_a_supplicant_that_distrusts_our_certificate_is_told_of_in_the_audit_record(
    nacd_with: Any, supplicant: Any, certificates: Any, tls: str
) -> None:
    nacd = nacd_with("p256")
    seen = len(nacd.audit())
    other = f'"{certificates.folder / "other-ca.pem"}"'
    network = supplicant.network(certificates.client("compliant-p256"), tls, ca_cert=other)
    result = supplicant.login(nacd.address(), network, mac=f"00:16:3e:78:00:0{tls[-1]}")
    assert not result.accepted
    wanted = {"code": "A1003W", "eap.failure": "server_distrusted", "certificate.subject": "CN=radius.example.test"}
    nacd.recorded({**wanted, "certificate.issuer": re.compile("CN=lab server issuing")}, since=seen)
