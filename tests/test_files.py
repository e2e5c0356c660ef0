"""What every file of the repository keeps to: size, no traces of a machine, thin notebooks."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = (".ci", "benchmarks", "data", "kpi_helpers", "notebooks", "reports", "tests")
TEXT = {"", ".csv", ".css", ".ipynb", ".j2", ".json", ".md", ".py", ".toml", ".txt"}
LONGEST_FILE, LONGEST_CELL = 400, 8

# A letter stands in brackets so that this file does not match itself.
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:[w]ork|[r]oot|[h]ome|[t]mp|[U]sers)/")
REGISTRY = re.compile(r"py[p]i\.org|python[h]osted|np[m]js|deb\.[d]ebian")

LOGIC = (
    *(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda),
    *(ast.For, ast.AsyncFor, ast.While, ast.comprehension),
)


def _texts() -> Iterator[Path]:
    inside = (path for folder in FOLDERS for path in (ROOT / folder).rglob("*"))
    for path in sorted([*ROOT.glob("*"), *inside]):
        kept = "__pycache__" not in path.parts and ".ipynb_checkpoints" not in path.parts
        made = path.is_relative_to(ROOT / "reports") and path.name != "README.md"
        if path.is_file() and path.suffix in TEXT and kept and not made:
            yield path


def _named(path: Path) -> str:
    return str(path.relative_to(ROOT))


NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def notebook_faults(notebook: dict) -> list[str]:
    """Return what a notebook of the kit should not be."""
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    tagged = [cell for cell in cells if "parameters" in cell["metadata"].get("tags", [])]
    faults = [] if len(tagged) == 1 else ["needs exactly one cell tagged 'parameters'"]
    for number, cell in enumerate(cells, start=1):
        faults += [f"cell {number}: {fault}" for fault in _cell_faults(cell)]
    for cell in tagged:
        faults += _parameter_faults("".join(cell["source"]))
    return faults


def _cell_faults(cell: dict) -> Iterator[str]:
    source = "".join(cell["source"])
    if cell["outputs"] or cell["execution_count"] is not None:
        yield "keeps its outputs"
    parameters = "parameters" in cell["metadata"].get("tags", [])
    if len(source.splitlines()) > LONGEST_CELL and not parameters:
        yield f"has more than {LONGEST_CELL} lines"
    if any(isinstance(node, LOGIC) for node in ast.walk(ast.parse(source))):
        yield "holds logic"


def _parameter_faults(source: str) -> Iterator[str]:
    statements = ast.parse(source).body
    if len(source.splitlines()) != len(statements):
        yield "parameters: one assignment a line"
    for line, statement in zip(source.splitlines(), statements, strict=False):
        if not isinstance(statement, ast.Assign | ast.AnnAssign) or statement.value is None:
            yield f"parameters: not an assignment: {line}"
            continue
        try:
            json.dumps(ast.literal_eval(statement.value))
        except (ValueError, TypeError):
            yield f"parameters: not a JSON value: {line}"
        if not re.search(r"  # \w", line):
            yield f"parameters: no comment: {line}"


@pytest.mark.parametrize("path", list(_texts()), ids=_named)
def test_no_trace_of_a_machine_or_a_registry(path: Path) -> None:
    text = path.read_text("utf-8", errors="replace")
    assert MACHINE_PATH.findall(text) == []
    assert REGISTRY.findall(text) == []


@pytest.mark.parametrize("path", [p for p in _texts() if p.suffix == ".py"], ids=_named)
def test_a_file_is_one_room(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= LONGEST_FILE


@pytest.mark.parametrize("path", NOTEBOOKS, ids=_named)
def test_a_notebook_is_thin_and_stripped(path: Path) -> None:
    assert notebook_faults(json.loads(path.read_text("utf-8"))) == []


def test_there_are_notebooks() -> None:
    assert NOTEBOOKS


def _cell(source: str, tags: list[str] | None = None, **other: object) -> dict:
    return {
        **{"cell_type": "code", "source": source, "metadata": {"tags": tags or []}},
        **{"outputs": [], "execution_count": None},
        **other,
    }


@pytest.mark.parametrize(
    ("cell", "fault"),
    [
        (_cell("1 + 1", outputs=[{"output_type": "stream"}]), "keeps its outputs"),
        (_cell("1 + 1", execution_count=3), "keeps its outputs"),
        (_cell("a = 1\n" * 9), "more than 8 lines"),
        (_cell("for i in range(3):\n    print(i)"), "holds logic"),
        (_cell("x = [i for i in range(3)]"), "holds logic"),
        (_cell("def f(): ..."), "holds logic"),
        (_cell("b = 2  # two", ["parameters"]), "exactly one cell tagged"),
    ],
)
def test_a_fault_of_a_cell_is_seen(cell: dict, fault: str) -> None:
    good = _cell("a = 1  # one", ["parameters"])
    (found,) = notebook_faults({"cells": [good, cell]})
    assert fault in found


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("a = 1; b = 2  # two at once", "one assignment a line"),
        ("# a comment\na = 1  # one", "one assignment a line"),
        ("a = date(2026, 1, 1)  # a day", "not a JSON value"),
        ("a = {1, 2}  # a set", "not a JSON value"),
        ("print(1)  # one", "not an assignment"),
        ("a = 1", "no comment"),
    ],
)
def test_a_fault_of_the_parameters_is_seen(source: str, fault: str) -> None:
    found = notebook_faults({"cells": [_cell(source, ["parameters"])]})
    assert any(fault in each for each in found)


@pytest.mark.parametrize(
    "text", ["cd /" + "work/kit", "'/" + "tmp/x'", "https://" + "py" + "pi.org/simple"]
)
def test_a_trace_is_seen(text: str) -> None:
    assert MACHINE_PATH.search(text) or REGISTRY.search(text)
