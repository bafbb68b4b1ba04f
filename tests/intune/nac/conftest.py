"""The simulated Microsoft for this folder: one for all tests, as good as new for each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from nacd.intune.nac.source import IntuneSource
from nacd.sim.intune import IntuneSimulator
from nacd.sim.microsoft.scene import App
from tests.intune.nac.tenant import know_strangers, settle, tenant


@pytest.fixture(scope="session")
def lasting_simulator() -> Iterator[IntuneSimulator]:
    know_strangers()
    with IntuneSimulator() as made:
        yield made


@pytest.fixture
def simulator(lasting_simulator: IntuneSimulator) -> IntuneSimulator:
    """An empty tenant with a registered app, everything in order."""
    settle()
    lasting_simulator.reset()
    lasting_simulator.register_app(App())
    return lasting_simulator


@pytest.fixture
def slow_simulator(lasting_simulator: IntuneSimulator) -> Iterator[IntuneSimulator]:
    """One of its own, for tests that leave it waiting."""
    with IntuneSimulator(lasting_simulator.folder) as made:
        yield made


@pytest.fixture
def asked(simulator: IntuneSimulator) -> IntuneSource:
    """Who asks it."""
    return IntuneSource(tenant(simulator))
