"""What had been decided and what came of it, and the targets to revise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from kpi_helpers.catalogue import REGISTRY
from kpi_helpers.compare import compare
from kpi_helpers.errors import Unavailable
from kpi_helpers.language import Phrase
from kpi_helpers.measure.monthly import dated
from kpi_helpers.sources.dataset import Dataset, Where

ACTION, DEFINITION, FORECAST = "action", "definition", "forecast"
SAID = ("kind", "date", "what", "owner", "kpi", "label", "unit", "state", "outcome", "announced")
NUMBERS = ("announced_relative", "effect", "low", "high", "relative", "value")
WHEN = ("start", "end", "recent")
# What a sum is made of: so many, of so much each.
BASKETS = {"bookings": "avg_deal_value", "revenue": "aov"}
YEAR = pd.DateOffset(years=1)


def decided(
    data: Dataset, found: pd.DataFrame | None = None, due: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Set what was decided or expected beside what happened, the latest first.

    Parameters
    ----------
    data
        The data set.
    found
        What `kpi_helpers.actions.effects` returns, where there is a register.
    due
        The forecasts that are over, as `kpi_helpers.reports.due` finds them in the source and
        beside the reports, or `kpi_helpers.forecasting.due`. Of each figure and length of period
        the newest period is told, as it was forecast last.

    Returns
    -------
    pandas.DataFrame
        A row a decision: ``kind`` (``action``, ``definition`` of the log of KPIs, ``forecast``),
        ``date, what`` (of a forecast the period), ``owner, kpi, label, unit, announced,
        announced_relative, effect, low, high, relative, value``, the ``state`` of an action,
        ``recent`` (of the last year), and ``outcome``: the verdict of an action that can be
        measured, else its state; ``adapted``; whether a forecast was ``within`` its range, too
        ``high`` or too ``low``.

    Raises
    ------
    Unavailable
        Where nothing was noted.
    """
    parts = [_adapted(data), _foretold(due)]
    if found is not None:
        begun = found[found["start"] <= pd.Timestamp(data.as_of)]
        measurable = begun["verdict"] != "not_measurable"
        outcome = begun["verdict"].where(measurable, begun["state"])
        named = begun.rename(columns={"start": "date", "action": "what"})
        parts.append(named.assign(kind=ACTION, outcome=outcome))
    every = pd.concat([part for part in parts if len(part)] or parts[:1])
    if every.empty:
        raise Unavailable(what=Phrase("effects.decided"), needs=["actions", "kpi_log", "forecasts"])
    every = every.sort_values("date", ascending=False, kind="stable").reset_index(drop=True)
    recent = every["date"] > pd.Timestamp(data.as_of) - YEAR
    return every.assign(recent=recent).reindex(columns=[*SAID, *NUMBERS, *WHEN])


def revised(data: Dataset, period: str = "last", where: Where = None) -> pd.DataFrame:
    """Recompute targets of sums where what each sale is worth has changed since a year ago.

    Returns
    -------
    pandas.DataFrame
        A row a sum with a target: ``kpi, label, unit, target``; ``basket`` (a KPI) with its
        ``value, reference, change_verdict``; ``needed`` and ``needed_before``: how many it takes
        with the one and with the other; ``revised``: the target for as many as before.

    Raises
    ------
    Unavailable
        Where no such sum has a target.
    """
    found = compare(data, [*BASKETS, *BASKETS.values()], period, "year_ago", where=where)
    found = found.set_index("kpi")
    rows: list[dict[str, Any]] = []
    for kpi, basket in BASKETS.items():
        total, each = found.loc[kpi], found.loc[basket]
        if pd.isna(total["target"]) or pd.isna(each["change"]):
            continue
        row = {"kpi": kpi} | total[["label", "unit", "period", "start", "end", "target"]].to_dict()
        row |= {"basket": each["label"]}
        row |= each[["value", "reference", "change_verdict"]].to_dict()
        needed = total["target"] / each["reference"]
        row |= {"needed": total["target"] / each["value"], "needed_before": needed}
        rows.append(row | {"revised": needed * each["value"]})
    if not rows:
        raise Unavailable(what=Phrase("effects.revised"), needs="targets")
    return pd.DataFrame(rows)


def _adapted(data: Dataset) -> pd.DataFrame:
    log = dated(data, "kpi_log").assign(**{"decided_by": ""} if data.masked else {})
    named = {"kpi_id": "kpi", "new_definition": "what", "decided_by": "owner"}
    labels = [REGISTRY[k].label(data.config.lang) if k in REGISTRY else k for k in log["kpi_id"]]
    return log.rename(columns=named).assign(kind=DEFINITION, label=labels, outcome="adapted")


def _foretold(due: pd.DataFrame | None) -> pd.DataFrame:
    """The last forecast of each figure's newest period that is over, beside what came."""
    if due is None:
        return pd.DataFrame()
    order = due.sort_values(["end", "made_at"], kind="stable")
    last = order.drop_duplicates(["kpi", "grain"], keep="last")
    names = {"reference": "announced", "reference_low": "low", "reference_high": "high"}
    last = last.drop(columns=["low", "high"]).rename(columns=names | {"made_at": "date"})
    sides = [last["value"] < last["low"], last["value"] > last["high"], last["low"].notna()]
    outcome = np.select(sides, ["high", "low", "within"], "")
    return last.assign(kind=FORECAST, what=last["period"], outcome=outcome)
