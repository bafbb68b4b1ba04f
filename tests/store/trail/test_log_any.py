"""Any history: appends, disks that are full at any octet, rotations, restarts, kills, power cuts at any octet.

An independent judge accepts the trail, with gaps and strange lines only where a record owns up to them, and every
record that was taken and that no power cut took is there, once, in order.
"""

from __future__ import annotations

import json
import os
import re
import resource
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nacd.errors import AuditRefused
from nacd.store.trail.log import AuditLog
from nacd.store.trail.writing.head import NAME
from tests.store.trail.writing.checker import Judged, judge
from tests.store.trail.writing.trails import Trail, die, event, pem, raw

_SEQ = re.compile(rb',"seq":([0-9]+),"link":"[0-9a-f]{64}"\}\n')
KEY = Ed25519PrivateKey.generate()


@contextmanager
def room_for(octets: int) -> Iterator[None]:
    """No file of this process grows beyond this size; the kernel writes what fits."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (octets, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


class History:
    """A trail to which things happen; ``taken``: numbers of the records that must be there."""

    def __init__(self, folder: Path, sync: str) -> None:
        self.trail = Trail(folder)
        self.sync = sync
        self.number = 0
        self.moved = 0
        self.taken: list[int] = []
        self.log = self._open()

    def _open(self) -> AuditLog:
        return self.trail.open(rotate_octets=4000, checkpoint_records=5, sync=self.sync, key=pem(KEY))

    def append(self, many: int, size: int) -> None:
        some = range(self.number + 1, self.number + many + 1)
        self.number += many
        try:
            self.log.append(*[event(number, "x" * size) for number in some])
        except AuditRefused:
            return
        self.taken += some

    def full(self, octets: int, size: int) -> None:
        with room_for(self.trail.live.stat().st_size + octets):
            self.append(1, size)
            self.tick(60)
            self.append(2, size)

    def tick(self, seconds: int) -> None:
        self.trail.clock.at += seconds
        try:
            self.log.follow_rotation()
            self.log.tick()
        except AuditRefused:
            return

    def restart(self) -> None:
        self.log.close()
        self.log = self._open()

    def kill(self) -> None:
        die(self.log)
        self.log = self._open()

    def power_cut(self, octets: int, nought: int) -> None:
        """What the disk had not got yet is gone, and there may be octets of zero in its place."""
        die(self.log)
        live = self.trail.live
        safe = self._safe()
        size = live.stat().st_size
        kept = max(safe, size - octets)
        text = live.read_bytes()[:kept]
        live.write_bytes(text + b"\0" * nought)
        there = [record["number"] for record in self.whole().plain]
        assert there == self.taken[: len(there)]
        self.taken = there
        self.log = self._open()

    def somebody_writes(self) -> None:
        die(self.log)
        with self.trail.live.open("ab") as file:
            file.write(b"not a record\n")
        self.log = self._open()

    def logrotate(self, running: bool) -> None:
        if not running:
            die(self.log)
        self.moved += 1
        self.trail.live.rename(self.trail.folder / f"audit.jsonl.{self.moved}")
        if running:
            self.tick(1)
        else:
            self.log = self._open()

    def _safe(self) -> int:
        """Octets of the live file that the disk had, by the head."""
        head = self.trail.folder / "state" / "audit" / NAME
        kept = json.loads(head.read_bytes()) if head.exists() else {"seq": 0, "octets": 0}
        first = _SEQ.search(self.trail.live.read_bytes())
        return int(kept["octets"]) if first and int(first[1]) <= kept["seq"] else 0

    def whole(self) -> Judged:
        there = []
        for path in self.trail.folder.glob("audit*.jsonl*"):
            first = _SEQ.search(path.read_bytes())
            if first:
                there.append((int(first[1]), path))
        return judge([path.read_bytes() for _, path in sorted(there)], [raw(KEY)])


STEPS = st.one_of(
    st.tuples(st.just("append"), st.integers(1, 4), st.integers(0, 900)),
    st.tuples(st.just("append"), st.integers(1, 4), st.integers(0, 900)),
    st.tuples(st.just("full"), st.integers(0, 1500), st.integers(0, 900)),
    st.tuples(st.just("tick"), st.integers(0, 100_000)),
    st.tuples(st.just("restart")),
    st.tuples(st.just("kill")),
    st.tuples(st.just("power_cut"), st.integers(0, 3000), st.sampled_from([0, 0, 1, 4096])),
    st.tuples(st.just("somebody_writes")),
    st.tuples(st.just("logrotate"), st.booleans()),
)


@pytest.mark.parametrize("sync", ["never", "each"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=st.lists(STEPS, max_size=25))
def test_whatever_happens_the_trail_holds(sync: str, steps: list[tuple[object, ...]]) -> None:
    with tempfile.TemporaryDirectory(prefix="nacd-trail-") as folder:
        history = History(Path(folder), sync)
        for name, *values in steps:
            getattr(history, str(name))(*values)
        history.append(1, 10)
        history.log.close()
        found = history.whole()
        assert found.faults == []
        assert [record["number"] for record in found.plain] == history.taken
        strange = sum(name in ("somebody_writes", "power_cut") for name, *_ in steps)
        assert len(found.noted) <= strange
        assert found.of("A9104E") == []
        assert not os.path.exists(f"{folder}/.audit.jsonl.next")


@pytest.mark.parametrize("records", [0, 1, 3])
def test_full_at_every_octet_of_what_is_written_next_nothing_of_it_remains(tmp_path: Path, records: int) -> None:
    """Also of the very first write, which holds what is said of the file itself."""
    trail = Trail(tmp_path)
    log = trail.open(head=None)
    for number in range(records):
        log.append(event(number))
    before = trail.live.read_bytes()
    octets = 0
    while True:
        with room_for(len(before) + octets):
            try:
                log.append(event(9))
                break
            except AuditRefused:
                octets += 1
        assert trail.live.read_bytes() == before
        assert octets < 2000
    log.close()
    found = trail.whole()
    assert [record["number"] for record in found.plain] == [*range(records), 9]
