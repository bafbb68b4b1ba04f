"""A copy of nacd in which the modules of the hot path are compiled.

Knows: how the compiler is called, and what a copy must hold. Refuses to know: what becomes of it.

The copy holds every source as it is in the project; beside those of ``MODULES`` lies an extension module, which Python
takes first. It runs with the very Python that made it, of the same version and on the same kind of machine.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Final

from tools.compiled.modules import MODULES
from tools.compiled.written import bases, written_out

HOME: Final = Path(__file__).resolve().parents[2]
_SETUP: Final = """\
import sys
from setuptools import setup
from mypyc.build import mypycify
modules, sys.argv[1:] = sys.argv[1:], ["--quiet", "build_ext", "--inplace", "-j2"]
words = ["--strict", "--no-warn-unused-ignores", *modules]
setup(name="nacd", packages=[], ext_modules=mypycify(words, opt_level="2", debug_level="0", multi_file=True))
"""


class NotBuiltError(Exception):
    """It could not be compiled; the text says why, and what is missing."""


def build(folder: Path, modules: tuple[str, ...] = MODULES) -> None:
    """Make the copy in ``folder``, which is emptied first. Takes about two minutes. Raises NotBuiltError,
    NotWrittenError; there is no copy then."""
    lacking = missing()
    if lacking:
        raise NotBuiltError(lacking)
    if folder.exists():
        shutil.rmtree(folder)  # nothing of an older copy may stay: Python would take its extension modules first
    with tempfile.TemporaryDirectory(prefix="nacd-compiled-") as place:
        stage = Path(place)
        shutil.copytree(HOME / "nacd", stage / "nacd", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(HOME / "typings", stage / "typings")
        shutil.copyfile(HOME / "pyproject.toml", stage / "pyproject.toml")
        _write_out(stage, modules)
        _compile(stage, modules)
        shutil.copytree(HOME / "nacd", folder / "nacd", ignore=shutil.ignore_patterns("__pycache__"))
        for path in (*stage.glob("*.so"), *(stage / "nacd").rglob("*.so")):
            shutil.copyfile(path, folder / path.relative_to(stage))


def missing() -> str:
    """What this machine lacks for it, in a sentence; ``""`` when nothing does."""
    compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
    if shutil.which(compiler) is None:
        return f"no C compiler `{compiler}`: apt-get install gcc"
    header = Path(sysconfig.get_paths()["include"]) / "Python.h"
    if not header.is_file():
        return f"no `{header}`: apt-get install python{sys.version_info[0]}.{sys.version_info[1]}-dev"
    return ""


def _write_out(stage: Path, modules: tuple[str, ...]) -> None:
    left = bases(path.read_text(encoding="utf-8") for path in sorted((stage / "nacd").rglob("*.py")))
    for name in modules:
        path = stage / name
        path.write_text(written_out(path.read_text(encoding="utf-8"), left), encoding="utf-8")


def _compile(stage: Path, modules: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _SETUP, *modules],
        cwd=stage,
        env={**os.environ, "PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = [line for line in (done.stdout + done.stderr).splitlines() if "rror" in line]
        raise NotBuiltError("\n".join(said[-20:]) or done.stderr[-2000:])
