"""The benchmark of policies measures what it says, and its page tells a miss."""

from __future__ import annotations

from pathlib import Path

from nacd.config.load import load
from nacd.policy.evaluate import evaluate
from tools.bench.policy import figures, mix, run


def test_the_mix_is_what_the_page_says(tmp_path: Path) -> None:
    policy = load(mix.write(tmp_path / "site", 204)).policy
    assert len(policy.rules) == 204
    asked = [{condition.key for condition in rule.conditions} for rule in policy.rules[:200]]
    shares = {"group": 80, "mac": 40, "user": 40, "ssid": 20, "issuer": 10, "location": 10}
    assert {key: sum(key in each for each in asked) for key in shares} == shares
    decided = {evaluate(policy, facts).rule for facts in mix.logins(200)}
    assert decided == {"things", "compliant device", "compliant vpn", "default-deny"}


def test_a_small_run_measures_everything(tmp_path: Path) -> None:
    said: list[str] = []
    (found,) = run.measure(tmp_path / "policies", (24,), said.append)
    assert 0 < min(found.mean_ns) <= found.worst_ns * 2
    assert found.p99_ns <= found.worst_ns
    assert len(found.load_s) == 3
    assert "24 rules" in said[0]


def test_a_limit_that_is_missed_is_told() -> None:
    slow = figures.Policy(rules=10_000, load_s=[3.1], mean_ns=[100_001.0], p99_ns=2e5, worst_ns=3e5)
    ((_, _, rows),) = figures.tables([slow])
    assert [row[-1] for row in rows] == ["MISSED", "MISSED", ""]
    assert figures.MOST_MEAN_US == {200: 10.0, 10_000: 100.0}
    assert list(figures.tables([])) == []
