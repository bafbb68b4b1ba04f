"""One laboratory for all tests of the command line that need a running daemon; each takes endpoints of its own."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.control.lab import Lab
from tests.conftest import unavailable
from tests.peers.conftest import Certificates, Launcher, certificates, microsoft

__all__ = ["certificates", "microsoft"]


@pytest.fixture(scope="session")
def open_folder() -> Iterator[Path]:
    """Anybody may enter it: pytest's own folders are for their owner alone."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def launch(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates, microsoft: Any) -> Iterator[Launcher]:
    launcher = Launcher(tmp_path_factory.mktemp("people"), certificates, microsoft, False)
    yield launcher
    launcher.close()


@pytest.fixture(scope="session")
def lab(open_folder: Path, launch: Launcher, microsoft: Any) -> Iterator[Lab]:
    built = Lab(open_folder, launch, microsoft)
    yield built
    built.close()


@pytest.fixture
def as_root() -> None:
    if os.getuid() != 0:
        unavailable("only root can run a program as another user")
