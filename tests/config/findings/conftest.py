from __future__ import annotations

from collections.abc import Callable

import pytest

from nacd.config.findings.survey import survey as find
from nacd.errors import Problem
from tests.config.conftest import Site


@pytest.fixture
def survey(site: Site) -> Callable[[], tuple[Problem, ...]]:
    """What the whole configuration tells, as it lies there now."""
    return lambda: find(site.load())
