"""Time to win and in a stage: against statsmodels, worked figures, the catalogue, known truth."""

import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from naive import TRUTHS
from statsmodels.duration.survfunc import CumIncidenceRight, SurvfuncRight

import kpi_helpers as kh
from kpi_helpers import funnel
from kpi_helpers.errors import BadPeriod, Unavailable, UnknownName
from kpi_helpers.sources import Dataset
from kpi_helpers.survival import won_by

WORKED = json.loads((Path(__file__).parent / "data" / "worked_examples.json").read_text("utf-8"))
TODAY = pd.Timestamp("2026-09-30")
PERIOD, YEAR = "2026Q3", "2025-10-01:2026-09-30"
CODES = {"open": 0, "won": 1, "lost": 2}


def company(days: Any, ends: Any) -> Dataset:
    """Deals that took so many days until they ended so, or have been open for so long."""
    age = pd.to_timedelta(np.asarray(days), unit="D")
    is_open = np.asarray(ends) == "open"
    created = np.where(is_open, TODAY - age, TODAY - pd.Timedelta(days=200))
    closed = pd.Series(TODAY - pd.Timedelta(days=200) + age).mask(is_open)
    deals = {"deal_id": [str(i) for i in range(len(age))], "created_at": created, "status": ends}
    return kh.load(pd.DataFrame({**deals, "closed_at": closed}), as_of=TODAY.date())


def random_deals(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Deals of up to 40 days, most of them tied."""
    rng = np.random.default_rng(seed)
    days = rng.integers(0, 41, 60)
    return days, rng.choice(["open", "won", "lost"], 60, p=[0.3, 0.4, 0.3])


def chances_of(data: Dataset, **more: Any) -> pd.DataFrame:
    return funnel.cycle_chances(data, PERIOD, **more).set_index("age")


# Against statsmodels


def incidence(days: np.ndarray, codes: np.ndarray) -> CumIncidenceRight:
    with np.errstate(divide="ignore", invalid="ignore"):
        return CumIncidenceRight(days, codes)


@pytest.mark.parametrize("seed", range(20))
def test_won_lost_and_open_are_those_of_statsmodels(seed: int) -> None:
    days, ends = random_deals(seed)
    found = chances_of(company(days, ends))
    codes = np.array([CODES[end] for end in ends])
    oracle = incidence(days, codes)
    at = np.searchsorted(oracle.times, found.index, side="right")
    for name, share in zip(("won", "lost"), oracle.cinc, strict=True):
        assert found[name].to_numpy() == pytest.approx(np.append(0, share)[at])
    assert (found[["won", "lost", "open"]].sum(axis=1) - 1).abs().max() < 1e-12
    for age in (5, 20):
        later = days > age
        rest = incidence(days[later], codes[later])
        by_end = rest.times <= found["horizon"].iloc[0]
        assert found.loc[age, "n"] == later.sum()
        assert found.loc[age, "chance"] == pytest.approx(rest.cinc[0][by_end][-1])
        soon = rest.times <= age + 30
        assert found.loc[age, "soon"] == pytest.approx(rest.cinc[0][by_end & soon][-1])


@pytest.mark.parametrize("seed", range(5))
def test_the_sales_cycle_is_that_of_statsmodels(seed: int) -> None:
    """Half of the wins that come by the last age at which five deals are still followed."""
    days, ends = random_deals(seed)
    horizon = np.sort(days)[-5]
    oracle = incidence(days, np.array([CODES[end] for end in ends]))
    won = oracle.cinc[0][oracle.times <= horizon]
    half = oracle.times[np.searchsorted(won, won[-1] / 2 - 1e-12)]
    (found,) = kh.measure(company(days, ends), "sales_cycle_duration", "all").itertuples()
    assert (found.value, found.n) == (half, (ends == "won").sum())
    assert 0 <= found.low <= half <= found.high <= horizon
    assert f" {horizon} " in found.note


@pytest.mark.parametrize("seed", range(20))
def test_the_time_to_a_decision_is_that_of_statsmodels(seed: int) -> None:
    days, ends = random_deals(seed)
    oracle = SurvfuncRight(days, ends != "open")
    found = funnel.cycle(company(days, ends), PERIOD).set_index("measure")["value"]
    half = oracle.surv_times[oracle.surv_prob <= 0.5 + 1e-12]
    assert found["decided"] == half[0]
    assert found["naive"] == pytest.approx(days[ends == "won"].mean())


def history(stays: dict[str, Any]) -> Dataset:
    """Cases of one stay in a stage each: so many days, and whether it has ended."""
    rows = []
    for stage, (days, ended) in stays.items():
        for name, length, end in zip(range(len(days)), days, ended, strict=True):
            since = TODAY - pd.Timedelta(days=100 if end else length)
            moves = [(stage, since), ("Done", since + pd.Timedelta(days=length))][: 1 + end]
            rows += [(f"{stage}{name}", *move) for move in moves]
    moves = pd.DataFrame(rows, columns=["deal_id", "stage", "entered_at"])
    settings = {"stages": [*stays, "Done"]}
    return kh.load({"stage_history": moves}, settings, as_of=TODAY.date())


@pytest.mark.parametrize("seed", range(5))
def test_time_in_a_stage_is_that_of_statsmodels(seed: int) -> None:
    rng = np.random.default_rng(seed)
    stays = {
        stage: (rng.integers(1, 30, 25), rng.random(25) < 0.7) for stage in ("First", "Second")
    }
    found = funnel.stays(history(stays), PERIOD).set_index("stage")
    for stage, (days, ended) in stays.items():
        oracle = SurvfuncRight(days, ended)
        for name, left in (("value", 0.5), ("late", 0.25), ("very_late", 0.1)):
            reached = oracle.surv_times[oracle.surv_prob <= left + 1e-12]
            expected = reached[0] if len(reached) else np.nan
            assert found.loc[stage, name] == pytest.approx(expected, nan_ok=True)
        there = days[~ended]
        assert found.loc[stage, "now"] == len(there)
        assert found.loc[stage, "now_late"] == (there > found.loc[stage, "late"]).sum()


def test_the_variance_of_a_share_of_deals_that_all_ended_is_that_of_counting() -> None:
    rng = np.random.default_rng(3)
    won, lost = rng.multinomial(50, [0.05] * 20).reshape(2, 10)
    share, variance = won_by(np.arange(10), won, lost, np.zeros(10), np.arange(-1, 10))
    counted = np.append(0, won.cumsum()) / 50
    assert share == pytest.approx(counted)
    assert variance == pytest.approx(counted * (1 - counted) / 50)


# Worked figures


def test_worked_cycle() -> None:
    """W3, each deal twice: five wins are needed, and a copy of everything changes no share."""
    worked = WORKED["W3"]
    data = company(worked["days"] * 2, worked["outcome"] * 2)
    found = funnel.cycle(data, PERIOD).set_index("measure")["value"]
    assert found["half"] == worked["cond_median_win_H120"]
    assert found["decided"] == worked["any_close_median"]
    assert found["naive"] == worked["naive_mean_won"]
    last = chances_of(data).loc[75]
    assert last["won"] == pytest.approx(worked["aj_won"])
    assert last["lost"] == pytest.approx(worked["aj_lost"])


def test_worked_time_in_stage() -> None:
    """W16, each deal twice, as five stays are needed."""
    worked = WORKED["W16"]
    rows = [
        (f"{name}{copy}", stage, day) for name, stage, day in worked["history"] for copy in "ab"
    ]
    moves = pd.DataFrame(rows, columns=["deal_id", "stage", "entered_at"])
    ends = {"Gagné": "won", "Perdu": "lost"}
    last = moves.groupby("deal_id").last()
    deals = moves.groupby("deal_id")["entered_at"].min().rename("created_at").to_frame()
    deals = deals.assign(status=last["stage"].map(ends).fillna("open"))
    deals["closed_at"] = last["entered_at"].where(deals["status"] != "open")
    settings = {"stages": ["Qualif", "RDV", "Propo", "Gagné"]}
    tables = {"deals": deals.reset_index(), "stage_history": moves}
    found = funnel.stays(kh.load(tables, settings, as_of=worked["as_of"]), "2026Q1")
    found = found.set_index("stage")
    medians = {name.removesuffix("_visits"): day for name, day in worked["km_median"].items()}
    assert found["value"].to_dict() == medians
    assert found["now"].to_dict() == {"Qualif": 2, "RDV": 0, "Propo": 2}


# Against the comparison of the catalogue


def test_segments_are_compared_as_elsewhere(sample: Dataset) -> None:
    found = funnel.cycle_segments(sample, PERIOD).set_index("group").loc["public"]
    other = kh.compare(sample, "sales_cycle_duration", YEAR, "others", "sector")
    other = other.set_index("sector").loc["public"]
    names = ["value", "low", "high", "reference", "p_value"]
    assert found[names].tolist() == pytest.approx(other[names].tolist())


# Planted truths


def test_found_public_deals_take_longer_and_nobody_else(sample: Dataset) -> None:
    found = funnel.cycle_segments(sample, PERIOD)
    apart = found[found["apart"] != "none_shown"]
    assert apart["dimension"].unique().tolist() == ["sector"]
    (row,) = apart[apart["apart"] == "longer"].to_dict("records")
    assert row["group"] == TRUTHS["public_cycle"]["sector"]
    factor = TRUTHS["public_cycle"]["factor"]
    assert row["low"] / row["reference"] < factor < row["high"] / row["reference"]


def test_limits_hold_their_share(sample: Dataset) -> None:
    found = funnel.cycle_chances(sample, PERIOD)
    for name in ("won", "soon", "chance"):
        low, value, high = (found[name + end] for end in ("_low", "", "_high"))
        assert ((low <= value) & (value <= high) & (low >= 0) & (high <= 1)).all()
    assert found["won"].is_monotonic_increasing
    assert found["n"].is_monotonic_decreasing


@pytest.fixture(scope="module")
def bench() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parents[1] / "benchmarks"))
        yield importlib.import_module("cycle")


@pytest.mark.thorough
def test_a_known_cycle_is_found_in_six_months_of_history(bench: Any) -> None:
    """In short; ``benchmarks/cycle.py`` prints the table of 300 runs."""
    rows = {row.figure: row for row in bench.rows(bench.WORLDS[1], 400, 10, seed=5)}
    assert rows["mean of the won"].off < -0.3
    for name in ("any decision", "to win"):
        assert abs(rows[name].off) < bench.NEAR
        assert rows[name].cover >= 0.8


# The age at which to stop


def test_an_age_is_named_from_which_the_chance_is_small() -> None:
    """Forty are won by day 20; of the sixty that are older one in sixty is."""
    days = [*range(1, 21)] * 2 + [40] * 59 + [41] + [60] * 5
    ends = ["won"] * 40 + ["lost"] * 59 + ["won"] + ["lost"] * 5
    found = chances_of(company(days, ends))
    least = found["least"].iloc[0]
    assert least == pytest.approx(0.5 * 41 / 105)
    assert found["past"].idxmax() == found.index[found["chance_high"] < least][0] <= 20
    assert found.loc[found["past"].idxmax() :, "past"].all()
    assert not chances_of(company(days, ends), least=0.001)["past"].any()


def test_without_a_win_the_limit_comes_from_the_deals_seen() -> None:
    days, ends = [5] * 8 + [30] * 20 + [40] * 10, ["won"] * 8 + ["lost"] * 20 + ["open"] * 10
    row = chances_of(company(days, ends)).loc[10]
    assert (row["chance"], row["chance_low"]) == (0, 0)
    assert row["chance_high"] == pytest.approx(kh.intervals.wilson(0, 30)[1])


# Clocks


def led() -> dict[str, pd.DataFrame]:
    """Leads of one day: of each ten, eight qualified after 4, and six deals after 10, one open."""
    days = pd.Timestamp("2026-01-01") + pd.to_timedelta([0, 4, 10], unit="D")
    leads = pd.DataFrame({"lead_id": [f"L{i}" for i in range(50)], "created_at": days[0]})
    leads["sql_at"] = leads.index.map(lambda i: days[1] if i < 40 else None)
    deals = pd.DataFrame({"deal_id": [f"D{i}" for i in range(30)], "created_at": days[2]})
    closed = pd.Series(days[2] + pd.to_timedelta([10, 20, 30, 40, 50, 0] * 5, unit="D"))
    is_won = closed > days[2]
    deals = deals.assign(lead_id=leads["lead_id"][:30], closed_at=closed.where(is_won))
    deals["status"] = is_won.map({True: "won", False: "open"})
    return {"leads": leads, "deals": deals}


@pytest.mark.parametrize(
    ("clock", "half", "deals"),
    [("created", 30, 30), ("first_contact", 40, 50), ("qualified", 36, 40)],
)
def test_a_cycle_starts_where_the_clock_does(clock: str, half: float, deals: float) -> None:
    data = kh.load(led(), as_of="2026-03-31")
    found = funnel.cycle(data, "2026Q1", clock).set_index("measure").loc["half"]
    assert (found["value"], found["n"], found["deals"]) == (half, 25, deals)
    assert found["clock"] == clock


def test_the_first_contact_of_a_deal_is_taken_where_it_is_known() -> None:
    deals = led()["deals"].assign(first_contact_at=pd.Timestamp("2026-01-06"))
    found = funnel.cycle(kh.load(deals, as_of="2026-03-31"), "2026Q1", "first_contact")
    assert found["value"].iloc[0] == 35


def test_a_clock_needs_its_date() -> None:
    data = kh.load(led()["deals"], as_of="2026-03-31")
    for clock, needs in (("first_contact", "leads"), ("qualified", "leads")):
        with pytest.raises(Unavailable, match=needs):
            funnel.cycle(data, "2026Q1", clock)
    with pytest.raises(UnknownName, match="first_contact"):
        funnel.cycle(data, "2026Q1", "first contact")
    with pytest.raises(BadPeriod, match="2025Q4"):
        funnel.cycle_chances(data, "2025Q4")


def test_a_lead_of_several_deals_counts_with_each_of_them() -> None:
    tables = led()
    more = tables["deals"].assign(deal_id=lambda rows: rows["deal_id"] + "b", status="lost")
    more["closed_at"] = pd.Timestamp("2026-03-30")
    data = kh.load({**tables, "deals": pd.concat([tables["deals"], more])}, as_of="2026-03-31")
    found = funnel.cycle(data, "2026Q1", "first_contact").set_index("measure")
    assert found["n"].to_dict() == {"half": 25, "most": 25, "decided": 55, "naive": 25}
    assert found["deals"].iloc[0] == 80
