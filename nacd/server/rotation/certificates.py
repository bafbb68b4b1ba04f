"""The server's certificate and the client CAs of two configurations, side by side. Pure.

Knows: which certificates a configuration stands on. Refuses to know: whether they are good (``eap``), and who is told.
"""

from __future__ import annotations

from collections.abc import Iterator

from nacd.audit.rotation import events
from nacd.audit.rotation.events import OurCertificate
from nacd.eap.server_certificate import Dated, trusted
from nacd.server.assembly import Assembled
from nacd.values import AuditEvent, Instant


def held(assembled: Assembled) -> tuple[OurCertificate, ...]:
    """Every certificate whose end would be felt: the server's, those sent with it, and all client CAs."""
    eap = assembled.eap
    if eap is None:
        return ()
    whats = ("server", *("server_chain" for _ in eap.sent[1:]))
    ours = [_one(what, "", dated) for what, dated in zip(whats, eap.sent, strict=True)]
    return (*ours, *(_one("client_ca", anchor.name, dated) for anchor in eap.anchors for dated in trusted(anchor)))


def changed(
    before: tuple[OurCertificate, ...], after: tuple[OurCertificate, ...], now: Instant
) -> Iterator[AuditEvent]:
    """What became of the server's own certificate and of each client CA."""
    old, new = _server(before), _server(after)
    if new is not None and (old is None or old.fingerprint != new.fingerprint):
        yield events.certificate_changed(new, before=old.fingerprint if old is not None else "", now=now)
    elif old is not None and new is None:
        yield events.certificate_changed(old, before=old.fingerprint, now=now)
    were, are = _cas(before), _cas(after)
    for key in are.keys() - were.keys():
        yield events.certificate_changed(are[key], before="", now=now)
    for key in were.keys() - are.keys():
        yield events.certificate_changed(were[key], before=were[key].fingerprint, now=now)


def _one(what: str, name: str, dated: Dated) -> OurCertificate:
    return OurCertificate(
        what=what, name=name, subject=dated.subject, fingerprint=dated.fingerprint, not_after=dated.not_after
    )


def _server(held_then: tuple[OurCertificate, ...]) -> OurCertificate | None:
    return next((each for each in held_then if each.what == "server"), None)


def _cas(held_then: tuple[OurCertificate, ...]) -> dict[tuple[str, str], OurCertificate]:
    return {(each.name, each.fingerprint): each for each in held_then if each.what == "client_ca"}
