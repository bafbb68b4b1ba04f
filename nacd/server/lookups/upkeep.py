"""What is looked after once an hour: credentials that end, consent that is missing, verdicts nobody will use again.

Knows: what was said already. Refuses to know: how credentials are used and verdicts are kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TypeAlias

from nacd.intune import expiry
from nacd.intune.fallback import Fallback
from nacd.intune.graph.source import GraphSource
from nacd.intune.nac.source import IntuneSource
from nacd.server.log import logger
from nacd.server.lookups.threads import Threads
from nacd.store.verdicts import VerdictStore
from nacd.values import Instant

TenantSource: TypeAlias = IntuneSource | GraphSource | Fallback
_EVERY_S = 3600.0
_SOON_S = 60.0
_LONGEST_LIFETIME_S = 7 * 86_400.0


class Upkeep:
    """stale_for_s: for how long a verdict is used after its lifetime; what is older is forgotten on disk."""

    def __init__(
        self,
        *,
        sources: Mapping[str, TenantSource],
        store: VerdictStore,
        stale_for_s: float,
        clock: Callable[[], Instant],
    ) -> None:
        self._sources = sources
        self._store = store
        self._keep_s = stale_for_s + _LONGEST_LIFETIME_S
        self._clock = clock
        began = clock()
        self._ahead_s = began.wall - began.monotonic
        self._said: dict[tuple[str, int, float], int] = {}
        self._consent: dict[str, str] = {}
        self._looked_again = False
        self._thread = Threads(1, "upkeep")
        self._log = logger("upkeep")

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self.look()
            if not self._looked_again:
                # Consent shows in the first token, which takes a moment.
                await asyncio.sleep(_SOON_S)
                self._looked_again = True
                self.look()
            forgotten = await self._thread.run(self.forget)
            if forgotten:
                self._log.info("verdicts forgotten", count=forgotten)
            await asyncio.sleep(_EVERY_S)

    def forget(self) -> int:
        """Forget on disk what nobody will use again: how many. Blocking.

        Days are counted by the clock that never jumps: one that is set far ahead for an hour costs nobody what is
        known. One that was set back forgets the later; the store bounds what stays.
        """
        now = self._clock()
        return self._store.forget_older_than(min(now.wall, now.monotonic + self._ahead_s) - self._keep_s)

    def look(self) -> None:
        """Say what is new: 30, 7 and 1 day before a credential ends, and when it has."""
        for tenant, source in self._sources.items():
            stands = source.status()
            for number, credential in enumerate(stands.credentials):
                key = (tenant, number, credential.expires_at)
                step = expiry.due(credential.expires_at, self._clock().wall, self._said.get(key, expiry.NEVER))
                if step == expiry.NEVER:
                    continue
                self._said[key] = step
                which = "the second credential" if number else "the credential"
                what = f"{which} of tenant `{tenant}` ({credential.kind})"
                words = expiry.words(what, credential.expires_at, self._clock().wall)
                self._log.warning(f"{words}: make a new one in the app registration, and set it as `next_credential`")
            if stands.consent and self._consent.get(tenant) != stands.consent:
                self._log.warning(f"tenant `{tenant}`: {stands.consent}")
            self._consent[tenant] = stands.consent
