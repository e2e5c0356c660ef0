"""What the intervals of forecasts hold: ``python benchmarks/forecast_cover.py [--seeds N]``.

Companies like the sample's, each from a seed of its own, by the generator's own steps and laws (the
planted changes among them). What is known ends with September 2026; the next four quarters are
forecast by `kpi_helpers.forecast` and compared with what the company does then. Revenue and leads
by month and as quarters; the conversion of leads (won within 170 days) by month and by quarter,
from the last cohorts old enough. A right interval of 80 % covers 80 %, one of 95 % covers 95 %.
"""

from __future__ import annotations

import argparse
from datetime import date

import numpy as np
import pandas as pd

import kpi_helpers as kh
from kpi_helpers.forecasting.frames import series_of
from kpi_helpers.forecasting.totals import totals
from kpi_helpers.samples import STEPS, accounts, care, funnel
from kpi_helpers.samples.parameters import changed

KNOWN, AHEAD, WINDOW = pd.Timestamp("2026-10-01"), 12, 170
UNTIL = date(2028, 3, 31)  # when the last cohort that is forecast is old enough
LEVELS = (80, 95)


def company(seed: int, **changes: object) -> pd.DataFrame:
    """Revenue, leads and how many of them are won within the window, by month.

    The steps of `kpi_helpers.samples.company` that these come from, on the same streams.
    """
    p = changed(**{"as_of": UNTIL} | changes)
    rng = dict(zip(STEPS, np.random.default_rng(seed).spawn(len(STEPS)), strict=True))
    old = accounts.draw_old(p, rng["old_customers"])
    leads = funnel.draw_leads(old, p, rng["leads"])
    leads = funnel.qualify(leads, p, rng["qualification"])
    deals = funnel.draw_deals(care.draw_care(leads, p, rng["care"]), p, rng["deals"])
    customers = accounts.add_contracts(accounts.add_new(old, deals), p, rng["contracts"])
    deals["customer_id"] = deals["customer_id"].fillna(
        deals["lead_id"].map(
            customers.reset_index().dropna(subset="lead_id").set_index("lead_id")["customer_id"]
        )
    )
    orders = accounts.draw_orders(customers, deals, p, rng["orders"])
    own = leads[leads["lead_id"].notna()]
    won = deals[deals["status"] == "won"].set_index("lead_id")["closed_at"]
    soon = own["lead_id"].map(won[won.index.notna()]) - own["created_at"]
    month = own["created_at"].dt.to_period("M")
    bought = orders["order_date"].dt.to_period("M")
    return pd.DataFrame(
        {
            "revenue": orders["amount_net"].groupby(bought).sum(),
            "leads": own.groupby(month).size(),
            "won": (soon <= pd.Timedelta(days=WINDOW)).groupby(month).sum(),
        }
    )


def tidy(kpi: str, values: pd.Series, method: str = "exact") -> pd.DataFrame:
    """A series by period as `kpi_helpers.measure` gives it."""
    start, end = values.index.start_time, (values.index + 1).start_time
    names = values.index.strftime("%Y-%m" if values.index.freqstr == "M" else "%YQ%q")
    columns = {"kpi": kpi, "period": names, "start": start, "end": end, "value": values.to_numpy()}
    return pd.DataFrame({**columns, "method": method, "status": "ok"})


def forecasts(months: pd.DataFrame) -> list[tuple[str, pd.DataFrame, pd.Series]]:
    """What is forecast of a company, by name, with what came."""
    found = []
    for kpi in ("revenue", "leads"):
        past = tidy(kpi, months.loc[: KNOWN.to_period("M") - 1, kpi].astype(float))
        ahead = kh.forecast(past, AHEAD)
        found.append((f"{kpi}, months", ahead, months[kpi]))
        by_quarter = months[kpi].groupby(months.index.asfreq("Q")).sum()
        found.append((f"{kpi}, quarters", totals(series_of(past), ahead), by_quarter))
    for grain, freq, horizon in (("months", "M", AHEAD), ("quarters", "Q", AHEAD // 3)):
        sums = months[["won", "leads"]].groupby(months.index.asfreq(freq)).sum()
        rate = sums["won"] / sums["leads"]
        ripe = rate[rate.index.end_time + pd.Timedelta(days=WINDOW) < KNOWN]
        past = tidy("conversion", ripe, "wilson")
        past["denominator"] = sums["leads"].reindex(ripe.index).to_numpy(float)
        ahead = kh.forecast(past, horizon)
        found.append((f"conversion, {grain}", ahead, rate))
    return found


def covered(seed: int) -> pd.DataFrame:
    """A row a forecast: how many quarters ahead, and whether each interval held."""
    rows = []
    for name, ahead, came in forecasts(company(seed)):
        actual = came.reindex(pd.PeriodIndex(ahead["start"], freq=came.index.freqstr)).to_numpy(
            float
        )
        quarter = np.arange(len(ahead)) * 4 // len(ahead) + 1
        inside = {
            f"cover{n}": (actual >= ahead[f"lo{n}"]) & (actual <= ahead[f"hi{n}"]) for n in LEVELS
        }
        off = np.abs(ahead["value"] / actual - 1)
        rows.append(pd.DataFrame({"of": name, "quarter": quarter, "off": off, **inside}))
    return pd.concat(rows).assign(seed=seed)


def table(seeds: range) -> pd.DataFrame:
    """Cover by what is forecast, over all horizons and by the quarter ahead."""
    frame = pd.concat(covered(seed) for seed in seeds)
    pooled = frame.groupby("of", sort=False)[["off", "cover80", "cover95"]].mean()
    by_quarter = frame.pivot_table("cover95", "of", "quarter").add_prefix("cover95_q")
    return pooled.join(by_quarter)


def main() -> None:
    parser = argparse.ArgumentParser(description="What the intervals of forecasts hold.")
    parser.add_argument("--seeds", type=int, default=300)
    print(table(range(parser.parse_args().seeds)).round(3).to_string())


if __name__ == "__main__":
    main()
