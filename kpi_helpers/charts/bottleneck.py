"""What can be gained at each step, what is lost there, and what levers would bring, as bars."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

import pandas as pd

from kpi_helpers import wording
from kpi_helpers.charts.bars import bars
from kpi_helpers.charts.reader import Options, Reader
from kpi_helpers.language import text
from kpi_helpers.wording.bottleneck import step_rows

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def achievable_gains(
    found: pd.DataFrame, ax: Axes | None = None, **options: Unpack[Options]
) -> Figure:
    """Draw what can be gained at each step.

    Parameters
    ----------
    found : DataFrame
        What `kpi_helpers.funnel.bottlenecks` returns; `leak` and `levers` for the next two.
    ax : Axes, optional
        Where to draw; by default a new figure.
    **options
        See `kpi_helpers.charts.Options`.
    """
    reader = Reader(**options)
    rows = step_rows(found, reader.lang, reader.terms)
    kinds = [text(f"funnel.measures.{each}", reader.lang) for each in found["measure"]]
    rows["step"] = [f"{step} ({kind})" for step, kind in zip(rows["step"], kinds, strict=True)]
    return _drawn(
        rows[rows["value"] > 0], wording.bottleneck_findings(found, *_look(reader)), ax, options
    )


def lost_values(found: pd.DataFrame, ax: Axes | None = None, **options: Unpack[Options]) -> Figure:
    """Draw what was lost at each step; as for `achievable_gains`."""
    reader = Reader(**options)
    rows = step_rows(found[found["reason"].isna()], reader.lang, reader.terms)
    return _drawn(rows, wording.leak_findings(found, *_look(reader)), ax, options)


def lever_bars(found: pd.DataFrame, **options: Unpack[Options]) -> Figure:
    """Draw what each lever changes in this quarter and in the next; as for `achievable_gains`."""
    reader = Reader(**options)
    moved = found[found["lever"] != "base"].assign(step=found["lever"], value=found["change"])
    periods = [reader.told(row).period() for row in moved.to_dict("records")]
    rows = step_rows(moved, reader.lang, reader.terms).assign(
        kpi=periods,
        label=[text("funnel.panels.lever", reader.lang, period=each) for each in periods],
        **{"low": float("nan"), "high": float("nan")},
        **{"start": found["start"].min(), "end": found["end"].max()},
        period=":".join(found["period"].unique()),
    )
    title = wording.levers_findings(found, *_look(reader))["sentence"].iloc[1]
    options["title"] = reader.title or title
    return bars(rows, "step", **options)


def _drawn(rows: pd.DataFrame, told: pd.DataFrame, ax: Axes | None, options: Any) -> Figure:
    titled = options | {"title": options.get("title") or told["sentence"].iloc[0]}
    return bars(rows, "step", axes=[] if ax is None else [ax], **titled)


def _look(reader: Reader) -> tuple[Any, ...]:
    return reader.lang, reader.terms, reader.currency
