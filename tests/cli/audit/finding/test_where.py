"""Which files a question is put to."""

from __future__ import annotations

from pathlib import Path

import pytest

from nacd.audit.asking.moments import NoMoment
from nacd.cli.audit.finding.where import NoTrail, both_ways, chosen, here_ms, live_of
from tests.store.trail_index.laid import lay, who


@pytest.fixture
def live(tmp_path: Path) -> Path:
    return lay(tmp_path, [[who("alice")], [who("bob")]])


def names(config: Path, *named: Path) -> list[str]:
    return [file.path.name for file in chosen(config, named)]


def test_a_configuration_a_folder_and_the_live_file_name_the_whole_trail(live: Path) -> None:
    config = live.parent / "nacd.yaml"
    config.write_text("audit: {file: audit.jsonl}\n", encoding="utf-8")
    assert live_of(config) == live
    [full] = live.parent.glob("*.gz")
    assert names(config) == names(config, live.parent) == names(config, live) == [full.name, live.name]
    assert names(config, full) == [full.name]


def test_an_archive_without_its_live_file_is_a_trail(live: Path) -> None:
    live.unlink()
    assert len(names(live.parent / "no.yaml", live.parent)) == 1


def test_files_of_any_name_are_read(tmp_path: Path) -> None:
    for name in ("monday.jsonl", "tuesday.jsonl"):
        (tmp_path / name).write_bytes(b"{}\n")
    assert sorted(names(tmp_path, tmp_path)) == ["monday.jsonl", "tuesday.jsonl"]


@pytest.mark.parametrize("text", ["", "audit: 3\n", "audit: {file: [a]}\n", "{{{"])
def test_a_configuration_that_names_none_says_what_to_do(tmp_path: Path, text: str) -> None:
    config = tmp_path / "nacd.yaml"
    config.write_text(text, encoding="utf-8")
    with pytest.raises(NoTrail, match="--audit"):
        chosen(config, ())


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    config = tmp_path / "nacd.yaml"
    config.write_text("audit: {file: empty/audit.jsonl}\n", encoding="utf-8")
    for named in ((), (empty,), (tmp_path / "gone.jsonl",)):
        with pytest.raises(NoTrail):
            chosen(config, named)
    with pytest.raises(NoTrail, match="--audit"):
        chosen(tmp_path / "none.yaml", ())


def test_moments_are_read_in_this_machines_zone() -> None:
    assert here_ms("--since", "") is None
    assert here_ms("--since", "1970-01-02T00:00:00Z") == 86_400_000
    assert both_ways(86_400_000).startswith("1970-01-02 00:00:00Z")
    with pytest.raises(NoMoment, match="--until `x`"):
        here_ms("--until", "x")
