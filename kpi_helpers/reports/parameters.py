"""The parameters of a notebook, checked against its own cell before a kernel starts.

papermill only warns about a name that does not exist, and runs on the defaults; it also executes a
name that holds code. Neither happens to a name that stands in the notebook. What calls papermill or
does as it does (a command line, Airflow, jupyter-scheduler) often hands over text: it is read as
what the default is.
"""

from __future__ import annotations

import ast
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from kpi_helpers.errors import KpiError, unknown
from kpi_helpers.language import Phrase

TAG = "parameters"
# A notebook that did not know these would show what they are to keep from the reader.
MUST = ("segment", "share")
# Controls need a person and a kernel that stays: no report has them, whatever is asked.
ALONE = {"interactive": False}
# What a Jupyter server tells the kernels that it starts for a person.
SESSION = "JPY_SESSION_NAME"
# What Python's parser says of a text that is no value.
_FAULTS = (MemoryError, RecursionError, SyntaxError, ValueError)
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
    return {name: ast.literal_eval(value) for name, value in _assigned("\n".join(sources))}


def accepted(names: Mapping[str, Any]) -> dict[str, Any]:
    r"""Return the parameters that a scheduler gave to the notebook that is running, checked.

    It puts them into a cell of its own behind that of the parameters: both have just run, and hold
    nothing but constants. Anywhere else, as in JupyterLab, nothing was given. Where nobody can move
    a control (parameters were given, or no Jupyter server has started the kernel for a person), a
    notebook that has controls is told so: its ``interactive`` is False.

    Parameters
    ----------
    names : mapping
        All names of the notebook: its ``globals()``.

    Returns
    -------
    dict
        Name → value of its default's type; where nothing was given, empty for a person.

    Raises
    ------
    UnknownName, KpiError
        As `checked`.

    Examples
    --------
    >>> cells = ["", "share = False\nkpis = []", "share = 'True'\nkpis = 'cac, revenue'", "..."]
    >>> accepted({"In": cells, "share": "True", "kpis": "cac, revenue"})
    {'share': True, 'kpis': ['cac', 'revenue']}
    """
    cells = ["", *names.get("In", ())][-3:-1]
    own, given = ([*_assigned(cell)] for cell in (cells if len(cells) == 2 else ("", "")))
    if not (own and given and all(map(_is_constant, dict(own + given).values()))):
        return {} if SESSION in os.environ else _of_nobody(names)
    defaults = {name: ast.literal_eval(value) for name, value in own}
    asked = checked({name: names[name] for name, _ in given}, defaults)
    return asked | _of_nobody(asked)


def checked(given: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return all parameters of a run: those given, the defaults for the others.

    Parameters
    ----------
    given, defaults
        Name → JSON value. What is given has the type of the default, or is text that can be read as
        such: ``"True"``, ``"6"``, ``'["cac"]'`` or ``"cac, revenue"`` for names; an empty text
        stands for the default. A whole number will do for text (the year 2026) and for a number.

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
    >>> checked({"period": 2026, "kpis": '["cac"]'}, {"period": "last", "kpis": []})
    {'period': '2026', 'kpis': ['cac']}
    >>> checked({"perod": "2026Q3"}, {"period": "last"})
    Traceback (most recent call last):
        ...
    kpi_helpers.errors.UnknownName: Unknown parameter: 'perod'. Did you mean period? ...
    """
    read = {}
    for name, value in given.items():
        if name not in defaults:
            raise unknown("parameter", name, defaults)
        read[name] = _read(value, defaults[name])
        if not _fits(read[name], defaults[name]):
            kind = Phrase(f"expected.{TYPES[type(defaults[name])]}")
            raise KpiError("bad_parameter", name=name, value=value, expected=kind)
    return {**defaults, **read}


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
        | _of_nobody(defaults)
        for notebook, defaults in known.items()
    }


def _of_nobody(names: Mapping[str, Any]) -> dict[str, bool]:
    """Return what holds of a notebook of these names where nobody works with it."""
    return {name: value for name, value in ALONE.items() if name in names}


def _read(value: object, default: object) -> object:
    """Return a value as the type of its default, where it says so without a doubt."""
    kind = type(default)
    if kind is str:
        return str(value) if type(value) is int else value
    if not isinstance(value, str):
        return value
    said = value.strip()
    if not said:
        return default
    if kind is list and not said.startswith("["):
        return [name.strip() for name in said.split(",")]
    try:
        return ast.literal_eval(said.capitalize() if kind is bool else said)
    except _FAULTS:
        return value


def _assigned(cell: str) -> Iterator[tuple[str, ast.expr]]:
    """Give what a cell assigns, name by name; nothing for one that does anything else."""
    try:
        statements = ast.parse(cell).body
    except _FAULTS:
        return
    pairs = [(s.targets[0], s.value) for s in statements if isinstance(s, ast.Assign)]
    if len(pairs) == len(statements):
        yield from ((to.id, value) for to, value in pairs if isinstance(to, ast.Name))


def _is_constant(value: ast.expr) -> bool:
    """Whether a value names nothing else; ``float('nan')`` is how papermill writes one."""
    return {n.id for n in ast.walk(value) if isinstance(n, ast.Name)} <= {"float"}


def _fits(value: object, default: object) -> bool:
    if isinstance(default, float):
        return isinstance(value, float | int) and not isinstance(value, bool)
    if isinstance(default, list):
        return isinstance(value, list) and all(isinstance(each, str) for each in value)
    return type(value) is type(default)
