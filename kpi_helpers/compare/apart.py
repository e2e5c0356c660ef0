"""Groups of one rate, each beside all the others together."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kpi_helpers import intervals
from kpi_helpers.compare.difference import adjusted
from kpi_helpers.kpis.settled import divided

SURE = 0.05


def with_others(frame: pd.DataFrame) -> pd.DataFrame:
    """Set each k of n beside the rest of the frame.

    The test is Fisher's exact one: of many small groups the normal one would call 9 of 100 alike
    families different where it promises 5.

    Parameters
    ----------
    frame
        With ``k`` and ``n``, a row a group.

    Returns
    -------
    pandas.DataFrame
        With ``value, low, high`` (Wilson), ``rest`` (the rate of all the others), ``p_value``,
        ``p_adjusted`` (Benjamini and Hochberg's; Holm's up to five) and ``apart`` (``above``,
        ``below`` or ``none_shown``).

    Examples
    --------
    >>> with_others(pd.DataFrame({"k": [30.0, 5.0], "n": [60.0, 60.0]}))["apart"].tolist()
    ['above', 'below']
    """
    from scipy.stats import hypergeom

    k, n = frame["k"].to_numpy(float), frame["n"].to_numpy(float)
    law = hypergeom(n.sum(), k.sum(), n)
    p_value = np.minimum(1.0, 2 * np.minimum(law.cdf(k), law.sf(k - 1)))
    low, high = intervals.wilson(k, n)
    value, rest, p_adjusted = k / n, divided(k.sum() - k, n.sum() - n), adjusted(p_value)
    apart = np.where(p_adjusted < SURE, np.where(value > rest, "above", "below"), "none_shown")
    found = {"value": value, "low": low, "high": high, "rest": rest}
    return frame.assign(**found, p_value=p_value, p_adjusted=p_adjusted, apart=apart)
