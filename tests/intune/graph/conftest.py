"""The simulated Microsoft over real HTTPS, empty for every test, and options that lead to it."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from nacd.intune.client import HttpClient
from nacd.intune.cloud import Audience, cloud
from nacd.intune.flight import Flights
from nacd.intune.graph.asking import Graph
from nacd.intune.options import IntuneOptions, SecretCredential
from nacd.intune.token import Bearer, TokenSource
from nacd.sim.intune import IntuneSimulator
from nacd.sim.microsoft.scene import CLIENT_SECRET
from nacd.values import Secret

GUID = "2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"
OTHER = "3a6d3c1e-8a41-4b7f-9e05-61d0c7b3a955"
ENTRA = "77777777-8a41-4b7f-9e05-61d0c7b3a9aa"


@dataclass
class Stage:
    """folder: certificates for every simulator. stop: ends one beside the next test, because it takes a moment."""

    folder: Path
    stop: Callable[[IntuneSimulator], None]


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    stopping = list[threading.Thread]()

    def stop(simulator: IntuneSimulator) -> None:
        stopping.append(threading.Thread(target=simulator.stop))
        stopping[-1].start()

    yield Stage(tmp_path_factory.mktemp("microsoft"), stop)
    for thread in stopping:
        thread.join(30)


@pytest.fixture
def simulator(stage: Stage) -> Iterator[IntuneSimulator]:
    """An empty tenant at a port of its own: what another test left running in the background does not find it."""
    simulator = IntuneSimulator(stage.folder)
    simulator.start()
    yield simulator
    stage.stop(simulator)


def options_for(simulator: IntuneSimulator, **changes: Any) -> IntuneOptions:
    base = simulator.base_url
    chosen: dict[str, Any] = {
        "cloud": cloud("custom", {"login": base, "graph": base, "resource": "https://api.manage.microsoft.com/"}),
        "tenant": simulator.tenant,
        "client_id": simulator.client_id,
        "credentials": (SecretCredential(secret=Secret(CLIENT_SECRET.encode())),),
        "allowed_hosts": simulator.unit_hosts,
        "ca_file": simulator.ca_file,
    }
    return IntuneOptions(**(chosen | changes))


def graph_at(options: IntuneOptions) -> Graph:
    """A fresh asker, as ``GraphSource`` makes one."""
    flights, http = Flights(), HttpClient(ca_file=options.ca_file)
    tokens = TokenSource(options, http, flights)
    return Graph(Bearer(http, tokens, Audience.GRAPH, options.graph_hosts), tokens)


def eventually(condition: Callable[[], bool], within_s: float = 10.0) -> bool:
    """Whether something in the background comes true."""
    until = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.005)
    return True


@pytest.fixture(scope="session")
def scene() -> Any:
    """The names of this file, for the tests beside it."""
    return sys.modules[__name__]
