"""A minute of everything going wrong breaks no promise; and what the soak itself is made of."""

from __future__ import annotations

import gzip
import json
import random
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tools.soak import page, scene
from tools.soak.clocked import write_offset
from tools.soak.deck import draw
from tools.soak.records import read_audit
from tools.soak.run import Memory, Options, run
from tools.soak.scene import PROFILES, profile_for


def test_a_process_sees_the_clock_that_it_is_given(tmp_path: Path) -> None:
    clock = tmp_path / "clock"
    write_offset(clock, 0.0)
    words = "import sys, time; from pathlib import Path; from tools.soak.clocked import shift, write_offset\n"
    words += "path = Path(sys.argv[1]); real = time.time; shift(path); steady = time.monotonic\n"
    words += "for step in (0.0, -300.0, 7200.0):\n"
    words += "    write_offset(path, step); print(round(time.time() - real()), steady is time.monotonic)\n"
    done = subprocess.run([sys.executable, "-c", words, clock], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["0", "True", "-300", "True", "7200", "True"]


def test_memory_that_grows_in_one_life_is_not_flat() -> None:
    steady = [(float(at), 1, 80 << 20) for at in range(20)]
    again = [(float(at), 2, 70 << 20) for at in range(20, 40)]
    assert Memory(samples=steady + again).flat
    assert not Memory(samples=steady + [(float(at), 2, (20 + 6 * at) << 20) for at in range(20, 40)]).flat


def test_a_deck_is_drawn_by_its_seed_and_the_short_one_waits_for_nothing_long() -> None:
    names = [one.name for one in draw(random.Random(4), short=False)]
    assert names == [one.name for one in draw(random.Random(4), short=False)]
    assert names != [one.name for one in draw(random.Random(5), short=False)]
    short = draw(random.Random(4), short=True)
    assert {"clock", "kill"} <= {one.act for one in short[:4]}
    assert all(one.after_s <= 5 and one.lasts[1] < 5 for one in short)


def test_every_state_and_source_has_one_profile_and_every_profile_its_vlan() -> None:
    assert len(set(PROFILES.values())) == len(PROFILES)
    assert {rule["then"] for rule in scene.policy()["rules"]} == set(PROFILES)
    assert profile_for("compliant", "stale") != profile_for("compliant", "cache")
    assert profile_for("compliant", "bulk") == ""


def test_a_line_that_is_no_json_is_kept_for_the_judge(tmp_path: Path) -> None:
    (tmp_path / "audit.jsonl").write_text('{"code": "A9009E", "why": "x"}\nhalf a li\n', encoding="utf-8")
    found = read_audit(tmp_path / "audit.jsonl")
    assert (len(found.bugs), found.broken, found.decisions) == (1, ["half a li\n"], [])


def test_full_files_are_read_by_the_number_of_their_first_record_whatever_the_clock_said(tmp_path: Path) -> None:
    bug = '{{"code": "A9009E", "why": "{}"}}\n'
    (tmp_path / "audit-20261123T100000Z-000000000001.jsonl").write_text(bug.format(1), encoding="utf-8")
    with gzip.open(tmp_path / "audit-20261123T100000Z-000000000001.jsonl.gz", "wt", encoding="utf-8") as packed:
        packed.write(bug.format(1))
    (tmp_path / "audit-20261123T090000Z-000000000002.jsonl").write_text(bug.format(2), encoding="utf-8")
    (tmp_path / "audit-20261123T090000Z-000000000002.idx").write_bytes(b"an index")
    (tmp_path / "audit.jsonl").write_text(bug.format(3), encoding="utf-8")
    found = read_audit(tmp_path / "audit.jsonl")
    assert [json.loads(line)["why"] for line in found.bugs] == ["1", "2", "3"]
    assert found.files == 3


@pytest.mark.slow
def test_a_minute_of_everything_going_wrong_breaks_no_promise(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.3.5.1", 0))  # every NAS has an address of its own; Linux answers for all of 127.0.0.0/8
    told: list[str] = []
    outcome = run(Options(seconds=60, rate=200, seed=7, keep=tmp_path / "soak"), told.append)
    page.write(outcome, tmp_path / "soak.md")
    assert not outcome.finding.violations, page.text(outcome)
    assert len(outcome.load.asked) == 12_000
    assert outcome.finding.decisions["compliant", "stale"] > 0
    assert len(outcome.story.restarts) > 1
    assert outcome.story.steps
    assert outcome.files > 1
    assert (tmp_path / "soak.md").read_text(encoding="utf-8").startswith("# Soak\n")
