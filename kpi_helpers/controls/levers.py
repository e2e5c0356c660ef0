"""Levers of the funnel: what more leads, better steps, less time or larger amounts would bring."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from kpi_helpers import charts, funnel, sheets, wording
from kpi_helpers.controls.control import Control, refused
from kpi_helpers.controls.fields import number, slider
from kpi_helpers.controls.shown import Shown
from kpi_helpers.controls.views import look_of
from kpi_helpers.errors import KpiError
from kpi_helpers.funnel.whatif import WON
from kpi_helpers.language import text
from kpi_helpers.measure.targets import target_values
from kpi_helpers.periods import label
from kpi_helpers.sources import Dataset
from kpi_helpers.sources.dataset import Where
from kpi_helpers.units import PERCENT, write
from kpi_helpers.wording.bottleneck import step_name
from kpi_helpers.wording.told import Told

Factors = Mapping[str, float]
ENDS = {"volume": (0.25, 3.0), "cycle": (0.5, 2.0), "amount": (0.5, 2.0)}
RATE, STEP, MOST = (0.5, 2.0), 0.05, 1e12


class Ready(NamedTuple):
    """What the levers start from; ``ask`` gives the answers of `what_if`, and remembers them."""

    prepared: funnel.Prepared
    targets: tuple[float, float]
    look: Mapping[str, Any]
    as_of: dt.date
    ask: Callable[..., pd.DataFrame]


def ready(data: Dataset, where: Where = None) -> Ready:
    """Ask once for what `levered` starts from; as for `kpi_helpers.funnel.outlook`."""
    prepared, held = funnel.outlook(data, where), dict[str, pd.DataFrame]()
    now, then = (target_values(data, WON, each, (), where).item() for each in prepared.periods)

    def ask(**factors: Any) -> pd.DataFrame:
        key = repr(factors)
        if key not in held:
            held[key] = funnel.what_if(prepared, **factors)
        return held[key]

    return Ready(prepared, (now, then), look_of(data), data.as_of, ask)


def levered(
    data: Dataset | Ready,
    volume: float = 1.0,
    rates: Factors | None = None,
    cycle: float = 1.0,
    amount: float = 1.0,
    target: float | None = None,
) -> Shown:
    """Show what levers would bring in this quarter and in the next, beside things as they are.

    Parameters
    ----------
    data
        A data set of `kpi_helpers.load` with deals, or what `ready` makes of one.
    volume, rates, cycle, amount
        Factors, as for `kpi_helpers.funnel.what_if`.
    target
        What this quarter is to bring; by default what the data set says, with 0 nothing.

    Returns
    -------
    Shown
        ``frame``: the rows of `kpi_helpers.funnel.levers`: the ``base``, each lever that is moved
        and, where there are several, all ``together``; with ``target`` and its ``chance``.

    Examples
    --------
    >>> import kpi_helpers as kh
    >>> shown = levered(kh.load("data/sample"), cycle=0.9, amount=1.1)
    >>> shown.frame["lever"].unique().tolist()
    ['base', 'cycle', 'amount', 'together']
    """
    start = data if isinstance(data, Ready) else ready(data)
    found = _found(start, {"volume": volume, "cycle": cycle, "amount": amount}, rates)
    aims = (start.targets[0] if target is None else target or np.nan, start.targets[1])
    found["target"] = np.tile(aims, len(found) // 2)
    found["chance"] = funnel.chance_of(found, found["target"])
    told = wording.moved_findings(found, **start.look)["sentence"]
    ends = pd.concat([found.head(2), found.tail(2)]).drop_duplicates(["lever", "period"])
    figure = charts.lever_ranges(ends, as_of=start.as_of, title=told.iloc[0], **start.look)
    table = sheets.levers(found, **start.look)
    return Shown(tuple(told), _figures(found.tail(2), start.look), figure, table, found)


def levers(data: Dataset, where: Where = None, folder: Path | None = None, **begin: Any) -> Control:
    """Make the control of `levered`: a slider a lever, and the target of this quarter.

    Parameters
    ----------
    data, **begin
        As for `levered`; the levers begin with these.
    where, folder
        As for `kpi_helpers.funnel.outlook`, and for `kpi_helpers.controls.Control`.
    """
    try:
        start = ready(data, where)
    except KpiError as error:
        return refused(error, data.config.lang, "levers")
    lang, terms = start.look["lang"], start.look["terms"]
    named = partial(step_name, lang=lang, terms=terms)
    made: dict[str, Any] = {
        lever: slider(named(lever), 1.0, *ends, STEP) for lever, ends in ENDS.items()
    }
    made["rates"] = {
        step: slider(text("controls.levers.rate", lang, step=named(step)), 1.0, *RATE, STEP)
        for step in funnel.losing_steps(start.prepared)
    }
    period = label(start.prepared.periods[0], lang)
    aim = text("controls.levers.target", lang, period=period)
    made["target"] = number(aim, float(np.nan_to_num(start.targets[0])), 0.0, MOST, 1.0)
    control = Control(partial(levered, start), made, lang, "levers", folder)
    # What was saved in a meeting, but for the target of the quarter that it was held in.
    saved = data.config.workshop.get("levers", {})
    control.restore({name: value for name, value in saved.items() if name != "target"})
    control.set(**begin)
    return control


def _found(start: Ready, factors: Factors, rates: Factors | None) -> pd.DataFrame:
    """The answers for no lever, for each that is moved, and for all of them."""
    asked: dict[str, tuple[float, dict[str, Any]]] = {"base": (1.0, {})}
    asked |= {name: (by, {name: by}) for name, by in factors.items() if by != 1}
    moved = {name: by for name, by in (rates or {}).items() if by != 1}
    asked |= {step: (by, {"rates": {step: by}}) for step, by in moved.items()}
    if len(asked) > 2:
        asked["together"] = (np.nan, {**factors, "rates": moved})
    return funnel.beside_base({name: (by, start.ask(**own)) for name, (by, own) in asked.items()})


def _figures(rows: pd.DataFrame, look: Mapping[str, Any]) -> dict[str, str]:
    """What scenarios are compared by: what each quarter brings, and the chance of its target."""
    shown, lang = dict[str, str](), look["lang"]
    for row in rows.to_dict("records"):
        told = Told(row, **look)
        won, chance = (
            text(f"controls.levers.{key}", lang, period=told.period()) for key in ("won", "chance")
        )
        shown[won] = f"{told.figure(row['value'])} ({told.range()})"
        if row["target"] > 0:
            shown[chance] = write(row["chance"], PERCENT, lang, digits=0)
    return shown
