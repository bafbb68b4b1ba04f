"""What is done with full files, and what is not, whatever happened before."""

from __future__ import annotations

import fcntl
import gzip
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from nacd.keeper import sealing
from nacd.keeper.indexing import CannotIndex
from nacd.keeper.pipe import Retire
from nacd.store.full_files.folder import Folder
from nacd.store.full_files.retention import Keep
from tests.keeper.conftest import Bench
from tests.keeper.trails import BEGUN, Trail, check, texts

HOUR = 3_600.0


def going() -> None:
    """Nothing ends the work."""


def names(trail: Trail) -> list[str]:
    return sorted(path.name for path in trail.folder.iterdir())


def test_full_files_are_compressed_oldest_first_and_said(bench: Callable[..., Bench], trail: Trail) -> None:
    full = [trail.full() for _ in range(3)]
    trail.living()
    one = bench()
    one.rounds()
    assert names(trail) == [*(f"{name}.gz" for name in full), "audit.jsonl"]
    assert [fields["file"] for name, fields in one.told.said if name == "audit.sealed"] == full
    assert check(trail.live) == 155
    assert (one.work.status.waiting, one.work.status.files, one.work.status.sealed) == (0, 4, 3)


def test_they_stay_plain_where_that_is_wanted(bench: Callable[..., Bench], trail: Trail) -> None:
    full = [trail.full(), trail.full()]
    one = bench(compress=False)
    one.rounds()
    assert names(trail) == full
    assert one.told.said == []


# -- interrupted ----------------------------------------------------------------------------------


def stopped_at(trail: Trail, name: str, step: str) -> None:
    """The folder as a keeper leaves it that is killed there."""
    packed = trail.folder / f"{name}.gz"
    whole = gzip.compress(trail.texts[name])
    if step == "begun":
        packed.with_name(f"{packed.name}.part").touch(mode=0o600)
    if step == "half written":
        packed.with_name(f"{packed.name}.part").write_bytes(whole[:100])
    if step == "written":
        packed.with_name(f"{packed.name}.part").write_bytes(whole)
    if step in ("renamed", "unlinked"):
        packed.write_bytes(whole)
    if step == "unlinked":
        (trail.folder / name).unlink()


@pytest.mark.parametrize("compress", [True, False])
@pytest.mark.parametrize("step", ["nothing", "begun", "half written", "written", "renamed", "unlinked"])
def test_one_that_was_killed_at_any_step_is_followed_by_one_that_finishes(
    bench: Callable[..., Bench], trail: Trail, step: str, compress: bool
) -> None:
    full = [trail.full(), trail.full()]
    trail.living()
    stopped_at(trail, full[0], step)
    one = bench(compress=compress)
    one.rounds()
    assert check(trail.live) == 105
    assert [name for name, _ in texts(trail.live)] == [*full, "audit.jsonl"]
    assert not [name for name in names(trail) if name.endswith(".part")]
    both = [name for name in full if {name, f"{name}.gz"} <= set(names(trail))]
    assert both == []


def test_two_forms_that_differ_both_stay_and_are_said_once(bench: Callable[..., Bench], trail: Trail) -> None:
    name = trail.full()
    other = trail.full()
    packed = trail.folder / f"{name}.gz"
    packed.write_bytes(gzip.compress(trail.texts[name].replace(b"accept", b"reject", 1)))
    one = bench()
    one.rounds()
    one.later(61)
    one.rounds()
    one.later(10_000)
    one.rounds()
    assert names(trail) == sorted([name, f"{name}.gz", f"{other}.gz"])
    assert one.told.names() == ["audit.seal_failed", "audit.sealed"]
    assert one.work.status.waiting == 1
    assert "does not hold the text" in one.work.status.problem
    packed.unlink()
    one.later(10_000)
    one.rounds()
    assert names(trail) == [f"{name}.gz", f"{other}.gz"]
    assert one.work.status.problem == ""


def test_a_file_in_use_waits_and_nothing_is_said(bench: Callable[..., Bench], trail: Trail) -> None:
    name = trail.full()
    one = bench()
    with (trail.folder / name).open("ab") as writer:
        fcntl.flock(writer, fcntl.LOCK_EX)
        one.rounds()
    one.rounds()
    assert names(trail) == [name]
    one.later(3)
    one.rounds()
    assert names(trail) == [f"{name}.gz"]
    assert one.told.names() == ["audit.sealed"]


def test_a_full_disk_is_said_once_and_tried_again(
    bench: Callable[..., Bench], small_disk: Path, folder: Folder
) -> None:
    trail = Trail(small_disk)
    name = trail.full(150, filler=640)
    ballast = small_disk / "ballast"
    ballast.write_bytes(os.urandom(256 * 1024 - len(trail.texts[name]) - 12_000))
    one = bench()
    one.work.folder = Folder(trail.live)
    for _ in range(5):
        one.rounds()
        one.later(2_000)
    assert one.told.said == [("audit.seal_failed", {"file": name, "problem": "no space left on device"})]
    assert len(one.told.warned) == 3  # each hour
    assert "none is deleted before its time" in one.told.warned[0]
    assert names(trail) == sorted([name, "ballast"])
    ballast.unlink()
    one.rounds()
    assert names(trail) == [f"{name}.gz"]
    one.work.folder.close()


def test_strange_files_are_left_alone_and_said_once(bench: Callable[..., Bench], trail: Trail) -> None:
    name = trail.full()
    secret = trail.folder / "secret"
    secret.write_text("not yours")
    (trail.folder / name).unlink()
    (trail.folder / name).symlink_to(secret)
    os.mkfifo(trail.folder / f"{name}.gz.part")
    one = bench(keep=Keep(age_s=1.0))
    one.rounds()
    one.later(4_000)
    one.rounds()
    assert one.told.said == [("audit.strange_files", {"names": [name, f"{name}.gz.part"], "count": 2})]
    assert names(trail) == [name, f"{name}.gz.part", "secret"]
    assert secret.read_text() == "not yours"


def test_many_strange_files_are_one_record_an_hour(bench: Callable[..., Bench], trail: Trail) -> None:
    one = bench()
    for number in range(50):
        (trail.folder / trail.full(1)).unlink()
        (trail.folder / f"audit-20261122T192100Z-{number:012}.jsonl").symlink_to("nowhere")
        one.rounds()
    assert len(one.told.said) == 1
    one.later(3_601)
    one.rounds()
    ((_, first), (_, second)) = one.told.said
    assert (first["count"], second["count"], len(second["names"])) == (1, 50, 20)


# -- indexes --------------------------------------------------------------------------------------


def touch_index(live: Path, name: str, _going: Callable[[], None]) -> None:
    (live.parent / f"{name.removesuffix('.gz').removesuffix('.jsonl')}.idx").write_text(name)


def test_an_index_is_of_the_form_that_stays(bench: Callable[..., Bench], trail: Trail) -> None:
    name = trail.full()
    index = trail.folder / name.replace(".jsonl", ".idx")
    plain = bench(compress=False, build=touch_index)
    plain.rounds()
    assert index.read_text() == name
    packed = bench(build=touch_index)
    packed.rounds()
    assert index.read_text() == f"{name}.gz"
    assert packed.work.status.waiting == 0


def test_an_index_that_cannot_be_made_is_said_and_the_file_counts(bench: Callable[..., Bench], trail: Trail) -> None:
    full = [trail.full(), trail.full()]
    tried: list[str] = []

    def build(live: Path, name: str, going: Callable[[], None]) -> None:
        tried.append(name)
        if len(tried) == 1:
            raise CannotIndex("it is too strange")
        touch_index(live, name, going)

    one = bench(build=build)
    one.rounds()
    assert one.told.said[-1] == ("audit.index_failed", {"file": full[0], "problem": "it is too strange"})
    assert one.work.status.waiting == 1
    one.later(61)
    one.rounds()
    assert tried == [f"{full[0]}.gz", f"{full[1]}.gz", f"{full[0]}.gz"]
    assert one.work.status.waiting == 0


# -- deleted --------------------------------------------------------------------------------------


def test_nothing_goes_before_the_trail_says_so(bench: Callable[..., Bench], trail: Trail) -> None:
    full = [trail.full() for _ in range(4)]
    trail.living()
    one = bench(
        keep=Keep(age_s=1.0, age_words="1s"), build=touch_index, unsent=lambda first, last: {"siem": last - first}
    )

    def still_there(wanted: Retire) -> None:
        assert any(name.startswith(wanted.file) for name in names(trail))

    one.told.there = still_there
    one.rounds()
    asked = one.told.asked
    assert [(each.file, each.first_seq, each.last_seq) for each in asked] == [
        (full[0], 1, 50),
        (full[1], 51, 100),
        (full[2], 101, 150),
    ]
    assert asked[0].why == "audit.keep.for: 1s"
    assert trail.texts[full[0]].endswith(asked[0].last_link.encode() + b'"}\n')
    kept = full[3]
    assert names(trail) == sorted([f"{kept}.gz", kept.replace(".jsonl", ".idx"), "audit.jsonl"])
    assert check(trail.live, first=151) == 205
    lost = [fields for name, fields in one.told.said if name == "audit.retired_unsent"]
    assert lost[0] == {"file": full[0], "destination": "siem", "unsent": 49}
    assert len(lost) == one.work.status.retired == 3


def test_what_the_daemon_refuses_stays_and_nothing_newer_goes(bench: Callable[..., Bench], trail: Trail) -> None:
    full = [trail.full() for _ in range(4)]
    one = bench(keep=Keep(octets=1, octets_words="1KiB"))
    one.told.answer = "the disk does not answer"
    one.rounds()
    one.later(70)
    one.rounds()
    assert names(trail) == [f"{name}.gz" for name in full]
    assert {each.file for each in one.told.asked} == {full[0]}
    failed = [fields for name, fields in one.told.said if name == "audit.retire_failed"]
    assert failed == [{"file": full[0], "problem": "the disk does not answer"}]
    one.told.answer = ""
    one.later(2_000)
    one.rounds()
    assert names(trail) == [f"{full[3]}.gz"]


def test_a_file_whose_end_nobody_knows_is_not_deleted(bench: Callable[..., Bench], trail: Trail) -> None:
    full = [trail.full() for _ in range(3)]
    for name in full[:2]:
        (trail.folder / name).write_bytes(b"rubbish\n")
    one = bench(keep=Keep(octets=1))
    one.rounds()
    assert one.told.asked == []
    (refused,) = [fields for name, fields in one.told.said if name == "audit.retire_failed"]
    assert "neither it nor the file after it" in refused["problem"]


def test_a_disk_that_fills_up_deletes_nothing_by_itself(bench: Callable[..., Bench], small_disk: Path) -> None:
    trail = Trail(small_disk)
    full = [trail.full(20) for _ in range(3)]
    (small_disk / "ballast").write_bytes(b"x" * 150_000)
    one = bench(keep=Keep(octets=1 << 30, octets_words="1GiB"), wall=lambda: BEGUN + 5 * HOUR)
    one.work.folder = Folder(trail.live)
    one.rounds()
    assert [name for name in names(trail) if name != "ballast"] == [f"{name}.gz" for name in full]
    one.work.folder.close()


def test_how_long_the_oldest_has_waited_is_told(bench: Callable[..., Bench], trail: Trail) -> None:
    name = trail.full()
    trail.full()
    one = bench(wall=lambda: BEGUN + 3 * HOUR)
    with (trail.folder / name).open("ab") as writer:
        fcntl.flock(writer, fcntl.LOCK_EX)
        one.work.round()
        assert one.work.status.waiting == 2
        assert one.work.status.oldest_waiting_s == 2 * HOUR
    assert sealing.LEVEL == 6


def test_nothing_is_deleted_for_its_size_while_it_can_be_compressed(bench: Callable[..., Bench], trail: Trail) -> None:
    full = [trail.full() for _ in range(4)]
    trail.living()
    plain = sum((trail.folder / name).stat().st_size for name in full)
    one = bench(keep=Keep(octets=plain // 2, octets_words="half"))
    one.rounds()
    assert [f"{name}.gz" for name in full] == [name for name in names(trail) if name.endswith(".gz")]
    assert "audit.sealed" in one.told.names()
