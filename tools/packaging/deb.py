"""A folder as a Debian package.

Knows: what dpkg-deb wants beside the files: control, conffiles, sums, scripts, the changelog and the terms. Refuses to
know: what the package is for.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from importlib.metadata import PathDistribution, distribution
from pathlib import Path

from tools.man.pages import Stamp
from tools.packaging import licences, locked, tree, wheel
from tools.packaging.locked import HOME, Target

SCRIPTS = ("postinst", "prerm", "postrm")


def build(
    folder: Path, target: Target, *, version: str, at: int, copy: Path | None = None, quick: bool = False
) -> Path:
    """Build ``nacd_VERSION_ARCH.deb`` into folder. at: the time of all files, seconds since the epoch. copy: nacd
    compiled for that target; None: it stays as its source is. quick: packed fast instead of small."""
    folder.mkdir(parents=True, exist_ok=True)
    bundled = locked.wheels(target, HOME / "build" / f"wheels-{target.python}-{target.architecture}")
    named = f"{version}-1"
    with tempfile.TemporaryDirectory(prefix="nacd-deb-") as place:
        root = Path(place) / "root"
        root.mkdir(mode=0o755)
        own = wheel.build(Path(place) / "wheel", version=version, at=at)
        day = datetime.fromtimestamp(at, UTC)
        tree.lay(root, target, [*bundled, own], Stamp(date=day.date().isoformat(), version=version))
        if copy is not None:
            tree.lay_compiled(root, target, copy)
        _terms(root, target, is_compiled=copy is not None)
        _changelog(root, named, day)
        for page in (*(root / "usr/share/man").rglob("*.[15]"), root / "usr/share/doc/nacd/changelog"):
            _pack(page)
        _control(root, target, named)
        _same_time(root, at)
        made = folder / f"nacd_{named}_{target.architecture}.deb"
        pack = ("-Zgzip", "-z1") if quick else ("-Zxz", "-z6")
        subprocess.run(
            ["dpkg-deb", "--root-owner-group", *pack, "--build", str(root), str(made)],
            check=True,
            capture_output=True,
            env={**os.environ, "SOURCE_DATE_EPOCH": str(at)},
        )
    return made


def _terms(root: Path, target: Target, *, is_compiled: bool) -> None:
    site = tree.site(target)
    infos = sorted((root / site).glob("*.dist-info"))
    found = [licences.of(PathDistribution(info)) for info in infos if not info.name.startswith("nacd-")]
    compiler = licences.of(distribution("mypy")) if is_compiled else None
    own = (HOME / "LICENSE").read_text(encoding="utf-8")
    tree.write(root / "usr/share/doc/nacd/copyright", licences.copyright_file(own, found, site, compiler))


def _changelog(root: Path, named: str, day: datetime) -> None:
    text = f"nacd ({named}) unstable; urgency=medium\n\n  * See CHANGELOG.md.\n\n"
    text += f" -- the authors of nacd <nacd@localhost>  {format_datetime(day)}\n"
    path = root / "usr/share/doc/nacd/changelog.Debian"
    tree.write(path, text)
    _pack(path)


def _pack(path: Path) -> None:
    """gzip, with no time and no name in it."""
    path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes(), 9, mtime=0))
    path.with_name(f"{path.name}.gz").chmod(0o644)
    path.unlink()


def _control(root: Path, target: Target, named: str) -> None:
    files = sorted(path for path in root.rglob("*") if path.is_file() and not path.is_symlink())
    size = sum((path.stat().st_size + 1023) // 1024 for path in files)
    own = root / "DEBIAN"
    text = (HOME / "packaging/debian/control").read_text(encoding="utf-8")
    words = {"VERSION": named, "ARCHITECTURE": target.architecture, "PYTHON": target.python, "SIZE": str(size)}
    words["GLIBC"] = f"2.{tree.oldest_glibc(root, target)}"
    for name, value in words.items():
        text = text.replace(f"@{name}@", value)
    tree.write(own / "control", text)
    tree.write(own / "conffiles", "".join(f"/{path.relative_to(root)}\n" for path in files if _is_settings(root, path)))
    tree.write(own / "md5sums", "".join(_sums(root, files)))
    for name in SCRIPTS:
        tree.write(own / name, (HOME / "packaging/debian" / name).read_text(encoding="utf-8"), 0o755)


def _is_settings(root: Path, path: Path) -> bool:
    return path.relative_to(root).parts[0] == "etc"


def _sums(root: Path, files: list[Path]) -> Iterator[str]:
    for path in files:
        if not _is_settings(root, path):
            digest = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
            yield f"{digest}  {path.relative_to(root)}\n"


def _same_time(root: Path, at: int) -> None:
    """And one mode for all folders, whatever the umask is."""
    for path in sorted(root.rglob("*"), reverse=True):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)
        os.utime(path, (at, at), follow_symlinks=False)
    os.utime(root, (at, at))
