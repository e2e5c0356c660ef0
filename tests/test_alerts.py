"""Weak signals and alerts: the rule behind them, loops, hand-made companies, the sample."""

import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from naive import TRUTHS
from scipy import stats

import kpi_helpers as kh
from kpi_helpers import alerts, reports, sheets, wording
from kpi_helpers.cli import main
from kpi_helpers.compare import through
from kpi_helpers.control.limits import ALL, CHANCE, ONE, RECENT, WEIGHT, limits, recent
from kpi_helpers.errors import BadPeriod, Unavailable, UnknownName
from kpi_helpers.reports.tables import alerts_told, read_csv, write_csv
from kpi_helpers.sources import Dataset

# --- The rule: in short; ``benchmarks/alerts.py`` prints it in full -------------------------------


@pytest.fixture(scope="module")
def bench() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parents[1] / "benchmarks"))
        yield importlib.import_module("alerts")


def far_by_a_loop(far: list[float], size: int) -> list[bool]:
    """Whether the mean of the latest months, by hand, is beyond the limit of a baseline."""
    first, found = far[:size], []
    error = stats.tstd(first) * np.sqrt(WEIGHT / (2 - WEIGHT) + 1 / size)
    for last in range(len(far)):
        weights = [(1 - WEIGHT) ** (last - month) for month in range(last + 1)]
        mean = sum(w * x for w, x in zip(weights, far, strict=False)) / sum(weights)
        found.append(abs(mean) > stats.t.ppf(1 - CHANCE / 2, size - 1) * error)
    return found


@pytest.mark.parametrize("seed", range(4))
def test_the_latest_months_by_a_loop(seed: int) -> None:
    rng = np.random.default_rng(seed)
    far = rng.normal(0, 0.3, 36) + np.where(np.arange(36) < 28, 0, 0.4)
    far[::2], far[1::2] = far[::2] + 0.2, far[1::2] - 0.2  # nothing that goes along
    assert recent(pd.Series(far), 24).tolist() == far_by_a_loop(far.tolist(), 24)


def test_months_that_go_along_have_wider_limits() -> None:
    slow = np.sin(np.arange(24) / 3)
    slow = slow - slow.mean()
    shuffled = np.random.default_rng(1).permutation(slow)
    higher = np.full(12, 1.4)
    ends = [recent(pd.Series([*first, *higher]), 24)[-1] for first in (slow, shuffled)]
    assert ends == [False, True]


def test_a_baseline_without_variation_judges_nothing() -> None:
    starts = pd.date_range("2022-01-01", periods=30, freq="MS")
    frame = pd.DataFrame({"kpi": "one", "start": starts, "method": "exact", "value": 5.0})
    frame["period"] = starts.strftime("%Y-%m")
    assert not limits(frame, RECENT)["signal"].any()


@pytest.mark.parametrize("what", ["amounts", "shares that vary more", "counts with a season"])
def test_where_nothing_changes_few_months_are_signals(bench: ModuleType, what: str) -> None:
    draw = bench.unusual.STEADY[what]
    row = bench.quiet(f"{what}, {bench.SIDE}", draw, RECENT, 80, 5, bench.MOST_ALARMS)
    assert row.verdict == "holds", bench.line(row)


@pytest.mark.parametrize(("size", "within", "often"), [(1.5, 8, 0.8), (3.0, 2, 0.9)])
def test_a_change_that_lasts_is_seen_in_time(
    bench: ModuleType, size: float, within: int, often: float
) -> None:
    row = bench.seen(size, within, RECENT, bench.BASELINE, 80, 5)
    assert (row.least, row.verdict) == (often, "holds"), bench.line(row)
    others = [bench.seen(size, within, rules, bench.BASELINE, 80, 5) for rules in (ONE, ALL)]
    assert min(other.found for other in others) < row.found


@pytest.mark.thorough
def test_a_company_that_stays_the_same_is_rarely_in_alert(bench: ModuleType) -> None:
    """One of the companies that the benchmark draws: the rates that are told are not far off."""
    rates = bench.company(np.random.default_rng(1), 1.0).groupby("rule")["on"].mean()
    for rule, told in alerts.FALSE_ALARMS.items():
        assert rates[rule] <= told + 0.05, rule


# --- Several periods at once ----------------------------------------------------------------------


@pytest.mark.parametrize("by", [(), ("team",)])
def test_several_periods_are_compared_as_each_by_itself(
    sample: Dataset, by: tuple[str, ...]
) -> None:
    kpis, calendar = ["bookings", "win_rate_count", "sales_cycle_duration"], sample.config.calendar
    names = ["2025Q4", "2026Q1", "2026-05"]
    found = through(sample, kpis, [calendar.parse(name) for name in names], "year_ago", by)
    for name in names:
        one = kh.compare(sample, kpis, name, "year_ago", by)
        rows = found[found["period"] == name].reset_index(drop=True)
        pd.testing.assert_frame_equal(rows[list(one)], one)


# --- Companies made by hand -----------------------------------------------------------------------


def company(levels: dict[str, float], target: float, **more: Any) -> Dataset:
    """Four years of orders, 100,000 a month but from these months on, with quarterly targets."""
    rng = np.random.default_rng(7)
    starts = pd.date_range("2022-01-01", "2025-12-01", freq="MS")
    level = pd.Series(100_000.0, starts)
    for month, amount in levels.items():
        level[level.index >= month] = amount
    totals = level * rng.normal(1, 0.04, len(level))
    days = [start + pd.Timedelta(days=day) for start in starts for day in range(1, 21)]
    orders = pd.DataFrame({"order_date": days, "amount_net": np.repeat(totals.to_numpy() / 20, 20)})
    orders = orders.assign(order_id=orders.index.astype(str), customer_id="1")
    quarters = [f"{year}Q{quarter}" for year in range(2022, 2026) for quarter in range(1, 5)]
    aims = [{"metric": "revenue", "period": name, "value": 3 * target} for name in quarters]
    settings = {"schema": 1, "language": "en", "as_of": "2025-12-31", "targets": aims}
    return kh.load({"orders": orders}, settings | more)


def of(data: Dataset, period: str) -> pd.DataFrame:
    return alerts.raised(data, period, ["revenue"])


def test_an_alert_needs_a_missed_target_and_something_unusual() -> None:
    fall = {"2025-05": 70_000.0}
    assert of(company(fall, 95_000), "2025Q3")["rule"].tolist() == ["missed"]
    assert of(company(fall, 60_000), "2025Q3").empty  # unusual, but the target is met
    assert of(company({}, 150_000), "2025Q3").empty  # missed, but as ever
    assert of(company({"2025-05": 130_000.0}, 150_000), "2025Q3").empty  # unusual for the better


def test_one_alert_from_quarter_to_quarter_until_it_is_over() -> None:
    data = company({"2025-02": 70_000.0, "2025-07": 101_000.0}, 95_000)
    found = {
        period: of(data, period) for period in ("2024Q4", "2025Q1", "2025Q2", "2025Q3", "2025Q4")
    }
    seen = {period: rows["status"].tolist() for period, rows in found.items()}
    assert seen == {
        "2024Q4": [],
        "2025Q1": ["new"],
        "2025Q2": ["continuing"],
        "2025Q3": ["ended"],
        "2025Q4": [],
    }
    told = pd.concat(found.values())
    assert told["id"].unique().tolist() == [told["id"].iloc[0]]
    assert set(told["first"]) == {"2025-02-01"}
    assert found["2025Q3"]["last"].tolist() == ["2025-06-30"]


def test_a_month_of_a_running_quarter_has_its_alert_where_it_has_its_target() -> None:
    names = [f"2025-{month:02}" for month in range(1, 13)]
    aims = [{"metric": "revenue", "period": name, "value": 95_000} for name in names]
    data = company({"2025-05": 60_000.0}, 0, targets=aims)
    assert of(data, "2025-05")["status"].tolist() == ["new"]
    assert of(data, "2025-06")["status"].tolist() == ["continuing"]
    assert of(data, "2025-04").empty


def test_what_is_told_of_an_alert() -> None:
    data = company({"2025-05": 70_000.0}, 95_000, owners={"revenue": "Ann"})
    (row,) = of(data, "2025Q3").to_dict("records")
    quarter = kh.measure(data, "revenue", "2025Q3").iloc[0]
    assert (row["owner"], row["period"], row["value"]) == ("Ann", "2025Q3", quarter["value"])
    assert row["money_at_stake"] == pytest.approx(285_000 - quarter["value"])
    assert row["unusual"] == "signal"
    for lang, said in (("en", "Answers for it: Ann."), ("fr", "Responsable\u00a0: Ann.")):
        told = wording.alert_findings(pd.DataFrame([row]), lang)
        assert said in told["sentence"].iloc[0]
        assert told["money_at_stake"].iloc[0] == row["money_at_stake"]
        assert not wording.banned(" ".join(told["sentence"]), lang)
        assert "Ann" in sheets.alerts(pd.DataFrame([row]), lang).as_raw_html()
    nobody = wording.alert_findings(pd.DataFrame([row | {"owner": ""}]), "en")["sentence"].iloc[0]
    assert nobody.endswith("Nobody is named to answer for it.")


def test_a_forecast_that_gives_a_target_little_chance_is_an_alert() -> None:
    chances = pd.DataFrame({"kpi": ["revenue", "bookings"], "chance": [0.38, 0.6]})
    found = alerts.raised(company({}, 90_000), "2025Q4", ["revenue"], chances=chances)
    assert found[["kpi", "rule", "status"]].values.tolist() == [["revenue", "chance", "new"]]
    said = wording.alert_findings(found, "en")["sentence"].iloc[0]
    assert "about 4 chances in 10 of reaching the target" in said


def test_what_runs_ahead_and_falls_is_an_alert_without_a_target() -> None:
    days = pd.date_range("2023-01-01", "2025-12-31", freq="D")
    quarter = days.to_period("Q").astype(str)
    kept = days.repeat(np.select([quarter < "2025Q1", quarter == "2025Q1"], [4, 5], 3))
    leads = pd.DataFrame({"created_at": kept, "lead_id": range(len(kept)), "source": "web"})
    data = kh.load({"leads": leads}, {"schema": 1})
    found = alerts.raised(data, "2025Q3", ["leads_generated"])
    assert found[["kpi", "rule", "first"]].values.tolist() == [
        ["leads_generated", "falling", "2025-07-01"]
    ]
    with pytest.raises(Unavailable, match="targets"):  # one quarter alone is none
        alerts.raised(data, "2025Q2", ["leads_generated"])


def test_bad_input_says_what_is_wrong() -> None:
    data = company({}, 95_000)
    with pytest.raises(UnknownName, match="revenue"):
        alerts.raised(data, "2025Q3", ["revenu"])
    with pytest.raises(BadPeriod, match="2031"):
        alerts.raised(data, "2031Q1")
    with pytest.raises(UnknownName, match="dimension"):
        alerts.raised(data, "2025Q3", ["revenue"], by="planet")
    young = data.at("2022-02-15")
    with pytest.raises(Unavailable, match="twelve whole months"):
        alerts.signals(young, "2022-01", ["revenue"])
    with pytest.raises(Unavailable, match="over"):
        alerts.raised(data.at("2022-01-20"), "2022-01", ["revenue"])


# --- The sample company ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def weak(sample: Dataset) -> pd.DataFrame:
    return alerts.signals(sample, "2026Q3", reports.chosen(sample, [], "2026Q3"))


@pytest.fixture(scope="module")
def then(sample: Dataset) -> Dataset:
    return sample.at("2025-12-31")


def worse(found: pd.DataFrame, kpi: str) -> pd.DataFrame:
    return found[(found["kpi"] == kpi) & (found["verdict"] == "worse")]


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("kpi", "kind"),
    [
        ("lead_qualification_rate", "months"),
        ("lead_to_customer_rate", "months"),
        ("customer_retention_rate", "months"),
        ("revenue_per_customer", "months"),
        ("nps", "change"),
    ],
)
def test_found_what_was_planted(weak: pd.DataFrame, kpi: str, kind: str) -> None:
    assert worse(weak, kpi)["kind"].tolist() == [kind]


def test_found_since_when_qualification_falls(then: Dataset) -> None:
    found = alerts.signals(then, "2025Q4", ["lead_qualification_rate"])
    (since,) = found.loc[found["kind"] == "months", "since"]
    assert since == TRUTHS["bottleneck"]["from"]
    segments = found[found["kind"] == "segment"]
    assert (segments["verdict"] == "worse").all()
    assert (segments["p_adjusted"] <= 0.1).all()
    assert (segments["n"] >= 30).all()
    assert len(segments) == 2


def test_found_the_team_that_was_trained(weak: pd.DataFrame) -> None:
    better = weak[(weak["kind"] == "segment") & (weak["verdict"] == "better")]
    assert set(better["scope"]) == {TRUTHS["cure"]["team"]}


def test_found_slippage_and_the_pipeline_that_shrinks(then: Dataset) -> None:
    found = alerts.raised(then, "2025Q4", ["bookings", "revenue", "new_customers"])
    assert {"pipeline_created", "bookings", "new_customers"} <= set(found["kpi"])
    assert (found["status"] != "ended").sum() == len(found)


def test_silent_the_win_rate_visits_and_reps(sample: Dataset, weak: pd.DataFrame) -> None:
    assert not {"win_rate_count", "win_rate_value", "site_visits"} & set(weak["kpi"])
    found = alerts.raised(sample, "2026Q3", ["win_rate_count", "site_visits", "new_customers"])
    assert found["kpi"].tolist() == ["new_customers"]


def test_the_contribution_of_a_segment_by_hand(then: Dataset) -> None:
    found = alerts.signals(then, "2025Q4", ["lead_qualification_rate"], by="team")
    now, before = (
        kh.measure(then, "lead_qualification_rate", quarter, "team").set_index("team")
        for quarter in ("2025Q4", "2024Q4")
    )
    for row in found[found["kind"] == "segment"].itertuples():
        weights = [side["n"][row.scope] / side["n"].sum() for side in (now, before)]
        change = now["value"][row.scope] - before["value"][row.scope]
        assert row.contribution == pytest.approx(change * sum(weights) / 2)


# --- The command ----------------------------------------------------------------------------------


@pytest.mark.thorough
def test_the_command_ends_with_three(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["alerts", "--period", "2026Q3", "--lang", "fr"]) == 3
    said = capsys.readouterr().out
    assert "Nouveaux clients T3 2026" in said
    assert "Commandes signées T4 2026" in said
    assert main(["alerts", "--period", "2031Q1", "--lang", "fr"]) == 2


@pytest.mark.thorough
def test_the_command_tells_json_as_a_pack_does(
    sample: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["alerts", "--period", "2026Q2", "--json"]) == 0  # all of them are over
    said = json.loads(capsys.readouterr().out)
    found = alerts.raised(sample, "2026Q2", reports.chosen(sample, [], "2026Q2"))
    write_csv(found, tmp_path / "alerts.csv")
    assert alerts_told(read_csv(tmp_path / "alerts.csv")) == said
    assert {row["status"] for row in said["alerts"]} == {"ended"}
    assert said["false_alarms"] == alerts.FALSE_ALARMS
