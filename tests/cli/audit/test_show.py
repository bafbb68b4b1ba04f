"""``nacd audit show``: one record."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from nacd.cli.main import app
from nacd.store.trail.reading import files
from nacd.store.trail_index.building import build
from tests.store.trail_index.laid import lay, who


@pytest.mark.parametrize("indexed", [True, False])
def test_a_record_is_told_in_words_and_whole(tmp_path: Path, indexed: bool) -> None:
    odd = {
        "code": "A1003W",
        "event": "access.eap_failed",
        "eap": {"failure": "bad_tls"},
        "why": "a\u202eb",
        **who("bob"),
    }
    live = lay(tmp_path, [[who("alice"), {**odd, **who("bob")}], [who("carol")]])
    if indexed:
        build(files(live)[0])
    done = CliRunner().invoke(app, ["audit", "show", "2", "--audit", str(tmp_path)])
    assert done.exit_code == 0
    assert done.stdout.startswith("A1003W access.eap_failed bad_tls, record 2 in ")
    assert "  a\\u202eb\n" in done.stdout
    assert json.loads(done.stdout[done.stdout.index("{") :])["endpoint"] == {"user": "bob"}
    alone = CliRunner().invoke(app, ["audit", "show", "2", "--json", "--audit", str(tmp_path)])
    assert json.loads(alone.stdout)["seq"] == 2


def test_a_number_that_no_record_has_is_told(tmp_path: Path) -> None:
    lay(tmp_path, [[who("alice")]])
    done = CliRunner().invoke(app, ["audit", "show", "7", "--audit", str(tmp_path)])
    assert done.exit_code == 1
    assert "no record has the number 7" in done.stderr
