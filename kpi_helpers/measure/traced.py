"""Every figure to its rows: what each adds to it, and the file and line on which it stands."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from kpi_helpers.catalogue import Ago, Kpi, find
from kpi_helpers.kpis.tried import tried
from kpi_helpers.measure.answer import chosen, earlier_period, known_until, made_of
from kpi_helpers.measure.attribution import WINDOWED
from kpi_helpers.measure.behind import COUNTED, OF, counted_in
from kpi_helpers.measure.counted import window_of
from kpi_helpers.measure.facts import kind_of, metric_of
from kpi_helpers.periods import Period
from kpi_helpers.sources.dataset import Dataset, Where
from kpi_helpers.sources.engine import frame_of
from kpi_helpers.sources.facts import FACTS, MADE
from kpi_helpers.sources.files.headers import FILE, LINE
from kpi_helpers.sources.registers import ACHIEVEMENTS

FIRST = ["kpi", "period", "table", "file", "line", "above", "below"]
# Figures that are no sums of what their rows add: ranks, parts of days, what a source says.
NO_SUM = ("at_risk", "largest", "present", "outside", "gap", "effect")
CENT = 0.01

Numbers = pd.Series  # of floats, one a row
Parts = dict[str, Numbers]


def traced(data: Dataset, kpi: str, period: Period, where: Where = None) -> pd.DataFrame:
    """The rows behind a figure, of all KPIs that it is made of.

    Parameters
    ----------
    data
        A data set of `kpi_helpers.load`.
    kpi
        Id of a KPI.
    period
        The period of the figure.
    where
        As for `measure`.

    Returns
    -------
    DataFrame
        ``kpi`` and ``period``, the figure that the row counts in; ``table, file, line``, where it
        stands (``line`` is missing for a database); ``above`` and ``below``, what it adds to the
        numerator or total and to the denominator, missing where the figure is no such sum; then
        the columns of its table. What is counted once, such as a customer, is added by the first
        of its rows.

    Raises
    ------
    Unavailable
        When the source lacks what the figure is made of.

    Examples
    --------
    >>> import kpi_helpers as kh
    >>> deals = pd.DataFrame({"deal_id": list("abc"), "status": ["won", "lost", "open"],
    ...     "created_at": ["2026-01-05"] * 3, "closed_at": ["2026-02-01", "2026-02-03", None]})
    >>> data = kh.load(deals)
    >>> first = data.config.calendar.parse("2026Q1")
    >>> traced(data, "win_rate_count", first)[["table", "line", "above", "below"]].values.tolist()
    [['deals', 1, 1.0, 1.0], ['deals', 2, 0.0, 1.0]]
    """
    bases = made_of(data, Ago(chosen(data, kpi).id, 0))
    frames = [_of_base(data, base, period, where) for base in bases]
    return pd.concat(frames, ignore_index=True)


def _of_base(data: Dataset, base: Ago, period: Period, where: Where) -> pd.DataFrame:
    kpi, begun = find(base.kpi), earlier_period(data, period, base)
    until = known_until(data, [period], [begun])
    found = counted_in(data, kpi, begun, where, until)
    above, below = _added(data, kpi, found)
    rows = found.loc[:, ~found.columns.str.startswith("part_")]
    rows = rows.assign(kpi=kpi.id, period=begun.name, table=kpi.table, above=above, below=below)
    rows = rows.assign(**_places(data, kpi.table, rows))
    if kpi.table == ACHIEVEMENTS.name and metric_of(kpi) is not None:
        own = _of_base(data, Ago(str(metric_of(kpi)), 0), period, where)
        if np.isclose(own["above"].sum(), above.sum()):  # targets say what was to be reached
            rows = pd.concat([own, rows.assign(above=np.nan)], ignore_index=True)
    rows = rows.dropna(axis=1, how="all").reindex(columns=[*dict.fromkeys([*FIRST, *rows])])
    return rows.sort_values(["table", "file", "line"], kind="stable", ignore_index=True)


def _added(data: Dataset, kpi: Kpi, found: pd.DataFrame) -> tuple[Numbers, Numbers]:
    """What each row adds above and below the line."""
    names = [str(column) for column in found]
    part = {n.removeprefix("part_"): found[n] for n in names if n.startswith("part_")}
    kind, blank = tried(kpi).kind, pd.Series(np.nan, found.index)
    if kind in NO_SUM:
        return blank, blank
    if kind_of(kpi).ask == "retained":
        return _by_entity(kind, part)
    if {"days", "age"} <= {*part}:
        return _within(kind, part, window_of(data, kpi))
    if "won" in part:
        return part["won"].astype(float), blank.fillna(1.0)
    if kind == "varied":
        several = part["of"].groupby(part["id"]).transform("nunique") > 1
        return _once(part["id"], several), _once(part["id"], part["id"].notna())
    if kind == "chances":
        known = (part["amount"] > 0) & part["chance"].notna()
        return (part["amount"] * part["chance"]).where(known), part["amount"].where(known)
    if kind in WINDOWED:
        return part["x"].astype(float), blank
    if kind in ("distinct", "active"):
        return _once(part["id"], part["id"].notna()), blank
    above, below = (next((part[n] for n in names if n in part), None) for names in (COUNTED, OF))
    if kind in ("average", "stars", "snapshot"):
        below = blank.fillna(1.0)
    whole = part["id"] if kind_of(kpi).ask == "clustered" else None
    above, below = (blank if s is None else _number(s, whole) for s in (above, below))
    return above, below


def _number(part: Numbers, whole: Numbers | None) -> Numbers:
    """A part as a number; a test on rows of one entity counts once."""
    if whole is not None and part.dropna().isin([True, False]).all() and part.dtype != float:
        return _once(whole, part.fillna(False).astype(bool))
    return part.astype(float)


def _once(identity: Numbers, test: Numbers) -> Numbers:
    """1 on the first row of each entity on which a test holds."""
    first = ~identity.where(test).duplicated()
    return (first & test).astype(float)


def _within(kind: str, part: Parts, window: int | None) -> tuple[Numbers, Numbers]:
    """A cohort: of rows old enough those within the window; so far, where all are too young."""
    days, age = part["days"].astype(float), part["age"].astype(float)
    old, done = age.notna(), days.notna()
    if window is not None:
        old, done = (age >= window) & ~(days < 0), (days <= window) & ~(days < 0)
    above = old & done
    if not old.any():
        above, old = done, age.notna()
    if kind == "cohort_total":
        return (part["x"].astype(float) * above), pd.Series(np.nan, days.index)
    return above.astype(float), old.astype(float)


def _by_entity(kind: str, part: Parts) -> tuple[Numbers, Numbers]:
    """Those who were there at the start, and what became of them, on the first row of each."""
    worth = part.get("worth", pd.Series(1.0, part["id"].index)).astype(float)
    there = {name: worth * part[name].fillna(False).astype(float) for name in ("base", "kept")}
    base, kept = (each.groupby(part["id"]).transform("sum") for each in there.values())
    was = part["base"].fillna(False).astype(bool)
    was = was.groupby(part["id"]).transform("any")
    first = _once(part["id"], was)
    below = base if kind in ("kept_gross", "kept_net") else first
    above = {
        "retained": kept > 0,
        "churned": kept <= 0,
        "upsold": kept - base > CENT / 2,
        "kept_gross": np.minimum(base, kept),
        "kept_net": kept,
    }[kind]
    return first * above.astype(float), first * below


def _places(data: Dataset, table: str, rows: pd.DataFrame) -> dict[str, Any]:
    """File and line of rows, found by what identifies them; equal rows in their order."""
    name = "targets" if table == ACHIEVEMENTS.name else next(iter(MADE.get(table, (table,))), table)
    keys = FACTS[name].keys if name in FACTS else ()
    name = name if name in data.mapped or name != "orders" else "order_lines"
    file = data.files.get(name, "")
    if name not in data.mapped or LINE not in data.mapped[name].expr.columns:
        return {"file": file, "line": pd.Series(pd.NA, rows.index, "Int64")}
    expr = data.mapped[name].expr
    amounts = {FACTS[name].money, "cost", "currency"}  # may have been put into one currency
    by = [n for n in keys or FACTS[name].names if n in rows and n in expr.columns]
    by = [n for n in by if n not in amounts]
    raw = frame_of(data.con, expr.select(*by, *(n for n in (LINE, FILE) if n in expr.columns)))
    raw = raw.sort_values(LINE, kind="stable")
    ends = [_by_day(frame, by) for frame in (rows, raw)]
    for end in ends:
        end["_nth"] = 0 if keys else end.groupby(by, dropna=False).cumcount()
    known = ends[1].join(raw.reindex(columns=[LINE, FILE])).drop_duplicates([*by, "_nth"])
    found = ends[0].merge(known, how="left", on=[*by, "_nth"]).set_index(rows.index)
    return {"file": found[FILE].astype(object).fillna(file), "line": found[LINE].astype("Int64")}


def _by_day(frame: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Columns that two frames can be joined on, whether they know the hour or not."""
    dated = frame[names].select_dtypes("datetime").columns
    return frame[names].assign(
        **{n: frame[n].astype("datetime64[s]").dt.normalize() for n in dated}
    )
