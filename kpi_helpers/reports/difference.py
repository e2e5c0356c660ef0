"""What differs between two packs: figures, definitions, data, settings and packages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from kpi_helpers.errors import BadInput, KpiError, nearest
from kpi_helpers.reports.pack import MARK
from kpi_helpers.reports.record import FORM
from kpi_helpers.sources.saving import read_table
from kpi_helpers.sources.schema import TIDY_COLUMNS

ALL = "{}"  # the dimensions of a figure that is not broken down
WHEN = ["kpi", "period", "start", "end"]
MOVED = {"left_only": "went", "right_only": "came", "both": "changed"}
NEEDED = {"period", "as_of", "parameters", "data", "settings", "kpis", "python", "packages"}
# Parameters that say where a run was and for whom, not what it counted.
ASIDE = {"data", "config", "period", "lang", "as_of", "before"}
TOLERANCE = 1e-9  # sums taken in another order differ in their last digits


class Pack(NamedTuple):
    """A pack that was read: its record, its figures, and the rows behind them if it lists any."""

    record: Mapping[str, Any]
    figures: pd.DataFrame
    rows: pd.DataFrame | None


def difference(a: Path | str, b: Path | str) -> dict[str, Any]:
    """Compare two packs; where their periods differ, what both speak of.

    Parameters
    ----------
    a, b : Path or str
        Their folders, the earlier first.

    Returns
    -------
    dict
        ``same``; ``common``, how many figures both have; ``currencies``, of the two; and lists of
        dicts, each empty where nothing differs. ``figures``: ``kpi, period, start, end, dims,
        label, unit, before, after, change``. ``rows``: the same without dims, ``key, counts_before,
        of_before, counts_after, of_after`` and ``moved``: ``came``, ``went`` or ``changed``.
        ``definitions``, ``tables``, ``settings``, ``packages``: ``key, before, after``.
        ``unlisted``: figures whose rows not both packs list.

    Raises
    ------
    KpiError
        As `read`.
    """
    first, second = read(a), read(b)
    both = first.figures.merge(
        second.figures[[*WHEN, "dims", "value"]], on=[*WHEN, "dims"], suffixes=("_a", "_b")
    ).rename(columns={"value_a": "before", "value_b": "after"})
    both["change"] = both["after"] - both["before"]
    whole = both[both["dims"].eq(ALL)].dropna(subset=["before", "after"])
    rows, unlisted = _rows(first.rows, second.rows, whole)
    old, new = first.record, second.record
    shared = {kpi: old["kpis"][kpi] for kpi in old["kpis"] if kpi in new["kpis"]}
    found = {
        "figures": _plain(both[differs(both["before"], both["after"])]),
        "definitions": unlike(shared, {kpi: new["kpis"][kpi] for kpi in shared}),
        "tables": unlike(old["data"]["tables"], new["data"]["tables"]),
        "rows": _plain(whole[[*WHEN, "label", "unit"]].merge(rows, on=["kpi", "period"])),
        "settings": unlike(_settings(old), _settings(new)),
        "packages": unlike(*({"python": r["python"], **r["packages"]} for r in (old, new))),
    }
    same = not any(found.values())
    money = [record["settings"]["values"]["currency"] for record in (old, new)]
    periods = [record["period"]["name"] for record in (old, new)]
    said = {"same": same, "common": len(both), "currencies": money, "periods": periods}
    return {**said, **found, "unlisted": _plain(unlisted)}


def read(folder: Path | str) -> Pack:
    """Read a pack.

    Raises
    ------
    KpiError
        For a folder that is no pack, with the nearest ones; for a pack of another version.
    BadInput, MissingColumn
        For a file of it that is damaged.
    """
    tables = Path(folder) / "tables"
    record = recorded(Path(folder))
    texts = [*WHEN, "label", "unit"]
    figures = read_table(tables / "scorecard.csv", texts, ["value"])
    figures["dims"] = ALL
    if (tables / "breakdown.csv").exists():
        groups = read_table(tables / "breakdown.csv", texts, ["value"])
        figures = pd.concat([figures, groups.assign(dims=_dims(groups))], ignore_index=True)
    behind = tables / "behind.csv"
    numbers = ["counts", "of"]
    rows = read_table(behind, ["kpi", "period", "key"], numbers) if behind.exists() else None
    return Pack(record, figures[[*texts, "dims", "value"]], rows)


def recorded(folder: Path) -> dict[str, Any]:
    """Return the record of a pack; errors as of `read`."""
    try:
        record = json.loads((folder / MARK).read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise KpiError("no_pack", folder=folder, nearest=_packs_near(folder)) from error
    except (OSError, ValueError) as error:
        raise BadInput("unreadable_source", file=folder / MARK, reason=str(error)) from error
    if not isinstance(record, dict) or record.get("form") != FORM or NEEDED - record.keys():
        raise KpiError("other_pack", folder=folder)
    return record


def moved(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that came, went, or count for something else.

    Parameters
    ----------
    before, after : DataFrame
        ``kpi, period, key, counts, of``, as `kpi_helpers.reports.behind` lists them.

    Examples
    --------
    >>> rows = pd.DataFrame({"kpi": "k", "period": "2026", "key": ["a", "b"], "counts": [1.0, 2],
    ...                      "of": 1.0})
    >>> moved(rows, rows.assign(counts=[1.0, 3]))[["key", "moved"]].values.tolist()
    [['b', 'changed']]
    """
    on, ends = ["kpi", "period", "key"], ("_before", "_after")
    pairs = before.merge(after, on=on, how="outer", suffixes=ends, indicator="moved")
    alone = pairs["moved"].ne("both")
    unlike = [differs(pairs[f"{name}_before"], pairs[f"{name}_after"]) for name in ("counts", "of")]
    return pairs[alone | unlike[0] | unlike[1]].assign(moved=lambda f: f["moved"].map(MOVED))


def differs(before: pd.Series[float], after: pd.Series[float]) -> Any:
    """Tell where two figures differ by more than the order of their sums explains."""
    return ~np.isclose(before, after, rtol=TOLERANCE, atol=0, equal_nan=True)


def unlike(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the keys under which two mappings differ, with ``before`` and ``after``."""
    keys = sorted({*old, *new})
    pairs = [{"key": k, "before": old.get(k), "after": new.get(k)} for k in keys]
    return [pair for pair in pairs if pair["before"] != pair["after"]]


def _settings(record: Mapping[str, Any]) -> dict[str, Any]:
    chosen = {f"--{k}": v for k, v in record["parameters"].items() if k not in ASIDE}
    return {**record["settings"]["values"], "as_of": record["as_of"], **chosen}


def _rows(
    before: pd.DataFrame | None, after: pd.DataFrame | None, both: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows that moved behind figures that both have, and the figures without a list."""
    on = ["kpi", "period"]
    if before is None or after is None:
        return both[on].head(0), both[on]
    # A line without a key stands for more rows than are listed.
    cut = pd.concat([rows.loc[rows["key"].eq(""), on] for rows in (before, after)])
    unlisted = both[on].merge(cut.drop_duplicates())
    listed = pd.concat([both[on], unlisted]).drop_duplicates(keep=False)
    return moved(before.merge(listed), after.merge(listed)), unlisted


def _dims(groups: pd.DataFrame) -> list[str]:
    """Return the group of each row as text that two packs can be joined on."""
    names = [name for name in groups if name not in TIDY_COLUMNS]
    return [json.dumps(row) for row in groups[names].to_dict("records")]


def _plain(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {str(k): json.loads(v) if k == "dims" else None if v != v else v for k, v in row.items()}
        for row in frame.to_dict("records")
    ]


def _packs_near(folder: Path) -> list[str]:
    around = [
        folder.parent,
        *(p for d in (folder, folder.parent) if d.is_dir() for p in d.iterdir()),
    ]
    packs = {each.name: str(each) for each in sorted(around) if (each / MARK).is_file()}
    names = nearest(folder.name, packs) or [*packs][-3:]
    return [packs[name] for name in names]
