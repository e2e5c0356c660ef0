"""From findings to what is proposed: rows in the form of the action register."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from kpi_helpers.compare.stake import money_at_stake, stake_range
from kpi_helpers.units import MONEY

CARRIED = (
    *("label", "unit", "value", "low", "high"),
    *("reference", "reference_period", "target", "certainty"),
)
FOR_PEOPLE = ("action", "owner", "start_date", "due_date", "expected_effect")
COLUMNS = (
    "action_id",
    "quarter",
    "kpi",
    "scope",
    "finding",
    *CARRIED,
    *("money_at_stake", "money_low", "money_high"),
    *FOR_PEOPLE,
    "status",
)


def proposals(compared: pd.DataFrame, by: Sequence[str] = ()) -> pd.DataFrame:
    """The findings that call for a decision, as rows of the action register.

    A finding does when a target is missed for certain or a change for the worse is established;
    what may be chance is not proposed. Action, owner, dates and expected effect are left for
    people to fill in, before anything is done.

    Parameters
    ----------
    compared
        Frame of `kpi_helpers.compare`.
    by
        Its dimensions.

    Returns
    -------
    pandas.DataFrame
        The columns of `COLUMNS`, the most money at stake first; ``finding`` is ``target_missed``
        or ``worse``.

    Examples
    --------
    >>> row = {"kpi": "bookings", "period": "2026Q3", "label": "Bookings", "unit": "money",
    ...        "value": 90.0, "target": 100.0, "target_verdict": "missed", "certainty": "exact",
    ...        "change_verdict": "none_shown", "p_value": 0.5, "n": 3.0}
    >>> print(*proposals(pd.DataFrame([row])).loc[0, ["action_id", "finding", "money_at_stake"]])
    2026Q3-bookings-1 target_missed 10.0
    """
    certain = compared["certainty"].isin(["exact", "established"])
    missed = (compared["target_verdict"] == "missed") & certain
    # A fact that nothing tests (the stock is lower than it was) is no finding by itself.
    worse = (compared["change_verdict"] == "worse") & compared["p_value"].notna()
    low, high = stake_range(compared, by)
    found = compared.assign(
        quarter=compared["period"],
        scope=_scope(compared, by),
        finding=np.where(missed, "target_missed", "worse"),
        money_at_stake=money_at_stake(compared, by),
        money_low=low,
        money_high=high,
        status="proposed",
    )[missed | worse]
    found = found.sort_values("money_at_stake", ascending=False, kind="stable")
    places = [str(place) for place in range(1, len(found) + 1)]
    found["action_id"] = (
        found["quarter"] + "-" + found["kpi"] + "-" + pd.Series(places, found.index)
    )
    return found.reindex(columns=list(COLUMNS)).reset_index(drop=True)


def noted(findings: pd.DataFrame, quarter: str) -> pd.DataFrame:
    """The sure findings of an analysis whose money is known, as rows of the action register.

    Parameters
    ----------
    findings
        What a function of `kpi_helpers.wording` found.
    quarter
        Name of the period.

    Returns
    -------
    pandas.DataFrame
        The columns of `COLUMNS`; ``finding`` is the sentence.

    Examples
    --------
    >>> found = pd.DataFrame({"kind": ["finding"], "sentence": ["Offers go unanswered."],
    ...                       "sureness": [0], "money_at_stake": [9.0], "table": ["leak"]})
    >>> print(*noted(found, "2026Q3").loc[0, ["action_id", "finding", "money_at_stake"]])
    2026Q3-leak-1 Offers go unanswered. 9.0
    """
    known = (findings["kind"] == "finding") & findings["money_at_stake"].notna()
    found = findings[known & (findings["sureness"] == 0)].reset_index(drop=True)
    places = (found.groupby("table").cumcount() + 1).astype(str)
    found = found.rename(columns={"sentence": "finding"}).assign(
        action_id=quarter + "-" + found["table"] + "-" + places,
        **{
            "quarter": quarter,
            "kpi": "",
            "scope": "",
            "label": "",
            "unit": MONEY,
            "status": "proposed",
        },
    )
    return found.reindex(columns=list(COLUMNS))


def _scope(compared: pd.DataFrame, by: Sequence[str]) -> list[str]:
    """Where a finding holds, as ``dimension=value``; empty for the whole."""
    names = compared[list(by)].astype(object)
    return [
        ", ".join(f"{name}={'' if pd.isna(value) else value}" for name, value in row.items())
        for row in names.to_dict("records")
    ]
