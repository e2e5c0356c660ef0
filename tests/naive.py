"""What one sees in the tables of the sample company with pandas alone, without the kit.

Tests of counts use the textbook z of two rates.
"""

import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

TRUTHS = tomllib.loads((Path(__file__).parents[1] / "data" / "truths.toml").read_text("utf-8"))
AS_OF = pd.Timestamp("2026-09-30")
YEAR = AS_OF - pd.DateOffset(years=1)
FOUND, SILENT = 2.81, 1.96  # |z| at p = .005 and .05


def decided_in(sample: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Deals decided in the last twelve months."""
    deals = sample["deals"]
    return deals[deals["closed_at"] > YEAR].assign(won=deals["status"] == "won")


def z_of(a: pd.Series, b: pd.Series) -> float:
    """Test statistic of two rates, given the cases as true and false."""
    pooled = pd.concat([a, b]).mean()
    return float((a.mean() - b.mean()) / (pooled * (1 - pooled) * (1 / len(a) + 1 / len(b))) ** 0.5)


def months(rows: pd.DataFrame, column: str, first: str, last: str) -> pd.DataFrame:
    return rows[rows[column].dt.strftime("%Y-%m").between(first, last)]


def quarter_of(leads: pd.DataFrame, name: str) -> pd.DataFrame:
    rows = leads[leads["created_at"].dt.to_period("Q") == pd.Period(name, "Q")]
    return rows.assign(qualified=rows["sql_at"].notna())


def within_channel(before: pd.DataFrame, after: pd.DataFrame) -> float:
    """Rate after over that of before, with the channels of after."""
    rate = before.groupby("source")["qualified"].mean()
    return float(after["qualified"].mean() / after["source"].map(rate).mean())


def lift(sample: dict[str, Any], team: str) -> tuple[float, float]:
    """Log of a team's qualification after the training over that before, and its variance."""
    leads = sample["leads"].merge(sample["reps"][["owner", "team"]]).query("team == @team")
    leads = leads.assign(qualified=leads["sql_at"].notna())
    before = months(leads, "created_at", "2025-07", "2025-12")
    after = months(leads, "created_at", "2026-01", "2026-07")
    rates = [(rows["qualified"].mean(), len(rows)) for rows in (before, after)]
    return np.log(within_channel(before, after)), sum((1 - r) / (r * n) for r, n in rates)


def cac(sample: dict[str, Any], channel: str) -> float:
    """Media a customer, of the leads since the bottleneck that are old enough to have converted."""
    spend = months(sample["spend"], "date", "2025-07", "2026-03")
    leads = months(sample["leads"], "created_at", "2025-07", "2026-03")
    media = spend[(spend["channel"] == channel) & (spend["cost_type"] == "media")]["amount"].sum()
    return float(media / leads[leads["source"] == channel]["converted_at"].notna().sum())


def striking_reps(decided: pd.DataFrame) -> set[str]:
    """Reps whose wins are far from what their channels let expect."""
    expected = decided["source"].map(decided.groupby("source")["won"].mean())
    surplus = (decided["won"] - expected).groupby(decided["owner"]).sum()
    variance = (expected * (1 - expected)).groupby(decided["owner"]).sum()
    return set(surplus.index[surplus.abs() > FOUND * variance**0.5])


def slipped(sample: dict[str, Any], name: str) -> pd.Series:
    """Large deals that were to close in a quarter, as said the day before: whether they did not."""
    quarter = pd.Period(name, "Q")
    history = sample["close_date_history"].query("changed_at < @quarter.start_time")
    expected = history.groupby("deal_id")["expected_close"].last()
    deals = sample["deals"].set_index("deal_id").loc[expected.index]
    due = expected.between(quarter.start_time, quarter.end_time)
    due &= ~(deals["closed_at"] < quarter.start_time)
    due &= deals["amount"] > TRUTHS["slippage"]["over"]
    return ~(deals["closed_at"][due] <= quarter.end_time)


def slower(decided: pd.DataFrame) -> float:
    """Test statistic (Welch) of the logarithms of the cycles of public deals."""
    logs = np.log((decided["closed_at"] - decided["created_at"]).dt.days)
    public, private = (logs[decided["sector"] == name] for name in ("public", "privé"))
    spread = (public.var() / len(public) + private.var() / len(private)) ** 0.5
    return float((public.mean() - private.mean()) / spread)


def against(decided: pd.DataFrame) -> list[pd.Series]:
    """Whether deals with a competitor were won: with B, and with the others."""
    b = decided["competitor"] == "Concurrent B"
    return [decided["won"][b], decided["won"][~b & decided["competitor"].notna()]]


def renewals(sample: dict[str, Any]) -> list[pd.Series]:
    """Whether each contract went on at its anniversaries, before the change and since."""
    contracts = sample["customers"].dropna(subset=["contract_start"])
    rows = []
    for start, end in contracts[["contract_start", "contract_end"]].itertuples(index=False):
        for year in range(1, 12):
            due = start + pd.DateOffset(years=year)
            if pd.Timestamp("2023-04-01") <= due <= min(end, AS_OF):
                rows.append((due, due < end))
    frame = pd.DataFrame(rows, columns=["due", "renewed"])
    later = frame["due"] >= TRUTHS["renewal"]["from"]
    return [frame["renewed"][~later], frame["renewed"][later]]


def recommendation(sample: dict[str, Any]) -> tuple[pd.DataFrame, float]:
    """Mean, variance and size of each wave (promoters 1, detractors −1), and z of the last two."""
    answers = sample["surveys"].query("type == 'nps'")
    value = (answers["score"] >= 9).astype(int) - (answers["score"] <= 6)
    waves = value.groupby(answers["wave"]).agg(["mean", "var", "size"])
    last = waves.iloc[-2:]
    return waves, float(-last["mean"].diff().iloc[1] / (last["var"] / last["size"]).sum() ** 0.5)


def missed_calls(sample: dict[str, Any]) -> list[pd.Series]:
    """Whether calls that came in were missed: those of Monday from 9 to 11 h, and the others."""
    calls = sample["activities"].query("type == 'call' and direction == 'in'")
    at = calls["started_at"].dt
    monday = (at.day_of_week == 0) & at.hour.isin([9, 10])
    missed = calls["outcome"] == "missed"
    return [missed[monday], missed[~monday]]


def won_before(sample: dict[str, Any]) -> pd.Series:
    """Whether the deals decided in the twelve months before the last were won."""
    return months(sample["deals"], "closed_at", "2024-10", "2025-09")["status"] == "won"


def landed(sample: dict[str, Any]) -> list[pd.Series]:
    """Whether leads of the search were qualified: before the action of the landing page, after."""
    leads = sample["leads"].query("source == 'Recherche en ligne'")
    parts = (
        months(leads, "created_at", *part)
        for part in (("2026-01", "2026-03"), ("2026-04", "2026-07"))
    )
    return [part["sql_at"].notna() for part in parts]


def weakness(decided: pd.DataFrame) -> float:
    """How far a rep's wins are from what the channels let expect, in standard errors."""
    is_own = decided["owner"] == TRUTHS["weak_by_mix"]["owner"]
    own, others = decided[is_own], decided[~is_own]
    expected = own["source"].map(others.groupby("source")["won"].mean())
    return float((own["won"].sum() - expected.sum()) / (expected * (1 - expected)).sum() ** 0.5)
