"""Only aggregates leave a server: twice the company, the same number of rows fetched."""

from collections import Counter

import pandas as pd
import pytest
from stores import Tables, needs_server, on_server

import kpi_helpers as kh
from kpi_helpers import customers, funnel
from kpi_helpers.kpis import catalogue
from kpi_helpers.samples import company
from kpi_helpers.sources import engine

pytestmark = [needs_server, pytest.mark.thorough]

IDS = ("deal_id", "lead_id", "customer_id", "order_id")
# Registers and what is summed up already do not grow with the number of deals.
COPIED = ("deals", "leads", "orders", "customers", "stage_history", "close_date_history")
SOME = ["bookings", "win_rate_count", "sales_cycle_duration", "lead_to_customer_rate", "revenue"]
# These fetch a row a customer or order, and grow with them: the orders of new customers, and, when
# a source is opened, the names of customers that are joined.
ROW_BY_ROW = ("economics", "")


def times(tables: Tables, n: int) -> Tables:
    """Every case n times, each under ids of its own, on the same days and in the same groups."""

    def copy(frame: pd.DataFrame, place: int) -> pd.DataFrame:
        ids = [name for name in IDS if name in frame]
        return frame.assign(**{name: frame[name] + f"-{place}" for name in ids})

    return {
        name: pd.concat([copy(frame, place) for place in range(n)], ignore_index=True)
        if name in COPIED
        else frame
        for name, frame in tables.items()
    }


def fetched(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How many rows each question fetches from the server."""
    rows: Counter[str] = Counter()
    ask, asking = engine._of_server, [""]

    def counted(con: object, sql: str) -> pd.DataFrame:
        frame = ask(con, sql)
        rows[asking[0]] += len(frame)
        return frame

    questions = {
        "kpis": lambda: kh.measure(data, catalogue()["id"].tolist(), "2026Q1:2026Q2"),
        "teams": lambda: kh.measure(data, SOME, "2026Q1:2026Q2", by="team"),
        "funnel": lambda: funnel.conversion(data, "2026Q1"),
        "bottlenecks": lambda: funnel.bottlenecks(data, "2026Q1"),
        "cohorts": lambda: customers.cohorts(data),
        "economics": lambda: customers.economics(data, "2026Q1", by="channel"),
    }
    with on_server(tables) as url, monkeypatch.context() as patched:
        patched.setattr(engine, "_of_server", counted)
        data = kh.load(url)
        for asking[0], question in questions.items():
            question()
    return rows


def test_twice_the_deals_fetch_no_more_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    tables = company(leads_a_month=4)
    once = fetched(tables, monkeypatch)
    assert min(once[name] for name in ("kpis", "teams", "funnel", "cohorts")) > 0
    more = fetched(times(tables, 2), monkeypatch)
    assert {name for name in once if more[name] != once[name]} <= {*ROW_BY_ROW}
