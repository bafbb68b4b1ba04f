"""`nacd test`, and what `nacd check` makes of cases."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HEALTHY = """\
cases:
  - name: a healthy laptop
    given: {access: dot1x, nas: switch, identity: certificate, compliance: compliant}
    expect: {rule: healthy, profile: corporate, attributes: {"Tunnel-Private-Group-Id:1": 120}}
"""
WRONG = """\
  - name: a laptop at fault
    given: {access: dot1x, nas: switch, identity: certificate, compliance: noncompliant}
    expect:
      rule: healthy
"""


@pytest.fixture
def write(config: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = config.parent / "policy-cases.yaml"
        path.write_text(text)
        return path

    return write


def test_cases_that_are_as_expected_are_ok_and_rules_that_none_reaches_are_named(
    nacd: Any, config: Path, write: Callable[[str], Path]
) -> None:
    write(HEALTHY)
    done = nacd("test", "--config", config)
    assert done.exit_code == 0
    assert "ok      a healthy laptop  rule `healthy`" in done.output
    assert "1 case, all as expected" in done.output
    assert "no case reaches: `office`, `printers`, `known mac`, `broken`, `default-deny`" in done.output


def test_a_case_that_fails_says_what_was_expected_what_is_and_why(
    nacd: Any, config: Path, write: Callable[[str], Path]
) -> None:
    write(HEALTHY + WRONG)
    done = nacd("test", "--config", config)
    assert done.exit_code == 1
    assert "FAILED  a laptop at fault  rule `broken`" in done.output
    assert "line 8: rule `healthy` is expected, it is `broken`" in done.output
    assert "rule `healthy`: no: compliance is `noncompliant`, the rule wants `compliant`" in done.output
    assert "rule `broken`: matches: access is `dot1x`; compliance is `noncompliant`" in done.output
    assert "2 cases, 1 failed" in done.output


def test_programs_get_one_document(nacd: Any, config: Path, write: Callable[[str], Path]) -> None:
    path = write(HEALTHY + WRONG)
    done = nacd("test", "--config", config, "--json")
    assert done.exit_code == 1
    found = json.loads(done.stdout)
    assert [case["ok"] for case in found["cases"]] == [True, False]
    assert found["cases"][1] | {"trials": []} == {
        "name": "a laptop at fault",
        "file": str(path),
        "line": 5,
        "ok": False,
        "rule": "broken",
        "monitored": False,
        "misses": [{"key": "rule", "why": "rule `healthy` is expected, it is `broken`"}],
        "trials": [],
    }
    assert (found["failed"], found["default_deny_reached"]) == (1, False)
    assert found["unreached"] == ["office", "printers", "known mac"]


def test_cases_may_lie_elsewhere_and_be_held_against_another_policy(
    nacd: Any, config: Path, tmp_path: Path, changed_policy: Callable[[str, str], Path]
) -> None:
    other = tmp_path / "mine.yaml"
    other.write_text(HEALTHY)
    assert nacd("test", "--config", config, "--cases", other).exit_code == 0
    policy = changed_policy("vlan: 120", "vlan: 121")
    done = nacd("test", "--config", config, "--cases", other, "--policy", policy)
    assert done.exit_code == 1
    assert "attribute `Tunnel-Private-Group-Id:1` = `120` is expected, it is `121`" in done.output


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEALTHY.replace("nas: switch", "nas: swich"), "policy-cases.yaml:3:33: there is no nas `swich`, did you mean"),
        ("cases: [", "policy-cases.yaml:2:1: this is not YAML"),
    ],
)
def test_cases_that_cannot_be_read_exit_with_two_and_their_place(
    nacd: Any, config: Path, write: Callable[[str], Path], text: str, said: str
) -> None:
    write(text)
    done = nacd("test", "--config", config)
    assert done.exit_code == 2
    assert said in done.output


def test_without_cases_the_way_to_some_is_told(nacd: Any, config: Path) -> None:
    done = nacd("test", "--config", config)
    assert done.exit_code == 2
    assert "no such file or directory; `nacd test --init` writes cases from the audit log" in done.output


def test_check_counts_cases_that_are_as_expected(nacd: Any, config: Path, write: Callable[[str], Path]) -> None:
    write(HEALTHY)
    done = nacd("check", "--config", config)
    assert done.exit_code == 0
    assert re.search(r"configuration is sound: .*, 1 cases?$", done.output, re.MULTILINE)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            HEALTHY + WRONG,
            "policy-cases.yaml:8:13: case `a laptop at fault`: rule `healthy` is expected, it is `broken`",
        ),
        (HEALTHY.replace("expect", "wish"), "policy-cases.yaml:4:5: `wish` is no key here"),
        ("- 1\n", "policy-cases.yaml:1:1: the file must consist of"),
    ],
)
def test_check_fails_with_the_line_of_a_case_that_does(
    nacd: Any, config: Path, write: Callable[[str], Path], text: str, said: str
) -> None:
    write(text)
    done = nacd("check", "--config", config)
    assert done.exit_code == 1
    assert said in done.output
    assert "nacd serve would take this configuration all the same" in done.output


@pytest.fixture
def shipped(site: Any, tmp_path: Path) -> Path:
    """The examples that are shipped, with the keys and secrets that they speak of."""
    folder = tmp_path / "shipped"
    shutil.copytree(Path(__file__).parents[3] / "config", folder)
    shutil.copytree(site.folder / "pki", folder / "certs")
    (folder / "secrets").mkdir()
    for name in ("campus", "wifi", "vpn"):
        secret = folder / "secrets" / name
        secret.touch(mode=0o600)
        secret.write_text("correct-horse-battery-staple")
    return folder / "nacd.yaml"


def test_the_shipped_cases_are_as_expected_and_reach_every_shipped_rule(nacd: Any, shipped: Path) -> None:
    done = nacd("test", "--config", shipped)
    assert done.exit_code == 0, done.output
    assert "no case reaches" not in done.output
    assert nacd("check", "--config", shipped).exit_code == 0


def test_the_cases_of_the_manual_are_as_expected(nacd: Any, shipped: Path, tmp_path: Path) -> None:
    manual = (Path(__file__).parents[3] / "docs" / "policy-tests.md").read_text()
    (text,) = re.findall(r"```yaml\n(.*?)```", manual, re.DOTALL)
    cases = tmp_path / "manual.yaml"
    cases.write_text(text)
    done = nacd("test", "--config", shipped, "--cases", cases)
    assert done.exit_code == 0, done.output
    assert "3 cases, all as expected" in done.output
