"""What exports are recognised as, and what follows from it."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from exports import put, refused

import kpi_helpers as kh
from kpi_helpers.sources.expressions import names_in
from kpi_helpers.sources.recognition.matching import best
from kpi_helpers.sources.recognition.names import header_key
from kpi_helpers.sources.recognition.profiles import KIT, profiles, stage_of
from kpi_helpers.sources.tables import TABLES

VENDORS = [profile for profile in profiles() if profile.vendor != KIT]
HUBSPOT = (
    "ID de fiche d’informations;Nom de la transaction;Phase de la transaction;Montant;"
    "Date de fermeture;Date de création;Budget validé ?"
)


def hubspot(folder: Path, *rows: str, header: str = HUBSPOT) -> Path:
    return put(folder, "\n".join([header, *rows]) + "\n", "export.csv")


def column(data: Any, table: str, name: str) -> list[Any]:
    return [None if pd.isna(value) else value for value in data[table][name]]


@pytest.mark.parametrize("profile", VENDORS, ids=lambda p: f"{p.vendor}-{p.table.name}")
def test_a_profile_speaks_of_columns_and_values_that_there_are(profile: Any) -> None:
    table = TABLES[profile.table.name]
    parts = {*profile.labels} - {*table.names}
    assert {*profile.derived, *profile.values} <= {*table.names}
    for texts in profile.derived.values():
        for text in texts:
            named = names_in(text.format_map({part: part for part in parts}))
            assert {*named} <= {*table.names, *parts}
    for name, words in profile.values.items():
        allowed = table.column(name).values
        assert not allowed or {*words.values()} <= {*allowed}
    assert profile.changes_of in (None, *table.names)


@pytest.mark.parametrize("profile", VENDORS, ids=lambda p: f"{p.vendor}-{p.table.name}")
@pytest.mark.parametrize("language", ["en", "fr", "api"])
def test_a_vendor_is_recognised_by_its_own_labels(profile: Any, language: str) -> None:
    """The first label of every column: the table at least; generic lists may look alike."""
    own = [
        (next((k for lang, k in each if lang == language), None))
        for each in profile.labels.values()
    ]
    spaced = "_" if language == "api" else " "
    headers = [key.replace("_", spaced) for key in own if key]
    if not headers or not {*profile.table.required} <= {
        *(n for n, key in zip(profile.labels, own, strict=True) if key),
        *profile.derived,
        "status",
    }:
        return
    match = best(headers)
    assert match.profile.table.name == profile.table.name
    assert match.is_sure
    if profile.table.name == "deals" and profile.vendor != "Excel":
        assert (match.profile.vendor, match.language) == (profile.vendor, language)


@pytest.mark.parametrize(
    "header",
    [
        "Propriétaire de l’opportunité",
        "PROPRIETAIRE DE L'OPPORTUNITE *",
        " propriétaire  de l'opportunité",
    ],
)
def test_headers_are_compared_without_accents_case_apostrophes_and_marks(header: str) -> None:
    assert header_key(header) == header_key("Propriétaire de l'opportunité")


def test_a_close_date_is_expected_while_open_and_actual_once_closed(tmp_path: Path) -> None:
    rows = (
        "1;A;Fermé gagné;1 200,50;2026-02-01 10:30;2026-01-05 09:00;Oui",
        "2;B;Contrat envoyé;300,5;2026-05-31 00:00;2026-01-15 09:00;Non",
        "3;C;Fermé perdu;80;2026-03-01 10:30;2026-01-25 09:00;",
    )
    data = kh.load(hubspot(tmp_path, *rows))
    assert column(data, "deals", "status") == ["won", "open", "lost"]
    day = pd.Timestamp
    assert column(data, "deals", "closed_at") == [day("2026-02-01"), None, day("2026-03-01")]
    assert column(data, "deals", "expected_close") == [None, day("2026-05-31"), None]
    assert column(data, "deals", "budget_valide") == ["Oui", "Non", None]
    assert kh.left_out(data).empty
    match = data.mapped["deals"].match
    assert match is not None
    assert (match.profile.vendor, match.language, match.known, match.total) == (
        "HubSpot",
        "fr",
        6,
        7,
    )


def test_an_unreadable_close_date_is_listed_all_the_same(tmp_path: Path) -> None:
    data = kh.load(
        hubspot(
            tmp_path,
            "1;A;Fermé gagné;12;bientôt;2026-01-05;",
            "2;B;Contrat envoyé;1;demain;2026-01-06;",
        )
    )
    listed = kh.left_out(data).query("reason == 'unreadable'")
    assert {*listed["value"]} == {"bientôt", "demain"}


def test_stages_entered_become_the_stage_history(tmp_path: Path) -> None:
    header = HUBSPOT + ';"Date entered ""Proposition (Ventes)""";hs_v2_date_entered_signature'
    rows = (
        "1;A;Fermé gagné;12;2026-02-01;2026-01-05;;2026-01-07 10:00;2026-01-30 12:00",
        "2;B;Contrat envoyé;12;2026-04-01;2026-01-06;;2026-01-09 11:00;",
    )
    data = kh.load(hubspot(tmp_path, *rows, header=header))
    history = data["stage_history"].sort_values("entered_at")
    assert history[["deal_id", "stage"]].to_numpy().tolist() == [
        ["1", "Proposition"],
        ["2", "Proposition"],
        ["1", "signature"],
    ]


def test_a_history_keeps_the_rows_on_which_the_stage_changes_and_lists_the_others(
    tmp_path: Path,
) -> None:
    (tmp_path / "sf").mkdir()
    put(
        tmp_path / "sf",
        "Id,StageName,IsWon,IsClosed,CreatedDate,CloseDate,Amount\n7,Prop,false,false,2026-01-01,2026-06-01,10\n",
        "a.csv",
    )
    history = (
        "OpportunityId,StageName,Amount,CloseDate,Probability,CreatedDate,CreatedById\n"
        "7,Prospecting,10,2026-06-01,10,2026-01-01T10:00:00.000Z,u\n"
        "7,Prospecting,12,2026-06-01,10,2026-01-03T10:00:00.000Z,u\n"
        "7,Prop,12,2026-06-01,40,2026-01-09T23:30:00.000Z,u\n"
        "7,Prospecting,12,2026-06-01,10,2026-01-19T10:00:00.000Z,u\n"
    )
    put(tmp_path / "sf", history, "b.csv")
    data = kh.load(tmp_path / "sf")
    assert column(data, "stage_history", "stage") == ["Prospecting", "Prop", "Prospecting"]
    assert data["stage_history"]["entered_at"].iloc[1] == pd.Timestamp("2026-01-10 00:30")
    listed = kh.left_out(data)
    assert listed[["file", "line", "reason", "action"]].to_numpy().tolist() == [
        ["b.csv", 3, "unchanged", "excluded"]
    ]
    assert column(data, "deals", "status") == ["open"]


def test_won_and_lost_times_of_the_api_are_utc(tmp_path: Path) -> None:
    rows = (
        "id,title,value,currency,status,add_time,won_time,lost_time,expected_close_date,org_id\n"
        "1,A,10,EUR,won,2026-09-01 10:00:00,2026-09-30 22:30:00,2026-02-02 10:00:00,2026-10-05,4\n"
        "2,B,20,EUR,lost,2026-09-02 22:10:00,,2026-09-30 21:30:00,2026-10-05,5\n"
        "3,C,20,EUR,open,2026-09-03 10:00:00,,,2026-10-31,5\n"
    )
    data = kh.load(put(tmp_path, rows, "export.csv"))
    assert [f"{d:%m-%d}" if d else "" for d in column(data, "deals", "closed_at")] == [
        "10-01",
        "09-30",
        "",
    ]
    assert [f"{d:%m-%d}" for d in column(data, "deals", "expected_close")] == [
        "10-05",
        "10-05",
        "10-31",
    ]
    assert f"{data['deals']['created_at'].iloc[1]:%m-%d}" == "09-03"


def test_a_day_without_a_clock_time_does_not_move_with_the_zone(tmp_path: Path) -> None:
    rows = "id,title,value,status,add_time,won_time,lost_time\n1,A,1,won,2026-09-01,2026-09-30,\n"
    settings = {"country": "US", "time_zone": "America/New_York"}
    data = kh.load(put(tmp_path, rows, "export.csv"), settings)
    assert f"{data['deals']['closed_at'].iloc[0]:%m-%d}" == "09-30"


def test_amounts_in_thousands_and_probabilities_up_to_a_hundred(tmp_path: Path) -> None:
    rows = "N° affaire;Date de création;Statut;Montant HT (k€);Probabilité\n"
    rows += "1;05/01/2026;en cours;1,5;40\n2;15/01/2026;en cours;20;5\n"
    data = kh.load(put(tmp_path, rows, "suivi.csv"))
    assert column(data, "deals", "amount") == [1500, 20000]
    assert column(data, "deals", "probability_crm") == [0.4, 0.05]


def test_a_cell_that_says_its_unit_is_not_multiplied_again(tmp_path: Path) -> None:
    rows = "N° affaire;Date de création;Statut;Montant (k€)\n1;15/01/2026;en cours;1,5 k€\n"
    assert column(kh.load(put(tmp_path, rows, "suivi.csv")), "deals", "amount") == [1500]


@pytest.mark.parametrize("word", ["Gagné", "GAGNEE", "Signé", "OK", "Closed Won", "Fermé gagné"])
def test_words_for_won(word: str, tmp_path: Path) -> None:
    rows = "N° affaire;Date de création;Statut;Montant HT;Date signature\n"
    rows += f"1;05/01/2026;{word};10;15/01/2026\n"
    assert column(kh.load(put(tmp_path, rows, "suivi.csv")), "deals", "status") == ["won"]


def test_a_stage_that_nobody_knows_is_blocked_until_the_settings_say_what_it_is(
    tmp_path: Path,
) -> None:
    rows = ("1;A;Fermé gagné;12;2026-02-01;2026-01-05;", "2;B;Devis parti;3;2026-05-31;2026-01-15;")
    source = hubspot(tmp_path, *rows)
    data = kh.load(source)
    assert column(data, "deals", "deal_id") == ["1"]
    (listed,) = kh.left_out(data).to_dict("records")
    assert (listed["value"], listed["reason"], listed["action"]) == (
        "Devis parti",
        "not_allowed",
        "excluded",
    )
    data = kh.load(source, {"stages": ["Devis parti", "Fermé gagné"]})
    assert column(data, "deals", "status") == ["won", "open"]


def test_settings_win_over_the_profile(tmp_path: Path) -> None:
    source = hubspot(tmp_path, "1;A;Fermé gagné;12;2026-02-01;2026-01-05;x")
    own = {"columns": {"deal_id": "Nom de la transaction"}, "derived": {"closed_at": "created_at"}}
    data = kh.load(source, {"tables": {"deals": own}})
    assert column(data, "deals", "deal_id") == ["A"]
    assert column(data, "deals", "closed_at") == [pd.Timestamp("2026-01-05")]


def test_settings_of_some_columns_leave_the_others_to_the_profile(tmp_path: Path) -> None:
    source = hubspot(tmp_path, "1;A;Fermé gagné;12;2026-02-01;2026-01-05;x")
    columns = {"deal_id": "Nom de la transaction", "created_at": "Date de création"}
    columns |= {"status": "Phase de la transaction"}
    for own in ({}, {"file": source.name}):
        data = kh.load(source, {"tables": {"deals": {**own, "columns": columns}}})
        assert column(data, "deals", "deal_id") == ["A"]
        assert column(data, "deals", "closed_at") == [pd.Timestamp("2026-02-01")]
        assert column(data, "deals", "amount") == [12]


def test_an_expression_goes_on_from_what_the_profile_reads(tmp_path: Path) -> None:
    source = hubspot(tmp_path, "1;A;Fermé gagné;12;2026-02-01;2026-01-05;x")
    data = kh.load(source, {"tables": {"deals": {"derived": {"amount": "amount * 12"}}}})
    assert column(data, "deals", "amount") == [144]


def test_french_labels_decide_dates_that_nothing_else_decides(tmp_path: Path) -> None:
    rows = "N° affaire;Date de création;Statut;Montant HT\n1;05/01/2026;en cours;10\n"
    data = kh.load(put(tmp_path, rows, "suivi.csv"))
    assert column(data, "deals", "created_at") == [pd.Timestamp("2026-01-05")]
    assert data.mapped["deals"].read_as["created_at"].by == "habit"
    english = "Deal no,Created,Status,Amount\n1,05/01/2026,open,10\n"
    error = refused(put(tmp_path, english, "suivi.csv"))
    assert "05/01/2026" in str(error)
    assert "date_order" in str(error)


def test_a_missing_column_names_what_may_be_meant(tmp_path: Path) -> None:
    header = HUBSPOT.replace("Date de création", "Création le")
    error = refused(hubspot(tmp_path, "1;A;x;12;2026-02-01;2026-01-05;x", header=header))
    assert "created_at" in str(error)
    assert "Création le" in str(error)


def test_invoices_of_an_accountant(tmp_path: Path) -> None:
    rows = (
        "N° facture;Date de facture;Code client;Type;Montant HT;Montant TTC\n"
        "F1;05/01/2026;C1;Facture;1 000,00;1 200,00\nA1;25/01/2026;C1;Avoir;100,00;120,00\n"
    )
    data = kh.load(put(tmp_path, rows, "journal.csv"))
    assert column(data, "orders", "amount_net") == [1000, -100]
    assert column(data, "orders", "type") == ["order", "refund"]
    assert column(data, "orders", "montant_ttc") == ["1 200,00", "120,00"]


def test_calls_surveys_reviews_visits_and_costs_of_one_folder(tmp_path: Path) -> None:
    lists = {
        "appels": "ID appel;Début;Sens;Résultat;Durée (s);Agent\n"
        "1;15/01/2026 10:00;Entrant;Manqué;0;Ann\n",
        "enquete": "N° réponse;ID question;Type;Date de réponse;Note;Note min;Note max\n"
        "1;Q1;NPS;15/01/2026;9;0;10\n",
        "visites": "Jour;Source;Visites;Paniers;Transactions\n15/01/2026;seo;100;5;2\n",
        "pub": "Jour;Plateforme;Campagne;Coût;Clics\n15/01/2026;Meta;été;12,50;90\n",
    }
    for name, rows in lists.items():
        put(tmp_path, rows, f"{name}.csv")
    data = kh.load(tmp_path)
    assert {*data.tables} == {"activities", "surveys", "web_funnel", "spend"}
    assert (column(data, "activities", "type"), column(data, "activities", "outcome")) == (
        ["call"],
        ["missed"],
    )
    assert (column(data, "surveys", "type"), column(data, "surveys", "question_id")) == (
        ["nps"],
        ["Q1"],
    )
    assert column(data, "web_funnel", "orders") == [2]
    assert (column(data, "spend", "cost_type"), column(data, "spend", "amount")) == (
        ["media"],
        [12.5],
    )


def test_two_files_of_one_table_are_refused(tmp_path: Path) -> None:
    rows = "N° facture;Date de facture;Montant HT\n1;15/01/2026;3\n"
    for name in ("janvier.csv", "mars.csv"):
        put(tmp_path, rows, name)
    assert "janvier.csv and mars.csv" in str(refused(tmp_path))


@pytest.mark.parametrize(
    ("header", "stage"),
    [
        ("hs_v2_date_entered_contractsent", "contractsent"),
        ('Date entered "Closed won (Sales Pipeline)"', "Closed won"),
        ("Date entered Contract sent", "Contract sent"),
        ("Date d’entrée dans « Devis (A) (Ventes) »", "Devis (A)"),
        ("Date entering", None),
        ("Date entered current stage", None),
    ],
)
def test_the_stage_in_a_header(header: str, stage: str | None) -> None:
    (profile,) = (p for p in profiles() if p.vendor == "HubSpot" and p.table.name == "deals")
    assert stage_of(profile.entered, header) == stage


@pytest.mark.parametrize(
    ("vendor", "rows"),
    [
        (
            "HubSpot",
            "hs_object_id,dealname,dealstage,amount,createdate,closedate,hs_is_closed_won,hs_is_closed\n"
            "1,A,98765,10,2026-01-15T10:00:00Z,2026-02-01T10:00:00Z,true,true\n"
            "2,B,98766,20,2026-01-15T10:00:00Z,2026-02-01T10:00:00Z,false,true\n"
            "3,C,12345,30,2026-01-15T10:00:00Z,2026-08-01T10:00:00Z,false,false\n",
        ),
        (
            "Dynamics 365",
            "opportunityid,name,statecode,salesstage,estimatedvalue,actualvalue,createdon,actualclosedate\n"
            "1,A,1,x,9,10,2026-01-15T10:00:00Z,2026-02-01\n2,B,2,x,20,,2026-01-15T10:00:00Z,2026-02-01\n"
            "3,C,0,x,30,,2026-01-15T10:00:00Z,\n",
        ),
        (
            "Odoo",
            "id,name,stage_id,won_status,expected_revenue,create_date,date_closed,date_deadline\n"
            "1,A,x,won,10,2026-01-15 10:00:00,2026-02-01 10:00:00,2026-02-28\n"
            "2,B,x,lost,20,2026-01-15 10:00:00,2026-02-01 10:00:00,2026-02-28\n"
            "3,C,x,pending,30,2026-01-15 10:00:00,,2026-08-28\n",
        ),
        (
            "Salesforce",
            "Id,Name,StageName,Amount,CreatedDate,CloseDate,IsWon,IsClosed\n"
            "1,A,x,10,2026-01-15T10:00:00.000+0000,2026-02-01,true,true\n"
            "2,B,x,20,2026-01-15T10:00:00.000+0000,2026-02-01,false,true\n"
            "3,C,x,30,2026-01-15T10:00:00.000+0000,2026-08-01,false,false\n",
        ),
    ],
)
def test_exports_of_field_names(vendor: str, rows: str, tmp_path: Path) -> None:
    data = kh.load(put(tmp_path, rows, "export.csv"))
    match = data.mapped["deals"].match
    assert match is not None
    assert (match.profile.vendor, match.language) == (vendor, "api")
    assert column(data, "deals", "status") == ["won", "lost", "open"]
    assert column(data, "deals", "amount") == [10, 20, 30]
    closed = [str(day)[:10] for day in column(data, "deals", "closed_at")]
    assert closed == ["2026-02-01", "2026-02-01", "None"]


@pytest.mark.parametrize(
    ("won", "lost", "status"),
    [
        ("Oui", "Non", "won"),
        ("x", "", "won"),
        ("non", "OUI", "lost"),
        ("", "", "open"),
        ("non", "", "open"),
        ("peut-être", "", None),
        ("non", "bof", None),
    ],
)
def test_two_boxes_to_tick(won: str, lost: str, status: str | None, tmp_path: Path) -> None:
    rows = "N° affaire;Date de création;Gagné ?;Perdu ?;Montant HT\n"
    rows += f"1;15/01/2026;{won};{lost};5\n2;15/01/2026;oui;;5\n"
    data = kh.load(put(tmp_path, rows, "suivi.csv"))
    assert column(data, "deals", "status") == ([status, "won"] if status else ["won"])
