"""What was decided in a meeting, as a page, a PDF and slides to hand round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from kpi_helpers.language import text
from kpi_helpers.reports.decisions import Part, decided
from kpi_helpers.reports.exporting import check_forms
from kpi_helpers.reports.page import page
from kpi_helpers.reports.record import described, fingerprint
from kpi_helpers.sheets.table import build, plain
from kpi_helpers.sources.brand import brand
from kpi_helpers.sources.saving import all_updated
from kpi_helpers.units import write_date

if TYPE_CHECKING:
    from kpi_helpers.sources import Dataset

ON_A_SLIDE = 5


def protocol(data: Dataset) -> str:
    """Return the page of what was decided: no code, no network, as those of a report.

    Parameters
    ----------
    data : Dataset
        What `kpi_helpers.reports.opened` returns, of a project.
    """
    return _page(data, decided(data), _facts(data))


def _page(data: Dataset, parts: Sequence[Part], facts: Mapping[str, str]) -> str:
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

    lang = data.config.lang
    cells = [new_markdown_cell(f"# {_text('title', lang)}\n\n{_text('about', lang)}")]
    for part in parts or [Part("nothing", [])]:
        said = "\n\n".join([f"## {_text(part.name, lang)}", _text(f"{part.name}_about", lang)])
        table = build(f"protocol-{part.name}", part.lines, lang, _headings(part, lang))
        output = new_output("display_data", {"text/html": table._repr_html_()})
        cells += [new_markdown_cell(said), *([new_code_cell(outputs=[output])] * bool(part.lines))]
    return page(new_notebook(cells=cells), facts, lang, brand=brand(data.config))


def write_protocol(data: Dataset, folder: Path | str, forms: Sequence[str] = ()) -> list[Path]:
    """Write what was decided as a page and, where asked, a PDF and slides: all of them or none.

    Parameters
    ----------
    data : Dataset
        As for `protocol`.
    folder : Path
        Files are named ``protocol-<last day of the data>``; those of before are replaced.
    forms : sequence of str
        ``pdf``, ``pptx``.

    Raises
    ------
    KpiError
        For a form that cannot be made here, and a file that cannot be written.
    """
    check_forms(forms)
    parts, facts = decided(data), _facts(data)
    made = {"html": _page(data, parts, facts).encode()}
    if "pdf" in forms:
        from kpi_helpers.reports.pdf import print_page

        made["pdf"] = print_page(made["html"].decode(), str(data.as_of))
    if "pptx" in forms:
        made["pptx"] = _slides(data, parts, facts)
    files = {Path(folder) / f"protocol-{data.as_of}.{form}": own for form, own in made.items()}
    all_updated({path: partial(_instead, own) for path, own in files.items()})
    return list(files)


def _instead(new: bytes, old: bytes | None) -> bytes:
    return new


def _slides(data: Dataset, parts: Sequence[Part], facts: Mapping[str, str]) -> bytes:
    from kpi_helpers.reports import deck

    lang, content = data.config.lang, BytesIO()
    slides, colon = deck.begun(), text("export.colon", lang)
    title = " · ".join([data.name, _text("title", lang)])
    deck.told(slides, title, [f"{name}{colon}{said}" for name, said in facts.items()])
    for part in parts:
        for first in range(0, len(part.lines), ON_A_SLIDE):
            lines = part.lines[first : first + ON_A_SLIDE]
            columns = [of for of in lines[0] if any(line[of] for line in lines)]
            cells = [[plain(line[of]) or "–" for of in columns] for line in lines]
            head = [_headings(part, lang)[of] for of in columns]
            slide = deck.begin(slides, _text(part.name, lang))
            deck.table_of(slide, [head, *cells], deck.BODY)
            deck.note(slide, [_text(f"{part.name}_about", lang)])
    deck.save(slides, content, [title])
    return content.getvalue()


def _facts(data: Dataset) -> dict[str, str]:
    """What stands at the top: whose decisions, who was there, on which data."""
    lang, config = data.config.lang, data.config
    said = {
        "company": data.name,
        "as_of": write_date(data.as_of, lang),
        "owner": config.owner,
        "audience": config.audience,
        "participants": ", ".join(config.participants),
        "fingerprint": fingerprint(described(data)),
    }
    return {text(f"report.facts.{name}", lang): value for name, value in said.items() if value}


def _headings(part: Part, lang: str) -> dict[str, str]:
    columns = part.lines[0] if part.lines else {}
    return {of: _text(f"columns.{of}", lang) for of in columns}


def _text(key: str, lang: str, **values: str) -> str:
    return text(f"protocol.{key}", lang, **values)
