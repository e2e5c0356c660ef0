"""KPIs that a project declares in its own kpis.py: in the catalogue, the check and the report."""

import json
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell

from kpi_helpers.catalogue import REGISTRY, declare_from
from kpi_helpers.cli import main
from kpi_helpers.errors import BadInput
from kpi_helpers.kpis import catalogue
from kpi_helpers.reports import run
from kpi_helpers.reports.places import notebooks

OWN = """
from kpi_helpers import kpi
from kpi_helpers.kpis.parts import share
from kpi_helpers.units import PERCENT

LARGE = 15_000


@kpi(
    names=("Part des grosses affaires", "Share of large deals"),
    definition_fr="Affaires de 15 000 ou plus, en part des affaires créées.",
    unit=PERCENT,
    dated="created_at",
)
def large_deal_share(deals):
    "Deals of 15,000 and more, as a share of all deals created."
    return share(deals.amount >= LARGE, of=deals.amount.notnull())
"""
DEALS = pd.DataFrame(
    {
        "deal_id": ["1", "2", "3", "4"],
        "created_at": ["2026-07-05", "2026-07-09", "2026-08-01", "2026-09-30"],
        "status": "open",
        "amount": [20_000, 9_000, 15_000, 500],
    }
)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    DEALS.to_csv(tmp_path / "data" / "deals.csv", index=False)
    (tmp_path / "kpi.toml").write_text('schema = 1\nlanguage = "en"\nkpis = ["large_deal_share"]\n')
    (tmp_path / "kpis.py").write_text(OWN)
    before = dict(REGISTRY)
    yield tmp_path
    REGISTRY.clear()
    REGISTRY.update(before)


@pytest.mark.thorough
def test_it_stands_in_the_report_of_another_process(project: Path) -> None:
    folder = run({"period": "2026Q3"}, project / "reports")
    card = pd.read_csv(folder / "tables" / "scorecard.csv").set_index("period").loc["2026Q3"]
    assert (card["kpi"], card["numerator"], card["denominator"]) == ("large_deal_share", 2, 4)
    assert json.loads((folder / "run.json").read_text())["kpis"].keys() == {"large_deal_share"}
    assert "Share of large deals" in (folder / "01_kpi_evaluation.html").read_text()


CELL = OWN.replace("large_deal_share", "small_deal_share").replace("amount >= ", "amount < ")
CELL = CELL.replace("Share of large deals", "Share of small deals").replace(
    "Part des grosses affaires", "Part des petites affaires"
)


def test_one_of_a_notebooks_cell_stands_beside_that_of_the_project(project: Path) -> None:
    """An analyst writes a cell after the opening of the report's notebook, and runs the report."""
    notebook = nbformat.read(notebooks() / "01_kpi_evaluation.ipynb", as_version=4)
    at = next(n for n, cell in enumerate(notebook.cells) if "reports.opened(" in cell.source) + 1
    listed = (
        "print(kh.catalogue(settings.lang).set_index('id').loc[kpis, 'definition'].to_string())"
    )
    choose = f"kpis = [*kpis, 'large_deal_share', 'small_deal_share']\n{listed}"
    notebook.cells[at:at] = [new_code_cell(CELL), new_code_cell(choose)]
    path = project / "01_kpi_evaluation.ipynb"
    nbformat.write(notebook, path)
    folder = run({"period": "2026Q3"}, project / "reports", sources=[path])
    card = pd.read_csv(folder / "tables" / "scorecard.csv").query("period == '2026Q3'")
    assert card.set_index("kpi")["value"].to_dict() == {
        "large_deal_share": 0.5,
        "small_deal_share": 0.5,
    }
    page = (folder / "01_kpi_evaluation.html").read_text()
    assert "Share of small deals" in page
    assert "small_deal_share    Deals of 15,000 and more" in page


def test_it_stands_in_the_catalogue(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["catalogue", "--lang", "fr"]) == 0
    assert "Part des grosses affaires" in capsys.readouterr().out


def test_run_again_it_declares_anew_what_has_changed(project: Path) -> None:
    own = project / "kpis.py"
    assert declare_from(own) == ["large_deal_share"]
    first = REGISTRY["large_deal_share"].version
    own.write_text(OWN.replace("15_000\n", "40_000\n"))
    assert declare_from(own) == ["large_deal_share"]
    assert REGISTRY["large_deal_share"].version != first
    own.write_text(OWN.replace("large_deal_share", "Large_deal_share"))
    assert declare_from(own) == ["Large_deal_share"]
    own.write_text("nothing = 0\n")
    assert declare_from(own) == []
    assert "large_deal_share" not in REGISTRY


def test_one_that_is_declared_twice_in_a_file_is_refused(project: Path) -> None:
    again = OWN.replace("large_deal_share", "Large_deal_share")
    for second in (OWN, again):
        (project / "kpis.py").write_text(OWN + second)
        with pytest.raises(BadInput, match="large_deal_share is already declared"):
            declare_from(project / "kpis.py")


def test_one_that_lies_with_the_data_is_not_run(project: Path) -> None:
    (project / "data" / "kpis.py").write_text("raise SystemExit('run')")
    (project / "kpis.py").unlink()
    (project / "kpi.toml").write_text("schema = 1\n")
    assert main(["check", "data"]) == 0


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("\nx = 1 / 0\n", "kpis.py, line 2: .* ZeroDivisionError: division by zero"),
        ("\n\ndef broken(:\n", "kpis.py, line 3: .* SyntaxError"),
        (OWN.replace("large_deal_share", "win_rate_count"), "win_rate_count is already declared"),
        (OWN.replace("large_deal_share", "Bookings"), "KPI bookings is already declared"),
        ("import kpi_helpers.absent\n", "kpis.py, line 1: .* ModuleNotFoundError"),
    ],
)
def test_a_faulty_one_is_named_with_its_line(project: Path, code: str, said: str) -> None:
    (project / "kpis.py").write_text(code)
    known = len(catalogue())
    with pytest.raises(BadInput, match=said):
        declare_from(project / "kpis.py")
    assert len(catalogue()) == known
