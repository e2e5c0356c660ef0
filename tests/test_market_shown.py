"""The market as sentences, tables and charts, in both languages."""

import pandas as pd
import pytest

import kpi_helpers as kh
from kpi_helpers import benchmarking, charts, sheets, wording
from kpi_helpers.sources import Dataset


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_what_is_told_shown_and_drawn(sample: Dataset, lang: str) -> None:
    gained = benchmarking.gains(sample, "2026Q3")
    found = {
        "sources": benchmarking.register(sample),
        "concentration": benchmarking.concentration(benchmarking.sellers(sample, "2026Q3")),
        "gains": gained,
        "gaps": benchmarking.gaps(sample, "2026Q3"),
        "peers": benchmarking.peers(sample, "win_rate_count", "2026Q3"),
        "perception": benchmarking.perception(sample, "2026Q3"),
        "verdicts": benchmarking.verdicts(sample, None, gained),
    }
    for table, frame in found.items():
        told = wording.market_findings(frame, table, lang)
        assert 1 <= len(told) <= 3
        assert not any(wording.banned(sentence, lang) for sentence in told["sentence"])
        assert sheets.market(frame, table, lang).as_raw_html()
    first = wording.market_findings(gained, "gains", lang)
    assert first[["sureness", "rows"]].values.tolist() == [[0, "1"], [1, "2"]]
    for chart in (charts.share_slope, charts.growth_share):
        figure = chart(gained, lang=lang)
        assert charts.alt(figure) == first["sentence"].iloc[0]
        drawn = " ".join(each.get_text() for each in figure.axes[0].texts)
        assert all(f"Concurrent {letter}" in drawn for letter in "ABC")
        assert ("Nous" if lang == "fr" else "Us") in drawn
    ours = max(charts.share_slope(gained).axes[0].lines, key=lambda line: line.get_linewidth())
    assert (
        list(ours.get_ydata())
        == gained.query("kind == 'us'")[["before", "after"]].values[0].tolist()
    )


@pytest.mark.parametrize(
    ("lang", "year", "share"),
    [("en", "2025, in part", "40.0%"), ("fr", "2025, en partie", "40,0\u00a0%")],
)
def test_shares_by_seller_and_year_ours_first(lang: str, year: str, share: str) -> None:
    sold = pd.DataFrame(
        [
            ("cars", "2024", False, "Alpha", "rival", 0.9),
            ("cars", "2024", False, "Mine", "us", 0.1),
            ("cars", "2025", True, "Alpha", "rival", 0.6),
            ("cars", "2025", True, "New", "rival", 0.4),
            ("other", "2025", False, "Elsewhere", "rival", 1.0),
        ],
        columns=["metric", "period", "part", "entity", "kind", "value"],
    )
    page = sheets.shares(sold, lang).as_raw_html()
    assert page.index("Mine") < page.index("Alpha") < page.index("New")
    assert year in page
    assert share in page
    assert "Elsewhere" not in page


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_the_gap_to_peers_is_told_drawn_and_placed(sample: Dataset, lang: str) -> None:
    """The sample's peers: one KPI surely behind with its money, one told in quarters only."""
    found = benchmarking.gaps(sample, "2026Q3")
    rows = found.set_index("kpi")
    behind, quarters = rows.loc["lead_qualification_rate"], rows.loc["nps"]
    assert behind[["reference", "best", "place", "market_verdict"]].tolist() == [
        *(0.3875, 0.45, 0.125, "behind")
    ]
    year = kh.measure(sample, "bookings", "2025-10:2026-09")["value"].sum()
    assert behind["reach"] == pytest.approx(year * (0.3875 / behind["value"] - 1))
    assert quarters["estimated"]
    assert 0.25 < quarters["place"] < 0.5
    told = wording.market_findings(found, "gaps", lang).iloc[0]
    assert told["money_at_stake"] == behind["reach"]
    assert ("moins bien que le meilleur quart" if lang == "fr" else "behind the top") in told[
        "sentence"
    ]
    tables = [sheets.market(found, name, lang).as_raw_html() for name in ("gaps", "places")]
    best = "−19,5\u00a0points" if lang == "fr" else "−19.5\u00a0points"
    assert best in tables[0].replace(" points", "\u00a0points")
    assert ("Estimé" if lang == "fr" else "Estimated") in tables[1]
    (drawn,) = charts.dumbbell(found, lang=lang).axes
    marks = {line.get_gid(): len(line.get_xdata()) for line in drawn.lines}
    assert (marks["worse"], marks["reference"]) == (2, 4)


def test_a_market_of_unnamed_sellers_has_nothing_to_draw(sample: Dataset) -> None:
    unnamed = benchmarking.gains(sample, "2026Q3").query("kind == 'others'")
    for chart in (charts.share_slope, charts.growth_share):
        assert charts.alt(chart(unnamed, lang="en")) == "Nothing to show"
    sold = benchmarking.sellers(sample, "2026Q3").assign(part=True)
    told = wording.market_findings(benchmarking.concentration(sold), "concentration", "en")
    assert told.empty
