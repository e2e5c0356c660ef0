"""Why a figure moved: its change cut into parts that add up to it exactly."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kpi_helpers.errors import BadInput, MissingColumn
from kpi_helpers.language import Phrase

NEEDED = ("product", "quantity", "price")


def price_volume_mix(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Cut a change of revenue into volume, mix and price, product by product, without residual.

    *Volume* is what the change of the total quantity would have brought at the old mix and prices;
    *mix* what moving between products brought, at old prices; *price* what their new prices brought
    on the new quantities. A product that appears has no old price: it is valued at its new one, so
    that it counts as volume and mix, never as price. One that vanishes leaves through volume and
    mix too. Where nothing at all was sold before, everything is volume.

    Parameters
    ----------
    before, after
        Columns ``product``, ``quantity`` and ``price`` (of one unit); rows of the same product are
        added up, and those without a product are one of their own.

    Returns
    -------
    pandas.DataFrame
        Columns ``product, before, after, volume, mix, price``, a row a product, in money. In every
        row, and so in the sum, ``volume + mix + price`` is ``after − before``.

    Raises
    ------
    MissingColumn
        When a frame lacks one of its columns.
    BadInput
        When a quantity or a price is missing: the mix is one of all products.

    Examples
    --------
    >>> before = pd.DataFrame({"product": ["A", "B"], "quantity": [100, 100], "price": [10, 20]})
    >>> after = pd.DataFrame({"product": ["A", "B"], "quantity": [150, 90], "price": [11, 19]})
    >>> price_volume_mix(before, after)[["volume", "mix", "price"]].sum().round(6).tolist()
    [600.0, -300.0, 60.0]
    """
    sold = pd.concat([_sold(before, "before"), _sold(after, "after")], axis=1).fillna(0.0)
    quantity0, money0, quantity1, money1 = (sold[name].to_numpy(float) for name in sold)
    with np.errstate(divide="ignore", invalid="ignore"):
        growth = quantity1.sum() / quantity0.sum()
        new_price = np.where(quantity1 != 0, money1 / quantity1, 0.0)
        old_price = np.where(quantity0 != 0, money0 / quantity0, new_price)
    nothing_before = quantity0.sum() == 0
    volume = money1 - money0 if nothing_before else (growth - 1) * money0
    price = np.zeros(len(sold)) if nothing_before else quantity1 * (new_price - old_price)
    return pd.DataFrame(
        {
            "product": sold.index,
            "before": money0,
            "after": money1,
            "volume": volume,
            "mix": money1 - money0 - volume - price,
            "price": price,
        }
    )


def _sold(frame: pd.DataFrame, side: str) -> pd.DataFrame:
    """Quantity and money of each product."""
    for column in NEEDED:
        if column not in frame.columns:
            candidates = [str(name) for name in frame.columns]
            raise MissingColumn(table=side, column=column, candidates=candidates)
    for column in ("quantity", "price"):
        if frame[column].isna().any():
            place = int(frame[column].isna().to_numpy().argmax()) + 1
            number = Phrase("expected.number")
            raise BadInput(file=side, line=place, column=column, value="", expected=number)
    sold = {
        f"quantity_{side}": frame["quantity"].to_numpy(float),
        f"money_{side}": (frame["quantity"] * frame["price"]).to_numpy(float),
    }
    return pd.DataFrame(sold).groupby(frame["product"].to_numpy(object), dropna=False).sum()
