"""What is said when a table, a column or the settings are not where they are looked for."""

from pathlib import Path

import ibis
import pandas as pd
import pytest

import kpi_helpers as kh
from kpi_helpers.errors import BadInput, MissingColumn, MixedCurrencies, Unavailable, UnknownName


def test_a_folder_without_a_table_names_its_files(tmp_path: Path) -> None:
    for name in ("export", "contacts"):
        (tmp_path / f"{name}.csv").write_text("a,b\n1,2\n", "utf-8")
    with pytest.raises(Unavailable, match=r"\[tables.deals\] file.*contacts.csv, export.csv"):
        kh.load(tmp_path)


def test_a_column_that_is_not_found_says_where_to_name_it(tmp_path: Path) -> None:
    (tmp_path / "deals.csv").write_text("id,created_at\n1,2026-01-05\n", "utf-8")
    said = r"Missing too: status.*in \[tables.deals.columns\].*deal_id ="
    with pytest.raises(MissingColumn, match=said):
        kh.load(tmp_path)


def test_settings_that_are_not_found_bring_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "kpi.toml").write_text("schema = 1\n", "utf-8")
    with pytest.raises(UnknownName, match=r"File not found: 'kpi.tml'. Did you mean kpi.toml"):
        kh.load(tmp_path, tmp_path / "kpi.tml")


@pytest.mark.parametrize("address", ["http://x/deals.csv", "HTTPS://ann:secret@x/deals.csv"])
def test_a_web_address_is_to_be_downloaded_first(address: str) -> None:
    with pytest.raises(Unavailable, match=r"x/deals.csv is a web address.* Download the file"):
        kh.load(address)


@pytest.mark.parametrize(("value", "kind"), [("5::UHUGEINT", "UINT128"), ("b", "UNION")])
def test_a_type_that_no_column_takes_is_named_in_a_word(value: str, kind: str) -> None:
    con = ibis.duckdb.connect()
    row = f"SELECT '1' AS deal_id, DATE '2026-01-05' AS created_at, {value} AS amount"
    rest = "'open' AS status FROM (SELECT union_value(number := 1) AS b)"
    con.con.execute(f"CREATE TABLE deals AS {row}, {rest}")
    with pytest.raises(BadInput) as refused:
        kh.load(con)
    assert str(refused.value) == f"deals, column amount: '{kind}' is not a number."


def test_a_file_without_rows_is_named(tmp_path: Path) -> None:
    (tmp_path / "deals.csv").write_text("deal_id,created_at,status,closed_at\n", "utf-8")
    with pytest.raises(BadInput, match=r"deals.csv: there is no row with a date.* as_of"):
        kh.load(tmp_path)


def test_of_a_folder_without_a_dated_table_the_files_not_read_are_named(tmp_path: Path) -> None:
    (tmp_path / "products.csv").write_text("product,series\nBasic,GTX\n", "utf-8")
    (tmp_path / "sales.csv").write_text("opportunity_id,engage_date\n1,2016-10-20\n", "utf-8")
    with pytest.raises(BadInput, match=r"Not read: sales\.csv") as refused:
        kh.load(tmp_path)
    assert "as_of" not in str(refused.value)


def test_one_foreign_currency_without_its_rate_is_refused(tmp_path: Path) -> None:
    head = "deal_id,created_at,status,closed_at,amount,currency\n"
    row = "1,2026-01-05,won,2026-02-01,9,USD\n"
    (tmp_path / "deals.csv").write_text(head + row, "utf-8")
    with pytest.raises(MixedCurrencies, match="is in USD, the report in EUR"):
        kh.load(tmp_path, {"currency": "EUR"})


def test_a_segment_by_a_column_that_a_table_lacks_is_said_not_left_unfiltered() -> None:
    days = ["2026-01-05", "2026-01-06"]
    deals = {"deal_id": ["1", "2"], "created_at": days, "status": ["won", "lost"]}
    leads = pd.DataFrame({"lead_id": ["1", "2"], "created_at": days})
    config = {"segments": {"won ones": "status == 'won'"}}
    data = kh.load({"deals": pd.DataFrame({**deals, "closed_at": days}), "leads": leads}, config)
    frame = kh.measure(data, ["leads_generated", "deals_won_count"], "all", where="won ones")
    assert frame["status"].tolist() == ["missing", "ok"]
    assert "segment won ones filtre sur status, que la table leads" in frame.loc[0, "note"]


def test_a_date_that_no_row_has_gives_no_span_of_dates() -> None:
    deals = {"deal_id": ["1"], "created_at": ["2026-01-05"], "status": ["open"], "amount": [9.0]}
    data = kh.load(pd.DataFrame(deals).assign(closed_at=None), {"language": "en"}, "2026-04-01")
    row = kh.measure(data, "bookings", "2026Q1").iloc[0]
    assert (row["status"], row["note"]) == ("missing", "Nothing to count in this period.")
