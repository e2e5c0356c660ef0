"""What management sets: the reps, the spending and the targets."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.random import Generator

from kpi_helpers.samples.draws import Array, campaigns, day
from kpi_helpers.samples.parameters import Parameters

WHOLE_COMPANY = "Entreprise"
DEMAND_TO_REVENUE = 3  # months from a lead to its invoice, as plans assume


def list_reps(p: Parameters) -> pd.DataFrame:
    """List the reps, all there before the first day and full time."""
    return pd.DataFrame(
        {
            "owner": p.owners,
            "team": [team for team, owners in p.teams for _ in owners],
            "start": [day(p.start) - 90 * (2 + n) for n in range(len(p.owners))],
            "end": np.datetime64("NaT", "D"),
            "fte": 1.0,
            "role": "AE",
        }
    )


def draw_spend(leads: pd.DataFrame, p: Parameters, rng: Generator) -> pd.DataFrame:
    """Draw media by month and channel, at a price a lead, and the company's other costs."""
    months = np.arange(np.datetime64(p.start, "M"), np.datetime64(p.as_of, "M") + 1)
    own = leads[leads["lead_id"].notna()]
    month = (own["created_at"].to_numpy("M8[M]") - months[0]).astype(int)
    width = len(p.channels)
    counts = np.bincount(month * width + own["channel"], minlength=len(months) * width)
    price = np.array([c.media for c in p.channels]) * np.exp(
        0.05 * rng.standard_normal((len(months), width))
    )
    media = counts.reshape(len(months), width) * price
    growth = (1 + p.cost_growth) ** _years_since(months, p)
    columns: list[tuple[str, str, Array]] = [
        *((c.name, "media", media[:, i]) for i, c in enumerate(p.channels)),
        (WHOLE_COMPANY, "tools", p.tools_a_month * growth),
        (WHOLE_COMPANY, "salaries", p.salaries_a_month * growth),
        (WHOLE_COMPANY, "indirect", p.indirect_a_month * growth),
    ]
    frames = [
        pd.DataFrame(
            {
                "date": months.astype("M8[D]"),
                "amount": amount.round(2),
                "channel": channel,
                "cost_type": cost_type,
                "campaign": campaigns(np.full(len(months), channel), months)
                if cost_type == "media"
                else None,
            }
        )
        for channel, cost_type, amount in columns
    ]
    return pd.concat(frames).sort_values("date", kind="stable", ignore_index=True)


def _years_since(months: Array, p: Parameters) -> Array:
    return months.astype("M8[Y]").astype(int) - np.datetime64(p.start, "Y").astype(int)


def set_targets(p: Parameters) -> pd.DataFrame:
    """Set the targets up to the end of the year of as_of.

    Money: monthly for the company, quarterly for teams and reps. The teams' targets add up to
    the company's, the reps' to a little more (`Parameters.rep_stretch`). Counts and the win rate:
    quarterly, for the company.

    Returns
    -------
    DataFrame
        ``targets``; ``period_end`` is the last day of the period.
    """
    last = np.datetime64(p.as_of, "Y") + 1
    months = np.arange(np.datetime64(p.start, "M"), last.astype("M8[M]"))
    quarters = months[months.astype(int) % 3 == 0]
    frames = []
    for metric, year in (("revenue", p.revenue_target), ("bookings", p.bookings_target)):
        monthly = _monthly(year, months, p)
        quarterly = np.array([monthly[(months >= q) & (months < q + 3)].sum() for q in quarters])
        frames.append(_rows(metric, "company", WHOLE_COMPANY, months, monthly.round(-2)))
        for team, owners in p.teams:
            share = len(owners) / len(p.owners)
            frames.append(_rows(metric, "team", team, quarters, (quarterly * share).round(-2)))
        per_rep = (quarterly * (1 + p.rep_stretch) / len(p.owners)).round(-2)
        frames += [_rows(metric, "rep", owner, quarters, per_rep) for owner in p.owners]
        if metric == "bookings":
            for product, share in p.products:
                frames.append(
                    _rows(metric, "product", product, quarters, (quarterly * share).round(-2))
                )
    growth = (1 + p.target_growth) ** _years_since(quarters, p)
    for metric, values in (
        ("leads_generated", (3 * p.leads_a_month * growth).round(-1)),
        ("new_customers", (105 * growth).round()),
        ("win_rate_count", np.full(len(quarters), 0.25)),
    ):
        frames.append(_rows(metric, "company", WHOLE_COMPANY, quarters, values))
    return pd.concat(frames, ignore_index=True)


def _monthly(year: float, months: Array, p: Parameters) -> Array:
    """Spread a year's target by the season of demand, half as strong, and let it grow."""
    season = (1 + np.roll(p.lead_season, DEMAND_TO_REVENUE)) / 2
    growth = (1 + p.target_growth) ** _years_since(months, p)
    return year / 12 * season[months.astype(int) % 12] * growth


def _rows(metric: str, scope: str, name: str, starts: Array, values: Array) -> pd.DataFrame:
    length: Any = starts[1] - starts[0]
    return pd.DataFrame(
        {
            "metric": metric,
            "period_start": starts.astype("M8[D]"),
            "period_end": (starts + length).astype("M8[D]") - 1,
            "scope_type": scope,
            "scope_value": name,
            "value": values,
        }
    )
