"""Monitor mode ends while sessions are up: nobody is disturbed before, and each is decided again by itself after."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from nacd.sessions import Pending, Settled
from tests.server.sessions.wired import play, wired

HOUR_S = 3_600


def policy() -> str:
    end = (datetime.now(UTC) + timedelta(hours=1)).isoformat(timespec="seconds")
    return f"""\
monitor: {{until: "{end}", profile: open}}
profiles:
  open:      {{attributes: {{Filter-Id: OPEN}}}}
  corporate: {{attributes: {{Filter-Id: STAFF}}}}
rules:
  - {{name: healthy, when: {{access: dot1x, compliance: compliant}}, then: corporate}}
"""


@pytest.mark.slow
def test_nobody_is_disturbed_while_it_lasts_and_from_its_end_on_the_decision_counts(tmp_path: Path) -> None:
    async def story() -> None:
        async with wired(tmp_path, policy=policy()) as house:
            house.knows(1, "compliant")
            session = (await house.login(1, "A1")).session
            assert session.standing.profile == "open"
            house.verdict(1, "noncompliant")
            for rounds in (1, 2):
                await house.until(lambda rounds=rounds: house.loop.status(house.clock()).rounds == rounds)  # type: ignore[misc]
                house.clock.ahead_s += 61
            await house.quiet()
            assert house.switches["sw"].heard == []
            assert house.session(session.id).wish == Settled()
            house.clock.ahead_s += HOUR_S
            await house.until(lambda: isinstance(house.session(session.id).wish, Pending))
            await house.until(lambda: len(house.switches["sw"].heard) >= 1)
            (wanted,) = house.records("session.change_wanted")
            assert wanted["change"]["trigger"] == "round"

    play(story)


@pytest.mark.slow
def test_the_end_for_many_at_once_passes_the_guard_like_everything_else(tmp_path: Path) -> None:
    async def story() -> None:
        async with wired(tmp_path, policy=policy()) as house:
            sessions = []
            for device in range(1, 11):
                house.knows(device, "noncompliant")
                sessions.append((await house.login(device, f"A{device}")).session.id)
            house.clock.ahead_s += HOUR_S
            await house.until(lambda: all(isinstance(house.session(each).wish, Pending) for each in sessions))
            assert house.loop.status(house.clock()).held == 10
            assert house.switches["sw"].heard == []

    play(story)


@pytest.mark.slow
def test_the_next_login_after_the_end_is_enforced(tmp_path: Path) -> None:
    async def story() -> None:
        async with wired(tmp_path, policy=policy()) as house:
            house.knows(1, "compliant")
            session = (await house.login(1, "A1")).session
            house.clock.ahead_s += HOUR_S
            house.knows(1, "compliant")
            assert (await house.login(1, "A1")).session.standing.profile == "corporate"
            await house.until(lambda: house.session(session.id).wish == Settled())
            await house.quiet()
            assert house.session(session.id).standing.profile == "corporate"

    play(story)
