"""What generations have answered, collected each second.

Knows: which groups a NAS is in, and which answers belong to the one that is tried out. Refuses to know: what the shares
are good for (``canary``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from nacd.server.reload.canary.windows import Windows
from nacd.server.reload.generation import Generation
from nacd.server.reload.in_force import InForce
from nacd.server.reload.outcomes import GONE
from nacd.values import AuditEvent, Instant


class Measuring:
    """For one event loop."""

    def __init__(self) -> None:
        self.windows = Windows()

    def collect(self, in_force: InForce, now: Instant) -> Counter[str]:
        """Take in what was answered since the last time; what the one that is tried out answered is given back."""
        tried: Counter[str] = Counter()
        for each in in_force.all():
            if each is in_force.canary:
                for (_, outcome), count in each.outcomes.items():
                    tried[outcome] += count if outcome else 0
            else:
                self._take(each, now)
            each.outcomes.clear()
        return tried

    def _take(self, generation: Generation, now: Instant) -> None:
        if not generation.outcomes:
            return
        groups = {client.nas.name: client.nas.groups for client in generation.assembled.clients}
        for (nas, outcome), count in generation.outcomes.items():
            if outcome:
                self.windows.add(groups.get(nas, ()), outcome, count, now.monotonic)


def unfinished(events: Iterable[AuditEvent], in_force: InForce) -> None:
    """Count conversations whose peer went silent. They began some seconds ago, by now with whoever is in force here."""
    for event in events:
        nas = event.fields.get("nas")
        if isinstance(nas, dict):
            in_force.choose(str(nas.get("source", ""))).outcomes[str(nas.get("name", "")), GONE] += 1
