"""Whether another decision would have been another answer.

Knows: what of an answer comes from its profile, and what belongs to that one login. Refuses to know: how a decision
came about. Where a monitor has answered, what the decision would have answered is what counts.

Theory. A decision under another rule's name is the same answer when effect and profile are the same and the profile
still sends what the record says was sent. Session-Timeout is the profile's, unless the certificate ended before: then
it is what was left of it. Class and Chargeable-User-Identity name one session and come from no profile.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from nacd.audit.blocks import attributes as shown
from nacd.replay.record import MONITORED, Fields, Outcome, moment
from nacd.values import ComplianceState, Effect, Rendered
from nacd.vendor.fill import Told, fill

REFUSED: Final = "refused"
"""What stands for an answer without a profile."""
_TIMEOUT: Final = "Session-Timeout"
_ENDING: Final = "Termination-Action"
_OWN: Final = frozenset({_TIMEOUT, _ENDING, "Chargeable-User-Identity"})
_TOKEN: Final = "0x6e6163643a"  # noqa: S105  `nacd:`, in front of 16 octets of Class
_CLOCKS_S: Final = 1
_KEPT: Final = 10_000

Sent: TypeAlias = tuple[tuple[str, Any, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Two answers that are not the same. before, after: in words to count by. detail: which attributes, if those."""

    before: str
    after: str
    detail: str = ""


class Answers:
    """What each profile sends to each vendor under the policy that is tried out."""

    def __init__(self, rendered: Mapping[tuple[str, str], Rendered]) -> None:
        self._rendered = rendered
        self._fixed = {pair: _sent(shown(each.attributes)) for pair, each in rendered.items()}
        self._known: dict[Hashable, Difference | None] = {}

    def difference(self, fields: Fields, then: Outcome, now: Outcome) -> Difference | None:
        """How the answer that was given differs from the one that would be; None if it does not.

        Raises KeyError, TypeError or ValueError for a record whose ``reply`` is none of nacd's.
        """
        if (then.effect, then.profile) != (now.effect, now.profile):
            return Difference(before=word(then), after=word(now))
        pair = (now.profile, fields["nas"]["vendor"])
        if now.effect is Effect.DENY or pair not in self._rendered:
            return None
        written = decided_reply(fields)["attributes"]
        timeout_s = ending = None
        for each in written:
            if each["name"] == _TIMEOUT:
                timeout_s = each["value"]
            elif each["name"] == _ENDING:
                ending = each["value"]
        if timeout_s is not None and timeout_s != self._rendered[pair].session_timeout_s:
            timeout_s = self._unless_cut(timeout_s, fields, self._rendered[pair])
        key = (pair, _sent(written), self._own(pair, fields), timeout_s, ending)
        if key not in self._known:
            if len(self._known) >= _KEPT:
                self._known.clear()
            self._known[key] = self._compare(*key)
        return self._known[key]

    def _own(self, pair: tuple[str, str], fields: Fields) -> Sent:
        """What the profile sends to this one endpoint, besides what it sends to all."""
        rendered = self._rendered[pair]
        if not rendered.blanks:
            return ()
        state, session = fields["compliance"]["state"], fields["session"]
        known = Told(
            mac=fields["endpoint"]["mac"],
            device_id=fields["identity"]["id"],
            session=session["audit_session_id"] or session["acct_session_id"],
            reason="" if state == ComplianceState.NOT_ASKED else state,
        )
        return _sent(shown(fill(rendered, known)))

    def _unless_cut(self, timeout_s: int, fields: Fields, rendered: Rendered) -> int:
        """The profile's timeout where the certificate explains that another was sent."""
        certificate = fields.get("certificate")
        if certificate is None:
            return timeout_s
        left_s = max(1, int(moment(certificate["not_after"]) - moment(fields["time"])))
        nominal_s = rendered.session_timeout_s
        is_cut = abs(left_s - timeout_s) <= _CLOCKS_S and (not nominal_s or nominal_s > timeout_s)
        return nominal_s if is_cut else timeout_s

    def _compare(
        self, pair: tuple[str, str], written: Sent, own: Sent, timeout_s: int | None, ending: str | None
    ) -> Difference | None:
        rendered, fixed = self._rendered[pair], self._fixed[pair] + own
        changes = [f"{_named(each)} is sent no more" for each in written if each not in fixed]
        changes += [f"{_named(each)} is sent" for each in fixed if each not in written]
        if (timeout_s or 0) != rendered.session_timeout_s:
            changes.append(f"{_TIMEOUT} {timeout_s or 'none'} becomes {rendered.session_timeout_s or 'none'}")
        elif timeout_s and ending is not None and (ending == "RADIUS-Request") != rendered.reauthenticate:
            changes.append(f"{_ENDING} `{ending}` changes")
        if not changes:
            return None
        profile = f"`{pair[0]}`"
        return Difference(before=profile, after=f"{profile} with other attributes", detail="; ".join(changes))


def decided_reply(fields: Fields) -> Fields:
    """What was answered, or what would have been where a monitor has answered. Raises KeyError, TypeError."""
    found: Fields = fields["monitor"]["would"] if fields["code"] == MONITORED else fields["reply"]
    return found


def word(outcome: Outcome) -> str:
    """The answer, to count by."""
    return f"`{outcome.profile}`" if outcome.effect is Effect.ALLOW else REFUSED


def _sent(written: list[Any]) -> Sent:
    """What the profile sent, as it stands in a record."""
    return tuple(
        [
            (each["name"], each["value"], each.get("tag", 0))
            for each in written
            if each["name"] not in _OWN and not (each["name"] == "Class" and str(each["value"]).startswith(_TOKEN))
        ]
    )


def _named(attribute: tuple[str, Any, int]) -> str:
    name, value, tag = attribute
    return f"{name}{f':{tag}' if tag else ''} = {value}"
