"""The heaviest figures of `scale`, as someone who knows pandas well writes them by hand.

Each reads the columns that it needs from the files, of the days that it needs, and gives the value
by month and team, or what a funnel and cohorts have instead. Here refunds name their orders.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

CELL = ["month", "team"]
Values = dict[str, str]


def _read(folder: Path, table: str, *columns: str, since: str = "") -> pd.DataFrame:
    """Columns of a table, the team in place of the owner; ``since`` leaves out earlier orders."""
    frame = pd.read_parquet(
        folder / f"{table}.parquet",
        columns=[*columns],
        filters=[("order_date", ">=", pd.Timestamp(since).date())] if since else None,
        to_pandas_kwargs={"date_as_object": False},
    )
    if "owner" in columns:
        reps = pd.read_parquet(folder / "reps.parquet").set_index("owner")["team"]
        frame["team"] = frame.pop("owner").map(reps).astype("category")
    return frame


def _months(days: pd.Series) -> np.ndarray:
    return days.to_numpy().astype("M8[M]").astype("M8[s]")


def _within(frame: pd.DataFrame, day: str, values: Values) -> pd.DataFrame:
    """The rows dated in the span asked for, with their month."""
    frame = frame[(frame[day] >= values["first"]) & (frame[day] < values["last"])]
    return frame.assign(month=_months(frame[day]))


def _cells(rows: pd.DataFrame, *more: str) -> pd.api.typing.DataFrameGroupBy:
    return rows.groupby([*CELL, *more], observed=True)


def _told(value: pd.Series) -> pd.DataFrame:
    return value.rename("value").reset_index()


def _years(values: Values) -> list[tuple[pd.Timestamp, pd.Timestamp, pd.Timestamp]]:
    """Each month, and the year that ends with it or with the last day known."""
    found = []
    for month in pd.date_range(values["first"], values["last"], freq="MS", inclusive="left"):
        stop = min(month + pd.DateOffset(months=1), pd.Timestamp(values["tomorrow"]))
        found.append((month, stop - pd.DateOffset(years=1), stop))
    return found


def _before(day: str, years: int) -> str:
    return str((pd.Timestamp(day) - pd.DateOffset(years=years)).date())


def rfm_segment_share(folder: Path, values: Values) -> pd.DataFrame:
    columns = ("order_id", "customer_id", "order_date", "amount_net", "type", "original_order_id")
    rows = _read(folder, "orders", *columns, "owner")
    back = rows[rows["type"] == "refund"].groupby("original_order_id")["amount_net"].sum()
    undone = -rows["order_id"].map(back).fillna(0).round(2) >= rows["amount_net"]
    rows["kept"] = (rows["type"] == "order") & ~(undone & rows["order_id"].isin(back.index))
    rows = rows.drop(columns=["order_id", "original_order_id", "type"])
    found = []
    for month, start, stop in _years(values):
        year = rows[(rows["order_date"] >= start) & (rows["order_date"] < stop)]
        keys = ["team", "customer_id"]
        kept = year[year["kept"]].groupby(keys, observed=True)["order_date"].agg(["max", "size"])
        kept["much"] = (100 * year.groupby(keys, observed=True)["amount_net"].sum()).round()
        teams = kept.groupby("team", observed=True)
        n = teams["size"].transform("size")
        groups = np.where(n < 50, 3, 5)
        late, many, large = (
            groups * (teams[name].rank("min") - 1) // n for name in ("max", "size", "much")
        )
        best = (late < groups // 2) & (many + large >= groups - 1)
        found.append(best.groupby("team", observed=True).mean().reset_index(name="value"))
        found[-1]["month"] = month
    return pd.concat(found)


def customer_retention_rate(folder: Path, values: Values) -> pd.DataFrame:
    since = _before(values["first"], 2)
    rows = _read(folder, "orders", "customer_id", "order_date", "type", "owner", since=since)
    rows, found = rows[rows["type"] == "order"], []
    for month, start, stop in _years(values):
        before = rows["order_date"].between(month - pd.DateOffset(years=1), month, "left")
        there = rows.loc[rows["order_date"].between(start, stop, "left"), "customer_id"].unique()
        base = rows.loc[before, ["team", "customer_id"]].drop_duplicates()
        kept = base["customer_id"].isin(there).groupby(base["team"], observed=True).mean()
        found.append(kept.reset_index(name="value").assign(month=month))
    return pd.concat(found)


def repurchase_rate(folder: Path, values: Values) -> pd.DataFrame:
    since, short = _before(values["first"], 1), _before(values["tomorrow"], 1)
    rows = _read(folder, "orders", "customer_id", "order_date", "type", "owner", since=since)
    rows = rows[rows["type"] == "order"]
    rows["month"] = _months(rows["order_date"])
    base = rows.loc[rows["order_date"] != short, [*CELL, "customer_id"]].drop_duplicates()
    base["month"] += pd.DateOffset(years=1)
    again = rows[["month", "customer_id"]].drop_duplicates().assign(again=1)
    both = base[base["month"] < values["last"]].merge(again, "left", ["month", "customer_id"])
    return _told(_cells(both)["again"].count() / _cells(both).size())


def new_vs_existing_revenue(folder: Path, values: Values) -> pd.DataFrame:
    rows = _read(folder, "orders", "customer_id", "order_date", "amount_net", "type", "owner")
    came = rows[rows["type"] == "order"].groupby("customer_id")["order_date"].min()
    rows = _within(rows, "order_date", values)
    is_new = _months(rows["customer_id"].map(came)) == rows["month"]
    sums = _cells(rows.assign(a=rows["amount_net"].where(is_new, 0.0)))[["a", "amount_net"]].sum()
    return _told(sums["a"] / sums["amount_net"])


def new_customers(folder: Path, values: Values) -> pd.DataFrame:
    rows = _read(folder, "orders", "customer_id", "order_date", "type", "owner")
    first = rows[rows["type"] == "order"].groupby("customer_id")["order_date"].min()
    came = rows["order_date"] == rows["customer_id"].map(first)
    return _told(_cells(_within(rows[came], "order_date", values))["customer_id"].nunique())


def refund_rate(folder: Path, values: Values) -> pd.DataFrame:
    columns = ("order_id", "order_date", "amount_net", "type", "original_order_id", "owner")
    rows = _read(folder, "orders", *columns, since=values["first"])
    sold = rows[rows["type"] == "order"].set_index("order_id")
    back = rows[rows["type"] == "refund"]
    days = (back["order_date"] - back["original_order_id"].map(sold["order_date"])).dt.days
    sums = -back[days.between(0, 60)].groupby("original_order_id")["amount_net"].sum()
    old = pd.Timestamp(values["as_of"]) - pd.DateOffset(days=60)
    sold = _within(sold[sold["order_date"] <= old], "order_date", values)
    cells = _cells(sold.assign(back=sold.index.map(sums)))[["back", "amount_net"]].sum()
    return _told(cells["back"] / cells["amount_net"])


def open_pipeline_value(folder: Path, values: Values) -> pd.DataFrame:
    rows, moves = _read(folder, "deals", "created_at", "closed_at", "amount", "owner"), []
    for day, sign in (("created_at", 1), ("closed_at", -1)):
        moved = rows[rows[day] < values["last"]]
        month = np.maximum(_months(moved[day]), np.datetime64(values["first"]))
        moves.append(sign * moved["amount"].groupby([month, moved["team"]], observed=True).sum())
    stock = sum(moves[1:], moves[0]).unstack().sort_index().cumsum().stack()
    return _told(stock.rename_axis(CELL))


def _reached(folder: Path, stages: int) -> pd.DataFrame:
    """The day on which each deal reached each stage or a later one."""
    rows = pd.read_parquet(folder / "stage_history.parquet")
    rows["place"] = rows.pop("stage").str[-1].astype("int8")
    rows["entered_at"] = rows["entered_at"].dt.normalize()
    first = {
        f"at_{place}": rows[rows["place"] >= place].groupby("deal_id")["entered_at"].min()
        for place in range(stages)
    }
    return pd.DataFrame(first)


def stage_conversion(folder: Path, values: Values) -> pd.DataFrame:
    deals = _read(folder, "deals", "deal_id", "status", "closed_at", "owner").set_index("deal_id")
    days = _reached(folder, 4)
    days["at_4"] = pd.NaT
    deals, found = deals.reindex(days.index), []
    won = deals["closed_at"].where(deals["status"] == "won")
    old = pd.Timestamp(values["as_of"]) - pd.DateOffset(days=int(values["window"]))
    for place in range(4):
        begun, passed = days[f"at_{place}"], days[f"at_{place + 1}"].fillna(won)
        asked = begun.le(old) & ~(passed < begun)
        rows = pd.DataFrame({"day": begun, "passed": passed, "team": deals["team"]})[asked]
        rows = _within(rows, "day", values)
        rows["in_time"] = (rows["passed"] - rows["day"]).dt.days <= int(values["window"])
        found.append(rows[[*CELL, "in_time"]])
    return _told(_cells(pd.concat(found))["in_time"].mean())


def funnel(folder: Path, values: Values) -> pd.DataFrame:
    days = _reached(folder, 4)
    deals = pd.read_parquet(folder / "deals.parquet", columns=["deal_id", "region"])
    old = pd.Timestamp(values["as_of"]) - pd.DateOffset(days=int(values["window"]))
    days = days[days["at_0"].between("2023-01-01", "2026-01-01", "left") & (days["at_0"] <= old)]
    region = deals.set_index("deal_id")["region"].reindex(days.index)
    quarter = days["at_0"].dt.to_period("Q").dt.start_time
    there = {
        place: (days[f"at_{place}"] - days["at_0"]).dt.days <= int(values["window"])
        for place in range(4)
    }
    sums = pd.DataFrame(there).groupby([region, quarter]).sum()
    return _told(sums.rename_axis(["region", "start"]).rename_axis("place", axis=1).stack())


def cohorts(folder: Path, values: Values) -> pd.DataFrame:
    rows = _read(folder, "orders", "customer_id", "order_date", "type")
    rows = rows[rows["type"] == "order"]
    rows["unit"] = rows.pop("order_date").to_numpy().astype("M8[M]").astype("int64") // 3 + 4 * 1970
    seen = rows[["customer_id", "unit"]].drop_duplicates()
    seen["cohort"] = seen.groupby("customer_id")["unit"].transform("min")
    seen["age"] = seen["unit"] - seen["cohort"]
    return _told(seen.groupby(["cohort", "age"]).size())


def _of_lines(folder: Path, values: Values) -> pd.DataFrame:
    """Orders of their lines, in the span asked for."""
    columns = ("order_id", "order_date", "customer_id", "amount_net", "owner")
    lines = _read(folder, "order_lines", *columns, since=values["first"])
    of_order = lines.groupby("order_id")
    orders = of_order[["order_date", "customer_id", "team"]].first()
    orders["amount_net"] = of_order["amount_net"].sum()
    return _within(orders, "order_date", values)


def revenue(folder: Path, values: Values) -> pd.DataFrame:
    return _told(_cells(_of_lines(folder, values))["amount_net"].sum())


def aov(folder: Path, values: Values) -> pd.DataFrame:
    cells = _cells(_of_lines(folder, values))["amount_net"]
    return _told(cells.sum() / cells.size())


OF_LINES = {"revenue": revenue, "aov": aov}
OF_ORDERS = {
    "rfm_segment_share": rfm_segment_share,
    "customer_retention_rate": customer_retention_rate,
    "repurchase_rate": repurchase_rate,
    "new_vs_existing_revenue": new_vs_existing_revenue,
    "refund_rate": refund_rate,
    "new_customers": new_customers,
    "stage_conversion": stage_conversion,
    "open_pipeline_value": open_pipeline_value,
    "funnel": funnel,
    "cohorts": cohorts,
}
