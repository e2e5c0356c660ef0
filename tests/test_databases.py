"""Databases: secrets stay secret, reading writes nothing, text in columns is read by our rules."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pandas as pd
import pytest
from stores import URL, as_parquet, as_text, awkward, moments, needs_server, on_server

import kpi_helpers as kh
from kpi_helpers.errors import KpiError, Unavailable, UnknownName
from kpi_helpers.kpis import catalogue

pytestmark = needs_server

CANARY = "c@n/ry:+%41#é"
READER = "kpi_test_reader"


def assert_hidden(secret: str, refused: Any) -> None:
    for shown in (str(refused.value), repr(refused.value), str(refused.getrepr(chain=True))):
        assert secret not in shown


@pytest.fixture
def refusing(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What a driver is given, whose server refuses and repeats the password."""
    import psycopg

    sent: dict[str, Any] = {}

    def connect(**given: Any) -> Any:
        sent.update(given)
        raise psycopg.OperationalError(f"no entry for {given['user']}, {given.get('password')}")

    monkeypatch.setattr(psycopg, "connect", connect)
    monkeypatch.setenv("KPI_CANARY", CANARY)
    return sent


def test_a_password_goes_to_the_server_and_nowhere_else(refusing: dict[str, Any]) -> None:
    with pytest.raises(Unavailable, match="no connection to postgresql://db.example") as refused:
        kh.load("postgresql://ada@db.example/sales", {"password_env": "KPI_CANARY"})
    assert (refusing["user"], refusing["host"]) == ("ada", "db.example")
    assert refusing["password"] == CANARY
    assert_hidden(CANARY, refused)


def test_a_password_in_a_url_is_not_repeated(refusing: dict[str, Any]) -> None:
    secret = CANARY[:3] + "word"
    with pytest.raises(Unavailable) as refused:
        kh.load(f"postgresql://ada:{quote(secret)}@db.example/sales")
    assert refusing["password"] == secret
    assert_hidden(secret, refused)
    assert_hidden(quote(secret), refused)


def test_a_password_that_is_not_set_is_asked_for_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KPI_CANARY", raising=False)
    with pytest.raises(Unavailable, match="environment variable KPI_CANARY"):
        kh.load("postgresql://ada@db.example/sales", {"password_env": "KPI_CANARY"})


def test_a_password_is_not_shown_by_the_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KPI_CANARY", CANARY)
    with on_server(moments("naive")) as url:
        data = kh.load(url, {"password_env": "KPI_CANARY"})
        for shown in (repr(data), repr(data.config), str(vars(data.config))):
            assert CANARY not in shown


def test_a_source_is_not_shown_by_the_settings(tmp_path: Any) -> None:
    source = "postgresql://ada:c4nary@db.example/sales"
    config = kh.load(as_parquet(moments("naive"), tmp_path), {"source": source}).config
    assert "c4nary" not in repr(config)


def test_a_server_that_is_not_there_is_named() -> None:
    with pytest.raises(Unavailable, match="no connection to postgresql://127.0.0.1:1/sales"):
        kh.load("postgresql://ada@127.0.0.1:1/sales")


@pytest.fixture
def read_only() -> Iterator[str]:
    """A company under a role that may only select, and only in read-only transactions."""
    import psycopg

    with psycopg.connect(URL, autocommit=True) as con, on_server(awkward()) as url:
        schema = url.rsplit("/", 1)[1]
        con.execute(f"CREATE ROLE {READER} LOGIN PASSWORD 'reader'")
        con.execute(f"ALTER ROLE {READER} SET default_transaction_read_only = on")
        con.execute(f"GRANT USAGE ON SCHEMA {schema} TO {READER}")
        con.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {READER}")
        try:
            scheme, rest = url.split("://", 1)
            yield f"{scheme}://{READER}:reader@{rest.rpartition('@')[2]}"
        finally:
            con.execute(f"DROP OWNED BY {READER}")
            con.execute(f"DROP ROLE {READER}")


def test_reading_needs_no_right_to_write(read_only: str) -> None:
    data = kh.load(read_only)
    kpis = catalogue()["id"].tolist()
    assert kh.measure(data, kpis, "2025Q1:2026Q2", by="owner")["value"].notna().any()
    assert len(kh.quality(data))
    assert len(kh.left_out(data))
    assert len(kh.rows(data, "bookings", "2025"))
    assert len(data["deals"])


def test_dates_and_amounts_kept_as_text_are_read_by_our_rules() -> None:
    tables = as_text()
    base = kh.load(tables)
    with on_server(tables) as url:
        data = kh.load(url)
        assert kh.measure(data, "bookings", "2026Q1")["value"].tolist() == [1234.5]
        for kpi in ("bookings", "win_rate_count", "open_pipeline_value", "sales_cycle_duration"):
            found, expected = (kh.measure(each, kpi, "2026Q1:2026Q2") for each in (data, base))
            pd.testing.assert_frame_equal(found, expected, rtol=1e-9)
        columns = ["reason", "column", "value", "action"]
        assert kh.left_out(data)[columns].equals(kh.left_out(base)[columns])


def test_rows_that_come_in_later_are_counted_by_the_same_rules() -> None:
    """Nothing found at loading, such as that no text needs cleaning, may be taken for granted."""
    import psycopg

    deals = moments("naive")["deals"]
    with on_server({"deals": deals}) as url, psycopg.connect(URL, autocommit=True) as con:
        data = kh.load(url, as_of="2026-06-30")
        assert kh.measure(data, "deals_won_count", "2026Q1")["value"].tolist() == [3]
        row = "('9', ' Gagné ', '2026-01-05', '2026-03-31'), (NULL, 'won', NULL, '2026-03-31')"
        con.execute(f"INSERT INTO {url.rsplit('/', 1)[1]}.deals VALUES {row}")
        assert kh.measure(data, "deals_won_count", "2026Q1")["value"].tolist() == [4]


def test_a_frame_is_joined_in_the_database() -> None:
    tables = awkward()
    sizes = pd.DataFrame({"owner": ["Zoë Ünal", "O'Brien"], "size": ["big", "small"]})
    with on_server(tables) as url:
        found, expected = (
            kh.measure(
                kh.load(source).add(sizes, on="owner", to="deals"), "bookings", "all", by="size"
            )
            for source in (url, tables)
        )
    pd.testing.assert_frame_equal(found, expected, rtol=1e-9)


def test_a_query_of_the_settings_is_asked_of_the_database() -> None:
    query = "SELECT d.*, 'x' AS pot FROM deals AS d WHERE owner IS NOT NULL"
    settings = {"tables": {"deals": {"query": query}}}
    with on_server(awkward()) as url:
        found = kh.measure(kh.load(url, settings), "bookings", "all", by="pot")
        assert found["pot"].tolist() == ["x"]
        with pytest.raises(KpiError):
            kh.load(url, {"tables": {"deals": {"query": "DROP TABLE deals"}}})
        assert len(kh.load(url)["deals"])


@pytest.mark.parametrize(
    "schema", ["My Schema", "UPPER", "é", "a/b?c", "a'b;", "a,b", "100%", 'a"b']
)
def test_a_schema_of_any_name_is_read(schema: str) -> None:
    import psycopg

    named = '"' + schema.replace('"', '""') + '"'
    with psycopg.connect(URL, autocommit=True) as con:
        con.execute(f"CREATE SCHEMA {named}".encode())
        try:
            deals = "SELECT '1' AS deal_id, DATE '2026-01-05' AS created_at, 'open' AS status"
            con.execute(f"CREATE TABLE {named}.deals AS {deals}".encode())
            data = kh.load(f"{URL}/{quote(schema, safe='')}")
            assert data["deals"]["deal_id"].tolist() == ["1"]
        finally:
            con.execute(f"DROP SCHEMA {named} CASCADE".encode())


@pytest.mark.parametrize("schema", ["nowhere", "PUBLIC", "a'b"])
def test_a_schema_that_is_not_there_is_named_with_those_that_are(schema: str) -> None:
    with pytest.raises(UnknownName) as refused:
        kh.load(f"{URL}/{quote(schema)}")
    assert str(refused.value).startswith(f"Unknown schema: '{schema}'.")
    assert refused.value.render("fr").startswith(f"Schéma inconnu\xa0: «\xa0{schema}\xa0».")
    assert "public" in str(refused.value)


def test_postgresql_is_told_to_join_by_hash() -> None:
    """It expects one row of cleaned text: with nested loops a month of a KPI took minutes."""
    deals = {"deal_id": ["1"], "created_at": ["2026-01-05"], "status": ["open"]}
    with on_server({"deals": pd.DataFrame(deals)}) as url:
        data = kh.load(url)
        assert data.con.con.execute("SHOW enable_nestloop").fetchone() == ("off",)
