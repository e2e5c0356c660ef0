"""Parquet files of any size, the same for the same seed: deals and orders, or a whole company."""

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
    CASE WHEN draw(i, 'led') < .6 THEN 'L' || lpad((2 * i)::VARCHAR, 9, '0') END AS lead_id,
    CASE WHEN draw(i, 'new') < .6 THEN 'new' ELSE 'expansion' END AS deal_type,
    round(amount * (1 + .3 * draw(i, 'list')), 2) AS list_amount,
    CASE WHEN status = 'lost' THEN 'reason ' || (draw(i, 'why') * 5)::INTEGER END AS lost_reason,
    CASE WHEN draw(i, 'rival') < .4
         THEN 'rival ' || (draw(i, 'who') * 4)::INTEGER END AS competitor,
FROM (
    SELECT i, created_at, created_at + (1 + 200 * draw(i, 'cycle') ** 2)::INTEGER AS ends,
    FROM (SELECT i, DATE '{first}' + (i * {days} // {rows})::INTEGER AS created_at
          FROM range({rows}) AS numbers(i))
)
"""

# Customers come in the order of their numbers; the first ones buy most often.
ORDERS = """
SELECT
    'O' || lpad(i::VARCHAR, 9, '0') AS order_id,
    DATE '{first}' + (i * {days} // {rows})::INTEGER AS order_date,
    'C' || (draw(i, 'buyer') ** 2 * {customers} * (i + 1) / {rows})::INTEGER AS customer_id,
    round(CASE WHEN draw(i, 'refund') < .03 THEN -1 ELSE 1 END
          * exp(4 + 2 * (draw(i, 'x') + draw(i, 'y') - 1)), 2) AS amount_net,
    CASE WHEN draw(i, 'refund') < .03 THEN 'refund' ELSE 'order' END AS type,
    'rep ' || (draw(i, 'seller') * 60)::INTEGER AS owner,
    CASE WHEN draw(i, 'refund') < .03 THEN 'O' || lpad((i - i % 90)::VARCHAR, 9, '0')
         END AS original_order_id,
    round(30 * draw(i, 'cost'), 2) AS cost,
    'family ' || (draw(i, 'family') * 7)::INTEGER AS product_family,
FROM range({rows}) AS numbers(i)
"""

# Five lines an order, which share its date, buyer and seller.
ORDER_LINES = """
SELECT
    'O' || lpad(o::VARCHAR, 9, '0') AS order_id,
    DATE '{first}' + (o * {days} // ({rows} // 5 + 1))::INTEGER AS order_date,
    'C' || (draw(o, 'buyer') ** 2 * {customers} * 5 * (o + 1) / {rows})::INTEGER AS customer_id,
    round(exp(3 + 2 * draw(i, 'x')), 2) AS amount_net,
    'product ' || (draw(i, 'product') * 500)::INTEGER AS product,
    1 + (draw(i, 'quantity') * 4)::INTEGER AS quantity,
    'rep ' || (draw(o, 'seller') * 60)::INTEGER AS owner,
FROM (SELECT i, i // 5 AS o FROM range({rows}) AS numbers(i))
"""

REPS = "SELECT 'rep ' || i AS owner, 'team ' || i % 6 AS team, FROM range(61) AS numbers(i)"

# A minute of the working day, and how far a lead came: each step some days after the one before.
LEADS = """
SELECT
    'L' || lpad(i::VARCHAR, 9, '0') AS lead_id, created_at,
    'source ' || (draw(i, 'source') * 8)::INTEGER AS source,
    'campaign ' || (draw(i, 'campaign') * 40)::INTEGER AS campaign,
    'rep ' || (draw(i, 'agent') * 60)::INTEGER AS owner,
    received_at,
    CASE WHEN draw(i, 'answered') < .9
         THEN received_at + to_minutes((1 + 3000 * draw(i, 'reply') ** 4)::INTEGER)
         END AS first_response_at,
    CASE WHEN far < .5 THEN mql_at END AS mql_at,
    CASE WHEN far < .4 THEN mql_at + 1 END AS handed_over_at,
    CASE WHEN far < .3 THEN mql_at + 2 END AS accepted_at,
    CASE WHEN far < .2 THEN mql_at + 9 END AS sql_at,
    CASE WHEN far < .1 THEN mql_at + 9 + (80 * draw(i, 'late') ** 2)::INTEGER END AS converted_at,
    CASE WHEN far < .1 THEN 'C' || (draw(i, 'became') * {customers})::INTEGER END AS customer_id,
FROM (
    SELECT i, created_at, draw(i, 'far') AS far,
        created_at + (20 * draw(i, 'mql') ** 2)::INTEGER AS mql_at,
        created_at + to_minutes((480 + 600 * draw(i, 'minute'))::INTEGER) AS received_at,
    FROM (SELECT i, DATE '{first}' + (i * {days} // {rows})::INTEGER AS created_at
          FROM range({rows}) AS numbers(i))
)
"""

# A deal goes through two to four stages in equal steps, until it is decided.
STAGE_HISTORY = """
SELECT deal_id, 'stage ' || step AS stage,
    created_at + to_hours((9 + 24 * (closes - created_at) * step / steps)::INTEGER) AS entered_at,
FROM (
    SELECT deal_id, created_at, coalesce(closed_at, DATE '2025-12-30') AS closes,
        2 + (hash(deal_id, {seed}) % 3)::INTEGER AS steps, unnest(range(steps)) AS step,
    FROM '{folder}/deals.parquet'
)
"""

# Three in ten deals are put off once.
CLOSE_DATE_HISTORY = """
SELECT deal_id, created_at::TIMESTAMP AS changed_at, expected_close FROM '{folder}/deals.parquet'
UNION ALL
SELECT deal_id, created_at + to_days(1 + (hash(deal_id, {seed}) % 20)::INTEGER),
    expected_close + 30,
FROM '{folder}/deals.parquet'
WHERE hash(deal_id, {seed}) % 10 < 3 AND coalesce(closed_at, DATE '2025-12-30') > created_at + 21
"""

HISTORIES = ("stage_history", "close_date_history")

CUSTOMERS = """
SELECT 'C' || i AS customer_id, 'segment ' || i % 4 AS segment,
    DATE '{first}' + (i * {days} // {rows})::INTEGER AS first_seen, FROM range({rows}) AS numbers(i)
"""


def write(folder: Path, rows: int, seed: int = 7, histories: tuple[str, ...] = ()) -> Path:
    """Deals and orders of ``rows`` rows each, by date, with a tenth as many customers."""
    sizes = {"deals": rows, "orders": rows, "reps": 0, **dict.fromkeys(histories, 0)}
    return _written(folder, sizes, rows // 10, seed)


def lines(folder: Path, rows: int, seed: int = 7) -> Path:
    """Order lines by date, five an order, with a tenth as many customers as orders."""
    return _written(folder, {"order_lines": rows, "reps": 0}, rows // 50, seed)


def company(folder: Path, deals: int, seed: int = 7) -> Path:
    """Twice as many leads as deals, five times as many orders, and the histories of the deals."""
    sizes = {"deals": deals, "leads": 2 * deals, "orders": 5 * deals, "customers": deals // 5}
    sizes |= dict.fromkeys(("reps", *HISTORIES), 0)
    return _written(folder, sizes, deals // 5, seed)


def _written(folder: Path, sizes: dict[str, int], customers: int, seed: int) -> Path:
    values = {"first": FIRST, "days": DAYS, "customers": max(customers, 1)}
    values |= {"seed": seed, "folder": folder.as_posix()}
    with duckdb.connect() as con:
        con.execute("SET enable_progress_bar = false")
        con.execute(DRAW.format(seed=seed))
        for name, rows in sizes.items():
            query = globals()[name.upper()].format(**values, rows=rows)
            con.execute(f"COPY ({query}) TO '{folder / name}.parquet' (FORMAT parquet)")
    return folder
