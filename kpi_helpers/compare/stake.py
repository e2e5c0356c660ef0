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
    value, n = compared["value"].to_numpy(float), compared["n"].to_numpy(float)
    change = compared.get("change", pd.Series(np.nan, compared.index)).to_numpy(float)
    gap = np.where(compared["target_verdict"] == "missed", value - compared["target"], change)
    units = compared["unit"].to_numpy()
    cases = np.select([units == PERCENT, units == COUNT], [np.abs(gap) * n, np.abs(gap)], np.nan)
    worth = _worth(compared, by)
    totals = np.array([_is_sum(kpi) for kpi in compared["kpi"]], dtype=bool)
    return np.where(totals, np.abs(gap), cases * worth)


def _is_sum(kpi: str) -> bool:
    declared = REGISTRY[kpi]
    return declared.unit == MONEY and not declared.derived and "volume" in declared.category


def _worth(compared: pd.DataFrame, by: Sequence[str]) -> Array:
    keys = ["kpi", *by]
    wanted = compared[keys].assign(kpi=[REGISTRY[kpi].worth for kpi in compared["kpi"]])
    known = compared[[*keys, "value"]]
    return wanted.merge(known, on=keys, how="left")["value"].to_numpy(float)
