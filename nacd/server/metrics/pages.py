"""What can be fetched: the metrics as text, a word that nacd is alive; and the same tables as documentation.

Knows: which tables there are, the text format. Refuses to know: HTTP (``endpoint``), and what a number means.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from nacd.server.metrics import compliance, mab, monitor, program, reload, sessions, shadow
from nacd.server.metrics.metric import Readings

TABLES = {
    "nacd": program.TABLE,
    "Compliance": compliance.TABLE,
    "Sessions": sessions.TABLE,
    "MAB": mab.TABLE,
    "Monitor mode": monitor.TABLE,
    "Shadow policy": shadow.TABLE,
    "Reloads": reload.TABLE,
}
"""Every table that is documented, by its title. A new one belongs here and into the daemon's ``Readings``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """body: makes it anew for each who asks."""

    content_type: str
    body: Callable[[], bytes]


def pages(*readings: Readings) -> Mapping[str, Page]:
    """By path. Raises ValueError when two tables have a name in common."""
    registry = CollectorRegistry()
    for reading in readings:
        registry.register(reading)
    ProcessCollector(registry=registry)
    return {
        "/metrics": Page(content_type=CONTENT_TYPE_PLAIN_0_0_4, body=partial(generate_latest, registry)),
        "/healthz": Page(content_type="text/plain; charset=utf-8", body=lambda: b"ok\n"),
    }


def document() -> str:
    """The tables as Markdown, for the documentation."""
    lines = [
        "# Metrics",
        "",
        "With `server.metrics: 127.0.0.1:9812`, nacd answers `GET /metrics` on that address over HTTP, in the text"
        " format of Prometheus, and `GET /healthz` with `ok` as long as its event loop turns. There is no password: the"
        " loopback address is meant for an agent on the same machine, and for any other address a firewall has to say"
        " who may ask. No metric names a device or a user; tenants appear by their name in nacd.yaml (`intune` when"
        " there is only one).",
        "",
        "Everything is read at the moment of the question. Counters begin at 0 with each start of nacd.",
    ]
    for title, table in TABLES.items():
        lines += ["", f"## {title}", "", "| metric | kind | labels | meaning |", "|---|---|---|---|"]
        for metric in table:
            labels = ", ".join(f"`{label}`" for label in metric.labels) or "-"
            lines.append(f"| `{metric.name}` | {metric.kind} | {labels} | {metric.meaning} |")
    lines += ["", "## Process", "", "From the Prometheus library, out of `/proc`.", ""]
    lines += ["| metric | kind | meaning |", "|---|---|---|"]
    for family in ProcessCollector(registry=None).collect():
        name = f"{family.name}_total" if family.type == "counter" else family.name
        lines.append(f"| `{name}` | {family.type} | {family.documentation} |")
    lines += ["", "## Worth an alert", "", "| expression | says |", "|---|---|"]
    lines += [f"| `{expression}` | {says} |" for expression, says in ALERTS.items()]
    return "\n".join(lines) + "\n"


ALERTS = {
    "nacd_monitor_in_force == 1": "monitor mode is on: decisions are not enforced there, until its end",
    "nacd_monitor_in_force == 1 and nacd_monitor_left_seconds < 3 * 86400": "monitor mode ends within three days: look"
    " at what will be refused",
    "nacd_shadow_on == 0": "the shadow policy is faulty or was switched off: `nacd shadow report` says why",
    "nacd_intune_credential_expires_timestamp_seconds - time() < 30 * 86400": "a credential ends within 30 days",
    "nacd_intune_credential_ok == 0": "a credential is refused or broken",
    "nacd_intune_consent_missing == 1": "a permission is missing: `nacd doctor` says which",
    "nacd_compliance_breaker_open == 1": "Microsoft fails; devices get their last verdict, or `unavailable`",
    'rate(nacd_compliance_answers_total{how="unavailable"}[5m]) > 0': "logins are decided without a verdict",
    'rate(nacd_compliance_answers_total{how="stale"}[5m]) > 0': "logins are decided by old verdicts",
    "nacd_compliance_poll_interval_feasible_seconds > nacd_compliance_poll_interval_seconds": "live devices cannot be"
    " polled as often as configured",
    "time() - nacd_bulk_last_success_timestamp_seconds > 12 * 3600": "no list of noncompliant devices for half a day",
    "nacd_verdict_store_ok == 0": "verdicts are not kept on disk",
    "nacd_sessions_store_ok == 0": "sessions are not kept on disk, and accounting goes unanswered",
    "increase(nacd_accounting_unanswered_total[10m]) > 0": "accounting went unanswered: the disk is full or slow",
    "nacd_reload_last_ok == 0": "a new configuration was refused, or has taken itself back: `nacd reload --status`",
    "nacd_guard_held == 1": "many sessions would change at once: `nacd coa status`, then release or discard",
    "nacd_compliance_oldest_live_verdict_age_seconds > 3 * nacd_compliance_poll_interval_seconds": "a live session"
    " rests on a verdict that polling does not renew",
    "increase(nacd_mab_two_ports_total[1h]) > 0": "a MAC is on two ports at once: see `mab.two_ports` in the audit log",
    "increase(nacd_mab_managed_refused_total[1h]) > 0": "a managed device, or who shows its MAC, tries to come by MAB",
    "nacd_mab_inventory_store_ok == 0": "the inventory cannot be kept on disk",
    "nacd_coa_silent_addresses > 0": "a NAS does not answer: `nacd coa status` says which",
    'increase(nacd_coa_outcomes_total{meaning=~"alarm|configuration"}[15m]) > 0': "a NAS refuses what it is asked: its"
    " settings or the vendor data are wrong",
}
"""Expressions that stand in the documentation, and what each says when it is true."""
