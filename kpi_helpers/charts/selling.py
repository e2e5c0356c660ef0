"""What channels bring, why deals are lost and to whom, and what BANT scores promise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import numpy as np
import pandas as pd

from kpi_helpers import wording
from kpi_helpers.catalogue import HIGHER
from kpi_helpers.charts.bars import bars
from kpi_helpers.charts.dumbbell import dumbbell
from kpi_helpers.charts.reader import Options, Reader
from kpi_helpers.funnel.channels import STEPS
from kpi_helpers.language import nouns, text
from kpi_helpers.measure.judge import ENOUGH, FEW, INDICATIVE, INSUFFICIENT, OK
from kpi_helpers.periods.period import span
from kpi_helpers.units import MONEY, PERCENT

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def source_bars(channels: pd.DataFrame, **options: Unpack[Options]) -> Figure:
    """Draw what each channel leaves after its media cost, and how many of its leads buy.

    Parameters
    ----------
    channels : DataFrame
        What `kpi_helpers.funnel.channels` returns.
    **options
        See `kpi_helpers.charts.Options`.
    """
    rows = channels.sort_values(["net", "won_rate"], ascending=False)
    left = _tidy(rows, "net", MONEY, rows["leads"], options)
    ends = {"won_low": "won_rate_low", "won_high": "won_rate_high"}
    won = _tidy(rows.rename(columns=ends), "won_rate", PERCENT, rows["leads"], options)
    won["kpi"] = STEPS["won"]
    drawn = pd.concat([left, won]) if left["value"].notna().any() else won
    return bars(drawn, "channel", **_titled(channels, "channels", options))


def loss_bars(losses: pd.DataFrame, **options: Unpack[Options]) -> Figure:
    """Draw each reason's share of the amount of lost deals; without amounts, of the deals.

    Parameters
    ----------
    losses : DataFrame
        What `kpi_helpers.funnel.losses` returns.
    **options
        As for `source_bars`.
    """
    of = "money_share" if losses["money_share"].notna().any() else "value"
    rows = losses.rename(columns={"low": "value_low", "high": "value_high"})
    drawn = _tidy(rows, of, PERCENT, rows["k"], options)
    return bars(drawn, "reason", **_titled(losses, "losses", options))


def rival_bars(rivals: pd.DataFrame, **options: Unpack[Options]) -> Figure:
    """Draw how often we win against each competitor.

    Parameters
    ----------
    rivals : DataFrame
        What `kpi_helpers.funnel.rivals` returns.
    **options
        As for `source_bars`.
    """
    titled = _titled(rivals, "rivals", options)
    return bars(rivals.drop(columns="p_value"), "competitor", **titled)


def score_pairs(scores: pd.DataFrame, **options: Unpack[Options]) -> Figure:
    """Draw what came of each BANT score below what it promised, the rate of the year before.

    Parameters
    ----------
    scores : DataFrame
        The ``scores`` that `kpi_helpers.funnel.bant` returns.
    **options
        As for `source_bars`.
    """
    lang, points = Reader(**options).lang, scores["points"]
    said = {n: text("selling.score", lang, n=float(n), points=n) for n in points.dropna()}
    named = scores.assign(points=points.map(said).fillna(text("selling.incomplete", lang)))
    return dumbbell(named, "points", **_titled(scores, "bant_scores", options))


def _tidy(
    rows: pd.DataFrame, of: str, unit: str, n: pd.Series[float], options: Options
) -> pd.DataFrame:
    """Return a figure of each group and its range as a tidy frame."""
    reader = Reader(**options)
    label = text(f"selling.columns.{of}", reader.lang, **nouns(reader.lang, reader.terms))
    start, end = rows["start"].iloc[0], rows["end"].iloc[0]
    facts = {"kpi": of, "label": label, "unit": unit, "better": HIGHER, "method": "", "note": ""}
    facts |= {"period": span(start, end).name, "start": start, "end": end}
    ends = {end: rows[f"{of}_{end}"] for end in ("low", "high")}
    status = np.select([n < FEW, n < ENOUGH], [INSUFFICIENT, INDICATIVE], OK)
    tidy = rows.iloc[:, :1].assign(**facts, value=rows[of], **ends, n=n)
    return tidy.assign(status=status)


def _titled(found: pd.DataFrame, table: str, options: Options) -> Options:
    """Return the options with the first finding as the title."""
    reader = Reader(**options)
    told = wording.selling_findings(found, table, reader.lang, reader.terms, reader.currency)
    return {**options, "title": reader.title or " ".join(told["sentence"].head(1))}
