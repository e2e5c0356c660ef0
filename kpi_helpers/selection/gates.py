"""Whether the data can carry a KPI: its tables, its cases in the last periods, what weakens it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from kpi_helpers.catalogue import Ago, find
from kpi_helpers.compare.enough import readable_grain
from kpi_helpers.measure import carries, lacking, measure
from kpi_helpers.measure.answer import chosen, made_of
from kpi_helpers.measure.judge import ENOUGH, IMMATURE, MISSING, OK
from kpi_helpers.sources import quality
from kpi_helpers.sources.checks.marks import BLOCK, INFO
from kpi_helpers.sources.dataset import Dataset, Where

PERIODS = 4
# What a check keeps from counting distorts a figure from this share of the rows on.
DISTORTS = 0.05
VANITY = "vanity"


def gated(data: Dataset, kpis: Sequence[str], period: str, where: Where) -> pd.DataFrame:
    """What stands in the way of each KPI, if anything does.

    Returns
    -------
    pandas.DataFrame
        Indexed by KPI: ``gate`` (empty for one that is carried; see `kpi_helpers.selection`),
        ``needs``, ``n``, ``more``, ``grain`` and ``weakened``.
    """
    now = data.config.calendar.parse(period, data.as_of, data.first)
    carried = [kpi for kpi in kpis if carries(data, kpi, now)]
    frame = pd.DataFrame({"needs": [lacking(data, kpi) for kpi in kpis]}, index=list(kpis))
    frame = frame.join(_last(data, carried, period, where))
    few = (frame["n"] < ENOUGH) & (frame["read"] < 0.5)
    grains = [readable_grain(*each, now.days) for each in zip(kpis, frame["n"], strict=True)]
    frame["grain"] = pd.Series(grains, frame.index, dtype=object).replace("", "none").where(few, "")
    frame["more"] = np.where(few, np.ceil(ENOUGH - frame["n"]), np.nan)
    found = quality(data)
    weak, doubtful = (_checks(data, kpis, rows) for rows in (found, _grave(found)))
    gates = {
        VANITY: [VANITY in find(kpi).category for kpi in kpis],
        "no_data": frame["needs"] != "",
        "ahead": ~frame.index.isin(carried),
        "too_early": frame["n"].isna() & frame["young"].eq(True),
        "nothing": frame["n"].fillna(0).eq(0),
        "few_cases": few & frame["grain"].eq("none"),
        "doubtful": [bool(checks) for checks in doubtful],
    }
    gate = np.select([np.asarray(each, bool) for each in gates.values()], [*gates], "")
    return frame.drop(columns=["read", "young"]).assign(gate=gate, weakened=weak)


def tables_of(data: Dataset, kpi: str) -> set[str]:
    """The fact tables that a KPI is counted on."""
    return {find(name).table for name in _bases(data, kpi)}


def _bases(data: Dataset, kpi: str) -> set[str]:
    return {base.kpi for base in made_of(data, Ago(chosen(data, kpi).id, 0))}


def _last(data: Dataset, kpis: Sequence[str], period: str, where: Where) -> pd.DataFrame:
    """The usual number of cases in the last periods, and the share of these that can be read."""
    calendar = data.config.calendar
    now = calendar.parse(period, data.as_of, data.first)
    several = now.grain != "span" and now.name != "all"
    span = f"{calendar.shift(now, 1 - PERIODS).name}:{now.name}" if several else period
    grain = now.grain if several else None
    rows = (
        measure(data, list(kpis), span, (), where, grain) if kpis else pd.DataFrame(columns=["kpi"])
    )
    rows = rows.reindex(columns=["kpi", "n", "status"])
    known = rows[~rows["status"].isin([MISSING, IMMATURE])]
    read = known["status"].eq(OK).groupby(known["kpi"]).mean()
    young = rows["status"].eq(IMMATURE).groupby(rows["kpi"]).any()
    usual = np.floor(known["n"].astype(float).groupby(known["kpi"]).median())
    return pd.DataFrame({"n": usual, "read": read, "young": young})


def _grave(found: pd.DataFrame) -> pd.DataFrame:
    return found[found["severity"].eq(BLOCK) & found["share"].ge(DISTORTS)]


def _checks(data: Dataset, kpis: Sequence[str], found: pd.DataFrame) -> list[str]:
    """The checks that weaken each KPI, or one that it is made of; the gravest first."""
    rows = found[found["severity"].ne(INFO)]
    weak = rows["kpis"].str.split(", ").map(set)
    every = [
        rows["check"][[not names.isdisjoint({kpi, *_bases(data, kpi)}) for names in weak]]
        for kpi in kpis
    ]
    return [", ".join(checks.drop_duplicates()) for checks in every]
