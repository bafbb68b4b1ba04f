"""Versions and addresses."""

from __future__ import annotations

import ssl
import sys
from importlib.metadata import version
from typing import Any

from nacd.intune.doctor.versions import addresses, versions
from nacd.sim.microsoft.state import CLIENT_ID, CLIENT_SECRET, TENANT
from tests.intune.doctor.conftest import whole


def test_both_openssls_and_every_package_on_the_way_are_named() -> None:
    found = versions()
    assert found.status == "ok"
    for name in ("nacd", "msal", "requests", "urllib3", "cryptography", "pyOpenSSL"):
        assert f"{name} {version(name)}" in found.detail
    assert f"Python {'.'.join(map(str, sys.version_info[:3]))}" in found.detail
    assert f"{ssl.OPENSSL_VERSION} (to Microsoft)" in found.detail
    assert "(eap-tls)" in found.detail
    assert "sqlite 3." in found.detail


def test_exact_addresses_scopes_and_audiences_are_shown(sim: Any, options: Any) -> None:
    found = addresses(options(), sim.compliance_url, nac=True, graph=True)
    rows = dict(line.split(maxsplit=1) for line in found.detail.replace("intune scope", "intune-scope").splitlines())
    assert rows["login"] == f"{sim.base_url}/{TENANT}/oauth2/v2.0/token"
    assert rows["intune-scope"] == "https://api.manage.microsoft.com//.default"
    assert rows["discovery"].endswith("/servicePrincipals/appId=0000000a-0000-0000-c000-000000000000/endpoints")
    assert f"client id        {CLIENT_ID}" in found.detail
    assert f"{sim.compliance_url}/ciscoise/mdminfo/" in found.detail
    assert "/v1.0/deviceManagement/managedDevices" in found.detail
    assert CLIENT_SECRET not in whole(found)


def test_what_is_not_used_is_not_shown(sim: Any, options: Any) -> None:
    static = addresses(options(endpoint=sim.compliance_url), sim.compliance_url, nac=True, graph=False).detail
    assert "(`endpoint`, no discovery)" in static
    assert "graph" not in static
    graph_alone = addresses(options(), "", nac=False, graph=True).detail
    assert "intune audience" not in graph_alone
    assert "discovery" not in graph_alone


def test_an_address_that_is_not_found_says_so(options: Any) -> None:
    assert "intune           not found yet" in addresses(options(), "", nac=True, graph=False).detail


def test_a_proxy_is_shown_without_its_password(options: Any) -> None:
    wanted = options(proxy="http://nacd:planted-proxy-password@proxy.test:3128")
    found = addresses(wanted, "", nac=True, graph=False)
    assert "proxy            proxy.test:3128" in found.detail
    assert "planted" not in whole(found)
