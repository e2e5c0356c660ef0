"""Bottlenecks, and what is lost at each step."""

import importlib
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import kpi_helpers as kh
from kpi_helpers import charts, funnel, sheets, wording
from kpi_helpers.actions import noted
from kpi_helpers.errors import Unavailable
from kpi_helpers.funnel.bottleneck import _waited, mantel_haenszel, shrunk
from kpi_helpers.funnel.leak import _valued
from kpi_helpers.sheets.findings import decision_lines
from kpi_helpers.sources import Dataset

HERE = Path(__file__).parent
W18: dict[str, Any] = json.loads((HERE / "data" / "worked_examples.json").read_text("utf-8"))["W18"]
TRUTH = 0.72
STAGES = ["lead", "qualified", "deal", "D", "Won"]  # names that other steps have too


@pytest.fixture(scope="module")
def sample() -> Dataset:
    return kh.load("data/sample")


@pytest.fixture(scope="module")
def replay(sample: Dataset) -> pd.DataFrame:
    return funnel.bottlenecks(sample.at("2025-12-31"), "2025Q4")


def w18() -> Dataset:
    """1,000 deals of 10,000 of which 400, 200, 100 and 30 get on, all within 2026Q1."""
    passed = np.searchsorted(-np.array(W18["n"][1:]), -np.arange(W18["n"][0]), side="left")
    ids = np.array([f"D{number}" for number in range(W18["n"][0])])
    stages = len(W18["rates"])
    moves = [
        pd.DataFrame({"deal_id": ids[passed >= place], "stage": STAGES[place]}).assign(
            entered_at=f"2026-01-{5 + place:02}"
        )
        for place in range(stages + 1)
    ]
    deals = {"deal_id": ids, "status": np.where(passed == stages, "won", "lost")}
    deals |= {"created_at": "2026-01-05", "amount": float(W18["amount"])}
    deals |= {"closed_at": np.where(passed == stages, "2026-01-09", "2026-02-20")}
    deals |= {"lost_reason": np.where(ids < "D5", "Price", None)}
    tables = {"deals": pd.DataFrame(deals), "stage_history": pd.concat(moves)}
    return kh.load(tables, {"as_of": "2026-03-31", "stages": STAGES, "language": "en"})


def test_w18_what_is_lost_and_what_more_would_bring() -> None:
    found = funnel.leak(w18(), "2026Q1")
    steps = found[found["reason"].isna()]
    assert steps["step"].tolist() == STAGES[:-1]
    assert steps["rate"].tolist() == pytest.approx(W18["rates"])
    assert steps["value"].tolist() == pytest.approx(W18["expected_lost"])
    assert (0.1 * steps["flow"]).tolist() == pytest.approx([W18["plus10pct"]] * 4)
    assert (5 * steps["point"]).tolist() == pytest.approx(W18["plus5pts"])
    assert ((steps["low"] < steps["value"]) & (steps["value"] < steps["high"])).all()


def test_reasons_add_up_to_their_step_and_a_blank_one_is_told() -> None:
    found = funnel.leak(w18(), "2026Q1")
    whole, parts = (found[found["reason"].isna() == test] for test in (True, False))
    assert set(parts["reason"]) == {"Price", ""}
    for name in ("n", "lost", "value"):
        sums = parts.groupby("step")[name].sum().to_dict()
        assert sums == pytest.approx(whole.set_index("step")[name].to_dict())


def test_deals_without_an_amount_count_at_the_mean_and_are_counted(sample: Dataset) -> None:
    tables = {name: sample[name] for name in ("deals", "stage_history")}
    known = {"deals": sample["deals"][["deal_id", "status", "created_at", "closed_at", "amount"]]}
    moves = {"stage_history": tables["stage_history"][["deal_id", "stage", "entered_at"]]}
    config = {"as_of": "2026-09-30", "country": "FR"}
    blank = known["deals"].assign(
        amount=known["deals"]["amount"].where(known["deals"].index % 3 > 0)
    )
    full, part = (
        funnel.leak(kh.load({"deals": deals} | moves, config), "2026Q3")
        for deals in (known["deals"], blank)
    )
    steps = [frame[frame["reason"].isna()].set_index("step") for frame in (full, part)]
    assert (steps[0]["unpriced"] == 0).all()
    assert (steps[1]["unpriced"] > 0).all()
    assert steps[1]["n"].tolist() == steps[0]["n"].tolist()
    assert steps[1]["value"].sum() == pytest.approx(steps[0]["value"].sum(), rel=0.15)


def test_what_is_lost_is_what_a_loop_over_the_history_finds(sample: Dataset) -> None:
    deals, moves = sample["deals"], sample["stage_history"]
    order = {name: place for place, name in enumerate(sample.config.stages_on(sample.as_of))}
    lost = deals[deals["is_lost"] & deals["closed_at"].between("2026-07-01", "2026-09-30")]
    furthest = moves[moves["stage"].isin(order)].assign(place=moves["stage"].map(order))
    furthest = furthest.groupby("deal_id")["place"].max()
    sums = lost.groupby(lost["deal_id"].map(furthest))["amount"].agg(["sum", "count"])
    found = funnel.leak(sample, "2026Q3")
    found = found[found["reason"].isna() & (found["step"] != "lead")]
    assert found["lost"].tolist() == pytest.approx(sums["sum"].tolist())
    assert found["n"].tolist() == sums["count"].tolist()


def test_the_replay_names_qualification_and_nothing_else(replay: pd.DataFrame) -> None:
    named = replay[replay["verdict"] == "bottleneck"]
    assert named[["step", "measure"]].to_numpy().tolist() == [["lead", "stage_conversion"]]
    assert set(replay["verdict"]) == {"bottleneck", "none_shown"}
    row = named.iloc[0]
    truth = (
        row["entered"] * row["now"] * (1 / TRUTH - 1) * row["chance"] / row["rate"] * row["amount"]
    )
    assert row["low"] < truth < row["high"]
    assert row["value"] == pytest.approx(truth, rel=0.25)
    assert row["best"] == pytest.approx(row["now"] / TRUTH, rel=0.1)
    assert row["n"] < row["entered"]


@pytest.mark.parametrize("quarter", ["2026Q3"])
def test_quarters_without_one_stay_silent(sample: Dataset, quarter: str) -> None:
    last = pd.Period(quarter, "Q").end_time.date()
    found = funnel.bottlenecks(sample.at(last), quarter)
    assert not found["verdict"].isin(["bottleneck", "worse"]).any()


def leads(shares: list[float], each: int, rates: tuple[float, float]) -> pd.DataFrame:
    """Leads of quarters of which a share comes by a good channel, the others by a poor one."""
    frames = []
    for quarter, share in zip(pd.period_range("2025Q1", periods=5, freq="Q"), shares, strict=True):
        for channel, part, rate in (("good", share, rates[0]), ("poor", 1 - share, rates[1])):
            n = round(each * part)
            day = quarter.start_time + pd.to_timedelta(np.arange(n) % 60, "D")
            sql = np.where(np.arange(n) < round(n * rate), day + pd.Timedelta(days=9), pd.NaT)
            frames.append(pd.DataFrame({"created_at": day, "sql_at": sql, "source": channel}))
    frame = pd.concat(frames, ignore_index=True)
    return frame.assign(lead_id=frame.index.astype(str))


def company(leads: pd.DataFrame) -> Dataset:
    """Each qualified lead is a deal, every second of them won."""
    deals = leads[leads["sql_at"].notna()].reset_index(drop=True)
    won = np.where(deals.index % 2, "won", "lost")
    deals = deals.assign(status=won, deal_id=deals["lead_id"], amount=100.0)
    deals["created_at"] = deals["closed_at"] = deals.pop("sql_at")
    settings = {"as_of": "2026-06-30", "windows": {"lead_qualification_rate": 30}}
    return kh.load({"leads": leads, "deals": deals}, settings)


def test_a_shift_of_the_mix_is_no_bottleneck_but_a_fall_within_channels_is() -> None:
    shifted = leads([0.7, 0.7, 0.7, 0.7, 0.2], 1000, (0.5, 0.2))
    found = funnel.bottlenecks(company(shifted), "2026Q1").set_index(["step", "measure"])
    row = found.loc[("lead", "stage_conversion")]
    assert row["has_channels"]
    alone = funnel.bottlenecks(company(shifted.drop(columns="source")), "2026Q1")
    assert not alone["has_channels"].any()
    assert row["now"] == pytest.approx(0.26)
    assert row["reference"] == pytest.approx(0.26)
    assert row["verdict"] == "none_shown"
    assert row["value"] == 0
    first = shifted[shifted["created_at"] < "2026-01-01"]
    worse = leads([0.2] * 5, 1000, (0.3, 0.12)).query("created_at >= '2026-01-01'")
    fallen = pd.concat([first, worse]).drop_duplicates("lead_id", keep="last")
    fallen = fallen.reset_index(drop=True).assign(lead_id=lambda f: f.index.astype(str))
    found = funnel.bottlenecks(company(fallen), "2026Q1").set_index(["step", "measure"])
    row = found.loc[("lead", "stage_conversion")]
    assert row["verdict"] == "bottleneck"
    assert row["reference"] == pytest.approx(0.26)
    assert 0.2 < row["best"] < 0.26


def test_the_test_within_channels_is_that_of_statsmodels() -> None:
    from statsmodels.stats.contingency_tables import StratifiedTable

    rng = np.random.default_rng(5)
    n1, n0 = rng.integers(20, 90, 6), rng.integers(20, 90, 6)
    k1, k0 = rng.binomial(n1, 0.3), rng.binomial(n0, 0.4)
    tables = [np.array([[a, b - a], [c, d - c]]) for a, b, c, d in zip(k1, n1, k0, n0, strict=True)]
    theirs = StratifiedTable(tables).test_null_odds(correction=False).pvalue
    assert mantel_haenszel(*(x.astype(float) for x in (k1, n1, k0, n0))) == pytest.approx(theirs)


@given(st.lists(st.floats(0.5, 2), min_size=3, max_size=6), st.floats(1e-4, 1))
def test_periods_are_moved_towards_their_mean_and_never_past_it(
    values: list[float], variance: float
) -> None:
    value = np.array(values)
    moved, left = shrunk(value, np.full(len(value), variance))
    assert moved.mean() == pytest.approx(value.mean())
    assert (np.abs(moved - value.mean()) <= np.abs(value - value.mean()) + 1e-9).all()
    assert (left <= variance).all()
    if np.var(value, ddof=1) <= variance:
        assert np.ptp(moved) == pytest.approx(0, abs=1e-9)


def test_what_cannot_be_judged_is_said(sample: Dataset) -> None:
    young = funnel.bottlenecks(sample.at("2025-10-05"), "2025Q4")
    assert (young.loc[young["measure"] == "stage_conversion", "verdict"] == "unread").all()
    with pytest.raises(Unavailable, match="nothing before 2023Q2"):
        funnel.bottlenecks(sample, "2023Q2")
    alone = kh.load({"leads": pd.DataFrame({"lead_id": ["1"], "created_at": ["2026-01-05"]})})
    for analysis in (funnel.bottlenecks, funnel.leak, funnel.outlook):
        with pytest.raises(Unavailable, match="deals"):
            analysis(alone)


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(HERE.parent / "benchmarks"))
        return importlib.import_module("bottlenecks")


@pytest.mark.thorough
def test_a_fall_of_qualification_is_named_and_nothing_where_nothing_happens(
    bench: ModuleType,
) -> None:
    assert bench.named(1, ["2025Q3"], bottleneck=bench.FALL) == [{"lead"}]
    assert bench.named(1, ["2025Q3"], bottleneck=1.0) == [set()]


# What is said, drawn and listed


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_each_section_is_said_drawn_and_listed(
    lang: str, replay: pd.DataFrame, sample: Dataset
) -> None:
    lost, moved = funnel.leak(sample, "2025Q4"), funnel.levers(funnel.outlook(sample))
    for said, drawn, listed, found in (
        (wording.bottleneck_findings, charts.achievable_gains, sheets.bottlenecks, replay),
        (wording.leak_findings, charts.lost_values, sheets.leak, lost),
        (wording.levers_findings, charts.lever_bars, sheets.levers, moved),
    ):
        told = said(found, lang)
        assert 1 <= len(told) <= 3
        assert not [word for each in told["sentence"] for word in wording.banned(each, lang)]
        title = charts.alt(drawn(found, lang=lang, as_of=sample.as_of))
        assert title in set(told["sentence"])
        page = listed(found, lang).as_raw_html()
        assert "None" not in page
        assert ">nan" not in page


def test_the_gain_is_said_with_its_range_and_none_as_none(
    sample: Dataset, replay: pd.DataFrame
) -> None:
    told = wording.bottleneck_findings(replay, "en").iloc[0]
    assert told["sureness"] == 0
    assert told["money_at_stake"] == replay["value"].max()
    assert "Bottleneck, Q4 2025, “Lead”: 23.5% get through" in told["sentence"]
    assert "€426k more (plausible range: €236k–€617k)" in told["sentence"]
    proposed = noted(wording.bottleneck_findings(replay, "en"), "2025Q4")
    decision = decision_lines(proposed, "en")[0]["decide"]
    assert decision == "Mend this step first: Bottleneck, Q4 2025, “Lead”"
    quiet = funnel.bottlenecks(sample, "2026Q3")
    assert "no bottleneck shown" in wording.bottleneck_findings(quiet, "en")["sentence"].iloc[0]
    young = funnel.bottlenecks(sample.at("2025-10-05"), "2025Q4")
    last = wording.bottleneck_findings(young, "fr").iloc[-1]
    assert last["sureness"] == 2
    assert "trop tôt" in last["sentence"]
    assert "Négociation" in last["sentence"]


def test_names_of_stages_and_reasons_are_text(sample: Dataset) -> None:
    found = funnel.leak(sample, "2026Q3").assign(step="<b>x</b>", reason="<script>")
    page = sheets.leak(found, "en").as_raw_html()
    assert "<script>" not in page
    assert "<b>x</b>" not in page


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_a_step_has_one_name_in_every_section(sample: Dataset, lang: str) -> None:
    passing = wording.passage_rows(funnel.trend(sample, "2026Q3"), lang)
    passed = {name for label in passing["label"] for name in label.split(" → ")}
    short = wording.passage_rows(funnel.trend(sample, "2026Q3"), lang, short=True)["label"]
    assert {label.removeprefix("→ ") for label in short} < passed
    for frame in (funnel.bottlenecks(sample, "2026Q3"), funnel.leak(sample, "2026Q3")):
        assert {wording.bottleneck.step_name(step, lang) for step in frame["step"]} < passed
    assert set(funnel.stays(sample, "2026Q3")["stage"]) < passed


def test_two_sides_with_enough_ends_are_tested_whatever_the_periods_before() -> None:
    """One case a period, then 60 and 60: the past is 63 cases, and only the best needs a period."""
    at = np.repeat(range(5), [1, 1, 1, 60, 60])
    cells = {"at": at, "group": 0, "days": np.arange(len(at)) % 20 + 1, "gone": True, "n": 1.0}
    found = _waited(pd.DataFrame(cells))
    assert 0.5 < found["p_value"] < 1
    assert (found["n"], found["now"], found["reference"]) == (60, 10, 9)
    few = pd.DataFrame({**cells, "at": np.repeat(range(5), [1, 1, 57, 60, 4])})
    assert np.isnan(_waited(few)["p_value"])


def test_what_is_lost_is_the_same_in_any_currency_and_never_below_nothing() -> None:
    cases = {"n": [6, 6], "known": [4, 6], "place": [1, 1], "chance": [0.3, 0.3]}
    money = {"x": [50.0, 90.0], "amount": [15.0] * 2, "amount_se": [2.0] * 2}
    squares = {"xx": [700.0, 8000.0], "chance_se": [0.05] * 2}
    found = _valued(pd.DataFrame({**cases, **money, **squares}), 1)
    assert found["value"].tolist() == pytest.approx([0.3 * 80, 0.3 * 90])
    error = np.sqrt(0.09 * (700 + 2 * 225) + (80 * 0.05) ** 2 + (2 * 0.3 * 2) ** 2)
    assert found["low"].tolist() == pytest.approx([24 - 1.96 * error, 0])
    small = {name: np.array(each) * 1e-4 for name, each in money.items()}
    small |= {"xx": np.array(squares["xx"]) * 1e-8, "chance_se": [0.05] * 2}
    other = _valued(pd.DataFrame({**cases, **small}), 1)
    numbers = ["lost", "value", "low", "high"]
    assert other[numbers].to_numpy() == pytest.approx(1e-4 * found[numbers].to_numpy())
