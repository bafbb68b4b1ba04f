"""Octets of the file change by themselves: nothing is raised, and no decision is changed by it."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from nacd.session.table import apply
from nacd.session.tie import tie
from nacd.sessions import AccountingKind, NotOurs, Session
from nacd.store.live.filters import EVERYTHING
from nacd.store.sessions import SessionStore
from tests.store.live import stage
from tests.store.live.stage import NOW, PATIENCE_S

pytestmark = pytest.mark.slow

SESSIONS = 120


@pytest.fixture
def octets(tmp_path: Path) -> bytes:
    """A sound file, every session under its own decision."""
    file = tmp_path / "sound.sqlite"
    with closing(SessionStore(file, apply=apply, tie=tie, report=pytest.fail)) as store:
        for number in range(SESSIONS):
            store.submit(stage.authorized(number))
            done = store.submit(stage.accounted(number, AccountingKind.START))
        assert done.result(PATIENCE_S).stored
    return file.read_bytes()


def single(octets: bytearray, chance: random.Random) -> None:
    octets[chance.randrange(len(octets))] = chance.randrange(256)


def header(octets: bytearray, chance: random.Random) -> None:
    octets[chance.randrange(100)] ^= 1 << chance.randrange(8)


def sector(octets: bytearray, chance: random.Random) -> None:
    at = chance.randrange(0, len(octets), 512)
    octets[at : at + 512] = chance.randbytes(512)


def swapped(octets: bytearray, chance: random.Random) -> None:
    one, other = (chance.randrange(0, len(octets), 4096) for _ in range(2))
    octets[one : one + 4096], octets[other : other + 4096] = octets[other : other + 4096], octets[one : one + 4096]


def cut(octets: bytearray, chance: random.Random) -> None:
    del octets[chance.randrange(len(octets)) :]


@pytest.mark.parametrize("rot", [single, header, sector, swapped, cut])
def test_no_rot_raises_and_none_changes_a_decision(
    tmp_path: Path, octets: bytes, rot: Callable[[bytearray, random.Random], None]
) -> None:
    chance = random.Random(rot.__name__)
    expected = {stage.grounds(number): stage.standing() for number in range(SESSIONS)}
    noticed = 0
    for turn in range(20):
        rotten = bytearray(octets)
        for _ in range(chance.choice((1, 1, 3))):
            rot(rotten, chance)
            if not rotten:
                break
        folder = tmp_path / str(turn)
        folder.mkdir()
        (folder / "sessions.sqlite").write_bytes(rotten)
        said: list[str] = []
        with closing(SessionStore(folder / "sessions.sqlite", apply=apply, tie=tie, report=said.append)) as store:
            found = [*store.find(EVERYTHING, 10 * SESSIONS), *store.by_mac(stage.mac(7)), *store.by_nas("sw-1")]
            list(store.live_keys())
            store.counts()
            for each in found:
                assert isinstance(each, Session)
                assert isinstance(each.grounds, NotOurs) or each.standing == expected[each.grounds]
            changes = [
                store.submit(stage.accounted(number, AccountingKind.INTERIM, at=NOW + 90)) for number in range(SESSIONS)
            ]
            changes.append(store.submit(stage.restarted(at=NOW + 100)))
            for change in changes:
                done = change.result(PATIENCE_S)
                assert done.stored or done.why
            store.prune(NOW)
        noticed += bool(said)
    assert noticed
