"""What the README says can be done as it is written."""

import linecache
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from kpi_helpers.catalogue import REGISTRY
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
