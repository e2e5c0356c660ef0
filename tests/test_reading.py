"""What cells mean: dates, amounts, words, currencies and clocks, decided by all rows or refused."""

import datetime as dt
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from exports import HEADER, LOST, OPEN, PLAIN, WON, left, loaded, out, put, refused, text_of

import kpi_helpers as kh
from kpi_helpers.errors import BadInput, MixedCurrencies, UnknownName

NBSP = "\u00a0"


def frame(**columns: Any) -> pd.DataFrame:
    """Two deals, one won and one open, with columns replaced or added."""
    plain: dict[str, Any] = {
        "deal_id": ["1", "2"],
        "created_at": ["2026-01-05", "2026-01-13"],
        "status": ["won", "open"],
        "closed_at": ["2026-02-01", None],
        "amount": [900.5, 400.0],
    }
    return pd.DataFrame({**plain, **columns})


def deals(source: pd.DataFrame, **config: Any) -> pd.DataFrame:
    return kh.load(source, {"language": "en", **config})["deals"].sort_values("deal_id")


def dated(*days: str) -> str:
    return text_of(*(f"{place};{day};open;;5,5;" for place, day in enumerate(days)))


def test_dates_that_no_row_decides_are_refused_with_both_readings(tmp_path: Path) -> None:
    path = put(tmp_path, dated("01/02/2026", "03/04/2026", "05/05/2026"))
    error = refused(path)
    assert str(error) == (
        "deals.csv, column created_at: nothing decides how values such as '01/02/2026' "
        "(2026-02-01 / 2026-01-02) are read "
        'in these 3 rows: "dmy" (0) or "mdy" (0) (in brackets, the rows that can only be read so). '
        "Set [tables.deals] date_order in kpi.toml."
    )
    assert f"«{NBSP}01/02/2026{NBSP}»" in error.render("fr")
    for order, first in (("dmy", dt.date(2026, 2, 1)), ("mdy", dt.date(2026, 1, 2))):
        data = kh.load(path, {"tables": {"deals": {"date_order": order}}})
        assert data["deals"]["created_at"].min().date() == first


def test_dates_that_rows_contradict_are_refused_until_one_order_is_set(tmp_path: Path) -> None:
    path = put(tmp_path, dated("13/02/2026", "02/13/2026", "02/14/2026"))
    assert '"dmy" (1) or "mdy" (2)' in str(refused(path))
    data = kh.load(path, {"tables": {"deals": {"date_order": "mdy"}}})
    assert (2, "created_at", "13/02/2026", "unreadable", "flagged") in left(data)


def test_one_row_decides_for_all_the_others_of_its_column(tmp_path: Path) -> None:
    rows = ("1;03/04/2026;won;04/13/2026;5,5;", "2;13/04/2026;won;04/12/2026;5,5;")
    data = loaded(tmp_path, *rows)
    assert data["deals"]["created_at"].dt.month.tolist() == [4, 4]
    assert data["deals"]["closed_at"].dt.month.tolist() == [4, 4]


def test_amounts_that_no_row_decides_are_refused_with_both_readings(tmp_path: Path) -> None:
    path = put(tmp_path, text_of("1;2026-01-05;won;2026-02-01;1,234;"))
    error = refused(path)
    assert "values such as '1,234'" in str(error)
    assert '"," (0) or "." (0)' in str(error)
    assert "[tables.deals] decimal" in str(error)
    for decimal, amount in ((",", 1.234), (".", 1234.0)):
        data = kh.load(path, {"tables": {"deals": {"decimal": decimal}}})
        assert data["deals"]["amount"].tolist() == [amount]


def test_amounts_of_two_dialects_are_refused_until_one_is_set(tmp_path: Path) -> None:
    """Read by the other dialect, 1.5 would be 15."""
    rows = ("1;2026-01-05;won;2026-02-01;1,5;", "2;2026-01-05;won;2026-02-01;1.5;")
    path = put(tmp_path, text_of(*rows))
    assert '"," (1) or "." (1)' in str(refused(path))
    data = kh.load(path, {"tables": {"deals": {"decimal": ","}}})
    assert data["deals"]["amount"].fillna(0).tolist() == [1.5, 0.0]
    assert (3, "amount", "1.5", "unreadable", "flagged") in left(data)


def test_an_amount_that_cannot_be_read_is_missing_and_listed(tmp_path: Path) -> None:
    data = loaded(tmp_path, WON.replace("1 200,50", "on request"), LOST)
    unreadable = (2, "amount", "on request", "unreadable", "flagged")
    assert left(data) == [unreadable, (2, "amount", "on request", "won_without_amount", "flagged")]
    assert data["deals"]["amount"].isna().sum() == 1


def test_a_row_without_what_it_must_have_is_left_out_and_listed(tmp_path: Path) -> None:
    rows = ("1;2026-01-05;10", ";2026-01-05;1", "3;2026-31-01;2", "4;;3", "5;2026-01-05;x")
    path = put(tmp_path, text_of(*rows, header="order_id;order_date;amount_net"), "orders.csv")
    data = kh.load(path.parent, {})
    assert data["orders"]["order_id"].tolist() == ["1"]
    assert sorted(out(data)) == [
        (3, "order_id", None, "blank"),
        (4, "order_date", "2026-31-01", "unreadable"),
        (5, "order_date", None, "blank"),
        (6, "amount_net", "x", "unreadable"),
    ]
    excluded = kh.left_out(data).set_index("line")["money"]
    assert excluded.fillna(0).to_dict() == {3: 1.0, 4: 2.0, 5: 3.0, 6: 0.0}


def test_a_deal_may_lack_its_first_day(tmp_path: Path) -> None:
    data = loaded(tmp_path, *PLAIN, "4;2026-31-01;open;;2;", "5;;open;;3;")
    assert sorted(data["deals"]["deal_id"]) == ["1", "2", "3", "4", "5"]
    assert (5, "created_at", "2026-31-01", "unreadable", "flagged") in left(data)


def test_where_no_row_is_left_the_first_fault_is_said(tmp_path: Path) -> None:
    error = refused(
        put(tmp_path, dated("05 janv. 26", "06 janv. 26").replace("open;", "won;01/02/26"))
    )
    assert str(error).startswith("deals.csv, line 2, column created_at: '05 janv. 26'. Value that")
    assert "No row with a date is left" in str(error)
    error = refused(frame(status=["signed", "lead"]))
    assert str(error).startswith(
        "deals, line 1, column status: 'signed'. Value outside the allowed"
    )


WORDS = {
    "won": "won Won CLOSED_WON closedwon Gagné GAGNÉE gagnée gagnés gagne Signé signee OK",
    "lost": "lost Closed_Lost closedlost Perdu PERDUE perdus sans_suite Abandonné abandonne",
    "open": "open En_cours OUVERT ouverte In_progress Nouveau new",
}


def test_won_and_lost_are_known_in_both_languages(tmp_path: Path) -> None:
    words = [(word.replace("_", " "), status) for status in WORDS for word in WORDS[status].split()]
    rows = [f"{place};2026-01-05;{word};;1;" for place, (word, _) in enumerate(words)]
    read = loaded(tmp_path, *rows)["deals"]
    found = read.assign(place=read["deal_id"].astype(int)).sort_values("place")["status"]
    assert found.tolist() == [status for _, status in words]


def test_an_unknown_status_is_listed_with_its_money(tmp_path: Path) -> None:
    data = loaded(tmp_path, *PLAIN, "4;2026-01-05;en attente;;99,5;")
    assert out(data) == [(5, "status", "en attente", "not_allowed")]
    found = kh.quality(data).set_index("check").loc["not_allowed"]
    assert (found["rows"], found["share"], found["money"]) == (1, 0.25, 99.5)
    assert found["severity"] == "block"


def test_the_values_of_a_column_are_mapped_and_the_star_takes_the_rest(tmp_path: Path) -> None:
    values = {"status": {"10": "won", "20": "lost", "*": "open"}, "owner": {"Ann": "Ann B."}}
    rows = (WON.replace("won", "10"), LOST.replace("lost", "20"), OPEN.replace("open", "'x'"))
    data = loaded(tmp_path, *rows, "4;2026-01-05;;;1;Bob", values=values)
    assert sorted(data["deals"]["status"]) == ["lost", "open", "won"]
    assert sorted(data["deals"]["owner"]) == ["Ann B.", "Ann B.", "Bob"]
    assert out(data) == [(5, "status", None, "blank")]


def test_numbers_are_mapped_as_the_words_they_would_be_written_with() -> None:
    values = {"status": {"1": "won", "*": "open"}, "team": {"7": "A"}}
    source = frame(status=[1, 2], team=[7.0, None])
    read = deals(source, tables={"deals": {"values": values}})
    assert read["status"].tolist() == ["won", "open"]
    assert read["team"].fillna("").tolist() == ["A", ""]


@pytest.mark.parametrize("column", ["staus", "amount", "created_at"])
def test_values_of_a_column_that_has_no_words_are_refused(column: str) -> None:
    error = refused(frame(), {"tables": {"deals": {"values": {column: {"a": "b"}}}}})
    assert isinstance(error, UnknownName)
    assert str(error).startswith(f"Unknown column: '{column}'.")


def test_the_status_comes_from_the_stage_where_there_is_no_other() -> None:
    source = frame().rename(columns={"status": "stage"})
    read = deals(source)
    assert read["status"].tolist() == read["stage"].tolist() == ["won", "open"]


def test_repeated_keys_are_reported_and_counted(tmp_path: Path) -> None:
    data = loaded(tmp_path, WON, OPEN, WON)
    assert len(data["deals"]) == 3
    assert left(data) == [(4, "deal_id", "1", "duplicate_key", "flagged")]


def test_declared_duplicates_are_dropped_and_listed(tmp_path: Path) -> None:
    """A copy that is left out for another reason takes nothing from the copy that is used."""
    unusable = WON.replace("won", "maybe")
    data = loaded(tmp_path, unusable, WON, OPEN, WON, OPEN, deduplicate=["deal_id"])
    assert sorted(data["deals"]["deal_id"]) == ["1", "2"]
    assert out(data) == [
        (5, "deal_id", "1", "duplicate_key"),
        (6, "deal_id", "2", "duplicate_key"),
        (2, "status", "maybe", "not_allowed"),
    ]


def test_rows_without_the_declared_key_are_no_copies(tmp_path: Path) -> None:
    rows = ("1;2026-01-05;open;;1;", "2;2026-01-05;open;;2;", "3;2026-01-05;open;;3;Ann")
    data = loaded(tmp_path, *rows, deduplicate=["owner"])
    assert len(data["deals"]) == 3
    assert out(data) == []


def test_an_unknown_key_names_the_columns_that_a_person_knows(tmp_path: Path) -> None:
    error = refused(put(tmp_path, text_of(WON)), {"tables": {"deals": {"deduplicate": ["deal"]}}})
    assert "Did you mean deal_id?" in str(error)
    assert "_text" not in str(error)


def test_a_placeholder_date_is_flagged_and_is_not_the_day_of_the_data(tmp_path: Path) -> None:
    rows = ("4;1900-01-01;won;2099-12-31;4;", "5;0026-01-05;open;;5;", "6;1970-01-01;open;;6;")
    data = loaded(tmp_path, *PLAIN, *rows, "7;2026-01-05;won;9026-02-01;7;")
    flagged = [(line, column) for line, column, _, reason, _ in left(data) if "place" in reason]
    assert sorted(flagged) == [
        *((5, "closed_at"), (5, "created_at"), (6, "created_at"), (7, "created_at")),
        (8, "closed_at"),
    ]
    assert (data.first, data.as_of) == (dt.date(2026, 1, 5), dt.date(2026, 3, 1))
    assert not kh.quality(data).empty


def test_of_years_of_two_digits_the_message_says_that_they_need_four(tmp_path: Path) -> None:
    short = [row.replace("2026-0", "2026-").replace("2026", "26") for row in PLAIN]
    assert "a year of four digits" in str(refused(put(tmp_path, text_of(*short))))
    some = loaded(tmp_path, *PLAIN, "4;30/08/25;open;;4;")
    assert "a year of four digits" in kh.quality(some)["fix"].iloc[0]


CURRENCY = {"currency": ["EUR", "USD"]}


def test_currencies_mixed_without_rates_are_refused() -> None:
    error = refused(frame(**CURRENCY))
    assert isinstance(error, MixedCurrencies)
    assert str(error).startswith("Table deals mixes currencies (EUR, USD).")
    assert isinstance(refused(frame(**CURRENCY), {"rates": {"GBP": 1.2}}), MixedCurrencies)


def test_currencies_are_changed_at_their_rates_or_kept_as_declared() -> None:
    rates = deals(frame(**CURRENCY, list_amount=[10.0, 10.0]), rates={"USD": 0.5})
    assert rates["amount"].tolist() == [900.5, 200.0]
    assert rates["list_amount"].tolist() == [10.0, 5.0]
    kept = deals(frame(**CURRENCY), mixed_currencies="as_stored")
    assert kept["amount"].tolist() == [900.5, 400.0]


def test_a_blank_currency_is_that_of_the_report_and_codes_are_folded() -> None:
    read = deals(frame(currency=[None, "usd"]), rates={"USD": 0.5})
    assert read["amount"].tolist() == [900.5, 200.0]
    assert deals(frame(currency=["€", "eur"]))["currency"].tolist() == ["EUR", "EUR"]


def test_amounts_in_one_other_currency_are_refused_with_the_setting() -> None:
    error = refused(frame(currency=["USD", "USD"]), {"currency": "EUR"})
    assert str(error).startswith(
        "Table deals is in USD, the report in EUR. Set currency in kpi.toml"
    )
    assert deals(frame(currency=["USD", "USD"]), currency="USD")["amount"].sum() == 1300.5


def test_the_currency_may_stand_in_the_amounts(tmp_path: Path) -> None:
    """Added up without it, 10 € and $10 would be 20."""
    path = put(tmp_path, text_of(WON.replace("50;Ann", "50 €;Ann"), LOST.replace("80", "$80")))
    assert isinstance(refused(path), MixedCurrencies)
    data = kh.load(path, {"rates": {"USD": 0.5}})
    assert sorted(data["deals"]["amount"]) == [40.0, 1200.5]
    canadian = text_of(LOST.replace("80", "$80"))
    assert kh.load(put(tmp_path, canadian), {"currency": "CAD"})["deals"]["currency"][0] == "CAD"


LATE = "2026-09-30T22:30:00"


@pytest.mark.parametrize(
    ("created", "config", "day"),
    [
        (f"{LATE}Z", {"time_zone": "Europe/Paris"}, 1),
        (f"{LATE}Z", {}, 30),
        (LATE, {"time_zone": "Europe/Paris", "source_time_zone": "UTC"}, 1),
        (LATE, {"time_zone": "Europe/Paris"}, 30),
        ("2026-10-01T00:30:00+02:00", {"time_zone": "UTC"}, 30),
        ("30/09/2026 10:30 PM +00:00", {"time_zone": "Europe/Paris"}, 1),
        (pd.Timestamp(LATE, tz="UTC"), {"time_zone": "Europe/Paris"}, 1),
        (pd.Timestamp(LATE, tz="America/New_York"), {"time_zone": "Europe/Paris"}, 1),
        (pd.Timestamp(LATE), {"time_zone": "Europe/Paris", "source_time_zone": "UTC"}, 1),
        (pd.Timestamp(LATE), {"time_zone": "Europe/Paris"}, 30),
    ],
)
def test_half_past_ten_in_greenwich_is_tomorrow_in_paris(
    created: Any, config: dict[str, Any], day: int
) -> None:
    read = deals(frame(created_at=[created, created]), **config)
    assert read["created_at"].dt.day.tolist() == [day, day]


def test_columns_may_be_derived_and_are_read_like_any_other(tmp_path: Path) -> None:
    derived = {"expected_close": "day", "cost": "amount / 2", "is_big": "amount > 100"}
    derived["owner"] = "coalesce(owner, 'nobody')"
    header = HEADER.replace("owner", "owner;day")
    rows = [WON + ";13/02/2026", OPEN.replace("Bob", "") + ";01/02/2026", LOST + ";soon"]
    data = loaded(tmp_path, *rows, header=header, derived={**derived})
    read = data["deals"].sort_values("deal_id")
    assert read["expected_close"].dt.month.tolist()[:2] == [2, 2]
    assert (4, "expected_close", "soon", "unreadable", "flagged") in left(data)
    assert read["is_big"].tolist() == [True, True, False]
    assert read["owner"].tolist() == ["Ann", "nobody", "Ann"]
    assert read["cost"].tolist() == [600.25, 150.25, 40.0]


@pytest.mark.parametrize(
    ("derived", "said"),
    [
        ({"amount": "nothing * 2"}, "Unknown column: 'nothing'."),
        ({"amount": "owner * 2"}, "column tables.deals.derived.amount: 'owner * 2' is not an"),
        ({"closed_at": "amount"}, "deals.csv, column tables.deals.derived.closed_at: 'float64' is"),
        ({"owner": "months(created_at, 99999) + 1"}, "column tables.deals.derived.owner: "),
        ({"cost": f"{2**63 - 1} + 1"}, "deals.csv, column tables.deals.derived cannot be read"),
    ],
)
def test_a_derived_column_that_cannot_be_says_where(
    tmp_path: Path, derived: dict[str, str], said: str
) -> None:
    path = put(tmp_path, text_of(OPEN))
    error = refused(path, {"tables": {"deals": {"derived": derived}}})
    assert str(error).startswith(said)


@pytest.mark.parametrize(
    "names", [["OWNER"], ["x", "X"], ["Closed_At"], [""], ["_kpi_same"], ["_kpi_waited"]]
)
def test_a_derived_column_needs_a_name_of_its_own(tmp_path: Path, names: list[str]) -> None:
    settings = {"tables": {"deals": {"derived": dict.fromkeys(names, "amount < 120")}}}
    said = str(refused(put(tmp_path, text_of(OPEN)), settings))
    setting = f"kpi.toml: tables.deals.derived.{names[-1]} = 'amount < 120' is not accepted;"
    assert said.startswith(f"{setting} expected a name that begins with a letter or a digit")


def test_a_derived_day_beyond_the_calendar_is_a_placeholder(tmp_path: Path) -> None:
    rows = ("1;9990-01-05;open;;1;Ann", OPEN)
    data = loaded(tmp_path, *rows, derived={"expected_close": "day(created_at, 99999)"})
    assert (2, "expected_close", "placeholder_date") in {row[:2] + row[3:4] for row in left(data)}


def test_a_column_of_the_wrong_type_is_refused_by_name() -> None:
    for column, values, kind in (
        *(
            ("created_at", [1.5, 2.5], "date"),
            ("amount", pd.to_datetime(["2026", "2027"]), "number"),
        ),
        ("closed_at", [True, False], "date"),
    ):
        error = refused(frame(**{column: values}))
        assert isinstance(error, BadInput)
        assert str(error).startswith(f"deals, column {column}: '")
        assert str(error).endswith(f"is not a {kind}.")


def test_whole_days_as_numbers_are_dates() -> None:
    read = deals(frame(created_at=[20260105, 20260113]))
    assert read["created_at"].dt.day.tolist() == [5, 13]


def test_an_infinite_amount_is_not_known() -> None:
    for endless in (float("inf"), float("-inf"), float("nan"), 1e308):
        assert deals(frame(amount=[endless, 5.0]))["amount"].isna().tolist() == [True, False]


def test_the_day_of_the_data_is_the_newest_or_the_one_given(tmp_path: Path) -> None:
    path = put(tmp_path, text_of(*PLAIN))
    assert kh.load(path, {}).as_of == dt.date(2026, 3, 1)
    for day in ("2026-02-15", dt.date(2026, 2, 15), dt.datetime(2026, 2, 15, 9)):
        data = kh.load(path, {"as_of": "2026-06-30"}, as_of=day)
        assert data.as_of == dt.date(2026, 2, 15)
        assert data["deals"].set_index("deal_id")["status"].to_dict() == {
            **{"1": "won", "2": "open", "3": "open"}
        }
    assert kh.load(path, {"as_of": "2026-06-30"}).as_of == dt.date(2026, 6, 30)


@pytest.mark.parametrize("day", ["soon", "", "30/09/2026", 20260930, [1], pd.NaT])
def test_a_day_that_is_none_is_refused(tmp_path: Path, day: Any) -> None:
    error = refused(put(tmp_path, text_of(*PLAIN)), as_of=day)
    assert "is not a day such as 2026-09-30" in str(error)
