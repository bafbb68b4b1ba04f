"""`/healthz` and `/readyz`: a word for machines, the reasons for people, JSON for whoever asks for it.

Knows: the form. Refuses to know: what is looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final

import orjson

from nacd.server.metrics.health.readiness import Finding, Health, serves
from nacd.server.metrics.serving.page import JSON, Asked, Page, Shown

_WELL: Final = {True: HTTPStatus.OK, False: HTTPStatus.SERVICE_UNAVAILABLE}


def health_pages(health: Health) -> Mapping[str, Page]:
    """By path."""
    return {"/healthz": _page(health.live), "/readyz": _page(health.ready)}


def _page(find: Callable[[], tuple[Finding, ...]]) -> Page:
    async def page(asked: Asked) -> Shown:
        found = find()
        status = _WELL[serves(found)]
        if asked.wants_json:
            return Shown(status=status, content_type=JSON, body=orjson.dumps(_told(found)) + b"\n")
        return Shown(status=status, body="".join(f"{line}\n" for line in _lines(found)).encode())

    return page


def _lines(found: tuple[Finding, ...]) -> list[str]:
    head = "ok" if not found else "degraded" if serves(found) else "not ready"
    ordered = sorted(found, key=lambda each: each.serves)
    return [head, *(f"{'degraded' if each.serves else 'down'}: {each.check}: {each.says}" for each in ordered)]


def _told(found: tuple[Finding, ...]) -> dict[str, object]:
    return {
        "status": _lines(found)[0],
        "findings": [{"check": each.check, "says": each.says, "serves": each.serves} for each in found],
    }
