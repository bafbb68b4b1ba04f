"""The site of the command line's tests, and an audit log as this site would have written it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nacd.audit import events
from nacd.audit.blocks import attributes
from nacd.audit.line import line
from nacd.config.load import load
from nacd.server.assembly import Assembled, assemble
from nacd.server.clock import instant
from nacd.values import Attribute, Device, DeviceId, Instant
from tests.replay.conftest import Login, decided
from tests.replay.conftest import login as login


@pytest.fixture
def config(site: Any, tmp_path: Path) -> Path:
    """The site's configuration, in a folder of this test alone."""
    return Path(shutil.copytree(site.folder, tmp_path / "site")) / "nacd.yaml"


@pytest.fixture
def assembled(config: Path) -> Assembled:
    return assemble(load(config), instant(), allow_demo=True)


@pytest.fixture
def record(assembled: Assembled, login: Callable[..., Login]) -> Callable[..., bytes]:
    """``record(answer="noncompliant", number=3, ago_s=60.0)``: the line that the site writes about such a login."""

    def build(*, number: int = 1, ago_s: float = 60.0, **changes: Any) -> bytes:
        now = instant().wall - ago_s
        one = login(nas="switch", groups=frozenset({"wired"}), tenant="intune", **changes)
        nas = replace(one.request.nas, vendor="cisco-ios")
        one = replace(one, request=replace(one.request, nas=nas), at=now)
        one = replace(one, answer=replace(one.answer, as_of=now - 5.0))
        if isinstance(one.named.identity, Device):
            guid = f"6b4b9f4e-7a0d-4a63-9a39-{number:012x}"
            identity = replace(one.named.identity, id=DeviceId(guid=guid))
            one = replace(one, named=replace(one.named, identity=identity))
        facts, decision = decided(assembled.loaded.policy, one)
        rendered = assembled.rendered.get((decision.profile, "cisco-ios"))
        sent: tuple[Attribute, ...] = rendered.attributes if rendered else ()
        if rendered and rendered.session_timeout_s:
            sent += (
                Attribute(name="Session-Timeout", value=rendered.session_timeout_s),
                Attribute(name="Termination-Action", value="RADIUS-Request"),
            )
        return line(
            events.decision(
                request=one.request,
                named=one.named,
                compliance=facts.compliance,
                decision=decision,
                rendered=rendered,
                shown=attributes(sent),
                latency_ms=1.0,
                link=facts.link,
                now=Instant(wall=now, monotonic=1.0),
            )
        )

    return build


@pytest.fixture
def log(config: Path, record: Callable[..., bytes]) -> Path:
    """Ten logins of five devices, one of them at fault; then two other records."""
    path = config.parent / "audit.jsonl"
    lines = [
        record(number=n % 5, ago_s=600.0 - n, answer="noncompliant" if n % 5 == 4 else "compliant") for n in range(10)
    ]
    now = instant()
    lines += [
        line(events.started(version="1", detail="", now=now)),
        line(events.stopped(version="1", detail="", now=now)),
    ]
    path.write_bytes(b"".join(lines))
    return path


@pytest.fixture
def changed_policy(config: Path) -> Callable[[str, str], Path]:
    """The site's policy with one thing changed, under another name."""

    def change(old: str, new: str) -> Path:
        text = (config.parent / "policy.yaml").read_text()
        assert old in text
        path = config.parent / "new.yaml"
        path.write_text(text.replace(old, new, 1))
        return path

    return change
