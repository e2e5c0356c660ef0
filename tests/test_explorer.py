"""The explorer: what its fields show is what its plain function gives, for hostile names too."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pandas.testing import assert_frame_equal
from test_hostile_names import HOSTILE, deals

import kpi_helpers as kh
from kpi_helpers.charts import alt
from kpi_helpers.controls import CONTROLS, Control, Shown, explored, explorer
from kpi_helpers.errors import UnknownName
from kpi_helpers.measure import measure_ahead
from kpi_helpers.reports import chosen, history, parameters
from kpi_helpers.reports.tables import read_csv
from kpi_helpers.sources import Dataset

TEAMS = sorted(HOSTILE[:8])


@pytest.fixture(scope="module")
def control(sample: Dataset) -> Control:
    return explorer(sample.at(sample.as_of), kpi="revenue")


@pytest.fixture(scope="module")
def hostile() -> Dataset:
    frame = deals().iloc[::8]
    frame["team"] = TEAMS * (len(frame) // len(TEAMS))
    segments = dict.fromkeys(HOSTILE[:3], "amount > 1000")
    return kh.load(frame, {"language": "en", "segments": segments})


def assert_same(one: Shown, other: Shown) -> None:
    assert (one.sentences, one.figures) == (other.sentences, other.figures)
    assert (one.figure is None, one.frame is None) == (other.figure is None, other.frame is None)
    if one.figure is not None:
        assert alt(one.figure) == alt(other.figure)
    if one.frame is not None:
        assert_frame_equal(one.frame, other.frame)


@pytest.mark.thorough
@pytest.mark.parametrize("name", CONTROLS)
def test_defaults_show_what_the_plain_function_gives(sample: Dataset, name: str) -> None:
    plain, made = CONTROLS[name]
    shown = made(sample).shown
    assert shown.sentences
    assert_same(shown, plain(sample))


@pytest.mark.thorough
def test_defaults_are_the_scorecard_of_the_report(
    sample: Dataset, pack: Callable[[str], Path]
) -> None:
    written = read_csv(pack("sample fr") / "tables" / "compared.csv")
    told = explored(sample).frame.set_index("kpi")
    expected = written.set_index("kpi")
    assert told.index.tolist() == expected.index.tolist()
    for column in ("value", "reference", "low", "change"):
        np.testing.assert_allclose(told[column], expected[column], rtol=1e-9)
    for column in ("change_verdict", "target_verdict", "certainty"):
        assert told[column].tolist() == expected[column].tolist()


def test_figures_measured_ahead_are_those_asked_one_by_one(sample: Dataset) -> None:
    kpis, one = chosen(sample)[:12], sample.at(sample.as_of)
    calendar = sample.config.calendar
    ahead = calendar.periods("2020Q1:2026Q3", "quarter", sample.as_of, sample.first)
    other = sample.at(sample.as_of)
    measure_ahead(other, [*kpis, "expected_wins"], ahead)
    for period in ("2026Q3", "2024Q2"):
        frames = (kh.compare(data, kpis, period) for data in (one, other))
        assert_frame_equal(*frames)
        assert_frame_equal(*(history(data, kpis, period) for data in (one, other)))


@pytest.mark.thorough
@pytest.mark.parametrize(
    "asked",
    [
        {"kpi": "win_rate_count", "period": "2026Q1", "to": "year_ago"},
        {"kpi": "win_rate_count", "by": "team", "to": "others"},
        {"kpi": "win_rate_count", "by": "team", "grain": "month"},
        {"kpi": "revenue", "grain": "month", "where": "team == 'Équipe A'"},
        {"view": "drivers", "kpi": "bookings"},
        {"view": "drivers", "kpi": "win_rate_count", "by": "team"},
        {"view": "benchmark", "kpi": "win_rate_count"},
        {"view": "benchmark", "kpi": "win_rate_count", "by": "region"},
        {"view": "forecast", "kpi": "win_rate_count", "grain": "quarter"},
        {"view": "funnel", "by": "team"},
    ],
)
def test_moved_fields_show_what_the_plain_function_gives(
    sample: Dataset, control: Control, asked: dict[str, str]
) -> None:
    control.reset()
    control.set(**asked)
    assert control._fault.value == ""
    assert_same(control.shown, explored(sample, **{**control.values, **asked}))
    assert control._table.value.count("<tr") > 1
    assert "data:image/png" in control._chart.value


def test_a_compared_figure_is_that_of_the_whole_kit(sample: Dataset) -> None:
    asked = {"kpi": "win_rate_count", "period": "2025Q4", "to": "year_ago"}
    expected = kh.compare(sample, "win_rate_count", "2025Q4", "year_ago")
    assert_frame_equal(explored(sample, **asked).frame, expected)


def test_what_cannot_be_answered_is_said(control: Control) -> None:
    control.reset()
    control.set(view="benchmark", kpi="revenue")
    assert control.shown == Shown()
    assert "benchmarks" in control._fault.value
    control.set(view="scorecard", to="others")
    assert control._fault.value
    control.set(to="previous")
    assert control._fault.value == ""


def test_fields_that_a_view_does_not_read_rest(control: Control) -> None:
    control.reset()
    control.set(view="forecast", kpi="revenue")
    resting = {name for name, field in control.fields.items() if field.disabled}
    assert resting == {"period", "to", "by"}
    control.reset()
    assert not any(field.disabled for field in control.fields.values())


def test_a_start_that_no_option_names_is_one(sample: Dataset) -> None:
    asked = {"kpi": "revenue", "period": "2026-05", "where": "amount > 500"}
    control = explorer(sample, **asked)
    assert {of: control.values[of] for of in asked} == asked
    assert control.fields["period"].options[-1][1] == "2026-09"
    with pytest.raises(UnknownName, match="Did you mean drivers"):
        explored(sample, "driver")


def test_hostile_names_are_plain_options_and_choose_their_own_rows(hostile: Dataset) -> None:
    control = explorer(hostile, kpi="deals_won_count", period="2026Q1")
    where = {value: label for label, value in control.fields["where"].options}
    assert set(HOSTILE[:3]) <= {*where}
    filters = [each for each in where if each.startswith("team == ")]
    assert len(filters) == len(TEAMS)
    won = hostile["deals"].query("is_won and '2026-01-01' <= closed_at < '2026-04-01'")
    own = won["team"].value_counts()
    for team, each in zip(TEAMS, filters, strict=True):
        control.set(where=each)
        assert control.shown.frame["value"].tolist() == [own[team]]


@pytest.mark.parametrize("by", ["owner", "team", "product"])
def test_hostile_names_stay_text(hostile: Dataset, by: str) -> None:
    control = explorer(hostile, kpi="win_rate_count", period="2026Q1", by=by)
    control.keep(HOSTILE[0])
    control.set(to="others", where=HOSTILE[1])
    html = "".join(each.value for each in (control._said, control._side, control._table))
    assert re.findall(r"<(?:script|img|b>)", html) == []
    assert "&lt;script&gt;" in html
    assert len(re.findall("<[^>]*>", control._chart.value)) == 1


CELL = "period = 'last'\ninteractive = True"
GIVEN = ["", CELL, "period = '2026Q3'\ninteractive = True", "now"]


@pytest.mark.parametrize(
    ("served", "cells", "told"),
    [(True, ["", CELL, "x()"], None), (False, ["", CELL, "x()"], False), (True, GIVEN, False)],
)
def test_controls_are_there_for_a_person_only(
    monkeypatch: pytest.MonkeyPatch, served: bool, cells: list[str], told: bool | None
) -> None:
    monkeypatch.delenv(parameters.SESSION, raising=False)
    if served:
        monkeypatch.setenv(parameters.SESSION, "01.ipynb")
    names = {"In": cells, "period": "2026Q3", "interactive": True}
    assert parameters.accepted(names).get("interactive") is told


def test_a_report_has_no_controls() -> None:
    books = sorted((Path(__file__).parents[1] / "notebooks").glob("0*.ipynb"))
    each = parameters.of_each({"interactive": True}, books)
    assert [own["interactive"] for own in each.values()] == [False] * len(books)
