"""One explorer of a data set: any KPI, period, comparison, breakdown and filter, in five views."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from kpi_helpers.catalogue import REGISTRY, find
from kpi_helpers.controls.control import Control, Values
from kpi_helpers.controls.fields import choice, steps
from kpi_helpers.controls.shown import Shown
from kpi_helpers.controls.views import READ, STOPS, VIEWS, Asked, look_of, periods
from kpi_helpers.errors import unknown
from kpi_helpers.language import text
from kpi_helpers.measure import carries
from kpi_helpers.periods import Period
from kpi_helpers.periods.names import label
from kpi_helpers.reports.opening import chosen
from kpi_helpers.sheets.table import group_name
from kpi_helpers.sources import Dataset
from kpi_helpers.sources.engine import frame_of
from kpi_helpers.wording.told import Told, plain

# A dimension of more values is no filter to choose from.
VALUES = 12
GRAINS = ("", "week", "month", "quarter", "year")
REFERENCES = ("previous", "year_ago", "target", "others")
# What sorts the rows of the tables that most KPIs count; what became of a row makes no groups.
NONE_OF = {"status", "outcome", "stage", "lost_reason", "campaign"}
COUNTED = ("deals", "leads", "orders")
GROUPS = ("source", "segment", "sector", "region", "product", "sales_channel", "team", "owner")


def explored(data: Dataset, view: str = "scorecard", **asked: str) -> Shown:
    """Show KPIs of a data set in one of the views; an answer is kept for whoever comes back to it.

    Parameters
    ----------
    data
        A data set of `kpi_helpers.load`.
    view
        ``"scorecard"`` (figures beside a reference), ``"funnel"`` (who gets how far), ``"drivers"``
        (why a figure moved), ``"benchmark"`` (beside peers) or ``"forecast"``.
    **asked
        ``kpi`` (an id; by default those of a report), ``period`` (``"last"``), ``to`` (what it
        stands beside: ``"previous"``), ``by`` (a dimension), ``where`` (a filter or segment) and
        ``grain``, as for `kpi_helpers.compare` and `kpi_helpers.measure`.

    Raises
    ------
    KpiError
        As the function behind the view, where the data do not carry what is asked.

    Examples
    --------
    >>> import kpi_helpers as kh
    >>> data = kh.load("data/sample", {"language": "en"})
    >>> explored(data, kpi="revenue", period="2026Q3").figures["Revenue"]
    '€3.33m'
    """
    if view not in VIEWS:
        raise unknown("value", view, VIEWS)
    given = Asked(**asked)._asdict()
    question = Asked(**{of: said for of, said in given.items() if of in READ[view]})
    shown, draw = data.remember(("explored", view, question), lambda: VIEWS[view](data, question))
    return replace(shown, figure=draw())


def explorer(data: Dataset, folder: Path | None = None, **start: str) -> Control:
    """Make the control of `explored`; it starts with the arguments that are given.

    Parameters
    ----------
    data, **start
        As for `explored`.
    folder
        Where charts and slides are exported to; by default they are not.

    Examples
    --------
    >>> import kpi_helpers as kh
    >>> control = explorer(kh.load("data/sample", {"language": "en"}), kpi="revenue")
    >>> control.set(period="2026Q2")
    >>> control.shown.sentences[0][:16]
    'Q2 2026 revenue:'
    """
    asked = {"view": "scorecard", **Asked()._asdict(), **start}
    control = Control(
        lambda **own: explored(data, **own),
        _fields(data, asked),
        data.config.lang,
        "explorer",
        folder,
    )

    def settle(values: Values) -> None:
        for name, field in control.fields.items():
            field.disabled = name not in {"view", *READ[values["view"]]}

    control.listeners.append(settle)
    settle(control.values)
    return control


def _fields(data: Dataset, asked: Mapping[str, str]) -> dict[str, object]:
    lang = data.config.lang
    named = {each: text(f"controls.explorer.{each}", lang) for each in asked}
    period = data.config.calendar.parse(asked["period"], data.as_of, data.first)
    options = {
        "view": {text(f"controls.explorer.views.{each}", lang): each for each in VIEWS},
        "kpi": _kpis(data, asked["period"]),
        "to": {text(f"controls.explorer.references.{each}", lang): each for each in REFERENCES},
        "by": _groups(data),
        "where": _filters(data),
        "grain": {
            text(f"controls.explorer.grains.{each or 'none'}", lang): each for each in GRAINS
        },
    }
    made = {
        name: choice(named[name], _with(own, asked[name]), asked[name])
        for name, own in options.items()
    }
    slid = steps(named["period"], _with(_periods(data, period), period.name), period.name)
    order = ("view", "kpi", "period", "to", "by", "where", "grain")
    return {name: made.get(name, slid) for name in order}


def _kpis(data: Dataset, period: str) -> dict[str, str]:
    """Return the KPIs that the data carry by their names, those of a report first."""
    look = look_of(data)
    asked = data.config.calendar.parse(period, data.as_of, data.first)
    carried = [kpi for kpi in REGISTRY if carries(data, kpi, asked)]
    named = {"": text("controls.explorer.every_kpi", look["lang"])}
    for kpi in dict.fromkeys([*chosen(data, (), period), *carried]):
        row = {"label": find(kpi).label(look["lang"])}
        named[kpi] = str(Told(row, look["lang"], look["terms"]).kpi_name())
    return _by_name(named)


def _periods(data: Dataset, period: Period) -> dict[str, str]:
    """Return the latest periods that the data know by their names, of the kind of one."""
    known = [each for each in periods(data, period.name, STOPS) if data.first < each.end]
    return {label(each, data.config.lang): each.name for each in known}


def _groups(data: Dataset) -> dict[str, str]:
    """Return the dimensions of the tables that most KPIs are counted on by their names."""
    known = {each for table in COUNTED for each in _dimensions(data, table)}
    order = [each for each in GROUPS if each in known]
    rest = sorted(known - {*GROUPS, *NONE_OF})
    named = {each: group_name(each, data.config.lang) for each in [*order, *rest]}
    return _by_name({"": text("controls.explorer.whole", data.config.lang), **named})


def _dimensions(data: Dataset, table: str) -> list[str]:
    return data.dimensions(table) if table in data.tables else []


def _filters(data: Dataset) -> dict[str, str]:
    """Return the segments of the settings, and a filter for each group of a few, by their names."""
    lang = data.config.lang
    found = {text("controls.explorer.everything", lang): "", **{s: s for s in data.config.segments}}
    for name in [each for each in GROUPS if each not in data.masked]:
        of = group_name(name, lang)
        found |= {
            text("controls.explorer.only", lang, of=of, value=plain(value)): f"{name} == {value!r}"
            for value in _values(data, name)
        }
    return found


def _values(data: Dataset, dimension: str) -> list[str]:
    """Return the groups of a dimension where they are few."""
    table = next((each for each in COUNTED if dimension in _dimensions(data, each)), "")
    if not table:
        return []
    rows = data.table(table, (dimension,)).select(dimension).distinct().limit(VALUES + 2)
    found = sorted(str(value) for value in frame_of(data.con, rows)[dimension].dropna())
    return found if 1 < len(found) <= VALUES else []


def _by_name(named: Mapping[str, str]) -> dict[str, str]:
    """Turn value → name into name → value; a name that is there twice bears its value."""
    said = [*named.values()]
    return {
        f"{name} ({value})" if said.count(name) > 1 else name: value
        for value, name in named.items()
    }


def _with(options: dict[str, str], value: str) -> dict[str, str]:
    """Return the options with the value to start with among them."""
    return options if value in options.values() else {**options, value: value}
