"""Whether a full file may be deleted, judged by the daemon: a keeper that lies gets no record that excuses it."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from nacd.config.fields import Surroundings
from nacd.config.sections.audit.trail import Audit
from nacd.server.keeper.judging import Judged, Judging
from nacd.server.keeper.words import Retire
from nacd.values import Instant
from tests.keeper.trails import BEGUN, Trail

DAY = 86_400.0
YEAR_LATER = BEGUN + 365 * DAY
LINK = "ab" * 32


@pytest.fixture
def trail(tmp_path: Path) -> Trail:
    made = Trail(tmp_path)
    for _ in range(3):
        made.full(50)
    living(made, YEAR_LATER)
    return made


def living(trail: Trail, at: float) -> None:
    """A live file whose records are of this time."""
    text = trail.lines(2).replace(b"2026-11-22T19:21:00.000Z", time.strftime(RFC3339, time.gmtime(at)).encode())
    trail.live.write_bytes(text)


RFC3339 = "%Y-%m-%dT%H:%M:%S.000Z"


def judging(trail: Trail, began: float = YEAR_LATER, **keep: Any) -> Judging:
    audit = Audit.model_validate(
        {"file": str(trail.live), "keep": keep or {"for": "30d"}},
        context=Surroundings(folder=Path("/"), environment={}),
    )
    return Judging(trail.live, lambda: audit, Instant(wall=began, monotonic=0.0))


def judged(trail: Trail, number: int = 0, wall: float = YEAR_LATER, by: Judging | None = None, **told: Any) -> Judged:
    first = 50 * number + 1
    usual = {"file": list(trail.texts)[number], "first_seq": first, "last_seq": first + 49, "last_link": LINK}
    return (by or judging(trail)).judge(Retire(**{**usual, "why": "x", **told}), Instant(wall=wall, monotonic=0.0))


def test_a_file_that_is_due_may_go_by_our_own_setting(trail: Trail) -> None:
    assert judged(trail) == Judged(why="audit.keep.for: 30d")


def test_a_file_that_is_compressed_may_go(trail: Trail) -> None:
    path = trail.folder / next(iter(trail.texts))
    path.rename(f"{path}.gz")
    assert judged(trail).why == "audit.keep.for: 30d"


def test_a_number_that_is_in_later_files_is_refused(trail: Trail) -> None:
    for seq in (51, 1_000, 1 << 61):
        assert "is not before record 51" in judged(trail, last_seq=seq).refused


def test_a_link_that_is_none_is_refused(trail: Trail) -> None:
    for link in ("", "zz", "AB" * 32, "ab" * 33):
        assert judged(trail, last_link=link).refused == "its last record is not told"


def test_a_file_that_is_not_there_is_refused(trail: Trail) -> None:
    assert judged(trail, file="audit-20200101T000000Z-000000000001.jsonl").refused == "it is not there"
    path = trail.folder / next(iter(trail.texts))
    path.rename(trail.folder / "elsewhere")
    path.symlink_to(trail.folder / "elsewhere")
    assert judged(trail).refused == "it is not there"


def test_the_newest_full_file_stays(trail: Trail) -> None:
    assert judged(trail, 2).refused == "the newest full file stays"


def test_a_file_that_is_not_due_by_our_settings_is_refused(trail: Trail) -> None:
    for keep in ({"for": "400d"}, {"for": "never"}, {"for": "never", "size": "1GiB"}):
        assert "does not let it go" in judged(trail, by=judging(trail, **keep)).refused


def test_size_counts_what_lies_there(trail: Trail) -> None:
    by = judging(trail, **{"for": "never", "size": "1MiB"})
    assert judged(trail, by=by).refused
    path = trail.folder / list(trail.texts)[1]
    path.write_bytes(b"x" * (1 << 20))
    os.utime(path, (BEGUN, BEGUN))
    assert judged(trail, by=by).why == "audit.keep.size: 1MiB"


def test_a_newer_file_does_not_go_before_an_older_one_that_stays(trail: Trail) -> None:
    path = trail.folder / next(iter(trail.texts))
    os.utime(path, (YEAR_LATER, YEAR_LATER))
    assert "does not let it go" in judged(trail, 1).refused


def test_a_clock_that_jumped_lets_nothing_go_for_its_age(trail: Trail) -> None:
    by = judging(trail, began=BEGUN + DAY)
    living(trail, YEAR_LATER)
    assert judged(trail, by=by).refused.startswith("the clock jumped ahead by 8736 h")


def test_age_counts_to_the_newest_record_and_not_beyond(trail: Trail) -> None:
    living(trail, BEGUN + DAY)
    assert "does not let it go" in judged(trail).refused


def test_a_live_file_that_begins_before_is_of_another_trail(trail: Trail) -> None:
    first = json.loads(trail.live.read_bytes().splitlines()[0])
    assert first["seq"] == 151
    trail.live.write_bytes(trail.live.read_bytes().replace(b'"seq":151', b'"seq":20'))
    assert "is not before record 20" in judged(trail).refused


def test_after_a_clock_was_set_back_the_oldest_numbers_go_first(trail: Trail) -> None:
    names = list(trail.texts)
    back = names[1].replace(names[1][6:22], "20200101T000000Z")
    os.rename(trail.folder / names[1], trail.folder / back)
    assert judged(trail).why == "audit.keep.for: 30d"
    assert judged(trail, file=back, first_seq=51, last_seq=100).why == "audit.keep.for: 30d"
