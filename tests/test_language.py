"""Texts: the same keys and placeholders in every language, plural forms, French typography."""

import re
from pathlib import Path
from string import Formatter

import nbformat
import pytest

from kpi_helpers import language
from kpi_helpers.language import LANGUAGES, Noun, Phrase, nouns, text, texts

NBSP = "\u00a0"
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
    assert LANGUAGES == ("en", "fr")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_language_has_the_keys_of_english(lang):
    assert sorted(texts(lang)) == sorted(texts("en"))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_text_has_the_placeholders_of_english(lang):
    english = {key: placeholders(entry) for key, entry in texts("en").items()}
    assert {key: placeholders(entry) for key, entry in texts(lang).items()} == english


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
    with pytest.raises(KeyError, match=r"'xx'.*en, fr"):
        text("language.name", "xx")


def test_missing_placeholder_is_named():
    with pytest.raises(KeyError, match="line"):
        text("errors.places.line", "en")


def test_values_may_be_called_key():
    assert "a.b" in text("errors.bad_config", "en", file="f", key="a.b", value=1, expected="x")


def test_phrase_waits_for_its_language():
    phrase = Phrase("errors.places.column", {"column": "x"})
    assert [phrase.render(lang) for lang in LANGUAGES] == ["column x", "colonne x"]


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
