"""`nacd whatif` as an admin meets it."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def whatif(nacd: Any, config: Path) -> Callable[..., Any]:
    return lambda policy, *words: nacd("whatif", "--config", config, "--policy", policy, *words)


def test_the_same_policy_changes_nothing(whatif: Callable[..., Any], config: Path, log: Path) -> None:
    done = whatif(config.parent / "policy.yaml")
    assert done.exit_code == 0
    assert re.search(r"replayed +10 logins of 5 devices, 20\d\d-", done.output)
    assert "verified: the policy in force makes all 10 of its decisions again" in done.output
    assert "changes     none: every answer would be the same" in done.output
    assert re.search(r"2  not about a decision", done.output)


def test_what_would_change_is_counted_and_explained(
    whatif: Callable[..., Any], log: Path, changed_policy: Callable[[str, str], Path]
) -> None:
    done = whatif(changed_policy("[noncompliant, unavailable]", "unavailable"), "--examples", "1")
    assert done.exit_code == 1
    assert "changes     2 logins of 1 device (20 % of the logins)" in done.output
    assert "`quarantine` -> refused  2 logins of 1 device" in done.output
    assert "`broken` -> `default-deny`  2 logins of 1 device" in done.output
    assert re.search(r"by NAS\n +`switch`  2 logins", done.output)
    assert re.search(r"by group\n +`wired`  2 logins", done.output)
    assert "then      `quarantine` by rule `broken`: access is `dot1x`; compliance is `noncompliant`" in done.output
    assert "now       refused by rule `default-deny`: no rule matched" in done.output


def test_a_profile_that_sends_something_else_is_a_change(
    whatif: Callable[..., Any], log: Path, changed_policy: Callable[[str, str], Path]
) -> None:
    done = whatif(changed_policy("vlan: 120", "vlan: 121"))
    assert done.exit_code == 1
    assert "`corporate` -> `corporate` with other attributes  8 logins of 4 devices" in done.output
    assert "Tunnel-Private-Group-Id:1 = 121 is sent" in done.output


def test_a_renamed_rule_is_no_change(
    whatif: Callable[..., Any], log: Path, changed_policy: Callable[[str, str], Path]
) -> None:
    done = whatif(changed_policy("name: healthy", "name: well"))
    assert done.exit_code == 0
    assert "8 logins would get the same answer by another rule" in done.output


def test_programs_get_one_document(
    whatif: Callable[..., Any], log: Path, changed_policy: Callable[[str, str], Path]
) -> None:
    done = whatif(changed_policy("[noncompliant, unavailable]", "unavailable"), "--json")
    assert done.exit_code == 1
    found = json.loads(done.stdout)
    assert found["replayed"] == {"logins": 10, "devices": 5}
    assert found["changed"] == {"logins": 2, "devices": 1}
    assert found["by_answer"] == [{"before": "quarantine", "after": "refused", "logins": 2, "devices": 1}]
    assert found["by_rule"] == [{"before": "broken", "after": "default-deny", "logins": 2, "devices": 1}]
    assert found["by_nas"] == [{"nas": "switch", "logins": 2, "devices": 1}]
    assert found["by_group"] == [{"group": "wired", "logins": 2, "devices": 1}]
    assert found["verified"] == 10
    assert found["examples"][0]["after"]["rule"] == "default-deny"
    assert found["not_replayed"][0] | {"why": ""} == {"cause": "other", "why": "", "detail": "", "count": 2}


def test_what_cannot_be_replayed_is_counted_with_its_reason(
    whatif: Callable[..., Any], config: Path, log: Path, record: Callable[..., bytes]
) -> None:
    old = re.sub(rb',"groups":\[[^]]*\]', b"", record())
    strange = record().replace(b'"access":"dot1x"', b'"access":"pigeon"')
    log.write_bytes(log.read_bytes() + old + strange + b"garbage\n" + record()[:200])
    done = whatif(config.parent / "policy.yaml")
    assert done.exit_code == 0
    assert "put aside   4 logins that the policy decided" in done.output
    assert "1  written by a nacd that did not record this yet: `nas.groups`" in done.output
    assert "1  holds a word that this nacd does not know: `access`" in done.output
    assert "1  no record of nacd" in done.output
    assert "1  the last line is not finished" in done.output


def test_an_answer_that_nobody_asked_for_is_not_made_up(
    whatif: Callable[..., Any],
    config: Path,
    record: Callable[..., bytes],
    changed_policy: Callable[[str, str], Path],
) -> None:
    """The list alone let the printer in; the new policy wants Intune's word on it."""
    from nacd.values import AccessKind, Endpoint, MacAddress

    printer = "00-11-85-AA-BB-CC"
    known = record(access=AccessKind.MAB, identity=Endpoint(mac=MacAddress(printer)), mac=printer)
    assert b'"state":"not_asked"' in known
    (config.parent / "audit.jsonl").write_bytes(known)
    policy = changed_policy("mac_in: printers.csv}", "mac_in: printers.csv, compliance: compliant}")
    done = whatif(policy)
    assert done.exit_code == 2
    assert "nobody had asked then: rule `printers`" in done.output
    assert "no decision could be replayed" in done.output


def test_rotated_and_packed_files_are_read_and_what_is_older_is_not(
    whatif: Callable[..., Any], config: Path, log: Path, record: Callable[..., bytes]
) -> None:
    (config.parent / "audit.jsonl.1.gz").write_bytes(gzip.compress(record(ago_s=7200.0) + record(ago_s=900_000.0)))
    policy = config.parent / "policy.yaml"
    assert "11 logins of 5 devices" in whatif(policy).output
    assert "10 logins of 5 devices" in whatif(policy, "--since", "1h").output
    assert "12 logins of 5 devices" in whatif(policy, "--since", "30d").output


def test_files_may_be_named_and_are_read_whole(
    whatif: Callable[..., Any], config: Path, log: Path, record: Callable[..., bytes]
) -> None:
    other = config.parent / "elsewhere"
    other.write_bytes(record(ago_s=900_000.0))
    policy = config.parent / "policy.yaml"
    assert "1 login of 1 device" in whatif(policy, "--audit", other).output
    assert "11 logins of 5 devices" in whatif(policy, "--audit", other, "--audit", log).output


@pytest.mark.parametrize(
    ("words", "said"),
    [(("--since", "yesterday"), "`yesterday` is no duration"), (("--audit", "/nowhere"), "no such file")],
)
def test_what_cannot_be_done_exits_with_two(
    whatif: Callable[..., Any], config: Path, log: Path, words: tuple[str, ...], said: str
) -> None:
    done = whatif(config.parent / "policy.yaml", *words)
    assert done.exit_code == 2
    assert said in done.output


def test_a_policy_that_serve_would_refuse_is_refused_with_its_lines(
    whatif: Callable[..., Any], log: Path, changed_policy: Callable[[str, str], Path]
) -> None:
    path = changed_policy("then: printers", "then: pinters")
    done = whatif(path)
    assert done.exit_code == 2
    assert f"{path}:8:" in done.output
    assert "there is no profile `pinters`, did you mean `printers`?" in done.output


def test_a_policy_that_is_not_there_is_told(whatif: Callable[..., Any], config: Path, log: Path) -> None:
    done = whatif(config.parent / "nothing.yaml")
    assert done.exit_code == 2
    assert "cannot be read: no such file" in done.output


def test_no_log_at_all_is_told(whatif: Callable[..., Any], config: Path) -> None:
    done = whatif(config.parent / "policy.yaml")
    assert done.exit_code == 2
    assert "has no records of the last 24h" in done.output


def test_without_the_policy_in_force_nothing_is_verified(
    whatif: Callable[..., Any], config: Path, log: Path, changed_policy: Callable[[str, str], Path]
) -> None:
    policy = changed_policy("name: healthy", "name: well")
    (config.parent / "policy.yaml").write_text("rules: 7\n")
    done = whatif(policy)
    assert done.exit_code == 0
    assert "the policy in force cannot be read" in done.output
    assert "10 were decided by another policy than the one in force" in done.output
