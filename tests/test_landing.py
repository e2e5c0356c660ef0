"""Where the quarter lands: worked figures, draws, truncated files, and what is said of it."""

import datetime as dt
import importlib
import itertools
import json
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_numbers_in_sentences import BARE, unfound
from twins import truncated

import kpi_helpers as kh
from kpi_helpers import charts, funnel, sheets, wording
from kpi_helpers.charts.landing import PARTS
from kpi_helpers.errors import Unavailable
from kpi_helpers.landing import Landed, landing, reliability, scores
from kpi_helpers.landing.forecasts import Forecast, shock, together
from kpi_helpers.landing.sums import likely, reached, shaken, total
from kpi_helpers.sources import Dataset
from kpi_helpers.units import COUNT, PERCENT, write, write_compact
from kpi_helpers.wording.ban import banned

HERE = Path(__file__).parent
WORKED: dict[str, Any] = json.loads((HERE / "data" / "worked_examples.json").read_text("utf-8"))
TABLES = ("deals", "stage_history", "close_date_history", "leads", "targets")
SETTINGS = {"stages": ["Qualification", "Rendez-vous", "Proposition", "Négociation", "Gagné"]}


@pytest.fixture(scope="module")
def sample() -> Dataset:
    return kh.load("data/sample")


@pytest.fixture(scope="module")
def landed(sample: Dataset) -> Landed:
    return landing(sample)


# Sums


def test_w20_the_chance_of_the_target() -> None:
    case = WORKED["W20"]
    found = total(*zip(*case["deals"], strict=True))
    assert found.mean == pytest.approx(case["expected"])
    made = Forecast(case["booked"], found, case["booked"] + found.mean, found.sd)
    assert made.chance(case["target"]) == pytest.approx(case["p_hit"], abs=1e-9)
    assert made.chance(case["booked"]) == 1
    assert made.chance(case["booked"] + 331) == pytest.approx(0, abs=1e-9)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 90), st.floats(0, 1)), min_size=1, max_size=8))
def test_a_sum_is_that_of_all_its_cases(deals: list[tuple[int, float]]) -> None:
    amounts, chances = zip(*deals, strict=True)
    found = total(amounts, chances)
    for needed in (1, 17, sum(amounts) // 2, sum(amounts)):
        chance = sum(
            float(np.prod([p if yes else 1 - p for p, yes in zip(chances, case, strict=True)]))
            for case in itertools.product([False, True], repeat=len(deals))
            if sum(a for a, yes in zip(amounts, case, strict=True) if yes) >= needed
        )
        assert likely(found, needed) == pytest.approx(chance, abs=1e-9)


def test_a_sum_with_deals_to_come_and_a_shock_is_that_of_many_draws() -> None:
    rng, draws = np.random.default_rng(3), 40_000
    amount, chance = rng.lognormal(9, 0.8, 120), rng.uniform(0.02, 0.8, 120)
    paid = rng.lognormal(9, 0.8, 300)
    sums = (rng.random((draws, 120)) < chance) @ amount
    sums += [rng.choice(paid, n).sum() for n in rng.poisson(12.5, draws)]
    found = total(amount, chance, 12.5, paid)
    factor = rng.lognormal(-(0.15**2) / 2, 0.15, draws)
    for mine, drawn in ((found, sums), (shaken(found, 0.15), sums * factor)):
        assert mine.mean == pytest.approx(drawn.mean(), rel=0.005)
        assert mine.sd == pytest.approx(drawn.std(), rel=0.02)
        levels = np.array([0.1, 0.5, 0.9])
        assert reached(mine, levels) == pytest.approx(np.quantile(drawn, levels), rel=0.01)
        assert likely(mine, 6e5) == pytest.approx((drawn >= 6e5).mean(), abs=0.01)


def test_nothing_to_come_lands_where_it_stands() -> None:
    none = total([], [])
    assert (none.mean, none.sd, float(likely(none, 1.0))) == (0, 0, 0)
    made = Forecast(500.0, shaken(none, 0.1), 500.0, 0.0)
    assert (made.level(0.1), made.level(0.9)) == (500, 500)
    assert (made.chance(500), made.chance(501)) == (1, 0)


# Forecasts


def past_of(missed: Mapping[str, list[float]], spread: float = 1.0) -> pd.DataFrame:
    """Past forecasts of 100 that were still to come, a quarter each."""
    frame = pd.DataFrame(missed) + 100.0
    quarters = [f"{place}" for place in range(len(frame))]
    return frame.assign(period=quarters, actual=100.0, expected=100.0, spread=spread)


def test_w21_weights_are_those_of_past_errors() -> None:
    case = WORKED["W21"]
    (series, b), (value, a) = case["ts"], case["pipe"]
    signs = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]] * 2).T
    for name, shared in (("indep", 0.0), ("rho05", 0.5)):
        miss = b * (shared * signs[0] + np.sqrt(1 - shared**2) * signs[1])
        past = past_of({"value": [*a * signs[0]], "series": [*miss]})
        of = total([value / 50] * 100, [0.5] * 100)._replace(sd=a)
        deals = Forecast(0.0, of, value, a, series=series, series_sd=b)
        found = together(deals, past)
        assert 1 - found.weight == pytest.approx(case[name]["w"])
        assert (found.value, found.sd) == pytest.approx((case[name]["mean"], case[name]["sd"]))
        few = together(deals, past[:7])
        assert (few.weight, few.value, few.sd) == (0.5, (value + series) / 2, (a + b) / 2)
        vague = deals._replace(series_sd=2 * a + 1)
        assert together(vague, past[:7]) == vague
        assert together(vague, past).weight == found.weight


def test_the_shock_is_what_luck_does_not_explain() -> None:
    none = past_of({"value": [5.0, -5.0] * 4}, spread=5.0)
    large = past_of({"value": [30.0, -30.0] * 4}, spread=5.0)
    assert shock(none) == pytest.approx(0.15 * np.sqrt(2 / 10))
    assert shock(large) == pytest.approx(np.sqrt((8 * (0.09 - 0.0025) + 2 * 0.15**2) / 10))
    assert shock(none.head(0)) == 0.15


# Replay


@pytest.mark.thorough
def test_no_later_row_is_used(sample: Dataset, landed: Landed) -> None:
    day = "2025-08-20"
    tables = {name: pd.read_parquet(f"data/sample/{name}.parquet") for name in TABLES}
    known = truncated(tables, dt.date.fromisoformat(day))
    cut = landing(kh.load({**known, "targets": tables["targets"]}, SETTINGS | {"as_of": day}))
    again = landing(sample.at(day))
    for one, other in zip(again, cut, strict=True):
        pd.testing.assert_frame_equal(one, other, check_dtype=False)
    columns = ["period", "part", "booked", "value", "series", "combined", "chance", "actual"]
    both = landed.past[columns].merge(again.past[columns], on=["period", "part"])
    assert len(both) >= 4
    for name in columns[2:]:
        assert both[f"{name}_x"].to_numpy() == pytest.approx(both[f"{name}_y"].to_numpy())


def test_the_rows_of_a_day_say_what_was_known_on_it(sample: Dataset) -> None:
    known = funnel.cases(sample)
    for day in (dt.date(2025, 8, 20), dt.date(2026, 3, 31)):
        one, other = funnel.prepared(known, day), funnel.outlook(sample.at(day))
        pd.testing.assert_frame_equal(one.open, other.open)
        for mine, theirs in zip(one, other, strict=True):
            if isinstance(mine, np.ndarray):
                assert np.array_equal(mine, theirs)
        assert (one.booked, one.periods, one.days) == (other.booked, other.periods, other.days)


def test_it_misses_by_less_than_the_pace_and_than_the_crm(landed: Landed) -> None:
    error = landed.scores.set_index("method")["error"]
    assert error["combined"] < 0.6 * min(error["linear"], error["seasonal"], error["crm"])
    whole = landed.reliability.iloc[0]
    assert whole["brier"] < 0.5 * whole["base"]


def test_what_came_is_what_the_bookings_say(sample: Dataset, landed: Landed) -> None:
    came = landed.past.groupby("period")["actual"].first()
    found = kh.measure(sample, "bookings", "2024Q2:2026Q3", grain="quarter")
    assert came.to_numpy() == pytest.approx(found["value"].to_numpy(float))


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(HERE.parent / "benchmarks"))
        return importlib.import_module("landing")


def test_its_chances_come_true_where_habits_change(bench: ModuleType) -> None:
    found = bench.table(3, 7400).loc["all"]
    assert found["n"] == 3 * 48
    assert found["brier"] < 0.6 * found["base"]
    assert 0.7 < found["slope"] < 1.3
    assert found["combined"] < found["linear"]


def test_scores_and_reliability_by_hand() -> None:
    found = pd.DataFrame(
        {
            "period": ["a", "a", "b"],
            "chance": [0.9, 0.1, 0.6],
            "hit": [1.0, 1.0, 0.0],
            "actual": [100.0, 100.0, 50.0],
            "value": [110.0, 90.0, 50.0],
            "linear": [np.nan, 150.0, 40.0],
            **dict.fromkeys(("combined", "series", "seasonal", "crm"), np.nan),
        }
    )
    judged = scores(found).set_index("method")
    assert judged["n"].tolist() == [2, 2]
    assert judged["error"].tolist() == pytest.approx([10 / 150, 60 / 150])
    assert judged["bias"].tolist() == pytest.approx([-10 / 150, 40 / 150])
    whole = reliability(found).iloc[0]
    assert whole["brier"] == pytest.approx((0.01 + 0.81 + 0.36) / 3)
    assert whole["base"] == pytest.approx(2 / 9)


# What is said, drawn and listed


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_it_is_said_drawn_and_listed(sample: Dataset, landed: Landed, lang: str) -> None:
    told = wording.landing_findings(landed.quarter, lang)
    (said,) = told["sentence"]
    row = landed.quarter.iloc[0]
    assert write(row["deals_needed"], COUNT, lang) in said
    assert write_compact(row["target"], lang) in said
    assert ("1 chance sur 10 de" if lang == "fr" else "1 chance in 10 to hit") in said
    assert said.startswith("Combler" if lang == "fr" else "Fill")
    assert told["sureness"].tolist() == [0]
    assert told["money_at_stake"].iloc[0] == pytest.approx(row["target"] - row["value"])
    shocks = wording.scenario_findings(landed.scenarios, lang)
    for change in landed.scenarios["change"].iloc[3:]:
        assert write_compact(change, lang, plus=True) in shocks["sentence"].iloc[0]
    past = wording.landing_scores_findings(landed.scores, lang)
    for place in (0, 3, 5):
        assert write(landed.scores["error"][place], PERCENT, lang) in past["sentence"].iloc[0]
    frames = {
        **{"landing": landed.quarter, "scenarios": landed.scenarios},
        **{"landing_scores": landed.scores, "reliability": landed.reliability},
    }
    for each, frame in ((told, "landing"), (shocks, "scenarios"), (past, "landing_scores")):
        numbers = frames[frame].select_dtypes("number").to_numpy().ravel()
        held = [{**BARE, "value": np.nan, **{f"n{place}": n for place, n in enumerate(numbers)}}]
        assert unfound(each["sentence"].iloc[0], held, lang) == []
        assert not banned(each["sentence"].iloc[0], lang)
    for name, frame in frames.items():
        html = sheets.landing(frame, name, lang).as_raw_html()
        assert html.count("<tr>") >= len(frame)
        assert "nan" not in html
    figure = charts.landing(landed.quarter, lang=lang, as_of=sample.as_of)
    bars = figure.axes[0].patches
    assert sum(bar.get_width() for bar in bars if bar.get_gid() in PARTS) == pytest.approx(
        landed.quarter["value"][1]
    )
    assert all(bar.get_x() >= 0 for bar in bars)
    assert said.split(".")[0] in figure.get_label()


def test_scenarios_and_needs_are_those_of_the_forecast(landed: Landed) -> None:
    row, named = landed.quarter.iloc[0], landed.scenarios.set_index("scenario")
    low, base, high = (named.loc[name, "value"] for name in ("low", "base", "high"))
    assert row["low"] < low < base < high < row["high"]
    assert (named.loc[["win_rate", "cycle", "key_deal"], "change"] < 0).all()
    rate = named.loc["win_rate", "from"]
    lost = 0.03 / rate * (row["from_open"] + row["from_new"])
    assert -named.loc["win_rate", "change"] == pytest.approx(lost, rel=0.02)
    assert named.loc["key_deal", "from"] == 104_690
    assert 0 < -named.loc["key_deal", "change"] < named.loc["key_deal", "from"]
    mean = 4_671_900 / 363
    assert row["deals_needed"] == np.ceil((row["target"] - low) / mean)


# Bad input

DAYS = pd.date_range("2024-01-02", "2026-06-30", freq="3D")


def made(**columns: Any) -> Dataset:
    """Deals that take twenty days, every second of them won, the last ones open."""
    closed = DAYS + pd.Timedelta(20, "D")
    status = np.where(np.arange(len(DAYS)) % 2 == 0, "won", "lost").astype(object)
    status[closed > pd.Timestamp("2026-06-30")] = "open"
    deals = pd.DataFrame({"deal_id": np.arange(len(DAYS)).astype(str), "created_at": DAYS})
    deals = deals.assign(**{"status": status, "closed_at": closed, "amount": 100.0, **columns})
    deals.loc[deals["status"] == "open", "closed_at"] = pd.NaT
    return kh.load(deals.dropna(axis=1, how="all"), {"as_of": "2026-06-30"})


def test_a_large_deal_takes_nothing_from_the_others() -> None:
    found = []
    for size in (100.0, 2_000.0, 20_000.0):
        landed = landing(made(amount=np.r_[np.full(len(DAYS) - 1, 100.0), size]))
        found.append(landed.scenarios.set_index("scenario")["value"])
    alike, large, huge = found
    assert min(large["low"], huge["low"]) > 0.8 * alike["low"]
    assert alike["base"] < large["base"] < huge["base"]
    assert huge["key_deal"] == pytest.approx(large["key_deal"], rel=0.01)
    gained = landed.scenarios.assign(change=landed.scenarios["change"].abs())
    assert wording.scenario_findings(gained, "en").empty  # what costs nothing


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"amount": np.nan}, "deals.amount"),
        ({"amount": -5.0}, "deals won with an amount"),
        ({"status": "open"}, "deals won with an amount"),
        ({"status": ["won"] * 4 + ["lost"] * (len(DAYS) - 4)}, "deals won with an amount"),
        (
            {"status": ["lost"] * (len(DAYS) - 40) + ["won"] * 4 + ["lost"] * 36},
            r"at least 5 .* \(here 4\)",
        ),
    ],
)
def test_what_is_missing_is_said(columns: dict[str, Any], reason: str) -> None:
    with pytest.raises(Unavailable, match=reason):
        landing(made(**columns))


def test_without_deals_there_is_no_landing() -> None:
    orders = pd.DataFrame({"order_id": ["1"], "order_date": ["2026-01-05"], "amount_net": [1.0]})
    with pytest.raises(Unavailable, match="deals"):
        landing(kh.load({"orders": orders}))
    with pytest.raises(Unavailable, match="deals won"):
        landing(made(), "amount > 1000000000")


def test_without_stages_or_target_the_quarter_still_lands() -> None:
    found = landing(made())
    row = found.quarter.iloc[0]
    assert (row["period"], row["booked"]) == ("2026Q3", 0)
    assert row["value"] == pytest.approx(1500, rel=0.15)
    assert row[["target", "chance", "deals_needed"]].isna().all()
    assert found.reliability.empty
    assert "no target is set" in wording.landing_findings(found.quarter, "en")["sentence"].iloc[0]
    assert found.scores["method"].tolist()[-2:] == ["linear", "seasonal"]
    charts.landing(found.quarter)


def test_a_young_company_has_no_past_to_learn_from() -> None:
    data = made().at("2024-05-31")
    found = landing(data)
    assert found.past.empty
    assert found.quarter["status"].iloc[0] == "indicative"
    assert wording.landing_findings(found.quarter, "fr")["sureness"].iloc[0] == 2
    assert len(wording.landing_scores_findings(found.scores, "en")) == 0
    assert found.quarter["booked"].iloc[0] > 0


def test_deals_of_one_lead_are_asked_again_for_each_day() -> None:
    """Its second deal is won later: what was known before must not say so."""
    day = "2025-03-31"
    leads = pd.DataFrame({"lead_id": ["a"], "created_at": pd.to_datetime(["2024-01-02"])})
    deals = made()["deals"][["deal_id", "created_at", "status", "closed_at", "amount"]]
    deals["lead_id"] = pd.Series(["a", "a"], index=[80, 150]).reindex(deals.index)
    tables = {"deals": deals, "leads": leads}
    known = truncated(tables, dt.date.fromisoformat(day))
    one, other = (
        landing(kh.load(frames, {"as_of": last})).past
        for frames, last in ((tables, "2025-06-30"), (known, day))
    )
    both = one.merge(other, on=["period", "part"])
    assert len(both) == 4
    for name in ("booked", "value", "series"):
        assert both[f"{name}_x"].to_numpy() == pytest.approx(both[f"{name}_y"].to_numpy())
