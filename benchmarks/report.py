"""What a report costs, in processor seconds with all its processes, beside the two ways without us.

The plain script runs the code cells of all notebooks in one Python and draws what they show; the
command lines are papermill and nbconvert, a notebook at a time. All is measured in one run, since
the machine may be shared. A batch counts as so many packs.

    python benchmarks/report.py --packs 20
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from kpi_helpers.reports.parameters import TAG, declared
from kpi_helpers.reports.places import of_reports, sample

GIVEN = {"period": "2026Q3", "by": "team", "lang": "en"}
PRELOAD = """
from importlib import import_module
from kpi_helpers.reports import forking, opening
for name in forking.IMPORTED:
    import_module(name)
opening.read("", "", "", "en", False)
"""
SHOW = """
def show(value):
    for form in ("_repr_mimebundle_", "_repr_html_"):
        if hasattr(value, form):
            return getattr(value, form)()
"""


def seconds(*commands: list[str]) -> float:
    """Processor seconds of commands that run one after the other, and of all they start."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for command in commands:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def script() -> str:
    """The code cells of all notebooks, each with its parameters, as one script."""
    parts = [SHOW]
    for notebook in of_reports():
        for cell in json.loads(notebook.read_text("utf-8"))["cells"]:
            if cell["cell_type"] != "code":
                continue
            parts.append(shown("".join(cell["source"])))
            if TAG in cell["metadata"].get("tags", ()):
                parts += [f"{name} = {value!r}" for name, value in GIVEN.items()]
    return "\n".join(parts)


def shown(source: str) -> str:
    """A cell that draws what it ends with, as a notebook does."""
    tree = ast.parse(source)
    if tree.body and isinstance(last := tree.body[-1], ast.Expr):
        call = ast.Call(ast.Name("show", ast.Load()), [last.value], [])
        tree.body[-1] = ast.Expr(call)
    return ast.unparse(ast.fix_missing_locations(tree))


def command_lines(folder: Path) -> list[list[str]]:
    """The commands of papermill and nbconvert that make a page of each notebook."""
    commands = []
    for notebook in of_reports():
        own = declared(notebook)
        words = [word for name in GIVEN if name in own for word in ("-p", name, GIVEN[name])]
        done = str(folder / notebook.name)
        commands.append([sys.executable, "-m", "papermill", str(notebook), done, *words])
        commands.append([sys.executable, "-m", "nbconvert", "--to", "html", done])
    return commands


def report(out: Path, *more: str) -> list[str]:
    words = [word for name, value in GIVEN.items() for word in (f"--{name}", value)]
    return [sys.executable, "-m", "kpi_helpers", "report", *words, "--out", str(out), *more]


def project(folder: Path, packs: int) -> list[str]:
    """The sample company with so many segments, as options of the command."""
    shutil.copytree(sample(), folder)
    segments = [f's{n:02} = "amount >= {n * 100}"' for n in range(packs)]
    with (folder / "kpi.toml").open("a", encoding="utf-8") as settings:
        settings.write("\n".join(["\n[segments]", *segments, ""]))
    return ["--data", str(folder), "--config", str(folder / "kpi.toml"), "--each", "segments"]


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--packs", type=int, default=20)
    packs = asked.parse_args().packs
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        os.chdir(home)
        (home / "all.py").write_text(script(), "utf-8")
        plain = seconds([sys.executable, "all.py"])
        tools = seconds(*command_lines(home))
        one = seconds(report(home / "one"))
        preload = seconds([sys.executable, "-c", PRELOAD])
        batch = seconds(report(home / "each", *project(home / "sample", packs))) / packs
    lines = [
        ("pack, libraries and data read before", one - preload, "plain script", plain, 1.3),
        ("pack, all counted", one, "plain script", plain, 1.8),
        ("pack, all counted", one, "papermill and nbconvert", tools, 0.5),
        (f"pack of a batch of {packs}", batch, "papermill and nbconvert", tools, 0.4),
    ]
    print(f"{'CPU seconds':38}{'kit':>7}{'other':>8}{'ratio':>7}{'goal':>6}")
    for what, kit, beside, other, goal in lines:
        verdict = "holds" if kit / other <= goal else "MISSES"
        print(
            f"{what:38}{kit:7.1f}{other:8.1f}{kit / other:7.2f}{goal:6.2f}  {verdict}  ({beside})"
        )


if __name__ == "__main__":
    main()
