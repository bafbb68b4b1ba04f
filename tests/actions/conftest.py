"""The stage, fresh for each test; the simulated Microsoft behind it is started once."""

from __future__ import annotations

from tests.actions.fixtures import simulated_microsoft, stage

__all__ = ["simulated_microsoft", "stage"]
