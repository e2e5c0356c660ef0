"""Rows read = rows used + rows left out, each of these listed, and no money lost on the way."""

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kpi_helpers as kh
from kpi_helpers.errors import BadInput

HEADER = ["deal_id", "created_at", "status", "closed_at", "amount", "owner"]
GOOD = [
    ["d0", "2026-01-20", "won", "2026-02-01", "1200,50", "Ann"],
    ["d00", "2026-01-21", "open", "", "0,5", "Bob"],
]
# Each cell as it should be, absent, or damaged.
IDS = st.sampled_from(["1", "2", "3", "4", "5", "6", "7", "8", "9", ""])
DAYS = st.sampled_from(["2026-01-13", "2026-02-30", "13/01/2026", "", "soon", "1900-01-01", "2026"])
STATUSES = st.sampled_from(["won", "Perdue", "open", "perhaps", "", "1"])
AMOUNTS = st.sampled_from(["100", "1 234,5", "-20", "12 pommes", "", "1.2.3", "(80)", "0"])
OWNERS = st.sampled_from(["Ann", "Bob;Cyd", 'say "hi"', "", "line\nbreak"])
CUT = st.integers(2, len(HEADER))


@st.composite
def damaged(draw: st.DrawFn) -> list[str]:
    row = [draw(each) for each in (IDS, DAYS, STATUSES, DAYS, AMOUNTS, OWNERS)]
    return draw(st.sampled_from([row, row, row, row[: draw(CUT)], [*row, "more"]]))


def readable(cell: str) -> float:
    """The amount by hand: none where it is no number."""
    known = {"100": 100.0, "1 234,5": 1234.5, "-20": -20.0, "(80)": -80.0, "0": 0.0}
    return known.get(cell, {"1200,50": 1200.5, "0,5": 0.5}.get(cell, np.nan))


def written(folder: Path, rows: list[list[str]]) -> Path:
    text = io.StringIO()
    csv.writer(text, delimiter=";", lineterminator="\n").writerows([HEADER, *rows])
    path = folder / "deals.csv"
    path.write_text(text.getvalue(), "utf-8")
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("damage")


@pytest.mark.thorough
@settings(max_examples=15, deadline=None)
@given(rows=st.lists(damaged(), max_size=12), keep=st.booleans())
def test_rows_read_are_rows_used_and_rows_listed(
    folder: Path, rows: list[list[str]], keep: bool
) -> None:
    every = [*GOOD, *rows]
    told: dict[str, Any] = {"decimal": ",", "date_order": "dmy"}
    told |= {} if keep else {"deduplicate": ["deal_id"]}
    data = kh.load(written(folder, every), {"tables": {"deals": told}}, as_of="2026-12-31")
    account = kh.accounting(data).iloc[0]
    listed = kh.left_out(data)
    excluded = listed[listed["action"] == "excluded"].drop_duplicates("line")
    used = data["deals"]
    assert account["rows"] == len(every)
    assert account["used"] == len(used)
    assert account["excluded"] == len(excluded) == len(every) - len(used)
    flagged = set(listed.loc[listed["action"] == "flagged", "line"])
    assert account["flagged"] == len(flagged)
    assert not flagged & set(excluded["line"])
    money = np.nansum([readable(row[4]) for row in every if len(row) > 4])
    assert account["money"] == pytest.approx(money)
    assert np.nansum(used["amount"]) == pytest.approx(account["money_used"])
    assert np.nansum(excluded["money"]) == pytest.approx(np.nansum([account["money_excluded"]]))
    both = np.nansum([account["money_used"], account["money_excluded"]])
    assert both == pytest.approx(money)


def test_a_listed_row_has_its_value_as_it_stands_in_the_file(folder: Path) -> None:
    row = ["1", "2026-01-13", "Peut-être", "", "12 pommes", "Ann"]
    values = {"status": {"Peut-être": "perhaps"}}
    data = kh.load(written(folder, [*GOOD, row]), {"tables": {"deals": {"values": values}}})
    (listed,) = kh.left_out(data).query("action == 'excluded'").to_dict("records")
    assert (listed["file"], listed["line"], listed["column"]) == ("deals.csv", 4, "status")
    assert (listed["value"], listed["reason"]) == ("Peut-être", "not_allowed")


def test_rows_of_parquet_have_their_number(tmp_path: Path) -> None:
    rows = pd.DataFrame([*GOOD, ["1", "2026-01-13", "perhaps", None, "5,0", "Ann"]], columns=HEADER)
    rows.to_parquet(tmp_path / "deals.parquet")
    data = kh.load(tmp_path / "deals.parquet", {})
    assert kh.left_out(data).query("action == 'excluded'")["line"].tolist() == [3]


def test_files_without_a_usable_row_are_refused_with_the_first_reason(folder: Path) -> None:
    row = ["1", "soon", "perhaps", "", "5", "Ann"]
    with pytest.raises(BadInput, match=r"deals.csv"):
        kh.load(written(folder, [row]), {})
