"""A pack as slides: one finding each, with its chart and the rows behind it, to be edited."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pandas as pd

from kpi_helpers.catalogue import REGISTRY
from kpi_helpers.charts.theme import QUIET
from kpi_helpers.language import text
from kpi_helpers.reports.columns import NAMES, Words, headings, shown, unit_of, worded, written
from kpi_helpers.reports.deck import (
    ALONE,
    BESIDE,
    BODY,
    FOOT,
    SMALL,
    begin,
    begun,
    note,
    picture,
    save,
    table_of,
    told,
    write,
)
from kpi_helpers.reports.exporting import Made
from kpi_helpers.reports.index import FINDINGS, proposed
from kpi_helpers.reports.page import readable, title
from kpi_helpers.reports.tables import read_csv
from kpi_helpers.sheets.findings import RIGHT, decision_lines
from kpi_helpers.sheets.table import Row, absent, within
from kpi_helpers.units import COUNT
from kpi_helpers.wording.drivers import step_name
from kpi_helpers.wording.told import plain

if TYPE_CHECKING:
    from pptx.presentation import Presentation

FILE = "report.pptx"
SHOWS, LIMITS = "shows-", "limits"
ROWS, LINES, LETTERS = 8, 9, 70
ID = re.compile(r"[^A-Z]+")
PROPOSED = 6


def write_slides(made: Made) -> None:
    """Write ``report.pptx`` into the folder of a pack: title, findings, decisions, limits."""
    config = made.data.config
    words = Words(config.lang, config.terms, config.currency)
    deck, colon = begun(), text("export.colon", words.lang)
    facts = [f"{name}{colon}{value}" for name, value in made.facts.items()]
    told(deck, " · ".join([*made.facts.values()][:2]), facts)
    frames = {path.stem: read_csv(path) for path in made.tables}
    if FINDINGS in frames:
        for found in frames[FINDINGS].to_dict("records"):
            _finding(deck, found, made, frames, words)
    _decisions(deck, made, words)
    told(deck, text("export.limits", words.lang), [*_limits(made, words.lang)])
    save(deck, made.folder / FILE, [*made.facts.values()])


def _finding(
    deck: Presentation, found: Row, made: Made, frames: dict[str, pd.DataFrame], words: Words
) -> None:
    """A slide: what was found, its chart, the rows behind it, and where it comes from."""
    table, frame = found["table"], frames.get(found["table"], pd.DataFrame())
    places = [int(place) - 1 for place in str(found["rows"]).split(",")] if len(frame) else []
    rows = frame.iloc[places].head(ROWS)
    slide = begin(deck, found["sentence"])
    chart = _chart(found, rows, frames, made, words)
    if chart:
        picture(slide, *chart)
    if cells := _cells(rows, table, words, bool(chart)):
        table_of(slide, cells, BESIDE if chart else BODY if len(rows) > 2 else ALONE)
    page = title(made.notebooks[found["notebook"]], words.lang) or found["notebook"]
    said = text("export.source", words.lang, page=page, table=table, rows=found["rows"])
    said = said if len(rows) else page
    write(slide, FOOT, [said], SMALL, QUIET)
    note(slide, [*_notes(found, rows, words), said])


def _chart(
    found: Row, rows: pd.DataFrame, frames: dict[str, pd.DataFrame], made: Made, words: Words
) -> tuple[bytes, str] | None:
    """The picture of a finding and its alt text: one KPI through time, or its section's chart."""
    from kpi_helpers import charts

    history = frames.get("history")
    if found["table"] == "weighed" and history is not None and len(rows) == 1:
        row = rows.iloc[0]
        own = history[history["kpi"] == row["kpi"]]
        days = {of: pd.to_datetime(own[of]).dt.date for of in ("start", "end")}
        target = own["end"].map({row["end"]: row["target"]})
        own = own.assign(**days, target=target)
        look: dict[str, Any] = {"lang": words.lang, "terms": words.terms}
        figure = charts.line(
            own, title=found["sentence"], as_of=made.data.as_of, currency=words.currency, **look
        )
        return charts.image(figure), charts.alt(figure)
    # A chart that bears the words of another finding would be taken for its picture.
    others = set(frames[FINDINGS]["sentence"].str.rstrip(".")) - {found["sentence"].rstrip(".")}
    tag = SHOWS + str(found["table"]).removeprefix(f"{found['notebook'][:2]}_")
    for cell in made.notebooks[found["notebook"]].cells:
        for output in cell.get("outputs", ()) if tag in cell.metadata.get("tags", ()) else ():
            if "image/png" in output.get("data", {}):
                alt = output.metadata["image/png"]["alt"]
                image = b64decode(output.data["image/png"])
                return (image, alt) if alt.rstrip(".") not in others else None
    return None


def _cells(rows: pd.DataFrame, table: str, words: Words, narrow: bool) -> list[list[str]]:
    """The rows behind a finding as a table to read; one or two of them lie on their side."""
    word, about = worded(table, words), rows.to_dict("records")
    said = {
        of: [_said(row, of, table, words, word) for row in about]
        for each in shown(rows)
        for of in each
    }
    names, figures = ([of for of in each if any(said[of])] for each in shown(rows))
    upright = len(rows) > 2
    if upright:  # what tells them apart comes first
        names.sort(key=lambda of: len(set(said[of])) == 1)
    most = (1, 2) if narrow and upright else (2, LINES - 2)
    columns = [*names[: most[0]], *figures[: most[1]]]
    head = headings(table, columns, words)
    lines = [[head[of], *(each or "–" for each in said[of])] for of in columns]
    return [list(line) for line in zip(*lines, strict=True)] if upright else lines


def _said(row: Row, of: str, table: str, words: Words, word: Any) -> str:
    """A cell as a page writes it, with its range; nothing for an id that has no words."""
    if of in ("step", "name") and not absent(row.get("bridge")):  # as at the bars of its chart
        return step_name(row, words.lang, words.terms) if of == "step" else ""
    value = row[of]
    if absent(value):
        return ""
    kpi = row.get("kpi", "")
    # Not all tables name their KPI, and some do in English.
    if of == "label" and (kpi not in REGISTRY or value in (kpi, REGISTRY[kpi].label("en"))):
        return REGISTRY[kpi].label(words.lang) if kpi in REGISTRY else ""
    if isinstance(value, str):
        read = word(of, value)
        return (
            ""
            if NAMES[of] == "id" and read == value and ID.fullmatch(value)
            else plain(read, LETTERS)
        )
    unit, is_change = unit_of(of, table, row)
    base = "" if of == "value" else f"{of}_"
    ends = {f"{of}_{end}": row.get(f"{base}{end}") for end in ("low", "high")}
    if unit and not is_change:
        return within(row | ends, of, unit, words.lang, words.currency)
    return written(value, unit or COUNT, is_change, words)


def _notes(found: Row, rows: pd.DataFrame, words: Words) -> Iterator[str]:
    """What a speaker may be asked: how sure it is, what the KPI means, how many cases, how."""
    word = worded("", words)
    certainty = word("certainty", str(found["sureness"]))
    yield text("export.established", words.lang, certainty=certainty)
    for row in rows.to_dict("records"):
        kpi = REGISTRY.get(str(row.get("kpi")))
        name = plain(row.get("label") if absent(row.get("group")) else row.get("group"))
        cases, method = row.get("n"), row.get("method")
        said = [name, kpi.definition(words.lang) if kpi else ""]
        if cases is not None and not absent(cases):
            said.append(text("export.cases", words.lang, n=written(cases, COUNT, False, words)))
        if not absent(method):
            said.append(text("export.method", words.lang, method=method))
        yield " · ".join(filter(None, said))


def _decisions(deck: Presentation, made: Made, words: Words) -> None:
    """What is proposed, on as many slides as it takes."""
    every = proposed(made.tables)
    if every is None or every.empty:
        return
    lines = decision_lines(every, words.lang, words.currency)
    columns = ["decide", *RIGHT]
    head = [text(f"sheets.columns.{column}", words.lang) for column in columns]
    for first in range(0, len(lines), PROPOSED):
        cells = [[line.get(of, "") for of in columns] for line in lines[first : first + PROPOSED]]
        table_of(begin(deck, text("report.index.decisions", words.lang)), [head, *cells], BODY)


def _limits(made: Made, lang: str) -> Iterator[str]:
    """What each page says of its own limits."""
    for notebook in made.notebooks.values():
        for cell in readable(notebook, lang):
            if LIMITS in cell.metadata.get("tags", ()):
                yield " ".join(cell.source.partition("\n")[2].split())
