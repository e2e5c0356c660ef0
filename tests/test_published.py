"""The reference figures that are shipped: complete, beside ours without a verdict, no claims."""

import re
import tomllib
from html import escape
from pathlib import Path

import pytest

import kpi_helpers as kh
from kpi_helpers import benchmarking, charts, sheets, wording
from kpi_helpers.errors import BadInput, MissingColumn
from kpi_helpers.language import texts
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
    found = benchmarking.context(sample, "2026Q3")
    nps = found.set_index("kpi").loc["nps"]
    assert nps[["published", "published_unit", "reference"]].tolist() == ["32", "points", 32.0]
    assert nps[["value", "change"]].tolist() == pytest.approx([25.5, -6.5])
    assert set(found["change_verdict"]) == {"none_shown"}


def test_only_a_figure_that_is_defined_as_ours_is_drawn(sample: Dataset) -> None:
    found = benchmarking.context(sample, "2026Q3")
    drawn = benchmarking.alike(found)
    assert drawn is not None
    assert drawn["kpi"].tolist() == ["site_conversion_rate", "call_to_meeting_rate", "nps"]
    others = found.iloc[len(drawn) :]
    assert (others["differs"] != "").all()
    assert others[["reference", "change"]].isna().all(axis=None)
    assert benchmarking.alike(others) is None
    (axes,) = charts.dumbbell(drawn, lang="fr").axes
    assert {line.get_gid(): len(line.get_xdata()) for line in axes.lines}["reference"] == 3


WRITTEN = {
    "fr": [
        "69,82\u00a0%",
        "32 points",
        "47,3\u00a0% / 32,0\u00a0% / 20,7\u00a0%",
        "70,11\u00a0$",
    ],
    "en": ["69.82%", "32 points", "47.3% / 32.0% / 20.7%", "$70.11"],
}


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_each_is_written_in_the_language_with_its_reason(sample: Dataset, lang: str) -> None:
    found = benchmarking.context(sample, "2026Q3")
    page = sheets.market(found, "context", lang).as_raw_html()
    assert [figure for figure in WRITTEN[lang] if figure not in page] == []
    reasons = texts(lang)
    for row in found.to_dict("records"):
        end, other = ("_fr", "") if lang == "fr" else ("", "_fr")
        assert escape(row[f"definition{end}"]) in page
        assert escape(row[f"population{end}"]) in page
        assert escape(row[f"definition{other}"]) not in page
        assert not row["differs"] or reasons[f"market.differs.{row['differs']}"] in page
    (told,) = wording.market_findings(found, "context", lang)["sentence"]
    assert told.startswith("3 chiffres publiés sur 20" if lang == "fr" else "3 of 20 published")


def test_what_each_differs_in_is_known_in_both_languages() -> None:
    rows = published()
    assert {f"market.differs.{why}" for why in rows["differs"] if why} <= {*texts("fr")}
    assert (rows["definition"] != rows["definition_fr"]).all()
    assert (rows["population"] != rows["population_fr"]).all()


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
