"""What `measure` promises of periods, filters, breakdowns and gaps, whatever the KPI."""

import copy
import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import kpi_helpers as kh
from kpi_helpers.catalogue import REGISTRY
from kpi_helpers.errors import BadInput, BadPeriod, UnknownName
from kpi_helpers.sources import Dataset

SAMPLE = Path(__file__).parents[1] / "data" / "sample"
SETTINGS = {
    "language": "en",
    "as_of": "2026-08-14",
    "lags": {"cac": 1},
    "segments": {"large": "amount >= 15000", "first team": "team == 'Équipe A'"},
}
DAY = "2026-01-01"


@pytest.fixture(scope="module")
def sample() -> Dataset:
    return kh.load(SAMPLE, SETTINGS)


@pytest.fixture(scope="module")
def sample_frames() -> dict[str, pd.DataFrame]:
    return {path.stem: pd.read_parquet(path) for path in SAMPLE.glob("*.parquet")}


def deals_of(status: list[str], **columns: Any) -> pd.DataFrame:
    """Deals created on the first of January and closed on the tenth of February 2026."""
    frame = pd.DataFrame({"deal_id": [str(i) for i in range(len(status))], "status": status})
    closed = [None if each == "open" else "2026-02-10" for each in status]
    days = {"created_at": pd.Timestamp("2026-01-01"), "closed_at": pd.to_datetime(closed)}
    return frame.assign(**{**days, **columns})


def asked(data: Dataset, *args: Any, **options: Any) -> list[float]:
    return kh.measure(data, *args, **options)["value"].tolist()


@pytest.mark.thorough
def test_the_columns_stand_in_their_order(sample: Dataset) -> None:
    found = kh.measure(sample, ["aov", "revenue", "aov"], "2026Q2", by=["channel", "team"])
    assert found.columns.tolist() == [
        *("kpi", "label", "unit", "better", "period", "start", "end", "channel", "team"),
        *("value", "numerator", "denominator", "n", "low", "high", "method", "status", "note"),
    ]
    assert found["kpi"].drop_duplicates().tolist() == ["aov", "revenue"]
    assert found["start"].unique() == pd.Timestamp("2026-04-01")
    assert found["end"].unique() == pd.Timestamp("2026-07-01")


def test_nothing_that_is_given_is_changed() -> None:
    frames = {
        "deals": deals_of(["won", "lost", "open"], amount=[1.0, 2.0, 3.0], owner=["A", None, "B"]),
        "reps": pd.DataFrame({"owner": ["A", "B"], "team": ["x", "y"]}),
    }
    config = {"windows": {"lead_to_customer_rate": 30}, "segments": {"mine": "owner == 'A'"}}
    where, by = {"team": ["x", "y"]}, ["team"]
    before = copy.deepcopy((frames, config, where, by))
    data = kh.load(frames, config)
    added = pd.DataFrame({"owner": ["A"], "region": ["North"]})
    kh.measure(data.at("2026-02-01").add(added, on="owner", to="deals"), "bookings", "all")
    kh.measure(data, [*kh.catalogue()["id"]], "2026Q1", by=by, where=where)
    for made in (kh.rows(data, "bookings", "2026Q1"), kh.quality(data), data["deals"]):
        made[made.columns] = None
    assert config == before[1]
    assert (where, by) == before[2:]
    for name, frame in frames.items():
        pd.testing.assert_frame_equal(frame, before[0][name])
    assert asked(data, "bookings", "2026Q1") == [1.0]
    assert kh.quality(data)["check"].notna().all()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"kpis": "win_rate_cuont"}, "Unknown KPI: 'win_rate_cuont'. Did you mean win_rate_count"),
        ({"by": "tema"}, "Unknown dimension: 'tema'. Did you mean team"),
        ({"by": ["team", "amount"]}, "Unknown dimension: 'amount'"),
        ({"where": {"ownr": "A"}}, "Unknown column: 'ownr'. Did you mean owner"),
        ({"where": "ownr == 'A'"}, "Unknown column: 'ownr'. Did you mean owner"),
        ({"where": {"team": "Equipe A"}}, "Unknown value: 'Equipe A'. Did you mean Équipe A"),
        ({"where": "team == 'Equipe A'"}, "Unknown value: 'Equipe A'. Did you mean Équipe A"),
        ({"where": "amnt >= 3"}, "Unknown column: 'amnt'. Did you mean amount"),
        ({"grain": "quarters"}, "Unknown grain: 'quarters'. Did you mean quarter"),
    ],
)
def test_an_unknown_name_brings_the_nearest(
    sample: Dataset, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(UnknownName) as caught:
        kh.measure(sample, **{"kpis": "bookings", "period": "2026Q2", **options})
    assert str(caught.value).startswith(said)


def test_a_word_that_is_no_column_is_a_segment_misspelt() -> None:
    data = kh.load(deals_of(["won", "lost"]), {"segments": {"mine": "status == 'won'"}})
    with pytest.raises(UnknownName, match="Unknown segment: 'mien'. Did you mean mine"):
        kh.measure(data, "bookings", "2026Q1", where="mien")


@pytest.mark.parametrize("call", [kh.measure, kh.compare])
@pytest.mark.parametrize("given", [{"where": 42}, {"where": []}, {"kpis": None}, {"kpis": 5}])
def test_what_is_of_no_use_is_named(
    sample: Dataset, call: Callable[..., Any], given: dict[str, Any]
) -> None:
    with pytest.raises(BadInput, match=next(iter(given))):
        call(sample, **{"kpis": "bookings", "period": "2026Q2", **given})


def test_a_kpi_that_is_not_declared_as_it_should_says_what_to_write() -> None:
    def mean_amount(deals: Any) -> Any:
        """Mean amount of all deals."""
        return deals.amount.mean()

    with pytest.raises(BadInput, match="A KPI needs names"):
        kh.kpi(mean_amount)
    kh.kpi(names=("Moyenne", "Mean"), definition_fr="Montant moyen.", unit="money")(mean_amount)
    try:
        with pytest.raises(BadInput, match="mean_amount returns FloatingScalar, not parts"):
            kh.measure(kh.load(deals_of(["won"])), "mean_amount", "2026Q1")
        with pytest.raises(BadInput, match="not parts"):
            kh.catalogue()
    finally:
        REGISTRY.pop("mean_amount")


def test_currencies_added_up_as_stored_are_said() -> None:
    deals = deals_of(["won", "lost"], amount=[1.0, 2.0], currency=["USD", "EUR"])
    found = kh.quality(kh.load(deals, {"mixed_currencies": "as_stored"})).set_index("check")
    assert found.loc["as_stored", ["rows", "severity"]].tolist() == [1, "info"]


@pytest.mark.parametrize("period", ["2026Q5", "2026-13", "last quarter", ""])
def test_a_text_that_is_no_period(sample: Dataset, period: str) -> None:
    with pytest.raises(BadPeriod, match="is not a period"):
        kh.measure(sample, "bookings", period)


@pytest.mark.parametrize(
    "where",
    [
        *(
            "amount >= 'much'",
            "amount + 1",
            "team = 'A'",
            "not amount",
            "open('x')",
            "team.upper()",
        ),
        *({"amount": "much"}, {"created_at": "someday"}),
    ],
)
def test_a_filter_that_cannot_be_read(sample: Dataset, where: Any) -> None:
    with pytest.raises((BadInput, UnknownName)):
        kh.measure(sample, "bookings", "2026Q2", where=where)
    with pytest.raises(BadInput, match="kpis"):
        kh.measure(sample, [], "2026Q2")


def test_a_mapping_an_expression_and_a_segment_select_the_same(sample: Dataset) -> None:
    kpis = ["bookings", "win_rate_count", "sales_cycle_duration", "open_pipeline_value", "aov"]
    ways = ({"team": "Équipe A"}, {"team": ["Équipe A"]}, "team == 'Équipe A'", "first team")
    first, *others = (kh.measure(sample, kpis, "2026Q2", where=where) for where in ways)
    by_team = kh.measure(sample, kpis, "2026Q2", by="team").query("team == 'Équipe A'")
    for other in [*others, by_team.drop(columns="team").reset_index(drop=True)]:
        pd.testing.assert_frame_equal(first, other)
    assert not first["value"].equals(kh.measure(sample, kpis, "2026Q2")["value"])
    large = kh.rows(sample, "bookings", "2026Q2", where="large")
    assert large["amount"].min() >= 15_000


def test_rows_without_a_dimension_keep_a_line_of_their_own() -> None:
    deals = deals_of(["won"] * 4, owner=["A", None, "A", None], amount=[1.0, 2.0, 4.0, 8.0])
    data = kh.load(deals)
    found = kh.measure(data, "bookings", "2026Q1", by="owner")
    assert found["owner"].isna().tolist() == [False, True]
    assert found["value"].tolist() == [5.0, 10.0]
    assert asked(data, "bookings", "2026Q1", where={"owner": None}) == [10.0]
    assert asked(data, "bookings", "2026Q1", where={"owner": ["A", None]}) == [15.0]


@pytest.mark.parametrize(
    ("cases", "status"),
    [(1, "insufficient"), (4, "insufficient"), (5, "indicative"), (29, "indicative"), (30, "ok")],
)
def test_a_rate_of_few_cases_says_so_and_a_total_does_not(cases: int, status: str) -> None:
    deals = deals_of(["won"] * cases + ["open"], amount=100.0)
    found = kh.measure(kh.load(deals), ["win_rate_count", "bookings"], "all")
    assert found["n"].tolist() == [cases, cases]
    assert found["status"].tolist() == [status, "ok"]


@pytest.mark.parametrize(
    ("period", "reason"),
    [
        ("2020Q1", "No data in this period: they run from"),
        ("2027Q1", "Period still to come: the data end on 14 August 2026."),
        ("2023Q1:2023Q1", "No data in this period"),
    ],
)
def test_a_period_without_data_is_missing_and_says_why(
    sample: Dataset, period: str, reason: str
) -> None:
    kpis = ["bookings", "win_rate_count", "revenue", "leads_generated", "cac", "new_customers"]
    for by in ((), "owner"):
        kept = kpis if by == () else [name for name in kpis if name != "cac"]
        found = kh.measure(sample, kept, period, by=by)
        assert found["value"].isna().all()
        assert set(found["status"]) == {"missing"}
        assert found["note"].str.contains(reason, regex=False).all(), found["note"].tolist()


def test_a_period_that_is_covered_but_empty_counts_zero(sample: Dataset) -> None:
    sunday = kh.measure(sample, ["bookings", "deals_won_count", "win_rate_count"], "2026-08-02")
    assert sunday["value"].tolist()[:2] == [0.0, 0.0]
    assert sunday["status"].tolist() == ["ok", "ok", "missing"]
    assert sunday["note"].tolist() == ["", "", "Nothing to count in this period."]


def test_a_period_that_is_cut_at_either_end_says_so() -> None:
    days = pd.date_range("2026-02-20", "2026-04-20")
    orders = pd.DataFrame(
        {"order_id": [str(day) for day in days], "order_date": days, "amount_net": 10.0}
    )
    data = kh.load({"orders": orders}, {"language": "en", "as_of": "2026-05-15"})
    found = kh.measure(data, "revenue", "2026-01:2026-06").set_index("period")
    assert found["value"].fillna(-1).tolist() == [-1, 90.0, 310.0, 200.0, -1, -1]
    assert found["status"].tolist() == [
        *("missing", "indicative", "ok", "indicative", "missing", "missing")
    ]
    assert found.loc["2026-02", "note"].startswith("The data begin on 20 February 2026")
    assert found.loc["2026-04", "note"] == "The data end on 20 April 2026."
    assert found.loc["2026-05", "note"].startswith("Period still running: 15 of 31 days.")


def test_a_running_period_counts_to_its_last_known_day(sample: Dataset) -> None:
    (row,) = kh.measure(sample, "bookings", "2026Q3").itertuples()
    assert row.note == "Period still running: 45 of 92 days."
    assert asked(sample, "bookings", "2026-07-01:2026-08-14") == [row.value]
    assert asked(sample.at("2026-06-30"), "bookings", "2026Q3", where="large") != [row.value]


@pytest.mark.thorough
def test_periods_are_those_of_the_fiscal_year(
    sample: Dataset, sample_frames: dict[str, pd.DataFrame]
) -> None:
    fiscal = kh.load(sample_frames, {**SETTINGS, "fiscal_start": 4})
    for name, calendar in (("FY2027Q1", "2026Q2"), ("FY2026", "2025Q2:2026Q1")):
        months = kh.measure(sample, "revenue", calendar, grain="month")["value"]
        assert asked(fiscal, "revenue", name) == pytest.approx([months.sum()])
    quarters = kh.measure(fiscal, "revenue", "FY2026", grain="quarter")
    assert quarters["period"].tolist() == [f"FY2026Q{quarter}" for quarter in range(1, 5)]
    assert quarters["value"].sum() == pytest.approx(months.sum())


@pytest.mark.parametrize("period", ["2026W18:2026W21", "2026-03-10:2026-05-20", "2026Q1:2026Q2"])
@pytest.mark.parametrize("grain", ["day", "week", "month"])
def test_a_period_cut_small_adds_up(sample: Dataset, period: str, grain: str) -> None:
    """Weeks across months, months cut by the ends of the period: no day is lost or met twice."""
    kpis = ["bookings", "deals_won_count", "leads_generated", "revenue"]
    parts = kh.measure(sample, kpis, period, grain=grain)
    bounds = parts.groupby("kpi")[["start", "end"]].agg(["min", "max"]).iloc[0].tolist()
    start, last = bounds[0].date(), bounds[3].date() - dt.timedelta(days=1)
    whole = kh.measure(sample, kpis, f"{start}:{last}").set_index("kpi")
    sums = parts.groupby("kpi")["value"].sum()
    assert sums.to_dict() == pytest.approx(whole["value"].to_dict())


def test_stocks_are_read_at_the_end_of_each_period(sample: Dataset) -> None:
    for grain in ("day", "week", "month"):
        found = kh.measure(sample, "open_pipeline_value", "2026-05-11:2026-06-21", grain=grain)
        alone = [
            asked(sample, "open_pipeline_value", str(end.date() - dt.timedelta(days=1)))[0]
            for end in found["end"]
        ]
        assert found["value"].tolist() == pytest.approx(alone)


@pytest.mark.thorough
def test_what_was_asked_before_does_not_change_an_answer(
    sample_frames: dict[str, pd.DataFrame],
) -> None:
    """SQL is kept without its period: other periods, grains and filters must not meet in it."""
    kpis = ["bookings", "cac", "aov", "open_pipeline_value", "customer_retention_rate"]
    kpis += ["revenue_attainment", "sales_cycle_duration", "lead_to_customer_rate"]
    asks: list[dict[str, Any]] = [
        {"period": "2026Q1"},
        {"period": "2025Q1:2026Q2"},
        {"period": "2026Q2", "grain": "month"},
        {"period": "2026W10:2026W12"},
        {"period": "2026-03-02:2026-03-22"},
        {"period": "2026Q2", "where": "large"},
        {"period": "2026Q2", "where": {"team": "Équipe A"}},
        {"period": "2026Q2", "by": "team"},
        {"period": "ytd"},
        {"period": "2026Q1"},
    ]
    data = kh.load(sample_frames, SETTINGS)
    for ask in asks:
        fresh = kh.measure(data.at(data.as_of), kpis, **ask)
        pd.testing.assert_frame_equal(kh.measure(data, kpis, **ask), fresh)


def test_a_derived_kpi_is_broken_down_where_all_its_parts_are() -> None:
    leads = pd.DataFrame(
        {"lead_id": list("abcd"), "created_at": pd.Timestamp(DAY), "channel": ["x"] * 4}
    )
    leads.loc[3, "channel"] = "z"
    spend = pd.DataFrame({"date": pd.Timestamp(DAY), "amount": [60.0, 90.0]})
    spend = spend.assign(channel=["x", "y"], cost_type="media")
    config = {"language": "en", "as_of": "2026-01-01"}
    data = kh.load({"leads": leads, "spend": spend}, config)
    found = kh.measure(data, "cost_per_lead", DAY, by="channel").set_index("channel")
    # z has leads but no spend that anybody wrote down: its cost is not known, and is not zero.
    assert found["value"].fillna(-1).to_dict() == {"x": 20.0, "y": -1, "z": -1}
    assert found.loc["y", "note"] == "Nothing to divide by: the denominator is zero or unknown."
    with pytest.raises(UnknownName, match="cost_type"):
        kh.measure(data, "cost_per_lead", DAY, by="kost_type")
    (row,) = kh.measure(data, "cost_per_lead", DAY, by="cost_type").itertuples()
    assert row.status == "missing"
    assert row.note.startswith("Unknown dimension: 'cost_type'")


def test_a_table_that_is_lacking_is_named() -> None:
    data = kh.load(deals_of(["won", "lost"]), {"language": "en"})
    kpis = ["win_rate_count", "revenue", "bookings", "cac"]
    found = kh.measure(data, kpis, "2026Q1").set_index("kpi")
    assert found["status"].tolist() == ["insufficient", "missing", "missing", "missing"]
    assert "orders" in found.loc["revenue", "note"]
    assert "deals.amount" in found.loc["bookings", "note"]
    assert found.loc["cac", "note"]


def test_a_kpi_can_stand_in_for_another(sample_frames: dict[str, pd.DataFrame]) -> None:
    data = kh.load({"deals": sample_frames["deals"]}, {**SETTINGS, "use": {"revenue": "bookings"}})
    found = kh.measure(data, ["revenue", "bookings", "revenue_growth"], "2026Q2").set_index("kpi")
    assert found.loc["revenue", "value"] == found.loc["bookings", "value"]
    assert "Revenue" in found.loc["revenue", "note"]
    before = asked(data, "bookings", "2025Q2")[0]
    assert found.loc["revenue_growth", "value"] == pytest.approx(
        found.loc["bookings", "value"] / before - 1
    )


def test_a_target_that_is_reached_leaves_nothing_to_cover() -> None:
    deals = deals_of(["won", "open"], amount=[100.0, 50.0], expected_close="2026-03-01")
    target = {"metric": "bookings", "scope_type": "company", "scope_value": None}
    quarter = {"period_start": "2026-01-01", "period_end": "2026-03-31"}
    config = {"language": "en", "as_of": "2026-02-15"}
    found = []
    for value in (150.0, 100.0, 80.0):
        targets = pd.DataFrame([{**target, **quarter, "value": value}])
        data = kh.load({"deals": deals, "targets": targets}, config)
        found += list(kh.measure(data, "pipeline_coverage", "2026Q1").itertuples())
    assert found[0].value == 1.0
    assert [row.status for row in found] == ["ok", "missing", "missing"]
    assert "denominator" in found[1].note


@pytest.mark.parametrize(("window", "rate"), [(30, (1, 2)), ("none", (2, 3))])
def test_a_conversion_before_the_first_contact_is_in_neither_part(
    window: int | str, rate: tuple[int, int]
) -> None:
    """Without a window every conversion counts; with one, a negative delay fits none."""
    leads = pd.DataFrame(
        {
            "lead_id": ["1", "2", "3"],
            "created_at": pd.to_datetime(["2026-01-10", "2026-01-10", "2026-01-10"]),
            "converted_at": pd.to_datetime(["2026-01-05", "2026-01-20", None]),
        }
    )
    config = {"windows": {"lead_to_customer_rate": window}, "as_of": "2026-06-30"}
    (row,) = kh.measure(
        kh.load({"leads": leads}, config), "lead_to_customer_rate", "all"
    ).itertuples()
    assert (row.numerator, row.denominator) == rate


def test_the_usual_window_is_what_nine_in_ten_conversions_took() -> None:
    """Ten conversions after 1 to 10 days, long ago; a young lead that converted at once is not
    one of them, for its slow companions have not had the time."""
    old = pd.DataFrame({"created_at": pd.Timestamp("2025-01-01"), "days": range(1, 11)})
    young = pd.DataFrame({"created_at": pd.Timestamp("2025-12-25"), "days": [0] * 40})
    leads = pd.concat([old, young], ignore_index=True)
    leads["converted_at"] = leads["created_at"] + pd.to_timedelta(leads.pop("days"), "D")
    data = kh.load({"leads": leads.assign(lead_id=leads.index.astype(str))}, {"language": "en"})
    (row,) = kh.measure(data, "lead_to_customer_rate", "2025-01").itertuples()
    assert row.note.startswith("Time allowed, in days: 9.")
    assert (row.numerator, row.denominator) == (9, 10)
