"""A seeded sample company: a French maker of packaging machines, from leads to invoices.

Its CRM begins on the first day; the company is older, so that its invoices do not have to wait
for the first deals. Everything follows from one seed, and each step draws from a stream of its
own: an effect added to one step leaves the draws of the others as they are.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kpi_helpers.samples import accounts, funnel, plan
from kpi_helpers.samples.parameters import Parameters, changed

__all__ = ["SEED", "Parameters", "company", "write"]

SEED = 95

STEPS = (
    "old_customers",
    "leads",
    "qualification",
    "deals",
    "stages",
    "contracts",
    "orders",
    "spend",
)  # a new step goes to the end: the streams are dealt in this order

COLUMNS = {
    "deals": "deal_id created_at status closed_at amount owner stage expected_close customer_id"
    " lead_id source segment sector region product deal_type lost_reason",
    "stage_history": "deal_id stage entered_at",
    "leads": "lead_id created_at source sql_at converted_at customer_id owner segment region",
    "customers": "customer_id first_seen segment region sector contract_start contract_end",
    "orders": "order_id customer_id order_date amount_net type original_order_id cost"
    " product_family channel owner",
    "spend": "date amount channel cost_type",
    "targets": "metric period_start period_end scope_type scope_value value",
    "reps": "owner team start end fte role",
}


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
        ``deals, stage_history, leads, customers, orders, spend, targets, reps`` with canonical
        columns; amounts in euros without tax, dates as ``datetime64[us]``, ids as text.

    Raises
    ------
    UnknownName
        With the nearest names, for a change that is not a parameter.

    Examples
    --------
    >>> tables = company(leads_a_month=40)
    >>> sorted(tables)
    ['customers', 'deals', 'leads', 'orders', 'reps', 'spend', 'stage_history', 'targets']
    >>> tables["deals"].deal_id.is_unique
    True
    """
    p = changed(**changes)
    rng = dict(zip(STEPS, np.random.default_rng(seed).spawn(len(STEPS)), strict=True))
    old = accounts.draw_old(p, rng["old_customers"])
    leads = funnel.draw_leads(old, p, rng["leads"])
    leads = funnel.qualify(leads, p, rng["qualification"])
    deals = funnel.draw_deals(leads, p, rng["deals"])
    history = funnel.draw_stages(deals, p, rng["stages"])
    customers = accounts.add_new(old, deals)
    customers = accounts.add_contracts(customers, p, rng["contracts"])
    leads, deals = _linked(leads, deals, history, customers)
    tables = {
        "deals": deals[deals["deal_id"].notna()],
        "stage_history": history[history["deal_id"].notna()],
        "leads": leads[leads["lead_id"].notna()],
        "customers": customers.reset_index(),
        "orders": accounts.draw_orders(customers, deals, p, rng["orders"]),
        "spend": plan.draw_spend(leads, p, rng["spend"]),
        "targets": plan.set_targets(p),
        "reps": plan.list_reps(p),
    }
    return {name: _typed(tables[name][columns.split()]) for name, columns in COLUMNS.items()}


def write(folder: str | Path, seed: int = SEED, **changes: Any) -> list[Path]:
    """Write the tables as parquet files, the same bytes each time.

    Parameters
    ----------
    folder : str or Path
        Made where it does not exist.
    seed, **changes
        As for `company`.

    Returns
    -------
    list of Path
        The files, in the order of the tables.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [path.name for path in write(folder, leads_a_month=40)][:2]
    ['deals.parquet', 'stage_history.parquet']
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, frame in company(seed, **changes).items():
        path = folder / f"{name}.parquet"
        frame.to_parquet(path, **_compact(frame))
        paths.append(path)
    return paths


def _compact(frame: pd.DataFrame) -> dict[str, Any]:
    """Return settings for a small file: ids in order are stored as what changes between rows."""
    numbered = [
        name for name, values in frame.items() if values.dtype == "str" and values.is_unique
    ]
    return {
        "index": False,
        "compression": "zstd",
        "compression_level": 19,
        "use_dictionary": [name for name in frame if name not in numbered],
        "column_encoding": dict.fromkeys(numbered, "DELTA_BYTE_ARRAY"),
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
    leads = leads.assign(
        sql_at=leads["sql_at"].where(leads["lead_id"].isin(deals["lead_id"])),
        converted_at=leads["lead_id"].map(won["closed_at"]),
        customer_id=leads["customer_id"].fillna(leads["lead_id"].map(brought["customer_id"])),
    )
    return leads, deals


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    """Store texts as text and days as timestamps of one unit."""
    frame = frame.reset_index(drop=True)
    texts = dict.fromkeys(frame.select_dtypes(["object", "str"]), "str")
    days = dict.fromkeys(frame.select_dtypes("datetime"), "datetime64[us]")
    return frame.astype(texts | days)
