"""What was known of the deals at a report, and what has changed in their source since."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
from collections.abc import Iterable
from typing import Any

import pandas as pd

from kpi_helpers.sources.dataset import Dataset
from kpi_helpers.sources.personal import DIGITS, KEY_VARIABLE

DEALS = ("key", "status", "closed_at")
NAMES = ("what", "name")
DECIDED = ("won", "lost")


def known_deals(data: Dataset) -> pd.DataFrame:
    """Each deal's status, closing day and amount under a digest of its id: no name, no id.

    Returns
    -------
    pandas.DataFrame
        Columns ``key, status, closed_at, amount``, sorted by key; copies of an id count once.
    """
    return _deals(data).drop(columns="id").sort_values("key", ignore_index=True)


def known_names(data: Dataset) -> pd.DataFrame:
    """The columns of each table, and the stages and owners of the deals.

    Returns
    -------
    pandas.DataFrame
        Columns ``what`` (``column``, ``stage`` or ``owner``) and ``name``.
    """
    names = {
        ("column", f"{table}.{column}") for table in data.base for column in data.filled(table)
    }
    if "deals" in data.base:
        for what in ("stage", "owner"):
            names |= {(what, str(name)) for name in data["deals"][what].dropna().unique()}
    return pd.DataFrame(sorted(names), columns=list(NAMES))


def changes(
    data: Dataset, deals: pd.DataFrame, names: pd.DataFrame, since: dt.date
) -> list[dict[str, Any]]:
    """What has changed since a report.

    Parameters
    ----------
    data
        Today's data.
    deals, names
        `known_deals` and `known_names` of the report.
    since
        The day that its data were of.

    Returns
    -------
    list of dict
        ``what, n, money, names``: columns and owners that came or went, new stages; deals that
        vanished (``money``: what they were worth), were rewritten once decided (the change of their
        amounts), or closed later under a day before (their amounts); ``names`` are those of today's
        deals. Only what there is.
    """
    found = list(_names_changed(names, known_names(data)))
    both = deals.merge(
        _deals(data), on="key", how="outer", suffixes=("_before", ""), indicator=True
    )
    went = both[both["_merge"].eq("left_only")]
    was = both["status_before"].isin(DECIDED) & both["_merge"].eq("both")
    unlike = [_differs(both, column) for column in ("status", "closed_at", "amount")]
    again = both[was & (unlike[0] | unlike[1] | unlike[2])]
    early = both["status"].isin(DECIDED) & both["closed_at"].le(since.isoformat())
    later = both[early & ~was]
    moved = again["amount"].fillna(0) - again["amount_before"].fillna(0)
    found += [
        _said("vanished", [], len(went), went["amount_before"].sum()),
        _said("rewritten", again["id"], len(again), moved.sum()),
        _said("backdated", later["id"], len(later), later["amount"].sum()),
    ]
    return [each for each in found if each["n"]]


def _names_changed(before: pd.DataFrame, after: pd.DataFrame) -> Iterable[dict[str, Any]]:
    for what in ("column", "stage", "owner"):
        old, new = (set(each.loc[each["what"].eq(what), "name"]) for each in (before, after))
        yield _said(f"new_{what}", new - old)
        if what != "stage":
            yield _said(f"gone_{what}", old - new)


def _said(
    what: str, names: Iterable[str], n: int = 0, money: float | None = None
) -> dict[str, Any]:
    listed = sorted(names)
    return {"what": what, "n": n or len(listed), "money": money, "names": listed}


def _differs(both: pd.DataFrame, column: str) -> pd.Series[bool]:
    before, after = both[f"{column}_before"], both[column]
    return before.ne(after) & ~(before.isna() & after.isna())


def _deals(data: Dataset) -> pd.DataFrame:
    columns = ["key", "id", "status", "closed_at", "amount"]
    if "deals" not in data.base:
        return pd.DataFrame(columns=columns)
    deals = data["deals"].drop_duplicates("deal_id")
    secret = os.environ.get(KEY_VARIABLE, "")
    ids = deals["deal_id"].astype(str)
    digests = [hashlib.sha256(f"{secret}:{each}".encode()).hexdigest() for each in ids]
    closed = pd.to_datetime(deals["closed_at"]).dt.strftime("%Y-%m-%d")
    known = {"key": [each[:DIGITS] for each in digests], "id": ids, "status": deals["status"]}
    return pd.DataFrame({**known, "closed_at": closed.fillna(""), "amount": deals["amount"]})[
        columns
    ]
