"""Notebooks run by schedulers: what they hand over is read, and the README's examples run."""

import pytest

from kpi_helpers.errors import UnknownName
from kpi_helpers.reports import parameters

DEFAULTS = {"period": "last", "kpis": [], "share": False, "draws": 1000, "level": 0.95}


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        *[("share", "True", True), ("share", "false", False), ("share", "", False)],
        *[("kpis", '["cac", "revenue"]', ["cac", "revenue"]), ("kpis", "['cac']", ["cac"])],
        *[("kpis", "cac, revenue", ["cac", "revenue"]), ("kpis", " ", []), ("kpis", "[]", [])],
        *[("draws", "5", 5), ("level", "0.9", 0.9), ("level", "1", 1), ("draws", "", 1000)],
        *[("period", 2026, "2026"), ("period", "2026", "2026"), ("period", "", "")],
    ],
)
def test_text_is_read_as_what_the_default_is(name: str, text: object, value: object) -> None:
    read = parameters.checked({name: text}, DEFAULTS)[name]
    assert (read, type(read)) == (value, type(value))


CELL = 'period = "last"  # a period\nkpis = []  # ids\nshare = False  # to hand it over\n'


@pytest.mark.parametrize("head", ["", "# Parameters\n"])
def test_what_a_scheduler_gave_is_checked_in_the_notebook(head: str) -> None:
    cells = ["", CELL, f"{head}period = 2026\nkpis = 'cac'", "the cell that asks"]
    given = {"In": cells, "period": 2026, "kpis": "cac", "share": False}
    everything = {"period": "2026", "kpis": ["cac"], "share": False}
    assert parameters.accepted(given) == everything
    cells[2] = f"{head}perod = '2026Q3'\nshare = float('nan')"
    with pytest.raises(UnknownName, match="Did you mean period?"):
        parameters.accepted({"In": cells, "perod": "2026Q3", "share": float("nan")})


@pytest.mark.parametrize(
    "cells",
    [
        *[
            [],
            ["", "now"],
            ["", CELL, "now"],
            ["", "1 + 1", CELL, "now"],
            ["", "%magic ?", "a", "now"],
        ],
        *[["", CELL, "x = measure(period)", "now"], ["", CELL, "print(1)", "now"]],
    ],
)
def test_where_a_person_works_nothing_was_given(cells: list[str]) -> None:
    assert parameters.accepted({"In": cells, "period": 5, "x": 1}) == {}
