"""One page of the list of noncompliant devices, on request only: the question itself uses up the window.

Knows: the question and what the quota's refusal looks like. Refuses to know: when it was asked before.
"""

from __future__ import annotations

from urllib.parse import urlencode

from nacd.errors import SourceError
from nacd.intune.client import HttpClient
from nacd.intune.cloud import Audience
from nacd.intune.doctor.service import refusal_fix
from nacd.intune.doctor.step import Finding, failed, good, warning
from nacd.intune.nac import answers
from nacd.intune.options import IntuneOptions
from nacd.intune.refusals import error_text
from nacd.intune.token import Bearer, TokenSource

_QUESTION = urlencode(
    {"paging": "0", "querycriteria": "compliance", "value": "false", "deviceidentifier": "guid", "filter": "all"}
)


def one_page(options: IntuneOptions, base: str, http: HttpClient, tokens: TokenSource, until: float) -> Finding:
    """The first page. tokens: holds an Intune token. until: monotonic seconds."""
    bearer = Bearer(http, tokens, Audience.INTUNE, options.hosts)
    try:
        answer = bearer.get(f"{base}/cisco/devices/?{_QUESTION}", "application/xml", until)
        if answer.status == 503:
            words = "the window is used up (status 503): somebody asked for the list within the last four hours"
            return warning(
                words, "wait for it; if it is always so, another nacd or another product asks in this tenant"
            )
        if answer.status != 200:
            detail = answers.judge_status(answer.status, error_text(answer.body)).detail
            return failed(detail, refusal_fix(answer.status, options))
        page = answers.read_devices(answer.body, answer.content_type)
    except SourceError as trouble:
        return failed(trouble.detail, "try again inside the hour: until then the same window answers")
    more = ", and there are more pages" if page.next_page else ", and that is all"
    return good(f"{len(page.rows)} devices that are not compliant on the first page{more}")
