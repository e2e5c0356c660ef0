"""Errors: their sentences in both languages, the nearest names, and that every key has a text."""

import ast
import pickle
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import kpi_helpers.errors as errors
from kpi_helpers.errors import (
    BadConfig,
    BadInput,
    BadPeriod,
    KpiError,
    MissingColumn,
    MixedCurrencies,
    NotAddable,
    ReportFailed,
    Unavailable,
    nearest,
    unknown,
)
from kpi_helpers.language import LANGUAGES, Phrase, texts

PACKAGE = Path(errors.__file__).parent
S = "\u00a0"

SENTENCES = [
    (
        unknown("status", "wonn", ["won", "lost"]),
        "Unknown status: 'wonn'. Did you mean won? Allowed: won, lost.",
        f"Statut inconnu{S}: «{S}wonn{S}». Vouliez-vous dire won{S}? "
        f"Valeurs admises{S}: won, lost.",
    ),
    (
        BadPeriod(text="2026T3", nearest=["2026Q3"]),
        "'2026T3' is not a period. Did you mean 2026Q3?",
        f"«{S}2026T3{S}» n’est pas une période. Vouliez-vous dire 2026Q3{S}?",
    ),
    (
        BadInput(file="a.csv", line=3, column="x", value="?", expected=Phrase("expected.number")),
        "a.csv, line 3, column x: '?' is not a number.",
        f"a.csv, ligne 3, colonne x{S}: «{S}?{S}» n’est pas un nombre.",
    ),
    (
        BadInput(value="?", expected=Phrase("expected.date")),
        "Input: '?' is not a date.",
        f"Données{S}: «{S}?{S}» n’est pas une date.",
    ),
    (
        BadConfig(file="kpi.toml", key="date_order", value="DD", expected=["day", "month"]),
        "kpi.toml: date_order = 'DD' is not accepted; expected day, month.",
        f"kpi.toml{S}: date_order = «{S}DD{S}» n’est pas accepté{S}; attendu{S}: day, month.",
    ),
    (
        MissingColumn(table="deals", column="amount", candidates=["Montant", "Valeur"]),
        "Table deals needs the column 'amount', which was not found. "
        "Candidates in the source: Montant, Valeur.",
        f"La table deals a besoin de la colonne «{S}amount{S}», qui est introuvable. "
        f"Candidates dans la source{S}: Montant, Valeur.",
    ),
    (
        MissingColumn(table="deals", column="amount", candidates=[]),
        "Table deals needs the column 'amount', which was not found.",
        f"La table deals a besoin de la colonne «{S}amount{S}», qui est introuvable.",
    ),
    (
        MixedCurrencies(table="deals", currencies=["EUR", "USD"]),
        "Table deals mixes currencies (EUR, USD). Give exchange rates, or declare in kpi.toml "
        "that the amounts are already in one currency.",
        "La table deals mélange plusieurs devises (EUR, USD). Donnez des taux de change, ou "
        "déclarez dans kpi.toml que les montants sont déjà dans une seule devise.",
    ),
    (
        Unavailable(what="cac", needs=["spend.amount"]),
        "This source lacks spend.amount: cac cannot be computed.",
        f"Il manque spend.amount à cette source{S}; calcul impossible{S}: cac.",
    ),
    (
        NotAddable(kpi="buyers", over="month"),
        "buyers does not add up over month. Ask for it at the level you want to show.",
        "buyers ne s’additionne pas sur month. Demandez-le au niveau que vous voulez montrer.",
    ),
    (
        ReportFailed(report="2026Q3", reason="Disk full.", fix="Free some space."),
        "The report 2026Q3 could not be made, and nothing was written. Disk full. Free some space.",
        "Le rapport 2026Q3 n’a pas pu être produit, et rien n’a été écrit. Disk full. "
        "Free some space.",
    ),
]


@pytest.mark.parametrize(("error", "english", "french"), SENTENCES)
def test_sentences(error, english, french):
    assert str(error) == english
    assert error.render("fr") == french


def subclasses():
    return KpiError.__subclasses__()


def test_every_class_has_its_sentence_tested():
    assert {type(error) for error, _, _ in SENTENCES} == set(subclasses())


def test_exit_codes():
    assert {cls.__name__: cls.exit_code for cls in subclasses() if cls.exit_code != 2} == {
        "ReportFailed": 1
    }


def raised_keys():
    """Yield the file and literal key of every error made with a key of its own."""
    names = {cls.__name__ for cls in [KpiError, *subclasses()]}
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            called = isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1]
            if called in names and node.args and isinstance(node.args[0], ast.Constant):
                yield path.name, node.args[0].value


def test_every_key_that_is_raised_has_a_text():
    keys = {*raised_keys(), *((cls.__name__, cls.key) for cls in subclasses())}
    assert {(where, key) for where, key in keys if f"errors.{key}" not in texts("en")} == set()


def test_a_long_list_of_names_is_not_shown():
    error = unknown("kpi", "win_rat", [f"kpi_{i}" for i in range(40)] + ["win_rate_count"])
    assert str(error) == "Unknown KPI: 'win_rat'. Did you mean win_rate_count?"


def test_nothing_near_nothing_suggested():
    assert str(unknown("grain", "zzz", ["day"])) == "Unknown grain: 'zzz'. Allowed: day."


def test_names_from_a_set_are_listed_in_order():
    assert unknown("grain", "zzz", {"week", "day", "month"}).values["allowed"] == [
        "day",
        "month",
        "week",
    ]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_phrases_in_lists_follow_the_language(lang):
    needs = [Phrase("expected.number"), Phrase("expected.date")]
    expected = ", ".join(phrase.render(lang) for phrase in needs)
    assert expected in Unavailable(what="x", needs=needs).render(lang)


def test_braces_in_a_value_are_only_text():
    assert "'{x}'" in str(BadPeriod(text="{x}"))


def test_no_more_of_a_value_is_repeated_than_is_read() -> None:
    book = "call me at postgresql://ann:" + "p" * 600 + "@db/sales, " + "word " * 10_000
    for value in (book, [book], [[book]]):
        said = str(BadInput(value=value, expected="a date"))
        assert "…" in said
        assert "ppp" not in said
        assert len(said) < 700
    assert "w" * 500 in str(BadInput(value="w" * 500, expected="a date"))


def test_an_error_survives_pickling():
    error = BadInput(file="a.csv", line=3, column="x", value="?", expected="y")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


@pytest.mark.parametrize(
    ("name", "allowed", "expected"),
    [
        ("Équipe", ["equipe", "owner"], ["equipe"]),
        ("WIN-RATE", ["avg_deal_value", "win_rate"], ["win_rate"]),
        ("retention", ["customer_retention_rate", "cac"], ["customer_retention_rate"]),
        ("eur", ["MUR", "EUR"], ["EUR"]),
        ("rates", ["a_rate_of", "rate"], ["rate", "a_rate_of"]),
        ("wonn", ["lost", "won", "open"], ["won"]),
        ("aaaa", ["aaab", "aaac", "aaad", "aaae"], ["aaab", "aaac", "aaad"]),
        ("xyz", ["won"], []),
        ("", ["won"], []),
        ("won", [], []),
    ],
)
def test_nearest(name, allowed, expected):
    assert nearest(name, allowed) == expected


@given(st.text(min_size=1, alphabet="abcdé_"), st.lists(st.text(alphabet="abcdeé_"), unique=True))
def test_a_name_that_exists_is_the_nearest_or_equal_to_it(name, others):
    found = nearest(name, [*others, name], n=len(others) + 1)
    assert name in found or not name.strip("_")
    assert len(found) == len(set(found))


def test_many_names_are_listed_only_where_none_is_near() -> None:
    names = [f"column_{letter}" for letter in "abcdefghijklmnop"]
    assert str(unknown("dimension", "zzz", names)).endswith("column_o, column_p.")
    assert "Allowed" not in str(unknown("dimension", "column_z", names))
    assert "Allowed" not in str(unknown("dimension", "zzz", [f"n{i}" for i in range(61)]))


def test_a_word_that_no_person_writes_has_no_near_names() -> None:
    begun = time.monotonic()
    assert nearest("a" * 20_000, ["a" * 19_999, *(f"name_{n}" for n in range(600))]) == []
    assert nearest("revenu", ["revenue", "a" * 20_000]) == ["revenue"]
    assert time.monotonic() - begun < 2
