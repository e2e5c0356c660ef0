"""Beside the target and beside the market at once: hold, act, or move the target."""

from __future__ import annotations

from typing import Any

import pandas as pd

from kpi_helpers.benchmarking.market import SALES, US, WRONG
from kpi_helpers.benchmarking.peers import AHEAD, BEHIND, LEVEL, beside
from kpi_helpers.compare import compare
from kpi_helpers.compare.beside import TARGET
from kpi_helpers.errors import Unavailable
from kpi_helpers.language import Phrase
from kpi_helpers.sources.dataset import Dataset

DECIDED = {
    ("met", AHEAD): "hold",
    ("missed", BEHIND): "act",
    ("met", BEHIND): "raise_target",
    ("missed", AHEAD): "revise_target",
}
COLUMNS = ["kpi", "label", "unit", "period", "start", "end", "value", "target", "target_verdict"]
COLUMNS += ["certainty", "market_value", "market", "market_verdict", "holds"]


def verdicts(data: Dataset, gaps: pd.DataFrame | None, gains: pd.DataFrame | None) -> pd.DataFrame:
    """Judge what has a target and a market to stand beside; neither alone says what to do.

    Parameters
    ----------
    data
        A data set with targets.
    gaps, gains
        What `kpi_helpers.benchmarking` returns under these names, or None. The market of a KPI is
        the median of its peers; that of our revenue of the last full year, our share the year
        before.

    Returns
    -------
    pandas.DataFrame
        A row a KPI: ``value, target, target_verdict, certainty`` (see `kpi_helpers.compare`),
        ``market_value`` (the value, or our share), ``market, market_verdict`` (``ahead``,
        ``behind``, ``level``), ``holds`` (the same with a market 10 % lower and higher) and
        ``verdict``: ``hold`` (ahead of both), ``act`` (behind both), ``raise_target`` (only the
        market is ahead), ``revise_target`` (only the target is), ``open`` (one cannot be told).

    Raises
    ------
    Unavailable
        When nothing has both.
    """
    placed = pd.DataFrame() if gaps is None else gaps[gaps["middle"].notna()]
    rows = [_of_peers(row) for row in placed.to_dict("records")]
    ours = gains if gains is None else gains[gains["kind"].eq(US) & gains["metric"].eq(SALES)]
    for gained in [] if ours is None else ours.to_dict("records"):
        side = AHEAD if gained["gain"] > 0 else BEHIND if gained["gain"] < 0 else LEVEL
        told = {"market_value": gained["after"], "market": gained["before"]}
        told |= {"market_verdict": side, "holds": gained["holds"]}
        revenue = compare(data, "revenue", str(gained["period"]), TARGET)
        rows += revenue.assign(**told).to_dict("records")
    found = pd.DataFrame(rows, columns=COLUMNS)
    found = found[found["target_verdict"] != "none"].reset_index(drop=True)
    if found.empty:
        raise Unavailable(what=Phrase("market.verdicts"), needs="targets, benchmarks")
    pairs = zip(found["target_verdict"], found["market_verdict"], strict=True)
    return found.assign(verdict=[DECIDED.get(pair, "open") for pair in pairs])


def _of_peers(row: dict[Any, Any]) -> dict[Any, Any]:
    tried = {beside(row, row["middle"] * (1 + side)) for side in (-WRONG, WRONG)}
    told = {"market_value": row["value"], "market": row["middle"]}
    return row | told | {"holds": tried == {row["market_verdict"]}}
