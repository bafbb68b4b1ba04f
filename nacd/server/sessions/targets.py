"""A session's NAS as it is configured: whether it can be asked, where, by whom, and in which octets.

Knows: the NASes of one configuration, what their vendors' data says, and every profile in their words. Refuses to know:
which verb is next and when (``session/``), sockets (``server/dac``).

A request that is signed with the secret of a NAS goes to an address of that NAS alone: either the one that the admin
has written down, or one that the configuration still gives to this NAS. The address that a session came from was true
when it came.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from nacd.config import settings
from nacd.errors import BadValue, UnknownAttribute
from nacd.radius.clients import Client, ClientTable
from nacd.radius.dictionary import Dictionary
from nacd.radius.dynauth import transaction
from nacd.radius.overlap.seen import SecretsSeen
from nacd.radius.packet import Code
from nacd.server.assembly import Assembled
from nacd.server.dac.lanes import NO_OVERLAP, Overlap, Target
from nacd.server.sessions import settings_of
from nacd.sessions import Grounds, Pending, Session, Standing
from nacd.values import NO_SECRET, NOT_ASKED, Attribute, CertificateFacts, Rendered, Secret
from nacd.vendor import dynauth as words
from nacd.vendor.dynauth import LeftOut, Rung
from nacd.vendor.dynauth_model import ClassUse, Dynauth
from nacd.vendor.fill import Told, fill, told

_CODES: Final = {"coa": Code.COA_REQUEST, "disconnect": Code.DISCONNECT_REQUEST}
_CLASS: Final = "class"
_UNKNOWN: Final = ""
"""The profile of a session that was given something nobody knows any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request ready to be sent. shown: ``attributes`` in names, for people. overlap: the NAS's other secret."""

    target: Target
    code: int
    attributes: bytes
    shown: tuple[Attribute, ...]
    secret: Secret
    overlap: Overlap = NO_OVERLAP


@dataclass(frozen=True, slots=True, kw_only=True)
class _Askable:
    """A NAS that can be asked."""

    client: Client
    wanted: settings.Dynauth
    vendor: Dynauth

    @property
    def secrets(self) -> tuple[Secret, Secret]:
        """The one in force and the one beside it, ``NO_SECRET`` for none."""
        return secrets_asked_with(self.wanted, self.client)


class Targets:
    """Of the configuration that is in force."""

    def __init__(
        self,
        assembled: Assembled,
        has_namesake: Callable[[Session], bool] = lambda _session: False,
    ) -> None:
        """has_namesake: whether somebody else's session at the same NAS bears the User-Name of this one."""
        self._has_namesake = has_namesake
        self.seen = SecretsSeen()
        """Which of two secrets NASes have."""
        self.renew(assembled)

    def renew(self, assembled: Assembled) -> None:
        """Go by this configuration from now on. What was sent is not taken back."""
        self._table: ClientTable = assembled.table
        self._dictionary: Dictionary = assembled.dictionary
        self._rendered: Mapping[tuple[str, str], Rendered] = assembled.rendered
        self._dynauths: Mapping[str, Dynauth] = assembled.dynauths
        self._policy_digest = assembled.loaded.digest
        self._askable: dict[str, _Askable] = {}
        self._mute: dict[str, str] = {}
        clients = {client.nas.name: client for client in assembled.clients}
        for wanted in assembled.loaded.settings.clients:
            vendor = self._dynauths.get(wanted.vendor)
            if wanted.dynauth is None:
                self._mute[wanted.name] = f"`dynauth` is not configured for NAS `{wanted.name}`"
            elif vendor is None:
                self._mute[wanted.name] = f"nacd does not know how NASes of vendor `{wanted.vendor}` are asked"
            else:
                client = clients[wanted.name]
                self._askable[wanted.name] = _Askable(client=client, wanted=wanted.dynauth, vendor=vendor)

    @property
    def asked_by_name(self) -> Mapping[str, str]:
        """NASes that may be asked about a session by its User-Name alone, with the one address where requests about all
        their sessions go, ``""`` where each goes where its session came from."""
        return {
            name: each.wanted.address or ""
            for name, each in self._askable.items()
            if any(row.may_name_by_user_alone for row in each.vendor.ladder)
        }

    def why_not(self, session: Session) -> str:
        """Why its NAS cannot be asked anything, a clause; ``""`` if it can."""
        name, source = session.place.nas, session.place.source
        askable = self._askable.get(name)
        if askable is None:
            return self._mute.get(name) or f"there is no NAS `{name}` in the configuration any more"
        if askable.wanted.address:
            return ""
        owner = self._table.find(source)
        if owner is None or owner.nas.name != name:
            return f"`{source}`, where it came from, does not belong to NAS `{name}` any more"
        return ""

    def rungs(self, session: Session, before: str, after: str) -> tuple[Rung, ...]:
        """What its NAS can be asked so that it comes from one profile to another, in the order to try it.

        before: name of the profile that it has, ``""`` if nobody knows. after: that it is to have, ``""`` if none.
        """
        return tuple(rung for rung, reason in self._judged(session, before, after) if not reason)

    def left_out(self, session: Session, before: str, after: str) -> tuple[LeftOut, ...]:
        """What its NAS cannot be asked for that, and why."""
        askable = self._askable.get(session.place.nas)
        if askable is None:
            return ()
        not_for = words.plan(askable.vendor, session, namesake=self._has_namesake(session)).left_out
        useless = (
            LeftOut(number=rung.number, verb=rung.verb, reason=reason)
            for rung, reason in self._judged(session, before, after)
            if reason
        )
        return tuple(sorted((*not_for, *useless), key=lambda each: each.number))

    def request(self, rung: Rung, session: Session, profile: str, narrow: bool = False) -> Asked | LeftOut:
        """What to send for this verb. profile: that the session is to have, ``""`` if none. narrow: as ``render``'s."""
        reason = self.why_not(session)
        if reason:
            return LeftOut(number=rung.number, verb=rung.verb, reason=reason)
        askable = self._askable[session.place.nas]
        pushed: tuple[Attribute, ...] = ()
        if rung.push:
            rendered = self._rendered.get((profile, askable.vendor.vendor))
            if rendered is None:
                return LeftOut(number=rung.number, verb=rung.verb, reason=_unsayable(profile))
            pushed = tuple(_authorization(rendered, session))
        said = words.render(rung, session, pushed, narrow, namesake=self._has_namesake(session))
        if isinstance(said, LeftOut):
            return said
        try:
            octets = b"".join(map(self._dictionary.encode, said.attributes))
            code = transaction.check(_CODES[said.code], octets)
        except (BadValue, UnknownAttribute) as wrong:
            return LeftOut(number=rung.number, verb=rung.verb, reason=str(wrong))
        name, source = session.place.nas, session.place.source
        target = settings_of.target(askable.wanted, askable.vendor, nas=name, host=_plain(source), port=rung.port)
        secret, overlap = self._secrets(askable, target, source)
        return Asked(target=target, code=code, attributes=octets, shown=said.attributes, secret=secret, overlap=overlap)

    def _secrets(self, askable: _Askable, target: Target, source: str) -> tuple[Secret, Overlap]:
        """What this address most likely has, and what else it may have."""
        if askable.secrets[1] is NO_SECRET:
            return askable.secrets[0], NO_OVERLAP
        first, other = self.seen.ask_with(target.nas, target.host, source, askable.secrets)
        answered = partial(self.seen.answered, target.nas, target.host)
        return first, Overlap(other=other, answered=answered)

    def class_is_free(self, vendor: str) -> bool:
        """Whether NASes of this vendor return Class and make nothing of it, so that a token of ours may go in."""
        dynauth = self._dynauths.get(vendor)
        return dynauth is not None and dynauth.class_use is ClassUse.FREE

    def marks_voice(self, vendor: str, attributes: Iterable[Attribute]) -> bool:
        """Whether an Accept with these attributes may have let a phone onto the port."""
        dynauth = self._dynauths.get(vendor)
        return dynauth is not None and words.marks_voice(dynauth, attributes)

    def _judged(self, session: Session, before: str, after: str) -> Iterator[tuple[Rung, str]]:
        """Each verb that the session can be asked, and why it would not lead there: a clause, ``""`` if it does."""
        if self.why_not(session):
            return
        askable = self._askable[session.place.nas]
        standing = session.standing
        # Another policy's profile of the same name may have said something else.
        known = isinstance(standing, Standing) and standing.policy_digest == self._policy_digest
        for rung in words.plan(askable.vendor, session, namesake=self._has_namesake(session)).rungs:
            again = before == after and not rung.push
            yield rung, self._misses(rung, session, askable.vendor, before if known or again else _UNKNOWN, after)

    def _misses(self, rung: Rung, session: Session, vendor: Dynauth, before: str, after: str) -> str:
        new = self._rendered.get((after, vendor.vendor))
        if new is None:
            # Whoever authenticates again is refused, which ends the session; a refusal cannot be pushed.
            return _unsayable(after) if rung.push else ""
        old = self._rendered.get((before, vendor.vendor))
        if old is None:
            fits_all = not rung.push and not rung.row.unchanged
            return "" if fits_all else f"nobody knows what it was given, so {rung.verb} may leave some of it"
        had, wanted = _given(old, session), _given(new, session)
        return words.cannot_change(rung, had, wanted) or (
            _stays_behind(rung, had, wanted, vendor.class_use) if rung.push else ""
        )


def secrets_asked_with(wanted: settings.Dynauth, client: Client) -> tuple[Secret, Secret]:
    """The two secrets that a NAS is asked with: ``dynauth``'s own, else those of its requests. ``NO_SECRET``: none."""
    if wanted.secret is None:
        return client.secret, client.next_secret
    return wanted.secret, wanted.next_secret or NO_SECRET


def _stays_behind(rung: Rung, old: Iterable[Attribute], new: Iterable[Attribute], class_use: ClassUse) -> str:
    """What a push would not change: a NAS keeps what a CoA-Request leaves out, and replaces every value of what is in
    it (RFC 5176 section 3.6)."""
    old, new = tuple(old), tuple(new)
    if class_use is not ClassUse.FREE and _values(old, _CLASS) != _values(new, _CLASS):
        return "its Class would have to change, which is not pushed"
    keys = {_key(each) for each in new}
    kept = sorted({each.name for each in old if _key(each) not in keys and each.name.lower() != _CLASS})
    return f"{rung.verb} cannot take {', '.join(kept)} away" if kept else ""


def _key(attribute: Attribute) -> tuple[str, str]:
    """What a later value replaces: of pairs like ``url-redirect=...`` there are many kinds in one attribute."""
    word, equals, _ = str(attribute.value).partition("=")
    return attribute.name.lower(), word if equals else ""


def _values(attributes: Iterable[Attribute], name: str) -> list[str]:
    return [str(each.value) for each in attributes if each.name.lower() == name]


def _given(rendered: Rendered, session: Session) -> tuple[Attribute, ...]:
    """What the profile says of this session, as its Accept said it: with the same facts filled in."""
    grounds, wish, names = session.grounds, session.wish, session.names
    if not isinstance(grounds, Grounds):
        return rendered.attributes + fill(rendered, Told())
    under = wish.wanted if isinstance(wish, Pending) else session.standing
    compliance = under.compliance if isinstance(under, Standing) else NOT_ASKED
    known = told(grounds.identity, grounds.mac, compliance, names.audit_session_id, names.acct_session_id)
    return rendered.attributes + fill(rendered, known)


def _authorization(rendered: Rendered, session: Session) -> Iterator[Attribute]:
    """The whole of it but Class: where that is free it is no part of an authorization."""
    yield from (each for each in _given(rendered, session) if each.name.lower() != _CLASS)
    timeout_s = _session_timeout_s(rendered, session)
    if timeout_s:
        yield Attribute(name="Session-Timeout", value=timeout_s)
        # RFC 3580 section 3.17, as in an Accept.
        yield Attribute(name="Termination-Action", value="RADIUS-Request" if rendered.reauthenticate else "Default")


def _session_timeout_s(rendered: Rendered, session: Session) -> int:
    """Seconds from when it is asked, 0 for none. No session outlives the certificate it stands on."""
    timeout_s, wish, grounds = rendered.session_timeout_s, session.wish, session.grounds
    at = max(session.authorized_at, session.seen_at)
    if isinstance(wish, Pending):
        at = max(at, wish.wanted.at, wish.asked_at)
        if wish.wanted.profile == rendered.profile:
            timeout_s = wish.wanted.session_timeout_s or timeout_s
    if timeout_s and isinstance(grounds, Grounds) and isinstance(grounds.certificate, CertificateFacts):
        return min(timeout_s, max(1, int(grounds.certificate.not_after - at)))
    return timeout_s


def _unsayable(profile: str) -> str:
    return f"this NAS cannot be told of profile `{profile}`" if profile else "a refusal cannot be pushed"


def _plain(source: str) -> str:
    """An address as the sockets of requests want it: IPv4 in IPv6 is IPv4, a scope is left out."""
    try:
        address = ipaddress.ip_address(source.partition("%")[0])
    except ValueError:
        return source
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)
