"""What IPython shows: a KPI as its card, data with what became of their rows, a result as a table.

An error says what is wrong, how to mend it and on which line of the cell; ``%tb`` then shows the
steps inside the kit as well. To import the kit in a notebook is enough.
"""

from __future__ import annotations

import traceback
from contextlib import suppress
from functools import partial
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kpi_helpers.errors import KpiError
from kpi_helpers.language import text

if TYPE_CHECKING:
    from types import TracebackType

    from kpi_helpers.catalogue import Kpi
    from kpi_helpers.sources import Dataset

# A longer frame is to be looked through, as pandas shows it, and no table to read.
MOST_ROWS, MOST_SENTENCES = 40, 5
CATALOGUE = ("id", "name", "unit", "definition")
# What a result remembers of the data it was asked of: see `kpi_helpers.measure.spoken`.
LOOK = ("lang", "currency", "terms")
# In the page of a report these stand in its style sheet.
QUIET = "<style>.card h3 span { font-size: 75%; font-weight: 400; margin-left: 0.6em; }</style>"


def register(shell: Any) -> None:
    """Tell a shell of IPython how to show what the kit returns and raises."""
    html = shell.display_formatter.formatters["text/html"]
    html.for_type_by_name("kpi_helpers.catalogue", "Kpi", partial(kpi_html, shell=shell))
    html.for_type_by_name("kpi_helpers.sources.dataset", "Dataset", data_html)
    html.for_type_by_name("pandas", "DataFrame", frame_html)
    if not shell.custom_exceptions:
        shell.set_custom_exc((KpiError,), _tell)


def kpi_html(kpi: Kpi, shell: Any) -> str:
    """Return the card of a KPI, in the language of the session."""
    from kpi_helpers.sheets.cards import cards

    return QUIET + cards([kpi], _language(shell)).html


def data_html(data: Dataset) -> str:
    """Return what a data set holds, what became of its rows and money, and what the checks found.

    Examples
    --------
    >>> import kpi_helpers as kh
    >>> "out of 100" in data_html(kh.load("data/sample", {"language": "en"}))
    True
    """
    from kpi_helpers.sheets import accounts, quality_table
    from kpi_helpers.sources import accounting, quality, score
    from kpi_helpers.units import write_date

    lang, currency = data.config.lang, data.config.currency
    ends = {"first": write_date(data.first, lang), "as_of": write_date(data.as_of, lang)}
    said = " · ".join(filter(None, [escape(data.name), text("display.days", lang, **ends)]))
    account = accounts(accounting(data), score(data), lang, currency)
    checks = quality_table(quality(data), lang, currency)
    return f"<p>{said}</p>{account.as_raw_html()}{checks.as_raw_html()}"


def frame_html(frame: Any) -> str | None:
    """Return what a result of `measure` or `compare` says, its table, and below the frame itself.

    Any other frame, and a result of many rows, is left as pandas shows it.
    """
    from kpi_helpers import sheets, wording
    from kpi_helpers.wording.told import OWN, TIDY

    own: str | None = frame._repr_html_()
    if {*CATALOGUE, "seeds"} <= {*frame}:
        return _catalogue_html(frame, own or "")
    look = {name: frame.attrs[name] for name in LOOK if name in frame.attrs}
    if not ({*TIDY} <= {*frame} and len(look) == len(LOOK) and 0 < len(frame) <= MOST_ROWS):
        return own
    if "change" in frame and frame["change"].notna().any():
        found = sheets.findings(wording.findings(frame, limit=MOST_SENTENCES, **look))
        table = sheets.changes(frame, by=[name for name in frame if name not in OWN], **look)
    else:
        few = frame.to_dict("records") if len(frame) <= MOST_SENTENCES else []
        found = sheets.Findings(tuple(wording.sentence(row, **look) for row in few))
        table = sheets.measured(frame, **look)
    below = f"<details><summary>DataFrame</summary>{own or escape(repr(frame))}</details>"
    return found._repr_html_() + table.as_raw_html() + below


def _catalogue_html(frame: Any, own: str) -> str:
    """Return every KPI with its definition in full, and below the frame itself."""
    import pandas as pd

    with pd.option_context("display.max_colwidth", None):
        shown: str = frame[[*CATALOGUE]].to_html(index=False, border=0)
    return f"{shown}<details><summary>DataFrame</summary>{own}</details>"


def _tell(
    shell: Any,
    kind: type[KpiError],
    error: KpiError,
    steps: TracebackType,
    tb_offset: int | None = None,
) -> None:
    """Show an error by its text and the line of the cell; asked again, all steps as usual."""
    from kpi_helpers.wording.told import plain

    lang = _language(shell)
    lines = [f"{kind.__name__}: {plain(error.render(lang), longest=None)}"]
    for step in traceback.extract_tb(steps):
        cell = shell.compile.format_code_name(step.filename)
        if cell:
            line = text("errors.places.line", lang, line=step.lineno)
            lines += [f"{cell[1]}, {line}", f"    {step.line}"]
    vars(error)["_render_traceback_"] = lambda: lines
    shell.showtraceback((kind, error, steps))
    del vars(error)["_render_traceback_"]


def _language(shell: Any) -> str:
    """Return the language of the data that a session has opened, else of the project here."""
    from kpi_helpers.sources import Dataset
    from kpi_helpers.sources.config import FILE_NAME, read_config

    opened = [each for each in shell.user_ns.values() if isinstance(each, Dataset)]
    if opened:
        return opened[-1].config.lang
    with suppress(KpiError):
        for folder in (Path.cwd(), Path.cwd().parent):
            if (folder / FILE_NAME).is_file():
                return read_config(folder / FILE_NAME).lang
    return "en"
