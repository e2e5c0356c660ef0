"""Reports that are ended from outside or run out of disk: the old pack stays, no process does."""

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import pytest

pytestmark = pytest.mark.thorough

TINY = Path(__file__).parent / "data" / "tiny.ipynb"
PATIENCE = 30
SEED = 20261121
MOMENTS = 3

FULL = "kpi: Le rapport 2026Q1 n’a pas pu être produit, et rien n’a été écrit. Le disque est plein."
EACH = ("--each", "team")
DEALS = """deal_id,created_at,status,closed_at,amount,team
1,2026-01-05,won,2026-02-01,900,A
2,2026-01-09,lost,2026-03-01,400,B
3,2026-02-01,open,,100,A
"""
# The command line itself, on a small notebook; it sends itself a signal, or fills its disk up.
RUN = """
import os, resource, sys, threading, time
from pathlib import Path
from kpi_helpers import cli
from kpi_helpers.reports import places

notebook, number, delay, most, *words = sys.argv[1:]
places.of_reports = lambda: [Path(notebook)]
if number != "0":
    timer = threading.Timer(float(delay), os.kill, (os.getpid(), int(number)))
    timer.daemon = True
    timer.start()
if most != "0":
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(most), resource.RLIM_INFINITY))
sys.exit(cli.main(words))
"""


@dataclass(frozen=True)
class Place:
    """A project with a report in it: ``old``, made with ``words``, which took ``seconds``."""

    project: Path
    old: Path
    words: tuple[str, ...]
    seconds: float


def started(
    place: Place, out: Path, number: int = 0, delay: float = 0, most: int = 0
) -> subprocess.Popen[str]:
    """Start a report; every process that comes of it bears a mark."""
    data = str(place.project / "deals.csv")
    report = ["report", "--data", data, "--period", "2026Q1", "--lang", "fr", *place.words]
    given = [str(TINY), str(int(number)), str(delay), str(most)]
    return subprocess.Popen(
        [sys.executable, "-c", RUN, *given, *report, "--out", str(out)],
        env={**os.environ, "KPI_TEST_MARK": str(out)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def end_of(process: subprocess.Popen[str]) -> tuple[str, int]:
    """Return what a report said in the end, and its exit code."""
    with process:
        _, said = process.communicate()
    return said, process.returncode


def made(project: Path, words: tuple[str, ...] = ()) -> Place:
    """Return a project whose report was made."""
    (project / "deals.csv").write_text(DEALS, "utf-8")
    place, begun = Place(project, project / "old", words, 0), time.monotonic()
    said, code = end_of(started(place, place.old))
    assert code == 0, said
    return replace(place, seconds=time.monotonic() - begun)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return made(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="module")
def each(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Return a project with a report for each team."""
    return made(tmp_path_factory.mktemp("each"), EACH)


@pytest.fixture
def outs(place: Place, tmp_path: Path) -> list[Path]:
    """Return folders that each hold the old report."""
    return copies(place, tmp_path, MOMENTS)


def copies(place: Place, folder: Path, number: int) -> list[Path]:
    """Return copies of what was made, in folders that no other test uses."""
    folders = [folder / f"{n}-{uuid.uuid4().hex}" for n in range(number)]
    return [Path(shutil.copytree(place.old, copy)) for copy in folders]


def contents(folder: Path) -> dict[str, str]:
    """Return the files of the packs of a folder, but for the time at which they were made."""
    files = [path for path in folder.rglob("*") if path.is_file() and not is_hidden(path, folder)]
    made = re.compile(r'"generated_at": "[^"]*"')
    return {str(p.relative_to(folder)): made.sub("", p.read_text("utf-8")) for p in files}


def is_hidden(path: Path, folder: Path) -> bool:
    return path.relative_to(folder).parts[0].startswith(".")


def marked(outs: list[Path]) -> Iterator[psutil.Process]:
    """Yield the processes that a report into one of the folders has left."""
    marks = set(map(str, outs))
    for process in psutil.process_iter():
        try:
            if process.environ().get("KPI_TEST_MARK") in marks:
                yield process
        except psutil.Error:
            continue


@pytest.mark.parametrize(
    ("number", "codes"),
    [
        (signal.SIGINT, {130}),
        (signal.SIGTERM, {-signal.SIGTERM, 128 + signal.SIGTERM}),
        (signal.SIGKILL, {-signal.SIGKILL}),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_report_that_is_ended_leaves_the_old_one_and_no_process(
    place: Place, outs: list[Path], number: signal.Signals, codes: set[int]
) -> None:
    draw = random.Random(SEED + number)
    moments = [draw.uniform(0, place.seconds / 2) for _ in outs]  # the first took longest
    pairs = zip(outs, moments, strict=True)
    running = [started(place, out, number, moment) for out, moment in pairs]
    ended = [end_of(process) for process in running]
    _, alive = psutil.wait_procs(list(marked(outs)), timeout=PATIENCE)
    assert alive == []
    assert {code for _, code in ended} <= {0, *codes}
    assert any(code in codes for _, code in ended)
    assert [said for said, _ in ended if "Traceback" in said] == []
    assert all(contents(out) == contents(place.old) for out in outs)


def test_a_disk_that_is_full_leaves_the_old_report_and_a_clear_sentence(
    place: Place, outs: list[Path]
) -> None:
    page = place.old / "2026Q1" / "tiny.html"
    draw = random.Random(SEED)
    # Room for less than a kernel needs to start, and for less than the page.
    limits = [80, draw.randrange(1_000, page.stat().st_size)]
    running = [started(place, out, most=most) for out, most in zip(outs, limits, strict=False)]
    last = [(said.splitlines()[-1:], code) for said, code in map(end_of, running)]
    assert last == [([FULL], 1)] * len(limits)
    assert all(contents(out) == contents(place.old) for out in outs)
    assert [path.name for out in outs for path in out.glob(".*.new")] == []


def test_of_two_reports_at_once_one_is_made_and_the_other_says_so(
    place: Place, outs: list[Path]
) -> None:
    running = [started(place, outs[0]) for _ in range(2)]
    ended = [end_of(process) for process in running]
    assert sorted(code for _, code in ended) == [0, 1]
    assert [code for said, code in ended if "Une autre exécution est en train" in said] == [1]
    assert contents(outs[0]) == contents(place.old)


def test_a_batch_that_is_ended_leaves_whole_reports_and_no_process(
    each: Place, tmp_path: Path
) -> None:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
    outs, draw = copies(each, tmp_path, len(numbers)), random.Random(SEED)
    moments = [draw.uniform(0.3, 0.8) * each.seconds for _ in outs]
    plan = zip(outs, numbers, moments, strict=True)
    running = [started(each, out, number, moment) for out, number, moment in plan]
    ended = [end_of(process) for process in running]
    _, alive = psutil.wait_procs(list(marked(outs)), timeout=PATIENCE)
    assert alive == []
    assert all(code for _, code in ended)
    assert [said for said, _ in ended if "Traceback" in said] == []
    assert all(contents(out) == contents(each.old) for out in outs)


def test_a_batch_without_room_or_beside_another_one_leaves_the_old_reports(
    each: Place, tmp_path: Path
) -> None:
    full, both = copies(each, tmp_path, 2)
    said, code = end_of(started(each, full, most=1_000))
    assert code == 1, said
    assert said.endswith("rien n’a été écrit. Le disque est plein.\n")
    ended = [end_of(process) for process in [started(each, both) for _ in range(2)]]
    assert {code for _, code in ended} <= {0, 1}
    assert all("Une autre exécution est en train" in said for said, code in ended if code)
    assert all(contents(out) == contents(each.old) for out in (full, both))


def test_a_place_where_nothing_may_be_written_is_named(place: Place, tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_text("a file", "utf-8")
    said, code = end_of(started(place, taken))
    assert code == 1
    assert f"Rien ne peut être écrit dans {taken}" in said
    assert said.endswith(": indiquez un autre dossier avec --out.\n")
    assert taken.read_text("utf-8") == "a file"
