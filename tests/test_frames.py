"""Frames through the door, and what a data set answers: SQL, joins, an earlier day, its tables."""

import contextlib
import datetime as dt
import decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from exports import left, put, refused
from hypothesis import given, settings
from hypothesis import strategies as st

import kpi_helpers as kh
from kpi_helpers.errors import BadInput, KpiError, Unavailable, UnknownName
from kpi_helpers.sources import Dataset

PLAIN: dict[str, Any] = {
    "deal_id": ["1", "2", "3"],
    "created_at": ["2026-01-05", "2026-01-13", "2026-01-20"],
    "status": ["won", "open", "lost"],
    "closed_at": ["2026-02-01", None, "2026-03-01"],
    "amount": [1200.5, 300.5, 80.0],
    "owner": ["Ann", "Bob", "Ann"],
}


def frame(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame({**PLAIN, **columns})


def load(source: Any, **config: Any) -> Dataset:
    return kh.load(source, {"language": "en", **config})


def rows(data: Dataset, *columns: str) -> list[tuple[Any, ...]]:
    read = data["deals"].sort_values("deal_id")[[*columns]]
    return [tuple(None if pd.isna(v) else v for v in row) for row in read.itertuples(index=False)]


BASE = rows(load(frame()), *PLAIN)

DAYS = pd.Series(pd.to_datetime(PLAIN["created_at"]))
ALIKE = {
    "text": frame().astype("string"),
    "object": frame().astype(object),
    "categories": frame().astype("category"),
    "nullable": frame().convert_dtypes(),
    "arrow": frame().convert_dtypes(dtype_backend="pyarrow"),
    "dates": frame(created_at=[day.date() for day in DAYS]),
    "moments": frame(created_at=list(DAYS.dt.to_pydatetime())),
    "nanoseconds": frame(created_at=DAYS.dt.as_unit("ns")),
    "days as categories": frame(created_at=pd.Categorical(DAYS)),
    "days as periods": frame(created_at=DAYS.dt.to_period("D")),
    "dates among text": frame(created_at=[DAYS[0].date(), *PLAIN["created_at"][1:]]),
    "whole ids": frame(deal_id=[1, 2, 3]),
    "ids with decimals": frame(deal_id=[1.0, 2.0, 3.0]),
    "decimals": frame(amount=[decimal.Decimal(str(amount)) for amount in PLAIN["amount"]]),
    "another index": frame().set_index(pd.Index([7, 7, 7], name="deal_id")),
    "a multiple index": frame().set_index(["owner", "status"], drop=False).rename_axis(["a", "b"]),
    "other columns": frame(x=[[1], {"a": 2}, None], y=None, z=pd.NA, n=np.nan, d=pd.NaT),
    "steps of time": frame(x=pd.to_timedelta([1, 2, 3], unit="D")),
    "columns in another order": frame()[[*reversed(PLAIN)]],
}


@pytest.mark.parametrize("kind", ALIKE)
def test_however_a_frame_holds_its_columns_they_are_read_alike(kind: str) -> None:
    source = ALIKE[kind]
    before = source.copy(deep=True)
    data = load(source)
    assert rows(data, *PLAIN) == BASE
    assert left(data) == []
    pd.testing.assert_frame_equal(source, before)


def test_a_month_is_its_first_day() -> None:
    data = load(frame(created_at=pd.PeriodIndex(["2026-01", "2026-02", "2026-03"], freq="M")))
    assert data["deals"]["created_at"].dt.day.eq(1).all()


def test_whole_numbers_with_gaps_join_as_they_read() -> None:
    """A gap makes floats of a column of numbers: 12.0 must still find customer 12."""
    deals = frame(customer_id=[12.0, np.nan, 7.0])
    customers = pd.DataFrame({"customer_id": [7, 12], "segment": ["S", "L"]})
    data = load({"deals": deals, "customers": customers})
    assert "not_in_entity" not in set(kh.quality(data)["check"])
    assert rows(data, "customer_id") == [("12",), (None,), ("7",)]


def test_columns_without_a_value_are_missing() -> None:
    data = load(frame(closed_at=None, amount=pd.NA, owner=np.nan, status="open"))
    assert rows(data, "closed_at", "amount", "owner") == [(None, None, None)] * 3


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (pd.concat([frame(), frame()[["amount"]]], axis=1), "column amount: several columns bear"),
        (frame(Amount=1.0), "deals, column amount: several columns bear this name."),
        (frame(x=[1j, 2j, 3j]), "deals cannot be read: "),
        (frame(x=pd.interval_range(0, 3)), "deals cannot be read: "),
        (pd.DataFrame(), "deals cannot be read: "),
        (frame().iloc[:0], "deals: there is no row with a date"),
        (frame().drop(columns="status"), "Table deals (deals) needs the column 'status'"),
        ({"deals": "deals.csv"}, "deals: 'str' is not a pandas frame."),
        ({"deals": None}, "deals: 'NoneType' is not a pandas frame."),
        ({}, "Nothing here is a table of the kit"),
        ({"export": frame()}, "Nothing here is a table of the kit"),
        ({7: frame()}, "Nothing here is a table of the kit"),
        ({"deals": frame().rename(columns={"status": 7})}, "Table deals (deals) needs the column"),
    ],
    ids=range(13),
)
def test_a_frame_that_cannot_be_read_is_refused(source: Any, said: str) -> None:
    assert str(refused(source)).startswith(said)


HOSTILE = [
    *('"', "'", "a'b", "x'; DROP TABLE deals; --", "{start}", "{}", "{0}", "\\", "\\'", "%s", "$1"),
    *("😀", "\u202etxet", "a\nb", "a\x00b", "1111-11-11", "MAKE_DATE(1111, 11, 11)", "x" * 500),
    *("=1+1", "<script>", "NULL", "nan", "../../etc/passwd", "' OR '1'='1"),
]


def test_a_text_of_the_data_is_only_ever_a_text() -> None:
    count = len(HOSTILE)
    source = pd.DataFrame(
        {
            "deal_id": HOSTILE,
            "created_at": "2026-01-05",
            "status": ["won", "lost"] * (count // 2),
            "closed_at": "2026-02-01",
            "amount": 1.0,
            "owner": HOSTILE,
        }
    )
    data = load(source)
    assert set(data["deals"]["owner"]) == set(HOSTILE)
    by_owner = kh.measure(data, "win_rate_count", "2026Q1", by="owner")
    assert set(by_owner["owner"]) == set(HOSTILE)
    for text in ("'", "x'; DROP TABLE deals; --", "{start}", "1111-11-11", "\\", "😀"):
        one = kh.measure(data, "win_rate_count", "2026Q1", where={"owner": text})
        assert one["n"].tolist() == [1]
    with pytest.raises(BadInput):
        data.filtered("deals", {"owner": "a\x00b"})


@pytest.mark.parametrize("name", [name for name in HOSTILE if "\x00" not in name], ids=len)
def test_a_name_of_the_data_is_only_ever_a_name(name: str) -> None:
    tables = {name: frame(**{name: ["u", "v", "w"]})}
    settings = {"deals": {"table": name, "columns": {"region": name}}}
    assert rows(load(tables, tables=settings), "region") == [("u",), ("v",), ("w",)]


def test_an_extra_column_of_any_name_is_a_dimension() -> None:
    data = load(frame(**{name: ["u", "v", "w"] for name in HOSTILE}))
    own = data.mapped["deals"].dimensions
    assert len(own) == len(set(own)) == len(HOSTILE)
    assert all(name.isascii() and name.replace("_", "a").isalnum() for name in own)
    assert rows(data, *own)[0] == ("u",) * len(HOSTILE)
    assert kh.measure(data, "deals_won_count", "2026Q1", by=own[0])["value"].sum() == 1


LINES = pd.DataFrame(
    {
        "order_id": ["a", "a", "b", "b", "b"],
        "order_date": ["2026-01-05", "2026-01-04", *["2026-02-01"] * 3],
        "amount_net": [10.0, 5.5, 1.0, -1.0, 2.0],
        "cost": [4.0, None, 1.0, 1.0, 1.0],
        "customer_id": ["x", "x", "y", "z", "y"],
        "Canal": ["web"] * 5,
    }
)


def test_order_lines_are_summed_to_orders() -> None:
    data = load({"order_lines": LINES})
    assert data.tables == ("orders", "order_lines")
    orders = data["orders"].set_index("order_id").sort_index()
    assert orders["amount_net"].to_dict() == {"a": 15.5, "b": 2.0}
    assert orders["cost"].to_dict() == {"a": 4.0, "b": 3.0}
    assert orders["order_date"].dt.date.tolist() == [dt.date(2026, 1, 4), dt.date(2026, 2, 1)]
    assert orders["customer_id"].fillna("").tolist() == ["x", ""]
    assert orders["canal"].tolist() == ["web", "web"]
    assert len(load({"order_lines": LINES, "orders": LINES.iloc[:2]})["orders"]) == 2


TARGET = {"metric": "revenue", "period_start": "2026-01-01", "period_end": "2026-03-31"}


def test_targets_are_read_or_declared_but_not_both() -> None:
    read = pd.DataFrame([{**TARGET, "scope_type": "company", "scope_value": None, "value": 9}])
    stated = {"metric": "revenue", "period": "2026Q1", "value": 9}
    for data in (load({"deals": frame(), "targets": read}), load(frame(), targets=[stated])):
        (target,) = data["targets"].to_dict("records")
        assert (target["metric"], target["value"]) == ("revenue", 9.0)
        assert target["period_end"].date() == dt.date(2026, 3, 31)
    error = refused({"deals": frame(), "targets": read}, {"targets": [stated]})
    assert str(error).startswith("kpi.toml: targets = '[[targets]]' is not accepted")


def test_a_table_may_be_empty() -> None:
    data = load({"deals": frame(), "leads": pd.DataFrame(columns=["lead_id", "created_at"])})
    assert data.tables == ("deals", "leads")
    assert len(data["leads"]) == 0
    assert kh.quality(data).empty


def test_a_table_may_come_from_a_query(tmp_path: Path) -> None:
    put(tmp_path, "id;day;state\n1;2026-01-05;open\n", "raw one.csv")
    query = 'WITH d AS (SELECT id AS deal_id, day AS created_at, state AS status FROM "raw one")'
    data = kh.load(tmp_path, {"tables": {"deals": {"query": f"{query} SELECT * FROM d"}}})
    assert rows(data, "deal_id", "status") == [("1", "open")]


@pytest.mark.parametrize(
    "query",
    [
        *(
            "SELECT",
            "SELEC 1",
            "",
            "DROP TABLE x",
            "SELECT 1; DROP TABLE x",
            "SELECT nothing FROM x",
        ),
        *("SELECT * FROM nowhere", "SELECT * FROM '/etc/passwd'", "COPY x TO 'y.csv'", "x"),
        *(
            "SELECT * FROM read_csv('/etc/passwd')",
            "ATTACH 'z.db'",
            "SELECT 1 AS a, 2 AS a FROM x(",
        ),
    ],
)
def test_a_query_that_is_none_or_reaches_elsewhere_is_refused(tmp_path: Path, query: str) -> None:
    put(tmp_path, "a;b\n1;2\n", "x.csv")
    error = refused(tmp_path, {"tables": {"deals": {"query": query}}})
    assert isinstance(error, BadInput | UnknownName)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.csv"]


def test_a_data_set_answers_sql() -> None:
    data = load({"deals": frame(), "order_lines": LINES})
    asked = "SELECT owner, sum(amount) AS won FROM deals WHERE is_won GROUP BY owner"
    assert data.sql(asked).to_dict("records") == [{"owner": "Ann", "won": 1200.5}]
    nested = "WITH deals_won AS (SELECT * FROM deals WHERE is_won) SELECT count(*) n FROM deals_won"
    assert data.sql(nested)["n"].tolist() == [1]
    both = "SELECT count(*) AS n FROM deals CROSS JOIN orders"
    assert data.sql(both)["n"].tolist() == [6]


@pytest.mark.parametrize(
    "query",
    [
        *("", "SELEC 1", "DROP TABLE deals", "SELECT 1; SELECT 2", "SELECT nothing FROM deals"),
        *("SELECT * FROM nowhere", "COPY deals TO 'x.csv'", "UPDATE deals SET amount = 0"),
        "SELECT CAST('x' AS INTEGER)",
    ],
)
def test_sql_that_is_no_query_is_refused(query: str) -> None:
    with pytest.raises(BadInput, match="cannot be asked"):
        load(frame()).sql(query)


TEAMS = pd.DataFrame({"owner": ["Ann", "Bob", "Zoe", None, None], "Équipe": [*"ABCDE"]})


def test_a_frame_is_joined_and_its_columns_become_dimensions() -> None:
    data = load(frame())
    wider = data.add(TEAMS, on="owner", to="deals")
    assert rows(wider, "deal_id", "equipe") == [("1", "A"), ("2", "B"), ("3", "A")]
    assert "equipe" in wider.dimensions("deals")
    assert "equipe" not in data.dimensions("deals")
    assert "equipe" not in data["deals"].columns
    by_team = kh.measure(wider, "deals_won_count", "2026Q1", by="equipe")
    assert by_team.set_index("equipe")["value"].to_dict()["A"] == 1
    pd.testing.assert_frame_equal(kh.quality(wider), kh.quality(data))


@pytest.mark.parametrize("name", ["value", "period", "kpi", "pace", "status"])
def test_no_breakdown_takes_the_place_of_a_column_of_the_result(name: str) -> None:
    own = {} if name == "status" else {name: "owner"}
    data = load(frame(), tables={"deals": {"derived": own}})
    with pytest.raises(BadInput, match=f'own_{name} = "{name}" in .tables.deals.derived. of kpi'):
        kh.measure(data, "deals_won_count", "2026Q1", by=name)
    named = load(frame(), tables={"deals": {"derived": {**own, f"own_{name}": name}}})
    found = kh.measure(named, "deals_won_count", "2026Q1", by=f"own_{name}")
    assert found["value"].sum() == kh.measure(data, "deals_won_count", "2026Q1")["value"].sum()


def test_two_joins_of_one_data_set_know_nothing_of_each_other() -> None:
    data = load(frame())
    one = data.add(TEAMS.assign(Équipe="one"), on="owner", to="deals")
    two = data.add(TEAMS.assign(Équipe="two"), on="owner", to="deals")
    assert set(one["deals"]["equipe"]) == {"one"}
    assert set(two["deals"]["equipe"]) == {"two"}


def test_what_is_joined_is_read_like_a_source() -> None:
    extra = pd.DataFrame({"deal_id": [1, 2], "region": ["N", "S"], "value": [1, 2]})
    extra["expected_close"] = ["13/02/2026", "01/03/2026"]
    extra["kpi_key"] = ["x", "y"]
    wider = load(frame()).add(extra, on="deal_id", to="deals")
    assert rows(wider, "region", "dim_value") == [("N", 1), ("S", 2), (None, None)]
    assert wider["deals"].set_index("deal_id")["expected_close"]["2"].month == 3
    assert {"region", "dim_value", "kpi_key"} <= {*wider.dimensions("deals")}
    assert not kh.quality(wider).empty or left(wider) == []


def test_lines_and_orders_take_columns_too() -> None:
    data = load({"order_lines": LINES})
    for table in ("order_lines", "orders"):
        wider = data.add(pd.DataFrame({"customer_id": ["x"], "team": ["A"]}), "customer_id", table)
        assert wider[table]["team"].dropna().unique().tolist() == ["A"]
        assert len(wider[table]) == len(data[table])
        assert set(kh.quality(wider)["check"]) == set(kh.quality(data)["check"])


@pytest.mark.parametrize(
    ("extra", "on", "to", "said"),
    [
        (TEAMS.iloc[[0, 0, 1]], "owner", "deals", "column owner: 'Ann' stands on 2 rows"),
        (TEAMS, "owners", "deals", "Unknown column: 'owners'. Did you mean owner?"),
        (TEAMS.rename(columns={"owner": "x"}), "x", "deals", "Unknown column: 'x'."),
        (TEAMS.assign(amount=1.0), "owner", "deals", "column amount: the table deals has this"),
        (TEAMS.assign(region=[[1]] * 5), "owner", "deals", ""),
        (TEAMS, "owner", "orders", ""),
        ([1], "owner", "deals", "Input: 'list' is not a pandas frame."),
    ],
    ids=range(7),
)
def test_a_join_that_would_mislead_is_refused(extra: Any, on: str, to: str, said: str) -> None:
    data = load(frame())
    if said or to == "orders":
        with pytest.raises(KpiError) as refusal:
            data.add(extra, on, to)
        assert str(refusal.value).startswith(said)
    else:
        assert rows(data.add(extra, on, to), "region")[0] == ("[1]",)


def test_an_earlier_day_is_the_data_as_they_were_known() -> None:
    data = load(frame())
    for day in ("2026-02-15", dt.date(2026, 2, 15), dt.datetime(2026, 2, 15, 23)):
        earlier = data.at(day)
        assert earlier.as_of == dt.date(2026, 2, 15)
        assert rows(earlier, "status") == [("won",), ("open",), ("open",)]
    assert rows(data.at("2026-01-10"), "deal_id", "status") == [("1", "open")]
    assert rows(data, "status") == [("won",), ("open",), ("lost",)]
    for wrong in ("soon", None, 5):
        with pytest.raises(BadInput, match="is not a day such as"):
            data.at(wrong)


def test_a_table_that_is_not_there_is_said() -> None:
    with pytest.raises(Unavailable, match="orders"):
        load(frame())["orders"]


cells = st.none() | st.integers() | st.floats() | st.text(max_size=4) | st.dates() | st.booleans()


@settings(max_examples=20, deadline=None)
@given(
    st.dictionaries(st.sampled_from([*PLAIN, "x"]), st.lists(cells, min_size=3, max_size=3)),
    st.booleans(),
)
def test_any_mix_of_values_is_read_or_refused(columns: dict[str, list[Any]], whole: bool) -> None:
    source = frame(**columns) if whole else pd.DataFrame(columns, dtype=object)
    before = source.copy(deep=True)
    with contextlib.suppress(KpiError):
        kh.left_out(load(source))
    pd.testing.assert_frame_equal(source, before)
