import os
import sqlite3
from pathlib import Path

import pytest

from nacd.cli.bundle import parts
from nacd.cli.bundle.hiding import Names
from nacd.values import Secret


def site(folder: Path, text: str = "") -> parts.Site:
    config = folder / "nacd.yaml"
    config.write_text(text, encoding="utf-8")
    found = parts.Site(config=config, names=Names(Secret(b"k" * 32), keep=False))
    found.read()
    return found


def test_a_file_that_is_no_yaml_is_left_out(tmp_path: Path) -> None:
    broken = site(tmp_path, "clients: [secret: hunter2\n  - }{")
    with pytest.raises(parts.Missing) as why:
        parts.settings(broken)
    assert "hunter2" not in str(why.value)


def test_the_state_is_told_by_size_and_version_alone(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    with sqlite3.connect(tmp_path / "state" / "sessions.sqlite") as file:
        file.execute("PRAGMA user_version = 7")
        file.execute("CREATE TABLE who (name TEXT)")
        file.execute("INSERT INTO who VALUES ('alice-was-here')")
    said = parts.state(site(tmp_path, "state: state\n"))
    assert b'"version": 7' in said
    assert b"alice" not in said


def test_a_daemon_that_is_not_there_is_missing_with_a_reason(tmp_path: Path) -> None:
    with pytest.raises(parts.Missing, match="does not answer"):
        parts.page("metrics")(site(tmp_path, 'server: {metrics: "127.0.0.1:1"}\n'))
    with pytest.raises(parts.Missing, match="not configured"):
        parts.page("metrics")(site(tmp_path, "state: state\n"))


@pytest.mark.parametrize("odd", ["pipe", "/dev/zero", ".", '"a\\0b"'])
def test_what_is_no_file_is_missing_with_a_reason_and_is_not_waited_for(tmp_path: Path, odd: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(parts.Missing, match=r"is a |no name of a file"):
        parts.policy(site(tmp_path, f"policy: {odd}\n"))
    (tmp_path / "nacd.yaml").unlink()
    os.mkfifo(tmp_path / "nacd.yaml")
    found = parts.Site(config=tmp_path / "nacd.yaml", names=Names(Secret(b"k" * 32), keep=False))
    found.read()
    with pytest.raises(parts.Missing, match="is a pipe, not a file"):
        parts.settings(found)
    with pytest.raises(parts.Missing, match="is no file"):
        parts.log(tmp_path / "pipe")(found)


def test_an_address_that_is_none_is_a_fault_of_the_setting_and_not_of_nacd(tmp_path: Path) -> None:
    with pytest.raises(parts.Missing, match=r"does not answer at `127\.0\.0\.1:a b`"):
        parts.page("metrics")(site(tmp_path, 'server: {metrics: "127.0.0.1:a b"}\n'))


def test_variables_are_told_by_name_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NACD_OF_THE_TEST", "hunter2-of-the-test")
    said = parts.environment(site(tmp_path, "state: state\n"))
    assert b"NACD_OF_THE_TEST\n" in said
    assert b"hunter2" not in said
