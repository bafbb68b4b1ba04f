"""Fills a state file with verdicts, as a daemon that has been asked about so many devices would leave it.

``python -m tools.bench.compliance.rows FILE TENANT COUNT``, TENANT by its domain. Knows: nacd's own store. Refuses
to know: who starts on it.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from concurrent.futures import Future
from pathlib import Path

from nacd.store.verdicts import MOST_WAITING, VerdictStore, tenant_key
from nacd.values import Compliance, ComplianceSource, ComplianceState
from tools.bench.compliance.daemon import TENANT
from tools.bench.compliance.devices import guid


def fill(file: Path, tenant: str, count: int) -> None:
    """Raises RuntimeError if a verdict could not be kept."""
    key = tenant_key(TENANT, "custom", tenant)
    store = VerdictStore(file, report=lambda sentence: print(sentence, file=sys.stderr))
    said_at = time.time()
    waiting: deque[Future[bool]] = deque()
    for number in range(count):
        state = ComplianceState.COMPLIANT if number % 10 else ComplianceState.NONCOMPLIANT
        verdict = Compliance(
            state=state, as_of=said_at - number % 250, source=ComplianceSource.LIVE, provider="nac", detail=""
        )
        waiting.append(store.put(key, f"guid:{guid(number)}", verdict))
        if len(waiting) > MOST_WAITING // 2 and not waiting.popleft().result():
            raise RuntimeError(f"verdict {number} was not kept: {store.problem}")
    if not all(each.result() for each in waiting):
        raise RuntimeError(f"not every verdict was kept: {store.problem}")
    store.close()


if __name__ == "__main__":
    fill(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
