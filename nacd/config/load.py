"""The one way in: a path to ``nacd.yaml`` becomes a checked ``Loaded``, or every problem at once.

Knows: which files make up a configuration, and what must fit together across sections. Refuses to know:
whether a vendor can keep a profile's promises and whether a certificate is good (``server/`` asks the
rooms, and reports with ``Loaded.problem`` so that the admin sees file, line and column there too).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Final, TypeGuard

from nacd.config import fields, policy_file, wording
from nacd.config.fields import Network, Surroundings
from nacd.config.findings import secrets
from nacd.config.policy_file import PolicyFile
from nacd.config.reading.contents import contents
from nacd.config.reading.undisturbed import undisturbed
from nacd.config.rules.when import Knowledge
from nacd.config.sections.sessions import Overrides
from nacd.config.settings import Client, Settings
from nacd.config.yaml import MAX_OCTETS, Document, PathTo, Plain, parse
from nacd.errors import ConfigError, Problem
from nacd.findings import Code
from nacd.policy.model import Policy
from nacd.values import Secret
from nacd.vendor.profile import Profile

MIN_SECRET_OCTETS: Final = 8
"""Shorter shared secrets are guessed from one captured packet."""
WIDEST_NETWORK: Final = {4: 16, 6: 48}
"""Prefix lengths, by IP version; more addresses than these rarely are one kind of NAS that shares one secret."""
GOOD_SECRET_OCTETS: Final = 16
"""RFC 2865 section 3 wants at least this many."""
MAX_PROBLEMS: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A whole configuration, checked.

    digest: of the policy and its lists (also ``policy.digest``). config_digest: SHA-256 of ``nacd.yaml``.
    texts: what made up the policy, by digest; under ``digest`` itself the manifest that names the others.
    notes: remarks that do not stop anything. dead: rules that one of them says of that they never match. vendors: rows
    of the shipped vendor profiles, by name.
    """

    settings: Settings
    policy: Policy
    profiles: Mapping[str, Profile]
    config_text: str
    config_digest: str
    policy_text: str
    digest: str
    texts: Mapping[str, str]
    notes: tuple[Problem, ...]
    dead: frozenset[str]
    vendors: Mapping[str, Mapping[str, Any]]
    config_document: Document
    policy_document: Document

    def problem(
        self, message: str, *, setting: PathTo = (), profile: str = "", intention: str = "", rule: str = ""
    ) -> Problem:
        """A problem at the place where something was written.

        setting: path in ``nacd.yaml``, as in ``("clients", 0, "vendor")``. profile: name, with intention
        (``vlan``, ``redirect`` ..., or ``attributes``) if one is meant. rule: name.
        """
        if rule:
            names = [known.name for known in self.policy.rules]
            return self.policy_document.problem(("rules", names.index(rule)), message)
        if intention:
            path = policy_file.intention_path(self.policy_document, profile, intention)
            return self.policy_document.problem(path, message)
        if profile:
            return self.policy_document.problem(("profiles", profile), message, key=True)
        return self.config_document.problem(setting, message)

    def position(
        self, *, setting: PathTo = (), profile: str = "", intention: str = "", rule: str = ""
    ) -> tuple[str, int, int]:
        """File, line and column of the same place."""
        found = self.problem("", setting=setting, profile=profile, intention=intention, rule=rule)
        return found.file, found.line, found.column


def load(path: Path, environment: Mapping[str, str] = os.environ, *, policy_path: Path | None = None) -> Loaded:
    """Read a configuration. Raises ConfigError with every problem found, in the order of the files.

    policy_path: a policy to be read in place of the one that the configuration names.
    """
    with undisturbed():
        return _load(path, environment, policy_path)


def _load(path: Path, environment: Mapping[str, str], policy_path: Path | None) -> Loaded:
    octets = _octets(path)
    document, problems = parse(octets, str(path))
    reader = _Reader(document, path.parent, environment, policy_path)
    reader.problems.extend(problems)
    settings = reader.settings()
    policy = reader.policy(settings)
    reader.overrides(policy)
    if reader.problems or settings is None or policy is None:
        raise ConfigError(tuple(_ordered(reader.problems, str(path))))
    return Loaded(
        settings=settings,
        policy=policy.policy,
        profiles=policy.profiles,
        config_text=octets.decode(),
        config_digest=hashlib.sha256(octets).hexdigest(),
        policy_text=policy.text,
        digest=policy.policy.digest,
        texts=policy.texts,
        notes=tuple(_sorted([*reader.notes, *policy.notes], str(path))),
        dead=policy.dead,
        vendors=reader.vendors,
        config_document=document,
        policy_document=policy.document,
    )


def vendors() -> Mapping[str, Mapping[str, Any]]:
    """The shipped vendor profiles as plain mappings and lists, by name."""
    folder = resources.files("nacd.vendor") / "profiles"
    found: dict[str, Mapping[str, Any]] = {}
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        name, _, ending = file.name.rpartition(".")
        if ending == "yaml":
            document, problems = parse(file.read_bytes(), file.name)
            if problems:
                raise ConfigError(problems)
            found[name] = {key: _with_lists(value) for key, value in document.value.items()}
    return found


def _with_lists(value: Plain) -> Any:
    if isinstance(value, dict):
        return {key: _with_lists(item) for key, item in value.items()}
    return [_with_lists(item) for item in value] if isinstance(value, tuple) else value


def _octets(path: Path) -> bytes:
    found = contents(path, MAX_OCTETS)
    if found.problem:
        raise ConfigError((Problem(file=str(path), line=0, column=0, message=found.problem),))
    return found.octets


def _sorted(problems: list[Problem], first: str) -> list[Problem]:
    return sorted(set(problems), key=lambda p: (p.file != first, p.file, p.line, p.column, p.message))


def _ordered(problems: list[Problem], first: str) -> list[Problem]:
    ordered = _sorted(problems, first)
    if len(ordered) > MAX_PROBLEMS:
        more = Problem(file=first, line=0, column=0, message=f"{len(ordered) - MAX_PROBLEMS} more problems not shown")
        return [*ordered[:MAX_PROBLEMS], more]
    return ordered


class _Reader:
    """Collects problems and notes on one configuration."""

    def __init__(
        self, document: Document, folder: Path, environment: Mapping[str, str], policy_path: Path | None
    ) -> None:
        self.document = document
        self._policy_path = policy_path
        self.problems: list[Problem] = []
        self.notes: list[Problem] = []
        self.vendors = vendors()
        self._folder = folder
        self._environment = environment
        self._groups: dict[str, frozenset[str]] = {}
        self._words: dict[str, set[str]] = {"vendor": set(), "location": set()}
        self._sure = False

    def settings(self) -> Settings | None:
        """``nacd.yaml`` by itself, and what must fit together in it."""
        around = self._surroundings()
        settings, problems = wording.read(Settings, self.document, around)
        self.problems.extend((*problems, *around.problems))
        self._clients(settings)
        if settings is not None:
            self._note_secrets(settings, around)
            self._eap(settings)
            self._tenants(settings)
            self._polls(settings)
        return settings

    def policy(self, settings: Settings | None) -> PolicyFile | None:
        """The policy, even when ``nacd.yaml`` is wrong: an admin mends both in one go."""
        written = self.document.value.get("policy")
        path = settings.policy if settings else self._folder / written if isinstance(written, str) else None
        if self._policy_path is not None:
            path = self._policy_path
        elif path is None or not path.is_file():
            return None
        try:
            found = policy_file.read(path, _octets(path), self._knowledge(settings))
        except ConfigError as wrong:
            self.problems.extend(wrong.problems)
            return None
        self.problems.extend(found.problems)
        return found

    def overrides(self, policy: PolicyFile | None) -> None:
        """That the profiles of overrides are there, also when something else is wrong with either file."""
        sessions = self.document.value.get("sessions")
        wanted = sessions.get("overrides") if isinstance(sessions, dict) else None
        profiles = policy.document.value.get("profiles") if policy is not None else None
        if not isinstance(wanted, dict) or not isinstance(profiles, dict):
            return
        for key, name in wanted.items():
            if key in Overrides.model_fields and isinstance(name, str) and name not in profiles:
                near = wording.did_you_mean(name, profiles)
                self._refuse(("sessions", "overrides", key), f"there is no profile `{name}`{near}")

    def _knowledge(self, settings: Settings | None) -> Knowledge:
        """What a policy may count on. Of a file that is wrong otherwise nothing is held against the policy."""
        if settings is None:
            asked = not {"intune", "tenants"}.isdisjoint(self.document.value)
            return Knowledge(groups=self._groups, sure=self._sure, intune=asked, graph=asked, graph_sure=asked)
        tenants = settings.tenant_sections
        sources = [section.source for section in tenants.values()]
        overrides = settings.sessions.overrides
        return Knowledge(
            groups=self._groups,
            sure=self._sure,
            intune=bool(tenants),
            graph="graph" in sources or any(section.fallback == "graph" for section in tenants.values()),
            graph_sure=bool(tenants) and set(sources) == {"graph"},
            tenants=frozenset(tenants),
            ordered=frozenset(filter(None, (overrides.quarantine, overrides.allow))),
            words=self._words,
        )

    def _surroundings(self) -> Surroundings:
        return Surroundings(folder=self._folder, environment=self._environment)

    # -- clients ----------------------------------------------------------------------------

    def _clients(self, settings: Settings | None) -> None:
        """What must differ between clients, as far as it can be read: also of a client that is wrong otherwise."""
        written = self.document.value.get("clients")
        items = written if isinstance(written, tuple) else ()
        self._sure = bool(items) and all(isinstance(item, dict) for item in items)
        names: dict[str, PathTo] = {}
        networks: dict[Network, PathTo] = {}
        for number, item in enumerate(items):
            path: PathTo = ("clients", number)
            raw = item if isinstance(item, dict) else {}
            name = raw.get("name")
            if isinstance(name, str):
                own: PathTo = (*path, "name")
                self._twice(own, f"a client called `{name}`", names.setdefault(name, own))
                self._groups.setdefault(name, frozenset(filter(_is_text, _many(raw.get("groups", ())))))
                for key, words in self._words.items():
                    words.update(filter(_is_text, _many(raw.get(key, ()))))
            for own, network in _networks((*path, "network"), raw.get("network", ())):
                self._twice(own, f"the network `{network}`", networks.setdefault(network, own))
            self._vendor((*path, "vendor"), raw.get("vendor"))
            client = settings.clients[number] if settings else self._client(path)
            if client is not None:
                self._client_alone(path, client)

    def _client(self, path: PathTo) -> Client | None:
        return wording.read_part(Client, self.document, path, self._surroundings())

    def _twice(self, own: PathTo, what: str, first: PathTo) -> None:
        if first != own:
            line, column = self.document.spot(first)
            self._refuse(own, f"{what} stands in line {line}, column {column} already")

    def _vendor(self, path: PathTo, vendor: Plain) -> None:
        if isinstance(vendor, str) and vendor not in self.vendors:
            self._refuse(path, f"there is no vendor `{vendor}`{wording.did_you_mean(vendor, self.vendors)}")

    def _client_alone(self, path: PathTo, client: Client) -> None:
        for where, secret in secrets.of_client(client):
            self._strength((*path, *where), secret)
        for index, network in enumerate(client.network):
            widest = WIDEST_NETWORK[network.version]
            if network.prefixlen == 0:
                message = f"`{network}` lets the whole world be this NAS, if it knows the secret"
                self._note(Code.NETWORK_WIDE, (*path, "network", index), message)
            elif network.prefixlen < widest:
                message = f"`{network}` is wider than /{widest} and shares one secret: name smaller networks if you can"
                self._note(Code.NETWORK_WIDE, (*path, "network", index), message)
        if client.message_authenticator == "accept":
            message = "requests without Message-Authenticator can be forged (CVE-2024-3596): `require` it when you can"
            self._note(Code.UNSIGNED_ACCEPTED, (*path, "message_authenticator"), message)
        if client.message_authenticator == "auto":
            message = (
                "until an address has signed once, forged packets are possible (CVE-2024-3596):"
                " set `require` when all have"
            )
            self._note(Code.UNSIGNED_UNTIL_SEEN, (*path, "message_authenticator"), message)
        if client.mab_password == "any":  # noqa: S105
            message = "the password of a MAB is not checked: whoever can send as this NAS needs to know a MAC alone"
            self._note(Code.MAB_PASSWORD_UNCHECKED, (*path, "mab_password"), message)

    def _strength(self, path: PathTo, secret: Secret) -> None:
        length = len(secret.reveal())
        if length < MIN_SECRET_OCTETS:
            self._refuse(path, f"this secret is shorter than {MIN_SECRET_OCTETS} octets: it can be guessed")
        elif length < GOOD_SECRET_OCTETS:
            message = f"this secret is shorter than {GOOD_SECRET_OCTETS} octets: make it longer, and random"
            self._note(Code.SECRET_SHORT, path, message)

    # -- other sections ---------------------------------------------------------------------

    def _eap(self, settings: Settings) -> None:
        if settings.eap is None:
            return
        names: dict[str, PathTo] = {}
        tenants = settings.tenant_sections
        for number, ca in enumerate(settings.eap.client_cas):
            path: PathTo = ("eap", "client_cas", number)
            if ca.tenant and ca.tenant not in tenants:
                near = wording.did_you_mean(ca.tenant, tenants)
                self._refuse((*path, "tenant"), f"there is no tenant `{ca.tenant}`{near}")
            what = f"a client ca called `{ca.anchor}` (give it a `name` of its own)"
            self._twice(path, what, names.setdefault(ca.anchor, path))
        certifying = "certificate" in settings.identity.order
        if certifying and not any(ca.may_assert for ca in settings.eap.client_cas):
            message = "no client ca has `may_assert: [intune_id]`: no certificate will name a device"
            self._note(Code.NO_CA_NAMES_DEVICES, ("eap", "client_cas"), message)

    def _tenants(self, settings: Settings) -> None:
        """That each tenant can be told from the others, and that something leads to it."""
        inhabited = {group for client in settings.clients for group in client.groups}
        cas = settings.eap.client_cas if settings.eap else ()
        bound = {ca.tenant for ca in cas}
        several = len(settings.tenant_sections) > 1
        groups: dict[str, PathTo] = {}
        for name, section in settings.tenant_sections.items():
            path: PathTo = ("intune",) if settings.intune is not None else ("tenants", name)
            for number, group in enumerate(section.groups):
                own: PathTo = (*path, "groups", number)
                first = groups.setdefault(group, own)
                if first[:-1] != own[:-1]:
                    self._twice(own, f"a tenant of the group `{group}`", first)
                if group not in inhabited:
                    message = f"no NAS is in the group `{group}`{wording.did_you_mean(group, inhabited)}"
                    self._note(Code.GROUP_EMPTY, own, message)
            if not several:
                continue
            if name not in bound and inhabited.isdisjoint(section.groups) and not (cas and section.known_id):
                message = f"nothing leads to the tenant `{name}`: no client ca, no tenant id, no group of a NAS"
                self._note(Code.TENANT_UNREACHABLE, path, message, key=True)
            if cas and not section.known_id:
                message = "without its `tenant_id`, certificates of other tenants cannot be told from those of this one"
                self._note(Code.TENANT_ID_MISSING, (*path, "tenant"), message)

    def _polls(self, settings: Settings) -> None:
        inhabited = {group for client in settings.clients for group in client.groups}
        for group in settings.compliance.poll.groups:
            if group not in inhabited:
                message = f"no NAS is in the group `{group}`{wording.did_you_mean(group, inhabited)}"
                self._note(Code.GROUP_EMPTY, ("compliance", "poll", "groups", group), message, key=True)

    def _note_secrets(self, settings: Settings, around: Surroundings) -> None:
        for path, message in secrets.remarks(settings, around.notes):
            self._note(Code.SECRET_FILE_OPEN, path, message)

    def _refuse(self, path: PathTo, message: str) -> None:
        self.problems.append(self.document.problem(path, message))

    def _note(self, code: Code, path: PathTo, message: str, *, key: bool = False) -> None:
        self.notes.append(self.document.problem(path, message, key=key, code=code))


def _many(value: Plain) -> tuple[Plain, ...]:
    return value if isinstance(value, tuple) else (value,)


def _is_text(value: Plain) -> TypeGuard[str]:
    return isinstance(value, str)


def _networks(path: PathTo, written: Plain) -> Iterator[tuple[PathTo, Network]]:
    """The networks that can be read; what is wrong with the others has been told."""
    for index, item in enumerate(_many(written)):
        with contextlib.suppress(ValueError):
            yield (*path, index), fields.network(item)
