"""All tenants' lookups behind one door.

Knows: which tenant a question is for. Refuses to know: how it is answered (``lookup``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from math import inf

from nacd.compliance.question import Question
from nacd.server.lookups.lookup import Lookup
from nacd.values import AccessRequest, Compliance, Instant


class Lookups:
    """by_tenant: each tenant's own. A question names a tenant of this configuration, or the spine has a bug."""

    def __init__(self, by_tenant: Mapping[str, Lookup]) -> None:
        self.by_tenant = dict(by_tenant)

    def known(self, question: Question, now: Instant, at_most_s: float = inf) -> Compliance | None:
        """The verdict if it is fresh in memory, and no older than this; None means that somebody must wait."""
        return self.by_tenant[question.tenant].known(question, now, at_most_s)

    async def compliance(self, question: Question, request: AccessRequest, at_most_s: float = inf) -> Compliance:
        """What is known of this device, asking if need be; never later than the deadline."""
        return await self.by_tenant[question.tenant].compliance(question, request, at_most_s)

    def start(self, question: Question, request: AccessRequest, *, guess: bool = False, at_most_s: float = inf) -> None:
        """Ask ahead of the need; nobody waits for it yet. guess: nothing has been proved yet."""
        self.by_tenant[question.tenant].start(question, request, guess=guess, at_most_s=at_most_s)

    @property
    def limited(self) -> Counter[str]:
        """How often each limit kept a question from being asked, by its name in the configuration."""
        total: Counter[str] = Counter()
        for lookup in self.by_tenant.values():
            total.update(lookup.errands.limited)
        return total

    async def close(self) -> None:
        """Stop asking."""
        for lookup in self.by_tenant.values():
            await lookup.close()
