"""The target that holds for a figure: of its own period and scope."""

from __future__ import annotations

import ibis
import numpy as np
import pandas as pd

from kpi_helpers.catalogue import REGISTRY
from kpi_helpers.kpis.settled import Array
from kpi_helpers.measure.facts import kind_of
from kpi_helpers.measure.held import COMPANY, of_one_grain, set_once, timed
from kpi_helpers.measure.kinds import KINDS
from kpi_helpers.periods import Period
from kpi_helpers.sources.dataset import Dataset, Where
from kpi_helpers.sources.engine import frame_of
from kpi_helpers.sources.registers import SCOPES


def target_values(
    data: Dataset, frame: pd.DataFrame, period: Period, by: tuple[str, ...], where: Where = None
) -> Array:
    """The target of each row of a tidy frame, missing where none was set.

    Parameters
    ----------
    data
        The data set; its targets are those of the table or of the settings.
    frame
        Tidy frame of one period.
    period
        That period. A target counts for it when its midpoint lies in it and it is no longer.
    by, where
        The frame's dimensions and filter. Targets are set for one dimension at most, and for
        everything in it; only one that a KPI has by definition holds for filtered rows too.

    Returns
    -------
    numpy.ndarray
        Sums of the targets for counts and totals, missing where these leave a part of the period
        open or reach beyond it; the last one for a stock; their mean by days for rates.
    """
    values = np.array([_by_definition(kpi) for kpi in frame["kpi"]], dtype=float)
    if where or "targets" not in data.base or len(by) > 1:
        return values
    held = data.remember(("held", period, by), lambda: _held(data, period, by))
    for place, row in enumerate(frame.itertuples(index=False)):
        scope = held["scope_value"] == getattr(row, by[0]) if by else True
        own = held[(held["metric"] == row.kpi) & scope]
        if len(own):
            values[place] = _together(own, str(row.kpi), period)
    return values


def _by_definition(kpi: str) -> float:
    target = REGISTRY[kpi].target
    return np.nan if target is None else target


def _held(data: Dataset, period: Period, by: tuple[str, ...]) -> pd.DataFrame:
    """Targets of the period and of the level that the dimensions ask for."""
    level = next((s for s, c in SCOPES.items() if by == (c,)), by[0] if by else COMPANY)
    every = timed(set_once(data))
    own = every.filter(
        every.scope_type == level,
        every.midpoint >= ibis.literal(period.start),
        every.midpoint < ibis.literal(period.end),
    )
    return frame_of(data.con, of_one_grain(own, every, ibis.literal(period.days)))


def _together(own: pd.DataFrame, kpi: str, period: Period) -> float:
    declared = REGISTRY[kpi]
    kind = None if declared.derived else kind_of(declared)
    if kind in (KINDS["count"], KINDS["distinct"], KINDS["total"], KINDS["decided"]):
        return float(own["value"].sum()) if _fill(own, period) else np.nan
    if kind is KINDS["standing"]:
        return float(own.sort_values("period_end")["value"].iloc[-1])
    return float(np.average(own["value"], weights=own["days"]))


def _fill(own: pd.DataFrame, period: Period) -> bool:
    """Whether targets begin and end with the period, to the day, and none lacks.

    The largest order may fall on the one day by which they differ: revenue is then held against
    its target on the target's own days only (`revenue_attainment`).
    """
    begins = pd.to_datetime(own["period_start"]).min() == pd.Timestamp(period.start)
    ends = pd.to_datetime(own["period_end"]).max() == pd.Timestamp(period.end) - pd.Timedelta(
        1, "D"
    )
    return bool(begins and ends and own["days"].sum() == period.days)
