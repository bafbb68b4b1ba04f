"""FreeRADIUS's configuration for the benchmark's site, as an experienced admin would write it.

Knows: FreeRADIUS 3.2's configuration language. Refuses to know: processes, load and measuring. Nothing is taken
from the packaged configuration: a minimal one has the fewest modules to pass through, which favours FreeRADIUS.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from tools.bench import site

_RADIUSD = """\
prefix = {folder}
name = freeradius
logdir = {folder}
raddbdir = {folder}
run_dir = {folder}
libdir = {libraries}
pidfile = {folder}/freeradius.pid
max_request_time = 30
cleanup_delay = 0
max_requests = 65536
hostname_lookups = no
log {{
    destination = files
    file = {folder}/freeradius.log
    auth = no
}}
security {{
    max_attributes = 200
    reject_delay = 0
    status_server = no
    allow_core_dumps = no
}}
proxy_requests = no
{pool}
client {nas} {{
    ipaddr = 127.0.0.1
    secret = {secret}
    require_message_authenticator = yes
    shortname = {nas}
}}
modules {{
{modules}
}}
server bench {{
    listen {{
        type = auth
        ipaddr = 127.0.0.1
        port = {auth}
        recv_buff = 4194304
    }}
    listen {{
        type = acct
        ipaddr = 127.0.0.1
        port = {acct}
        recv_buff = 4194304
    }}
    authorize {{
{authorize}
    }}
    authenticate {{
{authenticate}
    }}
    preacct {{
    }}
    accounting {{
        accounting_line
    }}
    post-auth {{
{post_auth}
    }}
}}
"""

_POOL = """\
thread pool {
    start_servers = 5
    max_servers = 32
    min_spare_servers = 3
    max_spare_servers = 10
    max_requests_per_server = 0
}
"""

_FILES = """\
    files {{
        usersfile = {folder}/users
        key = "%{{User-Name}}"
    }}
"""

_LINES = """\
    linelog access_line {{
        filename = {folder}/audit.jsonl
        permissions = 0640
        format = "{access}"
    }}
    linelog accounting_line {{
        filename = {folder}/accounting.jsonl
        permissions = 0640
        format = "{accounting}"
    }}
"""

_PYTHON = """\
    python3 policy {{
        python_path = "{python_path}"
        module = bench_policy
        mod_instantiate = ${{.module}}
        func_instantiate = instantiate
        mod_authorize = ${{.module}}
        func_authorize = authorize
        mod_post_auth = ${{.module}}
        func_post_auth = post_auth
    }}
"""

_EAP = """\
    eap {{
        default_eap_type = tls
        timer_expire = 300
        ignore_unknown_eap_types = no
        max_sessions = 65536
        tls-config bench {{
            private_key_file = {credentials.server_key}
            certificate_file = {credentials.server_chain}
            ca_file = {credentials.client_ca}
            auto_chain = no
            fragment_size = {fragment}
            include_length = no
            check_crl = no
            cipher_list = "ECDHE+AESGCM:ECDHE+CHACHA20"
            cipher_server_preference = yes
            tls_min_version = "1.2"
            tls_max_version = "1.3"
            ecdh_curve = ""
            cache {{
                enable = no
            }}
        }}
        tls {{
            tls = bench
        }}
    }}
"""

_REPLY = """\
            update reply {{
                Message-Authenticator := 0x00
                Tunnel-Type:1 := VLAN
                Tunnel-Medium-Type:1 := IEEE-802
                Tunnel-Private-Group-Id:1 := "{vlan}"
                Session-Timeout := {timeout}
                Termination-Action := RADIUS-Request
            }}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """How much FreeRADIUS does. line: a JSON audit line an answer; python: the policy in ``rlm_python3``.

    Without python a MAB is decided by the ``files`` module, and EAP-TLS by the certificate alone.
    threads: the usual pool; without it one process without threads (``-s``).
    """

    line: bool = True
    python: bool = True
    threads: bool = True

    @property
    def name(self) -> str:
        parts = [word for word, on in (("line", self.line), ("python", self.python)) if on]
        return "freeradius " + ("+".join(parts) or "plain")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where it lives: its folder, its ports, where its modules are, the path of the Python inside it."""

    folder: Path
    auth_port: int
    acct_port: int
    libraries: Path
    python_path: str


def write(place: Place, credentials: site.Credentials, variant: Variant) -> None:
    """Write all files."""
    folder = place.folder
    (folder / "dictionary").write_text("", encoding="utf-8")
    reply = _REPLY.format(vlan=site.VLAN, timeout=site.SESSION_TIMEOUT_S)
    modules = [
        _EAP.format(credentials=credentials, fragment=site.EAP_PACKET_OCTETS),
        _LINES.format(folder=folder, access=_access_line(variant), accounting=_accounting_line()),
        "    always ok {\n        rcode = ok\n    }\n",
    ]
    if variant.python:
        modules.append(_PYTHON.format(python_path=place.python_path))
        _write_policy(folder)
        mac_step = "policy"
    else:
        modules.append(_FILES.format(folder=folder))
        (folder / "users").write_text(_users(), encoding="utf-8")
        mac_step = "files"
    eap_grant = "            policy\n" if variant.python else reply
    text = _RADIUSD.format(
        folder=folder,
        libraries=place.libraries,
        pool=_POOL if variant.threads else "",
        nas=site.NAS_NAME,
        secret=site.SECRET.decode(),
        modules="\n".join(modules),
        auth=place.auth_port,
        acct=place.acct_port,
        authorize=(
            "        if (&EAP-Message) {\n            eap\n        }\n"
            f"        else {{\n            {mac_step}\n        }}"
        ),
        authenticate="        eap",
        post_auth=(
            f"        if (&EAP-Message) {{\n{eap_grant}        }}\n" + ("        access_line" if variant.line else "")
        ),
    )
    (folder / "radiusd.conf").write_text(text, encoding="utf-8")


def _users() -> str:
    """One entry an endpoint: found by hash, as rlm_files does."""
    lines = []
    for number in range(site.ENDPOINTS):
        name = site.mac(number).replace("-", "").lower()
        lines.append(
            f"{name} Auth-Type := Accept\n"
            "    Message-Authenticator := 0x00,\n"
            "    Tunnel-Type:1 := VLAN,\n"
            "    Tunnel-Medium-Type:1 := IEEE-802,\n"
            f'    Tunnel-Private-Group-Id:1 := "{site.VLAN}",\n'
            f"    Session-Timeout := {site.SESSION_TIMEOUT_S},\n"
            "    Termination-Action := RADIUS-Request\n"
        )
    return "\n".join(lines)


def _access_line(variant: Variant) -> str:
    """An audit line as admins write them: who, where, what was decided and why."""
    fields = {
        "time": "%S",
        "event": "%{reply:Packet-Type}",
        "nas": "%{client:shortname}",
        "source": "%{Packet-Src-IP-Address}",
        "source_port": "%{Packet-Src-Port}",
        "identifier": "%{NAS-Identifier}",
        "port": "%{NAS-Port}",
        "port_id": "%{NAS-Port-Id}",
        "user": "%{User-Name}",
        "mac": "%{Calling-Station-Id}",
        "called": "%{Called-Station-Id}",
        "vlan": "%{reply:Tunnel-Private-Group-Id:1}",
        "timeout": "%{reply:Session-Timeout}",
        "certificate": "%{TLS-Client-Cert-Common-Name}",
        "serial": "%{TLS-Client-Cert-Serial}",
    }
    if variant.python:
        fields |= {"rule": "%{control:Tmp-String-0}", "compliance": "%{control:Tmp-String-1}"}
    return json.dumps(fields).replace('"', '\\"')


def _accounting_line() -> str:
    fields = {
        "time": "%S",
        "event": "%{Acct-Status-Type}",
        "nas": "%{client:shortname}",
        "source": "%{Packet-Src-IP-Address}",
        "source_port": "%{Packet-Src-Port}",
        "identifier": "%{NAS-Identifier}",
        "port": "%{NAS-Port}",
        "port_id": "%{NAS-Port-Id}",
        "user": "%{User-Name}",
        "mac": "%{Calling-Station-Id}",
        "called": "%{Called-Station-Id}",
        "session": "%{Acct-Session-Id}",
        "time_s": "%{Acct-Session-Time}",
    }
    return json.dumps(fields).replace('"', '\\"')


def _write_policy(folder: Path) -> None:
    """The policy module, its rules and the cached verdicts, as files beside the configuration."""
    shutil.copy(Path(__file__).with_name("bench_policy.py"), folder / "bench_policy.py")
    rules = [
        {
            "name": rule.name,
            "access": rule.access,
            "group": rule.group,
            "mac_prefixes": rule.mac_prefixes,
            "identity": rule.identity,
            "states": rule.states,
            "then": rule.then,
        }
        for rule in site.rules()
    ]
    verdicts = {site.mac(number): "compliant" for number in range(site.ENDPOINTS)}
    verdicts |= {site.guid(number): "compliant" for number in range(site.ENDPOINTS)}
    written = {
        "rules": rules,
        "groups": {site.NAS_NAME: site.NAS_GROUPS},
        "verdicts": verdicts,
        "profiles": {
            "corporate": _profile(site.VLAN, site.SESSION_TIMEOUT_S),
            "quarantine": _profile(999, 600),
        },
    }
    (folder / "policy.json").write_text(json.dumps(written), encoding="utf-8")


def _profile(vlan: int, timeout_s: int) -> list[tuple[str, str]]:
    return [
        ("Message-Authenticator", "0x00"),
        ("Tunnel-Type:1", "VLAN"),
        ("Tunnel-Medium-Type:1", "IEEE-802"),
        ("Tunnel-Private-Group-Id:1", str(vlan)),
        ("Session-Timeout", str(timeout_s)),
        ("Termination-Action", "RADIUS-Request"),
    ]
