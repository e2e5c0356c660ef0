"""Which targets hold for a period by their days, and how sure an attainment is."""

import numpy as np
import pandas as pd
import pytest
from test_targets import orders, targets

import kpi_helpers as kh
from kpi_helpers.measure import measured
from kpi_helpers.measure.targets import target_values


def target_of(period: str, *spans: tuple[str, str]) -> float:
    """What targets of 10 for each of these spans make for bookings of a period."""
    rows = [("bookings", *span, "company", None, 10.0) for span in spans]
    data = kh.load({"targets": targets(*rows)}, as_of="2026-12-31")
    asked = data.config.calendar.parse(period)
    return float(target_values(data, pd.DataFrame({"kpi": ["bookings"]}), asked, ())[0])


APRIL, JUNE = ("2026-04-01", "2026-04-30"), ("2026-06-01", "2026-06-30")


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([APRIL, ("2026-05-01", "2026-05-31"), JUNE], 30),
        ([APRIL, ("2026-05-02", "2026-06-30")], np.nan),  # a day without any
        ([APRIL, JUNE], np.nan),
        ([APRIL, ("2026-05-01", "2026-05-31")], np.nan),
        ([("2026-03-31", "2026-06-29")], np.nan),  # as many days, but others
        ([APRIL, ("2026-04-15", "2026-06-14")], np.nan),
        ([("2026-04-17", "2026-06-16"), JUNE], np.nan),
    ],
)
def test_targets_of_a_sum_are_those_of_its_days(
    spans: list[tuple[str, str]], expected: float
) -> None:
    assert target_of("2026Q2", *spans) == pytest.approx(expected, nan_ok=True)


def test_a_target_of_a_fortnight_is_none_of_its_weeks() -> None:
    days = pd.date_range("2026-04-06", periods=14)
    sold = orders(**{f"d{day:%Y%m%d}": 10.0 for day in days})
    ends = [
        ("2026-04-06", "2026-04-19"),
        ("2026-04-06", "2026-04-12"),
        ("2026-04-13", "2026-04-19"),
    ]
    rows = [("revenue", *span, "company", None, 100.0) for span in ends]
    data = kh.load({"orders": sold, "targets": targets(*rows)}, as_of="2026-04-19")
    found = kh.measure(data, "revenue_attainment", "2026-04-06:2026-04-19", grain="week")
    assert found["value"].tolist() == [0.7, 0.7]
    assert found["denominator"].tolist() == [100, 100]


def test_an_attainment_is_as_sure_as_its_sum() -> None:
    """Its spread is that of the orders, on their target: several sizes, two on one day."""
    days, amounts = ["2026-04-01", "2026-04-01", "2026-05-07", "2026-06-30"], [10.0, 20, 30, 600]
    sold = pd.DataFrame({"order_id": range(4), "order_date": days, "amount_net": amounts})
    held = targets(("revenue", "2026-04-01", "2026-06-30", "company", None, 1000.0))
    data = kh.load({"orders": sold, "targets": held}, as_of="2026-06-30")
    quarter = data.config.calendar.parse("2026Q2")
    found = measured(data, ["revenue", "revenue_attainment"], [quarter])
    assert found["value"].tolist() == [660, 0.66]
    spread = np.sqrt(np.square(amounts).sum())
    assert found["spread"].tolist() == pytest.approx([spread, spread / 1000])
