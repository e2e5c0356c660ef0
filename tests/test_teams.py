"""Reps are told apart only where chance and their mix of cases do not explain it."""

import importlib
import json
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive import TRUTHS
from scipy.stats import binom, chi2_contingency
from statsmodels.stats.multitest import multipletests

import kpi_helpers as kh
from kpi_helpers import teams, wording
from kpi_helpers.compare.difference import holm
from kpi_helpers.errors import BadConfig, BadInput, Unavailable, UnknownName
from kpi_helpers.sources import Dataset
from kpi_helpers.sources.pseudonyms import pseudonymised
from kpi_helpers.teams.rates import dispersion, estimates, judged, limits, prior, thirds
from kpi_helpers.teams.reps import FEW

W12 = json.loads((Path(__file__).parent / "data" / "worked_examples.json").read_text())["W12"]
WON, OF = (np.array(W12[name], dtype=float) for name in ("wins", "n"))


@pytest.fixture(scope="module")
def team(sample: Dataset) -> pd.DataFrame:
    return teams.compared(sample, "2026Q3").set_index("owner")


def deals(*reps: tuple[str | None, int, int], source: str = "web") -> pd.DataFrame:
    """Decided deals of the first quarter of 2026: owner, won, of."""
    rows = [(who, "won" if i < won else "lost") for who, won, of in reps for i in range(of)]
    frame = pd.DataFrame(rows, columns=["owner", "status"])
    frame = frame.assign(deal_id=[f"{source}{i}" for i in range(len(frame))], source=source)
    return frame.assign(created_at="2026-01-05", closed_at="2026-02-02")


def told(frame: pd.DataFrame, **more: Any) -> pd.DataFrame:
    return teams.compared(kh.load(frame, **more), "2026Q1").set_index("owner")


# --- The arithmetic -----------------------------------------------------------------------------


def test_the_worked_example() -> None:
    found = judged(WON, OF)
    assert found["pooled"].tolist() == pytest.approx([W12["pooled"]] * 5)
    assert found["dispersion"][0] == pytest.approx(W12["dispersion"], abs=1e-6)
    assert found["dispersion_p"][0] == pytest.approx(W12["dispersion_p"], abs=1e-6)
    assert found["p_value"].tolist() == pytest.approx(W12["p_binom"], abs=1e-6)
    assert found["p_adjusted"].tolist() == pytest.approx(W12["holm"], abs=1e-6)
    assert set(found["verdict"]) == {"none_shown"}
    assert found[["estimate", "p_top"]].isna().all(axis=None)
    shrunk, low, high = estimates(WON, OF, tuple(W12["prior"]))
    assert shrunk.tolist() == pytest.approx(W12["shrunk"], abs=1e-6)
    assert np.c_[low, high].tolist() == [pytest.approx(pair, abs=1e-6) for pair in W12["ci"]]


def test_holm_is_that_of_statsmodels() -> None:
    p = np.random.default_rng(1).uniform(size=40) ** 3
    assert holm(p).tolist() == pytest.approx(multipletests(p, method="holm")[1].tolist())


def test_the_dispersion_is_that_of_a_table_of_two_columns() -> None:
    chi2, p, *_ = chi2_contingency(np.c_[WON, OF - WON], correction=False)
    assert dispersion(WON, OF) == pytest.approx((chi2, p))
    assert dispersion(np.zeros(3), np.full(3, 9.0)) == (0.0, 1.0)


@given(st.integers(1, 400), st.floats(0.02, 0.98), st.sampled_from([0.95, 0.998]))
def test_what_chance_does_is_bounded_by_whole_counts(n: int, rate: float, level: float) -> None:
    """Outside of the limits lies less than is said, one case further in lies more."""
    low, high = (float(each[0]) for each in limits(rate, np.array([float(n)]), level))
    assert 0 <= low <= high <= 1
    assert binom.cdf(np.floor(low * n - 1e-9), n, rate) <= (1 - level) / 2 + 1e-9
    assert binom.cdf(np.ceil(low * n + 1e-9), n, rate) >= (1 - level) / 2 - 1e-9
    assert binom.sf(np.ceil(high * n), n, rate) <= (1 - level) / 2 + 1e-9


def test_the_prior_is_found_again_from_many_people() -> None:
    rng = np.random.default_rng(2)
    n = rng.integers(50, 200, 4000).astype(float)
    a, b = prior(rng.binomial(n.astype(int), rng.beta(6, 14, 4000)).astype(float), n)
    assert (a, b) == (pytest.approx(6, rel=0.1), pytest.approx(14, rel=0.1))


def test_estimates_lie_between_the_own_rate_and_that_of_all() -> None:
    k, n = np.array([40.0, 4, 20, 1]), np.array([100.0, 10, 100, 10])
    a, b = prior(k, n)
    mean, low, high = estimates(k, n, (a, b))
    own, centre = k / n, a / (a + b)
    assert (np.abs(mean - centre) <= np.abs(own - centre)).all()
    assert (np.abs(mean - own)[[1, 3]] > np.abs(mean - own)[[0, 2]]).all()
    assert ((low < mean) & (mean < high)).all()


def test_chances_of_a_third_are_those_of_integration() -> None:
    """Three people: the highest is the one above both others, integrated on a grid."""
    from scipy.stats import beta as law

    k, n, x = np.array([30.0, 25, 20]), np.full(3, 100.0), np.linspace(0, 1, 20_001)
    own = [law(6 + each, 14 + 100 - each) for each in k]
    top, bottom = thirds(k, n, (6, 14))
    for i in range(3):
        a, b = (own[j] for j in range(3) if j != i)
        assert top[i] == pytest.approx(
            np.trapezoid(own[i].pdf(x) * a.cdf(x) * b.cdf(x), x), abs=0.012
        )
        assert bottom[i] == pytest.approx(
            np.trapezoid(own[i].pdf(x) * a.sf(x) * b.sf(x), x), abs=0.012
        )


@settings(max_examples=10)
@given(st.permutations(range(5)))
def test_nobody_s_place_in_the_table_changes_what_is_said(order: list[int]) -> None:
    k, n = np.array([10.0, 60, 20, 22, 25]), np.full(5, 100.0)
    first, again = judged(k, n), judged(k[order], n[order])
    pd.testing.assert_frame_equal(again, first.iloc[order].reset_index(drop=True))


def test_the_promises_of_the_benchmark_in_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "benchmarks"))
    reps = importlib.import_module("reps")
    rng = np.random.default_rng(3)
    assert reps.alike(rng, 150, 8, 40).mean() <= 0.05
    both, false = reps.planted(rng, 80)
    assert both.mean() >= 0.85
    assert false.mean() <= 0.05
    assert reps.by_mix(rng, 60, known=True).mean() <= 0.05


# --- The sample ---------------------------------------------------------------------------------


def test_exactly_the_two_planted_reps_are_found(team: pd.DataFrame) -> None:
    sides = {name: "above" if times > 1 else "below" for name, times in TRUTHS["reps"].items()}
    apart = team[team["verdict"] != "none_shown"]
    assert apart["verdict"].to_dict() == sides
    assert apart[["p_top", "p_bottom"]].max(axis=1).gt(0.99).all()


def test_the_rep_who_is_weak_by_his_mix_stays_silent(team: pd.DataFrame) -> None:
    weak = team.loc[TRUTHS["weak_by_mix"]["owner"]]
    assert weak["verdict"] == "none_shown"
    assert weak["expected"] == team["expected"].min() < weak["pooled"] - 0.02
    assert weak["value"] < weak["standardised"]
    assert weak["standardised"] > team["standardised"].nsmallest(2).max()


def test_the_lucky_rep_stays_silent(sample: Dataset) -> None:
    lucky = TRUTHS["lucky"]
    where = f"product == '{lucky['product']}'"
    for each in (None, where):
        frame = teams.compared(sample, "2026Q3", where=each).set_index("owner")
        assert frame["verdict"][lucky["owner"]] == "none_shown"


def test_the_mix_is_that_of_plain_loops(sample: Dataset, team: pd.DataFrame) -> None:
    rows = sample["deals"]
    rows = rows[rows["is_decided"] & rows["closed_at"].between("2025-10-01", "2026-09-30")]
    rate, leads = rows.groupby("source")["is_won"].mean(), sample["leads"]
    leads = leads[leads["created_at"].between("2025-10-01", "2026-10-01", inclusive="left")]
    for owner, own in rows.groupby("owner"):
        expected = own["source"].map(rate).mean()
        direct = sum(
            (rows["source"] == source).mean() * own.loc[own["source"] == source, "is_won"].mean()
            for source in rate.index
        )
        assert team["expected"][owner] == pytest.approx(expected)
        assert team["standardised"][owner] == pytest.approx(direct)
        assert team["leads"][owner] == (leads["owner"] == owner).sum()


def test_the_reps_targets_are_four_percent_above_the_company_s(sample: Dataset) -> None:
    found = teams.targets(sample, "2026Q3").set_index("kpi")
    stretch = TRUTHS["rep_targets"]["stretch"]
    assert found["gap_relative"].tolist() == [pytest.approx(stretch, abs=0.001)] * 2
    assert found["reps"].tolist() == [10, 10]
    said = wording.rep_targets_findings(found.reset_index(), "fr")["sentence"][0]
    assert "4,0\u00a0% de plus que celui de l’entreprise" in said


def test_the_sentence_of_the_sample(team: pd.DataFrame) -> None:
    said = wording.teams_findings(team.reset_index(), "fr")
    assert said["sentence"].tolist() == [
        "Taux de gain\u00a0: sur 12 mois, un commercial est nettement au-dessus (40,9\u00a0%), "
        "un nettement au-dessous (9,8\u00a0%)\u00a0; les 8 autres ne se distinguent pas."
    ]
    assert said["rows"].tolist() == [", ".join(map(str, range(1, 11)))]
    assert said["sureness"].tolist() == [0]


# --- Small tables -------------------------------------------------------------------------------


def test_one_who_differs_by_his_sources_alone_is_not_told_apart() -> None:
    easy = deals(("Ann", 60, 100), ("Bob", 6, 10), source="fair")
    hard = deals(("Ann", 1, 10), ("Bob", 10, 100), source="cold")
    alone = told(pd.concat([easy, hard]).drop(columns="source"))
    assert alone["verdict"].to_dict() == {"Ann": "above", "Bob": "below"}
    both = told(pd.concat([easy, hard]))
    assert set(both["verdict"]) == {"none_shown"}
    assert both["standardised"]["Ann"] == pytest.approx(0.35)
    assert both["value"]["Ann"] == pytest.approx(61 / 110)


def test_a_source_without_cases_counts_with_the_rate_of_all() -> None:
    frame = pd.concat([deals(("Ann", 10, 40), ("Bob", 20, 40)), deals(("Ann", 5, 20), source="x")])
    assert told(frame)["standardised"]["Bob"] == pytest.approx(0.8 * 0.5 + 0.2 * 0.25)


def test_few_cases_and_none_s_deals_are_counted_and_not_judged() -> None:
    found = told(deals(("Ann", 10, 40), ("Bob", 12, 40), ("Cyd", 4, 4), (None, 0, 30)))
    assert found["verdict"].tolist() == ["none_shown", "none_shown", "too_few", "nobody"]
    assert found["pooled"].dropna().tolist() == [22 / 80] * 2
    said = wording.teams_findings(found.reset_index(), "en")
    assert said["sentence"].tolist() == [
        "Win rate: over 12 months, no difference is shown between the 2 reps; "
        "their gaps (25.0–30.0%) may be chance.",
        "Win rate: 30 deals over 12 months have no rep and stand outside the comparison.",
    ]
    assert said["rows"].tolist() == ["1, 2", "4"]


def test_those_who_came_and_left_say_so() -> None:
    reps = pd.DataFrame(
        {"owner": ["Ann", "Bob", "Cyd"], "start": ["2020-01-01", "2025-07-01", "2019-01-01"]}
    ).assign(end=["", "", "2026-01-31"], team="A")
    frame = deals(("Ann", 10, 40), ("Bob", 12, 40), ("Cyd", 9, 40))
    found = teams.compared(kh.load({"deals": frame, "reps": reps}), "2026Q1").set_index("owner")
    assert found["arrived"].dropna().index.tolist() == ["Bob"]
    assert found["left"].dropna().index.tolist() == ["Cyd"]
    assert found["months"].round().tolist() == [73, 7, 85]


def test_the_time_there_is_not_told_outside_the_house() -> None:
    reps = pd.DataFrame({"owner": ["Ann", "Bob"], "start": ["2020-01-01", "2025-07-01"]})
    tables = {"deals": deals(("Ann", 10, 40), ("Bob", 12, 40)), "reps": reps}
    found = teams.compared(pseudonymised(kh.load(tables)), "2026Q1")
    assert found["verdict"].tolist() == ["none_shown"] * 2
    assert found[["months", "arrived", "left"]].isna().all(axis=None)


def test_pay_that_hangs_on_a_kpi_is_warned_of() -> None:
    frame = deals(("Ann", 10, 40), ("Bob", 12, 40))
    found = told(frame, config={"schema": 1, "pay": {"kpis": ["win_rate_count", "bookings"]}})
    said = wording.teams_findings(found.reset_index(), "en")["sentence"]
    assert said[1].startswith("Pay depends on Win rate, Bookings: ")
    with pytest.raises(BadConfig, match=r"pay\.kpis = 'win_rate'"):
        kh.measure(
            kh.load(frame, config={"schema": 1, "pay": {"kpis": ["win_rate"]}}), "bookings", "all"
        )
    with pytest.raises(BadConfig, match=r"pay\.kpi = .* expected kpis"):
        kh.load(frame, config={"schema": 1, "pay": {"kpi": ["bookings"]}})


def test_what_cannot_be_compared_is_said() -> None:
    data = kh.load(deals(("Ann", 10, 40), ("Bob", 2, 4)))
    with pytest.raises(Unavailable, match="two of them with at least 5 cases"):
        teams.compared(data, "2026Q1")
    with pytest.raises(BadInput, match="a share of cases"):
        teams.compared(data, "2026Q1", "deals_won_count")
    with pytest.raises(Unavailable, match="targets of this period for both"):
        teams.targets(data, "2026Q1")
    with pytest.raises(UnknownName, match="Ann"):
        teams.card(data, "Anne", "2026Q1")


# --- What is told outside the house -------------------------------------------------------------


@pytest.mark.parametrize(
    ("cases", "hidden"),
    [
        ([40, 41, 42, 3], {3, 40}),
        ([40, 41, 42, 3, 4], {3, 4}),
        ([40, 41, 42, 1, 2], {1, 2, 40}),
        ([40, 41, 42], set()),
    ],
)
def test_no_total_gives_a_rep_of_few_cases_away(cases: list[int], hidden: set[int]) -> None:
    data = kh.load(deals(*((f"Rep of {n}", n // 4, n) for n in cases)))
    open_ones = teams.compared(data, "2026Q1").set_index("owner")["n"]
    found = teams.compared(pseudonymised(data), "2026Q1")
    assert not set(found["owner"]) & set(open_ones.index)
    untold = found[found["verdict"] == "masked"]
    assert len(untold) == len(hidden)
    assert sorted(found["n"].dropna()) == sorted(set(cases) - hidden)
    assert untold[["value", "numerator", "n", "leads", "p_value", "low_95"]].isna().all(axis=None)
    # Whatever whole number of cases a reader may subtract, no single small one is left.
    told_of = found["n"].dropna()
    assert all(sum(cases) - sum(some) not in range(1, FEW) for some in _subsets(told_of))
    k, n = found[["numerator", "n"]].sum()
    assert found["pooled"].dropna().unique().tolist() == [pytest.approx(k / n)]


def _subsets(numbers: pd.Series) -> list[tuple[float, ...]]:
    return [each for size in range(len(numbers) + 1) for each in combinations(numbers, size)]


def test_a_card_of_few_cases_is_not_told_at_all() -> None:
    """Bob's quarter of 3 cases is his 23 in all less the two quarters of 10."""
    frames = [
        deals(("Ann", 4, 10), ("Bob", 3, of)).assign(
            closed_at=day, deal_id=lambda f, d=day: d + f.index.astype(str)
        )
        for day, of in (("2025-08-01", 10), ("2025-11-01", 10), ("2026-02-01", 3))
    ]
    data = kh.load(pd.concat(frames))
    shared = teams.trends(pseudonymised(data), "2026Q1")
    told = shared.groupby("owner")["n"].agg(lambda n: n.dropna().tolist())
    assert sorted(told) == [[], [10.0, 10.0, 10.0]]
    own = teams.trends(data, "2026Q1")
    assert own.loc[own["owner"] == "Bob", "n"].dropna().tolist() == [10.0, 10.0, 3.0]
    with pytest.raises(UnknownName):
        teams.card(pseudonymised(data), "Bob", "2026Q1")


def test_a_card_is_the_rep_alone(sample: Dataset) -> None:
    own = teams.card(sample, "Chloé Masson", "2026Q3")
    assert own["kpi"].unique().tolist() == ["leads_generated", "win_rate_count", "bookings"]
    assert own.groupby("kpi").size().unique().tolist() == [12]
    last = own[(own["kpi"] == "win_rate_count") & (own["period"] == "2026Q3")].iloc[0]
    alone = kh.measure(sample, "win_rate_count", "2026Q3", where={"owner": "Chloé Masson"}).iloc[0]
    assert last[["numerator", "n"]].tolist() == alone[["numerator", "n"]].tolist()
