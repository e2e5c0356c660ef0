"""The effect of an action: worked figures, other libraries, a naive twin, and what is promised."""

import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import kpi_helpers as kh
from kpi_helpers.actions import effects, measured_on
from kpi_helpers.actions.judging import effect_of
from kpi_helpers.actions.series import to_measure
from kpi_helpers.actions.stepped import chosen_late, drifts, step, variance_of
from kpi_helpers.sources import Dataset

FILE = Path(__file__).parent / "data" / "worked_examples.json"
W22: dict[str, Any] = json.loads(FILE.read_text("utf-8"))["W22"]
CONFIG = {"as_of": "2026-06-30", "language": "en"}
GROUPS = {"A": (40, 200, 52, 200), "B": (66, 300, 69, 300)}  # W22's, before and after
RUNS = 40


def months(k: list[float], n: float, after: int, other: list[float] | None = None) -> pd.DataFrame:
    """Shares by month, of which the last ones come after the start."""
    first = pd.date_range("2024-01-01", periods=len(k) + 1, freq="MS")
    frame = pd.DataFrame({"start": first[:-1], "end": first[1:], "k": k, "n": n, "phase": 0})
    frame = frame.assign(value=frame["k"] / n, method="wilson")
    frame["after"] = np.arange(len(k)) >= len(k) - after
    if other is not None:
        frame = frame.assign(other_k=other, other_n=n, other=np.array(other) / n)
    return to_measure(frame)


def told(frame: pd.DataFrame, method: str, announced: float = 0.05) -> dict[str, Any]:
    row = {"announced": announced, "announced_relative": np.nan, "better": "higher"}
    return effect_of(frame, method, row)


def test_w22_two_groups_of_two_months() -> None:
    late, sides = np.array([False, True]), []
    for k0, n0, k1, n1 in GROUPS.values():
        k, n = np.array([k0, k1], float), np.array([n0, n1], float)
        sides.append((k / n, variance_of(k, n, late)))
    (treated, own), (control, other) = sides
    found = step(treated - control, late, own + other)
    assert found.effect == pytest.approx(W22["did"])
    assert found.error == pytest.approx(W22["se"])
    assert [found.low, found.high] == pytest.approx([-0.056, 0.156], abs=5e-4)
    assert found.p_value == pytest.approx(0.355, abs=5e-4)


def test_w22_an_interrupted_series() -> None:
    y, its = np.array(W22["its"]["y"], float), W22["its"]
    late = np.arange(len(y)) >= 4
    found = step(y, late, trend=True)
    assert [found.effect, found.slope] == pytest.approx([its["level"], its["slope"]], abs=1e-9)
    assert step(y, late).effect == pytest.approx(its["naive"])  # what it would be without a trend


@given(st.integers(0, 2**32 - 1), st.booleans(), st.booleans())
def test_the_regression_is_that_of_statsmodels(seed: int, trend: bool, known: bool) -> None:
    from statsmodels.api import WLS

    rng = np.random.default_rng(seed)
    y, late, time = rng.normal(size=16), np.arange(16) >= 11, np.arange(16.0)
    variance = rng.uniform(0.5, 2.0, 16) if known else None
    columns = [np.ones(16), late, time, late * (time - 13)] if trend else [np.ones(16), late]
    weights = 1 / variance if variance is not None else 1.0
    fitted = WLS(y, np.column_stack(columns).astype(float), weights=weights).fit()
    found = step(y, late, variance, trend)
    assert found.effect == pytest.approx(fitted.params[1])
    if variance is None or fitted.scale > 1:  # else the cases tell the error
        assert found.error == pytest.approx(fitted.bse[1])
        assert [found.low, found.high] == pytest.approx(fitted.conf_int()[1].tolist())
        assert found.p_value == pytest.approx(fitted.pvalues[1], abs=1e-12)
    else:
        assert found.error == pytest.approx(fitted.bse[1] / np.sqrt(fitted.scale))


@pytest.mark.filterwarnings("ignore:The Identity link function")
def test_two_groups_agree_with_a_binomial_model() -> None:
    """GLM with identity link, the months as factors, and the interaction of group and time."""
    from statsmodels.genmod.families import Binomial
    from statsmodels.genmod.families.links import Identity
    from statsmodels.genmod.generalized_linear_model import GLM

    rng = np.random.default_rng(4)
    rate = np.where(np.arange(18) < 12, 0.25, 0.30)
    k = rng.binomial(300, rate).astype(float)
    other = rng.binomial(300, 0.25, 18).astype(float)
    found = told(months(k.tolist(), 300.0, 6, other.tolist()), "two_groups")
    month = np.tile(np.eye(18), (2, 1))
    treated = np.repeat([1.0, 0.0], 18)
    both = treated * np.tile(np.arange(18) >= 12, 2)
    fitted = GLM(
        np.concatenate([k, other]) / 300,
        np.column_stack([month, treated, both]),
        family=Binomial(link=Identity()),
        var_weights=np.full(36, 300.0),
    ).fit()
    assert found["effect"] == pytest.approx(fitted.params[-1], abs=0.1 * fitted.bse[-1])
    scale = max(1.0, fitted.pearson_chi2 / fitted.df_resid)
    error = (found["high"] - found["low"]) / 2 / 1.96
    assert error == pytest.approx(fitted.bse[-1] * np.sqrt(scale), rel=0.15)


@given(st.integers(0, 2**32 - 1))
def test_a_naive_twin_finds_the_same_difference(seed: int) -> None:
    rng = np.random.default_rng(seed)
    k, other = (rng.integers(20, 80, 14).astype(float).tolist() for _ in range(2))
    found = told(months(k, 200.0, 5, other), "two_groups")
    worst = k[8] in (min(k[:9]), max(k[:9]))
    if worst and found["late_start"]:
        k, other = k[:8] + k[9:], other[:8] + other[9:]
    means = [sum(row[:-5]) / 200 / (len(row) - 5) for row in (k, other)]
    late = [sum(row[-5:]) / 200 / 5 for row in (k, other)]
    assert found["effect"] == pytest.approx(late[0] - means[0] - late[1] + means[1], abs=1e-9)
    assert found["without"] == pytest.approx(found["after"] - found["effect"])


def test_shared_seasons_do_not_hide_an_effect() -> None:
    season = 20 * np.sin(np.arange(18))
    k, other = 60 + season + 15 * (np.arange(18) >= 12), 60 + season
    assert told(months(k.tolist(), 200.0, 6, other.tolist()), "two_groups")["verdict"] == (
        "established"
    )
    alone = told(months(k.tolist(), 200.0, 6), "series")
    assert alone["verdict"] == "not_conclusive"


def test_a_start_after_the_worst_month_does_not_count_it() -> None:
    k = [50.0, 51, 49, 50, 51, 49, 50, 51, 49, 50, 51, 20, 50, 51, 50, 51]
    found = told(months(k, 200.0, 4), "series")
    assert found["late_start"]
    assert found["effect"] == pytest.approx(0.0025, abs=0.001)
    late = np.arange(16) >= 12
    assert not chosen_late(np.array(k), late, effect=-1.0)


def test_groups_that_drifted_apart_before_are_not_conclusive() -> None:
    k = [60.0 + 3 * month for month in range(16)]
    found = told(months(k, 200.0, 4, [60.0] * 16), "two_groups")
    assert found["low"] > 0
    assert (found["verdict"], found["reason"]) == ("not_conclusive", "apart")


def test_a_series_that_jumps_without_a_cause_is_not_believed() -> None:
    """Eight months earlier the same test finds an effect too: other things move the figure."""
    k = np.repeat([120.0, 60.0, 160.0], [16, 8, 4])
    found = told(months(k.tolist(), 400.0, 4), "series")
    assert found["low"] > 0
    assert (found["placebos"], found["placebos_found"]) == (3, 1)
    assert (found["verdict"], found["reason"]) == ("not_conclusive", "placebo")


def test_one_month_is_held_against_the_usual_variation() -> None:
    steady = [50.0, 51, 49, 50, 51, 49, 50, 51, 49, 50, 51, 49]
    assert told(months([*steady, 80.0], 200.0, 1), "control_chart")["verdict"] == "established"
    assert told(months([*steady, 51.0], 200.0, 1), "control_chart")["verdict"] == "not_conclusive"


def test_a_trend_needs_points() -> None:
    assert not drifts(np.array([1.0, 2.0, 3.0]))
    assert drifts(np.arange(6.0) + np.array([0.1, 0, 0.1, 0, 0.1, 0]))


# --- From tables --------------------------------------------------------------------------------


def register(**change: Any) -> dict[str, Any]:
    usual = {"action_id": "T", "kpi_id": "win_rate_count", "root_cause": "?", "action": "train"}
    usual |= {"owner": "Ann", "created_at": "2025-12-20", "start_date": "2026-01-01"}
    usual |= {"due_date": "2026-01-31", "expected_effect": 20.0, "expected_unit": "points"}
    usual |= {"expected_by": "2026-03-31", "status": "done"}
    usual |= {"population": "segment == 'A'", "control_group": "segment == 'B'"}
    return {**usual, **change}


def company(*actions: dict[str, Any]) -> Dataset:
    """Two groups of deals closed in five days: A wins 20 points more often from 2026 on."""
    rows = []
    for number, month in enumerate(pd.date_range("2024-10-01", "2026-06-01", freq="MS")):
        for who in "AB":
            won = 12 + 4 * (number % 2) + 8 * (who == "A" and month.year == 2026)
            rows += [(who, month, place < won) for place in range(40)]
    deals = pd.DataFrame(rows, columns=["segment", "created_at", "won"])
    deals["deal_id"] = [str(number) for number in range(len(deals))]
    deals["closed_at"] = deals["created_at"] + pd.Timedelta(days=5)
    deals["status"] = np.where(deals.pop("won"), "won", "lost")
    return kh.load({"deals": deals, "actions": pd.DataFrame(actions)}, CONFIG)


def test_the_effect_of_a_group_is_measured_from_the_tables() -> None:
    (found,) = effects(company(register())).to_dict("records")
    assert (found["method"], found["verdict"], found["agreed"]) == (
        "two_groups",
        "established",
        "yes",
    )
    assert found["effect"] == pytest.approx(0.20)
    assert found["relative"] == pytest.approx(0.20 / found["without"])
    assert found["washout"] == 5  # the median cycle
    assert found["months_after"] == 5  # January holds days of the washout
    points = measured_on(effects(company(register())), company(register()))
    assert points is not None
    assert (points["value"] - points["without"])[points["after"]].tolist() == pytest.approx(
        [0.20] * 5
    )


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"kpi_id": "charm"}, "no_kpi"),
        ({"due_date": "2025-12-01"}, "ends_first"),
        ({"start_date": "2026-09-01", "due_date": "2026-10-01"}, "not_started"),
        ({"status": "dropped"}, "dropped"),
        ({"population": "segment == 'Z'"}, "no_group"),
        ({"population": "segment ==== 'A'"}, "no_group"),
        ({"control_group": "planet == 'Mars'"}, "no_group"),
        ({"start_date": "2026-06-25", "due_date": "2026-07-01"}, "too_early"),
        ({"start_date": "2024-11-01", "control_group": None}, "few_months"),
        ({"kpi_id": "open_deals"}, "stock"),
        ({"kpi_id": "nps"}, "no_figure"),
    ],
)
def test_what_cannot_be_measured_says_why(change: dict[str, Any], reason: str) -> None:
    data = company(register(**change), register(action_id="U"))
    found = effects(data).set_index("action_id")
    assert found.loc["T", ["verdict", "reason"]].tolist() == ["not_measurable", reason]
    assert (found.loc["T", "note"] != "") == (reason == "no_group")
    assert found.loc["U", "verdict"] == "established"  # a bad row does not stop the others
    assert np.isnan(found.loc["T", "effect"])


def test_an_expected_effect_without_a_unit_is_flagged() -> None:
    (found,) = effects(company(register(expected_unit=None))).to_dict("records")
    assert (found["flag"], found["agreed"]) == ("no_unit", "")
    assert found["verdict"] == "established"


@pytest.mark.parametrize(
    ("said", "unit", "points"),
    [
        *((20.0, "points", 0.2), (0.2, "points", 0.2), (0.5, "relative", None), (0.2, "%", None)),
        *((20.0, "%", None), (20.0, "Percent", None)),
    ],
)
def test_an_announced_effect_is_read_in_its_unit(said: float, unit: str, points: Any) -> None:
    data = company(register(expected_effect=said, expected_unit=unit))
    (found,) = effects(data).to_dict("records")
    share = said / 100 if said > 1 else said
    expected = points if points is not None else share * found["without"]
    assert found["announced"] == pytest.approx(expected)


def test_actions_on_one_kpi_at_one_time_are_named() -> None:
    data = company(
        register(), register(action_id="U", start_date="2026-02-01", due_date="2026-03-01")
    )
    assert effects(data)["beside"].tolist() == ["U", "T"]


def test_the_training_is_established_and_the_landing_page_is_not(sample: Dataset) -> None:
    found = effects(sample).set_index("action_id")
    training, page = found.loc["ACT-01"], found.loc["ACT-02"]
    assert (training["method"], training["verdict"]) == ("two_groups", "established")
    assert training["low"] < 0.077 < training["high"]
    assert training["agreed"] == "yes"
    assert (training["placebos"], training["placebos_found"]) == (3, 0)
    assert (page["verdict"], page["method"]) == ("not_conclusive", "series")
    assert page["low"] < 0 < page["high"]
    assert found.loc["ACT-03", "reason"] == "not_started"
    figure = kh.measure(sample, "action_effect", "2026Q1").iloc[0]  # the KPI, of equal spans
    assert training["low"] < figure["value"] / 100 < training["high"]
    assert figure["low"] / 100 < training["effect"] < figure["high"] / 100


@pytest.fixture(scope="module")
def sample() -> Dataset:
    return kh.load("data/sample")


@pytest.fixture(scope="module")
def bench() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parents[1] / "benchmarks"))
        yield importlib.import_module("effects")


def test_promises_hold(bench: ModuleType) -> None:
    """``benchmarks/effects.py`` prints it in full."""
    for case in bench.CASES:
        established, held = bench.ran(case, RUNS, seed=1)
        assert bench.holds(established, case.established, RUNS), case
        assert bench.holds(held, case.cover, RUNS), case
