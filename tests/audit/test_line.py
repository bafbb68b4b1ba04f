from __future__ import annotations

from dataclasses import dataclass

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nacd.audit import events
from nacd.audit.catalogue import EVENTS
from nacd.audit.line import line
from nacd.audit.redaction import HIDDEN, secret_name
from nacd.values import AuditEvent, Instant, Secret

WORD = b"hunter2-hunter2"


@dataclass
class Careless:
    password: Secret
    plain: str = WORD.decode()


def written(**fields: object) -> dict[str, object]:
    read: dict[str, object] = orjson.loads(line(AuditEvent(code="A1001I", fields=fields)))  # type: ignore[arg-type]
    return read


def test_a_record_is_one_line_that_begins_with_its_code() -> None:
    octets = line(events.started(version="1", detail="one\ntwo", now=Instant(wall=0.0, monotonic=0.0)))
    assert octets.startswith(b'{"code":"A9001I","time":"1970-01-01T00:00:00.000Z",')
    assert octets.endswith(b'"detail":"one\\ntwo"}}\n')


@pytest.mark.parametrize("careless", [Secret(WORD), [Secret(WORD)], {"a": Secret(WORD)}, Careless(Secret(WORD)), WORD])
def test_what_is_no_plain_value_never_stands_in_a_line(careless: object) -> None:
    octets = line(AuditEvent(code="A1001I", fields={"why": "x", "careless": careless}))  # type: ignore[dict-item]
    assert WORD not in octets
    assert orjson.loads(octets)["why"] == "x"


def test_a_secret_that_strayed_into_a_record_is_hidden() -> None:
    assert written(why=Secret(WORD)) == {"why": HIDDEN}


def test_half_a_surrogate_pair_and_a_huge_number_do_not_stop_a_record() -> None:
    assert written(a="b\udfff", n=2**70)["a"] == "b\\udfff"


def test_a_record_of_unusual_length_has_its_texts_cut() -> None:
    shown = written(why="x" * 100_000)["why"]
    assert isinstance(shown, str)
    assert shown.endswith("(95904 more characters)")


def test_no_documented_field_has_a_name_that_the_gate_would_hide() -> None:
    """Names are checked here, once, because the line is written without looking at each of them."""
    assert not [
        name for event in EVENTS.values() for name in event.fields for part in name.split(".") if secret_name(part)
    ]


_json = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(), st.builds(Secret, st.binary())
    ),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)),
    max_leaves=8,
)


@pytest.mark.slow
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.text(st.characters(codec=None)), _json, max_size=4))
def test_any_fields_become_exactly_one_line(fields: dict[str, object]) -> None:
    octets = line(AuditEvent(code="A1001I", fields=fields))  # type: ignore[arg-type]
    assert octets.count(b"\n") == 1
    assert isinstance(orjson.loads(octets), dict)
