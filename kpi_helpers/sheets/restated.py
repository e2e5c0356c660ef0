"""What was restated since an earlier report, and the rows that moved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kpi_helpers.language import Terms, text
from kpi_helpers.sheets.findings import Findings
from kpi_helpers.sheets.table import Row, build, noted, plain, records
from kpi_helpers.units import COUNT, write
from kpi_helpers.wording.restated import NAMED, SAID, Restated, counted, dated, restatements

if TYPE_CHECKING:
    from great_tables import GT

SHOWN = 3


@dataclass(frozen=True)
class Restatements:
    """Sentences, and a table under them where rows moved."""

    said: Findings
    table: GT | None

    def __repr__(self) -> str:
        return repr(self.said)

    def _repr_html_(self) -> str:
        table = "" if self.table is None else self.table.as_raw_html()
        return self.said._repr_html_() + table


def restated(
    found: Restated | None, lang: str, terms: Terms | None = None, currency: str = "EUR"
) -> Restatements | None:
    """Show what was restated and up to three rows a figure; nothing without an earlier report.

    Parameters
    ----------
    found : Restated or None
        What `kpi_helpers.reports.restated` returns.
    lang, terms, currency
        As for `kpi_helpers.wording.sentence`.
    """
    if found is None:
        return None
    said = Findings(tuple(restatements(found, lang, terms, currency)))
    few = found.rows.groupby(["kpi", "period"], sort=False).head(SHOWN)
    rows = records(found.figures.head(SAID)[[*NAMED]].merge(few, on=["kpi", "period"]))
    if not rows:
        return Restatements(said, None)
    lines = [_line(row, lang, terms, (found.report["currency"], currency)) for row in rows]
    table = build("restated", lines, lang, right=("before", "after"))
    total = write(len(found.rows), COUNT, lang)
    note = text("sheets.moved", lang, limit=SHOWN, total=total)
    return Restatements(said, table if len(few) == len(found.rows) else noted(table, note))


def _line(row: Row, lang: str, terms: Terms | None, currencies: tuple[str, str]) -> dict[str, str]:
    before, after = (
        counted(row[f"counts_{side}"], row[f"of_{side}"], row["unit"], lang, currency)
        for side, currency in zip(("before", "after"), currencies, strict=True)
    )
    return {
        "row": plain(row["key"]),
        "group": dated(row, lang, terms),
        "before": before,
        "after": after,
    }
