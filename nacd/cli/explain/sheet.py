"""What is told, for people and for programs at once: lines with a title in the margin, and one JSON document.

Knows: how both are laid out, and that what a stranger wrote must not steer a terminal. Refuses to know: what is told.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum, IntEnum
from typing import Any, Final

from nacd.policy.model import DEFAULT_DENY
from nacd.values import Attribute, Decision, Effect, Nas, RuleTrial

_MARGIN: Final = 12


class Sheet:
    """One page, or a part of one. Lines come out as they are said; the document when ``close`` is called.

    Names in the document are an interface: they are added to.
    """

    def __init__(self, *, as_json: bool = False, under: Sheet | None = None) -> None:
        self.document: dict[str, Any] = {}
        self._as_json: bool = under._as_json if under is not None else as_json

    def say(self, text: str) -> None:
        """A line for people."""
        if not self._as_json:
            say(text)

    def field(self, title: str, text: str) -> None:
        """A line for people with its title in the margin."""
        if not self._as_json:
            say_field(title, text)

    def put(self, **facts: Any) -> None:
        """Facts for programs, at the top of this part."""
        self.document |= facts

    def part(self, name: str) -> Sheet:
        """One more part in a list of that name."""
        below = Sheet(under=self)
        self.document.setdefault(name, []).append(below.document)
        return below

    def close(self) -> None:
        """Print the document, if that is wanted."""
        if self._as_json:
            print(json.dumps(self.document, indent=2, ensure_ascii=True), flush=True)


# -- lines ----------------------------------------------------------------------------------


def say(text: str) -> None:
    """One line; what a stranger wrote into a certificate or a packet must not steer the terminal."""
    print("".join(c if c.isprintable() else "?" for c in text))


def say_field(title: str, text: str) -> None:
    """A line with its title in the margin."""
    say(f"{title:<{_MARGIN}}{text}")


def nas_line(nas: Nas) -> str:
    """A NAS in words."""
    groups = f"groups {', '.join(sorted(nas.groups))}" if nas.groups else "in no group"
    return f"`{nas.name}` ({nas.vendor}; {groups})"


def value_text(attribute: Attribute) -> str:
    """``Name = value``, with the tag where there is one."""
    return f"{attribute.name}{f':{attribute.tag}' if attribute.tag else ''} = {_value(attribute)}"


def _value(attribute: Attribute) -> str:
    value = attribute.value
    return f"0x{value.hex()}" if isinstance(value, bytes) else str(value)


def code_of(effect: Effect) -> str:
    """What the NAS is answered."""
    return "Access-Accept" if effect is Effect.ALLOW else "Access-Reject"


def answer_text(effect: Effect, rule: str, profile: str) -> str:
    """A decision in words."""
    named = f", profile `{profile}`" if profile else ""
    return f"{code_of(effect)} by rule `{rule}`{named}"


def width_of(rules: Iterable[str]) -> int:
    """How wide the column of rules is."""
    return max(map(len, (DEFAULT_DENY, *rules)))


def moment_text(at: float) -> str:
    """Seconds since the epoch in UTC, RFC 3339; ``""`` for 0."""
    if not at:
        return ""
    try:
        return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):
        return "a date beyond all calendars"


# -- documents ------------------------------------------------------------------------------


def plain(value: object) -> Any:
    """A value in what JSON has. Octets are hex digits; whatever has no fields is ``null``."""
    if isinstance(value, IntEnum):
        return value.name.lower()
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: plain(getattr(value, each.name)) for each in fields(value)} or None
    if isinstance(value, set | frozenset):
        return sorted(map(plain, value))
    if isinstance(value, tuple | list):
        return [plain(each) for each in value]
    if isinstance(value, bytes):
        return value.hex()
    return value


def nas_document(nas: Nas) -> dict[str, Any]:
    """A NAS."""
    return {"name": nas.name, "vendor": nas.vendor, "groups": sorted(nas.groups), "location": nas.location}


def reply_document(attributes: Iterable[Attribute]) -> list[dict[str, Any]]:
    """What an answer carries, in its order."""
    return [{"name": each.name, "tag": each.tag, "value": _value(each)} for each in attributes]


def rules_document(trials: Sequence[RuleTrial]) -> list[dict[str, Any]]:
    """Rules that were tried. result: ``matches`` or ``no``."""
    return [
        {"number": number, "rule": each.rule, "result": "matches" if each.matched else "no", "detail": each.detail}
        for number, each in enumerate(trials, 1)
    ]


def decision_document(decision: Decision) -> dict[str, Any]:
    """One decision."""
    return {
        "effect": decision.effect.value,
        "rule": decision.rule,
        "profile": decision.profile,
        "reasons": list(decision.reasons),
    }
