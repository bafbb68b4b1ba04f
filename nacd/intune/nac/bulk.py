"""The list of all devices that are not compliant: every page of it, or nothing.

Knows: how pages follow each other, when a list is whole, which rows are worth taking. Refuses to know: tokens,
addresses, how often one may ask (whoever plans the runs), what a list is good for.

Theory: ``paging_info`` belongs to the server. It is an opaque text, handed back as it came, and a value that comes a
second time means a circle. Nothing follows from a part of the list, so whatever fails on the way ends all of it. A 503
is no outage here: Intune gives the list once in four hours and answers 503 until then.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode

from nacd.compliance.listed import ListRefused
from nacd.errors import SourceError
from nacd.intune.client import HttpAnswer
from nacd.intune.nac import answers
from nacd.intune.nac.answers import DeviceRow
from nacd.intune.refusals import error_text
from nacd.values import ComplianceState, DeviceId

PAGES = 20_000
OCTETS = 512 * 1024 * 1024
_PAGE_NAME_LENGTH = 2_048
FIRST_PAGE = "0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A whole list. guids: lower case. ignored: rows that were not taken. pages: how many answers it came in."""

    guids: frozenset[str]
    ignored: int
    pages: int


def query(page: str) -> str:
    """The query of this page: ``0`` for the first, then what the page before called it."""
    wanted = {
        "paging": page,
        "querycriteria": "compliance",
        "value": "false",
        "deviceidentifier": "guid",
        "filter": "all",
    }
    return urlencode(wanted)


def read(ask: Callable[[str], HttpAnswer], until: float, busy: Callable[[float], None]) -> Listed | ListRefused:
    """All pages. ``ask`` gets a query and gives the answer; ``busy`` is told the seconds the server asks for.

    Waits between pages where the server wants that, never past ``until`` (monotonic seconds). Raises SourceError as
    ``ask`` does, and for a page that cannot be read.
    """
    guids, ignored, octets = set[str](), 0, 0
    page, seen = FIRST_PAGE, {FIRST_PAGE}
    for count in range(1, PAGES + 1):
        try:
            answer = ask(query(page))
        except SourceError:
            if count == 1 or time.monotonic() < until:
                raise
            return ListRefused(detail=f"the list is not whole after {count - 1} pages, and there is no time for more")
        if answer.status != 200:
            return refusal(answer, count)
        octets += len(answer.body)
        if octets > OCTETS:
            return ListRefused(detail=f"the list is longer than {OCTETS} octets")
        devices = answers.read_devices(answer.body, answer.content_type)
        for row in devices.rows:
            guid = _taken(row)
            guids |= {guid} if guid else set()
            ignored += 0 if guid else 1
        if devices.busy_s:
            busy(devices.busy_s)
        if not devices.next_page:
            return Listed(guids=frozenset(guids), ignored=ignored, pages=count)
        page = devices.next_page
        if page in seen or len(page) > _PAGE_NAME_LENGTH:
            return ListRefused(detail=f"the list goes in a circle or names no page (after {count} pages)")
        seen.add(page)
        wait(devices.busy_s, until)
    return ListRefused(detail=f"the list has more than {PAGES} pages")


def refusal(answer: HttpAnswer, page: int) -> ListRefused:
    """What a status other than 200 means for the list; page: counted from 1."""
    said = error_text(answer.body)
    words = (f": {said}" if said.message else "") + (f" (page {page})" if page > 1 else "")
    if answer.status == 503:
        return ListRefused(detail=f"intune gives the list once in four hours, not now (status 503){words}", quota=True)
    if answer.status == 400:
        return ListRefused(detail=f"intune refuses to list (status 400){words}")
    return ListRefused(
        detail=answers.judge_status(answer.status, said).detail + (f" (page {page})" if page > 1 else "")
    )


def _taken(row: DeviceRow) -> str:
    """The device's id if this row surely says that it is not compliant, else ``""``."""
    if row.problem or row.state is not ComplianceState.NONCOMPLIANT or len(row.guids) != 1:
        return ""
    (guid,) = row.guids
    try:
        return DeviceId(guid=guid).guid
    except ValueError:
        return ""


def wait(seconds: float, until: float) -> None:
    """Between two pages. Raises SourceError at once when it would be past ``until`` (monotonic seconds)."""
    if not seconds:
        return
    if time.monotonic() + seconds >= until:
        raise SourceError(f"intune wants {seconds:.0f} s between two pages, more than there is time")
    time.sleep(seconds)
