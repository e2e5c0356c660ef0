"""Sentences: to the letter, grammatical in every combination, and with no number of their own."""

import itertools
import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numerals import numbers_in, unknown_numbers
from test_language import breaks_spanish_typography

from kpi_helpers.language import LANGUAGES
from kpi_helpers.units import UNITS
from kpi_helpers.wording import alt_text, banned, sentence, title, verdict
from kpi_helpers.wording.told import Said

NAN = float("nan")
SHARE = {
    **{"kpi": "win_rate_count", "label": "Taux de gain (nombre)", "unit": "percent"},
    **{"better": "higher", "period": "2026Q3", "start": "2026-07-01", "end": "2026-10-01"},
    **{"value": 87 / 370, "numerator": 87, "denominator": 370, "n": 370},
    **{"low": 0.1948, "high": 0.2808, "method": "wilson", "status": "ok", "note": ""},
}
UNCOMPARED = {
    **{"reference_period": None, "reference": NAN, "reference_low": NAN, "reference_high": NAN},
    **{"reference_n": NAN, "change": NAN, "change_relative": NAN, "change_low": NAN},
    **{"change_high": NAN, "p_value": NAN, "p_adjusted": NAN, "more_needed": NAN, "target": NAN},
    **{"target_verdict": "none", "change_verdict": "no_reference", "certainty": "not_established"},
}
ALONE = {**SHARE, **UNCOMPARED}
BESIDE = {
    **{"reference_period": "2026Q2", "reference": 0.252, "change": 87 / 370 - 0.252},
    **{"change_low": -0.079, "change_high": 0.045, "p_value": 0.6, "change_verdict": "none_shown"},
}
TOTAL = {
    **ALONE,
    **{"kpi": "revenue", "label": "Chiffre d’affaires (CA)", "unit": "money", "n": 1636},
    **{"value": 3_472_000.0, "numerator": 3_472_000.0, "denominator": NAN, "low": NAN},
    **{"high": NAN, "method": "exact", "certainty": "exact"},
}
MISSED = {**TOTAL, "target": 3_602_000.0, "target_verdict": "missed"}


def typeset(said, lang):
    """Text as one types it, with the spaces and signs of its language."""
    if lang == "fr":
        said = re.sub(r"(?<=\d) (?=\d{3}(?!\d))", "\u202f", said).replace("'", "’")
        said = re.sub(r" (?=[:;%]|k?€|M€)", "\u00a0", said)
    return re.sub(r"-(?=\d)", "\u2212", said)


def aimed(target_verdict, certainty, **more):
    return {**ALONE, "target_verdict": target_verdict, "certainty": certainty, **more}


# The table of verdicts: what a row holds, and what is said of it in both languages.
TABLE = [
    (aimed("met", "established"), "Objectif atteint, confirmé", "Target met, confirmed"),
    (
        aimed("met", "not_established"),
        "Au-dessus de l'objectif, mais cela peut être le hasard",
        "Above target, but could be chance",
    ),
    (
        aimed("missed", "not_established"),
        "Sous l'objectif, mais cela peut être le hasard",
        "Below target, but could be chance",
    ),
    (aimed("missed", "established"), "Objectif manqué, confirmé", "Target missed, confirmed"),
    (
        {**ALONE, "status": "insufficient", "n": 4, "certainty": "insufficient"},
        "Trop peu de cas pour conclure (4 affaires)",
        "Too few cases to judge (4 deals)",
    ),
    (
        aimed("met", "exact", method="exact"),
        "Chiffre constaté : objectif atteint",
        "Actual figure: target met",
    ),
    (
        aimed("missed", "exact", method="exact"),
        "Chiffre constaté : objectif manqué",
        "Actual figure: target missed",
    ),
    (
        {**ALONE, "status": "indicative", "n": 17},
        "À prendre avec prudence : 17 affaires",
        "Read with care: 17 deals",
    ),
    ({**ALONE, **BESIDE}, "Pas de changement démontré face au T2", "No change shown against Q2"),
    (
        {
            **{**ALONE, "status": "immature", "certainty": "immature", "value": NAN},
            **{"numerator": 15, "denominator": 1000, "readable": 0.06},
        },
        "Trop tôt : seul un quart environ des ventes attendues est visible",
        "Too early: about a quarter of expected sales visible",
    ),
    (ALONE, "Fourchette plausible : 19,5 à 28,1 %", "Plausible range: 19.5–28.1%"),
    (
        aimed("met", "not_established", better="lower"),
        "Mieux que l'objectif, mais cela peut être le hasard",
        "Better than target, but could be chance",
    ),
    (
        aimed("missed", "not_established", better="lower"),
        "Moins bien que l'objectif, mais cela peut être le hasard",
        "Worse than target, but could be chance",
    ),
]


@pytest.mark.parametrize(("row", "french", "english"), TABLE)
def test_verdicts_to_the_letter(row, french, english):
    assert verdict(row, "fr") == typeset(french, "fr")
    assert verdict(row, "en") == english


YOUNG = {
    **ALONE,
    **{"kpi": "lead_to_customer_rate", "label": "Lead-to-customer conversion", "value": NAN},
    **{"status": "immature", "certainty": "immature", "readable_period": "2026Q1"},
}
LETTER = [
    (
        MISSED,
        "CA T3 2026 : 3,47 M€ HT, 96,4 % de l'objectif ; il manque 130 k€.",
        "Q3 2026 revenue: €3.47m, 96.4% of target; €130k short.",
    ),
    (
        {**ALONE, **BESIDE},
        "Taux de gain : 23,5 % (87 sur 370), contre 25,2 % au T2. Pas de changement démontré : "
        "l'écart plausible va de -7,9 à +4,5 points.",
        "Win rate: 23.5% (87 of 370), 25.2% in Q2. No change shown: plausible difference "
        "-7.9 to +4.5 points.",
    ),
    (
        {**ALONE, **BESIDE, "change_high": -0.004},
        "Taux de gain : 23,5 % (87 sur 370), contre 25,2 % au T2. Pas de changement démontré : "
        "l'écart plausible va de -7,9 à -0,4 points, mais sur tant de chiffres comparés, cela peut "
        "être le hasard.",
        "Win rate: 23.5% (87 of 370), 25.2% in Q2. No change shown: plausible difference "
        "-7.9 to -0.4 points, but among so many figures compared this could be chance.",
    ),
    (
        YOUNG,
        "Conversion des leads du T3 : trop tôt. Dernier trimestre lisible : T1 2026.",
        "Lead conversion in Q3: too early. Last quarter that can be read: Q1 2026.",
    ),
    (
        {
            **{**ALONE, **BESIDE, "value": 0.249, "numerator": 301, "denominator": 1209},
            **{"reference_period": "2025Q3", "reference": 0.385, "change": -0.137},
            **{"change_low": -0.171, "change_high": -0.102, "change_verdict": "worse"},
            **{"certainty": "established"},
        },
        "Taux de gain : 24,9 % (301 sur 1 209), contre 38,5 % au T3 2025 (-13,7 points, "
        "entre -17,1 et -10,2), c'est confirmé.",
        "Win rate: 24.9% (301 of 1,209), 38.5% in Q3 2025 (-13.7 points, "
        "between -17.1 and -10.2), confirmed.",
    ),
    (
        {
            **{**ALONE, "kpi": "cac", "label": "Customer acquisition cost", "unit": "money"},
            **{"better": "lower", "method": "propagated", "value": 3800.0, "low": 2800.0},
            **{"high": 5330.0, "reference_period": "2026Q3", "reference": 780.0},
            **{"reference_low": 650.0, "reference_high": 940.0, "change": 3020.0},
            **{"change_low": 2000.0, "change_high": 4540.0, "change_verdict": "worse"},
            **{"certainty": "established"},
        },
        "Coût d'acquisition client : 3 800 € (2 800 à 5 330), contre 780 € (650 à 940) pour le "
        "groupe de comparaison (+3 020 €, entre +2 000 et +4 540), c'est moins bien et c'est "
        "confirmé.",
        "Customer acquisition cost: €3,800 (2,800–5,330), €780 (650–940) in the comparison group "
        "(+€3,020, between +2,000 and +4,540), worse, confirmed.",
    ),
    (
        {
            **{**MISSED, "kpi": "media_spend", "label": "Media spend", "better": "lower"},
            **{"value": 85_400.0, "target": 80_000.0, "period": "2026-08"},
        },
        "Dépenses média août 2026 : 85,4 k€, moins bien que l'objectif de 80,0 k€ (+5 400 €).",
        "Aug 2026 media spend: €85.4k, worse than the target of €80.0k (+€5,400).",
    ),
    (
        {
            **{**MISSED, "kpi": "leads_generated", "label": "Leads generated", "unit": "count"},
            **{"method": "garwood", "value": 1342, "target": 1380},
        },
        "Leads générés T3 2026 : 1 342, soit 97,2 % de l'objectif ; il manque 38 leads.",
        "Q3 2026 leads generated: 1,342, or 97.2% of target; 38 leads short.",
    ),
    (
        {**aimed("missed", "not_established"), "target": 0.25, "more_needed": 41},
        "Taux de gain T3 2026 : 23,5 % (87 sur 370). Sous l'objectif (25,0 %), mais cela peut "
        "être le hasard. Fourchette plausible : 19,5 à 28,1 %. Pour conclure, il faudrait "
        "environ 41 affaires de plus, à résultat égal.",
        "Q3 2026 win rate: 23.5% (87 of 370). Below target (25.0%), but could be chance. "
        "Plausible range: 19.5–28.1%. About 41 deals more would be needed to conclude, if the "
        "result stays the same.",
    ),
    (
        {**ALONE, "status": "missing", "certainty": "missing", "value": NAN, "note": "No data."},
        "Taux de gain T3 2026 : pas de chiffre. No data.",
        "Q3 2026 win rate: no figure. No data.",
    ),
]


@pytest.mark.parametrize(("row", "french", "english"), LETTER)
def test_sentences_to_the_letter(row, french, english):
    assert sentence(row, "fr") == typeset(french, "fr")
    assert sentence(row, "en") == typeset(english, "en")


def test_a_title_is_the_finding():
    rows = [MISSED, {**ALONE, **BESIDE}, YOUNG, ALONE]
    assert [title(row, "fr") for row in rows] == [
        typeset("CA : 3,47 M€ HT, objectif manqué", "fr"),
        typeset("Taux de gain : 23,5 %, pas de changement démontré face au T2", "fr"),
        typeset("Conversion des leads : trop tôt", "fr"),
        typeset("Taux de gain T3 2026 : 23,5 %", "fr"),
    ]


def test_an_alt_text_has_the_range_that_the_picture_shows():
    assert alt_text({**ALONE, **BESIDE}, "en").endswith(" Plausible range: 19.5–28.1%.")
    assert alt_text(ALONE, "en") == sentence(ALONE, "en")
    assert alt_text(YOUNG, "en") == sentence(YOUNG, "en")


@pytest.mark.parametrize(
    ("period", "reference", "french", "english"),
    [
        ("2026-08", "2026-07", "en juil.", "in Jul"),
        ("2026-08", "2025-08", "en août 2025", "in Aug 2025"),
        ("2026", "2025", "en 2025", "in 2025"),
        ("2026W31", "2026W30", "en S30", "in W30"),
        ("2026-08-14", "2026-08-13", "le 13 août", "on 13 Aug"),
        ("FY2026Q1", "FY2025Q4", "au T4 exercice 2025", "in Q4 FY2025"),
        ("FY2026", "FY2025", "sur l’exercice 2025", "in FY2025"),
        (
            "ytd",
            "2025-01-01:2025-09-30",
            "sur la période 1er janv. 2025 – 30 sept. 2025",
            "over 1 Jan 2025 – 30 Sep 2025",
        ),
    ],
)
def test_every_kind_of_period_stands_in_a_sentence(period, reference, french, english):
    row = {**ALONE, **BESIDE, "period": period, "reference_period": reference}
    for lang, when in (("fr", french), ("en", english)):
        assert f" {when.removesuffix('.')}. " in sentence(row, lang), lang
    assert "pour" not in sentence({**YOUNG, "period": period}, "fr")


# Every combination of the fields of a row that `compare` can make.
AIMS = [("none", NAN), ("met", 0.2), ("missed", 0.4)]
CHANGES = ["no_reference", "none_shown", "better", "worse", "changed"]
METHODS = ["wilson", "hall", "exact", "garwood"]


def combinations():
    forms = itertools.product(UNITS, ("higher", "lower", "neutral"), METHODS)
    for form, aim, change in itertools.product(forms, AIMS, CHANGES):
        for tested, few in itertools.product((True, False), repeat=2):
            yield from made(form, aim, change, tested, few)


def made(form, aim, change, tested, few):
    """The rows of a combination; none where its fields contradict each other."""
    unit, better, method = form
    fact, moved = method in ("exact", "garwood"), change in ("better", "worse", "changed")
    if moved and (better == "neutral") != (change == "changed"):
        return
    if (not tested and not fact) or (better == "neutral" and aim[0] != "none"):
        return
    row = {**ALONE, "unit": unit, "better": better, "method": method, "target": aim[1]}
    row |= {"target_verdict": aim[0], "n": 17 if few else 370}
    row |= {"status": "indicative" if few else "ok"}
    if fact:
        row |= {"low": NAN, "high": NAN}
    if change != "no_reference":
        row |= {**BESIDE, "reference_low": 0.2, "reference_high": 0.3, "change_verdict": change}
        row |= {} if tested else {"change_low": NAN, "change_high": NAN, "p_value": NAN}
    sure = ("established", "not_established") if not fact else ("exact",)
    if aim[0] == "none":
        untested = fact and not (tested and change != "no_reference")
        sure = ("exact",) if untested else ("established",) if moved else ("not_established",)
    yield from ({**row, "certainty": certainty} for certainty in sure)


def unreadable():
    for status, aim in itertools.product(("insufficient", "immature", "missing"), AIMS):
        row = {**ALONE, "status": status, "certainty": status, "n": 3, "note": ""}
        yield {**row, "target": aim[1]}
        yield {**row, "readable_period": "2026-02", "readable": 0.12, "numerator": 0}


def all_texts(row, lang, terms=None):
    return [write(row, lang, terms) for write in (sentence, alt_text, title, verdict)]


def breaks_typography(said, lang):
    if lang == "fr":
        return re.search(r"[^\u00a0\u202f][;!?%€»](?!\w)|[^\u00a0\d]:(?=\s)|«[^\u00a0]|\w'\w", said)
    if lang == "es":
        return breaks_spanish_typography(said)
    return re.search(r"[\u00a0 ][;:!?%,.]|'", said)


@pytest.mark.thorough
@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_combination_is_said_well(lang):
    rows = [*combinations(), *unreadable()]
    assert len(rows) > 1000
    for said in {text for row in rows for text in all_texts(row, lang)}:
        assert said, rows
        assert banned(said, lang) == [], said
        assert not re.search(r"nan|None|[{}]|stable|  |\.\.|, ,| \.|\(\)", said), said
        assert said[0].isupper(), said
        assert not breaks_typography(said, lang), said
    assert all(sentence(row, lang).endswith(".") for row in rows)


amounts = st.floats(1, 5e7).map(lambda x: round(x, 2))


@settings(deadline=None)
@given(
    values=st.lists(amounts, min_size=9, max_size=9),
    unit=st.sampled_from(["money", "count", "days", "times"]),
    row=st.sampled_from([row for row in combinations() if row["unit"] == "money"][::7]),
    lang=st.sampled_from(LANGUAGES),
)
def test_every_number_is_in_the_row(values, unit, row, lang):
    columns = ("value", "low", "high", "reference", "reference_low", "reference_high", "change")
    drawn = dict(zip((*columns, "change_low", "change_high"), values, strict=True))
    row = {**row, "unit": unit, **{c: v for c, v in drawn.items() if math.isfinite(row[c])}}
    row |= {"target": row["target"] * values[0]}
    assert unknown_numbers(sentence(row, lang), row, lang) == []


def test_a_number_from_nowhere_is_seen():
    said = sentence(MISSED, "fr")
    assert [number for number, _ in numbers_in(said, "fr")] == [3_470_000, 96.4, 130_000]
    assert unknown_numbers(said.replace("3,47", "3,57"), MISSED, "fr") == [3_570_000]


@pytest.mark.parametrize(
    ("name", "inside"),
    [
        ("Taux de gain", "taux de gain"),
        ("Objectif T4 2026", "objectif T4 2026"),
        ("Net Promoter Score", "Net Promoter Score"),
        ("CA", "CA"),
    ],
)
def test_a_proper_name_keeps_its_capitals_inside_a_sentence(name: str, inside: str) -> None:
    assert f"{Said(name):low}" == inside
