"""What the tests of forwarding share: a trail, certificates, a collector, a courier that goes by real settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nacd.config.fields import Surroundings
from nacd.config.sections.audit.forwarding import Destination
from nacd.keeper.forward import pace
from nacd.keeper.forward.building import door
from nacd.keeper.forward.courier import Courier
from tests.keeper.forward.lab import Pki, Rsyslog, Sink, Trail, free_port, make_pki


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return make_pki(tmp_path_factory.mktemp("forward-pki"))


@pytest.fixture
def trail(tmp_path: Path) -> Trail:
    return Trail(tmp_path / "log")


@pytest.fixture
def sink(pki: Pki) -> Iterator[Sink]:
    made = Sink(pki.server)
    yield made
    made.close()


@pytest.fixture
def to(tmp_path: Path, pki: Pki) -> Callable[..., Destination]:
    """A destination out of settings as an admin writes them."""

    def make(url: str, **keys: Any) -> Destination:
        encrypted = url.startswith(("https", "syslog+tls"))
        plain: dict[str, Any] = {
            "name": "siem",
            "url": url,
            "timeout": "2s",
            **({"ca_file": str(pki.ca)} if encrypted else {}),
        }
        around = Surroundings(folder=tmp_path, environment={"TOKEN": "s3cret-token"})
        return Destination.model_validate({**plain, **keys}, context=around)

    return make


class Said(list[tuple[str, dict[str, Any]]]):
    """What a courier asked to be recorded."""

    def __call__(self, name: str, fields: Any) -> None:
        self.append((name, dict(fields)))

    def of(self, name: str) -> list[dict[str, Any]]:
        return [fields for said, fields in self if said == name]


@pytest.fixture
def said() -> Said:
    return Said()


@pytest.fixture
def courier(trail: Trail, tmp_path: Path, said: Said, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Courier]:
    """A courier for this destination, with waits that a test can bear."""
    monkeypatch.setattr(pace, "FIRST_S", 0.05)
    monkeypatch.setattr(pace, "LONGEST_S", 0.2)

    def make(destination: Destination, **more: Any) -> Courier:
        folder = tmp_path / "state" / "audit" / "forward"
        return Courier(
            destination, live=trail.live, folder=folder, door=door(destination), say=said, version="1.2.3", **more
        )

    return make


@pytest.fixture
def rsyslog(peer: Callable[[str], Any], tmp_path: Path) -> Iterator[Callable[..., Rsyslog]]:
    started: list[Rsyslog] = []

    def make(pki: Pki | None = None, mode: str = "anon") -> Rsyslog:
        folder = tmp_path / f"rsyslog-{len(started)}"
        folder.mkdir()
        made = Rsyslog(peer=peer("rsyslogd"), folder=folder, port=free_port(), pki=pki, mode=mode)
        started.append(made)
        made.start()
        return made

    yield make
    for each in started:
        if each.running.poll() is None:
            each.terminate()
