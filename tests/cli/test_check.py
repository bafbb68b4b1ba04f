"""`nacd check` and `nacd schema`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest


def test_a_sound_configuration_is_counted(nacd: Any, site: Any) -> None:
    done = nacd("check", "--config", site.config)
    assert done.exit_code == 0
    assert "configuration is sound: 2 NASes, 5 rules, 3 profiles, policy " in done.output
    assert "this is the CA of the demo: use your own (serve takes it with --demo alone)" in done.output


def test_every_problem_has_its_place_and_all_are_told_at_once(nacd: Any, site: Any, tmp_path: Path) -> None:
    text = site.config.read_text().replace("vendor: aruba", "vendor: arbua").replace("may_assert: []", "may_asert: []")
    bad = site.folder / "bad.yaml"
    bad.write_text(text)
    done = nacd("check", "--config", bad)
    assert done.exit_code == 1
    problems = [line for line in done.output.splitlines() if line.startswith(f"{bad}:")]
    assert len(problems) >= 2
    assert "`may_assert`" in done.output
    assert "nacd serve would refuse this configuration" in done.output


def test_a_file_that_is_not_there(nacd: Any, tmp_path: Path) -> None:
    assert nacd("check", "--config", tmp_path / "nowhere.yaml").exit_code == 1


@pytest.mark.parametrize("which", ["nacd", "policy"])
def test_schemas_are_json(nacd: Any, which: str) -> None:
    done = nacd("schema", which)
    assert done.exit_code == 0
    assert "$schema" in json.loads(done.output)


def test_a_schema_there_is_none_of(nacd: Any) -> None:
    done = nacd("schema", "polizy")
    assert done.exit_code == 2
    assert "there are: nacd, policy" in done.output
