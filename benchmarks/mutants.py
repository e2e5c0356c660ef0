"""Whether the tests would notice: small faults are put into a room, and most must be found.

A fault is tried in a process forked from one that has imported the libraries, by the tests that run
its line, those that run least code first, until one fails. Which tests run a line stands in the
file that ``make coverage`` leaves. Afterwards the tests that found faults are run without any.

    make mutants ARGS="--rooms survival funnel --sample 60 --seed 1"
"""

import argparse
import importlib
import importlib.machinery
import os
import random
import resource
import signal
import sqlite3
import sys
import tempfile
import time
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import coverage
import pytest
from faults import HOME, Mutant, mutants, mutated

ROOMS = ("intervals", "survival", "measure", "compare", "funnel", "forecasting")
LIBRARIES = "babel.numbers duckdb great_tables hypothesis ibis ibis.backends.duckdb holidays numpy"
LIBRARIES += " matplotlib.pyplot pandas pyarrow scipy.stats seaborn statsmodels.api xlsxwriter"
MOST_TESTS = 150
KILLED, SURVIVED, UNTRIED = "killed", "survived", "no test runs it"


class Runs:
    """Which tests run which lines; those that run least code come first."""

    def __init__(self) -> None:
        path = os.environ.get("COVERAGE_FILE", str(HOME / ".coverage"))
        self.data, self.lines = coverage.CoverageData(path), {}
        self.data.read()
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as con:
            asked = "select context, count(*) from arc join context on id = context_id group by 1"
            self.cost = {context.partition("|")[0]: n for context, n in con.execute(asked)}

    def of(self, mutant: Mutant) -> list[str]:
        """List the tests of a mutant's lines; what runs at import is tried by all of its file's."""
        if mutant.path not in self.lines:
            self.lines[mutant.path] = self.data.contexts_by_lineno(mutant.path)
        of_file = self.lines[mutant.path]
        found = set().union(*(of_file.get(line, ()) for line in mutant.lines))
        if found == {""}:
            found = set().union(*of_file.values())
        names = {context.partition("|")[0] for context in found} - {""}
        return sorted(names, key=lambda name: (self.cost[name], name))[:MOST_TESTS]


class Limit:
    """What ends a run of tests once it took its seconds, and notes the test that failed."""

    def __init__(self, seconds: float, note: Path) -> None:
        self.seconds, self.note = seconds, note

    def pytest_configure(self) -> None:
        """Stop at the first example that fails: the smallest is not needed."""
        from hypothesis import Phase, settings

        phases = [Phase.explicit, Phase.generate]
        settings.register_profile("found", derandomize=True, deadline=None, phases=phases)
        settings.load_profile("found")

    def pytest_runtest_protocol(self, item: pytest.Item) -> None:
        """Ask for the end before the next test."""
        if time.process_time() > self.seconds:
            item.session.shouldstop = "took its seconds"

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note what failed."""
        if report.failed:
            self.note.write_text(report.nodeid, "utf-8")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note what cannot even be imported."""
        if report.failed:
            self.note.write_text(report.nodeid, "utf-8")


def put_in(mutant: Mutant) -> None:
    """Import the module of a mutant with its fault; nothing is written."""
    loader, target = importlib.machinery.SourceFileLoader, str(HOME / mutant.path)
    usual = loader.get_code

    def get_code(self: Any, name: str) -> Any:
        if self.get_filename(name) == target:
            return compile(mutated(mutant), target, "exec")
        return usual(self, name)

    loader.get_code = get_code
    importlib.import_module(mutant.path.removesuffix(".py").replace("/", "."))


def failing(mutant: Mutant | None, tests: list[str], seconds: float) -> str:
    """Name the test that fails in a forked process with this fault, or nothing."""
    with tempfile.TemporaryDirectory() as folder:
        note = Path(folder, "note")
        child = os.fork()
        if child == 0:
            _try(mutant, tests, Limit(seconds, note))
        _, status = os.waitpid(child, 0)
        if note.exists():
            return note.read_text("utf-8")
    code = os.waitstatus_to_exitcode(status)
    if code not in (0, 2) and code > 0:
        raise RuntimeError(f"pytest ends with {code} for {mutant}: is `.coverage` of other tests?")
    return "no end" if code < 0 else ""


def _try(mutant: Mutant | None, tests: list[str], limit: Limit) -> None:
    code = 3
    try:
        signal.alarm(int(limit.seconds * 15))
        resource.setrlimit(resource.RLIMIT_CPU, (int(limit.seconds * 3),) * 2)
        with Path(os.devnull).open("w") as null:
            os.dup2(null.fileno(), 1)
            os.dup2(null.fileno(), 2)
        if mutant:
            limit.note.write_text("its import", "utf-8")
            put_in(mutant)
            limit.note.unlink()
        words = "-x -p no:cacheprovider -p no:cov -W ignore::pytest.PytestAssertRewriteWarning"
        code = int(pytest.main([*words.split(), *tests], plugins=[limit]))
    finally:
        os._exit(code)


def verdict(task: tuple[Mutant, list[str], float]) -> tuple[Mutant, str, str]:
    """Tell what becomes of a mutant, and by which test."""
    mutant, tests, seconds = task
    by = failing(mutant, tests, seconds) if tests else ""
    return mutant, KILLED if by else SURVIVED if tests else UNTRIED, by


def drawn(room: str, ask: argparse.Namespace) -> list[Mutant]:
    """Draw the mutants of a room that are tried."""
    paths = sorted(path.relative_to(HOME) for path in (HOME / "kpi_helpers" / room).glob("*.py"))
    every = [mutant for path in paths for mutant in mutants(str(path))]
    if ask.every or ask.sample >= len(every):
        return every
    return random.Random(f"{ask.seed} {room}").sample(every, ask.sample)


def row(room: str, verdicts: list[str]) -> str:
    """Write the row of a room."""
    from kpi_helpers.intervals import wilson

    killed, n = verdicts.count(KILLED), len(verdicts)
    low, high = (float(end) for end in wilson(killed, n))
    return f"{room:12} {n:7} {killed:7} {n - killed:9}  {killed / n:6.1%} ({low:.1%} to {high:.1%})"


def main(words: list[str] | None = None) -> int:
    ask = _asked(words)
    os.chdir(HOME)
    sys.path.insert(0, str(HOME))
    runs, rooms = Runs(), {room: drawn(room, ask) for room in ask.rooms}
    for name in LIBRARIES.split():
        importlib.import_module(name)
    found, killers = {}, set()
    with get_context("fork").Pool(ask.jobs) as pool:
        tasks = [(m, runs.of(m), ask.seconds) for here in rooms.values() for m in here]
        for mutant, how, by in pool.imap_unordered(verdict, tasks):
            found[mutant] = how
            killers |= {by} if "::" in by else set()
            if how != KILLED or ask.verbose:
                print(
                    f"{mutant.path}:{mutant.lines.start}  {mutant.reads}  [{how}] {by}", flush=True
                )
    if killers and (sick := failing(None, sorted(killers), 3600)):
        print(f"{sick} fails without any fault: nothing above can be trusted.")
        return 1
    print(f"\n{'room':12} mutants  killed  survived  share, with its 95% interval")
    for room, here in rooms.items():
        print(row(room, [found[mutant] for mutant in here]))
    return 0


def _asked(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rooms", nargs="+", choices=ROOMS, default=ROOMS)
    parser.add_argument("--sample", type=int, default=60, help="mutants of each room")
    parser.add_argument("--all", dest="every", action="store_true", help="all mutants")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=20.0, help="of tests, for each mutant")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--verbose", action="store_true", help="tell what found the others too")
    return parser.parse_args(words)


if __name__ == "__main__":
    raise SystemExit(main())
