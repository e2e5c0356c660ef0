"""What stands around the figures: the market, and what people wrote down."""

import tomllib
from datetime import date
from importlib import resources

import numpy as np
import pandas as pd

from kpi_helpers.samples.parameters import Parameters

COLUMNS = ["metric", "entity", "period", "value", "source_date"]
PANEL = {
    "unit": "EUR",
    "perimeter": "Machines et pièces d’emballage, France",
    "definition": "Ventes hors taxes facturées dans l’année civile",
    "source": "Panel de la profession (exemple)",
    "definition_match": "yes",
    "confidence": "B",
}


def list_benchmarks(orders: pd.DataFrame, p: Parameters) -> pd.DataFrame:
    """List the sales of the market, of ours and of rivals in the last two full years.

    The market is as large as our invoices make it with the shares of `Parameters.market`.
    """
    billed = orders.groupby(orders["order_date"].dt.year)["amount_net"].sum()
    years = [year for year in (p.as_of.year - 2, p.as_of.year - 1) if year in billed]
    rows = []
    for year in years:
        shares = {name: (before, after)[year == years[-1]] for name, before, after in p.market}
        market = float(billed[year]) / next(iter(shares.values()))
        sales = {"marché": market} | {name: market * share for name, share in shares.items()}
        rows += [
            {
                "metric": "market_sales",
                "entity": entity,
                "period": str(year),
                "value": round(value, -3),
                "source_date": np.datetime64(date(year + 1, 3, 16)),
            }
            for entity, value in sales.items()
        ]
    return pd.DataFrame(
        rows, columns=["metric", "entity", "period", "value", "source_date"]
    ).assign(**PANEL)


def read_registers() -> dict[str, pd.DataFrame]:
    """Read the actions, the log of definitions and the events."""
    text = resources.files(__package__).joinpath("registers.toml").read_text("utf-8")
    return {name: pd.DataFrame(rows).apply(_days) for name, rows in tomllib.loads(text).items()}


def _days(values: pd.Series) -> pd.Series:
    return pd.to_datetime(values) if isinstance(values.iloc[0], date) else values
