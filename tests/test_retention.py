"""Whether customers stay: cohorts, what is kept of contracts, segments; made and real data."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from naive import TRUTHS
from packs import opened as real
from statsmodels.duration.survfunc import SurvfuncRight
from strategies import mrr, opened, orders
from test_properties import some

import kpi_helpers as kh
from kpi_helpers import charts, customers, sheets, wording
from kpi_helpers.errors import Unavailable
from kpi_helpers.intervals import wilson
from kpi_helpers.sources import Dataset
from kpi_helpers.units import PERCENT, write

LOOK = {"en": {"lang": "en", "currency": "EUR"}, "fr": {"lang": "fr", "currency": "EUR"}}


@pytest.fixture(scope="module")
def retail() -> Dataset:
    return real("online_retail")


@pytest.fixture(scope="module")
def telco() -> Dataset:
    return real("telco_churn")


def bought(*days: str, who: str = "A", amount: float = 10.0) -> pd.DataFrame:
    frame = pd.DataFrame({"order_date": days, "customer_id": who, "amount_net": amount})
    return frame.assign(order_id=[f"{who}{day}{amount}" for day in days])


# Found by hand: A comes in January and orders in February, B in February and in April.
FEW = pd.concat(
    [
        bought("2026-01-05", "2026-02-07", "2026-02-09"),
        bought("2026-02-03", "2026-04-01", who="B"),
        bought("2026-02-20", who="C"),
    ]
)


def test_cohorts_counted_by_hand() -> None:
    found = customers.cohorts(kh.load({"orders": FEW}, as_of="2026-04-30"))
    cells = found.pivot(index="cohort", columns="age", values="active")
    assert cells.loc["2026-01"].tolist() == [1, 1, 0, 0]
    assert cells.loc["2026-02"].isna().tolist() == [False, False, False, True]
    assert cells.loc["2026-02"].iloc[:3].tolist() == [2, 0, 1]
    second = found[found["cohort"] == "2026-02"]
    assert second["remaining"].tolist() == pytest.approx([1, 0.5, 0.5])
    assert second["n"].tolist() == [2, 2, 2]
    assert found.groupby("cohort")["truncated"].first().tolist() == [True, False]


def test_a_month_that_is_not_over_is_masked() -> None:
    found = customers.cohorts(kh.load({"orders": FEW}, as_of="2026-04-29"))
    young = found[found["status"] == "immature"]
    assert young[["cohort", "age"]].values.tolist() == [["2026-01", 3], ["2026-02", 2]]
    assert young["value"].isna().all()
    assert found.loc[found["status"] == "ok", "value"].notna().all()


def test_ages_add_up_the_cohorts_that_are_seen_and_whole() -> None:
    found = customers.by_age(customers.cohorts(kh.load({"orders": FEW}, as_of="2026-04-30")))
    assert found[["age", "n", "active", "lost"]].values.tolist() == [[1, 2, 0, 2], [2, 2, 1, -1]]
    assert found[["low", "high"]].values.tolist() == [
        [float(limit) for limit in wilson(k, 2)] for k in (0, 1)
    ]


@some(6)
@given(st.one_of(orders(40).map(lambda f: {"orders": f}), mrr(12).map(lambda f: {"mrr": f})))
def test_nobody_is_active_who_did_not_come(frames: dict[str, pd.DataFrame]) -> None:
    data, (name,) = opened(frames), frames
    dates = data.covered["orders", "order_date"] if name == "orders" else None
    assume(dates is None or (dates.last - dates.first).days > 100)
    found = customers.cohorts(data)
    rows = data[name]
    counted = rows[rows["is_paid" if name == "mrr" else "is_sale"]]["customer_id"].nunique()
    assert found[found["age"] == 0]["active"].sum() == counted
    assert (found["active"] <= found["n"]).all()
    seen = found.dropna(subset="value")
    assert (seen["value"] <= seen["remaining"] + 1e-12).all()
    assert (seen.groupby("cohort")["remaining"].diff().fillna(0) <= 1e-12).all()


@some(6)
@given(mrr(12), st.sampled_from(["2026Q1", "2026-02", "2025"]))
def test_the_steps_of_recurring_revenue_leave_no_residual(frame: pd.DataFrame, period: str) -> None:
    data = opened({"mrr": frame})
    steps = customers.bridge(data, period).set_index("step")
    changes = steps[steps["kind"] == "change"]
    assert steps.loc["before", "amount"] + changes["amount"].sum() == pytest.approx(
        steps.loc["after", "amount"]
    )
    rates = customers.recurring(data, period).set_index("kpi")
    before, after = steps.loc[["before", "after"], "amount"]
    parts = changes["amount"].reindex(["ended", "lowered", "raised", "signed"]).fillna(0)
    if before:
        gross = (before + parts["ended"] + parts["lowered"]) / before
        assert rates.loc["gross_revenue_retention", "value"] == pytest.approx(gross)
        assert rates.loc["net_revenue_retention", "value"] == pytest.approx(
            (after - parts["signed"]) / before
        )


def test_w6_as_a_bridge() -> None:
    from test_worked_examples import WORKED

    given_, days = WORKED["W6"], {"mrr_start": "2025-12-01", "mrr_end": "2026-03-01"}
    rows = [(w, day, fee) for end, day in days.items() for w, fee in given_[end].items()]
    data = kh.load({"mrr": pd.DataFrame(rows, columns=["customer_id", "month", "mrr"])})
    steps = customers.bridge(data, "2026Q1").set_index("step")["amount"]
    assert steps[["ended", "lowered", "raised", "signed"]].tolist() == [
        *(-given_["churn"], -given_["contraction"], given_["expansion"], given_["mrr_end"]["F"])
    ]


@some(6)
@given(orders(60), st.sampled_from(["2026Q1", "2026-02"]))
def test_the_segments_are_those_of_the_kpi_and_every_customer_moves_once(
    frame: pd.DataFrame, period: str
) -> None:
    data = opened({"orders": frame})
    end = data.config.calendar.parse(period).end
    segments = customers.segments(data, end)
    (risk,) = kh.measure(data, "rfm_segment_share", period).itertuples()
    assume(risk.status != "missing")  # the orders do not reach into the period
    at_risk = (segments["segment"] == "at_risk").sum()
    assert (risk.numerator, risk.n) == (at_risk, len(segments))
    assert segments["customer_id"].is_unique


def test_a_purchase_paid_back_in_full_is_none() -> None:
    """One refund names its order, one does not; a part that is paid back leaves the order."""
    sold = [bought("2026-01-05", who=who, amount=100.0) for who in "ABC"]
    back = pd.concat(
        [
            bought("2026-01-09", who="A", amount=-100.0).assign(
                original_order_id="A2026-01-05100.0"
            ),
            bought("2026-01-09", who="B", amount=-100.0),
            bought("2026-01-09", who="C", amount=-40.0),
        ]
    )
    data = kh.load({"orders": pd.concat([*sold, back])})
    found = customers.segments(data, dt.date(2026, 2, 1))
    assert found[["customer_id", "often", "much"]].values.tolist() == [["C", 1, 60.0]]


def test_the_sample_shows_that_fewer_contracts_are_kept(sample: Dataset) -> None:
    rows = customers.recurring(sample, "2026Q3").set_index("kpi")
    churn = rows.loc["logo_churn_rate"]
    truth = TRUTHS["renewal"]
    assert churn["value"] == pytest.approx(1 - truth["after"], abs=0.03)
    assert churn["reference"] == pytest.approx(1 - truth["before"], abs=0.03)
    assert (churn["change_verdict"], churn["certainty"]) == ("worse", "established")
    said = wording.recurring_findings(rows.reset_index(), **LOOK["fr"])
    assert "c’est confirmé" in said["sentence"].iloc[0]
    ages = customers.by_age(customers.cohorts(sample))
    worst = ages.loc[ages["lost"].idxmax()]
    assert worst["age"] == 4  # contracts end after a year


def test_online_retail_december_2010(retail: Dataset) -> None:
    found = customers.cohorts(retail)
    first = found[found["cohort"] == "2010-12"]
    assert first["truncated"].all()
    assert not found[found["cohort"] != "2010-12"]["truncated"].any()
    assert first["n"].iloc[0] == 885
    assert first["value"].iloc[1] == pytest.approx(0.366, abs=5e-4)
    assert first["status"].iloc[-1] == "immature"  # December 2011 ends on the 9th


def test_online_retail_segments_without_what_was_paid_back(retail: Dataset) -> None:
    found = customers.segments(retail, dt.date(2011, 12, 10)).set_index("customer_id")
    assert "12346" not in found.index  # 77,183.60 bought and paid back within minutes
    assert found.loc["14646", "segment"] == "best"
    moves = customers.moves(retail, "2011Q4")
    assert moves["customers"].sum() == len(
        {*found.index} | {*customers.segments(retail, dt.date(2011, 10, 1))["customer_id"]}
    )


def test_telco_leaves_as_it_is_known_to(telco: Dataset) -> None:
    rows = customers.recurring(telco, "2018-12").set_index("kpi")["value"]
    assert rows["logo_churn_rate"] == pytest.approx(0.2654, abs=5e-5)
    assert 1 - rows["gross_revenue_retention"] == pytest.approx(0.3050, abs=5e-5)
    found = customers.survival(telco, "contract").set_index(["group", "months"])
    frame = telco["customers"].astype({"tenure": int})
    for contract, group in frame.groupby("contract"):
        oracle = SurvfuncRight(group["tenure"], group["churn"] == "Yes")
        ours = found.loc[contract].loc[oracle.surv_times, "value"]
        np.testing.assert_allclose(ours, oracle.surv_prob, atol=1e-12)
    at_two_years = found.xs(24, level="months")["value"]
    assert at_two_years.sort_values().index.tolist() == ["Month-to-month", "One year", "Two year"]
    whole = sheets.survival(customers.survival(telco), "fr").as_raw_html()
    assert "Tous les contrats" in whole
    page = sheets.survival(found.reset_index(), "en").as_raw_html()
    assert all(write(value, PERCENT, "en") in page for value in at_two_years)
    assert customers.by_age(customers.cohorts(telco)).empty


def test_what_lacks_is_named(retail: Dataset, telco: Dataset) -> None:
    with pytest.raises(Unavailable, match="mrr"):
        customers.recurring(retail, "2011Q4")
    with pytest.raises(Unavailable, match="orders"):
        customers.moves(telco, "2018-12")
    with pytest.raises(Unavailable, match="contract_end"):
        customers.survival(
            kh.load({"customers": pd.DataFrame({"customer_id": ["A"]}), "orders": FEW})
        )
    with pytest.raises(Unavailable, match="too short"):
        customers.cohorts(kh.load({"orders": FEW[:1]}, as_of="2026-01-20"))
    with pytest.raises(Unavailable, match="it takes 10"):
        customers.moves(kh.load({"orders": FEW}), "2026-03")


@pytest.mark.parametrize("lang", LOOK)
def test_every_number_of_a_sentence_stands_in_its_table(sample: Dataset, lang: str) -> None:
    cohorts, moves = customers.cohorts(sample), customers.moves(sample, "2026Q3")
    ages = customers.by_age(cohorts)
    told = (
        wording.retention_findings(ages, **LOOK[lang]),
        wording.moves_findings(moves, **LOOK[lang]),
    )
    for found, table in zip(told, (ages, moves), strict=True):
        (line,) = found.to_dict("records")
        row = table.iloc[int(line["rows"]) - 1]
        whole = str(int(row["lost"] if "lost" in row else row["customers"]))
        assert whole in line["sentence"]
        assert not wording.banned(line["sentence"], lang)
    figures = charts.cohort_map(cohorts, **LOOK[lang]), charts.moves_map(moves, **LOOK[lang])
    for figure, found in zip(figures, told, strict=True):
        assert f"{charts.alt(figure)}." == found["sentence"].iloc[0]
        assert len(figure.axes[0].texts) >= 36


def test_nothing_is_drawn_as_nothing() -> None:
    ages = customers.by_age(customers.cohorts(kh.load({"orders": FEW[3:]}, as_of="2026-04-30")))
    (line,) = wording.retention_findings(ages, **LOOK["en"]).to_dict("records")
    assert (line["sureness"], line["rows"]) == (2, "")
    assert "Too early" in line["sentence"]


def test_customers_who_gave_back_more_than_they_bought_are_told_when_they_leave() -> None:
    rows = [("best", "best", 4, 9.0), ("best", "asleep", 2, -80.0), ("loyal", "absent", 1, -90.0)]
    moves = pd.DataFrame(rows, columns=["before", "after", "customers", "amount"])
    found = wording.moves_findings(moves.assign(share=0.5), "en")
    assert found["rows"].item() == "2"
    assert "asleep" in found["sentence"].item()


def test_a_month_whose_fees_are_not_known_yet_is_not_one_in_which_all_have_left() -> None:
    fees = pd.DataFrame(
        {"customer_id": ["A", "A"], "mrr": 9.0, "month": ["2026-01-01", "2026-02-01"]}
    )
    data = kh.load({"mrr": fees}, as_of="2026-04-20")
    assert customers.bridge(data, "2026-02")["amount"].tolist() == [9.0, 9.0]
    for month in ("2026-03", "2025-12"):
        with pytest.raises(Unavailable, match=rf"mrr \({month}\)"):
            customers.bridge(data, month)


LEAP = pd.concat(
    [
        bought("2023-02-28", "2024-02-01", who="A"),
        bought("2023-02-27", "2024-02-02", who="B"),
        bought("2023-01-05", "2024-01-09", "2024-02-28", who="C"),
        bought("2023-03-01", "2024-02-29", who="D"),
    ]
)


@pytest.mark.parametrize(
    ("period", "as_of", "base", "kept"),
    [
        ("ytd", "2024-02-28", 3, 3),  # A, B and C bought from 1 January to 28 February 2023.
        ("2024-01-01:2024-02-28", "2024-12-31", 3, 3),
        ("2024-02-28", "2024-12-31", 1, 0),
        ("2024-02-29", "2024-12-31", 1, 0),
        ("ytd", "2024-02-29", 3, 3),
        ("2024-02", "2024-12-31", 2, 2),
        ("2024-03", "2024-12-31", 1, 0),
    ],
)
def test_the_year_before_a_leap_day_ends_with_february(
    period: str, as_of: str, base: int, kept: int
) -> None:
    data = kh.load({"orders": LEAP}, as_of=as_of)
    (row,) = kh.measure(data, "repurchase_rate", period).itertuples()
    assert (row.denominator, row.numerator) == (base, kept)
    calendar = data.config.calendar
    ago = calendar.year_ago(calendar.parse(period, data.as_of))
    days = pd.to_datetime(LEAP["order_date"]).dt.date
    assert LEAP.loc[days.ge(ago.start) & days.lt(ago.end), "customer_id"].nunique() == base


def test_twelve_months_that_end_on_28_february_begin_with_march() -> None:
    data = kh.load({"orders": LEAP}, as_of="2024-02-28")
    (row,) = kh.measure(data, "customer_retention_rate", "2024-02-28").itertuples()
    # Of the twelve months up to 27 February A, B, C and D; D not in 2024, but in March 2023.
    assert (row.denominator, row.numerator) == (4, 4)
    data = kh.load({"orders": LEAP[LEAP["order_date"] != "2024-02-01"]}, as_of="2024-02-28")
    (row,) = kh.measure(data, "customer_retention_rate", "2024-02-28").itertuples()
    assert (row.denominator, row.numerator) == (4, 3)
