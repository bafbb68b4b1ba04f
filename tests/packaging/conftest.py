"""What the tests of packages share: the packages themselves, built once, and the Debian they are put on."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import Network, unavailable
from tests.packaging.lab import Booted, Machine
from tools.packaging import deb, wheel
from tools.packaging.locked import Target, own
from tools.packaging.root import Impossible, made

OLD, NEW = "0.1.0", "0.1.1"
TARGET = Target(python="3.11", architecture="amd64")
AT = 1_790_000_000


@pytest.fixture(scope="session")
def copy(request: pytest.FixtureRequest) -> Path | None:
    """What is compiled in them: all of the hot path, or nothing where this is another Python than the package's."""
    return Path(request.getfixturevalue("compiled_copy")) if own() == TARGET else None


@pytest.fixture(scope="session")
def debs(tmp_path_factory: pytest.TempPathFactory, copy: Path | None) -> dict[str, Path]:
    """An older and a newer package of the same source, by version."""
    folder = tmp_path_factory.mktemp("debs")
    return {version: deb.build(folder, TARGET, version=version, at=AT, copy=copy, quick=True) for version in (OLD, NEW)}


@pytest.fixture(scope="session")
def debian() -> Path:
    """The shared root. Without root's rights, apt or its mirror there is none: a skip that says so, in CI a failure."""
    try:
        return made()
    except Impossible as why:
        unavailable(f"no Debian root: {why}")


@pytest.fixture
def machine(debian: Path, netns: Network, tmp_path: Path, debs: dict[str, Path]) -> Iterator[Machine]:
    """A Debian of the test's own, with loopback alone for a network, and both packages in /root."""
    found = Machine.over(tmp_path, netns.namespace().words)
    try:
        _bring(found, debs)
        yield found
    finally:
        found.close()


@pytest.fixture
def booted(debian: Path, tmp_path: Path, debs: dict[str, Path]) -> Iterator[Booted]:
    """The same, with its own systemd as the first process."""
    machine = Machine.over(tmp_path)
    system: Booted | None = None
    try:
        _bring(machine, debs)
        system = Booted(machine)
        if not system.boots:
            unavailable(f"systemd does not start in a container here: {system.said[-300:]}")
        yield system
    finally:
        if system is not None:
            system.close()
        machine.close()


def _bring(machine: Machine, debs: dict[str, Path]) -> None:
    for version, package in debs.items():
        (machine.merged / "root" / f"{version}.deb").write_bytes(package.read_bytes())


@pytest.fixture
def built() -> Callable[..., subprocess.CompletedProcess[str]]:
    """``built("wheel", "--folder", ...)``: the builder, as ``make`` calls it."""

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "tools.packaging", *words],
            capture_output=True,
            text=True,
            check=False,
            cwd=wheel.HOME,
            timeout=120,
        )

    return run
