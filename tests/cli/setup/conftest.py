"""Running `nacd init` in a process of its own folder, and answers without a terminal."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from nacd.cli.main import app
from nacd.cli.setup import questions
from nacd.cli.setup.answers import Answers
from nacd.cli.setup.questions import Setting
from nacd.config.load import vendors
from nacd.vendor.model import parse


def setting_of(*, lab: bool = True) -> Setting:
    shipped = vendors()
    words = {name: frozenset(parse(name, rows).wordings) for name, rows in shipped.items()}
    return Setting(lab=lab, vendors=shipped, intentions=words)


@pytest.fixture
def setting() -> Setting:
    return setting_of(lab=False)


@pytest.fixture
def answers() -> Callable[..., Answers]:
    """The answers that these options give, all others by default."""

    def made(*, lab: bool = False, **options: str) -> Answers:
        return questions.answered(setting_of(lab=lab), options, ask=False)

    return made


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C is heard here and in programs started from here, also where the tests run in the background of a shell."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def init(tmp_path: Path) -> Callable[..., Result]:
    """`nacd init tmp_path/new ...`, with what is typed at the terminal."""

    def call(*words: str, typed: str | None = None, env: Mapping[str, Any] | None = None) -> Result:
        return CliRunner().invoke(app, ["init", str(tmp_path / "new"), *words], input=typed, env=env)

    return call
