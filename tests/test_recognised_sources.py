"""Workbooks, folders, databases and frames: each of their tables recognised by itself."""

import datetime as dt
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
import xlsxwriter
from exports import put, refused

import kpi_helpers as kh
from kpi_helpers.sources.recognition.matching import best
from kpi_helpers.sources.recognition.understood import understood, understood_lines

DAY = dt.datetime(2026, 1, 15)
SHEETS: dict[str, list[list[Any]]] = {
    "Suivi": [
        ["N° affaire", "Client", "Date de création", "Statut", "Montant HT (k€)", "Date signature"],
        ["A1", "Acme", DAY, "Signé", 12.5, DAY],
        ["A2", "Beta", DAY, "en cours", 3, ""],
    ],
    "Factures": [
        ["N° facture", "Date de facture", "Code client", "Type", "Montant HT"],
        ["F1", DAY, "Acme", "Facture", 12500],
        ["AV1", DAY, "Acme", "Avoir", 500],
    ],
    "Équipe": [["Commercial", "Équipe", "ETP"], ["Ann", "Nord", 1]],
    "Divers": [["Couleur", "Forme"], ["rouge", "rond"]],
}


@pytest.fixture
def workbook(tmp_path: Path) -> Path:
    path = tmp_path / "acme.xlsx"
    with xlsxwriter.Workbook(path, {"default_date_format": "dd/mm/yyyy"}) as book:
        for name, rows in SHEETS.items():
            sheet = book.add_worksheet(name)
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)
    return path


def test_every_sheet_of_a_workbook_goes_to_its_table(workbook: Path) -> None:
    data = kh.load(workbook, {"language": "en"})
    assert data.tables == ("deals", "orders", "reps")
    assert data["deals"]["amount"].tolist() == [12_500, 3_000]
    assert data["orders"]["amount_net"].tolist() == [12_500, -500]
    assert [each["file"] for each in understood(data)] == [
        "acme.xlsx/Suivi",
        "acme.xlsx/Factures",
        "acme.xlsx/Équipe",
    ]
    assert "Divers" in " ".join(kh.quality(data)["check"] + kh.quality(data)["table"])


def test_settings_that_name_a_table_leave_other_files_alone(workbook: Path) -> None:
    settings = {"tables": {"orders": {"file": "acme.xlsx/Factures"}}}
    assert kh.load(workbook, settings).tables == ("orders",)


def test_two_exports_of_one_vendor_and_the_stages_of_one_of_them(tmp_path: Path) -> None:
    deals = "Record ID,Deal Name,Deal Stage,Create Date,hs_v2_date_entered_a\n"
    deals += "1,A,Closed Won,2026-01-15,2026-01-16\n"
    contacts = "Record ID,Email,Lifecycle Stage,Create Date\n9,a@b.fr,lead,2026-01-15\n"
    put(tmp_path, deals, "x.csv")
    put(tmp_path, contacts, "y.csv")
    data = kh.load(tmp_path)
    assert data.tables == ("deals", "stage_history", "leads")
    assert data.mapped["stage_history"].columns["deal_id"] == "Record ID"


def test_a_database_with_a_vendors_columns(tmp_path: Path) -> None:
    path = tmp_path / "crm.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute(
            "CREATE TABLE deals AS SELECT 7 AS hs_object_id, 'A' AS dealname, 10.5 AS amount,"
            " 'closedwon' AS dealstage, TIMESTAMP '2026-01-05 10:00' AS createdate,"
            " TIMESTAMP '2026-02-05 23:30' AS closedate"
        )
    (deal,) = kh.load(path)["deals"].to_dict("records")
    assert (deal["deal_id"], deal["status"], deal["amount"]) == ("7", "won", 10.5)
    assert deal["closed_at"] == pd.Timestamp("2026-02-05")


def test_a_frame_with_a_vendors_columns_is_not_changed() -> None:
    frame = pd.DataFrame(
        {
            "Opportunity ID": ["1"],
            "Stage": ["Negotiation/Review"],
            "Created Date": [pd.Timestamp("2026-01-05")],
            "Close Date": [pd.Timestamp("2026-05-05")],
            "Probability (%)": [60],
        }
    )
    before = frame.copy()
    (deal,) = kh.load(frame)["deals"].to_dict("records")
    assert (deal["status"], deal["probability_crm"]) == ("open", 0.6)
    assert deal["expected_close"] == pd.Timestamp("2026-05-05")
    pd.testing.assert_frame_equal(frame, before)


def test_a_short_list_by_hand_keeps_its_amount(tmp_path: Path) -> None:
    rows = "Nom,Étape,Montant,Date de création\nA,Gagné,10,2026-01-05\n"
    data = kh.load(put(tmp_path, rows, "x.csv"))
    assert data["deals"]["amount"].tolist() == [10]


@pytest.mark.parametrize(
    ("header", "table"),
    [
        ("N° facture;Date de facture;Code client;Article;Qté;PU HT;Montant HT", "order_lines"),
        ("N° facture;Date de facture;Code client;Montant HT;Montant TTC;TVA", "orders"),
        ("Code client;Raison sociale;Secteur d’activité;Région;Client depuis", "customers"),
        ("Code article;Famille;Prix catalogue;Coût unitaire", "products"),
        ("Indicateur;Début;Fin;Niveau;Périmètre;Objectif", "targets"),
        ("N° avis;Date de l'avis;Étoiles;Plateforme;Avis", "surveys"),
        ("Date;Source de la session;Catégorie d'appareil;Sessions;Transactions", "web_funnel"),
        ("Jour;Plateforme;Nom de la campagne;Montant dépensé;Impressions;Clics", "spend"),
        ("N° affaire;Client;Date de création;Statut;Montant HT;Produit;Commercial", "deals"),
    ],
)
def test_lists_without_a_vendor_by_their_headers(header: str, table: str) -> None:
    match = best(header.split(";"))
    assert (match.profile.table.name, match.is_sure) == (table, True)
    assert match.known == match.total


def test_a_label_over_two_columns_is_refused_unless_one_is_meant(tmp_path: Path) -> None:
    rows = (
        "N° affaire;Statut;Montant (EUR);Montant (k€);Date de création\n1;en cours;7;8;15/01/2026\n"
    )
    source = put(tmp_path, rows, "suivi.csv")
    assert "Montant (EUR), Montant (k€)" in str(refused(source))
    data = kh.load(source, {"tables": {"deals": {"columns": {"amount": "Montant (EUR)"}}}})
    assert data["deals"]["amount"].tolist() == [7]


def test_a_unit_in_some_cells_only_is_refused_under_a_header_with_one(tmp_path: Path) -> None:
    head = "N° affaire;Statut;Montant (k€);Date de création\n"
    body = "1;Signé;12,5;15/01/2026\n2;Signé;{};16/01/2026\nTotal;;14,5;\n"
    assert "1 of 2 amounts" in str(refused(put(tmp_path, head + body.format("2 M€"), "a.csv")))
    data = kh.load(put(tmp_path, head + body.format("2"), "b.csv"))
    assert data["deals"]["amount"].tolist() == [12_500, 2_000]


@pytest.mark.parametrize(
    ("header", "cells", "read"),
    [
        *(
            (header, ("1,5", "20"), [1500, 20000])
            for header in ("CA (k€)", "CA [kEUR]", "CA K€ HT")
        ),
        ("CA en milliers d'euros", ("1,5", "20"), [1500, 20000]),
        ("CA (M€)", ("1,5", "20"), [1_500_000, 20_000_000]),
        ("CA (k€)", ("1,5 k€", "20 k€"), [1500, 20000]),
        ("CA (m€)", ("1,5", "20"), [1.5, 20]),
    ],
)
@pytest.mark.parametrize(
    "names", ["deal_id;created_at;status", "N° affaire;Date de création;Statut"]
)
def test_a_column_named_in_the_settings_keeps_the_unit_of_its_header(
    names: str, header: str, cells: tuple[str, str], read: list[float], tmp_path: Path
) -> None:
    first, second = cells
    rows = f"{names};{header}\n1;05/01/2026;open;{first}\n2;15/01/2026;open;{second}\n"
    settings = {"tables": {"deals": {"columns": {"amount": header}}}}
    data = kh.load(put(tmp_path, rows, "deals.csv"), settings)
    assert data["deals"]["amount"].tolist() == read
    scaled = f"  amount ← {header} = amount * " in "\n".join(understood_lines(data))
    assert scaled == (read[0] > 1.5 and "k" not in first)
    settings["tables"]["deals"]["derived"] = {"amount": "amount * 2"}
    data = kh.load(put(tmp_path, rows, "deals.csv"), settings)
    assert data["deals"]["amount"].iloc[1] == (40_000 if "k" in second else 40)


def test_an_opportunity_of_odoo_with_a_reason_is_lost(tmp_path: Path) -> None:
    rows = (
        "id,name,stage_id,expected_revenue,create_date,date_closed,lost_reason_id\n"
        "1,A,Won,10,2026-01-05,2026-02-05,\n2,B,Qualified,20,2026-01-05,2026-02-06,Price\n"
        "3,C,Qualified,30,2026-01-05,,\n"
    )
    data = kh.load(put(tmp_path, rows, "crm.lead.csv"))
    assert data["deals"]["status"].tolist() == ["won", "lost", "open"]


@pytest.mark.parametrize(
    ("header", "table", "column"),
    [
        ("N° facture;Date facture;Client;Montant TTC", "orders", "amount_net"),
        ("Day;Campaign;Currency code;Cost;Impr.;Clicks;Conversions", "spend", "channel"),
        ("ID réponse;Date de réponse;Note;Commentaire", "surveys", "type"),
        ("Date et heure;Sens;Agent;Numéro;Durée;Statut", "activities", "activity_id"),
    ],
)
def test_a_single_list_is_told_what_its_nearest_table_lacks(
    tmp_path: Path, header: str, table: str, column: str
) -> None:
    said = str(refused(put(tmp_path, f"{header}\n1{';' * header.count(';')}\n", "x.csv")))
    assert said.startswith(f"Table {table} (x.csv")
    assert f"needs the column '{column}'" in said


@pytest.mark.parametrize(
    "header",
    [
        "seller_id,seller_zip_code_prefix,seller_city,seller_state",
        "mql_id,first_contact_date,landing_page_id,origin",
        "account,sector,year_established,revenue,employees,office_location,subsidiary_of",
        "ad_id,xyz_campaign_id,age,gender,interest,Impressions,Clicks,Spent,Total_Conversion",
        "customerID,gender,tenure,Contract,MonthlyCharges,TotalCharges,Churn",
        "Product,Colour,Weight,Depth,Height,Width",
    ],
)
def test_published_tables_of_no_vendor_are_taken_for_none(header: str) -> None:
    assert not best(header.split(",")).is_sure
