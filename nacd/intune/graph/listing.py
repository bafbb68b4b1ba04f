"""Lists of managed devices: their addresses, and walking all of their pages.

Knows: paths and queries, next links, when a walk goes round in circles. Refuses to know: what the rows are kept
for. A walk is all pages or an error: what a broken list does not show is not therefore gone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from urllib.parse import quote, urlencode, urljoin

from nacd.errors import SourceError
from nacd.intune.client import HttpAnswer
from nacd.intune.graph.answers import FIELDS, Page, read_page
from nacd.intune.nac.document import UnreadableError

_PATH = "/v1.0/deviceManagement/managedDevices"
_PAGES = 20_000
_LEGAL = "%/?:@!$&'()*+,;=-._~"


def device_url(graph: str, guid: str) -> str:
    """One device by its Intune id. graph: the cloud's root, ``https://host``."""
    return f"{graph}{_PATH}/{guid}?{_query({'$select': FIELDS})}"


def all_url(graph: str) -> str:
    """Every device of the tenant."""
    return f"{graph}{_PATH}?{_query({'$select': FIELDS})}"


def entra_url(graph: str, guid: str) -> str:
    """Devices with this Entra id, if Graph honours the filter, which it does not promise."""
    wanted = f"azureADDeviceId eq '{guid}'"
    return f"{graph}{_PATH}?{_query({'$filter': wanted, '$select': FIELDS})}"


def since_url(graph: str, moment: float) -> str:
    """Devices that checked in after ``moment``, seconds since the epoch (a documented filter)."""
    wanted = time.strftime("lastSyncDateTime gt %Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))
    return f"{graph}{_PATH}?{_query({'$filter': wanted, '$select': FIELDS})}"


def pages(graph: str, url: str, ask: Callable[[str], HttpAnswer]) -> Iterator[Page]:
    """All pages from ``url`` on. ask: raises SourceError, also for a host that may not be sent the token.

    Raises SourceError when the list comes back to a page it has shown, or does not end.
    """
    seen = set[str]()
    while url:
        if url in seen:
            raise UnreadableError("graph's list goes round in circles: a page leads back to one before it")
        if len(seen) >= _PAGES:
            raise UnreadableError(f"graph's list does not end after {_PAGES} pages")
        seen.add(url)
        answer = ask(url)
        if answer.status != 200:
            raise SourceError(f"graph does not list devices (status {answer.status})")
        page = read_page(answer.body, answer.content_type)
        yield page
        url = following(graph, page.next_link) if page.next_link else ""


def following(graph: str, link: str) -> str:
    """The next page's address; what is illegal in an address, such as a blank in a filter, is escaped."""
    try:
        return urljoin(graph, quote(link, safe=_LEGAL))
    except (ValueError, UnicodeError) as trouble:
        raise UnreadableError("graph's next page is no address") from trouble


def _query(parameters: dict[str, str]) -> str:
    return urlencode(parameters, quote_via=quote, safe="$,'")
