"""What is missing is said in words, before anybody is refused."""

from __future__ import annotations

from nacd.intune.nac.status import missing_consent
from nacd.intune.token import Token
from nacd.values import Secret


def token(*roles: str, readable: bool = True) -> Token:
    return Token(value=Secret(b"x"), expires_at=0.0, refresh_at=0.0, roles=roles, readable=readable)


def test_nothing_is_missing_where_nothing_is_known() -> None:
    assert missing_consent(None, None) == ""
    assert missing_consent(token(readable=False), token(readable=False)) == ""


def test_the_role_of_compliance_retrieval_is_named_with_what_is_there_instead() -> None:
    words = missing_consent(token("other_role"), None)
    assert "consent missing" in words
    assert "get_device_compliance" in words
    assert "other_role" in words
    assert "grant admin consent" in words
    assert missing_consent(token("get_device_compliance"), None) == ""


def test_any_of_the_roles_that_let_graph_answer_will_do() -> None:
    assert missing_consent(None, token("Directory.Read.All")) == ""
    assert missing_consent(None, token("ServicePrincipalEndpoint.Read.All")) == ""
    assert "Application.Read.All (it has: none)" in missing_consent(None, token())


def test_both_are_said_at_once() -> None:
    words = missing_consent(token(), token("User.Read.All"))
    assert "get_device_compliance" in words
    assert "Application.Read.All" in words
