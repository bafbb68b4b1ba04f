from __future__ import annotations

from datetime import timedelta

import pytest

from nacd.config.sections.actions import ActionSettings

APP = "{tenant: contoso.com, client_id: 6B4B9F4E-7A0D-4A63-9A39-5D5E7C7A1C11, credential: {managed_identity: system}}"
WHOLE = f"intune: {APP}\naudit: {{file: audit.jsonl}}\n"


def test_the_smallest_file_is_for_the_command_line_alone(section) -> None:
    settings = section(ActionSettings, WHOLE)
    assert list(settings.apps) == ["intune"]
    assert settings.service is None
    assert settings.notify.title
    assert settings.notify.text


def test_the_service_has_careful_defaults(section) -> None:
    service = section(ActionSettings, WHOLE + "service: {socket: s, state: .}\n").service
    assert (service.once_per, service.rate, service.senders) == (timedelta(hours=1), 5, ("nacd",))
    assert service.group is None


def test_senders_are_names_or_numbers(section) -> None:
    text = WHOLE + "service: {socket: s, state: ., senders: %s, group: 0}\n"
    assert section(ActionSettings, text % "[nacd, 4711]").service.senders == ("nacd", 4711)
    assert section(ActionSettings, text % "4711").service.senders == (4711,)
    for wrong in ("[]", "[-1]", "[true]", "[4294967295]"):
        assert isinstance(section(ActionSettings, text % wrong), list), wrong


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("audit: {file: a}\n", "`intune` is missing"),
        (WHOLE + f"tenants: {{a: {APP}}}\n", "exclude each other"),
        (WHOLE.replace("contoso.com", "common"), "a tenant is a domain"),
        (WHOLE.replace("tenant:", "endpoint: 'https://x', tenant:"), "nothing is discovered"),
        (WHOLE.replace("tenant:", "cloud: custom, tenant:"), "needs `authority`, `graph`"),
        (WHOLE + "notify: {title: '" + "x" * 51 + "'}\n", "51 characters"),
        (WHOLE + "service: {socket: /" + "x" * 120 + ", state: .}\n", "longer than 107"),
        (WHOLE + "service: {socket: s, state: ., once_per: 1m}\n", "outside `5m` to `1d`"),
        (WHOLE + "service: {socket: s, state: ., rate: 500}\n", "too large"),
        (WHOLE + "service: {socket: s, state: ., verbs: [wipe]}\n", "`verbs` is no key here"),
        (WHOLE + "radius: 1812\n", "`radius` is no key here"),
        (f"intune: {APP}\n", "`audit` is missing"),
    ],
)
def test_what_is_wrong_is_said_with_the_way_out(section, text: str, said: str) -> None:
    problems = section(ActionSettings, text)
    assert isinstance(problems, list)
    assert any(said in problem for problem in problems), problems
