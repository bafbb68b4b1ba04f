from __future__ import annotations

import inspect
from typing import Any

import pytest

from nacd.cli.setup import app
from nacd.cli.setup.questions import QUESTIONS, Setting, WrongAnswers, answered


def test_every_question_has_its_option_and_every_option_its_question() -> None:
    flags = {"folder", "yes", "force", "lab"}
    assert {question.key for question in QUESTIONS} == set(inspect.signature(app.init).parameters) - flags


@pytest.mark.parametrize("access", ["dot1x", "mab", "dot1x+mab", "vpn"])
def test_every_default_is_a_good_answer(setting: Setting, access: str) -> None:
    for vendor in setting.vendors:
        by_default = answered(setting, {"access": access, "vendor": vendor, "tenant": "contoso.com"}, ask=False)
        for question in QUESTIONS:
            given = {"access": access, "vendor": vendor, "tenant": by_default.tenant or "none"}
            if question.wanted(setting, given):
                default = question.default(setting, given)
                assert question.read(setting, given, default) == default


def test_without_answers_nobody_gets_in(setting: Setting) -> None:
    """The network is one for documentation (RFC 5737), which no packet comes from."""
    answers = answered(setting, {}, ask=False)
    assert (answers.network, answers.tenant, answers.vendor) == ("192.0.2.1", "", "generic")


def test_all_wrong_options_are_told_at_once(setting: Setting) -> None:
    options = {"nas": "a b", "network": "x", "corporate": "5000", "devices": "7"}
    with pytest.raises(WrongAnswers) as wrong:
        answered(setting, options, ask=False)
    lines = str(wrong.value).splitlines()
    assert [line.partition(":")[0] for line in lines] == ["--nas", "--network", "--corporate", "--devices"]
    assert lines[-1] == "--devices: nobody asks for this after the other answers: leave it out"


def test_what_keeps_endpoints_apart_is_what_the_vendor_has_words_for(setting: Setting) -> None:
    def separates(vendor: str, access: str) -> str:
        return answered(setting, {"vendor": vendor, "access": access}, ask=False).separates

    assert separates("cisco-ios", "dot1x") == "vlan"
    assert separates("cisco-asa", "vpn") == "group_policy"
    assert separates("palo-alto", "dot1x") == "role"
    assert separates("hostapd", "vpn") == "vlan"


@pytest.mark.parametrize("vendor", ["cisco-ios", "palo-alto"])
def test_the_place_is_asked_for_in_the_words_of_the_vendor(init: Any, vendor: str) -> None:
    asked = init("--vendor", vendor, "--access", "dot1x", typed="\n" * 20)
    word = {"cisco-ios": "VLAN", "palo-alto": "role"}[vendor]
    assert f"{word} for healthy devices" in asked.output


def test_a_bad_answer_is_told_and_asked_for_again(init: Any) -> None:
    asked = init("--vendor", "generic", "--access", "mab", typed="two words\nsw-1\n" + "\n" * 20)
    assert "`two words` is no name here" in asked.output
    assert asked.output.count("Name of the first NAS") == 2
    assert "secrets/sw-1" in asked.output


def test_whoever_is_asked_for_a_vendor_sees_all_of_them(init: Any, setting: Setting) -> None:
    asked = init("--access", "mab", typed="\n" * 20, env={"COLUMNS": "200"})
    assert all(name in asked.output for name in setting.vendors)


def test_what_was_given_as_an_option_is_not_asked(init: Any) -> None:
    asked = init("--nas", "sw", "--network", "10.0.0.0/24", "--vendor", "aruba", "--access", "mab", typed="\n" * 20)
    assert "Name of the first NAS" not in asked.output
    assert "Intune tenant" in asked.output
