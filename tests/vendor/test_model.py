"""Reading the vendor rows, and refusing every mistake in them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nacd.vendor.model import AttributeTemplate, Characters, RedirectAcl, Standing, parse
from nacd.vendor.profile import INTENTIONS

ROWS: dict[str, Any] = {
    "title": "a made-up vendor",
    "intentions": {
        "vlan": {
            "attributes": [{"name": "Tunnel-Private-Group-Id", "value": "{value}", "tag": 1}],
            "names": True,
            "source": "page 1",
            "standing": "documented",
        },
        "acl": {
            "attributes": [{"name": "Filter-Id", "value": "{value}.in"}],
            "source": "page 2",
            "standing": "assumed",
        },
        "dacl": {
            "attributes": [{"name": "Cisco-AVPair", "value": "ip:inacl#{index}={line}", "octets": 247}],
            "language": "cisco",
            "lines": 10,
            "source": "page 3",
            "standing": "documented",
        },
        "redirect": {
            "attributes": [
                {"name": "Cisco-AVPair", "value": "url-redirect={url}"},
                {"name": "Cisco-AVPair", "value": "url-redirect-acl={acl}"},
            ],
            "acl": "required",
            "source": "page 4",
            "standing": "documented",
        },
        "session_timeout": {"source": "page 5", "standing": "documented"},
    },
    "cannot": {
        "voice_vlan": "has no phones",
        "sgt": "has no tags",
        "role": "has no roles",
        "group_policy": "has no group policies",
    },
}


def changed(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    rows = copy.deepcopy(ROWS)
    change(rows)
    return rows


def test_the_rows_become_values() -> None:
    vendor = parse("made-up", ROWS)
    assert (vendor.name, vendor.title) == ("made-up", "a made-up vendor")
    assert {*vendor.wordings, *vendor.cannot} == set(INTENTIONS)
    assert vendor.wordings["vlan"].names
    assert vendor.wordings["vlan"].attributes[0].octets == 252
    assert vendor.wordings["acl"].standing is Standing.ASSUMED
    assert vendor.wordings["acl"].characters is Characters.NAME
    assert vendor.wordings["redirect"].redirect_acl is RedirectAcl.REQUIRED
    assert vendor.wordings["dacl"].attributes[0].octets == 247
    assert vendor.cannot["role"] == "has no roles"


def test_every_shipped_row_says_where_it_is_from(vendors: Any) -> None:
    for vendor in vendors.values():
        for wording in vendor.wordings.values():
            assert wording.source
            assert wording.standing in Standing


INTENTION = "intentions"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda rows: rows.pop("title"), "`title` is missing"),
        (lambda rows: rows.update(colour="red"), "unknown key `colour`"),
        (lambda rows: rows.update(cannot=[]), "`cannot` in the vendor must be of type dict"),
        (lambda rows: rows["cannot"].pop("sgt"), "`sgt` must stand once"),
        (lambda rows: rows["cannot"].update(vlan="no"), "`vlan` must stand once"),
        (lambda rows: rows["cannot"].update(sgt=""), "`cannot.sgt` needs a reason"),
        (lambda rows: rows["cannot"].update(colour="no"), "no intention `colour`"),
        (lambda rows: rows[INTENTION].update(acl="Filter-Id"), "`acl` must be a mapping"),
        (lambda rows: rows[INTENTION]["acl"].pop("source"), "`acl` needs `source` and `standing`"),
        (lambda rows: rows[INTENTION]["acl"].pop("standing"), "`acl` needs `source` and `standing`"),
        (lambda rows: rows[INTENTION]["acl"].update(standing="sure"), "`sure` in `acl` is none of"),
        (lambda rows: rows[INTENTION]["acl"].update(characters="hex"), "`hex` in `acl` is none of"),
        (lambda rows: rows[INTENTION]["acl"].update(longest=True), "must be of type int"),
        (lambda rows: rows[INTENTION]["acl"].update(longest=0), "`longest` in `acl`"),
        (lambda rows: rows[INTENTION]["acl"].update(names=True), "unknown key `names`"),
        (lambda rows: rows[INTENTION]["acl"].update(attributes=[]), "`acl` needs `attributes`"),
        (lambda rows: rows[INTENTION]["acl"].update(excludes=["acl"]), "must name other intentions"),
        (lambda rows: rows[INTENTION]["acl"].update(excludes=["colour"]), "must name other intentions"),
        (lambda rows: rows[INTENTION]["dacl"].update(language="latin"), "a `language` out of"),
        (lambda rows: rows[INTENTION]["dacl"].pop("lines"), "`dacl` needs `lines`"),
        (lambda rows: rows[INTENTION]["redirect"].pop("acl"), "must use {acl} exactly when"),
        (lambda rows: rows[INTENTION]["redirect"]["attributes"].pop(), "must use {acl} exactly when"),
        (lambda rows: rows[INTENTION]["session_timeout"].update(attributes=[]), "unknown key `attributes`"),
    ],
)
def test_a_mistake_in_the_rows_is_refused_in_words(change: Callable[[dict[str, Any]], object], words: str) -> None:
    with pytest.raises(ValueError) as refusal:
        parse("made-up", changed(change))
    assert words in str(refusal.value)
    assert "vendor `made-up`" in str(refusal.value)


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ({"name": "Filter-Id", "value": "{value"}, "has braces other than {value}"),
        ({"name": "Filter-Id", "value": "{url}"}, "has braces other than {value}"),
        ({"name": "Filter-Id", "value": "{value!r}"}, "has braces other than {value}"),
        ({"name": "Filter-Id", "value": "{value.__class__}"}, "has braces other than {value}"),
        ({"name": "Filter-Id", "value": "{{value}}"}, "has braces other than {value}"),
        ({"name": "Filter-Id", "value": "{}"}, "has braces other than {value}"),
        ({"name": "Filter-Id", "value": "fixed"}, "no attribute of `acl` says what the profile wants"),
        ({"name": "Filter-Id"}, "needs `name` and `value`"),
        ({"value": "{value}"}, "needs `name` and `value`"),
        ({"name": "Filter-Id", "value": "{value}", "tag": 32}, "tag or octets out of range"),
        ({"name": "Filter-Id", "value": "{value}", "octets": 254}, "tag or octets out of range"),
        ({"name": "Filter-Id", "value": "{value}", "tag": 1, "octets": 253}, "tag or octets out of range"),
        ({"name": "Filter-Id", "value": 12}, "`value` in an attribute of `acl` must be of type str"),
        ({"name": "Filter-Id", "value": "{value}", "eval": "1"}, "unknown key `eval`"),
        ("Filter-Id", "must be a mapping"),
    ],
)
def test_a_template_with_anything_but_fixed_placeholders_is_refused(template: Any, words: str) -> None:
    with pytest.raises(ValueError) as refusal:
        parse("made-up", changed(lambda rows: rows[INTENTION]["acl"].update(attributes=[template])))
    assert words in str(refusal.value)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"own": [{"name": "X", "value": "{value}"}]}, "`own` of `voice_vlan` is the same for everybody"),
        ({"attributes": [{"name": "X", "value": "{tagged}"}], "names": True}, "and `names`"),
        ({"attributes": [{"name": "X", "value": "voice"}]}, "no attribute of `voice_vlan` says"),
        ({}, "`voice_vlan` needs `attributes`"),
        ({"own": [{"name": "Filter-Id", "value": "voice"}]}, ""),
        ({"own": [{"name": "X", "value": "voice"}], "attributes": [{"name": "Y", "value": "{tagged}"}]}, ""),
    ],
)
def test_a_voice_vlan_is_the_ports_own_or_is_named(row: dict[str, Any], words: str) -> None:
    def with_voice(rows: dict[str, Any]) -> None:
        rows["cannot"].pop("voice_vlan")
        rows[INTENTION]["voice_vlan"] = {"source": "page 9", "standing": "assumed", **row}

    if not words:
        assert parse("made-up", changed(with_voice)).wordings["voice_vlan"].own
        return
    with pytest.raises(ValueError) as refusal:
        parse("made-up", changed(with_voice))
    assert words in str(refusal.value)


DOWNLOAD: dict[str, Any] = {
    "attribute": {"name": "Cisco-AVPair", "value": "list={called}"},
    "called": "#ACSACL#-IP-{name}-{hash}",
    "asked_with": ["event=download"],
    "lines": 100,
    "source": "page 9",
    "standing": "assumed",
}


def test_a_list_that_is_downloaded_says_how_it_is_called_and_asked_for() -> None:
    vendor = parse("made-up", changed(lambda rows: rows[INTENTION]["dacl"].update(download=DOWNLOAD)))
    [download] = vendor.wordings["dacl"].download
    assert (download.asked_with, download.lines, download.inline) == (frozenset({"event=download"}), 100, True)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"source": ""}, "`download` of `dacl` needs `source` and `standing`"),
        ({"called": "{name}-{hash}"}, "begins with `#ACSACL#`"),
        ({"called": "#ACSACL#-{name}"}, "holds {name} and {hash}"),
        ({"asked_with": []}, "needs `lines` and `asked_with`"),
        ({"lines": 0}, "needs `lines` and `asked_with`"),
        ({"attribute": {"name": "Cisco-AVPair", "value": "list={line}"}}, "must hold {called}"),
        ({"inline": "no"}, "`inline` in `download` of `dacl` must be of type bool"),
        ({"colour": "red"}, "`download` of `dacl` has an unknown key `colour`"),
    ],
)
def test_a_mistake_about_downloads_is_refused_in_words(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError) as refusal:
        parse("made-up", changed(lambda rows: rows[INTENTION]["dacl"].update(download={**DOWNLOAD, **change})))
    assert words in str(refusal.value)


def test_two_intentions_in_the_same_words_must_exclude_each_other() -> None:
    row = {"attributes": [{"name": "Filter-Id", "value": "{value}"}], "source": "page 6", "standing": "assumed"}

    def same_words(rows: dict[str, Any], **more: Any) -> None:
        rows["cannot"].pop("role")
        rows[INTENTION]["role"] = row | more

    with pytest.raises(ValueError, match="`acl` and `role` both use Filter-Id"):
        parse("made-up", changed(same_words))
    parse("made-up", changed(lambda rows: same_words(rows, excludes=["acl"])))


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ValueError) as refusal:
        parse("made-up", {"intentions": {}, "cannot": {}})
    assert len(str(refusal.value).splitlines()) == len(INTENTIONS) + 1


@given(value=st.text(max_size=30))
@settings(max_examples=60)
def test_filling_a_template_never_reads_the_value_as_a_template(value: str) -> None:
    template = AttributeTemplate(name="X", value="a{url}b{acl}c")
    assert template.fill({"url": value, "acl": "{url}"}) == f"a{value}b{{url}}c"
    assert (template.prefix, template.suffix) == ("a", "c")
