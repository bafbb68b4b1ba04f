"""nacd's own wheel, from a copy of the source in which the commit is written down.

Knows: what belongs into the wheel. Refuses to know: its dependencies.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.packaging.locked import HOME

_TOLD = ("pyproject.toml", "README.md", "LICENSE")


def commit() -> str:
    """That is checked out; ``""`` without git, or when the source differs from it."""
    if os.environ.get("NACD_COMMIT"):
        return os.environ["NACD_COMMIT"]
    try:
        changed = _git("status", "--porcelain", "--", "nacd", "pyproject.toml", "requirements.lock")
        return "" if changed else _git("rev-parse", "HEAD")
    except (OSError, subprocess.CalledProcessError):
        return ""


def epoch() -> int:
    """The time that everything in a package bears: SOURCE_DATE_EPOCH, else the last commit's, else 1980."""
    named = os.environ.get("SOURCE_DATE_EPOCH", "")
    try:
        return int(named or _git("log", "-1", "--format=%ct"))
    except (OSError, ValueError, subprocess.CalledProcessError):
        return 315532800


def declared_version() -> str:
    """Of pyproject.toml."""
    match = re.search(r'^version = "([^"]+)"$', (HOME / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert match is not None, "pyproject.toml names no version"
    return match[1]


def build(folder: Path, *, version: str, at: int) -> Path:
    """Build it into folder. version: that it is to have. at: the time its files bear, seconds since the epoch."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="nacd-wheel-") as place:
        stage = Path(place)
        shutil.copytree(HOME / "nacd", stage / "nacd", ignore=shutil.ignore_patterns("__pycache__"))
        for name in _TOLD:
            shutil.copyfile(HOME / name, stage / name)
        project = stage / "pyproject.toml"
        text = project.read_text(encoding="utf-8")
        project.write_text(
            text.replace(f'version = "{declared_version()}"', f'version = "{version}"', 1), encoding="utf-8"
        )
        (stage / "nacd" / "built.json").write_text(json.dumps({"commit": commit()}) + "\n", encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder.resolve())],
            cwd=stage,
            env={**os.environ, "SOURCE_DATE_EPOCH": str(at)},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise RuntimeError(f"the wheel could not be built: {done.stderr.strip() or done.stdout.strip()}")
    return folder / f"nacd-{version}-py3-none-any.whl"


def _git(*words: str) -> str:
    return subprocess.run(["git", "-C", str(HOME), *words], capture_output=True, text=True, check=True).stdout.strip()
