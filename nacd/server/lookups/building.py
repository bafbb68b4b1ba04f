"""From a configuration to everybody who is asked about devices, tenant by tenant.

Knows: which source a tenant is asked through, and what all tenants share (the disk). Refuses to know: requests.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from nacd.compliance.breaker import Breaker
from nacd.compliance.bulk_plan import BulkWindow
from nacd.compliance.cache import VerdictCache
from nacd.compliance.question import Question
from nacd.config.sections.compliance import ComplianceSettings
from nacd.config.sections.intune import Intune
from nacd.intune.fallback import Fallback
from nacd.intune.graph.source import GraphSource
from nacd.intune.nac.source import IntuneSource
from nacd.intune.options import IntuneOptions
from nacd.radius.clients import Client
from nacd.server import translate
from nacd.server.assembly import Assembled
from nacd.server.lookups.bulk import BulkRuns
from nacd.server.lookups.knowledge import Knowledge
from nacd.server.lookups.lookup import Lookup, OnVerdict, nobody_listens
from nacd.server.lookups.tenants import Lookups
from nacd.server.lookups.upkeep import TenantSource, Upkeep
from nacd.server.lookups.watch import HowOften, LiveDevices
from nacd.server.lookups.witness import Record, Witness
from nacd.store.verdicts import VerdictStore, tenant_key
from nacd.values import Compliance, Instant

DATABASE = "verdicts.sqlite"
"""The file in the state folder that holds verdicts, addresses and bulk windows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointOnDisk:
    """Where one tenant's Compliance Retrieval was found last. tenant: its key on the disk."""

    store: VerdictStore
    tenant: str

    def recall(self) -> str:
        """The address, ``""`` if none is kept."""
        return self.store.endpoint(self.tenant)

    def keep(self, base: str) -> None:
        """Keep it; trouble is the store's to report."""
        self.store.keep_endpoint(self.tenant, base)


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantShelf:
    """What the disk has of one tenant. key: its key there; the names that others know it by are not looked at."""

    store: VerdictStore
    key: str

    def find(self, _tenant: str, key: str) -> object:
        """The ``Compliance`` kept of this device, or anything else for nothing; blocking, thread-safe."""
        return self.store.find(self.key, key)

    def put(self, _tenant: str, key: str, compliance: Compliance, *, newest: bool = False) -> Future[bool]:
        """Keep it; done once it is on disk. newest: as for ``VerdictStore.put``. Never blocks."""
        return self.store.put(self.key, key, compliance, newest=newest)

    def bulk_window(self, _tenant: str) -> BulkWindow:
        """The window as it was kept last; blocking."""
        return self.store.bulk_window(self.key)

    def keep_bulk_window(self, _tenant: str, window: BulkWindow) -> bool:
        """Keep it, durably; blocking; False if that cannot be done."""
        return self.store.keep_bulk_window(self.key, window)

    def good_among(self, _tenant: str, keys: Collection[str], before: float) -> tuple[str, ...]:
        """Which of these have a good verdict older than ``before`` (seconds since the epoch); blocking."""
        return self.store.good_among(self.key, keys, before)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """Everybody who is asked, and what is remembered of it. often_at: ``HowOften.by_nas``."""

    lookups: Lookups
    live: LiveDevices
    bulk: tuple[BulkRuns, ...]
    store: VerdictStore
    sources: dict[str, TenantSource]
    upkeep: Upkeep
    often_at: dict[str, float] = field(default_factory=dict)

    def renew(self, assembled: Assembled, sources: Mapping[str, TenantSource]) -> None:
        """Ask by this configuration from now on. sources: new ones, of the tenants whose options are others now.

        What is known of devices stays, and so does what is under way. Sessions that are there are asked about as often
        as when they began.
        """
        for name, asked in sources.items():
            self.sources[name] = asked  # `upkeep` looks after these
            self.lookups.by_tenant[name].errands.ask_another(asked)
            for run in self.bulk:
                if run.tenant == name and not isinstance(asked, GraphSource):
                    run.ask_another(asked)
            asked.warm()
        often = how_often(assembled.loaded.settings.compliance, assembled.clients)
        self.often_at.clear()
        self.often_at.update(often.by_nas)


def source(wanted: Intune, options: IntuneOptions, memory: EndpointOnDisk | None = None) -> TenantSource:
    """Whoever is asked about the devices of one tenant. Raises OSError if its CA file cannot be read."""
    if wanted.source == "graph":
        return GraphSource(options)
    nac = IntuneSource(options, memory) if memory is not None else IntuneSource(options)
    return Fallback(nac, GraphSource(options)) if wanted.fallback == "graph" else nac


def renewed(before: Assembled, after: Assembled, asking: Asking) -> Mapping[str, TenantSource]:
    """Of the tenants that are asked in another way now (credentials, addresses), whoever is asked then.

    Asks nobody yet; may run in a thread. Raises OSError for a CA file.
    """
    sections = after.loaded.settings.tenant_sections
    return {
        name: source(
            sections[name],
            options,
            EndpointOnDisk(store=asking.store, tenant=tenant_key(name, sections[name].cloud, sections[name].tenant)),
        )
        for name, options in after.tenants.items()
        if before.tenants.get(name) != options
    }


def how_often(wanted: ComplianceSettings, clients: Iterable[Client]) -> HowOften:
    """How often live devices are asked about; of several groups of a NAS the shortest interval counts."""
    groups = {name: interval.total_seconds() for name, interval in wanted.poll.groups.items()}
    by_nas = {
        client.nas.name: min(groups[name] for name in client.nas.groups & groups.keys())
        for client in clients
        if client.nas.groups & groups.keys()
    }
    return HowOften(
        each=wanted.poll.interval.total_seconds(),
        by_nas=by_nas,
        again=wanted.reauth_query_interval.total_seconds(),
    )


def build(
    assembled: Assembled,
    clock: Callable[[], Instant],
    report: Callable[[str], None],
    on_verdict: OnVerdict = nobody_listens,
    record: Record | None = None,
) -> Asking:
    """All of it, with token and address of each tenant being fetched already. Raises OSError for a CA file.

    on_verdict: as for ``Lookup``, of all tenants. record: as for ``Witness``.
    """
    settings = assembled.loaded.settings
    store = VerdictStore(Path(settings.state) / DATABASE, report=report)
    often = how_often(settings.compliance, assembled.clients)
    often_at = dict(often.by_nas)
    live = LiveDevices(replace(often, by_nas=often_at), clock)

    def told(question: Question, verdict: Compliance) -> None:
        live.verdict(question, verdict)
        on_verdict(question, verdict)

    sources: dict[str, TenantSource] = {}
    lookups: dict[str, Lookup] = {}
    shelves: dict[str, TenantShelf] = {}
    for name, options in assembled.tenants.items():
        section = settings.tenant_sections[name]
        shelves[name] = TenantShelf(store=store, key=tenant_key(name, section.cloud, section.tenant))
        memory = EndpointOnDisk(store=store, tenant=shelves[name].key)
        sources[name] = source(section, options, memory)
        # Token and address are fetched now, in the background: the first login should not wait for them.
        sources[name].warm()
        cache = VerdictCache(translate.lifetimes(settings.compliance), capacity=settings.compliance.max_verdicts)
        recalled = partial(live.recalled, name)
        lookups[name] = Lookup(
            source=sources[name],
            knowledge=Knowledge(tenant=name, cache=cache, shelf=shelves[name], clock=clock, on_recall=recalled),
            breaker=Breaker(),
            options=translate.lookup_options(settings.compliance),
            clock=clock,
            on_verdict=told,
            witness=Witness(record) if record is not None else None,
        )
    stale_for_s = settings.compliance.stale_for.total_seconds()
    upkeep = Upkeep(sources=sources, store=store, stale_for_s=stale_for_s, clock=clock)
    return Asking(
        lookups=Lookups(lookups),
        live=live,
        bulk=_bulk(sources, shelves, lookups, settings.compliance.poll.bulk.total_seconds(), clock),
        store=store,
        sources=sources,
        upkeep=upkeep,
        often_at=often_at,
    )


def _bulk(
    sources: Mapping[str, TenantSource],
    shelves: Mapping[str, TenantShelf],
    lookups: Mapping[str, Lookup],
    interval_s: float,
    clock: Callable[[], Instant],
) -> tuple[BulkRuns, ...]:
    return tuple(
        BulkRuns(
            tenant=name,
            source=asked,
            shelf=shelves[name],
            lookup=lookups[name],
            interval_s=interval_s,
            clock=clock,
        )
        for name, asked in sources.items()
        if not isinstance(asked, GraphSource)  # it keeps its own list, and has no other
    )
