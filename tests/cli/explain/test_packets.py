"""Captured requests explained: sent by a simulated NAS, put into a capture, asked about."""

from __future__ import annotations

import ipaddress
import struct
from pathlib import Path
from typing import Any

import pytest

PRINTER = "00-11-85-AA-BB-CC"


def pcap(*packets: tuple[str, bytes], port: int = 1812) -> bytes:
    """Raw IPv4 packets in a capture: (source, RADIUS octets)."""
    made = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 101)
    for source, octets in packets:
        udp = struct.pack("!HHHH", 4711, port, 8 + len(octets), 0) + octets
        ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0)
        ip += ipaddress.ip_address(source).packed + bytes(4) + udp
        made += struct.pack("<IIII", 1, 2, len(ip), len(ip)) + ip
    return made


@pytest.fixture
def ask(explain: Any, tmp_path: Path) -> Any:
    def about(octets: bytes, *words: str) -> Any:
        file = tmp_path / "capture"
        file.write_bytes(octets)
        return explain("--packet", file, *words)

    return about


def test_a_mab_finds_its_nas_by_source_address_and_keeps_its_password(ask: Any, sent: Any) -> None:
    octets = sent(lambda nas: nas.mab(PRINTER))
    done = ask(pcap(("10.1.0.7", octets)))
    assert done.exit_code == 0
    assert "frame 1 from 10.1.0.7 port 4711" in done.output
    assert "nas         `switch`" in done.output
    assert "User-Password = ***" in done.output
    assert "Access-Accept by rule `printers`" in done.output


def test_an_eap_packet_says_where_the_certificate_is(ask: Any, sent: Any) -> None:
    eap = b"\x02\x05\x00\x10\x01host/laptop"
    octets = sent(lambda nas: nas.eap(eap, user="host/laptop", mac=PRINTER), ssid="the office")
    done = ask(pcap(("10.1.0.7", octets), port=40_000))
    assert "Response 5, Identity `host/laptop`" in done.output
    assert "access      dot1x" in done.output
    assert "the certificate travels in later ones, encrypted" in done.output
    assert "--certificate FILE --nas switch --access dot1x --ssid 'the office'" in done.output


def test_a_vpn_login_is_named_by_its_device_id(ask: Any, sent: Any) -> None:
    uid = "ID:Intune:DeviceID:2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"
    octets = sent(lambda nas: nas.vpn("alice", device_uid=uid), "vpn")
    done = ask(pcap(("10.2.0.1", octets)))
    assert "intune device 2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954 (source vpn, assurance vpn)" in done.output
    assert "Access-Reject by rule `default-deny`" in done.output


def test_a_wrong_secret_is_told_by_the_message_authenticator(ask: Any, sent: Any) -> None:
    octets = sent(lambda nas: nas.mab(PRINTER), message_authenticator="wrong")
    done = ask(pcap(("10.1.0.7", octets)))
    assert done.exit_code == 0
    assert "in silence (bad_message_authenticator): Message-Authenticator does not verify" in done.output
    assert "decision" not in done.output


def test_a_missing_message_authenticator_names_the_setting(ask: Any, sent: Any) -> None:
    octets = sent(lambda nas: nas.mab(PRINTER), message_authenticator="absent")
    done = ask(pcap(("10.1.0.7", octets)))
    assert "(no_message_authenticator)" in done.output
    assert "`message_authenticator: auto`" in done.output


def test_a_malformed_packet_is_told_with_the_reason(ask: Any, sent: Any) -> None:
    octets = bytearray(sent(lambda nas: nas.mab(PRINTER)))
    octets[21] = 1
    done = ask(pcap(("10.1.0.7", bytes(octets))))
    assert "(bad_attribute_length): the lengths of its attributes do not add up" in done.output


def test_a_stranger_is_dropped_and_may_be_taken_for_a_nas(ask: Any, sent: Any) -> None:
    octets = sent(lambda nas: nas.mab(PRINTER))
    done = ask(pcap(("198.51.100.1", octets)))
    assert done.exit_code == 0
    assert "no NAS has the address 198.51.100.1" in done.output
    assert "with --nas it is taken for one of: switch, vpn" in done.output
    assert "Access-Accept by rule `printers`" in ask(pcap(("198.51.100.1", octets)), "--nas", "switch").output


@pytest.mark.parametrize("spell", [bytes, lambda octets: octets.hex().encode()])
def test_octets_alone_need_the_name_of_a_nas(ask: Any, sent: Any, spell: Any) -> None:
    octets = spell(sent(lambda nas: nas.mab(PRINTER)))
    assert "Access-Accept by rule `printers`" in ask(octets, "--nas", "switch").output
    done = ask(octets)
    assert done.exit_code == 2
    assert "say --nas with one of: switch, vpn" in done.output


def test_a_password_login_is_refused_before_the_rules_without_its_password(ask: Any, sent: Any) -> None:
    octets = sent(lambda nas: nas.exchange([("User-Name", "alice"), (3, bytes(17))]))
    done = ask(pcap(("10.1.0.7", octets)))
    assert "Access-Reject before any rule is tried (no_access_kind)" in done.output
    assert "CHAP-Password = ***" in done.output


def test_unknown_octets_are_counted_not_shown(ask: Any, sent: Any) -> None:
    octets = sent(lambda nas: nas.mab(PRINTER, extra=[(225, b"open sesame")]))
    done = ask(pcap(("10.1.0.7", octets)))
    assert "Attr-225 = (11 octets)" in done.output
    assert b"open sesame".hex() not in done.output


def test_retransmissions_are_named_and_the_twenty_first_is_not_shown(ask: Any, sent: Any) -> None:
    one = ("10.1.0.7", sent(lambda nas: nas.mab(PRINTER)))
    done = ask(pcap(*[one] * 23))
    assert done.output.count("a retransmission of frame 1") == 19
    assert "3 more Access-Requests are not shown" in done.output


def test_other_traffic_is_passed_over(ask: Any, sent: Any) -> None:
    octets = sent(lambda nas: nas.mab(PRINTER))
    others = pcap(("10.1.0.7", b"\x01\x00 dns or so"), ("10.1.0.7", octets), port=53)
    assert "Access-Requests: 1, frames: 2" in ask(others).output


def test_a_capture_without_an_access_request_exits_with_one(ask: Any) -> None:
    done = ask(pcap(("10.1.0.7", b"\x02\x00\x00\x14" + bytes(16))))
    assert done.exit_code == 1
    assert "there is no Access-Request in it (1 frames, 1 UDP datagrams)" in done.output


def test_a_file_of_another_kind_exits_with_one(ask: Any) -> None:
    done = ask(b"\x89PNG\r\n")
    assert done.exit_code == 1
    assert "neither pcap nor pcapng" in done.output


def test_no_secret_is_ever_printed(ask: Any, sent: Any, site: Any) -> None:
    said = ask(pcap(("10.1.0.7", sent(lambda nas: nas.mab(PRINTER, method="chap"))))).output
    for file in site.folder.glob("*.secret"):
        assert file.read_text() not in said


@pytest.mark.parametrize("which", ["secret", "next_secret"])
def test_of_two_secrets_the_one_that_made_the_packet_is_named_and_reads_its_password(
    nacd: Any, site: Any, sent: Any, tmp_path: Path, which: str
) -> None:
    other = tmp_path / "other.secret"
    other.touch(0o600)
    other.write_text("the-other-of-both-secrets")
    mine, theirs = 'secret: "file:switch.secret"', f'secret: "file:{other}"'
    pair = f"{mine}, next_{theirs}" if which == "secret" else f"{theirs}, next_{mine}"
    config = site.folder / f"two-{which}.yaml"
    config.write_text(site.config.read_text().replace(mine, pair, 1))
    (tmp_path / "capture").write_bytes(pcap(("10.1.0.7", sent(lambda nas: nas.mab(PRINTER)))))
    done = nacd("explain", "--config", config, "--packet", tmp_path / "capture")
    assert done.exit_code == 0
    assert f"made with `{which}`" in done.output
    assert "Access-Accept by rule `printers`" in done.output
