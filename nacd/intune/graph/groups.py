"""In which groups of Entra ID a device's user is: one question for twenty groups, and what every refusal means.

Knows: Graph's ``POST /users/{id}/checkMemberGroups`` (transitive, at most 20 ids a question), the permissions for it,
and how long it is left alone after which refusal. Refuses to know: devices, verdicts, and what a group is good for.

Theory. What Graph says of a device stands whether or not the groups of its user can be told, so nothing here raises: a
group of which nobody knows is neither one that he is in nor one that he is not in, and no rule holds for it, also not
under ``not``. The directory has permissions and throttling of its own, so a refusal here leaves the devices alone, and
the other way round. Graph leaves out, in silence, groups whose members the application may not see (hidden membership):
then it says that the user is not in them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from nacd.errors import SourceError
from nacd.intune.client import HttpAnswer
from nacd.intune.cloud import Audience
from nacd.intune.graph.answers import read_document, refusal
from nacd.intune.graph.backoff import BackOff
from nacd.intune.nac.document import UnreadableError
from nacd.intune.nac.pause import Pause
from nacd.intune.refusals import challenge, error_text, retry_after_s
from nacd.intune.token import Bearer, Token, TokenSource

AT_ONCE: Final = 20
"""Ids in one question (Graph v1.0, ``user: checkMemberGroups``)."""
PERMISSIONS: Final = ("User.Read.All", "GroupMember.Read.All")
"""Application permissions, both needed: the least that there are for it."""
_ENOUGH: Final = (
    frozenset(PERMISSIONS),
    frozenset({"User.Read.All", "Group.Read.All"}),
    frozenset({"Directory.Read.All"}),
)
_JSON: Final = "application/json"
_NO_USER: Final = frozenset({"request_resourcenotfound", "resourcenotfound"})
_THROTTLES: Final = (429, 503, 504)
_AFTER_REFUSAL_S: Final = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """Object ids, sorted. doubt: why some of those that were wanted stand in neither, ``""`` if none does."""

    inside: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()
    doubt: str = ""


class _Doubt(Exception):
    """It cannot be told; the text says why."""


class Groups:
    """The groups that are asked about. Thread-safe."""

    def __init__(self, bearer: Bearer, tokens: TokenSource, graph: str, wanted: Iterable[str]) -> None:
        """graph: the cloud's root, ``https://host``. wanted: object ids, lower case."""
        self._bearer = bearer
        self._tokens = tokens
        self._root = graph
        self._wanted = tuple(sorted(wanted))
        self._back_off = BackOff()
        self.pause = Pause()

    def __bool__(self) -> bool:
        return bool(self._wanted)

    def of(self, user: str, until: float) -> Membership:
        """In which of them this user is. Raises nothing that is expected.

        user: his object id. until: monotonic seconds.
        """
        inside, outside = list[str](), list[str]()
        try:
            for first in range(0, len(self._wanted), AT_ONCE):
                some = self._wanted[first : first + AT_ONCE]
                joined = self._joined(user, some, until)
                inside += [id for id in some if id in joined]
                outside += [id for id in some if id not in joined]
        except (_Doubt, SourceError) as trouble:
            doubt = trouble.detail if isinstance(trouble, SourceError) else str(trouble)
            return Membership(inside=tuple(inside), outside=tuple(outside), doubt=doubt)
        return Membership(inside=tuple(inside), outside=tuple(outside))

    def _joined(self, user: str, some: Sequence[str], until: float) -> frozenset[str]:
        """Raises _Doubt, SourceError."""
        left_s, why = self.pause.left()
        if left_s:
            raise _Doubt(f"not asked again for {left_s:.0f} s: {why}")
        url = f"{self._root}/v1.0/users/{quote(user, safe='')}/checkMemberGroups"
        answer = self._bearer.post(url, json.dumps({"groupIds": list(some)}).encode(), _JSON, until)
        if answer.status != 200:
            raise _Doubt(self._refused(answer))
        self._back_off.eased()
        document = read_document(answer.body, answer.content_type)
        found: Any = document.get("value")
        if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
            raise UnreadableError("graph's answer is not a list of groups")
        if "@odata.nextLink" in document:
            raise UnreadableError("graph's answer about groups is not whole")
        return frozenset(each.lower() for each in found) & frozenset(some)

    def _refused(self, answer: HttpAnswer) -> str:
        """The meaning of a refusal, after the pause it asks for has begun."""
        said = error_text(answer.body)
        detail = self._meaning(answer) + (f": {said}" if said.message else "")
        if answer.status in _THROTTLES:
            if answer.status == 429:
                self.pause.throttle()
            wanted_s = retry_after_s(answer.headers, time.time(), default_s=said.retry_after_s)
            self.pause.extend(wanted_s or self._back_off.next_s(), detail)
        elif answer.status in (401, 403):
            self.pause.extend(_AFTER_REFUSAL_S, detail)
            token = self._tokens.held(Audience.GRAPH)
            if token is not None and _missing(token):
                self._tokens.reject(Audience.GRAPH, token)  # consent that is given meanwhile comes with a new one
        return detail

    def _meaning(self, answer: HttpAnswer) -> str:
        status, code = answer.status, refusal(answer.body, answer.content_type)
        if status == 403:
            token = self._tokens.held(Audience.GRAPH)
            words = "graph refuses to tell groups (status 403): it needs the permissions " + " and ".join(PERMISSIONS)
            more = (_missing(token) if token is not None else "", challenge(answer.headers.get("www-authenticate", "")))
            return "; ".join(part for part in (words, *more) if part)
        if status == 404 and code.lower() in _NO_USER:
            return "graph knows no such user (any more)"
        meaning = {
            400: "graph refuses the question about groups (status 400)",
            401: "graph refuses the token (status 401): is the cloud the right one",
            404: f"graph answers status 404 with `{code}` about groups"
            if code
            else "the answer about groups is status 404 and not graph's: is a proxy in between",
            429: "graph is throttling questions about groups (status 429)",
        }.get(status)
        if meaning is None and 300 <= status < 400:
            meaning = f"graph redirects elsewhere (status {status}), which is not followed"
        return meaning or f"graph is failing (status {status})"


def _missing(token: Token) -> str:
    """What the token says is missing, ``""`` if nothing, or nothing can be seen."""
    if not token.readable or any(each <= set(token.roles) for each in _ENOUGH):
        return ""
    lacks = [role for role in PERMISSIONS if role not in token.roles]
    there = ", ".join(token.roles)[:300] or "none"
    return f"consent missing: the token lacks {' and '.join(lacks)} (it has: {there}); grant admin consent"
