"""What the README says can be done as it is written."""

import linecache
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from kpi_helpers.catalogue import REGISTRY
from kpi_helpers.cli import main
from kpi_helpers.cli.commands import COMMANDS
from kpi_helpers.cli.parsing import Parser
from kpi_helpers.kpis import catalogue
from kpi_helpers.measure.judge import ENOUGH, FEW
from kpi_helpers.periods import Calendar
from kpi_helpers.sources.config import read_config
from kpi_helpers.sources.tables import TABLES

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
KPI_LINES = re.findall(r"^(?:\.venv/bin/)?kpi (\w+)(.*?)(?:  #.*)?$", README, re.MULTILINE)


def test_its_settings_are_accepted() -> None:
    (block,) = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    settings = read_config(tomllib.loads(block))
    assert settings.calendar.fiscal_start == 4
    assert set(settings.kpis) <= set(catalogue()["id"])


@pytest.mark.parametrize(("name", "rest"), KPI_LINES)
def test_its_commands_exist(name: str, rest: str) -> None:
    parser = Parser(f"kpi {name}", "en", "about")
    COMMANDS[name].describe(parser)
    parser.read(rest.split())


def test_its_tables_have_the_columns_it_says() -> None:
    rows = re.findall(r"^\| (`.*?) \|.*?\| (.*?) \|$", README, re.MULTILINE)
    named = {
        table: re.findall(r"`(\w+)`", r[1]) for r in rows for table in re.findall(r"`(\w+)`", r[0])
    }
    assert set(named) == set(TABLES)
    for name, columns in named.items():
        assert set(TABLES[name].required) <= set(columns)


def test_its_periods_are_periods() -> None:
    (sentence,) = re.findall(r"Periods are written (.*?)\.\n", README, re.DOTALL)
    day = Calendar().parse("2026-09-30").start
    for form in re.findall(r"`(.+?)`", sentence):
        assert Calendar().parse(form, as_of=day, first=day).name


def test_its_python_runs_as_written() -> None:
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    code = "\n".join(blocks).replace('"exports/"', '"data/sample"')
    place = f"<{Path(__file__).name}>"
    linecache.cache[place] = (len(code), None, code.splitlines(keepends=True), place)
    names: dict[str, Any] = {"__name__": "readme"}
    exec(compile(code, place, "exec"), names)
    REGISTRY.pop("large_deal_share")


def test_its_thresholds_are_those_of_the_statuses() -> None:
    said = re.search(r"fewer\s+than (\d+) cases.*?fewer than (\d+)\)", README, re.DOTALL)
    assert said is not None
    assert tuple(map(int, said.groups())) == (ENOUGH, FEW)


VENTES = """Export des affaires;;;;;;
N° affaire;Client;Date de création;Statut;Date de signature;Montant HT;Commercial
A-01;Société B;10/01/2026;Gagnée;27/01/2026;4 785,71 €;Chloé Martin
A-02;Société D;13/01/2026;En cours;;20 270,33 €;Inès Dupont
A-03;Société C;18/01/2026;Perdue;14/02/2026;3 870,50 €;Hugo Bernard
A-04;Société B;02/02/2026;Gagnée;28/02/2026;1 000,29 €;Chloé Martin
A-05;Société E;05/02/2026;Gagnée;31/03/2026;12 500,00 €;Inès Dupont
A-06;Société E;05/02/2026;Gagnée;20/02/2026;500,00 €;Hugo Bernard
Total;;;;;42 926,83 €;
"""


def test_its_first_chart_is_drawn_as_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (path,) = re.findall(r"## Your first chart\n(.*?)\n## ", README, re.DOTALL)
    commands, cell = re.findall(r"```\w+\n(.*?)```", path, re.DOTALL)
    assert len(commands.splitlines()) <= 5
    assert len([*filter(None, cell.splitlines())]) <= 4
    (init,) = re.findall(r"kpi (init .*?)  #", commands)
    monkeypatch.chdir(tmp_path)
    Path("ventes.csv").write_bytes(VENTES.replace("\n", "\r\n").encode("cp1252"))
    assert main([*init.split(), "--lang", "fr"]) == 0
    drawn = "print(charts.alt(_), [line.get_ydata().tolist() for line in _.axes[0].get_lines()])"
    cells = [new_code_cell(source) for source in (cell, drawn, "data", "data['deal']")]
    cells[-1].metadata["tags"] = ["raises-exception"]
    book = new_notebook(cells=cells)
    NotebookClient(book, resources={"metadata": {"path": "acme/notebooks"}}).execute()
    chart, said, account, error = (cell.outputs[-1] for cell in book.cells)
    assert "image/png" in chart["data"]
    assert said["text"].startswith("Commandes signées mars 2026")
    assert "[4785.71, 1500.29, 12500.0]" in said["text"]
    assert "42\u202f927" in account["data"]["text/html"]
    assert (error["ename"], error["traceback"][-1]) == ("Unavailable", "    data['deal']")
