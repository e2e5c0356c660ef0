"""Bad figures of others, in files: said by ``kpi check`` and on the page, in both languages."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import kpi_helpers as kh
from kpi_helpers.cli import main
from kpi_helpers.measure.outside import surest
from kpi_helpers.reports import run

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "03_competitor_benchmarking.ipynb"
HEAD = "metric,entity,period,value,unit,definition_match,source,source_date,confidence\n"
SOUND = "".join(
    f"market_sales,{who},{year},{value},EUR,yes,panel,2026-02-01,A\n"
    for who, year, value in (
        *(("market", 2024, 100000), ("market", 2025, 120000)),
        *(("Alpha", 2024, 50000), ("Alpha", 2025, 55000)),
    )
)
MONTHS = [(year, month) for year in (2024, 2025) for month in range(1, 13)]
ORDERS = "order_id,order_date,amount_net\n" + "".join(
    f"{year}{month},{year}-{month:02}-05,2000\n" for year, month in MONTHS
)
# What is wrong, the lines that say so, and what is said of them in English and in French.
CASES = {
    "a share over 100 %": (
        "win_rate_count,Alpha,2025,135 %,,yes,panel,2026-02-01,A\n",
        ("win_rate_count, Alpha, 2025 (panel): over 100%", "(panel)\u00a0: plus de 100\u00a0%"),
    ),
    "two figures of one source": (
        "market_sales,Alpha,2025,70000,EUR,yes,panel,2026-02-01,A\n",
        (
            "Alpha, 2025 (panel): the same source has another one",
            "la même source en donne un autre",
        ),
    ),
    "two sources": (
        "market_sales,Alpha,2025,70000,EUR,yes,older,2026-01-01,A\n",
        ("Alpha, 2025 (older): a surer or newer figure exists", "plus sûr ou plus récent existe"),
    ),
    "another currency": (
        "market_sales,Beta,2025,7000,USD,yes,panel,2026-02-01,A\n",
        ("market_sales, Beta, 2025 (panel): other currency", "(panel)\u00a0: autre devise"),
    ),
    "a year that is none": (
        "market_sales,Beta,the year,7000,EUR,yes,panel,2026-02-01,A\n",
        ("Beta, the year (panel): period not read", "(panel)\u00a0: période non lue"),
    ),
    "no date": (
        "market_sales,Beta,2025,7000,EUR,yes,panel,,A\n",
        ("benchmarks.source_date (1 of 5) – Required value absent", "Valeur requise absente"),
    ),
    "a market smaller than us": (
        "market_sales,market,2025,20000,EUR,yes,newer,2026-03-01,A\n",
        ("sell more than the whole market", "plus que tout le marché"),
    ),
}


def written(folder: Path, rows: str, lang: str) -> Path:
    """A company of 24,000 a year in a market of 120,000, and rows of others besides."""
    (folder / "benchmarks.csv").write_text(HEAD + SOUND + rows, "utf-8")
    (folder / "orders.csv").write_text(ORDERS, "utf-8")
    settings = f'schema = 1\nlanguage = "{lang}"\ncurrency = "EUR"\nas_of = "2026-03-31"\n'
    (folder / "kpi.toml").write_text(settings, "utf-8")
    return folder


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("lang", ["en", "fr"])
def test_the_check_says_what_is_wrong_with_a_file(
    case: str, lang: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows, expected = CASES[case]
    said = []
    for each in ("", rows):
        code = main(["check", str(written(tmp_path, each, lang))])
        said.append(capsys.readouterr().out)
        assert code == (each == rows and case == "no date")
    wanted = expected[lang == "fr"]
    assert [wanted in each for each in said] == [False, True]


def test_the_figure_that_counts_does_not_depend_on_the_order_of_rows(tmp_path: Path) -> None:
    from kpi_helpers import benchmarking

    lines = [*SOUND.splitlines(keepends=True), CASES["two figures of one source"][0]]
    found = []
    for rows in (lines, lines[::-1]):
        folder = written(tmp_path, "", "en")
        (folder / "benchmarks.csv").write_text(HEAD + "".join(rows), "utf-8")
        sold = benchmarking.sellers(kh.load(folder), "2025Q4").query("period == '2025'")
        found.append(sold.set_index("entity").loc["Alpha", "sales"])
    assert found == [70000.0, 70000.0]


def test_a_report_on_such_a_file_is_made_and_says_so(tmp_path: Path) -> None:
    rows = "".join(told for told, _ in CASES.values())
    data = written(tmp_path, rows, "fr")
    folder = run({"data": str(data), "period": "2025Q4"}, tmp_path / "out", sources=[NOTEBOOK])
    page = (folder / f"{NOTEBOOK.stem}.html").read_text("utf-8")
    said = ("plus de 100\u00a0%", "autre devise", "période non lue", "Valeur requise absente")
    for each in (*said, "vendent plus que tout le marché"):
        assert each in page


def test_of_several_rows_the_surest_then_the_newest_counts_whatever_their_order() -> None:
    """By a loop: confidence, day (unknown ones last), name of the source, the larger figure."""
    draw = np.random.default_rng(2)
    days = pd.to_datetime(["2026-01-01", "2026-02-01", None])
    rows = pd.DataFrame({"entity": draw.choice([*"xyz"], 90), "middle": draw.permutation(90)})
    rows = rows.assign(confidence=draw.choice([*"AB"], 90), source=draw.choice([*"pq"], 90))
    rows["source_date"] = draw.choice(days, 90)
    best: dict[str, tuple[str, float, str, int]] = {}
    for row in rows.itertuples():
        age = math.inf if pd.isna(row.source_date) else -row.source_date.timestamp()
        own = (row.confidence, age, row.source, -row.middle)
        best[row.entity] = min(best.get(row.entity, own), own)
    found = surest(rows, ["entity"]).set_index("entity")["middle"]
    assert found.to_dict() == {name: -last for name, (*_, last) in best.items()}


def test_of_leaders_that_sell_alike_the_first_by_name_is_told() -> None:
    named = {"metric": "market_sales", "source": "panel", "period": "2025", "confidence": "A"}
    rows = pd.DataFrame({**named, "entity": ["Beta", "Alpha", "Gamma"], "value": [9.0, 9.0, 5.0]})
    rows = rows.assign(value_low=[8.0, 7.0, 1.0], value_high=[10.0, 11.0, 9.0])
    rows = rows.assign(source_date="2026-02-01", definition_match="yes")
    data = kh.load({"benchmarks": rows}, as_of="2026-03-31")
    (found,) = kh.measure(data, "leader_sales", "2025").itertuples()
    assert (found.value, found.low, found.high) == (9, 7, 11)
