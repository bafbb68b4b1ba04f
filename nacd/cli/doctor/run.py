"""``nacd doctor``: everything between nacd and Microsoft, tried step by step, with what to click when it fails.

Knows: who is examined, in how much time, and the exit code. Refuses to know: what a step does, how it is printed.
All tenants are examined at the same time and told one after the other. Works beside a running daemon, without root.
"""

from __future__ import annotations

import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, TypeAlias

import typer

from nacd.cli.doctor.local import polling, window
from nacd.cli.doctor.report import JsonReport, PaperReport, Report
from nacd.cli.doctor.site import Site, configuration
from nacd.config.sections.intune import Intune
from nacd.identity import device_id, mac
from nacd.identity.outcome import Bad
from nacd.intune.doctor.examination import Examination
from nacd.intune.doctor.examination import Question as Examined
from nacd.intune.doctor.step import Begun, Step, failed, not_needed, timed
from nacd.intune.doctor.versions import versions
from nacd.server import translate
from nacd.values import DeviceId, DeviceIdKind, MacAddress

MOST_S: Final = 50.0
"""Seconds for all steps of all tenants."""
_PATIENCE_S: Final = 4.0
_BULK_WARNING: Final = (
    "--bulk asks Intune for the list of devices that are not compliant. The question opens a window of four hours:"
    " after its first hour Microsoft refuses the list, also to the daemon."
)

_Said: TypeAlias = "queue.SimpleQueue[Begun | Step | None]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked for. device, mac, tenant: ``""`` for none, none and all. yes: --bulk needs no confirmation."""

    device: str = ""
    mac: str = ""
    tenant: str = ""
    bulk: bool = False
    yes: bool = False
    as_json: bool = False


class WrongUsage(Exception):
    """The options do not fit; the text says which."""


def run(config: Path, question: Question) -> int:
    """Examine. Returns 0 when no step failed, 1 when one did, 2 for wrong usage."""
    until = time.monotonic() + MOST_S
    try:
        device, endpoint = _device(question.device), _mac(question.mac)
        _confirm(question)
        report: Report = JsonReport() if question.as_json else PaperReport(config)
        step, site = configuration(config)
        sections = _chosen(site, question.tenant)
    except WrongUsage as wrong:
        print(wrong, file=sys.stderr)
        return 2
    try:
        _report(
            report,
            step,
            site,
            {
                name: begin(partial(_tenant, name, section, site, device, endpoint, question.bulk, until))
                for name, section in sections.items()
            },
            until,
        )
        return 0 if report.end() else 1
    finally:
        report.close()


def _report(report: Report, config: Step, site: Site, tenants: Mapping[str, _Said], until: float) -> None:
    report.take("", config)
    report.take("", timed("versions", versions))
    if not site.sections:
        report.take("", timed("intune", partial(not_needed, "no tenant can be read from the configuration")))
    for name, waiting in tenants.items():
        report.begin(name, site.sections[name])
        for said in said_by(waiting, until + _PATIENCE_S):
            report.take(name, said)


def _chosen(site: Site, tenant: str) -> Mapping[str, Intune]:
    sections = {name: section for name, section in site.sections.items() if tenant in ("", name)}
    if tenant and not sections:
        known = ", ".join(site.sections) or "none that can be read"
        raise WrongUsage(f"no tenant is called `{tenant}`; there are: {known}")
    return sections


def _device(text: str) -> DeviceId | None:
    if not text:
        return None
    found = device_id.guid(text, DeviceIdKind.INTUNE)
    if isinstance(found, Bad):
        raise WrongUsage(f"--device: {found.detail}")
    return found


def _mac(text: str) -> MacAddress | None:
    if not text:
        return None
    found = mac.parse(text)
    if isinstance(found, mac.NotMac):
        raise WrongUsage(f"--mac: `{text}` is no mac address")
    return found


def _confirm(question: Question) -> None:
    if not question.bulk or question.yes:
        return
    print(_BULK_WARNING, file=sys.stderr)
    if not sys.stdin.isatty():
        raise WrongUsage("nobody is here to confirm it: say --yes as well")
    if not typer.confirm("Ask all the same?", err=True):
        raise WrongUsage("not asked")


# -- one tenant ---------------------------------------------------------------------------------


def begin(work: Callable[[], Iterator[Begun | Step]]) -> _Said:
    """Run it in a thread of its own, which dies with the program; what it says is in the queue, None at its end."""
    said: _Said = queue.SimpleQueue()

    def fly() -> None:
        ended = False
        try:
            for one in work():
                said.put(one)
            ended = True
        finally:
            # A bug goes on to the thread's hook, which prints it; half an examination must not pass as a whole one.
            if not ended:
                said.put(timed("doctor", partial(failed, "stopped by a bug", "report it, with what is printed above")))
            said.put(None)

    threading.Thread(target=fly, name="doctor", daemon=True).start()
    return said


def said_by(waiting: _Said, until: float) -> Iterator[Begun | Step]:
    """What a tenant's thread says, as it says it; a stuck one is given up at ``until`` (monotonic seconds)."""
    while True:
        try:
            said = waiting.get(timeout=max(0.0, until - time.monotonic()))
        except queue.Empty:
            yield timed("doctor", partial(failed, "gave up: it takes too long", "see which step was slow above"))
            return
        if said is None:
            return
        yield said


def _tenant(
    name: str,
    section: Intune,
    site: Site,
    device: DeviceId | None,
    endpoint: MacAddress | None,
    ask_list: bool,
    until: float,
) -> Iterator[Begun | Step]:
    try:
        options = translate.intune_options(section)
    except (ValueError, OSError) as wrong:
        words = str(wrong) if isinstance(wrong, ValueError) else f"`{wrong.filename}`: {wrong.strerror}"
        yield timed("options", partial(failed, words, f"mend the section of tenant `{name}` in the configuration"))
    else:
        examined = Examined(
            options=options,
            nac=section.source == "nac",
            graph="graph" in (section.source, section.fallback),
            device=device,
            mac=endpoint,
            bulk=ask_list,
            login_s=site.compliance.lookup_deadline.total_seconds(),
        )
        yield from Examination(examined, until).steps()
    yield timed("bulk window", partial(window, name, section, site))
    yield timed("polling", partial(polling, name, site, until))
