"""KPIs whose definition changed: measured under the old and the new one, around the change."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from kpi_helpers.actions.series import Action
from kpi_helpers.catalogue import REGISTRY
from kpi_helpers.errors import KpiError, Unavailable
from kpi_helpers.language import Phrase, text
from kpi_helpers.measure import measure
from kpi_helpers.measure.monthly import dated
from kpi_helpers.sources.config import read_config
from kpi_helpers.sources.dataset import Dataset

SAID = ("date", "reason", "example", "decided_by", "feedback")
# What a definition may say in the words of a kpi.toml, besides a filter ``where``.
SETTINGS = ("windows", "lags", "use")
AROUND = 2


def adapted(data: Dataset) -> pd.DataFrame:
    """Measure KPIs whose definition changed, two quarters before and two from the change on.

    A definition that is written as in a ``kpi.toml`` (``windows.lead_to_customer_rate = 90``,
    ``lags.cac = 2``, ``use.revenue = "bookings"``, or ``where = "source != 'fair'"``) can be
    computed: where both are, each quarter is measured under both.

    Returns
    -------
    pandas.DataFrame
        The columns of `kpi_helpers.measure` under the ``definition`` that held at the start of the
        quarter; the log's ``date, reason, example, decided_by, feedback``; ``by_old, by_new``: the
        figure under each, missing where it cannot be computed, and ``why``. A KPI that does not
        exist any more has one row, without figures.

    Raises
    ------
    Unavailable
        Without a log of KPIs.
    """
    log = dated(data, "kpi_log")
    if log.empty:
        raise Unavailable(what=Phrase("effects.adapted"), needs="kpi_log")
    rows = [_around(data, each) for each in log.to_dict("records")]
    return pd.concat(rows, ignore_index=True)


def _around(data: Dataset, change: Action) -> pd.DataFrame:
    kpi, day, calendar = change["kpi_id"], change["date"].date(), data.config.calendar
    # Notes may name people, whom a shared report leaves out.
    said = {of: "" if data.masked and of != "date" else change[of] for of in SAID}
    if kpi not in REGISTRY:
        return pd.DataFrame([{"kpi": kpi, "label": kpi, **said}])
    now = calendar.at(day, "quarter")
    first, last = (calendar.shift(now, by) for by in (-AROUND, AROUND - 1))
    definitions = [change["old_definition"], change["new_definition"]]
    (old, new), why = _both(data, kpi, f"{first.name}:{last.name}", definitions)
    after = (new["start"] >= change["date"]).to_numpy()
    found = pd.concat([old[~after], new[after]]).assign(**said, why=why)
    values = {"by_old": old["value"].to_numpy(), "by_new": new["value"].to_numpy()}
    if why:  # each where it held, as it was recorded
        values = {of: np.where(after == (of == "by_new"), x, np.nan) for of, x in values.items()}
    return found.assign(**values, definition=np.where(after, definitions[1], definitions[0]))


def _both(
    data: Dataset, kpi: str, period: str, definitions: list[Any]
) -> tuple[list[pd.DataFrame], str]:
    """What a KPI is under each of two definitions, or as recorded, and why it is only that."""
    given = [as_settings(each) for each in definitions]
    why = text("effects.in_words", data.config.lang)
    try:
        if all(given):
            return [_under(data, kpi, period, each) for each in given], ""
    except KpiError as error:
        why = error.render(data.config.lang)
    return [measure(data, kpi, period, grain="quarter")] * 2, why


def as_settings(definition: Any) -> dict[str, Any]:
    """Return the settings of a definition that is written as in a kpi.toml; none of one in words.

    Examples
    --------
    >>> as_settings("lags.cac = 2"), as_settings("as before")
    ({'lags': {'cac': 2}}, {})
    """
    try:
        given = tomllib.loads(str(definition))
    except tomllib.TOMLDecodeError:
        return {}
    return given if {*given} <= {*SETTINGS, "where"} else {}


def _under(data: Dataset, kpi: str, period: str, given: dict[str, Any]) -> pd.DataFrame:
    return measure(under(data, given), kpi, period, where=given.get("where"), grain="quarter")


def under(data: Dataset, given: Mapping[str, Any]) -> Dataset:
    """Return a data set under other definitions.

    Parameters
    ----------
    given
        ``windows, lags`` and ``use`` as in a ``kpi.toml``; those that are left out stay.

    Raises
    ------
    BadConfig
        For a definition that cannot be used.
    """
    own = read_config({"schema": 1} | {of: given[of] for of in SETTINGS if of in given})
    changed: dict[str, Any] = {
        of: {**getattr(data.config, of), **getattr(own, of)} for of in given if of in SETTINGS
    }
    config = dataclasses.replace(data.config, **changed)
    return dataclasses.replace(data, config=config, memory={})
