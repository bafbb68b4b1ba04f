"""What can be fetched: the metrics as text, a word that nacd is alive; and the same tables as documentation.

Knows: which tables there are, the text format. Refuses to know: HTTP (``endpoint``), and what a number means.
"""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from nacd.server.metrics import compliance, mab, monitor, program, reload, sessions, shadow
from nacd.server.metrics.health import expiry, pulse
from nacd.server.metrics.metric import Readings
from nacd.server.metrics.requests import numbers as requests
from nacd.server.metrics.serving.page import Asked, Page, Shown
from nacd.server.metrics.serving.text import text
from nacd.server.metrics.trail import numbers as trail

TABLES = {
    "nacd": program.TABLE,
    "Requests": requests.TABLE,
    "Compliance": compliance.TABLE,
    "Sessions": sessions.TABLE,
    "MAB": mab.TABLE,
    "Monitor mode": monitor.TABLE,
    "Shadow policy": shadow.TABLE,
    "Reloads": reload.TABLE,
    "Audit trail": trail.TABLE,
    "Certificates": expiry.TABLE,
    "Event loop": pulse.TABLE,
}
"""Every table that is documented, by its title. A new one belongs here and into ``serving.building.readings``."""


def pages(*readings: Readings) -> Mapping[str, Page]:
    """By path. Raises ValueError when two tables have a name in common."""
    names = CollectorRegistry()
    for reading in readings:
        names.register(reading)
    process = CollectorRegistry()
    ProcessCollector(registry=process)

    async def metrics(_asked: Asked) -> Shown:
        said = await text(readings)
        return Shown(content_type=CONTENT_TYPE_PLAIN_0_0_4, body=said.encode() + generate_latest(process))

    return {"/metrics": metrics}


def document() -> str:
    """The tables as Markdown, for the documentation."""
    lines = [
        "# Metrics",
        "",
        "With `server.metrics: 127.0.0.1:9812`, nacd answers `GET /metrics` on that address over HTTP, in the text"
        " format of Prometheus. There is no password: the loopback address is meant for an agent on the same machine,"
        " and for any other address a firewall has to say who may ask. No metric names a device, a user or an address;"
        " tenants, groups of NASes and destinations appear by their names in nacd.yaml (the tenant is `intune` when"
        " there is only one). NASes do not, but for `server.metrics_per_nas`.",
        "",
        "Everything is read at the moment of the question. Counters begin at 0 with each start of nacd. A NAS counts in"
        " one group only, the first that it has in `clients`, so that groups add up.",
        "",
        "`GET /readyz` and `GET /healthz` say whether nacd serves and whether it is alive; [alerts.md](alerts.md) tells"
        " what they say, and has the alerts of config/prometheus/nacd.rules.yml. config/grafana/nacd.json is a"
        " dashboard for Grafana: import it and choose the Prometheus that asks nacd.",
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
    return "\n".join(lines) + "\n"
