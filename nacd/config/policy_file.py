"""From the text of a policy to a ``Policy`` and its profiles, or every problem with its place.

Knows: how the parts of the file hang together, and the lists it refers to. Refuses to know: vendors
(whether a NAS can keep a profile's promises is asked later, with ``PolicyFile.document`` for the place).

The digest of a policy is the SHA-256 of a manifest in the form of sha256sum(1): one line for the policy
file, one for each list. The manifest and every text are kept in ``texts`` under their own digests, so
that what once decided can be shown again, and checked with no program of ours.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from nacd.config import mac_list, wording
from nacd.config.fields import Surroundings
from nacd.config.lists import vlan_list
from nacd.config.lists.vlan_list import DeviceVlans
from nacd.config.mac_list import MacList
from nacd.config.policy_conditions import When, hours
from nacd.config.policy_text import PolicyText, ProfileText, RuleText, attribute_name, intentions, profile_fields
from nacd.config.yaml import Document, PathTo, Plain, parse
from nacd.errors import Problem
from nacd.policy import answered, certified, lint, requested
from nacd.policy import conditions as c
from nacd.policy.model import DEFAULT_DENY, DENY, Policy, Rule
from nacd.values import AccessKind, Assurance, Attribute, ComplianceSource, ComplianceState
from nacd.vendor.profile import INTENTIONS, Profile

MAX_RULES: Final = 2000
_NEEDS_A_TENANT: Final = answered.DEVICE_KEYS | {"compliance_age", "compliance_source", "tenant"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """What the rest of the configuration tells a policy.

    groups: NAS name to its groups. sure: whether that list is whole (an unknown name is an error only
    then). intune: whether Intune is asked at all. graph: whether an answer can come from Microsoft Graph,
    which alone tells facts about devices. graph_sure: whether every answer does. tenants: their names; empty
    when nobody is asked, or when they cannot be read. ordered: profiles that overrides give.
    """

    groups: Mapping[str, frozenset[str]]
    sure: bool
    intune: bool
    graph: bool = False
    graph_sure: bool = False
    tenants: frozenset[str] = frozenset()
    ordered: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyFile:
    """One policy file read. policy and profiles count only when there are no problems."""

    document: Document
    text: str
    policy: Policy
    profiles: Mapping[str, Profile]
    texts: Mapping[str, str]
    problems: tuple[Problem, ...]
    notes: tuple[Problem, ...]


def read(path: Path, octets: bytes, knowledge: Knowledge) -> PolicyFile:
    """Read a policy. Raises ConfigError when the file is no YAML mapping in UTF-8."""
    document, problems = parse(octets, str(path))
    reader = _Reader(document, path.parent, knowledge)
    reader.problems.extend(problems)
    profiles = reader.profiles()
    rules = reader.rules(profiles)
    text = octets.decode()
    digest, texts = _digest(path.name, text, octets, {**reader.lists, **reader.vlan_lists})
    policy = Policy(rules=rules, digest=digest)
    if not reader.problems:
        reader.lint(policy, profiles)
    return PolicyFile(
        document=document,
        text=text,
        policy=policy,
        profiles=profiles,
        texts=texts,
        problems=tuple(reader.problems),
        notes=tuple(reader.notes),
    )


def _digest(
    name: str, text: str, octets: bytes, lists: Mapping[str, MacList | DeviceVlans]
) -> tuple[str, Mapping[str, str]]:
    own = hashlib.sha256(octets).hexdigest()
    lines = [f"{own}  {name}", *(f"{found.digest}  {file}" for file, found in sorted(lists.items()))]
    manifest = "".join(f"{line}\n" for line in lines)
    digest = hashlib.sha256(manifest.encode()).hexdigest()
    return digest, {digest: manifest, own: text} | {found.digest: found.text for found in lists.values()}


@dataclass(slots=True)
class _Reader:
    """Collects problems and notes on one file."""

    document: Document
    folder: Path
    knowledge: Knowledge
    problems: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)
    lists: dict[str, MacList] = field(default_factory=dict)
    vlan_lists: dict[str, DeviceVlans] = field(default_factory=dict)
    clock_is_told: bool = False
    """Whether the file has a time zone, or has been refused for want of it."""

    def __post_init__(self) -> None:
        self.clock_is_told = "time_zone" in self.document.value

    def profiles(self) -> Mapping[str, Profile]:
        """Every profile the file names; one with a problem is there by its name only."""
        around = Surroundings(folder=self.folder, environment={})
        _, problems = wording.read(PolicyText, self.document, around)
        self.problems.extend(problems)
        found: dict[str, Profile] = {}
        for name in _mapping(self.document.value.get("profiles")):
            path = ("profiles", name)
            if name == DENY:
                self._refuse(path, f"no profile can be called `{DENY}`: that word refuses access", key=True)
            written = wording.read_part(ProfileText, self.document, path, around) if name else None
            found[name] = Profile(name=name or "unnamed") if written is None else self._profile(name, written)
        return found

    def rules(self, profiles: Mapping[str, Profile]) -> tuple[Rule, ...]:
        """Every rule that could be read, under unique names."""
        written = self.document.value.get("rules")
        items = written if isinstance(written, tuple) else ()
        if len(items) > MAX_RULES:
            self._refuse(("rules", MAX_RULES), f"more than {MAX_RULES:,} rules: each costs time in every decision")
            return ()
        found: dict[str, Rule] = {}
        lines: dict[str, int] = {}
        around = Surroundings(folder=self.folder, environment={})
        for number, item in enumerate(items):
            path = ("rules", number)
            self._check(path, _mapping(item), profiles, lines)
            self._check_clock((*path, "when", "during"), _mapping(item))
            rule = wording.read_part(RuleText, self.document, path, around)
            if rule is None or rule.name in found or rule.name == DEFAULT_DENY:
                continue
            found[rule.name] = Rule(
                name=rule.name,
                line=self.document.spot(path).line,
                conditions=tuple(self._conditions((*path, "when"), rule.when)),
                then=rule.then,
            )
        return tuple(found.values())

    def lint(self, policy: Policy, profiles: Mapping[str, Profile]) -> None:
        """Notes on what is lawful but surely not meant."""
        groups = self.knowledge.groups
        places = {rule.name: ("rules", number) for number, rule in enumerate(policy.rules)}
        for note in lint.notes(policy, groups=groups, graph=self.knowledge.graph, graph_sure=self.knowledge.graph_sure):
            path: PathTo = places[note.rule]
            if note.condition:
                path = (*path, "when", note.condition)
            self.notes.append(self.document.problem(path, f"rule `{note.rule}`: {note.message}"))
        used = {rule.then for rule in policy.rules} | self.knowledge.ordered
        for name in profiles:
            if name not in used:
                self.notes.append(self.document.problem(("profiles", name), f"no rule uses profile `{name}`", key=True))
        if not policy.rules:
            self.notes.append(self.document.problem(("rules",), "there are no rules: everything is denied"))

    # -- profiles ---------------------------------------------------------------------------

    def _profile(self, name: str, written: ProfileText) -> Profile:
        path: PathTo = ("profiles", name)
        plain, optional = intentions(written), intentions(written.optional)
        for intention in plain.keys() & optional.keys():
            message = f"`{intention}` stands in the profile and under `optional`: it is either a promise or not"
            self._refuse((*path, "optional", intention), message, key=True)
        raw = tuple(
            Attribute(name=attribute, value=value, tag=tag)
            for key, values in written.attributes.items()
            for attribute, tag in (attribute_name(key),)
            for value in values
        )
        if "vlan" in plain | optional and any(attribute.name.startswith("Tunnel-P") for attribute in raw):
            message = "`vlan` sets the Tunnel attributes: they cannot stand here too"
            self._refuse((*path, "attributes"), message, key=True)
        try:
            return Profile(
                name=name,
                raw=raw,
                reauthenticate=written.termination != "end",
                optional=frozenset(optional),
                on_quarantine=written.on_quarantine,
                **profile_fields(plain | optional, lambda file: self._vlans(name, file)),
            )
        except ValueError as wrong:
            for line in str(wrong).split("\n"):
                word = line.split(" ", 1)[0].split(".", 1)[0]
                self._refuse(intention_path(self.document, name, word) if word in INTENTIONS else path, line)
            return Profile(name=name)

    # -- rules ------------------------------------------------------------------------------

    def _check(self, path: PathTo, rule: dict[str, Plain], profiles: Iterable[str], lines: dict[str, int]) -> None:
        """What a rule refers to, as far as it can be read: also of a rule that is wrong otherwise."""
        name, then, when = rule.get("name"), rule.get("then"), _mapping(rule.get("when"))
        if isinstance(name, str) and name in lines:
            self._refuse((*path, "name"), f"a rule called `{name}` stands in line {lines[name]} already")
        elif isinstance(name, str):
            lines[name] = self.document.spot(path).line
        if name == DEFAULT_DENY:
            message = f"`{DEFAULT_DENY}` is what happens when no rule matches: choose another name"
            self._refuse((*path, "name"), message)
        if isinstance(then, str) and then != DENY and then not in profiles:
            known = wording.did_you_mean(then, (*profiles, DENY))
            self._refuse((*path, "then"), f"there is no profile `{then}`{known}")
        self._check_names((*path, "when", "nas"), when.get("nas"), set(self.knowledge.groups))
        groups = set().union(*self.knowledge.groups.values())
        self._check_names((*path, "when", "group"), when.get("group"), groups)
        self._check_told((*path, "when"), when)

    def _check_told(self, path: PathTo, when: dict[str, Plain]) -> None:
        """Conditions on what is never told here."""
        known = self.knowledge
        if not known.intune:
            if "compliance" in when and when["compliance"] not in ("not_asked", ("not_asked",)):
                message = "nobody tells compliance: there is no `intune` section, so it is always `not_asked`"
                self._refuse((*path, "compliance"), message)
            for key in when:
                if key in _NEEDS_A_TENANT:
                    self._refuse((*path, key), f"nobody tells `{key}`: there is no `intune` section")
        elif not known.graph:
            for key in when:
                if key in answered.DEVICE_KEYS:
                    message = (
                        f"nobody tells `{key}`: NAC 2.0 tells compliance only; Microsoft Graph does, set"
                        " `source: graph` or `fallback: graph` under `intune`"
                    )
                    self._refuse((*path, key), message)
        if "os_version" in when and "os" not in when:
            message = "versions of different systems cannot be compared: write `os` beside it"
            self._refuse((*path, "os_version"), message)
        elif "os_version" in when and len(_systems(when["os"])) > 1:
            message = "versions of different systems cannot be compared: name one `os`, and write a rule for each"
            self._refuse((*path, "os_version"), message)
        if known.tenants:
            self._check_names((*path, "tenant"), when.get("tenant"), set(known.tenants), sure=True)

    def _check_clock(self, path: PathTo, rule: dict[str, Plain]) -> None:
        """Hours are of no use as long as nobody says of which clock; said once."""
        if "during" in _mapping(rule.get("when")) and not self.clock_is_told:
            self.clock_is_told = True
            message = "`during` needs to know whose clock: write `time_zone` above, as in `time_zone: Europe/Berlin`"
            self._refuse(path, message, key=True)

    def _check_names(self, path: PathTo, written: Plain, known: set[str], *, sure: bool = False) -> None:
        if not (sure or self.knowledge.sure):
            return
        for number, name in enumerate(written if isinstance(written, tuple) else (written,)):
            if isinstance(name, str) and name not in known:
                near = wording.did_you_mean(name, known) or f": no client has a {path[-1]}"
                self._refuse((*path, number), f"there is no {path[-1]} `{name}`{near}")

    def _conditions(self, path: PathTo, when: When) -> Iterator[c.Condition]:
        """In the order in which they are written: that is how people read why a rule failed."""
        # a key without value has been told of: it makes no condition, and the rule is not empty for it
        written = _mapping(self._at(path))
        whole = None not in written.values()
        written = {key: value for key, value in written.items() if value is not None}
        made = tuple(self._condition(path, key, when) for key in written if key in When.model_fields)
        rule = _mapping(self._at(path[:-1]))
        if whole and rule.get("then") != DENY and all(c.excludes_nothing(condition) for condition in made):
            what = "these conditions leave nothing out" if made else "without conditions a rule matches everything"
            self._refuse(path, f"{what}: only `then: {DENY}` may do that")
        yield from made

    def _condition(self, path: PathTo, key: str, when: When) -> c.Condition:
        value: Any = getattr(when, key)
        match key:
            case "access":
                return c.AccessIs(kinds=tuple(AccessKind(word) for word in value))
            case "nas":
                return c.NasIs(names=frozenset(value))
            case "group":
                return c.GroupIs(groups=frozenset(value))
            case "identity":
                return c.IdentityFrom(sources=value)
            case "assurance":
                return c.AssuranceAtLeast(level=Assurance[value.upper()])
            case "tenant":
                return c.TenantIs(names=frozenset(value))
            case "mac":
                return requested.MacMatches(patterns=value)
            case "mac_in":
                return requested.MacIn(files=value, macs=self._macs((*path, key), value))
            case "issuer":
                return certified.IssuerMatches(patterns=value)
            case "subject":
                return certified.SubjectMatches(patterns=value)
            case "user":
                return c.UserMatches(patterns=value)
            case "ssid":
                return requested.SsidIs(names=frozenset(value))
            case "during":
                return hours(value, self.document.value.get("time_zone"))
            case _:
                return _on_answer(key, value)

    def _macs(self, path: PathTo, files: tuple[str, ...]) -> frozenset[str]:
        found = []
        for number, file in enumerate(files):
            if file not in self.lists:
                self.lists[file] = mac_list.read(self.folder / file)
                empty = "" if self.lists[file].macs else "holds no MAC at all"
                self._take(self.lists[file].problems, empty, (*path, number), file)
            found.append(self.lists[file].macs)
        return found[0] if len(found) == 1 else frozenset().union(*found)

    def _vlans(self, profile: str, file: str) -> Mapping[str, str]:
        path = (*intention_path(self.document, profile, "vlan"), "list")
        if file not in self.vlan_lists:
            self.vlan_lists[file] = vlan_list.read(self.folder / file)
            empty = "" if self.vlan_lists[file].rows else "holds no device at all"
            self._take(self.vlan_lists[file].problems, empty, path, file)
        return self.vlan_lists[file].rows

    def _take(self, problems: tuple[Problem, ...], empty: str, path: PathTo, file: str) -> None:
        for problem in problems:
            if problem.line:
                self.problems.append(problem)
            else:
                self._refuse(path, f"`{file}`: {problem.message}")
        if not problems and empty:
            self.notes.append(self.document.problem(path, f"`{file}` {empty}"))

    # -- places -----------------------------------------------------------------------------

    def _refuse(self, path: PathTo, message: str, *, key: bool = False) -> None:
        self.problems.append(self.document.problem(path, message, key=key))

    def _at(self, path: PathTo) -> Plain:
        value: Any = self.document.value
        for step in path:
            value = value[step]
        return value  # type: ignore[no-any-return]


def intention_path(document: Document, profile: str, intention: str) -> PathTo:
    """Where a profile sets an intention, or ``attributes``; under ``optional`` if it stands there."""
    plain: PathTo = ("profiles", profile, intention)
    optional: PathTo = ("profiles", profile, "optional", intention)
    return optional if optional in document.values and plain not in document.values else plain


def _on_answer(key: str, value: Any) -> answered.AnswerCondition:
    match key:
        case "compliance":
            return answered.ComplianceIs(states=tuple(ComplianceState(word) for word in value))
        case "compliance_age":
            return answered.VerdictAge(limit_s=(value.over or value.at_most).total_seconds(), over=bool(value.over))
        case "compliance_source":
            return answered.VerdictFrom(sources=tuple(ComplianceSource(word) for word in value))
        case "os":
            return answered.SystemIs(systems=frozenset(value))
        case "os_version":
            wanted = answered.version(value.below or value.at_least)
            return answered.SystemVersion(version=wanted, below=value.below is not None)
        case "ownership":
            return answered.OwnershipIs(owners=value)
        case "last_sync":
            return answered.LastSync(limit_s=(value.over or value.at_most).total_seconds(), over=bool(value.over))
        case "device_name":
            return answered.DeviceNameMatches(patterns=value)
        case "device_user":
            return answered.DeviceUserMatches(patterns=value)
        case _:
            raise ValueError(f"no condition is made from the key `{key}`")


def _mapping(value: Plain) -> dict[str, Plain]:
    return value if isinstance(value, dict) else {}


def _systems(value: Plain) -> set[str]:
    """Those that a condition ``os`` names, each once."""
    return {
        answered.system(word) for word in (value if isinstance(value, tuple) else (value,)) if isinstance(word, str)
    }
