"""Sources at the edge of what a funnel can be read from: the reason is said, nothing breaks."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

import kpi_helpers as kh
from kpi_helpers import charts, funnel, sheets, wording
from kpi_helpers.errors import BadPeriod, Unavailable
from kpi_helpers.kpis.stages import DEALS
from kpi_helpers.sources import Dataset

STAGES = ["Qualified", "Offer", "deal", "Won"]  # as the steps before a deal, and the last one, are
LOOK: dict[str, Any] = {"lang": "en"}


def company(stages: list[str] = STAGES, won: float = 0.5) -> Dataset:
    """Leads of one and a half years; of their deals that share is won, the others stay open."""
    days = pd.date_range("2025-01-01", "2026-06-01", freq="4D")
    lead_id = [f"L{n:03}" for n in range(len(days))]
    leads = {"lead_id": lead_id, "created_at": days, "sql_at": days + pd.Timedelta(days=2)}
    leads |= {"source": np.where(np.arange(len(days)) % 2, "web", "fair")}
    is_won = np.arange(len(days)) % 10 < 10 * won
    end = days + pd.Timedelta(days=20)
    deals = {"deal_id": lead_id, "lead_id": lead_id, "created_at": days + pd.Timedelta(days=3)}
    deals |= {"status": np.where(is_won, "won", "open"), "closed_at": pd.Series(end).where(is_won)}
    moves = [
        pd.DataFrame({"deal_id": lead_id, "stage": stage, "entered_at": days}).assign(
            entered_at=days + pd.Timedelta(days=4 + 5 * place)
        )[is_won | (np.arange(len(days)) % 3 >= place)]
        for place, stage in enumerate(stages[:-1])
    ]
    moves.append(pd.DataFrame({"deal_id": lead_id, "stage": stages[-1], "entered_at": end})[is_won])
    tables = {"leads": leads, "deals": deals | {"amount": 100.0}}
    frames = {name: pd.DataFrame(table) for name, table in tables.items()}
    frames["stage_history"] = pd.concat(moves, ignore_index=True)
    return kh.load(frames, {"stages": stages, "as_of": "2026-06-30", "language": "en"})


NAMES = ["turn", "window", "at_0", "Référence", "target", "step", "young", "p_value", "case_id"]


def test_a_dimension_may_be_called_as_a_column_of_the_answer_is() -> None:
    days = pd.date_range("2025-07-01", periods=200, freq="D")
    deals = {"deal_id": range(200), "created_at": days, "closed_at": days, "amount": 9.0}
    deals |= {"status": ["won", "lost", "won", "won"] * 50, "colour": ["red", "blue"] * 100}
    plain = pd.DataFrame(deals)
    wide = plain.assign(**dict.fromkeys(NAMES, plain["colour"]))
    data = kh.load({"deals": wide}, {"as_of": "2026-06-30"})
    expected = funnel.by_group(data, "2026Q2", by="colour")
    for name in NAMES:
        found = funnel.by_group(data, "2026Q2", by=f"dim_{name.lower().replace('é', 'e')}")
        figures = ["group", "numerator", "denominator", "reference"]
        pd.testing.assert_frame_equal(found[figures], expected[figures])


def test_groups_that_nobody_passed_in_or_that_say_how_it_ended_are_none() -> None:
    data = company()
    for by in ("status", "outcome", "case_id"):
        with pytest.raises(Unavailable, match="No segments"):
            funnel.by_group(data, "2026Q2", by=by)
    with pytest.raises(BadPeriod, match="2023"):
        funnel.by_group(data, "2023", by="source")


@pytest.mark.thorough
@pytest.mark.parametrize("stages", [STAGES, ["won", "lead", "deal", "qualified"]])
def test_a_stage_may_be_called_as_another_step_is(stages: list[str]) -> None:
    named, other = company(stages), company(["A", "B", "C", "D"])
    for read in (funnel.conversion, funnel.trend):
        found, plain = read(named, "2026Q2"), read(other, "2026Q2")
        assert len(found) == len(plain)
        figures = found.select_dtypes("number").columns
        pd.testing.assert_frame_equal(found[figures], plain[figures])
    entered, passing = funnel.conversion(named, "2026Q2"), funnel.trend(named, "2026Q2")
    bars = wording.funnel_rows(entered, "en")
    assert not bars.duplicated(["kpi", "step"]).any()
    steps = wording.passage_rows(passing, "en", short=True)
    assert steps["kpi"].nunique() == passing["place"].nunique()
    charts.bars(bars, "step", **LOOK)
    charts.small_multiples(steps, "kpi", **LOOK)


def test_where_nothing_was_lost_that_is_said() -> None:
    found = funnel.leak(company(won=1.0), "2026Q2")
    assert not found["n"].any()
    told = wording.leak_findings(found, "en")
    assert told["sentence"].tolist() == ["Q2 2026: no loss is noted at any step."]
    assert charts.alt(charts.lost_values(found, **LOOK)) == told["sentence"].iloc[0]
    assert sheets.leak(found, "en").as_raw_html()


@pytest.mark.parametrize(
    ("change", "needs"),
    [
        ({"status": "won", "closed_at": "2026-02-20"}, "lost or are open"),
        ({"status": "lost", "closed_at": "2026-02-20"}, "won with an amount"),
        ({"status": "open", "closed_at": None}, "won with an amount"),
        ({"amount": None}, "won with an amount"),
    ],
)
def test_the_reason_is_what_is_missing(change: dict[str, Any], needs: str) -> None:
    deals = pd.DataFrame(DEALS).assign(amount=100.0).assign(**change)
    data = kh.load({"deals": deals}, {"as_of": "2026-03-31"})
    for read in (funnel.leak, funnel.bottlenecks):
        with pytest.raises(Unavailable, match=needs):
            read(data, "2026Q1")


def test_too_few_losses_have_no_range_and_it_is_said() -> None:
    sample = kh.load("data/sample")
    rows = funnel.leak(sample, "2025Q4")
    few = rows.assign(low=np.nan, high=np.nan, status="insufficient")
    (told,) = wording.leak_findings(few, "en").to_dict("records")
    assert told["sureness"] == 2
    assert "(plausible range: not known, too few cases)" in told["sentence"]


def test_a_stay_without_a_range_is_told() -> None:
    history = pd.DataFrame(
        {
            "deal_id": [f"D{n}" for n in range(40)] * 2,
            "stage": ["A"] * 40 + ["B"] * 40,
            "entered_at": ["2026-01-05"] * 40 + ["2026-03-06"] * 40,
        }
    )
    data = kh.load({"stage_history": history}, {"stages": ["A", "B"], "as_of": "2026-03-31"})
    rows = funnel.stays(data, "2026Q1").assign(low=np.nan, high=np.nan)
    said = wording.cycle_findings(rows, "en", table="stays")["sentence"].iloc[-1]
    assert "60 days or less (range not known; 40 stays)" in said


def test_nothing_is_due_where_no_date_is_expected() -> None:
    deals = pd.DataFrame(DEALS).drop(columns="expected_close", errors="ignore")
    data = kh.load({"deals": deals}, {"as_of": "2026-03-31"})
    assert len(funnel.movement(data, "2026Q1")) >= 2
    with pytest.raises(Unavailable, match=r"deals\.expected_close"):
        funnel.movement(data, "2026Q1", due="2026Q1")


def test_only_what_is_missing_is_named() -> None:
    leads = pd.DataFrame({"lead_id": range(9), "created_at": "2026-03-05", "source": "web"})
    data = kh.load({"leads": leads}, {"as_of": "2026-03-31"})
    with pytest.raises(Unavailable, match=r"leads\.converted_at"):
        funnel.channels(data, "2026Q1")
    with pytest.raises(Unavailable) as caught:
        funnel.concordance(data, "2026Q1")
    assert "leads.source" not in str(caught.value)
    with pytest.raises(Unavailable, match="the steps of the web shop") as caught:
        funnel.checkout(data, "2026Q1")
