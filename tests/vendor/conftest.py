"""The shipped vendors, the golden pages, an encoder of the tests' own, and tshark's names for octets.

The encoder takes its numbers from the golden pages alone: nothing of nacd, nothing of pyrad.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from nacd.values import Attribute
from nacd.vendor.model import VendorData, parse
from nacd.vendor.profile import NoRedirect, Profile, Redirect

HERE = Path(__file__).resolve().parent
SHIPPED = HERE.parent.parent / "nacd" / "vendor" / "profiles"


@pytest.fixture(scope="session")
def vendors() -> dict[str, VendorData]:
    """Every shipped vendor by name."""
    return {path.stem: parse(path.stem, yaml.safe_load(path.read_text())) for path in sorted(SHIPPED.glob("*.yaml"))}


@pytest.fixture(scope="session")
def profile_of() -> Callable[[Mapping[str, Any]], Profile]:
    """A Profile out of a mapping as the golden pages hold it."""

    def build(mapping: Mapping[str, Any]) -> Profile:
        fields = dict(mapping)
        fields["dacl"] = tuple(fields.get("dacl", ()))
        fields["redirect"] = Redirect(**fields["redirect"]) if "redirect" in fields else NoRedirect()
        fields["raw"] = tuple(Attribute(**each) for each in fields.get("raw", ()))
        fields["optional"] = frozenset(fields.get("optional", ()))
        return Profile(**fields)

    return build


@dataclass(frozen=True, kw_only=True)
class Golden:
    """One expected attribute: what render() must give, its octets by hand, and how tshark shows it."""

    attribute: Attribute
    octets: bytes
    shows: str


@pytest.fixture(scope="session")
def golden() -> Callable[[Mapping[str, Any]], Golden]:
    """One attribute of a golden page."""

    def read(row: Mapping[str, Any]) -> Golden:
        value, tag = row["value"], row.get("tag", 0)
        if "integer4" in row:
            octets = struct.pack("!I", row["integer4"])
        elif "integer" in row:
            # RFC 2868 section 3.1: the tag takes the first of the four octets.
            octets = struct.pack("!BBH", tag, 0, row["integer"])
        else:
            octets = (bytes([tag]) if tag else b"") + str(value).encode()
        return Golden(
            attribute=Attribute(name=row["name"], value=value, tag=tag),
            octets=attribute_octets(row["code"], octets),
            shows=row.get("shows", str(value)),
        )

    return read


def attribute_octets(code: str, value: bytes) -> bytes:
    """One attribute; ``code`` is ``"11"`` or ``"9.1"`` for attribute 1 of enterprise 9 (RFC 2865 section 5.26)."""
    vendor, _, number = code.rpartition(".")
    inner = bytes([int(number), len(value) + 2]) + value
    return inner if not vendor else bytes([26, len(inner) + 6]) + struct.pack("!I", int(vendor)) + inner


@pytest.fixture(scope="session")
def encode_by_hand() -> Callable[[str, bytes], bytes]:
    """``encode_by_hand("9.1", b"...")``."""
    return attribute_octets


# -- tshark -----------------------------------------------------------------------------------

_LINE = re.compile(r"\s+(?:AVP|VSA): t=(?P<name>\S+)\(\d+\) l=\d+ (?:Tag=0x(?P<tag>\w\w) )?(?P<rest>(?:val|vnd)=.*)")


@pytest.fixture
def decode_by_tshark(
    peer: Callable[[str], Any], tmp_path: Path
) -> Callable[..., tuple[list[tuple[str, int, str]], str]]:
    """Attributes, as the octets of one Access-Accept after another -> what tshark's own dictionaries call them in
    that order (name, tag, value), and its whole text."""
    tshark = peer("tshark")
    settings = tmp_path / "wireshark"
    _lay_out_dictionaries(tshark.path, settings / "radius")

    def decode(*accepts: bytes) -> tuple[list[tuple[str, int, str]], str]:
        capture = tmp_path / "accepts.pcap"
        capture.write_bytes(pcap([access_accept(attributes) for attributes in accepts]))
        words = ["/usr/bin/env", f"WIRESHARK_CONFIG_DIR={settings}"]
        configured = type(tshark)(name=tshark.name, path=tshark.path, before=tuple(words))
        done = configured.run(["-r", capture, "-V", "-O", "radius"])
        assert done.returncode == 0, done.stderr
        shown: list[tuple[str, int, str]] = []
        for line in done.stdout.splitlines():
            if (match := _LINE.fullmatch(line)) and match["rest"].startswith("val="):
                shown.append((match["name"], int(match["tag"] or "0", 16), match["rest"][4:]))
        return shown, done.stdout

    return decode


def _lay_out_dictionaries(program: Path, folder: Path) -> None:
    """tshark's own dictionaries, without the one that gives the ASA's numbers the older names of the VPN 3000."""
    places = (
        program.parent.parent / "root" / "usr" / "share" / "wireshark" / "radius",
        Path("/usr/share/wireshark/radius"),
    )
    shipped = next(place for place in places if place.is_dir())
    folder.mkdir(parents=True)
    for file in shipped.glob("dictionary.*"):
        (folder / file.name).symlink_to(file)
    lines = (shipped / "dictionary").read_text().splitlines()
    (folder / "dictionary").write_text("\n".join(line for line in lines if "cisco.vpn3000" not in line) + "\n")


def access_accept(attributes: bytes) -> bytes:
    """A whole Access-Accept; its authenticator is not for this test to judge."""
    return struct.pack("!BBH", 2, 7, 20 + len(attributes)) + bytes(16) + attributes


def pcap(packets: Sequence[bytes]) -> bytes:
    """A capture file (link type 101, raw IP) of UDP datagrams from port 1812."""
    loopback = bytes([127, 0, 0, 1])
    file = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)
    for radius in packets:
        udp = struct.pack("!HHHH", 1812, 40000, 8 + len(radius), 0) + radius
        ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0) + loopback + loopback + udp
        file += struct.pack("<IIII", 0, 0, len(ip), len(ip)) + ip
    return file
