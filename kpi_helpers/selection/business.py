"""What a business is: stated, else read off the tables that are there."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

from kpi_helpers.errors import unknown
from kpi_helpers.sources.dataset import Dataset

ASKED = ("model", "maturity", "objective", "decides")


@cache
def presets() -> dict[str, dict[str, Any]]:
    """The presets: section → name → KPIs, and the rules of the choice.

    Examples
    --------
    >>> presets()["model"]["phone"][:2]
    ['calls_handled', 'missed_call_rate']
    """
    return tomllib.loads((files("kpi_helpers.selection") / "presets.toml").read_text("utf-8"))


def business(data: Dataset, **given: str) -> dict[str, Any]:
    """What a business is, by what is given, else ``[business]`` of the settings.

    Parameters
    ----------
    data
        A data set of `kpi_helpers.load`.
    **given
        ``model, maturity, objective, decides``; an empty one is not given.

    Returns
    -------
    dict
        The four, empty where nothing says it, and ``inferred``: whether the model is the one that
        the tables suggest.

    Raises
    ------
    UnknownName
        With the allowed names, for a setting that is none of the four or a name without a preset.
    """
    said = {**data.config.business, **{name: value for name, value in given.items() if value}}
    for name, value in said.items():
        if name not in ASKED:
            raise unknown("setting", f"business.{name}", ASKED)
        if value and value not in presets()[name]:
            raise unknown(name, value, presets()[name])
    known = {name: said.get(name, "") for name in ASKED}
    suggested = (model for table, model in presets()["tables"].items() if table in data.tables)
    inferred = not known["model"]
    return {**known, "model": known["model"] or next(suggested, ""), "inferred": inferred}
