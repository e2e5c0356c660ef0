"""Reports that really are made, each once in a run of the tests: the sample and published data."""

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from kpi_helpers.cli import main

HERE = Path(__file__).parent
REAL = Path(os.environ.get("KPI_REAL_DATA", HERE.parent.parent / "shared" / "data"))
# Words of the command ``kpi report``; a published data set brings its own settings.
PACKS = {
    "sample fr": "--period 2026Q3 --lang fr --by team",
    "sample en": "--period 2026Q3 --lang en --by team",
    "maven_crm fr": "--period 2017Q3 --lang fr --by owner",
    "maven_crm en": "--period 2017Q3 --lang en --by owner",
    "olist en": "--period 2018Q1 --lang en --by source",
    "adventureworks en": "--period 2013Q2 --lang en --by owner",
    "online_retail en": "--period 2011-10 --lang en --by region",
}


def language(name: str) -> str:
    """Return the language of a pack."""
    return name.rpartition(" ")[2]


@pytest.fixture(scope="session")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return what makes a pack of ``PACKS`` and gives its folder, made at its first use."""

    @cache
    def made(name: str) -> Path:
        out = tmp_path_factory.mktemp("pack")
        assert main(["report", *PACKS[name].split(), *_source(name), "--out", str(out)]) == 0
        (folder,) = (path for path in out.iterdir() if not path.name.startswith("."))
        return folder

    return made


def _source(name: str) -> list[str]:
    data = name.partition(" ")[0]
    if data == "sample":
        return []
    if not (REAL / data).is_dir():
        pytest.skip(f"the data set {data} is not in {REAL}: set KPI_REAL_DATA to its folder")
    return ["--data", str(REAL / data), "--config", str(HERE / "real" / f"{data}.toml")]
