"""Who may do what: by the names and groups that the machine has at the moment of asking."""

from __future__ import annotations

import grp
import os
import pwd
from typing import Any

import pytest

from nacd.server.people.roles import NOBODY_UID, Person, Role, Roles, name_of

DAEMON = pwd.getpwnam("daemon")
GAMES = pwd.getpwnam("games")


def test_each_role_may_do_what_the_ones_before_it_may() -> None:
    assert Role.NONE < Role.READ < Role.COA < Role.CONFIG
    assert [role.word for role in Role] == ["none", "read", "coa", "config", "helpdesk"]


def test_the_helpdesk_stands_beside_the_others_and_the_highest_role_may_do_its_work() -> None:
    may = {role: {wanted for wanted in Role if role.may(wanted) and wanted is not Role.NONE} for role in Role}
    assert may[Role.HELPDESK] == {Role.HELPDESK}
    assert may[Role.CONFIG] == set(Role) - {Role.NONE}
    assert may[Role.COA] == {Role.READ, Role.COA}
    assert may[Role.READ] == {Role.READ}
    assert may[Role.NONE] == set()


def test_somebody_may_be_of_the_helpdesk_and_have_another_role() -> None:
    roles = Roles(helpdesk=("games", "daemon"), read=("games",))
    both, one = roles.person(GAMES.pw_uid), roles.person(DAEMON.pw_uid)
    assert (both.role, both.may(Role.HELPDESK), both.may(Role.READ), both.may(Role.COA)) == (
        *(Role.READ, True, True, False),
    )
    assert (one.role, one.may(Role.HELPDESK), one.may(Role.READ)) == (Role.HELPDESK, True, False)


def test_root_and_our_own_user_have_every_role_though_nobody_is_named() -> None:
    assert Roles().person(0) == Person(uid=0, user="root", role=Role.CONFIG)
    assert Roles().person(os.getuid()).role is Role.CONFIG
    assert not Roles().names_somebody


def test_who_is_not_named_has_no_role() -> None:
    assert Roles(coa=("games",)).person(DAEMON.pw_uid) == Person(uid=DAEMON.pw_uid, user="daemon", role=Role.NONE)


def test_a_user_has_the_highest_role_that_names_him() -> None:
    roles = Roles(read=("games", "daemon"), config=("games",))
    assert roles.person(GAMES.pw_uid).role is Role.CONFIG
    assert roles.person(DAEMON.pw_uid).role is Role.READ
    assert roles.names_somebody


def test_a_group_counts_by_its_own_name_and_not_by_a_user_of_that_name() -> None:
    assert Roles(coa=("@games",)).person(GAMES.pw_uid).role is Role.COA  # its primary group
    assert Roles(coa=("@games",)).person(DAEMON.pw_uid).role is Role.NONE


def test_supplementary_groups_count_and_are_asked_for_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    staff = grp.getgrnam("staff").gr_gid
    groups = [[DAEMON.pw_gid, staff], [DAEMON.pw_gid]]
    asked: list[Any] = []

    def getgrouplist(user: str, group: int) -> list[int]:
        asked.append((user, group))
        return groups[len(asked) - 1]

    monkeypatch.setattr(os, "getgrouplist", getgrouplist)
    roles = Roles(coa=("@staff",))
    assert roles.person(DAEMON.pw_uid).role is Role.COA
    assert roles.person(DAEMON.pw_uid).role is Role.NONE  # taken out of the group meanwhile
    assert asked == [("daemon", DAEMON.pw_gid)] * 2


def test_a_uid_without_a_name_has_no_role_and_is_shown_by_its_number() -> None:
    uid = 3_999_999_999
    person = Roles(read=("",)).person(uid)
    assert (person.role, str(person)) == (Role.NONE, f"uid {uid}")
    assert name_of(uid) == ""


def test_the_user_whom_the_kernel_hides_has_no_role_whatever_the_configuration_says() -> None:
    assert Roles(config=("nobody", "@nogroup")).person(NOBODY_UID).role is Role.NONE


def test_names_that_the_machine_does_not_have_are_told_with_where_they_stand() -> None:
    roles = Roles(read=("games", "jane.nobody"), coa=("@netops-none",), config=("@games",))
    assert roles.strangers() == ("`jane.nobody` of `control.read`", "`@netops-none` of `control.coa`")
    assert roles.person(DAEMON.pw_uid).role is Role.NONE


def test_a_directory_that_fails_gives_nobody_a_role(monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*_: object) -> Any:
        raise OSError(5, "the directory is down")

    monkeypatch.setattr(os, "getgrouplist", down)
    assert Roles(coa=("@games",)).person(GAMES.pw_uid).role is Role.NONE
    monkeypatch.setattr(pwd, "getpwuid", down)
    assert Roles(coa=("games",)).person(GAMES.pw_uid) == Person(uid=GAMES.pw_uid, user="", role=Role.NONE)


def test_a_person_is_written_with_name_and_number() -> None:
    assert str(Person(uid=1001, user="jane", role=Role.READ)) == "jane (uid 1001)"
