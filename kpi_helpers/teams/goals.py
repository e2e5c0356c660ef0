"""The targets of the reps, added up, beside that of the company."""

from __future__ import annotations

import pandas as pd

from kpi_helpers.catalogue import REGISTRY, find
from kpi_helpers.errors import Unavailable
from kpi_helpers.kpis.settled import divided
from kpi_helpers.measure.facts import kind_of
from kpi_helpers.measure.kinds import KINDS
from kpi_helpers.measure.targets import target_values
from kpi_helpers.sources import Dataset
from kpi_helpers.sources.registers import SCOPES

REP = "rep"
OWNER = SCOPES[REP]
LEVEL = ("metric", "scope_type", "scope_value")
COLUMNS = (
    *("kpi", "label", "unit", "period", "start", "end"),
    *("reps", "reps_target", "company_target", "gap", "gap_relative"),
)


def targets(data: Dataset, period: str) -> pd.DataFrame:
    """Add up the targets of the reps for a period, KPI by KPI, beside the company's.

    Parameters
    ----------
    data
        A data set of `kpi_helpers.load` with targets of both levels.
    period
        As for `kpi_helpers.compare`.

    Returns
    -------
    pandas.DataFrame
        Columns ``kpi, label, unit, period, start, end, reps`` (how many have a target),
        ``reps_target, company_target, gap`` and ``gap_relative`` (to the company's).

    Raises
    ------
    Unavailable
        When no sum or count has targets of both levels for the period.

    Examples
    --------
    >>> import kpi_helpers as kh
    >>> deals = pd.DataFrame({"deal_id": ["1"], "status": ["won"], "owner": ["Ann"],
    ...     "created_at": ["2026-01-05"], "closed_at": ["2026-02-01"], "amount": [100.0]})
    >>> aims = [{"metric": "bookings", "period": "2026Q1", "value": 100}]
    >>> aims += [{**aims[0], "scope_type": "rep", "scope_value": name} for name in ("Ann", "Bob")]
    >>> found = targets(kh.load(deals, config={"schema": 1, "targets": aims}), "2026Q1")
    >>> found[["reps", "reps_target", "gap_relative"]].values.tolist()
    [[2.0, 200.0, 1.0]]
    """
    now = data.config.calendar.parse(period, data.as_of, data.first)
    every = data["targets"] if "targets" in data.tables else pd.DataFrame(columns=LEVEL)
    own = every[every["scope_type"] == REP]
    kpis = [kpi for kpi in sorted({*own["metric"]} & {*REGISTRY}) if _adds(kpi)]
    reps = sorted({*own["scope_value"].dropna()})
    asked = pd.DataFrame([(kpi, rep) for kpi in kpis for rep in reps], columns=["kpi", OWNER])
    asked["target"] = target_values(data, asked, now, (OWNER,))
    found = asked.groupby("kpi", sort=True)["target"].agg(["count", "sum"]).reset_index()
    found.columns = pd.Index(["kpi", "reps", "reps_target"])
    found["company_target"] = target_values(data, found, now, ())
    found["gap"] = found["reps_target"] - found["company_target"]
    found["gap_relative"] = divided(found["gap"].to_numpy(), found["company_target"].to_numpy())
    found = found[(found["reps"] > 0) & found["gap_relative"].notna()].reset_index(drop=True)
    if found.empty:
        raise Unavailable("no_rep_targets")
    declared = [find(kpi) for kpi in found["kpi"]]
    found["label"] = [each.label(data.config.lang) for each in declared]
    found["unit"] = [each.unit for each in declared]
    start, end = pd.Timestamp(now.start), pd.Timestamp(now.end)
    return found.assign(period=now.name, start=start, end=end)[[*COLUMNS]]


def _adds(kpi: str) -> bool:
    """Whether the targets of the reps add up to one of them all."""
    declared = find(kpi)
    kinds = [KINDS[name] for name in ("count", "total", "decided")]
    return not declared.derived and kind_of(declared) in kinds
