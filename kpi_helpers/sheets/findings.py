"""What a page opens and ends with: the findings as a list, the decisions they call for."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import pandas as pd

from kpi_helpers.language import text, texts
from kpi_helpers.sheets.table import Row, absent, build, finding, plain, records
from kpi_helpers.units import MONEY, write
from kpi_helpers.wording.told import Said
from kpi_helpers.wording.when import named

if TYPE_CHECKING:
    from great_tables import GT


# Findings of a comparison are told by their key, those of an analysis by a sentence.
FOUND = ("target_missed", "worse")
RIGHT = ("value", "target", "before", "at_stake")


@dataclass(frozen=True)
class Findings:
    """Sentences that a notebook shows as a list."""

    sentences: tuple[str, ...]

    def __repr__(self) -> str:
        return "\n".join(self.sentences)

    def _repr_html_(self) -> str:
        items = "".join(f"<li>{escape(sentence)}</li>" for sentence in self.sentences)
        return f'<ul class="findings">{items}</ul>'


def findings(found: pd.DataFrame) -> Findings:
    """Show findings as a list; text from data stays text.

    Parameters
    ----------
    found : DataFrame
        What `kpi_helpers.wording.findings` returns.

    Examples
    --------
    >>> findings(pd.DataFrame({"sentence": ["<b>2</b> deals"]}))._repr_html_()
    '<ul class="findings"><li>&lt;b&gt;2&lt;/b&gt; deals</li></ul>'
    """
    return Findings(tuple(found["sentence"]))


def decisions(proposed: pd.DataFrame, lang: str, currency: str = "EUR") -> GT:
    """Show what is proposed, the most money first: what to do, the figure and what it stands by.

    Parameters
    ----------
    proposed : DataFrame
        What `kpi_helpers.actions.proposals` or `noted` returns.
    lang : str
    currency : str
        ISO code of the amounts.

    Examples
    --------
    >>> from kpi_helpers.actions import COLUMNS
    >>> "Nothing to report" in decisions(pd.DataFrame(columns=COLUMNS), "en").as_raw_html()
    True
    """
    lines = decision_lines(proposed, lang, currency)
    return build("decisions", lines, lang, right=RIGHT)


def decision_lines(
    proposed: pd.DataFrame, lang: str, currency: str = "EUR"
) -> list[dict[str, str]]:
    """Return the lines of `decisions`, each by column: ``decide`` and the figures it stands by."""
    order = proposed["money_at_stake"].astype(float).sort_values(ascending=False, kind="stable")
    return [_decision(row, lang, currency) for row in records(proposed.loc[order.index])]


def _decision(row: Row, lang: str, currency: str) -> dict[str, str]:
    """Say what to do about a KPI, or about what an analysis found: its sentence stands above."""
    at_stake = write(row["money_at_stake"], MONEY, lang, currency)
    if row["finding"] not in FOUND:
        table = str(row["action_id"]).removeprefix(f"{row['quarter']}-").rpartition("-")[0]
        key = f"sheets.decide.{table if f'sheets.decide.{table}' in texts(lang) else 'other'}"
        return {"decide": text(key, lang, what=finding(str(row["finding"]))), "at_stake": at_stake}
    scope = plain(row["scope"])
    what = f"{Said(row['label']):low}" + (f" ({scope})" if scope else "")
    return {
        "decide": text(f"sheets.decide.{row['finding']}", lang, what=what),
        "value": write(row["value"], row["unit"], lang, currency),
        "target": write(row["target"], row["unit"], lang, currency),
        "before": _before(row, lang, currency),
        "at_stake": at_stake,
    }


def _before(row: Row, lang: str, currency: str) -> str:
    """Return what a figure was, and when: decisions on a page may look back differently."""
    said = write(row["reference"], row["unit"], lang, currency)
    known = not (absent(row["reference"]) or absent(row.get("reference_period")))
    return f"{said}\n{named(str(row['reference_period']), lang)}" if known else said
