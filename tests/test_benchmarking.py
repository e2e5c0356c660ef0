"""How we stand beside others: what their figures are worth, the market, peers, the verdict."""

import json
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ttest_1samp

import kpi_helpers as kh
from kpi_helpers import benchmarking, wording
from kpi_helpers.benchmarking.market import OTHERS, RIVAL, US
from kpi_helpers.benchmarking.peers import place_among
from kpi_helpers.drivers import shapley
from kpi_helpers.errors import BadInput, Unavailable, UnknownName
from kpi_helpers.sources import Dataset

HERE = Path(__file__).parent
ROOT = HERE.parent
WORKED: dict[str, Any] = json.loads((HERE / "data" / "worked_examples.json").read_text("utf-8"))
CONFIG = {"language": "en", "as_of": "2026-03-31"}
PANEL = {"metric": "market_sales", "entity": "market", "period": "2025", "source": "panel"}
PANEL |= {"source_date": "2026-02-01", "definition_match": "yes", "confidence": "A"}
# A median of 21.5 and a first quarter from 26.25 on; 23 is ahead of six of ten.
TEN = [12, 15, 18, 19, 21, 22, 24, 27, 30, 35]


def said(*rows: dict[str, Any]) -> pd.DataFrame:
    """Rows of benchmarks: the market's sales of 2025, unless they say otherwise."""
    return pd.DataFrame([PANEL | row for row in rows])


def of(values: dict[str, float], **other: Any) -> list[dict[str, Any]]:
    return [{"entity": name, "value": value, **other} for name, value in values.items()]


def loaded(benchmarks: pd.DataFrame, **tables: pd.DataFrame) -> Dataset:
    return kh.load({"benchmarks": benchmarks, **tables}, CONFIG)


def market(before: dict[str, float], now: dict[str, float]) -> Dataset:
    return loaded(said(*of(before, period="2024"), *of(now)))


def decided(won: int, n: int, amount: float = 1000.0) -> pd.DataFrame:
    status = ["won"] * won + ["lost"] * (n - won)
    days = {"created_at": "2026-01-05", "closed_at": "2026-02-01"}
    return pd.DataFrame({"deal_id": range(n), "status": status, "amount": amount, **days})


# --- What figures are worth -----------------------------------------------------------------------


def test_each_figure_is_judged_shown_or_set_aside_for_a_reason() -> None:
    rows = said(
        {"value": 100.0},
        {"value": 90.0, "source": "older", "source_date": "2025-01-01"},
        {"value": 1.0, "entity": "A", "confidence": "D"},
        {"value": 1.0, "entity": "B", "definition_match": "no"},
        {"value": 1.0, "entity": "C", "definition_match": "partial"},
        {"value": 1.0, "entity": "D", "unit": "USD"},
        {"value": 1.0, "entity": "E", "period": "some day"},
        {"entity": "F"},
        {"value": 1.2, "entity": "G", "metric": "win_rate_count"},
    )
    found = benchmarking.register(loaded(rows))
    reasons = dict(zip(found["reason"], found["use"], strict=True))
    hidden = ["doubled", "unsourced", "definition", "currency", "period", "no_value", "above_whole"]
    assert reasons == {"": "judged", "partial": "context", **dict.fromkeys(hidden, "hidden")}
    (judged,) = found.loc[found["reason"] == "", ["age", "first", "rows"]].values.tolist()
    assert judged == [2.0, "2025", 1]


def test_a_source_without_a_date_is_left_out_and_listed() -> None:
    data = loaded(said({"value": 100.0}, {"value": 9.0, "entity": "A", "source_date": None}))
    (row,) = kh.left_out(data).to_dict("records")
    assert (row["table"], row["reason"]) == ("benchmarks", "blank")
    assert len(data["benchmarks"]) == 1


# --- The market -----------------------------------------------------------------------------------


def test_w11() -> None:
    """Its concentration takes the others for one seller: the upper of the two."""
    told = WORKED["W11"]
    data = market({**told["s0"], "market": 100.0}, {**told["s1"], "market": 120.0})
    years = benchmarking.concentration(benchmarking.sellers(data, "2025"))
    assert years["relative"].tolist() == pytest.approx(told["rel"])
    assert years["hhi_high"].round(1).tolist() == [3400.0, 3126.4]
    found = benchmarking.gains(data, "2025").set_index("entity")
    for column, key in {"after": "share1", "gain": "gain_pts", "index": "evi"}.items():
        assert found[column].to_dict() == pytest.approx(told[key])
    assert found["share_of_growth"].to_dict() == pytest.approx(told["share_of_growth"])
    ours = found.loc["Nous"]
    effects = ours[["market_effect", "share_effect"]].tolist()
    assert effects == pytest.approx([told["market_effect"], told["share_effect"]])
    assert (ours["kind"], found.loc["Autres", "kind"]) == (US, OTHERS)


sales = st.dictionaries(
    st.sampled_from(["us", "Alpha", "Beta", "Gamma", "others"]), st.floats(0.1, 1e6), min_size=1
)


@settings(max_examples=4)
@given(before=sales, now=sales, order=st.randoms(use_true_random=False))
def test_shares_add_up_gains_cancel_and_the_order_of_rows_does_not_count(
    before: dict[str, float], now: dict[str, float], order: Any
) -> None:
    rows = said(*of(before, period="2024"), *of(now))
    mixed = rows.sample(frac=1, random_state=order.randrange(1000))
    sold, gained = (
        call(loaded(mixed), "2025") for call in (benchmarking.sellers, benchmarking.gains)
    )
    pd.testing.assert_frame_equal(sold, benchmarking.sellers(loaded(rows), "2025"))
    assert sold.groupby("period")["value"].sum().tolist() == pytest.approx([1.0, 1.0])
    assert gained["gain"].sum() == pytest.approx(0.0, abs=1e-9)
    assert gained["share_effect"].sum() == pytest.approx(0.0, abs=1e-6 * sum(now.values()))
    growth = sum(now.values()) / sum(before.values())
    for row in gained.to_dict("records"):  # a plain loop over the sellers
        sold_now, sold_then = now.get(row["entity"], 0.0), before.get(row["entity"], 0.0)
        assert row["share_effect"] == pytest.approx(sold_now - sold_then * growth, abs=1e-6)
        part = [sold_now / sum(now.values()), sold_then / sum(before.values())]
        assert row["gain"] == pytest.approx(100 * (part[0] - part[1]), abs=1e-9)


def test_who_comes_or_goes_may_have_been_in_the_unnamed_rest() -> None:
    data = market({"us": 20, "Old": 10, "market": 100}, {"us": 20, "New": 15, "market": 100})
    found = benchmarking.gains(data, "2025").set_index("entity")
    assert found["seen"].to_dict() == {"New": "new", "us": "kept", "": "mixed", "Old": "gone"}
    assert found.loc["New", ["gain", "before"]].tolist() == pytest.approx([15.0, 0.0])
    assert np.isnan(found.loc["New", "growth"])
    assert found["share_of_growth"].isna().all()  # the market has not grown
    calm = market({"us": 20, "market": 100}, {"us": 21, "market": 100})
    assert set(benchmarking.gains(calm, "2025")["seen"]) == {"kept"}


def test_the_range_of_the_source_is_that_of_the_share() -> None:
    whole = {"value_low": 100.0, "value": 120.0, "value_high": 150.0}
    data = loaded(said({"entity": "us", "value": 30.0}, whole))
    ours = benchmarking.sellers(data, "2025").set_index("kind").loc[US]
    assert ours[["value", "share_low", "share_high"]].tolist() == pytest.approx([0.25, 0.2, 0.3])


def test_our_revenue_stands_in_where_no_source_names_us_and_volume_apart() -> None:
    days = pd.date_range("2024-01-01", "2025-12-31", freq="D").astype(str)
    orders = pd.DataFrame({"order_id": range(len(days)), "order_date": days, "amount_net": 1.0})
    cars = of({"Alpha": 3.0, "market": 9.0}, metric="cars", unit="cars")
    rows = said(*of({"Alpha": 500.0, "market": 3650.0}), *cars)
    sold = benchmarking.sellers(loaded(rows, orders=orders), "2025")
    assert sold["metric"].unique().tolist() == ["market_sales", "cars"]
    ours = sold[sold["kind"] == US]
    assert ours["value"].tolist() == pytest.approx([0.1])
    assert sold["unit"].unique().tolist() == ["money", "count"]


def test_what_cannot_be_a_market_is_said() -> None:
    small = loaded(said(*of({"us": 60.0, "Alpha": 50.0, "market": 100.0})))
    with pytest.raises(BadInput, match="more than the whole market") as caught:
        benchmarking.sellers(small, "2025")
    assert "dépasserait 100" in caught.value.render("fr")
    units = said({"metric": "cars", "unit": "cars", "value": 1.0, "entity": "A"})
    mixed = pd.concat([units, units.assign(unit="thousands", entity="B")])
    with pytest.raises(BadInput, match="cars, thousands"):
        benchmarking.sellers(loaded(mixed), "2025")
    with pytest.raises(UnknownName, match="Alpha"):
        benchmarking.sellers(small, "2025", us="Alfa")
    with pytest.raises(Unavailable, match="two full years"):
        benchmarking.gains(loaded(said({"value": 1.0}, {"entity": "A", "value": 1.0})), "2025")


# --- Peers ----------------------------------------------------------------------------------------


def peered(values: list[float], metric: str = "win_rate_count", **other: Any) -> pd.DataFrame:
    rows = of({f"Peer {place}": value for place, value in enumerate(values)}, metric=metric)
    return said(*({**row, **other} for row in rows))


def test_w24_place_among_ten() -> None:
    assert float(place_among(23, TEN)) == WORKED["W24"]["percentile_23"]
    assert float(place_among(23, TEN, lower=True)) == pytest.approx(0.4)
    rows = peered([value / 100 for value in TEN])
    found = benchmarking.gaps(loaded(rows, deals=decided(23, 100)), "2026Q1").iloc[0]
    assert found[["place", "middle", "reference"]].tolist() == pytest.approx([0.6, 0.215, 0.2625])
    assert (found["best"], found["best_entity"], found["peers"]) == (0.35, "Peer 9", 10)
    assert (found["market_verdict"], found["change_verdict"]) == ("level", "none_shown")
    assert not found["estimated"]


def test_the_range_of_the_place_is_what_resampling_gives() -> None:
    rows = peered([value / 100 for value in TEN])
    found = benchmarking.gaps(loaded(rows, deals=decided(230, 1000)), "2026Q1").iloc[0]
    drawn = np.random.default_rng(1).binomial(1000, 0.23, 4000) / 1000
    places = place_among(drawn, np.array(TEN) / 100)
    low, high = np.quantile(places, [0.025, 0.975])
    assert abs(found["place_low"] - low) <= 0.1
    assert abs(found["place_high"] - high) <= 0.1


def test_the_worth_of_a_gap_is_that_of_the_chain_with_one_link_changed() -> None:
    data = loaded(peered([0.2, 0.3, 0.4, 0.5]), deals=decided(100, 1000))
    found = benchmarking.gaps(data, "2026Q1").iloc[0]
    chain = {"decided": 1000.0, "win": 0.1, "value": 1000.0}
    better = chain | {"win": found["reference"]}
    assert found["reach"] == pytest.approx(shapley(chain, better).loc[0, "win"])
    told = wording.market_findings(found.to_frame().T, "gaps", "en").iloc[0]
    assert (
        "Win rate (count): 10.0%, behind the top quarter of peers (42.5%), confirmed"
        in told["sentence"]
    )
    assert (told["sureness"], told["money_at_stake"]) == (0, found["reach"])
    assert found["change_verdict"] == "worse"
    assert found["market_verdict"] == "behind"


def test_only_the_same_definition_is_judged() -> None:
    deals = decided(100, 1000)
    for other in ({"definition_match": "partial"}, {"confidence": "D"}):
        with pytest.raises(Unavailable, match="definition_match"):
            benchmarking.gaps(loaded(peered([0.2, 0.3], **other), deals=deals), "2026Q1")


def test_quarters_give_an_estimate_and_few_peers_no_quarter() -> None:
    spread = of({"P25": 0.2, "Median": 0.3, "P75": 0.4}, metric="win_rate_count")
    found = benchmarking.gaps(loaded(said(*spread), deals=decided(35, 100)), "2026Q1").iloc[0]
    assert found["place"] == pytest.approx(0.625)
    assert found[["reference", "estimated"]].tolist() == [0.4, True]
    assert np.isnan(found["peers"])
    few = benchmarking.gaps(loaded(peered([0.2, 0.3]), deals=decided(35, 100)), "2026Q1").iloc[0]
    assert np.isnan(few["reference"])
    assert few[["best", "change_verdict"]].tolist() == [0.3, "no_reference"]
    assert few["to_best"] == pytest.approx(0.05)
    (told,) = wording.market_findings(few.to_frame().T, "gaps", "en")["sentence"]
    assert "the best of 2 peers (Peer 1) is at 30.0%" in told


@pytest.mark.parametrize(("won", "place"), [(50, [0.75, 1.0]), (20, [0.0, 0.75])])
def test_one_quarter_alone_is_a_reference_and_bounds_the_place(won: int, place: list[int]) -> None:
    rows = said(*of({"P75": 0.35}, metric="win_rate_count"))
    found = benchmarking.gaps(loaded(rows, deals=decided(won, 100)), "2026Q1").iloc[0]
    assert found[["reference", "change"]].tolist() == pytest.approx([0.35, won / 100 - 0.35])
    assert found[["place_low", "place_high"]].tolist() == place
    assert found[["place", "middle"]].isna().all()
    assert found["market_verdict"] == ""
    assert found["change_verdict"] == ("better" if won > 35 else "worse")


def test_a_place_below_every_quarter_is_not_the_lowest_of_them() -> None:
    spread = of({"P25": 60.0, "P75": 80.0}, metric="sales_cycle_duration")
    found = benchmarking.gaps(loaded(said(*spread), deals=decided(60, 100)), "2026Q1").iloc[0]
    assert found[["place_low", "place_high"]].tolist() == [0.75, 1.0]  # 27 days, less is better
    assert np.isnan(found["place"])


def test_less_is_better_for_a_cycle() -> None:
    deals = decided(60, 100)
    rows = peered([40.0, 50.0, 60.0, 70.0], metric="sales_cycle_duration")
    found = benchmarking.gaps(loaded(rows, deals=deals), "2026Q1").iloc[0]
    assert found[["best", "reference", "place"]].tolist() == [40.0, 47.5, 1.0]
    assert found["change_verdict"] == "better"


def test_units_need_a_table_and_a_kpi() -> None:
    data = loaded(peered([0.2, 0.3]))
    with pytest.raises(Unavailable, match="orders"):
        benchmarking.peers(data, "revenue", "2026Q1")
    with pytest.raises(UnknownName, match="win_rate_count"):
        benchmarking.peers(data, "win_rate_cont", "2026Q1")


# --- Perception, verdicts, and what is told -------------------------------------------------------


def test_marks_are_compared_in_pairs(sample: Dataset) -> None:
    found = benchmarking.perception(sample, "2026Q3").set_index("attribute")
    rows = sample["surveys"].query("type == 'perception'")
    marks = rows.pivot(index="response_id", columns=["attribute", "is_own"], values="score")
    for attribute, row in found.iterrows():
        gap = marks[attribute][True] - marks[attribute][False]
        expected = ttest_1samp(gap, 0)
        interval = expected.confidence_interval()
        ends = row[["change", "change_low", "change_high"]].tolist()
        assert ends == pytest.approx([gap.mean(), interval.low, interval.high])
        assert row["p_value"] == pytest.approx(expected.pvalue)
    assert found["change_verdict"].to_dict() == {
        **{"Prix": "worse", "Délai": "none_shown", "Qualité": "better", "Service": "better"}
    }


def test_what_matters_is_no_competitor_and_weighs_the_gap() -> None:
    marks = {"us": [5, 6, 7, 5], "Rival": [6, 7, 8, 7], "importance": [9, 8, 9, 10]}
    rows = [
        {"response_id": str(n), "attribute": "Price", "subject": subject, "score": score}
        for subject, scores in marks.items()
        for n, score in enumerate(scores)
    ]
    kind = {"type": "perception", "responded_at": "2026-02-01", "scale_min": 0, "scale_max": 10}
    surveys = pd.DataFrame(rows).assign(question_id="q", **kind)
    data = kh.load({"surveys": surveys}, CONFIG)
    (row,) = benchmarking.perception(data, "2026Q1").to_dict("records")
    assert (row["subject"], row["change"], row["importance"]) == ("Rival", -1.25, 9.0)
    assert row["weighed"] == pytest.approx(-11.25)
    assert kh.measure(data, "perception_gap", "2026Q1")["value"].tolist() == [-1.25]


@pytest.mark.parametrize(
    ("won", "target", "verdict"),
    [
        (600, 0.5, "hold"),
        (100, 0.5, "act"),
        (100, 0.05, "raise_target"),
        (600, 0.9, "revise_target"),
    ],
)
def test_the_verdict_beside_target_and_market(won: int, target: float, verdict: str) -> None:
    goal = {"metric": "win_rate_count", "scope_type": "company", "value": target}
    goal |= {"period_start": "2026-01-01", "period_end": "2026-03-31", "scope_value": ""}
    rows = peered([0.2, 0.3, 0.4, 0.5])
    data = loaded(rows, deals=decided(won, 1000), targets=pd.DataFrame([goal]))
    found = benchmarking.verdicts(data, benchmarking.gaps(data, "2026Q1"), None)
    assert found[["verdict", "holds"]].values.tolist() == [[verdict, True]]
    with pytest.raises(Unavailable, match="targets"):
        benchmarking.verdicts(data, None, None)


def test_the_sample_shows_its_rival_and_is_silent_about_itself(sample: Dataset) -> None:
    found = benchmarking.gains(sample, "2026Q3").set_index("entity")
    planted = tomllib.loads((ROOT / "data" / "truths.toml").read_text("utf-8"))["market"]
    for name, (before, after) in planted.items():
        assert found.loc[name, ["before", "after"]].tolist() == pytest.approx(
            [before, after], abs=1e-4
        )
    rivals = found[found["kind"] == RIVAL]
    assert rivals.index[rivals["holds"]].tolist() == ["Concurrent B"]
    assert not found.loc["nous", "holds"]
    verdicts = benchmarking.verdicts(sample, None, benchmarking.gains(sample, "2026Q3"))
    assert verdicts[["verdict", "holds"]].values.tolist() == [["hold", False]]
