"""What an earlier report wrote and is no longer so, and the rows behind figures that show it."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from kpi_helpers.errors import KpiError, Unavailable
from kpi_helpers.reports.difference import ALL, Pack, differs, moved, read, recorded, unlike
from kpi_helpers.reports.pack import MARK
from kpi_helpers.reports.record import involved, settings
from kpi_helpers.reports.tables import reports_folder
from kpi_helpers.wording.restated import NAMED, Restated

if TYPE_CHECKING:
    from kpi_helpers.sources import Dataset

MOST = 10_000
BEHIND = ["kpi", "period", "key", "counts", "of"]
MOVED = ["kpi", "period", "key", "counts_before", "of_before", "counts_after", "of_after", "moved"]
PERIOD = {"period": "name", "start": "start", "end": "end"}


def behind(data: Dataset, figures: pd.DataFrame, segment: str = "") -> pd.DataFrame:
    """List the rows behind figures by their ids, for a later report to compare.

    Parameters
    ----------
    data : Dataset
    figures : DataFrame
        Tidy, without dimensions.
    segment : str
        The named filter that they were measured with.

    Returns
    -------
    DataFrame
        ``kpi, period`` and what `kpi_helpers.measure.keyed` returns. A figure of more than 10,000
        rows has one line without a key, whose ``counts`` is their number; a derived one has none.
    """
    known = figures.dropna(subset="value").to_dict("records")
    listed = [rows for row in known if not (rows := _listed(data, row, segment)).empty]
    return pd.concat(listed or [pd.DataFrame(columns=BEHIND)], ignore_index=True)[BEHIND]


def _listed(data: Dataset, row: dict[Any, Any], segment: str) -> pd.DataFrame:
    from kpi_helpers.measure import keyed

    try:
        rows = keyed(data, row["kpi"], _days(row["start"], row["end"]), segment or None)
    except Unavailable:
        return pd.DataFrame(columns=BEHIND)
    if len(rows) > MOST:
        rows = pd.DataFrame({"key": [""], "counts": [float(len(rows))], "of": [float("nan")]})
    return rows.assign(kpi=row["kpi"], period=row["period"])


def _days(start: Any, end: Any) -> str:
    first, after = (date.fromisoformat(str(day)[:10]) for day in (start, end))
    return f"{first}:{after - timedelta(days=1)}"


def restated(
    data: Dataset, period: str = "last", before: str = "", segment: str = ""
) -> Restated | None:
    """Say which figures of an earlier report are no longer so.

    A figure that time itself moves (a period still running, leads that may still convert) was not
    final, and is none: on today's data it reads otherwise on the earlier day than today.

    Parameters
    ----------
    data : Dataset
    period : str
        That of the report being made.
    before : str
        Folder of the earlier report; by default the newest one of a period before, and of the same
        segment, beside the report being made.
    segment : str
        As for `side_by_side`.

    Returns
    -------
    Restated or None
        None where there is no earlier report.

    Raises
    ------
    KpiError
        As `kpi_helpers.reports.difference.read`.
    """
    folder = Path(before) if before else _earlier(data, period, segment)
    if folder is None:
        return None
    pack = read(folder)
    old = pack.record["settings"]["values"]
    figures = _no_longer_so(data, pack, segment)
    # Where names are replaced, the ids and settings of an earlier report compare with none here.
    rows = _moved(data, None if data.masked else pack.rows, figures, segment)
    number = rows.groupby(["kpi", "period"]).size().rename("moved").reset_index()
    report = {
        **{k: pack.record["period"][v] for k, v in PERIOD.items()},
        "currency": old["currency"],
        "settings": [] if data.masked else _sections(unlike(old, settings(data.config))),
    }
    return Restated(figures.merge(number, on=["kpi", "period"], how="left"), rows, report)


def _earlier(data: Dataset, period: str, segment: str) -> Path | None:
    """Return the newest pack of a period before, of the same data, beside the one being made."""
    folder = reports_folder()
    if folder is None:
        return None
    start = data.config.calendar.parse(period, data.as_of, data.first).start
    found = []
    for mark in sorted(folder.glob(f"[!.]*/{MARK}")):
        try:
            record = recorded(mark.parent)
        except KpiError:  # another version's, or damaged: not ours to compare with
            continue
        own, asked = record["period"], record["parameters"]
        alike = (record["data"]["name"], asked.get("segment", "")) == (data.name, segment)
        if alike and own["start"] < str(start):
            found.append((own["end"], own["start"], not asked.get("share"), mark.parent))
    return max(found)[-1] if found else None


def _no_longer_so(data: Dataset, pack: Pack, segment: str) -> pd.DataFrame:
    """Return the final figures of a pack that today's data, settings and definitions contradict."""
    from kpi_helpers.catalogue import REGISTRY
    from kpi_helpers.measure import measure

    written = pack.figures[pack.figures["dims"].eq(ALL)].dropna(subset="value")
    written = written[written["kpi"].isin(REGISTRY)].rename(columns={"value": "before"})
    then = data.at(pack.record["as_of"])
    found = [written.head(0).assign(after=0.0, then=0.0)]
    for (start, end), rows in written.groupby(["start", "end"]):
        ids, days = list(rows["kpi"]), _days(start, end)
        now, past = (
            measure(each, ids, days, where=segment or None).set_index("kpi").loc[ids]
            for each in (data, then)
        )
        known = {"after": now["value"], "then": past["value"], "label": now["label"]}
        found.append(rows.assign(**{name: each.to_numpy() for name, each in known.items()}))
    figures = pd.concat(found, ignore_index=True)
    final = ~differs(figures["after"], figures["then"])
    figures = figures[final & differs(figures["before"], figures["after"])]
    definition = [_redefined(data, pack, kpi) for kpi in figures["kpi"]]
    largest = (figures["after"] / figures["before"] - 1).abs().sort_values(ascending=False)
    shown = [*NAMED, "before", "after", "definition"]
    return figures.assign(definition=definition).loc[largest.index, shown]


def _redefined(data: Dataset, pack: Pack, kpi: str) -> bool:
    from kpi_helpers.catalogue import find

    known = pack.record["kpis"]
    return any(known.get(k, {}).get("version") != find(k).version for k in involved(data, kpi))


def _moved(
    data: Dataset, written: pd.DataFrame | None, figures: pd.DataFrame, segment: str
) -> pd.DataFrame:
    """Return the rows that moved behind figures, where both lists are whole."""
    found = [pd.DataFrame(columns=MOVED)]
    if written is None:
        return found[0]
    for row in figures[~figures["definition"].astype(bool)].to_dict("records"):
        before = written[written["kpi"].eq(row["kpi"]) & written["period"].eq(row["period"])]
        after = _listed(data, row, segment)
        if "" not in {*before["key"], *after["key"]}:
            found.append(moved(before[BEHIND], after[BEHIND]))
    return pd.concat([f for f in found if len(f)] or found[:1], ignore_index=True)[MOVED]


def _sections(unlike: list[dict[str, Any]]) -> list[str]:
    """Return the parts of the settings that differ; the day is not one of them."""
    return sorted({each["key"].partition(".")[0] for each in unlike} - {"as_of"})
