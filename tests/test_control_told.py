"""What a reader is told and shown of the usual variation, in both languages."""

import re

import pandas as pd
import pytest

import kpi_helpers as kh
from kpi_helpers import charts, control, sheets, wording
from kpi_helpers.language import LANGUAGES

KPIS = ["lead_qualification_rate", "win_rate_count", "revenue", "site_conversion_rate", "cac"]


@pytest.fixture(scope="module")
def watched() -> pd.DataFrame:
    return control.watched(kh.load("data/sample", {"language": "en"}), KPIS, "2026Q3")


@pytest.fixture(scope="module")
def latest(watched: pd.DataFrame) -> pd.DataFrame:
    return control.latest(watched)


def test_the_sentences(latest: pd.DataFrame) -> None:
    told = wording.control_findings(latest, "en")
    assert told["sentence"].tolist() == [
        "Jul 2026 lead qualification rate: 23.8%, outside its usual variation (26.3–42.8%), in 10 "
        "of the 14 months since Jul 2025. Look for the cause. Noted when it began: Nouveau script "
        "d’appel; that it is the cause is not shown.",
        "Sep 2026 site conversion rate: 1.6%, outside its usual variation (2.9–3.7%), in 6 of the "
        "6 months since Apr 2026. Look for the cause. Noted when it began: Le Concurrent B ouvre "
        "un dépôt en France; that it is the cause is not shown.",
        "Outside theirs too: Customer acquisition cost. 2 KPIs stay within their usual variation: "
        "their last point tells nothing new, a missed target stays missed.",
    ]
    assert told["rows"].tolist() == ["1", "2", "3, 4, 5"]
    assert told["sureness"].tolist() == [0, 0, 1]
    columns = ["kind", "sentence", "sureness", "money_at_stake", "table", "rows"]
    assert list(told) == columns


def test_the_sentences_in_french(latest: pd.DataFrame) -> None:
    first, *_, last = wording.control_findings(latest, "fr")["sentence"]
    assert "hors de ses variations habituelles (26,3 à 42,8\u00a0%)" in first
    assert "10 des 14 mois depuis juil. 2025" in first
    assert "2 KPI restent dans leurs variations habituelles" in last


@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_word_of_the_method_is_said(latest: pd.DataFrame, lang: str) -> None:
    cells = re.sub(
        r"(?s)<style>.*?</style>|<[^>]*>", " ", sheets.control(latest, lang).as_raw_html()
    )
    said = " ".join([*wording.control_findings(latest, lang)["sentence"], cells])
    assert wording.banned(said, lang) == []


def test_where_nothing_is_outside_that_alone_is_said(latest: pd.DataFrame) -> None:
    quiet = latest[~latest["news"]]
    told = wording.control_findings(quiet, "en")
    assert told["sentence"].tolist() == [
        "2 KPIs stay within their usual variation: their last point tells nothing new, a "
        "missed target stays missed."
    ]
    assert wording.control_title(quiet, "en").startswith("No KPI is outside")


def test_a_single_month_and_a_short_history_are_not_sure(latest: pd.DataFrame) -> None:
    alone = latest.head(1).assign(signals=1, months=2, sure=False, season="unknown", event="")
    (said,), (sure,) = (wording.control_findings(alone, "en")[c] for c in ("sentence", "sureness"))
    assert said.endswith(
        "One month alone: look into it, and wait for the next. "
        "With less than two years of data a season looks the same."
    )
    assert sure == 1
    shift = latest.head(1).assign(rule="run")
    assert "too long to be chance" in wording.control_findings(shift, "en")["sentence"].iloc[0]


def test_the_chart_draws_limits_and_signals(watched: pd.DataFrame, latest: pd.DataFrame) -> None:
    figure = charts.control_charts(watched, latest, lang="en")
    assert charts.alt(figure) == wording.control_title(latest, "en")
    shown = [ax for ax in figure.axes if ax.axison]
    assert len(shown) == len(KPIS)
    first = watched[(watched["kpi"] == KPIS[0]) & watched["signal"]]
    (marks,) = [line for line in shown[0].lines if line.get_gid() == "outside"]
    drawn = marks.get_ydata()
    assert drawn[~pd.isna(drawn)].tolist() == first["value"].tolist()
    assert [t.get_text() for t in shown[0].texts if t.get_gid() == "change"]
    assert len({ax.get_xlim() for ax in shown}) == 1
    few = charts.control_charts(watched, latest, most=2, lang="en")
    assert any("2 of the 5 KPIs are drawn" in said.get_text() for said in few.texts)


def test_the_table_has_a_row_a_kpi(latest: pd.DataFrame) -> None:
    page = sheets.control(latest.assign(event="<b>=1"), "en").as_raw_html()
    assert page.count("Outside: look for the cause") == latest["news"].sum()
    assert page.count("Within: nothing new") == (~latest["news"]).sum()
    assert "<b>" not in page
