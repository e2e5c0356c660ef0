"""Open deals: what moved the pipeline, what no longer moves, what was promised and what came."""

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive import TRUTHS
from packs import opened as real
from test_stages import forecast

import kpi_helpers as kh
from kpi_helpers import drivers, funnel, sheets, wording
from kpi_helpers.errors import MissingColumn, Unavailable
from kpi_helpers.reports.tables import ROW_LEVEL
from kpi_helpers.sources import Dataset, snapshots
from kpi_helpers.sources.course import ladder
from kpi_helpers.sources.pseudonyms import pseudonymised

WORKED = json.loads((Path(__file__).parent / "data" / "worked_examples.json").read_text("utf-8"))
W9, W17 = WORKED["W9"], WORKED["W17"]
STAGES = {"stages": ["Contact", "Offer", "Won", "Lost"], "language": "en"}
MONTHS = [str(month) for month in pd.period_range("2023-05", "2026-09", freq="M")]
LOOKS: list[dict[str, Any]] = [{"lang": lang, "currency": "EUR"} for lang in ("fr", "en")]


def opened(**columns: Any) -> pd.DataFrame:
    """Deals created in January, one a value of the columns."""
    n = max(len(values) for values in columns.values() if isinstance(values, list))
    frame = pd.DataFrame({"deal_id": [f"d{i}" for i in range(n)], "created_at": "2026-01-05"})
    return frame.assign(**{"status": "open"} | columns)


def steps_of(found: pd.DataFrame, of: str = "amount") -> dict[str, float]:
    return dict(zip(found["step"], found[of], strict=True))


def balances(found: pd.DataFrame) -> None:
    """Money to the cent, deals one by one."""
    amount, n = found["amount"].round(2), found.set_index("step")["n"]
    changes = found["kind"] == "change"
    assert round(amount.iloc[0] + amount[changes].sum() - amount.iloc[-1], 2) == 0
    came = n.reindex(["undated", "created", "reopened", "pulled_in"]).sum()
    went = n.reindex(["deals_won", "deals_lost", "pushed_out"]).sum()
    assert n["before"] + came - went == n["after"]


# --- The pipeline between two dates ---------------------------------------------------------------


def test_the_sample_balances_in_every_month_and_agrees_with_the_figures(sample: Dataset) -> None:
    values = kh.measure(sample, "open_pipeline_value", "2023-05:2026-09", grain="month")
    counts = kh.measure(sample, "open_deals", "2023-05:2026-09", grain="month")
    before = None
    for month, value, count in zip(MONTHS, values["value"], counts["value"], strict=True):
        found = funnel.movement(sample, month)
        balances(found)
        last = found.iloc[-1]
        assert (round(last["amount"], 2), last["n"]) == (round(value, 2), count)
        assert before is None or before == (found["amount"].iloc[0], found["n"].iloc[0])
        before = last["amount"], last["n"]


@pytest.mark.parametrize("due", ["2026Q3", "2026Q4"])
def test_the_window_of_closing_dates_balances_in_every_quarter(sample: Dataset, due: str) -> None:
    for quarter in ("2026Q1", "2026Q2", "2026Q3"):
        balances(funnel.movement(sample, quarter, due=due))
    moved = steps_of(funnel.movement(sample, "2026Q3", due="2026Q3"), "n")
    assert moved["pushed_out"] > moved["pulled_in"] > 0


days = st.dates(pd.Timestamp("2026-01-01").date(), pd.Timestamp("2026-04-30").date())
cents = st.none() | st.integers(-5_000, 99_999).map(lambda n: n / 100)
decided = st.sampled_from(["open", "won", "lost"])
lives = st.lists(st.tuples(days | st.none(), days, decided, cents), min_size=1, max_size=12)
moves = st.lists(st.tuples(st.integers(0, 11), st.sampled_from(STAGES["stages"]), days, cents))


def naive_stock(data: Dataset, day: pd.Timestamp) -> dict[str, tuple[float, Any]]:
    """Deals open on the eve of a day, by a plain loop: the amount said, and the deal."""
    lost = ladder(data).lost
    history = [*data["stage_history"].sort_values(["entered_at", "stage"]).itertuples()]
    found = {}
    for deal in data["deals"].itertuples():
        is_open = deal.opened_at < day and not deal.left_at < day
        own = [move for move in history if move.deal_id == deal.deal_id]
        for one, other in itertools.pairwise(own):
            back = one.stage in lost and other.stage not in lost
            if back and one.entered_at < day <= other.entered_at:
                is_open = False
        said = [move for move in own if not np.isnan(move.amount_at_entry)]
        past = [move.amount_at_entry for move in said if move.entered_at < day]
        amount = deal.amount
        if said and day <= pd.Timestamp(data.as_of):
            amount = past[-1] if past else said[0].amount_at_entry
        if is_open:
            found[deal.deal_id] = (amount or np.nan, deal)
    return found


def naive_movement(data: Dataset, month: str) -> dict[str, float]:
    """What each bucket brought in a month: to each deal its one reason."""
    start = pd.Timestamp(f"{month}-01")
    end = start + pd.offsets.MonthBegin()
    before, after = naive_stock(data, start), naive_stock(data, end)
    found = {
        side: sum(np.nan_to_num(a) for a, _ in stock.values())
        for side, stock in (("before", before), ("after", after))
    }
    for name in {*before, *after}:
        then, now = (stock.get(name, (None, None))[0] for stock in (before, after))
        deal = (before.get(name) or after[name])[1]
        if then is None:
            new = "created" if deal.opened_at >= start else "reopened"
            step = "undated" if pd.isna(deal.created_at) else new
        elif now is None:
            step = "deals_won" if deal.is_won and deal.left_at < end else "deals_lost"
        elif np.isnan(then) or np.isnan(now):
            step = "priced" if np.isnan(then) != np.isnan(now) else "same"
        else:
            step = "same" if now == then else f"amounts_{'raised' if now > then else 'lowered'}"
        change = np.nan_to_num(now or 0.0) - np.nan_to_num(then or 0.0)
        found[step] = found.get(step, 0.0) + change
    return {name: round(amount, 2) for name, amount in found.items() if name != "same"}


@settings(max_examples=8)
@given(lives, moves)
def test_any_lives_balance_and_agree_with_a_plain_loop(
    rows: list[tuple[Any, ...]], entries: list[tuple[Any, ...]]
) -> None:
    frame = pd.DataFrame(rows, columns=["created_at", "closed_at", "status", "amount"])
    frame["closed_at"] = frame["closed_at"].where(frame["status"] != "open")
    frame["deal_id"] = [str(n) for n in range(len(frame))]
    # Two that are never in the way: they say which stage is an end, and that amounts are known.
    sure = {"created_at": "2026-01-01", "closed_at": "2026-01-02", "status": "lost", "amount": 1.0}
    frame = pd.concat([frame, pd.DataFrame([sure | {"deal_id": name} for name in "xy"])])
    columns = ["deal_id", "stage", "entered_at", "amount_at_entry"]
    ends = [(name, "Lost", "2026-01-02", None) for name in "xy"]
    history = pd.DataFrame([*entries, *ends], columns=columns).astype({"deal_id": str})
    history = history.drop_duplicates(["deal_id", "entered_at"])
    data = kh.load({"deals": frame, "stage_history": history}, STAGES | {"as_of": "2026-04-30"})
    for month in ("2026-03", "2026-04"):
        found = funnel.movement(data, month)
        balances(found)
        if found["unit"].iloc[0] == "money":
            assert steps_of(found) == pytest.approx(naive_movement(data, month), abs=0.011)


def test_amounts_are_those_that_snapshots_saw(tmp_path: Path) -> None:
    columns = {"created_at": "2026-01-05", "status": "open"}
    for day, amounts in {"2026-01-31": [10, 20, 30], "2026-02-28": [10, 25, 12]}.items():
        seen = pd.DataFrame({"deal_id": list("abc"), "amount": amounts}).assign(**columns)
        snapshots.take(kh.load(seen, as_of=day), tmp_path / "kept")
    seen.assign(amount=[11, 25, 12]).to_csv(tmp_path / "deals.csv", index=False)
    (tmp_path / "kpi.toml").write_text('schema = 1\nsnapshots = "kept"\n')
    data = kh.load(tmp_path / "deals.csv", as_of="2026-03-31")
    changes = steps_of(funnel.movement(data, "2026-02"))
    assert changes == {"before": 60, "amounts_raised": 5, "amounts_lowered": -18, "after": 47}
    assert steps_of(funnel.movement(data, "2026-03")) == {
        "before": 47,
        "amounts_raised": 1,
        "after": 48,
    }


def test_a_deal_that_was_lost_and_came_back_is_re_opened() -> None:
    deals = opened(amount=[5.0, 7.0], status=["open", "lost"], closed_at=[None, "2026-01-20"])
    moves = [
        ("d0", "Contact", "2026-01-05"),
        ("d0", "Lost", "2026-02-03"),
        ("d0", "Offer", "2026-03-04"),
    ]
    moves += [("d1", "Contact", "2026-01-05"), ("d1", "Lost", "2026-01-20")]
    history = pd.DataFrame(moves, columns=["deal_id", "stage", "entered_at"])
    history = pd.concat([history] + [history[3:].replace("d1", f"e{i}") for i in range(3)])
    deals = pd.concat([deals] + [deals[1:].replace("d1", f"e{i}") for i in range(3)])
    data = kh.load({"deals": deals, "stage_history": history}, STAGES | {"as_of": "2026-03-31"})
    assert steps_of(funnel.movement(data, "2026-02")) == {"before": 5, "deals_lost": -5, "after": 0}
    assert steps_of(funnel.movement(data, "2026-03")) == {"before": 0, "reopened": 5, "after": 5}


def test_the_backlog_of_maven_by_number() -> None:
    """Amounts are known of deals won alone: their sum would know the future."""
    data = real("maven_crm")
    quarters = ["2016Q4", "2017Q1", "2017Q2", "2017Q3", "2017Q4"]
    stocks = [358, 1330, 1686, 2409, 1589]
    for quarter, before, after in zip(quarters, [0, *stocks], stocks, strict=False):
        found = steps_of(funnel.movement(data, quarter))
        undated = found.get("undated", 0)
        assert (found["before"], found["after"] - undated) == (before, after)
        assert "amounts_raised" not in found
        balances(funnel.movement(data, quarter))
    assert undated == 500  # prospects, of which nobody wrote down since when


# --- Deals that no longer move --------------------------------------------------------------------


def test_stalled_deals_of_the_sample_by_a_plain_loop(sample: Dataset) -> None:
    judged = funnel.stalled(sample, "2026Q3")
    slow = judged["days"] > judged["usual_days"]
    late = pd.to_datetime(judged["expected_close"]) < "2026-09-30"
    assert judged["days_over"].notna().equals(slow)
    assert judged["days_late"].notna().equals(late)
    share = kh.measure(sample, "stalled_share", "2026Q3").iloc[0]
    assert ((slow | late).sum(), len(judged)) == (share["numerator"], share["n"])
    weighted = kh.measure(sample, "weighted_pipeline", "2026Q3")["value"].item()
    assert 0 < weighted - judged["expected"].sum() < judged["amount"][judged["chance"].isna()].sum()
    assert judged["expected"].dropna().is_monotonic_decreasing
    stalled = judged[judged["next"] != "moving"]
    assert stalled[["days_over", "days_late", "days_quiet"]].notna().any(axis=1).all()
    rate = judged["win_rate"].iloc[0]
    hopeless = ~(stalled["chance"] >= rate / 2) & (stalled["days"] > 2 * stalled["usual_days"])
    expected = np.where(
        hopeless, "close", np.where(stalled["chance"] >= rate, "revive", "requalify")
    )
    assert stalled["next"].tolist() == expected.tolist()


def test_the_silence_is_measured_by_the_wins(sample: Dataset) -> None:
    judged = funnel.stalled(sample, "2026Q3")
    deals, calls = sample["deals"], sample["activities"].dropna(subset="deal_id")
    longest = []
    for deal in deals[deals["is_won"]].itertuples():
        own = calls.loc[calls["deal_id"] == deal.deal_id, "started_at"].dt.normalize()
        own = sorted(day for day in own if day <= deal.left_at)
        gaps = [(b - a).days for a, b in itertools.pairwise([*own, deal.left_at])]
        longest += [max(gaps)] if gaps else []
    usual = sorted(longest)[int(np.ceil(0.75 * len(longest))) - 1]
    silence = (pd.Timestamp("2026-09-30") - judged["last_activity"]).dt.days
    assert judged["days_quiet"].notna().equals(silence > usual)


def test_next_steps_add_up(sample: Dataset) -> None:
    found = funnel.next_steps(funnel.stalled(sample, "2026Q3")).set_index("next")
    sums = found[["n", "amount", "expected", "over", "late", "quiet", "unpriced"]]
    parts = sums.loc[["revive", "requalify", "close"]].sum()
    assert sums.loc["stalled"].to_numpy(float) == pytest.approx(parts.to_numpy(float))


def test_a_shared_list_names_nobody() -> None:
    deals = opened(owner=["Ana", "Bo"], deal_name=["For Ana", "x"], expected_close="2026-02-01")
    masked = funnel.stalled(pseudonymised(kh.load(deals, as_of="2026-03-31")), "2026Q1")
    assert not {"Ana", "Bo"} & set(masked["owner"])
    assert masked["deal_name"].isna().all()
    assert "stalled" in ROW_LEVEL


# --- What was promised ----------------------------------------------------------------------------


def test_w9_coverage_and_the_chance_of_the_target() -> None:
    data = forecast(list(zip(W9["amounts_k"], W9["p"], strict=True)), 200, 80)
    row = funnel.coverage(data, "2026Q1").iloc[0]
    assert (row["due"], row["missing"]) == (W9["pipeline"], W9["remaining"])
    assert row["coverage"] == pytest.approx(W9["coverage"])
    assert row["chance"] == pytest.approx(W9["p_ge_120"])


def test_w9_what_is_required_is_one_over_the_win_rate_by_value() -> None:
    status = ["won"] * 35 + ["lost"] * 65 + ["open"]
    closed = ["2025-06-15"] * 100 + [None]
    deals = opened(status=status, closed_at=closed, amount=[1.0] * 100 + [W9["pipeline"]])
    deals = deals.assign(created_at="2025-05-01", expected_close="2026-03-31")
    for missing, verdict in ((W9["remaining"], "short"), (100, "open"), (65, "enough")):
        target = [{"metric": "bookings", "period": "2026Q1", "value": missing}]
        day, asked = ("2026-01-31", "2026Q1") if missing > 99 else ("2025-12-31", "2025Q4")
        row = funnel.coverage(kh.load(deals, {"targets": target}, as_of=day), asked).iloc[0]
        assert row["required"] == pytest.approx(W9["required_at_35pct"])
        assert row["low"] < row["required"] < row["high"]
        assert (row["coverage"], row["verdict"]) == (W9["pipeline"] / missing, verdict)


def test_w17_velocity_is_cut_without_residual() -> None:
    rows = [("won", 25, 45), ("lost", 75, 10), ("open", 60, None)]
    later = [("won", 40, 60), ("lost", 60, 10), ("open", 80, None)]
    frames = []
    for first, last, year in (
        ("2025-01-01", "2025-03-31", rows),
        ("2026-01-01", "2026-03-31", later),
    ):
        for status, n, cycle in year:
            own = opened(deal_id=[f"{last}{status}{i}" for i in range(n)])
            made = last if status == "open" else first
            closed = pd.Timestamp(made) + pd.Timedelta(days=cycle) if cycle else None
            if status == "open" and last < "2026":
                closed, status = "2025-04-05", "lost"
            frames.append(
                own.assign(status=status, created_at=made, closed_at=closed, amount=12_000.0)
            )
    data = kh.load(pd.concat(frames), as_of="2026-03-31")
    found = drivers.velocity_chain(data, "2026Q1")
    levels = [kh.measure(data, "sales_velocity", q)["value"].item() for q in ("2025Q1", "2026Q1")]
    assert found["amount"].iloc[[0, -1]].tolist() == pytest.approx(levels)
    assert levels[0] == pytest.approx(W17["velocity_per_day"])
    changes = found[found["kind"] == "change"]
    assert changes["amount"].sum() == pytest.approx(levels[1] - levels[0])


def test_found_large_deals_slip_without_being_asked(sample: Dataset) -> None:
    over = TRUTHS["slippage"]["over"]
    for period in ("2026Q2", "2026Q3"):
        found = funnel.slipped(sample, period)
        assert found["cut"].iloc[0] == over
        verdicts = found.set_index("amount_band")["change_verdict"].to_dict()
        assert verdicts == {"large": "worse", "small": "none_shown"}
        (told,) = wording.bands_findings(found, **LOOKS[0]).itertuples()
        assert told.sureness == 0
        assert "15\u202f000" in told.sentence
    quiet = wording.bands_findings(funnel.slipped(sample, "2026Q1"), **LOOKS[0])
    assert quiet["sureness"].tolist() == [1]


def test_times_put_off_are_moves_to_a_later_day_while_open() -> None:
    deals = opened(status=["won", "lost", "open"], closed_at=["2026-03-01", "2026-03-02", None])
    said = [("d0", "2026-01-05", "2026-02-01"), ("d0", "2026-01-20", "2026-03-15")]
    said += [("d0", "2026-02-10", "2026-03-01"), ("d0", "2026-03-01", "2026-09-09")]
    said += [("d1", "2026-01-05", "2026-02-01"), ("d2", "2026-01-05", "2026-02-01")]
    said += [("d2", f"2026-02-0{n}", f"2026-0{n + 2}-01") for n in range(1, 6)]
    dates = pd.DataFrame(said, columns=["deal_id", "changed_at", "expected_close"])
    data = kh.load({"deals": deals, "close_date_history": dates}, as_of="2026-03-31")
    found = funnel.put_off(data, "2026Q1").set_index(["kpi", "times_put_off"])["n"]
    assert found["win_rate_count"].dropna().to_dict() == {"0": 1, "1": 1}
    assert found["open_deals"].dropna().to_dict() == {"0": 0, "1": 0, "3+": 1}


# --- What is missing ------------------------------------------------------------------------------

LACKING = {
    "no deals": (
        pd.DataFrame({"order_id": ["1"], "order_date": ["2026-01-05"], "amount_net": [1.0]}),
        {"stalled", "movement", "coverage", "slipped", "put_off", "velocity_chain"},
    ),
    "one deal": (opened(amount=[5.0]), {"coverage", "slipped", "put_off", "velocity_chain"}),
    "no open deal": (
        opened(status=["won", "lost"], closed_at=["2026-02-01"] * 2, amount=[1.0, 2.0]),
        {"stalled", "coverage", "slipped", "put_off", "velocity_chain"},
    ),
    "no amounts": (
        opened(stage=["A", "B"], expected_close=["2026-04-01"] * 2),
        {"coverage", "slipped", "put_off", "velocity_chain"},
    ),
}


@pytest.mark.parametrize("case", LACKING)
def test_what_lacks_is_said_and_the_rest_works(case: str) -> None:
    frame, refused = LACKING[case]
    name = "orders" if "order_id" in frame else "deals"
    data = kh.load({name: frame}, {"language": "en"}, as_of="2026-03-31")
    analyses = [funnel.stalled, funnel.movement, funnel.coverage, funnel.slipped, funnel.put_off]
    for analysis in (*analyses, drivers.velocity_chain):
        if analysis.__name__ in refused:
            with pytest.raises((Unavailable, MissingColumn), match=r"lacks|needs|nothing before"):
                analysis(data, "2026Q1")
        else:
            assert len(analysis(data, "2026Q1"))


@pytest.mark.parametrize("look", LOOKS, ids=["fr", "en"])
def test_deals_without_amounts_are_counted(look: dict[str, Any]) -> None:
    data = kh.load(LACKING["no amounts"][0], as_of="2026-05-31")
    found = funnel.movement(data, "2026Q1")
    assert (found["unit"].iloc[0], steps_of(found)) == (
        "count",
        {"before": 0, "created": 2, "after": 2},
    )
    judged = funnel.stalled(data, "2026-05")
    assert judged["expected"].isna().all()
    told = wording.stalled_findings(funnel.next_steps(judged), **look)
    assert told["sentence"].str.endswith(".").all()
    assert not told["sentence"].str.contains("nan|€|, 0 ").any()
    calm = judged.assign(next="moving", days_late=np.nan, days_over=np.nan)
    (none,) = wording.stalled_findings(funnel.next_steps(calm), **look)["sentence"]
    assert " 2 " in none
    assert sheets.stalled(judged, **look).as_raw_html().count("d0") == (
        judged["next"][0] != "moving"
    )


@pytest.mark.parametrize("look", LOOKS, ids=["fr", "en"])
def test_every_sentence_is_one_that_a_director_may_read(
    sample: Dataset, look: dict[str, Any]
) -> None:
    steps = funnel.next_steps(funnel.stalled(sample, "2026Q3"))
    told = [
        wording.stalled_findings(steps, **look),
        wording.movement_findings(funnel.movement(sample, "2026Q3"), **look),
        wording.coverage_findings(funnel.coverage(sample, "2026Q3"), **look),
        wording.bands_findings(funnel.put_off(sample, "2026Q3"), **look),
    ]
    for frame in told:
        assert 1 <= len(frame) <= 3
        assert not any(wording.banned(said, look["lang"]) for said in frame["sentence"])
