"""The small readers, each alone and fast: packets, certificates, captures, Microsoft's answers, configuration.

Knows: what each of them promises (its own exceptions and no other), and one independent second opinion for each.
Refuses to know: RADIUS replies and conversations (``door``, ``tls``).
"""

from __future__ import annotations

import json
import re
import struct
import tempfile
from pathlib import Path
from random import Random
from typing import Any, Final

import orjson

from nacd.account import account
from nacd.cli.explain.capture import MAX_FILE_OCTETS, NotCapture
from nacd.cli.explain.capture import read as read_capture
from nacd.errors import BadPacket
from nacd.identity import certificate as certificates
from nacd.identity.mac import parse as parse_mac
from nacd.identity.outcome import Found
from nacd.identity.rules import CaRule, IdentityRules
from nacd.radius import attributes
from nacd.radius.packet import decode
from nacd.sim.pki import COMPLIANT_GUID, intune_uri
from nacd.values import Device, DeviceIdKind, MacAddress
from tools.fuzz import mutate, wire
from tools.fuzz.engine import Target
from tools.fuzz.seeds import requests
from tools.fuzz.site import SOURCES, Site
from tools.fuzz.wire import check


class Packets(Target):
    """The decoder and both readers of attributes, vendor's ones, tunnel tags and MACs included."""

    name = "packet"
    stages = ("decoded", "read as Access-Request", "MAC found")
    _REASONS: Final = {
        "too_short",
        "bad_length",
        "too_long",
        "bad_attribute_length",
        "attribute_zero",
        "too_many_attributes",
    }

    def __init__(self) -> None:
        self._site = Site()
        self._clients = [self._site.assembled.table.find(source) for source in SOURCES[:4]]
        self._dictionary = self._site.assembled.dictionary
        self._count = 0

    def seeds(self) -> list[bytes]:
        return [one.octets for one in requests()]

    def mutate(self, seed: bytes, chance: Random) -> bytes:
        return mutate.radius(seed, chance) if chance.random() < 0.6 else mutate.octets(seed, chance)

    def execute(self, octets: bytes) -> int:
        self._count += 1
        judgement = wire.judge(octets, b"unknown")
        try:
            packet = decode(octets)
        except BadPacket as bad:
            check(bad.reason in self._REASONS, f"an unknown reason `{bad.reason}`")
            check(not judgement.well_formed, f"a well-formed packet is called `{bad.reason}`")
            return 0
        check(judgement.well_formed, "a packet is decoded that is not well-formed")
        check(packet.attributes == tuple((piece.number, piece.value) for piece in judgement.pieces), "two walks differ")
        client = self._clients[octets[19] & 3]
        if client is None:
            raise ValueError("a client is missing")
        asked = attributes.access_request(packet, client, "127.0.0.1", 1024, self._dictionary)
        check(asked.eap == wire.eap_of(judgement.pieces), "EAP-Message is put together wrongly")
        states = [piece.value for piece in judgement.pieces if piece.number == wire.STATE]
        check(asked.state == (states[0] if states else b""), "State is not the first State")
        mac = parse_mac(asked.calling_station_id)
        if isinstance(mac, MacAddress):
            digits = re.sub(r"[-:. \t\0]", "", asked.calling_station_id).upper()
            check(mac.hex12 == digits, f"`{mac}` is read out of `{asked.calling_station_id}`")
        if not self._count & 7:
            attributes.describe(packet, self._dictionary)
            record = attributes.accounting_request(packet, client, "127.0.0.1", 1024, self._dictionary)
            event = account(record, 0, self._site.clock())
            orjson.dumps({"code": event.code, **event.fields})
        return 3 | (4 if isinstance(mac, MacAddress) else 0)

    def close(self) -> None:
        self._site.close()


class Certificates(Target):
    """Facts and device of a certificate that a CA signed, whatever it signed."""

    name = "certificate"
    stages = ("certificate read", "without a fault", "device named")

    def __init__(self) -> None:
        both = frozenset({DeviceIdKind.INTUNE, DeviceIdKind.ENTRA})
        self._rules = IdentityRules(cas={"devices": CaRule(may_assert=both)})

    def seeds(self) -> list[bytes]:
        from nacd.sim.pki import Authority

        issuer = Authority.root("devices").intermediate("issuing")
        uri = intune_uri(COMPLIANT_GUID)
        braces = f"IntuneDeviceId://{{{COMPLIANT_GUID.upper()}}}"
        names: list[dict[str, Any]] = [
            {"uris": [uri], "upn": "alice@example.test", "template": "1.3.6.1.4.1.311.21.8.7.1"},
            {"uris": [braces, "tag:microsoft.com,2022-09-14:sid:S-1-5-21-1"], "dns": ["a.example.test"]},
            {"uris": [uri, uri.lower()], "template_name": "DeviceLogin", "eku": ["clientAuth", "any"]},
            {"common_name": COMPLIANT_GUID, "upn": "büro@example.test", "key": "rsa2048"},
            {
                "uris": ["ID:Microsoft Endpoint Manager:GUID:{{DeviceId}}"],
                "extra": [("1.3.6.1.4.1.99.1", b"\x04\x01x")],
            },
        ]
        issued = [issuer.issue_client(**{"common_name": "laptop", **one}).certificate for one in names]
        from cryptography.hazmat.primitives.serialization import Encoding

        return [one.public_bytes(Encoding.DER) for one in issued]

    def mutate(self, seed: bytes, chance: Random) -> bytes:
        return mutate.issued(seed, chance)

    def execute(self, octets: bytes) -> int:
        facts = certificates.read((octets,), "devices")
        clean = not isinstance(facts, certificates.FaultyCertificate)
        names = (*facts.san_uris, *facts.san_dns, *facts.san_upns, *facts.templates)
        texts = (facts.subject, facts.issuer, facts.serial, facts.common_name, *names)
        check(all(len(text) <= 1024 for text in texts) and len(names) <= 200, "facts without a limit")
        json.dumps(texts).encode()
        outcome = certificates.device(facts, self._rules)
        reached = (0 if facts.not_after == 0.0 and not clean else 1) | (2 if clean else 0)
        if isinstance(outcome, Found):
            check(clean, "a faulty certificate names a device")
            guid = outcome.identity.id.guid if isinstance(outcome.identity, Device) else ""
            said = re.sub(rb"[^0-9a-f%-]", b"", octets.lower())
            check(bool(guid) and (guid.encode() in said or b"%" in said), f"`{guid}` out of nowhere")
            reached |= 4
        return reached


class Captures(Target):
    """pcap, pcapng, hex: files of packets that anybody may hand to ``nacd explain``."""

    name = "capture"
    stages = ("container read", "datagram found")

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="nacd-fuzz-", dir=_memory())
        self._file = Path(self._folder.name, "capture")

    def seeds(self) -> list[bytes]:
        plain = [one.octets for one in requests()[:6]]
        made: list[bytes] = [plain[0], plain[0].hex().encode(), b"0x" + plain[1].hex(":").encode() + b"\n"]
        for octets in plain:
            four, six = _ethernet(_ipv4(_udp(octets))), _ethernet(_ipv6(b"\x11\0" + bytes(6) + _udp(octets), 0), 0x86DD)
            made += [_pcap(order, four, six) for order in "<>"] + [_pcapng(order, four, six) for order in "<>"]
        made.append(_pcap("<", bytes(14) + b"\x08\0" + _ipv4(_udp(plain[2])), link=113))
        made.append(_pcap("<", _ipv4(_udp(plain[2])), link=101))
        return made

    def mutate(self, seed: bytes, chance: Random) -> bytes:
        return mutate.octets(seed, chance)

    def execute(self, octets: bytes) -> int:
        self._file.write_bytes(octets)
        try:
            capture = read_capture(self._file)
        except NotCapture as refused:
            check(bool(str(refused)), "a refusal without words")
            return 0
        check(len(octets) <= MAX_FILE_OCTETS and len(capture.datagrams) <= capture.frames, "more packets than frames")
        total = sum(len(one.payload) for one in capture.datagrams)
        check(total <= len(octets), "more octets come out than went in")
        return 1 | (2 if capture.datagrams else 0)

    def close(self) -> None:
        self._folder.cleanup()


# -- containers ---------------------------------------------------------------------------------


def _memory() -> str | None:
    """A folder that is no disk, where there is one."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


def _udp(inner: bytes) -> bytes:
    return struct.pack("!HHHH", 40_000, 1812, 8 + len(inner), 0) + inner


def _ipv4(inner: bytes) -> bytes:
    return (
        struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(inner), 1, 0, 64, 17, 0) + bytes((10, 1, 0, 7, 10, 9, 9, 9)) + inner
    )


def _ipv6(inner: bytes, following: int) -> bytes:
    return struct.pack("!IHBB", 0x60000000, len(inner), following, 64) + bytes(31) + b"\1" + inner


def _ethernet(packet: bytes, kind: int = 0x0800) -> bytes:
    return bytes(12) + b"\x81\0\0\x07" + kind.to_bytes(2) + packet


def _pcap(order: str, *frames: bytes, link: int = 1) -> bytes:
    head = struct.pack(f"{order}IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, link)
    return head + b"".join(struct.pack(f"{order}IIII", 1, 2, len(one), len(one)) + one for one in frames)


def _block(order: str, kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    return struct.pack(f"{order}II", kind, len(body) + 12) + body + struct.pack(f"{order}I", len(body) + 12)


def _pcapng(order: str, *frames: bytes) -> bytes:
    made = _block(order, 0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1))
    made += _block(order, 1, struct.pack(f"{order}HHI", 1, 0, 65_535))
    for one in frames:
        made += _block(order, 6, struct.pack(f"{order}IIIII", 0, 0, 0, len(one), len(one)) + one)
    return made + _block(order, 3, struct.pack(f"{order}I", len(frames[0])) + frames[0])
