"""Amounts: rates of their day, refunds below zero, tax taken out, contracts counted by the year."""

import pandas as pd
import pytest

import kpi_helpers as kh
from kpi_helpers.errors import MixedCurrencies
from kpi_helpers.sources import Dataset

RATES = pd.DataFrame(
    {
        "currency": ["USD", "USD", "GBP"],
        "date": ["2026-01-01", "2026-02-01", "2026-01-01"],
        "rate": [0.9, 0.8, 1.2],
    }
)
ORDERS = pd.DataFrame(
    {
        "order_id": list("123456"),
        "order_date": [
            *("2026-01-01", "2026-01-31", "2026-02-01", "2026-03-15"),
            *("2026-01-10", "2026-01-10"),
        ],
        "amount_net": 100.0,
        "currency": ["USD", "USD", "USD", "USD", "GBP", None],
    }
)


def amounts(data: Dataset, table: str = "orders", column: str = "amount_net") -> list:
    return data[table].sort_values(data.base[table].columns[0])[column].round(6).tolist()


def test_a_row_takes_the_latest_rate_of_its_day() -> None:
    data = kh.load({"orders": ORDERS, "rates": RATES})
    assert amounts(data) == [90, 90, 80, 80, 120, 100]
    assert kh.measure(data, "revenue", "2026Q1")["value"].iloc[0] == pytest.approx(560)


def test_a_constant_rate_of_the_settings_comes_first() -> None:
    data = kh.load({"orders": ORDERS, "rates": RATES}, {"rates": {"USD": 0.5}})
    assert amounts(data) == [50, 50, 50, 50, 120, 100]


def test_a_deal_takes_the_rate_of_its_closing_day() -> None:
    deals = pd.DataFrame(
        {
            "deal_id": ["1", "2"],
            "created_at": "2026-01-05",
            "closed_at": ["2026-02-02", None],
            "status": ["won", "open"],
            "amount": 10.0,
            "currency": "USD",
        }
    )
    assert amounts(kh.load({"deals": deals, "rates": RATES}), "deals", "amount") == [8, 9]


def test_the_one_currency_of_all_amounts_is_that_of_a_report_that_names_none() -> None:
    deals = pd.DataFrame({"deal_id": ["1", "2"], "created_at": "2026-01-05", "status": "open"})
    data = kh.load(deals.assign(amount=["$1,200", "$80.50"]))
    assert (data.config.currency, amounts(data, "deals", "amount")) == ("USD", [1200, 80.5])
    for said in ({"currency": "EUR"}, {"rates": {"CHF": 1.1}}):
        with pytest.raises(MixedCurrencies, match="in USD, the report in EUR"):
            kh.load(deals.assign(amount="$5"), said)
    for mixed in (["$5", "5"], ["$5", "£5"]):
        with pytest.raises(MixedCurrencies):
            kh.load(deals.assign(amount=mixed))


def test_days_before_the_first_rate_are_refused_with_their_number() -> None:
    late = RATES[RATES["date"] > "2026-01-15"]
    with pytest.raises(MixedCurrencies, match="2 rows are in USD.*2026-01-01 to 2026-01-31"):
        kh.load({"orders": ORDERS[ORDERS["currency"] == "USD"], "rates": late})


@pytest.mark.parametrize("wrong", [-3.0, 0.0])
def test_a_rate_that_is_not_above_0_is_left_out_and_listed(wrong: float) -> None:
    rates = RATES.assign(rate=[0.9, wrong, 1.2])
    data = kh.load({"orders": ORDERS, "rates": rates})
    assert amounts(data) == [90, 90, 90, 90, 120, 100]
    listed = kh.left_out(data)[["table", "column", "value", "reason", "action"]].values.tolist()
    assert listed == [["rates", "rate", str(wrong), "rate_not_positive", "excluded"]]
    with pytest.raises(MixedCurrencies, match=r"2 rows are in USD.*a number above 0"):
        kh.load({"orders": ORDERS[2:], "rates": rates[1:]})


YEN = pd.DataFrame(
    {
        "deal_id": list("1234"),
        "created_at": "2026-01-05",
        "closed_at": "2026-02-02",
        "status": ["won", "won", "perhaps", "perhaps"],
        "amount": ["5000", "5000", "1000", "7"],
        "currency": ["JPY", "EUR", "JPY", "CHF"],
    }
)
DATED = pd.DataFrame({"currency": ["JPY"], "date": ["2025-01-01"], "rate": [0.006]})


@pytest.mark.parametrize("dated", [True, False])
def test_rows_are_accounted_for_in_the_reporting_currency(dated: bool) -> None:
    """5,000 yen at .006 are 30 euros; of 7 francs nobody knows what they are worth."""
    tables, config = {"deals": YEN}, {} if dated else {"rates": {"JPY": 0.006}}
    data = kh.load(tables | ({"rates": DATED} if dated else {}), config)
    account = kh.accounting(data).set_index("table").loc["deals"]
    assert (account["rows"], account["excluded"]) == (4, 2)
    names = ["money", "money_used", "money_excluded"]
    assert account[names].tolist() == pytest.approx([5036, 5030, 6])
    assert kh.measure(data, "bookings", "2026Q1")["value"].iloc[0] == pytest.approx(5030)
    listed = kh.left_out(data).set_index("line")["money"]
    assert listed.fillna(-1).tolist() == pytest.approx([6, -1])
    quality = kh.quality(data).set_index("check").loc["not_allowed"]
    assert (quality["money"], quality["money_share"]) == pytest.approx((6, 6 / 5036))


def test_a_currency_without_any_rate_is_refused() -> None:
    with pytest.raises(MixedCurrencies, match="mixes currencies"):
        kh.load({"orders": ORDERS})


def test_credit_notes_count_below_zero_however_they_are_written() -> None:
    orders = pd.DataFrame(
        {
            "order_id": list("1234"),
            "order_date": "2026-01-05",
            "amount_net": [100.0, 30.0, -20.0, -5.0],
            "type": ["order", "refund", "refund", None],
            "cost": [60.0, 10.0, -15.0, -5.0],
        }
    )
    data = kh.load({"orders": orders})
    assert amounts(data, "orders", "cost") == [60, -10, -15, -5]
    assert amounts(data) == [100, -30, -20, -5]
    assert kh.measure(data, "revenue", "2026Q1")["value"].iloc[0] == 45


def test_settings_take_the_tax_out_and_count_a_contract_by_the_year() -> None:
    orders = pd.DataFrame(
        {"order_id": ["1"], "order_date": "2026-01-05", "Montant TTC": "1 200,00"}
    )
    settings = {"columns": {"amount_net": "Montant TTC"}, "tax_included": 0.2}
    taxed = {"tables": {"orders": settings}}
    assert amounts(kh.load({"orders": orders}, taxed)) == [1000]
    deals = pd.DataFrame(
        {
            "deal_id": ["1", "2"],
            "created_at": "2026-01-05",
            "closed_at": "2026-02-01",
            "status": "won",
            "amount": [36_000.0, 900.0],
            "term_months": [36, 12],
        }
    )
    yearly = {"tables": {"deals": {"derived": {"amount": "amount * 12 / term_months"}}}}
    assert amounts(kh.load({"deals": deals}, yearly), "deals", "amount") == [12_000, 900]


def test_a_word_that_is_no_currency_is_not_taken_over() -> None:
    rows = pd.DataFrame({"deal_id": ["1"], "created_at": ["2026-01-05"], "status": ["open"]})
    with pytest.raises(MixedCurrencies, match="FOO"):
        kh.load(rows.assign(amount=5.0, currency="foo"), {"language": "en"})
