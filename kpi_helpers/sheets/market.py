"""Sources, the market, peers, perception and verdicts, as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from kpi_helpers.benchmarking.market import US
from kpi_helpers.language import Terms, text
from kpi_helpers.sheets.table import CHANGE, OWN, Form, build, listed, noted
from kpi_helpers.units import COUNT, MONEY, MONTHS, PERCENT, POINTS, SCORE, TIMES, write
from kpi_helpers.wording import with_sellers

if TYPE_CHECKING:
    from great_tables import GT

NAME, MOST = "", 12
OURS = {"label": NAME, "value": OWN}
TABLES = {
    "sources": dict.fromkeys(("source", "metric", "definition", "perimeter"), NAME)
    | {"age": MONTHS, "confidence": NAME, "rows": COUNT, "reason": NAME},
    "context": OURS | dict.fromkeys(("published", "publisher", "definition", "differs"), NAME),
    "concentration": {"period": NAME, "market": OWN, "share": PERCENT, "leader": NAME}
    | {"leader_share": PERCENT, "relative": TIMES, "hhi_low": COUNT, "hhi_high": COUNT}
    | {"part": NAME},
    "arrivals": {"period": NAME, "named": COUNT, "came": NAME, "went": NAME},
    "gains": {"entity": NAME, "before": PERCENT}
    | {"after": PERCENT, "gain": POINTS, "market_effect": OWN, "share_effect": OWN}
    | {"share_of_growth": PERCENT, "index": COUNT, "seen": NAME, "holds": NAME},
    "gaps": OURS
    | {"reference": OWN, "best": OWN, "best_entity": NAME, "to_best": CHANGE, "reach": MONEY},
    "places": OURS
    | {"middle": OWN, "place": PERCENT, "peers": COUNT, "estimated": NAME, "told": NAME},
    "peers": {"unit_name": NAME, "group": NAME, "value": OWN, "middle": OWN, "best": OWN}
    | {"best_entity": NAME, "peers": COUNT, "place": PERCENT},
    "perception": {"attribute": NAME, "subject": NAME, "n": COUNT, "value": SCORE}
    | {"reference": SCORE, "change": SCORE, "importance": SCORE, "change_verdict": NAME},
    "verdicts": OURS
    | {"target": OWN, "target_verdict": NAME, "market_verdict": NAME, "holds": NAME}
    | {"verdict": NAME},
}
LIMITS = {table: {"value": ""} for table in ("context", "gaps", "places", "peers", "verdicts")}
LIMITS |= {"gains": {"after": "share_"}}


def market(
    found: pd.DataFrame, table: str, lang: str, terms: Terms | None = None, currency: str = "EUR"
) -> GT:
    """Show what `kpi_helpers.benchmarking` found.

    Parameters
    ----------
    found : DataFrame
        What the function of `kpi_helpers.benchmarking` named as the table returns.
    table : str
        One of ``sources``, ``context``, ``concentration`` and ``arrivals`` (what
        ``concentration`` returns), ``gains``, ``gaps`` and ``places`` (what
        ``gaps`` returns), ``peers``, ``perception`` and ``verdicts``.
    lang, terms, currency
        As for `kpi_helpers.wording.sentence`.
    """
    form = Form("market", TABLES[table], LIMITS.get(table, {}))
    return listed(with_sellers(found, lang), table, form, (lang, terms, currency))


def shares(sold: pd.DataFrame, lang: str, terms: Terms | None = None, currency: str = "EUR") -> GT:
    """Show the share of the largest sellers year by year, ours first.

    Parameters
    ----------
    sold : DataFrame
        What `kpi_helpers.benchmarking.sellers` returns, of which the first metric is shown.
    lang, terms, currency
        As for `kpi_helpers.wording.sentence`.
    """
    rows = with_sellers(sold[sold["metric"].isin(sold["metric"].head(1))], lang)
    years = rows.groupby("period", sort=False)["part"].first()
    table = rows.pivot_table("value", ["kind", "entity"], "period", "sum", min_count=1)
    size = table.max(axis=1).where(table.index.get_level_values("kind") != US, np.inf)
    kept = table.loc[size.sort_values(ascending=False, kind="stable").index[:MOST]]
    lines = [
        {"entity": entity} | {year: write(row[year], PERCENT, lang) for year in years.index}
        for entity, row in kept.droplevel("kind").iterrows()
    ]
    heads = {
        str(year): text("market.some_months", lang, year=year) if part else str(year)
        for year, part in years.items()
    }
    heads["entity"] = text("market.columns.entity", lang)
    made = build("sellers", lines, lang, heads, list(years.index))
    return noted(made, text("market.notes.sellers", lang, most=MOST))
