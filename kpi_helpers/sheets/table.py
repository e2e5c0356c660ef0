"""The form that every table shares, and plain text out of the cells of a frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from kpi_helpers.language import Terms, nouns, text, texts
from kpi_helpers.units import decimals, write, write_change, write_change_range, write_range
from kpi_helpers.wording.told import plain as one_line

if TYPE_CHECKING:
    from great_tables import GT

Row = dict[Any, Any]
# Language, the company's words, currency of its amounts.
Look = tuple[str, Terms | None, str]

NOTHING, OWN, CHANGE = "–", "own", "change"
LOUD = "#9a3412"
# Of a change; the word beside it says the same.
COLOURS = {"worse": LOUD, "better": "#17603f", "changed": "#17375e"}


def build(
    name: str,
    lines: list[dict[str, str]],
    lang: str,
    headings: Mapping[str, str] | None = None,
    right: Sequence[str] = (),
) -> GT:
    """Return a table of lines of text, or one that says that there is nothing to report.

    Parameters
    ----------
    name : str
        Id of the table on its page.
    lines : list of dict
        Column → text. The column ``kpi``, else the first, heads its row; ``group`` heads several.
        A column without any text is not shown.
    lang : str
    headings : mapping, optional
        Column → heading, where it is not the one of the language file.
    right : sequence of str
        Columns of numbers.
    """
    from great_tables import GT

    lines = [{name: _inert(said) for name, said in line.items()} for line in lines]
    frame = pd.DataFrame(lines or [{"check": text("sheets.nothing", lang)}]).fillna("")
    frame = frame.loc[:, (frame != "").any()]
    first = "kpi" if "kpi" in frame else str(frame.columns[0])
    shown = [column for column in frame.columns if column != "group"]
    own = headings or {}
    labels: dict[str, Any] = {
        column: own.get(column) or text(f"sheets.columns.{column}", lang) for column in shown
    }
    group = "group" if "group" in frame else None
    table = GT(frame, id=name, rowname_col=first, groupname_col=group)
    table = table.tab_stubhead(labels.pop(first)).cols_label(labels)
    table = table.cols_align("left", shown)
    return _calm(table.cols_align("right", [column for column in right if column in shown]))


class Form(NamedTuple):
    """What a declared table looks like.

    Its texts stand under ``room`` of the language files: ``columns``, ``notes`` by table, and
    values under their column. ``columns`` have their unit: `OWN` for that of the row, `CHANGE` for
    a difference in it, without one a name. ``limits`` are figures whose limits stand under another
    name; ``blank`` is the text of a name that is missing.
    """

    room: str
    columns: Mapping[str, str]
    limits: Mapping[str, str] = {}
    blank: str = ""


def listed(found: pd.DataFrame, name: str, form: Form, look: Look) -> GT:
    """Return a declared table: of its columns those that the frame has, and a note under it."""

    def said(key: str) -> str:
        return text(f"{form.room}.{key}", look[0], **nouns(look[0], look[1]))

    def limits(of: str) -> tuple[str, ...]:
        return tuple(form.limits.get(of, f"{of}_") + end for end in ("low", "high"))

    def cell(row: Row, of: str, unit: str) -> str:
        value, key = row[of], f"{form.room}.{of}.{row[of]}"
        if not unit and absent(value):
            return said(form.blank) if form.blank else ""
        if not unit:
            return text(key, look[0]) if key in texts(look[0]) else plain(value)
        low, high = limits(of)
        ends = {f"{of}_low": row.get(low), f"{of}_high": row.get(high)}
        own = _unit(row, unit)
        return within(row | ends, of, own, look[0], look[2], unit == CHANGE)

    columns = {of: unit for of, unit in form.columns.items() if of in found}
    units = {of: unit for of, unit in columns.items() if unit}
    ranges = {f"{of}_range": (unit, *limits(of)) for of, unit in units.items()}
    rows = alike(records(found), {of: (unit, of) for of, unit in units.items()} | ranges)
    lines = [{of: cell(row, of, unit) for of, unit in columns.items()} for row in rows]
    headings = {of: said(f"columns.{of}") for of in columns}
    return noted(build(name, lines, look[0], headings, [*units]), said(f"notes.{name}"))


def noted(table: GT, *notes: str) -> GT:
    """Add lines under a table; great_tables would read plain text as Markdown."""
    from great_tables import html

    for note in notes:
        table = table.tab_source_note(html(escape(note)))
    return table


def coloured(table: GT, rows: list[int], columns: list[str], colour: str) -> GT:
    """Give the text of some cells a colour and more weight."""
    from great_tables import loc, style

    if not rows:
        return table
    return table.tab_style(style.text(color=colour, weight="600"), loc.body(columns, rows))


def records(frame: pd.DataFrame) -> list[Row]:
    """Return the rows of a frame, each by column."""
    return [dict(record) for record in frame.to_dict("records")]


def alike(rows: list[Row], columns: Mapping[str, tuple[str, ...]]) -> list[Row]:
    """Return the rows with the decimals that the numbers of a KPI share in each column.

    Parameters
    ----------
    rows : list of dict
    columns : mapping
        What a table shows → its unit, or `OWN`, and the fields that its numbers are of.
    """
    kinds: dict[Any, list[Row]] = {}
    for row in rows:
        kinds.setdefault(row.get("kpi"), []).append(row)
    digits = {
        kpi: {
            name: decimals((row.get(of) for row in own for of in fields), _unit(own[0], unit))
            for name, (unit, *fields) in columns.items()
        }
        for kpi, own in kinds.items()
    }
    return [row | {"digits": digits[row.get("kpi")]} for row in rows]


def digits_of(row: Row, of: str) -> int | None:
    """Return the decimals of a figure that shares them with its column, else None."""
    return row.get("digits", {}).get(of)


def _unit(row: Row, unit: str) -> str:
    return row["unit"] if unit in (OWN, CHANGE) else unit


def plain(value: object) -> str:
    """Return a value as text, nothing for a missing one."""
    return "" if absent(value) else str(value)


def group_name(dimension: str, lang: str) -> str:
    """Return what a reader calls a dimension; one of a source's own keeps its name.

    Examples
    --------
    >>> group_name("owner", "en"), group_name("tier", "en")
    ('rep', 'tier')
    """
    key = f"controls.explorer.groups.{dimension}"
    return text(key, lang) if key in texts(lang) else dimension


def absent(value: object) -> bool:
    """Tell whether a cell of a frame holds no value."""
    return value is None or value is pd.NA or value != value


def within(
    row: Row, of: str, unit: str, lang: str, currency: str = "EUR", change: bool = False
) -> str:
    """Return a figure or a change, and under it its range; nothing where it is missing."""
    if absent(row[of]):
        return ""
    one, two = (write_change, write_change_range) if change else (write, write_range)
    said = one(row[of], unit, lang, currency, digits_of(row, of))
    low, high = row[f"{of}_low"], row[f"{of}_high"]
    if absent(low) or absent(high):
        return said
    return "\n".join([said, two(low, high, unit, lang, currency, digits_of(row, f"{of}_range"))])


def finding(said: str) -> str:
    """Return what was found, of a text that goes on to say what follows from it.

    Examples
    --------
    >>> finding("Won without an amount: not in the amounts.")
    'Won without an amount'
    """
    return said.partition(":")[0].strip(" \u00a0")


def consequence(said: str) -> str:
    """Return what follows, of a text that says first what was found.

    Examples
    --------
    >>> consequence("Won without an amount: not in the amounts.")
    'Not in the amounts.'
    """
    rest = said.partition(":")[2].strip(" \u00a0")
    return rest[:1].upper() + rest[1:]


def _inert(said: str) -> str:
    """Return a text whose lines cannot reorder or hide what stands beside them."""
    return "\n".join(one_line(line, longest=None) for line in said.split("\n"))


def _calm(table: GT) -> GT:
    """Give a table thin lines, room, and no frame."""
    return table.tab_options(
        table_font_size="14px",
        table_width="100%",
        table_border_top_style="none",
        table_border_bottom_style="none",
        column_labels_font_weight="600",
        data_row_padding="7px",
        data_row_padding_horizontal="10px",
        column_labels_padding_horizontal="10px",
        row_group_padding_horizontal="10px",
        source_notes_padding_horizontal="10px",
        row_group_font_weight="600",
        stub_border_style="none",
    )
