"""The market as sentences, tables and charts, in both languages."""

import pytest

from kpi_helpers import benchmarking, charts, sheets, wording
from kpi_helpers.sources import Dataset


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_what_is_told_shown_and_drawn(sample: Dataset, lang: str) -> None:
    gained = benchmarking.gains(sample, "2026Q3")
    found = {
        "sources": benchmarking.register(sample),
        "concentration": benchmarking.concentration(benchmarking.sellers(sample, "2026Q3")),
        "gains": gained,
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


def test_a_market_of_unnamed_sellers_has_nothing_to_draw(sample: Dataset) -> None:
    unnamed = benchmarking.gains(sample, "2026Q3").query("kind == 'others'")
    for chart in (charts.share_slope, charts.growth_share):
        assert charts.alt(chart(unnamed, lang="en")) == "Nothing to show"
    sold = benchmarking.sellers(sample, "2026Q3").assign(part=True)
    told = wording.market_findings(benchmarking.concentration(sold), "concentration", "en")
    assert told.empty
