"""The text of a first ``nacd.yaml``: one function for each section, each with the comments that teach it.

Knows: what a beginner has to read in which place. Refuses to know: rules and profiles (``policy_yaml.py``).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from nacd.cli.setup.answers import Answers
from nacd.cli.setup.spelling import noted, reference, schema_line, spelt

SYSTEM: Final = Path("/etc")
"""Beneath it a configuration is one of the machine: its records go to /var, and elsewhere beside it."""

_HEAD: Final = """\
#
# Who asks (clients), how endpoints prove themselves (eap), what Intune is asked, and where it is written down. Who gets
# in is decided in policy.yaml. Written by `nacd init`; it is yours now.
#
#   nacd check --config {folder}/nacd.yaml      says what is wrong, with line and column
#
# - Every setting with its unit and default: docs/reference.md. What is not here has its default.
# - Relative paths count from the folder of this file. Durations carry units: 30s, 5m, 8h.
# - Secrets never stand here, they are named: file:PATH (mode 0600), env:NAME, or cred:NAME (systemd credential).
"""


def text(answers: Answers, folder: Path) -> str:
    """The whole file. folder: where it will lie."""
    sections = (
        schema_line("nacd") + _HEAD.format(folder=folder),
        _server(answers),
        _clients(answers),
        _eap(answers),
        _intune(answers),
        _sessions(answers),
        "policy: policy.yaml\n",
        _places(answers, folder),
    )
    return "\n".join(sections)


def _server(answers: Answers) -> str:
    host = "127.0.0.1" if answers.lab else "0.0.0.0"
    auth, accounting = (
        f'["{host}:{port}", "[::]:{port}"]' if answers.over_ipv6 else f'"{host}:{port}"' for port in (1812, 1813)
    )
    return f"""\
server:
  auth: {auth}
  accounting: {accounting}
"""


def _clients(answers: Answers) -> str:
    lines = (
        "# The NASes: switches, wireless controllers, VPN concentrators. Each further one is an entry like this.\n",
        "clients:\n",
        f"  - name: {spelt(answers.nas)}\n",
        noted(f"    network: {spelt(answers.network)}", "an address, a network, or a list of them"),
        noted(f"    secret: {reference(answers.secret_file)}", "the same text belongs into the NAS"),
        noted(f"    vendor: {spelt(answers.vendor)}", "how vlan, role, ... become attributes"),
        noted(f"    groups: [{answers.group}]", "what rules ask for with `group:`"),
        noted("    message_authenticator: require", "`auto` for a NAS too old to send one"),
        *_of_concentrator(answers),
        noted("    dynauth: {}", "its sessions can be changed while they last (CoA)")
        if answers.asked
        else "    # no `dynauth`: nacd does not know how NASes of this vendor are asked to change a session\n",
    )
    return "".join(lines)


def _of_concentrator(answers: Answers) -> Iterator[str]:
    if answers.vpn:
        yield """\
    # It has checked its users by itself and asks for authorization alone: nacd checks no password of theirs.
    # Never say so of a NAS that wants passwords checked: it would let any password in.
    authentication: done_by_nas
"""


def _eap(answers: Answers) -> str:
    if "dot1x" not in answers.access:
        return """\
# EAP-TLS is refused while there is no `eap` section. For 802.1X:
# eap:
#   certificate: certs/server.pem
#   private_key: file:certs/server.key
#   client_cas: [{file: certs/devices-ca.pem, may_assert: [intune_id]}]
"""
    return f"""\
# EAP-TLS ends here.
eap:
{noted(f"  certificate: {spelt(answers.certificate)}", "ours, then its intermediates; devices must trust its root")}\
  private_key: {reference(answers.private_key)}
  client_cas:
    - file: {spelt(answers.client_ca)}
      may_assert: [intune_id]              # they may name an Intune device: IntuneDeviceId://GUID in the SAN
    # - {{file: certs/users-ca.pem, may_assert: []}}     # good for login, not for naming a device
"""


def _intune(answers: Answers) -> str:
    if not answers.tenant:
        return """\
# Nobody is asked about compliance yet. docs/microsoft.md says what to click; then take the `#` away here and in
# policy.yaml. `nacd doctor` tries it.
# intune:
#   tenant: contoso.onmicrosoft.com
#   client_id: 00000000-0000-0000-0000-000000000000
#   credential: {certificate: certs/app.pem, private_key: "file:certs/app.key"}
"""
    if answers.lab:
        return f"""\
# The simulated Microsoft of `nacd sim intune`. At a real site these are `tenant`, `client_id` and `credential` alone.
intune:
  cloud: custom
  tenant: {spelt(answers.tenant)}
  client_id: {answers.client_id}
  credential: {{certificate: pki/app.pem, private_key: "file:pki/app.key"}}
  authority: https://localhost:8443
  graph: https://localhost:8443
  resource: https://api.manage.microsoft.com/
  host_suffixes: [.manage.microsoft.com]
  allowed_hosts: ["localhost:8443", "localhost:8445"]
  ca_file: pki/web-ca.pem
"""
    return f"""\
# The app registration: docs/microsoft.md, section 1. `nacd doctor` tries all of it and says what to click.
intune:
  tenant: {spelt(answers.tenant)}
  client_id: "{answers.client_id}"
  credential: {_credential(answers.credential)}
  # fallback: graph                      # Microsoft Graph, where NAC 2.0 says nothing
"""


def _credential(kind: str) -> str:
    written = {
        "certificate": '{certificate: certs/app.pem, private_key: "file:certs/app.key"}',
        "secret": '{secret: "file:secrets/app"}          # add `expires: "2027-05-31"`: nobody else tells nacd',
        "managed-identity": "{managed_identity: system}",
    }
    return written[kind]


def _sessions(answers: Answers) -> str:
    if answers.access == ("mab",):
        return ""
    quarantine, corporate = ("remote-quarantine", "remote") if answers.vpn else ("quarantine", "corporate")
    return f"""\
# What `nacd quarantine` and `nacd allow` give when a person orders it.
sessions:
  overrides: {{quarantine: {quarantine}, allow: {corporate}}}
"""


def _places(answers: Answers, folder: Path) -> str:
    beside = not folder.is_relative_to(SYSTEM)
    audit, state = ("audit.jsonl", "state") if beside else ("/var/log/nacd/audit.jsonl", "/var/lib/nacd")
    return f"""\
# One line for each decision, with its reasons. No record, no access (`when_full: continue` lets in without one).
audit:
  file: {audit}

# What must outlive a restart: verdicts, sessions, orders.
state: {state}
"""
