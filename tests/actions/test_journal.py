"""Records of actions: what one holds, who may write at once, and what a full disk means."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest

from nacd.actions.journal import DONE, EVENTS, REQUESTED, Deed, Journal, who
from nacd.errors import AuditRefused
from nacd.store.trail.log import AuditLog
from tests.records import told

DEED = Deed(verb="wipe", device="2f6d", tenant="intune", who=who(0, "alice"), by="command", name="LAPTOP-7")


def records(path: Path) -> list[dict[str, object]]:
    """Without what the trail says of itself, and where each record stands in it."""
    found = told(path.read_text())
    return [{name: value for name, value in record.items() if name not in ("seq", "link")} for record in found]


def test_a_record_says_who_did_what_to_which_device(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "log" / "audit.jsonl")
    journal.write(DONE, DEED, "fine", request_id="r1")
    (record,) = records(journal.path)
    assert record | {"time": ""} == {
        "time": "",
        "code": "D0002I",
        "event": "action done",
        "why": "fine",
        "verb": "wipe",
        "device": {"id": "2f6d", "name": "LAPTOP-7"},
        "tenant": "intune",
        "by": "command",
        "who": {"uid": 0, "user": "root", "sudo_user": "alice"},
        "request_id": "r1",
    }


def test_an_account_without_a_name_is_its_number() -> None:
    assert who(4_000_000_001).user == "4000000001"


def test_every_code_is_stable_and_ends_in_its_severity() -> None:
    assert len(EVENTS) == 7
    assert all(code[0] == "D" and code[1:5].isdecimal() and code[5] in "IWE" for code in EVENTS)


def test_command_and_service_write_one_file_by_turns(tmp_path: Path) -> None:
    journals = [Journal(tmp_path / "audit.jsonl") for _ in range(4)]
    threads = [threading.Thread(target=lambda j=j: [j.write(REQUESTED, DEED) for _ in range(25)]) for j in journals]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(records(tmp_path / "audit.jsonl")) == 100


def test_a_file_that_somebody_holds_for_good_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nacd.actions.journal._PATIENCE_S", 0.05)
    held = AuditLog(tmp_path / "audit.jsonl")
    with pytest.raises(AuditRefused, match="in use by another nacd"):
        Journal(tmp_path / "audit.jsonl").write(REQUESTED, DEED)
    held.close()


def test_a_full_disk_refuses_the_record() -> None:
    with pytest.raises(AuditRefused, match="no space"):
        Journal(Path("/dev/full")).write(REQUESTED, DEED)


def test_a_folder_that_cannot_be_made_refuses_at_the_check(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(AuditRefused, match="cannot open"):
        Journal(tmp_path / "file" / "audit.jsonl").check()


def test_a_link_in_the_folder_of_the_services_account_leads_root_nowhere(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    folder.mkdir()
    if os.geteuid() == 0:
        os.chown(folder, 12_345, 12_345)
    (folder / "audit.jsonl").symlink_to(tmp_path / "cron.d")
    if os.geteuid() == 0:
        os.chown(folder / "audit.jsonl", 12_345, 12_345, follow_symlinks=False)
    journal = Journal(folder / "audit.jsonl")
    for work in (journal.check, lambda: journal.write(REQUESTED, DEED)):
        with pytest.raises(AuditRefused, match="a symbolic link stands there"):
            work()
    assert not (tmp_path / "cron.d").exists()


def test_a_request_outlives_a_power_cut_before_the_deed_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr("os.fdatasync", lambda fd: synced.append(os.fstat(fd).st_size))
    journal = Journal(tmp_path / "audit.jsonl")
    journal.write(REQUESTED, DEED)
    assert synced == [journal.path.stat().st_size]
    journal.write(DONE, DEED)
    assert len(synced) == 1


def test_a_check_writes_nothing(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "audit.jsonl")
    journal.check()
    assert journal.path.read_bytes() == b""


def test_a_file_that_root_makes_belongs_to_the_owner_of_its_folder(tmp_path: Path) -> None:
    """The service's account must be able to write what `sudo nacd device` began."""
    folder = tmp_path / "log"
    folder.mkdir()
    wanted = (12_345, 12_345) if os.geteuid() == 0 else (os.geteuid(), os.getegid())
    os.chown(folder, *wanted)
    Journal(folder / "audit.jsonl").write(REQUESTED, DEED)
    there = (folder / "audit.jsonl").stat()
    assert (there.st_uid, there.st_gid) == wanted


def test_our_own_records_on_a_full_disk_do_not_pass_as_a_strangers(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    journal = Journal(tmp_path / "audit.jsonl", tmp_path / "state")
    journal.write(REQUESTED, DEED)
    (tmp_path / "state" / "audit" / ".head.json.part").mkdir()  # no other file can be made, as on a full disk
    for _ in range(2):
        journal.write(DONE, DEED)
    lines = [json.loads(line) for line in journal.path.read_text().splitlines()]
    assert [line["repaired"]["kind"] for line in lines if "repaired" in line] == ["unvouched"]
