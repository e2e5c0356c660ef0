"""What one row says: a sentence, its short verdict, the title of its chart."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from kpi_helpers.compare.enough import readable_grain
from kpi_helpers.compare.verdicts import UNREADABLE, among_many
from kpi_helpers.language import Terms
from kpi_helpers.measure.judge import IMMATURE, INSUFFICIENT
from kpi_helpers.units import COUNT, MONEY, PERCENT, write
from kpi_helpers.wording.told import Row, Said, Told, plain
from kpi_helpers.wording.when import kind_of, label_of
from kpi_helpers.wording.young import visible


def sentence(row: Row, lang: str, terms: Terms | None = None, currency: str = "EUR") -> str:
    """Return what a row says, with its numbers, and how far it is known.

    Parameters
    ----------
    row : Series or mapping
        A row of `kpi_helpers.compare`, or a tidy row. Columns that these do not have by themselves
        name the group; ``readable_period`` and ``readable`` may hold the name and the value of the
        last period that can be read, for a row that is too early. The note is in the language of
        the data set.
    lang : str
        Language of the reader.
    terms : mapping, optional
        The company's own words, as in ``[terms]`` of its settings.
    currency : str
        ISO code of the amounts.

    Examples
    --------
    >>> row = {"kpi": "win_rate_count", "label": "Win rate (count)", "unit": "percent",
    ...        "better": "higher", "period": "2026Q3", "start": "2026-07-01", "end": "2026-10-01",
    ...        "value": 0.25, "numerator": 90, "denominator": 360, "n": 360, "low": 0.21,
    ...        "high": 0.3, "method": "wilson", "status": "ok", "note": ""}
    >>> sentence(row, "en")
    'Q3 2026 win rate: 25.0% (90 of 360). Plausible range: 21.0–30.0%.'
    """
    told = Told(dict(row), lang, terms, currency)
    if told.certainty in UNREADABLE:
        return " ".join(_unreadable(told))
    return " ".join([*_figures(told), *_limits(told)])


def alt_text(row: Row, lang: str, terms: Terms | None = None, currency: str = "EUR") -> str:
    """Return what a chart of a row shows: its sentence, and always its plausible range.

    Parameters
    ----------
    row, lang, terms, currency
        As for `sentence`.
    """
    told = Told(dict(row), lang, terms, currency)
    said = sentence(row, lang, terms, currency)
    if told.certainty in UNREADABLE or not (told.knows("change") and _leaves_range_out(told)):
        return said
    return f"{said} {told.text('interval', range=told.range())}."


def name(row: Row, lang: str, terms: Terms | None = None) -> str:
    """Return the short name of a row's KPI and of its group, in the company's words.

    Parameters
    ----------
    row, lang, terms
        As for `sentence`.
    """
    return Told(dict(row), lang, terms).name()


def title(row: Row, lang: str, terms: Terms | None = None, currency: str = "EUR") -> str:
    """Return the finding of a row, short enough for the title of a chart.

    Parameters
    ----------
    row, lang, terms, currency
        As for `sentence`.
    """
    told = Told(dict(row), lang, terms, currency)
    if told.certainty in UNREADABLE:
        return told.text("said", what=told.name(), figure=_finding(told))
    if _has_no_finding(told):
        return _compared(told, told.value(), told.figure(told.number("reference")))
    return told.text("title", what=told.name(), value=told.value(), finding=_finding(told))


def verdict(row: Row, lang: str, terms: Terms | None = None, currency: str = "EUR") -> str:
    """Return the verdict on a row in a few words: the target's where there is one.

    Parameters
    ----------
    row, lang, terms, currency
        As for `sentence`.
    """
    told = Told(dict(row), lang, terms, currency)
    if told.certainty in UNREADABLE:
        return visible(told) or _capital(_finding(told))
    care = told.text("care", cases=told.cases(told.number("n"))) if told.has_few_cases else ""
    if _has_no_finding(told):
        return care or _without_finding(told)
    said = _finding(told)
    said = told.text("actual_finding", finding=said) if told.certainty == "exact" else said
    # A short month has its full stop already: face à sept.
    return f"{_capital(said).removesuffix('.')}. {care}" if care else _capital(said)


def reading(row: Row, lang: str, terms: Terms | None = None, currency: str = "EUR") -> str:
    """Return how to read a figure that stands in a table: its verdict, and what limits it.

    Parameters
    ----------
    row, lang, terms, currency
        As for `sentence`.
    """
    told = Told(dict(row), lang, terms, currency)
    said = [f"{verdict(row, lang, terms, currency).removesuffix('.')}."]
    if told.certainty == IMMATURE:
        said += _last_readable(told)
    elif told.certainty not in UNREADABLE:
        said += [*_enough(told), *_needed(told)]
    return " ".join([*said, *_note(told)])


def _unreadable(told: Told) -> Iterator[str]:
    if told.certainty == IMMATURE:
        yield told.text("too_early", what=told.name("early"))
        yield from _last_readable(told)
    elif told.certainty == INSUFFICIENT:
        yield told.text("said", what=told.name("dated"), figure=_finding(told)) + "."
        yield from _note(told)
    else:
        note = " ".join(_note(told)) or told.text("unexplained")
        yield told.text("reason", what=told.name("dated"), note=note)


def _last_readable(told: Told) -> Iterator[str]:
    period = told.row.get("readable_period")
    if not isinstance(period, str):
        return
    said = label_of(period, told.row, told.lang)
    if told.knows("readable"):
        said = told.text("readable", period=said, value=told.figure(told.number("readable")))
    yield told.text(f"last_readable.{kind_of(period).removeprefix('fiscal_')}", period=said)


def _figures(told: Told) -> Iterator[str]:
    """Say the value against its target where both are facts, and beside its reference."""
    if told.certainty != "exact" or told.aimed == "none":
        yield from _changed(told, _compared(told, _detailed(told), _reference(told)))
        return
    yield told.text("said", what=told.name("dated"), figure=_fact(told)) + "."
    if told.knows("reference"):
        was = told.text("was", when=told.reference_when(), reference=_reference(told))
        yield from _changed(told, was)


def _compared(told: Told, figure: str, reference: str) -> str:
    """Return a value beside its reference, or with its period where it has none."""
    if not told.knows("reference"):
        return told.text("said", what=told.name("dated"), figure=figure)
    key = "against_count" if told.row["unit"] == COUNT else "against"
    beside = told.text(key, figure=figure, reference=reference, when=told.reference_when())
    return told.text("said", what=told.name(), figure=beside)


def _detailed(told: Told) -> str:
    """Return the value with k of n where it is a share, else with its plausible range."""
    if told.is_share:
        k, n = (write(told.number(part), COUNT, told.lang) for part in ("numerator", "denominator"))
        return told.text("detailed", value=told.value(), detail=told.text("part", k=k, n=n))
    detail = told.short_range()
    return told.text("detailed", value=told.value(), detail=detail) if detail else told.value()


def _reference(told: Told) -> str:
    value = told.figure(told.number("reference"))
    detail = "" if told.is_share else told.short_range("reference_")
    return told.text("detailed", value=value, detail=detail) if detail else value


def _fact(told: Told) -> str:
    """Return a value against the target that it meets or misses for certain."""
    value, target = told.number("value"), told.number("target")
    said = {"value": told.value(), "target": told.figure(target)}
    unit = told.row["unit"]
    if unit not in (MONEY, COUNT) or target <= 0 or told.is_lower_better:
        key = f"facts.{told.aimed}_{_direction(told)}"
        return told.text(key, signed=told.difference(value - target), **said)
    gap = abs(value - target)
    short = told.cases(gap) if unit == COUNT else told.figure(gap)
    share = write(value / target, PERCENT, told.lang)
    return told.text(f"facts.{told.aimed}_{unit}", share=share, gap=short, **said)


def _changed(told: Told, figure: str) -> Iterator[str]:
    """Say the figures with what has changed, or that no change is shown."""
    said, within = {"figure": figure, "change": told.change()}, told.change_range()
    if told.changed in ("none_shown", "no_reference"):
        # A short month has its full stop already: 23 % en sept.
        yield f"{figure.removesuffix('.')}."
    if told.changed == "none_shown":
        yield _none_shown(told, within)
    elif told.changed != "no_reference" and within:
        low, high = told.change_ends()
        # Less of what is better low is not plainly better: that is said.
        sure = told.text(f"confirmed.{told.changed if told.is_lower_better else 'changed'}")
        yield told.text("changed", low=low, high=high, confirmed=sure, **said) + "."
    elif told.changed != "no_reference":
        yield told.text("changed_bare", **said) + "."


def _none_shown(told: Told, within: str) -> str:
    """Say that no change is shown; where its range alone would show one, why it does not."""
    if not within:
        return told.text("none_shown_bare")
    return told.text("none_shown_among" if among_many(told.row) else "none_shown", range=within)


def _limits(told: Told) -> Iterator[str]:
    """Say how the figure stands to its target, and what limits it."""
    if told.certainty != "exact" and told.aimed != "none":
        target = told.figure(told.number("target"))
        key = f"aimed.{told.aimed}_{told.certainty}"
        yield told.text(key, target=target, side=_side(told))
    elif told.aimed == "none" and told.knows("target"):
        yield told.text("aim", target=told.figure(told.number("target")))
    if _leaves_range_out(told) and not told.knows("change"):
        yield told.text("interval", range=told.range()) + "."
    if told.number("more_needed") <= told.number("n"):
        yield from _needed(told)
    if told.has_few_cases:
        yield told.text("care", cases=told.cases(told.number("n"))) + "."
    yield from _note(told)


def _needed(told: Told) -> Iterator[str]:
    """Say how many more cases it takes to settle a target; a change is judged among all others."""
    if told.aimed != "none" and told.certainty == "not_established" and told.knows("more_needed"):
        yield told.text("needed", cases=told.cases(told.number("more_needed")))


def _enough(told: Told) -> Iterator[str]:
    """Say over which period there would be enough cases, where there are few."""
    days = (pd.Timestamp(told.row["end"]) - pd.Timestamp(told.row["start"])).days
    grain = readable_grain(str(told.row["kpi"]), told.number("n"), days)
    if told.has_few_cases and grain:
        yield told.text(f"enough.{grain}")


def _leaves_range_out(told: Told) -> bool:
    """Tell whether the value's range is known and does not stand beside it."""
    return bool(told.range()) and (told.is_share or not told.short_range())


def _note(told: Told) -> Iterator[str]:
    note = plain(told.row["note"], longest=None)
    if note:
        yield note


def _finding(told: Told) -> str:
    """Return what was found as it stands inside a sentence."""
    found = told.changed if told.aimed == "none" else told.aimed
    key = told.certainty if told.certainty in UNREADABLE else f"{found}_{told.certainty}"
    key = "none_shown_among" if told.aimed == "none" and among_many(told.row) else key
    side = _side(told) if told.aimed != "none" else ""
    other = plain(told.row.get("reference_period")) not in ("", told.row["period"])
    said = {"side": side, "beside": told.reference_when("beside") if other else ""}
    return told.text(f"findings.{key}", cases=told.cases(told.number("n")), **said)


def _has_no_finding(told: Told) -> bool:
    """Tell whether there is nothing to find: no target, and no reference or no test of it."""
    return told.aimed == "none" and (told.changed == "no_reference" or told.certainty == "exact")


def _without_finding(told: Told) -> str:
    if told.is_fact:
        return told.text("actual")
    return told.text("interval", range=told.range()) if told.range() else told.text("alone")


def _side(told: Told) -> str:
    return told.text(f"sides.{told.aimed}_{_direction(told)}")


def _direction(told: Told) -> str:
    return "lower" if told.is_lower_better else "higher"


def _capital(said: str) -> str:
    return f"{Said(said):cap}"
