"""Both clocks, read once."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from nacd.server.clock import instant, random_octets
from tests.conftest import unavailable

SLEPT_S = 100_000
ASIDE = "import time; from nacd.server.clock import instant; print(instant().monotonic - time.monotonic())"


def test_an_instant_never_runs_backwards_on_the_monotonic_clock() -> None:
    first, second = instant(), instant()
    assert second.monotonic >= first.monotonic
    assert abs(second.wall - first.wall) < 60


@pytest.mark.netns
def test_the_time_that_a_machine_sleeps_counts() -> None:
    """A time namespace: the clock that counts sleep is ahead of the one that does not, as after a sleep."""
    unshare = shutil.which("unshare")
    if os.geteuid() != 0 or unshare is None:
        unavailable("time namespaces need root and `unshare` (util-linux)")
    asleep = (unshare, "--time", f"--boottime={SLEPT_S}", "--fork")
    ran = subprocess.run([*asleep, sys.executable, "-c", ASIDE], capture_output=True, text=True, check=True)
    assert SLEPT_S <= float(ran.stdout) + 1.0 <= SLEPT_S + 60.0


def test_random_octets_come_in_the_number_asked_and_differ() -> None:
    assert len(random_octets(16)) == 16
    assert random_octets(16) != random_octets(16)
