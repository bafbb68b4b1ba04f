"""``nacd version``: what runs here, down to the libraries and the versions of the files it keeps.

Knows: where each of these can be asked. Refuses to know: any configuration; it opens no file of the daemon's.
"""

from __future__ import annotations

import json
import platform
import re
import sqlite3
import ssl
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any, Final

import typer

LIBRARIES: Final = (
    "cryptography",
    "pyopenssl",
    "msal",
    "requests",
    "urllib3",
    "pydantic",
    "pyyaml",
    "orjson",
    "pyrad",
    "structlog",
    "prometheus-client",
    "typer",
    "rich",
)
BUILT: Final = "built.json"
"""Beside the package, in what was built from a checkout: ``{"commit": ...}``."""
CONFIGURATION: Final = 1
"""Counts up when a configuration that was lawful is not any more, or means something else."""
_HEX: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object, for programs.")]


def show(as_json: AsJson = False) -> None:
    """Say which nacd this is: program, Python, OpenSSL, libraries, commit, and the versions of its files."""
    facts = told()
    print(json.dumps(facts, indent=2) if as_json else "\n".join(_lines(facts)))


def told() -> dict[str, Any]:
    """All of it. ``""`` stands for what is not known."""
    package = Path(__file__).resolve().parent.parent
    return {
        "nacd": _version("nacd"),
        "commit": commit(package),
        "compiled": compiled(package),
        "python": platform.python_version(),
        "interpreter": sys.executable,
        "openssl": {"eap": _openssl(), "https": ssl.OPENSSL_VERSION},
        "sqlite": sqlite3.sqlite_version,
        "platform": platform.platform(),
        "libraries": {name: _version(name) for name in LIBRARIES},
        "formats": formats(),
        "from": str(package),
    }


def formats() -> dict[str, int]:
    """The version of every file that outlives a start. An older one is brought up to it, a newer one is left alone."""
    from nacd.store import signing_file, verdict_rows
    from nacd.store.live import guard_file, inventory, rows

    return {
        "configuration": CONFIGURATION,
        "sessions.sqlite": rows.SCHEMA.version(),
        "verdicts.sqlite": verdict_rows.SCHEMA.version(),
        "inventory.sqlite": inventory.SCHEMA.version(),
        "sessions-guard.json": guard_file.VERSION,
        "signing.json": signing_file.VERSION,
    }


def commit(package: Path) -> str:
    """The commit that this package was built from, or is checked out at; ``""`` if nobody knows."""
    try:
        built = json.loads((package / BUILT).read_text(encoding="utf-8"))
        return str(built["commit"])
    except (OSError, ValueError, KeyError, TypeError):
        return _checked_out(package.parent / ".git")


def compiled(package: Path) -> int:
    """How many modules run as machine code: Python takes an extension module before the source that lies beside it."""
    return sum(1 for path in package.rglob(f"*{EXTENSION_SUFFIXES[0]}"))


def _checked_out(git: Path) -> str:
    """As git keeps it (gitrepository-layout(5)), without asking git: that may not be there, and nothing here forks."""
    head = _line(git / "HEAD")
    if head.startswith("ref: "):
        name = head.removeprefix("ref: ")
        head = _line(git / name) or _packed(git / "packed-refs", name)
    return head if _HEX.fullmatch(head) else ""


def _packed(file: Path, name: str) -> str:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return ""
    return next((line.split(" ", 1)[0] for line in lines if line.endswith(f" {name}")), "")


def _line(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return ""


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _openssl() -> str:
    """The one that cryptography brings, which ends EAP-TLS."""
    from cryptography.hazmat.backends.openssl import backend

    return backend.openssl_version_text()


def _lines(facts: dict[str, Any]) -> list[str]:
    compiled = f", {facts['compiled']} modules compiled" if facts["compiled"] else ""
    at = f" (commit {facts['commit'][:12]})" if facts["commit"] else ""
    libraries = ", ".join(f"{name} {known or '(none)'}" for name, known in facts["libraries"].items())
    kept = ", ".join(f"{name} {number}" for name, number in facts["formats"].items())
    return [
        f"nacd {facts['nacd'] or '(not installed)'}{at}{compiled}",
        f"Python {facts['python']} ({facts['interpreter']}), SQLite {facts['sqlite']}",
        f"EAP-TLS by {facts['openssl']['eap']}, HTTPS by {facts['openssl']['https']}",
        f"on {facts['platform']}",
        f"libraries: {libraries}",
        f"formats: {kept}",
    ]
