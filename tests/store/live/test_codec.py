"""Values to plain lists and back: equal, or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nacd import sessions
from nacd.sessions import Grounds, Names, NotOurs, Pending, Place, Session, Settled, Standing, Verb
from nacd.store.live.codec import Codec, Unreadable
from nacd.values import Compliance, Device, DeviceId, MacAddress, NoCertificate
from tests.store.live import stage

# -- every value that there is ---------------------------------------------------------------------

texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
numbers = st.floats(allow_nan=False, allow_infinity=False)
for kind, made in ((str, texts), (float, numbers), (int, st.integers(-(2**63), 2**63 - 1))):
    st.register_type_strategy(kind, made)
_SESSION_PLAIN = st.from_regex(r"[0-9A-F]{2}(-[0-9A-F]{2}){5}", fullmatch=True)
st.register_type_strategy(MacAddress, _SESSION_PLAIN.map(MacAddress))
st.register_type_strategy(
    DeviceId, st.uuids().filter(lambda each: each.int != 0).map(lambda each: DeviceId(guid=str(each)))
)


@settings(max_examples=300, deadline=None)
@given(st.from_type(Session))
def test_every_session_comes_back_equal(session: Session) -> None:
    codec = Codec(Session)
    assert codec.unpack(orjson.loads(orjson.dumps(codec.pack(session)))) == session


@pytest.mark.parametrize("kind", [Place, Names, Grounds, Standing, Pending, Compliance])
def test_every_part_of_a_session_comes_back_equal(kind: Any) -> None:
    codec: Codec[Any] = Codec(kind)

    @settings(max_examples=50, deadline=None)
    @given(st.from_type(kind))
    def check(value: Any) -> None:
        assert codec.unpack(orjson.loads(orjson.dumps(codec.pack(value)))) == value

    check()


def test_all_that_can_be_in_a_session_has_a_way() -> None:
    """Every dataclass of the vocabulary that a session is made of, and the changes too."""
    for name in ("Place", "Names", "Grounds", "Standing", "Pending", "Settled", "NotOurs", "Session", "Outcome"):
        Codec(getattr(sessions, name))


# -- what is written ---------------------------------------------------------------------------------


def test_defaults_at_the_end_take_no_room() -> None:
    assert Codec(Names).pack(Names(acct_session_id="A1")) == ["A1"]
    assert Codec(Settled).pack(Settled()) == []
    assert Codec(NotOurs).unpack([]) == NotOurs()


def test_a_field_that_was_added_later_has_its_default() -> None:
    assert Codec(Place).unpack(["sw-1", "192.0.2.1"]) == Place(nas="sw-1", source="192.0.2.1")


def test_a_word_that_may_be_another_text_comes_back_as_the_word() -> None:
    codec = Codec(Pending)
    pending = Pending(wanted=stage.standing(), since=1.0, verb=Verb.PUSH)
    assert codec.unpack(codec.pack(pending)).verb is Verb.PUSH


def test_fields_that_are_kept_elsewhere_are_given_back() -> None:
    codec = Codec(Place, leave_out=("nas",))
    assert codec.unpack(codec.pack(stage.place(1)), nas="sw-1") == stage.place(1)


def test_half_a_surrogate_pair_becomes_a_question_mark() -> None:
    codec = Codec(Names)
    assert codec.unpack(codec.pack(Names(user_name="a\ud800b"))) == Names(user_name="a?b")


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_number_that_is_none_is_not_written(number: float) -> None:
    with pytest.raises(ValueError, match="cannot be written"):
        Codec(Pending).pack(Pending(wanted=stage.standing(), since=number))


@dataclass(frozen=True, slots=True)
class Unthought:
    """With a field of a kind that sessions do not have."""

    raw: bytes


def test_a_type_that_nobody_thought_of_is_refused_when_the_codec_is_made() -> None:
    with pytest.raises(TypeError, match="no way to write down"):
        Codec(Unthought)


# -- what is not believed ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "plain",
    [
        None,
        {},
        "text",
        [],
        ["sw-1"],
        ["sw-1", 7],
        ["sw-1", None],
        ["sw-1", "192.0.2.1", *["x"] * 20],
    ],
)
def test_what_is_not_of_this_shape_is_unreadable(plain: Any) -> None:
    with pytest.raises(Unreadable):
        Codec(Place).unpack(plain)


def changed(plain: list[Any], at: int, value: Any) -> list[Any]:
    return [*plain[:at], value, *plain[at + 1 :]]


@pytest.mark.parametrize("value", ["Allow", "", 1, None, True, ["allow"], {}])
def test_a_word_that_is_none_is_unreadable(value: Any) -> None:
    codec = Codec(Standing)
    with pytest.raises(Unreadable):
        codec.unpack(changed(codec.pack(stage.standing()), 0, value))


@pytest.mark.parametrize("value", ["1.0", 1, None, True])
def test_a_number_that_is_none_is_unreadable(value: Any) -> None:
    codec = Codec(Pending)
    with pytest.raises(Unreadable):
        codec.unpack(changed(codec.pack(Pending(wanted=stage.standing(), since=1.0)), 1, value))


@pytest.mark.parametrize("value", [[], ["Stranger"], "Device", [["Device"]], ["NotOurs", "x"], None])
def test_a_kind_that_is_none_is_unreadable(value: Any) -> None:
    codec = Codec(Grounds)
    with pytest.raises(Unreadable):
        codec.unpack(changed(codec.pack(stage.grounds(1)), 2, value))


@pytest.mark.parametrize("value", [["a", 1], "ab", None, {"a": 1}])
def test_texts_that_are_none_are_unreadable(value: Any) -> None:
    codec = Codec(Grounds)
    plain = codec.pack(stage.grounds(1))
    with pytest.raises(Unreadable):
        codec.unpack(changed(plain, 1, changed(plain[1], 2, value)))


def test_what_a_class_checks_of_itself_is_checked() -> None:
    codec = Codec(Device)
    plain = codec.pack(stage.grounds(1).identity)  # type: ignore[arg-type]
    assert codec.unpack(plain) == stage.grounds(1).identity
    with pytest.raises(Unreadable, match="not a device id"):
        codec.unpack(changed(plain, 0, ["00000000-0000-0000-0000-000000000000"]))


def test_a_certificate_is_not_made_of_nothing() -> None:
    codec = Codec(Grounds)
    assert codec.unpack(changed(codec.pack(stage.grounds(1)), 3, ["NoCertificate"])).certificate == NoCertificate()
    with pytest.raises(Unreadable):
        codec.unpack(changed(codec.pack(stage.grounds(1)), 3, ["CertificateFacts"]))


# -- classes without slots, as compiled ones are -------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Loose:
    name: str
    id: int
    count: int = 3

    def __post_init__(self) -> None:
        if self.count < 0:
            raise ValueError("less than nothing")


def test_a_class_without_slots_is_read_as_well_with_what_is_kept_elsewhere() -> None:
    codec = Codec(Loose, leave_out=("id",))
    assert codec.unpack(codec.pack(Loose(name="n", id=7, count=4)), id=7) == Loose(name="n", id=7, count=4)
    assert codec.unpack(["n"], id=8) == Loose(name="n", id=8)


def test_what_it_checks_of_itself_is_checked() -> None:
    with pytest.raises(Unreadable, match="less than nothing"):
        Codec(Loose, leave_out=("id",)).unpack(["n", -1], id=7)
