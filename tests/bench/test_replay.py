"""What is measured of `nacd whatif` is a replay that comes to its end. No speed is asserted."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tools.bench.replay import TRIED, measure, prepare


@pytest.mark.slow
def test_every_record_is_replayed_and_every_policy_that_is_tried_changes_something(tmp_path: Path) -> None:
    config = prepare(tmp_path, 500)
    assert len((tmp_path / "audit.jsonl").read_bytes().splitlines()) == 500
    for change in TRIED.values():
        wall_s, cpu_s, said = measure(config, change)
        assert wall_s > 0
        assert cpu_s > 0
        assert re.fullmatch(r"changes +[1-9][0-9]* logins? of [1-9][0-9]* devices? .*", said)
