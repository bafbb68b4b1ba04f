"""The simulated Intune as a process of its own, so that it does not take time from the load generator.

`python -m tools.scenarios.microsoft DEVICES.json` prints one JSON line with its addresses and ends with its
standard input. Refuses to know: scenarios; they give orders over its management port.
"""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

from nacd.sim.intune import IntuneSimulator


class Microsoft:
    """The running process. base_url, ca_file, tenant and client_id as the simulator says."""

    def __init__(self, folder: Path, devices: list[dict[str, object]]) -> None:
        listed = folder / "devices.json"
        listed.write_text(json.dumps(devices), encoding="utf-8")
        words = [sys.executable, "-m", "tools.scenarios.microsoft", str(listed)]
        self.running = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).resolve().parents[2]
        )
        assert self.running.stdout is not None
        said = json.loads(self.running.stdout.readline())
        self.base_url = str(said["base_url"])
        self.ca_file = Path(said["ca_file"])
        self.tenant = str(said["tenant"])
        self.client_id = str(said["client_id"])
        self._orders = str(said["orders"])

    def order(self, method: str, path: str, **values: object) -> Any:
        """One order at the management port. Raises OSError when it refuses."""
        request = urllib.request.Request(self._orders + path, json.dumps(values).encode(), method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def questions(self, kind: str) -> list[str]:
        """Values asked about so far, of the kind ``mac`` or ``guid``; the newest ten thousand requests."""
        return [str(seen["value"]) for seen in self.order("GET", f"/history?kind={kind}")]

    def stop(self) -> None:
        """End the process."""
        assert self.running.stdin is not None
        self.running.stdin.close()
        self.running.wait(20)
        assert self.running.stdout is not None
        self.running.stdout.close()


def serve(devices: Path) -> None:
    """Serve until standard input ends."""
    with IntuneSimulator() as simulator:
        for device in json.loads(devices.read_text(encoding="utf-8")):
            simulator.put_device(**device)
        facts = {
            "base_url": simulator.base_url,
            "ca_file": simulator.ca_file,
            "tenant": simulator.tenant,
            "client_id": simulator.client_id,
            "orders": simulator.management_url,
        }
        print(json.dumps(facts), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
