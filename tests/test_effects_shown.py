"""What is said and shown of actions: the sample company in both languages, and odd registers."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from packs import SAMPLE

import kpi_helpers as kh
from kpi_helpers import actions, charts, forecasting, sheets, wording
from kpi_helpers.actions import recorded
from kpi_helpers.actions.priorities import CAUSES, library
from kpi_helpers.catalogue import find
from kpi_helpers.charts import alt
from kpi_helpers.cli import main
from kpi_helpers.compare.stake import stake_range
from kpi_helpers.errors import Unavailable
from kpi_helpers.language import texts
from kpi_helpers.reports import places
from kpi_helpers.sources import Dataset, forecast_log
from kpi_helpers.units import PERCENT, write_change

LANGUAGES = ("fr", "en")
NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "05_action_plan.ipynb"
CONFIG = {"as_of": "2026-06-30", "language": "en"}


@pytest.fixture(scope="module")
def found(sample: Dataset) -> pd.DataFrame:
    return actions.effects(sample)


def plain(said: str) -> str:
    return said.replace("\u00a0", " ").replace("\u202f", " ")


def test_the_training_is_told_with_its_numbers(found: pd.DataFrame) -> None:
    row = found.set_index("action_id").loc["ACT-01"]
    told = wording.effects_findings(found, "fr").iloc[0]
    assert told["sureness"] == 0
    effect = write_change(row["effect"], PERCENT, "fr")
    said = plain(told["sentence"])
    assert said.startswith(
        f"« Former l’équipe A à la qualification » : {plain(effect)} par rapport"
    )
    assert f"soit environ +{100 * row['relative']:.0f} %" in said
    assert said.endswith("l’effet annoncé était +30 %. Effet confirmé.")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_landing_page_is_not_shown(found: pd.DataFrame, lang: str) -> None:
    told = wording.effects_findings(found, lang)
    assert told["sureness"].tolist() == [0, 1]  # what has not started is not told
    said = plain(told.loc[1, "sentence"])
    assert ("Pas d’effet démontré" if lang == "fr" else "No effect shown") in said


@pytest.mark.parametrize("lang", LANGUAGES)
def test_nothing_said_is_of_the_method(found: pd.DataFrame, lang: str) -> None:
    block = [said for key, said in texts(lang).items() if key.startswith("effects.")]
    assert not [word for said in block for word in wording.banned(str(said), lang)]
    for told in (wording.effects_findings, wording.register_findings):
        for said in told(found, lang)["sentence"]:
            assert not wording.banned(said, lang)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_table_is_written(sample: Dataset, found: pd.DataFrame, lang: str) -> None:
    tables = {
        "decided": actions.decided(sample, found),
        "effects": found,
        "register": found,
        "adapted": actions.adapted(sample),
        "revised": actions.revised(sample, "2026Q3"),
        "priorities": actions.ranked(sample, "2026Q3", None, found),
        "causes": actions.checklist(),
        "pages": actions.page(found, "management"),
    }
    for name, frame in tables.items():
        html = sheets.actions(frame, name, lang).as_raw_html()
        assert not re.search(r">(nan|NaT|None|inf|[a-z]+_[a-z_]+)<", html), name
        assert "effects." not in html


def test_text_of_a_register_stays_text(found: pd.DataFrame) -> None:
    odd = found.assign(action="<b>$x$</b>\u202e")
    assert "<b>" not in sheets.actions(odd, "effects", "en").as_raw_html()
    assert "\u202e" not in wording.effects_findings(odd, "en")["sentence"].str.cat()


def test_the_chart_shows_the_way_it_would_have_gone(sample: Dataset, found: pd.DataFrame) -> None:
    months = actions.measured_on(found, sample)
    assert months is not None
    figure = charts.effect_line(months, found, lang="en")
    assert "Effect confirmed" in alt(figure)
    late = months["after"]
    gap = np.average((months["value"] - months["without"])[late], weights=months["n"][late])
    assert gap == pytest.approx(found.loc[0, "effect"], abs=0.01)
    drawn = [line.get_ydata() for line in figure.axes[0].lines if line.get_gid() == "without"]
    assert np.concatenate(drawn).tolist() == pytest.approx(months["without"][late].tolist())


def test_a_definition_that_changed_cuts_the_line(sample: Dataset) -> None:
    adapted = actions.adapted(sample)
    assert adapted["period"].tolist() == ["2024Q2", "2024Q3", "2024Q4", "2025Q1"]
    assert adapted["definition"].nunique() == 2
    assert adapted["by_old"].notna().tolist() == [True, True, False, False]  # it is in words
    assert adapted["by_new"].notna().tolist() == [False, False, True, True]
    assert adapted["why"].str.contains("kpi.toml").all()
    figure = charts.adapted_line(adapted, lang="en")
    assert [line.get_gid() for line in figure.axes[0].lines].count("break") == 1


def test_definitions_that_can_be_computed_are_shown_both_ways() -> None:
    """Of ten leads a month four convert, half of these within 10 days and half after 60."""
    days = pd.date_range("2025-01-01", "2025-12-01", freq="MS").repeat(10)
    leads = pd.DataFrame({"created_at": days, "lead_id": [str(n) for n in range(len(days))]})
    leads["source"] = ["web", "fair"] * (len(days) // 2)
    late = pd.Series([10, 60, 10, 60, *[None] * 6] * 12, dtype=float)
    leads["converted_at"] = leads["created_at"] + pd.to_timedelta(late, unit="D")
    leads["status"] = np.where(late.notna(), "converted", "open")
    change = {"date": ["2025-07-01"], "kpi_id": ["lead_to_customer_rate"], "reason": ["?"]}
    change |= {"old_definition": ["windows.lead_to_customer_rate = 90"]}

    def found(new: str) -> pd.DataFrame:
        log = pd.DataFrame(change | {"new_definition": [new]})
        return actions.adapted(kh.load({"leads": leads, "kpi_log": log}, CONFIG))

    shorter = found("windows.lead_to_customer_rate = 30")
    assert shorter["period"].tolist() == ["2025Q1", "2025Q2", "2025Q3", "2025Q4"]
    assert shorter["by_old"].tolist() == pytest.approx([0.4] * 4)
    assert shorter["by_new"].tolist() == pytest.approx([0.2] * 4)
    assert shorter["value"].tolist() == pytest.approx([0.4, 0.4, 0.2, 0.2])  # what held
    assert shorter["why"].eq("").all()
    fewer = found("windows.lead_to_customer_rate = 90\nwhere = \"source == 'web'\"")
    assert fewer["by_new"].tolist() == pytest.approx([0.4] * 4)
    assert fewer["n"].tolist() == [30, 30, 15, 15]
    html = sheets.actions(shorter, "adapted", "en").as_raw_html()
    assert html.count("40.0%") == html.count("20.0%") == 4
    for new in ("windows.lead_to_customer_rat = 30", 'currency = "USD"', "where = 'moon > 1'", ""):
        bad = found(new)
        assert bad["why"].ne("").all(), new
        assert bad["by_old"].notna().sum() == bad["by_new"].notna().sum() == 2


def test_what_was_decided_stands_beside_what_happened(sample: Dataset, found: pd.DataFrame) -> None:
    decided = actions.decided(sample, found)
    assert decided["kind"].tolist() == ["action", "action", "definition"]
    assert decided["outcome"].tolist() == ["not_conclusive", "established", "adapted"]
    assert decided["date"].is_monotonic_decreasing


def test_a_forecast_that_is_over_stands_beside_what_came(tmp_path: Path) -> None:
    orders = {"order_id": list("abc"), "order_date": ["2026-01-05", "2026-02-05", "2026-06-29"]}
    orders |= {"customer_id": list("abc"), "amount_net": [60.0, 60.0, 7.0]}
    said = {"metric": ["revenue"] * 3, "made_at": ["2025-12-01", "2025-12-31", "2026-05-01"]}
    said |= {"period_start": ["2026-01-01", "2026-01-01", "2026-07-01"]}
    said |= {"period_end": ["2026-03-31", "2026-03-31", "2026-09-30"], "value": [500.0, 90.0, 9.0]}
    log = pd.DataFrame(said | {"low": [400.0, 80.0, 1.0], "high": [600.0, 100.0, 20.0]})
    data = kh.load({"orders": pd.DataFrame(orders), "forecasts": log}, CONFIG)
    told = forecast_log.forecasts(data)
    (row,) = actions.decided(data, None, forecasting.due(data, told)).to_dict("records")
    assert (row["announced"], row["value"], row["outcome"]) == (90.0, 120.0, "low")  # the last said
    # What a report told too stands in the source and in its log: once is enough.
    file = tmp_path / forecast_log.FILE
    version = find("revenue").version
    forecast_log.add(file, told.assign(definition=version, horizon="quarter+1", method=""), data)
    both = actions.decided(data, None, forecasting.due(data, forecast_log.forecasts(data, file)))
    assert both["announced"].tolist() == [90.0]
    html = sheets.actions(both, "decided", "en").as_raw_html()
    for said in ("Forecast: Q1 2026", "€90", "€120", "Forecast too low"):
        assert said in html


def test_what_was_decided_is_summed_up(sample: Dataset, found: pd.DataFrame) -> None:
    (told,) = wording.decided_findings(actions.decided(sample, found), "en")["sentence"]
    assert told.startswith("The 2 actions begun within the year: 2 done (2 on time), 0 late; of 2")
    then = sample.at("2025-06-30")  # no action yet, and the definition changed within the year
    (told,) = wording.decided_findings(actions.decided(then), "en")["sentence"]
    assert told.startswith("Leads qualifiés (SQL): another definition since 1 October 2024")


def test_without_registers_one_line_says_why() -> None:
    orders = {"order_id": ["a"], "order_date": ["2026-01-05"], "customer_id": ["a"]}
    data = kh.load({"orders": pd.DataFrame(orders | {"amount_net": [60.0]})}, CONFIG)
    for asked in (actions.effects, actions.decided, actions.adapted, actions.revised):
        with pytest.raises(Unavailable):
            asked(data)


def test_a_basket_that_changed_asks_for_another_target() -> None:
    def quarter(year: int, amount: float) -> list[dict[str, Any]]:
        days = pd.date_range(f"{year}-01-02", f"{year}-03-30")
        return [
            {"order_date": day, "amount_net": amount * (1 + (day.day % 3) / 50)} for day in days
        ]

    orders = pd.DataFrame(quarter(2025, 100.0) + quarter(2026, 80.0))
    orders = orders.assign(order_id=orders.index.astype(str), customer_id=orders.index.astype(str))
    target = {"metric": "revenue", "period_start": "2026-01-01", "period_end": "2026-03-31"}
    targets = pd.DataFrame([target | {"scope_type": "company", "value": 9000.0}])
    data = kh.load({"orders": orders, "targets": targets}, CONFIG)
    (row,) = actions.revised(data, "2026Q1").to_dict("records")
    assert row["needed"] * row["value"] == pytest.approx(9000.0)
    assert row["needed_before"] * row["reference"] == pytest.approx(9000.0)
    assert row["revised"] == pytest.approx(9000.0 * row["value"] / row["reference"])
    assert row["change_verdict"] == "worse"
    (said,) = wording.revised_findings(actions.revised(data, "2026Q1"), "en")["sentence"]
    assert said.startswith("Revise the target")


def test_what_is_at_stake_has_its_range(sample: Dataset, found: pd.DataFrame) -> None:
    ranked = actions.ranked(sample, "2026Q3", None, found).set_index("kpi")
    exact = ranked.loc["bookings"]  # a total of the past
    assert exact[["money_low", "money_high"]].isna().all()
    counted = ranked.loc["new_customers"]
    worth = counted["money_at_stake"] / (counted["target"] - counted["value"])
    ends = [worth * (counted["target"] - counted[of]) for of in ("high", "low")]
    assert counted[["money_low", "money_high"]].tolist() == pytest.approx(
        [max(ends[0], 0), ends[1]]
    )
    html = plain(sheets.actions(ranked.reset_index(), "priorities", "fr").as_raw_html())
    assert html.count("chiffre constaté, sans fourchette") == 2
    figure = charts.priority_map(ranked.reset_index(), lang="en")
    lines = [line.get_ydata() for line in figure.axes[0].lines if line.get_gid() == "range"]
    drawn = [ends for ends in lines if np.isfinite(ends).all()]
    assert drawn == [pytest.approx(0.5 * counted[["money_low", "money_high"]].to_numpy(float))]


def test_a_change_that_may_be_none_has_nothing_at_stake_at_least() -> None:
    row = {"kpi": "win_rate_count", "unit": PERCENT, "n": 100.0, "target_verdict": "none"}
    row |= {"value": 0.2, "low": 0.1, "high": 0.3, "target": np.nan}
    row |= {"change": -0.05, "change_low": -0.12, "change_high": 0.02}
    worth = {"kpi": "avg_deal_value", "unit": "money", "value": 10.0, "n": 5.0}
    low, high = stake_range(pd.DataFrame([row, worth | {"target_verdict": "none"}]))
    assert (low[0], high[0]) == pytest.approx((0.0, 0.12 * 100 * 10))


def test_the_library_speaks_of_kpis_that_exist() -> None:
    for lang in LANGUAGES:
        for name, each in library().items():
            assert f"effects.suggestion.{name}" in texts(lang)
            assert each["cause"] in CAUSES
            assert f"effects.effort.{each['effort']}" in texts(lang)
            assert all(find(kpi) for kpi in each["kpis"])


def test_what_is_odd_about_an_action_is_said(found: pd.DataFrame) -> None:
    odd = found.assign(flag="no_unit", late_start=True, announced=np.nan, announced_relative=np.nan)
    assert "started after the worst month" in wording.effects_findings(odd, "en")["sentence"][0]
    assert "has no unit" in sheets.actions(odd, "register", "en").as_raw_html()


def test_a_late_action_is_followed_up(found: pd.DataFrame) -> None:
    late = found.assign(state=["done", "done", "late"])
    (told,) = wording.register_findings(late, "en").to_dict("records")
    assert told["sentence"].startswith("Follow up “Déplacer la réunion")
    small = found.assign(state="open", announced=0.01, announced_relative=np.nan)
    assert wording.register_findings(small, "en")["sentence"].str.startswith("Review").all()


@pytest.mark.parametrize("audience", ["management", "team", "rep"])
def test_each_audience_has_its_page(found: pd.DataFrame, audience: str) -> None:
    told = actions.page(found, audience)["what"].tolist()
    planned = ["Déplacer la réunion du lundi à 14 h"]
    assert (told == planned) == (audience != "management")


def test_on_an_earlier_day_the_training_is_planned(sample: Dataset) -> None:
    """Nothing of what came later is known: neither that it was done, nor what it changed."""
    then = actions.effects(sample.at("2025-12-31"))
    (row,) = then.to_dict("records")
    assert (row["action_id"], row["state"], row["reason"]) == ("ACT-01", "planned", "not_started")
    assert row["announced_relative"] == 0.3
    assert 0.04 < row["detectable"] < 0.06


@pytest.mark.thorough
def test_the_quarter_before_records_what_this_one_measures(
    pack: Callable[[str], Path],
    tmp_path: Path,
    sample: Dataset,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """By command: 2025Q4 records the training and what it should bring; 2026Q3 measures it.

    Of the report of 2025Q4 only the page of actions is made, for the sake of time.
    """
    home, out = tmp_path / "data", tmp_path / "reports"
    shutil.copytree(SAMPLE, home, ignore=shutil.ignore_patterns("actions.parquet"))
    training = sample["actions"].iloc[:1].assign(status="planned", done_date=None)
    seen = recorded(home / "actions.csv", training)
    then = ["--data", str(home), "--as-of", "2025-12-31", "--lang", "en"]
    assert main(["actions", *then]) == 0
    listed = capsys.readouterr().out
    assert listed.startswith("ACT-01  Planned  Anaïs Lefèvre  2026-01-31")
    with pytest.MonkeyPatch.context() as patch:  # over before another report is made
        patch.setattr(places, "of_reports", lambda: [NOTEBOOK])
        assert main(["report", *then, "--period", "2025Q4", "--out", str(out)]) == 0
    found = pd.read_csv(out / "2025Q4" / "tables" / "effects.csv", encoding="utf-8-sig")
    (row,) = found.to_dict("records")
    assert (row["action_id"], row["state"]) == ("ACT-01", "planned")
    assert (row["announced_relative"], row["verdict"]) == (0.3, "not_measurable")
    # A person notes that it was done; nine months later it is measured from the same register.
    recorded(home / "actions.csv", seen.assign(status="faite", done_date="2026-01-29"), seen)
    later = actions.effects(kh.load(home)).iloc[0]
    now = pack("sample en")
    measured = pd.read_csv(now / "tables" / "effects.csv", encoding="utf-8-sig")
    measured = measured.set_index("action_id")
    training_told = measured.loc["ACT-01"]
    assert later["effect"] == pytest.approx(training_told["effect"])
    told = ["method", "verdict", "agreed"]
    assert training_told[told].tolist() == ["two_groups", "established", "yes"]
    assert measured.loc["ACT-02", "verdict"] == "not_conclusive"
    assert measured.loc[["ACT-01", "ACT-02"], "placebos_found"].tolist() == [0, 0]
    pair = f"+{100 * training_told['effect']:.1f} points"
    share = f"about +{100 * training_told['relative']:.0f}%"
    for name in ("index.html", "05_action_plan.html"):
        html = (now / name).read_text("utf-8")
        assert pair in html
        assert f"{share}; +30% was announced. Effect confirmed." in html
        assert "No effect shown, and less than announced." in html
    index = (now / "index.html").read_text("utf-8")
    assert index.index("What we had decided, and what happened") < index.index("In short")
    assert json.loads((now / "run.json").read_text("utf-8"))["parameters"]["period"] == "2026Q3"
