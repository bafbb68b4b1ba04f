"""A copy of nacd in which the modules of the hot path are compiled.

Knows: how the compiler is called, what a copy must hold, and of what it was made. Refuses to know: what becomes of it.

The copy holds every source as it is in the project; beside those of ``MODULES`` lies an extension module, which Python
takes first. It runs with the very Python that made it, of the same version and on the same kind of machine.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Final

from tools.compiled.modules import MODULES
from tools.compiled.written import bases, written_out

HOME: Final = Path(__file__).resolve().parents[2]
COPY: Final = HOME / "build" / "compiled"
"""Where the project keeps the one that tests, packages and benchmarks share."""
_MADE_OF: Final = "made-of"
_CFLAGS: Final = "-DNDEBUG -fwrapv -O2 -fstack-protector-strong -D_FORTIFY_SOURCE=2"
_LDFLAGS: Final = "-shared -Wl,-z,relro -Wl,-z,now"
"""Ours, not those this Python was made with: a Python made by hand hands on where its own libraries lie (a run path of
somebody's home, from which the daemon would load a library that was laid there), and leaves out what protects the
stack. -fwrapv: Python's headers count on it."""
_SETUP: Final = """\
import sys
from pathlib import Path
from setuptools import setup
from mypyc.build import mypycify
wrong, right, *modules = sys.argv[1:]
sys.argv[1:] = ["--quiet", "build_ext", "--inplace", "-j2"]
words = ["--strict", "--no-warn-unused-ignores", *modules]
made = mypycify(words, opt_level="2", debug_level="0", multi_file=True, group_name="nacd")
runtime = Path("build", "bytes_ops.c")
text = runtime.read_text(encoding="utf-8")
if text.count(wrong) != 1:
    sys.exit(f"error: the compiler's {runtime} is not the one that is mended here: look whether it still needs that")
runtime.write_text(text.replace(wrong, right), encoding="utf-8")
setup(name="nacd", packages=[], ext_modules=made)
"""
_WRONG: Final = "Py_ssize_t slice_len = endn - startn;"
_RIGHT: Final = "Py_ssize_t slice_len = endn > startn ? endn - startn : 0;"
"""mypyc 2.4.1: a slice of octets that ends before it begins is an error of the interpreter's, not empty. Whoever sends
a length of 0 could raise it. Mended in the copy of mypyc's runtime that is compiled with the modules."""


class NotBuiltError(Exception):
    """It could not be compiled; the text says why, and what is missing."""


def ready() -> Path:
    """``COPY``, made anew unless it was made of just this source by just these tools. Raises NotBuiltError,
    NotWrittenError."""
    lacking = missing()
    if lacking:
        raise NotBuiltError(lacking)
    note, wanted = COPY / _MADE_OF, made_of()
    if not note.is_file() or note.read_text(encoding="ascii") != wanted:
        build(COPY)
        note.write_text(wanted, encoding="ascii")
    return COPY


def extensions(folder: Path) -> tuple[Path, ...]:
    """What the compiler made, in a copy: paths from its folder."""
    return tuple(sorted(path.relative_to(folder) for path in (*folder.glob("*.so"), *folder.glob("nacd/**/*.so"))))


def made_of() -> str:
    """A digest of all that a copy depends on: sources, and the versions of what turns them into machine code."""
    found = hashlib.sha256()
    kept = (path for name in ("nacd", "typings", "tools/compiled") for path in (HOME / name).rglob("*"))
    for path in (*sorted(path for path in kept if path.suffix != ".pyc" and path.is_file()), HOME / "pyproject.toml"):
        octets = path.read_bytes()
        found.update(f"{path.relative_to(HOME)} {len(octets)}\n".encode() + octets)
    said = subprocess.run([_compiler(), "--version"], capture_output=True, text=True, check=True).stdout
    tools = [sys.version, sysconfig.get_platform(), version("mypy"), version("setuptools"), said]
    found.update("\n".join(tools).encode())
    return found.hexdigest()


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
        for path in extensions(stage):
            shutil.copyfile(stage / path, folder / path)


def missing() -> str:
    """What this machine lacks for it, in a sentence; ``""`` when nothing does."""
    if shutil.which(_compiler()) is None:
        return f"no C compiler `{_compiler()}`: apt-get install gcc"
    header = Path(sysconfig.get_paths()["include"]) / "Python.h"
    if not header.is_file():
        return f"no `{header}`: apt-get install python{sys.version_info[0]}.{sys.version_info[1]}-dev"
    return ""


def _compiler() -> str:
    return str(sysconfig.get_config_var("CC") or "cc").split()[0]


def _write_out(stage: Path, modules: tuple[str, ...]) -> None:
    left = bases(path.read_text(encoding="utf-8") for path in sorted((stage / "nacd").rglob("*.py")))
    for name in modules:
        path = stage / name
        path.write_text(written_out(path.read_text(encoding="utf-8"), left), encoding="utf-8")


def _environment() -> dict[str, str]:
    """What setuptools is told of the compiler: all of it, so that neither this Python nor this shell has a say."""
    compiler = _compiler()
    told = {"CC": compiler, "CFLAGS": _CFLAGS, "LDSHARED": f"{compiler} {_LDFLAGS}", "LDFLAGS": "", "CPPFLAGS": ""}
    return {**os.environ, **told, "PYTHONHASHSEED": "0"}


def _compile(stage: Path, modules: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _SETUP, _WRONG, _RIGHT, *modules],
        cwd=stage,
        env=_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = [line for line in (done.stdout + done.stderr).splitlines() if "rror" in line]
        raise NotBuiltError("\n".join(said[-20:]) or done.stderr[-2000:])
