"""The first page of a report: the findings of all its notebooks, and where everything is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kpi_helpers.language import text
from kpi_helpers.reports.page import page, title
from kpi_helpers.reports.sections import ANNEX, VIEWS, has
from kpi_helpers.reports.tables import number_of_rows, read_csv, write_csv
from kpi_helpers.sources.brand import brand
from kpi_helpers.units import COUNT, write

if TYPE_CHECKING:
    import pandas as pd
    from nbformat import NotebookNode

    from kpi_helpers.sources import Dataset

FINDINGS, DECISIONS = "findings", "decisions"
# Tables whose findings say what became of what had been decided or forecast; they open a report.
LOOP = ("decided", "effects", "register", "forecast_accuracy")
METHODS = "methods.html"
LINES, FEWEST, DECIDED = 10, 6, 8


def merged(folder: Path, frames: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the findings of all notebooks in one table, and write it.

    Parameters
    ----------
    folder : Path
        Where the tables of the report are.
    frames : mapping
        Notebook → its findings, of the columns of `kpi_helpers.wording.findings`.

    Returns
    -------
    pandas.DataFrame
        With ``notebook`` before their columns; the surest first, then the most money at stake,
        proposals last, and "nothing" only where nothing was found at all.
    """
    import pandas as pd

    if not frames:
        return pd.DataFrame(columns=["notebook", "kind", "sentence", "table"])
    every = pd.concat([frame.assign(notebook=stem) for stem, frame in frames.items()])
    something = every[every["kind"] != "nothing"]
    every = every.head(1) if something.empty else something.drop_duplicates(["kind", "sentence"])
    proposal = every["kind"] != "finding"
    money = every["money_at_stake"].fillna(0.0)
    every = every.assign(last=proposal, money=-money).sort_values(
        ["last", "sureness", "money"], kind="stable"
    )
    every = every[["notebook", *every.columns.drop(["notebook", "last", "money"])]]
    write_csv(every, folder / f"{FINDINGS}.csv")
    return every


def first_lines(findings: pd.DataFrame, limit: int = LINES) -> pd.DataFrame:
    """Return what a reader who stops after ten lines must know: what happened, what is proposed."""
    import pandas as pd

    found = findings["kind"] == "finding"
    proposed = findings[~found].head(limit)
    return pd.concat([findings[found].head(limit - len(proposed)), proposed])


def closing(findings: pd.DataFrame) -> pd.Series[bool]:
    """Tell which findings say what became of what had been decided or forecast."""
    return findings["table"].isin(LOOP) & (findings["kind"] == "finding")


def index(
    data: Dataset,
    facts: Mapping[str, str],
    pages: Mapping[str, NotebookNode],
    tables: Mapping[Path, str],
    findings: pd.DataFrame,
) -> str:
    """Return the HTML of the index, made as every page is.

    Parameters
    ----------
    data : Dataset
    facts : mapping
        As for `kpi_helpers.reports.page.page`.
    pages : mapping
        Stem of a page → its executed notebook.
    tables : mapping
        Table → stem of the page that it stands behind; empty for all of them.
    findings : DataFrame
        What `merged` returns.
    """
    from nbformat.v4 import new_markdown_cell, new_notebook

    from kpi_helpers import sheets

    lang, decided = data.config.lang, proposed(tables)
    closed = closing(findings)
    came = findings[closed].sort_values("table", key=lambda of: of.map(LOOP.index), kind="stable")
    cells = [new_markdown_cell(f"# {_heading(facts)}")]
    cells += section("decided", sheets.findings(came), lang) if len(came) else []
    found = first_lines(findings[~closed], max(FEWEST, LINES - len(came)))
    cells += section("findings", sheets.findings(found), lang)
    if decided is not None:
        shown = sheets.decisions(decided.head(DECIDED), lang, data.config.currency)
        rest = len(decided) - DECIDED
        more = text("report.index.decisions_more", lang, n=rest) if rest > 0 else ""
        cells += section("decisions", shown, lang, more)
    cells += section("pages", sheets.links(_pages(pages, findings, lang)), lang)
    cells += section("tables", sheets.links(_tables(tables, pages, lang)), lang)
    return page(new_notebook(cells=cells), facts, lang, brand=brand(data.config))


def _heading(facts: Mapping[str, str]) -> str:
    """Return the company and the period, which come first among the facts."""
    return " ".join(" · ".join([*facts.values()][:2]).split())


def section(name: str, content: Any, lang: str, more: str = "") -> list[NotebookNode]:
    """Return the cells of a section: its heading, what it is about, and a table or list."""
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

    about = "" if name == "pages" else text(f"report.index.{name}_about", lang)
    said = f"## {text(f'report.index.{name}', lang)}\n\n{about} {more}"
    heading = new_markdown_cell(said, metadata={"tags": [ANNEX] if name == "tables" else []})
    output = new_output("display_data", {"text/html": content._repr_html_()})
    return [heading, new_code_cell(outputs=[output])]


def proposed(tables: Iterable[Path]) -> pd.DataFrame | None:
    """Return what all pages propose, the most money first; what two of them do, once.

    An alert of a figure that is proposed by itself tells the same gap: the figure's row stays.
    """
    import pandas as pd

    frames = [read_csv(path) for path in sorted(tables) if path.stem.endswith(DECISIONS)]
    frames = [frame for frame in frames if len(frame)] or frames[:1]
    if not frames:
        return None
    every = pd.concat(frames, ignore_index=True).drop_duplicates(["kpi", "scope", "finding"])
    money = every["money_at_stake"].astype(float).round(2)
    alerts = every["action_id"].astype(str).str.contains("-alerts-", regex=False)
    once = ~(alerts & money.isin(money[every["kpi"].notna()]))
    return every[once].iloc[(-money[once]).argsort(kind="stable")]


def _pages(
    pages: Mapping[str, NotebookNode], findings: pd.DataFrame, lang: str
) -> list[tuple[str, str, str]]:
    first = findings.drop_duplicates("notebook").set_index("notebook")["sentence"]
    found = []
    for stem, notebook in pages.items():
        named = title(notebook, lang) or stem
        found.append((f"{stem}.html", named, first.get(stem, "")))
        for view in VIEWS:
            if has(notebook, view):
                named, said = (text(f"report.views.{view}{of}", lang) for of in ("", "_about"))
                found.append((f"{stem}.{view}.html", named, said))
    return [*found, (METHODS, text("methods.title", lang), text("methods.about", lang))]


def _tables(
    tables: Mapping[Path, str], pages: Mapping[str, NotebookNode], lang: str
) -> list[tuple[str, str, str]]:
    """Every table with its rows and the question of its page, page by page."""
    found = []
    for path in sorted(tables, key=lambda path: (tables[path], path.name)):
        n, stem = number_of_rows(path), tables[path]
        rows = text("report.index.rows", lang, n=n, rows=write(n, COUNT, lang))
        asks = title(pages[stem], lang) or stem if stem else ""
        said = " · ".join(filter(None, [rows, asks]))
        found.append((f"{path.parent.name}/{path.name}", path.name, said))
    return found
