"""What runs here, and what exactly is asked of whom: the first two questions of every support call.

Knows: the versions of everything between nacd and Microsoft, the addresses, scopes and audiences in use. Refuses to
know: whether any of them works.
"""

from __future__ import annotations

import platform
import sqlite3
import ssl
from importlib.metadata import PackageNotFoundError, version
from urllib.parse import urlsplit

from cryptography.hazmat.backends.openssl import backend

from nacd.intune.cloud import Audience
from nacd.intune.doctor.service import MDMINFO
from nacd.intune.doctor.step import Finding, good
from nacd.intune.options import IntuneOptions

_PACKAGES = ("msal", "requests", "urllib3", "cryptography", "pyOpenSSL")


def versions() -> Finding:
    """What runs here. There are two OpenSSLs: Python's (to Microsoft) and the one of cryptography (EAP-TLS)."""
    packages = ", ".join(f"{name} {_version(name)}" for name in _PACKAGES)
    lines = [
        f"nacd {_version('nacd')}, Python {platform.python_version()} on {platform.system()} {platform.release()}",
        f"{ssl.OPENSSL_VERSION} (to Microsoft), {backend.openssl_version_text()} (eap-tls)",
        f"{packages}, sqlite {sqlite3.sqlite_version}",
    ]
    return good("\n".join(lines))


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "of no known version"


def addresses(options: IntuneOptions, base: str, *, nac: bool, graph: bool) -> Finding:
    """URLs, scopes and audiences as they go over the wire. base: of Compliance Retrieval, ``""`` if not found.

    nac, graph: whether Compliance Retrieval, and Graph, are asked about devices.
    """
    cloud = options.cloud
    rows = [
        ("cloud", cloud.name),
        ("login", f"{cloud.login}/{options.tenant}/oauth2/v2.0/token"),
        ("client id", options.client_id),
    ]
    if nac:
        found = f"{base}{MDMINFO}" if base else "not found yet"
        rows += [
            ("intune", f"{found}{' (`endpoint`, no discovery)' if options.endpoint else ''}"),
            ("intune scope", cloud.scope(Audience.INTUNE)),
            ("intune audience", cloud.target(Audience.INTUNE)),
        ]
    if nac and not options.endpoint:
        rows.append(("discovery", f"{cloud.graph}/v1.0/servicePrincipals/appId={cloud.app_id}/endpoints"))
    if graph:
        rows.append(("graph", f"{cloud.graph}/v1.0/deviceManagement/managedDevices"))
    if graph or (nac and not options.endpoint):
        rows.append(("graph scope", cloud.scope(Audience.GRAPH)))
    # Never the whole proxy address: a password may be in it.
    proxy = urlsplit(options.proxy)
    rows.append(("proxy", f"{proxy.hostname}:{proxy.port or 80}" if options.proxy else "none"))
    rows.append(("trust", options.ca_file or "the operating system's roots"))
    return good("\n".join(f"{name:<16} {value}" for name, value in rows))
