"""The source of nacd as the tests of its shape read it."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent
PACKAGE = HOME / "nacd"
TESTS = HOME / "tests"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One module. name: ``radius/packet``; room: its folder, or itself where it lies at the top."""

    path: Path
    name: str
    room: str
    text: str
    tree: ast.Module

    def __str__(self) -> str:
        return self.name


@cache
def sources() -> tuple[Source, ...]:
    return tuple(read(path) for path in sorted(PACKAGE.rglob("*.py")))


def read(path: Path) -> Source:
    relative = path.relative_to(PACKAGE)
    text = path.read_text(encoding="utf-8")
    room = relative.parts[0] if len(relative.parts) > 1 else relative.stem
    return Source(path=path, name=relative.with_suffix("").as_posix(), room=room, text=text, tree=ast.parse(text))


def report(broken: list[str]) -> None:
    assert not broken, "\n" + "\n".join(sorted(set(broken)))


# -- who imports whom ---------------------------------------------------------------------------
