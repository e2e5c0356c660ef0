"""What is asked of every engine, each KPI in each way and each analysis, and what counts as same.

The one list that the tests of engines and ``benchmarks/engines.py`` share.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import pandas as pd

import kpi_helpers as kh
from kpi_helpers import (
    alerts,
    associations,
    benchmarking,
    control,
    customers,
    drivers,
    forecasting,
    funnel,
    landing,
    outreach,
    teams,
    voice,
)
from kpi_helpers.errors import KpiError
from kpi_helpers.sources import Dataset
from kpi_helpers.sources.engine import frame_of

Answer = dict[str, Any]  # the frames, arrays and values of an answer by their place in it
Ask = Callable[[Dataset], Any]
HALF = "2026Q1:2026Q2"

# The ways in which every KPI is asked.
WAYS: dict[str, Callable[..., pd.DataFrame]] = {
    "plain": lambda data, kpis: kh.measure(data, kpis, HALF),
    "by": lambda data, kpis: kh.measure(data, kpis, "2025Q3:2026Q2", by="team"),
    "where": lambda data, kpis: kh.measure(data, kpis, "2026Q2", where="amount >= 15000"),
    "grain": lambda data, kpis: kh.measure(data, kpis, "2026Q2", grain="month"),
    "compare": lambda data, kpis: kh.compare(data, kpis, "2026Q2"),
}


def journeys(data: Dataset) -> pd.DataFrame:
    """The way of each case, with the kinds of columns that frames have."""
    rows = frame_of(data.con, funnel.journeys(data)).sort_values(["case_id", "place"])
    days = ["entered_at", "advanced_at", "lost_at", "ended_at"]
    rows = rows.astype({**dict.fromkeys(days, "datetime64[us]"), "place": int, "age_days": int})
    return rows[["case_id", "step", "place", *days, "age_days", "amount"]].reset_index(drop=True)


def gate(data: Dataset) -> pd.DataFrame:
    """The quality of the data, but for what is not fetched from a server: see `NOT_ASKED`."""
    found = kh.quality(data)
    return found[found["check"] != "duplicate_lead"].reset_index(drop=True)


def left_out(data: Dataset) -> pd.DataFrame:
    """How many rows are left out of each table, for what, with their money."""
    listed = kh.left_out(data)
    listed = listed[listed["reason"] != "duplicate_lead"]
    kinds = ["table", "column", "reason", "action"]
    return listed.groupby(kinds)["money"].agg(["size", "sum"])


def rows_behind(data: Dataset, kpi: str, period: str = "2026Q1") -> pd.DataFrame:
    """How many rows are behind a KPI, and what their parts add up to."""
    rows = kh.rows(data, kpi, period)
    parts = rows.filter(regex="^part_").select_dtypes(["number", "bool"]).astype(float)
    return pd.DataFrame({**parts.sum(), "rows": len(rows)}, index=[0])


def accounting(data: Dataset) -> pd.DataFrame:
    """What became of the rows of each table, whatever its file is called; see `NOT_ASKED`."""
    found = kh.accounting(data).drop(columns="file")
    return found.assign(flagged=found["flagged"].where(found["table"] != "leads", 0))


ANALYSES: dict[str, Ask] = {
    "kh.quality": gate,
    "kh.left_out": left_out,
    "kh.accounting": accounting,
    "kh.freshness": kh.freshness,
    "kh.selection": kh.selection,
    "kh.last_readable": lambda data: kh.last_readable(data, "lead_to_customer_rate", "last"),
    "funnel.journeys": journeys,
    "funnel.conversion": lambda data: funnel.conversion(data, "2025Q4"),
    "funnel.by_group": lambda data: funnel.by_group(data, "2025Q4", by="source"),
    "funnel.trend": lambda data: funnel.trend(data, "2025Q1:2026Q3"),
    "funnel.bottlenecks": funnel.bottlenecks,
    "funnel.leak": funnel.leak,
    "funnel.cycle": lambda data: funnel.cycle(data, "last"),
    "funnel.cycle_chances": lambda data: funnel.cycle_chances(data, "last"),
    "funnel.cycle_segments": lambda data: funnel.cycle_segments(data, "last"),
    "funnel.stays": lambda data: funnel.stays(data, "last"),
    "funnel.integrity": funnel.integrity,
    "funnel.stalled": funnel.stalled,
    "funnel.losses": funnel.losses,
    "funnel.rivals": funnel.rivals,
    "funnel.movement": funnel.movement,
    "funnel.put_off": funnel.put_off,
    "funnel.slipped": funnel.slipped,
    "funnel.coverage": funnel.coverage,
    "funnel.channels": funnel.channels,
    "funnel.concordance": funnel.concordance,
    "funnel.checkout": lambda data: funnel.checkout(data, "last"),
    "funnel.bant": funnel.bant,
    "funnel.outlook": funnel.outlook,
    "customers.cohorts": customers.cohorts,
    "customers.economics": lambda data: customers.economics(data, by="channel"),
    "customers.worth": lambda data: customers.worth(data, by="channel"),
    "customers.outlook": customers.outlook,
    "customers.segments": lambda data: customers.segments(data, data.as_of),
    "customers.survival": customers.survival,
    "customers.bridge": lambda data: customers.bridge(data, "last"),
    "customers.moves": lambda data: customers.moves(data, "last"),
    "customers.recurring": lambda data: customers.recurring(data, "2025Q4:2026Q2"),
    "drivers.revenue_chain": drivers.revenue_chain,
    "drivers.bookings_chain": drivers.bookings_chain,
    "drivers.velocity_chain": drivers.velocity_chain,
    "drivers.customer_bridge": drivers.customer_bridge,
    "drivers.product_mix": drivers.product_mix,
    "drivers.rate_bridge": lambda data: drivers.rate_bridge(
        data, kpi="win_rate_count", by="source"
    ),
    "teams.compared": lambda data: teams.compared(data, "last"),
    "teams.targets": lambda data: teams.targets(data, "last"),
    "teams.trends": lambda data: teams.trends(data, "last"),
    "landing.landing": landing.landing,
    "forecasting.series": lambda data: forecasting.series(data, ["revenue", "bookings"], "last"),
    "forecasting.ahead": lambda data: forecasting.ahead(data, kpis="bookings"),
    "control.watched": lambda data: control.watched(data, "win_rate_count", "2026-06"),
    "alerts.raised": lambda data: alerts.raised(data, "last", ["bookings", "win_rate_count"]),
    "voice.reviews": lambda data: voice.reviews(data, "last"),
    "voice.rounds": lambda data: voice.rounds(data, "last"),
    "voice.themes": lambda data: voice.themes(data, "last"),
    "outreach.responses": lambda data: outreach.responses(data, "last"),
    "outreach.missed": lambda data: outreach.missed(data, "last"),
    "outreach.call_steps": lambda data: outreach.call_steps(data, "last"),
    "outreach.call_times": lambda data: outreach.call_times(data, "last"),
    "associations.crossed": lambda data: associations.crossed(data, "last"),
    "benchmarking.gains": benchmarking.gains,
    "benchmarking.gaps": benchmarking.gaps,
    "benchmarking.context": benchmarking.context,
    "benchmarking.perception": benchmarking.perception,
    "benchmarking.register": benchmarking.register,
    "benchmarking.aside": benchmarking.aside,
}
# What a server's answer is refused for, where another engine has one.
REFUSED = {"voice.themes": "comments are free text, which is not fetched from a server"}
# What the answers of a server lack on purpose.
NOT_ASKED = {
    "kh.quality": "addresses and phone numbers of leads are not fetched from a server, "
    "so copies of a lead that only they would show are not looked for there",
}
NOT_ASKED |= dict.fromkeys(["kh.left_out", "kh.accounting"], NOT_ASKED["kh.quality"])


def tried(ask: Callable[..., Any], *arguments: Any) -> Answer | KpiError:
    """An answer in its pieces, or our own error."""
    try:
        return dict(_pieces("", ask(*arguments)))
    except KpiError as error:
        return error


def each_kpi(data: Dataset, kpis: list[str], way: str) -> dict[str, Answer | KpiError]:
    """What is said of each KPI in a way, asked together; one by one where one is refused."""
    ask = WAYS[way]
    found = tried(ask, data, kpis)
    if isinstance(found, KpiError):
        return {kpi: tried(ask, data, [kpi]) for kpi in kpis}
    frame = found[""]
    each = {kpi: rows.reset_index(drop=True) for kpi, rows in frame.groupby("kpi", sort=False)}
    return {kpi: {"": each.get(kpi, frame.head(0))} for kpi in kpis}


def _pieces(place: str, answer: Any) -> list[tuple[str, Any]]:
    if is_dataclass(answer):
        answer = {each.name: getattr(answer, each.name) for each in fields(answer)}
    elif isinstance(answer, tuple) and hasattr(answer, "_asdict"):
        answer = answer._asdict()
    if isinstance(answer, Mapping):
        return [
            piece for name, part in answer.items() for piece in _pieces(f"{place}.{name}", part)
        ]
    return [(place, answer)]


def difference(found: Answer | KpiError, expected: Answer | KpiError) -> str:
    """Where two answers part, to a part in a thousand million; nothing where they do not."""
    try:
        assert_same(found, expected)
    except AssertionError as error:
        return " ".join(str(error).split())
    return ""


def assert_same(found: Answer | KpiError, expected: Answer | KpiError) -> None:
    if isinstance(expected, KpiError) or isinstance(found, KpiError):
        assert repr(found) == repr(expected), found
        assert str(found) == str(expected)
        return
    assert [*found] == [*expected]
    for place, value in expected.items():
        if isinstance(value, pd.DataFrame | pd.Series):
            assert isinstance(found[place], type(value)), found[place]
            same_frame(pd.DataFrame(found[place]), pd.DataFrame(value))
        elif isinstance(value, np.ndarray | float):
            np.testing.assert_allclose(found[place], value, rtol=1e-9, atol=1e-12)
        else:
            assert repr(found[place]) == repr(value), place


def same_frame(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    """The same columns, rows and words in the same order, and the same numbers.

    What type a column without any value has is the engine's affair.
    """
    empty = [c for c in expected if c in found and found[c].isna().all() & expected[c].isna().all()]
    found, expected = (each.assign(**dict.fromkeys(empty)) for each in (found, expected))
    pd.testing.assert_frame_equal(found, expected, rtol=1e-9, atol=1e-12, check_exact=False)
