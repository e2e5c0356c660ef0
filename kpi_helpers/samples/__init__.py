"""A seeded sample company: a French maker of packaging machines, from leads to invoices.

Its CRM begins on the first day; the company is older, so that its invoices do not have to wait
for the first deals. Everything follows from one seed, and each step draws from a stream of its
own: an effect added to one step leaves the draws of the others as they are.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kpi_helpers.samples import (
    accounts,
    activity,
    care,
    closing,
    funnel,
    market,
    people,
    plan,
    voice,
)
from kpi_helpers.samples.draws import Array, read_data
from kpi_helpers.samples.exports import export
from kpi_helpers.samples.parameters import Parameters, changed
from kpi_helpers.samples.truths import as_toml, truths

__all__ = ["SEED", "Parameters", "company", "write"]

# The first seed with which a naive test sees every truth of `truths` (benchmarks/truths.py): of
# the slippage alone two seeds in three would do.
SEED = 73

# A new step goes to the end: the streams are dealt in this order.
STEPS = (
    *("old_customers", "leads", "qualification", "deals", "stages", "contracts", "orders", "spend"),
    *("care", "details", "close_dates", "activities", "visits", "surveys"),
)


def company(seed: int = SEED, **changes: Any) -> dict[str, pd.DataFrame]:
    """Return the tables of the sample company.

    Parameters
    ----------
    seed : int
        The same seed gives the same tables.
    **changes
        Fields of `Parameters` to replace.

    Returns
    -------
    dict of DataFrame
        The canonical tables that it has; amounts in euros without tax, days and times as
        ``datetime64[us]``, ids as text.

    Raises
    ------
    UnknownName
        With the nearest names, for a change that is not a parameter.

    Examples
    --------
    >>> tables = company(leads_a_month=40)
    >>> list(tables)[:4]
    ['deals', 'stage_history', 'close_date_history', 'leads']
    >>> tables["deals"].deal_id.is_unique
    True
    """
    p = changed(**changes)
    rng = dict(zip(STEPS, np.random.default_rng(seed).spawn(len(STEPS)), strict=True))
    old = accounts.draw_old(p, rng["old_customers"])
    leads = funnel.draw_leads(old, p, rng["leads"])
    leads = funnel.qualify(leads, p, rng["qualification"])
    leads = care.draw_care(leads, p, rng["care"])
    deals = funnel.draw_deals(leads, p, rng["deals"])
    deals = care.draw_details(deals, rng["details"])
    history = funnel.draw_stages(deals, p, rng["stages"])
    closes = closing.draw_close_dates(deals, p, rng["close_dates"])
    customers = accounts.add_new(old, deals)
    customers = accounts.add_contracts(customers, p, rng["contracts"])
    leads, deals = _linked(leads, deals, history, customers)
    orders = accounts.draw_orders(customers, deals, p, rng["orders"])
    own = leads[leads["lead_id"].notna()]
    customers = customers.assign(customer_name=people.names(customers["firm"].to_numpy(int)))
    tables = {
        "deals": _told(deals[deals["deal_id"].notna()], closes, p),
        "stage_history": history[history["deal_id"].notna()],
        "close_date_history": closes,
        "leads": _reached(own, own["repeated"].to_numpy()),
        "customers": _reached(customers.reset_index(), np.zeros(len(customers), bool)),
        "mrr": accounts.list_mrr(accounts.list_fees(customers, p), p),
        "orders": orders,
        "spend": plan.draw_spend(leads, p, rng["spend"]),
        "activities": activity.draw_activities(leads, deals, customers, p, rng["activities"]),
        "surveys": voice.draw_surveys(customers, p, rng["surveys"]),
        "web_funnel": activity.draw_visits(orders, p, rng["visits"]),
        "targets": plan.set_targets(p),
        "reps": plan.list_reps(p),
        "benchmarks": market.list_benchmarks(orders, p),
        **market.list_registers(p),
    }
    written = read_data("written")["columns"]
    return {name: _typed(frame[written.get(name, [*frame])]) for name, frame in tables.items()}


def write(folder: str | Path, seed: int = SEED, **changes: Any) -> list[Path]:
    """Write the truths, the tables and the exports as files, the same bytes each time.

    Parameters
    ----------
    folder : str or Path
        Gets the truths, and the folders ``sample`` and ``exports`` where it lacks them.
    seed, **changes
        As for `company`.

    Returns
    -------
    list of Path
        The truths, the tables in their order, and the exports.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [path.name for path in write(folder, leads_a_month=40)][:2]
    ['truths.toml', 'deals.parquet']
    """
    folder, planted = Path(folder), truths(changed(**changes))
    (folder / "sample").mkdir(parents=True, exist_ok=True)
    told = folder / "truths.toml"
    told.write_text(as_toml(planted), "utf-8")
    paths, tables = [told], company(seed, **changes)
    for name, frame in tables.items():
        path = folder / "sample" / f"{name}.parquet"
        frame.to_parquet(path, **_compact(frame))
        paths.append(path)
    return paths + export(tables, folder / "exports", changed(**changes))


def _compact(frame: pd.DataFrame) -> dict[str, Any]:
    """Return settings for a small file: a column of many values is stored as its changes."""
    changing = [name for name, values in frame.items() if values.nunique() > len(frame) / 2]
    packed = {
        name: "DELTA_BYTE_ARRAY" if frame[name].dtype == "str" else "DELTA_BINARY_PACKED"
        for name in changing
        if frame[name].dtype != "float64"
    }
    return {
        "index": False,
        "compression": "zstd",
        "compression_level": 19,
        "use_dictionary": [name for name in frame if name not in packed],
        "column_encoding": packed,
    }


def _linked(
    leads: pd.DataFrame, deals: pd.DataFrame, history: pd.DataFrame, customers: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give deals their stage, and both tables the customer that came of them."""
    brought = customers[customers["lead_id"].notna()].reset_index().set_index("lead_id")
    stage = history[history["deal_id"].notna()].groupby("deal_id")["stage"].last()
    deals = deals.assign(
        customer_id=deals["customer_id"].fillna(deals["lead_id"].map(brought["customer_id"])),
        stage=deals["deal_id"].map(stage),
    )
    won = deals[(deals["status"] == "won") & deals["lead_id"].notna()].set_index("lead_id")
    own = deals[deals["lead_id"].notna()].set_index("lead_id")
    leads = leads.assign(
        **{name: leads["lead_id"].map(own[name]) for name in care.BANT},
        sql_at=leads["sql_at"].where(leads["lead_id"].isin(deals["lead_id"])),
        converted_at=leads["lead_id"].map(won["closed_at"]),
        customer_id=leads["customer_id"].fillna(leads["lead_id"].map(brought["customer_id"])),
    )
    return leads, deals


def _told(deals: pd.DataFrame, closes: pd.DataFrame, p: Parameters) -> pd.DataFrame:
    """Add the end that is expected last, and the probability that the CRM puts to the stage."""
    last = closes.groupby("deal_id")["expected_close"].last()
    steps = [*(stage.name for stage in p.stages), p.won_stage]
    chances = {name: n / (len(steps) - 1) for n, name in enumerate(steps)} | {p.lost_stage: 0.0}
    return deals.assign(
        expected_close=deals["deal_id"].map(last), probability_crm=deals["stage"].map(chances)
    )


def _reached(rows: pd.DataFrame, again: Array) -> pd.DataFrame:
    """Add e-mail addresses and phone numbers."""
    found = people.contacts(rows["contact"].to_numpy(), again)
    return rows.assign(email=found["email"].to_numpy(), phone=found["phone"].to_numpy())


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    """Store texts as text and days as timestamps of one unit."""
    frame = frame.reset_index(drop=True)
    texts = dict.fromkeys(frame.select_dtypes(["object", "str"]), "str")
    days = dict.fromkeys(frame.select_dtypes("datetime"), "datetime64[us]")
    return frame.astype(texts | days)
