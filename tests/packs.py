"""Reports that really are made, each once in a run of the tests: the sample and published data."""

import os
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

import kpi_helpers as kh
from kpi_helpers.cli import main
from kpi_helpers.sources import Dataset

HERE = Path(__file__).parent
REAL = Path(os.environ.get("KPI_REAL_DATA", HERE.parent.parent / "shared" / "data"))
SAMPLE = HERE.parent / "data" / "sample"
LONGEST = 1800  # seconds that one process waits for a pack that another one makes
# Words of the command ``kpi report``; a published data set brings its own settings.
PACKS = {
    "sample fr": "--period 2026Q3 --lang fr --by team --xlsx --pptx",
    "sample en": "--period 2026Q3 --lang en --by team",
    "maven_crm en": "--period 2017Q3 --lang en --by owner",
}
# The same as parameters: one pack is looked at each time, for each takes a minute.
EACH = [
    name if name == "sample fr" else pytest.param(name, marks=pytest.mark.thorough)
    for name in PACKS
]
FRENCH_AND_ENGLISH = EACH[:2]


@pytest.fixture(scope="session")
def sample() -> Dataset:
    """Return the sample company, loaded once in a process."""
    return kh.load(SAMPLE)


def published(name: str) -> Path:
    """Return the folder of a published data set, or skip where it is not there: none is shipped."""
    if not (REAL / name).is_dir():
        pytest.skip(f"the data set {name} is not in {REAL}: set KPI_REAL_DATA to its folder")
    return REAL / name


def opened(name: str) -> Dataset:
    """Return a published data set, opened with its settings."""
    return kh.load(published(name), HERE / "real" / f"{name}.toml")


def language(name: str) -> str:
    """Return the language of a pack."""
    return name.rpartition(" ")[2]


@pytest.fixture(scope="session")
def common(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of this run that all its processes share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def pack(common: Path) -> Callable[[str], Path]:
    """Return what makes a pack of ``PACKS`` and gives its folder, made once for all processes."""

    @cache
    def made(name: str) -> Path:
        out, words = common / f"pack {name}", [*PACKS[name].split(), *_source(name)]
        _first(out, lambda: main(["report", *words, "--out", str(out)]))
        (folder,) = (path.parent for path in out.glob("[!.]*/run.json"))
        return folder

    return made


def _first(out: Path, make: Callable[[], int]) -> None:
    """Make a folder in the first process that comes; another one waits until it is there."""
    done = out.with_name(f"{out.name} done")
    try:
        out.mkdir()
    except FileExistsError:
        last = time.monotonic() + LONGEST
        while not done.exists() and time.monotonic() < last:
            time.sleep(0.2)
        assert done.read_text("utf-8") == "0", f"another process did not make {out}"
        return
    code = 1
    try:
        code = make()
    finally:
        done.write_text(str(code), "utf-8")
    assert code == 0


def _source(name: str) -> list[str]:
    data = name.partition(" ")[0]
    if data == "sample":
        return []
    return ["--data", str(published(data)), "--config", str(HERE / "real" / f"{data}.toml")]
