"""What became of a login, in one word, for measuring.

Knows: the words. Refuses to know: who counts them, and what a count means.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from nacd.steps import Answer
from nacd.values import ReplyCode

REJECTED: Final = "rejected"
GONE: Final = "unfinished"
"""The EAP peer went silent: it may not have liked our certificate."""
_PROFILE: Final = "profile "

Outcome: TypeAlias = tuple[str, str]
"""Name of the NAS, and one of ``REJECTED``, ``GONE``, ``profile NAME``."""


def profile(name: str) -> str:
    """The outcome of being let in under this profile."""
    return _PROFILE + name


def of_answer(answer: Answer, code: ReplyCode) -> str:
    """code: what was sent, which may be a refusal in place of what was decided. ``""`` for what is no login."""
    if code is not ReplyCode.ACCEPT:
        return REJECTED
    decision = answer.event.fields.get("decision")
    return profile(str(decision["profile"])) if isinstance(decision, dict) else ""
