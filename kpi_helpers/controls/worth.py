"""Levers of a customer: what one costs and leaves when churn, basket, margin or cost move."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from kpi_helpers import charts, customers, wording
from kpi_helpers.controls.control import Control, refused
from kpi_helpers.controls.fields import choice, slider
from kpi_helpers.controls.shown import Shown
from kpi_helpers.controls.views import look_of
from kpi_helpers.customers.levers import HORIZONS
from kpi_helpers.errors import KpiError
from kpi_helpers.kpis.lifetime import HORIZON
from kpi_helpers.language import nouns, text
from kpi_helpers.sheets.economics import payback
from kpi_helpers.sheets.table import within
from kpi_helpers.sources import Dataset
from kpi_helpers.units import MONEY, TIMES
from kpi_helpers.wording.told import plain

Factors = Mapping[str, float]
FIGURES = {"cac": MONEY, "value": MONEY, "ratio": TIMES}
ENDS, STEP = (0.25, 2.0), 0.05


class Ready(NamedTuple):
    """What the levers start from."""

    worth: customers.Worth
    look: Mapping[str, Any]
    as_of: dt.date


def ready(data: Dataset, period: str = "last") -> Ready:
    """Ask once for what `valued` starts from; as for `kpi_helpers.customers.worth`."""
    return Ready(customers.worth(data, period), look_of(data), data.as_of)


def valued(
    data: Dataset | Ready, channel: str = "", factors: Factors | None = None, months: int = 0
) -> Shown:
    """Show what a customer costs and leaves with levers, beside things as they are.

    Parameters
    ----------
    data
        A data set of `kpi_helpers.load` with spend and orders or contracts, or its `ready`.
    channel, factors, months
        As for `kpi_helpers.customers.with_levers`, whose rows are the ``frame``.

    Examples
    --------
    >>> import kpi_helpers as kh
    >>> shown = valued(kh.load("data/sample"), "Salons", {"cac": 0.5})
    >>> shown.frame["verdict"].tolist()
    ['scale', 'scale']
    """
    start = data if isinstance(data, Ready) else ready(data)
    lang = start.look["lang"]
    found = customers.with_levers(start.worth, channel, factors, months)
    is_moved = any(by != 1 for by in (factors or {}).values())
    found = found if is_moved else found.head(1)
    said = tuple(wording.worth_findings(found, **start.look)["sentence"])
    names = {each: text(f"controls.worth.{each}", lang) for each in ("base", "together")}
    drawn = found.assign(channel=found["lever"].map(names))
    options = {"as_of": start.as_of, "title": said[0], **start.look}
    figure = charts.value_against_cost(drawn, **options)
    return Shown(said, _figures(found.iloc[-1].to_dict(), start.look), figure, None, found)


def worth(data: Dataset, period: str = "last", folder: Path | None = None, **begin: Any) -> Control:
    """Make the control of `valued`: a slider a lever, the channel, the months that count.

    Parameters
    ----------
    data, **begin
        As for `valued`; the fields begin with these.
    period, folder
        As for `kpi_helpers.customers.economics`, and for `kpi_helpers.controls.Control`.
    """
    lang = data.config.lang
    try:
        start = ready(data, period)
    except KpiError as error:
        return refused(error, lang, "worth")
    rows, words = start.worth.rows, nouns(lang, data.config.terms)
    named = {
        name: text(f"controls.worth.{name}", lang, **words)
        for name in ("channel", "months", *start.worth.levers)
    }
    channels = {text("economics.all", lang, **words): ""}
    known = rows.loc[(rows["basis"] == "media") & rows["value"].notna(), "channel"].unique()
    channels |= {plain(channel): channel for channel in known}
    spans = (*HORIZONS, 48, HORIZON) if start.worth.contract else HORIZONS
    usual = HORIZON if start.worth.contract else HORIZONS[1]
    made = {
        "channel": choice(named["channel"], channels, ""),
        "factors": {each: slider(named[each], 1.0, *ENDS, STEP) for each in start.worth.levers},
        "months": choice(named["months"], {f"{each}": each for each in spans}, usual),
    }
    control = Control(partial(valued, start), made, lang, "worth", folder)
    control.restore(data.config.workshop.get("worth", {}))
    control.set(**begin)
    return control


def _figures(row: dict[Any, Any], look: Mapping[str, Any]) -> dict[str, str]:
    """What scenarios are compared by: the cost, the value, their quotient, the payback."""
    lang, words = look["lang"], nouns(look["lang"], look["terms"])
    named = {of: text(f"economics.columns.{of}", lang, **words) for of in (*FIGURES, "payback")}
    shown = {
        named[of]: within(row, of, unit, lang, look["currency"]) for of, unit in FIGURES.items()
    }
    return {of: said or "–" for of, said in {**shown, named["payback"]: payback(row, lang)}.items()}
