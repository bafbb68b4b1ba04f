"""How a report looks: lines for people as they come, or one JSON document at the end.

Knows: marks, margins, colours. Refuses to know: what any step means.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Protocol

from rich.console import Console
from rich.status import Status as Spinner
from rich.text import Text

from nacd.config.sections.intune import Intune
from nacd.intune.doctor.step import Begun, Status, Step

_MARGIN: Final = 22
_WIDEST: Final = 110
_NARROWEST: Final = 40
_LONG_WORD: Final = 60
_MARKS: Final = {
    Status.OK: ("✓", "+", "green"),
    Status.WARNING: ("!", "!", "yellow"),
    Status.FAILED: ("✗", "x", "bold red"),
    Status.SKIPPED: ("-", "-", "dim"),
}


class Report(Protocol):
    """Where steps go. end: prints the rest, and says whether nothing failed. close: leaves the terminal as it was."""

    def begin(self, tenant: str, section: Intune) -> None: ...
    def take(self, tenant: str, said: Begun | Step) -> None: ...
    def end(self) -> bool: ...
    def close(self) -> None: ...


class JsonReport:
    """One document at the end."""

    def __init__(self) -> None:
        self._steps: list[Step] = []
        self._tenants: dict[str, list[Step]] = {}

    def begin(self, tenant: str, section: Intune) -> None:
        """A tenant's steps follow."""
        del section
        self._tenants[tenant] = []

    def take(self, tenant: str, said: Begun | Step) -> None:
        """``""`` is the machine itself."""
        if isinstance(said, Step):
            (self._tenants[tenant] if tenant else self._steps).append(said)

    def close(self) -> None:
        """There is nothing to leave behind."""

    def end(self) -> bool:
        """Print; whether nothing failed."""
        every = [*self._steps, *(step for steps in self._tenants.values() for step in steps)]
        ok = all(step.status is not Status.FAILED for step in every)
        tenants = {name: {"steps": [_row(step) for step in steps]} for name, steps in self._tenants.items()}
        report = {"ok": ok, "steps": [_row(step) for step in self._steps], "tenants": tenants}
        print(json.dumps(report, indent=2, ensure_ascii=True))
        return ok


def _row(step: Step) -> dict[str, str | int]:
    return {
        "name": step.name,
        "status": str(step.status),
        "detail": step.detail,
        "fix": step.fix,
        "took_ms": step.took_ms,
    }


class PaperReport:
    """Lines for people, each as soon as it is known; on a terminal, what is being done stands below them."""

    def __init__(self, config: Path) -> None:
        self._console = Console(highlight=False, soft_wrap=True)
        self._plain = not self._console.encoding.lower().startswith("utf")
        self._counts = dict.fromkeys(Status, 0)
        self._failed: list[str] = []
        self._spinner: Spinner | None = None
        self._console.print(Text(f"nacd doctor, {config}", style="bold"))

    def begin(self, tenant: str, section: Intune) -> None:
        """A tenant's steps follow."""
        title = f"tenant {tenant} ({section.tenant}, cloud {section.cloud})"
        self._console.print(Text(f"\n{title}", style="bold"))

    def take(self, tenant: str, said: Begun | Step) -> None:
        """A step that begins or has ended."""
        if isinstance(said, Begun):
            if not self._console.is_terminal or not said.doing:
                return
            if self._spinner is None:
                self._spinner = self._console.status("")
                self._spinner.start()
            self._spinner.update(Text(f"{said.doing} ..."))
            return
        self.close()
        self._counts[said.status] += 1
        if said.status is Status.FAILED:
            self._failed.append(f"{tenant}: {said.name}" if tenant else said.name)
        for line in self._lines(said):
            self._console.print(line)

    def close(self) -> None:
        """Nothing is being done any more."""
        if self._spinner is not None:
            self._spinner.stop()
            self._spinner = None

    def end(self) -> bool:
        """Sum up; whether nothing failed."""
        words = {
            Status.FAILED: f"failed ({', '.join(self._failed)})",
            Status.WARNING: "to look at",
            Status.SKIPPED: "not tried or not needed",
        }
        counted = ", ".join(f"{self._counts[status]} {word}" for status, word in words.items() if self._counts[status])
        ok = not self._counts[Status.FAILED]
        verdict = "all is well" if ok else "something is wrong"
        self._console.print(Text(f"\n{verdict}{f': {counted}' if counted else ''}", style="bold" if ok else "bold red"))
        return ok

    def _lines(self, step: Step) -> Iterator[Text]:
        mark, plain, style = _MARKS[step.status]
        first = f"  {plain if self._plain else mark} {step.name}"
        indent = " " * _MARGIN
        for number, detail in enumerate(step.detail.split("\n")):
            for line in self._wrapped(detail):
                head = Text(f"{first:<{_MARGIN}}", style=style) if not number and first else Text(indent)
                first = ""
                yield head + Text(line, style="dim" if step.status is Status.SKIPPED else "")
        fixes = [line for fix in step.fix.split("\n") for line in self._wrapped(fix)] if step.fix else []
        for number, line in enumerate(fixes):
            arrow = "-> " if self._plain else "→ "
            yield Text(indent + (arrow if not number else " " * len(arrow)) + line, style="bold")

    def _wrapped(self, text: str) -> list[str]:
        """Cut for a terminal; whole lines for a file or a pipe, where grep should find them."""
        if self._plain:
            text = text.encode("ascii", "replace").decode()  # a certificate may name anybody
        if not self._console.is_terminal:
            return [text]
        width = max(_NARROWEST, min(_WIDEST, self._console.width) - _MARGIN - 3)
        if any("://" in word or len(word) > _LONG_WORD for word in text.split()):
            return [text]  # an address or a fingerprint: whoever copies it wants it in one piece
        own = text[: len(text) - len(text.lstrip())]
        wrapped = textwrap.wrap(text, width, subsequent_indent=own, break_long_words=False, break_on_hyphens=False)
        return wrapped or [""]
