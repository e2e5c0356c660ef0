"""Sections of a page: where each stands, and what becomes of one without data."""

import re
from types import SimpleNamespace

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from kpi_helpers.errors import MissingColumn
from kpi_helpers.reports import attempt
from kpi_helpers.reports.attempting import ABSENT
from kpi_helpers.reports.page import page
from kpi_helpers.reports.sections import MEETING, has

DATA = SimpleNamespace(config=SimpleNamespace(lang="fr"))


def heading(words: str, *tags: str) -> nbformat.NotebookNode:
    return new_markdown_cell(words, metadata={"tags": list(tags)})


def code(*outputs: nbformat.NotebookNode) -> nbformat.NotebookNode:
    return new_code_cell("…", outputs=list(outputs))


def table(words: str) -> nbformat.NotebookNode:
    return new_output("display_data", {"text/html": f"<p>{words}</p>"})


def absent(reason: str) -> nbformat.NotebookNode:
    return new_output("display_data", {"text/plain": reason}, metadata={ABSENT: reason})


def made(*cells: nbformat.NotebookNode) -> str:
    return page(new_notebook(cells=[heading("# Title"), *cells]), {}, "en")


def order(html: str) -> list[str]:
    return re.findall(r"<h2[^>]*>([^<]*)<", html)


def test_findings_stand_first_and_the_annex_last() -> None:
    html = made(
        *(heading("## Detail", "annex"), code(table("d"))),
        *(heading("## Teams"), code(table("t"))),
        *(heading("## Findings", "first"), code(table("f"))),
    )
    assert order(html) == ["Findings", "Teams", "Detail"]
    assert (
        html.index("<p>t</p>")
        < html.index('class="annex" id="annex">Annex<')
        < html.index("<p>d</p>")
    )


def test_a_part_or_a_cell_goes_to_the_annex_under_the_name_of_its_section() -> None:
    tagged = code(table("table"))
    tagged.metadata["tags"] = ["annex"]
    html = made(
        *(heading("## Teams"), code(table("chart")), tagged),
        *(heading("### Card", "annex"), code(table("card"))),
        *(heading("### More"), code(table("more"))),
        *(heading("## Costs"), code(table("cost"))),
    )
    assert order(html) == ["Teams", "Costs", "Detail: Teams"]
    places = [html.index(f"<p>{word}</p>") for word in ("chart", "more", "cost", "table", "card")]
    assert places == sorted(places)
    assert html.count("<nav") == html.count('href="#annex"') == 1


def test_a_view_keeps_its_sections_only() -> None:
    cells = [
        *(heading("# Title"), heading("## Teams"), code(table("named"))),
        *(heading("## Scorecard", "meeting"), code(table("score"))),
        *(heading("### Table", "annex"), code(table("detail"))),
        *(heading("## Costs", "meeting"), code(absent("no spend"))),
    ]
    html = page(new_notebook(cells=cells), {}, "en", MEETING)
    assert order(html) == ["Scorecard"]
    assert '<body class="meeting">' in html
    assert not [word for word in ("named", "detail", "no spend") if word in html]


def test_a_view_keeps_whole_what_stands_in_the_annex() -> None:
    sheet = (heading("## Own", "annex", "team"), code(table("due")))
    bare = (heading("## Bare", "annex", "rep"), code(absent("no register")))
    notebook = new_notebook(cells=[heading("# Title"), *sheet, *bare])
    assert [has(notebook, view) for view in ("team", "rep")] == [True, False]
    html = page(notebook, {}, "en", "team")
    assert "<p>due</p>" in html
    assert 'class="annex"' not in html


def test_without_an_annex_there_is_no_word_of_it() -> None:
    assert 'class="annex"' not in made(heading("## Teams"), code(table("t")))


def test_a_section_without_data_leaves_the_contents_and_keeps_a_line() -> None:
    html = made(
        *(heading("## Teams"), code(absent("no <b>reps</b>")), heading("### Card"), code()),
        *(heading("## Costs"), code(table("c"))),
        *(heading("## Rest"), code(table("r"))),
    )
    assert order(html) == ["Costs", "Rest"]
    assert 'href="#Teams"' not in html
    assert "<strong>Teams</strong> no &lt;b&gt;reps&lt;/b&gt;" in html


def test_a_part_without_output_goes_and_the_rest_of_its_section_stays() -> None:
    html = made(
        heading("## Teams"), code(table("t")), heading("### Card"), code(), heading("### More"),
        code(table("m")),
    )  # fmt: skip
    assert "Card" not in html
    assert "More" in html
    assert "absent" not in html.split("</style>")[1]


def test_what_data_do_not_carry_is_said_once_and_the_report_goes_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def analysis(data: object) -> None:
        raise MissingColumn(table="reps", column="start", candidates=[])

    assert attempt(analysis, DATA) is None
    assert "start" in capsys.readouterr().out


def test_a_fault_is_not_taken_for_missing_data() -> None:
    def analysis(data: object) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        attempt(analysis, DATA)


def test_an_amount_is_not_parted_from_its_sign_nor_a_range_from_its_end() -> None:
    html = made(code(table('<i title="−€1">−€455k</i> to +€247k (€205k–€574k; 19.5–28.1%)')))
    assert re.findall(r'<span class="whole">(.*?)</span>', html) == [
        *("−€455k", "+€247k", "€205k–€574k", "19.5–28.1%")
    ]
    assert '<i title="−€1">' in html
