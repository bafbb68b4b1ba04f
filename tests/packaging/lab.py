"""A Debian 12 of a test's own: a layer over the shared root, entered by chroot, or booted with systemd in it."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tools.packaging.root import ROOT

QUIET = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
Done = subprocess.CompletedProcess[str]


def soon(there: Callable[[], bool], patience_s: float) -> bool:
    """Whether it comes true in time."""
    until = time.monotonic() + patience_s
    while not there():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


@dataclass(slots=True, kw_only=True)
class Machine:
    """merged: its root folder. space: words that lead into its network."""

    merged: Path
    space: tuple[str, ...] = ()
    _started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @classmethod
    def over(cls, folder: Path, space: tuple[str, ...] = ()) -> Machine:
        """A fresh layer."""
        upper, work, merged = folder / "upper", folder / "work", folder / "root"
        for each in (upper, work, merged):
            each.mkdir()
        options = f"lowerdir={ROOT},upperdir={upper},workdir={work}"
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, str(merged)], check=True)
        machine = cls(merged=merged, space=space)
        for device in ("null", "urandom", "random", "zero"):
            path = merged / "dev" / device
            if not path.exists():
                os.mknod(path, 0o666 | 0o020000, os.stat(f"/dev/{device}").st_rdev)
        return machine

    @property
    def inside(self) -> tuple[str, ...]:
        return (*self.space, "chroot", str(self.merged))

    def run(self, *words: str, check: bool = True, patience_s: float = 60) -> Done:
        """A command in it, to its end."""
        done = subprocess.run(
            [*self.inside, *words],
            env=QUIET,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=patience_s,
        )
        assert not check or done.returncode == 0, f"{' '.join(words)}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def start(self, *words: str, log: str, **environment: str) -> subprocess.Popen[bytes]:
        """A command in it that goes on. log: its output's name in /tmp."""
        with (self.merged / "tmp" / log).open("wb") as out:
            started = subprocess.Popen(
                [*self.inside, *words], env={**QUIET, **environment}, stdin=subprocess.DEVNULL, stdout=out, stderr=out
            )
        self._started.append(started)
        return started

    def text(self, path: str) -> str:
        return (self.merged / path.lstrip("/")).read_text(encoding="utf-8")

    def close(self) -> None:
        for each in self._started:
            if each.poll() is None:
                each.terminate()
                try:
                    each.wait(10)
                except subprocess.TimeoutExpired:
                    each.kill()
                    each.wait(10)
        subprocess.run(["umount", "-l", str(self.merged)], check=True)


class Booted:
    """A machine that runs systemd as its first process, in name spaces of its own (systemd-nspawn, out of the root)."""

    def __init__(self, machine: Machine) -> None:
        libraries = ROOT / "usr/lib/x86_64-linux-gnu"
        # By the root's own loader: what this machine has of systemd, and of a C library, does not matter.
        loader = [
            str(ROOT / "usr/lib64/ld-linux-x86-64.so.2"),
            "--library-path",
            f"{libraries}:{libraries / 'systemd'}",
        ]
        self._machine = machine
        self._log = machine.merged.parent / "boot.log"
        with self._log.open("wb") as out:
            self._nspawn = subprocess.Popen(
                [
                    *(*loader, str(ROOT / "usr/bin/systemd-nspawn"), "-D", str(machine.merged), "--register=no"),
                    *("--keep-unit", "--private-network", "--boot", "--", "systemd.unit=multi-user.target"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )
        self._first = 0

    @property
    def boots(self) -> bool:
        """Whether its systemd is up, in time."""
        children = Path(f"/proc/{self._nspawn.pid}/task/{self._nspawn.pid}/children")

        def up() -> bool:
            found = children.read_text().split() if children.exists() else []
            if not found:
                return False
            self._first = int(found[0])
            return self.run("systemctl", "is-system-running", check=False).stdout.strip() in ("running", "degraded")

        return soon(lambda: self._nspawn.poll() is not None or up(), 40) and self._nspawn.poll() is None

    @property
    def said(self) -> str:
        return self._log.read_text(errors="replace")[-2000:]

    def run(self, *words: str, check: bool = True, patience_s: float = 60) -> Done:
        """A command in it, to its end."""
        done = subprocess.run(
            ["nsenter", "-t", str(self._first), *["-m", "-u", "-i", "-n", "-p", "-r", "-w", "--"], *words],
            env=QUIET,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=patience_s,
        )
        assert not check or done.returncode == 0, f"{' '.join(words)}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def start(self, *words: str) -> None:
        """A command that goes on in it, as a unit of its own."""
        self.run("systemd-run", "--quiet", "--collect", *words)

    def show(self, unit: str, name: str) -> str:
        return self.run("systemctl", "show", unit, "--property", name, "--value").stdout.strip()

    def journal(self, unit: str) -> str:
        return self.run("journalctl", "--no-pager", "--output=cat", "--unit", unit).stdout

    def close(self) -> None:
        self._nspawn.terminate()
        try:
            self._nspawn.wait(20)
        except subprocess.TimeoutExpired:
            self._nspawn.kill()
            self._nspawn.wait(10)
