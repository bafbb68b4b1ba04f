"""Discovery and ``mdminfo``."""

from __future__ import annotations

from typing import Any

import pytest

from nacd.intune.client import HttpClient
from nacd.intune.cloud import Audience
from nacd.intune.doctor.service import describe, discover
from nacd.intune.flight import Flights
from nacd.intune.token import TokenSource
from nacd.sim.microsoft.state import App
from tests.intune.doctor.conftest import soon


def test_the_address_is_found(sim: Any, options: Any, http: HttpClient, tokens: TokenSource) -> None:
    found, base = discover(options(), http, tokens, soon())
    assert found.status == "ok"
    assert base == found.detail == sim.compliance_url


@pytest.mark.parametrize(
    ("rows", "detail", "fix"),
    [
        ("nac_only", "graph lists no ComplianceRetrievalService: no intune licence", "Billing > Licenses"),
        ("empty", "graph lists no ComplianceRetrievalService: no intune licence", "https://intune.microsoft.com once"),
        ("foreign_host", "`fef.elsewhere.example.test` is not a host of this cloud", "`allowed_hosts`"),
        ("plain_http", "is not a plain https address", "check `cloud`"),
    ],
)
def test_an_address_that_is_missing_or_strange_is_told(
    sim: Any, options: Any, http: HttpClient, tokens: TokenSource, rows: str, detail: str, fix: str
) -> None:
    sim.tune(discovery=rows)
    found, base = discover(options(), http, tokens, soon())
    assert (found.status, base) == ("failed", "")
    assert detail in found.detail
    assert fix in found.fix


def test_a_graph_that_does_not_allow_it_names_the_permission(sim: Any, options: Any, http: HttpClient) -> None:
    sim.register_app(App(graph_roles=()))
    try:
        source = TokenSource(options(), http, Flights())
        source.fresh(Audience.GRAPH, soon())
        found, _ = discover(options(), http, source, soon())
    finally:
        sim.register_app(App())
    assert "status 403" in found.detail
    assert "API permissions > Add a permission > Microsoft Graph" in found.fix
    assert "Application.Read.All (or the narrower ServicePrincipalEndpoint.Read.All)" in found.fix


@pytest.mark.parametrize(
    ("status", "fix"), [(401, "graph does not take this token"), (503, "graph is failing or busy")]
)
def test_a_graph_that_answers_otherwise_is_told(
    sim: Any, options: Any, http: HttpClient, tokens: TokenSource, status: int, fix: str
) -> None:
    sim.fault("status", service="graph", code=status)
    found, _ = discover(options(), http, tokens, soon())
    assert f"status {status}" in found.detail
    assert fix in found.fix


# -- mdminfo ------------------------------------------------------------------------------------


def test_the_service_says_what_it_is(sim: Any, options: Any, http: HttpClient, tokens: TokenSource) -> None:
    found = describe(options(), sim.compliance_url, http, tokens, soon())
    assert found.status == "ok"
    product, portal = found.detail.splitlines()
    assert product == "Microsoft Intune 5.0, 100 devices a page"
    assert portal.startswith("users are sent to https://portal.manage.microsoft.com/")


@pytest.mark.parametrize(
    ("status", "detail", "fix"),
    [
        (401, "intune refuses the token (status 401)", "two slashes before .default"),
        (403, "intune refuses the application (status 403)", "get_device_compliance with admin consent"),
        (404, "not where it was (status 404)", "the service has moved: try again"),
        (429, "intune is throttling (status 429)", "Microsoft is busy or failing"),
        (500, "intune is failing (status 500)", "https://status.cloud.microsoft"),
        (410, "intune answers status 410", "activity id"),
    ],
)
def test_a_service_that_refuses_is_told_with_what_to_do(
    sim: Any, options: Any, http: HttpClient, tokens: TokenSource, status: int, detail: str, fix: str
) -> None:
    sim.fault("status", code=status)
    found = describe(options(), sim.compliance_url, http, tokens, soon())
    assert found.status == "failed"
    assert detail in found.detail
    assert fix in found.fix


def test_a_redirect_is_something_in_between(sim: Any, options: Any, http: HttpClient, tokens: TokenSource) -> None:
    sim.fault("redirect")
    found = describe(options(), sim.compliance_url, http, tokens, soon())
    assert found.status == "failed"
    assert "nacd follows no redirects" in found.fix


def test_a_static_address_that_has_moved_is_taken_out(
    sim: Any, options: Any, http: HttpClient, tokens: TokenSource
) -> None:
    sim.fault("status", code=404)
    wanted = options(endpoint=sim.compliance_url)
    assert "remove `endpoint`" in describe(wanted, sim.compliance_url, http, tokens, soon()).fix


@pytest.mark.parametrize("variant", ["html", "truncated", "doctype", "empty"])
def test_an_answer_that_cannot_be_read_points_at_what_is_in_between(
    sim: Any, options: Any, http: HttpClient, tokens: TokenSource, variant: str
) -> None:
    sim.fault("body", variant=variant)
    found = describe(options(), sim.compliance_url, http, tokens, soon())
    assert found.status == "failed"
    assert "change answers (a proxy)" in found.fix
