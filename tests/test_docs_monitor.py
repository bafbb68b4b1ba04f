"""What the page of monitor mode claims: its example, the fields of its record, the words that are shown."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from nacd.audit.catalogue import EVENTS, FIELDS
from nacd.findings import FINDINGS, Code
from nacd.policy.monitor.scopes import Scope
from nacd.server.assembly import assemble
from nacd.server.metrics.monitor import TABLE
from nacd.server.monitor.checks import MOST_DAYS
from nacd.values import Instant
from tests.config.conftest import Site
from tests.test_docs import DOCS

PAGE = (DOCS / "monitor.md").read_text(encoding="utf-8")
EXAMPLE = PAGE.split("```yaml\n")[1].split("```")[0]
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = Site(tmp_path).change("groups: [wired]", "groups: [lobby, wifi]")
    made.write("policy.yaml", EXAMPLE)
    return made


def test_the_example_is_what_it_says(site: Site) -> None:
    loaded = site.load()
    wide, wifi, rule = loaded.policy.monitors.all
    assert wide.until == datetime(2027, 1, 1, tzinfo=BERLIN).timestamp()
    assert (wide.scope, wide.profile, wide.keep) == (Scope.EVERYWHERE, "open", {"phones"})
    assert (wifi.scope, wifi.name, wifi.profile) == (Scope.GROUP, "wifi", "open-wifi")
    assert (rule.scope, rule.name) == (Scope.RULE, "fix your device")
    assert loaded.policy.monitors.enforced == {"lobby"}
    at = Instant(wall=datetime(2026, 12, 1, tzinfo=BERLIN).timestamp(), monotonic=1.0)
    assert [each.code for each in assemble(loaded, at).notes].count("monitor-on") == 3


def test_the_fields_and_numbers_it_names_are_there() -> None:
    for field in re.findall(r"`((?:monitor|decision|reply|endpoint|nas)\.[a-z_.]+)`", PAGE):
        assert any(known.startswith(field) for known in FIELDS), field
    for code in re.findall(r"A\d{4}[IWE]", PAGE):
        assert code in EVENTS
    for metric in re.findall(r"nacd_monitor[a-z_]+", PAGE):
        assert metric in {each.name for each in TABLE}
    assert f"At most {MOST_DAYS} days" in PAGE or f"at most {MOST_DAYS} days ahead" in PAGE
    assert "`monitor-on`, which no comment can accept" in PAGE
    assert not FINDINGS[Code.MONITOR_ON].acceptable
