"""The promise of comparisons, in short; ``benchmarks/false_alarms.py`` prints it in full."""

import importlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

import kpi_helpers as kh

RUNS = 200


@pytest.fixture(scope="module")
def bench() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parents[1] / "benchmarks"))
        yield importlib.import_module("false_alarms")


@pytest.fixture(scope="module")
def quiet(bench: ModuleType) -> pd.DataFrame:
    return bench.from_sums(1, bench.STEADY, bench.STEADY, RUNS)


def test_where_nothing_changes_little_is_found(bench: ModuleType, quiet: pd.DataFrame) -> None:
    row = bench.alarms("quiet", "sums", quiet, bench.MOST_ALARMS)
    assert (row.tests, row.runs) == (25, RUNS)
    assert row.found > 0.02
    assert row.verdict == "holds", bench.line(row)


def test_no_single_kpi_is_found_too_often(quiet: pd.DataFrame) -> None:
    seen = quiet.dropna(subset=["p_value"]).groupby("kpi")["p_value"]
    often = seen.apply(lambda p: (p < 0.05).mean())
    assert often.max() < 0.05 + 4 * np.sqrt(0.05 * 0.95 / RUNS)
    assert often.mean() < 0.05


def test_what_falls_is_found(bench: ModuleType) -> None:
    fallen = bench.from_sums(2, bench.AFTER, bench.BEFORE, RUNS)
    row = bench.power("fall", "sums", fallen, bench.LEAST_POWER)
    assert row.verdict == "holds", bench.line(row)


def test_facts_are_no_established_changes(quiet: pd.DataFrame) -> None:
    facts = quiet[quiet["kpi"].isin(["media_spend", "acquisition_spend"])]
    assert facts["p_value"].isna().all()
    assert set(facts["certainty"]) == {"exact"}


def test_a_rule_without_correction_would_be_seen(bench: ModuleType, quiet: pd.DataFrame) -> None:
    careless = quiet.assign(change_verdict=np.where(quiet["p_value"] < 0.05, "worse", "none_shown"))
    row = bench.alarms("careless", "sums", careless, bench.MOST_ALARMS)
    assert row.found > 0.4
    assert row.verdict == "MISSES"


def test_the_tables_hold_the_company_that_the_sums_hold(bench: ModuleType) -> None:
    law = replace(bench.STEADY, leads=400.0, decided=300.0, buyers=300, new_buyers=60.0)
    drawn = bench.steady.tables(np.random.default_rng(3), law, 8)
    data = kh.load(drawn, bench.SETTINGS)
    kpis = ["leads_generated", "deals_won_count", "lead_to_customer_rate", "new_customers"]
    found = kh.compare(data, kpis, "1996Q2").set_index("kpi")
    expected = [law.leads, law.decided * law.won, law.conversion, law.new_buyers]
    for kpi, value in zip(kpis, expected, strict=True):
        row = found.loc[kpi]
        assert row["value"] == pytest.approx(value, rel=4 / np.sqrt(row["numerator"]))
    assert found["p_value"].notna().all()


def test_a_fall_of_every_second_quarter_is_in_the_tables(bench: ModuleType) -> None:
    found = bench.from_tables(5, replace(bench.BEFORE, decided=60.0, buyers=60), 2, bench.DROP)
    rates = found[found["kpi"] == bench.RATE]
    assert rates["value"].mean() == pytest.approx(0.175, abs=0.03)
    assert rates["reference"].mean() == pytest.approx(0.25, abs=0.03)
