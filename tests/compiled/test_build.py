"""A compiled nacd does what the source says: its own tests are asked of it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import unavailable
from tests.sources import HOME
from tools.compiled.build import build, missing
from tools.compiled.modules import MODULES

pytestmark = pytest.mark.slow

ROOMS = ("radius", "eap", "identity", "compliance", "policy", "vendor", "audit", "overload", "session")
SPINES = ("authorize", "authorize_sessions", "account", "admit", "reassess", "values", "sessions", "steps", "given")
SHELLS = ("server/test_worker.py", "server/test_worker_sessions.py", "server/test_listener.py", "store/trail")
NOT_ASKED = (
    "session/macs/test_machines.py::test_whoever_makes_up_macs_pushes_out_his_own_and_all_are_bounded",
    "server/test_listener.py::test_an_error_at_the_end_of_a_slice_silences_nobody_after_it",
)
"""Tests that put something else in the place of a constant or a method: in compiled code nothing can be put there."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    lacking = missing()
    if lacking:
        unavailable(lacking)
    made = tmp_path_factory.mktemp("compiled")
    build(made)
    return made


def asked(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    return subprocess.run(
        [sys.executable, "-P", *words], cwd=HOME, env=environment, capture_output=True, text=True, check=False
    )


def rooms_asked(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    quick = ["-m", "not slow and not peer and not netns", "-o", f"pythonpath={folder}", "-p", "no:cacheprovider"]
    return asked(folder, "-m", "pytest", "-q", "--no-header", "--tb=short", *quick, *words)


def test_every_module_named_is_compiled_and_no_other(folder: Path) -> None:
    ending = re.compile(r"\.cpython[^/]*\.so$")
    made = {ending.sub(".py", str(path.relative_to(folder))) for path in folder.glob("nacd/**/*.so")}
    assert made == set(MODULES)
    names = [name.removesuffix(".py").replace("/", ".") for name in MODULES]
    text = f"import importlib; print(*[importlib.import_module(name).__file__ for name in {names!r}], sep='\\n')"
    done = asked(folder, "-c", text)
    assert done.returncode == 0, done.stderr
    assert all(line.startswith(f"{folder}/nacd/") and line.endswith(".so") for line in done.stdout.split())


def test_its_own_tests_pass_on_it(folder: Path) -> None:
    chosen = [f"tests/{room}" for room in ROOMS] + [f"tests/test_{name}.py" for name in SPINES]
    chosen += [f"tests/{name}" for name in SHELLS]
    done = rooms_asked(folder, *(word for name in NOT_ASKED for word in ("--deselect", f"tests/{name}")), *chosen)
    assert done.returncode == 0, done.stdout[-6000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None
    assert int(passed[1]) > 4_000


def test_what_is_not_asked_of_it_fails_on_it_so_what_was_asked_was_compiled(folder: Path) -> None:
    done = rooms_asked(folder, *(f"tests/{name}" for name in NOT_ASKED))
    assert f"{len(NOT_ASKED)} failed" in done.stdout
    assert "passed" not in done.stdout
