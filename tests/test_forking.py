"""Kernels forked from one process: the same reports as with a Python each, and none left behind."""

import os
import signal
from pathlib import Path

import duckdb
import pandas as pd
import psutil
import pytest
from jupyter_client.manager import KernelManager
from stores import as_parquet

from kpi_helpers.reports import opening, places, running
from kpi_helpers.reports.forking import can_fork
from kpi_helpers.reports.kernel import kernel, kernels
from kpi_helpers.samples import company
from kpi_helpers.sources import accounting, left_out, load, quality

BOOK = "03_competitor_benchmarking"
PATIENCE = 30
Asked = tuple[str, str, str, str, bool]

forking = pytest.mark.skipif(not can_fork(), reason="this system cannot fork kernels")


@pytest.fixture
def asked(tmp_path: Path) -> Asked:
    """Return the arguments that open a small file of deals."""
    deals = tmp_path / "deals.csv"
    deals.write_text("deal_id,created_at,status,closed_at\n1,2026-01-05,won,2026-02-01\n", "utf-8")
    return (str(deals), "", "", "en", False)


def family(manager: KernelManager) -> tuple[psutil.Process, psutil.Process]:
    """Return a forked kernel and its server."""
    own = psutil.Process(manager.provisioner.pid)
    server = own.parent()
    assert server is not None
    assert server.ppid() == os.getpid()
    return own, server


@pytest.mark.thorough
@forking
def test_a_report_says_the_same_with_a_python_for_each_notebook(tmp_path: Path) -> None:
    home = tmp_path / "data"
    home.mkdir()
    as_parquet(company(leads_a_month=10), home)
    (book,) = [path for path in places.of_reports() if path.stem == BOOK]
    given = {"data": str(home), "period": "2026Q3", "lang": "en", "by": "team"}
    plain, forked = (
        running.run(given, tmp_path / name, sources=[book], plain=name == "plain")
        for name in ("plain", "forked")
    )
    made = {path.relative_to(plain) for path in plain.rglob("*.*")} - {Path("run.json")}
    assert made == {path.relative_to(forked) for path in forked.rglob("*.*")} - {Path("run.json")}
    assert len(made) >= 8
    for name in made:
        assert (plain / name).read_bytes() == (forked / name).read_bytes(), name


@forking
def test_kernels_end_with_the_report_that_fails(asked: Asked) -> None:
    found: set[psutil.Process] = set()

    def fail() -> None:
        with kernels(asked) as ask, kernel({}, ask) as first, kernel({}, ask) as second:
            found.update(family(first), family(second))
            assert len(found) == 3
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert not any(each.is_running() for each in found)


@pytest.mark.thorough
@forking
def test_a_kernel_ends_when_its_server_is_killed(asked: Asked) -> None:
    with kernels(asked) as ask, kernel({}, ask) as manager:
        own, server = family(manager)
        server.send_signal(signal.SIGKILL)
        assert psutil.wait_procs([own, server], timeout=PATIENCE)[1] == []
        assert not manager.is_alive()


def test_what_was_read_before_a_fork_is_there_after_it(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "READ", {})
    checks = opening.read(*asked)
    data = opening.opened(*asked)
    assert data is opening.opened(*asked)
    fresh = load(asked[0])
    for check in (quality, left_out, accounting):
        assert check.__name__ in data.memory
        pd.testing.assert_frame_equal(checks[check.__name__], check(fresh))
    assert data is not opening.opened(*asked[:3], "fr", False)

    folder = "SELECT current_setting('temp_directory')"
    (before,) = data.con.con.execute(folder).fetchone()
    opening.parted()
    assert data.con.con.execute(folder).fetchone() != (before,)


def test_a_database_is_opened_by_each_kernel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "crm.duckdb"
    with duckdb.connect(str(file)) as con:
        con.execute(
            "CREATE TABLE deals AS SELECT 1 deal_id, DATE '2026-01-05' created_at, 'won' status"
        )
    monkeypatch.setattr(opening, "READ", {})
    assert opening.read(str(file), "", "", "en", False) == {}
    assert opening.READ == {}
