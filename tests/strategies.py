"""Small random companies: two years of deals, leads, orders and spend, with gaps and oddities.

The first and the last day of the two years always have a row, so that the data cover every period
in between and no figure is missing for want of coverage.
"""

import dataclasses
import datetime as dt
import os
from typing import Any

import pandas as pd
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from unmoved import AS_OF, DAY, FIRST, actions, forecasts, mailings, reps, targets

import kpi_helpers as kh
from kpi_helpers.sources import Dataset
from kpi_helpers.sources.course import ladder

QUARTERS = "2025Q3:2026Q2"
WINDOW, LAG = 60, 1
COHORTS = ["lead_to_customer_rate", "lead_qualification_rate", "lead_acceptance_rate"]
COHORTS += ["stage_conversion", "stage_leak_value"]
STAGES = ["A", "B", "C"]
CONFIG = {"language": "en", "windows": dict.fromkeys(COHORTS, WINDOW), "lags": {"cac": LAG}}
CONFIG["stages"] = STAGES

Frames = dict[str, pd.DataFrame]


def some(examples: int) -> Any:
    """So many examples, always the same ones; a third outside continuous integration (``KPI_CI``).

    Shrinking would load hundreds of companies more.
    """
    return settings(
        max_examples=examples if os.environ.get("KPI_CI") else max(examples // 3, 2),
        deadline=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


days = st.integers(0, (AS_OF - FIRST).days).map(lambda passed: FIRST + dt.timedelta(passed))
owners = st.sampled_from(["Ann", "Bob", "Cyd", None])
customers = st.sampled_from(["c1", "c2", "c3", "c4", "c5", None])
amounts = st.one_of(st.none(), st.just(0.0), st.integers(1, 400).map(lambda x: 25.0 * x))
delays = st.one_of(st.none(), st.integers(-3, 200))


def _table(rows: list[tuple[Any, ...]], types: dict[str, str], key: str | None) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=list(types)).astype(types)
    if key is not None:
        frame.insert(0, key, [str(number) for number in range(len(frame))])
    return frame


def _later(day: dt.date, delay: int | None) -> dt.date | None:
    """A day that has come, or None."""
    later = None if delay is None else day + dt.timedelta(delay)
    return later if later is not None and later <= AS_OF else None


TEXT, NUMBER = "str", "float64"
DEALS = {
    **{"created_at": DAY, "closed_at": DAY, "expected_close": DAY, "status": TEXT},
    **{"amount": NUMBER, "owner": TEXT, "source": TEXT, "customer_id": TEXT},
    **{"list_amount": NUMBER, "probability_crm": NUMBER, "lost_reason": TEXT},
    **{f"bant_{item}": NUMBER for item in ("budget", "authority", "need", "timeline")},
    "lead_id": TEXT,
}
EVENTS = ("converted_at", "sql_at", "mql_at", "handed_over_at", "accepted_at", "first_response_at")
BANT = ("bant_budget", "bant_authority", "bant_need", "bant_timeline")
LEADS = {
    **{"created_at": DAY, **dict.fromkeys(EVENTS, DAY), "source": TEXT, "owner": TEXT},
    **{"received_at": DAY, "customer_id": TEXT, "campaign": TEXT, **dict.fromkeys(BANT, NUMBER)},
}
ORDERS = {
    **{"order_date": DAY, "amount_net": NUMBER, "type": TEXT},
    **{"customer_id": TEXT, "owner": TEXT, "channel": TEXT, "cost": NUMBER},
    **{"original_order_id": TEXT, "product_family": TEXT},
}
SPEND = {"date": DAY, "amount": NUMBER, "channel": TEXT, "cost_type": TEXT, "campaign": TEXT}
ACTIVITIES = {
    **{"started_at": DAY, "first_reply_at": DAY, "type": TEXT, "direction": TEXT},
    **{"outcome": TEXT, "duration_s": NUMBER, "owner": TEXT},
    **{"lead_id": TEXT, "deal_id": TEXT, "note_words": NUMBER},
}
SURVEYS = {
    **{
        "response_id": TEXT,
        "attribute": TEXT,
        "subject": TEXT,
        "responded_at": DAY,
        "type": TEXT,
        "score": NUMBER,
        "scale_min": NUMBER,
    },
    **{"scale_max": NUMBER, "customer_id": TEXT, "touchpoint": TEXT},
}
WEB_FUNNEL = {"date": DAY, "source": TEXT, "sessions": NUMBER, "carts": NUMBER, "orders": NUMBER}
sources = st.sampled_from(["web", "fair", "unknown", "Parrainage", None])
campaigns = st.sampled_from(["spring", "autumn", None])
ids = st.sampled_from(["2", "3", "4", "5", "6", None])


@st.composite
def deal(draw: st.DrawFn) -> tuple[Any, ...]:
    created, delay = draw(days), draw(delays)
    closed = _later(created, delay)
    status = "open" if closed is None else draw(st.sampled_from(["won", "lost"]))
    # Now and then a CRM forgets the day on which a deal was decided.
    forgotten = closed is not None and draw(st.integers(0, 9)) == 0
    expected = draw(st.none() | st.integers(0, 300))
    return (
        created,
        None if forgotten else closed,
        None if expected is None else created + dt.timedelta(expected),
        *(status, draw(amounts), draw(owners), draw(sources), draw(customers)),
        draw(amounts),
        draw(st.sampled_from([None, 0.1, 0.5])),
        draw(st.sampled_from([None, "Sans décision", "Price", "Abandoned"])),
        *(draw(st.sampled_from([None, 0.0, 1.0, 1.0])) for _ in range(4)),
        draw(ids),
    )


@st.composite
def lead(draw: st.DrawFn) -> tuple[Any, ...]:
    created = draw(days)
    events = (_later(created, draw(delays)) for _ in EVENTS)
    came = dt.datetime.combine(created, dt.time(draw(st.sampled_from([0, 9, 17]))))
    noted = [draw(st.sampled_from([0.0, 1.0, 1.0, None])) for _ in BANT]
    brought = came, draw(customers), draw(campaigns), *noted
    return created, *events, draw(sources), draw(owners), *brought


orders_rows = st.tuples(
    days,
    st.integers(-8, 40).map(lambda x: 25.0 * x),
    st.sampled_from(["order", "refund", None]),
    customers,
    owners,
    st.sampled_from(["shop", "sales", None]),
    amounts,
    st.sampled_from([None, None, "2", "3", "4", "5", "99"]),
    st.sampled_from(["parts", "service", None]),
)
spend_rows = st.tuples(
    days,
    st.integers(0, 40).map(lambda x: 25.0 * x),
    st.sampled_from(["web", "fair"]),
    st.sampled_from(["media", "tools", "salaries", "indirect"]),
    campaigns,
)


def deals(most: int = 25) -> st.SearchStrategy[pd.DataFrame]:
    ends = [
        (FIRST, FIRST, FIRST, "won", 100.0, "Ann", "web", "c1", 100.0, 1.0, None, *[1.0] * 4, "0"),
        (
            AS_OF,
            AS_OF,
            AS_OF,
            "lost",
            100.0,
            "Bob",
            "fair",
            "c2",
            100.0,
            0.0,
            None,
            *[0.0] * 4,
            "1",
        ),
    ]
    return st.lists(deal(), min_size=15, max_size=most).map(
        lambda rows: _table(ends + rows, DEALS, "deal_id")
    )


@st.composite
def histories(draw: st.DrawFn) -> Frames:
    """Moves between stages and closing dates put off, of deals that exist and of some that do not.

    Now and then a deal goes back, within a day or later, skips a stage or is reopened.
    """
    stages = st.sampled_from([*STAGES, "C", "Won", "Lost", "Other"])
    ids = st.integers(0, 28).map(str)
    moment = st.builds(dt.datetime.combine, days, st.sampled_from([dt.time(9), dt.time(17, 30)]))
    moves = draw(st.lists(st.tuples(ids, stages, moment), min_size=40, max_size=90))
    dates = draw(st.lists(st.tuples(ids, days, days), min_size=20, max_size=40))
    ends = [("0", day) for day in (FIRST, AS_OF)]
    moves += [(name, "A", dt.datetime.combine(day, dt.time(9))) for name, day in ends]
    dates += [(name, day, day) for name, day in ends]
    named = {"deal_id": TEXT, "stage": TEXT, "entered_at": DAY}
    said = {"deal_id": TEXT, "changed_at": DAY, "expected_close": DAY}
    return {
        "stage_history": _table(moves, named, None),
        "close_date_history": _table(dates, said, None),
    }


def leads(most: int = 25) -> st.SearchStrategy[pd.DataFrame]:
    ends = [
        (day, *[day for _ in EVENTS], "web", "Ann", day, "c1", "spring", *[1.0 for _ in BANT])
        for day in (FIRST, AS_OF)
    ]
    return st.lists(lead(), min_size=15, max_size=most).map(
        lambda rows: _table(ends + rows, LEADS, "lead_id")
    )


def orders(most: int = 25) -> st.SearchStrategy[pd.DataFrame]:
    last = ("Ann", "shop", 60.0, None, "parts")
    ends = [(day, 100.0, "order", "c1", *last) for day in (FIRST, AS_OF)]
    return st.lists(orders_rows, min_size=15, max_size=most).map(
        lambda rows: _table(ends + rows, ORDERS, "order_id")
    )


def spend(most: int = 15) -> st.SearchStrategy[pd.DataFrame]:
    ends = [(day, 100.0, "web", "media", "spring") for day in (FIRST, AS_OF)]
    return st.lists(spend_rows, min_size=8, max_size=most).map(
        lambda rows: _table(ends + rows, SPEND, None)
    )


@st.composite
def activity(draw: st.DrawFn) -> tuple[Any, ...]:
    moment = dt.datetime.combine(draw(days), dt.time(draw(st.integers(0, 23))))
    reply = moment + dt.timedelta(minutes=draw(st.integers(-90, 20_000)))
    return (
        moment,
        reply if draw(st.booleans()) and reply.date() <= AS_OF else None,
        draw(st.sampled_from(["call", "call", "meeting", "ticket", "ticket", "note", "complaint"])),
        draw(st.sampled_from(["in", "out", None])),
        draw(st.sampled_from(["answered", "missed", "voicemail", "booked", "held", None])),
        draw(st.sampled_from([None, 0.0, 60.0])),
        *(draw(owners), draw(ids), draw(ids), draw(st.sampled_from([None, 5.0, 30.0]))),
    )


@st.composite
def answer(draw: st.DrawFn) -> tuple[Any, ...]:
    least, most = draw(st.sampled_from([(1.0, 5.0), (1.0, 7.0), (0.0, 10.0)]))
    score = draw(st.integers(-2, 24)) / 2
    kind = draw(st.sampled_from(["csat", "nps", "ces", "review", *["perception"] * 3]))
    rated = draw(st.sampled_from(["price", None])), draw(st.sampled_from(["us", "Nous", "x", None]))
    return (
        draw(st.sampled_from("1234")),
        *rated,
        draw(days),
        kind,
        score,
        least,
        most,
        draw(customers),
        draw(st.sampled_from("ab")),
    )


web_rows = st.tuples(
    days, st.sampled_from(["web", "fair", None]), *[st.none() | st.integers(0, 60)] * 3
)


def activities(most: int = 25) -> st.SearchStrategy[pd.DataFrame]:
    ends = [
        (
            dt.datetime.combine(day, dt.time(9)),
            None,
            "call",
            "in",
            "answered",
            60.0,
            "Ann",
            "0",
            "0",
            None,
        )
        for day in (FIRST, AS_OF)
    ]
    return st.lists(activity(), min_size=15, max_size=most).map(
        lambda rows: _table(ends + rows, ACTIVITIES, "activity_id")
    )


def surveys(most: int = 25) -> st.SearchStrategy[pd.DataFrame]:
    ends = [("0", None, None, day, "nps", 9.0, 0.0, 10.0, "c1", "a") for day in (FIRST, AS_OF)]
    return st.lists(answer(), min_size=15, max_size=most).map(
        lambda rows: _table(ends + rows, SURVEYS, None)
    )


def web_funnel(most: int = 15) -> st.SearchStrategy[pd.DataFrame]:
    ends = [(day, "web", 50.0, 10.0, 5.0) for day in (FIRST, AS_OF)]
    return st.lists(web_rows, min_size=8, max_size=most).map(
        lambda rows: _table(ends + rows, WEB_FUNNEL, None)
    )


def mrr(most: int = 8) -> st.SearchStrategy[pd.DataFrame]:
    """Months paid by customers who come, pause and leave; one of them pays for every month."""
    months = pd.date_range(FIRST, AS_OF, freq="MS")
    always = [(month, 100.0, "c0") for month in months]
    spell = st.tuples(st.integers(0, 12), st.integers(0, 14), st.sampled_from([0.0, 50.0, 75.0]))

    def table(spells: list[tuple[int, int, float]]) -> pd.DataFrame:
        rows = [
            (month, paid, f"c{who + 1}")
            for who, (first, length, paid) in enumerate(spells)
            for month in months[first : first + length]
        ]
        return _table(always + rows, {"month": DAY, "mrr": NUMBER, "customer_id": TEXT}, None)

    return st.lists(spell, max_size=most).map(table)


@st.composite
def companies(draw: st.DrawFn) -> Frames:
    """All tables together."""
    drawn = {name: draw(made()) for name, made in _TABLES.items()}
    made = {"reps": reps(), "targets": targets(), "actions": actions()}
    written = {"campaign_stats": mailings(), "forecasts": forecasts()}
    return {**drawn, **draw(histories()), **made, **written}


_TABLES = {
    **{"deals": deals, "leads": leads, "orders": orders, "spend": spend},
    **{"activities": activities, "surveys": surveys, "web_funnel": web_funnel, "mrr": mrr},
}
_SQL: dict[Any, dict[Any, Any]] = {}


class _Memory(dict[Any, Any]):
    """What a data set remembers, its compiled SQL shared with all that look the same.

    Compiling takes a hundred times as long as asking a small table.
    """

    def __init__(self, sql: dict[Any, Any]) -> None:
        super().__init__()
        self.sql = sql

    def _home(self, key: Any) -> dict[Any, Any] | None:
        shared = isinstance(key, tuple) and key[0] in ("sql", "required")
        # What is expected of a target by today stands in the SQL as numbers.
        shared = shared and not (key[0] == "sql" and key[1][0].table == "achievements")
        return self.sql if shared else None

    def __contains__(self, key: object) -> bool:
        home = self._home(key)
        return super().__contains__(key) if home is None else key in home

    def __getitem__(self, key: Any) -> Any:
        home = self._home(key)
        return super().__getitem__(key) if home is None else home[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        home = self._home(key)
        if home is None:
            super().__setitem__(key, value)
        else:
            home[key] = value


def quick(data: Dataset) -> Dataset:
    """The data set with the SQL of others that have the same columns, tables, settings and day."""
    columns = tuple((name, tuple(sorted(data.filled(name)))) for name in sorted(data.base))
    # The engine knows each table by a name that tells what it is made of.
    tables = tuple(data.table(name).get_name() for name in sorted(data.base))
    settings = dataclasses.replace(data.config, windows={}, lags={}).fingerprint
    stages = ladder(data) if "stage_history" in data.base else None
    shared = _SQL.setdefault((columns, tables, settings, data.as_of, stages), {})
    return dataclasses.replace(data, memory=_Memory(shared))


def opened(frames: Frames, config: dict[str, Any] | None = None, as_of: dt.date = AS_OF) -> Dataset:
    """Load a random company, with what another one of its shape has compiled already."""
    return quick(kh.load(frames, {**CONFIG, **(config or {})}, as_of))
