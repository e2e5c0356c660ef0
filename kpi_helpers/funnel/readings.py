"""The company's own funnel: who gets from the first contact to the order, step by step."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from kpi_helpers.errors import Unavailable
from kpi_helpers.funnel.beside import with_earlier, with_others
from kpi_helpers.funnel.history import journeys
from kpi_helpers.funnel.passages import BLANK, counted
from kpi_helpers.language import Phrase
from kpi_helpers.measure.counted import usual_days
from kpi_helpers.measure.judge import FEW, MISSING
from kpi_helpers.measure.tidy import names_people
from kpi_helpers.periods import Period
from kpi_helpers.periods.days import as_day
from kpi_helpers.periods.period import DAY, span
from kpi_helpers.sources.asked import one_dimension, period_of, year_of
from kpi_helpers.sources.attempts import COLUMNS, NUMBER, Asked, Way, within
from kpi_helpers.sources.dataset import Dataset, Where
from kpi_helpers.sources.derived import days_between
from kpi_helpers.sources.engine import Rows, frame_of
from kpi_helpers.sources.facts import JOURNEYS
from kpi_helpers.sources.journeys import DEAL, LEAD
from kpi_helpers.sources.journeys import way as steps_of

HALF_YEAR, SEEN = dt.timedelta(days=182), dt.timedelta(days=91)
# How many periods of a grain make a year.
A_YEAR = {"month": 12, "quarter": 4, "year": 1}
# What became of a case sorts nobody who entered into a group.
FATES = ("status", "outcome", "step")
DIMENSIONS = ("source", "segment", "sector", "region", "product", "owner")


class Step(NamedTuple):
    """A step, the place of its rows among those of `journeys`, and the days to pass it."""

    name: str
    place: int
    window: int | None


def conversion(data: Dataset, period: str, where: Where = None, unit: str = NUMBER) -> pd.DataFrame:
    """How many of those who entered in a year reached each step, and where they all stand now.

    Parameters
    ----------
    data, where
        As for `kpi_helpers.measure`; the filter is over the columns of `journeys`.
    period
        As for `kpi_helpers.measure`; what is read are the entries of the year that ends with it.
    unit
        ``"number"``, or ``"amount"`` or ``"customer"``, which are known from the deal on.

    Returns
    -------
    pandas.DataFrame
        A row a step after the first, with the columns of `counted` and of `with_earlier` (beside
        the year before); ``after``, the step before; ``window``, the days to get to the last step
        (the setting ``lead_to_customer_rate``, else what nine in ten needed); and the reading that
        misleads: ``standing``, how many of all that entered are at the step now, not lost, and
        ``naive``, that number as a share of those who still are at the first step.

    Raises
    ------
    Unavailable
        When nobody entered in that time, or the amounts or customers of too many are not known.
    """
    year, course, rows = year_of(data, period), _course(data), journeys(data, where)
    if unit != NUMBER and DEAL in (names := steps_of(data)):
        course = [step for step in course if step.place >= names.index(DEAL)]
    way = Way(tuple(step.place for step in course), window=_whole_window(data, course))
    asked = Asked([data.config.calendar.year_ago(year), year], data.as_of, unit=unit)
    tried = _cases(rows, course, COLUMNS.get(unit))
    found = counted(data.con, within(tried, way.window), way, asked)
    found = _private(data, found, (), where)
    first = found.groupby("start")["standing"].transform("first")
    found = found.assign(naive=found["standing"] / first.where(first > 0), window=way.window)
    found = with_earlier(data, named(found, [step.name for step in course]))
    found = found[found["start"] == pd.Timestamp(year.start)].reset_index(drop=True)
    if not (found["started"] + found["young"]).any():
        raise _nothing()
    return found


def _cases(rows: Rows, course: Sequence[Step], unit: str | None) -> Rows:
    """Cases that entered: when they reached each step, and the one where they are, if not lost."""
    rows = rows.filter(rows.place == course[0].place)
    days = {f"at_{turn}": rows.reached[step.place] for turn, step in enumerate(course)}
    passed = sum(day.notnull().ifelse(1, 0) for day in days.values())
    is_there = rows.outcome.fill_null("open") != "lost"
    return rows.select(*[unit] * bool(unit), **days, standing=is_there.ifelse(passed - 1, None))


def trend(data: Dataset, period: str, where: Where = None, by: str = "") -> pd.DataFrame:
    """How many passed each step in the two years up to a period, each beside a year earlier.

    Where nothing can be read a year earlier, beside the period before.

    Parameters
    ----------
    data, where
        As for `conversion`.
    period
        As for `kpi_helpers.measure`: months, quarters or years as it is one, else quarters.
    by
        A column of `journeys` that makes groups.

    Returns
    -------
    pandas.DataFrame
        A row a step after the first, group and period: of those who entered the step before in the
        period and have had the time (the setting ``stage_conversion``, else what nine in ten
        needed for that step), how many went on; columns of `counted` and `with_earlier`, ``after``.
    """
    calendar = data.config.calendar
    whole = period_of(data, period)
    grain = whole.grain if whole.grain in A_YEAR else "quarter"
    last, back = calendar.at(whole.end - DAY, grain), A_YEAR[grain]
    spans = [calendar.shift(last, -turn) for turn in reversed(range(2 * back))]
    groups = (by,) if one_dimension(by) else ()
    found = _passed(data, spans, where, by)
    beside = with_earlier(data, found, groups, back)
    return beside if beside["reference"].notna().any() else with_earlier(data, found, groups)


def by_group(data: Dataset, period: str, where: Where = None, by: str = "") -> pd.DataFrame:
    """How many passed each step in a year, each group beside all the others together.

    Parameters
    ----------
    data, period, where
        As for `conversion`.
    by
        A column of `journeys`; by default the first of `DIMENSIONS` that it has.

    Returns
    -------
    pandas.DataFrame
        As `trend`, of the year, and `with_others`.

    Raises
    ------
    Unavailable
        Where no dimension tells two groups apart, or a fifth of those who entered lack it.
    """
    known = journeys(data).columns
    name = one_dimension(by) or next((each for each in DIMENSIONS if each in known), "")
    if not name:
        raise Unavailable("no_segments", by=", ".join(DIMENSIONS))
    found = _passed(data, [year_of(data, period)], where, name)
    first = found[found["place"] == 1]
    blank = first.loc[first[name].isna(), "started"].sum()
    if first[name].nunique() < 2 or blank > BLANK * first["started"].sum():
        raise Unavailable("no_segments", by=name)
    beside = with_others(data, found, name)
    if beside.empty:
        raise Unavailable("no_segments", by=name)
    return beside


def around(data: Dataset, day: dt.date | None = None, where: Where = None) -> pd.DataFrame:
    """How many passed each step in the half-year from a day on, beside the half-year before it.

    Parameters
    ----------
    data, where
        As for `trend`.
    day
        That of an event; by default the last one of ``events`` three months back or more. Fewer
        days are looked at where fewer have passed since.

    Returns
    -------
    pandas.DataFrame
        As `trend`, only the rows after the event, with its name as ``event``, which a report that
        is shared leaves out. What else changed on that day is in the difference too.

    Raises
    ------
    Unavailable
        Without a day or event.
    """
    events = pd.DataFrame({"date": pd.to_datetime([]), "label": []})
    events = data["events"] if "events" in data.tables else events
    seen = events.loc[events["date"] <= pd.Timestamp(data.as_of - SEEN), "date"]
    if day is None and seen.empty:
        raise Unavailable(what=Phrase("passages.event"), needs="events")
    day = as_day(day, "day") if day else seen.max().date()
    length = min(HALF_YEAR, data.as_of + DAY - day)
    spans = [span(day - length, day), span(day, day + length)]
    found = with_earlier(data, _passed(data, spans, where, ""))
    said = events.loc[events["date"] == pd.Timestamp(day), "label"].astype(str)
    found = found.assign(event="" if data.masked else " · ".join(said))
    return found[found["start"] == pd.Timestamp(day)].reset_index(drop=True)


def _course(data: Dataset) -> list[Step]:
    """The steps that tell something apart, with the days that nine in ten took to pass each.

    A step that everybody passes on the day of entering it is the next one.
    """
    found: list[Step] = data.remember("course", lambda: _steps(data))
    return found


def _steps(data: Dataset) -> list[Step]:
    rows = journeys(data)
    days = days_between(rows.entered_at, rows.advanced_at).cast("float64")
    rows = rows.select("place", age=rows.age_days, days=days)
    counts = frame_of(data.con, rows.group_by("place", "age", "days").agg(n=rows.count()))
    course: list[Step] = []
    at_once = False
    for place, name in enumerate(steps_of(data)):
        own = counts[counts["place"] == place]
        before = course.pop().name if at_once else name
        known = LEAD if before == LEAD else name
        key = "lead_qualification_rate" if known == LEAD else "stage_conversion"
        course.append(Step(known, place, _window(data, key, own[own["days"] >= 0])))
        at_once = len(own) > 0 and bool((own["days"] == 0).all())
    if len(course) < 2:
        raise _nothing()
    return course


def _whole_window(data: Dataset, course: Sequence[Step]) -> int | None:
    """The days from the first step to the last one."""
    if (key := "lead_to_customer_rate") in data.config.windows:
        return data.config.windows[key]
    rows, (first, *_, last) = journeys(data), course
    rows = rows.filter(rows.place == first.place)
    days = days_between(rows.entered_at, rows.reached[last.place])
    both = rows.select(age=rows.age_days, days=days)
    both = both.filter(both.days >= 0)
    counts = both.group_by("days", "age").agg(n=both.count())
    return usual_days(frame_of(data.con, counts))


def _window(data: Dataset, key: str, counts: pd.DataFrame) -> int | None:
    """The days that the settings give for a KPI, else those that nine in ten needed."""
    return data.config.windows[key] if key in data.config.windows else usual_days(counts)


def _passed(data: Dataset, spans: list[Period], where: Where, by: str) -> pd.DataFrame:
    """The passages of each step, of those who entered the one before in the spans."""
    if by in FATES:
        raise Unavailable("no_segments", by=by)
    course, groups = _course(data), ("turn", by) if by else ("turn",)
    rows = data.filtered(JOURNEYS.name, where, groups[1:])
    turns = {step.place: turn for turn, step in enumerate(course[:-1])}
    windows = {step.place: step.window for step in course[:-1]}
    rows = rows.filter(rows.place.isin([*turns]))
    rows = rows.select(
        *groups[1:],
        turn=rows.place.cases(*turns.items()),
        window=rows.place.cases(*windows.items()),
        at_0=rows.entered_at,
        at_1=rows.advanced_at,
    )
    way = Way(("", ""))
    found = counted(data.con, within(rows, rows.window), way, Asked(spans, data.as_of, groups))
    found = _private(data, found, groups, where)
    found = found[found["place"] == 1]
    found = found.assign(place=found["turn"].astype(int) + 1).drop(columns="turn")
    found = found.sort_values("place", kind="stable", ignore_index=True)
    return named(found, [step.name for step in course])


def _private(data: Dataset, found: pd.DataFrame, by: tuple[str, ...], where: Where) -> pd.DataFrame:
    """Passages without the few cases of single people, which a shared report does not tell."""
    few = found["n"].lt(FEW) & names_people(data, by, where)
    figures = ["value", "low", "high", "numerator", "denominator", "n", "whole"]
    figures += ["whole_low", "whole_high", "started", "young", "so_far"]
    hidden = {name: found[name].mask(few) for name in figures}
    return found.assign(status=found["status"].mask(few, MISSING), **hidden)


def named(found: pd.DataFrame, steps: Sequence[str]) -> pd.DataFrame:
    """Passages with the names of their steps, and of those before."""
    names, place = np.array(steps, dtype=object), found["place"].to_numpy()
    return found.assign(step=names[place], after=names[np.maximum(place - 1, 0)])


def _nothing() -> Unavailable:
    return Unavailable(what=Phrase("passages.what"), needs=Phrase("passages.entries"))
