"""Fresh tokens, what is in them, and what to click without one."""

from __future__ import annotations

from typing import Any

import pytest

from nacd.intune.client import HttpClient
from nacd.intune.cloud import Audience, cloud
from nacd.intune.doctor.tokens import fetch, needs, roles
from nacd.intune.options import ManagedIdentity, SecretCredential
from nacd.intune.token import Token
from nacd.sim.microsoft.state import CLIENT_ID, CLIENT_SECRET, App
from nacd.values import Secret
from tests.intune.doctor.conftest import CODES, PLANTED, soon, whole

APP_PAGE = f"Entra admin center > App registrations > {CLIENT_ID} > "


def test_a_token_is_shown_by_its_scope_alone(options: Any, http: HttpClient) -> None:
    wanted = options()
    found, source, token = fetch(wanted.credentials[0], wanted, Audience.INTUNE, http, soon())
    assert (found.status, found.detail) == ("ok", "scope https://api.manage.microsoft.com//.default")
    assert source is not None
    assert token is not None
    assert token.value.reveal().decode() not in whole(found)
    assert CLIENT_SECRET not in whole(found)


@pytest.mark.parametrize("code", CODES)
def test_every_code_of_the_login_service_has_words_and_a_place_to_click(
    sim: Any, options: Any, http: HttpClient, code: int
) -> None:
    sim.fault("token", code=code)
    wanted = options(credentials=(SecretCredential(secret=Secret(PLANTED.encode())),))
    found, source, token = fetch(wanted.credentials[0], wanted, Audience.GRAPH, http, soon())
    assert found.status == "failed"
    assert (source, token) == (None, None)
    assert f"(AADSTS{code})" in found.detail
    assert found.detail.startswith("the login service refuses: ")
    assert found.fix
    assert "look the code up" not in found.fix
    assert PLANTED not in whole(found)


@pytest.mark.parametrize(
    ("code", "place"),
    [
        (7000215, APP_PAGE + "Certificates & secrets: New client secret, copy its Value"),
        (7000222, APP_PAGE + "Certificates & secrets: New client secret, copy its Value"),
        (700027, APP_PAGE + "Certificates & secrets > Certificates > Upload certificate"),
        (7000214, APP_PAGE + "Certificates & secrets > Certificates: remove the revoked one"),
        (700024, "set the clock: `timedatectl"),
        (700016, "compare `client_id` and `tenant` with Entra admin center > App registrations"),
        (90002, "compare `tenant` with Entra admin center > Overview > Tenant ID, and check `cloud`"),
        (500011, "check `cloud` and `resource`"),
        (1002012, "check `resource` and `graph`"),
        (7000112, f"Entra admin center > Enterprise applications > {CLIENT_ID} > Properties"),
        (7000229, APP_PAGE + "API permissions: Grant admin consent"),
        (53003, "Entra admin center > Protection > Conditional Access > Policies"),
        (53011, "Entra admin center > Protection > Conditional Access > Policies"),
        (50034, "check that `tenant` names a tenant"),
        (123456, "look the code up at https://login.microsoftonline.com/error"),
    ],
)
def test_a_code_leads_to_its_page(sim: Any, options: Any, http: HttpClient, code: int, place: str) -> None:
    sim.fault("token", code=code)
    wanted = options()
    found, _, _ = fetch(wanted.credentials[0], wanted, Audience.INTUNE, http, soon())
    assert found.fix.startswith(place)


def test_a_refusal_is_not_remembered(sim: Any, options: Any, http: HttpClient) -> None:
    """MSAL remembers a 400 for a minute; an admin who has just mended it must see that at once."""
    sim.fault("token", code=700016, times=1)
    wanted = options()
    assert fetch(wanted.credentials[0], wanted, Audience.GRAPH, http, soon())[0].status == "failed"
    assert fetch(wanted.credentials[0], wanted, Audience.GRAPH, http, soon())[0].status == "ok"


def test_only_the_credential_that_is_asked_about_is_shown_to_the_login_service(options: Any, http: HttpClient) -> None:
    wrong = SecretCredential(secret=Secret(PLANTED.encode()))
    wanted = options(credentials=(wrong, *options().credentials))
    assert "(AADSTS7000215)" in fetch(wrong, wanted, Audience.GRAPH, http, soon())[0].detail
    assert fetch(wanted.credentials[1], wanted, Audience.GRAPH, http, soon())[0].status == "ok"


def test_a_login_service_that_is_down_is_no_fault_of_the_credential(sim: Any, options: Any, http: HttpClient) -> None:
    sim.fault("outage", service="login", mode="503")
    wanted = options()
    found, _, _ = fetch(wanted.credentials[0], wanted, Audience.GRAPH, http, soon())
    assert "the login service is failing or busy (status 503)" in found.detail
    assert "https://status.cloud.microsoft" in found.fix


def test_what_was_presented_is_not_repeated_at_each_token(sim: Any, options: Any, http: HttpClient) -> None:
    sim.present("unknown_root")
    wanted = options()
    found, _, _ = fetch(wanted.credentials[0], wanted, Audience.GRAPH, http, soon())
    assert "is not trusted" in found.detail
    assert "sha-256" not in found.detail
    assert "see `dns`, `tls` and `credential` above" in found.fix


def test_a_scope_with_one_slash_is_shown_as_it_was_asked_for(sim: Any, options: Any, http: HttpClient) -> None:
    roots = {"login": sim.base_url, "graph": sim.base_url, "resource": "https://unknown.test/"}
    wanted = options(cloud=cloud("custom", roots))
    found, _, _ = fetch(wanted.credentials[0], wanted, Audience.INTUNE, http, soon())
    assert "(AADSTS500011)" in found.detail
    assert "scope https://unknown.test//.default" in found.detail


# -- roles --------------------------------------------------------------------------------------


def test_only_what_the_configuration_uses_is_needed(options: Any) -> None:
    def wanted(**how: Any) -> list[str]:
        return [need.roles[0] for need in needs(how.pop("given", options()), **how)]

    graph = "DeviceManagementManagedDevices.Read.All"
    assert wanted(nac=True, graph=False) == ["get_device_compliance", "Application.Read.All"]
    assert wanted(nac=True, graph=True)[-1] == graph
    assert wanted(nac=False, graph=True) == [graph]
    static = options(endpoint=f"{options().cloud.graph}/somewhere")
    assert wanted(given=static, nac=True, graph=False) == ["get_device_compliance"]


def judged(options: Any, http: HttpClient, **how: bool) -> Any:
    wanted = options()
    found = {}
    for audience in Audience:
        _, _, token = fetch(wanted.credentials[0], wanted, audience, http, soon())
        assert token is not None
        found[audience] = token
    return roles(found, needs(wanted, **how), wanted)


def test_roles_are_shown_with_what_they_are_for(options: Any, http: HttpClient) -> None:
    found = judged(options, http, nac=True, graph=True)
    assert found.status == "ok"
    assert found.detail.splitlines() == [
        "intune: get_device_compliance (asks about devices)",
        "graph: Application.Read.All (finds where intune is)",
        "graph: DeviceManagementManagedDevices.Read.All (reads devices from graph)",
    ]


@pytest.mark.parametrize("other", ["ServicePrincipalEndpoint.Read.All", "Directory.Read.All"])
def test_any_permission_that_allows_discovery_will_do(sim: Any, options: Any, http: HttpClient, other: str) -> None:
    sim.register_app(App(graph_roles=(other,)))
    try:
        found = judged(options, http, nac=True, graph=False)
    finally:
        sim.register_app(App())
    assert found.status == "ok"
    assert f"graph: {other} (finds where intune is)" in found.detail


def test_a_missing_role_is_told_with_what_is_there_and_how_to_add_it(sim: Any, options: Any, http: HttpClient) -> None:
    sim.register_app(App(intune_roles=("scep_challenge_provider",)))
    try:
        found = judged(options, http, nac=True, graph=False)
    finally:
        sim.register_app(App())
    assert found.status == "failed"
    assert (
        "intune: consent missing for get_device_compliance (asks about devices);"
        " the token has: scep_challenge_provider" in found.detail
    )
    assert found.fix == (
        f"{APP_PAGE}API permissions > Add a permission:\n"
        "  Microsoft Intune API > Application permissions > get_device_compliance\n"
        "then Grant admin consent, and wait a few minutes"
    )


def test_all_missing_roles_are_told_at_once(sim: Any, options: Any, http: HttpClient) -> None:
    sim.register_app(App(intune_roles=(), graph_roles=()))
    try:
        found = judged(options, http, nac=True, graph=True)
    finally:
        sim.register_app(App())
    assert found.detail.count("the token has: none") == 3
    assert "> Application.Read.All (or the narrower ServicePrincipalEndpoint.Read.All)" in found.fix
    assert "Microsoft Graph > Application permissions > DeviceManagementManagedDevices.Read.All" in found.fix


def test_a_managed_identity_is_given_roles_by_script(sim: Any, options: Any, http: HttpClient) -> None:
    sim.register_app(App(intune_roles=()))
    try:
        wanted = options()
        _, _, token = fetch(wanted.credentials[0], wanted, Audience.INTUNE, http, soon())
    finally:
        sim.register_app(App())
    assert token is not None
    azure = options(credentials=(ManagedIdentity(),))
    found = roles({Audience.INTUNE: token}, needs(azure, nac=True, graph=False), azure)
    assert "New-MgServicePrincipalAppRoleAssignment" in found.fix


def test_a_token_that_is_not_there_is_not_judged(options: Any) -> None:
    found = roles({}, needs(options(), nac=True, graph=False), options())
    assert found.detail.splitlines() == ["intune: no token to look into", "graph: no token to look into"]


def test_a_token_that_cannot_be_looked_into_is_not_judged(options: Any) -> None:
    opaque = Token(value=Secret(b"opaque"), expires_at=0.0, refresh_at=0.0)
    found = roles({Audience.INTUNE: opaque}, needs(options(), nac=True, graph=False)[:1], options())
    assert found.status == "ok"
    assert found.detail == "intune: the token cannot be read, so its roles are not known"
