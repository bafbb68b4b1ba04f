"""NASes of every vendor."""

from __future__ import annotations

import pytest

from nacd.server.assembly import Assembled
from nacd.server.sessions.targets import Targets
from tests.server.sessions.nases import configured


@pytest.fixture(scope="session")
def every_vendor(tmp_path_factory: pytest.TempPathFactory) -> Assembled:
    """A configuration with a NAS of each."""
    return configured(tmp_path_factory.mktemp("every-vendor"))


@pytest.fixture(scope="session")
def targets(every_vendor: Assembled) -> Targets:
    return Targets(every_vendor)
