"""``nacd audit search`` as people call it."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from nacd.cli.audit import search
from nacd.cli.audit.search import CANNOT, FOUND, NONE
from nacd.cli.main import app
from tests.store.trail_index.laid import lay, who

MAC = "00-50-B6-AA-BB-CC"
DENIED = {
    "code": "A1002I",
    "event": "access.reject",
    "endpoint": {"user": "=cmd|' /C calc'!A0", "mac": MAC},
    "nas": {"name": "campus-1"},
    "decision": {"effect": "deny", "rule": "default-deny"},
    "why": "\x1b[2Jnothing \u202eto see\x9b",
}


@pytest.fixture
def live(tmp_path: Path) -> Path:
    return lay(tmp_path, [[who("alice"), DENIED], [who("bob"), who("Alice")]])


def asked(live: Path, *words: str) -> tuple[int, str, str]:
    """Exit code, stdout, stderr."""
    done = CliRunner().invoke(app, ["audit", "search", "--audit", str(live.parent), *words])
    assert done.exception is None or isinstance(done.exception, SystemExit)
    return done.exit_code, done.stdout, done.stderr


def test_the_newest_come_first_and_what_was_done_is_told_beside(live: Path) -> None:
    code, out, err = asked(live, "--user", "alice")
    assert code == FOUND
    title, first, second = out.splitlines()
    assert title.startswith("time (UTC)")
    assert first > second
    assert "2 records; 2 files (0 by index, 2 read" in err


def test_nothing_that_fits_is_an_exit_code_of_its_own(live: Path) -> None:
    code, out, err = asked(live, "--user", "nobody")
    assert (code, out) == (NONE, "")
    assert "no record" in err


def test_a_mac_without_an_option_is_taken_for_one_and_said_so(live: Path) -> None:
    code, out, err = asked(live, "0050.b6aa.bbcc", "--effect", "deny")
    assert code == FOUND
    assert MAC in out
    assert f"`{MAC}` is taken for a MAC (--mac)" in err


def test_what_a_peer_sent_does_not_steer_the_terminal(live: Path) -> None:
    for wanted in ("table", "csv"):
        _, out, _ = asked(live, "--mac", MAC, "--format", wanted)
        assert "\\u001b[2Jnothing \\u202eto see\\u009b" in out
        assert out.replace("\n", "").replace("\r", "").isprintable()


def test_lines_come_as_they_lie(live: Path) -> None:
    _, out, _ = asked(live, "--format", "json", "--oldest-first", "--thorough")
    lines = out.encode().splitlines(keepends=True)
    assert lines[2:] == live.read_bytes().splitlines(keepends=True)
    assert len(lines) == 4


def test_no_cell_of_a_spreadsheet_is_a_formula(live: Path) -> None:
    _, out, _ = asked(live, "--format", "csv", "--mac", MAC)
    title, row = csv.reader(out.splitlines())
    found = dict(zip(title, row, strict=True))
    assert found["user"] == "'=cmd|' /C calc'!A0"
    assert found["rule"] == "default-deny"


def test_a_limit_is_told(live: Path) -> None:
    code, out, err = asked(live, "--limit", "1", "--format", "json")
    assert code == FOUND
    assert json.loads(out)["endpoint"]["user"] == "Alice"
    assert "1 record, the newest: there may be more (--limit 0 for all)" in err


def test_a_span_is_told_in_utc(live: Path) -> None:
    code, _, err = asked(live, "--since", "2026-09-21T14:15:00Z", "--until", "2026-09-21 14:16 utc")
    assert code == FOUND
    assert "from 2026-09-21 14:15:00Z" in err
    assert "1 record;" in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--device", "pc-1"], "no device id"),
        (["--since", "soon"], "--since `soon` is no moment"),
        (["--format", "xml"], "there are table, json, csv"),
        (["--field", "nothing"], "names no field and value"),
        (["--mac", "\x1b[2J"], "\\u001b[2J"),
    ],
)
def test_what_cannot_be_asked_is_told(live: Path, words: list[str], said: str) -> None:
    code, out, err = asked(live, *words)
    assert (code, out) == (CANNOT, "")
    assert said in err


def test_what_cannot_be_read_is_told_and_is_an_exit_code(live: Path) -> None:
    [full] = live.parent.glob("*.gz")
    full.write_bytes(full.read_bytes()[:-12])
    code, out, err = asked(live, "--user", "alice")
    assert code == CANNOT
    assert len(out.splitlines()) >= 2
    assert "cut short" in err


def test_the_trail_is_found_by_a_configuration_that_is_otherwise_wrong(live: Path) -> None:
    config = live.parent / "nacd.yaml"
    config.write_text("audit: {file: audit.jsonl}\npolicy: [what is this\n", encoding="utf-8")
    broken = CliRunner().invoke(app, ["audit", "search", "-c", str(config)])
    assert broken.exit_code == CANNOT
    assert "--audit" in broken.stderr
    config.write_text("audit: {file: audit.jsonl}\nnonsense: true\n", encoding="utf-8")
    assert CliRunner().invoke(app, ["audit", "search", "-c", str(config)]).exit_code == FOUND


def test_an_archive_cannot_be_followed(live: Path) -> None:
    live.unlink()
    code, _, err = asked(live, "--follow")
    assert code == CANNOT
    assert "none of these files is being written" in err


def test_what_was_there_before_the_trail_that_is_followed_is_told_whatever_its_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "_follow", lambda *_: None)
    older = {"code": "A9101I", "event": "audit.file_begun", "time": "2026-09-01T00:00:00.000Z", "writer": "a" * 16}
    begun = {"code": "A9101I", "event": "audit.file_begun", "writer": "b" * 16}
    live = lay(tmp_path, [[older, *(who(f"old-{n}") for n in range(5))], []])
    (tmp_path / "new").mkdir()
    live.write_bytes(lay(tmp_path / "new", [[begun, who("new")]]).read_bytes())
    _, out, _ = asked(live, "--follow", "--since", "2026-01-01", "--user", "*", "--format", "json")
    assert [json.loads(line)["endpoint"]["user"] for line in out.splitlines()] == [
        *(f"old-{n}" for n in range(5)),
        "new",
    ]


@pytest.mark.slow
def test_what_is_written_from_now_on_is_followed_over_rotation(live: Path) -> None:
    command = [
        sys.executable,
        "-u",
        "-m",
        "nacd",
        "audit",
        "search",
        "--audit",
        str(live.parent),
        "-f",
        "--format",
        "json",
    ]
    with subprocess.Popen([*command, "--limit", "1", "--user", "alice"], stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        try:
            # The newest of what was there; and it follows from here on.
            assert json.loads(running.stdout.readline())["seq"] == 4
            line = json.dumps({"endpoint": {"user": "alice"}, "n": 1}).encode() + b"\n"
            with live.open("ab") as file:
                file.write(line)
            assert running.stdout.readline() == line
            live.rename(live.with_name("audit.jsonl.1"))
            again = line.replace(b"1", b"2")
            live.write_bytes(again)
            assert running.stdout.readline() == again
        finally:
            running.terminate()


def test_a_reader_that_has_seen_enough_is_no_error(live: Path) -> None:
    command = [sys.executable, "-m", "nacd", "audit", "search", "--audit", str(live.parent), "--format", "json"]
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, check=False, timeout=60)
    finally:
        os.close(write)
    assert b"Traceback" not in done.stderr
