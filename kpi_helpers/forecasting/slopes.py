"""Whether values in order of time rise or fall, how fast, and where their level breaks.

What one value shares with the one before makes a line look surer than it is, the more so the fewer
values there are; each test allows for it.
"""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np

from kpi_helpers.forecasting.scale import Array

LEVEL, MOST_ECHO = 0.95, 0.9
# A line has a level and a slope, a break a bend, a place and a size too; each counts once more for
# the echo itself, a place that is searched twice.
LINE, BROKEN = 3.0, 7.0
# How far the echo beside a break may be larger than it seems, in its standard errors.
DOUBT = 0.25
# Values on either side of a break, and in all beside those that a model takes; simulated series.
SIDE, FREE, RUNS, SEED = 4, 10, 999, 73


class Slope(NamedTuple):
    """A change a step with its 95 % interval, and the chance of one so far from none."""

    value: float
    low: float
    high: float
    p_value: float


class Break(NamedTuple):
    """The first value after the largest change of level, and the chance of one as large."""

    place: int
    p_value: float


def echo(rest: Array, used: float) -> float:
    """Return how much of a value the next one repeats, 0 to 0.9.

    The first autocorrelation of what a model leaves, which is too low by about 1/n for each of the
    ``used`` coefficients of the model (Marriott and Pope 1954, Biometrika 41).
    """
    total, n = float(rest @ rest), len(rest)
    if not total > 0:
        return 0.0
    seen = float(rest[1:] @ rest[:-1]) / total
    return float(np.clip((seen + used / n) / max(1 - 2 * used / n, 0.1), 0, MOST_ECHO))


def slope(x: Array, phase: Array, at: Array, taken: int = 0) -> Slope:
    """Return the slope of a series and whether it is one: Theil and Sen's, Mann and Kendall's test.

    Only values of one phase are set beside each other, so that a change of level is no trend. The
    variance knows ties and, as in Hamed and Rao (1998, Journal of Hydrology 204), the echo of one
    value in those after it; Student's quantiles stand for how little few values say of it.

    Parameters
    ----------
    x, phase, at
        Values, the phase and the time (in steps) of each, shape (n,).
    taken
        Coefficients that were estimated before, as for a season.

    Examples
    --------
    >>> at = np.arange(12.0)
    >>> found = slope(3 * at, np.zeros(12), at)
    >>> found.value, found.p_value < 0.01
    (3.0, True)
    """
    from scipy.special import stdtr, stdtrit

    first, second = np.triu_indices(len(x), 1)
    alike = phase[first] == phase[second]
    first, second = first[alike], second[alike]
    steps = np.sort((x[second] - x[first]) / (at[second] - at[first]))
    middle = float(np.median(steps))
    free = len(x) - 1 - len(np.unique(phase)) - taken
    wider = (free + taken) / free
    spread = _spread(x - middle * at, x, phase)
    score = float(np.sign(x[second] - x[first]).sum())
    off = np.sqrt(wider * spread)
    p_value = 2 * float(stdtr(free, -abs(score) / off)) if off > 0 else 1.0
    far = stdtrit(free, (1 + LEVEL) / 2) * off
    low = max(round((len(steps) - far) / 2) - 1, 0)
    high = min(round((len(steps) + far) / 2), len(steps) - 1)
    return Slope(middle, float(steps[low]), float(steps[high]), p_value)


def _spread(rest: Array, x: Array, phase: Array) -> float:
    """How much the pairs that rise less those that fall vary by chance, of pairs within phases."""
    parts = [phase == each for each in np.unique(phase)]
    left = np.concatenate([rest[part] - np.median(rest[part]) for part in parts])
    repeated = echo(left, LINE)
    return sum(_of_phase(x[part], repeated) for part in parts)


def _of_phase(x: Array, repeated: float) -> float:
    n, ties = len(x), np.unique(x, return_counts=True)[1]
    known = n * (n - 1) * (2 * n + 5) - (ties * (ties - 1) * (2 * ties + 5)).sum()
    k = np.arange(1, n)
    weight = (n - k) * (n - k - 1) * (n - k - 2) / max(n * (n - 1) * (n - 2) / 2, 1)
    ranks = 6 / np.pi * np.arcsin(repeated**k / 2)
    return float(known / 18 * (1 + weight @ ranks))


def level_break(x: Array, phase: Array, at: Array, places: Array) -> Break | None:
    """Return where the level of a series changes most, beside a bent line, season and phases.

    The largest share of what these leave that a step explains (Andrews 1993, Econometrica 61, who
    has no values for short series), held against the largest ones of simulated series without a
    break that echo as much. None where no place leaves four values on either side, or too few.

    Parameters
    ----------
    x, phase, at
        As for `slope`.
    places
        Place in the season of each value; all 0 for none.
    """
    from scipy.signal import lfilter

    n = len(x)
    own = [phase == each for each in np.unique(phase)]
    own += [places == each for each in np.unique(places)[1:]]
    model, _ = np.linalg.qr(np.column_stack([at, (at - at.mean()) ** 2, *own]).astype(float))
    starts = [k for k in range(SIDE, n - SIDE + 1) if len({*phase[k - SIDE : k + SIDE]}) == 1]
    if not starts or n < model.shape[1] + FREE:
        return None
    steps = (np.arange(n)[:, None] >= starts).astype(float)
    steps -= model @ (model.T @ steps)
    steps /= np.sqrt((steps**2).sum(axis=0))
    left = x - model @ (model.T @ x)
    found = (steps.T @ left) ** 2
    best = int(found.argmax())
    if not left @ left > 1e-9 * max(float(x @ x), 1e-9):
        return None
    repeated = echo(left - steps[:, best] * (steps[:, best] @ left), BROKEN)
    repeated = min(repeated + DOUBT / np.sqrt(n), MOST_ECHO)
    noise = np.random.default_rng(SEED).standard_normal((n, RUNS))
    noise[0] /= np.sqrt(1 - repeated**2)
    noise = lfilter([1.0], [1.0, -repeated], noise, axis=0)
    noise -= model @ (model.T @ noise)
    chance = ((steps.T @ noise) ** 2).max(axis=0) / (noise**2).sum(axis=0)
    larger = int((chance >= found[best] / (left @ left)).sum())
    return Break(int(starts[best]), (1 + larger) / (1 + RUNS))


def logistic(k: Array, n: Array, phase: Array, at: Array, places: Array) -> Slope:
    """Return the slope of the log-odds of k of n: a logistic regression on cohorts old enough.

    Cohorts that differ by more than chance make it less sure (quasi-likelihood, Wedderburn 1974,
    Biometrika 61; never surer than chance), and so do those that repeat the one before.

    Parameters
    ----------
    k, n
        Conversions and size of each cohort, shape (cohorts,).
    phase, at, places
        As for `level_break`.
    """
    from scipy.special import stdtr, stdtrit
    from statsmodels.genmod.families import Binomial
    from statsmodels.genmod.generalized_linear_model import GLM

    levels = [phase == each for each in np.unique(phase)]
    turns = [places == each for each in np.unique(places)[1:]]
    model = np.column_stack([at - at.mean(), *levels, *turns]).astype(float)
    free = len(k) - model.shape[1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # cohorts that all convert, or none: the range says so
        fit = GLM(k / n, model, family=Binomial(), var_weights=n).fit(scale=1.0)
    repeated = echo(np.asarray(fit.resid_pearson), LINE)
    wider = max(fit.pearson_chi2 / free, 1.0) * (1 + repeated) / (1 - repeated)
    value, error = float(fit.params[0]), float(fit.bse[0] * np.sqrt(wider))
    far = float(stdtrit(free, (1 + LEVEL) / 2)) * error
    return Slope(value, value - far, value + far, 2 * float(stdtr(free, -abs(value) / error)))
