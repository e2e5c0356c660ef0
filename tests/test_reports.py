"""The rooms of a report, without a kernel: parameters, tables, record and page."""

import json
import re
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from kpi_helpers import compare, load
from kpi_helpers.errors import BadConfig, BadPeriod, KpiError, UnknownName
from kpi_helpers.reports import facts, opening, parameters, places, record, running, tables
from kpi_helpers.reports.naming import folder_name
from kpi_helpers.reports.page import page

NOTEBOOK = places.notebooks() / "01_kpi_evaluation.ipynb"
DEALS = pd.DataFrame(
    {
        "deal_id": [str(i) for i in range(8)],
        "created_at": ["2026-01-05"] * 4 + ["2026-04-05"] * 4,
        "status": ["won", "lost", "won", "lost", "won", "lost", "lost", "lost"],
        "closed_at": ["2026-02-01"] * 4 + ["2026-05-01"] * 3 + ["2026-06-30"],
        "amount": [100.0, 200.0, 300.0, 400.0, 500.0, 600.0, 700.0, 800.0],
        "owner": ["Ana", "Bo"] * 4,
    }
)

# --- parameters ---------------------------------------------------------------------------------

DEFAULTS = {"period": "last", "kpis": [], "share": False, "draws": 1000, "level": 0.95}


def test_the_shipped_notebook_declares_its_parameters() -> None:
    names = list(parameters.declared(NOTEBOOK))
    shown = ["by", "kpis", "as_of", "segment", "before", "share", "lang", "interactive"]
    assert names == ["data", "config", "period", *shown]


@pytest.mark.parametrize(
    "given",
    [{}, {"period": "2026Q3"}, {"kpis": ["cac"]}, {"level": 1}, {"draws": 5, "share": True}],
)
def test_what_fits_passes_and_the_rest_keeps_its_default(given: dict) -> None:
    assert parameters.checked(given, DEFAULTS) == {**DEFAULTS, **given}


@pytest.mark.parametrize("name", ["perod", "Period", "period = 1; import os", "", "period "])
def test_an_unknown_parameter_stops_the_run(name: str) -> None:
    with pytest.raises(UnknownName) as caught:
        parameters.checked({name: "2026Q3"}, DEFAULTS)
    assert caught.value.exit_code == 2


def test_the_nearest_parameter_is_named() -> None:
    with pytest.raises(UnknownName, match="Did you mean period?"):
        parameters.checked({"perod": "2026Q3"}, DEFAULTS)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("period", 2026.0), ("period", None), ("kpis", [1]), ("kpis", ("cac",)), ("kpis", "[1]")],
        *[("kpis", '["cac"'), ("share", "yes"), ("share", 1), ("share", "__import__('os')")],
        *[("draws", 1.5), ("draws", True), ("draws", "1.5"), ("level", "0,9"), ("level", None)],
    ],
)
def test_a_value_of_the_wrong_type_stops_the_run(name: str, value: object) -> None:
    with pytest.raises(KpiError, match=f"The parameter {name} cannot be"):
        parameters.checked({name: value}, DEFAULTS)


# --- what the parameters name -------------------------------------------------------------------


def test_a_folder_without_data_stands_for_the_sample(tmp_path: Path) -> None:
    assert places.project(tmp_path) == (places.sample(), None)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "README.md").touch()
    assert places.project(tmp_path) == (places.sample(), None)


def test_a_project_is_found_from_its_folder_and_from_its_notebooks(tmp_path: Path) -> None:
    for folder in ("data", "notebooks"):
        (tmp_path / folder).mkdir()
    (tmp_path / "data" / "deals.csv").touch()
    assert places.project(tmp_path) == (tmp_path / "data", None)
    (tmp_path / "kpi.toml").touch()
    assert places.project(tmp_path) == (tmp_path / "data", tmp_path / "kpi.toml")
    source, settings = places.project(tmp_path / "notebooks")
    assert source is not None
    assert settings is not None
    assert source.samefile(tmp_path / "data")
    assert settings.samefile(tmp_path / "kpi.toml")


def test_settings_say_where_the_data_are_or_have_them_beside(tmp_path: Path) -> None:
    settings = tmp_path / "kpi.toml"
    settings.touch()
    assert places.project(tmp_path) == (tmp_path / "data", settings)
    (tmp_path / "deals.csv").touch()
    assert places.project(tmp_path) == (tmp_path, settings)
    settings.write_text('source = "elsewhere.csv"', "utf-8")
    assert places.project(tmp_path) == (None, settings)


def deals_file(folder: Path, settings: str = "") -> Path:
    DEALS.to_csv(folder / "deals.csv", index=False)
    (folder / "kpi.toml").write_text(f'schema = 1\nlanguage = "en"\n{settings}', "utf-8")
    return folder / "deals.csv"


def test_data_open_in_the_language_that_was_asked_for(tmp_path: Path) -> None:
    source = str(deals_file(tmp_path))
    assert opening.opened(source).config.lang == "en"
    assert opening.opened(source, lang="fr").config.lang == "fr"
    assert opening.opened(source).name == "deals"
    with pytest.raises(UnknownName, match="Unknown language: 'de'"):
        opening.opened(source, lang="de")


@pytest.mark.parametrize(
    ("period", "names"),
    [
        ("2026Q2", ["2026Q1", "2026Q2"]),
        ("2026Q1:2026Q2", ["2025Q3:2025Q4", "2026Q1:2026Q2"]),
        ("all", ["all"]),
    ],
)
def test_a_period_stands_beside_the_one_before_it(
    tmp_path: Path, period: str, names: list[str]
) -> None:
    data = opening.opened(str(deals_file(tmp_path)))
    frame = opening.side_by_side(data, ["deals_won_count"], period)
    assert frame["period"].tolist() == names
    whole = frame.set_index("period").loc[names[-1], "value"]
    assert whole == {"2026Q2": 1, "2026Q1:2026Q2": 3, "all": 3}[period]


def test_year_to_date_stands_beside_the_same_days_of_the_year_before(tmp_path: Path) -> None:
    data = opening.opened(str(deals_file(tmp_path)))
    frame = opening.side_by_side(data, ["deals_won_count"], "ytd")
    starts = frame["start"].dt.strftime("%Y-%m-%d").tolist()
    assert starts == ["2025-01-01", "2026-01-01"]


@pytest.mark.parametrize(
    ("period", "names"),
    [
        ("2026Q2", ["2023Q3", "2026Q2"]),
        ("2026Q1:2026Q2", ["2025-07", "2026-06"]),
        ("all", ["2025-07", "2026-06"]),
    ],
)
def test_the_history_is_twelve_periods(tmp_path: Path, period: str, names: list[str]) -> None:
    data = opening.opened(str(deals_file(tmp_path)))
    frame = opening.history(data, ["deals_won_count"], period)
    assert len(frame) == 12
    assert frame["period"].iloc[[0, -1]].tolist() == names
    assert frame["value"].sum() == 3


def test_groups_that_are_too_many_are_measured_as_one(tmp_path: Path) -> None:
    owners = [f"{i:02}" for i in range(20)] + ["O'Neil", None]
    deals = pd.concat([DEALS.assign(owner=owner) for owner in owners[:10] * 5 + owners[10:]])
    data = load(deals.assign(deal_id=range(len(deals))), {"schema": 1, "language": "en"})
    others = compare(data, ["win_rate_count", "deals_won_count"], "2026Q2", "others", "owner")
    shown = opening.folded(data, others, "2026Q2", "owner")
    won = shown[shown["kpi"] == "deals_won_count"].set_index("owner")["value"]
    assert len(won) == 13
    assert won.index[-1] == "Others (10)"
    assert won["Others (10)"] == 10
    assert won.sum() == 62


def test_unknown_names_are_refused_before_anything_runs(tmp_path: Path) -> None:
    data = opening.opened(str(deals_file(tmp_path)))
    quarter = data.config.calendar.parse("2026Q2")
    with pytest.raises(UnknownName, match="Did you mean win_rate_count"):
        opening.chosen(data, ["win_rat_count"])
    with pytest.raises(UnknownName, match="Did you mean owner"):
        running.check(data, quarter, "owners")
    running.check(data, quarter, "owner")
    with pytest.raises(BadPeriod, match="they run from"):
        running.check(data, data.config.calendar.parse("1999Q1"))


def test_a_segment_must_exist_and_filter_something(tmp_path: Path) -> None:
    settings = '[segments]\nbig = "amount >= 500"\nlost_in_it = "amuont >= 500"'
    data = opening.opened(str(deals_file(tmp_path, settings)))
    quarter = data.config.calendar.parse("2026Q2")
    running.check(data, quarter, segment="big")
    with pytest.raises(UnknownName, match="Unknown segment: 'bigg'. Did you mean big"):
        running.check(data, quarter, segment="bigg")
    with pytest.raises(UnknownName, match=r"under \[segments\]: large = \"amount >= 15000\""):
        running.check(opening.opened(str(deals_file(tmp_path))), quarter, segment="large")
    with pytest.raises(BadConfig, match="segments.lost_in_it = 'amuont >= 500'"):
        running.check(data, quarter, segment="lost_in_it")
    assert facts.facts(data, quarter, "big")["Segment"] == "big: amount ≥ 500"
    assert opening.history(data, ["deals_won_count"], "all", "big")["value"].sum() == 1


def test_a_seller_that_no_market_knows_is_refused_before_anything_is_run() -> None:
    with pytest.raises(UnknownName, match="Unknown seller: 'Tesla'. Allowed: Concurrent A"):
        running.understood({"us": "Tesla"}, (), lambda step, **values: None)
    assert running.understood({"us": "nous"}, (), lambda step, **values: None).values["us"]


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/abs", "a/b", "a:b", "..", "é t é", "x" * 99]
)
def test_a_folder_stays_in_its_place_whatever_the_segment_is_called(name: str) -> None:
    folder = folder_name("2026Q3", name)
    assert re.fullmatch(r"2026Q3-[\w-]+", folder)
    assert len(folder) < 60
    assert folder != folder_name("2026Q3", f"{name} ")


# --- the tables ---------------------------------------------------------------------------------


def test_no_text_of_a_table_is_a_formula(tmp_path: Path) -> None:
    risky = ["=1+1", "+33 6", "-5 rue", "@SUM(A1)", "\tx", "\rx", "fine", None]
    frame = pd.DataFrame({"=name": risky, "value": [-1.5, 2, 3, 4, 5, 6, 7, 8]})
    copy = frame.copy(deep=True)
    tables.write_csv(frame, tmp_path / "t.csv")
    back = pd.read_csv(tmp_path / "t.csv", encoding="utf-8-sig", keep_default_na=False)
    assert list(back.columns) == ["'=name", "value"]
    assert back["'=name"].tolist() == [f"'{text}" for text in risky[:6]] + ["fine", ""]
    assert back["value"].tolist() == frame["value"].tolist()
    pd.testing.assert_frame_equal(frame, copy)


def test_tables_are_written_in_a_report_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(tables.FOLDER_VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    tables.finish(scorecard=DEALS)
    assert list(tmp_path.rglob("*.csv")) == []
    monkeypatch.setenv(tables.FOLDER_VARIABLE, str(tmp_path / "tables"))
    assert tables.finish(scorecard=DEALS, breakdown=None).tables == ("scorecard",)
    assert [path.name for path in tmp_path.rglob("*.csv")] == ["scorecard.csv"]


# --- the record ---------------------------------------------------------------------------------


def test_the_fingerprint_follows_the_rows_and_not_their_order() -> None:
    print_of = [
        record.fingerprint(record.described(load(frame)))
        for frame in (DEALS, DEALS.sample(frac=1, random_state=3))
    ]
    assert print_of[0] == print_of[1]
    changed = DEALS.assign(amount=DEALS["amount"].replace(800.0, 800.01))
    assert record.fingerprint(record.described(load(changed))) != print_of[0]


def test_a_secret_is_taken_out_in_every_form_it_may_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_PASSWORD", 'p"<ss')
    hidden = record.secrets("postgresql://ann:s3%21cret@db/sales", "DB_PASSWORD")
    leaks = ["s3%21cret", "s3!cret", 'p"<ss', json.dumps('p"<ss'), "p&quot;&lt;ss", "p%22%3Css"]
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "page.html").write_text(" ".join(leaks))
    record.scrub(tmp_path, hidden)
    left = (tmp_path / "deep" / "page.html").read_text()
    assert re.sub(r'[*" ]', "", left) == ""


# --- the page -----------------------------------------------------------------------------------

HOSTILE = "<script>alert(1)</script>"


def shown(data: dict, **metadata: dict) -> nbformat.NotebookNode:
    cell = new_code_cell("secret_code = 1")
    cell.outputs = [new_output("display_data", data, metadata=metadata)]
    return cell


def tagged(text: str, *tags: str) -> nbformat.NotebookNode:
    return new_markdown_cell(text, metadata={"tags": list(tags)})


def test_a_page_speaks_one_language_and_shows_no_code() -> None:
    cells = [tagged("# Titre", "lang-fr"), tagged("# Title", "lang-en"), tagged("For all")]
    html = page(new_notebook(cells=[*cells, shown({"text/plain": "42"})]), {"Période": "T3"}, "fr")
    assert '<html lang="fr">' in html
    assert "<h1>Titre</h1>" in html
    assert "For all" in html
    assert "Title" not in html
    assert "secret_code" not in html


def test_parameters_and_the_end_are_not_for_the_reader() -> None:
    cells = [shown({"text/plain": tag}) for tag in ("parameters", "injected-parameters", "end")]
    for cell in cells:
        cell.metadata["tags"] = [cell.outputs[0].data["text/plain"]]
    html = page(new_notebook(cells=cells), {}, "en")
    assert "<pre>" not in html


def test_text_on_a_page_cannot_run() -> None:
    streamed = new_code_cell("", outputs=[new_output("stream", text=HOSTILE)])
    cells = [tagged(f"# Title {HOSTILE}"), shown({"text/plain": HOSTILE}), streamed]
    html = page(new_notebook(cells=cells), {HOSTILE: HOSTILE}, "en")
    assert "<script" not in html
    assert "default-src 'none'" in html


def test_a_page_asks_for_nothing() -> None:
    picture = shown({"image/png": "aGk="}, **{"image/png": {"alt": 'A "finding"'}})
    html = page(new_notebook(cells=[picture]), {}, "en")
    assert 'alt="A &#34;finding&#34;"' in html
    assert re.findall(r'(?:src|href)="(?!#|data:)[^"]*"', html) == []
    assert re.findall(r"url\(|@import|https?://", html) == []


def test_the_contents_lead_to_the_sections() -> None:
    cells = [tagged("## Data quality"), tagged("## Who won & why"), tagged("### Detail")]
    html = page(new_notebook(cells=cells), {}, "en")
    links = re.findall(r'<li><a href="#([^"]+)">', html)
    assert links == re.findall(r'<h2 id="([^"]+)"', html)
    assert len(links) == 2


def test_a_section_whose_code_shows_nothing_is_left_out() -> None:
    cells = [tagged("## Kept"), shown({"text/plain": "1"}), tagged("## Empty"), new_code_cell("x")]
    html = page(new_notebook(cells=[*cells, tagged("## Words"), tagged("only")]), {}, "en")
    assert re.findall(r'<h2 id="([^"]+)"', html) == ["Kept", "Words"]


def test_cells_of_a_table_carry_their_header_for_a_narrow_screen() -> None:
    from kpi_helpers import sheets

    frame = pd.DataFrame([{"check": "blank", "table": "deals", "column": "stage", "rows": 2}])
    frame = frame.assign(
        share=0.1, money=None, severity="warn", kpis="", consequence="A: b.", fix=""
    )
    table = sheets.quality_table(frame, "en").as_raw_html()
    html = page(new_notebook(cells=[shown({"text/html": table})]), {}, "en")
    assert len(re.findall(r'<td [^>]*data-label="(?:Weight|Where|Rows|Share)"', html)) == 4
