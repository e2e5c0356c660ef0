"""The KPI wizard: what the business is, the few KPIs that fit it, those a person takes instead."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import ipywidgets as widgets
import pandas as pd

from kpi_helpers import sheets
from kpi_helpers.actions.keeping import number_of
from kpi_helpers.catalogue import REGISTRY
from kpi_helpers.controls.control import Control
from kpi_helpers.controls.fields import choice, words
from kpi_helpers.controls.shown import Shown
from kpi_helpers.errors import BadInput
from kpi_helpers.language import Phrase, text
from kpi_helpers.reports import save
from kpi_helpers.reports.agreed import TARGETS, kept
from kpi_helpers.reports.places import CONFIG
from kpi_helpers.selection import CHOSEN, LEAST, MOST, ROLES, presets, selection
from kpi_helpers.selection.business import ASKED
from kpi_helpers.selection.gates import VANITY
from kpi_helpers.sources import Dataset
from kpi_helpers.units import PERCENT, write
from kpi_helpers.wording.selection import business_said
from kpi_helpers.wording.told import Said

SLOTS = tuple(f"{n}" for n in range(1, MOST + 1))
Slots = Mapping[str, str]


def chosen(
    data: Dataset,
    kpis: Slots | None = None,
    targets: Slots | None = None,
    target_period: str = "",
    period: str = "last",
    where: str = "",
    **business_is: str,
) -> Shown:
    """Show which KPIs are chosen and rejected, and why.

    Parameters
    ----------
    data, period, where, **business_is
        As for `kpi_helpers.selection`.
    kpis
        Place → id of a KPI that a person takes; where all are empty, those that fit.
    targets
        Place → what is aimed at, as a person writes it: rates in percent.
    target_period
        The period of the targets.

    Returns
    -------
    Shown
        What is lacking among those chosen; ``frame`` is that of `kpi_helpers.selection`, with the
        ``target`` of each.

    Raises
    ------
    KpiError
        As `kpi_helpers.selection`; `BadInput` for a target that is no number.
    """
    lang, config = data.config.lang, data.config
    aims = _aims(kpis or {}, targets or {})
    taken = tuple(dict.fromkeys(each for each in (kpis or {}).values() if each))
    asked = (period, where or None, taken, tuple(sorted(business_is.items())))
    found = data.remember(("selection", *asked), lambda: selection(data, *asked[:3], **business_is))
    found = found.assign(target=found["kpi"].map(aims).astype(float))
    if target_period:
        config.calendar.parse(target_period)
    look = (lang, config.terms, config.currency)
    tables = tuple(sheets.selection(found, verdict, *look) for verdict in (CHOSEN, "rejected"))
    own = found[found["verdict"] == CHOSEN]
    figures = {
        row.label: write(row.target, row.unit, lang, config.currency)
        for row in own[own["target"].notna()].itertuples()
    }
    return Shown(tuple(_told(found, lang)), figures, table=tables, frame=found)


def _aims(kpis: Slots, targets: Slots) -> dict[str, float]:
    """KPI → what is aimed at, as the kit holds it: rates from 0 to 1."""
    aims = {}
    for place, said in targets.items():
        kpi, value = kpis.get(place, ""), number_of(said)
        if said.strip() and kpi:
            if not math.isfinite(value):
                raise BadInput(value=said, expected=Phrase("expected.number"))
            aims[kpi] = value / 100 if REGISTRY[kpi].unit == PERCENT else value
    return aims


def _told(found: pd.DataFrame, lang: str) -> Iterator[str]:
    """What the choice rests on, and what a good one would have besides or leave out."""
    own = found[found["verdict"] == CHOSEN]
    rests = business_said(found, lang)
    yield text("controls.choosing.chosen", lang, n=len(own), business=rests)
    if not LEAST <= len(own) <= MOST:
        yield text("controls.choosing.number", lang, low=LEAST, high=MOST)
    for role in (role for role in ROLES if role not in {*own["role"]}):
        others = found.loc[found["role"].eq(role) & found["verdict"].ne(CHOSEN), "label"]
        named = f"{Said(text(f'selection.role.{role}', lang)):low}"
        key = "lacks" if len(others) else "lacks_all"
        yield text(f"controls.choosing.{key}", lang, role=named, kpis=", ".join(others))
    for row in own[own["reason"] == VANITY].itertuples():
        yield text("controls.choosing.vanity", lang, kpi=row.label)


def choosing(data: Dataset, period: str = "last", where: str = "") -> Control:
    """Return the wizard; ``save`` writes KPIs, business and targets where reports read them.

    Parameters
    ----------
    data, period, where
        As for `chosen`.
    """
    lang, now = data.config.lang, data.config.calendar.parse("last", data.as_of, data.first)
    said: dict[str, Any] = {name: data.config.business.get(name, "") for name in ASKED}
    show = partial(chosen, data, period=period, where=where)
    found = show(**said).frame
    labels = {text("controls.choosing.none", lang): ""} | {
        kpi.label(lang): kpi.id for kpi in REGISTRY.values()
    }
    slots, aim = _slots(found), text("controls.choosing.target", lang)
    fields = {name: _preset(name, said[name], lang) for name in ASKED} | {
        "kpis": {place: choice(f"KPI {place}", labels, slots[place]) for place in SLOTS},
        "targets": {place: words("", hint=aim) for place in SLOTS},
        "target_period": words(
            text("controls.choosing.period", lang), data.config.calendar.shift(now, 1).name
        ),
    }
    control = Control(show, fields, lang, "choosing")
    _beside(control, fields["kpis"], fields["targets"])

    def fitted(_: Any) -> None:
        business_is = {name: fields[name].value for name in ASKED}
        found = show(**business_is).frame
        control.set(kpis=_slots(found), targets=dict.fromkeys(SLOTS, ""))

    for name in ASKED:
        fields[name].observe(fitted, "value")
    control.offer("choosing.save", lambda values: saved(data, **values))
    return control


def _beside(control: Control, kpis: Mapping[str, Any], targets: Mapping[str, Any]) -> None:
    """Put each target on the line of its KPI."""
    for place in SLOTS:
        kpis[place].style.description_width = "3.5em"
        kpis[place].layout.width, targets[place].layout.width = "20em", "6.5em"
    lines = [widgets.HBox([kpis[place], targets[place]]) for place in SLOTS]
    rest = [
        each for each in control.left.children if each not in (*kpis.values(), *targets.values())
    ]
    control.left.children = (*rest[: len(ASKED)], *lines, *rest[len(ASKED) :])


def saved(
    data: Dataset,
    kpis: Slots,
    targets: Slots | None = None,
    target_period: str = "",
    **business_is: str,
) -> list[str]:
    """Write what was chosen into the settings and, where there is one, the register of targets.

    Returns
    -------
    list of str
        What was done, then what changed as lines of a unified diff.
    """
    taken = list(dict.fromkeys(each for each in kpis.values() if each))
    new = [
        {"metric": kpi, "period": target_period, "value": value}
        for kpi, value in _aims(kpis, targets or {}).items()
    ]
    settings: dict[str, Any] = {
        "kpis": taken,
        "business": {name: value or None for name, value in business_is.items()},
    }
    if new:
        settings[TARGETS] = new
    in_register = new and data.files.get(TARGETS, CONFIG) != CONFIG
    seen = {TARGETS: kept(data, TARGETS)} if in_register else {}
    told = save(data, settings, seen=seen)
    return [text("controls.choosing.saved", data.config.lang, n=len(taken)), *told.splitlines()]


def _slots(found: pd.DataFrame | None) -> dict[str, str]:
    """Place → KPI chosen, or nothing."""
    assert found is not None
    kpis = found.loc[found["verdict"] == CHOSEN, "kpi"].head(MOST)
    return dict.fromkeys(SLOTS, "") | dict(zip(SLOTS, kpis, strict=False))


def _preset(name: str, value: str, lang: str) -> Any:
    given = {text(f"selection.{name}.{each}", lang): each for each in presets()[name]}
    label = text(f"selection.columns.{name}", lang)
    return choice(label, {text("controls.choosing.unsaid", lang): ""} | given, value)
