"""What every chart holds to: any text is inert, what is empty is said, the bytes are the same."""

import itertools
import math
import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Text

import kpi_helpers as kh
from kpi_helpers import charts
from kpi_helpers.charts.lettering import fitted, inert, width_of, wrapped
from kpi_helpers.charts.reader import rows_of
from kpi_helpers.charts.scales import limits, own_scales
from kpi_helpers.charts.theme import BAND, BAR
from kpi_helpers.compare import compare
from kpi_helpers.language import LANGUAGES

SAMPLE = Path(__file__).parents[1] / "data" / "sample"
HOSTILE = [
    "<script>alert(1)</script>",
    "$\\unknown$",
    "=cmd|' /C calc'!A0",
    'O\'Brien & "Söhne" 🚀',
    "שלום עולם \u202e12",
    "a\nb\tc\x00",
    "W" * 500,
    "株式会社",
    "",
    None,
]
KINDS = ["bars", "dumbbell", "line", "scorecard_rows", "small_multiples"]
# Machado, Oliveira and Fernandes 2009, severity 1, on linear RGB.
BLINDNESS = {
    "none": np.eye(3),
    "protanopia": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "deuteranopia": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    "tritanopia": [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]],
}

Frames = dict[str, pd.DataFrame]


@pytest.fixture(scope="module")
def frames() -> Frames:
    """Measured and compared frames of the sample company, by owner and as a whole."""
    data, kpis = kh.load(SAMPLE), ["win_rate_count", "revenue", "sales_cycle_duration"]
    return {
        "series": kh.measure(data, "win_rate_count", "2024Q1:2026Q3"),
        "history": kh.measure(data, kpis, "2024Q1:2026Q3"),
        "owners": kh.measure(data, "win_rate_count", "2026Q1:2026Q3", by="owner"),
        "compared": compare(data, kpis, "2026Q3"),
        "compared_owners": compare(data, "win_rate_count", "2026Q3", by="owner"),
    }


def draw(kind: str, frames: Frames, **options: object) -> Figure:
    if kind == "line":
        return charts.line(frames["series"], **options)
    if kind == "scorecard_rows":
        return charts.scorecard_rows(frames["compared"], frames["history"], **options)
    if kind == "dumbbell":
        return charts.dumbbell(frames["compared_owners"], "owner", **options)
    return getattr(charts, kind)(frames["owners"], "owner", **options)


def words(figure: Figure) -> list[str]:
    """Return every text of a figure."""
    return [text.get_text() for text in figure.findobj(Text) if text.get_text().strip()]


# Text of the data


@pytest.mark.parametrize("kind", KINDS)
def test_any_text_is_drawn_as_it_is(kind: str, frames: Frames) -> None:
    hostile = {}
    for name, frame in frames.items():
        column = "owner" if "owner" in frame else "label"
        there = list(dict.fromkeys(frame[column]))
        names = frame[column].map(dict(zip(there, HOSTILE, strict=False))).astype(object)
        hostile[name] = frame.assign(**{column: names.where(names.notna(), None)})
    figure = draw(kind, hostile, title=HOSTILE[1], lang="fr")
    assert charts.image(figure).startswith(b"\x89PNG")
    assert HOSTILE[1] in words(figure)
    assert not any(character in word for word in words(figure) for character in "\u202e\x00\t")
    assert all(not text.get_parse_math() for text in figure.findobj(Text) if text.get_text())


def test_names_are_readable_or_boxes_and_blanks_are_said(frames: Frames) -> None:
    owners = frames["owners"]
    renamed = owners["owner"].map(dict(zip(owners["owner"].unique(), HOSTILE, strict=True)))
    figure = charts.bars(owners.assign(owner=renamed.astype(object)), "owner", lang="fr")
    shown = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert {"$\\unknown$", 'O\'Brien & "Söhne" □', "a b c", "□□□□", "non attribué"} <= set(shown)
    (long,) = (name for name in shown if name.startswith("WWW"))
    assert long.endswith("…")
    assert width_of(long) <= 150


def test_texts_in_the_caller_s_axes_are_inert_too(frames: Frames) -> None:
    _, ax = plt.subplots()
    figure = charts.bars(frames["owners"].assign(owner="$\\unknown$"), "owner", axes=[ax])
    charts.image(figure)
    plt.close(figure)


@given(st.text(max_size=80), st.floats(20, 300), st.booleans())
@settings(max_examples=60, deadline=None)
def test_text_never_exceeds_its_room(text: str, room: float, bold: bool) -> None:
    line = fitted(text, room, 9, bold)
    assert width_of(line, 9, bold) <= room or len(line) == 1
    assert "\n" not in inert(text)
    lines = wrapped(text, room, 9, bold, most=2)
    assert len(lines) <= 2
    assert all(width_of(each, 9, bold) <= room or len(each) == 1 for each in lines)


def test_nothing_is_lost_when_there_is_room() -> None:
    text = "Sous l’objectif, mais cela peut être le hasard"
    assert " ".join(wrapped(text, 100, 9, most=9)) == text


# Nothing to draw


@pytest.mark.parametrize("lang", ["en", "fr"])
@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_frame_says_so(kind: str, lang: str, frames: Frames) -> None:
    empty = {name: frame.head(0) for name, frame in frames.items()}
    said = {"en": "Nothing to show", "fr": "Rien à montrer"}[lang]
    assert said in words(draw(kind, empty, lang=lang))


@pytest.mark.parametrize("kind", KINDS)
def test_missing_values_say_why(kind: str, frames: Frames) -> None:
    numbers = ["value", "low", "high", "n", "numerator", "denominator"]
    gone = {
        name: frame.assign(**dict.fromkeys(numbers, math.nan), status="missing", note="Not counted")
        for name, frame in frames.items()
    }
    figure = draw(kind, gone)
    unseen = kind == "scorecard_rows"  # the table under the chart names them
    assert any(("Nothing to show" if unseen else "Not counted") in word for word in words(figure))
    assert charts.image(figure)


@pytest.mark.parametrize("kind", KINDS)
def test_a_frame_without_columns_is_empty(kind: str) -> None:
    nothing = dict.fromkeys(["series", "history", "owners", "compared", "compared_owners"])
    assert words(draw(kind, dict.fromkeys(nothing, pd.DataFrame())))


@given(
    st.lists(st.tuples(*[st.floats(-1e6, 1e6) | st.just(math.nan)] * 3), min_size=11, max_size=11)
)
@settings(max_examples=20, deadline=None)
def test_any_numbers_can_be_drawn(numbers: list[tuple[float, float, float]]) -> None:
    days = pd.date_range("2024-01-01", periods=12, freq="QS")
    frame = pd.DataFrame(numbers, columns=["value", "low", "high"]).assign(
        **{"kpi": "aov", "label": "AOV", "unit": "money", "better": "higher", "note": ""},
        **{"period": [f"{day.year}Q{day.quarter}" for day in days[:-1]], "method": "ratio"},
        **{"start": days[:-1], "end": days[1:], "n": 50.0, "status": "ok", "owner": "A"},
        **{"numerator": 1.0, "denominator": 1.0},
    )
    assert charts.alt(charts.line(frame))
    assert charts.alt(charts.bars(frame, "owner"))


# The same each time


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_frame_gives_the_same_bytes(kind: str, frames: Frames) -> None:
    figure = draw(kind, frames)
    assert charts.image(figure) == charts.image(figure) == charts.image(draw(kind, frames))


def test_what_is_set_outside_changes_nothing_and_nothing_is_set(frames: Frames) -> None:
    before = dict(mpl.rcParams)
    plain = charts.image(draw("line", frames))
    assert dict(mpl.rcParams) == before
    with plt.style.context("dark_background"), mpl.rc_context({"font.size": 30}):
        assert charts.image(draw("line", frames)) == plain


def test_the_frames_are_left_as_they_were(frames: Frames) -> None:
    copies = {name: frame.copy() for name, frame in frames.items()}
    for kind in KINDS:
        draw(kind, frames)
    for name, frame in frames.items():
        pd.testing.assert_frame_equal(frame, copies[name])


def test_an_unknown_option_is_an_error(frames: Frames) -> None:
    with pytest.raises(TypeError, match="langue"):
        draw("line", frames, langue="fr")


# Where it is drawn


@pytest.mark.parametrize("kind", ["line", "dumbbell"])
def test_a_chart_draws_into_the_axes_it_is_given(kind: str, frames: Frames) -> None:
    figure, (left, right) = plt.subplots(1, 2)
    assert draw(kind, frames, ax=right, title="A finding") is figure
    assert right.get_title(loc="left") == charts.alt(figure) == "A finding"
    assert not left.has_data()
    plt.close(figure)


@pytest.mark.parametrize("kind", ["small_multiples", "scorecard_rows", "bars"])
def test_a_chart_of_many_draws_into_many(kind: str, frames: Frames) -> None:
    figure, axes = plt.subplots(1, 2)
    other = frames["owners"].assign(kpi="win_rate_value")
    many = {**frames, "owners": pd.concat([frames["owners"], other])} if kind == "bars" else frames
    assert draw(kind, many, axes=list(axes), title="A finding") is figure
    assert figure.get_suptitle() == "A finding"
    assert all(ax.has_data() for ax in axes)
    plt.close(figure)


def test_small_multiples_share_their_scales_and_count_the_rest(frames: Frames) -> None:
    figure = charts.small_multiples(frames["owners"], "owner", most=4)
    panels = [ax for ax in figure.axes if ax.axison]
    assert len(panels) == 4
    assert len({(ax.get_ylim(), ax.get_xlim()) for ax in panels}) == 1
    assert any(
        word.endswith("The 4 highest are shown, 6 others are not.") for word in words(figure)
    )
    last = frames["owners"].query("period == '2026Q3'").nlargest(4, "value")["owner"].tolist()
    assert [ax.get_title(loc="left") for ax in panels] == last


def test_a_notebook_gets_the_alt_text(frames: Frames) -> None:
    figure = draw("line", frames, title="A finding")
    data, metadata = figure._repr_mimebundle_()
    assert data["image/png"] == charts.image(figure)
    assert metadata["image/png"]["alt"] == "A finding"


# Seeing


def linear(colour: str) -> np.ndarray:
    parts = np.array(to_rgb(colour))
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def luminance(colour: str) -> float:
    return float(linear(colour) @ [0.2126, 0.7152, 0.0722])


def lab(rgb: np.ndarray) -> np.ndarray:
    """Return linear RGB as CIELAB, in which distances are those that are seen."""
    matrix = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = matrix @ np.clip(rgb, 0, 1) / [0.9505, 1, 1.089]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("blindness", BLINDNESS)
def test_colours_stay_apart(blindness: str) -> None:
    seen = [lab(np.array(BLINDNESS[blindness]) @ linear(colour)) for colour in charts.PALETTE]
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) >= 20


def test_colours_stay_apart_in_grey() -> None:
    grey = [lab(linear(colour))[0] for colour in charts.PALETTE]
    assert grey == sorted(grey)
    assert min(np.diff(grey)) >= 10


def test_a_range_is_seen_on_its_bar_and_words_on_paper() -> None:
    def contrast(one: str, other: str) -> float:
        dark, light = sorted([luminance(one), luminance(other)])
        return (light + 0.05) / (dark + 0.05)

    assert contrast(charts.PALETTE[0], BAND) >= 4.5
    assert contrast("#1f2933", BAR) >= 4.5
    assert contrast("#55616d", "#ffffff") >= 4.5


# Scales


@given(st.lists(st.floats(-1e9, 1e9), min_size=1), st.booleans())
def test_limits_hold_every_value_and_zero_for_bars(values: list[float], floor: bool) -> None:
    low, high = limits(values, floor)
    assert low <= min(values)
    assert max(values) <= high
    assert low < high
    assert not floor or low <= 0 <= high


def test_a_small_change_looks_small_on_a_scale_of_its_own() -> None:
    row = {"value": 103.0, "reference": 100.0, "change_low": math.nan, "change_high": math.nan}
    places = own_scales(rows_of(pd.DataFrame([row])), ["value", "reference"])
    assert 0 < places["value"][0] - places["reference"][0] < 0.15


def test_charts_need_neither_pyplot_nor_seaborn() -> None:
    code = (
        "import sys, kpi_helpers.charts as charts, pandas as pd\n"
        "charts.image(charts.line(pd.DataFrame()))\n"
        "print(*{'matplotlib.pyplot', 'seaborn', 'scipy', 'IPython'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ""


def test_a_count_against_its_target_has_no_whisker(frames: Frames) -> None:
    counted = frames["compared"].assign(target=1.0, method="garwood")
    figure = charts.scorecard_rows(counted, frames["history"])
    assert figure.axes[0].findobj(lambda artist: artist.get_gid() == "range") == []


def test_numbers_along_narrow_axes_stand_apart() -> None:
    kpis = ["win_rate_count", "open_pipeline_value", "bookings", "avg_deal_value"]
    figure = charts.bars(kh.measure(kh.load(SAMPLE), kpis, "2026Q3", by="owner"), "owner")
    for ax in figure.axes:
        seen = [each for each in ax.get_xticklabels() if each.get_visible() and each.get_text()]
        boxes = [each.get_window_extent() for each in seen]
        assert boxes
        assert all(one.x1 + 4 < other.x0 for one, other in itertools.pairwise(boxes))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_words_of_a_scorecard_stay_on_the_page_and_whole(lang: str) -> None:
    data, kpis = kh.load(SAMPLE), ["bookings", "sales_cycle_duration", "missed_call_rate"]
    history = kh.measure(data, kpis, "2024Q1:2026Q3", grain="quarter")
    among = {"status": "ok", "change_verdict": "none_shown"}
    among |= {"change_low": 0.1, "change_high": 0.2}
    among |= {"target_verdict": "none", "reference": 1.0, "reference_period": "2025Q3"}
    frame = kh.compare(data, kpis, "2026Q3").assign(certainty="not_established", **among)
    figure = charts.scorecard_rows(frame, history, lang=lang)
    charts.image(figure)
    page, words = figure.bbox, [each for ax in figure.axes for each in (*ax.texts, ax.title)]
    boxes = [each.get_window_extent() for each in words]
    assert len(boxes) > 12
    assert all(page.x0 <= box.x0 and box.x1 <= page.x1 for box in boxes if box.width)
    assert not [each.get_text() for each in words if "…" in each.get_text()]
