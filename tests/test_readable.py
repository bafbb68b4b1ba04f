"""The source stays readable: short files and functions, few files a folder, each with its test and its theory."""

from __future__ import annotations

import ast

from tests.sources import HOME, PACKAGE, TESTS, report, sources

MAX_FILE_LINES = 400
LONGER = {"nacd/values.py": 800, "nacd/findings.py": 600}
"""The vocabulary alone: flat lists of words, looked up in one place."""
MAX_FUNCTION_LINES = 60
MAX_FOLDER_FILES = 12


def test_files_are_short_enough_to_read() -> None:
    broken = []
    for path in sorted([*PACKAGE.rglob("*.py"), *TESTS.rglob("*.py"), *(HOME / "tools").glob("*.py")]):
        lines = path.read_text(encoding="utf-8").count("\n")
        name = path.relative_to(HOME).as_posix()
        if lines > LONGER.get(name, MAX_FILE_LINES):
            broken.append(f"{name}: {lines} lines, at most {MAX_FILE_LINES}: split by noun")
    report(broken)


def test_functions_are_short_enough_to_read() -> None:
    broken = []
    for source in sources():
        for node in ast.walk(source.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > MAX_FUNCTION_LINES:
                    broken.append(f"{source}:{node.lineno}: `{node.name}` has {length} lines")
    report(broken)


def test_folders_hold_few_files() -> None:
    broken = []
    for folder in sorted({source.path.parent for source in sources()}):
        count = len([path for path in folder.glob("*.py") if path.name != "__init__.py"])
        if count > MAX_FOLDER_FILES:
            broken.append(f"{folder.relative_to(HOME)}: {count} modules, at most {MAX_FOLDER_FILES}")
    report(broken)


def test_every_module_has_its_test_file() -> None:
    broken = []
    for source in sources():
        if source.path.stem in {"__init__", "__main__"}:
            continue
        folder = TESTS / source.path.relative_to(PACKAGE).parent
        if not (folder / f"test_{source.path.stem}.py").is_file():
            broken.append(f"{source}: no {folder.relative_to(HOME)}/test_{source.path.stem}.py")
    report(broken)


def test_every_module_says_what_it_knows() -> None:
    report(
        [
            f"{source}: no module docstring"
            for source in sources()
            if source.path.stem != "__init__" and not ast.get_docstring(source.tree)
        ]
    )


def test_no_vendor_is_named_in_a_condition_outside_vendor() -> None:
    """What differs by vendor is data."""
    names = {path.stem for path in (PACKAGE / "vendor" / "profiles").glob("*.yaml")} - {"generic"}
    assert names, "no vendor profiles found"
    broken = []
    for source in sources():
        if source.room in {"vendor", "sim", "cli"}:
            continue
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Compare):
                words = {word.value for word in ast.walk(node) if isinstance(word, ast.Constant)}
                broken += [f"{source}:{node.lineno}: compares with `{word}`" for word in words & names]
    report(broken)


# -- the judge is judged ------------------------------------------------------------------------
