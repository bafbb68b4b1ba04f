"""What nacd itself writes is whole to `nacd audit verify`, whatever a machine does to it; and what people do is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nacd.store.trail.log import AuditLog
from nacd.store.trail.writing.options import Options
from nacd.values import AuditEvent, Secret

CONFIG = 'audit: {file: log/audit.jsonl, key: "file:audit.key"}\nstate: state\n'


class Site:
    """A folder with a key, anchors and a trail that turns over often."""

    def __init__(self, folder: Path, nacd: Any) -> None:
        self.folder, self._nacd, self._at = folder, nacd, 1_795_375_260.0
        (folder / "log").mkdir()
        (folder / "anchors").touch()
        (folder / "nacd.yaml").write_text(CONFIG)
        assert nacd("audit", "keygen", "--out", folder / "audit.key").exit_code == 0
        self.live = folder / "log" / "audit.jsonl"

    def write(self, count: int, *, key: str = "audit.key", previous: str = "") -> None:
        """One run of nacd."""
        keys = {"key": Secret((self.folder / key).read_bytes())}
        if previous:
            keys["previous_key"] = Secret((self.folder / previous).read_bytes())
        options = Options(
            head=self.folder / "state" / "audit", rotate_octets=8_000, checkpoint_records=10, checkpoint_s=60,
            anchors=self.folder / "anchors", version="1.0", **keys,
        )  # fmt: skip
        log = AuditLog(self.live, options=options, clock=self._clock)
        for number in range(count):
            log.append(
                AuditEvent(code="A1001I", fields={"code": "A1001I", "time": "2026-11-22T19:21:00.000Z", "n": number})
            )
            log.tick()
        log.close()

    def _clock(self) -> float:
        self._at += 0.5
        return self._at

    def verify(self, *words: object) -> tuple[int, dict[str, Any]]:
        done = self._nacd(
            "audit", "verify", "--config", self.folder / "nacd.yaml", "--anchors", self.folder / "anchors",
            "--key", self.folder / "audit.key.pub", "--json", *words,
        )  # fmt: skip
        return done.exit_code, json.loads(done.stdout)


@pytest.fixture
def site(tmp_path: Path, nacd: Any) -> Site:
    return Site(tmp_path, nacd)


def test_several_runs_over_several_files_are_whole(site: Site) -> None:
    for count in (30, 1, 60):
        site.write(count)
    code, found = site.verify()
    assert (code, found["faults"]) == (0, [])
    assert found["files"] > 2
    assert found["records"] > 91
    assert found["anchored"]["seq"] == found["records"] == found["ended"]["seq"]


def test_a_log_from_before_the_trail_stays_in_its_place(site: Site) -> None:
    site.live.write_bytes(b'{"code":"A1001I","time":"2026-01-01T00:00:00.000Z"}\n' * 3)
    site.write(60)
    code, found = site.verify()
    assert (code, found["faults"]) == (0, [])
    assert found["notes"][0]["what"].startswith("3 lines from before the trail")


def test_a_crash_in_the_middle_of_a_line_is_noted_and_no_fault(site: Site) -> None:
    site.write(20)
    with site.live.open("ab") as file:
        file.write(b'{"code":"A10')
    assert "is being written" in site.verify()[1]["notes"][0]["what"]
    site.write(5)
    code, found = site.verify()
    assert (code, found["faults"]) == (0, [])
    assert any("cut off its 12 octets" in note["what"] for note in found["notes"])


def test_lines_of_somebody_else_are_noted_and_no_fault(site: Site) -> None:
    site.write(20)
    with site.live.open("ab") as file:
        file.write(b"hello\nworld\n")
    assert site.verify()[0] == 1
    site.write(5)
    code, found = site.verify()
    assert (code, found["faults"]) == (0, [])


def test_records_that_were_cut_off_while_nacd_did_not_run_are_a_fault_before_and_after_it_is_started_again(
    site: Site,
) -> None:
    site.write(20)
    site.live.write_bytes(b"".join(site.live.read_bytes().splitlines(keepends=True)[:-4]))
    code, found = site.verify()
    assert (code, found["faults"][0]["kind"]) == (1, "cut")
    site.write(5)
    code, found = site.verify()
    assert code == 1
    assert found["faults"][0]["kind"] == "removed"
    assert found["faults"][0]["noted"]


def test_a_log_that_is_gone_is_a_fault(site: Site) -> None:
    site.write(20)
    site.live.unlink()
    site.write(5)
    code, found = site.verify()
    assert (code, found["faults"][0]["kind"]) == (1, "removed")
    assert found["faults"][0]["noted"]


def test_logrotates_way_goes_on(site: Site) -> None:
    site.write(20)
    site.live.rename(site.live.with_name("audit.jsonl.1"))
    site.write(20)
    code, found = site.verify()
    assert (code, found["faults"], found["files"]) == (0, [], 2)


def test_a_key_that_follows_another_is_vouched_for_by_it(site: Site, nacd: Any) -> None:
    site.write(20)
    assert nacd("audit", "keygen", "--out", site.folder / "second.key").exit_code == 0
    site.write(20, key="second.key", previous="audit.key")
    code, found = site.verify()
    assert (code, found["faults"]) == (0, [])
    assert any("hands over to" in note["what"] for note in found["notes"])
    nacd("audit", "keygen", "--out", site.folder / "third.key")
    site.write(20, key="third.key")
    assert site.verify()[0] == 1
    assert site.verify("--key", site.folder / "third.key.pub")[0] == 0
