"""A pack as a workbook and as slides: the figures of its tables, nothing that runs, no word cut."""

import math
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from handed import alts_of, cells_of, made_again, outside, parts, sheets, slides, title_of
from hypothesis import given
from hypothesis import strategies as st

from kpi_helpers import reports
from kpi_helpers.cli import main
from kpi_helpers.errors import KpiError
from kpi_helpers.language import LANGUAGES, text
from kpi_helpers.reports import exporting, workbook
from kpi_helpers.reports.columns import FIGURES, NAMES, Words, headings, number_format, unit_of
from kpi_helpers.reports.deck import BODY, begin, begun, table_of
from kpi_helpers.reports.exporting import Made, export
from kpi_helpers.reports.slides import _cells
from kpi_helpers.reports.tables import read_csv
from kpi_helpers.sources.saving import as_csv
from kpi_helpers.units import write, write_change
from kpi_helpers.wording.told import plain

pytestmark = pytest.mark.thorough

PACK, LANG = "sample fr", "fr"
# Columns whose differences of rates stand in points, a hundred times what the table holds.
IN_POINTS = re.compile(
    r"change|change_(low|high)|gap|effect|announced|detectable|per_\w+|amount|mix|low|high"
    r"|contribution|to_\w+"
)
Pack = Callable[[str], Path]


@pytest.fixture(scope="module")
def folder(pack: Pack) -> Path:
    return pack(PACK)


@pytest.fixture(scope="module")
def cells(folder: Path) -> dict[str, list[list[object]]]:
    return sheets(folder / "report.xlsx")


def raw(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")


def number(said: str) -> float | None:
    try:
        return float(said)
    except ValueError:
        return None


# --- the workbook ---------------------------------------------------------------------------------


def test_a_sheet_holds_every_figure_of_its_table(
    folder: Path, cells: dict[str, list[list[object]]]
) -> None:
    compared = 0
    for path in sorted(folder.glob("tables/*.csv")):
        table, sheet = raw(path), cells[workbook.sheet_names([path.stem])[0]]
        assert len(sheet) == len(table) + 1, path.name
        for place, column in enumerate(table):
            for said, row in zip(table[column], sheet[1:], strict=True):
                cell, figure = row[place], number(said)
                if figure is None or isinstance(cell, str | bool) or not math.isfinite(figure):
                    continue
                ratio = 100 if not math.isclose(cell, figure, rel_tol=1e-9) else 1
                assert math.isclose(cell, ratio * figure, rel_tol=1e-9, abs_tol=1e-9)
                assert ratio == 1 or IN_POINTS.fullmatch(column), (path.name, column)
                compared += 1
    assert compared > 20_000


def test_the_first_sheet_says_what_the_pages_say(
    folder: Path, cells: dict[str, list[list[object]]]
) -> None:
    first = next(iter(cells.values()))
    said = [row[0] for row in first]
    findings = read_csv(folder / "tables" / "findings.csv")
    assert set(findings["sentence"]) <= set(said)
    linked = {row[2] for row in first} | {row[0] for row in first}
    assert {path.stem for path in folder.glob("tables/*.csv")} <= linked
    places = re.findall(
        rb'location="(.+?)!A1"', parts(folder / "report.xlsx")["xl/worksheets/sheet1.xml"]
    )
    assert {place.decode().strip("'") for place in places} <= set(cells)


def test_nothing_in_a_workbook_runs_or_leads_away(folder: Path) -> None:
    inside = parts(folder / "report.xlsx")
    drawn = [name for name in inside if name.startswith("xl/charts/chart")]
    assert len(drawn) >= 3
    held = [part for name, part in inside.items() if name.startswith("xl/worksheets/sheet")]
    assert not any(b"<f>" in part or b"<f " in part for part in held)
    assert outside(folder / "report.xlsx") == outside(folder / "report.pptx") == []
    described = b"".join(part for name, part in inside.items() if "drawings/drawing" in name)
    assert described.count(b"descr=") == len(drawn)


def test_a_table_is_headed_filtered_and_wide_enough(folder: Path) -> None:
    inside = parts(folder / "report.xlsx")
    names = [name for name in inside if re.fullmatch(r"xl/worksheets/sheet\d+\.xml", name)]
    tables = [inside[name].decode() for name in names if b"<autoFilter" in inside[name]]
    assert len(tables) == len(list(folder.glob("tables/*.csv")))
    for sheet in tables:
        assert 'ySplit="1"' in sheet
        widths = [float(width) for width in re.findall(r'<col [^>]*width="([\d.]+)"', sheet)]
        assert min(widths, default=99) >= workbook.WIDTHS[0]


@given(st.lists(st.text(max_size=40), max_size=8))
def test_any_names_make_sheets(asked: list[str]) -> None:
    names = workbook.sheet_names(asked)
    assert len({name.casefold() for name in names}) == len(asked)
    assert all(0 < len(name) <= 31 and not set(name) & set("[]:*?/\\'") for name in names)


@pytest.fixture
def odd(folder: Path, tmp_path: Path) -> Made:
    """Return a pack with one table of cells that a workbook cannot hold as they are."""
    made = made_again(folder, LANG, "2026Q3")
    path = tmp_path / "tables" / "odd.csv"
    path.parent.mkdir()
    said = ["x" * 40_000, "=HYPERLINK(0)", "a\x00\x1b\ufffe", "007", "NA", "+1", "-2", "@SUM(A1)"]
    frame = pd.DataFrame({"=1+1": said, "value": [1.5, np.inf, -np.inf, np.nan, 1, 2, 3, 4]})
    path.write_bytes(as_csv(frame))
    # A forecast without the past that it goes on from.
    ahead = {"kpi": "=k", "period": "2026-10", "start": "2026-10-01", "value": 2.0, "lo80": 1.0}
    later = path.with_name("forecasts.csv")
    later.write_bytes(
        as_csv(pd.DataFrame([{**ahead, "hi80": 3.0, "label": "=1+1", "unit": "count"}]))
    )
    return made._replace(folder=tmp_path, tables=dict.fromkeys((path, later), "01_kpi_evaluation"))


def test_cells_that_a_workbook_cannot_hold_are_made_to_fit(
    odd: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    export(odd, ["xlsx"])
    sheet = sheets(odd.folder / "report.xlsx")["odd"]
    assert sheet[0] == ["=1+1", "Valeur"]
    assert [row[0] for row in sheet[2:]] == [
        *("=HYPERLINK(0)", "a", "007", "NA", "+1", "-2", "@SUM(A1)")
    ]
    assert len(str(sheet[1][0])) == workbook.LONGEST
    assert [row[1] for row in sheet[1:5]] == [1.5, "", "", ""]
    monkeypatch.setattr(workbook, "MOST_ROWS", 4)
    export(odd, ["xlsx"])
    cut = sheets(odd.folder / "report.xlsx")
    assert len(cut["odd"]) == 4
    assert any("odd.csv" in str(row[3]) for row in next(iter(cut.values())))


@pytest.mark.parametrize(
    ("value", "unit", "change", "lang", "form"),
    [
        (0.2, "percent", False, "fr", '#,##0.0"\u00a0"%'),
        (0.02, "percent", True, "en", '+#,##0.0" points";−#,##0.0" points";#,##0.0" points"'),
        (3_329_268.79, "money", False, "fr", '#,##0"\u00a0€"'),
        (-12.5, "money", False, "en", '"€"#,##0.00;−"€"#,##0.00;"€"#,##0.00'),
        (1, "days", False, "fr", '#,##0" jour"'),
    ],
)
def test_a_number_has_the_format_of_its_unit(
    value: float, unit: str, change: bool, lang: str, form: str
) -> None:
    assert number_format(value, unit, change, Words(lang)) == form


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_column_of_a_slide_has_a_heading(lang: str) -> None:
    columns = [*NAMES, *FIGURES]
    said = headings("weighed", columns, Words(lang))
    bare = [column for column in columns if said[column].startswith(column)]
    assert {column.capitalize() for column in bare} & set(said.values()) == set()
    assert [column for column in bare if "_" in column] == []


def test_a_slide_of_a_bottleneck_says_how_many_periods_and_in_the_units_of_each_measure() -> None:
    usual = {"before": 3, "n": 2770.0, "unit": "money", "kpi": "achievable_gain"}
    passing = usual | {"measure": "stage_conversion", "now": 0.35, "reference": 0.38}
    time = usual | {"measure": "time_in_stage", "now": 36.0, "reference": 68.0}
    said = [_cells(pd.DataFrame([row]), "bottleneck", Words("en"), True) for row in (passing, time)]
    counts = [["Periods compared", "3"], ["Cases", "2,770"]]
    assert [line for line in said[0] if line in counts] == counts
    assert {line[1] for line in said[0][-2:]} == {"35.0%", "38.0%"}
    assert {line[1] for line in said[1][-2:]} == {"36 days", "68 days"}


def test_a_slide_names_the_ends_of_a_bridge_by_their_periods() -> None:
    usual = {"bridge": "bookings", "unit": "money", "step": "", "name": ""}
    spring = usual | {"period": "2026Q2", "start": "2026-04-01", "end": "2026-07-01"}
    summer = usual | {"period": "2026Q3", "start": "2026-07-01", "end": "2026-10-01"}
    rows = [
        spring | {"kind": "before", "amount": 90.0},
        summer | {"kind": "change", "amount": -20.0, "step": "decided"},
        summer | {"kind": "after", "amount": 70.0},
    ]
    said = _cells(pd.DataFrame(rows), "bookings_steps", Words("en"), True)
    assert [line[0] for line in said] == ["Step", "Q2 2026", "Deals decided", "Q3 2026"]


def test_a_slide_names_a_kpi_in_the_language_of_its_reader() -> None:
    row = {"kpi": "stage_conversion", "label": "Stage conversion", "value": 0.4, "unit": "percent"}
    said = _cells(pd.DataFrame([row]), "passing", Words("fr"), True)
    assert said[0] == ["KPI", "Taux de passage entre étapes"]


# --- the slides -----------------------------------------------------------------------------------


def test_a_finding_is_a_slide(folder: Path) -> None:
    findings = read_csv(folder / "tables" / "findings.csv")
    deck = slides(folder / "report.pptx")
    titles = [title_of(slide) for slide in deck]
    told_ = [plain(sentence, longest=None) for sentence in findings["sentence"]]
    assert titles[1 : len(told_) + 1] == told_
    assert titles[-1] == text("export.limits", LANG)
    assert text("report.index.decisions", LANG) in titles
    assert all(slide.notes_slide.notes_text_frame.text for slide in deck[1 : len(told_) + 1])


def test_a_slide_shows_the_figures_of_the_rows_behind_it(folder: Path) -> None:
    weighed = read_csv(folder / "tables" / "weighed.csv")
    deck = {title_of(slide): cells_of(slide) for slide in slides(folder / "report.pptx")}
    findings = read_csv(folder / "tables" / "findings.csv")
    alone = findings[(findings["table"] == "weighed") & findings["rows"].str.isdigit()]
    assert len(alone) >= 5
    for found in alone.to_dict("records"):
        row = weighed.iloc[int(found["rows"]) - 1]
        shown = {line[0]: line[1].split("\n")[0] for line in deck[found["sentence"]]}
        head = headings("weighed", list(weighed), Words(LANG))
        assert shown[head["value"]] == write(row["value"], row["unit"], LANG)
        assert shown[head["change"]] == write_change(row["change"], row["unit"], LANG)
        if row["target"] == row["target"]:
            assert shown[head["target"]] == write(row["target"], row["unit"], LANG)


def test_a_chart_says_what_it_shows(folder: Path) -> None:
    deck = slides(folder / "report.pptx")
    alts = [alt for slide in deck for alt in alts_of(slide)]
    assert len(alts) >= len(deck) / 3
    assert all(alts)
    made = made_again(folder, LANG, "2026Q3")
    tags = {
        t
        for book in made.notebooks.values()
        for c in book.cells
        for t in c.metadata.get("tags", ())
    }
    shown = {tag.removeprefix("shows-") for tag in tags if tag.startswith("shows-")}
    code = "".join(cell.source for book in made.notebooks.values() for cell in book.cells)
    assert len(shown) > 30
    assert [table for table in sorted(shown) if f'"{table}": ' not in code] == []


def test_nothing_lies_outside_a_slide(folder: Path) -> None:
    deck = slides(folder / "report.pptx")
    for slide in deck:
        for shape in slide.shapes:
            assert shape.left >= 0
            assert shape.top >= 0
            assert shape.left.inches + shape.width.inches <= 13.334
            assert shape.top.inches + shape.height.inches <= 7.5, title_of(slide)


@pytest.mark.parametrize("letters", [10, 60, 120])
def test_letters_grow_smaller_before_a_table_runs_over(letters: int) -> None:
    slide = begin(begun(), "Un constat")
    said = "Mot " * (letters // 4)
    table_of(
        slide, [["Nom", "Valeur"], *([said, "3\u202f329\u202f269\u00a0€"] for _ in range(7))], BODY
    )
    (shape,) = (shape for shape in slide.shapes if shape.has_table)
    sizes = {
        run.font.size.pt
        for row in shape.table.rows
        for cell in row.cells
        for run in cell.text_frame.paragraphs[0].runs
    }
    assert shape.height.inches <= BODY.height
    assert sizes == {{10: 24.0, 60: 20.0, 120: 14.0}[letters]}


# --- both -----------------------------------------------------------------------------------------


def test_the_same_pack_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    made = made_again(folder, LANG, "2026Q3")._replace(folder=tmp_path)
    export(made, ["xlsx", "pptx"])
    for name in ("report.xlsx", "report.pptx"):
        assert parts(tmp_path / name) == parts(folder / name)
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_a_package_that_is_not_there_is_named_before_anything_is_computed(
    lang: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "find_spec", {"xlsxwriter": 1}.get)
    steps: list[str] = []
    with pytest.raises(KpiError) as caught:
        reports.run({}, tmp_path, lambda step, **_: steps.append(step), forms=["xlsx", "pptx"])
    assert 'pip install "kpi-helpers[pptx]"' in caught.value.render(lang)
    assert steps == []
    assert main(["report", "--pptx", "--out", str(tmp_path), "--lang", lang]) == 2
    assert list(tmp_path.iterdir()) == []


def test_a_difference_of_rates_is_no_percentage() -> None:
    row = {"unit": "percent", "kind": "change", "bridge": "revenue"}
    assert unit_of("change", "weighed", row) == unit_of("amount", "rate_steps", row)
    assert unit_of("value", "weighed", row) == ("percent", False)
