"""The parameters of a notebook, checked against its own cell before a kernel starts.

papermill only warns about a name that does not exist, and runs on the defaults; it also executes a
name that holds code. Neither happens to a name that stands in the notebook.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kpi_helpers.errors import KpiError, unknown
from kpi_helpers.language import Phrase

TAG = "parameters"
# A notebook that did not know these would show what they are to keep from the reader.
MUST = ("segment", "share")
# How the type of a default is called, a key of ``expected`` in the language files.
TYPES = {bool: "yes_or_no", float: "number", int: "whole_number", list: "names", str: "text"}


def declared(notebook: Path) -> dict[str, Any]:
    """Return the parameters of a notebook with their defaults, in the order of its cell.

    Examples
    --------
    >>> from kpi_helpers.reports.places import notebooks
    >>> declared(notebooks() / "01_kpi_evaluation.ipynb")["period"]
    'last'
    """
    cells = json.loads(notebook.read_text("utf-8"))["cells"]
    sources = ["".join(c["source"]) for c in cells if TAG in c["metadata"].get("tags", ())]
    statements = ast.parse("\n".join(sources)).body
    return {
        statement.targets[0].id: ast.literal_eval(statement.value)
        for statement in statements
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)
    }


def checked(given: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return all parameters of a run: those given, the defaults for the others.

    Parameters
    ----------
    given, defaults
        Name → JSON value. What is given has the type of the default (an int will do for a float).

    Raises
    ------
    UnknownName
        With the nearest parameters, for a name that is not among the defaults.
    KpiError
        Naming the parameter, the value and the type expected.

    Examples
    --------
    >>> checked({"period": "2026Q3"}, {"period": "last", "kpis": []})
    {'period': '2026Q3', 'kpis': []}
    >>> checked({"perod": "2026Q3"}, {"period": "last"})
    Traceback (most recent call last):
        ...
    kpi_helpers.errors.UnknownName: Unknown parameter: 'perod'. Did you mean period? ...
    """
    for name, value in given.items():
        if name not in defaults:
            raise unknown("parameter", name, defaults)
        if not _fits(value, defaults[name]):
            kind = Phrase(f"expected.{TYPES[type(defaults[name])]}")
            raise KpiError("bad_parameter", name=name, value=value, expected=kind)
    return {**defaults, **given}


def of_each(given: Mapping[str, Any], notebooks: Sequence[Path]) -> dict[Path, dict[str, Any]]:
    """Return all parameters of several notebooks: to each those that it declares.

    Raises
    ------
    UnknownName
        For a name that none declares, and for one in `MUST` that any of them does not.
    KpiError
        As `checked`.
    """
    known = {notebook: declared(notebook) for notebook in notebooks}
    every = {name: default for defaults in known.values() for name, default in defaults.items()}
    for name in given:
        if name not in every:
            raise unknown("parameter", name, every)
    return {
        notebook: checked(
            {n: v for n, v in given.items() if n in defaults or (n in MUST and v)}, defaults
        )
        for notebook, defaults in known.items()
    }


def _fits(value: object, default: object) -> bool:
    if isinstance(default, float):
        return isinstance(value, float | int) and not isinstance(value, bool)
    if isinstance(default, list):
        return isinstance(value, list) and all(isinstance(each, str) for each in value)
    return type(value) is type(default)
