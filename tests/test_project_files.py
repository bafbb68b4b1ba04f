"""What must never lie in the project's files: paths of somebody's machine, package indexes, private keys."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from nacd.audit.events import document

HOME = Path(__file__).resolve().parent.parent
# Somebody's home, or the very folder this checkout lies in.
MACHINE_PATHS = re.compile(rf"(?<![\w.])(?:/(?:root|(?:home|Users)/[a-z]+)|{re.escape(str(HOME))})/[\w.]")

SKIPPED_FOLDERS = {".git", ".venv", ".peers", ".state", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis"}
SKIPPED_FOLDERS |= {"build", "dist"}  # made of the project here; the tests of packages and of machine code ask those


def project_files() -> Iterator[Path]:
    for path in sorted(HOME.rglob("*")):
        parts = set(path.relative_to(HOME).parts)
        if path.is_file() and not parts & SKIPPED_FOLDERS and "__pycache__" not in parts:
            yield path


def test_no_file_names_a_path_of_somebodys_machine() -> None:
    broken = []
    for path in project_files():
        if path == Path(__file__).resolve():
            continue
        text = path.read_text(encoding="utf-8", errors="ignore")
        for number, line in enumerate(text.splitlines(), start=1):
            if MACHINE_PATHS.search(line):
                broken.append(f"{path.relative_to(HOME)}:{number}: {line.strip()[:80]}")
    report(broken)


def test_the_lock_names_no_index_and_every_package_has_a_hash() -> None:
    text = (HOME / "requirements.lock").read_text(encoding="utf-8")
    assert not re.search(r"^\s*(-i|--index-url|--extra-index-url|--find-links|--trusted-host)\b", text, re.MULTILINE)
    entries = re.split(r"^(?=\S)", text, flags=re.MULTILINE)
    packages = [entry for entry in entries if entry and not entry.startswith("#")]
    assert packages
    report([entry.split()[0] for entry in packages if "--hash=sha256:" not in entry or "==" not in entry.split()[0]])


def test_no_private_key_lies_in_the_project() -> None:
    marks = re.compile(rb"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----\s+[A-Za-z0-9+/]{40}")
    report([str(path.relative_to(HOME)) for path in project_files() if marks.search(path.read_bytes())])


def report(broken: list[str]) -> None:
    assert not broken, "\n" + "\n".join(sorted(set(broken)))


def test_a_machine_path_is_recognised_and_an_address_on_the_web_is_not() -> None:
    assert MACHINE_PATHS.search(f"see {HOME}/x")
    assert MACHINE_PATHS.search("see /" + "home/alice/nacd")
    assert not MACHINE_PATHS.search("https://example.test/home/alice/nacd")


def test_the_reference_of_audit_events_is_the_one_the_table_makes() -> None:
    """Otherwise: .venv/bin/python -c "from nacd.audit.events import document; print(document().rstrip())"."""
    assert (HOME / "docs" / "audit-events.md").read_text(encoding="utf-8").rstrip() == document().rstrip()
