"""What the page of the policy claims: every condition with its example, and the words for hours."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from nacd.config.policy_conditions import When
from nacd.policy.evaluate import evaluate, explain
from nacd.policy.model import Policy
from nacd.values import AccessKind, CertificateFacts, Facts, Nas, Unidentified
from tests.config.conftest import Site
from tests.test_docs import DOCS

PAGE = (DOCS / "policy.md").read_text(encoding="utf-8")
EXAMPLE = PAGE.split("```yaml\n")[1].split("```")[0]
BERLIN = ZoneInfo("Europe/Berlin")


def conditions() -> dict[str, str]:
    """Key to example, out of the one table."""
    lines = PAGE.split("| key of `when` |")[1].splitlines()[2:]
    rows = [line.strip("| ").split(" | ") for line in lines[: lines.index("")]]
    return {row[0].strip("`"): row[2].strip("`") for row in rows}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """With everything that the examples name."""
    made = Site(tmp_path)
    made.change("name: sw,", "name: campus-switches,").change("groups: [wired]", "groups: [campus, remote]")
    made.change("intune:\n", "intune:\n  source: graph\n")
    made.change("name: campus-switches,", "name: campus-switches, location: berlin/building-7,")
    made.write("loaners.csv", "device\n6b4b9f4e-7a0d-4a63-9a39-5d5e7c7a1c11\n")
    made.write("printers.csv", "00-1B-A9-12-34-56\n")
    made.write("cleaners.csv", "00-1B-A9-12-34-57\n")
    return made


def test_every_condition_is_in_the_table_and_nothing_else() -> None:
    assert set(conditions()) == {field.alias or name for name, field in When.model_fields.items()}


@pytest.mark.parametrize("key", sorted(conditions()))
def test_every_example_of_a_condition_is_one(site: Site, key: str) -> None:
    written = f"{key}: {conditions()[key]}" + (", os: Windows" if key == "os_version" else "")
    if key == "tenant":  # the site has one, without a name of its own
        written = written.replace("contoso", "intune")
    named = f"user_groups: {{contractors: {'0' * 7}1-0000-0000-0000-000000000000}}\n" if key == "user_group" else ""
    site.write(
        "policy.yaml",
        f"time_zone: UTC\n{named}rules:\n  - {{name: a, when: {{access: dot1x, {written}}}, then: deny}}\n"
        if key != "access"
        else f"rules:\n  - {{name: a, when: {{{written}}}, then: deny}}\n",
    )
    (rule,) = site.load().policy.rules
    assert key in {condition.key.split(".")[0] for condition in rule.conditions}


@pytest.fixture
def policy(site: Site) -> Policy:
    """That of the example, which `nacd check` finds nothing to remark on."""
    site.write("policy.yaml", EXAMPLE)
    loaded = site.load()
    assert [str(note) for note in loaded.notes if "policy.yaml" in str(note)] == []
    return loaded.policy


def contractor(when: str) -> Facts:
    certificate = CertificateFacts(
        subject="CN=c", issuer="CN=Contractors CA,O=X", serial="1", fingerprint="f", not_before=0.0, not_after=1e12
    )
    return facts(when, access=AccessKind.DOT1X, certificate=certificate)


def facts(when: str, **more: object) -> Facts:
    at = datetime.fromisoformat(when).replace(tzinfo=BERLIN).timestamp()
    return Facts(nas=Nas(name="sw", vendor="generic"), identity=Unidentified(reason="-"), at=at, **more)  # type: ignore[arg-type]


def test_explain_says_what_the_page_says(policy: Policy) -> None:
    (said,) = [line.strip() for line in PAGE.splitlines() if line.startswith("    contractors, office hours  ")]
    trial = explain(policy, contractor("2026-11-21T09:12"))[0]
    assert said == f"{trial.rule}  no: {trial.detail}"


@pytest.mark.parametrize(
    ("when", "profile"),
    [("2026-11-20T07:00", "contractors"), ("2026-11-20T19:00", ""), ("2026-11-21T12:00", "")],
)
def test_contractors_come_in_on_workdays(policy: Policy, when: str, profile: str) -> None:
    assert evaluate(policy, contractor(when)).profile == profile


@pytest.mark.parametrize(
    ("when", "profile"),
    [
        ("2026-11-20T04:59", "cleaning"),  # Friday: it is still Thursday's night
        ("2026-11-20T05:00", ""),
        ("2026-11-20T23:00", ""),
        ("2026-11-21T00:00", "cleaning"),  # all of Saturday
        ("2026-11-21T23:59", "cleaning"),
        ("2026-11-22T00:00", ""),
        ("2026-11-23T21:00", "cleaning"),
    ],
)
def test_cleaners_come_in_at_night(policy: Policy, when: str, profile: str) -> None:
    assert evaluate(policy, facts(when, access=AccessKind.MAB, mac="00-1B-A9-12-34-57")).profile == profile
