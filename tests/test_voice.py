"""What customers say: rounds beside each other, groups, response, themes and reviews."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from naive import TRUTHS, recommendation

import kpi_helpers as kh
from kpi_helpers import charts, sheets, voice, wording
from kpi_helpers.errors import Unavailable, UnknownName
from kpi_helpers.samples import company

SAMPLE = Path(__file__).parents[1] / "data" / "sample"


@pytest.fixture(scope="module")
def sample() -> Any:
    return kh.load(SAMPLE)


@pytest.fixture(scope="module")
def asked(sample: Any) -> pd.DataFrame:
    return voice.rounds(sample, "2026Q3")


def surveys(**sides: tuple[int, int, int]) -> pd.DataFrame:
    """Waves of so many promoters, passives and detractors, a month each."""
    rows = []
    for month, (wave, counts) in enumerate(sides.items(), start=1):
        scores = np.repeat([10, 8, 3], counts)
        at = {"responded_at": f"2026-{month:02}-10", "wave": wave}
        rows += [{"score": score, **at} for score in scores]
    fixed = {"type": "nps", "scale_min": 0, "scale_max": 10}
    return pd.DataFrame(rows).assign(response_id=range(len(rows)), **fixed)


def test_the_fall_between_the_last_two_waves_is_found(sample: Any, asked: pd.DataFrame) -> None:
    waves, z = recommendation({"surveys": sample["surveys"]})
    assert asked["value"].tolist() == pytest.approx((100 * waves["mean"]).tolist())
    last = asked.iloc[-1]
    assert last["change"] == pytest.approx(TRUTHS["nps"]["after"] - TRUTHS["nps"]["before"], abs=4)
    assert z == pytest.approx(abs(last["change"]) / 100 / _error(asked.tail(2)), rel=0.01)
    assert last["change_verdict"] == "worse"
    assert asked["change_verdict"].tolist()[1:-1] == ["none_shown"] * 5


def _error(rows: pd.DataFrame) -> float:
    up, down = rows["promoters"] / rows["n"], rows["detractors"] / rows["n"]
    return float((((up + down) - (up - down) ** 2) / rows["n"]).sum() ** 0.5)


def test_without_the_fall_nothing_is_said_to_have_changed() -> None:
    rows = company(nps_after=(0.55, 0.15))["surveys"]
    found = voice.rounds(kh.load({"surveys": rows}), "2026Q3")
    assert found["change_verdict"].iloc[-1] == "none_shown"
    assert "No change shown" in wording.voice_findings(found, "en")["sentence"][0]


def test_the_worked_example_of_two_waves() -> None:
    data = kh.load({"surveys": surveys(first=(120, 50, 30), second=(100, 60, 40))})
    found = voice.rounds(data, "2026Q1")
    assert found[list(voice.SIDES)].values.tolist() == [[120, 50, 30], [100, 60, 40]]
    assert found["value"].tolist() == pytest.approx([45.0, 30.0])
    assert found["p_value"][1] == pytest.approx(0.0486, abs=5e-5)
    early = voice.rounds(data, "2026-01")
    assert early["wave"].tolist() == ["first"]
    assert early["change_verdict"].tolist() == ["no_reference"]


def test_response_is_known_where_one_number_says_how_many_were_asked() -> None:
    rows = surveys(first=(12, 5, 3))
    known = voice.rounds(kh.load({"surveys": rows.assign(invited_n=100)}), "2026Q1").iloc[0]
    assert (known["response"], known["invited"]) == (0.2, 100)
    assert known["response_low"] < 0.2 < known["response_high"]
    fewer = voice.rounds(kh.load({"surveys": rows.assign(invited_n=19)}), "2026Q1")
    assert fewer["response"].isna().all()
    part = voice.rounds(kh.load({"surveys": rows.assign(invited_n=100)}), "2026Q1", "score > 5")
    assert part["response"].isna().all()
    said = [wording.voice_findings(rows, "en")["sentence"][1] for rows in (fewer, part)]
    assert all(each.startswith("How many were asked is not known") for each in said)


def test_a_low_and_uneven_response_is_said() -> None:
    rows = surveys(first=(120, 50, 30))
    rows["segment"] = np.where(np.arange(200) % 5 == 0, "Large", "Small")
    rows["invited_n"] = np.where(rows["segment"] == "Large", 800, 240)
    data = kh.load({"surveys": rows})
    asked = voice.rounds(data, "2026Q1")
    assert asked["response"].isna().all()
    parts = voice.parts(data, asked)
    assert parts["response"].tolist() == pytest.approx([40 / 800, 160 / 240])
    assert parts["response_p"].max() < 1e-9
    said = wording.parts_findings(parts, "en")["sentence"].tolist()
    assert said[-1].startswith("Not everybody answers alike: 5.0% (Large) to 66.7% (Small)")
    low = voice.rounds(kh.load({"surveys": rows.assign(invited_n=1000)}), "2026Q1")
    assert wording.voice_findings(low, "en")["sentence"][1].startswith("Only 20.0% of the 1,000")


def test_groups_are_compared_with_all_the_others(sample: Any, asked: pd.DataFrame) -> None:
    parts = voice.parts(sample, asked, "segment")
    rows = sample["surveys"].merge(sample["customers"][["customer_id", "segment"]])
    rows = rows[(rows["type"] == "nps") & (rows["wave"] == "2026-09")]
    side = 100 * ((rows["score"] >= 9).astype(int) - (rows["score"] <= 6))
    for row in parts.to_dict("records"):
        own = rows["segment"] == row["group"]
        assert row["value"] == pytest.approx(side[own].mean())
        assert row["reference"] == pytest.approx(side[~own].mean())
    assert set(parts["change_verdict"]) == {"none_shown"}


def test_themes_are_counted_and_no_comment_is_shown(sample: Any) -> None:
    found = voice.themes(sample, "2026Q3").set_index("theme")
    rows = sample["surveys"]
    year = rows[(rows["responded_at"] >= "2025-10-01") & rows["comment"].notna()]["comment"]
    assert found["n"].eq(len(year)).all()
    assert found.loc["delivery", "k"] == year.str.contains("Livraison|Délai").sum()
    assert found.loc["price", "k"] == year.str.contains("Prix").sum()
    shown = sheets.themes(found.reset_index(), "fr").as_raw_html()
    assert not any(each in shown for each in year.unique())


def test_few_comments_make_no_theme() -> None:
    rows = surveys(first=(9, 9, 9)).assign(comment=["Trop cher !"] * 9 + [None] * 18)
    with pytest.raises(Unavailable, match="10 comments"):
        voice.themes(kh.load({"surveys": rows}), "2026Q1")
    ten = rows.assign(comment=["Trop cher !"] * 10 + ["Chercher longtemps"] * 17)
    found = voice.themes(kh.load({"surveys": ten}), "2026Q1")
    assert found[["theme", "k", "n"]].values.tolist() == [["price", 10, 27]]


def test_few_reviews_are_weighed_against_all() -> None:
    scores = {"A": [5, 5], "B": [4] * 50, "C": [1] * 8}
    rows = [(name, score) for name, marks in scores.items() for score in marks]
    frame = pd.DataFrame(rows, columns=["product", "score"]).assign(type="review")
    fixed = {"responded_at": "2026-02-01", "scale_min": 1, "scale_max": 5}
    data = kh.load({"surveys": frame.assign(response_id=range(len(rows)), **fixed)})
    found = voice.reviews(data, "2026Q1").set_index("group")
    mean = (10 + 200 + 8) / 60
    assert found["weighed"].to_dict() == pytest.approx(
        {"B": (10 * mean + 200) / 60, "A": (10 * mean + 10) / 12, "C": (10 * mean + 8) / 18}
    )
    assert found["value"].to_dict() == {"B": 4.0, "A": 5.0, "C": 1.0}


def test_a_source_without_answers_says_so() -> None:
    rows = surveys(first=(3, 3, 3)).assign(type="csat")
    for data in (kh.load({"surveys": rows}), kh.load({"surveys": rows.drop(columns="wave")})):
        with pytest.raises(Unavailable, match="answers of the type nps"):
            voice.rounds(data, "2026Q1")


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_what_is_drawn_and_said(asked: pd.DataFrame, sample: Any, lang: str) -> None:
    told = wording.voice_findings(asked, lang)
    expected = {
        "en": "Net promoter score (NPS) (Sep 2026): 25.5 points (17.8–32.8 points; 400 answers), "
        "40.0 points in the round before (Mar 2026). A fall, confirmed: −14.5 points "
        "(−24.8 to −4.0 points).",
        "fr": "Baisse confirmée\u00a0: −14,5",
    }[lang]
    assert expected in told["sentence"][0]
    assert told["rows"].tolist() == ["6, 7", "7"]
    told = [
        *told["sentence"],
        *wording.themes_findings(voice.themes(sample, "2026Q3"), lang)["sentence"],
    ]
    assert not any(wording.banned(said, lang) for said in told)
    figure = charts.sides(asked, lang=lang)
    bars = [bar for bar in figure.axes[0].patches if bar.get_gid() == "promoters"]
    assert [bar.get_width() for bar in bars] == pytest.approx((asked["promoters"] / 400).tolist())
    assert all(bar.get_x() == 0 for bar in bars)
    assert charts.alt(figure) == told[0]
    html = sheets.rounds(asked, lang).as_raw_html()
    assert ("36.4%" if lang == "en" else "36,4\u00a0%") in html


def test_a_dimension_that_answers_do_not_have_is_named(sample: Any, asked: pd.DataFrame) -> None:
    with pytest.raises(UnknownName, match="segmnt"):
        voice.parts(sample, asked, "segmnt")
    with pytest.raises(UnknownName, match="segmnt"):
        voice.reviews(sample, "2026Q3", "segmnt")
