"""Octets of the file change by themselves: nothing is raised, and no device becomes compliant by it."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from nacd.store.verdicts import VerdictStore
from nacd.values import Compliance, ComplianceSource, ComplianceState

pytestmark = pytest.mark.slow

PATIENCE_S = 20.0
NOW = 1_700_000_000.0
ROWS = 400


def noncompliant(number: int) -> Compliance:
    return Compliance(
        state=ComplianceState.NONCOMPLIANT, as_of=NOW + number, source=ComplianceSource.LIVE, provider="nac"
    )


@pytest.fixture
def octets(tmp_path: Path) -> bytes:
    """A sound file with ``ROWS`` devices, none of them compliant."""
    file = tmp_path / "sound.sqlite"
    with closing(VerdictStore(file, report=pytest.fail)) as store:
        futures = [store.put("campus", f"guid:{number:04}", noncompliant(number)) for number in range(ROWS)]
        assert all(future.result(PATIENCE_S) for future in futures)
    return file.read_bytes()


def single(octets: bytearray, chance: random.Random) -> None:
    octets[chance.randrange(len(octets))] = chance.randrange(256)


def header(octets: bytearray, chance: random.Random) -> None:
    octets[chance.randrange(100)] ^= 1 << chance.randrange(8)


def sector(octets: bytearray, chance: random.Random) -> None:
    at = chance.randrange(0, len(octets), 512)
    octets[at : at + 512] = chance.randbytes(512)


def zeros(octets: bytearray, chance: random.Random) -> None:
    at = chance.randrange(0, len(octets), 4096)
    octets[at : at + 4096] = bytes(4096)


def swapped(octets: bytearray, chance: random.Random) -> None:
    one, other = (chance.randrange(0, len(octets), 4096) for _ in range(2))
    octets[one : one + 4096], octets[other : other + 4096] = octets[other : other + 4096], octets[one : one + 4096]


def cut(octets: bytearray, chance: random.Random) -> None:
    del octets[chance.randrange(len(octets)) :]


@pytest.mark.parametrize("rot", [single, header, sector, zeros, swapped, cut])
def test_no_rot_raises_and_none_makes_a_device_compliant(
    tmp_path: Path, octets: bytes, rot: Callable[[bytearray, random.Random], None]
) -> None:
    chance = random.Random(rot.__name__)
    noticed = 0
    for turn in range(25):
        rotten = bytearray(octets)
        for _ in range(chance.choice((1, 1, 3))):
            rot(rotten, chance)
            if not rotten:
                break
        folder = tmp_path / str(turn)
        folder.mkdir()
        file = folder / "verdicts.sqlite"
        file.write_bytes(rotten)
        said: list[str] = []
        with closing(VerdictStore(file, report=said.append)) as store:
            found = [store.find("campus", f"guid:{number:04}") for number in range(ROWS)]
            listed = [compliance for _, compliance in store.iterate("campus")]
            assert ComplianceState.COMPLIANT not in {
                each.state for each in [*found, *listed] if isinstance(each, Compliance)
            }
            assert store.good_among("campus", [f"guid:{number:04}" for number in range(ROWS)], NOW * 2) == ()
            store.put("campus", "guid:0007", noncompliant(ROWS)).result(PATIENCE_S)
            store.forget_older_than(NOW + 5)
            known = noncompliant(ROWS)
            if store.put("campus", "guid:new", known).result(PATIENCE_S):
                assert store.find("campus", "guid:new") == known or said
        noticed += bool(said)
    assert noticed > 0 or rot is single
