"""Which of the locked packages run with nacd, and their wheels.

Knows: requirements.lock, and what each installed package says that it needs. Refuses to know: how they are packed.
"""

from __future__ import annotations

import platform
import re
import subprocess
import sys
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import requires
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

HOME = Path(__file__).resolve().parents[2]
LOCK = HOME / "requirements.lock"
_OLDEST_GLIBC: Final = 17
_NEWEST_GLIBC: Final = 36
"""Debian 12 has 2.36: a wheel that wants more does not run there."""
MACHINES: Final = {"amd64": "x86_64", "arm64": "aarch64"}
"""Debian's architectures that all libraries have wheels for, and what the wheels call them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where it is to run. python: as in ``3.11``. architecture: Debian's word."""

    python: str
    architecture: str

    def environment(self) -> dict[str, str]:
        """What markers of dependencies ask for (PEP 508)."""
        return {
            "python_version": self.python,
            "python_full_version": f"{self.python}.0",
            "implementation_name": "cpython",
            "platform_python_implementation": "CPython",
            "platform_machine": MACHINES[self.architecture],
            "platform_system": "Linux",
            "sys_platform": "linux",
            "os_name": "posix",
        }


def own() -> Target:
    """Where this program itself runs. Raises RuntimeError where not all libraries have wheels."""
    machine = platform.machine()
    found = [name for name, called in MACHINES.items() if called == machine]
    if not found:
        raise RuntimeError(f"not all libraries have wheels for `{machine}`: name one of {', '.join(MACHINES)}")
    return Target(python=f"{sys.version_info[0]}.{sys.version_info[1]}", architecture=found[0])


def needed(target: Target) -> tuple[str, ...]:
    """Everything that ``nacd`` needs to run, by canonical name, itself not."""
    found: set[str] = set()
    environment = target.environment()

    def walk(name: str, extras: frozenset[str]) -> None:
        for text in requires(name) or ():
            requirement = Requirement(text)
            marker = requirement.marker
            wanted = marker is None or any(
                marker.evaluate({**environment, "extra": extra}) for extra in ("", *sorted(extras))
            )
            key = canonicalize_name(requirement.name)
            if wanted and key not in found:
                found.add(key)
                walk(key, frozenset(requirement.extras))

    walk("nacd", frozenset())
    return tuple(sorted(found))


def entries() -> dict[str, str]:
    """Each package's part of the lock, with version and hashes, by canonical name."""
    text = LOCK.read_text(encoding="utf-8")
    found: dict[str, str] = {}
    for entry in re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE):
        match = re.match(r"([A-Za-z0-9_.-]+)==(\S+)", entry)
        if match:
            found[canonicalize_name(match[1])] = entry
    return found


def wheels(target: Target, folder: Path) -> tuple[Path, ...]:
    """Fetch the wheels of all that is needed, hashes checked, none built. Raises RuntimeError in words."""
    folder.mkdir(parents=True, exist_ok=True)
    locked = entries()
    names = needed(target)
    text = "".join(locked[name] for name in names)
    there = sorted(folder.glob("*.whl"))
    if len(there) == len(names) and all(f":{sha256(each.read_bytes()).hexdigest()}" in text for each in there):
        return tuple(there)
    wanted = folder / "requirements.txt"
    wanted.write_text(text, encoding="utf-8")
    for old in folder.glob("*.whl"):
        old.unlink()
    machine = MACHINES[target.architecture]
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in range(_NEWEST_GLIBC, _OLDEST_GLIBC - 1, -1)]
    platforms += [f"manylinux2014_{machine}", f"linux_{machine}"]
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "download", "--quiet"),
            *("--require-hashes", "--no-deps", "--only-binary", ":all:", "--dest", str(folder)),
            *("--implementation", "cp", "--python-version", target.python),
            *(word for platform in platforms for word in ("--platform", platform)),
            *("--requirement", str(wanted)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"pip could not fetch what requirements.lock names: {done.stderr.strip()}")
    return tuple(sorted(folder.glob("*.whl")))


if __name__ == "__main__":  # for pip: what runs, with hashes
    print("".join(entries()[each] for each in needed(own())), end="")
