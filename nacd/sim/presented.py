"""Which certificate a simulated HTTPS port presents: the good one, or one that a careful client refuses.

Knows: the chains and how each is made. Refuses to know: who listens where.
"""

from __future__ import annotations

import ssl
import tempfile
from collections.abc import Mapping
from pathlib import Path

from nacd.sim.pki import DAY_S, Authority, Issued

CHAINS: Mapping[str, str] = {
    "good": "the folder's own `web.pem`",
    "unknown_root": "leaf and intermediate under a root nobody knows, as from a proxy that breaks TLS open",
    "expired": "under the good root, but it ran out yesterday",
    "wrong_name": "under the good root, but for another host",
    "missing_intermediate": "under the good root, but the intermediate between is not sent",
}


def server_context(chain: str, folder: Path, host: str) -> ssl.SSLContext:
    """A TLS context that presents this chain for ``host``. folder: a demo PKI.

    Raises ValueError for a word that is none of CHAINS, OSError when the folder lacks ``web-ca.key``.
    """
    if chain not in CHAINS:
        raise ValueError(f"`chain` is one of {', '.join(CHAINS)}, not `{chain}`")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if chain == "good":
        context.load_cert_chain(folder / "web.pem", folder / "web.key")
        return context
    issued = _issued(chain, folder, host)
    with tempfile.TemporaryDirectory(prefix="nacd-sim-") as passing:
        pem = issued.certificate_pem if chain == "missing_intermediate" else issued.chain_pem
        (Path(passing) / "chain.pem").write_bytes(pem + issued.key_pem)
        context.load_cert_chain(Path(passing) / "chain.pem")
    return context


def _issued(chain: str, folder: Path, host: str) -> Issued:
    if chain == "unknown_root":
        stranger = Authority.root("nacd demo breaking proxy root").intermediate("nacd demo breaking proxy")
        return stranger.issue_server(host, dns=[host, "localhost"], addresses=["127.0.0.1", "::1"])
    root = Authority.loaded(folder / "web-ca.pem", folder / "web-ca.key")
    if chain == "wrong_name":
        return root.issue_server("elsewhere.example.test")
    if chain == "expired":
        return root.issue_server(host, dns=[host, "localhost"], starts_s=-30 * DAY_S, lasts_s=29 * DAY_S)
    return root.intermediate("nacd demo web issuing").issue_server(host, dns=[host, "localhost"])
