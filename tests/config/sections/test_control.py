from __future__ import annotations

import pytest

from nacd.config.sections.control import Control, member


def test_nobody_is_named_unless_the_admin_does(section) -> None:
    control = section(Control, "read: []\n")
    assert (control.socket, control.read, control.coa, control.config) == (None, (), (), ())


def test_users_and_groups_alone_or_in_a_list(section, tmp_path) -> None:
    control = section(Control, 'socket: run/nacd.sock\nread: "@netops"\ncoa: [alex, "@netops"]\nconfig: sam\n')
    assert control.socket == tmp_path / "run" / "nacd.sock"
    assert (control.read, control.coa, control.config) == (("@netops",), ("alex", "@netops"), ("sam",))


def test_a_group_without_quotes_is_no_yaml_and_that_is_said(section) -> None:
    with pytest.raises(Exception, match="1:8: this character cannot begin a value: quote the value"):
        section(Control, "read: [@netops]\n")


@pytest.mark.parametrize("name", ["alex", "_nacd", "@netops", "alex@contoso.com", "CONTOSO\\alex", "host$", "1000x"])
def test_names_as_this_machine_and_its_directory_write_them(name: str) -> None:
    assert member(name) == name


@pytest.mark.parametrize("name", ["", "@", "@@x", "a b", "-x", "a,b", "a:b", "*", "é", "x" * 300, 5, True])
def test_what_is_no_name_of_a_user_is_told(name: object) -> None:
    with pytest.raises(ValueError, match=r"name of a user|text"):
        member(name)
