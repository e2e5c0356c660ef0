"""Each check of the data alone: a tiny table with one fault, its exact row, and a clean one."""

import datetime as dt
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import kpi_helpers as kh
from kpi_helpers.alerts import raised
from kpi_helpers.errors import Unavailable
from kpi_helpers.language import LANGUAGES, texts
from kpi_helpers.sources import Dataset

START = dt.date(2026, 1, 5)
Rows = dict[str, list[Any]]


def day(number: int) -> str:
    return (START + dt.timedelta(number)).isoformat()


DEALS: Rows = {
    "deal_id": ["1", "2", "3", "4"],
    "created_at": [day(0), day(10), day(20), day(30)],
    "status": ["won", "lost", "open", "won"],
    "closed_at": [day(25), day(40), None, day(50)],
    "expected_close": [day(30), day(45), day(90), day(60)],
    "amount": ["100", "200", "300", "400"],
    "stage": ["Closed Won", "Lost", "Offer", "Contact"],
    "customer_id": ["c1", "c2", "c3", "c4"],
    "customer_name": ["Attestations SA", "Democo", "Contest Ltd", "Zoë"],
    "owner": ["Ann", "Bob", "Ann", "Bob"],
    "lost_reason": [None, "price", None, None],
}
LEADS: Rows = {
    "lead_id": ["1", "2", "3"],
    "created_at": [day(0), day(30), day(50)],
    "converted_at": [day(9), None, None],
    "source": ["web", "fair", "web"],
    "email": ["ann@a.fr", "bob@b.fr", None],
    "phone": ["06 11 22 33 44", "07 11 22 33 44", None],
    "customer_name": ["Acmé SA", "Bolt", None],
    "owner": ["Ann", "Bob", "Ann"],
}
ORDERS: Rows = {
    "order_id": ["1", "2"],
    "order_date": [day(25), day(50)],
    "amount_net": ["100", "400"],
    "customer_id": ["c1", "c4"],
}
TARGETS: Rows = {
    "metric": ["bookings"],
    "period_start": ["2026-01-01"],
    "period_end": ["2026-03-31"],
    "scope_type": ["rep"],
    "scope_value": ["Ann"],
    "value": ["900"],
}
HISTORY: Rows = {
    "deal_id": ["1", "2", "3"],
    "stage": ["Contact", "Offer", "Contact"],
    "entered_at": [f"{day(1)} 10:00", f"{day(12)} 10:00", f"{day(40)} 10:00"],
}
REPS: Rows = {"owner": ["Ann", "Bob"], "team": ["North", "South"]}
COMPANY = {
    "deals": DEALS,
    "leads": LEADS,
    "orders": ORDERS,
    "targets": TARGETS,
    "stage_history": HISTORY,
    "reps": REPS,
}


def company(
    config: dict[str, Any] | None = None, as_of: str | None = None, **tables: Rows
) -> Dataset:
    frames = {name: pd.DataFrame(rows, dtype="str") for name, rows in tables.items()}
    settings = {"language": "en", "stages": ["Contact", "Offer"]} | (config or {})
    return kh.load(frames, settings, as_of)


def but(rows: Rows, column: str, place: int, value: Any) -> Rows:
    """The rows with another value in one cell."""
    changed = list(rows.get(column, [None] * len(next(iter(rows.values())))))
    changed[place] = value
    return rows | {column: changed}


def more(rows: Rows, days: list[str], **columns: Any) -> Rows:
    """The rows with more of them, each with a key of its own, that begin on these days."""
    key, dated = next(iter(rows)), "created_at"
    added = {name: [columns.get(name)] * len(days) for name in rows}
    added |= {key: [f"x{number}" for number in range(len(days))], dated: days}
    return {name: [*rows[name], *added[name]] for name in rows}


def found(data: Dataset) -> list[tuple[str, str, str, int]]:
    rows = kh.quality(data)[["check", "table", "column", "rows"]]
    return list(rows.itertuples(index=False, name=None))


def test_clean_data_raise_no_check() -> None:
    data = company(**COMPANY)
    assert found(data) == []
    assert kh.left_out(data).empty
    assert kh.score(data) == 100


UNKNOWN_DAY = ("placeholder_date", "expected_close")
# (table, its rows) → check, column, rows that it touches.
ALONE: list[tuple[str, Rows, str, str, int]] = [
    ("deals", but(DEALS, "expected_close", 2, "soon"), "unreadable", "expected_close", 1),
    ("deals", but(DEALS, "deal_id", 2, None), "blank", "deal_id", 1),
    ("deals", but(DEALS, "status", 2, "perhaps"), "not_allowed", "status", 1),
    ("deals", but(DEALS, "created_at", 1, "1970-01-01"), "placeholder_date", "created_at", 1),
    ("deals", but(DEALS, "created_at", 1, "1900-01-01"), "placeholder_date", "created_at", 1),
    ("deals", but(DEALS, "expected_close", 2, "2099-01-01"), *UNKNOWN_DAY, 1),
    ("deals", but(DEALS, "deal_id", 2, "1"), "duplicate_key", "deal_id", 1),
    ("deals", but(DEALS, "closed_at", 1, day(5)), "closed_before_created", "closed_at", 1),
    ("deals", but(DEALS, "closed_at", 1, None), "decided_without_date", "closed_at", 1),
    ("deals", but(DEALS, "closed_at", 2, day(39)), "open_but_closed", "closed_at", 1),
    ("deals", but(DEALS, "created_at", 2, None), "no_first_day", "created_at", 1),
    ("deals", but(DEALS, "expected_close", 2, day(40)), "open_and_overdue", "expected_close", 1),
    ("deals", but(DEALS, "amount", 1, None), "lost_without_amount", "amount", 1),
    ("deals", but(DEALS, "amount", 2, None), "open_without_amount", "amount", 1),
    ("deals", but(DEALS, "lost_reason", 1, None), "lost_without_reason", "lost_reason", 1),
    ("deals", but(DEALS, "customer_id", 1, None), "no_customer", "customer_id", 1),
    ("deals", but(DEALS, "owner", 1, None), "no_owner", "owner", 1),
    ("deals", but(DEALS, "stage", 2, "Ofer"), "stage_not_in_map", "stage", 1),
    ("deals", but(DEALS, "customer_name", 2, "Test company"), "test_record", "customer_name", 1),
    ("deals", but(DEALS, "customer_id", 2, "DEMO-1"), "test_record", "customer_id", 1),
    ("deals", but(DEALS, "owner", 2, "Cyd"), "not_in_entity", "owner", 1),
    ("leads", but(LEADS, "converted_at", 1, day(2)), "converted_before_created", "converted_at", 1),
    ("leads", but(LEADS, "source", 1, None), "no_source", "source", 1),
    ("leads", but(LEADS, "email", 2, " Ann@A.fr"), "duplicate_lead", "email", 1),
    ("leads", but(LEADS, "customer_name", 2, "acme  sa."), "duplicate_lead", "customer_name", 1),
    ("leads", but(LEADS, "lead_id", 2, "test-3"), "test_record", "lead_id", 1),
    ("orders", but(ORDERS, "amount_net", 0, "-100"), "refund_not_typed", "amount_net", 1),
    ("deals", but(DEALS, "amount", 1, "-5"), "negative_amount", "amount", 1),
    ("deals", but(DEALS, "probability_crm", 2, "50"), "no_probability", "probability_crm", 1),
    ("targets", but(TARGETS, "scope_value", 0, "Anne"), "unknown_scope", "scope_value", 1),
    ("stage_history", but(HISTORY, "stage", 1, "Offert"), "stage_not_in_map", "stage", 1),
]


@pytest.mark.parametrize(("table", "rows", "check", "column", "n"), ALONE)
def test_a_check_fires_alone(table: str, rows: Rows, check: str, column: str, n: int) -> None:
    beside = {"not_in_entity": {"reps": REPS}, "unknown_scope": {"deals": DEALS}}.get(check, {})
    data = company(**{**beside, table: rows})
    assert found(data) == [(check, table, column, n)]
    listed = kh.left_out(data)
    across = ("not_in_entity", "unknown_scope")
    assert listed["reason"].tolist() == ([] if check in across else [check])


@pytest.mark.parametrize(
    ("changed", "check", "said"),
    [
        ({"metric": ["boookings"]}, "unknown_kpi", "such as bookings."),
        ({"metric": ["???"]}, "unknown_kpi", "such as revenue."),
        *(
            ({"scope_type": [kind]}, "unknown_scope_type", ": company, rep, team, product.")
            for kind in ("total", "global", "all", "owner")
        ),
    ],
)
def test_a_target_that_nothing_is_held_against_is_listed(
    changed: Rows, check: str, said: str
) -> None:
    target = TARGETS | {"metric": ["bookings"], "scope_type": ["company"], "scope_value": [None]}
    assert found(company(deals=DEALS, targets=target)) == []
    data = company(deals=DEALS, targets=target | changed)
    (column,) = changed
    assert found(data) == [(check, "targets", column, 1)]
    assert kh.quality(data)["fix"].iloc[0].endswith(said)
    (row,) = kh.left_out(data).itertuples()
    assert (row.column, row.value, row.action) == (column, changed[column][0], "flagged")
    with pytest.raises(Unavailable, match=r"none is of use here \(kpi check"):
        raised(data, "2026-01")


JULY, QUARTER = ("2026-07-01", "2026-07-31"), ("2026-07-01", "2026-09-30")


@pytest.mark.parametrize(
    ("one", "other", "check", "lines"),
    [
        (JULY, QUARTER, [], []),
        (JULY, ("2026-08-01", "2026-09-30"), [], []),
        (QUARTER, QUARTER, ["overlapping_target"], [2, 3]),
        (
            ("2026-07-01", "2026-08-31"),
            ("2026-08-31", "2026-09-30"),
            ["overlapping_target"],
            [2, 3],
        ),
        (("2026-07-02", "2026-09-30"), QUARTER, ["overlapping_target"], [2, 3]),
    ],
)
def test_targets_that_overlap_are_listed_but_for_months_within_a_quarter(
    one: tuple[str, str], other: tuple[str, str], check: list[str], lines: list[int], tmp_path: Path
) -> None:
    """Of a month within its quarter the quarter's own target counts: a rule, so nothing is odd."""
    rows = "\n".join(
        f"win_rate_count,{start},{end},company,,{value}"
        for (start, end), value in ((one, 0.3), (other, 0.5), (("2026-10-01", "2026-12-31"), 0.4))
    )
    header = "metric,period_start,period_end,scope_type,scope_value,value\n"
    (tmp_path / "targets.csv").write_text(header + rows)
    pd.DataFrame(DEALS).to_csv(tmp_path / "deals.csv", index=False)
    data = kh.load(tmp_path)
    quality, listed = kh.quality(data), kh.left_out(data)
    assert quality["check"].tolist() == check
    assert quality["kpis"].tolist() == ["revenue_attainment, win_rate_count"] * len(check)
    assert listed[["line", "value"]].to_numpy().tolist() == [
        [line, text] for line, text in zip(lines, ("0.3", "0.5"), strict=False)
    ]


def test_a_target_may_be_set_for_any_dimension() -> None:
    target = TARGETS | {"metric": ["bookings"], "scope_type": ["region"], "scope_value": ["N"]}
    deals = DEALS | {"region": ["N", "S", "S", "N"]}
    assert found(company(deals=deals, targets=target)) == []


def test_a_row_of_the_log_about_no_kpi_is_listed() -> None:
    log = {"date": ["2026-01-01"] * 2, "kpi_id": ["nope_kpi", "bookings"]}
    data = company(deals=DEALS, kpi_log=log)
    assert ("unknown_kpi", "kpi_log", "kpi_id", 1) in found(data)
    assert "nope_kpi" in kh.left_out(data)["value"].tolist()


def test_decided_deals_of_a_source_without_days_of_closing_are_in_no_rate() -> None:
    deals = {name: values for name, values in DEALS.items() if name != "closed_at"}
    assert ("decided_without_date", "deals", "status", 3) in found(company(deals=deals))


def test_a_score_off_its_own_scale_is_left_out() -> None:
    alike = {"type": "csat", "responded_at": day(5), "scale_min": "1", "scale_max": "5"}
    scores = ["1", "5", "6", "0"]
    answers = {name: [value] * 4 for name, value in alike.items()}
    data = company(surveys=answers | {"response_id": scores, "score": scores})
    assert found(data) == [("off_scale", "surveys", "score", 2)]
    assert data["surveys"]["score"].tolist() == [1.0, 5.0]


def test_copies_are_merged_by_all_that_identifies_a_row() -> None:
    history = {name: [*values, values[0]] for name, values in HISTORY.items()}
    quality = kh.quality(company(stage_history=history))
    (fix,) = quality.loc[quality["check"] == "duplicate_key", "fix"]
    assert 'deduplicate = ["deal_id", "stage", "entered_at"]' in fix


def test_owners_by_a_word_for_nobody() -> None:
    data = company(deals=but(DEALS, "owner", 2, "N/A"))
    assert found(data) == [("no_owner", "deals", "owner", 1)]


def test_won_for_nothing_is_won_without_an_amount() -> None:
    data = company(deals=but(DEALS, "amount", 3, "0"))
    assert found(data) == [("won_without_amount", "deals", "amount", 1)]


def test_days_far_ahead_do_not_say_up_to_when_the_data_reach() -> None:
    deals = but(DEALS, "closed_at", 3, "2062-02-24")
    data = company(deals=deals)
    assert data.as_of.isoformat() == day(40)
    assert found(data) == [
        ("far_ahead", "deals", "closed_at", 1),
        ("after_as_of", "deals", "closed_at", 1),
    ]
    assert data["deals"].set_index("deal_id")["status"]["4"] == "open"
    told = company(deals=deals, as_of="2063-01-01")
    assert told["deals"].set_index("deal_id")["status"]["4"] == "won"


def test_what_is_after_the_as_of_date() -> None:
    data = company(deals=DEALS, leads=LEADS, as_of=day(45))
    assert {row for row in found(data) if row[0] == "after_as_of"} == {
        ("after_as_of", "deals", "closed_at", 1),
        ("after_as_of", "leads", "created_at", 1),
        ("after_as_of", "leads", "received_at", 1),  # what came in is what was created
    }
    assert "after_as_of" not in set(kh.left_out(data)["reason"])


def test_the_day_of_an_import() -> None:
    many = more(LEADS, [day(35)] * 21, source="web", owner="Ann")
    assert found(company(leads=many)) == [("import_burst", "leads", "created_at", 21)]
    assert found(company(leads=more(LEADS, [day(35)] * 20, source="web", owner="Ann"))) == []


def test_many_deals_moved_in_one_minute() -> None:
    def moved(count: int, moment: str) -> Rows:
        ids = [str(number) for number in range(100, 100 + count)]
        return {"deal_id": ids, "stage": ["Offer"] * count, "entered_at": [moment] * count}

    def found_in(rows: Rows) -> list[tuple[str, str, str, int]]:
        return found(company(stage_history=rows))

    moment = f"{day(30)} 10:30:"
    crowd = moved(21, moment + "05")
    assert found_in(crowd) == [("bulk_move", "stage_history", "entered_at", 21)]
    assert found_in(moved(20, moment + "05")) == []
    assert found_in(moved(21, day(30))) == []  # a day without an hour is no minute


def test_months_without_rows() -> None:
    steady = [day(7 * week) for week in range(8)] * 3
    gap = more(LEADS, [d for d in steady if not d.startswith("2026-02")], source="w", owner="Ann")
    leads = gap | {"created_at": [d.replace("2026-02", "2026-03") for d in gap["created_at"]]}
    leads["created_at"][-1] = "2026-03-01"
    assert ("empty_months", "leads", "created_at", 1) in found(company(leads=leads))


@pytest.mark.parametrize(
    ("named", "days", "amount", "check"),
    [
        ("1", 60, "-100", None),
        ("9", 60, "-100", "refund_of_none"),
        (None, 60, "-100", "refund_of_none"),
        ("1", 20, "-100", "refund_too_early"),
        ("1", 60, "-100.01", "refund_too_large"),
    ],
)
def test_refunds_that_are_not_of_their_orders(
    named: str | None, days: int, amount: str, check: str | None
) -> None:
    back = {"order_id": "3", "order_date": day(days), "amount_net": amount, "customer_id": "c1"}
    rows = {name: [*values, back[name]] for name, values in ORDERS.items()}
    kinds = {"type": ["order", "order", "refund"], "original_order_id": ["", "", named]}
    data = company(orders=rows | kinds)
    assert found(data) == ([(check, "orders", "original_order_id", 1)] if check else [])
    if check:
        assert kh.quality(data)["money"].tolist() == [float(amount)]


def test_a_target_below_0_is_left_out() -> None:
    data = company(deals=DEALS, reps=REPS, targets=but(TARGETS, "value", 0, "-5"))
    assert found(data) == [("target_below_0", "targets", "value", 1)]


def test_an_nps_on_another_scale_is_left_out() -> None:
    scales = {
        "score": ["5", "9", "10"],
        "scale_min": ["1", "0", "1"],
        "scale_max": ["5", "10", "10"],
    }
    alike = {"type": ["nps"] * 3, "responded_at": [day(5)] * 3, "response_id": ["1", "2", "3"]}
    data = company(surveys=scales | alike)
    assert found(data) == [("no_nps_scale", "surveys", "scale_max", 1)]
    assert kh.measure(data, "nps", "2026Q1")[["value", "n"]].to_numpy().tolist() == [[100.0, 2.0]]


def test_a_customer_has_one_line_of_mrr_a_month() -> None:
    rows = {"customer_id": ["a", "a", "b"], "month": ["2026-01-01", "2026-01-15", "2026-01-01"]}
    data = company(mrr=rows | {"mrr": ["10", "10", "5"]})
    assert found(data) == [("duplicate_key", "mrr", "customer_id", 1)]


@pytest.mark.parametrize(("billed", "fires"), [("300", True), ("360", False), ("500", True)])
def test_won_deals_and_invoices_that_differ_by_a_tenth(billed: str, fires: bool) -> None:
    checks = found(company(deals=DEALS, orders=but(ORDERS, "amount_net", 1, billed)))
    assert checks == ([("won_not_billed", "deals", "amount", 0)] if fires else [])


def test_rows_that_stop_early_and_currencies_as_stored() -> None:
    late = company(orders=ORDERS, as_of=day(150))
    assert found(late) == [("stops_early", "orders", "order_date", 0)]
    mixed = company(
        {"mixed_currencies": "as_stored"}, deals=DEALS | {"currency": ["EUR"] * 3 + ["USD"]}
    )
    assert found(mixed) == [("as_stored", "deals", "currency", 1)]


def test_a_row_that_is_left_out_is_not_pointed_at_as_well() -> None:
    data = company(deals=but(but(DEALS, "status", 2, "perhaps"), "owner", 2, None))
    assert found(data) == [("not_allowed", "deals", "status", 1)]
    assert kh.left_out(data)["action"].tolist() == ["excluded"]


def test_every_finding_has_its_share_money_kpis_consequence_and_fix() -> None:
    row = kh.quality(company(deals=but(DEALS, "closed_at", 1, day(5)))).iloc[0]
    assert (row["share"], row["money"], row["money_share"]) == (0.25, 200.0, 0.2)
    assert row["kpis"] == "sales_cycle_duration"
    assert "creation from the old system" in row["fix"]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_check_says_how_to_mend_it(lang: str) -> None:
    of = {
        part: {key for key in texts(lang) if key.startswith(f"{part}.")}
        for part in ("quality", "fix")
    }
    assert {key.replace("quality.", "fix.") for key in of["quality"]} == of["fix"]
