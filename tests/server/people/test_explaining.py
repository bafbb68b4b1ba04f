"""Why a session has what it has, what the policy says of it now, and what would change that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from nacd.policy.answered import ComplianceIs, VerdictAge
from nacd.policy.model import Policy, Rule
from nacd.reassess import Reassessed, reassess
from nacd.server.people.command import Asked, NotDone, OrderRefused
from nacd.server.people.explaining import Insight, commands
from nacd.server.people.roles import Person, Role
from nacd.session.overrides import InForce, Override, OverrideEffect, SubjectKind
from nacd.sessions import NotOurs, Session
from nacd.values import (
    AccessKind,
    Assurance,
    Compliance,
    ComplianceSource,
    ComplianceState,
    Device,
    DeviceId,
    IdentitySource,
    Instant,
)
from tests.server.people.stage import Stage, within
from tests.store.live.stage import NOW, accounted, authorized, guid, mac

HOUR_S = 3_600.0
POLICY = Policy(
    rules=(
        Rule(
            name="laptops",
            line=1,
            conditions=(
                ComplianceIs(states=(ComplianceState.COMPLIANT,)),
                VerdictAge(limit_s=4 * HOUR_S, over=False),
            ),
            then="corporate",
        ),
        Rule(name="others", line=2, conditions=(ComplianceIs(states=(ComplianceState.NONCOMPLIANT,)),), then="slow"),
    ),
    digest="ab" * 32,
)


class Deciding:
    """Decides by that policy, and does nothing."""

    policy = POLICY
    policy_counts = False

    def would(self, session: Session, compliance: Compliance, order: InForce, at: float) -> Reassessed | NotOurs:
        return reassess(session, compliance, order, self.policy, at, policy_counts=True)


@dataclass
class Verdicts:
    """What is in memory; recalled: what was looked for on the disk."""

    known: dict[tuple[str, str], Compliance] = field(default_factory=dict)
    recalled: list[str] = field(default_factory=list)

    def find(self, tenant: str, key: str, now: Instant) -> Compliance | None:
        return self.known.get((tenant, key))

    async def recall(self, tenant: str, key: str) -> None:
        self.recalled.append(key)


def verdict(state: ComplianceState = ComplianceState.COMPLIANT, as_of: float = NOW) -> Compliance:
    return Compliance(state=state, as_of=as_of, source=ComplianceSource.CACHE)


async def nowhere(said: Mapping[str, Any]) -> None:
    raise AssertionError(f"nobody reads `{said}`")


async def ask(stage: Stage, order: str, verdicts: Verdicts, **fields: Any) -> Any:
    insight = Insight(
        book=stage.book,
        deciding=Deciding(),
        verdicts=verdicts,
        orders=stage.orders,
        tenants=("campus",),
        clock=stage.clock,
    )
    command = commands(insight)[order]
    assert command.role is Role.READ
    person = Person(uid=0, user="root", role=Role.READ)
    return await command.work(Asked(fields=fields, by=person, write=nowhere))


def about(number: int = 1, state: ComplianceState = ComplianceState.COMPLIANT) -> Verdicts:
    return Verdicts({("campus", f"guid:{guid(number)}"): verdict(state)})


def test_a_session_is_decided_again_with_the_newest_verdict(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        (id,) = await stage.write(authorized(1))
        verdicts = about(state=ComplianceState.NONCOMPLIANT)
        told = await ask(stage, "explain.session", verdicts, id=id)
        assert told["verdict"]["state"] == "noncompliant"
        assert (told["now"]["rule"], told["now"]["profile"]) == ("others", "slow")
        assert (told["now"]["same"], told["now"]["down"], told["now"]["above_policy"]) == (False, True, False)
        assert [(each["rule"], each["result"]) for each in told["rules"]] == [("laptops", "no"), ("others", "matches")]
        assert told["policy"] == {"digest": POLICY.digest, "counts": False}
        assert verdicts.recalled == [f"guid:{guid(1)}"]
        assert told["full"]["standing"]["rule"] == "laptops"

    within(tmp_path, story)


def test_each_verdict_and_the_time_at_which_it_is_too_old_are_told(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        (id,) = await stage.write(authorized(1))
        told = await ask(stage, "explain.session", about(), id=id)
        by_state = {each["compliance"]: each["rule"] for each in told["by_compliance"]}
        assert (by_state["compliant"], by_state["noncompliant"], by_state["unknown"]) == (
            "laptops",
            "others",
            "default-deny",
        )
        (turn,) = told["turns"]
        assert turn["at"] == pytest.approx(NOW + 4 * HOUR_S, abs=0.01)
        assert (turn["effect"], turn["rule"]) == ("deny", "default-deny")
        later = await ask(stage, "explain.session", about(), id=id, at=NOW + 5 * HOUR_S)
        assert (later["now"]["rule"], later["turns"]) == ("default-deny", [])

    within(tmp_path, story)


def test_the_end_of_an_order_is_a_turn(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        (id,) = await stage.write(authorized(1))
        order = Override(
            id=3, subject_kind=SubjectKind.DEVICE, subject=guid(1), tenant="", effect=OverrideEffect.BLOCK,
            profile="", reason="lost", by="root", at=NOW, until=NOW + HOUR_S,
        )  # fmt: skip
        stage.orders.put(order)
        told = await ask(stage, "explain.session", about(), id=id)
        assert (told["override"]["id"], told["now"]["above_policy"]) == (3, True)
        assert next((each["at"], each["rule"]) for each in told["turns"]) == (NOW + HOUR_S, "laptops")

    within(tmp_path, story)


def test_a_session_that_is_not_ours_is_told_as_far_as_it_is_known(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        (id,) = await stage.write(accounted(5))
        told = await ask(stage, "explain.session", Verdicts(), id=id)
        assert (told["now"], told["rules"], told["turns"], told["ours"]) == (None, [], [], False)

    within(tmp_path, story)


def test_of_a_mac_machine_sessions_orders_and_verdicts_are_told(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        (id,) = await stage.write(authorized(1))
        device = Device(id=DeviceId(guid=guid(1)), source=IdentitySource.CERTIFICATE, assurance=Assurance.CERTIFICATE)
        stage.orders.machines.learn(AccessKind.DOT1X, device, mac(1), "campus", NOW)
        order = Override(
            id=4, subject_kind=SubjectKind.MAC, subject=mac(1), tenant="", effect=OverrideEffect.BLOCK,
            profile="", reason="lost", by="root", at=NOW,
        )  # fmt: skip
        stage.orders.put(order)
        verdicts = about()
        told = await ask(stage, "explain.mac", verdicts, mac=mac(1).replace("-", ":").lower())
        assert (told["mac"], told["machine"]["guid"], told["machine"]["tenant"]) == (mac(1), guid(1), "campus")
        assert [each["id"] for each in told["sessions"]] == [id]
        assert [each["id"] for each in told["overrides"]] == [4]
        assert [(each["key"], each["state"]) for each in told["verdicts"]] == [(f"guid:{guid(1)}", "compliant")]
        assert verdicts.recalled[0] == f"mac:{mac(1).replace('-', '')}"

    within(tmp_path, story)


def test_of_a_strange_mac_nothing_is_told(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        told = await ask(stage, "explain.mac", Verdicts(), mac="00-11-22-33-44-55")
        assert (told["machine"], told["sessions"], told["overrides"], told["verdicts"]) == (None, [], [], [])

    within(tmp_path, story)


@pytest.mark.parametrize(
    ("order", "fields", "trouble"),
    [
        ("explain.session", {"id": 77}, NotDone),
        ("explain.session", {"id": "x"}, OrderRefused),
        ("explain.session", {"id": 1, "at": "now"}, OrderRefused),
        ("explain.session", {"id": 1, "at": -1}, OrderRefused),
        ("explain.session", {"id": 1, "at": 1e300}, OrderRefused),
        ("explain.session", {"id": 1, "at": True}, OrderRefused),
        ("explain.mac", {"mac": "laptop"}, OrderRefused),
        ("explain.mac", {}, OrderRefused),
    ],
)
def test_what_cannot_be_meant_is_refused(
    tmp_path: Path, order: str, fields: dict[str, Any], trouble: type[Exception]
) -> None:
    async def story(stage: Stage) -> None:
        await stage.write(authorized(1))
        with pytest.raises(trouble):
            await ask(stage, order, Verdicts(), **fields)

    within(tmp_path, story)


def test_without_anything_newer_the_verdict_it_lives_under_counts(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        change = authorized(1)
        old = replace(change, standing=replace(change.standing, compliance=verdict(as_of=NOW - 3 * HOUR_S)))
        (id,) = await stage.write(old)
        told = await ask(stage, "explain.session", Verdicts(), id=id)
        assert told["verdict"]["as_of"] == NOW - 3 * HOUR_S
        (turn,) = told["turns"]
        assert turn["at"] == pytest.approx(NOW + HOUR_S, abs=0.01)

    within(tmp_path, story)
