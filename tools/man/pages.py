"""The pages themselves: nacd(1), nacd.yaml(5), policy.yaml(5).

Knows: what a page of the manual consists of. Refuses to know: what a command does (its help says it), what a setting
means (docs/reference.md says it).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from nacd.cli.main import app
from tools.man import roff

HOME = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """date: as in 2026-11-22. version: of the program."""

    date: str
    version: str


def pages(stamp: Stamp) -> dict[str, str]:
    """By file name."""
    reference = (HOME / "docs" / "reference.md").read_text(encoding="utf-8").splitlines()
    made = {
        "nacd.1": commands(stamp),
        "nacd.yaml.5": settings("nacd.yaml", reference, stamp, "nacd.yaml: configuration of nacd"),
        "policy.yaml.5": settings("policy.yaml", reference, stamp, "policy.yaml: who gets in, and with what"),
    }
    return {name: "\n".join(lines) + "\n" for name, lines in made.items()}


def commands(stamp: Stamp) -> list[str]:
    """Every command with its options, in the order of ``nacd --help``."""
    group: Any = typer.main.get_command(app)
    lines = [
        *roff.title("nacd", 1, stamp.date, stamp.version),
        ".SH NAME",
        f"nacd \\- {roff.of_rich(group.help)}",
        ".SH SYNOPSIS",
        "\\fBnacd\\fR \\fICOMMAND\\fR [\\fIOPTIONS\\fR]",
        ".SH DESCRIPTION",
        roff.of_rich(
            "A first configuration is written by [b]nacd init[/]; [b]nacd check[/] says everything that is wrong with"
            " one, and [b]nacd serve[/] runs the daemon. Each command explains itself with [b]--help[/]."
        ),
        ".SH COMMANDS",
    ]
    lines += _commands("nacd", group)
    lines += [
        ".SH EXIT STATUS",
        roff.escaped(
            "0: well. 1: what was asked about is wrong (a bad configuration, a refused login, a failed step). 2: wrong"
            " usage. 3: the daemon could not start or had to stop, or nobody answers at its socket."
        ),
        ".SH FILES",
        *_files(),
        ".SH SEE ALSO",
        "\\fBnacd.yaml\\fR(5), \\fBpolicy.yaml\\fR(5), /usr/share/doc/nacd",
    ]
    return lines


def _files() -> Iterator[str]:
    for path, meaning in (
        ("/etc/nacd/nacd.yaml", "the configuration"),
        ("/etc/nacd/policy.yaml", "the policy that it names"),
        ("/etc/nacd/secrets/", "shared secrets, readable by the daemon's account alone"),
        ("/var/lib/nacd/", "what outlives a restart: sessions, verdicts, the inventory"),
        ("/var/log/nacd/audit.jsonl", "the audit log: one JSON line a decision"),
    ):
        yield ".TP"
        yield f"\\fI{roff.escaped(path)}\\fR"
        yield meaning


def _commands(path: str, group: Any) -> Iterator[str]:
    for name, command in sorted(group.commands.items()):
        if command.hidden:
            continue
        words = f"{path} {name}"
        yield f".SS {_heading(words, command)}"
        yield from _paragraphs(command.help or "")
        yield from _options(command)
        if hasattr(command, "commands"):
            yield from _commands(words, command)


def _heading(words: str, command: Any) -> str:
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    shown = [(each.metavar or each.name.upper()) for each in arguments]
    wanted = [word if each.required else f"[{word}]" for word, each in zip(shown, arguments, strict=True)]
    return f'"{roff.escaped(" ".join([words, *wanted]))}"'


def _paragraphs(text: str) -> Iterator[str]:
    for number, paragraph in enumerate(filter(None, (each.strip() for each in text.split("\n\n")))):
        if number:
            yield ".PP"
        lines = [line.strip() for line in paragraph.splitlines()]
        if all(line.startswith("nacd ") for line in lines):  # examples
            yield ".nf"
            yield from map(roff.of_rich, lines)
            yield ".fi"
        else:
            yield roff.of_rich(paragraph)


def _options(command: Any) -> Iterator[str]:
    for each in command.params:
        if getattr(each, "hidden", False) or "--help" in each.opts or "--install-completion" in each.opts:
            continue
        if each.param_type_name == "argument":
            names = f"\\fI{roff.escaped(each.metavar or each.name.upper())}\\fR"
        else:
            word = "" if each.is_flag else f" \\fI{roff.escaped(each.metavar or each.name.upper())}\\fR"
            names = ", ".join(f"\\fB{roff.escaped(name)}\\fR" for name in each.opts) + word
        yield ".TP"
        yield names
        yield roff.of_rich(each.help or "") or "\\&"


def settings(file: str, reference: list[str], stamp: Stamp, summary: str) -> list[str]:
    """One file of the reference: its chapter, and what all chapters have in common."""
    start = reference.index(f"## {file}")
    end = next((at for at in range(start + 1, len(reference)) if reference[at].startswith("## ")), len(reference))
    preface = reference[: reference.index("## nacd.yaml")]
    items = [line for line in preface if line.startswith(("- A path", "- **", "- Def", "  "))]
    common = [line for line in items if "](#" not in line]
    name, _, what = summary.partition(": ")
    return [
        *roff.title(file, 5, stamp.date, stamp.version),
        ".SH NAME",
        f"{name} \\- {roff.escaped(what)}",
        ".SH DESCRIPTION",
        *roff.of_markdown(_joined(common)),
        *roff.of_markdown(["## SETTINGS", "", *reference[start + 1 : end]]),
        ".SH SEE ALSO",
        "\\fBnacd\\fR(1), \\fBnacd.yaml\\fR(5), \\fBpolicy.yaml\\fR(5), /usr/share/doc/nacd",
    ]


def _joined(lines: list[str]) -> Iterator[str]:
    """Items of a list on one line each."""
    item = ""
    for line in lines:
        if line.startswith("- ") and item:
            yield item
            item = ""
        item = f"{item} {line.strip()}".strip()
    if item:
        yield item
