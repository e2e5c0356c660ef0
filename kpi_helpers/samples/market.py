"""What stands around the figures: the market, and what people wrote down."""

from datetime import date

import pandas as pd

from kpi_helpers.samples.draws import read_data
from kpi_helpers.samples.parameters import Parameters


def list_benchmarks(orders: pd.DataFrame, p: Parameters) -> pd.DataFrame:
    """List the sales of the market, of ours and of rivals in the last two full years, and peers.

    The market is as large as our invoices make it with the shares of `Parameters.market`.
    """
    billed = orders.groupby(orders["order_date"].dt.year)["amount_net"].sum()
    years = [year for year in (p.as_of.year - 2, p.as_of.year - 1) if year in billed]
    rows = []
    for year in years:
        shares = {name: (before, after)[year == years[-1]] for name, before, after in p.market}
        market = float(billed[year]) / next(iter(shares.values()))
        for entity, share in {"marché": 1.0, **shares}.items():
            rows.append((entity, str(year), round(market * share, -3), date(year + 1, 3, 16)))
    frame = pd.DataFrame(rows, columns=["entity", "period", "value", "source_date"])
    frame = pd.concat([frame.assign(**read_data("registers")["panel"]), _peers()])
    frame["source_date"] = pd.to_datetime(frame["source_date"])
    return frame[frame["source_date"] <= pd.Timestamp(p.as_of)]


def _peers() -> pd.DataFrame:
    """List the KPIs of peers, of some only how they are spread."""
    panel = read_data("registers")["peers"]
    figures, names = (
        panel.pop("figures"),
        {len(n): n for n in (panel.pop("marks"), panel["entity"])},
    )
    frames = [
        pd.DataFrame(panel | told | {"entity": names[len(told["value"])], "metric": metric})
        for metric, told in figures.items()
    ]
    return pd.concat(frames)


def list_registers(p: Parameters) -> dict[str, pd.DataFrame]:
    """List the actions, the log of definitions and the events up to as_of."""
    registers, known = read_data("registers"), {}
    for name, dated in (("actions", "created_at"), ("kpi_log", "date"), ("events", "date")):
        frame = pd.DataFrame(registers[name]).apply(_days)
        known[name] = frame[frame[dated] <= pd.Timestamp(p.as_of)]
    return known


def _days(values: pd.Series) -> pd.Series:
    return pd.to_datetime(values) if isinstance(values.iloc[0], date) else values
