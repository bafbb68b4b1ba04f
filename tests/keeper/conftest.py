"""A folder with a trail, and somebody who writes down what the keeper says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from nacd.keeper.pipe import Retire
from nacd.keeper.settings import read
from nacd.keeper.work import Parts, Work
from nacd.store.full_files.folder import Folder
from nacd.store.full_files.retention import Keep
from tests.keeper.trails import Trail


@pytest.fixture
def trail(tmp_path: Path) -> Trail:
    folder = tmp_path / "log"
    folder.mkdir(mode=0o750)
    return Trail(folder)


@pytest.fixture
def folder(trail: Trail) -> Iterator[Folder]:
    held = Folder(trail.live)
    yield held
    held.close()


@dataclass
class Told:
    """What was said. answer: to the next wish to delete a file."""

    said: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    warned: list[str] = field(default_factory=list)
    asked: list[Retire] = field(default_factory=list)
    answer: str = ""
    there: Callable[[Retire], None] = lambda _wanted: None

    def say(self, name: str, fields: Mapping[str, Any]) -> None:
        self.said.append((name, fields))

    def warn(self, text: str) -> None:
        self.warned.append(text)

    def retire(self, wanted: Retire, patience_s: float) -> str:
        del patience_s
        self.asked.append(wanted)
        self.there(wanted)
        return self.answer

    def names(self) -> list[str]:
        return [name for name, _ in self.said]


@dataclass
class Bench:
    """A keeper's work on a trail, with clocks that are turned by hand."""

    trail: Trail
    work: Work
    told: Told
    ahead: list[float]

    def rounds(self) -> int:
        """Until there is no more to do; how many."""
        count = 1
        while self.work.round():
            count += 1
            assert count < 200
        return count

    def later(self, seconds: float) -> None:
        self.ahead[0] += seconds


@pytest.fixture
def bench(trail: Trail, folder: Folder, tmp_path: Path) -> Callable[..., Bench]:
    def make(*, keep: Keep | None = None, compress: bool = True, **more: Any) -> Bench:
        told, ahead = Told(), [0.0]
        config = tmp_path / "nacd.yaml"
        config.write_text(f"audit: {{file: {trail.live}}}\nstate: state\n")
        wanted = replace(read(config), keep=keep or Keep(), compress=compress)
        usual: dict[str, Any] = {
            "going": lambda _silent_s: None,
            "unsent": lambda _first, _last: {},
            "monotonic": lambda: 1_000.0 + ahead[0],
        }
        return Bench(trail, Work(folder, wanted, Parts(tell=told, **{**usual, **more})), told, ahead)

    return make
