"""Time: zones, clock changes, leap days, fiscal years, weeks, days that no calendar has."""

import datetime as dt
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import numpy as np
import pandas as pd
import pytest
from dateutil.relativedelta import relativedelta
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.dates import num2date
from stores import URL, needs_server, on_server

import kpi_helpers as kh
from kpi_helpers import charts, wording
from kpi_helpers.errors import BadPeriod
from kpi_helpers.periods import GRAINS, Calendar, label
from kpi_helpers.sources import Dataset

DAY = dt.timedelta(days=1)
UTC = ZoneInfo("UTC")
LANGS = ("en", "fr")
ZONES = ["Europe/Paris", "America/New_York", "Pacific/Kiritimati", "Australia/Lord_Howe"]
days = st.dates(dt.date(1900, 1, 2), dt.date(2199, 12, 30))
quick = settings(max_examples=60, deadline=None, derandomize=True)


# --- Zones and clock changes


def changes(zone: str) -> list[dt.datetime]:
    """The moments of 2026 at which the clock of a zone is put forward or back."""
    hours = [dt.datetime(2026, 1, 1, tzinfo=UTC) + dt.timedelta(hours=n) for n in range(8759)]
    offsets = [hour.astimezone(ZoneInfo(zone)).utcoffset() for hour in hours]
    return [hours[n + 1] for n, (one, next_) in enumerate(pairwise(offsets)) if one != next_]


def around(zone: str) -> list[dt.datetime]:
    """Moments around midnights, around each change of the clock, and of all years."""
    steps = [dt.timedelta(minutes=minutes) for minutes in range(-180, 181, 30)]
    turns = [*changes(zone), *(dt.datetime(2026, m, 1, tzinfo=UTC) for m in (1, 4, 7, 10))]
    rng = np.random.default_rng(1)
    others = [dt.datetime(1971, 1, 1, tzinfo=UTC) + dt.timedelta(hours=float(hours))
              for hours in rng.uniform(0, 24 * 365 * 65, 100)]  # fmt: skip
    evenings = [dt.datetime(2026, 3, 31, 23, 30, tzinfo=UTC), dt.datetime(2024, 2, 29, tzinfo=UTC)]
    return [turn + step for turn in turns for step in steps] + others + evenings


def closed(values: Any) -> dict[str, pd.DataFrame]:
    ids = [f"{place:04}" for place in range(len(values))]
    first = pd.Series(pd.to_datetime(["1970-01-05"] * len(ids))).dt.as_unit("us")
    frame = pd.DataFrame({"deal_id": ids, "status": "won", "created_at": first})
    return {"deals": frame.assign(closed_at=values)}


def closing_days(source: Any, zone: str, source_zone: str | None = None) -> list[dt.date]:
    config = {"time_zone": zone} | ({"source_time_zone": source_zone} if source_zone else {})
    deals = kh.load(source, config, as_of="2037-01-01")["deals"]
    return [day.date() for day in deals.sort_values("deal_id")["closed_at"]]


@pytest.mark.parametrize("zone", ZONES)
def test_a_moment_falls_on_the_day_that_a_clock_of_the_zone_shows(zone: str) -> None:
    moments = around(zone)
    expected = [moment.astimezone(ZoneInfo(zone)).date() for moment in moments]
    text = [f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in moments]
    aware = pd.Series(pd.to_datetime(moments, utc=True)).dt.as_unit("us")
    assert closing_days(closed(text), zone) == expected
    assert closing_days(closed(aware), zone) == expected
    assert closing_days(closed(aware.dt.tz_localize(None)), zone, "UTC") == expected


@needs_server
@pytest.mark.parametrize("zone", ZONES)
def test_a_server_puts_moments_on_the_same_days(zone: str) -> None:
    moments = around(zone)
    expected = [moment.astimezone(ZoneInfo(zone)).date() for moment in moments]
    for kind, source_zone in (("timestamptz", None), ("timestamp", "UTC")):
        values = pd.Series([moment.replace(tzinfo=None) for moment in moments])
        values = values.dt.tz_localize("UTC") if kind == "timestamptz" else values
        with on_server(closed(values.dt.as_unit("us")), {"closed_at": kind}) as url:
            assert closing_days(url, zone, source_zone) == expected


@pytest.mark.parametrize("zone", ["Europe/Paris", "America/Havana", "Africa/Cairo"])
def test_the_hour_that_comes_twice_or_never_keeps_its_day(zone: str) -> None:
    """In Havana and Cairo midnight itself is left out when the clock is put forward."""
    turns = [turn.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for turn in changes(zone)]
    local = [turn + dt.timedelta(minutes=30 * step) for turn in turns for step in range(-3, 4)]
    values = pd.Series(local).dt.as_unit("us")
    assert closing_days(closed(values), zone, zone) == [moment.date() for moment in local]


def test_days_kept_as_midnights_are_days_wherever_one_is(tmp_path: Path) -> None:
    """Midnight in Greenwich is the evening before in New York, but a day is a day."""
    values = pd.Series(pd.to_datetime(["2026-03-31", "2026-04-01", None])).dt.as_unit("us")
    tables = closed(values)
    tables["deals"].to_parquet(tmp_path / "deals.parquet")
    for source in (tables, tmp_path):
        found = kh.load(source, {"time_zone": "America/New_York", "source_time_zone": "UTC"})
        assert found["deals"]["closed_at"].dropna().tolist() == values.dropna().tolist()


def test_a_quarter_of_a_clock_change_is_counted_in_days() -> None:
    """29 March 2026 has 23 hours in Paris, which are a day; the cycle over it has 2 days."""
    moments = [dt.datetime(2026, 3, 28, 23, 30), dt.datetime(2026, 3, 30, 0, 30)]
    tables = closed(pd.Series([moments[1]] * 12).dt.as_unit("us"))
    tables["deals"]["created_at"] = pd.Series([moments[0]] * 12).dt.as_unit("us")
    data = kh.load(tables, {"time_zone": "Europe/Paris", "source_time_zone": "Europe/Paris"})
    assert data["deals"]["age_days"].tolist() == [2] * 12
    assert Calendar().parse("2026Q1").days == 90


def waits(kind: str = "text") -> tuple[dict[str, pd.DataFrame], list[float]]:
    """Leads and tickets that wait over each change of the clock in Paris, and their hours."""
    since, hours = [], []
    for turn in changes("Europe/Paris"):
        for minutes, waited in ((-30, 0.75), (-45, 1.5), (-170, 5.0), (5, 0.5), (600, 48.0)):
            since.append(turn + dt.timedelta(minutes=minutes))
            hours.append(waited)
    until = [at + dt.timedelta(hours=waited) for at, waited in zip(since, hours, strict=True)]
    ends = []
    for moments in (since, until):
        aware = pd.Series(pd.to_datetime(moments, utc=True)).dt.as_unit("us")
        text = [f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in moments]
        ends.append({"text": text, "aware": aware, "utc": aware.dt.tz_localize(None)}[kind])
    ids = [f"{place:02}" for place in range(len(hours))]
    lead = {"lead_id": ids, "created_at": ends[0], "first_response_at": ends[1]}
    ticket = {"activity_id": ids, "type": "ticket", "started_at": ends[0]}
    tables = {"leads": lead, "activities": ticket | {"first_reply_at": ends[1]}}
    return {name: pd.DataFrame(rows) for name, rows in tables.items()}, hours


def assert_waited(source: Any, config: dict[str, Any], hours: list[float]) -> None:
    data = kh.load(source, config, as_of="2026-12-31")
    for name, column in (("leads", "hours_to_response"), ("activities", "hours_to_reply")):
        found = data[name].sort_values(data.base[name].columns[0])[column]
        assert found.tolist() == pytest.approx(hours)
    tickets = kh.measure(data, "service_response_time", "2026").iloc[0]
    assert (tickets["n"], tickets["value"]) == (len(hours), np.median(hours))
    assert kh.left_out(data).empty


@pytest.mark.parametrize("kind", ["text", "aware", "utc"])
@pytest.mark.parametrize("zone", ["Europe/Paris", "America/New_York", "UTC"])
def test_hours_that_somebody_waits_are_those_that_pass(zone: str, kind: str) -> None:
    """From 1:30 to 3:15 on 29 March are 45 minutes, from 2:30 to 2:15 on 25 October too."""
    tables, hours = waits(kind)
    assert_waited(tables, {"time_zone": zone, "source_time_zone": "UTC"}, hours)


@needs_server
@pytest.mark.parametrize("kind", ["timestamptz", "timestamp"])
def test_hours_that_pass_are_the_same_on_a_server(kind: str) -> None:
    tables, hours = waits("aware" if kind == "timestamptz" else "utc")
    columns = ("created_at", "first_response_at", "started_at", "first_reply_at")
    with on_server(tables, dict.fromkeys(columns, kind)) as url:
        assert_waited(url, {"time_zone": "Europe/Paris", "source_time_zone": "UTC"}, hours)


def test_an_answer_before_its_question_is_listed() -> None:
    rows = {"activity_id": ["1", "2"], "type": "ticket", "started_at": "2026-01-05 10:00"}
    tickets = pd.DataFrame(rows | {"first_reply_at": ["2026-01-05 11:00", "2026-01-05 09:00"]})
    for config in ({}, {"time_zone": "Europe/Paris"}):
        data = kh.load({"activities": tickets}, config, as_of="2026-01-31")
        (row,) = kh.left_out(data).itertuples()
        assert (row.reason, row.column, row.value, row.action) == (
            "answered_before", "first_reply_at", "2026-01-05 09:00", "flagged")  # fmt: skip
        assert kh.measure(data, "service_response_time", "2026-01")["n"].tolist() == [1.0]


# --- Leap days, ends of months, fiscal years


@quick
@given(st.integers(1, 12), days)
def test_fiscal_years_and_quarters_are_those_of_pandas(start: int, day: dt.date) -> None:
    ends = dt.date(2026, (start - 2) % 12 + 1, 1).strftime("%b").upper()
    other = pd.Period(day, freq=f"Q-{ends}")
    quarter, year = (Calendar(start).at(day, grain) for grain in ("quarter", "year"))
    prefix = "FY" if start > 1 else ""
    assert quarter.name == f"{prefix}{other.qyear}Q{other.quarter}"
    assert (quarter.start, quarter.end) == (
        other.start_time.date(), other.end_time.date() + DAY)  # fmt: skip
    assert year.name == f"{prefix}{other.qyear}"


@quick
@given(st.integers(1, 12), days)
def test_last_to_date_and_a_year_ago_follow_the_fiscal_year(start: int, day: dt.date) -> None:
    calendar = Calendar(start)
    last, to_date = calendar.parse("last", day), calendar.parse("ytd", day)
    assert last.end <= day + DAY < calendar.shift(last, 1).end + DAY
    assert (to_date.start.month, to_date.end) == (start, day + DAY)
    ago = calendar.year_ago(to_date)
    assert ago.start == to_date.start - relativedelta(years=1)
    leap = to_date.end.day == 1  # a period that ends with February still does
    expected = to_date.end - relativedelta(years=1)
    assert ago.end == (expected if leap else day - relativedelta(years=1) + DAY)


@quick
@given(days, st.sampled_from(GRAINS), st.booleans(), st.integers(1, 12))
def test_every_period_has_a_label(day: dt.date, grain: str, fiscal: bool, start: int) -> None:
    calendar = Calendar(start)
    period = calendar.at(day, grain, fiscal)
    for each in (period, calendar.previous(period), calendar.year_ago(period)):
        assert str(each.start.year)[:2] in label(each, "fr") + str(each.end.year)
        assert "{" not in label(each, "en")


@pytest.mark.parametrize("year", [1900, 2000, 2024, 2100])
def test_february_has_its_days(year: int) -> None:
    leap = year in (2000, 2024)
    february = Calendar().parse(f"{year}-02")
    assert february.days == 28 + leap
    if not leap:
        with pytest.raises(BadPeriod):
            Calendar().parse(f"{year}-02-29")


@pytest.fixture(scope="module")
def steady() -> dict[str, pd.DataFrame]:
    """A deal won every day from 2018 to 2028, worth the day's number in its month."""
    every = pd.Series(pd.date_range("2018-01-01", "2028-12-31")).dt.as_unit("us")
    deals = closed(every)["deals"].assign(created_at=every, amount=every.dt.day.astype(float))
    lost = deals.assign(deal_id="x" + deals["deal_id"], status="lost")
    return {"deals": pd.concat([deals, lost], ignore_index=True)}


@pytest.fixture(scope="module")
def ended(steady: dict[str, pd.DataFrame]) -> Dataset:
    return kh.load(steady, {"language": "en", "fiscal_start": 2}, as_of="2028-02-29")


def twin(days_: pd.Series, start: dt.date, end: dt.date) -> float:
    inside = (days_ >= pd.Timestamp(start)) & (days_ < pd.Timestamp(end))
    return float(days_[inside].dt.day.sum())


@pytest.mark.parametrize(
    ("text", "to", "reference"),
    [
        ("2024-02-29", "year_ago", "2023-02-28"),
        ("2024-02", "year_ago", "2023-02"),
        ("2025-02", "year_ago", "2024-02"),
        ("2020W53", "year_ago", "2019W52"),
        ("2026W53", "year_ago", "2025W52"),
        ("2026W53", "previous", "2026W52"),
        ("2027W01", "previous", "2026W53"),
        ("2026W01:2026W53", "year_ago", "2025W01:2025W52"),
        ("FY2024Q3", "year_ago", "FY2023Q3"),
        ("ytd", "year_ago", "2027-02-01:2027-02-28"),
    ],
)
def test_comparisons_over_leap_days_and_weeks_53(
    steady: dict[str, pd.DataFrame], ended: Dataset, text: str, to: str, reference: str
) -> None:
    calendar = ended.config.calendar
    now, then = calendar.parse(text, ended.as_of), calendar.parse(reference)
    row = kh.compare(ended, "bookings", text, to=to).iloc[0]
    own = steady["deals"].loc[lambda t: t["status"] == "won", "closed_at"]
    assert row["value"] == twin(own, now.start, now.end)
    assert row["reference"] == twin(own, then.start, then.end)


@pytest.mark.parametrize("start", [1, 12])
def test_the_quarters_of_a_fiscal_year_add_up_and_are_told(
    steady: dict[str, pd.DataFrame], start: int
) -> None:
    data = kh.load(steady, {"language": "en", "fiscal_start": start}, as_of="2024-02-29")
    year = data.config.calendar.parse("FY2023")
    parts = kh.measure(data, "bookings", "FY2023", grain="quarter")["value"]
    own = steady["deals"].loc[lambda t: t["status"] == "won", "closed_at"]
    assert len(parts) == 4
    assert parts.sum() == twin(own, year.start, year.end)
    compared = kh.compare(data, ["bookings", "win_rate_count"], "FY2023Q1", to="year_ago")
    english, french = (wording.findings(compared, lang)["sentence"].str.cat() for lang in LANGS)
    assert ("Q1 FY2022" in english) == ("T1 exercice 2022" in french) == (start > 1)
    assert ("Q1 2022" in english) == ("T1 2022" in french) == (start == 1)


# --- Days that no calendar has


@pytest.mark.parametrize("text", ["1850", "0000", "10000Q1", "9999-12", "1850Q1:1851Q4", "2200"])
def test_a_period_out_of_reach_says_which_years_are_read(text: str) -> None:
    with pytest.raises(BadPeriod, match="not a period.*Years that are read: 1900-2199"):
        Calendar().periods(text)


@pytest.mark.parametrize(("text", "meant"), [("2026W54", "2026W53"), ("2025W54", "2025W52")])
def test_a_week_too_many_is_taken_for_the_last_one(text: str, meant: str) -> None:
    with pytest.raises(BadPeriod, match=f"Did you mean {meant}"):
        Calendar().periods(text)


def company(**odd: str) -> dict[str, pd.DataFrame]:
    """Two years of deals as text; the first ones have odd days."""
    first = pd.date_range("2024-01-01", "2025-12-01", freq="3D")
    deals = pd.DataFrame({"created_at": first, "closed_at": first + 30 * DAY}).astype(str)
    status = ["won", "lost"] * (len(deals) // 2) + ["won"] * (len(deals) % 2)
    deals = deals.assign(deal_id=[str(n) for n in range(len(deals))], amount=10.0, status=status)
    for column, day in odd.items():
        deals.loc[5, column] = day
    return {"deals": deals}


ODD = ["1900-01-01", "1926-02-03", "2062-01-01", "9999-12-31", "0203-06-01", "2262-04-12"]


@pytest.mark.parametrize("day", ODD)
def test_an_odd_day_is_listed_and_makes_no_century_of_months(day: str) -> None:
    data = kh.load(company(closed_at=day), {"language": "en"})
    listed = kh.left_out(data).query("column == 'closed_at'")
    assert set(listed["reason"]) & {"placeholder_date", "far_behind", "far_ahead"}
    assert set(listed["value"]) == {day}
    months = kh.measure(data, "win_rate_count", "all", grain="month")
    assert months["start"].min() == pd.Timestamp("2024-01-01")
    assert months["end"].max() == pd.Timestamp("2026-01-01")


def test_old_days_without_a_pause_are_believed() -> None:
    """A company that sold a little for thirty years is no slip of the pen."""
    old = pd.Series(pd.date_range("1965-01-01", "1995-01-01", freq="YS"))
    recent = pd.Series(pd.date_range("1995-03-01", "1997-12-01", freq="D"))
    data = kh.load(closed(pd.concat([old, recent], ignore_index=True).dt.as_unit("us")))
    assert kh.measure(data, "deals_won_count", "1965:1968")["value"].tolist() == [1, 1, 1, 1]
    assert "far_behind" not in kh.quality(data)["check"].tolist()


INFINITE = ["infinity", "-infinity", "9999-12-31", "0001-01-01", "12000-01-01"]


TYPED = "closed_at::date AS closed_at, created_at::timestamp AS created_at"


def spoil(execute: Callable[[str], Any]) -> None:
    for column, first in (("closed_at", 10), ("created_at", 30)):
        for place, day in enumerate(INFINITE):
            set_, which = f"{column} = '{day}'", f"deal_id = '{first + place}'"
            execute(f"UPDATE deals SET {set_} WHERE {which}")


def endless(url: str | Path, days_: dict[str, int]) -> None:
    """Odd days are listed; figures and tables can be asked for."""
    data = kh.load(url, {"language": "en"}, as_of="2026-01-31")
    found = kh.quality(data).query("check == 'placeholder_date'").set_index("column")["rows"]
    assert found.to_dict() == days_
    assert set(data["deals"]["closed_at"].dropna().dt.year) >= {1, 2024, 2025}
    kpis = ["bookings", "win_rate_count", "sales_cycle_duration", "open_pipeline_value"]
    assert kh.measure(data, kpis, "2025Q1:2025Q3")["value"].notna().all()
    assert len(kh.left_out(data)) >= sum(days_.values())
    line = charts.line(kh.measure(data, "win_rate_count", "all", grain="quarter"), lang="en")
    years = [num2date(x).year for x in line.axes[0].get_xlim()]
    assert 2023 <= years[0] <= years[1] <= 2026


def test_never_and_ever_of_duckdb(tmp_path: Path) -> None:
    path = tmp_path / "odd.duckdb"
    with duckdb.connect(str(path)) as con:
        con.register("text", company()["deals"])
        con.execute(f"CREATE TABLE deals AS SELECT * REPLACE ({TYPED}) FROM text")
        spoil(con.execute)
    endless(path, {"closed_at": 5, "created_at": 5})


@needs_server
def test_never_and_ever_of_a_server() -> None:
    import psycopg

    with on_server(company()) as url, psycopg.connect(URL, autocommit=True) as con:
        con.execute(f"SET search_path = {url.rsplit('/', 1)[1]}")
        con.execute("ALTER TABLE deals RENAME TO text")
        con.execute("CREATE TABLE deals AS SELECT *, 1 AS more FROM text")
        for column, kind in (("closed_at", "date"), ("created_at", "timestamp")):
            con.execute(f"ALTER TABLE deals ALTER {column} TYPE {kind} USING {column}::{kind}")
        spoil(con.execute)
        endless(url, {"closed_at": 5, "created_at": 5})
