"""Where figures are heading, in a sentence: within what range, and how good that was before."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from kpi_helpers.language import Terms, text
from kpi_helpers.measure.judge import MISSING, OK
from kpi_helpers.units import PERCENT, write, write_change
from kpi_helpers.wording.lines import NO_MONEY, Line, Look, finds
from kpi_helpers.wording.told import TIDY, Row, Told

TOLD = 3
# What adds up is told by the quarter; of anything else, the third step.
STEP = 2
BASELINES = ("naive", "seasonal_naive")


@finds("forecasts")
def forecast_findings(ahead: pd.DataFrame, look: Look) -> Sequence[Line]:
    """Return where the first KPIs go, within what range, and what such forecasts missed before.

    Parameters
    ----------
    ahead : DataFrame
        That of `kpi_helpers.forecasting.ahead`.
    """
    rows = ahead.to_dict("records")
    places = [_place(ahead, kpi) for kpi in ahead["kpi"].unique()]
    known = [place for place in places if rows[place]["status"] != MISSING][:TOLD]
    return [
        (_said(rows[place], look), 1 if rows[place]["status"] == OK else 2, [place], NO_MONEY)
        for place in known
    ]


def forecast_title(ahead: pd.DataFrame, kpi: str, look: Look) -> str:
    """Return where a KPI goes, as the title of a chart.

    Parameters
    ----------
    ahead, kpi
        That of `kpi_helpers.forecasting.ahead`, and one of its KPIs.
    look
        How it is told.
    """
    return _ahead(ahead.to_dict("records")[_place(ahead, kpi)], look).rstrip(".")


def told(row: Row, lang: str, terms: Terms | None = None, currency: str = "EUR") -> Told:
    """Return a row of a forecast as it is told, its 80 % limits as its range.

    Parameters
    ----------
    row, lang, terms, currency
        As for `kpi_helpers.wording.sentence`.
    """
    range_ = {"low": row["lo80"], "high": row["hi80"], "method": ""}
    return Told({name: row[name] for name in TIDY if name in row} | range_, lang, terms, currency)


def missed(row: Row, lang: str, currency: str = "EUR") -> str:
    """Return by how much forecasts of the past were off: in percent, or in points of a rate.

    Parameters
    ----------
    row, lang, currency
        As for `told`.
    """
    if row["missed_share"] == row["missed_share"]:
        return write(row["missed_share"], PERCENT, lang, digits=0)
    if row["missed"] != row["missed"]:
        return ""
    return write_change(row["missed"], row["unit"], lang, currency).lstrip("+")


def _place(ahead: pd.DataFrame, kpi: str) -> int:
    """The row that speaks for a KPI."""
    own = ahead[ahead["kpi"] == kpi].index
    quarters = own[ahead.loc[own, "part"] == "quarter"]
    return int(quarters[0] if len(quarters) else own[min(STEP, len(own) - 1)])


def _ahead(row: Row, look: Look) -> str:
    each = told(row, *look)
    return text(
        "wording.forecasts.ahead",
        look.lang,
        what=each.name("dated"),
        figure=each.value(),
        range=each.range(),
    )


def _said(row: Row, look: Look) -> str:
    said = [_ahead(row, look)]
    if row["year_ago"] == row["year_ago"]:
        before = told(row, *look).figure(row["year_ago"])
        said.append(text("wording.forecasts.year_ago", look.lang, figure=before))
    off = missed(row, look.lang, look.currency)
    said += [text("wording.forecasts.missed", look.lang, off=off)] if off else []
    if row["model"] in BASELINES:
        said.append(text(f"wording.forecasts.{row['model']}", look.lang))
    elif row["status"] != OK:
        said.append(text("wording.forecasts.short", look.lang))
    return " ".join(said)
