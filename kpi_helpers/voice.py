"""What customers say, wave by wave: who recommends us, who does not answer, what comes up."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np
import pandas as pd

from kpi_helpers import intervals
from kpi_helpers.compare.difference import Difference, Figures, adjusted, difference
from kpi_helpers.errors import Unavailable, unknown
from kpi_helpers.kpis.settled import Array, divided
from kpi_helpers.language import LANGUAGES, Phrase, text
from kpi_helpers.measure import HIDDEN, measured
from kpi_helpers.periods.period import DAY, span
from kpi_helpers.sources.asked import year_of
from kpi_helpers.sources.dataset import Dataset, Where
from kpi_helpers.sources.engine import frame_of

NPS, REVIEWS = "nps", "review_score"
# What else stands beside it, each by the KPI of that name.
OPINIONS = ("csat", "ces", REVIEWS, "complaint_rate", "service_response_time", "crm_report_quality")
# The dimensions of answers that are compared where none is asked for: the first that there is.
DIMENSIONS = ("segment", "market", "region", "country", "sector", "touchpoint", "channel")
THEMES = ("delivery", "price", "quality", "service", "reach")
# Quarters that are shown where answers know no waves; comments that make a theme; how many reviews
# of all the mean of a few is weighed against.
QUARTERS, FEWEST, WEIGHED = 8, 10, 10
SURE = 0.05
SIDES = ("promoters", "passives", "detractors")


def rounds(data: Dataset, period: str, where: Where = None) -> pd.DataFrame:
    """Promoters, passives and detractors of each wave up to a period, beside the wave before.

    Without waves, of each of the last eight quarters with answers.

    Parameters
    ----------
    data
        A data set with ``surveys``.
    period
        As for `kpi_helpers.compare`; later answers are not read.
    where
        As for `kpi_helpers.measure`; of a part of the customers nobody knows how many were asked.

    Returns
    -------
    pandas.DataFrame
        The tidy columns of the KPI ``nps``, the oldest first; ``wave`` (or the quarter),
        ``first, last`` (days of its answers), ``promoters, passives, detractors`` (answers);
        ``invited``, ``response, response_low, response_high`` (0 to 1); ``reference_wave,
        reference, change, change_low, change_high, p_value`` (points, to the round before; z of the
        multinomial variance) and ``change_verdict``.

    Raises
    ------
    Unavailable
        When nobody was asked whether they recommend us.

    Examples
    --------
    >>> import kpi_helpers as kh
    >>> found = rounds(kh.load("data/sample"), "2026Q3").iloc[-1]
    >>> float(found["reference"]), float(found["value"]), found["change_verdict"]
    (40.0, 25.5, 'worse')
    """
    data.table("surveys")  # says so where there is none
    end = data.config.calendar.parse(period, data.as_of, data.first).end
    rows = _waves(data, end, where) if "wave" in data.filled("surveys") else pd.DataFrame()
    rows = rows if len(rows) else _quarters(data, end, where)
    if rows.empty:
        raise Unavailable(what=Phrase("voice.what"), needs=Phrase("voice.asked"))
    rows = _with_sides(rows.reset_index(drop=True))
    found = difference(_figures(rows), _figures(rows.shift(1)), rows["method"])
    before = {
        "reference_wave": rows["wave"].shift(1).fillna(""),
        "reference": rows["value"].shift(1),
    }
    return _with_response(rows.assign(**before, **_told(found, found.p_value)))


def _waves(data: Dataset, end: dt.date, where: Where) -> pd.DataFrame:
    asked = _asked(data, end, ["wave"], where).dropna(subset="wave")
    if asked.empty:
        return asked
    days = span(asked["first"].min().date(), end)
    rows = measured(data, [NPS], [days], ("wave",), where)
    rows = rows[rows["n"].gt(0)].merge(asked, on="wave")
    return rows.sort_values(["first", "wave"], kind="stable")


def _quarters(data: Dataset, end: dt.date, where: Where) -> pd.DataFrame:
    calendar = data.config.calendar
    last = calendar.at(min(end - DAY, data.as_of), "quarter")
    asked = [calendar.shift(last, -back) for back in range(QUARTERS - 1, -1, -1)]
    rows = measured(data, [NPS], asked, (), where)
    rows = rows[rows["n"].gt(0)]
    days = {"first": rows["start"], "last": rows["end"] - pd.Timedelta(days=1)}
    return rows.assign(wave=rows["period"], **days, invited=np.nan)


def _asked(
    data: Dataset, end: dt.date, by: Sequence[str], where: Where, start: dt.date = dt.date.min
) -> pd.DataFrame:
    """When each group answered, and how many of it were asked where a single number says so."""
    rows = data.filtered("surveys", where, (*by, "type", "responded_at", "invited_n"))
    at = rows.responded_at
    rows = rows.filter(rows.type == NPS, at >= start, at < end)
    days = {"first": rows.responded_at.min(), "last": rows.responded_at.max()}
    numbers = {"least": rows.invited_n.min(), "most": rows.invited_n.max()}
    frame = frame_of(data.con, rows.group_by(list(by)).agg(**days, **numbers).order_by(list(by)))
    least, most = (frame.pop(name).astype(float) for name in numbers)
    days = {name: pd.to_datetime(frame[name]) for name in days}
    return frame.assign(**days, invited=np.nan if where else least.where(least == most))


def _with_sides(rows: pd.DataFrame) -> pd.DataFrame:
    """Promoters and detractors, who together are what the variance of the score gives back."""
    value, n = rows["value"], rows["n"]
    extreme = (n * (n * rows["spread"] ** 2 + value**2) / 1e4).round()
    return rows.drop(columns=list(HIDDEN)).assign(
        promoters=((extreme + n * value / 100) / 2).round(),
        passives=n - extreme,
        detractors=((extreme - n * value / 100) / 2).round(),
    )


def _with_response(rows: pd.DataFrame) -> pd.DataFrame:
    """How many of those asked answered; more answers than that are no share."""
    invited = rows["invited"].mask(rows["invited"] < rows["n"])
    low, high = intervals.wilson(rows["n"], invited)
    share = rows["n"] / invited
    return rows.assign(invited=invited, response=share, response_low=low, response_high=high)


def _figures(sides: pd.DataFrame) -> Figures:
    up, middle, down = (sides[name].to_numpy(float) for name in SIDES)
    n, blank = up + middle + down, np.full(len(up), np.nan)
    value = 100 * divided(up - down, n)
    spread = np.sqrt(divided(1e4 * divided(up + down, n) - value**2, n))
    low, high = intervals.nps(up, middle, down)
    return Figures(value, up - down, n, low, high, spread, np.zeros(len(up)), blank, blank)


def _told(found: Difference, p_value: Array) -> dict[str, Array]:
    sure = (p_value < SURE) & (found.low * found.high > 0)
    shown = np.where(sure, np.where(found.change > 0, "better", "worse"), "none_shown")
    return {
        "change": found.change,
        "change_low": found.low,
        "change_high": found.high,
        "p_value": found.p_value,
        "change_verdict": np.where(np.isnan(found.change), "no_reference", shown),
    }


def parts(data: Dataset, asked: pd.DataFrame, by: str = "", where: Where = None) -> pd.DataFrame:
    """Compare the score of each group in the last round with that of all the others.

    Parameters
    ----------
    data, where
        As for `rounds`.
    asked
        What `rounds` returns.
    by
        A dimension of the answers; by default the first of `DIMENSIONS` that there is.

    Returns
    -------
    pandas.DataFrame
        The tidy columns with the ``group``, its ``dimension`` and the columns of `rounds`, of which
        ``reference`` is the score of all the others and ``invited`` and ``response`` are known
        where each group says how many were asked; ``p_adjusted``, on which the verdict rests;
        ``response_p``, how far chance alone would part the response of the groups.

    Raises
    ------
    UnknownName
        When answers have no such dimension.
    Unavailable
        Without a dimension that tells two groups apart.
    """
    last, name = asked.iloc[-1], _dimension(data, by, DIMENSIONS, "voice.parts")
    days = span(last["first"].date(), last["last"].date() + DAY)
    rows = measured(data, [NPS], [days], (name,), where)
    rows = rows[rows["n"].gt(0) & rows[name].notna()].rename(columns={name: "group"})
    if len(rows) < 2:
        raise Unavailable(what=Phrase("voice.parts"), needs=name)
    rows = _with_sides(rows.reset_index(drop=True))
    others = _figures(rows[list(SIDES)].sum() - rows[list(SIDES)])
    found = difference(_figures(rows), others, rows["method"])
    # One number for the wave is said on every row of it: then no group's own is known.
    own = _asked(data, days.end, [name], where, days.start).set_index(name)["invited"]
    invited = rows["group"].map(own if np.isnan(last["invited"]) else {}).astype(float)
    p_adjusted = adjusted(found.p_value)
    rows = rows.assign(reference=others.value, p_adjusted=p_adjusted, **_told(found, p_adjusted))
    rows = _with_response(rows.assign(dimension=name, invited=invited))
    return rows.assign(response_p=_uneven(rows["n"], rows["invited"]))


def _uneven(n: pd.Series[float], invited: pd.Series[float]) -> float:
    from scipy.stats import chi2_contingency

    table = np.array([n, invited - n])[:, invited.notna()]
    if table.shape[1] < 2 or (table.sum(axis=1) == 0).any():
        return np.nan
    return float(chi2_contingency(table).pvalue)


def themes(data: Dataset, period: str, where: Where = None) -> pd.DataFrame:
    """How many comments of a year name a theme, by the words declared for it in both languages.

    The comments themselves stay where they are: only counts leave the source.

    Parameters
    ----------
    data, period, where
        As for `rounds`; the year is the one that ends with the period.

    Returns
    -------
    pandas.DataFrame
        A row a theme with ten comments or more, the most frequent first: ``theme, k, n`` (all
        comments), ``value`` (k ÷ n), ``low, high`` (Wilson).

    Raises
    ------
    Unavailable
        When no theme has ten comments, or none may be read.
    """
    year = year_of(data, period)
    rows = data.filtered("surveys", where, ("comment", "responded_at"))
    rows = rows.filter(rows.responded_at >= year.start, rows.responded_at < year.end)
    said = rows.filter(rows.comment.notnull()).select(comment=rows.comment.lower())
    named = {theme: said.comment.re_search(_words(theme)).sum() for theme in THEMES}
    counted = frame_of(data.con, said.agg(n=said.count(), **named)).iloc[0].fillna(0)
    if not counted["n"]:
        raise Unavailable(what=Phrase("voice.comments"), needs=Phrase("voice.no_comment"))
    frame = pd.DataFrame({"theme": THEMES, "k": [float(counted[theme]) for theme in THEMES]})
    frame = frame[frame["k"] >= FEWEST].sort_values("k", ascending=False, kind="stable")
    if frame.empty:
        raise Unavailable(what=Phrase("voice.comments"), needs=Phrase("voice.few", {"n": FEWEST}))
    low, high = intervals.wilson(frame["k"], counted["n"])
    found = frame.assign(n=float(counted["n"]), value=frame["k"] / counted["n"], low=low, high=high)
    return found.reset_index(drop=True)


def _words(theme: str) -> str:
    """A pattern of the beginnings of words; every engine knows what is no letter by this class."""
    words = "|".join(text(f"voice.words.{theme}", lang) for lang in LANGUAGES)
    return f"(^|[^a-zà-ÿ])({words})"


def reviews(data: Dataset, period: str, by: str = "", where: Where = None) -> pd.DataFrame:
    """The mark of each group's reviews of a year, and the same weighed against few reviews.

    ``weighed`` is the Bayesian average (10 m + Σ) ÷ (10 + n): a group of two reviews stays near
    the mean m of all, one of two hundred keeps its own.

    Parameters
    ----------
    data, period, by, where
        As for `parts`.

    Returns
    -------
    pandas.DataFrame
        The tidy columns with the ``group``, its ``dimension`` and ``weighed``, the best first.

    Raises
    ------
    UnknownName
        When answers have no such dimension.
    Unavailable
        Without reviews or a dimension to tell them apart.
    """
    name = _dimension(data, by, ("product", "touchpoint", *DIMENSIONS), "voice.reviews")
    rows = measured(data, [REVIEWS], [year_of(data, period)], (name,), where)
    rows = rows[rows["n"].gt(0) & rows[name].notna()].drop(columns=list(HIDDEN))
    if rows.empty:
        raise Unavailable(what=Phrase("voice.reviews"), needs=Phrase("voice.published"))
    mean = rows["numerator"].sum() / rows["n"].sum()
    weighed = (WEIGHED * mean + rows["numerator"]) / (WEIGHED + rows["n"])
    frame = rows.rename(columns={name: "group"}).assign(dimension=name, weighed=weighed)
    return frame.sort_values(["weighed", "group"], ascending=[False, True], ignore_index=True)


def _dimension(data: Dataset, by: str, names: Sequence[str], what: str) -> str:
    """The dimension asked for, else the first of these that answers have."""
    data.table("surveys")  # says so where there is none
    known = data.dimensions("surveys")
    if by and by not in known:
        raise unknown("dimension", by, known)
    found = by or next((name for name in names if name in known), "")
    if not found:
        raise Unavailable(what=Phrase(what), needs=", ".join(names))
    return found
