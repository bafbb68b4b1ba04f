"""Whether the hosts of Microsoft can be spoken to over TLS, and if not, who stands in the way.

Knows: a handshake with nacd's own trust, and the chain a server presents when it is not trusted. Refuses to know:
requests and tokens: nothing is sent here after the handshake.
"""

from __future__ import annotations

import contextlib
import os
import ssl
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from nacd.errors import SourceError
from nacd.intune.bounded import limit, tls_context
from nacd.intune.doctor.step import Finding, failed, good
from nacd.intune.doctor.together import together
from nacd.intune.options import IntuneOptions
from nacd.intune.presented import Presented, presented, root_is_missing, through

_LOOK_S = 3.0
_SLACK_S = 0.5
_DATES = frozenset({9, 10})  # X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_CERT_HAS_EXPIRED
_INSPECTION = "Microsoft does not support tls inspection on these hosts: exempt them on the proxy or firewall"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Hand:
    """One handshake. words: what to show; fix: ``""`` when it went well."""

    words: str
    fix: str = ""


def handshakes(hosts: Sequence[str], options: IntuneOptions, until: float) -> tuple[Finding, frozenset[str]]:
    """A handshake with each ``host`` or ``host:port``, all at the same time; and those with which none came off.

    until: monotonic seconds.
    """
    hands = [
        (host, hand if isinstance(hand, _Hand) else _Hand(words=hand.detail, fix=_way_fix(host, options)))
        for host, hand in together(hosts, lambda host: _handshake(host, options, until), until + _SLACK_S)
    ]
    detail = "\n".join(f"{host}  {hand.words}" for host, hand in hands)
    bad = {host: hand.fix for host, hand in hands if hand.fix}
    return (failed(detail, next(iter(bad.values()))) if bad else good(detail)), frozenset(bad)


def _handshake(host: str, options: IntuneOptions, until: float) -> _Hand:
    name, _, port = host.partition(":")
    look_until = until
    until -= min(_LOOK_S, (until - time.monotonic()) / 2)  # some time is left to look at what is presented
    try:
        with (
            limit(until),
            through(name, int(port or 443), options.proxy) as raw,
            tls_context(options.ca_file).wrap_socket(raw, server_hostname=name) as tls,
        ):
            return _Hand(words=_agreed(tls))
    except ssl.SSLCertVerificationError as trouble:
        seen = presented(name, int(port or 443), look_until, options.proxy)
        return _distrusted(trouble, seen, options)
    except SourceError as trouble:
        return _Hand(words=trouble.detail, fix=_way_fix(host, options))
    except TimeoutError:
        words = "does not answer in time: a firewall that drops, or a proxy that must be configured"
        return _Hand(words=words, fix=_way_fix(host, options))
    except ssl.SSLError as trouble:
        reason = (trouble.reason or "protocol error").lower().replace("_", " ")
        fix = f"this is not Microsoft, or an old middlebox is in between: try `openssl s_client -connect {host}`"
        return _Hand(words=f"tls failed: {reason}", fix=fix)
    except OSError as trouble:
        words = (trouble.strerror or type(trouble).__name__).lower()
        return _Hand(words=f"cannot be reached: {words}", fix=_way_fix(host, options))


def _agreed(tls: ssl.SSLSocket) -> str:
    cipher = tls.cipher()
    peer: dict[str, Any] = tls.getpeercert() or {}
    issuer = ", ".join(value for row in peer.get("issuer", ()) for key, value in row if key in _NAMES)
    return f"{tls.version() or 'tls'}, {cipher[0] if cipher else 'no cipher'}, issued by {issuer or 'nobody named'}"


_NAMES = ("organizationName", "commonName")


def _distrusted(trouble: ssl.SSLCertVerificationError, seen: Presented, options: IntuneOptions) -> _Hand:
    missing = root_is_missing(trouble)
    lines = [f"the certificate is not trusted: {trouble.verify_message}"]
    for place, (subject, issuer, print_) in enumerate(
        zip(seen.subjects, seen.issuers, seen.fingerprints, strict=True), start=1
    ):
        lines += [f"  {place}  {subject}", f"     issued by {issuer}", f"     sha-256 {print_}"]
    if not seen.fingerprints:
        lines.append(f"  what it presents cannot be seen: {seen.problem}")
    if missing and seen.root:
        lines.append(f"  missing root: {seen.root}")
    if trouble.verify_code in _DATES:
        today = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
        return _Hand(words="\n".join(lines), fix=f"this machine says it is {today}: if that is wrong, set the clock")
    if not missing:
        return _Hand(words="\n".join(lines), fix=f"another server answers for this name. {_INSPECTION}")
    store = f"`ca_file` ({options.ca_file})" if options.ca_file else "the operating system's trust store"
    fix = f"is the issuer your own proxy? {_INSPECTION}. Is it Microsoft's? Put the missing root into {store}"
    return _Hand(words="\n".join(lines), fix=fix)


def _way_fix(host: str, options: IntuneOptions) -> str:
    if options.proxy:
        return f"the proxy must allow `CONNECT {host}`: look at its log, and at `proxy` in the configuration"
    port = host.partition(":")[2] or 443
    return f"let this machine reach `{host}` (tcp, port {port}) through the firewall, or set `proxy`"


def roots(options: IntuneOptions) -> Finding:
    """Whom nacd trusts. Raises OSError when the CA file cannot be read."""
    context = tls_context(options.ca_file)
    count = context.cert_store_stats()["x509_ca"]
    if options.ca_file:
        return good(f"{count} root{'' if count == 1 else 's'} in {options.ca_file}, and no others")
    if not count and not any(_folder_has_roots(ssl.get_default_verify_paths().openssl_capath)):
        return failed("the operating system has no trusted roots", "install the package `ca-certificates`")
    return good("the operating system's roots")


def _folder_has_roots(folder: str) -> Iterator[bool]:
    with contextlib.suppress(OSError):
        yield from (name.endswith(".0") for name in os.listdir(folder))
