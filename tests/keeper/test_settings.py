"""What the keeper reads of the configuration."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from nacd.errors import ConfigError
from nacd.keeper.settings import read


def written(folder: Path, text: str) -> Path:
    path = folder / "nacd.yaml"
    path.write_text(text)
    return path


def test_it_reads_its_section_and_the_state_folder_alone(tmp_path: Path) -> None:
    text = """\
clients: [{name: switch, secret: "file:not/there"}]
policy: nowhere.yaml
audit:
  file: log/audit.jsonl
  keep: {for: 30d, size: 2GiB}
  compress: false
  key: file:not/there
  previous_key: file:not/there
state: state
"""
    wanted = read(written(tmp_path, text))
    assert wanted.audit.file == tmp_path / "log" / "audit.jsonl"
    assert wanted.state == tmp_path / "state"
    assert wanted.keep.age_s == timedelta(days=30).total_seconds()
    assert wanted.keep.octets == 2 << 30
    assert (wanted.keep.age_words, wanted.keep.octets_words) == ("30d", "2GiB")
    assert not wanted.compress
    assert wanted.audit.key is None


def test_the_usual_keeps_400_days_and_any_size(tmp_path: Path) -> None:
    wanted = read(written(tmp_path, "audit: {file: audit.jsonl}\nstate: state\n"))
    assert (wanted.keep.age_s, wanted.keep.octets, wanted.compress) == (400 * 86_400.0, None, True)
    never = read(written(tmp_path, "audit: {file: audit.jsonl, keep: {for: never}}\nstate: state\n"))
    assert never.keep.age_s is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("state: state\n", "`audit` is missing"),
        ("audit: {file: a.jsonl, keep: 3}\nstate: s\n", "nacd.yaml:1"),
        ("audit: [\n", "nacd.yaml"),
    ],
)
def test_what_is_wrong_with_it_is_told_with_its_place(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(ConfigError, match=expected):
        read(written(tmp_path, text))


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read(tmp_path / "nacd.yaml")
