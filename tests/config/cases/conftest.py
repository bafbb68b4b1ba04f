"""The site of the configuration tests, with cases beside its policy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from nacd.config.cases.file import CasesFile, read
from tests.config.conftest import Site

POLICY = """\
time_zone: Europe/Berlin
profiles:
  corp: {vlan: 120, session_timeout: 8h}
rules:
  - {name: good, when: {access: dot1x, identity: certificate, compliance: compliant}, then: corp}
  - {name: printers, when: {access: mab, mac: "00-80-77-*"}, then: corp}
"""


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site(tmp_path)
    site.write("policy.yaml", POLICY)
    return site


@pytest.fixture
def cases(site: Site) -> Callable[[str], CasesFile]:
    """Reads this text as the site's cases."""
    return lambda text: read(Path("policy-cases.yaml"), text.encode(), site.load())


@pytest.fixture
def refused(cases: Callable[[str], CasesFile]) -> Callable[[str], list[str]]:
    """What is said of this text: line, column and message."""
    return lambda text: [f"{p.line}:{p.column}: {p.message}" for p in cases(text).problems]
