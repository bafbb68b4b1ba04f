"""Sites and houses."""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from nacd.server import log
from nacd.server.logs.rationing import Rationing
from tests.server.house import House, Pki, Register, Site


@pytest.fixture(autouse=True)
def said() -> Iterator[io.StringIO]:
    """What the operational log says during a test; nothing is left behind that writes to a closed stream.

    Nor are lines counted that other tests have written: what they said too often would not be said here.
    """
    stream = io.StringIO()
    before = logging.getLogger().handlers[:]
    # Not the test's own `monkeypatch`: what a test has patched with that is undone before its house is closed.
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(log, "_RATIONING", Rationing())
        with contextlib.redirect_stderr(stream):
            log.start(as_json=True)
        yield stream
    structlog.reset_defaults()
    logging.getLogger().handlers[:] = before


@pytest.fixture(scope="session")
def pki() -> Pki:
    return Pki.make()


@pytest.fixture
def site(tmp_path: Path, pki: Pki) -> Site:
    return Site(tmp_path, pki)


@pytest.fixture
def register() -> Register:
    return Register()


@pytest.fixture
def full_disk(site: Site) -> Callable[[], None]:
    """The audit file lies on a full disk; calling it makes room again."""
    site.audit.symlink_to("/dev/full")

    def make_room() -> None:
        site.audit.unlink()
        site.audit.touch()

    return make_room


@pytest.fixture
def build(site: Site, register: Register) -> Iterator[Callable[..., House]]:
    built: list[House] = []

    def make(**how: Any) -> House:
        built.append(House(site, register, **how))
        return built[-1]

    yield make
    for house in built:
        house.close()


@pytest.fixture
def house(build: Callable[..., House]) -> House:
    return build()
