"""Our KPIs among those of peers: the way to the best and to the first quarter, and our place."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from kpi_helpers.benchmarking.register import outside_rows
from kpi_helpers.catalogue import LOWER, REGISTRY, find
from kpi_helpers.compare import compare
from kpi_helpers.compare.beside import OTHERS, TARGET
from kpi_helpers.compare.verdicts import UNREADABLE
from kpi_helpers.errors import Unavailable
from kpi_helpers.kpis.settled import Array, divided
from kpi_helpers.language import Phrase
from kpi_helpers.measure import measured
from kpi_helpers.measure.outside import latest, of_kpis
from kpi_helpers.periods import Period
from kpi_helpers.sources.asked import one_dimension, period_of
from kpi_helpers.sources.dataset import Dataset, Where
from kpi_helpers.sources.derived import MARKS

# Fewer peers than this have no first quarter.
FEWEST = 4
# Money that is a product with the KPI as one of its factors: all else equal, both grow alike.
FACTOR_OF = dict.fromkeys(
    ("leads_generated", "lead_qualification_rate", "win_rate_count", "avg_deal_value"), "bookings"
) | dict.fromkeys(("aov", "site_conversion_rate"), "revenue")
# Where units of our own are told apart.
PLACES = ("territory", "region", "country", "market", "team")
AHEAD, BEHIND, LEVEL = "ahead", "behind", "level"
ENDS = ("value", "low", "high")
Row = dict[Any, Any]


def gaps(data: Dataset, period: str = "last", where: Where = None) -> pd.DataFrame:
    """Set each KPI that comparable peers tell of beside the best of them and their first quarter.

    Of each peer the latest figure counts. Where a source names no peers but says how they are
    spread (entities ``P25``, ``median``, ``P75``), our place is read between: an estimate.

    Parameters
    ----------
    data
        A data set with ``benchmarks`` whose metrics are KPIs.
    period, where
        As for `kpi_helpers.compare`.

    Returns
    -------
    pandas.DataFrame
        What `kpi_helpers.compare` returns beside our targets, the farthest behind first, with the
        first quarter (P75; P25 where less is better) as ``reference`` and ``change`` from it;
        ``peers, middle`` (median), ``best, best_entity``; ``source, told`` (periods of the
        figures); ``to_best, to_best_low, to_best_high`` (ours less the best); ``place, place_low,
        place_high`` (share of peers that we are ahead of, ties half; beyond the quarters of a
        source only the limits are known), ``estimated``; ``market_verdict`` (our range beside the
        median: ``ahead``, ``behind``, ``level``, blank without one); ``reach, reach_low,
        reach_high``: what the first quarter would have brought in the twelve months that end with
        the period, all else equal; missing where no money follows from the KPI.

    Raises
    ------
    Unavailable
        Without comparable figures of a KPI that we can measure.

    Notes
    -----
    A place only grows with the figure: to resample our figure and rank each draw gives the places
    of the ends of its range.
    """
    rows, asked = outside_rows(data), period_of(data, period)
    named = rows["is_rival"] | rows["entity"].str.lower().isin(MARKS)
    rows = of_kpis(data, rows[named & (rows["reason"] == "")])
    told = {str(m): _spread(of) for m, of in latest(rows, asked).groupby("metric")}
    needs = Unavailable(what=Phrase("market.gaps"), needs="benchmarks: definition_match = yes")
    if not told:
        raise needs
    found = compare(data, list(told), period, TARGET, where=where)
    found = found[found["value"].notna() & ~found["status"].isin(UNREADABLE)]
    if found.empty:
        raise needs
    placed = [_placed(row, told[row["kpi"]]) for row in found.to_dict("records")]
    found = _reached(data, pd.DataFrame(placed), asked, where)
    ahead = np.where(found["better"] == LOWER, -1, 1) * found["change_relative"]
    return found.loc[ahead.sort_values(kind="stable").index].reset_index(drop=True)


def _spread(rows: pd.DataFrame) -> Row:
    """What sources say of one KPI: values, and where told the share of peers below each."""
    lower = REGISTRY[rows["metric"].iloc[0]].better == LOWER
    peers = rows[rows["is_rival"]].sort_values(["middle", "entity"], ascending=[not lower, True])
    marks = rows[~rows["is_rival"]].sort_values("middle")
    at, quarter = marks["entity"].str.lower().map(MARKS).to_numpy(float), 0.25 if lower else 0.75
    best = peers[["middle", "entity"]].tail(1).to_numpy().tolist() or [[np.nan, ""]]
    facts = dict(zip(("best", "best_entity"), best[0], strict=True))
    facts |= {"peers": len(peers) or np.nan, "source": ", ".join(sorted(set(rows["source"])))}
    facts["told"] = ", ".join(sorted(set(rows["period"])))
    if len(peers) < FEWEST and len(marks):
        values = marks["middle"].to_numpy(float)
        first, middle = np.interp([quarter, 0.5], at, values, left=np.nan, right=np.nan)
        facts |= {"reference": first, "middle": middle, "estimated": True}
        return {"facts": facts, "values": values, "at": at}
    values = peers["middle"].to_numpy(float)
    first = np.quantile(values, quarter) if len(values) >= FEWEST else np.nan
    middle = np.median(values) if len(values) else np.nan
    facts |= {"reference": first, "middle": middle, "estimated": False}
    return {"facts": facts, "values": values, "at": None}


def place_among(value: Any, others: Any, lower: bool = False) -> Array:
    """Return the share of others that values are ahead of, ties counting half.

    Examples
    --------
    >>> float(place_among(23, [12, 15, 18, 19, 21, 22, 24, 27, 30, 35]))
    0.6
    """
    values, others = np.asarray(value, float)[..., None], np.asarray(others, float)
    below = (others < values).mean(axis=-1) + (others == values).mean(axis=-1) / 2
    return np.where(np.isnan(values[..., 0]), np.nan, 1 - below if lower else below)


def beside(row: Row, reference: float) -> str:
    """Tell on which side of a value all of a row's range lies: `AHEAD`, `BEHIND` or `LEVEL`.

    Nothing where there is no such value.
    """
    if np.isnan(reference):
        return ""
    ends = np.array([row["low"], row["high"]], dtype=float)
    apart = np.where(np.isnan(ends), row["value"], ends) - reference
    apart = -apart if row["better"] == LOWER else apart
    return AHEAD if apart.min() > 0 else BEHIND if apart.max() < 0 else LEVEL


def _placed(row: Row, told: Row) -> Row:
    """A figure of ours among the values of others."""
    ends, lower = np.array([row[of] for of in ENDS], dtype=float), row["better"] == LOWER
    places = place_among(ends, told["values"], lower)
    of_place = _of_place(places) if told["at"] is None else _between(ends, told, lower)
    row = row | told["facts"] | of_place
    first, sides = row["reference"], {AHEAD: "better", BEHIND: "worse"}
    changes = dict(zip(("change", "change_low", "change_high"), ends - first, strict=True))
    relative = {"change_relative": divided(ends[:1] - first, np.abs([first]))[0]}
    shown = sides.get(beside(row, first), "none_shown") if first == first else "no_reference"
    verdicts = {"change_verdict": shown}
    changes |= dict(
        zip(("to_best", "to_best_low", "to_best_high"), ends - row["best"], strict=True)
    )
    verdicts |= {"market_verdict": beside(row, row["middle"]), "reference_period": row["period"]}
    return row | changes | relative | verdicts


def _of_place(places: Array) -> Row:
    return {"place": places[0], "place_low": places.min(), "place_high": places.max()}


def _between(ends: Array, told: Row, lower: bool) -> Row:
    """A place read between what a source says of the spread; beyond it only a bound is known."""
    low, high = np.nanmin(ends), np.nanmax(ends)
    below = [
        np.interp(end, told["values"], told["at"], left=left, right=right)
        for end, left, right in (
            (ends[0], np.nan, np.nan),
            (low, 0.0, told["at"][-1]),
            (high, told["at"][0], 1.0),
        )
    ]
    place, least, most = 1 - np.array(below)[[0, 2, 1]] if lower else below
    return {"place": place, "place_low": least, "place_high": most}


def _reached(data: Dataset, found: pd.DataFrame, period: Period, where: Where) -> pd.DataFrame:
    """What the first quarter would have brought in a year, where we are behind it."""
    bases, year = found["kpi"].map(FACTOR_OF), data.config.calendar.year_to(period)
    sums = measured(data, sorted(set(FACTOR_OF.values())), [year], (), where)
    base = bases.map(dict(zip(sums["kpi"], sums["value"], strict=True))).to_numpy(float)
    for name, of in zip(("reach", "reach_high", "reach_low"), ENDS, strict=True):
        more = base * (divided(found["reference"].to_numpy(float), found[of].to_numpy(float)) - 1)
        found[name] = np.where(found["change"] < 0, np.maximum(more, 0.0), np.nan)
    return found


def peers(
    data: Dataset, kpi: str, period: str = "last", by: str = "", group: str = "", where: str = ""
) -> pd.DataFrame:
    """Set each of our own units beside the others of its group, itself left out.

    Parameters
    ----------
    data, kpi, period, where
        As for `kpi_helpers.compare`.
    by
        The dimension that makes the units; by default the first of `PLACES` that there is.
    group
        A dimension within which units are alike, such as a continent; by default none.

    Returns
    -------
    pandas.DataFrame
        What `kpi_helpers.compare` says of each beside all the others of its group together, with
        ``unit_name``, ``group``, ``peers`` (others in it), ``middle`` (their median), ``best,
        best_entity``, ``place, place_low, place_high`` (see `gaps`); missing without others.

    Raises
    ------
    UnknownName
        For a KPI or dimension that does not exist.
    Unavailable
        Without a dimension that tells units apart, or with fewer than three units.
    """
    table = str(find(kpi).table)
    data.table(table)  # says so where there is none
    known = data.dimensions(table)
    by = one_dimension(by) or next((name for name in PLACES if name in known), "")
    if not by:
        raise Unavailable(what=Phrase("market.peers"), needs=", ".join(PLACES))
    groups = {"": where}
    if one_dimension(group):
        rows = measured(data, [kpi], [period_of(data, period)], (group,), where or None)
        own = f"({data.config.segments.get(where, where)}) and " if where else ""
        groups = {name: f"{own}{group} == {name!r}" for name in sorted(rows[group].dropna())}
    frames = [
        compare(data, kpi, period, OTHERS, by, within or None).assign(group=name)
        for name, within in groups.items()
    ]
    rows = pd.concat(frames, ignore_index=True)
    rows = rows[rows[by].notna() & rows["value"].notna()].reset_index(drop=True)
    if len(rows) < 3:
        raise Unavailable(what=Phrase("market.peers"), needs=by)
    rows = rows.assign(unit_name=rows[by])
    found = pd.DataFrame([_among(row, rows) for row in rows.to_dict("records")])
    order = ["group", "place", "value", "unit_name"]
    return found.sort_values(order, ascending=[True, False, False, True], ignore_index=True)


def _among(row: Row, rows: pd.DataFrame) -> Row:
    lower = row["better"] == LOWER
    same = (rows["group"] == row["group"]) & (rows["unit_name"] != row["unit_name"])
    others = rows[same].sort_values(["value", "unit_name"], ascending=[not lower, True])
    if others.empty:
        return row | {"peers": 0.0}
    best = others.iloc[-1]
    facts = {"peers": float(len(others)), "middle": others["value"].median()}
    facts |= {"best": best["value"], "best_entity": best["unit_name"]}
    return row | facts | _of_place(place_among([row[of] for of in ENDS], others["value"], lower))
