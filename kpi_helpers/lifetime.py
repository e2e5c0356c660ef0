"""What a customer is worth, and how long it takes to earn back what winning one cost."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kpi_helpers.errors import BadInput

Floats = NDArray[np.float64]
CLOSE = 1e-12


def lifetime_value(
    arpa: ArrayLike,
    margin: ArrayLike,
    churn: ArrayLike,
    months: int | None = 60,
    discount: ArrayLike = 0.0,
) -> Floats:
    """Margin that a customer leaves over their life, month by month from the first (k = 0).

    The sum of ``arpa · margin · ((1 − churn) / (1 + discount))ᵏ``. Arrays are broadcast together; a
    missing input makes a missing value.

    Parameters
    ----------
    arpa
        Revenue per customer and month.
    margin
        Share of it that remains, 0 to 1; with 1 the value is one of revenue.
    churn
        Share of customers lost each month, 0 to 1.
    months
        How many months count. None counts all of them; without churn the value is then missing,
        because a life whose end was never seen has no length.
    discount
        Rate a month.

    Returns
    -------
    numpy.ndarray
        In the money of ``arpa``.

    Raises
    ------
    BadInput
        When a rate or the number of months is out of its range.

    References
    ----------
    Gupta and others (2006), Journal of Service Research 9, 139-155.

    Examples
    --------
    >>> lifetime_value(100, 0.7, [0.04, 0.0], months=None).tolist()
    [1750.0, nan]
    >>> lifetime_value(100, 0.7, [0.04, 0.0]).round(2).tolist()
    [1598.88, 4200.0]

    The interval of a churn of 8 customers in 200 is that of the value, turned round:

    >>> from kpi_helpers.intervals import wilson
    >>> lifetime_value(100, 0.7, wilson(8, 200)[::-1], months=None).round().tolist()
    [910.0, 3430.0]
    """
    revenue, kept, lost, rate = _floats(arpa, margin, churn, discount)
    _check("churn", lost, 0.0, 1.0)
    _check("discount", rate, 0.0, np.inf)
    _check("months", np.array([np.nan if months is None else months]), 1.0, np.inf)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        shrinking = np.log1p(-lost) - np.log1p(rate)
        endless = np.where(lost > 0, -1 / np.expm1(shrinking), np.nan)
        counted = endless if months is None else _months_counted(shrinking, months)
        return np.asarray(revenue * kept * counted)


def payback_months(
    cac: ArrayLike,
    arpa: ArrayLike,
    margin: ArrayLike,
    churn: ArrayLike = 0.0,
    months: int = 60,
) -> Floats:
    """Months until a customer's margin has paid for what winning them cost.

    Without churn it is the plain quotient. With churn it is the first whole month at whose end the
    margin of those who stayed covers the cost: some customers never pay back, the others pay for
    them. Arrays are broadcast together; a missing input makes a missing value.

    Parameters
    ----------
    cac
        Cost of winning a customer.
    arpa, margin, churn
        As for `lifetime_value`.
    months
        How far to look.

    Returns
    -------
    numpy.ndarray
        Missing where it never happens within ``months``.

    Raises
    ------
    BadInput
        When the churn or the number of months is out of its range.

    Examples
    --------
    >>> payback_months(500, 100, 0.7).round(2).tolist()
    7.14
    >>> payback_months(500, 100, 0.7, churn=[0.04, 0.2]).tolist()
    [9.0, nan]
    """
    cost, monthly, lost = _floats(cac, np.multiply(arpa, margin), churn)
    _check("churn", lost, 0.0, 1.0)
    _check("months", np.array([float(months)]), 1.0, np.inf)
    with np.errstate(divide="ignore", invalid="ignore"):
        simple = np.where((monthly > 0) & (cost <= monthly * months), cost / monthly, np.nan)
        months_passed = np.arange(months + 1)
        shrinking = np.log1p(-lost)[..., None]
        earned = monthly[..., None] * _months_counted(shrinking, months_passed)
    paid = earned >= cost[..., None] * (1 - CLOSE)
    whole = np.where(paid.any(axis=-1), paid.argmax(axis=-1), np.nan)
    return np.asarray(np.where(lost == 0, simple, whole))


def _months_counted(shrinking: Floats, months: ArrayLike) -> Floats:
    """Sum of ``exp(shrinking)ᵏ`` over k < months, exact for the smallest rates too."""
    summed = np.expm1(np.multiply(months, shrinking)) / np.expm1(shrinking)
    summed = np.where(np.equal(months, 0), 0.0, summed)
    return np.where(shrinking == 0, months, summed)


def _floats(*values: ArrayLike) -> list[Floats]:
    arrays = np.broadcast_arrays(*(np.asarray(value, dtype=np.float64) for value in values))
    return [np.array(array) for array in arrays]


def _check(name: str, values: Floats, least: float, most: float) -> None:
    wrong = values[(values < least) | (values > most)]
    if wrong.size:
        bounds = f"{least:g} … {most:g}" if np.isfinite(most) else f"≥ {least:g}"
        raise BadInput(column=name, value=f"{wrong.flat[0]:g}", expected=bounds)
