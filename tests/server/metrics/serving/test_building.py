"""Every page of a whole daemon, and what it says of itself in trouble."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from nacd.server import daemon
from nacd.server.keeper.words import Queue, Status
from nacd.server.metrics.metric import Readings
from nacd.server.metrics.pages import TABLES
from nacd.server.metrics.requests import numbers as requests
from nacd.server.metrics.requests.words import EAP_CODES
from nacd.server.metrics.serving import building
from nacd.server.metrics.serving.building import Parts
from nacd.server.metrics.serving.text import text
from tests.server.house import Site, soon
from tests.server.test_daemon import serve

ALL = ("/metrics", "/healthz", "/readyz")


def fetch(site: Site, path: str, method: str = "GET") -> tuple[int, str]:
    ((host, port),) = json.loads((site.folder / "ready.json").read_text(encoding="utf-8"))["metrics"]
    request = urllib.request.Request(f"http://{host}:{port}{path}", method=method)
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()


@pytest.fixture
def shown(site: Site, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Parts], None]], None]:
    """Run a daemon; the story gets its parts."""
    site.change("server: {", 'server: {metrics: "127.0.0.1:0", ')
    found: list[Parts] = []
    whole = building.shown

    def kept(parts: Parts, *rest: Any) -> Any:
        found.append(parts)
        return whole(parts, *rest)

    monkeypatch.setattr(daemon, "shown", kept)

    def run(story: Callable[[Parts], None]) -> None:
        serve(site, monkeypatch, lambda _nas: story(found[0]))

    return run


def test_a_daemon_that_is_well_says_so_to_get_and_to_head(
    site: Site, shown: Callable[[Callable[[Parts], None]], None]
) -> None:
    def story(_parts: Parts) -> None:
        assert fetch(site, "/healthz") == (200, "ok\n")
        assert soon(lambda: fetch(site, "/readyz") == (200, "ok\n"), 15), fetch(site, "/readyz")
        for path in ALL:
            assert fetch(site, path, "HEAD") == (200, "")

    shown(story)


def test_every_table_is_read_once(site: Site, shown: Callable[[Callable[[Parts], None]], None]) -> None:
    def story(_parts: Parts) -> None:
        status, said = fetch(site, "/metrics")
        assert status == 200
        for title, table in TABLES.items():
            told = [metric for metric in table if said.count(f"# TYPE {metric.name} ") == 1]
            assert told or title == "Monitor mode", title

    shown(story)


def test_what_is_wrong_is_listed_and_only_some_of_it_stops_nacd(
    site: Site, shown: Callable[[Callable[[Parts], None]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def story(parts: Parts) -> None:
        breaker = parts.asking.lookups.by_tenant["intune"].errands.breaker
        for _ in range(50):
            breaker.failed(parts.worker._clock(), breaker.admit(parts.worker._clock()))
        assert soon(lambda: parts.keeper.now.up, 30)
        told: Any = {"waiting": 3, "oldest_s": 1.0, "sent": 0, "lost": 0}
        queues = (
            Queue(destination="siem", problem="it refuses the connection", **told),
            Queue(destination="lake", problem="", **told),
        )
        monkeypatch.setattr(type(parts.keeper), "now", replace(parts.keeper.now, status=Status(queues=queues)))
        parts.reloader.last.well, parts.reloader.last.outcome = False, "refused: 2 faults"
        status, said = fetch(site, "/readyz")
        assert (status, said.splitlines()[0]) == (200, "degraded")
        assert "degraded: breaker: Microsoft is not asked for `intune`" in said
        assert "degraded: reload: the last reload failed: refused: 2 faults" in said
        assert "degraded: forward: `siem` gets no records: it refuses the connection" in said
        assert "`lake`" not in said
        assert fetch(site, "/healthz")[0] == 200
        parts.recorder._failing, parts.recorder._why = True, "no space left on device"
        status, said = fetch(site, "/readyz?verbose")
        parts.recorder._failing = False
        assert status == 503
        told = json.loads(said)
        assert told["status"] == "not ready"
        (down,) = (each for each in told["findings"] if not each["serves"])
        assert down == {"check": "audit", "says": "no Accept leaves: no space left on device", "serves": False}

    shown(story)


def test_a_daemon_that_stops_says_so_while_it_finishes(
    site: Site, shown: Callable[[Callable[[Parts], None]], None]
) -> None:
    said: list[tuple[int, str]] = []

    def story(parts: Parts) -> None:
        settle = parts.worker.settle

        async def settling(patience_s: float) -> None:
            said.append(await asyncio.to_thread(fetch, site, "/readyz"))
            said.append(await asyncio.to_thread(fetch, site, "/healthz"))
            await settle(patience_s)

        parts.worker.settle = settling  # type: ignore[method-assign]

    shown(story)
    assert said == [(503, said[0][1]), (200, "ok\n")]
    assert "down: stopping: nacd is stopping" in said[0][1]


def test_sockets_that_nobody_reads_are_no_service(
    site: Site, shown: Callable[[Callable[[Parts], None]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def story(parts: Parts) -> None:
        assert list(building._down(parts)) == []
        monkeypatch.setattr(type(parts.listener), "serving", False)
        assert [each.check for each in building._down(parts)] == ["sockets"]

    shown(story)


CLIENT = """\
  - {{name: nas-{n}, network: 10.{a}.{b}.1, secret: "file:secrets/nas", vendor: cisco-ios, groups: [group-{g}]}}
"""


def test_a_thousand_nases_in_fifty_groups_keep_no_request_waiting(
    site: Site, shown: Callable[[Callable[[Parts], None]], None]
) -> None:
    """Not how long it takes in all, which the machine decides: others have their turn many times meanwhile."""
    many = "".join(CLIENT.format(n=n, a=n // 250, b=n % 250, g=n % 50) for n in range(1_000))
    site.change("clients:\n", "clients:\n" + many)

    async def page(tables: Sequence[Readings]) -> tuple[str, int]:
        written, turns = asyncio.ensure_future(text(tables, at_once_s=0.0)), 0
        while not written.done():
            turns += 1
            await asyncio.sleep(0)
        return written.result(), turns

    def story(parts: Parts) -> None:
        counts = parts.worker.counts
        for client in parts.reloader.in_force.current.assembled.clients:
            counts.sent(client.nas, 1, 11)
        status, served = fetch(site, "/metrics")
        assert status == 200
        assert served.count("nacd_requests_total{") == 52 * 16
        assert served.count("nacd_eap_failures_total{") == 52 * len(EAP_CODES)
        ongoing = parts.reloader.in_force.ongoing
        told = [
            Readings(requests.TABLE, lambda: requests.read(parts.worker, parts.drops.totals, ongoing), stepwise=True)
        ]
        written, turns = asyncio.run(page(told))
        assert written.count("nacd_eap_failures_total{") == 52 * len(EAP_CODES)
        assert turns > 30

    shown(story)
