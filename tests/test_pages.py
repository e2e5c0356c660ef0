"""Every page of real reports, as a browser shows it: self-contained, readable, in one language."""

import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from browser import PHONE, SCREEN, Seen, opened
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from packs import EACH, FRENCH_AND_ENGLISH, SAMPLE, language

from kpi_helpers import actions, sheets, wording
from kpi_helpers.language import LANGUAGES
from kpi_helpers.reports.index import METHODS
from kpi_helpers.reports.page import page as html_of
from kpi_helpers.reports.sections import VIEWS
from kpi_helpers.sources import Dataset
from kpi_helpers.sources.published import published
from kpi_helpers.wording import banned

MOST_BYTES = 1_500_000
POLICY = "default-src 'none'"
# Words that one language uses in every other sentence, and English or French do not have.
TELLTALE = {
    "en": "the and of with without which than are was not from this that these against target",
    "es": "el los las del con sin una para por más frente objetivo casos cuando desde",
    "fr": "le la les des et avec sans que qui est sont une dans pour par contre objectif écart",
}
SPANISH_TOO = {"la", "le", "les", "que"}
# What a program writes where a person would: no such text is meant for a reader.
RAW = re.compile(
    r"\b(?:nan|NaN|NaT|None|inf|True|False|null|dtype|Timestamp)\b|<NA>|[{}]|\d[eE][-+]\d{2}|"
    r"\d\.\d{5,}|\d{4}-\d\d-\d\d[T ]00:00"
)
# Names in the sample company's data, which no language owns: regions, a rival, a reason, and what
# people wrote in its registers; and who published the figures that the kit ships.
NAMES = ["Bretagne et Pays de la Loire", "Grand Est", "Le Concurrent B", "Sans décision"]
for register in ("actions", "benchmarks", "events", "kpi_log"):
    written = pd.read_parquet(SAMPLE / f"{register}.parquet").select_dtypes("str").stack()
    NAMES += sorted({str(text) for text in written if " " in str(text)}, key=len, reverse=True)
NAMES += sorted(set(published()["publisher"]), key=len, reverse=True)
MOST_PAGES = 8
# What a reader of the language would not write: signs, thousands and decimals of the other one, a
# sign that may begin a line, the change of a rate in percent where it is one in points. A relative
# change stands in brackets or in a cell of its own, or is called approximate or announced.
MISWRITTEN = {
    "fr": re.compile(
        r"\d\.\d|\d,\d{3}|\d[ ]?[%€]|\S [:;!?%€»]|« |"
        r"(?<![(\t\n])(?<!environ )(?<!était )(?<! à )(?<!\u00a0)\+[\d,\u202f]+\u00a0%"
    ),
    "es": re.compile(
        r"\u202f|\d\.\d\d?(?!\d)|\d,\d{3}|\d[ ]?[%€]|\s[:;!?»]|« |[“”]|"
        r"(?<![(\t\n])(?<!cerca de )(?<!anunciado )(?<! a )\+[\d.,]+\u00a0%"
    ),
    "en": re.compile(
        r"\u202f|\d[ \u00a0]%|\d[ \u00a0]?€|\d,\d\d?(?!\d)|"
        r"(?<![(\t\n])(?<!about )(?<!was )(?<! to )(?<!; )\+[\d.,]+%"
    ),
}
BAD_PAGE = """<!DOCTYPE html><html><head><title>x</title></head><body>
<h1 style="color:#eee;background:#fff">Pale</h1><h3>Too deep</h3>
<script>console.error("spoken")</script><img src="https://example.com/x.png">
<div style="width:2000px">wide</div></body></html>"""

Look = Callable[[Path], Seen]
Pack = Callable[[str], Path]


@pytest.fixture(params=EACH)
def pages(request: pytest.FixtureRequest, pack: Pack) -> tuple[str, list[Path]]:
    """Return the language and the pages of a pack."""
    found = sorted(pack(request.param).glob("*.html"))
    assert found
    return language(request.param), found


def words(said: str) -> list[str]:
    return re.findall(r"[^\W\d_]+", said.lower())


def foreign(said: str, lang: str) -> set[str]:
    """Return the telltale words of the other languages."""
    others = {word for other in LANGUAGES if other != lang for word in TELLTALE[other].split()}
    return (others - (SPANISH_TOO if lang == "es" else set())) & set(words(said))


def read(page: Seen) -> str:
    """Return all that a reader of a page is told, pictures included, but for formulas."""
    said = "\n".join([page.title, page.text, *page.pictures])
    for formula in sorted(page.code, key=len, reverse=True):
        said = said.replace(formula, "")
    return said


def test_a_page_is_itself_alone(pages: tuple[str, list[Path]], seen: Look) -> None:
    for path in pages[1]:
        page = seen(path)
        assert page.requests == []
        assert page.said == []
        assert page.active == []
        assert page.policy.startswith(POLICY)
        assert path.stat().st_size <= MOST_BYTES


def test_a_page_fits_a_phone_and_a_screen(pages: tuple[str, list[Path]], seen: Look) -> None:
    for path in pages[1]:
        assert seen(path).wide == {SCREEN: [], PHONE: []}, path.name


def test_a_page_can_be_heard(pages: tuple[str, list[Path]], seen: Look) -> None:
    lang, found = pages
    for path in found:
        page = seen(path)
        assert page.accessibility == []
        assert page.lang == lang
        assert page.title
        assert all(page.pictures)
        assert page.headings.count(1) == 1
        assert page.headings[0] == 1
        steps = zip(page.headings, page.headings[1:], strict=False)
        assert all(after <= before + 1 for before, after in steps)


def test_a_page_speaks_to_people_in_one_language(pages: tuple[str, list[Path]], seen: Look) -> None:
    lang, found = pages
    for path in found:
        said = read(seen(path))
        for name in NAMES:
            said = said.replace(name, "")
        assert foreign(said, lang) == set()
        # How a range is made has a name, which stands on the page of methods alone.
        assert banned(said, lang) == [] or path.name == METHODS
        assert [match[0] for match in RAW.finditer(said)] == []


@pytest.mark.parametrize("name", FRENCH_AND_ENGLISH)
def test_a_director_reads_few_pages(name: str, pack: Pack) -> None:
    """On A4, before the annex."""
    path = pack(name) / "01_kpi_evaluation.html"
    with opened(path, SCREEN) as (page, _, _):
        page.evaluate("""() => {
            const annex = document.getElementById('annex');
            while (annex.nextSibling) annex.nextSibling.remove();
            annex.remove();
        }""")
        printed = page.pdf(prefer_css_page_size=True)
    assert 2 <= sheets_of(printed) <= MOST_PAGES


@pytest.mark.parametrize("name", FRENCH_AND_ENGLISH)
def test_each_audience_has_one_sheet(name: str, pack: Pack) -> None:
    for view in VIEWS[1:]:
        with opened(pack(name) / f"05_action_plan.{view}.html", SCREEN) as (page, _, _):
            assert sheets_of(page.pdf(prefer_css_page_size=True)) == 1, view


@pytest.mark.parametrize("view", VIEWS[1:])
def test_a_long_register_still_fits_one_sheet(view: str, tmp_path: Path, sample: Dataset) -> None:
    """Sixty actions with texts of 200 letters: as many as fit are shown, the others are counted."""
    found = pd.concat([actions.effects(sample)] * 20, ignore_index=True)
    found = found.assign(action=found["action"] + " et encore" * 20, owner="Anne-Sophie " * 4)
    found = found.assign(**{} if view == "management" else {"state": "late"})
    told = wording.effects_findings(found, "fr")
    own = "own" if view == "rep" else "pages"
    shown = [sheets.findings(told), sheets.actions(actions.page(found, view), own, "fr")]
    assert "autres actions sont dans le registre" in shown[1].as_raw_html()
    outputs = [new_output("display_data", {"text/html": each._repr_html_()}) for each in shown]
    cells = [
        new_markdown_cell("# Titre"),
        new_markdown_cell("## Feuille", metadata={"tags": [view]}),
    ]
    notebook = new_notebook(cells=[*cells, new_code_cell(outputs=outputs)])
    path = tmp_path / "page.html"
    path.write_text(html_of(notebook, {"Société": "Emballages"}, "fr", view), "utf-8")
    with opened(path, SCREEN) as (page, _, _):
        assert sheets_of(page.pdf(prefer_css_page_size=True)) == 1


def sheets_of(printed: bytes) -> int:
    return max(map(int, re.findall(rb"/Count (\d+)", printed)))


@pytest.mark.parametrize("name", FRENCH_AND_ENGLISH)
def test_figures_are_written_as_the_language_writes_them(name: str, pack: Pack, seen: Look) -> None:
    wrong = MISWRITTEN[language(name)]
    for path in sorted(pack(name).glob("*.html")):
        said = read(seen(path))
        found = [said[max(0, m.start() - 30) : m.end() + 10] for m in wrong.finditer(said)]
        assert found == [], path.name


@pytest.mark.parametrize(
    ("lang", "said"),
    [
        *(("fr", said) for said in ("1.5", "1,234", "12%", "12 %", "oui ?", "+2,8\u00a0%", "3 €")),
        *(("en", said) for said in ("1\u202f234", "12 %", "1,5", "+2.8%", "3 €")),
        *(("es", said) for said in ("1\u202f234", "12 %", "1.5", "+2,8\u00a0%", "3 €", "¿sí ?")),
    ],
)
def test_a_figure_of_the_other_language_is_seen(lang: str, said: str) -> None:
    assert MISWRITTEN[lang].search(said)


def test_what_is_wrong_with_a_page_is_seen(tmp_path: Path, seen: Look) -> None:
    path = tmp_path / "bad.html"
    path.write_text(BAD_PAGE, "utf-8")
    page = seen(path)
    assert page.requests == ["https://example.com/x.png"]
    assert "spoken" in page.said
    assert [element.partition(">")[0] for element in page.active] == ["<script"]
    assert page.policy == page.lang == ""
    assert page.headings == [1, 3]
    assert page.pictures == [""]
    assert all(any("wide" in element for element in page.wide[w]) for w in (SCREEN, PHONE))
    faults = {found.split(": ")[1] for found in page.accessibility}
    assert {"color-contrast", "html-has-lang", "image-alt"} <= faults


@pytest.mark.parametrize(
    "raw",
    ["nan", "is None.", "inf", "{name}", "NaT", "1.2e-05", "<NA>", "0.3333333", "2026-07-01 00:00"],
)
def test_what_a_program_writes_is_seen(raw: str) -> None:
    assert RAW.search(f"Win rate {raw} in Q3")


def test_a_word_of_the_other_language_is_seen() -> None:
    assert foreign("Taux de gain: target missed", "fr") == {"target"}
    assert foreign("Win rate, objectif manqué", "en") == {"objectif"}
    assert foreign("Taux de gain, objectif manqué", "fr") == set()
    assert foreign("Tasa de éxito: la que target, le objectif", "es") == {"target", "objectif"}
    assert foreign("Tasa de éxito: la que el objetivo", "es") == set()
    assert foreign("Win rate, por debajo del objetivo", "en") == {"por", "del", "objetivo"}
