"""The chance of open deals: on pipelines of which it is known, and by an independent library."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from statsmodels.duration.survfunc import CumIncidenceRight, SurvfuncRight

import kpi_helpers as kh
from kpi_helpers import funnel
from kpi_helpers.funnel.whatif import won_by
from kpi_helpers.sources import Dataset
from kpi_helpers.sources.standing import ONE, standing

AS_OF = pd.Timestamp("2026-09-30")
MOVED, LOST, WON_AFTER, LEAVES_AFTER = 0.02, 0.015, 0.6, 0.05  # a day, but for the share won
FORGOTTEN = 0.3  # of the deals, which nobody ever closes


def pipeline(seed: int, size: int = 1500) -> tuple[Dataset, pd.DataFrame]:
    """Two years of deals through stages A and B; those forgotten stay in A for ever."""
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame({"deal_id": [f"d{place}" for place in range(size)]})
    begun = draw.integers(0, 730, size)
    in_a, in_b = draw.geometric(MOVED + LOST, size), draw.geometric(LEAVES_AFTER, size)
    in_a = np.where(draw.random(size) < FORGOTTEN, 10_000, in_a)
    moved = draw.random(size) < MOVED / (MOVED + LOST)
    age = 730 - begun
    to_b, end = in_a <= age, in_a + np.where(moved, in_b, 0)
    frame["created_at"] = AS_OF - pd.to_timedelta(age, "D")
    fate = np.where(moved & (draw.random(size) < WON_AFTER), "won", "lost")
    frame["status"] = np.where(end <= age, fate, "open")
    closed = frame["created_at"] + pd.to_timedelta(np.minimum(end, age), "D")
    frame["closed_at"] = closed.where(end <= age)
    frame["stage"], frame["amount"] = np.where(to_b & moved, "B", "A"), 100.0
    there = frame.assign(stage="A", entered_at=frame["created_at"])
    there_b = frame[to_b & moved].assign(stage="B")
    there_b["entered_at"] = there_b["created_at"] + pd.to_timedelta(in_a[to_b & moved], "D")
    moves = pd.concat([there, there_b])[["deal_id", "stage", "entered_at"]]
    frame["in_a"] = np.minimum(in_a, age)
    in_time = (1 - MOVED - LOST) ** age * (1 - FORGOTTEN)
    in_a_true = in_time / (in_time + FORGOTTEN) * MOVED / (MOVED + LOST) * WON_AFTER
    frame["truth"] = np.where(frame["stage"] == "B", WON_AFTER, in_a_true)
    settings = {"as_of": AS_OF.date(), "stages": ["A", "B"]}
    return kh.load(
        {"deals": frame.drop(columns=["truth", "in_a"]), "stage_history": moves}, settings
    ), frame


def of_decided(frame: pd.DataFrame) -> float:
    """What the share won of the deals decided that were in the stage as long would promise."""
    bands = pd.cut(frame["in_a"], [-1, 7, 14, 30, 60, 120, np.inf], right=False, labels=False)
    decided, still = frame["status"] != "open", frame["status"] == "open"
    won, in_b = frame["status"] == "won", frame["stage"] == "B"
    shares = bands.map({band: won[decided & (bands >= band)].mean() for band in range(6)})
    return float(shares[still & ~in_b].sum() + won[decided & in_b].mean() * (still & in_b).sum())


def test_the_chances_add_up_to_what_is_won_and_those_of_decided_deals_do_not() -> None:
    errors, old, outlooks = [], [], []
    for seed in range(6):
        data, frame = pipeline(seed)
        truth = frame.loc[frame["status"] == "open", "truth"].sum()
        found = standing(data, AS_OF.date() + ONE, ("win_chance",))["win_chance"].astype(float)
        errors.append(found.sum() / truth - 1)
        old.append(of_decided(frame) / truth - 1)
        prepared = funnel.outlook(data)
        ahead, *_ = won_by(prepared, 900, 1.0, np.ones(len(prepared.steps)))
        outlooks.append(ahead.sum() / truth - 1)
    for each in (errors, outlooks):
        assert abs(np.mean(each)) < 3 * np.std(each, ddof=1) / np.sqrt(len(each))
        assert np.std(each, ddof=1) < 0.1
    assert np.mean(old) > 0.5


def test_what_comes_after_a_stage_is_told_by_the_days_in_it() -> None:
    """The quick go on after 10 days and 3 in 4 are won; the slow after 50 and 1 in 10 is."""
    rows = [(f"q{i}", 10, "won" if i % 4 else "lost", None) for i in range(40)]
    rows += [(f"s{i}", 50, "lost" if i % 10 else "won", None) for i in range(40)]
    rows += [("new", None, "open", 3), ("old", None, "open", 30)]
    deals, moves = [], []
    for name, days, status, age in rows:
        since = AS_OF - pd.Timedelta(age if days is None else 200, "D")
        closed = None if days is None else since + pd.Timedelta(days + 20, "D")
        deals.append((name, status, since, closed, 100.0))
        moves.append((name, "A", since))
        moves += [] if days is None else [(name, "B", since + pd.Timedelta(days, "D"))]
    columns = ["deal_id", "status", "created_at", "closed_at", "amount"]
    history = pd.DataFrame(moves, columns=["deal_id", "stage", "entered_at"])
    tables = {"deals": pd.DataFrame(deals, columns=columns), "stage_history": history}
    data = kh.load(tables, {"as_of": AS_OF.date(), "stages": ["A", "B"]})
    found = funnel.stalled(data).set_index("deal_id")["chance"]
    assert found["new"] == pytest.approx((40 * 0.75 + 41 * 0.1) / 81)  # the old one is there too
    assert found["old"] == pytest.approx(0.1)


def test_without_stages_it_is_the_incidence_of_an_independent_library() -> None:
    draw = np.random.default_rng(3)
    days = draw.integers(1, 120, 300)
    status = draw.choice(["won", "lost", "open"], 300)
    deals: Any = pd.DataFrame({"deal_id": range(300), "status": status, "amount": 100.0})
    deals["closed_at"] = pd.Series(AS_OF - pd.Timedelta(7, "D")).repeat(300).to_numpy()
    deals["created_at"] = deals["closed_at"] - pd.to_timedelta(days, "D")
    still = deals["status"] == "open"
    deals.loc[still, "created_at"] = AS_OF - pd.to_timedelta(days[still], "D")
    deals["closed_at"] = deals["closed_at"].mask(still)
    found = funnel.stalled(kh.load(deals, as_of=AS_OF)).set_index("days")["chance"]
    won = CumIncidenceRight(days, np.select([status == "won", status == "lost"], [1, 2], 0))
    left = SurvfuncRight(days, (status != "open").astype(int))
    for age, chance in found.groupby(level=0).first().items():
        if (days > age).sum() < 10:
            assert np.isnan(chance)
            continue
        so_far = won.cinc[0][won.times <= age]
        there = left.surv_prob[left.surv_times <= age]
        rest = won.cinc[0][-1] - (so_far[-1] if len(so_far) else 0)
        assert chance == pytest.approx(rest / (there[-1] if len(there) else 1))
