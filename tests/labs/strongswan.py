"""strongSwan on both ends of an IKEv2 tunnel: a gateway that asks RADIUS, and a client that speaks EAP-TLS.

Knows: two charons in namespaces of their own, and what each is told. Refuses to know: nacd (it is
an address), and which group of the gateway a login should land in.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.labs.vpn_site import BEHIND, GATEWAY, Site
from tests.peers.wire import SECRET, SERVER_NAME

PLUGINS = (
    "random nonce openssl pem x509 pubkey pkcs1 pkcs8 constraints hmac kdf kernel-libipsec kernel-netlink"
    " socket-default eap-identity {eap} updown vici"
)

STRONGSWAN = """\
charon {{
    load = {plugins}
    retry_initiate_interval = 0
    filelog {{
        log {{
            path = {folder}/log
            default = 1
            cfg = 2
            tls = 2
            flush_line = yes
        }}
    }}
    plugins {{
        vici {{
            socket = unix://{folder}/vici
        }}
        {more}
    }}
}}
swanctl {{
    load = random openssl pem x509 pubkey pkcs1 pkcs8
}}
"""

EAP_RADIUS = """\
eap-radius {{
            accounting = yes
            class_group = yes
            station_id_with_port = no
            nas_identifier = lab-gateway
            dae {{
                enable = yes
                listen = {dae[0]}
                port = {dae[1]}
                secret = {secret}
            }}
            servers {{
                nacd {{
                    address = {auth[0]}
                    auth_port = {auth[1]}
                    acct_port = {accounting[1]}
                    secret = {secret}
                }}
            }}
        }}"""

DAE_PORT = 3799
"""Where the gateway takes Disconnect-Requests and CoA-Requests, in the namespace of its own."""

POOLS = {"corp": "10.67.1", "quarantine": "10.67.2"}

CONNECTIONS = """\
connections {{
{groups}
}}
pools {{
{pools}
}}
"""

POOL = """\
    {group} {{
        addrs = {network}
    }}
"""

# `over_time` (else a tenth of four hours) is taken off a Session-Timeout at both ends: one of ten minutes would be over
# before it began, and the laptop would dial again and again.
GROUP = """\
    {group} {{
        version = 2
        over_time = 1m
        rand_time = 0
        local_addrs = {address}
        pools = {group}
        send_certreq = no
        local {{
            auth = pubkey
            certs = own.pem
            id = {name}
        }}
        remote {{
            auth = eap-radius
            eap_id = %any
            groups = {group}
        }}
        children {{
            {group} {{
                local_ts = {network}
            }}
        }}
    }}
"""

CLIENT = """\
connections {{
    home {{
        version = 2
        over_time = 1m
        rand_time = 0
        remote_addrs = {gateway}
        vips = 0.0.0.0
        local {{
            auth = eap-tls
            certs = own.pem
            id = laptop@example.test
            eap_id = "{eap_id}"
            aaa_id = {name}
        }}
        remote {{
            auth = pubkey
            id = {name}
        }}
        children {{
            home {{
                remote_ts = 0.0.0.0/0
            }}
        }}
    }}
}}
"""

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----\n", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Charon:
    """One running IKE daemon and the tool that commands it."""

    folder: Path
    swanctl: Any

    @property
    def log(self) -> str:
        file = self.folder / "log"
        return file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""

    def tell(self, *words: str, timeout_s: float = 20.0) -> Any:
        """One command of swanctl."""
        arguments = [*words, "--uri", f"unix://{self.folder}/vici"]
        settings = {"STRONGSWAN_CONF": str(self.folder / "strongswan.conf"), "SWANCTL_DIR": str(self.folder)}
        return self.swanctl.run(arguments, timeout=timeout_s, env=settings)

    def wait_for(self, words: str, within_s: float = 15.0) -> None:
        """Until its log has these words."""
        deadline = time.monotonic() + within_s
        while words not in (text := self.log):
            if time.monotonic() > deadline:
                pytest.fail(f"charon did not say `{words}` within {within_s:.0f} s:\n{text[-4000:]}")
            time.sleep(0.05)


class Lab:
    """Builds a gateway and its clients; the ``peer`` and ``netns`` fixtures end them."""

    def __init__(self, peer: Callable[[str], Any], folder: Path, certificates: Any) -> None:
        self._charon = peer("charon")
        self._swanctl = peer("swanctl")
        self._folder = folder
        self._certificates = certificates

    def gateway(self, site: Site) -> Charon:
        """The gateway, with a pool of addresses and a network behind it for each of its groups."""
        auth, accounting = site.nacd.address(), site.nacd.address(accounting=True)
        groups = "".join(
            GROUP.format(group=group, address=GATEWAY, name=SERVER_NAME, network=f"{network}.0/24")
            for group, network in BEHIND.items()
        )
        pools = "".join(POOL.format(group=group, network=f"{network}.0/24") for group, network in POOLS.items())
        dae = site.gateway_address, DAE_PORT
        radius = EAP_RADIUS.format(auth=auth, accounting=accounting, dae=dae, secret=SECRET)
        config = CONNECTIONS.format(groups=groups, pools=pools)
        return self._start(site.gateway, "gateway", "eap-radius", radius, config, self._certificates.server())

    def laptop(self, site: Site, credential: Any, eap_id: str) -> Charon:
        """A laptop with that certificate (``chain`` and ``key``); it calls itself ``eap_id`` in EAP."""
        config = CLIENT.format(gateway=GATEWAY, name=SERVER_NAME, eap_id=eap_id)
        return self._start(site.laptop, "laptop", "eap-tls", "", config, credential)

    def _start(self, space: Any, name: str, eap: str, more: str, config: str, credential: Any) -> Charon:
        folder = self._folder / name
        for each in ("x509", "x509ca", "private"):
            (folder / each).mkdir(parents=True)
        leaf, *above = _CERTIFICATE.findall(credential.chain.read_text())
        (folder / "x509/own.pem").write_text(leaf)
        for number, certificate in enumerate(above):
            (folder / f"x509ca/above-{number}.pem").write_text(certificate)
        (folder / "x509ca/server-ca.pem").write_bytes((self._certificates.folder / "server-ca.pem").read_bytes())
        (folder / "private/own.pem").write_bytes(credential.key.read_bytes())
        settings = STRONGSWAN.format(plugins=PLUGINS.format(eap=eap), folder=folder, more=more)
        (folder / "strongswan.conf").write_text(settings)
        (folder / "swanctl.conf").write_text(config)
        with (folder / "output").open("w") as output:
            environment = {"STRONGSWAN_CONF": str(folder / "strongswan.conf"), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
            self._charon.inside(space).popen([], stdout=output, env=environment)
        charon = Charon(folder=folder, swanctl=self._swanctl.inside(space))
        deadline = time.monotonic() + 10.0
        while not (folder / "vici").exists():
            if time.monotonic() > deadline:
                pytest.fail(f"charon does not start: {(folder / 'output').read_text()}{charon.log[-3000:]}")
            time.sleep(0.02)
        done = charon.tell("--load-all")
        assert done.returncode == 0, done.stdout + done.stderr
        return charon
