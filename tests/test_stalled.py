"""Open deals that no longer move: what nothing is known of is not promised."""

import itertools
from typing import Any

import numpy as np
import pandas as pd
import pytest

import kpi_helpers as kh
from kpi_helpers import funnel, sheets
from kpi_helpers.sources import Dataset
from kpi_helpers.sources.chances import FEWEST

AS_OF = pd.Timestamp("2026-09-30")


def deals_of(won: list[int], lost: list[int], still: list[int]) -> Dataset:
    """Deals without a history of stages, by the days they took, or have been open."""
    rows = [("won", took, AS_OF - pd.Timedelta(days=9)) for took in won]
    rows += [("lost", took, AS_OF - pd.Timedelta(days=9)) for took in lost]
    rows += [("open", took, pd.NaT) for took in still]
    frame = pd.DataFrame(rows, columns=["status", "took", "closed_at"])
    made = frame["closed_at"].fillna(AS_OF) - pd.to_timedelta(frame.pop("took"), "D")
    ids = [f"d{place}" for place in range(len(frame))]
    return kh.load(frame.assign(deal_id=ids, created_at=made, amount=100.0), as_of=AS_OF)


def judged(data: Dataset) -> pd.DataFrame:
    return funnel.stalled(data).set_index("days").sort_index()


def test_no_chance_is_promised_beyond_the_days_that_deals_were_followed() -> None:
    quick, last = [*range(1, 20)], 300
    found = judged(deals_of([*quick, last], [*range(290, 320)], [5, 25, 300, 301, 627]))
    assert found.loc[25, "chance"] == pytest.approx(1 / 34)  # three are open that were older
    assert found.loc[[300, 301], "chance"].tolist() == [0, 0]
    assert found.loc[627, ["chance", "expected"]].isna().all()
    assert found["next"].tolist() == ["moving", "requalify", "close", "close", "close"]
    assert found.loc[25, "expected"] == 100 * found.loc[25, "chance"]


def test_an_old_deal_is_not_revived_by_the_last_chance_known() -> None:
    """All that were decided late were won: but some that are older than these were not."""
    slow = [*range(120, 150)]
    found = judged(deals_of([*slow], [*range(1, 40)], [140, 148, 200, 627]))
    assert found["next"].tolist() == ["moving", "requalify", "requalify", "close"]
    assert found.loc[140, "chance"] == pytest.approx(7 / 9)
    assert found.loc[[148, 200, 627], "chance"].isna().all()  # three were followed for longer


def test_few_decided_deals_promise_nothing_to_a_stalled_one() -> None:
    data = deals_of([10] * 5, [20] * 4, [30])
    late = data["deals"].assign(expected_close="2026-09-01")
    (row,) = funnel.stalled(kh.load(late, as_of=AS_OF)).to_dict("records")
    assert row["next"] == "requalify"
    assert np.isnan([row["chance"], row["expected"]]).all()


def test_what_is_not_known_in_the_sample_by_a_plain_loop(sample: Dataset) -> None:
    found = funnel.stalled(sample, "2026Q3")
    deals = sample["deals"].set_index("deal_id")["left_at"].fillna(AS_OF)
    history = sample["stage_history"].sort_values(["deal_id", "entered_at"])
    stays: dict[str, list[int]] = {}
    for deal, moves in history.groupby("deal_id"):
        days = [*moves["entered_at"].dt.normalize(), deals[deal]]
        for stage, (since, until) in zip(moves["stage"], itertools.pairwise(days), strict=True):
            stays.setdefault(stage, []).append((until - since).days)
    for row in found.to_dict("records"):
        longer = sum(days > row["days"] for days in stays[row["stage"]])
        assert np.isnan(row["chance"]) == (longer < FEWEST)
    assert 0 < found["chance"].isna().sum() < len(found)


def test_by_default_deals_are_judged_on_the_last_day_known(sample: Dataset) -> None:
    data = sample.at("2026-08-14")
    pd.testing.assert_frame_equal(funnel.stalled(data), funnel.stalled(data, "2026-08"))
    longest = AS_OF - pd.Timedelta(days=1)
    one: Any = funnel.stalled(deals_of([], [], [(AS_OF - longest).days]))
    assert one["days"].tolist() == [1.0]  # made in a quarter that has not ended


def test_a_chance_not_known_is_a_dash() -> None:
    found = funnel.stalled(deals_of([*range(1, 20)], [*range(1, 20)], [627]))
    shown = sheets.stalled(found, lang="en").as_raw_html()
    assert shown.count(">–<") == 2
