"""Every row and its money accounted for: read = used + left out."""

from __future__ import annotations

import ibis
import pandas as pd

from kpi_helpers.sources.checks.crowds import OUT, hit
from kpi_helpers.sources.checks.marks import EXCLUDED
from kpi_helpers.sources.checks.quality import fired
from kpi_helpers.sources.currencies import REPORTED
from kpi_helpers.sources.dataset import Dataset
from kpi_helpers.sources.engine import frame_of
from kpi_helpers.sources.files.headers import FILE

COUNTS = ("rows", "used", "excluded", "flagged")
AMOUNTS = ("money", "money_used", "money_excluded")


def accounting(data: Dataset) -> pd.DataFrame:
    """How many rows of each file were read, used, left out and pointed at, and their money.

    Parameters
    ----------
    data
        A data set of `load`.

    Returns
    -------
    pandas.DataFrame
        Columns ``table, file, rows, used, excluded, flagged, money, money_used, money_excluded``:
        a row a table and file. ``rows`` = ``used`` + ``excluded``, each excluded row stands in
        `kpi_helpers.left_out` with its reason; the flagged ones are among those used. Money is
        that of amounts which can be read, in the reporting currency; those of left-out rows for
        which there is no rate are not added. Missing without any.

    Examples
    --------
    >>> from kpi_helpers.sources import load
    >>> deals = pd.DataFrame({"deal_id": ["1", "2"], "status": ["won", "perhaps"],
    ...     "created_at": ["2026-01-05", "2026-01-09"], "closed_at": ["2026-01-07", None]})
    >>> accounting(load(deals))[["rows", "used", "excluded"]].values.tolist()
    [[2, 1, 1]]
    """
    frame: pd.DataFrame = data.remember("accounting", lambda: _accounting(data))
    return frame.copy()


def _accounting(data: Dataset) -> pd.DataFrame:
    frames = [_of_table(data, name) for name in data.mapped]
    return pd.concat(frames, ignore_index=True)[["table", "file", *COUNTS, *AMOUNTS]]


def _of_table(data: Dataset, name: str) -> pd.DataFrame:
    rows, marks = fired(data, name)
    flags = [hit(mark, rows) for mark in marks if mark.action != EXCLUDED]
    amount, out = rows[REPORTED], rows[OUT]
    nothing, file = ibis.null("float64"), ibis.literal(data.files[name])
    facts = rows.select(
        file=rows[FILE].fill_null(data.files[name]) if FILE in rows.columns else file,
        rows=ibis.literal(1),
        used=ibis.ifelse(out, 0, 1),
        excluded=ibis.ifelse(out, 1, 0),
        flagged=ibis.ifelse(ibis.or_(*flags), 1, 0) if flags else ibis.literal(0),
        money=amount,
        money_used=ibis.ifelse(out, nothing, amount),
        money_excluded=ibis.ifelse(out, amount, nothing),
    )
    sums = {column: facts[column].sum() for column in (*COUNTS, *AMOUNTS)}
    found = frame_of(data.con, facts.group_by("file").agg(**sums).order_by("file"))
    counted = found.astype(dict.fromkeys(COUNTS, "int64"))
    return counted.astype(dict.fromkeys(AMOUNTS, "float64")).assign(table=name)
