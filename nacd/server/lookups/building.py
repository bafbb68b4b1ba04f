"""From a configuration to everybody who is asked about devices, tenant by tenant.

Knows: which source a tenant is asked through, and what all tenants share (the disk). Refuses to know: requests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from nacd.compliance.breaker import Breaker
from nacd.compliance.cache import VerdictCache
from nacd.config.sections.intune import Intune
from nacd.intune.fallback import Fallback
from nacd.intune.graph.source import GraphSource
from nacd.intune.nac.source import IntuneSource
from nacd.intune.options import IntuneOptions
from nacd.server import translate
from nacd.server.assembly import Assembled
from nacd.server.lookups.bulk import BulkRuns
from nacd.server.lookups.knowledge import Knowledge
from nacd.server.lookups.lookup import Lookup
from nacd.server.lookups.tenants import Lookups
from nacd.server.lookups.upkeep import TenantSource, Upkeep
from nacd.server.lookups.watch import LiveDevices
from nacd.store.verdicts import VerdictStore
from nacd.values import Instant

DATABASE = "verdicts.sqlite"
"""The file in the state folder that holds verdicts, addresses and bulk windows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointOnDisk:
    """Where one tenant's Compliance Retrieval was found last."""

    store: VerdictStore
    tenant: str

    def recall(self) -> str:
        """The address, ``""`` if none is kept."""
        return self.store.endpoint(self.tenant)

    def keep(self, base: str) -> None:
        """Keep it; trouble is the store's to report."""
        self.store.keep_endpoint(self.tenant, base)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """Everybody who is asked, and what is remembered of it."""

    lookups: Lookups
    live: LiveDevices
    bulk: tuple[BulkRuns, ...]
    store: VerdictStore
    sources: Mapping[str, TenantSource]
    upkeep: Upkeep


def source(wanted: Intune, options: IntuneOptions, memory: EndpointOnDisk | None = None) -> TenantSource:
    """Whoever is asked about the devices of one tenant. Raises OSError if its CA file cannot be read."""
    if wanted.source == "graph":
        return GraphSource(options)
    nac = IntuneSource(options, memory) if memory is not None else IntuneSource(options)
    return Fallback(nac, GraphSource(options)) if wanted.fallback == "graph" else nac


def build(assembled: Assembled, clock: Callable[[], Instant], report: Callable[[str], None]) -> Asking:
    """All of it, with token and address of each tenant being fetched already. Raises OSError for a CA file."""
    settings = assembled.loaded.settings
    store = VerdictStore(Path(settings.state) / DATABASE, report=report)
    sources: dict[str, TenantSource] = {}
    lookups: dict[str, Lookup] = {}
    for name, options in assembled.tenants.items():
        memory = EndpointOnDisk(store=store, tenant=name)
        sources[name] = source(settings.tenant_sections[name], options, memory)
        # Token and address are fetched now, in the background: the first login should not wait for them.
        sources[name].warm()
        cache = VerdictCache(translate.lifetimes(settings.compliance), capacity=settings.compliance.max_verdicts)
        lookups[name] = Lookup(
            source=sources[name],
            knowledge=Knowledge(tenant=name, cache=cache, shelf=store, clock=clock),
            breaker=Breaker(),
            options=translate.lookup_options(settings.compliance),
            clock=clock,
        )
    together = Lookups(lookups)
    poll = settings.compliance.poll
    return Asking(
        lookups=together,
        live=LiveDevices(poll.interval.total_seconds()),
        bulk=tuple(
            BulkRuns(
                tenant=name,
                source=asked,
                shelf=store,
                lookup=lookups[name],
                interval_s=poll.bulk.total_seconds(),
                clock=clock,
            )
            for name, asked in sources.items()
            if not isinstance(asked, GraphSource)  # it keeps its own list, and has no other
        ),
        store=store,
        sources=sources,
        upkeep=Upkeep(
            sources=sources, store=store, stale_for_s=settings.compliance.stale_for.total_seconds(), clock=clock
        ),
    )
