"""What is measured of searches: a trail that is one, indexes for it, and answers that find something. No speed."""

from __future__ import annotations

from pathlib import Path

import pytest

from nacd.store.trail.reading import files
from nacd.store.trail_index.index import opened
from tools.bench.trail_index import __main__ as bench
from tools.bench.trail_index import sessions


@pytest.mark.slow
def test_a_trail_is_made_indexed_and_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions.Site.__init__, "__kwdefaults__", {"days": 1, "file_octets": 1_000_000})
    bench.made(tmp_path, 3_000)
    bench.indexed(tmp_path)
    full = [file for file in files(tmp_path / "audit.jsonl") if not file.live]
    assert len(full) > 1
    for file in full:
        index = opened(file)
        assert index.records > 0
        assert index.whole
        index.close()
    asked = bench.asked(tmp_path, ["--session", "00000001"])
    assert asked.wall_s > 0
    assert asked.said.startswith("3 records;")
