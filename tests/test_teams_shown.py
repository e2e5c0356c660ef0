"""What is drawn, tabled and said of reps holds for any names, in both languages."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

import kpi_helpers as kh
from kpi_helpers import charts, sheets, teams, wording
from kpi_helpers.charts import alt, image
from kpi_helpers.sources.pseudonyms import pseudonymised

HOSTILE = ["<script>x</script>", "$\\a$", "=1+1", "W" * 300, "שלום \u202e12"]
CHARTS = [charts.rep_limits, charts.rep_estimates]


@pytest.fixture(scope="module")
def team(sample: Any) -> pd.DataFrame:
    return teams.compared(sample, "2026Q3")


def texts(figure: Any) -> list[str]:
    return [each.get_text() for each in figure.findobj(Text) if each.get_text().strip()]


def artists(figure: Any, gid: str) -> list[Any]:
    return [artist for artist in figure.axes[0].get_children() if artist.get_gid() == gid]


def test_those_outside_of_chance_are_named_and_where_they_are(team: pd.DataFrame) -> None:
    figure = charts.rep_limits(team, lang="fr")
    named = {each.get_text(): each.xy for each in artists(figure, "name")}
    outside = team[(team["value"] < team["low_998"]) | (team["value"] > team["high_998"])]
    assert named == dict(
        zip(outside["owner"], zip(outside["n"], outside["value"], strict=True), strict=True)
    )
    assert set(named) == {"Chloé Masson", "Hugo Marchal"}
    assert alt(figure) == wording.teams_findings(team, "fr")["sentence"][0]
    (pooled,) = artists(figure, "pooled")
    assert pooled.get_ydata()[0] == pytest.approx(team["pooled"][0])
    points = sum(
        len(line.get_xdata())
        for kind in ("value", "better", "worse")
        for line in artists(figure, kind)
    )
    assert points == 10


def test_estimates_are_drawn_between_their_ends(team: pd.DataFrame) -> None:
    figure = charts.rep_estimates(team, lang="en")
    (whiskers,) = artists(figure, "range")
    ends = np.array([segment[:, 0] for segment in whiskers.get_segments()])
    ordered = team.sort_values("estimate", ascending=False)
    assert ends.tolist() == ordered[["estimate_low", "estimate_high"]].values.tolist()
    labels = [each.get_text() for each in figure.axes[0].get_yticklabels()]
    assert labels == ordered["owner"].tolist()
    said = "Win rate: without luck, the reps lie between 12.3% and 37.6% (observed: 9.8–40.9%)"
    assert alt(figure) == said


@pytest.mark.parametrize("draw", CHARTS)
@pytest.mark.parametrize("lang", ["en", "fr"])
def test_any_name_is_drawn_as_it_is(draw: Any, lang: str, team: pd.DataFrame) -> None:
    names = dict(zip(team["owner"][[2, 6, 0, 1, 3]], HOSTILE, strict=True))
    figure = draw(team.replace({"owner": names}), lang=lang)
    assert image(figure) == image(draw(team.replace({"owner": names}), lang=lang))
    shown = texts(figure)
    assert HOSTILE[0] in shown
    assert not any("\u202e" in each for each in shown)
    assert all(not each.get_parse_math() for each in figure.findobj(Text) if each.get_text())
    table = sheets.teams(team.replace({"owner": names}), lang).as_raw_html()
    assert "<script>" not in table
    assert "&lt;script&gt;" in table


@pytest.mark.parametrize("draw", CHARTS)
@pytest.mark.parametrize("lang", ["en", "fr"])
def test_the_key_stays_on_the_page(draw: Any, lang: str, team: pd.DataFrame) -> None:
    """Six signs fall into four columns as 2, 2, 1 and 1."""
    figure = draw(team, lang=lang)
    figure.canvas.draw()
    (key,) = figure.legends
    assert figure.bbox.x0 <= key.get_window_extent().x0
    assert key.get_window_extent().x1 <= figure.bbox.x1


@pytest.mark.parametrize("draw", CHARTS)
def test_nothing_to_draw_is_said(draw: Any, team: pd.DataFrame) -> None:
    assert alt(draw(pd.DataFrame(), lang="fr")) == "Rien à montrer"
    alike = team.assign(verdict="none_shown", dispersion_p=0.5, estimate=np.nan)
    assert "aucune différence démontrée" in alt(draw(alike, lang="fr"))


def test_the_tables_write_every_number(team: pd.DataFrame) -> None:
    html = sheets.teams(team, "fr").as_raw_html()
    for said in ("63 sur 154", "40,9\u00a0%", "37,6\u00a0% (30,9 à 44,6\u00a0%)", "40,5\u00a0%"):
        assert said in html
    assert html.count("Nettement au-dess") == 2
    terms = {"lead": {"en": {"one": "inquiry", "other": "inquiries"}}}
    beside = sheets.teams_context(team, "en", terms).as_raw_html()
    assert "Inquiries received" in beside
    assert "Came or left" not in beside
    moved = team.assign(arrived=pd.Timestamp("2026-01-05"), left=pd.Timestamp("2026-06-30"))
    assert (
        "since 5 January 2026, until 30 June 2026"
        in sheets.teams_context(moved, "en").as_raw_html()
    )


def test_what_is_masked_is_in_no_table_and_no_chart() -> None:
    reps = [("Ann", 10, 40), ("Bob", 25, 42), ("Cyd", 12, 43), ("Dan", 3, 3)]
    rows = [(who, i < won) for who, won, of in reps for i in range(of)]
    deals = pd.DataFrame(rows, columns=["owner", "won"]).assign(created_at="2026-01-05")
    deals = deals.assign(deal_id=range(len(rows)), closed_at="2026-02-02")
    deals["status"] = np.where(deals.pop("won"), "won", "lost")
    shared = teams.compared(pseudonymised(kh.load(deals)), "2026Q1")
    hidden = shared.loc[shared["verdict"] == "masked", "owner"]
    assert len(hidden) == 2
    html = sheets.teams(shared, "en").as_raw_html()
    assert "3 of 3" not in html
    assert "10 of 40" not in html
    assert html.count("Not shown") == 2
    drawn = texts(charts.rep_limits(shared)) + texts(charts.rep_estimates(shared))
    assert not set(hidden) & set(drawn)


@pytest.mark.parametrize("lang", ["en", "fr"])
@pytest.mark.parametrize(
    ("above", "below", "rest"), [(0, 0, 4), (1, 0, 3), (0, 1, 1), (2, 1, 1), (4, 0, 1), (1, 1, 0)]
)
def test_sentences_use_no_word_of_the_method(
    above: int, below: int, rest: int, lang: str, team: pd.DataFrame
) -> None:
    verdicts = ["above"] * above + ["below"] * below + ["none_shown"] * rest
    frame = team.head(len(verdicts)).assign(verdict=verdicts, paid="revenue, win_rate_count")
    said = wording.teams_findings(frame, lang)
    assert len(said) == 2
    for sentence in said["sentence"]:
        assert wording.banned(sentence, lang) == []
        assert "{" not in sentence
        assert not {"stable", "stables"} & set(sentence.split())
    for rate in frame.loc[frame["verdict"] != "none_shown", "value"]:
        if 0 < max(above, below) <= 3:
            assert (
                f"{100 * rate:.1f}".replace(".", "." if lang == "en" else ",")
                in said["sentence"][0]
            )


def test_targets_that_add_up_or_fall_short_are_said() -> None:
    row = {"kpi": "bookings", "label": "Bookings", "unit": "money", "period": "2026Q3", "reps": 3}
    row |= {"start": pd.Timestamp("2026-07-01"), "end": pd.Timestamp("2026-10-01")}
    for reps, key in ((100_000, "add up to"), (90_000, "10.0% less"), (104_000, "4.0% more")):
        sums = {"reps_target": reps, "company_target": 100_000, "gap": reps - 100_000}
        frame = pd.DataFrame([row | sums | {"gap_relative": reps / 100_000 - 1}])
        assert key in wording.rep_targets_findings(frame, "en")["sentence"][0]


def test_a_card_draws_each_kpi_on_its_own_scale(sample: Any) -> None:
    own = teams.card(sample, "Chloé Masson", "2026Q3")
    figure = charts.small_multiples(own, "kpi", title="Chloé Masson", lang="fr")
    tops = [ax.get_ylim()[1] for ax in figure.axes]
    assert tops[1] < 1 < tops[0] < 1_000 < tops[2]
    named = [ax.get_title("left") for ax in figure.axes]
    assert named[1] == "Taux de gain"
    assert named[2].startswith("Command")
    assert [len(ax.lines[1].get_xdata()) for ax in figure.axes] == [12, 12, 12]
