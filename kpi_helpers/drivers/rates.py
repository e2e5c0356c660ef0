"""Why a conversion moved: its groups convert otherwise, or they weigh otherwise."""

from __future__ import annotations

from typing import Any

import pandas as pd

from kpi_helpers.catalogue import find
from kpi_helpers.compare import compare
from kpi_helpers.compare.beside import PREVIOUS, YEAR_AGO, earlier_period
from kpi_helpers.drivers.mix import rate_mix
from kpi_helpers.drivers.steps import SIDES, Between, known, steps, sureness
from kpi_helpers.errors import Unavailable
from kpi_helpers.measure import measured
from kpi_helpers.periods import Period
from kpi_helpers.sources import Dataset
from kpi_helpers.sources.asked import one_dimension
from kpi_helpers.sources.dataset import Where
from kpi_helpers.units import PERCENT

RATES = ("lead_to_customer_rate", "lead_qualification_rate", "win_rate_count")
GROUPS = ("source", "channel", "segment", "region", "product_family", "team")
SHOWN = 8


def rate_bridge(
    data: Dataset,
    period: str = "last",
    kpi: str = "",
    by: str = "",
    to: str = YEAR_AGO,
    where: Where = None,
) -> pd.DataFrame:
    """Cut the change of a rate into those of its groups and the mix of the groups.

    Parameters
    ----------
    data, period, to, where
        As for `customer_bridge`.
    kpi
        A KPI that is k of n cases; by default the first of the conversions whose change is
        established, else the first that can be read.
    by
        Its groups; by default the source, or the first of `GROUPS` that its table has.

    Returns
    -------
    pandas.DataFrame
        The steps of `kpi_helpers.charts.waterfall`: a row for each of the groups that moved the
        whole most, one for all others, one for the mix. The row of a group has its rates
        (``driver_before, driver_after``), its shares of the cases (``weight_before,
        weight_after``) and its own part of the mix (``mix``). ``certainty`` is that of its own
        rate; in the last row that of the whole, with ``change_low, change_high``.

    Raises
    ------
    UnknownName
        When ``to`` is no earlier period.
    Unavailable
        When no rate can be read in both periods, or there is no group to cut it by.
    """
    whole, beside = _whole(data, period, [kpi] if kpi else list(RATES), to, where)
    table = find(whole["kpi"]).table
    by = one_dimension(by) or next((each for each in GROUPS if each in data.dimensions(table)), "")
    if not by:
        raise Unavailable(what=whole["kpi"], needs=f"{table}.source")
    sides = [_counts(data, whole["kpi"], by, each, where) for each in (beside.then, beside.now)]
    cut = rate_mix(*sides)
    groups = compare(data, whole["kpi"], period, beside.to, by, where)
    cut["certainty"] = cut["group"].map(dict(zip(groups[by], sureness(groups), strict=True)))
    levels = [side["k"].sum() / side["n"].sum() for side in sides]
    found = steps(_rows(cut), whole["kpi"], (levels[0], levels[1]), beside, PERCENT)
    ends = {name: whole[name] for name in ("change_low", "change_high")}
    ends |= {"certainty": sureness(whole.to_frame().T)[0]}
    return pd.concat([found[:-1], found[-1:].assign(**ends)], ignore_index=True)


def _whole(
    data: Dataset, period: str, kpis: list[str], to: str, where: Where
) -> tuple[pd.Series[Any], Between]:
    """Return the comparison of the rate that is to be cut, and its periods."""
    now = data.config.calendar.parse(period, data.as_of, data.first)
    for each in dict.fromkeys([known(to), PREVIOUS]):
        found = compare(data, kpis, period, each, where=where)
        found = found[found["change"].notna() & (found["method"] == "wilson")]
        then = earlier_period(data, now, each)
        if len(found) and then:
            moved = found["change_verdict"] != "none_shown"
            return found.iloc[int(moved.to_numpy().argmax())], Between(then, now, each)
    named = [find(kpi).label(data.config.lang) for kpi in kpis]
    raise Unavailable("no_rate_before", period=now.name, kpis=named)


def _counts(data: Dataset, kpi: str, by: str, period: Period, where: Where) -> pd.DataFrame:
    """Return the cases of each group that can be read, and how many of them did."""
    found = measured(data, [kpi], [period], (by,), where)
    found = found[found["value"].notna()]
    return pd.DataFrame({"group": found[by], "k": found["numerator"], "n": found["denominator"]})


def _rows(cut: pd.DataFrame) -> pd.DataFrame:
    """Return the largest parts of a change in their order, all others, and the mix."""
    weights = {f"weight_{side}": cut[f"n_{side}"] / cut[f"n_{side}"].sum() for side in SIDES}
    cut = cut.assign(step="rate", name=cut["group"], amount=cut["rate"], **weights)
    cut = cut.assign(driver_before=cut["rate_before"], driver_after=cut["rate_after"])
    cut = cut.assign(n=cut["n_after"])
    cut = cut.sort_values("amount", key=lambda amount: -amount.abs(), kind="stable")
    most = SHOWN if len(cut) <= SHOWN else SHOWN - 1
    kept = ["step", "name", "amount", "certainty", "n", "mix", *weights]
    rows = [cut.iloc[:most][[*kept, "driver_before", "driver_after"]]]
    rest = cut.iloc[most:][["amount", "n", "mix", *weights]].sum()
    if len(cut) > most:
        rows.append(pd.DataFrame([{"step": "rate_others", **rest}]))
    rows.append(pd.DataFrame([{"step": "mix", "amount": cut["mix"].sum()}]))
    return pd.concat(rows, ignore_index=True).assign(driver_unit=PERCENT)
