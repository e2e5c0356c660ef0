"""The sample's exports come through the door as the deals they were written from, cell by cell."""

import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

import kpi_helpers as kh
from kpi_helpers.samples import company
from kpi_helpers.sources.dataset import Dataset

DATA = Path(__file__).parents[1] / "data"
EXPORTS = DATA / "exports"
FILES = ("hubspot.csv", "salesforce.xlsx")
# Neither vendor keeps the day that was expected once a deal is closed, nor what these columns hold.
ABSENT = {"lead_id", "campaign", "list_amount", *(f"bant_{x}" for x in ("budget", "authority"))}
ABSENT |= {"bant_need", "bant_timeline"}
OWN = {"hubspot.csv": {"sector"}, "salesforce.xlsx": {"deal_type"}}


@pytest.fixture(scope="module")
def deals() -> pd.DataFrame:
    sample = company()
    frame = sample["deals"].set_index("deal_id")
    names = sample["customers"].set_index("customer_id")["customer_name"]
    is_open = frame["status"] == "open"
    return frame.assign(
        expected_close=frame["expected_close"].where(is_open),
        customer_name=frame["customer_id"].map(names).astype("str"),
    )


@pytest.fixture(scope="module", params=FILES)
def export(request: pytest.FixtureRequest) -> tuple[str, Dataset]:
    return request.param, kh.load(EXPORTS / request.param, as_of="2026-09-30")


@pytest.fixture(scope="module")
def tables() -> Dataset:
    return kh.load(DATA / "sample")


def test_every_cell_is_that_of_the_deal(export: tuple[str, Dataset], deals: pd.DataFrame) -> None:
    name, data = export
    read = data["deals"].set_index("deal_id")
    recent = deals[~(deals["closed_at"] < "2026-01-01")]
    assert set(read.index) == set(recent.index)
    columns = [c for c in deals.columns if c not in ABSENT | OWN[name]]
    typed = read.loc[recent.index, columns].astype(recent[columns].dtypes.to_dict())
    pd.testing.assert_frame_equal(typed, recent[columns])


def test_only_the_lines_around_the_table_are_set_aside(export: tuple[str, Dataset]) -> None:
    name, data = export
    listed = kh.left_out(data).query("action == 'excluded'")["reason"].value_counts().to_dict()
    around = {"title_line": 2, "footer_line": 2, "total_row": 1}
    assert listed == (around if name.endswith("xlsx") else {})


@pytest.mark.parametrize("period", ["2026Q1", "2026Q2", "2026Q3"])
def test_a_quarter_has_the_figures_of_the_tables(
    export: tuple[str, Dataset], tables: Dataset, period: str
) -> None:
    kpis = ["win_rate_count", "win_rate_value", "bookings", "deals_won_count", "avg_deal_value"]
    columns = ["kpi", "owner", "numerator", "denominator", "n", "value", "low", "high", "status"]
    read, known = (kh.measure(data, kpis, period, by=["owner"]) for data in (export[1], tables))
    pd.testing.assert_frame_equal(read[columns], known[columns])


def test_no_address_and_no_number_of_a_person_reaches_a_pack(pack: Callable[[str], Path]) -> None:
    personal = re.compile(rb"contact\.\d+@|0[1-6](?: \d\d){4}|\+33\d{9}", re.IGNORECASE)
    files = [path for path in pack("sample fr").rglob("*") if path.is_file()]
    assert len(files) > 5
    for path in files:
        assert personal.search(path.read_bytes()) is None, path
