"""Capture files, made octet by octet: every container and link type, and every way to be damaged."""

from __future__ import annotations

import ipaddress
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nacd.cli.explain.capture import NotCapture, read

PAYLOAD = b"\x01\x07\x00\x14" + bytes(16)
MACS = bytes(12)


def udp(payload: bytes = PAYLOAD, length: int = 0) -> bytes:
    return struct.pack("!HHHH", 4711, 1812, length or 8 + len(payload), 0) + payload


def ipv4(inner: bytes, *, protocol: int = 17, fragment: int = 0, options: bytes = b"") -> bytes:
    size = 20 + len(options)
    head = struct.pack("!BBHHHBBH", 0x40 | size // 4, 0, size + len(inner), 1, fragment, 64, protocol, 0)
    return head + ipaddress.ip_address("10.1.0.7").packed + ipaddress.ip_address("10.9.9.9").packed + options + inner


def ipv6(inner: bytes, *, following: int = 17) -> bytes:
    address = ipaddress.ip_address("2001:db8::7").packed
    return struct.pack("!IHBB", 0x60000000, len(inner), following, 64) + address + address + inner


def ethernet(packet: bytes, kind: int = 0x0800) -> bytes:
    return MACS + kind.to_bytes(2) + packet


def pcap(*frames: bytes, link: int = 1, order: str = "<", nano: bool = False) -> bytes:
    head = struct.pack(f"{order}IHHiIII", 0xA1B23C4D if nano else 0xA1B2C3D4, 2, 4, 0, 0, 65_535, link)
    return head + b"".join(struct.pack(f"{order}IIII", 1, 2, len(one), len(one)) + one for one in frames)


def block(kind: int, body: bytes, order: str) -> bytes:
    body += bytes(-len(body) % 4)
    return struct.pack(f"{order}II", kind, len(body) + 12) + body + struct.pack(f"{order}I", len(body) + 12)


def pcapng(*frames: bytes, link: int = 1, order: str = "<", simple: bool = False) -> bytes:
    made = block(0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1), order)
    made += block(1, struct.pack(f"{order}HHI", link, 0, 65_535), order) + block(5, bytes(12), order)
    for one in frames:
        if simple:
            made += block(3, struct.pack(f"{order}I", len(one)) + one, order)
        else:
            made += block(6, struct.pack(f"{order}IIIII", 0, 0, 0, len(one), len(one)) + one, order)
    return made


@pytest.fixture
def opened(tmp_path: Path) -> Any:
    def write_and_read(octets: bytes) -> Any:
        file = tmp_path / "capture"
        file.write_bytes(octets)
        return read(file)

    return write_and_read


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("nano", [False, True])
def test_pcap_in_both_byte_orders_and_both_precisions(opened: Any, order: str, nano: bool) -> None:
    (one,) = opened(pcap(ethernet(ipv4(udp())), order=order, nano=nano)).datagrams
    assert (one.source, one.source_port, one.destination_port) == ("10.1.0.7", 4711, 1812)
    assert (one.payload, one.frame, one.cut) == (PAYLOAD, 1, False)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("simple", [False, True])
def test_pcapng_with_enhanced_and_simple_packets(opened: Any, order: str, simple: bool) -> None:
    captured = opened(pcapng(ethernet(ipv4(udp())), ethernet(ipv6(udp()), 0x86DD), order=order, simple=simple))
    assert [one.source for one in captured.datagrams] == ["10.1.0.7", "2001:db8::7"]
    assert [one.frame for one in captured.datagrams] == [1, 2]


@pytest.mark.parametrize(
    ("link", "before"),
    [
        (1, MACS + b"\x08\x00"),
        (1, MACS + b"\x81\x00\x00\x05\x08\x00"),
        (1, MACS + b"\x88\xa8\x00\x05\x81\x00\x00\x06\x08\x00"),
        (113, bytes(14) + b"\x08\x00"),
        (276, b"\x08\x00" + bytes(18)),
        (0, b"\x02\x00\x00\x00"),
        (108, b"\x00\x00\x00\x02"),
        (101, b""),
        (12, b""),
        (228, b""),
        (0x10000001, MACS + b"\x08\x00"),
    ],
)
def test_every_link_type_leads_to_the_datagram(opened: Any, link: int, before: bytes) -> None:
    (one,) = opened(pcap(before + ipv4(udp()), link=link)).datagrams
    assert one.payload == PAYLOAD


def test_header_options_and_padding_are_left_out(opened: Any) -> None:
    (one,) = opened(pcap(ethernet(ipv4(udp(), options=bytes(4))) + bytes(9))).datagrams
    assert one.payload == PAYLOAD


def test_ipv6_extension_headers_are_walked(opened: Any) -> None:
    inner = b"\x3c\x00" + bytes(6) + b"\x11\x00" + bytes(6) + udp()
    (one,) = opened(pcap(ethernet(ipv6(inner, following=0), 0x86DD))).datagrams
    assert one.payload == PAYLOAD


def test_fragments_are_counted_and_left_out(opened: Any) -> None:
    fragment6 = b"\x11\x00\x00\x01" + bytes(4) + udp()
    whole6 = b"\x11\x00\x00\x00" + bytes(4) + udp()
    captured = opened(
        pcap(
            ethernet(ipv4(udp(), fragment=0x2000)),
            ethernet(ipv4(udp(), fragment=185)),
            ethernet(ipv6(fragment6, following=44), 0x86DD),
            ethernet(ipv6(whole6, following=44), 0x86DD),
            ethernet(ipv4(udp(), fragment=0x4000)),  # Don't Fragment alone is no fragment
        )
    )
    assert (captured.frames, captured.fragments, len(captured.datagrams)) == (5, 3, 2)


def test_what_is_no_udp_is_passed_over(opened: Any) -> None:
    captured = opened(pcap(ethernet(ipv4(udp(), protocol=6)), ethernet(b"\0" * 40, 0x0806), b"", ethernet(b"")))
    assert (captured.frames, captured.datagrams) == (4, ())


def test_a_datagram_that_the_capture_cut_says_so(opened: Any) -> None:
    (one,) = opened(pcap(ethernet(ipv4(udp()))[:50])).datagrams
    assert one.cut
    assert PAYLOAD.startswith(one.payload)


def test_a_capture_that_ends_early_keeps_what_came_before(opened: Any) -> None:
    frame = ethernet(ipv4(udp()))
    assert len(opened(pcap(frame, frame)[:-3]).datagrams) == 1
    assert len(opened(pcapng(frame, frame)[:-3]).datagrams) == 1


@pytest.mark.parametrize(
    "text", ["0107 0014\n" + "00" * 16, "0x01:07:00:14:" + ":".join(["00"] * 16), PAYLOAD.hex().upper()]
)
def test_hex_text_in_its_spellings(opened: Any, text: str) -> None:
    (one,) = opened(text.encode()).datagrams
    assert (one.payload, one.source) == (PAYLOAD, "")


def test_bare_octets(opened: Any) -> None:
    (one,) = opened(PAYLOAD).datagrams
    assert one.payload == PAYLOAD


@pytest.mark.parametrize(
    "octets", [b"", b"hello", b"0x", b"012", b"\x1f\x8b\x08", pcap()[:20], pcapng()[:8] + b"\0\0\0\0" + pcapng()[12:]]
)
def test_anything_else_is_refused_in_words(opened: Any, octets: bytes) -> None:
    with pytest.raises(NotCapture, match=r"neither|cut off|damaged"):
        opened(octets)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_damage_raises_anything_else(opened: Any, data: st.DataObject) -> None:
    frames = (ethernet(ipv4(udp())), ethernet(ipv6(udp()), 0x86DD))
    octets = bytearray(data.draw(st.sampled_from([pcap(*frames), pcapng(*frames), pcapng(*frames, simple=True)])))
    for _ in range(data.draw(st.integers(1, 4))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    try:
        captured = opened(bytes(octets[: data.draw(st.integers(0, len(octets)))]))
    except NotCapture:
        return
    assert len(captured.datagrams) <= max(captured.frames, 1)
