"""Imports point down only: a room may use the rooms below it and the libraries of its floor.

The order is that of the floors table in CONTRIBUTING.md. A room that is not in it fails the test:
decide where it stands before it is used.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "kpi_helpers"

# A floor is a list of steps. Rooms on one step do not know each other; a later step may use an
# earlier one of its floor.
FLOORS: list[list[set[str]]] = [
    [
        {"language"},
        {"ending", "errors"},
        {"periods", "units"},
        {"intervals", "lifetime", "survival"},
    ],
    [{"catalogue"}, {"samples", "sources"}],
    [{"kpis"}, {"measure"}],
    [
        {"compare"},
        {
            *{"associations", "benchmarking", "control", "customers", "drivers", "forecasting"},
            *{"funnel", "outreach", "selection", "teams", "voice"},
        },
        {"landing"},
        {"alerts", "actions"},
    ],
    [{"wording"}, {"charts", "sheets"}],
    [{"reports"}, {"controls", "display"}, {"cli"}, {"__init__", "__main__"}],
]
LIBRARIES: list[set[str]] = [
    {"babel", "holidays", "numpy", "scipy"},
    {
        *{"PIL", "duckdb", "ibis", "numpy", "pandas", "pyarrow", "python_calamine", "sqlglot"},
        *{"tomlkit", "xlsxwriter"},
    },
    {"ibis", "numpy", "pandas"},
    {"numpy", "pandas", "scipy", "statsmodels", "tqdm"},
    {"PIL", "great_tables", "matplotlib", "numpy", "pandas", "seaborn"},
    {
        *{"IPython", "bs4", "ipykernel", "ipywidgets", "jinja2", "jupyter_client", "jupyter_core"},
        *{
            "jupyterlab",
            "nbclient",
            "nbconvert",
            "nbformat",
            "numpy",
            "pandas",
            "papermill",
            "playwright",
        },
        *{"pptx", "pypdf", "traitlets", "voila", "xlsxwriter"},
    },
]
INSIDE_FUNCTIONS_ONLY = {"scipy", "statsmodels", "tqdm"}

HEIGHT = {
    room: (floor, step)
    for floor, steps in enumerate(FLOORS)
    for step, rooms in enumerate(steps)
    for room in rooms
}


def imports(tree: ast.Module, module: list[str], is_package: bool) -> Iterator[tuple[str, bool]]:
    """Yield the dotted name of every import, and whether it runs when the module is imported."""
    at_import = {id(node) for node in _run_at_import(tree.body)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, id(node) in at_import
        elif isinstance(node, ast.ImportFrom):
            above = len(module) - node.level + is_package
            base = module[:above] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                yield f"{origin}.{alias.name}", id(node) in at_import


def _run_at_import(body: list[ast.stmt]) -> Iterator[ast.AST]:
    for node in body:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from _run_at_import(node.orelse)
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
            for field in ("body", "orelse", "finalbody"):
                yield from _run_at_import(getattr(node, field, []))
            for handler in getattr(node, "handlers", []):
                yield from _run_at_import(handler.body)


def offences(source: str, module: str, is_package: bool = False) -> list[str]:
    """Return what is wrong with the imports of a module, such as ``kpi_helpers.sources.gate``."""
    parts = module.split(".")
    room = parts[1] if len(parts) > 1 else "__init__"
    if room not in HEIGHT:
        return [f"{module}: unknown room; give it a floor in tests/test_floors.py"]
    found = []
    for name, at_import in imports(ast.parse(source), parts, is_package):
        top, *rest = name.split(".")
        if top == "kpi_helpers":
            found += _inside(module, room, rest[0] if rest else "__init__")
        elif top not in sys.stdlib_module_names:
            found += _outside(module, room, top, at_import)
    return sorted(set(found))


def _inside(module: str, room: str, target: str) -> list[str]:
    if target not in HEIGHT:  # a name of the facade, such as `from kpi_helpers import kpi`
        target = "__init__"
    if target == room or HEIGHT[target] < HEIGHT[room]:
        return []
    return [f"{module}: {target} is not below {room}"]


def _outside(module: str, room: str, library: str, at_import: bool) -> list[str]:
    floor, _ = HEIGHT[room]
    if library not in LIBRARIES[floor]:
        return [f"{module}: {library} is not for floor {floor}"]
    if library in INSIDE_FUNCTIONS_ONLY and at_import:
        return [f"{module}: import {library} inside the function that needs it"]
    return []


def _modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


@pytest.mark.parametrize(("module", "path"), list(_modules()), ids=lambda value: str(value))
def test_imports_point_down(module: str, path: Path) -> None:
    source = path.read_text("utf-8")
    assert offences(source, module, is_package=path.name == "__init__.py") == []


@pytest.mark.parametrize(
    ("module", "source", "complaint"),
    [
        ("kpi_helpers.periods", "from kpi_helpers.measure import measure", "measure is not below"),
        ("kpi_helpers.periods", "from . import cli", "cli is not below"),
        ("kpi_helpers.periods", "from kpi_helpers import units", "units is not below"),
        ("kpi_helpers.errors", "def f():\n    import kpi_helpers.reports", "reports is not below"),
        ("kpi_helpers.sources.gate", "from ..kpis import catalogue", "kpis is not below"),
        ("kpi_helpers.kpis.sales", "from kpi_helpers import kpi", "__init__ is not below"),
        ("kpi_helpers.units", "import pandas as pd", "pandas is not for floor 0"),
        ("kpi_helpers.wording", "from ibis import _", "ibis is not for floor 4"),
        ("kpi_helpers.intervals", "from scipy import special", "inside the function"),
        ("kpi_helpers.intervals", "try:\n    import scipy\nfinally:\n    pass", "inside"),
        ("kpi_helpers.utils", "", "unknown room"),
        ("kpi_helpers.tools.helpers", "import os", "unknown room"),
    ],
)
def test_an_offence_is_seen(module: str, source: str, complaint: str) -> None:
    (found,) = offences(source, module)
    assert complaint in found


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("kpi_helpers.intervals", "def wilson():\n    from scipy import special"),
        ("kpi_helpers.measure", "from kpi_helpers.kpis import sales\nimport ibis"),
        ("kpi_helpers.sources.gate", "from .tables import TABLES\nfrom ..errors import BadInput"),
        ("kpi_helpers.cli", "from kpi_helpers.reports import run"),
    ],
)
def test_what_is_allowed_passes(module: str, source: str) -> None:
    assert offences(source, module) == []


def test_every_library_has_a_floor_that_exists() -> None:
    assert len(LIBRARIES) == len(FLOORS)
