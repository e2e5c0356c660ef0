"""The score of the data by hand, and how fresh they are."""

import io
from pathlib import Path

import pandas as pd
import pytest
from exports import LOST, OPEN, PLAIN, WON, loaded, text_of

import kpi_helpers as kh
from kpi_helpers.errors import BadInput
from kpi_helpers.sources import Dataset


def company(*rows: str, as_of: str | None = None) -> Dataset:

    frame = pd.read_csv(io.StringIO(text_of(*rows)), sep=";", dtype=str)
    return kh.load(frame, {"language": "en"}, as_of=as_of)


def test_data_without_a_finding_have_all_points() -> None:
    assert kh.score(company(*PLAIN)) == 100


def test_a_warning_takes_half_of_the_rows_it_touches() -> None:
    late = LOST.replace("2026-03-01", "2026-01-01")
    assert kh.quality(company(WON, OPEN, WON.replace("1;", "9;", 1), late))["share"].tolist() == [
        0.25
    ]
    assert kh.score(company(WON, OPEN, WON.replace("1;", "9;", 1), late)) == 87  # 100 (1 − ¼ · ½)


def test_the_larger_of_the_share_of_rows_and_of_money_counts() -> None:
    large = "4;2026-02-20;won;2026-02-01;7 919,00;Ann"  # 7,919 of 9,500 is five sixths
    found = kh.quality(company(*PLAIN, large))
    assert found["check"].tolist() == ["closed_before_created"]
    assert found["money_share"].iloc[0] == pytest.approx(7919 / 9500)
    assert kh.score(company(*PLAIN, large)) == int(100 * (1 - 7919 / 9500 / 2))


def test_a_block_is_a_ceiling_and_takes_its_share_in_full() -> None:
    unread = LOST.replace("lost", "maybe")
    rows = [WON.replace("1;", f"{n};", 1) for n in range(10, 19)]
    assert kh.score(company(*rows, unread)) == 60
    assert kh.score(company(WON, unread)) == 50


def test_the_same_rows_in_any_order_have_the_same_score() -> None:
    late = LOST.replace("2026-03-01", "2026-01-01")
    assert kh.score(company(WON, OPEN, late)) == kh.score(company(late, WON, OPEN)) == 83


def test_freshness_is_the_days_since_the_newest_fact() -> None:
    assert kh.freshness(company(*PLAIN)) == 0
    assert kh.freshness(company(*PLAIN, as_of="2026-03-11")) == 10
    with pytest.raises(BadInput, match="the data begin on 2026-01-05"):
        company(*PLAIN, as_of="2025-12-31")


def test_rows_that_stop_early_cost_points() -> None:
    data = company(*PLAIN, as_of="2027-03-01")
    assert kh.quality(data)["check"].tolist() == ["stops_early"]
    assert kh.score(data) == 90


def test_a_register_with_gaps_does_not_take_the_score_of_the_data(tmp_path: Path) -> None:
    fact = loaded(tmp_path, *PLAIN)
    rows = "action_id,kpi_id,root_cause,action,owner,start_date,due_date,expected_effect,status\n"
    register = tmp_path / "actions.csv"
    register.write_text(f"{rows}P1,,,,,,,,Proposée\n", "utf-8")
    proposed = kh.load(tmp_path, fact.config)
    assert (kh.score(proposed), len(kh.left_out(proposed))) == (100, 0)
    register.write_text(f"{rows}A1,,,,,,,,open\n", "utf-8")
    assert kh.score(kh.load(tmp_path, fact.config)) == 60


def test_loaded_from_a_file_the_score_is_the_same(tmp_path: Path) -> None:
    late = LOST.replace("2026-03-01", "2026-01-01")
    assert kh.score(loaded(tmp_path, WON, OPEN, late)) == 83
