"""Charts by their artists: what is drawn, where, in which words, and what data cannot do to it."""

import datetime as dt
import math

import matplotlib
import matplotlib.colors
import numpy as np
import pandas as pd
import pytest
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kpi_helpers import charts
from kpi_helpers.charts.reader import Reader
from kpi_helpers.charts.scales import limits, numbers
from kpi_helpers.charts.theme import BETTER, VALUE, WORSE
from kpi_helpers.errors import BadInput

NAN, INF = math.nan, math.inf


def tidy(values: list[float], **columns: object) -> pd.DataFrame:
    """Return a tidy frame of the win rate, a row a quarter up to 2026Q3, some columns replaced."""
    ends = pd.date_range("2026-10-01", periods=len(values), freq="-3MS")[::-1]
    value = np.array(values, dtype=float)
    frame = {
        "kpi": "win_rate_count",
        "label": "Win rate (count)",
        "unit": "percent",
        "better": "higher",
        "period": [f"{d.year}Q{d.quarter}" for d in ends - pd.DateOffset(months=3)],
        "start": ends - pd.DateOffset(months=3),
        "end": ends,
        "value": value,
        "numerator": np.round(value * 400),
        "denominator": 400.0,
        "n": 400.0,
        "low": value - 0.04,
        "high": value + 0.05,
        "method": "wilson",
        "status": "ok",
        "note": "",
    }
    return pd.DataFrame({**frame, **columns})


def groups(names: list[object], values: list[float], **columns: object) -> pd.DataFrame:
    """Return a tidy frame of the win rate of 2026Q3, a row an owner."""
    last = {"period": "2026Q3", "start": "2026-07-01", "end": "2026-10-01"}
    frame = tidy(values, **{**last, **columns})
    frame.insert(7, "owner", pd.Series(names, dtype=object))
    return frame


def compared(frame: pd.DataFrame, **columns: object) -> pd.DataFrame:
    """Return a tidy frame as `compare` does, 2026Q2 beside it."""
    beside = {
        "reference_period": "2026Q2",
        "reference": frame["value"] + 0.03,
        "reference_low": frame["value"] - 0.01,
        "reference_high": frame["value"] + 0.07,
        "reference_n": 380.0,
        "change": -0.03,
        "change_relative": -0.1,
        "change_low": -0.08,
        "change_high": 0.02,
        "p_value": 0.2,
        "p_adjusted": 0.4,
        "more_needed": 600.0,
        "target": 0.3,
        "target_verdict": "missed",
        "change_verdict": "none_shown",
        "certainty": "not_established",
    }
    return frame.assign(**{**beside, **columns})


def drawn(figure: Figure, gid: str) -> list[Artist]:
    """Return the artists of a figure that bear a mark."""
    return figure.findobj(lambda artist: artist.get_gid() == gid)


def said(figure: Figure, gid: str) -> list[str]:
    return [artist.get_text() for artist in drawn(figure, gid)]


def labels(axis: matplotlib.axis.Axis) -> list[str]:
    return [label.get_text() for label in axis.get_ticklabels()]


def ranges(figure: Figure, gid: str = "range") -> list[list[float]]:
    """Return the ends of each horizontal whisker."""
    (whiskers,) = drawn(figure, gid)
    return [[x for x, _ in segment] for segment in whiskers.get_segments()]


# A line


def test_a_line_shows_the_values_in_the_middle_of_their_periods() -> None:
    frame = tidy([0.2, 0.25, 0.22])
    (line,) = drawn(charts.line(frame), "value")
    assert line.get_ydata().tolist() == frame["value"].tolist()
    middle = (frame["start"] + (frame["end"] - frame["start"]) / 2).map(pd.Timestamp.timestamp)
    assert line.get_xdata().tolist() == pytest.approx((middle / 86400).tolist())


def test_the_band_is_the_plausible_range() -> None:
    frame = tidy([0.2, 0.25, 0.22])
    (band,) = drawn(charts.line(frame), "range")
    edges = set(np.round(band.get_paths()[0].vertices[:, 1], 9))
    assert edges == set(np.round([*frame["low"], *frame["high"]], 9))


def test_a_missing_value_is_a_gap_that_is_hatched() -> None:
    status = ["ok", "ok", "missing", "ok", "ok"]
    figure = charts.line(tidy([0.2, 0.2, NAN, 0.3, 0.3], status=status))
    (line,) = drawn(figure, "value")
    assert np.isnan(line.get_ydata()).tolist() == [False, False, True, False, False]
    (hole,) = drawn(figure, "hole")
    assert [hole.get_x(), hole.get_width()] == [dt.date(2026, 1, 1).toordinal() - 719163, 90]


def test_a_period_that_is_not_in_the_frame_is_a_gap_too() -> None:
    figure = charts.line(tidy([0.2, 0.21, 0.22, 0.23]).drop(index=1))
    (line,) = drawn(figure, "value")
    assert np.isnan(line.get_ydata()).sum() == 1
    assert len(drawn(figure, "hole")) == 1
    assert len(drawn(figure, "range")) == 2, "a band on one side, a whisker on the lonely point"


def test_what_is_too_early_is_dashed_and_not_part_of_the_line() -> None:
    frame = tidy([0.2, 0.21, 0.05], status=["ok", "ok", "immature"])
    figure = charts.line(frame)
    (old,), (young,) = drawn(figure, "value"), drawn(figure, "young")
    assert np.isnan(old.get_ydata()).tolist() == [False, False, True]
    assert np.isnan(young.get_ydata()).tolist() == [True, False, False]
    assert young.get_linestyle() == "--"
    assert said(figure, "last") == ["21.0%"]


@pytest.mark.parametrize("status", ["indicative", "insufficient", "immature"])
def test_a_figure_to_be_read_with_care_has_a_hollow_point(status: str) -> None:
    figure = charts.line(tidy([0.2, 0.21], status=["ok", status], n=[400.0, 12.0]))
    (point,) = drawn(figure, f"points-{status}")
    assert point.get_markerfacecolor() == "white"
    (key,) = figure.legends
    assert len(key.get_texts()) == 2


def test_a_change_of_definition_breaks_the_line() -> None:
    figure = charts.line(tidy([0.2] * 5), breaks={dt.date(2026, 4, 1): "New definition"})
    (line,), (rule,) = drawn(figure, "value"), drawn(figure, "break")
    assert np.isnan(line.get_ydata()).tolist() == [False, False, False, True, False, False]
    assert rule.get_xdata()[0] == dt.date(2026, 4, 1).toordinal() - 719163
    assert said(figure, "change") == ["New definition"]


def test_an_open_range_ends_where_the_axis_does() -> None:
    figure = charts.line(tidy([0.2, 0.3], high=[0.25, NAN]))
    top = figure.axes[0].get_ylim()[1]
    (band,) = drawn(figure, "range")
    assert band.get_paths()[0].vertices[:, 1].max() == pytest.approx(top)


def test_targets_are_drawn_where_there_are_any() -> None:
    (target,) = drawn(charts.line(tidy([0.2, 0.3], target=[NAN, 0.28])), "target")
    assert [y for _, y in target.get_segments()[0]] == [0.28, 0.28]


def test_several_series_are_refused() -> None:
    with pytest.raises(BadInput, match="small_multiples"):
        charts.line(groups(["A", "B"], [0.2, 0.3]))
    with pytest.raises(BadInput, match="aov, win_rate_count"):
        charts.line(groups(["A", "B"], [0.2, 0.3], kpi=["win_rate_count", "aov"]))


# Words


def test_a_chart_speaks_french() -> None:
    frame = tidy([0.2, 0.22, 0.21, 0.2, 0.2186])
    figure = charts.line(frame, lang="fr", as_of=dt.date(2026, 9, 30))
    (ax,) = figure.axes
    assert labels(ax.xaxis) == ["T3\n2025", "T4\n ", "T1\n2026", "T2\n ", "T3\n "]
    assert labels(ax.yaxis) == ["20\u00a0%", "25\u00a0%"]
    assert said(figure, "last") == ["21,9\u00a0%"]
    definition, facts = said(figure, "subtitle")[0].split("\n")
    assert definition == "Affaires gagnées, en part des affaires décidées dans la période."
    assert facts == "400 affaires · T3 2025 – T3 2026 · données au 30 septembre 2026"
    assert charts.alt(figure).startswith("Taux de gain")


def test_a_chart_speaks_english() -> None:
    figure = charts.line(tidy([0.2, 0.22, 0.2186], n=[380, 400, 371]))
    (ax,) = figure.axes
    assert labels(ax.xaxis) == ["Q1\n2026", "Q2\n ", "Q3\n "]
    assert labels(ax.yaxis)[0].endswith("%")
    assert said(figure, "subtitle")[0].endswith("371–400 deals · Q1 2026 – Q3 2026")


def test_the_title_is_the_finding_and_the_alt_text() -> None:
    figure = charts.line(tidy([0.2, 0.3]), title="Win rate up by a half")
    assert figure.get_suptitle() == charts.alt(figure) == "Win rate up by a half"


def test_without_a_title_wording_finds_one() -> None:
    frame = compared(tidy([0.22]))
    found = charts.alt(charts.line(frame))
    assert "22.0%" in found
    assert "could be chance" in found


@pytest.mark.parametrize(
    ("ticks", "unit", "written"),
    [
        ([0.0, 0.05], "percent", ["0\u00a0%", "5\u00a0%"]),
        ([0.0, 0.025], "percent", ["0,0\u00a0%", "2,5\u00a0%"]),
        ([0.0, 200_000.0], "money", ["0\u00a0€", "200\u00a0k€"]),
        ([10.0, 20.0], "days", ["10", "20 jours"]),
        ([1000.0, 2000.0], "count", ["1\u202f000", "2\u202f000"]),
        ([], "count", []),
    ],
)
def test_axes_have_written_numbers(ticks: list[float], unit: str, written: list[str]) -> None:
    assert numbers(ticks, unit, Reader("fr")) == written


# Bars


def test_bars_start_at_zero_and_end_at_their_values() -> None:
    figure = charts.bars(groups(["A", "B", "C"], [0.2, 0.4, 0.3]), "owner")
    bars = drawn(figure, "value")
    assert [bar.get_x() for bar in bars] == [0, 0, 0]
    assert [bar.get_width() for bar in bars] == [0.4, 0.3, 0.2]
    assert figure.axes[0].get_xlim()[0] == 0
    assert labels(figure.axes[0].yaxis) == ["B", "C", "A"]
    assert said(figure, "figure") == ["40.0%", "30.0%", "20.0%"]
    assert np.allclose(ranges(figure), [[0.36, 0.45], [0.26, 0.35], [0.16, 0.25]])


def test_a_negative_bar_starts_at_zero_too() -> None:
    figure = charts.bars(groups(["A", "B"], [-0.2, 0.1]), "owner")
    assert [(bar.get_x(), bar.get_width()) for bar in drawn(figure, "value")] == [
        (0, 0.1),
        (0, -0.2),
    ]
    low, high = figure.axes[0].get_xlim()
    assert low < -0.24 < 0 < 0.15 < high


def test_a_blank_group_comes_last_and_the_rest_is_counted() -> None:
    names = ["A", None, "B", "C", "D"]
    frame = groups(names, [0.1, 0.9, 0.2, 0.3, 0.4])
    figure = charts.bars(frame, "owner", most=3, lang="fr")
    assert labels(figure.axes[0].yaxis) == ["D", "C", "non attribué"]
    assert said(figure, "subtitle")[0].endswith(
        "Les 3 plus élevés sont montrés, 2 autres ne le sont pas."
    )
    assert labels(charts.bars(frame, "owner").axes[0].yaxis)[-1] == "not assigned"


def test_small_numbers_and_gaps_are_said_beside_their_bars() -> None:
    frame = groups(
        ["A", "B", "C"],
        [0.3, 0.2, NAN],
        n=[400, 4, 0],
        status=["ok", "insufficient", "missing"],
    )
    figure = charts.bars(frame, "owner")
    assert said(figure, "cases") == ["400 deals", "Too few cases to judge (4 deals)", "No figure"]
    assert [bar.get_hatch() for bar in drawn(figure, "value")][:2] == [None, "xxxx"]


def test_the_last_of_several_periods_is_drawn() -> None:
    both = pd.concat(
        [
            groups(["A"], [0.1], start="2026-04-01", end="2026-07-01", period="2026Q2"),
            groups(["A"], [0.2]),
        ]
    )
    assert [bar.get_width() for bar in drawn(charts.bars(both, "owner"), "value")] == [0.2]


# Two figures a row


def test_a_dumbbell_shows_value_and_reference_with_their_ranges() -> None:
    frame = compared(groups(["A", "B"], [0.2, 0.4]))
    figure = charts.dumbbell(frame, "owner")
    (value,), (reference,) = drawn(figure, "value"), drawn(figure, "reference")
    assert value.get_xdata().tolist() == [0.2, 0.4]
    assert reference.get_xdata().tolist() == frame["reference"].tolist()
    assert np.allclose(ranges(figure), frame[["low", "high"]])
    assert np.allclose(
        ranges(figure, "reference_range"), frame[["reference_low", "reference_high"]]
    )
    assert said(figure, "figures") == ["23.0% → 20.0%", "43.0% → 40.0%"]
    assert said(figure, "change")[0] == "−3.0 points (−8.0 to +2.0 points)"
    assert [each.get_text() for each in figure.legends[0].get_texts()][1:3] == [
        "Q2 2026",
        "Q3 2026",
    ]


def test_a_shown_change_has_its_colour_and_its_word() -> None:
    verdicts = ["better", "worse", "none_shown"]
    frame = compared(groups(list("ABC"), [0.2, 0.3, 0.4]), change_verdict=verdicts)
    figure = charts.dumbbell(frame, "owner", lang="fr")
    dots = [dot for kind in [*verdicts[:2], "value"] for dot in drawn(figure, kind)]
    assert [dot.get_color() for dot in dots] == [BETTER, WORSE, VALUE]
    assert len({dot.get_marker() for dot in dots}) == 3
    key = [each.get_text() for each in figure.legends[0].get_texts()]
    assert {"T3 2026, mieux, confirmé", "T3 2026, moins bien, confirmé", "T3 2026"} <= set(key)


def test_few_cases_are_said_and_do_not_set_the_scale() -> None:
    frame = compared(groups(list("ABC"), [0.2, 0.3, 0.9], n=[400, 17, 4]), target=NAN)
    frame["status"] = ["ok", "indicative", "insufficient"]
    frame.loc[2, ["reference", "change", "change_low", "change_high"]] = NAN
    figure = charts.dumbbell(frame, "owner")
    (sure,), (care,) = drawn(figure, "value"), drawn(figure, "care")
    assert (sure.get_xdata()[0], care.get_xdata().tolist()) == (0.2, [0.3])
    assert care.get_markerfacecolor() == "white"
    assert figure.axes[0].get_xlim()[1] < 0.5
    assert said(figure, "figures")[2] == "90.0%"
    assert said(figure, "change")[2] == "Too few cases to judge (4 deals)"


def test_the_highest_by_chance_is_not_the_title() -> None:
    few = groups(["A", "B", "C"], [0.2, 0.3, 1.0], n=[400, 400, 5])
    few["status"] = ["ok", "ok", "indicative"]
    assert charts.alt(charts.bars(few, "owner")) == "Win rate: from 20.0% (A) to 30.0% (B)"
    every = few.assign(status="indicative")
    assert charts.alt(charts.bars(every, "owner", lang="fr")) == "Taux de gain, T3 2026"


def test_kpis_have_each_a_scale_and_say_so() -> None:
    frame = compared(tidy([0.2, 0.4], kpi=["win_rate_count", "win_rate_value"]))
    figure = charts.dumbbell(frame)
    assert labels(figure.axes[0].xaxis) == []
    assert said(figure, "subtitle")[0].endswith("Each row has a scale of its own.")


def test_several_kpis_have_a_panel_each_with_the_same_groups() -> None:
    value = {"kpi": "win_rate_value", "label": "Win rate (value)"}
    both = [groups(["B", "A"], [0.2, 0.3]), groups(["A"], [0.6], **value)]
    verdicts = ["worse", "none_shown", "none_shown"]
    frame = compared(pd.concat(both), reference_period="2026Q3", change_verdict=verdicts)
    figure = charts.bars(frame, "owner", lang="fr")
    first, second = figure.axes
    assert [labels(ax.yaxis) for ax in figure.axes] == [["B", "A"], []]
    titles = [ax.get_title(loc="left") for ax in figure.axes]
    assert titles == ["Taux de gain", "Taux de gain en valeur"]
    assert [bar.get_y() + bar.get_height() / 2 for bar in second.patches] == [1]
    (worse,) = drawn(figure, "worse")
    assert (worse.get_xdata().tolist(), worse.get_ydata().tolist()) == ([0.2], [0])
    finding = "T3 2026\u00a0: moins bien que les autres, confirmé, pour taux de gain (B)"
    assert charts.alt(figure) == finding
    assert first.get_ylim() == second.get_ylim()


def test_other_rows_as_a_reference_are_named_so() -> None:
    figure = charts.dumbbell(compared(groups(["A"], [0.2]), reference_period="2026Q3"), "owner")
    assert "Reference" in [each.get_text() for each in figure.legends[0].get_texts()]


# Scorecard


def test_a_scorecard_has_a_row_a_kpi_with_bar_target_range_and_history() -> None:
    kpis = ["win_rate_count", "win_rate_value"]
    frame = compared(
        pd.concat([tidy([0.2]), tidy([0.5], kpi=kpis[1], label="Win rate (value)")]),
        target=[0.3, NAN],
    )
    history = pd.concat([tidy([0.2] * 11 + [0.1, 0.2, 0.3], kpi=kpi) for kpi in kpis])
    figure = charts.scorecard_rows(frame, history)
    first, second = drawn(figure, "value")
    scale = limits([0.2, 0.16, 0.25, 0.3, 0.23], floor=True)[1]
    assert (first.get_x(), second.get_x()) == (0, 0)
    assert first.get_width() == pytest.approx(0.2 / scale)
    (target,) = drawn(figure, "target")
    assert target.get_xdata()[0] == pytest.approx(0.3 / scale)
    assert np.allclose(ranges_of(figure.axes[0])[0], [0.16 / scale, 0.25 / scale])
    assert [len(line.get_xdata()) for line in drawn(figure, "history")] == [12, 12]
    assert said(figure, "figure") == ["20.0%", "50.0%"]
    assert said(figure, "name") == ["Win rate", "Win rate by value"]
    assert said(figure, "figure-small")[0] == "16.0–25.0%\n400 deals"
    assert "could be chance" in said(figure, "name-small")[0].replace("\n", " ")


def ranges_of(ax: Axes) -> list[list[float]]:
    (whiskers,) = ax.findobj(lambda artist: artist.get_gid() == "range")
    return [[x for x, _ in segment] for segment in whiskers.get_segments()]
