"""Which metrics and labels there are, for whoever holds an expression against them."""

from __future__ import annotations

import re
from functools import cache

from prometheus_client import ProcessCollector

from nacd.server.metrics.pages import TABLES
from nacd.server.metrics.requests.words import DROPS, EAP_CODES, KINDS, OUTCOMES
from nacd.sessions import Meaning, Phase

WORDS = {
    ("nacd_requests_total", "outcome"): OUTCOMES,
    ("nacd_requests_total", "access"): KINDS,
    ("nacd_eap_failures_total", "code"): EAP_CODES,
    ("nacd_packets_dropped_total", "reason"): DROPS,
    ("nacd_stage_seconds_bucket", "stage"): ("queue", "eap", "policy", "lookup", "leave"),
    ("nacd_compliance_answers_total", "how"): ("hit", "miss", "stale", "coalesced", "late", "unavailable", "disk"),
    ("nacd_sessions", "phase"): tuple(Phase),
    ("nacd_coa_outcomes_total", "meaning"): tuple(Meaning),
}
"""What the values of a label may be, where code says them."""

# What Prometheus makes itself, or adds to everything it collects.
_ITS_OWN = {"up": set[str](), "ALERTS": {"alertname", "alertstate", "severity"}}
_ADDED = {"job", "instance"}
_SELECTED = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)\s*\{([^}]*)\}")
_NAME = re.compile(r"\b(?:nacd_[a-z0-9_]+|process_[a-z0-9_]+|up\b|ALERTS\b)")
_MATCHER = re.compile(r"([a-zA-Z_]+)\s*(?:=~|!~|!=|=)\s*\"((?:[^\"\\]|\\.)*)\"")
_GROUPED = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")


@cache
def series() -> dict[str, set[str]]:
    """Labels by the name of the series."""
    known = {name: set(labels) | _ADDED for name, labels in _ITS_OWN.items()}
    for table in TABLES.values():
        for metric in table:
            for name in metric.series:
                known[name] = {*metric.labels, *_ADDED} | ({"le"} if name.endswith("_bucket") else set())
    for family in ProcessCollector(registry=None).collect():
        known[f"{family.name}_total" if family.type == "counter" else family.name] = set(_ADDED)
    return known


def labels_of(name: str) -> set[str]:
    """Those that its series have."""
    return series().get(name, set())


def metrics_in(expression: str) -> set[str]:
    """Every series that is named."""
    bare = re.sub(r"\"(?:[^\"\\]|\\.)*\"", '""', _GROUPED.sub(" ", expression))
    return set(_NAME.findall(bare))


def unknown(expression: str) -> list[str]:
    """What is named and is not there: series, labels of a selection, labels that are grouped by."""
    names = metrics_in(expression)
    wrong = [name for name in sorted(names) if name not in series()]
    for name, selection in _SELECTED.findall(expression):
        for label, wanted in _MATCHER.findall(selection):
            if label not in labels_of(name):
                wrong.append(f"{name}{{{label}}}")
            for word in wanted.split("|") if (name, label) in WORDS and not wanted.startswith("$") else ():
                if not any(re.fullmatch(word, each) for each in WORDS[name, label]):
                    wrong.append(f"{name}{{{label}={word}}}")
    possible = {label for name in names for label in labels_of(name)}
    for group in _GROUPED.findall(expression):
        wrong += [f"by ({label})" for label in filter(None, map(str.strip, group.split(","))) if label not in possible]
    return wrong
