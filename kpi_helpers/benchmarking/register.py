"""What the figures of others are worth: where they come from, and which may be compared."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kpi_helpers.catalogue import REGISTRY
from kpi_helpers.compare.verdicts import UNREADABLE
from kpi_helpers.errors import Unavailable
from kpi_helpers.language import Phrase
from kpi_helpers.measure import HIDDEN, measured
from kpi_helpers.measure.outside import SURENESS, in_currency, span, surest
from kpi_helpers.periods import LAST_DAY
from kpi_helpers.sources.asked import period_of
from kpi_helpers.sources.dataset import Dataset, Where
from kpi_helpers.sources.published import published
from kpi_helpers.units import MONEY, PERCENT

# Reasons not to compare a figure that may all the same be shown beside ours.
SHOWN = ("partial",)
CELL = ["metric", "entity", "period"]
DAYS_A_MONTH = 30.44
CHANGES = {"": "value", "_low": "low", "_high": "high"}


def outside_rows(data: Dataset) -> pd.DataFrame:
    """Every figure of others, with ``start, end`` and the ``reason`` not to compare it, or blank.

    Reasons: ``unsourced`` (confidence D), ``definition`` (not ours), ``no_value`` (nor a range),
    ``period`` (none that can be read), ``currency`` (another than the project's), ``above_whole``
    (a share over 100 %), ``doubled`` (a surer or newer source has another figure for the same
    cell), ``twice`` (the same source has another one, of which the larger counts), ``partial``
    (the definition is ours in part).

    Raises
    ------
    Unavailable
        Without figures of others.
    """
    rows = data["benchmarks"] if "benchmarks" in data.tables else pd.DataFrame()
    if rows.empty:
        raise Unavailable(what=Phrase("market.what"), needs="benchmarks")
    spans = {name: span(data, name) for name in rows["period"].unique()}
    start, end = (rows["period"].map({n: s[at] for n, s in spans.items()}) for at in (0, 1))
    unit = rows["metric"].map({name: kpi.unit for name, kpi in REGISTRY.items()})
    tests = {
        "unsourced": rows["confidence"] == "D",
        "definition": rows["definition_match"] == "no",
        "no_value": rows["middle"].isna(),
        "period": start == LAST_DAY,
        "currency": unit.eq(MONEY) & ~rows.index.isin(in_currency(data, rows).index),
        "above_whole": unit.eq(PERCENT) & rows["most"].gt(1),
    }
    reason = pd.Series("", rows.index)
    for said, holds in tests.items():
        reason = reason.mask((reason == "") & holds, said)
    kept = surest(rows[reason == ""], CELL).index
    over = (reason == "") & ~rows.index.isin(kept)
    same = rows[reason == ""].duplicated([*CELL, *SURENESS], keep=False)
    reason = reason.mask(over, "doubled").mask(
        over & same.reindex(rows.index, fill_value=False), "twice"
    )
    reason = reason.mask((reason == "") & rows["definition_match"].eq("partial"), "partial")
    return rows.assign(reason=reason, start=pd.to_datetime(start), end=pd.to_datetime(end))


def aside(data: Dataset) -> pd.DataFrame:
    """Return the figures of others that are neither judged nor shown, with the ``reason``."""
    if "benchmarks" not in data.tables or not len(data["benchmarks"]):
        return pd.DataFrame()
    rows = outside_rows(data)
    return rows[~rows["reason"].isin(["", *SHOWN])]


def register(data: Dataset) -> pd.DataFrame:
    """List the sources: what of, from when, by which definition, how sure, and what for.

    Parameters
    ----------
    data
        A data set with ``benchmarks``.

    Returns
    -------
    pandas.DataFrame
        A row a source, metric and reason, the surest first: ``confidence, source_date, age``
        (months until the data's last day), ``first, last`` (periods), ``rows, perimeter,
        definition, definition_match, use`` (``judged``, ``context``, ``hidden``) and ``reason``.

    Raises
    ------
    Unavailable
        Without figures of others.
    """
    rows = outside_rows(data).sort_values(["start", "period"], kind="stable")
    sums = {"source_date": ("source_date", "max"), "rows": ("period", "size")}
    sums |= {end: ("period", end) for end in ("first", "last")}
    sums |= {of: (of, "first") for of in ("perimeter", "definition", "definition_match")}
    keys = ["confidence", "source", "metric", "reason"]
    found = rows.groupby(keys, as_index=False).agg(**sums)
    age = pd.Timestamp(data.as_of) - pd.to_datetime(found["source_date"])
    use = found["reason"].replace(dict.fromkeys(SHOWN, "context") | {"": "judged"})
    use = use.where(use.isin(["context", "judged"]), "hidden")
    return found.assign(age=np.round(age.dt.days / DAYS_A_MONTH), use=use)


def context(data: Dataset, period: str = "last", where: Where = None) -> pd.DataFrame:
    """Set published figures beside ours, without a verdict: they are of other people.

    Parameters
    ----------
    data, period, where
        As for `kpi_helpers.measure`.

    Returns
    -------
    pandas.DataFrame
        The tidy columns of our figure, and of `kpi_helpers.sources.published.published` those that
        say of whom, when and how, its unit as ``published_unit``; those that are defined as ours
        come first, with the published figure as ``reference`` and our ``change`` from it.

    Raises
    ------
    Unavailable
        When none of the KPIs that figures are published of can be measured.
    """
    figures = published().rename(columns={"unit": "published_unit"})
    figures = figures.drop(columns=["label", "period", "note"])
    kpis = [name for name in figures["kpi"].unique() if name in REGISTRY]
    ours = measured(data, kpis, [period_of(data, period)], (), where).drop(columns=list(HIDDEN))
    ours = ours[ours["value"].notna() & ~ours["status"].isin(UNREADABLE)]
    found = ours.merge(figures, on="kpi")
    if found.empty:
        raise Unavailable(what=Phrase("market.context"), needs=", ".join(kpis))
    scale = np.where(found["published_unit"] == PERCENT, 0.01, 1.0)
    alike = found["differs"].eq("")
    reference = pd.to_numeric(found["published"].where(alike), errors="coerce") * scale
    changes = {f"change{end}": found[of] - reference for end, of in CHANGES.items()}
    found = found.assign(
        reference=reference,
        **changes,
        change_verdict="none_shown",
        p_value=np.nan,
        reference_period=found["period"],
    )
    return found.loc[reference.isna().sort_values(kind="stable").index].reset_index(drop=True)


def alike(context: pd.DataFrame) -> pd.DataFrame | None:
    """Return the rows of `context` whose definition is ours; None without any."""
    found = context[context["reference"].notna()]
    return None if found.empty else found
