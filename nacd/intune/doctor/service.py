"""Where Compliance Retrieval is, and what it says of itself.

Knows: discovery and ``mdminfo``, and what to click when they fail. Refuses to know: devices.
"""

from __future__ import annotations

from nacd.errors import SourceError
from nacd.intune.client import HttpClient
from nacd.intune.cloud import Audience, netloc
from nacd.intune.doctor.credentials import Registration
from nacd.intune.doctor.step import Finding, failed, good, warning
from nacd.intune.flight import Flights
from nacd.intune.nac import answers
from nacd.intune.nac.discovery import Discovery
from nacd.intune.nac.document import document
from nacd.intune.options import IntuneOptions
from nacd.intune.refusals import error_text
from nacd.intune.token import Bearer, TokenSource

MDMINFO = "/ciscoise/mdminfo/?ise_api_version=3"
_XML = "application/xml"


def discover(options: IntuneOptions, http: HttpClient, tokens: TokenSource, until: float) -> tuple[Finding, str]:
    """The address that Graph names now, ``""`` without one. tokens: holds a Graph token. until: monotonic seconds."""
    bearer = Bearer(http, tokens, Audience.GRAPH, options.graph_hosts)
    try:
        base = Discovery(options, bearer, Flights()).fresh(until)
    except SourceError as trouble:
        return failed(trouble.detail, _discovery_fix(trouble.detail, options)), ""
    return good(base), base


def _discovery_fix(detail: str, options: IntuneOptions) -> str:
    permissions = Registration(client_id=options.client_id).place("API permissions")
    if "status 403" in detail:
        return (
            f"{permissions} > Add a permission > Microsoft Graph > Application permissions >"
            " Application.Read.All (or the narrower ServicePrincipalEndpoint.Read.All); then Grant admin consent"
        )
    if "lists no" in detail:
        return (
            "Microsoft 365 admin center > Billing > Licenses must show one with Intune, and somebody must have opened"
            " https://intune.microsoft.com once; a known address can be written as `endpoint`"
        )
    if "not believed" in detail:
        return "is this host yours to trust? Then list it under `allowed_hosts`; otherwise check `cloud`"
    if "status 401" in detail:
        return "graph does not take this token: check `cloud` and `graph` (the audience must be the cloud's own)"
    return "graph is failing or busy: try again; until it answers, a known address can be written as `endpoint`"


def describe(options: IntuneOptions, base: str, http: HttpClient, tokens: TokenSource, until: float) -> Finding:
    """What the service says of itself; the probe that nacd uses too. tokens: holds an Intune token."""
    bearer = Bearer(http, tokens, Audience.INTUNE, options.hosts)
    try:
        answer = bearer.get(base + MDMINFO, _XML, until)
        if answer.status != 200:
            detail = answers.judge_status(answer.status, error_text(answer.body)).detail
            return failed(detail, refusal_fix(answer.status, options))
        service = answers.read_service(answer.body, answer.content_type)
        root = document(answer.body, answer.content_type)
        most = root.value("query_max_size")
    except SourceError as trouble:
        return failed(trouble.detail, f"does something between here and `{netloc(base)}` change answers (a proxy)?")
    lines = [f"{service.product or 'a nameless product'}, {most or 'unknown many'} devices a page"]
    if service.redirect_url:
        lines.append(f"users are sent to {service.redirect_url}")
        return good("\n".join(lines))
    fix = (
        f"nothing to do: users are sent to https://{options.cloud.portal}/" if options.cloud.portal else "set `portal`"
    )
    return warning("\n".join([*lines, "it names no portal for users"]), fix)


def refusal_fix(status: int, options: IntuneOptions) -> str:
    """What to do about an answer of Compliance Retrieval other than 200."""
    permissions = Registration(client_id=options.client_id).place("API permissions")
    if status == 401:
        return (
            f"the audience must be `{options.cloud.resource}` (two slashes before .default): check `resource`, `cloud`"
        )
    if status == 403:
        return f"{permissions}: get_device_compliance with admin consent; and does the tenant have an Intune licence?"
    if status == 404:
        source = (
            "remove `endpoint`, so that nacd finds the new one" if options.endpoint else "try again in some minutes"
        )
        return f"the service has moved: {source}"
    if status == 429 or status >= 500:
        return "Microsoft is busy or failing: try again, and look at https://status.cloud.microsoft"
    if 300 <= status < 400:
        return "something answers in Microsoft's place; nacd follows no redirects: let it through to the hosts above"
    return "try again with a new token; if it stays, give Microsoft's support the activity id"
