"""Funnels of any table of events, against plain loops over the same events."""

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint, proportions_ztest

import kpi_helpers as kh
from kpi_helpers.errors import BadInput, NotAddable, Unavailable, UnknownName
from kpi_helpers.funnel import Asked, Way, attempts, counted, with_earlier, with_others
from kpi_helpers.periods import Calendar, Period
from kpi_helpers.sources.engine import frame_of, stored

WORKED = json.loads((Path(__file__).parent / "data" / "worked_examples.json").read_text("utf-8"))
FIRST_DAY, STEPS = dt.date(2026, 1, 1), ("A", "B", "C")
YEAR = Calendar().parse("2026")
# case, step, days after the first
Event = tuple[str, str, int]
EVENTS = st.lists(
    st.tuples(st.sampled_from("1234"), st.sampled_from("AABBCX-"), st.integers(0, 9)),
    min_size=1,
    max_size=25,
)
ORDERS = ("reached", "ordered", "strict", "any")
WAYS = st.builds(
    Way,
    steps=st.just(STEPS),
    order=st.sampled_from(ORDERS),
    entry=st.sampled_from(("first", "last", "each")),
    window=st.sampled_from((None, 0, 2, 5)),
    without=st.sampled_from(((), ("X",))),
).filter(lambda way: way.order != "any" or way.entry == "first")


@pytest.fixture(scope="module")
def con() -> Any:
    return ibis.duckdb.connect()


def table(con: Any, events: list[Event]) -> Any:
    frame = pd.DataFrame(events, columns=["case_id", "step", "entered_at"])
    days = pd.to_datetime(FIRST_DAY) + pd.to_timedelta(frame["entered_at"], unit="D")
    return stored(con, "events", frame.assign(entered_at=days))


def naive(events: list[Event], way: Way) -> list[tuple[str, list[int | None]]]:
    """Each attempt with the days of its steps, by loops over the events of each case."""
    found = []
    for case in sorted({event[0] for event in events}):
        own = [(day, STEPS.index(s) if s in STEPS else 9, s) for c, s, day in events if c == case]
        for stretch in stretches(sorted(own), way):
            days = LOOKS[way.order](stretch, len(way.steps))
            if days[0] is None:
                continue
            late = [
                d is None or (way.window is not None and d - days[0] > way.window) for d in days
            ]
            days = [None if is_late else d for d, is_late in zip(days, late, strict=True)]
            if not is_out(stretch, days, way):
                found.append((case, days))
    return found


def stretches(own: list[tuple[int, int, str]], way: Way) -> Iterator[list[tuple[int, int, str]]]:
    if way.entry == "first" and way.order != "strict":
        yield own
        return
    parts: list[list[tuple[int, int, str]]] = [[]]
    for event in own:
        if event[1] == 0:
            parts.append([])
        parts[-1].append(event)
    if way.entry == "first":
        yield from parts[1:2]
    elif way.entry == "last":
        yield parts[-1]
    else:
        yield from parts


def reached(own: list[tuple[int, int, str]], size: int) -> list[int | None]:
    return [
        min((day for day, at, _ in own if place <= at < size), default=None)
        for place in range(size)
    ]


def ordered(own: list[tuple[int, int, str]], size: int) -> list[int | None]:
    days: list[int | None] = []
    since: int | None = -1
    for place in range(size):
        later = [day for day, at, _ in own if at == place and since is not None and day >= since]
        since = min(later, default=None)
        days.append(since)
    return days


def strict(own: list[tuple[int, int, str]], size: int) -> list[int | None]:
    starts = [n for n, event in enumerate(own) if event[1] == 0][:1]
    days: list[int | None] = [None] * size
    for start in starts:
        for place, (day, at, _) in enumerate(own[start : start + size]):
            if at != place:
                break
            days[place] = day
    return days


def in_any_order(own: list[tuple[int, int, str]], size: int) -> list[int | None]:
    firsts: dict[int, int] = {}
    for day, at, _ in own:
        if at < size:
            firsts.setdefault(at, day)
    days: list[int | None] = [*sorted(firsts.values())]
    return days + [None] * (size - len(days))


LOOKS = {"reached": reached, "ordered": ordered, "strict": strict, "any": in_any_order}


def is_out(own: list[tuple[int, int, str]], days: list[int | None], way: Way) -> bool:
    first, last = days[0], days[-1]
    assert first is not None
    for day, _, step in own:
        in_time = way.window is None or day - first <= way.window
        if step in way.without and day >= first and (last is None or day < last) and in_time:
            return True
    return False


def found_days(con: Any, events: list[Event], way: Way) -> list[tuple[str, list[int | None]]]:
    rows = frame_of(con, attempts(table(con, events), way))
    at = [f"at_{place}" for place in range(len(way.steps))]
    days = (rows[at] - pd.Timestamp(FIRST_DAY)).apply(lambda column: column.dt.days)
    return [
        (case, [None if np.isnan(day) else int(day) for day in line])
        for case, line in zip(rows["case_id"], days.to_numpy(float), strict=True)
    ]


def order_of(found: list[tuple[str, list[int | None]]]) -> list[tuple[str, list[int]]]:
    return sorted((case, [-1 if day is None else day for day in days]) for case, days in found)


@settings(max_examples=50, deadline=None)
@given(events=EVENTS, way=WAYS)
def test_every_option_agrees_with_plain_loops(con: Any, events: list[Event], way: Way) -> None:
    assert order_of(found_days(con, events, way)) == order_of(naive(events, way))


@settings(max_examples=8, deadline=None)
@given(events=EVENTS, order=st.sampled_from(ORDERS))
def test_shares_never_fall_as_the_window_grows(con: Any, events: list[Event], order: str) -> None:
    late, before = dt.date(2027, 6, 1), np.zeros(len(STEPS))
    for window in (0, 3, 9, None):
        way = Way(STEPS, order, window=window)
        found = counted(con, attempts(table(con, events), way), way, Asked([YEAR], late))
        whole = found["whole"].fillna(0).to_numpy()
        assert (whole >= before).all()
        assert (whole <= 1).all()
        assert found["numerator"].is_monotonic_decreasing
        before = whole


def company(seed: int = 4) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Six hundred cases of a year with sources, amounts and customers; not all go all the way."""
    rng = np.random.default_rng(seed)
    cases = pd.DataFrame({"case_id": [f"D{n}" for n in range(600)]})
    cases["source"] = rng.choice(["web", "fair", None], 600, p=[0.5, 0.4, 0.1])
    cases["amount"] = np.where(rng.random(600) < 0.05, np.nan, rng.lognormal(8, 1, 600).round(2))
    cases["customer_id"] = [f"C{n}" for n in rng.integers(0, 300, 600)]
    began, far = rng.integers(0, 365, 600), rng.integers(1, 4, 600)
    far = np.where(cases["source"] == "fair", far, np.minimum(far, 2))
    rows = [
        (case, STEPS[place], pd.Timestamp(FIRST_DAY) + pd.Timedelta(days=int(day) + 14 * place))
        for case, day, reach in zip(cases["case_id"], began, far, strict=True)
        for place in range(reach)
    ]
    return pd.DataFrame(rows, columns=["case_id", "step", "entered_at"]), cases


def asked_of(con: Any, spans: list[Period], by: tuple[str, ...] = (), **more: Any) -> pd.DataFrame:
    events, cases = company()
    way = Way(STEPS, window=more.pop("window", 30))
    tried = attempts(stored(con, "moves", events), way).join(stored(con, "cases", cases), "case_id")
    return counted(con, tried, way, Asked(spans, dt.date(2026, 12, 31), by, **more))


def test_a_trend_agrees_with_the_funnel(con: Any) -> None:
    quarters = Calendar().periods("2026Q1:2026Q4")
    trend, whole = asked_of(con, quarters), asked_of(con, [YEAR])
    one_by_one = pd.concat([asked_of(con, [quarter]) for quarter in quarters], ignore_index=True)
    pd.testing.assert_frame_equal(trend, one_by_one)
    sums = ["numerator", "denominator", "started", "young", "so_far", "n"]
    added = trend.groupby("place")[sums].sum()
    np.testing.assert_array_equal(added, whole.set_index("place")[sums])


def test_groups_add_up_to_the_whole_and_the_blank_one_is_among_them(con: Any) -> None:
    groups, whole = asked_of(con, [YEAR], ("source",)), asked_of(con, [YEAR])
    assert groups["source"].isna().sum() == len(STEPS)
    added = groups.groupby("place")[["numerator", "denominator"]].sum()
    np.testing.assert_array_equal(added, whole.set_index("place")[["numerator", "denominator"]])


@pytest.mark.parametrize("unit", ["number", "amount", "customer"])
def test_numbers_amounts_and_customers_are_those_of_a_loop(con: Any, unit: str) -> None:
    events, cases = company()
    found = asked_of(con, [YEAR], unit=unit, window=30)
    of = cases.set_index("case_id")
    held: dict[tuple[bool, int], list[str]] = defaultdict(list)
    for case, rows in events.groupby("case_id"):
        start = rows["entered_at"].min()
        old = (pd.Timestamp("2026-12-31") - start).days >= 30
        for place in range(len(STEPS)):
            late = rows.loc[rows["step"].isin(STEPS[place:]), "entered_at"]
            if len(late) and (late.min() - start).days <= 30:
                held[old, place].append(str(case))
    counts = {"number": len, "customer": lambda c: of.loc[c, "customer_id"].nunique()}
    counts["amount"] = lambda c: of.loc[c, "amount"].sum()
    for place, row in enumerate(found.to_dict("records")):
        assert row["numerator"] == pytest.approx(counts[unit](held[True, place]))
        assert row["so_far"] == pytest.approx(counts[unit](held[False, place]))
    row = found.iloc[1]
    if unit != "amount":
        limits = proportion_confint(row["numerator"], row["denominator"], method="wilson")
        assert (row["low"], row["high"]) == pytest.approx(limits)


def test_w8_the_young_are_no_losses(con: Any) -> None:
    case = WORKED["W8"]
    rows = []
    for month, (leads, won) in enumerate(zip(case["leads"], case["won60"], strict=True)):
        days = [pd.Timestamp(2026, month + 1, 15)] * leads
        names = [f"{month}-{n}" for n in range(leads)]
        rows += [(name, "lead", day) for name, day in zip(names, days, strict=True)]
        rows += [(name, "won", days[0] + pd.Timedelta(days=10)) for name in names[:won]]
    events = stored(con, "w8", pd.DataFrame(rows, columns=["case_id", "step", "entered_at"]))
    asked = Asked([Calendar().parse("2026-01:2026-06")], dt.date.fromisoformat(case["as_of"]))
    for window, value, ends in (
        (case["window"], case["mature"], case["mature_ci"]),
        (None, case["naive"], case["naive_ci"]),
    ):
        way = Way(("lead", "won"), window=window)
        won = counted(con, attempts(events, way), way, asked).iloc[1]
        assert [won["value"], won["low"], won["high"]] == pytest.approx([value, *ends])
    way = Way(("lead", "won"), window=case["window"])
    months = asked._replace(spans=Calendar().periods("2026-01:2026-06"))
    monthly = counted(con, attempts(events, way), way, months)
    monthly = monthly[monthly["place"] == 1]
    assert monthly.loc[monthly["status"] != "immature", "period"].tolist() == case["mature_months"]
    assert monthly.tail(2)[["young", "so_far"]].to_numpy().tolist() == [[180, 6], [200, 1]]
    assert monthly.tail(2)["value"].isna().all()


def test_w16_a_skipped_stage_is_reached(con: Any) -> None:
    case = WORKED["W16"]
    events = pd.DataFrame(case["history"], columns=["case_id", "step", "entered_at"])
    events["entered_at"] = pd.to_datetime(events["entered_at"])
    moves = stored(con, "w16", events)
    way = Way(("Qualif", "RDV", "Propo", "Gagné"))
    asked = Asked([Calendar().parse("2026Q1")], dt.date.fromisoformat(case["as_of"]))
    found = counted(con, attempts(moves, way), way, asked)
    assert found["numerator"].tolist() == case["reached"]
    assert found["value"].tolist()[1:] == pytest.approx(case["conversion"])
    without = way._replace(without=("Perdu",))
    assert counted(con, attempts(moves, without), without, asked)["numerator"].iloc[0] == 4


def test_periods_and_groups_beside_others_as_an_independent_library_has_it(con: Any) -> None:
    data = kh.load(
        pd.DataFrame({"deal_id": ["1"], "created_at": ["2026-01-05"], "status": ["open"]})
    )
    trend = asked_of(con, Calendar().periods("2026Q1:2026Q3"))
    found = with_earlier(data, trend)
    p_values = []
    for row in found.to_dict("records"):
        then = trend[(trend["end"] == row["start"]) & (trend["step"] == row["step"])]
        assert (row["change_verdict"] == "no_reference") == then.empty
        if len(then):
            k, n = [row["numerator"], *then["numerator"]], [row["n"], *then["n"]]
            p_values.append(proportions_ztest(k, n)[1])
    assert found["p_value"].dropna().to_list() == pytest.approx(p_values)
    holm = multipletests(p_values, method="holm")[1]
    assert found["p_adjusted"].dropna().to_list() == pytest.approx(holm)
    groups = with_others(data, asked_of(con, [YEAR], ("source",)), "source")
    last = groups[groups["step"] == "C"].set_index("group")
    assert last["change_verdict"].to_dict() == {"fair": "better", "web": "worse"}
    assert last["signals"].to_dict() == {"fair": 0, "web": 1}
    of_web = groups[groups["group"] == "web"].iloc[0]
    rest = asked_of(con, [YEAR], ("source",)).query("source != 'web' and step == 'B'")
    assert of_web["reference"] == rest["numerator"].sum() / rest["denominator"].sum()
    with pytest.raises(NotAddable):
        with_others(data, asked_of(con, [YEAR], ("source",), unit="customer"), "source")


@pytest.mark.parametrize(
    ("way", "error", "said"),
    [
        (Way(STEPS, order="strictly"), UnknownName, "strict"),
        (Way(STEPS, order="any", entry="each"), UnknownName, "Allowed: first"),
        (Way(("A",)), BadInput, "two or more different steps"),
        (Way(("A", "B", "A")), BadInput, "two or more different steps"),
    ],
)
def test_ways_that_are_none_are_refused(con: Any, way: Way, error: Any, said: str) -> None:
    with pytest.raises(error, match=said):
        attempts(table(con, [("1", "A", 0)]), way)


def test_what_is_known_only_of_the_winners_is_not_counted(con: Any) -> None:
    events, cases = company()
    far = set(events.loc[events["step"] == "C", "case_id"])
    known = cases.assign(amount=cases["amount"].where(cases["case_id"].isin(far)))
    way = Way(STEPS)
    tried = attempts(stored(con, "moves", events), way).join(stored(con, "few", known), "case_id")
    with pytest.raises(Unavailable, match="no amount"):
        counted(con, tried, way, Asked([YEAR], dt.date(2026, 12, 31), unit="amount"))
    with pytest.raises(UnknownName, match="euros"):
        counted(con, tried, way, Asked([YEAR], dt.date(2026, 12, 31), unit="euros"))
