"""A real Prometheus asks a running nacd, and has loaded the alerts."""

from __future__ import annotations

import json
import socket
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nacd.sim.nas import Nas
from tests.server.conftest import pki, said, site  # noqa: F401  fixtures of a whole nacd
from tests.server.house import LAPTOP_MAC, PRINTER_MAC, Site
from tests.server.test_daemon import serve

HOME = Path(__file__).resolve().parents[2]
CONFIG = """\
global: {{scrape_interval: 200ms, scrape_timeout: 200ms, evaluation_interval: 200ms}}
rule_files: ["{rules}"]
scrape_configs:
  - job_name: nacd
    static_configs: [{{targets: ["{target}"]}}]
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
        return port


class Collector:
    """Prometheus on loopback, with its data in a folder of the test."""

    def __init__(self, prometheus: Any, folder: Path, target: str) -> None:
        config = folder / "prometheus.yml"
        rules = HOME / "config" / "prometheus" / "nacd.rules.yml"
        config.write_text(CONFIG.format(rules=rules, target=target), encoding="utf-8")
        self.url = f"http://127.0.0.1:{free_port()}"
        self.running = prometheus.popen(
            [
                f"--config.file={config}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address={self.url.removeprefix('http://')}",
            ],
            stdout=(folder / "prometheus.log").open("w"),
        )

    def ask(self, path: str, **query: str) -> Any:
        url = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(url, timeout=5) as answer:
            return json.load(answer)["data"]

    def value(self, expression: str) -> float | None:
        found = self.ask("query", query=expression)["result"]
        return float(found[0]["value"][1]) if found else None

    def until(self, holds: Callable[[], bool], within_s: float = 20.0) -> bool:
        end = time.monotonic() + within_s
        while time.monotonic() < end:
            try:
                if holds():
                    return True
            except OSError:
                assert self.running.poll() is None, "prometheus has ended"
            time.sleep(0.05)
        return False


@pytest.mark.peer
@pytest.mark.slow
def test_prometheus_collects_what_nacd_counts_and_loads_the_alerts(
    site: Site,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    peer: Callable[[str], Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    site.change("server: {", 'server: {metrics: "127.0.0.1:0", ')
    prometheus, folder = peer("prometheus"), tmp_path_factory.mktemp("prometheus")

    def story(nas: Nas) -> None:
        ((host, port),) = json.loads((site.folder / "ready.json").read_text(encoding="utf-8"))["metrics"]
        collector = Collector(prometheus, folder, f"{host}:{port}")
        nas.timeout_s = 10.0
        nas.mab(PRINTER_MAC)
        nas.mab(LAPTOP_MAC)
        assert collector.until(lambda: collector.value('up{job="nacd"}') == 1)
        accepted = 'sum(nacd_requests_total{group="wired", access="mab", outcome="accept"})'
        assert collector.until(lambda: collector.value(accepted) == 1)
        assert collector.value("sum(nacd_answer_seconds_count)") == 2
        assert collector.value('count(nacd_stage_seconds_bucket{stage="queue"})') == 8
        (target,) = collector.ask("targets")["activeTargets"]
        assert (target["health"], target["lastError"]) == ("up", "")
        groups = collector.ask("rules")["groups"]
        rules = [rule for group in groups for rule in group["rules"]]
        assert len(rules) > 40
        assert collector.until(
            lambda: all(rule["health"] == "ok" for group in collector.ask("rules")["groups"] for rule in group["rules"])
        )
        alerts = collector.ask("alerts")["alerts"]
        firing = {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"}
        assert firing <= {"NacdShadowOff"}

    serve(site, monkeypatch, story)
