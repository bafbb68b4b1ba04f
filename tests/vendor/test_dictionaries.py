"""The shipped vendor dictionaries: readable as they are, and of one mind with tshark's."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyrad.dictionary import Dictionary

FOLDER = Path(__file__).resolve().parent.parent.parent / "nacd" / "radius" / "dictionaries"
ENTERPRISES = {
    "airespace": ("Airespace", 14179),
    "aruba": ("Aruba", 14823),
    "cisco": ("Cisco", 9),
    "cisco-asa": ("Cisco-ASA", 3076),
    "fortinet": ("Fortinet", 12356),
    "hpe": ("HP", 11),
    "huawei": ("Huawei", 2011),
    "juniper": ("Juniper", 2636),
    "meraki": ("Meraki", 29671),
    "microsoft": ("Microsoft", 311),
    "paloalto": ("PaloAlto", 25461),
    "ruckus": ("Ruckus", 25053),
}
# tshark's dictionaries keep an older name, or one of two names of the same number.
OTHERWISE_IN_TSHARK = {"ASA-WebVPN-Access-List": "ASA-WebVPNACL", "Ruckus-VLAN-ID": "Ruckus-Sta-Vlan-Id"}
# Numbers given after tshark 4.0's dictionaries were made; a newer tshark may know them, by our name.
UNKNOWN_TO_TSHARK = {
    "Aruba": range(43, 64),
    "Cisco": range(46, 67),
    "Fortinet": range(7, 43),
    "HP": (14, 25, 27, 28, 62),
    "Huawei": (238,),
    "Juniper": (50, 52),
    "PaloAlto": range(6, 11),
}
SAMPLES = {
    "string": b"text",
    "octets": b"\x01\x02",
    "integer": struct.pack("!I", 1),
    "ipaddr": bytes([192, 0, 2, 1]),
}


def attributes(name: str) -> dict[str, tuple[int, str]]:
    """Attribute name -> (number, type), read line by line."""
    lines = (line.split("#")[0].split() for line in (FOLDER / f"{name}.dict").read_text().splitlines())
    return {words[1]: (int(words[2]), words[3]) for words in lines if words and words[0] == "ATTRIBUTE"}


@pytest.mark.parametrize("name", ENTERPRISES)
def test_pyrad_reads_the_dictionary_without_skipping_anything(name: str) -> None:
    dictionary = Dictionary(str(FOLDER / f"{name}.dict"))
    assert not dictionary.skipped_attributes
    assert set(dictionary.attributes) == set(attributes(name))
    vendor, enterprise = ENTERPRISES[name]
    assert dictionary.vendors.GetForward(vendor) == enterprise
    assert {attribute.vendor for attribute in dictionary.attributes.values()} == {vendor}


@pytest.mark.parametrize("name", ENTERPRISES)
def test_no_number_has_two_names(name: str) -> None:
    numbers = [number for number, _ in attributes(name).values()]
    assert len(numbers) == len(set(numbers))
    assert all(1 <= number <= 255 for number in numbers)


def test_no_name_stands_in_two_dictionaries() -> None:
    names = [attribute for name in ENTERPRISES for attribute in attributes(name)]
    assert len(names) == len(set(names))


@pytest.mark.peer
@pytest.mark.parametrize("name", ENTERPRISES)
def test_tshark_gives_every_number_the_same_name(
    name: str, decode_by_tshark: Callable[..., Any], encode_by_hand: Callable[[str, bytes], bytes]
) -> None:
    vendor, enterprise = ENTERPRISES[name]
    rows = attributes(name)
    octets = b"".join(encode_by_hand(f"{enterprise}.{number}", SAMPLES[kind]) for number, kind in rows.values())
    shown, text = decode_by_tshark(octets)
    assert "Malformed" not in text
    for (ours, (number, _)), (theirs, _, _) in zip(rows.items(), shown, strict=True):
        unknown = number in UNKNOWN_TO_TSHARK.get(vendor, ()) and theirs == "Unknown-Attribute"
        assert unknown or theirs in {ours, OTHERWISE_IN_TSHARK.get(ours)}, f"{vendor} {number}"


@pytest.mark.peer
@pytest.mark.parametrize("name", ENTERPRISES)
def test_freeradius_has_every_attribute_with_the_same_number_and_type(name: str, peer: Callable[[str], Any]) -> None:
    program = peer("freeradius").path
    places = (program.parent.parent / "root" / "usr" / "share" / "freeradius", Path("/usr/share/freeradius"))
    folder = next(place for place in places if place.is_dir())
    vendor, enterprise = ENTERPRISES[name]
    theirs = freeradius_attributes(folder, enterprise)
    for attribute, (number, kind) in attributes(name).items():
        assert theirs.get(attribute) == (number, kind), f"{vendor}: {attribute}"


def freeradius_attributes(folder: Path, enterprise: int) -> dict[str, tuple[int, str]]:
    """Attribute name -> (number, type) of one enterprise, out of every dictionary in a folder."""
    found: dict[str, tuple[int, str]] = {}
    for file in sorted(folder.glob("dictionary.*")):
        lines = [line.split("#")[0].split() for line in file.read_text(errors="replace").splitlines()]
        vendors = {words[1]: words[2] for words in lines if words and words[0] == "VENDOR"}
        if str(enterprise) not in vendors.values():
            continue
        for words in lines:
            if words and words[0] == "ATTRIBUTE" and words[2].isdecimal():
                found[words[1]] = (int(words[2]), words[3].split("[")[0])
    return found
