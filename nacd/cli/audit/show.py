"""``nacd audit show``: one record, in words and whole.

Knows: which fields people look at first. Refuses to know: what they mean.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from nacd.cli.audit.search import CANNOT, DEFAULT_CONFIG, FOUND, NONE, Audit, Config, Thorough

_TITLES: Final = (
    ("when", "time"),
    ("NAS", "nas"),
    ("at", "nas_source"),
    ("where", "location"),
    ("port", "port"),
    ("access", "access"),
    ("user", "user"),
    ("MAC", "mac"),
    ("device", "device"),
    ("certificate", "serial"),
    ("compliance", "compliance"),
    ("decision", "effect"),
    ("rule", "rule"),
    ("profile", "profile"),
    ("session", "session"),
)


def show(
    seq: Annotated[int, typer.Argument(metavar="SEQ", help="Its number: the field [b]seq[/].", min=1)],
    as_json: Annotated[bool, typer.Option("--json", help="The line as it lies, and nothing else.")] = False,
    thorough: Thorough = False,
    audit: Audit = None,
    config: Config = DEFAULT_CONFIG,
) -> None:
    """One record of the audit trail: what happened in words, then all that it says.

    Exit code 0: here it is; 1: there is none of this number; 2: something could not be read or written.
    """
    raise typer.Exit(run(config, seq, files=tuple(audit or ()), as_json=as_json, thorough=thorough))


def run(config: Path, seq: int, *, files: tuple[Path, ...], as_json: bool, thorough: bool) -> int:
    """Print it. Returns the exit code."""
    from nacd.cli.audit.finding.ending import told

    return told(lambda: _shown(config, seq, files=files, as_json=as_json, thorough=thorough))


def _shown(config: Path, seq: int, *, files: tuple[Path, ...], as_json: bool, thorough: bool) -> int:
    from nacd.audit.asking.filters import Query
    from nacd.audit.asking.rows import visible
    from nacd.cli.audit.finding.progress import Progress
    from nacd.cli.audit.finding.where import NoTrail, chosen
    from nacd.cli.audit.finding.written import Lines
    from nacd.store.trail_index.searching import Search

    progress = Progress("searching")
    try:
        search = Search(chosen(config, files), Query(seq=seq), thorough=thorough, told=progress)
    except NoTrail as wrong:
        print(visible(str(wrong)), file=sys.stderr)
        return CANNOT
    code = NONE
    for found in search:
        progress.clear()
        code = FOUND
        if as_json:
            lines = Lines()
            lines.take(found.hit)
            lines.flush()
        else:
            _print(found.hit.record, str(found.file))
    progress.clear()
    for words in (*search.walked.words, *search.walked.trouble):
        print(visible(words), file=sys.stderr)
    if code == NONE:
        print(f"no record has the number {seq}", file=sys.stderr)
    return CANNOT if search.walked.trouble else code


def _print(record: object, file: str) -> None:
    from nacd.audit.asking.rows import row_of, visible

    if not isinstance(record, dict):
        raise TypeError("a record is a JSON object")
    row = row_of(record)
    print(f"{visible(row.code)} {visible(row.what)}, record {row.seq} in {visible(file)}")
    print(f"  {visible(row.why)}")
    widest = max(len(title) for title, _ in _TITLES)
    for title, name in _TITLES:
        if text := getattr(row, name):
            print(f"  {title:<{widest}}  {visible(text)}")
    print()
    # Escaped by lines: what an endpoint wrote may hold more than the control characters that JSON itself forbids.
    for line in json.dumps(record, indent=2, ensure_ascii=False).split("\n"):
        print(visible(line))
