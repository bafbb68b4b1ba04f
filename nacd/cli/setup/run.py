"""What ``nacd init`` does: ask, write, check, say what is next.

Knows: the order, exit codes, and what is said when it cannot be done. Refuses to know: any text of a configuration.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import typer

from nacd.cli import check
from nacd.cli.setup import made, questions, steps
from nacd.cli.setup.answers import Answers
from nacd.cli.setup.questions import Setting, WrongAnswers
from nacd.cli.setup.writing import AlreadyThere, Moved, write
from nacd.config.load import load, vendors
from nacd.errors import ConfigError
from nacd.vendor.model import parse

_STOPPED = 130
_REFUSED = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What was asked for at the command line. aside: rename what is there. ask: there is somebody to ask."""

    folder: Path
    options: Mapping[str, str]
    ask: bool
    aside: bool
    lab: bool


def run(order: Order) -> int:
    """Everything; returns the exit code."""
    folder = order.folder.absolute()
    try:
        return _run(order, folder)
    except WrongAnswers as wrong:
        print(f"{wrong}\nnothing was written", file=sys.stderr)
    except AlreadyThere as there:
        for path in there.paths:
            print(f"`{folder / path}` is there already", file=sys.stderr)
        print("nothing was written: name another folder, or --force renames what is there", file=sys.stderr)
    except OSError as cannot:
        what = cannot.filename2 or cannot.filename or folder
        why = (cannot.strerror or "error").lower()
        way_out = "name a folder of your own, as in `nacd init ./nacd`, or be root"
        print(f"`{what}` cannot be written: {why}; nothing was written: {way_out}", file=sys.stderr)
    except typer.Abort as aborted:
        if isinstance(aborted.__context__, EOFError):
            print("\nnobody answers: give --yes, and the answers as options; nothing was written", file=sys.stderr)
            return _REFUSED
        print("\nstopped, nothing was written", file=sys.stderr)
        return _STOPPED
    except KeyboardInterrupt:
        print("\nstopped, nothing was written", file=sys.stderr)
        return _STOPPED
    return _REFUSED


def _run(order: Order, folder: Path) -> int:
    shipped = vendors()
    intentions = {name: frozenset(parse(name, rows).wordings) for name, rows in shipped.items()}
    setting = Setting(lab=order.lab, vendors=shipped, intentions=intentions)
    answers = questions.answered(setting, order.options, ask=order.ask)
    files = made.files(answers, folder)
    moved = write(folder, files, aside=order.aside)
    try:
        return _tell(answers, folder, tuple(str(file.path) for file in files), moved)
    except KeyboardInterrupt:
        print(f"\nstopped; everything is written in `{folder}`", file=sys.stderr)
        return _STOPPED


def _tell(answers: Answers, folder: Path, written: tuple[str, ...], moved: tuple[Moved, ...]) -> int:
    for each in moved:
        known = "  (the NAS has this one: give it the new one, or put this back)"
        print(f"renamed {folder / each.old} to {each.new.name}{known if str(each.old) == answers.secret_file else ''}")
    for name in written:
        if not name.startswith(("pki/", "schemas/")):
            note = (
                "  (a new secret for this NAS, 40 random characters, mode 0600)" if name == answers.secret_file else ""
            )
            print(f"wrote   {folder / name}{note}")
    print(f"wrote   {folder / 'schemas'}  (what an editor checks the files by)")
    if answers.lab:
        print(f"wrote   {folder / 'pki'}  (keys and certificates for trials, of no worth elsewhere)")
    config = folder / "nacd.yaml"
    print(f"\n$ nacd check --config {config}")
    unsound = check.run(config)
    lacking = steps.missing(answers, folder)
    print()
    for line in steps.to_supply(answers, folder, lacking) if lacking else ():
        print(line)
    for line in steps.following(answers, folder):
        print(line)
    return 0 if not unsound or (lacking and _nothing_else(config, lacking)) else 1


def _nothing_else(config: Path, lacking: tuple[str, ...]) -> bool:
    """Whether all that is wrong is that these files are not there."""
    try:
        load(config)
    except ConfigError as refused:
        return all(
            any(f"`{file}` does not exist" in problem.message for file in lacking) for problem in refused.problems
        )
    return False
