"""Notebooks run by schedulers: what they hand over is read, and the README's examples run."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from kpi_helpers.cli.commands import COMMANDS
from kpi_helpers.cli.parsing import Parser
from kpi_helpers.errors import UnknownName
from kpi_helpers.reports import parameters, places

pytestmark = pytest.mark.thorough

DEFAULTS = {"period": "last", "kpis": [], "share": False, "draws": 1000, "level": 0.95}


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        *[("share", "True", True), ("share", "false", False), ("share", "", False)],
        *[("kpis", '["cac", "revenue"]', ["cac", "revenue"]), ("kpis", "['cac']", ["cac"])],
        *[("kpis", "cac, revenue", ["cac", "revenue"]), ("kpis", " ", []), ("kpis", "[]", [])],
        *[("draws", "5", 5), ("level", "0.9", 0.9), ("level", "1", 1), ("draws", "", 1000)],
        *[("period", 2026, "2026"), ("period", "2026", "2026"), ("period", "", "")],
    ],
)
def test_text_is_read_as_what_the_default_is(name: str, text: object, value: object) -> None:
    read = parameters.checked({name: text}, DEFAULTS)[name]
    assert (read, type(read)) == (value, type(value))


CELL = 'period = "last"  # a period\nkpis = []  # ids\nshare = False  # to hand it over\n'


@pytest.mark.parametrize("head", ["", "# Parameters\n"])
def test_what_a_scheduler_gave_is_checked_in_the_notebook(head: str) -> None:
    cells = ["", CELL, f"{head}period = 2026\nkpis = 'cac'", "the cell that asks"]
    given = {"In": cells, "period": 2026, "kpis": "cac", "share": False}
    everything = {"period": "2026", "kpis": ["cac"], "share": False}
    assert parameters.accepted(given) == everything
    cells[2] = f"{head}perod = '2026Q3'\nshare = float('nan')"
    with pytest.raises(UnknownName, match="Did you mean period?"):
        parameters.accepted({"In": cells, "perod": "2026Q3", "share": float("nan")})


@pytest.mark.parametrize(
    "cells",
    [
        *[
            [],
            ["", "now"],
            ["", CELL, "now"],
            ["", "1 + 1", CELL, "now"],
            ["", "%magic ?", "a", "now"],
        ],
        *[["", CELL, "x = measure(period)", "now"], ["", CELL, "print(1)", "now"]],
    ],
)
def test_where_a_person_works_nothing_was_given(cells: list[str]) -> None:
    assert parameters.accepted({"In": cells, "period": 5, "x": 1}) == {}


# --- the examples of the README -----------------------------------------------------------------

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
OPERATOR = """
import runpy, sys
from airflow.providers.papermill.operators.papermill import PapermillOperator
names = runpy.run_path(sys.argv[1])
(task,) = (each for each in names["dag"].tasks if isinstance(each, PapermillOperator))
task.execute({})
"""
MANAGER = """
import json, sys
from types import SimpleNamespace
from jupyter_scheduler.executors import DefaultExecutionManager

class Once(DefaultExecutionManager):
    model = SimpleNamespace(parameters=json.loads(sys.argv[1]), output_formats=["notebook"])
    def add_side_effects_files(self, folder):
        pass

Once("1", "", "", {"input": sys.argv[2], "notebook": sys.argv[3]}).execute()
"""


def block(kind: str, word: str) -> str:
    """Return the one block of a kind in the README that holds a word."""
    (found,) = (b for b in re.findall(rf"```{kind}\n(.*?)```", README, re.DOTALL) if word in b)
    return str(found)


@pytest.fixture
def srv(tmp_path: Path) -> Path:
    """Return a project as the README's, and a kernel ``kpi`` (and ``python3``) that is ours."""
    (tmp_path / "notebooks").symlink_to(places.notebooks())
    (tmp_path / "data").symlink_to(places.sample())
    (tmp_path / "reports").mkdir()
    for name in ("kpi", "python3"):
        spec = tmp_path / "kernels" / name
        spec.mkdir(parents=True)
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        known = {"argv": argv, "display_name": name, "language": "python"}
        (spec / "kernel.json").write_text(json.dumps(known), "utf-8")
    return tmp_path


def run(srv: Path, *words: str) -> str:
    """Run a program in the project; return what it said on stderr where it failed."""
    variables = {"JUPYTER_PATH": str(srv), "AIRFLOW_HOME": str(srv / "airflow")}
    told = subprocess.run(
        words,
        cwd=srv,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    return told.stderr if told.returncode else ""


def finished(notebook: Path) -> bool:
    """Whether every cell of a notebook ran, to its last."""
    cells = json.loads(notebook.read_text("utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    last = "".join("".join(o.get("data", {}).get("text/plain", "")) for o in code[-1]["outputs"])
    return all(cell["execution_count"] for cell in code) and "<finished" in last


def environment(variable: str) -> str:
    """Return the Python of an environment that CI makes for a scheduler."""
    if variable not in os.environ:
        pytest.skip(f"{variable} names no Python with that scheduler")
    return os.environ[variable]


def test_papermill_runs_a_notebook_from_any_folder(srv: Path) -> None:
    (line,) = (x for x in block("console", "papermill").splitlines() if "papermill" in x)
    words = shlex.split(line.replace("/srv/acme", str(srv)))[1:]
    words[0] = str(srv / words[0])
    papermill = [sys.executable, "-m", "papermill", "--no-progress-bar"]
    assert run(srv, *papermill, *words) == ""
    assert finished(srv / "actions.ipynb")
    said = run(srv, *papermill, *words, "-p", "perod", "2026Q3")
    assert "Unknown parameter: 'perod'. Did you mean period?" in said


def test_airflow_runs_a_notebook(srv: Path) -> None:
    python = environment("KPI_TEST_AIRFLOW")
    dag = block("py", "PapermillOperator").replace("/srv/acme", str(srv))
    (srv / "dag.py").write_text(dag.replace("catchup=False):", "catchup=False) as dag:"), "utf-8")
    assert run(srv, python, "-c", OPERATOR, str(srv / "dag.py")) == ""
    assert finished(srv / "reports" / "actions.ipynb")


def test_jupyter_scheduler_runs_a_notebook(srv: Path) -> None:
    python = environment("KPI_TEST_JUPYTER_SCHEDULER")
    given = block("json", "period").replace("/srv/acme", str(srv))
    notebook, done = srv / "notebooks" / "05_action_plan.ipynb", srv / "done.ipynb"
    assert run(srv, python, "-c", MANAGER, given, str(notebook), str(done)) == ""
    assert finished(done)
    wrong = json.dumps({"perod": "'2026Q3'"})
    assert "Unknown parameter: 'perod'" in run(
        srv, python, "-c", MANAGER, wrong, str(notebook), str(done)
    )


def test_cron_and_ci_call_commands_that_exist() -> None:
    job = yaml.safe_load(block("yaml", "schedule"))
    steps = [step.get("run", "") for step in job["jobs"]["report"]["steps"]]
    cron = re.findall(
        r"^[\d, */]+ {2}cd .*?&& (?:\.venv/bin/)?(kpi .*?)(?: 2?>| >|$)", README, re.M
    )
    called = [said.split() for said in (*cron, *steps) if said.startswith("kpi ")]
    assert [words[1] for words in called] == ["alerts", "report", "report"]
    for _, name, *rest in called:
        parser = Parser(f"kpi {name}", "en", "about")
        COMMANDS[name].describe(parser)
        parser.read(rest)
