"""Texts: the same keys and placeholders in every language, plural forms, typography."""

import re
from pathlib import Path
from string import Formatter

import nbformat
import pytest

from kpi_helpers import language
from kpi_helpers.kpis import catalogue
from kpi_helpers.language import LANGUAGES, Noun, Phrase, lines, nouns, text, texts, written
from kpi_helpers.reports.page import page
from kpi_helpers.sources.published import published

NBSP = "\u00a0"
COMPLETE = ("en", "fr")
FURTHER = sorted(set(LANGUAGES) - set(COMPLETE))
# What a further language says in its file, and French and English elsewhere.
ELSEWHERE = ("kpis.", "notebooks.", "published.")
COVERED = 0.9  # so that whoever adds texts need not translate them at once
STALE = "take these texts out of that file: they are read in English until they are translated"
NOTEBOOKS = Path(__file__).parents[1] / "notebooks"


def forms(entry):
    return entry.values() if isinstance(entry, dict) else [entry]


def placeholders(entry):
    fields = {name for form in forms(entry) for _, name, _, _ in Formatter().parse(form) if name}
    return fields | ({"n"} if isinstance(entry, dict) else set())


@pytest.fixture
def plural_texts(monkeypatch):
    made = {
        "en": {"deals": {"one": "{n} deal", "other": "{n} deals"}},
        "fr": {"deals": {"one": "{n} affaire", "other": "{n} affaires"}},
    }
    monkeypatch.setattr(language, "texts", made.__getitem__)


def test_languages_are_the_files():
    assert LANGUAGES == ("en", "es", "fr")


@pytest.mark.parametrize("lang", COMPLETE)
def test_english_and_french_have_the_same_keys(lang):
    assert sorted(written(lang)) == sorted(texts("en"))


def share_of(wanted, own):
    return sum(each in own for each in wanted) / len(wanted)


@pytest.mark.parametrize("lang", FURTHER)
def test_a_further_language_has_most_texts_and_none_of_its_own(lang):
    """What French and English gained lately may be missing: it is then read in English."""
    own = {key for key in written(lang) if not key.startswith(ELSEWHERE)}
    assert own - set(texts("en")) == set(), STALE
    assert share_of(texts("en"), own) >= COVERED


@pytest.mark.parametrize("lang", FURTHER)
def test_a_further_language_says_most_of_what_stands_elsewhere(lang):
    fields = ("name", "definition", "pitfall")
    kpis = [f"{kpi}.{field}" for kpi in catalogue()["id"] for field in fields]
    read = [line for path in NOTEBOOKS.glob("*.ipynb") for line in english_lines(path)]
    figures = published()[["definition", "population"]].to_numpy().ravel()
    for table, wanted in (("kpis", kpis), ("notebooks", read), ("published", figures)):
        assert share_of(wanted, lines(table, lang)) >= COVERED, table


def english_lines(path):
    """Return the lines of the English cells of a notebook, without the marks of headings."""
    cells = nbformat.read(path, as_version=4).cells
    english = [cell for cell in cells if "lang-en" in cell["metadata"].get("tags", [])]
    return [line.lstrip("# ") for cell in english for line in cell["source"].splitlines() if line]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_text_has_the_placeholders_of_english(lang):
    shared = written(lang).keys() & texts("en").keys()
    own = {key: placeholders(written(lang)[key]) for key in shared}
    assert own == {key: placeholders(texts("en")[key]) for key in shared}, STALE


def test_what_a_further_language_lacks_is_english(monkeypatch):
    made = {"en": {"a": "deal", "b": "{n} won"}, "es": {"a": "oportunidad"}}
    monkeypatch.setattr(language, "written", made.__getitem__)
    texts.cache_clear()
    try:
        assert [text("a", "es"), text("b", "es", n=2)] == ["oportunidad", "2 won"]
        with pytest.raises(KeyError, match=r"'c'.*es.toml"):
            text("c", "es")
    finally:
        texts.cache_clear()


def test_a_page_in_a_further_language_reads_the_english_cells_in_it():
    english = nbformat.v4.new_markdown_cell("## Data quality\n\nNot yet translated.")
    french = nbformat.v4.new_markdown_cell("## Qualité des données")
    english.metadata.tags, french.metadata.tags = ["lang-en"], ["lang-fr"]
    notebook = nbformat.v4.new_notebook(cells=[english, french])
    html = {lang: page(notebook, {}, lang) for lang in LANGUAGES}
    assert ">Calidad de los datos<" in html["es"]
    assert "Not yet translated." in html["es"]
    assert "données" not in html["es"]
    assert ">Data quality<" in html["en"]
    assert english.source.startswith("## Data quality")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_entry_is_a_text_or_a_plural(lang):
    for key, entry in texts(lang).items():
        assert all(isinstance(form, str) and form for form in forms(entry)), key
        assert isinstance(entry, str) or {"one", "other"} <= entry.keys(), key


def breaks_french_typography(sentence):
    return re.search(r"[^\u00a0\u202f][;!?%€»](?!\w)|[^\u00a0\d]:(?=\s)|«[^\u00a0]|\w'\w", sentence)


def test_french_typography():
    wrong = {
        key: form
        for key, entry in texts("fr").items()
        for form in forms(entry)
        if breaks_french_typography(form)
    }
    assert wrong == {}, "U+00A0 before : ; ! ? % € » and after «, and ’ instead of '"


def breaks_spanish_typography(sentence):
    return (
        re.search(r"[ \d}][%€](?!\w)|\s[:;!?»]|«\s|\w['’]\w|[“”]", sentence)
        or sentence.count("¿") != sentence.count("?")
        or sentence.count("«") != sentence.count("»")
    )


def test_spanish_typography():
    wrong = {
        key: form
        for key, entry in written("es").items()
        for form in forms(entry)
        if breaks_spanish_typography(form)
    }
    assert wrong == {}, "U+00A0 before % and €, ¿…?, «…» without spaces"


@pytest.mark.parametrize("sentence", ["12 %", "12%", "¿Sí ?", "Sí?", "« sí »", "“sí”", "Lista : a"])
def test_spanish_typography_sees_what_is_wrong(sentence):
    assert breaks_spanish_typography(sentence)


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.name)
def test_french_typography_of_the_notebooks(path):
    cells = [
        cell["source"]
        for cell in nbformat.read(path, as_version=4).cells
        if "lang-fr" in cell["metadata"].get("tags", [])
    ]
    assert cells
    assert [cell for cell in cells if breaks_french_typography(cell)] == []


@pytest.mark.parametrize(
    "sentence", ["Vrai ?", "Vrai?", "12 %", "« oui »", "l'affaire", "Liste : a", "Liste: a"]
)
def test_french_typography_sees_ordinary_spaces(sentence):
    assert breaks_french_typography(sentence)


def test_placeholders_are_filled():
    assert text("errors.places.line", "fr", line=12) == "ligne 12"
    assert text("errors.hints.nearest", "fr", nearest="x") == f"Vouliez-vous dire x{NBSP}?"


@pytest.mark.parametrize(
    ("lang", "n", "expected"),
    [
        ("en", 0, "0 deals"),
        ("en", 1, "1 deal"),
        ("en", 2, "2 deals"),
        ("fr", 0, "0 affaire"),
        ("fr", 1, "1 affaire"),
        ("fr", 1.5, "1.5 affaire"),
        ("fr", 2, "2 affaires"),
        ("fr", 1_000_000, "1000000 affaires"),
    ],
)
def test_plural_forms(plural_texts, lang, n, expected):
    assert text("deals", lang, n=n) == expected


def test_a_plural_needs_its_number(plural_texts):
    with pytest.raises(KeyError, match="'n'"):
        text("deals", "en")


def test_unknown_key_is_named():
    with pytest.raises(KeyError, match=r"no.such_key.*fr.toml"):
        text("no.such_key", "fr")


def test_a_section_is_not_a_text():
    with pytest.raises(KeyError, match="errors"):
        text("errors", "en")


def test_unknown_language_is_named_with_those_that_exist():
    with pytest.raises(KeyError, match=r"'xx'.*en, es, fr"):
        text("language.name", "xx")


def test_missing_placeholder_is_named():
    with pytest.raises(KeyError, match="line"):
        text("errors.places.line", "en")


def test_values_may_be_called_key():
    assert "a.b" in text("errors.bad_config", "en", file="f", key="a.b", value=1, expected="x")


def test_phrase_waits_for_its_language():
    phrase = Phrase("errors.places.column", {"column": "x"})
    assert [phrase.render(lang) for lang in LANGUAGES] == [
        "column x",
        "columna x",
        "colonne x",
    ]


def test_files_are_read_once():
    assert texts("fr") is texts("fr")


@pytest.mark.parametrize(
    ("form", "expected"),
    [("{x:one}", "idée"), ("{x:Other}", "Idées"), ("{x:né|née}", "née"), ("{x:One}", "Idée")],
)
def test_texts_agree_with_a_noun(form, expected):
    assert form.format(x=Noun("idée", "idées", "f")) == expected


def test_a_noun_must_be_told_its_form():
    with pytest.raises(KeyError):
        "{x}".format(x=Noun("lead", "leads"))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_noun_has_a_gender(lang):
    assert {noun.gender for noun in nouns(lang).values()} <= {"m", "f", "n"}
    assert list(nouns(lang, {"lead": {}})) == list(nouns(lang))
