"""Segments beside the others, and volumes beside what they should bring."""

import numpy as np
import pandas as pd
import pytest

import kpi_helpers as kh
from kpi_helpers import charts, sheets, wording
from kpi_helpers.associations import crossed, lagged, volumes
from kpi_helpers.associations.lagged import LAGS, _strongest
from kpi_helpers.errors import Unavailable
from kpi_helpers.sources import Dataset

MONTHS = pd.date_range("2022-10-01", periods=48, freq="MS")
DAYS = pd.Timedelta(20, "D")
SEASON = 2 * np.sin(np.arange(48) * np.pi / 6)


@pytest.fixture(scope="module")
def segments(sample: Dataset) -> pd.DataFrame:
    return crossed(sample, "2026Q3")


@pytest.fixture(scope="module")
def links(sample: Dataset) -> pd.DataFrame:
    return lagged(sample, volumes(), ["revenue", "new_customers"], "2026Q3")


def test_the_bad_channel_and_the_slow_sector_are_found(segments: pd.DataFrame) -> None:
    adverse = segments[segments["adverse"]]
    signals = dict(zip(adverse["group"], adverse["signals"], strict=True))
    assert signals["Réseaux sociaux"] == 3
    slow = adverse[adverse["kpi"] == "sales_cycle_duration"]
    assert slow["group"].tolist() == ["public"]
    assert (adverse["strength"] < 0).all()


def test_visits_that_double_without_wins_are_not_linked(links: pd.DataFrame) -> None:
    assert not links.loc[links["kpi"] == "site_visits", "linked"].any()


def test_a_dimension_filled_in_late_is_not_compared(segments: pd.DataFrame) -> None:
    """Leads get their sector when they qualify: all that have one got far."""
    kpis = segments.groupby("dimension")["kpi"].agg(set)
    assert "lead_qualification_rate" in kpis["source"]
    assert "lead_qualification_rate" not in kpis["sector"]


def test_without_a_dimension_it_says_what_is_needed() -> None:
    deals = {"deal_id": ["1"], "created_at": ["2026-01-05"], "status": ["won"]}
    data = kh.load(pd.DataFrame({**deals, "closed_at": ["2026-02-01"], "amount": [9.0]}))
    with pytest.raises(Unavailable, match="source, sector"):
        crossed(data, "2026Q1")
    with pytest.raises(Unavailable, match="24 whole months"):
        lagged(data, ["deals_won_count"], ["bookings"], "2026Q1")


def _found(runs: int, law: str, seed: int = 5) -> float:
    rng = np.random.default_rng(seed)
    hits = 0
    for _ in range(runs):
        one, other = rng.normal(size=(2, 48))
        if law == "walks":
            one, other = one.cumsum(), other.cumsum()
        if law == "planted":
            other = other + 1.2 * np.roll(one, 2)
        trend = np.arange(48) * 0.1
        pair = (pd.Series(each + SEASON + trend, MONTHS) for each in (one, other))
        lag, _, _, p_value = _strongest(*pair)
        hits += p_value < 0.05 and (law != "planted" or lag == 2)
    return hits / runs


@pytest.mark.parametrize("law", ["white", "walks"])
def test_series_that_only_share_season_and_trend_are_not_linked(law: str) -> None:
    assert _found(300, law) <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 300)


def test_a_link_is_found_at_its_lag() -> None:
    assert _found(100, "planted") > 0.6
    assert LAGS > 2


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_what_is_said(segments: pd.DataFrame, links: pd.DataFrame, lang: str) -> None:
    told = wording.segments_findings(segments, lang)["sentence"].tolist()
    told += wording.volumes_findings(links, lang)["sentence"].tolist()
    expected = {
        "fr": ("Réseaux sociaux\u00a0: moins bien que les autres sur 3 KPI", "aucun lien démontré"),
        "en": ("Réseaux sociaux: worse than the others on 3 KPIs", "no link shown"),
    }[lang]
    assert told[0].startswith(expected[0])
    assert expected[1] in told[-1]
    assert not any(wording.banned(said, lang) for said in told)


def test_steps_are_called_so_and_keep_the_letters_of_their_names(segments: pd.DataFrame) -> None:
    stage = "Négociation → Gagné"
    steps = segments.assign(kpi=stage, label=stage, group=segments["group"].str.lower())
    said = wording.segments_findings(steps, "fr")["sentence"].iloc[0].replace("\u00a0", " ")
    assert said.startswith("Segment « réseaux sociaux » : moins bien que les autres sur 3 étapes")
    assert f"({stage} " in said


def test_a_link_is_told_with_its_delay(links: pd.DataFrame) -> None:
    planted = links.assign(linked=[True, *[False] * (len(links) - 1)], lag=2, correlation=0.61)
    (said, _) = wording.volumes_findings(planted, "en")["sentence"]
    assert said == (
        "Site visits: high months are followed, 2 months later, by a higher revenue "
        "(correlation 0.61). A link is not a cause."
    )


def test_what_is_shown(segments: pd.DataFrame, links: pd.DataFrame) -> None:
    figure = charts.segment_map(segments, lang="en")
    cells = {text.get_text() for ax in figure.axes for text in ax.texts}
    assert {"▼ 1.2%", "▼ 92 days"} <= cells
    assert "Réseaux sociaux" in charts.alt(figure)
    assert "92 days" in sheets.segments(segments, "en").as_raw_html()
    assert "no link shown" in sheets.volumes(links, "en").as_raw_html()


def test_a_dimension_that_is_mostly_blank_is_not_called_missing() -> None:
    day = pd.Series(pd.date_range("2025-01-02", periods=80, freq="7D"))
    deals = {"deal_id": day.index.astype(str), "created_at": day, "closed_at": day + DAYS}
    deals |= {"status": ["won", "lost"] * 40, "competitor": ["Acme", *[None] * 3] * 20}
    data = kh.load(pd.DataFrame(deals).assign(amount=9.0))
    with pytest.raises(Unavailable, match="competitor filled in for at least four fifths"):
        crossed(data, "2026Q2", "competitor")


def test_without_deals_they_are_what_is_needed() -> None:
    leads = pd.DataFrame({"lead_id": ["1"], "created_at": ["2026-01-05"], "source": ["web"]})
    data = kh.load({"leads": leads})
    with pytest.raises(Unavailable, match="lacks deals"):
        crossed(data, "2026Q1")
