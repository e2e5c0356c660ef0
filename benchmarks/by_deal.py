"""Figures of deals by month and team that are made of several others, in SQL on the same files."""

from __future__ import annotations

_JOINED = "FROM '{folder}/deals.parquet' LEFT JOIN '{folder}/reps.parquet' USING (owner)"


def _month(day: str) -> str:
    """The month of a day; what a year that ends within a month leaves out of its first is apart."""
    year = "DATE '{tomorrow}' - INTERVAL 1 YEAR"
    return f"greatest(date_trunc('month', {day}), CASE WHEN {day} >= {year} THEN {year} END)"


def _years(day: str) -> str:
    """The days of the twelve months that end with the first month asked for, and those after."""
    return f"{day} >= DATE '{{first}}' - INTERVAL 12 MONTH AND {day} < DATE '{{tomorrow}}'"


# Open deals × value of a decision over twelve months ÷ median age of the wins of twelve months.
VELOCITY = f"""
WITH spans AS (
    SELECT month, least(month + INTERVAL 1 MONTH, DATE '{{tomorrow}}') AS stop,
        stop - INTERVAL 12 MONTH AS start,
    FROM generate_series(DATE '{{first}}', DATE '{{last}}' - 1, INTERVAL 1 MONTH) AS months(month)
), moves AS (
    SELECT greatest(created_at, DATE '{{first}}') AS day, owner, 1 AS n
    FROM '{{folder}}/deals.parquet' WHERE created_at < DATE '{{last}}'
    UNION ALL SELECT greatest(closed_at, DATE '{{first}}'), owner, -1
    FROM '{{folder}}/deals.parquet' WHERE closed_at < DATE '{{last}}'
), moved AS (
    SELECT date_trunc('month', day) AS month, team, sum(n) AS n
    FROM moves LEFT JOIN '{{folder}}/reps.parquet' USING (owner) GROUP BY ALL
), stock AS (
    SELECT month, team, sum(n) OVER (PARTITION BY team ORDER BY month) AS n FROM moved
), decided AS (
    SELECT {_month("closed_at")} AS day, team, count(*) AS n,
        count(*) FILTER (status = 'won') AS won,
        sum(amount) FILTER (status = 'won' AND amount > 0) AS amount,
        count(*) FILTER (status = 'won' AND amount > 0) AS priced,
    {_JOINED} WHERE {_years("closed_at")} GROUP BY ALL
), worth AS (
    SELECT month, team, sum(won) / sum(n) * sum(amount) / sum(priced) AS each,
    FROM spans JOIN decided ON day >= start AND day < stop GROUP BY ALL
), ages AS (
    SELECT {_month("created_at")} AS day, team, count(*) AS n,
        coalesce(closed_at, DATE '{{as_of}}') - created_at AS age,
        count(*) FILTER (status = 'won') AS won, count(closed_at) AS done,
    {_JOINED} WHERE {_years("created_at")} GROUP BY ALL
), counted AS (
    SELECT month, team, age, sum(n) AS n, sum(won) AS won, sum(done) AS done,
    FROM spans JOIN ages ON day >= start AND day < stop GROUP BY ALL
), risked AS (
    SELECT *, sum(n) OVER (PARTITION BY month, team ORDER BY age DESC) AS risk FROM counted
), waiting AS (
    SELECT month, team, age, won / risk * coalesce(exp(sum(ln(greatest(1 - done / risk, 1e-12)))
        OVER (PARTITION BY month, team ORDER BY age
              ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)), 1) AS come,
    FROM risked WHERE risk >= 5
), curve AS (
    SELECT month, team, age, sum(come) OVER (PARTITION BY month, team ORDER BY age) AS so_far,
        sum(come) OVER (PARTITION BY month, team) AS in_all,
    FROM waiting
), cycle AS (
    SELECT month, team, min(age) FILTER (so_far >= in_all / 2 - 1e-9) AS days,
    FROM curve GROUP BY ALL
)
SELECT month, team, stock.n * each / nullif(days, 0) AS value,
FROM stock JOIN worth USING (month, team) JOIN cycle USING (month, team)"""

# What became of stays in stages, and after each from which a deal went on, by days in it.
SPELLS = """
SELECT stage, -1 AS after, since AS began, gone AS ended,
    closed_at <= gone AND status = 'won' AS won,
    gone IS NOT NULL AND NOT coalesce(closed_at <= gone, false) AS moved, count(*) AS n
FROM stays GROUP BY ALL
UNION ALL SELECT stage, CASE WHEN gone - since >= 120 THEN 120 WHEN gone - since >= 60 THEN 60
    WHEN gone - since >= 30 THEN 30 WHEN gone - since >= 14 THEN 14 WHEN gone - since >= 7 THEN 7
    ELSE 0 END, gone, closed_at, status = 'won', false, count(*)
FROM stays WHERE gone IS NOT NULL AND NOT coalesce(closed_at <= gone, false) GROUP BY ALL"""
# The chance of a deal by stage and days in it: wins, losses and open deals of before a day.
LAW = """counts AS (
    SELECT stage, after, CASE WHEN ended < {stop} THEN ended ELSE {stop} - 1 END - began AS days,
        sum(n) AS n, coalesce(sum(n) FILTER (ended < {stop}), 0) AS gone,
        coalesce(sum(n) FILTER (ended < {stop} AND won), 0) AS won,
        coalesce(sum(n) FILTER (ended < {stop} AND moved), 0) AS moved
    FROM spells WHERE began < {stop} GROUP BY ALL
), risked AS (
    SELECT *, sum(n) OVER (PARTITION BY stage, after ORDER BY days DESC) AS risk FROM counts
), left_there AS (
    SELECT *, exp(sum(ln(greatest(1 - gone / risk, 1e-12)))
        OVER (PARTITION BY stage, after ORDER BY days)) AS there FROM risked
), flows AS (
    SELECT *, coalesce(lag(there) OVER (PARTITION BY stage, after ORDER BY days), 1) / risk AS each
    FROM left_there
), later AS (
    SELECT stage, after, sum(each * won) AS chance FROM flows WHERE after >= 0 GROUP BY ALL
), come AS (
    SELECT flows.*, each * (flows.won + moved * coalesce(later.chance, 0)) AS come
    FROM flows ASOF LEFT JOIN later ON flows.stage = later.stage AND days >= later.after
    WHERE flows.after = -1
), bands AS (
    SELECT stage, days, (sum(come) OVER (PARTITION BY stage ORDER BY days DESC) - come) / there
        AS chance FROM come QUALIFY risk - n >= 10
)"""

# What is to come in the month that runs: a deal's chance is that of its stage and time in it.
EXPECTED = f"""
WITH stays AS (
    SELECT h.deal_id, h.stage, entered_at::DATE AS since, status, closed_at,
        coalesce(lead(since) OVER (PARTITION BY deal_id ORDER BY entered_at, h.stage), closed_at)
            AS gone,
    FROM '{{folder}}/stage_history.parquet' AS h JOIN '{{folder}}/deals.parquet' USING (deal_id)
), spells AS ({SPELLS}), {LAW.replace("{stop}", "DATE '{tomorrow}'")}, now AS (
    SELECT deal_id, stage, DATE '{{as_of}}' - since AS days FROM stays
    WHERE since < DATE '{{last}}' AND gone IS NULL
), said AS (
    SELECT deal_id, expected_close AS due FROM '{{folder}}/close_date_history.parquet'
    QUALIFY row_number() OVER (PARTITION BY deal_id ORDER BY changed_at DESC, due DESC) = 1
), due AS (
    SELECT deal_id, team, amount, coalesce(due, expected_close) AS due,
    {_JOINED} LEFT JOIN said USING (deal_id) WHERE status = 'open'
)
SELECT date_trunc('month', DATE '{{as_of}}') AS month, team, count(*) AS n,
    sum(amount * chance) AS value, sum(amount ** 2 * chance * (1 - chance)), sum(amount),
FROM due LEFT JOIN now USING (deal_id) LEFT JOIN bands USING (stage, days)
WHERE due >= month AND due < DATE '{{last}}' GROUP BY ALL"""

QUERIES = {"sales_velocity": VELOCITY, "expected_wins": EXPECTED}
