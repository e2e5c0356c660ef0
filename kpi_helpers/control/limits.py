"""The limits of a figure's usual variation, each from a baseline of its own past."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from kpi_helpers.errors import unknown
from kpi_helpers.kpis.settled import divided

Array = np.ndarray[tuple[int], np.dtype[Any]]

# Months of a baseline. The latest ones are left to be judged, where there are enough before them.
LEAST, MOST = 12, 24
# Wheeler's constants for moving ranges of two, and the one that makes a standard deviation of them.
LIMIT, JUMP, D2 = 2.66, 3.268, 1.128
RUN, NEAR, OF = 8, 3, 4
A_YEAR, SEASONAL = 12, 0.01
# Of the latest months taken together: how much the last one weighs, and how often chance alone may
# make a signal of a month. Chosen by measuring (``benchmarks/alerts.py``): at most 2 % false
# alarms, with a change of three deviations seen in two months and one of 1.5 in eight.
WEIGHT, CHANCE = 0.6, 0.021
MOST_TIED = 0.7
ONE, ALL, RECENT = RULES = "one", "all", "recent"
NUMBERS, WORDS = ("centre", "lower", "upper", "far"), ("rule", "baseline", "chart")


def moving_ranges(x: Array) -> tuple[float, float, float, float]:
    """Return centre, lower and upper limit of single values, and the largest usual jump.

    The mean and 2.66 mean moving ranges around it; 3.268 of them for a jump from one value to the
    next (Wheeler, Understanding Variation, 1993).

    Examples
    --------
    >>> x = np.array([100, 104, 98, 102, 106, 100, 96, 102, 104, 98, 101.0])
    >>> [round(float(each), 2) for each in moving_ranges(x)]
    [101.0, 89.03, 112.97, 14.71]
    """
    centre, step = x.mean(), np.abs(np.diff(x)).mean()
    return centre, centre - LIMIT * step, centre + LIMIT * step, JUMP * step


def limits(frame: pd.DataFrame, rules: str = ONE) -> pd.DataFrame:
    """Return each figure with the limits of its usual variation, and whether it is outside.

    Shares have limits by their cases (p-chart), counts by what they are exposed to (u-chart), both
    as much wider as the baseline varies more than chance does (Laney 2002, Quality Engineering 14);
    anything else has those of `moving_ranges`. Two years show a season, which moves the limits
    along where it is established. The baseline is the first 12 to 24 months; where a definition
    changes, what follows has a baseline of its own.

    Parameters
    ----------
    frame
        Tidy rows of `kpi_helpers.measure` by month. May hold ``usable`` (whether a row may be
        judged and judge others; by default, whether it has a value), ``exposure`` (what the figure
        grows with, such as days worked) and ``phase`` (a number that changes with the definition).
    rules
        ``"one"``: a point outside the limits is a signal. ``"all"``: so are eight in a row on one
        side, and three of four nearer to a limit than to the centre. ``"recent"``, by itself: the
        latest months taken together are too far from the centre (see `recent`).

    Returns
    -------
    pandas.DataFrame
        The rows with ``centre, lower, upper`` (missing where nothing can be judged), ``far`` (from
        the centre, in distances of the limit), ``signal``, ``rule`` (``outside``, ``run``,
        ``near`` or ``recent``), ``baseline`` (its first and last month), ``chart`` (``p, u, xmr``;
        ``p'`` or ``u'`` where Laney's are wider) and ``season`` (``adjusted, none, unknown``).

    Raises
    ------
    UnknownName
        For rules that do not exist.
    """
    if rules not in RULES:
        raise unknown("value", rules, RULES)
    given: dict[str, Any] = {"usable": frame["value"].notna(), "exposure": 1.0, "phase": 0}
    frame = frame.assign(**{name: given[name] for name in given if name not in frame})
    parts = [_of_one(rows.sort_values("start"), rules) for _, rows in frame.groupby("kpi")]
    return pd.concat(parts).reindex(frame.index)


def _of_one(rows: pd.DataFrame, rules: str) -> pd.DataFrame:
    read = rows[rows["usable"]]
    season, known = seasons(read)
    phases = [part for _, part in read.groupby("phase") if len(part) >= LEAST]
    blank: dict[str, Any] = {**dict.fromkeys(NUMBERS, np.nan), **dict.fromkeys(WORDS, "")}
    if not phases:
        return rows.assign(**blank, season=known, signal=False)
    found = rows.join(pd.concat([_of_phase(part, season, rules) for part in phases]))
    found = found.fillna(dict.fromkeys(WORDS, ""))
    return found.assign(season=known, signal=found["rule"].ne(""))


def _of_phase(part: pd.DataFrame, season: pd.Series[float], rules: str) -> pd.DataFrame:
    size = int(np.clip(len(part) - LEAST, LEAST, MOST))
    first = part.iloc[:size]
    value = part["value"].to_numpy(float)
    centre, half, chart = _expected(part, season.loc[part.index].to_numpy(float), size)
    half = np.where(half > 0, half, np.nan)
    far = (value - centre) / half
    floor = 0.0 if (value >= 0).all() else -np.inf
    top = 1.0 if chart.startswith("p") else np.inf
    columns: dict[str, Any] = {
        "centre": np.where(np.isnan(half), np.nan, centre),
        "lower": np.maximum(centre - half, floor),
        "upper": np.minimum(centre + half, top),
        "far": far,
        "rule": _rule(pd.Series(far), size, rules),
        "baseline": f"{first['period'].iloc[0]}:{first['period'].iloc[-1]}",
        "chart": chart,
    }
    return pd.DataFrame(columns, index=part.index)


def _expected(part: pd.DataFrame, season: Array, size: int) -> tuple[Array, Array, str]:
    """Centre, distance of the limits, and the kind of chart."""
    value, method = part["value"].to_numpy(float), str(part["method"].iloc[0])
    exposure = part["exposure"].to_numpy(float) * season
    if "wilson" in method:
        k, n = (part[name].to_numpy(float) for name in ("numerator", "denominator"))
        centre = np.minimum(k[:size].sum() / (n * season)[:size].sum() * season, 1.0)
        return centre, *_by_cases(value, centre, np.sqrt(centre * (1 - centre) / n), size, "p")
    if method == "garwood":
        centre = value[:size].sum() / exposure[:size].sum() * exposure
        return centre, *_by_cases(value, centre, np.sqrt(centre), size, "u")
    middle, _, upper, _ = moving_ranges((value / exposure)[:size])
    return middle * exposure, (upper - middle) * exposure, "xmr"


def _by_cases(
    value: Array, centre: Array, error: Array, size: int, chart: str
) -> tuple[Array, str]:
    """Three standard errors, or more where the baseline varies more than its cases do."""
    z = divided(value - centre, error)[:size]
    wider = float(np.abs(np.diff(z)).mean()) / D2
    return 3 * error * np.fmax(wider, 1.0), chart + "'" * (wider > 1)


def seasons(read: pd.DataFrame) -> tuple[pd.Series[float], str]:
    """Return what each month is of its year's mean where that is established, else 1.

    Years are counted back from the last month. What months share over the years is tried against
    what they do not (two-way analysis of variance, F-test at 1 %).
    """
    from scipy.special import fdtrc

    none = pd.Series(1.0, index=read.index)
    level = read["value"] / read["exposure"]
    level = level / level.groupby(read["phase"]).transform("mean")
    number = 12 * read["start"].dt.year + read["start"].dt.month
    years = pd.Series(level.to_numpy(), index=[(number.max() - number) // A_YEAR, number % A_YEAR])
    table = years.unstack().dropna()
    if len(table) < 2 or table.shape[1] < A_YEAR:
        return none, "unknown"
    if (table <= 0).any(axis=None):
        return none, "none"
    table = table.div(table.mean(axis=1), axis=0)
    usual = table.mean()
    shared = len(table) * ((usual - 1) ** 2).sum() / (A_YEAR - 1)
    free = (A_YEAR - 1) * (len(table) - 1)
    left = ((table - usual) ** 2).to_numpy().sum() / free
    if left == 0 or fdtrc(A_YEAR - 1, free, shared / left) >= SEASONAL:
        return none, "none"
    return (number % A_YEAR).map(usual), "adjusted"


def recent(far: pd.Series[float], size: int) -> Any:
    """Tell where the latest months, taken together, have left the centre of the baseline.

    Their mean, each earlier month weighing 0.4 of the one after it (Roberts 1959, Technometrics 1),
    is held against its limit by Student's t: centre and deviation come from the baseline alone.
    Where the months of the baseline are shown to go along with each other, the limit is as much
    wider as that makes such means vary more (first-order autoregression).

    Examples
    --------
    >>> far = pd.Series([0.3, -0.3, 0.1, -0.1] * 6 + [0.5, 0.5, 0.5, 0.5])
    >>> recent(far, 24)[-4:].tolist()
    [False, True, True, True]
    """
    from scipy.special import stdtrit

    first = far.to_numpy(float)[:size]
    first = first - first.mean()
    tied = (first[1:] * first[:-1]).sum() / max((first**2).sum(), np.finfo(float).tiny)
    tied = min(tied + 1 / size, MOST_TIED) if tied > 2 / np.sqrt(size) else 0.0
    along = (1 + tied * (1 - WEIGHT)) / (1 - tied * (1 - WEIGHT))
    error = first.std(ddof=1) * np.sqrt(WEIGHT / (2 - WEIGHT) + 1 / size) * np.sqrt(along)
    mean = far.ewm(alpha=WEIGHT).mean().to_numpy(float)
    return np.abs(mean) > stdtrit(size - 1, 1 - CHANCE / 2) * error


def _rule(far: pd.Series[float], size: int, rules: str) -> Any:
    """Which rule makes a signal of each figure, if any."""
    if rules == RECENT:
        return np.where(recent(far, size), RECENT, "")
    outside = far.abs() > 1
    if rules == ONE:
        return np.where(outside, "outside", "")
    run = pd.Series(np.sign(far)).rolling(RUN).sum().abs() == RUN
    near = np.zeros(len(far), dtype=bool)
    for side in (1, -1):
        close = side * far > 0.5
        near |= close & (close.rolling(OF, min_periods=NEAR).sum() >= NEAR)
    return np.select([outside, run, near], ["outside", "run", "near"], "")
