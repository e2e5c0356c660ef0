"""Funnels and cohorts: what is asked of the kit, and the same in SQL on the same files."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import duckdb
import pandas as pd

from kpi_helpers import measure
from kpi_helpers.customers.retention import cohorts as triangle
from kpi_helpers.funnel import Asked, Way, attempts, conversion, counted
from kpi_helpers.sources import Dataset

WINDOW, WHOLE, STAGES, AS_OF = 30, 150, 4, "2025-12-30"
WINDOWS = dict.fromkeys(("stage_leak_value", "stage_conversion"), WINDOW)
SETTINGS = {
    "as_of": AS_OF,
    "language": "en",
    "windows": {**WINDOWS, "lead_to_customer_rate": WHOLE},
    "stages": [f"stage {place}" for place in range(STAGES)],
}
PERIOD = "2023Q1:2025Q4"
FUNNEL = """
WITH firsts AS (
    SELECT deal_id, {firsts}
    FROM '{folder}/stage_history.parquet' WHERE stage IN ({all}) GROUP BY deal_id
), cases AS (
    SELECT region, date_trunc('quarter', at_0) AS start, {flags}
    FROM firsts JOIN '{folder}/deals.parquet' USING (deal_id)
    WHERE at_0 >= DATE '2023-01-01' AND at_0 < DATE '2026-01-01'
        AND date_diff('day', at_0::DATE, DATE '{as_of}') >= {window}
)
SELECT region, start, count(*) AS reached_0, {sums} FROM cases GROUP BY region, start
"""
STAYS = """
WITH stays AS (
    SELECT stage, deal_id, entered_at::DATE AS since,
        lead(entered_at::DATE) OVER (PARTITION BY deal_id ORDER BY entered_at) AS next_at,
    FROM '{folder}/stage_history.parquet'
)
SELECT stage, date_diff('day', since, coalesce(next_at, closed_at, DATE '{as_of}')) AS days,
    count(*) FILTER (WHERE coalesce(next_at, closed_at) IS NOT NULL) AS ended, count(*) AS n,
FROM stays JOIN '{folder}/deals.parquet' USING (deal_id)
WHERE since >= DATE '2025-01-01' AND since < DATE '2026-01-01'
GROUP BY ALL
"""
# The first step is that of the first stage, which every deal enters on the day it is created.
CONVERSION = """
WITH firsts AS (
    SELECT deal_id, {firsts} FROM '{folder}/stage_history.parquet' GROUP BY deal_id
), cases AS (
    SELECT status, CASE WHEN status = 'won' THEN closed_at END AS won, {days}, won AS at_{stages},
    FROM '{folder}/deals.parquet' JOIN firsts USING (deal_id)
)
SELECT count(*) FILTER (DATE '{as_of}' - at_0 >= {whole}) AS passed_0, {passed}, {there}
FROM cases WHERE at_0 >= DATE '2025-01-01' AND at_0 < DATE '2026-01-01'
"""
SEEN = """CREATE OR REPLACE TEMP TABLE seen AS
SELECT DISTINCT customer_id, (12 * year(order_date) + month(order_date) - 1) // 3 AS unit,
FROM {orders} WHERE amount_net > 0"""
COHORTS = """
SELECT cohort, unit - cohort AS age, count(*) AS value,
FROM seen JOIN (SELECT customer_id, min(unit) AS cohort FROM seen GROUP BY ALL)
    USING (customer_id) GROUP BY ALL"""


def funnel(data: Dataset) -> pd.DataFrame:
    """How many deals reached each stage, by quarter and region."""
    way = Way(tuple(SETTINGS["stages"]), window=WINDOW)
    moves = data.table("stage_history")
    moves = moves.select("entered_at", case_id=moves.deal_id, step=moves.stage)
    deals = data.table("deals")
    tried = attempts(moves, way).join(deals.select("region", case_id=deals.deal_id), "case_id")
    spans = data.config.calendar.periods(PERIOD)
    asked = Asked(spans, dt.date.fromisoformat(AS_OF), ("region",))
    found = counted(data.con, tried, way, asked).rename(columns={"value": "", "numerator": "value"})
    return found[["region", "start", "place", "value"]]


def funnel_by_hand(con: duckdb.DuckDBPyConnection, folder: Path) -> pd.DataFrame:
    """The same in SQL."""
    later = [", ".join(f"'{name}'" for name in SETTINGS["stages"][n:]) for n in range(STAGES)]
    steps = range(STAGES)
    words = {
        "firsts": ", ".join(
            f"min(entered_at) FILTER (WHERE stage IN ({later[n]})) AS at_{n}" for n in steps
        ),
        "flags": ", ".join(
            f"date_diff('day', at_0::DATE, at_{n}::DATE) <= {WINDOW} AS in_{n}" for n in steps
        ),
        "sums": ", ".join(f"count(*) FILTER (WHERE in_{n}) AS reached_{n}" for n in steps[1:]),
    }
    query = FUNNEL.format(folder=folder, all=later[0], as_of=AS_OF, window=WINDOW, **words)
    found = con.execute(query).df().rename(columns={f"reached_{n}": n for n in steps})
    return found.melt(["region", "start"], var_name="place")


def stays(data: Dataset) -> pd.DataFrame:
    """The median time in each stage, of the stays begun in a year."""
    return measure(data, "time_in_stage", "2025", by="stage")[["stage", "value"]]


def stays_by_hand(con: duckdb.DuckDBPyConnection, folder: Path) -> pd.DataFrame:
    """The same in SQL, and the median of Kaplan and Meier from its counts."""
    counts = con.execute(STAYS.format(folder=folder, as_of=AS_OF)).df()
    counts = counts.sort_values("days", ignore_index=True)
    at_risk = counts.iloc[::-1].groupby("stage")["n"].cumsum()
    counts["left"] = (1 - counts["ended"] / at_risk).groupby(counts["stage"]).cumprod()
    half = counts[counts["left"] <= 0.5 + 1e-12]
    return half.groupby("stage", as_index=False)["days"].min().rename(columns={"days": "value"})


def passing(data: Dataset) -> pd.DataFrame:
    """Of the deals entered in a year: how many passed each step, and how many stand there."""
    found = conversion(data, "2025").rename(columns={"numerator": "passed", "standing": "there"})
    return found[["place", "passed", "there"]].melt("place", var_name="what")


def passing_by_hand(con: duckdb.DuckDBPyConnection, folder: Path) -> pd.DataFrame:
    """The same in SQL."""
    places, steps = range(STAGES), range(1, STAGES + 1)
    later = [", ".join(f"at_{n}" for n in range(place, STAGES)) for place in places]
    words = {
        "firsts": ", ".join(
            f"min(entered_at) FILTER (stage = '{SETTINGS['stages'][n]}')::DATE AS at_{n}"
            for n in places
        ),
        "days": ", ".join(f"least({names}, won) AS at_{n}" for n, names in enumerate(later)),
        "passed": ", ".join(
            f"count(*) FILTER (DATE '{AS_OF}' - at_0 >= {WHOLE} AND at_{n} - at_0 <= {WHOLE})"
            f" AS passed_{n}"
            for n in steps
        ),
        "there": ", ".join(
            f"count(at_{n}) FILTER (status <> 'lost')"
            + (f" - count(at_{n + 1}) FILTER (status <> 'lost')" if n < STAGES else "")
            + f" AS there_{n}"
            for n in steps
        ),
    }
    query = CONVERSION.format(folder=folder, as_of=AS_OF, whole=WHOLE, stages=STAGES, **words)
    found = con.execute(query).df().iloc[0].drop("passed_0").rename("value").reset_index()
    found[["what", "place"]] = found.pop("index").str.split("_", expand=True)
    return found


def cohorts(data: Dataset) -> pd.DataFrame:
    """How many customers are there at each age, by the quarter in which they came."""
    found = triangle(data)
    cohort = 4 * found["start"].dt.year + found["start"].dt.quarter - 1
    return found.assign(cohort=cohort, value=found["active"])[["cohort", "age", "value"]]


def cohorts_by_hand(con: duckdb.DuckDBPyConnection, orders: str) -> pd.DataFrame:
    """The same in SQL."""
    con.execute(SEEN.format(orders=orders))
    return con.execute(COHORTS).df()
