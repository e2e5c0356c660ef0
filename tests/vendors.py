"""One small company, as eight vendors would export it, in English or French and many dialects.

Labels and words stand here as the vendors' documentation and users' files have them, apart from
the profiles, so that neither can be right by being wrong together. `expected` says what a vendor
cannot carry.
"""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from kpi_helpers.sources.tables import DEALS

Row = dict[str, Any]
LANGUAGES = ("en", "fr")
CUSTOM = {"en": "Partner tier *", "fr": "Budget validé ?"}
CUSTOM_AS = {"en": "partner_tier", "fr": "budget_valide"}
# Canonical column → English and French label.
LABELS: dict[str, dict[str, tuple[str, str]]] = {
    "Salesforce": {
        "deal_id": ("Opportunity ID", "ID de l'opportunité"),
        "deal_name": ("Opportunity Name", "Nom de l’opportunité"),
        "stage": ("Stage", "Étape"),
        "amount": ("Amount", "Montant"),
        "probability_crm": ("Probability (%)", "Probabilité (%)"),
        "created_at": ("Created Date", "Date de création"),
        "close": ("Close Date", "Date de clôture"),
        "owner": ("Opportunity Owner", "Propriétaire de l'opportunité"),
        "customer_name": ("Account Name", "Nom du compte"),
        "source": ("Lead Source", "Origine de la piste"),
        "sales_channel": ("Sales Channel", "Canal de vente"),
        "currency": ("Opportunity Currency", "Devise de l'opportunité"),
    },
    "HubSpot": {
        "deal_id": ("Record ID", "ID de fiche d’informations"),
        "deal_name": ("Deal Name", "Nom de la transaction"),
        "stage": ("Deal Stage", "Phase de la transaction"),
        "amount": ("Amount", "Montant"),
        "created_at": ("Create Date", "Date de création"),
        "close": ("Close Date", "Date de fermeture"),
        "owner": ("Deal owner", "Propriétaire de la transaction"),
        "customer_name": ("Associated Company (Primary)", "Associated Company (Primary)"),
        "source": ("Original Traffic Source", "Source de trafic d'origine"),
        "deal_type": ("Deal Type", "Type de transaction"),
        "lost_reason": ("Closed Lost Reason", "Raison de la transaction perdue"),
        "currency": ("Currency", "Devise"),
    },
    "Pipedrive": {
        "deal_id": ("Deal - ID", "Affaire - ID"),
        "deal_name": ("Deal - Title", "Affaire - Titre"),
        "amount": ("Deal - Value", "Affaire - Valeur"),
        "currency": ("Deal - Currency of Value", "Affaire - Devise de Valeur"),
        "stage": ("Deal - Stage", "Affaire - Étape"),
        "status": ("Deal - Status", "Affaire - Statut"),
        "owner": ("Deal - Owner", "Affaire - Propriétaire"),
        "created_at": ("Deal - Deal created", "Affaire - Affaire créée"),
        "expected_close": ("Deal - Expected close date", "Affaire - Date de clôture prévue"),
        "won_at": ("Deal - Won time", "Affaire - Date de gain"),
        "lost_at": ("Deal - Lost time", "Affaire - Heure de l’échec"),
        "lost_reason": ("Deal - Lost reason", "Affaire - Raison de la perte"),
        "customer_name": ("Deal - Organization", "Affaire - Organisation"),
    },
    "Zoho": {
        "deal_id": ("Record Id", "ID d'enregistrement"),
        "deal_name": ("Deal Name", "Nom de l'affaire"),
        "stage": ("Stage", "Étape"),
        "amount": ("Amount", "Montant"),
        "probability_crm": ("Probability (%)", "Probabilité (%)"),
        "created_at": ("Created Time", "Heure de création"),
        "close": ("Closing Date", "Date de clôture"),
        "owner": ("Deal Owner", "Propriétaire de l'affaire"),
        "customer_name": ("Account Name", "Nom du compte"),
        "source": ("Lead Source", "Source du prospect"),
    },
    "Dynamics 365": {
        "deal_id": ("(Do Not Modify) Opportunity", "(Ne pas modifier) Opportunité"),
        "deal_name": ("Topic", "Rubrique"),
        "customer_name": ("Potential Customer", "Client potentiel"),
        "status": ("Status", "Statut"),
        "stage": ("Sales Stage", "Étape de vente"),
        "estimated": ("Est. Revenue", "Chiffre d’affaires estimé"),
        "final": ("Actual Revenue", "Chiffre d’affaires réel"),
        "expected_close": ("Est. close date", "Date de clôture estimée"),
        "closed_at": ("Actual Close Date", "Date de clôture réelle"),
        "created_at": ("Created On", "Créé le"),
        "probability_crm": ("Probability", "Probabilité de clôture"),
        "owner": ("Owner", "Propriétaire"),
        "currency": ("Currency", "Devise"),
    },
    "Odoo": {
        "deal_id": ("External ID", "ID externe"),
        "deal_name": ("Opportunity", "Opportunité"),
        "customer_name": ("Customer", "Client"),
        "stage": ("Stage", "Étape"),
        "active": ("Active", "Actif"),
        "amount": ("Expected Revenue", "Revenu espéré"),
        "expected_close": ("Expected Closing", "Date de fermeture prévue"),
        "closed_at": ("Closed Date", "Date de fermeture"),
        "created_at": ("Created on", "Créé le"),
        "probability_crm": ("Probability", "Probabilité"),
        "owner": ("Salesperson", "Vendeur"),
        "source": ("Source", "Source"),
        "campaign": ("Campaign", "Campagne"),
        "lost_reason": ("Lost Reason", "Motif de perte"),
    },
    "Sellsy": {
        "deal_id": ("Reference", "Référence"),
        "deal_name": ("Name", "Nom"),
        "customer_name": ("Company", "Société"),
        "status": ("Status", "Statut"),
        "stage": ("Step", "Étape"),
        "amount": ("Potential amount", "Montant potentiel"),
        "probability_crm": ("Probability", "Probabilité"),
        "expected_close": ("Due date", "Date d'échéance"),
        "changed": ("Status change date", "Date de changement de statut"),
        "created_at": ("Creation date", "Date de création"),
        "source": ("Source", "Source"),
        "owner": ("Assigned staff", "Collaborateur affecté"),
    },
    "Excel": {
        "deal_id": ("Deal no", "N° affaire"),
        "customer_name": ("Client", "Client"),
        "created_at": ("Date opened", "Date de création"),
        "status": ("Result", "Résultat"),
        "closed_at": ("Date signed", "Date signature"),
        "amount": ("Net amount (€)", "Montant  HT (€)"),
        "expected_close": ("Due date", "Échéance"),
        "owner": ("Sales rep", "Commercial"),
        "source": ("Origin", "Origine"),
        "sales_channel": ("Sales channel", "Canal de vente"),
        "product": ("Product", "Produit"),
        "region": ("Region", "Région"),
    },
}
# What a vendor writes in these columns: open, won, lost; and its stages where they hold the status.
STATUS = {
    "Pipedrive": (("Open", "Won", "Lost"), ("En cours", "Gagnée", "Perdue")),
    "Dynamics 365": (("Open", "Won", "Lost"), ("Ouvert", "Conclue", "Perdue")),
    "Sellsy": (("open", "won", "lost"), ("En cours", "Gagnée", "Perdue")),
    "Excel": (("In progress", "OK", "Lost"), ("en cours", "Signé", "Sans suite")),
}
STAGES = {
    "Salesforce": (
        ("Prospecting", "Closed Won", "Closed Lost"),
        ("Analyse des besoins", "Fermé gagné", "Fermée perdue"),
    ),
    "HubSpot": (
        ("Contract Sent", "Closed Won", "Closed Lost"),
        ("Contrat envoyé", "Fermé gagné", "Fermé perdu"),
    ),
    "Zoho": (
        ("Qualification", "Closed Won", "Closed Lost"),
        ("Proposition/Devis", "Fermé gagné", "Fermé perdu"),
    ),
    "Odoo": (("Qualified", "Won", "Qualified"), ("Qualifié", "Gagné", "Qualifié")),
}
OTHER_STAGES = ("Démo", "Devis", "Signature")
ACTIVE = (("True", "False"), ("Vrai", "Faux"))
TYPES = {
    "new": ("New Business", "Nouvelle affaire"),
    "upsell": ("Existing Business", "Client existant"),
}
FOOTERS = (
    "Confidential Information - Do Not Distribute",
    "Copyright © 2000-2026 salesforce.com, inc. All rights reserved.",
)
PLACES = ("open", "won", "lost")


def company() -> list[Row]:
    """Twenty-four deals: a third open, won and lost, with gaps where real ones have them."""
    start = pd.Timestamp("2026-01-05 09:30")
    return [
        {
            "deal_id": f"D{n:03}",
            "deal_name": f"Ligne n°{n}, « été »",
            "status": PLACES[n % 3],
            "created_at": start + pd.Timedelta(days=5 * n),
            "day": start + pd.Timedelta(days=5 * n + 29, hours=n % 13),
            "amount": None if n == 9 else 980.25 * (n + 1) * (12 if n % 4 else 1),
            "probability_crm": (5 * n % 100) / 100,
            "owner": None if n == 4 else ["Zoé Müller", "O'Neil; Ann", 'Jean "J" Bé'][n % 3],
            "customer_name": f"Société {n % 7}",
            "source": ["Salon", "Web, SEO", "Partenaire"][n % 3],
            "sales_channel": ["Direct", "Distributeur"][n % 2],
            "campaign": ["Été", None][n % 2],
            "lost_reason": ["Prix", None][n % 2] if PLACES[n % 3] == "lost" else None,
            "deal_type": ["new", "upsell"][n % 2],
            "currency": "EUR",
            "product": ["Presse", "Four"][n % 2],
            "region": ["Île-de-France", "Ouest"][n % 2],
            "custom": ["Oui", "Non", None][n % 3],
        }
        for n in range(24)
    ]


def _stage(row: Row, vendor: str, lang: int) -> str | None:
    if vendor in STAGES:
        return STAGES[vendor][lang][PLACES.index(row["status"])]
    return OTHER_STAGES[int(row["deal_id"][1:]) % 3] if "stage" in LABELS[vendor] else None


def _cells(row: Row, vendor: str, lang: int) -> Row:
    """What a vendor holds of a deal, by what its columns are of."""
    status, day = row["status"], row["day"]
    decided = day if status != "open" else None
    words = STATUS.get(vendor, (PLACES, PLACES))[lang]
    final = vendor == "Dynamics 365" and status == "won"
    return row | {
        "stage": _stage(row, vendor, lang),
        "status": words[PLACES.index(status)],
        "close": day,
        "changed": day,
        "closed_at": decided,
        "won_at": day if status == "won" else None,
        "lost_at": day if status == "lost" else None,
        "expected_close": row["created_at"].normalize() + pd.Timedelta(days=44),
        "active": ACTIVE[lang][status == "lost"],
        "estimated": 100.0 if final else row["amount"],
        "final": row["amount"] if final else None,
        "deal_type": TYPES[row["deal_type"]][lang],
    }


def expected(vendor: str, lang: str) -> pd.DataFrame:
    """The canonical deals that can be read from a vendor's export; what it lacks is missing."""
    labels, place = LABELS[vendor], LANGUAGES.index(lang)
    rows = []
    for row in company():
        cells = _cells(row, vendor, place)
        carried = {name: cells[name] for name in labels if name in DEALS.names}
        planned = cells["expected_close"] if "expected_close" in labels else None
        if "close" in labels and row["status"] == "open":
            planned = row["day"]
        rows.append(
            carried
            | {"status": row["status"], "amount": row["amount"], "expected_close": planned}
            | {"closed_at": row["day"] if row["status"] != "open" else None}
            | {"customer_id": row["customer_name"], CUSTOM_AS[lang]: row["custom"]}
            | ({"deal_type": row["deal_type"]} if "deal_type" in labels else {})
        )
    frame = pd.DataFrame(rows, columns=[*DEALS.names, CUSTOM_AS[lang]])
    for name in ("created_at", "closed_at", "expected_close"):
        frame[name] = pd.to_datetime(frame[name]).dt.normalize()
    return frame


class Dialect(NamedTuple):
    """How a file is written: ``date`` as strftime has it, ``title`` and ``footer`` lines around."""

    name: str
    encoding: str
    separator: str
    decimal: str
    thousands: str
    date: str
    quoting: int = csv.QUOTE_MINIMAL
    framed: bool = False
    percent: str = ""


DIALECTS = (
    Dialect("api-like", "utf-8-sig", ",", ".", "", "%Y-%m-%d %H:%M", csv.QUOTE_ALL),
    Dialect("french", "cp1252", ";", ",", "\u00a0", "%d/%m/%Y", framed=True),
    Dialect("narrow", "utf-8", ";", ",", "\u202f", "%d/%m/%Y %H:%M", percent=" %"),
    Dialect("wide", "utf-16", "\t", ".", ",", "%m/%d/%Y", csv.QUOTE_ALL),
    Dialect("workbook", "xlsx", "", "", "", "", framed=True),
)


def _written(value: Any, name: str, how: Dialect) -> Any:
    if how.encoding == "xlsx":
        return value.to_pydatetime() if isinstance(value, pd.Timestamp) else value
    if value is None:
        return ""
    if isinstance(value, pd.Timestamp):
        return value.strftime(how.date)
    if isinstance(value, float):
        number = f"{value:,.2f}".replace(",", "\0").replace(".", how.decimal)
        return number.replace("\0", how.thousands) + (
            how.percent if name == "probability_crm" else ""
        )
    return value


def grid(vendor: str, lang: str, how: Dialect) -> list[list[Any]]:
    """The cells of an export: title lines, header, deals, and what stands below them."""
    labels, place = LABELS[vendor], LANGUAGES.index(lang)
    header = [*(both[place] for both in labels.values()), CUSTOM[lang]]
    body = []
    for row in company():
        cells = _cells(row, vendor, place)
        cells["probability_crm"] *= 100
        body.append([_written(cells[name], name, how) for name in (*labels, "custom")])
    if not how.framed:
        return [header, *body]
    blank = [""] * (len(header) - 1)
    around = [
        "Export 2026",
        "Filtre : toutes",
        "Total",
        *(FOOTERS if vendor == "Salesforce" else ()),
    ]
    first, second, *below = ([words, *blank] for words in around)
    return [first, second, header, *body, *below]


def export(folder: Path, vendor: str, lang: str, how: Dialect) -> Path:
    """A file of a vendor's deals whose name says nothing."""
    rows = grid(vendor, lang, how)
    if how.encoding == "xlsx":
        return _workbook(folder / "export.xlsx", rows)
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=how.separator, quoting=how.quoting).writerows(rows)
    path = folder / "export.csv"
    path.write_bytes(text.getvalue().encode(how.encoding))
    return path


def _workbook(path: Path, rows: list[list[Any]]) -> Path:
    import xlsxwriter

    options = {"default_date_format": "dd/mm/yyyy hh:mm", "strings_to_formulas": False}
    with xlsxwriter.Workbook(path, options) as book:
        sheet = book.add_worksheet("Feuille 1")
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, ["" if value is None else value for value in row])
    return path


def matrix() -> Iterator[tuple[str, str, Dialect]]:
    """Every export: vendor, language and dialect."""
    for vendor in LABELS:
        for lang in LANGUAGES:
            for how in DIALECTS:
                yield vendor, lang, how
