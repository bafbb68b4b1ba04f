"""A configuration read anew, beside the one in force: all of the work that takes time, and all that can be wrong.

Knows: the files of one daemon, and what it cannot change while it runs. Refuses to know: the event loop, and when
anything of it begins to count (``reloader``).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from nacd.audit.blocks import Block, timestamp
from nacd.audit.reload import events
from nacd.config.load import load
from nacd.errors import ConfigError, Problem
from nacd.server.assembly import Assembled, assemble
from nacd.server.lookups import building
from nacd.server.lookups.building import Asking
from nacd.server.lookups.upkeep import TenantSource
from nacd.server.reload import changes, fixed, generation
from nacd.server.reload.generation import Generation, Shared
from nacd.server.shadow import loading as candidates
from nacd.server.shadow.loading import Found
from nacd.store.policy_archive import PolicyArchive
from nacd.values import Instant

_YIELD_S: Final = 0.0005
"""How long this thread keeps the interpreter while answers wait for it; usually it may do so for ten times as long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A generation that nothing decides by yet. changes: to the one before, in words. sources: of tenants that are
    asked in another way with it. shadow: the policy that is evaluated beside it."""

    generation: Generation
    changes: tuple[str, ...]
    sources: Mapping[str, TenantSource]
    shadow: Found

    @property
    def block(self) -> Block:
        """For its records."""
        loaded = self.generation.assembled.loaded
        return events.block(
            file=loaded.config_document.file,
            digest=loaded.config_digest,
            policy_digest=loaded.digest,
            notes=self.notes,
            generation=self.generation.number,
            changes=self.changes,
        )

    @property
    def notes(self) -> list[str]:
        """What stops nothing and had better be known."""
        return [str(note) for note in self.generation.assembled.notes]


@dataclass(frozen=True, slots=True)
class Files:
    """Where this daemon's configuration is, and what a new one is made with. allow_demo: as for ``assemble``."""

    config: Path
    allow_demo: bool
    shared: Shared
    asking: Asking
    clock: Callable[[], Instant]

    def prepare(self, before: Assembled, number: int) -> Prepared:
        """Read, check, build and archive, in a thread. Raises ConfigError with everything that speaks against it."""
        with _considerate():
            after = assemble(load(self.config), self.clock(), allow_demo=self.allow_demo)
            if problems := fixed.unchangeable(before, after):
                raise ConfigError(problems)
            try:
                sources = building.renewed(before, after, self.asking)
                archive(after, self.clock())
            except OSError as error:
                where = Problem(file=str(self.config), line=0, column=0, message=cannot(error))
                raise ConfigError((where,)) from None
            return Prepared(
                generation=generation.build(after, self.shared, number),
                changes=changes.between(before, after),
                sources=sources,
                shadow=candidates.find(after),
            )


def archive(assembled: Assembled, now: Instant) -> str:
    """Keep the texts of the policy under their digests. Returns the account that loads them. Raises OSError."""
    loaded = assembled.loaded
    kept, by = PolicyArchive(loaded.settings.state), ""
    for digest, text in loaded.texts.items():
        by = kept.keep(digest, text, loaded_at=timestamp(now.wall), source=str(loaded.settings.policy))
    return by


def cannot(error: OSError) -> str:
    """What could not be read or written, and why."""
    return f"`{error.filename}`: {(error.strerror or 'error').lower()}" if error.filename else str(error).lower()


@contextmanager
def _considerate() -> Iterator[None]:
    """Let the event loop have the interpreter at once when it wants it."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(_YIELD_S)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
