"""The same figures by quarter and team in SQL on the same files, as an expert writes them.

Each query gives the value, n, and the sums that the interval needs, since `measure` gives these
too. A stock is a running sum: joining each deal to the quarters in which it was open takes ten
times as long.
"""

from __future__ import annotations

import duckdb
import pandas as pd

from kpi_helpers import survival

# Rows of the quarters asked for; {day} is the date, {more} a filter.
DEALS = """FROM '{folder}/deals.parquet' LEFT JOIN '{folder}/reps.parquet' USING (owner)
WHERE {day} >= DATE '{first}' AND {day} < DATE '{last}' {more}"""
ORDERS = DEALS.replace("deals.parquet", "orders.parquet")
CELL = "SELECT date_trunc('quarter', {day}) AS quarter, team,"

WON = "sum(amount) AS value, count(amount) AS n, sum(amount * amount) AS xx"
COUNT = "count(*) AS value, count(*) AS n"
SHARE = "avg((status = 'won')::INTEGER) AS value, count(*) AS n"
BY_VALUE = """sum(amount) FILTER (status = 'won') / sum(amount) AS value, count(*) AS n,
sum(amount * amount) AS bb, sum(amount * amount) FILTER (status = 'won') AS ab,
count(*) FILTER (status = 'lost') AS outside,
count(*) FILTER (status = 'lost' AND amount <> 0) AS known"""
MEAN = """avg(amount) AS value, count(amount) AS n, sum(amount * amount) AS xx,
sum(amount * amount * amount) AS xxx"""


def _deals(columns: str, day: str = "closed_at", more: str = "") -> str:
    return f"{CELL} {columns} {DEALS} GROUP BY ALL".replace("{day}", day).replace("{more}", more)


def _orders(columns: str, more: str = "") -> str:
    text = f"{CELL} {columns} {ORDERS} GROUP BY ALL"
    return text.replace("{day}", "order_date").replace("{more}", more)


_PER_CUSTOMER = (
    """
SELECT quarter, team, {value} AS value, count(*) AS n, sum(a * a), sum(a * b), sum(b * b),
       sum(a * a * a)
FROM ("""
    + _orders("customer_id, sum(amount_net) AS a, count(*) FILTER (type = 'order') AS b")
    + ") GROUP BY ALL"
)

QUERIES = {
    "deals_won_count": _deals(COUNT, more="AND status = 'won'"),
    "bookings": _deals(WON, more="AND status = 'won'"),
    "win_rate_count": _deals(SHARE, more="AND status <> 'open'"),
    "win_rate_value": _deals(BY_VALUE, more="AND status <> 'open'"),
    "avg_deal_value": _deals(MEAN, more="AND status = 'won' AND amount > 0"),
    "new_customers_won": """
SELECT date_trunc('quarter', closed_at) AS quarter, team, count(DISTINCT customer_id) AS value,
FROM '{folder}/deals.parquet' JOIN (
    SELECT customer_id, min(closed_at) AS closed_at FROM '{folder}/deals.parquet'
    WHERE status = 'won' GROUP BY customer_id
) USING (customer_id, closed_at)
LEFT JOIN '{folder}/reps.parquet' USING (owner)
WHERE status = 'won' AND closed_at >= DATE '{first}' AND closed_at < DATE '{last}' GROUP BY ALL""",
    "sales_cycle_duration": _deals(
        """coalesce(closed_at, DATE '{as_of}') - created_at AS age, count(*) AS everyone,
        count(*) FILTER (status = 'won') AS won, count(*) FILTER (status = 'lost') AS lost""",
        day="created_at",
    ),
    "open_pipeline_value": """
WITH moves AS (
    SELECT greatest(created_at, DATE '{first}') AS day, owner, amount, 1 AS n,
    FROM '{folder}/deals.parquet' WHERE created_at < DATE '{last}'
    UNION ALL
    SELECT greatest(closed_at, DATE '{first}'), owner, -amount, -1,
    FROM '{folder}/deals.parquet' WHERE closed_at < DATE '{last}'
), moved AS (
    SELECT date_trunc('quarter', day) AS quarter, team, sum(amount) AS amount, sum(n) AS n,
    FROM moves LEFT JOIN '{folder}/reps.parquet' USING (owner) GROUP BY ALL
)
SELECT quarter, team, sum(amount) OVER past AS value, sum(n) OVER past AS n,
FROM moved WINDOW past AS (PARTITION BY team ORDER BY quarter)""",
    "revenue": _orders(
        "sum(amount_net) AS value, count(*) AS n, sum(amount_net * amount_net) AS xx"
    ),
    "revenue_per_customer": _PER_CUSTOMER.replace("{value}", "sum(a) / count(*) FILTER (b > 0)"),
    "aov": _PER_CUSTOMER.replace("{value}", "sum(a) / sum(b)"),
    "new_customers": """
SELECT date_trunc('quarter', order_date) AS quarter, team, count(DISTINCT customer_id) AS value,
FROM '{folder}/orders.parquet' JOIN (
    SELECT customer_id, min(order_date) AS order_date FROM '{folder}/orders.parquet'
    WHERE type = 'order' GROUP BY customer_id
) USING (customer_id, order_date)
LEFT JOIN '{folder}/reps.parquet' USING (owner)
WHERE order_date >= DATE '{first}' AND order_date < DATE '{last}' GROUP BY ALL""",
}

SET = ("deals_won_count", "bookings", "win_rate_count", "win_rate_value", "avg_deal_value")
TOGETHER = _deals(
    """count(*) FILTER (status = 'won') AS deals_won_count,
    sum(amount) FILTER (status = 'won') AS bookings,
    avg((status = 'won')::INTEGER) AS win_rate_count,
    sum(amount) FILTER (status = 'won') / sum(amount) AS win_rate_value,
    avg(amount) FILTER (status = 'won' AND amount > 0) AS avg_deal_value,
    count(*) AS n, count(amount) FILTER (status = 'won') AS priced,
    count(amount) FILTER (status = 'won' AND amount > 0) AS paid,
    sum(amount * amount) AS bb, sum(amount * amount) FILTER (status = 'won') AS xx,
    sum(amount * amount * amount) FILTER (status = 'won') AS xxx,
    count(*) FILTER (status = 'lost' AND amount <> 0) AS known""",
    more="AND status <> 'open'",
)


def asked(con: duckdb.DuckDBPyConnection, name: str, **values: object) -> pd.DataFrame:
    """One query's result: ``quarter, team`` and the figures; a median is read off its counts."""
    query = TOGETHER if name == "together" else QUERIES[name]
    frame = con.execute(query.format(**values)).df()
    return _median(frame) if name == "sales_cycle_duration" else frame


def _median(frame: pd.DataFrame) -> pd.DataFrame:
    cell = ["quarter", "team"]
    counts = frame.pivot_table(index=cell, columns="age", values=["won", "lost", "everyone"])
    counts = counts.fillna(0.0)
    time = counts["won"].columns.to_numpy(float)
    won, lost, everyone = (counts[name].to_numpy() for name in ("won", "lost", "everyone"))
    parts = (time, won, lost, everyone - won - lost)
    value, horizon = survival.conditional_median(*parts)
    survival.conditional_median_interval(*parts, horizon)
    return counts.index.to_frame(index=False).assign(value=value)
