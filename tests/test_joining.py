"""Customers that tables write differently become one, by id first and then by name."""

import ibis
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kpi_helpers as kh
from kpi_helpers.sources import Dataset, joining
from kpi_helpers.sources.engine import frame_of
from kpi_helpers.sources.joining import normalised

DEALS = {
    "deal_id": ["1", "2", "3", "4", "5", "6"],
    "created_at": "2026-01-05",
    "status": "won",
    "closed_at": "2026-02-01",
    "amount": 10.0,
    "customer_id": ["Acme", "ACME SARL", "C2", "Zed", None, "Dup"],
}
ORDERS = {
    "order_id": ["1", "2", "3", "4"],
    "order_date": "2026-02-10",
    "amount_net": 10.0,
    "customer_id": ["C1", "zéd", None, None],
    "customer_name": ["anything", None, "beta s.a.s.", None],
}
CUSTOMERS = {
    "customer_id": ["C1", "C2", "C3", "C4"],
    "customer_name": ["Acmé S.A.", "Beta", "Dup", "DUP SAS"],
}
LEADS = {
    "lead_id": ["1", "2", "3"],
    "created_at": "2026-01-01",
    "customer_name": ["BETA", "Somebody", None],
}


def frames(**tables: dict) -> dict[str, pd.DataFrame]:
    return {name: pd.DataFrame(columns) for name, columns in tables.items()}


def customers_of(data: Dataset, table: str) -> list:
    key = {"deals": "deal_id", "orders": "order_id", "leads": "lead_id"}[table]
    ids = data[table].sort_values(key)["customer_id"].astype(object)
    return [None if pd.isna(each) else each for each in ids]


ALL = frames(deals=DEALS, orders=ORDERS, customers=CUSTOMERS, leads=LEADS)


def test_ids_come_first_then_names() -> None:
    data = kh.load(ALL)
    assert customers_of(data, "deals") == ["C1", "C1", "C2", "Zed", None, "Dup"]
    assert customers_of(data, "orders") == ["C1", "Zed", "C2", None]
    assert customers_of(data, "leads") == ["C2", None, None]


def test_what_was_joined_is_told_with_its_rows() -> None:
    data = kh.load(ALL)
    told = data.joined[["table", "written", "customer_id", "rows", "by"]]
    assert {*told.itertuples(index=False, name=None)} == {
        ("deals", "Acme", "C1", 1, "name"),
        ("deals", "ACME SARL", "C1", 1, "name"),
        ("deals", "Zed", "Zed", 1, "alone"),
        ("deals", "Dup", "Dup", 1, "ambiguous"),
        ("orders", "zéd", "Zed", 1, "name"),
        ("orders", "beta s.a.s.", "C2", 1, "name"),
        ("leads", "BETA", "C2", 1, "name"),
    }
    found = kh.quality(data).set_index(["check", "table"])["rows"]
    assert found["joined_by_name", "deals"] == 2
    assert found["ambiguous_customer", "deals"] == 1


def test_settings_keep_to_ids() -> None:
    data = kh.load(ALL, {"customers": "id"})
    assert customers_of(data, "deals") == ["Acme", "ACME SARL", "C2", "Zed", None, "Dup"]
    assert data.joined.empty


def test_a_name_stands_for_an_id_that_no_row_has() -> None:
    deals = pd.DataFrame(DEALS).rename(columns={"customer_id": "customer_name"})
    data = kh.load(deals)
    assert customers_of(data, "deals")[:2] == ["Acme", "ACME SARL"]
    new = kh.measure(data, "new_customers_won", "2026Q1")
    assert new["value"].iloc[0] == 5


def test_a_key_account_is_one_customer_in_both_tables() -> None:
    data = kh.load(frames(deals=DEALS, orders=ORDERS, customers=CUSTOMERS))
    won = data["deals"].groupby("customer_id").size()
    bought = data["orders"].groupby("customer_id").size()
    assert won["C1"] == 2
    assert {*bought.index} <= {*won.index}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("ACME S.A.R.L.", "acme"),
        ("Müller & Söhne GmbH", "muller sohne"),
        ("L’Oréal", "loreal"),
        ("SAS", "sas"),
        ("Sa Co", "sa"),
        ("东方", "东方"),
        ("C-12", "c 12"),
        ("***", "***"),
    ],
)
def test_names_are_compared_as_one_would_say_them(name: str, said: str) -> None:
    assert normalised(pd.Series([name])).tolist() == [said]


def test_names_of_plain_letters_are_joined_as_others_are() -> None:
    """One more customer with an accent has all names fetched, not only those that are alike."""
    plain = frames(deals=DEALS, customers=CUSTOMERS, leads=LEADS, orders=ORDERS)
    plain["customers"] = plain["customers"].replace("Acmé S.A.", "Acme S.A.")
    plain["orders"] = plain["orders"].replace("zéd", "z-e.d").assign(type="order")
    plain["orders"].loc[3, "customer_name"] = "somebody"
    plain["deals"]["customer_id"] = plain["deals"]["customer_id"].replace("Zed", "Z ED")
    other = pd.DataFrame({"customer_id": ["C5"], "customer_name": ["Éon"]})
    both = [kh.load(plain), kh.load({**plain, "customers": pd.concat([plain["customers"], other])})]
    for name in ("deals", "orders", "leads"):
        assert customers_of(both[0], name) == customers_of(both[1], name)
    few, every = ({*data.joined.itertuples(index=False, name=None)} for data in both)
    assert few <= every
    assert {row[-1] for row in every - few} <= {"alone"}
    assert {row[-1] for row in few} == {"name", "ambiguous", "alone"}


@pytest.mark.parametrize(
    "name", ["ACME S.A.R.L.", "A & Co", "SAS", "Sa Co", "C-12", "***", "_a_ ltd"]
)
def test_the_engine_says_plain_names_alike(name: str) -> None:
    con = ibis.duckdb.connect()
    said = joining._said(ibis.literal(name)).name("said").as_table()
    assert frame_of(con, said)["said"].tolist() == normalised(pd.Series([name])).tolist()


NAMES = st.sampled_from([None, "A", "a", "B", "b SAS", "C1", "c1", "D"])
SOME = st.lists(NAMES, min_size=1, max_size=8)


@pytest.mark.thorough
@settings(max_examples=12)
@given(deals=SOME, orders=SOME)
def test_no_row_comes_or_goes_and_known_ids_stay(
    deals: list[str | None], orders: list[str | None]
) -> None:
    tables = {
        "deals": pd.DataFrame(
            {
                "deal_id": [*map(str, range(len(deals)))],
                "created_at": "2026-01-05",
                "status": "open",
                "customer_id": pd.array(deals, dtype="string"),
            }
        ),
        "orders": pd.DataFrame(
            {
                "order_id": [*map(str, range(len(orders)))],
                "order_date": "2026-01-05",
                "amount_net": 1.0,
                "customer_id": pd.array(orders, dtype="string"),
            }
        ),
        "customers": pd.DataFrame({"customer_id": ["C1", "D"]}),
    }
    data = kh.load(tables)
    for name, written in (("deals", deals), ("orders", orders)):
        found = customers_of(data, name)
        assert len(found) == len(written)
        for before, after in zip(written, found, strict=True):
            assert (before is None) == (after is None)
            assert before not in ("C1", "D") or after == before
            assert before != "c1" or after == "C1"
