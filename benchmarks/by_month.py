"""The heaviest figures by month and team in SQL on the same files, as an expert writes them.

What looks back over a year, or at what stood at the end of a month, is asked month by month on a
table that is made once: to join each row to the twelve months in which it counts takes longer.
"""

from __future__ import annotations

import by_deal
import duckdb
import pandas as pd

CELL = "SELECT date_trunc('month', {day}) AS month, team,"
_JOINED = "FROM '{folder}/{table}.parquet' LEFT JOIN '{folder}/reps.parquet' USING (owner)"
_SPAN = "{day} >= DATE '{first}' AND {day} < DATE '{last}'"
_YEAR = "order_date >= DATE '{stop}' - INTERVAL 12 MONTH AND order_date < DATE '{stop}'"


def _of(table: str, day: str, columns: str, more: str = "") -> str:
    text = f"{CELL} {columns} {_JOINED} WHERE {_SPAN} {more} GROUP BY ALL"
    return text.replace("{table}", table).replace("{day}", day)


_RATIO = "sum(coalesce(a, 0)) / sum(b) AS value, count(*) AS n, sum(a * a), sum(a * b), sum(b * b)"

# When a deal reached each stage, skipped ones too, and when it first went beyond it.
_REACHED = """
WITH moves AS (
    SELECT deal_id, right(stage, 1)::INTEGER AS place, entered_at::DATE AS day,
    FROM '{folder}/stage_history.parquet'
), reached AS (
    SELECT deal_id, step, min(day) AS day, min(day) FILTER (place > step) AS beyond,
    FROM moves, range(4) AS steps(step) WHERE place >= step GROUP BY ALL
)"""

# Figures of one pass over the files.
AT_ONCE = {
    **by_deal.QUERIES,
    "new_vs_existing_revenue": f"SELECT month, team, {_RATIO} FROM ("
    + _of(
        "orders",
        "order_date",
        """customer_id, sum(amount_net) AS b,
        sum(amount_net)
        FILTER (date_trunc('month', came) = date_trunc('month', order_date)) AS a""",
    ).replace(
        "LEFT JOIN",
        """LEFT JOIN (SELECT customer_id, min(order_date) AS came
        FROM '{folder}/orders.parquet' WHERE type = 'order' GROUP BY ALL) USING (customer_id)
        LEFT JOIN""",
    )
    + ") GROUP BY ALL",
    "repurchase_rate": """
WITH bought AS (
    SELECT date_trunc('month', order_date) AS month, team, customer_id,
        bool_or(order_date <> DATE '{tomorrow}' - INTERVAL 1 YEAR) AS before,
    FROM '{folder}/orders.parquet' LEFT JOIN '{folder}/reps.parquet' USING (owner)
    WHERE type = 'order' AND order_date >= DATE '{first}' - INTERVAL 1 YEAR GROUP BY ALL
)
SELECT month, team, count(again) / count(*) AS value, count(*) AS n
FROM (SELECT month + INTERVAL 1 YEAR AS month, team, customer_id FROM bought WHERE before)
LEFT JOIN (SELECT DISTINCT month, customer_id, 1 AS again FROM bought) USING (month, customer_id)
WHERE month < DATE '{last}' GROUP BY ALL""",
    "lead_response_time": """
WITH answered AS (
    SELECT date_trunc('month', created_at) AS month, team,
        CASE WHEN first_response_at < DATE '{tomorrow}' THEN first_response_at END AS answer,
        (epoch(coalesce(answer, DATE '{tomorrow}')) - epoch(received_at)) // 60 / 60 AS hours,
    FROM '{folder}/leads.parquet' LEFT JOIN '{folder}/reps.parquet' USING (owner)
    WHERE created_at >= DATE '{first}' AND created_at < DATE '{last}'
), counted AS (
    SELECT month, team, hours, count(*) AS n, count(answer) AS done FROM answered GROUP BY ALL
), risked AS (
    SELECT *, sum(n) OVER (PARTITION BY month, team ORDER BY hours DESC) AS risk FROM counted
), curve AS (
    SELECT month, team, hours, sum(ln(greatest(1 - done / risk, 1e-9))) OVER past AS there,
        sum(done / risk / nullif(risk - done, 0)) OVER past AS spread,
    FROM risked WINDOW past AS (PARTITION BY month, team ORDER BY hours)
)
SELECT month, team, min(hours) FILTER (there <= ln(.5) + 1e-9) AS value,
    min(hours) FILTER (ln(-there) >= ln(ln(2)) - 1.96 * sqrt(spread) / abs(there)) AS low,
FROM curve GROUP BY ALL""",
    "stage_leak_value": _REACHED
    + """
SELECT date_trunc('month', day) AS month, team, count(*) AS n,
    CASE WHEN 2 * count(*) FILTER (coalesce(amount, 0) = 0) < n THEN sum(amount) END AS value,
FROM reached JOIN '{folder}/deals.parquet' USING (deal_id)
LEFT JOIN '{folder}/reps.parquet' USING (owner)
WHERE status = 'lost' AND beyond IS NULL AND closed_at - day BETWEEN 0 AND {window}
    AND DATE '{as_of}' - day >= {window} AND day >= DATE '{first}' AND day < DATE '{last}'
GROUP BY ALL""",
    "stage_conversion": _REACHED
    + """
SELECT date_trunc('month', day) AS month, team, count(*) AS n,
    avg(coalesce(passed - day <= {window}, false)::INTEGER) AS value,
FROM (SELECT deal_id, day, team, created_at,
          coalesce(beyond, CASE WHEN status = 'won' THEN closed_at END) AS passed,
      FROM reached JOIN '{folder}/deals.parquet' USING (deal_id)
      LEFT JOIN '{folder}/reps.parquet' USING (owner))
WHERE (passed IS NULL OR passed >= day) AND DATE '{as_of}' - day >= {window}
    AND day >= DATE '{first}' AND day < DATE '{last}'
GROUP BY ALL""",
    "refund_rate": f"""
WITH back AS (
    SELECT sold.order_id, -sum(r.amount_net) AS refunded FROM '{{folder}}/orders.parquet' AS r
    JOIN '{{folder}}/orders.parquet' AS sold ON r.original_order_id = sold.order_id
    WHERE r.type = 'refund' AND sold.type = 'order'
        AND r.order_date - sold.order_date BETWEEN 0 AND 60
    GROUP BY ALL
)
{CELL.replace("{day}", "order_date")} sum(coalesce(refunded, 0)) / sum(amount_net) AS value,
    count(*) AS n, sum(refunded * refunded), sum(refunded * amount_net), sum(amount_net ** 2),
{_JOINED.replace("{table}", "orders")} LEFT JOIN back USING (order_id)
WHERE type = 'order' AND {_SPAN.replace("{day}", "order_date")}
    AND DATE '{{as_of}}' - order_date >= 60
GROUP BY ALL""",
    "slippage_rate": """
WITH said AS (
    SELECT deal_id, changed_at::DATE AS said, expected_close AS due,
        lead(changed_at::DATE) OVER (PARTITION BY deal_id ORDER BY changed_at, due) AS until,
    FROM '{folder}/close_date_history.parquet'
)
SELECT date_trunc('month', due) AS month, team, count(*) AS n,
    avg((closed_at IS NULL OR closed_at >= DATE '{tomorrow}'
         OR closed_at >= date_trunc('month', due) + INTERVAL 1 MONTH)::INTEGER) AS value,
FROM said JOIN '{folder}/deals.parquet' USING (deal_id)
LEFT JOIN '{folder}/reps.parquet' USING (owner)
WHERE due >= DATE '{first}' AND due < DATE '{tomorrow}' AND said < date_trunc('month', due)
    AND (until IS NULL OR until >= date_trunc('month', due))
    AND (closed_at IS NULL OR closed_at >= date_trunc('month', due))
GROUP BY ALL""",
}

_BOUGHT = """CREATE TEMP TABLE bought AS
SELECT team, customer_id, order_date, amount_net, type, product_family, order_id,
FROM '{folder}/orders.parquet' LEFT JOIN '{folder}/reps.parquet' USING (owner)"""
_UNDONE = """CREATE TEMP TABLE undone AS
WITH cents AS (
    SELECT *, round(100 * amount_net) AS cents FROM '{folder}/orders.parquet'
), named AS (
    SELECT original_order_id AS order_id, -sum(cents) AS back FROM cents
    WHERE type = 'refund' GROUP BY ALL
), blind AS (
    SELECT s.customer_id, s.cents, max(s.order_date) AS order_date
    FROM cents AS s JOIN cents AS r ON s.customer_id = r.customer_id AND s.cents = -r.cents
    WHERE s.type = 'order' AND r.type = 'refund' AND r.original_order_id IS NULL
        AND s.order_date <= r.order_date GROUP BY s.customer_id, s.cents, r.order_date
)
SELECT order_id FROM cents JOIN named USING (order_id) WHERE type = 'order' AND back >= cents
UNION SELECT order_id FROM cents JOIN blind USING (customer_id, cents, order_date)
WHERE type = 'order'"""
_STAYS = """CREATE TEMP TABLE stays AS
SELECT h.deal_id, h.stage, entered_at::DATE AS since, status, closed_at,
    coalesce(lead(since) OVER (PARTITION BY deal_id ORDER BY entered_at, h.stage), closed_at)
        AS gone,
FROM '{folder}/stage_history.parquet' AS h JOIN '{folder}/deals.parquet' USING (deal_id)"""
_OPEN = """CREATE TEMP TABLE open AS
SELECT deal_id, created_at, closed_at, amount, team, expected_close,
FROM '{folder}/deals.parquet' LEFT JOIN '{folder}/reps.parquet' USING (owner)"""
_SAID = """CREATE TEMP TABLE said AS
SELECT deal_id, expected_close AS due, changed_at::DATE AS said,
    lead(said) OVER (PARTITION BY deal_id ORDER BY changed_at, due) AS until,
FROM '{folder}/close_date_history.parquet'"""
_THEN = "created_at < DATE '{stop}' AND (closed_at IS NULL OR closed_at >= DATE '{stop}')"
_NOW = """SELECT deal_id, stage, since FROM stays
    WHERE since < DATE '{stop}' AND (gone IS NULL OR gone >= DATE '{stop}')"""

# Figures of one month: the tables made for all months, and the query of each.
EACH_MONTH = {
    "rfm_segment_share": (
        [
            _UNDONE,
            _BOUGHT.replace("order_id,", "undone.order_id IS NULL AND type = 'order' AS kept,")
            + " LEFT JOIN undone USING (order_id)",
        ],
        f"""
WITH each AS (
    SELECT team, customer_id, max(order_date) FILTER (kept) AS last,
        count(*) FILTER (kept) AS often, round(100 * sum(amount_net)) AS much,
    FROM bought WHERE {_YEAR} GROUP BY ALL HAVING often > 0
), ranked AS (
    SELECT team, count(*) OVER (PARTITION BY team) AS n, CASE WHEN n < 50 THEN 3 ELSE 5 END AS g,
        g * (rank() OVER (PARTITION BY team ORDER BY last) - 1) // n AS late,
        g * (rank() OVER (PARTITION BY team ORDER BY often) - 1) // n AS many,
        g * (rank() OVER (PARTITION BY team ORDER BY much) - 1) // n AS large,
    FROM each
)
SELECT team, avg((late < g // 2 AND many + large >= g - 1)::INTEGER) AS value, count(*) AS n
FROM ranked GROUP BY ALL""",
    ),
    "revenue_concentration": (
        [_BOUGHT],
        f"""
WITH each AS (
    SELECT team, customer_id, sum(amount_net) AS x FROM bought WHERE {_YEAR} GROUP BY ALL
)
SELECT team, list_sum(max(x, 10)) / sum(x) AS value, count(*) AS n,
FROM each GROUP BY ALL""",
    ),
    "customer_retention_rate": (
        [_BOUGHT],
        f"""
SELECT team, count(*) AS n, avg((customer_id IN (
    SELECT customer_id FROM bought WHERE type = 'order' AND {_YEAR}))::INTEGER) AS value,
FROM (SELECT DISTINCT team, customer_id FROM bought
      WHERE type = 'order' AND {_YEAR.replace("{stop}", "{start}")}) GROUP BY ALL""",
    ),
    "cross_sell_rate": (
        [_BOUGHT],
        f"""
SELECT team, avg((kinds > 1)::INTEGER) AS value, count(*) AS n FROM (
    SELECT team, customer_id, count(DISTINCT product_family) AS kinds
    FROM bought WHERE type = 'order' AND {_YEAR} GROUP BY ALL) GROUP BY ALL""",
    ),
    "stalled_share": (
        [_STAYS, _OPEN, _SAID],
        f"""
WITH usual AS (
    SELECT stage, quantile_disc(gone - since, .75) AS days FROM stays
    WHERE status = 'won' AND closed_at < DATE '{{stop}}' GROUP BY ALL HAVING count(*) >= 10
)
SELECT team, count(*) AS n, avg(coalesce(DATE '{{stop}}' - coalesce(since, created_at) - 1 > days
    OR DATE '{{stop}}' - coalesce(due, expected_close) > 1, false)::INTEGER) AS value,
FROM open LEFT JOIN ({_NOW}) USING (deal_id) LEFT JOIN usual USING (stage) LEFT JOIN (
    SELECT deal_id, due FROM said
    WHERE said < DATE '{{stop}}' AND (until IS NULL OR until >= DATE '{{stop}}')
) USING (deal_id)
WHERE {_THEN} GROUP BY ALL""",
    ),
    "weighted_pipeline": (
        [_STAYS, f"CREATE TEMP TABLE spells AS {by_deal.SPELLS}", _OPEN],
        f"""
WITH {by_deal.LAW.replace("{stop}", "DATE '{stop}'")},
now AS (SELECT *, DATE '{{stop}}' - since - 1 AS days FROM ({_NOW}))
SELECT team, count(*) AS n, sum(amount * chance) AS value,
    sum(amount ** 2 * chance * (1 - chance)) AS variance, sum(amount),
FROM open LEFT JOIN now USING (deal_id) LEFT JOIN bands USING (stage, days)
WHERE {_THEN} GROUP BY ALL""",
    ),
    "pipeline_age": (
        [_OPEN],
        f"""SELECT team, quantile_disc(DATE '{{stop}}' - created_at - 1, .5) AS value
FROM open WHERE {_THEN} GROUP BY ALL""",
    ),
}


def asked(
    con: duckdb.DuckDBPyConnection, name: str, months: pd.DatetimeIndex, **values: object
) -> pd.DataFrame:
    """One figure's ``month, team, value``; ``months`` are the first days of each."""
    if name in AT_ONCE:
        return con.execute(AT_ONCE[name].format(**values)).df()
    made, query = EACH_MONTH[name]
    for statement in made:
        con.execute(statement.format(**values).replace("CREATE", "CREATE OR REPLACE", 1))
    found = []
    for first in months:
        stop = min(first + pd.DateOffset(months=1), pd.Timestamp(str(values["tomorrow"])))
        text = query.format(**values, start=f"{first:%Y-%m-%d}", stop=f"{stop:%Y-%m-%d}")
        found.append(con.execute(text).df().assign(month=first))
    for statement in made:
        con.execute(f"DROP TABLE {statement.split()[3]}")
    return pd.concat(found)
