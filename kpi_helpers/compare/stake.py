"""What a gap or a change is worth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from kpi_helpers.catalogue import REGISTRY
from kpi_helpers.kpis.settled import Array
from kpi_helpers.units import COUNT, MONEY, PERCENT


def money_at_stake(compared: pd.DataFrame, by: Sequence[str] = ()) -> Array:
    """The gap to the target, or else the change, in money; missing where nothing says its worth.

    Parameters
    ----------
    compared
        Frame of `kpi_helpers.compare`.
    by
        Its dimensions.

    Returns
    -------
    numpy.ndarray
        Amounts as they are; counts, and shares times the cases they are of, times what one case
        is worth: the KPI that ``worth`` names in its declaration, in the same scope.
    """
    return np.abs(_in_money(compared, by, "value", "change"))


def stake_range(compared: pd.DataFrame, by: Sequence[str] = ()) -> tuple[Array, Array]:
    """The least and the most that may be at stake, as plausible as the figure or its change.

    Parameters
    ----------
    compared, by
        As for `money_at_stake`; what a case is worth is taken as it is.

    Returns
    -------
    tuple of numpy.ndarray
        Missing for a figure without a range: a total of the past is what it is.
    """
    one, other = (_in_money(compared, by, end, f"change_{end}") for end in ("low", "high"))
    least = np.where(one * other < 0, 0.0, np.minimum(np.abs(one), np.abs(other)))
    return np.where(np.isnan(one * other), np.nan, least), np.maximum(np.abs(one), np.abs(other))


def _in_money(compared: pd.DataFrame, by: Sequence[str], figure: str, change: str) -> Array:
    """The gap of a column to the target where this is missed, else the change, in money."""
    none = pd.Series(np.nan, compared.index)
    value, moved = (compared.get(of, none).to_numpy(float) for of in (figure, change))
    gap = np.where(compared["target_verdict"] == "missed", value - compared["target"], moved)
    units, n = compared["unit"].to_numpy(), compared["n"].to_numpy(float)
    cases = np.select([units == PERCENT, units == COUNT], [gap * n, gap], np.nan)
    totals = np.array([_is_sum(kpi) for kpi in compared["kpi"]], dtype=bool)
    return np.asarray(np.where(totals, gap, cases * _worth(compared, by)))


def _is_sum(kpi: str) -> bool:
    declared = REGISTRY[kpi]
    return declared.unit == MONEY and not declared.derived and "volume" in declared.category


def _worth(compared: pd.DataFrame, by: Sequence[str]) -> Array:
    keys = ["kpi", *by]
    wanted = compared[keys].assign(kpi=[REGISTRY[kpi].worth for kpi in compared["kpi"]])
    known = compared[[*keys, "value"]]
    return wanted.merge(known, on=keys, how="left")["value"].to_numpy(float)
