"""What is written into the source before it is compiled."""

from __future__ import annotations

import dataclasses
import sys
import typing
from functools import cache
from types import ModuleType

import pytest

from tests.sources import HOME
from tools.compiled.modules import MODULES
from tools.compiled.written import NotWrittenError, bases, written_out

HEAD = (
    "from __future__ import annotations\nfrom dataclasses import dataclass, field\nfrom nacd.quick import quick\n\n\n"
)
VALUE = '''@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """One."""

    name: str
    count: int = 3
    words: tuple[str, ...] = field(default_factory=lambda: ("a",))
    made: str = field(init=False, repr=False)


'''


@cache
def bases_of_nacd() -> frozenset[str]:
    return bases(path.read_text(encoding="utf-8") for path in (HOME / "nacd").rglob("*.py"))


def init_of(text: str) -> str:
    (line,) = [line for line in text.split("\n") if line.strip().startswith("def __init__")]
    return line.strip().removesuffix("# type: ignore").strip()


def test_a_field_is_an_assignment_and_what_is_not_given_is_left_to_the_class() -> None:
    assert init_of(written_out(HEAD + VALUE, frozenset())) == (
        "def __init__(self, *, name: str, count: int = 3, words: tuple[str, ...] | None = None) -> None: "
        "self.name = name; self.count = count; self.words = (lambda: ('a',))() if words is None else words"
    )


def test_every_line_stays_where_it_was() -> None:
    source = HEAD + VALUE + "def after() -> int:\n    return 1\n"
    before, after = source.split("\n"), written_out(source, frozenset()).split("\n")
    changed = [at for at, line in enumerate(before) if after[at] != line]
    assert [before[at] for at in changed] == ["@quick", "@dataclass(frozen=True, slots=True, kw_only=True)", ""]
    assert [line for line in after[len(before) :] if not line.startswith("setattr(Value, '__annotations__'")] == []


def test_what_a_class_checks_of_itself_is_still_checked() -> None:
    checked = VALUE.rstrip() + "\n\n    def __post_init__(self) -> None:\n        raise ValueError\n\n\n"
    assert init_of(written_out(HEAD + checked, frozenset())).endswith("; self.__post_init__()")


def test_of_a_class_that_others_are_derived_from_only_the_hints_are_written() -> None:
    source = HEAD + VALUE.replace("@quick\n", "") + "class Other(Value):\n    pass\n"
    text = written_out(source, bases([source]))
    assert "def __init__" not in text
    assert "'count': 'int'" in text


def test_a_decorator_that_says_something_new_is_an_error() -> None:
    with pytest.raises(NotWrittenError, match="Value"):
        written_out(HEAD + VALUE.replace("slots=True", "order=True"), frozenset())


@pytest.mark.parametrize("module", MODULES)
def test_every_module_that_is_compiled_is_there_and_can_be_written_out(module: str) -> None:
    text = (HOME / module).read_text(encoding="utf-8")
    compile(written_out(text, bases_of_nacd()), module, "exec")


def test_the_words_of_a_hint_are_those_of_the_source() -> None:
    module = ModuleType("of_a_hint")
    sys.modules[module.__name__] = module
    try:
        text = written_out(HEAD + VALUE, frozenset()).replace("frozen=True, ", "")  # as a compiler sees it: no refusal
        exec(text, module.__dict__)
        hints = typing.get_type_hints(module.Value)
        value = module.Value(name="n")
    finally:
        del sys.modules[module.__name__]
    assert hints["words"] == tuple[str, ...]
    assert (value.name, value.count, value.words) == ("n", 3, ("a",))
    assert dataclasses.replace(value, count=4).count == 4
