"""The campaign against hostile input: how many cases a family gets, and what is asked of each.

``make test`` tries a few, continuous integration (``KPI_CI``) ten thousand, the same each time.
``KPI_FUZZ=50000 pytest -n 2 tests/test_fuzz_*.py`` draws others: the seed of each family is
printed, and ``KPI_FUZZ_SEED`` draws them again. A case is one hostile input that was judged.
"""

import contextlib
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, seed, settings

from kpi_helpers.errors import KpiError
from kpi_helpers.language import LANGUAGES

BY_HAND = os.environ.get("KPI_FUZZ")
CASES = int(BY_HAND or (10_000 if os.environ.get("KPI_CI") else 260))
SEED = int(os.environ.get("KPI_FUZZ_SEED") or random.SystemRandom().randrange(1 << 32))
# Ten seconds, but machines of continuous integration are shared and run at half their speed.
MOST_SECONDS, MOST_WAITED = 10 if BY_HAND else 20, 120
_CLOCKS = (
    (signal.ITIMER_PROF, signal.SIGPROF, MOST_SECONDS),
    (signal.ITIMER_REAL, signal.SIGALRM, MOST_WAITED),
)
SECRET = "hunter2-s3cret"
# What stands for much else in attacks on text, SQL, paths, numbers, dates, markup and formulas.
NASTY = [
    *("", " ", "\x00", "\n", "\r\n", "\t", "\ufeff", "\u202e", "\u2028", "\ud800", "é" * 300, "İ"),
    *("'", '"', "''", '"";', "`", "--", ";", "{", "{0}", "{start}", "%s", "$1", "\\", "\\N", "[*]"),
    *("'; DROP TABLE kpi_deals; --", '" OR 1=1 --', "1 UNION SELECT 1", "_kpi_line", "deals"),
    *("con", "nul", "..", "../../x", "/etc/passwd", "C:\\x", "~", ".", "a/b", "file:///x", "x://y"),
    *("<script>alert(1)</script>", "=1+1", "@x", "-1", "+1", "1e999", "NaN", "inf", "-0", "0x1f"),
    *("9" * 40, "1e308", "12 345,6", "1.234,5", "2026-02-30", "0000-00-00", "9999-12-31", "2026Q3"),
    *("29/02/2025", "1900-01-00", "10000-01-01", "soon", "true", "null", "[]", "{}", "[" * 300),
    *("__import__('os')", "amount", "status", "deal_id", "a" * 5000, "\U0001f4a5", "ⅷ", "٣", "²"),
]

_judged = {"cases": 0, "refused": 0}
_target: list[Path] = []
_written: list[str] = []


def family(share: float) -> Callable[[Any], Any]:
    """So large a part of the campaign for a test; by hand others each time, and shrunk."""
    phases = [Phase.explicit, Phase.generate, *([Phase.shrink] if BY_HAND else [])]
    how = settings(
        max_examples=max(int(CASES * share), 5),
        deadline=None,
        database=None,
        derandomize=not BY_HAND,
        phases=phases,
        suppress_health_check=[*HealthCheck],
    )
    return lambda test: seed(SEED)(how(test)) if BY_HAND else how(test)


@contextlib.contextmanager
def judged(*, cases: int = 1, folder: Path | None = None) -> Iterator[None]:
    """Count a case: in time, a result or an error of ours, and no file but in ``folder``."""

    def late(*_: object) -> None:
        pytest.fail(f"a case took over {MOST_SECONDS} s")

    _judged["cases"] += cases
    _target[:], _written[:] = [folder or Path(tempfile.gettempdir(), "none")], []
    # Seconds of the processor, for the machine may be busy; and many more of the clock.
    for clock, alarm, seconds in _CLOCKS:
        signal.signal(alarm, late)
        signal.setitimer(clock, seconds * max(cases, 1))
    try:
        yield
    except KpiError as error:
        _judged["refused"] += cases
        well_said(error)
    finally:
        for clock, *_ in _CLOCKS:
            signal.setitimer(clock, 0)
        _target.clear()
    assert not _written, _written


def well_said(error: KpiError) -> None:
    """In each language, without a secret."""
    for lang in LANGUAGES:
        said = error.render(lang)
        assert said.strip()
        assert SECRET not in said


def _watch(event: str, given: tuple[Any, ...]) -> None:
    """Note what is written outside of the folder that a case may write to, and of its drafts."""
    if not _target or event not in _WRITES:
        return
    writes = os.O_WRONLY | os.O_RDWR | os.O_CREAT
    # A number is a file that is open already, or the folder that a name is relative to.
    reads = event == "open" and not ((given[2] or 0) & writes)
    if reads or isinstance(given[0], int) or (event != "open" and given[-1] != -1):
        return
    drafts = os.path.join(tempfile.gettempdir(), "kpi-")
    for name in given[: _WRITES[event]]:
        path, own = os.path.abspath(os.fsdecode(name)), str(_target[0].absolute())
        if "__pycache__" in Path(path).parts:  # what Python compiles of a module imported late
            continue
        if path != own and not path.startswith((f"{own}{os.sep}", drafts, "/dev/")):
            _written.append(f"{event} {path}")


# Each with the number of names that it changes.
_WRITES = dict.fromkeys(("open", "os.mkdir", "os.remove", "os.rmdir"), 1) | {"os.rename": 2}
sys.addaudithook(_watch)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    before, began = _judged.copy(), time.perf_counter()
    try:
        yield
    finally:
        told = [_judged[name] - before[name] for name in _judged]
        if any(told):
            item.user_properties.append(("fuzzed", (*told, time.perf_counter() - began)))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """How many cases each family judged, how many of them were refused, and how long they took."""
    reports = [r for kind in ("passed", "failed") for r in terminalreporter.getreports(kind)]
    families = [
        (*told, report.nodeid.rpartition("::")[2])
        for report in reports
        if report.when == "call"
        for name, told in report.user_properties
        if name == "fuzzed"
    ]
    if not families:
        return
    terminalreporter.section(f"hostile input, seed {SEED}" if BY_HAND else "hostile input")
    every = [sum(column) for column in zip(*(each[:-1] for each in families), strict=True)]
    for cases, refused, seconds, name in [*families, (*every, "in all")]:
        line = f"{cases:8,} cases  {refused:8,} refused  {seconds:7.1f} s  {name}"
        terminalreporter.line(line)
