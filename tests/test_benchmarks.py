"""The benchmarks run, at a small size, and hold the kit to the numbers that are counted by hand."""

import os
import re
import subprocess
import sys
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

pytestmark = pytest.mark.thorough

HOME = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def benchmarks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The scripts' own folder, from which they import each other; what they declare goes again."""
    from kpi_helpers.catalogue import REGISTRY
    from kpi_helpers.kpis import catalogue

    monkeypatch.syspath_prepend(str(HOME))
    known = {*catalogue()["id"]}
    yield
    for name in {*REGISTRY} - known:
        del REGISTRY[name]


def test_the_speed_of_measure_is_told_once_its_numbers_are_right() -> None:
    sizes = ["--rows", "20000", "--deals", "1500", "--times", "1"]
    ran = subprocess.run(
        [sys.executable, str(HOME / "measure.py"), *sizes],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONWARNINGS": "error"},
    )
    assert ran.returncode == 0, ran.stderr
    first, second, *_ = ran.stdout.splitlines()
    assert first.split() == ["kit", "ms", "by", "hand", "ms", "ratio", "clock", "goal"]
    assert re.match(r"ten KPIs, 1,500 deals +[\d.]+ +[\d.]+ +[\d.]+ +[\d.]+ +1\.10  ", second)
    for name in ("new_customers_won", "together", "import kpi_helpers", "quality, 20,000 rows"):
        assert f"\n{name}" in ran.stdout
    assert re.search(r"20,000 rows: median ratio [\d.]+, goal 1\.30", ran.stdout)


@pytest.mark.usefixtures("benchmarks")
def test_a_number_that_differs_fails_the_benchmark() -> None:
    import measure

    cells = {"kpi": ["bookings"] * 2, "period": ["2024Q1", "2024Q2"], "team": ["a", "a"]}
    kit = pd.DataFrame({**cells, "value": [1.0, 0.0]})
    measure.assert_same(kit, kit, ["value"])
    measure.assert_same(kit, kit.head(1), ["value"])  # SQL has no row for what is not there
    with pytest.raises(AssertionError):
        measure.assert_same(kit, kit.assign(value=[1.0 + 1e-8, 0.0]), ["value"])
    with pytest.raises(AssertionError):
        measure.assert_same(kit.head(1), kit, ["value"])
    with pytest.raises(AssertionError):
        measure.assert_same(kit.assign(value=[1.0, 2.0]), kit.head(1), ["value"])


@pytest.mark.usefixtures("benchmarks")
def test_the_heaviest_kpis_are_those_of_sql_by_hand(tmp_path: Path) -> None:
    import by_month
    import catalogue
    import duckdb
    import made

    data = catalogue.load(made.company(tmp_path, 2000), catalogue.SETTINGS)
    values = {"folder": tmp_path.as_posix(), "window": catalogue.WINDOW, **catalogue.DATES}
    with duckdb.connect() as con:
        for name in (*by_month.AT_ONCE, *by_month.EACH_MONTH):
            hand = by_month.asked(con, name, catalogue.MONTHS, **values)
            catalogue.assert_same(catalogue.measured(data, name), hand)
    with pytest.raises(AssertionError):
        catalogue.assert_same(catalogue.measured(data, name), hand.assign(value=hand["value"] + 1))


@pytest.mark.usefixtures("benchmarks")
def test_the_same_seed_makes_the_same_files(tmp_path: Path) -> None:
    import made

    folders = [tmp_path / name for name in ("one", "two", "other")]
    for folder, seed in zip(folders, (7, 7, 8), strict=True):
        folder.mkdir()
        made.write(folder, 500, seed)
    one, two, other = (pd.read_parquet(folder / "deals.parquet") for folder in folders)
    pd.testing.assert_frame_equal(one, two)
    assert not one.equals(other)
    assert {"won", "lost", "open"} == set(one["status"])


@pytest.mark.usefixtures("benchmarks")
def test_both_sides_take_turns_and_a_miss_is_said() -> None:
    from timing import Line, Taken, in_turns

    called: list[str] = []
    kit, hand = in_turns(lambda turn: called.append("kit"), lambda turn: called.append("hand"), 3)
    assert called == ["kit", "hand"] * 5
    assert min(*kit, *hand) >= 0
    fast, slow = Taken(0.1, 0.2), Taken(0.1, 0.4)
    assert str(Line("x", slow, fast, 1.8)).endswith("MISSES")
    assert str(Line("x", slow, fast, 2.0)).endswith("holds")
    assert Line("x", slow, fast).ratio == 2.0


def test_the_shipped_company_shows_every_truth() -> None:
    ran = subprocess.run(
        [sys.executable, str(HOME / "truths.py"), "--seeds", "1"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    told = ran.stdout.splitlines()
    assert len(told) > 12
    assert all(line.endswith("1 of 1") for line in told), ran.stdout


def test_the_speed_of_reading_is_told(tmp_path: Path) -> None:
    lines = pd.DataFrame({"basket_id": range(500), "household_id": 1, "product_id": 2})
    day = pd.Timestamp("2017-01-01 11:53:26")
    lines = lines.assign(quantity=1, sales_value=0.5, transaction_timestamp=day)
    lines.to_parquet(tmp_path / "transactions.parquet")
    ran = subprocess.run(
        [sys.executable, str(HOME / "reading.py"), str(tmp_path), "--times", "1"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    for kind in ("csv", "parquet"):
        assert re.search(rf"\n{kind}, 0 MB +[\d.]+ +[\d.]+ +[\d.]+ +[\d.]+ +1\.50 ", ran.stdout)
    assert ran.stdout.count("most memory: ") == 2


@pytest.mark.usefixtures("benchmarks")
def test_growth_is_told_once_all_sides_say_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import scale
    import sides

    monkeypatch.setattr(scale, "apart", sides.turn)  # all in this process, which is faster
    figures = ["new_vs_existing_revenue", "stage_conversion", "funnel", "cohorts", "revenue"]
    given = Namespace(sizes=[10_000], lines=20_000, figures=figures, times=1)
    scale.on_duckdb(tmp_path, given)
    said = capsys.readouterr().out
    for name in figures[:-1]:  # seconds and GB of kit, SQL and pandas, and three ratios
        assert re.search(rf"\n{name}( +[\d.]+)" + "{9}\n", said), said
    for rows in ("10,000", "200", "2,000", "20,000"):
        assert re.search(rf"\n{rows}: ratio to SQL [\d.]+ in the median, goal 1\.3", said), said
    kit = pd.DataFrame({"team": ["a", "b"], "value": [1.0, 2.0]})
    with pytest.raises(AssertionError):
        scale.assert_same(kit, kit.assign(value=[1.0, 2.0001]), "any")
    with pytest.raises(AssertionError):
        scale.assert_same(kit.head(1), kit, "any")
