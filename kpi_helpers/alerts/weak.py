"""Weak signals: what has begun to move, before a target is missed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from kpi_helpers import control
from kpi_helpers.alerts.past import figures, leading, months, side, usual
from kpi_helpers.alerts.raised import FIGURES, open_falls
from kpi_helpers.catalogue import find
from kpi_helpers.compare import compare
from kpi_helpers.compare.beside import PREVIOUS, YEAR_AGO
from kpi_helpers.compare.difference import adjusted
from kpi_helpers.compare.stake import money_at_stake
from kpi_helpers.compare.verdicts import verdicts
from kpi_helpers.errors import Unavailable, unknown
from kpi_helpers.kpis.settled import divided
from kpi_helpers.language import Phrase
from kpi_helpers.measure import carries
from kpi_helpers.measure.judge import ENOUGH
from kpi_helpers.periods import Period
from kpi_helpers.sources import Dataset
from kpi_helpers.sources.asked import period_of
from kpi_helpers.sources.dataset import Where
from kpi_helpers.units import MONEY

MONTHS, FALLING, CHANGE, SEGMENT = KINDS = "months", "falling", "change", "segment"
# What is scanned by segment: amounts, volumes and rates whose change is the sum of its segments'.
SCANNED = (
    *("revenue", "bookings", "leads_generated", "qualified_leads"),
    *("lead_qualification_rate", "win_rate_count"),
)
GROUPS = ("source", "segment", "region", "product_family", "team")
MOVED = ("better", "worse", "changed")
# Segments of a KPI that are told, those that contribute most.
LARGEST = 2
# The months whose gap to the usual makes what is at stake: as long as a quarter.
STAKE = 3
COLUMNS = (
    *("kind", "dimension", "scope", "since", "months", "verdict", "sure"),
    *(*FIGURES, "contribution", "p_adjusted", "money_at_stake"),
)


def signals(
    data: Dataset,
    period: str,
    kpis: Sequence[str] | None = None,
    by: str = "",
    where: Where = None,
) -> pd.DataFrame:
    """Return what has begun to move up to a period, since when, the most money first.

    ``months``: the latest months of a KPI, taken together, have left its usual variation.
    ``falling``: a leading KPI is worse than a year before in two quarters in a row, and established
    to be. ``change``: a KPI that has too few months for a usual variation has an established change
    on the year before. ``segment``: so has one of the segments of what can be added up, with 30
    cases on both sides, among all that are tried at once (Benjamini and Hochberg); kept are the two
    that contribute most to the change of the whole.

    Parameters
    ----------
    data, where
        As for `kpi_helpers.compare`.
    period
        Any form of period.
    kpis
        Their ids; by default those of the settings, else the headline ones.
    by
        The dimension to scan; by default all of `GROUPS` that the data have.

    Returns
    -------
    pandas.DataFrame
        The columns of `COLUMNS`: ``kind``, ``since`` (ISO day of its beginning) and ``months`` (its
        age), ``verdict`` (``better, worse, changed``), ``sure``, the figures with ``reference``
        (what is usual, or the year before) and ``change``; of a segment, its ``contribution`` to
        the change of the whole, in the unit of the KPI. What is worse comes first.

    Raises
    ------
    BadPeriod, UnknownName
        For a period without data; for a KPI or dimension that does not exist.
    Unavailable
        Where no KPI has the months of a baseline nor a year before.

    Examples
    --------
    >>> import kpi_helpers as kh
    >>> found = signals(kh.load("data/sample"), "2025Q4", ["lead_qualification_rate"])
    >>> found.loc[0, ["kind", "verdict"]].tolist()
    ['months', 'worse']
    """
    now = period_of(data, period)
    wanted = usual(data, kpis, now)
    watched, rows = months(data, wanted, now, where), figures(data, wanted, now, where)
    to = YEAR_AGO if data.first <= data.config.calendar.year_ago(now).start else PREVIOUS
    followed = {*watched.loc[watched["centre"].notna(), "kpi"]}
    unwatched = [kpi for kpi in wanted if kpi not in followed]
    if not followed and rows["reference"].isna().all():
        raise Unavailable(what=Phrase("alerts.signals"), needs=Phrase("control.needs"))
    found = [
        _unusual(watched),
        open_falls(rows, leading(data, now), now).assign(kind=FALLING, verdict="worse", sure=True),
        _changed(data, unwatched, now, to, where),
        _segments(data, wanted, now, to, by, where),
    ]
    kept = [each.reindex(columns=list(COLUMNS)) for each in found if len(each)]
    every = pd.concat(kept or [pd.DataFrame(columns=list(COLUMNS))], ignore_index=True)
    every[["dimension", "scope"]] = every[["dimension", "scope"]].astype(object).fillna("")
    every = every[(every["kind"] == SEGMENT) | ~every.duplicated("kpi")]
    every["months"] = _months_between(every["since"], now)
    better, less = every["verdict"] != "worse", -every["money_at_stake"].astype(float)
    order = every.assign(better=better, less=less).sort_values(["better", "less"], kind="stable")
    return every.loc[order.index].reset_index(drop=True)


def _months_between(since: pd.Series[str], now: Period) -> pd.Series[int]:
    """How many months there are from a day on, that of the period's last day among them."""
    first, last = pd.to_datetime(since), pd.Timestamp(now.end) - pd.Timedelta(days=1)
    return 12 * (last.year - first.dt.year) + last.month - first.dt.month + 1


def _unusual(watched: pd.DataFrame) -> pd.DataFrame:
    """The KPIs whose latest months have left their usual variation, by their last signal."""
    judged = watched[watched["centre"].notna()]
    if judged.empty:
        return judged
    judged = judged.assign(reference=judged["centre"], change=judged["value"] - judged["centre"])
    judged = judged.assign(target=np.nan, target_verdict="none")
    stakes = [pd.Series(money_at_stake(own), own.index) for _, own in judged.groupby("period")]
    judged["money_at_stake"] = pd.concat(stakes) * np.sign(judged["far"])
    lately = judged.groupby("kpi")["money_at_stake"].apply(
        lambda own: abs(own.tail(STAKE).sum(min_count=1))
    )
    found = control.latest(judged)
    found = found[found["news"]]
    return found.assign(
        kind=MONTHS,
        since=found["since"] + "-01",
        verdict=_direction(found),
        money_at_stake=found["kpi"].map(lately),
    )


def _direction(rows: pd.DataFrame) -> pd.Series[str]:
    gain = rows["change"] * side(rows)
    said = np.select([gain > 0, gain < 0], ["better", "worse"], "changed")
    return pd.Series(said, index=rows.index)


def _changed(data: Dataset, kpis: list[str], now: Period, to: str, where: Where) -> pd.DataFrame:
    """Established changes of KPIs that are not followed month by month."""
    if not kpis:
        return pd.DataFrame()
    rows = compare(data, kpis, now.name, to, where=where)
    rows = rows.assign(money_at_stake=money_at_stake(rows))
    rows = rows[rows["change_verdict"].isin(MOVED) & rows["p_value"].notna()]
    since = pd.Timestamp(now.start)
    verdict = rows["change_verdict"]
    return rows.assign(kind=CHANGE, since=f"{since:%Y-%m-%d}", verdict=verdict, sure=True)


def _segments(
    data: Dataset, kpis: list[str], now: Period, to: str, by: str, where: Where
) -> pd.DataFrame:
    """Segments whose change is established among all that are tried, and what they contribute."""
    scanned = [kpi for kpi in SCANNED if kpi in kpis]
    known = {kpi: data.dimensions(find(kpi).table) for kpi in scanned if carries(data, kpi, now)}
    if by and scanned and not any(by in own for own in known.values()):
        raise unknown("dimension", by, {each for own in known.values() for each in own})
    frames = [
        _by_segment(data, own, now, to, group, where)
        for group in ([by] if by else GROUPS)
        if (own := [kpi for kpi in known if group in known[kpi]])
    ]
    if not frames:
        return pd.DataFrame()
    frame = pd.concat(frames, ignore_index=True)
    enough = (frame[["n", "reference_n"]] >= ENOUGH).all(axis=1) & frame["status"].eq("ok")
    frame = frame[enough & frame["scope"].ne("")]
    frame = frame.assign(p_adjusted=adjusted(frame["p_value"].to_numpy(float)), complete=True)
    frame = frame.assign(**verdicts(frame))
    frame = frame[frame["change_verdict"].isin(MOVED) & frame["p_value"].notna()]
    least = frame["contribution"].abs().groupby(frame["kpi"]).rank(ascending=False, method="first")
    frame = frame[least <= LARGEST]
    money = frame["contribution"].abs().where(frame["unit"].eq(MONEY))
    return frame.assign(
        kind=SEGMENT,
        verdict=frame["change_verdict"],
        since=f"{now.start:%Y-%m-%d}",
        sure=True,
        money_at_stake=money,
    )


def _by_segment(
    data: Dataset, kpis: list[str], now: Period, to: str, group: str, where: Where
) -> pd.DataFrame:
    """One dimension, with what each change adds to that of the whole.

    Of a rate that is the change by the mean weight of the segment before and after (the rate part
    of `kpi_helpers.drivers.rate_mix`), of anything else the change itself.
    """
    rows = compare(data, kpis, now.name, to, (group,), where)
    every = rows.groupby("kpi")[["n", "reference_n"]].transform("sum")
    weight = divided(rows["n"].to_numpy(float), every["n"].to_numpy(float))
    before = divided(rows["reference_n"].to_numpy(float), every["reference_n"].to_numpy(float))
    share = np.where(rows["method"].str.contains("wilson"), (weight + before) / 2, 1.0)
    scope = rows[group].fillna("").astype(str)
    rows = rows.assign(dimension=group, scope=scope, contribution=rows["change"] * share)
    return rows.drop(columns=group)


def behind(
    found: pd.DataFrame, data: Dataset, period: str, where: Where = None
) -> pd.DataFrame | None:
    """Return the months of the two signals of the most money, for a chart; None without any.

    Parameters
    ----------
    found
        What `signals` returned for the rest of the arguments.
    data, period, where
        As for `signals`.
    """
    worst = list(found.loc[found["kind"] == MONTHS, "kpi"].head(LARGEST))
    return months(data, worst, period_of(data, period), where) if worst else None
