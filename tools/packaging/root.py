"""``python -m tools.packaging.root``: a small Debian 12 in a folder, for the tests of the package.

Knows: debootstrap, unpacked privately, and which mirror apt uses here. Refuses to install anything on this machine.
Needs root. The folder is made once and never changed: a test lays its own layer over it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from tools.packaging.locked import HOME

FOLDER: Final = HOME / ".peers" / "debian"
ROOT: Final = FOLDER / "root"
SUITE: Final = "bookworm"
PACKAGES: Final = (
    "python3",
    "adduser",
    "ca-certificates",
    "systemd",
    "systemd-sysv",
    "systemd-container",
    "dbus",
    "man-db",
)
_MADE: Final = FOLDER / "made"


class Impossible(Exception):
    """There can be none here; the message says why."""


def made() -> Path:
    """The folder; makes it if it is the first time. Raises Impossible."""
    wanted = " ".join((SUITE, *PACKAGES))
    if _MADE.is_file() and _MADE.read_text(encoding="utf-8") == wanted:
        return ROOT
    if os.geteuid() != 0:
        raise Impossible("debootstrap needs root")
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    program = _debootstrap()
    draft = FOLDER / "draft"
    _run(
        *(str(program), "--variant=minbase", f"--include={','.join(PACKAGES)}", f"--cache-dir={_cache()}"),
        *(SUITE, str(draft), _mirror()),
        DEBOOTSTRAP_DIR=str(program.parents[1] / "share" / "debootstrap"),
    )
    (draft / "etc/hosts").write_text("127.0.0.1 localhost\n", encoding="utf-8")
    draft.rename(ROOT)
    shutil.rmtree(FOLDER / "cache")
    _MADE.write_text(wanted, encoding="utf-8")
    return ROOT


def _cache() -> Path:
    folder = FOLDER / "cache"
    folder.mkdir()
    return folder


def _debootstrap() -> Path:
    _run("apt-get", "-qq", "download", "debootstrap", cwd=FOLDER)
    (package,) = FOLDER.glob("debootstrap_*.deb")
    _run("dpkg-deb", "-x", str(package), str(FOLDER / "debootstrap"))
    return FOLDER / "debootstrap/usr/sbin/debootstrap"


def _mirror() -> str:
    """That apt takes this suite from."""
    told = _run("apt-get", "indextargets", "--format", "$(SITE) $(RELEASE) $(COMPONENT)", "Created-By: Packages")
    for line in told.splitlines():
        site, release, component = line.split()
        if (release, component) == (SUITE, "main"):
            return site
    raise Impossible(f"apt has no source for Debian's `{SUITE}` here")


def _run(*words: str, cwd: Path | None = None, **environment: str) -> str:
    try:
        done = subprocess.run(
            words, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise Impossible(f"no `{words[0]}`: {error.strerror}") from error
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["no output"]
        raise Impossible(f"{Path(words[0]).name} failed: {lines[-1]}")
    return done.stdout


if __name__ == "__main__":
    try:
        print(made())
    except Impossible as why:
        print(f"no Debian root: {why}", file=sys.stderr)
        raise SystemExit(1) from None
