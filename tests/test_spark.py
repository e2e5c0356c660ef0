"""The same figures on Spark, in local mode, as on the embedded engine."""

import subprocess
import sys
from pathlib import Path

import ibis
import pandas as pd
import pytest
from analyses import HALF, journeys, same_frame
from stores import as_text, awkward, moments, on_spark
from test_time import assert_waited, waits

import kpi_helpers as kh
from kpi_helpers import funnel
from kpi_helpers.kpis import catalogue

# Spark 4 reads pandas' old options and says that pandas 3 is new to it.
pytestmark = [
    pytest.mark.thorough,
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support:FutureWarning"),
    pytest.mark.filterwarnings("ignore:The 'future.infer_string' option"),
]


def test_every_kpi_is_the_same_on_spark() -> None:
    """One company and one call; ``benchmarks/engines.py --spark`` asks the others."""
    tables, kpis = awkward(), catalogue()["id"].tolist()
    base = kh.load(tables)
    with on_spark(tables) as connection:
        other, asked = kh.load(connection), {"period": "2026Q1:2026Q2", "by": "team"}
        same_frame(kh.measure(other, kpis, **asked), kh.measure(base, kpis, **asked))
        same_frame(journeys(other), journeys(base))
        # Sums of tests are decimals there, their means are rounded, and days are no moments.
        same_frame(funnel.leak(other, HALF), funnel.leak(base, HALF))
        same_frame(funnel.stalled(other), funnel.stalled(base))


def test_any_connection_of_ibis_is_a_source() -> None:
    con = ibis.duckdb.connect()
    deals = {"deal_id": ["1"], "created_at": ["2026-01-05"], "status": ["won"]}
    frame = pd.DataFrame({**deals, "closed_at": ["2026-02-01"], "amount": [9.0]})
    con.create_table("deals", frame)
    assert kh.measure(kh.load(con), "bookings", "2026Q1")["value"].tolist() == [9.0]


@pytest.mark.parametrize("kind", ["aware", "text"])
def test_a_moment_falls_on_the_day_of_the_projects_clock_on_spark(kind: str) -> None:
    clock = {"time_zone": "Europe/Paris", "source_time_zone": "UTC"}
    with on_spark(moments(kind)) as connection:
        found = [kh.load(connection, config, "2026-06-30") for config in ({}, clock)]
        won = [kh.measure(data, "deals_won_count", "2026Q1:2026Q2")["value"] for data in found]
        assert [each.tolist() for each in won] == [[3, 0], [2, 1]]


@pytest.mark.parametrize("kind", ["aware", "text"])
def test_hours_that_somebody_waits_are_those_that_pass_on_spark(kind: str) -> None:
    tables, hours = waits(kind)
    with on_spark(tables) as connection:
        clock = {"time_zone": "Europe/Paris", "source_time_zone": "UTC"}
        assert_waited(connection, clock, hours)


def test_dates_and_amounts_kept_as_text_are_read_by_our_rules_on_spark() -> None:
    base = kh.load(as_text())
    with on_spark(as_text()) as connection:
        data = kh.load(connection)
        for kpi in ("bookings", "win_rate_count", "open_pipeline_value", "sales_cycle_duration"):
            found, expected = (kh.measure(each, kpi, "2026Q1:2026Q2") for each in (data, base))
            same_frame(found, expected)
    assert kh.measure(base, "bookings", "2026Q1")["value"].tolist() == [1234.5]


def test_columns_of_a_frame_are_added_on_spark() -> None:
    mood = pd.DataFrame({"deal_id": ["1", "2"], "mood": ["good", "bad"]})
    with on_spark(as_text()) as connection:
        found, expected = (
            kh.measure(
                kh.load(source).add(mood, on="deal_id", to="deals"), "bookings", HALF, by="mood"
            )
            for source in (connection, as_text())
        )
        same_frame(found, expected)
        assert {*found["mood"].dropna()} & {*mood["mood"]}


# The other tests share one session of this process, so what ends it has a process of its own.
ENDED = """
import stores
import kpi_helpers as kh

def won(data):
    return kh.measure(data, "deals_won_count", "2026Q1")["value"].tolist()

def tell(*asks):
    for ask in asks:
        try:
            print(ask())
        except kh.errors.Unavailable as error:
            print(error.key, error, error.render("fr"), error.__cause__)

with stores.on_spark(stores.moments("aware")) as connection:
    data = kh.load(connection, as_of="2026-06-30")
    tell(lambda: won(data))
    connection._session.stop()
    tell(lambda: won(data), lambda: data.sql("SELECT 1 FROM deals"), lambda: kh.load(connection))
stores._spark.cache_clear()
with stores.on_spark(stores.moments("aware")) as connection:
    data = kh.load(connection, as_of="2026-06-30")
    tell(lambda: won(data))
    connection._session.sparkContext._gateway.proc.kill()
    tell(lambda: won(data), lambda: won(data))
"""


def test_a_session_that_has_ended_is_said_to_have_and_another_one_answers() -> None:
    stores = Path(__file__).parent
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ENDED],
        cwd=stores,
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    said = ran.stdout.splitlines()
    ended = [line for line in said if line != "[3.0]"]
    assert [place for place, line in enumerate(said) if line == "[3.0]"] == [0, 4], said
    assert len(ended) == 5
    for line in ended:
        assert line.startswith("session_ended The Spark session that holds these data has ended.")
        assert "load the data anew" in line
        assert "est terminée" in line
        assert line.endswith(" None")
        assert "NoneType" not in line
        assert "Py4J" not in line
