"""How many cases pass from step to step: sums a period and group, and shares with intervals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from kpi_helpers import intervals
from kpi_helpers.catalogue import HIGHER, find
from kpi_helpers.errors import Unavailable
from kpi_helpers.kpis.settled import divided
from kpi_helpers.measure.judge import ENOUGH, FEW, IMMATURE, INDICATIVE, INSUFFICIENT, MISSING, OK
from kpi_helpers.sources.attempts import AMOUNT, COLUMNS, NUMBER, Asked, Way, sums_of
from kpi_helpers.sources.engine import Rows, frame_of
from kpi_helpers.units import PERCENT

# What is known only of those that got far would make the others disappear.
BLANK = 0.2
# Columns that a tidy frame has not got.
OWN = (
    *("step", "place", "after", "whole", "whole_low", "whole_high", "started", "young", "so_far"),
    *("window", "standing", "naive", "event"),
)
PASSAGE = "stage_conversion"


def counted(con: Any, tried: Rows, way: Way, asked: Asked) -> pd.DataFrame:
    """How many attempts passed each step, of those that have had the time.

    Parameters
    ----------
    con
        Ibis connection.
    tried
        What `attempts` returns, with the columns that ``asked`` names.
    way
        How the attempts were read.
    asked
        What is counted.

    Returns
    -------
    pandas.DataFrame
        A row a period, group and step: the tidy columns, where ``value`` is the share of the step
        before (``numerator`` of ``denominator``; missing for the first step) and ``n`` the cases
        behind it; ``place`` and ``step``; ``whole, whole_low, whole_high``, the share of the first
        step, of ``started``; ``young``, how many (how much) entered too lately to be counted, and
        ``so_far``, those of them that reached the step already. Shares of numbers and of customers
        have Wilson's interval, of amounts that of a ratio of sums.

    Raises
    ------
    UnknownName
        For a unit that is none.
    Unavailable
        Where more than a fifth of those that entered have no amount or customer: what is known
        only of those that got far would say that all do.
    """
    sums = frame_of(con, sums_of(tried, way, asked))
    if (sums["blank"] > BLANK * sums["everyone"]).any():
        raise Unavailable("passages_blank", column=COLUMNS[asked.unit])
    return tidied(sums, way, asked)


def tidied(sums: pd.DataFrame, way: Way, asked: Asked) -> pd.DataFrame:
    """What `counted` returns, of its sums (`kpi_helpers.sources.attempts.sums_of`)."""
    spans = pd.DataFrame({"span": range(len(asked.spans))})
    sums = sums.dropna(subset="span") if asked.by else spans.merge(sums, how="left", on="span")
    sums = sums.sort_values(["span", *asked.by], ignore_index=True)
    numbers = [name for name in sums.columns if name not in asked.by]
    sums[numbers] = sums[numbers].astype("float64").fillna(0.0)
    frames = [_step(sums, place, way, asked) for place in range(len(way.steps))]
    return pd.concat(frames).sort_index(kind="stable").reset_index(drop=True)


def _step(sums: pd.DataFrame, place: int, way: Way, asked: Asked) -> pd.DataFrame:
    """The rows of one step; its index is that of the sums."""

    def of(name: str, at: int) -> Any:
        return sums[f"{name}_{at}"].to_numpy(float)

    before, (x, first) = max(place - 1, 0), (of("old_x", place), of("old_x", 0))
    n, young = of("old_n", before), of("young_x", 0)
    passed = _share(sums, place, before, asked.unit) if place else [np.full(len(n), np.nan)] * 3
    whole = _share(sums, place, 0, asked.unit)
    spans = [asked.spans[int(at)] for at in sums["span"]]
    at_fault = np.isnan(whole[0]) & (first > 0)
    few = [at_fault, n >= ENOUGH, n >= FEW, n > 0, of("young_n", 0) > 0]
    columns = {
        **{"kpi": PASSAGE, "label": find(PASSAGE).label("en"), "unit": PERCENT, "better": HIGHER},
        "period": [span.name for span in spans],
        "start": pd.to_datetime([span.start for span in spans]),
        "end": pd.to_datetime([span.end for span in spans]),
        **{name: sums[name] for name in asked.by},
        **{"step": way.steps[place], "place": place},
        **dict(zip(("value", "low", "high"), passed, strict=True)),
        **{"numerator": x, "denominator": of("old_x", before), "n": n},
        **dict(zip(("whole", "whole_low", "whole_high"), whole, strict=True)),
        **{"started": first, "young": young, "so_far": of("young_x", place)},
        "method": "delta" if asked.unit == AMOUNT else "wilson",
        "status": np.select(few, [MISSING, OK, INDICATIVE, INSUFFICIENT, IMMATURE], MISSING),
        **{"note": "", "spread": np.nan, "pace": 0.0, "ages": None, "covered": True},
        "adds": asked.unit == NUMBER,
    }
    if "standing_0" in sums:
        columns["standing"] = of("standing", place)
    return pd.DataFrame(columns, index=sums.index)


def _share(sums: pd.DataFrame, place: int, before: int, unit: str) -> list[Any]:
    """What came so far as a share of what came to an earlier step, with its interval."""
    names = ("n", "x") if unit != AMOUNT else ("n", "x", "xx")
    part, whole = (
        {n: sums[f"old_{n}_{at}"].to_numpy(float) for n in names} for at in (place, before)
    )
    # More than came before is a fault of what was counted, such as pages for visits.
    part["x"] = np.where(part["x"] <= whole["x"], part["x"], np.nan)
    value = divided(part["x"], whole["x"])
    if unit != AMOUNT:
        return [value, *intervals.wilson(part["x"], whole["x"])]
    # An amount came so far or did not: the product of both is the square of the part.
    limits = intervals.ratio(whole["n"], part["x"], whole["x"], part["xx"], whole["xx"], part["xx"])
    return [value, *limits]
