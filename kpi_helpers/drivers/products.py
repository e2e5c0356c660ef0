"""What was sold of each product, before and after: volume, mix and price."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kpi_helpers.compare.beside import YEAR_AGO
from kpi_helpers.drivers.steps import SIDES, between
from kpi_helpers.errors import BadInput, MissingColumn, Unavailable
from kpi_helpers.language import Phrase
from kpi_helpers.periods import Period
from kpi_helpers.sources import Dataset
from kpi_helpers.sources.dataset import Where
from kpi_helpers.sources.engine import frame_of

NEEDED = ("product", "quantity", "price")


def product_mix(
    data: Dataset, period: str = "last", to: str = YEAR_AGO, where: Where = None
) -> pd.DataFrame:
    """Cut the change of sales into volume, mix and price by product.

    Of order lines with their quantity; else of the deals won, each of them one piece. Refunds take
    their quantity back. What has no product or no quantity cannot be cut and has its own column.

    Parameters
    ----------
    data, period, to, where
        As for `customer_bridge`.

    Returns
    -------
    pandas.DataFrame
        As `price_volume_mix`, and ``other``: in each row ``volume + mix + price + other`` is
        ``after − before``. ``period, reference_period`` and ``start, end`` name the periods.

    Raises
    ------
    Unavailable
        When no product has quantities, or there is no earlier period.
    """
    table = next((name for name, has in SOURCES.items() if _has(data, name, has)), "")
    if not table:
        raise Unavailable(what=Phrase("drivers.what"), needs="order_lines.quantity, deals.product")
    beside = between(data, period, to, table)
    sold = [_quantities(data, table, each, where) for each in (beside.then, beside.now)]
    cut = price_volume_mix(*(side[side["is_priced"]] for side in sold)).assign(other=0.0)
    rest = [side[~side["is_priced"]].groupby("product", dropna=False) for side in sold]
    left = pd.concat([each["money"].sum() for each in rest], axis=1, keys=SIDES).fillna(0.0)
    left = left.assign(other=left["after"] - left["before"]).reset_index()
    whole = pd.concat([cut, left]).groupby("product", dropna=False, as_index=False).sum()
    named = {"period": beside.now.name, "reference_period": beside.then.name}
    return whole.assign(**named, start=beside.now.start, end=beside.now.end)


SOURCES = {"order_lines": ("product", "quantity"), "deals": ("product", "amount")}


def _has(data: Dataset, table: str, columns: tuple[str, ...]) -> bool:
    return table in data.tables and {*columns} <= data.filled(table)


def _quantities(data: Dataset, table: str, period: Period, where: Where) -> pd.DataFrame:
    """Return quantity, money and price of each product, those without a quantity apart."""
    rows = data.filtered(table, where)
    if table == "deals":
        rows = rows.filter(rows.is_won)
        one = rows.is_won.ifelse(1.0, 0.0)
        rows = rows.mutate(order_date=rows.closed_at, amount_net=rows.amount, quantity=one)
    rows = rows.filter((rows.order_date >= period.start) & (rows.order_date < period.end))
    known = rows["product"].notnull() & rows.quantity.notnull() & rows.amount_net.notnull()
    rows = rows.mutate(is_counted=known)
    sums = {"quantity": rows.quantity, "money": rows.amount_net}
    sums = {name: value.cast("float64").sum().fill_null(0.0) for name, value in sums.items()}
    found = frame_of(data.con, rows.group_by("product", "is_counted").agg(**sums))
    found = found.sort_values(["product", "is_counted"], kind="stable", ignore_index=True)
    quantity = found["quantity"].where(found["is_counted"], 0.0)
    price = found["money"] / quantity.where(quantity != 0)
    return found.assign(quantity=quantity, price=price, is_priced=quantity != 0)


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
