"""The configuration as ``nacd check`` judges it, and as much of a bad one as the other steps can use.

Knows: which parts those are. Refuses to know: Microsoft. A wrong NAS is no reason not to examine Intune.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from nacd.config.fields import Surroundings
from nacd.config.load import load
from nacd.config.sections.compliance import ComplianceSettings
from nacd.config.sections.intune import Intune
from nacd.config.settings import ONLY_TENANT
from nacd.config.wording import read_part
from nacd.config.yaml import parse
from nacd.errors import ConfigError
from nacd.intune.doctor.step import Finding, Step, failed, good, timed, warning
from nacd.server.assembly import assemble
from nacd.server.clock import instant

_SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The parts of a configuration that the steps need; they may be sound while others are not."""

    sections: Mapping[str, Intune] = field(default_factory=dict)
    compliance: ComplianceSettings = field(default_factory=ComplianceSettings)
    state: Path | None = None


def configuration(config: Path) -> tuple[Step, Site]:
    """The verdict on the configuration, and as much of it as can be read."""
    found: list[Site] = []

    def work() -> Finding:
        try:
            loaded = load(config)
            settings = loaded.settings
            state = Path(settings.state)
            found.append(Site(sections=settings.tenant_sections, compliance=settings.compliance, state=state))
            assembled = assemble(loaded, instant(), allow_demo=True)
        except ConfigError as refused:
            lines = [f"nacd serve would refuse it: {refused.count}", *map(str, refused.problems[:_SHOWN])]
            return failed("\n".join(lines), f"mend the lines above; `nacd check --config {config}` lists all of them")
        counts = (len(assembled.clients), len(loaded.policy.rules), len(assembled.tenants), len(assembled.notes))
        words = (("NAS", "NASes"), ("rule", "rules"), ("tenant", "tenants"), ("note", "notes"))
        summary = ", ".join(f"{count} {word[count != 1]}" for count, word in zip(counts, words, strict=True))
        try:
            assemble(loaded, instant())
        except ConfigError as demo:
            return warning(f"{summary}\n{demo.problems[0]}", "only `nacd serve --demo` takes this configuration")
        return good(f"sound: {summary}")

    step = timed("config", work)
    return step, found[0] if found else _salvaged(config)


def _salvaged(config: Path) -> Site:
    """The tenants of a file that is wrong elsewhere: a bad NAS is no reason not to examine Intune."""
    try:
        document, _problems = parse(config.read_bytes(), str(config))
    except (OSError, ConfigError):
        return Site()
    written = document.value
    around = Surroundings(folder=config.parent, environment=os.environ)
    places: dict[str, tuple[str, ...]] = {}
    if isinstance(written.get("intune"), dict):
        places[ONLY_TENANT] = ("intune",)
    tenants = written.get("tenants")
    if isinstance(tenants, dict):
        places |= {str(name): ("tenants", name) for name in tenants}
    sections = {name: read_part(Intune, document, place, around) for name, place in places.items()}
    compliance = read_part(ComplianceSettings, document, ("compliance",), around) if "compliance" in written else None
    state = written.get("state")
    return Site(
        sections={name: section for name, section in sections.items() if section is not None},
        compliance=compliance or ComplianceSettings(),
        state=config.parent / state if isinstance(state, str) else None,
    )
