"""The reference figures that are shipped: complete, beside ours without a verdict, no claims."""

import re
import tomllib
from pathlib import Path

import pytest

import kpi_helpers as kh
from kpi_helpers import benchmarking
from kpi_helpers.errors import BadInput, MissingColumn
from kpi_helpers.sources import Dataset
from kpi_helpers.sources.published import GIVEN, published

ROOT = Path(__file__).parents[1]


def test_what_is_published_says_by_whom_of_whom_and_how() -> None:
    rows = published()
    assert len(rows) == 20
    assert (rows[GIVEN] != "").all(axis=None)
    assert not rows["definition"].str.contains("idem").any()
    assert set(rows["kpi"]) <= {*kh.catalogue()["id"]}


@pytest.mark.parametrize("column", GIVEN)
def test_a_figure_without_any_of_them_is_refused(column: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    rows = published()
    rows.drop(columns=column).to_csv(file, index=False)
    with pytest.raises(MissingColumn, match=column):
        published(file)
    rows.assign(**{column: [" ", *rows[column][1:]]}).to_csv(file, index=False)
    with pytest.raises(BadInput, match="line 2") as caught:
        published(file)
    assert column in caught.value.render("fr")


def test_published_figures_stand_beside_ours_without_a_verdict(sample: Dataset) -> None:
    found = benchmarking.context(sample, "2026Q3").set_index("kpi")
    assert found.loc["nps", "published"] == "32 points"
    assert found.loc["nps", "value"] == pytest.approx(25.5)
    assert not {"change", "change_verdict"} & {*found.columns}


def test_no_claim_of_a_vendor_is_shipped_as_a_figure() -> None:
    """The seeds say, without a source: x6 conversion, +25 % revenue, -30 % CAC, +28 %."""
    claims = re.compile(r"(?<![\w.])[x×]\s?6\b|\+\s?25\s?%|[−–-]\s?30\s?%|\+\s?28\s?%")
    assert len(claims.findall("a conversion ×6, +25\u00a0%")) == 2
    folders = {"data/benchmarks": "*.csv", "kpi_helpers/texts": "*.toml", "notebooks": "*.ipynb"}
    for folder, names in folders.items():
        for file in (ROOT / folder).glob(names):
            assert claims.findall(file.read_text("utf-8")) == [], file.name


def test_the_wheel_carries_them() -> None:
    build = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]
    shipped = build["targets"]["wheel"]["force-include"]
    assert shipped["data/benchmarks"] == "kpi_helpers/_benchmarks"
