"""A simulated Microsoft over real HTTPS, and what an operator would have written to use it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from nacd.intune.client import HttpClient
from nacd.intune.cloud import Audience, cloud
from nacd.intune.doctor.step import Finding, Step
from nacd.intune.flight import Flights
from nacd.intune.options import IntuneOptions, SecretCredential
from nacd.intune.token import TokenSource
from nacd.sim.intune import IntuneSimulator
from nacd.sim.microsoft.login import REFUSALS
from nacd.sim.microsoft.state import CLIENT_ID, CLIENT_SECRET, TENANT
from nacd.values import Secret

PLANTED = "planted-Secret-7f3a-do-not-show"
"""Recognisable; nothing of it may ever be shown."""
CODES = tuple(code for code in REFUSALS if code != 70003)  # 70003: nacd never sends that grant


@pytest.fixture(scope="session")
def running() -> Iterator[IntuneSimulator]:
    with IntuneSimulator() as simulator:
        yield simulator


@pytest.fixture
def sim(running: IntuneSimulator) -> Iterator[IntuneSimulator]:
    """As after a fresh start."""
    yield running
    running.reset()
    running.present("good")


Build = Callable[..., IntuneOptions]


@pytest.fixture
def options(sim: IntuneSimulator) -> Build:
    """``options(endpoint=...)``: how this Microsoft is asked."""

    def build(**changes: Any) -> IntuneOptions:
        roots = {"login": sim.base_url, "graph": sim.base_url, "resource": "https://api.manage.microsoft.com/"}
        chosen: dict[str, Any] = {
            "cloud": cloud("custom", roots | {"host_suffix": ".manage.microsoft.com"}),
            "tenant": TENANT,
            "client_id": CLIENT_ID,
            "credentials": (SecretCredential(secret=Secret(CLIENT_SECRET.encode())),),
            "allowed_hosts": sim.unit_hosts,
            "ca_file": sim.ca_file,
        }
        return IntuneOptions(**(chosen | changes))

    return build


@pytest.fixture
def http(sim: IntuneSimulator) -> HttpClient:
    return HttpClient(ca_file=sim.ca_file)


@pytest.fixture
def tokens(options: Build, http: HttpClient) -> TokenSource:
    """Holds a token for Graph and one for Intune."""
    source = TokenSource(options(), http, Flights())
    for audience in Audience:
        source.fresh(audience, soon())
    return source


def soon(seconds: float = 10.0) -> float:
    """A deadline."""
    return time.monotonic() + seconds


def whole(found: Finding | Step) -> str:
    """Everything that is shown of it."""
    return f"{found.status}: {found.detail} -> {found.fix}"
