"""Who may give which orders on this machine: users and groups of the configuration, asked of the machine each time.

Knows: the roles and their order, and that root and the daemon's own user have all of them. Refuses to know: sockets,
and what an order does.

Theory. The kernel's word for whoever opened a socket is a uid (SO_PEERCRED, unix(7)), and it cannot be made up. Names
are asked for at each visit, so that whoever leaves a group loses its role at once. A directory service that does not
answer gives nobody a role; root and the daemon's own user need none of it.
"""

from __future__ import annotations

import grp
import os
import pwd
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

NOBODY_UID: Final = 65_534
"""What the kernel shows for a user whom a user namespace does not have (/proc/sys/kernel/overflowuid)."""
_NOT_THERE: Final = (KeyError, OSError, ValueError)


class Role(IntEnum):
    """What somebody may do: each may do what the ones before it may, but for ``HELPDESK``, which stands beside them."""

    NONE = 0
    READ = 1
    """Look at everything, change nothing."""
    COA = 2
    """Have sessions changed: asked of a NAS, decided again, quarantined, blocked."""
    CONFIG = 3
    """Put something above the policy that lets a device in."""
    HELPDESK = 9
    """Keep the inventory, and nothing else: what an entry is good for is the policy's word. ``CONFIG`` may too."""

    def may(self, wanted: Role) -> bool:
        """Whether this is enough for what needs ``wanted``."""
        if wanted is Role.HELPDESK or self is Role.HELPDESK:
            return self is wanted or self is Role.CONFIG or wanted is Role.NONE
        return self >= wanted

    @property
    def word(self) -> str:
        """As in the configuration."""
        return self.name.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who asks. user: the name that this machine has for the uid, ``""`` if it has none. helpdesk: has that role beside
    the other one."""

    uid: int
    user: str
    role: Role
    helpdesk: bool = False

    def may(self, wanted: Role) -> bool:
        """Whether one of his roles is enough for what needs ``wanted``."""
        return self.role.may(wanted) or (self.helpdesk and Role.HELPDESK.may(wanted))

    def __str__(self) -> str:
        return f"{self.user} (uid {self.uid})" if self.user else f"uid {self.uid}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """Names of users, and of groups behind an ``@``, by role."""

    read: tuple[str, ...] = ()
    coa: tuple[str, ...] = ()
    config: tuple[str, ...] = ()
    helpdesk: tuple[str, ...] = ()

    @property
    def names_somebody(self) -> bool:
        """Whether anybody beside root and the daemon's own user has a role."""
        return any(names for _, names in self._each())

    def person(self, uid: int) -> Person:
        """Who this is, and what he may do. Asks the machine for names, which may take as long as a network does."""
        user = name_of(uid)
        if uid in (0, os.getuid()):
            return Person(uid=uid, user=user, role=Role.CONFIG)
        if not user or uid == NOBODY_UID:
            return Person(uid=uid, user=user, role=Role.NONE)
        groups = _groups_of(user)
        has = {role for role, names in self._each() if any(_is_one(name, user, groups) for name in names)}
        helpdesk = Role.HELPDESK in has
        highest = max(has - {Role.HELPDESK}, default=Role.HELPDESK if helpdesk else Role.NONE)
        return Person(uid=uid, user=user, role=highest, helpdesk=helpdesk)

    def strangers(self) -> tuple[str, ...]:
        """The names that this machine does not know, for a warning; blocking as ``person``."""
        return tuple(
            f"`{name}` of `control.{role.word}`" for role, names in self._each() for name in names if _no(name)
        )

    def _each(self) -> Iterator[tuple[Role, tuple[str, ...]]]:
        yield Role.READ, self.read
        yield Role.COA, self.coa
        yield Role.CONFIG, self.config
        yield Role.HELPDESK, self.helpdesk


NO_ROLES: Final = Roles()


def name_of(uid: int) -> str:
    """The user's name, ``""`` if this machine has none for it."""
    if not uid:
        return "root"
    try:
        return pwd.getpwuid(uid).pw_name
    except _NOT_THERE:
        return ""


def _groups_of(user: str) -> frozenset[int]:
    """All groups of this user, as a login would have them."""
    try:
        return frozenset(os.getgrouplist(user, pwd.getpwnam(user).pw_gid))
    except _NOT_THERE:
        return frozenset()


def _is_one(name: str, user: str, groups: frozenset[int]) -> bool:
    if not name.startswith("@"):
        return name == user
    try:
        return grp.getgrnam(name[1:]).gr_gid in groups
    except _NOT_THERE:
        return False


def _no(name: str) -> bool:
    try:
        _ = grp.getgrnam(name[1:]) if name.startswith("@") else pwd.getpwnam(name)
    except _NOT_THERE:
        return True
    return False
