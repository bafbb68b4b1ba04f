"""Every policy that was loaded can be read again by its digest."""

import json
from pathlib import Path

from nacd.store.policy_archive import PolicyArchive


def test_a_policy_is_kept_by_digest_with_when_and_by_whom(tmp_path: Path) -> None:
    archive = PolicyArchive(tmp_path)
    account = archive.keep("ab12", "rules: []\n", loaded_at="2026-11-22T00:00:00Z", source="/etc/nacd/policy.yaml")
    assert (tmp_path / "policies" / "ab12.txt").read_text() == "rules: []\n"
    (entry,) = [json.loads(line) for line in (tmp_path / "policies" / "loaded.jsonl").read_text().splitlines()]
    assert entry == {
        "time": "2026-11-22T00:00:00Z",
        "digest": "ab12",
        "file": "/etc/nacd/policy.yaml",
        "by": account,
    }
    assert account


def test_loading_the_same_policy_again_keeps_one_text_and_both_loadings(tmp_path: Path) -> None:
    archive = PolicyArchive(tmp_path)
    for time in ("2026-11-22T00:00:00Z", "2026-11-23T00:00:00Z"):
        archive.keep("ab12", "rules: []\n", loaded_at=time, source="policy.yaml")
    assert [path.name for path in (tmp_path / "policies").glob("*.txt")] == ["ab12.txt"]
    assert len((tmp_path / "policies" / "loaded.jsonl").read_text().splitlines()) == 2
