"""What a running nacd counts, asked as a collector of metrics would.

Knows: HTTP, the text format, and the kernel's count of a process's memory. Refuses to know: what the numbers ought to
be.
"""

from __future__ import annotations

import json
import re
import urllib.request
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families


def shown(config: dict[str, Any]) -> None:
    """Have nacd show its metrics, at a port of the kernel's choice."""
    config["server"]["metrics"] = "127.0.0.1:0"


def numbers(nacd: Any) -> dict[str, float]:
    """Every sample by its name; those with labels as ``name{value,value}``, the values in the order of their names."""
    ((host, port),) = json.loads((nacd.folder / "ready.json").read_text(encoding="utf-8"))["metrics"]
    with urllib.request.urlopen(f"http://{host}:{port}/metrics", timeout=5) as answer:
        text = answer.read().decode()
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            values = ",".join(value for _, value in sorted(sample.labels.items()))
            found[sample.name + (f"{{{values}}}" if values else "")] = sample.value
    return found


def resident_octets(nacd: Any) -> int:
    """Memory that the process holds."""
    status = Path(f"/proc/{nacd.process.pid}/status").read_text(encoding="ascii")
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) * 1024
