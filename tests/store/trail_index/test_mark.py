"""By what an index knows its file."""

from __future__ import annotations

from pathlib import Path

import pytest

from nacd.store.trail.reading import alone
from nacd.store.trail_index.mark import index_path, mark_of


@pytest.mark.parametrize(
    "name", ["audit-20261122T192100Z-000000000001.jsonl", "audit-20261122T192100Z-000000000001.jsonl.gz"]
)
def test_a_file_has_its_index_beside_it_whether_compressed_or_not(name: str) -> None:
    assert index_path(Path("/x") / name) == Path("/x/audit-20261122T192100Z-000000000001.idx")


def test_a_file_of_another_size_beginning_or_end_is_another(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    body = b"{}\n" * 10_000
    path.write_bytes(body)
    mark = mark_of(alone(path))
    for other in (body[:-3], b"[]\n" + body[3:], body[:-3] + b"[]\n"):
        path.write_bytes(other)
        assert mark_of(alone(path)) != mark
    path.write_bytes(body)
    assert mark_of(alone(path)) == mark
