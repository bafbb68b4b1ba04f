"""The page about the audit trail: its command by hand works, and what it shows is what is said."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from nacd.cli.audit.verdict import Told, text
from tests.audit.proof.proving import on_disk, prove
from tests.store.trail.written import trail

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "audit.md").read_text(encoding="utf-8")


def test_one_record_can_be_checked_by_hand(tmp_path: Path) -> None:
    made = trail()
    (tmp_path / "audit.jsonl").write_bytes(b"".join(made.lines))
    found = re.search(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    said = _shell(found[1], tmp_path)
    assert re.fullmatch(r"([0-9a-f]{64})\n\1\n", said)
    (tmp_path / "audit.jsonl").write_bytes(b"".join(made.lines).replace(b"a rule said so", b"a rule said no"))
    one, other = _shell(found[1], tmp_path).split()
    assert one != other


def _shell(command: str, folder: Path) -> str:
    done = subprocess.run(["sh", "-c", command], cwd=folder, capture_output=True, text=True, check=True, timeout=20)
    return done.stdout


def test_the_sentences_shown_are_those_that_are_said() -> None:
    made = trail()
    files = on_disk(made)
    told = Told(files=3, octets=0, took_s=0.0, anchor_files=(), named_keys=(), own_key="", partly=False)
    whole = text(told, prove(files, anchors=made.anchors[:1]))
    name, octets = files[1]
    bad = [files[0], (name, octets.replace(b"a rule said so", b"a rule said no", 1)), files[2]]
    broken = text(told, prove(bad, anchors=made.anchors[:1]))
    shown = re.sub(r"[0-9,]+", "N", PAGE)
    for said in (whole, broken):
        for line in said.splitlines():
            words = re.sub(r"[0-9,]+", "N", line)
            if any(word in line for word in ("anchors prove it", "Something was done", "FAULT", "WHOLE")):
                assert words.split(" (")[0] in shown
                assert words.split(") ")[-1] in shown


def test_every_fault_is_explained() -> None:
    table = PAGE[PAGE.index("| fault | means |") :]
    for word in ("changed", "removed", "inserted", "reordered", "cut", "forged", "no record", "unreadable"):
        assert re.search(rf"^\|[^|]*\b{word}\b[^|]*\|", table, re.MULTILINE)
