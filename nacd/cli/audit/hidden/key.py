"""``audit.privacy`` of a configuration, and nothing else of it.

Knows: that one section, and the key it names. Refuses to know: what is asked.

Only that is read: whoever looks for something at night must not be stopped by a rule that cannot be loaded.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from nacd.audit.privacy.kinds import Kind, Treatment
from nacd.config import secrets
from nacd.config.yaml import parse
from nacd.errors import ConfigError
from nacd.values import Secret

_GROUPS: Final[Mapping[str, Kind]] = {
    "users": Kind.USER,
    "macs": Kind.MAC,
    "devices": Kind.DEVICE,
    "addresses": Kind.ADDRESS,
}


class NoKey(Exception):
    """There is no key of pseudonyms, or it cannot be read; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hidden:
    """What a configuration hides by group. reference: of the key, None for none."""

    config: Path
    kinds: Mapping[Kind, Treatment]
    reference: object

    def key(self) -> Secret:
        """Raises NoKey."""
        if self.reference is None:
            raise NoKey(f"`{self.config}` names no `audit.privacy.key`")
        try:
            return secrets.resolve(self.reference, folder=self.config.parent, environment=os.environ).secret
        except (ValueError, OSError) as wrong:
            raise NoKey(f"`audit.privacy.key` of `{self.config}`: {wrong}") from None


def hidden(config: Path) -> Hidden:
    """Raises NoKey if the file cannot be read."""
    try:
        document, _ = parse(config.read_bytes(), str(config))
    except OSError as trouble:
        raise NoKey(f"`{config}`: {(trouble.strerror or 'error').lower()}") from None
    except ConfigError as refused:
        raise NoKey(str(refused)) from None
    audit: Any = document.value.get("audit")
    section = audit.get("privacy") if isinstance(audit, dict) else None
    found = section if isinstance(section, dict) else {}
    kinds = {kind: Treatment(found[name]) for name, kind in _GROUPS.items() if found.get(name) in ("hash", "remove")}
    return Hidden(config=config, kinds=kinds, reference=found.get("key"))
