"""A product of factors before and after: what each factor brought, without residual."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd

from kpi_helpers.errors import BadInput, MissingColumn
from kpi_helpers.language import Phrase

Array = np.ndarray[tuple[int, int], np.dtype[np.float64]]
Factors = pd.DataFrame | Mapping[str, float]

SHAPLEY, LMDI = "shapley", "lmdi"


def shapley(before: Factors, after: Factors) -> pd.DataFrame:
    """Share a change of a product among its factors, fairly: whatever the order they are taken in.

    Each factor gets the mean of what it brings over all orders in which the factors could change
    (Shapley 1953). What it brings depends only on how many of the others have changed, so that no
    order is gone through: the products of the others are the coefficients of ∏ (bⱼ + aⱼ t).

    Parameters
    ----------
    before, after
        A row a segment (its name in the index) and a column a factor, the volume first; or one
        number a factor. A segment that one side does not have, and one without volume there, has
        none of the first factor; a rate that is missing on one side is that of the other, so that
        what appears or vanishes counts as volume.

    Returns
    -------
    pandas.DataFrame
        A row a segment of either side, a column a factor, in the unit of the product, and
        ``method``. The factors of a row add up to its product after − before.

    Raises
    ------
    MissingColumn
        When the sides have not the same factors.
    BadInput
        For a factor that is infinite.

    Examples
    --------
    >>> before = {"leads": 400, "conversion": 0.10, "basket": 5000}
    >>> after = {"leads": 500, "conversion": 0.09, "basket": 6000}
    >>> shapley(before, after)[["leads", "conversion", "basket"]].round(2).values.tolist()
    [[52166.67, -24833.33, 42666.67]]
    """
    old, new = _sides(before, after)
    shares = _shares(old.to_numpy(float), new.to_numpy(float))
    return pd.DataFrame(shares, old.index, old.columns).assign(method=SHAPLEY)


def lmdi(before: Factors, after: Factors) -> pd.DataFrame:
    """Share a change of a product among its factors by the logarithms of their growth.

    The logarithmic mean Divisia index, additive form (Ang 2005, Energy Policy 33, 867–871). It is
    not defined where a factor is not above zero: such a row is Shapley's, as ``method`` says.

    Parameters
    ----------
    before, after
        As for `shapley`.

    Returns
    -------
    pandas.DataFrame
        As `shapley`.

    Examples
    --------
    >>> before = {"leads": 400, "conversion": 0.10, "basket": 5000}
    >>> after = {"leads": 500, "conversion": 0.09, "basket": 6000}
    >>> lmdi(before, after)[["leads", "conversion", "basket"]].round(2).values.tolist()
    [[52048.68, -24575.55, 42526.87]]
    """
    old, new = _sides(before, after)
    a, b = old.to_numpy(float), new.to_numpy(float)
    positive = np.all(np.minimum(a, b) > 0, axis=1, keepdims=True)
    growth = np.log(np.where(positive, b, 1.0) / np.where(positive, a, 1.0))
    total, mean = growth.sum(axis=1), a.prod(axis=1)
    # L(x, y) = (y − x) / ln(y / x) = x · (exp(d) − 1) / d, which is x where nothing moves.
    moved = total != 0
    weight = mean * np.where(moved, np.expm1(total) / np.where(moved, total, 1.0), 1.0)
    shares = np.where(positive, weight[:, None] * growth, _shares(a, b))
    method = np.where(positive[:, 0], LMDI, SHAPLEY)
    return pd.DataFrame(shares, old.index, old.columns).assign(method=method)


def _shares(old: Array, new: Array) -> Array:
    """Return Shapley's shares; a row a segment."""
    factors = old.shape[1]
    chance = [
        math.factorial(s) * math.factorial(factors - 1 - s) / math.factorial(factors)
        for s in range(factors)
    ]
    shares = np.zeros_like(old)
    for own in range(factors):
        # Column s: the sum of all products of the others of which s have changed.
        products = np.zeros((len(old), factors))
        products[:, 0] = 1.0
        for other in set(range(factors)) - {own}:
            changed = np.roll(products, 1, axis=1) * new[:, [other]]
            products = products * old[:, [other]] + changed
        shares[:, own] = (new[:, own] - old[:, own]) * (products @ chance)
    return shares


def _sides(before: Factors, after: Factors) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return both sides with the same segments and factors, every cell a number."""
    old, new = (f if isinstance(f, pd.DataFrame) else pd.DataFrame([f]) for f in (before, after))
    for table, side, other in (("before", old, new), ("after", new, old)):
        for column in other.columns.difference(side.columns, sort=False):
            found = [str(name) for name in side.columns]
            raise MissingColumn(table=table, column=str(column), candidates=found)
    segments = old.index.union(new.index, sort=False)
    old, new = (side.reindex(segments)[[*old.columns]].astype(float) for side in (old, new))
    for table, side in (("before", old), ("after", new)):
        if np.isinf(side.to_numpy()).any():
            raise BadInput(file=table, value="inf", expected=Phrase("expected.number"))
    first = old.columns[0]
    old, new = (side.fillna({first: 0.0}) for side in (old, new))
    return old.fillna(new).fillna(0.0), new.fillna(old).fillna(0.0)
