"""A password given in any place is in no output: not on the terminal, in no file of a report."""

from pathlib import Path

import nbformat
import pandas as pd
import pytest

import kpi_helpers as kh
from kpi_helpers.cli import main
from kpi_helpers.errors import ReportFailed
from kpi_helpers.reports import opening, running
from kpi_helpers.sources.written import settings_text

CANARY = "c4nary-f0r-tests"
URL = f"postgresql://ann:{CANARY}@127.0.0.1:9/sales"
QUERY = f"postgresql://127.0.0.1:9/sales?user=ann&password={CANARY}"
DEALS = pd.DataFrame(
    {"deal_id": ["1"], "created_at": "2026-01-05", "status": "open", "amount": 9.0}
)
# Passwords as they stand, not as a URL writes them.
UNCLEAR = [
    *(f"{CANARY}/pre", f"pre/{CANARY}", f"pre?{CANARY}", f"pre#{CANARY}", f"pre@{CANARY}/x"),
    *(f"pre[{CANARY}]", f"pre {CANARY}", f"pre@{CANARY}", f"\uff1f{CANARY}"),
]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KPI_TEST_PASSWORD", CANARY)
    DEALS.to_csv(tmp_path / "deals.csv", index=False)
    (tmp_path / "source.toml").write_text(f'schema = 1\nsource = "{URL}"\n')
    unclear = URL.replace(CANARY, UNCLEAR[0])
    (tmp_path / "unclear.toml").write_text(f'schema = 1\nsource = "{unclear}"\n')
    (tmp_path / "password.toml").write_text(f'schema = 1\npassword = "{CANARY}"\n')
    env = 'password_env = "KPI_TEST_PASSWORD"\n'
    (tmp_path / "env.toml").write_text(
        f'schema = 1\nsource = "postgresql://ann@127.0.0.1:9/sales"\n{env}'
    )
    (tmp_path / "kept.toml").write_text(f"schema = 1\n{env}")
    return tmp_path


@pytest.mark.parametrize("lang", ["fr", "en"])
@pytest.mark.parametrize(
    "words",
    [
        ["check", URL],
        ["check", URL.replace("postgresql", "postgres")],
        ["check", URL.replace("postgresql", "mysql")],
        ["check", URL.replace(":9/", ":port/")],
        *(["check", URL.replace(CANARY, each)] for each in UNCLEAR),
        ["check", QUERY],
        ["check", "--config", "unclear.toml"],
        ["check", "--config", f"postgresql://ann:{CANARY}@host"],
        ["report", "--data", QUERY],
        ["report", "--data", "deals.csv", "--by", QUERY],
        ["check", URL, "--write", "kpi.toml"],
        ["check", "--config", "source.toml"],
        ["check", "--config", "env.toml"],
        ["check", "deals.csv", "--config", "password.toml"],
        ["report", "--data", URL],
        ["report", "--config", "source.toml"],
        ["report", "--data", "deals.csv", "--by", URL],
        ["report", "--data", "deals.csv", "--period", URL],
        ["report", "--data", "deals.csv", "--before", URL],
        ["snapshot", URL],
        ["diff", URL, URL],
        ["init", "acme", "--from", URL],
        [URL],
    ],
)
def test_the_terminal_does_not_repeat_it(
    here: Path, capsys: pytest.CaptureFixture[str], words: list[str], lang: str
) -> None:
    assert main([*words, "--lang", lang]) in (1, 2)
    said = capsys.readouterr()
    assert said.err
    assert CANARY not in said.out + said.err
    assert not (here / "kpi.toml").exists()
    assert not (here / "reports").exists()


def notebook(path: Path, code: str) -> Path:
    cells = [
        nbformat.v4.new_code_cell("data = ''\nconfig = ''\nperiod = 'last'\nlang = 'en'\n"),
        nbformat.v4.new_code_cell(code),
    ]
    cells[0].metadata["tags"] = ["parameters"]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)
    return path


def run(here: Path, code: str) -> Path:
    source = notebook(
        here / "own.ipynb", f"import os\nsecret = os.environ['KPI_TEST_PASSWORD']\n{code}"
    )
    given = {"data": "deals.csv", "config": "kept.toml", "period": "2026Q1"}
    return running.run(given, here / "out", sources=[source])


def test_what_a_notebook_prints_of_it_is_scrubbed(here: Path) -> None:
    folder = run(here, "from kpi_helpers import reports\nprint(secret)\nreports.finish()")
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert any(b"***" in path.read_bytes() for path in files)
    assert not [path for path in files if CANARY.encode() in path.read_bytes()]


def test_an_exception_that_holds_it_is_told_without_it(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ReportFailed) as error:
        run(here, "raise RuntimeError(f'cannot log in with {secret}')")
    said = capsys.readouterr()
    assert "cannot log in" in str(error.value)
    assert CANARY not in str(error.value) + error.value.render("fr") + said.out + said.err
    assert not [
        p for p in here.rglob("*") if p.is_file() and "out" in p.parts and CANARY in p.read_text()
    ]


@pytest.mark.parametrize("address", [URL, QUERY, f"postgresql://ann:{CANARY}@127.0.0.1:9"])
def test_settings_that_are_written_and_names_do_not_hold_it(address: str) -> None:
    name = opening._stem(address, "kpi.toml")
    written = settings_text(kh.load(DEALS, {"name": name, "language": "en"}), address=address)
    assert name in ("sales", "127.0.0")
    assert 'source = "postgresql://127.0.0.1:9' in written
    assert "password_env" in written
    assert "user" not in written.partition("\n# source")[2]
    assert CANARY not in written
