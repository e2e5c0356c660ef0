"""Parquet files of any size, the same for the same seed: deals, orders, reps."""

from __future__ import annotations

from pathlib import Path

import duckdb

FIRST, DAYS = "2021-01-01", 1_825

# A number from 0 to 1 that depends on the row, the column and the seed alone.
DRAW = "CREATE MACRO draw(i, name) AS hash(i, name, {seed}) / 18446744073709551615.0"

DEALS = """
SELECT
    'D' || lpad(i::VARCHAR, 9, '0') AS deal_id,
    created_at,
    CASE WHEN ends > DATE '2025-12-30' THEN NULL ELSE ends END AS closed_at,
    CASE WHEN ends > DATE '2025-12-30' THEN 'open' WHEN draw(i, 'won') < .3 THEN 'won'
         ELSE 'lost' END AS status,
    CASE WHEN draw(i, 'unknown') < .02 THEN NULL
         ELSE round(exp(8 + 2 * (draw(i, 'a') + draw(i, 'b') - 1)), 2) END AS amount,
    created_at + (30 + 120 * draw(i, 'expected'))::INTEGER AS expected_close,
    'rep ' || (draw(i, 'owner') * 60)::INTEGER AS owner,
    'C' || (draw(i, 'customer') * {customers})::INTEGER AS customer_id,
    'region ' || (draw(i, 'region') * 11)::INTEGER AS region,
FROM (
    SELECT i, created_at, created_at + (1 + 200 * draw(i, 'cycle') ** 2)::INTEGER AS ends,
    FROM (SELECT i, DATE '{first}' + (i * {days} // {rows})::INTEGER AS created_at
          FROM range({rows}) AS numbers(i))
)
"""

ORDERS = """
SELECT
    'O' || lpad(i::VARCHAR, 9, '0') AS order_id,
    DATE '{first}' + (i * {days} // {rows})::INTEGER AS order_date,
    'C' || (draw(i, 'buyer') ** 2 * {customers})::INTEGER AS customer_id,
    round(CASE WHEN draw(i, 'refund') < .03 THEN -1 ELSE 1 END
          * exp(4 + 2 * (draw(i, 'x') + draw(i, 'y') - 1)), 2) AS amount_net,
    CASE WHEN draw(i, 'refund') < .03 THEN 'refund' ELSE 'order' END AS type,
    'rep ' || (draw(i, 'seller') * 60)::INTEGER AS owner,
FROM range({rows}) AS numbers(i)
"""

REPS = "SELECT 'rep ' || i AS owner, 'team ' || i % 6 AS team, FROM range(61) AS numbers(i)"


def write(folder: Path, rows: int, seed: int = 7) -> Path:
    """Deals and orders of ``rows`` rows each, by date, with a tenth as many customers."""
    values = {"rows": rows, "first": FIRST, "days": DAYS, "customers": max(rows // 10, 1)}
    with duckdb.connect() as con:
        con.execute("SET enable_progress_bar = false")
        con.execute(DRAW.format(seed=seed))
        for name, query in (("deals", DEALS), ("orders", ORDERS), ("reps", REPS)):
            target = (folder / f"{name}.parquet").as_posix()
            con.execute(f"COPY ({query.format(**values)}) TO '{target}' (FORMAT parquet)")
    return folder
