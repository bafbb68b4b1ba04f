"""Every policy text that ever decided, by its digest, with when and by whom it was loaded.

Knows: a folder of texts and a list of loadings. Refuses to know: what the texts say.
"""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import orjson


class PolicyArchive:
    """``<state>/policies/<digest>.txt`` and ``<state>/policies/loaded.jsonl``."""

    def __init__(self, state: Path) -> None:
        self._folder = state / "policies"

    def keep(self, digest: str, text: str, *, loaded_at: str, source: str) -> str:
        """Keep one policy text and the fact that it was loaded.

        digest: hex of the policy's digest. loaded_at: RFC 3339. source: the file it came from.
        Returns the account that loaded it. Raises OSError if the folder cannot be written.
        """
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o750)
        target = self._folder / f"{digest}.txt"
        if not target.exists():
            # Written aside and renamed: a reader never sees half a policy.
            draft = target.with_suffix(".part")
            draft.write_text(text, encoding="utf-8")
            draft.replace(target)
        account = _account()
        entry = {"time": loaded_at, "digest": digest, "file": source, "by": account}
        with (self._folder / "loaded.jsonl").open("ab") as index:
            index.write(orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE))
        return account


def _account() -> str:
    """The operating system account behind this process: who started it, and as whom it runs."""
    try:
        running = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        running = str(os.geteuid())
    started_by = os.environ.get("SUDO_USER", "")
    return f"{started_by} as {running}" if started_by and started_by != running else running
