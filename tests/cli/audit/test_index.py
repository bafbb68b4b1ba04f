"""``nacd audit index``: what is missing is made."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from nacd.cli.main import app
from nacd.store.trail.reading import files
from nacd.store.trail_index.building import build
from nacd.store.trail_index.mark import index_path
from tests.store.trail_index.laid import lay, who


def test_indexes_that_are_missing_or_stale_are_made(tmp_path: Path) -> None:
    live = lay(tmp_path, [[who("alice")], [who("bob")], [who("carol")], []])
    sound, stale, none, _ = files(live)
    build(sound)
    build(stale).write_bytes(b"what is this")
    command = ["audit", "index", "--audit", str(tmp_path)]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0
    assert "3 full files, 1 had an index, 2 made" in done.stdout
    assert index_path(none.path).exists()
    assert "3 had an index, 0 made" in CliRunner().invoke(app, command).stdout
    assert "0 had an index, 3 made" in CliRunner().invoke(app, [*command, "--anew"]).stdout


def test_a_file_that_cannot_be_read_gets_none_and_is_told(tmp_path: Path) -> None:
    lay(tmp_path, [[who("alice")], [who("bob")], []])
    first = min(tmp_path.glob("*.gz"))
    first.write_bytes(first.read_bytes()[:-5])
    done = CliRunner().invoke(app, ["audit", "index", "--audit", str(tmp_path)])
    assert done.exit_code == 2
    assert f"no index for `{first.name}`" in done.stderr
    assert "1 made" in done.stdout
