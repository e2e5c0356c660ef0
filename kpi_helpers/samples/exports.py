"""The recent deals as two CRMs would export them in French: HubSpot's CSV and Salesforce's xlsx.

Both vendors have one date of closing, which is the expected one while a deal is open.
"""

from datetime import datetime, time
from pathlib import Path

import pandas as pd

from kpi_helpers.samples.draws import read_data
from kpi_helpers.samples.parameters import Parameters

MONTHS = 9  # that go back from as_of: all deals would double the size of the sample
TITLE = ("Opportunités de la période", "Périmètre : Toutes les opportunités")
FOOTER = (
    "Confidential Information - Do Not Distribute",
    "Copyright © 2000-2026 salesforce.com, inc.",
)
TYPES = {"new": "Nouvelle affaire", "upsell": "Client existant"}
SAID = {True: "Oui", False: "Non"}


def export(tables: dict[str, pd.DataFrame], folder: Path, p: Parameters) -> list[Path]:
    """Write both exports of the deals that were open at any time in the last `MONTHS`.

    Returns
    -------
    list of Path
        ``hubspot.csv`` and ``salesforce.xlsx``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    first = pd.Timestamp(p.as_of) + pd.Timedelta(1, "D") - pd.DateOffset(months=MONTHS)
    deals = tables["deals"]
    recent = deals[~(deals["closed_at"] < first)]
    names = tables["customers"].set_index("customer_id")["customer_name"]
    rows = recent.assign(
        deal_name=recent["product"] + " " + recent["lead_id"],
        customer_name=recent["customer_id"].map(names),
        pipeline="Pipeline des ventes",
        percent=100 * recent["probability_crm"],
        closing=recent["closed_at"].fillna(recent["expected_close"]),
        deal_type=recent["deal_type"].map(TYPES),
        won=(recent["status"] == "won").map(SAID),
        closed=(recent["status"] != "open").map(SAID),
    )
    paths = [folder / "hubspot.csv", folder / "salesforce.xlsx"]
    _labelled(rows, "hubspot").to_csv(
        paths[0],
        index=False,
        encoding="utf-8-sig",
        date_format="%Y-%m-%d %H:%M",
        lineterminator="\r\n",
    )
    _workbook(_labelled(rows, "salesforce"), paths[1], p)
    return paths


def _labelled(rows: pd.DataFrame, vendor: str) -> pd.DataFrame:
    labels = read_data("written")[vendor]
    return rows[[*labels.values()]].set_axis([*labels], axis=1)


def _workbook(table: pd.DataFrame, path: Path, p: Parameters) -> None:
    """Write a formatted report: title lines, the table, its total and the vendor's last words."""
    import xlsxwriter

    with xlsxwriter.Workbook(
        path, {"strings_to_formulas": False, "strings_to_urls": False}
    ) as book:
        book.set_properties({"created": datetime.combine(p.as_of, time())})
        sheet = book.add_worksheet("Opportunités")
        day = book.add_format({"num_format": "dd/mm/yyyy"})
        sheet.write_column(0, 0, TITLE)
        sheet.write_row(len(TITLE) + 1, 0, table.columns)
        first = len(TITLE) + 2
        for place, name in enumerate(table):
            dated = pd.api.types.is_datetime64_any_dtype(table[name])
            values = table[name].astype(object).where(table[name].notna(), None)
            sheet.write_column(first, place, values.tolist(), day if dated else None)
        last = first + len(table)
        sheet.write_row(last, 0, ["Total", *[""] * 4, float(table["Montant"].sum())])
        sheet.write_column(last + 2, 0, FOOTER)
