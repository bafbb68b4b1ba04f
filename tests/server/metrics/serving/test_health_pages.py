"""`/healthz` and `/readyz`, for machines and for people."""

from __future__ import annotations

import asyncio
import json

from nacd.server.metrics.health.readiness import Finding, Health
from nacd.server.metrics.serving.health_pages import health_pages
from nacd.server.metrics.serving.page import Asked, Shown

HELD = Finding(check="guard", says="it holds 5 changes")
FULL = Finding(check="audit", says="no Accept leaves: the disk is full", serves=False)


def page(path: str, *found: Finding, verbose: bool = False, age_s: float = 0.0) -> Shown:
    pages = health_pages(Health(tick_age_s=lambda: age_s, looks=(lambda: found,)))

    async def asked() -> Shown:
        return await pages[path](Asked(query="verbose" if verbose else ""))

    return asyncio.run(asked())


def test_all_is_well() -> None:
    for path in ("/healthz", "/readyz"):
        assert (page(path).status, page(path).body) == (200, b"ok\n")
        assert json.loads(page(path, verbose=True).body) == {"status": "ok", "findings": []}


def test_what_is_served_in_spite_of_is_told_and_stays_200() -> None:
    shown = page("/readyz", HELD)
    assert (shown.status, shown.body) == (200, b"degraded\ndegraded: guard: it holds 5 changes\n")


def test_what_stops_it_is_503_and_comes_first() -> None:
    shown = page("/readyz", HELD, FULL)
    assert shown.status == 503
    assert shown.body.decode().splitlines() == [
        "not ready",
        "down: audit: no Accept leaves: the disk is full",
        "degraded: guard: it holds 5 changes",
    ]
    told = page("/readyz", HELD, FULL, verbose=True)
    assert told.content_type == "application/json"
    assert json.loads(told.body)["findings"][1] == {"check": "audit", "says": FULL.says, "serves": False}


def test_liveness_depends_on_nothing_outside() -> None:
    assert page("/healthz", FULL).status == 200
    assert page("/healthz", age_s=60.0).status == 503
    assert page("/readyz", age_s=60.0).status == 503
