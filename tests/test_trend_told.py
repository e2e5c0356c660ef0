"""Trends as a reader sees them: sentences, charts and the table, in both languages."""

import numpy as np
import pandas as pd
import pytest

from kpi_helpers import charts, forecasting, sheets, wording
from kpi_helpers.language import LANGUAGES
from kpi_helpers.sources import Dataset

KPIS = ("revenue", "leads_generated", "win_rate_count", "lead_qualification_rate")
KPIS += ("lead_to_customer_rate", "missed_call_rate", "site_conversion_rate")


@pytest.fixture(scope="module")
def course(sample: Dataset) -> pd.DataFrame:
    return forecasting.course(sample, KPIS, "2026Q3")


@pytest.fixture(scope="module")
def trends(course: pd.DataFrame) -> pd.DataFrame:
    return forecasting.trends(course)


def test_three_sentences_say_what_moved_and_what_did_not(trends: pd.DataFrame) -> None:
    told = wording.trends_findings(trends, "en")
    assert told["sureness"].tolist() == [0, 0, 1]
    assert (told["table"] == "trends").all()
    broke, _, rest = told["sentence"]
    row = trends[trends["kpi"] == "lead_qualification_rate"].iloc[0]
    assert f"from {row['before']:.1%} to {row['after']:.1%} at once" in broke
    assert "Nouveau script d’appel (not shown to be the cause)" in broke
    assert "No trend shown for 3 KPIs: Revenue, Win rate" in rest
    assert told["rows"].iloc[2].count(",") == 4
    assert not any(wording.banned(said, "en") for said in told["sentence"])


def test_french_keeps_its_spaces_and_its_words(trends: pd.DataFrame) -> None:
    told = wording.trends_findings(trends, "fr")["sentence"]
    assert "Pas de tendance démontrée pour 3 KPI\u00a0:" in told.iloc[2]
    assert not told.str.contains(r" [:;!?%]").any()
    assert not any(wording.banned(said, "fr") for said in told)


def test_a_trend_of_less_than_two_years_may_be_a_season(trends: pd.DataFrame) -> None:
    leads = trends[trends["kpi"] == "leads_generated"]
    sure, (early,) = (
        wording.trends_findings(leads.assign(turns=turns), "en").itertuples(index=False)
        for turns in ("shown", "unknown")
    )
    (sure,) = sure
    assert (sure.sureness, early.sureness) == (0, 1)
    assert early.sentence.endswith("With less than two years of data a season looks the same.")
    assert "about +5.8% a year (plausible: +3." in sure.sentence
    worse = wording.trends_findings(leads.assign(verdict="worse"), "en")["sentence"].iloc[0]
    assert worse.endswith("taken out: look for the cause.")


def test_what_moves_is_told_in_its_own_unit(trends: pd.DataFrame) -> None:
    row = trends.set_index("kpi").loc["lead_to_customer_rate"].to_dict()
    assert wording.a_year(row, "en")[0] == f"−{-100 * row['per_year']:.1f} points"
    amount = row | {"unit": "money", "relative": np.nan, "per_year": 1200.0}
    assert wording.a_year(amount, "en")[0] == "+€1,200"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_chart_draws_what_moves_first(
    course: pd.DataFrame, trends: pd.DataFrame, lang: str
) -> None:
    figure = charts.trend_lines(course, trends, most=4, lang=lang)
    assert charts.alt(figure) == wording.trends_findings(trends, lang)["sentence"].iloc[0]
    shown = [ax for ax in figure.axes if ax.axison]
    lines = {line.get_gid(): line for line in shown[0].lines}
    first = course[course["kpi"] == "lead_qualification_rate"]
    assert lines["trend"].get_ydata().tolist() == pytest.approx(
        first["trend"].tolist(), nan_ok=True
    )
    read = first["value"].where(first["status"] != "immature").tolist()
    assert lines["value"].get_ydata().tolist() == pytest.approx(read, nan_ok=True)
    assert [ax.get_title("right") != "" for ax in shown] == [True] * 4
    noted = [text.get_text() for ax in shown for text in ax.texts if text.get_gid() == "change"]
    assert len(noted) == trends["broke"].sum()


def test_a_spike_is_drawn_where_it_was_damped_to_and_a_new_definition_said() -> None:
    starts = pd.date_range("2023-01-01", periods=30, freq="MS")
    value = np.random.default_rng(2).normal(100, 5, 30)
    value[20] = 1e5
    facts = {"kpi": "one", "label": "One", "unit": "count", "better": "higher", "method": "exact"}
    facts |= {"period": starts.strftime("%Y-%m"), "start": starts, "status": "ok", "note": ""}
    blank = dict.fromkeys(("numerator", "denominator", "n", "low", "high"), np.nan)
    frame = pd.DataFrame({**facts, **blank, "end": starts + pd.offsets.MonthBegin()})
    frame = frame.assign(value=value, phase=(np.arange(30) >= 12).astype(int))
    course = forecasting.decomposed(forecasting.with_adjusted(frame, 12))
    figure = charts.trend_lines(course, forecasting.trends(course), lang="en")
    (ax,) = figure.axes
    assert ax.get_ylim()[1] < 200
    (mark,) = [line for line in ax.lines if line.get_gid() == "outside"]
    assert np.isfinite(mark.get_ydata()).sum() == 1
    assert [text.get_text() for text in ax.texts] == ["New definition"]


def test_the_parts_of_one_kpi(course: pd.DataFrame) -> None:
    figure = charts.trend_parts(course, lang="en")
    assert charts.alt(figure).startswith("Leads generated: ")
    drawn = [ax for ax in figure.axes if ax.axison]
    names = [ax.get_title("left") for ax in drawn]
    assert names == ["Read", "Trend", "Season", "Rest"]
    values = [next(v for v in ax.lines if v.get_gid() == "value").get_ydata() for ax in drawn]
    assert values[0] == pytest.approx(sum(values[1:]))
    chosen = charts.alt(charts.trend_parts(course, "revenue", lang="fr"))
    assert chosen.startswith("CA\u00a0: ")


def test_the_table_has_a_row_a_kpi(trends: pd.DataFrame) -> None:
    page = sheets.trends(trends.assign(event="<b>=1"), "en").as_raw_html()
    assert page.count("shown, taken out") == (trends["turns"] == "shown").sum()
    assert page.count("(confirmed)") == trends["broke"].sum()
    assert "<b>" not in page
    row = trends.set_index("kpi").loc["lead_to_customer_rate"]
    assert f"{row['n']} ({row['left_out']})" in page
