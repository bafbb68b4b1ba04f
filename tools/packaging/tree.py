"""Everything that a Debian package of nacd puts on a machine, as a folder.

Knows: which file goes where, and with which mode. Refuses to know: how the folder becomes a package (``deb``).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from tools.compiled.build import extensions
from tools.man.pages import Stamp, pages
from tools.packaging.locked import HOME, Target

PLACE: Final = "usr/lib/nacd"
_SCRIPT: Final = """\
#!/usr/lib/nacd/bin/python3 -I
from nacd.cli.main import main

main()
"""
_SHOW: Final = (
    "import sys; sys.argv = ['nacd', '--show-completion', sys.argv[1]]; from nacd.cli.main import main; main()"
)
"""As if it were called by its name: the name is in the script."""
_COMPLETIONS: Final = {
    "bash": "usr/share/bash-completion/completions/nacd",
    "zsh": "usr/share/zsh/vendor-completions/_nacd",
    "fish": "usr/share/fish/vendor_completions.d/nacd.fish",
}
_GLIBC: Final = re.compile(rb"\0GLIBC_2\.(\d+)(?:\.\d+)?(?=\0)")
"""As it stands in the table of strings of a shared library."""
_OLDEST_GLIBC: Final = 28
"""Of Debian 10: nothing older has been tried."""
_LEFT_OUT: Final = ("example", "examples", "tests")
"""Folders that some wheels bring beside their modules."""
_EXAMPLES: Final = ("nacd.yaml", "policy.yaml", "policy-cases.yaml", "actions.yaml", "printers.csv")

_NAMED: Final = ("cookbook", "grafana", "prometheus")


def site(target: Target) -> str:
    """Where the modules lie, without a leading slash."""
    return f"{PLACE}/lib/python{target.python}/site-packages"


def lay(root: Path, target: Target, wheels: Iterable[Path], stamp: Stamp) -> None:
    """All of it but what Debian's own tools want to know."""
    _interpreter(root, target)
    for wheel in wheels:
        _unpack(wheel, root / site(target))
    write(root / PLACE / "bin" / "nacd", _SCRIPT, 0o755)
    (root / "usr/bin").mkdir(parents=True)
    (root / "usr/bin/nacd").symlink_to("../lib/nacd/bin/nacd")
    for name in ("nacd.service", "nacd-actions.service"):
        text = (HOME / "systemd" / name).read_text(encoding="utf-8")
        write(root / "lib/systemd/system" / name, text)
    for shell, path in _COMPLETIONS.items():
        write(root / path, completion(shell))
    for name, text in pages(stamp).items():
        write(root / "usr/share/man" / f"man{name[-1]}" / name, text)
    write(root / "etc/default/nacd", (HOME / "packaging/debian/default").read_text(encoding="utf-8"))
    documents(root / "usr/share/doc/nacd")


def lay_compiled(root: Path, target: Target, copy: Path) -> None:
    """Beside nacd's modules, what the compiler made of some of them: Python takes that first."""
    for path in extensions(copy):
        placed = root / site(target) / path
        shutil.copyfile(copy / path, placed)
        placed.chmod(0o644)


def oldest_glibc(root: Path, target: Target) -> int:
    """The minor version of the oldest glibc 2 that it all runs with: the newest that any library names."""
    named = (found for path in (root / site(target)).rglob("*.so*") for found in _GLIBC.findall(path.read_bytes()))
    return max([_OLDEST_GLIBC, *map(int, named)])


def _interpreter(root: Path, target: Target) -> None:
    """What ``venv`` would make (docs.python.org/3/library/venv.html): a file that names the home, and a link to it."""
    bin_folder = root / PLACE / "bin"
    bin_folder.mkdir(parents=True)
    (bin_folder / "python3").symlink_to(f"/usr/bin/python{target.python}")
    write(root / PLACE / "pyvenv.cfg", "home = /usr/bin\ninclude-system-site-packages = false\n")


def _unpack(wheel: Path, where: Path) -> None:
    """A wheel's modules and its metadata (PEP 427). Its scripts are left out: nobody but nacd is called here."""
    with zipfile.ZipFile(wheel) as packed:
        for each in packed.infolist():
            parts = Path(each.filename).parts
            if each.is_dir() or "__pycache__" in parts or parts[0].endswith(".data") or parts[0] in _LEFT_OUT:
                if parts[0].endswith(".data") and parts[1] in ("purelib", "platlib"):
                    raise RuntimeError(f"`{wheel.name}` has modules in `{parts[0]}`, which nothing here unpacks")
                continue
            target = where / each.filename
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(packed.read(each))
            target.chmod(0o644)


def completion(shell: str) -> str:
    """The script that a shell completes nacd with, as typer makes it."""
    done = subprocess.run(
        [sys.executable, "-c", _SHOW, shell],
        capture_output=True,
        text=True,
        check=True,
        cwd=HOME,
        env={**os.environ, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"},
    )
    return done.stdout


def documents(folder: Path) -> None:
    """The pages, examples, and what the pages name in ``config/``, beside them, so that their links lead there."""
    for name, as_name in (("README.md", "README.md"), ("CHANGELOG.md", "changelog")):
        write(folder / as_name, (HOME / name).read_text(encoding="utf-8"))
    pages = (HOME / "docs").rglob("*.md")
    named = (path for kind in _NAMED for path in (HOME / "config" / kind).rglob("*") if path.is_file())
    for path in (*pages, *named):
        write(folder / path.relative_to(HOME), path.read_text(encoding="utf-8"))
    for name in _EXAMPLES:
        write(folder / "examples" / name, (HOME / "config" / name).read_text(encoding="utf-8"))


def write(path: Path, text: str, mode: int = 0o644) -> None:
    """A file with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
