"""What the keeper goes by: the audit section of ``nacd.yaml``, and the state folder.

Knows: how to read these two. Refuses to know: the rest of the file, and so every secret of a NAS, and the key that
signs the trail; whether all of it is sound is the daemon's to say, which has read all of it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from nacd.config import wording
from nacd.config.fields import AnyPath, Surroundings
from nacd.config.reading.contents import contents
from nacd.config.sections.audit.limits import duration_in_words, size_in_words
from nacd.config.sections.audit.trail import Audit
from nacd.config.sections.base import Section
from nacd.config.yaml import MAX_OCTETS, parse
from nacd.errors import ConfigError, Problem
from nacd.store.full_files.retention import Keep

_THE_DAEMONS: Final = frozenset({"key", "previous_key"})
"""Whoever talks to machines elsewhere has no use for the key that vouches for the trail."""


class _Part(Section):
    """The two sections that count here."""

    audit: Audit
    state: AnyPath


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The settings. state: the daemon's own folder. keep, compress: as ``audit`` has them."""

    audit: Audit
    state: Path
    keep: Keep = field(default_factory=Keep)
    compress: bool = True


def read(config: Path, environment: Mapping[str, str] = os.environ) -> Wanted:
    """The settings of a configuration file. Raises ConfigError."""
    found = contents(config, MAX_OCTETS)
    if found.problem:
        raise ConfigError((Problem(file=str(config), line=0, column=0, message=found.problem),))
    document, problems = parse(found.octets, str(config))
    around = Surroundings(folder=config.parent, environment=environment)
    ours = {name: value for name, value in document.value.items() if name in _Part.model_fields}
    if isinstance(audit := ours.get("audit"), dict):
        ours["audit"] = {name: value for name, value in audit.items() if name not in _THE_DAEMONS}
    part, wrong = wording.read(_Part, replace(document, value=ours), around)
    problems = (*problems, *wrong, *around.problems)
    if problems or part is None:
        raise ConfigError(tuple(problems))
    return wanted(part.audit, part.state)


def wanted(audit: Audit, state: Path) -> Wanted:
    """The settings of these sections."""
    age, octets = audit.keep.age, audit.keep.size
    keep = Keep(
        age_s=None if age is None else age.total_seconds(),
        octets=octets,
        age_words=duration_in_words(age),
        octets_words=size_in_words(octets),
    )
    return Wanted(audit=audit, state=state, keep=keep, compress=audit.compress)
