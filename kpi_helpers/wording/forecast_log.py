"""What is said of past forecasts, beside what came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from kpi_helpers.language import text, texts
from kpi_helpers.units import COUNT, PERCENT, POINTS, write
from kpi_helpers.wording.lines import NO_MONEY, Line, Look, finds

FEWEST, KNOWN, FEW = 5, 0, 2


@finds("forecast_accuracy")
def accuracy_findings(found: pd.DataFrame, look: Look) -> Sequence[Line]:
    """Return how good forecasts of the first KPI were, and how often all ranges held.

    Of its forecasts those of the nearest quarter are told, where there are enough of them.

    Parameters
    ----------
    found : DataFrame
        What `kpi_helpers.forecasting.accuracy` returns.
    """
    lang = look.lang
    own = found[found["kpi"] == found["kpi"].iloc[0]].reset_index(drop=True)
    order = pd.DataFrame({"many": own["n"] >= FEWEST, "quarter": own["grain"] == "quarter"})
    place = int(order.assign(near=-own["nearest"]).apply(tuple, axis=1).argmax())
    row = own.loc[place].to_dict()
    said = text("forecast_log.missed", lang, **accuracy_said(row, lang))
    lines = [_line(said, row["n"], [place], lang)]
    if len(found) > 1:
        counts = {of: write(found[of].sum(), COUNT, lang) for of in ("within", "ranged")}
        said = text("forecast_log.all", lang, **counts)
        lines.append(_line(said, int(found["n"].sum()), range(len(found)), lang))
    return lines


def _line(said: str, n: int, rows: Sequence[int], lang: str) -> Line:
    if n >= FEWEST:
        return said, KNOWN, rows, NO_MONEY
    return said + text("forecast_log.few", lang), FEW, rows, NO_MONEY


def accuracy_said(row: Mapping[Any, Any], lang: str) -> dict[str, str]:
    """Return the parts of a row of `kpi_helpers.forecasting.accuracy` as they are written."""
    counts = {of: write(row[of], COUNT, lang) for of in ("n", "within", "ranged")}
    ends = {of: write(row[of], COUNT, lang) for of in ("nearest", "farthest")}
    grain, near = row["grain"], row["nearest"]
    keys = (f"forecast_log.{grain}_{near}", f"forecast_log.{grain}", "forecast_log.other")
    known = texts(lang)
    names = [f"{of}.{row['made_by']}" for of in ("sheets.forecasts.models", "forecast_log.methods")]
    size = _size(abs(row["bias"]), row["unit"], lang)
    side = "low" if row["bias"] < 0 else "high"
    side = "none" if size == _size(0.0, row["unit"], lang) else side
    return {
        **counts,
        "name": str(row["label"]),
        "which": text(next(key for key in keys if key in known), lang, **ends),
        "missed": _size(row["missed"], row["unit"], lang),
        "bias": text(f"forecast_log.{side}", lang, size=size),
        "made_by": next((str(known[key]) for key in names if key in known), str(row["made_by"])),
    }


def _size(value: float, unit: str, lang: str) -> str:
    """Write an error: of a rate in points, of a score in its unit, else as a share of what came."""
    if unit == PERCENT:
        return write(100 * value, POINTS, lang)
    return write(value, unit if unit in (POINTS, "score") else PERCENT, lang)
