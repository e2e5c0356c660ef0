"""Wording in use: the company's words, the ban list, headlines, and rows that `compare` makes."""

import re

import pandas as pd
import pytest
from numerals import unknown_numbers

import kpi_helpers as kh
from kpi_helpers.actions import COLUMNS, noted
from kpi_helpers.catalogue import REGISTRY
from kpi_helpers.compare import compare, last_readable
from kpi_helpers.errors import BadConfig
from kpi_helpers.kpis import catalogue
from kpi_helpers.language import LANGUAGES, texts
from kpi_helpers.periods import Calendar, label
from kpi_helpers.sheets import decisions
from kpi_helpers.sheets.findings import decision_lines
from kpi_helpers.sources.config import read_config
from kpi_helpers.wording import (
    alt_text,
    banned,
    headline,
    name,
    sentence,
    title,
    verdict,
    with_readable,
)

NAN, NBSP = float("nan"), "\u00a0"
DEMANDE = {"one": "demande", "other": "demandes", "gender": "f"}
PROJET = {"one": "projet", "other": "projets", "gender": "m"}
OWN = {"lead": {"fr": DEMANDE}, "deal": {"fr": PROJET}}


@pytest.fixture(scope="module", params=[(), ("team",), ("owner",)], ids=str)
def compared(sample, request):
    kpis = list(catalogue()["id"]) if not request.param else ["bookings", "win_rate_count"]
    frame = compare(sample, kpis, "2026Q3", "year_ago", by=request.param)
    return with_readable(frame, last_readable(sample, kpis, "2026Q3", by=request.param))


def row(kpi, **more):
    declared = REGISTRY[kpi]
    held = {"kpi": kpi, "label": declared.label("fr"), "unit": declared.unit, "better": "higher"}
    held |= {"period": "2026Q3", "start": "2026-07-01", "end": "2026-10-01", "value": 12.0}
    held |= {"numerator": 12, "denominator": NAN, "n": 12, "low": NAN, "high": NAN}
    return {**held, "method": "garwood", "status": "ok", "note": "", **more}


@pytest.mark.parametrize(
    ("kpi", "english", "french", "own"),
    [
        ("leads_generated", "Leads generated", "Leads générés", "Demandes générées"),
        ("deals_won_count", "Deals won", "Affaires gagnées", "Projets gagnés"),
        ("lead_to_customer_rate", "Lead conversion", "Conversion des leads", None),
        ("cost_per_lead", "Cost per lead", "Coût par lead", "Coût par demande"),
        ("customer_retention_rate", "Customer retention rate", "Taux de rétention", None),
    ],
)
def test_texts_agree_with_the_companys_words(kpi, english, french, own):
    own = own or french.replace("leads", "demandes")
    names = [name(row(kpi), "en", OWN), name(row(kpi), "fr"), name(row(kpi), "fr", OWN)]
    assert names == [english, french, own]


def test_cases_are_counted_in_the_companys_words():
    few = row("avg_deal_value", method="hall", status="insufficient")
    assert "12 affaires gagnées" in sentence(few, "fr")
    assert "12 projets gagnés" in sentence(few, "fr", OWN)
    assert "1 projet gagné)" in sentence({**few, "n": 1}, "fr", OWN)
    assert "12 deals won" in sentence(few, "en", OWN)
    cycle = row("sales_cycle_duration", method="km", status="insufficient")
    assert "12 won of the deals begun" in sentence(cycle, "en")


def test_words_do_not_change_what_the_data_say():
    held = row("leads_generated", source="Leads du salon")
    assert sentence(held, "fr", OWN) == f"Demandes générées T3 2026 (Leads du salon){NBSP}: 12."


def test_terms_are_a_setting():
    config = read_config({"terms": {"lead": {"fr": DEMANDE}}})
    assert name(row("cost_per_lead"), "fr", config.terms) == "Coût par demande"
    assert config.fingerprint != read_config({}).fingerprint


@pytest.mark.parametrize(
    ("terms", "key"),
    [
        ({"leed": {"fr": DEMANDE}}, "terms.leed"),
        ({"lead": "demande"}, "terms.lead"),
        ({"lead": {"it": DEMANDE}}, "terms.lead.it"),
        ({"lead": {"fr": "demande"}}, "terms.lead.fr"),
        ({"lead": {"fr": {"one": "demande", "other": "demandes"}}}, "terms.lead.fr"),
        ({"lead": {"fr": {**DEMANDE, "gender": "n"}}}, "terms.lead.fr"),
        ({"lead": {"fr": {**DEMANDE, "other": " "}}}, "terms.lead.fr"),
        ({"lead": {"fr": {**DEMANDE, "one": 3}}}, "terms.lead.fr"),
        ({"lead": {"en": {"one": "enquiry"}}}, "terms.lead.en"),
        ({"lead": {"fr": {**DEMANDE, "plural": "x"}}}, "terms.lead.fr.plural"),
    ],
)
def test_a_mistaken_term_is_named(terms, key):
    with pytest.raises(BadConfig) as caught:
        read_config({"terms": terms})
    assert caught.value.values["key"] == key


def test_texts_of_kpis_name_kpis_that_exist():
    keys = [key.split(".") for key in texts("en") if key.startswith("wording.")]
    named = {kpi for _, table, *kpi in keys for kpi in kpi if table in ("names", "values")}
    assert named <= set(REGISTRY)
    counted = {".".join(rest) for _, table, *rest in keys if table == "cases"}
    assert {kpi.cases for kpi in REGISTRY.values() if kpi.cases} <= counted


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_ban_list_is_seen(lang):
    said = "The Aalen-Johansen curves, quantiles, a p value of σ, hazards; FUNNEL PLOT"
    found = {word.casefold() for word in banned(said, lang)}
    assert found == {"aalen–johansen", "quantile", "p-value", "σ", "hazard", "funnel plot"}
    assert banned("Wilsonville, le hasard, chance, hazardous", lang) == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_text_for_directors_has_a_banned_word(lang):
    rooms = ("wording.", "notes.", "sheets.", "charts.", "quality.")
    own = {k: v for k, v in texts(lang).items() if k.startswith(rooms) and k != "wording.banned"}
    assert {key: found for key, text in own.items() if (found := banned(str(text), lang))} == {}


def test_a_stand_in_bears_its_own_name():
    held = row("revenue", label=REGISTRY["bookings"].label("en"))
    assert name(held, "fr") == "Commandes signées"
    assert name({**held, "kpi": "margin", "label": "Marge <b>"}, "fr") == "Marge <b>"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("A\nB\u202e\tC", "A B C"),
        ("{lead} %s $x$ =cmd", "{lead} %s $x$ =cmd"),
        (None, "non renseigné"),
        (NAN, "non renseigné"),
        ("x" * 500, "x" * 79 + "…"),
        ("Société «\u00a0Été\u00a0» \U0001f680", "Société «\u00a0Été\u00a0» \U0001f680"),
    ],
)
def test_names_from_data_stay_on_their_line(value, shown):
    assert shown in sentence(row("deals_won_count", owner=value), "fr")


def test_a_row_of_a_tidy_frame_will_do(sample):
    frame = kh.measure(sample, ["win_rate_count", "bookings"], "2026Q3")
    said = [verdict(frame.iloc[place], "en") for place in (0, 1)]
    assert said == ["Plausible range: 19.6–27.8%", "Actual figure"]


@pytest.mark.thorough
@pytest.mark.parametrize("lang", LANGUAGES)
def test_rows_of_compare_are_said_without_banned_words(compared, lang):
    before = compared.copy(deep=True)
    for _, held in compared.iterrows():
        for write in (sentence, alt_text, title, verdict):
            said = write(held, lang, OWN)
            assert banned(said, lang) == []
            assert not re.search(r"\bnan\b|None|[{}]|  |\.\.", said), said
    assert headline(compared, lang)
    pd.testing.assert_frame_equal(compared, before)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_number_of_a_finding_is_in_its_row(compared, lang):
    for held in compared.to_dict("records"):
        said = sentence({**held, "note": ""}, lang)
        assert unknown_numbers(said, held, lang) == [], said


def test_what_is_too_early_stands_beside_what_can_be_read(sample, compared):
    if "lead_to_customer_rate" not in set(compared["kpi"]):
        assert compared["readable_period"].isna().all()
        return
    young = compared.set_index("kpi").loc["lead_to_customer_rate"]
    readable = last_readable(sample, "lead_to_customer_rate", "2026Q3").iloc[0]
    period = label(Calendar().parse(readable["period"]), "en")
    share = f"{100 * readable['value']:.1f}%"
    assert sentence({**young, "kpi": young.name}, "en").endswith(f"{period} ({share}).")


def finding(kpi, aim="none", change="no_reference", certainty="not_established", **more):
    held = {"target_verdict": aim, "change_verdict": change, "certainty": certainty}
    numbers = {"target": 20.0, "change": -1.0, "change_low": -2.0, "change_high": 1.0}
    compared = {"reference": 13.0, "reference_period": "2026Q2", "p_value": 0.5, "more_needed": NAN}
    return row(kpi, **{**held, **numbers, **compared, **more})


FOUND = [
    finding("aov", "none", "none_shown"),
    finding("win_rate_count", "missed", certainty="not_established", method="wilson"),
    finding("open_pipeline_value", "none", "worse", "exact", p_value=NAN),
    finding("customer_retention_rate", "none", "worse", "established"),
    finding("revenue", "missed", certainty="exact", value=1e6, target=1.1e6),
    finding("bookings", "missed", certainty="exact", value=1e6, target=1.5e6),
    finding("lead_to_customer_rate", certainty="immature", status="immature"),
    finding("pipeline_due", certainty="missing", status="missing"),
    finding("media_spend", certainty="exact", reference=NAN),
]
RANKED = [
    *("Commandes signées", "CA", "Taux de rétention", "Valeur du portefeuille ouvert"),
    *("Taux de gain", "Panier moyen", "Conversion des leads"),
]


def test_a_headline_puts_what_is_certain_and_costly_first():
    found = headline(pd.DataFrame(FOUND), "fr")
    assert [next(n for n in RANKED if said.startswith(n)) for said in found[:-2]] == RANKED
    act = "Proposé (commandes signées, CA, taux de rétention)\u00a0: "
    assert found[-2].startswith(act)
    assert found[-1].startswith("Proposé (taux de gain)\u00a0: attendre")


def test_a_headline_has_a_limit_and_keeps_its_proposals():
    frame = pd.DataFrame(FOUND)
    four = headline(frame, "fr", limit=4)
    assert four == [*headline(frame, "fr")[:2], *headline(frame, "fr")[-2:]]


def test_a_headline_names_a_few_and_counts_the_rest():
    frame = pd.DataFrame([{**FOUND[4], "team": team} for team in "ABCDEFG"])
    assert "revenue (A, B, C, D, E) and 2 more: find the cause" in headline(frame, "en")[-1]


def test_nothing_found_is_said():
    assert headline(pd.DataFrame([FOUND[-1]]), "en") == ["Nothing to compare in this period."]


def test_what_is_sure_and_worth_money_goes_to_the_register_and_nothing_else():
    lines = [
        ("finding", "Sure & <b>priced</b>.", 0, 9.0, "leak"),
        ("finding", "Sure, no price.", 0, NAN, "leak"),
        ("finding", "May be chance.", 1, 5.0, "leak"),
        ("propose_patience", "Wait.", 0, 5.0, "leak"),
        ("finding", "Also priced.", 0, 2.0, "leak"),
    ]
    columns = ["kind", "sentence", "sureness", "money_at_stake", "table"]
    rows = noted(pd.DataFrame(lines, columns=columns), "2026Q3")
    assert list(rows) == list(COLUMNS)
    assert rows["action_id"].tolist() == ["2026Q3-leak-1", "2026Q3-leak-2"]
    assert rows["money_at_stake"].tolist() == [9.0, 2.0]
    page = decisions(rows, "en").as_raw_html()
    assert "See what can be won back: Sure &amp; &lt;b&gt;priced" in page
    assert "Target" not in page
    assert page.index("priced") < page.index("Also")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_decision_begins_with_a_verb_and_the_most_money_stands_first(lang: str) -> None:
    rows = pd.DataFrame(
        {
            "action_id": ["2026Q3-rivals-1", "2026Q3-unheard-of-1", "2026Q3-revenue-1"],
            "quarter": "2026Q3",
            "finding": ["Rival B: 14.8% of deals won.", "Steps: few pass.", "target_missed"],
            "label": ["", "", "Revenue"],
            "unit": "money",
            "money_at_stake": [5.0, 7.0, 9.0],
        }
    ).reindex(columns=list(COLUMNS))
    page = decisions(rows, lang).as_raw_html()
    said = re.findall(r">([^<>]*(?:Rival B|Steps|evenue))<", page)
    assert [each.split(":")[1].strip() for each in said] == ["revenue", "Steps", "Rival B"]
    verbs = {
        "en": ("Find", "Look", "Look"),
        "es": ("Averiguar", "Mirar", "Revisar"),
        "fr": ("Chercher", "Examiner", "Examiner"),
    }
    assert tuple(each.split()[0] for each in said) == verbs[lang]
    assert "14.8" not in page


def test_what_a_figure_was_stands_with_its_period() -> None:
    held = {"finding": "worse", "label": "Logo churn", "unit": "percent", "value": 0.165}
    churn = held | {"reference": 0.0536, "reference_period": "2024-10:2025-09"}
    nps = held | {"label": "NPS", "unit": "points", "reference": 40.2, "reference_period": "2026Q2"}
    rows = pd.DataFrame([churn, nps, held]).reindex(columns=list(COLUMNS))
    assert [line["before"] for line in decision_lines(rows, "en")] == [
        "5.4%\nOct 2024 – Sep 2025",
        "40.2 points\nQ2 2026",
        "–",
    ]
