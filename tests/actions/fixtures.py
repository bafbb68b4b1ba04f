"""Fixtures that three folders of tests share: import them in a conftest."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from nacd.sim.intune import IntuneSimulator
from tests.actions.stage import ALL_ROLES, ENTRA, LAPTOP, PHONE, Stage


@pytest.fixture(scope="session")
def simulated_microsoft() -> Iterator[IntuneSimulator]:
    with IntuneSimulator() as running:
        yield running


@pytest.fixture
def stage(simulated_microsoft: IntuneSimulator) -> Iterator[Stage]:
    """A tenant with a laptop and a phone, and an app that may do everything."""
    simulated_microsoft.reset()
    # A short path: a Unix socket's address holds 107 octets.
    with tempfile.TemporaryDirectory(prefix="nacd-act-") as folder:
        made = Stage(folder=Path(folder), microsoft=simulated_microsoft)
        made.grant(*ALL_ROLES)
        simulated_microsoft.put_device(LAPTOP, name="LAPTOP-7", entra_id=ENTRA, macs=["D4-6E-0E-02-28-96"])
        simulated_microsoft.put_device(PHONE, name="Alice's phone", operating_system="iOS", owner="personal")
        made.write()
        yield made
