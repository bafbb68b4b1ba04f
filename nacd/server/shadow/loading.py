"""The candidate that ``shadow:`` names, read and checked as the live policy is.

Knows: that whatever is wrong with it is told and stops nothing. Refuses to know: who tells it, and what is compared.

Theory. Somebody writes at this file while the daemon runs, so it may be anything. Where the live policy would be
refused, there is no shadow. A profile that some NAS cannot be told refuses the live policy too, but here it is part of
what is to be found out: the shadow is there, it is noted, and each decision that would meet it is a difference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from nacd.config.load import Loaded, load
from nacd.errors import ConfigError, Problem
from nacd.replay.candidate import Candidate
from nacd.server.assembly import Assembled
from nacd.server.promises.profiles import in_words
from nacd.values import Rendered


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A candidate that can be evaluated. file: where it lies. rules, profiles: how many. notes: that stop nothing.

    live_digest: of the policy it was made to be compared with.
    """

    file: str
    digest: str
    live_digest: str
    rules: int
    profiles: int
    candidate: Candidate
    notes: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Faulty:
    """One that cannot be used, and why: at least one problem."""

    file: str
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoShadow:
    """None is configured."""


NO_SHADOW: Final = NoShadow()
Found: TypeAlias = Ready | Faulty | NoShadow


def find(assembled: Assembled) -> Found:
    """The candidate of this configuration. Raises nothing; reads files, and takes as long as loading a policy does."""
    path = assembled.loaded.settings.shadow
    if path is None:
        return NO_SHADOW
    try:
        return _read(assembled, path)
    except ConfigError as refused:
        return Faulty(file=str(path), problems=refused.problems)
    except Exception as bug:  # noqa: BLE001  whatever somebody wrote there, nacd serves without it
        told = f"cannot be read: an error in nacd itself ({type(bug).__name__})"
        return Faulty(file=str(path), problems=(Problem(file=str(path), line=0, column=0, message=told),))


def _read(assembled: Assembled, path: Path) -> Ready:
    """Raises ConfigError."""
    live = assembled.loaded
    config = live.config_document.file
    loaded = load(Path(config), policy_path=path)
    if loaded.config_digest != live.config_digest:
        told = "has changed while it was loaded: the shadow would not belong to it"
        raise ConfigError((Problem(file=config, line=0, column=0, message=told),))
    rendered, notes = in_words(loaded, assembled.dictionary, assembled.clients)
    return Ready(
        file=str(path),
        digest=loaded.digest,
        live_digest=live.digest,
        rules=len(loaded.policy.rules),
        profiles=len(loaded.profiles),
        candidate=_candidate(loaded, rendered, assembled),
        notes=(*_own(loaded, config), *notes),
    )


def _candidate(loaded: Loaded, rendered: Mapping[tuple[str, str], Rendered], assembled: Assembled) -> Candidate:
    return Candidate(
        loaded.policy, rendered, live_digest=assembled.loaded.digest, graph_tenants=assembled.graph_tenants
    )


def _own(loaded: Loaded, config: str) -> tuple[Problem, ...]:
    """The notes on the candidate: those on the configuration are told with the live policy."""
    return tuple(note for note in loaded.notes if note.file != config)
