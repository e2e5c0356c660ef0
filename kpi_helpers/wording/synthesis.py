"""The first ten lines of a report: the findings of all its sections, ranked."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kpi_helpers.language import text
from kpi_helpers.wording.lines import as_findings

# So many of one table before another's turn comes: a long scorecard does not hide what the
# sections found.
OF_ONE = {"compared": 6, "weighed": 6}
OF_ANOTHER = 2


def synthesis(found: pd.DataFrame, *told: pd.DataFrame | None, limit: int = 10) -> pd.DataFrame:
    """Rank the findings of a comparison and of the analyses in one list.

    What is sure comes before what may be chance, then the most money at stake; no table fills the
    list while another has something to say. What is proposed stands at the end.

    Parameters
    ----------
    found : DataFrame
        What `findings` or `opened_with` returns.
    *told : DataFrame or None
        What the analyses found, in the same columns; None for one that the data do not carry.
    limit : int
        Most lines.

    Returns
    -------
    pandas.DataFrame
        The columns of ``found``.

    Examples
    --------
    >>> columns = ["kind", "sentence", "sureness", "money_at_stake", "table", "rows"]
    >>> found = pd.DataFrame([["finding", "A", 1, 9.0, "compared", "1"],
    ...                       ["propose_patience", "P", 1, None, "compared", "1"]], columns=columns)
    >>> teams = pd.DataFrame([["finding", "B", 0, None, "teams", "1"]], columns=columns)
    >>> synthesis(found, None, teams)["sentence"].tolist()
    ['B', 'A', 'P']
    """
    lines = pd.concat([found, *(each for each in told if each is not None)], ignore_index=True)
    lines = lines.astype({"sureness": int, "money_at_stake": float})
    findings = _by_rank(lines[lines["kind"] == "finding"])
    proposed = lines[lines["kind"].str.startswith("propose")]
    if findings.empty and proposed.empty:
        return found
    turn = findings.groupby("table").cumcount()
    share = findings["table"].map(OF_ONE).fillna(OF_ANOTHER)
    late = (turn >= share) & (findings["sureness"] >= 0)
    kept = findings.iloc[np.argsort(late, kind="stable")].head(max(limit - len(proposed), 0))
    return pd.concat([_by_rank(kept), proposed], ignore_index=True)[list(found)]


def gathered(*told: pd.DataFrame | None, lang: str = "en") -> pd.DataFrame:
    """Rank the findings of analyses where no comparison of KPIs stands before them.

    Returns
    -------
    pandas.DataFrame
        As `synthesis`; one row that says so where nothing was found.

    Examples
    --------
    >>> gathered(None)["sentence"].tolist()
    ['Nothing to report']
    """
    nothing = as_findings([(text("sheets.nothing", lang), 2, [], 0.0)], "")
    return synthesis(nothing.assign(kind="nothing"), *told)


def _by_rank(lines: pd.DataFrame) -> pd.DataFrame:
    ranked = lines.assign(_money=-lines["money_at_stake"].abs().fillna(0.0))
    ranked = ranked.sort_values(["sureness", "_money"], kind="stable")
    return ranked.drop(columns="_money")
