"""Settings: each key checked by name, type and value, and said in both languages."""

import contextlib
import copy
import dataclasses
import datetime as dt
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import kpi_helpers as kh
from kpi_helpers.errors import BadConfig, BadInput, KpiError, UnknownName
from kpi_helpers.sources.config import Config, TableConfig, read_config

NBSP = "\u00a0"


def refused(settings: Any) -> KpiError:
    with pytest.raises(KpiError) as error:
        read_config(settings)
    return error.value


FULL: dict[str, Any] = {
    "schema": 1,
    "name": "Acme",
    "owner": "Ana",
    "audience": "Board",
    "pay": {"kpis": ["bookings"]},
    "brand": {"logo": "logo.png", "colours": ["#17375e"]},
    "language": "en",
    "country": "US",
    "fiscal_start": 7,
    "time_zone": "Europe/Paris",
    "source_time_zone": "UTC",
    "as_of": "2026-09-30",
    "source": "exports",
    "password_env": "ACME_PASSWORD",
    "currency": "USD",
    "mixed_currencies": "as_stored",
    "personal": "keep",
    "rates": {"EUR": 1.1, "GBP": 2},
    "stages": ["Lead", "Won"],
    "stages_from": {"2026-07-01": ["Lead", "Offer", "Won"]},
    "windows": {"lead_to_customer_rate": 90, "win_rate_count": "none"},
    "lags": {"cac": 2},
    "segments": {"large": "amount >= 15000 and team == 'A'"},
    "targets": [{"metric": "revenue", "period": "FY2026Q1", "value": 9.5}],
    "kpis": ["bookings"],
    "customers": "id",
    "snapshots": "copies",
    "use": {"revenue": "bookings"},
    "owners": {"revenue": "Ann"},
    "business": {"model": "b2b", "maturity": "mature"},
    "participants": ["Ann", "Zoé"],
    "scenarios": [{"name": "More leads", "volume": 1.2, "rates": {"Proposal": 1.1}}],
    "workshop": {"levers": {"volume": 1.2}},
    "terms": {"lead": {"fr": {"one": "demande", "other": "demandes", "gender": "f"}}},
    "tables": {
        "deals": {
            "file": "a.csv",
            "columns": {"deal_id": "Id"},
            "values": {"status": {"Closed": "won", "*": "open"}},
            "derived": {"closed_at": "day(created_at, 1)"},
            "date_order": "mdy",
            "decimal": ",",
            "deduplicate": ["deal_id"],
            "tax_included": 0.2,
            "source_time_zone": "UTC",
        },
        "stage_history": {"entered": {"Offer": "Date of offer"}, "changes_of": "stage"},
        "orders": {"query": "SELECT 1"},
        "leads": {"table": "leads_2026"},
    },
}


def test_every_setting_is_read() -> None:
    config = read_config(FULL)
    assert {f.name for f in dataclasses.fields(Config)} - {"file"} == {*FULL}
    assert (config.lang, config.name, config.currency) == ("en", "Acme", "USD")
    assert (config.calendar.fiscal_start, config.calendar.country) == (7, "US")
    assert config.windows == {"lead_to_customer_rate": 90, "win_rate_count": None}
    assert config.pay == {"kpis": ("bookings",)}
    assert (config.stages, config.kpis) == (("Lead", "Won"), ("bookings",))
    assert config.table("deals").deduplicate == ("deal_id",)
    assert config.table("deals").values["status"]["*"] == "open"
    assert config.table("orders").query == "SELECT 1"
    assert config.table("customers") == TableConfig()


def test_without_settings_the_defaults_hold() -> None:
    assert read_config() == read_config({}) == Config()
    assert (Config().lang, Config().currency, Config().fiscal_start) == ("fr", "EUR", 1)


def test_a_setting_that_was_read_is_passed_through() -> None:
    config = Config(name="Acme")
    assert read_config(config) is config


def test_what_is_given_is_neither_changed_nor_kept() -> None:
    given_settings = copy.deepcopy(FULL)
    config = read_config(given_settings)
    assert given_settings == FULL
    given_settings["tables"]["deals"]["columns"]["deal_id"] = "changed"
    given_settings["rates"]["EUR"] = 9.0
    assert config == read_config(FULL)


def test_a_date_of_toml_is_a_day(tmp_path: Path) -> None:
    (tmp_path / "kpi.toml").write_text("as_of = 2026-09-30", "utf-8")
    assert read_config(tmp_path / "kpi.toml").as_of == "2026-09-30"
    assert read_config({"as_of": dt.date(2026, 9, 30)}).as_of == "2026-09-30"


@pytest.mark.parametrize(
    ("settings", "key", "value", "expected"),
    [
        ({"schema": 2}, "schema", "2", "1"),
        ({"schema": "1"}, "schema", "1", "1"),
        ({"curency": "EUR"}, "curency", "EUR", "currency"),
        ({"name": 5}, "name", "5", "a text"),
        ({"language": "de"}, "language", "de", "en, es, fr"),
        ({"language": ["fr"]}, "language", "['fr']", "en, es, fr"),
        ({"country": "ZZ"}, "country", "ZZ", "a country code such as FR"),
        ({"fiscal_start": 13}, "fiscal_start", "13", "1, 2, 3"),
        ({"fiscal_start": "July"}, "fiscal_start", "July", "1, 2, 3"),
        ({"fiscal_start": True}, "fiscal_start", "True", "1, 2, 3"),
        ({"fiscal_start": 7.0}, "fiscal_start", "7.0", "1, 2, 3"),
        ({"time_zone": "Europe/Pari"}, "time_zone", "Europe/Pari", "Europe/Paris"),
        ({"time_zone": "../../etc/passwd"}, "time_zone", "../../etc/passwd", "Europe/Paris"),
        ({"time_zone": 2}, "time_zone", "2", "a text"),
        ({"source_time_zone": "UTC"}, "time_zone", "", "Europe/Paris"),
        ({"as_of": "30/09/2026"}, "as_of", "30/09/2026", "a day such as 2026-09-30"),
        ({"as_of": 20261301}, "as_of", "20261301", "a day such as 2026-09-30"),
        ({"as_of": "2200-01-01"}, "as_of", "2200-01-01", "a day from 1900-01-01 to 2199-12-31"),
        ({"source": 3}, "source", "3", "a text"),
        ({"password_env": ["A"]}, "password_env", "***", "a text"),
        ({"currency": "EURO"}, "currency", "EURO", "a currency code such as EUR"),
        ({"currency": ""}, "currency", "", "a currency code such as EUR"),
        ({"mixed_currencies": True}, "mixed_currencies", "True", "refuse, as_stored"),
        ({"rates": [1.1]}, "rates", "[1.1]", "a table of keys and values"),
        ({"rates": {"EURO": 1.1}}, "rates.EURO", "EURO", "a currency code such as EUR"),
        ({"rates": {"EUR": 0}}, "rates.EUR", "0", "a number above 0"),
        ({"currency": "EUR", "rates": {"EUR": 2.0}}, "rates.EUR", "2.0", "1"),
        ({"rates": {"EUR": -1.1}}, "rates.EUR", "-1.1", "a number above 0"),
        ({"rates": {"EUR": float("nan")}}, "rates.EUR", "nan", "a number above 0"),
        ({"rates": {"EUR": "1,1"}}, "rates.EUR", "1,1", "a number above 0"),
        ({"stages": "Won"}, "stages", "Won", "a list of names"),
        ({"stages": ["Won", 2]}, "stages", "['Won', 2]", "a list of names"),
        ({"kpis": {"a": "b"}}, "kpis", "{'a': 'b'}", "a list of names"),
        ({"windows": 90}, "windows", "90", "a table of keys and values"),
        ({"windows": {"k": 0}}, "windows.k", "0", '"none", 30, 90, 180'),
        ({"windows": {"k": -5}}, "windows.k", "-5", '"none", 30, 90, 180'),
        ({"windows": {"k": 36_501}}, "windows.k", "36501", '"none", 30, 90, 180'),
        ({"windows": {"k": 10**400}}, "windows.k", str(10**400), '"none", 30, 90, 180'),
        ({"rates": {"USD": 10**400}}, "rates.USD", str(10**400), "a number"),
        ({"windows": {"k": True}}, "windows.k", "True", '"none", 30, 90, 180'),
        ({"windows": {"k": "90"}}, "windows.k", "90", '"none", 30, 90, 180'),
        ({"windows": {"k": 90.5}}, "windows.k", "90.5", '"none", 30, 90, 180'),
        ({"lags": {"cac": -1}}, "lags.cac", "-1", "0 … 60"),
        ({"lags": {"cac": 61}}, "lags.cac", "61", "0 … 60"),
        ({"lags": {"cac": True}}, "lags.cac", "True", "0 … 60"),
        ({"lags": {"cac": "2"}}, "lags.cac", "2", "0 … 60"),
        ({"segments": {"big": 5}}, "segments.big", "5", "a text"),
        ({"segments": {"big": "amount >"}}, "segments.big", "amount >", "an expression such as"),
        ({"use": {"revenue": 1}}, "use.revenue", "1", "a text"),
        ({"use": "bookings"}, "use", "bookings", "a table of keys and values"),
        ({"tables": ["deals"]}, "tables", "['deals']", "a table of keys and values"),
        ({"tables": {"deal": {}}}, "tables.deal", "{}", "deals"),
    ],
)
def test_a_setting_that_is_refused_names_itself(
    settings: dict[str, Any], key: str, value: str, expected: str
) -> None:
    error = refused(settings)
    assert isinstance(error, BadConfig)
    assert str(error).startswith(
        f"kpi.toml: {key} = '{value}' is not accepted; expected {expected}"
    )
    french = error.render("fr")
    start = f"kpi.toml{NBSP}: {key} = «{NBSP}{value}{NBSP}» n’est pas accepté{NBSP}; attendu{NBSP}:"
    assert french.startswith(start)
    assert error.exit_code == 2


@pytest.mark.parametrize(
    ("table", "key", "value", "expected"),
    [
        ("a.csv", "", "a.csv", "a table of keys and values"),
        ({"colums": {}}, ".colums", "{}", "columns"),
        ({"file": 3}, ".file", "3", "a text"),
        ({"query": ["SELECT 1"]}, ".query", "['SELECT 1']", "a text"),
        ({"columns": ["a"]}, ".columns", "['a']", "a table of keys and values"),
        ({"columns": {"deal_id": 3}}, ".columns.deal_id", "3", "a text"),
        ({"values": {"status": "won"}}, ".values.status", "won", "a table of keys and values"),
        ({"values": {"status": {"Won": 1}}}, ".values.status.Won", "1", "a text"),
        ({"derived": {"amount": 5}}, ".derived.amount", "5", "a text"),
        ({"derived": {"amount": "a +"}}, ".derived.amount", "a +", "an expression such as"),
        ({"values": {"owner": {"A": "\0"}}}, ".values.owner.A", "\0", "a text without a zero"),
        ({"values": {"owner": {"\0": "A"}}}, ".values.owner.\0", "\0", "a text without a zero"),
        ({"entered": {"\0": "a"}}, ".entered.\0", "\0", "a text without a zero"),
        ({"deduplicate": ["\0"]}, ".deduplicate", "\0", "a text without a zero"),
        ({"date_order": "ydm"}, ".date_order", "ydm", "dmy, mdy, ymd"),
        ({"decimal": ";"}, ".decimal", ";", ",, ."),
        ({"deduplicate": "deal_id"}, ".deduplicate", "deal_id", "a list of names"),
        ({"file": "a.csv", "query": "x"}, ".query", "x", "only one of file, table and query"),
        ({"table": "a", "file": "b"}, ".table", "a", "only one of file, table and query"),
    ],
)
def test_a_setting_of_a_table_that_is_refused_names_itself(
    table: Any, key: str, value: str, expected: str
) -> None:
    error = refused({"tables": {"deals": table}})
    said = f"kpi.toml: tables.deals{key} = '{value}' is not accepted; expected {expected}"
    assert str(error).startswith(said)


@pytest.mark.parametrize(
    ("target", "key", "expected"),
    [
        ("revenue", "", "a table of keys and values"),
        ({"metric": "revenue", "value": 1}, ".period", "period"),
        ({"metric": "revenue", "period": "2026Q9", "value": 1}, ".period", "2026Q3"),
        ({"metric": "revenue", "period": "2026", "value": "1"}, ".value", "a number"),
        ({"metric": "revenue", "period": "2026", "value": True}, ".value", "a number"),
        ({"metric": 5, "period": "2026", "value": 1}, ".metric", "a text"),
        (
            {"metric": "r", "period": "2026", "value": 1, "scope_type": "x"},
            ".scope_type",
            "company",
        ),
        ({"metric": "r", "period": "2026", "value": 1, "scope": "x"}, ".scope", "scope_type"),
    ],
)
def test_a_target_that_is_refused_names_itself(target: Any, key: str, expected: str) -> None:
    said = str(refused({"targets": [target]}))
    assert said.startswith(f"kpi.toml: targets[0]{key} = ")
    assert f"expected {expected}" in said


def test_targets_are_a_list() -> None:
    assert "expected [[targets]]" in str(refused({"targets": {"metric": "revenue"}}))


def test_a_file_that_is_no_toml_names_the_line(tmp_path: Path) -> None:
    (tmp_path / "kpi.toml").write_text('schema = 1\nname = "Acme\n', "utf-8")
    error = refused(tmp_path / "kpi.toml")
    assert str(error).startswith("kpi.toml is not a TOML file: ")
    assert "line 2" in str(error)
    assert error.render("fr").startswith("kpi.toml n’est pas un fichier TOML")


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"name = '\xe9'", b"\x00"])
def test_a_file_that_is_no_text_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "kpi.toml").write_bytes(content)
    assert str(refused(tmp_path / "kpi.toml")).startswith("kpi.toml is not a TOML file: ")


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "kpi.toml").write_bytes(b"\xef\xbb\xbfname = 'Acm\xc3\xa9'")
    assert read_config(tmp_path / "kpi.toml").name == "Acmé"


def test_a_file_that_is_not_there_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "kpi.toml").write_text("", "utf-8")
    error = refused(tmp_path / "kpy.toml")
    assert isinstance(error, UnknownName)
    assert str(error) == "File not found: 'kpy.toml'. Did you mean kpi.toml? Allowed: kpi.toml."
    assert "kpy.toml" in str(refused(tmp_path / "nowhere" / "kpy.toml"))


def test_a_folder_is_no_settings(tmp_path: Path) -> None:
    assert "is not a TOML file" in str(refused(tmp_path))


@pytest.mark.parametrize("settings", [3, ["name"], b"kpi.toml", object()])
def test_settings_of_another_kind_are_refused(settings: Any) -> None:
    error = refused(settings)
    assert isinstance(error, BadInput)
    assert "the path of a kpi.toml or a mapping" in str(error)


keys = st.one_of(st.sampled_from([*FULL]), st.text(max_size=8), st.integers())
scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8))
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3)
)


@given(st.dictionaries(keys, anything, max_size=4))
def test_any_settings_are_read_or_refused(settings: dict[Any, Any]) -> None:
    with contextlib.suppress(KpiError):
        read_config(settings)


def other(value: Any) -> Any:
    """Another value of the same kind."""
    if isinstance(value, dict):
        return {**value, "another": "x"}
    if isinstance(value, tuple):
        return (*value, "another")
    if isinstance(value, int | float):
        return value + 1
    return f"{value or ''}x"


@pytest.mark.parametrize("name", sorted({f.name for f in dataclasses.fields(Config)} - {"file"}))
def test_the_fingerprint_changes_with_any_setting(name: str) -> None:
    config = read_config(FULL)
    changed = dataclasses.replace(config, **{name: other(getattr(config, name))})
    assert changed.fingerprint != config.fingerprint


@pytest.mark.parametrize("name", [f.name for f in dataclasses.fields(TableConfig)])
def test_the_fingerprint_changes_with_any_setting_of_a_table(name: str) -> None:
    deals = read_config(FULL).table("deals")
    changed = dataclasses.replace(deals, **{name: other(getattr(deals, name))})
    before, after = (Config(tables={"deals": table}) for table in (deals, changed))
    assert before.fingerprint != after.fingerprint


def test_the_fingerprint_knows_neither_the_place_nor_the_order_of_the_keys() -> None:
    turned = dict(reversed(FULL.items()))
    assert read_config(turned).fingerprint == read_config(FULL).fingerprint
    moved = dataclasses.replace(read_config(FULL), file="elsewhere/kpi.toml")
    assert moved.fingerprint == read_config(FULL).fingerprint


DEALS = "deal_id,created_at,status\n1,2026-01-05,open\n"


def test_the_settings_beside_the_data_are_found(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "deals.csv").write_text(DEALS, "utf-8")
    (tmp_path / "kpi.toml").write_text('name = "Above"', "utf-8")
    assert kh.load(data).name == kh.load(data / "deals.csv").name == "Above"
    (data / "kpi.toml").write_text('name = "Beside"', "utf-8")
    assert kh.load(data).name == kh.load(data / "deals.csv").name == "Beside"
    assert kh.load(data, {}).name == ""


def test_the_settings_may_name_the_data(tmp_path: Path) -> None:
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "deals.csv").write_text(DEALS, "utf-8")
    (tmp_path / "kpi.toml").write_text('source = "exports"', "utf-8")
    assert kh.load(config=tmp_path / "kpi.toml").tables == ("deals",)
    with pytest.raises(BadInput, match="or parquet file"):
        kh.load(config={})


@pytest.mark.parametrize("part", ["a", '"a b"', "'a'"])
def test_a_name_of_endless_parts_is_refused_before_it_is_read(tmp_path: Path, part: str) -> None:
    path = tmp_path / "kpi.toml"
    path.write_text("schema = 1\n" + " . ".join([part] * 40_000) + " = 1\n", "utf-8")
    begun = time.monotonic()
    with pytest.raises(BadInput, match=r"^kpi.toml, line 2: the name of a setting has more than"):
        read_config(path)
    assert time.monotonic() - begun < 5


def test_a_name_of_ordinary_parts_and_a_long_text_are_read(tmp_path: Path) -> None:
    (tmp_path / "kpi.toml").write_text(
        f'tables.deals.columns."a.b" = "x"\nname = "{"word" * 9999}... . . ."\n', "utf-8"
    )
    assert read_config(tmp_path / "kpi.toml").name.startswith("word")
