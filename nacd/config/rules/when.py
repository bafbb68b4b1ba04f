"""From what stands under ``when`` to conditions, or every problem with its place.

Knows: what the rest of the configuration tells about names and sources, and the lists that conditions refer to. Refuses
to know: what a rule is besides its conditions (``policy_file``), and how each value is spelt (``policy_conditions``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Protocol

from nacd.config import mac_list, wording
from nacd.config.mac_list import MacList
from nacd.config.policy_conditions import Asked, When
from nacd.config.rules.words import clock, hours
from nacd.config.yaml import Document, PathTo, Plain
from nacd.errors import Problem
from nacd.policy import answered, certified, requested
from nacd.policy import conditions as c
from nacd.policy.model import DENY
from nacd.policy.words import version
from nacd.values import AccessKind, Assurance, ComplianceSource, ComplianceState, DeviceId

MOST_USER_GROUPS: Final = 100
GROUPS_AT_ONCE: Final = 20
"""In one question to Graph (``user: checkMemberGroups``)."""
_NEEDS_A_TENANT: Final = answered.DEVICE_KEYS | {"compliance_age", "compliance_source", "tenant"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """What the rest of the configuration tells a policy.

    groups: NAS name to its groups. sure: whether that list is whole (an unknown name is an error only
    then). intune: whether Intune is asked at all. graph: whether an answer can come from Microsoft Graph,
    which alone tells facts about devices. graph_sure: whether every answer does. tenants: their names; empty
    when nobody is asked, or when they cannot be read. ordered: profiles that overrides give. words: what these
    NASes have as ``vendor`` and ``location``; nothing where that cannot be read.
    """

    groups: Mapping[str, frozenset[str]]
    sure: bool
    intune: bool
    graph: bool = False
    graph_sure: bool = False
    tenants: frozenset[str] = frozenset()
    ordered: frozenset[str] = frozenset()
    words: Mapping[str, Set[str]] = field(default_factory=dict)


class Refuse(Protocol):
    """Takes down a problem at a place; key: the key is meant, and not its value."""

    def __call__(self, path: PathTo, message: str, *, key: bool = False) -> None: ...


Take = Callable[[tuple[Problem, ...], str, PathTo, str], None]
"""Takes down what is wrong with a list: its problems, what to remark if there are none, who refers to it, its name."""


@dataclass(kw_only=True)
class Whens:
    """All ``when`` of one file. lists: those that were referred to, by the names used."""

    document: Document
    folder: Path
    knowledge: Knowledge
    refuse: Refuse
    take: Take
    lists: dict[str, MacList] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._clock_is_told = "time_zone" in self.document.value
        self._kinds: dict[str, mac_list.Kind] = {}
        self._groups_asked: set[str] = set()
        table = mapping(self.document.value.get("user_groups"))
        self._called = {name: id for name, each in table.items() if isinstance(each, str) and (id := object_id(each))}

    # -- what they refer to -----------------------------------------------------------------

    def check(self, path: PathTo, when: Mapping[str, Plain]) -> None:
        """What they refer to, as far as it can be read: also of a rule that is wrong otherwise."""
        without = mapping(when.get("not"))
        if when.get("not") == {}:
            self.refuse((*path, "not"), "nothing is asked here: name what must not hold, or leave the key out")
        for at, asked in ((path, when), ((*path, "not"), without)):
            self._names((*at, "nas"), asked.get("nas"), self._nases)
            self._names((*at, "group"), asked.get("group"), self._groups)
            if self.knowledge.words:
                self._names((*at, "vendor"), asked.get("vendor"), self.knowledge.words["vendor"])
                self._names((*at, "location"), asked.get("location"), self._locations)
            self._told(at, asked)
            self._clock(at, asked)
            self._user_groups((*at, "user_group"), asked.get("user_group"))
            if "os_version" in asked:
                self._system((*at, "os_version"), when)

    @cached_property
    def _nases(self) -> set[str]:
        return set(self.knowledge.groups)

    @cached_property
    def _groups(self) -> set[str]:
        return set().union(*self.knowledge.groups.values())

    @cached_property
    def _locations(self) -> set[str]:
        """Those of NASes, and all that these are within."""
        parts = (location.split("/") for location in self.knowledge.words["location"])
        return {"/".join(names[:end]) for names in parts for end in range(1, len(names) + 1)}

    def _told(self, path: PathTo, when: Mapping[str, Plain]) -> None:
        """Conditions on what is never told here."""
        known = self.knowledge
        if not known.intune:
            if "compliance" in when and when["compliance"] not in ("not_asked", ("not_asked",)):
                message = "nobody tells compliance: there is no `intune` section, so it is always `not_asked`"
                self.refuse((*path, "compliance"), message)
            for key in when:
                if key in _NEEDS_A_TENANT:
                    self.refuse((*path, key), f"nobody tells `{key}`: there is no `intune` section")
        elif not known.graph:
            for key in when:
                if key in answered.DEVICE_KEYS:
                    message = (
                        f"nobody tells `{key}`: NAC 2.0 tells compliance only; Microsoft Graph does, set"
                        " `source: graph` or `fallback: graph` under `intune`"
                    )
                    self.refuse((*path, key), message)
        if known.tenants:
            self._names((*path, "tenant"), when.get("tenant"), known.tenants, sure=True)

    def _user_groups(self, path: PathTo, written: Plain) -> None:
        """Names that stand for groups, or ids of groups; and not more of them than can be asked about."""
        for number, name in enumerate(written if isinstance(written, tuple) else (written,)):
            if not isinstance(name, str):
                continue
            id = self._called.get(name) or object_id(name)
            if not id:
                way_out = ": write its object id, or name it under `user_groups`"
                near = wording.did_you_mean(name, self._called) or way_out
                self.refuse((*path, number), f"there is no group `{name}`{near}")
            elif id not in self._groups_asked:
                self._groups_asked.add(id)
                if len(self._groups_asked) == MOST_USER_GROUPS + 1:
                    message = f"rules ask about more than {MOST_USER_GROUPS} groups: each {GROUPS_AT_ONCE} of them are"
                    self.refuse((*path, number), f"{message} a question more about each device")

    def _system(self, path: PathTo, when: Mapping[str, Plain]) -> None:
        """A version means something only of one system; which one it is does not stand under ``not``."""
        if "os" not in when:
            self.refuse(path, "versions of different systems cannot be compared: write `os` beside it")
        elif len(_systems(when["os"])) > 1:
            message = "versions of different systems cannot be compared: name one `os`, and write a rule for each"
            self.refuse(path, message)

    def _clock(self, path: PathTo, when: Mapping[str, Plain]) -> None:
        """Hours are of no use as long as nobody says of which clock; said once."""
        if "during" in when and not self._clock_is_told:
            self._clock_is_told = True
            message = "`during` needs to know whose clock: write `time_zone` above, as in `time_zone: Europe/Berlin`"
            self.refuse((*path, "during"), message, key=True)

    def _names(self, path: PathTo, written: Plain, known: Set[str], *, sure: bool = False) -> None:
        if not (sure or self.knowledge.sure):
            return
        for number, name in enumerate(written if isinstance(written, tuple) else (written,)):
            if isinstance(name, str) and name not in known:
                near = wording.did_you_mean(name, known) or f": no client has a {path[-1]}"
                self.refuse((*path, number), f"there is no {path[-1]} `{name}`{near}")

    # -- conditions -------------------------------------------------------------------------

    def conditions(self, path: PathTo, when: When, then: Plain) -> tuple[c.Condition, ...]:
        """In the order in which they are written: that is how people read why a rule failed. then: of the rule."""
        made: list[c.Condition] = []
        for key in self._written(path):
            if key != c.NOT:
                made.append(self._condition(path, key, when))
            elif when.without is not None:
                below = (*path, key)
                made += [c.Not(inner=self._condition(below, inner, when.without)) for inner in self._written(below)]
        if then != DENY and self._is_whole(path) and all(c.excludes_nothing(each) for each in made):
            what = "these conditions leave nothing out" if made else "without conditions a rule matches everything"
            if made and all(isinstance(each, c.Not) for each in made):
                what = "`not` says who stays out, and nothing says who comes in"
            self.refuse(path, f"{what}: only `then: {DENY}` may do that")
        return tuple(made)

    def _written(self, path: PathTo) -> tuple[str, ...]:
        """Keys with a value: one without has been told of, and makes no condition."""
        return tuple(key for key, each in self._at(path).items() if key in _KEYS and each is not None)

    def _is_whole(self, path: PathTo) -> bool:
        """A rule is not empty for a key that lacks its value."""
        return None not in self._at(path).values() and None not in self._at((*path, c.NOT)).values()

    def _at(self, path: PathTo) -> dict[str, Plain]:
        value: Any = self.document.value
        for step in path:
            value = value[step] if not isinstance(value, dict) else value.get(str(step))
        return mapping(value)

    def _condition(self, path: PathTo, key: str, when: Asked) -> c.Positive:
        value: Any = getattr(when, key)
        match key:
            case "access":
                return c.AccessIs(kinds=tuple(AccessKind(word) for word in value))
            case "nas":
                return c.NasIs(names=frozenset(value))
            case "group":
                return c.GroupIs(groups=frozenset(value))
            case "location":
                return c.LocationIn(places=frozenset(value))
            case "identity":
                return c.IdentityFrom(sources=value)
            case "assurance":
                return c.AssuranceAtLeast(level=Assurance[value.upper()])
            case "mac":
                return requested.MacMatches(patterns=value)
            case "mac_in":
                return requested.MacIn(files=value, **self._listed((*path, key), value, mac_list.MACS))
            case "user_group":
                ids = {self._called.get(name) or object_id(name): name for name in value}
                called = tuple(sorted((id, name) for id, name in ids.items() if id != name and name in self._called))
                return answered.UserGroupIs(ids=frozenset(filter(None, ids)), called=called)
            case "inventory":
                return requested.InventoryHas(names=frozenset(value))
            case "device_in":
                return requested.DeviceIn(files=value, **self._listed((*path, key), value, mac_list.DEVICES))
            case "issuer":
                return certified.IssuerMatches(patterns=value)
            case "subject":
                return certified.SubjectMatches(patterns=value)
            case "user":
                return c.UserMatches(patterns=value)
            case "during":
                return hours(value, self.document.value.get("time_zone"))
            case "eku":
                return certified.EkuIs(names=frozenset(value))
            case "template":
                return certified.TemplateIs(names=frozenset(each.casefold() for each in value))
            case "expires_in":
                limit = value.below or value.at_least
                return certified.ExpiresIn(limit_s=limit.total_seconds(), below=value.below is not None)
            case _ if key in _ONE_OF:
                return _ONE_OF[key](names=frozenset(value))
            case _ if key in _FITS:
                return _FITS[key](patterns=value)
            case _ if key in _VERSIONS:
                return _VERSIONS[key](version=version(value.below or value.at_least), below=value.below is not None)
            case _:
                return _on_answer(key, value)

    def _listed(self, path: PathTo, files: tuple[str, ...], kind: mac_list.Kind) -> dict[str, Any]:
        """What these files hold together, in the words of ``requested.Listed``; of two rows the later end counts."""
        found = []
        for number, file in enumerate(files):
            if self._kinds.setdefault(file, kind) is not kind:
                self.refuse((*path, number), f"`{file}` is a list of MACs and of devices at once: make two of it")
                continue
            if file not in self.lists:
                self.lists[file] = mac_list.read(self.folder / file, kind)
                empty = (
                    "" if self.lists[file].macs else f"holds no {'MAC' if kind is mac_list.MACS else 'device'} at all"
                )
                self.take(self.lists[file].problems, empty, (*path, number), file)
            found.append(self.lists[file])
        ends: dict[str, date] = {}
        for each in found:
            for one, last in each.ends.items():
                if all(one in other.ends or one not in other.macs for other in found):
                    ends[one] = max(last, ends.get(one, date.min))
        macs = found[0].macs if len(found) == 1 else frozenset[str]().union(*(each.macs for each in found))
        return {"macs": macs, "ends": frozenset((one, self._end(last)) for one, last in ends.items())}

    def _end(self, last: date) -> float:
        """When a day is over, by the clocks of the policy's time zone; UTC where it has none."""
        zone, _ = clock(self.document.value.get("time_zone"))
        if last >= date(9999, 12, 31):
            return float("inf")
        return datetime.combine(last + timedelta(days=1), time(), zone).timestamp()


_KEYS: Final = frozenset(Asked.model_fields) | {c.NOT}
_ONE_OF: Final = {
    kind.key: kind
    for kind in (requested.SsidIs, requested.PortTypeIs, requested.TunnelGroupIs, c.RealmIs, c.TenantIs, c.VendorIs)
}
_FITS: Final = {
    kind.key: kind
    for kind in (
        requested.BssidMatches,
        requested.ClientPlatform,
        certified.SanDns,
        certified.SanUri,
        certified.SanUpn,
    )
}
_VERSIONS: Final = {
    kind.key: kind for kind in (requested.ClientPlatformVersion, requested.ClientVersion, answered.SystemVersion)
}


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


def object_id(written: str) -> str:
    """An object id of Entra ID in its one spelling, ``""`` for what is none."""
    try:
        return DeviceId(guid=written.strip("{}").lower()).guid
    except ValueError:
        return ""


def mapping(value: Plain) -> dict[str, Plain]:
    """What is a mapping, and an empty one for what is not."""
    return value if isinstance(value, dict) else {}


def _systems(value: Plain) -> set[str]:
    """Those that a condition ``os`` names, each once."""
    return {
        answered.system(word) for word in (value if isinstance(value, tuple) else (value,)) if isinstance(word, str)
    }
