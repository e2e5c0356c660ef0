"""Open deals that no longer move, as a list."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from kpi_helpers.language import Terms, nouns, text
from kpi_helpers.sheets.table import NOTHING, absent, build, noted, plain, records
from kpi_helpers.units import COUNT, MONEY, PERCENT, write, write_date

if TYPE_CHECKING:
    from great_tables import GT

COLUMNS = ("deal", "owner", "stage", "amount", "chance", "expected", "why", "last", "next")
WHY = ("days_over", "days_late", "days_quiet")


def stalled(
    judged: pd.DataFrame,
    lang: str,
    currency: str = "EUR",
    terms: Terms | None = None,
    limit: int = 6,
) -> GT:
    """Show the stalled deals of which most is expected, why each is one, and what comes next.

    Parameters
    ----------
    judged : DataFrame
        What `kpi_helpers.funnel.stalled` returns.
    lang, currency, terms
        As for `kpi_helpers.sheets.scorecard`.
    limit : int
        Most rows; the others are counted under the table.
    """
    found, words = judged[judged["next"] != "moving"], nouns(lang, terms)
    lines = [
        {
            "deal": " · ".join(filter(None, (plain(row["deal_id"]), plain(row["deal_name"])))),
            "owner": plain(row["owner"]),
            "stage": plain(row["stage"]),
            **{
                of: NOTHING if absent(row[of]) else write(row[of], unit, lang, currency)
                for of, unit in (("amount", MONEY), ("chance", PERCENT), ("expected", MONEY))
            },
            "why": "\n".join(
                text(f"pipeline.{why}", lang, n=int(row[why]))
                for why in WHY
                if not absent(row[why])
            ),
            "last": "" if absent(row["last_activity"]) else write_date(row["last_activity"], lang),
            "next": text(f"pipeline.next.{row['next']}", lang),
        }
        for row in records(found.head(limit))
    ]
    headings = {name: text(f"pipeline.columns.{name}", lang, **words) for name in COLUMNS}
    table = build("stalled", lines, lang, headings, ("amount", "chance", "expected"))
    rate = write(judged["win_rate"].iloc[0], PERCENT, lang)
    counts = {"shown": write(len(lines), COUNT, lang), "n": write(len(found), COUNT, lang)}
    return noted(table, text("pipeline.rule", lang, rate=rate, **counts, **words))
