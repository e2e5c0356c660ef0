"""Dated copies of the deals: what a CRM forgets, rebuilt from two or more of them.

A CRM's list of deals says where each one stands today, and not where it stood a month ago. A copy
a month is enough to rebuild the moves between stages, the closing dates put off and the amounts
changed, at the grain of the copies: each change is dated on the day it was first seen.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from kpi_helpers.errors import BadInput, KpiError
from kpi_helpers.language import Phrase
from kpi_helpers.sources.dataset import Dataset
from kpi_helpers.sources.engine import frame_of
from kpi_helpers.sources.saving import naming, saved
from kpi_helpers.sources.tables import TABLES

FOLDER = "snapshots"
WATCHED = ("status", "stage", "amount", "expected_close", "closed_at", "owner")
ID, SEEN, GONE = "deal_id", "seen_at", "gone"
_KINDS = {"text": "string", "number": "float64", "date": "datetime64[us]", "time": "datetime64[us]"}


def take(data: Dataset, folder: Path | str) -> Path:
    """Write what has changed in the deals since the last snapshot of a folder.

    Parameters
    ----------
    data
        A data set of `load`; the snapshot bears the day up to which it is known.
    folder
        Where the snapshots lie, one parquet file a day; made where it is missing.

    Returns
    -------
    Path
        The file of this day: the deals that are new or differ, and those that are gone. One of the
        same day is replaced, whole.

    Raises
    ------
    KpiError
        When a later snapshot exists, which says what changed since the one before it, or when the
        file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from kpi_helpers.sources import load
    >>> deals = pd.DataFrame({"deal_id": ["1"], "created_at": ["2026-01-05"], "status": ["open"]})
    >>> take(load(deals, as_of="2026-01-31"), tempfile.mkdtemp()).name
    '2026-01-31.parquet'
    """
    folder = Path(folder)
    later = [day for day, _ in _files(folder) if day > data.as_of]
    if later:
        raise KpiError("later_snapshot", day=data.as_of, later=later[0], folder=folder)
    now, before = _deals(data), _last_known(_read(folder, before=data.as_of))
    found = pd.concat([_changed(now, before), _gone(now, before)])
    content = found.sort_index().reset_index().to_parquet(index=False)
    path = folder / f"{data.as_of}.parquet"
    with naming(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with naming(path):
        saved(path, content)
    return path


def changes(folder: Path | str) -> pd.DataFrame:
    """What changed from snapshot to snapshot, one row a deal, day and column.

    Parameters
    ----------
    folder
        The folder of `take`.

    Returns
    -------
    pandas.DataFrame
        Columns ``deal_id, seen_at, column, before, after``, the values as text, in the order of
        days: ``column`` is one of those watched, ``deal`` for a deal first seen after the first
        snapshot (``before`` missing) or gone (``after`` missing).
    """
    log = _read(Path(folder))
    earlier = log.groupby(ID)[[*WATCHED, GONE]].shift()
    known = log[ID].duplicated() & ~earlier[GONE].eq(True)
    frames = [
        _change(log[differs], column, earlier.loc[differs, column], log.loc[differs, column])
        for column in WATCHED
        for differs in [known & ~log[GONE] & ~_same(log[column], earlier[column])]
    ]
    ids, none = log[ID], pd.Series(None, log.index, dtype="string")
    first = log[SEEN] > log[SEEN].min()
    frames += [
        _change(log[test], "deal", before[test], after[test])
        for test, before, after in (
            (first & ~known & ~log[GONE], none, ids),
            (log[GONE], ids, none),
        )
    ]
    found = pd.concat(frames, ignore_index=True)
    return found.sort_values([SEEN, ID, "column"], kind="stable", ignore_index=True)


def rebuilt(folder: Path | str) -> dict[str, pd.DataFrame]:
    """The histories that the snapshots of a folder tell.

    Returns
    -------
    dict of DataFrame
        ``stage_history`` (``deal_id, stage, entered_at, amount_at_entry``) and
        ``close_date_history`` (``deal_id, changed_at, expected_close``). A stage or date is dated
        on the day of the snapshot that first shows it, the last stage of a decided deal on its
        closing day; what happened twice between two snapshots is seen once.
    """
    log = _read(Path(folder))
    log = log[~log[GONE]]
    entered = log["closed_at"].where(log["status"].isin(["won", "lost"])).fillna(log[SEEN])
    moved = log["stage"].notna() & ~_same(log["stage"], log.groupby(ID)["stage"].shift())
    stages = log.assign(entered_at=entered, amount_at_entry=log["amount"])[moved]
    put_off = log["expected_close"].notna() & ~_same(
        log["expected_close"], log.groupby(ID)["expected_close"].shift()
    )
    dates = log.assign(changed_at=log[SEEN])[put_off]
    return {
        "stage_history": stages[[ID, "stage", "entered_at", "amount_at_entry"]],
        "close_date_history": dates[[ID, "changed_at", "expected_close"]],
    }


def amounts(folder: Path | str) -> pd.DataFrame:
    """What deals were said to be worth, by the day of each snapshot that tells of them.

    Returns
    -------
    pandas.DataFrame
        ``deal_id, day, amount``, in the order of days.
    """
    log = _read(Path(folder))
    return log[~log[GONE]].rename(columns={SEEN: "day"})[[ID, "day", "amount"]]


def _deals(data: Dataset) -> pd.DataFrame:
    """The deals as known on the day, one row each: of several with one id, the last."""
    table = data.table("deals").select(*TABLES["deals"].names)
    frame = _typed(frame_of(data.con, table)).sort_values([*TABLES["deals"].names], kind="stable")
    return frame.drop_duplicates(ID, keep="last").set_index(ID)


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    kinds = {column.name: _KINDS[column.type] for column in TABLES["deals"]}
    return frame.reindex(columns=[*kinds, *frame.columns.difference([*kinds])]).astype(kinds)


def _changed(now: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
    was = before.reindex(now.index)
    same = pd.DataFrame({column: _same(now[column], was[column]) for column in now})
    known = now.index.isin(before.index[~before[GONE]])
    return now[~(same.all(axis=1) & known)].assign(**{GONE: False})


def _gone(now: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
    return before[~before.index.isin(now.index) & ~before[GONE]].assign(**{GONE: True})


def _same(one: pd.Series, other: pd.Series) -> pd.Series:
    """Whether two columns hold the same, missing being the same as missing."""
    return one.eq(other).fillna(False).astype(bool) | (one.isna() & other.isna())


def _change(rows: pd.DataFrame, column: str, before: pd.Series, after: pd.Series) -> pd.DataFrame:
    told = {"before": _text(before), "after": _text(after)}
    return rows[[ID, SEEN]].assign(column=column, **told)


def _text(values: pd.Series) -> pd.Series:
    if pd.api.types.is_datetime64_any_dtype(values):
        values = values.dt.strftime("%Y-%m-%d")
    return values.astype("string")


def _last_known(log: pd.DataFrame) -> pd.DataFrame:
    return log.drop_duplicates(ID, keep="last").set_index(ID).drop(columns=SEEN)


def _files(folder: Path) -> Iterator[tuple[dt.date, Path]]:
    """The snapshots of a folder, the oldest first; a file of another name is no snapshot."""
    for path in sorted(folder.glob("*.parquet")):
        try:
            yield dt.date.fromisoformat(path.stem), path
        except ValueError as error:
            expected = Phrase("expected.snapshot")
            raise BadInput(file=str(path), value=path.stem, expected=expected) from error


def _read(folder: Path, before: dt.date = dt.date.max) -> pd.DataFrame:
    """Every row of the snapshots, by day, with the day that it was seen."""
    empty = _typed(pd.DataFrame(columns=[GONE, SEEN])).astype({GONE: bool, SEEN: "datetime64[us]"})
    frames = [
        _typed(_content(path)).assign(**{SEEN: pd.Timestamp(day).as_unit("us")})
        for day, path in _files(folder)
        if day < before
    ]
    return pd.concat([*frames], ignore_index=True) if frames else empty


def _content(path: Path) -> pd.DataFrame:
    try:
        frame = pd.read_parquet(path)
    except (OSError, ValueError) as error:  # pyarrow's own errors are kinds of these
        raise BadInput("unreadable_source", file=str(path), reason=str(error)) from error
    if not {ID, GONE} <= {*frame.columns}:
        raise BadInput(file=str(path), value=path.name, expected=Phrase("expected.snapshot"))
    return frame.astype({GONE: bool})
