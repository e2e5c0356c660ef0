"""The definition panel: “for us a lead is…”, and what the figures are under it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, NamedTuple

import pandas as pd

from kpi_helpers.actions.definitions import under
from kpi_helpers.catalogue import REGISTRY
from kpi_helpers.controls.control import Control, Values
from kpi_helpers.controls.fields import choice, words
from kpi_helpers.controls.shown import Shown
from kpi_helpers.errors import BadInput, KpiError
from kpi_helpers.language import Phrase, nouns, text
from kpi_helpers.measure import carries, measure
from kpi_helpers.measure.counted import window_of
from kpi_helpers.reports import chosen, save
from kpi_helpers.reports.agreed import kept, settled
from kpi_helpers.sheets.table import build, records
from kpi_helpers.sources import Dataset, load
from kpi_helpers.units import COUNT, PERCENT, write

WINDOWED = ("lead_qualification_rate", "lead_acceptance_rate", "lead_to_customer_rate")
LAGGED, QUALIFIED, BY_MARKETING = "cac", "qualified_leads", "marketing_qualified_leads"
TAXED, NOUNS = {"deals": "bookings", "orders": "revenue"}, ("lead", "deal")
FORMS = ("one", "other", "gender")
LOG, LABELS = "kpi_log", "17em"
Texts = Mapping[str, str]


def redefined(data: Dataset, period: str = "last", **said: Any) -> Shown:
    """Show which figures another definition changes: before and after, side by side.

    Parameters
    ----------
    data
        A data set of `kpi_helpers.load`.
    period
        The period of the figures.
    **said
        ``windows``: KPI → days that a lead has, or ``none``; ``lag``: months between a cost and
        what it brings; ``qualified``: the KPI by which a lead counts as qualified; ``tax``: per
        cent that the amounts include; ``terms``: noun (``lead, deal``) → singular, plural and, in
        French, gender. Each as somebody types it; an empty one stays as it is.

    Returns
    -------
    Shown
        ``frame`` holds ``kpi, label, unit, before, after, n_before, n_after`` of those that change.

    Raises
    ------
    KpiError
        For a definition that cannot be used.
    """
    lang, changes = data.config.lang, _changes(data, **said)
    now = data.config.calendar.parse(period, data.as_of, data.first)
    kpis = [*dict.fromkeys([*chosen(data), *WINDOWED, LAGGED, QUALIFIED])]
    kpis = [kpi for kpi in kpis if carries(data, kpi, now)]
    first = data.remember(("defined", period), lambda: measure(data, kpis, period))
    then = measure(_changed(data, changes), kpis, period) if changes else first
    both = first[["kpi", "label", "unit"]].assign(before=first["value"], after=then["value"])
    both = both.assign(n_before=first["n"], n_after=then["n"])
    same = [both[f"{of}before"].fillna(-1).eq(both[f"{of}after"].fillna(-1)) for of in ("", "n_")]
    moved = both[~(same[0] & same[1])].reset_index(drop=True)
    lines = [_line(each, lang) for each in changes]
    found = [text("controls.defining.moved", lang, n=len(moved))] if changes else []
    told = (text("controls.defining.is", lang), *lines, *found)
    return Shown(told, table=_table(moved, data) if len(moved) else None, frame=moved)


def defining(data: Dataset, period: str = "last") -> Control:
    """Return the panel; ``save`` writes the settings and a row of the KPI log for each change.

    Parameters
    ----------
    data, period
        As for `redefined`.
    """
    lang, config = data.config.lang, data.config
    own = {of: nouns(lang, config.terms)[of] for of in NOUNS}
    ways = {text("controls.defining.stays", lang): ""} | {
        REGISTRY[kpi].label(lang): kpi for kpi in (QUALIFIED, BY_MARKETING)
    }
    fields = {
        "windows": {
            kpi: words(REGISTRY[kpi].label(lang), hint=str(_window(data, kpi)))
            for kpi in WINDOWED
            if _carried(data, kpi)
        },
        "lag": words(text("controls.defining.lag", lang), hint=str(config.lags.get(LAGGED, 0))),
        "qualified": choice(text("controls.defining.qualified", lang), ways, ""),
        "tax": words(text("controls.defining.tax", lang), hint=f"{100 * _tax(data):g}"),
        "terms": {
            of: words(text(f"controls.defining.{of}", lang), hint=f"{noun.one}, {noun.other}")
            for of, noun in own.items()
        },
    }
    control = Control(partial(redefined, data, period=period), fields, lang, "defining")
    why = words(text("controls.acting.columns.reason", lang))
    who = words(text("controls.acting.columns.decided_by", lang))
    control.left.children = (*control.left.children, why, who)
    for each in (*fields["windows"].values(), *fields["terms"].values(), why, who):
        each.style.description_width = LABELS
    for name in ("lag", "qualified", "tax"):
        fields[name].style.description_width = LABELS

    def write(values: Values) -> list[str]:
        return recorded(data, reason=why.value, decided_by=who.value, **values)

    control.offer("defining.save", write)
    return control


def recorded(data: Dataset, reason: str, decided_by: str, **said: Any) -> list[str]:
    """Write the settings of other definitions and a row of the KPI log for each, or nothing.

    Parameters
    ----------
    data, **said
        As for `redefined`.
    reason, decided_by
        Why, and by whom.

    Returns
    -------
    list of str
        What was done, then what changed as lines of a unified diff.
    """
    changes = _changes(data, **said)
    if not changes:
        raise KpiError("nothing_filled")
    rows = [
        {"date": data.as_of.isoformat(), "kpi_id": each.kpi, "reason": reason}
        | {"old_definition": each.old_written, "new_definition": each.written}
        | {"decided_by": decided_by}
        for each in changes
        if each.kpi
    ]
    log = {LOG: pd.DataFrame(rows, dtype=object)} if rows else {}
    told = save(data, _settings(changes), log, {LOG: kept(data, LOG)} if rows else {})
    return [text("controls.defining.saved", data.config.lang, n=len(rows)), *told.splitlines()]


class _Change(NamedTuple):
    """A setting by its place in the kpi.toml, and the KPI whose definition it is, if any."""

    kpi: str
    place: tuple[str, ...]
    old: Any
    new: Any

    @property
    def written(self) -> str:
        return f"{'.'.join(self.place)} = {_quoted(self.new)}"

    @property
    def old_written(self) -> str:
        return f"{'.'.join(self.place)} = {_quoted(self.old)}"


def _line(change: _Change, lang: str) -> str:
    """What a change says to a person."""
    section, key, *_ = change.place
    named = {"lags": "lag", "use": "qualified", "tables": "tax", "terms": key}
    kpi = REGISTRY[change.kpi].label(lang) if change.kpi else ""
    label = text(f"controls.defining.{named[section]}", lang) if section in named else kpi
    label = f"{label} ({kpi})" if section == "tables" else label
    old, new = (_shown(each, lang) for each in (change.old, change.new))
    return text("controls.defining.line", lang, label=label, old=old, new=new)


def _shown(value: Any, lang: str) -> str:
    if isinstance(value, Mapping):
        return ", ".join(value.values())
    if isinstance(value, float):
        return write(value, PERCENT, lang)
    return REGISTRY[value].label(lang) if value in REGISTRY else str(value)


def _quoted(value: Any) -> str:
    return f"{value:g}" if isinstance(value, int | float) else f'"{value}"'


def _changes(
    data: Dataset,
    windows: Texts | None = None,
    lag: str = "",
    qualified: str = "",
    tax: str = "",
    terms: Texts | None = None,
) -> list[_Change]:
    """What is said otherwise than it holds."""
    config, lang = settled(data), data.config.lang
    found = [
        _Change(kpi, ("windows", kpi), _window(data, kpi), _whole(said, "none"))
        for kpi, said in (windows or {}).items()
        if said.strip()
    ]
    if lag.strip():
        found += [_Change(LAGGED, ("lags", LAGGED), config.lags.get(LAGGED, 0), _whole(lag))]
    if qualified:
        now = config.use.get(QUALIFIED, QUALIFIED)
        found += [_Change(QUALIFIED, ("use", QUALIFIED), now, qualified)]
    for table, kpi in TAXED.items() if tax.strip() else ():
        old, place = config.table(table).tax_included or 0.0, ("tables", table, "tax_included")
        found += [_Change(kpi, place, old, _whole(tax) / 100)] if table in data.mapped else []
    for of, said in (terms or {}).items():
        if said.strip():
            usual = nouns(lang, config.terms)[of]
            own = {form: getattr(usual, form) for form in FORMS}
            found += [_Change("", ("terms", of, lang), own, _forms(said))]
    return [each for each in found if each.old != each.new]


def _settings(changes: Iterable[_Change]) -> dict[str, Any]:
    """The changes as settings of a kpi.toml; what stands for nothing is taken out of it."""
    given: dict[str, Any] = {}
    for each in changes:
        *path, last = each.place
        here = given
        for name in path:
            here = here.setdefault(name, {})
        usual = each.place == ("use", each.new) or (last == "tax_included" and not each.new)
        here[last] = None if usual else each.new
    return given


def _window(data: Dataset, kpi: str) -> int | str:
    days = window_of(data, REGISTRY[kpi])
    return "none" if days is None else days


def _whole(said: str, besides: str = "") -> Any:
    """A number of days, months or per cent, as somebody types it."""
    if besides and said.strip() == besides:
        return besides
    if not said.strip().isdecimal():
        raise BadInput(value=said, expected=Phrase("controls.defining.whole"))
    return int(said)


def _forms(said: str) -> dict[str, str]:
    forms = [each.strip() for each in said.split(",")]
    if len(forms) not in (2, 3) or not all(forms):
        raise BadInput(value=said, expected=Phrase("controls.defining.forms"))
    return dict(zip(FORMS, forms, strict=False))


def _changed(data: Dataset, changes: Iterable[_Change]) -> Dataset:
    """The data set under the settings; taxes are taken out as the tables are read again."""
    given = _settings(changes)
    if "tables" in given:
        kept_as, own = settled(data), given["tables"]
        new = {of: dataclasses.replace(kept_as.table(of), **own[of]) for of in own}
        folder = next(iter(data.paths.values())).parent
        config = dataclasses.replace(kept_as, tables={**kept_as.tables, **new})
        data = dataclasses.replace(load(folder, config, data.as_of), masked=data.masked)
    use = {kpi: stand_in or kpi for kpi, stand_in in given.get("use", {}).items()}
    return under(data, {**given, "use": use})


def _tax(data: Dataset) -> float:
    config = settled(data)
    rates = [config.table(name).tax_included for name in TAXED]
    return next(filter(None, rates), 0.0)


def _carried(data: Dataset, kpi: str) -> bool:
    return carries(data, kpi, data.config.calendar.parse("last", data.as_of, data.first))


def _table(moved: pd.DataFrame, data: Dataset) -> Any:
    lang, currency = data.config.lang, data.config.currency
    lines = [
        {
            "kpi": str(row["label"]),
            **{of: write(row[of], row["unit"], lang, currency) for of in ("before", "after")},
            "n": " → ".join(write(row[of], COUNT, lang) for of in ("n_before", "n_after")),
        }
        for row in records(moved)
    ]
    return build("defined", lines, lang, right=("before", "after", "n"))
